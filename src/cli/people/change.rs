//! `muster people change`: one change of many accounts. The selection becomes a small file, with the
//! ids of the accounts and the changed fields, which goes through the passes of every import.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use uuid::Uuid;

use crate::cli::import::begin_plan;
use crate::cli::made::Made;
use crate::cli::password;
use crate::cli::run::{RunArgs, Task, new_run};
use crate::cli::terminal::{shell_word, warn};
use crate::cli::{AllowArgs, DatabaseArgs, MemoryArgs, OutputArgs, PipelineArgs};
use crate::definition::{
    ACCOUNT, Change, Definition, Pipeline, USED, Updates, WHO, attribute_column, nearest,
};
use crate::field::Field;
use crate::issue::Code;
use crate::meaning::group;
use crate::meaning::protection::Protected;
use crate::outcome::Exit;
use crate::password::{Given, Known};
use crate::people::words::{self, Among, wishes};
use crate::refusal::{Refusal, Result};
use crate::report::csv::{Csv, Style};
use crate::store::Store;
use crate::store::connect::Target;
use crate::store::launcher::home_from_environment;
use crate::store::selection::Selected;
use crate::text;

/// What the file of the change is called, in the run's folder.
const FILE: &str = "changed.csv";

#[derive(Args, Clone)]
pub(in crate::cli) struct ChangeArgs {
    /// Only these: an address, username:NAME, id:ID, group:NAME, role:NAME, organization:NAME,
    /// status:STATUS, run:RUN, or @FILE with such words, one a line; repeatable
    #[arg(long, value_name = "WHO", required_unless_present = "all")]
    only: Vec<String>,
    /// All but these; written as for --only
    #[arg(long, value_name = "WHO")]
    except: Vec<String>,
    /// All accounts
    #[arg(long, conflicts_with = "only")]
    all: bool,
    #[command(flatten)]
    what: WhatArgs,
    /// Write the change; without this, nothing is written
    #[arg(long)]
    apply: bool,
    /// Write what would be done into a new file, for `muster apply`
    #[arg(long, value_name = "PLAN", conflicts_with = "apply")]
    plan: Option<PathBuf>,
    #[command(flatten)]
    pipeline: PipelineArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    allow: AllowArgs,
    #[command(flatten)]
    memory: MemoryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// What is changed.
#[derive(Args, Clone)]
struct WhatArgs {
    /// Give a field or a custom attribute a value, or @FILE with such lines (@- for stdin);
    /// repeatable
    #[arg(long, value_name = "FIELD=VALUE")]
    set: Vec<String>,
    /// Take away the value of a field or a custom attribute; repeatable
    #[arg(long, value_name = "FIELD")]
    clear: Vec<String>,
    /// Give this role
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Add to this group; repeatable
    #[arg(long, value_name = "GROUP")]
    add_group: Vec<String>,
    /// Remove from this group; repeatable
    #[arg(long, value_name = "GROUP")]
    remove_group: Vec<String>,
    /// Deactivate the accounts
    #[arg(long, conflicts_with = "reactivate")]
    deactivate: bool,
    /// Give deactivated accounts the status back that they had
    #[arg(long)]
    reactivate: bool,
    /// Remove the accounts that muster made and nobody used
    #[arg(long, conflicts_with_all = ["set", "clear", "role", "add_group", "remove_group", "deactivate", "reactivate", "password_stdin"])]
    remove: bool,
    /// Give active accounts the password on stdin, which must be changed at the first sign-in
    #[arg(long, conflicts_with = "plan")]
    password_stdin: bool,
}

/// `muster people change`.
pub(in crate::cli) fn change(args: &ChangeArgs) -> Result<Exit> {
    let started = SystemTime::now();
    let run = new_run(started);
    let args = &args.read()?;
    let mut pipeline = crate::pipelines::open(args.pipeline.name.as_deref())?;
    pipeline.definition.accounts.today = Some(crate::pipelines::today());
    let (columns, selected) = {
        let store = open_store(args, &pipeline)?;
        let mut columns = Columns::of(&args.what, &pipeline.definition, &store)?;
        let selected = select(args, &store)?;
        if args.what.remove {
            let ids: Vec<Uuid> = selected.iter().map(|account| account.id).collect();
            columns.used = store.find_used(&ids)?;
            let protected = Protected::of(&pipeline.definition);
            let protected = selected.iter().filter(|account| {
                let roles = account.roles.iter().map(String::as_str);
                protected.has(roles, account.email_key.as_deref())
            });
            let why = |account: &Selected| (account.id, "the pipeline protects it".to_string());
            columns.used.extend(protected.map(why));
            name_used(&selected, &columns.used);
        }
        (columns, selected)
    };
    let task = match args.apply {
        true => Task::Import,
        false => Task::Check {
            offline: false,
            plan: args.plan.as_deref().map(begin_plan).transpose()?,
        },
    };
    let password = args
        .what
        .password_stdin
        .then(|| read_password(&pipeline.definition, &selected))
        .transpose()?;
    let text = columns.csv(&selected, &args.what);
    let made = Made::write(&run.id, &args.output, FILE, &text)?;
    for (class, count) in &args.allow.counts {
        pipeline.set("allow", &format!("{} {count}", class.name()))?;
    }
    pipeline.set("change", &columns.change(&args.what).text())?;
    if password.is_some() {
        // No run goes on with another password than the one that it began with.
        pipeline.set("password", &run.id)?;
    }
    let run_args = RunArgs {
        password,
        files: vec![made.path.clone()],
        pipeline: args.pipeline.clone(),
        database: args.database.clone(),
        output: args.output.clone(),
        allow: args.allow.clone(),
        memory: args.memory.clone(),
        again: Some(again(args)),
        ..RunArgs::default()
    };
    made.carry_out(&run_args, &pipeline, task, started, run)
}

impl ChangeArgs {
    /// With the lines of the files that `--set` names.
    fn read(&self) -> Result<ChangeArgs> {
        let mut args = self.clone();
        args.what.set.clear();
        for word in &self.what.set {
            let Some(path) = word.strip_prefix('@') else {
                args.what.set.push(word.clone());
                continue;
            };
            if path == "-" && self.only.iter().chain(&self.except).any(|who| who == "@-") {
                let what = "stdin can't hold both the people and the values";
                return Err(Refusal::new(Code::UsageInvalid, what)
                    .help("name the people as arguments, or in a file"));
            }
            let text = words::read_list(path)?;
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            args.what.set.extend(lines.map(String::from));
        }
        Ok(args)
    }
}

/// The password, which must suit everybody who gets it.
fn read_password(definition: &Definition, selected: &[Selected]) -> Result<Given> {
    let names: Vec<[&str; 4]> = selected
        .iter()
        .map(|account| {
            let [first, last, shown] = &account.names;
            [first, last, shown, &account.username].map(|name| name.as_deref().unwrap_or_default())
        })
        .collect();
    let people: Vec<Known> = selected
        .iter()
        .zip(&names)
        .map(|(account, names)| Known {
            names,
            email: account.email.as_deref().unwrap_or_default(),
            product: &definition.mail.product,
        })
        .collect();
    password::read(definition, &people)
}

/// The database, with the accounts that the pipeline is for.
fn open_store(args: &ChangeArgs, pipeline: &Pipeline) -> Result<Store> {
    let target = Target::find(args.database.database.as_deref(), &home_from_environment()?)?;
    Store::open_to_look(target, &pipeline.definition)?.ok_or_else(|| {
        let what = "there are no accounts yet: nothing was imported there";
        Refusal::new(Code::SelectionUnknown, what).help("import people first")
    })
}

fn select(args: &ChangeArgs, store: &Store) -> Result<Vec<Selected>> {
    let among = Among::Accounts(store);
    let (only, except) = (wishes(&args.only, &among)?, wishes(&args.except, &among)?);
    let selected = store.select_accounts(&only, &except)?;
    if selected.is_empty() {
        let what = "the selection is empty: no account is in it";
        return Err(
            Refusal::new(Code::SelectionUnknown, what).help("check what --only and --except name")
        );
    }
    Ok(selected)
}

/// What each account gets: the columns of the file after the first two, and what is in them.
struct Columns {
    cells: Vec<(String, String)>,
    attributes: Vec<String>,
    separator: char,
    /// Why accounts can't be removed.
    used: HashMap<Uuid, String>,
}

impl Columns {
    /// What the arguments say, checked against the pipeline and what is there.
    fn of(what: &WhatArgs, definition: &Definition, store: &Store) -> Result<Columns> {
        let mut columns = Columns {
            cells: Vec::new(),
            attributes: Vec::new(),
            separator: separator(what)?,
            used: HashMap::new(),
        };
        let clear = match definition.update.clear.as_str() {
            "" => Updates::default().clear,
            clear => clear.to_string(),
        };
        for set in &what.set {
            let (name, value) = set.split_once('=').ok_or_else(|| {
                let what = format!("`--set {}` has no `=`", name_of(set));
                Refusal::new(Code::UsageInvalid, what).help("write it as FIELD=VALUE")
            })?;
            columns.set(name.trim(), value, &clear, definition, store)?;
        }
        for name in &what.clear {
            columns.clear(name.trim(), &clear, definition, store)?;
        }
        if let Some(role) = &what.role {
            columns.set("role", role, &clear, definition, store)?;
        }
        for (field, named) in [
            (Field::AddGroups, &what.add_group),
            (Field::RemoveGroups, &what.remove_group),
        ] {
            columns.groups(field, named, definition, store)?;
        }
        if what.deactivate || what.reactivate {
            check_kept(Field::Status, definition)?;
        }
        if what.deactivate {
            columns.put("status", "deactivated")?;
        }
        let is_nothing = columns.cells.is_empty() && !what.reactivate && !what.remove;
        if is_nothing && !what.password_stdin {
            let what = "the command says whom to change, but not what";
            return Err(Refusal::new(Code::UsageInvalid, what)
                .help("add an option such as `--set`; `muster people change --help` lists them"));
        }
        Ok(columns)
    }

