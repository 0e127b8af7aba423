//! Which people are meant: the filters of `muster people list` and `muster people export`.

use clap::Args;
use jiff::civil::Date;

use crate::definition::Definition;
use crate::people::choice::Asked;
use crate::refusal::Result;
use crate::store::Store;
use crate::store::people::{Choice, PHASES};

const STATUSES: [&str; 3] = ["active", "invited", "deactivated"];

#[derive(Args, Clone, Default)]
pub(super) struct ChoiceArgs {
    /// Only people with this status; repeatable
    #[arg(long, value_parser = STATUSES)]
    status: Vec<String>,
    /// Only members of this group or of a group below it; repeatable
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,
    /// Only people with this role, also among their other roles; repeatable
    #[arg(long, value_name = "NAME")]
    role: Vec<String>,
    /// Only people of this organization; repeatable
    #[arg(long, value_name = "NAME")]
    organization: Vec<String>,
    /// Only people whom this run created, changed or found unchanged: an id or `last`
    #[arg(long)]
    run: Option<String>,
    /// Only people who were sent an invitation on this day (UTC) or later
    #[arg(long, value_name = "YYYY-MM-DD")]
    invited_since: Option<Date>,
    /// Only people who have neither accepted an invitation nor chosen a password
    #[arg(long)]
    never_signed_in: bool,
    /// Only people who are that far; repeatable
    #[arg(long, value_name = "PHASE", value_parser = PHASES)]
    phase: Vec<String>,
    /// Only people who are missing from the latest list of their source
    #[arg(long)]
    missing: bool,
    /// Only people whose name, address, username, id, phone or organization has this text
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
}

impl ChoiceArgs {
    fn asked(&self) -> Asked {
        Asked {
            statuses: self.status.clone(),
            groups: self.group.clone(),
            roles: self.role.clone(),
            organizations: self.organization.clone(),
            run: self.run.clone(),
            invited_since: self.invited_since.map(|day| day.to_string()),
            never_signed_in: self.never_signed_in,
            phases: self.phase.clone(),
            missing: self.missing,
            text: self.text.clone(),
        }
    }

    /// Whether anything is asked for.
    pub(super) fn is_any(&self) -> bool {
        self.asked().is_any()
    }

    /// What is asked for, as the database understands it.
    pub(super) fn choice(&self, store: &Store, definition: &Definition) -> Result<Choice> {
        self.asked().choice(store, definition)
    }
}
