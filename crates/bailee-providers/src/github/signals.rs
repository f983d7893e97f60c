//! Deliveries in a form. What they mean is facts in `spec.toml`.

use url::form_urlencoded;

use crate::{
    context::Context,
    signal::{self, Delivery, Reading, SignalRefusal},
};

/// The document stands in the body, or in the field `payload` of a form; the signature is over the
/// body in either case.
pub(super) fn read(cx: &Context<'_>, delivery: &Delivery<'_>) -> Result<Reading, SignalRefusal> {
    let media = delivery.header("content-type")?;
    let essence = media.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return signal::read(cx, delivery);
    }
    let mut fields = form_urlencoded::parse(delivery.body).filter(|(name, _)| name == "payload");
    let (Some((_, payload)), None) = (fields.next(), fields.next()) else {
        return Err(SignalRefusal::Malformed);
    };
    signal::read(cx, &Delivery { body: payload.as_bytes(), ..*delivery })
}
