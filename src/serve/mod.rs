//! The small public page that a link opens: accept an invitation, or set a new password.
//!
//! ```text
//! connection ─ limits ─ path ─ find ─ form                                    GET, HEAD
//! connection ─ limits ─ path ─ same site ─ body ─ find ─ cookie ─ check ─ hash ─ accept ─ done   POST
//! ```
//!
//! Only a submitted form uses up a link, because mail scanners fetch links, too. A link that is
//! unknown, used, expired, cancelled or malformed gets the same response, byte by byte. The page
//! writes no log, and no response contains the token.

use std::future::IntoFuture;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Form, FromRequest, Request, State};
use axum::http::header::{
    ACCEPT_LANGUAGE, ALLOW, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
    SET_COOKIE,
};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tower_http::set_header::SetResponseHeaderLayer;
use uuid::Uuid;

use crate::definition::Mail;
use crate::invitation::Kind;
use crate::issue::Code;
use crate::notify::token::{self, Token};
use crate::password;
use crate::refusal::{Refusal, Result};
use crate::stages::validate::VALUE_CHARS_MAX;
use crate::store::acceptance::Invited;
use crate::store::connect::Target;
use crate::text;
use connection::{Door, Peer};
use limit::Limit;
use page::{Branding, Problems};
use pool::Pool;
use words::Words;

mod connection;
pub(crate) mod guard;
pub mod limit;
mod page;
pub(crate) mod pool;
mod words;

/// Bytes of a form: far more than the longest names and password need.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// From the head of a request to the end of its body.
const BODY_TIME: Duration = Duration::from_secs(10);
/// Passwords that are hashed at once, each with 19 MiB and a core.
const HASHES_MAX: usize = 2;
/// How long a form waits for that.
const HASH_PATIENCE: Duration = Duration::from_secs(10);
/// Pages that one client may fetch, and forms that it may send, in a minute. An office is often
/// one client, and on the first day all of it comes at once.
const READS_PER_MINUTE: u32 = 60;
const FORMS_PER_MINUTE: u32 = 30;
/// Forms that may be sent to links which begin alike, in ten minutes, whoever sends them.
const FORMS_PER_PREFIX: u32 = 20;
/// Characters that links begin alike with.
const PREFIX_CHARS: usize = 8;
/// How long requests may take that were under way when the end came.
const GRACE: Duration = Duration::from_secs(10);
const STOP_PAUSE: Duration = Duration::from_millis(100);

/// Called with the account and the kind of link after somebody got in, on a thread of its own:
/// it may block, and the visitor doesn't wait for it.
pub type OnAccepted = Arc<dyn Fn(Uuid, Kind) + Send + Sync>;

/// How the page is served.
pub struct Serving {
    /// Where to listen.
    pub listen: SocketAddr,
    /// What the pages call the place, whom to ask, how long passwords are, and where links lead:
    /// when that is `https`, cookies are bound to it.
    pub mail: Mail,
    /// Whether a proxy comes before it, whose `X-Forwarded-For` names the client.
    pub behind_proxy: bool,
    /// What else happens when somebody got in, such as the mail that says so.
    pub on_accepted: Option<OnAccepted>,
}

