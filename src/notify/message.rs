//! A rendered mail as the bytes that go over the wire (RFC 5322, RFC 2045).
//!
//! What comes in was written by strangers, so nothing here trusts a name, an address or a text:
//! one recipient, our headers and no others, whatever they hold.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

use lettre::Address;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{
    Attachment as AttachedPart, Body, Mailbox, MessageBuilder, MultiPart, MultiPartKind, SinglePart,
};
use sha2::{Digest, Sha256};

use super::{Attachment, Rendered};
use crate::definition::Mail;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

/// The most characters of a display name.
const NAME_CHARS_MAX: usize = 100;

/// The most characters of a subject: lettre never breaks a word, and a line ends at 998 bytes.
const SUBJECT_CHARS_MAX: usize = 200;

/// A mail, ready to be handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its Message-ID, with angle brackets.
    pub id: String,
    /// The envelope's sender; the domain as A-label.
    pub from: String,
    /// The envelope's only recipient; the domain as A-label.
    pub to: String,
    /// Headers and body with CRLF line ends, before dot-stuffing.
    pub bytes: Vec<u8>,
}

/// Who writes: `from` and `reply_to` of `[mail]`, parsed.
#[derive(Debug, Clone)]
pub struct Sender {
    from: Mailbox,
    reply_to: Option<Mailbox>,
    default: bool,
}

impl Sender {
    /// The sender that `[mail]` names; `muster <muster@localhost>` where it names none, which will
    /// do for an outbox folder.
    ///
    /// # Errors
    /// `mail.settings` when `from` or `reply_to` isn't `Name <address>` or `address`.
    pub fn of(mail: &Mail) -> Result<Sender> {
        let parsed = |key: &str, text: &str| {
            mailbox(text).map_err(|why| {
                let what = format!("`{key} = {text:?}` under `[mail]` is wrong: {why}");
                Refusal::new(Code::MailSettings, what)
                    .help("write it as `Acme People <people@acme.example>`")
            })
        };
        let from = parsed(
            "from",
            mail.from.as_deref().unwrap_or("muster <muster@localhost>"),
        )?;
        let reply_to = mail.reply_to.as_deref();
        Ok(Sender {
            from,
            reply_to: reply_to.map(|text| parsed("reply_to", text)).transpose()?,
            default: mail.from.is_none(),
        })
    }

    /// Whether `[mail]` names no sender.
    pub fn is_default(&self) -> bool {
        self.default
    }

    /// The domain of the sender's address, as A-label.
    pub fn domain(&self) -> &str {
        self.from.email.domain()
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.from)
    }
}

/// A Message-ID that nobody had before: `<random@domain>` (RFC 5322, section 3.6.4).
///
/// # Errors
/// `mail.settings` when the system has no randomness.
pub fn new_message_id(domain: &str) -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        let what = format!("the system gives no random bytes: {error}");
        Refusal::new(Code::MailSettings, what)
    })?;
    Ok(format!("<{}@{domain}>", crate::hex(&bytes)))
}

/// The mail to `to`, whose display name is `name`. The same arguments give the same bytes.
///
/// # Errors
/// Why this mail can never be sent, such as an address with letters before the `@` that plain SMTP
/// doesn't carry. The address itself is not repeated.
pub fn compose(
    rendered: &Rendered,
    sender: &Sender,
    to: &str,
    name: &str,
    message_id: &str,
    date: SystemTime,
    attachments: &[Attachment],
) -> std::result::Result<Message, String> {
    let to = address(to)?;
    check_message_id(message_id)?;
    let name = display_name(name);
    let recipient = Mailbox::new((!name.is_empty()).then_some(name), to.clone());
    let mut builder = MessageBuilder::new()
        .from(sender.from.clone())
        .to(recipient);
    if let Some(reply_to) = &sender.reply_to {
        builder = builder.reply_to(reply_to.clone());
    }
    builder = builder
        .subject(subject(&rendered.subject))
        .date(clamped(date))
        .message_id(Some(message_id.to_string()))
        // RFC 3834, and Exchange's own word for the same: no out-of-office answers.
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("X-Auto-Response-Suppress", "All"));
    if is_language_tag(&rendered.language) {
        builder = builder.raw_header(header("Content-Language", &rendered.language));
    }
    let body = body(rendered, message_id, attachments);
    let message = builder
        .multipart(body)
        .map_err(|error| format!("the mail can't be put together: {error}"))?;
    Ok(Message {
        id: message_id.to_string(),
        from: sender.from.email.to_string(),
        to: to.to_string(),
        bytes: message.formatted(),
    })
}

/// Text and HTML as alternatives, and the attachments behind them.
fn body(rendered: &Rendered, message_id: &str, attachments: &[Attachment]) -> MultiPart {
    let alternative = part(MultiPartKind::Alternative, message_id)
        .singlepart(text_part(ContentType::TEXT_PLAIN, &rendered.text))
        .singlepart(text_part(ContentType::TEXT_HTML, &rendered.html));
    if attachments.is_empty() {
        return alternative;
    }
    let mixed = part(MultiPartKind::Mixed, message_id).multipart(alternative);
    attachments.iter().fold(mixed, |mixed, attachment| {
        mixed.singlepart(attached(attachment))
    })
}

