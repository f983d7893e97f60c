//! How requests come in.

use std::time::Duration;

use bailee_core::{ErrorKind, HostId};
use bailee_rights::request::{Ask, Channel, Outcome, Right, State, Uses};

use crate::world::{ACME, CANARY, OPERATOR, World, ada};

#[tokio::test]
async fn who_asks_again_has_the_request_that_is_open() {
    let world = World::new().await;
    let visitor = world.visitor(&ACME, &ada());
    let first = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap();
    let second = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap();
    assert!(first.new && !second.new);
    assert_eq!(first.id, second.id);
    let deletion = world.rights.ask(&visitor, world.now(), Ask::AccountDeletion).await.unwrap();
    assert_eq!(deletion.id, first.id, "one erasure at a time");
    let out = world.rights.ask(&visitor, world.now(), Ask::MarketingOptOut).await.unwrap();
    assert!(out.new, "another right is another request");
}

#[tokio::test]
async fn many_who_ask_at_once_have_one_request() {
    let world = World::new().await;
    let asks = (0..16).map(|_| async {
        let visitor = world.visitor(&ACME, &ada());
        world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap()
    });
    let taken = futures_util::future::join_all(asks).await;
    assert_eq!(taken.iter().filter(|taken| taken.new).count(), 1);
    assert!(taken.iter().all(|other| other.id == taken[0].id));
}

#[tokio::test]
async fn a_letter_has_the_clock_of_the_day_that_it_came() {
    let world = World::new().await;
    let received = world.now();
    world.clock.advance(Duration::from_secs(5 * 86_400));
    let operator = world.rights.operator(OPERATOR);
    let taken =
        operator.enter(&ACME, &ada(), Ask::Erasure, Channel::Letter, received).await.unwrap();
    let request = operator.request(&ACME, taken.id).await.unwrap();
    assert_eq!(request.clock.received(), received);
    assert_eq!(request.state, State::Identifying, "a letter shows nothing of who wrote it");
    let future = world.now().plus(Duration::from_secs(1));
    let refused = operator.enter(&ACME, &ada(), Ask::Erasure, Channel::Letter, future).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn an_old_session_shows_nobody_and_an_operator_can_attest() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let signed_in = world.now();
    world.clock.advance(Duration::from_secs(3601));
    let visitor = world.visitor(&ACME, &ada());
    let taken = world.rights.ask(&visitor, signed_in, Ask::MarketingOptOut).await.unwrap();
    world.settle().await;
    assert!(!world.standing(&whose).await.objects_to_marketing());
    world
        .rights
        .operator(OPERATOR)
        .attest(&ACME, taken.id, bailee_rights::identity::Seen::InPerson, None)
        .await
        .unwrap();
    world.settle().await;
    assert!(world.standing(&whose).await.objects_to_marketing());
    let request = world.rights.status(&visitor, taken.id).await.unwrap();
    assert_eq!(request.closed.unwrap().1, Outcome::Done);
}

#[tokio::test]
async fn who_signs_in_again_and_asks_again_has_shown_who_they_are() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let signed_in = world.now();
    world.clock.advance(Duration::from_secs(3601));
    let visitor = world.visitor(&ACME, &ada());
    let taken = world.rights.ask(&visitor, signed_in, Ask::MarketingOptOut).await.unwrap();
    world.settle().await;
    assert!(!world.standing(&whose).await.objects_to_marketing());
    let again = world.rights.ask(&visitor, world.now(), Ask::MarketingOptOut).await.unwrap();
    assert_eq!((again.id, again.new), (taken.id, false));
    world.settle().await;
    assert!(world.standing(&whose).await.objects_to_marketing());
}

#[tokio::test]
async fn nobody_sees_or_ends_the_request_of_somebody_else() {
    let world = World::new().await;
    let visitor = world.visitor(&ACME, &ada());
    let id = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap().id;
    world.fill(&ACME, &HostId::text("ben"), "ben").await;
    let ben = world.visitor(&ACME, &HostId::text("ben"));
    assert_eq!(world.rights.status(&ben, id).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(world.rights.cancel(&ben, id).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(world.rights.of_visitor(&ben).await.unwrap().is_empty());
    assert_eq!(world.rights.of_visitor(&visitor).await.unwrap().len(), 1);
}

#[tokio::test]
async fn warnings_come_before_the_deadline_and_after_it_every_day() {
    let world = World::new().await;
    let operator = world.rights.operator(OPERATOR);
    let received = world.now();
    let taken =
        operator.enter(&ACME, &ada(), Ask::Erasure, Channel::Email, received).await.unwrap();
    let deadline = operator.request(&ACME, taken.id).await.unwrap().reading.deadline().strict;
    for _ in 0..40 {
        world.clock.advance(Duration::from_secs(86_400));
        world.settle().await;
    }
    let heard = world.heard.0.lock().unwrap().clone();
    assert!(heard.iter().all(|warning| warning.right == Right::Erasure));
    let before = heard.iter().filter(|warning| !warning.over).count();
    assert_eq!(before, 3, "fourteen, seven and two days");
    let late = heard.len() - before;
    let days_over = world.now().since(deadline).as_secs() / 86_400;
    assert!(late as u64 >= days_over && late as u64 <= days_over + 1, "{late} of {days_over}");
}

#[tokio::test]
async fn a_withdrawal_is_done_at_once() {
    let world = World::new().await;
    world.fill(&ACME, &ada(), CANARY).await;
    let visitor = world.visitor(&ACME, &ada());
    let ask = Ask::ConsentWithdrawal(Uses::Everything);
    let id = world.rights.ask(&visitor, world.now(), ask).await.unwrap().id;
    world.settle().await;
    let request = world.rights.status(&visitor, id).await.unwrap();
    assert_eq!((request.state, request.closed.unwrap().1), (State::Closed, Outcome::Done));
}

#[tokio::test]
async fn more_tenants_than_a_request_can_name_are_refused_before_anything_is_written() {
    let world = World::new().await;
    let too_many = HostId::Int(655);
    let visitor = world.visitor(&ACME, &too_many);
    let refused = world.rights.ask(&visitor, world.now(), Ask::MarketingOptOut).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge);
    assert_eq!(world.vault.subject(&ACME, &too_many).await.unwrap(), None);
    let visitor = world.visitor(&ACME, &HostId::Int(654));
    let taken = world.rights.ask(&visitor, world.now(), Ask::MarketingOptOut).await.unwrap();
    let request = world.rights.operator(OPERATOR).request(&ACME, taken.id).await.unwrap();
    assert_eq!(request.parts.len(), 655, "with its own");
}
