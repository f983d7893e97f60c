//! Google: authorization, tokens, revocation, user info, mail, events, files.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use std::time::Duration;

use bailee_emulator::google::{File, Google};
use bailee_emulator::{Account, Decision, Emulator, Endpoint, Site};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use support::*;

const AUTH: &str = "https://accounts.google.com/o/oauth2/v2/auth";
const TOKEN: &str = "https://oauth2.googleapis.com/token";
const REVOKE: &str = "https://oauth2.googleapis.com/revoke";
const ME: &str = "https://openidconnect.googleapis.com/v1/userinfo";
const SEND: &str = "https://gmail.googleapis.com/gmail/v1/users/me/messages/send";
const EVENTS: &str = "https://www.googleapis.com/calendar/v3/calendars/primary/events";
const FILES: &str = "https://www.googleapis.com/drive/v3/files";
const UPLOADS: &str = "https://www.googleapis.com/upload/drive/v3/files?uploadType=resumable";
const SCOPES: &str = "openid email https://www.googleapis.com/auth/gmail.send \
    https://www.googleapis.com/auth/calendar.events.readonly \
    https://www.googleapis.com/auth/drive.file";
const STEP: usize = 256 * 1024;
const DAY: Duration = Duration::from_secs(86_400);

struct World {
    emulator: Emulator,
    http: reqwest::Client,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::builder().play(Google::new()).start().await.unwrap();
        let site = emulator.site("google").unwrap();
        furnish(site);
        let event = |n: u32, day: u32| {
            json!({
                "id": format!("event-{n}"),
                "status": "confirmed",
                "summary": format!("Event {n}"),
                "start": {"dateTime": format!("2026-01-{day:02}T10:00:00+01:00")},
                "end": {"dateTime": format!("2026-01-{day:02}T11:00:00+01:00")},
                "attendees": [{"email": "third@person.example"}],
            })
        };
        let events = json!([event(2, 6), event(1, 5), event(3, 20)]);
        site.add_account(Account::new("ada").fact("events", events));
        let http = http(&emulator);
        Self { emulator, http }
    }

    fn site(&self) -> &Site {
        self.emulator.site("google").unwrap()
    }

    fn switch(&self, change: impl FnOnce(&mut Google)) {
        assert!(self.site().switches(change));
    }

    async fn exchange(&self, back: &str) -> (u16, Value) {
        let code = parameter(back, "code").unwrap_or_else(|| panic!("{back}"));
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT),
            ("client_id", ID),
            ("client_secret", SECRET),
        ];
        post(&self.http, TOKEN, &pairs).await
    }

    async fn connect(&self, changes: &[(&str, &str)]) -> Value {
        let back = allow(&self.emulator, &authorize(changes)).await;
        let (status, tokens) = self.exchange(&back).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    async fn refresh(&self, token: &str) -> (u16, Value) {
        let pairs = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", ID),
            ("client_secret", SECRET),
        ];
        post(&self.http, TOKEN, &pairs).await
    }

    async fn get(&self, url: &str, token: &str) -> (u16, Value) {
        let answer = self.http.get(url).bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }

    /// Opens a session and says where it is.
    async fn session(&self, token: &str, size: usize) -> String {
        let request = self.http.post(UPLOADS).bearer_auth(token);
        let request = request
            .header("content-type", "application/json")
            .header("x-upload-content-type", "text/plain")
            .header("x-upload-content-length", size.to_string())
            .body(json!({"name": "a.txt", "parents": ["folder-1"]}).to_string());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    /// Sends a part, or asks with `*`, and says what the session has.
    async fn put(&self, session: &str, range: &str, bytes: Vec<u8>) -> (u16, String) {
        let request = self.http.put(session).header("content-range", range);
        let length = bytes.len().to_string();
        let answer = request.header("content-length", length).body(bytes).send().await.unwrap();
        let range = answer.headers().get("range").map(|range| range.to_str().unwrap().to_owned());
        (answer.status().as_u16(), range.unwrap_or_default())
    }
}

fn authorize(changes: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("client_id", ID),
        ("response_type", "code"),
        ("scope", SCOPES),
        ("redirect_uri", REDIRECT),
        ("state", "s1"),
        ("nonce", "n1"),
        ("access_type", "offline"),
    ];
    for (key, value) in changes {
        pairs.retain(|(known, _)| known != key);
        if !value.is_empty() {
            pairs.push((key, value));
        }
    }
    url(AUTH, &pairs)
}

