//! The frame of every page, and the pieces that pages share.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::ask::{Ask, Page};
use super::paths::without_folders;
use super::words;
use crate::admin::Role;
use crate::notify::token::Token;
use crate::refusal::Refusal;
pub(super) use crate::report::html::visible;

/// The pages' only style sheet; it is in each of them as it is, allowed by its hash.
pub(super) const STYLE: &str = include_str!("console.css");
/// The pages' only script, likewise. Everything works without it.
pub(super) const SCRIPT: &str = include_str!("console.js");

/// The places of the navigation, with the least role that sees them.
const PLACES: [(&str, &str, Role); 8] = [
    ("/", "Overview", Role::Reader),
    ("/import", "Import", Role::Operator),
    ("/runs", "Runs", Role::Reader),
    ("/people", "People", Role::Reader),
    ("/groups", "Groups", Role::Reader),
    ("/invitations", "Invitations", Role::Reader),
    ("/mails", "Mails", Role::Reader),
    ("/settings", "Settings", Role::Reader),
];

/// What the frame of a page shows of its viewer.
pub(super) struct Frame {
    language: &'static str,
    /// Nobody, on pages outside.
    viewer: Option<Viewer>,
}

struct Viewer {
    name: String,
    role: Role,
    secret: String,
    shows_values: bool,
    /// Whether there is an inbox to look into.
    has_inbox: bool,
    path: String,
}

impl Frame {
    /// For somebody who isn't signed in.
    pub(super) fn outside(language: &'static str) -> Frame {
        Frame {
            language,
            viewer: None,
        }
    }

    /// For who asks.
    pub(super) fn of(ask: &Ask) -> Frame {
        Frame {
            language: ask.language,
            viewer: Some(Viewer {
                name: ask.session.name.clone(),
                role: ask.session.role,
                secret: ask.session.secret.clone(),
                shows_values: ask.session.shows_values,
                has_inbox: ask.app.inbox,
                path: ask.path.clone(),
            }),
        }
    }

