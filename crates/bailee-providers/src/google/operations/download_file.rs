//! The bytes of a file, and documents of Google's own in another form (Drive, `files.get` and
//! `files.export`).

use std::fmt;

use bailee_core::Effect;
use http::{Method, header};

use super::{DRIVE_FILE, PROVIDER, USER, is_file_id, list_files::is_document};
use crate::{
    answer::Answer,
    context::Context,
    download::{Download, FileFacts, Transfer},
    failure::{Failure, FailureKind},
    google::{errors, wire::FileBody},
    json_call::JsonCall,
    operation::OperationFacts,
    spec::SpecFacts,
    step::Step,
};

static DOWNLOAD_FILE: OperationFacts = OperationFacts {
    name: "google.download_file",
    provider: PROVIDER,
    scopes: DRIVE_FILE,
    effect: Effect::Read,
    method: Method::GET,
    path: "/drive/v3/files/{file}",
    sends: &[],
    reads: &["content"],
    credential: USER,
};

static EXPORT_DOCUMENT: OperationFacts = OperationFacts {
    name: "google.export_document",
    provider: PROVIDER,
    scopes: DRIVE_FILE,
    effect: Effect::Read,
    method: Method::GET,
    path: "/drive/v3/files/{file}/export",
    sends: &[],
    reads: &["content"],
    credential: USER,
};

/// A file in Drive that this application made or that the person chose for it. Its name, type and
/// size are asked for first; a part of it can be had. `Debug` does not show its id.
#[derive(Clone, PartialEq, Eq)]
pub struct DownloadFile {
    id: String,
}

impl DownloadFile {
    /// A file by its id.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into() }
    }
}

impl Download for DownloadFile {
    fn facts(&self) -> &OperationFacts {
        &DOWNLOAD_FILE
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Transfer>> {
        let call = || JsonCall::new(cx, &DOWNLOAD_FILE).part("file", &self.id);
        let bytes = call().query("alt", "media").header(header::ACCEPT, "*/*").into_request();
        let mut asking = call().query("fields", "id,name,mimeType,size").classify(errors::classify);
        if !is_file_id(&self.id) {
            asking = asking.demand(false);
        }
        asking.read(move |file: FileBody| {
            if is_document(&file.mime_type) {
                return Err(FailureKind::InvalidInput.into());
            }
            let mut facts = FileFacts::named(file.name).of_type(file.mime_type);
            facts.size = file.size.and_then(|size| size.parse().ok());
            bytes.map(|request| Transfer::new(request, facts).with_ranges())
        })
    }

    fn classify(&self, spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
        errors::classify(spec, answer)
    }
}

impl fmt::Debug for DownloadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DownloadFile([redacted])")
    }
}

/// A document of Google's own (a text, a table, slides) in another form, of 10 MB at most. `Debug`
/// shows the form.
#[derive(Clone, PartialEq, Eq)]
pub struct ExportDocument {
    id: String,
    format: ExportFormat,
}

impl ExportDocument {
    /// A document by its id.
    pub fn new(id: impl Into<String>, format: ExportFormat) -> Self {
        Self { id: id.into(), format }
    }
}

impl Download for ExportDocument {
    fn facts(&self) -> &OperationFacts {
        &EXPORT_DOCUMENT
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Transfer>> {
        let mut call = JsonCall::new(cx, &EXPORT_DOCUMENT)
            .part("file", &self.id)
            .query("mimeType", self.format.media_type());
        if !is_file_id(&self.id) {
            call = call.demand(false);
        }
        call.download(FileFacts::default().of_type(self.format.media_type()))
    }

    fn classify(&self, spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
        errors::classify(spec, answer)
    }
}

impl fmt::Debug for ExportDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExportDocument({:?})", self.format)
    }
}

/// The form of an exported document. Which of them a document has depends on what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExportFormat {
    /// The first sheet of a table, with commas between.
    Csv,
    /// A page of the web with its pictures, packed.
    HtmlZip,
    /// Pages.
    Pdf,
    /// Text without form.
    Text,
}

impl ExportFormat {
    fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::HtmlZip => "application/zip",
            Self::Pdf => "application/pdf",
            Self::Text => "text/plain",
        }
    }
}
