//! Content Posting API: creator info, posts, uploads, status.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use std::time::Duration;

use bailee_emulator::tiktok::{PostKind, PostStatus, Processing, TikTok};
use bailee_emulator::{Account, Client, Emulator, Site};
use serde_json::{Value, json};
use support::*;

struct World {
    emulator: Emulator,
    http: reqwest::Client,
    token: String,
}

impl World {
    async fn new(tiktok: TikTok) -> Self {
        let emulator = Emulator::builder().tiktok(tiktok).start().await.unwrap();
        furnish(emulator.site("tiktok").unwrap());
        let http = http(&emulator);
        let mut world = Self { emulator, http, token: String::new() };
        world.token = world.connect("ada", "user.info.basic,video.publish,video.upload").await;
        world
    }

    fn site(&self) -> &Site {
        self.emulator.site("tiktok").unwrap()
    }

    async fn connect(&self, account: &str, scopes: &str) -> String {
        self.connect_client(ID, account, scopes).await
    }

    async fn connect_client(&self, client: &str, account: &str, scopes: &str) -> String {
        let authorize = url(
            "https://www.tiktok.com/v2/auth/authorize/",
            &[
                ("client_key", client),
                ("response_type", "code"),
                ("scope", scopes),
                ("redirect_uri", REDIRECT),
                ("state", "s1"),
            ],
        );
        let allow = bailee_emulator::Decision::Allow;
        let back = self.emulator.consent(&authorize, allow, account).await.unwrap();
        let pairs = [
            ("client_key", client),
            ("client_secret", SECRET),
            ("grant_type", "authorization_code"),
            ("code", &parameter(&back, "code").unwrap()),
            ("redirect_uri", REDIRECT),
        ];
        let tokens = "https://open.tiktokapis.com/v2/oauth/token/";
        let (_, body) = post(&self.http, tokens, &pairs).await;
        text(&body, "access_token").to_owned()
    }

    /// Calls the API and returns status, error code and data.
    async fn call_as(&self, token: &str, operation: &str, body: &Value) -> (u16, String, Value) {
        let answer = self
            .http
            .post(format!("https://open.tiktokapis.com/v2/post/publish/{operation}/"))
            .bearer_auth(token)
            .header("content-type", "application/json; charset=UTF-8")
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        let status = answer.status().as_u16();
        let body = json(&answer.text().await.unwrap());
        (status, text(&body["error"], "code").to_owned(), body["data"].clone())
    }

    async fn call(&self, operation: &str, body: &Value) -> (u16, String, Value) {
        self.call_as(&self.token, operation, body).await
    }

    async fn status(&self, publish_id: &str) -> Value {
        self.call("status/fetch", &json!({"publish_id": publish_id})).await.2
    }

    async fn put(&self, url: &str, range: &str, bytes: Vec<u8>) -> u16 {
        let put = self.http.put(url).header("content-type", "video/mp4");
        put.header("content-range", range).body(bytes).send().await.unwrap().status().as_u16()
    }
}

fn video(level: &str, source: Value) -> Value {
    json!({"post_info": {"title": "A day #out", "privacy_level": level}, "source_info": source})
}

fn file(size: u64, chunk: u64, chunks: u64) -> Value {
    json!({"source": "FILE_UPLOAD", "video_size": size, "chunk_size": chunk, "total_chunk_count": chunks})
}

fn pull(url: &str) -> Value {
    json!({"source": "PULL_FROM_URL", "video_url": url})
}

#[tokio::test]
async fn creator_info_says_what_the_creator_may_choose() {
    let world = World::new(TikTok::new()).await;
    let (status, code, data) = world.call("creator_info/query", &json!({})).await;
    assert_eq!((status, code.as_str()), (200, "ok"));
    assert_eq!(data["creator_username"], "handle_ada");
    assert_eq!(data["privacy_level_options"][0], "PUBLIC_TO_EVERYONE");
    assert_eq!(data["max_video_post_duration_sec"], 600);
    let token = world.connect("ada", "video.upload").await;
    let (status, code, _) = world.call_as(&token, "creator_info/query", &json!({})).await;
    assert_eq!((status, code.as_str()), (401, "scope_not_authorized"));
}

