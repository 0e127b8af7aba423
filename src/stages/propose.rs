//! propose: which column of an unknown file is likely which field, from its header and some of its
//! values, and how certain that is. Pure; a proposal is never used for an import before somebody
//! has seen it.

use std::fmt::Write;

use crate::definition::{Accounts, DateOrder, Definition, Read, SheetChoice, UnknownColumns};
use crate::field::{Field, NamePart};
use crate::header::{
    Found, PassedOver, Vocabulary, fields_and_others, is_ignored, is_own, name_part, sense,
};
use crate::issue::Code;
use crate::meaning::{country, date, language, words};
use crate::text;
use crate::text::{email, toml_string};

/// How sure a proposal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// It isn't clear; somebody has to decide.
    Asked,
    /// By its values, or by part of its name.
    Likely,
    /// By its name, and its values don't speak against it.
    Certain,
}

impl Certainty {
    /// The certainty's word.
    pub fn name(self) -> &'static str {
        match self {
            Certainty::Asked => "asked",
            Certainty::Likely => "likely",
            Certainty::Certain => "certain",
        }
    }
}

/// What a column would become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Becomes {
    /// A field.
    Field(Field),
    /// One of these fields: which one is asked. None where two columns have one name.
    Asked(Vec<Field>),
    /// A custom attribute under this name.
    Attribute(String),
    /// A part of the first or the last name.
    NamePart(NamePart),
    /// Nothing: passwords are never read.
    Password,
    /// Nothing: the pipeline leaves it out, muster wrote it itself, or it has no name.
    Nothing,
}

impl Becomes {
    /// The word for it, as answers have it: a field, a part of a name, `attribute`, `ignore`; `ask` where
    /// it isn't clear, and `password` for what is never read.
    pub fn word(&self) -> &'static str {
        match self {
            Becomes::Field(field) => field.name(),
            Becomes::Asked(_) => "ask",
            Becomes::Attribute(_) => ATTRIBUTE,
            Becomes::NamePart(part) => part.name(),
            Becomes::Password => "password",
            Becomes::Nothing => IGNORE,
        }
    }

    /// What an answer means for a column; `None` for a word that is none.
    fn of_word(word: &str, header: &str) -> Option<Becomes> {
        let part = || NamePart::ALL.into_iter().find(|part| part.name() == word);
        match word {
            ATTRIBUTE => Some(Becomes::Attribute(header.to_string())),
            IGNORE => Some(Becomes::Nothing),
            _ => Field::from_name(word)
                .map(Becomes::Field)
                .or_else(|| part().map(Becomes::NamePart)),
        }
    }
}

/// The answers that aren't the name of a field, and why a column is what it is by one.
const ATTRIBUTE: &str = "attribute";
const IGNORE: &str = "ignore";
const CHOSEN: &str = "you chose it";

/// One column of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its header, as the file shows it.
    pub header: String,
    /// What it would become.
    pub becomes: Becomes,
    /// How sure that is.
    pub certainty: Certainty,
    /// Why, in a few plain words.
    pub why: String,
}

/// Something that only a person can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What kind of question.
    pub code: Code,
    /// What was found, naming every column and field.
    pub what: String,
    /// How to answer it.
    pub help: String,
}

/// A mapping for a file, for somebody to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Column by column.
    pub columns: Vec<Column>,
    /// What has to be answered first.
    pub questions: Vec<Question>,
    /// Required fields that no column is for.
    pub missing: Vec<String>,
    /// What day and month are in the dates, if the values tell.
    pub date_order: Option<DateOrder>,
}

/// The share of values that must be of a kind for a column to be of that kind.
const SHARE_MIN: f64 = 0.8;

/// What a column could be: the field, how sure, and why.
type Candidate = (Field, Certainty, String);

