//! `/mails/{kind}`: the text of a mail in a language, with a preview as it is typed in.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use maud::{Markup, html};

use super::{is_edited, mail_of};
use crate::admin::Role;
use crate::console::ask::{Answer, Ask, Page};
use crate::console::page::{form, prose, visible};
use crate::console::people::parts::{kind_name, query_of, visible_lines};
use crate::definition::Mail;
use crate::invitation::{Delivery, Kind, Person, Rendered};
use crate::issue::Code;
use crate::notify::message::new_message_id;
use crate::notify::template::{Edited, Templates, known_variables};
use crate::refusal::{Refusal, Result};
use crate::sending::mailer::{Mailer, undelivered};
use crate::session::{Known, Session};
use crate::store::Store;
use crate::store::audit::Act;
use crate::store::people::Choice;
use crate::text::email;

/// Bytes of one part.
const TEXT_BYTES_MAX: usize = 200_000;

/// What is being edited.
struct Editing {
    kind: Kind,
    pipeline: String,
    mail: Mail,
    edited: Edited,
}

impl Editing {
    /// As it is kept.
    fn kept(ask: &Ask) -> Result<Option<Editing>> {
        let Some(kind) = Kind::from_name(ask.part("kind")) else {
            return Ok(None);
        };
        let pipeline = ask.query.get("pipeline").to_string();
        let mail = mail_of(&pipeline)?;
        let templates = Templates::open(&mail)?;
        let language = match ask.query.get("language") {
            "" => "en",
            language => language,
        };
        let Some(texts) = templates.texts(kind, language) else {
            return Ok(None);
        };
        Ok(Some(Editing {
            kind,
            pipeline,
            mail,
            edited: Edited {
                kind,
                language: language.to_string(),
                texts,
            },
        }))
    }

    /// As the form has it.
    fn sent(ask: &Ask) -> Result<Option<Editing>> {
        let Some(kind) = Kind::from_name(ask.part("kind")) else {
            return Ok(None);
        };
        let pipeline = ask.form.get("pipeline").to_string();
        let mail = mail_of(&pipeline)?;
        let language = ask.form.get("language").to_string();
        // Only a language that there is: its name is part of a file's.
        if Templates::open(&mail)?.texts(kind, &language).is_none() {
            return Ok(None);
        }
        let text = |name| ask.form.get(name).replace("\r\n", "\n");
        let texts = ["subject", "text", "html"].map(text);
        if texts.iter().any(|text| text.len() > TEXT_BYTES_MAX) {
            let what = "this text is longer than 200,000 bytes";
            return Err(Refusal::new(Code::MailTemplate, what).help("shorten it"));
        }
        Ok(Some(Editing {
            kind,
            pipeline,
            mail,
            edited: Edited {
                kind,
                language,
                texts,
            },
        }))
    }

    fn here(&self) -> String {
        let query = query_of(&[
            ("language", &self.edited.language),
            ("pipeline", &self.pipeline),
        ]);
        format!("/mails/{}?{query}", self.kind.name())
    }

    /// The mail as a person would get it, by the text as it is being edited.
    fn render(&self, store: &Store, person: &Person) -> Result<Rendered> {
        let named = Some(self.pipeline.as_str()).filter(|name| !name.is_empty());
        let mut mailer = Mailer::open(named, None, store)?;
        mailer.templates = Templates::open_with(&self.mail, Some(&self.edited))?;
        let person = Person {
            language: self.edited.language.clone(),
            ..person.clone()
        };
        let session = example_session();
        mailer.preview(self.kind, &person, None, Some(&session))
    }
}

/// A session for previews.
fn example_session() -> Known {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let starts_at = now.as_secs() as i64 + 7 * 24 * 3600;
    Known {
        session: Session {
            name: "First aid".to_string(),
            key: "first aid".to_string(),
            starts_at,
            ends_at: Some(starts_at + 2 * 3600),
            time_zone: "UTC".to_string(),
            place: Some("Room 1".to_string()),
            link: None,
        },
        ..Known::default()
    }
}

/// Somebody for a preview: the person who is named, else the first there is, else nobody real.
fn somebody(ask: &Ask) -> Result<Person> {
    let wanted = ask.form.get("person").trim();
    let ids = match wanted {
        "" => {
            let people = ask.store.list_people(&Choice::default(), &[], 0, 20)?;
            people.iter().map(|one| one.id).collect()
        }
        wanted => ask.store.find_known(wanted)?.0,
    };
    for id in ids {
        if let Some(person) = ask.store.find_person(id)? {
            return Ok(person);
        }
    }
    if !wanted.is_empty() {
        let what = "no person with an e-mail address matches";
        return Err(Refusal::new(Code::ExplainUnknown, what)
            .help("name an address, a username, an id, or a first and last name"));
    }
    Ok(Person {
        email: "ann@example.org".to_string(),
        name: "Ann Ng".to_string(),
        first_name: "Ann".to_string(),
        last_name: "Ng".to_string(),
        ..Person::default()
    })
}

