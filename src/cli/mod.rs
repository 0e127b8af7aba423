//! The command line: the commands and their output. Results go to stdout, progress and refusals to
//! stderr.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::memory::Budget;
use crate::outcome::Exit;
use crate::refusal::Result;
use crate::report::human;
use crate::safeguard::Class;
use crate::stages::read::workbook::child;
use crate::store::launcher::{Local, Status, home_from_environment};

mod acting;
mod add;
mod admins;
mod approve;
mod audit;
mod console;
mod demo;
mod drop;
mod due;
mod explain;
mod groups;
mod import;
mod invitations;
mod invite;
mod job;
mod links;
mod listing;
mod made;
mod map;
mod password;
mod people;
mod plan;
mod rows;
mod run;
mod runs;
mod serve;
mod sessions;
mod settings;
mod target;
mod template;
mod terminal;
mod undo;
mod workbook;

use self::terminal::{colour, print};

/// Check a file of people, import it into PostgreSQL, and only then invite them.
#[derive(Parser)]
#[command(
    name = "muster",
    version,
    max_term_width = 80,
    disable_help_subcommand = false
)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show what an import would do; write nothing to the accounts
    Check(import::CheckArgs),
    /// Import files of people; several files are one import
    #[command(mut_arg("files", |files| files
        .required(false)
        .required_unless_present("drop")
        .conflicts_with("drop")))]
    Import(import::ImportArgs),
    /// Apply exactly what a plan of `muster check --plan` says
    Apply(plan::ApplyArgs),
    /// Apply start and end dates that have been reached, without a file
    Due(due::DueArgs),
    /// Approve what safeguards held in a run, exactly as planned
    Approve(approve::ApproveArgs),
    /// Show plans
    Plan {
        #[command(subcommand)]
        command: plan::PlanCommand,
    },
    /// Write an empty file with the pipeline's columns and an example row
    Template(template::TemplateArgs),
    /// Show what each column becomes; write that as a pipeline to edit
    Map(map::MapArgs),
    /// List the runs, newest first
    Runs(runs::RunsArgs),
    /// Show the summary of a run
    Show(runs::ShowArgs),
    /// List or count the rows of a run or a plan that fit an expression
    Rows(rows::RowsArgs),
    /// Show everything known about one person, in time order
    Explain(explain::ExplainArgs),
    /// List, show, export and change people
    People {
        #[command(subcommand)]
        command: people::PeopleCommand,
    },
    /// List, create, rename and remove groups
    Groups {
        #[command(subcommand)]
        command: groups::GroupsCommand,
    },
    /// Undo a run, value by value, except what was changed since
    Undo(undo::UndoArgs),
    /// Add a few people without a file
    Add(add::AddArgs),
    /// Preview the invitations of a run; with --send, send them
    Invite(invite::InviteArgs),
    /// Preview the password-reset mails of a run; with --send, send them
    Reset(invite::ResetArgs),
    /// List, resend, cancel, hand over or end invitations
    Invitations {
        #[command(subcommand)]
        command: invitations::InvitationsCommand,
    },
    /// Manage the suppression list
    Suppress(invitations::SuppressArgs),
    /// Preview the administrator's mail about a run; with --send, send it
    Report(invite::ReportArgs),
    /// Manage the templates of mails
    Templates {
        #[command(subcommand)]
        command: serve::TemplatesCommand,
    },
    /// Serve the page that the links in mails open
    Serve(serve::ServeArgs),
    /// Serve the console, which does all this in a browser
    Console(console::ConsoleArgs),
    /// Import and list what people can be enrolled in
    Sessions {
        #[command(subcommand)]
        command: sessions::SessionsCommand,
    },
    /// Use your own accounts table
    Target {
        #[command(subcommand)]
        command: target::TargetCommand,
    },
    /// Manage who may use the console
    Admins {
        #[command(subcommand)]
        command: admins::AdminsCommand,
    },
    /// Set the sender and the name in mails, for all pipelines
    Settings {
        #[command(subcommand)]
        command: settings::SettingsCommand,
    },
    /// List who did what, newest first
    Audit(audit::AuditArgs),
    /// Try everything in a browser, with a list of people who don't exist
    Demo(demo::DemoArgs),
    /// Manage the local database
    Db {
        #[command(subcommand)]
        command: DbCommand,
    },
    /// Read the workbook on standard input; muster starts this by itself
    #[command(name = child::COMMAND, hide = true)]
    ReadWorkbook(workbook::ReadArgs),
    /// Run a command that the console recorded; muster starts this by itself
    #[command(name = "run-job", hide = true)]
    RunJob(job::JobArgs),
}

#[derive(Args, Clone, Default)]
struct DatabaseArgs {
    /// PostgreSQL to use [default: $DATABASE_URL, or a private local one]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

#[derive(Args, Clone, Default)]
struct PipelineArgs {
    /// A pipeline file, or the name of one in `pipelines/`
    #[arg(
        id = "pipeline",
        short = 'p',
        long = "pipeline",
        value_name = "PIPELINE"
    )]
    name: Option<String>,
}

/// What a command has that makes a run.
#[derive(Args, Clone, Default)]
struct OutputArgs {
    /// Folder for the run's files [default: muster-runs/RUN]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print summary.json on stdout
    #[arg(long)]
    json: bool,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
}

