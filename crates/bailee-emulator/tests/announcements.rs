//! What Discord, Google, Linear, Shopify, Stripe and X send of their own accord.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use bailee_emulator::discord::{self, Discord};
use bailee_emulator::google::Google;
use bailee_emulator::linear::Linear;
use bailee_emulator::oidc::IdTokenFlaw;
use bailee_emulator::shopify::Shopify;
use bailee_emulator::stripe::Stripe;
use bailee_emulator::x::X;
use bailee_emulator::{Account, Announcement, Client, Emulator, Misuse, Site};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{
    ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use ring::{digest, hmac};
use serde_json::{Value, json};
use support::*;
use url::Url;

const NOW: i64 = 1_767_225_600;

async fn emulator() -> Emulator {
    let emulator = Emulator::builder()
        .play(Discord::new())
        .play(Google::new())
        .play(Linear::new())
        .play(Shopify::new())
        .play(Stripe::new())
        .play(X::new())
        .start()
        .await
        .unwrap();
    for site in ["discord", "google", "linear", "shopify", "stripe", "x"] {
        let site = emulator.site(site).unwrap();
        furnish(site);
        let client = Client::new(ID).secret(SECRET).redirect(REDIRECT);
        site.add_client(client.signal_secret(SIGNAL_SECRET)).unwrap();
    }
    emulator
}

/// Connects somebody and gives what the token address answered.
async fn connect(
    emulator: &Emulator,
    (page, token): (&str, &str),
    scope: &str,
    account: &str,
    more: &[(&str, &str)],
) -> Value {
    let mut pairs = vec![
        ("client_id", ID),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("state", "s1"),
        ("scope", scope),
    ];
    pairs.extend(more);
    let back =
        emulator.consent(&url(page, &pairs), bailee_emulator::Decision::Allow, account).await;
    let code = parameter(&back.unwrap(), "code").unwrap();
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("client_id", ID),
        ("client_secret", SECRET),
        ("expiring", "1"),
    ];
    let host = Url::parse(token).unwrap().host_str().unwrap().to_owned();
    let http = http_at(emulator, emulator.address(), &[host]);
    let (status, tokens) = post(&http, token, &pairs).await;
    assert_eq!(status, 200, "{tokens}");
    tokens
}

fn tag(secret: &str, message: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    STANDARD.encode(hmac::sign(&key, message))
}

fn announce(site: &Site, event: &str) -> Announcement {
    let sent = site.announce(event, "ada", ID, HOOK).unwrap();
    assert_eq!((sent.method.as_str(), sent.url.as_str()), ("POST", HOOK));
    sent
}

#[tokio::test]
async fn providers_tell_only_what_they_have_and_of_whom_they_know() {
    let emulator = emulator().await;
    for (site, event) in [
        ("discord", "APPLICATION_DEAUTHORIZED"),
        ("google", "tokens-revoked"),
        ("linear", "OAuthApp"),
        ("shopify", "app/uninstalled"),
        ("stripe", "account.application.deauthorized"),
        ("x", "oauth.revoke"),
    ] {
        let site = emulator.site(site).unwrap();
        assert!(site.announce(event, "ada", ID, HOOK).is_ok());
        let unknown = site.announce("something.else", "ada", ID, HOOK).unwrap_err();
        assert_eq!(unknown, Misuse::Event("something.else".to_owned()));
        let nobody = site.announce(event, "", ID, HOOK).unwrap_err();
        assert!(matches!(nobody, Misuse::Announcement(_)), "{event}");
    }
    for (site, event) in [
        ("discord", "APPLICATION_DEAUTHORIZED"),
        ("linear", "OAuthApp"),
        ("stripe", "account.application.deauthorized"),
        ("x", "oauth.revoke"),
    ] {
        let site = emulator.site(site).unwrap();
        site.add_client(Client::new(ID).secret(SECRET).redirect(REDIRECT)).unwrap();
        let unsigned = site.announce(event, "ada", ID, HOOK).unwrap_err();
        assert!(matches!(unsigned, Misuse::Announcement(_)), "{event}");
    }
}

