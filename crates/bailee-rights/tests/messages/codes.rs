//! How somebody shows who they are.

#![expect(clippy::unwrap_used, reason = "steps that several tests take")]

use std::{sync::Arc, time::Duration};

use bailee_audit::Catalogue;
use bailee_core::{Clock, ErrorKind, Id, ManualClock, Remedy, SystemClock};
use bailee_rights::{
    identity::{Attestation, Outcome, Proof, Seen},
    message::LetterKind,
    notice::{GivenUp, testing::Behaviour},
    request::Right,
};
use bailee_sqlite::SqliteStore;
use bailee_store::{MemoryStore, Store};

use crate::world::{ACME, CANARY, REQUEST, World};

const OTHER: Id = Id::from_bytes([6; 16]);
const MINUTE: Duration = Duration::from_secs(60);

impl World {
    async fn ask(&self, request: Id) {
        let asked = self.identity().ask_code(&ACME, self.ada, request, Right::Erasure).await;
        self.commit(asked.unwrap()).await.unwrap();
    }

    /// Asks for a code and reads it in the mail.
    async fn code(&self, request: Id) -> String {
        let before = self.codes();
        self.ask(request).await;
        self.settle().await;
        self.codes().into_iter().find(|code| !before.contains(code)).unwrap()
    }
}

/// Another code than this one.
fn wrong(code: &str, n: u32) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:08}", (number + 1 + n) % 100_000_000)
}

#[tokio::test]
async fn r12_6_a_code_from_the_mail_shows_who_somebody_is_once() {
    let world = World::new().await;
    let code = world.code(REQUEST).await;
    world.clock.advance(14 * MINUTE);
    let proof = Proof::Code { at: world.clock.now() };
    assert_eq!(world.guess(REQUEST, &code).await, Outcome::Proven(proof));
    assert_eq!(world.guess(REQUEST, &code).await, Outcome::Spent);
}

#[tokio::test]
async fn a_code_is_of_one_request_and_ends_after_a_quarter_of_an_hour() {
    let world = World::new().await;
    let code = world.code(REQUEST).await;
    assert_eq!(world.guess(OTHER, &code).await, Outcome::Expired, "none was asked for");
    let second = world.code(OTHER).await;
    assert_eq!(world.guess(OTHER, &code).await, Outcome::Wrong { left: 4 });
    world.clock.advance(15 * MINUTE);
    assert_eq!(world.guess(REQUEST, &code).await, Outcome::Expired);
    assert_eq!(world.guess(OTHER, &second).await, Outcome::Expired);
}

#[tokio::test]
async fn a_code_takes_five_guesses_and_then_not_even_itself() {
    let world = World::new().await;
    let code = world.code(REQUEST).await;
    for left in (0..5).rev() {
        assert_eq!(world.guess(REQUEST, &wrong(&code, left)).await, Outcome::Wrong { left });
    }
    assert_eq!(world.guess(REQUEST, &code).await, Outcome::Spent);
    // A new one counts again.
    let next = world.code(REQUEST).await;
    assert!(matches!(world.guess(REQUEST, &next).await, Outcome::Proven(_)));
}

#[tokio::test]
async fn a_newer_code_takes_the_place_of_an_older_one_and_of_its_letter() {
    let world = World::new().await;
    let old = world.code(REQUEST).await;
    let new = world.code(REQUEST).await;
    assert_eq!(world.guess(REQUEST, &old).await, Outcome::Wrong { left: 4 });
    assert!(matches!(world.guess(REQUEST, &new).await, Outcome::Proven(_)));

    // Two that wait: the older one is never sent.
    let world = World::new().await;
    world.mailbox.behave(Behaviour::Unavailable);
    world.ask(REQUEST).await;
    world.ask(REQUEST).await;
    world.mailbox.behave(Behaviour::Accepts);
    world.settle().await;
    assert_eq!(world.codes().len(), 1);
    let letters = world.messages().of_request(&ACME, world.ada, REQUEST).await.unwrap();
    let given_up: Vec<_> = letters.iter().map(|one| one.given_up.map(|(_, why)| why)).collect();
    assert!(given_up.contains(&Some(GivenUp::Replaced)) && given_up.contains(&None));
}

