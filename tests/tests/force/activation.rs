//! Activating: what it waits for, who wins, what it meets, and what is left of one that was cut off.

use std::time::Duration;

use bailee::{Activated, ErrorKind, Freeze, Remedy, Serving};
use bailee_tests::{Halt, Stopping};

use super::*;

/// A declaration whose policy holds from a day on.
fn from_day(day: &str) -> Declaration {
    let text = next().source().to_owned();
    let policy =
        format!("\n[policy]\nurl = \"https://publisher.example/privacy\"\neffective = {day}\n");
    Declaration::parse(&format!("{text}{policy}")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activation_waits_for_its_day_unless_it_is_meant_and_the_log_says_so() {
    let w = builder().build().await.unwrap();
    let today = time_of(w.clock.now());
    let day = today.saturating_add(time::Duration::days(3));
    let newer = w.another_process(from_day(&day.to_string())).await.unwrap();
    let diff = desk(&newer).diff().await.unwrap();
    let error = desk(&newer).activate(Activation::of(&diff)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    let Remedy::Wait(wait) = error.remedy() else { panic!("{error:?}") };
    assert!(error.to_string().contains(&day.to_string()), "{error}");
    assert_eq!(desk(&newer).status().await.unwrap().serving, Serving::Shared);
    assert!(entries(&w, "declaration.activated").await.is_empty());

    // Exactly when that time is over.
    w.advance(wait - Duration::from_secs(1));
    assert!(desk(&newer).activate(Activation::of(&diff)).await.is_err());
    w.advance(Duration::from_secs(1));
    desk(&newer).activate(Activation::of(&diff)).await.unwrap();
    let log = entries(&w, "declaration.activated").await;
    assert_eq!(log[0].field("reason"), None);
    assert_eq!(log[0].field("former"), Some(&digest(&declaration())));

    // The log is in the order of time.
    w.advance(Duration::from_secs(1));
    let later = from_day(&day.saturating_add(time::Duration::days(30)).to_string());
    let later = w.another_process(later).await.unwrap();
    let diff = desk(&later).diff().await.unwrap();
    desk(&later).activate(Activation::of(&diff).deliberate()).await.unwrap();
    let log = entries(&w, "declaration.activated").await;
    assert_eq!(log[1].field("reason"), Some(&Field::Word("deliberate".into())));
    assert_eq!(log[1].field("operator"), Some(&Field::Id(OPERATOR)));
    w.assert_clean_audit(&["~"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_period_runs_from_the_day_on_which_people_were_told() {
    let text = include_str!("../../privacy.toml").replace(
        "[recipients.notes]\n",
        "[recipients.helper]\nname = \"Helper Ltd\"\ncountry = \"IE\"\nrole = \"processor\"\n\
         purposes = [\"notes.save\"]\ncategories = [\"content\"]\nnotice_days = 14\n\
         contract = \"https://helper.example/dpa\"\n\n[recipients.notes]\n",
    );
    let w = builder().build().await.unwrap();
    let newer = w.another_process(Declaration::parse(&text).unwrap()).await.unwrap();
    let diff = desk(&newer).diff().await.unwrap();
    assert_eq!(diff.notice_days(), 14);
    let today = time_of(w.clock.now());
    let told =
        |ago: i64| Activation::of(&diff).published(today.saturating_sub(time::Duration::days(ago)));
    for early in [Activation::of(&diff), told(0), told(13), told(-1)] {
        let error = desk(&newer).activate(early).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{early:?}");
    }
    desk(&newer).activate(told(14)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_declarations_that_are_activated_at_once_one_wins_and_the_other_is_told() {
    for place in places().await {
        for round in 0..4 {
            let (one, two) = match round % 2 {
                0 => (next(), third()),
                _ => (declaration(), changed("Save captions as notes", "Save notes")),
            };
            let (one, two) = (place.process(one).await, place.process(two).await);
            let (a, b) = (desk(&one).diff().await.unwrap(), desk(&two).diff().await.unwrap());
            let (desk_one, desk_two) = (desk(&one), desk(&two));
            let outcomes = tokio::join!(
                desk_one.activate(Activation::of(&a).deliberate()),
                desk_two.activate(Activation::of(&b).deliberate()),
            );
            let won = |outcome: &bailee::Result<Activated>| outcome.is_ok();
            let (first, second) = (won(&outcomes.0), won(&outcomes.1));
            assert!(first != second, "{}: {outcomes:?}", place.name);
            let (winner, loser, lost) =
                if first { (&one, &two, outcomes.1) } else { (&two, &one, outcomes.0) };
            assert_eq!(lost.unwrap_err().kind(), ErrorKind::Conflict, "{}", place.name);
            let status = desk(loser).status().await.unwrap();
            assert_eq!(status.live[0], winner.declaration().version(), "{}", place.name);
            assert_eq!(status.serving, Serving::Shared);
        }
        // Two processes of one declaration: whoever comes second finds it done.
        let same = changed("Publish your videos", "Post your videos");
        let (one, two) = (place.process(same.clone()).await, place.process(same.clone()).await);
        let former = desk(&one).status().await.unwrap().live[0];
        let activation = Activation::replacing(former).deliberate();
        let (desk_one, desk_two) = (desk(&one), desk(&two));
        let (a, b) = tokio::join!(desk_one.activate(activation), desk_two.activate(activation));
        let mut formers = [a.unwrap().former, b.unwrap().former];
        formers.sort();
        assert_eq!(formers, [None, Some(former)], "{}", place.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_and_an_activation_at_once_both_hold() {
    for place in places().await {
        let Place { name, w, ada, .. } = &place;
        let notes = w.connect(ada, "notes", &[NOTES]).await.unwrap();
        let newer = place.process(next()).await;
        for round in 0..4 {
            let process = if round % 2 == 0 { &newer } else { &w.bailee };
            let (frozen, activated) = tokio::join!(w.bailee.freeze(Freeze::All), activate(process));
            frozen.unwrap();
            activated.unwrap();
            for process in [&newer, &w.bailee] {
                let error = save(process, ada, &notes).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Frozen, "{name}, {round}");
            }
            let live = desk(&w.bailee).status().await.unwrap().live;
            assert_eq!(live[0], process.declaration().version(), "{name}, {round}");
            w.bailee.thaw(&Freeze::All).await.unwrap();
        }
    }
}

fn time_of(now: bailee::core::Timestamp) -> time::Date {
    time::OffsetDateTime::from_unix_timestamp(now.as_seconds()).unwrap().date()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activation_that_is_cut_off_is_whole_or_not_there() {
    for halt in [Halt::DiesBefore, Halt::DiesAfter, Halt::Fails] {
        for steps in 0.. {
            let w = builder().build().await.unwrap();
            let ada = w.visitor("ada");
            let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
            let stopping = Stopping::before(w.store().clone());
            let store: Arc<dyn Store> = Arc::new(stopping.clone());
            let mortal = w.another_process_over(next(), store).await.unwrap();
            let activation = Activation::of(&desk(&mortal).diff().await.unwrap()).deliberate();
            stopping.arm(steps, halt);
            let mortals = desk(&mortal);
            let activating = tokio::spawn(async move { mortals.activate(activation).await });
            tokio::select! {
                () = stopping.until_reached(), if halt != Halt::Fails => {}
                outcome = activating => drop(outcome.unwrap()),
            }
            if !stopping.reached() {
                assert!(steps > 0, "something was written");
                break;
            }
            let whole = entries(&w, "declaration.activated").await.len();
            let witness = w.another_process(next()).await.unwrap();
            let status = desk(&witness).status().await.unwrap();
            if whole == 1 {
                assert_eq!(status.live, [next().version(), declaration().version()]);
                assert_eq!(status.asked.len(), 1, "{halt:?}: {:?}", status.asked);
                assert!(save(&witness, &ada, &notes).await.is_err());
            } else {
                assert_eq!(status.live, [declaration().version()], "{halt:?}");
                save(&witness, &ada, &notes).await.unwrap();
            }
            // Whoever saw no answer does it again.
            let again = desk(&witness).activate(activation).await.unwrap();
            assert_eq!(again.former.is_none(), whole == 1, "{halt:?}");
            let diff = desk(&w.bailee).diff().await.unwrap();
            assert_eq!(diff.before().version(), next().version(), "its text is kept");
        }
    }
}
