//! Instagram: authorization, the two kinds of token, the account, publishing.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use std::time::Duration;

use bailee_emulator::instagram::{Instagram, Permissions, UserId};
use bailee_emulator::{
    Account, Announcement, Client, ConsentError, Decision, Emulator, Endpoint, Fault, Misuse, Site,
};
use base64::Engine as _;
use base64::prelude::{BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use support::*;

const TOKEN: &str = "https://api.instagram.com/oauth/access_token";
const LONG: &str = "https://graph.instagram.com/access_token";
const RENEW: &str = "https://graph.instagram.com/refresh_access_token";
const GRAPH: &str = "https://graph.instagram.com/v26.0";
const BOTH: &str = "instagram_business_basic,instagram_business_content_publish";

struct World {
    emulator: Emulator,
    http: reqwest::Client,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::builder().play(Instagram::new()).start().await.unwrap();
        furnish(emulator.site("instagram").unwrap());
        let http = http(&emulator);
        Self { emulator, http }
    }

    fn site(&self) -> &Site {
        self.emulator.site("instagram").unwrap()
    }

    fn switch(&self, change: impl FnOnce(&mut Instagram)) {
        assert!(self.site().switches(change));
    }

    fn advance(&self, seconds: u64) {
        self.emulator.clock().advance(Duration::from_secs(seconds));
    }

    async fn code_as(&self, changes: &[(&str, &str)], account: &str) -> String {
        let back = self.emulator.consent(&authorize(changes), Decision::Allow, account).await;
        let back = back.unwrap();
        assert!(back.ends_with("#_"), "{back}");
        parameter(&back, "code").unwrap()
    }

    async fn exchange(&self, changes: &[(&str, &str)]) -> (u16, Value) {
        let mut pairs = vec![
            ("client_id", ID),
            ("client_secret", SECRET),
            ("grant_type", "authorization_code"),
            ("redirect_uri", REDIRECT),
        ];
        for (key, value) in changes {
            pairs.retain(|(known, _)| known != key);
            pairs.push((key, value));
        }
        post(&self.http, TOKEN, &pairs).await
    }

    async fn get(&self, url: &str) -> (u16, Value) {
        let answer = self.http.get(url).send().await.unwrap();
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }

    async fn short(&self) -> String {
        let code = self.code_as(&[], "ada").await;
        let (status, body) = self.exchange(&[("code", &code)]).await;
        assert_eq!(status, 200, "{body}");
        text(&body["data"][0], "access_token").to_owned()
    }

    async fn lengthen(&self, short: &str, changes: &[(&str, &str)]) -> (u16, Value) {
        let mut pairs = vec![
            ("grant_type", "ig_exchange_token"),
            ("client_secret", SECRET),
            ("access_token", short),
        ];
        for (key, value) in changes {
            pairs.retain(|(known, _)| known != key);
            pairs.push((key, value));
        }
        self.get(&url(LONG, &pairs)).await
    }

    async fn long(&self) -> String {
        let (status, body) = self.lengthen(&self.short().await, &[]).await;
        assert_eq!(status, 200, "{body}");
        text(&body, "access_token").to_owned()
    }

    async fn renew(&self, token: &str) -> (u16, Value) {
        let pairs = [("grant_type", "ig_refresh_token"), ("access_token", token)];
        self.get(&url(RENEW, &pairs)).await
    }

    async fn read(&self, token: &str, path: &str) -> (u16, Value) {
        let request = self.http.get(format!("{GRAPH}{path}")).bearer_auth(token);
        let answer = request.send().await.unwrap();
        assert!(answer.headers().contains_key("x-app-usage"), "{path}");
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }

    async fn write(&self, token: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{GRAPH}{path}")).bearer_auth(token);
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }

    async fn contain(&self, token: &str, body: Value) -> String {
        let (status, made) = self.write(token, "/me/media", &body).await;
        assert_eq!(status, 200, "{made}");
        text(&made, "id").to_owned()
    }

    async fn poll(&self, token: &str, id: &str) -> String {
        let (status, body) = self.read(token, &format!("/{id}?fields=status_code,status")).await;
        assert_eq!(status, 200, "{body}");
        text(&body, "status_code").to_owned()
    }

    async fn publish(&self, token: &str, id: &str) -> (u16, Value) {
        self.write(token, "/me/media_publish", &json!({"creation_id": id})).await
    }
}

