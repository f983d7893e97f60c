//! Zoom: its question for a signature, and what a removal asks for.

use std::time::Duration;

use bailee::{Happened, RequestKind, WithdrawalReason};
use bailee_testkit::emulator::zoom::Zoom;

use crate::{ignored, kept, refused, scene::Scene, table::ZOOM};

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
