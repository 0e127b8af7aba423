//! clean: every value in the form that it is stored in. `clean(clean(x)) == clean(x)`.
//!
//! What can't be converted stays as typed, and `validate` decides whether it is accepted. Words
//! such as `NULL` or `N/A` count as empty and are reported. Every change is counted under its
//! [`Rule`].

use crate::meaning::converted;
use crate::meaning::country;
use crate::meaning::date;
use crate::meaning::digits;
use crate::meaning::group;
use crate::meaning::language;
use crate::meaning::name;
use crate::meaning::password;
use crate::meaning::words;
use crate::meaning::words::boolean_slots;
use crate::meaning::wrap;
use crate::rule::Rule;
use crate::rule::Rules;
use crate::text;
use std::borrow::Cow;
use std::collections::HashSet;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::definition::Definition;
use crate::field::{CLEARED, Field, RowNumber};
use crate::header::Sense;
use crate::issue::{Code, Issue};
use crate::meaning::mapping::{Mapping, NamePartColumn};
use crate::row::{CellKind, Cells, Drafts, Layout, Slot, Table};
use crate::vocabulary::nothing::{may_be, may_be_no_address};

mod automaton;
pub mod email;
pub mod name_parts;
mod nobody;
mod nothing;
mod numbering;
pub mod phone;

pub use crate::meaning::group::{GROUP_NESTING, GROUP_SEPARATOR, groups};

/// Applies `mapping` to a batch and cleans every value.
///
/// Found here, because only here can it be seen: rows with too few or too many cells, phone numbers
/// that no numbering plan has, misspelled countries, keys that held what can't be seen, and rows about
/// nobody. A cell too many doesn't count when it is blank.
pub fn clean(
    mut cells: Cells,
    mapping: &Mapping,
    layout: &Layout,
    definition: &Definition,
) -> Drafts {
    let mut drafts = Drafts {
        source: cells.source,
        first_row: cells.first_row,
        values: Table::new(layout.width()),
        rules: Vec::with_capacity(cells.len()),
        issues: std::mem::take(&mut cells.issues),
        ..Drafts::default()
    };
    drafts.values.ends.reserve(cells.len() * layout.width());
    drafts.values.text.reserve(cells.text_len());
    let booleans = boolean_slots(layout, definition);
    let known_errors = nothing::known_errors(&cells);
    let mut groups = group::Cleaned::default();
    let mut nobody = nobody::Finder::new(cells.first_row, layout, definition);
    let kinds = std::mem::take(&mut cells.kinds);
    let mut kinds = kinds.chunk_by(|one, next| one.0 == next.0).peekable();
    for index in 0..cells.len() {
        let row = Row {
            cells: &cells,
            index,
            number: cells.first_row + index as RowNumber,
            mapping,
            layout,
            booleans: &booleans,
            known_errors: &known_errors,
            definition,
        };
        row.check_width(&mut drafts);
        row.clean(&mut drafts, &mut groups);
        if let Some(kinds) = kinds.next_if(|kinds| kinds[0].0 as usize == index) {
            row.report_kinds(kinds, &mut drafts);
        }
        if mapping
            .account
            .is_some_and(|column| row.names_account(column))
        {
            drafts.exported.insert(row.number);
        } else if let Some(nobody) = &mut nobody {
            nobody.look(&drafts.values, index);
        }
    }
    if let Some(nobody) = nobody {
        nobody.report(&mut drafts, mapping);
    }
    drafts.places = cells.take_places();
    drafts
}

/// A row that is being cleaned, and what is needed for it.
struct Row<'a> {
    cells: &'a Cells,
    index: usize,
    number: RowNumber,
    mapping: &'a Mapping,
    layout: &'a Layout,
    booleans: &'a [bool],
    /// Where reading has found an error.
    known_errors: &'a HashSet<(RowNumber, u16)>,
    definition: &'a Definition,
}

impl<'a> Row<'a> {
    fn check_width(&self, drafts: &mut Drafts) {
        let (width, expected) = (self.cells.width(self.index), self.mapping.width);
        let code = if width < expected {
            Code::RowShort
        } else if (expected..width)
            .any(|column| !self.cells.cell(self.index, column).trim().is_empty())
        {
            Code::RowLong
        } else {
            return;
        };
        let mut issue = Issue::of_row(code, self.number, format!("{expected} cells"));
        issue.found = format!("{width} cells");
        drafts.issues.push(issue);
    }

    /// Whether an export wrote the row.
    fn names_account(&self, column: u16) -> bool {
        let cell = self.cells.cell(self.index, usize::from(column));
        cell.trim().parse::<Uuid>().is_ok()
    }

    /// What its cells are on their sheet, where that isn't what their columns hold.
    fn report_kinds(&self, kinds: &[(u32, u16, CellKind)], drafts: &mut Drafts) {
        let cell = |column: u16| self.cells.cell(self.index, usize::from(column));
        let said = self.mapping.said;
        let said = said.map(|(codes, reasons)| (cell(codes), cell(reasons)));
        let rules = (self.mapping, self.layout, &self.definition.clean);
        converted::report(kinds, (self.number, self.index), said, rules, drafts);
    }

