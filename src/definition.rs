//! `pipelines/*.toml` → [`Definition`]: where rows come from, how columns map, what is cleaned,
//! required, matched and allowed.
//!
//! The only thing that a run does by is in here; no stage has settings of its own. A mistake in a
//! file is a refusal that shows the line, the column, the excerpt and the nearest valid word.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::header::key;
use crate::issue::{Code, Severity};
use crate::refusal::{Refusal, Result};
use crate::row::{Field, Key, NamePart};
use crate::stages::clean::{converted, words};
use crate::stages::validate::email;

pub mod target;

use target::TargetTable;

/// A pipeline, read and checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// The pipeline's name in summaries.
    pub name: String,
    /// What it is for, in a sentence.
    #[serde(default)]
    pub description: String,
    /// By which columns a file is recognised as one of this pipeline's.
    #[serde(default)]
    pub recognize: Recognize,
    /// How files are read.
    #[serde(default)]
    pub read: Read,
    /// Which column is which field.
    #[serde(default)]
    pub columns: Columns,
    /// Custom attributes: name → header.
    #[serde(default)]
    pub attributes: BTreeMap<String, Headers>,
    /// How values are cleaned.
    #[serde(default)]
    pub clean: Clean,
    /// What the words of a status column mean.
    #[serde(default)]
    pub status: StatusWords,
    /// What the words of a role column mean.
    #[serde(default)]
    pub role: RoleWords,
    /// What the words of attributes that are yes or no mean.
    #[serde(default)]
    pub boolean: BooleanWords,
    /// What a row must have.
    #[serde(default)]
    pub require: Require,
    /// Rows of one file that contradict each other.
    #[serde(default)]
    pub rows: Rows,
    /// How rows find their accounts.
    #[serde(default, rename = "match")]
    pub matching: Matching,
    /// What an update may touch.
    #[serde(default)]
    pub update: Updates,
    /// What accounts may become.
    #[serde(default)]
    pub accounts: Accounts,
    /// People whom a full list no longer names.
    #[serde(default)]
    pub leavers: Leavers,
    /// How group cells are understood.
    #[serde(default)]
    pub groups: Groups,
    /// How much a run may change before somebody looks at it.
    #[serde(default)]
    pub gates: Gates,
    /// How much is written at once.
    #[serde(default)]
    pub load: Load,
    /// How people are invited, later.
    #[serde(default)]
    pub mail: Mail,
    /// The table of another application that holds the accounts, instead of muster's own.
    pub target: Option<TargetTable>,
}

impl Definition {
    /// What the accounts that this pipeline makes are owned by.
    pub fn source(&self) -> &str {
        self.leavers.source.as_deref().unwrap_or(&self.name)
    }

    /// Whether an issue of that code rejects its row under this pipeline.
    pub fn rejects(&self, code: Code) -> bool {
        code.severity() == Severity::Reject
            || self.rows.reject.iter().any(|name| name == code.name())
    }

    /// The required fields that no column is for, all of them.
    pub fn missing_fields(&self, has: &dyn Fn(Field) -> bool) -> Vec<String> {
        let is_missing = |name: &&String| match Field::from_name(name) {
            Some(field @ (Field::FirstName | Field::LastName)) => {
                !has(field) && !has(Field::FullName)
            }
            Some(Field::Email) if self.require.email_or_username => {
                !has(Field::Email) && !has(Field::Username)
            }
            Some(field) => !has(field),
            None => false,
        };
        let required = self.require.fields.iter();
        required.filter(is_missing).cloned().collect()
    }
}

/// `[recognize]`: the columns that tell a file of this pipeline's kind from any other.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recognize {
    /// All of them must be there; of a list within the list, one.
    pub headers: Vec<Headers>,
}

impl Recognize {
    /// The columns of `header` by which the file is recognised, if it is.
    pub fn fits<'a>(&self, header: &'a [String]) -> Option<Vec<&'a str>> {
        let keys: Vec<String> = header.iter().map(|name| key(name)).collect();
        let found = |wanted: &Headers| {
            let wanted = wanted.as_slice().iter();
            let mut places = wanted.map(|name| keys.iter().position(|other| *other == key(name)));
            let place = places.find_map(|place| place)?;
            Some(header[place].trim())
        };
        if self.headers.is_empty() {
            return None;
        }
        self.headers.iter().map(found).collect()
    }
}

/// `[read]`: all of it is detected when left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Read {
    /// What stands between cells: one character, or a few.
    pub delimiter: Option<String>,
    /// The quote character; empty when cells are never quoted.
    pub quote: Option<String>,
    /// What stands before a quote that is part of a cell: a backslash, or the quote itself.
    pub escape: Option<char>,
    /// What a line begins with that is no row.
    pub comment: Option<String>,
    /// An encoding's name: a label of the WHATWG Encoding Standard, or a code page of DOS or the Mac.
    pub encoding: Option<String>,
    /// The sheet of a workbook, by its name or its number.
    pub sheet: Option<SheetChoice>,
    /// The line or sheet row that holds the header, from 1.
    pub header_row: Option<u64>,
    /// How many rows of a text file the header takes.
    pub header_rows: Option<u64>,
    /// The names of a text file's columns, by position: in place of the header that `header_row`
    /// names, or of none.
    pub names: Option<Vec<String>>,
    /// How many lines below the rows of a text file are no rows, blank ones aside.
    pub footer_rows: Option<u64>,
}

/// Which sheet of a workbook is read.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub enum SheetChoice {
    /// Its number among the sheets of cells, from 1, hidden ones counted.
    Number(u64),
    /// Its name; case and spaces around it don't matter.
    Name(String),
}

/// One header or several that mean the same.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub enum Headers {
    /// One header.
    One(String),
    /// Several; for fields that list groups, all of them are read.
    Many(Vec<String>),
}

impl Headers {
    /// The headers as a slice of strings.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Headers::One(header) => std::slice::from_ref(header),
            Headers::Many(headers) => headers,
        }
    }
}

/// What happens to a column that is neither mapped nor recognised.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum UnknownColumns {
    /// Kept as a custom attribute under its header.
    #[default]
    Attribute,
    /// Not kept.
    Ignore,
    /// The file is refused.
    Refuse,
}

/// What happens when the file lacks a column that the pipeline names.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum MissingColumns {
    /// The file is refused.
    #[default]
    Refuse,
    /// It is taken; what is required must still be there.
    Accept,
}

/// `[columns]`: field → header. Well-known headers need no entry.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    /// What happens to columns that nobody knows.
    pub unknown: UnknownColumns,
    /// Columns that the pipeline names and the file lacks.
    pub missing: MissingColumns,
    /// Headers that are left out on purpose.
    pub ignore: Vec<String>,
    /// Headers of columns that are never read, because they hold passwords.
    pub passwords: Vec<String>,
    #[expect(missing_docs, reason = "one entry a field; `Field` documents them")]
    pub external_id: Option<Headers>,
    #[expect(missing_docs, reason = "as above")]
    pub email: Option<Headers>,
    #[expect(missing_docs, reason = "as above")]
    pub username: Option<Headers>,
    #[expect(missing_docs, reason = "as above")]
    pub first_name: Option<Headers>,
    #[expect(missing_docs, reason = "as above")]
    pub last_name: Option<Headers>,
    #[expect(missing_docs, reason = "as above")]
    pub full_name: Option<Headers>,
    #[expect(missing_docs, reason = "as above")]
    pub display_name: Option<Headers>,
    #[expect(missing_docs, reason = "as above")]
    pub phone: Option<Headers>,
    #[expect(missing_docs, reason = "as above")]
    pub country: Option<Headers>,
    #[expect(missing_docs, reason = "as above")]
    pub language: Option<Headers>,
    #[expect(missing_docs, reason = "as above")]
    pub organization: Option<Headers>,
    #[expect(missing_docs, reason = "as above")]
    pub groups: Option<Headers>,
    #[expect(missing_docs, reason = "as above")]
    pub add_groups: Option<Headers>,
    #[expect(missing_docs, reason = "as above")]
    pub remove_groups: Option<Headers>,
    #[expect(missing_docs, reason = "as above")]
    pub role: Option<Headers>,
    #[expect(missing_docs, reason = "as above")]
    pub other_roles: Option<Headers>,
    #[expect(missing_docs, reason = "as above")]
    pub status: Option<Headers>,
    #[expect(missing_docs, reason = "as above")]
    pub start_date: Option<Headers>,
    #[expect(missing_docs, reason = "as above")]
    pub end_date: Option<Headers>,
    #[expect(missing_docs, reason = "as above")]
    pub manager: Option<Headers>,
    /// Columns of further first names, joined into the first name.
    pub middle_name: Option<Headers>,
    /// Columns of particles such as `van der`, joined into the last name, before it.
    pub last_name_prefix: Option<Headers>,
    /// Columns of second surnames, joined into the last name, behind it.
    pub second_last_name: Option<Headers>,
    /// Columns of `Jr.` and the like, joined into the last name, at its end.
    pub name_suffix: Option<Headers>,
    /// The column of password hashes, which are taken over only where this names it.
    pub password_hash: Option<Headers>,
}

