//! `/inbox`: the mails of the outbox, as the people get them who were invited. Only the demo has it:
//! whoever reads a mail can use its link.

#![expect(clippy::unnecessary_wraps, reason = "handlers have one type")]

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use mail_parser::{Address, Message, MessageParser};
use maud::{Markup, html};

use super::ask::{Answer, Ask, Page};
use super::page::{encoded, visible};
use crate::notify::outbox;
use crate::refusal::Result;

/// The most mails that are listed, newest first.
const LISTED: usize = 200;
/// The most bytes of a mail.
const MAIL_BYTES_MAX: u64 = 1 << 20;

/// The newest mails: the name of each file, and its bytes.
fn mails(home: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(outbox::folder_in(home));
    let mut found: Vec<(SystemTime, PathBuf)> = entries
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let about = entry.metadata().ok()?;
            let is_mail = entry.path().extension()? == "eml" && about.len() <= MAIL_BYTES_MAX;
            is_mail.then_some((about.modified().ok()?, entry.path()))
        })
        .collect();
    found.sort();
    let newest = found.into_iter().rev().take(LISTED);
    newest
        .filter_map(|(_, path)| {
            let name = path.file_stem()?.to_str()?.to_string();
            Some((name, std::fs::read(path).ok()?))
        })
        .collect()
}

/// `/inbox`.
pub(super) fn page(ask: &mut Ask) -> Result<Answer> {
    if !ask.app.inbox {
        return Ok(Answer::Missing);
    }
    let mails = mails(&ask.app.home);
    let parser = MessageParser::default();
    let body = html! {
        p { (ask.t("The demo sends no mail. Here is what people would get.")) }
        section {
            @if mails.is_empty() {
                p { (ask.t("No mail yet. Invite somebody from the page of a run.")) }
            } @else {
                div.scroll { table {
                    caption.hidden { (ask.t("Mails")) }
                    thead { tr { th scope="col" { (ask.t("To")) } th scope="col" { (ask.t("Subject")) } th scope="col" { (ask.t("Sent")) } } }
                    tbody { @for (name, bytes) in &mails { @if let Some(mail) = parser.parse(bytes) { tr {
                        td { (visible(&to(&mail))) }
                        th scope="row" { a href={ "/inbox/" (encoded(name)) } { (visible(mail.subject().unwrap_or_default())) } }
                        td { @if let Some(date) = mail.date() { (ask.time(&date.to_rfc3339())) } }
                    } } } }
                } }
            }
        }
    };
    Ok(Page::new("/inbox", ask.t("Inbox"), body).into())
}

fn to(mail: &Message) -> String {
    let first = mail.to().and_then(Address::first);
    let address = first.and_then(|to| to.address());
    address.unwrap_or_default().to_string()
}

/// The mail of the path.
fn asked(ask: &Ask) -> Option<Vec<u8>> {
    let wanted = ask.part("mail");
    let mut mails = mails(&ask.app.home).into_iter();
    let found = mails.find(|(name, _)| ask.app.inbox && name == wanted);
    found.map(|(_, bytes)| bytes)
}

/// `/inbox/{mail}`.
pub(super) fn mail(ask: &mut Ask) -> Result<Answer> {
    let Some(bytes) = asked(ask) else {
        return Ok(Answer::Missing);
    };
    let Some(mail) = MessageParser::default().parse(&bytes) else {
        return Ok(Answer::Missing);
    };
    let text = mail.body_text(0).unwrap_or_default();
    let frame = format!("/inbox/{}/html", encoded(ask.part("mail")));
    let body = html! {
        section {
            p { (ask.t("To")) ": " (visible(&to(&mail))) }
            (links(ask, &text))
            iframe.mail src=(frame) title=(ask.t("The mail as HTML")) sandbox="" {}
            details { summary { (ask.t("The mail as text")) } pre { (visible(&text)) } }
        }
        p { a href="/inbox" { (ask.t("All mails")) } }
    };
    let title = mail.subject().unwrap_or_default();
    Ok(Page::new("/inbox", title, body).into())
}

/// The links of a mail to this machine, as the mail itself can't open any here.
fn links(ask: &Ask, text: &str) -> Markup {
    let words = text.split_whitespace();
    let links: Vec<&str> = words
        .filter(|word| word.starts_with("http://127.0.0.1") || word.starts_with("http://localhost"))
        .collect();
    html! { @for link in links { p { a.button href=(link) target="_blank" rel="noopener noreferrer" { (ask.t("Open the link of this mail")) } } } }
}

/// `/inbox/{mail}/html`.
pub(super) fn as_html(ask: &mut Ask) -> Result<Answer> {
    let Some(bytes) = asked(ask) else {
        return Ok(Answer::Missing);
    };
    let mail = MessageParser::default().parse(&bytes);
    let html = mail.and_then(|mail| mail.body_html(0).map(|html| html.into_owned()));
    Ok(html.map_or(Answer::Missing, Answer::Mail))
}
