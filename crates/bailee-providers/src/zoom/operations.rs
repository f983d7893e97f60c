//! The calls that a declaration may allow: create a meeting, list meetings.

use std::fmt;

use bailee_core::{
    CredentialName, Effect, Error, ErrorKind, ProviderId, Result, ScopeName, Timestamp,
};
use http::Method;
use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};

use super::{
    errors,
    wire::{MeetingBody, MeetingWire, MeetingsWire, SettingsBody},
};
use crate::{
    context::Context,
    json_call::JsonCall,
    operation::{Operation, OperationFacts},
    page::{Cursor, Page, Paged},
    step::Step,
};

/// The longest topic, in characters.
pub const TOPIC_LIMIT: usize = 200;
/// The longest agenda, in characters.
pub const AGENDA_LIMIT: usize = 2000;
/// The most meetings on a page.
const PAGE_LIMIT: u16 = 300;

const PROVIDER: ProviderId = ProviderId::from_static("zoom");
const MAIN: CredentialName = CredentialName::from_static("user");

pub(super) static CREATE_MEETING: OperationFacts = OperationFacts {
    name: "zoom.create_meeting",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("meeting:write:meeting")],
    effect: Effect::Effect,
    method: Method::POST,
    path: "/v2/users/me/meetings",
    sends: &["calendar"],
    reads: &["calendar"],
    credential: MAIN,
};

pub(super) static LIST_MEETINGS: OperationFacts = OperationFacts {
    name: "zoom.list_meetings",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("meeting:read:list_meetings")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/v2/users/me/meetings",
    sends: &[],
    reads: &["calendar"],
    credential: MAIN,
};

/// Creates a meeting for the person. `Debug` does not show what it is about.
///
/// Each call creates one, also one that was made before.
#[derive(Clone)]
pub struct CreateMeeting {
    topic: String,
    start: MeetingStart,
    duration: Option<u32>,
    agenda: String,
    settings: SettingsBody,
}

impl CreateMeeting {
    /// A meeting about a topic.
    pub fn new(topic: impl Into<String>, start: MeetingStart) -> Self {
        Self {
            topic: topic.into(),
            start,
            duration: None,
            agenda: String::new(),
            settings: SettingsBody::default(),
        }
    }

    /// Sets how long it is planned to take, in minutes.
    #[must_use]
    pub fn minutes(mut self, minutes: u32) -> Self {
        self.duration = Some(minutes);
        self
    }

    /// Sets the agenda.
    #[must_use]
    pub fn agenda(mut self, agenda: impl Into<String>) -> Self {
        self.agenda = agenda.into();
        self
    }

    /// Sets whether the host's video is on at the beginning.
    #[must_use]
    pub fn host_video(mut self, on: bool) -> Self {
        self.settings.host_video = Some(on);
        self
    }

    /// Sets whether the participants' video is on at the beginning.
    #[must_use]
    pub fn participant_video(mut self, on: bool) -> Self {
        self.settings.participant_video = Some(on);
        self
    }

    /// Sets whether others may join before the host.
    #[must_use]
    pub fn join_before_host(mut self, on: bool) -> Self {
        self.settings.join_before_host = Some(on);
        self
    }

    /// Sets whether others wait until the host lets them in.
    #[must_use]
    pub fn waiting_room(mut self, on: bool) -> Self {
        self.settings.waiting_room = Some(on);
        self
    }

    /// Sets whether others are muted when they join.
    #[must_use]
    pub fn mute_upon_entry(mut self, on: bool) -> Self {
        self.settings.mute_upon_entry = Some(on);
        self
    }

    /// Checks what was given.
    ///
    /// # Errors
    ///
    /// Fails with `InvalidInput` and says what is not acceptable.
    pub fn check(&self) -> Result<()> {
        let topic = self.topic.chars().count();
        if topic == 0 || topic > TOPIC_LIMIT {
            return invalid("the topic is empty or longer than 200 characters");
        }
        if self.agenda.chars().count() > AGENDA_LIMIT {
            return invalid("the agenda is longer than 2000 characters");
        }
        if self.duration == Some(0) {
            return invalid("the meeting takes no time");
        }
        match &self.start {
            MeetingStart::Local { date_time, timezone } => {
                if !is_local(date_time) {
                    return invalid("the start is no date and time (2026-12-01T09:30:00)");
                }
                let word =
                    |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'+' | b'-');
                if !(1..=64).contains(&timezone.len()) || !timezone.bytes().all(word) {
                    return invalid("the time zone is no name of one (Europe/Berlin)");
                }
            }
            MeetingStart::Now | MeetingStart::Open => {}
            MeetingStart::Utc(at) => {
                if utc(*at).is_none() {
                    return invalid("the start is outside the calendar");
                }
            }
        }
        Ok(())
    }
}

impl Operation for CreateMeeting {
    type Output = Meeting;

