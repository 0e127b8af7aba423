//! What columns are called in the wild.
//!
//! Headers are compared by [`key`]: case, accents, spaces and punctuation don't matter.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::definition::Definition;
use crate::row::Field;

/// Well-known headers of each field, in the form of [`key`].
const KNOWN: &[(Field, &[&str])] = &[
    (
        Field::ExternalId,
        &[
            "externalid",
            "id",
            "userid",
            "employeeid",
            "employeenumber",
            "employeeno",
            "personid",
            "personnelnumber",
            "staffid",
            "studentid",
            "memberid",
            "personalnummer",
            "mitarbeiternummer",
            "matricule",
            "sourcedid",
            "sisid",
        ],
    ),
    (
        Field::Email,
        &[
            "email",
            "emailaddress",
            "mail",
            "mailaddress",
            "workemail",
            "useremail",
            "primaryemail",
            "emailadresse",
            "courriel",
            "adressemail",
            "correo",
            "correoelectronico",
        ],
    ),
    (
        Field::Username,
        &[
            "username",
            "login",
            "loginname",
            "userprincipalname",
            "upn",
            "benutzername",
            "accountname",
        ],
    ),
    (
        Field::FirstName,
        &[
            "firstname",
            "givenname",
            "forename",
            "vorname",
            "prenom",
            "nombre",
            "first",
            "given",
        ],
    ),
    (
        Field::LastName,
        &[
            "lastname",
            "surname",
            "familyname",
            "nachname",
            "familienname",
            "nom",
            "apellido",
            "apellidos",
            "last",
        ],
    ),
    (
        Field::FullName,
        &[
            "fullname",
            "name",
            "completename",
            "personname",
            "employeename",
            "vollername",
        ],
    ),
    (
        Field::DisplayName,
        &["displayname", "nickname", "preferredname", "anzeigename"],
    ),
    (
        Field::Phone,
        &[
            "phone",
            "phonenumber",
            "telephone",
            "tel",
            "mobile",
            "mobilephone",
            "cell",
            "cellphone",
            "telefon",
            "telefonnummer",
            "workphone",
        ],
    ),
    (
        Field::Country,
        &["country", "countrycode", "land", "pays", "pais", "nation"],
    ),
    (
        Field::Language,
        &[
            "language",
            "lang",
            "locale",
            "preferredlanguage",
            "sprache",
            "langue",
            "idioma",
        ],
    ),
    (
        Field::Organization,
        &[
            "organization",
            "organisation",
            "company",
            "companyname",
            "org",
            "employer",
            "firma",
            "entreprise",
        ],
    ),
    (
        Field::Groups,
        &[
            "groups",
            "group",
            "teams",
            "team",
            "departments",
            "department",
            "gruppe",
            "gruppen",
            "abteilung",
        ],
    ),
    (Field::AddGroups, &["addgroups"]),
    (Field::RemoveGroups, &["removegroups"]),
    (Field::Role, &["role", "roles", "userrole", "rolle"]),
    (Field::OtherRoles, &["otherroles"]),
    (
        Field::Status,
        &["status", "accountstatus", "userstatus", "state"],
    ),
    (
        Field::StartDate,
        &[
            "startdate",
            "hiredate",
            "dateofhire",
            "joindate",
            "joined",
            "eintrittsdatum",
            "startedon",
        ],
    ),
    (
        Field::EndDate,
        &[
            "enddate",
            "terminationdate",
            "leavedate",
            "leavingdate",
            "lastday",
            "lastworkingday",
            "lastdayofwork",
            "contractend",
            "austritt",
            "austrittsdatum",
        ],
    ),
    (
        Field::Manager,
        &[
            "manager",
            "manageremail",
            "managerid",
            "supervisor",
            "reportsto",
            "vorgesetzter",
        ],
    ),
];

