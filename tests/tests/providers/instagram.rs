//! Instagram: the cases, whole lives with photos, reels and carousels, and what must not leak of
//! addresses that hold secrets.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by it as the tests do")]

use std::{
    fmt::Write as _,
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bailee::{
    Acting, BeginOptions, ConnectionRef, ConnectionState, ErrorKind, Happened, IdempotencyKey,
    Publication, PublicationState, RefusalReason, Remedy, Result, Visitor,
    core::ScopeName,
    providers::{
        Operation, OperationFacts, Provider, Publish,
        instagram::{
            CarouselItem, Instagram, PostKind, PublishCarousel, PublishPhoto, PublishReel,
            PublishingLimit, ReadPost,
        },
    },
    store::Store,
};
use bailee_testkit::{
    Declared, PURPOSE, World,
    conformance::Contender,
    emulator::{self, Account, Decision, Endpoint, Fault, Played, instagram::UserId},
};
use bailee_tests::{Halt, Stopping, drill::Tasks};
use tracing_subscriber::filter::LevelFilter;

use crate::{held::hold, stored::Stored};

const PHOTO: &str = "https://media.example/duck.jpg";
const VIDEO: &str = "https://media.example/duck.mp4";
const CAPTION: &str = "What the person wrote of a duck";

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(Instagram::new())
    }

    fn played(&self) -> Played {
        emulator::instagram::Instagram::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["instagram_business_basic", "instagram_business_content_publish"]
            .map(ScopeName::from_static)
            .to_vec()
    }

    fn operation(&self) -> OperationFacts {
        PublishingLimit.facts().clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &PublishingLimit).await.map(|_| ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instagram_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

fn declared() -> Declared {
    Declared::of(Instagram::new().spec())
        .operation(Publish::facts(&PublishPhoto::new(PHOTO)))
        .operation(Publish::facts(&PublishReel::new(VIDEO)))
        .operation(Publish::facts(&PublishCarousel::new([])))
        .operation(Operation::facts(&PublishingLimit))
        .operation(Operation::facts(&ReadPost::new("1")))
}

async fn connected(played: emulator::instagram::Instagram) -> (Stored, Visitor, ConnectionRef) {
    let stored = Stored::play(&declared(), played).await;
    let ada = stored.world.visitor("ada");
    let connection = stored.world.connect(&ada, "instagram", &[PURPOSE]).await.unwrap();
    (stored, ada, connection)
}

fn key(name: &str) -> IdempotencyKey {
    IdempotencyKey::new(name).unwrap()
}

fn photo() -> PublishPhoto {
    PublishPhoto::new(PHOTO).caption(CAPTION).alt_text("a duck on a lake")
}

/// Lets the worker go on for some minutes.
async fn minutes(w: &World, minutes: u64) {
    for _ in 0..minutes {
        w.advance(Duration::from_secs(60));
        w.settle().await;
    }
}

/// Publishes and lets the worker do the rest.
async fn publish(
    w: &World,
    ada: &Visitor,
    connection: &ConnectionRef,
    name: &str,
    what: impl Publish + 'static,
) -> Publication {
    let acting = w.bailee.acting(ada, &PURPOSE);
    let begun = acting.publish(connection, &key(name), what).await.unwrap();
    assert_eq!(begun.state, PublicationState::Processing);
    minutes(w, 5).await;
    acting.publication(connection, &key(name)).await.unwrap()
}

fn posts(w: &World) -> usize {
    w.site("instagram").written("post").len()
}

#[tokio::test]
async fn photos_reels_and_carousels_come_out_and_are_found_again() {
    let (stored, ada, connection) = connected(emulator::instagram::Instagram::new()).await;
    let w = &stored.world;
    let status = w.bailee.connections().status(&ada, &connection).await.unwrap();
    assert_eq!(status.display.as_deref(), Some("handle_ada"));

    let items = [
        CarouselItem::photo(PHOTO).alt_text("a duck on a lake"),
        CarouselItem::video(VIDEO),
        CarouselItem::photo(PHOTO),
    ];
    let carousel = PublishCarousel::new(items).caption(CAPTION);
    let reel = PublishReel::new(VIDEO).caption(CAPTION).cover_at(1500).share_to_feed(true);
    let done = [
        (publish(w, &ada, &connection, "photo", photo()).await, PostKind::Image),
        (publish(w, &ada, &connection, "reel", reel).await, PostKind::Video),
        (publish(w, &ada, &connection, "carousel", carousel).await, PostKind::Carousel),
    ];
    let acting = w.bailee.acting(&ada, &PURPOSE);
    for (publication, kind) in done {
        assert_eq!(publication.state, PublicationState::Published, "{publication:?}");
        let post = ReadPost::new(publication.post.unwrap());
        let post = acting.call(&connection, &post).await.unwrap();
        assert_eq!(post.kind, Some(kind));
        assert!(post.permalink.unwrap().starts_with("https://www.instagram.com/p/"));
    }
    assert_eq!(posts(w), 3);
    let allowance = acting.call(&connection, &PublishingLimit).await.unwrap();
    assert_eq!((allowance.used, allowance.total), (3, Some(100)));
    // The same key again is the same post.
    let again = acting.publish(&connection, &key("photo"), photo()).await.unwrap();
    assert_eq!((again.state, posts(w)), (PublicationState::Published, 3));
    stored.assert_nothing_shows(&[CAPTION, PHOTO, "a duck on a lake", "handle_ada"]).await;
}

#[tokio::test]
async fn the_token_renews_itself_while_nobody_looks_and_a_disconnect_says_what_remains() {
    let mut played = emulator::instagram::Instagram::new();
    played.ends_renewed = true;
    played.ends_short = true;
    played.wrapped_tokens = false;
    played.token_user = UserId::AppScoped;
    played.token_user_is_number = true;
    played.wrapped_me = true;
    played.written_types = true;
    let (stored, ada, connection) = connected(played).await;
    let w = &stored.world;
    let site = w.site("instagram");
    // Ten weeks, in each of which a worker runs.
    for _ in 0..10 {
        w.advance(Duration::from_secs(7 * 86_400));
        w.settle().await;
    }
    let renewals = site.count(Endpoint::Refresh);
    assert!((3..=4).contains(&renewals), "{renewals}");
    let acting = w.bailee.acting(&ada, &PURPOSE);
    acting.call(&connection, &PublishingLimit).await.unwrap();
    assert_eq!(site.live_tokens().len(), 1);

    let receipt = w.bailee.connections().disconnect(&ada, &connection).await.unwrap();
    assert!(!receipt.confirmed, "{receipt:?}");
    assert_eq!(receipt.steps.len(), 3);
    assert_eq!(site.count(Endpoint::Revoke), 0);
    stored.assert_nothing_shows(&["handle_ada"]).await;
}

#[tokio::test]
async fn a_post_whose_answer_was_lost_is_found_out_and_never_made_again() {
    let mut played = emulator::instagram::Instagram::new();
    played.lost_publishes = 1;
    let (stored, ada, connection) = connected(played).await;
    let w = &stored.world;
    let published = publish(w, &ada, &connection, "photo", photo()).await;
    assert_eq!((published.state, posts(w)), (PublicationState::Published, 1));
    assert_eq!(published.post, None);
    let told: Vec<Happened> = w.events.all().into_iter().map(|event| event.what).collect();
    let publication = published.id;
    assert!(told.contains(&Happened::Published { publication }), "{told:?}");
    // Every word of the audit log is in its catalogue, and nothing of the post is.
    stored.assert_nothing_shows(&[CAPTION]).await;
}

#[tokio::test]
async fn what_did_not_arrive_is_asked_after_and_left_to_the_person() {
    let (stored, ada, connection) = connected(emulator::instagram::Instagram::new()).await;
    let w = &stored.world;
    let acting = w.bailee.acting(&ada, &PURPOSE);
    acting.publish(&connection, &key("photo"), photo()).await.unwrap();
    // The question goes through, and what would publish does not arrive.
    let site = w.site("instagram");
    site.fault(Endpoint::Api, Fault::Headers(Vec::new()).once());
    site.fault(Endpoint::Api, Fault::DropBeforeEffect.once());
    minutes(w, 2).await;
    let waiting = acting.publication(&connection, &key("photo")).await.unwrap();
    assert_eq!(waiting.state, PublicationState::Processing);
    minutes(w, 20).await;
    let unknown = acting.publication(&connection, &key("photo")).await.unwrap();
    assert_eq!((unknown.state, posts(w)), (PublicationState::Unknown, 0));
    let sent = site.requests();
    let sent = sent.iter().filter(|request| request.path.ends_with("/media_publish"));
    assert_eq!(sent.count(), 1);
    assert!(
        site.requests()
            .iter()
            .filter(|request| request.query.as_deref() == Some("fields=status_code%2Cstatus"))
            .count()
            > 5
    );
}

/// A process that dies, at each commit in turn, and whoever goes on: the caller with the same key,
/// or nobody but the worker.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_at_any_commit_publishes_once_at_most_and_what_came_of_it_is_found_out()
{
    let mut found_out = 0;
    for halt in [Halt::DiesBefore, Halt::DiesAfter, Halt::Fails] {
        for caller_returns in [true, false] {
            let mut steps = 0;
            loop {
                let what = format!("{halt:?} {steps}, {caller_returns}");
                let mut played = emulator::instagram::Instagram::new();
                played.polls = 0;
                let runtime = Tasks::hasty();
                let w = World::builder(declared().declaration())
                    .change(move |builder| builder.runtime(runtime.clone()))
                    .play(played)
                    .build()
                    .await
                    .unwrap();
                let ada = w.visitor("ada");
                let connection = w.connect(&ada, "instagram", &[PURPOSE]).await.unwrap();
                w.settle().await;
                let stopping = Stopping::before(w.store().clone());
                let store: Arc<dyn Store> = Arc::new(stopping.clone());
                let mortal = w.process(declared().declaration(), store).unwrap();
                let mortal = mortal.build().await.unwrap();
                stopping.arm(steps, halt);
                let publishing = {
                    let (ada, connection) = (ada.clone(), connection.clone());
                    tokio::spawn(async move {
                        let acting = mortal.acting(&ada, &PURPOSE);
                        acting.publish(&connection, &key("photo"), photo()).await
                    })
                };
                let outcome = tokio::select! {
                    () = stopping.until_reached(), if halt != Halt::Fails => None,
                    outcome = publishing => Some(outcome.unwrap()),
                };
                if !stopping.reached() {
                    outcome.unwrap().unwrap_or_else(|error| panic!("{what}: {error:?}"));
                    break;
                }
                // Claims of the dead end after five minutes.
                w.advance(Duration::from_secs(310));
                let acting = w.bailee.acting(&ada, &PURPOSE);
                if caller_returns {
                    acting.publish(&connection, &key("photo"), photo()).await.unwrap();
                }
                for _ in 0..3 {
                    minutes(&w, 10).await;
                    w.advance(Duration::from_secs(3600));
                    w.settle().await;
                }
                match acting.publication(&connection, &key("photo")).await {
                    Ok(over) => {
                        let expected = usize::from(over.state == PublicationState::Published);
                        assert!(over.state.is_final(), "{what}: {over:?}");
                        assert_eq!(posts(&w), expected, "{what}: {over:?}");
                        found_out += usize::from(expected == 1 && over.post.is_none());
                    }
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::NotFound, "{what}");
                        assert_eq!((steps, posts(&w)), (0, 0), "{what}");
                    }
                }
                steps += 1;
            }
            assert!(steps >= 5, "{steps} commits");
        }
    }
    assert!(found_out >= 2, "no process died between the post and its record: {found_out}");
}

