//! Whoever is too young for the service has their data erased, and nobody has to ask for it.

use std::time::Duration;

use bailee_core::{Actor, ErrorKind, HostId};
use bailee_registry::{AgeBand, AgeMethod, Ledger};
use bailee_rights::{
    request::{Ask, Channel, IdentifiedBy, Outcome, Request, Rights, State},
    source::Whose,
};
use bailee_store::{Due, Key};

use crate::world::{ACME, CANARY, DAY, GLOBEX, OPERATOR, World};

fn person() -> HostId {
    HostId::text("ada everywhere")
}

/// An age is learnt, and the work that follows from it is planned with it.
async fn learn(world: &World, whose: &Whose, band: AgeBand) {
    let ledger = Ledger::new(world.vault.clone());
    let holder = bailee_vault::Holder::Subject(whose.subject());
    let view = world.vault.read(whose.tenant(), holder, &[]).await.unwrap();
    let by = Actor::Operator { operator: OPERATOR };
    let method = AgeMethod::Reported;
    let learnt = ledger.learn_age(whose.tenant(), &view, band, method, &by).await.unwrap();
    assert_eq!(learnt.erase.is_some(), band == AgeBand::Child);
    let batch = learnt.change.add_to(world.vault.batch().unwrap());
    let task = Key::new(Rights::CHILD_WORK, whose.subject().id());
    let batch = batch.schedule(task, Some(whose.subject()), Due::After(Duration::ZERO));
    world.vault.commit(whose.tenant(), batch).await.unwrap();
    world.settle().await;
}

async fn requests(world: &World) -> Vec<Request> {
    world.rights.of_visitor(&world.visitor(&ACME, &person())).await.unwrap()
}

#[tokio::test]
async fn g4_the_data_of_a_child_goes_by_itself_in_the_tenant_where_they_are_one() {
    let world = World::new().await;
    let here = world.fill(&ACME, &person(), CANARY).await;
    let there = world.fill(&GLOBEX, &person(), CANARY).await;
    for _ in 0..2 {
        learn(&world, &here, AgeBand::Child).await;
    }
    let all = requests(&world).await;
    let request = &all[0];
    assert!(all.iter().all(|one| one.id == request.id), "once");
    assert_eq!((&request.channel, request.state), (&Channel::Declared, State::Grace));
    assert_eq!(request.by, Actor::System);
    assert_eq!(request.identity.as_ref().unwrap().how, IdentifiedBy::Declared);
    assert_eq!(request.parts.len(), 1, "a tenant may set a higher age than another");
    for _ in 0..5 {
        world.pass(DAY).await;
    }
    let read = world.vault.person(&ACME, here.subject()).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Shredded);
    assert_eq!(world.vault.person(&GLOBEX, there.subject()).await.unwrap(), person());
    assert!(world.mailbox.taken().is_empty(), "nobody writes to a child that they asked");
}

#[tokio::test]
async fn g4_an_age_that_was_wrong_and_is_corrected_erases_nothing() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &person(), CANARY).await;
    learn(&world, &whose, AgeBand::Child).await;
    let [request] = requests(&world).await.try_into().unwrap();
    let visitor = world.visitor(&ACME, &person());
    let refused = world.rights.cancel(&visitor, request.id).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Rejected, "it is not theirs to take back");
    learn(&world, &whose, AgeBand::Adult).await;
    for _ in 0..5 {
        world.pass(DAY).await;
    }
    let [request] = requests(&world).await.try_into().unwrap();
    assert_eq!(request.closed.unwrap().1, Outcome::Cancelled);
    assert_eq!(world.vault.person(&ACME, whose.subject()).await.unwrap(), person());
}

#[tokio::test]
async fn g4_a_child_who_asked_themselves_is_asked_for_no_proof_any_more() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &person(), CANARY).await;
    let operator = world.rights.operator(OPERATOR);
    let entered =
        operator.enter(&ACME, &person(), Ask::Erasure, Channel::Letter, world.now()).await.unwrap();
    learn(&world, &whose, AgeBand::Child).await;
    let [request] = requests(&world).await.try_into().unwrap();
    assert_eq!((request.id, request.state), (entered.id, State::Grace));
    for _ in 0..5 {
        world.pass(DAY).await;
    }
    let read = world.vault.person(&ACME, whose.subject()).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Shredded);
}