fn claims(tokens: &Value) -> Value {
    let payload = text(tokens, "id_token").split('.').nth(1).unwrap().to_owned();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn reason(body: &Value) -> &str {
    body["error"]["errors"][0]["reason"].as_str().unwrap_or_else(|| panic!("{body}"))
}

#[tokio::test]
async fn a_refresh_token_comes_with_the_first_consent_and_then_only_when_asked_anew() {
    let world = World::new().await;
    let first = world.connect(&[]).await;
    assert!(text(&first, "refresh_token").starts_with("1//0"));
    assert!(text(&first, "access_token").starts_with("ya29."));
    assert_eq!(first["expires_in"], 3599);
    assert!(first.get("refresh_token_expires_in").is_none());
    assert!(world.connect(&[]).await.get("refresh_token").is_none());
    assert!(world.connect(&[("prompt", "consent")]).await.get("refresh_token").is_some());
    let online = [("prompt", "consent"), ("access_type", "")];
    assert!(world.connect(&online).await.get("refresh_token").is_none());
    // After a withdrawal it is a first consent again.
    assert!(world.site().withdraw("ada", ID) > 0);
    assert!(world.connect(&[]).await.get("refresh_token").is_some());
}

#[tokio::test]
async fn a_refresh_leaves_the_refresh_token_and_does_not_repeat_it() {
    let world = World::new().await;
    let tokens = world.connect(&[]).await;
    let refresh = text(&tokens, "refresh_token");
    for _ in 0..2 {
        let (status, fresh) = world.refresh(refresh).await;
        assert_eq!(status, 200, "{fresh}");
        assert!(fresh.get("refresh_token").is_none());
        assert_ne!(fresh["access_token"], tokens["access_token"]);
    }
    world.switch(|google| google.reauthentication = true);
    let (status, body) = world.refresh(refresh).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
    assert_eq!(body["error_subtype"], "invalid_rapt");
}

#[tokio::test]
async fn scopes_come_back_under_other_names_and_a_person_can_untick_them() {
    let world = World::new().await;
    let tokens = world.connect(&[]).await;
    let scopes: Vec<&str> = text(&tokens, "scope").split(' ').collect();
    assert!(scopes.contains(&"https://www.googleapis.com/auth/userinfo.email"));
    assert!(scopes.contains(&"openid") && !scopes.contains(&"email"));
    let some = Decision::AllowOnly(vec!["openid".into(), "email".into()]);
    let back = world.emulator.consent(&authorize(&[]), some, "grace").await.unwrap();
    let (_, tokens) = world.exchange(&back).await;
    assert!(!text(&tokens, "scope").contains("gmail"));
    let (status, body) = world.get(EVENTS, text(&tokens, "access_token")).await;
    assert_eq!((status, reason(&body)), (403, "insufficientPermissions"));
}

#[tokio::test]
async fn what_was_granted_before_comes_along_where_it_is_asked_for() {
    let world = World::new().await;
    world.connect(&[]).await;
    let narrow = ("scope", "openid profile");
    let plain = world.connect(&[narrow]).await;
    assert!(!text(&plain, "scope").contains("gmail"));
    let all = world.connect(&[narrow, ("include_granted_scopes", "true")]).await;
    assert!(text(&all, "scope").contains("gmail.send"));
    assert!(text(&all, "scope").contains("userinfo.profile"));
}

#[tokio::test]
async fn the_hundred_and_first_refresh_token_ends_the_first_silently() {
    let world = World::new().await;
    world.switch(|google| google.most_refresh_tokens = 2);
    let mut tokens = Vec::new();
    for _ in 0..3 {
        let answer = world.connect(&[("prompt", "consent")]).await;
        tokens.push(text(&answer, "refresh_token").to_owned());
    }
    assert!(!world.site().is_live(&tokens[0]));
    assert!(world.site().is_live(&tokens[1]) && world.site().is_live(&tokens[2]));
    let (status, body) = world.refresh(&tokens[0]).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
}

#[tokio::test]
async fn a_project_in_testing_and_access_for_a_time_end_refresh_tokens() {
    let world = World::new().await;
    world.switch(|google| google.testing = true);
    let all = world.connect(&[]).await;
    let grace = authorize(&[("scope", "openid email")]);
    let back = world.emulator.consent(&grace, Decision::Allow, "grace").await.unwrap();
    let (_, signs_in) = world.exchange(&back).await;
    world.emulator.clock().advance(8 * DAY);
    assert_eq!(world.refresh(text(&all, "refresh_token")).await.0, 400);
    assert_eq!(world.refresh(text(&signs_in, "refresh_token")).await.0, 200);
    world.switch(|google| {
        google.testing = false;
        google.time_limited = Some(3600);
    });
    let limited = world.connect(&[("prompt", "consent")]).await;
    assert_eq!(limited["refresh_token_expires_in"], 3600);
}

#[tokio::test]
async fn revoking_any_token_ends_everything_and_a_dead_one_is_refused() {
    let world = World::new().await;
    let first = world.connect(&[]).await;
    let second = world.connect(&[("prompt", "consent")]).await;
    let access = text(&second, "access_token");
    let (status, body) = post(&world.http, REVOKE, &[("token", access)]).await;
    assert_eq!((status, body), (200, json!({})));
    assert!(world.site().live_tokens().is_empty());
    for dead in [access, text(&first, "refresh_token"), "1//never"] {
        let (status, body) = post(&world.http, REVOKE, &[("token", dead)]).await;
        assert_eq!((status, &body["error"]), (400, &json!("invalid_token")), "{dead}");
    }
}

#[tokio::test]
async fn who_it_is_stands_in_the_id_token_and_in_user_info() {
    let world = World::new().await;
    let tokens = world.connect(&[]).await;
    let said = claims(&tokens);
    assert_eq!(said["iss"], "https://accounts.google.com");
    assert_eq!((&said["aud"], &said["nonce"]), (&json!(ID), &json!("n1")));
    assert_eq!(said["email"], "ada@person.example");
    assert!(said.get("name").is_none(), "the scope `profile` was not asked for");
    let (status, me) = world.get(ME, text(&tokens, "access_token")).await;
    assert_eq!((status, &me["sub"]), (200, &said["sub"]));
    assert!(text(&me, "sub").bytes().all(|byte| byte.is_ascii_digit()));
    let (status, body) = world.get(ME, "ya29.none").await;
    assert_eq!((status, reason(&body)), (401, "authError"));
    let keys = world.http.get("https://www.googleapis.com/oauth2/v3/certs").send().await.unwrap();
    let keys: Value = serde_json::from_str(&keys.text().await.unwrap()).unwrap();
    assert_eq!(keys["keys"][0]["kty"], "RSA");
    world.switch(|google| google.short_issuer = true);
    let short = world.connect(&[]).await;
    assert_eq!(claims(&short)["iss"], "accounts.google.com");
}

#[tokio::test]
async fn refusals_go_back_and_wrong_redirects_do_not() {
    let world = World::new().await;
    let deny = world.emulator.consent(&authorize(&[]), Decision::Deny, "ada").await.unwrap();
    assert_eq!(parameter(&deny, "error").as_deref(), Some("access_denied"));
    world.switch(|google| google.admin_blocks = true);
    let blocked = allow(&world.emulator, &authorize(&[])).await;
    assert_eq!(parameter(&blocked, "error").as_deref(), Some("admin_policy_enforced"));
    world.switch(|google| google.admin_blocks = false);
    let unknown = allow(&world.emulator, &authorize(&[("scope", "openid fake")])).await;
    assert_eq!(parameter(&unknown, "error").as_deref(), Some("invalid_scope"));
    let elsewhere = authorize(&[("redirect_uri", "https://app.example/cb/")]);
    assert!(world.emulator.consent(&elsewhere, Decision::Allow, "ada").await.is_err());
    let code = parameter(&allow(&world.emulator, &authorize(&[])).await, "code").unwrap();
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", "https://app.example/other"),
        ("client_id", ID),
        ("client_secret", SECRET),
    ];
    let (status, body) = post(&world.http, TOKEN, &pairs).await;
    assert_eq!((status, &body["error"]), (400, &json!("redirect_uri_mismatch")));
}

