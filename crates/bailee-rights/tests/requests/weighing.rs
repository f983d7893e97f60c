//! What an operator has to weigh holds until it is weighed.

use bailee_core::{ErrorKind, PurposeId};
use bailee_registry::RestrictionGround;
use bailee_rights::{
    request::{Amendment, Ask, Outcome, Reason, State, Words},
    source::{Correction, Value},
};

use crate::world::{ACME, CANARY, DAY, OPERATOR, World, ada};

const NEWS: PurposeId = PurposeId::from_static("news");

fn amendment(world: &str, text: &str) -> Amendment {
    Amendment {
        source: "content".into(),
        correction: Correction {
            table: "posts".into(),
            key: world.into(),
            field: "text".into(),
            value: Value::Text(text.into()),
        },
    }
}

#[tokio::test]
async fn an_objection_holds_at_once_and_for_good_when_it_is_upheld() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let visitor = world.visitor(&ACME, &ada());
    let ask = Ask::Objection { purpose: NEWS, integration: None, grounds: None };
    let id = world.rights.ask(&visitor, world.now(), ask).await.unwrap().id;
    world.settle().await;
    assert!(world.standing(&whose).await.objections().next().is_some(), "at once");
    let operator = world.rights.operator(OPERATOR);
    assert_eq!(operator.open(&ACME).await.unwrap()[0].state, State::Deciding);
    operator.approve(&ACME, id).await.unwrap();
    world.settle().await;
    let request = operator.request(&ACME, id).await.unwrap();
    assert_eq!(request.closed.unwrap().1, Outcome::Done);
    assert!(world.standing(&whose).await.objections().next().is_some());
}

#[tokio::test]
async fn an_objection_is_refused_with_grounds_alone() {
    let world = World::new().await;
    world.fill(&ACME, &ada(), CANARY).await;
    let visitor = world.visitor(&ACME, &ada());
    let ask = Ask::Objection { purpose: NEWS, integration: None, grounds: None };
    let id = world.rights.ask(&visitor, world.now(), ask).await.unwrap().id;
    world.settle().await;
    let operator = world.rights.operator(OPERATOR);
    for reason in [Reason::CompellingGrounds, Reason::LegalDuty] {
        let refused = operator.refuse(&ACME, id, reason, None).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{reason:?}");
    }
}

#[tokio::test]
async fn what_is_said_to_be_wrong_is_restricted_until_it_is_weighed() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let visitor = world.visitor(&ACME, &ada());
    let key = format!("acme-posts-{CANARY}-0");
    let ask = Ask::Rectification(vec![amendment(&key, "put right"), amendment(&key, "not this")]);
    let id = world.rights.ask(&visitor, world.now(), ask).await.unwrap().id;
    world.settle().await;
    let standing = world.standing(&whose).await;
    let grounds = &standing.restriction().unwrap().grounds;
    assert!(grounds.contains(&RestrictionGround::AccuracyContested));
    let operator = world.rights.operator(OPERATOR);
    let beyond =
        operator.approve_amendments(&ACME, id, &[(2, Reason::Accurate)]).await.unwrap_err();
    assert_eq!(beyond.kind(), ErrorKind::InvalidInput);
    operator.approve_amendments(&ACME, id, &[(1, Reason::Accurate)]).await.unwrap();
    world.settle().await;
    let request = operator.request(&ACME, id).await.unwrap();
    assert_eq!(request.state, State::Closed);
    assert_eq!(request.parts[0].sources[0].tables["posts"].done, 1);
    world.pass(DAY).await;
    assert!(world.standing(&whose).await.restriction().is_none(), "it was weighed");
    let rows = world.content.contents();
    assert!(rows.iter().any(|row| row.values[0] == Value::Text("put right".into())));
    assert!(rows.iter().all(|row| row.values[0] != Value::Text("not this".into())));
    // The values are in no record any more, and never were in the log.
    let left = bailee_store::Query::of_subject(whose.subject());
    let left = world.store.find(&ACME, &left).await.unwrap();
    assert!(left.records.iter().all(|record| record.key.kind.as_str() != "rights.asked"));
}

#[tokio::test]
async fn a_field_that_no_source_has_cannot_be_asked_for() {
    let world = World::new().await;
    let visitor = world.visitor(&ACME, &ada());
    let mut wrong = amendment("1", "x");
    wrong.correction.field = "salary".into();
    let asked = world.rights.ask(&visitor, world.now(), Ask::Rectification(vec![wrong])).await;
    assert_eq!(asked.unwrap_err().kind(), ErrorKind::InvalidInput);
    let asked = world.rights.ask(&visitor, world.now(), Ask::Rectification(Vec::new())).await;
    assert_eq!(asked.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_restriction_marks_rows_and_stops_at_the_gate() {
    let world = World::new().await;
    let whose = world.fill(&ACME, &ada(), CANARY).await;
    let visitor = world.visitor(&ACME, &ada());
    let ask = Ask::Restriction(RestrictionGround::Unlawful);
    let id = world.rights.ask(&visitor, world.now(), ask).await.unwrap().id;
    world.settle().await;
    let request = world.rights.status(&visitor, id).await.unwrap();
    assert_eq!(request.closed.unwrap().1, Outcome::Done);
    assert!(world.standing(&whose).await.restriction().is_some());
    assert_eq!(world.content.restricted(&whose), 2, "the posts can be marked");
    // It is lifted after the person was told, from the rows and at the gate.
    let operator = world.rights.operator(OPERATOR);
    let later = world.now().plus(std::time::Duration::from_secs(1));
    let early = operator.end_restriction(&ACME, id, Some(later)).await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::InvalidInput);
    operator.end_restriction(&ACME, id, Some(world.now())).await.unwrap();
    world.settle().await;
    assert!(world.standing(&whose).await.restriction().is_none());
    assert_eq!(world.content.restricted(&whose), 0);
    operator.end_restriction(&ACME, id, Some(world.now())).await.unwrap();
    let child = Ask::Restriction(RestrictionGround::Child);
    let refused = world.rights.ask(&visitor, world.now(), child).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_complaint_waits_for_an_answer_and_is_refused_with_a_reason_of_its_own() {
    let world = World::new().await;
    let visitor = world.visitor(&ACME, &ada());
    let words = Words::new("You did not answer my letter.");
    let id = world.rights.ask(&visitor, world.now(), Ask::Complaint(words)).await.unwrap().id;
    world.settle().await;
    let operator = world.rights.operator(OPERATOR);
    let wrong = operator.refuse(&ACME, id, Reason::LegalDuty, None).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::InvalidInput);
    operator.refuse(&ACME, id, Reason::Unfounded, None).await.unwrap();
    let request = operator.request(&ACME, id).await.unwrap();
    assert_eq!(request.closed.unwrap().1, Outcome::Refused);
    assert_eq!(request.refused[0].reason, Reason::Unfounded);
    let empty = Ask::Complaint(Words::new(""));
    let refused = world.rights.ask(&visitor, world.now(), empty).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
}
