//! A table as the catalog has it.

use tokio_postgres::GenericClient;

use super::quote::{Quoted, text};
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::store::error::refusal;

const DOING: &str = "reading the target's catalog";

/// A table: its columns and what else matters to who writes it.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// Schema and name, quoted.
    pub(super) name: String,
    /// As people call it.
    pub(super) shown: String,
    /// `pg_class.oid`.
    pub(super) oid: u32,
    /// `r` for a table; see `pg_class.relkind`.
    pub(super) kind: String,
    /// Whether row-level security applies to the connected user.
    pub(super) has_row_security: bool,
    /// In their order.
    pub(super) columns: Vec<Column>,
    /// The columns of unique indexes; of the primary key first.
    pub(super) unique: Vec<Vec<String>>,
    /// Whether the first of `unique` is the primary key.
    pub(super) has_primary_key: bool,
    /// Names of its triggers.
    pub(super) triggers: Vec<String>,
    /// Check constraints: the name, its expression, and the column if it is about one only.
    pub(super) checks: Vec<Check>,
}

/// A check constraint.
#[derive(Debug, Clone)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) expression: String,
    /// The only column that it is about.
    pub(super) column: Option<String>,
}

/// A column.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    /// The type, quoted and without its length.
    pub(super) kind: String,
    /// The type as people write it.
    pub(super) shown: String,
    /// The name of the type, or of the type below a domain.
    pub(super) base: String,
    /// `pg_type.typcategory`: `S` text, `N` numbers, `B` booleans, `D` dates and times, `E` enums.
    pub(super) category: char,
    pub(super) is_not_null: bool,
    /// The default's expression.
    pub(super) default: Option<String>,
    pub(super) is_generated: bool,
    pub(super) is_identity: bool,
    pub(super) is_identity_always: bool,
    /// The length of a `varchar(n)` or `char(n)`.
    pub(super) length: Option<i32>,
    /// The labels of an enum.
    pub(super) labels: Vec<String>,
    /// Whether equal texts may differ in their bytes.
    pub(super) is_case_insensitive: bool,
    /// Whether the connected user may fill it in a new row.
    pub(super) may_insert: bool,
    /// Whether the connected user may change it.
    pub(super) may_update: bool,
}

impl Column {
    /// The column's name, quoted.
    pub(super) fn quoted(&self) -> String {
        Quoted(&self.name).to_string()
    }

    /// Whether text goes in without a cast, which would cut what is too long.
    pub(super) fn is_text(&self) -> bool {
        self.category == 'S'
    }

    /// Whether a new row may leave it out.
    pub(super) fn fills_itself(&self) -> bool {
        !self.is_not_null || self.default.is_some() || self.is_generated || self.is_identity
    }
}

impl Table {
    /// The column of that name.
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether a column alone tells rows apart.
    pub(super) fn is_unique(&self, name: &str) -> bool {
        self.unique.iter().any(|columns| columns == &[name])
    }

    /// The only column of the primary key.
    pub(super) fn primary_key(&self) -> Option<&str> {
        match self.unique.first().map(Vec::as_slice) {
            Some([column]) if self.has_primary_key => Some(column),
            _ => None,
        }
    }
}

/// Finds a table by its name, as written or as SQL reads it.
pub(super) async fn describe<C: GenericClient>(client: &C, name: &str) -> Result<Table> {
    let doing = |error| refusal(&error, DOING);
    let (schema, bare) = match name.split_once('.') {
        Some((schema, bare)) => (Some(schema), bare),
        None => (None, name),
    };
    let rows = client
        .query(include_str!("../sql/target_table.sql"), &[&schema, &bare])
        .await
        .map_err(doing)?;
    let Some(row) = rows.first() else {
        let what = format!("there is no table `{name}`");
        return Err(Refusal::new(Code::TargetConflict, what)
            .help("write it as `schema.table`, and check that this is the right database"));
    };
    let oid: u32 = row.get(0);
    let columns = client
        .query(include_str!("../sql/target_columns.sql"), &[&oid])
        .await
        .map_err(doing)?;
    let unique = client
        .query(include_str!("../sql/target_unique.sql"), &[&oid])
        .await
        .map_err(doing)?;
    let rules = client
        .query(include_str!("../sql/target_rules.sql"), &[&oid])
        .await
        .map_err(doing)?;
    let triggers = rules
        .iter()
        .filter(|row| row.get::<_, &str>(0) == "trigger");
    let checks = rules.iter().filter(|row| row.get::<_, &str>(0) == "check");
    Ok(Table {
        name: format!("{}.{}", Quoted(row.get(1)), Quoted(row.get(2))),
        shown: format!("{}.{}", row.get::<_, &str>(1), row.get::<_, &str>(2)),
        oid,
        kind: row.get(3),
        has_row_security: row.get(4),
        columns: columns.iter().map(column).collect(),
        has_primary_key: unique.first().is_some_and(|row| row.get(1)),
        unique: unique.iter().map(|row| row.get(0)).collect(),
        triggers: triggers.map(|row| row.get(1)).collect(),
        checks: checks
            .map(|row| Check {
                name: row.get(1),
                expression: row.get(2),
                column: row.get(3),
            })
            .collect(),
    })
}

