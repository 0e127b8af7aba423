//! validate: everything that is wrong with a row, not the first thing; and the keys by which the
//! row may be matched.

use crate::text;
use crate::text::email;
use crate::text::scripts;
use crate::text::username_key;
use std::borrow::Cow;
use std::collections::HashSet;

use hashbrown::HashTable;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::definition::{Clean, DateOrder, Definition, Groups, UnknownDeactivated};
use crate::field::{CLEARED, Field, Key, RowNumber};
use crate::issue::{Code, Issue, Severity};
use crate::meaning::group::{GROUP_NESTING, groups};
use crate::meaning::membership;
use crate::meaning::membership::Said;
use crate::meaning::required::Required;
use crate::meaning::words::boolean_slots;
use crate::meaning::{converted, country, date, digits, group, language, name, words};
use crate::outcome::Verdict;
use crate::row::{Drafts, Layout, People, Slot, Table};
use crate::vocabulary::nothing;

use self::leftovers::{Place, bytes};

pub mod leftovers;
mod misread;

/// The longest value of most fields, in characters.
pub const VALUE_CHARS_MAX: usize = 255;
/// The longest list of groups, in characters.
pub const GROUPS_CHARS_MAX: usize = 4_000;
/// The longest name of one group, in characters.
pub const GROUP_CHARS_MAX: usize = 200;
/// The longest phone number, in characters.
pub const PHONE_CHARS_MAX: usize = 64;
/// The longest custom attribute, in characters.
pub const ATTRIBUTE_CHARS_MAX: usize = 10_000;

/// Checks a batch and makes the match keys of its rows. `verdicts` has `Duplicate` where `dedupe`
/// found one (such rows are not checked, have no keys, and lose the issues they came with) and
/// `Kept` elsewhere. A rejected row has its keys: it still takes part in clashes. A row that
/// cleaning found to be about nobody is not a duplicate either, and keeps that issue alone.
pub fn validate(
    mut drafts: Drafts,
    mut verdicts: Vec<Verdict>,
    layout: &Layout,
    definition: &Definition,
) -> People {
    let first_row = drafts.first_row;
    let place = |issue: &Issue| issue.row.wrapping_sub(first_row) as usize;
    mark_nobody(&drafts.issues, first_row, &mut verdicts);
    let status = layout.field(Field::Status);
    let is_left_out =
        |index: usize| status.is_some_and(|slot| drafts.values.get(index, slot) == words::SKIPPED);
    let mut issues = std::mem::take(&mut drafts.issues);
    issues.sort_by_key(|issue| issue.row);
    issues.retain(|issue| {
        let at = place(issue);
        let verdict = verdicts.get(at);
        verdict.is_some_and(|verdict| is_said(issue.code, *verdict, is_left_out(at)))
    });
    let required = Required::of(definition);
    let mut checker = Checker {
        layout,
        roles: definition
            .accounts
            .roles
            .iter()
            .map(|role| lower(role).into_owned())
            .collect(),
        required: &required,
        exported: &drafts.exported,
        groups: &definition.groups,
        group_roles: definition
            .groups
            .roles
            .iter()
            .chain([&definition.groups.default_role])
            .map(|role| lower(role).into_owned())
            .collect(),
        closing_needs_all: definition.matching.unknown_deactivated == UnknownDeactivated::Create,
        date_order: definition.clean.date_order,
        settings: &definition.clean,
        booleans: boolean_slots(layout, definition),
        values: &drafts.values,
        domains: email::Domains::default(),
        email_key: String::new(),
        fine_groups: HashTable::new(),
        fine_names: HashTable::new(),
        fine_together: HashTable::new(),
        read_issues: issues.len(),
        issues,
    };
    let mut keys = Table::new(Key::ALL.len());
    for (index, verdict) in verdicts.iter().enumerate() {
        if is_unchecked(*verdict) || is_left_out(index) {
            Key::ALL.iter().for_each(|_| keys.push(""));
        } else {
            checker.check(index, first_row + index as RowNumber, &mut keys);
        }
    }
    let mut issues = std::mem::take(&mut checker.issues);
    drop(checker);
    issues.sort_by_key(|issue| issue.row);
    let rejecting = rejecting(definition);
    for issue in &issues {
        if rejecting[issue.code as usize]
            && let Some(verdict) = verdicts.get_mut(place(issue))
        {
            *verdict = Verdict::Rejected;
        }
    }
    drafts.issues = issues;
    People {
        drafts,
        keys,
        verdicts,
    }
}

