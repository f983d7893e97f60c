//! Security Event Tokens: what is one, for whom it is and whom it is about.

use std::time::Duration;

use bailee_core::WithdrawalReason;
use bailee_providers::{
    Generic, Provider, Spec,
    signal::{About, EventTokenProof, KeySet, Opening, SignalRefusal, TokenIdentifier, What},
};
use serde_json::{Value, json};

use crate::{
    delivered::Sent,
    id_token::{Keys, verify},
    support::{NOW, address, answer, context, drive, json as document, registration, spec},
};

const OPENED: &str = "https://schemas.example.test/event/opened";
const ENDED: &str = "https://schemas.example.test/event/ended";

fn issuer() -> Spec {
    spec(
        r#"
        [signals.push]
        page = "https://login.example.test/docs"
        checked = "2026-11"
        accepted = 202
        refused = 400
        names_tokens = true
        [signals.push.event_token]
        issuer = "https://login.example.test/"
        configuration = "https://login.example.test/.well-known/events"
        audiences = ["https://app.example.test"]
        [[signals.event]]
        uri = "https://schemas.example.test/event/opened"
        when = { "/state" = "open" }
        means = "check"
        [[signals.event]]
        uri = "https://schemas.example.test/event/ended"
        means = "tokens_revoked"
        "#,
    )
}

fn subject() -> Value {
    json!({"subject_type": "iss-sub", "iss": "https://login.example.test/", "sub": "fake-subject"})
}

fn claims() -> Value {
    json!({
        "iss": "https://login.example.test/",
        "aud": "fake-client",
        "iat": NOW.as_seconds() - 86_400,
        "jti": "fake-event-1",
        "events": {ENDED: {"subject": subject()}},
    })
}

fn changed(name: &str, value: Value) -> Value {
    let mut claims = claims();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

fn sent(token: impl Into<Vec<u8>>) -> Sent<'static> {
    Sent::post(NOW.as_seconds(), token).with("Content-Type", "application/secevent+jwt")
}

fn provider() -> Generic {
    Generic::new(issuer())
}

/// The key set as the adapter fetches it.
fn keys(provider: &dyn Provider, set: &Value, cache: &str) -> KeySet {
    let registration = registration("example");
    let cx = context(provider.spec(), &registration);
    let configuration = json!({
        "issuer": "https://login.example.test/",
        "jwks_uri": "https://login.example.test/keys",
    });
    let set = answer(200, &[("cache-control", cache)], set.to_string().as_bytes());
    let answers = vec![document(200, &configuration.to_string()), set];
    let (requests, keys) = drive(&mut *provider.signal_keys(&cx), answers);
    assert_eq!(address(&requests[0]), "https://login.example.test/.well-known/events");
    assert_eq!(address(&requests[1]), "https://login.example.test/keys");
    keys.unwrap()
}

fn opened(token: &str) -> Result<EventTokenProof, SignalRefusal> {
    match sent(token).open(&provider())? {
        Opening::CheckToken(proof) => Ok(proof),
        other => panic!("{other:?}"),
    }
}

fn refused(claims: &Value) -> SignalRefusal {
    let token = Keys::new().sign(&json!({"alg": "ES256", "kid": "p256"}), claims);
    sent(token).read(&provider()).unwrap_err()
}

fn read(claims: &Value) -> Vec<(About, What)> {
    let token = Keys::new().sign(&json!({"alg": "ES256", "kid": "p256"}), claims);
    let reading = sent(token).read(&provider()).unwrap();
    assert_eq!(reading.id.as_deref(), Some("fake-event-1"));
    reading.signals.into_iter().map(|signal| (signal.about, signal.what)).collect()
}

