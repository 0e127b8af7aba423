//! One connection to a mail server, step by step, so that it is known how far a mail got.
//!
//! lettre's own transport gives the same error for a mail that was interrupted in its content and
//! for one that was accepted but not confirmed. That is why its connection is driven here, command
//! by command.

use std::env;
use std::error::Error as _;
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{Certificate, SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands;
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Response, Severity};
use lettre::transport::smtp::{Error, SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT};
use rustls::CertificateError;

use crate::definition::Mail;
use crate::invitation::Delivery;
use crate::issue::Code;
use crate::notify::message::Message;
use crate::refusal::{Refusal, Result};

/// The most characters of a server's words that are kept.
const REPLY_CHARS_MAX: usize = 500;

/// A mail server, and who we are there.
#[derive(Clone)]
pub struct Server {
    host: String,
    port: u16,
    tls_mode: TlsMode,
    credentials: Option<Credentials>,
    authority: Option<Certificate>,
}

/// How the way to the server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TlsMode {
    /// Plain at first, and nothing but `STARTTLS` is said before TLS (RFC 3207).
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// Never leaves this machine.
    Plain,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({}, {:?})", self.describe(), self.tls_mode)
    }
}

impl Server {
    /// The server of `MUSTER_SMTP`, else of `[mail] smtp`; `None` without either.
    ///
    /// `smtp://[user@]host[:587]` wants STARTTLS, `smtps://[user@]host[:465]` speaks TLS from the
    /// start, `smtp+plain://host[:25]` none, and only to this machine. The password comes from
    /// `MUSTER_SMTP_PASSWORD` or the file that `MUSTER_SMTP_PASSWORD_FILE` names.
    ///
    /// # Errors
    /// `mail.settings` with what is wrong, never with the password.
    pub fn find(mail: &Mail) -> Result<Option<Server>> {
        Server::find_with(mail, &|name| env::var(name).ok())
    }

    fn find_with(mail: &Mail, variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Server>> {
        let set = |name| variable(name).filter(|value| !value.trim().is_empty());
        let Some(url) = set("MUSTER_SMTP").or_else(|| mail.smtp.clone()) else {
            return Ok(None);
        };
        let (mut server, user) = parse(url.trim())?;
        let password = match (
            set("MUSTER_SMTP_PASSWORD"),
            set("MUSTER_SMTP_PASSWORD_FILE"),
        ) {
            (Some(password), _) => Some(password),
            (None, Some(path)) => Some(password_in(&path)?),
            (None, None) => None,
        };
        server.credentials = match (user, password) {
            (Some(user), Some(password)) => Some(Credentials::new(user, password)),
            (Some(user), None) => {
                return Err(wrong(format!(
                    "there is no password for `{user}` at the mail server"
                ))
                .help("set `MUSTER_SMTP_PASSWORD`, or name a file that holds it with `MUSTER_SMTP_PASSWORD_FILE`"));
            }
            (None, Some(_)) => {
                return Err(wrong(
                    "there is a password for the mail server, but its URL names no user",
                )
                .help("write smtp://user@host:587, with `%40` for an `@` in the user's name"));
            }
            (None, None) => None,
        };
        if let Some(path) = &mail.smtp_ca {
            server.authority = Some(authority_in(path)?);
        }
        Ok(Some(server))
    }

    /// Whether the server is this machine itself.
    pub fn is_here(&self) -> bool {
        is_here(&self.host)
    }

    /// Host and port, such as `smtp.example.com:587`.
    pub fn describe(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    fn tls_parameters(&self) -> std::result::Result<TlsParameters, Error> {
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(authority) = &self.authority {
            builder = builder.add_root_certificate(authority.clone());
        }
        builder.build()
    }
}

/// Server without credentials, and the user that the URL names.
fn parse(url: &str) -> Result<(Server, Option<String>)> {
    // The URL is not echoed: what is in the wrong place may be a password.
    let help = "write smtp://user@host:587 (STARTTLS) or smtps://user@host:465 (TLS)";
    let wrong_url = |what: &str| wrong(format!("the mail server's URL: {what}")).help(help);
    let (scheme, rest) = url
        .split_once("://")
        .ok_or_else(|| wrong_url("it doesn't begin with `smtp://` or `smtps://`"))?;
    let (tls_mode, port) = match scheme {
        "smtp" => (TlsMode::StartTls, SUBMISSION_PORT),
        "smtps" => (TlsMode::Tls, SUBMISSIONS_PORT),
        "smtp+plain" => (TlsMode::Plain, SMTP_PORT),
        _ => return Err(wrong_url("it begins with neither `smtp://` nor `smtps://`")),
    };
    let (user, place) = match rest.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, rest),
    };
    if user.is_some_and(|user| user.contains(':')) {
        return Err(
            wrong_url("it contains a password, where others can read it")
                .help("leave it out, and set `MUSTER_SMTP_PASSWORD`"),
        );
    }
    let place = place.strip_suffix('/').unwrap_or(place);
    let (host, port) = host_and_port(place, port)
        .ok_or_else(|| wrong_url("its port is not a number from 1 to 65535"))?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
    if host.is_empty() || !host.bytes().all(plain) {
        return Err(wrong_url(
            "a host such as `smtp.example.com` is expected behind the `://` or the `@`",
        ));
    }
    if tls_mode == TlsMode::Plain && !is_here(host) {
        return Err(wrong_url("`smtp+plain://` only leads to this machine"));
    }
    let user = user.map(percent_decoded).transpose().map_err(wrong_url)?;
    let server = Server {
        host: host.to_string(),
        port,
        tls_mode,
        credentials: None,
        authority: None,
    };
    Ok((server, user.filter(|user| !user.is_empty())))
}

