//! Sources that fail, lie or change their minds.

use bailee_rights::source::Manner;

use crate::world::{ACME, DAY, World};

#[tokio::test]
async fn r11_a_source_that_fails_is_shown_and_asked_again_until_it_answers() {
    let w = World::new().await;
    w.row(&ACME, "ada", "visits", 31);
    let process = w.process().await;
    w.source.behave(Manner::Unreachable);
    assert!(process.retention.plan(&ACME).await.unwrap().tables[1].rows.is_err());
    process.retention.begin().await.unwrap();
    process.settle().await;
    let began = w.now();
    let state = process.retention.state(&ACME).await.unwrap().unwrap();
    let names: Vec<_> =
        state.failing.iter().map(|f| (f.table.as_str(), f.since, f.times)).collect();
    assert_eq!(names, [("drafts", began, 1), ("visits", began, 1)]);
    assert_eq!(state.whole, None, "it was not whole");
    w.clock.advance(DAY / 24);
    process.settle().await;
    let state = process.retention.state(&ACME).await.unwrap().unwrap();
    assert_eq!((state.failing[1].since, state.failing[1].times), (began, 2));
    w.source.behave(Manner::Honest);
    w.clock.advance(DAY / 24);
    process.settle().await;
    let state = process.retention.state(&ACME).await.unwrap().unwrap();
    assert!(state.failing.is_empty() && state.whole == Some(w.now()), "{state:?}");
    assert!(w.left().is_empty());
}

#[tokio::test]
async fn r11_a_source_that_says_it_erased_and_did_not_is_found_out() {
    let w = World::new().await;
    w.row(&ACME, "ada", "visits", 31);
    w.source.behave(Manner::Idle);
    let process = w.process().await;
    process.retention.begin().await.unwrap();
    process.settle().await;
    let sweep = process.retention.sweeps(&ACME, None, 9).await.unwrap().remove(0);
    assert_eq!((sweep.found, sweep.left, sweep.failed), (1, Some(1), true));
    let state = process.retention.state(&ACME).await.unwrap().unwrap();
    assert_eq!((state.failing.len(), state.whole), (1, None));
    w.source.behave(Manner::Honest);
    w.clock.advance(DAY);
    process.settle().await;
    assert!(w.left().is_empty());
    assert!(process.retention.state(&ACME).await.unwrap().unwrap().failing.is_empty());
}

#[tokio::test]
async fn r11_a_source_that_fails_in_the_midst_of_it_is_no_end_of_it() {
    let w = World::new().await;
    for days in 31..40 {
        w.row(&ACME, "ada", "visits", days);
    }
    let process = w.process().await;
    process.retention.begin().await.unwrap();
    while w.left().len() > 5 {
        process.step().await.unwrap();
    }
    w.source.behave(Manner::Unreachable);
    process.settle().await;
    let sweep = process.retention.sweeps(&ACME, None, 9).await.unwrap().remove(0);
    assert_eq!((sweep.found, sweep.left, sweep.failed), (9, None, true));
    assert_eq!(sweep.changed["visits"], 4);
    w.source.behave(Manner::Honest);
    w.clock.advance(DAY / 24);
    process.settle().await;
    assert!(w.left().is_empty());
    let sweeps = process.retention.sweeps(&ACME, None, 9).await.unwrap();
    assert_eq!(sweeps.iter().map(|sweep| sweep.changed["visits"]).sum::<u64>(), 9);
}

#[tokio::test]
async fn r11_a_longer_time_that_is_declared_in_the_midst_of_it_holds_at_the_next_step() {
    let mut w = World::new().await;
    for days in 31..40 {
        w.row(&ACME, "ada", "visits", days);
    }
    let process = w.process().await;
    process.retention.begin().await.unwrap();
    while w.left().len() > 5 {
        process.step().await.unwrap();
    }
    let longer = crate::world::PRIVACY.replace("\"30 days\"", "\"2 years\"");
    w.declaration = bailee_registry::Declaration::parse(&longer).unwrap();
    let other = w.process().await;
    other.settle().await;
    assert_eq!(w.left().len(), 5);
    let sweep = other.retention.sweeps(&ACME, None, 9).await.unwrap().remove(0);
    assert_eq!((sweep.found, sweep.left), (9, Some(0)));
    assert!(other.retention.state(&ACME).await.unwrap().unwrap().failing.is_empty());
}
