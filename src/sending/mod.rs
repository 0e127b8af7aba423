//! The sending loop: pace, claim, render, compose, deliver, record.
//!
//! The caller's thread is the dispatcher: it picks the next mail that may be sent and gives it to
//! an idle worker. Each worker has its own connection, so that it is known how far each mail got. A
//! mail is claimed only when a connection is open and the pace allows it: a killed sender leaves no
//! more claims than it had connections.

use crate::invitation::Sent;
use jiff::Timestamp;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use uuid::Uuid;

use crate::definition::Mail;
use crate::invitation::{Delivery, Kind};
use crate::issue::Code;
use crate::notify::message::{self, Message};
use crate::notify::outbox;
use crate::notify::pace::{Pace, Why};
use crate::notify::smtp::{self, Connection, OpenError, Server};
use crate::notify::template::Templates;
use crate::notify::token::{self, Token};
use crate::notify::{Attachment, calendar};
use crate::outcome::Exit;
use crate::password;
use crate::progress::Progress;
use crate::refusal::{Refusal, Result};
use crate::store::Store;
use crate::store::invitations::{Claimed, Lease, Queued};

pub mod audience;
pub mod choose;
pub mod handover;
pub mod mailer;

/// How many of the first mails show whether a mailing goes well.
const GUARD_FIRST: u64 = 200;
/// Fewer refused ones than that prove nothing.
const GUARD_REFUSED: u64 = 10;
/// How often one mail may come back because its connection ended, before that is put down to it.
const RETURNS_MAX: u32 = 3;
/// Whoever waits longer than that has to try again.
const WAIT_MAX: Duration = Duration::from_hours(1);
/// How soon a stop is seen.
const TICK: Duration = Duration::from_millis(250);
/// A connection that did nothing for this long is asked for a sign of life before it is used.
const IDLE_MAX: Duration = Duration::from_secs(20);
/// The most connections, whatever `[mail]` says.
const CONNECTIONS_MAX: usize = 16;

/// Where mails go.
#[derive(Debug)]
pub enum Transport {
    /// A folder of `.eml` files.
    Outbox(PathBuf),
    /// A mail server.
    Smtp(Server),
}

/// What a sending needs.
pub struct Sending<'a> {
    /// The run log.
    pub store: &'a Store,
    /// How fast, how many connections, what to repeat.
    pub mail: &'a Mail,
    /// What is written.
    pub templates: &'a Templates,
    /// Who writes.
    pub sender: &'a message::Sender,
    /// Where mails go.
    pub transport: &'a Transport,
    /// What links begin with.
    pub link_base: &'a str,
    /// Where progress is reported.
    pub progress: &'a Progress,
    /// Set to end early: what is under way is finished, the rest stays queued.
    pub stop: &'a AtomicBool,
    /// End after that many were sent.
    pub limit: Option<usize>,
}

/// Sends a queue, and says what happened to it. Every mail's end is in the run log by then.
///
/// # Errors
/// What kept it from beginning: settings, the outbox, the database. What happens later is in
/// [`Sent::stopped`].
pub fn send(sending: &Sending, queue: Vec<Queued>) -> Result<Sent> {
    send_with(sending, queue, &Patience::default())
}

/// How long is waited for a server.
#[derive(Clone, Copy)]
struct Patience {
    server: smtp::Patience,
    /// How long a worker rests after its first, second … connection in a row that came to
    /// nothing. After one more, it gives up.
    rests: [Duration; 4],
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            server: smtp::Patience::default(),
            rests: [1, 5, 15, 30].map(Duration::from_secs),
        }
    }
}

fn send_with(sending: &Sending, queue: Vec<Queued>, patience: &Patience) -> Result<Sent> {
    let (pace, workers) = match sending.transport {
        Transport::Outbox(folder) => {
            outbox::prepare(folder)?;
            (None, 1)
        }
        Transport::Smtp(_) => {
            let pace = Pace::new(sending.mail, Timestamp::now())?;
            let wanted = sending.mail.connections.clamp(1, CONNECTIONS_MAX);
            (Some(pace), wanted.min(queue.len().max(1)))
        }
    };
    let lease = sending.store.begin_sending()?;
    let total = sending.limit.unwrap_or(usize::MAX).min(queue.len()) as u64;
    sending.progress.begin_of("send", "mails", Some(total));
    let sent = thread::scope(|scope| {
        let (tell, reports) = channel();
        let mut seats = Vec::new();
        for number in 0..workers {
            let (hand, jobs) = channel();
            let tell = tell.clone();
            let worker = Worker {
                sending,
                lease,
                road: Road::new(sending.transport, patience),
                claimed: false,
            };
            scope.spawn(move || worker.work(number, &jobs, &tell));
            seats.push(Seat::new(hand));
        }
        drop(tell);
        Desk::new(sending, pace, seats, patience, queue).run(&reports)
    });
    sending.progress.end();
    Ok(sent)
}

/// A mail that waits in this process.
struct Waiting {
    id: Uuid,
    domain: String,
    /// Not before then.
    ready: Timestamp,
    /// How often it came back because its connection ended.
    returned: u32,
}

/// What a worker reports about one mail.
struct Report {
    worker: usize,
    mail: Waiting,
    reported: Attempt,
}

enum Attempt {
    /// Nothing was claimed.
    NoConnection(OpenError),
    /// Somebody else has it, or it must not go out any more.
    Taken,
    /// It is in the run log.
    Ended {
        delivery: Delivery,
        /// When a mail that was put off is tried again.
        retry_seconds: Option<u64>,
        /// Whether the connection ended instead of an answer.
        lost: bool,
    },
    /// It may be out, and the run log doesn't say so.
    Unrecorded(Refusal),
    /// Nothing goes any more, and this mail is surely not out.
    Broken(Refusal),
}

