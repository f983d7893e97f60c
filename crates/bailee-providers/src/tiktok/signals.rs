//! Why an authorization was removed.

use bailee_core::{WithdrawalReason, event::RequestKind};

use crate::{
    context::Context,
    scan::{Object, Value},
    signal::{self, Delivery, Reading, Signal, SignalRefusal, What},
};

pub(super) fn read(cx: &Context<'_>, delivery: &Delivery<'_>) -> Result<Reading, SignalRefusal> {
    let document = Object::parse(delivery.body).map_err(|_| SignalRefusal::Malformed)?;
    let client = document.get("client_key").map_err(|_| SignalRefusal::Malformed)?;
    if client.and_then(|client| client.text()).as_deref() != Some(&cx.registration.client_id) {
        return Err(SignalRefusal::Foreign);
    }
    let mut reading = signal::read(cx, delivery)?;
    let content = document.get("content").map_err(|_| SignalRefusal::Malformed)?;
    let said = what(reason(content).as_deref());
    reading.signals = reading
        .signals
        .iter()
        .flat_map(|told| {
            said.iter().map(|what| Signal::new(told.about.clone(), what.clone()).at(told.at))
        })
        .collect();
    Ok(reading)
}

/// The reason's number. Whatever it is, and where it cannot be read, the authorization is removed.
fn reason(content: Option<Value<'_>>) -> Option<String> {
    let content = content?.string()?;
    Object::parse(&content).ok()?.get("reason").ok()??.id_text()
}

/// What a reason means. Who deleted their account has what was got of it erased too; that request
/// comes first, while the connection is there to be found.
fn what(reason: Option<&str>) -> Vec<What> {
    match reason {
        Some("2") => vec![
            What::request(RequestKind::Erasure, None),
            What::withdrawn(WithdrawalReason::AccountClosed),
        ],
        // Their age changed, or the account was banned.
        Some("3" | "4") => vec![What::withdrawn(WithdrawalReason::Barred)],
        // The developer revoked: the echo of our own revocation.
        Some("5") => vec![What::withdrawn(WithdrawalReason::TokensRevoked)],
        _ => vec![What::withdrawn(WithdrawalReason::AccessRemoved)],
    }
}