#[tokio::test]
async fn a_message_is_kept_as_it_was_sent() {
    let world = World::new().await;
    let tokens = world.connect(&[]).await;
    let send = |raw: String| {
        let request = world.http.post(SEND).bearer_auth(text(&tokens, "access_token"));
        let request = request.header("content-type", "application/json");
        request.body(json!({"raw": raw}).to_string()).send()
    };
    let message = "To: grace@person.example\r\nSubject: Hi\r\n\r\nHello";
    let answer = send(URL_SAFE_NO_PAD.encode(message)).await.unwrap();
    assert_eq!(answer.status(), 200);
    let body = json(&answer.text().await.unwrap());
    assert_eq!(body["id"], body["threadId"]);
    assert_eq!(world.site().written("message")[0].value["raw"], message);
    for wrong in ["Subject: nobody\r\n\r\nx", "To: a@b.test"] {
        let answer = send(URL_SAFE_NO_PAD.encode(wrong)).await.unwrap();
        assert_eq!(answer.status(), 400, "{wrong}");
    }
    assert_eq!(send("!".into()).await.unwrap().status(), 400);
    assert_eq!(world.site().written("message").len(), 1);
}

#[tokio::test]
async fn events_come_in_pages_and_in_order() {
    let world = World::new().await;
    let tokens = world.connect(&[]).await;
    let list = |pairs: &[(&str, &str)]| {
        let mut all = vec![("singleEvents", "true"), ("orderBy", "startTime")];
        all.extend(pairs);
        let url = url(EVENTS, &all);
        let token = text(&tokens, "access_token").to_owned();
        let world = &world;
        async move { world.get(&url, &token).await }
    };
    let window = [("timeMin", "2026-01-01T00:00:00Z"), ("timeMax", "2026-01-10T00:00:00Z")];
    let (_, page) = list(&[window[0], window[1], ("maxResults", "1")]).await;
    assert_eq!(page["items"][0]["id"], "event-1");
    assert!(page.get("nextSyncToken").is_none());
    assert_eq!(page["items"][0]["attendees"][0]["email"], "third@person.example");
    let next = [
        window[0],
        window[1],
        ("pageToken", text(&page, "nextPageToken")),
        ("fields", "items(id,start)"),
    ];
    let (_, last) = list(&next).await;
    assert_eq!(last["items"][0]["id"], "event-2");
    assert!(last["items"][0].get("attendees").is_none());
    assert!(last.get("nextPageToken").is_none() && last.get("nextSyncToken").is_some());
    assert_eq!(list(&[("timeMin", "yesterday")]).await.0, 400);
    assert_eq!(list(&[("singleEvents", "false")]).await.0, 200);
    let unordered = url(EVENTS, &[("orderBy", "startTime")]);
    assert_eq!(world.get(&unordered, text(&tokens, "access_token")).await.0, 400);
    let old = url(EVENTS, &[("syncToken", "old")]);
    let (status, body) = world.get(&old, text(&tokens, "access_token")).await;
    assert_eq!((status, reason(&body)), (410, "fullSyncRequired"));
}

