//! Signed client assertions: what an emulated issuer takes, and everything that it does not.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use bailee_emulator::oidc::{ClientAuth, Issuer, SigningAlgorithm};
use bailee_emulator::{AssertionKey, Client, Clock, Emulator};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use support::*;

const ISSUER: &str = "https://id.example.test";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const NOW: i64 = 1_800_000_000;

fn key_pair() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap()
}

fn sign(key: &EcdsaKeyPair, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

fn claims(id: &str) -> Value {
    json!({"iss": "signed-1", "sub": "signed-1", "aud": ISSUER, "jti": format!("fake-jti-of-{id:0>8}"),
           "iat": NOW, "exp": NOW + 60})
}

#[tokio::test]
async fn an_assertion_is_taken_once_and_any_flaw_refuses_it() {
    let mut issuer = Issuer::new(ISSUER);
    issuer.client_auth = vec![ClientAuth::PrivateKeyJwt];
    let clock = Clock::following(|| NOW);
    let emulator = Emulator::builder().clock(clock).issuer(issuer).start().await.unwrap();
    let key = key_pair();
    let known = AssertionKey {
        kid: "k1".into(),
        algorithm: SigningAlgorithm::Es256,
        public: key.public_key().as_ref().to_vec(),
    };
    let site = emulator.site("id.example.test").unwrap();
    site.add_client(Client::new("signed-1").key(known).redirect(REDIRECT)).unwrap();
    let http = http(&emulator);
    let present = async |assertion: &str, more: &[(&str, &str)]| {
        let mut pairs = vec![
            ("token", "fake-unknown"),
            ("client_id", "signed-1"),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion),
        ];
        pairs.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        pairs.extend_from_slice(more);
        post(&http, &format!("{ISSUER}/revoke"), &pairs).await.0
    };
    let header = json!({"alg": "ES256", "kid": "k1", "typ": "JWT"});
    let good = sign(&key, &header, &claims("good"));
    assert_eq!(present(&good, &[]).await, 200);
    assert_eq!(present(&good, &[]).await, 401, "the same assertion again");
    let foreign = sign(&key_pair(), &header, &claims("foreign"));
    assert_eq!(present(&foreign, &[]).await, 401, "another key");
    for (name, value) in [
        ("aud", json!([ISSUER])),
        ("aud", json!(format!("{ISSUER}/token"))),
        ("aud", json!(format!("{ISSUER}/"))),
        ("iss", json!("another")),
        ("sub", json!("another")),
        ("exp", json!(NOW)),
        ("exp", json!(NOW + 61)),
        ("iat", json!(NOW + 1)),
        ("jti", json!("short")),
        ("jti", Value::Null),
        ("exp", Value::Null),
    ] {
        let mut wrong = claims(&format!("{name}{value}"));
        wrong[name] = value.clone();
        assert_eq!(present(&sign(&key, &header, &wrong), &[]).await, 401, "{name}: {value}");
    }
    for wrong in [
        json!({"alg": "ES256", "typ": "JWT"}),
        json!({"alg": "ES256", "kid": "k2"}),
        json!({"alg": "none", "kid": "k1"}),
        json!({"alg": "HS256", "kid": "k1"}),
    ] {
        let assertion = sign(&key, &wrong, &claims(&wrong.to_string()));
        assert_eq!(present(&assertion, &[]).await, 401, "{wrong}");
    }
    for more in [
        ("client_assertion_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("client_assertion", "a.b"),
        ("client_assertion", ""),
    ] {
        let fresh = sign(&key, &header, &claims(more.1));
        assert_eq!(present(&fresh, &[more]).await, 401, "{more:?}");
    }
    let both = sign(&key, &header, &claims("both"));
    assert_eq!(present(&both, &[("client_secret", "fake")]).await, 400, "two ways at once");
    let other = sign(&key, &header, &claims("other"));
    assert_eq!(present(&other, &[("client_id", "another")]).await, 400);
    let last = sign(&key, &header, &claims("last"));
    assert_eq!(present(&last, &[]).await, 200);
    // A client that has a key is not public, and a secret is not asked for here.
    let named = [("token", "fake"), ("client_id", "signed-1")];
    assert_eq!(post(&http, &format!("{ISSUER}/revoke"), &named).await.0, 401);
}