#[tokio::test]
async fn an_uploaded_video_is_processed_and_then_public() {
    let world = World::new(TikTok::new()).await;
    let (status, code, data) =
        world.call("video/init", &video("PUBLIC_TO_EVERYONE", file(9, 9, 1))).await;
    assert_eq!((status, code.as_str()), (200, "ok"));
    let publish_id = text(&data, "publish_id").to_owned();
    assert!(publish_id.len() <= 64);
    let upload = text(&data, "upload_url").to_owned();
    assert!(upload.starts_with("https://open-upload.tiktokapis.com/"));
    assert_eq!(world.status(&publish_id).await["status"], "PROCESSING_UPLOAD");
    let wrong = world.http.put(&upload).header("content-type", "video/avi");
    let wrong = wrong.header("content-range", "bytes 0-8/9").body("a video..");
    assert_eq!(wrong.send().await.unwrap().status(), 400);
    assert_eq!(world.put(&upload, "bytes 0-8/9", b"a video..".to_vec()).await, 201);
    assert_eq!(world.put(&upload, "bytes 0-8/9", b"a video..".to_vec()).await, 416);
    assert_eq!(world.status(&publish_id).await["status"], "PROCESSING_UPLOAD");
    let done = world.status(&publish_id).await;
    assert_eq!(done["status"], "PUBLISH_COMPLETE");
    assert_eq!(done["uploaded_bytes"], 9);
    let id = done["publicaly_available_post_id"][0].as_i64().unwrap();
    assert!(id > 1 << 53);
    let posts = world.site().posts();
    assert_eq!(posts.len(), 1);
    assert_eq!((posts[0].kind, posts[0].post_id), (PostKind::Video, Some(id)));
    assert_eq!(posts[0].status, PostStatus::PublishComplete);
    assert_eq!(posts[0].title, "A day #out");
    assert_eq!(posts[0].sha256, VIDEO_DIGEST);
    world.site().change_tiktok(|tiktok| tiktok.withhold_post_ids = true);
    assert!(world.status(&publish_id).await.get("publicaly_available_post_id").is_none());
}

#[tokio::test]
async fn chunks_come_in_order_and_in_size() {
    const CHUNK: u64 = 5 * 1024 * 1024;
    let size = 2 * CHUNK + 7;
    let world = World::new(TikTok::new()).await;
    let (_, _, data) = world.call("video/init", &video("SELF_ONLY", file(size, CHUNK, 2))).await;
    let upload = text(&data, "upload_url").to_owned();
    let publish_id = text(&data, "publish_id").to_owned();
    let first = vec![1; CHUNK as usize];
    let last = vec![2; CHUNK as usize + 7];
    let total = |first: u64, last: u64| format!("bytes {first}-{last}/{size}");
    assert_eq!(world.put(&upload, &total(CHUNK, size - 1), last.clone()).await, 416);
    assert_eq!(world.put(&upload, &total(0, 9), vec![1; 10]).await, 416);
    assert_eq!(world.put(&upload, &total(0, 9), vec![1; 9]).await, 400);
    assert_eq!(world.put(&upload, "bytes 0-5242879/9999999", first.clone()).await, 416);
    assert_eq!(world.put(&upload, "octets 0-1/2", vec![1; 2]).await, 400);
    assert_eq!(world.put(&upload, &total(0, CHUNK - 1), first.clone()).await, 206);
    assert_eq!(world.put(&upload, &total(0, CHUNK - 1), first).await, 416);
    assert_eq!(world.status(&publish_id).await["uploaded_bytes"], CHUNK);
    assert_eq!(world.put(&upload, &total(CHUNK, size - 1), last).await, 201);
    assert_eq!(world.site().posts()[0].received, size);
}

#[tokio::test]
async fn an_upload_address_is_the_only_credential_and_ends_after_an_hour() {
    let world = World::new(TikTok::new()).await;
    let (_, _, data) = world.call("video/init", &video("SELF_ONLY", file(2, 2, 1))).await;
    let upload = text(&data, "upload_url").to_owned();
    let unknown = upload.replace("upload_id=", "upload_id=x");
    assert_eq!(world.put(&unknown, "bytes 0-1/2", vec![1; 2]).await, 404);
    let guessed = upload.replace("upload_token=", "upload_token=x");
    assert_eq!(world.put(&guessed, "bytes 0-1/2", vec![1; 2]).await, 403);
    world.emulator.clock().advance(Duration::from_secs(3600));
    assert_eq!(world.put(&upload, "bytes 0-1/2", vec![1; 2]).await, 403);
}

