//! The file as it comes: streamed to its own folder, never held in memory.

use std::fs::{DirBuilder, File, OpenOptions};
use std::future::Future;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use maud::{DOCTYPE, html};
use multer::{Field, Multipart};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{folder_of, is_known};
use crate::console::App;
use crate::console::ask::who;
use crate::console::response::{self, Head, see};
use crate::notify::token::sha256_of;
use crate::serve::guard;
use crate::store;
use crate::store::audit::Acting;
use crate::store::console::{Claim, Session};
use crate::store::uploads::{Settings, Upload};
use crate::text::hex;

/// A field of the form that isn't the file.
const TEXT_BYTES_MAX: usize = 4 << 10;
/// What the form has besides the file, at most.
const FORM_BYTES_MAX: u64 = 64 << 10;
/// How long the next bytes may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// What must stay free on the disk, besides room for the file and for what its check writes.
const FREE_BYTES: u64 = 256 << 20;
/// Pieces that wait for the disk.
const PIECES_WAITING: usize = 16;
/// How much is read of a file that is too large, so that the browser comes to see the answer.
const DRAINED_BYTES: u64 = 256 << 20;
/// The most bytes of a file's name.
const NAME_BYTES_MAX: usize = 120;

/// Why a file wasn't taken. The page `/import` says it in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// It is over the limit.
    TooLarge,
    /// The disk has no room for it.
    NoSpace,
    /// No file was chosen, or an empty one.
    Empty,
    /// It didn't come as a whole.
    CutOff,
    /// It is from an older page, or from another site.
    Foreign,
    /// The form was sent twice.
    SentAgain,
    /// The disk or the database failed.
    Failed,
}

impl Problem {
    /// In the address of the page that shows it.
    pub(crate) const ALL: [(Problem, &'static str); 7] = [
        (Problem::TooLarge, "too-large"),
        (Problem::NoSpace, "no-space"),
        (Problem::Empty, "empty"),
        (Problem::CutOff, "cut-off"),
        (Problem::Foreign, "foreign"),
        (Problem::SentAgain, "twice"),
        (Problem::Failed, "failed"),
    ];

    /// No file came of it; the page that says why is opened at once.
    fn answer(self) -> Response {
        let status = match self {
            Problem::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::Foreign => StatusCode::FORBIDDEN,
            Problem::SentAgain => StatusCode::CONFLICT,
            Problem::NoSpace | Problem::Failed => StatusCode::INSUFFICIENT_STORAGE,
            Problem::Empty | Problem::CutOff => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let address = self.address();
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head { meta charset="utf-8"; meta http-equiv="refresh" content={ "0;url=" (address) }; title { "muster" } }
                body { p { a href=(address) { "muster" } } }
            }
        };
        let mut response = response::html(status, page.into_string());
        if let Ok(location) = HeaderValue::try_from(address) {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }

    fn address(self) -> String {
        let named = Problem::ALL.iter().find(|(problem, _)| *problem == self);
        format!(
            "/import?problem={}",
            named.map_or("failed", |(_, name)| name)
        )
    }
}

/// `POST /import`.
pub(crate) fn take(
    app: Arc<App>,
    session: Session,
    _parts: Vec<(&'static str, String)>,
    head: Head,
    body: Body,
) -> Pin<Box<dyn Future<Output = Response> + Send>> {
    Box::pin(async move {
        match taken(&app, session, &head, body).await {
            Ok(location) => see(&location),
            Err(problem) => problem.answer(),
        }
    })
}

async fn taken(
    app: &Arc<App>,
    session: Session,
    head: &Head,
    body: Body,
) -> Result<String, Problem> {
    let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let length: Option<u64> = text(CONTENT_LENGTH).and_then(|length| length.parse().ok());
    let most = app.upload_bytes + FORM_BYTES_MAX;
    if length.is_some_and(|length| length > most) {
        drain(body).await;
        return Err(Problem::TooLarge);
    }
    if free_bytes(&app.home) < length.unwrap_or(app.upload_bytes) * 2 + FREE_BYTES {
        drain(body).await;
        return Err(Problem::NoSpace);
    }
    let boundary = text(CONTENT_TYPE).and_then(|media| multer::parse_boundary(media).ok());
    let boundary = boundary.ok_or(Problem::CutOff)?;
    let seen = Arc::new(AtomicU64::new(0));
    let counted = counted(body.into_data_stream(), Arc::clone(&seen), most);
    let mut form = Multipart::new(counted, boundary);
    let done = read_form(app, &session, &mut form, &seen, most).await;
    // A form that ended before the length that was announced was cut off, whatever it looks like.
    let whole = length.is_none_or(|length| seen.load(Ordering::Relaxed) == length);
    match done {
        Ok((upload, nonce)) if whole => {
            let acting = Acting {
                who: upload.who.clone(),
                session: Some(session.id),
                address: Some(app.client(head).to_string()),
                action: "upload".to_string(),
                command: String::new(),
            };
            recorded(app, acting, upload, nonce).await
        }
        Ok((upload, _)) => {
            remove(app, upload.id).await;
            Err(Problem::CutOff)
        }
        Err(Read::Led(location)) => Ok(location),
        Err(Read::Problem(problem)) => Err(problem),
    }
}

/// What became of a form that brings no new file.
enum Read {
    /// It was sent before, and led there.
    Led(String),
    Problem(Problem),
}

impl From<Problem> for Read {
    fn from(problem: Problem) -> Read {
        Read::Problem(problem)
    }
}

/// The fields of the form in the order in which the page has them: the file is the last.
async fn read_form(
    app: &Arc<App>,
    session: &Session,
    form: &mut Multipart<'_>,
    seen: &AtomicU64,
    most: u64,
) -> Result<(Upload, [u8; 32]), Read> {
    let (mut secret, mut nonce, mut pipeline) = (String::new(), String::new(), String::new());
    let broken = |seen: &AtomicU64| match seen.load(Ordering::Relaxed) > most {
        true => Problem::TooLarge,
        false => Problem::CutOff,
    };
    loop {
        let field = next(form).await.map_err(|()| broken(seen))?;
        let Some(field) = field else {
            return Err(Problem::Empty.into());
        };
        let name = field.name().unwrap_or_default().to_string();
        if name == "file" {
            let is_own = sha256_of(&secret) == sha256_of(&session.secret);
            if !is_own || !guard::is_token(&nonce) {
                return Err(Problem::Foreign.into());
            }
            let nonce = sha256_of(&nonce);
            claim(app, session.id, nonce).await?;
            let kept = keep(app, session, field).await;
            // To the end of the form, so that all of it was seen.
            let rest = match kept {
                Ok(upload) => next(form).await.map(|_| upload).map_err(|()| broken(seen)),
                Err(Problem::CutOff) => Err(broken(seen)),
                Err(problem) => Err(problem),
            };
            return match rest {
                Ok(upload) => Ok((
                    Upload {
                        settings: Settings {
                            pipeline: Some(pipeline).filter(|name| is_known(name)),
                            ..Settings::default()
                        },
                        ..upload
                    },
                    nonce,
                )),
                Err(problem) => {
                    settle(app, nonce, problem.address()).await;
                    Err(problem.into())
                }
            };
        }
        let value = text(field).await.map_err(|()| broken(seen))?;
        match name.as_str() {
            "secret" => secret = value,
            "nonce" => nonce = value,
            "pipeline" => pipeline = value,
            _ => {}
        }
    }
}

async fn next<'a>(form: &mut Multipart<'a>) -> Result<Option<Field<'a>>, ()> {
    let next = tokio::time::timeout(PATIENCE, form.next_field()).await;
    next.map_err(|_| ())?.map_err(|_| ())
}

