//! Instagram: the removal, the deletion, and the page that says what became of it.

use std::time::Duration;

use bailee::{
    Builder, ErrorKind, Happened, RequestKind, RequestOutcome, RightsSetup, SignalOutcome,
    WithdrawalReason,
    rights::{
        clock::Establishment,
        request::{Channel, State},
    },
};
use bailee_testkit::emulator::{
    Announcement,
    instagram::{Instagram, UserId},
};

use crate::{
    kept,
    scene::{OPERATOR, Scene, adapter},
    table::INSTAGRAM,
};

const DELETION: Option<&str> = Some("data-deletion");

fn deletion(scene: &Scene, account: &str) -> Announcement {
    scene.announce_to(DELETION, "data_deletion", account)
}

/// The code in the answer to a deletion, whose other member is the address of its page.
pub(crate) fn code(body: &str) -> String {
    let answer: serde_json::Value = serde_json::from_str(body).unwrap();
    let code = answer["confirmation_code"].as_str().unwrap().to_owned();
    let page = format!("https://app.example.test/connect/request/{code}");
    assert_eq!(answer, serde_json::json!({"url": page, "confirmation_code": code}));
    assert!(code.len() == 32 && code.bytes().all(|byte| byte.is_ascii_hexdigit()));
    code
}

/// The page that a code leads to: its heading and its text.
async fn page(scene: &Scene, code: &str) -> (String, String) {
    let answer = scene.world.bailee.connections().request_page(code).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let text = answer.body().to_owned();
    let heading = text.split("<h1>").nth(1).unwrap().split("</h1>").next().unwrap().to_owned();
    for person in ["ada", "Display", "handle", "person.example"] {
        assert!(!text.contains(person), "{text}");
    }
    (heading, text)
}

#[tokio::test]
async fn a_deletion_is_answered_with_a_code_whose_page_follows_it_to_its_end() {
    let scene = Scene::of(INSTAGRAM).await;
    let ada = scene.world.visitor("ada");
    let hers = scene.connect(&ada, "ada").await;
    scene.world.settle().await;
    scene.world.advance(Duration::from_secs(86_400));
    let sent = deletion(&scene, "ada");
    let taken = scene.world.deliver(&sent).await;
    let (status, body) = kept(&taken);
    assert_eq!(status, 200);
    assert_eq!(taken.answer.headers()["content-type"], "application/json");
    let code = code(body);
    assert_eq!(page(&scene, &code).await.0, "Received");
    scene.world.settle().await;
    let (heading, text) = page(&scene, &code).await;
    assert_eq!(heading, "In progress");
    assert!(text.contains("Instagram") && text.contains("Access to the account has ended"));

    assert_eq!(scene.state(&ada, &hers).await, None);
    let requests = scene.requests().await;
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((request.kind, &request.connection), (RequestKind::Erasure, &hers));
    assert_eq!(request.subject, hers.owner().subject());
    let (id, kind, due) = (request.id, request.kind, request.due_at);
    let reason = WithdrawalReason::AccessRemoved;
    let told = [
        Happened::Connected,
        Happened::RequestOpened { request: id, kind, due },
        Happened::Withdrawn { reason },
    ];
    assert_eq!(scene.happened(&hers), told);

    // The same again has the same code.
    let again = scene.deliver(&sent).await;
    assert!(matches!(again.outcome, SignalOutcome::Repeated), "{:?}", again.outcome);
    assert_eq!(again.answer.body(), taken.answer.body());
    assert_eq!(scene.requests().await.len(), 1);

    let requests = scene.world.bailee.requests(OPERATOR);
    requests.close(ada.tenant(), id, RequestOutcome::Done).await.unwrap();
    let (heading, text) = page(&scene, &code).await;
    assert_eq!(heading, "Done");
    assert!(text.contains("was deleted"), "{text}");
    scene.assert_clean().await;
}

