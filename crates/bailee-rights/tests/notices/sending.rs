//! Carriers that fail, and people who cannot be reached.

use std::time::Duration;

use bailee_core::HostId;
use bailee_rights::notice::{GivenUp, Notice, testing::Behaviour};

use crate::world::{EFFECTIVE, OPERATOR, Process, TENANTS, World, change};

const DAY: Duration = Duration::from_secs(86_400);

async fn notice(process: &Process, world: &World) -> Notice {
    let (tenant, subject) = (&TENANTS[0], world.people[&TENANTS[0]][0].0);
    process.notices.of_subject(tenant, subject).await.unwrap().remove(0)
}

/// Lets days go by, hour by hour.
async fn days(process: &Process, world: &World, days: u32) {
    for _ in 0..days * 24 {
        world.clock.advance(Duration::from_secs(3600));
        process.settle().await;
    }
}

#[tokio::test]
async fn g5_what_could_not_be_sent_is_sent_when_it_can_be_and_ever_more_rarely_tried() {
    for behaviour in [Behaviour::Unavailable, Behaviour::Fails] {
        let world = World::new(1).await;
        let process = world.process().await;
        world.mailbox.behave(behaviour);
        process.notices.announce(OPERATOR, &change(), EFFECTIVE).await.unwrap();
        process.settle().await;
        assert_eq!(notice(&process, &world).await.tries, 1);
        days(&process, &world, 1).await;
        let first = notice(&process, &world).await.tries;
        days(&process, &world, 1).await;
        let second = notice(&process, &world).await;
        assert!(first >= 5 && second.tries - first <= 4, "{first} {}", second.tries);
        assert_eq!((second.sent, second.given_up), (None, None));
        world.mailbox.behave(Behaviour::Accepts);
        days(&process, &world, 1).await;
        assert!(notice(&process, &world).await.sent.is_some());
        assert_eq!(world.reached(), world.concerned());
    }
}

#[tokio::test]
async fn a_message_whose_answer_was_lost_is_sent_again_under_the_same_key() {
    let world = World::new(1).await;
    let process = world.process().await;
    world.mailbox.behave(Behaviour::LosesAnswer);
    process.notices.announce(OPERATOR, &change(), EFFECTIVE).await.unwrap();
    process.settle().await;
    assert_eq!(notice(&process, &world).await.sent, None, "nobody knows");
    world.mailbox.behave(Behaviour::Accepts);
    days(&process, &world, 1).await;
    assert_eq!(world.mailbox.asked(), 6, "asked twice for each");
    assert_eq!(world.reached(), world.concerned(), "and taken once");
}

#[tokio::test]
async fn what_fails_for_a_fortnight_is_given_up_with_its_reason_and_waits_in_the_application() {
    let world = World::new(1).await;
    let process = world.process().await;
    world.mailbox.behave(Behaviour::Unavailable);
    process.notices.announce(OPERATOR, &change(), EFFECTIVE).await.unwrap();
    days(&process, &world, 13).await;
    assert_eq!(notice(&process, &world).await.given_up, None);
    days(&process, &world, 2).await;
    let given_up = notice(&process, &world).await;
    let (at, reason) = given_up.given_up.unwrap();
    assert_eq!(reason, GivenUp::Unavailable);
    let waited = at.since(given_up.queued_at);
    assert!(waited >= 14 * DAY && waited < 14 * DAY + DAY / 12, "{waited:?}");
    // It stays given up, and the person still sees it.
    world.mailbox.behave(Behaviour::Accepts);
    days(&process, &world, 2).await;
    assert!(world.reached().is_empty());
    let subject = world.people[&TENANTS[0]][0].0;
    assert_eq!(process.notices.unseen(&TENANTS[0], subject).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_address_that_refuses_gives_way_to_the_next_and_none_left_is_the_end() {
    let world = World::new(1).await;
    let process = world.process().await;
    world.mailbox.behave(Behaviour::Refuses);
    let host = HostId::text("person-0");
    world.book.set(&TENANTS[0], &host, &["one@people.example", "two@people.example"]);
    process.notices.announce(OPERATOR, &change(), EFFECTIVE).await.unwrap();
    process.settle().await;
    let refused = notice(&process, &world).await;
    assert_eq!(refused.given_up.unwrap().1, GivenUp::Refused);
    assert_eq!(world.mailbox.asked(), 4, "both of one and the only one of two");
}

#[tokio::test]
async fn who_has_no_address_yet_is_looked_for_again() {
    let world = World::new(1).await;
    let process = world.process().await;
    let host = HostId::text("person-0");
    world.book.set(&TENANTS[0], &host, &[]);
    process.notices.announce(OPERATOR, &change(), EFFECTIVE).await.unwrap();
    process.settle().await;
    assert_eq!(world.reached().len(), 2);
    assert_eq!(notice(&process, &world).await.given_up, None);
    world.book.set(&TENANTS[0], &host, &["found@people.example"]);
    days(&process, &world, 1).await;
    assert_eq!(world.reached().len(), 3);
}

#[tokio::test]
async fn whoever_is_erased_while_their_message_waits_is_sent_nothing() {
    let world = World::new(1).await;
    let process = world.process().await;
    world.mailbox.behave(Behaviour::Unavailable);
    process.notices.announce(OPERATOR, &change(), EFFECTIVE).await.unwrap();
    process.settle().await;
    world.erase(&TENANTS[0], world.people[&TENANTS[0]][0].0).await;
    world.mailbox.behave(Behaviour::Accepts);
    let asked = world.mailbox.asked();
    days(&process, &world, 1).await;
    assert_eq!(world.reached(), world.concerned()[1..]);
    assert_eq!(world.mailbox.asked(), asked + 2);
    // And nothing of it is due ever again.
    days(&process, &world, 1).await;
    assert_eq!(process.step(32).await.unwrap(), 0);
}