#[tokio::test]
async fn discord_signs_time_and_body_with_the_applications_key() {
    let emulator = emulator().await;
    let site = emulator.site("discord").unwrap();
    let addresses =
        ("https://discord.com/oauth2/authorize", "https://discord.com/api/oauth2/token");
    let tokens = connect(&emulator, addresses, "identify", "ada", &[]).await;
    let key = discord::public_key(SIGNAL_SECRET);
    assert_eq!(key.len(), 64);
    let good = |sent: &Announcement| {
        assert_eq!(sent.header("X-Signature-Timestamp"), Some(NOW.to_string().as_str()));
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect()
        };
        let signature = bytes(sent.header("X-Signature-Ed25519").unwrap());
        let message = [NOW.to_string().as_bytes(), &sent.body].concat();
        UnparsedPublicKey::new(&ED25519, bytes(&key)).verify(&message, &signature).is_ok()
    };
    let ping = site.announce("PING", "", ID, HOOK).unwrap();
    assert!(good(&ping));
    assert_eq!(said(&ping), json!({"version": 1, "application_id": ID, "type": 0}));
    assert!(site.switches(|discord: &mut Discord| discord.tries_bad_signature = true));
    assert!(!good(&site.announce("PING", "", ID, HOOK).unwrap()));
    assert!(site.switches(|discord: &mut Discord| discord.tries_bad_signature = false));

    let added = announce(site, "APPLICATION_AUTHORIZED");
    assert!(good(&added) && site.is_live(text(&tokens, "access_token")));
    let sent = announce(site, "APPLICATION_DEAUTHORIZED");
    assert!(good(&sent));
    let body = said(&sent);
    assert_eq!(
        (&body["type"], &body["event"]["type"]),
        (&json!(1), &json!("APPLICATION_DEAUTHORIZED"))
    );
    assert_eq!(body["event"]["timestamp"], "2026-01-01T00:00:00.064834");
    assert!(!site.is_live(text(&tokens, "access_token")));
    let http = http(&emulator);
    let tokens = connect(&emulator, addresses, "identify", "ada", &[]).await;
    let me = http
        .get("https://discord.com/api/v10/users/@me")
        .header("user-agent", "DiscordBot (https://app.example, 1)")
        .bearer_auth(text(&tokens, "access_token"));
    let me = json(&me.send().await.unwrap().text().await.unwrap());
    assert_eq!(body["event"]["data"]["user"]["id"], me["id"]);
    assert!(site.switches(|discord: &mut Discord| discord.event_offsets = true));
    let body = said(&announce(site, "APPLICATION_DEAUTHORIZED"));
    assert_eq!(body["event"]["timestamp"], "2026-01-01T00:00:00.064834+00:00");
}

mod google {
    use super::*;

    const PREFIX: &str = "https://schemas.openid.net/secevent/";

    struct World {
        emulator: Emulator,
        http: reqwest::Client,
    }

    impl World {
        async fn new() -> Self {
            let emulator = emulator().await;
            let http = http(&emulator);
            Self { emulator, http }
        }

        fn site(&self) -> &Site {
            self.emulator.site("google").unwrap()
        }

        fn switch(&self, change: impl FnOnce(&mut Google)) {
            assert!(self.site().switches(change));
        }

        async fn connect(&self, account: &str) -> Value {
            let addresses = (
                "https://accounts.google.com/o/oauth2/v2/auth",
                "https://oauth2.googleapis.com/token",
            );
            let more = [("access_type", "offline"), ("prompt", "consent")];
            connect(&self.emulator, addresses, "openid email", account, &more).await
        }

        async fn get(&self, url: &str) -> Value {
            json(&self.http.get(url).send().await.unwrap().text().await.unwrap())
        }

        /// The claims, if the signature is good with the key that the header names.
        async fn claims(&self, sent: &Announcement) -> Option<Value> {
            assert_eq!(sent.header("content-type"), Some("application/secevent+jwt"));
            let token = std::str::from_utf8(&sent.body).unwrap();
            let parts: Vec<&str> = token.split('.').collect();
            let [header, payload, signature] = parts[..] else { panic!("{token}") };
            let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
            let header: Value = serde_json::from_slice(&decode(header)).unwrap();
            let configuration =
                self.get("https://accounts.google.com/.well-known/risc-configuration").await;
            assert_eq!(configuration["issuer"], "https://accounts.google.com/");
            let keys = self.get(text(&configuration, "jwks_uri")).await;
            let key =
                keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"])?;
            let key =
                RsaPublicKeyComponents { n: decode(text(key, "n")), e: decode(text(key, "e")) };
            let message = token.rsplit_once('.').unwrap().0.as_bytes();
            key.verify(&RSA_PKCS1_2048_8192_SHA256, message, &decode(signature)).ok()?;
            Some(serde_json::from_slice(&decode(payload)).unwrap())
        }
    }

