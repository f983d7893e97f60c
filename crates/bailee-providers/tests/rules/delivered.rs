//! What comes to a signal address, and the checks that the caller makes.

use bailee_core::Timestamp;
use bailee_providers::{
    Context, Environment, Provider, Registration,
    signal::{Delivery, Opening, ProofKind, Reading, SignalProof, SignalRefusal},
    spec::TextEncoding,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use ring::{
    hmac,
    signature::{ED25519, UnparsedPublicKey},
};

use crate::support::registration;

const ADDRESS: &str = "https://app.example.test/connect/test/signal";

/// A request to a signal address.
pub(crate) struct Sent<'a> {
    pub(crate) method: Method,
    pub(crate) query: &'a str,
    pub(crate) headers: Vec<(&'a str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) now: i64,
    pub(crate) environment: Environment,
}

impl<'a> Sent<'a> {
    pub(crate) fn post(now: i64, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: Method::POST,
            query: "",
            headers: Vec::new(),
            body: body.into(),
            now,
            environment: Environment::Live,
        }
    }

    pub(crate) fn with(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Takes each header of a name away.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    fn told<T>(
        &self,
        provider: &dyn Provider,
        tell: impl FnOnce(&Context<'_>, &Delivery<'_>) -> T,
    ) -> T {
        let registration: Registration = registration("test").environment(self.environment);
        let now = Timestamp::from_seconds(self.now);
        let cx = Context::new(provider.spec(), &registration, now);
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let address = match self.query {
            "" => ADDRESS.to_owned(),
            query => format!("{ADDRESS}?{query}"),
        };
        tell(&cx, &Delivery::new(&self.method, &address, &headers, &self.body))
    }

    pub(crate) fn open(&self, provider: &dyn Provider) -> Result<Opening, SignalRefusal> {
        self.told(provider, |cx, delivery| provider.open_signal(cx, delivery))
    }

    /// Reads it, as if it were proved.
    pub(crate) fn read(&self, provider: &dyn Provider) -> Result<Reading, SignalRefusal> {
        self.told(provider, |cx, delivery| provider.read_signal(cx, delivery))
    }

    /// Whether this secret proves it.
    pub(crate) fn is_proved(&self, provider: &dyn Provider, secret: &[u8]) -> bool {
        matches!(self.open(provider), Ok(Opening::Check(proof)) if proves(&proof, secret))
    }
}

fn proves(proof: &SignalProof, secret: &[u8]) -> bool {
    proof.tags.iter().any(|tag| match proof.kind {
        ProofKind::HmacSha256 => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            hmac::verify(&key, &proof.message, tag).is_ok()
        }
        ProofKind::Ed25519 => {
            let text = std::str::from_utf8(secret).unwrap();
            let key = TextEncoding::Hexadecimal.decode(text).unwrap();
            UnparsedPublicKey::new(&ED25519, key).verify(&proof.message, tag).is_ok()
        }
        _ => false,
    })
}

pub(crate) fn hmac_tag(secret: &[u8], message: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::sign(&key, message).as_ref().to_vec()
}