/// Serves the page until `stop` is set; requests that are under way then are finished. `ready` is
/// called once, with the address that is listened on.
///
/// # Errors
/// `mail.settings` when the address can't be listened on; a `database.*` code when the database
/// can't be used at the beginning. When it goes away later, the page says so and tries again.
pub fn serve(
    target: Target,
    serving: &Serving,
    stop: Arc<AtomicBool>,
    ready: impl FnOnce(SocketAddr),
) -> Result<()> {
    let https = serving
        .mail
        .link_base
        .as_deref()
        .is_some_and(|base| base.starts_with("https://"));
    let app = Arc::new(App {
        branding: Branding::new(&serving.mail),
        mail: serving.mail.clone(),
        behind_proxy: serving.behind_proxy,
        on_accepted: serving.on_accepted.clone(),
        https,
        pool: Arc::new(Pool::open(target)?),
        hashing: Arc::new(Semaphore::new(HASHES_MAX)),
        reads: Limit::new(READS_PER_MINUTE, Duration::from_mins(1)),
        forms: Limit::new(FORMS_PER_MINUTE, Duration::from_mins(1)),
        prefixes: Limit::new(FORMS_PER_PREFIX, Duration::from_mins(10)),
    });
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| unusable(serving.listen, &error))?;
    let listener = runtime
        .block_on(TcpListener::bind(serving.listen))
        .map_err(|error| unusable(serving.listen, &error))?;
    let address = listener
        .local_addr()
        .map_err(|error| unusable(serving.listen, &error))?;
    let mut router = Router::new()
        .fallback(answer)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
    for (name, value) in guard::headers(https) {
        router = router.layer(SetResponseHeaderLayer::overriding(name, value));
    }
    let router = router.with_state(Arc::clone(&app));
    ready(address);
    runtime.block_on(async {
        let service = router.into_make_service_with_connect_info::<Peer>();
        let server = axum::serve(Door::new(listener), service)
            .with_graceful_shutdown(stopped(Arc::clone(&stop)));
        let server = tokio::spawn(server.into_future());
        stopped(stop).await;
        // Whoever isn't finished by then is cut off.
        let _ = tokio::time::timeout(GRACE, server).await;
    });
    // Stores may not be dropped on the runtime; here, it is gone.
    runtime.shutdown_timeout(GRACE);
    drop(app);
    Ok(())
}

fn unusable(listen: SocketAddr, error: &std::io::Error) -> Refusal {
    let what = format!("can't listen on `{listen}`: {error}");
    Refusal::new(Code::MailSettings, what)
        .help("choose another address and port with `--listen`, such as 127.0.0.1:8480")
}

/// Ends when `stop` is set.
pub(crate) async fn stopped(stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(STOP_PAUSE).await;
    }
}

/// What every request needs.
struct App {
    branding: Branding,
    mail: Mail,
    behind_proxy: bool,
    on_accepted: Option<OnAccepted>,
    https: bool,
    pool: Arc<Pool>,
    hashing: Arc<Semaphore>,
    reads: Limit<IpAddr>,
    forms: Limit<IpAddr>,
    prefixes: Limit<String>,
}

/// The form, as it is sent. Not `Debug`: there is a password in it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Fields {
    form: String,
    first_name: String,
    last_name: String,
    password: String,
}

/// Answers a request, whatever it is.
async fn answer(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
) -> Response {
    peer.arrived();
    app.route(&peer, request).await
}

impl App {
    async fn route(self: &Arc<App>, peer: &Peer, request: Request) -> Response {
        let accepted = request.headers().get(ACCEPT_LANGUAGE);
        let accepted = accepted.and_then(|value| value.to_str().ok()).unwrap_or("");
        let accepted = accepted.to_string();
        let words = words::choose("", &accepted);
        let sends = match *request.method() {
            Method::GET | Method::HEAD => false,
            Method::POST => true,
            _ => {
                let response = self.say(StatusCode::METHOD_NOT_ALLOWED, words, words.refused);
                return with(response, ALLOW, "GET, HEAD, POST");
            }
        };
        let limit = if sends { &self.forms } else { &self.reads };
        let client = self.client(peer, request.headers());
        if let Err(seconds) = limit.take(client, Instant::now()) {
            return self.many(words, seconds);
        }
        let path = request.uri().path().trim_start_matches('/').to_string();
        match path.as_str() {
            "" if !sends => self.say(StatusCode::OK, words, words.root),
            "robots.txt" if !sends => with(
                "User-agent: *\nDisallow: /\n".into_response(),
                CONTENT_TYPE,
                "text/plain; charset=utf-8",
            ),
            token if !guard::is_token(token) => self.dead(words),
            token if sends => self.accept(token, &accepted, request).await,
            token => self.show(token, &accepted, request.headers()).await,
        }
    }

