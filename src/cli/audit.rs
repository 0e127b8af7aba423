//! `muster audit`, and what the audit says of each command: which ones write, by whom, and what of a
//! command line is shown.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args};
use serde_json::json;

use super::acting;
use super::listing::{Format, Listing, Shown, printed};
use super::terminal::shell_word;
use super::{
    Command, DatabaseArgs, admins::AdminsCommand, groups::GroupsCommand,
    invitations::InvitationsCommand, people::PeopleCommand, sessions::SessionsCommand,
    settings::SettingsCommand,
};
use crate::outcome::Exit;
use crate::refusal::Result;
use crate::report::human::grouped;
use crate::store::Store;
use crate::store::audit::{Acting, Line, Wanted};
use crate::store::connect::Target;
use crate::store::launcher::home_from_environment;

#[derive(Args)]
pub(super) struct AuditArgs {
    /// Only by these: a part of a name
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// Only this action, such as `import`
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only about this: the id of a run, an administrator or an upload
    #[arg(long, value_name = "ID")]
    about: Option<String>,
    /// The number of lines; 0 for all [default: 50; all for CSV and JSON]
    #[arg(short = 'n', long, value_name = "COUNT")]
    limit: Option<u64>,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// `muster audit`.
pub(super) fn audit(args: &AuditArgs) -> Result<Exit> {
    const LIMIT: u64 = 50;
    let format = match (args.csv, args.json) {
        (true, _) => Format::Csv,
        (_, true) => Format::Json,
        _ => Format::Table,
    };
    let limit = match (args.limit, format) {
        (Some(0), _) | (None, Format::Csv | Format::Json) => None,
        (limit, _) => Some(limit.unwrap_or(LIMIT)),
    };
    let wanted = Wanted {
        who: args.who.clone(),
        action: args.action.clone(),
        about: args.about.clone(),
        limit,
        ..Wanted::default()
    };
    let target = Target::find(args.database.database.as_deref(), &home_from_environment()?)?;
    let (lines, found) = match Store::open_if_there(target)? {
        Some(store) => store.list_audit(&wanted)?,
        None => (Vec::new(), 0),
    };
    if format == Format::Json {
        let lines: Vec<serde_json::Value> = lines.iter().map(as_json).collect();
        let value = json!({ "schema": "muster.audit/1", "lines": lines, "found": found });
        let text = serde_json::to_string_pretty(&value).unwrap_or_default();
        return printed(|out| out.write(&format!("{text}\n")));
    }
    let names = ["time", "who", "action", "about", "counts", "command"];
    let more = ["address", "session"];
    let is_table = format == Format::Table;
    let names = names.iter().chain(more.iter().filter(|_| !is_table));
    let heads = names.map(|name| ((*name).to_string(), false)).collect();
    printed(|out| {
        let mut listing = Listing::begin(format, heads, ["line", "lines"], out)?;
        for line in &lines {
            listing.add(cells(line, is_table))?;
        }
        listing.end(found, found, false)
    })
}

fn time(line: &Line) -> String {
    jiff::Timestamp::from_microsecond(line.at)
        .map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}

fn as_json(line: &Line) -> serde_json::Value {
    let counts = line.counts.iter();
    let counts: serde_json::Map<String, serde_json::Value> = counts
        .map(|(name, count)| (name.clone(), (*count).into()))
        .collect();
    json!({
        "id": line.id,
        "time": time(line),
        "who": line.who,
        "session": line.session.map(|id| id.to_string()),
        "address": line.address,
        "action": line.action,
        "about": line.about,
        "counts": counts,
        "command": line.command,
    })
}

fn cells(line: &Line, is_table: bool) -> Vec<Option<Shown>> {
    let text = |text: &str| (!text.is_empty()).then(|| Shown::Text(text.to_string()));
    let counts = line.counts.iter();
    let counts: Vec<String> = counts
        .map(|(name, count)| format!("{name} {}", grouped(*count)))
        .collect();
    let mut cells = vec![
        text(&time(line)),
        text(&line.who),
        text(&line.action),
        text(&line.about),
        text(&counts.join(", ")),
        text(&line.command),
    ];
    if !is_table {
        cells.push(line.address.as_deref().and_then(text));
        cells.push(line.session.map(|id| Shown::Text(id.to_string())));
    }
    cells
}

/// The action of a command that writes into the database; `None` for one that only reads it, or
/// writes nothing but files. What only previews writes no line: a line is written with what it is about.
fn action(command: &Command) -> Option<&'static str> {
    Some(match command {
        Command::Import(_) => "import",
        Command::Apply(_) => "apply",
        Command::Due(_) => "due",
        Command::Approve(_) => "approve",
        Command::Undo(_) => "undo",
        Command::Add(_) => "add",
        Command::Invite(_) => "invite",
        Command::Reset(_) => "reset",
        Command::Suppress(_) => "suppress",
        Command::Report(_) => "report",
        Command::People { command } => match command {
            PeopleCommand::Change(_) => "people change",
            PeopleCommand::List(_) | PeopleCommand::Show(_) | PeopleCommand::Export(_) => {
                return None;
            }
        },
        Command::Groups { command } => match command {
            GroupsCommand::Create(_) => "groups create",
            GroupsCommand::Rename(_) => "groups rename",
            GroupsCommand::SetVisibility(_) => "groups set-visibility",
            GroupsCommand::Remove(_) => "groups remove",
            GroupsCommand::List(_) | GroupsCommand::Show(_) => return None,
        },
        Command::Invitations { command } => match command {
            InvitationsCommand::Resend(_) => "invitations resend",
            InvitationsCommand::Cancel(_) => "invitations cancel",
            InvitationsCommand::Link(_) => "invitations link",
            InvitationsCommand::Expire(_) => "invitations expire",
            InvitationsCommand::List(_) => return None,
        },
        Command::Sessions { command } => match command {
            SessionsCommand::Import(_) => "sessions import",
            SessionsCommand::List(_) => return None,
        },
        Command::Admins { command } => match command {
            AdminsCommand::Add(_) => "admins add",
            AdminsCommand::Role(_) => "admins role",
            AdminsCommand::Link(_) => "admins link",
            AdminsCommand::Remove(_) => "admins remove",
            AdminsCommand::List(_) => return None,
        },
        Command::Settings { command } => match command {
            SettingsCommand::Set(_) => "settings set",
            SettingsCommand::Clear(_) => "settings clear",
            SettingsCommand::List(_) => return None,
        },
        // What a person does who accepts is in the invitation; what is edited are files.
        Command::Serve(_)
        | Command::Console(_)
        | Command::Templates { .. }
        | Command::Template(_)
        | Command::Map(_)
        | Command::Check(_)
        | Command::Plan { .. }
        | Command::Runs(_)
        | Command::Show(_)
        | Command::Rows(_)
        | Command::Explain(_)
        | Command::Target { .. }
        | Command::Audit(_)
        | Command::Demo(_)
        | Command::Db { .. }
        | Command::ReadWorkbook(_)
        // The command that it runs says for itself.
        | Command::RunJob(_) => return None,
    })
}

