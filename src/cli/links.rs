//! `muster invitations link`: links that are handed over in person, one on the terminal, or many as
//! cards to print.

use std::path::{Path, PathBuf};

use clap::Args;
use uuid::Uuid;

use super::DatabaseArgs;
use super::invite::open_store;
use crate::cli::run::make_folder;
use crate::cli::terminal::{print, warn};
use crate::file::{self, Pending};
use crate::invitation::{Kind, Name};
use crate::issue::Code;
use crate::outcome::Exit;
use crate::people::words::{Among, find_import, split, wishes};
use crate::refusal::{Refusal, Result};
use crate::report::{cards, mails};
use crate::sending::handover::{Wanted, cards_of, choose, hand_over, open_mailer};
use crate::sending::mailer::Mailer;
use crate::store::Store;

/// What is written into the folder of `--output`.
const FILES: [&str; 2] = ["links.csv", "links.html"];

#[derive(Args)]
pub(super) struct LinkArgs {
    /// The person's e-mail address or username
    #[arg(value_name = "WHO", required_unless_present_any = ["run", "only"])]
    who: Option<String>,
    /// Write links.csv and links.html, a printable card a person, into this folder
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// The people of this run: an id, the beginning of one, or `last`
    #[arg(long, requires = "output")]
    run: Option<String>,
    /// Only these: an address, a username, group:NAME, role:NAME, organization:NAME, row:LINE,
    /// row:FILE:LINE, or @FILE with addresses or usernames; repeatable
    #[arg(long, value_name = "WHO", requires = "output")]
    only: Vec<String>,
    /// All but these; written as for --only
    #[arg(long, value_name = "WHO", requires = "output")]
    except: Vec<String>,
    /// Also for people whose invitation was cancelled, and on cards for those whose link still
    /// works; old links end
    #[arg(long)]
    again: bool,
    /// The pipeline whose `[mail]` is used
    #[arg(short, long, value_name = "PIPELINE")]
    pipeline: Option<String>,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// `muster invitations link`.
pub(super) fn link(args: &LinkArgs) -> Result<Exit> {
    let store = open_store(&args.database)?;
    match (&args.output, &args.who) {
        (Some(folder), _) => cards_for(args, folder, store),
        (None, Some(who)) => one(args, who, store),
        (None, None) => Err(Refusal::new(Code::UsageInvalid, "nobody is named")),
    }
}

fn one(args: &LinkArgs, who: &str, mut store: Store) -> Result<Exit> {
    let nobody = || {
        let what = "no account with that address or username can be opened by a link";
        Refusal::new(Code::InvitationNone, what)
            .help("the account is missing or deactivated: import the person first")
    };
    let typed = split(&[who.to_string()])?.remove(0);
    let account = store.find_named(&Name::of(&typed))?.ok_or_else(nobody)?;
    if !args.again && store.is_cancelled(account)? {
        let what = "this person's invitation was cancelled";
        return Err(Refusal::new(Code::InvitationNone, what)
            .help("with --again, they get a new link all the same"));
    }
    let mailer = open_mailer(args.pipeline.as_deref(), None, &[account], &store)?;
    warn_of_own_page(&mailer);
    let (made, links) = hand_over(&mut store, &mailer, &[account], |_, _| Ok(()))?;
    let (Some(made), Some(link)) = (made.get(&account), links.get(&account)) else {
        return Err(nobody());
    };
    print(&format!("{link}\n"));
    let ends = match &made.expires_at {
        Some(time) => format!("until {time} UTC"),
        None => "without an end date".to_string(),
    };
    let what = match made.kind {
        Kind::Invite => "accept the invitation",
        _ => "set a password",
    };
    warn(&format!(
        "whoever opens it can {what} once, {ends}; hand it over in person"
    ));
    Ok(Exit::Done)
}

fn warn_of_own_page(mailer: &Mailer) {
    if let Some(warning) = mailer.local_links() {
        warn(&warning);
    }
}

fn cards_for(args: &LinkArgs, folder: &Path, mut store: Store) -> Result<Exit> {
    let run = args.run.as_deref();
    let run = run.map(|run| find_import(&store, run)).transpose()?;
    let among = Among::Run(run.as_ref());
    let mut wanted = Wanted {
        only: wishes(&args.only, &among)?,
        except: wishes(&args.except, &among)?,
        again: args.again,
    };
    wanted.only.extend(wishes(args.who.as_slice(), &among)?);
    let (mailer, selection) = choose(&store, run.as_ref(), &wanted, args.pipeline.as_deref())?;
    warn_of_own_page(&mailer);
    print(&mails::cards(
        selection.chosen.len() as u64,
        &selection.left_out,
    ));
    if selection.chosen.is_empty() {
        let what = "nobody who was selected can get a card";
        return Err(Refusal::new(Code::InvitationNone, what));
    }
    make_folder(folder, true)?;
    let paths = FILES.map(|name| folder.join(name));
    if let Some(there) = paths.iter().find(|path| path.exists()) {
        return Err(file::unwritable(there, &"it exists already")
            .help("these links may still work: name another folder, or remove the file"));
    }
    let accounts: Vec<Uuid> = selection.chosen.iter().map(|one| one.account).collect();
    let mut written = Vec::new();
    let done = hand_over(&mut store, &mailer, &accounts, |made, links| {
        let cards = cards_of(&selection, made, links, &mailer);
        let texts = [cards::csv(&cards), cards::page(&cards, &mailer.mail)];
        for (path, text) in paths.iter().zip(&texts) {
            let mut pending = Pending::create(path)?;
            pending.write(text)?;
            pending.commit_new()?;
            written.push(path);
        }
        Ok(())
    });
    let made = match done {
        Ok((made, _)) => made.len(),
        Err(refusal) => {
            // Nobody must print links that don't work.
            written
                .into_iter()
                .for_each(|path| drop(std::fs::remove_file(path)));
            return Err(refusal);
        }
    };
    for path in &paths {
        print(&format!("wrote {}\n", path.display()));
    }
    let those = match made {
        1 => "the link".to_string(),
        more => format!("each of the {more} links"),
    };
    warn(&format!(
        "{those} is a key to an account: whoever has it can choose the password once; hand the cards over in person, then delete the files"
    ));
    Ok(Exit::Done)
}