impl Columns {
    /// The headers that the pipeline names for `field`.
    pub fn of(&self, field: Field) -> Option<&Headers> {
        match field {
            Field::ExternalId => self.external_id.as_ref(),
            Field::Email => self.email.as_ref(),
            Field::Username => self.username.as_ref(),
            Field::FirstName => self.first_name.as_ref(),
            Field::LastName => self.last_name.as_ref(),
            Field::FullName => self.full_name.as_ref(),
            Field::DisplayName => self.display_name.as_ref(),
            Field::Phone => self.phone.as_ref(),
            Field::Country => self.country.as_ref(),
            Field::Language => self.language.as_ref(),
            Field::Organization => self.organization.as_ref(),
            Field::Groups => self.groups.as_ref(),
            Field::AddGroups => self.add_groups.as_ref(),
            Field::RemoveGroups => self.remove_groups.as_ref(),
            Field::Role => self.role.as_ref(),
            Field::OtherRoles => self.other_roles.as_ref(),
            Field::Status => self.status.as_ref(),
            Field::StartDate => self.start_date.as_ref(),
            Field::EndDate => self.end_date.as_ref(),
            Field::Manager => self.manager.as_ref(),
        }
    }

    /// The headers that the pipeline names for a part of a name.
    pub fn of_part(&self, part: NamePart) -> Option<&Headers> {
        match part {
            NamePart::Middle => self.middle_name.as_ref(),
            NamePart::Before => self.last_name_prefix.as_ref(),
            NamePart::Second => self.second_last_name.as_ref(),
            NamePart::Suffix => self.name_suffix.as_ref(),
        }
    }
}

/// In which order `03/04/2025` has day and month.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// Not said: a date that can be read both ways is an issue.
    #[default]
    Unknown,
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
}

/// In which order a full name has its parts when no comma tells.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum NameOrder {
    /// `First Middle Last`: the last word is the last name, with the particles before it.
    #[default]
    FirstLast,
    /// `Last First Middle`: the first word is the last name.
    LastFirst,
}

/// `[clean]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clean {
    /// ISO 3166 alpha-2 code of the country that phone numbers without a country code belong to,
    /// when the row names no country of its own.
    pub default_country: Option<String>,
    /// Order of day and month in dates with slashes.
    pub date_order: DateOrder,
    /// Order of the parts of a full name.
    pub name_order: NameOrder,
    /// Cells that mean an empty one, written exactly so, beside the words that are known.
    pub nothing: Vec<String>,
    /// Cells that look like nothing and are data, written exactly so.
    pub data: Vec<String>,
    /// Custom attributes that are yes or no.
    pub booleans: Vec<String>,
    /// Fields in which dates, `TRUE` and percentages are meant as they are, and not what a spreadsheet
    /// made of something else.
    pub converted: Vec<String>,
    /// Columns of dates that a spreadsheet has probably read by the wrong order.
    pub flipped_dates: FlippedDates,
    /// What all cells of a file say of its columns; no setting.
    #[serde(skip)]
    pub columns: converted::ColumnSigns,
}

/// What happens to dates whose day and month a spreadsheet has probably swapped.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum FlippedDates {
    /// Their rows are rejected.
    #[default]
    Reject,
    /// They are taken as the cells have them.
    Accept,
}

/// What a word of a status column means. The last of them that a row's columns say counts.
#[derive(Debug, Clone, Copy, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// Nothing: an account keeps its status, and a new one gets that of new accounts.
    Keep,
    /// The account is active.
    Active,
    /// The account waits for its person.
    Invited,
    /// The account is closed.
    Deactivated,
    /// The row is about nobody, and left out.
    Skip,
}

/// `[status]`: cell → what it means. `*` is every other word; without it, words that are known
/// anyway (`active`, `disabled`, `ja`, …) keep their meaning.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "BTreeMap<String, Meaning>")]
pub struct StatusWords {
    words: HashMap<String, Meaning>,
    others: Option<Meaning>,
    empty: Option<Meaning>,
}

impl From<BTreeMap<String, Meaning>> for StatusWords {
    fn from(mut words: BTreeMap<String, Meaning>) -> StatusWords {
        StatusWords {
            others: words.remove("*"),
            empty: words.remove(""),
            words: words
                .iter()
                .map(|(word, meaning)| (key(word), *meaning))
                .collect(),
        }
    }
}

impl StatusWords {
    /// What an empty cell means, if the pipeline says so.
    pub fn of_empty(&self) -> Option<Meaning> {
        self.empty
    }

    /// What `text` means, if the pipeline says so. Words are compared as headers are.
    pub fn meaning(&self, text: &str) -> Option<Meaning> {
        if self.words.is_empty() {
            return self.others;
        }
        self.words.get(&words::key(text)).copied().or(self.others)
    }
}

/// `[role]`: role → what cells may say for it. `*` is every word that is neither a role nor one of
/// these. Words are compared as headers are.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "BTreeMap<String, Headers>")]
pub struct RoleWords {
    /// As the pipeline has it.
    listed: BTreeMap<String, Headers>,
    words: HashMap<String, String>,
    others: Option<String>,
    /// The roles that the pipeline may give; they mean themselves.
    roles: Vec<String>,
}

impl From<BTreeMap<String, Headers>> for RoleWords {
    fn from(listed: BTreeMap<String, Headers>) -> RoleWords {
        let mut own = RoleWords::default();
        for (role, words) in &listed {
            let role = words::lower(role).unwrap_or_else(|| role.clone());
            for word in words.as_slice() {
                if word == "*" {
                    own.others = Some(role.clone());
                } else {
                    own.words.insert(key(word), role.clone());
                }
            }
        }
        own.listed = listed;
        own
    }
}

impl RoleWords {
    /// Whether the pipeline says nothing.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// The role that `lower`, which is in lower case, means, if the pipeline says so.
    pub fn meaning(&self, lower: &str) -> Option<&str> {
        if let Some(role) = self.roles.iter().find(|role| *role == lower) {
            return Some(role);
        }
        let own = self.words.get(&words::key(lower)).or(self.others.as_ref());
        own.map(String::as_str)
    }
}

/// `[boolean]`: cell → whether it says yes, beside the words that are known anyway. Words are
/// compared as headers are.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "BTreeMap<String, bool>")]
pub struct BooleanWords {
    words: HashMap<String, bool>,
}

impl From<BTreeMap<String, bool>> for BooleanWords {
    fn from(words: BTreeMap<String, bool>) -> BooleanWords {
        BooleanWords {
            words: words.iter().map(|(word, yes)| (key(word), *yes)).collect(),
        }
    }
}