async fn text(mut field: Field<'_>) -> Result<String, ()> {
    let mut bytes = Vec::new();
    while let Some(piece) = piece(&mut field).await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > TEXT_BYTES_MAX {
            return Err(());
        }
    }
    String::from_utf8(bytes).map_err(|_| ())
}

async fn piece(field: &mut Field<'_>) -> Result<Option<Bytes>, ()> {
    let piece = tokio::time::timeout(PATIENCE, field.chunk()).await;
    piece.map_err(|_| ())?.map_err(|_| ())
}

/// Writes the file into a folder of its own.
async fn keep(app: &Arc<App>, session: &Session, mut field: Field<'_>) -> Result<Upload, Problem> {
    let name = safe_name(field.file_name().unwrap_or_default());
    let id = store::new_id().map_err(|_| Problem::Failed)?;
    let folder = folder_of(&app.home, id);
    let path = folder.join(&name);
    let (sender, pieces) = mpsc::channel(PIECES_WAITING);
    let target = path.clone();
    let writing = tokio::task::spawn_blocking(move || write(&folder, &target, pieces));
    let whole = loop {
        match piece(&mut field).await {
            Ok(Some(piece)) => {
                if sender.send(piece).await.is_err() {
                    break true;
                }
            }
            Ok(None) => break true,
            Err(()) => break false,
        }
    };
    drop(sender);
    let written = writing.await.ok().and_then(Result::ok);
    let problem = match &written {
        _ if !whole => Some(Problem::CutOff),
        None => Some(Problem::Failed),
        Some((0, _)) => Some(Problem::Empty),
        Some(_) => None,
    };
    if let Some(problem) = problem {
        remove(app, id).await;
        return Err(problem);
    }
    let (bytes, sha256) = written.unwrap_or_default();
    Ok(Upload {
        id,
        name,
        path: path.display().to_string(),
        bytes,
        sha256,
        who: who(session),
        sent_at: String::new(),
        settings: Settings::default(),
    })
}

