//! `/runs/{run}/invite/{selection}`: the mail as each person gets it, a message of one's own, and sending.
//! The same for people who were chosen: `/people/selection/{selection}/invite`.

use maud::{Markup, html};
use serde_json::Value;
use uuid::Uuid;

use super::counts;
use super::purpose::Purpose;
use super::who::{audience_of, called, came, left_out, shown, table};
use crate::admin::Role;
use crate::console::ask::{Answer, Ask, Page};
use crate::console::jobs::{self, Work};
use crate::console::page::{command, encoded, form, masked, prose, visible};
use crate::console::people::change::chosen as chosen_people;
use crate::console::people::parts::{
    PER_PAGE, list_of, message_options, offset, pages, personal, visible_lines, with,
};
use crate::invitation::{Candidate, Rendered};
use crate::issue::Code;
use crate::notify::select::Selection;
use crate::people::words::find_import;
use crate::refusal::{Refusal, Result};
use crate::selection::Wish;
use crate::sending::audience::{Audience, Counted};
use crate::sending::choose::{self, SessionMails, Wanted, mailer_for};
use crate::sending::mailer::Mailer;
use crate::store;
use crate::store::runs::RunRecord;
use crate::store::selections::Kept;

/// How many get a mail in a first try.
const CANARY: usize = 5;
/// The longest message, in characters.
const MESSAGE_CHARS_MAX: usize = 5000;

/// A mailing that is being prepared.
struct Plan {
    purpose: Purpose,
    kept: Kept,
    mailer: Mailer,
    people: People,
    /// Where its pages are.
    here: String,
}

/// Who is asked for.
enum People {
    /// People of a run, of whom there may be many.
    OfRun {
        run: Box<RunRecord>,
        audience: Box<Audience>,
        counted: Counted,
        /// Whether nobody is left out by a filter or by hand.
        is_everybody: bool,
    },
    /// People who were chosen one by one.
    Chosen(Selection, Box<SessionMails>),
}

impl Plan {
    fn of(ask: &Ask) -> Result<Option<Plan>> {
        match ask.part("run") {
            "" => Plan::of_chosen(ask),
            run => Plan::of_run(ask, find_import(ask.store, run)?),
        }
    }

    fn of_chosen(ask: &Ask) -> Result<Option<Plan>> {
        let purpose = Purpose::of_path(&ask.path);
        let Some((kept, choice)) = chosen_people(ask)? else {
            return Ok(None);
        };
        let ids = ask.store.ids_of_people(&choice)?;
        let wanted = Wanted {
            only: ids.iter().map(|id| Wish::Id(id.to_string())).collect(),
            ..Wanted::default()
        };
        if wanted.only.is_empty() {
            let what = "nobody is chosen";
            return Err(Refusal::new(Code::SelectionUnknown, what).help("choose people first"));
        }
        let kind = purpose.kind();
        let mailer = mailer_for(ask.store, None, None, kind, &wanted)?;
        let (selection, about) = choose::choose(ask.store, &mailer, None, kind, &wanted)?;
        Ok(Some(Plan {
            purpose,
            here: format!("/people/selection/{}/{}", kept.id, purpose.path()),
            kept,
            mailer,
            people: People::Chosen(selection, Box::new(about)),
        }))
    }

    fn of_run(ask: &Ask, run: RunRecord) -> Result<Option<Plan>> {
        let purpose = Purpose::of_path(&ask.path);
        let Ok(id) = ask.part("selection").parse::<Uuid>() else {
            return Ok(None);
        };
        let Some(kept) = ask.store.kept_selection(id, &run.id)? else {
            return Ok(None);
        };
        let words = kept.filter.get("only").cloned().unwrap_or_default();
        let words: Vec<String> = serde_json::from_value(words).unwrap_or_default();
        let mailer = Mailer::open(None, run.pipeline.as_deref(), ask.store)?;
        let audience = audience_of(ask, &run, (purpose, &mailer), &words, &kept.except)?;
        let key = counts::key(purpose.kind(), &words.join(" "), &kept.except);
        let counted = counts::people((&**ask.app, ask.store), &run, &audience, &key)?;
        Ok(Some(Plan {
            purpose,
            here: format!("/runs/{}/{}/{id}", encoded(&run.id), purpose.path()),
            people: People::OfRun {
                run: Box::new(run),
                audience: Box::new(audience),
                counted,
                is_everybody: words.is_empty() && kept.except.is_empty(),
            },
            kept,
            mailer,
        }))
    }