impl BooleanWords {
    /// What a word in the form of [`words::key`] means, if the pipeline says so.
    pub fn meaning(&self, key: &str) -> Option<bool> {
        self.words.get(key).copied()
    }
}

/// `[require]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Require {
    /// Fields that no row may leave empty.
    pub fields: Vec<String>,
    /// Takes people without an e-mail address if they have a username.
    pub email_or_username: bool,
}

impl Default for Require {
    fn default() -> Self {
        Require {
            fields: ["first_name", "last_name", "email"]
                .map(String::from)
                .to_vec(),
            email_or_username: false,
        }
    }
}

/// What happens to rows of one run that share a key and differ elsewhere.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Clashes {
    /// All of them are rejected, each naming the others.
    #[default]
    Reject,
    /// The first stays, the others are skipped.
    First,
    /// The last stays, the others are skipped.
    Last,
}

/// `[rows]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rows {
    /// Rows with the same key and other values.
    pub clashes: Clashes,
    /// Codes of warnings that reject the row in this pipeline, such as `email.typo`.
    pub reject: Vec<String>,
}

/// Which accounts a run may write.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Creates and updates.
    #[default]
    Upsert,
    /// Creates only; a row with an account is rejected.
    Create,
    /// Updates only; a row without an account is rejected.
    Update,
}

/// What happens to a row whose account is of a certain status.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Existing {
    /// Brought up to date.
    #[default]
    Update,
    /// Left alone.
    Skip,
    /// The row is rejected, naming the account.
    Reject,
    /// Brought up to date, and opened again if it is closed; for `existing_deactivated` alone.
    Reactivate,
}

/// What happens to a row that says `deactivated` of a person who has no account.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum UnknownDeactivated {
    /// The account is made, and is closed.
    #[default]
    Create,
    /// Nothing: there is nothing to close.
    Skip,
}

/// What happens to a row with a known e-mail address and an external id that nobody has, where the
/// account of that address has another one.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Returning {
    /// It is held: only people know whether that is the same person.
    #[default]
    Hold,
    /// It is the same person: the account gets the new id.
    Same,
}

/// What happens to a row whose external id or username is known, while its e-mail address, its first
/// and its last name are all other ones than those of the account.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Recycled {
    /// It is held: the id or the username may have gone to another person.
    #[default]
    Hold,
    /// It is the same person: the account gets the new values.
    Same,
}

/// `[match]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Matching {
    /// Keys in the order in which they decide: `external_id`, `email`, `username`.
    pub by: Vec<String>,
    /// What may be written.
    pub mode: Mode,
    /// Accounts that are active.
    pub existing_active: Existing,
    /// Accounts that were invited and have not come yet.
    pub existing_invited: Existing,
    /// Accounts that were deactivated. They stay deactivated unless the row's status says
    /// otherwise, or this is `reactivate`: then they get the status of a new account.
    pub existing_deactivated: Existing,
    /// People who have no account, and whose row says that it is closed.
    pub unknown_deactivated: UnknownDeactivated,
    /// A known address with a new external id.
    pub returning: Returning,
    /// A known external id or username with another person's name and address.
    pub recycled: Recycled,
}

impl Default for Matching {
    fn default() -> Self {
        Matching {
            by: ["external_id", "email", "username"]
                .map(String::from)
                .to_vec(),
            mode: Mode::Upsert,
            existing_active: Existing::Update,
            existing_invited: Existing::Update,
            existing_deactivated: Existing::Update,
            unknown_deactivated: UnknownDeactivated::Create,
            returning: Returning::Hold,
            recycled: Recycled::Hold,
        }
    }
}

impl Matching {
    /// The keys in their order. The names were checked when the pipeline was read.
    pub fn keys(&self) -> Vec<Key> {
        self.by
            .iter()
            .filter_map(|name| Key::ALL.into_iter().find(|key| key.field().name() == name))
            .collect()
    }
}

/// When a file's value goes into an account.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Touch {
    /// At creation, and whenever it differs.
    #[default]
    Overwrite,
    /// At creation, and whenever it differs, but not over what the application or a pipeline of
    /// another source set last. Of groups: nobody loses one that somebody else put them into. An
    /// account is closed whoever opened it.
    Own,
    /// At creation, and where the account has none.
    Fill,
    /// At creation only.
    Keep,
    /// Not at all.
    Never,
}

/// What an empty cell means for an account that has a value.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum EmptyCell {
    /// The account keeps it.
    #[default]
    Keep,
    /// The account loses it.
    Clear,
}

/// `[update]`: field by field, what an update may touch.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Updates {
    /// For fields that `fields` doesn't name.
    pub default: Touch,
    /// By field; `attributes` for all custom attributes, `attributes.NAME` for one.
    pub fields: BTreeMap<String, Touch>,
    /// What empty cells mean.
    pub empty: EmptyCell,
    /// The cell that says: take away what the account has. Empty for none.
    pub clear: String,
}

impl Default for Updates {
    fn default() -> Self {
        Updates {
            default: Touch::Overwrite,
            fields: BTreeMap::new(),
            empty: EmptyCell::Keep,
            clear: "<clear>".to_string(),
        }
    }
}

impl Updates {
    /// Whether it matters who set a value last.
    pub fn asks_who(&self) -> bool {
        self.default == Touch::Own || self.fields.values().any(|touch| *touch == Touch::Own)
    }

    /// What may be done to a field. Where `role` or `groups` is named, that is also said of the
    /// other columns that roles and memberships come from.
    pub fn of(&self, field: Field) -> Touch {
        let main = match field {
            Field::OtherRoles => Field::Role,
            Field::AddGroups | Field::RemoveGroups => Field::Groups,
            field => field,
        };
        [field, main]
            .iter()
            .find_map(|field| self.fields.get(field.name()).copied())
            .unwrap_or(self.default)
    }

    /// What may be done to a custom attribute.
    pub fn of_attribute(&self, name: &str) -> Touch {
        if self.fields.is_empty() {
            return self.default;
        }
        let named = self.fields.get(&format!("attributes.{name}"));
        let all = self.fields.get("attributes");
        named.or(all).copied().unwrap_or(self.default)
    }
}

/// How people are taken on.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Onboarding {
    /// New accounts are `invited` until the person accepts.
    #[default]
    Invite,
    /// New accounts are `active` at once.
    Setup,
}

impl Onboarding {
    /// The way's word.
    pub fn name(self) -> &'static str {
        match self {
            Onboarding::Invite => "invite",
            Onboarding::Setup => "setup",
        }
    }
}

/// `[accounts]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Accounts {
    /// Status of new accounts whose row names none.
    pub onboarding: Onboarding,
    /// Roles that this pipeline may give, from least to most.
    pub roles: Vec<String>,
    /// The role of new accounts whose row names none.
    pub default_role: String,
    /// Whether a cell may list several roles, parted as groups are: the first is the account's
    /// role, the others its other roles.
    pub several_roles: bool,
    /// What the first and the last day do.
    pub dates: Dates,
    /// The day of the run; whoever begins one says it. Without it, no date does anything.
    #[serde(skip)]
    pub(crate) today: Option<jiff::civil::Date>,
}

/// What `start_date` and `end_date` do.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Dates {
    /// Nothing: they are kept with the account.
    #[default]
    Ignore,
    /// An account is let in on its first day, and closed after its last one.
    Schedule,
}

impl Accounts {
    /// The day of the run, where dates do anything.
    pub fn day(&self) -> Option<jiff::civil::Date> {
        self.today.filter(|_| self.dates == Dates::Schedule)
    }
}

impl Default for Accounts {
    fn default() -> Self {
        Accounts {
            onboarding: Onboarding::Invite,
            roles: vec!["user".to_string()],
            default_role: "user".to_string(),
            dates: Dates::Ignore,
            today: None,
            several_roles: false,
        }
    }
}

