//! Remarks about the columns of a file: those that were not used, and those that may be the missing
//! required ones.

use crate::definition::{Definition, UnknownColumns};
use crate::field::Field;
use crate::header::{Vocabulary, fields_and_others, is_own};
use crate::issue::Code;
use crate::meaning::mapping::Target;
use crate::refusal::{Refusal, Result};
use crate::row::{Cells, Slot};
use crate::stages::propose::{Becomes, Proposal, propose};
use crate::stages::read::Source;
use crate::summary::{LikelyField, Nameless, PassedOver, Unmapped};
use crate::text::email;

/// How many rows are looked at.
pub const ROWS_MAX: usize = 1000;

/// Some values of each column, as the file shows them.
pub type Samples = Vec<Vec<String>>;

/// Values of each column, and how many rows they are from. Passwords are never read.
///
/// # Errors
/// As for reading the file.
pub fn samples(source: &mut Source, vocabulary: &Vocabulary) -> Result<(Samples, usize)> {
    let is_hidden = |name: &String| {
        vocabulary.is_password(name) || vocabulary.is_password_hash(name) || is_own(name)
    };
    let hidden = source.header.iter().enumerate();
    let hidden = hidden.filter(|(_, name)| is_hidden(name));
    source.dropped = hidden.map(|(column, _)| column).collect();
    let mut samples = vec![Vec::new(); source.header.len()];
    let mut rows = 0;
    source.read(0, 0, &mut |cells| {
        rows += sample(&cells, rows, &mut samples, &|_| true);
        Ok(rows < ROWS_MAX)
    })?;
    Ok((samples, rows))
}

/// Adds the values of a batch to those of `rows` rows before it, and returns how many rows that were.
fn sample(
    cells: &Cells,
    rows: usize,
    samples: &mut Samples,
    is_wanted: &dyn Fn(usize) -> bool,
) -> usize {
    let taken = cells.len().min(ROWS_MAX - rows);
    for (column, values) in samples.iter_mut().enumerate() {
        if is_wanted(column) {
            let cells = (0..taken).map(|row| cells.cell(row, column).to_string());
            values.extend(cells);
        }
    }
    taken
}

/// Whether a row of people is in place of the header: then no name of a column is shown.
pub fn is_people(source: &Source) -> bool {
    let mut names = source.header.iter();
    names.any(|name| email::key(name.trim()).is_some())
}

/// What is looked at while the rows of a file are read, to say what was not used.
#[derive(Default)]
pub(super) struct Unused {
    /// Values of columns that may be a field, from the first batch.
    samples: Option<Samples>,
    /// By column without a name: in how many rows it has a value.
    nameless: Vec<Nameless>,
}

impl Unused {
    /// Begins to look at a file.
    pub(super) fn of(source: &Source) -> Unused {
        let columns = source.header.iter().enumerate();
        let nameless = columns.filter(|(_, name)| name.trim().is_empty());
        let nameless = nameless.map(|(column, _)| Nameless {
            column: column as u64 + 1,
            values: 0,
        });
        Unused {
            samples: None,
            nameless: nameless.collect(),
        }
    }

    /// Looks at a batch. Only the first is sampled; a file in which all columns have names costs
    /// nothing more.
    pub(super) fn note(&mut self, cells: &Cells, source: &Source, targets: &[Target]) {
        if self.samples.is_none() {
            let mut samples = vec![Vec::new(); source.header.len()];
            let is_wanted = |column: usize| is_attribute(&targets[column]);
            sample(cells, 0, &mut samples, &is_wanted);
            self.samples = Some(samples);
        }
        for nameless in &mut self.nameless {
            let column = nameless.column as usize - 1;
            let values = (0..cells.len()).filter(|row| !cells.cell(*row, column).trim().is_empty());
            nameless.values += values.count() as u64;
        }
    }

