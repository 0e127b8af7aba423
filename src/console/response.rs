//! Responses, and what is known of the request that they answer.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::header::{
    CONTENT_DISPOSITION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, SET_COOKIE,
    USER_AGENT,
};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::ask::{Content, Download, Fields};
use super::{App, headers, page};

/// What is known of a request before its handler runs.
pub struct Head {
    pub peer: SocketAddr,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub accepted: String,
}

impl Head {
    /// A header as text; empty where there is none.
    pub fn text(&self, name: HeaderName) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// What the browser calls itself, at most 200 characters.
    pub fn agent(&self) -> String {
        self.text(USER_AGENT).chars().take(200).collect()
    }
}

/// The names and values of `application/x-www-form-urlencoded` (WHATWG URL Standard, section 5).
pub(super) fn fields_of(bytes: &[u8]) -> Fields {
    let pairs = bytes.split(|byte| *byte == b'&');
    let pairs = pairs.filter(|pair| !pair.is_empty()).map(|pair| {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        let mut part = || plain_text(parts.next().unwrap_or_default());
        (part(), part())
    });
    Fields(pairs.collect())
}

/// Without percent signs and pluses. NUL is left out: no person types it, and no text of PostgreSQL
/// can hold it.
fn plain_text(part: &[u8]) -> String {
    let spaces = |byte: &u8| if *byte == b'+' { b' ' } else { *byte };
    let part: Vec<u8> = part.iter().map(spaces).collect();
    let (mut bytes, _) = percent_decoded(&part);
    bytes.retain(|byte| *byte != 0);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// With the bytes that percent signs name (RFC 3986, section 2.1), and whether each percent sign names
/// one; another stays as it is.
pub(super) fn percent_decoded(part: &[u8]) -> (Vec<u8>, bool) {
    let mut bytes = Vec::with_capacity(part.len());
    let (mut rest, mut is_whole) = (part, true);
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let digits = after
            .get(..2)
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                is_whole = false;
                bytes.push(*byte);
            }
        }
    }
    (bytes, is_whole)
}

/// A page of HTML.
pub(super) fn html(status: StatusCode, page: String) -> Response {
    let mut response = typed(page, "text/html; charset=utf-8");
    *response.status_mut() = status;
    response
}

/// Somewhere else, by GET.
pub(super) fn see(location: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// The same with a cookie; an empty value takes it away.
pub(super) fn see_with_cookie(app: &App, location: &str, value: &str) -> Response {
    let mut response = see(location);
    set_cookie(app, &mut response, value);
    response
}

/// Gives an answer the cookie of a session.
pub(super) fn set_cookie(app: &App, response: &mut Response, value: &str) {
    if let Ok(cookie) = HeaderValue::try_from(headers::set_cookie(app.https, value)) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
}

/// Plain text.
pub(super) fn plain(status: StatusCode, text: &str) -> Response {
    let mut response = typed(text.to_string(), "text/plain; charset=utf-8");
    *response.status_mut() = status;
    response
}

/// A body of that media type.
pub(super) fn typed(body: impl Into<Body>, media: &'static str) -> Response {
    let mut response = Response::new(body.into());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

/// A file to save.
pub(super) fn file(download: Download) -> Response {
    let body = match download.content {
        Content::Bytes(bytes) => Body::from(bytes),
        Content::File(path) => match std::fs::File::open(path) {
            Ok(file) => Body::from_stream(pieces(file)),
            Err(_) => return plain(StatusCode::NOT_FOUND, "this file is gone\n"),
        },
    };
    let mut response = typed(body, download.media);
    // RFC 6266, section 4.3: the name in UTF-8, percent-encoded.
    let name = format!(
        "attachment; filename*=UTF-8''{}",
        page::encoded(&download.name)
    );
    if let Ok(name) = HeaderValue::try_from(name) {
        response.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    response
}

/// A file in pieces of 64 KiB.
fn pieces(
    file: std::fs::File,
) -> impl futures_util::Stream<Item = std::io::Result<bytes::Bytes>> + Send {
    futures_util::stream::unfold(Some(file), |file| async {
        let mut file = file?;
        let read = tokio::task::spawn_blocking(move || {
            use std::io::Read;
            let mut piece = vec![0; 64 << 10];
            let count = file.read(&mut piece)?;
            piece.truncate(count);
            Ok::<_, std::io::Error>((piece, file))
        });
        match read.await {
            Ok(Ok((piece, _))) if piece.is_empty() => None,
            Ok(Ok((piece, file))) => Some((Ok(piece.into()), Some(file))),
            Ok(Err(error)) => Some((Err(error), None)),
            Err(_) => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::fields_of;

    #[test]
    fn forms_of_any_length_are_read_as_browsers_write_them() {
        let long = "x".repeat(300_000);
        let form = format!("a=1+2%2B3&b=%C3%A9%00&a=%&c&long={long}");
        let fields = fields_of(form.as_bytes());
        assert_eq!(fields.all("a").collect::<Vec<_>>(), ["1 2+3", "%"]);
        assert_eq!((fields.get("b"), fields.get("c")), ("\u{e9}", ""));
        assert_eq!(fields.get("long").len(), long.len());
    }
}
