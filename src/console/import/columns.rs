//! What each column of the file becomes: proposed, confirmed or changed.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use maud::{Markup, html};
use uuid::Uuid;

use super::{asked, folder_of, is_known, pipelines, rows};
use crate::console::ask::{Answer, Ask, Page};
use crate::console::commands::{Said, output};
use crate::console::jobs::{self, Work};
use crate::console::page::{command, form, masked, prose, visible};
use crate::console::steps::steps;
use crate::field::{Field, NamePart};
use crate::issue::Code;
use crate::pipeline::proposal::{Document, ShownColumn};
use crate::refusal::{Refusal, Result};
use crate::store;
use crate::store::uploads::{Settings, Upload};
use crate::text::shell;

/// The most characters of a value that are shown.
const VALUE_CHARS_MAX: usize = 60;

/// What a look at the file came to.
enum Looked {
    Proposal(Box<Document>),
    Refused(Said),
}

/// The arguments that say how the file is read; all commands have them.
pub(crate) fn reading(settings: &Settings) -> Vec<String> {
    let mut args = Vec::new();
    for (name, value) in [
        ("sheet", &settings.sheet),
        ("delimiter", &settings.delimiter),
        ("encoding", &settings.encoding),
    ] {
        if let Some(value) = value {
            args.push(format!("--{name}={value}"));
        }
    }
    args
}

fn map_args(upload: &Upload) -> Vec<String> {
    let mut args = vec!["map".to_string(), upload.path.clone()];
    args.extend(reading(&upload.settings));
    match &upload.settings.pipeline {
        _ if upload.settings.by_hand => args.push("--guess".to_string()),
        Some(pipeline) => args.push(format!("--pipeline={pipeline}")),
        None => {}
    }
    args
}

/// Looks at the file, in a process of its own.
fn look(ask: &Ask, upload: &Upload) -> Result<Looked> {
    let mut args = map_args(upload);
    args.push("--json".to_string());
    if !ask.masks() {
        args.push("--unmasked".to_string());
    }
    let output = output(ask.app, &args, "")?;
    if let Ok(document) = serde_json::from_str(&output.stdout) {
        return Ok(Looked::Proposal(Box::new(document)));
    }
    let said = Said::of(&output.stderr).unwrap_or_else(|| Said {
        code: Code::FileUnreadable.name().to_string(),
        what: "the file can't be read".to_string(),
        help: Code::FileUnreadable.fix().to_string(),
    });
    Ok(Looked::Refused(said))
}

/// `/import/{upload}`.
pub(crate) fn page(ask: &mut Ask) -> Result<Answer> {
    match asked(ask)? {
        Some(upload) => Ok(shown(ask, &upload, None)?.into()),
        None => Ok(Answer::Missing),
    }
}

/// The page; after a form that can't be carried out, with what was answered, and why.
fn shown(ask: &Ask, upload: &Upload, problem: Option<&Said>) -> Result<Page> {
    let looked = look(ask, upload)?;
    let body = html! {
        (steps(ask, 1))
        @if let Some(said) = problem { (refused(ask, said)) }
        @match &looked {
            Looked::Refused(said) => (refused(ask, said)),
            Looked::Proposal(document) => (proposal(ask, upload, document)),
        }
        (how_it_is_read(ask, upload, &looked))
        (command(ask, &shell::command(&map_args(upload))))
    };
    let page = Page::new("/import", &upload.name, body);
    Ok(match problem {
        Some(_) => page.refusing(),
        None => page,
    })
}

/// A refusal of a command, as a message.
pub(crate) fn refused(ask: &Ask, said: &Said) -> Markup {
    html! {
        div.problem role="alert" {
            p { strong { (prose(&said.what)) } }
            @for line in said.help.lines() { p { (prose(line)) } }
            p.small { (ask.t("The code of this problem is")) " " code { (visible(&said.code)) } "." }
        }
    }
}

fn proposal(ask: &Ask, upload: &Upload, document: &Document) -> Markup {
    let examined = rows(ask, document.rows);
    html! {
        @if let Some(why) = &document.recognized {
            div.note { p { (prose(why)) } }
        }
        @if !document.questions.is_empty() {
            div.warning role="status" {
                p { strong { (ask.t("Some columns aren't clear. Choose what they are.")) } }
                ul { @for question in &document.questions { li { (prose(&question.what)) } } }
            }
        }
        @if !document.missing.is_empty() {
            div.warning role="status" {
                p { (ask.t("No column is chosen for:")) " " @for (index, name) in document.missing.iter().enumerate() { @if index > 0 { ", " } (field_name(ask, name)) } ". " (ask.t("People can be imported without it, if something else identifies them.")) }
            }
        }
        section aria-labelledby="columns" {
            h2 id="columns" { (ask.t("What the columns are")) }
            (masked(ask))
            p { (ask.tf("Proposed from the names of the columns and the first {rows}.", &[("rows", &examined)])) }
            (form(ask, &format!("/import/{}/columns", upload.id), html! {
                div.scroll tabindex="0" role="region" aria-labelledby="columns" { (table(ask, document)) }
                @if document.guessed { (keep(ask, upload)) }
                button { (ask.t("Check all rows")) }
                p.small { (ask.t("The check writes nothing and mails nobody.")) }
            }))
        }
    }
}

