//! The views that stand for muster's accounts, groups and memberships, and the triggers that write
//! through them, as SQL text.
//!
//! Ids are uuids for muster, whatever they are in the table: a number by its hexadecimal digits, text
//! by its own form or its MD5. Rows that muster makes have the uuid that it chose. `muster.links` has
//! every row's, by which an index finds it; rows that the application made since are entered before
//! each run (`known`). The views join it by an inner join: what is on the far side of an outer one
//! can't be locked.

use std::fmt::Write;

use super::describe::{Column, Table};
use super::quote::{Quoted, literal, text};
use super::{Plan, is_clock};
use crate::account::COLUMNS;
use crate::definition::target::{Fill, Literal, RoleColumn, StatusColumn, TargetTable, Values};
use crate::field::Field;

/// What kind of id a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdKind {
    Number,
    Uuid,
    Text,
}

/// The column of a table's ids.
pub(super) struct Id {
    pub(super) column: Column,
    pub(super) kind: IdKind,
}

impl Id {
    pub(super) fn of(column: &Column) -> Option<Id> {
        let kind = match column.base.as_str() {
            "int2" | "int4" | "int8" => IdKind::Number,
            "uuid" => IdKind::Uuid,
            _ if column.is_text() => IdKind::Text,
            _ => return None,
        };
        Some(Id {
            column: column.clone(),
            kind,
        })
    }

    /// Whether muster's own uuid becomes the id of a new row.
    pub(super) fn is_ours(&self) -> bool {
        match self.kind {
            IdKind::Uuid => true,
            IdKind::Text => self.column.default.is_none(),
            IdKind::Number => false,
        }
    }

    /// The uuid that a value of the column stands for, where nobody chose another.
    fn uuid(&self, value: &str) -> String {
        match self.kind {
            IdKind::Uuid => format!("{value}::uuid"),
            IdKind::Number => format!("lpad(to_hex({value}::bigint), 32, '0')::uuid"),
            IdKind::Text => format!(
                "case when {value}::text ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$' \
                 then {value}::text::uuid else md5({value}::text)::uuid end"
            ),
        }
    }

    /// What the key of a link is as a value of the column; indexed as such.
    fn native(&self, key: &str) -> String {
        match self.kind {
            IdKind::Uuid => format!("{key}::uuid"),
            IdKind::Number => format!("{key}::bigint"),
            IdKind::Text => key.to_string(),
        }
    }

    /// The condition that a row, by its column `value`, is that of the link with this key.
    fn is(&self, value: &str, key: &str) -> String {
        match self.kind {
            IdKind::Text => format!("{value}::text = {key}"),
            _ => format!("{value} = ({})", self.native(key)),
        }
    }

    /// The index by which a row finds its link, and from which the planner knows how many there are.
    fn index(&self, table: &str) -> String {
        match self.kind {
            IdKind::Text => String::new(),
            _ => format!(
                "create unique index if not exists {table}_native on muster.{table} (({}));\n",
                self.native("key")
            ),
        }
    }
}

/// The statements that make the view of the accounts, in order.
pub(super) fn accounts(plan: &Plan) -> String {
    let mut sql = plan.id.index("links");
    sql += &account_view(plan);
    sql += &account_insert(plan);
    sql += &account_update(plan);
    sql += &account_delete(plan);
    sql += &triggers("accounts", &["insert", "update", "delete"]);
    sql
}

fn triggers(part: &str, events: &[&str]) -> String {
    let mut sql = String::new();
    for event in events {
        let _ = write!(
            sql,
            "create trigger target_{event} instead of {event} on muster.{part}\n    \
             for each row execute function muster.target_{part}_{event}();\n"
        );
    }
    sql
}

/// A trigger's function. It runs with the search path of whoever made it: the table's own triggers
/// may count on one, and the function by which people come in has none.
fn function(part: &str, event: &str, declare: &str, body: &str) -> String {
    format!(
        "create or replace function muster.target_{part}_{event}() returns trigger\n\
         language plpgsql set search_path from current as $muster$\n\
         #variable_conflict use_column\n\
         declare\n{declare}begin\n{body}end\n$muster$;\n\
         revoke execute on function muster.target_{part}_{event} from public;\n"
    )
}

