//! The gate goes by what became of an objection: taken back, overridden, or still there.

use bailee_core::{ErrorKind, Id, PurposeId};
use bailee_registry::{Choice, Grounds, Ledger, Outcome};
use bailee_rights::{
    request::{Ask, Reason, Rights},
    source::Whose,
};
use bailee_store::{Claim, Query};

use crate::world::{ACME, CANARY, DAY, OPERATOR, World, ada};

const NEWS: PurposeId = PurposeId::from_static("news");

async fn ask(world: &World) -> Id {
    let visitor = world.visitor(&ACME, &ada());
    let ask = Ask::Objection { purpose: NEWS, integration: None, grounds: None };
    world.rights.ask(&visitor, world.now(), ask).await.unwrap().id
}

async fn objected(world: &World) -> (Whose, Id) {
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let id = ask(world).await;
    world.settle().await;
    assert_eq!(outcome(world, &whose).await, Some(None));
    (whose, id)
}

/// The objection, with what became of it.
async fn outcome(world: &World, whose: &Whose) -> Option<Option<Outcome>> {
    world.standing(whose).await.objections().next().map(|(_, _, outcome)| outcome)
}

async fn choices(world: &World, whose: &Whose) -> Vec<Choice> {
    let ledger = Ledger::new(world.vault.clone());
    let history = ledger.history(&ACME, whose.subject()).await.unwrap();
    history.into_iter().map(|record| record.choice).collect()
}

#[tokio::test]
async fn r5_an_objection_that_is_taken_back_is_over_in_the_ledger_and_at_the_gate() {
    let world = World::new().await;
    let (whose, id) = objected(&world).await;
    world.rights.cancel(&world.visitor(&ACME, &ada()), id).await.unwrap();
    world.settle().await;
    assert_eq!(outcome(&world, &whose).await, None);
    let last = choices(&world, &whose).await.pop().unwrap();
    assert_eq!(last, Choice::ObjectionEnded { purpose: NEWS, integration: None });
    // Who objects again is heard, and the end of the first request ends no other objection.
    let again = ask(&world).await;
    assert_ne!(again, id);
    world.pass(DAY).await;
    assert_eq!(outcome(&world, &whose).await, Some(None));
}

#[tokio::test]
async fn r5_an_objection_that_is_refused_is_overridden_with_its_grounds() {
    let world = World::new().await;
    let (whose, id) = objected(&world).await;
    let operator = world.rights.operator(OPERATOR);
    let grounds = Grounds::new("canary-grounds: it keeps the lights on.");
    operator.refuse(&ACME, id, Reason::CompellingGrounds, Some(&grounds)).await.unwrap();
    world.settle().await;
    assert_eq!(outcome(&world, &whose).await, Some(Some(Outcome::Overridden)));
    let ledger = Ledger::new(world.vault.clone());
    let history = ledger.history(&ACME, whose.subject()).await.unwrap();
    let last = history.last().unwrap();
    let kept = ledger.grounds(&ACME, whose.subject(), last.id).await.unwrap().unwrap();
    assert!(kept.expose(|text| text.starts_with("canary-grounds")));
    // They lie there alone once nobody needs them here.
    world.pass(DAY).await;
    let left = Query::of_subject(whose.subject());
    let left = world.store.find(&ACME, &left).await.unwrap();
    assert!(left.records.iter().all(|record| record.key.kind.as_str() != "rights.asked"));
    assert_eq!(outcome(&world, &whose).await, Some(Some(Outcome::Overridden)));
}

#[tokio::test]
async fn what_a_person_wrote_about_their_objection_is_kept_with_it() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let grounds = Some(Grounds::new("canary-why"));
    let ask = Ask::Objection { purpose: NEWS, integration: None, grounds };
    world.rights.ask(&world.visitor(&ACME, &ada()), world.now(), ask).await.unwrap();
    world.settle().await;
    let ledger = Ledger::new(world.vault.clone());
    let made = ledger.history(&ACME, whose.subject()).await.unwrap().pop().unwrap();
    let kept = ledger.grounds(&ACME, whose.subject(), made.id).await.unwrap().unwrap();
    assert!(kept.expose(|text| text == "canary-why"));
}

#[tokio::test]
async fn an_objection_that_nobody_wrote_down_yet_is_refused_with_grounds_alone() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let id = ask(&world).await;
    let operator = world.rights.operator(OPERATOR);
    for grounds in [None, Some(Grounds::new("  "))] {
        let refused = operator.refuse(&ACME, id, Reason::CompellingGrounds, grounds.as_ref()).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let grounds = Grounds::new("It keeps the lights on.");
    operator.refuse(&ACME, id, Reason::CompellingGrounds, Some(&grounds)).await.unwrap();
    world.pass(DAY).await;
    assert_eq!(outcome(&world, &whose).await, None, "it never came to the gate");
}

#[tokio::test]
async fn an_upheld_objection_is_not_ended_by_a_request_that_repeats_it() {
    let world = World::new().await;
    let (whose, id) = objected(&world).await;
    let operator = world.rights.operator(OPERATOR);
    operator.approve(&ACME, id).await.unwrap();
    world.settle().await;
    let again = ask(&world).await;
    world.settle().await;
    world.rights.cancel(&world.visitor(&ACME, &ada()), again).await.unwrap();
    world.pass(DAY).await;
    assert_eq!(outcome(&world, &whose).await, Some(Some(Outcome::Upheld)));
}

#[tokio::test]
async fn a_word_that_comes_after_its_request_was_taken_back_is_taken_back_as_well() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let id = ask(&world).await;
    let tasks = Rights::tasks();
    let claim = Claim::Due { tasks: &tasks, lease: Rights::CLAIM, limit: 32 };
    let leases = world.store.claim(claim).await.unwrap();
    let lease = leases.iter().find(|lease| lease.task.kind.as_str() == "rights.request").unwrap();
    *world.before_words.lock().unwrap() = Some((world.rights.clone(), id));
    world.rights.do_due(lease).await.unwrap();
    assert!(world.before_words.lock().unwrap().is_none(), "it was taken back in between");
    world.pass(DAY).await;
    assert_eq!(outcome(&world, &whose).await, None);
}
