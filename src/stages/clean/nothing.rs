//! Cells with a word that means no value, a spreadsheet error, or a placeholder instead of a key.
//! All except errors count as empty, and each is reported.

use std::borrow::Cow;
use std::collections::HashSet;

use super::Row;
use crate::field::{Field, RowNumber};
use crate::issue::{Code, Issue};
use crate::meaning::{group, name, words};
use crate::row::{Cells, Drafts, Slot};
use crate::rule::{Rule, Rules};
use crate::text;
use crate::vocabulary::nothing::{self, Kind};

/// What a cell holds instead of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// What a spreadsheet writes where it could compute nothing.
    Error,
    /// There is no value.
    Nothing,
    /// A placeholder instead of a key.
    Placeholder,
}

/// The cells of a batch that reading has found an error in, by row and column.
pub(super) fn known_errors(cells: &Cells) -> HashSet<(RowNumber, u16)> {
    let errors = cells.issues.iter();
    let errors = errors.filter(|issue| issue.code == Code::CellError);
    errors
        .filter_map(|issue| Some((issue.row, issue.column?)))
        .collect()
}

/// The cells of a row that say nothing, for one remark on all of them.
#[derive(Debug, Default)]
pub(super) struct Remark {
    first: Option<Issue>,
    others: Vec<String>,
}

impl Remark {
    fn add(&mut self, first: impl FnOnce() -> Issue, slot: &Slot) {
        match self.first {
            Some(_) => self.others.push(format!("`{}`", slot.name())),
            None => self.first = Some(first()),
        }
    }

    /// Reports the cells, if there are any.
    #[inline]
    pub(super) fn report(self, drafts: &mut Drafts) {
        if let Some(mut issue) = self.first {
            if !self.others.is_empty() {
                issue.detail = format!("{}; the same in {}", issue.detail, self.others.join(", "));
            }
            drafts.issues.push(issue);
        }
    }
}

