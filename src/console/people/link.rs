//! `/people/{person}/link`: a link that is handed over in person.

use maud::html;
use uuid::Uuid;

use super::parts::when;
use crate::console::ask::{Answer, Ask, Page};
use crate::console::page::form;
use crate::invitation::Kind;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::sending::handover::{hand_over, open_mailer};

/// Makes it, and shows it once: it is stored nowhere.
pub(crate) fn make(ask: &mut Ask) -> Result<Answer> {
    let Ok(account) = ask.part("person").parse::<Uuid>() else {
        return Ok(Answer::Missing);
    };
    if ask.store.person(account)?.is_none() {
        return Ok(Answer::Missing);
    }
    let here = format!("/people/{account}");
    if ask.form.get("again") != "yes" && ask.store.is_cancelled(account)? {
        return Ok(cancelled(ask, &here));
    }
    let mailer = open_mailer(None, None, &[account], ask.store)?;
    ask.acts("invitations link", "muster invitations link WHO");
    let (made, links) = hand_over(ask.store, &mailer, &[account], |_, _| Ok(()))?;
    let (Some(made), Some(link)) = (made.get(&account), links.get(&account)) else {
        let what = "this account can't be opened by a link";
        return Err(Refusal::new(Code::InvitationNone, what)
            .help("it is deactivated, or has neither an address nor a username"));
    };
    let what = ask.t(match made.kind {
        Kind::Invite => "Whoever opens this link can accept the invitation, once.",
        _ => "Whoever opens this link can set a password, once.",
    });
    let body = html! {
        section {
            p { (what) " " (ask.t("Hand it over in person. It is shown only here and only now.")) }
            p { code #link { (link) } }
            p { button.second type="button" hidden data-copy=(link) { (ask.t("Copy")) } }
            @match &made.expires_at {
                Some(_) => p { (ask.t("It works until")) " " (when(ask, made.expires_at.as_deref())) "." },
                None => p { (ask.t("It works until it is used.")) },
            }
            @if mailer.mail.link_base.is_none() {
                div.warning { p { (ask.t("Only this machine can open it: the pipeline has no `link_base` under `[mail]`.")) } }
            }
            p { a href=(here) { (ask.t("Back to the person")) } }
        }
    };
    Ok(Page::new("/people", ask.t("A link to hand over"), body).into())
}

/// An invitation that was cancelled comes back only when that is asked for.
fn cancelled(ask: &Ask, here: &str) -> Answer {
    let body = html! {
        section {
            div.warning { p { (ask.t("This person's invitation was cancelled. A link lets them in all the same.")) } }
            (form(ask, &format!("{here}/link"), html! {
                input type="hidden" name="again" value="yes";
                button.danger { (ask.t("Make a link all the same")) }
            }))
            p { a href=(here) { (ask.t("Back to the person")) } }
        }
    };
    let title = ask.t("The invitation was cancelled");
    Page::new("/people", title, body).refusing().into()
}