#[tokio::test]
async fn r3_a_deletion_erases_its_person_here_once_and_the_code_says_when_that_is_done() {
    let host = |builder: Builder| {
        let rights = RightsSetup::new(Establishment::in_europe("IE").unwrap());
        builder.rights(rights.provider_requests_erase())
    };
    let scene = Scene::joined(INSTAGRAM, adapter("instagram"), |_| {}, host).await;
    let ada = scene.world.visitor("ada");
    scene.connect(&ada, "ada").await;
    scene.world.settle().await;
    scene.world.advance(Duration::from_secs(86_400));
    let sent = deletion(&scene, "ada");
    let code = code(kept(&scene.deliver(&sent).await).1);
    scene.deliver(&sent).await;
    let rights = scene.world.bailee.rights().unwrap();
    let [request] = rights.of_visitor(&ada).await.unwrap().try_into().unwrap();
    assert_eq!(request.state, State::Grace, "they can take it back");
    assert_eq!(request.channel, Channel::Provider(bailee::ProviderId::from_static("instagram")));
    let [asked] = scene.requests().await.try_into().unwrap();
    assert_eq!(request.identity.unwrap().ask, Some(asked.id));
    assert_eq!(page(&scene, &code).await.0, "In progress");
    for _ in 0..8 {
        scene.world.advance(Duration::from_secs(43_200));
        scene.world.settle().await;
    }
    assert_eq!(scene.world.bailee.vault().subject(ada.tenant(), ada.person()).await.unwrap(), None);
    assert_eq!(page(&scene, &code).await.0, "Done");
    let [asked] = scene.requests().await.try_into().unwrap();
    assert_eq!(asked.closed.unwrap().1, RequestOutcome::Done);
    assert_eq!(asked.answered_by, Some(request.id));
    scene.assert_clean().await;
}

#[tokio::test]
async fn unless_the_host_says_so_a_deletion_begins_nothing_by_itself() {
    let host = |builder: Builder| {
        builder.rights(RightsSetup::new(Establishment::in_europe("IE").unwrap()))
    };
    let scene = Scene::joined(INSTAGRAM, adapter("instagram"), |_| {}, host).await;
    let ada = scene.world.visitor("ada");
    scene.connect(&ada, "ada").await;
    scene.world.settle().await;
    kept(&scene.deliver(&deletion(&scene, "ada")).await);
    let rights = scene.world.bailee.rights().unwrap();
    assert!(rights.of_visitor(&ada).await.unwrap().is_empty());
    let [asked] = scene.requests().await.try_into().unwrap();
    let operator = rights.operator(OPERATOR);
    let taken = operator.enter_from_provider(ada.tenant(), asked.id).await.unwrap();
    let again = operator.enter_from_provider(ada.tenant(), asked.id).await.unwrap();
    assert!(taken.new && !again.new && taken.id == again.id);
    for _ in 0..10 {
        scene.world.advance(Duration::from_secs(43_200));
        scene.world.settle().await;
    }
    let [asked] = scene.requests().await.try_into().unwrap();
    assert_eq!(asked.answered_by, Some(taken.id));
}

#[tokio::test]
async fn a_code_that_nobody_was_given_leads_nowhere_and_one_is_forgotten_after_its_time() {
    let scene = Scene::of(INSTAGRAM).await;
    scene.connect(&scene.world.visitor("ada"), "ada").await;
    let taken = scene.deliver(&deletion(&scene, "ada")).await;
    let code = code(kept(&taken).1);
    let connections = scene.world.bailee.connections();
    let other = code.replace(|c| c != '0', "1");
    for wrong in [other.as_str(), "", "..", &code[..31], &code.to_uppercase().replace('A', "G")] {
        assert_eq!(connections.request_page(wrong).await.unwrap().status().as_u16(), 404);
    }
    scene.world.advance(Duration::from_secs(399 * 86_400));
    assert_eq!(connections.request_page(&code).await.unwrap().status().as_u16(), 200);
    scene.world.advance(Duration::from_secs(2 * 86_400));
    assert_eq!(connections.request_page(&code).await.unwrap().status().as_u16(), 404);
}

