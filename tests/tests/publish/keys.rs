//! One key, one post: the same key again, at once, in between, and for something else.

use bailee::{ErrorKind, store::Store};
use bailee_tests::{
    declaration,
    drill::{Claims, hours},
};
use tokio::{sync::Barrier, task::JoinSet};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_publishes_once_however_often_it_is_tried() {
    let (w, ada, tiktok) = connected(studio()).await;
    let other = w.another_process(declaration()).await.unwrap();
    let mut ids = Vec::new();
    for round in 0..6 {
        for bailee in [&w.bailee, &other] {
            ids.push(publish(bailee, &ada, &tiktok).await.unwrap().id);
        }
        if round >= 2 {
            follow(&w, hours(1)).await;
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!((inits(&w), out(&w)), (1, 1));
    let acting = w.bailee.acting(&ada, &PUBLISH);
    acting.publish(&tiktok, &key("post-2"), video("A caption")).await.unwrap();
    assert_eq!(inits(&w), 2, "another key is another post");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_for_something_else_is_refused_at_every_stage() {
    let (w, ada, tiktok) = connected(studio()).await;
    publish(&w.bailee, &ada, &tiktok).await.unwrap();
    let acting = w.bailee.acting(&ada, &PUBLISH);
    for _ in 0..3 {
        for other in [
            video("Another caption"),
            video("A caption").privacy(PrivacyLevel::SelfOnly),
            video("A caption").allow_comments(),
            PublishVideo::from_url("https://media.example/other.mp4")
                .title("A caption")
                .privacy(PrivacyLevel::PublicToEveryone),
        ] {
            let error = acting.publish(&tiktok, &key("post-1"), other).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        }
        let bytes = film(10);
        let other = upload(&w.bailee, &ada, &tiktok, file(&bytes), media(&bytes)).await;
        assert_eq!(other.unwrap_err().kind(), ErrorKind::AlreadyExists);
        follow(&w, seconds(60)).await;
    }
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Published);
    assert_eq!(inits(&w), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_calls_with_one_key_begin_one_post() {
    let (w, ada, tiktok) = connected(studio()).await;
    let mut processes = vec![w.bailee.clone()];
    for _ in 0..3 {
        processes.push(w.another_process(declaration()).await.unwrap());
    }
    for round in 0..4 {
        let barrier = Arc::new(Barrier::new(64));
        let mut tasks = JoinSet::new();
        for n in 0..64 {
            let (bailee, barrier) = (processes[n % 4].clone(), barrier.clone());
            let (ada, tiktok) = (ada.clone(), tiktok.clone());
            tasks.spawn(async move {
                barrier.wait().await;
                let name = key(&format!("round-{round}"));
                bailee.acting(&ada, &PUBLISH).publish(&tiktok, &name, video("A caption")).await
            });
        }
        let outcomes = tasks.join_all().await;
        for outcome in &outcomes {
            let publication = outcome.as_ref().unwrap();
            assert!(
                matches!(
                    publication.state,
                    PublicationState::Queued | PublicationState::Processing
                ),
                "round {round}: {publication:?}"
            );
        }
        assert_eq!(inits(&w), round + 1, "round {round}");
        follow(&w, seconds(60)).await;
        assert_eq!(out(&w), round + 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_comes_between_two_steps_of_another_goes_on_where_that_one_stands() {
    // The steps of a publication are claimed one by one. Whoever claims in between must neither
    // send again what was sent nor take for sent what was not.
    for step in 1..=2 {
        let (w, ada, tiktok) = connected(studio()).await;
        let claims = Claims::before(w.store().clone());
        let store: Arc<dyn Store> = Arc::new(claims.clone());
        let first = w.process(declaration(), store).unwrap().build().await.unwrap();
        claims.park_after(step);
        let publishing = {
            let (ada, tiktok) = (ada.clone(), tiktok.clone());
            tokio::spawn(async move { publish(&first, &ada, &tiktok).await })
        };
        claims.until_parked().await;
        let between = publish(&w.bailee, &ada, &tiktok).await.unwrap();
        assert_eq!(between.state, PublicationState::Processing, "step {step}");
        claims.open();
        let outcome = publishing.await.unwrap().unwrap();
        assert_eq!(outcome.id, between.id);
        follow(&w, seconds(60)).await;
        assert_eq!((inits(&w), out(&w)), (1, 1), "step {step}");
        assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Published);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_read_before_another_published_does_not_publish_again() {
    let (w, ada, tiktok) = connected(studio()).await;
    // It has read that nothing was sent, and is about to claim.
    let late = Claims::before(w.store().clone());
    let store: Arc<dyn Store> = Arc::new(late.clone());
    let late_process = w.process(declaration(), store).unwrap().build().await.unwrap();
    let early = Claims::before(w.store().clone());
    let store: Arc<dyn Store> = Arc::new(early.clone());
    let early_process = w.process(declaration(), store).unwrap().build().await.unwrap();
    let spawn = |bailee: Bailee| {
        let (ada, tiktok) = (ada.clone(), tiktok.clone());
        tokio::spawn(async move { publish(&bailee, &ada, &tiktok).await })
    };
    // The late one reads while the early one's record is new.
    early.park_after(0);
    let first = spawn(early_process);
    early.until_parked().await;
    late.park_after(0);
    let second = spawn(late_process);
    late.until_parked().await;
    // The early one begins the post, writes that down and stops before its next step.
    early.open();
    first.await.unwrap().unwrap();
    late.open();
    second.await.unwrap().unwrap();
    follow(&w, seconds(60)).await;
    assert_eq!((inits(&w), out(&w)), (1, 1));
}