fn host_and_port(place: &str, usual: u16) -> Option<(&str, u16)> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    let port = match port {
        "" => usual,
        text => text
            .strip_prefix(':')?
            .parse()
            .ok()
            .filter(|port| *port > 0)?,
    };
    Some((host, port))
}

fn is_here(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

fn percent_decoded(text: &str) -> std::result::Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        bytes.push(match byte {
            b'%' => match (digit(), digit()) {
                // Two hex digits always fit.
                (Some(high), Some(low)) => (high * 16 + low) as u8,
                _ => return Err("a `%` without two hex digits after it"),
            },
            _ => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| "percent-encoded bytes that aren't UTF-8")
}

fn wrong(what: impl Into<String>) -> Refusal {
    Refusal::new(Code::MailSettings, what)
}

/// The file's first line: editors and `echo` put a line end after it.
fn password_in(path: &str) -> Result<String> {
    let text = fs::read_to_string(path).map_err(|error| {
        wrong(format!(
            "`MUSTER_SMTP_PASSWORD_FILE` names `{path}`, which can't be read: {error}"
        ))
    })?;
    match text.lines().next() {
        Some(password) if !password.is_empty() => Ok(password.to_string()),
        _ => Err(wrong(format!(
            "`MUSTER_SMTP_PASSWORD_FILE` names `{path}`, whose first line is empty"
        ))),
    }
}

fn authority_in(path: &str) -> Result<Certificate> {
    let unusable = |why: String| {
        wrong(format!("`smtp_ca` names `{path}`, {why}"))
            .help("name a PEM file with the certificate of the authority that signed the server's")
    };
    let text = fs::read(path).map_err(|error| unusable(format!("which can't be read: {error}")))?;
    if !text.windows(10).any(|bytes| bytes == b"-----BEGIN") {
        return Err(unusable(
            "which holds no certificate in PEM form".to_string(),
        ));
    }
    Certificate::from_pem(&text).map_err(|error| unusable(format!("which is damaged: {error}")))
}

/// How long the server may be silent before it counts as gone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For a connection and for each command. RFC 5321, section 4.5.3.2, would wait 5 minutes; who
    /// sits before the terminal wants to know earlier, and a command that is cut off can be
    /// repeated.
    pub command: Duration,
    /// For the answer after the content, when the server may be looking for spam and viruses. What
    /// is cut off here is a mail of which nobody knows.
    pub content: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            command: Duration::from_secs(30),
            content: Duration::from_mins(2),
        }
    }
}

