//! `muster groups`: the groups as they are now, and what an administrator does to them.

use std::time::SystemTime;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::listing::{Format, Listing, ListingArgs, Shown, names, open_to_read, printed, unknown};
use super::run::{new_run, rfc3339};
use super::terminal::{print, shell_word, warn};
use super::{DatabaseArgs, PipelineArgs};
use crate::definition::{Definition, Visibility, nearest};
use crate::issue::Code;
use crate::ledger::Mistake;
use crate::meaning::group::{self, GROUP_NESTING};
use crate::outcome::Exit;
use crate::refusal::{Refusal, Result};
use crate::report::history;
use crate::report::human::{plural, safe, table};
use crate::run_key::RunKey;
use crate::stages::validate::GROUP_CHARS_MAX;
use crate::store::Store;
use crate::store::connect::Target;
use crate::store::groups::{GroupRecord, Leaving, Renamed};
use crate::store::launcher::home_from_environment;
use crate::summary::{GroupChange, Next, Run, SCHEMA, Summary};
use crate::text;

#[derive(Subcommand)]
pub(super) enum GroupsCommand {
    /// List groups with their members
    List(ListArgs),
    /// Show one group
    Show(ShowArgs),
    /// Create a group, with the groups above it
    Create(CreateArgs),
    /// Rename a group; it keeps its members, the groups below it and its history
    Rename(RenameArgs),
    /// Set whether those above a group see who is in it
    SetVisibility(VisibilityArgs),
    /// Preview the removal of a group; with --apply, remove it
    Remove(RemoveArgs),
}

#[derive(Args)]
pub(super) struct ListArgs {
    /// Only this group and those below it
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    listing: ListingArgs,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Args)]
pub(super) struct ShowArgs {
    /// The group, such as `Sales/EMEA`
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Args)]
pub(super) struct CreateArgs {
    /// The group, such as `Sales/EMEA`
    name: String,
    /// Whether those above see who is in it [default: as the pipeline says]
    #[arg(long, value_name = "WORD")]
    visibility: Option<Visibility>,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Args)]
pub(super) struct RenameArgs {
    /// The group, such as `Sales/EMEA`
    name: String,
    /// Its new name, without the groups above it, such as `Europe`
    new: String,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Args)]
pub(super) struct VisibilityArgs {
    /// The group, such as `Sales/EMEA`
    name: String,
    /// Whether those above see who is in it
    visibility: Visibility,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Args)]
pub(super) struct RemoveArgs {
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
#[derive(Args)]
pub(super) struct PlaceArgs {
    #[command(flatten)]
    pipeline: PipelineArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

impl PlaceArgs {
    fn definition(&self) -> Result<Definition> {
        Ok(crate::pipelines::open(self.pipeline.name.as_deref())?.definition)
    }

    /// The groups, to be looked at.
    fn read(&self) -> Result<Vec<GroupRecord>> {
        open_to_read(&self.database, &self.definition()?)?.list_groups()
    }

    /// The database, locked as for a run.
    fn write(&self, definition: &Definition) -> Result<Store> {
        let home = home_from_environment()?;
        let mut store = Store::open(Target::find(self.database.database.as_deref(), &home)?)?;
        store.lock()?;
        store.use_target(definition)?;
        Ok(store)
    }
}

/// `muster groups …`.
pub(super) fn groups(command: &GroupsCommand) -> Result<Exit> {
    match command {
        GroupsCommand::List(args) => list(args),
        GroupsCommand::Show(args) => show(args),
        GroupsCommand::Create(args) => create(args),
        GroupsCommand::Rename(args) => rename(args),
        GroupsCommand::SetVisibility(args) => set_visibility(args),
        GroupsCommand::Remove(args) => remove(args),
    }
}

/// The group of that name.
///
/// # Errors
/// `selection.unknown`, with the nearest one.
pub(super) fn find_group<'a>(groups: &'a [GroupRecord], wanted: &str) -> Result<&'a GroupRecord> {
    let key = group::key(wanted.trim());
    let found = groups.iter().find(|group| group.key == key);
    let paths = groups.iter().map(|group| group.path.as_str());
    found.ok_or_else(|| unknown("group", wanted, paths))
}

