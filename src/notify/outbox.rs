//! Where mails go without a mail server: a folder of `.eml` files.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::invitation::Delivery;
use crate::issue::Code;
use crate::notify::message::Message;
use crate::refusal::{Refusal, Result};

/// The most characters of a Message-ID that a file's name takes over: names end at 255 bytes.
const NAME_CHARS_MAX: usize = 120;

/// The folder `outbox` in muster's home. It need not exist.
pub fn folder_in(home: &Path) -> PathBuf {
    home.join("outbox")
}

/// Makes the folder, for its owner alone: the files hold links that let people in.
///
/// # Errors
/// `output.unwritable` with the system's words.
pub fn prepare(folder: &Path) -> Result<()> {
    make(folder).map_err(|error| unwritable(folder, &error.to_string()))
}

fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    // Muster's home itself must stay open to the user that the local database runs as.
    if let Some(home) = folder.parent() {
        fs::create_dir_all(home)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// The refusal for an outbox that can't be written to.
pub(crate) fn unwritable(folder: &Path, why: &str) -> Refusal {
    let what = format!("the outbox `{}` can't be written: {why}", folder.display());
    Refusal::new(Code::OutputUnwritable, what)
        .help("free some space or grant write access, or set `MUSTER_HOME` to another folder")
}

/// Puts a mail into the outbox, whole or not at all. One that is there already under the same
/// Message-ID is replaced: only the link in the last one works.
///
/// The answer is [`Delivery::Sent`], or [`Delivery::Returned`] where the folder can't be written.
pub fn deliver(folder: &Path, message: &Message) -> Delivery {
    let path = path_of(folder, &message.id);
    match write(folder, &path, &message.bytes) {
        Ok(()) => Delivery::Sent {
            reply: format!("written to {}", path.display()),
        },
        Err(_) => Delivery::Returned,
    }
}

fn write(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    make(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".muster-")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // The name, too, must outlast a power cut, or the run log would say `sent` of no mail at all.
    File::open(folder)?.sync_all()
}

/// Whether a mail with that Message-ID is in the outbox.
pub fn has(folder: &Path, message_id: &str) -> bool {
    path_of(folder, message_id).is_file()
}

/// The file of a mail. Other characters than letters, digits, `-`, `.`, `@` and `_` are left out of
/// its name; a piece of the hash keeps apart what becomes equal so.
fn path_of(folder: &Path, message_id: &str) -> PathBuf {
    let id = message_id.trim_start_matches('<').trim_end_matches('>');
    let safe = |c: &char| c.is_ascii_alphanumeric() || "-.@_".contains(*c);
    let mut name: String = id.chars().filter(safe).take(NAME_CHARS_MAX).collect();
    if name != id || name.is_empty() || name.starts_with('.') {
        let hash = crate::text::hex(&Sha256::digest(message_id)[..8]);
        name = format!("{}-{hash}", name.trim_start_matches('.'));
    }
    folder.join(format!("{name}.eml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, bytes: &[u8]) -> Message {
        Message {
            id: id.to_string(),
            from: "from@example.org".to_string(),
            to: "to@example.org".to_string(),
            bytes: bytes.to_vec(),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_mail_is_one_private_file_and_a_second_attempt_replaces_it() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("home/outbox");
        let id = "<0af3@example.org>";
        assert!(!has(&folder, id));
        for bytes in [b"first".as_slice(), b"second"] {
            let ended = deliver(&folder, &message(id, bytes));
            assert!(matches!(ended, Delivery::Sent { .. }), "{ended:?}");
            assert!(has(&folder, id));
        }
        assert_eq!(names(&folder), ["0af3@example.org.eml"]);
        let path = folder.join("0af3@example.org.eml");
        assert_eq!(fs::read(&path).unwrap(), b"second");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&path)), (0o700, 0o600));
    }

    #[test]
    fn no_message_id_leads_out_of_the_folder() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("outbox");
        let long = format!("<{}@x>", "a".repeat(3_000));
        let ids = [
            "<../../etc/passwd>",
            "<..>",
            "<a/b@x>",
            "<ab@x>",
            "<a\0b@x>",
            "",
            "<é@x>",
            &long,
        ];
        for id in ids {
            let ended = deliver(&folder, &message(id, id.as_bytes()));
            assert!(matches!(ended, Delivery::Sent { .. }), "{id:?}");
        }
        assert_eq!(names(&folder).len(), ids.len());
        assert_eq!(names(home.path()), ["outbox"]);
        for id in ids {
            assert_eq!(fs::read(path_of(&folder, id)).unwrap(), id.as_bytes());
        }
    }

    #[test]
    fn a_folder_that_cannot_be_made_gives_the_mail_back() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("file"), "").unwrap();
        let folder = home.path().join("file/outbox");
        assert_eq!(deliver(&folder, &message("<a@x>", b"")), Delivery::Returned);
        let refusal = prepare(&folder).unwrap_err();
        assert_eq!(refusal.code, Code::OutputUnwritable);
    }
}