/// `/mails/{kind}`.
pub(crate) fn page(ask: &mut Ask) -> Result<Answer> {
    let Some(editing) = Editing::kept(ask)? else {
        return Ok(Answer::Missing);
    };
    let body = html! { (editor(ask, &editing)) };
    Ok(shown(ask, &editing, body))
}

fn shown(ask: &Ask, editing: &Editing, body: Markup) -> Answer {
    let kind = kind_name(ask, editing.kind.name());
    let title = ask.tf("Mail: {kind}", &[("kind", &kind)]);
    Page::new("/mails", title, body).into()
}

/// What names the template, in each of its forms.
fn named(editing: &Editing) -> Markup {
    html! {
        input type="hidden" name="pipeline" value=(editing.pipeline);
        input type="hidden" name="language" value=(editing.edited.language);
    }
}

fn editor(ask: &Ask, editing: &Editing) -> Markup {
    let [subject, text, html_part] = &editing.edited.texts;
    let base = format!("/mails/{}", editing.kind.name());
    let is_kept = editing.mail.templates.is_some();
    let edited = is_edited(&editing.mail, editing.kind, &editing.edited.language);
    html! {
        section aria-labelledby="text-head" {
            h2 #text-head { (ask.t("Text in the language")) " " (visible(&editing.edited.language)) @if edited { " " span.badge.note { (ask.t("edited")) } } }
            (form(ask, &format!("{base}/see"), html! {
                (named(editing))
                div.field.wide { label for="subject" { (ask.t("Subject")) } input type="text" id="subject" name="subject" value=(subject.trim_end()); }
                div.field.wide { label for="text" { (ask.t("Text")) } textarea.code id="text" name="text" rows="16" spellcheck="true" { "\n" (text) } }
                div.field.wide { label for="html" { "HTML" } textarea.code id="html" name="html" rows="16" spellcheck="false" { "\n" (html_part) } }
                div.field {
                    label for="person" { (ask.t("Preview with this person (optional)")) }
                    input type="text" id="person" name="person" value=(ask.form.get("person")) aria-describedby="person-hint";
                    p.small #person-hint { (ask.t("An address, a username or a name. Otherwise somebody is taken.")) }
                }
                div.field {
                    label for="to" { (ask.t("Address for a test mail")) }
                    input type="email" id="to" name="to" value=(match ask.form.get("to") { "" => editing.mail.admin.as_deref().unwrap_or_default(), to => to });
                }
                // Whoever edits a template can make muster work and write: that is for owners.
                @if ask.may(Role::Owner) {
                    div.row {
                        button { (ask.t("Check and preview")) }
                        button.second formaction={ (base) "/send" } { (ask.t("Send me a test mail")) }
                        @if is_kept { button.second formaction={ (base) "/save" } { (ask.t("Save")) } }
                    }
                }
            }))
            @if is_kept && edited && ask.may(Role::Owner) {
                (form(ask, &format!("{base}/reset"), html! {
                    (named(editing))
                    button.second { (ask.t("Take back all edits of this text")) }
                }))
            }
            details {
                summary { (ask.t("What the text may use")) }
                ul { @for name in known_variables(editing.kind) { li { code { "{{ " (name) " }}" } } } }
            }
        }
    }
}

/// `/mails/{kind}/see`: what is wrong with the text, or the mail that it makes.
pub(crate) fn see(ask: &mut Ask) -> Result<Answer> {
    let Some(editing) = Editing::sent(ask)? else {
        return Ok(Answer::Missing);
    };
    let person = somebody(ask)?;
    let body = match editing.render(ask.store, &person) {
        Ok(rendered) => html! {
            div.good { p { (ask.t("The text is sound.")) } }
            (preview(ask, &editing, &rendered))
            (editor(ask, &editing))
        },
        Err(refusal) => html! { (problem(&refusal)) (editor(ask, &editing)) },
    };
    Ok(shown(ask, &editing, body))
}

fn problem(refusal: &Refusal) -> Markup {
    html! {
        div.problem role="alert" {
            pre { (visible_lines(&refusal.what)) }
            @if !refusal.help.is_empty() { p { (prose(&refusal.help)) } }
        }
    }
}