#[tokio::test]
async fn an_upload_comes_in_parts_and_says_how_far_it_is() {
    let world = World::new().await;
    let tokens = world.connect(&[]).await;
    let token = text(&tokens, "access_token");
    let total = STEP + 10;
    let session = world.session(token, total).await;
    assert!(world.site().secrets_issued().iter().any(|secret| session.contains(secret)));
    let ask = format!("bytes */{total}");
    assert_eq!(world.put(&session, &ask, Vec::new()).await, (308, String::new()));
    let first = format!("bytes 0-{}/{total}", STEP - 1);
    world.switch(|google| google.session_keeps = Some(1000));
    assert_eq!(world.put(&session, &first, vec![1; STEP]).await, (308, "bytes=0-999".into()));
    world.switch(|google| google.session_keeps = None);
    // What is there already is not taken again.
    let kept = format!("bytes=0-{}", STEP - 1);
    assert_eq!(world.put(&session, &first, vec![2; STEP]).await, (308, kept.clone()));
    for (range, length) in [
        (format!("bytes {}-{}/{total}", STEP + 5, total - 1), 5),
        (format!("bytes {STEP}-{}/{total}", STEP + 4), 5),
        (format!("bytes {STEP}-{}/{}", total - 1, total + 1), 10),
        ("10".to_owned(), 10),
    ] {
        assert_eq!(world.put(&session, &range, vec![3; length]).await.0, 400, "{range}");
    }
    assert_eq!(world.put(&session, &ask, Vec::new()).await, (308, kept));
    let last = format!("bytes {STEP}-{}/{total}", total - 1);
    assert_eq!(world.put(&session, &last, vec![3; 10]).await.0, 200);
    assert_eq!(world.put(&session, &ask, Vec::new()).await.0, 200);
    let mut bytes = Vec::new();
    assert!(world.site().switches(|google: &mut Google| {
        assert_eq!(google.files()[0].folder.as_deref(), Some("folder-1"));
        bytes.clone_from(&google.files()[0].bytes);
    }));
    assert_eq!(bytes.len(), total);
    assert_eq!((bytes[999], bytes[1000], bytes[STEP]), (1, 2, 3));
    assert_eq!(world.site().count(Endpoint::Upload), 10);
    let old = world.session(token, 10).await;
    world.emulator.clock().advance(7 * DAY);
    assert_eq!(world.put(&old, "bytes */10", Vec::new()).await.0, 404);
}