/// The dispatcher.
struct Desk<'a> {
    sending: &'a Sending<'a>,
    pace: Option<Pace>,
    seats: Vec<Seat>,
    rests: [Duration; 4],
    /// Whether the server was there at all.
    reached: bool,
    queue: VecDeque<Waiting>,
    under_way: usize,
    /// Refused by the server, for the guard; `sent.refused` also counts those given up.
    turned_away: u64,
    sent: Sent,
    said: String,
}

/// A worker, as the dispatcher sees it.
struct Seat {
    hand: Sender<Waiting>,
    idle: bool,
    /// Connections in a row that came to nothing.
    failures: usize,
    rests_until: Instant,
}

impl Seat {
    fn new(hand: Sender<Waiting>) -> Seat {
        Seat {
            hand,
            idle: true,
            failures: 0,
            rests_until: Instant::now(),
        }
    }
}

/// What the dispatcher may do now.
enum Next {
    /// Give the mail at that place of the queue to that worker.
    Hand(usize, usize),
    /// Nothing before that time is over.
    Wait(Duration, Option<Why>),
    /// Nothing before a worker reports.
    Listen,
}

impl<'a> Desk<'a> {
    fn new(
        sending: &'a Sending<'a>,
        pace: Option<Pace>,
        seats: Vec<Seat>,
        patience: &Patience,
        queue: Vec<Queued>,
    ) -> Desk<'a> {
        let waiting = queue.into_iter().map(|queued| Waiting {
            id: queued.id,
            domain: queued.domain,
            ready: queued
                .not_before
                .and_then(|seconds| Timestamp::from_second(seconds).ok())
                .unwrap_or(Timestamp::MIN),
            returned: 0,
        });
        Desk {
            sending,
            pace,
            seats,
            rests: patience.rests,
            reached: false,
            queue: waiting.collect(),
            under_way: 0,
            turned_away: 0,
            sent: Sent::default(),
            said: String::new(),
        }
    }

    fn run(mut self, reports: &Receiver<Report>) -> Sent {
        loop {
            if self.sending.stop.load(Ordering::Relaxed) && !self.is_done() {
                self.stop(Refusal::new(Code::RunStopped, "interrupted"));
            }
            let pause = if self.sent.stopped.is_some() {
                TICK
            } else {
                self.hand_out()
            };
            if self.under_way == 0 && (self.sent.stopped.is_some() || self.is_done()) {
                break;
            }
            match reports.recv_timeout(pause.min(TICK)) {
                Ok(report) => self.settle(report),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.sent.later = self.queue.len() as u64;
        self.sent
    }

    fn is_done(&self) -> bool {
        self.queue.is_empty() || self.room() == Some(0) && self.under_way == 0
    }

    /// How many more may be under way before the limit could be passed.
    fn room(&self) -> Option<usize> {
        let gone = self.sent.sent as usize + self.under_way;
        self.sending.limit.map(|limit| limit.saturating_sub(gone))
    }

    /// Ends the sending; the first reason counts.
    fn stop(&mut self, refusal: Refusal) {
        let exit = match refusal.code {
            Code::MailRefused => Exit::Held,
            _ => Exit::Stopped,
        };
        self.sent.stopped.get_or_insert(refusal.exit(exit));
    }

    /// Gives work to whoever is idle; the answer is how long nothing changes by itself.
    fn hand_out(&mut self) -> Duration {
        loop {
            let now = Timestamp::now();
            match self.next(now) {
                Next::Listen => return TICK,
                Next::Wait(wait, why) => {
                    self.explain(now, wait, why);
                    return wait;
                }
                Next::Hand(at, seat) => {
                    let Some(mail) = self.queue.remove(at) else {
                        return TICK;
                    };
                    if let Some(pace) = &mut self.pace {
                        pace.note(now, &mail.domain);
                    }
                    self.seats[seat].idle = false;
                    self.under_way += 1;
                    if let Err(error) = self.seats[seat].hand.send(mail) {
                        self.under_way -= 1;
                        self.queue.push_front(error.0);
                        self.stop(broken_off());
                        return TICK;
                    }
                }
            }
        }
    }

    fn next(&self, now: Timestamp) -> Next {
        if self.queue.is_empty() || self.room() == Some(0) {
            return Next::Listen;
        }
        let clock = Instant::now();
        let seats = self.seats.iter().enumerate().filter(|(_, seat)| seat.idle);
        // The one whose connections work goes first.
        let Some((number, seat)) = seats.min_by_key(|(_, seat)| (seat.rests_until, seat.failures))
        else {
            return Next::Listen;
        };
        if seat.rests_until > clock {
            return Next::Wait(seat.rests_until - clock, None);
        }
        let mut least: Option<(Duration, Option<Why>)> = None;
        for (at, mail) in self.queue.iter().enumerate() {
            let put_off = Duration::try_from(mail.ready.duration_since(now)).ok();
            let wait = match (put_off.filter(|wait| !wait.is_zero()), &self.pace) {
                (Some(wait), _) => (wait, None),
                (None, None) => return Next::Hand(at, number),
                (None, Some(pace)) => match pace.wait(now, &mail.domain) {
                    None => return Next::Hand(at, number),
                    Some((wait, why)) => (wait, Some(why)),
                },
            };
            if least.is_none_or(|(least, _)| wait.0 < least) {
                least = Some(wait);
            }
            // These hold for every mail.
            if matches!(wait.1, Some(Why::Rate | Why::QuietHours)) {
                least = Some(wait);
                break;
            }
        }
        least.map_or(Next::Listen, |(wait, why)| Next::Wait(wait, why))
    }

    /// Says what is waited for, where that is more than the rate; ends a wait that is too long.
    fn explain(&mut self, now: Timestamp, wait: Duration, why: Option<Why>) {
        let Some(pace) = &self.pace else {
            return;
        };
        let until = pace.clock(now + wait);
        let what = match why {
            Some(Why::QuietHours) => format!("quiet hours: no mail is sent before {until}"),
            _ if wait > WAIT_MAX => format!("the rest is postponed until {until}"),
            _ => return,
        };
        if wait > WAIT_MAX {
            if self.under_way == 0 {
                let help = "run the same command again then; unsent mails wait";
                self.stop(Refusal::new(Code::RunStopped, what).help(help));
            }
            return;
        }
        let left = self.queue.len();
        self.say(format!("{what}; {left} wait"));
    }

    /// Says something once.
    fn say(&mut self, line: String) {
        if self.said != line {
            self.sending.progress.say(&line);
            self.said = line;
        }
    }

    fn settle(&mut self, report: Report) {
        let Report {
            worker,
            mail,
            reported,
        } = report;
        self.under_way -= 1;
        self.seats[worker].idle = true;
        self.reached |= !matches!(reported, Attempt::NoConnection(_));
        match reported {
            Attempt::NoConnection(error) => {
                self.queue.push_front(mail);
                match error {
                    OpenError::Busy(words) => self.rest(worker, &words),
                    OpenError::Fatal(words) => self.stop(Refusal::new(Code::MailServer, words)),
                }
            }
            Attempt::Taken => {
                self.sent.taken += 1;
                self.sending.progress.add(1, None);
            }
            Attempt::Ended {
                delivery,
                retry_seconds,
                lost,
            } => self.settle_ended(worker, mail, &delivery, retry_seconds, lost),
            Attempt::Unrecorded(refusal) => {
                self.sent.unknown += 1;
                self.stop(refusal);
            }
            Attempt::Broken(refusal) => {
                self.queue.push_front(mail);
                self.stop(refusal);
            }
        }
    }

    fn settle_ended(
        &mut self,
        worker: usize,
        mut mail: Waiting,
        delivery: &Delivery,
        retry_seconds: Option<u64>,
        lost: bool,
    ) {
        match (delivery, retry_seconds) {
            (Delivery::Returned, _) => {
                mail.returned += 1;
                self.queue.push_back(mail);
            }
            (Delivery::Later { .. }, Some(seconds)) => {
                mail.ready = Timestamp::now() + Duration::from_secs(seconds);
                self.queue.push_back(mail);
            }
            _ => self.count(delivery),
        }
        match self.sending.transport {
            Transport::Outbox(folder) if *delivery == Delivery::Returned => {
                self.stop(outbox::unwritable(
                    folder,
                    "check free space and write access",
                ));
            }
            // Also after the content: a server that never says that it took a mail would make a
            // whole mailing unknown.
            _ if lost => self.rest(
                worker,
                "the server closed the connection instead of answering",
            ),
            _ => self.seats[worker].failures = 0,
        }
    }

    /// Counts a mail that has come to its end.
    fn count(&mut self, delivery: &Delivery) {
        self.sending.progress.add(1, None);
        match delivery {
            Delivery::Sent { .. } => self.sent.sent += 1,
            Delivery::Unknown { .. } => self.sent.unknown += 1,
            Delivery::Refused { .. } => {
                self.sent.refused += 1;
                self.turned_away += 1;
            }
            // Put off too often.
            _ => self.sent.refused += 1,
        }
        let ended = self.sent.sent + self.sent.refused + self.sent.unknown;
        let share = self.turned_away as f64 / ended as f64;
        if ended <= GUARD_FIRST
            && self.turned_away >= GUARD_REFUSED
            && share > self.sending.mail.stop_refused
        {
            let what = format!(
                "{} of the first {ended} mails were refused",
                self.turned_away
            );
            self.stop(Refusal::new(Code::MailRefused, what));
        }
    }

    /// Lets a worker rest whose connection came to nothing; ends the sending when that is so for
    /// all of them, again and again.
    fn rest(&mut self, worker: usize, words: &str) {
        let seat = &mut self.seats[worker];
        seat.failures += 1;
        let rest = self.rests[seat.failures.min(self.rests.len()) - 1];
        seat.rests_until = Instant::now() + rest;
        if self.queue.is_empty() {
            return;
        }
        // A server that was never reached is more likely mistyped than busy.
        let patience = if self.reached { self.rests.len() } else { 2 };
        let spent = |seat: &Seat| seat.failures > patience;
        if self.seats.iter().all(spent) {
            self.stop(Refusal::new(Code::MailServer, words));
        } else {
            self.say(format!("{words}; next try in {} s", rest.as_secs()));
        }
    }
}

fn broken_off() -> Refusal {
    Refusal::new(Code::MailServer, "sending failed inside muster")
        .help("unsent mails wait; run the command again, and report this")
}

/// Where one worker's mails go.
enum Road<'a> {
    Outbox(&'a PathBuf),
    Smtp {
        server: &'a Server,
        patience: smtp::Patience,
        connection: Option<Box<Connection>>,
        used: Instant,
    },
}

impl<'a> Road<'a> {
    fn new(transport: &'a Transport, patience: &Patience) -> Road<'a> {
        match transport {
            Transport::Outbox(folder) => Road::Outbox(folder),
            Transport::Smtp(server) => Road::Smtp {
                server,
                patience: patience.server,
                connection: None,
                used: Instant::now(),
            },
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Road::Outbox(_) => "outbox",
            Road::Smtp { .. } => "smtp",
        }
    }

    /// Makes sure that a mail could go.
    fn open(&mut self) -> std::result::Result<(), OpenError> {
        let Road::Smtp {
            server,
            patience,
            connection,
            used,
        } = self
        else {
            return Ok(());
        };
        let fresh = used.elapsed() < IDLE_MAX;
        let alive = |connection: &mut Box<Connection>| {
            connection.is_usable() && (fresh || connection.is_alive())
        };
        if !connection.as_mut().is_some_and(alive) {
            // The server may allow no second one at a time.
            *connection = None;
            *connection = Some(Box::new(Connection::open_with(server, *patience)?));
        }
        Ok(())
    }

    /// Whether the connection that was used is of no more use.
    fn is_lost(&self) -> bool {
        match self {
            Road::Outbox(_) => false,
            Road::Smtp { connection, .. } => connection
                .as_ref()
                .is_some_and(|connection| !connection.is_usable()),
        }
    }

    fn deliver(&mut self, message: &Message) -> Delivery {
        match self {
            Road::Outbox(folder) => outbox::deliver(folder, message),
            Road::Smtp {
                connection, used, ..
            } => {
                let delivery = match connection {
                    Some(connection) => connection.deliver(message),
                    None => Delivery::Returned,
                };
                *used = Instant::now();
                delivery
            }
        }
    }
}

/// Takes one mail at a time to its end.
struct Worker<'a> {
    sending: &'a Sending<'a>,
    lease: Lease,
    road: Road<'a>,
    /// Whether the mail under way is in the run log as ours.
    claimed: bool,
}

/// Why a mail that was claimed doesn't go.
enum Halt {
    /// It never will.
    This(String),
    /// None will.
    All(Refusal),
}

impl Worker<'_> {
    fn work(mut self, number: usize, jobs: &Receiver<Waiting>, tell: &Sender<Report>) {
        for mail in jobs {
            // lettre panics on some answers, such as a line of blanks; nobody must wait for ever
            // for a worker that is gone.
            self.claimed = false;
            let reported = catch_unwind(AssertUnwindSafe(|| self.attempt(&mail)));
            let reported = reported.unwrap_or_else(|_| match self.claimed {
                true => Attempt::Unrecorded(broken_off()),
                false => Attempt::Broken(broken_off()),
            });
            let report = Report {
                worker: number,
                mail,
                reported,
            };
            if tell.send(report).is_err() {
                return;
            }
        }
    }

    fn attempt(&mut self, mail: &Waiting) -> Attempt {
        if let Err(error) = self.road.open() {
            return Attempt::NoConnection(error);
        }
        let token = match Token::new() {
            Ok(token) => token,
            Err(refusal) => return Attempt::Broken(refusal),
        };
        let store = self.sending.store;
        let claimed = match store.claim(&self.lease, mail.id, self.road.name(), &token.sha256()) {
            Ok(Some(claimed)) => claimed,
            Ok(None) => return Attempt::Taken,
            Err(refusal) => return Attempt::Broken(refusal),
        };
        self.claimed = true;
        let attempts = claimed.attempts as usize;
        let delivery = match self.write(claimed, &token) {
            Ok(message) => self.road.deliver(&message),
            Err(Halt::This(reply)) => Delivery::Refused { reply },
            Err(Halt::All(refusal)) => {
                // Where not even that can be written, the next sender finds the claim.
                let _ = store.record(&self.lease, mail.id, &Delivery::Returned, None);
                return Attempt::Broken(refusal);
            }
        };
        self.record(mail, delivery, attempts)
    }

    fn record(&self, mail: &Waiting, mut delivery: Delivery, attempts: usize) -> Attempt {
        let to_server = matches!(self.road, Road::Smtp { .. });
        let lost = matches!(delivery, Delivery::Returned | Delivery::Unknown { .. })
            || self.road.is_lost();
        if delivery == Delivery::Returned && to_server && mail.returned + 1 >= RETURNS_MAX {
            let reply = "the connection closed before the mail was accepted, several times";
            delivery = Delivery::Later {
                reply: reply.to_string(),
            };
        }
        let retry = match &delivery {
            Delivery::Later { .. } => self.sending.mail.retry_seconds.get(attempts).copied(),
            _ => None,
        };
        let store = self.sending.store;
        match store.record(&self.lease, mail.id, &delivery, retry) {
            Ok(()) => Attempt::Ended {
                delivery,
                retry_seconds: retry,
                lost,
            },
            Err(refusal) => match delivery {
                Delivery::Sent { .. } | Delivery::Unknown { .. } => Attempt::Unrecorded(refusal),
                _ => Attempt::Broken(refusal),
            },
        }
    }

    /// The mail, with a link or password that nobody had before.
    fn write(&self, claimed: Claimed, token: &Token) -> std::result::Result<Message, Halt> {
        let Claimed {
            id,
            kind,
            message_id,
            mut mail_context,
            session,
            ..
        } = claimed;
        let mail = self.sending.mail;
        mail_context.product.clone_from(&mail.product);
        mail_context.contact = mail.contact.clone().unwrap_or_default();
        match kind {
            Kind::Invite | Kind::Reset => {
                mail_context.link = token::link(self.sending.link_base, &token.text());
            }
            Kind::Temporary => {
                mail_context.password = self.new_password(id)?;
            }
            Kind::Session | Kind::SessionReminder => {
                let found = session.map(|id| self.sending.store.find_session(id));
                mail_context.session = found.transpose().map_err(Halt::All)?.flatten();
            }
            Kind::Report | Kind::Notice => {}
        }
        let domain = self.sending.sender.domain();
        let calendar = mail_context.session.as_ref();
        let attached: Vec<Attachment> = calendar
            .map(|session| calendar::attachment(session, domain))
            .into_iter()
            .collect();
        let composed = catch_unwind(AssertUnwindSafe(|| {
            let rendered = self
                .sending
                .templates
                .render(kind, &mail_context)
                .map_err(|refusal| refusal.what)?;
            message::compose(
                &rendered,
                self.sending.sender,
                &mail_context.person.email,
                &mail_context.person.name,
                &message_id,
                SystemTime::now(),
                &attached,
            )
        }));
        composed
            .unwrap_or_else(|_| Err("the mail can't be built".to_string()))
            .map_err(Halt::This)
    }

    /// A temporary password whose hash is in the run log.
    fn new_password(&self, id: Uuid) -> std::result::Result<String, Halt> {
        let password = random_password().map_err(Halt::All)?;
        let phc = password::hash(&password).map_err(Halt::All)?;
        let stored = self.sending.store.set_temporary_password(id, &phc);
        match stored.map_err(Halt::All)? {
            true => Ok(password),
            false => Err(Halt::This(
                "the person has set a password meanwhile".to_string(),
            )),
        }
    }
}

