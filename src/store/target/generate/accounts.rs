//! The view of the accounts, and the triggers that write through it.

use std::fmt::Write;

use super::id::IdKind;
use super::value::{
    clock_read, clock_write, fallback, fill_value, read, role_read, role_write, status_read,
    status_write, typed, write_as,
};
use super::{fill, function, only, triggers};
use crate::account::COLUMNS;
use crate::definition::target::{Fill, RoleColumn};
use crate::field::Field;
use crate::store::target::Plan;
use crate::store::target::describe::Column;
use crate::store::target::quote::{Quoted, text};

/// The statements that make the view of the accounts, in order.
pub(in crate::store::target) fn accounts(plan: &Plan) -> String {
    let mut sql = plan.id.index("links");
    sql += &account_view(plan);
    sql += &account_insert(plan);
    sql += &account_update(plan);
    sql += &account_delete(plan);
    sql += &triggers("accounts", &["insert", "update", "delete"]);
    sql
}

/// A field that has a separate column, and the name by which triggers know its value.
struct Pair<'a> {
    column: &'a Column,
    value: String,
    is_key: bool,
}

impl Pair<'_> {
    fn wanted(&self) -> String {
        write_as(self.column, &format!("new.{}", self.value))
    }
}

fn is_date(field: Field) -> bool {
    matches!(field, Field::StartDate | Field::EndDate)
}

fn pairs<'a>(plan: &'a Plan<'_>) -> Vec<Pair<'a>> {
    let column = |name: &str| plan.accounts.column(name);
    let fields = COLUMNS.into_iter().filter_map(|field| {
        Some(Pair {
            column: column(plan.target.column(field)?)?,
            value: field.name().to_string(),
            is_key: matches!(field, Field::ExternalId | Field::Email | Field::Username),
        })
    });
    fields.collect()
}

fn attribute_pairs<'a>(plan: &'a Plan<'_>) -> Vec<(String, &'a Column)> {
    let attributes = plan.target.attributes();
    let pairs = attributes
        .filter_map(|(name, column)| Some((name.to_string(), plan.accounts.column(column)?)));
    pairs.collect()
}

/// The key of an address or a username: what muster kept of it, where it wrote the value and the
/// database would make another of it.
fn key_of(plan: &Plan, field: Field, column: &Column, form: &str) -> String {
    let (name, value) = (field.name(), read(column));
    let folded = plan.folding.key(&value, form);
    format!(
        "(case when link.{name} = {value} then link.{name}_key else {folded} end \
         collate pg_catalog.\"C\")"
    )
}

/// The custom attributes as one JSON object.
fn attributes(plan: &Plan) -> String {
    let pairs: Vec<String> = attribute_pairs(plan)
        .iter()
        .map(|(name, column)| format!("{}, {}", text(name), read(column)))
        .collect();
    match pairs.is_empty() {
        true => "'{}'::jsonb".to_string(),
        false => format!(
            "jsonb_strip_nulls(jsonb_build_object({}))",
            pairs.join(", ")
        ),
    }
}