    #[tokio::test]
    async fn an_event_is_a_signed_token_as_on_the_page() {
        let world = World::new().await;
        let tokens = world.connect("ada").await;
        let userinfo = world
            .http
            .get("https://openidconnect.googleapis.com/v1/userinfo")
            .bearer_auth(text(&tokens, "access_token"));
        let me = json(&userinfo.send().await.unwrap().text().await.unwrap());
        let claims = world.claims(&announce(world.site(), "account-disabled")).await.unwrap();
        assert_eq!(claims["iss"], "https://accounts.google.com/");
        assert_eq!((&claims["aud"], &claims["iat"]), (&json!(ID), &json!(NOW)));
        assert!(claims.get("exp").is_none());
        let event = json!({
            "subject": {
                "subject_type": "iss-sub", "iss": "https://accounts.google.com/", "sub": me["sub"],
            },
            "reason": "hijacking",
        });
        let name = format!("{PREFIX}risc/event-type/account-disabled");
        assert_eq!(claims["events"], json!({ name: event }));
        assert!(world.site().is_live(text(&tokens, "access_token")));

        world.switch(|google| {
            google.disabled_reason = None;
            google.risc_audiences = true;
            google.risc_subject = "id_token_claims";
        });
        let again = world.claims(&announce(world.site(), "account-disabled")).await.unwrap();
        assert_ne!(again["jti"], claims["jti"]);
        assert!(again["aud"].as_array().unwrap().contains(&json!(ID)));
        let payload = &again["events"][format!("{PREFIX}risc/event-type/account-disabled")];
        assert_eq!(payload.get("reason"), None);
        assert_eq!(payload["subject"]["subject_type"], "id_token_claims");
        assert_eq!(payload["subject"]["email"], "ada@person.example");

        let test = world.site().announce("risc/event-type/verification", "", ID, HOOK).unwrap();
        let test = world.claims(&test).await.unwrap();
        assert!(
            test["events"][format!("{PREFIX}risc/event-type/verification")]["state"].is_string()
        );
    }

    #[tokio::test]
    async fn revoked_tokens_are_dead_and_one_is_named_without_being_said() {
        let world = World::new().await;
        let refused = world.site().announce("token-revoked", "ada", ID, HOOK).unwrap_err();
        assert!(matches!(refused, Misuse::Announcement(_)), "there is none");
        for (how, account) in [("hash_base64_sha512_sha512", "ada"), ("prefix", "ada")] {
            let tokens = world.connect(account).await;
            let other = world.connect("grace").await;
            let refresh = text(&tokens, "refresh_token");
            assert_ne!(refresh[..16], text(&other, "refresh_token")[..16]);
            world.switch(|google| google.risc_token_identifier = how);
            let claims = world.claims(&announce(world.site(), "token-revoked")).await.unwrap();
            let hash = |bytes: &[u8]| digest::digest(&digest::SHA512, bytes);
            let named = match how {
                "prefix" => refresh[..16].to_owned(),
                _ => STANDARD.encode(hash(hash(refresh.as_bytes()).as_ref())),
            };
            let name = format!("{PREFIX}oauth/event-type/token-revoked");
            assert_eq!(
                claims["events"][name]["subject"],
                json!({
                    "subject_type": "oauth_token", "token_type": "refresh_token",
                    "token_identifier_alg": how, "token": named,
                })
            );
            assert!(!world.site().is_live(refresh));
            assert!(world.site().is_live(text(&other, "refresh_token")));
        }
        for event in ["oauth/event-type/tokens-revoked", "account-purged"] {
            let tokens = world.connect("ada").await;
            assert!(world.claims(&announce(world.site(), event)).await.is_some());
            assert!(!world.site().is_live(text(&tokens, "access_token")), "{event}");
        }
    }

    #[tokio::test]
    async fn a_flaw_spoils_the_token() {
        let world = World::new().await;
        world.switch(|google| google.risc_flaw = Some(IdTokenFlaw::BadSignature));
        assert!(world.claims(&announce(world.site(), "sessions-revoked")).await.is_none());
        world.switch(|google| google.risc_flaw = Some(IdTokenFlaw::UnknownKid));
        assert!(world.claims(&announce(world.site(), "sessions-revoked")).await.is_none());
        world.switch(|google| google.risc_flaw = None);
        assert!(world.claims(&announce(world.site(), "sessions-revoked")).await.is_some());
    }
}