    fn put(&mut self, column: &str, value: &str) -> Result<()> {
        if self
            .cells
            .iter()
            .any(|(name, _)| text::key(name) == text::key(column))
        {
            let what = format!("`{column}` is changed twice by this command");
            return Err(Refusal::new(Code::UsageInvalid, what).help("name each field once"));
        }
        self.cells.push((column.to_string(), value.to_string()));
        Ok(())
    }

    /// `--set` and `--role`.
    fn set(
        &mut self,
        name: &str,
        value: &str,
        clear: &str,
        definition: &Definition,
        store: &Store,
    ) -> Result<()> {
        let value = value.trim();
        if value.is_empty() || value == clear {
            let what = format!("`--set {name}=` has no value to set");
            let help = format!("to take away what the accounts have, write `--clear {name}`");
            return Err(Refusal::new(Code::UsageInvalid, what).help(help));
        }
        match Field::from_name(name) {
            Some(Field::Status) => {
                let what = "the status isn't set by `--set`";
                Err(Refusal::new(Code::UsageInvalid, what).help("use --deactivate or --reactivate"))
            }
            Some(field) if field.lists_groups() => {
                let what = "groups aren't set by `--set`";
                Err(Refusal::new(Code::UsageInvalid, what)
                    .help("use --add-group and --remove-group"))
            }
            Some(field) => {
                check_kept(field, definition)?;
                if field == Field::Role {
                    check_role(value, definition)?;
                }
                self.put(field.name(), value)
            }
            None => {
                let name = self.attribute(name, definition, store)?;
                self.put(&attribute_column(&name), value)
            }
        }
    }