fn account_view(plan: &Plan) -> String {
    let id = plan.id.column.quoted();
    let mut parts: Vec<(String, &str)> = Vec::new();
    parts.push(("link.account_id".to_string(), "id"));
    for field in COLUMNS {
        let column = plan.target.column(field);
        let column = column.and_then(|name| plan.accounts.column(name));
        let value = match (field, column) {
            (Field::Role, _) => role_read(plan),
            (Field::Status, _) => status_read(plan),
            (Field::OtherRoles, _) => "'{}'::text[]".to_string(),
            (_, Some(column)) if is_date(field) => format!("u.{}::date", column.quoted()),
            (_, None) if is_date(field) => "null::date".to_string(),
            (Field::ExternalId, Some(column)) => {
                format!("({} collate pg_catalog.\"C\")", read(column))
            }
            (_, Some(column)) => read(column),
            (Field::ExternalId, None) => "(null::text collate pg_catalog.\"C\")".to_string(),
            (_, None) => "null::text".to_string(),
        };
        parts.push((value, field.name()));
        let (key, form) = match field {
            Field::Email => ("email_key", "nfc"),
            Field::Username => ("username_key", "nfkc"),
            _ => continue,
        };
        let value = column.map_or_else(
            || "(null::text collate pg_catalog.\"C\")".to_string(),
            |column| key_of(plan, field, column, form),
        );
        parts.push((value, key));
    }
    parts.push((attributes(plan), "attributes"));
    parts.push(("link.run_id".to_string(), "run_id"));
    parts.push(("link.run_row".to_string(), "run_row"));
    parts.push(("link.made_at".to_string(), "created_at"));
    // A version that muster didn't write has another time than any of muster's writes.
    let others = match plan.column(plan.target.updated.as_deref()).map(clock_read) {
        Some(updated) => format!("coalesce(nullif({updated}, link.written_at), now())"),
        None => "now()".to_string(),
    };
    parts.push((
        format!("case when link.version = u.xmin then link.written_at else {others} end"),
        "updated_at",
    ));
    parts.push(("null::jsonb".to_string(), "edits"));
    parts.push(("u.xmin".to_string(), "xmin"));
    parts.push(("link.key".to_string(), "native_key"));
    let list: Vec<String> = parts
        .iter()
        .map(|(value, name)| format!("    {value} as {name}"))
        .collect();
    fill(
        include_str!("sql/accounts_view.sql"),
        &[
            ("list", &list.join(",\n")),
            ("table", &plan.accounts.name),
            ("is_linked", &plan.id.is(&format!("u.{id}"), "link.key")),
            ("only", &only(plan, "where")),
        ],
    )
}

/// What the table can't hold is refused in words that name it.
fn guards(plan: &Plan) -> String {
    let mut sql = String::new();
    let closes = plan
        .status()
        .is_some_and(|(status, _)| status.deactivated.is_some());
    if !closes {
        let what = format!(
            "{}: `[target] status` has no value for `deactivated`",
            plan.accounts.shown
        );
        let _ = write!(
            sql,
            "    if new.status = 'deactivated' then\n        raise exception using message = {};\n    end if;\n",
            text(&what)
        );
    }
    if let Some((RoleColumn::Mapped { values, .. }, column)) = plan.role() {
        let known: Vec<String> = values.keys().map(|word| text(word)).collect();
        let what = format!("`{}` has no value for the role `", column.name);
        let changed = "new.role is not null and new.role <> ''";
        let _ = write!(
            sql,
            "    if {changed} and new.role not in ({}) and new.role is distinct from muster_role then\n        \
             raise exception using message = {} || new.role || '`';\n    end if;\n",
            known.join(", "),
            text(&what)
        );
    }
    sql
}

/// The odd keys of a row: a value and its key, where the database would make another of it.
fn odd_keys(plan: &Plan) -> [String; 4] {
    let odd = |field: Field, form: &str| {
        let name = field.name();
        if plan.target.column(field).is_none() {
            return ["null".to_string(), "null".to_string()];
        }
        let folded = plan.folding.key(&format!("new.{name}"), form);
        let is_odd = format!("{folded} is distinct from new.{name}_key");
        [
            format!("case when {is_odd} then new.{name} end"),
            format!("case when {is_odd} then new.{name}_key end"),
        ]
    };
    let [email, email_key] = odd(Field::Email, "nfc");
    let [username, username_key] = odd(Field::Username, "nfkc");
    [email, email_key, username, username_key]
}

