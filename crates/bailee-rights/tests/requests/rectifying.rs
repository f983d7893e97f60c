//! Whoever reads that a value was not put right reads why (Art. 12(4) GDPR).

use bailee_core::{ErrorKind, Id};
use bailee_rights::{
    request::{Amendment, Ask, Outcome, Reason},
    source::{Correction, Value},
};
use bailee_store::{Query, Window};

use crate::world::{ACME, CANARY, OPERATOR, World, ada};

fn amendment(key: &str, text: &str) -> Amendment {
    Amendment {
        source: "content".into(),
        correction: Correction {
            table: "posts".into(),
            key: key.into(),
            field: "text".into(),
            value: Value::Text(text.into()),
        },
    }
}

async fn asked(world: &World) -> Id {
    world.fill(&ACME, &ada(), CANARY).await;
    let visitor = world.visitor(&ACME, &ada());
    let key = |n: usize| format!("acme-posts-{CANARY}-{n}");
    let values = vec![
        amendment(&key(0), "put right"),
        amendment(&key(1), "canary-not-this"),
        amendment("nobody's", "canary-of-nobody"),
    ];
    let ask = Ask::Rectification(values);
    let id = world.rights.ask(&visitor, world.now(), ask).await.unwrap().id;
    world.settle().await;
    id
}

#[tokio::test]
async fn r2_every_value_that_is_not_put_right_has_its_reason_in_letter_view_and_records() {
    let world = World::new().await;
    let id = asked(&world).await;
    let operator = world.rights.operator(OPERATOR);
    operator.approve_amendments(&ACME, id, &[(1, Reason::Accurate)]).await.unwrap();
    world.settle().await;
    let request = operator.request(&ACME, id).await.unwrap();
    assert_eq!(request.closed.unwrap().1, Outcome::Partial);
    let refused: Vec<_> =
        request.refused.iter().map(|refused| (refused.value, refused.reason)).collect();
    assert_eq!(refused, [(Some(1), Reason::Accurate), (Some(2), Reason::NotHeld)]);
    assert_eq!(request.refused[0].set.as_deref(), Some("content"));
    let letters: Vec<_> =
        world.mailbox.taken().iter().map(|(_, _, text)| text.document().to_markdown()).collect();
    let letter = letters.iter().find(|letter| letter.contains("number 2")).unwrap();
    assert!(letter.contains("What you write, number 2 of the values that you named"), "{letter}");
    assert!(
        letter.contains("what we hold is right") && letter.contains("Art. 16 GDPR"),
        "{letter}"
    );
    assert!(letter.contains("Number 3") && letter.contains("We hold no such value"), "{letter}");
    assert!(letter.contains("supervisory authority"), "{letter}");
    // No value is in the log, nor in a record that outlives the request.
    let entries = world.store.entries(&ACME, Window::default()).await.unwrap();
    assert!(!format!("{entries:?}").contains("canary-not-this"));
    let left = Query::of_subject(request.subject);
    let left = world.store.find(&ACME, &left).await.unwrap();
    assert!(left.records.iter().all(|record| record.key.kind.as_str() != "rights.asked"));
}

#[tokio::test]
async fn nobody_leaves_a_value_out_without_a_reason_that_stands() {
    let world = World::new().await;
    let id = asked(&world).await;
    let operator = world.rights.operator(OPERATOR);
    let all: Vec<_> = (0..3).map(|place| (place, Reason::Accurate)).collect();
    let twice = [(0, Reason::Accurate), (0, Reason::Unfounded)];
    for wrong in [&all[..], &twice, &[(3, Reason::Accurate)], &[(0, Reason::LegalDuty)]] {
        let refused = operator.approve_amendments(&ACME, id, wrong).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{wrong:?}");
    }
}
