//! An erasure is complete when every source has been looked at again, and not before.

use std::time::Duration;

use bailee_core::{ErrorKind, HostId};
use bailee_rights::{
    request::{Ask, Outcome, PartStage, Request, State},
    source::Manner,
};
use bailee_store::{Key, Query};

use crate::world::{ACME, CANARY, GLOBEX, OPERATOR, World, ada};

const GRACE: Duration = Duration::from_secs(3 * 86_400);

/// Asks for an erasure and lets its grace period pass.
async fn asked(world: &World, person: &HostId) -> bailee_core::Id {
    let visitor = world.visitor(&ACME, person);
    let taken = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap();
    assert!(taken.new);
    world.settle().await;
    world.clock.advance(GRACE);
    world.settle().await;
    taken.id
}

async fn request(world: &World, id: bailee_core::Id) -> Request {
    world.rights.operator(OPERATOR).request(&ACME, id).await.unwrap()
}

#[tokio::test]
async fn an_erasure_leaves_what_a_law_keeps_and_nothing_else() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let ben = world.fill(&ACME, &HostId::text("ben"), "ben").await;
    let id = asked(&world, &ada()).await;
    let request = request(&world, id).await;
    assert_eq!(request.state, State::Closed, "{request:?}");
    assert_eq!(request.closed.unwrap().1, Outcome::Partial, "bills are kept");
    let part = &request.parts[0];
    assert_eq!(part.stage, PartStage::Done);
    assert_eq!(part.connections.unwrap().confirmed, 2);
    let content = &part.sources[0];
    assert_eq!((content.tables["posts"].done, content.tables["posts"].left), (2, 0));
    assert_eq!((content.tables["comments"].done, content.tables["comments"].left), (2, 0));
    assert_eq!(part.sources[1].tables["invoices"].kept, 2);
    let left = world.content.contents().len();
    assert_eq!(left, 6, "two emptied comments and four rows of ben");
    // Nothing of her is left but a tombstone and evidence that says nothing of her.
    let read = world.vault.person(&ACME, whose.subject()).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Shredded);
    assert_eq!(world.vault.subject(&ACME, &ada()).await.unwrap(), None);
    let left = world.store.find(&ACME, &Query::of_subject(whose.subject())).await.unwrap();
    let mut kinds: Vec<_> =
        left.records.iter().map(|record| record.key.kind.as_str().to_owned()).collect();
    kinds.sort();
    assert_eq!(kinds, ["rights.part", "rights.request", "subject"]);
    let key = Key::new(bailee_vault::kind::SUBJECT_KEY, whose.subject().id());
    let rows = world.store.read(&ACME, &[key]).await.unwrap();
    assert!(rows.records[0].is_none(), "the key is gone");
    // Ben has what he had.
    assert_eq!(world.vault.person(&ACME, ben.subject()).await.unwrap(), HostId::text("ben"));
}

#[tokio::test]
async fn a_person_can_take_an_erasure_back_until_it_begins() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let visitor = world.visitor(&ACME, &ada());
    let id = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap().id;
    world.settle().await;
    assert_eq!(request(&world, id).await.state, State::Grace);
    world.rights.cancel(&visitor, id).await.unwrap();
    world.clock.advance(GRACE * 2);
    world.settle().await;
    let cancelled = request(&world, id).await;
    assert_eq!(cancelled.closed.unwrap().1, Outcome::Cancelled);
    assert_eq!(world.vault.person(&ACME, whose.subject()).await.unwrap(), ada());
    let again = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap();
    assert!(again.new && again.id != id, "what was taken back can be asked for again");
    world.settle().await;
    world.clock.advance(GRACE);
    world.settle().await;
    let late = world.rights.cancel(&visitor, again.id).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::NotFound, "nobody is there any more to take it back");
}

