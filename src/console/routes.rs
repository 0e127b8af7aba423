//! Every address of the console, with who may use it. A test goes through this table for each role.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;

use super::App;
use super::ask::Handler;
use super::dispatch::Head;
use super::{home, invite, jobs, mails, people, sign_in};
use crate::admin::Role;
use crate::store::console::Session;

/// An address.
pub struct Route {
    /// Whether it takes forms; else it gives a page.
    pub posts: bool,
    /// Its path; a part in braces is named.
    pub path: &'static str,
    /// Who may use it.
    pub needs: Needs,
    /// What it does.
    pub act: Act,
}

/// Who may use an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Anybody.
    Nobody,
    /// Who has that role or a higher one.
    Role(Role),
    /// The same, within minutes after the password was given.
    Fresh(Role),
}

impl Needs {
    /// Whether somebody of that role may.
    pub fn is_met(self, role: Role) -> bool {
        match self {
            Needs::Nobody => true,
            Needs::Role(needed) | Needs::Fresh(needed) => role >= needed,
        }
    }
}

/// A handler that takes the body as it comes, or answers bit by bit.
pub type Streaming = fn(
    Arc<App>,
    Session,
    Vec<(&'static str, String)>,
    Head,
    Body,
) -> Pin<Box<dyn Future<Output = Response> + Send>>;

/// What an address does.
#[derive(Clone, Copy)]
pub enum Act {
    /// Gives a page.
    Page(Handler),
    /// Takes a form, once.
    Form(Handler),
    /// Takes or gives a stream; checks a form's secret and nonce by itself.
    Stream(Streaming),
    /// Lets somebody in.
    SignIn,
}

const fn page(path: &'static str, role: Role, handler: Handler) -> Route {
    Route {
        posts: false,
        path,
        needs: Needs::Role(role),
        act: Act::Page(handler),
    }
}

const fn form(path: &'static str, role: Role, handler: Handler) -> Route {
    Route {
        posts: true,
        path,
        needs: Needs::Role(role),
        act: Act::Form(handler),
    }
}

const fn stream(posts: bool, path: &'static str, role: Role, streaming: Streaming) -> Route {
    Route {
        posts,
        path,
        needs: Needs::Role(role),
        act: Act::Stream(streaming),
    }
}

const fn sign_in(posts: bool) -> Route {
    Route {
        posts,
        path: "/sign-in",
        needs: Needs::Nobody,
        act: Act::SignIn,
    }
}

/// Every address. The first that fits is taken.
pub const ROUTES: &[Route] = &[
    sign_in(false),
    sign_in(true),
    page("/", Role::Reader, home::page),
    form("/sign-out", Role::Reader, sign_in::out),
    form("/values", Role::Operator, home::show_values),
    page("/jobs/{job}", Role::Reader, jobs::page),
    page("/jobs/{job}/state", Role::Reader, jobs::state),
    stream(false, "/jobs/{job}/events", Role::Reader, jobs::events),
    form("/jobs/{job}/stop", Role::Operator, jobs::stop),
    page("/people", Role::Reader, people::list::page),
    page("/people/export", Role::Operator, people::export::download),
    form("/people/select", Role::Operator, people::list::select),
    page(
        "/people/selection/{selection}",
        Role::Operator,
        people::change::page,
    ),
    form(
        "/people/selection/{selection}/leave-out",
        Role::Operator,
        people::change::leave_out,
    ),
    form(
        "/people/selection/{selection}/take-in",
        Role::Operator,
        people::change::take_in,
    ),
    page(
        "/people/selection/{selection}/preview",
        Role::Operator,
        people::change::plan,
    ),
    form(
        "/people/selection/{selection}/preview",
        Role::Operator,
        people::change::preview,
    ),
    form(
        "/people/selection/{selection}/apply",
        Role::Operator,
        people::change::apply,
    ),
    page(
        "/people/selection/{selection}/invite",
        Role::Operator,
        invite::page,
    ),
    page(
        "/people/selection/{selection}/invite/html",
        Role::Operator,
        invite::html,
    ),
    form(
        "/people/selection/{selection}/invite/message",
        Role::Operator,
        invite::message,
    ),
    form(
        "/people/selection/{selection}/invite/send",
        Role::Operator,
        invite::send,
    ),
    page(
        "/people/selection/{selection}/reset",
        Role::Operator,
        invite::page,
    ),
    page(
        "/people/selection/{selection}/reset/html",
        Role::Operator,
        invite::html,
    ),
    form(
        "/people/selection/{selection}/reset/message",
        Role::Operator,
        invite::message,
    ),
    form(
        "/people/selection/{selection}/reset/send",
        Role::Operator,
        invite::send,
    ),
    page("/people/{person}", Role::Reader, people::person::page),
    form("/people/{person}/link", Role::Operator, people::link::make),
    page("/add", Role::Operator, people::add::page),
    form("/add/check", Role::Operator, people::add::check),
    form("/add", Role::Operator, people::add::add),
    page("/groups", Role::Reader, people::groups::page),
    form("/groups/create", Role::Operator, people::groups::create),
    page("/groups/{group}", Role::Reader, people::groups::show),
    form(
        "/groups/{group}/rename",
        Role::Operator,
        people::groups::rename,
    ),
    form(
        "/groups/{group}/visibility",
        Role::Operator,
        people::groups::set_visibility,
    ),
    form(
        "/groups/{group}/remove",
        Role::Approver,
        people::groups::remove,
    ),
    page("/invitations", Role::Reader, people::invitations::page),
    form(
        "/invitations/select",
        Role::Operator,
        people::invitations::select,
    ),
    page(
        "/invitations/selection/{selection}",
        Role::Operator,
        people::reminders::page,
    ),
    form(
        "/invitations/selection/{selection}/leave-out",
        Role::Operator,
        people::reminders::leave_out,
    ),
    form(
        "/invitations/selection/{selection}/take-in",
        Role::Operator,
        people::reminders::take_in,
    ),
    form(
        "/invitations/selection/{selection}/remind",
        Role::Operator,
        people::reminders::remind,
    ),
    form(
        "/invitations/selection/{selection}/cancel",
        Role::Operator,
        people::reminders::cancel,
    ),
    form(
        "/invitations/selection/{selection}/cards",
        Role::Operator,
        people::reminders::make_cards,
    ),
    page("/runs/{run}/invite", Role::Reader, invite::invite),
    form("/runs/{run}/invite", Role::Operator, invite::choose),
    page(
        "/runs/{run}/invite/{selection}",
        Role::Operator,
        invite::page,
    ),
    page(
        "/runs/{run}/invite/{selection}/html",
        Role::Operator,
        invite::html,
    ),
    form(
        "/runs/{run}/invite/{selection}/message",
        Role::Operator,
        invite::message,
    ),
    form(
        "/runs/{run}/invite/{selection}/send",
        Role::Operator,
        invite::send,
    ),
    page("/runs/{run}/reset", Role::Reader, invite::reset),
    form("/runs/{run}/reset", Role::Operator, invite::choose),
    page(
        "/runs/{run}/reset/{selection}",
        Role::Operator,
        invite::page,
    ),
    page(
        "/runs/{run}/reset/{selection}/html",
        Role::Operator,
        invite::html,
    ),
    form(
        "/runs/{run}/reset/{selection}/message",
        Role::Operator,
        invite::message,
    ),
    form(
        "/runs/{run}/reset/{selection}/send",
        Role::Operator,
        invite::send,
    ),
    page("/mails", Role::Reader, mails::page),
    page("/mails/{kind}", Role::Reader, mails::edit::page),
    form("/mails/{kind}/see", Role::Operator, mails::edit::see),
    form("/mails/{kind}/html", Role::Operator, mails::edit::html),
    form("/mails/{kind}/save", Role::Owner, mails::edit::save),
    form("/mails/{kind}/reset", Role::Owner, mails::edit::as_it_came),
    form("/mails/{kind}/send", Role::Operator, mails::edit::send),
];

/// The route of a path, with its named parts.
pub fn find(posts: bool, path: &str) -> Option<(&'static Route, Vec<(&'static str, String)>)> {
    let mut routes = ROUTES.iter().filter(|route| route.posts == posts);
    routes.find_map(|route| Some((route, matched(route.path, path)?)))
}

fn matched(pattern: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let mut parts = Vec::new();
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(parts),
            (Some(wanted), Some(given)) => match wanted.strip_prefix('{') {
                Some(name) if !given.is_empty() => {
                    parts.push((name.trim_end_matches('}'), decoded(given)?));
                }
                None if wanted == given => {}
                _ => return None,
            },
            _ => return None,
        }
    }
}

/// A part of a path without its percent signs.
fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'%' => {
                let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = &rest[2..];
            }
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_path_are_named() {
        let parts = matched("/runs/{run}/rows", "/runs/2026%20a/rows").unwrap();
        assert_eq!(parts, [("run", "2026 a".to_string())]);
        for path in [
            "/runs//rows",
            "/runs/a",
            "/runs/a/rows/",
            "/runs/%ff/rows",
            "/runs/%e/rows",
        ] {
            assert!(matched("/runs/{run}/rows", path).is_none(), "{path}");
        }
    }
}