#[tokio::test]
async fn a_used_up_limit_is_told_before_anything_is_made() {
    let mut played = emulator::instagram::Instagram::new();
    played.quota = 1;
    let (stored, ada, connection) = connected(played).await;
    let w = &stored.world;
    assert_eq!(
        publish(w, &ada, &connection, "photo", photo()).await.state,
        PublicationState::Published
    );
    let acting = w.bailee.acting(&ada, &PURPOSE);
    let refused = acting.publish(&connection, &key("second"), photo()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::RateLimited);
    assert_eq!(refused.remedy(), Remedy::Wait(Duration::from_secs(3600)));
    assert_eq!(w.site("instagram").written("container").len(), 1);
    // A day later the same key publishes.
    w.advance(Duration::from_secs(86_400));
    let later = publish(w, &ada, &connection, "second", photo()).await;
    assert_eq!(later.state, PublicationState::Published);
}

#[tokio::test]
async fn what_breaks_is_made_again_and_what_is_refused_is_told() {
    let mut played = emulator::instagram::Instagram::new();
    played.broken_containers.extend([2_207_053, 2_207_026]);
    played.refused_containers.push_back(2_207_003);
    let (stored, ada, connection) = connected(played).await;
    let w = &stored.world;
    // Refused once, broken once for a passing reason, then for good.
    let broken = publish(w, &ada, &connection, "photo", photo()).await;
    let minutes_later = async || {
        minutes(w, 10).await;
        w.bailee.acting(&ada, &PURPOSE).publication(&connection, &key("photo")).await.unwrap()
    };
    let broken = if broken.state.is_final() { broken } else { minutes_later().await };
    assert_eq!(broken.state, PublicationState::Failed, "{broken:?}");
    assert_eq!(broken.code.as_deref(), Some("2207026"));
    assert_eq!(w.site("instagram").written("container").len(), 2);
    assert!(w.site("instagram").switches(|site: &mut emulator::instagram::Instagram| {
        site.refused_publishes.push_back(2_207_051);
    }));
    let refused = publish(w, &ada, &connection, "spam", photo()).await;
    assert_eq!(refused.state, PublicationState::Failed);
    assert_eq!(refused.code.as_deref(), Some("2207051"));
    assert_eq!(posts(w), 0);
}

