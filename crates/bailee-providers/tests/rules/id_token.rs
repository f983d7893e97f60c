use bailee_core::{IdToken, ScopeName, sha256};
use bailee_providers::{
    Account, Answer, Failure, FailureKind, Generic, Grant, GrantFacts, Provider, PublicKey,
    SignatureScheme, Signed, Spec,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{
        self, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
        RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, RsaKeyPair, RsaPublicKeyComponents,
        UnparsedPublicKey,
    },
};
use serde_json::{Value, json};

use crate::support::{NOW, address, context, drive_with, json as answer, registration, spec};

const ACCESS: &str = "fake-access-1";

/// A provider's keys, drawn or, for RSA, made for these tests.
pub(crate) struct Keys {
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let random = SystemRandom::new();
        let p256 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let ed25519 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        Self {
            rsa: RsaKeyPair::from_pkcs8(include_bytes!("../fixtures/fake-rsa-key.pk8")).unwrap(),
            p256: EcdsaKeyPair::from_pkcs8(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                p256.as_ref(),
                &random,
            )
            .unwrap(),
            ed25519: Ed25519KeyPair::from_pkcs8(ed25519.as_ref()).unwrap(),
        }
    }

    pub(crate) fn document(&self) -> Value {
        let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let rsa = RsaPublicKeyComponents::<Vec<u8>>::from(self.rsa.public());
        let point = self.p256.public_key().as_ref();
        json!({"keys": [
            {"kty": "RSA", "kid": "rsa", "use": "sig",
             "n": text(&rsa.n),
             "e": text(&rsa.e)},
            {"kty": "EC", "kid": "p256", "crv": "P-256", "alg": "ES256",
             "x": text(&point[1..33]), "y": text(&point[33..])},
            {"kty": "OKP", "kid": "ed", "crv": "Ed25519",
             "x": text(self.ed25519.public_key().as_ref())},
            {"kty": "oct", "kid": "symmetric", "k": "ZmFrZQ"},
            {"kty": "of another world"},
        ]})
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let random = SystemRandom::new();
        let signature = match header["alg"].as_str().unwrap_or_default() {
            "ES256" => self.p256.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
            "EdDSA" => self.ed25519.sign(message.as_bytes()).as_ref().to_vec(),
            algorithm => {
                let padding: &dyn signature::RsaEncoding =
                    if algorithm == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; self.rsa.public().modulus_len()];
                self.rsa.sign(padding, &random, message.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

/// What the caller does with a signature.
pub(crate) fn verify(signed: &Signed) -> bool {
    match (&signed.key, signed.scheme) {
        (PublicKey::Rsa { n, e }, scheme) => {
            let parameters = match scheme {
                SignatureScheme::Ps256 => &RSA_PSS_2048_8192_SHA256,
                _ => &RSA_PKCS1_2048_8192_SHA256,
            };
            RsaPublicKeyComponents { n, e }
                .verify(parameters, &signed.message, &signed.signature)
                .is_ok()
        }
        (PublicKey::P256 { x, y }, _) => {
            let point = [&[4], x.as_slice(), y].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(&signed.message, &signed.signature)
                .is_ok()
        }
        (PublicKey::Ed25519 { x }, _) => {
            UnparsedPublicKey::new(&ED25519, x).verify(&signed.message, &signed.signature).is_ok()
        }
        _ => false,
    }
}

fn header(algorithm: &str, kid: &str) -> Value {
    json!({"alg": algorithm, "kid": kid, "typ": "JWT"})
}

fn claims() -> Value {
    json!({
        "iss": "https://login.example.test",
        "sub": "fake-subject",
        "aud": "fake-client",
        "exp": NOW.as_seconds() + 300,
        "iat": NOW.as_seconds(),
        "nonce": "fake-nonce",
        "at_hash": BASE64_URL_SAFE_NO_PAD.encode(&sha256(ACCESS.as_bytes())[..16]),
        "name": "Ada",
        "email": "ada@example.test",
    })
}

fn grant() -> GrantFacts {
    let mut facts = GrantFacts::new(vec![ScopeName::from_static("openid")]);
    let mut half = [0; 16];
    half.copy_from_slice(&sha256(ACCESS.as_bytes())[..16]);
    facts.access_half_digest = Some(half);
    facts
}

fn run(spec: &Spec, token: &str, answers: Vec<Answer>) -> Result<Account, Failure> {
    let registration = registration("example");
    let cx = context(spec, &registration);
    let token = IdToken::copy_from(token.as_bytes());
    let provider = Generic::new(spec.clone());
    let mut step = provider.identity(&cx, &grant(), Some("fake-nonce"), Some(token));
    drive_with(&mut *step, answers, verify).1
}

fn identify(keys: &Keys, token: &str) -> Result<Account, Failure> {
    run(&spec(""), token, vec![answer(200, &keys.document().to_string())])
}

/// An ID token with one claim changed, or taken away.
fn changed(keys: &Keys, claim: &str, value: Value) -> Result<Account, Failure> {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(claim)),
        value => claims[claim] = value,
    }
    identify(keys, &keys.sign(&header("RS256", "rsa"), &claims))
}

#[test]
fn tok_07_an_id_token_is_good_under_each_scheme_on_the_list() {
    let keys = Keys::new();
    for (algorithm, kid) in [("RS256", "rsa"), ("PS256", "rsa"), ("ES256", "p256"), ("EdDSA", "ed")]
    {
        let account = identify(&keys, &keys.sign(&header(algorithm, kid), &claims())).unwrap();
        assert_eq!(account.id.kind(), "sub", "{algorithm}");
        assert_eq!(account.id.value(), "fake-subject", "{algorithm}");
        assert_eq!(account.display.as_deref(), Some("Ada"), "{algorithm}");
        assert_eq!(account.issuer.as_deref(), Some("https://login.example.test"));
        let printed = format!("{account:?}");
        assert!(!printed.contains("fake-subject") && !printed.contains("Ada"), "{printed}");
    }
}

#[test]
fn tok_07_algorithms_and_keys_outside_the_list_are_refused_before_anything_is_read() {
    let keys = Keys::new();
    let good = keys.sign(&header("RS256", "rsa"), &claims());
    let mut parts = good.split('.').skip(1);
    let (payload, signature) = (parts.next().unwrap(), parts.next().unwrap());
    for (algorithm, kid) in [
        ("none", "rsa"),
        ("None", "rsa"),
        ("HS256", "rsa"),
        ("HS256", "symmetric"),
        ("RS512", "rsa"),
        ("ES384", "p256"),
        ("", "rsa"),
        ("RS256", "p256"),
        ("RS256", "unknown"),
        ("ES256", "rsa"),
        ("EdDSA", "symmetric"),
    ] {
        let header = BASE64_URL_SAFE_NO_PAD.encode(header(algorithm, kid).to_string());
        for signature in [signature, ""] {
            let token = format!("{header}.{payload}.{signature}");
            let failure = identify(&keys, &token).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Malformed, "{algorithm} {kid}");
        }
    }
    let critical = json!({"alg": "RS256", "kid": "rsa", "crit": ["exp"]});
    assert!(identify(&keys, &keys.sign(&critical, &claims())).is_err());
    for broken in ["", ".", "..", "a.b", "a.b.c", &format!("{good}."), &format!("{good}=")] {
        assert!(identify(&keys, broken).is_err(), "{broken}");
    }
}

