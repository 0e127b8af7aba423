//! Every address of the console, with who may use it. A test goes through this table for each role.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;

use super::App;
use super::ask::Handler;
use super::dispatch::Head;
use super::{home, import, jobs, sign_in};
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
