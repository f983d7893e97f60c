//! The events of a calendar (Calendar, `events.list`).

use std::fmt;

use bailee_core::{Effect, ScopeName, Timestamp};
use http::Method;

use super::{PROVIDER, USER, time};
use crate::{
    context::Context,
    failure::Failure,
    google::{
        errors,
        wire::{EventBody, EventsBody, TimeBody},
    },
    json_call::JsonCall,
    operation::{Operation, OperationFacts},
    page::{Cursor, Page, Paged},
    rfc::malformed,
    step::Step,
};

static LIST_EVENTS: OperationFacts = OperationFacts {
    name: "google.list_events",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("https://www.googleapis.com/auth/calendar.events.readonly")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/calendar/v3/calendars/{calendar}/events",
    sends: &[],
    reads: &["schedule"],
    credential: USER,
};

/// Who takes part is other people's data and is not asked for.
const FIELDS: &str = "nextPageToken,items(id,status,summary,description,location,start,end,\
                      recurringEventId)";

/// Lists the events of a calendar that fall into a time, page by page, in the order in which they
/// begin. A series comes as its single events.
///
/// `Debug` shows the time alone.
#[derive(Clone, PartialEq, Eq)]
pub struct ListEvents {
    calendar: String,
    from: Timestamp,
    until: Timestamp,
    page_size: u16,
    cursor: Option<Cursor>,
}

impl ListEvents {
    /// The events of the person's main calendar that end after `from` and begin before `until`.
    pub fn between(from: Timestamp, until: Timestamp) -> Self {
        Self { calendar: "primary".into(), from, until, page_size: 250, cursor: None }
    }

    /// Those of another calendar, by its id.
    #[must_use]
    pub fn of_calendar(mut self, id: impl Into<String>) -> Self {
        self.calendar = id.into();
        self
    }

    /// Sets how many come on a page, 2500 at most; 250 where it is not set.
    #[must_use]
    pub fn page_size(mut self, events: u16) -> Self {
        self.page_size = events;
        self
    }
}

impl Operation for ListEvents {
    type Output = Page<Event>;

    fn facts(&self) -> &OperationFacts {
        &LIST_EVENTS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Page<Event>>> {
        let good = self.from < self.until
            && (1..=2500).contains(&self.page_size)
            && self.calendar.len() <= 255;
        let mut call = JsonCall::new(cx, &LIST_EVENTS)
            .part("calendar", &self.calendar)
            .query("timeMin", self.from.to_string())
            .query("timeMax", self.until.to_string())
            .query("singleEvents", "true")
            .query("orderBy", "startTime")
            .query("maxAttendees", "1")
            .query("maxResults", self.page_size.to_string())
            .query("fields", FIELDS)
            .classify(errors::classify);
        if let Some(cursor) = &self.cursor {
            call = call.query("pageToken", cursor.as_str());
        }
        if !good {
            call = call.demand(false);
        }
        call.read(|page: EventsBody| {
            let events: Result<Vec<Event>, Failure> =
                page.items.into_iter().map(Event::read).collect();
            Ok(Page::new(events?, page.next_page_token))
        })
    }
}

impl Paged for ListEvents {
    type Item = Event;

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

/// An event. It is personal data: `Debug` shows its status alone.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// Its id within its calendar.
    pub id: String,
    /// Whether it takes place.
    pub status: EventStatus,
    /// Its title.
    pub title: Option<String>,
    /// What is written about it: text from outside, in which there may be HTML.
    pub description: Option<String>,
    /// Where it takes place.
    pub location: Option<String>,
    /// When it begins; one that was cancelled may not say.
    pub starts: Option<EventTime>,
    /// When it ends; that moment is no part of it.
    pub ends: Option<EventTime>,
    /// The series that it belongs to.
    pub series: Option<String>,
}

impl Event {
    fn read(body: EventBody) -> Result<Self, Failure> {
        Ok(Self {
            id: body.id,
            status: EventStatus::from_word(body.status.as_deref()),
            title: body.summary,
            description: body.description,
            location: body.location,
            starts: body.start.map(EventTime::read).transpose()?,
            ends: body.end.map(EventTime::read).transpose()?,
            series: body.recurring_event_id,
        })
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Whether an event takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventStatus {
    /// It was called off.
    Cancelled,
    /// It takes place. Also where nothing is said, as the documentation has it.
    Confirmed,
    /// Perhaps.
    Tentative,
    /// A word that is not known.
    Unknown,
}

impl EventStatus {
    fn from_word(word: Option<&str>) -> Self {
        match word {
            Some("cancelled") => Self::Cancelled,
            Some("confirmed") | None => Self::Confirmed,
            Some("tentative") => Self::Tentative,
            Some(_) => Self::Unknown,
        }
    }
}

/// When an event begins or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventTime {
    /// A whole day, wherever the person is (`2026-11-21`).
    Day(String),
    /// A moment.
    Moment {
        /// Which.
        at: Timestamp,
        /// The time zone that it was entered in (`Europe/Vienna`).
        zone: Option<String>,
    },
}

impl EventTime {
    fn read(body: TimeBody) -> Result<Self, Failure> {
        match (body.date_time, body.date) {
            (Some(text), None) => {
                let at = time(&text).ok_or_else(malformed)?;
                Ok(Self::Moment { at, zone: body.time_zone })
            }
            (None, Some(day)) if is_day(&day) => Ok(Self::Day(day)),
            _ => Err(malformed()),
        }
    }
}

fn is_day(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(n, byte)| match n {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
