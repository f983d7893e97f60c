//! What a provider sends of its own accord, and how it is proved.

use std::{collections::BTreeMap, time::Duration};

use bailee_core::{CredentialName, WithdrawalReason, event::RequestKind};
use http::{HeaderName, StatusCode};
use serde::Deserialize;
use toml::Spanned;
use url::Url;

use super::{
    address,
    check::{Check, is_date, seconds},
    file::{OneOrMore, Text},
};
use crate::signal::{ProofKind, SignalSecret, What};

/// A week.
const WATCH: u32 = 604_800;
/// Three days: the longest that any provider is known to repeat a delivery for.
const REPEATS: u32 = 259_200;
/// Five minutes either way (Standard Webhooks).
const WINDOW: u32 = 300;

/// How a provider tells of its own accord what happened to an account.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignalFacts {
    /// What it sends; none where it sends nothing.
    pub push: Option<PushFacts>,
    /// Where the files lie to which a provider points that keeps its signals for whoever asks, in
    /// the form of [`SpecFacts::upload_hosts`](super::SpecFacts::upload_hosts).
    pub journal_hosts: Vec<String>,
    /// How often a connection that nothing is heard of is asked about.
    pub watch: Duration,
    /// Whether it is asked about even where a renewal proved it alive: the answer says more.
    pub watch_always: bool,
}

/// What a provider sends.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PushFacts {
    /// How a delivery is proved.
    pub proof: ProofFacts,
    /// Which of the registration's secrets it is proved with.
    pub secret: SignalSecret,
    /// The page that says so.
    pub page: String,
    /// When that was checked.
    pub checked: String,
    /// What makes a delivery the same as an earlier one; its bytes where the list is empty, or where
    /// one of these members is not there. One of these headers has to be.
    pub delivery_id: Vec<SignalPlace>,
    /// For how long the provider repeats a delivery.
    pub repeats: Duration,
    /// For how long after its end a connection may still be spoken of.
    pub remembers: Duration,
    /// The status for a delivery that was kept.
    pub accepted: StatusCode,
    /// The status for one that is refused.
    pub refused: StatusCode,
    /// What stands behind the signal address for each kind of delivery; empty where there is one
    /// address for all.
    pub topics: Vec<String>,
    /// Whether the provider may name a refresh token without saying it.
    pub names_tokens: bool,
    /// Where it says, with `true` or `false`, whether it is about people's accounts or about trials
    /// (RFC 6901). What is about the other kind than the registration says nothing.
    pub live: Option<String>,
    /// What it tells.
    pub events: Vec<EventFacts>,
}

impl PushFacts {
    /// The JSON that goes with a refusal, where the provider is told why: for Security Event Tokens
    /// an error of RFC 8935 §2.3 in English, so with `Content-Language: en`. `word` is what
    /// [`SignalRefusal::code`](crate::signal::SignalRefusal::code) gave, or any other word for a
    /// signature that did not hold. It repeats nothing of the delivery.
    pub fn refusal_body(&self, word: &str) -> Option<&'static str> {
        self.event_token()?;
        Some(match word {
            "foreign" => {
                r#"{"err":"invalid_audience","description":"The token is for another recipient."}"#
            }
            "issuer" => {
                r#"{"err":"invalid_issuer","description":"The token comes from another issuer."}"#
            }
            "malformed" | "method" | "stale" | "too_long" | "unknown_address" | "unsigned" => {
                r#"{"err":"invalid_request","description":"This is not a Security Event Token that can be read."}"#
            }
            _ => {
                r#"{"err":"invalid_key","description":"No key of the issuer made the signature."}"#
            }
        })
    }

    pub(crate) fn event_token(&self) -> Option<&EventTokenFacts> {
        match &self.proof {
            ProofFacts::EventToken(facts) => Some(facts),
            _ => None,
        }
    }
}

