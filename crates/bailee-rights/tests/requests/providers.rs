//! What a provider asks for in a person's name begins one request here, and is answered by it.

use std::time::Duration;

use bailee_core::{Actor, ErrorKind, Id, ProviderId};
use bailee_rights::{
    request::{Ask, Channel, IdentifiedBy, Outcome, ProviderAsk, Request, Rights, State},
    source::{Value, Whose},
};
use bailee_store::{Due, Key};

use crate::world::{ACME, CANARY, DAY, OPERATOR, World, ada};

const INSTAGRAM: ProviderId = ProviderId::from_static("instagram");
const ASK: Id = Id::from_bytes([3; 16]);

/// The provider's request lies there, and the work that it begins is planned.
async fn asked(world: &World) -> Whose {
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let ask = ProviderAsk { provider: INSTAGRAM, subject: whose.subject(), received: world.now() };
    world.asked.open.lock().unwrap().insert(ASK, ask);
    whose
}

async fn plan(world: &World, whose: &Whose) {
    let due = Due::After(Duration::ZERO);
    let task = Key::new(Rights::PROVIDER_WORK, ASK);
    let entry = bailee_core::audit::Entry::new("rights.looked", world.now()).with("request", ASK);
    let batch = world.vault.batch().unwrap().schedule(task, Some(whose.subject()), due);
    world.vault.commit(&ACME, batch.audit(entry)).await.unwrap();
}

async fn requests(world: &World) -> Vec<Request> {
    world.rights.of_visitor(&world.visitor(&ACME, &ada())).await.unwrap()
}

#[tokio::test]
async fn r3_a_provider_s_request_begins_one_erasure_and_is_answered_when_that_is_done() {
    let world = World::new().await;
    let whose = asked(&world).await;
    for _ in 0..3 {
        plan(&world, &whose).await;
        world.settle().await;
    }
    let [request] = requests(&world).await.try_into().unwrap();
    assert_eq!(request.state, State::Grace);
    assert_eq!(request.channel, Channel::Provider(INSTAGRAM));
    assert_eq!(request.by, Actor::Provider { provider: INSTAGRAM });
    let identity = request.identity.unwrap();
    assert_eq!((identity.how, identity.ask), (IdentifiedBy::Provider, Some(ASK)));
    assert_eq!(world.mailbox.taken().len(), 1, "the person is told, and can take it back");
    assert!(world.asked.answered.lock().unwrap().is_empty());
    for _ in 0..4 {
        world.pass(DAY).await;
    }
    let answered = world.asked.answered.lock().unwrap().clone();
    assert_eq!(answered, [(ASK, Some(request.id), Outcome::Partial)], "a law keeps the bills");
    let left = world.content.contents();
    assert!(left.iter().all(|row| row.values[0] == Value::Null), "{left:?}");
}

#[tokio::test]
async fn a_provider_is_not_told_that_it_was_done_where_the_person_took_it_back() {
    let world = World::new().await;
    let whose = asked(&world).await;
    plan(&world, &whose).await;
    world.settle().await;
    let [request] = requests(&world).await.try_into().unwrap();
    world.rights.cancel(&world.visitor(&ACME, &ada()), request.id).await.unwrap();
    for _ in 0..8 {
        world.pass(DAY).await;
    }
    assert!(world.asked.answered.lock().unwrap().is_empty());
    assert_eq!(requests(&world).await.len(), 1, "it does not begin again by itself");
    assert!(!world.content.contents().is_empty());
}

#[tokio::test]
async fn a_provider_s_request_joins_the_one_that_the_person_made() {
    let world = World::new().await;
    let whose = asked(&world).await;
    let operator = world.rights.operator(OPERATOR);
    let own = operator.enter(&ACME, &ada(), Ask::Erasure, Channel::Letter, world.now()).await;
    let own = own.unwrap().id;
    plan(&world, &whose).await;
    world.settle().await;
    let [request] = requests(&world).await.try_into().unwrap();
    assert_eq!(request.id, own);
    assert_eq!(request.identity.unwrap().how, IdentifiedBy::Provider, "it shows who asks");
    for _ in 0..5 {
        world.pass(DAY).await;
    }
    let answered = world.asked.answered.lock().unwrap().clone();
    assert_eq!(answered.len(), 1);
}

#[tokio::test]
async fn what_an_operator_enters_for_a_provider_has_no_identity_without_its_request() {
    let world = World::new().await;
    let operator = world.rights.operator(OPERATOR);
    world.fill(&ACME, &ada(), CANARY).await;
    let channel = Channel::Provider(INSTAGRAM);
    let entered = operator.enter(&ACME, &ada(), Ask::Erasure, channel, world.now()).await.unwrap();
    let request = operator.request(&ACME, entered.id).await.unwrap();
    assert_eq!((request.state, request.identity), (State::Identifying, None));
    assert_eq!(request.by, Actor::Operator { operator: OPERATOR });
    let unknown = operator.enter_from_provider(&ACME, ASK).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    asked(&world).await;
    let taken = operator.enter_from_provider(&ACME, ASK).await.unwrap();
    assert_eq!(taken.id, entered.id, "it shows who asks for what is open");
    let request = operator.request(&ACME, entered.id).await.unwrap();
    assert_eq!(request.identity.unwrap().ask, Some(ASK));
    for _ in 0..5 {
        world.pass(DAY).await;
    }
    assert_eq!(world.asked.answered.lock().unwrap().len(), 1);
}