#[tokio::test]
async fn what_a_law_keeps_is_told_on_the_page_and_who_was_never_here_reads_that_nothing_is_held() {
    let scene = Scene::of(INSTAGRAM).await;
    let ada = scene.world.visitor("ada");
    scene.connect(&ada, "ada").await;
    scene.world.settle().await;
    let taken = scene.deliver(&deletion(&scene, "ada")).await;
    let hers = code(kept(&taken).1);
    let taken = scene.deliver(&deletion(&scene, "grace")).await;
    let graces = code(kept(&taken).1);
    assert_ne!(hers, graces);
    let (heading, text) = page(&scene, &graces).await;
    assert_eq!(heading, "Done");
    assert!(text.contains("We hold no data"), "{text}");
    let requests = scene.world.bailee.requests(OPERATOR);
    let [request] = scene.requests().await.try_into().unwrap();
    let other = bailee::TenantId::from_static("other");
    let foreign = requests.close(&other, request.id, RequestOutcome::Done).await.unwrap_err();
    assert_eq!(foreign.kind(), ErrorKind::NotFound);
    requests.close(ada.tenant(), request.id, RequestOutcome::KeptByLaw).await.unwrap();
    let (heading, text) = page(&scene, &hers).await;
    assert!(heading == "Done" && text.contains("as a law obliges us"), "{text}");
}

#[tokio::test]
async fn who_removed_the_application_can_still_ask_for_the_deletion_for_ninety_days() {
    let scene = Scene::of(INSTAGRAM).await;
    let ada = scene.world.visitor("ada");
    let hers = scene.connect(&ada, "ada").await;
    scene.world.settle().await;
    scene.world.advance(Duration::from_secs(3600));
    assert_eq!(kept(&scene.told("deauthorize", "ada").await), (200, ""));
    assert_eq!(scene.state(&ada, &hers).await, None);
    assert!(scene.requests().await.is_empty());
    scene.world.advance(Duration::from_secs(89 * 86_400));
    let taken = scene.deliver(&deletion(&scene, "ada")).await;
    let first = code(kept(&taken).1);
    assert_eq!(page(&scene, &first).await.0, "In progress");
    let [request] = scene.requests().await.try_into().unwrap();
    assert_eq!(request.connection, hers);
    let ended = |what: &&Happened| matches!(what, Happened::Withdrawn { .. });
    assert_eq!(scene.happened(&hers).iter().filter(ended).count(), 1);
    scene.world.advance(Duration::from_secs(2 * 86_400));
    scene.world.settle().await;
    let taken = scene.deliver(&deletion(&scene, "ada")).await;
    assert_eq!(page(&scene, &code(kept(&taken).1)).await.0, "Done");
    assert_eq!(scene.requests().await.len(), 1);
}

#[tokio::test]
async fn people_are_known_by_either_of_the_ids_that_meta_may_send() {
    for (user, number, pads) in [
        (UserId::AppScoped, false, true),
        (UserId::AppScoped, true, false),
        (UserId::Professional, false, false),
        (UserId::Professional, true, true),
    ] {
        let scene = Scene::playing(INSTAGRAM, |site| {
            assert!(site.switches(|instagram: &mut Instagram| {
                instagram.callback_user = user;
                instagram.callback_user_is_number = number;
                instagram.pads_callbacks = pads;
            }));
        });
        let scene = scene.await;
        let (ada, grace) = (scene.world.visitor("ada"), scene.world.visitor("grace"));
        let hers = scene.connect(&ada, "ada").await;
        let graces = scene.connect(&grace, "grace").await;
        scene.world.settle().await;
        kept(&scene.told("deauthorize", "ada").await);
        assert_eq!(scene.state(&ada, &hers).await, None, "{user:?} {number} {pads}");
        assert!(scene.state(&grace, &graces).await.is_some());
    }
}
