//! The console: what administrators do in a browser.
//!
//! ```text
//! connection ─ host ─ session ─ role ─ page                                              GET
//! connection ─ host ─ same site ─ body ─ session ─ role ─ secret ─ nonce ─ act ─ see other   POST
//! ```
//!
//! A page reads by calls of the library, in this process. What starts a run or sends mails is a
//! command in a process of its own ([`jobs`]), so that everything here can be done, seen and undone
//! on the command line, too. `routes.rs` lists every address with the role that it needs.

use std::future::IntoFuture;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tower_http::set_header::SetResponseHeaderLayer;

use self::counts::Counts;
use crate::issue::Code;
use crate::notify::token::Token;
use crate::password;
use crate::refusal::{Refusal, Result};
use crate::serve::limit::{self, Limit};
use crate::serve::pool::Pool;
use crate::serve::stopped;
use crate::store::connect::Target;
use connection::{Door, Peer};

pub mod ask;
mod audit;
mod commands;
mod connection;
mod counts;
mod dispatch;
mod german;
mod headers;
mod help;
mod home;
mod import;
mod inbox;
mod invite;
pub mod jobs;
mod mails;
mod page;
mod people;
mod proxy;
mod response;
mod routes;
mod runs;
mod settings;
mod sign_in;
mod steps;
mod words;

pub use self::import::{folder_of as uploads_of, tidy};
pub use self::proxy::{Network, Trusted};

/// Bytes of a form; files are streamed and have a limit of their own.
const FORM_BYTES_MAX: usize = 4 << 20;
/// How long requests may take that are under way when the end came.
const GRACE: Duration = Duration::from_secs(5);

/// How the console is served.
pub struct Serving {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Muster's home, where uploads are kept.
    pub home: PathBuf,
    /// The database, where it was named on the command line; the commands that are started use it.
    pub database: Option<String>,
    /// The most bytes of a file that is sent.
    pub upload_bytes: u64,
    /// After how many days it is deleted.
    pub upload_days: u32,
    /// Whether the mails of the outbox are shown, as the demo does.
    pub inbox: bool,
    /// Names by which browsers may ask, besides that of a loopback address.
    pub hosts: Vec<String>,
    /// Whether browsers come by `https` through a proxy, whose `X-Forwarded-For` names them.
    pub behind_proxy: bool,
    /// The proxy that says who has signed in.
    pub trusted: Option<Trusted>,
}

/// What every request needs.
pub struct App {
    pool: Arc<Pool>,
    /// The database, where it was named on the command line.
    database: Option<String>,
    /// Muster's home.
    pub home: PathBuf,
    /// The most bytes of a file that is sent.
    upload_bytes: u64,
    /// After how many days it is deleted.
    upload_days: u32,
    /// Whether the mails of the outbox are shown.
    inbox: bool,
    hosts: Vec<String>,
    https: bool,
    behind_proxy: bool,
    trusted: Option<Trusted>,
    /// Whether links sign in, as on the machine itself.
    links: bool,
    tries: Tries,
    counts: Counts,
    /// A hash that no password has, for names that nobody has.
    no_password: String,
}

/// How often somebody may try to sign in, in ten minutes.
struct Tries {
    /// From one network, whatever the name: an office is often one.
    of_network: Limit<IpAddr>,
    /// With one name from one network.
    of_both: Limit<(String, IpAddr)>,
    /// With one name from anywhere.
    of_name: Limit<String>,
}

impl Tries {
    fn new() -> Tries {
        let time = Duration::from_mins(10);
        Tries {
            of_network: Limit::new(60, time),
            of_both: Limit::new(10, time),
            of_name: Limit::new(50, time),
        }
    }
}

impl App {
    /// The address of the browser.
    fn client(&self, head: &response::Head) -> IpAddr {
        proxy::client(head.peer, &head.headers, self.behind_proxy)
    }

    /// Counts a try to sign in; the error is after how many seconds there may be one.
    fn try_from(&self, head: &response::Head) -> std::result::Result<(), u64> {
        let network = limit::network(self.client(head));
        self.tries.of_network.take(network, Instant::now())
    }

    /// Who has signed in at a trusted proxy.
    fn proxy_user(&self, head: &response::Head) -> Option<String> {
        self.trusted.as_ref()?.user(head.peer, &head.headers)
    }
}

/// Serves the console until `stop` is set; requests that are under way then are finished. `ready` is
/// called once, with the address that is listened on.
///
/// # Errors
/// `usage.invalid` when the address can't be listened on; a `database.*` code when the database
/// can't be used at the beginning. When it goes away later, the pages say so.
pub fn serve(
    target: Target,
    serving: Serving,
    stop: Arc<AtomicBool>,
    ready: impl FnOnce(SocketAddr),
) -> Result<()> {
    let Serving {
        listen,
        home,
        database,
        upload_bytes,
        upload_days,
        inbox,
        hosts,
        behind_proxy,
        trusted,
    } = serving;
    let https = behind_proxy;
    let app = Arc::new(App {
        pool: Arc::new(Pool::open(target)?),
        database,
        home,
        upload_bytes,
        upload_days,
        inbox,
        hosts,
        https,
        behind_proxy,
        trusted,
        links: listen.ip().is_loopback() && !behind_proxy,
        tries: Tries::new(),
        counts: Counts::default(),
        no_password: password::hash(&Token::new()?.text())?,
    });
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| unusable(listen, &error))?;
    let bound = runtime.block_on(TcpListener::bind(listen));
    let listener = bound.map_err(|error| unusable(listen, &error))?;
    let address = listener.local_addr();
    let address = address.map_err(|error| unusable(listen, &error))?;
    let mut router = Router::new()
        .fallback(answer)
        .layer(DefaultBodyLimit::disable());
    for (name, value) in headers::headers(https) {
        router = router.layer(SetResponseHeaderLayer::if_not_present(name, value));
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
    Refusal::new(Code::UsageInvalid, what)
        .help("choose another address and port with `--listen`, such as 127.0.0.1:8481")
}

async fn answer(
    State(app): State<Arc<App>>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    request: Request,
) -> Response {
    dispatch::answer(app, peer, request).await
}
