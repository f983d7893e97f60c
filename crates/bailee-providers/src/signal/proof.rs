//! How a delivery is proved to be the provider's.

use std::fmt;

use bailee_core::Timestamp;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Delivery, EventTokenProof, Reply, SignalRefusal, event_token};
use crate::{
    context::Context,
    spec::{MessagePiece, ProofFacts, SignatureAt, SignatureFacts, TextEncoding, TimeUnit},
};

/// The most signatures that one header may carry.
const MOST_TAGS: usize = 8;

/// What is to be done with a delivery.
#[derive(Debug)]
#[non_exhaustive]
pub enum Opening {
    /// Answer it: a question that says nothing of anybody.
    Answer(Reply),
    /// Check this, then read it.
    Check(SignalProof),
    /// Get the provider's keys ([`crate::Provider::signal_keys`]), check this, then read it.
    CheckToken(EventTokenProof),
}

/// A signature over a delivery, to be checked in constant time with each secret that is active. A
/// delivery that no secret made is refused; there is no second scheme to fall back to (HOOK-01).
/// `Debug` shows the secret's name.
#[non_exhaustive]
pub struct SignalProof {
    /// Which of the registration's secrets makes it.
    pub secret: SignalSecret,
    /// What was signed.
    pub message: Zeroizing<Vec<u8>>,
    /// The signatures. One good one is enough: providers send several while they rotate.
    pub tags: Vec<Vec<u8>>,
    /// How they are made.
    pub kind: ProofKind,
}

impl SignalProof {
    /// HMAC-SHA256 with the secret's bytes as they are.
    pub fn hmac(secret: SignalSecret, message: impl Into<Vec<u8>>, tags: Vec<Vec<u8>>) -> Self {
        let message = Zeroizing::new(message.into());
        Self { secret, message, tags, kind: ProofKind::HmacSha256 }
    }
}

impl fmt::Debug for SignalProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalProof").field("secret", &self.secret).finish_non_exhaustive()
    }
}

/// How a signature over a delivery is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProofKind {
    /// Ed25519 (RFC 8032); the registration's secret is the provider's public key, in hexadecimal.
    Ed25519,
    /// HMAC with SHA-256 (RFC 2104), the secret's bytes being the key.
    HmacSha256,
    /// The same, with the key in base64 behind `whsec_` (Standard Webhooks).
    StandardWebhooks,
}

/// Which of a registration's secrets signals are signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SignalSecret {
    /// The client's; those that are kept for signals alone count as well.
    Client,
    /// One that is kept for signals alone.
    Own,
}

/// Opens a delivery as the spec says.
pub(crate) fn open(cx: &Context<'_>, delivery: &Delivery<'_>) -> Result<Opening, SignalRefusal> {
    let push = cx.spec.signals.push.as_ref().ok_or(SignalRefusal::Unknown)?;
    let known = match delivery.topic {
        None => push.topics.is_empty(),
        Some(topic) => push.topics.iter().any(|known| known == topic),
    };
    if !known {
        return Err(SignalRefusal::Unknown);
    }
    delivery.is_posted()?;
    match &push.proof {
        ProofFacts::Adapter => Err(SignalRefusal::Unknown),
        ProofFacts::EventToken(_) => event_token::open(delivery).map(Opening::CheckToken),
        ProofFacts::Signature(facts) => signature(cx, push.secret, facts, delivery),
    }
}

