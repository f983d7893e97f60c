//! What goes beyond the facts: the question for a signature, and what a removal means for the data.

mod compliance;

use std::time::Duration;

use bailee_core::event::RequestKind;

pub(super) use self::compliance::report;

use crate::{
    context::Context,
    scan::{Object, Value},
    signal::{
        self, Delivery, Reading, Reply, Signal, SignalRefusal, SignalSecret, What, is_challenge,
    },
    spec::TextEncoding,
};

/// How long the terms gave for an erasure while they had a number.
const ERASED_WITHIN: Duration = Duration::from_secs(10 * 86_400);

/// Reads a delivery. `reports`: whether Zoom is told when the data is gone, for which it wants to
/// have back what it said.
pub(super) fn read(
    cx: &Context<'_>,
    delivery: &Delivery<'_>,
    reports: bool,
) -> Result<Reading, SignalRefusal> {
    let document = Object::parse(delivery.body).map_err(|_| SignalRefusal::Malformed)?;
    let member = |pointer: &str| document.pointer(pointer).map_err(|_| SignalRefusal::Malformed);
    let mut reading = signal::read(cx, delivery)?;
    let event = member("/event")?.and_then(|event| event.text());
    match event.as_deref() {
        Some("endpoint.url_validation") => {
            let token = member("/payload/plainToken")?.and_then(|token| token.text());
            reading.reply = validation(token.ok_or(SignalRefusal::Malformed)?)?;
        }
        Some("app_deauthorized") => {
            // An application has one secret token and two clients, one of them for trials.
            let client = member("/payload/client_id")?.and_then(|client| client.text());
            if client.is_some_and(|client| client != cx.registration.client_id) {
                return Err(SignalRefusal::Foreign);
            }
            if !may_keep(member("/payload/user_data_retention")?) {
                let payload = member("/payload")?.filter(|_| reports);
                let erase = What::Request {
                    kind: RequestKind::Erasure,
                    within: Some(ERASED_WITHIN),
                    details: compliance::details(payload.as_ref()),
                };
                let asked = reading
                    .signals
                    .iter()
                    .map(|told| Signal::new(told.about.clone(), erase.clone()).at(told.at));
                // First, while the connection is there to be found.
                reading.signals = asked.chain(reading.signals.clone()).collect();
            }
        }
        _ => {}
    }
    Ok(reading)
}

/// Zoom signs its question, so it was proved before this. It is signed with the same secret as
/// deliveries, over `v0:`, a time, a colon and a JSON object: what is signed here has no colon and
/// no brace, so no answer is the signature of a delivery.
fn validation(token: String) -> Result<Reply, SignalRefusal> {
    if !is_challenge(&token) {
        return Err(SignalRefusal::Malformed);
    }
    Ok(Reply::Signed {
        secret: SignalSecret::Own,
        before: format!(r#"{{"plainToken":"{token}","encryptedToken":""#),
        after: r#""}"#.to_owned(),
        message: token.into_bytes(),
        encoding: TextEncoding::Hexadecimal,
    })
}

/// Whether the account lets the data be kept. Only older payloads say it; without a word the data
/// goes.
fn may_keep(retention: Option<Value<'_>>) -> bool {
    match retention {
        Some(Value::Bool(keep)) => keep,
        Some(value) => value.text().as_deref() == Some("true"),
        None => false,
    }
}
