//! What PostgreSQL and the driver report, as a refusal or as a word about a row.

use std::error::Error as _;
use std::io;

use rustls::CertificateError;

use tokio_postgres::error::{DbError, SqlState};

use crate::issue::Code;
use crate::refusal::Refusal;

/// What a failure of the driver means for the run. `doing` says what was tried, such as
/// `reading the accounts`.
///
/// The codes: `database.unreachable`, `.login`, `.rights`, `.tls`, `.url`, and `.failed` with the
/// database's own words for everything else.
pub fn refusal(error: &tokio_postgres::Error, doing: &str) -> Refusal {
    if let Some(reported) = error.as_db_error() {
        return reported_refusal(reported, doing);
    }
    if let Some(error) = tls_error(error) {
        return tls_refusal(error, doing);
    }
    let words = error.to_string();
    let cause = error.source().map(ToString::to_string);
    let said = cause.as_deref().unwrap_or(&words);
    // The driver keeps its kinds of errors to itself; their words are all that tells them apart.
    let code = match (words.as_str(), said) {
        ("error performing TLS handshake", "server does not support TLS") => {
            return Refusal::new(Code::DatabaseTls, format!("{doing}: the server has no TLS"))
                .help(
                    "enable TLS on the server; nothing was sent to it, not even a password. If the \
                    connection is already protected, such as by a tunnel, use `sslmode=disable`",
                );
        }
        ("error performing TLS handshake", _) => Code::DatabaseTls,
        ("invalid configuration", "password missing") => {
            return Refusal::new(
                Code::DatabaseLogin,
                format!("{doing}: the server requires a password, but none was given"),
            )
            .help(
                "set `PGPASSWORD`, or add a line to `~/.pgpass`: host:port:database:user:password",
            );
        }
        ("invalid configuration", _) => Code::DatabaseUrl,
        ("authentication error", _) => Code::DatabaseLogin,
        (
            "error connecting to server"
            | "timeout waiting for server"
            | "error communicating with the server"
            | "connection closed",
            _,
        ) => Code::DatabaseUnreachable,
        _ => Code::DatabaseFailed,
    };
    Refusal::new(code, format!("{doing}: {said}"))
}

/// What the server itself reported, by its SQLSTATE (appendix A of PostgreSQL's manual).
fn reported_refusal(error: &DbError, doing: &str) -> Refusal {
    let state = error.code();
    let detail = error
        .detail()
        .map_or(String::new(), |detail| format!("; {detail}"));
    let what = format!(
        "{doing}: {} {}: {}{detail}",
        error.severity().to_lowercase(),
        state.code(),
        error.message()
    );
    match *state {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            let refusal = Refusal::new(Code::DatabaseLogin, what);
            if error.message().contains("no encryption") {
                return refusal
                    .help("the server may require TLS: add `sslmode=verify-full` to the URL");
            }
            refusal
        }
        SqlState::INSUFFICIENT_PRIVILEGE => Refusal::new(Code::DatabaseRights, what),
        SqlState::INVALID_CATALOG_NAME => Refusal::new(Code::DatabaseUnreachable, what)
            .help("check the name, or create the database: `createdb NAME`"),
        SqlState::CANNOT_CONNECT_NOW
        | SqlState::ADMIN_SHUTDOWN
        | SqlState::CRASH_SHUTDOWN
        | SqlState::TOO_MANY_CONNECTIONS => {
            Refusal::new(Code::DatabaseUnreachable, what).help("try again in a moment")
        }
        _ => {
            let refusal = Refusal::new(Code::DatabaseFailed, what);
            match error.hint() {
                Some(hint) => refusal.help(hint),
                None => refusal,
            }
        }
    }
}

/// The TLS library's own error; it travels inside an I/O error.
fn tls_error(error: &tokio_postgres::Error) -> Option<&rustls::Error> {
    let error = error.source()?.downcast_ref::<io::Error>()?;
    error.get_ref()?.downcast_ref::<rustls::Error>()
}

fn tls_refusal(error: &rustls::Error, doing: &str) -> Refusal {
    use CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, UnknownIssuer,
    };
    let refusal = |what: &str| Refusal::new(Code::DatabaseTls, format!("{doing}: {what}"));
    match error {
        rustls::Error::InvalidCertificate(UnknownIssuer) => {
            refusal("the server's certificate was signed by an authority that isn't trusted here")
                .help("name the authority's certificate (PEM) with `sslrootcert`")
        }
        rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
            refusal(&format!(
                "the server's certificate is for another name ({error})"
            ))
            .help("use the host name that the certificate is for")
        }
        rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. }) => {
            refusal("the server's certificate has expired").help("renew it")
        }
        _ if error.to_string().contains("CaUsedAsEndEntity") => {
            refusal("the server presents an authority's certificate as its own").help(
                "use it to sign a certificate for the server; an authority's own certificate \
                    isn't accepted",
            )
        }
        _ => refusal(&error.to_string()),
    }
}

/// What the database says, without the values that it would quote in its detail.
pub(super) fn own_words(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(
        || error.to_string(),
        |error| format!("{} ({})", error.message(), error.code().code()),
    )
}

/// Errors that are some row's own: bad data, broken constraints, a trigger's or a policy's no.
/// Classes of SQLSTATE, PostgreSQL's appendix A.
pub(super) fn is_about_data(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|state| {
        let class = &state.code()[..2];
        ["22", "23", "44", "P0", "21"].contains(&class)
            || *state == SqlState::INSUFFICIENT_PRIVILEGE
    })
}
