//! The calls that a declaration may allow: post a message, list channels; each as the application
//! or as the person.

use std::fmt;

use bailee_core::{CredentialName, Effect, Error, ErrorKind, ProviderId, Result, ScopeName};
use http::Method;

use super::{
    errors,
    oauth::{BOT, USER},
    wire::{Channels, MessageBody, Posted},
};
use crate::{
    context::Context,
    failure::FailureKind,
    json_call::JsonCall,
    operation::{Operation, OperationFacts},
    page::{Cursor, Page, Paged},
    step::Step,
};

/// The longest text of a message, in characters. Slack advises 4000.
pub const TEXT_LIMIT: usize = 40_000;

/// The most channels on a page.
pub const PAGE_LIMIT: u16 = 1000;

const PROVIDER: ProviderId = ProviderId::from_static("slack");

const fn posting(
    name: &'static str,
    credential: CredentialName,
    scopes: &'static [ScopeName],
) -> OperationFacts {
    OperationFacts {
        name,
        provider: PROVIDER,
        scopes,
        effect: Effect::Effect,
        method: Method::POST,
        path: "/chat.postMessage",
        sends: &["communications"],
        reads: &[],
        credential,
    }
}

const fn listing(
    name: &'static str,
    credential: CredentialName,
    scopes: &'static [ScopeName],
) -> OperationFacts {
    OperationFacts {
        name,
        provider: PROVIDER,
        scopes,
        effect: Effect::Read,
        method: Method::GET,
        path: "/conversations.list",
        sends: &[],
        reads: &["organisation"],
        credential,
    }
}

const WRITE: &[ScopeName] = &[ScopeName::from_static("chat:write")];
const WRITE_AS_PERSON: &[ScopeName] = &[ScopeName::from_static("user:chat:write")];
const PUBLIC: &[ScopeName] = &[ScopeName::from_static("channels:read")];
const ALL: &[ScopeName] =
    &[ScopeName::from_static("channels:read"), ScopeName::from_static("groups:read")];
const PUBLIC_AS_PERSON: &[ScopeName] = &[ScopeName::from_static("user:channels:read")];
const ALL_AS_PERSON: &[ScopeName] =
    &[ScopeName::from_static("user:channels:read"), ScopeName::from_static("user:groups:read")];

static POST: OperationFacts = posting("slack.post_message", BOT, WRITE);
static POST_AS_PERSON: OperationFacts =
    posting("slack.post_message_as_person", USER, WRITE_AS_PERSON);
static LIST: OperationFacts = listing("slack.list_channels", BOT, PUBLIC);
static LIST_ALL: OperationFacts = listing("slack.list_channels", BOT, ALL);
static LIST_AS_PERSON: OperationFacts =
    listing("slack.list_channels_as_person", USER, PUBLIC_AS_PERSON);
static LIST_ALL_AS_PERSON: OperationFacts =
    listing("slack.list_channels_as_person", USER, ALL_AS_PERSON);

/// Posts a message to a channel, as the application or, with
/// [`as_person`](PostMessage::as_person), in the person's name. `Debug` does not show the text.
///
/// Slack has no key by which it knows a message again, so one whose answer was lost may have been
/// posted, and is never sent again. Links are not unfolded into previews until that is turned on.
#[derive(Clone)]
pub struct PostMessage {
    channel: String,
    text: String,
    thread: Option<String>,
    broadcast: bool,
    plain: bool,
    previews: bool,
    as_person: bool,
}

impl PostMessage {
    /// A message to a channel, by its id. The id of a person opens a direct message with them.
    pub fn new(channel: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            channel: channel.into(),
            text: text.into(),
            thread: None,
            broadcast: false,
            plain: false,
            previews: false,
            as_person: false,
        }
    }

    /// Posts in the person's name, with their own credential.
    #[must_use]
    pub fn as_person(mut self) -> Self {
        self.as_person = true;
        self
    }

    /// Replies in the thread of a message, which is named by its `ts`.
    #[must_use]
    pub fn in_thread(mut self, ts: impl Into<String>) -> Self {
        self.thread = Some(ts.into());
        self
    }

    /// Shows a reply in the channel too.
    #[must_use]
    pub fn broadcast(mut self) -> Self {
        self.broadcast = true;
        self
    }

    /// Shows the text as it is, without Slack's marks for bold and the like.
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.plain = true;
        self
    }

    /// Lets Slack fetch links and show previews of them.
    #[must_use]
    pub fn with_previews(mut self) -> Self {
        self.previews = true;
        self
    }

    /// Checks what was given.
    ///
    /// # Errors
    ///
    /// Fails with `InvalidInput` where the channel is no id, the text is empty or longer than
    /// [`TEXT_LIMIT`], the thread is no `ts`, or a message outside a thread is to be broadcast.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: &'static str| {
            Err(Error::new(ErrorKind::InvalidInput).with_provider(PROVIDER).with_detail(what))
        };
        if !is_conversation(&self.channel) {
            return wrong("the channel is to be named by its id");
        }
        if self.text.trim().is_empty() {
            return wrong("the message has no text");
        }
        if self.text.chars().count() > TEXT_LIMIT {
            return wrong("the message is longer than 40000 characters");
        }
        if self.thread.as_deref().is_some_and(|ts| !is_ts(ts)) {
            return wrong("a thread is named by the `ts` of its first message");
        }
        if self.broadcast && self.thread.is_none() {
            return wrong("only a reply in a thread can be shown in the channel too");
        }
        Ok(())
    }
}

