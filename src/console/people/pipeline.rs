//! By which pipeline the pages about people read and write: the default, or the one whose `[target]`
//! the accounts are in.

use maud::{Markup, html};

use crate::console::ask::Ask;
use crate::console::page::visible;
use crate::definition::Definition;
use crate::pipelines;
use crate::refusal::Result;
use crate::store::Store;

/// The pipeline of the accounts.
pub(crate) struct Own {
    /// As commands name it; none for the default.
    name: Option<String>,
    pub(crate) definition: Definition,
    /// The table of another application that the accounts are in.
    table: Option<String>,
}

impl Own {
    /// Finds it.
    ///
    /// # Errors
    /// A `database.*` code, and `pipeline.invalid`.
    pub(crate) fn of(store: &Store) -> Result<Own> {
        let table = store.accounts_table()?;
        let own = |name: Option<String>, definition| Own {
            name,
            definition,
            table: table.clone(),
        };
        if let Some(table) = &table {
            for name in pipelines::own_names() {
                // One that can't be read is none.
                let opened = pipelines::open(Some(&name)).map(|opened| opened.definition);
                let opened = opened
                    .ok()
                    .filter(|definition| has_table(definition, table));
                if let Some(definition) = opened {
                    return Ok(own(Some(name), definition));
                }
            }
        }
        Ok(own(None, pipelines::open(None)?.definition))
    }

    /// Whether muster can change the accounts.
    pub(crate) fn writes(&self) -> bool {
        self.table.is_none() || self.name.is_some()
    }

    /// Where the accounts are, if not in muster's own table.
    pub(crate) fn note(&self, ask: &Ask) -> Markup {
        let Some(table) = &self.table else {
            return html! {};
        };
        html! {
            div.note role="note" {
                p { (ask.t("These accounts are in a table of another application:")) " " code { (visible(&table.replace('"', ""))) } }
                @if self.writes() {
                    p { (ask.t("People whom the application added since the last run appear with the next one. Only what the table has a column for can be changed.")) }
                } @else {
                    p { (ask.t("You can only look at them: no pipeline in the folder “pipelines” names that table under [target].")) }
                }
            }
        }
    }
}

/// Whether a pipeline's target is that table, as the database writes it.
fn has_table(definition: &Definition, table: &str) -> bool {
    let plain = |name: &str| name.replace('"', "");
    let table = plain(table);
    definition.target.as_ref().is_some_and(|target| {
        let named = plain(&target.table);
        table == named || table.ends_with(&format!(".{named}"))
    })
}

/// The definition of [`Own`].
///
/// # Errors
/// As [`Own::of`].
pub(crate) fn definition(store: &Store) -> Result<Definition> {
    Ok(Own::of(store)?.definition)
}

/// Every role that somebody can be given here, each with the pipeline that gives it: those of the
/// accounts' own pipeline, from lowest to highest, then those of the folder `pipelines`.
///
/// # Errors
/// As [`Own::of`].
pub(crate) fn roles(store: &Store) -> Result<Vec<(String, Option<String>)>> {
    let own = Own::of(store)?;
    let mut roles: Vec<(String, Option<String>)> = Vec::new();
    let mut add = |definition: Definition, name: Option<String>| {
        for role in definition.accounts.roles {
            if roles.iter().all(|(known, _)| *known != role) {
                roles.push((role, name.clone()));
            }
        }
    };
    let has_table = own.table.is_some();
    add(own.definition, own.name);
    for name in pipelines::own_names().into_iter().filter(|_| !has_table) {
        let opened = pipelines::open(Some(&name)).map(|opened| opened.definition);
        // One that can't be read, or that is for another table, gives no role here.
        if let Ok(definition) = opened
            && definition.target.is_none()
        {
            add(definition, Some(name));
        }
    }
    Ok(roles)
}

/// The option that names the pipeline for a command that gives `role`; an empty one is none.
///
/// # Errors
/// As [`Own::of`].
pub(crate) fn pipeline_option(store: &Store, role: &str) -> Result<Option<String>> {
    let roles = roles(store)?;
    let found = roles.into_iter().find(|(known, _)| known == role);
    let name = match found {
        Some((_, name)) => name,
        None => Own::of(store)?.name,
    };
    Ok(name.map(|name| format!("--pipeline={name}")))
}
