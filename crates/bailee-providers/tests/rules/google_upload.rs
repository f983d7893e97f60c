use std::time::Duration;

use bailee_core::{Effect, Timestamp};
use bailee_providers::{
    Answer, Authorization, Context, Endpoint, Failure, FailureKind, Input, Payload, Progress,
    Provider, Publish, PublishNext, Request, Target, Value,
    google::{Google, UploadFile},
};

use crate::support::{NOW, address, answer, json, registration};

const STEP: u64 = 256 * 1024;
const SESSION: &str =
    "https://www.googleapis.com/upload/drive/v3/files?uploadType=resumable&upload_id=fake-session";
const DAY: Duration = Duration::from_secs(86_400);

fn file(size: u64) -> UploadFile {
    UploadFile::new("report.pdf", size, "application/pdf").part_size(STEP)
}

/// An upload with the progress that its driver keeps.
struct Driver {
    provider: Google,
    publication: Box<dyn Publish>,
    progress: Progress,
    now: Timestamp,
}

impl Driver {
    fn new(file: UploadFile) -> Self {
        let (provider, publication) = (Google::new(), Box::new(file));
        Self { provider, publication, progress: Progress::default(), now: NOW }
    }

    /// One whose session is open.
    fn opened(size: u64) -> Self {
        let mut driver = Self::new(file(size));
        driver.start();
        driver.save(answer(200, &[("location", SESSION)], b""));
        driver
    }