    fn clear(
        &mut self,
        name: &str,
        clear: &str,
        definition: &Definition,
        store: &Store,
    ) -> Result<()> {
        let Some(field) = Field::from_name(name) else {
            let name = self.attribute(name, definition, store)?;
            return self.put(&attribute_column(&name), clear);
        };
        let is_required = definition.require.fields.iter().any(|one| one == name);
        let why = match field {
            _ if is_required => "the pipeline requires it",
            Field::Groups if definition.groups.required => "the pipeline requires a group",
            _ if field.is_clearable() => {
                check_kept(field, definition)?;
                return self.put(name, clear);
            }
            _ => "an account can't be without it, or is found by it",
        };
        let what = format!("`{name}` can't be cleared: {why}");
        Err(Refusal::new(Code::UsageInvalid, what).help("set another value instead"))
    }

    /// The custom attribute of that name, which must be known.
    fn attribute(&mut self, name: &str, definition: &Definition, store: &Store) -> Result<String> {
        let bare = name.strip_prefix("attributes.").unwrap_or(name);
        let mut known: Vec<String> = definition.attributes.keys().cloned().collect();
        match &definition.target {
            Some(target) => known = target.attributes().map(|(name, _)| name.into()).collect(),
            None if known.iter().any(|one| one == bare) => {}
            None => known.extend(store.attribute_names()?),
        }
        if known.iter().any(|one| one == bare) {
            self.attributes.push(bare.to_string());
            return Ok(bare.to_string());
        }
        let fields = Field::ALL.iter().map(|field| field.name());
        let near = nearest(bare, fields.chain(known.iter().map(String::as_str)));
        let what = format!("there is no field or attribute `{}`", name_of(name));
        Err(Refusal::new(Code::UsageInvalid, what).help(match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name a field, or an attribute that the pipeline or an account has".to_string(),
        }))
    }