/// Small letters and digits that nobody takes for one another.
const PASSWORD_LETTERS: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// Twenty letters from the operating system's randomness, 99 bits, in groups of five.
fn random_password() -> Result<String> {
    let mut password = String::new();
    let mut letters = 0;
    while letters < 20 {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(|error| {
            let what = format!("the system gives no random bytes: {error}");
            Refusal::new(Code::MailSettings, what)
        })?;
        // What is above the last whole round would make the first letters more likely.
        let whole = 256 / PASSWORD_LETTERS.len() * PASSWORD_LETTERS.len();
        for byte in bytes {
            if usize::from(byte) < whole && letters < 20 {
                if letters > 0 && letters % 5 == 0 {
                    password.push('-');
                }
                password.push(PASSWORD_LETTERS[usize::from(byte) % PASSWORD_LETTERS.len()].into());
                letters += 1;
            }
        }
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::Argon2;
    use argon2::password_hash::PasswordVerifier;
    use mail_parser::MessageParser;
    use std::collections::{BTreeMap, HashSet};
    use std::fs;
    use tokio::runtime::Runtime;

    use crate::notify::scripted::{self, Script, Verdict};
    use crate::store::connect::{Connection as Session, Target};
    use crate::store::scratch::Home;

    /// A database with queued mails, and an eye on it.
    struct RunLog {
        runtime: Runtime,
        session: Session,
        home: Home,
    }

    impl RunLog {
        fn open() -> RunLog {
            let home = Home::new("home");
            let runtime = Runtime::new().unwrap();
            drop(Store::open(Target::Local(home.local.clone())).unwrap());
            let session = runtime.block_on(Target::Local(home.local.clone()).connect());
            RunLog {
                session: session.unwrap(),
                runtime,
                home,
            }
        }

        fn store(&self) -> Store {
            Store::open(Target::Local(self.home.local.clone())).unwrap()
        }

        fn run(&self, sql: &str) {
            let running = self.session.client.batch_execute(sql);
            self.runtime.block_on(running).unwrap();
        }

        /// Two columns of text.
        fn pairs(&self, sql: &str) -> Vec<(String, String)> {
            let rows = self.session.client.query(sql, &[]);
            let rows = self.runtime.block_on(rows).unwrap();
            rows.iter().map(|row| (row.get(0), row.get(1))).collect()
        }

        /// Forgets everybody, and queues a mail for each of `count` new people of three domains.
        fn queue(&self, kind: Kind, count: usize) {
            let (kind, status) = match kind {
                Kind::Invite => ("invite", "invited"),
                _ => (kind.name(), "active"),
            };
            self.run(&format!(
                "delete from muster.invitations;
                delete from muster.accounts;
                insert into muster.accounts (id, email, email_key, first_name, role, status, language)
                select gen_random_uuid(), email, email, 'Ada', 'user', '{status}', 'en'
                from (
                    select 'p' || n || '@d' || n % 3 || '.example' as email
                    from generate_series(0, {count} - 1) n
                ) people;
                insert into muster.invitations
                    (id, run_id, account_id, kind, email, email_key, lifetime, message_id)
                select gen_random_uuid(), 'run', id, '{kind}', email, email, interval '1 day',
                    '<' || split_part(email, '@', 1) || '@example.org>'
                from muster.accounts"
            ));
        }

        /// What waits now, by name.
        fn queued(&self, kind: Kind) -> Vec<Queued> {
            let accounts = self.pairs("select id::text, '' from muster.accounts");
            let accounts: Vec<Uuid> = accounts.iter().map(|(id, _)| id.parse().unwrap()).collect();
            self.store().find_queued(kind, &accounts).unwrap()
        }

        /// State → how many.
        fn states(&self) -> BTreeMap<String, u64> {
            let sql = "select state, count(*)::text from muster.invitations group by state";
            let pairs = self.pairs(sql).into_iter();
            pairs
                .map(|(state, count)| (state, count.parse().unwrap()))
                .collect()
        }

        fn send(&self, route: &Route, kind: Kind) -> Sent {
            route.send(&self.store(), self.queued(kind))
        }
    }

    fn states<const N: usize>(wanted: [(&str, u64); N]) -> BTreeMap<String, u64> {
        wanted
            .map(|(state, count)| (state.to_string(), count))
            .into()
    }

    /// How a test sends.
    struct Route {
        mail: Mail,
        transport: Transport,
        limit: Option<usize>,
        stop: AtomicBool,
    }

    impl Route {
        /// As fast as it goes, to a server on this port.
        fn to(port: u16) -> Route {
            let mut mail = Mail {
                smtp: Some(format!("smtp+plain://127.0.0.1:{port}")),
                from: Some("Acme <people@acme.example>".to_string()),
                contact: Some("help@acme.example".to_string()),
                per_minute: 0,
                retry_seconds: vec![0, 0],
                ..Mail::default()
            };
            let server = Server::find(&mail).unwrap().unwrap();
            mail.connections = 3;
            Route {
                transport: Transport::Smtp(server),
                mail,
                limit: None,
                stop: AtomicBool::new(false),
            }
        }

        fn send(&self, store: &Store, queue: Vec<Queued>) -> Sent {
            let sending = Sending {
                store,
                mail: &self.mail,
                templates: &Templates::open(&self.mail).unwrap(),
                sender: &message::Sender::of(&self.mail).unwrap(),
                transport: &self.transport,
                link_base: "https://join.example/",
                progress: &Progress::new(true),
                stop: &self.stop,
                limit: self.limit,
            };
            let patience = Patience {
                server: smtp::Patience {
                    command: Duration::from_secs(2),
                    content: Duration::from_secs(1),
                },
                rests: [1, 2, 3, 4].map(Duration::from_millis),
            };
            send_with(&sending, queue, &patience).unwrap()
        }
    }

    fn server(
        verdict: impl Fn(&str, usize) -> Verdict + Send + Sync + 'static,
    ) -> scripted::Server {
        scripted::Server::start(Script {
            verdict: Box::new(verdict),
            ..Script::default()
        })
    }

    /// What comes after `before` in a mail's text.
    fn word_behind(text: &str, before: &str) -> String {
        let parsed = MessageParser::new().parse(text.as_bytes()).unwrap();
        let body = parsed.body_text(0).unwrap();
        let (_, rest) = body.split_once(before).unwrap();
        rest.split_whitespace().next().unwrap().to_string()
    }

    /// Nobody has two copies; how many have one.
    fn copies(server: &scripted::Server) -> usize {
        let taken = server.taken();
        assert!(taken.iter().all(|mail| mail.to.len() == 1));
        let people: HashSet<&String> = taken.iter().flat_map(|mail| &mail.to).collect();
        assert_eq!(people.len(), taken.len(), "somebody has two");
        people.len()
    }

    #[test]
    fn two_senders_at_once_mail_everybody_once_with_the_link_of_the_run_log() {
        let run_log = RunLog::open();
        run_log.queue(Kind::Invite, 200);
        let server = server(|_, _| Verdict::Take);
        let ways = [Route::to(server.port), Route::to(server.port)];
        let queue = run_log.queued(Kind::Invite);
        let both: Vec<Sent> = thread::scope(|scope| {
            let one = |route| {
                let (store, queue) = (run_log.store(), queue.clone());
                scope.spawn(move || Route::send(route, &store, queue))
            };
            let running: Vec<_> = ways.iter().map(one).collect();
            let ended = running.into_iter().map(|sender| sender.join().unwrap());
            ended.collect()
        });
        assert_eq!(both.iter().map(|sent| sent.sent).sum::<u64>(), 200);
        assert_eq!(both.iter().map(|sent| sent.taken).sum::<u64>(), 200);
        assert!(
            both.iter()
                .all(|sent| sent.stopped.is_none() && sent.later == 0)
        );
        assert!(both.iter().all(|sent| sent.sent > 10), "{both:?}");
        assert_eq!(copies(&server), 200);
        assert!(server.connections() <= 6);
        assert_eq!(run_log.states(), states([("sent", 200)]));
        let kept =
            run_log.pairs("select email, encode(token_sha256, 'hex') from muster.invitations");
        let kept: BTreeMap<String, String> = kept.into_iter().collect();
        for mail in server.taken() {
            let token = word_behind(&mail.text, "https://join.example/");
            assert_eq!(
                kept[&mail.to[0]],
                crate::text::hex(&token::sha256_of(&token))
            );
        }
        // Nothing is left for a third.
        assert!(run_log.queued(Kind::Invite).is_empty());
    }

    /// What the script does to the first people; the rest is taken.
    fn fault(to: &str, before: usize) -> Verdict {
        match to.split('@').next().unwrap() {
            "p0" => Verdict::AtRecipient("550 5.1.1 no such user"),
            "p1" => Verdict::AfterContent("554 5.7.1 spam"),
            "p2" if before == 0 => Verdict::AtRecipient("450 4.2.1 come again"),
            "p3" => Verdict::AfterContent("451 4.3.0 come again"),
            "p4" if before < 2 => Verdict::ShutAtRecipient,
            "p5" => Verdict::CutAtRecipient,
            "p6" => Verdict::CutInContent,
            "p7" => Verdict::CutAfterDot,
            "p8" => Verdict::Slow(Duration::from_millis(1_500)),
            "p9" => Verdict::Slow(Duration::from_millis(200)),
            _ => Verdict::Take,
        }
    }

    #[test]
    fn each_fault_ends_in_its_own_state_and_the_others_go_out() {
        let run_log = RunLog::open();
        run_log.queue(Kind::Invite, 40);
        let server = server(fault);
        let sent = run_log.send(&Route::to(server.port), Kind::Invite);
        assert!(sent.stopped.is_none(), "{sent:?}");
        let counts = (sent.sent, sent.refused, sent.unknown, sent.later);
        assert_eq!(counts, (33, 4, 3, 0));
        assert_eq!(
            run_log.states(),
            states([("sent", 33), ("failed", 4), ("unknown", 3)])
        );
        // The two that nobody knows of and that were taken all the same have one copy, too.
        assert_eq!(copies(&server), 35);
        let sql = "select split_part(email, '@', 1), state || ' ' || attempts || ' ' || reply
            from muster.invitations";
        let ended: BTreeMap<String, String> = run_log.pairs(sql).into_iter().collect();
        for (name, wanted) in [
            ("p0", "failed 1 550 5.1.1 no such user"),
            ("p1", "failed 1 554 5.7.1 spam"),
            ("p2", "sent 2 250 2.0.0 queued as 4711"),
            ("p3", "failed 3 451 4.3.0 come again"),
            ("p4", "sent 3 250 2.0.0 queued as 4711"),
            (
                "p5",
                "failed 3 no readable answer before the content (incomplete response)",
            ),
            (
                "p8",
                "unknown 1 no answer within 1 seconds after the content",
            ),
            ("p9", "sent 1 250 2.0.0 queued as 4711"),
        ] {
            assert_eq!(ended[name], wanted, "{name}");
        }
        for name in ["p6", "p7"] {
            let start = "unknown 1 the connection ended after the content was sent";
            assert!(ended[name].starts_with(start), "{name}: {}", ended[name]);
        }
        // Only links whose mail is or may be out work.
        let sql = "select state, '' from muster.invitations where token_sha256 is null";
        let without = run_log.pairs(sql);
        assert_eq!(without.len(), 4);
        assert!(without.iter().all(|(state, _)| state == "failed"));
    }

    #[test]
    fn a_server_that_is_of_no_use_leaves_the_mails_in_the_queue() {
        let run_log = RunLog::open();
        run_log.queue(Kind::Invite, 40);
        let all = states([("queued", 40)]);
        // Nobody listens.
        let port = server(|_, _| Verdict::Take).port;
        thread::sleep(Duration::from_millis(100));
        let sent = run_log.send(&Route::to(port), Kind::Invite);
        let stopped = sent.stopped.unwrap();
        assert_eq!(
            (stopped.code, stopped.exit),
            (Code::MailServer, Exit::Stopped)
        );
        assert_eq!((sent.later, run_log.states()), (40, all.clone()));
        // Every connection is turned away, and every mail is cut off before its content.
        let away = scripted::Server::start(Script {
            greeting: Box::new(|_| scripted::Greeting::Refuse("421 4.3.2 not now")),
            ..Script::default()
        });
        let cut = server(|_, _| Verdict::CutAtRecipient);
        for server in [away, cut] {
            let mut route = Route::to(server.port);
            // Else the mails themselves would be put off, one by one.
            route.mail.connections = 1;
            let sent = run_log.send(&route, Kind::Invite);
            assert_eq!(sent.stopped.unwrap().code, Code::MailServer);
            assert_eq!(sent.later, 40);
            assert_eq!(run_log.states(), all);
        }
        // An answer at which lettre panics.
        let odd = scripted::Server::start(Script {
            hello: "250-odd.test\r\n250-  \r\n250 8BITMIME",
            ..Script::default()
        });
        let sent = run_log.send(&Route::to(odd.port), Kind::Invite);
        assert_eq!(sent.stopped.unwrap().code, Code::MailServer);
        assert_eq!(
            (sent.later, sent.unknown, run_log.states()),
            (40, 0, all.clone())
        );
        // One answer decides: no TLS where TLS is wanted.
        let plain = server(|_, _| Verdict::Take);
        let mut route = Route::to(plain.port);
        route.mail.smtp = Some(format!("smtp://127.0.0.1:{}", plain.port));
        route.mail.connections = 1;
        route.transport = Transport::Smtp(Server::find(&route.mail).unwrap().unwrap());
        let sent = run_log.send(&route, Kind::Invite);
        assert_eq!(sent.stopped.unwrap().code, Code::MailServer);
        assert_eq!((plain.connections(), run_log.states()), (1, all));
        // Taken, and never confirmed: a few are unknown, not all.
        let silent = server(|_, _| Verdict::CutAfterDot);
        let sent = run_log.send(&Route::to(silent.port), Kind::Invite);
        assert_eq!(sent.stopped.unwrap().code, Code::MailServer);
        // How many depends on how soon the other connections hear of it: without an end, all 40.
        assert!((5..=30).contains(&sent.unknown), "{}", sent.unknown);
        assert_eq!(copies(&silent) as u64, sent.unknown);
        assert_eq!(sent.later, 40 - sent.unknown);
    }

    #[test]
    fn a_mailing_stops_when_it_is_refused_or_its_limit_is_reached_or_somebody_asks() {
        let run_log = RunLog::open();
        run_log.queue(Kind::Invite, 60);
        let refusing = server(|_, _| Verdict::AtRecipient("550 5.7.1 you are blocked"));
        let sent = run_log.send(&Route::to(refusing.port), Kind::Invite);
        let stopped = sent.stopped.unwrap();
        assert_eq!(
            (stopped.code, stopped.exit),
            (Code::MailRefused, Exit::Held)
        );
        assert!((10..=12).contains(&sent.refused), "{}", sent.refused);
        assert_eq!(sent.refused + sent.later, 60);

        // Five in a hundred are refused: that is how lists are.
        run_log.queue(Kind::Invite, 240);
        let usual = server(
            |to, _| match to.split('@').next().unwrap().ends_with("19") {
                true => Verdict::AtRecipient("550 5.1.1 no such user"),
                false => Verdict::Take,
            },
        );
        let mut route = Route::to(usual.port);
        route.limit = Some(7);
        let sent = run_log.send(&route, Kind::Invite);
        assert_eq!((sent.sent, copies(&usual)), (7, 7));
        assert_eq!(sent.later, 240 - 7 - sent.refused);
        assert!(sent.stopped.is_none());

        // Slow enough that a stop finds mails under way.
        let slow = server(|_, _| Verdict::Slow(Duration::from_millis(30)));
        let route = Route::to(slow.port);
        let sent = thread::scope(|scope| {
            scope.spawn(|| {
                while slow.taken().len() < 10 {
                    thread::sleep(Duration::from_millis(5));
                }
                route.stop.store(true, Ordering::Relaxed);
            });
            run_log.send(&route, Kind::Invite)
        });
        let stopped = sent.stopped.unwrap();
        assert_eq!(
            (stopped.code, stopped.exit),
            (Code::RunStopped, Exit::Stopped)
        );
        assert!((10..60).contains(&sent.sent), "{}", sent.sent);
        assert_eq!(copies(&slow) as u64, sent.sent);
        assert!(!run_log.states().contains_key("sending"));

        let sent = run_log.send(&Route::to(usual.port), Kind::Invite);
        assert!(sent.stopped.is_none() && sent.later == 0, "{sent:?}");
        assert!(run_log.states()["sent"] > 220);
    }

    #[test]
    fn a_database_that_goes_away_doubles_nothing() {
        let run_log = RunLog::open();
        run_log.queue(Kind::Invite, 60);
        let server = server(|_, _| Verdict::Slow(Duration::from_millis(20)));
        let route = Route::to(server.port);
        let sent = thread::scope(|scope| {
            scope.spawn(|| {
                while server.taken().len() < 15 {
                    thread::sleep(Duration::from_millis(2));
                }
                run_log.run(
                    "select pg_terminate_backend(pid) from pg_stat_activity
                    where pid <> pg_backend_pid() and backend_type = 'client backend'",
                );
            });
            let queue = run_log.queued(Kind::Invite);
            route.send(&run_log.store(), queue)
        });
        let stopped = sent.stopped.unwrap();
        assert!(stopped.code.name().starts_with("database."), "{stopped:?}");
        assert_eq!(stopped.exit, Exit::Stopped);
        let left = run_log.states()["sending"];
        assert!((1..=3).contains(&left), "{left}");
        let mut store = run_log.store();
        let lease = store.begin_sending().unwrap();
        let settled = store.settle_abandoned(&lease, |_| false).unwrap();
        assert_eq!(settled.unknown, left);
        let sent = run_log.send(&route, Kind::Invite);
        assert!(sent.stopped.is_none());
        assert!(copies(&server) as u64 >= 60 - left);
        assert_eq!(
            run_log.states(),
            states([("sent", 60 - left), ("unknown", left)])
        );
    }

    #[test]
    fn the_outbox_takes_temporary_passwords_that_open_the_account() {
        let run_log = RunLog::open();
        run_log.queue(Kind::Temporary, 5);
        // Somebody has chosen a password meanwhile.
        run_log.run(
            "insert into muster.credentials (account_id, password_hash)
            select id, '$argon2id$own' from muster.accounts where email like 'p0@%'",
        );
        let mut route = Route::to(1);
        let folder = run_log.home.folder().join("mails/outbox");
        route.transport = Transport::Outbox(folder.clone());
        // None of this holds for files.
        route.mail.per_minute = 1;
        route.mail.quiet_hours = Some("00:00-23:59".to_string());
        let sent = run_log.send(&route, Kind::Temporary);
        assert_eq!((sent.sent, sent.refused), (4, 1));
        let sql = "select split_part(email, '@', 1), password_hash || ' ' || must_change
            from muster.credentials join muster.accounts on id = account_id";
        let hashes: BTreeMap<String, String> = run_log.pairs(sql).into_iter().collect();
        assert_eq!(hashes["p0"], "$argon2id$own false");
        for name in ["p1", "p2", "p3", "p4"] {
            assert!(outbox::has(&folder, &format!("<{name}@example.org>")));
            let mail = fs::read_to_string(folder.join(format!("{name}@example.org.eml"))).unwrap();
            let password = word_behind(&mail, "Temporary password:");
            assert_eq!(password.len(), 23, "{password}");
            let (hash, must_change) = hashes[name].split_once(' ').unwrap();
            assert_eq!(must_change, "true");
            let argon2 = Argon2::default();
            assert!(argon2.verify_password(password.as_bytes(), hash).is_ok());
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 4);
        // An outbox that can't be written to ends it before anything is claimed.
        run_log.queue(Kind::Reset, 2);
        fs::write(run_log.home.folder().join("file"), "").unwrap();
        route.transport = Transport::Outbox(run_log.home.folder().join("file/outbox"));
        let store = run_log.store();
        let sending = Sending {
            store: &store,
            mail: &route.mail,
            templates: &Templates::open(&route.mail).unwrap(),
            sender: &message::Sender::of(&route.mail).unwrap(),
            transport: &route.transport,
            link_base: "https://join.example/",
            progress: &Progress::new(true),
            stop: &route.stop,
            limit: None,
        };
        let refusal = send(&sending, run_log.queued(Kind::Reset)).unwrap_err();
        assert_eq!(refusal.code, Code::OutputUnwritable);
        assert_eq!(run_log.states(), states([("queued", 2)]));
    }

    #[test]
    fn rate_and_quiet_hours_are_kept() {
        let run_log = RunLog::open();
        run_log.queue(Kind::Invite, 12);
        let server = server(|_, _| Verdict::Take);
        let mut route = Route::to(server.port);
        let now = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).time();
        let hour = |hours: i64| now.wrapping_add(jiff::SignedDuration::from_hours(hours));
        let (from, to) = (hour(-1).strftime("%H:%M"), hour(3).strftime("%H:%M"));
        route.mail.quiet_hours = Some(format!("{from}-{to}"));
        route.mail.time_zone = Some("UTC".to_string());
        let sent = run_log.send(&route, Kind::Invite);
        let stopped = sent.stopped.unwrap();
        assert_eq!(
            (stopped.code, stopped.exit),
            (Code::RunStopped, Exit::Stopped)
        );
        let said = stopped.what;
        assert!(
            said.starts_with("quiet hours: no mail is sent before "),
            "{said}"
        );
        assert!(said.ends_with(&format!(" {to} UTC")), "{said}");
        assert_eq!((sent.later, copies(&server)), (12, 0));
        // Eleven spaces of 100 ms.
        route.mail.quiet_hours = None;
        route.mail.per_minute = 600;
        let began = Instant::now();
        assert_eq!(run_log.send(&route, Kind::Invite).sent, 12);
        let took = began.elapsed();
        assert!(took > Duration::from_millis(1_050), "{took:?}");
    }
}
