//! Who received the data is told (Art. 19 GDPR).

use std::time::Duration;

use bailee_core::{DataCategory, PurposeId, RecipientId};
use bailee_registry::Disclosures;
use bailee_rights::request::{Ask, RecipientState, Request, Right, State, Told};

use crate::world::{ACME, CANARY, OPERATOR, World, ada};

const PRINTER: RecipientId = RecipientId::from_static("printer");

async fn disclosed_and_asked(world: &World) -> bailee_core::Id {
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let disclosures = Disclosures::new(world.vault.clone());
    let purpose = PurposeId::from_static("service");
    let content = [DataCategory::new("content")];
    disclosures.note(&ACME, whose.subject(), &PRINTER, &purpose, content, world.now());
    disclosures.flush().await.unwrap();
    let visitor = world.visitor(&ACME, &ada());
    let id = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap().id;
    world.settle().await;
    world.clock.advance(Duration::from_secs(3 * 86_400));
    world.settle().await;
    id
}

async fn request(world: &World, id: bailee_core::Id) -> Request {
    world.rights.operator(OPERATOR).request(&ACME, id).await.unwrap()
}

#[tokio::test]
async fn a_recipient_is_told_once_before_the_request_is_closed() {
    let world = World::new().await;
    let id = disclosed_and_asked(&world).await;
    let closed = request(&world, id).await;
    assert_eq!(closed.state, State::Closed);
    assert!(matches!(closed.recipients[&PRINTER], RecipientState::Told(_)));
    assert_eq!(*world.recipients.1.lock().unwrap(), [(PRINTER, Right::Erasure)]);
}

#[tokio::test]
async fn a_recipient_that_no_program_tells_keeps_the_request_open_until_an_operator_did() {
    let world = World::telling(Told::ByHand).await;
    let id = disclosed_and_asked(&world).await;
    let open = request(&world, id).await;
    assert_eq!(open.state, State::Working);
    assert_eq!(open.recipients[&PRINTER], RecipientState::Untold);
    let operator = world.rights.operator(OPERATOR);
    let other = RecipientId::from_static("somebody");
    assert!(operator.recipient_told(&ACME, id, &other, true).await.is_err());
    operator.recipient_told(&ACME, id, &PRINTER, true).await.unwrap();
    world.settle().await;
    assert_eq!(request(&world, id).await.state, State::Closed);
}

#[tokio::test]
async fn who_cannot_be_told_is_named_and_the_rest_goes_on() {
    let world = World::telling(Told::Impossible).await;
    let id = disclosed_and_asked(&world).await;
    let closed = request(&world, id).await;
    assert_eq!(closed.state, State::Closed);
    assert!(matches!(closed.recipients[&PRINTER], RecipientState::Impossible(_)));
}