/// What happens to accounts of this pipeline's own making that the file doesn't name.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Nothing: the file is no full list.
    #[default]
    Ignore,
    /// They are deactivated, never deleted.
    Deactivate,
}

/// `[leavers]`: who isn't in the file any more. Only accounts that runs of the same source made
/// are ever meant.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Leavers {
    /// What happens to them.
    pub missing: Missing,
    /// In so many runs somebody may be missing before it counts.
    pub grace_runs: u32,
    /// For so many days somebody may be missing before it counts.
    pub grace_days: u32,
    /// Addresses of people who are never deactivated so; `[mail] admin` is one of them.
    pub protected: Vec<String>,
    /// Roles of people who are never deactivated so.
    pub protected_roles: Vec<String>,
    /// What the accounts are owned by; the pipeline's name when left out. Pipelines that name the
    /// same source own each other's accounts.
    pub source: Option<String>,
}

/// What happens to a group that doesn't exist yet.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum MissingGroups {
    /// It is made, with the groups above it.
    #[default]
    Create,
    /// Its rows are rejected.
    Reject,
    /// Its rows are held: nothing of them is written until the group is there.
    Hold,
}

/// Whether those above a group see who is in it.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// They don't.
    #[default]
    Private,
    /// They do: its members may join the groups above.
    Public,
}

impl Visibility {
    /// The visibility's word.
    pub fn name(self) -> &'static str {
        match self {
            Visibility::Private => "private",
            Visibility::Public => "public",
        }
    }
}

/// What the groups of a row mean for an account that has some already.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Memberships {
    /// The row's groups are added.
    #[default]
    Add,
    /// The account ends up in the row's groups and no others.
    Replace,
}

/// `[groups]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Groups {
    /// Groups that don't exist yet.
    pub missing: MissingGroups,
    /// Memberships of accounts that exist.
    pub memberships: Memberships,
    /// Characters that part the groups of a cell.
    pub separators: Vec<char>,
    /// The character between a group and the group above it.
    pub nesting: char,
    /// Whether everybody must end up in at least one group.
    pub required: bool,
    /// The character between a group and a role in it; none where names are only names.
    pub role_mark: Option<char>,
    /// Roles within a group that this pipeline may give, besides the default one.
    pub roles: Vec<String>,
    /// The role of members of whom nothing else is said.
    pub default_role: String,
    /// Whether a member of a public group with the default role also joins every group above it
    /// up to and including the first private one.
    pub join_parents: bool,
    /// The visibility of new groups.
    pub visibility: Visibility,
    /// The same for some of them: a group's path, or `PATH/*` for all below it; the longest counts.
    pub visibility_of: BTreeMap<String, Visibility>,
}

impl Default for Groups {
    fn default() -> Self {
        Groups {
            missing: MissingGroups::Create,
            memberships: Memberships::Add,
            separators: vec![';', ','],
            nesting: '/',
            required: false,
            role_mark: None,
            roles: Vec::new(),
            default_role: "member".to_string(),
            join_parents: false,
            visibility: Visibility::Private,
            visibility_of: BTreeMap::new(),
        }
    }
}

/// What happens to the others when a class of changes is over its limit.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum OnHold {
    /// They go on.
    #[default]
    OthersGoOn,
    /// They wait, too.
    HoldAll,
}

/// What happens to a file that looks unlike the last one.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Nothing: no two lists need be alike.
    #[default]
    Ignore,
    /// Nothing of it is written.
    Hold,
}

/// What happens to a file in which names and addresses seem to have slipped against each other, or
/// that gives most of its people another name.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Slipped {
    /// Nothing of it is written.
    #[default]
    Hold,
    /// Nothing.
    Ignore,
}

/// The limit of a class of changes; what is left out is as [`crate::stages::gates`] has it.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Limit {
    /// Share of what is there, such as 0.05 of the accounts.
    pub share: Option<f64>,
    /// So many are never too many, whatever their share.
    pub count: Option<u64>,
    /// The limit holds from so many accounts on.
    pub base: Option<u64>,
}

/// `[gates]`: what a run may do before somebody must look at it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gates {
    /// Whether there are any.
    pub enabled: bool,
    /// What happens to the others when a class is held.
    pub on_hold: OnHold,
    /// Over which time runs of the pipeline are looked at together; `never` for each by itself.
    pub window: String,
    /// How many times its limit a class may come to in that time.
    pub window_times: f64,
    /// New accounts.
    pub create: Limit,
    /// Accounts that change in anything.
    pub update: Limit,
    /// Accounts that are closed.
    pub deactivate: Limit,
    /// Accounts whose mail goes elsewhere.
    pub email_change: Limit,
    /// Accounts that get a role further along in `roles`.
    pub role_raise: Limit,
    /// Accounts that get another external id or username.
    pub key_change: Limit,
    /// Groups that don't exist yet.
    pub new_groups: Limit,
    /// How many accounts may be active or invited.
    pub seats: Option<u64>,
    /// What happens to a file that looks unlike the last one.
    pub content: Content,
    /// Fewest rows of the last file that a new one is compared with.
    pub content_from: u64,
    /// Share of the rows that may be missing, or that the last file may have been short of.
    pub content_rows: f64,
    /// By how much a share may move: of empty cells, of a kind of values, of a mail domain.
    pub content_shift: f64,
    /// What happens to a file whose columns slipped against each other.
    pub slipped: Slipped,
}

impl Default for Gates {
    fn default() -> Self {
        Gates {
            enabled: true,
            on_hold: OnHold::OthersGoOn,
            window: "7 days".to_string(),
            window_times: 2.0,
            create: Limit::default(),
            update: Limit::default(),
            deactivate: Limit::default(),
            email_change: Limit::default(),
            role_raise: Limit::default(),
            key_change: Limit::default(),
            new_groups: Limit::default(),
            seats: None,
            content: Content::Ignore,
            content_from: 50,
            content_rows: 0.4,
            content_shift: 0.3,
            slipped: Slipped::Hold,
        }
    }
}

/// `[load]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Load {
    /// Connections that write at the same time, 1 to 16.
    pub connections: usize,
    /// The fewest rows of a chunk, which is one transaction; 1 to 100,000. A chunk holds whole
    /// batches of up to 4,096 rows.
    pub chunk_rows: usize,
}

impl Default for Load {
    fn default() -> Self {
        Load {
            connections: 2,
            chunk_rows: 16_384,
        }
    }
}

/// `[mail]`: who writes, what the links are, and how fast mails go out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// Who sends, as `Name <address>`; needed for SMTP.
    pub from: Option<String>,
    /// Where answers go, when not to `from`.
    pub reply_to: Option<String>,
    /// What the mails call the place that people are invited to.
    pub product: String,
    /// Whom to ask: an address or a URL that stands at the end of every mail.
    pub contact: Option<String>,
    /// Where links lead, without the token: `https://…`; plain `http` only to this machine. Without
    /// one they lead to the page of `muster serve`.
    pub link_base: Option<String>,
    /// The language of mails to people whose own has no template.
    pub language: String,
    /// A folder of edited templates, as `muster templates export` writes it.
    pub templates: Option<String>,
    /// How long an invitation works: `7 days`, `12 hours`, or `never`.
    pub invitation_expires: String,
    /// How long a reset link works.
    pub reset_expires: String,
    /// How long a temporary password works.
    pub temporary_expires: String,
    /// Lets `muster reset --temporary-password` mail passwords. Such mails can't be recalled.
    pub temporary_passwords: bool,
    /// The fewest characters of a password that somebody chooses.
    pub password_min: usize,
    /// Who gets the mail of `muster report`.
    pub admin: Option<String>,
    /// Where the folders of runs can be read in a browser; the run's id is put behind it.
    pub summary_base: Option<String>,
    /// The mail server: `smtp://user@host:587` (STARTTLS) or `smtps://user@host:465`. The password
    /// comes from `MUSTER_SMTP_PASSWORD`. `MUSTER_SMTP` goes before this; without either, mails go
    /// to a folder of `.eml` files.
    pub smtp: Option<String>,
    /// A PEM file with the authority of the mail server's certificate, beside the system's.
    pub smtp_ca: Option<String>,
    /// Connections to the mail server, 1 to 16.
    pub connections: usize,
    /// Mails a minute, over all connections; 0 for no limit.
    pub per_minute: u32,
    /// Mails a minute to one domain; 0 for no limit.
    pub per_domain_per_minute: u32,
    /// Minutes over which the rate grows from a tenth to the whole; 0 for none.
    pub ramp_up_minutes: u32,
    /// When no mail goes out, as `20:00-07:00`.
    pub quiet_hours: Option<String>,
    /// The time zone of `quiet_hours`, such as `Europe/Paris`; the system's when left out.
    pub time_zone: Option<String>,
    /// Seconds to wait before each further try at a mail that the server put off.
    pub retry_seconds: Vec<u64>,
    /// Share of refused mails among the first 200 at which sending stops.
    pub stop_refused: f64,
}