/// Proposes what each of `headers` becomes. `samples` has some values of each column, as the file
/// shows them; what `definition` says is taken as said. Unless it `may_guess`, only names count that a
/// run goes by, too: a run never guesses.
pub fn propose(
    headers: &[String],
    samples: &[Vec<String>],
    definition: &Definition,
    may_guess: bool,
) -> Proposal {
    let vocabulary = Vocabulary::new(definition);
    let (found, passed_over) = fields_and_others(headers, &vocabulary, definition);
    let beside = |field: Field| found.iter().flatten().any(|found| found.field == field);
    let values: Vec<Vec<String>> = samples.iter().map(|values| cleaned(values)).collect();
    let none = Vec::new();
    let of = |column: usize| values.get(column).unwrap_or(&none).as_slice();
    let mut columns: Vec<Option<Column>> = Vec::with_capacity(headers.len());
    let mut candidates: Vec<Vec<Candidate>> = Vec::with_capacity(headers.len());
    for (column, header) in headers.iter().enumerate() {
        let shown = header.trim();
        let fixed = fixed(shown, found[column], &vocabulary, definition)
            .or_else(|| another(shown, column, headers, &passed_over, definition))
            .or_else(|| part_of_name(shown, &beside, &vocabulary, definition));
        candidates.push(match fixed {
            Some(_) => Vec::new(),
            None if flag(header, found[column]).is_some() => {
                flag(header, found[column]).into_iter().collect()
            }
            None if !may_guess => {
                let known = found[column].map(|found| found.field).into_iter();
                known
                    .map(|field| (field, Certainty::Certain, "its name".to_string()))
                    .collect()
            }
            None => guesses(header, found[column], of(column), &vocabulary, definition),
        });
        columns.push(fixed);
    }
    if may_guess {
        find_full_name(&columns, &mut candidates, &values);
    }
    settle_ambiguous(&columns, &mut candidates);
    settle_doubled(headers, &columns, &mut candidates);
    let mut proposal = Proposal {
        columns: Vec::with_capacity(headers.len()),
        questions: Vec::new(),
        missing: Vec::new(),
        date_order: None,
    };
    for (column, (fixed, candidates)) in columns.into_iter().zip(candidates).enumerate() {
        let proposed = fixed.unwrap_or_else(|| choose(&headers[column], candidates, definition));
        proposal.columns.push(proposed);
    }
    ask(&mut proposal, definition);
    proposal.missing = missing(&proposal, definition);
    let dates = position(&proposal, Field::StartDate);
    proposal.date_order = dates.and_then(|column| date_order(of(column)));
    proposal
}

/// A column that is one of the status columns, in a sense of its own.
fn flag(header: &str, found: Option<Found>) -> Option<Candidate> {
    let found = found.filter(|found| found.field == Field::Status)?;
    let why = format!("its name: {}", sense(header)?.reported());
    Some((found.field, Certainty::Certain, why))
}

fn cleaned(values: &[String]) -> Vec<String> {
    let cleaned = values.iter().map(|value| text::clean(value).0.into_owned());
    cleaned.filter(|value| !value.is_empty()).collect()
}

/// What a column is whatever its values say.
fn fixed(
    header: &str,
    found: Option<Found>,
    vocabulary: &Vocabulary,
    definition: &Definition,
) -> Option<Column> {
    let (becomes, why) = if header.is_empty() {
        (Becomes::Nothing, "it has no name")
    } else if is_own(header) {
        (Becomes::Nothing, "muster wrote it")
    } else if let Some(found) = found.filter(|found| found.is_named) {
        (Becomes::Field(found.field), "the pipeline names it")
    } else if let Some(name) = vocabulary.attribute(header) {
        let name = name.to_string();
        (Becomes::Attribute(name), "the pipeline names it")
    } else if vocabulary.is_password_hash(header) || vocabulary.is_password(header) {
        (Becomes::Password, "passwords are never read")
    } else if is_ignored(header, definition) {
        (Becomes::Nothing, "the pipeline leaves it out")
    } else {
        return None;
    };
    Some(Column {
        header: header.to_string(),
        becomes,
        certainty: Certainty::Certain,
        why: why.to_string(),
    })
}

/// What a column is of whose field another column is taken.
fn another(
    header: &str,
    column: usize,
    headers: &[String],
    passed_over: &[PassedOver],
    definition: &Definition,
) -> Option<Column> {
    let passed = passed_over.iter().find(|passed| passed.column == column)?;
    let (becomes, certainty) = unknown(header, definition);
    Some(Column {
        header: header.to_string(),
        becomes,
        certainty,
        why: format!(
            "`{}` is read from `{}`",
            passed.field.name(),
            headers[passed.taken].trim()
        ),
    })
}

/// What a column of parts of names becomes, where the name itself has a column.
fn part_of_name(
    header: &str,
    beside: &dyn Fn(Field) -> bool,
    vocabulary: &Vocabulary,
    definition: &Definition,
) -> Option<Column> {
    let (part, is_sure) = name_part(header, vocabulary, definition)?;
    if !beside(part.field()) {
        return None;
    }
    let field = part.field().name();
    let (becomes, why) = if is_sure {
        let why = format!("its name, and it is joined into `{field}`");
        (Becomes::NamePart(part), why)
    } else {
        let why = format!(
            "kept under its own name; what is surely a part of `{field}` is joined into it"
        );
        (Becomes::Attribute(header.to_string()), why)
    };
    Some(Column {
        header: header.to_string(),
        becomes,
        certainty: Certainty::Certain,
        why,
    })
}

/// What happens to a column that no field is known for.
fn unknown(header: &str, definition: &Definition) -> (Becomes, Certainty) {
    match definition.columns.unknown {
        UnknownColumns::Ignore => (Becomes::Nothing, Certainty::Certain),
        UnknownColumns::Refuse => (Becomes::Nothing, Certainty::Asked),
        UnknownColumns::Attribute => (Becomes::Attribute(header.to_string()), Certainty::Likely),
    }
}

