//! Compares a target with the tables that it names, before anything is written, and reports every
//! conflict at once, with its column and what to do.

use tokio_postgres::Transaction;

use super::describe::{Column, Table, describe, folding, refuses};
use super::generate::{Id, IdKind, Members};
use super::quote::literal;
use super::{Plan, is_clock, literals};
use crate::definition::Definition;
use crate::definition::target::{Fill, Literal, RoleColumn, TargetTable};
use crate::field::Field;
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

/// A uuid as text.
const UUID_LENGTH: i32 = 36;

/// Reads the tables of `target`.
///
/// # Errors
/// `target.conflict` with all that conflicts with the mapping.
pub(super) async fn plan<'a>(
    transaction: &mut Transaction<'_>,
    target: &'a TargetTable,
    definition: &Definition,
) -> Result<Plan<'a>> {
    let accounts = describe(transaction, &target.table).await?;
    let mut conflicts = Conflicts::default();
    conflicts.of_table(&accounts);
    let id = conflicts.id(&accounts, target.id.as_deref());
    conflicts.of_accounts(&accounts, target, definition);
    conflicts.of_values(transaction, &accounts, target).await?;
    let (mut groups, mut group_id, mut memberships) = (None, None, None);
    if let (Some(of_groups), Some(of_members)) = (&target.groups, &target.memberships) {
        let table = describe(transaction, &of_groups.table).await?;
        conflicts.of_table(&table);
        group_id = conflicts.id(&table, of_groups.id.as_deref());
        let name = [of_groups.name.clone()];
        conflicts.of_others(&table, &name, &of_groups.defaults, group_id.as_ref());
        groups = Some(table);
        let table = describe(transaction, &of_members.table).await?;
        conflicts.of_table(&table);
        let ends = [of_members.account.clone(), of_members.group.clone()];
        conflicts.of_others(&table, &ends, &of_members.defaults, None);
        let ends = table
            .column(&of_members.account)
            .zip(table.column(&of_members.group));
        if let Some((account, group)) =
            ends.map(|(account, group)| (account.clone(), group.clone()))
        {
            memberships = Some(Members {
                table,
                account,
                group,
            });
        }
    }
    let Some(id) = id else {
        return Err(conflicts.refusal(&accounts));
    };
    if !conflicts.found.is_empty() {
        return Err(conflicts.refusal(&accounts));
    }
    Ok(Plan {
        folding: folding(&*transaction).await?,
        target,
        accounts,
        id,
        groups,
        group_id,
        memberships,
    })
}

#[derive(Default)]
struct Conflicts {
    found: Vec<String>,
}

impl Conflicts {
    fn add(&mut self, column: &str, what: impl AsRef<str>) {
        self.found.push(format!("`{column}`: {}", what.as_ref()));
    }

    fn refusal(&self, table: &Table) -> Refusal {
        let what = format!(
            "the table `{}` can't be written as it is mapped\n  {}",
            table.shown,
            self.found.join("\n  ")
        );
        Refusal::new(Code::TargetConflict, what)
    }

    fn of_table(&mut self, table: &Table) {
        if table.kind != "r" {
            self.add(
                &table.shown,
                "is not a plain table; views, partitioned tables and foreign tables can't be a \
                    target",
            );
        }
        if table.has_row_security {
            self.add(
                &table.shown,
                "row-level security hides rows from this user, so muster would create them a \
                    second time; connect as the table's owner, or `alter role … bypassrls`",
            );
        }
    }

    fn id(&mut self, table: &Table, named: Option<&str>) -> Option<Id> {
        let Some(name) = named.or_else(|| table.primary_key()) else {
            self.add(
                &table.shown,
                "has no primary key of one column; name the column of its ids as `id`",
            );
            return None;
        };
        let Some(column) = table.column(name) else {
            self.add(name, format!("`{}` has no such column", table.shown));
            return None;
        };
        if !table.is_unique(name) || !column.is_not_null {
            self.add(name, "an id must be unique and not null");
        }
        let Some(id) = Id::of(column) else {
            self.add(
                name,
                format!(
                    "ids of type {} are not supported; use a number, a uuid or text",
                    column.shown
                ),
            );
            return None;
        };
        if id.kind == IdKind::Text
            && id.is_ours()
            && column.length.is_some_and(|length| length < UUID_LENGTH)
        {
            self.add(
                name,
                format!(
                    "{} is too short for the ids that muster generates, and has no default",
                    column.shown
                ),
            );
        }
        if id.kind == IdKind::Number
            && column.is_not_null
            && column.default.is_none()
            && !column.is_identity
        {
            self.add(
                name,
                "nothing generates its numbers; add a sequence or an identity",
            );
        }
        Some(id)
    }

