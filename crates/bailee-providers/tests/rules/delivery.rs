//! What a provider sends of its own accord, as the engine takes it: opened, proved, read.

use bailee_core::Timestamp;
use bailee_providers::{
    Context, Provider,
    signal::{About, Delivery, Opening, ProofKind, Reading, Signal, What},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use ring::hmac;

/// A request to the address of a registration.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) topic: Option<&'static str>,
    /// When it arrives.
    pub(crate) now: i64,
    pub(crate) client: &'static str,
}

impl Sent {
    pub(crate) fn new(headers: &[(&str, &str)], body: &str) -> Self {
        let mut sent = Self {
            method: Method::POST,
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
            topic: None,
            now: 1_700_000_000,
            client: "fake-client",
        };
        for (name, value) in headers {
            sent = sent.with(name, value);
        }
        sent
    }

    /// Adds a header beside those that are there.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        self.headers.append(name, HeaderValue::from_str(value).unwrap());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// The reading, or the word for why there is none.
    pub(crate) fn taken_by(
        &self,
        provider: &dyn Provider,
        secret: &str,
    ) -> Result<Reading, &'static str> {
        let mut registration = crate::support::registration("provider");
        registration.client_id = self.client.into();
        let now = Timestamp::from_seconds(self.now);
        let cx = Context::new(provider.spec(), &registration, now);
        let address = "https://app.example/connect/signal";
        let delivery = Delivery::new(&self.method, address, &self.headers, &self.body);
        let delivery = delivery.with_topic(self.topic);
        match provider.open_signal(&cx, &delivery).map_err(|refusal| refusal.code())? {
            Opening::Check(proof) => {
                assert_eq!(proof.kind, ProofKind::HmacSha256);
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
                let good = |tag: &Vec<u8>| hmac::verify(&key, &proof.message, tag).is_ok();
                if !proof.tags.iter().any(good) {
                    return Err("forged");
                }
            }
            other => panic!("it proves nothing: {other:?}"),
        }
        provider.read_signal(&cx, &delivery).map_err(|refusal| refusal.code())
    }
}

/// HMAC-SHA256 in lower-case hexadecimal.
pub(crate) fn hmac_hex(secret: &str, message: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, message.as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whom a signal is about, as `kind=id`.
pub(crate) fn whom(signal: &Signal) -> String {
    match &signal.about {
        About::Account { id, issuer: None } => format!("{}={}", id.kind(), id.value()),
        other => panic!("not an account: {other:?}"),
    }
}

/// What a delivery says of whom.
pub(crate) fn told(reading: &Reading) -> Vec<(String, What)> {
    reading.signals.iter().map(|signal| (whom(signal), signal.what.clone())).collect()
}

/// What each provider refuses that signs what it sends. `good` is accepted as it is.
pub(crate) fn refuses_what_is_not_signed(
    provider: &dyn Provider,
    secret: &str,
    good: &Sent,
    signature: &'static str,
) {
    let refused = |sent: &Sent| sent.taken_by(provider, secret).unwrap_err();
    good.taken_by(provider, secret).unwrap();
    assert_eq!(good.taken_by(provider, &format!("{secret}x")).unwrap_err(), "forged");
    assert_eq!(refused(&good.clone().without(signature)), "unsigned");
    let value = good.headers[signature].to_str().unwrap().to_owned();
    assert_eq!(refused(&good.clone().with(signature, &value)), "malformed", "it is there twice");
    for other in ["", "v0=", &value.to_uppercase(), &value[..value.len() - 2]] {
        let sent = good.clone().without(signature).with(signature, other);
        let why = refused(&sent);
        assert!(["forged", "malformed", "unsigned"].contains(&why), "{other}: {why}");
    }
    let mut longer = good.clone();
    longer.body.push(b' ');
    assert_eq!(refused(&longer), "forged", "the bytes are signed, not what they mean");
    let mut shorter = good.clone();
    shorter.body.pop();
    assert_eq!(refused(&shorter), "forged");
    let empty = Sent { body: Vec::new(), ..good.clone() };
    assert_eq!(refused(&empty), "forged");
    for method in [Method::GET, Method::PUT] {
        assert_eq!(refused(&Sent { method, ..good.clone() }), "method");
    }
    assert_eq!(refused(&Sent { topic: Some("other"), ..good.clone() }), "unknown_address");
    let long = Sent { body: vec![b' '; 300 * 1024], ..good.clone() };
    assert_eq!(refused(&long), "malformed");
}
