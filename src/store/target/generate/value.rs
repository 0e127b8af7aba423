//! Expressions: how a value of the table is read as muster's, and how muster's is written.

use std::fmt::Write;

use crate::definition::target::{Fill, Literal, RoleColumn, StatusColumn, TargetTable, Values};
use crate::store::target::describe::Column;
use crate::store::target::quote::{literal, text};
use crate::store::target::{Plan, is_clock};

/// A value of a column as the field's text.
pub(super) fn read(column: &Column) -> String {
    let value = format!("u.{}", column.quoted());
    match column.is_text() {
        // What a table can't leave empty holds an empty text.
        true => format!("nullif({value}::text collate pg_catalog.\"default\", '')"),
        false => format!("{value}::text"),
    }
}

/// A field's text as a value of a column. Text goes in without a cast: a cast would cut it.
pub(super) fn write_as(column: &Column, value: &str) -> String {
    match column.is_text() || column.category == 'D' && value.ends_with("_date") {
        true => value.to_string(),
        false => format!("{value}::{}", column.kind),
    }
}

pub(super) fn typed(column: &Column, value: &Literal) -> String {
    format!("{}::{}", literal(value), column.kind)
}

pub(super) fn clock_read(column: &Column) -> String {
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

pub(super) fn clock_write(column: &Column, value: &str) -> String {
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

pub(super) fn status_read(plan: &Plan) -> String {
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

pub(super) fn status_write(status: &StatusColumn, column: &Column) -> String {
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

pub(super) fn role_read(plan: &Plan) -> String {
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

pub(super) fn role_write(role: &RoleColumn, column: &Column) -> String {
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

/// What a new row gets for a column that has nothing from its field.
pub(super) fn fallback(plan: &Plan, column: &Column) -> Option<String> {
    let fill = plan.target.defaults.get(&column.name);
    fill.and_then(|fill| fill_value(plan.target, plan, column, fill))
        .or_else(|| column.default.clone())
        .or_else(|| {
            let empty = column.is_text() && column.is_not_null && !plan.is_unique(&column.name);
            empty.then(|| "''".to_string())
        })
}

pub(super) fn fill_value(
    target: &TargetTable,
    plan: &Plan,
    column: &Column,
    fill: &Fill,
) -> Option<String> {
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
