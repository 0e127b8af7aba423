//! `pipelines/*.toml` → [`Definition`]: where rows come from, how columns map, what is cleaned,
//! required, matched and allowed.
//!
//! The only thing that a run does by is in here; no stage has settings of its own. A file a section of
//! the pipeline file. A mistake is a refusal that shows the line, the column, the excerpt and the
//! nearest valid word: [`parse`] keeps the tree of TOML with its spans until all is checked.

use std::collections::BTreeMap;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::de::{DeTable, Deserializer};

use crate::field::Field;
use crate::issue::{Code, Severity};
use crate::refusal::Result;

mod accounts;
mod boolean;
mod change;
mod check;
mod clean;
mod columns;
mod groups;
mod leavers;
mod lifetime;
mod load;
mod mail;
mod matching;
mod pipeline;
mod place;
mod read;
mod recognize;
mod require;
mod role;
mod rows;
mod safeguards;
mod sessions;
mod shipped;
mod status;
pub mod target;
mod update;

pub use self::accounts::{Accounts, Dates, Onboarding};
pub use self::boolean::BooleanWords;
pub use self::change::{ACCOUNT, Change, USED, WHO, attribute_column};
pub use self::clean::{Clean, ColumnSigns, DateOrder, FlippedDates, NameOrder, can_be_converted};
pub use self::columns::{Columns, Headers, MissingColumns, UnknownColumns};
pub use self::groups::{Groups, Memberships, MissingGroups, Visibility};
pub use self::leavers::{Leavers, Missing};
pub use self::lifetime::lifetime;
pub use self::load::Load;
pub use self::mail::{Mail, quiet_hours};
pub use self::matching::{Existing, Matching, Mode, Recycled, Returning, UnknownDeactivated};
pub use self::pipeline::Pipeline;
pub use self::place::nearest;
pub use self::read::{Read, SheetChoice};
pub use self::recognize::Recognize;
pub use self::require::Require;
pub use self::role::{RoleRule, RoleWords};
pub use self::rows::{Clashes, Rows};
pub use self::safeguards::{Content, Limit, OnHold, Safeguards, Slipped};
pub use self::sessions::{MissingSessions, Sessions};
pub use self::shipped::SHIPPED;
pub use self::status::{Meaning, StatusWords};
use self::target::TargetTable;
pub use self::update::{EmptyCell, UpdatePolicy, Updates};

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
    /// What an update may change.
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
    /// How cells that list sessions are understood.
    #[serde(default)]
    pub sessions: Sessions,
    /// How much a run may change before somebody looks at it.
    #[serde(default)]
    #[serde(rename = "gates")]
    pub safeguards: Safeguards,
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

/// Reads a pipeline from `text`; `path` is what messages call it.
///
/// # Errors
/// `pipeline.invalid`, with line, column, excerpt and the nearest valid word.
///
/// ```
/// let text = "name = \"hr\"\n[columns]\nemail = \"Work mail\"\n";
/// let pipeline = muster::definition::parse("hr.toml", text)?;
/// assert!(pipeline.definition.columns.email.is_some());
///
/// let wrong = muster::definition::parse("hr.toml", &text.replace("email", "emial"));
/// assert!(wrong.is_err_and(|refusal| refusal.help.contains("email")));
/// # Ok::<(), muster::refusal::Refusal>(())
/// ```
pub fn parse(path: &str, text: &str) -> Result<Pipeline> {
    let of_toml = |error| place::of_toml(path, text, &error);
    let root = DeTable::parse(text).map_err(of_toml)?;
    let definition = Definition::deserialize(Deserializer::from(root.clone()));
    let mut definition = definition.map_err(of_toml)?;
    definition.role.allow(&definition.accounts.roles);
    let root = root.get_ref();
    check::check(&definition).map_err(|mistake| mistake.refusal(path, text, root))?;
    if let Some(at) = place::nul(text, root) {
        let message = "names and values can't contain NUL";
        return Err(place::invalid(path, text, at, message, None));
    }
    target::fit(&mut definition);
    Ok(Pipeline {
        definition,
        sha256: crate::text::hex(&Sha256::digest(text.as_bytes())),
        text: text.to_string(),
        options: Vec::new(),
        named: None,
    })
}