/// How long a goodbye may take: nothing depends on it.
const QUIT_PATIENCE: Duration = Duration::from_secs(2);

/// Long enough to see what has already arrived; nothing is awaited.
const NO_WAIT: Duration = Duration::from_millis(1);

/// Why there is no connection. The words name the server, and never a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenError {
    /// It may be better in a moment: refused, no answer, a 4xx greeting.
    Busy(String),
    /// It won't be better by itself: no TLS, a wrong certificate, a refused login.
    Fatal(String),
}

/// An open connection, logged in.
pub struct Connection {
    inner: SmtpConnection,
    patience: Patience,
    usable: bool,
}

impl Connection {
    /// Connects, makes TLS, logs in. Where TLS can't be made or the certificate isn't good, neither
    /// name nor password are sent.
    ///
    /// # Errors
    /// Why not, and whether it makes sense to try again.
    pub fn open(server: &Server) -> std::result::Result<Connection, OpenError> {
        Connection::open_with(server, Patience::default())
    }

    pub(crate) fn open_with(
        server: &Server,
        patience: Patience,
    ) -> std::result::Result<Connection, OpenError> {
        let because = |error: Error| open_error(server, &error);
        let fatal = |what: &str| OpenError::Fatal(format!("{}: {what}", server.describe()));
        let hello = ClientId::default();
        let tls = match server.tls_mode {
            TlsMode::Plain => None,
            TlsMode::Tls | TlsMode::StartTls => Some(server.tls_parameters().map_err(because)?),
        };
        let inner = SmtpConnection::connect(
            (server.host.as_str(), server.port),
            Some(patience.command),
            &hello,
            tls.as_ref().filter(|_| server.tls_mode == TlsMode::Tls),
            None,
        )
        .map_err(because)?;
        // From here on it says goodbye when it is dropped.
        let mut connection = Connection {
            inner,
            patience,
            usable: true,
        };
        if let (TlsMode::StartTls, Some(tls)) = (server.tls_mode, &tls) {
            if !connection.inner.can_starttls() {
                return Err(fatal(
                    "the server offers no TLS (STARTTLS); no password was sent",
                ));
            }
            let upgraded = connection.inner.starttls(tls, &hello);
            connection.usable = upgraded.is_ok();
            upgraded.map_err(because)?;
            if connection.has_answer_waiting() {
                connection.usable = false;
                return Err(fatal(
                    "the server answered before TLS was set up and before it was asked; somebody \
                        may be intercepting the connection",
                ));
            }
        }
        if let Some(credentials) = &server.credentials {
            let answer = connection.inner.auth(DEFAULT_MECHANISMS, credentials);
            match answer {
                Ok(answer) if answer.has_code(235) => {}
                Ok(answer) => {
                    connection.usable = false;
                    return Err(fatal(&format!(
                        "the login was answered by `{}`",
                        reply(&answer)
                    )));
                }
                Err(error) => return Err(because(error)),
            }
        }
        Ok(connection)
    }

    /// Whether there is an answer to nothing. Whoever sits in between could put some after that to
    /// STARTTLS, and lettre keeps them for the time after (CVE-2011-0411 from the other side); one
    /// alone is eaten by EHLO, and seen when a login or DATA isn't answered by its own code.
    fn has_answer_waiting(&mut self) -> bool {
        let _ = self.inner.set_timeout(Some(NO_WAIT));
        let waiting = self.inner.read_response().is_ok();
        let _ = self.inner.set_timeout(Some(self.patience.command));
        waiting
    }

    /// Whether it can take a message. After 421, or when it was lost, it must be opened again.
    pub fn is_usable(&self) -> bool {
        self.usable
    }

    /// Asks the server whether it is still there: it ends connections that are idle for long.
    pub fn is_alive(&mut self) -> bool {
        self.usable = self.usable && self.inner.test_connected();
        self.usable
    }