/// Rows that were found to be about nobody are, whatever they equal.
fn mark_nobody(issues: &[Issue], first_row: RowNumber, verdicts: &mut [Verdict]) {
    for issue in issues {
        if issue.code == Code::RowNoPerson
            && let Some(verdict) = verdicts.get_mut(issue.row.wrapping_sub(first_row) as usize)
        {
            *verdict = Verdict::Nobody;
        }
    }
}

/// Whether a row of that verdict isn't looked at.
fn is_unchecked(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Duplicate(_) | Verdict::Nobody)
}

/// Whether an issue that a row came with is still said of it.
fn is_said(code: Code, verdict: Verdict, is_left_out: bool) -> bool {
    match verdict {
        Verdict::Nobody => code == Code::RowNoPerson,
        verdict => !is_unchecked(verdict) && !is_left_out,
    }
}

/// By code: whether it keeps a row out.
fn rejecting(definition: &Definition) -> Vec<bool> {
    let listed = |code: &Code| {
        definition
            .rows
            .reject
            .iter()
            .any(|name| name == code.name())
    };
    Code::ALL
        .iter()
        .map(|code| code.severity() >= Severity::Reject || listed(code))
        .collect()
}

fn lower(text: &str) -> Cow<'_, str> {
    text::lower(text).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The fields of which each may have the name of a person.
const NAMES: [Field; 3] = [Field::FullName, Field::FirstName, Field::LastName];

/// Whether a text may have what another system left in it. `classes` are those of its bytes.
fn may_be_leftover(value: &str, classes: u8, is_name: bool) -> bool {
    classes & bytes::MARK != 0
        || is_name && classes & bytes::QUOTE != 0 && value.contains("''")
        || classes & bytes::HIGH != 0 && value.contains(['\u{fffd}', '¿', '«'])
}

