//! Signing in and out: by name and password, by a link on this machine, or at a proxy.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use axum::http::StatusCode;
use axum::http::header::{HeaderValue, RETRY_AFTER};
use axum::response::Response;
use maud::{Markup, html};

use super::ask::{Answer, Ask, Fields, Page};
use super::home::own_path;
use super::page::Frame;
use super::response::{self, Head};
use super::{App, page as pages, words};
use crate::notify::token::{Token, sha256_of};
use crate::password::{self, Known, Problem};
use crate::refusal::{Refusal, Result};
use crate::serve::guard::is_token;
use crate::serve::limit;
use crate::store::Store;
use crate::store::admins::Admin;
use crate::store::audit::{Act, Acting};
use crate::store::console::Browser;
use crate::text::username_key;

/// The fewest characters of an administrator's password, which is all that protects them
/// (NIST SP 800-63B-4, section 3.1.1.2).
pub(super) const PASSWORD_CHARS_MIN: usize = 15;

/// A form that was sent when the session had ended: what was typed is offered again after signing in.
#[derive(Default)]
struct Kept {
    path: String,
    fields: Vec<(String, String)>,
}

/// Where it was sent to, and what comes before the names of its fields in the form that signs in.
const KEPT_PATH: &str = "kept-path";
const KEPT: &str = "kept.";

impl Kept {
    /// Of a form that can't be carried out now.
    fn of(path: &str, form: &Fields) -> Kept {
        let is_kept = |name: &str| {
            !["secret", "nonce", KEPT_PATH].contains(&name)
                && !name.starts_with(KEPT)
                && !name.contains("password")
        };
        let fields = form.0.iter().filter(|(name, _)| is_kept(name));
        Kept {
            path: own_path(path),
            fields: fields.cloned().collect(),
        }
    }

    /// Of the form that signs in.
    fn again(form: &Fields) -> Option<Kept> {
        if !form.has(KEPT_PATH) {
            return None;
        }
        let fields = form.0.iter().filter_map(|(name, value)| {
            Some((name.strip_prefix(KEPT)?.to_string(), value.clone()))
        });
        Some(Kept {
            path: own_path(form.get(KEPT_PATH)),
            fields: fields.collect(),
        })
    }

    fn hidden(&self) -> Markup {
        html! {
            input type="hidden" name=(KEPT_PATH) value=(self.path);
            @for (name, value) in &self.fields {
                input type="hidden" name={ (KEPT) (name) } value=(value);
            }
        }
    }
}

/// `/sign-in` for somebody who isn't.
pub(super) fn answer(app: &Arc<App>, store: &mut Store, head: &Head, form: &Fields) -> Response {
    let kept = Kept::again(form);
    if !form.has("code") && !form.has("name") {
        return page(app, head, &Trouble::none(), kept.as_ref());
    }
    let entered = if form.has("name") {
        by_password(app, store, head, form)
    } else {
        by_link(app, store, head, form)
    };
    match entered {
        Ok(Entered::In(token)) => match kept {
            Some(kept) => offer(app, store, head, &token, &kept),
            None => response::see_with_cookie(app, &own_path(form.get("to")), &token.text()),
        },
        Ok(Entered::Not(trouble)) => page(app, head, &trouble, kept.as_ref()),
        Err(refusal) => refused(head, &refusal),
    }
}

/// A form of somebody whose session has ended.
pub(super) fn again(app: &Arc<App>, head: &Head, form: &Fields) -> Response {
    const ENDED: &str = "Your session has ended. Sign in again; what you typed is kept.";
    let trouble = Trouble {
        text: ENDED,
        status: StatusCode::OK,
        ..Trouble::none()
    };
    let path = head.uri.path();
    // These two mean only the session that has ended.
    let kept = (!["/sign-out", "/values"].contains(&path)).then(|| Kept::of(path, form));
    page(app, head, &trouble, kept.as_ref())
}

enum Entered {
    In(Token),
    Not(Trouble),
}

/// Why somebody isn't in.
struct Trouble {
    text: &'static str,
    status: StatusCode,
    /// After how many seconds it may be tried again.
    seconds: Option<u64>,
    /// As it was typed.
    name: String,
}

impl Trouble {
    fn none() -> Trouble {
        Trouble {
            text: "",
            status: StatusCode::OK,
            seconds: None,
            name: String::new(),
        }
    }

    fn wrong(text: &'static str) -> Trouble {
        Trouble {
            text,
            status: StatusCode::UNPROCESSABLE_ENTITY,
            ..Trouble::none()
        }
    }

