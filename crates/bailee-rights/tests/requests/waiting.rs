//! What waits, waits quietly, and what is over is over.

use std::time::Duration;

use bailee_core::{DataCategory, ErrorKind, Id, PurposeId, RecipientId};
use bailee_registry::Disclosures;
use bailee_rights::{
    hold::{Covers, Placing},
    notice::testing::Behaviour,
    request::{Ask, Export, PartStage, Reason, Request, State, Told},
    source::Manner,
};
use bailee_store::Window;

use crate::world::{ACME, CANARY, GLOBEX, OPERATOR, World, ada};

const DAY: Duration = Duration::from_secs(86_400);

async fn request(world: &World, id: Id) -> Request {
    world.rights.operator(OPERATOR).request(&ACME, id).await.unwrap()
}

async fn entries(world: &World) -> usize {
    let (mut window, mut all) = (Window::default(), 0);
    loop {
        let page = world.store.entries(&ACME, window).await.unwrap();
        let Some(last) = page.last() else { return all };
        all += page.len();
        window.after = Some((last.entry.at(), last.batch, last.n));
    }
}

#[tokio::test]
async fn nothing_is_collected_for_a_request_that_was_taken_back() {
    let world = World::new().await;
    world.fill(&ACME, &ada(), CANARY).await;
    world.bills.behave(Manner::Unreachable);
    let visitor = world.visitor(&ACME, &ada());
    let asked = world.rights.ask(&visitor, world.now(), Ask::Access(Export::new())).await;
    let id = asked.unwrap().id;
    world.settle().await;
    world.rights.cancel(&visitor, id).await.unwrap();
    world.clock.advance(Duration::from_secs(660));
    world.settle().await;
    world.bills.behave(Manner::Honest);
    world.clock.advance(DAY);
    world.settle().await;
    assert!(world.spool.contents().is_empty(), "nobody would ever delete it");
    assert_eq!(request(&world, id).await.parts[0].stage, PartStage::Done);
}

#[tokio::test]
async fn an_erasure_waits_for_a_carrier_that_is_away_without_filling_the_log() {
    let world = World::new().await;
    world.fill(&ACME, &ada(), CANARY).await;
    let visitor = world.visitor(&ACME, &ada());
    let id = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap().id;
    world.settle().await;
    world.mailbox.behave(Behaviour::Unavailable);
    world.clock.advance(DAY * 3);
    world.settle().await;
    assert_eq!(request(&world, id).await.state, State::Answering);
    let before = entries(&world).await;
    for _ in 0..720 {
        world.clock.advance(Duration::from_secs(5));
        world.settle().await;
    }
    assert_eq!(request(&world, id).await.state, State::Answering);
    let written = entries(&world).await - before;
    assert!(written < 60, "{written} entries in an hour");
    world.mailbox.behave(Behaviour::Accepts);
    world.clock.advance(DAY);
    world.settle().await;
    world.clock.advance(Duration::from_secs(6 * 3600));
    world.settle().await;
    assert_eq!(request(&world, id).await.state, State::Closed);
}

#[tokio::test]
async fn a_hold_that_is_renewed_is_waited_for_as_long_as_it_says_now() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let (first, renewed) = (world.now().plus(DAY * 40), world.now().plus(DAY * 400));
    let sentence = "We need it for a dispute that is under way.";
    let placing = Placing::new(Covers::All, Reason::LegalClaims, OPERATOR, first, sentence);
    let holds = world.rights.holds();
    let hold = holds.place(&ACME, whose.subject(), &placing).await.unwrap();
    let visitor = world.visitor(&ACME, &ada());
    let id = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap().id;
    world.settle().await;
    world.clock.advance(DAY * 3);
    world.settle().await;
    assert_eq!(request(&world, id).await.state, State::Held);
    // They were told; nobody is late.
    let warned = world.heard.0.lock().unwrap().len();
    holds.renew(&ACME, hold.id, OPERATOR, renewed).await.unwrap();
    for _ in 0..50 {
        world.clock.advance(DAY);
        world.settle().await;
    }
    let held = request(&world, id).await;
    assert_eq!(held.state, State::Held);
    assert_eq!(held.parts[0].held["content"], (Reason::LegalClaims, renewed));
    assert_eq!(world.heard.0.lock().unwrap().len(), warned);
    let before = entries(&world).await;
    for _ in 0..12 {
        world.clock.advance(Duration::from_secs(300));
        world.settle().await;
    }
    assert!(entries(&world).await - before < 5, "it is not looked at all the time");
    for _ in 0..400 {
        world.clock.advance(DAY);
        world.settle().await;
    }
    assert_eq!(request(&world, id).await.state, State::Closed);
}