#[tokio::test]
async fn a_code_that_could_not_be_sent_in_its_time_is_not_sent_after_it() {
    let world = World::new().await;
    world.mailbox.behave(Behaviour::Unavailable);
    world.ask(REQUEST).await;
    world.settle().await;
    world.mailbox.behave(Behaviour::Accepts);
    world.hours(24).await;
    assert_eq!(world.codes(), Vec::<String>::new());
    let letters = world.messages().of_request(&ACME, world.ada, REQUEST).await.unwrap();
    assert_eq!(letters[0].given_up.unwrap().1, GivenUp::Expired);
}

#[tokio::test]
async fn so_many_codes_are_made_within_an_hour_for_all_requests_of_a_person_together() {
    let world = World::new().await;
    for n in 0..5 {
        world.ask(Id::from_bytes([n; 16])).await;
        world.clock.advance(MINUTE);
    }
    let refused = world.identity().ask_code(&ACME, world.ada, REQUEST, Right::Access).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::RateLimited);
    assert_eq!(refused.remedy(), Remedy::Wait(55 * MINUTE));
    world.clock.advance(55 * MINUTE);
    world.ask(REQUEST).await;
    // A decided request gives no more room: what was made was made.
    let forgotten = world.identity().forget(&ACME, world.ada, REQUEST).await.unwrap();
    world.commit(forgotten).await.unwrap();
    assert!(world.identity().ask_code(&ACME, world.ada, OTHER, Right::Access).await.is_err());
}

