//! A copy: made in the spool, sealed, fetched by its person, gone after its time.

use std::time::Duration;

use bailee_core::{ErrorKind, HostId};
use bailee_rights::{
    request::{Ask, Export, Outcome, Rights, State},
    source::{Manner, SourceRow, Value},
};

use crate::world::{ACME, CANARY, GLOBEX, OPERATOR, World, ada};

async fn asked(world: &World, ask: Ask) -> bailee_core::Id {
    let visitor = world.visitor(&ACME, &ada());
    let id = world.rights.ask(&visitor, world.now(), ask).await.unwrap().id;
    world.settle().await;
    id
}

#[tokio::test]
async fn a_person_fetches_their_copy_and_nobody_else_does() {
    let world = World::new().await;
    world.fill(&ACME, &ada(), CANARY).await;
    world.fill(&ACME, &HostId::text("ben"), "ben").await;
    let id = asked(&world, Ask::Access(Export::new().with_csv())).await;
    let visitor = world.visitor(&ACME, &ada());
    let request = world.rights.status(&visitor, id).await.unwrap();
    assert_eq!(request.closed.unwrap().1, Outcome::Done);
    let rows: Vec<_> =
        request.parts[0].sources.iter().map(|source| (&*source.source, source.rows)).collect();
    assert_eq!(rows[..2], [("content", 4), ("bills", 2)]);
    assert!(rows.iter().any(|(name, rows)| *name == "records" && *rows > 0), "{rows:?}");
    // In the spool nothing of it can be read.
    for (name, bytes) in world.spool.contents() {
        let found = bytes.windows(CANARY.len()).any(|bytes| bytes == CANARY.as_bytes());
        assert!(!found, "{name:?}");
    }
    let package = world.rights.package(&visitor, id).await.unwrap();
    let bytes = package.read(0, usize::try_from(package.len()).unwrap()).await.unwrap();
    assert_eq!(bytes[..4], *b"PK\x03\x04");
    let link = world.rights.link(&visitor, id).await.unwrap();
    let token = link.token.expose(str::to_owned);
    let (fetch, again) = world.rights.fetch(&visitor, &token).await.unwrap();
    assert_eq!((fetch.request, again.len()), (id, package.len()));
    let ben = world.visitor(&ACME, &HostId::text("ben"));
    for refused in [
        world.rights.fetch(&ben, &token).await.map(drop),
        world.rights.package(&ben, id).await.map(drop),
        world.rights.link(&ben, id).await.map(drop),
    ] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
    }
    // After its time it is gone, and its links with it.
    world.clock.advance(Duration::from_secs(7 * 86_400));
    world.settle().await;
    assert!(world.spool.contents().is_empty());
    let gone = world.rights.fetch(&visitor, &token).await.map(drop);
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(
        world.rights.package(&visitor, id).await.map(drop).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

/// What is left to do when everything is collected takes more than a claim's time altogether.
#[tokio::test]
async fn a_copy_of_many_files_is_closed_in_steps_and_no_claim_is_too_short_for_one() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    for n in 0..3_200 {
        let values = vec![Value::Bytes(vec![7; 16 * 1024])];
        world.content.insert(&whose, "posts", SourceRow { key: format!("file {n}"), values });
    }
    *world.slow.takes.lock().unwrap() = Duration::from_secs(60);
    let begun = world.now();
    let id = asked(&world, Ask::Access(Export::new())).await;
    assert!(world.now().since(begun) > Rights::CLAIM, "in one go it would take longer");
    let longest = *world.longest.lock().unwrap();
    assert!(longest < Rights::CLAIM, "{longest:?}");
    let visitor = world.visitor(&ACME, &ada());
    assert_eq!(world.rights.status(&visitor, id).await.unwrap().closed.unwrap().1, Outcome::Done);
    let package = world.rights.package(&visitor, id).await.unwrap();
    assert!(package.stored().entries > 3_200);
    let end = package.read(package.len() - 22, 22).await.unwrap();
    assert_eq!(end[..4], *b"PK\x05\x06");
}