#[tokio::test]
async fn a_source_that_cannot_be_reached_keeps_the_request_open() {
    let world = World::new().await;
    world.fill(&ACME, &ada(), CANARY).await;
    world.bills.behave(Manner::Unreachable);
    let id = asked(&world, &ada()).await;
    let waits = request(&world, id).await;
    assert_eq!(waits.state, State::Working);
    assert_eq!(waits.parts[0].sources[1].fault.as_deref(), Some("no_answer"));
    assert!(waits.parts[0].sources[0].done, "the others went on");
    assert_eq!(waits.parts[0].sources[0].tables["posts"].left, 0);
    for _ in 0..20 {
        world.clock.advance(Duration::from_secs(3600));
        world.settle().await;
        assert_eq!(request(&world, id).await.state, State::Working);
    }
    world.bills.behave(Manner::Honest);
    world.clock.advance(Duration::from_secs(3600));
    world.settle().await;
    assert_eq!(request(&world, id).await.state, State::Closed);
}

#[tokio::test]
async fn a_silent_source_is_given_up_after_its_time_and_asked_again() {
    let world = World::new().await;
    world.fill(&ACME, &ada(), CANARY).await;
    world.content.behave(Manner::Silent);
    *world.hand.0.lock().unwrap() = true;
    let id = asked(&world, &ada()).await;
    let waits = request(&world, id).await;
    assert_eq!(waits.state, State::Working);
    assert_eq!(waits.parts[0].sources[0].fault.as_deref(), Some("no_answer"));
    world.content.behave(Manner::Honest);
    *world.hand.0.lock().unwrap() = false;
    world.clock.advance(Duration::from_secs(3600));
    world.settle().await;
    assert_eq!(request(&world, id).await.state, State::Closed);
}

#[tokio::test]
async fn a_source_that_lies_is_found_out_by_the_second_look() {
    for manner in [Manner::Idle, Manner::Forgetful] {
        let world = World::new().await;
        world.fill(&ACME, &ada(), CANARY).await;
        world.content.behave(manner);
        let id = asked(&world, &ada()).await;
        for _ in 0..10 {
            world.clock.advance(Duration::from_secs(3600));
            world.settle().await;
        }
        let open = request(&world, id).await;
        assert_eq!(open.state, State::Working, "{manner:?}");
        assert!(open.parts[0].sources[0].fault.is_some(), "{manner:?}");
        world.content.behave(Manner::Honest);
        world.clock.advance(Duration::from_secs(3600));
        world.settle().await;
        assert_eq!(request(&world, id).await.state, State::Closed, "{manner:?}");
    }
}

#[tokio::test]
async fn rows_that_come_while_it_is_erased_are_erased() {
    let world = World::new().await;
    world.fill(&ACME, &ada(), CANARY).await;
    world.content.behave(Manner::Growing(7));
    let id = asked(&world, &ada()).await;
    for _ in 0..10 {
        world.clock.advance(Duration::from_secs(3600));
        world.settle().await;
    }
    let closed = request(&world, id).await;
    assert_eq!(closed.state, State::Closed);
    let posts = closed.parts[0].sources[0].tables["posts"];
    assert!(posts.done > 2 && posts.left == 0, "two of before and those that came: {posts:?}");
    assert_eq!(world.content.contents().len(), 2, "the emptied comments");
}

#[tokio::test]
async fn a_request_reaches_every_tenant_of_the_person() {
    let world = World::new().await;
    let everywhere = HostId::text("ada everywhere");
    let here = world.fill(&ACME, &everywhere, CANARY).await;
    let there = world.fill(&GLOBEX, &everywhere, CANARY).await;
    let id = asked(&world, &everywhere).await;
    let closed = request(&world, id).await;
    assert_eq!(closed.state, State::Closed);
    assert_eq!(closed.parts.len(), 2);
    assert!(closed.parts.iter().all(|part| part.stage == PartStage::Done));
    for whose in [here, there] {
        let read = world.vault.person(whose.tenant(), whose.subject()).await;
        assert_eq!(read.unwrap_err().kind(), ErrorKind::Shredded);
    }
}

#[tokio::test]
async fn nothing_is_destroyed_here_before_everything_is_clear_there() {
    let world = World::new().await;
    let everywhere = HostId::text("ada everywhere");
    let here = world.fill(&ACME, &everywhere, CANARY).await;
    world.fill(&GLOBEX, &everywhere, CANARY).await;
    world.bills.behave(Manner::Unreachable);
    let id = asked(&world, &everywhere).await;
    assert_eq!(request(&world, id).await.state, State::Working);
    assert_eq!(world.vault.person(&ACME, here.subject()).await.unwrap(), everywhere);
}