    fn clean(&self, drafts: &mut Drafts, groups: &mut group::Cleaned) {
        let read = self.split_name().or_else(|| self.name_in_email());
        let names = read.as_ref().and_then(|(name, _)| name.split.as_ref());
        let mut roles = self.split_roles();
        let mut row_rules = Rules::NONE;
        let mut remark = nothing::Remark::default();
        for (slot, what) in self.layout.slots().iter().enumerate() {
            let lists_groups = matches!(what, Slot::Field(field) if field.lists_groups());
            let cell = self.cell(slot, lists_groups);
            if self.is_cleared(&cell, what) {
                drafts.values.push(CLEARED);
                continue;
            }
            let (mut value, mut rules) = match what {
                Slot::Field(field) if lists_groups => {
                    self.list(*field, what, &cell, groups, drafts)
                }
                _ => cleaned_text(&cell, what),
            };
            if rules != Rules::NONE {
                self.report_signs(what, &value, rules, drafts);
            }
            let nothing = &self.definition.clean.nothing;
            if !nothing.is_empty() && nothing.iter().any(|word| *word == value) {
                value = Cow::Borrowed("");
                rules = Rules::of(Rule::NothingWord);
            }
            self.empty(slot, &mut value, &mut rules, &mut remark, drafts);
            if let Slot::Field(field) = what {
                if !self.mapping.name_parts.is_empty() {
                    self.join_name_parts(*field, slot, &mut value, &mut rules);
                }
                if value.is_empty() && !self.means_something(*field, slot) {
                    let before = rules;
                    value = fill(*field, names, roles.as_mut(), &mut rules);
                    rules = if value.is_empty() { before } else { rules };
                    drafts.values.push(&value);
                    note_rules(rules, &mut row_rules, drafts);
                    continue;
                }
                if let Some((first, _)) = roles.as_ref().filter(|_| *field == Field::Role) {
                    if *first != value {
                        rules.add(role_rule(&value, first, Rule::RoleList));
                        value = Cow::Owned(first.clone());
                    }
                } else {
                    self.clean_field(*field, slot, &mut value, &mut rules, drafts);
                }
                if rules != Rules::NONE {
                    self.report_invisible(*field, &cell, &value, rules, drafts);
                }
            } else if self.booleans[slot]
                && let Some(word) = words::boolean(&value, self.definition)
                && word != value
            {
                value = Cow::Borrowed(word);
                rules.add(Rule::BooleanWord);
            }
            drafts.values.push(&value);
            note_rules(rules, &mut row_rules, drafts);
        }
        if let Some(column) = self.mapping.password_hash
            && self.take_password(column, drafts)
        {
            note_rules(Rules::of(Rule::PasswordPhc), &mut row_rules, drafts);
        }
        remark.report(drafts);
        drafts.rules.push(row_rules.bits());
        if let Some((name, field)) = read {
            self.report_name(&name, field, drafts);
        }
    }