/// What a column could be by its name and its values; two fields where they disagree.
fn guesses(
    header: &str,
    found: Option<Found>,
    values: &[String],
    vocabulary: &Vocabulary,
    definition: &Definition,
) -> Vec<Candidate> {
    let named = |field: &Field| definition.columns.of(*field).is_some();
    let by_values: Vec<Candidate> = kinds(values)
        .into_iter()
        .filter(|(field, ..)| !named(field))
        .collect();
    let by_name = match found {
        Some(found) => Some((found.field, Certainty::Certain, "its name")),
        None => vocabulary
            .in_part(header)
            .filter(|field| !named(field))
            .map(|field| (field, Certainty::Likely, "part of its name")),
    };
    let Some((field, certainty, why)) = by_name else {
        return by_values;
    };
    let agrees = share(values, field);
    let candidate = |certainty, why| vec![(field, certainty, why)];
    match (agrees, by_values.first()) {
        (Some((hits, total)), _) if is_kind(hits, total) => candidate(
            certainty,
            format!("{why}, and {}", reported(field, hits, total)),
        ),
        // The addresses of managers are addresses, too; and Jordan may be a country or a first name.
        (_, Some((other, _, reported)))
            if *other != field
                && field != Field::Manager
                && (agrees.is_some() || *other == Field::Email) =>
        {
            vec![
                (field, certainty, why.to_string()),
                (*other, Certainty::Likely, reported.clone()),
            ]
        }
        (Some((hits, total)), _) if total > 0 => {
            let reported = reported(field, hits, total);
            candidate(Certainty::Likely, format!("{why}, but only {reported}"))
        }
        _ => candidate(certainty, why.to_string()),
    }
}

/// The fields whose values can be recognized by their looks alone, in the order in which they are
/// tried.
const REPORTED: [(Field, &str); 5] = [
    (Field::Email, "addresses"),
    (Field::Phone, "phone numbers"),
    (Field::Status, "statuses"),
    (Field::Country, "countries"),
    (Field::Language, "languages"),
];

/// What the values are by their looks. A date may be any date, so it is not a field by its looks.
fn kinds(values: &[String]) -> Vec<Candidate> {
    let mut kinds = Vec::new();
    for (field, _) in REPORTED {
        if let Some((hits, total)) = share(values, field)
            && is_kind(hits, total)
        {
            kinds.push((field, Certainty::Likely, reported(field, hits, total)));
        }
    }
    kinds
}

fn is_kind(hits: usize, total: usize) -> bool {
    total > 0 && hits as f64 >= SHARE_MIN * total as f64
}

fn reported(field: Field, hits: usize, total: usize) -> String {
    let word = REPORTED.iter().find(|(reported, _)| *reported == field);
    let word = word.map_or("dates", |(_, word)| *word);
    format!("{hits} of {total} values are {word}")
}

/// How many of the values can be such a field, of how many; `None` for fields that can be any text.
fn share(values: &[String], field: Field) -> Option<(usize, usize)> {
    let fits: fn(&str) -> bool = match field {
        Field::Email => |value| value.contains('@') && email::key(value).is_some(),
        Field::Phone => is_phone,
        Field::Status => |value| {
            let is_yes_or_no = value.chars().count() <= 5;
            !is_yes_or_no && words::status(value).is_some()
        },
        Field::Country => |value| country::alpha2(value).is_some(),
        // Codes of three letters are too many: `Ada` and `Ann` are among them.
        Field::Language => |value| value.len() != 3 && language::tag(value).is_some(),
        Field::StartDate => |value| {
            !matches!(date::read(value, DateOrder::Dmy), date::Reading::Invalid)
                || !matches!(date::read(value, DateOrder::Mdy), date::Reading::Invalid)
        },
        _ => return None,
    };
    let hits = values.iter().filter(|value| fits(value)).count();
    Some((hits, values.len()))
}

/// Whether it looks like a number to be called and not like any other number.
fn is_phone(value: &str) -> bool {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let plain = |c: char| c.is_ascii_digit() || " +-./()".contains(c);
    let separated = value.trim_start_matches('+').contains([' ', '-', '/', '(']);
    (7..=15).contains(&digits)
        && value.chars().all(plain)
        && !date::is_iso(value)
        && matches!(date::read(value, DateOrder::Dmy), date::Reading::Invalid)
        && (value.starts_with('+') || (value.starts_with(['0', '(']) && (separated || digits >= 9)))
}

/// Where no column is for names, one of two to four words each may be full names.
fn find_full_name(
    columns: &[Option<Column>],
    candidates: &mut [Vec<Candidate>],
    values: &[Vec<String>],
) {
    let is_name =
        |field: Field| matches!(field, Field::FirstName | Field::LastName | Field::FullName);
    let is_there = columns.iter().flatten().any(|column| match column.becomes {
        Becomes::Field(field) => is_name(field),
        _ => false,
    });
    if is_there
        || candidates
            .iter()
            .flatten()
            .any(|(field, ..)| is_name(*field))
    {
        return;
    }
    for (column, values) in values.iter().enumerate() {
        let is_free = columns[column].is_none() && candidates[column].is_empty();
        let hits = values.iter().filter(|value| is_full_name(value)).count();
        if is_free && is_kind(hits, values.len()) {
            let why = format!("{hits} of {} values look like full names", values.len());
            candidates[column].push((Field::FullName, Certainty::Likely, why));
        }
    }
}