/// Headers of columns whose values must never be read, in the form of [`key`].
const PASSWORDS: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "passwort",
    "kennwort",
    "motdepasse",
    "contrasena",
    "initialpassword",
    "temporarypassword",
    "passwordhash",
    "passwordhashes",
    "hashedpassword",
    "encryptedpassword",
    "passworddigest",
    "passwordsalt",
    "passhash",
    "pwdhash",
    "pwhash",
    "userpassword",
    "userpass",
    "plainpassword",
];

/// The columns that muster adds to a corrections file: line, codes, reasons.
pub const OWN: [&str; 3] = ["muster_line", "muster_codes", "muster_reasons"];

/// Whether muster wrote this column itself, so that a mended corrections file can be fed back.
pub fn is_own(header: &str) -> bool {
    OWN.contains(&header.trim())
}

/// What headers are compared by: NFKD without marks, lower case, letters and digits only.
pub fn key(header: &str) -> String {
    header
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric())
        .collect()
}

/// The headers that a run recognises: the well-known ones and those that its pipeline names.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    password_hashes: Vec<String>,
    named: HashMap<String, Field>,
    attributes: HashMap<String, String>,
}

impl Vocabulary {
    /// The vocabulary of a pipeline.
    pub fn new(definition: &Definition) -> Vocabulary {
        let mut named = HashMap::new();
        for field in Field::ALL {
            for header in definition
                .columns
                .of(field)
                .iter()
                .flat_map(|h| h.as_slice())
            {
                named.insert(key(header), field);
            }
        }
        let attributes = definition
            .attributes
            .iter()
            .flat_map(|(name, headers)| {
                headers
                    .as_slice()
                    .iter()
                    .map(move |h| (key(h), name.clone()))
            })
            .collect();
        let hashes = definition.columns.password_hash.iter();
        Vocabulary {
            password_hashes: hashes
                .flat_map(|headers| headers.as_slice())
                .map(|header| key(header))
                .collect(),
            named,
            attributes,
        }
    }

    /// The field that the pipeline itself gives to this header.
    pub fn named(&self, header: &str) -> Option<Field> {
        self.named.get(&key(header)).copied()
    }

    /// Whether the pipeline itself takes password hashes from under this header.
    pub fn is_password_hash(&self, header: &str) -> bool {
        !self.password_hashes.is_empty() && self.password_hashes.contains(&key(header))
    }

    /// The attribute that the pipeline itself gives to this header.
    pub fn attribute(&self, header: &str) -> Option<&str> {
        self.attributes.get(&key(header)).map(String::as_str)
    }

    /// The field that this header is well known for.
    pub fn well_known(&self, header: &str) -> Option<Field> {
        let key = key(header);
        let field_of = |key: &str| {
            let (field, _) = KNOWN.iter().find(|(_, names)| names.contains(&key))?;
            Some(*field)
        };
        // `Group 1`, `Group 2`: of all fields, only groups come in several columns.
        let unnumbered = key.trim_end_matches(|c: char| c.is_ascii_digit());
        field_of(&key).or_else(|| field_of(unnumbered).filter(|field| field.lists_groups()))
    }

    /// Whether this is the header of a column of passwords.
    pub fn is_password(&self, header: &str) -> bool {
        PASSWORDS.contains(&key(header).as_str())
    }

    /// How many of `cells` are headers that this run recognises. A title has none.
    pub fn recognised<'a>(&self, cells: impl Iterator<Item = &'a str>) -> usize {
        cells
            .filter(|cell| {
                self.named(cell).is_some()
                    || self.attribute(cell).is_some()
                    || self.well_known(cell).is_some()
            })
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_spaces_and_punctuation_do_not_matter() {
        for header in [
            "First Name",
            "first_name",
            "FIRST-NAME",
            "\u{feff}Fïrst.Name ",
            "Ｆirst name",
        ] {
            assert_eq!(key(header), "firstname", "{header}");
        }
        assert_eq!(key("Prénom"), "prenom");
    }

    #[test]
    fn no_header_is_well_known_for_two_fields() {
        let mut seen = HashMap::new();
        for (field, names) in KNOWN {
            for name in *names {
                assert_eq!(key(name), *name);
                assert_eq!(seen.insert(*name, field), None, "{name}");
            }
        }
    }
}
