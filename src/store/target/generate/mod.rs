//! The views that represent muster's accounts, groups and memberships, and the triggers that write
//! through them, as SQL text.
//!
//! Ids are uuids for muster, whatever they are in the table: a number by its hexadecimal digits, text
//! by its own form or its MD5. Rows that muster makes have the uuid that it chose. `muster.links` has
//! every row's, by which an index finds it; rows that the application made since are entered before
//! each run (`known`). The views join it by an inner join: what is on the far side of an outer one
//! can't be locked.

mod accounts;
mod groups;
mod id;
mod value;

pub(super) use self::accounts::accounts;
pub(super) use self::groups::{Members, groups};
pub(super) use self::id::{Id, IdKind};
use self::value::{clock_read, typed};
use super::Plan;
use super::quote::Quoted;

/// The text of an SQL template with its `{names}` replaced. What represents them isn't looked at
/// again.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let found = after.split_once('}').and_then(|(name, behind)| {
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((*value, behind))
        });
        rest = match found {
            Some((value, behind)) => {
                out.push_str(value);
                behind
            }
            None => {
                out.push('{');
                after
            }
        };
    }
    out + rest
}

fn triggers(part: &str, events: &[&str]) -> String {
    let of = |event: &&str| {
        let template = include_str!("sql/trigger.sql");
        fill(template, &[("part", part), ("event", event)])
    };
    events.iter().map(of).collect()
}

/// A trigger's function. It runs with the search path of whoever made it: the table's own triggers
/// may count on one, and the function by which people come in has none.
fn function(part: &str, event: &str, declare: &str, body: &str) -> String {
    fill(
        include_str!("sql/function.sql"),
        &[
            ("part", part),
            ("event", event),
            ("declare", declare),
            ("body", body),
        ],
    )
}

/// The rows that are meant.
fn only(plan: &Plan, before: &str) -> String {
    let conditions = plan.target.only.iter().filter_map(|(name, value)| {
        let column = plan.accounts.column(name)?;
        Some(format!("u.{} = {}", column.quoted(), typed(column, value)))
    });
    let conditions: Vec<String> = conditions.collect();
    match conditions.is_empty() {
        true => String::new(),
        false => format!("\n{before} {}", conditions.join(" and ")),
    }
}

/// The statements that enter rows of the tables which muster doesn't know yet.
pub(super) fn known(plan: &Plan) -> Vec<String> {
    let id = plan.id.column.quoted();
    let created = plan.column(plan.target.created.as_deref()).map(clock_read);
    let mut all = vec![fill(
        include_str!("sql/known_accounts.sql"),
        &[
            ("id", &id),
            ("uuid", &plan.id.uuid(&format!("u.{id}"))),
            ("created", created.as_deref().unwrap_or("null::timestamptz")),
            ("table", &plan.accounts.name),
            ("is_linked", &plan.id.is(&format!("u.{id}"), "link.key")),
            ("only", &only(plan, "and")),
        ],
    )];
    if let (Some(table), Some(id)) = (&plan.groups, &plan.group_id) {
        let key = format!("g.{}", id.column.quoted());
        all.push(fill(
            include_str!("sql/known_groups.sql"),
            &[
                ("key", &key),
                ("uuid", &id.uuid(&key)),
                ("table", &table.name),
                ("is_linked", &id.is(&key, "link.key")),
            ],
        ));
    }
    all
}

/// The columns of the accounts that muster reads, those that it fills in a new row, and those that it
/// may change later; quoted.
pub(super) struct Columns {
    pub(super) read: Vec<String>,
    pub(super) inserted: Vec<String>,
    pub(super) updated: Vec<String>,
}

/// What the triggers and the view of the accounts use.
pub(super) fn columns(plan: &Plan) -> Columns {
    let id = plan.id.column.quoted();
    let (mut inserted, _): (Vec<String>, Vec<String>) =
        accounts::inserted(plan).into_iter().unzip();
    inserted.insert(0, id.clone());
    let name = |set: &String| set.split_once(" = ").map(|(name, _)| name.to_string());
    let updated: Vec<String> = accounts::updated(plan).iter().filter_map(name).collect();
    let mut read = vec![id, "xmin".to_string()];
    let only = plan.target.only.keys().map(|name| Quoted(name).to_string());
    let created = plan
        .target
        .created
        .iter()
        .map(|name| Quoted(name).to_string());
    for column in updated.iter().cloned().chain(only).chain(created) {
        if !read.contains(&column) {
            read.push(column);
        }
    }
    Columns {
        read,
        inserted,
        updated,
    }
}