    /// Who asks.
    fn client(&self, peer: &Peer, headers: &HeaderMap) -> IpAddr {
        let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
        let forwarded = forwarded
            .filter(|_| self.behind_proxy)
            .and_then(|value| limit::forwarded(value.to_str().ok()?));
        limit::network(forwarded.unwrap_or(peer.address.ip()))
    }

    /// The form of a link that works.
    async fn show(self: &Arc<App>, token: &str, accepted: &str, headers: &HeaderMap) -> Response {
        let token = token::sha256_of(token);
        let words = words::choose("", accepted);
        match self.pool.run(move |s| s.find_invitation(&token)).await {
            None => self.busy(words),
            Some(None) => self.dead(words),
            Some(Some(invited)) => {
                let words = words::choose(&invited.language, accepted);
                let names = [invited.first_name.as_str(), invited.last_name.as_str()];
                let cookie = guard::cookie(headers, self.https);
                let problems = Problems::default();
                self.form(StatusCode::OK, words, &invited, names, &problems, cookie)
            }
        }
    }

    /// A form that was sent.
    async fn accept(self: &Arc<App>, token: &str, accepted: &str, request: Request) -> Response {
        let words = words::choose("", accepted);
        if !guard::is_same_site(request.headers(), self.mail.link_base.as_deref()) {
            return self.say(StatusCode::FORBIDDEN, words, words.refused);
        }
        let prefix = token.chars().take(PREFIX_CHARS).collect();
        if let Err(seconds) = self.prefixes.take(prefix, Instant::now()) {
            return self.many(words, seconds);
        }
        let token = token::sha256_of(token);
        let cookie = guard::cookie(request.headers(), self.https).map(String::from);
        let cookie = cookie.as_deref();
        let body = Form::<Fields>::from_request(request, &());
        let fields = match tokio::time::timeout(BODY_TIME, body).await {
            Ok(Ok(Form(fields))) => fields,
            Ok(Err(rejection)) => return self.say(rejection.status(), words, words.refused),
            Err(_) => return self.say(StatusCode::REQUEST_TIMEOUT, words, words.refused),
        };
        let invited = match self.pool.run(move |s| s.find_invitation(&token)).await {
            None => return self.busy(words),
            Some(None) => return self.dead(words),
            Some(Some(invited)) => invited,
        };
        let words = words::choose(&invited.language, accepted);
        let first = text::clean(&fields.first_name).0.into_owned();
        let last = text::clean(&fields.last_name).0.into_owned();
        let names = [first.as_str(), last.as_str()];
        if !guard::is_own_form(cookie, &fields.form) {
            let problems = Problems {
                form: Some(words.resend),
                ..Problems::default()
            };
            let status = StatusCode::FORBIDDEN;
            return self.form(status, words, &invited, names, &problems, cookie);
        }
        let is_new = invited.kind == Kind::Invite;
        let mut problems = Problems::default();
        if is_new {
            problems.first_name = name_problem(words, &first);
            problems.last_name = name_problem(words, &last);
        }
        let hash = match self
            .judge(fields.password, names, &invited, &problems)
            .await
        {
            None => return self.busy(words),
            Some(Ok(hash)) => hash,
            Some(Err(problem)) => {
                problems.password = Some(problem.map_or(words.again, |p| words.problem(p)));
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                return self.form(status, words, &invited, names, &problems, cookie);
            }
        };
        let names = is_new.then_some((first, last));
        let used = self.pool.run(move |store| {
            let (first, last) = names
                .as_ref()
                .map(|(f, l)| (f.as_str(), l.as_str()))
                .unzip();
            store.accept_invitation(&token, &hash, first, last)
        });
        match used.await {
            None => self.busy(words),
            Some(None) => self.dead(words::choose("", accepted)),
            Some(Some(account)) => {
                self.tell(account, invited.kind);
                page_response(StatusCode::OK, page::done(&self.branding, words, &invited))
            }
        }
    }

