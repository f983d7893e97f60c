//! Security Event Tokens (RFC 8417), as they are pushed (RFC 8935).

use std::{fmt, time::Duration};

use bailee_core::{Effect, Timestamp};
use http::Method;
use zeroize::Zeroizing;

use super::{
    About, Delivery, Reading, Reply, Signal, SignalRefusal, meaning::TokenIdentifier, proof::MOST,
    read::matches,
};
use crate::{
    answer::Answer,
    context::Context,
    failure::{Failure, FailureKind},
    grant::AccountId,
    request::{Endpoint, Request},
    rfc::{jose, key_set, malformed, misuse, oauth_error},
    scan::{Object, Value},
    spec::{EventFacts, EventTokenFacts, PushFacts, Spec},
    step::{Input, Next, Signed, Step},
};

/// The longest token that is read. They hold a handful of claims.
const LONGEST: usize = 32 * 1024;

/// The longest `jti`.
const LONGEST_ID: usize = 255;

/// How far ahead of ours the issuer's clock may be.
const AHEAD: Duration = Duration::from_secs(300);

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
    split(delivery).map(|compact| EventTokenProof { compact })
}

/// Takes the token apart. One that says of itself that it is something else is refused (RFC 8417
/// §4.1, RFC 8725 §3.11): the keys that sign these sign other tokens too. Not every provider says
/// it.
fn split(delivery: &Delivery<'_>) -> Result<jose::Compact, SignalRefusal> {
    let token = delivery.body.trim_ascii();
    if token.len() > LONGEST {
        return Err(SignalRefusal::Malformed);
    }
    let compact = jose::split(token).map_err(|_| SignalRefusal::Malformed)?;
    let said = compact.kind.as_deref().map(|kind| {
        let kind = kind.to_ascii_lowercase();
        kind.strip_prefix("application/").unwrap_or(&kind).to_owned()
    });
    match said.as_deref() {
        None | Some("secevent+jwt" | "jwt") => Ok(compact),
        Some(_) => Err(SignalRefusal::Malformed),
    }
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
    let compact = split(delivery)?;
    let claims = Object::parse(&compact.payload).map_err(|_| SignalRefusal::Malformed)?;
    let claim = |name: &str| claims.get(name).map_err(|_| SignalRefusal::Malformed);
    let text = |name: &str| Ok::<_, SignalRefusal>(claim(name)?.and_then(|value| value.text()));
    if text("iss")?.as_deref() != Some(facts.issuer.as_str()) {
        return Err(SignalRefusal::Issuer);
    }
    if !audiences(claim("aud")?)?.iter().any(|audience| {
        *audience == cx.registration.client_id || facts.audiences.contains(audience)
    }) {
        return Err(SignalRefusal::Foreign);
    }
    // A token for a sign-in is none of these (RFC 8417 §4.5).
    if claim("nonce")?.is_some() {
        return Err(SignalRefusal::Malformed);
    }
    let id = text("jti")?
        .filter(|id| (1..=LONGEST_ID).contains(&id.len()))
        .ok_or(SignalRefusal::Malformed)?;
    let issued = numeric_date(claim("iat")?)?.ok_or(SignalRefusal::Malformed)?;
    if issued.since(cx.now) > AHEAD {
        return Err(SignalRefusal::Stale);
    }
    // What happened did so before it was told.
    let at = numeric_date(claim("toe")?)?.unwrap_or(issued).min(issued);
    let events = claims.object("events").map_err(|_| SignalRefusal::Malformed)?;
    let events = events.filter(|events| !events.is_empty()).ok_or(SignalRefusal::Malformed)?;
    let whole = claim("sub_id")?;
    let mut signals = Vec::new();
    for event in &push.events {
        let Some(uri) = &event.uri else { continue };
        let Some(payload) = events.get(uri).map_err(|_| SignalRefusal::Malformed)? else {
            continue;
        };
        if !matches!(payload, Value::Object(_)) {
            return Err(SignalRefusal::Malformed);
        }
        if !matches(event, None, &payload)? {
            continue;
        }
        let subject = payload.pointer("/subject").map_err(|_| SignalRefusal::Malformed)?.or(whole);
        if let Some(about) = about(cx, event, facts, subject.ok_or(SignalRefusal::Malformed)?)? {
            signals.push(Signal::new(about, event.what(&payload)?).at(Some(at)));
        }
    }
    Ok(Reading { id: Some(id), signals, reply: Reply::Status(push.accepted) })
}

