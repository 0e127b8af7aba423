//! Every address of the console, with who may use it. A test goes through this table for each role.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;

use super::App;
use super::ask::{Fields, Handler};
use super::response::{Head, percent_decoded};
use super::{
    audit, help, home, import, inbox, invite, jobs, mails, people, runs, settings, sign_in,
};
use crate::admin::Role;
use crate::store::Store;
use crate::store::console::Session;

/// An address.
pub(super) struct Route {
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
pub(super) enum Needs {
    /// Anybody.
    Nobody,
    /// Who has that role or a higher one.
    Role(Role),
    /// The same, within minutes after the password was given.
    Fresh(Role),
}

impl Needs {
    /// Whether somebody of that role may.
    pub(super) fn is_met(self, role: Role) -> bool {
        match self {
            Needs::Nobody => true,
            Needs::Role(needed) | Needs::Fresh(needed) => role >= needed,
        }
    }
}

/// A handler that takes the body as it comes, or answers bit by bit.
pub(super) type Streaming = fn(
    Arc<App>,
    Session,
    Vec<(&'static str, String)>,
    Head,
    Body,
) -> Pin<Box<dyn Future<Output = Response> + Send>>;

/// What an address does.
#[derive(Clone, Copy)]
pub(super) enum Act {
    /// Gives a page.
    Page(Handler),
    /// Takes a form, once.
    Form(Handler),
    /// Takes or gives a stream; checks a form's secret and nonce by itself.
    Stream(Streaming),
    /// Answers whoever asks.
    Outside(Outside),
}

/// A handler for somebody who isn't signed in.
pub(super) type Outside = fn(&Arc<App>, &mut Store, &Head, &Fields) -> Response;

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

/// What can do harm: the password was given a few minutes ago at most.
const fn fresh(path: &'static str, role: Role, handler: Handler) -> Route {
    Route {
        posts: true,
        path,
        needs: Needs::Fresh(role),
        act: Act::Form(handler),
    }
}

const fn outside(posts: bool, path: &'static str, handler: Outside) -> Route {
    Route {
        posts,
        path,
        needs: Needs::Nobody,
        act: Act::Outside(handler),
    }
}

/// Where somebody signs in.
pub(super) const SIGN_IN: &str = "/sign-in";

/// Every address. The first that fits is taken.
#[rustfmt::skip]
pub(super) const ROUTES: &[Route] = &[
    outside(false, SIGN_IN, sign_in::answer),
    outside(true, SIGN_IN, sign_in::answer),
    outside(false, "/password", sign_in::set_password),
    outside(true, "/password", sign_in::set_password),
    form("/confirm", Role::Reader, sign_in::confirmed),
    page("/", Role::Reader, home::page),
    form("/sign-out", Role::Reader, sign_in::out),
    form("/values", Role::Operator, home::show_values),
    page("/settings", Role::Reader, settings::page),
    form("/settings", Role::Reader, settings::set_own),
    form("/settings/sessions/end", Role::Reader, settings::end_session),
    fresh("/settings/approvals", Role::Owner, settings::set_approvals),
    page("/settings/administrators", Role::Owner, settings::administrators),
    fresh("/settings/administrators", Role::Owner, settings::add),
    fresh("/settings/administrators/role", Role::Owner, settings::set_role),
    fresh("/settings/administrators/link", Role::Owner, settings::new_link),
    fresh("/settings/administrators/remove", Role::Owner, settings::remove),
    page("/settings/mails", Role::Owner, settings::mails),
    fresh("/settings/mails", Role::Owner, settings::set_mails),
    page("/settings/suppression", Role::Operator, settings::suppression),
    form("/settings/suppression/add", Role::Operator, settings::suppress),
    form("/settings/suppression/remove", Role::Approver, settings::unsuppress),
    page("/audit", Role::Approver, audit::page),
    page("/help", Role::Reader, help::page),
    page("/help/{page}", Role::Reader, help::page),
    page("/inbox", Role::Operator, inbox::page),
    page("/inbox/{mail}", Role::Operator, inbox::mail),
    page("/inbox/{mail}/html", Role::Operator, inbox::as_html),
    page("/runs", Role::Reader, runs::list::page),
    page("/runs/{run}", Role::Reader, runs::summary::page_of_run),
    page("/runs/{run}/rows", Role::Reader, runs::rows::page_of_rows),
    page(
        "/runs/{run}/changes",
        Role::Reader,
        runs::changes::page_of_changes,
    ),
    page(
        "/runs/{run}/files/{name}",
        Role::Operator,
        runs::files::download,
    ),
    page("/runs/{run}/held", Role::Reader, runs::held::page_of_held),
    fresh("/runs/{run}/held", Role::Approver, runs::held::approve),
    page("/runs/{run}/fix", Role::Reader, runs::fix::page_of_fixes),
    form("/runs/{run}/fix", Role::Operator, runs::fix::keep),
    form(
        "/runs/{run}/fix/leave-out",
        Role::Operator,
        runs::fix::leave_out,
    ),
    form(
        "/runs/{run}/fix/take-back",
        Role::Operator,
        runs::fix::take_back,
    ),
    form("/runs/{run}/fix/import", Role::Operator, runs::fix::import),
    page(
        "/runs/{run}/decide",
        Role::Reader,
        runs::decide::page_of_doubts,
    ),
    form("/runs/{run}/decide", Role::Operator, runs::decide::decide),
    page("/runs/{run}/undo", Role::Approver, runs::undo::page_of_undo),
    form(
        "/runs/{run}/undo/look",
        Role::Approver,
        runs::undo::look_by_command,
    ),
    fresh("/runs/{run}/undo", Role::Approver, runs::undo::undo),
    page("/import", Role::Operator, import::page),
    stream(true, "/import", Role::Operator, import::upload::take),
    page("/import/template", Role::Reader, import::template),
    page("/import/{upload}", Role::Operator, import::columns::page),
    form(
        "/import/{upload}/reading",
        Role::Operator,
        import::columns::read_otherwise,
    ),
    form(
        "/import/{upload}/columns",
        Role::Operator,
        import::columns::confirm,
    ),
    form("/import/{upload}/remove", Role::Operator, import::remove),
    page(
        "/import/{upload}/plan/{job}",
        Role::Operator,
        import::plan::page,
    ),
    form(
        "/import/{upload}/plan/{job}/allow",
        Role::Approver,
        import::plan::allow,
    ),
    form(
        "/import/{upload}/plan/{job}/import",
        Role::Operator,
        import::plan::import,
    ),
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
    page("/people/{person}/edit", Role::Operator, people::edit::page),
    form("/people/{person}/edit", Role::Operator, people::edit::preview),
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
    form("/mails/{kind}/see", Role::Owner, mails::edit::see),
    form("/mails/{kind}/html", Role::Owner, mails::edit::html),
    form("/mails/{kind}/save", Role::Owner, mails::edit::save),
    form("/mails/{kind}/reset", Role::Owner, mails::edit::as_it_came),
    form("/mails/{kind}/send", Role::Owner, mails::edit::send),
];

/// The route of a path, with its named parts.
pub(super) fn find(
    posts: bool,
    path: &str,
) -> Option<(&'static Route, Vec<(&'static str, String)>)> {
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
    let (bytes, is_whole) = percent_decoded(part.as_bytes());
    String::from_utf8(bytes).ok().filter(|_| is_whole)
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
