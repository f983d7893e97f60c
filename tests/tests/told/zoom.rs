//! Zoom: its question for a signature, and what a removal asks for.

use std::{sync::Arc, time::Duration};

use bailee::{Happened, RequestKind, RequestOutcome, WithdrawalReason, providers};
use bailee_testkit::emulator::{Endpoint, Fault, zoom::Zoom};

use crate::{
    ignored, kept, refused,
    scene::{OPERATOR, Scene},
    table::ZOOM,
};

#[tokio::test]
async fn zoom_s_question_is_answered_with_a_signature_once_it_is_proved() {
    let scene = Scene::of(ZOOM).await;
    let asked = scene.announce("endpoint.url_validation", "");
    let document: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
    let taken = scene.deliver(&asked).await;
    let (status, body) = ignored(&taken);
    assert_eq!(
        (status, &taken.answer.headers()["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    let answer: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(answer["plainToken"], document["payload"]["plainToken"]);
    let signed = answer["encryptedToken"].as_str().unwrap().to_owned();
    assert!(signed.len() == 64 && signed.bytes().all(|b| b.is_ascii_hexdigit()), "{signed}");
    // It is the same for the same question, and nothing that a delivery is signed with.
    let again = scene.deliver(&asked).await;
    assert_eq!(ignored(&again).1, body);
    assert!(!asked.header("x-zm-signature").unwrap().contains(&signed));
    let mut unsigned = asked.clone();
    unsigned.headers.retain(|(name, _)| name != "x-zm-signature");
    assert_eq!(refused(&scene.deliver(&unsigned).await), ("unsigned", 401, ""));
}

#[tokio::test]
async fn a_removal_at_zoom_asks_for_the_data_to_go_unless_it_says_that_it_may_be_kept() {
    for (retention, erased) in [(None, true), (Some("false"), true), (Some("true"), false)] {
        let scene = Scene::playing(ZOOM, |site| {
            assert!(site.switches(|zoom: &mut Zoom| zoom.user_data_retention = retention));
        });
        let scene = scene.await;
        let ada = scene.world.visitor("ada");
        let hers = scene.connect(&ada, "ada").await;
        scene.world.settle().await;
        scene.world.advance(Duration::from_secs(3600));
        assert_eq!(kept(&scene.told("app_deauthorized", "ada").await), (200, ""));
        assert_eq!(scene.state(&ada, &hers).await, None);
        let requests = scene.requests().await;
        assert_eq!(requests.len(), usize::from(erased), "{retention:?}");
        let reason = WithdrawalReason::AccessRemoved;
        let mut told = vec![Happened::Connected, Happened::Withdrawn { reason }];
        if let [request] = requests.as_slice() {
            assert_eq!(request.kind, RequestKind::Erasure);
            assert_eq!(request.subject, hers.owner().subject());
            assert_eq!(request.due_at.since(request.received_at), Duration::from_secs(10 * 86_400));
            assert!(request.details.is_empty());
            let (request, kind, due) = (request.id, request.kind, request.due_at);
            told.insert(1, Happened::RequestOpened { request, kind, due });
        }
        assert_eq!(scene.happened(&hers), told);
        scene.assert_clean().await;
    }
}

#[tokio::test]
async fn zoom_is_told_when_the_data_is_gone_where_the_client_reports_that() {
    let reporting = providers::zoom::Zoom::new().reporting_compliance();
    let scene = Scene::build(ZOOM, Arc::new(reporting), |site| {
        assert!(site.switches(|zoom: &mut Zoom| zoom.user_data_retention = Some("false")));
    });
    let scene = scene.await;
    let ada = scene.world.visitor("ada");
    scene.connect(&ada, "ada").await;
    scene.world.advance(Duration::from_secs(3600));
    kept(&scene.told("app_deauthorized", "ada").await);
    let requests = scene.requests().await;
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    scene.world.settle().await;
    let told = || scene.site().written("compliance");
    assert!(told().is_empty(), "nothing is said before it is so");

    let operator = scene.world.bailee.requests(OPERATOR);
    scene.site().fault(Endpoint::Api, Fault::Status(503).times(8));
    operator.close(&request.tenant, request.id, RequestOutcome::Done).await.unwrap();
    scene.world.settle().await;
    assert!(told().is_empty(), "Zoom did not answer");
    scene.site().clear_faults();
    scene.world.advance(Duration::from_secs(3600));
    scene.world.settle().await;
    let said = told();
    let [said] = said.as_slice() else { panic!("it is said once: {}", said.len()) };
    assert_eq!(said.value["compliance_completed"], true);
    assert_eq!(said.value["deauthorization_event_received"]["user_data_retention"], "false");
    scene.world.advance(Duration::from_secs(40 * 86_400));
    scene.world.settle().await;
    assert_eq!(told().len(), 1);
    let again = operator.close(&request.tenant, request.id, RequestOutcome::Done).await;
    assert_eq!(again.unwrap_err().kind(), bailee::ErrorKind::Rejected);
    scene.assert_clean().await;
}
