//! `[target]`: a table of another application that holds the accounts, and which of its columns is
//! which field. Mistakes that can be found without the database are reported here.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::place::{Checked, Mistake};
use super::{Accounts, Dates, Definition, Missing, Onboarding, UpdatePolicy};
use crate::account::COLUMNS;
use crate::field::{Field, Key};
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::row::Slot;

/// A value as it is written into a column.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Literal {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Text, and whatever the column's type reads from text.
    Text(String),
}

/// One value or several that mean the same; the first is the one that is written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Values {
    /// One.
    One(Literal),
    /// Several.
    Many(Vec<Literal>),
}

impl Values {
    /// The values as a slice.
    pub fn as_slice(&self) -> &[Literal] {
        match self {
            Values::One(value) => std::slice::from_ref(value),
            Values::Many(values) => values,
        }
    }
}

/// What a column that no field fills gets in a new row.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Fill {
    /// Always the same.
    Value(Literal),
    /// What an SQL expression gives.
    Sql {
        /// The expression.
        sql: String,
    },
    /// What a field has, also when that changes later; something unique where it has nothing.
    Field {
        /// The field's name.
        field: String,
    },
}

/// The column that says whether an account is open.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusColumn {
    /// Its name.
    pub column: String,
    /// Values of an active account. In a column of times, `"set"` is any and `"empty"` is none.
    pub active: Values,
    /// Values of an account whose person is awaited; without any, nobody is.
    pub invited: Option<Values>,
    /// Values of a closed account; without any, none is closed.
    pub deactivated: Option<Values>,
}

/// The column that says what a person may do.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum RoleColumn {
    /// It holds the pipeline's own words.
    Plain(String),
    /// It holds other values.
    Mapped {
        /// Its name.
        column: String,
        /// Role → value.
        values: BTreeMap<String, Literal>,
    },
}

impl RoleColumn {
    /// The column's name.
    pub fn column(&self) -> &str {
        match self {
            RoleColumn::Plain(column) | RoleColumn::Mapped { column, .. } => column,
        }
    }
}

/// `[target.groups]`: the table of groups.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupTable {
    /// Its name.
    pub table: String,
    /// The column of its ids; the primary key when left out.
    pub id: Option<String>,
    /// The column of the groups' names.
    pub name: String,
    /// Columns that muster doesn't fill otherwise.
    #[serde(default)]
    pub defaults: BTreeMap<String, Fill>,
}

/// `[target.memberships]`: the table that says who is in which group.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MembershipTable {
    /// Its name.
    pub table: String,
    /// The column that refers to the accounts.
    pub account: String,
    /// The column that refers to the groups.
    pub group: String,
    /// Columns that muster doesn't fill otherwise.
    #[serde(default)]
    pub defaults: BTreeMap<String, Fill>,
}

/// `[target]`: an accounts table that isn't muster's own.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetTable {
    /// Its name, with its schema before a dot where it isn't on the search path.
    pub table: String,
    /// The column of its ids; the primary key when left out.
    pub id: Option<String>,
    /// The column that says when a row was made.
    pub created: Option<String>,
    /// The column that says when a row was written last.
    pub updated: Option<String>,
    /// The column that says whether an account is open.
    pub status: Option<StatusColumn>,
    /// The column that says what a person may do.
    pub role: Option<RoleColumn>,
    /// Field or `attributes.NAME` → column.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
    /// What the other columns of a new row get.
    #[serde(default)]
    pub defaults: BTreeMap<String, Fill>,
    /// Which rows are meant at all: those that have these values, which new rows get.
    #[serde(default)]
    pub only: BTreeMap<String, Literal>,
    /// The table of groups.
    pub groups: Option<GroupTable>,
    /// The table that says who is in which group.
    pub memberships: Option<MembershipTable>,
}

/// The prefix of a key of `[target.columns]` for a custom attribute.
const ATTRIBUTES: &str = "attributes.";

impl TargetTable {
    /// The custom attributes that have a column: name and column.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.columns
            .iter()
            .filter_map(|(name, column)| Some((name.strip_prefix(ATTRIBUTES)?, column.as_str())))
    }

    /// The column of a field, if it has one that holds the field's own text.
    pub fn column(&self, field: Field) -> Option<&str> {
        self.columns.get(field.name()).map(String::as_str)
    }

    /// Whether the table keeps what a slot holds.
    pub fn keeps(&self, slot: &Slot) -> bool {
        match slot {
            Slot::Field(Field::Status) => self.status.is_some(),
            Slot::Field(Field::Role) => self.role.is_some(),
            Slot::Field(Field::FullName) => {
                self.column(Field::FirstName).is_some() || self.column(Field::LastName).is_some()
            }
            // Sessions are muster's own, wherever the accounts are.
            Slot::Field(Field::Sessions) => true,
            Slot::Field(field) if field.lists_groups() => self.groups.is_some(),
            Slot::Field(field) => self.column(*field).is_some(),
            Slot::Attribute(name) => self.columns.contains_key(&format!("{ATTRIBUTES}{name}")),
            Slot::Ignored(_) => true,
        }
    }

    /// Whether accounts can be closed.
    pub fn closes(&self) -> bool {
        let status = self.status.as_ref();
        status.is_some_and(|status| status.deactivated.is_some())
    }
}