#[tokio::test]
async fn a_copy_waits_for_every_source() {
    let world = World::new().await;
    world.fill(&ACME, &ada(), CANARY).await;
    world.bills.behave(Manner::Unreachable);
    let id = asked(&world, Ask::Access(Export::new())).await;
    let operator = world.rights.operator(OPERATOR);
    let open = operator.request(&ACME, id).await.unwrap();
    assert_eq!(open.state, State::Working);
    let visitor = world.visitor(&ACME, &ada());
    assert_eq!(
        world.rights.package(&visitor, id).await.map(drop).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    world.bills.behave(Manner::Honest);
    world.clock.advance(Duration::from_secs(3600));
    world.settle().await;
    assert!(world.rights.package(&visitor, id).await.is_ok());
}

#[tokio::test]
async fn a_copy_has_every_tenant_of_the_person() {
    let world = World::new().await;
    let everywhere = HostId::text("ada everywhere");
    world.fill(&ACME, &everywhere, CANARY).await;
    world.fill(&GLOBEX, &everywhere, CANARY).await;
    let visitor = world.visitor(&ACME, &everywhere);
    let ask = Ask::Portability(Export::new());
    let id = world.rights.ask(&visitor, world.now(), ask).await.unwrap().id;
    world.settle().await;
    let request = world.rights.status(&visitor, id).await.unwrap();
    assert_eq!(request.parts.len(), 2);
    assert!(request.parts.iter().all(|part| part.sources.iter().all(|source| source.done)));
    let names: Vec<_> = request.parts[0].sources.iter().map(|source| &*source.source).collect();
    assert_eq!(names, ["content", "bills"], "what these libraries note is not portable");
    assert!(world.rights.package(&visitor, id).await.is_ok());
}

#[tokio::test]
async fn an_erasure_waits_for_the_copy_and_takes_it_along() {
    let world = World::new().await;
    world.fill(&ACME, &ada(), CANARY).await;
    let id = asked(&world, Ask::Access(Export::new())).await;
    assert!(!world.spool.contents().is_empty());
    let visitor = world.visitor(&ACME, &ada());
    world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap();
    world.settle().await;
    world.clock.advance(Duration::from_secs(3 * 86_400));
    world.settle().await;
    world.clock.advance(Duration::from_secs(60));
    world.settle().await;
    assert!(world.vault.subject(&ACME, &ada()).await.unwrap().is_none());
    assert!(world.spool.contents().is_empty(), "the copy went with its person");
    assert!(world.rights.package(&visitor, id).await.is_err());
}

#[tokio::test]
async fn an_erasure_waits_for_no_copy_beyond_its_own_time() {
    let world = World::new().await;
    world.fill(&ACME, &ada(), CANARY).await;
    world.bills.behave(Manner::Unreachable);
    asked(&world, Ask::Access(Export::new())).await;
    let visitor = world.visitor(&ACME, &ada());
    let id = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap().id;
    world.settle().await;
    let operator = world.rights.operator(OPERATOR);
    for _ in 0..10 {
        world.clock.advance(Duration::from_secs(86_400));
        world.settle().await;
    }
    assert_eq!(operator.request(&ACME, id).await.unwrap().state, State::Grace, "the copy first");
    for _ in 0..17 {
        world.clock.advance(Duration::from_secs(86_400));
        world.settle().await;
    }
    assert_eq!(operator.request(&ACME, id).await.unwrap().state, State::Working);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_when_it_is_asked_for() {
    let world = World::new().await;
    let visitor = world.visitor(&ACME, &ada());
    let ask = Ask::Access(Export::new().encrypted_to("age1notakey"));
    let refused = world.rights.ask(&visitor, world.now(), ask).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn what_was_collected_for_a_request_that_is_taken_back_goes() {
    let world = World::new().await;
    world.fill(&ACME, &ada(), CANARY).await;
    world.bills.behave(Manner::Unreachable);
    let id = asked(&world, Ask::Access(Export::new())).await;
    assert!(!world.spool.contents().is_empty(), "the other source answered");
    world.rights.cancel(&world.visitor(&ACME, &ada()), id).await.unwrap();
    world.clock.advance(Duration::from_secs(3600));
    world.settle().await;
    assert!(world.spool.contents().is_empty());
}
