//! The headers of every answer, and the hosts and cookies that are taken.

use std::net::IpAddr;

use axum::http::header::{
    HOST, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::page::{SCRIPT, STYLE};
use crate::serve::guard::{common_headers, token_cookie};

/// The headers of every answer.
pub(super) fn headers(https: bool) -> Vec<(HeaderName, HeaderValue)> {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; \
         img-src 'self' data:; frame-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    let mut headers = common_headers(policy, https);
    headers.extend([
        // Forms need the origin of the page that they are sent from.
        (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
    ]);
    headers
}

/// Whether `Host` is a name of this console. A name of another site that was made to lead to this
/// machine (DNS rebinding) is none.
pub(super) fn is_own_host(headers: &HeaderMap, hosts: &[String]) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = bare
        .parse()
        .is_ok_and(|address: IpAddr| address.is_loopback());
    is_loopback
        || name.eq_ignore_ascii_case("localhost")
        || hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The name of the cookie of a session. With the prefix, a browser takes it from nobody but this
/// very host (RFC 6265bis, section 4.1.3.2).
fn cookie_name(https: bool) -> &'static str {
    if https {
        "__Host-muster-console"
    } else {
        "muster-console"
    }
}

/// What sets that cookie; an empty value takes it away.
pub(super) fn set_cookie(https: bool, value: &str) -> String {
    let name = cookie_name(https);
    let secure = if https { "; Secure" } else { "" };
    let age = if value.is_empty() { "; Max-Age=0" } else { "" };
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}")
}

/// The session's token as the browser keeps it, if it sent one that can be ours.
pub(super) fn cookie(headers: &HeaderMap, https: bool) -> Option<&str> {
    token_cookie(headers, cookie_name(https))
}