/// Leaves out of the definition what the table has no column for: such a field is never written,
/// never compared, required of nobody, and finds no account.
pub(super) fn fit(definition: &mut Definition) {
    let Some(target) = &definition.target else {
        return;
    };
    let fields = &mut definition.update.fields;
    let attributes = fields.get("attributes").copied();
    let attributes = attributes.unwrap_or(definition.update.default);
    for (name, _) in target.attributes() {
        fields
            .entry(format!("{ATTRIBUTES}{name}"))
            .or_insert(attributes);
    }
    fields.insert("attributes".to_string(), UpdatePolicy::Never);
    let others = [Field::Groups, Field::AddGroups, Field::RemoveGroups];
    for field in COLUMNS.into_iter().chain(others) {
        if !target.keeps(&Slot::Field(field)) {
            fields.insert(field.name().to_string(), UpdatePolicy::Never);
        }
    }
    let keeps = |name: &String| {
        Field::from_name(name).is_none_or(|field| target.keeps(&Slot::Field(field)))
    };
    definition.require.fields.retain(keeps);
    definition.matching.by.retain(keeps);
}

/// Whether accounts can be invited.
pub(super) fn invites(definition: &Definition) -> bool {
    definition.target.as_ref().is_none_or(|target| {
        let status = target.status.as_ref();
        status.is_some_and(|status| status.invited.is_some())
    })
}

/// What is wrong with `[target]`, and with other sections because of it.
pub(super) fn check(definition: &Definition) -> Checked {
    let Some(target) = &definition.target else {
        return Ok(());
    };
    let wrong = |path: &[&str], message: &str| Err(Mistake::at(path, message));
    check_columns(target)?;
    let by = &definition.matching.by;
    let finds = |key: &Key| {
        let field = key.field();
        by.iter().any(|by| by == field.name()) && target.column(field).is_some()
    };
    if !Key::ALL.iter().any(finds) {
        let by = by.join("`, `");
        let message = format!(
            "people are matched by `{by}`, but none of these has a column under `[target.columns]`"
        );
        return wrong(&["target"], &message);
    }
    if let Some(RoleColumn::Mapped { values, .. }) = &target.role {
        let mut roles = definition.accounts.roles.iter();
        if let Some(role) = roles.find(|role| !values.contains_key(*role)) {
            let message = format!("`[target] role` has no value for the role `{role}`");
            return wrong(&["target", "role"], &message);
        }
    }
    check_groups(definition, target)?;
    if definition.update.asks_who() {
        let message = "\"own\" needs a record of who wrote a value last, which only muster's own accounts \
                have";
        return Err(Mistake::at(&["update"], message).word("own"));
    }
    if definition.columns.password_hash.is_some() {
        let message = "password hashes can't be imported into a target: every application stores them in its own way";
        return wrong(&["columns", "password_hash"], message);
    }
    if !target.closes() {
        let needs = "but `[target] status` has no `deactivated`";
        if definition.leavers.missing == Missing::Deactivate {
            let message = format!("leavers are to be deactivated, {needs}");
            return wrong(&["leavers", "missing"], &message);
        }
        if definition.accounts.dates == Dates::Schedule {
            let message = format!("accounts are to be closed by their dates, {needs}");
            return wrong(&["accounts", "dates"], &message);
        }
    }
    Ok(())
}

fn check_groups(definition: &Definition, target: &TargetTable) -> Checked {
    let wrong = |path: &[&str], message: &str| Err(Mistake::at(path, message));
    if target.groups.is_some() != target.memberships.is_some() {
        let message = "`[target.groups]` and `[target.memberships]` must be used together";
        return wrong(&["target"], message);
    }
    let groups = &definition.groups;
    if target.groups.is_none() && groups.required {
        let message = "groups are required, but there is no `[target.groups]`";
        return wrong(&["groups", "required"], message);
    }
    if groups.join_parents || groups.role_mark.is_some() || !groups.roles.is_empty() {
        let message = "a target's groups have no roles and no groups above them: leave out \
            `join_parents`, `role_mark` and `roles`";
        return wrong(&["groups"], message);
    }
    Ok(())
}

