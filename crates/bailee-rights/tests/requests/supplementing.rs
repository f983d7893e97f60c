//! What is incomplete is completed by what the person says (Art. 16 GDPR, second sentence).

use bailee_core::{ErrorKind, Id};
use bailee_rights::request::{Ask, Export, Outcome, Reason, State, Statement};
use bailee_store::Window;

use crate::world::{ACME, CANARY, OPERATOR, World, ada};

fn statement(text: &str) -> Statement {
    Statement::new("content", "posts", format!("acme-posts-{CANARY}-0"), text)
}

async fn asked(world: &World, ask: Ask) -> Id {
    let visitor = world.visitor(&ACME, &ada());
    let id = world.rights.ask(&visitor, world.now(), ask).await.unwrap().id;
    world.settle().await;
    id
}

/// Whether a copy has statements: the directory at the end of a ZIP file says how long each file is.
async fn has_statements(world: &World, copy: Id) -> bool {
    let package = world.rights.package(&world.visitor(&ACME, &ada()), copy).await.unwrap();
    let bytes = package.read(0, usize::try_from(package.len()).unwrap()).await.unwrap();
    let headers =
        bytes.windows(46).enumerate().filter(|(_, header)| header.starts_with(b"PK\x01\x02"));
    let lengths: Vec<u32> = headers
        .filter_map(|(at, header)| {
            let name = usize::from(u16::from_le_bytes([header[28], header[29]]));
            let name = String::from_utf8_lossy(bytes.get(at + 46..at + 46 + name)?);
            let length = u32::from_le_bytes(header[24..28].try_into().ok()?);
            (name.contains("statements") && name.ends_with(".jsonl")).then_some(length)
        })
        .collect();
    assert_eq!(lengths.len(), 1, "the file is there, if only empty");
    lengths[0] > 0
}

#[tokio::test]
async fn r2_a_statement_is_kept_beside_incomplete_data_and_is_in_every_copy() {
    for takes in [false, true] {
        let world = World::new().await;
        *world.beside.lock().unwrap() = takes.then(Vec::new);
        let whose = world.fill(&ACME, &ada(), CANARY).await;
        let id = asked(&world, Ask::Supplement(vec![statement("canary: I paid that bill.")])).await;
        let operator = world.rights.operator(OPERATOR);
        assert_eq!(operator.request(&ACME, id).await.unwrap().state, State::Deciding);
        assert!(world.standing(&whose).await.restriction().is_none(), "nothing is contested");
        assert!(operator.statements(&ACME, whose.subject()).await.unwrap().is_empty());
        operator.approve(&ACME, id).await.unwrap();
        world.settle().await;
        let request = operator.request(&ACME, id).await.unwrap();
        assert_eq!(request.closed.unwrap().1, Outcome::Done);
        let kept = operator.statements(&ACME, whose.subject()).await.unwrap();
        assert_eq!((kept.len(), kept[0].beside), (1, takes));
        assert_eq!(kept[0].statement, statement("canary: I paid that bill."));
        let beside = world.beside.lock().unwrap().clone().unwrap_or_default();
        assert_eq!(beside.len(), usize::from(takes));
        // A copy has it, sealed as everything else.
        let copy = asked(&world, Ask::Access(Export::new())).await;
        assert!(has_statements(&world, copy).await, "takes {takes}");
        // No word of it is in the log.
        let entries = world.store.entries(&ACME, Window::default()).await.unwrap();
        assert!(!format!("{entries:?}").contains("I paid"));
    }
}

#[tokio::test]
async fn a_statement_that_is_refused_is_kept_nowhere() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let id = asked(&world, Ask::Supplement(vec![statement("Buy my book.")])).await;
    let operator = world.rights.operator(OPERATOR);
    operator.refuse(&ACME, id, Reason::Unfounded, None).await.unwrap();
    world.settle().await;
    assert!(operator.statements(&ACME, whose.subject()).await.unwrap().is_empty());
    let copy = asked(&world, Ask::Access(Export::new())).await;
    assert!(!has_statements(&world, copy).await);
}

#[tokio::test]
async fn what_states_nothing_and_what_no_source_has_cannot_be_asked_for() {
    let world = World::new().await;
    let visitor = world.visitor(&ACME, &ada());
    let elsewhere = Statement::new("content", "salaries", "1", "More.");
    for wrong in [vec![], vec![statement(" ")], vec![statement("\u{7}")], vec![elsewhere]] {
        let refused = world.rights.ask(&visitor, world.now(), Ask::Supplement(wrong)).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let long = vec![statement(&"a".repeat(5000))];
    let refused = world.rights.ask(&visitor, world.now(), Ask::Supplement(long)).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::TooLarge);
}