#[tokio::test]
async fn linear_tells_of_a_whole_organization_or_of_one_person() {
    let emulator = emulator().await;
    let site = emulator.site("linear").unwrap();
    for (account, organization) in [("ada", "org-1"), ("grace", "org-1"), ("eve", "org-2")] {
        site.add_account(Account::new(account).fact("organization_id", organization));
    }
    let addresses = ("https://linear.app/oauth/authorize", "https://api.linear.app/oauth/token");
    let mut tokens = Vec::new();
    for account in ["ada", "grace", "eve"] {
        tokens.push(connect(&emulator, addresses, "read", account, &[]).await);
    }
    let live = |at: usize| site.is_live(text(&tokens[at], "access_token"));
    assert!(site.switches(|linear: &mut Linear| linear.active_tokens_left = 1));
    let sent = announce(site, "OAuthAuthorization");
    assert_eq!(said(&sent)["activeTokensForUser"], 1);
    assert!(live(0), "which of them was revoked is not said");
    assert!(site.switches(|linear: &mut Linear| linear.active_tokens_left = 0));
    let sent = announce(site, "OAuthAuthorization");
    let body = said(&sent);
    assert_eq!(body["activeTokensForUser"], 0);
    assert_eq!((&body["type"], &body["action"]), (&json!("OAuthAuthorization"), &json!("revoked")));
    assert_eq!((&body["organizationId"], &body["userId"]), (&json!("org-1"), &body["user"]["id"]));
    assert!(!live(0) && live(1) && live(2));

    let sent = announce(site, "OAuthApp");
    let body = said(&sent);
    assert_eq!(body["webhookTimestamp"], NOW * 1000);
    assert_eq!(body["organizationId"], "org-1");
    assert_eq!(body["createdAt"], "2026-01-01T00:00:00.000Z");
    assert!(body.get("userId").is_none());
    assert!(!live(0) && !live(1) && live(2));
    let text = String::from_utf8(sent.body.clone()).unwrap();
    let signature = hmac_hex(SIGNAL_SECRET, &text);
    assert_eq!(sent.header("Linear-Signature"), Some(signature.as_str()));
    assert_eq!(sent.header("Linear-Event"), Some("OAuthApp"));
    assert_eq!(sent.header("Linear-Delivery").map(str::len), Some(36));
}

#[tokio::test]
async fn shopify_sends_its_privacy_topics_and_the_end_of_an_installation() {
    let emulator = emulator().await;
    let site = emulator.site("shopify").unwrap();
    let addresses = (
        "https://demo.myshopify.com/admin/oauth/authorize",
        "https://demo.myshopify.com/admin/oauth/access_token",
    );
    let tokens = connect(&emulator, addresses, "read_products", "ada", &[]).await;
    let http = http_at(&emulator, emulator.address(), &["demo.myshopify.com".to_owned()]);
    let shop = http
        .post("https://demo.myshopify.com/admin/api/2026-10/graphql.json")
        .header("x-shopify-access-token", text(&tokens, "access_token"))
        .header("content-type", "application/json")
        .body(json!({"query": "{ shop { id } }"}).to_string());
    let shop = json(&shop.send().await.unwrap().text().await.unwrap());
    let gid = text(&shop["data"]["shop"], "id").to_owned();
    for (topic, members) in [
        (
            "customers/data_request",
            vec!["shop_id", "shop_domain", "orders_requested", "customer", "data_request"],
        ),
        ("customers/redact", vec!["shop_id", "shop_domain", "customer", "orders_to_redact"]),
        ("shop/redact", vec!["shop_id", "shop_domain"]),
        ("app/uninstalled", vec!["id", "myshopify_domain"]),
    ] {
        assert!(site.is_live(text(&tokens, "access_token")), "before {topic}");
        let sent = announce(site, topic);
        assert_eq!(sent.header("X-Shopify-Topic"), Some(topic));
        assert_eq!(sent.header("X-Shopify-Shop-Domain"), Some("demo.myshopify.com"));
        // In base64, with the client's own secret.
        let signature = tag(SECRET, &sent.body);
        assert_eq!(sent.header("x-shopify-hmac-sha256"), Some(signature.as_str()));
        let body = said(&sent);
        for member in &members {
            assert!(body.get(member).is_some(), "{member} of {topic}");
        }
        let number = body.get("shop_id").unwrap_or(&body["id"]);
        assert_eq!(format!("gid://shopify/Shop/{number}"), gid);
        let again = announce(site, topic);
        assert_ne!(sent.header("X-Shopify-Webhook-Id"), again.header("X-Shopify-Webhook-Id"));
    }
    assert!(!site.is_live(text(&tokens, "access_token")));
}