    fn run(&self) -> Option<&RunRecord> {
        match &self.people {
            People::OfRun { run, .. } => Some(run),
            People::Chosen(..) => None,
        }
    }

    fn message(&self) -> &str {
        let message = self.kept.filter.get("message").and_then(Value::as_str);
        message.unwrap_or_default()
    }

    /// How many people get a mail, and how many mails about sessions go out with them.
    fn counts(&self) -> (u64, u64) {
        match &self.people {
            People::OfRun { counted, .. } => (counted.chosen, counted.about_sessions),
            People::Chosen(selection, about) => (selection.chosen.len() as u64, about.len() as u64),
        }
    }

    fn count(&self) -> u64 {
        let (chosen, about) = self.counts();
        chosen + about
    }

    /// Who gets no mail, by reason.
    fn left_out(&self, ask: &Ask) -> Markup {
        match &self.people {
            People::OfRun { counted, .. } => {
                left_out(ask, &counted.left_out, self.kept.except.len() as u64)
            }
            People::Chosen(selection, _) => {
                let reasons = selection.left_out.iter();
                let reasons = reasons.map(|(reason, people)| (*reason, people.len() as u64));
                left_out(ask, &reasons.collect(), selection.not_asked as u64)
            }
        }
    }

    /// The person at that place of those who get a mail, from 0.
    fn person(&self, ask: &Ask, at: usize) -> Result<Option<Candidate>> {
        match &self.people {
            People::OfRun { audience, .. } => {
                Ok(audience.some(ask.store, None, (None, at, 1))?.pop())
            }
            People::Chosen(selection, _) => Ok(selection.chosen.get(at).cloned()),
        }
    }

    /// Those who get a mail, of the page, and the ways to the others.
    fn people(&self, ask: &Ask) -> Result<(Vec<Candidate>, Markup)> {
        match &self.people {
            People::OfRun { audience, .. } => shown(ask, audience, None, self.counts().0),
            People::Chosen(selection, _) => {
                let people = selection.chosen.iter().skip(offset(ask) as usize);
                let people = people.take(PER_PAGE as usize).cloned();
                Ok((people.collect(), pages(ask, selection.chosen.len() as u64)))
            }
        }
    }

    /// Who gets any mail.
    fn recipients(&self, ask: &Ask) -> Result<Vec<Uuid>> {
        match &self.people {
            People::OfRun { audience, .. } => audience.recipients(ask.store),
            People::Chosen(selection, about) => {
                let chosen = selection.chosen.iter().map(|one| one.account);
                let hear = about.rounds.iter().flatten().map(|(account, _)| *account);
                let mut ids: Vec<Uuid> = chosen.chain(hear).collect();
                ids.sort_unstable();
                ids.dedup();
                Ok(ids)
            }
        }
    }

    /// The mail of a person.
    fn preview(&self, one: &Candidate) -> Result<Rendered> {
        let message = Some(self.message()).filter(|message| !message.is_empty());
        let kind = self.purpose.kind();
        self.mailer.preview(kind, &one.person, message, None)
    }
}

/// The place of the person whose mail is shown, from 0.
fn shown_at(ask: &Ask, plan: &Plan) -> usize {
    let last = plan.counts().0.saturating_sub(1);
    (ask.query.number("person", 1).max(1) - 1).min(last) as usize
}