/// The mail. Its HTML is sent once more by a form, into the frame below its button.
fn preview(ask: &Ask, editing: &Editing, rendered: &Rendered) -> Markup {
    let [subject, text, html_part] = &editing.edited.texts;
    let action = format!("/mails/{}/html", editing.kind.name());
    html! {
        section aria-labelledby="preview" {
            h2 #preview { (ask.t("Preview")) }
            @if ask.masks() {
                div.note { p { (ask.t("The mail has this person's values. Show values to see it.")) } }
            } @else {
                dl { dt { (ask.t("Subject")) } dd { strong { (visible(&rendered.subject)) } } }
                pre { (visible_lines(&rendered.text)) }
                (form(ask, &action, html! {
                    (named(editing))
                    @for (name, value) in [("subject", subject), ("text", text), ("html", html_part)] {
                        input type="hidden" name=(name) value=(value);
                    }
                    input type="hidden" name="person" value=(ask.form.get("person"));
                    button.second formtarget="mail" { (ask.t("Show it as HTML")) }
                }))
                iframe.mail name="mail" title=(ask.t("The mail as HTML")) sandbox="" {}
            }
        }
    }
}

/// `/mails/{kind}/html`: the HTML of the mail, for the frame.
pub(crate) fn html(ask: &mut Ask) -> Result<Answer> {
    let Some(editing) = Editing::sent(ask)? else {
        return Ok(Answer::Missing);
    };
    if ask.masks() {
        return Ok(Answer::Missing);
    }
    let rendered = editing.render(ask.store, &somebody(ask)?)?;
    Ok(Answer::Mail(rendered.html))
}

/// `/mails/{kind}/save`: keeps the text, if it is sound.
pub(crate) fn save(ask: &mut Ask) -> Result<Answer> {
    let Some(editing) = Editing::sent(ask)? else {
        return Ok(Answer::Missing);
    };
    let Some(folder) = &editing.mail.templates else {
        return Err(folderless());
    };
    if let Err(refusal) = Templates::open_with(&editing.mail, Some(&editing.edited)) {
        let body = html! { (problem(&refusal)) (editor(ask, &editing)) };
        return Ok(shown(ask, &editing, body));
    }
    editing.edited.write(Path::new(folder))?;
    note(ask, &editing, "mails save")?;
    Ok(Answer::See(editing.here()))
}

/// `/mails/{kind}/reset`: takes back what was edited.
pub(crate) fn as_it_came(ask: &mut Ask) -> Result<Answer> {
    let Some(editing) = Editing::sent(ask)? else {
        return Ok(Answer::Missing);
    };
    let Some(folder) = &editing.mail.templates else {
        return Err(folderless());
    };
    editing.edited.remove(Path::new(folder))?;
    note(ask, &editing, "mails reset")?;
    Ok(Answer::See(editing.here()))
}

/// What the audit says of it.
fn note(ask: &mut Ask, editing: &Editing, action: &str) -> Result<()> {
    let about = format!("{}/{}", editing.kind.name(), editing.edited.language);
    ask.acts(action, "");
    ask.store.audit(&Act::about(about))
}

fn folderless() -> Refusal {
    Refusal::new(
        Code::MailSettings,
        "the pipeline has no folder for edited texts",
    )
    .help("set `templates` under `[mail]`")
}

/// `/mails/{kind}/send`: the mail to an address of the administrator's own. Its link opens nothing.
pub(crate) fn send(ask: &mut Ask) -> Result<Answer> {
    let Some(editing) = Editing::sent(ask)? else {
        return Ok(Answer::Missing);
    };
    let to = ask.form.get("to").trim().to_string();
    let Some(key) = email::key(&to) else {
        let what = "this is not an e-mail address";
        return Err(
            Refusal::new(Code::UsageInvalid, what).help("type the address for the test mail")
        );
    };
    if ask.store.is_suppressed(&key)? {
        let what = "this address is on the list of those that are never mailed";
        return Err(Refusal::new(Code::MailSettings, what).help("choose another one"));
    }
    let rendered = editing.render(ask.store, &somebody(ask)?)?;
    let named = Some(editing.pipeline.as_str()).filter(|name| !name.is_empty());
    let mailer = Mailer::open(named, None, ask.store)?;
    let id = new_message_id(mailer.sender.domain())?;
    let recipient = Person {
        email: to,
        ..Person::default()
    };
    let message = mailer.compose(&rendered, &recipient, &[], &id)?;
    match mailer.deliver(&message)? {
        Delivery::Sent { .. } => {}
        ended => return Err(undelivered(ended)),
    }
    note(ask, &editing, "mails test")?;
    let body = html! {
        div.good { p { (ask.t("The test mail went")) " " (prose(&mailer.way())) "." } }
        (editor(ask, &editing))
    };
    Ok(shown(ask, &editing, body))
}