fn authorize(changes: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("client_id", ID),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("state", "s1"),
        ("scope", BOTH),
    ];
    for (key, value) in changes {
        pairs.retain(|(known, _)| known != key);
        if !value.is_empty() {
            pairs.push((key, value));
        }
    }
    url("https://www.instagram.com/oauth/authorize", &pairs)
}

/// Status, code and subcode of an error of the Graph API.
fn refused(answer: &(u16, Value)) -> (u16, u64, Option<u64>) {
    let error = &answer.1["error"];
    let code = error["code"].as_u64().unwrap_or_else(|| panic!("no error: {answer:?}"));
    (answer.0, code, error["error_subcode"].as_u64())
}

fn photo() -> Value {
    json!({"image_url": "https://media.example/p.jpg", "caption": "hello"})
}

#[tokio::test]
async fn a_code_gives_a_short_lived_token_in_either_form() {
    let world = World::new().await;
    let exchange = async || {
        let code = world.code_as(&[], "ada").await;
        world.exchange(&[("code", &code)]).await.1
    };
    let documented = exchange().await;
    let entry = &documented["data"][0];
    assert_eq!(entry["permissions"], BOTH);
    assert!(text(entry, "user_id").starts_with("17841"), "{entry}");
    assert!(text(entry, "access_token").contains(world.emulator.marker()));
    assert!(entry.get("expires_in").is_none() && entry.get("refresh_token").is_none());
    world.switch(|instagram| {
        instagram.wrapped_tokens = false;
        instagram.permissions = Permissions::Array;
        instagram.token_user = UserId::AppScoped;
        instagram.token_user_is_number = true;
    });
    let seen = exchange().await;
    assert_eq!(seen["permissions"].as_array().unwrap().len(), 2);
    assert!(seen["user_id"].as_u64().unwrap() > 1 << 53, "{seen}");
}

#[tokio::test]
async fn what_is_wrong_about_an_authorization_is_shown() {
    let world = World::new().await;
    for changes in [
        &[("client_id", "other")][..],
        &[("redirect_uri", "https://app.example/cb/")],
        &[("response_type", "token")],
        &[("scope", "business_basic")],
        &[("scope", "")],
    ] {
        let refused = world.emulator.consent(&authorize(changes), Decision::Allow, "ada").await;
        assert!(matches!(refused, Err(ConsentError::Page { .. })), "{changes:?}");
    }
    world.code_as(&[("scope", &BOTH.replace(',', " "))], "ada").await;
    // PKCE is not documented and has no effect.
    world.code_as(&[("code_challenge", "x"), ("code_challenge_method", "S256")], "ada").await;
    let only = Decision::AllowOnly(vec!["instagram_business_basic".into()]);
    let back = world.emulator.consent(&authorize(&[]), only, "ada").await.unwrap();
    let code = parameter(&back, "code").unwrap();
    let (_, body) = world.exchange(&[("code", &code)]).await;
    assert_eq!(body["data"][0]["permissions"], "instagram_business_basic");
    let back = world.emulator.consent(&authorize(&[]), Decision::Deny, "ada").await.unwrap();
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn refusals_of_a_code_are_all_alike_and_flat() {
    let world = World::new().await;
    let code = world.code_as(&[], "ada").await;
    for change in [
        ("client_secret", "wrong"),
        ("client_id", "other"),
        ("redirect_uri", "https://app.example/cb/"),
        ("code", "never-issued"),
        ("grant_type", "password"),
    ] {
        let (status, body) = world.exchange(&[("code", &code), change]).await;
        assert_eq!((status, &body["error_type"]), (400, &json!("OAuthException")), "{change:?}");
        assert_eq!(body["code"], 400);
    }
    assert_eq!(world.exchange(&[("code", &code)]).await.0, 200);
    assert_eq!(world.exchange(&[("code", &code)]).await.0, 400);
    assert_eq!(world.site().code_replays(), 1);
    let code = world.code_as(&[], "ada").await;
    world.advance(3600);
    assert_eq!(world.exchange(&[("code", &code)]).await.0, 400);
    assert_eq!(world.get(TOKEN).await.0, 405);
}

#[tokio::test]
async fn a_short_lived_token_is_exchanged_with_the_secret_of_its_client() {
    let world = World::new().await;
    let short = world.short().await;
    for (change, code) in [
        (("client_secret", "wrong"), 101),
        (("grant_type", "ig_refresh_token"), 100),
        (("access_token", "never-issued"), 190),
    ] {
        let answer = world.lengthen(&short, &[change]).await;
        assert_eq!(refused(&answer).1, code, "{change:?}");
    }
    assert_eq!(post(&world.http, LONG, &[]).await.0, 405);
    let (_, body) = world.lengthen(&short, &[]).await;
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("bearer"), &json!(5_183_944)));
    assert!(body.get("permissions").is_none() && body.get("refresh_token").is_none());
    let long = text(&body, "access_token");
    assert_eq!(refused(&world.lengthen(long, &[]).await).1, 190);
    // Whether the short one lives on is a switch.
    assert_eq!(world.lengthen(&short, &[]).await.0, 200);
    world.switch(|instagram| instagram.ends_short = true);
    assert_eq!(world.lengthen(&short, &[]).await.0, 200);
    assert_eq!(refused(&world.lengthen(&short, &[]).await), (400, 190, Some(458)));
    let short = world.short().await;
    world.advance(3600);
    assert_eq!(refused(&world.lengthen(&short, &[]).await), (400, 190, Some(463)));
    assert_eq!(world.read(long, "/me").await.0, 200);
}

