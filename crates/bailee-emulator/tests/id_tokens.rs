//! ID tokens: the good one verifies against the published keys, each flaw is what it says.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use bailee_emulator::oidc::{IdTokenFlaw, Issuer, SigningAlgorithm};
use bailee_emulator::{Emulator, Site};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde_json::{Value, json};
use support::*;

const HOST: &str = "https://id.example.test";

struct World {
    emulator: Emulator,
    http: reqwest::Client,
}

struct Jwt {
    header: Value,
    claims: Value,
    message: String,
    signature: Vec<u8>,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::builder().issuer(Issuer::new(HOST)).start().await.unwrap();
        furnish(emulator.site("id.example.test").unwrap());
        Self { http: http(&emulator), emulator }
    }

    fn site(&self) -> &Site {
        self.emulator.site("id.example.test").unwrap()
    }

    async fn tokens(&self) -> Value {
        let authorize = url(
            "https://id.example.test/authorize",
            &[
                ("client_id", ID),
                ("response_type", "code"),
                ("scope", "openid"),
                ("redirect_uri", REDIRECT),
                ("nonce", "n1"),
                ("code_challenge", CHALLENGE),
                ("code_challenge_method", "S256"),
            ],
        );
        let back = allow(&self.emulator, &authorize).await;
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", &parameter(&back, "code").unwrap()),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    async fn token(&self, pairs: &[(&str, &str)]) -> Value {
        let mut all = vec![("client_id", ID), ("client_secret", SECRET)];
        all.extend(pairs);
        post(&self.http, &format!("{HOST}/token"), &all).await.1
    }

    async fn keys(&self) -> Vec<Value> {
        let answer = self.http.get(format!("{HOST}/jwks")).send().await.unwrap();
        json(&answer.text().await.unwrap())["keys"].as_array().unwrap().clone()
    }

    async fn verifies(&self, jwt: &Jwt) -> bool {
        let keys = self.keys().await;
        keys.iter().any(|key| key["kid"] == jwt.header["kid"] && jwt.verifies(key))
    }
}

impl Jwt {
    fn parse(tokens: &Value) -> Self {
        let text = text(tokens, "id_token");
        let (message, signature) = text.rsplit_once('.').unwrap();
        let (header, claims) = message.split_once('.').unwrap();
        Self {
            header: serde_json::from_slice(&decode(header)).unwrap(),
            claims: serde_json::from_slice(&decode(claims)).unwrap(),
            message: message.to_owned(),
            signature: decode(signature),
        }
    }

    fn verifies(&self, key: &Value) -> bool {
        let part = |name: &str| decode(text(key, name));
        let (message, signature) = (self.message.as_bytes(), &self.signature);
        match text(key, "alg") {
            "ES256" => {
                let point = [vec![4], part("x"), part("y")].concat();
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                key.verify(message, signature).is_ok()
            }
            "EdDSA" => {
                let key = UnparsedPublicKey::new(&ED25519, part("x"));
                key.verify(message, signature).is_ok()
            }
            _ => {
                let key = RsaPublicKeyComponents { n: part("n"), e: part("e") };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
        }
    }
}

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

#[tokio::test]
async fn a_good_id_token_verifies_under_each_algorithm() {
    let world = World::new().await;
    for (algorithm, name) in [
        (SigningAlgorithm::EdDsa, "EdDSA"),
        (SigningAlgorithm::Es256, "ES256"),
        (SigningAlgorithm::Rs256, "RS256"),
    ] {
        world.site().change_issuer(|issuer| issuer.signing = algorithm);
        let tokens = world.tokens().await;
        let jwt = Jwt::parse(&tokens);
        assert_eq!(jwt.header["alg"], name);
        assert!(world.verifies(&jwt).await, "{name}");
        let now = world.emulator.clock().now();
        assert_eq!(jwt.claims["iss"], HOST);
        assert_eq!(jwt.claims["aud"], ID);
        assert_eq!(jwt.claims["sub"], "ada");
        assert_eq!(jwt.claims["nonce"], "n1");
        assert_eq!(jwt.claims["iat"], now);
        assert_eq!(jwt.claims["exp"], now + 3600);
        assert!(world.emulator.secrets_issued().contains(text(&tokens, "id_token")));
    }
}

#[tokio::test]
async fn the_hash_of_the_access_token_is_its_left_half() {
    let world = World::new().await;
    let tokens = world.tokens().await;
    let digest =
        ring::digest::digest(&ring::digest::SHA256, text(&tokens, "access_token").as_bytes());
    let half = URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16]);
    assert_eq!(Jwt::parse(&tokens).claims["at_hash"], half);
}

#[tokio::test]
async fn each_flaw_is_the_only_one() {
    let world = World::new().await;
    for (flaw, field, value, verifies) in [
        (IdTokenFlaw::Expired, "exp", json!(world.emulator.clock().now() - 3600), true),
        (IdTokenFlaw::ForeignAudience, "aud", json!("another-client"), true),
        (IdTokenFlaw::MissingNonce, "nonce", Value::Null, true),
        (IdTokenFlaw::WrongIssuer, "iss", json!("https://another-issuer.invalid"), true),
        (IdTokenFlaw::WrongNonce, "nonce", json!("another-nonce"), true),
        (IdTokenFlaw::AlgNone, "alg", json!("none"), false),
        (IdTokenFlaw::BadSignature, "alg", json!("ES256"), false),
        (IdTokenFlaw::Hs256, "alg", json!("HS256"), false),
        (IdTokenFlaw::UnknownKid, "kid", json!("no-such-key"), false),
    ] {
        world.site().change_issuer(|issuer| issuer.id_token_flaw = Some(flaw));
        let jwt = Jwt::parse(&world.tokens().await);
        let part = if matches!(field, "alg" | "kid") { &jwt.header } else { &jwt.claims };
        assert_eq!(part[field], value, "{flaw:?}");
        assert_eq!(world.verifies(&jwt).await, verifies, "{flaw:?}");
        if flaw == IdTokenFlaw::UnknownKid {
            assert!(jwt.verifies(&world.keys().await[0]), "only its name is wrong");
        }
        assert_eq!(jwt.signature.is_empty(), flaw == IdTokenFlaw::AlgNone);
    }
}

#[tokio::test]
async fn a_rotated_key_signs_and_the_old_one_stays_published() {
    let world = World::new().await;
    for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::Rs256] {
        world.site().change_issuer(|issuer| issuer.signing = algorithm);
        let old = Jwt::parse(&world.tokens().await);
        assert!(world.site().rotate_keys());
        let new = Jwt::parse(&world.tokens().await);
        assert_ne!(old.header["kid"], new.header["kid"]);
        assert!(world.verifies(&old).await && world.verifies(&new).await);
    }
}

#[tokio::test]
async fn a_refreshed_id_token_has_no_nonce_and_the_same_subject() {
    let world = World::new().await;
    let first = world.tokens().await;
    world.emulator.clock().advance(std::time::Duration::from_secs(60));
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", text(&first, "refresh_token"))];
    let (old, new) = (Jwt::parse(&first), Jwt::parse(&world.token(&pairs).await));
    assert!(new.claims.get("nonce").is_none());
    for same in ["iss", "sub", "aud", "auth_time"] {
        assert_eq!(old.claims[same], new.claims[same]);
    }
    assert_ne!(old.claims["iat"], new.claims["iat"]);
}
