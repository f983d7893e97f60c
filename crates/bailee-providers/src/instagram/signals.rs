//! `signed_request`: that somebody removed the application, and that they want their data deleted.

use bailee_core::{WithdrawalReason, event::RequestKind};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::StatusCode;
use url::form_urlencoded;

use super::oauth::APP_SCOPED;
use crate::{
    context::Context,
    grant::AccountId,
    scan::Object,
    signal::{About, Delivery, Opening, Reading, Reply, Signal, SignalProof, SignalRefusal, What},
    spec::TimeUnit,
};

/// Where Meta sends what somebody removed.
const DEAUTHORIZE: &str = "deauthorize";

/// Where Meta sends whose data is to be deleted.
const DATA_DELETION: &str = "data-deletion";

/// The only way of signing. It stands in what is signed.
const ALGORITHM: &str = "HMAC-SHA256";

/// How long an HMAC-SHA256 is.
const TAG: usize = 32;

/// What is signed is the encoded text as it was received, padding and all.
pub(super) fn open(cx: &Context<'_>, delivery: &Delivery<'_>) -> Result<Opening, SignalRefusal> {
    let push = cx.spec.signals.push.as_ref().ok_or(SignalRefusal::Unknown)?;
    topic(delivery)?;
    delivery.is_posted()?;
    let signed = signed_request(delivery)?;
    let (tag, payload) = parts(&signed)?;
    let tag = decode(tag).filter(|tag| tag.len() == TAG).ok_or(SignalRefusal::Malformed)?;
    Ok(Opening::Check(SignalProof::hmac(push.secret, payload, vec![tag])))
}

/// There is no limit of age: when Meta repeats them is not said, and what comes again changes
/// nothing.
pub(super) fn read(cx: &Context<'_>, delivery: &Delivery<'_>) -> Result<Reading, SignalRefusal> {
    let topic = topic(delivery)?;
    let signed = signed_request(delivery)?;
    let (_, payload) = parts(&signed)?;
    let document = decode(payload).ok_or(SignalRefusal::Malformed)?;
    let document = Object::parse(&document).map_err(|_| SignalRefusal::Malformed)?;
    let text = |name: &str| {
        let value = document.get(name).map_err(|_| SignalRefusal::Malformed)?;
        Ok::<_, SignalRefusal>(value.and_then(|value| value.id_text()))
    };
    let algorithm = text("algorithm")?.ok_or(SignalRefusal::Malformed)?;
    if !algorithm.eq_ignore_ascii_case(ALGORITHM) {
        return Err(SignalRefusal::Malformed);
    }
    let person = text("user_id")?.ok_or(SignalRefusal::Malformed)?;
    let at = text("issued_at")?.and_then(|text| TimeUnit::Seconds.read(&text));
    let gone = What::withdrawn(WithdrawalReason::AccessRemoved);
    let (said, reply) = match topic {
        DATA_DELETION => {
            // The request comes first, while the connection is there to be found.
            let said = vec![What::request(RequestKind::Erasure, None), gone];
            (said, Reply::Confirmation { url: "url", code: "confirmation_code" })
        }
        _ => (vec![gone], Reply::Status(StatusCode::OK)),
    };
    let mut signals = Vec::new();
    for what in said {
        for kind in [cx.spec.identity.id_kind.clone(), APP_SCOPED.to_owned()] {
            let id = AccountId::new(kind, person.clone()).ok_or(SignalRefusal::Malformed)?;
            let about = About::Account { id, issuer: None };
            signals.push(Signal::new(about, what.clone()).at(at));
        }
    }
    // The same text may come to either address, and means another thing there.
    Ok(Reading { id: Some(format!("{topic}\n{payload}")), signals, reply })
}

fn topic<'a>(delivery: &Delivery<'a>) -> Result<&'a str, SignalRefusal> {
    let known = |topic: &&str| [DEAUTHORIZE, DATA_DELETION].contains(topic);
    delivery.topic.filter(known).ok_or(SignalRefusal::Unknown)
}

/// The only field of its name in the form.
fn signed_request(delivery: &Delivery<'_>) -> Result<String, SignalRefusal> {
    let mut fields =
        form_urlencoded::parse(delivery.body).filter(|(name, _)| name == "signed_request");
    match (fields.next(), fields.next()) {
        (Some((_, text)), None) => Ok(text.into_owned()),
        (None, _) => Err(SignalRefusal::Unsigned),
        (Some(_), Some(_)) => Err(SignalRefusal::Malformed),
    }
}

/// The signature and what is signed, both encoded.
fn parts(signed: &str) -> Result<(&str, &str), SignalRefusal> {
    let (tag, payload) = signed.split_once('.').ok_or(SignalRefusal::Malformed)?;
    if tag.is_empty() { Err(SignalRefusal::Unsigned) } else { Ok((tag, payload)) }
}

/// Base64url (RFC 4648 §5). Meta's own library pads it, and others do not.
fn decode(text: &str) -> Option<Vec<u8>> {
    let bare = text.trim_end_matches('=');
    let padded = text.len() == bare.len().next_multiple_of(4);
    (bare.len() == text.len() || padded).then(|| BASE64_URL_SAFE_NO_PAD.decode(bare).ok()).flatten()
}