impl Operation for PostMessage {
    type Output = PostedMessage;

    fn facts(&self) -> &OperationFacts {
        if self.as_person { &POST_AS_PERSON } else { &POST }
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<PostedMessage>> {
        JsonCall::new(cx, self.facts())
            .body(&MessageBody {
                channel: &self.channel,
                text: &self.text,
                thread_ts: self.thread.as_deref(),
                reply_broadcast: self.broadcast,
                mrkdwn: !self.plain,
                unfurl_links: self.previews,
                unfurl_media: self.previews,
            })
            .demand(self.check().is_ok())
            .classify(errors::classify)
            .read(|posted: Posted| {
                let fits = is_conversation(&posted.channel) && is_ts(&posted.ts);
                if fits {
                    Ok(PostedMessage { channel: posted.channel, ts: posted.ts })
                } else {
                    Err(FailureKind::Malformed.into())
                }
            })
    }
}

impl fmt::Debug for PostMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostMessage").field("as_person", &self.as_person).finish_non_exhaustive()
    }
}

/// A message that was posted. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostedMessage {
    /// The id of the channel that it is in.
    pub channel: String,
    /// Its id within the channel.
    pub ts: String,
}

impl fmt::Debug for PostedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostedMessage([redacted])")
    }
}

/// Lists the channels of the workspace that the application or the person can see, without those
/// that are archived.
#[derive(Clone, Debug)]
pub struct ListChannels {
    limit: u16,
    private: bool,
    archived: bool,
    as_person: bool,
    cursor: Option<Cursor>,
}

impl ListChannels {
    /// The public channels, as the application sees them, 200 a page.
    pub fn new() -> Self {
        Self { limit: 200, private: false, archived: false, as_person: false, cursor: None }
    }

    /// Lists what the person sees, with their own credential.
    #[must_use]
    pub fn as_person(mut self) -> Self {
        self.as_person = true;
        self
    }

    /// Lists private channels too.
    #[must_use]
    pub fn with_private(mut self) -> Self {
        self.private = true;
        self
    }

    /// Lists archived channels too.
    #[must_use]
    pub fn with_archived(mut self) -> Self {
        self.archived = true;
        self
    }

    /// Sets how many channels a page has at most: 1 to [`PAGE_LIMIT`].
    #[must_use]
    pub fn limit(mut self, limit: u16) -> Self {
        self.limit = limit;
        self
    }
}

impl Default for ListChannels {
    fn default() -> Self {
        Self::new()
    }
}

impl Operation for ListChannels {
    type Output = Page<Channel>;

    fn facts(&self) -> &OperationFacts {
        match (self.as_person, self.private) {
            (false, false) => &LIST,
            (false, true) => &LIST_ALL,
            (true, false) => &LIST_AS_PERSON,
            (true, true) => &LIST_ALL_AS_PERSON,
        }
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Page<Channel>>> {
        let types = if self.private { "public_channel,private_channel" } else { "public_channel" };
        let mut call = JsonCall::new(cx, self.facts())
            .query("types", types)
            .query("exclude_archived", (!self.archived).to_string())
            .query("limit", self.limit.to_string())
            .demand((1..=PAGE_LIMIT).contains(&self.limit));
        if let Some(cursor) = &self.cursor {
            call = call.query("cursor", cursor.as_str());
        }
        call.classify(errors::classify).read(|wire: Channels| {
            let channels = wire.channels.into_iter();
            // What is no id could not be posted to either.
            let channels = channels.filter(|channel| is_conversation(&channel.id));
            let channels = channels.map(|channel| Channel {
                id: channel.id,
                name: channel.name,
                is_private: channel.is_private,
                is_archived: channel.is_archived,
                is_member: channel.is_member,
            });
            Ok(Page::new(channels.collect(), wire.response_metadata.next_cursor))
        })
    }
}

impl Paged for ListChannels {
    type Item = Channel;

    fn after(&self, cursor: Cursor) -> Self {
        Self { cursor: Some(cursor), ..self.clone() }
    }
}

/// A channel. `Debug` does not show its name.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Channel {
    /// Its id.
    pub id: String,
    /// Its name, without the `#`.
    pub name: String,
    /// Whether it is private.
    pub is_private: bool,
    /// Whether it is archived.
    pub is_archived: bool,
    /// Whether whoever asked is in it.
    pub is_member: bool,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("is_private", &self.is_private)
            .field("is_archived", &self.is_archived)
            .field("is_member", &self.is_member)
            .finish_non_exhaustive()
    }
}

/// An id of a channel, a direct message or a person: a letter that says which, and more of them and
/// digits.
fn is_conversation(id: &str) -> bool {
    let word = id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    (3..=32).contains(&id.len()) && word && id.starts_with(['C', 'D', 'G', 'U', 'W'])
}

/// The id of a message: seconds, a point, and a number.
fn is_ts(ts: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    ts.len() <= 32
        && ts.split_once('.').is_some_and(|(seconds, number)| digits(seconds) && digits(number))
}
