//! From a URL, or nothing, to a connection.
//!
//! TLS: connections to other machines need a verified certificate, unless the URL says
//! `sslmode=disable`. The driver's default would continue in plain text, with the password, if a
//! server (or somebody in between) says that it has no TLS; so `sslmode` is taken out of the URL
//! and decided here.

use std::env;
use std::error::Error as _;
use std::fmt;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};
use tokio_postgres::tls::TlsStream;
use tokio_postgres::{Client, Config, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::binaries::{MAJOR_MIN, leading_number};
use super::error::refusal;
use super::jobs;
use super::launcher::{Local, Status};
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

/// How long a host may take to answer where the URL has no `connect_timeout`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What a refusal of the local database says was done.
const LOCALLY: &str = "connecting to the local database";

/// Which database a run works on.
#[derive(Clone)]
pub enum Target {
    /// One that was named.
    Url(Box<Address>),
    /// Muster's own, started on demand.
    Local(Local),
}

/// A named database: where it is, who we are there, and whether TLS protects the way.
#[derive(Clone)]
pub struct Address {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    /// A password file that was passed over because others can read it.
    open_password_file: Option<PathBuf>,
}

/// An open connection. Its driver runs on the runtime that it was opened on, and ends after the
/// client is dropped.
pub struct Connection {
    /// Runs statements.
    pub client: Client,
    /// The server's major version, such as 15.
    pub major: u32,
    driver: JoinHandle<std::result::Result<(), tokio_postgres::Error>>,
}

impl Connection {
    /// Says goodbye to the server, and waits until that is sent.
    pub async fn close(self) {
        drop(self.client);
        // How a connection ended that nobody uses any more changes nothing.
        let _ = self.driver.await;
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection(PostgreSQL {})", self.major)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.describe())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.describe())
    }
}

impl Target {
    /// The database named explicitly, else by `DATABASE_URL`, else the local one below `home`.
    /// Both forms of libpq are taken, URL and `key=value`. A password that isn't in there comes
    /// from `PGPASSWORD` or the password file (`PGPASSFILE`, else `~/.pgpass`).
    ///
    /// # Errors
    /// `database.url` with what is wrong, never with the password; `database.tls` where
    /// `sslrootcert` can't be used.
    pub fn find(explicit: Option<&str>, home: &Path) -> Result<Target> {
        let named = explicit
            .map(String::from)
            .or_else(|| env::var("DATABASE_URL").ok())
            .filter(|text| !text.trim().is_empty());
        match named {
            Some(text) => Address::parse(text.trim(), &Passwords::from_environment())
                .map(|address| Target::Url(Box::new(address))),
            None => Ok(Target::Local(Local::at(home))),
        }
    }

    /// What reports call it; never shows the password.
    pub fn describe(&self) -> String {
        match self {
            Target::Url(address) => address.describe(),
            Target::Local(_) => "the local database".to_string(),
        }
    }

    /// Whether there may be something in it already: the local one was made, or one was named.
    pub fn is_there(&self) -> bool {
        match self {
            Target::Url(_) => true,
            Target::Local(local) => local.exists(),
        }
    }

    /// Connects, starting the local server (and making its cluster) if need be.
    ///
    /// # Errors
    /// See [`refusal`] and [`Local::start`]; `database.version` for servers before 13.
    pub async fn connect(&self) -> Result<Connection> {
        match self {
            Target::Url(address) => address.connect().await,
            Target::Local(local) => connect_locally(local).await,
        }
    }

    /// Connects to what runs already: a local server that was stopped stays so.
    ///
    /// # Errors
    /// As [`Target::connect`].
    pub async fn connect_if_running(&self) -> Result<Connection> {
        match self {
            Target::Url(address) => address.connect().await,
            Target::Local(local) => open(&local.own_config(), None, LOCALLY).await,
        }
    }

    /// Whether this is a local server that was made and doesn't run.
    pub fn is_stopped(&self) -> bool {
        match self {
            Target::Url(_) => false,
            Target::Local(local) => local.status() == Status::Stopped,
        }
    }

    /// Connects to what is there already: a local database that was never made, or that can't be
    /// started because PostgreSQL isn't installed, is none. For commands that only look.
    ///
    /// # Errors
    /// As [`Target::connect`].
    pub async fn connect_if_there(&self) -> Result<Option<Connection>> {
        match self {
            Target::Local(local) if !local.exists() => Ok(None),
            _ => match self.connect().await {
                Err(refusal) if refusal.code == Code::DatabaseMissing => Ok(None),
                result => result.map(Some),
            },
        }
    }
}

async fn connect_locally(local: &Local) -> Result<Connection> {
    let config = local.own_config();
    if let Ok(connection) = open(&config, None, LOCALLY).await {
        return Ok(connection);
    }
    let starter = local.clone();
    tokio::task::spawn_blocking(move || starter.start())
        .await
        .map_err(|_| {
            Refusal::new(
                Code::DatabaseFailed,
                "starting the local database was interrupted",
            )
        })??;
    open(&config, None, LOCALLY).await
}

impl Address {
    /// Reads a URL or a `key=value` string.
    fn parse(text: &str, passwords: &Passwords) -> Result<Address> {
        let (text, ssl) = take_ssl(text)?;
        let mut config: Config = text.parse().map_err(|error| not_parsed(&error))?;
        if let Some(Host::Tcp(host)) = config.get_hosts().iter().find(|host| odd(host)) {
            // Not echoed: what is there is often the second half of a password.
            let at = if host.contains('@') {
                "an `@`"
            } else {
                "a character"
            };
            return Err(wrong_url(&format!(
                "the host contains {at}, which can't be part of a host"
            ))
            .help(
                "write `@` in a password as %40, `:` as %3A, `/` as %2F, `?` as %3F, `%` as %25",
            ));
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            let debian = Path::new("/var/run/postgresql");
            config.host_path(if debian.is_dir() {
                debian
            } else {
                Path::new("/tmp")
            });
        }
        let tls = ssl.decide(&mut config)?;
        let mut open_password_file = None;
        if config.get_password().is_none() {
            match passwords.find(&config) {
                Found::Password(password) => drop(config.password(password)),
                Found::OpenToOthers(path) => open_password_file = Some(path),
                Found::Nothing => {}
            }
        }
        if config.get_application_name().is_none() {
            config.application_name(jobs::application());
        }
        Ok(Address {
            config,
            tls,
            open_password_file,
        })
    }

    fn describe(&self) -> String {
        let config = &self.config;
        let user = config
            .get_user()
            .map_or(String::new(), |user| format!("{user}@"));
        let database = config
            .get_dbname()
            .or(config.get_user())
            .unwrap_or_default();
        let port = |index: usize| {
            let ports = config.get_ports();
            ports.get(index).or(ports.first()).copied().unwrap_or(5432)
        };
        let mut hosts = Vec::new();
        let mut folder = String::new();
        for (index, host) in config.get_hosts().iter().enumerate() {
            match host {
                Host::Tcp(name) if name.contains(':') => {
                    hosts.push(format!("[{name}]:{}", port(index)));
                }
                Host::Tcp(name) => hosts.push(format!("{name}:{}", port(index))),
                Host::Unix(path) => folder = format!("?host={}", path.display()),
            }
        }
        if config.get_hosts().is_empty() {
            let addresses = config.get_hostaddrs().iter().enumerate();
            hosts.extend(
                addresses
                    .map(|(index, address)| SocketAddr::new(*address, port(index)).to_string()),
            );
        }
        let plain = if self.tls.is_none() && !is_local(config) {
            " (no TLS)"
        } else {
            ""
        };
        format!(
            "postgresql://{user}{}/{database}{folder}{plain}",
            hosts.join(",")
        )
    }

    async fn connect(&self) -> Result<Connection> {
        let mut config = self.config.clone();
        let patience = config
            .get_connect_timeout()
            .copied()
            .unwrap_or(CONNECT_TIMEOUT);
        let hosts = config
            .get_hosts()
            .len()
            .max(config.get_hostaddrs().len())
            .max(1);
        // A name often has an IPv6 and an IPv4 address, and one of them leads nowhere: half of
        // the time for each.
        config
            .connect_timeout((patience / 2).max(Duration::from_secs(1)))
            .keepalives(true)
            .keepalives_idle(Duration::from_secs(30))
            .keepalives_interval(Duration::from_secs(10))
            .keepalives_retries(3);
        let doing = format!("connecting to {}", self.describe());
        let opening = open(&config, self.tls.clone(), &doing);
        let whole = patience * u32::try_from(hosts).unwrap_or(1);
        let opened = tokio::time::timeout(whole, opening)
            .await
            .unwrap_or_else(|_| {
                let seconds = whole.as_secs();
                Err(Refusal::new(
                    Code::DatabaseUnreachable,
                    format!("{doing}: no answer within {seconds} seconds"),
                )
                .help("check host, port and firewall, or raise `connect_timeout`"))
            });
        opened.map_err(|refusal| match &self.open_password_file {
            Some(path) if refusal.code == Code::DatabaseLogin => refusal.help(format!(
                "`{0}` was not used because others can read it: `chmod 600 {0}`",
                path.display()
            )),
            _ => refusal,
        })
    }
}

/// Opens a connection, looks at the server's version and makes the session's settings.
async fn open(config: &Config, tls: Option<MakeRustlsConnect>, doing: &str) -> Result<Connection> {
    let because = |error| refusal(&error, doing);
    let (version, connection) = match tls {
        None => {
            let (client, connection) = config.connect(NoTls).await.map_err(because)?;
            drive(client, connection)
        }
        Some(tls) => {
            let (client, connection) = config.connect(tls).await.map_err(because)?;
            drive(client, connection)
        }
    };
    if connection.major < MAJOR_MIN {
        return Err(Refusal::new(
            Code::DatabaseVersion,
            format!(
                "{doing}: the server is PostgreSQL {version}, but {MAJOR_MIN} or newer is needed"
            ),
        ));
    }
    let settings = include_str!("sql/session.sql");
    connection
        .client
        .batch_execute(settings)
        .await
        .map_err(because)?;
    Ok(connection)
}

fn drive<S>(
    client: Client,
    connection: tokio_postgres::Connection<Socket, S>,
) -> (String, Connection)
where
    S: TlsStream + Unpin + Send + 'static,
{
    let version = connection
        .parameter("server_version")
        .unwrap_or("unknown")
        .to_string();
    let connection = Connection {
        client,
        major: leading_number(&version).unwrap_or(0),
        driver: tokio::spawn(connection),
    };
    (version, connection)
}

/// What a URL says about TLS.
#[derive(Default)]
struct Ssl {
    mode: Option<Mode>,
    authority: Option<String>,
}

/// The words of `sslmode`, as far as we tell them apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// `disable`.
    Never,
    /// `allow`, `prefer`: libpq's own default, which protects from nobody.
    Perhaps,
    /// `require`, `verify-ca`, `verify-full`: all of them verify chain and name here.
    Always,
}

