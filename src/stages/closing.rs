//! closing: columns that may say whose account is closed but were not read as a status. They are
//! checked in all rows, and the file is refused with a question before anything is written.

use std::collections::HashMap;

use jiff::civil::Date;

use crate::definition::Definition;
use crate::header::{
    Doubt, Head, Sense, Vocabulary, doubt, is_about_another_thing, is_ignored, is_own, sense,
};
use crate::issue::Code;
use crate::meaning::flag;
use crate::meaning::flag::{Flag, Word};
use crate::meaning::mapping::{Mapping, Target};
use crate::refusal::Refusal;
use crate::row::{Cells, Slot};
use crate::text::{key, toml_string};

/// A value longer than this, in bytes, is no status.
const STATUS_BYTES_MAX: usize = 64;
/// After this many values that aren't statuses, most of the rest has to be statuses.
const OTHERS_MAX: u64 = 8;
/// This many different values of a batch are remembered with what they are.
const KNOWN_MAX: usize = 256;

/// Why a column is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Its header leaves open what it says.
    Doubt(Doubt),
    /// Its values may be statuses, whatever its header says.
    Values,
    /// Its header is clear, but the pipeline names other columns for the status.
    PassedBy(Sense),
    /// It is read as `Active`: where no row says no, an empty cell may be meant so.
    Blanks,
}

/// What a value says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Gone,
    Closed,
    Open,
    Yes,
    No,
    /// A yes or no of two letters, such as `NO` and `SI`, which are places, too.
    Short,
    Blank,
    Neutral,
    Other,
}

/// How often the values of a column say what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Count {
    gone: u64,
    closed: u64,
    open: u64,
    yes: u64,
    no: u64,
    short: u64,
    blank: u64,
    other: u64,
    /// Most of a batch was nothing of the kind, so that the rest wasn't looked at.
    is_other: bool,
    /// The line of the first value that closes, and the value.
    first: Option<(u64, String)>,
}

impl Count {
    fn note(&mut self, class: Class, line: u64, text: &str) {
        match class {
            Class::Gone => self.gone += 1,
            Class::Closed => self.closed += 1,
            Class::Open => self.open += 1,
            Class::Yes => self.yes += 1,
            Class::No => self.no += 1,
            Class::Short => self.short += 1,
            Class::Blank => self.blank += 1,
            Class::Other => self.other += 1,
            Class::Neutral => {}
        }
        if matches!(class, Class::Gone | Class::Closed) && self.first.is_none() {
            self.first = Some((line, text.trim().to_string()));
        }
    }

    fn add(&mut self, later: &Count) {
        self.gone += later.gone;
        self.closed += later.closed;
        self.open += later.open;
        self.yes += later.yes;
        self.no += later.no;
        self.short += later.short;
        self.blank += later.blank;
        self.other += later.other;
        self.is_other |= later.is_other;
        if self.first.is_none() {
            self.first.clone_from(&later.first);
        }
    }

    /// Whether too many values are nothing of the kind.
    fn is_no_status(&self) -> bool {
        self.is_other || self.other * 4 > self.gone + self.closed + self.open
    }

    /// Whether somebody has to be asked.
    fn asks(&self, why: Why) -> bool {
        let closing = self.gone + self.closed;
        match why {
            Why::Doubt(Doubt::Day) | Why::PassedBy(_) => closing > 0,
            Why::Doubt(Doubt::Status) => {
                closing > 0 || (self.other == 0 && self.yes + self.no + self.short > 0)
            }
            Why::Doubt(Doubt::Place) => closing > 0 || (self.other == 0 && self.yes + self.no > 0),
            Why::Values => {
                (self.gone > 0 || (self.closed > 0 && self.open > 0)) && !self.is_no_status()
            }
            Why::Blanks => self.blank > 0 && self.yes > 0 && self.no == 0,
        }
    }
}

/// Columns of a file that are watched.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    columns: Vec<(usize, Why)>,
    today: Option<Date>,
}

impl Watch {
    /// The columns to watch. What the pipeline itself says of a column settles it, and the rows of
    /// a corrections file were asked about before.
    pub fn new(
        source: &Head,
        targets: &[Target],
        mapping: &Mapping,
        definition: &Definition,
    ) -> Watch {
        let vocabulary = Vocabulary::new(definition);
        let mut columns = Vec::new();
        if !source.is_correction() {
            for (column, (header, target)) in source.header.iter().zip(targets).enumerate() {
                let why = match target {
                    Target::Slot(Slot::Field(_)) => blanks(column, mapping, definition),
                    Target::Slot(slot) => why(header.trim(), slot, &vocabulary, definition),
                    Target::Password
                    | Target::PasswordHash
                    | Target::Own
                    | Target::NamePart(_)
                    | Target::NamePartKept(..) => None,
                };
                columns.extend(why.map(|why| (column, why)));
            }
        }
        Watch {
            columns,
            today: definition.accounts.today,
        }
    }

    /// What a batch says, a count a column.
    pub fn look(&self, cells: &Cells) -> Vec<Count> {
        let columns = self.columns.iter();
        columns
            .map(|(column, why)| self.count(cells, *column, *why))
            .collect()
    }

