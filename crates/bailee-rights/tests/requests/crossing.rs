//! Two requests of one person, and the tenants of one request, do not get in each other's way.

use std::time::Duration;

use bailee_core::{DataCategory, HostId, Id, PurposeId, RecipientId};
use bailee_registry::{Disclosures, Grounds};
use bailee_rights::{
    hold::{Covers, Placing},
    request::{Amendment, Ask, Channel, Outcome, Reason, Request, State, Words},
    source::{Correction, Value},
};

use crate::world::{ACME, CANARY, DAY, GLOBEX, OPERATOR, World, ada};

const GRACE: Duration = Duration::from_secs(3 * 86_400);

fn everywhere() -> HostId {
    HostId::text("ada everywhere")
}

fn put_right(key: &str) -> Ask {
    let (table, field) = ("posts".to_owned(), "text".to_owned());
    let value = Value::Text("put right".into());
    let correction = Correction { table, key: key.to_owned(), field, value };
    Ask::Rectification(vec![Amendment { source: "content".into(), correction }])
}

async fn ask(world: &World, person: &HostId, ask: Ask) -> (Id, bool) {
    let visitor = world.visitor(&ACME, person);
    let taken = world.rights.ask(&visitor, world.now(), ask).await.unwrap();
    world.settle().await;
    (taken.id, taken.new)
}

async fn request(world: &World, id: Id) -> Request {
    world.rights.operator(OPERATOR).request(&ACME, id).await.unwrap()
}

#[tokio::test]
async fn whoever_asks_for_something_else_to_be_put_right_is_heard_as_well() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let keys = [format!("acme-posts-{CANARY}-0"), format!("acme-posts-{CANARY}-1")];
    let (first, _) = ask(&world, &ada(), put_right(&keys[0])).await;
    let (second, new) = ask(&world, &ada(), put_right(&keys[1])).await;
    assert!(new && second != first);
    assert_eq!(ask(&world, &ada(), put_right(&keys[0])).await, (first, false), "the same again");
    let operator = world.rights.operator(OPERATOR);
    operator.approve(&ACME, first).await.unwrap();
    world.settle().await;
    assert_eq!(request(&world, first).await.state, State::Closed);
    assert!(world.standing(&whose).await.restriction().is_some(), "the other is still contested");
    operator.refuse(&ACME, second, Reason::Unfounded, None).await.unwrap();
    world.pass(DAY).await;
    assert!(world.standing(&whose).await.restriction().is_none());
}

#[tokio::test]
async fn a_second_complaint_is_heard_as_well() {
    let world = World::new().await;
    let complaint = |words: &str| Ask::Complaint(Words::new(words));
    let (first, _) = ask(&world, &ada(), complaint("Nobody answers.")).await;
    let (second, new) = ask(&world, &ada(), complaint("My bill is public.")).await;
    assert!(new && second != first);
    assert_eq!(ask(&world, &ada(), complaint("Nobody answers.")).await, (first, false));
}

#[tokio::test]
async fn what_was_contested_is_let_go_in_every_tenant() {
    for refused in [true, false] {
        let world = World::new().await;
        let here = world.fill(&ACME, &everywhere(), CANARY).await;
        let there = world.fill(&GLOBEX, &everywhere(), CANARY).await;
        let key = format!("globex-posts-{CANARY}-0");
        let (id, _) = ask(&world, &everywhere(), put_right(&key)).await;
        for whose in [&here, &there] {
            assert!(world.standing(whose).await.restriction().is_some());
        }
        if refused {
            let operator = world.rights.operator(OPERATOR);
            operator.refuse(&ACME, id, Reason::Unfounded, None).await.unwrap();
        } else {
            world.rights.cancel(&world.visitor(&ACME, &everywhere()), id).await.unwrap();
        }
        // Whoever takes it back knows that; whoever is refused is told first.
        world.pass(if refused { DAY } else { Duration::ZERO }).await;
        for whose in [&here, &there] {
            assert!(world.standing(whose).await.restriction().is_none(), "{refused}");
        }
    }
}