#[tokio::test]
async fn a_long_lived_token_renews_itself_between_a_day_and_sixty() {
    let world = World::new().await;
    let first = world.long().await;
    assert_eq!(refused(&world.renew(&first).await), (400, 190, None));
    world.switch(|instagram| instagram.too_young = 100);
    world.advance(86_399);
    assert_eq!(refused(&world.renew(&first).await).1, 100);
    world.advance(1);
    let (status, body) = world.renew(&first).await;
    assert_eq!((status, &body["expires_in"]), (200, &json!(5_183_944)));
    assert!(world.site().is_live(&first));
    let second = text(&body, "access_token").to_owned();
    world.advance(86_400);
    world.switch(|instagram| {
        instagram.ends_renewed = true;
        instagram.renewal_names_permissions = true;
    });
    let (_, body) = world.renew(&second).await;
    assert_eq!(body["permissions"], BOTH);
    assert!(!world.site().is_live(&second));
    let third = text(&body, "access_token").to_owned();
    world.advance(5_183_944);
    assert_eq!(refused(&world.renew(&third).await), (400, 190, Some(463)));
    // Neither a short-lived token nor one without the scope.
    let short = world.short().await;
    world.advance(1000);
    assert_eq!(refused(&world.renew(&short).await).1, 190);
    let publish = [("scope", "instagram_business_content_publish")];
    let code = world.code_as(&publish, "ada").await;
    let (_, body) = world.exchange(&[("code", &code)]).await;
    let (_, body) = world.lengthen(text(&body["data"][0], "access_token"), &[]).await;
    world.advance(86_400);
    assert_eq!(refused(&world.renew(text(&body, "access_token")).await), (403, 10, None));
}

#[tokio::test]
async fn an_account_has_two_ids_and_a_type() {
    let world = World::new().await;
    let creator = Account::new("ada").fact("account_type", "MEDIA_CREATOR");
    world.site().add_account(creator);
    let token = world.long().await;
    let all = "/me?fields=id,user_id,username,name,account_type";
    let (_, me) = world.read(&token, all).await;
    assert_ne!(me["id"], me["user_id"]);
    assert_eq!(
        (&me["username"], &me["account_type"]),
        (&json!("handle_ada"), &json!("MEDIA_CREATOR"))
    );
    assert_eq!(world.read(&token, "/me").await.1, json!({"id": me["id"]}));
    assert_eq!(refused(&world.read(&token, "/me?fields=email").await).1, 100);
    world.switch(|instagram| {
        instagram.wrapped_me = true;
        instagram.written_types = true;
    });
    let (_, wrapped) = world.read(&token, all).await;
    assert_eq!(wrapped["data"][0]["account_type"], "Media_Creator");
    let without = url("https://graph.instagram.com/me", &[("access_token", &token)]);
    assert_eq!(world.get(&without).await.0, 200);
    assert_eq!(refused(&world.read("never-issued", "/me").await), (400, 190, None));
    world.site().withdraw("ada", ID);
    assert_eq!(refused(&world.read(&token, "/me").await), (400, 190, Some(458)));
}

