//! The pages: one form and a few sentences, without a script and without anything from elsewhere.
//!
//! Values are escaped by maud and are in `<bdi>` or a field of their own direction. No page
//! contains the token: the form is sent to the address of its page.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::definition::Mail;
use crate::invitation::Kind;
use crate::notify::template;
use crate::password;
use crate::serve::words::{Words, fill};
use crate::stages::validate::VALUE_CHARS_MAX;
use crate::store::acceptance::{Enrolled, Invited};

/// The pages' only style sheet; it is in each of them as it is, allowed by its hash.
pub(super) const STYLE: &str = include_str!("page.css");
/// The most groups, or sessions, that a page names.
const LISTED_MAX: usize = 20;
/// A tick in a circle.
const SIGN: &str = r#"<svg class="sign" viewBox="0 0 44 44" aria-hidden="true"><circle cx="22" cy="22" r="20" fill="none" stroke="currentColor" stroke-width="3"/><path d="M13 23l6.5 6.5L32 17" fill="none" stroke="currentColor" stroke-width="3.5" stroke-linecap="round" stroke-linejoin="round"/></svg>"#;

/// Whose pages they are.
pub(super) struct Branding {
    product: Option<String>,
    contact: Option<String>,
    chars_min: String,
}

impl Branding {
    /// As the pipeline's `[mail]` says.
    pub(super) fn new(mail: &Mail) -> Branding {
        let named = mail.product != Mail::default().product;
        Branding {
            product: named.then(|| mail.product.clone()),
            contact: mail.contact.clone(),
            chars_min: mail.password_min.to_string(),
        }
    }

    /// The product, by its name or in the language's words.
    fn product<'a>(&'a self, words: &Words) -> &'a str {
        self.product.as_deref().unwrap_or(words.product)
    }

    fn fill(&self, words: &Words, text: &str) -> String {
        let blanks = [("product", self.product(words)), ("min", &self.chars_min)];
        fill(text, &blanks)
    }
}

/// What is wrong with a form that was sent; nothing when it is shown for the first time.
#[derive(Default)]
pub(super) struct Problems {
    /// With all of it.
    pub form: Option<&'static str>,
    /// With the first name.
    pub first_name: Option<&'static str>,
    /// With the last name.
    pub last_name: Option<&'static str>,
    /// With the password.
    pub password: Option<&'static str>,
}

impl Problems {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        let all = [self.form, self.first_name, self.last_name, self.password];
        all.iter().all(Option::is_none)
    }
}

/// The page of a link that works. `names` are the first and the last name to show, `secret` is the
/// one that the form's cookie has, too.
pub(super) fn form(
    branding: &Branding,
    words: &Words,
    invited: &Invited,
    names: [&str; 2],
    problems: &Problems,
    secret: &str,
) -> String {
    let [title, lead] = words.form(invited.kind);
    let title = branding.fill(words, title);
    let button = match invited.kind {
        Kind::Invite => words.invite_button,
        _ => words.reset_button,
    };
    let head_title = match problems.is_empty() {
        true => title.clone(),
        false => format!("{}: {title}", words.error),
    };
    let content = html! {
        h1 { (title) }
        p { (branding.fill(words, lead)) }
        @if !problems.is_empty() {
            p.alert role="alert" { (problems.form.unwrap_or(words.look_again)) }
        }
        dl {
            @if !invited.email.is_empty() { div { dt { (words.email) } dd { (address(&invited.email)) } } }
            @if !invited.username.is_empty() && invited.username != invited.email {
                div { dt { (words.username) } dd { bdi { (invited.username) } } }
            }
            @if invited.kind == Kind::Invite { (belongings(words, invited)) }
        }
        form method="post" {
            input type="hidden" name="form" value=(secret);
            // Password managers look for it, and people see it above.
            input type="text" name="username" autocomplete="username" value=(invited.sign_in_name()) readonly hidden;
            @if invited.kind == Kind::Invite {
                div.names {
                    (name(words.first_name, "first_name", "given-name", names[0], problems.first_name))
                    (name(words.last_name, "last_name", "family-name", names[1], problems.last_name))
                }
            }
            (password_field(branding, words, problems))
            button type="submit" { (button) }
        }
    };
    page(branding, words, &head_title, content)
}

/// The groups and sessions that somebody is invited to.
fn belongings(words: &Words, invited: &Invited) -> Markup {
    let list = |label: &str, values: &[String]| {
        let more = values.len().saturating_sub(LISTED_MAX);
        html! {
            @if !values.is_empty() {
                div {
                    dt { (label) }
                    dd {
                        @for (index, value) in values.iter().take(LISTED_MAX).enumerate() {
                            @if index > 0 { br; }
                            bdi { (value) }
                        }
                        @if more > 0 { br; "+ " (more) }
                    }
                }
            }
        }
    };
    let session = |one: &Enrolled| {
        let starts = template::time_in(one.starts_at, &one.time_zone, words.tag);
        format!("{}, {starts}", one.name)
    };
    let sessions: Vec<String> = invited.sessions.iter().map(session).collect();
    html! { (list(words.groups, &invited.groups)) (list(words.sessions, &sessions)) }
}

fn name(label: &str, id: &str, autocomplete: &str, value: &str, problem: Option<&str>) -> Markup {
    let problem_id = format!("{id}-problem");
    html! {
        div {
            label for=(id) { (label) }
            @if let Some(problem) = problem {
                p.problem id=(problem_id) { (fill(problem, &[("max", &VALUE_CHARS_MAX.to_string())])) }
            }
            input id=(id) name=(id) type="text" autocomplete=(autocomplete) dir="auto" required
                value=(value)
                aria-invalid=[problem.map(|_| "true")]
                aria-describedby=[problem.map(|_| &problem_id)]
                autofocus[problem.is_some()];
        }
    }
}