fn is_full_name(value: &str) -> bool {
    let letters = |c: char| c.is_alphabetic() || " ,.'’-".contains(c);
    let begins = |word: &str| word.chars().next().is_some_and(char::is_uppercase);
    let words: Vec<&str> = value.split_whitespace().collect();
    (2..=4).contains(&words.len())
        && value.chars().all(letters)
        && begins(words[0])
        && begins(words[words.len() - 1])
}

/// Of two fields that a column could be, one that another column certainly is falls away.
fn settle_ambiguous(columns: &[Option<Column>], candidates: &mut [Vec<Candidate>]) {
    let mut taken: Vec<(usize, Field)> = Vec::new();
    for (at, (column, candidates)) in columns.iter().zip(candidates.iter()).enumerate() {
        if let Some(Becomes::Field(field)) = column.as_ref().map(|column| &column.becomes) {
            taken.push((at, *field));
        }
        if let [(field, Certainty::Certain, _)] = candidates.as_slice() {
            taken.push((at, *field));
        }
    }
    for (at, candidates) in candidates.iter_mut().enumerate() {
        if candidates.len() > 1 {
            let is_taken =
                |field: Field| taken.iter().any(|(by, other)| *by != at && *other == field);
            let mut left = candidates.clone();
            left.retain(|(field, ..)| !is_taken(*field));
            *candidates = left;
        }
    }
}

/// Of several columns for one field, the surest counts.
fn settle_doubled(
    headers: &[String],
    columns: &[Option<Column>],
    candidates: &mut [Vec<Candidate>],
) {
    for field in Field::ALL.into_iter().filter(|field| !field.lists_groups()) {
        let is_fixed = |column: &Option<Column>| {
            column
                .as_ref()
                .is_some_and(|column| column.becomes == Becomes::Field(field))
        };
        let fixed = columns.iter().position(is_fixed);
        let sure = |candidates: &[Candidate]| match candidates {
            [(one, certainty, _)] if *one == field => Some(*certainty),
            _ => None,
        };
        let best = candidates
            .iter()
            .filter_map(|candidates| sure(candidates))
            .max();
        let winner = fixed.or(candidates
            .iter()
            .position(|candidates| sure(candidates) == best));
        let (Some(best), Some(winner)) = (best, winner) else {
            continue;
        };
        for (at, candidates) in candidates.iter_mut().enumerate() {
            let loses = sure(candidates).is_some_and(|one| fixed.is_some() || one < best);
            let is_flag = field == Field::Status && sense(&headers[at]).is_some();
            if loses && at != winner && !is_flag {
                candidates.clear();
            }
        }
    }
}

/// What a column becomes if something of it is left.
fn choose(header: &str, candidates: Vec<Candidate>, definition: &Definition) -> Column {
    let shown = header.trim().to_string();
    let (becomes, certainty, why) = match candidates.as_slice() {
        [] => {
            let why = match definition.columns.unknown {
                UnknownColumns::Ignore => {
                    "nobody knows it, and the pipeline leaves such columns out"
                }
                UnknownColumns::Refuse => "nobody knows it, and the pipeline takes no such columns",
                UnknownColumns::Attribute => "kept under its own name",
            };
            let (becomes, certainty) = unknown(&shown, definition);
            (becomes, certainty, why.to_string())
        }
        [(field, certainty, why)] => (Becomes::Field(*field), *certainty, why.clone()),
        several => {
            let whys: Vec<String> = several
                .iter()
                .map(|(field, _, why)| format!("`{}` ({why})", field.name()))
                .collect();
            let fields = several.iter().map(|(field, ..)| *field).collect();
            (Becomes::Asked(fields), Certainty::Asked, whys.join(" or "))
        }
    };
    Column {
        header: shown,
        becomes,
        certainty,
        why,
    }
}

