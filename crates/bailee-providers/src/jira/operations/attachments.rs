//! Attachments of issues: what there are, and their bytes.

use std::fmt;

use http::Method;

use super::{at_site, is_issue, is_number, reading};
use crate::{
    answer::Answer,
    context::Context,
    download::{Download, FileFacts, Transfer},
    failure::Failure,
    jira::{
        errors,
        wire::{AttachedFields, AttachmentData},
    },
    operation::{Operation, OperationFacts},
    spec::SpecFacts,
    step::Step,
};

static LIST: OperationFacts = reading(
    "jira.list_attachments",
    Method::GET,
    "/ex/jira/{cloud}/rest/api/3/issue/{issue}",
    &["content"],
);

static DOWNLOAD: OperationFacts = reading(
    "jira.download_attachment",
    Method::GET,
    "/ex/jira/{cloud}/rest/api/3/attachment/content/{attachment}",
    &["content"],
);

/// Lists the attachments of an issue. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct ListAttachments {
    site: Option<String>,
    issue: String,
}

impl ListAttachments {
    /// Those of the issue of a key (`DEMO-17`) or an id.
    pub fn new(issue: impl Into<String>) -> Self {
        Self { site: None, issue: issue.into() }
    }

    /// Names the site by its id. Not needed where the connection has only one.
    #[must_use]
    pub fn at(mut self, site: impl Into<String>) -> Self {
        self.site = Some(site.into());
        self
    }
}

impl Operation for ListAttachments {
    type Output = Vec<Attachment>;

    fn facts(&self) -> &OperationFacts {
        &LIST
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Vec<Attachment>>> {
        at_site(cx, &LIST, self.site.as_deref())
            .part("issue", &self.issue)
            .query("fields", "attachment")
            .demand(is_issue(&self.issue))
            .read(|issue: AttachedFields| {
                let all = issue.fields.attachment.into_iter();
                Ok(all.filter_map(Attachment::of).collect())
            })
    }
}

impl fmt::Debug for ListAttachments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ListAttachments([redacted])")
    }
}

/// An attachment, without who added it. `Debug` shows its size.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attachment {
    /// Its id.
    pub id: String,
    /// Its name as the person who added it gave it.
    pub name: String,
    /// Its media type as that person's program said it.
    pub content_type: Option<String>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// When it was added (`2026-01-02T03:04:05.000+0000`).
    pub created: Option<String>,
}

impl Attachment {
    fn of(wire: AttachmentData) -> Option<Self> {
        Some(Self {
            id: wire.id.digits()?,
            name: wire.filename,
            content_type: wire.mime_type,
            size: wire.size,
            created: wire.created,
        })
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment").field("size", &self.size).finish_non_exhaustive()
    }
}

/// Downloads an attachment from the gateway, a part of it too. Addresses in answers are not followed,
/// and no redirect to another host is asked for. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct DownloadAttachment {
    site: Option<String>,
    id: String,
    file: FileFacts,
}

impl DownloadAttachment {
    /// The attachment of an id.
    pub fn new(id: impl Into<String>) -> Self {
        Self { site: None, id: id.into(), file: FileFacts::default() }
    }

    /// An attachment that was listed, with its name, type and size.
    pub fn of(attachment: &Attachment) -> Self {
        let mut file = FileFacts::named(attachment.name.clone());
        if let Some(content_type) = &attachment.content_type {
            file = file.of_type(content_type.clone());
        }
        if let Some(size) = attachment.size {
            file = file.of_size(size);
        }
        Self { file, ..Self::new(attachment.id.clone()) }
    }

    /// Names the site by its id. Not needed where the connection has only one.
    #[must_use]
    pub fn at(mut self, site: impl Into<String>) -> Self {
        self.site = Some(site.into());
        self
    }
}

impl Download for DownloadAttachment {
    fn facts(&self) -> &OperationFacts {
        &DOWNLOAD
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Transfer>> {
        at_site(cx, &DOWNLOAD, self.site.as_deref())
            .part("attachment", &self.id)
            .query("redirect", "false")
            .demand(is_number(&self.id))
            .download_in_parts(self.file.clone())
    }

    fn classify(&self, spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
        errors::classify(spec, answer)
    }
}

impl fmt::Debug for DownloadAttachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DownloadAttachment([redacted])")
    }
}