/// A group, and all below it, those below after those above.
pub(super) fn below<'a>(groups: &'a [GroupRecord], top: &'a GroupRecord) -> Vec<&'a GroupRecord> {
    let mut all = vec![top];
    let mut at = 0;
    while at < all.len() {
        let above = all[at].id;
        let is_new = |group: &&GroupRecord| {
            group.parent == Some(above) && all.iter().all(|known| known.id != group.id)
        };
        let fresh: Vec<&GroupRecord> = groups.iter().filter(is_new).collect();
        all.extend(fresh);
        at += 1;
    }
    all
}

// --- list and show -------------------------------------------------------------------------------

/// What a list of groups can show.
const COLUMNS: [&str; 7] = [
    "group",
    "members",
    "nested",
    "inherited",
    "visibility",
    "created",
    "run",
];

fn list(args: &ListArgs) -> Result<Exit> {
    let all = args.place.read()?;
    let mut groups: Vec<&GroupRecord> = match &args.name {
        Some(name) => below(&all, find_group(&all, name)?),
        None => all.iter().collect(),
    };
    groups.sort_by(|one, other| one.key.cmp(&other.key));
    let listing = &args.listing;
    let is_table = listing.format() == Format::Table;
    let columns: Vec<&str> = match listing.columns.as_deref() {
        None if is_table => COLUMNS[..5].to_vec(),
        None | Some("all") => COLUMNS.to_vec(),
        Some(named) => {
            let named = names("--columns", named, column)?;
            named.into_iter().map(|(column, _)| column).collect()
        }
    };
    if let Some(sort) = listing.sort.as_deref() {
        for (column, is_reverse) in names("--sort", sort, column)?.into_iter().rev() {
            groups.sort_by(|one, other| {
                let order = sort_key(one, column).cmp(&sort_key(other, column));
                if is_reverse { order.reverse() } else { order }
            });
        }
    }
    let heads = columns.iter();
    let heads = heads
        .map(|name| (name.to_string(), is_count(name)))
        .collect();
    printed(|out| {
        let mut list = Listing::begin(listing.format(), heads, ["group", "groups"], out)?;
        let limit = listing.limit().map_or(usize::MAX, |limit| limit as usize);
        for group in groups.iter().take(limit) {
            list.add(columns.iter().map(|column| value(group, column)).collect())?;
        }
        list.end(groups.len() as u64, all.len() as u64, args.name.is_some())
    })
}

fn column(name: &str) -> std::result::Result<&'static str, Mistake> {
    COLUMNS
        .into_iter()
        .find(|column| *column == name)
        .ok_or_else(|| Mistake {
            at: 0,
            what: format!("unknown column `{name}`"),
            help: match nearest(name, COLUMNS.into_iter()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("columns are: {}", COLUMNS.join(", ")),
            },
        })
}

fn is_count(column: &str) -> bool {
    matches!(column, "members" | "nested" | "inherited")
}

fn value(group: &GroupRecord, column: &str) -> Option<Shown> {
    let text = |text: &str| Some(Shown::Text(text.to_string()));
    match column {
        "group" => text(&group.path),
        "members" => Some(Shown::Number(group.members)),
        "nested" => Some(Shown::Number(group.nested)),
        "inherited" => Some(Shown::Number(group.inherited)),
        "visibility" => text(visibility(group)),
        "created" => text(&group.created),
        _ => group.run.as_deref().and_then(text),
    }
}

fn sort_key(group: &GroupRecord, column: &str) -> (u64, String) {
    match value(group, column) {
        Some(Shown::Number(number)) => (number, String::new()),
        value => (0, Shown::plain(&value)),
    }
}

fn visibility(group: &GroupRecord) -> &'static str {
    match group.is_public {
        true => Visibility::Public.name(),
        false => Visibility::Private.name(),
    }
}

/// The groups that members of a public one may join as well: those above, up to the first private one.
fn joined_above<'a>(groups: &'a [GroupRecord], group: &'a GroupRecord) -> Vec<&'a GroupRecord> {
    let mut above: Vec<&GroupRecord> = Vec::new();
    let mut at = group;
    while at.is_public
        && let Some(next) = groups.iter().find(|group| Some(group.id) == at.parent)
        && above.iter().all(|known| known.id != next.id)
    {
        above.push(next);
        at = next;
    }
    above
}