#[test]
fn hook_01_a_token_is_good_with_the_key_that_it_names_and_with_no_other() {
    let pair = Keys::new();
    let set = keys(&provider(), &pair.document(), "public, max-age=7200, must-revalidate");
    assert_eq!(set.fresh_for, Duration::from_secs(7200));
    let other = Keys::new();
    for (algorithm, kid) in [("RS256", "rsa"), ("PS256", "rsa"), ("ES256", "p256"), ("EdDSA", "ed")]
    {
        let header = json!({"alg": algorithm, "kid": kid});
        let token = pair.sign(&header, &claims());
        assert!(verify(&opened(&token).unwrap().signed(&set).unwrap()), "{algorithm}");
        let (message, signature) = token.rsplit_once('.').unwrap();
        // Another payload under the same signature.
        let swapped = other.sign(&header, &changed("jti", json!("fake-event-2")));
        let (swapped, _) = swapped.rsplit_once('.').unwrap();
        let forged = format!("{swapped}.{signature}");
        assert!(!verify(&opened(&forged).unwrap().signed(&set).unwrap()), "{algorithm}");
        let short = opened(&format!("{message}.{}", &signature[..signature.len() - 4]));
        let short = short.ok().and_then(|proof| proof.signed(&set));
        assert!(!short.is_some_and(|signed| verify(&signed)), "{algorithm}");
    }
    // One whose key nobody has, one without a name for its key where several fit, one whose name
    // belongs to a key of another type: there is nothing to check them with.
    for header in [
        json!({"alg": "ES256", "kid": "unknown"}),
        json!({"alg": "ES256", "kid": "rsa"}),
        json!({"alg": "RS256", "kid": "p256"}),
    ] {
        let proof = opened(&pair.sign(&header, &claims())).unwrap();
        assert!(proof.signed(&set).is_none(), "{header}");
    }
    let mut twice = pair.document();
    let mut again = twice["keys"][0].clone();
    again["kid"] = json!("rsa-2");
    twice["keys"].as_array_mut().unwrap().push(again);
    let twice = keys(&provider(), &twice, "no-cache");
    assert_eq!(twice.fresh_for, Duration::from_secs(3600));
    let unnamed = opened(&pair.sign(&json!({"alg": "RS256"}), &claims())).unwrap();
    assert!(unnamed.signed(&twice).is_none());
    // With a single key that fits there is no doubt.
    assert!(verify(&unnamed.signed(&set).unwrap()));
}

#[test]
fn hook_01_what_is_no_event_token_is_not_opened() {
    let pair = Keys::new();
    let good = pair.sign(&json!({"alg": "RS256", "kid": "rsa"}), &claims());
    assert!(opened(&good).is_ok());
    for kind in ["secevent+jwt", "application/secevent+jwt", "SecEvent+JWT", "JWT"] {
        let token = pair.sign(&json!({"alg": "RS256", "kid": "rsa", "typ": kind}), &claims());
        assert!(opened(&token).is_ok(), "{kind}");
    }
    // RFC 8417 §4.1: another kind of token, signed with the same keys.
    for header in [
        json!({"alg": "RS256", "kid": "rsa", "typ": "at+jwt"}),
        json!({"alg": "RS256", "kid": "rsa", "typ": "logout+jwt"}),
        json!({"alg": "RS256", "kid": "rsa", "typ": ""}),
        json!({"alg": "RS256", "kid": "rsa", "crit": ["exp"]}),
        json!({"alg": "none"}),
        json!({"alg": "None"}),
        // With an RSA key's text as the secret.
        json!({"alg": "HS256", "kid": "rsa"}),
        json!({"alg": ["RS256"], "kid": "rsa"}),
        json!({"kid": "rsa"}),
    ] {
        let token = pair.sign(&header, &claims());
        assert_eq!(opened(&token).unwrap_err(), SignalRefusal::Malformed, "{header}");
    }
    let (message, signature) = good.rsplit_once('.').unwrap();
    for token in [
        String::new(),
        message.to_owned(),
        format!("{good}.{signature}"),
        format!("{message}.{signature}="),
        format!("{message}.*{signature}"),
        good.replace('.', "%2E"),
        format!("{good} {good}"),
        format!("{{\"token\": \"{good}\"}}"),
        format!("{good}{}", "A".repeat(40_000)),
    ] {
        let refused = opened(&token).unwrap_err();
        assert_eq!(refused, SignalRefusal::Malformed, "{:.40}", token);
    }
    // What a form or a script of a page could send as well is not read.
    for media in ["application/jwt", "application/json", "text/plain", ""] {
        let sent = sent(good.as_str()).without("Content-Type").with("Content-Type", media);
        assert_eq!(sent.open(&provider()).unwrap_err(), SignalRefusal::Malformed, "{media}");
    }
    let bare = sent(good.as_str()).without("Content-Type");
    assert_eq!(bare.open(&provider()).unwrap_err(), SignalRefusal::Malformed);
    let parameter = sent(good.as_str())
        .without("content-type")
        .with("Content-Type", "Application/SecEvent+JWT; charset=utf-8");
    assert!(parameter.open(&provider()).is_ok());
    let mut get = sent(good.as_str());
    get.method = http::Method::GET;
    assert_eq!(get.open(&provider()).unwrap_err(), SignalRefusal::Method);
}

