//! A request as a page sees it, and what a page gives back.

use std::borrow::Cow;
use std::sync::Arc;

use maud::{Markup, html};

use super::{App, words};
use crate::admin::Role;
use crate::issue::Code;
use crate::refusal::Result;
use crate::store::Store;
use crate::store::audit::Acting;
use crate::store::console::Session;

/// Names and values of a query or a form, in the order in which they came.
///
/// Not `Debug`: a form may hold a password.
#[derive(Default, Clone)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The first value of that name; empty where there is none.
    pub fn get(&self, name: &str) -> &str {
        let mut named = self.0.iter().filter(|(key, _)| key == name);
        named.next().map_or("", |(_, value)| value)
    }

    /// All values of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
        let named = self.0.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.as_str())
    }

    /// Whether a value of that name was sent.
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// A whole number; `or` where there is none.
    pub fn number(&self, name: &str, or: u64) -> u64 {
        self.get(name).parse().unwrap_or(or)
    }
}

/// One request of somebody who is signed in.
pub struct Ask<'a> {
    /// What all requests share.
    pub app: &'a Arc<App>,
    /// A store of this request's own.
    pub store: &'a mut Store,
    /// Who asks.
    pub session: Session,
    /// `en` or `de`.
    pub language: &'static str,
    /// The path as it was asked for, with its query.
    pub path: String,
    /// The named parts of the path.
    pub parts: Vec<(&'static str, String)>,
    /// What follows the `?`.
    pub query: Fields,
    /// The form that was sent; empty for a page.
    pub form: Fields,
    /// The network address of the browser.
    pub address: String,
    /// Where the browser finds the console, such as `http://127.0.0.1:8481`.
    pub origin: String,
}

impl Ask<'_> {
    /// A named part of the path, such as `run`.
    pub fn part(&self, name: &str) -> &str {
        let part = self.parts.iter().find(|(key, _)| *key == name);
        part.map_or("", |(_, value)| value.as_str())
    }

    /// `english` in the viewer's language.
    pub fn t(&self, english: &'static str) -> &'static str {
        words::look_up(self.language, english)
    }

    /// The same with `{name}` replaced by a value each.
    pub fn tf(&self, english: &'static str, blanks: &[(&str, &dyn std::fmt::Display)]) -> String {
        words::fill(self.t(english), blanks)
    }

    /// What a code means, in the viewer's language; a code that isn't known as it is.
    pub fn title<'a>(&self, code: &'a str) -> &'a str {
        let found = Code::ALL.iter().find(|known| known.name() == code);
        found.map_or(code, |code| self.t(code.title()))
    }

    /// What a pass, a run or the time line says, in the viewer's language.
    pub fn said<'a>(&self, text: &'a str) -> Cow<'a, str> {
        words::said(self.language, text)
    }

    /// Whether values of people are masked on this page.
    pub fn masks(&self) -> bool {
        !(self.session.shows_values && self.may(Role::Operator))
    }

    /// Whether the viewer may do what `role` may.
    pub fn may(&self, role: Role) -> bool {
        self.session.role >= role
    }

    /// A time in the viewer's zone; `rfc3339` as it is where it is none.
    pub fn time(&self, rfc3339: &str) -> Markup {
        match rfc3339.parse::<jiff::Timestamp>() {
            Ok(time) => html! { time datetime=(time) { (self.time_text(time)) } },
            Err(_) => html! { (rfc3339) },
        }
    }

    /// A time in the viewer's zone, as text.
    pub fn time_text(&self, time: jiff::Timestamp) -> String {
        let zone = jiff::tz::TimeZone::get(&self.session.time_zone);
        let zone = zone.unwrap_or(jiff::tz::TimeZone::UTC);
        let is_utc = zone.iana_name().is_none_or(|name| name == "UTC");
        let local = time.to_zoned(zone);
        let pattern = if self.language == "de" {
            "%d.%m.%Y, %H:%M"
        } else {
            "%-d %b %Y, %H:%M"
        };
        let utc = if is_utc { " UTC" } else { "" };
        format!("{}{utc}", local.strftime(pattern))
    }

    /// `1,234` or `1.234`.
    pub fn number(&self, number: u64) -> String {
        let grouped = crate::report::human::grouped(number);
        if self.language == "de" {
            grouped.replace(',', ".")
        } else {
            grouped
        }
    }

    /// A number with what it counts: one, or several as `{n} people`.
    pub fn counted(&self, n: u64, one: &'static str, many: &'static str) -> String {
        match n {
            1 => self.t(one).to_string(),
            n => self.tf(many, &[("n", &self.number(n))]),
        }
    }

    /// What the audit calls what is done now, and the command that it equals, without personal
    /// values. Without this, the action is the path of the request.
    pub fn acts(&mut self, action: &str, command: &str) {
        let acting = Acting {
            who: self.who(),
            session: Some(self.session.id),
            address: Some(self.address.clone()),
            action: action.to_string(),
            command: command.to_string(),
        };
        self.store.act_as(acting);
    }

    /// A time in the viewer's zone, of microseconds since 1970.
    pub fn time_of(&self, micros: i64) -> Markup {
        let time = jiff::Timestamp::from_microsecond(micros);
        time.map_or_else(|_| html! {}, |time| self.time(&time.to_string()))
    }

    /// How the audit names who asks.
    pub fn who(&self) -> String {
        who(&self.session)
    }
}

/// How the audit names whose session it is.
pub fn who(session: &Session) -> String {
    match session.name.as_str() {
        "" => "console:local".to_string(),
        name => format!("console:{name}"),
    }
}

/// What a page gives back.
pub enum Answer {
    /// A page.
    Page(Page),
    /// A page that says that something was tried too often.
    TooMany(Page),
    /// After a form: where its result is.
    See(String),
    /// A file to save.
    File(Download),
    /// JSON for the page's script.
    Json(String),
    /// The HTML of a mail, shown in a frame in which nothing runs and nothing is loaded.
    Mail(String),
    /// There is nothing at that address.
    Missing,
}

/// A page without its frame.
pub struct Page {
    /// The heading.
    pub title: String,
    /// Which place of the navigation it belongs to, such as `/runs`.
    pub here: &'static str,
    /// The section of the help that is about it.
    pub help: &'static str,
    /// Everything below the heading.
    pub body: Markup,
    /// Whether it answers a form that can't be carried out as it was sent.
    pub refuses: bool,
    /// After how many seconds a browser without script asks again.
    pub again_after: Option<u32>,
}

impl Page {
    /// A page of the place `here`; its help is the section of that name.
    pub fn new(here: &'static str, title: impl Into<String>, body: Markup) -> Page {
        Page {
            title: title.into(),
            here,
            help: here,
            body,
            refuses: false,
            again_after: None,
        }
    }

    /// The same, as the answer to a form that has a problem.
    pub fn refusing(mut self) -> Page {
        self.refuses = true;
        self
    }
}

impl From<Page> for Answer {
    fn from(page: Page) -> Answer {
        Answer::Page(page)
    }
}

/// A file to save.
pub struct Download {
    /// What the browser calls it.
    pub name: String,
    /// Its media type.
    pub media: &'static str,
    /// Its bytes.
    pub content: Content,
}

/// Where the bytes of a download are.
pub enum Content {
    /// In memory.
    Bytes(Vec<u8>),
    /// In a file, which is sent in pieces.
    File(std::path::PathBuf),
}

/// Something that answers requests.
pub type Handler = fn(&mut Ask) -> Result<Answer>;