/// An empty multipart whose boundary depends on the message alone, so that what a preview shows is
/// what goes out. `=_` can't stand in quoted-printable or base64 (RFC 2045, section 6.7).
fn part(kind: MultiPartKind, message_id: &str) -> MultiPart {
    let digest = Sha256::digest(format!("{kind:?}{message_id}"));
    MultiPart::builder()
        .kind(kind)
        .boundary(format!("=_{}", crate::hex(&digest[..16])))
        .build()
}

/// A text, encoded so that no line is too long and none begins with `From `, which mailboxes in
/// the old Unix format would change.
fn text_part(content_type: ContentType, text: &str) -> SinglePart {
    let text = text
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace('\0', "");
    let body = Body::new(text.clone());
    let mangled = body.as_ref().starts_with(b"From ")
        || memchr::memmem::find(body.as_ref(), b"\nFrom ").is_some();
    let body = if mangled {
        Body::new_with_encoding(text, ContentTransferEncoding::Base64).unwrap_or(body)
    } else {
        body
    };
    SinglePart::builder().header(content_type).body(body)
}

/// A file, always in base64: what looks like text may have bare line feeds and long lines.
fn attached(attachment: &Attachment) -> SinglePart {
    let name: String = one_line(&attachment.name)
        .chars()
        .map(|c| if "/\\\"".contains(c) { '_' } else { c })
        .take(NAME_CHARS_MAX)
        .collect();
    let name = if name.is_empty() { "file".into() } else { name };
    let octets = || ContentType::parse("application/octet-stream");
    let content_type = ContentType::parse(&attachment.mime).or_else(|_| octets());
    let content_type = content_type.unwrap_or(ContentType::TEXT_PLAIN);
    let bytes = attachment.bytes.clone();
    let body = Body::new_with_encoding(bytes, ContentTransferEncoding::Base64)
        .unwrap_or_else(Body::new::<Vec<u8>>);
    AttachedPart::new(name).body(body, content_type)
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_string())
}

/// `text` as a subject: one line of at most 200 characters that decodes to itself.
fn subject(text: &str) -> String {
    // `=?` would begin an encoded word (RFC 2047, section 2) that the reader's program decodes.
    cut(&one_line(text), SUBJECT_CHARS_MAX).replace("=?", "= ?")
}

/// `name` as a display name: one line of at most 100 characters, without what would break a header
/// or turn the direction of the line around.
fn display_name(name: &str) -> String {
    cut(&one_line(name), NAME_CHARS_MAX)
}

fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_string(),
        Some(_) => text
            .chars()
            .take(chars_max - 1)
            .chain(std::iter::once('…'))
            .collect(),
    }
}

/// `text` on one line: control characters and line ends become one space, the marks and overrides
/// of Unicode's bidirectional algorithm (UAX #9, section 2) go. Letters stay as they are.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    let clean = |c: char| !c.is_control() && !is_line_end(c) && !is_bidi_control(c);
    if text.chars().all(clean) && text.trim().len() == text.len() {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !is_bidi_control(*c)) {
        if c.is_control() || is_line_end(c) {
            if !line.ends_with(' ') {
                line.push(' ');
            }
        } else {
            line.push(c);
        }
    }
    Cow::Owned(line.trim().to_string())
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Whether `text` can be a language tag by its form (RFC 5646): letters, then parts after dashes.
pub(crate) fn is_language_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let first = parts.next().unwrap_or("");
    (2..=8).contains(&first.len())
        && letters(first)
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

/// `Name <address>`, `"Name" <address>` or `address`.
fn mailbox(text: &str) -> std::result::Result<Mailbox, String> {
    let text = text.trim();
    let (name, inner) = match text
        .strip_suffix('>')
        .and_then(|rest| rest.rsplit_once('<'))
    {
        Some((name, inner)) => (name.trim(), inner.trim()),
        None => ("", text),
    };
    let quoted = name
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let name = match quoted {
        Some(quoted) => quoted.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => name.to_string(),
    };
    let name = display_name(&name);
    Ok(Mailbox::new(
        (!name.is_empty()).then_some(name),
        address(inner)?,
    ))
}

/// An address that plain SMTP carries: ASCII before the `@`, an A-label after it (RFC 5321).
fn address(text: &str) -> std::result::Result<Address, String> {
    let (local, domain) = text
        .rsplit_once('@')
        .ok_or("an e-mail address has an `@`, this has none")?;
    if !local.is_ascii() {
        return Err(
            "the address has letters before the `@` that need SMTPUTF8, which is not spoken here"
                .to_string(),
        );
    }
    let domain = if domain.is_ascii() {
        Cow::Borrowed(domain)
    } else {
        let label = idna::domain_to_ascii(domain);
        Cow::Owned(label.map_err(|_| "the domain of the address can't exist".to_string())?)
    };
    Address::new(local, domain.as_ref()).map_err(|error| format!("not an e-mail address: {error}"))
}

fn check_message_id(id: &str) -> std::result::Result<(), String> {
    let inner = id.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    let graphic = |inner: &str| {
        inner
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"<>".contains(&b))
    };
    match inner {
        Some(inner) if inner.contains('@') && inner.len() < 400 && graphic(inner) => Ok(()),
        _ => Err("the Message-ID isn't of the form `<left@right>`".to_string()),
    }
}

/// `date` within the years that a header can name; lettre panics on others.
fn clamped(date: SystemTime) -> SystemTime {
    let last = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    date.clamp(SystemTime::UNIX_EPOCH, last)
}
