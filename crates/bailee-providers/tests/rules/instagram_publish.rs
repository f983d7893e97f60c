use std::time::Duration;

use bailee_core::{Effect, Timestamp};
use bailee_providers::{
    AccountFacts, Authorization, Context, Failure, FailureKind, Input, Payload, Progress, Provider,
    Publish, PublishNext, Request,
    instagram::{CarouselItem, Instagram, PublishCarousel, PublishPhoto, PublishReel},
};

use crate::support::{NOW, address, json, registration};

const LIMIT: &str =
    r#"{"data":[{"quota_usage":1,"config":{"quota_total":100,"quota_duration":86400}}]}"#;
const PHOTO: &str = "https://media.example/p.jpg";
const VIDEO: &str = "https://media.example/v.mp4";
const API: &str = "https://graph.instagram.com/v26.0/";

fn made(id: u32) -> String {
    format!(r#"{{"id":"{id}"}}"#)
}

fn status(word: &str) -> String {
    format!(r#"{{"status_code":"{word}","id":"1"}}"#)
}

fn broken(subcode: &str) -> String {
    let text = format!("Error: fake text with error code {subcode}");
    format!(r#"{{"status_code":"ERROR","status":"{text}","id":"1"}}"#)
}

fn error(code: &str, subcode: &str) -> String {
    format!(
        r#"{{"error":{{"message":"fake","type":"OAuthException","code":{code},"error_subcode":{subcode}}}}}"#
    )
}

/// A publication with the progress that its driver keeps.
struct Driver {
    provider: Instagram,
    publication: Box<dyn Publish>,
    progress: Progress,
    now: Timestamp,
}

impl Driver {
    fn new(publication: impl Publish + 'static) -> Self {
        Self {
            provider: Instagram::new(),
            publication: Box::new(publication),
            progress: Progress::default(),
            now: NOW,
        }
    }

    fn next(&mut self, input: Input) -> Result<PublishNext, Failure> {
        let registration = registration("instagram");
        let account = AccountFacts::new("17");
        let cx = Context::new(self.provider.spec(), &registration, self.now)
            .with_account(Some(&account));
        match self.publication.next(&cx, &self.progress, input) {
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

    /// Sends what is due and keeps what its answer leads to; gives the request.
    fn step(&mut self, body: &str) -> Request {
        let request = self.start();
        let next = self.reply(200, body);
        assert!(matches!(next, Ok(PublishNext::Save(_))), "{next:?}");
        request
    }

    /// A photo whose container is made.
    fn contained() -> Self {
        let mut driver = Self::new(PublishPhoto::new(PHOTO).caption("hello"));
        driver.step(LIMIT);
        driver.step(&made(100));
        driver
    }

    /// A photo whose container is ready.
    fn ready() -> Self {
        let mut driver = Self::contained();
        driver.step(&status("FINISHED"));
        driver
    }

    /// Goes on as another process would, that has nothing but what was stored.
    fn follow(&mut self) {
        let name = self.publication.facts().name;
        self.publication = self.provider.follow(name).unwrap();
    }

    fn later(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
    }

    /// Loses the answer to the request that publishes, as its driver does.
    fn lose(&mut self) {
        assert_eq!(self.start().effect, Effect::Effect);
        self.progress = self.publication.recover(&self.progress, self.now).unwrap();
    }
}

fn body(request: &Request) -> serde_json::Value {
    let Payload::Json(json) = &request.payload else { panic!("no JSON") };
    plain(json)
}

fn plain(json: &bailee_providers::Json) -> serde_json::Value {
    use bailee_providers::Json;
    match json {
        Json::Bool(value) => (*value).into(),
        Json::Integer(value) => (*value).into(),
        Json::Text(text) => text.as_str().into(),
        Json::Object(members) => serde_json::Value::Object(
            members.iter().map(|(name, value)| (name.to_string(), plain(value))).collect(),
        ),
        other => panic!("not expected: {other:?}"),
    }
}

fn waits(next: Result<PublishNext, Failure>) -> u64 {
    match next {
        Ok(PublishNext::Wait(wait)) => wait.as_secs(),
        other => panic!("no wait: {other:?}"),
    }
}

fn fails(next: Result<PublishNext, Failure>) -> FailureKind {
    match next {
        Ok(PublishNext::Failed(failure)) => failure.kind,
        other => panic!("not failed: {other:?}"),
    }
}

#[test]
fn a_photo_is_contained_asked_after_and_published_once() {
    let photo = PublishPhoto::new(PHOTO).caption("hello #world").alt_text("a duck");
    let mut driver = Driver::new(photo);
    let request = driver.step(LIMIT);
    assert_eq!(address(&request), format!("{API}17/content_publishing_limit"));
    let request = driver.step(&made(100));
    assert_eq!(address(&request), format!("{API}17/media"));
    assert_eq!(request.effect, Effect::Idempotent);
    assert_eq!(request.authorization, Authorization::Bearer);
    let expected = serde_json::json!({
        "image_url": PHOTO, "caption": "hello #world", "alt_text": "a duck",
    });
    assert_eq!(body(&request), expected);
    let request = driver.start();
    assert_eq!(address(&request), format!("{API}100"));
    assert_eq!(request.effect, Effect::Read);
    assert_eq!(waits(driver.reply(200, &status("IN_PROGRESS"))), 60);
    driver.step(&status("FINISHED"));
    let request = driver.start();
    assert_eq!(address(&request), format!("{API}17/media_publish"));
    assert_eq!(request.effect, Effect::Effect);
    assert_eq!(body(&request), serde_json::json!({"creation_id": "100"}));
    let Ok(PublishNext::Published { post }) = driver.reply(200, &made(200)) else {
        panic!("not published")
    };
    assert_eq!(post.as_deref(), Some("200"));
}

#[test]
fn a_reel_has_a_cover_and_may_stand_in_the_feed() {
    let reel = PublishReel::new(VIDEO).caption("look").cover_at(1500).share_to_feed(false);
    let mut driver = Driver::new(reel);
    driver.step(LIMIT);
    let expected = serde_json::json!({
        "media_type": "REELS", "video_url": VIDEO, "caption": "look",
        "thumb_offset": 1500, "share_to_feed": false,
    });
    assert_eq!(body(&driver.start()), expected);
    let mut driver = Driver::new(PublishReel::new(VIDEO).cover("https://media.example/c.jpg"));
    driver.step(LIMIT);
    assert_eq!(body(&driver.start())["cover_url"], "https://media.example/c.jpg");
}

#[test]
fn a_carousel_is_made_of_its_items_once_all_of_them_are_ready() {
    let items = [CarouselItem::photo(PHOTO).alt_text("a duck"), CarouselItem::video(VIDEO)];
    let mut driver = Driver::new(PublishCarousel::new(items).caption("both"));
    driver.step(LIMIT);
    let photo = serde_json::json!({
        "image_url": PHOTO, "is_carousel_item": true, "alt_text": "a duck",
    });
    assert_eq!(body(&driver.step(&made(1))), photo);
    let video =
        serde_json::json!({"media_type": "VIDEO", "video_url": VIDEO, "is_carousel_item": true});
    // Another process goes on here: it has the second item from the store.
    driver.follow();
    assert_eq!(body(&driver.step(&made(2))), video);
    assert_eq!(address(&driver.step(&status("FINISHED"))), format!("{API}1"));
    assert_eq!(address(&driver.start()), format!("{API}2"));
    assert_eq!(waits(driver.reply(200, &status("IN_PROGRESS"))), 60);
    driver.step(&status("FINISHED"));
    let parent =
        serde_json::json!({"media_type": "CAROUSEL", "children": "1,2", "caption": "both"});
    assert_eq!(body(&driver.step(&made(3))), parent);
    assert_eq!(address(&driver.step(&status("FINISHED"))), format!("{API}3"));
    assert_eq!(body(&driver.start())["creation_id"], "3");
}

#[test]
fn what_is_not_acceptable_never_leaves() {
    let two = || [CarouselItem::photo(PHOTO), CarouselItem::photo(PHOTO)];
    let many = |n: usize| PublishCarousel::new((0..n).map(|_| CarouselItem::photo(PHOTO)));
    let photo = || PublishPhoto::new(PHOTO);
    let tags = |mark: &str, n: usize| format!("{mark}tag ").repeat(n);
    let good: Vec<(&str, Box<dyn Publish>)> = vec![
        ("a long caption", Box::new(photo().caption("é".repeat(2200)))),
        ("thirty hashtags", Box::new(photo().caption(tags("#", 30)))),
        ("twenty mentions", Box::new(photo().caption(tags("@", 20)))),
        ("addresses of mail", Box::new(photo().caption(tags("a@", 21)))),
        ("a long alternative text", Box::new(photo().alt_text("é".repeat(1000)))),
        ("two items", Box::new(PublishCarousel::new(two()))),
        ("ten items", Box::new(many(10))),
    ];
    let bad: Vec<(&str, Box<dyn Publish>)> = vec![
        ("caption", Box::new(photo().caption("é".repeat(2201)))),
        ("hashtags", Box::new(photo().caption(tags("#", 31)))),
        ("mentions", Box::new(photo().caption(tags("@", 21)))),
        ("alternative text", Box::new(photo().alt_text("é".repeat(1001)))),
        ("http", Box::new(PublishPhoto::new("http://media.example/p.jpg"))),
        ("no host", Box::new(PublishPhoto::new("https://localhost/p.jpg"))),
        ("an address of numbers", Box::new(PublishPhoto::new("https://127.0.0.1/p.jpg"))),
        ("a user", Box::new(PublishPhoto::new("https://u:p@media.example/p.jpg"))),
        ("a fragment", Box::new(PublishPhoto::new("https://media.example/p.jpg#x"))),
        ("a file", Box::new(PublishReel::new("file:///etc/passwd"))),
        ("a cover", Box::new(PublishReel::new(VIDEO).cover("http://media.example/c.jpg"))),
        ("two covers", Box::new(PublishReel::new(VIDEO).cover(PHOTO).cover_at(1))),
        ("a late cover", Box::new(PublishReel::new(VIDEO).cover_at(15 * 60 * 1000 + 1))),
        ("one item", Box::new(many(1))),
        ("eleven items", Box::new(many(11))),
        (
            "an alternative text of a video",
            Box::new(PublishCarousel::new([
                CarouselItem::photo(PHOTO),
                CarouselItem::video(VIDEO).alt_text("a duck"),
            ])),
        ),
    ];
    let begin = |publication: &dyn Publish| {
        let registration = registration("instagram");
        let provider = Instagram::new();
        let account = AccountFacts::new("17");
        let cx = Context::new(provider.spec(), &registration, NOW).with_account(Some(&account));
        publication.next(&cx, &Progress::default(), Input::Start)
    };
    for (what, publication) in good {
        let next = begin(&*publication);
        assert!(matches!(next, Ok(PublishNext::Send(_))), "{what}: {next:?}");
    }
    for (what, publication) in bad {
        let next = begin(&*publication);
        assert!(matches!(next, Ok(PublishNext::Failed(_))), "{what}: {next:?}");
    }
    assert!(format!("{}", photo().caption("é".repeat(2201)).check().unwrap_err()).contains("2200"));
}

#[test]
fn nothing_begins_where_the_account_has_published_as_much_as_it_may() {
    let mut driver = Driver::new(PublishPhoto::new(PHOTO));
    driver.start();
    let full = LIMIT.replace("\"quota_usage\":1", "\"quota_usage\":100");
    let failure = driver.reply(200, &full).unwrap_err();
    assert_eq!(failure.kind, FailureKind::RateLimited);
    assert_eq!(failure.code.as_ref().unwrap().as_str(), "2207042");
    assert_eq!(failure.scope, Some(bailee_providers::spec::LimitScope::Account));
    assert!(driver.progress.is_beginning());
    // Where the limit is not told, the publication is what finds out.
    for (code, body) in [(200, r#"{"data":[]}"#.to_owned()), (400, error("100", "33"))] {
        let mut driver = Driver::new(PublishPhoto::new(PHOTO));
        driver.start();
        assert!(matches!(driver.reply(code, &body), Ok(PublishNext::Save(_))));
    }
    for (code, kind) in [("190", FailureKind::AccessRejected), ("10", FailureKind::ScopeMissing)] {
        let mut driver = Driver::new(PublishPhoto::new(PHOTO));
        driver.start();
        assert_eq!(driver.reply(400, &error(code, "null")).unwrap_err().kind, kind);
    }
}

#[test]
fn a_lost_answer_is_asked_for_and_nothing_is_published_twice() {
    let mut driver = Driver::ready();
    driver.lose();
    let request = driver.start();
    assert_eq!((address(&request), request.effect), (&*format!("{API}100"), Effect::Read));
    let next = driver.reply(200, &status("PUBLISHED"));
    assert!(matches!(next, Ok(PublishNext::Published { post: None })), "{next:?}");

    // Not out yet: it is asked again and never sent again, until a person has to look.
    let mut driver = Driver::ready();
    driver.lose();
    driver.follow();
    for word in ["FINISHED", "IN_PROGRESS", "FINISHED"] {
        assert_eq!(driver.start().effect, Effect::Read);
        assert_eq!(waits(driver.reply(200, &status(word))), 60);
        driver.later(60);
    }
    driver.later(900);
    let next = driver.next(Input::Elapsed);
    assert!(matches!(next, Ok(PublishNext::Unknown(_))), "{next:?}");

    // What ran out or broke was not published.
    for body in [status("EXPIRED"), broken("2207053")] {
        let mut driver = Driver::ready();
        driver.lose();
        driver.start();
        let next = driver.reply(200, &body);
        assert!(matches!(next, Ok(PublishNext::Failed(_))), "{next:?}");
    }
}

#[test]
fn an_answer_that_says_nothing_certain_is_as_good_as_lost() {
    for (code, body) in [
        (500, String::new()),
        (503, error("2", "null")),
        (400, error("1", "null")),
        (400, error("-1", "2207001")),
        (200, "{}".to_owned()),
        (200, r#"{"id":"<b>"}"#.to_owned()),
        (200, error("987654", "null")),
        (302, String::new()),
    ] {
        let mut driver = Driver::ready();
        driver.start();
        let next = driver.reply(code, &body);
        assert!(matches!(next, Ok(PublishNext::Save(_))), "{code} {body}: {next:?}");
        assert_eq!(address(&driver.start()), format!("{API}100"), "{code} {body}");
    }
}

#[test]
fn a_refusal_to_publish_is_certain() {
    let refused = |code: &str, subcode: &str| {
        let mut driver = Driver::ready();
        driver.start();
        driver.reply(400, &error(code, subcode))
    };
    assert_eq!(fails(refused("24", "2207006")), FailureKind::InvalidInput);
    assert_eq!(fails(refused("4", "2207051")), FailureKind::Blocked);
    assert_eq!(fails(refused("190", "458")), FailureKind::GrantOver);
    // After these it goes on where it is.
    let failure = refused("190", "463").unwrap_err();
    assert_eq!(failure.kind, FailureKind::AccessRejected);
    let failure = refused("9", "2207042").unwrap_err();
    assert_eq!(failure.kind, FailureKind::RateLimited);
    // It was not ready after all: it is waited for, and then published.
    let mut driver = Driver::ready();
    driver.start();
    assert!(matches!(driver.reply(400, &error("9007", "2207027")), Ok(PublishNext::Save(_))));
    assert_eq!(waits(driver.next(Input::Start)), 60);
    driver.later(60);
    driver.step(&status("FINISHED"));
    assert_eq!(driver.start().effect, Effect::Effect);
}

#[test]
fn a_container_that_broke_for_a_passing_reason_is_made_again_twice() {
    let mut driver = Driver::contained();
    for _ in 0..2 {
        driver.step(&broken("2207052"));
        assert_eq!(waits(driver.next(Input::Start)), 60);
        driver.later(60);
        assert_eq!(address(&driver.step(&made(101))), format!("{API}17/media"));
    }
    driver.start();
    assert_eq!(fails(driver.reply(200, &broken("2207052"))), FailureKind::Unavailable);

    // The same where it was not even made.
    let mut driver = Driver::new(PublishPhoto::new(PHOTO));
    driver.step(LIMIT);
    driver.start();
    let next = driver.reply(400, &error("-2", "2207003"));
    assert!(matches!(next, Ok(PublishNext::Save(_))), "{next:?}");
    assert_eq!(waits(driver.next(Input::Start)), 60);
}

#[test]
fn of_a_carousel_only_the_broken_item_is_made_again() {
    let items = [CarouselItem::photo(PHOTO), CarouselItem::video(VIDEO)];
    let mut driver = Driver::new(PublishCarousel::new(items));
    for body in [LIMIT, &made(1), &made(2), &status("FINISHED"), &broken("2207082")] {
        driver.step(body);
    }
    driver.later(60);
    assert_eq!(body(&driver.step(&made(4)))["video_url"], VIDEO);
    assert_eq!(address(&driver.step(&status("FINISHED"))), format!("{API}4"));
    assert_eq!(body(&driver.start())["children"], "1,4");
}

#[test]
fn subcodes_in_the_text_of_a_broken_container_are_what_the_table_says() {
    use FailureKind::*;
    for (subcode, kind) in [
        ("2207026", InvalidInput),
        ("2207057", InvalidInput),
        ("2207077", InvalidInput),
        ("2207050", Blocked),
        ("2207999", Blocked),
        ("none", Blocked),
    ] {
        let mut driver = Driver::contained();
        driver.start();
        assert_eq!(fails(driver.reply(200, &broken(subcode))), kind, "{subcode}");
    }
    let mut driver = Driver::contained();
    driver.start();
    let next = driver.reply(200, &broken("2207026"));
    assert!(!format!("{next:?}").contains("fake"), "{next:?}");
}

#[test]
fn a_container_that_is_never_ready_is_given_up_after_its_day() {
    let mut driver = Driver::contained();
    let mut asked = 0;
    let outcome = loop {
        match driver.next(Input::Elapsed) {
            Ok(PublishNext::Send(_)) => {}
            other => break other,
        }
        asked += 1;
        let wait = waits(driver.reply(200, &status("IN_PROGRESS")));
        driver.later(wait);
    };
    assert_eq!(fails(outcome), FailureKind::Unavailable);
    assert!((20..200).contains(&asked), "{asked}");
}

#[test]
fn what_is_published_lies_in_the_sealed_part_until_instagram_has_it() {
    let mut driver = Driver::contained();
    let facts = String::from_utf8(driver.progress.facts.clone()).unwrap();
    assert!(!facts.contains("hello") && !facts.contains("media.example"), "{facts}");
    assert!(driver.progress.secret.is_some());
    driver.step(&status("FINISHED"));
    assert!(driver.progress.secret.is_none());
    let photo = PublishPhoto::new(PHOTO).caption("hello").alt_text("a duck");
    let printed = format!("{photo:?} {:?}", CarouselItem::photo(PHOTO));
    assert!(!printed.contains("hello") && !printed.contains("media"), "{printed}");
}

#[test]
fn the_digest_covers_everything() {
    let digests = [
        PublishPhoto::new(PHOTO).digest(),
        PublishPhoto::new(VIDEO).digest(),
        PublishPhoto::new(PHOTO).caption("").digest(),
        PublishPhoto::new(PHOTO).caption("a").digest(),
        PublishPhoto::new(PHOTO).alt_text("a").digest(),
        PublishReel::new(PHOTO).digest(),
        PublishReel::new(PHOTO).cover_at(0).digest(),
        PublishReel::new(PHOTO).cover(VIDEO).digest(),
        PublishReel::new(PHOTO).share_to_feed(true).digest(),
        PublishReel::new(PHOTO).share_to_feed(false).digest(),
        PublishCarousel::new([CarouselItem::photo(PHOTO)]).digest(),
        PublishCarousel::new([CarouselItem::video(PHOTO)]).digest(),
    ];
    for (n, digest) in digests.iter().enumerate() {
        assert!(!digests[..n].contains(digest), "{n}");
    }
    assert_eq!(PublishPhoto::new(PHOTO).digest(), digests[0]);
}
