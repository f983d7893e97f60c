use std::fmt;

use serde_json::{Value, json};

use super::{DRIVE_FILE, refused};
use crate::call::Call;
use crate::clock::iso;
use crate::message::Answer;
use crate::oauth::{Caller, Problem};

/// A file in somebody's Drive. With `drive.file` a client sees its own and those picked for it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct File {
    /// Whose Drive.
    pub account: String,
    /// Its bytes; those of a document of Google's own are what it is exported as.
    pub bytes: Vec<u8>,
    /// The client that made it or that it was picked for.
    pub client: String,
    /// Its media type.
    pub content_type: String,
    /// The folder that it lies in.
    pub folder: Option<String>,
    /// Its id.
    pub id: String,
    /// When it was changed, in Unix seconds.
    pub modified: i64,
    /// Its name, which may be anything.
    pub name: String,
}

impl File {
    /// A file that a client may see.
    #[must_use]
    pub fn new(
        account: impl Into<String>,
        client: impl Into<String>,
        id: impl Into<String>,
        name: impl Into<String>,
        content_type: impl Into<String>,
        bytes: impl Into<Vec<u8>>,
    ) -> Self {
        Self {
            account: account.into(),
            bytes: bytes.into(),
            client: client.into(),
            content_type: content_type.into(),
            folder: None,
            id: id.into(),
            modified: 0,
            name: name.into(),
        }
    }

    fn is_document(&self) -> bool {
        self.content_type.starts_with("application/vnd.google-apps.")
    }

    fn is_for(&self, caller: &Caller) -> bool {
        self.account == caller.account.id && self.client == caller.client
    }

    fn resource(&self) -> Value {
        let mut resource = json!({
            "kind": "drive#file",
            "id": self.id,
            "name": self.name,
            "mimeType": self.content_type,
            "modifiedTime": iso(self.modified),
        });
        if !self.is_document() {
            resource["size"] = json!(self.bytes.len().to_string());
        }
        resource
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("id", &self.id).finish_non_exhaustive()
    }
}

/// `files.list`, the newest first. Of Drive's language it knows what lies in a folder, what has a
/// name, and what is in the bin, of which there is nothing.
pub(super) fn list(files: &[File], call: &Call<'_>, caller: &Caller) -> Result<Answer, Problem> {
    caller.needs(DRIVE_FILE)?;
    let query = call.request.query();
    let bad = || refused(400, "invalid");
    let size: usize = query.one("pageSize").unwrap_or("100").parse().map_err(|_| bad())?;
    if !(1..=1000).contains(&size) {
        return Err(bad());
    }
    let start: usize = match query.one("pageToken") {
        None => 0,
        Some(token) => token.strip_prefix("~!!~").and_then(|n| n.parse().ok()).ok_or_else(bad)?,
    };
    let terms = terms(query.one("q").unwrap_or_default()).ok_or_else(bad)?;
    let fits = |file: &&File| {
        terms.iter().all(|term| match term {
            Term::Folder(folder) => file.folder.as_ref() == Some(folder),
            Term::Name(name) => file.name == *name,
        })
    };
    let mut found: Vec<&File> =
        files.iter().filter(|file| file.is_for(caller)).filter(fits).collect();
    found.sort_by_key(|file| -file.modified);
    let page: Vec<Value> =
        found.iter().skip(start).take(size).map(|file| file.resource()).collect();
    let next = start + page.len();
    let mut body = json!({"kind": "drive#fileList", "incompleteSearch": false, "files": page});
    if next < found.len() {
        body["nextPageToken"] = json!(format!("~!!~{next}"));
    }
    Ok(Answer::json(200, &body))
}

enum Term {
    Folder(String),
    Name(String),
}

/// The terms of a question, with `and` between them.
fn terms(question: &str) -> Option<Vec<Term>> {
    let mut terms = Vec::new();
    let mut rest = question;
    while !rest.is_empty() {
        rest = if let Some(after) = rest.strip_prefix("trashed = false") {
            after
        } else if let Some(after) = rest.strip_prefix("name = ") {
            let (name, after) = quoted(after)?;
            terms.push(Term::Name(name));
            after
        } else {
            let (folder, after) = quoted(rest)?;
            terms.push(Term::Folder(folder));
            after.strip_prefix(" in parents")?
        };
        if !rest.is_empty() {
            rest = rest.strip_prefix(" and ")?;
        }
    }
    Some(terms)
}

/// A text in quotes, in which a backslash escapes.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.strip_prefix('\'')?.chars();
    loop {
        match characters.next()? {
            '\'' => return Some((value, characters.as_str())),
            '\\' => value.push(characters.next()?),
            other => value.push(other),
        }
    }
}

/// `files.get`: the resource, or with `alt=media` its bytes, of which a part can be had.
pub(super) fn get(
    files: &[File],
    call: &Call<'_>,
    caller: &Caller,
    id: &str,
) -> Result<Answer, Problem> {
    caller.needs(DRIVE_FILE)?;
    let file = find(files, caller, id)?;
    if call.request.query().one("alt") != Some("media") {
        return Ok(Answer::json(200, &file.resource()));
    }
    if file.is_document() {
        return Err(refused(403, "fileNotDownloadable"));
    }
    let (bytes, size) = (&file.bytes, file.bytes.len());
    let range = call.request.header("range").and_then(|range| range.strip_prefix("bytes="));
    let start = range.and_then(|range| range.strip_suffix('-')?.parse::<usize>().ok());
    let answer = match start {
        Some(start) if start >= size => {
            return Ok(Answer::empty(416).with("content-range", &format!("bytes */{size}")));
        }
        Some(start) => Answer::new(206, &file.content_type, &bytes[start..])
            .with("content-range", &format!("bytes {start}-{}/{size}", size - 1)),
        None => Answer::new(200, &file.content_type, bytes.as_slice()),
    };
    Ok(answer.with("accept-ranges", "bytes").with("etag", &format!("\"{id}-{size}\"")))
}

/// `files.export`.
pub(super) fn export(
    files: &[File],
    call: &Call<'_>,
    caller: &Caller,
    id: &str,
) -> Result<Answer, Problem> {
    caller.needs(DRIVE_FILE)?;
    let file = find(files, caller, id)?;
    let query = call.request.query();
    let wanted = query.one("mimeType").ok_or_else(|| refused(400, "required"))?;
    if !file.is_document() {
        return Err(refused(403, "fileNotExportable"));
    }
    Ok(Answer::new(200, wanted, file.bytes.as_slice())
        .with("content-disposition", &format!("attachment; filename=\"{}\"", file.name)))
}

/// What a client does not see is not there.
fn find<'a>(files: &'a [File], caller: &Caller, id: &str) -> Result<&'a File, Problem> {
    files.iter().find(|file| file.id == id && file.is_for(caller)).ok_or(Problem::NotFound)
}