    /// `--add-group` and `--remove-group`: groups that exist.
    fn groups(
        &mut self,
        field: Field,
        named: &[String],
        definition: &Definition,
        store: &Store,
    ) -> Result<()> {
        if named.is_empty() {
            return Ok(());
        }
        check_kept(field, definition)?;
        let paths = store.group_paths()?;
        for name in named {
            let (path, _) = group::path_and_role(name.trim(), &definition.groups);
            let key = group::key(path);
            if paths.iter().any(|path| group::key(path) == key) {
                continue;
            }
            let what = format!("there is no group `{path}`");
            let near = nearest(&key, paths.iter().map(String::as_str));
            return Err(Refusal::new(Code::SelectionUnknown, what).help(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "create it first; a change creates no group".to_string(),
            }));
        }
        let separator = self.separator.to_string();
        self.put(field.name(), &named.join(&separator))
    }

    /// By what the file is read.
    fn change(&self, what: &WhatArgs) -> Change {
        Change {
            attributes: self.attributes.clone(),
            separator: self.separator,
            reopens: what.reactivate,
            removes: what.remove,
        }
    }

    /// The file. Whoever was `invited` when the account was closed gets that back by an empty status.
    fn csv(&self, selected: &[Selected], what: &WhatArgs) -> Vec<u8> {
        let mut csv = Csv::exact(Style::own());
        let names = self.cells.iter().map(|(name, _)| name.as_str());
        let own = [(what.reactivate, "status"), (what.remove, USED)];
        let own = own.iter().filter(|(is_there, _)| *is_there);
        let own = own.map(|(_, name)| *name);
        let mut text = csv
            .names([ACCOUNT, WHO].into_iter().chain(own).chain(names))
            .to_vec();
        let mut id = Uuid::encode_buffer();
        for account in selected {
            let was_invited = account.status_before.as_deref() == Some("invited");
            let status = match account.status.as_str() {
                "deactivated" if !was_invited => "active",
                _ => "",
            };
            let used = self.used.get(&account.id).map_or("", String::as_str);
            let own = [(what.reactivate, status), (what.remove, used)];
            let own = own.iter().filter(|(is_there, _)| *is_there);
            let own = own.map(|(_, value)| *value);
            let id: &str = account.id.hyphenated().encode_lower(&mut id);
            let values = self.cells.iter().map(|(_, value)| value.as_str());
            let cells = [id, account.who()].into_iter().chain(own).chain(values);
            text.extend_from_slice(csv.line(cells));
        }
        text
    }
}

/// The most people whom a remark names.
const NAMED_MAX: usize = 20;

