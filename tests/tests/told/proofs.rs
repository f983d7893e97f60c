//! What is not the provider's, not whole, not for here or not of now is refused and changes
//! nothing.

use std::time::Duration;

use bailee::{SignalOutcome, core::Clock};
use bailee_testkit::emulator::{Announcement, google, oidc::IdTokenFlaw};

use crate::{
    scene::{Scene, Secrets, word},
    table::{Secret, Signed},
};

/// Delivers something that is to be refused, and says the word and the status of the refusal.
async fn refused(scene: &Scene, what: &str, sent: &Announcement) -> (&'static str, u16) {
    let before = scene.seen().await;
    let taken = scene.deliver(sent).await;
    let SignalOutcome::Refused(word) = taken.outcome else {
        panic!("{what} of {} came to {:?}", scene.teller.name, taken.outcome)
    };
    assert_eq!(scene.seen().await, before, "{what} changed something");
    (word, taken.answer.status().as_u16())
}

/// A delivery with another body.
fn with_body(sent: &Announcement, change: impl FnOnce(&mut Vec<u8>)) -> Announcement {
    let mut changed = sent.clone();
    change(&mut changed.body);
    changed
}

/// Changes a byte in the middle of what is signed.
fn change_a_byte(body: &mut [u8]) {
    let middle = body.len() / 2;
    // A letter becomes another one, so that JSON, forms and base64 stay what they are.
    let letter = (middle..body.len()).find(|at| body[*at].is_ascii_lowercase()).unwrap();
    body[letter] = if body[letter] == b'a' { b'b' } else { b'a' };
}

fn unsigned(sent: &Announcement, signed: Signed) -> Announcement {
    match signed {
        Signed::Header(name) => {
            let mut bare = sent.clone();
            bare.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            bare
        }
        Signed::Form => with_body(sent, |body| {
            let text = String::from_utf8(body.clone()).unwrap();
            let (_, payload) = text.split_once('.').unwrap();
            *body = format!("signed_request=.{payload}").into_bytes();
        }),
        Signed::Token => with_body(sent, |body| {
            let end = body.iter().rposition(|byte| *byte == b'.').unwrap();
            body.truncate(end + 1);
        }),
    }
}

fn doubled(sent: &Announcement, signed: Signed) -> Announcement {
    match signed {
        Signed::Header(name) => {
            let mut twice = sent.clone();
            let value = sent.header(name).unwrap().to_owned();
            twice.headers.push((name.to_owned(), value));
            twice
        }
        Signed::Form => with_body(sent, |body| {
            let again = body.clone();
            body.push(b'&');
            body.extend(again);
        }),
        Signed::Token => with_body(sent, |body| {
            let again = body.clone();
            body.push(b'.');
            body.extend(again);
        }),
    }
}

/// The event, signed with what the registration does not know.
fn of_another_secret(scene: &Scene) -> Announcement {
    if scene.teller.secret == Secret::Published {
        let flaw = |flaw| {
            assert!(scene.site().switches(|google: &mut google::Google| google.risc_flaw = flaw));
        };
        flaw(Some(IdTokenFlaw::BadSignature));
        let sent = scene.news();
        flaw(None);
        return sent;
    }
    scene.knows(&Secrets::named("another"));
    let sent = scene.news();
    scene.knows(&Secrets::named("first"));
    sent
}

