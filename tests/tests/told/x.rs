//! X: its hourly question, and the two forms of a removal.

use bailee::SignalOutcome;

use crate::{kept, refused, scene::Scene, table::X};

#[tokio::test]
async fn x_s_question_is_answered_with_a_signature_over_what_can_be_no_delivery() {
    let scene = Scene::of(X).await;
    let asked = scene.announce("crc", "");
    assert_eq!(asked.method, "GET");
    let taken = scene.deliver(&asked).await;
    assert!(matches!(taken.outcome, SignalOutcome::Answered), "{:?}", taken.outcome);
    assert_eq!(taken.answer.status().as_u16(), 200);
    assert_eq!(taken.answer.headers()["content-type"], "application/json");
    let answer: serde_json::Value = serde_json::from_str(taken.answer.body()).unwrap();
    let token = answer["response_token"].as_str().unwrap();
    let signature = token.strip_prefix("sha256=").unwrap();
    assert!(signature.len() == 44 && signature.ends_with('='), "{token}");
    assert_eq!(answer.as_object().unwrap().len(), 1);
    let other = scene.deliver(&scene.announce("crc", "")).await;
    assert_ne!(other.answer.body(), taken.answer.body());
    let second = scene.deliver(&scene.to_second_with_query(&asked)).await;
    assert_ne!(second.answer.body(), taken.answer.body(), "it has a secret of its own");

    // Whoever asks for a signature over a delivery gets none.
    for token in ["%7B%22data%22%3A1%7D", "%7B%7D", "", "a%20b"] {
        let mut asked = asked.clone();
        let bare = asked.url.split('?').next().unwrap().to_owned();
        asked.url = format!("{bare}?crc_token={token}");
        assert_eq!(refused(&scene.deliver(&asked).await), ("malformed", 401, ""), "{token}");
    }
}

#[tokio::test]
async fn both_forms_of_a_removal_end_the_connection_of_the_person() {
    for event in ["oauth.revoke", "user_event.revoke"] {
        let scene = Scene::of(X).await;
        let (ada, grace) = (scene.world.visitor("ada"), scene.world.visitor("grace"));
        let hers = scene.connect(&ada, "ada").await;
        let graces = scene.connect(&grace, "grace").await;
        scene.world.settle().await;
        scene.world.advance(std::time::Duration::from_secs(3600));
        assert_eq!(kept(&scene.told(event, "ada").await), (200, ""), "{event}");
        assert_eq!(scene.state(&ada, &hers).await, None);
        assert!(scene.state(&grace, &graces).await.is_some());
        assert_eq!(scene.words("~", "signal.applied", "outcome").await, ["ended"]);
    }
}