    /// Brings one message to the server. The answer is exact: only what was interrupted after its
    /// content was begun is [`Delivery::Unknown`].
    pub fn deliver(&mut self, message: &Message) -> Delivery {
        let [from, to] = match [&message.from, &message.to].map(|text| address(text)) {
            [Ok(from), Ok(to)] => [from, to],
            [Err(reply), _] | [_, Err(reply)] => return Delivery::Refused { reply },
        };
        let content = match content(&message.bytes) {
            Ok(content) => content,
            Err(reply) => return Delivery::Refused { reply },
        };
        let commands = [
            (
                commands::Mail::new(Some(from), Vec::new()).to_string(),
                2,
                false,
            ),
            (commands::Rcpt::new(to, Vec::new()).to_string(), 2, true),
            (commands::Data.to_string(), 3, true),
        ];
        for (command, class, named) in commands {
            if let Some(ended) = self.prepare(command, class, named) {
                return ended;
            }
        }
        let _ = self.inner.set_timeout(Some(self.patience.content));
        // One write for all of it: lettre's own way makes two, which without TCP_NODELAY costs a
        // delayed acknowledgement (40 ms) each.
        let answer = self.inner.command(content);
        let _ = self.inner.set_timeout(Some(self.patience.command));
        self.ended(answer)
    }

    /// One step before the content; `Some` when the mail ends with it. Once the recipient is
    /// `named`, an answer that nobody can read, or none, is put down to the mail, and it is put
    /// off: the others don't wait for it.
    fn prepare(&mut self, command: String, class: u8, named: bool) -> Option<Delivery> {
        if !self.usable {
            return Some(Delivery::Returned);
        }
        let error = match self.inner.command(command) {
            Ok(answer) if answer.code().severity as u8 == class => return None,
            Ok(_) => {
                self.usable = false;
                return Some(Delivery::Returned);
            }
            Err(error) => error,
        };
        let reply = reply_of(&error);
        let ended = match severity(&error) {
            Some((421, _)) if named => {
                self.usable = false;
                return Some(Delivery::Later { reply });
            }
            None if named => {
                self.usable = false;
                let reply = format!("no readable answer before the content ({reply})");
                return Some(Delivery::Later { reply });
            }
            Some((421, _)) | None => {
                self.usable = false;
                return Some(Delivery::Returned);
            }
            Some((_, Severity::PermanentNegativeCompletion)) => Delivery::Refused { reply },
            Some(_) => Delivery::Later { reply },
        };
        self.usable = self.inner.command(commands::Rset).is_ok();
        Some(ended)
    }

    /// What the answer after the content means.
    fn ended(&mut self, answer: std::result::Result<Response, Error>) -> Delivery {
        let error = match answer {
            Ok(answer) if answer.code().severity == Severity::PositiveCompletion => {
                let reply = reply(&answer);
                return Delivery::Sent { reply };
            }
            Ok(answer) => {
                self.usable = false;
                let reply = reply(&answer);
                return Delivery::Unknown { reply };
            }
            Err(error) => error,
        };
        let reply = reply_of(&error);
        match severity(&error) {
            Some((_, Severity::PermanentNegativeCompletion)) => Delivery::Refused { reply },
            Some((code, _)) => {
                self.usable = code != 421;
                Delivery::Later { reply }
            }
            None => {
                self.usable = false;
                let reply = if is_timeout(&error) {
                    let seconds = self.patience.content.as_secs();
                    format!("no answer within {seconds} seconds after the content")
                } else {
                    format!("the connection ended after the content was sent ({reply})")
                };
                Delivery::Unknown { reply }
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.usable {
            let _ = self.inner.set_timeout(Some(QUIT_PATIENCE));
            let _ = self.inner.command(commands::Quit);
        }
    }
}

fn address(text: &str) -> std::result::Result<Address, String> {
    if !text.is_ascii() {
        // SMTPUTF8 (RFC 6531) is needed along the whole way, and hardly any way has it.
        return Err("the address has letters outside ASCII, which mail can't carry".to_string());
    }
    text.parse()
        .map_err(|error| format!("the address can't be used: {error}"))
}

/// The bytes as DATA wants them: dots doubled at the beginnings of lines, and the final dot (RFC
/// 5321, section 4.5.2).
fn content(bytes: &[u8]) -> std::result::Result<String, String> {
    let text = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| text.is_ascii())
        .ok_or("the message is not in 7 bits")?;
    let mut content = String::with_capacity(bytes.len() + 64);
    for line in text.strip_suffix("\r\n").unwrap_or(text).split("\r\n") {
        // A server that takes a bare one for a line end would see another mail after it.
        if line.contains(['\r', '\n']) {
            return Err("the message has a line end that isn't CRLF".to_string());
        }
        if line.starts_with('.') {
            content.push('.');
        }
        content.push_str(line);
        content.push_str("\r\n");
    }
    content.push_str(".\r\n");
    Ok(content)
}

fn severity(error: &Error) -> Option<(u16, Severity)> {
    let code = error.status()?;
    Some((u16::from(code), code.severity))
}

fn reply(answer: &Response) -> String {
    let words: Vec<&str> = answer.message().collect();
    clean(&format!("{} {}", answer.code(), words.join(" ")))
}

/// The server's words, or else what went wrong at the bottom.
fn reply_of(error: &Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        words = inner.to_string();
        source = inner.source();
    }
    match error.status() {
        Some(code) => clean(&format!("{code} {words}")),
        None => clean(&words),
    }
}