/// Finds what has to be answered, and takes back what was proposed for it.
fn ask(proposal: &mut Proposal, definition: &Definition) {
    let mut questions = Vec::new();
    let named =
        |at: usize, columns: &[Column]| format!("`{}` (column {})", columns[at].header, at + 1);
    for (at, column) in proposal.columns.iter().enumerate() {
        if let Becomes::Asked(fields) = &column.becomes {
            let lines = fields.iter().map(|field| line(*field, &column.header));
            questions.push(Question {
                code: Code::MapAmbiguous,
                what: format!("{} could be {}", named(at, &proposal.columns), column.why),
                help: format!(
                    "say under `[columns]` which one: {}",
                    lines.collect::<Vec<_>>().join(" or ")
                ),
            });
        }
    }
    let targets: Vec<Becomes> = proposal.columns.iter().map(|c| c.becomes.clone()).collect();
    for (at, target) in targets.iter().enumerate() {
        let several = match target {
            Becomes::Field(field) if field.lists_groups() => true,
            Becomes::Field(Field::Status) => {
                let is_status = |(to, column): (&Becomes, &Column)| {
                    to == target && sense(&column.header).is_none()
                };
                let of_words = targets.iter().zip(&proposal.columns);
                definition.columns.status.is_some()
                    || of_words.filter(|pair| is_status(*pair)).count() < 2
            }
            Becomes::Field(_) | Becomes::Attribute(_) => false,
            _ => true,
        };
        let same: Vec<usize> = (0..targets.len())
            .filter(|other| targets[*other] == *target)
            .collect();
        if several || same.len() < 2 || same[0] != at {
            continue;
        }
        let names: Vec<String> = same
            .iter()
            .map(|at| named(*at, &proposal.columns))
            .collect();
        let (what, fields) = match target {
            Becomes::Field(field) => (format!("are all `{}`", field.name()), vec![*field]),
            _ => ("have one name".to_string(), Vec::new()),
        };
        let what = match same.len() {
            2 => what.replace("are all", "are both"),
            _ => what,
        };
        let first = &proposal.columns[at].header;
        let is_one_word = same.iter().all(|at| proposal.columns[*at].header == *first);
        questions.push(Question {
            code: Code::MapDoubled,
            what: format!("{} {what}", names.join(" and ")),
            help: match fields.first() {
                Some(field) if !is_one_word => {
                    format!(
                        "say under `[columns]` which one counts, as {}",
                        line(*field, first)
                    )
                }
                _ => "remove or rename all but one of them in the file".to_string(),
            },
        });
        for at in same {
            proposal.columns[at].becomes = Becomes::Asked(fields.clone());
            proposal.columns[at].certainty = Certainty::Asked;
        }
    }
    proposal.questions = questions;
}

fn line(field: Field, header: &str) -> String {
    format!("`{} = {}`", field.name(), toml_string(header))
}

fn position(proposal: &Proposal, field: Field) -> Option<usize> {
    let columns = &mut proposal.columns.iter();
    columns.position(|column| column.becomes == Becomes::Field(field))
}

/// Required fields that no column is for, nor asked for.
fn missing(proposal: &Proposal, definition: &Definition) -> Vec<String> {
    let has = |field: Field| {
        proposal.columns.iter().any(|column| match &column.becomes {
            Becomes::Field(one) => *one == field,
            Becomes::Asked(several) => several.contains(&field),
            _ => false,
        })
    };
    definition.missing_fields(&has)
}

/// Which of day and month comes first, where a value can be read in one way only and none in the
/// other way only.
fn date_order(values: &[String]) -> Option<DateOrder> {
    let only = |order: DateOrder, other: DateOrder| {
        values.iter().any(|value| {
            matches!(date::read(value, order), date::Reading::Date(_))
                && matches!(date::read(value, other), date::Reading::Invalid)
        })
    };
    match (
        only(DateOrder::Dmy, DateOrder::Mdy),
        only(DateOrder::Mdy, DateOrder::Dmy),
    ) {
        (true, false) => Some(DateOrder::Dmy),
        (false, true) => Some(DateOrder::Mdy),
        _ => None,
    }
}

