//! A restriction ends after its person was told, and not before (Art. 18(3) GDPR).

use std::time::Duration;

use bailee_core::{ErrorKind, Id, Timestamp};
use bailee_registry::RestrictionGround;
use bailee_rights::{
    notice::testing::Behaviour,
    request::{Amendment, Ask, Reason, State},
    source::{Correction, Manner, Value, Whose},
};

use crate::world::{ACME, CANARY, DAY, OPERATOR, World, ada};

async fn restricted(world: &World) -> (Whose, Id) {
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let visitor = world.visitor(&ACME, &ada());
    let ask = Ask::Restriction(RestrictionGround::Unlawful);
    let id = world.rights.ask(&visitor, world.now(), ask).await.unwrap().id;
    world.settle().await;
    assert_eq!(world.content.restricted(&whose), 2);
    (whose, id)
}

async fn is_restricted(world: &World, whose: &Whose) -> bool {
    world.standing(whose).await.restriction().is_some()
}

async fn told(world: &World, id: Id) -> Option<Timestamp> {
    let request = world.rights.operator(OPERATOR).request(&ACME, id).await.unwrap();
    request.lifting.unwrap().told
}

#[tokio::test]
async fn r5_a_letter_goes_a_day_before_a_restriction_ends() {
    let world = World::new().await;
    let (whose, id) = restricted(&world).await;
    let operator = world.rights.operator(OPERATOR);
    operator.end_restriction(&ACME, id, None).await.unwrap();
    world.settle().await;
    let letter = world.mailbox.newest().document().to_markdown();
    assert!(letter.contains("the restriction of your data is about to end"), "{letter}");
    world.clock.advance(Duration::from_secs(60));
    world.settle().await;
    assert!(told(&world, id).await.is_some());
    assert!(is_restricted(&world, &whose).await, "they have a day to say something");
    assert_eq!(world.content.restricted(&whose), 2);
    world.clock.advance(DAY);
    world.settle().await;
    assert!(!is_restricted(&world, &whose).await);
    assert_eq!(world.content.restricted(&whose), 0);
    let request = operator.request(&ACME, id).await.unwrap();
    assert!(request.lifting.unwrap().over.is_some());
    operator.end_restriction(&ACME, id, None).await.unwrap();
}

#[tokio::test]
async fn r5_what_could_not_be_told_does_not_end_until_somebody_was_told_another_way() {
    let world = World::new().await;
    let (whose, id) = restricted(&world).await;
    world.mailbox.behave(Behaviour::Unavailable);
    let operator = world.rights.operator(OPERATOR);
    operator.end_restriction(&ACME, id, None).await.unwrap();
    for _ in 0..40 {
        world.pass(DAY).await;
    }
    assert_eq!(told(&world, id).await, None);
    assert!(is_restricted(&world, &whose).await && world.content.restricted(&whose) == 2);
    operator.end_restriction(&ACME, id, Some(world.now())).await.unwrap();
    world.settle().await;
    assert!(!is_restricted(&world, &whose).await && world.content.restricted(&whose) == 0);
}

#[tokio::test]
async fn r5_the_gate_stays_shut_while_a_source_keeps_its_marks() {
    let world = World::new().await;
    let (whose, id) = restricted(&world).await;
    let operator = world.rights.operator(OPERATOR);
    world.content.behave(Manner::Unreachable);
    operator.end_restriction(&ACME, id, Some(world.now())).await.unwrap();
    world.pass(DAY).await;
    assert!(is_restricted(&world, &whose).await);
    world.content.behave(Manner::Honest);
    world.pass(DAY).await;
    assert!(!is_restricted(&world, &whose).await && world.content.restricted(&whose) == 0);
}

#[tokio::test]
async fn r5_what_is_restricted_on_another_ground_meanwhile_keeps_its_marks() {
    let world = World::new().await;
    let (whose, id) = restricted(&world).await;
    let operator = world.rights.operator(OPERATOR);
    operator.end_restriction(&ACME, id, None).await.unwrap();
    world.settle().await;
    let visitor = world.visitor(&ACME, &ada());
    let other = Ask::Restriction(RestrictionGround::NeededForClaims);
    let other = world.rights.ask(&visitor, world.now(), other).await.unwrap().id;
    world.pass(DAY).await;
    let grounds = world.standing(&whose).await.restriction().unwrap().grounds.clone();
    assert_eq!(grounds.into_iter().collect::<Vec<_>>(), [RestrictionGround::NeededForClaims]);
    assert_eq!(world.content.restricted(&whose), 2);
    operator.end_restriction(&ACME, other, None).await.unwrap();
    world.pass(DAY).await;
    assert!(!is_restricted(&world, &whose).await && world.content.restricted(&whose) == 0);
}

#[tokio::test]
async fn r5_what_was_contested_is_used_again_after_the_person_was_told_and_not_before() {
    for refused in [true, false] {
        let world = World::new().await;
        let whose = world.fill(&ACME, &ada(), CANARY).await;
        let visitor = world.visitor(&ACME, &ada());
        let correction = Correction {
            table: "posts".into(),
            key: format!("acme-posts-{CANARY}-0"),
            field: "text".into(),
            value: Value::Text("put right".into()),
        };
        let ask = Ask::Rectification(vec![Amendment { source: "content".into(), correction }]);
        let id = world.rights.ask(&visitor, world.now(), ask).await.unwrap().id;
        world.settle().await;
        let operator = world.rights.operator(OPERATOR);
        world.mailbox.behave(Behaviour::Unavailable);
        match refused {
            true => operator.refuse(&ACME, id, Reason::Unfounded, None).await.unwrap(),
            false => operator.approve(&ACME, id).await.unwrap(),
        }
        world.pass(DAY).await;
        assert_eq!(operator.request(&ACME, id).await.unwrap().state, State::Closed);
        assert!(is_restricted(&world, &whose).await, "nobody was told yet");
        world.mailbox.behave(Behaviour::Accepts);
        for _ in 0..4 {
            world.pass(DAY).await;
        }
        let told = told(&world, id).await.unwrap();
        assert!(!is_restricted(&world, &whose).await);
        let request = operator.request(&ACME, id).await.unwrap();
        assert!(request.lifting.unwrap().over.unwrap() >= told.plus(DAY));
    }
}

#[tokio::test]
async fn what_restricted_nothing_has_nothing_to_end() {
    let world = World::new().await;
    let visitor = world.visitor(&ACME, &ada());
    let id = world.rights.ask(&visitor, world.now(), Ask::MarketingOptOut).await.unwrap().id;
    world.settle().await;
    let operator = world.rights.operator(OPERATOR);
    let refused = operator.end_restriction(&ACME, id, None).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Rejected);
}