#[tokio::test]
async fn what_no_tenant_has_was_not_put_right() {
    let world = World::new().await;
    world.fill(&ACME, &everywhere(), CANARY).await;
    world.fill(&GLOBEX, &everywhere(), CANARY).await;
    let operator = world.rights.operator(OPERATOR);
    let there = format!("globex-posts-{CANARY}-0");
    for (key, outcome) in [("nobody's", Outcome::Partial), (&there, Outcome::Done)] {
        let (id, _) = ask(&world, &everywhere(), put_right(key)).await;
        operator.approve(&ACME, id).await.unwrap();
        world.settle().await;
        assert_eq!(request(&world, id).await.closed.unwrap().1, outcome, "{key}");
    }
}

#[tokio::test]
async fn what_an_operator_did_not_accept_was_not_put_right() {
    let world = World::new().await;
    world.fill(&ACME, &ada(), CANARY).await;
    let mut both = Vec::new();
    for n in 0..2 {
        let Ask::Rectification(one) = put_right(&format!("acme-posts-{CANARY}-{n}")) else {
            unreachable!()
        };
        both.extend(one);
    }
    let (id, _) = ask(&world, &ada(), Ask::Rectification(both)).await;
    world
        .rights
        .operator(OPERATOR)
        .approve_amendments(&ACME, id, &[(0, Reason::Accurate)])
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(request(&world, id).await.closed.unwrap().1, Outcome::Partial);
}

#[tokio::test]
async fn a_recipient_is_told_of_the_person_in_every_tenant() {
    let world = World::new().await;
    let disclosures = Disclosures::new(world.vault.clone());
    let printer = RecipientId::from_static("printer");
    for tenant in [ACME, GLOBEX] {
        let whose = world.fill(&tenant, &everywhere(), CANARY).await;
        let purpose = PurposeId::from_static("service");
        let content = [DataCategory::new("content")];
        disclosures.note(&tenant, whose.subject(), &printer, &purpose, content, world.now());
    }
    disclosures.flush().await.unwrap();
    let (id, _) = ask(&world, &everywhere(), Ask::Erasure).await;
    world.clock.advance(GRACE);
    world.settle().await;
    assert_eq!(request(&world, id).await.state, State::Closed);
    assert_eq!(world.recipients.1.lock().unwrap().len(), 2, "of each tenant's person");
}

#[tokio::test]
async fn what_was_weighed_of_somebody_who_is_erased_by_now_can_be_closed() {
    let world = World::new().await;
    world.fill(&ACME, &ada(), CANARY).await;
    let (contested, _) = ask(&world, &ada(), put_right(&format!("acme-posts-{CANARY}-0"))).await;
    let (approved, _) = ask(&world, &ada(), put_right(&format!("acme-posts-{CANARY}-1"))).await;
    let purpose = PurposeId::from_static("news");
    let objection = Ask::Objection { purpose, integration: None, grounds: None };
    let (objected, _) = ask(&world, &ada(), objection).await;
    let operator = world.rights.operator(OPERATOR);
    let by_letter = put_right("of a letter");
    let entered = operator.enter(&ACME, &ada(), by_letter, Channel::Letter, world.now()).await;
    let unknown = entered.unwrap().id;
    let (erasure, _) = ask(&world, &ada(), Ask::Erasure).await;
    world.clock.advance(GRACE);
    world.settle().await;
    assert_eq!(request(&world, erasure).await.state, State::Closed);
    operator.refuse(&ACME, contested, Reason::Unfounded, None).await.unwrap();
    let grounds = Grounds::new("It keeps the lights on.");
    operator.refuse(&ACME, objected, Reason::CompellingGrounds, Some(&grounds)).await.unwrap();
    operator.refuse(&ACME, unknown, Reason::IdentityFailed, None).await.unwrap();
    operator.approve(&ACME, approved).await.unwrap();
    world.settle().await;
    for id in [contested, objected, unknown, approved] {
        assert_eq!(request(&world, id).await.state, State::Closed, "{id}");
    }
    assert_ne!(request(&world, approved).await.closed.unwrap().1, Outcome::Done);
}

