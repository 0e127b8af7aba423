//! `muster target inspect`: what a table looks like as a target, as a `[target]` to be pasted.

use std::fmt::Write;

use tokio_postgres::Transaction;

use super::describe::{Column, Table, describe};
use super::generate::Id;
use super::quote::Quoted;
use super::{DOING, is_clock};
use crate::account::COLUMNS;
use crate::definition::Definition;
use crate::field::Field;
use crate::header::Vocabulary;
use crate::refusal::Result;
use crate::store::connect::Target;
use crate::store::error::refusal;
use crate::store::runtime;
use crate::text::key;

/// The mapping that is proposed for the table `name`, with a comment wherever it is unsure.
///
/// # Errors
/// `target.conflict` where there is no such table, or a `database.*` code.
pub fn inspect(database: &Target, name: &str, definition: &Definition) -> Result<String> {
    let runtime = runtime()?;
    let mut connection = runtime.block_on(database.connect())?;
    runtime.block_on(async {
        let doing = |error| refusal(&error, DOING);
        let transaction = connection.client.transaction().await.map_err(doing)?;
        let table = describe(&transaction, name).await?;
        let mut proposal = Proposal {
            used: Vec::new(),
            fields: Vec::new(),
            table: &table,
        };
        let mut text = format!("[target]\ntable = {}\n", word(name));
        text += &proposal.remarks();
        text += &proposal.ids();
        text += &proposal.clocks();
        text += &proposal.status();
        text += &proposal.role();
        text += &proposal.columns(&Vocabulary::new(definition));
        text += &proposal.rest(&transaction).await?;
        text += &groups(&transaction, &table).await?;
        Ok(proposal.settings() + text.as_str())
    })
}

/// A TOML string.
fn word(text: &str) -> String {
    toml::Value::String(text.to_string()).to_string()
}

/// A TOML key.
fn bare(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match !name.is_empty() && name.chars().all(plain) {
        true => name.to_string(),
        false => word(name),
    }
}

const CREATED: [&str; 8] = [
    "createdat",
    "created",
    "createdon",
    "datejoined",
    "createdtimestamp",
    "insertedat",
    "datecreated",
    "creationdate",
];
const UPDATED: [&str; 8] = [
    "updatedat",
    "updated",
    "updatedon",
    "modifiedat",
    "modified",
    "lastmodified",
    "changedat",
    "dateupdated",
];
const OPEN: [&str; 5] = [
    "isactive",
    "active",
    "enabled",
    "isenabled",
    "accountenabled",
];
const CLOSED: [&str; 12] = [
    "disabled",
    "isdisabled",
    "deactivated",
    "isdeactivated",
    "blocked",
    "isblocked",
    "suspended",
    "issuspended",
    "archived",
    "isarchived",
    "deleted",
    "isdeleted",
];
const CLOSED_AT: [&str; 8] = [
    "deactivatedat",
    "disabledat",
    "discardedat",
    "archivedat",
    "suspendedat",
    "deletedat",
    "blockedat",
    "closedat",
];
const CLOSED_WORDS: [&str; 8] = [
    "deactivated",
    "inactive",
    "disabled",
    "closed",
    "suspended",
    "archived",
    "blocked",
    "deleted",
];
const INVITED_WORDS: [&str; 3] = ["invited", "pending", "staged"];

struct Proposal<'a> {
    /// Columns that have a place.
    used: Vec<String>,
    /// Fields that have a column.
    fields: Vec<Field>,
    table: &'a Table,
}