fn check_columns(target: &TargetTable) -> Checked {
    for name in target.columns.keys() {
        let is_text = COLUMNS.iter().any(|field| {
            field.name() == name
                && !matches!(field, Field::Role | Field::Status | Field::OtherRoles)
        });
        let attribute = name.strip_prefix(ATTRIBUTES);
        if !is_text && attribute.is_none_or(str::is_empty) {
            let message = match name.as_str() {
                "role" | "status" => {
                    format!("`{name}` belongs under `[target]`, not `[target.columns]`")
                }
                _ => format!(
                    "`{name}` is neither a field that a column can hold nor \
                    `attributes.NAME`"
                ),
            };
            return Err(Mistake::at(&["target", "columns", name], message));
        }
    }
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (column, what) in named_columns(target) {
        if let Some(earlier) = seen.insert(column, what) {
            let message = format!("the column `{column}` is both `{earlier}` and `{what}`");
            return Err(Mistake::at(&["target"], message).word(column));
        }
    }
    for fill in target.defaults.values() {
        if let Fill::Field { field } = fill
            && !target.columns.contains_key(field)
        {
            let message = format!("`{field}` has no column under `[target.columns]`");
            return Err(Mistake::at(&["target", "defaults"], message).word(field));
        }
    }
    Ok(())
}

/// Every column that `[target]` gives something to hold, and what.
fn named_columns(target: &TargetTable) -> Vec<(&str, &str)> {
    let fields = target.columns.iter();
    let mut all: Vec<(&str, &str)> = fields
        .map(|(name, column)| (column.as_str(), name.as_str()))
        .collect();
    for (column, what) in [
        (&target.id, "id"),
        (&target.created, "created"),
        (&target.updated, "updated"),
    ] {
        all.extend(column.iter().map(|column| (column.as_str(), what)));
    }
    let status = target.status.iter();
    all.extend(status.map(|status| (status.column.as_str(), "status")));
    all.extend(target.role.iter().map(|role| (role.column(), "role")));
    all.extend(target.only.keys().map(|column| (column.as_str(), "only")));
    all
}

/// Refuses an onboarding that the table can't keep. Asked before a run, because an option may say
/// another than the pipeline.
///
/// # Errors
/// `pipeline.invalid`.
pub fn check_onboarding(target: &TargetTable, accounts: &Accounts) -> Result<()> {
    let status = target.status.as_ref();
    let invites = status.is_some_and(|status| status.invited.is_some());
    if accounts.onboarding == Onboarding::Setup || invites {
        return Ok(());
    }
    let what = format!(
        "`onboarding` is \"invite\", but the status column of `{}` has no value for invited people",
        target.table
    );
    Err(Refusal::new(Code::PipelineInvalid, what)
        .help("set `onboarding = \"setup\"` under `[accounts]`, or `invited` in `[target] status`"))
}

#[cfg(test)]
mod tests {
    use crate::definition::{UpdatePolicy, parse};
    use crate::field::Field;

    const GOOD: &str = "name = \"p\"\n[target]\ntable = \"users\"\n[target.columns]\nemail = \"mail\"\n\"attributes.badge\" = \"badge\"\n";

    #[test]
    fn what_has_no_column_is_left_out_everywhere() {
        let definition = parse("p", GOOD).unwrap().definition;
        let update = &definition.update;
        assert_eq!(update.of(Field::Email), UpdatePolicy::Overwrite);
        for field in [
            Field::ExternalId,
            Field::Phone,
            Field::Status,
            Field::AddGroups,
        ] {
            assert_eq!(update.of(field), UpdatePolicy::Never, "{}", field.name());
        }
        assert_eq!(update.of_attribute("badge"), UpdatePolicy::Overwrite);
        assert_eq!(update.of_attribute("colour"), UpdatePolicy::Never);
        assert_eq!(definition.require.fields, ["email"]);
        assert_eq!(definition.matching.by, ["email"]);
    }

    #[test]
    fn what_cannot_be_meant_is_said_without_a_database() {
        for (more, words) in [
            ("phone = \"mail\"", "`mail` is both `email` and `phone`"),
            ("fone = \"x\"", "`fone` is neither a field"),
            ("role = \"x\"", "`role` belongs under `[target]`"),
            ("[leavers]\nmissing = \"deactivate\"", "no `deactivated`"),
            ("[update]\ndefault = \"own\"", "who wrote a value last"),
            ("[match]\nby = [\"username\"]", "matched by `username`"),
            (
                "[target.groups]\ntable = \"g\"\nname = \"n\"",
                "be used together",
            ),
            (
                "[target.defaults]\nx = { field = \"phone\" }",
                "`phone` has no column",
            ),
            ("[groups]\nrequired = true", "no `[target.groups]`"),
        ] {
            let refusal = parse("p", &format!("{GOOD}{more}\n")).unwrap_err();
            assert!(refusal.what.contains(words), "{more}: {}", refusal.what);
        }
    }
}
