//! The views of the groups and of the memberships, and the triggers that write through them.

use std::collections::BTreeMap;

use super::id::{Id, IdKind};
use super::value::typed;
use super::{fill, function, triggers};
use crate::definition::target::Fill;
use crate::store::target::Plan;
use crate::store::target::describe::{Column, Table};

/// The table of memberships, and the columns by which it refers to the others.
pub(in crate::store::target) struct Members {
    pub(in crate::store::target) table: Table,
    pub(in crate::store::target) account: Column,
    pub(in crate::store::target) group: Column,
}

fn others(defaults: &BTreeMap<String, Fill>, table: &Table) -> Vec<(String, String)> {
    let filled = defaults.iter().filter_map(|(name, fill)| {
        let column = table.column(name)?;
        let value = match fill {
            Fill::Value(value) => typed(column, value),
            Fill::Sql { sql } => format!("({sql})"),
            Fill::Field { .. } => return None,
        };
        Some((column.quoted(), value))
    });
    filled.collect()
}

/// The statements that make the views of the groups and of the memberships; empty where the target
/// has no such tables.
pub(in crate::store::target) fn groups(plan: &Plan) -> String {
    let (Some(target), Some(table), Some(id)) = (&plan.target.groups, &plan.groups, &plan.group_id)
    else {
        return String::new();
    };
    let Some(name) = table.column(&target.name) else {
        return String::new();
    };
    let (key, quoted) = (id.column.quoted(), name.quoted());
    let path = format!("g.{quoted}::text collate pg_catalog.\"default\"");
    let folded = |value: &str| plan.folding.key(value, "nfkc");
    let mut sql = id.index("group_links");
    sql += &fill(
        include_str!("sql/groups_view.sql"),
        &[
            ("path", &path),
            ("folded", &folded(&path)),
            ("table", &table.name),
            ("is_linked", &id.is(&format!("g.{key}"), "link.key")),
        ],
    );
    let mut columns = vec![(quoted.clone(), "new.path".to_string())];
    if id.is_ours() {
        let value = match id.kind {
            IdKind::Uuid => "new.id".to_string(),
            _ => "new.id::text".to_string(),
        };
        columns.push((key.clone(), value));
    }
    columns.extend(others(&target.defaults, table));
    let (names, values): (Vec<String>, Vec<String>) = columns.into_iter().unzip();
    let odd = format!("{} is distinct from new.key", folded("new.path"));
    let insert = fill(
        include_str!("sql/groups_insert.sql"),
        &[
            ("table", &table.name),
            ("names", &names.join(", ")),
            ("values", &values.join(", ")),
            ("key", &key),
            ("odd", &odd),
        ],
    );
    sql += &function("groups", "insert", "    muster_key text;\n", &insert);
    let delete = fill(
        include_str!("sql/groups_delete.sql"),
        &[
            ("table", &table.name),
            ("key", &key),
            ("kind", &id.column.kind),
        ],
    );
    sql += &function("groups", "delete", "", &delete);
    sql += &triggers("groups", &["insert", "delete"]);
    sql + memberships(plan, id).as_str()
}

fn memberships(plan: &Plan, group_id: &Id) -> String {
    let (Some(target), Some(members)) = (&plan.target.memberships, &plan.memberships) else {
        return String::new();
    };
    let (account, group) = (members.account.quoted(), members.group.quoted());
    let table = &members.table.name;
    let mut sql = fill(
        include_str!("sql/memberships_view.sql"),
        &[
            ("table", table),
            (
                "is_account",
                &plan.id.is(&format!("m.{account}"), "link.key"),
            ),
            (
                "is_group",
                &group_id.is(&format!("m.{group}"), "grouping.key"),
            ),
        ],
    );
    let declare = include_str!("sql/memberships_declare.sql");
    let cast = |column: &Column, value: &str| match column.is_text() {
        true => value.to_string(),
        false => format!("{value}::{}", column.kind),
    };
    let to_account = cast(&members.account, "muster_account");
    let to_group = cast(&members.group, "muster_group");
    let mut columns = vec![
        (account.clone(), to_account.clone()),
        (group.clone(), to_group.clone()),
    ];
    columns.extend(others(&target.defaults, &members.table));
    let (names, values): (Vec<String>, Vec<String>) = columns.into_iter().unzip();
    let insert = fill(
        include_str!("sql/memberships_insert.sql"),
        &[
            ("table", table),
            ("names", &names.join(", ")),
            ("values", &values.join(", ")),
            ("account", &account),
            ("to_account", &to_account),
            ("group", &group),
            ("to_group", &to_group),
        ],
    );
    sql += &function("memberships", "insert", declare, &insert);
    sql += &function("memberships", "update", "", "    return new;\n");
    let delete = fill(
        include_str!("sql/memberships_delete.sql"),
        &[
            ("table", table),
            ("account", &account),
            ("old_account", &cast(&members.account, "old.account_key")),
            ("group", &group),
            ("old_group", &cast(&members.group, "old.group_key")),
        ],
    );
    sql += &function("memberships", "delete", "", &delete);
    sql + triggers("memberships", &["insert", "update", "delete"]).as_str()
}