impl Default for Mail {
    fn default() -> Self {
        Mail {
            from: None,
            reply_to: None,
            product: "our platform".to_string(),
            contact: None,
            link_base: None,
            language: "en".to_string(),
            templates: None,
            invitation_expires: "7 days".to_string(),
            reset_expires: "24 hours".to_string(),
            temporary_expires: "3 days".to_string(),
            temporary_passwords: false,
            password_min: 15,
            admin: None,
            summary_base: None,
            smtp: None,
            smtp_ca: None,
            connections: 2,
            per_minute: 60,
            per_domain_per_minute: 0,
            ramp_up_minutes: 0,
            quiet_hours: None,
            time_zone: None,
            retry_seconds: vec![30, 120, 600],
            stop_refused: 0.1,
        }
    }
}

/// A length of time as written in `[mail]` and `[gates]`: `7 days`, `24 hours`, `90 minutes`; `None` for `never`.
///
/// # Errors
/// What is wrong with it.
pub fn lifetime(text: &str) -> std::result::Result<Option<u32>, String> {
    let wrong =
        || format!("`{text}` is not a length of time such as `7 days`, `24 hours` or `never`");
    if text.trim() == "never" {
        return Ok(None);
    }
    let (number, unit) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let number: u32 = number.parse().map_err(|_| wrong())?;
    let minutes = match unit.trim().trim_end_matches('s') {
        "minute" => 1,
        "hour" => 60,
        "day" => 24 * 60,
        "week" => 7 * 24 * 60,
        _ => return Err(wrong()),
    };
    // A year: what is to last longer is meant to last for ever, and should say so.
    match number.checked_mul(minutes) {
        Some(all @ 1..=527_040) => Ok(Some(all)),
        _ => Err(format!("`{text}` is not between one minute and 366 days")),
    }
}

/// A definition together with what names it in a summary.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// What it says.
    pub definition: Definition,
    /// SHA-256 of its text, in lower-case hex; of that and the options, where some override it.
    pub sha256: String,
    /// Its text: what a plan keeps, to do later what it says now.
    pub text: String,
    /// The options that override it, in the order in which they were set.
    pub options: Vec<(String, String)>,
    /// How the commands that follow a run find it again: an absolute path or a shipped name; none
    /// for the default.
    pub named: Option<String>,
}

impl Pipeline {
    /// Sets what an option of the command line overrides, and tells the pipeline apart from itself
    /// without it: a run that was cut off is taken up again only if it would do the same. An option
    /// that overrides nothing in it only does the latter.
    ///
    /// # Errors
    /// `usage.invalid`, when the value can't be meant.
    pub fn set(&mut self, option: &str, value: &str) -> Result<()> {
        let definition = &mut self.definition;
        match option {
            "sheet" => definition.read.sheet = Some(SheetChoice::Name(value.to_string())),
            "encoding" => definition.read.encoding = Some(value.to_string()),
            "delimiter" => definition.read.delimiter = Some(delimiter(value)?),
            "onboarding" => {
                let way = <Onboarding as clap::ValueEnum>::from_str(value, false);
                definition.accounts.onboarding =
                    way.map_err(|error| Refusal::new(Code::UsageInvalid, error))?;
            }
            "add" => {
                // Our own columns, whatever the pipeline calls them; names come when people accept.
                definition.columns = Columns {
                    email: Some(Headers::One("email".to_string())),
                    ..Columns::default()
                };
                definition.attributes.clear();
                definition.require.fields = vec!["email".to_string()];
                definition.read = Read {
                    delimiter: definition.read.delimiter.take(),
                    encoding: definition.read.encoding.take(),
                    ..Read::default()
                };
                // A few people are no full list.
                definition.leavers.missing = Missing::Ignore;
                definition.accounts.dates = Dates::Ignore;
                // They look like no file, and the next file is not to look like them.
                definition.gates.content = Content::Ignore;
            }
            _ => {}
        }
        self.sha256 = crate::hex(&Sha256::digest(format!("{} {option}={value}", self.sha256)));
        self.options.push((option.to_string(), value.to_string()));
        Ok(())
    }
}

fn delimiter(text: &str) -> Result<String> {
    let meant = match text {
        "\\t" | "tab" => "\t",
        text => text,
    };
    check_delimiter(meant).map_err(|message| {
        let what = format!("`--delimiter {text}`: {message}");
        Refusal::new(Code::UsageInvalid, what)
    })?;
    Ok(meant.to_string())
}

/// The pipelines that come with muster: name and text. The first is the default; those behind
/// `preflight` are presets for what other systems export, and are recognised by their columns.
pub const SHIPPED: [(&str, &str); 23] = [
    ("users", include_str!("../pipelines/users.toml")),
    ("hr-nightly", include_str!("../pipelines/hr-nightly.toml")),
    ("migration", include_str!("../pipelines/migration.toml")),
    ("preflight", include_str!("../pipelines/preflight.toml")),
    ("moodle", include_str!("../pipelines/moodle.toml")),
    ("canvas", include_str!("../pipelines/canvas.toml")),
    (
        "oneroster-1.1",
        include_str!("../pipelines/oneroster-1.1.toml"),
    ),
    (
        "oneroster-1.2",
        include_str!("../pipelines/oneroster-1.2.toml"),
    ),
    (
        "school-data-sync",
        include_str!("../pipelines/school-data-sync.toml"),
    ),
    ("entra", include_str!("../pipelines/entra.toml")),
    (
        "entra-create",
        include_str!("../pipelines/entra-create.toml"),
    ),
    (
        "google-workspace",
        include_str!("../pipelines/google-workspace.toml"),
    ),
    ("okta", include_str!("../pipelines/okta.toml")),
    ("auth0", include_str!("../pipelines/auth0.toml")),
    ("keycloak", include_str!("../pipelines/keycloak.toml")),
    ("scim", include_str!("../pipelines/scim.toml")),
    ("bamboohr", include_str!("../pipelines/bamboohr.toml")),
    ("workday", include_str!("../pipelines/workday.toml")),
    (
        "successfactors",
        include_str!("../pipelines/successfactors.toml"),
    ),
    ("mattermost", include_str!("../pipelines/mattermost.toml")),
    ("360learning", include_str!("../pipelines/360learning.toml")),
    (
        "ispring-learn",
        include_str!("../pipelines/ispring-learn.toml"),
    ),
    ("talentlms", include_str!("../pipelines/talentlms.toml")),
];

/// A pipeline that files can be recognised for.
pub struct Recognizable {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// Whether it lies in `./pipelines`.
    pub is_own: bool,
}