/// Columns and values of a new row, its id aside.
pub(super) fn inserted(plan: &Plan) -> Vec<(String, String)> {
    let mut columns: Vec<(String, String)> = Vec::new();
    let with_fallback = |column: &Column, value: String| match fallback(plan, column) {
        Some(fallback) => format!("coalesce({value}, {fallback})"),
        None => value,
    };
    for pair in pairs(plan) {
        columns.push((
            pair.column.quoted(),
            with_fallback(pair.column, pair.wanted()),
        ));
    }
    for (name, column) in attribute_pairs(plan) {
        let value = write_as(column, &format!("(new.attributes ->> {})", text(&name)));
        columns.push((column.quoted(), with_fallback(column, value)));
    }
    if let Some((status, column)) = plan.status() {
        columns.push((column.quoted(), status_write(status, column)));
    }
    if let Some((role, column)) = plan.role() {
        columns.push((
            column.quoted(),
            with_fallback(column, role_write(role, column)),
        ));
    }
    if let Some(column) = plan.column(plan.target.created.as_deref()) {
        columns.push((
            column.quoted(),
            clock_write(column, "coalesce(new.created_at, now())"),
        ));
    }
    if let Some(column) = plan.column(plan.target.updated.as_deref()) {
        columns.push((
            column.quoted(),
            clock_write(column, "coalesce(new.updated_at, now())"),
        ));
    }
    for (name, value) in &plan.target.only {
        if let Some(column) = plan.accounts.column(name) {
            columns.push((column.quoted(), typed(column, value)));
        }
    }
    for (name, fill) in &plan.target.defaults {
        let quoted = Quoted(name).to_string();
        if columns.iter().all(|(column, _)| *column != quoted)
            && let Some(column) = plan.accounts.column(name)
            && let Some(value) = fill_value(plan.target, plan, column, fill)
        {
            columns.push((quoted, value));
        }
    }
    columns
}

fn insert_statement(plan: &Plan, id: Option<&str>) -> String {
    let mut columns = inserted(plan);
    let key = plan.id.column.quoted();
    let overriding = match id {
        Some(value) => {
            columns.insert(0, (key.clone(), value.to_string()));
            " overriding system value"
        }
        None => "",
    };
    let (names, values): (Vec<String>, Vec<String>) = columns.into_iter().unzip();
    format!(
        "insert into {} ({}){overriding}\n    values (\n        {}\n    )\n    \
         returning {key}::text, xmin into muster_key, muster_version;\n",
        plan.accounts.name,
        names.join(", "),
        values.join(",\n        ")
    )
}

fn account_insert(plan: &Plan) -> String {
    let mut body = guards(plan);
    let kind = &plan.id.column.kind;
    if plan.id.is_ours() {
        let id = match plan.id.kind {
            IdKind::Uuid => format!("coalesce(new.native_key, new.id::text)::{kind}"),
            _ => "coalesce(new.native_key, new.id::text)".to_string(),
        };
        let _ = write!(body, "    {}", insert_statement(plan, Some(&id)));
    } else {
        let again = match plan.id.kind {
            IdKind::Text => "new.native_key".to_string(),
            _ => format!("new.native_key::{kind}"),
        };
        let _ = write!(
            body,
            "    if new.native_key is null then\n    {}    else\n    {}    end if;\n",
            insert_statement(plan, None),
            insert_statement(plan, Some(&again))
        );
    }
    let message = format!("a trigger of `{}` left the row out", plan.accounts.shown);
    let [email, email_key, username, username_key] = odd_keys(plan);
    body += &fill(
        include_str!("sql/accounts_insert.sql"),
        &[
            ("message", &text(&message)),
            ("email", &email),
            ("email_key", &email_key),
            ("username", &username),
            ("username_key", &username_key),
        ],
    );
    function(
        "accounts",
        "insert",
        "    muster_key text;\n    muster_version xid;\n    muster_role constant text := null;\n",
        &body,
    )
}