    /// What the row has for a slot, its columns one by one where it lists groups.
    #[inline]
    fn cell(&self, slot: usize, lists_groups: bool) -> Cow<'a, str> {
        match lists_groups {
            true => self.mapping.list(self.cells, self.index, slot),
            false => self.mapping.value(self.cells, self.index, slot),
        }
    }

    /// The groups of a cell, and what was done to them.
    fn list<'v>(
        &self,
        field: Field,
        what: &Slot,
        cell: &'v str,
        groups: &'v mut group::Cleaned,
        drafts: &mut Drafts,
    ) -> (Cow<'v, str>, Rules) {
        let bare = cell.trim_matches(|c: char| c.is_whitespace() || text::is_dropped(c));
        let inner = wrap::unwrapped(bare, what).filter(|_| bare.starts_with('='));
        let cell = inner.unwrap_or(cell);
        let list = match field {
            Field::Sessions => group::clean(cell, &self.definition.sessions.as_list()),
            _ => groups.clean(cell, &self.definition.groups),
        };
        // A session that isn't there is reported by its name; one that is was read right.
        if let Some(remark) = list.remark.as_ref().filter(|_| field != Field::Sessions) {
            self.report_list(field, remark, drafts);
        }
        (list.value, list.rules)
    }

    /// What is doubtful about a list of groups.
    fn report_list(&self, field: Field, remark: &group::Remark, drafts: &mut Drafts) {
        let (found, detail) = (&remark.found, remark.detail.as_str());
        let issue = Issue::of_field(remark.code, self.number, field, found, detail);
        drafts.issues.push(issue);
    }

    /// What is doubtful about a name that first or last name come from.
    fn report_name(&self, name: &name::Reading, field: Field, drafts: &mut Drafts) {
        let Some((code, detail)) = name.remark() else {
            return;
        };
        let cell = |field| {
            let slot = self.layout.field(field)?;
            Some(self.mapping.value(self.cells, self.index, slot))
        };
        let is_given =
            |field| cell(field).is_some_and(|cell: Cow<str>| !text::clean(&cell).0.is_empty());
        let is_used = !is_given(Field::FirstName) || !is_given(Field::LastName);
        if !is_used && code != Code::NameSeveral {
            return;
        }
        let found = cell(field).unwrap_or_default();
        let found = text::clean(&found).0;
        let issue = Issue::of_field(code, self.number, field, &found, detail);
        drafts.issues.push(issue);
    }

    /// Empties a value that says nothing. Nearly all are recognized by their first byte and their
    /// length.
    #[inline]
    fn empty(
        &self,
        slot: usize,
        value: &mut Cow<str>,
        rules: &mut Rules,
        remark: &mut nothing::Remark,
        drafts: &mut Drafts,
    ) {
        let may_say_nothing = match &self.layout.slots()[slot] {
            Slot::Field(field) if field.lists_groups() => {
                if groups(value).any(may_be) {
                    self.without_nothing_groups(slot, value, rules, remark, drafts);
                }
                false
            }
            Slot::Field(Field::Email) => may_be_no_address(value),
            Slot::Field(Field::ExternalId | Field::Username | Field::Manager) => {
                may_be(value) || may_be_no_key(value)
            }
            _ => may_be(value),
        };
        if may_say_nothing {
            self.empty_if_nothing(slot, value, rules, remark, drafts);
        }
    }

    /// What cleaning does to a value beyond cleaning its text. It isn't empty.
    fn clean_field(
        &self,
        field: Field,
        slot: usize,
        value: &mut Cow<str>,
        rules: &mut Rules,
        drafts: &mut Drafts,
    ) {
        match field {
            Field::Phone => self.clean_phone(value, rules, drafts),
            Field::Country => self.clean_country(value, rules, drafts),
            Field::Status => self.clean_status(slot, value, rules, drafts),
            _ => {
                if let Some((better, why)) = refine(field, value, self.definition) {
                    *value = Cow::Owned(better);
                    rules.add_all(why);
                }
            }
        }
    }

    /// Puts the row's password hash where no value is, and says whether it was converted. It is in
    /// no issue.
    fn take_password(&self, column: u16, drafts: &mut Drafts) -> bool {
        let cell = self.cells.cell(self.index, usize::from(column));
        let print = Sha256::digest(cell.trim());
        let print = print
            .first_chunk()
            .map_or(0, |bytes| u128::from_le_bytes(*bytes));
        let mut report = |code, why: String| {
            drafts.issues.push(Issue {
                column: Some(column),
                ..Issue::of_row(code, self.number, why)
            });
        };
        match password::read(cell) {
            password::Reading::Nothing => drafts.passwords.push(None, print),
            password::Reading::Refused(code, why) => {
                report(code, why);
                drafts.passwords.push(None, print);
            }
            password::Reading::Taken { hash, weak } => {
                if let Some(why) = weak {
                    report(Code::PasswordWeak, why);
                }
                drafts.passwords.push(Some(&hash), print);
                return matches!(hash, Cow::Owned(_));
            }
        }
        false
    }

    /// Whether the cell says that the account is to lose its value.
    fn is_cleared(&self, cell: &str, what: &Slot) -> bool {
        let word = &self.definition.update.clear;
        let can_be = match what {
            Slot::Field(field) => field.is_clearable(),
            Slot::Attribute(_) => true,
            Slot::Ignored(_) => false,
        };
        // Nearly no cell begins like the word, or with white space.
        let is_like_it = match (cell.as_bytes().first(), word.as_bytes().first()) {
            (Some(first), Some(of_word)) => first == of_word || !first.is_ascii_graphic(),
            _ => false,
        };
        can_be && is_like_it && cell.trim() == word
    }

    /// Whether an empty cell says something, by the pipeline.
    fn means_something(&self, field: Field, slot: usize) -> bool {
        field == Field::Status
            && self.definition.status.of_empty().is_some()
            && !self.mapping.columns[slot].is_empty()
    }

    /// What the row's status cells say together. A day to come is reported here, for later passes
    /// see no day; and so is what a column such as `Active` doesn't understand, with its column.
    fn clean_status(
        &self,
        slot: usize,
        value: &mut Cow<str>,
        rules: &mut Rules,
        drafts: &mut Drafts,
    ) {
        let columns = self.mapping.columns[slot].as_slice();
        let said = match columns {
            [one] => {
                let cell = (&**value, self.mapping.sense(*one));
                words::meaning(std::iter::once(cell), self.definition)
            }
            several => {
                let cells: Vec<(Cow<str>, Option<Sense>)> = several
                    .iter()
                    .map(|column| (self.status_cell(*column), self.mapping.sense(*column)))
                    .collect();
                let cells = cells.iter().map(|(cell, sense)| (&**cell, *sense));
                words::meaning(cells, self.definition)
            }
        };
        let Some(said) = said else {
            self.report_flag(columns, drafts);
            return;
        };
        if let Some(day) = said.later {
            let detail = format!("the account stays open until an import on {day} or later");
            let issue =
                Issue::of_field(Code::StatusLater, self.number, Field::Status, value, detail);
            drafts.issues.push(issue);
        }
        if said.word != *value {
            *value = Cow::Borrowed(said.word);
            rules.add(Rule::StatusWord);
        }
    }

    /// The text of a status cell.
    fn status_cell(&self, column: u16) -> Cow<'a, str> {
        text::clean(self.cells.cell(self.index, usize::from(column))).0
    }

    /// Names the first of the row's flags that says what nobody knows.
    fn report_flag(&self, columns: &[u16], drafts: &mut Drafts) {
        for column in columns {
            let cell = self.status_cell(*column);
            let sense = self.mapping.sense(*column);
            if words::meaning(std::iter::once((&*cell, sense)), self.definition).is_none() {
                if let Some(sense) = sense {
                    let (code, field) = (Code::StatusUnknown, Field::Status);
                    let expected = sense.expected();
                    drafts.issues.push(Issue {
                        column: Some(*column),
                        ..Issue::of_field(code, self.number, field, &cell, expected)
                    });
                }
                return;
            }
        }
    }

    /// A number that no plan has stays as typed. It is reported here, for later passes see only
    /// its shape.
    fn clean_phone(&self, value: &mut Cow<str>, rules: &mut Rules, drafts: &mut Drafts) {
        // A number with its country code needs no other.
        let country = match value.starts_with('+') {
            true => None,
            false => self.country(),
        };
        match phone::e164(value, country) {
            Some(number) if number == **value => {}
            Some(number) => {
                *value = Cow::Owned(number);
                rules.add(Rule::PhoneE164);
            }
            None if digits::are_lost(value) => {
                let (field, detail) = (Field::Phone, digits::LOST);
                let issue = Issue::of_field(Code::CellPrecision, self.number, field, value, detail);
                drafts.issues.push(issue);
            }
            None => {
                let detail = match country.or_else(|| self.country()) {
                    Some(country) => format!("a number as in {country}, or with its country code"),
                    None => "a number with its country code".to_string(),
                };
                let issue =
                    Issue::of_field(Code::PhoneInvalid, self.number, Field::Phone, value, detail);
                drafts.issues.push(issue);
            }
        }
    }

    /// The country that the row's phone number is in: the row's own, else the pipeline's. None where
    /// the row names one that nobody knows, or that can only be guessed: a guess makes no number.
    fn country(&self) -> Option<&str> {
        let default = self.definition.clean.default_country.as_deref();
        let Some(slot) = self.layout.field(Field::Country) else {
            return default;
        };
        let cell = self.mapping.value(self.cells, self.index, slot);
        let (text, _) = cleaned_text(&cell, &Slot::Field(Field::Country));
        if text.is_empty()
            || self.is_nothing(&text, slot)
            || self.is_cleared(&cell, &Slot::Field(Field::Country))
        {
            return default;
        }
        country::alpha2(&text)
    }

    /// A country that nobody knows stays as typed. One that is misspelled is reported here, for later
    /// passes see its code.
    fn clean_country(&self, value: &mut Cow<str>, rules: &mut Rules, drafts: &mut Drafts) {
        if let Some(code) = country::alpha2(value) {
            if code != *value {
                *value = Cow::Borrowed(code);
                rules.add(Rule::CountryIso3166);
            }
        } else if let Some(code) = country::misspelled(value) {
            let (field, detail) = (Field::Country, format!("taken for `{code}`"));
            let issue = Issue::of_field(Code::CountryMisspelled, self.number, field, value, detail);
            drafts.issues.push(issue);
            *value = Cow::Borrowed(code);
            rules.add(Rule::CountrySpelling);
        }
    }

    /// Where a person is found by another key than the file holds, somebody should know.
    fn report_invisible(
        &self,
        field: Field,
        cell: &str,
        value: &str,
        rules: Rules,
        drafts: &mut Drafts,
    ) {
        let gone =
            Rules::of(Rule::InvisibleCharacters).bits() | Rules::of(Rule::ControlCharacters).bits();
        if value.is_empty()
            || rules.bits() & gone == 0
            || !matches!(field, Field::ExternalId | Field::Email | Field::Username)
        {
            return;
        }
        let mut shown: Vec<String> = Vec::new();
        for character in cell
            .chars()
            .filter(|c| !c.is_whitespace() && !value.contains(*c))
        {
            let code_point = format!("U+{:04X}", u32::from(character));
            if text::is_dropped(character) && !shown.contains(&code_point) {
                shown.push(code_point);
            }
        }
        let detail = format!("without {}", shown.join(", "));
        let issue = Issue::of_field(Code::CellInvisible, self.number, field, value, detail);
        drafts.issues.push(issue);
    }

    /// Says where control characters were taken for the signs that they once were.
    fn report_signs(&self, slot: &Slot, value: &str, rules: Rules, drafts: &mut Drafts) {
        if rules.bits() & Rules::of(Rule::WindowsSigns).bits() == 0 {
            return;
        }
        let detail = "control characters that are printable in windows-1252; repaired";
        drafts.issues.push(match slot {
            Slot::Field(field) => {
                Issue::of_field(Code::CellMojibake, self.number, *field, value, detail)
            }
            Slot::Attribute(name) | Slot::Ignored(name) => {
                let detail = format!("`{name}`: {detail}");
                Issue::of_value(Code::CellMojibake, self.number, value, detail)
            }
        });
    }

    /// Where a role cell may list several roles: the first, and what the field of other roles is
    /// to hold where nothing else says so. A cell that lists one says that there are no others.
    fn split_roles(&self) -> Option<(String, String)> {
        let slot = self.layout.field(Field::Role)?;
        if !self.definition.accounts.several_roles {
            return None;
        }
        let cell = self.mapping.value(self.cells, self.index, slot);
        if self.is_nothing(&cell, slot) {
            return None;
        }
        let (text, _) = cleaned_text(&cell, &Slot::Field(Field::Role));
        let mut roles = words::roles(&text, self.definition);
        if roles.is_empty() {
            return None;
        }
        let first = roles.remove(0);
        roles.sort();
        let own = self.layout.field(Field::OtherRoles);
        let has_column = own.is_some_and(|slot| self.mapping.column_of(slot).is_some());
        let others = if roles.is_empty() && !has_column {
            CLEARED.to_string()
        } else {
            roles.join(words::ROLE_SEPARATOR)
        };
        Some((first, others))
    }

    /// Joins what other columns have of a name into it.
    fn join_name_parts(&self, field: Field, slot: usize, value: &mut Cow<str>, rules: &mut Rules) {
        if !matches!(field, Field::FirstName | Field::LastName) {
            return;
        }
        let parts = self.mapping.name_parts.iter();
        let parts = parts.filter(|part| part.part.field() == field);
        let texts: Vec<(&NamePartColumn, Cow<str>)> = parts
            .map(|part| {
                let cell = self.cells.cell(self.index, usize::from(part.column));
                (part, text::clean(cell).0)
            })
            .filter(|(_, text)| !text.is_empty() && !self.is_nothing(text, slot))
            .collect();
        let pieces = texts.iter().map(|(part, text)| name_parts::Piece {
            part: part.part,
            is_sure: part.is_sure,
            text,
        });
        if let Some((joined, why)) = name_parts::join(field, value, pieces) {
            *value = Cow::Owned(joined);
            rules.add_all(why);
        }
    }

    /// The row's full name, and the field that it is in.
    fn split_name(&self) -> Option<(name::Reading, Field)> {
        let slot = self.layout.field(Field::FullName)?;
        let cell = self.mapping.value(self.cells, self.index, slot);
        let (full_name, _) = cleaned_text(&cell, &Slot::Field(Field::FullName));
        if full_name.is_empty() || self.is_nothing(&full_name, slot) {
            return None;
        }
        let mut name = name::read(&full_name, self.definition.clean.name_order);
        name.split = name.split.map(|split| self.as_columns(split));
        Some((name, Field::FullName))
    }

    /// The name beside the row's e-mail address, where the row has no full name.
    fn name_in_email(&self) -> Option<(name::Reading, Field)> {
        let slot = self.layout.field(Field::Email)?;
        let cell = self.mapping.value(self.cells, self.index, slot);
        if !cell.trim_end().ends_with(['>', ')']) {
            return None;
        }
        let full = self.layout.field(Field::FullName);
        if full.is_some_and(|slot| {
            !self
                .mapping
                .value(self.cells, self.index, slot)
                .trim()
                .is_empty()
        }) {
            return None;
        }
        let (text, _) = text::clean(&cell);
        let around = email::name_around(&text)?;
        let mut name = name::read(around, self.definition.clean.name_order);
        name.split = name.split.map(|split| self.as_columns(split));
        Some((name, Field::Email))
    }
}

