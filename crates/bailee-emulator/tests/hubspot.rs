//! HubSpot: authorization, tokens, introspection, revocation, contacts, owners.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use std::time::Duration;

use bailee_emulator::hubspot::{HubSpot, JournalEnd};
use bailee_emulator::{Account, Emulator, Endpoint, Fault, Site};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use support::*;

const TOKEN: &str = "https://api.hubapi.com/oauth/2026-03/token";
const CONTACTS: &str = "https://api.hubapi.com/crm/objects/2026-03/contacts";
const OWNERS: &str = "https://api.hubapi.com/crm/v3/owners";
const WRITE: &str = "oauth crm.objects.contacts.write";

struct World {
    emulator: Emulator,
    http: reqwest::Client,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::builder().play(HubSpot::new()).start().await.unwrap();
        furnish(emulator.site("hubspot").unwrap());
        let http = http(&emulator);
        Self { emulator, http }
    }

    fn site(&self) -> &Site {
        self.emulator.site("hubspot").unwrap()
    }

    fn switch(&self, change: impl FnOnce(&mut HubSpot)) {
        assert!(self.site().switches(change));
    }

    async fn token(&self, changes: &[(&str, &str)]) -> (u16, Value) {
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("client_id", ID),
            ("client_secret", SECRET),
            ("redirect_uri", REDIRECT),
        ];
        for (key, value) in changes {
            pairs.retain(|(known, _)| known != key);
            pairs.push((key, value));
        }
        post(&self.http, TOKEN, &pairs).await
    }

    async fn code(&self, scope: &str, optional: &str) -> String {
        let mut pairs = vec![("client_id", ID), ("redirect_uri", REDIRECT), ("state", "s1")];
        pairs.push(("scope", scope));
        if !optional.is_empty() {
            pairs.push(("optional_scope", optional));
        }
        let address = url("https://app.hubspot.com/oauth/authorize", &pairs);
        let back = allow(&self.emulator, &address).await;
        parameter(&back, "code").unwrap_or_else(|| panic!("{back}"))
    }

    async fn connect(&self, scope: &str, optional: &str) -> Value {
        let code = self.code(scope, optional).await;
        let (status, tokens) = self.token(&[("code", &code)]).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    async fn refresh(&self, token: &str) -> (u16, Value) {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    async fn about(&self, what: &str, name: &str, token: &str) -> (u16, Value) {
        let pairs = [("client_id", ID), ("client_secret", SECRET), (name, token)];
        post(&self.http, &format!("{TOKEN}/{what}"), &pairs).await
    }

    async fn create(&self, token: &str, properties: Value) -> (u16, Value) {
        let request = self.http.post(CONTACTS).bearer_auth(token);
        let request = request.header("content-type", "application/json");
        let body = json!({"properties": properties}).to_string();
        let answer = request.body(body).send().await.unwrap();
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }

    async fn get(&self, url: &str, token: &str) -> (u16, Option<String>, Value) {
        let answer = self.http.get(url).bearer_auth(token).send().await.unwrap();
        let wait = answer.headers().get("retry-after").map(|v| v.to_str().unwrap().to_owned());
        (answer.status().as_u16(), wait, json(&answer.text().await.unwrap()))
    }
}

#[tokio::test]
async fn tokens_are_long_and_their_scopes_an_array() {
    let world = World::new().await;
    let tokens = world.connect(WRITE, "").await;
    assert!(text(&tokens, "access_token").len() >= 300);
    assert_eq!(tokens["expires_in"], 1800);
    assert_eq!(tokens["scopes"], json!(["oauth", "crm.objects.contacts.write"]));
    assert!(tokens["hub_id"].is_u64() && tokens["user_id"].is_u64());
    assert!(tokens.get("scope").is_none());
    // The refresh token stays and is repeated.
    let (_, again) = world.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!(again["refresh_token"], tokens["refresh_token"]);
    assert_ne!(again["access_token"], tokens["access_token"]);
}

#[tokio::test]
async fn errors_of_oauth_have_a_status_that_says_more() {
    let world = World::new().await;
    let code = world.code(WRITE, "").await;
    for (changes, word) in [
        (&[("client_secret", "fake-wrong")][..], "BAD_CLIENT_SECRET"),
        (&[("client_id", "fake-other")], "BAD_CLIENT_ID"),
        (&[("code", "fake-code")], "BAD_AUTH_CODE"),
        (&[("redirect_uri", "https://app.example/other")], "MISMATCH_REDIRECT_URI_AUTH_CODE"),
        (&[("grant_type", "refresh_token"), ("refresh_token", "fake")], "BAD_REFRESH_TOKEN"),
    ] {
        let mut pairs = vec![("code", code.as_str())];
        pairs.retain(|(name, _)| !changes.iter().any(|(known, _)| known == name));
        pairs.extend(changes);
        let (status, body) = world.token(&pairs).await;
        assert_eq!((status, text(&body, "status")), (400, word));
    }
    world.emulator.clock().advance(Duration::from_secs(600));
    let (_, body) = world.token(&[("code", &code)]).await;
    assert_eq!(text(&body, "status"), "EXPIRED_AUTH_CODE");
}

#[tokio::test]
async fn introspection_repeats_the_token_and_takes_either_name() {
    let world = World::new().await;
    let ada = Account::new("ada").fact("hub_id", 7);
    world.site().add_account(ada);
    let tokens = world.connect(WRITE, "").await;
    let access = text(&tokens, "access_token");
    for name in ["token", "access_token"] {
        let (_, said) = world.about("introspect", name, access).await;
        assert_eq!((&said["active"], &said["hub_id"]), (&json!(true), &json!(7)));
        assert_eq!(text(&said, "token"), access);
        assert_eq!(said["user_id"], tokens["user_id"]);
    }
    let refresh = text(&tokens, "refresh_token");
    let (_, said) = world.about("introspect", "refresh_token", refresh).await;
    assert_eq!(said["token_use"], "refresh_token");
    assert!(said.get("expires_in").is_none());
    let (_, said) = world.about("introspect", "token", "fake-unknown").await;
    assert_eq!(said, json!({"active": false}));
}

#[tokio::test]
async fn two_portals_of_one_person_are_two_grants() {
    let world = World::new().await;
    let mut hubs = Vec::new();
    for hub in [7, 8] {
        world.site().add_account(Account::new("ada").fact("hub_id", hub));
        let tokens = world.connect(WRITE, "").await;
        hubs.push((tokens["hub_id"].clone(), tokens["user_id"].clone()));
    }
    assert_eq!(hubs[0].1, hubs[1].1);
    assert_ne!(hubs[0].0, hubs[1].0);
}

#[tokio::test]
async fn a_revocation_takes_the_refresh_token_and_leaves_the_access_token() {
    let world = World::new().await;
    let tokens = world.connect(WRITE, "").await;
    let access = text(&tokens, "access_token");
    assert_eq!(world.about("revoke", "token", access).await.0, 400);
    let refresh = text(&tokens, "refresh_token");
    assert_eq!(world.about("revoke", "token", refresh).await.0, 204);
    assert_eq!(world.refresh(refresh).await.1["status"], "BAD_REFRESH_TOKEN");
    assert!(world.site().is_live(access));
    world.emulator.clock().advance(Duration::from_secs(1800));
    assert!(world.site().live_tokens().is_empty());
    assert_eq!(world.about("revoke", "token", "fake-unknown").await.0, 204);
    world.switch(|hubspot| hubspot.unknown_is_404 = true);
    assert_eq!(world.about("revoke", "token", "fake-unknown").await.0, 404);
}

#[tokio::test]
async fn a_contact_is_created_once_for_an_address() {
    let world = World::new().await;
    let tokens = world.connect(WRITE, "").await;
    let token = text(&tokens, "access_token");
    let grace = json!({"email": "grace@people.example", "firstname": "Grace"});
    let (status, contact) = world.create(token, grace.clone()).await;
    assert_eq!((status, &contact["properties"]), (201, &grace));
    let shouted = json!({"email": "GRACE@people.example"});
    let (status, conflict) = world.create(token, shouted.clone()).await;
    assert_eq!((status, text(&conflict, "category")), (409, "CONFLICT"));
    let message = format!("Contact already exists. Existing ID: {}", text(&contact, "id"));
    assert_eq!(text(&conflict, "message"), message);
    world.switch(|hubspot| hubspot.conflicts_name_the_contact = false);
    let (_, conflict) = world.create(token, shouted).await;
    assert!(!text(&conflict, "message").contains("ID"));
    for wrong in [json!({}), json!({"email": "none"}), json!({"x": "y"}), json!({"email": 1})] {
        assert_eq!(world.create(token, wrong).await.0, 400);
    }
    // Another portal has contacts of its own.
    world.site().add_account(Account::new("ada").fact("hub_id", 9));
    assert_eq!(world.create(token, grace).await.0, 201);
}

#[tokio::test]
async fn optional_scopes_are_given_where_nothing_rules_them_out() {
    let world = World::new().await;
    let owners = "crm.objects.owners.read";
    let tokens = world.connect(WRITE, owners).await;
    assert_eq!(tokens["scopes"][2], owners);
    let token = text(&tokens, "access_token");
    let (status, _, page) = world.get(OWNERS, token).await;
    assert_eq!((status, page["results"].as_array().unwrap().len()), (200, 2));
    let next = format!("{OWNERS}?after={}", text(&page["paging"]["next"], "after"));
    let (_, _, page) = world.get(&next, token).await;
    assert_eq!(page["results"].as_array().unwrap().len(), 1);
    assert!(page.get("paging").is_none());
    world.site().add_account(Account::new("ada").fact("rules_out", json!([owners])));
    let tokens = world.connect(WRITE, owners).await;
    assert_eq!(tokens["scopes"].as_array().unwrap().len(), 2);
    let (status, _, body) = world.get(OWNERS, text(&tokens, "access_token")).await;
    assert_eq!((status, text(&body, "category")), (403, "MISSING_SCOPES"));
    let (status, _, body) = world.get(OWNERS, "fake-unknown").await;
    assert_eq!((status, text(&body, "category")), (401, "INVALID_AUTHENTICATION"));
}

#[tokio::test]
async fn what_stands_in_the_way_has_a_number_of_its_own() {
    let world = World::new().await;
    let tokens = world.connect(WRITE, "crm.objects.owners.read").await;
    let token = text(&tokens, "access_token");
    world.switch(|hubspot| hubspot.locked = true);
    assert_eq!(world.get(OWNERS, token).await.0, 423);
    world.switch(|hubspot| (hubspot.locked, hubspot.moving) = (false, Some(7200)));
    let (status, wait, _) = world.get(OWNERS, token).await;
    assert_eq!((status, wait.as_deref()), (477, Some("7200")));
    world.switch(|hubspot| (hubspot.moving, hubspot.policy) = (None, "DAILY"));
    world.site().fault(Endpoint::Api, Fault::RateLimited { retry_after: None });
    let (status, _, body) = world.get(OWNERS, token).await;
    assert_eq!((status, text(&body, "policyName")), (429, "DAILY"));
    for _ in 0..110 {
        assert_eq!(world.get(OWNERS, token).await.0, 200);
    }
    assert_eq!(world.get(OWNERS, token).await.0, 429);
    world.switch(|hubspot| hubspot.terse = true);
    let (_, _, body) = world.get(OWNERS, "fake-unknown").await;
    assert!(body.get("category").is_none() && body.get("message").is_some());
}

const JOURNAL: &str = "https://api.hubapi.com/webhooks-journal/journal/2026-03";

async fn own_token(world: &World) -> String {
    let scope = ("scope", "developer.webhooks_journal.read");
    let own = [("grant_type", "client_credentials"), scope];
    let (status, body) = world.token(&own).await;
    assert_eq!(status, 200, "{body}");
    text(&body, "access_token").to_owned()
}

#[tokio::test]
async fn the_journal_leads_to_files_on_another_host_that_want_no_credentials() {
    let world = World::new().await;
    let tokens = world.connect(WRITE, "").await;
    let own = own_token(&world).await;
    let earliest = format!("{JOURNAL}/earliest");
    assert_eq!(world.get(&earliest, &own).await.0, 204);
    assert_eq!(world.get(&earliest, text(&tokens, "access_token")).await.0, 401);
    // Uninstalling ends the tokens of the whole portal and is written down.
    let away = "https://api.hubapi.com/appinstalls/2026-03/external-install";
    let request = world.http.delete(away).bearer_auth(text(&tokens, "access_token"));
    assert_eq!(request.send().await.unwrap().status(), 204);
    assert!(world.site().live_tokens().is_empty());
    let (status, _, entry) = world.get(&earliest, &own).await;
    assert_eq!(status, 200, "{entry}");
    let file = text(&entry, "url");
    assert!(file.starts_with("https://hubspot-journal.s3.amazonaws.com/journal/"));
    let fetch = || world.http.get(file);
    let read = json(&fetch().send().await.unwrap().text().await.unwrap());
    let event = &read["journalEvents"][0];
    assert_eq!(event["action"], "APP_UNINSTALL");
    assert_eq!(event["portalId"], tokens["hub_id"]);
    assert_eq!(fetch().bearer_auth(&own).send().await.unwrap().status(), 400);
    let changed = file.replace("Signature=", "Signature=0");
    assert_eq!(world.http.get(changed).send().await.unwrap().status(), 403);

    let next = format!("{JOURNAL}/offset/{}/next", text(&entry, "currentOffset"));
    assert_eq!(world.get(&next, &own).await.0, 204);
    world.switch(|hubspot| hubspot.journal_end = JournalEnd::NotFound);
    assert_eq!(world.get(&next, &own).await.0, 404);
    let now = world.emulator.clock().now();
    world.switch(|hubspot| {
        hubspot.journal_erasure(7, 501, now);
        hubspot.journal_in_words_of_webhooks = true;
    });
    let (_, _, second) = world.get(&next, &own).await;
    let read = world.http.get(text(&second, "url")).send().await.unwrap().text().await.unwrap();
    assert_eq!(json(&read)[0]["subscriptionType"], "GDPR_PRIVACY_DELETION");
    world.emulator.clock().advance(Duration::from_secs(301));
    assert_eq!(fetch().send().await.unwrap().status(), 403, "its address has run out");
    world.emulator.clock().advance(Duration::from_secs(3 * 86_400));
    let own = own_token(&world).await;
    assert_eq!(world.get(&next, &own).await.0, 404, "the journal has forgotten it");
}

#[tokio::test]
async fn webhooks_come_as_batches_with_a_signature_over_the_decoded_address() {
    let world = World::new().await;
    let to = "https://app.example/hooks?to=a%3Ab%20c";
    let sent = world.site().announce("contact.privacyDeletion", "ada", ID, to).unwrap();
    let body = std::str::from_utf8(&sent.body).unwrap();
    let batch = json(body);
    assert_eq!(batch[0]["subscriptionType"], "contact.privacyDeletion");
    assert_eq!(batch[1]["subscriptionType"], "contact.deletion");
    assert_eq!(batch[0]["objectId"], batch[1]["objectId"]);
    let time = sent.header("X-HubSpot-Request-Timestamp").unwrap();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
    let signed = format!("POSThttps://app.example/hooks?to=a:b%20c{body}{time}");
    let tag = BASE64_STANDARD.decode(sent.header("X-HubSpot-Signature-v3").unwrap()).unwrap();
    assert!(ring::hmac::verify(&key, signed.as_bytes(), &tag).is_ok());
    world.switch(|hubspot| (hubspot.deletion_first, hubspot.attempt) = (true, 2));
    let again = world.site().announce("contact.privacyDeletion", "ada", ID, to).unwrap();
    let batch = json(std::str::from_utf8(&again.body).unwrap());
    assert_eq!(batch[0]["subscriptionType"], "contact.deletion");
    assert_eq!(batch[0]["attemptNumber"], 2);
    assert!(world.site().announce("app.uninstalled", "ada", ID, to).is_err());
}
