//! Clients that sign assertions instead of sending a secret (RFC 7523).

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bailee::{
    ClientKey, ErrorKind, Registration,
    core::Clock,
    providers::{Environment, Generic, Spec},
    store::{MemoryStore, Store},
};
use bailee_testkit::{
    World,
    emulator::{
        AssertionKey, Client, Endpoint, RefreshStyle,
        oidc::{ClientAuth, Issuer, Revocation, SigningAlgorithm},
    },
};
use bailee_tests::{NOTES, NOTES_SPEC, declaration, mount, notes_issuer, world};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKeyData as _};
use serde_json::Value;
use url::form_urlencoded;

const ISSUER: &str = "https://id.example.test";
const CLIENT: &str = "fake-signed-client";
const KID: &str = "fake-kid-1";

/// A key pair of each algorithm that is taken: the private half, and the public one in the
/// emulator's form.
fn pair(algorithm: SigningAlgorithm) -> (Vec<u8>, Vec<u8>) {
    let pair = match algorithm {
        SigningAlgorithm::EdDsa => KeyPair::generate_for(&PKCS_ED25519).unwrap(),
        SigningAlgorithm::Rs256 => {
            // Made for these tests, and known to everybody.
            KeyPair::try_from(include_bytes!("fake-rsa-key.der").as_slice()).unwrap()
        }
        _ => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(),
    };
    (pair.serialize_der(), pair.der_bytes().to_vec())
}

fn signed(private: &[u8]) -> Registration {
    Registration::signed("notes", CLIENT, KID, &ClientKey::copy_from(private))
        .unwrap()
        .id("notes-signed")
        .unwrap()
        .environment(Environment::Emulator)
}

/// A world in which the issuer knows the public half of a client's key.
async fn signed_world(
    algorithm: SigningAlgorithm,
    change: impl FnOnce(&mut Issuer),
) -> (World, Vec<u8>) {
    let (private, public) = pair(algorithm);
    let mut issuer = notes_issuer();
    issuer.client_auth.push(ClientAuth::PrivateKeyJwt);
    change(&mut issuer);
    let registered = private.clone();
    let w = World::builder(declaration())
        .issuer(issuer, NOTES_SPEC)
        .change(move |builder| builder.registration(signed(&registered)))
        .build()
        .await
        .unwrap();
    let key = AssertionKey { kid: KID.into(), algorithm, public };
    let redirect = format!("{}/notes-signed/callback", mount());
    w.site("id.example.test").add_client(Client::new(CLIENT).key(key).redirect(redirect)).unwrap();
    (w, private)
}

/// What the client sent to an endpoint as forms.
fn forms(w: &World, endpoints: &[Endpoint]) -> Vec<Vec<(String, String)>> {
    let requests = w.site("id.example.test").requests().into_iter();
    requests
        .filter(|request| endpoints.contains(&request.endpoint))
        .map(|request| form_urlencoded::parse(&request.body).into_owned().collect())
        .collect()
}

