use std::fmt;

use serde_json::json;

use super::{DRIVE_FILE, File, Google, refused};
use crate::call::Call;
use crate::desk::Desk;
use crate::message::Answer;
use crate::mint::random;
use crate::oauth::{Caller, Problem};

/// An upload on its way.
#[derive(Clone)]
pub(super) struct Session {
    id: String,
    caller: Caller,
    name: String,
    content_type: String,
    folder: Option<String>,
    declared: Option<usize>,
    bytes: Vec<u8>,
    opened_at: i64,
    /// The file that it became.
    file: Option<String>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("received", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// Opens a session (`uploadType=resumable`).
pub(super) fn open(
    google: &mut Google,
    desk: &mut Desk,
    call: &Call<'_>,
    caller: &Caller,
) -> Result<Answer, Problem> {
    caller.needs(DRIVE_FILE)?;
    let request = call.request;
    if request.query().one("uploadType") != Some("resumable") {
        return Err(refused(400, "badRequest"));
    }
    let metadata = request.json().ok_or_else(|| refused(400, "parseError"))?;
    let number = |text: &str| text.parse().map_err(|_| refused(400, "badRequest"));
    let declared = request.header("x-upload-content-length").map(number).transpose()?;
    let id = desk.issue("fake-upload-");
    let text = |name: &str| metadata[name].as_str().map(str::to_owned);
    let content_type = request.header("x-upload-content-type").map(str::to_owned);
    google.sessions.push(Session {
        id: id.clone(),
        caller: caller.clone(),
        name: text("name").unwrap_or_else(|| "Untitled".into()),
        content_type: content_type
            .or_else(|| text("mimeType"))
            .unwrap_or_else(|| "application/octet-stream".into()),
        folder: metadata["parents"][0].as_str().map(str::to_owned),
        declared,
        bytes: Vec::new(),
        opened_at: call.now,
        file: None,
    });
    let host = &google.upload_host;
    let location =
        format!("https://{host}/upload/drive/v3/files?uploadType=resumable&upload_id={id}");
    Ok(Answer::empty(200).with("location", &location).with("content-length", "0"))
}

/// A part of a file, or the question how much is there. The address is the credential.
pub(super) fn part(
    google: &mut Google,
    desk: &mut Desk,
    call: &Call<'_>,
) -> Result<Answer, Problem> {
    let request = call.request;
    let query = request.query();
    let (lifetime, keeps) = (google.session_lifetime, google.session_keeps);
    let session = google
        .sessions
        .iter_mut()
        .find(|session| query.one("upload_id") == Some(session.id.as_str()))
        .filter(|session| call.now < session.opened_at.saturating_add(lifetime))
        .ok_or(Problem::NotFound)?;
    if request.has_header("authorization") {
        return Err(refused(400, "badRequest"));
    }
    if !request.has_header("content-length") {
        return Err(Problem::Said(Answer::html(411, "<p>Length Required".into())));
    }
    if let Some(id) = session.file.clone() {
        return Ok(Answer::json(200, &json!({"id": id})));
    }
    let bad = || refused(400, "badRequest");
    let range = request.header("content-range").ok_or_else(bad)?;
    let (span, total) =
        range.strip_prefix("bytes ").and_then(|rest| rest.split_once('/')).ok_or_else(bad)?;
    let total: usize = total.parse().map_err(|_| bad())?;
    if session.declared.is_some_and(|declared| declared != total) {
        return Err(bad());
    }
    if span != "*" {
        let (first, last) = span.split_once('-').ok_or_else(bad)?;
        let first: usize = first.parse().map_err(|_| bad())?;
        let last: usize = last.parse().map_err(|_| bad())?;
        let length = request.body.len();
        let whole = last + 1 == total || length.is_multiple_of(STEP);
        let fits = first <= session.bytes.len() && last < total;
        if first + length != last + 1 || !whole || !fits {
            return Err(bad());
        }
        // What is there already is not looked at again.
        let new = request.body.get(session.bytes.len() - first..).unwrap_or_default();
        let new = &new[..new.len().min(keeps.unwrap_or(usize::MAX))];
        session.bytes.extend_from_slice(new);
    }
    if session.bytes.len() < total {
        let answer = Answer::empty(308);
        return Ok(match session.bytes.len() {
            0 => answer,
            received => answer.with("range", &format!("bytes=0-{}", received - 1)),
        });
    }
    let id = format!("file-{}", random::<9>());
    session.file = Some(id.clone());
    let file = File {
        folder: session.folder.clone(),
        modified: call.now,
        ..File::new(
            &session.caller.account.id,
            &session.caller.client,
            &id,
            &session.name,
            &session.content_type,
            session.bytes.as_slice(),
        )
    };
    let made = json!({"id": id, "name": file.name, "size": file.bytes.len()});
    desk.write(&session.caller.clone(), "file", made);
    google.files.push(file);
    Ok(Answer::json(200, &json!({"kind": "drive#file", "id": id})))
}

/// Parts but the last are multiples of 256 KiB.
const STEP: usize = 256 * 1024;