/// `/runs/{run}/invite/{selection}`.
pub(crate) fn page(ask: &mut Ask) -> Result<Answer> {
    let Some(plan) = Plan::of(ask)? else {
        return Ok(Answer::Missing);
    };
    let at = shown_at(ask, &plan);
    let person = plan.person(ask, at)?;
    let preview = match &person {
        Some(person) => preview_section(ask, &plan, (at, person), &plan.preview(person)?),
        None => html! {},
    };
    let body = html! {
        (back(ask, &plan))
        (sent(ask, &plan))
        (came_so_far(ask, &plan)?)
        @if ask.query.has("kept") { div.note role="status" { p { (ask.t("What you typed and ticked is kept, and nothing was sent. Look at it, then send.")) } } }
        (masked(ask))
        (form(ask, &format!("{}/message", plan.here), html! {
            @if plan.count() > 0 { (message_section(ask, &plan)) }
            (preview)
            (send_section(ask, &plan))
            (who_gets_it(ask, &plan)?)
        }))
    };
    let here = if plan.run().is_some() {
        "/runs"
    } else {
        "/people"
    };
    let mut page = Page::new(here, ask.t(plan.purpose.title()), body);
    page.help = "inviting";
    Ok(page.into())
}

/// Those who get a mail, with a way to leave some out.
fn who_gets_it(ask: &Ask, plan: &Plan) -> Result<Markup> {
    let (people, ways) = plan.people(ask)?;
    Ok(html! {
        section aria-labelledby="people" {
            h2 #people { (ask.t("Who gets a mail")) }
            (plan.left_out(ask))
            @if plan.run().is_none() {
                (table(ask, &people, None))
                (ways)
            } @else if !people.is_empty() {
                (table(ask, &people, Some("except")))
                (ways)
                button.second { (ask.t("Leave out those with a tick")) }
            }
            @if plan.run().is_some() && !plan.kept.except.is_empty() {
                p { (ask.counted(plan.kept.except.len() as u64, "1 is left out by hand.", "{n} are left out by hand.")) }
                button.second name="all" value="yes" { (ask.t("Take them in again")) }
            }
        }
    })
}

/// The way back. Once nobody is left, the first step would offer those who were left out by hand.
fn back(ask: &Ask, plan: &Plan) -> Markup {
    let (to, text) = match plan.run() {
        Some(run) if plan.count() == 0 => {
            (format!("/runs/{}", encoded(&run.id)), ask.t("See the run"))
        }
        Some(run) => {
            let who = format!("/runs/{}/{}", encoded(&run.id), plan.purpose.path());
            (who, ask.t("Back: who"))
        }
        None => {
            let who = format!("/people/selection/{}", plan.kept.id);
            (who, ask.t("Back: who"))
        }
    };
    html! { p { a href=(to) { (text) } } }
}

/// How many mails went out by the sending that led here; nothing where none did.
fn sent(ask: &Ask, plan: &Plan) -> Markup {
    let id = ask.query.get("sent").parse::<Uuid>().ok();
    let job = id.and_then(|id| ask.store.job(id).ok());
    let run = plan.run().map(|run| run.id.as_str());
    let job =
        job.filter(|job| job.kind == plan.purpose.command() && Some(job.about.as_str()) == run);
    let printed = job.and_then(|job| job.stdout);
    let printed = printed.and_then(|json| serde_json::from_str::<Value>(&json).ok());
    let (Some(printed), Some(run)) = (printed, run) else {
        return html! {};
    };
    let count = |what: &str| printed["sent"][what].as_u64().unwrap_or_default();
    let doubtful = count("refused") + count("unknown");
    let class = if doubtful > 0 { "warning" } else { "good" };
    html! {
        div class=(class) role="status" {
            p { strong { (ask.counted(count("sent"), "1 mail was sent.", "{n} mails were sent.")) } }
            @if doubtful > 0 { p { (ask.counted(doubtful, "1 mail was refused, or it is unknown whether it arrived.", "{n} mails were refused, or it is unknown whether they arrived.")) } }
            p { a href={ "/invitations?run=" (encoded(run)) } { (ask.t("See the invitations")) } }
        }
    }
}

/// How far the people of the run are, once somebody was invited.
fn came_so_far(ask: &Ask, plan: &Plan) -> Result<Markup> {
    let Some(run) = plan.run() else {
        return Ok(html! {});
    };
    let funnel = counts::funnel(ask, run)?;
    Ok(html! { @if let Some(funnel) = funnel { (came(ask, run, &funnel)) } })
}

