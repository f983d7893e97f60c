//! Security Event Tokens (RFC 8417), as they are pushed (RFC 8935).

use std::{fmt, time::Duration};

use bailee_core::{Effect, Timestamp};
use http::Method;
use zeroize::Zeroizing;

use super::{About, Delivery, Reading, Reply, Signal, SignalRefusal, meaning::TokenIdentifier};
use crate::{
    answer::Answer,
    context::Context,
    failure::{Failure, FailureKind},
    grant::AccountId,
    request::{Endpoint, Request},
    rfc::{jose, key_set, malformed, misuse, oauth_error},
    scan::{Object, Value},
    spec::{EventTokenFacts, PushFacts, Spec},
    step::{Input, Next, Signed, Step},
};

/// How long a key set is good where its answer does not say.
const FRESH_FOR: Duration = Duration::from_secs(3600);

/// A token whose signature is to be checked with one of the provider's keys. `Debug` shows nothing
/// of it.
pub struct EventTokenProof {
    compact: jose::Compact,
}

impl EventTokenProof {
    /// The signature to check, if the key set has the token's key. Another set may have it: keys
    /// are replaced.
    pub fn signed(&self, keys: &KeySet) -> Option<Signed> {
        let compact = &self.compact;
        let key = key_set::select(&keys.document, compact.scheme, compact.key_id.as_deref())?;
        Some(Signed {
            scheme: compact.scheme,
            key,
            message: Zeroizing::new(compact.message.to_vec()),
            signature: compact.signature.clone(),
        })
    }
}

impl fmt::Debug for EventTokenProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventTokenProof([redacted])")
    }
}

/// The keys that a provider signs with (RFC 7517).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeySet {
    document: Vec<u8>,
    /// How long it may be used before it is fetched anew.
    pub fresh_for: Duration,
}

pub(super) fn open(delivery: &Delivery<'_>) -> Result<EventTokenProof, SignalRefusal> {
    let media = delivery.header("content-type").unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/secevent+jwt") {
        return Err(SignalRefusal::Malformed);
    }
    let compact = jose::split(delivery.body.trim_ascii()).map_err(|_| SignalRefusal::Malformed)?;
    Ok(EventTokenProof { compact })
}

/// Fetches the keys: from the place that the configuration names, where the spec has one.
pub(crate) fn keys(cx: &Context<'_>) -> Box<dyn Step<KeySet>> {
    let facts = cx.spec.signals.push.as_ref().and_then(PushFacts::event_token).cloned();
    Box::new(KeysStep { spec: cx.spec.clone(), facts, state: State::Begin })
}

struct KeysStep {
    spec: Spec,
    facts: Option<EventTokenFacts>,
    state: State,
}

enum State {
    Begin,
    Configuration,
    Keys,
}

impl Step<KeySet> for KeysStep {
    fn next(&mut self, input: Input) -> Result<Next<KeySet>, Failure> {
        match (std::mem::replace(&mut self.state, State::Begin), input) {
            (State::Begin, Input::Start) => {
                let facts = self.facts.as_ref().ok_or(FailureKind::Unsupported)?;
                self.state = State::Configuration;
                let url = facts.configuration.clone();
                Ok(Next::Send(Request::new(Method::GET, url, Endpoint::Discovery, Effect::Read)))
            }
            (State::Configuration, Input::Answer(answer)) => {
                let facts = self.facts.as_ref().ok_or_else(misuse)?;
                let document = self.document(&answer)?;
                let document = Object::parse(document).map_err(|_| malformed())?;
                let text =
                    |name: &str| document.get(name).ok().flatten().and_then(|value| value.text());
                if text("issuer").as_deref() != Some(facts.issuer.as_str()) {
                    return Err(malformed());
                }
                let url = text("jwks_uri").and_then(|text| self.spec.parse_own(&text));
                self.state = State::Keys;
                let url = url.ok_or_else(malformed)?;
                Ok(Next::Send(Request::new(Method::GET, url, Endpoint::Jwks, Effect::Read)))
            }
            (State::Keys, Input::Answer(answer)) => {
                let document = self.document(&answer)?.to_vec();
                let fresh_for = max_age(&answer).unwrap_or(FRESH_FOR);
                Ok(Next::Done(KeySet { document, fresh_for }))
            }
            _ => Err(misuse()),
        }
    }
}

impl KeysStep {
    fn document<'a>(&self, answer: &'a Answer) -> Result<&'a [u8], Failure> {
        match oauth_error::judge(&self.spec, answer) {
            Some(failure) => Err(failure),
            None => Ok(&answer.body),
        }
    }
}

/// How long an answer may be kept (RFC 9111 §5.2.2.1), a day at most.
fn max_age(answer: &Answer) -> Option<Duration> {
    let directives = answer.header("cache-control")?;
    let seconds = directives
        .split(',')
        .find_map(|directive| directive.trim().strip_prefix("max-age="))?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds).clamp(Duration::from_secs(60), Duration::from_secs(86_400)))
}

