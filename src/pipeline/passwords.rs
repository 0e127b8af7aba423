//! passwords: reads the password hashes, which a plan doesn't contain, from the files that it was
//! made from.

use super::read::read_files;
use crate::header::Vocabulary;
use crate::issue::Code;
use crate::ledger::planfile::PlanFile;
use crate::outcome::Outcome;
use crate::pipeline::Job;
use crate::refusal::{Refusal, Result};
use crate::stages::clean::clean;
use crate::stages::read::InputFile;
use crate::stages::read::{self, Source};

/// Reads the files of `plan` once more, if accounts that it makes come with a password.
///
/// # Errors
/// `file.changed` where a file isn't the one that was checked; a refusal of reading it;
/// `usage.invalid` where the run gave a password.
pub(super) fn fetch(job: &Job, plan: &mut PlanFile) -> Result<()> {
    if job.pipeline.definition.accounts.gives_password && job.password.is_none() {
        let what = "the accounts of this plan get a password, which no plan contains";
        return Err(Refusal::new(Code::UsageInvalid, what)
            .help("run the command that gives it again, with `--allow` for what was held"));
    }
    if !needs_passwords(plan)? {
        return Ok(());
    }
    let definition = &job.pipeline.definition;
    let vocabulary = &Vocabulary::new(definition);
    for file in &plan.files {
        let wanted = read::Wanted {
            definition,
            vocabulary,
            reader: job.reader,
        };
        let there = Source::open(&file.source.path, &wanted).map_err(explain)?;
        if there.sha256 != file.source.sha256 {
            return Err(changed(file));
        }
    }
    let PlanFile {
        files,
        layout,
        spool,
        ..
    } = plan;
    job.progress.begin("passwords", Some(spool.rows()));
    let mut trouble = None;
    read_files(files, |cells| {
        let file = &files[usize::from(cells.source)];
        let batch = spool.batch_of(cells.first_row);
        let is_as_planned =
            spool.first_row(batch) == cells.first_row && spool.rows_in(batch) == cells.len();
        job.progress.add(cells.len() as u64, None);
        let added = if !is_as_planned {
            Err(changed(file))
        } else if file.source.secret.is_some() {
            let drafts = clean(cells, &file.mapping, layout, definition);
            spool.add_passwords(batch, &drafts.passwords)
        } else {
            Ok(())
        };
        trouble = added.err();
        trouble.is_none()
    })
    .map_err(explain)?;
    job.progress.end();
    trouble.map_or(Ok(()), Err)
}

fn needs_passwords(plan: &PlanFile) -> Result<bool> {
    if plan.files.iter().all(|file| file.source.secret.is_none()) {
        return Ok(false);
    }
    for batch in 0..plan.spool.batches() {
        let passwords = plan.rows(batch)?.drafts.passwords;
        let outcomes = plan.decided(batch)?.outcomes;
        let makes = |outcome: &Outcome| matches!(outcome, Outcome::Created | Outcome::Held);
        let mut rows = outcomes.iter().enumerate();
        if rows.any(|(index, outcome)| makes(outcome) && passwords.has(index)) {
            return Ok(true);
        }
    }
    Ok(false)
}

const HELP: &str = "a plan contains no password hashes; applying it reads them from the file that \
    was checked: put that file back where it was, or check the new one";

fn explain(refusal: Refusal) -> Refusal {
    refusal.help(HELP)
}

fn changed(file: &InputFile) -> Refusal {
    let path = file.source.path.display();
    let what = format!("`{path}` is no longer the file that was checked");
    explain(Refusal::new(Code::FileChanged, what))
}