#[tokio::test]
async fn stripe_signs_with_each_secret_that_is_active() {
    let emulator = emulator().await;
    let site = emulator.site("stripe").unwrap();
    let addresses =
        ("https://connect.stripe.com/oauth/authorize", "https://connect.stripe.com/oauth/token");
    let tokens = connect(&emulator, addresses, "read_write", "ada", &[]).await;
    let signed = |sent: &Announcement, secret: &str| {
        hmac_hex(secret, &format!("{NOW}.{}", String::from_utf8(sent.body.clone()).unwrap()))
    };
    let other = announce(site, "customer.deleted");
    assert_eq!(said(&other)["data"]["object"]["object"], "customer");
    assert!(site.is_live(text(&tokens, "access_token")));
    let sent = announce(site, "account.application.deauthorized");
    let body = said(&sent);
    assert_eq!(body["account"], tokens["stripe_user_id"]);
    assert_eq!(body["data"]["object"]["id"], ID);
    assert_eq!((&body["livemode"], &body["created"]), (&json!(false), &json!(NOW)));
    let header = sent.header("Stripe-Signature").unwrap();
    assert!(header.starts_with(&format!("t={NOW},v1={},v0=", signed(&sent, SIGNAL_SECRET))));
    assert!(!site.is_live(text(&tokens, "access_token")));

    assert!(site.switches(|stripe: &mut Stripe| {
        stripe.livemode = true;
        stripe.rolled_secret = Some("fake-former-secret".to_owned());
    }));
    let sent = announce(site, "account.application.deauthorized");
    assert_eq!(said(&sent)["livemode"], true);
    let (former, newest) = (signed(&sent, "fake-former-secret"), signed(&sent, SIGNAL_SECRET));
    let header = format!("t={NOW},v1={former},v1={newest}");
    assert_eq!(sent.header("stripe-signature"), Some(header.as_str()));
}

#[tokio::test]
async fn x_asks_whether_the_secret_is_known_and_tells_of_revocations_in_two_forms() {
    let emulator = emulator().await;
    let site = emulator.site("x").unwrap();
    let asked = site.announce("crc", "", ID, HOOK).unwrap();
    assert_eq!((asked.method.as_str(), asked.body.len()), ("GET", 0));
    assert!(asked.url.starts_with(&format!("{HOOK}?crc_token=")));
    let token = parameter(&asked.url, "crc_token").unwrap();
    assert!(STANDARD.decode(&token).is_ok(), "{token}");
    let again = site.announce("crc", "", ID, "https://app.example/hooks?a=b").unwrap();
    assert_ne!(parameter(&again.url, "crc_token"), Some(token));
    assert_eq!(parameter(&again.url, "a").as_deref(), Some("b"));

    let activity = announce(site, "oauth.revoke");
    let account = announce(site, "user_event.revoke");
    for sent in [&activity, &account] {
        let signature = format!("sha256={}", tag(SIGNAL_SECRET, &sent.body));
        assert_eq!(sent.header("x-twitter-webhooks-signature"), Some(signature.as_str()));
    }
    let (activity, account) = (said(&activity), said(&account));
    assert_eq!(activity["data"]["event_type"], "oauth.revoke");
    assert_eq!(activity["data"]["payload"]["date_time"], "2026-01-01T00:00:00.000Z");
    let revoke = &account["user_event"]["revoke"];
    assert_eq!(revoke["date_time"], "2026-01-01T00:00:00+00:00");
    assert_eq!(activity["data"]["payload"]["user_id"], revoke["source"]["user_id"]);
    assert_eq!(activity["data"]["payload"]["app_id"], revoke["target"]["app_id"]);
    assert!(revoke["source"]["user_id"].as_str().is_some_and(|id| id.parse::<u64>().is_ok()));
}
