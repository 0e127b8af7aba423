//! `/groups`: the groups, what is in them, and what can be done to them.

use maud::{Markup, html};
use uuid::Uuid;

use super::parts::{PER_PAGE, choice, counted, offset, pages, query_of, when};
use crate::admin::Role;
use crate::console::ask::{Answer, Ask, Page};
use crate::console::jobs::{self, Work};
use crate::console::page::{command, encoded, form, visible};
use crate::issue::Code;
use crate::people::groups::{below, joined_above};
use crate::refusal::{Refusal, Result};
use crate::store::groups::GroupRecord;

/// `/groups`.
pub(crate) fn page(ask: &mut Ask) -> Result<Answer> {
    let groups = ask.store.list_groups()?;
    let text = ask.query.get("text").trim().to_lowercase();
    let fits = |group: &&GroupRecord| text.is_empty() || group.path.to_lowercase().contains(&text);
    let found: Vec<&GroupRecord> = groups.iter().filter(fits).collect();
    let total = found.len() as u64;
    let first = offset(ask).min(total) as usize;
    let last = (first + PER_PAGE as usize).min(found.len());
    let body = html! {
        section aria-labelledby="list" {
            h2 #list { (counted(ask, total, "1 group", "{n} groups")) }
            form.row method="get" action="/groups" {
                div.field {
                    label for="text" { (ask.t("Name")) }
                    input type="search" id="text" name="text" value=(ask.query.get("text"));
                }
                button.second { (ask.t("Filter")) }
            }
            @if found.is_empty() { p { (ask.t("No group fits.")) } }
            @else { (table(ask, &found[first..last])?) (pages(ask, total)) }
            (command(ask, "muster groups list"))
        }
        @if ask.may(Role::Operator) { (create_form(ask)) }
    };
    Ok(Page::new("/groups", ask.t("Groups"), body).into())
}

fn members(ask: &Ask, group: &GroupRecord, count: u64) -> Markup {
    let query = query_of(&[("group", &group.path)]);
    html! { a href={ "/people?" (query) } { (ask.number(count)) } }
}

fn table(ask: &Ask, groups: &[&GroupRecord]) -> Result<Markup> {
    let key: Vec<Uuid> = groups.iter().map(|group| group.id).collect();
    let counts = ask.app.counts.get(&format!("members {key:?}"), || {
        ask.store.count_members(groups.iter().copied())
    })?;
    let nested = |group: &GroupRecord| counts.get(&group.id).map_or(0, |count| count.nested);
    Ok(html! {
        div.scroll { table {
            caption { (ask.t("Members are counted with those of the groups below, each person once.")) }
            thead { tr {
                th scope="col" { (ask.t("Group")) }
                th.number scope="col" { (ask.t("Members")) }
                th scope="col" { (ask.t("Visibility")) }
            } }
            tbody { @for group in groups { tr {
                th scope="row" { a href={ "/groups/" (group.id) } { (visible(&group.path)) } }
                td.number { (members(ask, group, nested(group))) }
                td { (visibility(ask, group)) }
            } } }
        } }
    })
}

fn visibility(ask: &Ask, group: &GroupRecord) -> &'static str {
    ask.t(match group.is_public {
        true => "public",
        false => "private",
    })
}

fn visibilities(ask: &Ask) -> [(String, String); 2] {
    [("public", ask.t("public")), ("private", ask.t("private"))]
        .map(|(word, text)| (word.to_string(), text.to_string()))
}

fn create_form(ask: &Ask) -> Markup {
    let none = Some(ask.t("as the pipeline says"));
    html! {
        section aria-labelledby="create" {
            h2 #create { (ask.t("Create a group")) }
            (form(ask, "/groups/create", html! {
                div.field {
                    label for="name" { (ask.t("Name")) }
                    input type="text" id="name" name="name" required aria-describedby="name-hint";
                    p.small #name-hint { (ask.t("A slash separates a group from the one above it: Sales/EMEA.")) }
                }
                (choice("visibility", ask.t("Visibility"), none, &visibilities(ask), ""))
                button { (ask.t("Create")) }
            }))
            (command(ask, "muster groups create NAME"))
        }
    }
}

/// The group of the path, and all groups.
fn asked(ask: &Ask) -> Result<Option<(Vec<GroupRecord>, usize)>> {
    let Ok(id) = ask.part("group").parse::<Uuid>() else {
        return Ok(None);
    };
    let groups = ask.store.list_groups()?;
    let at = groups.iter().position(|group| group.id == id);
    Ok(at.map(|at| (groups, at)))
}

/// `/groups/{group}`.
pub(crate) fn show(ask: &mut Ask) -> Result<Answer> {
    let Some((groups, at)) = asked(ask)? else {
        return Ok(Answer::Missing);
    };
    let group = &groups[at];
    let inside: Vec<&GroupRecord> = groups
        .iter()
        .filter(|one| one.parent == Some(group.id))
        .collect();
    let above = joined_above(&groups, group);
    let count = ask.store.count_members([group])?;
    let count = count.get(&group.id).copied().unwrap_or_default();
    let body = html! {
        section aria-labelledby="now" {
            h2 #now { (ask.t("The group now")) }
            dl.facts {
                div { dt { (ask.t("Members")) } dd { (ask.number(count.own)) } }
                div { dt { (ask.t("With the groups below")) } dd { (members(ask, group, count.nested)) } }
                @if count.inherited > 0 { div { dt { (ask.t("Only from groups below")) } dd { (ask.number(count.inherited)) } } }
                div { dt { (ask.t("Visibility")) } dd { (visibility(ask, group)) } }
                div { dt { (ask.t("Created")) } dd {
                    (when(ask, Some(&group.created)))
                    @if let Some(run) = &group.run { " " a href={ "/runs/" (encoded(run)) } { (visible(run)) } }
                } }
                @if !above.is_empty() { div { dt { (ask.t("Members may also join")) } dd { @for one in &above { p { a href={ "/groups/" (one.id) } { (visible(&one.path)) } } } } } }
            }
        }
        @if !inside.is_empty() {
            section aria-labelledby="below" {
                h2 #below { (ask.t("Groups below")) }
                (table(ask, &inside)?)
            }
        }
        @if ask.may(Role::Operator) { (changes(ask, &groups, group)?) }
    };
    Ok(Page::new("/groups", group.path.clone(), body).into())
}