fn password_field(branding: &Branding, words: &Words, problems: &Problems) -> Markup {
    let problem = problems.password;
    let described = match problem {
        Some(_) => "password-rules password-problem",
        None => "password-rules",
    };
    let product = branding.product(words);
    let max = password::CHARS_MAX.to_string();
    let blanks = [
        ("product", product),
        ("min", branding.chars_min.as_str()),
        ("max", &max),
    ];
    // The focus goes to the first field that is wrong.
    let focus = problem.is_some() && problems.first_name.is_none() && problems.last_name.is_none();
    html! {
        div {
            label for="password" { (words.password) }
            p.hint id="password-rules" { (fill(words.rules, &blanks)) }
            @if let Some(problem) = problem {
                p.problem id="password-problem" { (fill(problem, &blanks)) }
            }
            // No `maxlength`: a browser would cut what is pasted, and say nothing.
            input id="password" name="password" type="password" autocomplete="new-password" required
                minlength=(branding.chars_min) spellcheck="false" autocapitalize="none"
                aria-describedby=(described)
                aria-invalid=[problem.map(|_| "true")]
                autofocus[focus];
        }
    }
}

/// The page after a link was used.
pub(super) fn done(branding: &Branding, words: &Words, invited: &Invited) -> String {
    let texts = match invited.kind {
        Kind::Invite => words.invite_done,
        _ => words.reset_done,
    };
    let sentences = sentences(branding, words, texts, invited.sign_in_name());
    let content = html! { (PreEscaped(SIGN)) (sentences) };
    page(branding, words, texts.first().unwrap_or(&""), content)
}

/// A page without a form: `texts` are a title, and paragraphs.
pub(super) fn message(branding: &Branding, words: &Words, texts: &[&str]) -> String {
    let content = sentences(branding, words, texts, "");
    page(branding, words, texts.first().unwrap_or(&""), content)
}

fn sentences(branding: &Branding, words: &Words, texts: &[&str], email: &str) -> Markup {
    let paragraph = |text: &str| {
        let (before, behind) = text.split_once("{email}").unwrap_or((text, ""));
        html! {
            p {
                (branding.fill(words, before))
                @if before.len() < text.len() { (address(email)) }
                (branding.fill(words, behind))
            }
        }
    };
    html! {
        @for (index, text) in texts.iter().enumerate() {
            @if index == 0 { h1 { (branding.fill(words, text)) } } @else { (paragraph(text)) }
        }
    }
}

/// An address that breaks before its domain, if anywhere.
fn address(email: &str) -> Markup {
    let at = email.rfind('@').unwrap_or(0);
    html! { bdi { (email[..at]) wbr; (email[at..]) } }
}

fn page(branding: &Branding, words: &Words, title: &str, content: Markup) -> String {
    let product = branding.product.as_deref();
    html! {
        (DOCTYPE)
        html lang=(words.tag) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex, nofollow";
                title { (title) @if let Some(product) = product { " – " (product) } }
                style { (PreEscaped(STYLE)) }
            }
            body {
                @if let Some(product) = product { header { bdi { (product) } } }
                main { (content) }
                @if let Some(contact) = &branding.contact {
                    footer { p { (words.questions) " " (link(contact)) } }
                }
            }
        }
    }
    .into_string()
}

/// A contact as a link, if it can be one.
fn link(contact: &str) -> Markup {
    let address = match contact {
        url if url.starts_with("https://") || url.starts_with("mailto:") => Some(url.to_string()),
        email if email.contains('@') && !email.contains([' ', ':', '?', '<']) => {
            Some(format!("mailto:{email}"))
        }
        _ => None,
    };
    let shown = contact.trim_start_matches("mailto:");
    html! {
        @match address {
            Some(address) => a href=(address) rel="noreferrer" { bdi { (shown) } },
            None => bdi { (contact) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Branding, Problems, STYLE, done, form, link};
    use crate::definition::Mail;
    use crate::invitation::Kind;
    use crate::serve::words::choose;
    use crate::store::acceptance::{Enrolled, Invited};

    #[test]
    fn values_cannot_change_the_page_around_them() {
        let evil = "<script>\"'&</style>";
        let mail = Mail {
            product: evil.to_string(),
            contact: Some(format!("javascript:{evil}@x")),
            ..Mail::default()
        };
        let invited = Invited {
            kind: Kind::Invite,
            first_name: evil.to_string(),
            last_name: String::new(),
            email: format!("{evil}@x"),
            username: evil.to_string(),
            language: String::new(),
            groups: vec![evil.to_string(); 30],
            sessions: vec![Enrolled {
                name: evil.to_string(),
                starts_at: 1_797_237_000,
                time_zone: "Europe/Paris".to_string(),
            }],
        };
        let branding = Branding::new(&mail);
        for language in ["en", "de", "fr", "es"] {
            let words = choose(language, "");
            let names = [evil, evil];
            let pages = [
                form(
                    &branding,
                    words,
                    &invited,
                    names,
                    &Problems::default(),
                    evil,
                ),
                done(&branding, words, &invited),
            ];
            for page in pages {
                let page = page.replacen(STYLE, "", 1);
                assert!(
                    !page.contains("<script") && !page.contains("\"'&<"),
                    "{page}"
                );
                assert_eq!(page.matches("</style>").count(), 1);
                assert!(page.contains(&format!("<html lang=\"{language}\">")));
                assert!(!page.contains('{') && !page.contains('}'), "{page}");
                assert!(!page.contains("href=\"javascript"), "{page}");
            }
        }
        assert_eq!(
            link("help@a.example").into_string(),
            r#"<a href="mailto:help@a.example" rel="noreferrer"><bdi>help@a.example</bdi></a>"#
        );
    }
}
