//! `/invitations/selection/{selection}`: reminds, cancels, or makes links for the people who were chosen.

use maud::{Markup, html};
use uuid::Uuid;

use super::invitations::table;
use super::parts::{PER_PAGE, list_of, message_options, offset, pages, state_name};
use crate::admin::Role;
use crate::console::ask::{Answer, Ask, Content, Download, Page};
use crate::console::jobs::{self, Work};
use crate::console::page::{command, form};
use crate::invitation::Listed;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::report::cards;
use crate::selection::Wish;
use crate::sending::handover::{self, cards_of, hand_over};
use crate::store::invitations::Shown;
use crate::store::selections::Kept;

/// What is selected, with all of the invitations that are meant.
struct Chosen {
    kept: Kept,
    shown: Shown,
    found: Vec<Listed>,
}

impl Chosen {
    fn of(ask: &Ask) -> Result<Option<Chosen>> {
        let Ok(id) = ask.part("selection").parse::<Uuid>() else {
            return Ok(None);
        };
        let Some(kept) = ask.store.kept_selection(id, "invitations")? else {
            return Ok(None);
        };
        let shown: Shown = serde_json::from_value(kept.filter.clone()).unwrap_or_default();
        let found = ask
            .store
            .list_shown(&shown, &kept.except, 0, i64::MAX as u64)?;
        Ok(Some(Chosen { kept, shown, found }))
    }

    /// Those that an act is for, as a list for the command.
    fn ids(&self, is_meant: fn(&Listed) -> bool) -> Vec<Uuid> {
        let meant = self.found.iter().filter(|one| is_meant(one));
        meant.map(|one| one.id).collect()
    }

    fn accounts(&self, is_meant: fn(&Listed) -> bool) -> Vec<Uuid> {
        let meant = self.found.iter().filter(|one| is_meant(one));
        meant.filter_map(|one| one.account).collect()
    }
}

/// Who may be reminded: a mail goes out once more, with a new link.
fn is_remindable(one: &Listed) -> bool {
    !one.is_about_session()
        && !matches!(
            one.state.as_str(),
            "accepted" | "sending" | "cancelled" | "failed"
        )
}

fn is_cancellable(one: &Listed) -> bool {
    !matches!(one.state.as_str(), "accepted" | "cancelled")
}

/// Who may get a link on paper.
fn is_invited(one: &Listed) -> bool {
    one.kind == "invite" && !matches!(one.state.as_str(), "accepted" | "sending" | "cancelled")
}

/// `/invitations/selection/{selection}`.
pub(crate) fn page(ask: &mut Ask) -> Result<Answer> {
    let Some(chosen) = Chosen::of(ask)? else {
        return Ok(Answer::Missing);
    };
    let total = chosen.found.len() as u64;
    let here = format!("/invitations/selection/{}", chosen.kept.id);
    let first = offset(ask).min(total) as usize;
    let last = (first + PER_PAGE as usize).min(chosen.found.len());
    let left_out = chosen.kept.except.len() as u64;
    let body = html! {
        p { (ask.counted(total, "1 invitation is chosen.", "{n} invitations are chosen.")) " " a href="/invitations" { (ask.t("Choose others")) } }
        div.columns {
            (remind_form(ask, &chosen, &here))
            (cards_form(ask, &chosen, &here))
            (cancel_form(ask, &chosen, &here))
        }
        section aria-labelledby="who" {
            h2 #who { (ask.t("Who is chosen")) }
            (form(ask, &format!("{here}/leave-out"), html! {
                (table(ask, &chosen.found[first..last], true))
                (pages(ask, total))
                button.second { (ask.t("Leave out those with a tick")) }
            }))
            @if left_out > 0 {
                (form(ask, &format!("{here}/take-in"), html! {
                    p { (ask.counted(left_out, "1 is left out by hand.", "{n} are left out by hand.")) }
                    button.second { (ask.t("Take them in again")) }
                }))
            }
        }
    };
    Ok(Page::new("/invitations", ask.t("Chosen invitations"), body).into())
}