#[tokio::test]
async fn c6_a_personal_account_is_not_connected() {
    let stored = Stored::play(&declared(), emulator::instagram::Instagram::new()).await;
    let w = &stored.world;
    w.site("instagram").add_account(Account::new("ada").fact("account_type", "PERSONAL"));
    let ada = w.visitor("ada");
    let options = BeginOptions::default();
    let refusal = w
        .connect_as(&ada, "instagram", &[PURPOSE], options, Decision::Allow, "ada")
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(refusal.reason(), RefusalReason::Ineligible);
    assert!(w.bailee.connections().of_visitor(&ada).await.unwrap().is_empty());
    stored.assert_nothing_shows(&["handle_ada"]).await;
}

#[tokio::test]
async fn c11_an_account_can_be_found_by_either_of_its_ids_as_long_as_meta_may_speak_of_it() {
    let (stored, ada, connection) = connected(emulator::instagram::Instagram::new()).await;
    assert_eq!(stored.count("route").await, 2);
    stored.world.bailee.connections().disconnect(&ada, &connection).await.unwrap();
    // Who has left can still ask for the deletion.
    assert_eq!(stored.count("route").await, 2);
    stored.world.advance(std::time::Duration::from_secs(91 * 86_400));
    stored.world.settle().await;
    assert_eq!(stored.count("route").await, 0);
}

