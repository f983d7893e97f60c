//! Callers that go away and processes that die.

use bailee::{ErrorKind, store::Store};
use bailee_testkit::emulator::{Endpoint, Fault, Gate};
use bailee_tests::{Halt, Stopping, declaration, drill::hours};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_leaves_nothing_half_done() {
    let tasks = Tasks::hasty();
    let runtime = tasks.clone();
    let (w, ada, tiktok) =
        connected(studio().change(move |builder| builder.runtime(runtime.clone()))).await;
    let gate = Gate::new();
    site(&w).fault(Endpoint::Api, Fault::Held(gate.clone()));
    let caller = {
        let (bailee, ada, tiktok) = (w.bailee.clone(), ada.clone(), tiktok.clone());
        tokio::spawn(async move { publish(&bailee, &ada, &tiktok).await })
    };
    gate.until_arrived(1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    gate.open();
    tasks.idle().await;
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Processing);
    comes_out(&w, &ada, &tiktok).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_at_any_commit_publishes_once_at_most_and_the_record_is_true() {
    for of_a_file in [false, true] {
        for halt in [Halt::DiesBefore, Halt::DiesAfter, Halt::Fails] {
            for caller_returns in [true, false] {
                // Two chunks where somebody comes back with them, else one is enough.
                let size = if caller_returns { 10 * MIB } else { 1000 };
                let size = of_a_file.then_some(size);
                let mut steps = 0;
                loop {
                    let what = format!("file {of_a_file}, {halt:?} {steps}, {caller_returns}");
                    let (w, ada, tiktok) = connected(studio()).await;
                    w.settle().await;
                    let stopping = Stopping::before(w.store().clone());
                    let store: Arc<dyn Store> = Arc::new(stopping.clone());
                    let mortal = w.process(declaration(), store).unwrap().build().await.unwrap();
                    stopping.arm(steps, halt);
                    let publishing = {
                        let (ada, tiktok) = (ada.clone(), tiktok.clone());
                        tokio::spawn(async move { attempt(&mortal, &ada, &tiktok, size).await })
                    };
                    // A process whose store failed for a moment lives on.
                    let outcome = tokio::select! {
                        () = stopping.until_reached(), if halt != Halt::Fails => None,
                        outcome = publishing => Some(outcome.unwrap()),
                    };
                    if !stopping.reached() {
                        outcome.unwrap().unwrap_or_else(|error| panic!("{what}: {error:?}"));
                        break;
                    }
                    // Claims of the dead end after five minutes.
                    w.advance(seconds(310));
                    if caller_returns {
                        attempt(&w.bailee, &ada, &tiktok, size).await.unwrap();
                    }
                    follow(&w, hours(3)).await;
                    let acting = w.bailee.acting(&ada, &PUBLISH);
                    let record = acting.publication(&tiktok, &key("post-1")).await;
                    assert!(inits(&w) <= 1, "{what}");
                    match record.as_ref().map(|publication| publication.state) {
                        Ok(PublicationState::Published) => assert_eq!(out(&w), 1, "{what}"),
                        Ok(PublicationState::Failed) => assert_eq!(out(&w), 0, "{what}"),
                        Ok(PublicationState::Unknown) => {
                            let noted = w.audited("acme").await;
                            let sent = noted.iter().any(|event| event == "publication.sent");
                            assert!(sent, "{what}: nothing was about to be sent");
                        }
                        Ok(other) => panic!("{what}: {other:?}"),
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::NotFound, "{what}");
                            assert_eq!((steps, inits(&w)), (0, 0), "{what}");
                        }
                    }
                    steps += 1;
                }
                assert!(steps >= 4, "{steps} commits");
            }
        }
    }
}

async fn attempt(
    bailee: &Bailee,
    ada: &Visitor,
    tiktok: &ConnectionRef,
    size: Option<usize>,
) -> Result<Publication> {
    let Some(size) = size else { return publish(bailee, ada, tiktok).await };
    let bytes = film(size);
    upload(bailee, ada, tiktok, file(&bytes), media(&bytes)).await
}