/// What an update writes: only what another value is in than before, for a value that muster can't
/// show exactly must survive.
pub(super) fn updated(plan: &Plan) -> Vec<String> {
    let mut sets = Vec::new();
    let mut set = |column: &Column, changed: &str, value: String| {
        let name = column.quoted();
        sets.push(format!(
            "{name} = case when {changed} then {value} else u.{name} end"
        ));
    };
    let changed = |value: &str| format!("new.{value} is distinct from old.{value}");
    for pair in pairs(plan) {
        let column = pair.column;
        let is_unique = plan.is_unique(&column.name);
        let value = match column.is_not_null && column.is_text() {
            // Accounts that trade keys let go of both first; the table wants something meanwhile.
            true if is_unique && pair.is_key => format!(
                "coalesce({}, case when new.email_key is null and new.username_key is null then {} end)",
                pair.wanted(),
                placeholder(column)
            ),
            true if !is_unique => format!("coalesce({}, '')", pair.wanted()),
            _ => pair.wanted(),
        };
        set(column, &changed(&pair.value), value);
    }
    for (name, column) in attribute_pairs(plan) {
        let (new, old) = (
            format!("(new.attributes ->> {})", text(&name)),
            format!("(old.attributes ->> {})", text(&name)),
        );
        let mut value = write_as(column, &new);
        if column.is_not_null && column.is_text() {
            value = format!("coalesce({value}, '')");
        }
        set(column, &format!("{new} is distinct from {old}"), value);
    }
    if let Some((status, column)) = plan.status() {
        set(column, &changed("status"), status_write(status, column));
    }
    if let Some((role, column)) = plan.role() {
        set(column, &changed("role"), role_write(role, column));
    }
    for (name, fill) in &plan.target.defaults {
        if let Fill::Field { field } = fill
            && let Some(column) = plan.accounts.column(name)
            && let Some(value) = fill_value(plan.target, plan, column, fill)
        {
            let differs = match field.strip_prefix("attributes.") {
                Some(name) => {
                    let name = text(name);
                    format!(
                        "(new.attributes ->> {name}) is distinct from (old.attributes ->> {name})"
                    )
                }
                None => changed(field),
            };
            set(column, &differs, value);
        }
    }
    if let Some(column) = plan.column(plan.target.updated.as_deref()) {
        sets.push(format!(
            "{} = {}",
            column.quoted(),
            clock_write(column, "now()")
        ));
    }
    sets
}

fn placeholder(column: &Column) -> String {
    let random = "replace(gen_random_uuid()::text, '-', '')";
    match column.length {
        Some(length) if length < 32 => format!("left({random}, {length})"),
        _ => random.to_string(),
    }
}

fn account_update(plan: &Plan) -> String {
    let id = plan.id.column.quoted();
    let sets = updated(plan);
    let sets = match sets.is_empty() {
        true => format!("{id} = u.{id}"),
        false => sets.join(",\n        "),
    };
    let [email, email_key, username, username_key] = odd_keys(plan);
    let body = fill(
        include_str!("sql/accounts_update.sql"),
        &[
            ("guards", &guards(plan)),
            ("table", &plan.accounts.name),
            ("sets", &sets),
            ("id", &id),
            ("kind", &plan.id.column.kind),
            ("email", &email),
            ("email_key", &email_key),
            ("username", &username),
            ("username_key", &username_key),
        ],
    );
    function(
        "accounts",
        "update",
        "    muster_version xid;\n    muster_role constant text := old.role;\n",
        &body,
    )
}

/// What hung on an account goes with it, as with muster's own.
fn account_delete(plan: &Plan) -> String {
    let kind = &plan.id.column.kind;
    let memberships = match &plan.memberships {
        Some(members) => fill(
            include_str!("sql/accounts_delete_memberships.sql"),
            &[
                ("table", &members.table.name),
                ("account", &members.account.quoted()),
                ("kind", kind),
            ],
        ),
        None => "    delete from muster.memberships where account_id = old.id;\n".to_string(),
    };
    let body = fill(
        include_str!("sql/accounts_delete.sql"),
        &[
            ("table", &plan.accounts.name),
            ("id", &plan.id.column.quoted()),
            ("kind", kind),
            ("memberships", &memberships),
        ],
    );
    function("accounts", "delete", "", &body)
}
