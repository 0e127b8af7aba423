//! What a row is made of: its fields, the keys among them, and where it is in its file.

use serde::{Deserialize, Serialize};

/// The number of a row in its run, from 0, in the order of the inputs. Names a row for ever.
pub type RowNumber = u32;

/// A named value that muster knows. Its order is the order of columns in templates and reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[expect(missing_docs, reason = "the variants are called what they are")]
pub enum Field {
    ExternalId,
    Email,
    Username,
    FirstName,
    LastName,
    FullName,
    DisplayName,
    Phone,
    Country,
    Language,
    Organization,
    Groups,
    AddGroups,
    RemoveGroups,
    Role,
    OtherRoles,
    Status,
    StartDate,
    EndDate,
    Manager,
    Sessions,
}

/// What is in a cleaned cell that says: take away what the account has. No other cleaned value
/// holds a control character.
pub const CLEARED: &str = "\0";

impl Field {
    /// Whether a value can be taken away: what an account is found by or can't be without can't.
    pub fn is_clearable(self) -> bool {
        !matches!(
            self,
            Field::ExternalId
                | Field::Email
                | Field::Username
                | Field::FullName
                | Field::AddGroups
                | Field::RemoveGroups
                | Field::Role
                | Field::Status
        )
    }

    /// Every field, in order.
    pub const ALL: [Field; 21] = [
        Field::ExternalId,
        Field::Email,
        Field::Username,
        Field::FirstName,
        Field::LastName,
        Field::FullName,
        Field::DisplayName,
        Field::Phone,
        Field::Country,
        Field::Language,
        Field::Organization,
        Field::Groups,
        Field::AddGroups,
        Field::RemoveGroups,
        Field::Role,
        Field::OtherRoles,
        Field::Status,
        Field::StartDate,
        Field::EndDate,
        Field::Manager,
        Field::Sessions,
    ];

    /// The field's name as written in TOML, SQL, reports and templates.
    pub fn name(self) -> &'static str {
        match self {
            Field::ExternalId => "external_id",
            Field::Email => "email",
            Field::Username => "username",
            Field::FirstName => "first_name",
            Field::LastName => "last_name",
            Field::FullName => "full_name",
            Field::DisplayName => "display_name",
            Field::Phone => "phone",
            Field::Country => "country",
            Field::Language => "language",
            Field::Organization => "organization",
            Field::Groups => "groups",
            Field::AddGroups => "add_groups",
            Field::RemoveGroups => "remove_groups",
            Field::Role => "role",
            Field::OtherRoles => "other_roles",
            Field::Status => "status",
            Field::StartDate => "start_date",
            Field::EndDate => "end_date",
            Field::Manager => "manager",
            Field::Sessions => "sessions",
        }
    }

    /// The field of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.name() == name)
    }

    /// Whether its cells list groups, or sessions. Several columns of a file may be such a field
    /// together.
    pub fn lists_groups(self) -> bool {
        matches!(
            self,
            Field::Groups | Field::AddGroups | Field::RemoveGroups | Field::Sessions
        )
    }

    /// Whether its values are about a person, and so masked in terminal output.
    pub fn is_personal(self) -> bool {
        !matches!(
            self,
            Field::Country
                | Field::Language
                | Field::Groups
                | Field::AddGroups
                | Field::RemoveGroups
                | Field::Role
                | Field::OtherRoles
                | Field::Status
                | Field::StartDate
                | Field::EndDate
                | Field::Sessions
                | Field::Organization
        )
    }
}

/// A part of a name that has a separate column, and is joined into the first or the last name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamePart {
    /// Further first names, or a patronymic: after the first name.
    Middle,
    /// A particle or a title of nobility, such as `van der`: before the last name.
    Before,
    /// A second surname: after the last name.
    Second,
    /// `Jr.` and the like: after all of the last name.
    Suffix,
}

impl NamePart {
    /// Every part, in the order of `[columns]`.
    pub const ALL: [NamePart; 4] = [
        NamePart::Middle,
        NamePart::Before,
        NamePart::Second,
        NamePart::Suffix,
    ];

    /// What it is called in pipelines and reports.
    pub fn name(self) -> &'static str {
        match self {
            NamePart::Middle => "middle_name",
            NamePart::Before => "last_name_prefix",
            NamePart::Second => "second_last_name",
            NamePart::Suffix => "name_suffix",
        }
    }

    /// The field that it is a part of.
    pub fn field(self) -> Field {
        match self {
            NamePart::Middle => Field::FirstName,
            NamePart::Before | NamePart::Second | NamePart::Suffix => Field::LastName,
        }
    }
}

/// Where a row is in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The physical line in a text file, or the row's number on its sheet; from 1.
    pub line: u64,
    /// Offset of the row's first byte in a text file as it lies on disk; `u64::MAX` on a sheet.
    pub byte: u64,
}

/// The three keys by which a row may be matched to an account, in the columns of `People::keys`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Key {
    /// `external_id` as cleaned; letters and case as given.
    ExternalId = 0,
    /// `email`: NFC, local part lower-cased, domain as lower-case A-label.
    Email = 1,
    /// `username`: NFKC and lower-cased.
    Username = 2,
}

impl Key {
    /// Every key, in column order.
    pub const ALL: [Key; 3] = [Key::ExternalId, Key::Email, Key::Username];

    /// The field that the key is made from.
    pub fn field(self) -> Field {
        match self {
            Key::ExternalId => Field::ExternalId,
            Key::Email => Field::Email,
            Key::Username => Field::Username,
        }
    }
}