#[test]
fn hook_01_a_token_counts_for_whom_it_was_made_and_from_whom_it_should_come() {
    for audience in [
        json!("fake-client"),
        json!(["somebody-else", "fake-client"]),
        json!("https://app.example.test"),
    ] {
        assert_eq!(read(&changed("aud", audience)).len(), 1);
    }
    for audience in
        [json!("somebody-else"), json!([]), json!(["fake-client-2"]), json!(""), Value::Null]
    {
        let refusal = refused(&changed("aud", audience.clone()));
        assert_eq!(refusal, SignalRefusal::Foreign, "{audience}");
    }
    for audience in [json!(7), json!({"client": "fake-client"}), json!(["fake-client", 7])] {
        let refusal = refused(&changed("aud", audience.clone()));
        assert_eq!(refusal, SignalRefusal::Malformed, "{audience}");
    }
    // The issuer of ID tokens is another one, for all that the keys are the same.
    for issuer in [
        json!("https://login.example.test"),
        json!("https://login.example.test//"),
        json!("https://LOGIN.example.test/"),
        json!("login.example.test"),
        json!(7),
        Value::Null,
    ] {
        let refusal = refused(&changed("iss", issuer.clone()));
        assert_eq!(refusal, SignalRefusal::Issuer, "{issuer}");
    }
}

#[test]
fn hook_01_an_id_token_is_no_event() {
    let mut id_token = json!({
        "iss": "https://login.example.test/",
        "aud": "fake-client",
        "sub": "fake-subject",
        "iat": NOW.as_seconds(),
        "exp": NOW.as_seconds() + 300,
        "jti": "fake-event-1",
    });
    assert_eq!(refused(&id_token), SignalRefusal::Malformed);
    // Not even with a claim that a client could choose.
    id_token["events"] = json!({ENDED: {"subject": subject()}});
    id_token["nonce"] = json!("fake-nonce");
    assert_eq!(refused(&id_token), SignalRefusal::Malformed);
}