/// A cell's text cleaned, and without what is wrapped around it.
#[inline]
fn cleaned_text<'c>(cell: &'c str, what: &Slot) -> (Cow<'c, str>, Rules) {
    let (value, mut rules) = text::clean(cell);
    if !wrap::may_be(&value) {
        return (value, rules);
    }
    match wrap::unwrapped(&value, what) {
        Some(inner) => {
            rules.add(Rule::Unwrapped);
            (Cow::Owned(inner.to_string()), rules)
        }
        None => (value, rules),
    }
}

/// The fast proof that a key is not a placeholder: it begins with a digit beyond zero, or with a letter, or
/// with a zero and doesn't end like zeros do.
#[inline]
fn may_be_no_key(value: &str) -> bool {
    match value.as_bytes().first() {
        Some(b'0') => value.ends_with(['0', '.', ',', '-', '{', '}']),
        None | Some(b'1'..=b'9' | b'a'..=b'w' | b'y' | b'z' | b'A'..=b'W' | b'Y' | b'Z') => false,
        Some(_) => true,
    }
}

/// Counts the rules that changed a value.
#[inline]
fn note_rules(rules: Rules, row_rules: &mut Rules, drafts: &mut Drafts) {
    if rules != Rules::NONE {
        row_rules.add_all(rules);
        for rule in rules.iter() {
            drafts.rule_counts[rule as usize] += 1;
        }
    }
}

