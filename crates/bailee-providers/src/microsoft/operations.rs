//! The calls that a declaration may allow: send mail, list events, upload a small file.

use std::{borrow::Cow, fmt, sync::Arc};

use bailee_core::{CredentialName, Effect, ProviderId, ScopeName, Timestamp};
use http::{HeaderName, Method};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    errors,
    wire::{
        Address, Content, EventBody, EventsBody, FileBody, Message, Recipient, SendBody, TimeBody,
    },
};
use crate::{
    context::Context,
    failure::Failure,
    file_name::SafeFileName,
    json_call::JsonCall,
    operation::{Operation, OperationFacts},
    page::{Cursor, Page, Paged},
    rfc::malformed,
    step::Step,
};

/// The largest file that is uploaded in one request, in bytes.
pub const SMALL_FILE: usize = 4 * 1024 * 1024;

const PROVIDER: ProviderId = ProviderId::from_static("microsoft");
const USER: CredentialName = CredentialName::from_static("user");

static SEND_MAIL: OperationFacts = OperationFacts {
    name: "microsoft.send_mail",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("Mail.Send")],
    effect: Effect::Effect,
    method: Method::POST,
    path: "/me/sendMail",
    sends: &["communications"],
    reads: &[],
    credential: USER,
};

static LIST_EVENTS: OperationFacts = OperationFacts {
    name: "microsoft.list_events",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("Calendars.Read")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/me/calendarView",
    sends: &[],
    reads: &["schedule"],
    credential: USER,
};

static UPLOAD_FILE: OperationFacts = OperationFacts {
    name: "microsoft.upload_file",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("Files.ReadWrite")],
    effect: Effect::Effect,
    method: Method::PUT,
    path: "/me/drive/root:/{name}:/content",
    sends: &["content"],
    reads: &[],
    credential: USER,
};

/// Sends a message of plain text in the person's name. Sending twice sends two; Graph says that it
/// took it, and gives no id. `Debug` shows how many recipients there are.
#[derive(Clone, PartialEq, Eq)]
pub struct SendMail {
    to: Vec<String>,
    subject: String,
    text: String,
    keep: bool,
}

impl SendMail {
    /// A message with a subject and a text, to nobody yet.
    pub fn new(subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self { to: Vec::new(), subject: subject.into(), text: text.into(), keep: true }
    }

    /// Sends it to an address.
    #[must_use]
    pub fn to(mut self, address: impl Into<String>) -> Self {
        self.to.push(address.into());
        self
    }

    /// Leaves no copy among what the person has sent.
    #[must_use]
    pub fn without_copy(mut self) -> Self {
        self.keep = false;
        self
    }

    fn is_good(&self) -> bool {
        let address = |text: &String| {
            (3..=254).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>,;\"()".contains(&byte))
                && text.split_once('@').is_some_and(|(local, domain)| {
                    !local.is_empty() && domain.contains('.') && !domain.contains('@')
                })
        };
        (1..=100).contains(&self.to.len())
            && self.to.iter().all(address)
            && self.subject.chars().count() <= 255
            && !self.subject.chars().any(char::is_control)
            && self.text.len() <= 3 * 1024 * 1024
    }
}

impl Operation for SendMail {
    type Output = ();

    fn facts(&self) -> &OperationFacts {
        &SEND_MAIL
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<()>> {
        let recipient = |address| Recipient { email_address: Address { address } };
        JsonCall::new(cx, &SEND_MAIL)
            .body(&SendBody {
                message: Message {
                    subject: &self.subject,
                    body: Content { content_type: "Text", content: &self.text },
                    to_recipients: self.to.iter().map(String::as_str).map(recipient).collect(),
                },
                save_to_sent_items: self.keep,
            })
            .demand(self.is_good())
            .classify(errors::classify)
            .done()
    }
}

impl fmt::Debug for SendMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendMail").field("recipients", &self.to.len()).finish_non_exhaustive()
    }
}

/// Lists the events of the person's calendar that fall into a time, page by page, in the order in
/// which they begin. A series comes as its single events; who takes part is not asked for.
///
/// `Debug` shows the time alone.
#[derive(Clone, PartialEq, Eq)]
pub struct ListEvents {
    from: Timestamp,
    until: Timestamp,
    page_size: u16,
    cursor: Option<Cursor>,
}

impl ListEvents {
    /// The events between two times.
    pub fn between(from: Timestamp, until: Timestamp) -> Self {
        Self { from, until, page_size: 100, cursor: None }
    }

    /// Sets how many come on a page, 1000 at most; 100 where it is not set.
    #[must_use]
    pub fn page_size(mut self, events: u16) -> Self {
        self.page_size = events;
        self
    }
}

impl Operation for ListEvents {
    type Output = Page<CalendarEvent>;

