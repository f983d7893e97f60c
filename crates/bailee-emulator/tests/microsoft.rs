//! Microsoft: authorization, tokens, user info, mail, the calendar view, small uploads.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use std::time::Duration;

use bailee_emulator::microsoft::Microsoft;
use bailee_emulator::{Account, Decision, Emulator, Site};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use support::*;

const LOGIN: &str = "https://login.microsoftonline.com/common";
const GRAPH: &str = "https://graph.microsoft.com/v1.0";
const SCOPES: &str = "openid profile email offline_access Mail.Send Calendars.Read Files.ReadWrite";

struct World {
    emulator: Emulator,
    http: reqwest::Client,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::builder().play(Microsoft::new()).start().await.unwrap();
        let site = emulator.site("microsoft").unwrap();
        furnish(site);
        let event = |n: u32| {
            json!({
                "id": format!("event-{n}"),
                "subject": format!("Event {n}"),
                "start": {"dateTime": format!("2026-01-{n:02}T10:00:00.0000000"), "timeZone": "UTC"},
                "end": {"dateTime": format!("2026-01-{n:02}T11:00:00.0000000"), "timeZone": "UTC"},
            })
        };
        let events = json!([event(6), event(5), event(20)]);
        site.add_account(Account::new("ada").fact("events", events).fact("tid", "tenant-1"));
        let http = http(&emulator);
        Self { emulator, http }
    }

    fn site(&self) -> &Site {
        self.emulator.site("microsoft").unwrap()
    }

    fn switch(&self, change: impl FnOnce(&mut Microsoft)) {
        assert!(self.site().switches(change));
    }

    async fn token(&self, pairs: &[(&str, &str)]) -> (u16, Value) {
        let mut all = vec![("client_id", ID), ("client_secret", SECRET)];
        all.extend(pairs);
        post(&self.http, &format!("{LOGIN}/oauth2/v2.0/token"), &all).await
    }

    async fn connect(&self, scopes: &str) -> Value {
        let pairs = [
            ("client_id", ID),
            ("response_type", "code"),
            ("scope", scopes),
            ("redirect_uri", REDIRECT),
            ("state", "s1"),
            ("nonce", "n1"),
        ];
        let url = url(&format!("{LOGIN}/oauth2/v2.0/authorize"), &pairs);
        let back = self.emulator.consent(&url, Decision::Allow, "ada").await.unwrap();
        let code = parameter(&back, "code").unwrap_or_else(|| panic!("{back}"));
        let pairs =
            [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT)];
        let (status, tokens) = self.token(&pairs).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    async fn refresh(&self, token: &str) -> (u16, Value) {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    async fn get(&self, url: &str, token: &str) -> (u16, Value) {
        let answer = self.http.get(url).bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), json(&answer.text().await.unwrap()))
    }
}