    fn many(seconds: u64) -> Trouble {
        const MANY: &str = "Too many attempts. Wait a few minutes, then try again.";
        Trouble {
            text: MANY,
            status: StatusCode::TOO_MANY_REQUESTS,
            seconds: Some(seconds),
            ..Trouble::none()
        }
    }
}

fn refused(head: &Head, refusal: &Refusal) -> Response {
    let frame = Frame::outside(words::choose("", &head.accepted));
    let page = pages::refusal(&frame, refusal);
    response::html(
        StatusCode::SERVICE_UNAVAILABLE,
        pages::render(&frame, &page),
    )
}

fn by_link(app: &Arc<App>, store: &mut Store, head: &Head, form: &Fields) -> Result<Entered> {
    const DEAD: &str = "This link is unknown, was used before, or is older than ten minutes. `muster console link` prints a new one.";
    if !app.links {
        return Ok(Entered::Not(Trouble::wrong(DEAD)));
    }
    if let Err(seconds) = app.try_from(head) {
        return Ok(Entered::Not(Trouble::many(seconds)));
    }
    let code = code_of(form);
    if !is_token(code) {
        return Ok(Entered::Not(Trouble::wrong(DEAD)));
    }
    let (token, secret) = (Token::new()?, Token::new()?);
    let address = app.client(head).to_string();
    let browser = Browser {
        address: &address,
        agent: &head.agent(),
        time_zone: form.get("zone"),
    };
    act(store, "console:local", "sign-in", &address);
    let session =
        store.sign_in_by_link(&sha256_of(code), &token.sha256(), &secret.text(), &browser)?;
    Ok(match session {
        Some(_) => Entered::In(token),
        None => Entered::Not(Trouble::wrong(DEAD)),
    })
}

fn act(store: &mut Store, who: &str, action: &str, address: &str) {
    store.act_as(Acting {
        who: who.to_string(),
        address: Some(address.to_string()),
        action: action.to_string(),
        ..Acting::default()
    });
}

/// The whole link is taken, too.
fn code_of(form: &Fields) -> &str {
    let code = form.get("code").trim();
    code.rsplit('#').next().unwrap_or(code)
}

fn by_password(app: &Arc<App>, store: &mut Store, head: &Head, form: &Fields) -> Result<Entered> {
    const WRONG: &str = "This name and password don't belong together.";
    let name = form.get("name").trim();
    let not = |mut trouble: Trouble| {
        trouble.name = name.chars().take(100).collect();
        Ok(Entered::Not(trouble))
    };
    let admin = match check(app, store, app.client(head), name, form.get("password"))? {
        Checked::Right(admin) => admin,
        Checked::Wrong => return not(Trouble::wrong(WRONG)),
        Checked::Many(seconds) => return not(Trouble::many(seconds)),
    };
    begin(app, store, head, &admin, form.get("zone")).map(Entered::In)
}

/// Begins a session of that administrator.
fn begin(app: &App, store: &mut Store, head: &Head, admin: &Admin, zone: &str) -> Result<Token> {
    let (token, secret) = (Token::new()?, Token::new()?);
    let address = app.client(head).to_string();
    let browser = Browser {
        address: &address,
        agent: &head.agent(),
        time_zone: zone,
    };
    act(
        store,
        &format!("console:{}", admin.name),
        "sign-in",
        &address,
    );
    store.begin_console_session(admin.id, &token.sha256(), &secret.text(), &browser)?;
    Ok(token)
}

enum Checked {
    Right(Box<Admin>),
    Wrong,
    /// Too many tries: after how many seconds there may be one.
    Many(u64),
}

/// Whether that is the password of that name. An unknown name takes as long as a wrong password.
fn check(
    app: &App,
    store: &mut Store,
    address: IpAddr,
    name: &str,
    typed: &str,
) -> Result<Checked> {
    let (key, now) = (username_key(name).into_owned(), Instant::now());
    let network = limit::network(address);
    if let Err(seconds) = app.tries.take(&key, network, now) {
        return Ok(Checked::Many(seconds));
    }
    // Long texts cost time to normalize, and are no password that was ever taken.
    let typed: String = typed.chars().take(password::CHARS_MAX + 1).collect();
    let found = store.find_password_of(name)?;
    let hash = found
        .as_ref()
        .map_or(app.no_password.as_str(), |(_, hash)| hash);
    let is_right = password::verify(&typed, hash);
    Ok(match found {
        Some((admin, _)) if is_right => {
            app.tries.forget(&key, network);
            Checked::Right(Box::new(admin))
        }
        Some((admin, _)) => {
            let who = format!("console:{}", admin.name);
            act(store, &who, "sign-in refused", &address.to_string());
            store.audit(&Act::about(admin.id))?;
            Checked::Wrong
        }
        None => Checked::Wrong,
    })
}