impl Ssl {
    fn take(&mut self, key: &str, value: &str) -> Result<bool> {
        match key {
            "sslmode" => {
                self.mode = Some(match value {
                    "disable" => Mode::Never,
                    "allow" | "prefer" => Mode::Perhaps,
                    "require" | "verify-ca" | "verify-full" => Mode::Always,
                    _ => {
                        return Err(wrong_url("`sslmode` has an unknown value").help(
                            "use `disable`, `require`, `verify-ca` or `verify-full`; the last three \
                             all verify the certificate and the name",
                        ));
                    }
                });
            }
            "sslrootcert" => self.authority = Some(value.to_string()),
            "sslcert" | "sslkey" | "sslpassword" => {
                return Err(wrong_url(&format!(
                    "`{key}`: muster doesn't support client certificates yet"
                ))
                .help("remove it, and log in with a password"));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Sets the driver's mode; the answer is how to make TLS, if it is to be made.
    fn decide(self, config: &mut Config) -> Result<Option<MakeRustlsConnect>> {
        let sockets_only = config.get_hostaddrs().is_empty()
            && config
                .get_hosts()
                .iter()
                .all(|host| matches!(host, Host::Unix(_)));
        let wanted = match self.mode {
            Some(Mode::Never) => false,
            Some(Mode::Always) => true,
            Some(Mode::Perhaps) | None => !is_local(config),
        };
        if !wanted || sockets_only {
            config.ssl_mode(SslMode::Disable);
            return Ok(None);
        }
        config.ssl_mode(SslMode::Require);
        let mut client = client_config(self.authority.as_deref())?;
        if config.get_ssl_negotiation() == SslNegotiation::Direct {
            client.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(Some(MakeRustlsConnect::new(client)))
    }
}

/// Trust in the authorities of a PEM file, or in the system's.
fn client_config(authority: Option<&str>) -> Result<ClientConfig> {
    let distrusted = |what: String| Refusal::new(Code::DatabaseTls, what);
    let builder =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| distrusted(format!("TLS can't be set up: {error}")))?;
    let Some(path) = authority.filter(|path| *path != "system") else {
        let builder = builder.with_platform_verifier().map_err(|error| {
            distrusted(format!(
                "the system's certificate authorities can't be used: {error}"
            ))
            .help("install `ca-certificates`, or name the server's authority with `sslrootcert`")
        })?;
        return Ok(builder.with_no_client_auth());
    };
    let unusable = |why: String| {
        distrusted(format!("`sslrootcert` names `{path}`, {why}"))
            .help("name a PEM file with the certificate of the authority that signed the server's")
    };
    let text = fs::read(path).map_err(|error| unusable(format!("which can't be read: {error}")))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate =
            certificate.map_err(|error| unusable(format!("which is damaged: {error}")))?;
        roots
            .add(certificate)
            .map_err(|error| unusable(format!("in which a certificate is damaged: {error}")))?;
    }
    if roots.is_empty() {
        return Err(unusable(
            "which holds no certificate in PEM form".to_string(),
        ));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Whether every host is this machine, so that nobody is in between.
fn is_local(config: &Config) -> bool {
    let hosts = config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name.eq_ignore_ascii_case("localhost")
                || name
                    .parse::<IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
    });
    hosts && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

/// Whether a host has characters that neither names nor addresses have.
fn odd(host: &Host) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b".-_:%".contains(&byte) || !byte.is_ascii();
    matches!(host, Host::Tcp(name) if !name.bytes().all(plain))
}

/// Takes what concerns TLS out of a connection string; the rest is the driver's to read.
fn take_ssl(text: &str) -> Result<(String, Ssl)> {
    let rest = text
        .strip_prefix("postgresql://")
        .or_else(|| text.strip_prefix("postgres://"));
    match rest {
        Some(rest) => take_ssl_from_url(text, rest),
        None => take_ssl_from_pairs(text),
    }
}

fn take_ssl_from_url(text: &str, rest: &str) -> Result<(String, Ssl)> {
    let mut ssl = Ssl::default();
    // The driver looks for `@` in all of the URL, also after the host.
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    if !authority.contains('@') && rest.contains('@') {
        return Err(wrong_url(
            "an `@` follows the host, or the user or password contains `/`, `?` or `#`",
        )
        .help(
            "write `@` as %40, `/` as %2F, `?` as %3F and `#` as %23 in a user name or password",
        ));
    }
    let Some((front, query)) = text.split_once('?') else {
        return Ok((text.to_string(), ssl));
    };
    let mut kept = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !ssl.take(&percent_decoded(key)?, &percent_decoded(value)?)? {
            kept.push(pair);
        }
    }
    let separator = if kept.is_empty() { "" } else { "?" };
    Ok((format!("{front}{separator}{}", kept.join("&")), ssl))
}

/// `key = 'value'` pairs with backslash escapes, by the rules of libpq.
fn take_ssl_from_pairs(text: &str) -> Result<(String, Ssl)> {
    if let Some((scheme, _)) = text.split_once("://")
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.:".contains(&byte))
    {
        return Err(wrong_url(&format!(
            "`{scheme}://` was found, but `postgresql://` is expected"
        )));
    }
    let mut ssl = Ssl::default();
    let mut kept = String::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let Some((key, behind)) = rest.split_once('=') else {
            return Err(wrong_url("neither a URL nor a list of `key=value`"));
        };
        let (value, behind) = pair_value(behind.trim_start())?;
        if !ssl.take(key.trim(), &value)? {
            let escaped = value.replace('\\', "\\\\").replace('\'', "\\'");
            kept += &format!("{}='{escaped}' ", key.trim());
        }
        rest = behind.trim_start();
    }
    Ok((kept, ssl))
}

