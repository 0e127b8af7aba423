//! `muster add`: adds a few people without a file. They become a small file, which goes through the
//! same passes.

use std::io::Read;
use std::time::SystemTime;

use clap::Args;

use super::invite::write_to_run;
use super::{DatabaseArgs, OutputArgs, PipelineArgs};
use crate::cli::made::Made;
use crate::cli::password;
use crate::cli::run::{RunArgs, Task, new_run, open_pipeline};
use crate::definition::{Definition, Onboarding};
use crate::invitation::Kind;
use crate::issue::Code;
use crate::outcome::Exit;
use crate::password::{Given, Known};
use crate::people::typed::{Typed, people};
use crate::refusal::{Refusal, Result};
use crate::report::csv::{Csv, Style};

#[derive(Args)]
pub(super) struct AddArgs {
    /// Addresses, separated by commas, semicolons, spaces or lines; also as `First Last
    /// <a@b.example>`; `-` reads them from stdin
    #[arg(required = true, value_name = "EMAIL")]
    emails: Vec<String>,
    /// Groups for all of them, separated by commas
    #[arg(long, value_name = "NAMES", default_value = "")]
    groups: String,
    /// Role for all of them
    #[arg(long, default_value = "")]
    role: String,
    /// Organization for all of them
    #[arg(long, value_name = "NAME", default_value = "")]
    organization: String,
    /// Whether they are invited; overrides the pipeline
    #[arg(long, value_name = "WAY")]
    onboarding: Option<Onboarding>,
    /// Mail them at once: an invitation, or with `--onboarding setup` a link to set a password
    #[arg(long, conflicts_with = "json")]
    invite: bool,
    /// With `--onboarding setup`: give new people the password on stdin, which must be changed at
    /// the first sign-in
    #[arg(long, conflicts_with = "invite")]
    password_stdin: bool,
    #[command(flatten)]
    pipeline: PipelineArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// What the file of typed people is called, in the run's folder.
const FILE: &str = "added.csv";

/// `muster add`.
pub(super) fn add(args: &AddArgs) -> Result<Exit> {
    if args.password_stdin && args.emails.iter().any(|word| word == "-") {
        let what = "stdin can't hold the addresses and the password";
        return Err(Refusal::new(Code::UsageInvalid, what).help("name the addresses as arguments"));
    }
    let people = people(&typed(&args.emails)?);
    if people.is_empty() {
        return Err(Refusal::new(Code::UsageInvalid, "no address is given"));
    }
    let started = SystemTime::now();
    let run = new_run(started);
    let text = csv(&people, &args.groups, &args.role, &args.organization);
    let made = Made::write(&run.id, &args.output, FILE, &text)?;
    let id = run.id.clone();
    let mut run_args = RunArgs {
        files: vec![made.path.clone()],
        pipeline: args.pipeline.clone(),
        database: args.database.clone(),
        output: args.output.clone(),
        delimiter: Some(",".to_string()),
        encoding: Some("utf-8".to_string()),
        onboarding: args.onboarding,
        ..RunArgs::default()
    };
    let mut pipeline = open_pipeline(&run_args)?;
    let onboarding = pipeline.definition.accounts.onboarding;
    pipeline.set("add", &id)?;
    if args.password_stdin {
        let given = read_password(&people, &pipeline.definition);
        run_args.password = Some(given.inspect_err(|_| made.discard())?);
        pipeline.set("password", &id)?;
    }
    let exit = made.carry_out(&run_args, &pipeline, Task::Import, started, run)?;
    if !args.invite {
        return Ok(exit);
    }
    let kind = match onboarding {
        Onboarding::Invite => Kind::Invite,
        Onboarding::Setup => Kind::Reset,
    };
    let named = args.pipeline.name.clone();
    let invited = write_to_run(&id, kind, args.database.clone(), named, args.output.quiet)?;
    Ok(if exit == Exit::Done { invited } else { exit })
}

/// The password of the new people, who are active at once.
fn read_password(people: &[Typed], definition: &Definition) -> Result<Given> {
    let refuse = |what: &str| Refusal::new(Code::UsageInvalid, what);
    if definition.accounts.onboarding != Onboarding::Setup {
        return Err(
            refuse("people who are invited choose a password of their own")
                .help("add `--onboarding setup`, or leave out `--password-stdin`"),
        );
    }
    let names: Vec<[&str; 2]> = people
        .iter()
        .map(|(first, last, _)| [&**first, last])
        .collect();
    let known: Vec<Known> = people
        .iter()
        .zip(&names)
        .map(|((_, _, email), names)| Known {
            names,
            email,
            product: &definition.mail.product,
        })
        .collect();
    password::read(definition, &known)
}

/// The words as one text; `-` represents what comes in on stdin.
fn typed(words: &[String]) -> Result<String> {
    let mut text = String::new();
    for word in words {
        if word == "-" {
            std::io::stdin()
                .take(1 << 20)
                .read_to_string(&mut text)
                .map_err(|error| {
                    Refusal::new(Code::UsageInvalid, format!("stdin can't be read: {error}"))
                })?;
        } else {
            text.push_str(word);
        }
        text.push('\n');
    }
    Ok(text)
}

/// The people as the file that is imported.
fn csv(people: &[Typed], groups: &str, role: &str, organization: &str) -> Vec<u8> {
    let mut csv = Csv::exact(Style::own());
    let names = "email,first_name,last_name,groups,role,organization";
    let mut text = csv.names(names.split(',')).to_vec();
    for (first, last, email) in people {
        text.extend_from_slice(csv.line([email, first, last, groups, role, organization]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_quoted() {
        let person = ["Ann", "O\"Hara", "a@x.eu"].map(String::from);
        let file = csv(&[person.into()], "A,B", "", "");
        assert_eq!(
            String::from_utf8(file).unwrap().lines().nth(1),
            Some("\"a@x.eu\",\"Ann\",\"O\"\"Hara\",\"A,B\",\"\",\"\"")
        );
    }
}