/// How a delivery is proved.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ProofFacts {
    /// In a way that only the adapter knows.
    Adapter,
    /// It is a Security Event Token.
    EventToken(EventTokenFacts),
    /// By a signature in a header.
    Signature(SignatureFacts),
}

/// Where the keys of Security Event Tokens come from, and whom the tokens are for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EventTokenFacts {
    /// The issuer, character for character.
    pub issuer: String,
    /// The document that names the key set.
    pub configuration: Url,
    /// Whom a token may be for, beside the registration's client.
    pub audiences: Vec<String>,
}

/// A signature in a header.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignatureFacts {
    /// How it is made.
    pub kind: ProofKind,
    /// The header that it stands in.
    pub header: String,
    /// Where in it.
    pub at: SignatureAt,
    /// How it is written.
    pub encoding: TextEncoding,
    /// What is signed.
    pub message: Vec<MessagePiece>,
    /// The header that says when it was made, where that is a header of its own.
    pub time_header: Option<String>,
    /// How that time is written. None: the header says no time.
    pub time_unit: Option<TimeUnit>,
    /// Where in the signed body it says when it was made.
    pub time_inside: Option<TimeAt>,
    /// How far that time may be from ours, either way.
    pub window: Duration,
    /// The header with the delivery's id, where that is signed.
    pub id_header: Option<String>,
}

/// Where in its header a signature stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureAt {
    /// It is one of several, with spaces between, behind this text.
    List {
        /// The text.
        prefix: String,
    },
    /// It stands in a list of `name=value`, with commas between.
    Pairs {
        /// The name of the time.
        time: String,
        /// The name of a signature.
        signature: String,
    },
    /// It is all of it, behind this text.
    Whole {
        /// The text.
        prefix: String,
    },
}

/// How bytes are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TextEncoding {
    /// In base64 with padding (RFC 4648 §4).
    Base64,
    /// In lower-case hexadecimal.
    #[default]
    Hexadecimal,
}

/// A piece of what is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessagePiece {
    /// The public address of the request, with its query.
    Address,
    /// The raw body.
    Body,
    /// The delivery's id, as its header has it.
    Id,
    /// The method.
    Method,
    /// A fixed text.
    Text(String),
    /// The time, as its header has it.
    Time,
}

/// How a time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TimeUnit {
    /// In milliseconds since 1970.
    Milliseconds,
    /// As a date and time with its offset (RFC 3339).
    Rfc3339,
    /// In seconds since 1970.
    Seconds,
    /// As a date and time (RFC 3339) whose offset may be missing, and is zero then.
    Utc,
}

/// Where in a document a time stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TimeAt {
    /// The place (RFC 6901).
    pub pointer: String,
    /// How it is written there.
    pub unit: TimeUnit,
}

/// Where something of a delivery stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignalPlace {
    /// In a header. A file writes `header:` before its name.
    Header(String),
    /// In the document (RFC 6901).
    Member(String),
}

/// One kind of thing that a provider tells.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EventFacts {
    /// What has to stand where, all of it.
    pub when: Vec<(SignalPlace, Wanted)>,
    /// The event's type, in a Security Event Token.
    pub uri: Option<String>,
    /// What it says.
    pub means: Means,
    /// Where the account stands. Several values are joined with a colon; an array names several
    /// accounts.
    pub account: Vec<String>,
    /// The word for the kind of id.
    pub id_kind: String,
    /// What stands before it in the id that accounts are connected under.
    pub id_prefix: String,
    /// The one token set that it is about.
    pub credential: Option<CredentialName>,
    /// When it happened.
    pub at: Option<TimeAt>,
    /// How long the provider gives for a request.
    pub within: Option<Duration>,
    /// Ids that a request is about, by name.
    pub details: Vec<(String, String)>,
}

/// What has to stand at a place.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Wanted {
    /// Anything but `null` (`true` in a file), or nothing (`false`).
    Present(bool),
    /// This text, or this number or truth value in its JSON spelling.
    Text(String),
}

