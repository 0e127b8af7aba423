//! `muster people list`.

use clap::Args;

use super::choice::ChoiceArgs;
use crate::account::{AccountRecord, RecordColumn};
use crate::cli::listing::{
    Format, Listing, ListingArgs, Output, Shown, names, open_to_read, printed,
};
use crate::cli::{DatabaseArgs, PipelineArgs};
use crate::definition::nearest;
use crate::field::Field;
use crate::issue::mask;
use crate::ledger::Mistake;
use crate::outcome::Exit;
use crate::refusal::Result;
use crate::store::Store;
use crate::store::people::Choice;

/// What a table shows where no columns are named.
const COLUMNS: &str = "email,username,first_name,last_name,status,role,groups";

#[derive(Args)]
pub(in crate::cli) struct ListArgs {
    #[command(flatten)]
    choice: ChoiceArgs,
    #[command(flatten)]
    listing: ListingArgs,
    /// Show values in full, including personal ones
    #[arg(long)]
    unmasked: bool,
    #[command(flatten)]
    pipeline: PipelineArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// `muster people list`.
pub(in crate::cli) fn list(args: &ListArgs) -> Result<Exit> {
    let definition = crate::pipelines::open(args.pipeline.name.as_deref())?.definition;
    let store = open_to_read(&args.database, &definition)?;
    let choice = args.choice.choice(&store, &definition)?;
    let (columns, sort) = columns(&args.listing, &store)?;
    printed(|out| print_people(args, &store, &choice, (&columns, &sort), out))
}

type Sort = Vec<(RecordColumn, bool)>;

/// The columns to show, and those to sort by.
fn columns(args: &ListingArgs, store: &Store) -> Result<(Vec<RecordColumn>, Sort)> {
    let is_table = args.format() == Format::Table;
    let mut known = RecordColumn::all();
    let attributes = store.attribute_names()?;
    known.extend(attributes.into_iter().map(RecordColumn::Attribute));
    let find = |name: &str| {
        let found = known.iter().find(|column| column.name() == name);
        found.cloned().ok_or_else(|| {
            let names: Vec<String> = known.iter().map(RecordColumn::name).collect();
            let help = match nearest(name, names.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("columns are: {}", names.join(", ")),
            };
            Mistake {
                at: 0,
                what: format!("unknown column `{name}`"),
                help,
            }
        })
    };
    let named = match args.columns.as_deref() {
        Some("all") => None,
        None if !is_table => None,
        named => Some(names("--columns", named.unwrap_or(COLUMNS), find)?),
    };
    let sort = match args.sort.as_deref() {
        Some(named) => names("--sort", named, find)?,
        None => Vec::new(),
    };
    let columns = named.map(|named| named.into_iter().map(|(column, _)| column).collect());
    Ok((columns.unwrap_or_else(|| known.clone()), sort))
}

fn print_people(
    args: &ListArgs,
    store: &Store,
    choice: &Choice,
    (columns, sort): (&[RecordColumn], &[(RecordColumn, bool)]),
    out: &mut Output,
) -> Result<()> {
    let listing = &args.listing;
    let (found, total) = store.count_people(choice)?;
    let heads = columns.iter().map(|column| (column.name(), false));
    let mut list = Listing::begin(listing.format(), heads.collect(), ["person", "people"], out)?;
    store.each_person(choice, sort, listing.limit(), &mut |account| {
        let values = columns.iter();
        list.add(
            values
                .map(|column| value(&account, column, args.unmasked))
                .collect(),
        )
    })?;
    list.end(found, total, args.choice.is_any())
}

fn value(account: &AccountRecord, column: &RecordColumn, unmasked: bool) -> Option<Shown> {
    let text = |text: Option<String>| {
        let text = text.filter(|text| !text.is_empty())?;
        Some(Shown::Text(match column.is_personal() && !unmasked {
            true => mask(&text),
            false => text,
        }))
    };
    match column {
        RecordColumn::Account => text(Some(account.id.to_string())),
        RecordColumn::Field(Field::Groups) => {
            let memberships = account.memberships.iter();
            let words: Vec<String> = memberships.map(ToString::to_string).collect();
            (!words.is_empty()).then_some(Shown::Words(words, "; "))
        }
        RecordColumn::Field(Field::OtherRoles) => {
            let roles = account.value(Field::OtherRoles)?.split("; ");
            Some(Shown::Words(roles.map(String::from).collect(), "; "))
        }
        RecordColumn::Field(field) => text(account.value(*field).map(String::from)),
        RecordColumn::Phase => text(Some(account.phase.clone())),
        RecordColumn::Invitation => text(account.invitation.clone()),
        RecordColumn::Invited => text(account.invited.clone()),
        RecordColumn::SignedIn => Some(Shown::Truth(account.signed_in)),
        RecordColumn::Created => text(Some(account.created.clone())),
        RecordColumn::Updated => text(Some(account.updated.clone())),
        RecordColumn::Run => text(account.run.clone()),
        RecordColumn::Attribute(name) => text(account.attribute(name)),
    }
}
