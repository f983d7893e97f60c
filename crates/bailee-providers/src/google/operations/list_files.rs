//! The files that the application made or was given (Drive, `files.list`).

use std::fmt;

use bailee_core::{Effect, Timestamp};
use http::Method;

use super::{DRIVE_FILE, PROVIDER, USER, is_file_id, time};
use crate::{
    context::Context,
    google::{
        errors,
        wire::{FileBody, FilesBody},
    },
    json_call::JsonCall,
    operation::{Operation, OperationFacts},
    page::{Cursor, Page, Paged},
    step::Step,
};

static LIST_FILES: OperationFacts = OperationFacts {
    name: "google.list_files",
    provider: PROVIDER,
    scopes: DRIVE_FILE,
    effect: Effect::Read,
    method: Method::GET,
    path: "/drive/v3/files",
    sends: &[],
    reads: &["content"],
    credential: USER,
};

const FIELDS: &str = "nextPageToken,files(id,name,mimeType,size,modifiedTime)";

/// Lists files, page by page, the newest first: those that this application made or that the person
/// chose for it, and none in the bin.
///
/// `Debug` shows nothing of what is looked for.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ListFiles {
    folder: Option<String>,
    name: Option<String>,
    page_size: Option<u16>,
    cursor: Option<Cursor>,
}

impl ListFiles {
    /// All of them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those that lie in a folder, by its id.
    #[must_use]
    pub fn in_folder(mut self, id: impl Into<String>) -> Self {
        self.folder = Some(id.into());
        self
    }

    /// Those of this very name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets how many come on a page, 1000 at most; 100 where it is not set.
    #[must_use]
    pub fn page_size(mut self, files: u16) -> Self {
        self.page_size = Some(files);
        self
    }

    /// What is looked for, in Drive's language; none where it cannot be said.
    fn question(&self) -> Option<String> {
        let mut question = "trashed = false".to_owned();
        if let Some(folder) = &self.folder {
            if !is_file_id(folder) {
                return None;
            }
            question.push_str(&format!(" and '{folder}' in parents"));
        }
        if let Some(name) = &self.name {
            if name.is_empty() || name.len() > 1000 || name.chars().any(char::is_control) {
                return None;
            }
            let quoted = name.replace('\\', "\\\\").replace('\'', "\\'");
            question.push_str(&format!(" and name = '{quoted}'"));
        }
        Some(question)
    }
}

impl Operation for ListFiles {
    type Output = Page<FileEntry>;

    fn facts(&self) -> &OperationFacts {
        &LIST_FILES
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Page<FileEntry>>> {
        let size = self.page_size.unwrap_or(100);
        let mut call = JsonCall::new(cx, &LIST_FILES)
            .query("pageSize", size.to_string())
            .query("orderBy", "modifiedTime desc")
            .query("fields", FIELDS)
            .classify(errors::classify);
        call = match self.question() {
            Some(question) if (1..=1000).contains(&size) => call.query("q", question),
            _ => call.demand(false),
        };
        if let Some(cursor) = &self.cursor {
            call = call.query("pageToken", cursor.as_str());
        }
        call.read(|page: FilesBody| {
            let files = page.files.into_iter().map(FileEntry::read).collect();
            Ok(Page::new(files, page.next_page_token))
        })
    }
}

impl Paged for ListFiles {
    type Item = FileEntry;

    fn after(&self, cursor: Cursor) -> Self {
        Self { cursor: Some(cursor), ..self.clone() }
    }
}

impl fmt::Debug for ListFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListFiles").field("page_size", &self.page_size).finish_non_exhaustive()
    }
}

/// A file in Drive. It is personal data: `Debug` shows its size alone.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileEntry {
    /// Its id.
    pub id: String,
    /// Its name: text from outside, which may be anything ([`SafeFileName`](crate::SafeFileName)).
    pub name: String,
    /// Its media type, as Drive has it.
    pub content_type: String,
    /// Its size in bytes; folders and documents of Google's own have none.
    pub size: Option<u64>,
    /// When it was changed last.
    pub modified: Option<Timestamp>,
}

impl FileEntry {
    fn read(body: FileBody) -> Self {
        Self {
            id: body.id,
            name: body.name,
            content_type: body.mime_type,
            size: body.size.and_then(|size| size.parse().ok()),
            modified: body.modified_time.and_then(|text| time(&text)),
        }
    }

    /// Whether it is a document of Google's own, which is exported and not downloaded
    /// ([`ExportDocument`](super::ExportDocument)).
    pub fn is_document(&self) -> bool {
        is_document(&self.content_type)
    }
}

pub(super) fn is_document(content_type: &str) -> bool {
    content_type.starts_with("application/vnd.google-apps.")
}

impl fmt::Debug for FileEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileEntry").field("size", &self.size).finish_non_exhaustive()
    }
}
