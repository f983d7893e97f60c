//! The person is told what happens with their request, as long as there is a way to tell them.

use std::time::Duration;

use bailee_rights::{
    identity::{Code, Doubt, Outcome as Guess, Way},
    request::{Ask, Channel, Reason, State},
};

use crate::world::{ACME, CANARY, OPERATOR, World, ada};

fn texts(world: &World) -> Vec<String> {
    world.mailbox.taken().iter().map(|(_, _, text)| text.document().to_markdown()).collect()
}

fn newest(world: &World) -> String {
    world.mailbox.newest().document().to_markdown()
}

#[tokio::test]
async fn the_last_letter_of_an_erasure_goes_out_before_the_key() {
    let world = World::new().await;
    world.fill(&ACME, &ada(), CANARY).await;
    let visitor = world.visitor(&ACME, &ada());
    let id = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap().id;
    world.settle().await;
    assert_eq!(texts(&world).len(), 1, "it was acknowledged");
    // The host forgets the address with the rest.
    world.clock.advance(Duration::from_secs(3 * 86_400));
    world.book.set(&ACME, &ada(), &[]);
    world.settle().await;
    world.clock.advance(Duration::from_secs(60));
    world.settle().await;
    let operator = world.rights.operator(OPERATOR);
    assert_eq!(operator.request(&ACME, id).await.unwrap().state, State::Closed);
    let told = texts(&world);
    assert_eq!(told.len(), 2, "{told:?}");
    let last = newest(&world);
    assert!(last.contains("What you write") && last.contains("Your bills"), "{last}");
}

#[tokio::test]
async fn a_mailbox_that_takes_nothing_keeps_the_key_for_three_days_and_no_longer() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let visitor = world.visitor(&ACME, &ada());
    let id = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap().id;
    world.settle().await;
    world.mailbox.behave(bailee_rights::notice::testing::Behaviour::Unavailable);
    world.clock.advance(Duration::from_secs(3 * 86_400));
    world.settle().await;
    let operator = world.rights.operator(OPERATOR);
    assert_eq!(operator.request(&ACME, id).await.unwrap().state, State::Answering);
    assert!(world.vault.person(&ACME, whose.subject()).await.is_ok());
    for _ in 0..8 {
        world.clock.advance(Duration::from_secs(43_200));
        world.settle().await;
    }
    assert_eq!(operator.request(&ACME, id).await.unwrap().state, State::Closed);
}

#[tokio::test]
async fn a_code_shows_who_the_person_is_and_the_clock_goes_on() {
    let world = World::new().await;
    world.fill(&ACME, &ada(), CANARY).await;
    let operator = world.rights.operator(OPERATOR);
    let entered = operator
        .enter(&ACME, &ada(), Ask::MarketingOptOut, Channel::Email, world.now())
        .await
        .unwrap();
    let id = entered.id;
    operator.ask_identity(&ACME, id, Doubt::UnknownAddress, &[Way::Code]).await.unwrap();
    world.settle().await;
    let paused = operator.request(&ACME, id).await.unwrap();
    assert!(paused.reading.running().is_none(), "it waits for the person");
    let visitor = world.visitor(&ACME, &ada());
    world.rights.send_code(&visitor, id).await.unwrap();
    world.settle().await;
    let letter = newest(&world);
    let code = letter.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 8);
    let code = code.unwrap_or_else(|| panic!("{letter}")).to_owned();
    let wrong = if code == "00000000" { "00000001" } else { "00000000" };
    let guess = world.rights.enter_code(&visitor, id, &Code::parse(wrong).unwrap()).await.unwrap();
    assert!(matches!(guess, Guess::Wrong { left: 4 }), "{guess:?}");
    let guess = world.rights.enter_code(&visitor, id, &Code::parse(&code).unwrap()).await.unwrap();
    assert!(matches!(guess, Guess::Proven(_)));
    world.settle().await;
    let closed = operator.request(&ACME, id).await.unwrap();
    assert_eq!(closed.state, State::Closed);
    assert!(closed.clock.pauses()[0].answered.is_some());
    assert_eq!(closed.identity.unwrap().how.as_str(), "code");
}

#[tokio::test]
async fn a_refusal_says_why_and_where_to_complain() {
    let world = World::new().await;
    world.fill(&ACME, &ada(), CANARY).await;
    let visitor = world.visitor(&ACME, &ada());
    let id = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap().id;
    let operator = world.rights.operator(OPERATOR);
    operator.refuse(&ACME, id, Reason::LegalClaims, None).await.unwrap();
    world.settle().await;
    let told = texts(&world);
    assert!(told.iter().any(|text| text.contains("supervisory authority")), "{told:?}");
}