#[tokio::test]
async fn a_request_that_waits_for_days_is_looked_at_ever_less_and_goes_on_at_once() {
    let world = World::telling(Told::ByHand).await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let disclosures = Disclosures::new(world.vault.clone());
    let (printer, purpose) =
        (RecipientId::from_static("printer"), PurposeId::from_static("service"));
    let content = [DataCategory::new("content")];
    disclosures.note(&ACME, whose.subject(), &printer, &purpose, content, world.now());
    disclosures.flush().await.unwrap();
    let visitor = world.visitor(&ACME, &ada());
    let id = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap().id;
    world.settle().await;
    world.clock.advance(DAY * 3);
    world.settle().await;
    // Nobody told the printer yet.
    let before = entries(&world).await;
    for _ in 0..5 * 24 * 6 {
        world.clock.advance(Duration::from_secs(600));
        world.settle().await;
    }
    let written = entries(&world).await - before;
    assert!((10..40).contains(&written), "{written} entries in five days");
    let operator = world.rights.operator(OPERATOR);
    operator.recipient_told(&ACME, id, &printer, true).await.unwrap();
    world.settle().await;
    assert_eq!(request(&world, id).await.state, State::Closed);
}

#[tokio::test]
async fn a_request_that_waits_for_another_tenant_is_woken_by_its_part() {
    let world = World::new().await;
    let everywhere = bailee_core::HostId::text("ada everywhere");
    world.fill(&ACME, &everywhere, CANARY).await;
    world.fill(&GLOBEX, &everywhere, CANARY).await;
    world.bills.behave(Manner::Unreachable);
    let visitor = world.visitor(&ACME, &everywhere);
    let id = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap().id;
    world.settle().await;
    world.clock.advance(DAY * 3);
    for _ in 0..48 {
        world.settle().await;
        world.clock.advance(Duration::from_secs(3600));
    }
    assert_eq!(request(&world, id).await.state, State::Working);
    world.bills.behave(Manner::Honest);
    // Sources are asked again every hour at the latest.
    world.clock.advance(Duration::from_secs(3600));
    world.settle().await;
    assert_eq!(request(&world, id).await.state, State::Closed);
}

#[tokio::test]
async fn a_word_that_is_never_taken_is_a_fault_that_operators_see_and_the_overseer_hears_of() {
    let world = World::new().await;
    world.fill(&ACME, &ada(), CANARY).await;
    *world.connect.refuses.lock().unwrap() = Some(ErrorKind::Unsupported);
    let visitor = world.visitor(&ACME, &ada());
    let id = world.rights.ask(&visitor, world.now(), Ask::MarketingOptOut).await.unwrap().id;
    world.settle().await;
    let stuck = request(&world, id).await;
    assert_eq!(stuck.state, State::Working);
    assert_eq!(stuck.parts[0].fault.as_deref(), Some("unsupported"));
    let heard = world.heard.0.lock().unwrap().clone();
    assert!(heard.iter().any(|warning| warning.request == id && warning.stuck && !warning.over));
    for _ in 0..24 {
        world.clock.advance(Duration::from_secs(3600));
        world.settle().await;
    }
    assert!(world.heard.0.lock().unwrap().len() <= heard.len() + 2, "once a day");
    *world.connect.refuses.lock().unwrap() = None;
    world.clock.advance(Duration::from_secs(3600));
    world.settle().await;
    let closed = request(&world, id).await;
    assert_eq!((closed.state, closed.parts[0].fault.as_deref()), (State::Closed, None));
}