#[tokio::test]
async fn a_regional_upload_host_is_played_too() {
    let mut tiktok = TikTok::new();
    tiktok.upload_host = "open-upload-sg.tiktokapis.com".into();
    let world = World::new(tiktok).await;
    let (_, _, data) = world.call("video/init", &video("SELF_ONLY", file(2, 2, 1))).await;
    let upload = text(&data, "upload_url").to_owned();
    assert!(upload.starts_with("https://open-upload-sg.tiktokapis.com/"));
    assert_eq!(world.put(&upload, "bytes 0-1/2", vec![1; 2]).await, 201);
    let other = upload.replace("-sg", "");
    assert_eq!(world.put(&other, "bytes 0-1/2", vec![1; 2]).await, 404);
}

#[tokio::test]
async fn a_post_that_cannot_be_is_refused_with_its_code() {
    let world = World::new(TikTok::new().verified_url("https://media.example/videos/")).await;
    world.site().change_tiktok(|tiktok| tiktok.rate_limits = false);
    let ok = file(9, 9, 1);
    let long = "\u{1F600}".repeat(1101);
    let title =
        json!({"post_info": {"title": long, "privacy_level": "SELF_ONLY"}, "source_info": ok});
    for (body, status, code) in [
        (json!({}), 400, "invalid_params"),
        (json!({"post_info": {}, "source_info": ok}), 400, "invalid_params"),
        (title, 400, "invalid_params"),
        (video("EVERYBODY", ok.clone()), 400, "invalid_params"),
        (video("FOLLOWER_OF_CREATOR", ok.clone()), 403, "privacy_level_option_mismatch"),
        (video("SELF_ONLY", file(9, 3, 3)), 400, "invalid_params"),
        (video("SELF_ONLY", json!({"source": "FILE_UPLOAD"})), 400, "invalid_params"),
        (video("SELF_ONLY", pull("http://media.example/videos/1.mp4")), 400, "invalid_params"),
        (
            video("SELF_ONLY", pull("https://media.example/other/1.mp4")),
            403,
            "url_ownership_unverified",
        ),
        (
            video("SELF_ONLY", pull("https://media.example/videos/../other/1.mp4")),
            403,
            "url_ownership_unverified",
        ),
        (
            video("SELF_ONLY", pull("https://media.example.evil.example/videos/1.mp4")),
            403,
            "url_ownership_unverified",
        ),
    ] {
        let (got, error, _) = world.call("video/init", &body).await;
        assert_eq!((got, error.as_str()), (status, code), "{body}");
    }
    assert!(world.site().posts().is_empty());
    for url in
        ["https://somebody@media.example/videos/1.mp4", "https://media.example:444/videos/1.mp4"]
    {
        world.site().change_tiktok(|tiktok| tiktok.verified_urls.push("media.example".into()));
        let (_, error, _) = world.call("video/init", &video("SELF_ONLY", pull(url))).await;
        assert_eq!(error, "url_ownership_unverified", "{url}");
    }
    let mut toggled = video("SELF_ONLY", ok.clone());
    toggled["post_info"]["disable_duet"] = json!("no");
    assert_eq!(world.call("video/init", &toggled).await.1, "invalid_params");
    let fine = video("SELF_ONLY", pull("https://media.example/videos/1.mp4"));
    assert_eq!(world.call("video/init", &fine).await.0, 200);
    let long = "\u{1F600}".repeat(1100);
    let title =
        json!({"post_info": {"title": long, "privacy_level": "SELF_ONLY"}, "source_info": ok});
    assert_eq!(world.call("video/init", &title).await.0, 200);
}

#[tokio::test]
async fn an_unaudited_client_posts_to_private_accounts_for_themselves_only() {
    let mut tiktok = TikTok::new();
    tiktok.audited = false;
    let world = World::new(tiktok).await;
    let refused = "unaudited_client_can_only_post_to_private_accounts";
    for level in ["PUBLIC_TO_EVERYONE", "SELF_ONLY"] {
        let (status, code, _) = world.call("video/init", &video(level, file(9, 9, 1))).await;
        assert_eq!((status, code.as_str()), (403, refused));
    }
    world.site().add_account(Account::new("ada").private());
    assert_eq!(world.call("video/init", &video("SELF_ONLY", file(9, 9, 1))).await.0, 200);
    let (_, code, _) =
        world.call("video/init", &video("MUTUAL_FOLLOW_FRIENDS", file(9, 9, 1))).await;
    assert_eq!(code, refused);
    let (status, ..) = world.call("inbox/video/init", &json!({"source_info": file(9, 9, 1)})).await;
    assert_eq!(status, 200, "drafts are not restricted");
}