/// Sixty-four guess at once, one of them right; afterwards nobody guessed more than five times wrong.
async fn race(store: Arc<dyn Store>, clock: ManualClock) {
    let world = Arc::new(World::over(store, clock).await);
    let code = world.code(REQUEST).await;
    let barrier = Arc::new(tokio::sync::Barrier::new(64));
    let guesses: Vec<_> = (0..64)
        .map(|n| {
            let (world, barrier) = (Arc::clone(&world), Arc::clone(&barrier));
            let guess = wrong(&code, n);
            tokio::spawn(async move {
                barrier.wait().await;
                world.guess(REQUEST, &guess).await
            })
        })
        .collect();
    let mut left = Vec::new();
    let mut spent = 0;
    for guess in guesses {
        match guess.await.unwrap() {
            Outcome::Wrong { left: n } => left.push(n),
            Outcome::Spent => spent += 1,
            other => panic!("{other:?}"),
        }
    }
    left.sort_unstable();
    assert_eq!((left, spent), (vec![0, 1, 2, 3, 4], 59));
    assert_eq!(world.guess(REQUEST, &code).await, Outcome::Spent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_guesses_at_once_are_five_in_memory() {
    let clock = ManualClock::default();
    race(Arc::new(MemoryStore::new(Arc::new(clock.clone()))), clock).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_guesses_at_once_are_five_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("vault.db")).await.unwrap();
    race(Arc::new(store), ManualClock::at(SystemClock.now())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixty_four_who_enter_the_right_code_one_is_let_in() {
    let world = Arc::new(World::new().await);
    let code = world.code(REQUEST).await;
    let barrier = Arc::new(tokio::sync::Barrier::new(64));
    let guesses: Vec<_> = (0..64)
        .map(|_| {
            let (world, barrier, code) = (Arc::clone(&world), Arc::clone(&barrier), code.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                world.guess(REQUEST, &code).await
            })
        })
        .collect();
    let mut proven = 0;
    for guess in guesses {
        match guess.await.unwrap() {
            Outcome::Proven(_) => proven += 1,
            other => assert_eq!(other, Outcome::Spent),
        }
    }
    assert_eq!(proven, 1);
}

#[tokio::test]
async fn a_code_is_in_its_letter_and_nowhere_else() {
    let world = World::new().await;
    world.mailbox.behave(Behaviour::LosesAnswer);
    let code = world.code(REQUEST).await;
    world.guess(REQUEST, &wrong(&code, 0)).await;
    world.mailbox.behave(Behaviour::Accepts);
    world.clock.advance(2 * MINUTE);
    world.settle().await;
    let sent = world.mailbox.taken().remove(0).2;
    assert_eq!(sent.document().to_markdown().matches(&code).count(), 1);
    assert!(!sent.title().contains(&code));
    let letters = world.messages().of_request(&ACME, world.ada, REQUEST).await.unwrap();
    assert_eq!(letters[0].letter.kind(), LetterKind::IdentityCode);
    assert_eq!(letters[0].sent.as_ref().unwrap().text, sent.hash());
    // Neither the hash nor what is shown in the application knows it.
    let shown = world.messages().text(&letters[0].letter, &crate::world::english());
    assert_eq!(shown.hash(), sent.hash());
    assert!(!shown.document().to_markdown().contains(&code));
    let mut places = vec![format!("{sent:?}"), format!("{letters:?}")];
    for entry in world.entries().await {
        assert!(Catalogue::CURRENT.event(entry.entry.event()).is_some(), "{}", entry.entry.event());
        places.push(format!("{entry:?}"));
        places.push(String::from_utf8_lossy(&entry.entry.payload()).into_owned());
    }
    // Opened, the records hold it no more either.
    for record in world.records().await {
        let holder = bailee_vault::Holder::Subject(world.ada);
        let opened = world.vault.open(&ACME, holder, &record).await.unwrap();
        if let Ok(facts) = opened.facts() {
            places.push(String::from_utf8_lossy(facts.bytes()).into_owned());
        }
        assert!(opened.part("secret").is_err(), "{:?}", record.key);
    }
    for place in places {
        assert!(!place.contains(&code), "{place}");
        assert!(!place.contains(CANARY), "{place}");
    }
}

#[tokio::test]
async fn a_session_is_a_proof_as_long_as_it_is_fresh() {
    let world = World::new().await;
    let identity = world.identity();
    let signed_in = world.clock.now();
    let proof = Proof::Session { authenticated_at: signed_in };
    world.clock.advance(60 * MINUTE);
    assert_eq!(identity.session(signed_in), Some(proof));
    world.clock.advance(Duration::from_micros(1));
    assert_eq!(identity.session(signed_in), None);
    assert_eq!(identity.session(world.clock.now().plus(MINUTE)), None, "a time to come");
}

#[tokio::test]
async fn r12_6_what_an_operator_saw_is_kept_until_the_decision_and_no_longer() {
    let world = World::new().await;
    let (identity, operator) = (world.identity(), Id::from_bytes([8; 16]));
    let until = world.clock.now().plus(30 * 24 * 60 * MINUTE);
    let attest = async || {
        let seen = Attestation::new(operator, Seen::Document).with_note(CANARY);
        let (proof, additions) =
            identity.attest(&ACME, world.ada, REQUEST, seen, until).await.unwrap();
        world.commit(additions).await.unwrap();
        proof
    };
    let proof = attest().await;
    assert_eq!(proof, Proof::Attested { operator, seen: Seen::Document, at: world.clock.now() });
    let kept = identity.attestation(&ACME, world.ada, REQUEST).await.unwrap();
    assert!(kept.note.as_ref().unwrap().expose(|note| note == CANARY.as_bytes()));
    assert!(!format!("{kept:?} {proof:?}").contains(CANARY));
    let entries = world.entries().await;
    let entry = entries.iter().find(|one| one.entry.event() == "rights.identity_attested").unwrap();
    assert_eq!(entry.entry.field("method").unwrap().to_string(), "document");
    // Decided.
    let forgotten = identity.forget(&ACME, world.ada, REQUEST).await.unwrap();
    world.commit(forgotten).await.unwrap();
    let gone = identity.attestation(&ACME, world.ada, REQUEST).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    // Never decided: its own end.
    attest().await;
    world.clock.jump_to(until);
    let gone = identity.attestation(&ACME, world.ada, REQUEST).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    let past = Attestation::new(operator, Seen::InPerson);
    let refused = identity.attest(&ACME, world.ada, REQUEST, past, until).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
}
