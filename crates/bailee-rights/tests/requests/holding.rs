//! A hold keeps one set of data and blocks nothing else; its end brings the erasure back.

use std::time::Duration;

use bailee_core::ErrorKind;
use bailee_rights::{
    hold::{Covers, Placing},
    request::{Ask, Outcome, PartStage, Reason, State},
};

use crate::world::{ACME, CANARY, OPERATOR, World, ada};

#[tokio::test]
async fn what_is_held_stays_and_everything_else_goes() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let until = world.now().plus(Duration::from_secs(40 * 86_400));
    let placing = Placing::new(
        Covers::Sets(["content".to_owned()].into()),
        Reason::LegalClaims,
        OPERATOR,
        until,
        "We need what was written for a dispute that is under way.",
    );
    let hold = world.rights.holds().place(&ACME, whose.subject(), &placing).await.unwrap();
    let visitor = world.visitor(&ACME, &ada());
    let id = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap().id;
    world.settle().await;
    world.clock.advance(Duration::from_secs(3 * 86_400));
    world.settle().await;
    let operator = world.rights.operator(OPERATOR);
    let held = operator.request(&ACME, id).await.unwrap();
    assert_eq!((held.state, held.parts[0].stage), (State::Held, PartStage::Held));
    assert_eq!(held.parts[0].held["content"], (Reason::LegalClaims, until));
    assert_eq!(held.parts[0].connections.unwrap().confirmed, 2, "the rest was done");
    assert_eq!(world.content.contents().len(), 4);
    assert_eq!(world.vault.person(&ACME, whose.subject()).await.unwrap(), ada());
    let last = world.mailbox.newest().document().to_markdown();
    assert!(last.contains("legal claims") && last.contains("What you write"), "{last}");
    // Over: the erasure goes on by itself.
    world.clock.advance(Duration::from_secs(38 * 86_400));
    world.settle().await;
    world.clock.advance(Duration::from_secs(600));
    world.settle().await;
    let closed = operator.request(&ACME, id).await.unwrap();
    assert_eq!(closed.state, State::Closed, "{closed:?}");
    assert_eq!(closed.closed.unwrap().1, Outcome::Partial, "bills are kept by law");
    assert_eq!(world.content.contents().len(), 2, "comments without their texts");
    let person = world.vault.person(&ACME, whose.subject()).await;
    assert_eq!(person.unwrap_err().kind(), ErrorKind::Shredded);
    let _ = hold;
}

#[tokio::test]
async fn a_hold_that_is_lifted_lets_the_erasure_go_on_at_once() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let until = world.now().plus(Duration::from_secs(400 * 86_400));
    let sentence = "We need it for a dispute that is under way.";
    let placing = Placing::new(Covers::All, Reason::LegalClaims, OPERATOR, until, sentence);
    let hold = world.rights.holds().place(&ACME, whose.subject(), &placing).await.unwrap();
    let visitor = world.visitor(&ACME, &ada());
    let id = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap().id;
    world.settle().await;
    world.clock.advance(Duration::from_secs(3 * 86_400));
    world.settle().await;
    let operator = world.rights.operator(OPERATOR);
    assert_eq!(operator.request(&ACME, id).await.unwrap().state, State::Held);
    world.rights.holds().lift(&ACME, hold.id, OPERATOR).await.unwrap();
    world.settle().await;
    world.clock.advance(Duration::from_secs(600));
    world.settle().await;
    assert_eq!(operator.request(&ACME, id).await.unwrap().state, State::Closed);
}