#[tokio::test]
async fn a_draft_ends_in_the_inbox_and_a_private_post_has_no_id() {
    let mut tiktok = TikTok::new().verified_url("media.example");
    tiktok.processing = Processing::Seconds(90);
    let world = World::new(tiktok).await;
    let source = pull("https://cdn.media.example/1.mp4");
    let (_, _, draft) = world.call("inbox/video/init", &json!({"source_info": source})).await;
    assert!(draft.get("upload_url").is_none());
    let (_, _, own) = world.call("video/init", &video("SELF_ONLY", source)).await;
    let (draft, own) = (text(&draft, "publish_id"), text(&own, "publish_id"));
    world.emulator.clock().advance(Duration::from_secs(89));
    assert_eq!(world.status(draft).await["status"], "PROCESSING_DOWNLOAD");
    world.emulator.clock().advance(Duration::from_secs(1));
    assert_eq!(world.status(draft).await["status"], "SEND_TO_USER_INBOX");
    let done = world.status(own).await;
    assert_eq!(done["status"], "PUBLISH_COMPLETE");
    assert!(done.get("publicaly_available_post_id").is_none());
}

#[tokio::test]
async fn a_post_fails_for_the_reason_that_the_test_wants() {
    let mut tiktok = TikTok::new();
    tiktok.fail_posts_with = Some("frame_rate_check_failed".into());
    tiktok.processing = Processing::Polls(0);
    let world = World::new(tiktok).await;
    let (_, _, data) = world.call("video/init", &video("SELF_ONLY", file(2, 2, 1))).await;
    world.put(text(&data, "upload_url"), "bytes 0-1/2", vec![1; 2]).await;
    let done = world.status(text(&data, "publish_id")).await;
    assert_eq!(
        (&done["status"], &done["fail_reason"]),
        (&json!("FAILED"), &json!("frame_rate_check_failed"))
    );
}

#[tokio::test]
async fn a_status_is_for_the_post_s_own_account() {
    let world = World::new(TikTok::new()).await;
    let (_, _, data) = world.call("video/init", &video("SELF_ONLY", file(2, 2, 1))).await;
    let grace = world.connect("grace", "video.publish").await;
    let body = json!({"publish_id": data["publish_id"]});
    let (status, code, _) = world.call_as(&grace, "status/fetch", &body).await;
    assert_eq!((status, code.as_str()), (401, "token_not_authorized_for_specified_publish_id"));
    world.site().add_client(Client::new("app-2").secret(SECRET).redirect(REDIRECT)).unwrap();
    let other = world.connect_client("app-2", "ada", "video.publish").await;
    let (status, code, _) = world.call_as(&other, "status/fetch", &body).await;
    assert_eq!((status, code.as_str()), (401, "token_not_authorized_for_specified_publish_id"));
    let (status, code, _) = world.call("status/fetch", &json!({"publish_id": "v_pub~none"})).await;
    assert_eq!((status, code.as_str()), (400, "invalid_publish_id"));
}

#[tokio::test]
async fn photos_are_pulled_and_counted() {
    let world = World::new(TikTok::new().verified_url("media.example")).await;
    let photos = |mode: &str, count: usize, cover: u64| {
        let images = vec!["https://media.example/1.jpg"; count];
        json!({
            "media_type": "PHOTO",
            "post_mode": mode,
            "post_info": {"title": "t", "description": "d", "privacy_level": "SELF_ONLY"},
            "source_info": {"source": "PULL_FROM_URL", "photo_images": images, "photo_cover_index": cover},
        })
    };
    assert_eq!(world.call("content/init", &photos("DIRECT_POST", 35, 34)).await.0, 200);
    assert_eq!(world.call("content/init", &photos("MEDIA_UPLOAD", 1, 0)).await.0, 200);
    let mut wordy = photos("DIRECT_POST", 1, 0);
    wordy["post_info"]["description"] = json!("d".repeat(4001));
    assert_eq!(world.call("content/init", &wordy).await.1, "invalid_params");
    for (count, cover) in [(0, 0), (36, 0), (1, 1)] {
        let body = photos("DIRECT_POST", count, cover);
        assert_eq!(world.call("content/init", &body).await.1, "invalid_params");
    }
    let kinds: Vec<_> = world.site().posts().iter().map(|post| post.kind).collect();
    assert_eq!(kinds, [PostKind::Photo, PostKind::PhotoDraft]);
}

