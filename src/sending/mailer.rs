//! Everything that mailing needs: the settings of a pipeline, its templates, who writes, and where mails go.

use std::sync::atomic::AtomicBool;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::civil::Date;

use super::{Sending, Transport, send};
use crate::definition::{Dates, Mail, lifetime};
use crate::invitation::{Abandoned, Delivery, Kind, MailContext, Person, Rendered, Sent};
use crate::issue::Code;
use crate::notify::message::{self, Message, Sender, compose};
use crate::notify::smtp::{Connection, OpenError, Server};
use crate::notify::template::Templates;
use crate::notify::{Attachment, outbox, token};
use crate::outcome::Exit;
use crate::progress::Progress;
use crate::refusal::{Refusal, Result};
use crate::session::Known;
use crate::store::Store;
use crate::store::invitations::Queued;
use crate::store::launcher::home_from_environment;
use crate::store::settings::{Listening, MailSettings};

/// Where links lead without `[mail] link_base`, if `muster serve` never listened anywhere else.
const OWN_PAGE: &str = "http://127.0.0.1:8480/";

/// Takes the place of a real mail's token in a preview.
const PREVIEW_TOKEN: &str = "only-a-preview-this-link-opens-nothing-----";

/// Everything that mailing needs, opened and checked before anybody is chosen.
pub struct Mailer {
    /// The settings under `[mail]`.
    pub mail: Mail,
    /// What is written.
    pub templates: Templates,
    /// Who writes.
    pub sender: Sender,
    /// Where mails go.
    pub transport: Transport,
    /// What links begin with.
    pub link_base: String,
    /// The pipeline's name, for the run log.
    pub pipeline: Option<String>,
    /// The day, where the pipeline lets nobody in before their first one.
    pub day: Option<Date>,
}

/// The most characters of a product's name.
const PRODUCT_CHARS_MAX: usize = 100;

/// Whether mails can be sent by these settings.
///
/// # Errors
/// `mail.settings` with the first that is wrong.
pub fn check_settings(settings: &MailSettings) -> Result<()> {
    let mut mail = Mail::default();
    settings.fill(&mut mail);
    Sender::of(&mail)?;
    let product = &settings.product;
    if product.chars().count() > PRODUCT_CHARS_MAX || product.chars().any(char::is_control) {
        let what =
            format!("`product` has more than {PRODUCT_CHARS_MAX} characters, or a line break");
        return Err(Refusal::new(Code::MailSettings, what).help("write a short name"));
    }
    Ok(())
}

/// The page of `muster serve` on this machine, where it listens or listened last.
fn own_page(store: &Store) -> Result<String> {
    let place = store.place(Listening::Page)?;
    Ok(place.unwrap_or_else(|| OWN_PAGE.to_string()))
}

impl Mailer {
    /// By the named pipeline, else by `logged`'s. What it doesn't say, the database's settings say.
    ///
    /// # Errors
    /// `pipeline.*` where there is no such pipeline, `mail.settings` for settings that don't fit, and
    /// a `database.*` code.
    pub fn open(named: Option<&str>, logged: Option<&str>, store: &Store) -> Result<Mailer> {
        let opened =
            crate::pipelines::open(named.or(logged)).map_err(|refusal| match (named, logged) {
                (None, Some(_)) => {
                    refusal.help("the run's pipeline no longer exists; name one with `--pipeline`")
                }
                _ => refusal,
            })?;
        let dates = opened.definition.accounts.dates;
        let day = (dates == Dates::Schedule).then(crate::pipelines::today);
        let (mut mail, pipeline) = (opened.definition.mail, opened.named);
        store.mail_settings()?.fill(&mut mail);
        let link_base = match &mail.link_base {
            Some(base) => base.clone(),
            None => own_page(store)?,
        };
        let sender = Sender::of(&mail)?;
        let transport = match Server::find(&mail)? {
            Some(_) if sender.is_default() => {
                let what = "a mail server is configured, but no sender";
                return Err(Refusal::new(Code::MailSettings, what)
                    .help("set `from = \"Name <address>\"` under `[mail]`, or for all pipelines: `muster settings set from \"Name <address>\"`"));
            }
            Some(server) => Transport::Smtp(server),
            None => Transport::Outbox(outbox::folder_in(&home_from_environment()?)),
        };
        Ok(Mailer {
            templates: Templates::open(&mail)?,
            link_base,
            mail,
            sender,
            transport,
            pipeline,
            day,
        })
    }

    /// Links that only this machine can open are of no use in mails that leave it.
    ///
    /// # Errors
    /// `mail.settings` for such links.
    pub fn check_links(&self) -> Result<()> {
        match &self.transport {
            Transport::Smtp(server) if self.mail.link_base.is_none() && !server.is_here() => {
                let what = format!(
                    "links would lead to {}, which only this machine can open",
                    self.link_base
                );
                Err(Refusal::new(Code::MailSettings, what)
                    .help("set `link_base` under `[mail]` to the address of `muster serve` or of your own page"))
            }
            _ => Ok(()),
        }
    }

    /// That links open on this machine only, if they do.
    pub fn local_links(&self) -> Option<String> {
        let base = &self.link_base;
        self.mail.link_base.is_none().then(|| {
            format!(
                "links lead to {base}, which only this machine can open: set `link_base` under `[mail]`"
            )
        })
    }

    /// Temporary passwords are for those pipelines alone that say so.
    ///
    /// # Errors
    /// `mail.settings` where the pipeline doesn't.
    pub fn check_kind(&self, kind: Kind) -> Result<()> {
        if kind != Kind::Temporary || self.mail.temporary_passwords {
            return Ok(());
        }
        let what = "this pipeline doesn't allow temporary passwords";
        Err(Refusal::new(Code::MailSettings, what).help(
            "send links (`muster reset` without --temporary-password), or set `temporary_passwords = true` under `[mail]`",
        ))
    }