    fn facts(&self) -> &OperationFacts {
        &CREATE_MEETING
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Meeting>> {
        let (kind, start, timezone) = match &self.start {
            MeetingStart::Local { date_time, timezone } => {
                (2, Some(date_time.clone()), Some(timezone.as_str()))
            }
            MeetingStart::Now => (1, None, None),
            MeetingStart::Open => (3, None, None),
            MeetingStart::Utc(at) => (2, utc(*at), None),
        };
        JsonCall::new(cx, &CREATE_MEETING)
            .demand(self.check().is_ok())
            .classify(errors::classify)
            .body(&MeetingBody {
                topic: &self.topic,
                kind,
                start_time: start.as_deref(),
                timezone,
                duration: self.duration,
                agenda: &self.agenda,
                settings: self.settings,
            })
            .read(|meeting: MeetingWire| Ok(Meeting::read(meeting)))
    }
}

impl fmt::Debug for CreateMeeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateMeeting").field("duration", &self.duration).finish_non_exhaustive()
    }
}

/// When a meeting begins. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MeetingStart {
    /// At a time of a place.
    Local {
        /// Date and time without an offset: `2026-12-01T09:30:00`.
        date_time: String,
        /// The place's zone by its name in the IANA database: `Europe/Berlin`.
        timezone: String,
    },
    /// At once.
    Now,
    /// Whenever somebody joins, again and again.
    Open,
    /// At a moment.
    Utc(Timestamp),
}

impl fmt::Debug for MeetingStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MeetingStart([redacted])")
    }
}

/// Lists the person's meetings, page by page: those that are planned, unless something else is
/// asked for.
#[derive(Clone, Debug, Default)]
pub struct ListMeetings {
    upcoming: bool,
    page_size: Option<u16>,
    cursor: Option<Cursor>,
}

impl ListMeetings {
    /// The meetings that are planned.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for those to come alone, with the one that is on now.
    #[must_use]
    pub fn upcoming(mut self) -> Self {
        self.upcoming = true;
        self
    }

    /// Sets how many stand on a page, from 1 to 300; Zoom gives 30 where it is not set.
    #[must_use]
    pub fn page_size(mut self, meetings: u16) -> Self {
        self.page_size = Some(meetings);
        self
    }
}

impl Operation for ListMeetings {
    type Output = Page<Meeting>;

    fn facts(&self) -> &OperationFacts {
        &LIST_MEETINGS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Page<Meeting>>> {
        let fits = self.page_size.is_none_or(|size| (1..=PAGE_LIMIT).contains(&size));
        let mut call = JsonCall::new(cx, &LIST_MEETINGS).demand(fits).classify(errors::classify);
        if self.upcoming {
            call = call.query("type", "upcoming");
        }
        if let Some(size) = self.page_size {
            call = call.query("page_size", size.to_string());
        }
        if let Some(cursor) = &self.cursor {
            call = call.query("next_page_token", cursor.as_str());
        }
        call.read(|page: MeetingsWire| {
            let meetings = page.meetings.into_iter().map(Meeting::read).collect();
            Ok(Page::new(meetings, page.next_page_token))
        })
    }
}

impl Paged for ListMeetings {
    type Item = Meeting;

    fn after(&self, cursor: Cursor) -> Self {
        Self { cursor: Some(cursor), ..self.clone() }
    }
}

/// A meeting. It is personal data: `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meeting {
    /// The number that people join by. Meetings that are not planned lose it thirty days after
    /// their last use.
    pub id: u64,
    /// The id of this occurrence.
    pub uuid: Option<String>,
    /// What it is about.
    pub topic: Option<String>,
    /// When it begins, as Zoom writes it; none where nothing is planned.
    pub start_time: Option<String>,
    /// How many minutes it is planned to take.
    pub minutes: Option<u32>,
    /// The time zone that it was planned in.
    pub timezone: Option<String>,
    /// Where others join. It may hold the passcode.
    pub join_url: Option<String>,
}

impl Meeting {
    fn read(wire: MeetingWire) -> Self {
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            id: wire.id,
            uuid: filled(wire.uuid),
            topic: filled(wire.topic),
            start_time: filled(wire.start_time),
            minutes: wire.duration,
            timezone: filled(wire.timezone),
            join_url: filled(wire.join_url),
        }
    }
}

impl fmt::Debug for Meeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meeting([redacted])")
    }
}

fn invalid(what: &'static str) -> Result<()> {
    Err(Error::new(ErrorKind::InvalidInput).with_provider(PROVIDER).with_detail(what))
}

fn is_local(text: &str) -> bool {
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    PrimitiveDateTime::parse(text, form).is_ok()
}

/// `2026-12-01T09:30:00Z`.
fn utc(at: Timestamp) -> Option<String> {
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    OffsetDateTime::from_unix_timestamp(at.as_seconds()).ok()?.format(form).ok()
}