/// Whom a token is for: one text or a list of them (RFC 7519 §4.1.3).
fn audiences(claim: Option<Value<'_>>) -> Result<Vec<String>, SignalRefusal> {
    let texts = match claim {
        None => return Ok(Vec::new()),
        Some(list @ Value::Array(_)) => {
            let elements = list.elements().ok_or(SignalRefusal::Malformed)?;
            elements.iter().map(Value::text).collect::<Option<_>>()
        }
        Some(value) => value.text().map(|text| vec![text]),
    };
    texts.ok_or(SignalRefusal::Malformed)
}

/// A time in seconds, which may have a fraction (RFC 7519 §2).
fn numeric_date(claim: Option<Value<'_>>) -> Result<Option<Timestamp>, SignalRefusal> {
    let Some(claim) = claim else { return Ok(None) };
    let Value::Number(number) = claim else { return Err(SignalRefusal::Malformed) };
    let seconds: f64 = number.parse().map_err(|_| SignalRefusal::Malformed)?;
    if (0.0..=MOST as f64).contains(&seconds) {
        Ok(Some(Timestamp::from_seconds(seconds as i64)))
    } else {
        Err(SignalRefusal::Malformed)
    }
}

/// Whom an event is about (RFC 9493, and the spellings before it). None: somebody whom we could not
/// know by it, which is no reason to refuse what an issuer says.
fn about(
    cx: &Context<'_>,
    event: &EventFacts,
    facts: &EventTokenFacts,
    subject: Value<'_>,
) -> Result<Option<About>, SignalRefusal> {
    let subject = subject.object().ok_or(SignalRefusal::Malformed)?;
    let text = |name: &str| {
        let value = subject.get(name).map_err(|_| SignalRefusal::Malformed)?;
        Ok::<_, SignalRefusal>(value.and_then(|value| value.text()))
    };
    let format = match (text("format")?, text("subject_type")?) {
        (Some(format), Some(kind)) if format != kind => return Err(SignalRefusal::Malformed),
        (format, kind) => format.or(kind),
    };
    Ok(match format.as_deref() {
        Some("iss_sub" | "iss-sub" | "id_token_claims") => {
            let (Some(issuer), Some(sub)) = (text("iss")?, text("sub")?) else { return Ok(None) };
            // With a slash at its end or without: the issuer is written in both ways.
            let bare = |text: &str| text.strip_suffix('/').unwrap_or(text).to_owned();
            let own = cx.spec.issuer.as_ref().unwrap_or(&facts.issuer);
            let known = std::iter::once(own).chain(&cx.spec.identity.issuers);
            if !known.into_iter().any(|known| bare(known) == bare(&issuer)) {
                return Ok(None);
            }
            let id = AccountId::new(event.id_kind.clone(), format!("{}{sub}", event.id_prefix));
            let id = id.ok_or(SignalRefusal::Malformed)?;
            Some(About::Account { id, issuer: cx.spec.issuer.clone() })
        }
        Some("oauth_token") => {
            let (Some(kind), Some(algorithm), Some(value)) =
                (text("token_type")?, text("token_identifier_alg")?, text("token")?)
            else {
                return Err(SignalRefusal::Malformed);
            };
            let by = TokenIdentifier::ALL.into_iter().find(|by| by.code() == algorithm);
            by.filter(|_| kind == "refresh_token")
                .and_then(|by| by.read(&value).map(|value| About::RefreshToken { by, value }))
        }
        _ => None,
    })
}
