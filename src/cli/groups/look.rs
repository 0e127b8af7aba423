//! `muster groups list` and `muster groups show`.

use clap::Args;
use serde_json::{Value, json};

use super::PlaceArgs;
use crate::cli::listing::{Format, Listing, ListingArgs, Shown, names, printed};
use crate::cli::terminal::{print, shell_word};
use crate::definition::nearest;
use crate::ledger::Mistake;
use crate::outcome::Exit;
use crate::people::groups::{below, find_group, joined_above, visibility};
use crate::refusal::Result;
use crate::report::human::{plural, safe, table};
use crate::store::groups::{GroupRecord, MemberCount};

#[derive(Args)]
pub(in crate::cli) struct ListArgs {
    /// Only this group and those below it
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    listing: ListingArgs,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Args)]
pub(in crate::cli) struct ShowArgs {
    /// The group, such as `Sales/EMEA`
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

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

/// `muster groups list`.
pub(super) fn list(args: &ListArgs) -> Result<Exit> {
    let store = args.place.read()?;
    let all = store.list_groups()?;
    let mut groups: Vec<&GroupRecord> = match &args.name {
        Some(name) => below(&all, find_group(&all, name)?),
        None => all.iter().collect(),
    };
    groups.sort_by(|one, other| one.key.cmp(&other.key));
    let counts = store.count_members(groups.iter().copied())?;
    let value = |group: &GroupRecord, column| {
        let members = counts.get(&group.id).copied().unwrap_or_default();
        value(group, members, column)
    };
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
                let order = sort_key(value(one, column)).cmp(&sort_key(value(other, column)));
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

fn value(group: &GroupRecord, count: MemberCount, column: &str) -> Option<Shown> {
    let text = |text: &str| Some(Shown::Text(text.to_string()));
    match column {
        "group" => text(&group.path),
        "members" => Some(Shown::Number(count.own)),
        "nested" => Some(Shown::Number(count.nested)),
        "inherited" => Some(Shown::Number(count.inherited)),
        "visibility" => text(visibility(group)),
        "created" => text(&group.created),
        _ => group.run.as_deref().and_then(text),
    }
}

fn sort_key(value: Option<Shown>) -> (u64, String) {
    match value {
        Some(Shown::Number(number)) => (number, String::new()),
        value => (0, Shown::plain(value.as_ref())),
    }
}

/// `muster groups show`.
pub(super) fn show(args: &ShowArgs) -> Result<Exit> {
    let store = args.place.read()?;
    let groups = store.list_groups()?;
    let group = find_group(&groups, &args.name)?;
    let inside: Vec<&GroupRecord> = groups
        .iter()
        .filter(|one| one.parent == Some(group.id))
        .collect();
    let above = joined_above(&groups, group);
    let counts = store.count_members(inside.iter().copied().chain([group]))?;
    let count = |group: &GroupRecord| counts.get(&group.id).copied().unwrap_or_default();
    let members = count(group);
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
            "members": members.own, "nested": members.nested, "inherited": members.inherited,
            "created": group.created, "run": group.run,
        });
        print(&format!("{value:#}\n"));
        return Ok(Exit::Done);
    }
    let mut lines: Vec<Vec<String>> = Vec::new();
    let mut add = |name: &str, value: String| lines.push(vec![format!("  {name}"), value]);
    add("visibility", visibility(group).to_string());
    add("members", members.own.to_string());
    add("nested", members.nested.to_string());
    add("inherited", members.inherited.to_string());
    for one in &inside {
        let members = plural(count(one).nested, "member", "members");
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
