//! The columns of ledgers and plan files, as they are asked for: some are found under several names, and
//! a plan's `email` is the new address or, where it stays, the old one.

use polars_lazy::prelude::{Expr, col};

use super::planfile;
use crate::definition::nearest;
use crate::field::Field;
use crate::issue::Code;
use crate::leaver::LeaverAction;
use crate::outcome::Outcome;
use crate::rule::Rule;

/// Why a filter, or a column's name, can't be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where, in bytes from the beginning of the text.
    pub at: usize,
    /// What is wrong; lower case, no full stop.
    pub what: String,
    /// What would be right.
    pub help: String,
}

impl Mistake {
    pub(super) fn new(at: usize, what: impl Into<String>, help: impl Into<String>) -> Mistake {
        Mistake {
            at,
            what: what.into(),
            help: help.into(),
        }
    }
}

/// What a column's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers.
    Number,
    /// Text.
    Text,
    /// Words with commas between.
    Words,
}

/// A column that can be asked for.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: Kind,
    /// Whether its values are personal.
    pub is_personal: bool,
    /// The values that it may have; empty where it may have any.
    pub(super) known: Vec<&'static str>,
    /// The columns of the file that it is read from: the first that has a value counts.
    sources: Vec<String>,
}

impl Column {
    fn new(name: impl Into<String>, kind: Kind) -> Column {
        let name = name.into();
        Column {
            sources: vec![name.clone()],
            name,
            kind,
            is_personal: false,
            known: Vec::new(),
        }
    }

    fn known(self, known: impl Iterator<Item = &'static str>) -> Column {
        Column {
            known: known.collect(),
            ..self
        }
    }

    /// The columns of the file that it is read from.
    pub(super) fn needs(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().map(String::as_str)
    }

    /// Its values.
    pub(super) fn expr(&self) -> Expr {
        let mut sources = self.sources.iter().map(|name| col(name.as_str()));
        let first = sources.next().unwrap_or_else(|| col(self.name.as_str()));
        sources.fold(first, Expr::fill_null)
    }

    /// The values that it may have, for a message.
    pub(super) fn known_shown(&self) -> String {
        const SHOWN_MAX: usize = 12;
        let shown: Vec<&str> = self.known.iter().copied().take(SHOWN_MAX).collect();
        let more = if self.known.len() > SHOWN_MAX {
            ", …"
        } else {
            ""
        };
        shown.join(", ") + more
    }
}

/// The columns of a file.
#[derive(Debug)]
pub struct Columns(Vec<Column>);

/// Other names of columns.
const ALIASES: [(&str, &str); 5] = [
    ("code", "issues"),
    ("codes", "issues"),
    ("issue", "issues"),
    ("outcome", "action"),
    ("action", "outcome"),
];

impl Columns {
    /// Those of a ledger.
    pub(super) fn of_ledger() -> Columns {
        Columns(vec![
            Column::new("row", Kind::Number),
            Column::new("file", Kind::Text),
            Column::new("line", Kind::Number),
            Column::new("byte", Kind::Number),
            Column::new("outcome", Kind::Text).known(Outcome::ALL.into_iter().map(Outcome::name)),
            Column::new("account", Kind::Text),
            Column::new("duplicate_of", Kind::Number),
            Column::new("cleaned", Kind::Words).known(Rule::ALL.iter().map(|rule| rule.name())),
            Column::new("issues", Kind::Words).known(Code::ALL.iter().map(|code| code.name())),
        ])
    }

    /// Those of a plan file.
    pub(super) fn of_plan() -> Columns {
        let mut actions: Vec<&str> = Outcome::ALL.into_iter().map(Outcome::name).collect();
        let leaver_actions = LeaverAction::ALL.into_iter().map(LeaverAction::name);
        actions
            .extend(leaver_actions.filter(|leaver_action| *leaver_action != Outcome::Held.name()));
        let mut columns = vec![
            Column::new("row", Kind::Number),
            Column::new("file", Kind::Text),
            Column::new("sheet", Kind::Text),
            Column::new("line", Kind::Number),
            Column::new("action", Kind::Text).known(actions.into_iter()),
            Column::new("account", Kind::Text),
            Column::new("rule", Kind::Text),
            Column::new("issues", Kind::Words).known(Code::ALL.iter().map(|code| code.name())),
        ];
        for name in planfile::values() {
            let is_personal = Field::from_name(name).is_none_or(Field::is_personal);
            let [old, new] = ["old", "new"].map(|age| format!("{age}_{name}"));
            let sources = vec![new.clone(), old.clone()];
            let either = Column {
                sources,
                ..Column::new(name, Kind::Text)
            };
            let ages = [Column::new(old, Kind::Text), Column::new(new, Kind::Text)];
            let three = [either].into_iter().chain(ages);
            columns.extend(three.map(|column| Column {
                is_personal,
                ..column
            }));
        }
        Columns(columns)
    }

    /// All of them, as the file has them. A plan's old and new values are there, not what is made of both.
    pub fn of_file(&self) -> impl Iterator<Item = &Column> {
        self.0.iter().filter(|column| column.sources.len() == 1)
    }

    /// The column of that name.
    ///
    /// # Errors
    /// The nearest name, where there is none.
    pub fn find(&self, name: &str) -> Result<&Column, Mistake> {
        let named = |wanted: &str| self.0.iter().find(|column| column.name == wanted);
        let mut others = ALIASES.iter().filter(|(alias, _)| *alias == name);
        named(name)
            .or_else(|| others.find_map(|(_, column)| named(column)))
            .ok_or_else(|| {
                let names = self.0.iter().map(|column| column.name.as_str());
                let aliases = ALIASES.iter().map(|(alias, _)| *alias);
                let help = match nearest(name, names.chain(aliases)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => {
                        let names: Vec<&str> =
                            self.of_file().map(|column| column.name.as_str()).collect();
                        format!("columns are: {}", names.join(", "))
                    }
                };
                Mistake::new(0, format!("unknown column `{name}`"), help)
            })
    }
}
