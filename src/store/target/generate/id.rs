//! Ids of an application's table, and the uuids that they are to muster.

use crate::store::target::describe::Column;

/// What kind of id a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::target) enum IdKind {
    Number,
    Uuid,
    Text,
}

/// The column of a table's ids.
pub(in crate::store::target) struct Id {
    pub(in crate::store::target) column: Column,
    pub(in crate::store::target) kind: IdKind,
}

impl Id {
    pub(in crate::store::target) fn of(column: &Column) -> Option<Id> {
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
    pub(in crate::store::target) fn is_ours(&self) -> bool {
        match self.kind {
            IdKind::Uuid => true,
            IdKind::Text => self.column.default.is_none(),
            IdKind::Number => false,
        }
    }

    /// The uuid that a value of the column represents, where nobody chose another.
    pub(super) fn uuid(&self, value: &str) -> String {
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
    pub(super) fn native(&self, key: &str) -> String {
        match self.kind {
            IdKind::Uuid => format!("{key}::uuid"),
            IdKind::Number => format!("{key}::bigint"),
            IdKind::Text => key.to_string(),
        }
    }

    /// The condition that a row, by its column `value`, is that of the link with this key.
    pub(super) fn is(&self, value: &str, key: &str) -> String {
        match self.kind {
            IdKind::Text => format!("{value}::text = {key}"),
            _ => format!("{value} = ({})", self.native(key)),
        }
    }

    /// The index by which a row finds its link, and from which the planner knows how many there are.
    pub(super) fn index(&self, table: &str) -> String {
        match self.kind {
            IdKind::Text => String::new(),
            _ => format!(
                "create unique index if not exists {table}_native on muster.{table} (({}));\n",
                self.native("key")
            ),
        }
    }
}