fn table(ask: &Ask, document: &Document) -> Markup {
    html! {
        table.columns-table.words {
            caption.hidden { (ask.t("What the columns are")) }
            thead { tr {
                th scope="col" { (ask.t("Column")) }
                th scope="col" { (ask.t("Values")) }
                th scope="col" { (ask.t("Becomes")) }
                th scope="col" { (ask.t("How sure")) }
            } }
            tbody { @for (index, column) in document.columns.iter().enumerate() { tr {
                th scope="row" id={ "column-" (index) } { (visible(&cut(&column.header))) @if column.header.is_empty() { span.faint { (ask.t("no name")) } } }
                td { @for (at, value) in column.values.iter().enumerate() { @if at > 0 { " · " } (visible(&cut(value))) } }
                td { @if document.guessed && is_open(column) { (choice(ask, index, column)) } @else { (word(ask, column)) @if document.guessed { input type="hidden" name="becomes" value=""; } } }
                td { (certainty(ask, column)) }
            } } }
        }
    }
}

/// Whether somebody may say what the column is.
fn is_open(column: &ShownColumn) -> bool {
    let is_own = crate::header::is_own(&column.header);
    column.becomes != "password" && !column.header.is_empty() && !is_own
}

fn choice(ask: &Ask, index: usize, column: &ShownColumn) -> Markup {
    let is_asked = column.becomes == "ask";
    html! {
        select name="becomes" aria-labelledby={ "column-" (index) } required[is_asked] aria-invalid=[is_asked.then_some("true")] {
            @if is_asked { option value="" selected { (ask.t("Please choose")) } }
            @for field in Field::ALL { (option(ask, field.name(), column)) }
            @for part in NamePart::ALL { (option(ask, part.name(), column)) }
            (option(ask, "attribute", column))
            (option(ask, "ignore", column))
        }
    }
}

fn option(ask: &Ask, word: &'static str, column: &ShownColumn) -> Markup {
    let could = column.could_be.iter().any(|field| field == word);
    html! {
        option value=(word) selected[column.becomes == word] { (field_name(ask, word)) @if could { " ★" } }
    }
}

fn word(ask: &Ask, column: &ShownColumn) -> Markup {
    let words: Vec<&str> = match column.becomes.as_str() {
        "ask" => column.could_be.iter().map(String::as_str).collect(),
        "password" => vec!["ignore"],
        word => vec![word],
    };
    html! { @for (index, word) in words.iter().enumerate() { @if index > 0 { " / " } (field_name(ask, word)) } }
}

/// A field as people call it.
pub(crate) fn field_name(ask: &Ask, word: &str) -> String {
    let english = match word {
        "external_id" => "Id in the source system",
        "email" => "E-mail",
        "username" => "Username",
        "first_name" => "First name",
        "last_name" => "Last name",
        "full_name" => "Full name",
        "display_name" => "Display name",
        "phone" => "Phone",
        "country" => "Country",
        "language" => "Language",
        "organization" => "Organization",
        "groups" => "Groups",
        "add_groups" => "Groups to join",
        "remove_groups" => "Groups to leave",
        "role" => "Role",
        "other_roles" => "Further roles",
        "status" => "Status",
        "start_date" => "First day",
        "end_date" => "Last day",
        "manager" => "Manager",
        "sessions" => "Sessions",
        "password_hash" => "Password hash",
        "middle_name" => "Middle name",
        "last_name_prefix" => "Prefix of the last name",
        "second_last_name" => "Second last name",
        "name_suffix" => "Suffix of the name",
        "attribute" => "Keep as it is",
        "ignore" => "Leave out",
        _ => return word.to_string(),
    };
    ask.t(english).to_string()
}

fn certainty(ask: &Ask, column: &ShownColumn) -> Markup {
    let (class, text) = match column.certainty.as_str() {
        "certain" => ("badge good", "sure"),
        "likely" if column.becomes == "attribute" => ("badge note", "unknown"),
        "likely" => ("badge note", "likely"),
        _ => ("badge warning", "not clear"),
    };
    html! { span class=(class) { (ask.t(text)) } " " span.small { (prose(&column.why)) } }
}