/// What one batch is checked by.
struct Checker<'a> {
    layout: &'a Layout,
    roles: Vec<String>,
    groups: &'a Groups,
    /// The roles that a row may give within a group.
    group_roles: Vec<String>,
    required: &'a Required,
    /// Which rows an export wrote: they lack what their accounts lack.
    exported: &'a HashSet<RowNumber>,
    /// Whether a row that closes an account needs what others need.
    closing_needs_all: bool,
    date_order: DateOrder,
    settings: &'a Clean,
    /// By slot: whether it is an attribute that is yes or no.
    booleans: Vec<bool>,
    values: &'a Table,
    domains: email::Domains,
    /// Taken for each row, so that it is allocated once.
    email_key: String,
    /// Lists of groups with which nothing is wrong. A file has few that differ.
    fine_groups: HashTable<&'a str>,
    /// Names with which nothing is wrong, whatever is next to them. Many people have them.
    fine_names: HashTable<(Field, &'a str)>,
    /// The names of rows in which nothing was found, where a name alone isn't fine.
    fine_together: HashTable<[&'a str; 3]>,
    issues: Vec<Issue>,
    /// How many of the issues came with the rows, in their order.
    read_issues: usize,
}

impl<'a> Checker<'a> {
    /// Checks row `index` and adds its keys.
    fn check(&mut self, index: usize, row: RowNumber, keys: &mut Table) {
        let is_exported = !self.exported.is_empty() && self.exported.contains(&row);
        let needs_all = self.closing_needs_all || self.value(index, Field::Status) != "deactivated";
        if needs_all && !is_exported {
            self.check_required(index, row);
        }
        let has_fine_names = NAMES
            .into_iter()
            .all(|field| self.is_fine_name(field, self.value(index, field)));
        if !has_fine_names {
            self.check_names_once(index, row);
        }
        self.check_scripts(index, row, has_fine_names);
        self.check_removals(index, row);
        let mut email_key = std::mem::take(&mut self.email_key);
        email_key.clear();
        for (slot, what) in self.layout.slots().iter().enumerate() {
            let value = self.values.get(index, slot);
            if value.is_empty() || value == CLEARED {
                continue;
            }
            match what {
                Slot::Field(Field::Email) => self.check_email(value, row, &mut email_key),
                Slot::Field(field) => {
                    if matches!(field, Field::ExternalId | Field::Username) {
                        self.check_converted(*field, value, row);
                    }
                    self.check_field(*field, value, row);
                }
                Slot::Attribute(name) if is_longer(value, ATTRIBUTE_CHARS_MAX) => {
                    let detail = format!("at most {ATTRIBUTE_CHARS_MAX} characters in `{name}`");
                    self.issues
                        .push(Issue::of_value(Code::CellLong, row, value, detail));
                }
                Slot::Attribute(name)
                    if self.booleans[slot] && !matches!(value, "true" | "false") =>
                {
                    let detail = format!("yes or no in `{name}`");
                    self.issues
                        .push(Issue::of_value(Code::BooleanUnknown, row, value, detail));
                }
                Slot::Attribute(name) if digits::are_shortened(value) => {
                    let detail = format!("all digits in `{name}`");
                    let issue = Issue::of_value(Code::CellScientific, row, value, detail);
                    self.issues.push(issue);
                }
                Slot::Attribute(_) | Slot::Ignored(_) => {}
            }
        }
        keys.push(self.value(index, Field::ExternalId));
        keys.push(&email_key);
        self.email_key = email_key;
        keys.push(&username_key(self.value(index, Field::Username)));
    }

    /// The value of a field; empty where the run doesn't have it, or the account is to lose it.
    fn value(&self, index: usize, field: Field) -> &'a str {
        self.layout
            .field(field)
            .map(|slot| self.values.get(index, slot))
            .filter(|value| *value != CLEARED)
            .unwrap_or_default()
    }

    fn report(
        &mut self,
        code: Code,
        row: RowNumber,
        field: Field,
        found: &str,
        detail: impl Into<String>,
    ) {
        self.issues
            .push(Issue::of_field(code, row, field, found, detail));
    }

    fn is_reported(&self, code: Code, row: RowNumber, field: Field) -> bool {
        let mut issues = self.issues.iter();
        issues.any(|issue| issue.row == row && issue.code == code && issue.field == Some(field))
    }

    fn check_required(&mut self, index: usize, row: RowNumber) {
        let (required, layout, values) = (self.required, self.layout, self.values);
        let value = |field| {
            let slot = layout.field(field);
            let value = slot.map(|slot| values.get(index, slot));
            value.filter(|value| *value != CLEARED).unwrap_or_default()
        };
        required.missing(value, |code, field, detail| {
            let found = value(field);
            self.report(code, row, field, found, detail);
        });
    }

    /// Whether neither [`Checker::check_names`] nor [`Checker::check_scripts`] can find anything in a
    /// name.
    fn is_fine_name(&mut self, field: Field, value: &'a str) -> bool {
        if value.is_empty() {
            return true;
        }
        let hash_of =
            |(field, name): &(Field, &str)| xxh3_64_with_seed(name.as_bytes(), *field as u64);
        let name = (field, value);
        let hash = hash_of(&name);
        if self.fine_names.find(hash, |fine| *fine == name).is_some() {
            return true;
        }
        let classes = bytes::of(value);
        let is_fine = !matches!(value, "TRUE" | "FALSE")
            && !is_no_name(value, classes)
            && !may_be_leftover(value, classes, true)
            && !nothing::may_be(value)
            && !name::is_several(value, field == Field::LastName)
            && (classes & bytes::HIGH == 0
                || misread::is_plain(value) && !scripts::mixes_in_a_word(value));
        if is_fine {
            self.fine_names.insert_unique(hash, name, hash_of);
        }
        is_fine
    }

    /// [`Checker::check_names`], for names that weren't found fine together before.
    fn check_names_once(&mut self, index: usize, row: RowNumber) {
        let names = NAMES.map(|field| self.value(index, field));
        let hash_of = |names: &[&str; 3]| {
            let seeded = |seed, name: &&str| xxh3_64_with_seed(name.as_bytes(), seed);
            names.iter().fold(0, seeded)
        };
        let hash = hash_of(&names);
        if self
            .fine_together
            .find(hash, |fine| *fine == names)
            .is_some()
        {
            return;
        }
        let before = self.issues.len();
        self.check_names(index, row);
        // What reading has said of a row isn't said twice, so that such a row proves nothing.
        if self.issues.len() == before && self.read_issues(row).next().is_none() {
            self.fine_together.insert_unique(hash, names, hash_of);
        }
    }

    /// The parts of a full name are not reported next to it.
    fn check_names(&mut self, index: usize, row: RowNumber) {
        let fields = NAMES;
        let names = fields.map(|field| self.value(index, field));
        let [full, first, last] = names;
        let all_classes = names.map(bytes::of);
        // Asked once for both parts: what was done to one was done to the other.
        let is_odd = |classes: u8, names: [&str; 2]| {
            classes & bytes::HIGH != 0 && !names.into_iter().all(misread::is_plain)
        };
        let is_part_odd = is_odd(all_classes[1] | all_classes[2], [first, last]);
        for (at, (field, value)) in fields.into_iter().zip(names).enumerate() {
            if value.is_empty() {
                continue;
            }
            let (classes, beside) = (all_classes[at], [full, last, first][at]);
            let may_be_misread = match field {
                Field::FullName => is_odd(classes, [full, ""]),
                _ => classes & bytes::HIGH != 0 && is_part_odd,
            };
            if matches!(value, "TRUE" | "FALSE")
                && !self.is_reported(Code::NameSuspicious, row, field)
            {
                let detail = "a name; this is what spreadsheets make from a word for yes or no";
                self.report(Code::NameSuspicious, row, field, value, detail);
            }
            if is_no_name(value, classes) && !self.is_reported(Code::NameSuspicious, row, field) {
                self.report(Code::NameSuspicious, row, field, value, "a name");
            } else if !(self.finds_leftover(field, value, classes, row)
                || may_be_misread && self.finds_misread(field, value, beside, row)
                || nothing::may_be(value) && self.doubts_name(field, value, beside, row))
            {
                continue;
            }
            if field == Field::FullName {
                return;
            }
        }
        if full.is_empty() {
            self.check_people(first, last, row);
        }
    }

    /// First and last names that are several people's. Those of a full name are reported by `clean`.
    fn check_people(&mut self, first: &str, last: &str, row: RowNumber) {
        for (field, value, is_last) in [
            (Field::FirstName, first, false),
            (Field::LastName, last, true),
        ] {
            if name::is_several(value, is_last)
                && !self.is_reported(Code::NameSuspicious, row, field)
            {
                self.report(Code::NameSeveral, row, field, value, "one person in a row");
            }
        }
    }

    /// What only a spreadsheet writes, in a key or a group.
    fn check_converted(&mut self, field: Field, value: &str, row: RowNumber) {
        let Some(sign) = converted::sign(value) else {
            return;
        };
        let is_mixed =
            sign != converted::Sign::Date || self.settings.columns.dated.contains(&field);
        if is_mixed
            && !converted::is_meant(field, self.settings)
            && !self.is_reported(Code::CellConverted, row, field)
        {
            self.issues
                .push(converted::issue_of(sign, row, field, value));
        }
    }

    /// Whether the field's text is known to be damaged.
    fn is_damaged(&self, row: RowNumber, field: Field) -> bool {
        let mut latest = self.issues[self.read_issues..].iter().rev();
        let mut of_row = latest.by_ref().take_while(|issue| issue.row == row);
        of_row.any(|issue| issue.code == Code::CellMojibake && issue.field == Some(field))
    }

    /// Reports what another system left in a text. `classes` are those of its bytes.
    #[inline]
    fn finds_leftover(&mut self, field: Field, value: &str, classes: u8, row: RowNumber) -> bool {
        let is_name = NAMES.contains(&field);
        may_be_leftover(value, classes, is_name)
            && self.reports_leftover(field, value, is_name, row)
    }

    fn reports_leftover(
        &mut self,
        field: Field,
        value: &str,
        is_name: bool,
        row: RowNumber,
    ) -> bool {
        let place = if is_name { Place::Name } else { Place::Text };
        let Some(found) = leftovers::find(value, place) else {
            return false;
        };
        // What reading the file has said needs no second remark.
        if value.contains(char::REPLACEMENT_CHARACTER) && self.is_misread(row) {
            return false;
        }
        let code = if is_name {
            Code::NameSuspicious
        } else {
            Code::CellLeftover
        };
        let shown = match &found.repaired {
            Some(repaired) => Cow::Owned(format!("{value} → {repaired}")),
            None => Cow::Borrowed(value),
        };
        self.report(code, row, field, &shown, found.what);
        true
    }

    /// Reports a text that was read by the wrong code page once, unless reading the file has.
    fn finds_misread(&mut self, field: Field, value: &str, beside: &str, row: RowNumber) -> bool {
        let guesses = misread::guesses(value, beside);
        if guesses.is_empty() || self.is_misread(row) {
            return false;
        }
        let shown = format!("{value} → {}", guesses.join(" or "));
        let detail = "text that was read as another encoding; the repair is a guess";
        self.report(Code::CellMojibake, row, field, &shown, detail);
        true
    }

    /// What was found of the row before.
    fn read_issues(&self, row: RowNumber) -> impl Iterator<Item = &Issue> {
        let read = &self.issues[..self.read_issues];
        let from = read.partition_point(|issue| issue.row < row);
        read[from..]
            .iter()
            .take_while(move |issue| issue.row == row)
    }

    /// Whether reading the file said of the row that its text is damaged.
    fn is_misread(&self, row: RowNumber) -> bool {
        self.read_issues(row)
            .any(|issue| matches!(issue.code, Code::CellMojibake | Code::RowEncoding))
    }

    /// Reports a name that a program may have written for none: `NULL`, `None`. Spelled as a name and
    /// beside another name, `Null` is one.
    fn doubts_name(&mut self, field: Field, value: &str, beside: &str, row: RowNumber) -> bool {
        let Some(_) =
            nothing::kind(value).filter(|_| nothing::may_be_name(&nothing::folded(value)))
        else {
            return false;
        };
        let is_alone = field != Field::FullName && nothing::kind(beside).is_some();
        if nothing::is_spelled_as_name(value) && value != "None" && !is_alone {
            return false;
        }
        // In a list of capitals alone, `NIL` is a name as good as `Nil`.
        let is_given = matches!(nothing::folded(value).as_str(), "nil" | "nan" | "na");
        if is_given && !is_alone && !beside.is_empty() && beside == beside.to_uppercase() {
            return false;
        }
        let detail = "a name; programs write this when there is none";
        self.report(Code::NameSuspicious, row, field, value, detail);
        true
    }

    /// Letters of several alphabets in one word. The parts of a full name are not reported next to
    /// it.
    fn check_scripts(&mut self, index: usize, row: RowNumber, has_fine_names: bool) {
        if self.values.is_ascii(index) {
            return;
        }
        let mut name_is_reported = false;
        let names = if has_fine_names { &[][..] } else { &NAMES };
        let others = &[Field::DisplayName, Field::Username];
        for field in names.iter().chain(others).copied() {
            let value = self.value(index, field);
            if value.is_ascii() || !scripts::mixes_in_a_word(value) || self.is_damaged(row, field) {
                continue;
            }
            if field == Field::Username {
                let detail = "letters of one alphabet";
                self.report(Code::UsernameMixed, row, field, value, detail);
            } else if !name_is_reported {
                let detail = "letters of one alphabet in a word";
                self.report(Code::NameMixed, row, field, value, detail);
                name_is_reported = field == Field::FullName;
            }
        }
    }

    fn check_email(&mut self, value: &str, row: RowNumber, key: &mut String) {
        match self.domains.check(value) {
            Ok(address) => {
                address.write_key(key);
                for doubt in address.doubts() {
                    self.issues.push(Issue::of_field(
                        doubt.code,
                        row,
                        Field::Email,
                        value,
                        doubt.detail,
                    ));
                }
            }
            Err(fault) => self.report(fault.code, row, Field::Email, value, fault.expected),
        }
    }

    fn check_field(&mut self, field: Field, value: &'a str, row: RowNumber) {
        let longest = match field {
            field if field.lists_groups() => GROUPS_CHARS_MAX,
            Field::Phone => PHONE_CHARS_MAX,
            _ => VALUE_CHARS_MAX,
        };
        if is_longer(value, longest) {
            self.report(
                Code::CellLong,
                row,
                field,
                value,
                format!("at most {longest} characters"),
            );
        }
        match field {
            Field::ExternalId | Field::Username if digits::are_lost(value) => {
                self.report(Code::CellPrecision, row, field, value, digits::LOST);
            }
            Field::Username => self.check_username(value, row),
            Field::Country if country::alpha2(value).is_none() => {
                self.report_country(value, row);
            }
            Field::Organization | Field::DisplayName => self.check_text(field, value, row),
            Field::Language if language::tag(value).is_none() => {
                self.report(
                    Code::LanguageUnknown,
                    row,
                    field,
                    value,
                    "a BCP 47 tag such as `en` or `pt-BR`",
                );
            }
            Field::StartDate | Field::EndDate => self.check_date(field, value, row),
            // A column such as `Active` has said itself what it doesn't know.
            Field::Status
                if !matches!(value, "active" | "invited" | "deactivated")
                    && !self.is_reported(Code::StatusUnknown, row, field) =>
            {
                self.report(
                    Code::StatusUnknown,
                    row,
                    field,
                    value,
                    "`active`, `invited` or `deactivated`",
                );
            }
            Field::Role => self.check_role(field, value, row),
            Field::OtherRoles => {
                for role in value.split(words::ROLE_SEPARATOR) {
                    self.check_role(field, role, row);
                }
            }
            field if field.lists_groups() => {
                let hash = xxh3_64(value.as_bytes());
                if self.fine_groups.find(hash, |fine| *fine == value).is_some() {
                    return;
                }
                let before = self.issues.len();
                self.check_groups(field, value, row);
                for group in groups(value) {
                    self.check_text(field, group, row);
                    self.check_cut_reference(field, group, row);
                }
                if self.issues.len() == before {
                    let hash_of = |fine: &&str| xxh3_64(fine.as_bytes());
                    self.fine_groups.insert_unique(hash, value, hash_of);
                }
            }
            _ => {}
        }
    }

    /// What is damaged in a text that is not a name, or that is shown beside the name.
    fn check_text(&mut self, field: Field, value: &str, row: RowNumber) {
        let classes = bytes::of(value);
        if classes & (bytes::MARK | bytes::HIGH) == 0 {
            return;
        }
        if !self.finds_leftover(field, value, classes, row) && classes & bytes::HIGH != 0 {
            self.finds_misread_text(field, value, row);
        }
    }

    /// A `;` parts groups, and so it cuts `Research &amp; Design` into two that nobody meant.
    fn check_cut_reference(&mut self, field: Field, group: &str, row: RowNumber) {
        if group.contains('&') && leftovers::find(group, Place::Text).is_none() {
            let whole = format!("{group};");
            self.finds_leftover(field, &whole, bytes::MARK, row);
        }
    }

    /// Companies have signs that no name has, so that only UTF-8 read wrongly is sure.
    fn finds_misread_text(&mut self, field: Field, value: &str, row: RowNumber) {
        if let Some(repaired) = misread::undone_utf_8(value)
            && !self.is_misread(row)
        {
            let detail = "UTF-8 that was read as another encoding";
            let shown = format!("{value} → {repaired}");
            self.report(Code::CellMojibake, row, field, &shown, detail);
        }
    }

    fn report_country(&mut self, value: &str, row: RowNumber) {
        if let Some(codes) = country::ambiguous(value) {
            let codes: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
            let detail = codes.join(" or ");
            self.report(Code::CountryAmbiguous, row, Field::Country, value, detail);
            return;
        }
        let detail = match value.eq_ignore_ascii_case("na") {
            true => "an ISO 3166 code or a country's name; only `NA` in capitals is Namibia",
            false => "an ISO 3166 code or a country's name",
        };
        self.report(Code::CountryUnknown, row, Field::Country, value, detail);
    }

    fn check_username(&mut self, value: &str, row: RowNumber) {
        let field = Field::Username;
        if value.contains(|c: char| c.is_whitespace() || c.is_control()) {
            self.report(Code::UsernameSyntax, row, field, value, "no white space");
        } else if !value.contains(char::is_alphanumeric) {
            self.report(
                Code::UsernameSyntax,
                row,
                field,
                value,
                "a letter or a digit",
            );
        }
    }

    fn check_date(&mut self, field: Field, value: &str, row: RowNumber) {
        if !date::is_iso(value) {
            self.report_date(field, value, row);
        } else if let Some(detail) = date::far(value) {
            self.report(Code::DateFar, row, field, value, detail);
        }
    }

    fn report_date(&mut self, field: Field, value: &str, row: RowNumber) {
        match date::read(value, self.date_order) {
            date::Reading::Ambiguous(day_first, month_first) => {
                let detail = format!("{day_first} or {month_first}, in that form");
                self.report(Code::DateAmbiguous, row, field, value, detail);
            }
            date::Reading::Date(_) | date::Reading::Invalid => {
                let any = || {
                    let form = match self.date_order {
                        DateOrder::Unknown => "a date such as 2026-11-22",
                        DateOrder::Dmy => "a date such as 2026-11-22 or 22/11/2026",
                        DateOrder::Mdy => "a date such as 2026-11-22 or 11/22/2026",
                    };
                    form.to_string()
                };
                let detail = date::fault(value, self.date_order).unwrap_or_else(any);
                self.report(Code::DateInvalid, row, field, value, detail);
            }
        }
    }

    fn check_role(&mut self, field: Field, role: &str, row: RowNumber) {
        if !self.roles.iter().any(|known| known == role) {
            let detail = one_of(&self.roles);
            self.report(Code::RoleNotAllowed, row, field, role, detail);
        }
    }

    /// Groups that a row both names and takes away.
    fn check_removals(&mut self, index: usize, row: RowNumber) {
        let remove = self.value(index, Field::RemoveGroups);
        if remove.is_empty() {
            return;
        }
        let said = Said {
            groups: Some(self.value(index, Field::Groups)),
            add: Some(self.value(index, Field::AddGroups)),
            remove: Some(remove),
            sessions: None,
        };
        if let Some(path) = membership::contradiction(said, self.groups) {
            let detail = "a group that the row doesn't name elsewhere";
            self.report(Code::GroupBoth, row, Field::RemoveGroups, path, detail);
        }
    }

    fn check_groups(&mut self, field: Field, value: &str, row: RowNumber) {
        for group in groups(value) {
            let (path, role) = match field {
                Field::Sessions => (group, None),
                _ => group::path_and_role(group, self.groups),
            };
            self.check_converted(field, path, row);
            if let Some(role) = role
                && !self.group_roles.iter().any(|known| known == role)
            {
                let detail = one_of(&self.group_roles);
                self.report(Code::RoleNotAllowed, row, field, group, detail);
            }
            // A session that isn't there is reported anyway.
            let parts = path
                .split(GROUP_NESTING)
                .filter(|_| field != Field::Sessions);
            for part in parts {
                let detail = if part.is_empty() {
                    "no empty part in a nested name, and no `/` in a part".to_string()
                } else if is_longer(part, GROUP_CHARS_MAX) {
                    format!("at most {GROUP_CHARS_MAX} characters in a name")
                } else {
                    continue;
                };
                self.report(Code::GroupSyntax, row, field, group, detail);
                break;
            }
        }
    }
}