/// The value at the beginning of `text`, and what follows it.
fn pair_value(text: &str) -> Result<(String, &str)> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut characters = text.char_indices().skip(usize::from(quoted));
    while let Some((index, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, &text[index + 1..])),
            _ if !quoted && character.is_whitespace() => return Ok((value, &text[index..])),
            _ => value.push(character),
        }
    }
    if quoted {
        return Err(wrong_url("a quote is never closed"));
    }
    Ok((value, ""))
}

fn percent_decoded(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        bytes.push(match byte {
            b'%' => match (digit(), digit()) {
                // Two hex digits always fit.
                (Some(high), Some(low)) => (high * 16 + low) as u8,
                _ => return Err(wrong_url("a `%` without two hex digits after it")),
            },
            _ => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| wrong_url("percent-encoded bytes that aren't UTF-8"))
}

fn wrong_url(what: &str) -> Refusal {
    Refusal::new(Code::DatabaseUrl, format!("the database URL: {what}"))
}

/// The driver's words name an unknown option, which may be a piece of a password with a space or
/// an ampersand in it; so only options that libpq knows are repeated.
fn not_parsed(error: &tokio_postgres::Error) -> Refusal {
    const NOT_TAKEN: [&str; 14] = [
        "client_encoding",
        "fallback_application_name",
        "gssdelegation",
        "gssencmode",
        "gsslib",
        "krbsrvname",
        "passfile",
        "replication",
        "require_auth",
        "requirepeer",
        "service",
        "sslcrl",
        "ssl_min_protocol_version",
        "sslcompression",
    ];
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    match cause
        .strip_prefix("unknown option `")
        .and_then(|rest| rest.strip_suffix('`'))
    {
        Some(option) if NOT_TAKEN.contains(&option) => {
            wrong_url(&format!("the option `{option}` isn't supported")).help("leave it out")
        }
        Some(_) => wrong_url("an unknown option"),
        None if cause.starts_with("invalid value for option") => wrong_url(&cause),
        None => wrong_url("it can't be parsed"),
    }
}

/// Where passwords may come from besides the URL.
#[derive(Default)]
struct Passwords {
    variable: Option<String>,
    file: Option<PathBuf>,
}

/// What was found there.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Password(String),
    OpenToOthers(PathBuf),
    Nothing,
}