/// Where the answers are kept for the next file.
fn keep(ask: &Ask, upload: &Upload) -> Markup {
    html! {
        details {
            summary { (ask.t("Use these columns for later files, too")) }
            div.field {
                label for="name" { (ask.t("Name of the new pipeline")) }
                input type="text" id="name" name="name" maxlength="60" pattern="[a-z0-9-]+" placeholder=(slug(&upload.name)) aria-describedby="name-help";
                p.small id="name-help" { (ask.t("Small letters, digits and hyphens. Leave it empty to use the columns for this file only. It is written into the folder `pipelines`, where every command finds it.")) }
            }
        }
    }
}

/// A name for a pipeline, from that of a file.
fn slug(name: &str) -> String {
    let stem = name.split('.').next().unwrap_or_default().to_lowercase();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let slug: String = stem.chars().map(plain).take(40).collect();
    slug.trim_matches('-').to_string()
}

fn how_it_is_read(ask: &Ask, upload: &Upload, looked: &Looked) -> Markup {
    let settings = &upload.settings;
    let sheets = match looked {
        Looked::Proposal(document) => document.sheets.as_slice(),
        Looked::Refused(_) => &[],
    };
    let sheet = match looked {
        Looked::Proposal(document) => document.sheet.as_deref().or(settings.sheet.as_deref()),
        Looked::Refused(_) => settings.sheet.as_deref(),
    };
    let is_refused = matches!(looked, Looked::Refused(_));
    html! {
        section {
            details open[is_refused] {
                summary { (ask.t("Read the file in another way")) }
                (form(ask, &format!("/import/{}/reading", upload.id), html! {
                    div.field {
                        label for="pipeline" { (ask.t("What kind of list it is")) }
                        select id="pipeline" name="pipeline" {
                            option value="" { (ask.t("Find out by its columns")) }
                            option value="by-hand" selected[settings.by_hand] { (ask.t("Choose the columns by hand")) }
                            (pipelines(ask, settings.pipeline.as_deref().filter(|_| !settings.by_hand).unwrap_or_default()))
                        }
                    }
                    @if sheets.len() > 1 {
                        div.field {
                            label for="sheet" { (ask.t("Sheet")) }
                            select id="sheet" name="sheet" {
                                @for name in sheets { option value=(name) selected[Some(name.as_str()) == sheet] { (name) } }
                            }
                        }
                    } @else if is_refused || sheet.is_some() {
                        div.field {
                            label for="sheet" { (ask.t("Sheet, by name or number")) }
                            input type="text" id="sheet" name="sheet" value=(sheet.unwrap_or_default());
                        }
                    }
                    @if sheets.is_empty() {
                        div.field {
                            label for="delimiter" { (ask.t("Delimiter, such as ; or \\t")) }
                            input type="text" id="delimiter" name="delimiter" maxlength="8" value=(settings.delimiter.as_deref().unwrap_or_default());
                        }
                        div.field {
                            label for="encoding" { (ask.t("Encoding, such as windows-1252")) }
                            input type="text" id="encoding" name="encoding" maxlength="40" value=(settings.encoding.as_deref().unwrap_or_default());
                        }
                    }
                    button.second { (ask.t("Look again")) }
                }))
            }
        }
    }
}

/// The beginning of a text that may be long.
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

/// `/import/{upload}/reading`.
pub(crate) fn read_otherwise(ask: &mut Ask) -> Result<Answer> {
    let Some(mut upload) = asked(ask)? else {
        return Ok(Answer::Missing);
    };
    let said = |name: &str| {
        let value = ask.form.get(name).to_string();
        Some(value).filter(|value| !value.is_empty())
    };
    let pipeline = said("pipeline").filter(|name| is_known(name));
    let settings = Settings {
        by_hand: ask.form.get("pipeline") == "by-hand",
        pipeline,
        sheet: said("sheet"),
        delimiter: said("delimiter"),
        encoding: said("encoding"),
        columns: None,
        ..upload.settings
    };
    upload.settings = settings;
    ask.store.set_upload(upload.id, &upload.settings)?;
    Ok(Answer::See(format!("/import/{}", upload.id)))
}

