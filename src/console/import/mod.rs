//! `/import`: a file comes in, its columns are confirmed, all its rows are checked, and exactly
//! that is imported.
//!
//! Each step is an address, so that a tab can be closed and the way back works. What was chosen is
//! kept with the upload; what reads the file is a command in a process of its own.

use std::path::{Path, PathBuf};

use maud::{Markup, html};
use uuid::Uuid;

use super::ask::{Answer, Ask, Content, Download, Page};
use super::jobs;
use super::page::{form, visible};
use super::steps::steps;
use crate::definition::SHIPPED;
use crate::refusal::Result;
use crate::report::{human, template};
use crate::store::Store;
use crate::store::uploads::Upload;

pub(super) mod columns;
pub(super) mod plan;
pub(super) mod upload;

use self::upload::Problem;

/// How many uploads are listed.
const LISTED: u32 = 10;

/// Where the files of an upload are.
pub fn folder_of(home: &Path, id: Uuid) -> PathBuf {
    home.join("uploads").join(id.to_string())
}

/// Removes the files of uploads that are older than that many days. What can't be removed is tried
/// again the next time.
///
/// # Errors
/// A refusal with a `database.*` code.
pub fn tidy(home: &Path, days: u32, store: &Store) -> Result<()> {
    for id in store.old_uploads(days)? {
        discard(home, store, id)?;
    }
    store.delete_old_jobs(days)?;
    Ok(())
}

fn discard(home: &Path, store: &Store, id: Uuid) -> Result<()> {
    let folder = folder_of(home, id);
    let removed = std::fs::remove_dir_all(&folder);
    if removed.is_ok() || !folder.exists() {
        store.remove_upload(id)?;
    }
    Ok(())
}

/// The upload of the path.
pub(super) fn asked(ask: &Ask) -> Result<Option<Upload>> {
    match ask.part("upload").parse() {
        Ok(id) => ask.store.upload(id).map(Some),
        Err(_) => Ok(None),
    }
}

/// `/import`.
pub(super) fn page(ask: &mut Ask) -> Result<Answer> {
    ask.acts("delete old uploads", "");
    tidy(&ask.app.home, ask.app.upload_days, ask.store)?;
    let uploads = ask.store.list_uploads(LISTED)?;
    let body = html! {
        (steps(ask, 0))
        @if let Some(problem) = problem(ask) {
            div.problem role="alert" { p { strong { (problem) } } p { (ask.t("Nothing was kept of the file.")) } }
        }
        @if let Some(sentence) = jobs::locked(ask)? {
            div.note { p { (sentence) " " (ask.t("You can send and check a file meanwhile.")) } }
        }
        section aria-labelledby="choose" {
            h2 id="choose" { (ask.t("Send a list of people")) }
            p { (ask.t("Nothing is imported yet, and nobody is mailed. You see first what would happen.")) }
            (file_form(ask))
        }
        (templates(ask))
        @if !uploads.is_empty() { (listed(ask, &uploads)) }
    };
    Ok(Page::new("/import", ask.t("Import a list"), body).into())
}

/// What the last form's problem is, in words.
fn problem(ask: &Ask) -> Option<String> {
    let name = ask.query.get("problem");
    let (problem, _) = Problem::ALL.iter().find(|(_, known)| *known == name)?;
    let text = match problem {
        Problem::TooLarge => {
            let most = size(ask, ask.app.upload_bytes);
            return Some(ask.tf(
                "The file is larger than {most}, which is the limit here.",
                &[("most", &most)],
            ));
        }
        Problem::NoSpace => "The disk of this machine has no room for the file.",
        Problem::Empty => "No file was chosen, or it is empty.",
        Problem::CutOff => "The file didn't come as a whole. Send it again.",
        Problem::Foreign => {
            "The form is from an older page or another site. Reload the page and send the file again."
        }
        Problem::SentAgain => "The file is being sent already. Wait until that has ended.",
        Problem::Failed => "The file couldn't be kept, because the disk or the database failed.",
    };
    Some(ask.t(text).to_string())
}