#[test]
fn tok_07_a_signature_by_another_key_or_over_other_claims_is_refused() {
    let (keys, others) = (Keys::new(), Keys::new());
    for (algorithm, kid) in [("ES256", "p256"), ("EdDSA", "ed")] {
        let token = others.sign(&header(algorithm, kid), &claims());
        assert!(identify(&keys, &token).is_err(), "{algorithm}");
    }
    let token = keys.sign(&header("RS256", "rsa"), &claims());
    let mut other = claims();
    other["sub"] = json!("fake-victim");
    let (head, rest) = token.split_once('.').unwrap();
    let signature = rest.split_once('.').unwrap().1;
    let payload = BASE64_URL_SAFE_NO_PAD.encode(other.to_string());
    assert!(identify(&keys, &format!("{head}.{payload}.{signature}")).is_err());
}

#[test]
fn tok_07_each_claim_is_checked() {
    let keys = Keys::new();
    let now = NOW.as_seconds();
    let cases = [
        ("iss", json!("https://login.example.test/"), false),
        ("iss", json!("https://evil.example.test"), false),
        ("iss", Value::Null, false),
        ("aud", json!("another-client"), false),
        ("aud", json!(["fake-client"]), true),
        ("aud", json!(["fake-client", "another-client"]), false),
        ("aud", json!([]), false),
        ("aud", json!([1, "fake-client"]), false),
        ("aud", Value::Null, false),
        ("azp", json!("fake-client"), true),
        ("azp", json!("another-client"), false),
        ("exp", json!(now - 119), true),
        ("exp", json!(now - 120), false),
        ("exp", json!("never"), false),
        ("exp", Value::Null, false),
        ("iat", json!(now + 120), true),
        ("iat", json!(now + 121), false),
        ("iat", json!(now as f64 + 0.5), true),
        ("iat", Value::Null, false),
        ("nbf", json!(now + 121), false),
        ("nonce", json!("fake-other"), false),
        ("nonce", Value::Null, false),
        ("at_hash", Value::Null, true),
        ("at_hash", json!("fake-hash"), false),
        ("at_hash", json!(1), false),
        ("sub", json!(""), false),
        ("sub", json!("x".repeat(255)), true),
        ("sub", json!("x".repeat(256)), false),
        ("sub", json!("a\nb"), false),
        ("sub", Value::Null, false),
    ];
    for (claim, value, good) in cases {
        let outcome = changed(&keys, claim, value.clone());
        assert_eq!(outcome.is_ok(), good, "{claim} {value}");
    }
    // Several audiences are good where `azp` says that we are meant.
    let mut several = claims();
    several["aud"] = json!(["another-client", "fake-client"]);
    several["azp"] = json!("fake-client");
    assert!(identify(&keys, &keys.sign(&header("RS256", "rsa"), &several)).is_ok());
}

