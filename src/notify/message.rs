//! A rendered mail as the bytes that go over the wire (RFC 5322, RFC 2045).
//!
//! The values come from strangers, so no name, address or text is trusted: a mail has one recipient
//! and only our headers, whatever they contain.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{
    Attachment as AttachedPart, Body, Mailbox, MessageBuilder, MultiPart, MultiPartKind, SinglePart,
};
use sha2::{Digest, Sha256};

use super::Attachment;
use crate::definition::Mail;
use crate::invitation::Rendered;
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
    Ok(format!("<{}@{domain}>", crate::text::hex(&bytes)))
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
    // lettre would read the envelope out of the headers, and doesn't get through quoted addresses.
    let envelope = Envelope::new(Some(sender.from.email.clone()), vec![to.clone()])
        .map_err(|error| format!("the mail has no envelope: {error}"))?;
    let body = body(rendered, message_id, attachments);
    let message = builder
        .envelope(envelope)
        .multipart(body)
        .map_err(|error| format!("the mail can't be built: {error}"))?;
    Ok(Message {
        id: message_id.to_string(),
        from: sender.from.email.to_string(),
        to: to.to_string(),
        bytes: message.formatted(),
    })
}

/// Text and HTML as alternatives, and the attachments after them.
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
/// what goes out. `=_` can't be in quoted-printable or base64 (RFC 2045, section 6.7).
fn part(kind: MultiPartKind, message_id: &str) -> MultiPart {
    let digest = Sha256::digest(format!("{kind:?}{message_id}"));
    MultiPart::builder()
        .kind(kind)
        .boundary(format!("=_{}", crate::text::hex(&digest[..16])))
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
            "the address has letters before the `@` that need SMTPUTF8, which isn't supported"
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

#[cfg(test)]
mod tests {
    use super::*;
    use mail_parser::{MessageParser, MimeHeaders};
    use std::collections::HashSet;

    const ID: &str = "<0123456789abcdef@acme.example>";

    fn sender() -> Sender {
        let mail = Mail {
            from: Some("Müller & Söhne, Acme <people@acme.example>".to_string()),
            reply_to: Some("help@acme.example".to_string()),
            ..Mail::default()
        };
        Sender::of(&mail).unwrap()
    }

    fn rendered(subject: &str, text: &str) -> Rendered {
        Rendered {
            subject: subject.to_string(),
            text: text.to_string(),
            html: format!("<p>{text}</p>\n"),
            language: "pt-BR".to_string(),
        }
    }

    fn date() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_mins(29_922_605)
    }

    /// The mail's bytes, after what must hold for every mail.
    fn composed(rendered: &Rendered, name: &str, attachments: &[Attachment]) -> Vec<u8> {
        let message = compose(
            rendered,
            &sender(),
            "jane@example.com",
            name,
            ID,
            date(),
            attachments,
        );
        let message = message.unwrap();
        assert_eq!(
            (&*message.from, &*message.to),
            ("people@acme.example", "jane@example.com")
        );
        let text = String::from_utf8(message.bytes.clone()).unwrap();
        assert!(text.is_ascii());
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        assert_eq!(text.matches('\r').count(), text.matches("\r\n").count());
        assert!(!text.contains('\0') && !text.contains("\nFrom "));
        assert!(text.lines().all(|line| line.len() <= 998));

        let parsed = MessageParser::default().parse(&message.bytes).unwrap();
        let names: Vec<&str> = parsed
            .headers()
            .iter()
            .map(|header| header.name())
            .collect();
        let wanted = [
            "From",
            "To",
            "Reply-To",
            "Subject",
            "Date",
            "Message-ID",
            "Auto-Submitted",
            "X-Auto-Response-Suppress",
            "Content-Language",
            "MIME-Version",
            "Content-Type",
        ];
        assert_eq!(names, wanted, "{name:?}");
        let to: Vec<_> = parsed.to().unwrap().iter().collect();
        assert_eq!(to.len(), 1, "{name:?}");
        assert_eq!(to[0].address(), Some("jane@example.com"));
        assert_eq!(to[0].name().unwrap_or(""), display_name(name), "{name:?}");
        assert_eq!(
            parsed.from().unwrap().first().unwrap().name(),
            Some("Müller & Söhne, Acme")
        );
        assert_eq!(parsed.message_id(), Some(&ID[1..ID.len() - 1]));
        assert_eq!(parsed.subject(), Some(subject(&rendered.subject).as_str()));
        let unix = |text: &str| text.replace("\r\n", "\n");
        assert_eq!(unix(&parsed.body_text(0).unwrap()), rendered.text);
        assert_eq!(unix(&parsed.body_html(0).unwrap()), rendered.html);
        message.bytes
    }

    fn nasty<'a>(long: &'a str, wide: &'a str) -> Vec<&'a str> {
        vec![
            "",
            " ",
            "Jane Doe",
            "Bob\r\nBcc: evil@example.com",
            "Bob\nTo: evil@example.com\n\n<b>",
            "a\0b",
            "Doe, Jane",
            "\"Jane\" <evil@example.com>",
            "back\\slash\\",
            "Jane;evil@example.com:",
            "(comment",
            "=?utf-8?q?Eve=0d=0aBcc:x=40y?=",
            "\u{202e}gnp.exe\u{202c}",
            "\u{200f}محمد علي\u{200e}",
            "עברית, מאוד",
            "👩‍👩‍👧 家族",
            "Müller",
            "\u{feff}x\u{2028}y\u{85}z",
            ".",
            "a  b",
            "-oQ/tmp",
            long,
            wide,
        ]
    }

    #[test]
    fn no_name_text_or_subject_breaks_a_mail() {
        let long = "é".repeat(10_000);
        let wide = format!("{} {}", "x".repeat(10_000), "👩‍👩‍👧 ".repeat(3_000));
        let nasty = nasty(&long, &wide);
        for name in nasty {
            let subject = format!("Hi {name}");
            let text = "Hello,\n\nFrom here on.\n.\n..\nEnd\n";
            composed(&rendered(&subject, text), name, &[]);
        }
        let lines: String = (0..2_000).map(|n| format!("line {n}\n")).collect();
        for text in [
            &*long,
            &*wide,
            "From me\n",
            "é\nFrom you\n",
            "a = b =\n tail \n",
            "\ttab\t\n",
            &lines,
        ] {
            composed(&rendered("Hi", text), "Jane", &[]);
        }
        assert_eq!(
            display_name("Bob\r\nBcc: evil@example.com"),
            "Bob Bcc: evil@example.com"
        );
        assert_eq!(display_name("\u{200f}محمد علي\u{200e}"), "محمد علي");
        assert_eq!(display_name(&long).chars().count(), 100);
        assert_eq!(
            subject("a\r\nb\u{202e}c =?utf-8?q?d?="),
            "a bc = ?utf-8?q?d?="
        );
    }

    #[test]
    fn attachments_come_back_as_they_were() {
        let long = format!("{}\nFrom x\n\u{0}", "é".repeat(5_000)).into_bytes();
        let attachment = |name: &str, mime: &str, bytes: &[u8]| Attachment {
            name: name.to_string(),
            mime: mime.to_string(),
            bytes: bytes.to_vec(),
        };
        let attachments = [
            attachment("corrections.csv", "text/csv", b"a,b\nc,d\n"),
            attachment("../ümlaut\" \r\nX: y.csv", "text/csv\r\nBcc: x@y", &long),
            attachment("", "nonsense", b""),
        ];
        let bytes = composed(&rendered("Report", "Hello\n"), "", &attachments);
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        let found: Vec<_> = parsed.attachments().collect();
        let names: Vec<_> = found
            .iter()
            .map(|part| part.attachment_name().unwrap())
            .collect();
        assert_eq!(names, ["corrections.csv", ".._ümlaut_ X: y.csv", "file"]);
        for (found, sent) in found.iter().zip(&attachments) {
            assert_eq!(found.contents(), sent.bytes);
        }
        assert_eq!(parsed.content_type().unwrap().subtype(), Some("mixed"));
    }

    #[test]
    fn addresses_go_out_as_plain_smtp_carries_them() {
        let mail = rendered("Hi", "Hello\n");
        let to =
            |to: &str| compose(&mail, &sender(), to, "", ID, date(), &[]).map(|message| message.to);
        for (address, sent) in [
            ("jane@example.com", "jane@example.com"),
            ("jane@münchen.de", "jane@xn--mnchen-3ya.de"),
            ("-oQ@example.com", "-oQ@example.com"),
            ("\"a b\"@example.com", "\"a b\"@example.com"),
            ("muster@localhost", "muster@localhost"),
        ] {
            assert_eq!(to(address).as_deref(), Ok(sent));
        }
        for bad in [
            "",
            "jane",
            "jané@example.com",
            "a@b\r\nBcc: c@d",
            "a\r\nX: y@example.com",
            "a,b@c@d.e",
            "a@b, c@d",
            "a b@example.com",
            "<a@b.example>",
            "a@",
            "@b.example",
            "a@b c",
            "\"a\r\nb\"@c.example",
            "a@\u{202e}",
        ] {
            assert!(to(bad).is_err(), "{bad:?} gives {:?}", to(bad));
        }
        assert!(to("jané@example.com").unwrap_err().contains("SMTPUTF8"));
        for id in [
            "",
            "a@b",
            "<a>",
            "<a@b>\r\nBcc: c@d",
            "<a@b><c@d>",
            "<a b@c>",
        ] {
            assert!(compose(&mail, &sender(), "a@b.example", "", id, date(), &[]).is_err());
        }
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert!(compose(&mail, &sender(), "a@b.example", "", ID, before, &[]).is_ok());
    }

    #[test]
    fn the_same_mail_has_the_same_bytes_and_ids_never_repeat() {
        let mail = rendered("Hi", "Hallo, wie geht’s?\n");
        assert_eq!(composed(&mail, "Zoë", &[]), composed(&mail, "Zoë", &[]));
        let ids: HashSet<String> = (0..1_000)
            .map(|_| new_message_id("a.example").unwrap())
            .collect();
        assert_eq!(ids.len(), 1_000);
        assert!(
            ids.iter()
                .all(|id| check_message_id(id).is_ok() && id.ends_with("@a.example>"))
        );
    }

    #[test]
    fn senders_are_read_as_people_write_them() {
        let of = |from: &str| {
            Sender::of(&Mail {
                from: Some(from.to_string()),
                ..Mail::default()
            })
        };
        for (text, name, address) in [
            ("people@acme.example", None, "people@acme.example"),
            ("<people@acme.example>", None, "people@acme.example"),
            (
                "Acme, Inc. <p@acme.example>",
                Some("Acme, Inc."),
                "p@acme.example",
            ),
            (
                "\"Acme \\\"X\\\"\" <p@acme.example>",
                Some("Acme \"X\""),
                "p@acme.example",
            ),
            (
                "Müller <p@müller.example>",
                Some("Müller"),
                "p@xn--mller-kva.example",
            ),
            (
                "A\r\nBcc: b <p@acme.example>",
                Some("A Bcc: b"),
                "p@acme.example",
            ),
        ] {
            let sender = of(text).unwrap();
            assert_eq!(sender.from.name.as_deref(), name, "{text}");
            assert_eq!(sender.from.email.to_string(), address);
            assert!(!sender.is_default());
        }
        for bad in [
            "",
            "Acme",
            "a@b.example, c@d.example",
            "Acme <>",
            "ü@acme.example",
        ] {
            let refusal = of(bad).unwrap_err();
            assert_eq!(refusal.code, Code::MailSettings);
            assert!(refusal.what.starts_with("`from = "), "{refusal}");
        }
        for name in nasty(&"é".repeat(10_000), &"x".repeat(10_000)) {
            let sender = of(&format!("{name} <p@acme.example>")).unwrap();
            let message = compose(
                &rendered("", ""),
                &sender,
                "a@b.example",
                "",
                ID,
                date(),
                &[],
            );
            let bytes = message.unwrap().bytes;
            let parsed = MessageParser::default().parse(&bytes).unwrap();
            assert_eq!(parsed.from().unwrap().iter().count(), 1);
            let from = parsed.from().unwrap().first().unwrap();
            assert_eq!(from.address(), Some("p@acme.example"), "{name:?}");
            assert_eq!(from.name(), sender.from.name.as_deref(), "{name:?}");
        }
        let sender = Sender::of(&Mail::default()).unwrap();
        assert!(sender.is_default());
        assert_eq!(sender.domain(), "localhost");
    }
}