fn changes(ask: &Ask, groups: &[GroupRecord], group: &GroupRecord) -> Result<Markup> {
    let here = format!("/groups/{}", group.id);
    let name = group.path.rsplit('/').next().unwrap_or_default();
    let now = if group.is_public { "public" } else { "private" };
    let all: Vec<GroupRecord> = below(groups, group).into_iter().cloned().collect();
    let (people, groupless) = ask.store.count_leaving(&all)?;
    let inside = all.len() as u64 - 1;
    Ok(html! {
        div.columns {
            section aria-labelledby="rename" {
                h2 #rename { (ask.t("Rename")) }
                (form(ask, &format!("{here}/rename"), html! {
                    div.field {
                        label for="new" { (ask.t("New name, without the groups above it")) }
                        input type="text" id="new" name="new" value=(name) required;
                    }
                    p.small { (ask.t("A list that still has the old name creates that group again.")) }
                    button.second { (ask.t("Rename")) }
                }))
            }
            section aria-labelledby="visibility-head" {
                h2 #visibility-head { (ask.t("Visibility")) }
                (form(ask, &format!("{here}/visibility"), html! {
                    (choice("visibility", ask.t("Who sees its members"), None, &visibilities(ask), now))
                    button.second { (ask.t("Change")) }
                }))
            }
            @if ask.may(Role::Approver) {
                section aria-labelledby="remove" {
                    h2 #remove { (ask.t("Remove")) }
                    p { (counted(ask, people, "1 person would leave it. Nobody's account is removed.", "{n} people would leave it. Nobody's account is removed.")) }
                    @if groupless > 0 { div.warning { p { (counted(ask, groupless, "1 of them would be in no group.", "{n} of them would be in no group.")) } } }
                    @if inside > 0 { p { (counted(ask, inside, "1 group below it would be removed, too.", "{n} groups below it would be removed, too.")) } }
                    (form(ask, &format!("{here}/remove"), html! {
                        @if people > 0 {
                            div.field {
                                label for="count" { (ask.tf("Type the number {n} to confirm", &[("n", &people)])) }
                                input type="text" inputmode="numeric" autocomplete="off" id="count" name="count" required;
                            }
                        }
                        button.danger { (ask.t("Remove")) }
                    }))
                }
            }
        }
    })
}

/// Starts `muster groups …`; a name may begin with a dash.
fn start(ask: &mut Ask, words: &[&str], leads_to: String) -> Result<Answer> {
    let mut args = vec!["groups".to_string()];
    args.extend(words.iter().map(|word| (*word).to_string()));
    let work = Work {
        kind: "groups",
        args,
        stdin: None,
        about: "groups".to_string(),
        leads_to,
    };
    let job = jobs::start(ask, work)?;
    Ok(Answer::See(format!("/jobs/{job}")))
}

fn nameless() -> Refusal {
    Refusal::new(Code::UsageInvalid, "a group needs a name").help("go back, and type one")
}

/// `/groups/create`.
pub(crate) fn create(ask: &mut Ask) -> Result<Answer> {
    let name = ask.form.get("name").trim().to_string();
    if name.is_empty() {
        return Err(nameless());
    }
    let visibility = ask.form.get("visibility").to_string();
    let option = format!("--visibility={visibility}");
    let mut words = vec!["create"];
    if !visibility.is_empty() {
        words.push(&option);
    }
    words.extend(["--", &name]);
    start(ask, &words, "/groups".to_string())
}

/// `/groups/{group}/rename`.
pub(crate) fn rename(ask: &mut Ask) -> Result<Answer> {
    let Some((groups, at)) = asked(ask)? else {
        return Ok(Answer::Missing);
    };
    let new = ask.form.get("new").trim().to_string();
    if new.is_empty() {
        return Err(nameless());
    }
    let here = format!("/groups/{}", groups[at].id);
    start(ask, &["rename", "--", &groups[at].path, &new], here)
}

/// `/groups/{group}/visibility`.
pub(crate) fn set_visibility(ask: &mut Ask) -> Result<Answer> {
    let Some((groups, at)) = asked(ask)? else {
        return Ok(Answer::Missing);
    };
    let visibility = ask.form.get("visibility").to_string();
    let here = format!("/groups/{}", groups[at].id);
    let words = ["set-visibility", "--", &groups[at].path, &visibility];
    start(ask, &words, here)
}

/// `/groups/{group}/remove`.
pub(crate) fn remove(ask: &mut Ask) -> Result<Answer> {
    let Some((groups, at)) = asked(ask)? else {
        return Ok(Answer::Missing);
    };
    let group = &groups[at];
    let all: Vec<GroupRecord> = below(&groups, group).into_iter().cloned().collect();
    let (people, _) = ask.store.count_leaving(&all)?;
    let typed: String = ask
        .form
        .get("count")
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    if people > 0 && typed != people.to_string() {
        let what = format!("the number of people who would leave isn't {people}");
        return Err(Refusal::new(Code::UsageInvalid, what)
            .help("go back, and type the number that the page names"));
    }
    let words = ["remove", "--with-members", "--apply", "--", &group.path];
    start(ask, &words, "/groups".to_string())
}