    fn count(&self, cells: &Cells, column: usize, why: Why) -> Count {
        let mut count = Count::default();
        let mut known: HashMap<&str, Class> = HashMap::new();
        for index in 0..cells.len() {
            let text = cells.cell(index, column);
            if text.is_empty() {
                count.blank += 1;
                continue;
            }
            let class = match known.get(text) {
                Some(class) => *class,
                None => {
                    let class = class(text, why, self.today);
                    if known.len() < KNOWN_MAX {
                        known.insert(text, class);
                    }
                    class
                }
            };
            count.note(class, cells.place(index).line, text);
            // Nearly all columns are about something else: they cost a few rows of a batch.
            if why == Why::Values && count.other > OTHERS_MAX && count.is_no_status() {
                count.is_other = true;
                break;
            }
        }
        count
    }

    /// Why the file isn't taken before somebody has said what its columns mean.
    pub fn question(&self, source: &Head, counts: &[Count]) -> Option<Refusal> {
        let mut whats = Vec::new();
        let mut helps = Vec::new();
        for ((column, why), count) in self.columns.iter().zip(counts) {
            if count.asks(*why) {
                let header = source.header[*column].trim();
                let what = what(header, *why, count);
                whats.push(format!("column {}, `{header}`: {what}", column + 1));
                helps.push(help(header, *why, count));
            }
        }
        (!whats.is_empty()).then(|| {
            let what = format!("{}, {}", source.header_place(), whats.join("; "));
            Refusal::new(Code::MapClosing, what).help(format!(
                "say in a pipeline what the columns mean (`muster map` proposes one):\n{}",
                helps.join("\n")
            ))
        })
    }
}

/// Adds what a later batch says to what is known.
pub fn add(all: &mut Vec<Count>, later: &[Count]) {
    all.resize(all.len().max(later.len()), Count::default());
    for (count, later) in all.iter_mut().zip(later) {
        count.add(later);
    }
}

/// Whether an empty cell of a column has to be asked about.
fn blanks(column: usize, mapping: &Mapping, definition: &Definition) -> Option<Why> {
    let flag = mapping
        .flags
        .iter()
        .find(|flag| usize::from(flag.column) == column)?;
    let is_open = flag.sense == Sense::Open && !flag.is_named;
    (is_open && definition.status.of_empty().is_none()).then_some(Why::Blanks)
}

/// Why a column is watched that is not a field.
fn why(header: &str, slot: &Slot, vocabulary: &Vocabulary, definition: &Definition) -> Option<Why> {
    let is_said = vocabulary.attribute(header).is_some() || is_ignored(header, definition);
    if is_said || header.is_empty() || is_own(header) {
        return None;
    }
    if let Some(sense) = sense(header) {
        return Some(Why::PassedBy(sense));
    }
    if definition.columns.status.is_some() {
        return None;
    }
    if let Some(doubt) = doubt(header) {
        return Some(Why::Doubt(doubt));
    }
    let is_kept = matches!(slot, Slot::Attribute(_));
    (is_kept && !is_about_another_thing(header)).then_some(Why::Values)
}

fn class(text: &str, why: Why, today: Option<Date>) -> Class {
    let text = text.trim();
    if text.is_empty() {
        return Class::Blank;
    }
    let closing = |sense| match flag::read(text, sense, today) {
        Some(Flag::Closed) => Class::Closed,
        Some(Flag::Open | Flag::Later(_)) => Class::Open,
        None => Class::Other,
    };
    match why {
        Why::PassedBy(sense) => return closing(sense),
        Why::Doubt(Doubt::Day) => return closing(Sense::Until),
        Why::Blanks => {
            return match closing(Sense::Open) {
                Class::Open => Class::Yes,
                Class::Closed => Class::No,
                other => other,
            };
        }
        Why::Doubt(_) | Why::Values => {}
    }
    if text.len() > STATUS_BYTES_MAX {
        return Class::Other;
    }
    let key = key(text);
    match flag::word(&key) {
        Some(Word::Gone) => return Class::Gone,
        Some(Word::Closed) => return Class::Closed,
        Some(Word::Open | Word::Invited) => return Class::Open,
        Some(Word::Doubt) => return Class::Neutral,
        None => {}
    }
    let is_short = key.len() == 2 && key.is_ascii();
    match flag::is_yes(text) {
        None => Class::Other,
        Some(_) if why == Why::Values => Class::Other,
        Some(_) if is_short => Class::Short,
        Some(true) => Class::Yes,
        Some(false) => Class::No,
    }
}

fn rows(count: u64) -> String {
    match count {
        1 => "1 row".to_string(),
        count => format!("{count} rows"),
    }
}

/// What was found in a column.
fn what(header: &str, why: Why, count: &Count) -> String {
    let closing = rows(count.gone + count.closed);
    let first = count.first.as_ref().map(|(line, word)| {
        format!("it may close the accounts of {closing}, the first on line {line} (`{word}`)")
    });
    match (why, first) {
        (Why::Blanks, _) => format!(
            "yes in {}, empty in {} and never no, so an empty cell may mean no",
            rows(count.yes),
            rows(count.blank)
        ),
        (Why::PassedBy(_), Some(first)) => {
            format!("{first}, and the pipeline names other columns for the status")
        }
        (_, Some(first)) => format!("{first}, and its name doesn't say that it is the status"),
        (_, None) => format!(
            "its values are yes and no, and `{header}` doesn't say which of them closes the account"
        ),
    }
}

