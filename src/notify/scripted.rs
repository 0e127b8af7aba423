//! For tests: a mail server on loopback that treats each mail as a script says, and keeps what it
//! accepted at the final dot, before it answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What happens to one mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// `250` to all.
    Take,
    /// That answer to RCPT.
    AtRecipient(&'static str),
    /// That answer after the content.
    AfterContent(&'static str),
    /// The connection ends instead of an answer to RCPT.
    CutAtRecipient,
    /// `421` to RCPT, and the connection ends.
    ShutAtRecipient,
    /// The connection ends after the first line of the content.
    CutInContent,
    /// The mail is taken, and the connection ends before the answer.
    CutAfterDot,
    /// The mail is taken, and the answer takes that long.
    Slow(Duration),
}

/// How the server receives a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Greeting {
    /// `220`.
    Welcome,
    /// That line, and the connection ends.
    Refuse(&'static str),
}

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The recipients of its envelope.
    pub to: Vec<String>,
    /// Its content, without the doubled dots.
    pub text: String,
}

/// What is done with the n-th mail to a recipient.
pub(crate) type Judge = Box<dyn Fn(&str, usize) -> Verdict + Send + Sync>;

/// What the server does; all of it may be called from several threads.
pub(crate) struct Script {
    /// By the number of the connection, from 0.
    pub greeting: Box<dyn Fn(usize) -> Greeting + Send + Sync>,
    /// By recipient, and how many attempts at it there were before.
    pub verdict: Judge,
    /// The server's certificate and key; without it, it offers no STARTTLS.
    pub tls: Option<Arc<ServerConfig>>,
    /// TLS from the first byte.
    pub tls_at_once: bool,
    /// The password that AUTH PLAIN wants; none offers no AUTH.
    pub password: Option<&'static str>,
    /// The end of the answer to EHLO.
    pub hello: &'static str,
    /// Goes out in the same packet as the answer to STARTTLS, as somebody in between would put it.
    pub injected: &'static str,
}

impl Default for Script {
    fn default() -> Script {
        Script {
            greeting: Box::new(|_| Greeting::Welcome),
            verdict: Box::new(|_, _| Verdict::Take),
            tls: None,
            tls_at_once: false,
            password: None,
            hello: "250 8BITMIME",
            injected: "",
        }
    }
}

/// A running server; it ends when it is dropped.
pub(crate) struct Server {
    /// Where it listens on 127.0.0.1.
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    script: Script,
    taken: Mutex<Vec<Taken>>,
    lines: Mutex<Vec<String>>,
    attempts: Mutex<std::collections::HashMap<String, usize>>,
    connections: AtomicUsize,
    ended: AtomicBool,
}

impl Server {
    /// Starts one on a free port.
    pub(crate) fn start(script: Script) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            script,
            taken: Mutex::default(),
            lines: Mutex::default(),
            attempts: Mutex::default(),
            connections: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        });
        let server = Server {
            port,
            shared: shared.clone(),
        };
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.ended.load(Ordering::SeqCst) {
                    return;
                }
                let shared = shared.clone();
                // A client that goes away ends its session, and nothing else.
                thread::spawn(move || shared.session(stream.unwrap()));
            }
        });
        server
    }

    /// What was taken so far.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.shared.taken.lock().unwrap().clone()
    }

    /// Every command that came, in the order in which they came.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.shared.lines.lock().unwrap().clone()
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

trait Duplex: Read + Write {}
impl<T: Read + Write> Duplex for T {}

struct Wire(BufReader<Box<dyn Duplex>>);

impl Wire {
    fn new(stream: impl Duplex + 'static) -> Wire {
        Wire(BufReader::new(Box::new(stream)))
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.0.read_line(&mut line).ok()?;
        line.strip_suffix("\r\n").map(String::from)
    }

    fn say(&mut self, text: &str) -> Option<()> {
        let stream = self.0.get_mut();
        stream.write_all(format!("{text}\r\n").as_bytes()).ok()?;
        stream.flush().ok()
    }
}

impl Shared {
    fn tls(&self, stream: &TcpStream) -> Option<Wire> {
        let config = self.script.tls.clone()?;
        let connection = ServerConnection::new(config).unwrap();
        let stream = stream.try_clone().unwrap();
        Some(Wire::new(StreamOwned::new(connection, stream)))
    }