/// Whom a trusted proxy says; with a session of theirs begun, the address is asked for again.
pub(super) fn by_proxy(
    app: &Arc<App>,
    store: &mut Store,
    head: &Head,
    user: &str,
    form: &Fields,
) -> Result<Response> {
    const UNKNOWN: &str = "You are signed in at the proxy, but muster knows no administrator of that name. Ask an owner to add you.";
    let Ok(admin) = store.find_admin(user) else {
        let frame = Frame::outside(words::choose("", &head.accepted));
        let body = html! { p { (frame.t(UNKNOWN)) } p { (pages::visible(user)) } };
        let page = Page::new("", frame.t("You may not do this"), body);
        return Ok(response::html(
            StatusCode::FORBIDDEN,
            pages::render(&frame, &page),
        ));
    };
    let token = begin(app, store, head, &admin, "")?;
    if !form.0.is_empty() {
        let kept = Kept::of(head.uri.path(), form);
        return Ok(offer(app, store, head, &token, &kept));
    }
    let path = own_path(&head.uri.to_string());
    Ok(response::see_with_cookie(app, &path, &token.text()))
}

/// The page, with what is wrong.
fn page(app: &Arc<App>, head: &Head, trouble: &Trouble, kept: Option<&Kept>) -> Response {
    const OPEN: &str = "Open the link that `muster console` printed, or paste its code here. A link works once, for ten minutes.";
    let frame = Frame::outside(words::choose("", &head.accepted));
    let query = response::fields_of(head.uri.query().unwrap_or("").as_bytes());
    let kept_fields = html! {
        @match kept {
            Some(kept) => { (kept.hidden()) }
            None => { input type="hidden" name="to" value=(own_path(query.get("to"))); }
        }
        input type="hidden" name="zone" value="";
    };
    let wrong = (trouble.status == StatusCode::UNPROCESSABLE_ENTITY).then_some("true");
    let body = html! {
        @if !trouble.text.is_empty() {
            div.problem role="alert" { p { (pages::prose(frame.t(trouble.text))) } }
        }
        section.narrow aria-labelledby="by-name" {
            h2 id="by-name" { (frame.t("With your name and password")) }
            form.narrow method="post" action="/sign-in" data-zone {
                (kept_fields)
                div.field {
                    label for="name" { (frame.t("Name")) }
                    input id="name" name="name" type="text" value=(trouble.name) autocomplete="username" spellcheck="false" autocapitalize="none" required aria-invalid=[wrong];
                }
                div.field {
                    label for="password" { (frame.t("Password")) }
                    input id="password" name="password" type="password" autocomplete="current-password" required aria-invalid=[wrong];
                }
                div { button { (frame.t("Sign in")) } }
            }
        }
        @if app.links {
            section.narrow aria-labelledby="by-link" {
                h2 id="by-link" { (frame.t("With a link, on this machine")) }
                form.narrow method="post" action="/sign-in" data-zone data-code="send" {
                    p id="about-code" { (pages::prose(frame.t(OPEN))) }
                    (kept_fields)
                    div.field {
                        label for="code" { (frame.t("Code from the link")) }
                        input id="code" name="code" type="text" autocomplete="off" spellcheck="false" required aria-describedby="about-code";
                    }
                    div { button.second { (frame.t("Sign in with the code")) } }
                }
            }
        }
    };
    let page = Page::new("", frame.t("Sign in"), body);
    let mut response = response::html(trouble.status, pages::render(&frame, &page));
    if let Some(seconds) = trouble.seconds {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// What was typed, to be sent again now that somebody is in.
fn offer(app: &Arc<App>, store: &mut Store, head: &Head, token: &Token, kept: &Kept) -> Response {
    const AGAIN: &str =
        "You are signed in again. Nothing was done yet. Look at what you typed, then send it.";
    let session = match store.find_console_session(&token.sha256()) {
        Ok(Some(session)) => session,
        Ok(None) => return response::see("/sign-in"),
        Err(refusal) => return refused(head, &refusal),
    };
    let frame = Frame::outside(words::choose(&session.language, &head.accepted));
    let shown = kept
        .fields
        .iter()
        .filter(|(_, value)| !value.trim().is_empty());
    let body = html! {
        p { (frame.t(AGAIN)) }
        section aria-labelledby="typed" {
            h2 id="typed" { (frame.t("What you typed")) }
            dl.facts {
                @for (name, value) in shown {
                    div { dt { (pages::visible(name)) } dd { (pages::visible(&short(value))) } }
                }
            }
            form method="post" action=(kept.path) {
                (pages::hidden(&session.secret))
                @for (name, value) in &kept.fields {
                    input type="hidden" name=(name) value=(value);
                }
                div.row {
                    button { (frame.t("Send it again")) }
                    a.button.second href="/" { (frame.t("Discard it")) }
                }
            }
        }
    };
    let page = Page::new("", frame.t("Send what you typed"), body);
    let mut response = response::html(StatusCode::OK, pages::render(&frame, &page));
    response::set_cookie(app, &mut response, &token.text());
    response
}

fn short(value: &str) -> String {
    const SHOWN_CHARS: usize = 300;
    match value.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_string(),
    }
}

/// Asks for the password again, for what can do harm. A form that was sent is offered again after it.
pub(super) fn confirm(ask: &Ask) -> Answer {
    let kept = (!ask.form.0.is_empty()).then(|| Kept::of(&ask.path, &ask.form));
    confirm_page(ask, kept.as_ref(), "").into()
}

fn confirm_page(ask: &Ask, kept: Option<&Kept>, problem: &'static str) -> Page {
    const WHY: &str = "This can change or remove much. Enter your password again to go on; then you have ten minutes.";
    let wrong = (!problem.is_empty()).then_some("true");
    let to = match ask.form.has("to") {
        true => own_path(ask.form.get("to")),
        false => own_path(&ask.path),
    };
    let fields = html! {
        @match kept {
            Some(kept) => { (kept.hidden()) }
            None => { input type="hidden" name="to" value=(to); }
        }
        div.field {
            label for="password" { (ask.t("Password")) }
            input id="password" name="password" type="password" autocomplete="current-password" required aria-invalid=[wrong];
        }
        div { button { (ask.t("Confirm")) } }
    };
    let body = html! {
        @if !problem.is_empty() { div.problem role="alert" { p { (ask.t(problem)) } } }
        section.narrow { p { (ask.t(WHY)) } (pages::form(ask, "/confirm", fields)) }
    };
    let page = Page::new("", ask.t("Confirm that it is you"), body);
    match problem.is_empty() {
        true => page,
        false => page.refusing(),
    }
}

/// `/confirm`: the password again.
pub(super) fn confirmed(ask: &mut Ask) -> Result<Answer> {
    const WRONG: &str = "This isn't your password.";
    const MANY: &str = "Too many attempts. Wait a few minutes, then try again.";
    let kept = Kept::again(&ask.form);
    let (name, app) = (ask.session.name.clone(), Arc::clone(ask.app));
    let acting = ask.store.acting().clone();
    let address = ask
        .address
        .parse()
        .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let checked = check(&app, ask.store, address, &name, ask.form.get("password"))?;
    ask.store.act_as(acting);
    match checked {
        Checked::Wrong => return Ok(confirm_page(ask, kept.as_ref(), WRONG).into()),
        Checked::Many(_) => {
            let page = confirm_page(ask, kept.as_ref(), MANY);
            return Ok(Answer::TooMany(page));
        }
        Checked::Right(_) => ask.store.confirm_console_session(ask.session.id)?,
    }
    let Some(kept) = kept else {
        return Ok(Answer::See(own_path(ask.form.get("to"))));
    };
    let shown = kept
        .fields
        .iter()
        .filter(|(_, value)| !value.trim().is_empty());
    let fields = html! {
        @for (name, value) in &kept.fields {
            input type="hidden" name=(name) value=(value);
        }
        div.row {
            button { (ask.t("Send it again")) }
            a.button.second href="/" { (ask.t("Discard it")) }
        }
    };
    let body = html! {
        p { (ask.t("Nothing was done yet. Look at what you typed, then send it.")) }
        section aria-labelledby="typed" {
            h2 id="typed" { (ask.t("What you typed")) }
            dl.facts {
                @for (name, value) in shown {
                    div { dt { (pages::visible(name)) } dd { (pages::visible(&short(value))) } }
                }
            }
            (pages::form(ask, &kept.path, fields))
        }
    };
    Ok(Page::new("", ask.t("Send what you typed"), body).into())
}

/// `/password`, where the link of an administrator leads.
pub(super) fn set_password(
    app: &Arc<App>,
    store: &mut Store,
    head: &Head,
    form: &Fields,
) -> Response {
    if !form.has("code") {
        return password_page(head, "", "", None, StatusCode::OK);
    }
    match try_set_password(app, store, head, form) {
        Ok(response) => response,
        Err(refusal) => refused(head, &refusal),
    }
}

fn try_set_password(
    app: &Arc<App>,
    store: &mut Store,
    head: &Head,
    form: &Fields,
) -> Result<Response> {
    const DEAD: &str = "This link is unknown, was used before, or is older than 24 hours. Ask an owner for a new one.";
    const DIFFER: &str = "The two passwords differ.";
    let invalid = StatusCode::UNPROCESSABLE_ENTITY;
    let dead = || password_page(head, "", DEAD, None, invalid);
    if let Err(seconds) = app.try_from(head) {
        let trouble = Trouble::many(seconds);
        return Ok(password_page(head, "", trouble.text, None, trouble.status));
    }
    let code = code_of(form).to_string();
    let token = sha256_of(&code);
    let admin = match is_token(&code) {
        true => store.find_password_link(&token)?,
        false => None,
    };
    let Some(admin) = admin else {
        return Ok(dead());
    };
    let typed = form.get("password");
    if typed != form.get("repeated") {
        return Ok(password_page(head, &code, DIFFER, Some(&admin), invalid));
    }
    let known = Known {
        names: &[&admin.name],
        email: admin.email.as_deref().unwrap_or(""),
        product: "muster",
    };
    let normal = match password::check(typed, PASSWORD_CHARS_MIN, &known) {
        Ok(normal) => normal,
        Err(problem) => {
            let text = problem_in_words(problem);
            return Ok(password_page(head, &code, text, Some(&admin), invalid));
        }
    };
    let hash = password::hash(&normal)?;
    let address = app.client(head).to_string();
    act(
        store,
        &format!("console:{}", admin.name),
        "set password",
        &address,
    );
    if store.set_admin_password(&token, &hash)?.is_none() {
        return Ok(dead());
    }
    let token = begin(app, store, head, &admin, form.get("zone"))?;
    Ok(response::see_with_cookie(app, "/", &token.text()))
}

fn problem_in_words(problem: Problem) -> &'static str {
    match problem {
        Problem::Short => "The password needs 15 characters or more.",
        Problem::Long => "The password can have at most 128 characters.",
        Problem::Control => "The password has a character that can't be typed again.",
        Problem::Name => "The password contains your name. Choose another.",
        Problem::Email => "The password contains your address. Choose another.",
        Problem::Product => "The password contains the word muster. Choose another.",
        Problem::Easy => {
            "This password is easy to guess. Choose a longer one, such as four words that don't belong together."
        }
    }
}