/// Keeps on whose behalf this process writes.
pub(super) fn begin(command: &Command, line: &clap::Command, matches: &ArgMatches) {
    let Some(action) = action(command) else {
        return;
    };
    let kept = Acting {
        who: acting::who(),
        action: action.to_string(),
        command: shown(line, matches),
        ..Acting::default()
    };
    acting::keep(kept);
}

/// The values of arguments that name no person: they are in the audit as they were typed.
const SHOWN: &[&str] = &[
    "add_group",
    "again",
    "allow",
    "by_account",
    "canary",
    "class",
    "clear",
    "columns",
    "default_role",
    "delimiter",
    "drop",
    "encoding",
    "files",
    "folder",
    "format",
    "group",
    "groups",
    "invited_since",
    "limit",
    "max_age",
    "memory",
    "name",
    "new",
    "new_name",
    "older_than",
    "onboarding",
    "out",
    "output",
    "parent",
    "phase",
    "pipeline",
    "plan",
    "remove_group",
    "role",
    "run",
    "settle",
    "sheet",
    "sort",
    "state",
    "status",
    "time_zone",
    "visibility",
];

/// Words of a selection that name no person.
const SELECTIONS: [&str; 7] = [
    "group:",
    "role:",
    "organization:",
    "status:",
    "run:",
    "row:",
    "session:",
];

