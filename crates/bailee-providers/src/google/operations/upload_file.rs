//! Putting a file into Drive (`files.create` with a resumable upload).

use std::{borrow::Cow, fmt};

use bailee_core::{Effect, Result, Sha256};
use http::Method;

use super::{DRIVE_FILE, PROVIDER, USER, is_file_id, mime};
use crate::{
    context::Context,
    failure::Failure,
    google::publication,
    operation::OperationFacts,
    publish::{MediaFacts, Progress, Publish, PublishNext},
    step::Input,
};

pub(in crate::google) static UPLOAD_FILE: OperationFacts = OperationFacts {
    name: "google.upload_file",
    provider: PROVIDER,
    scopes: DRIVE_FILE,
    effect: Effect::Effect,
    method: Method::POST,
    path: "/upload/drive/v3/files",
    sends: &["content"],
    reads: &[],
    credential: USER,
};

/// The largest file that Drive takes: 5 TB.
const LARGEST: u64 = 5_000_000_000_000;

/// Puts a file into the person's Drive. It may be interrupted and go on under the same idempotency
/// key for a week; what is there is never sent again. A second file of the same name is a second
/// file.
///
/// `Debug` shows the size alone.
#[derive(Clone, PartialEq, Eq)]
pub struct UploadFile {
    pub(in crate::google) name: String,
    pub(in crate::google) size: u64,
    pub(in crate::google) content_type: Cow<'static, str>,
    pub(in crate::google) folder: Option<String>,
    pub(in crate::google) part_size: u64,
    sha256: Option<[u8; 32]>,
}

impl UploadFile {
    /// A file of a name, a size in bytes and a media type.
    pub fn new(
        name: impl Into<String>,
        size: u64,
        content_type: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            name: name.into(),
            size,
            content_type: content_type.into(),
            folder: None,
            part_size: publication::DEFAULT_PART,
            sha256: None,
        }
    }

    /// Puts it into a folder, by its id.
    #[must_use]
    pub fn into_folder(mut self, id: impl Into<String>) -> Self {
        self.folder = Some(id.into());
        self
    }

    /// Says which bytes the file has, so that another one under the same key is seen.
    #[must_use]
    pub fn file_digest(mut self, digest: [u8; 32]) -> Self {
        self.sha256 = Some(digest);
        self
    }

    /// Sets the size of the parts that it is sent in: a multiple of 256 KiB, 64 MiB at most; 8 MiB
    /// where it is not set.
    #[must_use]
    pub fn part_size(mut self, bytes: u64) -> Self {
        self.part_size = bytes;
        self
    }

    /// Checks what was given.
    ///
    /// # Errors
    ///
    /// Fails with `InvalidInput` and says what is not acceptable.
    pub fn check(&self) -> Result<()> {
        let name = &self.name;
        if name.trim().is_empty() || name.len() > 1000 || name.chars().any(char::is_control) {
            return Err(mime::invalid("not the name of a file"));
        }
        let visible = self.content_type.bytes().all(|byte| byte.is_ascii_graphic());
        if !(visible && self.content_type.len() <= 128 && self.content_type.contains('/')) {
            return Err(mime::invalid("not the type of a file"));
        }
        if !(1..=LARGEST).contains(&self.size) {
            return Err(mime::invalid("a file has 1 byte to 5 TB"));
        }
        if self.folder.as_ref().is_some_and(|folder| !is_file_id(folder)) {
            return Err(mime::invalid("not the id of a folder"));
        }
        if !publication::is_part_size(self.part_size) {
            return Err(mime::invalid("a part is a multiple of 256 KiB, and 64 MiB at most"));
        }
        Ok(())
    }
}

impl Publish for UploadFile {
    fn facts(&self) -> &OperationFacts {
        &UPLOAD_FILE
    }

    /// It covers name, type, size, folder and, where it was given, the digest of the bytes. In which
    /// parts they are sent does not count.
    fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::default();
        let mut part = |bytes: &[u8]| {
            digest.update(&(bytes.len() as u64).to_be_bytes());
            digest.update(bytes);
        };
        part(UPLOAD_FILE.name.as_bytes());
        part(self.name.as_bytes());
        part(self.content_type.as_bytes());
        part(&self.size.to_be_bytes());
        part(self.folder.as_deref().unwrap_or_default().as_bytes());
        part(self.sha256.as_ref().map_or(&[], |digest| digest.as_slice()));
        digest.finish()
    }

    fn media(&self) -> Option<MediaFacts> {
        Some(MediaFacts::new(self.size, self.content_type.clone()))
    }

    fn progress_schema(&self) -> u16 {
        publication::SCHEMA
    }

    fn next(
        &self,
        cx: &Context<'_>,
        progress: &Progress,
        input: Input,
    ) -> std::result::Result<PublishNext, Failure> {
        publication::next(Some(self), cx, progress, input)
    }
}

impl fmt::Debug for UploadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadFile").field("size", &self.size).finish_non_exhaustive()
    }
}
