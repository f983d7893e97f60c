//! A pass is good for a second; what was disclosed is written within a minute.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bailee::{
    ErrorKind, Freeze, Runtime,
    core::{Clock, ManualClock, audit::Field},
    providers::tiktok::CreatorInfo,
    registry::Disclosures,
};
use bailee_testkit::emulator::{Fault, Gate};
use bailee_tests::{NOTES, PUBLISH, declaration, world};
use tokio::sync::Notify;

use super::*;

/// Two requests one after the other.
struct Long(OperationFacts);

struct Two(u8, Request);

impl Step<()> for Two {
    fn next(
        &mut self,
        _: bailee::providers::Input,
    ) -> Result<bailee::providers::Next<()>, bailee::providers::Failure> {
        use bailee::providers::Next;
        self.0 += 1;
        Ok(if self.0 > 2 { Next::Done(()) } else { Next::Send(self.1.clone()) })
    }
}

impl Operation for Long {
    type Output = ();

    fn facts(&self) -> &OperationFacts {
        &self.0
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<()>> {
        Box::new(Two(0, api_request(cx, "/notes", Effect::Read)))
    }
}

#[derive(Clone, Copy, Debug)]
enum Stop {
    Consent,
    Freeze,
    Membership,
}

/// Runs two requests; between them `meanwhile` passes and the use is forbidden.
async fn between(stop: Stop, meanwhile: Duration) -> (u64, Result<(), Error>) {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let gate = Gate::new();
    notes(&w).fault(Address::Api, Fault::Held(gate.clone()));
    let operation = Long(OperationFacts { effect: Effect::Read, ..WRITE_NOTE.clone() });
    let (acting, which) = (w.bailee.acting(&ada, &NOTES), connection.clone());
    let call = tokio::spawn(async move { acting.call(&which, &operation).await });
    gate.until_arrived(1).await;
    match stop {
        Stop::Consent => withdraw(&w, subject(&connection), NOTES, NOTES_PROVIDER).await,
        Stop::Freeze => w.bailee.freeze(Freeze::All).await.unwrap(),
        Stop::Membership => w.access.remove(ada.person(), &ACME),
    }
    w.advance(meanwhile);
    gate.open();
    let outcome = call.await.unwrap();
    (notes(&w).count(Address::Api), outcome)
}

#[tokio::test(flavor = "multi_thread")]
async fn dis_04_a_pass_is_asked_for_anew_when_it_is_a_second_old() {
    for (stop, kind) in [
        (Stop::Consent, ErrorKind::ConsentMissing),
        (Stop::Freeze, ErrorKind::Frozen),
        (Stop::Membership, ErrorKind::Denied),
    ] {
        let (sent, outcome) = between(stop, Duration::from_secs(1)).await;
        assert_eq!(outcome.unwrap_err().kind(), kind, "{stop:?}");
        assert_eq!(sent, 1, "{stop:?}: the second request did not leave");
        // Within the second the pass stands.
        let (sent, outcome) = between(stop, Duration::from_millis(999)).await;
        outcome.unwrap();
        assert_eq!(sent, 2, "{stop:?}");
    }
}

/// A runtime whose sleep moves the clock, so that a running worker lives through its minutes at
/// once.
#[derive(Clone, Debug)]
struct Fast {
    clock: ManualClock,
    slept: Arc<Notify>,
    halted: Arc<Mutex<bool>>,
}

impl Runtime for Fast {
    fn spawn(&self, task: bailee::BoxFuture) {
        tokio::spawn(task);
    }

    fn sleep(&self, duration: Duration) -> bailee::BoxFuture {
        let this = self.clone();
        Box::pin(async move {
            if !*this.halted.lock().unwrap() {
                this.clock.advance(duration);
            }
            this.slept.notify_waiters();
            tokio::task::yield_now().await;
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_fold_into_one_disclosure_that_the_worker_writes_within_a_minute() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let fast = Fast {
        clock: w.clock.clone(),
        slept: Arc::new(Notify::new()),
        halted: Arc::new(Mutex::new(false)),
    };
    let process = w.process(declaration(), w.store().clone()).unwrap().runtime(fast.clone());
    let process = process.build().await.unwrap();
    let begun = w.clock.now();
    for _ in 0..3 {
        process.acting(&ada, &PUBLISH).call(&connection, &CreatorInfo).await.unwrap();
    }
    let disclosures = Disclosures::new(w.bailee.vault().clone());
    let written = async || disclosures.of_subject(&ACME, subject(&connection)).await.unwrap();
    assert!(written().await.is_empty(), "nothing is written yet");

    let worker = Arc::new(process.worker());
    let running = tokio::spawn({
        let worker = worker.clone();
        async move { worker.run().await }
    });
    while written().await.is_empty() {
        assert!(w.clock.now().since(begun) <= Duration::from_secs(90), "it took too long");
        fast.slept.notified().await;
    }
    let entry = entries(&w, "disclosure.recorded").await.pop().unwrap();
    let after = entry.at().since(begun);
    assert!(after <= Duration::from_secs(60), "{after:?}");
    assert_eq!(entry.field("recipient"), Some(&Field::Word("tiktok".into())));
    assert_eq!(entry.field("count"), Some(&Field::Number(3)));
    *fast.halted.lock().unwrap() = true;

    // A worker that is asked to end writes what it holds.
    process.acting(&ada, &PUBLISH).call(&connection, &CreatorInfo).await.unwrap();
    worker.stop();
    running.await.unwrap().unwrap();
    let folded = written().await;
    assert_eq!(folded.len(), 1, "one record for a recipient and a purpose");
    let record = &folded[0];
    assert_eq!((record.recipient.as_str(), record.purpose.as_str()), ("tiktok", "publish.video"));
    assert_eq!(record.count, 4);
    assert!(record.first <= record.last);
    let categories: Vec<_> = record.categories.iter().map(|category| category.as_str()).collect();
    assert_eq!(categories, ["profile", "settings"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_at_the_provider_is_disclosed_too_and_what_the_gate_refused_is_not() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let acting = w.bailee.acting(&ada, &NOTES);
    w.bailee.freeze(Freeze::All).await.unwrap();
    acting.call(&connection, &WriteNote("x")).await.unwrap_err();
    w.bailee.thaw(&Freeze::All).await.unwrap();
    w.settle().await;
    assert!(entries(&w, "disclosure.recorded").await.is_empty());
    notes(&w).fault(Address::Api, Fault::DropAfterEffect);
    acting.call(&connection, &WriteNote("x")).await.unwrap_err();
    w.settle().await;
    let entry = entries(&w, "disclosure.recorded").await.pop().unwrap();
    assert_eq!(entry.field("recipient"), Some(&Field::Word("notes".into())));
}