    /// What was not used of the file.
    pub(super) fn reported(
        self,
        source: &Source,
        targets: &[Target],
        vocabulary: &Vocabulary,
        definition: &Definition,
    ) -> Unmapped {
        let header = &source.header;
        let shown = |column: usize| header[column].trim().to_string();
        let is_unnamed = |column: &usize| {
            is_attribute(&targets[*column]) && vocabulary.attribute(&header[*column]).is_none()
        };
        let attributes: Vec<usize> = (0..header.len()).filter(is_unnamed).collect();
        let samples = self.samples.unwrap_or_default();
        let likely = match attributes.is_empty() || !may_guess(definition) {
            true => Vec::new(),
            false => {
                let proposal = propose(header, &samples, definition, true);
                likely(&proposal, &|column| attributes.contains(&column))
            }
        };
        let passed_over = fields_and_others(header, vocabulary, definition).1;
        let named = header.iter().filter(|name| !name.trim().is_empty()).count();
        let is_known = |column: &&usize| {
            matches!(targets[**column], Target::NamePartKept(..))
                || passed_over.iter().any(|passed| passed.column == **column)
        };
        let unknown = attributes.iter().filter(|column| !is_known(column)).count();
        Unmapped {
            mostly: unknown * 2 > named,
            named: named as u64,
            unknown: unknown as u64,
            likely: likely.into_iter().map(|(_, likely)| likely).collect(),
            passed_over: passed_over
                .into_iter()
                .map(|passed| PassedOver {
                    column: shown(passed.column),
                    field: passed.field.name().to_string(),
                    taken: shown(passed.taken),
                })
                .collect(),
            nameless: self
                .nameless
                .into_iter()
                .filter(|nameless| nameless.values > 0)
                .collect(),
            attributes: attributes.into_iter().map(shown).collect(),
        }
    }
}

fn is_attribute(target: &Target) -> bool {
    matches!(target.slot(), Some(Slot::Attribute(_)))
}

/// Whether columns that nobody knows may be meant as fields. A pipeline that is made for an export
/// knows which columns it leaves.
fn may_guess(definition: &Definition) -> bool {
    definition.columns.unknown == UnknownColumns::Attribute
        && definition.recognize.headers.is_empty()
}

/// The columns that are likely a field and of which `is_open` says that they aren't one.
fn likely(proposal: &Proposal, is_open: &dyn Fn(usize) -> bool) -> Vec<(usize, LikelyField)> {
    let mut likely = Vec::new();
    for (at, column) in proposal.columns.iter().enumerate() {
        let fields = match &column.becomes {
            Becomes::Field(field) => std::slice::from_ref(field),
            Becomes::Asked(fields) => fields.as_slice(),
            _ => &[],
        };
        if fields.is_empty() || !is_open(at) {
            continue;
        }
        let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
        let found = LikelyField {
            column: column.header.clone(),
            field: names.join(" or "),
            why: column.why.clone(),
        };
        likely.push((at, found));
    }
    likely
}

/// The refusal of a file without a required column, with the columns that are likely meant. Where
/// most columns aren't known, that comes first.
pub(super) fn advise(
    mut refusal: Refusal,
    source: &mut Source,
    vocabulary: &Vocabulary,
    definition: &Definition,
) -> Refusal {
    if refusal.code != Code::MapMissing || is_people(source) || !may_guess(definition) {
        return refusal;
    }
    let Ok((samples, _)) = samples(source, vocabulary) else {
        return refusal;
    };
    let found = fields_and_others(&source.header, vocabulary, definition).0;
    let is_known = |column: usize| {
        let name = source.header[column].trim();
        found[column].is_some()
            || name.is_empty()
            || source.dropped.contains(&column)
            || vocabulary.attribute(name).is_some()
            || vocabulary.name_part(name).is_some()
    };
    let unknown = (0..found.len()).filter(|column| !is_known(*column)).count();
    let any = found.iter().any(Option::is_some);
    if any && unknown * 2 > found.len() {
        refusal.what = format!(
            "{unknown} of the {} columns have unknown names; {}",
            found.len(),
            refusal.what
        );
    }
    let proposal = propose(&source.header, &samples, definition, true);
    for (column, likely) in likely(&proposal, &|column| !is_known(column)) {
        // Without a known name, this may be a row of people, whose data belong in no message.
        let name = match any {
            true => format!("`{}` (column {})", likely.column, column + 1),
            false => format!("column {}", column + 1),
        };
        let line = format!("\n{name} is probably `{}`: {}", likely.field, likely.why);
        refusal.help.push_str(&line);
    }
    refusal
}

/// What is said of the parts of names that have separate columns.
pub fn joined_names(header: &[String], targets: &[Target]) -> Option<String> {
    let of = |field: Field| -> Option<String> {
        let columns = header.iter().zip(targets);
        let columns = columns.filter(|(_, target)| match target {
            Target::NamePart(part) => part.field() == field,
            _ => false,
        });
        let names: Vec<String> = columns
            .map(|(name, _)| format!("`{}`", name.trim()))
            .collect();
        let are = if names.len() == 1 { "is" } else { "are" };
        (!names.is_empty())
            .then(|| format!("{} {are} joined into `{}`", names.join(", "), field.name()))
    };
    let parts: Vec<String> = [Field::FirstName, Field::LastName]
        .into_iter()
        .filter_map(of)
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