/// Every pipeline with a `[recognize]`: those in `./pipelines` first, then the shipped ones.
///
/// # Errors
/// `pipeline.invalid` for one of `./pipelines` that is wrong and has a `[recognize]`.
pub fn recognizable() -> Result<Vec<Recognizable>> {
    let mut all = Vec::new();
    for path in own_pipelines() {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if text.lines().any(|line| line.trim() == "[recognize]") {
            let pipeline = open(Some(&path.display().to_string()))?;
            all.push(Recognizable {
                pipeline,
                is_own: true,
            });
        }
    }
    for (name, text) in SHIPPED {
        let pipeline = Pipeline {
            named: Some(name.to_string()),
            ..parse(&format!("{name}.toml"), text)?
        };
        all.push(Recognizable {
            pipeline,
            is_own: false,
        });
    }
    all.retain(|one| !one.pipeline.definition.recognize.headers.is_empty());
    Ok(all)
}

fn own_pipelines() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("pipelines").into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    paths.sort();
    paths
}

/// Reads the pipeline called `name`: a path, the name of a file in `./pipelines`, or a shipped
/// one; the default without a name.
///
/// # Errors
/// `pipeline.not_found` when there is none, `pipeline.invalid` when its text is wrong.
pub fn open(name: Option<&str>) -> Result<Pipeline> {
    let Some(name) = name else {
        return parse("users.toml", SHIPPED[0].1);
    };
    let bare = name.strip_suffix(".toml").unwrap_or(name);
    let candidates: [PathBuf; 2] = [
        PathBuf::from(name),
        Path::new("pipelines").join(format!("{bare}.toml")),
    ];
    for path in &candidates {
        if path.is_file() {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Refusal::new(
                    Code::PipelineNotFound,
                    format!("the pipeline `{}` can't be read: {error}", path.display()),
                )
            })?;
            let named = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            return Ok(Pipeline {
                named: Some(named.display().to_string()),
                ..parse(&path.display().to_string(), &text)?
            });
        }
    }
    if let Some((_, text)) = SHIPPED.iter().find(|(shipped, _)| *shipped == bare) {
        return Ok(Pipeline {
            named: Some(bare.to_string()),
            ..parse(&format!("{bare}.toml"), text)?
        });
    }
    let near = nearest(bare, SHIPPED.iter().map(|(name, _)| *name));
    Err(
        Refusal::new(Code::PipelineNotFound, format!("no pipeline `{name}`")).help(match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "name a file, or one of {}",
                SHIPPED.map(|(name, _)| format!("`{name}`")).join(", ")
            ),
        }),
    )
}

/// Reads a pipeline from `text`; `path` is what messages call it.
///
/// # Errors
/// `pipeline.invalid`, with line, column, excerpt and the nearest valid word.
pub fn parse(path: &str, text: &str) -> Result<Pipeline> {
    let mut definition: Definition = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let message = error.message().to_string();
        invalid(
            path,
            text,
            at,
            &plain_message(&message),
            nearest_in(&message),
        )
    })?;
    let roles = definition.accounts.roles.iter();
    definition.role.roles = roles
        .map(|role| words::lower(role).unwrap_or_else(|| role.clone()))
        .collect();
    check(path, text, &definition)?;
    target::fit(&mut definition);
    let sha256 = crate::hex(&Sha256::digest(text.as_bytes()));
    Ok(Pipeline {
        definition,
        sha256,
        text: text.to_string(),
        options: Vec::new(),
        named: None,
    })
}

/// What serde can't see: words that must name a field, a key or a code, and numbers with bounds.
fn check(path: &str, text: &str, definition: &Definition) -> Result<()> {
    check_words(path, text, definition)?;
    check_columns(path, text, definition)?;
    // Names of pipelines and of attributes are kept in the database, whose text can't hold it.
    if let Some(at) = text.find("\\u0000").or_else(|| text.find("\\U00000000")) {
        let message = "names and values can't contain NUL";
        return Err(invalid(path, text, at, message, None));
    }
    let wrong = |key: &str, message: &str| Err(invalid(path, text, find(text, key), message, None));
    if definition.update.clear.chars().any(char::is_control) {
        return wrong("clear", "`clear` has control characters in it");
    }
    if definition.matching.by.is_empty() {
        return wrong("by", "`by` needs at least one key");
    }
    for (key, policy) in [
        ("existing_active", definition.matching.existing_active),
        ("existing_invited", definition.matching.existing_invited),
    ] {
        if policy == Existing::Reactivate {
            return wrong(key, "only `existing_deactivated` can be \"reactivate\"");
        }
    }
    if !(1..=16).contains(&definition.load.connections) {
        return wrong("connections", "`connections` must be from 1 to 16");
    }
    if !(1..=100_000).contains(&definition.load.chunk_rows) {
        return wrong("chunk_rows", "`chunk_rows` must be from 1 to 100000");
    }
    check_read(&definition.read, &wrong)?;
    let clean = &definition.clean;
    if let Some(word) = clean.data.iter().find(|word| clean.nothing.contains(word)) {
        let message = format!("`{word}` is in both `nothing` and `data`");
        return wrong("data", &message);
    }
    if let Some(country) = &definition.clean.default_country
        && rust_iso3166::from_alpha2(country).is_none()
    {
        let message = format!("`{country}` is not an ISO 3166 alpha-2 code, such as `DE`");
        return wrong("default_country", &message);
    }
    if !definition
        .accounts
        .roles
        .contains(&definition.accounts.default_role)
    {
        return wrong("default_role", "`default_role` is not among `roles`");
    }
    if definition
        .groups
        .separators
        .contains(&definition.groups.nesting)
    {
        return wrong("nesting", "`nesting` is also one of `separators`");
    }
    check_converted(&definition.clean, &wrong)?;
    check_roles(definition, &wrong)?;
    check_role_words(path, text, definition)?;
    for email in &definition.leavers.protected {
        if email::key(email).is_none() {
            let message = format!("`{email}` in `protected` is not an e-mail address");
            return wrong(email, &message);
        }
    }
    check_gates(&definition.gates, &wrong)?;
    check_mail(&definition.mail, &wrong)?;
    target::check(definition).or_else(|(at, message)| wrong(&at, &message))
}

/// Only fields in which a spreadsheet's dates are looked for can be named.
fn check_converted(clean: &Clean, wrong: &dyn Fn(&str, &str) -> Result<()>) -> Result<()> {
    let is_known = |name: &&String| Field::from_name(name).is_some_and(converted::may_be);
    let Some(name) = clean.converted.iter().find(|name| !is_known(name)) else {
        return Ok(());
    };
    let fields = Field::ALL
        .into_iter()
        .filter(|field| converted::may_be(*field));
    let names: Vec<&str> = fields.map(Field::name).collect();
    let message = format!(
        "`{name}` in `converted` is not a field that is checked for that; these are: {}",
        names.join(", ")
    );
    wrong("converted", &message)
}

/// The most lines that a header, and what stands below the rows, may take.
const SET_ASIDE_ROWS_MAX: u64 = 20;

