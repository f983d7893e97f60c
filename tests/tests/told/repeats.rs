//! What comes again, late, after its person reconnected, or for several connections at once.

use std::time::Duration;

use bailee::{
    ConnectionState, Happened, SignalOutcome,
    store::{Kind, Query},
};
use bailee_tests::Halt;

use crate::{
    scene::{Scene, word},
    table::Effect,
};

fn kept(taken: &bailee::TakenSignal) -> bool {
    matches!(taken.outcome, SignalOutcome::Kept)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

for_each_teller! {
    #[tokio::test]
    async fn hook_03_what_is_told_is_done_once_and_for_the_one_whom_it_is_about(teller: Teller) {
        let scene = Scene::of(teller).await;
        let (ada, grace) = (scene.world.visitor("ada"), scene.world.visitor("grace"));
        let elsewhere = scene.world.visitor_in("other", "ada");
        let hers = scene.connect(&ada, "ada").await;
        let there = scene.connect(&elsewhere, "ada").await;
        let graces = scene.connect(&grace, "grace").await;
        let second = scene.connect_at(&scene.second(), &ada, "ada").await;
        scene.world.settle().await;
        let sent = scene.news();
        let taken = scene.deliver(&sent).await;
        assert!(kept(&taken), "{:?}", taken.outcome);
        assert_eq!(taken.answer.status().as_u16(), teller.accepted);

        assert!(scene.is_done(&ada, &hers).await, "hers");
        assert!(scene.is_done(&elsewhere, &there).await, "hers in another tenant");
        assert_eq!(scene.state(&grace, &graces).await, Some(ConnectionState::Active));
        assert_eq!(scene.state(&ada, &second).await, Some(ConnectionState::Active));
        assert_eq!(scene.happened(&second), [Happened::Connected]);
        assert_eq!(scene.happened(&graces), [Happened::Connected]);
        match teller.effect {
            Effect::Ends(reason) => {
                let told = scene.happened(&hers);
                assert_eq!(told.first(), Some(&Happened::Connected));
                let ended = |what: &&Happened| matches!(what, Happened::Withdrawn { .. });
                let ended: Vec<_> = told.iter().filter(ended).collect();
                assert_eq!(ended, [&Happened::Withdrawn { reason }]);
                for tenant in ["acme", "other"] {
                    let entries = scene.entries(tenant, "connection.disconnected").await;
                    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
                    assert_eq!(word(entry, "reason").as_deref(), Some(reason.code()));
                    let begun = scene.entries(tenant, "connection.disconnecting").await;
                    let [entry] = begun.as_slice() else { panic!("{begun:?}") };
                    assert_eq!(word(entry, "actor").as_deref(), Some("provider"));
                    assert_eq!(word(entry, "provider").as_deref(), Some(teller.name));
                }
                let credentials = Query::of_kind(Kind::from_static("credential"));
                let tenant = elsewhere.tenant();
                let page = scene.world.store().find(tenant, &credentials).await.unwrap();
                assert!(page.records.is_empty(), "its tokens are deleted");
                let living = scene.site().live_tokens();
                let first = |client: &str| client == teller.client;
                assert!(!living.iter().any(|one| one.account == "ada" && first(&one.client)));
                assert!(living.iter().any(|one| one.account == "grace" && first(&one.client)));
            }
            Effect::Asks(kind) => {
                let requests = scene.requests().await;
                let [request] = requests.as_slice() else { panic!("{requests:?}") };
                assert_eq!((request.kind, request.tenant.as_str()), (kind, "acme"));
            }
        }

        let before = scene.seen().await;
        for later in [0, 1] {
            scene.world.advance(seconds(later));
            let again = scene.deliver(&sent).await;
            assert!(matches!(again.outcome, SignalOutcome::Repeated), "{:?}", again.outcome);
            assert_eq!(again.answer.status().as_u16(), teller.accepted);
        }
        assert_eq!(scene.seen().await, before);
        scene.assert_clean().await;
    }
}

for_each_teller! {
    /// The provider is asked, and says that the grant lives.
    #[tokio::test]
    async fn hook_02_what_was_told_before_the_person_came_back_ends_nothing(teller: Teller) {
        let scene = Scene::of(teller).await;
        let Effect::Ends(_) = teller.effect else { return };
        let ada = scene.world.visitor("ada");
        scene.connect(&ada, "ada").await;
        scene.world.settle().await;
        scene.world.advance(seconds(3600));
        let sent = scene.news();
        scene.world.advance(seconds(20));
        let hers = scene.connect(&ada, "ada").await;
        scene.world.advance(seconds(20));
        scene.world.settle().await;
        let before = scene.seen().await.but_for_sessions();
        assert!(kept(&scene.deliver(&sent).await));
        assert_eq!(scene.seen().await.but_for_sessions(), before);
        assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Active));
        let outcomes = scene.words("~", "signal.applied", "outcome").await;
        assert!(!outcomes.is_empty() && !outcomes.iter().any(|word| word.contains("ended")));
        assert!(outcomes.iter().any(|word| word == "outlived"), "{outcomes:?}");
        scene.assert_clean().await;
    }
}

