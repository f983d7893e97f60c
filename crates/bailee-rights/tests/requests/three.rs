//! A person in three tenants is erased when all three are clear, and not before.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use bailee_core::{ErrorKind, HostId, Id};
use bailee_rights::{
    request::{Ask, PartStage, Request, State},
    source::{Value, Whose},
};

use crate::world::{ACME, CANARY, DAY, GLOBEX, INITECH, OPERATOR, World};

fn person() -> HostId {
    HostId::text("ada in three")
}

async fn asked(world: &World) -> (Vec<Whose>, Id) {
    let mut all = Vec::new();
    for tenant in [ACME, GLOBEX, INITECH] {
        all.push(world.fill(&tenant, &person(), CANARY).await);
    }
    let visitor = world.visitor(&ACME, &person());
    let id = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap().id;
    world.settle().await;
    (all, id)
}

async fn request(world: &World, id: Id) -> Request {
    world.rights.operator(OPERATOR).request(&ACME, id).await.unwrap()
}

async fn assert_erased(world: &World, all: &[Whose], request: &Request) {
    assert_eq!(request.state, State::Closed, "{request:?}");
    assert_eq!(request.parts.len(), 3);
    assert!(request.parts.iter().all(|part| part.stage == PartStage::Done), "{request:?}");
    for whose in all {
        let read = world.vault.person(whose.tenant(), whose.subject()).await;
        assert_eq!(read.unwrap_err().kind(), ErrorKind::Shredded, "{}", whose.tenant());
    }
    let left = world.content.contents();
    assert!(left.iter().all(|row| row.values[0] == Value::Null), "{left:?}");
}

#[tokio::test]
async fn r3_a_dead_source_of_the_third_tenant_keeps_all_three_open_until_it_is_back() {
    let world = World::new().await;
    let (all, id) = asked(&world).await;
    *world.dead.lock().unwrap() = Some(INITECH);
    for _ in 0..6 {
        world.pass(DAY).await;
    }
    let open = request(&world, id).await;
    assert_eq!(open.state, State::Working);
    let stages: Vec<_> = open.parts.iter().map(|part| (part.tenant.clone(), part.stage)).collect();
    for (tenant, stage) in stages {
        let expected = if tenant == INITECH { PartStage::Working } else { PartStage::Cleared };
        assert_eq!(stage, expected, "{tenant}");
    }
    assert!(open.closed.is_none());
    for whose in &all {
        let known = world.vault.person(whose.tenant(), whose.subject()).await;
        assert_eq!(known.unwrap(), person(), "nothing is destroyed before all are clear");
    }
    assert_eq!(world.mailbox.taken().len(), 1, "they know that it came, and are told no more");
    *world.dead.lock().unwrap() = None;
    world.pass(DAY).await;
    assert_erased(&world, &all, &request(&world, id).await).await;
}

#[tokio::test]
async fn r3_a_tenant_that_the_host_no_longer_names_is_erased_as_it_was_when_they_asked() {
    let world = World::new().await;
    let (all, id) = asked(&world).await;
    world.clock.advance(Duration::from_secs(3 * 86_400));
    *world.dead.lock().unwrap() = Some(INITECH);
    world.settle().await;
    assert_eq!(request(&world, id).await.state, State::Working);
    world.memberships.left.store(true, SeqCst);
    world.pass(DAY).await;
    assert_eq!(request(&world, id).await.state, State::Working, "it is asked all the same");
    *world.dead.lock().unwrap() = None;
    world.pass(DAY).await;
    assert_erased(&world, &all, &request(&world, id).await).await;
}