/// Writes pieces until there are no more; how many bytes that were, and their SHA-256.
fn write(
    folder: &Path,
    path: &Path,
    mut pieces: mpsc::Receiver<Bytes>,
) -> std::io::Result<(u64, String)> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let mut file: File = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let (mut bytes, mut hash) = (0, Sha256::new());
    while let Some(piece) = pieces.blocking_recv() {
        hash.update(&piece);
        file.write_all(&piece)?;
        bytes += piece.len() as u64;
    }
    file.sync_all()?;
    Ok((bytes, hex(&hash.finalize())))
}

async fn claim(app: &Arc<App>, session: Uuid, nonce: [u8; 32]) -> Result<(), Read> {
    let claimed = app
        .pool
        .run(move |store| store.claim_form(&nonce, session, "/import"))
        .await;
    match claimed {
        Some(Claim::New) => Ok(()),
        Some(Claim::Led(location)) => Err(Read::Led(location)),
        Some(Claim::UnderWay | Claim::Other) => Err(Problem::SentAgain.into()),
        None => Err(Problem::Failed.into()),
    }
}

async fn settle(app: &Arc<App>, nonce: [u8; 32], location: String) {
    // A form that isn't settled is only found to be under way by a second click.
    let _ = app
        .pool
        .run(move |store| store.settle_form(&nonce, Some(&location)))
        .await;
}

async fn recorded(
    app: &Arc<App>,
    acting: Acting,
    upload: Upload,
    nonce: [u8; 32],
) -> Result<String, Problem> {
    let id = upload.id;
    let location = format!("/import/{id}");
    let recorded = app
        .pool
        .run(move |store| {
            store.act_as(acting);
            let inserted = store.insert_upload(&upload);
            store.act_as(Acting::default());
            inserted
        })
        .await;
    if recorded.is_none() {
        remove(app, id).await;
        return Err(Problem::Failed);
    }
    settle(app, nonce, location.clone()).await;
    Ok(location)
}

async fn remove(app: &App, id: Uuid) {
    let folder = folder_of(&app.home, id);
    let _ = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(folder)).await;
}

/// The body, counted. It breaks off when it is over the limit.
fn counted(
    body: BodyDataStream,
    seen: Arc<AtomicU64>,
    most: u64,
) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send {
    body.map(move |piece| {
        let piece = piece.map_err(std::io::Error::other)?;
        let length = piece.len() as u64;
        let so_far = seen.fetch_add(length, Ordering::Relaxed) + length;
        if so_far > most {
            return Err(std::io::Error::other("over the limit"));
        }
        Ok(piece)
    })
}

async fn drain(body: Body) {
    let mut stream = body.into_data_stream();
    let mut drained = 0;
    while drained < DRAINED_BYTES {
        match tokio::time::timeout(PATIENCE, stream.next()).await {
            Ok(Some(Ok(piece))) => drained += piece.len() as u64,
            _ => return,
        }
    }
}

/// What is free on the disk of a folder, or of the next one above it that exists.
fn free_bytes(folder: &Path) -> u64 {
    let mut there: PathBuf = folder.to_path_buf();
    while !there.exists() && there.pop() {}
    // A system that doesn't say it is taken to have room; writing fails then.
    rustix::fs::statvfs(&there).map_or(u64::MAX, |disk| disk.f_bavail * disk.f_frsize)
}

/// A file's name without folders, hidden characters and what a shell or a command could take for
/// something else. The end stays, which says what kind of file it is.
fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = |c: &char| !c.is_control() && !crate::report::human::is_hidden(*c);
    let kept: String = last.chars().filter(plain).collect();
    let kept = kept.trim().trim_start_matches(['.', '-']);
    let mut start = kept.len().saturating_sub(NAME_BYTES_MAX);
    while !kept.is_char_boundary(start) {
        start += 1;
    }
    match &kept[start..] {
        "" => "list".to_string(),
        name => name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_plain_part_of_a_path() {
        for (name, safe) in [
            ("people.csv", "people.csv"),
            ("../../etc/passwd", "passwd"),
            ("C:\\lists\\people.xlsx", "people.xlsx"),
            ("-rf.csv", "rf.csv"),
            ("..", "list"),
            ("a\u{202e}vsc.csv", "avsc.csv"),
            ("", "list"),
        ] {
            assert_eq!(safe_name(name), safe);
        }
        let long = format!("{}.csv", "ä".repeat(300));
        assert!(safe_name(&long).ends_with("ä.csv") && safe_name(&long).len() <= NAME_BYTES_MAX);
    }

    #[test]
    fn the_disk_of_a_folder_that_is_not_there_yet_is_known() {
        let bytes = free_bytes(Path::new("/tmp/not/there/yet"));
        assert!(bytes > 0 && bytes < u64::MAX);
    }
}