/// Names those who stay, with what they did.
fn name_used(selected: &[Selected], used: &HashMap<Uuid, String>) {
    let kept = selected
        .iter()
        .filter_map(|account| Some((account, used.get(&account.id)?)));
    for (account, reason) in kept.take(NAMED_MAX) {
        warn(&format!("`{}` stays: {reason}", account.who()));
    }
    if used.len() > NAMED_MAX {
        let more = used.len() - NAMED_MAX;
        warn(&format!(
            "and {more} more stay; the summary page lists them"
        ));
    }
}

/// A character that separates groups and is in none of their names.
fn separator(what: &WhatArgs) -> Result<char> {
    let is_free = |separator: &char| {
        let mut all = what.add_group.iter().chain(&what.remove_group);
        !all.any(|name| name.contains(*separator))
    };
    [';', '|', ',', '~', '^', '¦']
        .into_iter()
        .find(is_free)
        .ok_or_else(|| {
            let what = "these groups can't be changed together";
            Refusal::new(Code::UsageInvalid, what).help("change one group at a time")
        })
}

/// The name that a word begins with: values belong in no message.
fn name_of(word: &str) -> &str {
    word.split('=').next().unwrap_or_default()
}

/// Refuses what the application's table has no column for.
fn check_kept(field: Field, definition: &Definition) -> Result<()> {
    let is_kept = definition
        .target
        .as_ref()
        .is_none_or(|target| target.keeps(&crate::row::Slot::Field(field)));
    if is_kept {
        return Ok(());
    }
    let what = format!("the accounts' table has no column for `{}`", field.name());
    Err(Refusal::new(Code::UsageInvalid, what).help("name one under `[target]`"))
}

/// Refuses a role that the pipeline doesn't give.
fn check_role(role: &str, definition: &Definition) -> Result<()> {
    let lower = text::lower(role).unwrap_or_else(|| role.to_string());
    if definition.role.meaning(&lower).is_some() {
        return Ok(());
    }
    let known = &definition.accounts.roles;
    let what = format!("the pipeline gives no role `{role}`");
    Err(Refusal::new(Code::UsageInvalid, what).help(
        match nearest(&lower, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "its roles are {}; `-p` names another pipeline",
                known.join(", ")
            ),
        },
    ))
}

/// The command that does what was previewed. It names fields, and no values of people: pasted as it is,
/// it is refused.
fn again(args: &ChangeArgs) -> String {
    let mut words = vec!["muster people change".to_string()];
    if args.all {
        words.push("--all".to_string());
    }
    for (option, named) in [("--only", &args.only), ("--except", &args.except)] {
        words.extend(named.iter().map(|word| format!("{option} {}", shown(word))));
    }
    let what = &args.what;
    for set in &what.set {
        words.push(format!("--set {}…", shell_word(name_of(set))));
    }
    words.extend(
        what.clear
            .iter()
            .map(|name| format!("--clear {}", shell_word(name))),
    );
    for (option, named) in [
        ("--add-group", &what.add_group),
        ("--remove-group", &what.remove_group),
    ] {
        words.extend(
            named
                .iter()
                .map(|name| format!("{option} {}", shell_word(name))),
        );
    }
    words.extend(
        what.role
            .iter()
            .map(|role| format!("--role {}", shell_word(role))),
    );
    for (is_set, option) in [
        (what.deactivate, "--deactivate"),
        (what.reactivate, "--reactivate"),
        (what.remove, "--remove"),
        (what.password_stdin, "--password-stdin"),
    ] {
        words.extend(is_set.then(|| option.to_string()));
    }
    if let Some(pipeline) = &args.pipeline.name {
        words.push(format!("-p {}", shell_word(pipeline)));
    }
    words.push("--apply".to_string());
    words.join(" ")
}

/// A word of a selection as reports may have it: whoever it names is left out.
fn shown(word: &str) -> String {
    let is_shown = word.starts_with('@')
        || ["group:", "role:", "organization:", "status:", "run:"]
            .iter()
            .any(|kind| word.starts_with(kind));
    match is_shown {
        true => shell_word(word),
        false => "…".to_string(),
    }
}
