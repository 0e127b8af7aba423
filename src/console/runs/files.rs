//! `/runs/{run}/files/{name}`: the files of a run, as its summary names them.

use std::path::{Path, PathBuf};

use super::asked;
use crate::console::ask::{Answer, Ask, Content, Download};
use crate::refusal::Result;
use crate::store::audit::Act;

/// `/runs/{run}/files/{name}`.
pub(crate) fn download(ask: &mut Ask) -> Result<Answer> {
    let run = asked(ask)?;
    let name = ask.part("name");
    let files = run
        .summary
        .iter()
        .flat_map(|summary| summary.files.values());
    let is_named = files.into_iter().any(|file| file == name);
    let folder = run.folder.as_deref().filter(|_| is_named && is_plain(name));
    let Some(path) = folder.map(|folder| Path::new(folder).join(name)) else {
        return Ok(Answer::Missing);
    };
    if !path.is_file() {
        return Ok(Answer::Missing);
    }
    if name != "summary.json" {
        let name = name.to_string();
        ask.acts("download", &format!("muster show {}", run.id));
        ask.store.audit(&Act::about(&run.id))?;
        return Ok(file(&run.id, &name, path));
    }
    Ok(file(&run.id, name, path))
}

fn file(run: &str, name: &str, path: PathBuf) -> Answer {
    Answer::File(Download {
        name: format!("{run}-{name}"),
        media: media(name),
        content: Content::File(path),
    })
}

/// Whether it is a name and not a way to another folder.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}

fn media(name: &str) -> &'static str {
    let (_, ending) = name.rsplit_once('.').unwrap_or(("", ""));
    match ending {
        "csv" => "text/csv; charset=utf-8",
        "json" => "application/json",
        "html" => "text/html; charset=utf-8",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => "application/octet-stream",
    }
}