#[test]
fn tok_07_a_claim_that_stands_twice_is_refused() {
    let keys = Keys::new();
    let message = |claims: &str| {
        let head = BASE64_URL_SAFE_NO_PAD.encode(header("EdDSA", "ed").to_string());
        format!("{head}.{}", BASE64_URL_SAFE_NO_PAD.encode(claims))
    };
    let claims = claims().to_string();
    let twice = format!("{},\"sub\":\"fake-victim\"}}", &claims[..claims.len() - 1]);
    for (text, good) in [(claims, true), (twice, false)] {
        let message = message(&text);
        let signature = keys.ed25519.sign(message.as_bytes());
        let token = format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature.as_ref()));
        assert_eq!(identify(&keys, &token).is_ok(), good);
    }
}

#[test]
fn tok_07_a_token_without_a_key_id_needs_a_single_key_that_fits() {
    let keys = Keys::new();
    let token = keys.sign(&json!({"alg": "RS256"}), &claims());
    assert!(identify(&keys, &token).is_ok());
    let mut document = keys.document();
    let mut second = document["keys"][0].clone();
    second["kid"] = json!("rsa-2");
    document["keys"].as_array_mut().unwrap().push(second);
    let failure = run(&spec(""), &token, vec![answer(200, &document.to_string())]).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Malformed);
    let encrypting = keys.document().to_string().replace("\"sig\"", "\"enc\"");
    assert!(run(&spec(""), &token, vec![answer(200, &encrypting)]).is_err());
}

#[test]
fn tok_07_short_rsa_keys_are_refused() {
    let keys = Keys::new();
    let token = keys.sign(&header("RS256", "rsa"), &claims());
    let mut document = keys.document();
    document["keys"][0]["n"] = json!(BASE64_URL_SAFE_NO_PAD.encode([0xff; 128]));
    assert!(run(&spec(""), &token, vec![answer(200, &document.to_string())]).is_err());
}

#[test]
fn userinfo_of_another_subject_is_not_used() {
    let text = include_str!("../fixtures/userinfo.json");
    let spec =
        Spec::parse(&include_str!("../fixtures/openid.toml").replace("#userinfo", "userinfo"))
            .unwrap();
    let keys = Keys::new();
    let token = keys.sign(&header("RS256", "rsa"), &claims());
    let run = |userinfo: &str| {
        let answers = vec![answer(200, &keys.document().to_string()), answer(200, userinfo)];
        run(&spec, &token, answers)
    };
    let account = run(text).unwrap();
    assert_eq!(account.display.as_deref(), Some("ada-handle"));
    for other in ["fake-victim", "FAKE-SUBJECT", ""] {
        let failure = run(&text.replace("fake-subject", other)).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Malformed, "{other}");
    }
    assert!(run("{}").is_err());
}

#[test]
fn nothing_but_the_name_is_taken_of_a_profile_and_it_is_tamed() {
    let keys = Keys::new();
    let mut wild = claims();
    wild["name"] = json!(format!("A\u{0}d\r\na\u{202e}{}", "x".repeat(300)));
    let account = identify(&keys, &keys.sign(&header("RS256", "rsa"), &wild)).unwrap();
    let name = account.display.unwrap();
    assert!(name.starts_with("Adaxxx") && name.chars().count() == 200, "{name}");
}

