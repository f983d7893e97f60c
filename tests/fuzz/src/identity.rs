//! ID tokens and the keys that sign them.

use bailee_core::{AccessToken, CredentialName, IdToken, sha256};
use bailee_providers::{Grant, GrantFacts, Input, IssuedCredential, Next};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::{
    answers::{Answers, NOW},
    conversation::{Conversation, harmless},
    provider::{GENERIC, Ready},
    quiet,
};

/// A token, then answers for the key set and for userinfo. Signatures are checked.
pub(crate) fn id_token(data: &[u8]) {
    let (token, answers) = split(data);
    let mut answers = Answers::read(answers);
    let ready = openid();
    for verified in [false, true] {
        let mut talk = Conversation { cx: ready.context(), answers: &mut answers, verified };
        let token = IdToken::copy_from(token);
        let step = ready.provider.identity(&talk.cx, &grant(), Some(NONCE), Some(token));
        let account = talk.step("identity", step);
        assert!(verified || account.is_none(), "a bad signature makes an account");
    }
}

/// A header, claims, and what userinfo answers. The signature is said to be good.
pub(crate) fn claims(data: &[u8]) {
    let (header, rest) = split(data);
    let (claims, userinfo) = split(rest);
    let part = |bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let token = format!("{}.{}.ZmFrZQ", part(header), part(claims));
    let ready = openid();
    let token = IdToken::copy_from(token.as_bytes());
    let mut step = ready.provider.identity(&ready.context(), &grant(), Some(NONCE), Some(token));
    let mut keys = Answers::read(KEYS.as_bytes());
    let mut answers = Answers::read(userinfo);
    let mut asked = 0;
    let mut input = Input::Start;
    let account = loop {
        input = match step.next(input) {
            Ok(Next::Done(account)) => break account,
            Ok(Next::Send(_)) => {
                asked += 1;
                assert!(asked <= 2, "the keys and userinfo are asked for, once each");
                Input::Answer(if asked == 1 { keys.next() } else { answers.next() })
            }
            Ok(Next::Verify(signed)) => {
                quiet("signed", &signed);
                Input::Verified(true)
            }
            Ok(other) => panic!("a wish that identity has not: {other:?}"),
            Err(failure) => return harmless("claims", &failure),
        };
    };
    quiet("account", &account);
    // OpenID Connect Core §3.1.3.7, by another parser.
    let (header, claims) = match (serde_json::from_slice(header), serde_json::from_slice(claims)) {
        (Ok::<Value, _>(header), Ok::<Value, _>(claims)) => (header, claims),
        // A number that no float can hold; nothing else is read in one way alone.
        (Err(error), _) | (_, Err(error)) => {
            return assert!(error.to_string().starts_with("number out of range"), "{error}");
        }
    };
    assert!(["ES256", "EdDSA", "Ed25519", "PS256", "RS256"].contains(&text(&header, "alg")));
    assert!(header.get("crit").is_none());
    assert_eq!(Some(text(&claims, "iss")), ready.spec.issuer.as_deref());
    assert_eq!(text(&claims, "nonce"), NONCE);
    assert_eq!(text(&claims, "sub"), account.id.value());
    let us = Value::from("fake-client");
    match &claims["aud"] {
        Value::Array(all) => {
            assert!(all.contains(&us) && (all.len() == 1 || claims["azp"] == us));
        }
        one => assert_eq!(*one, us),
    }
    assert!(claims["azp"].is_null() || claims["azp"] == us);
    let now = NOW.as_seconds() as f64;
    let time = |name: &str| claims[name].as_f64();
    assert!(time("exp").is_some_and(|at| at > now - 121.0), "a token that ran out");
    assert!(time("iat").is_some_and(|at| at < now + 122.0), "a token of tomorrow");
    assert!(time("nbf").is_none_or(|at| at < now + 122.0), "a token that is not valid yet");
}

fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_default()
}

fn openid() -> &'static Ready {
    GENERIC.iter().find(|ready| ready.spec.id.as_str() == "openid").expect("it is in the list")
}

fn grant() -> GrantFacts {
    let name = CredentialName::from_static("main");
    let access = AccessToken::copy_from(b"fake-access-1");
    let grant = Grant::new(vec![IssuedCredential::new(name, access)]).facts(&[]);
    assert_eq!(
        grant.access_half_digest.map(Vec::from),
        Some(sha256(b"fake-access-1")[..16].to_vec())
    );
    grant
}

fn split(data: &[u8]) -> (&[u8], &[u8]) {
    let first = crate::sections(data)[0];
    (first, data.get(first.len() + 4..).unwrap_or_default())
}

const NONCE: &str = "fake-nonce";

/// A key for each scheme.
const KEYS: &str = r#"{"keys": [
{"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", // an example
 "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}, // an example
{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}, // an example
{"kty": "RSA", "e": "AQAB", "n": "________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________________w"}
]}"#;
