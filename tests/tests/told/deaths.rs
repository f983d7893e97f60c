//! Processes that die while they act on what a provider told, and two that are told at once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bailee::{Bailee, Happened, RequestKind, SignalOutcome, TakenSignal, WithdrawalReason};
use bailee_testkit::emulator::Announcement;
use bailee_tests::Halt;

use crate::{
    kept,
    scene::Scene,
    table::{INSTAGRAM, TIKTOK, Teller},
};

/// A provider, what it tells and where, and what the host hears of it.
type Case = (Teller, fn(&Scene) -> Announcement, WithdrawalReason);

const CASES: [Case; 2] = [
    (
        INSTAGRAM,
        |scene| scene.announce_to(Some("data-deletion"), "data_deletion", "ada"),
        WithdrawalReason::AccessRemoved,
    ),
    (
        TIKTOK,
        |scene| {
            assert!(scene.site().change_tiktok(|tiktok| tiktok.removal_reason = 2));
            scene.news()
        },
        WithdrawalReason::AccountClosed,
    ),
];

/// The first process delivers events and dies at one of its commits while it acts on a signal.
/// Says whether it came so far.
async fn dies(scene: &Scene, commits: u32, halt: Halt) -> bool {
    scene.stopping.arm(commits, halt);
    let worker = scene.world.bailee.worker();
    tokio::select! {
        () = scene.stopping.until_reached() => true,
        _ = worker.settle() => {
            let reached = scene.stopping.reached();
            scene.stopping.disarm();
            reached
        }
    }
}

async fn another(scene: &Scene) -> Bailee {
    let declaration = scene.world.bailee.declaration().clone();
    scene.world.another_process_over(declaration, scene.stopping.store()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_while_it_acts_leaves_the_same_outcome_to_the_next() {
    for (teller, telling, reason) in CASES {
        for halt in [Halt::DiesBefore, Halt::DiesAfter, Halt::Fails] {
            let mut died = 0;
            for commits in 0.. {
                let scene = Scene::of(teller).await;
                let ada = scene.world.visitor("ada");
                let hers = scene.connect(&ada, "ada").await;
                scene.world.settle().await;
                scene.world.advance(Duration::from_secs(86_400));
                scene.world.settle().await;
                let sent = telling(&scene);
                let taken = scene.world.deliver(&sent).await;
                kept(&taken);
                if !dies(&scene, commits, halt).await {
                    break;
                }
                died += 1;
                // Whose commit failed lives on, and comes to its end before time goes by.
                if halt == Halt::Fails {
                    scene.world.bailee.drain().await.unwrap();
                }
                let next = another(&scene).await;
                for _ in 0..6 {
                    scene.world.advance(Duration::from_secs(300));
                    next.worker().settle().await.unwrap();
                }
                let at = format!("{} {halt:?} at {commits}", teller.name);
                let gone = next.connections().of_visitor(&ada).await.unwrap();
                assert!(gone.is_empty(), "{at}: {gone:?}");
                let requests = next.requests(crate::scene::OPERATOR);
                let requests = requests.of(ada.tenant()).await.unwrap();
                let [request] = requests.as_slice() else { panic!("{at}: {requests:?}") };
                assert_eq!((request.kind, &request.connection), (RequestKind::Erasure, &hers));
                // An event may come again, under the same id.
                let told: BTreeMap<_, _> = scene
                    .world
                    .events
                    .all()
                    .into_iter()
                    .map(|event| (event.id, event.what))
                    .collect();
                let mut told: Vec<_> = told.into_values().collect();
                told.retain(|what| *what != Happened::Connected);
                let (id, kind, due) = (request.id, request.kind, request.due_at);
                let opened = Happened::RequestOpened { request: id, kind, due };
                assert_eq!(told.len(), 2, "{at}: {told:?}");
                assert!(told.contains(&opened), "{at}");
                assert!(told.contains(&Happened::Withdrawn { reason }), "{at}");
                assert!(scene.site().live_tokens().is_empty());
                if teller.topic.is_some() {
                    let code = crate::instagram::code(taken.answer.body());
                    let page = next.connections().request_page(&code).await.unwrap();
                    assert!(page.body().contains("In progress"), "{at}: {}", page.body());
                }
                // The store of a process that is dead answers nobody.
                if halt == Halt::Fails {
                    scene.assert_clean().await;
                }
            }
            assert!(died >= 4, "{} {halt:?}: {died}", teller.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_processes_are_told_at_once_is_kept_once() {
    for (teller, telling, _) in CASES {
        let scene = Scene::of(teller).await;
        scene.connect(&scene.world.visitor("ada"), "ada").await;
        scene.world.settle().await;
        let sent = Arc::new(telling(&scene));
        let processes = [scene.world.bailee.clone(), another(&scene).await];
        let taking = processes.iter().cycle().take(8).map(|process| {
            let connections = process.connections();
            let request = scene.world.signal_request(&sent);
            tokio::spawn(async move { connections.take_signal(request).await })
        });
        let mut taken: Vec<TakenSignal> = Vec::new();
        for task in taking.collect::<Vec<_>>() {
            taken.push(task.await.unwrap());
        }
        let count = |wanted: fn(&SignalOutcome) -> bool| {
            taken.iter().filter(|taken| wanted(&taken.outcome)).count()
        };
        assert_eq!(count(|outcome| matches!(outcome, SignalOutcome::Kept)), 1);
        assert_eq!(count(|outcome| matches!(outcome, SignalOutcome::Repeated)), 7);
        let first = taken[0].answer.body();
        assert!(taken.iter().all(|taken| taken.answer.status() == 200));
        assert!(taken.iter().all(|taken| taken.answer.body() == first));
        let [ours, theirs] = &processes;
        let (ours, theirs) = (ours.worker(), theirs.worker());
        let (ours, theirs) = tokio::join!(ours.settle(), theirs.settle());
        ours.unwrap();
        theirs.unwrap();
        scene.world.advance(Duration::from_secs(600));
        scene.world.settle().await;
        assert_eq!(scene.requests().await.len(), 1);
        scene.assert_clean().await;
    }
}
