//! What was handed over to authorities and successors, and what people may know of it.

use std::time::Duration;

use bailee_core::{Clock, DataCategory, ErrorKind, Id, SubjectId, TenantId};
use bailee_registry::{HandedTo, Handover, Handovers, Reader, Telling, kind};
use bailee_store::{Log, Store, Window};

use super::desk::{ACME, Desk};

const MATTER: &str = "4711 Js canary";

fn demanded(telling: Telling) -> Handover {
    Handover {
        to: HandedTo::Authority {
            name: "Public prosecutor".into(),
            law: "§ 95 StPO".into(),
            reference: Some(MATTER.into()),
        },
        categories: ["profile", "content"].map(DataCategory::new).into(),
        telling,
    }
}

async fn seen(desk: &Desk, reader: Reader) -> Vec<Telling> {
    let all = Handovers::new(desk.vault.clone()).of_subject(&ACME, desk.ada, reader).await;
    all.unwrap().into_iter().map(|record| record.telling).collect()
}

#[tokio::test]
async fn g6_a_handover_is_noted_and_shown_to_the_person_when_the_law_lets_it() {
    let desk = Desk::new().await;
    let handovers = Handovers::new(desk.vault.clone());
    let (ada, by) = (desk.ada, desk.operator());
    let until = desk.clock.now().plus(Duration::from_secs(3600));
    let secret = Telling::Forbidden { until: Some(until) };
    let first = handovers.record(&ACME, ada, demanded(secret), &by).await.unwrap();
    desk.clock.advance(Duration::from_secs(1));
    let sold = Handover {
        to: HandedTo::Successor {
            name: "Example Buyer Ltd".into(),
            contact: "privacy@buyer.example".into(),
        },
        categories: [DataCategory::new("profile")].into(),
        telling: Telling::Due,
    };
    handovers.record(&ACME, ada, sold, &by).await.unwrap();
    assert_eq!(seen(&desk, Reader::Operator).await, [secret, Telling::Due]);
    assert_eq!(seen(&desk, Reader::Person).await, [Telling::Due]);

    // While the law forbids it, nobody can say that they were told.
    let told = Telling::Told { at: desk.clock.now() };
    let error = handovers.tell(&ACME, ada, first, told, &by).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    desk.clock.advance(Duration::from_secs(3600));
    assert_eq!(seen(&desk, Reader::Person).await, [secret, Telling::Due]);
    let told = Telling::Told { at: desk.clock.now() };
    handovers.tell(&ACME, ada, first, told, &by).await.unwrap();
    handovers.tell(&ACME, ada, first, told, &by).await.unwrap();
    assert_eq!(seen(&desk, Reader::Person).await, [told, Telling::Due]);
    // What somebody knows is not taken back.
    let error = handovers.tell(&ACME, ada, first, Telling::Due, &by).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);

    // The store and the log hold no name, and say what is due.
    let counts = desk.store.tally(Some(&ACME), &kind::HANDOVER).await.unwrap();
    let mut counts: Vec<_> = counts.iter().map(|one| (one.facet.0, one.records)).collect();
    counts.sort_unstable();
    assert_eq!(counts, [(1, 1), (3, 1)]);
    let log = desk.store.entries(&ACME, Window::default()).await.unwrap();
    let noted: Vec<_> = log
        .iter()
        .map(|logged| logged.entry.event())
        .filter(|event| event.starts_with("handover."))
        .collect();
    assert_eq!(noted, ["handover.recorded", "handover.recorded", "handover.telling_changed"]);
    assert!(!format!("{log:?}").contains("prosecutor") && !format!("{log:?}").contains(MATTER));
    let shown = handovers.of_subject(&ACME, ada, Reader::Operator).await.unwrap();
    assert!(!format!("{shown:?}").contains(MATTER));
}

#[tokio::test]
async fn g6_what_is_forbidden_without_an_end_waits_for_an_operator() {
    let desk = Desk::new().await;
    let handovers = Handovers::new(desk.vault.clone());
    let (ada, by) = (desk.ada, desk.operator());
    let secret = Telling::Forbidden { until: None };
    let id = handovers.record(&ACME, ada, demanded(secret), &by).await.unwrap();
    desk.clock.advance(Duration::from_secs(400 * 86_400));
    assert_eq!(seen(&desk, Reader::Person).await, []);
    handovers.tell(&ACME, ada, id, Telling::Due, &by).await.unwrap();
    assert_eq!(seen(&desk, Reader::Person).await, [Telling::Due]);
}

#[tokio::test]
async fn g6_only_an_operator_hands_over_and_only_what_says_all_of_it() {
    let desk = Desk::new().await;
    let handovers = Handovers::new(desk.vault.clone());
    let (ada, by) = (desk.ada, desk.operator());
    let refused = async |handover: Handover| {
        handovers.record(&ACME, ada, handover, &by).await.unwrap_err().kind()
    };
    let error = handovers.record(&ACME, ada, demanded(Telling::Due), &desk.me()).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Denied);
    let nothing = Handover { categories: [].into(), ..demanded(Telling::Due) };
    assert_eq!(refused(nothing).await, ErrorKind::InvalidInput);
    let told = Telling::Told { at: desk.clock.now() };
    assert_eq!(refused(demanded(told)).await, ErrorKind::InvalidInput);
    for (name, law) in [("", "a law"), ("a court", " "), ("a\ncourt", "a law")] {
        let to = HandedTo::Authority { name: name.into(), law: law.into(), reference: None };
        let handover = Handover { to, ..demanded(Telling::Due) };
        assert_eq!(refused(handover).await, ErrorKind::InvalidInput, "{name:?} {law:?}");
    }
    let long = HandedTo::Successor { name: "x".repeat(513), contact: "a".into() };
    let handover = Handover { to: long, ..demanded(Telling::Due) };
    assert_eq!(refused(handover).await, ErrorKind::InvalidInput);
    assert_eq!(seen(&desk, Reader::Operator).await, []);
    // Nobody of another tenant, and nobody who is not there.
    let other = TenantId::from_static("other");
    let error = handovers.record(&other, ada, demanded(Telling::Due), &by).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let nobody = SubjectId::from_id(Id::from_bytes([9; 16]));
    let error = handovers.tell(&ACME, nobody, Id::ZERO, Telling::Due, &by).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = handovers.tell(&ACME, ada, Id::ZERO, Telling::Due, &by).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
