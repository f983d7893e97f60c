//! A hold that ends finds a person who came back: what they entrusted since is theirs.

use std::time::Duration;

use bailee_core::{Actor, ErrorKind, Id, PurposeId};
use bailee_registry::{Disclosures, Given, How, Ledger};
use bailee_rights::{
    hold::{Covers, Placing},
    request::{AfterReturn, Ask, Outcome, PartStage, Reason, RecipientState, Request, State},
    source::{SourceRow, Value, Whose},
};
use bailee_vault::Holder;

use crate::world::{ACME, CANARY, OPERATOR, World, ada, connection};

const DAY: Duration = Duration::from_secs(86_400);

async fn request(world: &World, id: Id) -> Request {
    world.rights.operator(OPERATOR).request(&ACME, id).await.unwrap()
}

/// An erasure that is done but for what is held for forty days.
async fn held(world: &World, covers: Covers) -> (Whose, Id) {
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let until = world.now().plus(DAY * 40);
    let sentence = "We need what was written for a dispute that is under way.";
    let placing = Placing::new(covers, Reason::LegalClaims, OPERATOR, until, sentence);
    world.rights.holds().place(&ACME, whose.subject(), &placing).await.unwrap();
    let visitor = world.visitor(&ACME, &ada());
    let id = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap().id;
    world.settle().await;
    world.clock.advance(DAY * 3);
    world.settle().await;
    assert_eq!(request(world, id).await.state, State::Held);
    (whose, id)
}

fn content() -> Covers {
    Covers::Sets(["content".to_owned()].into())
}

fn bills() -> Covers {
    Covers::Sets(["bills".to_owned()].into())
}

async fn agrees(world: &World, whose: &Whose) {
    let view = world.vault.read(&ACME, Holder::Subject(whose.subject()), &[]).await.unwrap();
    let given = Given {
        purposes: vec![PurposeId::from_static("service")],
        integration: None,
        declaration: [1; 32],
        text: [2; 32],
        locale: bailee_core::Locale::default(),
        how: How::Page,
        by: Actor::Subject { subject: whose.subject() },
        until: None,
        guardian: None,
    };
    let given = Ledger::new(world.vault.clone()).give(&ACME, &view, &given).await.unwrap();
    world.vault.commit(&ACME, given.add_to(world.vault.batch().unwrap())).await.unwrap();
}

/// A row of somebody who came back.
fn writes(world: &World, whose: &Whose, key: &str) {
    let row = SourceRow { key: key.into(), values: vec![Value::Text("new".into())] };
    world.content.insert(whose, "posts", row);
}

async fn over(world: &World) {
    world.clock.advance(DAY * 38);
    world.settle().await;
    world.clock.advance(Duration::from_secs(600));
    world.settle().await;
}

async fn lives(world: &World, whose: &Whose) -> bool {
    match world.vault.person(&ACME, whose.subject()).await {
        Ok(person) => person == ada(),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Shredded);
            false
        }
    }
}

#[tokio::test]
async fn nothing_goes_by_itself_of_somebody_who_agreed_or_connected_again() {
    for connects in [true, false] {
        let world = World::new().await;
        let (whose, id) = held(&world, bills()).await;
        world.clock.advance(DAY);
        match connects {
            true => drop(world.connect.connections.lock().unwrap().insert(connection(7))),
            false => agrees(&world, &whose).await,
        }
        writes(&world, &whose, "new");
        world.heard.0.lock().unwrap().clear();
        over(&world).await;
        let asks = request(&world, id).await;
        assert_eq!((asks.state, asks.parts[0].stage), (State::Returned, PartStage::Returned));
        let operator = world.rights.operator(OPERATOR);
        assert_eq!(operator.open(&ACME).await.unwrap()[0].id, id, "an operator sees it first");
        let heard = world.heard.0.lock().unwrap().clone();
        assert!(heard.iter().all(|warning| warning.state == State::Returned) && !heard.is_empty());
        for _ in 0..10 {
            world.clock.advance(DAY);
            world.settle().await;
        }
        assert!(world.heard.0.lock().unwrap().len() >= heard.len() + 9, "every day");
        assert_eq!(request(&world, id).await.state, State::Returned);
        assert!(lives(&world, &whose).await);
        assert_eq!(world.content.contents().len(), 3, "two emptied comments and the new post");
        assert_eq!(world.connect.connections.lock().unwrap().len(), usize::from(connects));
    }
}