fn check_read(read: &Read, wrong: &dyn Fn(&str, &str) -> Result<()>) -> Result<()> {
    if read.header_row == Some(0) {
        return wrong("header_row", "`header_row` counts from 1");
    }
    if read
        .header_rows
        .is_some_and(|rows| !(1..=SET_ASIDE_ROWS_MAX).contains(&rows))
    {
        return wrong("header_rows", "`header_rows` must be from 1 to 20");
    }
    if read
        .footer_rows
        .is_some_and(|rows| rows > SET_ASIDE_ROWS_MAX)
    {
        return wrong("footer_rows", "`footer_rows` must be from 0 to 20");
    }
    if read.names.as_ref().is_some_and(Vec::is_empty) {
        return wrong("names", "`names` needs at least one column");
    }
    if let Some(delimiter) = &read.delimiter
        && let Err(message) = check_delimiter(delimiter)
    {
        return wrong("delimiter", &message);
    }
    let is_sign = |c: char| c.is_ascii() && !matches!(c, '\r' | '\n' | '\0');
    let mut quote = read.quote.as_deref().unwrap_or("\"").chars();
    let quote = (quote.next(), quote.next());
    if !matches!(quote, (None, None)) && !matches!(quote, (Some(c), None) if is_sign(c)) {
        return wrong(
            "quote",
            "`quote` must be one ASCII character, or empty for none",
        );
    }
    let quote = quote.0;
    if let Some(quote) = quote
        && read
            .delimiter
            .as_ref()
            .is_some_and(|delimiter| delimiter.contains(quote))
    {
        return wrong("quote", "`quote` and `delimiter` are the same");
    }
    if read
        .escape
        .is_some_and(|escape| escape != '\\' && Some(escape) != quote)
    {
        return wrong(
            "escape",
            "`escape` must be a backslash, or the same as `quote`",
        );
    }
    if read
        .comment
        .as_ref()
        .is_some_and(|comment| comment.is_empty() || comment.contains(['\r', '\n']))
    {
        return wrong(
            "comment",
            "`comment` must be the text that a comment line begins with",
        );
    }
    Ok(())
}

/// No column can be two things.
fn check_columns(path: &str, text: &str, definition: &Definition) -> Result<()> {
    let fields = Field::ALL
        .iter()
        .filter_map(|field| Some((field.name(), definition.columns.of(*field)?)));
    let attributes = definition.attributes.iter();
    let attributes = attributes.map(|(name, headers)| (name.as_str(), headers));
    let mut seen: HashMap<String, &str> = HashMap::new();
    let hashes = definition.columns.password_hash.iter();
    let hashes = hashes.map(|headers| ("password_hash", headers));
    let parts = NamePart::ALL.into_iter();
    let parts = parts.filter_map(|part| Some((part.name(), definition.columns.of_part(part)?)));
    for (name, headers) in fields.chain(parts).chain(attributes).chain(hashes) {
        for header in headers.as_slice() {
            let earlier = seen
                .insert(key(header), name)
                .filter(|earlier| *earlier != name);
            if let Some(earlier) = earlier {
                let message = format!("the column `{header}` is both `{earlier}` and `{name}`");
                let at = text.rfind(&format!("\"{header}\"")).unwrap_or(0);
                return Err(invalid(path, text, at, &message, None).help("keep one of the two"));
            }
        }
    }
    Ok(())
}

/// Whether something can stand between cells.
///
/// # Errors
/// What is wrong with it.
pub fn check_delimiter(delimiter: &str) -> std::result::Result<(), String> {
    let characters = delimiter.chars().count();
    let is_short = characters == 1
        || (2..=8).contains(&characters) && !delimiter.contains(char::is_alphanumeric);
    if is_short && !delimiter.contains(['\r', '\n', '\0', '"']) {
        return Ok(());
    }
    Err(
        "`delimiter` must be one character, or up to eight that aren't letters or digits, without \
            quotes and line ends"
            .to_string(),
    )
}

/// Roles stand in lists, parted by `;`, and in entries of memberships, parted by `/`.
fn check_roles(definition: &Definition, wrong: &dyn Fn(&str, &str) -> Result<()>) -> Result<()> {
    let (accounts, groups) = (&definition.accounts, &definition.groups);
    let parts: Vec<char> = [';', '/']
        .into_iter()
        .chain(groups.separators.iter().copied())
        .collect();
    let listed = accounts.roles.iter().filter(|_| accounts.several_roles);
    for role in listed.chain(&groups.roles).chain([&groups.default_role]) {
        if role.trim().is_empty() || role.contains(|c| parts.contains(&c)) {
            let message = format!("the role `{role}` is empty, or has a separator in it");
            return wrong(role, &message);
        }
    }
    if !groups.roles.is_empty() && groups.role_mark.is_none() {
        return wrong("roles", "`roles` of groups need a `role_mark`");
    }
    if let Some(mark) = groups.role_mark
        && (!mark.is_ascii_punctuation() || mark == groups.nesting || parts.contains(&mark))
    {
        let message =
            "`role_mark` must be an ASCII punctuation mark that nests and separates nothing";
        return wrong("role_mark", message);
    }
    Ok(())
}

/// `[role]` names roles that the pipeline may give, and gives no word two meanings.
fn check_role_words(path: &str, text: &str, definition: &Definition) -> Result<()> {
    let own = &definition.role;
    let known: Vec<&str> = own.roles.iter().map(String::as_str).collect();
    let mut seen: HashMap<String, &str> = HashMap::new();
    for (role, words) in &own.listed {
        let lower = words::lower(role).unwrap_or_else(|| role.clone());
        if !known.contains(&lower.as_str()) {
            return one_of(path, text, "[role]", role, &known);
        }
        for word in words.as_slice() {
            let lower_word = words::lower(word).unwrap_or_else(|| word.clone());
            let is_role = known.contains(&lower_word.as_str()) && lower_word != lower;
            let key = if word == "*" { word.clone() } else { key(word) };
            let earlier = seen.insert(key, role).filter(|earlier| *earlier != role);
            if earlier.is_some() || is_role {
                let other = earlier.unwrap_or(word);
                let message = format!("the word `{word}` means both `{other}` and `{role}`");
                let at = text.rfind(&format!("\"{word}\"")).unwrap_or(0);
                return Err(invalid(path, text, at, &message, None));
            }
        }
    }
    Ok(())
}

/// Words that must name a field, a key or a code.
fn check_words(path: &str, text: &str, definition: &Definition) -> Result<()> {
    let known_fields: Vec<&str> = Field::ALL.map(Field::name).to_vec();
    for field in &definition.require.fields {
        one_of(path, text, "fields", field, &known_fields)?;
    }
    let keys: Vec<&str> = Key::ALL.map(|key| key.field().name()).to_vec();
    for key in &definition.matching.by {
        one_of(path, text, "by", key, &keys)?;
    }
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    for code in &definition.rows.reject {
        one_of(path, text, "reject", code, &codes)?;
    }
    let touched: Vec<&str> = known_fields.iter().copied().chain(["attributes"]).collect();
    for field in definition.update.fields.keys() {
        if !field.starts_with("attributes.") {
            one_of(path, text, "[update.fields]", field, &touched)?;
        }
    }
    Ok(())
}

fn check_gates(gates: &Gates, wrong: &dyn Fn(&str, &str) -> Result<()>) -> Result<()> {
    if let Err(message) = lifetime(&gates.window) {
        return wrong("window", &message);
    }
    // A comparison with NaN is false, so that it is turned away with the rest.
    let reaches = |value: f64, least: f64| value >= least;
    if !reaches(gates.window_times, 1.0) {
        return wrong("window_times", "`window_times` must be at least 1");
    }
    for (key, limit) in [
        ("create", &gates.create),
        ("update", &gates.update),
        ("deactivate", &gates.deactivate),
        ("email_change", &gates.email_change),
        ("role_raise", &gates.role_raise),
        ("key_change", &gates.key_change),
        ("new_groups", &gates.new_groups),
    ] {
        if limit.share.is_some_and(|share| !reaches(share, 0.0)) {
            let message = format!("the `share` of `{key}` is below 0; 0.05 is 5 %");
            return wrong(&format!("{key} ="), &message);
        }
    }
    for (key, value) in [
        ("content_rows", gates.content_rows),
        ("content_shift", gates.content_shift),
    ] {
        if !(0.0..1.0).contains(&value) {
            return wrong(key, &format!("`{key}` is a share, from 0 to less than 1"));
        }
    }
    Ok(())
}