/// The command line without personal values: these, and all that isn't known to be none, are `…`.
fn shown(line: &clap::Command, matches: &ArgMatches) -> String {
    let mut words = vec!["muster".to_string()];
    let (mut line, mut matches) = (line, matches);
    while let Some((name, below)) = matches.subcommand() {
        words.push(name.to_string());
        let Some(command) = line.find_subcommand(name) else {
            break;
        };
        (line, matches) = (command, below);
    }
    let (named, placed): (Vec<&Arg>, Vec<&Arg>) =
        line.get_arguments().partition(|arg| !arg.is_positional());
    for arg in placed.into_iter().chain(named) {
        let id = arg.get_id().as_str();
        if id == "database" || matches.value_source(id) != Some(ValueSource::CommandLine) {
            continue;
        }
        let option = arg.get_long().map(|long| format!("--{long}"));
        if matches!(arg.get_action(), ArgAction::SetTrue | ArgAction::Count) {
            words.extend(option);
            continue;
        }
        let values = matches.get_raw(id).into_iter().flatten();
        let values = values.map(|value| value.to_string_lossy());
        let mut is_hidden = false;
        for value in values {
            let is_shown =
                SHOWN.contains(&id) || SELECTIONS.iter().any(|word| value.starts_with(word));
            if is_shown {
                words.extend(option.clone());
                words.push(shell_word(&value));
            } else if !is_hidden {
                is_hidden = true;
                words.extend(option.clone());
                words.push("…".to_string());
            }
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches};

    use super::super::Line as CommandLine;
    use super::*;

    fn of(words: &str) -> (Option<&'static str>, String) {
        let line = CommandLine::command();
        let words = std::iter::once("muster").chain(words.split(' '));
        let matches = line.clone().try_get_matches_from(words).unwrap();
        let parsed = CommandLine::from_arg_matches(&matches).unwrap();
        (action(&parsed.command), shown(&line, &matches))
    }

    #[test]
    fn a_command_is_shown_without_personal_values() {
        for (words, action, expected) in [
            (
                "import a.csv b.csv -p staff --allow update=6 --database postgres://u:p@h/d -q",
                Some("import"),
                "muster import a.csv b.csv --pipeline staff --quiet --allow update=6",
            ),
            (
                "add ann@a.example bob@a.example --role user",
                Some("add"),
                "muster add … --role user",
            ),
            (
                "invite last --only group:Sales --only ann@a.example --send",
                Some("invite"),
                "muster invite last --only group:Sales --only … --send",
            ),
            (
                "people change --only a@b.eu --set last_name=Ng --apply",
                Some("people change"),
                "muster people change --only … --set … --apply",
            ),
            (
                "suppress a@b.eu --reason angry",
                Some("suppress"),
                "muster suppress … --reason …",
            ),
            (
                "approve last --by Ann --reason r",
                Some("approve"),
                "muster approve last --by … --reason …",
            ),
            (
                "admins role Ann owner",
                Some("admins role"),
                "muster admins role … owner",
            ),
            ("people list", None, "muster people list"),
        ] {
            assert_eq!(of(words), (action, expected.to_string()), "{words}");
        }
    }

    /// A value that names people, or could: a new argument must be in one of the two lists.
    const HIDDEN: &[&str] = &[
        "account",
        "admin",
        "by",
        "console",
        "email",
        "emails",
        "except",
        "file",
        "message_file",
        "only",
        "organization",
        "preview",
        "reason",
        "set",
        "text",
        "to",
        "value",
        "who",
    ];

    #[test]
    fn each_argument_is_shown_or_hidden_on_purpose() {
        fn visit(command: &clap::Command, undecided: &mut Vec<String>) {
            for arg in command.get_arguments() {
                let id = arg.get_id().as_str();
                let takes = !matches!(
                    arg.get_action(),
                    ArgAction::SetTrue
                        | ArgAction::Help
                        | ArgAction::HelpShort
                        | ArgAction::Version
                );
                if takes && id != "database" && !SHOWN.contains(&id) && !HIDDEN.contains(&id) {
                    undecided.push(format!("{} {id}", command.get_name()));
                }
            }
            for below in command.get_subcommands() {
                visit(below, undecided);
            }
        }
        let mut undecided = Vec::new();
        let line = CommandLine::command();
        let writes = [
            "import",
            "apply",
            "due",
            "approve",
            "undo",
            "add",
            "invite",
            "reset",
            "suppress",
            "report",
            "people",
            "groups",
            "invitations",
            "sessions",
            "admins",
        ];
        for name in writes {
            visit(line.find_subcommand(name).unwrap(), &mut undecided);
        }
        assert!(undecided.is_empty(), "{}", undecided.join("\n"));
    }
}