fn message_section(ask: &Ask, plan: &Plan) -> Markup {
    html! {
        section aria-labelledby="mail" {
            h2 #mail { (ask.t("Step 2 of 3: the mail")) }
            @for warning in plan.mailer.warnings(plan.purpose.kind()) { div.warning { p { (prose(&warning)) } } }
            div.field {
                label for="message" { (ask.t("Your message (optional)")) }
                textarea id="message" name="message" maxlength=(MESSAGE_CHARS_MAX) aria-describedby="message-hint" { (plan.message()) }
                p.small #message-hint { (ask.t("It is in every mail, above the link.")) }
            }
            button.second { (ask.t("Keep it and see the mail")) }
            p { a href="/mails" { (ask.t("Change the text of the mails")) } }
        }
    }
}

fn preview_section(
    ask: &Ask,
    plan: &Plan,
    (at, one): (usize, &Candidate),
    rendered: &Rendered,
) -> Markup {
    let total = plan.counts().0;
    let to = |at: usize| with(ask, &[("person", &(at + 1).to_string())]);
    let frame = format!("{}/html?person={}", plan.here, at + 1);
    html! {
        section aria-labelledby="preview" {
            h2 #preview { (ask.t("The mail of")) " " (personal(ask, called(one))) }
            nav.pages aria-label=(ask.t("People")) {
                @if at > 0 { a href={ (to(at - 1)) "#preview" } { (ask.t("Previous person")) } }
                span { (ask.tf("{n} of {all}", &[("n", &ask.number(at as u64 + 1)), ("all", &ask.number(total))])) }
                @if at as u64 + 1 < total { a href={ (to(at + 1)) "#preview" } { (ask.t("Next person")) } }
            }
            @if ask.masks() {
                div.note { p { (ask.t("The mail has this person's values. Show values to see it.")) } }
            } @else {
                dl {
                    dt { (ask.t("From")) } dd { (visible(&plan.mailer.sender.to_string())) }
                    dt { (ask.t("To")) } dd { (visible(&one.person.email)) }
                    dt { (ask.t("Subject")) } dd { strong { (visible(&rendered.subject)) } }
                    dt { (ask.t("Language")) } dd { (visible(&rendered.language)) }
                }
                iframe.mail src=(frame) title=(ask.t("The mail as HTML")) sandbox="" {}
                details { summary { (ask.t("The mail as text")) } pre { (visible_lines(&rendered.text)) } }
            }
            p.small { (ask.t("The link in this preview opens nothing. The real one is made when the mail is sent.")) }
        }
    }
}

fn send_section(ask: &Ask, plan: &Plan) -> Markup {
    let count = plan.count();
    let (chosen, about) = plan.counts();
    let send = ask.counted(chosen, "Send to 1 person", "Send to {n} people");
    let first = ask.tf("Send to {n} people first", &[("n", &CANARY)]);
    let action = format!("{}/send", plan.here);
    html! {
        section aria-labelledby="send" {
            h2 #send { (ask.t("Step 3 of 3: send")) }
            @if count == 0 {
                @match plan.kept.except.len() as u64 {
                    0 => p { (ask.t("Nobody gets a mail.")) },
                    n => p {
                        (ask.counted(n, "Nobody is left. You left out 1 person.", "Nobody is left. You left out {n} people."))
                        " " a href="#people" { (ask.t("See who gets none, and why")) }
                    },
                }
            } @else if let Err(refusal) = plan.mailer.check_links() {
                div.problem { p { (prose(&refusal.what)) } p { (prose(&refusal.help)) } }
            } @else if ask.may(Role::Operator) {
                p {
                    @if plan.mailer.is_to_outbox() { (ask.t("No mail server is set: the mails go into the outbox, a folder of this machine.")) }
                    @else { (ask.t("The mails go")) " " (prose(&plan.mailer.way())) "." }
                }
                @if about > 0 { p { (ask.counted(about, "1 mail about a session goes out with them.", "{n} mails about sessions go out with them.")) } }
                @if chosen > 2 * CANARY as u64 {
                    p { (ask.t("Try it with a few people at different mail domains. Then come back here for the rest.")) }
                    button.second formaction=(action) name="canary" value="yes" { (first) }
                }
                p { button formaction=(action) { (send) } }
            }
            (command(ask, &format!("muster {} {} --send", plan.purpose.command(), plan.run().map_or("all --only WHO", |run| run.id.as_str()))))
        }
    }
}