    /// `english` in the viewer's language.
    pub(super) fn t(&self, english: &'static str) -> &'static str {
        words::look_up(self.language, english)
    }
}

/// The whole page.
pub(super) fn render(frame: &Frame, page: &Page) -> String {
    html! {
        (DOCTYPE)
        html lang=(frame.language) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="format-detection" content="telephone=no, date=no, address=no, email=no";
                @if let Some(seconds) = page.again_after {
                    noscript { meta http-equiv="refresh" content=(seconds); }
                }
                title { (page.title) " · muster" }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { (frame.t("Skip to the content")) }
                (top(frame, page.here))
                main.wrap id="content" tabindex="-1" {
                    h1 { (visible(&page.title)) }
                    (page.body)
                }
                (bottom(frame, page.help))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
}

fn top(frame: &Frame, here: &str) -> Markup {
    html! {
        header.top { div.wrap {
            a.brand href="/" { "muster" }
            @if let Some(viewer) = &frame.viewer {
                nav aria-label=(frame.t("Main")) { ul {
                    @for (path, name, role) in PLACES {
                        @if viewer.role >= role {
                            li { a href=(path) aria-current=[(path == here).then_some("page")] { (frame.t(name)) } }
                        }
                    }
                    @if viewer.has_inbox { li { a href="/inbox" aria-current=[(here == "/inbox").then_some("page")] { (frame.t("Inbox")) } } }
                } }
            }
        } }
    }
}

fn bottom(frame: &Frame, help: &str) -> Markup {
    html! {
        footer.wrap {
            @if let Some(viewer) = &frame.viewer {
                p {
                    @if viewer.name.is_empty() { (frame.t("signed in on this machine")) } @else { (visible(&viewer.name)) " (" (viewer.role.name()) ")" }
                }
                @if viewer.role >= Role::Operator {
                    form method="post" action="/values" {
                        (hidden(&viewer.secret))
                        input type="hidden" name="to" value=(viewer.path);
                        button.plain { (frame.t(if viewer.shows_values { "Mask values" } else { "Show values" })) }
                    }
                }
                form method="post" action="/sign-out" {
                    (hidden(&viewer.secret))
                    button.plain { (frame.t("Sign out")) }
                }
                p { a href={ "/help#" (help.trim_start_matches('/')) } { (frame.t("Help")) } }
            }
        }
    }
}

/// What makes a form one of this session's, to be carried out once.
pub(super) fn hidden(secret: &str) -> Markup {
    // Without randomness the form isn't taken, and nothing else happens.
    let nonce = Token::new().map_or_else(|_| String::new(), |token| token.text());
    html! {
        input type="hidden" name="secret" value=(secret);
        input type="hidden" name="nonce" value=(nonce);
    }
}

/// A form that posts to `action`.
pub(super) fn form(ask: &Ask, action: &str, body: Markup) -> Markup {
    html! {
        form method="post" action=(action) {
            (hidden(&ask.session.secret))
            (body)
        }
    }
}

/// The command that does what the page shows. Its files are named without their folders.
pub(super) fn command(ask: &Ask, command: &str) -> Markup {
    html! { p.shell { (ask.t("In a shell:")) " " code { (visible(&without_folders(command))) } } }
}

/// Text in which backticks surround names and values. Files are named without their folders.
pub(super) fn prose(text: &str) -> Markup {
    crate::report::html::prose(&without_folders(text))
}

/// What a command said, likewise.
pub(super) fn said(text: &str) -> Markup {
    visible(&without_folders(text))
}

/// Where values of people are masked: what that means, and the way to see them.
pub(super) fn masked(ask: &Ask) -> Markup {
    if !ask.masks() {
        return html! {};
    }
    html! {
        div.note.masked {
            @if ask.may(Role::Operator) {
                p { (ask.t("Values of people are masked on this page. If you show them, all pages have them in full until you mask them again. The audit log notes that you did.")) }
                (form(ask, "/values", html! {
                    input type="hidden" name="to" value=(ask.path);
                    button.second { (ask.t("Show values")) }
                }))
            } @else {
                p { (ask.t("Values of people are masked on this page. You need the role operator to see them.")) }
            }
        }
    }
}

/// Text as it may be in a URL's query or path: all but unreserved characters are percent-encoded
/// (RFC 3986, section 2.3).
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// There is nothing at that address.
pub(super) fn missing(ask: &Ask) -> Page {
    Page::new(
        "",
        ask.t("This page doesn't exist"),
        html! { p { a href="/" { (ask.t("Go to the overview")) } } },
    )
}

/// The viewer's role is too low.
pub(super) fn forbidden(ask: &Ask, needed: Role) -> Page {
    let text = "Your role is {role}. This needs the role {needed}.";
    let role = ask.session.role.name();
    let text = ask.tf(text, &[("role", &role), ("needed", &needed.name())]);
    Page::new(
        "",
        ask.t("You may not do this"),
        html! { p { (text) } p { a href="/" { (ask.t("Go to the overview")) } } },
    )
}

/// A form without this session's secret.
pub(super) fn foreign(ask: &Ask) -> Page {
    let text = "It is from an older page or another site. Nothing was done. Reload the page and send it again.";
    Page::new(
        "",
        ask.t("This form can't be taken"),
        html! { p { (ask.t(text)) } p { a href="/" { (ask.t("Go to the overview")) } } },
    )
}

/// A form that was sent twice, while the first is being carried out.
pub(super) fn under_way(ask: &Ask) -> Page {
    let text = "The form was sent twice. Wait a moment, then reload this page.";
    Page::new(
        "",
        ask.t("This is being done already"),
        html! { p { (ask.t(text)) } },
    )
}

/// A form with what made another one be carried out once.
pub(super) fn already_sent(ask: &Ask) -> Page {
    let text = "It was sent before, from another page. Nothing was done now. Reload the page, and send it again.";
    Page::new(
        "",
        ask.t("This form was already sent"),
        html! { p { (ask.t(text)) } p { a href="/" { (ask.t("Go to the overview")) } } },
    )
}

/// The database can't be reached, or was stopped.
pub(super) fn away(frame: &Frame, is_stopped: bool) -> Page {
    let (title, text) = match is_stopped {
        true => (
            "The database is stopped",
            "Somebody stopped it, or the machine was restarted. Nothing is lost. Start it with `muster db start`, then reload this page.",
        ),
        false => (
            "The database can't be reached",
            "Nothing is lost. Reload this page in a moment.",
        ),
    };
    let body = html! { p { (prose(frame.t(text))) } };
    Page::new("", frame.t(title), body)
}

/// Why something can't be done.
pub(super) fn refusal(frame: &Frame, refusal: &Refusal) -> Page {
    let body = html! {
        div.problem role="alert" {
            @if frame.language != "en" { p { (prose(frame.t(refusal.code.title()))) } }
            p { strong { (prose(&refusal.what)) } }
            @for line in refusal.help.lines() { p { (prose(line)) } }
        }
        p.small { (frame.t("The code of this problem is")) " " code { (refusal.code.name()) } "." }
        p { a href="/" { (frame.t("Go to the overview")) } }
    };
    Page::new("", frame.t("This can't be done"), body)
}