impl Proposal<'_> {
    fn named(&mut self, names: &[&str], fits: impl Fn(&Column) -> bool) -> Option<Column> {
        let free = |column: &&Column| {
            !self.used.contains(&column.name) && !column.is_generated && !column.is_identity_always
        };
        let mut columns = self.table.columns.iter().filter(free);
        let found = columns
            .find(|column| names.contains(&key(&column.name).as_str()) && fits(column))?
            .clone();
        self.used.push(found.name.clone());
        Some(found)
    }

    fn remarks(&self) -> String {
        let mut text = String::new();
        let table = self.table;
        if table.kind != "r" {
            text += "# this is not a plain table, and can't be a target\n";
        }
        if table.has_row_security {
            text += "# row-level security hides rows from this user: connect as the owner, or as a role with bypassrls\n";
        }
        if !table.triggers.is_empty() {
            let names = table.triggers.join(", ");
            let _ = writeln!(
                text,
                "# its own triggers run on what muster writes, too: {names}"
            );
        }
        for check in &table.checks {
            let _ = writeln!(
                text,
                "# rows must pass the check {}: {}",
                check.name,
                check.expression.replace('\n', " ")
            );
        }
        text
    }

    fn ids(&mut self) -> String {
        let Some(name) = self.table.primary_key() else {
            return "id = \"\"  # no primary key of one column: name a column that is unique and not null\n".to_string();
        };
        self.used.push(name.to_string());
        match self.table.column(name).and_then(Id::of) {
            None => {
                format!("# ids in `{name}` are not a number, uuid or text, and can't be used\n")
            }
            Some(id) if id.is_ours() => format!(
                "id = {}  # {}: muster generates uuids\n",
                word(name),
                id.column.shown
            ),
            Some(id) => format!(
                "id = {}  # {}: the table generates them\n",
                word(name),
                id.column.shown
            ),
        }
    }

    fn clocks(&mut self) -> String {
        let fits = |column: &Column| is_clock(column) || column.base == "int8";
        let mut text = String::new();
        for (what, names) in [("created", &CREATED), ("updated", &UPDATED)] {
            if let Some(column) = self.named(names, fits) {
                let _ = write!(text, "{what} = {}", word(&column.name));
                if column.base == "int8" {
                    text += "  # milliseconds since 1970";
                }
                text.push('\n');
            }
        }
        text
    }

    fn status(&mut self) -> String {
        let is_bool = |column: &Column| column.category == 'B';
        let is_word = |column: &Column| column.is_text() || column.category == 'E';
        if let Some(column) = self.named(&OPEN, is_bool) {
            return format!(
                "status = {{ column = {}, active = true, deactivated = false }}\n",
                word(&column.name)
            );
        }
        if let Some(column) = self.named(&CLOSED, is_bool) {
            return format!(
                "status = {{ column = {}, active = false, deactivated = true }}\n",
                word(&column.name)
            );
        }
        if let Some(column) = self.named(&CLOSED_AT, is_clock) {
            return format!(
                "status = {{ column = {}, active = \"empty\", deactivated = \"set\" }}\n",
                word(&column.name)
            );
        }
        let Some(column) = self.named(&["status", "state", "accountstatus"], is_word) else {
            return "# no column was found that says whether an account is active; without one nobody is deactivated\n".to_string();
        };
        let one = |words: &[&str]| {
            let mut labels = column.labels.iter();
            labels
                .find(|label| words.contains(&key(label).as_str()))
                .cloned()
        };
        let closed = one(&CLOSED_WORDS);
        let active = one(&["active", "enabled", "open", "confirmed"]);
        let mut text = format!(
            "status = {{ column = {}, active = {}, deactivated = {}",
            word(&column.name),
            word(active.as_deref().unwrap_or("active")),
            word(closed.as_deref().unwrap_or("deactivated"))
        );
        if let Some(invited) = one(&INVITED_WORDS) {
            let _ = write!(text, ", invited = {}", word(&invited));
        }
        text += " }";
        if active.is_none() || closed.is_none() {
            text += "  # unsure: use the column's own words here";
        }
        text + "\n"
    }

    fn role(&mut self) -> String {
        let Some(column) = self.named(&["role", "userrole", "usertype"], |_| true) else {
            return String::new();
        };
        if column.is_text() || column.category == 'E' {
            let mut text = format!("role = {}", word(&column.name));
            if !column.labels.is_empty() {
                let _ = write!(
                    text,
                    "  # one of {}: name the ones to assign as `roles` under `[accounts]`",
                    column.labels.join(", ")
                );
            }
            return text + "\n";
        }
        format!(
            "role = {{ column = {}, values = {{ user = 0, admin = 1 }} }}  # unsure: {}; put the application's numbers here, and `roles` under `[accounts]`\n",
            word(&column.name),
            column.shown
        )
    }

    fn columns(&mut self, vocabulary: &Vocabulary) -> String {
        let mut text = "\n[target.columns]\n".to_string();
        for column in &self.table.columns {
            let field = vocabulary.well_known(&column.name.replace('_', " "));
            let Some(field) = field.filter(|field| COLUMNS.contains(field)) else {
                continue;
            };
            let is_date = matches!(field, Field::StartDate | Field::EndDate);
            let fits = match is_date {
                true => is_clock(column),
                false => column.is_text() || column.category == 'E' || field == Field::ExternalId,
            };
            let is_other = matches!(field, Field::Role | Field::Status | Field::OtherRoles);
            if is_other
                || !fits
                || self.used.contains(&column.name)
                || self.fields.contains(&field)
                || column.is_generated
                || column.is_identity_always
            {
                continue;
            }
            self.used.push(column.name.clone());
            self.fields.push(field);
            let _ = write!(text, "{} = {}", field.name(), word(&column.name));
            text += &self.about(column, field);
        }
        let keys = [Field::Email, Field::Username, Field::ExternalId];
        if !keys.iter().any(|key| self.fields.contains(key)) {
            text += "# unsure: people are matched by `email`, `username` or `external_id`; map a column to one of them\n";
        }
        text
    }

    /// What is to be known of a column that a field is kept in.
    fn about(&self, column: &Column, field: Field) -> String {
        let mut notes = Vec::new();
        let is_key = matches!(field, Field::Email | Field::Username | Field::ExternalId);
        let is_guarded = |column: &Column| {
            let name = key(&column.name);
            name.starts_with(field.name()) && name.ends_with("constraint")
        };
        if is_key
            && !self.table.columns.iter().any(is_guarded)
            && !self
                .table
                .unique
                .iter()
                .any(|unique| unique.contains(&column.name))
        {
            notes.push(
                "it has no unique index: two imports at once could create a person twice"
                    .to_string(),
            );
        }
        if is_key && column.is_case_insensitive {
            notes.push("it ignores case".to_string());
        }
        if let Some(length) = column.length.filter(|length| *length < 100) {
            notes.push(format!("at most {length} characters"));
        }
        if column.is_not_null && !column.is_text() {
            notes.push("must not be empty".to_string());
        }
        match notes.is_empty() {
            true => "\n".to_string(),
            false => format!("  # {}\n", notes.join("; ")),
        }
    }

    /// Columns that must have something and have no place yet.
    async fn rest(&mut self, transaction: &Transaction<'_>) -> Result<String> {
        let (mut defaults, mut only) = (String::new(), String::new());
        for column in &self.table.columns {
            let name = bare(&column.name);
            let follows = key(&column.name).ends_with("constraint")
                && key(&column.name).starts_with("email")
                && self.fields.contains(&Field::Email);
            if follows && !self.used.contains(&column.name) {
                let _ = writeln!(defaults, "{name} = {{ field = \"email\" }}");
                continue;
            }
            if let Some((scope, note)) = self.scope(transaction, column).await? {
                let _ = writeln!(only, "{name} = {}  # {note}", word(&scope));
                continue;
            }
            if column.fills_itself() || self.used.contains(&column.name) {
                continue;
            }
            let (value, note) = proposed(column);
            let _ = writeln!(defaults, "{name} = {value}{note}");
        }
        let section = |name: &str, text: String| match text.is_empty() {
            true => text,
            false => format!("\n[target.{name}]\n{text}"),
        };
        Ok(section("defaults", defaults) + section("only", only).as_str())
    }

    /// A column that parts the rows among owners, such as a tenant: the only value that there is.
    async fn scope(
        &self,
        transaction: &Transaction<'_>,
        column: &Column,
    ) -> Result<Option<(String, &'static str)>> {
        const OWNERS: [&str; 8] = [
            "realm",
            "tenant",
            "organization",
            "organisation",
            "account",
            "company",
            "site",
            "workspace",
        ];
        let bare = key(&column.name);
        let is_owner = OWNERS.iter().any(|owner| bare == format!("{owner}id"));
        let is_separated = self
            .table
            .unique
            .iter()
            .any(|unique| unique.len() > 1 && unique.contains(&column.name));
        if self.used.contains(&column.name) || !(is_separated || is_owner && !column.fills_itself())
        {
            return Ok(None);
        }
        let sql = format!(
            "select distinct {0}::text from {1} where {0} is not null order by 1 limit 2",
            Quoted(&column.name),
            self.table.name
        );
        let rows = transaction
            .query(&sql, &[])
            .await
            .map_err(|error| refusal(&error, DOING))?;
        Ok(Some(match rows.as_slice() {
            [only] => (only.get(0), "unsure: the only value in the table so far"),
            _ => (
                String::new(),
                "unsure: which accounts to manage; only rows with this value are used",
            ),
        }))
    }

    fn settings(&self) -> String {
        let keys = [Field::ExternalId, Field::Username, Field::Email];
        let by: Vec<String> = keys
            .iter()
            .filter(|key| self.fields.contains(key))
            .map(|key| format!("\"{}\"", key.name()))
            .collect();
        let mut text = "[accounts]\nonboarding = \"setup\"\n\n".to_string();
        if !by.is_empty() {
            let _ = write!(text, "[match]\nby = [{}]\n\n", by.join(", "));
        }
        text
    }
}