/// What an event says, as a file writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Means {
    /// [`WithdrawalReason::AccessRemoved`].
    AccessRemoved,
    /// [`WithdrawalReason::AccountClosed`].
    AccountClosed,
    /// [`WithdrawalReason::Barred`].
    Barred,
    /// [`What::Check`].
    Check,
    /// [`RequestKind::Erasure`].
    Erasure,
    /// [`RequestKind::OthersAccess`].
    OthersAccess,
    /// [`RequestKind::OthersErasure`].
    OthersErasure,
    /// [`What::Resumed`].
    Resumed,
    /// [`What::SessionsEnded`].
    SessionsEnded,
    /// [`What::Suspended`].
    Suspended,
    /// [`WithdrawalReason::TokensRevoked`].
    TokensRevoked,
    /// [`What::Updated`].
    Updated,
}

impl Means {
    pub(crate) fn what(self) -> What {
        match self {
            Self::AccessRemoved => What::withdrawn(WithdrawalReason::AccessRemoved),
            Self::AccountClosed => What::withdrawn(WithdrawalReason::AccountClosed),
            Self::Barred => What::withdrawn(WithdrawalReason::Barred),
            Self::Check => What::Check,
            Self::Erasure => What::request(RequestKind::Erasure, None),
            Self::OthersAccess => What::request(RequestKind::OthersAccess, None),
            Self::OthersErasure => What::request(RequestKind::OthersErasure, None),
            Self::Resumed => What::Resumed,
            Self::SessionsEnded => What::SessionsEnded,
            Self::Suspended => What::Suspended,
            Self::TokensRevoked => What::withdrawn(WithdrawalReason::TokensRevoked),
            Self::Updated => What::Updated,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileSignals {
    watch_seconds: Option<u32>,
    watch_always: bool,
    journal_hosts: Vec<Text>,
    push: Option<Spanned<FilePush>>,
    #[serde(rename = "event")]
    events: Vec<Spanned<FileEvent>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FilePush {
    page: String,
    checked: Text,
    secret: Option<SignalSecret>,
    signature: Option<FileSignature>,
    event_token: Option<FileEventToken>,
    #[serde(default)]
    delivery_id: Vec<Text>,
    repeats_seconds: Option<u32>,
    remembers_seconds: Option<u32>,
    accepted: Option<Spanned<u16>>,
    refused: Option<Spanned<u16>>,
    #[serde(default)]
    topics: Vec<Text>,
    #[serde(default)]
    names_tokens: bool,
    live: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSignature {
    kind: ProofKind,
    header: Text,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    list: bool,
    pairs: Option<FilePairs>,
    #[serde(default)]
    encoding: TextEncoding,
    message: Text,
    time_header: Option<Text>,
    time_unit: Option<TimeUnit>,
    time_inside: Option<TimeAt>,
    window_seconds: Option<u32>,
    id_header: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilePairs {
    time: String,
    signature: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEventToken {
    issuer: String,
    configuration: Text,
    #[serde(default)]
    audiences: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEvent {
    #[serde(default)]
    when: BTreeMap<String, Wanted>,
    uri: Option<String>,
    means: Means,
    #[serde(default)]
    account: OneOrMore,
    id_kind: Option<String>,
    #[serde(default)]
    id_prefix: String,
    credential: Option<CredentialName>,
    at: Option<TimeAt>,
    within_seconds: Option<u32>,
    #[serde(default)]
    details: BTreeMap<String, String>,
}

impl Check<'_> {
    pub(super) fn signals(
        &mut self,
        file: FileSignals,
        id_kind: &str,
        (hosts, open): (&[String], bool),
    ) -> SignalFacts {
        let watch = seconds(file.watch_seconds.unwrap_or(WATCH));
        let pattern = "a host name, or `*.` before one of at least two labels";
        let journal_hosts = self.hosts(&file.journal_hosts, address::is_host_pattern, pattern);
        let Some(push) = file.push else {
            for event in &file.events {
                self.fault(event.span(), "events need `[signals.push]`, which says how they come");
            }
            return SignalFacts {
                push: None,
                journal_hosts,
                watch,
                watch_always: file.watch_always,
            };
        };
        let span = push.span();
        let push = push.into_inner();
        if !is_date(push.checked.get_ref()) {
            self.fault(push.checked.span(), "`checked` is no date (2026-11-21 or 2026-11)");
        }
        let proof = match (push.signature, push.event_token) {
            (Some(signature), None) => self.signature(signature),
            (None, Some(token)) => {
                let name = "signals.push.event_token.configuration";
                match self.address(name, &token.configuration, hosts, open) {
                    Some(configuration) => ProofFacts::EventToken(EventTokenFacts {
                        issuer: token.issuer,
                        configuration,
                        audiences: token.audiences,
                    }),
                    None => ProofFacts::Adapter,
                }
            }
            (None, None) => ProofFacts::Adapter,
            (Some(_), Some(_)) => {
                self.fault(span.clone(), "one way of proof: a signature, or an event token");
                ProofFacts::Adapter
            }
        };
        let mut status =
            |status: Option<Spanned<u16>>, default: StatusCode, fits: fn(StatusCode) -> bool| {
                let Some(number) = status else { return default };
                match StatusCode::from_u16(*number.get_ref()) {
                    Ok(status) if fits(status) => status,
                    _ => {
                        self.fault(number.span(), "not a status for this");
                        default
                    }
                }
            };
        let accepted = status(push.accepted, StatusCode::OK, |status| status.is_success());
        let refused =
            status(push.refused, StatusCode::UNAUTHORIZED, |status| status.is_client_error());
        for topic in &push.topics {
            let text = topic.get_ref();
            let plain = |b: u8| b.is_ascii_lowercase() || b == b'-';
            if text.is_empty() || !text.bytes().all(plain) {
                self.fault(topic.span(), "a topic is lower-case letters and hyphens");
            }
        }
        if let Some(live) = &push.live
            && !live.get_ref().starts_with('/')
        {
            self.fault(live.span(), "`live` is a pointer into the document (`/livemode`)");
        }
        let delivery_id = push
            .delivery_id
            .iter()
            .filter_map(|text| self.place(text.span(), text.get_ref()))
            .collect();
        let token = matches!(proof, ProofFacts::EventToken(_));
        let events =
            file.events.into_iter().map(|event| self.event(event, id_kind, token)).collect();
        SignalFacts {
            push: Some(PushFacts {
                proof,
                secret: push.secret.unwrap_or(SignalSecret::Own),
                page: push.page,
                checked: push.checked.into_inner(),
                delivery_id,
                repeats: seconds(push.repeats_seconds.unwrap_or(REPEATS)),
                remembers: seconds(push.remembers_seconds.unwrap_or(0)),
                accepted,
                refused,
                topics: push.topics.into_iter().map(Spanned::into_inner).collect(),
                names_tokens: push.names_tokens,
                live: push.live.map(Spanned::into_inner),
                events,
            }),
            journal_hosts,
            watch,
            watch_always: file.watch_always,
        }
    }

    fn signature(&mut self, file: FileSignature) -> ProofFacts {
        let headers = [Some(&file.header), file.time_header.as_ref(), file.id_header.as_ref()];
        for header in headers.into_iter().flatten() {
            if HeaderName::from_bytes(header.get_ref().as_bytes()).is_err() {
                self.fault(
                    header.span(),
                    format_args!("`{}` is not the name of a header", header.get_ref()),
                );
            }
        }
        let message = match pieces(file.message.get_ref()) {
            Some(message) if message.contains(&MessagePiece::Body) => message,
            _ => {
                let what = "what is signed holds `{body}`, and otherwise text, `{address}`, `{id}`, \
                            `{method}` and `{time}`";
                self.fault(file.message.span(), what);
                Vec::new()
            }
        };
        let timed = file.time_header.is_some() || file.pairs.is_some();
        if message.contains(&MessagePiece::Time) && !timed {
            self.fault(file.message.span(), "no header says the time that is signed");
        }
        if message.contains(&MessagePiece::Id) != file.id_header.is_some() {
            self.fault(file.message.span(), "`{id}` is signed and comes from `id_header`");
        }
        if file.time_unit.is_some() != timed {
            self.fault(file.message.span(), "`time_unit` says how the header writes the time");
        }
        // A time that is not signed proves nothing.
        if timed && !message.contains(&MessagePiece::Time) {
            self.fault(file.message.span(), "the time in the header is not signed");
        }
        let at = match (file.pairs, file.list) {
            (Some(pairs), _) => SignatureAt::Pairs { time: pairs.time, signature: pairs.signature },
            (None, true) => SignatureAt::List { prefix: file.prefix },
            (None, false) => SignatureAt::Whole { prefix: file.prefix },
        };
        ProofFacts::Signature(SignatureFacts {
            kind: file.kind,
            header: file.header.into_inner(),
            at,
            encoding: file.encoding,
            message,
            time_header: file.time_header.map(Spanned::into_inner),
            time_unit: file.time_unit,
            time_inside: file.time_inside,
            window: seconds(file.window_seconds.unwrap_or(WINDOW)),
            id_header: file.id_header.map(Spanned::into_inner),
        })
    }

    fn event(&mut self, file: Spanned<FileEvent>, id_kind: &str, token: bool) -> EventFacts {
        let span = file.span();
        let file = file.into_inner();
        let account = file.account.into_vec();
        if token != file.uri.is_some() {
            self.fault(span.clone(), "`uri` names the event of a Security Event Token");
        }
        if !token && account.is_empty() {
            self.fault(span.clone(), "`account` says where the account stands");
        }
        let pointers = account.iter().chain(file.details.values());
        for pointer in pointers.chain(file.at.iter().map(|at| &at.pointer)) {
            if !pointer.starts_with('/') {
                self.fault(
                    span.clone(),
                    format_args!("`{pointer}` is no pointer into a document (`/data/id`)"),
                );
            }
        }
        let when = file
            .when
            .into_iter()
            .filter_map(|(place, wanted)| Some((self.place(span.clone(), &place)?, wanted)))
            .collect();
        EventFacts {
            when,
            uri: file.uri,
            means: file.means,
            account,
            id_kind: file.id_kind.unwrap_or_else(|| id_kind.to_owned()),
            id_prefix: file.id_prefix,
            credential: file.credential,
            at: file.at,
            within: file.within_seconds.map(seconds),
            details: file.details.into_iter().collect(),
        }
    }

    fn place(&mut self, span: std::ops::Range<usize>, text: &str) -> Option<SignalPlace> {
        if let Some(name) = text.strip_prefix("header:") {
            if HeaderName::from_bytes(name.as_bytes()).is_ok() {
                return Some(SignalPlace::Header(name.to_owned()));
            }
        } else if text.starts_with('/') {
            return Some(SignalPlace::Member(text.to_owned()));
        }
        self.fault(span, format_args!("`{text}` is no place: `/member` or `header:name`"));
        None
    }
}

/// Takes a template of what is signed apart.
fn pieces(template: &str) -> Option<Vec<MessagePiece>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}')?;
        if !before.is_empty() {
            pieces.push(MessagePiece::Text(before.to_owned()));
        }
        pieces.push(match name {
            "address" => MessagePiece::Address,
            "body" => MessagePiece::Body,
            "id" => MessagePiece::Id,
            "method" => MessagePiece::Method,
            "time" => MessagePiece::Time,
            _ => return None,
        });
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(MessagePiece::Text(rest.to_owned()));
    }
    Some(pieces)
}

/// An address on one of these hosts.
pub(super) fn on_hosts(text: &str, hosts: &[String]) -> Option<Url> {
    let url = address::parse(text).ok()?;
    url.host_str().is_some_and(|host| hosts.iter().any(|known| known == host)).then_some(url)
}