#[tokio::test]
async fn a_removal_at_instagram_is_noticed() {
    let (stored, ada, connection) = connected(emulator::instagram::Instagram::new()).await;
    let w = &stored.world;
    w.site("instagram").withdraw("ada", "fake-client-1");
    let acting = w.bailee.acting(&ada, &PURPOSE);
    let error = acting.call(&connection, &PublishingLimit).await.unwrap_err();
    assert_eq!((error.kind(), error.remedy()), (ErrorKind::NeedsReconnect, Remedy::Reconnect));
    let status = w.bailee.connections().status(&ada, &connection).await.unwrap();
    assert!(matches!(status.state, ConnectionState::NeedsReconnect(_)));
}

/// Names the folder of the child of the test below.
const FOLDER: &str = "BAILEE_INSTAGRAM_CHILD";

#[test]
fn sec_07_no_secret_of_an_address_is_logged_told_or_stored() {
    #[expect(clippy::disallowed_methods, reason = "this is how the child knows that it is one")]
    if let Some(folder) = std::env::var_os(FOLDER) {
        return child(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "instagram::sec_07_no_secret_of_an_address_is_logged_told_or_stored"])
        .args(["--nocapture", "--test-threads=1"])
        .env(FOLDER, folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "the child failed: {said}");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let (log, words) = (read("log"), read("words"));
    for word in ["TRACE", "hyper_util", "reqwest", "bailee_connect", "graph.instagram.com"] {
        assert!(log.contains(word), "{word} is not in the log");
    }
    assert!(words.matches("Error").count() > 10, "something went wrong");
    let secrets = read("secrets");
    assert!(secrets.lines().count() > 20, "there was something to leak");
    let texts = [("the log", log), ("the errors", words), ("standard output", said)];
    let complained = String::from_utf8_lossy(&output.stderr).into_owned();
    for (what, text) in texts.into_iter().chain([("standard error", complained)]) {
        for (n, secret) in secrets.lines().enumerate() {
            assert!(!text.contains(secret), "secret number {n} stands in {what}");
        }
    }
}

