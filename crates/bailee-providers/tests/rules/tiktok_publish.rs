use std::time::Duration;

use bailee_core::{Effect, Timestamp};
use bailee_providers::{
    Authorization, Context, Endpoint, Failure, FailureKind, Input, Payload, Progress, Provider,
    Publish, PublishNext, Request, Target, Value,
    tiktok::{PrivacyLevel, PublishVideo, TikTok},
};

use crate::support::{NOW, address, json, registration};

const MB: u64 = 1_000_000;
const UPLOAD: &str =
    "https://open-upload.tiktokapis.com/video/?upload_id=1&upload_token=fake-token";

fn video() -> PublishVideo {
    PublishVideo::from_url("https://media.example.test/v.mp4")
        .title("Hello #world")
        .privacy(PrivacyLevel::SelfOnly)
}

fn file(size: u64) -> PublishVideo {
    PublishVideo::from_file(size, "video/mp4").privacy(PrivacyLevel::SelfOnly)
}

fn begun(upload: Option<&str>) -> String {
    let upload = upload.map(|url| format!(r#","upload_url":"{url}""#)).unwrap_or_default();
    format!(
        r#"{{"data":{{"publish_id":"v_pub.fake-1"{upload}}},"error":{{"code":"ok","message":""}}}}"#
    )
}

fn status(word: &str, more: &str) -> String {
    format!(r#"{{"data":{{"status":"{word}"{more}}},"error":{{"code":"ok","message":""}}}}"#)
}

/// A publication with the progress that its driver keeps.
struct Driver {
    provider: TikTok,
    publication: Box<dyn Publish>,
    progress: Progress,
    now: Timestamp,
}

impl Driver {
    fn new(video: PublishVideo) -> Self {
        let provider = TikTok::new();
        let publication = Box::new(video);
        Self { provider, publication, progress: Progress::default(), now: NOW }
    }

    fn next(&mut self, input: Input) -> Result<PublishNext, Failure> {
        let registration = registration("tiktok");
        let cx = Context::new(self.provider.spec(), &registration, self.now);
        let next = self.publication.next(&cx, &self.progress, input);
        match next {
            Ok(PublishNext::Save(progress)) => {
                self.progress = progress;
                Ok(PublishNext::Save(Progress::default()))
            }
            other => other,
        }
    }

    fn start(&mut self) -> Request {
        match self.next(Input::Start) {
            Ok(PublishNext::Send(request)) => request,
            other => panic!("no request: {other:?}"),
        }
    }

    fn reply(&mut self, status: u16, body: &str) -> Result<PublishNext, Failure> {
        let mut answer = json(status, body);
        answer.now = self.now;
        self.next(Input::Answer(answer))
    }

    /// Gives an answer after which the progress is kept.
    fn save(&mut self, status: u16, body: &str) {
        let next = self.reply(status, body);
        assert!(matches!(next, Ok(PublishNext::Save(_))), "{next:?}");
    }

    fn begin(video: PublishVideo, upload: Option<&str>) -> Self {
        let mut driver = Self::new(video);
        driver.start();
        driver.save(200, &begun(upload));
        driver
    }

    fn has_upload_address(&self) -> bool {
        self.progress.secret.is_some()
    }
}

fn range(request: &Request) -> (String, u64) {
    let header = request
        .headers
        .iter()
        .find(|(name, _)| name == http::header::CONTENT_RANGE)
        .map(|(_, value)| value.clone());
    let Some(Value::Text(text)) = header else { panic!("no Content-Range") };
    let Payload::Media { range, .. } = &request.payload else { panic!("no media") };
    (text, range.end - range.start)
}

#[test]
fn a_video_is_begun_once_and_followed_until_it_is_out() {
    let mut driver = Driver::new(video());
    let request = driver.start();
    assert_eq!(request.effect, Effect::Effect);
    let path = "https://open.tiktokapis.com/v2/post/publish/video/init/";
    assert_eq!(address(&request), path);
    assert_eq!(request.authorization, Authorization::Bearer);
    driver.save(200, &begun(None));
    let request = driver.start();
    assert_eq!(request.effect, Effect::Read);
    let path = "https://open.tiktokapis.com/v2/post/publish/status/fetch/";
    assert_eq!(address(&request), path);
    let next = driver.reply(200, &status("PROCESSING_DOWNLOAD", ""));
    assert!(matches!(next, Ok(PublishNext::Wait(wait)) if wait == Duration::from_secs(5)));
    assert!(matches!(driver.next(Input::Elapsed), Ok(PublishNext::Send(_))));
    let done = status("PUBLISH_COMPLETE", r#","publicaly_available_post_id":[73]"#);
    let next = driver.reply(200, &done);
    assert!(
        matches!(&next, Ok(PublishNext::Published { post: Some(post) }) if post == "73"),
        "{next:?}"
    );
}

#[test]
fn a_file_goes_up_in_chunks_in_order_without_a_token() {
    let mut driver = Driver::new(file(25 * MB));
    driver.start();
    driver.save(200, &begun(Some(UPLOAD)));
    for (chunk, (expected, length)) in
        [("bytes 0-9999999/25000000", 10 * MB), ("bytes 10000000-24999999/25000000", 15 * MB)]
            .into_iter()
            .enumerate()
    {
        let request = driver.start();
        assert_eq!(request.method, http::Method::PUT);
        assert_eq!(request.target, Target::Progress);
        assert_eq!(request.authorization, Authorization::None);
        assert_eq!(request.endpoint, Endpoint::Upload);
        assert_eq!(request.effect, Effect::Idempotent);
        assert_eq!(range(&request), (expected.to_owned(), length));
        driver.save(if chunk == 0 { 206 } else { 201 }, "");
    }
    assert!(!driver.has_upload_address(), "the address is dropped with the upload");
    assert_eq!(driver.start().endpoint, Endpoint::Api);
}

#[test]
fn the_body_says_how_the_file_is_cut() {
    for (size, chunk, expected) in [
        (1, None, Some((1, 1))),
        (5 * MB, None, Some((5 * MB, 1))),
        (5_242_879, None, Some((5_242_879, 1))),
        (9_999_999, None, Some((9_999_999, 1))),
        (10 * MB, None, Some((10 * MB, 1))),
        (19_999_999, None, Some((10 * MB, 1))),
        (20 * MB, None, Some((10 * MB, 2))),
        (50_000_123, None, Some((10 * MB, 5))),
        (20_000 * MB, None, Some((20 * MB, 1000))),
        (128 * MB, Some(64 * MB), Some((64 * MB, 2))),
        (127_999_999, Some(64 * MB), Some((64 * MB, 1))),
        (6 * MB, Some(64 * MB), Some((6 * MB, 1))),
        (0, None, None),
        (100 * MB, Some(65 * MB), None),
        (100 * MB, Some(5 * MB), None),
        (100_000 * MB, None, None),
        (20_000 * MB, Some(10 * MB), None),
        (u64::MAX, None, None),
    ] {
        let mut video = file(size);
        if let Some(chunk) = chunk {
            video = video.chunk_size(chunk);
        }
        assert_eq!(video.check().is_ok(), expected.is_some(), "{size} {chunk:?}");
        let mut driver = Driver::new(video);
        match (driver.next(Input::Start), expected) {
            (Ok(PublishNext::Send(request)), Some((chunk, count))) => {
                let body = text(&request);
                let cut =
                    format!("chunk_size={chunk};source=FILE_UPLOAD;total_chunk_count={count};");
                assert!(body.contains(&cut), "{size}: {body}");
            }
            (Ok(PublishNext::Failed(failure)), None) => {
                assert_eq!(failure.kind, FailureKind::InvalidInput);
            }
            (next, _) => panic!("{size} {chunk:?}: {next:?}"),
        }
    }
}

/// The leaves of a JSON body, `name=value;` each.
fn text(request: &Request) -> String {
    use bailee_providers::Json;

    fn leaves(json: &Json, name: &str, out: &mut String) {
        let value = match json {
            Json::Object(members) => {
                return members.iter().for_each(|(name, value)| leaves(value, name, out));
            }
            Json::Text(text) => text.clone(),
            Json::Integer(number) => number.to_string(),
            Json::Bool(value) => value.to_string(),
            _ => "?".into(),
        };
        out.push_str(&format!("{name}={value};"));
    }

    let Payload::Json(json) = &request.payload else { panic!("no JSON") };
    let mut out = String::new();
    leaves(json, "", &mut out);
    out
}

#[test]
fn what_the_person_did_not_turn_on_is_off() {
    let body = text(&Driver::new(video()).start());
    for off in [
        "disable_comment=true;",
        "disable_duet=true;",
        "disable_stitch=true;",
        "brand_content_toggle=false;",
        "brand_organic_toggle=false;",
        "is_aigc=false;",
        "privacy_level=SELF_ONLY;",
        "title=Hello #world;",
        "source=PULL_FROM_URL;",
    ] {
        assert!(body.contains(off), "{off} {body}");
    }
    let on = video()
        .privacy(PrivacyLevel::PublicToEveryone)
        .allow_comments()
        .allow_duets()
        .allow_stitches()
        .branded_content()
        .own_brand()
        .ai_generated()
        .cover_at(1500);
    let body = text(&Driver::new(on).start());
    for on in [
        "disable_comment=false;",
        "disable_duet=false;",
        "disable_stitch=false;",
        "brand_content_toggle=true;",
        "brand_organic_toggle=true;",
        "is_aigc=true;",
        "video_cover_timestamp_ms=1500;",
    ] {
        assert!(body.contains(on), "{on} {body}");
    }
}

#[test]
fn what_is_not_acceptable_never_leaves() {
    let public = || video().privacy(PrivacyLevel::PublicToEveryone);
    for (video, good) in [
        (video(), true),
        (PublishVideo::from_url("https://media.example.test/v.mp4"), false),
        (video().title("x".repeat(2200)), true),
        (video().title("x".repeat(2201)), false),
        // Beyond the basic plane a character is two code units.
        (video().title("😀".repeat(1100)), true),
        (video().title("😀".repeat(1101)), false),
        (video().title("é".repeat(2200)), true),
        (video().branded_content(), false),
        (public().branded_content(), true),
        (video().own_brand(), true),
        (PublishVideo::from_url("http://a.test/v").privacy(PrivacyLevel::SelfOnly), false),
        (PublishVideo::from_url("fake").privacy(PrivacyLevel::SelfOnly), false),
        (PublishVideo::from_file(1, "image/png").privacy(PrivacyLevel::SelfOnly), false),
        (video().chunk_size(10 * MB), false),
    ] {
        assert_eq!(video.check().is_ok(), good, "{video:?}");
        let next = Driver::new(video.clone()).next(Input::Start).unwrap();
        assert_eq!(matches!(next, PublishNext::Send(_)), good, "{video:?}: {next:?}");
        assert_eq!(matches!(next, PublishNext::Failed(_)), !good, "{video:?}: {next:?}");
    }
}

#[test]
fn an_answer_to_the_beginning_decides_whether_it_may_be_begun_again() {
    enum Then {
        Again,
        Failed,
        Unknown,
    }
    let error = |code: &str| format!(r#"{{"data":{{}},"error":{{"code":"{code}"}}}}"#);
    for (code, body, then) in [
        // Refused for certain, and worth another try.
        (401, error("access_token_invalid"), Then::Again),
        (429, error("rate_limit_exceeded"), Then::Again),
        (200, error("rate_limit_exceeded"), Then::Again),
        // Refused for certain.
        (403, error("spam_risk_too_many_posts"), Then::Failed),
        (403, error("url_ownership_unverified"), Then::Failed),
        (401, error("scope_not_authorized"), Then::Failed),
        (400, error("invalid_params"), Then::Failed),
        (400, String::new(), Then::Failed),
        (302, String::new(), Then::Failed),
        // Nobody can tell.
        (500, error("internal_error"), Then::Unknown),
        (503, String::new(), Then::Unknown),
        (408, String::new(), Then::Unknown),
        (200, String::new(), Then::Unknown),
        (200, "<html>".into(), Then::Unknown),
        (200, r#"{"data":{},"error":{"code":"ok"}}"#.into(), Then::Unknown),
        (200, r#"{"data":{"publish_id":"a b"},"error":{"code":"ok"}}"#.into(), Then::Unknown),
        (200, r#"{"data":{"publish_id":"a"#.into(), Then::Unknown),
    ] {
        let mut driver = Driver::new(video());
        driver.start();
        let next = driver.reply(code, &body);
        let good = match then {
            Then::Again => next.is_err(),
            Then::Failed => matches!(&next, Ok(PublishNext::Failed(_))),
            Then::Unknown => matches!(
                &next,
                Ok(PublishNext::Unknown(failure)) if failure.kind == FailureKind::Ambiguous
            ),
        };
        assert!(good, "{code} {body}: {next:?}");
        assert!(driver.progress.is_beginning());
    }
}

#[test]
fn an_upload_address_elsewhere_ends_the_publication() {
    for address in [
        "http://open-upload.tiktokapis.com/x",
        "https://tiktokapis.com/x",
        "https://eviltiktokapis.com/x",
        "https://open-upload.tiktokapis.com.evil.test/x",
        "https://open-upload.tiktokapis.com@evil.test/x",
        "https://open-upload.tiktokapis.com:8443/x",
        "https://open-upload.tiktokapis.com/x#y",
        "https://169.254.169.254/x",
        "",
    ] {
        let mut driver = Driver::new(file(MB));
        driver.start();
        let next = driver.reply(200, &begun(Some(address)));
        assert!(matches!(next, Ok(PublishNext::Failed(_))), "{address}: {next:?}");
    }
    let regional = "https://open-upload-sg.tiktokapis.com/video/?x=1";
    assert!(Driver::begin(file(MB), Some(regional)).has_upload_address());
    let mut driver = Driver::new(file(MB));
    driver.start();
    assert!(matches!(driver.reply(200, &begun(None)), Ok(PublishNext::Failed(_))));
}

#[test]
fn the_upload_address_is_a_secret_and_stands_in_no_facts() {
    let driver = Driver::begin(file(25 * MB), Some(UPLOAD));
    let facts = String::from_utf8(driver.progress.facts.clone()).unwrap();
    assert!(!facts.contains("fake-token") && !facts.contains("https"), "{facts}");
    assert!(!format!("{:?}", driver.progress).contains("fake"));
    assert!(driver.progress.secret.as_ref().unwrap().expose(|url| url == UPLOAD.as_bytes()));
}

#[test]
fn a_chunk_is_sent_again_when_the_server_is_at_fault() {
    let mut driver = Driver::begin(file(25 * MB), Some(UPLOAD));
    let first = range(&driver.start());
    for code in [500, 503, 429, 408] {
        let next = driver.reply(code, "");
        assert!(matches!(next, Ok(PublishNext::Wait(wait)) if wait >= Duration::from_secs(1)));
        let Ok(PublishNext::Send(again)) = driver.next(Input::Elapsed) else { panic!("{code}") };
        assert_eq!(range(&again), first, "{code}");
    }
    // And when its answer was lost: the driver begins again from what it saved.
    assert_eq!(range(&driver.start()), first);
}

#[test]
fn a_chunk_in_doubt_is_settled_by_what_the_provider_has() {
    let doubt = |uploaded: &str| {
        let mut driver = Driver::begin(file(35 * MB), Some(UPLOAD));
        driver.start();
        driver.save(206, "");
        driver.start();
        driver.save(416, "");
        assert_eq!(driver.start().endpoint, Endpoint::Api);
        let next = driver.reply(200, &status("PROCESSING_UPLOAD", uploaded));
        (driver, next)
    };
    let (mut driver, next) = doubt(r#","uploaded_bytes":20000000"#);
    assert!(matches!(next, Ok(PublishNext::Save(_))), "{next:?}");
    assert_eq!(range(&driver.start()).0, "bytes 20000000-34999999/35000000");
    let (mut driver, next) = doubt(r#","uploaded_bytes":35000000"#);
    assert!(matches!(next, Ok(PublishNext::Save(_))), "{next:?}");
    assert!(!driver.has_upload_address());
    assert_eq!(driver.start().endpoint, Endpoint::Api);
    for less in [r#","uploaded_bytes":10000000"#, r#","uploaded_bytes":0"#, ""] {
        let (_, next) = doubt(less);
        assert!(matches!(next, Ok(PublishNext::Failed(_))), "{less}: {next:?}");
    }
}

#[test]
fn an_upload_ends_with_the_life_of_its_address() {
    let mut driver = Driver::begin(file(25 * MB), Some(UPLOAD));
    driver.now = NOW.plus(Duration::from_secs(3600));
    // No chunk goes to an address that ran out: first it is written down, then TikTok is asked.
    assert!(matches!(driver.next(Input::Start), Ok(PublishNext::Save(_))));
    assert_eq!(driver.start().endpoint, Endpoint::Api);
    let next = driver.reply(200, &status("PROCESSING_UPLOAD", ""));
    assert!(matches!(next, Ok(PublishNext::Failed(_))), "{next:?}");
    for code in [400, 413] {
        let mut driver = Driver::begin(file(MB), Some(UPLOAD));
        driver.start();
        let next = driver.reply(code, "");
        assert!(matches!(next, Ok(PublishNext::Failed(_))), "{code}: {next:?}");
    }
}

#[test]
fn questions_become_rarer_and_end_after_a_day() {
    let mut driver = Driver::begin(video(), None);
    let mut total = Duration::ZERO;
    let mut questions = 0;
    loop {
        driver.now = NOW.plus(total);
        match driver.next(Input::Start) {
            Ok(PublishNext::Send(_)) => {}
            Ok(PublishNext::Unknown(failure)) => {
                assert_eq!(failure.kind, FailureKind::Ambiguous);
                break;
            }
            other => panic!("{other:?}"),
        }
        questions += 1;
        match driver.reply(200, &status("PROCESSING_DOWNLOAD", "")) {
            Ok(PublishNext::Wait(wait)) => total += wait,
            other => panic!("{other:?}"),
        }
    }
    assert!(total >= Duration::from_secs(24 * 3600));
    assert!(questions < 300, "{questions}");
}

#[test]
fn a_question_that_fails_says_nothing_about_the_post() {
    let mut driver = Driver::begin(video(), None);
    driver.start();
    for code in [401, 429, 503] {
        assert!(driver.reply(code, "{}").is_err(), "{code}");
    }
    for (code, body) in [(200, "<html>"), (200, ""), (200, r#"{"data":{},"error":{"code":"ok"}}"#)]
    {
        let next = driver.reply(code, body);
        assert!(matches!(next, Ok(PublishNext::Wait(_))), "{code} {body}: {next:?}");
    }
    let gone = r#"{"data":{},"error":{"code":"invalid_publish_id"}}"#;
    assert!(matches!(driver.reply(400, gone), Ok(PublishNext::Unknown(_))));
}

#[test]
fn a_post_that_failed_says_why() {
    let mut driver = Driver::begin(video(), None);
    driver.start();
    let next = driver.reply(200, &status("FAILED", r#","fail_reason":"video_pull_failed""#));
    let Ok(PublishNext::Failed(failure)) = next else { panic!("{next:?}") };
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert_eq!(failure.code.unwrap().as_str(), "video_pull_failed");
}

#[test]
fn after_a_restart_a_post_is_followed_and_never_begun() {
    let follow = |progress: Progress| {
        let provider = TikTok::new();
        let publication = provider.follow("tiktok.publish_video").unwrap();
        Driver { provider, publication, progress, now: NOW }
    };
    let begun = Driver::begin(video(), None);
    let mut followed = follow(begun.progress);
    assert_eq!(followed.start().endpoint, Endpoint::Api);
    let next = followed.reply(200, &status("PUBLISH_COMPLETE", ""));
    assert!(matches!(next, Ok(PublishNext::Published { post: None })), "{next:?}");

    // Of one that was perhaps begun nothing is known.
    let next = follow(Progress::default()).next(Input::Start);
    assert!(matches!(next, Ok(PublishNext::Unknown(_))), "{next:?}");

    // One whose upload was cut off is watched until its address has run out.
    let cut = Driver::begin(file(25 * MB), Some(UPLOAD));
    let mut followed = follow(cut.progress);
    assert_eq!(followed.start().endpoint, Endpoint::Api);
    let next = followed.reply(200, &status("PROCESSING_UPLOAD", r#","uploaded_bytes":0"#));
    assert!(matches!(next, Ok(PublishNext::Wait(_))), "{next:?}");
    followed.now = NOW.plus(Duration::from_secs(3600));
    followed.start();
    let next = followed.reply(200, &status("PROCESSING_UPLOAD", r#","uploaded_bytes":0"#));
    assert!(matches!(next, Ok(PublishNext::Failed(_))), "{next:?}");
}

#[test]
fn a_progress_that_cannot_be_read_and_an_input_out_of_order_do_nothing() {
    let mut driver = Driver::begin(video(), None);
    driver.progress.facts = b"{}".to_vec();
    assert_eq!(driver.next(Input::Start).unwrap_err().kind, FailureKind::Misuse);
    let mut driver = Driver::new(video());
    assert_eq!(driver.next(Input::Elapsed).unwrap_err().kind, FailureKind::Misuse);
    assert_eq!(driver.next(Input::Verified(true)).unwrap_err().kind, FailureKind::Misuse);
    // An upload whose address was lost is not sent anywhere.
    let mut driver = Driver::begin(file(MB), Some(UPLOAD));
    driver.progress.secret = None;
    assert_eq!(driver.next(Input::Start).unwrap_err().kind, FailureKind::Misuse);
    let stranger = bailee_core::SecretText::copy_from(b"https://evil.example.test/x");
    driver.progress.secret = Some(stranger);
    assert_eq!(driver.next(Input::Start).unwrap_err().kind, FailureKind::Misuse);
}

#[test]
fn the_digest_covers_what_is_posted_and_not_how_it_is_cut() {
    let base = file(25 * MB).title("a");
    let same = base.clone().chunk_size(20 * MB);
    assert_eq!(base.digest(), same.digest());
    for other in [
        file(25 * MB).title("b"),
        file(26 * MB).title("a"),
        base.clone().allow_comments(),
        base.clone().allow_duets(),
        base.clone().privacy(PrivacyLevel::PublicToEveryone),
        base.clone().own_brand(),
        base.clone().cover_at(0),
        base.clone().file_digest([7; 32]),
        video(),
    ] {
        assert_ne!(base.digest(), other.digest(), "{other:?}");
    }
}