    /// How long a way in of that kind works, in minutes.
    pub fn lifetime(&self, kind: Kind) -> Option<u32> {
        let text = match kind {
            Kind::Reset => &self.mail.reset_expires,
            Kind::Temporary => &self.mail.temporary_expires,
            _ => &self.mail.invitation_expires,
        };
        // Checked when the pipeline was read.
        lifetime(text).unwrap_or(Some(0))
    }

    /// Where mails go, as words.
    pub fn way(&self) -> String {
        match &self.transport {
            Transport::Outbox(folder) => format!("to the outbox {}", folder.display()),
            Transport::Smtp(server) => format!("by {}", server.describe()),
        }
    }

    /// Whether mails are written into a folder, because no mail server is set.
    pub fn is_to_outbox(&self) -> bool {
        matches!(self.transport, Transport::Outbox(_))
    }

    /// What an administrator should know before sending.
    pub fn warnings(&self, kind: Kind) -> Vec<String> {
        let mut warnings = Vec::new();
        if kind == Kind::Temporary {
            warnings.push(
                "these mails contain passwords, and a mail can't be recalled; a link is safer"
                    .to_string(),
            );
        } else if self.mail.link_base.is_none() && matches!(self.transport, Transport::Smtp(_)) {
            warnings.extend(self.local_links());
        }
        if self.mail.contact.is_none() {
            warnings
                .push("the mails don't say whom to ask: set `contact` under `[mail]`".to_string());
        }
        warnings
    }

    /// The mail that somebody would get, with a link that opens nothing.
    ///
    /// # Errors
    /// `mail.template` where the template can't be filled in.
    pub fn preview(
        &self,
        kind: Kind,
        person: &Person,
        message: Option<&str>,
        session: Option<&Known>,
    ) -> Result<Rendered> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs() as i64;
        let mail_context = MailContext {
            person: person.clone(),
            link: match kind {
                Kind::Temporary | Kind::Session | Kind::SessionReminder => String::new(),
                _ => token::link(&self.link_base, PREVIEW_TOKEN),
            },
            password: match kind {
                Kind::Temporary => "(made when it is sent)".to_string(),
                _ => String::new(),
            },
            expires_at: self
                .lifetime(kind)
                .map(|minutes| now + i64::from(minutes) * 60),
            message: message.unwrap_or_default().to_string(),
            product: self.mail.product.clone(),
            contact: self.mail.contact.clone().unwrap_or_default(),
            run: None,
            session: session.cloned(),
        };
        self.templates.render(kind, &mail_context)
    }

    /// The mail as it is sent, with that Message-ID.
    ///
    /// # Errors
    /// `mail.settings` for an address that no mail can have.
    pub fn compose(
        &self,
        rendered: &Rendered,
        to: &Person,
        attached: &[Attachment],
        id: &str,
    ) -> Result<Message> {
        compose(
            rendered,
            &self.sender,
            &to.email,
            &to.name,
            id,
            SystemTime::now(),
            attached,
        )
        .map_err(|why| {
            Refusal::new(
                Code::MailSettings,
                format!("this mail can't be sent: {why}"),
            )
        })
    }

    /// As many Message-IDs as there are mails to queue.
    ///
    /// # Errors
    /// `mail.settings` where the system gives no random bytes.
    pub fn message_ids(&self, count: usize) -> Result<Vec<String>> {
        (0..count)
            .map(|_| message::new_message_id(self.sender.domain()))
            .collect()
    }

    /// Sends one mail, now.
    ///
    /// # Errors
    /// `mail.server` when no server was reached: the mail was certainly not sent.
    pub fn deliver(&self, message: &Message) -> Result<Delivery> {
        match &self.transport {
            Transport::Outbox(folder) => Ok(outbox::deliver(folder, message)),
            Transport::Smtp(server) => Connection::open(server)
                .map_err(|error| match error {
                    OpenError::Busy(what) | OpenError::Fatal(what) => {
                        Refusal::new(Code::MailServer, what)
                    }
                })
                .map(|mut connection| connection.deliver(message)),
        }
    }

    /// Settles what senders left that are gone, and says what became of it.
    ///
    /// # Errors
    /// A refusal with a `database.*` code.
    pub fn settle(&self, store: &mut Store) -> Result<Abandoned> {
        let lease = store.begin_sending()?;
        let folder = match &self.transport {
            Transport::Outbox(folder) => folder.clone(),
            Transport::Smtp(_) => outbox::folder_in(&home_from_environment()?),
        };
        store.settle_abandoned(&lease, |id| outbox::has(&folder, id))
    }

    /// Sends what was queued, at most `limit`.
    ///
    /// # Errors
    /// As [`send`].
    pub fn send(
        &self,
        store: &Store,
        queue: Vec<Queued>,
        progress: &Progress,
        stop: &AtomicBool,
        limit: Option<usize>,
    ) -> Result<Sent> {
        send(
            &Sending {
                store,
                mail: &self.mail,
                templates: &self.templates,
                sender: &self.sender,
                transport: &self.transport,
                link_base: &self.link_base,
                progress,
                stop,
                limit,
            },
            queue,
        )
    }
}

/// The refusal for a mail that didn't arrive, or of which nobody knows.
pub fn undelivered(ended: Delivery) -> Refusal {
    let what = match ended {
        Delivery::Refused { reply } | Delivery::Later { reply } | Delivery::Unknown { reply } => {
            reply
        }
        _ => "the connection to the mail server was lost".to_string(),
    };
    Refusal::new(Code::MailServer, what).exit(Exit::Stopped)
}
