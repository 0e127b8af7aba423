//! A definition with what names it, and the options that override it.

use sha2::{Digest, Sha256};

use super::change::Change;
use super::place::nearest;
use super::read::check_delimiter;
use super::{Columns, Content, Dates, Definition, Headers, Missing, Onboarding, Read, SheetChoice};
use crate::issue::Code;
use crate::refusal::{Refusal, Result};

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
    /// Sets how a list is read, where that is given.
    ///
    /// # Errors
    /// As [`Pipeline::set`].
    pub fn set_reading(
        &mut self,
        sheet: Option<&str>,
        delimiter: Option<&str>,
        encoding: Option<&str>,
    ) -> Result<()> {
        for (option, value) in [
            ("sheet", sheet),
            ("delimiter", delimiter),
            ("encoding", encoding),
        ] {
            if let Some(value) = value {
                self.set(option, value)?;
            }
        }
        Ok(())
    }

    /// Sets what an option of the command line overrides, and tells the pipeline apart from itself
    /// without it: a run that was interrupted is taken up again only if it would do the same. An
    /// option that overrides nothing in it only does the latter.
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
            "default_role" => {
                let lower = |role: &str| crate::text::lower(role).unwrap_or_else(|| role.into());
                let roles = &definition.accounts.roles;
                let Some(role) = roles.iter().find(|role| lower(role) == lower(value)) else {
                    let what = format!("the pipeline gives no role `{value}`");
                    let near = nearest(&lower(value), roles.iter().map(String::as_str));
                    return Err(Refusal::new(Code::UsageInvalid, what).help(match near {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("its roles are {}", roles.join(", ")),
                    }));
                };
                definition.accounts.default_role = role.clone();
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
                definition.safeguards.content = Content::Ignore;
            }
            "password" => definition.accounts.gives_password = true,
            "change" => Change::parse(value)?.apply_to(definition),
            "by_account" => definition.correct_by_account(value),
            _ => {}
        }
        self.sha256 =
            crate::text::hex(&Sha256::digest(format!("{} {option}={value}", self.sha256)));
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