#[tokio::test]
async fn a_photo_is_contained_polled_published_and_read() {
    let world = World::new().await;
    let token = world.long().await;
    let id = world.contain(&token, photo()).await;
    assert_eq!(refused(&world.publish(&token, &id).await), (400, 9007, Some(2_207_027)));
    assert_eq!(world.poll(&token, &id).await, "IN_PROGRESS");
    assert_eq!(world.poll(&token, &id).await, "FINISHED");
    let (status, post) = world.publish(&token, &id).await;
    assert_eq!(status, 200, "{post}");
    assert_eq!(world.poll(&token, &id).await, "PUBLISHED");
    let path = format!("/{}?fields=id,permalink,media_type,timestamp", text(&post, "id"));
    let (_, read) = world.read(&token, &path).await;
    assert_eq!(read["media_type"], "IMAGE");
    assert!(text(&read, "permalink").starts_with("https://www.instagram.com/p/"));
    assert_eq!(world.site().written("post").len(), 1);
    // Nothing keeps a second call from being a second post, unless a switch says so.
    assert_eq!(world.publish(&token, &id).await.0, 200);
    assert_eq!(world.site().written("post").len(), 2);
    world.switch(|instagram| instagram.republishes = false);
    assert_eq!(refused(&world.publish(&token, &id).await).2, Some(2_207_006));
    // A form does as well as JSON.
    let pairs = [("image_url", "https://media.example/p.jpg"), ("access_token", token.as_str())];
    let by_form = url(&format!("{GRAPH}/me/media"), &pairs[1..]);
    assert_eq!(support::post(&world.http, &by_form, &pairs[..1]).await.0, 200);
}

#[tokio::test]
async fn containers_belong_to_their_account_and_end_after_a_day() {
    let world = World::new().await;
    let token = world.long().await;
    let id = world.contain(&token, photo()).await;
    let code = world.code_as(&[], "grace").await;
    let (_, body) = world.exchange(&[("code", &code)]).await;
    let (_, body) = world.lengthen(text(&body["data"][0], "access_token"), &[]).await;
    let grace = text(&body, "access_token").to_owned();
    assert_eq!(refused(&world.read(&grace, &format!("/{id}")).await), (400, 100, Some(33)));
    assert_eq!(refused(&world.publish(&grace, &id).await).2, Some(2_207_006));
    let other = world.write(&grace, "/17841400000000000/media", &photo()).await;
    assert_eq!(refused(&other), (400, 100, Some(33)));
    world.advance(86_400);
    assert_eq!(world.poll(&token, &id).await, "EXPIRED");
    assert_eq!(refused(&world.publish(&token, &id).await).2, Some(2_207_020));
}

#[tokio::test]
async fn what_a_container_is_made_of_is_checked() {
    let world = World::new().await;
    let token = world.long().await;
    let video = "https://media.example/v.mp4";
    for (body, subcode) in [
        (json!({"image_url": "https://media.example/p.png"}), Some(2_207_005)),
        (json!({"image_url": "nowhere"}), Some(2_207_052)),
        (json!({"video_url": video}), None),
        (json!({"video_url": video, "media_type": "VIDEO"}), None),
        (json!({"video_url": video, "media_type": "FILM"}), Some(2_207_023)),
        (json!({"image_url": "https://media.example/p.jpg", "thumb_offset": 1}), None),
        (json!({"video_url": video, "media_type": "REELS", "alt_text": "x"}), None),
        (json!({"image_url": video, "caption": "x".repeat(2201)}), Some(2_207_010)),
        (json!({"media_type": "CAROUSEL", "children": "1"}), Some(2_207_028)),
        (json!({"media_type": "CAROUSEL", "children": "1,2"}), Some(2_207_006)),
        (json!({}), None),
    ] {
        let answer = world.write(&token, "/me/media", &body).await;
        let (status, code, found) = refused(&answer);
        assert_eq!((status, found), (400, subcode), "{body} {code}");
    }
    world.switch(|instagram| instagram.unreachable.push("media.example".into()));
    assert_eq!(refused(&world.write(&token, "/me/media", &photo()).await).2, Some(2_207_052));
    // A video is fetched later.
    let reel = json!({"video_url": video, "media_type": "REELS", "share_to_feed": true});
    let id = world.contain(&token, reel).await;
    assert_eq!(world.poll(&token, &id).await, "IN_PROGRESS");
    let (_, body) = world.read(&token, &format!("/{id}?fields=status_code,status")).await;
    assert_eq!(body["status_code"], "ERROR");
    assert!(text(&body, "status").contains("2207052"));
}