#[tokio::test]
async fn only_what_was_held_goes_where_an_operator_says_so() {
    let world = World::new().await;
    let (whose, id) = held(&world, content()).await;
    world.clock.advance(DAY);
    agrees(&world, &whose).await;
    world.connect.connections.lock().unwrap().insert(connection(7));
    let row = SourceRow { key: "new".into(), values: vec![Value::Text("new".into())] };
    world.bills.insert(&whose, "invoices", row);
    let letters = world.mailbox.taken().len();
    over(&world).await;
    assert_eq!(world.content.contents().len(), 4, "nothing went yet");
    let operator = world.rights.operator(OPERATOR);
    operator.after_return(&ACME, id, AfterReturn::OnlyHeld).await.unwrap();
    world.settle().await;
    world.clock.advance(Duration::from_secs(600));
    world.settle().await;
    let closed = request(&world, id).await;
    assert_eq!(closed.closed.map(|(_, outcome)| outcome), Some(Outcome::Partial), "{closed:?}");
    let part = &closed.parts[0];
    assert_eq!((part.stage, part.after_return), (PartStage::Done, Some(AfterReturn::OnlyHeld)));
    assert_eq!(part.connections.unwrap().confirmed, 2, "those of then");
    assert_eq!(
        (part.sources[0].tables["posts"].done, part.sources[0].tables["posts"].kept),
        (2, 0)
    );
    assert_eq!(part.sources[1].tables["invoices"].kept, 2, "the new one is not counted");
    assert_eq!(world.content.contents().len(), 2, "comments without their texts");
    // They go on with what they entrusted since.
    assert!(lives(&world, &whose).await);
    assert_eq!(world.vault.subject(&ACME, &ada()).await.unwrap(), Some(whose.subject()));
    assert_eq!(world.connect.connections.lock().unwrap().len(), 1);
    assert!(world.standing(&whose).await.consents().any(|(_, _, given)| given.stands(world.now())));
    assert_eq!(world.mailbox.taken().len(), letters + 1);
    let last = world.mailbox.newest().document().to_markdown();
    assert!(last.contains("You came back"), "{last}");
    let again = operator.after_return(&ACME, id, AfterReturn::Everything).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Rejected);
    // And they can have that erased as well.
    let visitor = world.visitor(&ACME, &ada());
    assert!(world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap().new);
}

#[tokio::test]
async fn everything_goes_where_an_operator_says_so() {
    let world = World::new().await;
    let (whose, id) = held(&world, bills()).await;
    let printer = bailee_core::RecipientId::from_static("printer");
    world.clock.advance(DAY);
    agrees(&world, &whose).await;
    world.connect.connections.lock().unwrap().insert(connection(7));
    writes(&world, &whose, "new");
    let disclosures = Disclosures::new(world.vault.clone());
    let (purpose, content) =
        (PurposeId::from_static("service"), [bailee_core::DataCategory::new("content")]);
    disclosures.note(&ACME, whose.subject(), &printer, &purpose, content, world.now());
    disclosures.flush().await.unwrap();
    over(&world).await;
    assert_eq!(request(&world, id).await.state, State::Returned);
    let operator = world.rights.operator(OPERATOR);
    operator.after_return(&ACME, id, AfterReturn::Everything).await.unwrap();
    world.settle().await;
    world.clock.advance(Duration::from_secs(600));
    world.settle().await;
    let closed = request(&world, id).await;
    assert_eq!(closed.state, State::Closed, "{closed:?}");
    let part = &closed.parts[0];
    assert_eq!(part.connections.unwrap().confirmed, 3, "two of then and the new one");
    assert_eq!(part.sources[0].tables["posts"].done, 3);
    assert!(matches!(closed.recipients[&printer], RecipientState::Told(_)));
    assert!(!lives(&world, &whose).await);
}

#[tokio::test]
async fn whoever_came_back_and_left_again_is_erased_as_they_asked() {
    let world = World::new().await;
    let (whose, id) = held(&world, bills()).await;
    world.clock.advance(DAY);
    agrees(&world, &whose).await;
    let view = world.vault.read(&ACME, Holder::Subject(whose.subject()), &[]).await.unwrap();
    let by = Actor::Subject { subject: whose.subject() };
    let ledger = Ledger::new(world.vault.clone());
    let taken = ledger.withdraw_everything(&ACME, &view, &by).await.unwrap();
    world.vault.commit(&ACME, taken.add_to(world.vault.batch().unwrap())).await.unwrap();
    over(&world).await;
    assert_eq!(request(&world, id).await.state, State::Closed);
    assert!(!lives(&world, &whose).await);
}

#[tokio::test]
async fn a_hold_that_goes_on_for_longer_erases_nothing_of_what_came_since() {
    let world = World::new().await;
    let (whose, id) = held(&world, bills()).await;
    agrees(&world, &whose).await;
    writes(&world, &whose, "new");
    let holds = world.rights.holds();
    let hold = holds.of_subject(&ACME, whose.subject()).await.unwrap()[0].id;
    holds.renew(&ACME, hold, OPERATOR, world.now().plus(DAY * 300)).await.unwrap();
    over(&world).await;
    assert_eq!(request(&world, id).await.state, State::Held);
    assert_eq!(world.content.contents().len(), 3);
}
