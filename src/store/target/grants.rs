//! What a role needs to import, and nothing more, as SQL text.

use std::fmt::Write;

use tokio_postgres::Transaction;

use super::check;
use super::quote::Quoted;
use super::{DOING, Plan, generate};
use crate::definition::Definition;
use crate::refusal::Result;
use crate::store::connect::Target;
use crate::store::error::refusal;
use crate::store::runtime;

/// The statements that let `role` import into `database`; with a definition that has a target, also
/// into that.
///
/// # Errors
/// `target.conflict` where the target can't be one, or a `database.*` code.
pub fn grants(database: &Target, role: &str, definition: &Definition) -> Result<String> {
    let runtime = runtime()?;
    let mut connection = runtime.block_on(database.connect())?;
    runtime.block_on(async {
        let doing = |error| refusal(&error, DOING);
        let mut transaction = connection.client.transaction().await.map_err(doing)?;
        let sql = "select current_database()::text, pg_catalog.pg_get_userbyid(nspowner)::text
            from (select) as one left join pg_catalog.pg_namespace on nspname = 'muster'";
        let row = transaction.query_one(sql, &[]).await.map_err(doing)?;
        let (name, owner): (String, Option<String>) = (row.get(0), row.get(1));
        let mut text = run_log(
            &Quoted(&name),
            &Quoted(role),
            owner.filter(|owner| owner != role),
        );
        if let Some(target) = &definition.target {
            let plan = check::plan(&mut transaction, target, definition).await?;
            text += &of_target(&plan, &Quoted(role));
            text += &around(&transaction, &plan, &Quoted(role)).await?;
        }
        Ok(text)
    })
}

/// What surrounds the target's tables: sequences, and tables of the application that refer to them.
async fn around(
    transaction: &Transaction<'_>,
    plan: &Plan<'_>,
    role: &Quoted<'_>,
) -> Result<String> {
    let doing = |error| refusal(&error, DOING);
    let members = plan.memberships.as_ref().map(|members| members.table.oid);
    let (mut text, mut refers) = (String::new(), String::new());
    for table in [Some(&plan.accounts), plan.groups.as_ref()]
        .into_iter()
        .flatten()
    {
        let sql = include_str!("../sql/target_sequences.sql");
        for row in &transaction.query(sql, &[&table.oid]).await.map_err(doing)? {
            let sequence: &str = row.get(0);
            let _ = writeln!(text, "grant usage on sequence {sequence} to {role};");
        }
        let sql = include_str!("../sql/target_referring.sql");
        for row in &transaction
            .query(sql, &[&table.oid, &members])
            .await
            .map_err(doing)?
        {
            let (source, column): (&str, &str) = (row.get(0), row.get(1));
            let _ = writeln!(refers, "grant select ({column}) on {source} to {role};");
        }
    }
    if !refers.is_empty() {
        text += "-- Without this, `muster undo` assumes that these tables refer to every account, and keeps it.\n";
    }
    Ok(text + refers.as_str())
}

/// Muster's own schema.
fn run_log(database: &Quoted, role: &Quoted, other_owner: Option<String>) -> String {
    let mut text = format!(
        "-- What {role} needs to import; the role itself is made by `create role {role} login`.\n\
         -- `create` is for the schema muster, which the first import makes and then owns.\n\
         grant connect, temporary, create on database {database} to {role};\n"
    );
    if let Some(owner) = other_owner {
        let owner = Quoted(&owner);
        let _ = write!(
            text,
            "-- The schema muster belongs to {owner}, who has to run a newer muster, or a changed target, first.\n\
             grant usage on schema muster to {role};\n\
             grant select, insert, update, delete on all tables in schema muster to {role};\n\
             -- Only `muster serve` needs this.\n\
             grant execute on function muster.accept_invitation to {role};\n"
        );
    }
    text
}

fn of_target(plan: &Plan, role: &Quoted) -> String {
    let mut text = "-- The target, column by column; `delete` is for `muster undo`.\n".to_string();
    let columns = generate::columns(plan);
    grant(&mut text, &plan.accounts.name, &columns, role);
    if let (Some(table), Some(groups), Some(id)) =
        (&plan.groups, &plan.target.groups, &plan.group_id)
    {
        let names = [id.column.quoted(), Quoted(&groups.name).to_string()];
        let filled = groups.defaults.keys().map(|name| Quoted(name).to_string());
        let columns = generate::Columns {
            read: names.to_vec(),
            inserted: names.into_iter().chain(filled).collect(),
            updated: Vec::new(),
        };
        grant(&mut text, &table.name, &columns, role);
    }
    if let (Some(members), Some(target)) = (&plan.memberships, &plan.target.memberships) {
        let names = [members.account.quoted(), members.group.quoted()];
        let filled = target.defaults.keys().map(|name| Quoted(name).to_string());
        let columns = generate::Columns {
            read: names.to_vec(),
            inserted: names.into_iter().chain(filled).collect(),
            updated: Vec::new(),
        };
        grant(&mut text, &members.table.name, &columns, role);
    }
    text
}

fn grant(text: &mut String, table: &str, columns: &generate::Columns, role: &Quoted) {
    if let Some((schema, _)) = table.split_once("\".\"") {
        let usage = format!("grant usage on schema {schema}\" to {role};\n");
        if !text.contains(&usage) {
            text.push_str(&usage);
        }
    }
    let list = |columns: &[String]| columns.join(", ");
    let _ = write!(
        text,
        "grant select ({}), insert ({})",
        list(&columns.read),
        list(&columns.inserted)
    );
    if !columns.updated.is_empty() {
        let _ = write!(text, ", update ({})", list(&columns.updated));
    }
    let _ = writeln!(text, ", delete on {table} to {role};");
}