impl Row<'_> {
    /// What a cleaned value of a slot says instead of a value, if anything.
    pub(super) fn says(&self, value: &str, slot: usize) -> Option<Says> {
        let what = &self.layout.slots()[slot];
        let looks = nothing::may_be(value)
            || matches!(
                what,
                Slot::Field(Field::ExternalId | Field::Username | Field::Email | Field::Manager)
            );
        if !looks || matches!(what, Slot::Ignored(_)) || self.is_data(value, what, slot) {
            return None;
        }
        // In a list of roles it is one that no pipeline allows, so that the row is rejected by that.
        let lists_roles = match what {
            Slot::Field(Field::OtherRoles) => true,
            Slot::Field(Field::Role) => self.definition.accounts.several_roles,
            _ => false,
        };
        if nothing::is_error(value) && !lists_roles {
            return Some(Says::Error);
        }
        let kind = || nothing::kind(value);
        let says_nothing = match what {
            Slot::Field(Field::ExternalId | Field::Username | Field::Manager) => {
                // Many people have no manager, which a `-` says well enough.
                if *what == Slot::Field(Field::Manager) && nothing::says_nothing(value) {
                    return Some(Says::Nothing);
                }
                return nothing::is_no_key(value).then_some(Says::Placeholder);
            }
            Slot::Field(Field::Email) => {
                return nothing::is_no_address(value).then_some(Says::Placeholder);
            }
            Slot::Field(
                field @ (Field::FirstName | Field::LastName | Field::FullName | Field::DisplayName),
            ) => {
                value == "0"
                    || kind().is_some_and(|kind| self.is_no_name(value, kind, &self.beside(*field)))
            }
            Slot::Field(Field::Phone | Field::Language | Field::StartDate | Field::EndDate) => {
                matches!(value, "0" | "NA" | "NaT") || nothing::says_nothing(value)
            }
            Slot::Field(Field::Role | Field::Status) => nothing::says_nothing(value),
            Slot::Field(_) => value == "0" || nothing::says_nothing(value),
            Slot::Attribute(_) => matches!(kind(), Some(Kind::System | Kind::Said)),
            Slot::Ignored(_) => false,
        };
        says_nothing.then_some(Says::Nothing)
    }

    /// Whether the pipeline says what the value means.
    fn is_data(&self, value: &str, what: &Slot, slot: usize) -> bool {
        let definition = self.definition;
        if definition.clean.data.iter().any(|word| *word == value) {
            return true;
        }
        match what {
            Slot::Field(Field::Status) => definition.status.meaning(value).is_some(),
            Slot::Field(Field::Role | Field::OtherRoles) => {
                let lower = nothing::folded(value);
                let is_role = |role: &String| nothing::folded(role) == lower;
                definition.accounts.roles.iter().any(is_role)
                    || definition.role.meaning(&lower).is_some()
            }
            Slot::Attribute(_) => {
                self.booleans[slot] && words::boolean(value, definition).is_some()
            }
            _ => false,
        }
    }

    /// Whether a word in a name is none. A name that programs write for nothing stays a name where
    /// it is spelled as one, or as the name next to it, unless the row has the same word elsewhere.
    fn is_no_name(&self, value: &str, kind: Kind, beside: &str) -> bool {
        let folded = nothing::folded(value);
        if !nothing::may_be_name(&folded) {
            return matches!(kind, Kind::System | Kind::Said);
        }
        if self.has_elsewhere(value) {
            return true;
        }
        // Short names and initials are no sure sign: `May NA`, `N.A. Palkhivala`.
        let is_unsure = !matches!(folded.as_str(), "null" | "none" | "nil" | "nan");
        if is_unsure || nothing::is_spelled_as_name(value) {
            return false;
        }
        let same_case = value == value.to_uppercase() && beside == beside.to_uppercase()
            || value == folded && beside == beside.to_lowercase();
        let is_name = beside.contains(char::is_alphabetic) && nothing::kind(beside).is_none();
        !(is_name && same_case)
    }

    /// The name in the other column of names.
    fn beside(&self, field: Field) -> String {
        let other = match field {
            Field::FirstName => self.layout.field(Field::LastName),
            Field::LastName => self.layout.field(Field::FirstName),
            _ => None,
        };
        let cell = other.map(|slot| self.mapping.value(self.cells, self.index, slot));
        cell.unwrap_or_default().trim().to_string()
    }

    /// The parts of a full name as they are in separate columns: unwrapped, and empty where they
    /// say nothing: `Jane NULL`.
    pub(super) fn as_columns(&self, mut split: name::Split) -> name::Split {
        for part in [&mut split.first, &mut split.last] {
            if let (Cow::Owned(inner), _) = super::cleaned_text(part, &Slot::Field(Field::LastName))
            {
                *part = inner;
            }
        }
        let says_nothing = |part: &str, beside: &str| {
            let kind = nothing::kind(part)
                .filter(|_| !self.definition.clean.data.iter().any(|word| word == part));
            kind.is_some_and(|kind| self.is_no_name(part, kind, beside))
        };
        let first = says_nothing(&split.first, &split.last);
        if says_nothing(&split.last, &split.first) {
            split.last.clear();
        }
        if first {
            split.first.clear();
        }
        split
    }

    /// Whether another cell of the row, which is not a name, holds exactly that. `NA` is a country.
    fn has_elsewhere(&self, value: &str) -> bool {
        self.layout.slots().iter().enumerate().any(|(slot, what)| {
            let is_other = match what {
                Slot::Field(field) => {
                    let is_name = matches!(
                        field,
                        Field::FirstName
                            | Field::LastName
                            | Field::FullName
                            | Field::DisplayName
                            | Field::Country
                    );
                    !is_name
                }
                Slot::Attribute(_) => true,
                Slot::Ignored(_) => false,
            };
            is_other && self.mapping.value(self.cells, self.index, slot).trim() == value
        })
    }

    /// Empties a value that says nothing, and reports it. Errors reject the row.
    pub(super) fn empty_if_nothing(
        &self,
        slot: usize,
        value: &mut Cow<str>,
        rules: &mut Rules,
        remark: &mut Remark,
        drafts: &mut Drafts,
    ) {
        let what = &self.layout.slots()[slot];
        let Some(says) = self.says(value, slot) else {
            return;
        };
        let issue = |code, detail: &str| match what {
            Slot::Field(field) => Issue::of_field(code, self.number, *field, value, detail),
            _ => Issue {
                column: self.mapping.column_of(slot),
                ..Issue::of_value(code, self.number, value, detail)
            },
        };
        match says {
            Says::Error => {
                let columns = self.mapping.columns[slot].iter();
                let mut columns = columns.map(|column| (self.number, *column));
                if !columns.any(|place| self.known_errors.contains(&place)) {
                    drafts.issues.push(Issue {
                        column: self.mapping.column_of(slot),
                        ..issue(
                            Code::CellError,
                            "what a spreadsheet shows instead of a value",
                        )
                    });
                }
                // A name stays, or the row would lack one as well. Elsewhere an error is not a
                // value: rows that have it in their ids have nothing in common.
                if matches!(
                    what,
                    Slot::Field(Field::FirstName | Field::LastName | Field::FullName)
                ) {
                    return;
                }
            }
            Says::Placeholder => {
                drafts.issues.push(issue(
                    Code::KeyPlaceholder,
                    "a key that only this person has",
                ));
            }
            Says::Nothing => {
                let first = || {
                    issue(
                        Code::CellNothing,
                        &format!("`{}` counts as empty", what.name()),
                    )
                };
                remark.add(first, what);
            }
        }
        *value = Cow::Borrowed("");
        if says != Says::Error {
            *rules = Rules::of(Rule::NothingWord);
        }
    }

    /// Takes words of nothing out of a list of groups, and reports them.
    pub(super) fn without_nothing_groups(
        &self,
        slot: usize,
        value: &mut Cow<str>,
        rules: &mut Rules,
        remark: &mut Remark,
        drafts: &mut Drafts,
    ) {
        // Many groups look like such a word at first sight, and few are one.
        if !group::groups(value).any(|name| self.says(name, slot).is_some()) {
            return;
        }
        let mut kept = String::with_capacity(value.len());
        for name in group::groups(value) {
            let mut name = Cow::Borrowed(name);
            self.empty_if_nothing(slot, &mut name, rules, remark, drafts);
            if !name.is_empty() {
                if !kept.is_empty() {
                    kept.push(group::GROUP_SEPARATOR);
                }
                kept.push_str(&name);
            }
        }
        let is_one = !kept.is_empty() && !kept.contains(group::GROUP_SEPARATOR);
        if is_one && group::would_change(&kept, &self.definition.groups) {
            kept.push(group::GROUP_SEPARATOR);
        }
        *value = Cow::Owned(kept);
    }

    /// Whether the whole cell of a slot says nothing; for those who look at it beside its value.
    pub(super) fn is_nothing(&self, cell: &str, slot: usize) -> bool {
        let (value, _) = text::clean(cell);
        let own = self.definition.clean.nothing.iter();
        { own }.any(|word| *word == value)
            || nothing::may_be(&value) && self.says(&value, slot).is_some()
    }
}
