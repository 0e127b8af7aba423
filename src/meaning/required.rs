//! What a row must have. Pure.

use crate::definition::Definition;
use crate::field::Field;
use crate::issue::Code;
use crate::meaning::name;

/// The fields that a row must have, by the policy of a pipeline.
#[derive(Debug)]
pub struct Required {
    fields: Vec<Field>,
    email_or_username: bool,
}

impl Required {
    /// By `[require]`.
    pub fn of(definition: &Definition) -> Required {
        let require = &definition.require;
        let is_listed = |field: &Field| {
            let listed = require.fields.iter().any(|name| name == field.name());
            listed || (*field == Field::Email && require.email_or_username)
        };
        Required {
            fields: Field::ALL.into_iter().filter(is_listed).collect(),
            email_or_username: require.email_or_username,
        }
    }

    /// Gives what a row with these values lacks to `report`: the code, the field and what is expected.
    #[inline]
    pub fn missing<'v>(
        &self,
        value: impl Fn(Field) -> &'v str,
        mut report: impl FnMut(Code, Field, String),
    ) {
        let mut name_is_missing = false;
        for field in self.fields.iter().copied() {
            if !value(field).is_empty() {
                continue;
            }
            match field {
                Field::FirstName | Field::LastName if name::is_single(value(Field::FullName)) => {
                    name_is_missing = true;
                }
                Field::FirstName => {
                    report(Code::FirstNameMissing, field, "a first name".to_string());
                }
                Field::LastName => report(Code::LastNameMissing, field, "a last name".to_string()),
                Field::Email if !self.email_or_username => {
                    report(Code::EmailMissing, field, "an e-mail address".to_string());
                }
                Field::Email if value(Field::Username).is_empty() => {
                    let detail = "an e-mail address or a username".to_string();
                    report(Code::EmailMissing, field, detail);
                }
                Field::Email => {}
                _ => {
                    let detail = format!("a value for `{}`", field.name());
                    report(Code::FieldMissing, field, detail);
                }
            }
        }
        if name_is_missing {
            let detail = "first and last name".to_string();
            report(Code::FullNameSingle, Field::FullName, detail);
        }
    }
}