/// The lines that settle it, each way.
fn help(header: &str, why: Why, count: &Count) -> String {
    let name = toml_string(header);
    let words = match (why, &count.first) {
        (Why::Blanks, _) => {
            return format!(
                "`[status]` `\"\" = \"deactivated\"` if an empty cell in `{header}` means no, or `\"\" = \"keep\"` if it has no meaning"
            );
        }
        (_, Some((_, word)))
            if matches!(why, Why::Doubt(Doubt::Status | Doubt::Place) | Why::Values) =>
        {
            format!(" and `[status]` `{} = \"deactivated\"`", toml_string(word))
        }
        (Why::Doubt(Doubt::Status | Doubt::Place), None) => {
            " and `[status]` `false = \"deactivated\"`, `true = \"keep\"`, or the other way round"
                .to_string()
        }
        (Why::Doubt(Doubt::Day), _) => {
            return format!(
                "`[columns]` `end_date = {name}` if it is the last day of the account; `[attributes]` `{name} = {name}` if it is about something else; `[columns]` `ignore = [{name}]` to leave it out"
            );
        }
        _ => String::new(),
    };
    let status = match why {
        Why::PassedBy(_) => format!("add `{header}` to `status` under `[columns]`"),
        _ => format!("`[columns]` `status = {name}`{words}"),
    };
    format!(
        "{status} if it says whose account is closed; `[attributes]` `{name} = {name}` if it is about something else; `[columns]` `ignore = [{name}]` to leave it out"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Place;

    /// What a column of these values would be asked about.
    fn asked(why: Why, values: &[&str]) -> bool {
        let mut all = Vec::new();
        // Closed people are found wherever they are: each value is a batch of its own.
        for (line, value) in values.iter().enumerate() {
            let mut cells = Cells::new(0, line as u32);
            cells.push_cell(value);
            let place = Place {
                line: line as u64 + 2,
                byte: 0,
            };
            cells.end_row(place);
            let watch = Watch {
                columns: vec![(0, why)],
                today: Some(jiff::civil::date(2026, 11, 22)),
            };
            add(&mut all, &watch.look(&cells));
        }
        all[0].asks(why)
    }

    #[test]
    fn values_decide_whether_somebody_is_asked() {
        let (status, place) = (Why::Doubt(Doubt::Status), Why::Doubt(Doubt::Place));
        let (day, passed) = (Why::Doubt(Doubt::Day), Why::PassedBy(Sense::ClosedOn));
        for (why, values, expected) in [
            (status, &["Full-time", "Part-time", "Terminated"][..], true),
            (status, &["Full-time", "Part-time", "on leave"], false),
            (status, &["TRUE", "FALSE"], true),
            (status, &["TRUE", "TRUE", ""], true),
            (status, &["0", "1", "2"], false),
            (status, &["", ""], false),
            (place, &["CA", "NY", "Bayern"], false),
            (place, &["NO", "SI", "NE"], false),
            (place, &["FALSE", "TRUE"], true),
            (place, &["CA", "inactive"], true),
            (Why::Values, &["aktiv", "aktiv", "gesperrt"], true),
            (Why::Values, &["", "", "Ausgeschieden"], true),
            (Why::Values, &["left", "right", "left"], false),
            (Why::Values, &["left", "left"], false),
            (Why::Values, &["expired", "valid"], false),
            (Why::Values, &["TRUE", "FALSE"], false),
            (Why::Values, &["Sales", "IT", "HR", "inactive"], false),
            (day, &["2027-01-01", ""], false),
            (day, &["2027-01-01", "2025-01-01"], true),
            (passed, &["", "0000-00-00"], false),
            (passed, &["", "2025-01-01"], true),
            (Why::Blanks, &["x", "", "x"], true),
            (Why::Blanks, &["yes", "", "no"], false),
            (Why::Blanks, &["yes", "yes"], false),
            (Why::Blanks, &["", ""], false),
        ] {
            assert_eq!(asked(why, values), expected, "{why:?} {values:?}");
        }
    }

    #[test]
    fn a_long_column_of_something_else_is_left_after_a_few_rows() {
        let mut cells = Cells::new(0, 0);
        for line in 0..4000_u64 {
            let text = format!("Team {line}");
            cells.push_cell(if line == 3000 { "inactive" } else { &text });
            cells.end_row(Place { line, byte: 0 });
        }
        let of = |why| {
            let watch = Watch {
                columns: vec![(0, why)],
                today: None,
            };
            watch.look(&cells)[0].clone()
        };
        assert_eq!(
            (of(Why::Values).is_other, of(Why::Values).other),
            (true, OTHERS_MAX + 1)
        );
        let doubt = of(Why::Doubt(Doubt::Status));
        assert_eq!(doubt.first, Some((3000, "inactive".to_string())));
    }
}
