//! Cross-Account Protection: what each of Google's events means.

use bailee_core::{WithdrawalReason, event::RequestKind};
use bailee_providers::{
    Provider,
    google::Google,
    signal::{About, Opening, Reply, TokenIdentifier, What},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    delivered::Sent,
    id_token::{Keys, verify},
    support::{NOW, address, context, drive, json as document, registration},
};

fn event(name: &str, payload: &Value) -> Value {
    // The example of Google's page, with another event in it.
    json!({
        "iss": "https://accounts.google.com/",
        "aud": "fake-client",
        "iat": 1_508_184_845,
        "jti": "756E69717565206964656E746966696572",
        "events": {format!("https://schemas.openid.net/secevent/{name}"): payload},
    })
}

fn sent(keys: &Keys, claims: &Value) -> Sent<'static> {
    let token = keys.sign(&json!({"alg": "RS256", "kid": "rsa", "typ": "JWT"}), claims);
    Sent::post(NOW.as_seconds(), token).with("Content-Type", "application/secevent+jwt")
}

fn person(reason: Option<&str>) -> Value {
    let mut payload = json!({"subject": {
        "subject_type": "iss-sub", "iss": "https://accounts.google.com/", "sub": "7375626A656374",
    }});
    if let Some(reason) = reason {
        payload["reason"] = json!(reason);
    }
    payload
}

#[test]
fn each_event_means_what_googles_page_asks_for() {
    let keys = Keys::new();
    let google = Google::new();
    let ended = || What::withdrawn(WithdrawalReason::TokensRevoked);
    for (name, reason, means) in [
        ("risc/event-type/sessions-revoked", None, vec![What::SessionsEnded]),
        ("oauth/event-type/tokens-revoked", None, vec![What::SessionsEnded, ended()]),
        (
            "risc/event-type/account-disabled",
            Some("hijacking"),
            vec![What::SessionsEnded, What::Suspended],
        ),
        ("risc/event-type/account-disabled", Some("bulk-account"), vec![What::Suspended]),
        ("risc/event-type/account-disabled", None, vec![What::Suspended]),
        ("risc/event-type/account-enabled", None, vec![What::Resumed]),
        ("risc/event-type/account-credential-change-required", None, vec![What::Check]),
        (
            "risc/event-type/account-purged",
            None,
            vec![
                What::request(RequestKind::Erasure, None),
                What::withdrawn(WithdrawalReason::AccountClosed),
            ],
        ),
        ("risc/event-type/something-new", None, vec![]),
        // Under the name of the other standard there is no such event.
        ("risc/event-type/tokens-revoked", None, vec![]),
    ] {
        let reading = sent(&keys, &event(name, &person(reason))).read(&google).unwrap();
        assert_eq!(reading.id.as_deref(), Some("756E69717565206964656E746966696572"));
        assert_eq!(reading.reply, Reply::Status(StatusCode::ACCEPTED));
        let said: Vec<What> = reading.signals.iter().map(|signal| signal.what.clone()).collect();
        assert_eq!(said, means, "{name} {reason:?}");
        for signal in &reading.signals {
            let About::Account { id, issuer } = &signal.about else { panic!("{name}") };
            assert_eq!((id.kind(), id.value()), ("sub", "7375626A656374"));
            assert_eq!(issuer.as_deref(), Some("https://accounts.google.com"));
            assert_eq!(signal.at.unwrap().as_seconds(), 1_508_184_845);
        }
    }
}

#[test]
fn the_test_token_and_one_revoked_token_are_read() {
    let keys = Keys::new();
    let google = Google::new();
    let test = event("risc/event-type/verification", &json!({"state": "fake-state"}));
    let reading = sent(&keys, &test).read(&google).unwrap();
    assert!(reading.signals.is_empty());
    assert_eq!(reading.reply, Reply::Status(StatusCode::ACCEPTED));

    let token = json!({"subject": {
        "subject_type": "oauth_token", "token_type": "refresh_token",
        "token_identifier_alg": "prefix", "token": "1//0gTestRefresh",
    }});
    let reading = sent(&keys, &event("oauth/event-type/token-revoked", &token)).read(&google);
    let signals = reading.unwrap().signals;
    let by = TokenIdentifier::Prefix;
    assert_eq!(signals.len(), 1);
    assert_eq!(signals[0].about, About::RefreshToken { by, value: "1//0gTestRefresh".to_owned() });
    assert_eq!(signals[0].what, What::withdrawn(WithdrawalReason::TokensRevoked));
    let push = google.spec().signals.push.as_ref().unwrap();
    assert!(push.names_tokens);
    assert_eq!(push.refused, StatusCode::BAD_REQUEST);
}

#[test]
fn hook_01_googles_own_keys_make_the_signature() {
    let pair = Keys::new();
    let google = Google::new();
    let registration = registration("google");
    let cx = context(google.spec(), &registration);
    let configuration = json!({
        "issuer": "https://accounts.google.com/",
        "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs",
        "delivery_methods_supported": [
            "https://schemas.openid.net/secevent/risc/delivery-method/push",
        ],
    });
    let answers = vec![
        document(200, &configuration.to_string()),
        document(200, &pair.document().to_string()),
    ];
    let (requests, keys) = drive(&mut *google.signal_keys(&cx), answers);
    assert_eq!(address(&requests[0]), "https://accounts.google.com/.well-known/risc-configuration");
    assert_eq!(address(&requests[1]), "https://www.googleapis.com/oauth2/v3/certs");
    let keys = keys.unwrap();
    let claims = event("oauth/event-type/tokens-revoked", &person(None));
    for (made_by, good) in [(&pair, true), (&Keys::new(), false)] {
        // The tests' RSA key is always the same one; the other is drawn.
        let token = made_by.sign(&json!({"alg": "ES256", "kid": "p256"}), &claims);
        let sent =
            Sent::post(NOW.as_seconds(), token).with("content-type", "application/secevent+jwt");
        let Ok(Opening::CheckToken(proof)) = sent.open(&google) else { panic!("not opened") };
        assert_eq!(verify(&proof.signed(&keys).unwrap()), good);
    }
    let Ok(Opening::CheckToken(proof)) = sent(&pair, &claims).open(&google) else {
        panic!("not opened")
    };
    assert!(verify(&proof.signed(&keys).unwrap()));
}