    fn facts(&self) -> &OperationFacts {
        &LIST_EVENTS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Page<CalendarEvent>>> {
        let mut call = JsonCall::new(cx, &LIST_EVENTS)
            .query("startDateTime", self.from.to_string())
            .query("endDateTime", self.until.to_string())
            .query("$select", "id,subject,location,start,end,isAllDay,isCancelled")
            .query("$orderby", "start/dateTime")
            .query("$top", self.page_size.to_string())
            .demand(self.from < self.until && (1..=1000).contains(&self.page_size));
        if let Some(cursor) = &self.cursor {
            call = call.continued(cursor);
        }
        let spec = cx.spec.clone();
        call.header(HeaderName::from_static("prefer"), "outlook.timezone=\"UTC\"")
            .classify(errors::classify)
            .read(move |page: EventsBody| {
                let events: Result<Vec<CalendarEvent>, Failure> =
                    page.value.into_iter().map(CalendarEvent::read).collect();
                let paths = [LIST_EVENTS.path, "/users/{id}/calendarView"];
                let next = page.next.map(|link| Cursor::of_address(&spec, &paths, &link));
                Ok(Page { items: events?, next: next.transpose()? })
            })
    }
}

impl Paged for ListEvents {
    type Item = CalendarEvent;

    fn after(&self, cursor: Cursor) -> Self {
        Self { cursor: Some(cursor), ..self.clone() }
    }
}

impl fmt::Debug for ListEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListEvents")
            .field("from", &self.from)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

/// An event. It is personal data: `Debug` shows whether it was called off.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CalendarEvent {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: Option<String>,
    /// Where it takes place.
    pub location: Option<String>,
    /// When it begins; of whole days midnight in UTC.
    pub starts: Timestamp,
    /// When it ends; that moment is no part of it.
    pub ends: Timestamp,
    /// Whether it takes whole days.
    pub whole_days: bool,
    /// Whether it was called off.
    pub cancelled: bool,
}

impl CalendarEvent {
    fn read(body: EventBody) -> Result<Self, Failure> {
        Ok(Self {
            id: body.id,
            title: body.subject,
            location: body.location.and_then(|place| place.display_name),
            starts: time(&body.start)?,
            ends: time(&body.end)?,
            whole_days: body.is_all_day,
            cancelled: body.is_cancelled,
        })
    }
}

impl fmt::Debug for CalendarEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CalendarEvent").field("cancelled", &self.cancelled).finish_non_exhaustive()
    }
}

/// A time that was asked for in UTC, written without an offset and with seven digits of a second.
fn time(body: &TimeBody) -> Result<Timestamp, Failure> {
    let text = body.date_time.strip_suffix('Z').unwrap_or(&body.date_time);
    let read = OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339);
    match read {
        Ok(time) if body.time_zone == "UTC" => Ok(Timestamp::from_seconds(time.unix_timestamp())),
        _ => Err(malformed()),
    }
}

/// Puts a small file into the root of the person's OneDrive. A file of that name that is there
/// already stays, and the upload is refused, unless it is to be replaced.
///
/// `Debug` shows the size alone.
#[derive(Clone, PartialEq, Eq)]
pub struct UploadFile {
    name: String,
    content_type: Cow<'static, str>,
    bytes: Arc<[u8]>,
    replace: bool,
}

impl UploadFile {
    /// A file of at most [`SMALL_FILE`] bytes.
    pub fn new(
        name: impl Into<String>,
        content_type: impl Into<Cow<'static, str>>,
        bytes: impl Into<Arc<[u8]>>,
    ) -> Self {
        Self {
            name: name.into(),
            content_type: content_type.into(),
            bytes: bytes.into(),
            replace: false,
        }
    }

    /// Replaces a file of this name.
    #[must_use]
    pub fn replacing(mut self) -> Self {
        self.replace = true;
        self
    }
}

impl Operation for UploadFile {
    type Output = StoredFile;

    fn facts(&self) -> &OperationFacts {
        &UPLOAD_FILE
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<StoredFile>> {
        // What OneDrive refuses in a name is what no safe name has.
        let safe = SafeFileName::of(&self.name).as_str() == self.name;
        let visible = self.content_type.bytes().all(|byte| byte.is_ascii_graphic());
        let small = (1..=SMALL_FILE).contains(&self.bytes.len());
        JsonCall::new(cx, &UPLOAD_FILE)
            .part("name", &self.name)
            .query(
                "@microsoft.graph.conflictBehavior",
                if self.replace { "replace" } else { "fail" },
            )
            .bytes(self.bytes.clone(), self.content_type.clone())
            .demand(safe && visible && small && self.content_type.contains('/'))
            .classify(errors::classify)
            .read(|file: FileBody| Ok(StoredFile { id: file.id, name: file.name }))
    }
}

impl fmt::Debug for UploadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadFile").field("size", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// A file in OneDrive. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredFile {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl fmt::Debug for StoredFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredFile([redacted])")
    }
}