impl Passwords {
    fn from_environment() -> Passwords {
        let path = |name| {
            env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        Passwords {
            variable: env::var("PGPASSWORD")
                .ok()
                .filter(|value| !value.is_empty()),
            file: path("PGPASSFILE").or_else(|| path("HOME").map(|home| home.join(".pgpass"))),
        }
    }

    fn find(&self, config: &Config) -> Found {
        if let Some(password) = &self.variable {
            return Found::Password(password.clone());
        }
        let Some(path) = &self.file else {
            return Found::Nothing;
        };
        let Ok(text) = fs::read_to_string(path) else {
            return Found::Nothing;
        };
        if fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0) {
            return Found::OpenToOthers(path.clone());
        }
        let host = match config.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            Some(Host::Unix(path)) if path.ends_with("var/run/postgresql") || path == "/tmp" => {
                "localhost".to_string()
            }
            Some(Host::Unix(path)) => path.display().to_string(),
            None => config
                .get_hostaddrs()
                .first()
                .map(IpAddr::to_string)
                .unwrap_or_default(),
        };
        let port = config
            .get_ports()
            .first()
            .copied()
            .unwrap_or(5432)
            .to_string();
        let user = config
            .get_user()
            .map(String::from)
            .or_else(|| env::var("USER").ok());
        let user = user.unwrap_or_default();
        let database = config.get_dbname().unwrap_or(&user);
        password_for(&text, [&host, &port, database, &user]).map_or(Found::Nothing, Found::Password)
    }
}

