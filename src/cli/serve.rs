//! `muster serve`, the page that links open, and `muster templates`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::DatabaseArgs;
use crate::cli::terminal::{print, stop_on_signal, warn};
use crate::invitation::{Delivery, Kind, MailContext};
use crate::notify::{message, template};
use crate::outcome::Exit;
use crate::refusal::Result;
use crate::sending::mailer::Mailer;
use crate::serve::{Serving, serve as serve_pages};
use crate::store::Store;
use crate::store::connect::Target;
use crate::store::launcher::home_from_environment;
use crate::store::settings::{Listening, here};
use crate::text::email;

#[derive(Args)]
pub(super) struct ServeArgs {
    /// Address and port to listen on; for other machines, put a TLS proxy in front
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8480")]
    listen: SocketAddr,
    /// Take the visitor's address from X-Forwarded-For; only behind a proxy that sets it
    #[arg(long)]
    behind_proxy: bool,
    /// The pipeline whose `[mail]` is used
    #[arg(short, long, value_name = "PIPELINE")]
    pipeline: Option<String>,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Subcommand)]
pub(super) enum TemplatesCommand {
    /// Write copies to edit; `templates = "DIR"` under `[mail]` uses them
    Export {
        /// The folder to write to
        #[arg(default_value = "mail")]
        folder: PathBuf,
    },
}

/// `muster templates …`.
pub(super) fn templates(command: &TemplatesCommand) -> Result<Exit> {
    let TemplatesCommand::Export { folder } = command;
    let written = template::export(folder)?;
    print(&format!(
        "{} templates are in {}; set `templates = \"{}\"` under `[mail]`\n",
        written.len(),
        folder.display(),
        folder.display()
    ));
    Ok(Exit::Done)
}

/// `muster serve`.
pub(super) fn serve(args: &ServeArgs) -> Result<Exit> {
    let target = Target::find(args.database.database.as_deref(), &home_from_environment()?)?;
    let store = Store::open(target.clone())?;
    let mailer = Mailer::open(args.pipeline.as_deref(), None, &store)?;
    let mail = mailer.mail.clone();
    let noticing = Arc::new(Notices {
        target: target.clone(),
        store: Mutex::new(store),
        mailer,
    });
    let listening = Arc::clone(&noticing);
    let serving = Serving {
        listen: args.listen,
        mail,
        behind_proxy: args.behind_proxy,
        on_accepted: Some(Arc::new(move |account, kind| {
            if let Err(refusal) = noticing.tell(account, kind) {
                warn(&format!("a notice could not be sent: {refusal}"));
            }
        })),
    };
    serve_pages(target, &serving, stop_on_signal(), |address| {
        if let Err(refusal) = listening.note(address) {
            warn(&format!("links may lead elsewhere: {refusal}"));
        }
        print(&format!("serving http://{address}/ until Ctrl-C\n"));
    })?;
    Ok(Exit::Done)
}

/// Tells people that a password was set, so that they hear of it when it wasn't them.
struct Notices {
    target: Target,
    store: Mutex<Store>,
    mailer: Mailer,
}

impl Notices {
    /// Notes where the page listens: links lead there that have no other address.
    fn note(&self, address: SocketAddr) -> Result<()> {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.set_place(Listening::Page, &here(address))
    }

    fn tell(&self, account: Uuid, kind: Kind) -> Result<()> {
        // Who accepts an invitation has nothing yet that somebody could have taken over.
        if kind == Kind::Invite {
            return Ok(());
        }
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        // The database may have been restarted since the last notice.
        if !store.is_connected() {
            *store = Store::open(self.target.clone())?;
        }
        let Some(person) = store.find_person(account)? else {
            return Ok(());
        };
        let key = email::key(&person.email).unwrap_or_default();
        if store.is_suppressed(&key)? {
            return Ok(());
        }
        drop(store);
        let mail = &self.mailer.mail;
        let mail_context = MailContext {
            product: mail.product.clone(),
            contact: mail.contact.clone().unwrap_or_default(),
            person,
            ..MailContext::default()
        };
        let rendered = self.mailer.templates.render(Kind::Notice, &mail_context)?;
        let sender = &self.mailer.sender;
        let id = message::new_message_id(sender.domain())?;
        let (to, name) = (&mail_context.person.email, &mail_context.person.name);
        let composed = message::compose(&rendered, sender, to, name, &id, SystemTime::now(), &[]);
        let sent = composed.is_ok_and(|message| {
            matches!(self.mailer.deliver(&message), Ok(Delivery::Sent { .. }))
        });
        if !sent {
            warn("a notice that a password was set could not be sent");
        }
        Ok(())
    }
}