fn show(args: &ShowArgs) -> Result<Exit> {
    let groups = args.place.read()?;
    let group = find_group(&groups, &args.name)?;
    let inside: Vec<&GroupRecord> = groups
        .iter()
        .filter(|one| one.parent == Some(group.id))
        .collect();
    let above = joined_above(&groups, group);
    if args.json {
        let paths = |groups: &[&GroupRecord]| -> Vec<Value> {
            groups
                .iter()
                .map(|group| Value::from(group.path.as_str()))
                .collect()
        };
        let value = json!({
            "group": group.path, "id": group.id, "visibility": visibility(group),
            "joined_above": paths(&above), "groups": paths(&inside),
            "members": group.members, "nested": group.nested, "inherited": group.inherited,
            "created": group.created, "run": group.run,
        });
        print(&format!("{value:#}\n"));
        return Ok(Exit::Done);
    }
    let mut lines: Vec<Vec<String>> = Vec::new();
    let mut add = |name: &str, value: String| lines.push(vec![format!("  {name}"), value]);
    add("visibility", visibility(group).to_string());
    add("members", group.members.to_string());
    add("nested", group.nested.to_string());
    add("inherited", group.inherited.to_string());
    for one in &inside {
        let members = plural(one.nested, "member", "members");
        add("group below", format!("{}: {members}", safe(&one.path)));
    }
    for one in &above {
        add("joins above", safe(&one.path));
    }
    let run = group.run.as_ref().map(|run| format!(" by run {run}"));
    add(
        "created",
        format!("{}{}", group.created, run.unwrap_or_default()),
    );
    print(&format!(
        "group {}\n\n{}",
        safe(&group.path),
        table(&lines, &[])
    ));
    print(&format!(
        "\nlist its members:\n  muster people list --group {}\n",
        shell_word(&group.path)
    ));
    Ok(Exit::Done)
}

// --- changes -------------------------------------------------------------------------------------

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

fn create(args: &CreateArgs) -> Result<Exit> {
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
        what: format!("created {}", quoted(&made)),
        groups: made,
        ..GroupChange::default()
    });
    summary.next = next("undo this", format!("muster undo {}", run.id));
    store.record_group_run(&summary)?;
    tell(&summary);
    Ok(Exit::Done)
}

fn quoted(paths: &[String]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
    paths.join(", ")
}

fn kept_elsewhere() -> Refusal {
    wrong(
        "the groups are in your application's table, which has their names and no visibility"
            .to_string(),
        "rename the group in your application; its members stay",
    )
}

fn rename(args: &RenameArgs) -> Result<Exit> {
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

fn set_visibility(args: &VisibilityArgs) -> Result<Exit> {
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

fn remove(args: &RemoveArgs) -> Result<Exit> {
    let definition = args.place.definition()?;
    let mut store = match args.apply {
        true => args.place.write(&definition)?,
        false => open_to_read(&args.place.database, &definition)?,
    };
    let groups = store.list_groups()?;
    let group = find_group(&groups, &args.name)?;
    let all: Vec<GroupRecord> = below(&groups, group).into_iter().cloned().collect();
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
        preview(&all, &leaving);
        return Ok(Exit::Done);
    }
    let paths: Vec<String> = all.iter().map(|group| group.path.clone()).collect();
    let (run, mut summary) = begin(&store, format!("removed {}", quoted(&paths)), paths);
    if let Some(change) = &mut summary.groups {
        change.left = leaving.len() as u64;
    }
    summary.next = next("undo this", format!("muster undo {}", run.id));
    store.remove_groups(&all, &leaving, &summary)?;
    tell(&summary);
    Ok(Exit::Done)
}

fn preview(groups: &[GroupRecord], leaving: &[Leaving]) {
    let lines: Vec<Vec<String>> = groups
        .iter()
        .map(|group| {
            vec![
                format!("  {}", safe(&group.path)),
                group.members.to_string(),
            ]
        })
        .collect();
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