#[test]
fn hook_01_claims_are_there_once_and_of_their_own_types() {
    for (name, value) in [
        ("jti", Value::Null),
        ("jti", json!("")),
        ("jti", json!(7)),
        ("jti", json!("j".repeat(256))),
        ("iat", Value::Null),
        ("iat", json!("1748779200")),
        ("iat", json!(-1)),
        ("iat", json!(1e300)),
        ("toe", json!("yesterday")),
        ("events", Value::Null),
        ("events", json!({})),
        ("events", json!([ENDED])),
        ("events", json!(ENDED)),
        ("events", json!({ENDED: true})),
        ("events", json!({ENDED: null})),
        ("events", json!({ENDED: {}})),
        ("events", json!({ENDED: {"subject": "fake-subject"}})),
    ] {
        let refusal = refused(&changed(name, value.clone()));
        assert_eq!(refusal, SignalRefusal::Malformed, "{name}: {value}");
    }
    let whole = claims().to_string();
    for (once, twice) in [
        (r#""aud":"fake-client""#, r#""aud":"fake-client","aud":"somebody-else""#),
        (r#""jti":"fake-event-1""#, r#""jti":"fake-event-1","j\u0074i":"fake-event-2""#),
        (r#""sub":"fake-subject""#, r#""sub":"fake-subject","sub":"somebody-else""#),
        (r#""subject":"#, r#""subject":{},"subject":"#),
    ] {
        assert!(whole.contains(once), "{once} in {whole}");
        let text = whole.replace(once, twice);
        let part = |text: &str| {
            use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
            BASE64_URL_SAFE_NO_PAD.encode(text)
        };
        let token = format!("{}.{}.{}", part(r#"{"alg":"ES256"}"#), part(&text), part("x"));
        let refusal = sent(token).read(&provider()).unwrap_err();
        assert_eq!(refusal, SignalRefusal::Malformed, "{twice}");
    }
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let deep: Value = serde_json::from_str(&deep).unwrap();
    assert_eq!(refused(&changed("more", deep)), SignalRefusal::Malformed);
}

#[test]
fn hook_02_a_fact_of_the_past_is_never_too_old_and_one_of_the_future_is_none() {
    let now = NOW.as_seconds();
    let at = |claims: &Value| {
        let token = Keys::new().sign(&json!({"alg": "ES256", "kid": "p256"}), claims);
        sent(token).read(&provider()).map(|reading| reading.signals[0].at.unwrap().as_seconds())
    };
    assert_eq!(at(&changed("iat", json!(now - 31_536_000))), Ok(now - 31_536_000));
    assert_eq!(at(&changed("iat", json!(now + 300))), Ok(now + 300));
    assert_eq!(at(&changed("iat", json!(now + 301))), Err(SignalRefusal::Stale));
    assert_eq!(at(&changed("iat", json!(now as f64 - 0.5))), Ok(now - 1));
    // It has no end, and one that is stated does not count.
    assert_eq!(at(&changed("exp", json!(now - 80_000))), Ok(now - 86_400));
    // When it happened is before it was told.
    assert_eq!(at(&changed("toe", json!(now - 90_000))), Ok(now - 90_000));
    assert_eq!(at(&changed("toe", json!(now))), Ok(now - 86_400));
}

#[test]
fn each_event_of_a_token_is_read_and_unknown_ones_are_passed_over() {
    let events = json!({
        ENDED: {"subject": subject()},
        OPENED: {"subject": subject(), "state": "open"},
        "https://schemas.example.test/event/other": 7,
    });
    let said: Vec<What> =
        read(&changed("events", events)).into_iter().map(|(_, what)| what).collect();
    assert_eq!(said, [What::Check, What::withdrawn(WithdrawalReason::TokensRevoked)]);
    for events in [
        json!({"https://schemas.example.test/event/verification": {"state": "fake-state"}}),
        json!({OPENED: {"subject": subject(), "state": "shut"}}),
        json!({OPENED: {"subject": subject()}}),
    ] {
        assert_eq!(read(&changed("events", events)), []);
    }
}

#[test]
fn a_subject_is_known_in_each_spelling_and_strangers_are_nobody() {
    let about = |subject: Value| {
        let mut said = read(&changed("events", json!({ENDED: {"subject": subject}})));
        said.pop().map(|(about, _)| about)
    };
    let ours = |about: Option<About>| match about {
        Some(About::Account { id, issuer }) => {
            assert_eq!((id.kind(), id.value()), ("sub", "fake-subject"));
            // As it was connected under.
            assert_eq!(issuer.as_deref(), Some("https://login.example.test"));
        }
        other => panic!("{other:?}"),
    };
    for (member, spelling) in [
        ("subject_type", "iss_sub"),
        ("subject_type", "iss-sub"),
        ("subject_type", "id_token_claims"),
        ("format", "iss_sub"),
    ] {
        for issuer in ["https://login.example.test/", "https://login.example.test"] {
            ours(about(json!({
                member: spelling, "iss": issuer, "sub": "fake-subject", "email": "a@example.test",
            })));
        }
    }
    // RFC 9493 puts it beside the events.
    let mut claims = changed("events", json!({ENDED: {}}));
    claims["sub_id"] =
        json!({"format": "iss_sub", "iss": "https://login.example.test/", "sub": "fake-subject"});
    ours(read(&claims).pop().map(|(about, _)| about));
    // What the event says of itself comes before it.
    claims["sub_id"]["sub"] = json!("somebody-else");
    claims["events"] = json!({ENDED: {"subject": subject()}});
    ours(read(&claims).pop().map(|(about, _)| about));

    for stranger in [
        json!({"subject_type": "iss-sub", "iss": "https://other.example.test/", "sub": "fake-subject"}),
        json!({"subject_type": "iss-sub", "sub": "fake-subject"}),
        json!({"subject_type": "id_token_claims", "email": "a@example.test"}),
        json!({"subject_type": "email", "email": "a@example.test"}),
        json!({"subject_type": "phone", "phone": "+1"}),
        json!({"sub": "fake-subject", "iss": "https://login.example.test/"}),
        json!({}),
    ] {
        assert_eq!(about(stranger.clone()), None, "{stranger}");
    }
    let torn = json!({"format": "email", "subject_type": "iss-sub",
        "iss": "https://login.example.test/", "sub": "fake-subject"});
    let refusal = refused(&changed("events", json!({ENDED: {"subject": torn}})));
    assert_eq!(refusal, SignalRefusal::Malformed);
}

#[test]
fn a_refresh_token_is_named_by_its_beginning_or_by_its_hash() {
    let about = |subject: Value| {
        let mut said = read(&changed("events", json!({ENDED: {"subject": subject}})));
        said.pop().map(|(about, _)| about)
    };
    let token = |kind: &str, algorithm: &str, value: &str| {
        json!({"subject_type": "oauth_token", "token_type": kind,
            "token_identifier_alg": algorithm, "token": value})
    };
    let hash =
        "ritccUatp8d9DDUT8XeV5VanOtAhkFTairAGQTu28UcUeW8+PnYgwqQZXdM3LU4GNWWQkWcq6plQ9g1KPqViJA=="; // an example
    let by = TokenIdentifier::DoubleSha512;
    let hashed = Some(About::RefreshToken { by, value: hash.to_owned() });
    // Which alphabet of base64 is meant is not said.
    for spelling in [
        hash.to_owned(),
        hash.trim_end_matches('=').to_owned(),
        hash.replace('+', "-").replace('/', "_"),
    ] {
        let subject = token("refresh_token", "hash_base64_sha512_sha512", &spelling);
        assert_eq!(about(subject), hashed, "{spelling}");
    }
    let beginning = "1//0gTestRefresh";
    let by = TokenIdentifier::Prefix;
    let named = Some(About::RefreshToken { by, value: beginning.to_owned() });
    assert_eq!(about(token("refresh_token", "prefix", beginning)), named);
    for other in [
        token("access_token", "prefix", beginning),
        token("refresh_token", "plain", beginning),
        // It would fit each token that begins so.
        token("refresh_token", "prefix", "1//0g"),
        token("refresh_token", "prefix", ""),
        token("refresh_token", "prefix", "1//0gTestRefreshTokenValue"),
        token("refresh_token", "hash_base64_sha512_sha512", "AAAA"),
        token("refresh_token", "hash_base64_sha512_sha512", beginning),
    ] {
        assert_eq!(about(other.clone()), None, "{other}");
    }
    let torn = json!({"subject_type": "oauth_token", "token_type": "refresh_token"});
    let refusal = refused(&changed("events", json!({ENDED: {"subject": torn}})));
    assert_eq!(refusal, SignalRefusal::Malformed);
}

#[test]
fn the_keys_come_from_the_place_that_the_configuration_of_that_issuer_names() {
    let provider = provider();
    let registration = registration("example");
    let cx = context(provider.spec(), &registration);
    for configuration in [
        json!({"issuer": "https://login.example.test", "jwks_uri": "https://login.example.test/keys"}),
        json!({"issuer": "https://other.example.test/", "jwks_uri": "https://login.example.test/keys"}),
        json!({"issuer": "https://login.example.test/", "jwks_uri": "https://other.example.test/keys"}),
        json!({"issuer": "https://login.example.test/", "jwks_uri": "http://login.example.test/keys"}),
        json!({"issuer": "https://login.example.test/"}),
        json!([]),
    ] {
        let answers = vec![document(200, &configuration.to_string())];
        let (requests, keys) = drive(&mut *provider.signal_keys(&cx), answers);
        assert!(keys.is_err(), "{configuration}");
        assert_eq!(requests.len(), 1, "{configuration}");
    }
}

#[test]
fn a_refusal_says_why_in_the_words_of_rfc_8935() {
    let spec = issuer();
    let push = spec.signals.push.as_ref().unwrap();
    for (word, error) in [
        (SignalRefusal::Malformed.code(), "invalid_request"),
        (SignalRefusal::Stale.code(), "invalid_request"),
        (SignalRefusal::Foreign.code(), "invalid_audience"),
        (SignalRefusal::Issuer.code(), "invalid_issuer"),
        ("forged", "invalid_key"),
    ] {
        let body: Value = serde_json::from_str(push.refusal_body(word).unwrap()).unwrap();
        assert_eq!(body["err"], error, "{word}");
        assert!(body["description"].as_str().is_some_and(|text| !text.is_empty()));
        assert_eq!(body.as_object().unwrap().len(), 2);
    }
}