/// One line that can be shown.
fn clean(words: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = words.chars().take(REPLY_CHARS_MAX).map(shown).collect();
    text.trim().to_string()
}

fn io_error(error: &Error) -> Option<&io::Error> {
    error.source()?.downcast_ref()
}

/// lettre only sees `TimedOut`; on Unix a socket's time-out is `WouldBlock`.
fn is_timeout(error: &Error) -> bool {
    io_error(error)
        .is_some_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

fn open_error(server: &Server, error: &Error) -> OpenError {
    let at = server.describe();
    let tls = io_error(error)
        .and_then(|error| error.get_ref()?.downcast_ref::<rustls::Error>())
        .map(tls_words);
    if let Some(words) = tls {
        return OpenError::Fatal(format!("{at}: {words}; no password was sent"));
    }
    let words = reply_of(error);
    match severity(error) {
        Some((_, Severity::PermanentNegativeCompletion)) => {
            OpenError::Fatal(format!("{at}: the server refuses: {words}"))
        }
        Some(_) => OpenError::Busy(format!("{at}: the server asks to try later: {words}")),
        None if error.is_tls() || error.is_client() => OpenError::Fatal(format!("{at}: {words}")),
        None if is_timeout(error) => OpenError::Busy(format!("{at}: no answer")),
        None => OpenError::Busy(format!("{at}: {words}")),
    }
}

fn tls_words(error: &rustls::Error) -> String {
    use CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, UnknownIssuer,
    };
    let words = match error {
        rustls::Error::InvalidCertificate(UnknownIssuer) => {
            "the server's certificate was signed by an authority that isn't trusted here; \
             `[mail] smtp_ca` can name it"
        }
        rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
            "the server's certificate is for another name"
        }
        rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. }) => {
            "the server's certificate has expired"
        }
        rustls::Error::InvalidMessage(_) => "the server doesn't use TLS on that port",
        _ => return error.to_string(),
    };
    words.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::scripted::{self, Greeting, Script, Verdict};
    use std::net::TcpListener;

    const PATIENCE: Patience = Patience {
        command: Duration::from_millis(800),
        content: Duration::from_millis(400),
    };

    fn mail(smtp: &str) -> Mail {
        Mail {
            smtp: Some(smtp.to_string()),
            ..Mail::default()
        }
    }

    /// The server of a URL, with a password where it names a user.
    fn server(url: &str, authority: Option<String>) -> Server {
        let mail = Mail {
            smtp_ca: authority,
            ..mail(url)
        };
        let password = |name: &str| {
            (name == "MUSTER_SMTP_PASSWORD" && url.contains('@')).then(|| "can4ry".to_string())
        };
        Server::find_with(&mail, &password).unwrap().unwrap()
    }

    fn message(to: &str) -> Message {
        Message {
            id: "<1@example.org>".to_string(),
            from: "from@example.org".to_string(),
            to: to.to_string(),
            bytes: b"Subject: x\r\n\r\n.dot\r\nlast\r\n".to_vec(),
        }
    }

    #[test]
    fn urls_are_understood_or_refused_without_their_secrets() {
        let none = |_: &str| None;
        assert!(
            Server::find_with(&Mail::default(), &none)
                .unwrap()
                .is_none()
        );
        for (url, described, tls_mode) in [
            (
                "smtp://mail.example.com",
                "mail.example.com:587",
                TlsMode::StartTls,
            ),
            (
                "smtp://mail.example.com:2525/",
                "mail.example.com:2525",
                TlsMode::StartTls,
            ),
            (
                "smtps://mail.example.com",
                "mail.example.com:465",
                TlsMode::Tls,
            ),
            ("smtp+plain://localhost", "localhost:25", TlsMode::Plain),
            ("smtp+plain://[::1]:1025", "[::1]:1025", TlsMode::Plain),
        ] {
            let found = Server::find_with(&mail(url), &none).unwrap().unwrap();
            assert_eq!(
                (found.describe().as_str(), found.tls_mode),
                (described, tls_mode)
            );
        }
        for url in [
            "mail.example.com:587",
            "http://mail.example.com",
            "smtp://",
            "smtp://mail.example.com:0",
            "smtp://mail.example.com:port",
            "smtp://[::1",
            "smtp://mail example.com",
            "smtp+plain://mail.example.com",
            "smtp+plain://127.0.0.1@mail.example.com",
            "smtp+plain://localhost.example.com",
            "smtp://user:can4ry@mail.example.com",
            "smtp://us%zzer@mail.example.com",
            // A user, and no password.
            "smtp://user@mail.example.com",
        ] {
            let refusal = Server::find_with(&mail(url), &none).unwrap_err();
            assert_eq!(refusal.code, Code::MailSettings, "{url}");
            assert!(!format!("{refusal:?}").contains("can4ry"), "{url}");
        }
    }

    #[test]
    fn the_environment_goes_first_and_has_the_password() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, "can4ry\n").unwrap();
        let variables = |name: &str| match name {
            "MUSTER_SMTP" => Some("smtp://me%40example.org@one.example".to_string()),
            "MUSTER_SMTP_PASSWORD_FILE" => Some(path.display().to_string()),
            _ => None,
        };
        let found = Server::find_with(&mail("smtp://two.example"), &variables);
        let found = found.unwrap().unwrap();
        assert_eq!(found.describe(), "one.example:587");
        let wanted = Credentials::new("me@example.org".to_string(), "can4ry".to_string());
        assert_eq!(found.credentials, Some(wanted));
        assert!(!format!("{found:?}").contains("can4ry"));
    }

    /// What comes of one mail under each verdict: the state, whether the connection goes on, and
    /// how many copies the server kept.
    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn each_end_of_a_mail_is_distinguished() {
        let sent = |reply: &str| Delivery::Sent {
            reply: reply.into(),
        };
        let refused = |reply: &str| Delivery::Refused {
            reply: reply.into(),
        };
        let later = |reply: &str| Delivery::Later {
            reply: reply.into(),
        };
        let unknown = |reply: &str| Delivery::Unknown {
            reply: reply.into(),
        };
        let cut = "the connection ended after the content was sent (incomplete response)";
        let table = [
            (Verdict::Take, sent("250 2.0.0 queued as 4711"), true, 1),
            (
                Verdict::AtRecipient("550 5.1.1 no such user"),
                refused("550 5.1.1 no such user"),
                true,
                0,
            ),
            (
                Verdict::AtRecipient("450 4.2.1 come again"),
                later("450 4.2.1 come again"),
                true,
                0,
            ),
            (
                Verdict::AfterContent("554 5.7.1 spam"),
                refused("554 5.7.1 spam"),
                true,
                0,
            ),
            (
                Verdict::AfterContent("451 4.3.0 try\u{7}"),
                later("451 4.3.0 try"),
                true,
                0,
            ),
            (
                Verdict::AfterContent("421 4.3.2 closing"),
                later("421 4.3.2 closing"),
                false,
                0,
            ),
            (
                Verdict::AfterContent("354 what"),
                unknown("354 what"),
                false,
                0,
            ),
            (Verdict::AfterContent("nonsense"), unknown("x"), false, 0),
            (
                Verdict::ShutAtRecipient,
                later("421 4.3.2 closing"),
                false,
                0,
            ),
            (
                Verdict::AtRecipient("354 what"),
                Delivery::Returned,
                false,
                0,
            ),
            (
                Verdict::CutAtRecipient,
                later("no readable answer before the content (incomplete response)"),
                false,
                0,
            ),
            (Verdict::CutInContent, unknown(cut), false, 0),
            (Verdict::CutAfterDot, unknown(cut), false, 1),
            (
                Verdict::Slow(Duration::from_millis(900)),
                unknown("no answer within 0 seconds after the content"),
                false,
                1,
            ),
            (
                Verdict::Slow(Duration::from_millis(50)),
                sent("250 2.0.0 queued as 4711"),
                true,
                1,
            ),
        ];
        for (verdict, wanted, usable, copies) in table {
            let scripted = scripted::Server::start(Script {
                verdict: Box::new(move |to, _| match to {
                    "it@example.org" => verdict,
                    _ => Verdict::Take,
                }),
                ..Script::default()
            });
            let url = format!("smtp+plain://127.0.0.1:{}", scripted.port);
            let mut connection = Connection::open_with(&server(&url, None), PATIENCE).unwrap();
            let ended = connection.deliver(&message("it@example.org"));
            match (&wanted, verdict) {
                (_, Verdict::AfterContent("nonsense") | Verdict::CutInContent) => {
                    assert!(matches!(ended, Delivery::Unknown { .. }), "{ended:?}");
                }
                _ => assert_eq!(ended, wanted, "{verdict:?}"),
            }
            assert_eq!(connection.is_usable(), usable, "{verdict:?}");
            assert_eq!(scripted.taken().len(), copies, "{verdict:?}");
            // A connection that goes on brings the next mail, whole and to one recipient.
            if usable {
                let next = connection.deliver(&message("next@example.org"));
                assert!(
                    matches!(next, Delivery::Sent { .. }),
                    "{verdict:?}: {next:?}"
                );
                let taken = scripted.taken().pop().unwrap();
                assert_eq!(taken.to, ["next@example.org"]);
                assert_eq!(taken.text.as_bytes(), message("").bytes);
            } else {
                assert_eq!(
                    connection.deliver(&message("next@example.org")),
                    Delivery::Returned
                );
            }
        }
    }

    #[test]
    fn a_mail_that_cannot_go_is_refused_before_anything_is_said() {
        let scripted = scripted::Server::start(Script::default());
        let url = format!("smtp+plain://localhost:{}", scripted.port);
        let mut connection = Connection::open_with(&server(&url, None), PATIENCE).unwrap();
        let mut smuggled = message("a@example.org");
        smuggled.bytes = b"Subject: x\r\n\r\nx\n.\nMAIL FROM:<b@example.org>\r\n".to_vec();
        let mut raw = message("a@example.org");
        raw.bytes = "Subject: é\r\n\r\n".into();
        for bad in [
            smuggled,
            raw,
            message("zoë@example.org"),
            message("a@example.org>\r\nRCPT TO:<b@example.org"),
            message(""),
        ] {
            let ended = connection.deliver(&bad);
            assert!(matches!(ended, Delivery::Refused { .. }), "{ended:?}");
        }
        assert!(connection.is_alive());
        let lines = scripted.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        drop(connection);
    }

    #[test]
    fn what_is_busy_is_distinguished_from_what_is_wrong() {
        for (greeting, busy) in [
            (Greeting::Refuse("421 4.3.2 too many"), true),
            (Greeting::Refuse("554 5.7.1 go away"), false),
        ] {
            let scripted = scripted::Server::start(Script {
                greeting: Box::new(move |_| greeting),
                ..Script::default()
            });
            let url = format!("smtp+plain://127.0.0.1:{}", scripted.port);
            let error = Connection::open_with(&server(&url, None), PATIENCE).err();
            assert_eq!(matches!(error, Some(OpenError::Busy(_))), busy, "{error:?}");
        }
        // Nobody listens; and somebody who never says a word.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("smtp+plain://{}", listener.local_addr().unwrap());
        let server = server(&url, None);
        let open = || Connection::open_with(&server, PATIENCE).err();
        let silent = open();
        drop(listener);
        for (error, end) in [
            (silent, ": no answer"),
            (open(), "Connection refused (os error 111)"),
        ] {
            let Some(OpenError::Busy(words)) = error else {
                panic!("{error:?}");
            };
            assert!(words.ends_with(end), "{words}");
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn the_password_only_goes_through_tls_to_the_right_server() {
        let folder = tempfile::tempdir().unwrap();
        scripted::make_certificates(folder.path());
        let file = |name: &str| folder.path().join(name).display().to_string();
        let (known, unknown) = (Some(file("ca.pem")), Some(file("other.pem")));
        let injected = "250-AUTH PLAIN\r\n250 8BITMIME\r\n235 ok";
        // Scheme, certificate, trusted authority, injected, and what is wrong.
        let table = [
            ("smtp", Some("localhost.pem"), &known, "", ""),
            ("smtps", Some("localhost.pem"), &known, "", ""),
            (
                "smtp",
                Some("localhost.pem"),
                &unknown,
                "",
                "isn't trusted here",
            ),
            (
                "smtps",
                Some("localhost.pem"),
                &unknown,
                "",
                "isn't trusted here",
            ),
            (
                "smtp",
                Some("localhost.pem"),
                &None,
                "",
                "isn't trusted here",
            ),
            (
                "smtp",
                Some("mail.test.pem"),
                &known,
                "",
                "for another name",
            ),
            (
                "smtps",
                Some("mail.test.pem"),
                &known,
                "",
                "for another name",
            ),
            ("smtp", None, &known, "", "offers no TLS"),
            ("smtps", None, &known, "", "doesn't use TLS"),
            (
                "smtp",
                Some("localhost.pem"),
                &known,
                injected,
                "before TLS was set up",
            ),
        ];
        for (scheme, certificate, authority, injected, wrong) in table {
            let scripted = scripted::Server::start(Script {
                tls: certificate.map(|name| scripted::tls(folder.path(), name)),
                tls_at_once: scheme == "smtps" && certificate.is_some(),
                password: Some("can4ry"),
                injected,
                ..Script::default()
            });
            let url = format!("{scheme}://me@localhost:{}", scripted.port);
            let opened = Connection::open_with(&server(&url, authority.clone()), PATIENCE);
            let logins = scripted
                .lines()
                .iter()
                .filter(|line| line.starts_with("AUTH"))
                .count();
            match opened {
                Ok(mut connection) => {
                    assert_eq!((wrong, logins), ("", 1), "{scheme} {certificate:?}");
                    let ended = connection.deliver(&message("a@example.org"));
                    assert!(matches!(ended, Delivery::Sent { .. }), "{ended:?}");
                }
                Err(OpenError::Fatal(words)) if !wrong.is_empty() => {
                    assert!(words.contains(wrong), "{words}");
                    assert_eq!(logins, 0, "{scheme} {certificate:?} {words}");
                }
                Err(error) => panic!("{scheme} {certificate:?}: {error:?}"),
            }
        }
    }

    #[test]
    fn a_refused_login_is_final() {
        let folder = tempfile::tempdir().unwrap();
        scripted::make_certificates(folder.path());
        let scripted = scripted::Server::start(Script {
            tls: Some(scripted::tls(folder.path(), "localhost.pem")),
            password: Some("another"),
            ..Script::default()
        });
        let url = format!("smtp://me@localhost:{}", scripted.port);
        let authority = folder.path().join("ca.pem").display().to_string();
        let error = Connection::open_with(&server(&url, Some(authority)), PATIENCE).err();
        let Some(OpenError::Fatal(words)) = error else {
            panic!("{error:?}");
        };
        assert!(words.ends_with("535 5.7.8 no"), "{words}");
    }
}