fn check_mail(mail: &Mail, wrong: &dyn Fn(&str, &str) -> Result<()>) -> Result<()> {
    for (key, value) in [
        ("invitation_expires", &mail.invitation_expires),
        ("reset_expires", &mail.reset_expires),
        ("temporary_expires", &mail.temporary_expires),
    ] {
        if let Err(message) = lifetime(value) {
            return wrong(key, &message);
        }
    }
    if !(1..=16).contains(&mail.connections) {
        return wrong("connections", "`connections` must be from 1 to 16");
    }
    // NIST SP 800-63B-4, section 3.1.1.2: 15, or 8 where a second factor is asked for, too.
    if !(8..=64).contains(&mail.password_min) {
        return wrong("password_min", "`password_min` must be from 8 to 64");
    }
    if !(0.0..=1.0).contains(&mail.stop_refused) {
        return wrong("stop_refused", "`stop_refused` is a share, from 0 to 1");
    }
    if let Some(base) = &mail.link_base
        && let Err(message) = crate::notify::token::check_link_base(base)
    {
        return wrong("link_base", &message);
    }
    if let Some(hours) = &mail.quiet_hours
        && let Err(message) = crate::notify::pace::quiet_hours(hours)
    {
        return wrong("quiet_hours", &message);
    }
    if let Some(zone) = &mail.time_zone
        && jiff::tz::TimeZone::get(zone).is_err()
    {
        return wrong("time_zone", &format!("unknown time zone `{zone}`"));
    }
    Ok(())
}

fn one_of(path: &str, text: &str, key: &str, word: &str, known: &[&str]) -> Result<()> {
    if known.contains(&word) {
        return Ok(());
    }
    let at = match find(text, &format!("\"{word}\"")) {
        0 => find(text, word),
        at => at,
    };
    let message = format!("unknown word `{word}` in `{key}`");
    Err(invalid(
        path,
        text,
        at,
        &message,
        nearest(word, known.iter().copied()),
    ))
}

/// The byte where `needle` stands in a line that isn't a comment.
fn find(text: &str, needle: &str) -> usize {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let code = line.split('#').next().unwrap_or("");
        if let Some(at) = code.find(needle) {
            return start + at;
        }
        start += line.len();
    }
    0
}

fn invalid(path: &str, text: &str, at: usize, message: &str, near: Option<&str>) -> Refusal {
    let before = &text[..at.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = text[line_start..at.min(text.len())].chars().count() + 1;
    let excerpt = text[line_start..].lines().next().unwrap_or("");
    let gutter = line.to_string();
    let margin = " ".repeat(gutter.len());
    let caret = " ".repeat(column - 1);
    let what = format!(
        "{path}:{line}:{column}: {message}\n{margin} |\n{gutter} | {excerpt}\n{margin} | {caret}^"
    );
    let refusal = Refusal::new(Code::PipelineInvalid, what);
    match near {
        Some(near) => refusal.help(format!("did you mean `{near}`?")),
        None => refusal,
    }
}

/// serde lists every valid word; the nearest one is what helps, so the list is cut off.
fn plain_message(message: &str) -> String {
    let message = message.lines().next().unwrap_or("");
    match message.split_once(", expected ") {
        Some((start, _)) if start.starts_with("unknown ") => start
            .replace("unknown field", "unknown key")
            .replace("unknown variant", "unknown word"),
        _ => message.to_string(),
    }
}

fn nearest_in(message: &str) -> Option<&str> {
    let words: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (wrong, known) = words.split_first()?;
    nearest(wrong, known.iter().copied())
}

/// The word of `known` that is most like `word`, if any is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_pipeline_loads_and_has_a_name_of_its_own() {
        for (name, text) in SHIPPED {
            let pipeline = parse(name, text).unwrap_or_else(|refusal| panic!("{refusal}"));
            assert_eq!(pipeline.definition.name, name);
            assert!(!pipeline.definition.description.is_empty());
        }
    }

    #[test]
    fn a_file_is_recognized_by_all_of_its_headers() {
        let text = "name = \"p\"\n[recognize]\nheaders = [\"Badge No.\", [\"Mail\", \"E-Mail\"]]";
        let recognize = parse("p", text).unwrap().definition.recognize;
        let fits = |header: &[&str]| {
            let header: Vec<String> = header.iter().map(ToString::to_string).collect();
            recognize.fits(&header).map(|names| names.join("|"))
        };
        assert_eq!(
            fits(&["x", "badge_no", "E-MAIL"]).as_deref(),
            Some("badge_no|E-MAIL")
        );
        assert_eq!(fits(&["badge no", "x"]), None);
        assert_eq!(Recognize::default().fits(&[]), None);
        let presets = recognizable().unwrap();
        assert_eq!(
            presets.iter().filter(|one| !one.is_own).count(),
            SHIPPED.len() - 4
        );
    }

    #[test]
    fn no_column_is_two_things() {
        let text = "name = \"p\"\n[columns]\nemail = \"Login\"\nusername = [\"User\", \"login\"]\n";
        let refusal = parse("p.toml", text).unwrap_err();
        let what = "p.toml:4:21: the column `login` is both `email` and `username`";
        assert!(refusal.what.starts_with(what), "{}", refusal.what);
        let text = "name = \"p\"\n[columns]\nemail = [\"Mail\", \"mail\"]\n";
        assert!(parse("p.toml", text).is_ok());
    }

    #[test]
    fn words_for_roles_mean_one_role_that_may_be_given() {
        let refused = |words: &str| {
            let roles = "[accounts]\nroles = [\"user\", \"Admin\"]\n[role]\n";
            let result = parse("p", &format!("name = \"p\"\n{roles}{words}"));
            result
                .err()
                .map(|refusal| refusal.what.lines().next().unwrap_or("").to_string())
        };
        assert_eq!(
            refused("admin = [\"1\", \"boss\", \"admin\"]\nuser = \"*\""),
            None
        );
        for (words, what) in [
            ("amdin = \"1\"", "p:5:1: unknown word `amdin` in `[role]`"),
            (
                "admin = \"1\"\nuser = [\"1\"]",
                "p:6:9: the word `1` means both `admin` and `user`",
            ),
            (
                "admin = \"*\"\nuser = \"*\"",
                "p:6:8: the word `*` means both `admin` and `user`",
            ),
            (
                "admin = \"User\"",
                "p:5:9: the word `User` means both `User` and `admin`",
            ),
        ] {
            assert_eq!(refused(words).as_deref(), Some(what), "{words}");
        }
    }

    #[test]
    fn a_wrong_key_shows_its_place_and_the_nearest_word() {
        let refusal = parse(
            "p.toml",
            "name = \"x\"\n[match]\nexistng_active = \"skip\"\n",
        )
        .unwrap_err();
        assert_eq!(
            refusal.what,
            "p.toml:3:1: unknown key `existng_active`\n  |\n3 | existng_active = \"skip\"\n  | ^"
        );
        assert_eq!(refusal.help, "did you mean `existing_active`?");
    }

    #[test]
    fn a_wrong_word_shows_its_place_and_the_nearest_word() {
        let refusal = parse("p.toml", "name = \"x\"\n[match]\nmode = \"upsrt\"\n").unwrap_err();
        assert!(
            refusal.what.starts_with("p.toml:3:8: unknown word `upsrt`"),
            "{}",
            refusal.what
        );
        assert_eq!(refusal.help, "did you mean `upsert`?");
        let refusal = parse("p.toml", "name = \"x\"\n[match]\nby = [\"emial\"]\n").unwrap_err();
        assert!(
            refusal
                .what
                .starts_with("p.toml:3:7: unknown word `emial` in `by`"),
            "{}",
            refusal.what
        );
        assert_eq!(refusal.help, "did you mean `email`?");
        let text = "name = \"x\"\n[clean]\nconverted = [\"groups\", \"status\"]\n";
        let refusal = parse("p.toml", text).unwrap_err();
        assert!(
            refusal
                .what
                .starts_with("p.toml:3:1: `status` in `converted` is not a field"),
            "{}",
            refusal.what
        );
        let refusal = parse("p.toml", "name = \"a\\u0000b\"\n").unwrap_err();
        assert!(refusal.what.contains("NUL"), "{}", refusal.what);
    }
}