/// The first line of a password file, `host:port:database:user:password`, that fits. `*` fits
/// everything; a backslash escapes a colon or itself.
fn password_for(text: &str, wanted: [&str; 4]) -> Option<String> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let fields = password_fields(line);
            let fits = |(field, wanted): (&String, &&str)| field == "*" || field == wanted;
            let all = fields.len() == 5 && fields.iter().zip(&wanted).all(fits);
            all.then(|| fields[4].clone())
        })
}

fn password_fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ':' if fields.len() < 5 => fields.push(String::new()),
            '\\' => push(&mut fields, characters.next().unwrap_or('\\')),
            _ => push(&mut fields, character),
        }
    }
    fields
}

fn push(fields: &mut [String], character: char) {
    if let Some(field) = fields.last_mut() {
        field.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, Found, Passwords, Target, password_for};
    use crate::issue::Code;
    use crate::refusal::Refusal;
    use crate::store::scratch::Home;
    use std::fs;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    use std::path::Path;
    use std::process::Command;
    use std::thread;
    use std::time::{Duration, Instant};
    use tokio::runtime::Runtime;

    const SECRET: &str = "can4ry";

    fn parse(text: &str) -> crate::refusal::Result<Address> {
        Address::parse(text, &Passwords::default())
    }

    fn refused(text: &str) -> Refusal {
        let address = parse(text).unwrap();
        let result = Runtime::new().unwrap().block_on(address.connect());
        let refusal = result.map(|_| text).unwrap_err();
        assert!(!format!("{refusal:?}").contains(SECRET), "{refusal:?}");
        refusal
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table reads best in one piece")]
    fn only_this_machine_is_reached_without_tls() {
        // connection string, whether TLS is made, what reports call it
        let table = [
            (
                "postgresql://u:can4ry@localhost/d",
                false,
                "postgresql://u@localhost:5432/d",
            ),
            (
                "postgres://u@127.0.0.9:99/d?sslmode=prefer",
                false,
                "postgresql://u@127.0.0.9:99/d",
            ),
            (
                "postgresql://u@[::1]/",
                false,
                "postgresql://u@[::1]:5432/u",
            ),
            (
                "postgresql://u@localhost/d?sslmode=require",
                true,
                "postgresql://u@localhost:5432/d",
            ),
            (
                "postgresql:///d?host=/run/pg&user=u&sslmode=require",
                false,
                "postgresql://u@/d?host=/run/pg",
            ),
            (
                "postgresql://u:can4ry@db.example.org/d",
                true,
                "postgresql://u@db.example.org:5432/d",
            ),
            (
                "postgresql://db.example.org/d?sslmode=prefer",
                true,
                "postgresql://db.example.org:5432/d",
            ),
            (
                "postgresql://u@10.0.0.1/d?sslmode=verify-ca",
                true,
                "postgresql://u@10.0.0.1:5432/d",
            ),
            (
                "postgresql://u@h/d?sslmode=%64isable&connect_timeout=3",
                false,
                "postgresql://u@h:5432/d (no TLS)",
            ),
            (
                "postgresql://u@localhost,h:7/d",
                true,
                "postgresql://u@localhost:5432,h:7/d",
            ),
            (
                "host=localhost hostaddr=10.0.0.1 user=u",
                true,
                "postgresql://u@localhost:5432/u",
            ),
            (
                "hostaddr=10.0.0.1 user=u sslmode = 'disable'",
                false,
                "postgresql://u@10.0.0.1:5432/u (no TLS)",
            ),
            (
                r"host=h user='o\'b \\' password=can4ry sslmode=verify-full",
                true,
                r"postgresql://o'b \@h:5432/o'b \",
            ),
        ];
        for (text, tls, described) in table {
            let address = parse(text).unwrap_or_else(|refusal| panic!("{text}: {refusal:?}"));
            assert_eq!(address.tls.is_some(), tls, "{text}");
            assert_eq!(address.describe(), described);
            let debug = format!("{:?}", Target::Url(Box::new(address)));
            assert!(!debug.contains(SECRET), "{debug}");
        }
    }

    #[test]
    fn a_wrong_url_is_explained_without_its_password() {
        let table = [
            (
                "mysql://u:can4ry@h/d",
                "`mysql://` was found, but `postgresql://` is expected",
            ),
            (
                "postgresql://u:pw@can4ry@h/d",
                "the host contains an `@`, which can't be part of a host",
            ),
            (
                "postgresql://u:p/can4ry@h/d",
                "an `@` follows the host, or the user or password contains `/`, `?` or `#`",
            ),
            (
                "postgresql://h/d?application_name=a@b",
                "an `@` follows the host, or the user or password contains `/`, `?` or `#`",
            ),
            (
                "postgresql://u:pw@h/d?sslmode=can4ry",
                "`sslmode` has an unknown value",
            ),
            (
                "postgresql://u@h/d?password=p&can4ry=x",
                "an unknown option",
            ),
            (
                "postgresql://u@h/d?gssencmode=disable",
                "the option `gssencmode` isn't supported",
            ),
            (
                "postgresql://u@h/d?sslcert=c.pem",
                "`sslcert`: muster doesn't support client certificates yet",
            ),
            (
                "postgresql://u@h:can4ry/d",
                "invalid value for option `port`",
            ),
            (
                "host=h password=p can4ry",
                "neither a URL nor a list of `key=value`",
            ),
            ("host=h password='can4ry", "a quote is never closed"),
            ("host=h password=p can4ry=x", "an unknown option"),
            (
                "postgresql://u@h/d?password=%zz",
                "a `%` without two hex digits after it",
            ),
            ("can4ry", "neither a URL nor a list of `key=value`"),
        ];
        for (text, what) in table {
            let refusal = parse(text).map(|_| text).unwrap_err();
            assert_eq!(refusal.code, Code::DatabaseUrl, "{text}");
            assert_eq!(refusal.what, format!("the database URL: {what}"), "{text}");
            assert!(!format!("{refusal:?}").contains(SECRET), "{refusal:?}");
        }
        let refusal = parse("postgresql://h/d?sslrootcert=/not/there").unwrap_err();
        assert_eq!(refusal.code, Code::DatabaseTls);
    }

    #[test]
    fn password_files_are_read_as_libpq_reads_them() {
        let text = "# h:5432:d:u:comment\nh:5432:d:short\nh:1:d:u:port\nh:*:d:u:a\\:b\\\\c:d\n*:*:*:*:last";
        let table = [
            (["h", "5432", "d", "u"], "a:b\\c:d"),
            (["h", "1", "d", "u"], "port"),
            (["other", "5432", "d", "u"], "last"),
        ];
        for (wanted, password) in table {
            assert_eq!(password_for(text, wanted).as_deref(), Some(password));
        }
        assert_eq!(password_for("h:5432:d:u:p", ["h", "5432", "d", "v"]), None);

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pgpass");
        fs::write(&file, "h:5432:d:u:fromfile\nlocalhost:5432:d:u:fromsocket").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let mut passwords = Passwords {
            variable: None,
            file: Some(file.clone()),
        };
        let config = "host=h user=u dbname=d".parse().unwrap();
        assert_eq!(passwords.find(&config), Found::OpenToOthers(file.clone()));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(
            passwords.find(&config),
            Found::Password("fromfile".to_string())
        );
        let socket = "host=/var/run/postgresql user=u dbname=d".parse().unwrap();
        assert_eq!(
            passwords.find(&socket),
            Found::Password("fromsocket".to_string())
        );
        passwords.variable = Some("fromvariable".to_string());
        assert_eq!(
            passwords.find(&config),
            Found::Password("fromvariable".to_string())
        );
        let address = Address::parse("postgresql://u:own@h/d", &passwords).unwrap();
        assert_eq!(address.config.get_password(), Some(&b"own"[..]));
    }

    #[test]
    fn a_server_without_tls_never_gets_the_password() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut request = [0; 8];
            socket.read_exact(&mut request).unwrap();
            socket.write_all(b"N").unwrap();
            let mut more = Vec::new();
            socket.read_to_end(&mut more).unwrap();
            (request, more)
        });
        let host = "host=db.test hostaddr=127.0.0.1 user=u password=can4ry";
        let refusal = refused(&format!("{host} port={port}"));
        assert_eq!(refusal.code, Code::DatabaseTls);
        assert_eq!(
            refusal.what,
            format!("connecting to postgresql://u@db.test:{port}/u: the server has no TLS")
        );
        let (request, more) = server.join().unwrap();
        // The code of an SSLRequest (protocol, "Message Formats"), and nothing after it.
        assert_eq!(request, [0, 0, 0, 8, 4, 210, 22, 47]);
        assert_eq!(more, b"");
    }

    #[test]
    fn what_cannot_be_reached_is_refused_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let begin = Instant::now();
        let silent = refused(&format!(
            "postgresql://u@127.0.0.1:{port}/d?connect_timeout=1"
        ));
        assert_eq!(silent.code, Code::DatabaseUnreachable);
        assert!(
            silent.what.ends_with("no answer within 1 seconds"),
            "{silent}"
        );
        assert!(begin.elapsed() < Duration::from_secs(9));
        // A port given back would be taken by another test sooner or later; nobody listens at 1.
        let closed = refused("postgresql://u@127.0.0.1:1/d");
        assert_eq!(closed.code, Code::DatabaseUnreachable);
        assert!(closed.what.contains("Connection refused"), "{closed}");
        let unknown = refused("postgresql://u@no-such-host.invalid/d?sslmode=disable");
        assert_eq!(unknown.code, Code::DatabaseUnreachable);
        assert_eq!(
            refused("postgresql:///d?host=/not/there").code,
            Code::DatabaseUnreachable
        );
    }

    #[test]
    fn an_old_server_is_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut startup = [0; 512];
            let _ = socket.read(&mut startup).unwrap();
            // AuthenticationOk, ParameterStatus, ReadyForQuery
            socket
                .write_all(b"R\0\0\0\x08\0\0\0\0S\0\0\0\x18server_version\x0012.4\0Z\0\0\0\x05I")
                .unwrap();
            let _ = socket.read_to_end(&mut Vec::new());
        });
        let refusal = refused(&format!("postgresql://u@127.0.0.1:{port}/d"));
        assert_eq!(refusal.code, Code::DatabaseVersion);
        assert!(
            refusal
                .what
                .ends_with("the server is PostgreSQL 12.4, but 13 or newer is needed"),
            "{refusal}"
        );
        server.join().unwrap();
    }

    #[test]
    fn the_local_database_is_made_by_who_connects_and_not_by_who_looks() {
        let home = Home::new("home");
        let target = Target::find(None, home.local.home());
        // A developer's own DATABASE_URL must not be touched by this test.
        let target = match target {
            Ok(Target::Local(local)) => Target::Local(local),
            _ => Target::Local(home.local.clone()),
        };
        assert_eq!(target.describe(), "the local database");
        Runtime::new().unwrap().block_on(async {
            assert!(target.connect_if_there().await.unwrap().is_none());
            assert!(!home.local.home().exists());
            let connection = target.connect().await.unwrap();
            assert!(connection.major >= 13);
            let sql =
                "SELECT current_setting('application_name') || current_setting('lock_timeout')";
            let row = connection.client.query_one(sql, &[]).await.unwrap();
            assert_eq!(row.get::<_, String>(0), "muster30s");
            connection.close().await;
            home.local.stop().unwrap();
            let started = target.connect_if_there().await.unwrap().unwrap();
            started.close().await;
            let url = parse(&home.local.url()).unwrap();
            url.connect().await.unwrap().close().await;
        });
    }

    /// A server on an address of its own among those of loopback, with TLS for `db.test`.
    struct Remote {
        home: Home,
        address: String,
    }

    /// An authority, a certificate of `db.test` by it, an expired one, and a second authority.
    const CERTIFICATES: &str = "
        set -e
        new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
        for name in ca other; do
          openssl req -x509 $new -keyout $name.key -out $name.pem -subj /CN=$name -days 2
        done
        openssl req $new -keyout server.key -out server.csr -subj /CN=db.test
        echo 'subjectAltName=DNS:db.test' > names
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
          -extfile names -out server.pem
        touch index.txt
        printf '%s\n' '[ca]' 'default_ca=a' '[a]' 'database=index.txt' 'new_certs_dir=.' \
          'rand_serial=yes' 'default_md=sha256' 'policy=p' '[p]' 'commonName=supplied' > ca.conf
        openssl ca -batch -config ca.conf -cert ca.pem -keyfile ca.key -in server.csr \
          -extfile names -startdate 20200101000000Z -enddate 20200201000000Z -out expired.pem -notext";

    impl Remote {
        fn start() -> Remote {
            let home = Home::new("home");
            home.local.start().unwrap();
            let files = home.folder();
            let made = Command::new("sh")
                .args(["-c", CERTIFICATES])
                .current_dir(files)
                .output()
                .unwrap();
            assert!(
                made.status.success(),
                "{}",
                String::from_utf8_lossy(&made.stderr)
            );
            let data = home.local.home().join("data");
            let owner = fs::metadata(&data).unwrap();
            for name in [
                "server.key",
                "server.pem",
                "expired.pem",
                "ca.pem",
                "ca.key",
            ] {
                let copy = data.join(name);
                fs::copy(files.join(name), &copy).unwrap();
                fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
                chown(&copy, Some(owner.uid()), Some(owner.gid())).unwrap();
            }
            let rules = "local all all trust\nhost all all 127.0.0.0/8 scram-sha-256\n";
            fs::write(data.join("pg_hba.conf"), rules).unwrap();
            let random: [u8; 2] = std::array::from_fn(|index| {
                home.folder()
                    .as_os_str()
                    .as_encoded_bytes()
                    .iter()
                    .rev()
                    .skip(index * 3)
                    .fold(1_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte))
            });
            let address = format!("127.77.{}.{}", random[0], random[1].clamp(1, 254));
            let remote = Remote { home, address };
            remote.sql("CREATE ROLE clerk LOGIN PASSWORD 'can4ry'");
            remote.sql(&format!(
                "ALTER SYSTEM SET listen_addresses = '{}'",
                remote.address
            ));
            remote.certificate("server.pem", "server.key");
            remote.sql("ALTER SYSTEM SET ssl = on");
            remote.home.local.stop().unwrap();
            remote.home.local.start().unwrap();
            remote
        }

        fn sql(&self, sql: &str) {
            Runtime::new().unwrap().block_on(async {
                let connection = Target::Local(self.home.local.clone())
                    .connect()
                    .await
                    .unwrap();
                connection.client.batch_execute(sql).await.unwrap();
                connection.close().await;
            });
        }

        fn certificate(&self, certificate: &str, key: &str) {
            self.sql(&format!("ALTER SYSTEM SET ssl_cert_file = '{certificate}'"));
            self.sql(&format!("ALTER SYSTEM SET ssl_key_file = '{key}'"));
            self.sql("SELECT pg_reload_conf()");
            thread::sleep(Duration::from_millis(300));
        }

        fn authority(&self, name: &str) -> String {
            self.home.folder().join(name).display().to_string()
        }

        /// `rest` is more of the connection string.
        fn with(&self, rest: &str) -> String {
            format!(
                "hostaddr={} dbname=muster user=clerk password=can4ry {rest}",
                self.address
            )
        }
    }

    #[test]
    fn a_certificate_is_verified_before_anything_is_sent() {
        let remote = Remote::start();
        let right = remote.authority("ca.pem");
        let other = remote.authority("other.pem");
        let good = remote.with(&format!("host=db.test sslrootcert={right}"));
        Runtime::new().unwrap().block_on(async {
            let connection = parse(&good).unwrap().connect().await.unwrap();
            let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
            assert!(
                connection
                    .client
                    .query_one(sql, &[])
                    .await
                    .unwrap()
                    .get::<_, bool>(0)
            );
            connection.close().await;
        });
        let table = [
            (
                format!("host=db.test sslmode=require sslrootcert={other}"),
                "an authority that isn't trusted here",
            ),
            (
                "host=db.test sslrootcert=system".to_string(),
                "an authority that isn't trusted here",
            ),
            (
                format!("host=other.test sslmode=verify-ca sslrootcert={right}"),
                "is for another name",
            ),
        ];
        for (rest, words) in table {
            let refusal = refused(&remote.with(&rest));
            assert_eq!(refusal.code, Code::DatabaseTls, "{rest}: {refusal}");
            assert!(refusal.what.contains(words), "{refusal}");
        }
        remote.certificate("expired.pem", "server.key");
        assert!(
            refused(&good)
                .what
                .ends_with("the server's certificate has expired")
        );
        remote.certificate("ca.pem", "ca.key");
        assert!(
            refused(&good)
                .what
                .ends_with("the server presents an authority's certificate as its own")
        );
        remote.sql("ALTER SYSTEM SET ssl = off");
        remote.sql("SELECT pg_reload_conf()");
        thread::sleep(Duration::from_millis(300));
        assert!(refused(&good).what.ends_with("the server has no TLS"));
        let plain = parse(&remote.with("host=db.test sslmode=disable")).unwrap();
        Runtime::new()
            .unwrap()
            .block_on(async { plain.connect().await.unwrap().close().await });
    }

    #[test]
    fn logins_and_rights_are_distinguished() {
        let remote = Remote::start();
        let at = |user: &str, database: &str| {
            format!(
                "host=localhost hostaddr={} user={user} dbname={database}",
                remote.address
            )
        };
        let table = [
            (
                at("clerk", "muster") + " password=can4ry2",
                Code::DatabaseLogin,
                "error 28P01",
            ),
            (
                at("clerk", "muster"),
                Code::DatabaseLogin,
                "the server requires a password, but none was given",
            ),
            (
                at("clerk", "nowhere") + " password=can4ry",
                Code::DatabaseUnreachable,
                "3D000",
            ),
        ];
        for (text, code, words) in table {
            let refusal = refused(&text);
            assert_eq!(refusal.code, code, "{refusal}");
            let words = words.replace("error", "fatal");
            assert!(refusal.what.contains(&words), "{refusal}");
        }
        let data = remote.home.local.home().join("data/pg_hba.conf");
        let rules = fs::read_to_string(&data).unwrap() + "# end\n";
        fs::write(&data, rules.replace("host all", "hostssl all")).unwrap();
        remote.sql("SELECT pg_reload_conf()");
        thread::sleep(Duration::from_millis(300));
        let refusal = refused(&(at("clerk", "muster") + " password=can4ry"));
        assert_eq!(refusal.code, Code::DatabaseLogin);
        assert!(refusal.help.contains("sslmode=verify-full"), "{refusal:?}");
        let file = Path::new(remote.home.folder()).join("pgpass");
        fs::write(&file, "*:*:*:*:can4ry").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let passwords = Passwords {
            variable: None,
            file: Some(file),
        };
        let tls = format!("host=db.test sslrootcert={}", remote.authority("ca.pem"));
        let text = remote.with(&tls).replace("password=can4ry", "");
        let connect = |passwords| {
            let address = Address::parse(&text, passwords).unwrap();
            Runtime::new().unwrap().block_on(address.connect())
        };
        let refusal = connect(&passwords).unwrap_err();
        assert!(refusal.help.contains("chmod 600"), "{refusal:?}");
        let file = passwords.file.as_ref().unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
        connect(&passwords).unwrap();
    }
}