fn password_page(
    head: &Head,
    code: &str,
    problem: &'static str,
    admin: Option<&Admin>,
    status: StatusCode,
) -> Response {
    const RULE: &str = "15 characters or more; several words that don't belong together are good. No kind of character is required.";
    let frame = Frame::outside(words::choose("", &head.accepted));
    let wrong = (!problem.is_empty() && admin.is_some()).then_some("true");
    let body = html! {
        @if !problem.is_empty() {
            div.problem role="alert" { p { (frame.t(problem)) } }
        }
        section.narrow {
            form.narrow method="post" action="/password" data-zone data-code="fill" {
                input type="hidden" name="zone" value="";
                @match admin {
                    Some(admin) => {
                        input type="hidden" name="code" value=(code);
                        input.hidden type="text" name="username" value=(admin.name) autocomplete="username" readonly aria-hidden="true" tabindex="-1";
                        p { (frame.t("For")) " " strong { (pages::visible(&admin.name)) } }
                    }
                    None => {
                        div.field {
                            label for="code" { (frame.t("Code from the link")) }
                            input id="code" name="code" type="text" value=(code) autocomplete="off" spellcheck="false" required;
                        }
                    }
                }
                div.field {
                    label for="password" { (frame.t("New password")) }
                    p.small id="rule" { (frame.t(RULE)) }
                    input id="password" name="password" type="password" autocomplete="new-password" required minlength=(PASSWORD_CHARS_MIN) aria-describedby="rule" aria-invalid=[wrong];
                }
                div.field {
                    label for="repeated" { (frame.t("The same password again")) }
                    input id="repeated" name="repeated" type="password" autocomplete="new-password" required aria-invalid=[wrong];
                }
                div { button { (frame.t("Set the password and sign in")) } }
            }
        }
    };
    let page = Page::new("", frame.t("Set your password"), body);
    response::html(status, pages::render(&frame, &page))
}

/// `/sign-out`.
pub(super) fn out(ask: &mut Ask) -> Result<Answer> {
    ask.acts("sign-out", "");
    ask.store.end_console_session(ask.session.id)?;
    Ok(Answer::See("/sign-in".to_string()))
}
