//! What an administrator does to groups. Each change is a run of kind `groups`.

use std::collections::HashMap;
use std::time::SystemTime;

use clap::Args;
use uuid::Uuid;

use super::PlaceArgs;
use crate::cli::listing::open_to_read;
use crate::cli::run::{new_run, rfc3339};
use crate::cli::terminal::{print, shell_word, warn};
use crate::definition::Visibility;
use crate::issue::Code;
use crate::meaning::group::{self, GROUP_NESTING};
use crate::outcome::Exit;
use crate::people::groups::{below, find_group, visibility};
use crate::refusal::{Refusal, Result};
use crate::report::history;
use crate::report::human::{plural, safe, table};
use crate::run_key::RunKey;
use crate::stages::validate::GROUP_CHARS_MAX;
use crate::store::Store;
use crate::store::groups::{GroupRecord, Leaving, MemberCount, Renamed};
use crate::summary::{GroupChange, Next, Run, SCHEMA, Summary};
use crate::text;

#[derive(Args)]
pub(in crate::cli) struct CreateArgs {
    /// The group, such as `Sales/EMEA`
    name: String,
    /// Whether those above see who is in it [default: as the pipeline says]
    #[arg(long, value_name = "WORD")]
    visibility: Option<Visibility>,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Args)]
pub(in crate::cli) struct RenameArgs {
    /// The group, such as `Sales/EMEA`
    name: String,
    /// Its new name, without the groups above it, such as `Europe`
    new: String,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Args)]
pub(in crate::cli) struct VisibilityArgs {
    /// The group, such as `Sales/EMEA`
    name: String,
    /// Whether those above see who is in it
    visibility: Visibility,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Args)]