#[tokio::test]
async fn two_erasures_from_two_tenants_both_come_to_their_end_after_a_hold() {
    let world = World::new().await;
    let here = world.fill(&ACME, &everywhere(), CANARY).await;
    world.fill(&GLOBEX, &everywhere(), CANARY).await;
    let until = world.now().plus(Duration::from_secs(400 * 86_400));
    let sentence = "We need it for a dispute that is under way.";
    let placing = Placing::new(Covers::All, Reason::LegalClaims, OPERATOR, until, sentence);
    let hold = world.rights.holds().place(&ACME, here.subject(), &placing).await.unwrap();
    let (first, _) = ask(&world, &everywhere(), Ask::Erasure).await;
    let visitor = world.visitor(&GLOBEX, &everywhere());
    let second = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap().id;
    world.settle().await;
    world.clock.advance(GRACE);
    world.settle().await;
    let operator = world.rights.operator(OPERATOR);
    assert_eq!(request(&world, first).await.state, State::Held);
    assert_eq!(operator.request(&GLOBEX, second).await.unwrap().state, State::Held);
    world.rights.holds().lift(&ACME, hold.id, OPERATOR).await.unwrap();
    for _ in 0..10 {
        let tasks = bailee_rights::request::Rights::tasks();
        let lease = bailee_rights::request::Rights::CLAIM;
        // One after the other, so that one is over before the other one looks.
        loop {
            let claim = bailee_store::Claim::Due { tasks: &tasks, lease, limit: 32 };
            let leases = world.store.claim(claim).await.unwrap();
            if leases.is_empty() {
                break;
            }
            for lease in &leases {
                if lease.task.id != second || request(&world, first).await.state == State::Closed {
                    world.rights.do_due(lease).await.unwrap();
                }
            }
        }
        world.clock.advance(lease);
    }
    assert_eq!(request(&world, first).await.state, State::Closed);
    assert_eq!(operator.request(&GLOBEX, second).await.unwrap().state, State::Closed);
}

#[tokio::test]
async fn what_was_restricted_while_the_request_was_taken_back_is_let_go() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let visitor = world.visitor(&ACME, &ada());
    let contested = put_right(&format!("acme-posts-{CANARY}-0"));
    let id = world.rights.ask(&visitor, world.now(), contested).await.unwrap().id;
    world.rights.cancel(&visitor, id).await.unwrap();
    // A claim that had read the request before says its word after.
    let holder = bailee_vault::Holder::Subject(whose.subject());
    let view = world.vault.read(&ACME, holder, &[]).await.unwrap();
    let ground = bailee_registry::RestrictionGround::AccuracyContested;
    let choice = bailee_registry::Choice::RestrictionBegun { ground };
    let ledger = bailee_registry::Ledger::new(world.vault.clone());
    let by = bailee_core::Actor::Subject { subject: whose.subject() };
    let change = ledger.record(&ACME, &view, choice, &by).await.unwrap();
    world.vault.commit(&ACME, change.add_to(world.vault.batch().unwrap())).await.unwrap();
    assert!(world.standing(&whose).await.restriction().is_some());
    world.clock.advance(Duration::from_secs(660));
    world.settle().await;
    assert!(world.standing(&whose).await.restriction().is_none());
}

#[tokio::test]
async fn nobody_is_taken_in_for_what_cannot_be_asked() {
    let world = World::new().await;
    let visitor = world.visitor(&ACME, &ada());
    let purpose = PurposeId::from_static("nobody-declared-it");
    let objection = Ask::Objection { purpose, integration: None, grounds: None };
    assert!(world.rights.ask(&visitor, world.now(), objection).await.is_err());
    assert_eq!(world.vault.subject(&ACME, &ada()).await.unwrap(), None);
}