#[tokio::test]
async fn a_carousel_has_children_that_are_ready() {
    let world = World::new().await;
    world.switch(|instagram| instagram.polls = 2);
    let token = world.long().await;
    let mut item = photo();
    item["is_carousel_item"] = json!(true);
    let first = world.contain(&token, item.clone()).await;
    let second = world.contain(&token, item).await;
    let carousel = json!({"media_type": "CAROUSEL", "children": format!("{first},{second}")});
    let early = world.write(&token, "/me/media", &carousel).await;
    assert_eq!(refused(&early).2, Some(2_207_027));
    for id in [&first, &second] {
        for _ in 0..2 {
            assert_eq!(world.poll(&token, id).await, "IN_PROGRESS");
        }
    }
    assert_eq!(refused(&world.publish(&token, &first).await).2, Some(2_207_006));
    let whole = world.contain(&token, carousel).await;
    for word in ["IN_PROGRESS", "IN_PROGRESS", "FINISHED"] {
        assert_eq!(world.poll(&token, &whole).await, word);
    }
    assert_eq!(world.publish(&token, &whole).await.0, 200);
    assert_eq!(world.site().written("post")[0].value["media_type"], "CAROUSEL_ALBUM");
}

#[tokio::test]
async fn the_limit_counts_the_posts_of_a_moving_day() {
    let world = World::new().await;
    world.switch(|instagram| {
        instagram.quota = 1;
        instagram.polls = 0;
    });
    let token = world.long().await;
    let usage = async || world.read(&token, "/me/content_publishing_limit").await.1;
    assert_eq!(usage().await, json!({"data": [{"quota_usage": 0}]}));
    let first = world.contain(&token, photo()).await;
    assert_eq!(world.publish(&token, &first).await.0, 200);
    let path = "/me/content_publishing_limit?fields=quota_usage,config";
    let (_, full) = world.read(&token, path).await;
    let config = json!({"quota_total": 1, "quota_duration": 86_400});
    assert_eq!(full, json!({"data": [{"quota_usage": 1, "config": config}]}));
    let second = world.contain(&token, photo()).await;
    assert_eq!(refused(&world.publish(&token, &second).await), (400, 9, Some(2_207_042)));
    world.advance(86_399);
    assert_eq!(world.publish(&token, &second).await.0, 400);
    world.advance(1);
    assert_eq!(usage().await["data"][0]["quota_usage"], 0);
}

#[tokio::test]
async fn subcodes_answers_and_throttling_can_be_forced() {
    let world = World::new().await;
    world.switch(|instagram| {
        instagram.refused_containers.push_back(2_207_003);
        instagram.broken_containers.push_back(2_207_026);
        instagram.refused_publishes.push_back(2_207_051);
        instagram.polls = 0;
    });
    let token = world.long().await;
    assert_eq!(refused(&world.write(&token, "/me/media", &photo()).await).2, Some(2_207_003));
    let broken = world.contain(&token, photo()).await;
    assert_eq!(world.poll(&token, &broken).await, "ERROR");
    let good = world.contain(&token, photo()).await;
    assert_eq!(refused(&world.publish(&token, &good).await), (400, 4, Some(2_207_051)));
    world.switch(|instagram| instagram.lost_publishes = 1);
    let request = world.http.post(format!("{GRAPH}/me/media_publish")).bearer_auth(&token);
    let body = json!({"creation_id": good}).to_string();
    assert!(request.header("content-type", "application/json").body(body).send().await.is_err());
    assert_eq!(world.poll(&token, &good).await, "PUBLISHED");
    assert_eq!(world.site().written("post").len(), 1);
    world.site().fault(Endpoint::Api, Fault::RateLimited { retry_after: Some("90".into()) });
    let request = world.http.get(format!("{GRAPH}/{good}")).bearer_auth(&token);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let usage = answer.headers()["x-business-use-case-usage"].to_str().unwrap().to_owned();
    assert!(usage.contains("\"estimated_time_to_regain_access\":2"), "{usage}");
    assert_eq!(json(&answer.text().await.unwrap())["error"]["code"], 4);
}