    /// A column that is written must be there, and let itself be written.
    fn written<'t>(&mut self, table: &'t Table, name: &str) -> Option<&'t Column> {
        let Some(column) = table.column(name) else {
            let near = crate::definition::nearest(
                name,
                table.columns.iter().map(|column| column.name.as_str()),
            );
            let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            self.add(name, format!("`{}` has no such column{near}", table.shown));
            return None;
        };
        if column.is_generated || column.is_identity_always {
            self.add(
                name,
                "is generated by the database, and can't be written; leave it out of the mapping",
            );
        } else if !column.may_insert {
            self.add(name, "this database user may not write it; `muster db grants -p PIPELINE` prints what is needed");
        }
        Some(column)
    }

    fn of_accounts(&mut self, table: &Table, target: &TargetTable, definition: &Definition) {
        let mut written: Vec<&str> = Vec::new();
        for (field, name) in &target.columns {
            written.push(name);
            if let Some(column) = self.written(table, name) {
                if column.may_insert && !column.may_update {
                    self.add(name, "this database user may not change it; `muster db grants -p PIPELINE` prints what is needed");
                }
                let is_date = [Field::StartDate, Field::EndDate]
                    .iter()
                    .any(|date| date.name() == field);
                if is_date && !is_clock(column) {
                    self.add(
                        name,
                        format!("`{field}` needs a column of dates; it is {}", column.shown),
                    );
                }
            }
        }
        for clock in [&target.created, &target.updated].into_iter().flatten() {
            written.push(clock);
            if let Some(column) = self.written(table, clock)
                && !["timestamptz", "timestamp", "date", "int8", "int4"]
                    .contains(&column.base.as_str())
            {
                self.add(clock, format!("{} can't hold a time", column.shown));
            }
        }
        if let Some(status) = &target.status {
            written.push(&status.column);
            let column = self.written(table, &status.column);
            let clashing = column.filter(|column| is_clock(column));
            let values = literals(target);
            let mut of_status = values
                .iter()
                .filter(|(column, ..)| *column == status.column);
            let is_word = |value: &Literal| matches!(value, Literal::Text(word) if word == "set" || word == "empty");
            if clashing.is_some() && of_status.any(|(_, value, _)| !is_word(value)) {
                self.add(
                    &status.column,
                    "in a column of times, a status is \"set\" or \"empty\"",
                );
            }
        }
        if let Some(role) = &target.role {
            written.push(role.column());
            if let (Some(column), RoleColumn::Plain(_)) = (self.written(table, role.column()), role)
            {
                self.plain_roles(column, definition);
            }
        }
        for name in target.only.keys().chain(target.defaults.keys()) {
            written.push(name);
            self.written(table, name);
        }
        let id = target.id.as_deref().or_else(|| table.primary_key());
        self.unfilled(
            table,
            &written,
            id,
            "`[target.columns]` or `[target.defaults]`",
        );
    }

    /// Roles that the column has no word for.
    fn plain_roles(&mut self, column: &Column, definition: &Definition) {
        let roles = &definition.accounts.roles;
        if column.category == 'E' {
            let lacks: Vec<&str> = roles
                .iter()
                .filter(|role| !column.labels.contains(role))
                .map(String::as_str)
                .collect();
            if !lacks.is_empty() {
                self.add(
                    &column.name,
                    format!(
                        "the enum {} has no `{}`; it has `{}`: correct `roles` under `[accounts]`, or map them by `values`",
                        column.shown,
                        lacks.join("`, `"),
                        column.labels.join("`, `")
                    ),
                );
            }
        } else if !column.is_text() {
            self.add(
                &column.name,
                format!("{} is not a text column; give the value for each role: `role = {{ column = \"{}\", values = {{ … }} }}`", column.shown, column.name),
            );
        }
    }

    /// Columns that would have nothing in a new row, and must not.
    fn unfilled(&mut self, table: &Table, written: &[&str], id: Option<&str>, place: &str) {
        for column in &table.columns {
            let name = column.name.as_str();
            if !column.fills_itself() && !written.contains(&name) && id != Some(name) {
                self.add(
                    name,
                    format!(
                        "must not be null, has no default, and is not filled; set it under {place}"
                    ),
                );
            }
        }
    }

    fn of_others(
        &mut self,
        table: &Table,
        named: &[String],
        defaults: &std::collections::BTreeMap<String, Fill>,
        id: Option<&Id>,
    ) {
        let written: Vec<&str> = named
            .iter()
            .chain(defaults.keys())
            .map(String::as_str)
            .collect();
        for name in &written {
            self.written(table, name);
        }
        let id = id.map(|id| id.column.name.as_str());
        self.unfilled(table, &written, id, "its `defaults`");
    }

    /// Whether each column takes the values that it is to get: by its type, its domain, its enum and
    /// the constraints that are about it alone.
    async fn of_values(
        &mut self,
        transaction: &mut Transaction<'_>,
        table: &Table,
        target: &TargetTable,
    ) -> Result<()> {
        let mut probes: Vec<(&Column, String, String)> = Vec::new();
        for (name, value, what) in literals(target) {
            if let Some(column) = table
                .column(&name)
                .filter(|column| !(is_clock(column) && matches!(value, Literal::Text(_))))
            {
                if let (Literal::Text(text), Some(length)) = (value, column.length)
                    && text.chars().count() > length as usize
                {
                    self.add(&name, format!("{what} is longer than {}", column.shown));
                }
                probes.push((column, literal(value), what));
            }
        }
        for (name, fill) in &target.defaults {
            if let (Fill::Sql { sql }, Some(column)) = (fill, table.column(name))
                // What asks for the new row can only be seen in it.
                && !sql.contains("new.")
            {
                probes.push((column, sql.clone(), format!("`{sql}`")));
            }
        }
        for (column, expression, what) in probes {
            if let Some(words) = refuses(transaction, table, column, &expression).await? {
                self.add(&column.name, format!("can't hold {what}: {words}"));
            }
        }
        Ok(())
    }
}