fn field<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// A part of an assertion, decoded.
fn part(assertion: &str, n: usize) -> Value {
    let text = assertion.split('.').nth(n).unwrap();
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.bytes() {
        bits = bits << 6 | digits.iter().position(|digit| *digit == byte).unwrap() as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn tok_08_an_assertion_is_for_the_issuer_alone_and_good_once_and_for_a_minute() {
    for (algorithm, name) in [
        (SigningAlgorithm::EdDsa, "EdDSA"),
        (SigningAlgorithm::Es256, "ES256"),
        (SigningAlgorithm::Rs256, "RS256"),
    ] {
        let (w, private) = signed_world(algorithm, |issuer| {
            issuer.refresh_style = RefreshStyle::Overlapping;
            issuer.revocation = Revocation::Rfc7009 { cascades: false };
        })
        .await;
        let ada = w.visitor("ada");
        let connection = w.connect(&ada, "notes-signed", &[NOTES]).await.unwrap();
        w.advance(Duration::from_secs(2 * 3600));
        let connections = w.bailee.connections();
        // The token is over: the check renews it.
        connections.check(&ada, &connection).await.unwrap();
        let now = w.clock.now().as_seconds();
        assert!(connections.disconnect(&ada, &connection).await.unwrap().confirmed, "{name}");

        let sent = [Endpoint::Exchange, Endpoint::Refresh, Endpoint::Revoke];
        let forms = forms(&w, &sent);
        assert!(forms.len() >= 4, "a code, a renewal and two revocations: {}", forms.len());
        let mut ids = BTreeSet::new();
        for form in &forms {
            assert_eq!(field(form, "client_id"), Some(CLIENT));
            assert_eq!(field(form, "client_secret"), None);
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            assert_eq!(field(form, "client_assertion_type"), Some(kind));
            let assertion = field(form, "client_assertion").unwrap();
            let (header, claims) = (part(assertion, 0), part(assertion, 1));
            assert_eq!(header["alg"], name);
            assert_eq!(header["kid"], KID);
            assert_eq!(claims["aud"], Value::from(ISSUER), "one text, no list and no endpoint");
            assert_eq!(claims["iss"], CLIENT);
            assert_eq!(claims["sub"], CLIENT);
            let (issued, ends) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
            assert!(issued <= now && ends - issued <= 60 && ends > issued);
            assert!(ids.insert(claims["jti"].as_str().unwrap().to_owned()), "each is new");
        }
        let requests = w.site("id.example.test").requests();
        for request in requests {
            let holds =
                request.body.windows(32).any(|window| private.windows(32).any(|key| key == window));
            assert!(!holds, "the key leaves for nowhere");
        }
        w.assert_clean_audit(&["acme", "~"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tok_08_a_server_that_does_not_know_the_key_gives_no_tokens() {
    let (w, _) = signed_world(SigningAlgorithm::Es256, |_| {}).await;
    let redirect = format!("{}/notes-signed/callback", mount());
    let (_, public) = pair(SigningAlgorithm::Es256);
    let key = AssertionKey { kid: KID.into(), algorithm: SigningAlgorithm::Es256, public };
    w.site("id.example.test").add_client(Client::new(CLIENT).key(key).redirect(redirect)).unwrap();
    let ada = w.visitor("ada");
    let error = w.connect(&ada, "notes-signed", &[NOTES]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(w.site("id.example.test").live_tokens().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn tok_08_a_key_signs_for_one_authorization_server() {
    let w = world().build().await.unwrap();
    let (private, _) = pair(SigningAlgorithm::Es256);
    let (other, _) = pair(SigningAlgorithm::Es256);
    let text = concat!(include_str!("../../privacy.toml"), include_str!("second.toml"));
    let two = || bailee::Declaration::parse(text).unwrap();
    let elsewhere = NOTES_SPEC
        .replace("id = \"notes\"", "id = \"memos\"")
        .replace("id.example.test", "id.memos.example.test");
    let memos = |key: &[u8]| {
        Registration::signed("memos", CLIENT, KID, &ClientKey::copy_from(key)).unwrap()
    };
    let build = |registration: Registration| {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(w.clock.clone())));
        let builder = w.process(two(), store).unwrap();
        builder
            .provider(Generic::new(Spec::parse(&elsewhere).unwrap()))
            .registration(signed(&private))
            .registration(registration)
            .build()
    };
    let error = build(memos(&private)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("signs for another server"), "{error}");
    build(memos(&other)).await.unwrap();
    // A second client at the same server may have the same key.
    build(signed(&private).id("notes-signed-2").unwrap()).await.unwrap();
}

#[test]
fn tok_08_what_is_no_key_of_a_taken_kind_is_refused_without_its_text() {
    let (private, _) = pair(SigningAlgorithm::Es256);
    // An RSA key that parses and whose numbers do not belong together.
    let apart = include_bytes!("../../fuzz/corpus/signing_key/rsa-numbers-apart");
    for key in [b"fake-canary-key".as_slice(), b"", &private[..private.len() - 1], apart] {
        let error =
            Registration::signed("notes", CLIENT, KID, &ClientKey::copy_from(key)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
    let key = ClientKey::copy_from(&private);
    for kid in ["", "a b", "a\nb", &"a".repeat(256)] {
        assert!(Registration::signed("notes", CLIENT, kid, &key).is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tok_08_the_audience_is_the_token_endpoint_only_where_there_is_no_issuer_and_the_spec_says_so()
 {
    let plain = NOTES_SPEC
        .replace("issuer = \"https://id.example.test\"\ndiscover = true\n", "")
        .replace(
            "source = \"openid\"",
            "source = \"endpoint\"\nid = \"/sub\"\nid_kind = \"sub\"\n[endpoints]\n\
             authorization = \"https://id.example.test/authorize\"\n\
             token = \"https://id.example.test/token\"\n\
             userinfo = \"https://id.example.test/userinfo\"",
        )
        .replace("id = \"notes\"", "id = \"memos\"");
    let says = format!("{plain}\n[client]\nassertion_audience = \"token_endpoint\"\n");
    let with_issuer = format!("{NOTES_SPEC}\n[client]\nassertion_audience = \"token_endpoint\"\n");
    assert!(Spec::parse(&with_issuer).unwrap_err().to_string().contains("issuer"));
    let w = world().build().await.unwrap();
    let text = concat!(include_str!("../../privacy.toml"), include_str!("second.toml"));
    let (private, _) = pair(SigningAlgorithm::EdDsa);
    for (spec, good) in [(&plain, false), (&says, true)] {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(w.clock.clone())));
        let builder = w.process(bailee::Declaration::parse(text).unwrap(), store).unwrap();
        let key = ClientKey::copy_from(&private);
        let built = builder
            .provider(Generic::new(Spec::parse(spec).unwrap()))
            .registration(Registration::signed("memos", CLIENT, KID, &key).unwrap())
            .build()
            .await;
        match built {
            Ok(_) => assert!(good),
            Err(error) => {
                assert!(!good, "{error}");
                assert_eq!(error.kind(), ErrorKind::Configuration);
            }
        }
    }
}
