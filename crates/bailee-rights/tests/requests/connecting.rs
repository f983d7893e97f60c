//! What becomes of connections in an erasure is known, and none outlives it at its provider.

use std::{sync::Arc, time::Duration};

use bailee_core::{Actor, ErrorKind, Id, PurposeId};
use bailee_registry::{Given, How, Ledger};
use bailee_rights::request::{Ask, Ended, Request, State};
use bailee_store::Op;
use bailee_vault::Holder;

use crate::world::{ACME, CANARY, OPERATOR, UNCONFIRMED, World, ada, connection};

const GRACE: Duration = Duration::from_secs(3 * 86_400);

async fn asked(world: &World) -> Id {
    let visitor = world.visitor(&ACME, &ada());
    let id = world.rights.ask(&visitor, world.now(), Ask::Erasure).await.unwrap().id;
    world.settle().await;
    world.clock.advance(GRACE);
    id
}

async fn request(world: &World, id: Id) -> Request {
    world.rights.operator(OPERATOR).request(&ACME, id).await.unwrap()
}

#[tokio::test]
async fn whoever_dies_after_connections_ended_has_not_taken_their_count_along() {
    let world = World::new().await;
    world.fill(&ACME, &ada(), CANARY).await;
    world.connect.connections.lock().unwrap().insert(UNCONFIRMED);
    let id = asked(&world).await;
    let connect = Arc::clone(&world.connect);
    world.frail.fail(move |batch| {
        let part = |op: &Op| matches!(op, Op::Put { record, .. } if record.key.kind.as_str() == "rights.part");
        connect.connections.lock().unwrap().is_empty() && batch.ops().iter().any(part)
    });
    world.dies().await;
    assert!(world.connect.connections.lock().unwrap().is_empty(), "they ended");
    assert_eq!(request(&world, id).await.parts[0].connections, None, "and nobody wrote it down");
    world.settle().await;
    let closed = request(&world, id).await;
    assert_eq!(closed.state, State::Closed);
    let ended = closed.parts[0].connections.unwrap();
    assert_eq!(ended, Ended { confirmed: 2, unconfirmed: 1, left: 0 });
}

/// Connects an account: one commit that writes the person's record, as connect does it. Nobody is
/// there any more once they are erased.
async fn connects(world: Arc<World>) {
    let vault = world.elsewhere.clone();
    loop {
        let Some(subject) = vault.subject(&ACME, &ada()).await.unwrap() else { return };
        let view = match vault.read(&ACME, Holder::Subject(subject), &[]).await {
            Err(error) if error.kind() == ErrorKind::Shredded => return,
            view => view.unwrap(),
        };
        let given = Given {
            purposes: vec![PurposeId::from_static("service")],
            integration: None,
            declaration: [1; 32],
            text: [2; 32],
            locale: bailee_core::Locale::default(),
            how: How::Page,
            by: Actor::Subject { subject },
            until: None,
            guardian: None,
        };
        let given = Ledger::new(vault.clone()).give(&ACME, &view, &given).await.unwrap();
        match vault.commit(&ACME, given.add_to(vault.batch().unwrap())).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            done => {
                done.unwrap();
                world.connect.connections.lock().unwrap().insert(connection(7));
                return;
            }
        }
    }
}

#[tokio::test]
async fn a_connection_made_at_any_moment_of_an_erasure_is_ended_at_its_provider() {
    let (mut calls, mut ended) = (0, 0);
    loop {
        let world = Arc::new(World::new().await);
        world.fill(&ACME, &ada(), CANARY).await;
        let id = asked(&world).await;
        world.frail.before(calls, connects(Arc::clone(&world)));
        world.settle().await;
        for _ in 0..10 {
            world.clock.advance(Duration::from_secs(600));
            world.settle().await;
        }
        if world.frail.waits() {
            // It was over before.
            break;
        }
        let closed = request(&world, id).await;
        assert_eq!(closed.state, State::Closed, "after {calls} calls");
        let left = world.connect.connections.lock().unwrap().len();
        assert_eq!(left, 0, "after {calls} calls a token outlives the erasure");
        let connections = closed.parts[0].connections.unwrap();
        ended += usize::from(connections.confirmed == 3);
        assert!(matches!(connections.confirmed, 2 | 3), "after {calls} calls");
        calls += 1;
    }
    assert!(calls > 60 && ended > 40, "{ended} of {calls}");
}
