//! What HubSpot's webhooks say, and how they are proved.

mod journal;

use std::borrow::Cow;

use bailee_core::sha256;

pub(super) use self::journal::Journal;

use crate::{
    context::Context,
    scan::Value,
    signal::{self, Delivery, Opening, Reading, SignalRefusal},
    spec::TextEncoding,
};

/// What HubSpot decodes of an address before it signs it, and nothing else.
const DECODED: &[(&str, char)] = &[
    ("%3A", ':'),
    ("%2F", '/'),
    ("%3F", '?'),
    ("%40", '@'),
    ("%21", '!'),
    ("%24", '$'),
    ("%27", '\''),
    ("%28", '('),
    ("%29", ')'),
    ("%2A", '*'),
    ("%2C", ','),
    ("%3B", ';'),
];

/// A signature in version 3. It matters for an address that was registered with a query.
pub(super) fn open(cx: &Context<'_>, delivery: &Delivery<'_>) -> Result<Opening, SignalRefusal> {
    let address = decoded(delivery.address);
    signal::open(cx, &Delivery { address: &address, ..*delivery })
}

/// Reads a batch. A repetition of it differs by the number of the attempt, so it is told by its
/// events.
pub(super) fn read(cx: &Context<'_>, delivery: &Delivery<'_>) -> Result<Reading, SignalRefusal> {
    let mut reading = signal::read(cx, delivery)?;
    let mut once = Vec::with_capacity(reading.signals.len());
    for said in reading.signals {
        if !once.contains(&said) {
            once.push(said);
        }
    }
    reading.signals = once;
    reading.id = same_batch(delivery.body);
    Ok(reading)
}

fn same_batch(body: &[u8]) -> Option<String> {
    let events = Value::parse(body).ok()?.elements()?;
    let mut ids = Vec::with_capacity(events.len());
    for event in &events {
        let member = |pointer: &str| event.pointer(pointer).ok().flatten()?.id_text();
        // The event's own id is not promised to be unique.
        let parts = [
            member("/eventId")?,
            member("/subscriptionType")?,
            member("/portalId")?,
            member("/occurredAt")?,
            member("/objectId").unwrap_or_default(),
        ];
        ids.push(parts.join(" "));
    }
    ids.sort_unstable();
    (!ids.is_empty()).then(|| TextEncoding::Hexadecimal.encode(&sha256(ids.join("\n").as_bytes())))
}

fn decoded(address: &str) -> Cow<'_, str> {
    if !address.contains('%') {
        return Cow::Borrowed(address);
    }
    let mut text = String::with_capacity(address.len());
    let mut rest = address;
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let escape = rest.get(..3).unwrap_or_default();
        let known = DECODED.iter().find(|(written, _)| written.eq_ignore_ascii_case(escape));
        let (character, length) = known.map_or(('%', 1), |(_, character)| (*character, 3));
        text.push(character);
        rest = &rest[length..];
    }
    text.push_str(rest);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn twelve_characters_of_an_address_are_decoded_once_and_no_others() {
        for (address, signed) in [
            ("https://a.example/s?a=b", "https://a.example/s?a=b"),
            ("https://a.example/s?a=%3A%2f%3F%40", "https://a.example/s?a=:/?@"),
            ("https://a.example/s?a=%21%24%27%28%29%2A%2C%3B", "https://a.example/s?a=!$'()*,;"),
            ("https://a.example/s?a=%20%26%3D%25", "https://a.example/s?a=%20%26%3D%25"),
            ("https://a.example/s?a=%253A", "https://a.example/s?a=%253A"),
            ("https://a.example/s?a=%", "https://a.example/s?a=%"),
            ("https://a.example/s?a=%2", "https://a.example/s?a=%2"),
            ("https://a.example/s?a=%\u{e9}", "https://a.example/s?a=%\u{e9}"),
        ] {
            assert_eq!(decoded(address), signed);
        }
    }
}