    /// The hash of a password that is taken; else what is wrong with it, or `None` in there when
    /// only the names are. `None` outside when there is no free hand for it.
    async fn judge(
        &self,
        password: String,
        names: [&str; 2],
        invited: &Invited,
        problems: &Problems,
    ) -> Option<std::result::Result<String, Option<password::Problem>>> {
        let turn = Arc::clone(&self.hashing).acquire_owned();
        let turn = tokio::time::timeout(HASH_PATIENCE, turn).await.ok()?.ok()?;
        let names = [
            names[0],
            names[1],
            &invited.first_name,
            &invited.last_name,
            &invited.username,
        ]
        .map(String::from);
        let email = invited.email.clone();
        let product = self.mail.product.clone();
        let chars_min = self.mail.password_min;
        let names_are_fine = problems.is_empty();
        let judged = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let known = password::Known {
                names: &names,
                email: &email,
                product: &product,
            };
            match password::check(&password, chars_min, &known) {
                Err(problem) => Some(Err(Some(problem))),
                Ok(_) if !names_are_fine => Some(Err(None)),
                Ok(normal) => password::hash(&normal).ok().map(Ok),
            }
        });
        judged.await.ok().flatten()
    }

    /// Starts what else happens when somebody got in.
    fn tell(&self, account: Uuid, kind: Kind) {
        if let Some(on_accepted) = self.on_accepted.clone() {
            tokio::task::spawn_blocking(move || on_accepted(account, kind));
        }
    }

    /// The form's page, with the cookie that it is sent back with: the browser's own if it has one,
    /// so that a second page of its owner doesn't spoil the first.
    fn form(
        &self,
        status: StatusCode,
        words: &Words,
        invited: &Invited,
        names: [&str; 2],
        problems: &Problems,
        cookie: Option<&str>,
    ) -> Response {
        let secret = match cookie {
            Some(cookie) => cookie.to_string(),
            None => match Token::new() {
                Ok(token) => token.text(),
                Err(_) => return self.busy(words),
            },
        };
        let page = page::form(&self.branding, words, invited, names, problems, &secret);
        let response = page_response(status, page);
        with(
            response,
            SET_COOKIE,
            &guard::set_cookie(self.https, &secret),
        )
    }

    fn say(&self, status: StatusCode, words: &Words, texts: &[&str]) -> Response {
        page_response(status, page::message(&self.branding, words, texts))
    }

    /// Says nothing of why, because that is nobody's business but the link's owner's.
    fn dead(&self, words: &Words) -> Response {
        self.say(StatusCode::NOT_FOUND, words, words.dead)
    }

    fn busy(&self, words: &Words) -> Response {
        let response = self.say(StatusCode::SERVICE_UNAVAILABLE, words, words.busy);
        with(response, RETRY_AFTER, "60")
    }

    fn many(&self, words: &Words, seconds: u64) -> Response {
        let response = self.say(StatusCode::TOO_MANY_REQUESTS, words, words.many);
        with(response, RETRY_AFTER, &seconds.to_string())
    }
}

fn name_problem(words: &Words, name: &str) -> Option<&'static str> {
    match name.chars().count() {
        0 => Some(words.name_missing),
        chars if chars > VALUE_CHARS_MAX => Some(words.name_long),
        _ => None,
    }
}

fn page_response(status: StatusCode, page: String) -> Response {
    let response = (status, page).into_response();
    with(response, CONTENT_TYPE, "text/html; charset=utf-8")
}

fn with(mut response: Response, name: HeaderName, value: &str) -> Response {
    // All of the values are ASCII of ours.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

#[cfg(test)]
mod tests;
