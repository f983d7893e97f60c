//! Signed client assertions (RFC 7521 §4.2, RFC 7523 §2.2 and §3), read as strictly as a server may.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};
use serde_json::Value;

use super::{IssuerDesk, SigningAlgorithm};
use crate::desk::Desk;
use crate::message::Parameters;
use crate::registration::{AssertionKey, Client};

/// What `client_assertion_type` must say.
pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The longest that an assertion may be good for, in seconds.
const LONGEST: i64 = 60;

impl IssuerDesk {
    /// The client that an assertion is of; none where anything about it is wrong, or where it was
    /// presented before.
    pub(super) fn asserted(&self, desk: &Desk, form: &Parameters, now: i64) -> Option<Client> {
        if form.one("client_assertion_type") != Some(JWT_BEARER) {
            return None;
        }
        let assertion = form.one("client_assertion")?;
        let mut parts = assertion.split('.');
        let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let message = &assertion[..header.len() + 1 + claims.len()];
        let json = |part: &str| -> Option<Value> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
        };
        let (header, claims) = (json(header)?, json(claims)?);
        let text = |object: &Value, name: &str| {
            object.get(name).and_then(Value::as_str).map(str::to_owned)
        };
        let id = text(&claims, "iss").filter(|id| text(&claims, "sub").as_ref() == Some(id))?;
        let client = desk.clients.get(&id)?;
        let kid = text(&header, "kid")?;
        let key = client.keys.iter().find(|key| key.kid == kid)?;
        if text(&header, "alg")? != key.algorithm.name() {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        if !key.verifies(message.as_bytes(), &signature) {
            return None;
        }
        // A list, or the address of an endpoint, would let one server replay it at another.
        if claims.get("aud")? != &Value::from(self.switches.issuer.as_str()) {
            return None;
        }
        let number = |name: &str| claims.get(name).and_then(Value::as_i64);
        let (issued, ends) = (number("iat")?, number("exp")?);
        if ends <= now || issued > now || ends - issued > LONGEST {
            return None;
        }
        let once = (id, text(&claims, "jti").filter(|jti| jti.len() >= 16)?);
        let mut seen = self.assertions.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        seen.insert(once).then(|| client.clone())
    }
}

impl AssertionKey {
    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self.algorithm {
            SigningAlgorithm::EdDsa => {
                UnparsedPublicKey::new(&ED25519, &self.public).verify(message, signature)
            }
            SigningAlgorithm::Es256 => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.public)
                    .verify(message, signature)
            }
            SigningAlgorithm::Rs256 => {
                UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.public)
                    .verify(message, signature)
            }
        }
        .is_ok()
    }
}