impl Proposal {
    /// Takes the answers of somebody who has seen the proposal: a word for each column, as
    /// [`Becomes::word`] has them; an empty one keeps what was proposed. What is still open afterwards
    /// is in `questions`.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn answer(&mut self, words: &[String], definition: &Definition) -> Result<(), String> {
        if words.len() != self.columns.len() {
            let (answers, columns) = (words.len(), self.columns.len());
            return Err(format!("{answers} answers are for {columns} columns"));
        }
        for (column, word) in self.columns.iter_mut().zip(words) {
            if word.is_empty() || *word == column.becomes.word() {
                continue;
            }
            let shown = &column.header;
            if column.becomes == Becomes::Password || shown.is_empty() || is_own(shown) {
                return Err(format!("the column `{shown}` is never read"));
            }
            let answered = Becomes::of_word(word, shown);
            column.becomes = answered.ok_or(format!("`{word}` is no field"))?;
            column.certainty = Certainty::Certain;
            column.why = CHOSEN.to_string();
        }
        ask(self, definition);
        self.missing = missing(self, definition);
        Ok(())
    }

    /// The proposal as a pipeline file called `name`, for the file that is shown as `file`, which is read
    /// as `base` says, with its roles. Answers
    /// that are still open are comments; it loads as it is. No value of the file is in it.
    pub fn pipeline(&self, name: &str, file: &str, base: &Definition) -> String {
        let mut toml = format!(
            "# {name}: proposed by `muster map` for {}, and yours to edit.\n# The pipeline `users` \
                lists all settings, with their defaults.\n\nname = {}\ndescription = {}\n",
            comment(file),
            toml_string(name),
            toml_string(&format!("People as in {file}"))
        );
        write_read(&mut toml, &base.read);
        toml.push_str("\n[columns]\n");
        for field in Field::ALL {
            let of = |column: &&Column| column.becomes == Becomes::Field(field);
            let columns: Vec<&Column> = self.columns.iter().filter(of).collect();
            let headers: Vec<String> = columns.iter().map(|c| toml_string(&c.header)).collect();
            let header = match headers.as_slice() {
                [] => continue,
                [one] => one.clone(),
                several => format!("[{}]", several.join(", ")),
            };
            let (certainty, why) = (columns[0].certainty.name(), comment(&columns[0].why));
            let _ = writeln!(toml, "{} = {header}  # {certainty}: {why}", field.name());
        }
        self.write_name_parts(&mut toml);
        self.write_questions(&mut toml);
        let is_left_out = |column: &&Column| column.becomes == Becomes::Nothing;
        let left_out = self.chosen().filter(is_left_out);
        let left_out: Vec<String> = left_out.map(|c| toml_string(&c.header)).collect();
        if !left_out.is_empty() {
            let _ = writeln!(toml, "ignore = [{}]", left_out.join(", "));
        }
        let kept: Vec<String> = self
            .columns
            .iter()
            .filter(|column| matches!(column.becomes, Becomes::Attribute(_)))
            .map(|column| format!("`{}`", comment(&column.header)))
            .collect();
        let _ = match kept.as_slice() {
            [] => writeln!(toml, "unknown = \"attribute\"  # or \"ignore\", \"refuse\""),
            kept => writeln!(
                toml,
                "unknown = \"attribute\"  # keeps {}; or \"ignore\", \"refuse\"",
                kept.join(", ")
            ),
        };
        self.write_values(&mut toml);
        let has_roles = position(self, Field::Role).is_some();
        if has_roles && base.accounts.roles != Accounts::default().roles {
            let roles = base.accounts.roles.iter().map(|role| toml_string(role));
            let roles: Vec<String> = roles.collect();
            let _ = writeln!(
                toml,
                "\n[accounts]\nroles = [{}]  # every role that a file may give, from lowest to highest",
                roles.join(", ")
            );
        }
        if !self.missing.is_empty() {
            self.write_required(&mut toml);
        }
        toml
    }

    /// How dates are read, and the columns that are kept under their own names.
    fn write_values(&self, toml: &mut String) {
        let order = match self.date_order {
            Some(DateOrder::Dmy) => Some("dmy"),
            Some(DateOrder::Mdy) => Some("mdy"),
            _ => None,
        };
        if let Some(order) = order {
            let _ = writeln!(
                toml,
                "\n[clean]\ndate_order = \"{order}\"  # some dates can't be read otherwise"
            );
        }
        let is_kept = |column: &&Column| matches!(column.becomes, Becomes::Attribute(_));
        let kept: Vec<&Column> = self.chosen().filter(is_kept).collect();
        if !kept.is_empty() {
            toml.push_str("\n[attributes]\n");
        }
        for column in kept {
            let header = toml_string(&column.header);
            let _ = writeln!(toml, "{header} = {header}");
        }
    }

    /// The columns that somebody decided.
    fn chosen(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.why == CHOSEN)
    }

    fn write_name_parts(&self, toml: &mut String) {
        for part in NamePart::ALL {
            let of = |column: &&Column| column.becomes == Becomes::NamePart(part);
            let columns = self.columns.iter().filter(of);
            let headers: Vec<String> = columns.map(|column| toml_string(&column.header)).collect();
            let headers = match headers.as_slice() {
                [] => continue,
                [one] => one.clone(),
                several => format!("[{}]", several.join(", ")),
            };
            let (name, field) = (part.name(), part.field().name());
            let _ = writeln!(toml, "{name} = {headers}  # joined into `{field}`");
        }
    }

    /// Lines of which one has to be switched on, for each question.
    fn write_questions(&self, toml: &mut String) {
        for question in &self.questions {
            let _ = writeln!(toml, "# asked: {}", comment(&question.what));
        }
        for column in &self.columns {
            if let Becomes::Asked(fields) = &column.becomes {
                for field in fields {
                    let _ = writeln!(toml, "#{} = {}", field.name(), toml_string(&column.header));
                }
            }
        }
    }

    fn write_required(&self, toml: &mut String) {
        let there = |name: &&str| !self.missing.iter().any(|missing| missing == name);
        let required = ["first_name", "last_name", "email"].into_iter();
        let required: Vec<String> = required.filter(there).map(toml_string).collect();
        let words: Vec<String> = self
            .missing
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        let _ = writeln!(
            toml,
            "\n[require]  # no column is for {}, so it can't be required\nfields = [{}]",
            words.join(" or "),
            required.join(", ")
        );
        let no_email = self.missing.iter().any(|name| name == Field::Email.name());
        if no_email && position(self, Field::Username).is_some() {
            let _ = writeln!(toml, "email_or_username = true");
        }
    }
}

