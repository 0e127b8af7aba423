//! A mail server on loopback that keeps what it takes, and fails as it is reported.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mail_parser::MessageParser;

/// What the server does with a recipient's mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Takes it.
    Take,
    /// `550` to RCPT.
    Refuse,
    /// `450` to RCPT, the first time.
    PutOffOnce,
    /// `451` after the content, the first time.
    PutOffAfterOnce,
    /// `421` to MAIL, the first time, and goodbye.
    GoAwayOnce,
    /// Cuts the connection once it has seen some of the content.
    CutInData,
    /// Keeps the mail, and cuts the connection instead of answering.
    CutAfterDot,
    /// Answers only after some seconds.
    Slow,
}

/// A mail that was kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// The content.
    pub bytes: Vec<u8>,
}

impl Kept {
    /// The only recipient.
    pub fn only(&self) -> &str {
        assert_eq!(self.to.len(), 1, "{:?}", self.to);
        &self.to[0]
    }

    /// The first `http` link of the plain text part.
    pub fn link(&self) -> String {
        let parsed = MessageParser::default().parse(&self.bytes).unwrap();
        let text = parsed.body_text(0).unwrap().into_owned();
        let start = text.find("http").unwrap_or_else(|| panic!("{text}"));
        text[start..].split_whitespace().next().unwrap().to_string()
    }

    /// The Message-ID.
    pub fn id(&self) -> String {
        let parsed = MessageParser::default().parse(&self.bytes).unwrap();
        parsed.message_id().unwrap().to_string()
    }
}

/// The server; it goes on until the test process ends.
#[derive(Clone)]
pub struct Mailbox {
    address: SocketAddr,
    inner: Arc<Inner>,
}

struct Inner {
    kept: Mutex<Vec<Kept>>,
    seen: Mutex<Vec<String>>,
    verdict: Box<dyn Fn(&str) -> Verdict + Send + Sync>,
}

impl Mailbox {
    /// A server that treats each recipient as `verdict` says.
    pub fn start(verdict: impl Fn(&str) -> Verdict + Send + Sync + 'static) -> Mailbox {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mailbox = Mailbox {
            address: listener.local_addr().unwrap(),
            inner: Arc::new(Inner {
                kept: Mutex::default(),
                seen: Mutex::default(),
                verdict: Box::new(verdict),
            }),
        };
        let inner = mailbox.inner.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let inner = inner.clone();
                std::thread::spawn(move || {
                    // A client that is killed breaks off anywhere.
                    let _ = serve(stream, &inner);
                });
            }
        });
        mailbox
    }

    /// For `MUSTER_SMTP`.
    pub fn url(&self) -> String {
        format!("smtp+plain://{}", self.address)
    }

    /// All mails so far.
    pub fn kept(&self) -> Vec<Kept> {
        self.inner.kept.lock().unwrap().clone()
    }

    /// How many mails each recipient has.
    pub fn copies(&self) -> std::collections::BTreeMap<String, usize> {
        let mut copies = std::collections::BTreeMap::new();
        for kept in self.kept() {
            *copies.entry(kept.only().to_string()).or_default() += 1;
        }
        copies
    }
}

/// Whether a recipient's mail comes for the first time.
fn first(inner: &Inner, to: &str) -> bool {
    let mut seen = inner.seen.lock().unwrap();
    let is_first = !seen.iter().any(|other| other == to);
    seen.push(to.to_string());
    is_first
}

fn serve(stream: TcpStream, inner: &Inner) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut answers = stream;
    let mut to: Vec<String> = Vec::new();
    answers.write_all(b"220 mailbox\r\n")?;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let word = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let answer = match word.as_str() {
            "EHLO" => "250-mailbox\r\n250 8BITMIME\r\n",
            "MAIL" | "RSET" => {
                to.clear();
                "250 ok\r\n"
            }
            "RCPT" => {
                let address = line
                    .split(['<', '>'])
                    .nth(1)
                    .unwrap_or_default()
                    .to_string();
                let verdict = (inner.verdict)(&address);
                match verdict {
                    Verdict::Refuse => "550 5.1.1 nobody of that name\r\n",
                    Verdict::PutOffOnce if first(inner, &address) => "450 4.2.1 try later\r\n",
                    Verdict::GoAwayOnce if first(inner, &address) => {
                        answers.write_all(b"421 4.3.2 closing\r\n")?;
                        return Ok(());
                    }
                    _ => {
                        to.push(address);
                        "250 ok\r\n"
                    }
                }
            }
            "DATA" => {
                answers.write_all(b"354 go on\r\n")?;
                match take(&mut lines, inner, &mut to)? {
                    Some(answer) => answer,
                    None => return Ok(()),
                }
            }
            "QUIT" => {
                answers.write_all(b"221 bye\r\n")?;
                return Ok(());
            }
            "NOOP" => "250 ok\r\n",
            _ => "502 what?\r\n",
        };
        answers.write_all(answer.as_bytes())?;
    }
}

/// Reads the content up to the final dot; `None` where the connection is to be cut.
fn take(
    lines: &mut BufReader<TcpStream>,
    inner: &Inner,
    to: &mut Vec<String>,
) -> std::io::Result<Option<&'static str>> {
    let address = to.first().cloned().unwrap_or_default();
    let verdict = (inner.verdict)(&address);
    let mut bytes = Vec::new();
    loop {
        let mut line = Vec::new();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if verdict == Verdict::CutInData {
            return Ok(None);
        }
        if line == b".\r\n" {
            break;
        }
        bytes.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
    if verdict == Verdict::PutOffAfterOnce && first(inner, &address) {
        return Ok(Some("451 4.3.0 try later\r\n"));
    }
    let to = std::mem::take(to);
    inner.kept.lock().unwrap().push(Kept { to, bytes });
    match verdict {
        Verdict::CutAfterDot => Ok(None),
        Verdict::Slow => {
            std::thread::sleep(Duration::from_secs(3));
            Ok(Some("250 2.0.0 kept at last\r\n"))
        }
        _ => Ok(Some("250 2.0.0 kept\r\n")),
    }
}
