//! Reading a delivery as the spec says, once it is proved.

use bailee_core::Timestamp;

use super::{About, Delivery, Reading, Reply, Signal, SignalRefusal, What, proof::fresh};
use crate::{
    context::{Context, Environment},
    grant::AccountId,
    scan::Value,
    spec::{EventFacts, IdentitySource, ProofFacts, PushFacts, SignalPlace, TimeAt, Wanted},
};

/// The most signals that one delivery may bring.
const MOST: usize = 1000;

/// Reads a delivery.
pub(crate) fn read(cx: &Context<'_>, delivery: &Delivery<'_>) -> Result<Reading, SignalRefusal> {
    let push = cx.spec.signals.push.as_ref().ok_or(SignalRefusal::Unknown)?;
    if let ProofFacts::EventToken(facts) = &push.proof {
        return super::read_event_token(cx, facts, push, delivery);
    }
    let document = Value::parse(delivery.body).map_err(|_| SignalRefusal::Malformed)?;
    if let ProofFacts::Signature(facts) = &push.proof
        && let Some(at) = &facts.time_inside
    {
        let made = at.read(&document).ok_or(SignalRefusal::Malformed)?;
        fresh(cx.now, made, facts)?;
    }
    let items = match &document {
        Value::Array(_) => document.elements().ok_or(SignalRefusal::Malformed)?,
        Value::Object(_) => vec![document],
        _ => return Err(SignalRefusal::Malformed),
    };
    let mut signals = Vec::new();
    for item in &items {
        if !concerns(cx, push, item)? {
            continue;
        }
        for event in &push.events {
            if matches(event, Some(delivery), item)? {
                signals.extend(said(cx, event, item)?);
            }
        }
        if signals.len() > MOST {
            return Err(SignalRefusal::Malformed);
        }
    }
    let mut id = Some(String::new()).filter(|_| !push.delivery_id.is_empty());
    for place in &push.delivery_id {
        let part = text_at(place, delivery, &document)?;
        // A header is there with every delivery. Members differ between events, and what lacks one
        // of these is the same as what has the same bytes.
        if part.is_none() && matches!(place, SignalPlace::Header(_)) {
            return Err(SignalRefusal::Malformed);
        }
        id = id.zip(part).map(|(id, part)| format!("{id}{part}\n"));
    }
    Ok(Reading { id, signals, reply: Reply::Status(push.accepted) })
}

/// Whether it is about accounts of the registration's kind. Some providers send trials to the same
/// address as the rest.
fn concerns(cx: &Context<'_>, push: &PushFacts, item: &Value<'_>) -> Result<bool, SignalRefusal> {
    let Some(pointer) = &push.live else { return Ok(true) };
    let stated = match item.pointer(pointer).map_err(|_| SignalRefusal::Malformed)? {
        Some(Value::Bool(live)) => live,
        None => return Ok(true),
        Some(_) => return Err(SignalRefusal::Malformed),
    };
    Ok(match cx.registration.environment {
        Environment::Emulator => true,
        Environment::Live => stated,
        Environment::Sandbox => !stated,
    })
}

/// Whether an event's conditions all hold. Without a delivery no header does.
pub(super) fn matches(
    event: &EventFacts,
    delivery: Option<&Delivery<'_>>,
    item: &Value<'_>,
) -> Result<bool, SignalRefusal> {
    for (place, wanted) in &event.when {
        let found = match (place, delivery) {
            (SignalPlace::Header(_), None) => None,
            (SignalPlace::Header(_), Some(delivery)) => text_at(place, delivery, item)?,
            (SignalPlace::Member(pointer), _) => {
                let value = item.pointer(pointer).map_err(|_| SignalRefusal::Malformed)?;
                let value = value.filter(|value| !matches!(value, Value::Null));
                if let Wanted::Present(wanted) = wanted {
                    if value.is_some() != *wanted {
                        return Ok(false);
                    }
                    continue;
                }
                value.and_then(|value| match value {
                    Value::Bool(truth) => Some(truth.to_string()),
                    other => other.id_text(),
                })
            }
        };
        let holds = match wanted {
            Wanted::Present(wanted) => found.is_some() == *wanted,
            Wanted::Text(wanted) => found.as_deref() == Some(wanted.as_str()),
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

fn text_at(
    place: &SignalPlace,
    delivery: &Delivery<'_>,
    item: &Value<'_>,
) -> Result<Option<String>, SignalRefusal> {
    match place {
        SignalPlace::Header(name) => match delivery.header(name) {
            Err(SignalRefusal::Unsigned) => Ok(None),
            found => found.map(|text| Some(text.to_owned())),
        },
        SignalPlace::Member(pointer) => {
            let value = item.pointer(pointer).map_err(|_| SignalRefusal::Malformed)?;
            Ok(value.and_then(|value| value.id_text()))
        }
    }
}

/// What an event says, once for each account that it names.
pub(super) fn said(
    cx: &Context<'_>,
    event: &EventFacts,
    item: &Value<'_>,
) -> Result<Vec<Signal>, SignalRefusal> {
    let at = event.at.as_ref().and_then(|at| at.read(item));
    let what = event.what(item)?;
    let issuer = (cx.spec.identity.source == IdentitySource::Openid)
        .then(|| cx.spec.issuer.clone())
        .flatten();
    let mut ids = vec![String::new()];
    for (n, pointer) in event.account.iter().enumerate() {
        let value = item.pointer(pointer).map_err(|_| SignalRefusal::Malformed)?;
        let value = value.ok_or(SignalRefusal::Malformed)?;
        let parts: Vec<String> = match value.elements() {
            Some(elements) => elements.iter().filter_map(Value::id_text).collect(),
            None => vec![value.id_text().ok_or(SignalRefusal::Malformed)?],
        };
        let joint = if n == 0 { "" } else { ":" };
        ids = ids
            .iter()
            .flat_map(|id| parts.iter().map(move |part| format!("{id}{joint}{part}")))
            .take(MOST)
            .collect();
    }
    ids.into_iter()
        .map(|id| {
            let id = format!("{}{id}", event.id_prefix);
            let id = AccountId::new(event.id_kind.clone(), id).ok_or(SignalRefusal::Malformed)?;
            let about = About::Account { id, issuer: issuer.clone() };
            Ok(Signal::new(about, what.clone()).at(at))
        })
        .collect()
}

impl EventFacts {
    pub(super) fn what(&self, item: &Value<'_>) -> Result<What, SignalRefusal> {
        let mut what = self.means.what();
        if let What::Request { within, details, .. } = &mut what {
            *within = self.within;
            for (name, pointer) in &self.details {
                let value = item.pointer(pointer).map_err(|_| SignalRefusal::Malformed)?;
                let Some(value) = value else { continue };
                let texts: Vec<String> = match value.elements() {
                    Some(elements) => elements.iter().filter_map(Value::id_text).collect(),
                    None => value.id_text().into_iter().collect(),
                };
                details.extend(
                    texts
                        .into_iter()
                        .filter(|text| text.len() <= 255)
                        .take(MOST)
                        .map(|text| (name.clone(), text)),
                );
            }
        }
        if let What::Withdrawn { credential, .. } = &mut what {
            credential.clone_from(&self.credential);
        }
        Ok(what)
    }
}

impl TimeAt {
    /// The time that stands in a document.
    pub(crate) fn read(&self, item: &Value<'_>) -> Option<Timestamp> {
        let value = item.pointer(&self.pointer).ok().flatten()?;
        self.unit.read(&value.id_text()?)
    }
}