for_each_teller! {
    #[tokio::test]
    async fn hook_02_what_was_forgotten_ends_nothing_that_was_connected_since(teller: Teller) {
        let scene = Scene::of(teller).await;
        let Effect::Ends(_) = teller.effect else { return };
        let ada = scene.world.visitor("ada");
        let first = scene.connect(&ada, "ada").await;
        scene.world.settle().await;
        let sent = scene.news();
        assert!(kept(&scene.deliver(&sent).await));
        assert_eq!(scene.state(&ada, &first).await, None);
        scene.world.advance(seconds(60 * 86_400));
        scene.world.settle().await;
        let hers = scene.connect(&ada, "ada").await;
        scene.world.settle().await;
        let before = scene.seen().await.but_for_sessions();
        let taken = scene.deliver(&sent).await;
        match teller.good_for {
            Some(_) => assert!(matches!(taken.outcome, SignalOutcome::Refused("stale"))),
            None => {
                assert!(kept(&taken), "{:?}", taken.outcome);
                let outcomes = scene.words("~", "signal.applied", "outcome").await;
                assert!(outcomes.iter().any(|word| word == "outlived"), "{outcomes:?}");
            }
        }
        assert_eq!(scene.seen().await.but_for_sessions(), before);
        assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Active));
    }
}

for_each_teller! {
    #[tokio::test]
    async fn consent_ends_with_the_last_account_that_is_taken_away(teller: Teller) {
        let scene = Scene::of(teller).await;
        let Effect::Ends(_) = teller.effect else { return };
        let ada = scene.world.visitor("ada");
        scene.connect(&ada, "ada").await;
        scene.connect(&ada, "grace").await;
        scene.world.settle().await;
        assert!(kept(&scene.told(teller.event, "ada").await));
        assert!(scene.entries("acme", "consent.withdrawn").await.is_empty());
        scene.world.advance(seconds(10));
        assert!(kept(&scene.told(teller.event, "grace").await));
        let withdrawn = scene.entries("acme", "consent.withdrawn").await;
        let [entry] = withdrawn.as_slice() else { panic!("{withdrawn:?}") };
        assert_eq!(word(entry, "actor").as_deref(), Some("provider"));
        assert!(scene.world.bailee.connections().of_visitor(&ada).await.unwrap().is_empty());
        scene.assert_clean().await;
    }
}

for_each_teller! {
    #[tokio::test]
    async fn what_is_told_of_somebody_who_is_not_known_here_is_taken_and_forgotten(teller: Teller) {
        let scene = Scene::of(teller).await;
        let ada = scene.world.visitor("ada");
        scene.connect(&ada, "ada").await;
        scene.world.settle().await;
        let before = scene.seen().await;
        let taken = scene.told(teller.event, "grace").await;
        assert!(kept(&taken), "{:?}", taken.outcome);
        assert_eq!(taken.answer.status().as_u16(), teller.accepted);
        let outcomes = scene.words("~", "signal.applied", "outcome").await;
        assert!(!outcomes.is_empty() && outcomes.iter().all(|word| word == "unknown_account"));
        assert_eq!(scene.seen().await, before);
        scene.assert_clean().await;
    }
}

for_each_teller! {
    /// A store that is down keeps nothing, so the provider is told to come again.
    #[tokio::test]
    async fn what_the_store_did_not_take_is_taken_when_it_comes_again(teller: Teller) {
        let scene = Scene::of(teller).await;
        let ada = scene.world.visitor("ada");
        let hers = scene.connect(&ada, "ada").await;
        scene.world.settle().await;
        let sent = scene.news();
        scene.stopping.arm(0, Halt::Fails);
        let taken = scene.world.deliver(&sent).await;
        assert!(matches!(taken.outcome, SignalOutcome::Failed(_)), "{:?}", taken.outcome);
        assert_eq!(taken.answer.status().as_u16(), 503);
        assert!(taken.answer.headers().contains_key("retry-after"));
        scene.stopping.disarm();
        scene.world.settle().await;
        assert_eq!(scene.state(&ada, &hers).await, Some(ConnectionState::Active));
        scene.world.advance(seconds(30));
        let again = scene.deliver(&sent).await;
        assert!(kept(&again), "{:?}", again.outcome);
        assert!(scene.is_done(&ada, &hers).await);
    }
}