#[tokio::test]
async fn what_was_not_granted_is_refused() {
    let world = World::new().await;
    let code = world.code_as(&[("scope", "instagram_business_basic")], "ada").await;
    let (_, body) = world.exchange(&[("code", &code)]).await;
    let (_, body) = world.lengthen(text(&body["data"][0], "access_token"), &[]).await;
    let token = text(&body, "access_token");
    assert_eq!(world.read(token, "/me").await.0, 200);
    for answer in [
        world.write(token, "/me/media", &photo()).await,
        world.publish(token, "1").await,
        world.read(token, "/me/content_publishing_limit").await,
    ] {
        assert_eq!(refused(&answer), (403, 10, None));
    }
    for path in ["/me/comments", "/me/insights", "/me/conversations", "/1/comments"] {
        assert_eq!(refused(&world.read(token, path).await), (400, 100, Some(33)), "{path}");
    }
}

/// The two parts of the form's only field, still encoded.
fn signed_request(sent: &Announcement) -> (String, String) {
    assert_eq!(sent.header("content-type"), Some("application/x-www-form-urlencoded"));
    let fields: Vec<_> = url::form_urlencoded::parse(&sent.body).collect();
    assert_eq!((fields.len(), fields[0].0.as_ref()), (1, "signed_request"));
    let (signature, payload) = fields[0].1.split_once('.').unwrap();
    (signature.to_owned(), payload.to_owned())
}

fn is_signed_with(secret: &str, signature: &str, payload: &str) -> bool {
    let tag = BASE64_URL_SAFE_NO_PAD.decode(signature.trim_end_matches('=')).unwrap();
    let tag: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
    tag == hmac_hex(secret, payload)
}

#[tokio::test]
async fn who_removes_the_application_or_wants_their_data_deleted_is_told_in_a_signed_request() {
    let world = World::new().await;
    let profile = |token: String| {
        let world = &world;
        async move { world.read(&token, "/me?fields=user_id").await.1 }
    };
    for event in ["deauthorize", "data_deletion"] {
        let token = world.long().await;
        let me = profile(token.clone()).await;
        let sent = world.site().announce(event, "ada", ID, HOOK).unwrap();
        assert!(!world.site().is_live(&token), "{event}");
        let (signature, payload) = signed_request(&sent);
        assert!(is_signed_with(SECRET, &signature, &payload), "{event}");
        let text = BASE64_URL_SAFE_NO_PAD.decode(&payload).unwrap();
        let (id, now) = (me["id"].as_str().unwrap(), world.emulator.clock().now());
        assert_eq!(
            String::from_utf8(text).unwrap(),
            format!(r#"{{"user_id":"{id}","algorithm":"HMAC-SHA256","issued_at":{now}}}"#)
        );
    }
    let unknown = world.site().announce("comments", "ada", ID, HOOK).unwrap_err();
    assert_eq!(unknown, Misuse::Event("comments".into()));
}

#[tokio::test]
async fn what_is_not_said_of_signed_requests_is_a_switch() {
    let world = World::new().await;
    let me = world.read(&world.long().await, "/me?fields=user_id").await.1;
    world.switch(|instagram| {
        instagram.pads_callbacks = true;
        instagram.callback_user = UserId::Professional;
        instagram.callback_user_is_number = true;
        instagram.signs_with_meta = true;
    });
    let refused = world.site().announce("deauthorize", "ada", ID, HOOK).unwrap_err();
    assert!(matches!(refused, Misuse::Announcement(_)), "Meta's secret is not known");
    let app = Client::new(ID).secret(SECRET).redirect(REDIRECT).signal_secret(SIGNAL_SECRET);
    world.site().add_client(app).unwrap();
    let sent = world.site().announce("deauthorize", "ada", ID, HOOK).unwrap();
    let (signature, payload) = signed_request(&sent);
    assert!(signature.ends_with('='));
    assert!(is_signed_with(SIGNAL_SECRET, &signature, &payload));
    let body: Value = serde_json::from_slice(&BASE64_URL_SAFE.decode(&payload).unwrap()).unwrap();
    assert_eq!(body["user_id"].to_string(), me["user_id"].as_str().unwrap());
}