fn claims(tokens: &Value) -> Value {
    let payload = text(tokens, "id_token").split('.').nth(1).unwrap().to_owned();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn each_refresh_gives_a_new_token_and_the_old_one_stays_good() {
    let world = World::new().await;
    let tokens = world.connect(SCOPES).await;
    let first = text(&tokens, "refresh_token");
    let (_, fresh) = world.refresh(first).await;
    let second = text(&fresh, "refresh_token");
    assert_ne!(first, second);
    assert_eq!(world.refresh(first).await.0, 200);
    assert_eq!(world.refresh(second).await.0, 200);
    assert!(world.site().reuse_alarms().is_empty());
    assert!(world.connect("openid Mail.Send").await.get("refresh_token").is_none());
}

#[tokio::test]
async fn refusals_have_numbers() {
    let world = World::new().await;
    let tokens = world.connect(SCOPES).await;
    let refresh = text(&tokens, "refresh_token");
    let refused = |body: &Value, error: &str, number: u32| {
        assert_eq!((&body["error"], &body["error_codes"]), (&json!(error), &json!([number])));
        assert!(text(body, "error_description").starts_with(&format!("AADSTS{number}: ")));
    };
    refused(&world.refresh("M.never").await.1, "invalid_grant", 70_000);
    world.switch(|microsoft| microsoft.multi_factor = true);
    refused(&world.refresh(refresh).await.1, "interaction_required", 50_076);
    world.switch(|microsoft| microsoft.multi_factor = false);
    world.switch(|microsoft| microsoft.secret_expired = true);
    let (status, body) = world.refresh(refresh).await;
    assert_eq!(status, 401);
    refused(&body, "invalid_client", 7_000_222);
    world.switch(|microsoft| microsoft.secret_expired = false);
    world.emulator.clock().advance(Duration::from_secs(91 * 86_400));
    refused(&world.refresh(refresh).await.1, "invalid_grant", 700_082);
    let again = world.connect(SCOPES).await;
    world.site().withdraw("ada", ID);
    refused(&world.refresh(text(&again, "refresh_token")).await.1, "invalid_grant", 50_173);
}

#[tokio::test]
async fn an_id_token_is_issued_by_the_directory_of_the_account() {
    let world = World::new().await;
    let tokens = world.connect(SCOPES).await;
    assert_eq!(tokens["scope"], "Mail.Send Calendars.Read Files.ReadWrite");
    let said = claims(&tokens);
    assert_eq!(said["iss"], "https://login.microsoftonline.com/tenant-1/v2.0");
    assert_eq!((&said["tid"], &said["nonce"]), (&json!("tenant-1"), &json!("n1")));
    let info = "https://graph.microsoft.com/oidc/userinfo";
    let (status, me) = world.get(info, text(&tokens, "access_token")).await;
    assert_eq!((status, &me["sub"]), (200, &said["sub"]));
    world.switch(|microsoft| {
        microsoft.full_scopes = true;
        microsoft.names_sign_in = true;
        microsoft.issuing_directory = Some("tenant-2".into());
    });
    let tokens = world.connect("openid Mail.Send").await;
    assert_eq!(tokens["scope"], "openid https://graph.microsoft.com/mail.send");
    assert_eq!(claims(&tokens)["iss"], "https://login.microsoftonline.com/tenant-2/v2.0");
    let keys = world.http.get(format!("{LOGIN}/discovery/v2.0/keys")).send().await.unwrap();
    assert!(keys.text().await.unwrap().contains("RSA"));
}

#[tokio::test]
async fn mail_is_taken_without_a_body() {
    let world = World::new().await;
    let tokens = world.connect(SCOPES).await;
    let send = |message: Value| {
        let request = world.http.post(format!("{GRAPH}/me/sendMail"));
        let request = request.bearer_auth(text(&tokens, "access_token"));
        let body = json!({"message": message, "saveToSentItems": true}).to_string();
        request.header("content-type", "application/json").body(body).send()
    };
    let to = json!([{"emailAddress": {"address": "grace@person.example"}}]);
    let good = json!({"subject": "Hi", "body": {"contentType": "Text", "content": "x"}, "toRecipients": to});
    let answer = send(good).await.unwrap();
    assert_eq!(answer.status(), 202);
    assert_eq!(answer.text().await.unwrap(), "");
    assert_eq!(world.site().written("message")[0].value["subject"], "Hi");
    let nobody = json!({"subject": "Hi", "toRecipients": []});
    assert_eq!(send(nobody).await.unwrap().status(), 400);
}

#[tokio::test]
async fn the_calendar_view_comes_in_pages_that_name_the_next_one() {
    let world = World::new().await;
    let tokens = world.connect(SCOPES).await;
    let token = text(&tokens, "access_token");
    let (from, to) = ("2026-01-01T00:00:00Z", "2026-01-10T00:00:00Z");
    let window = &format!("startDateTime={from}&endDateTime={to}");
    let first = format!("{GRAPH}/me/calendarView?{window}&$top=1");
    let (_, page) = world.get(&first, token).await;
    assert_eq!(page["value"][0]["id"], "event-5");
    let (_, last) = world.get(text(&page, "@odata.nextLink"), token).await;
    assert_eq!(last["value"][0]["id"], "event-6");
    assert!(last.get("@odata.nextLink").is_none());
    assert_eq!(world.get(&format!("{GRAPH}/me/calendarView"), token).await.0, 400);
    world.switch(|microsoft| microsoft.evaluates_access = true);
    let answer = world.http.get(&first).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert!(answer.headers()["www-authenticate"].to_str().unwrap().contains("claims="));
}

#[tokio::test]
async fn a_file_is_put_by_its_path() {
    let world = World::new().await;
    let tokens = world.connect(SCOPES).await;
    let put = |conflict: &str| {
        let path = "me/drive/root:/a%20b%2Etxt:/content?@microsoft.graph.conflictBehavior";
        let request = world.http.put(format!("{GRAPH}/{path}={conflict}"));
        request.bearer_auth(text(&tokens, "access_token")).body("0123").send()
    };
    assert_eq!(put("fail").await.unwrap().status(), 201);
    let again = put("fail").await.unwrap();
    assert_eq!(again.status(), 409);
    assert_eq!(json(&again.text().await.unwrap())["error"]["code"], "nameAlreadyExists");
    assert_eq!(put("replace").await.unwrap().status(), 200);
    assert_eq!(world.site().written("file")[0].value["name"], "a b.txt");
    let narrow = world.connect("openid Mail.Send").await;
    let (status, body) =
        world.get(&format!("{GRAPH}/me/calendarView"), text(&narrow, "access_token")).await;
    assert_eq!((status, &body["error"]["code"]), (403, &json!("ErrorAccessDenied")));
}