    /// One connection; `None` when either side ended it.
    fn session(&self, stream: TcpStream) -> Option<()> {
        let number = self.connections.fetch_add(1, Ordering::SeqCst);
        stream.set_nodelay(true).unwrap();
        let mut encrypted = self.script.tls_at_once;
        let mut wire = if encrypted {
            self.tls(&stream)?
        } else {
            Wire::new(stream.try_clone().unwrap())
        };
        match (self.script.greeting)(number) {
            Greeting::Welcome => wire.say("220 scripted.test ESMTP")?,
            Greeting::Refuse(line) => return wire.say(line),
        }
        let mut to = Vec::new();
        let mut verdict = Verdict::Take;
        loop {
            let line = wire.line()?;
            self.lines.lock().unwrap().push(line.clone());
            let word = line.split([' ', ':']).next().unwrap().to_ascii_uppercase();
            match word.as_str() {
                "EHLO" => {
                    if self.script.tls.is_some() && !encrypted {
                        wire.say("250-STARTTLS")?;
                    }
                    if self.script.password.is_some() {
                        wire.say("250-AUTH PLAIN LOGIN")?;
                    }
                    wire.say(self.script.hello)?;
                }
                "STARTTLS" => {
                    wire.say(format!("220 go on\r\n{}", self.script.injected).trim_end())?;
                    wire = self.tls(&stream)?;
                    encrypted = true;
                }
                "AUTH" => wire.say(self.login(&line))?,
                "MAIL" => {
                    to.clear();
                    wire.say("250 2.1.0 ok")?;
                }
                "RCPT" => {
                    let address = line.split(['<', '>']).nth(1).unwrap().to_string();
                    verdict = (self.script.verdict)(&address, self.count(&address));
                    match verdict {
                        Verdict::AtRecipient(answer) => wire.say(answer)?,
                        Verdict::CutAtRecipient => return None,
                        Verdict::ShutAtRecipient => return wire.say("421 4.3.2 closing"),
                        _ => wire.say("250 2.1.5 ok")?,
                    }
                    to.push(address);
                }
                "DATA" => self.content(&mut wire, &to, verdict)?,
                "QUIT" => return wire.say("221 bye"),
                _ => wire.say("250 ok")?,
            }
        }
    }

    fn content(&self, wire: &mut Wire, to: &[String], verdict: Verdict) -> Option<()> {
        wire.say("354 go on")?;
        let mut text = String::new();
        loop {
            let line = wire.line()?;
            if verdict == Verdict::CutInContent {
                return None;
            }
            if line == "." {
                break;
            }
            text += line.strip_prefix('.').unwrap_or(&line);
            text += "\r\n";
        }
        if let Verdict::AfterContent(answer) = verdict {
            return wire.say(answer);
        }
        let to = to.to_vec();
        self.taken.lock().unwrap().push(Taken { to, text });
        match verdict {
            Verdict::CutAfterDot => return None,
            Verdict::Slow(pause) => thread::sleep(pause),
            _ => {}
        }
        wire.say("250 2.0.0 queued as 4711")
    }

    fn login(&self, line: &str) -> &'static str {
        let said = line.rsplit(' ').next().unwrap();
        let said = String::from_utf8(STANDARD.decode(said).unwrap()).unwrap();
        match said.rsplit('\0').next() == self.script.password {
            true => "235 2.7.0 welcome",
            false => "535 5.7.8 no",
        }
    }

    fn count(&self, address: &str) -> usize {
        let mut attempts = self.attempts.lock().unwrap();
        let count = attempts.entry(address.to_string()).or_default();
        *count += 1;
        *count - 1
    }
}

/// An authority, `ca.pem`, with certificates for this machine and for another, and a second
/// authority that nobody knows.
const CERTIFICATES: &str = "
    set -e
    new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
    for name in ca other; do
      openssl req -x509 $new -keyout $name.key -out $name.pem -subj /CN=$name -days 2
    done
    openssl req $new -keyout server.key -out server.csr -subj /CN=server
    for name in localhost mail.test; do
      echo \"subjectAltName=DNS:$name\" > names
      openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
        -extfile names -out $name.pem
    done";

/// Puts them into `folder`.
pub(crate) fn make_certificates(folder: &Path) {
    let made = Command::new("sh")
        .args(["-c", CERTIFICATES])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

/// A server's TLS with one of those certificates.
pub(crate) fn tls(folder: &Path, certificate: &str) -> Arc<ServerConfig> {
    let chain = vec![CertificateDer::from_pem_file(folder.join(certificate)).unwrap()];
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}
