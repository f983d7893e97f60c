//! The calls that a declaration may allow: send mail, list events, list, upload, download and
//! export files.

mod download_file;
mod list_events;
mod list_files;
mod mime;
mod send_mail;
mod upload_file;

use bailee_core::{CredentialName, ProviderId, ScopeName, Timestamp};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub use download_file::{DownloadFile, ExportDocument, ExportFormat};
pub use list_events::{Event, EventStatus, EventTime, ListEvents};
pub use list_files::{FileEntry, ListFiles};
pub use mime::{Attachment, MESSAGE_LIMIT, Mailbox, MessageId};
pub use send_mail::{SendMail, SentMail};
pub(super) use upload_file::UPLOAD_FILE;
pub use upload_file::UploadFile;

const PROVIDER: ProviderId = ProviderId::from_static("google");
const USER: CredentialName = CredentialName::from_static("user");
const DRIVE_FILE: &[ScopeName] =
    &[ScopeName::from_static("https://www.googleapis.com/auth/drive.file")];

/// A time as the APIs write it.
fn time(text: &str) -> Option<Timestamp> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos() / 1000).ok().map(Timestamp::from_micros)
}

/// Whether a text can be the id of a file or a folder.
fn is_file_id(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