/// How many are not meant by an act, by their state.
fn left_out(ask: &Ask, chosen: &Chosen, is_meant: fn(&Listed) -> bool) -> Markup {
    let mut counts: Vec<(&str, u64)> = Vec::new();
    for one in chosen.found.iter().filter(|one| !is_meant(one)) {
        let word = match one.is_about_session() {
            true => one.kind.as_str(),
            false => one.state.as_str(),
        };
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    html! {
        @if !counts.is_empty() {
            p.small { (ask.t("Left out:")) }
            ul.small { @for (word, count) in counts {
                li { (ask.number(count)) " " (match word {
                    "session" | "session-reminder" => super::parts::kind_name(ask, word),
                    state => state_name(ask, state),
                }) }
            } }
        }
    }
}

fn remind_form(ask: &Ask, chosen: &Chosen, here: &str) -> Markup {
    let count = chosen.ids(is_remindable).len() as u64;
    let send = ask.counted(count, "Send 1 reminder", "Send {n} reminders");
    html! {
        section aria-labelledby="remind" {
            h2 #remind { (ask.t("Remind")) }
            p { (ask.t("Each person gets the mail once more, with a new link. The old link ends.")) }
            (left_out(ask, chosen, is_remindable))
            (form(ask, &format!("{here}/remind"), html! {
                div.field {
                    label for="message" { (ask.t("Your message (optional)")) }
                    textarea id="message" name="message" maxlength="5000" {}
                }
                button disabled[count == 0] { (send) }
            }))
            (command(ask, "muster invitations resend WHO --send"))
        }
    }
}

fn cards_form(ask: &Ask, chosen: &Chosen, here: &str) -> Markup {
    let count = chosen.ids(is_invited).len() as u64;
    let make = ask.counted(count, "Make 1 card", "Make {n} cards");
    html! {
        section aria-labelledby="cards" {
            h2 #cards { (ask.t("Hand over on paper")) }
            p { (ask.t("A page to print: a card a person with name, link and QR code. Links that are out end.")) }
            p { (ask.t("Each card is a key to an account. Hand it over in person, then delete the file.")) }
            (left_out(ask, chosen, is_invited))
            (form(ask, &format!("{here}/cards"), html! {
                button.second disabled[count == 0] { (make) }
            }))
            (command(ask, "muster invitations link -o cards --again --only WHO"))
        }
    }
}

fn cancel_form(ask: &Ask, chosen: &Chosen, here: &str) -> Markup {
    let count = chosen.ids(is_cancellable).len() as u64;
    let cancel = ask.counted(count, "Cancel 1 invitation", "Cancel {n} invitations");
    html! {
        section aria-labelledby="cancel" {
            h2 #cancel { (ask.t("Cancel")) }
            p { (ask.t("Their links end at once.")) }
            (left_out(ask, chosen, is_cancellable))
            (form(ask, &format!("{here}/cancel"), html! {
                @if ask.may(Role::Approver) {
                    label.plain { input type="checkbox" name="remove" value="yes"; (ask.t("also remove accounts that an import created and nobody used")) }
                }
                button.danger disabled[count == 0] { (cancel) }
            }))
            (command(ask, "muster invitations cancel WHO"))
        }
    }
}

fn nobody() -> Refusal {
    Refusal::new(
        Code::InvitationNone,
        "nobody who is chosen can be meant by this",
    )
    .help("go back, and choose others")
}

/// Starts `muster invitations …` for those who are meant.
fn start(
    ask: &mut Ask,
    chosen: &Chosen,
    is_meant: fn(&Listed) -> bool,
    words: &[&str],
    more: Vec<String>,
) -> Result<Answer> {
    let ids = chosen.ids(is_meant);
    if ids.is_empty() {
        return Err(nobody());
    }
    let mut args: Vec<String> = vec!["invitations".to_string()];
    args.extend(words.iter().map(|word| (*word).to_string()));
    args.push("@-".to_string());
    args.extend(more);
    let work = Work {
        kind: match words[0] {
            "cancel" => "cancel",
            _ => "remind",
        },
        args,
        stdin: Some(list_of(&ids)),
        about: chosen.kept.id.to_string(),
        leads_to: "/invitations".to_string(),
    };
    let job = jobs::start(ask, work)?;
    Ok(Answer::See(format!("/jobs/{job}")))
}

/// `/invitations/selection/{selection}/remind`.
pub(crate) fn remind(ask: &mut Ask) -> Result<Answer> {
    let Some(chosen) = Chosen::of(ask)? else {
        return Ok(Answer::Missing);
    };
    let mut more = vec!["--send".to_string()];
    more.extend(message_options(ask, ask.form.get("message"))?);
    start(ask, &chosen, is_remindable, &["resend"], more)
}

/// `/invitations/selection/{selection}/cancel`.
pub(crate) fn cancel(ask: &mut Ask) -> Result<Answer> {
    let Some(chosen) = Chosen::of(ask)? else {
        return Ok(Answer::Missing);
    };
    let removes = ask.form.get("remove") == "yes" && ask.may(Role::Approver);
    let more = removes.then(|| "--remove-accounts".to_string());
    start(
        ask,
        &chosen,
        is_cancellable,
        &["cancel"],
        more.into_iter().collect(),
    )
}

/// `/invitations/selection/{selection}/leave-out`.
pub(crate) fn leave_out(ask: &mut Ask) -> Result<Answer> {
    except(ask, true)
}

/// `/invitations/selection/{selection}/take-in`.
pub(crate) fn take_in(ask: &mut Ask) -> Result<Answer> {
    except(ask, false)
}

fn except(ask: &mut Ask, adds: bool) -> Result<Answer> {
    let Some(chosen) = Chosen::of(ask)? else {
        return Ok(Answer::Missing);
    };
    let mut except = chosen.kept.except;
    match adds {
        true => except.extend(ask.form.all("id").filter_map(|id| id.parse::<Uuid>().ok())),
        false => except.clear(),
    }
    ask.store.except_from_selection(chosen.kept.id, &except)?;
    let here = format!("/invitations/selection/{}", chosen.kept.id);
    Ok(Answer::See(here))
}

/// `/invitations/selection/{selection}/cards`: a page to print. The links work from now on.
pub(crate) fn make_cards(ask: &mut Ask) -> Result<Answer> {
    let Some(chosen) = Chosen::of(ask)? else {
        return Ok(Answer::Missing);
    };
    let accounts = chosen.accounts(is_invited);
    if accounts.is_empty() {
        return Err(nobody());
    }
    let only = accounts.iter().map(|id| Wish::Id(id.to_string()));
    let wanted = handover::Wanted {
        only: only.collect(),
        except: Vec::new(),
        again: true,
    };
    let (mailer, selection) = handover::choose(ask.store, None, &wanted, None)?;
    let accounts: Vec<Uuid> = selection.chosen.iter().map(|one| one.account).collect();
    if accounts.is_empty() {
        return Err(nobody());
    }
    ask.acts(
        "invitations link",
        "muster invitations link -o cards --again --only @FILE",
    );
    let mut page = Vec::new();
    hand_over(ask.store, &mailer, &accounts, |made, links| {
        let made = cards_of(&selection, made, links, &mailer);
        page = cards::page(&made, &mailer.mail);
        Ok(())
    })?;
    let run = chosen.shown.run.as_deref().unwrap_or("invitations");
    Ok(Answer::File(Download {
        name: format!("cards-{run}.html"),
        media: "text/html; charset=utf-8",
        content: Content::Bytes(page),
    }))
}
