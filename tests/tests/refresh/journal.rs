//! The journal: what a provider answered to a renewal is not lost with the store.

use std::{path::PathBuf, sync::Arc};

use bailee::{
    BeginOptions, ConnectionState, ErrorKind, Happened, SqliteStore,
    core::{Clock, Remedy},
    store::Window,
};
use bailee_testkit::{Storage, emulator::Decision};
use bailee_tests::{
    Halt, Stopping, declaration,
    drill::{Tasks, assert_never_goes_back, seconds, state, told},
};

use super::{overtaken::revoking, *};

/// The length of a journal in which nothing stands.
const EMPTY: u64 = 32;

/// A world on a file with a journal, whose store can be stopped. Ada's access token has run out.
struct Scene {
    w: World,
    ada: Visitor,
    notes: ConnectionRef,
    store: Stopping,
    folder: tempfile::TempDir,
}

impl Scene {
    async fn of(builder: WorldBuilder) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
        let file = folder.path().join("vault").join("vault.db");
        let sqlite = SqliteStore::builder(file).clock(clock).open().await.unwrap();
        let store = Stopping::before(Arc::new(sqlite));
        let (journal, tasks) = (folder.path().join("refresh.journal"), Tasks::hasty());
        let first = std::sync::atomic::AtomicBool::new(true);
        let builder = builder.storage(Storage::Given(Arc::new(store.clone()))).change(move |b| {
            // A further process says itself where its journal lies.
            let first = first.swap(false, std::sync::atomic::Ordering::SeqCst);
            let b = b.runtime(tasks.clone());
            if first { b.journal(&journal) } else { b }
        });
        let (w, ada, notes) = due(builder).await;
        Self { w, ada, notes, store, folder }
    }

    async fn strict() -> Self {
        Self::of(strict()).await
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("refresh.journal")
    }

    fn length(&self) -> u64 {
        std::fs::metadata(self.path()).unwrap().len()
    }

    /// The journal as a process leaves it that dies now.
    fn left_behind(&self) -> PathBuf {
        let path = self.folder.path().join("left.journal");
        std::fs::copy(self.path(), &path).unwrap();
        path
    }

    /// A process that has this journal and reaches the store itself.
    async fn next(&self, journal: PathBuf) -> bailee::Result<Bailee> {
        self.w.process(declaration(), self.store.store())?.journal(journal).build().await
    }

    async fn call(&self) -> bailee::Result<()> {
        call(&self.w.bailee, &self.ada, &self.notes, "notes").await
    }

    async fn state(&self) -> ConnectionState {
        state(&self.w, &self.ada, &self.notes).await
    }

    fn refreshes(&self) -> u64 {
        self.w.site(ISSUER).count(Endpoint::Refresh)
    }

    /// How often the log says that the credential was renewed, read past whatever stopped.
    async fn refreshed(&self) -> usize {
        self.logged("credential.refreshed").await
    }

    async fn logged(&self, event: &str) -> usize {
        let tenant = self.notes.tenant();
        let logged = self.store.store().entries(tenant, Window::default()).await.unwrap();
        logged.iter().filter(|logged| logged.entry.event() == event).count()
    }

    /// Everything is as if the store had never failed.
    async fn assert_whole(&self, bailee: &Bailee) {
        assert_eq!(self.refreshes(), 1, "the provider was asked once");
        call(bailee, &self.ada, &self.notes, "notes").await.unwrap();
        assert_eq!(self.refreshes(), 1, "the new access token is in place");
        assert_eq!(self.refreshed().await, 1);
        let told = told(&self.w, &self.notes);
        assert!(told.iter().all(|happened| *happened == Happened::Connected), "{told:?}");
        self.w.advance(hours(2));
        call(bailee, &self.ada, &self.notes, "notes").await.unwrap();
        assert_eq!(self.refreshes(), 2, "and so is the new refresh token");
        assert!(self.w.site(ISSUER).reuse_alarms().is_empty());
        assert_never_goes_back(self.w.site(ISSUER));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_07_what_the_store_cannot_take_is_stored_when_it_is_back() {
    for halt in [Halt::Full, Halt::Down] {
        for builder in [strict(), notes_world(GRACE, GRACE_STYLE)] {
            let s = Scene::of(builder).await;
            s.store.arm(0, halt);
            let error = s.call().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
            assert!(matches!(error.remedy(), Remedy::Wait(_)), "{error:?}");
            assert!(s.length() > EMPTY);

            s.store.disarm();
            s.w.settle().await;
            assert_eq!(s.state().await, ConnectionState::Active);
            assert_eq!(s.length(), EMPTY, "{halt:?}");
            s.assert_whole(&s.w.bailee).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_07_no_old_token_is_shown_while_its_successor_waits() {
    let s = Scene::strict().await;
    s.store.arm(0, Halt::Full);
    for _ in 0..5 {
        let error = s.call().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
        assert!(matches!(error.remedy(), Remedy::Wait(_)));
        assert_eq!(s.refreshes(), 1);
    }
    // The claim is over, and the worker has it next.
    for _ in 0..5 {
        s.w.advance(seconds(100));
        let _ = s.w.bailee.worker().settle().await;
        assert_eq!(s.refreshes(), 1);
        assert!(s.call().await.is_err());
    }
    s.store.disarm();
    // The next caller brings it to the store.
    s.call().await.unwrap();
    assert_eq!(s.state().await, ConnectionState::Active);
    assert_eq!(s.length(), EMPTY);
    assert_eq!(s.refreshes(), 1);
    assert_eq!(s.refreshed().await, 1);
    let told = told(&s.w, &s.notes);
    let lost = told.iter().any(|happened| *happened != Happened::Connected);
    assert!(!lost, "nobody was told that it is lost: {told:?}");
    assert!(s.w.site(ISSUER).reuse_alarms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_07_a_process_that_dies_at_the_commit_leaves_its_answer_to_the_next() {
    for halt in [Halt::DiesBefore, Halt::DiesAfter] {
        // Within its claim, after it, and after a day.
        for later in [seconds(0), seconds(100), hours(24)] {
            let s = Scene::strict().await;
            s.store.arm(0, halt);
            let dying = spawn_call(&s.w.bailee, &s.ada, &s.notes);
            s.store.until_reached().await;
            s.w.clock.advance(later);
            let next = s.next(s.left_behind()).await.unwrap();
            assert_eq!(s.refreshes(), 1);
            assert_eq!(s.refreshed().await, 1, "{halt:?} {later:?}");
            // What was stored already is no second set of tokens.
            assert_eq!(s.logged("credential.candidate_kept").await, 0, "{halt:?} {later:?}");
            let left = std::fs::metadata(s.folder.path().join("left.journal")).unwrap();
            assert_eq!(left.len(), EMPTY, "{halt:?} {later:?}");
            if later < hours(1) {
                call(&next, &s.ada, &s.notes, "notes").await.unwrap();
                assert_eq!(s.refreshes(), 1, "{halt:?} {later:?}");
            }
            s.w.clock.advance(hours(2));
            call(&next, &s.ada, &s.notes, "notes").await.unwrap();
            assert!(s.w.site(ISSUER).reuse_alarms().is_empty(), "{halt:?} {later:?}");
            dying.abort();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_07_an_engine_that_ends_gives_its_journal_to_the_next() {
    let mut s = Scene::strict().await;
    s.store.arm(0, Halt::Full);
    assert!(s.call().await.is_err());
    let refused = s.next(s.path()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Configuration, "one process has it");

    // The first one goes, and with it the lock.
    s.w.bailee = s.w.another_process(declaration()).await.unwrap();
    let next = s.next(s.path()).await.unwrap();
    assert_eq!(s.length(), EMPTY);
    s.assert_whole(&next).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_07_the_death_of_a_replay_costs_nothing() {
    for halt in [Halt::DiesBefore, Halt::DiesAfter] {
        let s = Scene::strict().await;
        s.store.arm(0, Halt::Full);
        assert!(s.call().await.is_err());
        let left = s.left_behind();
        // The second process dies at the replay's commit, and the third has its journal.
        let dying = Stopping::before(s.store.store());
        dying.arm(0, halt);
        let builder = s.w.process(declaration(), Arc::new(dying.clone())).unwrap();
        let second = tokio::spawn(builder.journal(&left).build());
        dying.until_reached().await;
        let third = s.folder.path().join("third.journal");
        std::fs::copy(&left, &third).unwrap();
        let third = s.next(third).await.unwrap();
        s.assert_whole(&third).await;
        second.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_07_a_strict_answer_is_on_the_disk_before_the_commit_is_tried() {
    let s = Scene::strict().await;
    s.store.arm(0, Halt::Waits);
    let waiting = spawn_call(&s.w.bailee, &s.ada, &s.notes);
    s.store.until_reached().await;
    assert!(s.length() > EMPTY);
    s.store.release();
    waiting.await.unwrap().unwrap();
    assert_eq!(s.length(), EMPTY);
    s.assert_whole(&s.w.bailee).await;

    // Where the old token still works there is time for the store first.
    let s = Scene::of(notes_world(GRACE, GRACE_STYLE)).await;
    s.store.arm(0, Halt::Waits);
    let waiting = spawn_call(&s.w.bailee, &s.ada, &s.notes);
    s.store.until_reached().await;
    assert_eq!(s.length(), EMPTY);
    s.store.release();
    waiting.await.unwrap().unwrap();
    s.assert_whole(&s.w.bailee).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_07_one_failed_commit_is_made_good_at_once() {
    for builder in [strict(), notes_world(GRACE, GRACE_STYLE)] {
        let s = Scene::of(builder).await;
        s.store.arm(0, Halt::Fails);
        s.call().await.unwrap();
        assert_eq!(s.length(), EMPTY);
        s.assert_whole(&s.w.bailee).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_07_no_secret_and_no_name_is_in_the_journal() {
    let s = Scene::strict().await;
    s.store.arm(0, Halt::Full);
    assert!(s.call().await.is_err());
    let bytes = std::fs::read(s.path()).unwrap();
    assert!(bytes.len() as u64 > EMPTY);
    s.w.assert_no_canary("the journal", &bytes);
    // Ids are hexadecimal, and so is `ada`: within one of them it is no name.
    let of_an_id = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    for name in [&b"ada"[..], b"Ada", b"notes.write", b"bearer"] {
        let found = bytes.windows(name.len()).enumerate().any(|(at, window)| {
            let within = of_an_id(at.wrapping_sub(1)) || of_an_id(at + name.len());
            window == name && !within
        });
        assert!(!found, "{name:?}");
    }
    s.store.disarm();
    s.w.settle().await;
    s.w.assert_no_canary("the journal", &std::fs::read(s.path()).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_07_ref_06_an_answer_for_a_connection_that_is_gone_is_revoked() {
    let s = Scene::of(revoking(LENIENT, false)).await;
    s.store.arm(0, Halt::Full);
    assert!(s.call().await.is_err());
    s.store.disarm();
    s.w.bailee.connections().disconnect(&s.ada, &s.notes).await.unwrap();
    s.w.settle().await;
    assert!(s.w.site(ISSUER).live_tokens().is_empty());
    assert_eq!(s.length(), EMPTY);
    assert_eq!(s.refreshes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_07_ref_06_the_key_of_an_answer_outlives_that_of_its_connection() {
    let mut s = Scene::of(revoking(LENIENT, false)).await;
    let mut options = BeginOptions::default();
    options.for_tenant = true;
    let shared = s.w.connect_as(&s.ada, "notes", &[NOTES], options, Decision::Allow, "grace").await;
    s.notes = shared.unwrap().unwrap().connection;
    s.w.advance(hours(2));
    for disconnected in [false, true] {
        let before = s.refreshes();
        s.store.arm(0, Halt::Full);
        assert_eq!(s.call().await.unwrap_err().kind(), ErrorKind::StoreUnavailable);
        s.store.disarm();
        if disconnected {
            s.w.bailee.connections().disconnect(&s.ada, &s.notes).await.unwrap();
        }
        let next = s.next(s.left_behind()).await.unwrap();
        assert_eq!(s.refreshes(), before + 1);
        if !disconnected {
            call(&next, &s.ada, &s.notes, "notes").await.unwrap();
            assert_eq!(s.refreshes(), before + 1);
            s.w.settle().await;
            s.w.advance(hours(2));
        }
    }
    // What is left is the other connection of the account.
    let subject = s.w.bailee.connections().of_visitor(&s.ada).await.unwrap();
    for own in subject {
        s.w.bailee.connections().disconnect(&s.ada, &own.connection).await.unwrap();
    }
    s.w.settle().await;
    assert!(s.w.site(ISSUER).live_tokens().is_empty());
    assert_eq!(s.length(), EMPTY);
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_07_an_answer_that_a_new_grant_overtook_is_dropped() {
    let s = Scene::of(notes_world(STRICT_CLASS, LENIENT)).await;
    s.store.arm(0, Halt::Full);
    assert!(s.call().await.is_err());
    s.store.disarm();
    let again = s.w.connect(&s.ada, "notes", &[NOTES]).await.unwrap();
    assert_eq!(again, s.notes);
    s.w.settle().await;
    assert_eq!(s.length(), EMPTY);
    s.call().await.unwrap();
    assert_eq!(s.refreshed().await, 0, "the tokens of the new grant are in place");
    s.w.advance(hours(2));
    s.call().await.unwrap();
    assert!(s.w.site(ISSUER).reuse_alarms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_07_what_is_no_journal_is_refused_when_the_engine_is_built() {
    let s = Scene::strict().await;
    let other = s.folder.path().join("other");
    std::fs::write(&other, b"not a journal, and long enough to be one").unwrap();
    let refused = s.next(other.clone()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Configuration);
    assert_eq!(std::fs::read(other).unwrap(), b"not a journal, and long enough to be one");
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_07_ref_15_a_foreign_database_gets_nothing_out_of_a_journal() {
    let s = Scene::strict().await;
    s.store.arm(0, Halt::Full);
    assert!(s.call().await.is_err());
    s.store.disarm();
    // A copy of the installation whose database was replaced by somebody else's.
    let other = World::builder(declaration()).build().await.unwrap();
    let left = s.left_behind();
    let before = std::fs::metadata(&left).unwrap().len();
    let builder = s.w.process(declaration(), other.store().clone()).unwrap();
    // Another root key and other people: whatever comes of it, the answer stays.
    drop(builder.journal(&left).build().await);
    assert_eq!(std::fs::metadata(&left).unwrap().len(), before);
    s.w.settle().await;
    s.assert_whole(&s.w.bailee).await;
}