/// `12 MB`, in the viewer's way of writing numbers.
pub(super) fn size(ask: &Ask, bytes: u64) -> String {
    let units = [(1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")];
    let unit = units.into_iter().find(|(unit, _)| bytes >= *unit);
    match unit {
        Some((unit, name)) => format!("{} {name}", ask.number(bytes / unit)),
        None => ask.tf("{count} bytes", &[("count", &bytes)]),
    }
}

fn file_form(ask: &Ask) -> Markup {
    let most = size(ask, ask.app.upload_bytes);
    html! {
        form method="post" action="/import" enctype="multipart/form-data" data-max=(ask.app.upload_bytes) {
            (super::page::hidden(&ask.session.secret))
            div.field {
                label for="pipeline" { (ask.t("What kind of list it is")) }
                select id="pipeline" name="pipeline" {
                    option value="" { (ask.t("Find out by its columns")) }
                    (pipelines(ask, ""))
                }
            }
            div.field {
                label for="file" { (ask.t("File")) }
                input type="file" id="file" name="file" required accept=".csv,.tsv,.txt,.xlsx,.xlsm,.xlsb,.xls,.ods,.json,.jsonl,.ndjson,.parquet,.gz,.zip" aria-describedby="formats";
                p.small id="formats" { (ask.tf("CSV, Excel, OpenDocument, JSON or Parquet, also as .gz or .zip; at most {most}.", &[("most", &most)])) }
                p.wrong data-too-large hidden { (ask.t("This file is too large.")) }
            }
            button { (ask.t("Send and look at its columns")) }
        }
    }
}

/// The pipelines to choose from: those of the folder `pipelines` first.
pub(super) fn pipelines(ask: &Ask, chosen: &str) -> Markup {
    let own = crate::pipelines::own();
    html! {
        @if !own.is_empty() {
            optgroup label=(ask.t("Your own")) {
                @for path in &own {
                    option value=(path.display()) selected[path.to_str() == Some(chosen)] { (path.file_stem().unwrap_or_default().display()) }
                }
            }
        }
        optgroup label=(ask.t("Built in")) {
            @for (name, _) in SHIPPED {
                option value=(name) selected[name == chosen] { (name) }
            }
        }
    }
}

fn templates(ask: &Ask) -> Markup {
    html! {
        section aria-labelledby="template" {
            h2 id="template" { (ask.t("No list yet?")) }
            p { (ask.t("Download a template with the right columns and an example row, fill it in, and send it above.")) }
            form.row method="get" action="/import/template" {
                div.field {
                    label for="template-for" { (ask.t("Columns of")) }
                    select id="template-for" name="pipeline" { (pipelines(ask, "users")) }
                }
                button.second name="format" value="xlsx" { (ask.t("Excel")) }
                button.second name="format" value="csv" { "CSV" }
            }
        }
    }
}

fn listed(ask: &Ask, uploads: &[Upload]) -> Markup {
    let days = ask.app.upload_days;
    html! {
        section aria-labelledby="sent" {
            h2 id="sent" { (ask.t("Files that were sent")) }
            div.scroll { table {
                caption { (ask.tf("They are deleted after {days} days.", &[("days", &days)])) }
                thead { tr {
                    th scope="col" { (ask.t("File")) } th.number scope="col" { (ask.t("Size")) }
                    th scope="col" { (ask.t("Sent")) } th scope="col" { (ask.t("By")) } th scope="col" { (ask.t("Do")) }
                } }
                tbody { @for upload in uploads { tr {
                    th scope="row" { a href={ "/import/" (upload.id) } { (visible(&upload.name)) } }
                    td.number { (size(ask, upload.bytes)) }
                    td { (ask.time(&upload.sent_at)) }
                    td { (visible(&jobs::person(ask, &upload.who))) }
                    td { (form(ask, &format!("/import/{}/remove", upload.id), html! {
                        button.plain { (ask.t("Delete")) span.hidden { " " (visible(&upload.name)) } }
                    })) }
                } } }
            } }
        }
    }
}

/// `/import/template`.
pub(super) fn template(ask: &mut Ask) -> Result<Answer> {
    let name = ask.query.get("pipeline");
    if !name.is_empty() && !is_known(name) {
        return Ok(Answer::Missing);
    }
    let definition = crate::pipelines::open(Some(name).filter(|name| !name.is_empty()))?.definition;
    let stem: String = definition
        .name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    if ask.query.get("format") != "xlsx" {
        return Ok(Answer::File(Download {
            name: format!("{stem}.csv"),
            media: "text/csv; charset=utf-8",
            content: Content::Bytes(template::csv(&definition)),
        }));
    }
    let failed = |error: std::io::Error| crate::file::unwritable(Path::new("xlsx"), &error);
    let folder = tempfile::tempdir().map_err(failed)?;
    let path = folder.path().join("template.xlsx");
    template::xlsx(&path, &definition)?;
    let bytes = std::fs::read(&path).map_err(failed)?;
    Ok(Answer::File(Download {
        name: format!("{stem}.xlsx"),
        media: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        content: Content::Bytes(bytes),
    }))
}

/// `/import/{upload}/remove`.
pub(super) fn remove(ask: &mut Ask) -> Result<Answer> {
    let Some(upload) = asked(ask)? else {
        return Ok(Answer::Missing);
    };
    ask.acts("delete upload", "");
    discard(&ask.app.home, ask.store, upload.id)?;
    Ok(Answer::See("/import".to_string()))
}

/// A count of something that isn't one.
pub(super) fn rows(ask: &Ask, count: u64) -> String {
    match count {
        1 => ask.t("1 row").to_string(),
        count => ask.tf("{count} rows", &[("count", &ask.number(count))]),
    }
}

/// A path for a page: without the folders of this machine.
pub(super) fn shown_path(path: &str) -> String {
    human::safe(path.rsplit('/').next().unwrap_or(path))
}

/// Whether a pipeline of that name may be chosen: one that is built in, or one of the folder
/// `pipelines`. Any other path would be read, and shown where it is wrong.
pub(super) fn is_known(name: &str) -> bool {
    let own = crate::pipelines::own();
    SHIPPED.iter().any(|(shipped, _)| *shipped == name)
        || own.iter().any(|path| path.to_str() == Some(name))
}