/// A log in memory that is written to a file at the end.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Answers after which something is said: that echo, that end early, that lead elsewhere.
fn faults() -> Vec<Fault> {
    let elsewhere = "https://graph.instagram.com/elsewhere?access_token=x".to_owned();
    vec![
        Fault::EchoSecrets,
        Fault::CutOff,
        Fault::DropAfterEffect,
        Fault::DropBeforeEffect,
        Fault::Html,
        Fault::Malformed,
        Fault::Oversize,
        Fault::Redirect { status: 307, location: elsewhere },
        Fault::Status(500),
        Fault::WrongContentType,
    ]
}

fn child(folder: &Path) {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let words = runtime.block_on(leaky(folder));
    drop(runtime);
    fs::write(folder.join("words"), words).unwrap();
    fs::write(folder.join("log"), &*log.0.lock().unwrap()).unwrap();
}

/// Goes through connecting and renewing with every fault at every request that has a secret in its
/// address, and gives all that was said.
async fn leaky(folder: &Path) -> String {
    let stored = Stored::play(&declared(), emulator::instagram::Instagram::new()).await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let site = w.site("instagram");
    let mut words = String::new();
    for fault in faults() {
        // The first request of an exchange is a form; the second one has both secrets in its query.
        site.fault(Endpoint::Exchange, Fault::Headers(Vec::new()).once());
        site.fault(Endpoint::Exchange, fault.once());
        let options = BeginOptions::default();
        let flow =
            w.connect_as(&ada, "instagram", &[PURPOSE], options, Decision::Allow, "ada").await;
        let refusal = flow.unwrap().unwrap_err();
        let _ = write!(words, "{refusal:?} {} {:?}", refusal.error(), refusal.error());
        site.clear_faults();
    }
    let connection = w.connect(&ada, "instagram", &[PURPOSE]).await.unwrap();
    for fault in faults() {
        site.fault(Endpoint::Refresh, fault.always());
        w.advance(Duration::from_secs(21 * 86_400));
        w.settle().await;
        let checked = w.bailee.connections().check(&ada, &connection).await;
        let _ = write!(words, "{checked:?}");
        site.clear_faults();
        // It is renewed in time all the same.
        w.advance(Duration::from_secs(3600));
        w.settle().await;
    }
    assert!(site.count(Endpoint::Refresh) > 15, "{}", site.count(Endpoint::Refresh));
    let acting = w.bailee.acting(&ada, &PURPOSE);
    acting.call(&connection, &PublishingLimit).await.unwrap();
    let addresses: Vec<String> =
        site.requests().into_iter().filter_map(|request| request.query).collect();
    assert!(addresses.iter().any(|query| query.contains("client_secret=fake-client-secret")));
    stored.assert_nothing_shows(&["handle_ada"]).await;
    fs::write(folder.join("secrets"), w.secrets().join("\n")).unwrap();
    words
}
