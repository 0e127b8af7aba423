//! Protection against other sites: the check where a form was sent from, and the headers of every
//! response.

use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, COOKIE, HOST, HeaderMap, HeaderName,
    HeaderValue, ORIGIN, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::notify::token;
use crate::serve::page;

/// Characters of a token and of a form's secret: 32 bytes in base64url without padding.
const TOKEN_CHARS: usize = 43;

/// Whether `text` has the form of a token.
pub(crate) fn is_token(text: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.len() == TOKEN_CHARS && text.bytes().all(safe)
}

/// The name of the cookie that a form is sent with. With the prefix, a browser takes it from
/// nobody but this very host (RFC 6265bis, section 4.1.3.2).
pub(crate) fn cookie_name(https: bool) -> &'static str {
    if https {
        "__Host-muster-form"
    } else {
        "muster-form"
    }
}

/// What sets that cookie.
pub(crate) fn set_cookie(https: bool, secret: &str) -> String {
    let name = cookie_name(https);
    let secure = if https { "; Secure" } else { "" };
    format!("{name}={secret}; Path=/; HttpOnly; SameSite=Strict{secure}")
}

/// The form's secret as the browser keeps it, if it sent one that can be ours.
pub(crate) fn cookie(headers: &HeaderMap, https: bool) -> Option<&str> {
    token_cookie(headers, cookie_name(https))
}

/// The value of the cookie of that name, if the browser sent one that can be a token of ours.
pub(crate) fn token_cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, value)| *key == name && is_token(value))
        .map(|(_, value)| value)
}

/// Whether the cookie and the hidden field of a form are one secret. Their hashes are compared, so
/// that the time tells nothing about where they part.
pub(crate) fn is_own_form(cookie: Option<&str>, field: &str) -> bool {
    cookie.is_some_and(|cookie| token::sha256_of(cookie) == token::sha256_of(field))
}

/// Whether a form comes from this very site, as far as the browser tells: it must not say otherwise
/// in `Sec-Fetch-Site`, nor in `Origin`, which is compared with the `Host` that was asked and with
/// the place where links lead (`own`), because a proxy may change the host.
///
/// `Origin: null` is what browsers send from a page with `Referrer-Policy: no-referrer`, such as
/// ours (Fetch Standard, section 3.2); then the cookie alone must tell.
pub(crate) fn is_same_site(headers: &HeaderMap, own: Option<&str>) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    let site = text(&HeaderName::from_static("sec-fetch-site"));
    if !matches!(site, None | Some("same-origin" | "none")) {
        return false;
    }
    match text(&ORIGIN) {
        None | Some("null") => true,
        Some(origin) => {
            let Some(found) = authority(origin) else {
                return false;
            };
            let asked = text(&HOST).map(|host| bare(origin, host));
            let own = own.filter(|own| own.split("://").next() == origin.split("://").next());
            asked == Some(found.clone()) || own.and_then(authority) == Some(found)
        }
    }
}

/// Host and port of a URL, in lower case, without the port that goes without saying.
fn authority(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    matches!(scheme, "http" | "https").then(|| bare(url, authority))
}

fn bare(url: &str, authority: &str) -> String {
    let port = if url.starts_with("https:") {
        ":443"
    } else {
        ":80"
    };
    let lower = authority.to_ascii_lowercase();
    lower.strip_suffix(port).unwrap_or(&lower).to_string()
}

/// The headers of every answer.
pub(crate) fn headers(https: bool) -> Vec<(HeaderName, HeaderValue)> {
    let style = STANDARD.encode(Sha256::digest(page::STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    let mut headers = common_headers(policy, https);
    headers.extend([
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        // One request a connection, so that each has the whole of its time.
        (CONNECTION, HeaderValue::from_static("close")),
    ]);
    headers
}

/// The headers that the page where links lead and the console have alike.
pub(crate) fn common_headers(policy: String, https: bool) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = vec![
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.push((CONTENT_SECURITY_POLICY, policy));
    }
    for (name, value) in [
        (
            "permissions-policy",
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-robots-tag", "noindex, nofollow"),
    ] {
        headers.push((
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        ));
    }
    if https {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.push((STRICT_TRANSPORT_SECURITY, year));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::{cookie, is_own_form, is_same_site, is_token};
    use axum::http::header::{HeaderMap, HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn forms_of_other_sites_are_distinguished_from_our_own() {
        let host = ("host", "join.example:8480");
        for (pairs, expected) in [
            (&[host][..], true),
            (&[host, ("sec-fetch-site", "same-origin")], true),
            (&[host, ("sec-fetch-site", "none")], true),
            (&[host, ("sec-fetch-site", "same-site")], false),
            (&[host, ("sec-fetch-site", "cross-site")], false),
            (&[host, ("sec-fetch-site", "")], false),
            (&[host, ("origin", "null")], true),
            (
                &[host, ("origin", "null"), ("sec-fetch-site", "cross-site")],
                false,
            ),
            (&[host, ("origin", "http://join.example:8480")], true),
            (&[host, ("origin", "https://Join.example:8480")], true),
            (&[host, ("origin", "http://join.example")], false),
            (&[host, ("origin", "http://evil.example:8480")], false),
            (&[host, ("origin", "http://join.example:8480.evil")], false),
            (&[host, ("origin", "file://join.example:8480")], false),
            (&[host, ("origin", "https://public.example")], true),
            (&[host, ("origin", "http://public.example")], false),
            (&[("origin", "http://join.example")], false),
            (
                &[("host", "a.example"), ("origin", "https://a.example:443")],
                true,
            ),
        ] {
            let own = Some("https://public.example/join/");
            assert_eq!(is_same_site(&headers(pairs), own), expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_form_and_its_cookie_are_one_secret() {
        const SECRET: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-";
        assert!(is_token(SECRET));
        let sent = headers(&[(
            "cookie",
            "a=b; muster-form=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-; c=d",
        )]);
        assert!(is_own_form(cookie(&sent, false), SECRET));
        assert!(!is_own_form(cookie(&sent, false), &SECRET.to_lowercase()));
        assert!(!is_own_form(cookie(&sent, true), SECRET));
        let empty = headers(&[("cookie", "muster-form=")]);
        assert!(!is_own_form(cookie(&empty, false), ""));
        assert!(!is_own_form(None, ""));
    }
}