for_each_teller! {
    /// The genuine one comes last, and does what it says.
    #[tokio::test]
    async fn hook_01_what_the_provider_did_not_make_is_refused_and_changes_nothing(teller: Teller) {
        let scene = Scene::of(teller).await;
        let (ada, grace) = (scene.world.visitor("ada"), scene.world.visitor("grace"));
        let hers = scene.connect(&ada, "ada").await;
        scene.connect(&grace, "grace").await;
        scene.world.settle().await;
        let genuine = scene.news();
        let forged = [
            ("an unsigned one", unsigned(&genuine, teller.signed)),
            ("one of another secret", of_another_secret(&scene)),
            ("one that was changed", with_body(&genuine, |body| change_a_byte(body))),
            ("one that is cut off", with_body(&genuine, |body| {
                body.pop();
            })),
            ("one that is signed twice", doubled(&genuine, teller.signed)),
            ("an empty one", with_body(&genuine, Vec::clear)),
        ];
        for (what, sent) in &forged {
            let (_, status) = refused(&scene, what, sent).await;
            assert!([teller.refused, 400].contains(&status), "{what} was answered with {status}");
        }
        let of_another = refused(&scene, "one of another secret", &forged[1].1).await;
        assert_eq!(of_another, ("forged", teller.refused));

        let long = with_body(&genuine, |body| body.resize(300 * 1024, b' '));
        assert_eq!(refused(&scene, "a long one", &long).await, ("too_long", 413));
        let mut elsewhere = genuine.clone();
        elsewhere.url.push_str(if teller.topic.is_some() { "-else" } else { "/else" });
        let unknown = ("unknown_address", 404);
        assert_eq!(refused(&scene, "one to another address", &elsewhere).await, unknown);
        let mut fetched = genuine.clone();
        fetched.method = "GET".to_owned();
        let (word, status) = refused(&scene, "one that is fetched", &fetched).await;
        // X asks its question that way.
        let expected = if teller.name == "x" { ("malformed", teller.refused) } else { ("method", 405) };
        assert_eq!((word, status), expected);
        let to_second = scene.to_second(genuine.clone());
        if teller.secret != Secret::Published {
            let (word, status) = refused(&scene, "one to the other client", &to_second).await;
            assert_eq!((word, status), ("forged", teller.refused));
        } else {
            assert_eq!(refused(&scene, "one for the other client", &to_second).await.0, "foreign");
        }

        // All of it is one line in the log, and nothing of it is in there.
        let noted = scene.entries("~", "signal.refused").await;
        assert_eq!(noted.iter().filter(|entry| {
            word_of(entry) == teller.name
        }).count(), 1);
        let taken = scene.deliver(&genuine).await;
        assert!(matches!(taken.outcome, SignalOutcome::Kept), "{:?}", taken.outcome);
        assert_eq!(taken.answer.status().as_u16(), teller.accepted);
        assert!(scene.is_done(&ada, &hers).await);
        scene.assert_clean().await;
    }
}

fn word_of(entry: &bailee::core::audit::Entry) -> String {
    word(entry, "registration").unwrap_or_default()
}

for_each_teller! {
    #[tokio::test]
    async fn hook_02_what_was_made_too_long_ago_or_too_far_ahead_is_refused(teller: Teller) {
        let scene = Scene::of(teller).await;
        let ada = scene.world.visitor("ada");
        let hers = scene.connect(&ada, "ada").await;
        scene.world.settle().await;
        let start = scene.world.clock.now();
        let Some(ahead) = teller.ahead else {
            // It has no time of its own: however late it comes, it is taken.
            let sent = scene.news();
            scene.world.advance(Duration::from_secs(20 * 86_400));
            assert!(matches!(scene.deliver(&sent).await.outcome, SignalOutcome::Kept));
            assert!(scene.is_done(&ada, &hers).await);
            return;
        };
        scene.world.advance(Duration::from_secs(ahead + 2));
        let sent = scene.news();
        scene.world.clock.jump_to(start);
        assert_eq!(refused(&scene, "one of the future", &sent).await.0, "stale");
        scene.world.advance(Duration::from_secs(2));
        if let Some(good_for) = teller.good_for {
            scene.world.advance(Duration::from_secs(ahead + good_for + 1));
            assert_eq!(refused(&scene, "an old one", &sent).await.0, "stale");
            scene.world.clock.jump_to(start);
            scene.world.advance(Duration::from_secs(ahead + good_for));
        }
        let taken = scene.deliver(&sent).await;
        assert!(matches!(taken.outcome, SignalOutcome::Kept), "{:?}", taken.outcome);
        assert!(scene.is_done(&ada, &hers).await);
    }
}