    fn next(&mut self, input: Input) -> Result<PublishNext, Failure> {
        let registration = registration("google");
        let cx = Context::new(self.provider.spec(), &registration, self.now);
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

    fn reply(&mut self, mut answer: Answer) -> Result<PublishNext, Failure> {
        answer.now = self.now;
        self.next(Input::Answer(answer))
    }

    fn save(&mut self, answer: Answer) {
        let next = self.reply(answer);
        assert!(matches!(next, Ok(PublishNext::Save(_))), "{next:?}");
    }

    /// Asks, is told that nothing is new, and sends what comes next.
    fn part(&mut self, received: u64) -> Request {
        assert_eq!(content_range(&self.start()), format!("bytes */{}", self.total()));
        match self.reply(more(received)) {
            Ok(PublishNext::Send(request)) => request,
            other => panic!("no part: {other:?}"),
        }
    }

    fn total(&self) -> u64 {
        self.publication.media().unwrap().size
    }
}

fn more(received: u64) -> Answer {
    match received {
        0 => answer(308, &[], b""),
        _ => answer(308, &[("range", &format!("bytes=0-{}", received - 1))], b""),
    }
}

fn content_range(request: &Request) -> String {
    let range = request.headers.iter().find(|(name, _)| *name == "content-range").unwrap();
    let Value::Text(range) = &range.1 else { panic!("no text") };
    range.clone()
}

#[test]
fn a_session_is_opened_with_the_facts_of_the_file() {
    let mut driver = Driver::new(file(10).into_folder("folder-1"));
    let request = driver.start();
    assert_eq!(address(&request), "https://www.googleapis.com/upload/drive/v3/files");
    assert_eq!(request.query[0], ("uploadType".into(), Value::text("resumable")));
    assert_eq!(request.authorization, Authorization::Bearer);
    assert_eq!(request.endpoint, Endpoint::Api);
    // Two sessions are no two files.
    assert_eq!(request.effect, Effect::Idempotent);
    for header in [("x-upload-content-type", "application/pdf"), ("x-upload-content-length", "10")]
    {
        let found = request.headers.iter().find(|(name, _)| *name == header.0).unwrap();
        assert_eq!(found.1, Value::text(header.1));
    }
    driver.save(answer(200, &[("location", SESSION)], b""));
    let secret = driver.progress.secret.as_ref().unwrap();
    assert!(secret.expose(|address| address == SESSION.as_bytes()));
    assert!(!String::from_utf8_lossy(&driver.progress.facts).contains("fake-session"));
}

#[test]
fn out_04_a_session_elsewhere_is_not_used() {
    for address in [
        "",
        "https://evil.example/upload?upload_id=1",
        "http://www.googleapis.com/upload?upload_id=1",
        "https://www.googleapis.com.evil.example/upload",
        "https://user@www.googleapis.com/upload",
        "https://www.googleapis.com:8443/upload",
        "/upload?upload_id=1",
    ] {
        let mut driver = Driver::new(file(10));
        driver.start();
        let next = driver.reply(answer(200, &[("location", address)], b""));
        assert!(matches!(next, Ok(PublishNext::Failed(_))), "{address}: {next:?}");
    }
    let mut driver = Driver::new(file(10));
    driver.start();
    let next = driver.reply(answer(200, &[], b""));
    assert!(matches!(next, Ok(PublishNext::Failed(_))), "{next:?}");
    // What was stored is checked again.
    let mut driver = Driver::opened(10);
    let facts = driver.progress.facts.clone();
    let evil = bailee_core::SecretText::copy_from(b"https://evil.example/upload");
    driver.progress = Progress::new(facts, Some(evil));
    assert_eq!(driver.next(Input::Start).unwrap_err().kind, FailureKind::Misuse);
}

#[test]
fn parts_follow_each_other_until_the_file_is_there() {
    let total = 2 * STEP + 10;
    let mut driver = Driver::opened(total);
    let mut ranges = Vec::new();
    for received in [0, STEP] {
        let request = driver.part(received);
        assert_eq!(request.target, Target::Progress);
        assert_eq!(request.endpoint, Endpoint::Upload);
        assert_eq!(request.authorization, Authorization::None);
        assert_eq!(request.effect, Effect::Idempotent);
        let Payload::Media { range, .. } = &request.payload else { panic!("no media") };
        assert_eq!(*range, received..received + STEP);
        ranges.push(content_range(&request));
        driver.save(more(received + STEP));
    }
    // Before the last part it is written down that the file may be there from now on.
    driver.start();
    driver.save(more(2 * STEP));
    let request = driver.part(2 * STEP);
    ranges.push(content_range(&request));
    assert_eq!(
        ranges,
        ["bytes 0-262143/524298", "bytes 262144-524287/524298", "bytes 524288-524297/524298"]
    );
    let next = driver.reply(json(200, r#"{"id":"fake-file"}"#));
    assert!(
        matches!(&next, Ok(PublishNext::Published { post: Some(id) }) if id == "fake-file"),
        "{next:?}"
    );
}

#[test]
fn after_an_interruption_the_session_says_where_to_go_on() {
    let mut driver = Driver::opened(4 * STEP);
    driver.part(0);
    // The answer was lost: the driver begins again from what it kept. Only a half arrived.
    driver.start();
    driver.save(more(STEP / 2));
    let request = driver.part(STEP / 2);
    assert_eq!(content_range(&request), "bytes 131072-393215/1048576");
    // An answer that names the range in the other form of the documentation.
    driver.save(answer(308, &[("range", "0-393215")], b""));
    driver.part(393_216);
    // The file was complete and its answer was lost.
    driver.start();
    let next = driver.reply(json(201, r#"{"id":"fake-file"}"#));
    assert!(matches!(next, Ok(PublishNext::Published { .. })), "{next:?}");
}

#[test]
fn what_a_session_cannot_have_is_not_believed() {
    for (range, received) in [
        ("bytes=0-1048575", "all"),
        ("bytes=0-524288", "more than was sent"),
        ("bytes=0-18446744073709551615", "more than there is"),
        ("bytes=5-10", "not from the beginning"),
        ("bytes=0-x", "nothing that can be read"),
    ] {
        let mut driver = Driver::opened(4 * STEP);
        driver.part(0);
        let next = driver.reply(answer(308, &[("range", range)], b""));
        assert!(matches!(next, Ok(PublishNext::Failed(_))), "{received}: {next:?}");
    }
    // It does not lose what it had.
    let mut driver = Driver::opened(4 * STEP);
    driver.part(0);
    driver.save(more(STEP));
    driver.start();
    let next = driver.reply(more(0));
    assert!(matches!(next, Ok(PublishNext::Failed(_))), "{next:?}");
}

#[test]
fn a_session_that_is_gone_is_opened_anew_only_while_there_can_be_no_file() {
    let mut driver = Driver::opened(2 * STEP);
    driver.part(0);
    // Just opened: another one would fare no better.
    driver.start();
    assert_eq!(driver.reply(json(404, "")).unwrap_err().kind, FailureKind::Unavailable);
    driver.now = NOW.plus(7 * DAY);
    driver.start();
    driver.save(json(404, ""));
    assert!(driver.progress.is_beginning() && driver.progress.secret.is_none());
    assert_eq!(address(&driver.start()), "https://www.googleapis.com/upload/drive/v3/files");

    let mut driver = Driver::opened(10);
    driver.start();
    driver.save(more(0));
    driver.part(0);
    driver.now = NOW.plus(7 * DAY);
    driver.start();
    let next = driver.reply(json(410, ""));
    let ambiguous = |next: &Result<PublishNext, Failure>| matches!(next, Ok(PublishNext::Unknown(failure)) if failure.kind == FailureKind::Ambiguous);
    assert!(ambiguous(&next), "{next:?}");
    driver.start();
    let next = driver.reply(json(403, ""));
    assert!(ambiguous(&next), "{next:?}");
}

#[test]
fn faults_that_pass_are_waited_for_and_others_end_it() {
    let mut driver = Driver::opened(2 * STEP);
    for (status, header, seconds) in [(500, None, 5), (503, Some("7"), 7), (429, Some("0"), 1)] {
        driver.start();
        let headers: Vec<_> = header.map(|value| ("retry-after", value)).into_iter().collect();
        let next = driver.reply(answer(status, &headers, b""));
        let expected = Duration::from_secs(seconds);
        assert!(matches!(next, Ok(PublishNext::Wait(wait)) if wait == expected), "{next:?}");
        assert!(matches!(driver.next(Input::Elapsed), Ok(PublishNext::Send(_))));
    }
    let reason =
        |reason: &str| json(403, &format!(r#"{{"error":{{"errors":[{{"reason":"{reason}"}}]}}}}"#));
    driver.start();
    let next = driver.reply(reason("userRateLimitExceeded"));
    assert!(matches!(next, Ok(PublishNext::Wait(_))), "{next:?}");
    driver.start();
    let next = driver.reply(reason("storageQuotaExceeded"));
    assert!(
        matches!(&next, Ok(PublishNext::Failed(failure)) if failure.kind == FailureKind::Blocked),
        "{next:?}"
    );
    // No token was sent, so none is refreshed.
    driver.start();
    let next = driver.reply(json(401, ""));
    assert!(matches!(next, Ok(PublishNext::Failed(_))), "{next:?}");

    let mut driver = Driver::new(file(10));
    for (status, kind) in [
        (401, FailureKind::AccessRejected),
        (429, FailureKind::RateLimited),
        (503, FailureKind::Unavailable),
    ] {
        driver.start();
        assert_eq!(driver.reply(json(status, "{}")).unwrap_err().kind, kind);
    }
    driver.start();
    let next = driver.reply(json(403, "{}"));
    assert!(matches!(next, Ok(PublishNext::Failed(_))), "{next:?}");
}

#[test]
fn what_drive_would_not_take_is_not_sent() {
    for wrong in [
        UploadFile::new("", 1, "text/plain"),
        UploadFile::new("a\nb", 1, "text/plain"),
        UploadFile::new("a", 0, "text/plain"),
        UploadFile::new("a", 6_000_000_000_000, "text/plain"),
        UploadFile::new("a", 1, "text"),
        UploadFile::new("a", 1, "text/plain\r\nX: y"),
        UploadFile::new("a", 1, "text/plain").into_folder("../x"),
        UploadFile::new("a", 1, "text/plain").part_size(0),
        UploadFile::new("a", 1, "text/plain").part_size(STEP + 1),
        UploadFile::new("a", 1, "text/plain").part_size(65 * 1024 * 1024),
    ] {
        assert!(wrong.check().is_err());
        let next = Driver::new(wrong).next(Input::Start);
        assert!(matches!(next, Ok(PublishNext::Failed(_))), "{next:?}");
    }
}

#[test]
fn another_process_looks_what_became_of_it() {
    let follow = |driver: &mut Driver| {
        driver.publication = driver.provider.follow("google.upload_file").unwrap();
    };
    assert!(Google::new().follow("google.send_mail").is_none());
    let mut driver = Driver::opened(2 * STEP);
    follow(&mut driver);
    driver.start();
    let next = driver.reply(more(STEP));
    assert!(matches!(next, Ok(PublishNext::Wait(_))), "{next:?}");
    driver.start();
    let next = driver.reply(json(200, r#"{"id":"fake-file"}"#));
    assert!(matches!(next, Ok(PublishNext::Published { .. })), "{next:?}");
    driver.now = NOW.plus(7 * DAY);
    driver.start();
    let next = driver.reply(more(STEP));
    assert!(matches!(next, Ok(PublishNext::Failed(_))), "{next:?}");
    driver.start();
    let next = driver.reply(json(404, ""));
    assert!(matches!(next, Ok(PublishNext::Failed(_))), "{next:?}");
}

#[test]
fn the_digest_covers_what_is_uploaded() {
    let digests: Vec<[u8; 32]> = [
        file(10),
        file(11),
        UploadFile::new("other.pdf", 10, "application/pdf"),
        UploadFile::new("report.pdf", 10, "text/plain"),
        file(10).into_folder("f"),
        file(10).file_digest([1; 32]),
    ]
    .iter()
    .map(Publish::digest)
    .collect();
    for (n, digest) in digests.iter().enumerate() {
        assert!(!digests[..n].contains(digest), "{n}");
    }
    assert_eq!(file(10).digest(), file(10).part_size(2 * STEP).digest());
}