pub(in crate::cli) struct RemoveArgs {
    /// The group, such as `Sales/EMEA`
    name: String,
    /// Also end memberships in it, and remove the groups below it
    #[arg(long)]
    with_members: bool,
    /// Remove it; without this, nothing is written
    #[arg(long)]
    apply: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// Where the groups are.
/// A change that is about to be made: its run, and what is said of it.
fn begin(store: &Store, what: String, groups: Vec<String>) -> (RunKey, Summary) {
    let started = SystemTime::now();
    let run = new_run(started);
    let summary = Summary {
        schema: SCHEMA.to_string(),
        run: Run {
            id: run.id.clone(),
            kind: "groups".to_string(),
            started_at: rfc3339(started),
            finished_at: rfc3339(started),
            state: "finished".to_string(),
            matched_against: store.describe(),
            ..Run::default()
        },
        groups: Some(GroupChange {
            what,
            groups,
            left: 0,
            again: None,
        }),
        ..Summary::default()
    };
    (run, summary)
}

fn tell(summary: &Summary) {
    if let Some(change) = &summary.groups {
        print(&history::groups(summary, change));
    }
}

fn next(what: &str, command: String) -> Vec<Next> {
    vec![Next {
        what: what.to_string(),
        command,
    }]
}

fn wrong(what: String, help: &str) -> Refusal {
    Refusal::new(Code::UsageInvalid, what).help(help)
}

/// The name of a group as it is kept.
fn name_of(part: &str) -> Result<String> {
    let name = text::clean(part.trim()).0.trim().to_string();
    if name.is_empty() {
        return Err(wrong(
            "a group needs a name".to_string(),
            "write it as `Sales`",
        ));
    }
    if name.chars().count() > GROUP_CHARS_MAX {
        let what = format!("a name of a group has at most {GROUP_CHARS_MAX} characters");
        return Err(wrong(what, "shorten it"));
    }
    Ok(name)
}

/// `muster groups create`.
pub(super) fn create(args: &CreateArgs) -> Result<Exit> {
    let definition = args.place.definition()?;
    let parts = args.name.split(GROUP_NESTING).map(name_of);
    let path = parts.collect::<Result<Vec<String>>>()?.join("/");
    let mut store = args.place.write(&definition)?;
    let groups = store.list_groups()?;
    let key = group::key(&path);
    if let Some(known) = groups.iter().find(|group| group.key == key) {
        let what = format!("the group `{}` already exists", safe(&known.path));
        return Err(wrong(what, "`muster groups show` shows it"));
    }
    let mut policy = definition.groups.clone();
    if let Some(visibility) = args.visibility {
        if store.has_target_groups()? {
            return Err(kept_elsewhere());
        }
        policy
            .visibility_of
            .insert(group::nested(&path, &policy), visibility);
    }
    let (run, mut summary) = begin(&store, String::new(), Vec::new());
    let tree = store.create_groups(std::slice::from_ref(&path), &run, &policy)?;
    if !tree.has(&key) {
        let what = format!("the database refused the group `{}`", safe(&path));
        return Err(Refusal::new(Code::DatabaseFailed, what));
    }
    let made = store.list_groups()?;
    let made = made
        .iter()
        .filter(|group| groups.iter().all(|known| known.id != group.id));
    let made: Vec<String> = made.map(|group| group.path.clone()).collect();
    summary.groups = Some(GroupChange {
        what: format!("created `{path}`"),
        groups: made,
        ..GroupChange::default()
    });
    summary.next = next("undo this", format!("muster undo {}", run.id));
    store.record_group_run(&summary)?;
    tell(&summary);
    Ok(Exit::Done)
}

fn kept_elsewhere() -> Refusal {
    wrong(
        "the groups are in your application's table, which has their names and no visibility"
            .to_string(),
        "rename the group in your application; its members stay",
    )
}

/// `muster groups rename`.
pub(super) fn rename(args: &RenameArgs) -> Result<Exit> {
    let definition = args.place.definition()?;
    if args.new.contains(GROUP_NESTING) {
        let what = format!("`{}` is not a name: it has a `/`", safe(&args.new));
        return Err(wrong(
            what,
            "name the group without the groups above it; a rename doesn't move it",
        ));
    }
    let name = name_of(&args.new)?;
    let mut store = args.place.write(&definition)?;
    if store.has_target_groups()? {
        return Err(kept_elsewhere());
    }
    let groups = store.list_groups()?;
    let group = find_group(&groups, &args.name)?;
    let path = match group.path.rsplit_once(GROUP_NESTING) {
        Some((above, _)) => format!("{above}{GROUP_NESTING}{name}"),
        None => name,
    };
    if path == group.path {
        return Err(wrong(
            format!("the group is already called `{}`", safe(&path)),
            "name another one",
        ));
    }
    let key = group::key(&path);
    if let Some(other) = groups
        .iter()
        .find(|other| other.key == key && other.id != group.id)
    {
        let what = format!("the group `{}` already exists", safe(&other.path));
        return Err(wrong(what, "name another one; groups are not merged"));
    }
    let all = below(&groups, group);
    let renamed: Vec<Renamed> = all.iter().map(|one| renamed(one, group, &path)).collect();
    let what = format!("renamed `{}` to `{path}`", group.path);
    let (_, mut summary) = begin(
        &store,
        what,
        all.iter().map(|one| one.path.clone()).collect(),
    );
    let old_name = group.path.rsplit(GROUP_NESTING).next().unwrap_or_default();
    let again = format!(
        "muster groups rename {} {}",
        shell_word(&path),
        shell_word(old_name)
    );
    if let Some(change) = &mut summary.groups {
        change.again = Some(again.clone());
    }
    summary.next = next("take it back", again);
    store.rename_group(group, &renamed, &summary)?;
    tell(&summary);
    warn(&format!(
        "a list that still says `{}` creates that group again",
        group.path
    ));
    Ok(Exit::Done)
}

/// What becomes of a group when `top`, which is above it or itself, gets the path `path`.
fn renamed(one: &GroupRecord, top: &GroupRecord, path: &str) -> Renamed {
    let depth = top.path.split(GROUP_NESTING).count();
    let rest = |text: &str| -> String {
        let parts = text.split(GROUP_NESTING).skip(depth);
        parts.map(|part| format!("{GROUP_NESTING}{part}")).collect()
    };
    Renamed {
        id: one.id,
        path: format!("{path}{}", rest(&one.path)),
        key: format!("{}{}", group::key(path), rest(&one.key)),
    }
}

/// `muster groups set-visibility`.
pub(super) fn set_visibility(args: &VisibilityArgs) -> Result<Exit> {
    let definition = args.place.definition()?;
    let mut store = args.place.write(&definition)?;
    if store.has_target_groups()? {
        return Err(kept_elsewhere());
    }
    let groups = store.list_groups()?;
    let group = find_group(&groups, &args.name)?;
    let (before, after) = (visibility(group), args.visibility.name());
    if before == after {
        print(&format!("`{}` is already {after}\n", safe(&group.path)));
        return Ok(Exit::Done);
    }
    let what = format!("made `{}` {after}", group.path);
    let (_, mut summary) = begin(&store, what, vec![group.path.clone()]);
    let again = format!(
        "muster groups set-visibility {} {before}",
        shell_word(&group.path)
    );
    if let Some(change) = &mut summary.groups {
        change.again = Some(again.clone());
    }
    summary.next = next("take it back", again);
    store.set_visibility(group.id, args.visibility, &summary)?;
    tell(&summary);
    warn("memberships stay as they are; imports with `join_parents` go by it from now on");
    Ok(Exit::Done)
}

/// `muster groups remove`.
pub(super) fn remove(args: &RemoveArgs) -> Result<Exit> {
    let definition = args.place.definition()?;
    let mut store = match args.apply {
        true => args.place.write(&definition)?,
        false => open_to_read(&args.place.database, &definition)?,
    };
    let groups = store.list_groups()?;
    let group = find_group(&groups, &args.name)?;
    let mut all: Vec<GroupRecord> = below(&groups, group).into_iter().cloned().collect();
    all.sort_by(|one, other| one.key.cmp(&other.key));
    let leaving = store.leaving(&all, &definition.groups)?;
    if !args.with_members && (all.len() > 1 || !leaving.is_empty()) {
        let members = plural(leaving.len() as u64, "member", "members");
        let inside = plural(all.len() as u64 - 1, "group", "groups");
        let what = format!(
            "the group `{}` has {members} and {inside} below it",
            safe(&group.path)
        );
        return Err(wrong(
            what,
            "with --with-members, their memberships end, too; nobody's account is removed",
        ));
    }
    if !args.apply {
        preview(&all, &store.count_members(&all)?, &leaving);
        return Ok(Exit::Done);
    }
    let paths: Vec<String> = all.iter().map(|group| group.path.clone()).collect();
    let inside = match all.len() - 1 {
        0 => String::new(),
        more => format!(" and {} below it", plural(more as u64, "group", "groups")),
    };
    let what = format!("removed `{}`{inside}", group.path);
    let (run, mut summary) = begin(&store, what, paths);
    if let Some(change) = &mut summary.groups {
        change.left = leaving.len() as u64;
    }
    summary.next = next("undo this", format!("muster undo {}", run.id));
    store.remove_groups(&all, &leaving, &summary)?;
    tell(&summary);
    Ok(Exit::Done)
}

fn preview(groups: &[GroupRecord], counts: &HashMap<Uuid, MemberCount>, leaving: &[Leaving]) {
    let line = |group: &GroupRecord| {
        let members = counts.get(&group.id).map_or(0, |count| count.own);
        vec![format!("  {}", safe(&group.path)), members.to_string()]
    };
    let lines: Vec<Vec<String>> = groups.iter().map(line).collect();
    let heads = vec!["  group".to_string(), "members".to_string()];
    let lines: Vec<Vec<String>> = [heads].into_iter().chain(lines).collect();
    print(&table(&lines, &[1]));
    let groupless = leaving.iter().filter(|one| one.after.is_empty()).count() as u64;
    if !leaving.is_empty() {
        let people = plural(leaving.len() as u64, "person", "people");
        let left = match groupless {
            0 => String::new(),
            1 => "; 1 of them would be in no group".to_string(),
            more => format!("; {more} of them would be in no group"),
        };
        print(&format!("\n{people} would leave{left}\n"));
    }
    print("\nnothing was written; with --apply, they are removed\n");
}
