//! From a request to its handler: everything that must hold before one runs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::header::{
    ACCEPT_LANGUAGE, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, HOST, HeaderValue,
};
use axum::http::{Method, Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::ask::{Answer, Ask, Fields, Page};
use super::page::Frame;
use super::response::{Head, fields_of, file, html, plain, see, typed};
use super::routes::{Act, Needs, Route, SIGN_IN, find};
use super::{App, FORM_BYTES_MAX, headers, page, sign_in, words};
use crate::notify::token::sha256_of;
use crate::refusal::Refusal;
use crate::serve::guard;
use crate::store::Store;
use crate::store::console::{Claim, Session};
use crate::text::username_key;

/// From the head of a form's request to its end.
const BODY_TIME: Duration = Duration::from_secs(30);
/// How recent a sign-in must be for what can do harm.
const FRESH_SECONDS: i64 = 10 * 60;

/// Answers a request, whatever it is.
pub(super) async fn answer(app: Arc<App>, peer: SocketAddr, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let mut head = Head {
        peer,
        uri: parts.uri,
        headers: parts.headers,
        accepted: String::new(),
    };
    head.accepted = head.text(ACCEPT_LANGUAGE).to_string();
    if !headers::is_own_host(&head.headers, &app.hosts) {
        return plain(
            StatusCode::MISDIRECTED_REQUEST,
            "this host isn't served here\n",
        );
    }
    let posts = match parts.method {
        Method::GET | Method::HEAD => false,
        Method::POST => true,
        _ => return plain(StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD and POST only\n"),
    };
    if posts && !guard::is_same_site(&head.headers, None) {
        return plain(StatusCode::FORBIDDEN, "this form comes from another site\n");
    }
    let found = find(posts, head.uri.path());
    let reads_itself = found
        .as_ref()
        .is_some_and(|(route, _)| matches!(route.act, Act::Stream(_)));
    if reads_itself && let Some((route, parts)) = found {
        return stream(app, route, parts, head, body).await;
    }
    let form = match posts {
        true => match read_form(&head, body).await {
            Ok(form) => form,
            Err(status) => return plain(status, "this form is too large or unreadable\n"),
        },
        false => Fields::default(),
    };
    let pool = Arc::clone(&app.pool);
    let (retry, accepted) = (head.uri.path().to_string(), head.accepted.clone());
    let done = pool
        .run(move |store| Ok(respond(&app, store, found, &head, form)))
        .await;
    done.unwrap_or_else(|| away(&accepted, &retry))
}

/// A handler that takes the body as it comes. What it needs besides is checked here.
async fn stream(
    app: Arc<App>,
    route: &'static Route,
    parts: Vec<(&'static str, String)>,
    head: Head,
    body: Body,
) -> Response {
    let Act::Stream(act) = route.act else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (pool, shared) = (Arc::clone(&app.pool), Arc::clone(&app));
    let accepted = head.accepted.clone();
    let path = head.uri.path().to_string();
    let opened = pool.run(move |store| {
        let session = session_of(&shared, store, &head)?;
        Ok((session, head))
    });
    let Some((session, head)) = opened.await else {
        return away(&accepted, &path);
    };
    let Some(session) = session else {
        return see(&sign_in_address(&head.uri));
    };
    if !route.needs.is_met(session.role) {
        return plain(StatusCode::FORBIDDEN, "your role doesn't allow this\n");
    }
    act(app, session, parts, head, body).await
}

/// The session of a request.
pub(super) fn session_of(
    app: &App,
    store: &Store,
    head: &Head,
) -> crate::refusal::Result<Option<Session>> {
    let Some(token) = headers::cookie(&head.headers, app.https) else {
        return Ok(None);
    };
    let session = store.find_console_session(&sha256_of(token))?;
    // Somebody else may have signed in at the proxy meanwhile.
    let user = app.proxy_user(head);
    let is_theirs = |session: &Session| {
        let mut user = user.iter();
        user.all(|user| username_key(&session.name) == username_key(user))
    };
    Ok(session.filter(is_theirs))
}

async fn read_form(head: &Head, body: Body) -> Result<Fields, StatusCode> {
    let length = head.text(CONTENT_LENGTH).parse().unwrap_or(0usize);
    if length > FORM_BYTES_MAX {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let read = tokio::time::timeout(BODY_TIME, to_bytes(body, FORM_BYTES_MAX)).await;
    let bytes = read
        .map_err(|_| StatusCode::REQUEST_TIMEOUT)?
        .map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    Ok(fields_of(&bytes))
}

/// What is answered by a store.
fn respond(
    app: &Arc<App>,
    store: &mut Store,
    found: Option<(&'static Route, Vec<(&'static str, String)>)>,
    head: &Head,
    form: Fields,
) -> Response {
    let fallback = words::choose("", &head.accepted);
    let session = match session_of(app, store, head) {
        Ok(session) => session,
        Err(refusal) => return refused(&Frame::outside(fallback), &refusal),
    };
    let by_proxy = app.proxy_user(head);
    if let Some(user) = by_proxy.as_ref().filter(|_| session.is_none()) {
        return sign_in::by_proxy(app, store, head, user, &form)
            .unwrap_or_else(|refusal| refused(&Frame::outside(fallback), &refusal));
    }
    let query = head.uri.query().unwrap_or("");
    let query = fields_of(query.as_bytes());
    let Some(session) = session else {
        return match found.map(|(route, _)| route.act) {
            Some(Act::Outside(handler)) => handler(app, store, head, &form),
            // What was typed is kept while somebody signs in again.
            _ if !form.0.is_empty() => sign_in::again(app, head, &form),
            _ => see(&sign_in_address(&head.uri)),
        };
    };
    let language = words::choose(&session.language, &head.accepted);
    // Who came by a link on this machine, or through a proxy, has no password here.
    let has_password = session.admin.is_some() && by_proxy.is_none();
    let is_fresh = session.confirmed_ago <= FRESH_SECONDS || !has_password;
    let mut ask = Ask {
        app,
        store,
        session,
        language,
        path: head.uri.to_string(),
        parts: Vec::new(),
        query,
        form,
        address: app.client(head).to_string(),
        origin: origin(app, head),
    };
    ask.acts(head.uri.path().trim_matches('/'), "");
    let Some((route, parts)) = found else {
        return frame(&ask, Answer::Missing);
    };
    ask.parts = parts;
    if let Act::Outside(handler) = route.act
        && route.path != SIGN_IN
    {
        return handler(app, ask.store, head, &ask.form);
    }
    let (Needs::Role(needed) | Needs::Fresh(needed)) = route.needs else {
        // Who is signed in has nothing to do there.
        return see("/");
    };
    if !ask.may(needed) {
        let page = page::forbidden(&ask, needed);
        return framed(&ask, page, StatusCode::FORBIDDEN);
    }
    if matches!(route.needs, Needs::Fresh(_)) && !is_fresh {
        return frame(&ask, sign_in::confirm(&ask));
    }
    match route.act {
        Act::Page(handler) => {
            let answer = handler(&mut ask);
            answer.map_or_else(
                |refusal| refused(&Frame::of(&ask), &refusal),
                |answer| frame(&ask, answer),
            )
        }
        Act::Form(handler) => carry_out(&mut ask, handler),
        Act::Outside(_) | Act::Stream(_) => frame(&ask, Answer::Missing),
    }
}

/// A form that was sent: once, and from a page of this session.
fn carry_out(ask: &mut Ask, handler: super::ask::Handler) -> Response {
    let is_own = sha256_of(ask.form.get("secret")) == sha256_of(&ask.session.secret);
    let nonce = ask.form.get("nonce").to_string();
    if !is_own || !guard::is_token(&nonce) {
        let page = page::foreign(ask);
        return framed(ask, page, StatusCode::FORBIDDEN);
    }
    let nonce = sha256_of(&nonce);
    match ask.store.claim_form(&nonce, ask.session.id) {
        Err(refusal) => return refused(&Frame::of(ask), &refusal),
        Ok(Claim::Led(location)) => return see(&location),
        Ok(Claim::UnderWay) => {
            let page = page::under_way(ask);
            return framed(ask, page, StatusCode::CONFLICT);
        }
        Ok(Claim::New) => {}
    }
    let answer = handler(ask);
    ask.app.counts.clear();
    let location = match &answer {
        Ok(Answer::See(location)) => Some(location.clone()),
        _ => None,
    };
    let settled = ask.store.settle_form(&nonce, location.as_deref());
    match answer.and_then(|answer| settled.map(|()| answer)) {
        Ok(answer) => frame(ask, answer),
        Err(refusal) => refused(&Frame::of(ask), &refusal),
    }
}

/// An answer as a response.
fn frame(ask: &Ask, answer: Answer) -> Response {
    match answer {
        Answer::Page(page) => {
            let status = match page.refuses {
                true => StatusCode::UNPROCESSABLE_ENTITY,
                false => StatusCode::OK,
            };
            framed(ask, page, status)
        }
        Answer::See(location) => see(&location),
        Answer::File(download) => file(download),
        Answer::Json(json) => typed(json, "application/json"),
        Answer::Mail(html) => mail(html),
        Answer::Missing => framed(ask, page::missing(ask), StatusCode::NOT_FOUND),
    }
}

/// A mail has styles of its own, in it; nothing else is allowed in there.
fn mail(html: String) -> Response {
    let mut response = typed(html, "text/html; charset=utf-8");
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'";
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

fn framed(ask: &Ask, page: Page, status: StatusCode) -> Response {
    let frame = Frame::of(ask);
    html(status, page::render(&frame, &page))
}

fn refused(frame: &Frame, refusal: &Refusal) -> Response {
    let is_away = refusal.code.name().starts_with("database.");
    let status = match is_away {
        true => StatusCode::SERVICE_UNAVAILABLE,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    html(status, page::render(frame, &page::refusal(frame, refusal)))
}

/// The database is away.
fn away(accepted: &str, _path: &str) -> Response {
    let frame = Frame::outside(words::choose("", accepted));
    let page = page::away(&frame);
    html(StatusCode::SERVICE_UNAVAILABLE, page::render(&frame, &page))
}

/// Where the browser finds the console: the host was checked.
fn origin(app: &App, head: &Head) -> String {
    let scheme = if app.https { "https" } else { "http" };
    format!("{scheme}://{}", head.text(HOST))
}

fn sign_in_address(uri: &Uri) -> String {
    match uri.path() {
        "/" => "/sign-in".to_string(),
        _ => format!("/sign-in?to={}", page::encoded(&uri.to_string())),
    }
}