/// `/import/{upload}/columns`: keeps the answers, and starts the check.
pub(crate) fn confirm(ask: &mut Ask) -> Result<Answer> {
    let Some(mut upload) = asked(ask)? else {
        return Ok(Answer::Missing);
    };
    if ask.form.has("becomes") {
        match kept(ask, &upload)? {
            Ok(path) => upload.settings.columns = Some(path.display().to_string()),
            Err(said) => return Ok(shown(ask, &upload, Some(&said))?.into()),
        }
    }
    let job = check(ask, &mut upload, &[])?;
    Ok(Answer::See(format!("/jobs/{job}")))
}

/// Writes the answers as a pipeline: into the folder where commands find it, if it was given a name.
fn kept(ask: &Ask, upload: &Upload) -> Result<std::result::Result<PathBuf, Said>> {
    let name = ask.form.get("name").trim();
    let path = match name {
        "" => once(&ask.app.home, upload.id)?,
        name => match own_pipeline(name) {
            Ok(path) => path,
            Err(refusal) => return Ok(Err(said(&refusal))),
        },
    };
    let words: Vec<&str> = ask.form.all("becomes").collect();
    let answers = serde_json::to_string(&words).unwrap_or_default();
    let mut args = map_args(upload);
    args.push("--answers=-".to_string());
    args.push(format!("--out={}", path.display()));
    if name.is_empty() {
        args.push("--force".to_string());
    }
    let output = output(ask.app, &args, &answers)?;
    Ok(match Said::of(&output.stderr) {
        Some(said) => Err(said),
        None => Ok(path),
    })
}

/// The pipeline of one upload. It stays when the upload is deleted, because the run names it.
fn once(home: &Path, upload: Uuid) -> Result<PathBuf> {
    let folder = home.join("columns").join(upload.to_string());
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder);
    made.map_err(|error| crate::file::unwritable(&folder, &error))?;
    Ok(folder.join("users.toml"))
}

fn said(refusal: &Refusal) -> Said {
    Said {
        code: refusal.code.name().to_string(),
        what: refusal.what.clone(),
        help: refusal.help.clone(),
    }
}

/// The file of a new pipeline of that name.
fn own_pipeline(name: &str) -> Result<PathBuf> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let refuse =
        |what: String| Err(Refusal::new(Code::UsageInvalid, what).help("choose another name"));
    if !name.chars().all(is_plain) || name.starts_with('-') {
        return refuse(format!(
            "`{name}` has other characters than small letters, digits and hyphens"
        ));
    }
    let folder = Path::new("pipelines");
    let path = folder.join(format!("{name}.toml"));
    if is_known(name) || path.exists() {
        return refuse(format!("there is a pipeline `{name}` already"));
    }
    std::fs::create_dir_all(folder).map_err(|error| crate::file::unwritable(folder, &error))?;
    Ok(path)
}

/// Starts a check of all rows that writes a plan. `allowed` lets through what safeguards would hold.
///
/// # Errors
/// A refusal with a `database.*` code.
pub(crate) fn check(ask: &mut Ask, upload: &mut Upload, allowed: &[(String, u64)]) -> Result<Uuid> {
    let id = store::new_id()?;
    let settings = &upload.settings;
    let mut args = vec!["check".to_string(), upload.path.clone()];
    args.extend(reading(settings));
    let by_hand = settings.columns.as_ref();
    if let Some(pipeline) = by_hand.or(settings.pipeline.as_ref()) {
        args.push(format!("--pipeline={pipeline}"));
    }
    for (class, count) in allowed {
        args.push(format!("--allow={class}={count}"));
    }
    let plan = plan_of(&ask.app.home, upload.id, id);
    args.push(format!("--plan={}", plan.display()));
    args.push("--json".to_string());
    let work = Work {
        kind: "check",
        args,
        stdin: None,
        about: upload.id.to_string(),
        leads_to: format!("/import/{}/plan/{id}", upload.id),
    };
    // The columns may have been chosen in another way since a check began that still runs.
    let columns = by_hand.map(|path| std::fs::read_to_string(path).unwrap_or_default());
    let subject = jobs::subject(&work) + columns.unwrap_or_default().as_str();
    let job = jobs::start_about(ask, id, work, subject)?;
    upload.settings.check = Some(job);
    ask.store.set_upload(upload.id, &upload.settings)?;
    Ok(job)
}

/// The plan that a check wrote.
pub(crate) fn plan_of(home: &Path, upload: Uuid, check: Uuid) -> PathBuf {
    folder_of(home, upload).join(format!("{check}.plan"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_pipelines_stay_in_their_folder() {
        for name in ["../x", "a/b", "-x", "X", "users", "ä"] {
            assert!(own_pipeline(name).is_err(), "{name}");
        }
        assert_eq!(slug("Neue Leute (2026).xlsx"), "neue-leute--2026");
    }
}