#[test]
fn tok_06_a_provider_without_openid_is_asked_at_its_endpoint() {
    let spec = Spec::parse(include_str!("../fixtures/plain.toml")).unwrap();
    let registration = registration("plain");
    let cx = context(&spec, &registration);
    let provider = Generic::new(spec.clone());
    let identify = |body: &str| {
        let mut step = provider.identity(&cx, &GrantFacts::new(Vec::new()), None, None);
        drive_with(&mut *step, vec![answer(200, body)], |_| false)
    };
    let body = r#"{"data":{"id":12345678901234567890,"name":"Ada","type":"business"}}"#;
    let (requests, account) = identify(body);
    let account = account.unwrap();
    assert_eq!(address(&requests[0]), "https://api.plain.example.test/me");
    assert_eq!(account.id.kind(), "account");
    assert_eq!(account.id.value(), "12345678901234567890");
    assert!(provider.eligibility(&cx, &account).is_ok());
    let personal = identify(&body.replace("business", "personal")).1.unwrap();
    let failure = provider.eligibility(&cx, &personal).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Blocked);
    for bad in [r#"{"data":{"id":1.5}}"#, r#"{"data":{"id":-1}}"#, r#"{"data":{"id":null}}"#, "{}"]
    {
        assert!(identify(bad).1.is_err(), "{bad}");
    }
}

#[test]
fn a_grant_gives_the_hash_that_an_id_token_is_held_to() {
    let body = r#"{"access_token":"fake-access-1","token_type":"Bearer"}"#;
    let spec = spec("");
    let registration = registration("example");
    let ask = bailee_providers::ExchangeAsk { redirect_uri: "https://a.test/", pkce: false };
    let mut step = Generic::new(spec.clone()).exchange(&context(&spec, &registration), &ask);
    let grant: Grant = drive_with(&mut *step, vec![answer(200, body)], |_| false).1.unwrap();
    assert_eq!(grant.facts(&[]).access_half_digest, self::grant().access_half_digest);
}

/// The account that an ID token with other claims names, where the spec has further issuers and an
/// id of two claims.
fn of_a_tenant(keys: &Keys, change: impl FnOnce(&mut Value)) -> Result<Account, Failure> {
    let more = "[identity]\nsource = \"openid\"\nid_kind = \"tid_oid\"\nid = [\"/tid\", \"/oid\"]\n\
                issuers = [\"login.example.test\", \"https://login.example.test/{tid}/v2\"]\n";
    let text = format!(
        "{}{more}",
        r#"
        id = "example"
        title = "Example"
        checked = "2026-11"
        pages = []
        issuer = "https://login.example.test"
        hosts = ["login.example.test"]
        [endpoints]
        authorization = "https://login.example.test/authorize"
        token = "https://login.example.test/token"
        jwks = "https://login.example.test/keys"
        "#
    );
    let spec = Spec::parse(&text).unwrap();
    let mut claims = claims();
    claims["tid"] = json!("tenant-1");
    claims["oid"] = json!("fake-object");
    claims["iss"] = json!("login.example.test");
    change(&mut claims);
    let token = keys.sign(&header("RS256", "rsa"), &claims);
    run(&spec, &token, vec![answer(200, &keys.document().to_string())])
}

#[test]
fn tok_07_an_issuer_of_one_tenant_is_that_of_the_tokens_own_tenant() {
    let keys = Keys::new();
    let account = of_a_tenant(&keys, |_| {}).unwrap();
    assert_eq!((account.id.kind(), account.id.value()), ("tid_oid", "tenant-1:fake-object"));
    for (issuer, good) in [
        // Where further ones are stated, they are all there are.
        ("https://login.example.test", false),
        ("login.example.test", true),
        ("https://login.example.test/tenant-1/v2", true),
        ("https://login.example.test/tenant-2/v2", false),
        ("https://login.example.test/{tid}/v2", false),
        ("https://login.example.test//v2", false),
        ("login.example.test/", false),
    ] {
        let account = of_a_tenant(&keys, |claims| claims["iss"] = json!(issuer));
        assert_eq!(account.is_ok(), good, "{issuer}");
    }
    // A claim is one segment: it brings no path of its own.
    let smuggled = |tid: &str| {
        of_a_tenant(&keys, |claims| {
            claims["tid"] = json!(tid);
            claims["iss"] = json!(format!("https://login.example.test/{tid}/v2"));
        })
    };
    assert!(smuggled("tenant-2").is_ok());
    for tid in ["", "a/b", "..", "a.b", "a?b", &"x".repeat(65)] {
        assert_eq!(smuggled(tid).unwrap_err().kind, FailureKind::Malformed, "{tid}");
    }
    // An id is whole or none.
    for claim in ["tid", "oid"] {
        let account = of_a_tenant(&keys, |claims| {
            drop(claims.as_object_mut().unwrap().remove(claim));
        });
        assert_eq!(account.unwrap_err().kind, FailureKind::Malformed, "{claim}");
    }
}