#[tokio::test]
async fn limits_per_minute_slide_on_the_emulator_s_clock() {
    let world = World::new(TikTok::new()).await;
    let (_, _, data) = world.call("video/init", &video("SELF_ONLY", file(2, 2, 1))).await;
    let publish_id = text(&data, "publish_id").to_owned();
    world.emulator.clock().advance(Duration::from_secs(60));
    for (operation, body, most) in [
        ("creator_info/query", json!({}), 20),
        ("video/init", video("SELF_ONLY", file(2, 2, 1)), 6),
        ("status/fetch", json!({"publish_id": publish_id}), 30),
    ] {
        for _ in 0..most {
            assert_eq!(world.call(operation, &body).await.0, 200);
        }
        let (status, code, _) = world.call(operation, &body).await;
        assert_eq!((status, code.as_str()), (429, "rate_limit_exceeded"));
        world.emulator.clock().advance(Duration::from_secs(60));
        assert_eq!(world.call(operation, &body).await.0, 200);
    }
    world.site().change_tiktok(|tiktok| tiktok.rate_limits = false);
    for _ in 0..7 {
        assert_eq!(world.call("video/init", &video("SELF_ONLY", file(2, 2, 1))).await.0, 200);
    }
    let (status, code, _) = world.call("video/init", &video("SELF_ONLY", file(2, 2, 1))).await;
    assert_eq!((status, code.as_str()), (403, "spam_risk_too_many_posts"));
}

#[tokio::test]
async fn caps_of_a_day_hold_for_drafts_and_for_the_people_of_an_unaudited_client() {
    let world = World::new(TikTok::new()).await;
    world.site().change_tiktok(|tiktok| {
        tiktok.audited = false;
        tiktok.rate_limits = false;
    });
    let draft = json!({"source_info": file(2, 2, 1)});
    for _ in 0..5 {
        assert_eq!(world.call("inbox/video/init", &draft).await.0, 200);
    }
    let (status, code, _) = world.call("inbox/video/init", &draft).await;
    assert_eq!((status, code.as_str()), (403, "spam_risk_too_many_pending_share"));

    let own = video("SELF_ONLY", file(2, 2, 1));
    for person in 0..6 {
        let account = format!("person-{person}");
        world.site().add_account(Account::new(&account).private());
        let token = world.connect(&account, "video.publish").await;
        let expected = if person < 5 { "ok" } else { "reached_active_user_cap" };
        assert_eq!(world.call_as(&token, "video/init", &own).await.1, expected);
    }
    world.emulator.clock().advance(Duration::from_secs(86_400));
    let token = world.connect("person-5", "video.publish").await;
    assert_eq!(world.call_as(&token, "video/init", &own).await.0, 200);
}

#[tokio::test]
async fn hostile_bodies_are_refused_and_nothing_breaks() {
    let world = World::new(TikTok::new()).await;
    for operation in ["video/init", "status/fetch", "content/init", "creator_info/query"] {
        for body in ["", "[]", "{", "\u{0}", "null", "{\"publish_id\":7}", "{\"source_info\":[]}"] {
            let answer = world
                .http
                .post(format!("https://open.tiktokapis.com/v2/post/publish/{operation}/"))
                .bearer_auth(&world.token)
                .header("content-type", "application/json")
                .body(body)
                .send()
                .await
                .unwrap();
            assert!(answer.status().as_u16() < 500, "{operation} {body}");
        }
    }
    let large = vec![b'a'; 2 * 1024 * 1024];
    let url = "https://open.tiktokapis.com/v2/oauth/token/";
    // The connection may be closed before all is sent.
    if let Ok(answer) = world.http.post(url).body(large).send().await {
        assert_eq!(answer.status(), 413);
    }
    assert_eq!(world.call("creator_info/query", &json!({})).await.0, 200);
}

/// SHA-256 of the video that is uploaded above.
const VIDEO_DIGEST: &str = "6207c82d2d3020b4952a4184352d03b62533797a1ca6a31cee0740a69ad808fb";