fn signature(
    cx: &Context<'_>,
    secret: SignalSecret,
    facts: &SignatureFacts,
    delivery: &Delivery<'_>,
) -> Result<Opening, SignalRefusal> {
    let header = delivery.header(&facts.header)?;
    let mut time = match &facts.time_header {
        Some(name) => Some(delivery.header(name)?),
        None => None,
    };
    let id = match &facts.id_header {
        Some(name) => delivery.header(name)?,
        None => "",
    };
    let mut tags = Vec::new();
    match &facts.at {
        SignatureAt::Whole { prefix } => {
            let text = header.strip_prefix(prefix.as_str()).ok_or(SignalRefusal::Malformed)?;
            tags.push(facts.encoding.decode(text).ok_or(SignalRefusal::Malformed)?);
        }
        SignatureAt::List { prefix } => {
            // What is of another version is passed over, never fallen back to.
            for text in header.split(' ').filter_map(|text| text.strip_prefix(prefix.as_str())) {
                tags.push(facts.encoding.decode(text).ok_or(SignalRefusal::Malformed)?);
            }
        }
        SignatureAt::Pairs { time: named, signature } => {
            for pair in header.split(',') {
                let (name, value) = pair.trim().split_once('=').ok_or(SignalRefusal::Malformed)?;
                if name == named {
                    if time.replace(value).is_some() {
                        return Err(SignalRefusal::Malformed);
                    }
                } else if name == signature {
                    tags.push(facts.encoding.decode(value).ok_or(SignalRefusal::Malformed)?);
                }
            }
        }
    }
    if tags.is_empty() {
        return Err(SignalRefusal::Unsigned);
    }
    if tags.len() > MOST_TAGS {
        return Err(SignalRefusal::Malformed);
    }
    if let Some(unit) = facts.time_unit {
        let made = time.and_then(|text| unit.read(text)).ok_or(SignalRefusal::Malformed)?;
        fresh(cx.now, made, facts)?;
    }
    let mut message = Vec::with_capacity(delivery.body.len() + 128);
    for piece in &facts.message {
        match piece {
            MessagePiece::Text(text) => message.extend_from_slice(text.as_bytes()),
            MessagePiece::Address => message.extend_from_slice(delivery.address.as_bytes()),
            MessagePiece::Body => message.extend_from_slice(delivery.body),
            MessagePiece::Id => message.extend_from_slice(id.as_bytes()),
            MessagePiece::Method => message.extend_from_slice(delivery.method.as_str().as_bytes()),
            // As it stands in the request: what is signed is the text.
            MessagePiece::Time => message.extend_from_slice(time.unwrap_or_default().as_bytes()),
        }
    }
    let proof = SignalProof { secret, message: Zeroizing::new(message), tags, kind: facts.kind };
    Ok(Opening::Check(proof))
}

/// Whether a time is within the window, either way (HOOK-02).
pub(super) fn fresh(
    now: Timestamp,
    made: Timestamp,
    facts: &SignatureFacts,
) -> Result<(), SignalRefusal> {
    let apart = now.since(made).max(made.since(now));
    if apart > facts.window { Err(SignalRefusal::Stale) } else { Ok(()) }
}

impl TextEncoding {
    /// Reads bytes that are written this way, strictly.
    pub fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Base64 => BASE64_STANDARD.decode(text).ok(),
            Self::Hexadecimal => hexadecimal(text),
        }
    }

    /// Writes bytes.
    pub fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Base64 => BASE64_STANDARD.encode(bytes),
            Self::Hexadecimal => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

/// Reads lower-case hexadecimal.
pub(crate) fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(2) || bytes.len() > 256 {
        return None;
    }
    bytes.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

impl TimeUnit {
    /// Reads a time that is written this way.
    pub(crate) fn read(self, text: &str) -> Option<Timestamp> {
        match self {
            Self::Seconds => {
                text.parse().ok().filter(|n| (0..=MOST).contains(n)).map(Timestamp::from_seconds)
            }
            Self::Milliseconds => text
                .parse::<i64>()
                .ok()
                .filter(|n| (0..=MOST * 1000).contains(n))
                .map(|n| Timestamp::from_micros(n * 1000)),
            Self::Rfc3339 => {
                time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339)
                    .ok()
                    .and_then(|at| i64::try_from(at.unix_timestamp_nanos() / 1000).ok())
                    .map(Timestamp::from_micros)
            }
            Self::Utc => {
                Self::Rfc3339.read(text).or_else(|| Self::Rfc3339.read(&format!("{text}Z")))
            }
        }
    }
}

/// The end of the year 9999, in seconds.
pub(super) const MOST: i64 = 253_402_300_799;