/// The columns of `target_columns.sql`, in its order.
fn column(row: &tokio_postgres::Row) -> Column {
    let category: &str = row.get(5);
    Column {
        name: row.get(0),
        kind: format!("{}.{}", Quoted(row.get(1)), Quoted(row.get(2))),
        shown: row.get(3),
        base: row.get(4),
        category: category.chars().next().unwrap_or('X'),
        is_not_null: row.get(6),
        default: row.get(7),
        is_generated: row.get(8),
        is_identity: row.get(9),
        is_identity_always: row.get(10),
        length: row.get(11),
        labels: row.get(12),
        is_case_insensitive: row.get(13),
        may_insert: row.get(14),
        may_update: row.get(15),
    }
}

/// Whether the database has a rule for lower case that knows every script, and how it is written:
/// the tables aren't ours, so that their keys can't be made in Rust, as those of muster's own are.
pub(super) async fn folding<C: GenericClient>(client: &C) -> Result<Folding> {
    let sql = "select pg_catalog.getdatabaseencoding() = 'UTF8', \
        exists (select from pg_catalog.pg_collation where collname = 'und-x-icu' \
            and collnamespace = 'pg_catalog'::regnamespace)";
    let row = client
        .query_one(sql, &[])
        .await
        .map_err(|error| refusal(&error, DOING))?;
    Ok(Folding {
        normalizes: row.get(0),
        has_icu: row.get(1),
    })
}

/// How the database makes a key of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folding {
    pub(super) normalizes: bool,
    pub(super) has_icu: bool,
}

impl Folding {
    /// The expression for the key of `expression`, in that normal form (`nfc` or `nfkc`).
    pub(super) fn key(self, expression: &str, form: &str) -> String {
        let normal = match self.normalizes {
            true => format!("normalize({expression}, {form})"),
            false => expression.to_string(),
        };
        let collated = match self.has_icu {
            true => format!("{normal} collate pg_catalog.\"und-x-icu\""),
            false => format!("{normal} collate pg_catalog.\"default\""),
        };
        format!("(lower({collated}) collate pg_catalog.\"C\")")
    }
}

/// Whether `expression` can be had as a value of `column`, and what its own constraints say of that.
/// `None` for yes.
pub(super) async fn refuses(
    transaction: &mut tokio_postgres::Transaction<'_>,
    table: &Table,
    column: &Column,
    expression: &str,
) -> Result<Option<String>> {
    let checks = table
        .checks
        .iter()
        .filter(|check| check.column.as_deref() == Some(&column.name));
    let questions: Vec<String> = checks
        .map(|check| {
            let failed = format!(
                "case when ({}) is false then {} end",
                check.expression,
                text(&check.name)
            );
            format!("({failed})")
        })
        .collect();
    let checked = match questions.is_empty() {
        true => "null::text".to_string(),
        false => format!(
            "coalesce({})",
            [questions, vec!["null::text".into()]].concat().join(", ")
        ),
    };
    // The value itself is asked for, too: what nobody asks for isn't computed.
    let sql = format!(
        "select {checked}, probe.{1} is null from (select ({expression})::{0} as {1} offset 0) as probe",
        column.kind,
        column.quoted()
    );
    let inner = transaction
        .transaction()
        .await
        .map_err(|error| refusal(&error, DOING))?;
    let answer = match inner.query_one(&sql, &[]).await {
        Ok(row) => row
            .get::<_, Option<String>>(0)
            .map(|name| format!("the check constraint `{name}` refuses it")),
        Err(error) => Some(match error.as_db_error() {
            Some(error) => error.message().to_string(),
            None => return Err(refusal(&error, DOING)),
        }),
    };
    inner
        .rollback()
        .await
        .map_err(|error| refusal(&error, DOING))?;
    Ok(answer)
}