/// What had to be said for the file to be read at all.
fn write_read(toml: &mut String, read: &Read) {
    let sheet = read.sheet.as_ref().map(|sheet| match sheet {
        SheetChoice::Number(number) => number.to_string(),
        SheetChoice::Name(name) => toml_string(name),
    });
    let settings = [
        ("sheet", sheet),
        ("delimiter", read.delimiter.as_deref().map(toml_string)),
        ("encoding", read.encoding.as_deref().map(toml_string)),
    ];
    let mut head = "\n[read]\n";
    for (key, value) in settings {
        if let Some(value) = value {
            let _ = writeln!(toml, "{head}{key} = {value}");
            head = "";
        }
    }
}

/// Text as a comment of one line may hold it.
fn comment(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition;
    use crate::header::fields;

    /// Columns as header and values.
    fn proposed(columns: &[(&str, &[&str])]) -> Proposal {
        let headers: Vec<String> = columns
            .iter()
            .map(|(header, _)| header.to_string())
            .collect();
        let samples: Vec<Vec<String>> = columns
            .iter()
            .map(|(_, values)| values.iter().map(ToString::to_string).collect())
            .collect();
        propose(&headers, &samples, &base(), true)
    }

    fn base() -> Definition {
        crate::pipelines::open(None).unwrap().definition
    }

    fn becomes(columns: &[(&str, &[&str])]) -> Vec<(Becomes, Certainty)> {
        let columns = proposed(columns).columns.into_iter();
        columns
            .map(|column| (column.becomes, column.certainty))
            .collect()
    }

    #[test]
    fn names_decide_and_values_where_names_do_not() {
        use Becomes::{Attribute, Field as F, Nothing, Password};
        use Certainty::{Certain, Likely};
        let mails: &[&str] = &["ann@firm.eu", "bo@firm.eu", "", "cy@firm.eu"];
        assert_eq!(
            becomes(&[
                ("Kontakt", mails),
                ("Vorname", &["Jordan", "Ada"]),
                ("Name", &["Lee", "Ray"]),
                (
                    "Erreichbar unter",
                    &["+49 30 123456", "030/123457", "(030) 123458"]
                ),
                ("Wo", &["DE", "France", "Italien"]),
                ("Desk", &["12", "0012", "9"]),
                ("Geburtstag", &["2001-02-03"]),
                (
                    "Beschäftigung",
                    &["aktiv", "inaktiv", "gesperrt", "suspended", "disabled"]
                ),
                ("Kennwort", &[]),
                (" ", &["x"]),
            ]),
            [
                (F(Field::Email), Likely),
                (F(Field::FirstName), Certain),
                (F(Field::LastName), Certain),
                (F(Field::Phone), Likely),
                (F(Field::Country), Likely),
                (Attribute("Desk".into()), Likely),
                (Attribute("Geburtstag".into()), Likely),
                (F(Field::Status), Likely),
                (Password, Certain),
                (Nothing, Certain),
            ]
        );
        // The surer column counts; a second column of addresses is another field.
        assert_eq!(
            becomes(&[("Private", mails), ("Work e-mail", mails), ("Login", mails)]),
            [
                (Attribute("Private".into()), Likely),
                (F(Field::Email), Certain),
                (F(Field::Username), Certain),
            ]
        );
        assert_eq!(
            becomes(&[
                ("Wer", &["Ann Lee", "Bo van Ray", "O'Hara, Jo"]),
                ("Contact mail address", mails)
            ]),
            [(F(Field::FullName), Likely), (F(Field::Email), Likely)]
        );
    }

    #[test]
    fn columns_that_close_are_proposed_in_their_sense_all_of_them() {
        let proposal = proposed(&[
            ("Status", &["active"]),
            ("Gesperrt", &["ja", "nein"]),
            ("Deleted at", &["", "2026-03-05"]),
        ]);
        assert!(proposal.questions.is_empty(), "{:?}", proposal.questions);
        for column in &proposal.columns {
            assert_eq!(column.becomes, Becomes::Field(Field::Status), "{column:?}");
        }
        assert!(proposal.columns[2].why.contains("a date that has come"));
        let text = proposal.pipeline("own", "a.csv", &base());
        assert!(
            text.contains("status = [\"Status\", \"Gesperrt\", \"Deleted at\"]"),
            "{text}"
        );
    }

    #[test]
    fn what_is_not_clear_is_asked_and_names_both() {
        let mails: &[&str] = &["ann@firm.eu", "bo@firm.eu"];
        for (columns, code, words) in [
            (
                vec![("Email", mails), ("E-Mail", mails)],
                Code::MapDoubled,
                "`Email` (column 1) and `E-Mail` (column 2) are both `email`",
            ),
            (
                vec![("Kontakt", mails), ("Zweitkontakt", mails)],
                Code::MapDoubled,
                "`Kontakt` (column 1) and `Zweitkontakt` (column 2) are both `email`",
            ),
            (
                vec![("Login", mails)],
                Code::MapAmbiguous,
                "`Login` (column 1) could be `username` (its name) or `email` (2 of 2 values are addresses)",
            ),
            (
                vec![("Wo", &["DE", "FR", "IT"])],
                Code::MapAmbiguous,
                "`Wo` (column 1) could be `country` (3 of 3 values are countries) or `language` (",
            ),
            (
                vec![("Badge", &["1"]), ("Badge ", &["2"])],
                Code::MapDoubled,
                "`Badge` (column 1) and `Badge` (column 2) have one name",
            ),
        ] {
            let proposal = proposed(&columns);
            assert_eq!(proposal.questions.len(), 1, "{proposal:?}");
            let question = &proposal.questions[0];
            assert_eq!(question.code, code);
            assert!(question.what.starts_with(words), "{}", question.what);
            for column in &proposal.columns {
                assert_eq!(column.certainty, Certainty::Asked, "{column:?}");
            }
        }
    }

    #[test]
    fn roles_that_the_base_allows_stay_allowed() {
        let proposal = proposed(&[("E-Mail", &["ann@firm.eu"]), ("Role", &["manager"])]);
        let text = proposal.pipeline("own", "a.csv", &base());
        let own = definition::parse("own.toml", &text).unwrap().definition;
        assert_eq!(own.accounts.roles, base().accounts.roles, "{text}");
        let proposal = proposed(&[("E-Mail", &["ann@firm.eu"])]);
        assert!(
            !proposal
                .pipeline("own", "a.csv", &base())
                .contains("[accounts]")
        );
    }

    #[test]
    fn answers_become_a_pipeline_that_reads_the_file_that_way() {
        let mails: &[&str] = &["ann@firm.eu", "bo@firm.eu"];
        let columns: Vec<(&str, &[&str])> = vec![
            ("Login", mails),
            ("Wer", &["Ann Lee"]),
            ("Phone", &["12"]),
            ("Desk", &["1"]),
        ];
        let definition = base();
        let answer = |words: [&str; 4]| {
            let mut proposal = proposed(&columns);
            let words = words.map(String::from);
            proposal.answer(&words, &definition).map(|()| proposal)
        };
        let proposal = answer(["email", "full_name", "attribute", "ignore"]).unwrap();
        assert!(proposal.questions.is_empty(), "{:?}", proposal.questions);
        let text = proposal.pipeline("own", "a.csv", &base());
        let own = definition::parse("own.toml", &text).unwrap().definition;
        let headers: Vec<String> = columns
            .iter()
            .map(|(header, _)| header.to_string())
            .collect();
        let vocabulary = Vocabulary::new(&own);
        let found = fields(&headers, &vocabulary, &own);
        let found: Vec<Option<Field>> = found.iter().map(|f| f.map(|f| f.field)).collect();
        assert_eq!(found[..2], [Some(Field::Email), Some(Field::FullName)]);
        assert_eq!(vocabulary.attribute("Phone"), Some("Phone"), "{text}");
        assert!(is_ignored("Desk", &own), "{text}");
        let doubled = answer(["email", "email", "", ""]).unwrap();
        assert_eq!(doubled.questions[0].code, Code::MapDoubled);
        assert!(answer(["nonsense", "", "", ""]).is_err());
        let mut secret = proposed(&[("Password", &[])]);
        assert!(secret.answer(&["email".into()], &definition).is_err());
    }

    #[test]
    fn the_pipeline_loads_and_says_the_same() {
        let mails: &[&str] = &["ann@firm.eu", "bo@firm.eu"];
        let columns: Vec<(&str, &[&str])> = vec![
            ("Kontakt \"neu\"\n", mails),
            ("Name", &["Ann Lee"]),
            ("Seit", &["13/02/2020"]),
            ("Hire date", &["13/02/2020", "01/02/2020"]),
            ("Team", &["A"]),
            ("Group 2", &["B"]),
            ("Login", &["ann"]),
            ("Username", &["ann"]),
            ("Desk", &["1"]),
        ];
        let proposal = proposed(&columns);
        let mut tabs = base();
        tabs.read.delimiter = Some("\t".to_string());
        let text = proposal.pipeline("own", "a\nb.csv", &tabs);
        let definition = definition::parse("own.toml", &text).unwrap().definition;
        assert_eq!(definition.clean.date_order, DateOrder::Dmy);
        assert_eq!(definition.read.delimiter.as_deref(), Some("\t"));
        assert_eq!(definition.columns.username, None, "{text}");
        assert!(
            text.contains("\n#username = \"Login\"\n#username = \"Username\"\n"),
            "{text}"
        );
        let headers: Vec<String> = columns
            .iter()
            .map(|(header, _)| header.to_string())
            .collect();
        let found = fields(&headers, &Vocabulary::new(&definition), &definition);
        let email = Found {
            field: Field::Email,
            is_named: true,
        };
        assert_eq!(found[0], Some(email), "{text}");
        // Without names and addresses it still loads, and requires what is there.
        let text = proposed(&[("Username", &["ann"])]).pipeline("own", "a.csv", &base());
        let definition = definition::parse("own.toml", &text).unwrap().definition;
        assert!(definition.require.fields.is_empty() && definition.require.email_or_username);
    }
}