#[tokio::test]
async fn files_are_seen_by_the_client_that_they_are_for() {
    let world = World::new().await;
    world.switch(|google| {
        for (client, id, kind) in [
            (ID, "f1", "text/plain"),
            ("another", "f2", "text/plain"),
            (ID, "f3", "application/vnd.google-apps.document"),
        ] {
            google.add_file(File::new("ada", client, id, format!("it's {id}"), kind, "0123456789"));
        }
    });
    let tokens = world.connect(&[]).await;
    let token = text(&tokens, "access_token");
    let (_, all) = world.get(FILES, token).await;
    assert_eq!(all["files"].as_array().unwrap().len(), 2);
    let (_, page) = world.get(&url(FILES, &[("pageSize", "1")]), token).await;
    let next = url(FILES, &[("pageToken", text(&page, "nextPageToken"))]);
    assert_eq!(world.get(&next, token).await.1["files"][0]["id"], "f3");
    let named = url(FILES, &[("q", "trashed = false and name = 'it\\'s f1'")]);
    assert_eq!(world.get(&named, token).await.1["files"][0]["id"], "f1");
    assert_eq!(world.get(&url(FILES, &[("q", "name = 'open")]), token).await.0, 400);
    let (status, body) = world.get(&format!("{FILES}/f2"), token).await;
    assert_eq!((status, reason(&body)), (404, "notFound"));
    let facts = world.get(&format!("{FILES}/f1"), token).await.1;
    assert_eq!(facts["size"], "10");
    let media = |id: &str, range: Option<&str>| {
        let request = world.http.get(format!("{FILES}/{id}?alt=media")).bearer_auth(token);
        match range {
            Some(range) => request.header("range", range).send(),
            None => request.send(),
        }
    };
    assert_eq!(media("f1", None).await.unwrap().text().await.unwrap(), "0123456789");
    let part = media("f1", Some("bytes=7-")).await.unwrap();
    assert_eq!(
        (part.status().as_u16(), &part.headers()["content-range"]),
        (206, &"bytes 7-9/10".parse().unwrap())
    );
    assert_eq!(part.text().await.unwrap(), "789");
    assert_eq!(media("f3", None).await.unwrap().status(), 403);
    let export = format!("{FILES}/f3/export?mimeType=application%2Fpdf");
    let answer = world.http.get(&export).bearer_auth(token).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"application/pdf".parse().unwrap())
    );
}

#[tokio::test]
async fn limits_of_the_apis_come_as_403_or_429() {
    let world = World::new().await;
    let tokens = world.connect(&[]).await;
    let token = text(&tokens, "access_token");
    let limited = || bailee_emulator::Fault::RateLimited { retry_after: None };
    world.site().fault(Endpoint::Api, limited());
    let (status, body) = world.get(FILES, token).await;
    assert_eq!((status, reason(&body)), (403, "rateLimitExceeded"));
    world.switch(|google| google.limits_as_403 = false);
    world.site().fault(Endpoint::Api, limited());
    assert_eq!(world.get(FILES, token).await.0, 429);
}