/// What a column gets that must have something, and what is doubtful about it.
fn proposed(column: &Column) -> (String, &'static str) {
    let name = key(&column.name);
    if name.contains("password") || name.contains("passwd") {
        return (
            "\"!\"".to_string(),
            "  # no password matches this; people set theirs through a link",
        );
    }
    match column.category {
        'B' => ("false".to_string(), ""),
        'D' => ("{ sql = \"now()\" }".to_string(), "  # unsure"),
        'N' => ("0".to_string(), "  # unsure"),
        'S' => ("\"\"".to_string(), "  # unsure"),
        'E' => (
            word(column.labels.first().map_or("", String::as_str)),
            "  # unsure",
        ),
        _ if column.base == "uuid" => ("{ sql = \"gen_random_uuid()\" }".to_string(), "  # unsure"),
        _ if column.base == "jsonb" || column.base == "json" => {
            ("\"{}\"".to_string(), "  # unsure")
        }
        _ => ("\"\"".to_string(), "  # unsure: which value belongs here?"),
    }
}

/// A table between this one and another that has names.
async fn groups(transaction: &Transaction<'_>, table: &Table) -> Result<String> {
    let rows = transaction
        .query(include_str!("../sql/target_groups.sql"), &[&table.oid])
        .await
        .map_err(|error| refusal(&error, DOING))?;
    let Some(row) = rows.first() else {
        return Ok(String::new());
    };
    let value = |column: usize| word(row.get(column));
    let mut text = format!(
        "\n[target.groups]\ntable = {}\nname = {}\n\n[target.memberships]\ntable = {}\naccount = {}\ngroup = {}\n",
        value(0),
        value(1),
        value(2),
        value(3),
        value(4)
    );
    if rows.len() > 1 {
        let others: Vec<&str> = rows[1..].iter().map(|row| row.get(2)).collect();
        let _ = writeln!(text, "# unsure: it could also be {}", others.join(", "));
    }
    for (name, section, own) in [(0, "groups", vec![1]), (2, "memberships", vec![3, 4])] {
        let other = describe(transaction, row.get(name)).await?;
        let own: Vec<&str> = own.into_iter().map(|column| row.get(column)).collect();
        let mut defaults = String::new();
        for column in &other.columns {
            if !column.fills_itself()
                && !own.contains(&column.name.as_str())
                && other.primary_key() != Some(&column.name)
            {
                let (value, note) = proposed(column);
                let _ = writeln!(defaults, "{} = {value}{note}", bare(&column.name));
            }
        }
        if !defaults.is_empty() {
            let _ = write!(text, "\n[target.{section}.defaults]\n{defaults}");
        }
    }
    Ok(text)
}