/// What other cells of the row say for an empty one.
fn fill<'n>(
    field: Field,
    names: Option<&'n name::Split>,
    roles: Option<&mut (String, String)>,
    rules: &mut Rules,
) -> Cow<'n, str> {
    if let (Field::OtherRoles, Some((_, others))) = (field, roles) {
        return Cow::Owned(std::mem::take(others));
    }
    let Some(names) = names else {
        return Cow::Borrowed("");
    };
    let Some(part) = part_of(names, field) else {
        return Cow::Borrowed("");
    };
    rules.add(Rule::NameSplit);
    if names.has_title {
        rules.add(Rule::NameTitle);
    }
    Cow::Borrowed(part)
}

/// What a full name has for a field.
fn part_of(names: &name::Split, field: Field) -> Option<&str> {
    let part = match field {
        Field::FirstName => &names.first,
        Field::LastName => &names.last,
        _ => return None,
    };
    Some(part.as_str()).filter(|part| !part.is_empty())
}

/// The rule by which `value` became `role`: in lower case, by a word of the pipeline, or else.
fn role_rule(value: &str, role: &str, other: Rule) -> Rule {
    if text::lower(value).as_deref() == Some(role) {
        Rule::RoleCase
    } else {
        other
    }
}

/// What cleaning does to a field beyond cleaning its text; `None` if nothing.
fn refine(field: Field, value: &str, definition: &Definition) -> Option<(String, Rules)> {
    let (better, rule) = match field {
        Field::Email => return email::clean(value),
        Field::Manager => (
            Cow::Owned(email::lower_domain(value)?),
            Rule::EmailDomainCase,
        ),
        Field::Language => (language::tag(value)?, Rule::LanguageBcp47),
        Field::Role => {
            let role = words::role(value, definition)?;
            let rule = role_rule(value, &role, Rule::RoleWord);
            (Cow::Owned(role), rule)
        }
        Field::OtherRoles => {
            let mut roles = words::roles(value, definition);
            roles.sort();
            let list = Cow::Owned(roles.join(words::ROLE_SEPARATOR));
            (list, Rule::RoleList)
        }
        Field::StartDate | Field::EndDate if date::is_iso(value) => return None,
        Field::StartDate | Field::EndDate => match date::read(value, definition.clean.date_order) {
            date::Reading::Date(date) => (Cow::Owned(date.to_string()), Rule::DateIso8601),
            date::Reading::Ambiguous(..) | date::Reading::Invalid => return None,
        },
        _ => return None,
    };
    (better != value).then(|| (better.into_owned(), Rules::of(rule)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};

    use super::*;
    use crate::definition;
    use crate::field::Place;

    const PLACE: Place = Place { line: 2, byte: 0 };

    fn layout() -> Layout {
        let mut slots: Vec<Slot> = Field::ALL.into_iter().map(Slot::Field).collect();
        slots.push(Slot::Attribute("shirt".to_string()));
        slots.push(Slot::Ignored("row".to_string()));
        Layout::new(slots)
    }

    fn mapping(layout: &Layout) -> Mapping {
        Mapping {
            password_hash: None,
            columns: (0..layout.width() as u16)
                .map(|column| vec![column])
                .collect(),
            width: layout.width(),
            separator: ';',
            ..Mapping::default()
        }
    }

    fn definition(settings: &str) -> Definition {
        definition::parse("test.toml", &format!("name = \"test\"\n{settings}"))
            .unwrap()
            .definition
    }

    fn cleaned(rows: &[Vec<String>], definition: &Definition) -> Drafts {
        let layout = layout();
        let mut cells = Cells::new(0, 0);
        for row in rows {
            row.iter().for_each(|cell| cells.push_cell(cell));
            cells.end_row(PLACE);
        }
        clean(cells, &mapping(&layout), &layout, definition)
    }

    fn row(values: &[(Field, &str)]) -> Vec<String> {
        let mut row = vec![String::new(); layout().width()];
        for (field, value) in values {
            row[*field as usize] = (*value).to_string();
        }
        row
    }

    fn value(drafts: &Drafts, row: usize, field: Field) -> &str {
        drafts.values.get(row, field as usize)
    }

    #[test]
    fn rules_are_few_and_have_names_of_their_own() {
        let names: HashSet<_> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        assert_eq!(names.len(), Rule::ALL.len());
        for (number, rule) in Rule::ALL.iter().enumerate() {
            assert_eq!(*rule as usize, number);
        }
    }

    #[test]
    fn words_of_nothing_are_empty_and_said_and_names_stay() {
        let first_last = |first, last| row(&[(Field::FirstName, first), (Field::LastName, last)]);
        let definition = definition("[clean]\ndata = [\"-\"]");
        let mut rows = vec![row(&[
            (Field::ExternalId, "TBD"),
            (Field::Email, "none@none"),
            (Field::Phone, "N/A"),
            (Field::Groups, "Sales;NULL"),
            (Field::Organization, "-"),
            (Field::Country, "#N/A"),
        ])];
        let names = [
            ("Ben", "Null", "Null"),
            ("BEN", "NULL", "NULL"),
            ("Ben", "NULL", ""),
            ("None", "Reed", "Reed"),
            ("May", "NA", "NA"),
            ("Ben", "undefined", ""),
            ("N.A.", "Iyer", "Iyer"),
        ];
        rows.extend(names.map(|(first, last, _)| first_last(first, last)));
        let mut same_elsewhere = first_last("None", "Reed");
        same_elsewhere[Field::Phone as usize] = "None".to_string();
        rows.push(same_elsewhere);
        rows.push(row(&[(Field::FullName, "Jane NULL")]));
        let drafts = cleaned(&rows, &definition);
        let fields = [
            Field::ExternalId,
            Field::Email,
            Field::Phone,
            Field::Groups,
            Field::Organization,
            Field::Country,
        ];
        let values = fields.map(|field| value(&drafts, 0, field));
        assert_eq!(values, ["", "", "", "Sales", "-", ""]);
        for (index, (first, last, kept)) in names.iter().enumerate() {
            assert_eq!(value(&drafts, index + 1, Field::LastName), *kept, "{last}");
            assert_eq!(
                value(&drafts, index + 1, Field::FirstName),
                *first,
                "{last}"
            );
        }
        assert_eq!(value(&drafts, 8, Field::FirstName), "");
        assert_eq!(value(&drafts, 9, Field::FirstName), "Jane");
        assert_eq!(value(&drafts, 9, Field::LastName), "");
        let of_first = drafts.issues.iter().filter(|issue| issue.row == 0);
        let codes: Vec<Code> = of_first.map(|issue| issue.code).collect();
        use Code::{CellError, CellNothing, KeyPlaceholder, RowNoPerson};
        assert_eq!(
            codes,
            [
                KeyPlaceholder,
                KeyPlaceholder,
                CellError,
                CellNothing,
                RowNoPerson
            ]
        );
    }

    #[test]
    fn a_guessed_country_makes_no_phone_number() {
        let rows = ["Germnay", "Congo", "na"]
            .map(|country| row(&[(Field::Country, country), (Field::Phone, "030 1234567")]));
        let drafts = cleaned(&rows, &definition("[clean]\ndefault_country = \"DE\""));
        for index in 0..rows.len() {
            assert_eq!(value(&drafts, index, Field::Phone), "030 1234567");
        }
    }

    #[expect(clippy::too_many_lines, reason = "one long list of values")]
    #[test]
    fn every_field_is_cleaned_by_its_own_rules_and_counted() {
        let rows = [
            row(&[
                (Field::Email, " Jane@Example.ORG "),
                (Field::FullName, "Jane  van  Doe"),
                (Field::Phone, "030 123456"),
                (Field::Country, "Deutschland"),
                (Field::Language, "de_de"),
                (Field::Groups, "A;;B"),
                (Field::Role, "Admin"),
                (Field::Status, "Aktiv"),
                (Field::StartDate, "22.11.2026"),
                (Field::Manager, "Boss@X.org"),
                (Field::Username, "jane"),
                (Field::Organization, "NULL"),
            ]),
            row(&[
                (Field::FullName, "Jane Doe"),
                (Field::FirstName, "Janet"),
                (Field::Phone, "030 123456"),
            ]),
        ];
        let drafts = cleaned(&rows, &definition(""));
        let fields = Field::ALL.map(|field| value(&drafts, 0, field));
        assert_eq!(
            fields,
            [
                "",
                "Jane@example.org",
                "jane",
                "Jane",
                "van Doe",
                "Jane van Doe",
                "",
                "+4930123456",
                "DE",
                "de-DE",
                "",
                "A\u{1f}B",
                "",
                "",
                "admin",
                "",
                "active",
                "2026-11-22",
                "",
                "Boss@x.org",
                "",
            ]
        );
        assert_eq!(value(&drafts, 1, Field::FirstName), "Janet");
        assert_eq!(value(&drafts, 1, Field::LastName), "Doe");
        let issues: Vec<_> = drafts
            .issues
            .iter()
            .map(|issue| (issue.code, issue.row))
            .collect();
        assert_eq!(issues, [(Code::CellNothing, 0), (Code::PhoneInvalid, 1)]);
        let counts: Vec<_> = Rule::ALL
            .iter()
            .map(|rule| (rule.name(), drafts.rule_counts[*rule as usize]))
            .collect();
        assert_eq!(
            counts.iter().find(|(name, _)| *name == "name_split"),
            Some(&("name_split", 3))
        );
        assert_eq!(
            counts.iter().find(|(name, _)| *name == "email_domain_case"),
            Some(&("email_domain_case", 2))
        );
        assert_eq!(
            Rules::from_bits(drafts.rules[1]).iter().collect::<Vec<_>>(),
            [Rule::NameSplit]
        );
    }

    #[test]
    fn ragged_rows_are_reported_unless_the_surplus_is_blank() {
        let width = layout().width();
        let rows = [
            vec!["x".to_string(); width],
            vec!["x".to_string(); width - 1],
            vec![],
            {
                let mut row = vec!["x".to_string(); width];
                row.extend([String::new(), " ".to_string()]);
                row
            },
            vec!["x".to_string(); width + 1],
        ];
        let drafts = cleaned(&rows, &definition(""));
        let ragged = drafts
            .issues
            .iter()
            .filter(|issue| matches!(issue.code, Code::RowShort | Code::RowLong));
        let found: Vec<_> = ragged
            .map(|issue| (issue.row, issue.code, issue.found.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                (1, Code::RowShort, "22 cells"),
                (2, Code::RowShort, "0 cells"),
                (4, Code::RowLong, "24 cells")
            ]
        );
        assert_eq!(drafts.values.len(), rows.len());
        assert_eq!(drafts.places.len(), rows.len());
    }

    /// What each field knows, in pieces.
    const PIECES: &[&str] = &[
        " ",
        "\u{a0}",
        "\u{200d}",
        "\u{200c}",
        "\u{94d}",
        "\u{951}",
        "क",
        "ل",
        "\u{301}",
        "e",
        "\u{fe0f}",
        "1",
        "👩",
        "葛",
        "\u{e0100}",
        "@",
        ".",
        ",",
        ";",
        "/",
        "<",
        ">",
        "mailto:",
        "?",
        "\"",
        "jane",
        "X.ORG",
        "İ",
        "ΑΣ",
        "ß",
        "+49",
        "030 123456",
        "ext. 12",
        "Durchwahl 12",
        "(DW:",
        "\u{3164}",
        "\u{34f}",
        "Dr.",
        "PhD",
        "(",
        ")",
        "Germnay",
        "German",
        "ja",
        "iw",
        "chef",
        "00",
        "x",
        "Deutschland",
        "NULL",
        "None",
        "N/A",
        "=\"",
        "\"",
        "'",
        "`",
        "#REF!",
        "TBD",
        "UK",
        "de",
        "_",
        "-",
        "AT",
        "2026",
        "11",
        "22",
        "Nov",
        "Jr",
        "van",
        "Active",
        "\u{1f}",
        "\u{1e}",
        "[",
        "]",
        "{",
        "}",
        "'",
        "|",
        "\n",
        "• ",
        "- ",
        "1. ",
        "CN=",
        "\\",
        "a:1:{i:0;s:1:\"",
        "&",
        "und",
        "y",
        "Familie",
        "ｚ＠",
        "年",
        "月",
        "٢",
        "\u{0}",
        "\r\n",
        "ﬁ",
        "Å",
        "\u{1100}",
        "\u{1161}",
        "가",
        "김",
    ];

    /// Cells that come near to what each field knows, next to any text at all.
    fn cell() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            prop::sample::select(PIECES).prop_map(|piece| piece.to_string()),
            any::<char>().prop_map(String::from),
            any::<String>(),
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(crate::properties::config(4096))]
        #[test]
        fn cleaning_twice_is_cleaning_once(
            cells in prop::collection::vec(cell(), 21),
            settings in prop::sample::select(vec![
                "", "[clean]\ndefault_country = \"DE\"\ndate_order = \"dmy\"\nname_order = \"last_first\"",
                "[clean]\ndefault_country = \"US\"\ndate_order = \"mdy\"\n[accounts]\nseveral_roles = true",
                "[accounts]\nroles = [\"user\", \"Admin\"]\n[role]\nadmin = [\"chef\", \"1\"]\nuser = \"*\"\n[clean]\nbooleans = [\"Shirt\"]\n[boolean]\nchef = true",
                "[groups]\nrole_mark = \"@\"\nseparators = [\"|\"]\n[accounts]\nseveral_roles = true",
            ]),
        ) {
            let definition = definition(settings);
            let once = cleaned(&[cells], &definition);
            let again = cleaned(&[once.values.row(0).map(String::from).collect()], &definition);
            // A country that was guessed makes no phone number, and is certain the second time.
            let is_guess = once.rules[0] & Rules::of(Rule::CountrySpelling).bits() != 0;
            let of_phone = Rules::of(Rule::PhoneE164).bits();
            let phone = layout().field(Field::Phone);
            let may_change = |slot| is_guess && Some(slot) == phone;
            let values = |drafts: &Drafts| -> Vec<String> {
                let slots = drafts.values.row(0).enumerate();
                slots.filter(|(slot, _)| !may_change(*slot)).map(|(_, value)| value.to_string()).collect()
            };
            prop_assert_eq!(values(&once), values(&again));
            prop_assert_eq!(again.rules[0] & if is_guess { !of_phone } else { !0 }, 0);
        }
    }
}