/// What a command has that safeguards may stop.
#[derive(Args, Clone, Default)]
struct AllowArgs {
    /// Allow this many changes that a safeguard would hold, such as `update=600`
    #[arg(id = "allow", long = "allow", value_name = "CLASS=COUNT", value_parser = run::allowed)]
    counts: Vec<(Class, u64)>,
}

#[derive(Args, Clone, Default)]
struct MemoryArgs {
    /// Memory for what must be remembered of all rows, such as 512MB; the rest goes to scratch
    /// files [default: an eighth of the machine's memory, at least 256MB]
    #[arg(long, value_name = "SIZE", env = "MUSTER_MEMORY", hide_env_values = true, value_parser = Budget::parse)]
    memory: Option<Budget>,
}

impl MemoryArgs {
    fn budget(&self) -> Budget {
        self.memory.unwrap_or_else(Budget::of_machine)
    }
}

#[derive(Subcommand)]
enum DbCommand {
    /// Start it; the first start creates it
    Start,
    /// Stop it
    Stop,
    /// Show whether it is running
    Status,
    /// Print its URL, for psql and other programs
    Url,
    /// Print the SQL that grants a role what it needs to import
    Grants(target::GrantsArgs),
}

/// Runs the command of this process's arguments.
pub fn run() -> Exit {
    let command = Line::command();
    let parsed = command.clone().try_get_matches().and_then(|matches| {
        let line = Line::from_arg_matches(&matches)?;
        audit::begin(&line.command, &command, &matches);
        Ok(line)
    });
    let line = match parsed {
        Ok(line) => line,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Refused
            } else {
                Exit::Done
            };
        }
    };
    let result = match &line.command {
        Command::Check(args) => import::check_files(args),
        Command::Import(args) => match &args.drop.drop {
            Some(folder) => drop::visit(&args.run, &args.drop, folder),
            None => import::import_files(&args.run),
        },
        Command::Apply(args) => plan::apply(args),
        Command::Due(args) => due::due(args),
        Command::Approve(args) => approve::approve(args),
        Command::Plan { command } => plan::plan(command),
        Command::Template(args) => template::write_template(args),
        Command::Map(args) => map::map(args),
        Command::Runs(args) => runs::list_runs(args),
        Command::Show(args) => runs::show_run(args),
        Command::Rows(args) => rows::rows(args),
        Command::Explain(args) => explain::explain(args),
        Command::People { command } => people::people(command),
        Command::Groups { command } => groups::groups(command),
        Command::Undo(args) => undo::undo(args),
        Command::Add(args) => add::add(args),
        Command::Invite(args) => invite::invite(args),
        Command::Reset(args) => invite::reset(args),
        Command::Invitations { command } => invitations::invitations(command),
        Command::Suppress(args) => invitations::suppress(args),
        Command::Report(args) => invite::report(args),
        Command::Templates { command } => serve::templates(command),
        Command::Serve(args) => serve::serve(args),
        Command::Console(args) => console::console(args),
        Command::Sessions { command } => sessions::sessions(command),
        Command::Target { command } => target::target(command),
        Command::Admins { command } => admins::admins(command),
        Command::Settings { command } => settings::settings(command),
        Command::Audit(args) => audit::audit(args),
        Command::Demo(args) => demo::demo(args),
        Command::Db { command } => database(command),
        Command::ReadWorkbook(args) => return workbook::read(args),
        Command::RunJob(args) => job::run_job(args),
    };
    result.unwrap_or_else(|refusal| {
        eprint!(
            "{}",
            human::refusal(&refusal, colour(std::io::stderr().is_terminal()))
        );
        refusal.exit
    })
}

fn database(command: &DbCommand) -> Result<Exit> {
    let local = Local::at(home_from_environment()?);
    match command {
        DbCommand::Start => {
            local.start()?;
            print(&format!("running: {}\n", local.url()));
        }
        DbCommand::Stop => {
            local.stop()?;
            print("stopped\n");
        }
        DbCommand::Status => print(&format!("{}\n", status_line(&local))),
        DbCommand::Url => {
            local.start()?;
            print(&format!("{}\n", local.url()));
        }
        DbCommand::Grants(args) => return target::print_grants(args),
    }
    Ok(Exit::Done)
}

fn status_line(local: &Local) -> String {
    let home = local.home().display();
    match local.status() {
        Status::Missing => format!("none yet; the first import creates it in {home}"),
        Status::Stopped => format!("stopped; it is in {home}"),
        Status::Running { .. } => format!("running in {home}: {}", local.url()),
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::terminal::shell_word;
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Line::command().debug_assert();
    }

    #[test]
    fn words_are_quoted_for_the_shell() {
        assert_eq!(shell_word("a/b.csv"), "a/b.csv");
        assert_eq!(shell_word("it's here.csv"), "'it'\\''s here.csv'");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn run_ids_tell_their_time() {
        let run = run::new_run(UNIX_EPOCH + std::time::Duration::from_secs(1_795_324_354));
        assert!(run.id.starts_with("20261122-"), "{}", run.id);
        assert_eq!(run.id.len(), "20261122-051234-7f3a".len());
        let later = run::new_run(UNIX_EPOCH + std::time::Duration::from_millis(1_795_324_354_001));
        assert!(run.id < later.id, "{} {}", run.id, later.id);
    }
}
