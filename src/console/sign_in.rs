//! Signing in and out.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use maud::html;

use super::ask::{Answer, Ask, Fields, Page};
use super::dispatch::{self, Head};
use super::home::own_path;
use super::page::Frame;
use super::{App, page as pages, words};
use crate::notify::token::{Token, sha256_of};
use crate::refusal::{Refusal, Result};
use crate::serve::guard::is_token;
use crate::store::Store;
use crate::store::console::Browser;

/// Of a form that was sent without a session: it is offered again after signing in.
type Kept<'a> = (&'a str, &'a Fields);

/// `/sign-in` for somebody who isn't.
pub fn answer(app: &Arc<App>, store: &mut Store, head: &Head, form: &Fields) -> Response {
    if form.0.is_empty() {
        return page(app, head, "", None);
    }
    match enter(app, store, head, form) {
        Ok(response) => response,
        Err(refusal) => refused(head, &refusal),
    }
}

fn refused(head: &Head, refusal: &Refusal) -> Response {
    let frame = Frame::outside(words::choose("", &head.accepted));
    let page = pages::refusal(&frame, refusal);
    dispatch::html(
        StatusCode::SERVICE_UNAVAILABLE,
        pages::render(&frame, &page),
    )
}

fn enter(app: &Arc<App>, store: &mut Store, head: &Head, form: &Fields) -> Result<Response> {
    const DEAD: &str = "This link is unknown, was used before, or is older than ten minutes. `muster console link` prints a new one.";
    // The whole link is taken, too.
    let code = form.get("code").trim();
    let code = code.rsplit('#').next().unwrap_or(code);
    if !is_token(code) {
        return Ok(page(app, head, DEAD, None));
    }
    let (token, secret) = (Token::new()?, Token::new()?);
    let address = head.peer.ip().to_string();
    let browser = Browser {
        address: &address,
        agent: &head.agent(),
        time_zone: form.get("zone"),
    };
    let session =
        store.sign_in_by_link(&sha256_of(code), &token.sha256(), &secret.text(), &browser)?;
    Ok(match session {
        Some(_) => dispatch::see_with_cookie(app, &own_path(form.get("to")), &token.text()),
        None => page(app, head, DEAD, None),
    })
}

/// The page, with what is wrong.
pub fn page(_app: &Arc<App>, head: &Head, problem: &'static str, _kept: Option<Kept>) -> Response {
    const OPEN: &str = "Open the link that `muster console` printed, or paste its code here. A link works once, for ten minutes.";
    let frame = Frame::outside(words::choose("", &head.accepted));
    let query = dispatch::fields_of(head.uri.query().unwrap_or("").as_bytes());
    let body = html! {
        @if !problem.is_empty() {
            div.problem role="alert" { p { (pages::prose(frame.t(problem))) } }
        }
        form.narrow method="post" action="/sign-in" data-sign-in {
            p id="about-code" { (pages::prose(frame.t(OPEN))) }
            input type="hidden" name="to" value=(own_path(query.get("to")));
            input type="hidden" name="zone" value="";
            label for="code" { (frame.t("Code from the link")) }
            input id="code" name="code" type="text" autocomplete="off" spellcheck="false" required aria-describedby="about-code";
            button { (frame.t("Sign in")) }
        }
    };
    let page = Page::new("", frame.t("Sign in"), body);
    let status = match problem.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    dispatch::html(status, pages::render(&frame, &page))
}

/// Asks for the password again, for what can do harm.
pub fn confirm(ask: &Ask) -> Response {
    dispatch::see(&format!("/sign-in?to={}", pages::encoded(&ask.path)))
}

/// `/sign-out`.
pub fn out(ask: &mut Ask) -> Result<Answer> {
    ask.store.end_console_session(ask.session.id)?;
    Ok(Answer::See("/sign-in".to_string()))
}