fn one_of(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    format!("one of {}", words.join(", "))
}

fn is_longer(value: &str, chars: usize) -> bool {
    value.len() > chars && value.chars().count() > chars
}

/// Whether a cell of names holds an address, or nothing but digits and punctuation.
fn is_no_name(value: &str, classes: u8) -> bool {
    classes & bytes::AT != 0 || classes & bytes::LETTER == 0 && !value.contains(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition;
    use crate::field::Place;

    /// What a row holds; the other fields are empty.
    type Values<'a> = &'a [(Field, &'a str)];

    fn layout() -> Layout {
        let mut slots: Vec<Slot> = Field::ALL.into_iter().map(Slot::Field).collect();
        slots.push(Slot::Attribute("note".to_string()));
        Layout::new(slots)
    }

    fn definition(settings: &str) -> Definition {
        definition::parse("test.toml", &format!("name = \"test\"\n{settings}"))
            .unwrap()
            .definition
    }

    fn drafts(rows: &[Values]) -> Drafts {
        let layout = layout();
        let mut drafts = Drafts {
            first_row: 10,
            values: Table::new(layout.width()),
            places: vec![Place { line: 2, byte: 0 }; rows.len()],
            rules: vec![0; rows.len()],
            ..Drafts::default()
        };
        for row in rows {
            for slot in layout.slots() {
                let value = row.iter().find(|(field, _)| Slot::Field(*field) == *slot);
                drafts.values.push(value.map_or("", |(_, value)| value));
            }
        }
        drafts
    }

    fn validated(rows: &[Values], settings: &str) -> People {
        validate(
            drafts(rows),
            vec![Verdict::Kept; rows.len()],
            &layout(),
            &definition(settings),
        )
    }

    /// The codes for one row that is right but for `values`.
    fn codes(values: Values, settings: &str) -> Vec<&'static str> {
        let right = [
            (Field::FirstName, "Jane"),
            (Field::LastName, "Doe"),
            (Field::Email, "jane@iana.org"),
        ];
        let mut row = values.to_vec();
        row.extend(
            right
                .iter()
                .filter(|(field, _)| values.iter().all(|(other, _)| other != field)),
        );
        validated(&[&row], settings)
            .drafts
            .issues
            .iter()
            .map(|issue| issue.code.name())
            .collect()
    }

    #[expect(clippy::too_many_lines, reason = "one long list of values")]
    #[test]
    fn every_field_is_checked() {
        use Field::{
            Country, DisplayName, Email, ExternalId, FirstName, FullName, Groups, Language,
            LastName, Organization, Phone, Role, StartDate, Status, Username,
        };
        let long = "é".repeat(256);
        let long_group = "g".repeat(201);
        let groups = format!("A/B\u{1f}A//B\u{1f}{long_group}");
        let cases: &[(Values, &[&str])] = &[
            (&[], &[]),
            (&[(FirstName, "")], &["first_name.missing"]),
            (
                &[(FirstName, ""), (LastName, ""), (Email, "")],
                &["email.missing", "first_name.missing", "last_name.missing"],
            ),
            (
                &[(FirstName, ""), (LastName, ""), (FullName, "Cher")],
                &["full_name.single"],
            ),
            (&[(Email, "x")], &["email.syntax"]),
            (&[(Email, "info@gmial.com")], &["email.typo", "email.role"]),
            (&[(Username, "jane doe")], &["username.syntax"]),
            (&[(Country, "DE")], &[]),
            (&[(Country, "Bavaria")], &["country.unknown"]),
            (&[(Country, "Congo")], &["country.ambiguous"]),
            (&[(ExternalId, "1.23457E+11")], &["cell.precision"]),
            (&[(ExternalId, "12E5")], &[]),
            (&[(FirstName, "Zo&eacute;")], &["name.suspicious"]),
            (&[(FirstName, "M?")], &[]),
            (&[(FirstName, "J├╝rgen")], &["cell.mojibake"]),
            (&[(FirstName, "J眉rgen")], &["cell.mojibake"]),
            (&[(Organization, "R&amp;D")], &["cell.leftover"]),
            (&[(Groups, "AT&T\u{1f}R&amp;D")], &["cell.leftover"]),
            (&[(Groups, "Research &amp\u{1f}Design")], &["cell.leftover"]),
            (&[(LastName, "Null")], &[]),
            (&[(LastName, "NULL")], &["name.suspicious"]),
            (&[(FirstName, "NIL"), (LastName, "SMITH")], &[]),
            (
                &[(FirstName, "Nan"), (LastName, "Null")],
                &["name.suspicious", "name.suspicious"],
            ),
            (&[(Language, "pt-BR")], &[]),
            (&[(Language, "Bavarian?")], &["language.unknown"]),
            (&[(StartDate, "2026-11-22")], &[]),
            (&[(StartDate, "03/04/2026")], &["date.ambiguous"]),
            (&[(StartDate, "2026-02-30")], &["date.invalid"]),
            (&[(Status, "active")], &[]),
            (&[(Status, "on sabbatical")], &["status.unknown"]),
            (&[(Role, "user")], &[]),
            (&[(Role, "admin")], &["role.not_allowed"]),
            (&[(Groups, &groups)], &["group.syntax", "group.syntax"]),
            (
                &[(FirstName, "jane@iana.org"), (LastName, "12")],
                &["name.suspicious", "name.suspicious"],
            ),
            (
                &[(FullName, "1 2"), (FirstName, "1"), (LastName, "2")],
                &["name.suspicious"],
            ),
            (&[(FirstName, &long)], &["cell.long"]),
            (&[(FirstName, &long[2..])], &[]),
            (
                &[
                    (Organization, "NULL"),
                    (DisplayName, "-"),
                    (ExternalId, "0042"),
                ],
                &[],
            ),
        ];
        for (values, expected) in cases {
            assert_eq!(codes(values, ""), *expected, "{values:?}");
        }
        let settings = "[require]\nfields = [\"phone\"]\nemail_or_username = true";
        assert_eq!(
            codes(&[(Email, "")], settings),
            ["email.missing", "field.missing"]
        );
        assert_eq!(
            codes(&[(Email, ""), (Username, "jane"), (Phone, "1")], settings),
            [""; 0]
        );
        let settings = "[accounts]\nroles = [\"User\", \"Admin\"]\ndefault_role = \"User\"";
        assert_eq!(codes(&[(Role, "admin")], settings), [""; 0]);
    }

    #[test]
    fn verdicts_and_keys_follow_from_the_issues() {
        let rows: [Values; 4] = [
            &[
                (Field::FirstName, "J"),
                (Field::LastName, "D"),
                (Field::Email, "Jane@IANA.org"),
                (Field::Username, "JANE"),
            ],
            &[(Field::ExternalId, "A1"), (Field::Email, "jane@iana")],
            &[
                (Field::FirstName, "J"),
                (Field::LastName, "D"),
                (Field::Email, "jane@gmial.com"),
            ],
            &[(Field::ExternalId, "A1"), (Field::Email, "jane@iana")],
        ];
        let mut batch = drafts(&rows);
        batch.issues.push(Issue::of_row(Code::RowShort, 12, ""));
        batch.issues.push(Issue::of_row(Code::RowShort, 13, ""));
        let mut verdicts = vec![Verdict::Kept; 4];
        verdicts[3] = Verdict::Duplicate(11);
        let people = validate(batch, verdicts.clone(), &layout(), &definition(""));
        assert_eq!(
            people.verdicts,
            [
                Verdict::Kept,
                Verdict::Rejected,
                Verdict::Rejected,
                Verdict::Duplicate(11)
            ]
        );
        let keys: Vec<_> = (0..4)
            .map(|row| people.keys.row(row).collect::<Vec<_>>())
            .collect();
        assert_eq!(
            keys,
            [
                ["", "jane@iana.org", "jane"],
                ["A1", "", ""],
                ["", "jane@gmial.com", ""],
                ["", "", ""]
            ]
        );
        let found: Vec<_> = people
            .drafts
            .issues
            .iter()
            .map(|issue| (issue.row, issue.code.name()))
            .collect();
        assert_eq!(
            found,
            [
                (11, "first_name.missing"),
                (11, "last_name.missing"),
                (11, "email.domain"),
                (12, "row.short"),
                (12, "email.typo"),
            ]
        );
        let people = validate(
            drafts(&rows),
            verdicts,
            &layout(),
            &definition("[rows]\nreject = [\"email.typo\"]"),
        );
        assert_eq!(people.verdicts[2], Verdict::Rejected);
    }

    #[test]
    fn username_keys_fold_case_and_compatible_forms() {
        assert_eq!(username_key("Jane_Doe"), "jane_doe");
        assert_eq!(username_key("ｊａｎｅ"), "jane");
        assert_eq!(username_key("ﬁn"), username_key("FIN"));
    }
}
