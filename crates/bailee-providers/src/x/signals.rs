//! The question whether the application's secret is known, which X asks about every hour. What X
//! tells is facts in `spec.toml`.

use http::Method;
use url::form_urlencoded;

use crate::{
    context::Context,
    signal::{self, Delivery, Opening, Reply, SignalRefusal, SignalSecret},
    spec::TextEncoding,
};

pub(super) fn open(cx: &Context<'_>, delivery: &Delivery<'_>) -> Result<Opening, SignalRefusal> {
    if delivery.method == Method::GET {
        return challenge(delivery).map(Opening::Answer);
    }
    signal::open(cx, delivery)
}

/// Signs what stands in `crc_token`.
///
/// Nothing says that the question is X's, and the key is the one that deliveries are signed with:
/// whoever asks is given a signature over a text of their choice. So the text must never be able to
/// be a delivery. Those are JSON objects, and no text of these characters is one.
fn challenge(delivery: &Delivery<'_>) -> Result<Reply, SignalRefusal> {
    if delivery.topic.is_some() {
        return Err(SignalRefusal::Unknown);
    }
    let mut asked = form_urlencoded::parse(delivery.query.as_bytes())
        .filter(|(name, _)| name == "crc_token")
        .map(|(_, value)| value);
    let (Some(token), None) = (asked.next(), asked.next()) else {
        return Err(SignalRefusal::Malformed);
    };
    if !signal::is_challenge(&token) {
        return Err(SignalRefusal::Malformed);
    }
    Ok(Reply::Signed {
        secret: SignalSecret::Own,
        message: token.as_bytes().to_vec(),
        encoding: TextEncoding::Base64,
        before: r#"{"response_token":"sha256="#.to_owned(),
        after: r#""}"#.to_owned(),
    })
}