/// `/runs/{run}/invite/{selection}/html`: the mail as the frame shows it.
pub(crate) fn html(ask: &mut Ask) -> Result<Answer> {
    let Some(plan) = Plan::of(ask)? else {
        return Ok(Answer::Missing);
    };
    if ask.masks() {
        return Ok(Answer::Missing);
    }
    Ok(match plan.person(ask, shown_at(ask, &plan))? {
        Some(person) => Answer::Mail(plan.preview(&person)?.html),
        None => Answer::Missing,
    })
}

/// `/runs/{run}/invite/{selection}/message`: keeps the message, and who is left out.
pub(crate) fn message(ask: &mut Ask) -> Result<Answer> {
    let Some(plan) = Plan::of(ask)? else {
        return Ok(Answer::Missing);
    };
    keep(ask, &plan)?;
    Ok(Answer::See(plan.here))
}

/// Keeps what was typed and ticked. Whether it differs from what was kept before.
fn keep(ask: &Ask, plan: &Plan) -> Result<bool> {
    let mut filter = plan.kept.filter.clone();
    if ask.form.has("message") {
        let typed = ask.form.get("message").chars().take(MESSAGE_CHARS_MAX);
        let message = typed.collect::<String>().replace("\r\n", "\n");
        filter["message"] = message.trim().into();
    }
    let mut except = plan.kept.except.clone();
    let ticked = ask.form.all("except");
    except.extend(ticked.filter_map(|id| id.parse::<Uuid>().ok()));
    if ask.form.get("all") == "yes" {
        except.clear();
    }
    let is_new = filter["message"].as_str().unwrap_or_default() != plan.message()
        || except.len() != plan.kept.except.len();
    if is_new {
        ask.store.change_selection(plan.kept.id, &filter)?;
        ask.store.except_from_selection(plan.kept.id, &except)?;
    }
    Ok(is_new)
}

/// `/runs/{run}/invite/{selection}/send`: sends by the command, to exactly those whom the page named.
pub(crate) fn send(ask: &mut Ask) -> Result<Answer> {
    let Some(plan) = Plan::of(ask)? else {
        return Ok(Answer::Missing);
    };
    plan.mailer.check_links()?;
    // Nobody has seen a mail with this message, or the number without these people.
    if keep(ask, &plan)? {
        return Ok(Answer::See(format!("{}?kept=yes", plan.here)));
    }
    if plan.count() == 0 {
        let what = "nobody gets a mail: everybody who was chosen has one by now, or can't get any";
        return Err(
            Refusal::new(Code::InvitationNone, what).help("look at who is left out, and why")
        );
    }
    let command = plan.purpose.command();
    let run = plan.run().map_or("all", |run| run.id.as_str());
    let mut args: Vec<String> = [command, run, "--send"].map(String::from).to_vec();
    // Sessions are heard of by people who are active already: they aren't among the chosen.
    let is_everybody = matches!(
        plan.people,
        People::OfRun {
            is_everybody: true,
            ..
        }
    );
    let stdin = match is_everybody {
        true => None,
        false => {
            args.extend(["--only", "@-"].map(String::from));
            Some(list_of(&plan.recipients(ask)?))
        }
    };
    let is_first_try = ask.form.get("canary") == "yes";
    if is_first_try {
        args.push(format!("--canary={CANARY}"));
    }
    args.extend(message_options(ask, plan.message())?);
    args.push("--json".to_string());
    let id = store::new_id()?;
    let leads_to = match plan.run() {
        // The message and who is left out are kept there for the rest.
        Some(_) => format!("{}?sent={id}", plan.here),
        None if is_first_try => plan.here.clone(),
        // Those who were chosen by what they lack may be nobody by then.
        None => "/invitations".to_string(),
    };
    let work = Work {
        kind: command,
        args,
        stdin,
        about: run.to_string(),
        leads_to,
    };
    let job = jobs::start_as(ask, id, work)?;
    Ok(Answer::See(format!("/jobs/{job}")))
}
