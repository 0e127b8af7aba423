//! `[columns]` and `[attributes]`: which column is which field.

use serde::Deserialize;

use crate::field::{Field, NamePart};

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
    #[expect(missing_docs, reason = "as above")]
    pub sessions: Option<Headers>,
    /// Columns of further first names, joined into the first name.
    pub middle_name: Option<Headers>,
    /// Columns of particles such as `van der`, joined into the last name, before it.
    pub last_name_prefix: Option<Headers>,
    /// Columns of second surnames, joined into the last name, after it.
    pub second_last_name: Option<Headers>,
    /// Columns of `Jr.` and the like, joined into the last name, at its end.
    pub name_suffix: Option<Headers>,
    /// The column of password hashes, which are taken over only where this names it.
    pub password_hash: Option<Headers>,
}

impl Columns {
    /// Every field in the column that is called as the field is, and in no other.
    pub(super) fn by_name() -> Columns {
        let names = Field::ALL.map(|field| (field.name().to_string(), field.name().into()));
        let names: serde_json::Map<String, serde_json::Value> = names.into_iter().collect();
        serde_json::from_value(names.into()).unwrap_or_default()
    }

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
            Field::Sessions => self.sessions.as_ref(),
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