/// A value of a column as the field's text.
fn read(column: &Column) -> String {
    let value = format!("u.{}", column.quoted());
    match column.is_text() {
        // What a table can't leave empty holds an empty text.
        true => format!("nullif({value}::text collate pg_catalog.\"default\", '')"),
        false => format!("{value}::text"),
    }
}

/// A field's text as a value of a column. Text goes in without a cast: a cast would cut it.
fn write_as(column: &Column, value: &str) -> String {
    match column.is_text() || column.category == 'D' && value.ends_with("_date") {
        true => value.to_string(),
        false => format!("{value}::{}", column.kind),
    }
}

/// A field that has a column of its own, and the name by which triggers know its value.
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
    let attributes: Vec<String> = attribute_pairs(plan)
        .iter()
        .map(|(name, column)| format!("{}, {}", text(name), read(column)))
        .collect();
    parts.push((
        match attributes.is_empty() {
            true => "'{}'::jsonb".to_string(),
            false => format!(
                "jsonb_strip_nulls(jsonb_build_object({}))",
                attributes.join(", ")
            ),
        },
        "attributes",
    ));
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
    format!(
        "create view muster.accounts as\nselect\n{}\nfrom {} u\njoin muster.links link on {}{};\n",
        list.join(",\n"),
        plan.accounts.name,
        plan.id.is(&format!("u.{id}"), "link.key"),
        only(plan, "where")
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

fn typed(column: &Column, value: &Literal) -> String {
    format!("{}::{}", literal(value), column.kind)
}

fn clock_read(column: &Column) -> String {
    let value = format!("u.{}", column.quoted());
    match column.base.as_str() {
        "timestamptz" => format!("{value}::timestamptz"),
        "timestamp" => format!("({value}::timestamp at time zone 'utc')"),
        "date" => format!("({value}::timestamp at time zone 'utc')"),
        // Milliseconds since 1970, as Java has them; seconds fit in four bytes.
        "int8" => format!("to_timestamp({value} / 1000.0)"),
        _ => format!("to_timestamp({value})"),
    }
}

fn clock_write(column: &Column, value: &str) -> String {
    match column.base.as_str() {
        "timestamptz" => value.to_string(),
        "timestamp" => format!("{value} at time zone 'utc'"),
        "date" => format!("({value} at time zone 'utc')::date"),
        "int8" => format!("(extract(epoch from {value}) * 1000)::bigint"),
        _ => format!("extract(epoch from {value})::integer"),
    }
}

/// Whether a row has one of these values.
fn has_value(column: &Column, values: &Values) -> String {
    let quoted = format!("u.{}", column.quoted());
    let one = |value: &Literal| match (is_clock(column), value) {
        (true, Literal::Text(word)) if word == "set" => format!("{quoted} is not null"),
        (true, _) => format!("{quoted} is null"),
        (false, value) => format!("{quoted} = {}", typed(column, value)),
    };
    let all: Vec<String> = values.as_slice().iter().map(one).collect();
    all.join(" or ")
}

fn status_read(plan: &Plan) -> String {
    let Some((status, column)) = plan.status() else {
        return "'active'::text".to_string();
    };
    let mut cases = String::new();
    for (values, word) in [
        (Some(&status.active), "active"),
        (status.deactivated.as_ref(), "deactivated"),
        (status.invited.as_ref(), "invited"),
    ] {
        if let Some(values) = values {
            let _ = write!(cases, " when {} then '{word}'", has_value(column, values));
        }
    }
    // A word that nobody explained lets nobody in.
    format!("case{cases} else 'deactivated' end")
}

fn status_value(column: &Column, values: &Values) -> String {
    match values.as_slice().first() {
        Some(Literal::Text(word)) if is_clock(column) && word == "set" => {
            clock_write(column, "now()")
        }
        Some(_) if is_clock(column) => "null".to_string(),
        Some(value) => typed(column, value),
        None => "null".to_string(),
    }
}

fn status_write(status: &StatusColumn, column: &Column) -> String {
    let active = status_value(column, &status.active);
    let of = |values: &Option<Values>| {
        let values = values.as_ref();
        values.map_or_else(|| active.clone(), |values| status_value(column, values))
    };
    format!(
        "case new.status when 'deactivated' then {} when 'invited' then {} else {active} end",
        of(&status.deactivated),
        of(&status.invited)
    )
}

fn role_read(plan: &Plan) -> String {
    let Some((role, column)) = plan.role() else {
        return "''::text".to_string();
    };
    match role {
        RoleColumn::Plain(_) => format!("coalesce({}, '')", read(column)),
        RoleColumn::Mapped { values, .. } => {
            let cases: String = values
                .iter()
                .map(|(word, value)| {
                    format!(
                        " when u.{} = {} then {}",
                        column.quoted(),
                        typed(column, value),
                        text(word)
                    )
                })
                .collect();
            format!("case{cases} else coalesce({}, '') end", read(column))
        }
    }
}

fn role_write(role: &RoleColumn, column: &Column) -> String {
    match role {
        RoleColumn::Plain(_) => write_as(column, "new.role"),
        RoleColumn::Mapped { values, .. } => {
            let cases: String = values
                .iter()
                .map(|(word, value)| format!(" when {} then {}", text(word), typed(column, value)))
                .collect();
            format!("case new.role{cases} end")
        }
    }
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

/// What a new row gets for a column that has nothing from its field.
fn fallback(plan: &Plan, column: &Column) -> Option<String> {
    let fill = plan.target.defaults.get(&column.name);
    fill.and_then(|fill| fill_value(plan.target, plan, column, fill))
        .or_else(|| column.default.clone())
        .or_else(|| {
            let empty = column.is_text() && column.is_not_null && !plan.is_unique(&column.name);
            empty.then(|| "''".to_string())
        })
}

fn fill_value(target: &TargetTable, plan: &Plan, column: &Column, fill: &Fill) -> Option<String> {
    Some(match fill {
        Fill::Value(value) => typed(column, value),
        Fill::Sql { sql } => format!("({sql})"),
        Fill::Field { field } => {
            let name = target.columns.get(field)?;
            plan.accounts.column(name)?;
            let value = match field.strip_prefix("attributes.") {
                Some(name) => format!("(new.attributes ->> {})", text(name)),
                None => format!("new.{field}"),
            };
            let value = write_as(column, &value);
            match column.is_not_null {
                true => format!("coalesce({value}, gen_random_uuid()::text)"),
                false => value,
            }
        }
    })
}

/// Columns and values of a new row, its id aside.
fn inserted(plan: &Plan) -> Vec<(String, String)> {
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
    let _ = write!(
        body,
        "    if muster_key is null then\n        raise exception using message = {};\n    end if;\n    \
         insert into muster.links (key, account_id, email, email_key, username, username_key, run_id, run_row, made_at, written_at, version)\n    \
         values (\n        muster_key, new.id, {email}, {email_key}, {username}, {username_key},\n        \
         new.run_id, new.run_row, coalesce(new.created_at, now()), coalesce(new.updated_at, now()), muster_version\n    )\n    \
         on conflict (key) do update\n    set account_id = excluded.account_id, email = excluded.email, email_key = excluded.email_key,\n        \
         username = excluded.username, username_key = excluded.username_key, run_id = excluded.run_id, run_row = excluded.run_row,\n        \
         made_at = excluded.made_at, written_at = excluded.written_at, version = excluded.version;\n    \
         new.native_key := muster_key;\n    return new;\n",
        text(&message)
    );
    function(
        "accounts",
        "insert",
        "    muster_key text;\n    muster_version xid;\n    muster_role constant text := null;\n",
        &body,
    )
}

/// What an update writes: only what another value stands in than before, for a value that muster
/// can't show exactly must survive.
fn updated(plan: &Plan) -> Vec<String> {
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
    let body = format!(
        "{guards}    update {table} u\n    set {sets}\n    \
         where u.{id} = old.native_key::{kind} and u.xmin = old.xmin\n    returning u.xmin into muster_version;\n    \
         -- Somebody else wrote the row since it was read.\n    \
         if not found then\n        return null;\n    end if;\n    \
         update muster.links set email = {email}, email_key = {email_key}, username = {username}, \
         username_key = {username_key},\n        written_at = now(), version = muster_version\n    \
         where key = old.native_key;\n    \
         return new;\n",
        guards = guards(plan),
        table = plan.accounts.name,
        kind = plan.id.column.kind,
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
    let (id, kind, table) = (
        plan.id.column.quoted(),
        &plan.id.column.kind,
        &plan.accounts.name,
    );
    let memberships = match &plan.memberships {
        Some(members) => format!(
            "    delete from {} m where m.{} = old.native_key::{kind};\n    \
             delete from muster.membership_links where account_key = old.native_key;\n",
            members.table.name,
            members.account.quoted()
        ),
        None => "    delete from muster.memberships where account_id = old.id;\n".to_string(),
    };
    let body = format!(
        "    perform from {table} u where u.{id} = old.native_key::{kind} and u.xmin = old.xmin for update;\n    \
         if not found then\n        return null;\n    end if;\n{memberships}    \
         delete from {table} u where u.{id} = old.native_key::{kind};\n    \
         delete from muster.credentials where account_id = old.id;\n    \
         delete from muster.absences where account_id = old.id;\n    \
         update muster.invitations set account_id = null where account_id = old.id;\n    \
         delete from muster.links where key = old.native_key;\n    \
         return old;\n"
    );
    function("accounts", "delete", "", &body)
}

/// The statements that enter rows of the tables which muster doesn't know yet.
pub(super) fn known(plan: &Plan) -> Vec<String> {
    let id = plan.id.column.quoted();
    let created = plan.column(plan.target.created.as_deref()).map(clock_read);
    let missing = format!(
        "not exists (select from muster.links link where {})",
        plan.id.is(&format!("u.{id}"), "link.key")
    );
    let only = only(plan, "and");
    let mut all = vec![format!(
        "insert into muster.links (key, account_id, made_at, written_at, version)\n\
         select u.{id}::text, {}, coalesce({}, 'epoch'), 'epoch', '0'\nfrom {} u\nwhere {missing}{only}\n\
         on conflict do nothing",
        plan.id.uuid(&format!("u.{id}")),
        created.unwrap_or_else(|| "null::timestamptz".to_string()),
        plan.accounts.name,
    )];
    if let (Some(table), Some(id)) = (&plan.groups, &plan.group_id) {
        let key = format!("g.{}", id.column.quoted());
        all.push(format!(
            "insert into muster.group_links (key, group_id, made_at)\n\
             select {key}::text, {}, 'epoch'\nfrom {} g\n\
             where not exists (select from muster.group_links link where {})\non conflict do nothing",
            id.uuid(&key),
            table.name,
            id.is(&key, "link.key"),
        ));
    }
    all
}

/// The table of memberships, and the columns by which it refers to the others.
pub(super) struct Members {
    pub(super) table: Table,
    pub(super) account: Column,
    pub(super) group: Column,
}

fn others(
    defaults: &std::collections::BTreeMap<String, Fill>,
    table: &Table,
) -> Vec<(String, String)> {
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
pub(super) fn groups(plan: &Plan) -> String {
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
    let _ = write!(
        sql,
        "create view muster.groups as\nselect\n    link.group_id as id,\n    {path} as path,\n    \
         (case when link.path = {path} then link.group_key else {} end collate pg_catalog.\"C\") as key,\n    \
         null::uuid as parent_id,\n    link.run_id as run_id,\n    link.made_at as created_at,\n    \
         'private'::text as visibility,\n    link.key as native_key\n\
         from {} g\njoin muster.group_links link on {};\n",
        folded(&path),
        table.name,
        id.is(&format!("g.{key}"), "link.key"),
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
    let insert = format!(
        "    insert into {} ({}) values ({})\n    on conflict do nothing returning {key}::text into muster_key;\n    \
         if muster_key is null then\n        return null;\n    end if;\n    \
         insert into muster.group_links (key, group_id, path, group_key, run_id, made_at)\n    \
         values (\n        muster_key, new.id, case when {odd} then new.path end, case when {odd} then new.key end,\n        \
         new.run_id, coalesce(new.created_at, now())\n    );\n    \
         new.native_key := muster_key;\n    return new;\n",
        table.name,
        names.join(", "),
        values.join(", ")
    );
    sql += &function("groups", "insert", "    muster_key text;\n", &insert);
    let delete = format!(
        "    delete from {} g where g.{key} = old.native_key::{};\n    \
         delete from muster.group_links where key = old.native_key;\n    return old;\n",
        table.name, id.column.kind
    );
    sql += &function("groups", "delete", "", &delete);
    sql += &triggers("groups", &["insert", "delete"]);
    sql + &memberships(plan, id)
}

fn memberships(plan: &Plan, group_id: &Id) -> String {
    let (Some(target), Some(members)) = (&plan.target.memberships, &plan.memberships) else {
        return String::new();
    };
    let (account, group) = (members.account.quoted(), members.group.quoted());
    let table = &members.table.name;
    let mut sql = format!(
        "create view muster.memberships as\nselect\n    link.account_id as account_id,\n    \
         grouping.group_id as group_id,\n    own.run_id as run_id,\n    '{{}}'::text[] as roles,\n    \
         false as inherited,\n    link.key as account_key,\n    grouping.key as group_key\n\
         from {table} m\njoin muster.links link on {}\njoin muster.group_links grouping on {}\n\
         left join muster.membership_links own on own.account_key = link.key and own.group_key = grouping.key;\n",
        plan.id.is(&format!("m.{account}"), "link.key"),
        group_id.is(&format!("m.{group}"), "grouping.key"),
    );
    let declare = "    muster_account text := (select link.key from muster.links link where link.account_id = new.account_id);\n    \
         muster_group text := (select link.key from muster.group_links link where link.group_id = new.group_id);\n";
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
    let insert = format!(
        "    insert into {table} ({})\n    select {}\n    \
         where not exists (select from {table} m where m.{account} = {to_account} and m.{group} = {to_group})\n    \
         on conflict do nothing;\n    \
         if found then\n        \
         insert into muster.membership_links (account_key, group_key, run_id)\n        \
         values (muster_account, muster_group, new.run_id)\n        \
         on conflict (account_key, group_key) do update set run_id = excluded.run_id;\n    end if;\n    return new;\n",
        names.join(", "),
        values.join(", ")
    );
    sql += &function("memberships", "insert", declare, &insert);
    sql += &function("memberships", "update", "", "    return new;\n");
    let delete = format!(
        "    delete from {table} m where m.{account} = {} and m.{group} = {};\n    \
         delete from muster.membership_links where account_key = old.account_key and group_key = old.group_key;\n    \
         return old;\n",
        cast(&members.account, "old.account_key"),
        cast(&members.group, "old.group_key"),
    );
    sql += &function("memberships", "delete", "", &delete);
    sql + &triggers("memberships", &["insert", "update", "delete"])
}

/// The columns of the accounts that muster reads, those that it fills in a new row, and those that it
/// may change later; quoted.
pub(super) struct Columns {
    pub(super) read: Vec<String>,
    pub(super) inserted: Vec<String>,
    pub(super) updated: Vec<String>,
}

/// What the triggers and the view of the accounts touch.
pub(super) fn columns(plan: &Plan) -> Columns {
    let id = plan.id.column.quoted();
    let (mut inserted, _): (Vec<String>, Vec<String>) = inserted(plan).into_iter().unzip();
    inserted.insert(0, id.clone());
    let name = |set: &String| set.split_once(" = ").map(|(name, _)| name.to_string());
    let updated: Vec<String> = updated(plan).iter().filter_map(name).collect();
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