/// Reads a token whose signature is good. There is no `exp`: these are facts of the past, and what
/// came before is told apart by `jti`.
pub(crate) fn read(
    cx: &Context<'_>,
    facts: &EventTokenFacts,
    push: &PushFacts,
    delivery: &Delivery<'_>,
) -> Result<Reading, SignalRefusal> {
    let compact = jose::split(delivery.body.trim_ascii()).map_err(|_| SignalRefusal::Malformed)?;
    let claims = Object::parse(&compact.payload).map_err(|_| SignalRefusal::Malformed)?;
    let claim = |name: &str| claims.get(name).map_err(|_| SignalRefusal::Malformed);
    let text = |name: &str| Ok::<_, SignalRefusal>(claim(name)?.and_then(|value| value.text()));
    if text("iss")?.as_deref() != Some(facts.issuer.as_str()) {
        return Err(SignalRefusal::Foreign);
    }
    let audiences: Vec<String> = match claim("aud")? {
        Some(value @ Value::Array(_)) => {
            value.elements().unwrap_or_default().iter().filter_map(Value::text).collect()
        }
        Some(value) => value.text().into_iter().collect(),
        None => Vec::new(),
    };
    let ours = |audience: &String| {
        *audience == cx.registration.client_id || facts.audiences.contains(audience)
    };
    if !audiences.iter().any(ours) {
        return Err(SignalRefusal::Foreign);
    }
    // A token for a sign-in is none of these (RFC 8417 §4.5).
    if claim("nonce")?.is_some() {
        return Err(SignalRefusal::Malformed);
    }
    let id = text("jti")?.filter(|id| !id.is_empty()).ok_or(SignalRefusal::Malformed)?;
    let seconds = |value: Option<Value<'_>>| match value {
        Some(Value::Number(number)) => {
            number.parse::<f64>().ok().map(|seconds| Timestamp::from_seconds(seconds as i64))
        }
        _ => None,
    };
    let issued = seconds(claim("iat")?).ok_or(SignalRefusal::Malformed)?;
    let at = seconds(claim("toe")?).unwrap_or(issued);
    let Some(Value::Object(_)) = claim("events")? else { return Err(SignalRefusal::Malformed) };
    let events = claims
        .object("events")
        .map_err(|_| SignalRefusal::Malformed)?
        .ok_or(SignalRefusal::Malformed)?;
    let top = claim("sub_id")?;
    let mut signals = Vec::new();
    for event in &push.events {
        let Some(uri) = &event.uri else { continue };
        let Some(payload) = events.get(uri).map_err(|_| SignalRefusal::Malformed)? else {
            continue;
        };
        let mut holds = true;
        for (place, wanted) in &event.when {
            let found = match place {
                crate::spec::SignalPlace::Member(pointer) => {
                    payload.pointer(pointer).ok().flatten()
                }
                crate::spec::SignalPlace::Header(_) => None,
            };
            holds &= found.and_then(|value| value.text()).as_deref() == Some(wanted.as_str());
        }
        if !holds {
            continue;
        }
        let subject = payload.pointer("/subject").map_err(|_| SignalRefusal::Malformed)?.or(top);
        let about = about(cx, subject.ok_or(SignalRefusal::Malformed)?)?;
        signals.extend(about.map(|about| event.what(&payload).map(|what| (about, what))));
    }
    let signals = signals
        .into_iter()
        .map(|said| said.map(|(about, what)| Signal::new(about, what).at(Some(at))))
        .collect::<Result<_, _>>()?;
    Ok(Reading { id: Some(id), signals, reply: Reply::Status(push.accepted) })
}

/// Whom an event is about (RFC 9493, and the spellings before it). None: somebody whom we could not
/// know by it.
fn about(cx: &Context<'_>, subject: Value<'_>) -> Result<Option<About>, SignalRefusal> {
    let text = |name: &str| {
        subject
            .pointer(&format!("/{name}"))
            .map_err(|_| SignalRefusal::Malformed)
            .map(|value| value.and_then(|value| value.text()))
    };
    let format = match text("format")? {
        Some(format) => Some(format),
        None => text("subject_type")?,
    };
    Ok(match format.as_deref() {
        Some("iss_sub" | "iss-sub" | "id_token_claims") => {
            let Some(sub) = text("sub")? else { return Ok(None) };
            let issuer = cx.spec.issuer.clone();
            // With a slash at its end or without: the issuer of tokens is written in both ways.
            let same = |stated: &str| {
                let known = issuer.as_deref().unwrap_or_default();
                stated.trim_end_matches('/') == known.trim_end_matches('/')
            };
            if !text("iss")?.is_some_and(|stated| same(&stated)) {
                return Err(SignalRefusal::Foreign);
            }
            let id = AccountId::new(cx.spec.identity.id_kind.clone(), sub);
            Some(About::Account { id: id.ok_or(SignalRefusal::Malformed)?, issuer })
        }
        Some("oauth_token") => {
            let (Some(kind), Some(algorithm), Some(value)) =
                (text("token_type")?, text("token_identifier_alg")?, text("token")?)
            else {
                return Err(SignalRefusal::Malformed);
            };
            let by = TokenIdentifier::ALL.into_iter().find(|by| by.code() == algorithm);
            by.filter(|_| kind == "refresh_token" && value.len() <= 255)
                .map(|by| About::RefreshToken { by, value })
        }
        _ => None,
    })
}
