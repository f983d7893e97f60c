//! Effects: the intent before, the outcome after, and nothing twice.

use std::time::Duration;

use bailee::{
    ErrorKind, Remedy,
    core::audit::Field,
    providers::tiktok::{CreatorInfo, PrivacyLevel},
};
use bailee_testkit::emulator::{Fault, Gate};
use bailee_tests::{NOTES, PUBLISH, watched_world, world};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn typed_operations_are_answered_over_real_https() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let creator = w.bailee.acting(&ada, &PUBLISH).call(&tiktok, &CreatorInfo).await.unwrap();
    assert_eq!(creator.username.as_deref(), Some("handle_ada"));
    assert!(creator.privacy_levels.contains(&PrivacyLevel::SelfOnly));

    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let acting = w.bailee.acting(&ada, &NOTES);
    assert_eq!(acting.call(&connection, &WriteNote("first")).await.unwrap(), 0);
    assert_eq!(acting.call(&connection, &WriteNote("second")).await.unwrap(), 1);
    let written = [("ada".to_owned(), "first".to_owned()), ("ada".to_owned(), "second".to_owned())];
    assert_eq!(notes(&w).notes(), written);
    // The token stands in its header and nowhere else.
    let call = notes(&w).requests().into_iter().rfind(|r| r.endpoint == Address::Api).unwrap();
    assert_eq!((call.host.as_str(), call.path.as_str()), ("id.example.test", "/api/notes"));
    assert_eq!(call.query, None);
    assert!(
        call.headers
            .iter()
            .any(|(name, value)| { name == "authorization" && value.starts_with("Bearer ") })
    );
    w.settle().await;
    w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_is_written_down_before_it_is_sent_and_its_outcome_after() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let gate = Gate::new();
    notes(&w).fault(Address::Api, Fault::Held(gate.clone()));
    let (acting, which) = (w.bailee.acting(&ada, &NOTES), connection.clone());
    let call = tokio::spawn(async move { acting.call(&which, &WriteNote("n")).await });
    gate.until_arrived(1).await;
    let intended = entries(&w, "call.effect_intended").await;
    assert_eq!(intended.len(), 1, "the intent was there before the request");
    assert_eq!(entries(&w, "call.effect_done").await.len(), 0);
    assert_eq!(intended[0].field("operation"), Some(&Field::Word("notes.write".into())));
    assert_eq!(intended[0].field("purpose"), Some(&Field::Word("notes.save".into())));
    gate.open();
    call.await.unwrap().unwrap();

    let done = entries(&w, "call.effect_done").await;
    assert_eq!(done[0].field("effect"), intended[0].field("effect"));
    assert_eq!(done[0].field("outcome"), Some(&Field::Word("done".into())));
    // Nothing is left to be done about it later.
    w.advance(Duration::from_secs(3600));
    w.settle().await;
    assert_eq!(entries(&w, "call.effect_done").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_that_cannot_be_written_keeps_the_effect_from_leaving() {
    let (w, _store) = watched_world().await;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let gate = Gate::new();
    // The person's record changes between the gate and the intent: another writer's fence.
    notes(&w).fault(Address::Discovery, Fault::Held(gate.clone()));
    let other = w.another_process(bailee_tests::declaration()).await.unwrap();
    let (acting, which) = (other.acting(&ada, &NOTES), connection.clone());
    let call = tokio::spawn(async move { acting.call(&which, &WriteNote("n")).await });
    gate.until_arrived(1).await;
    withdraw(&w, subject(&connection), NOTES, NOTES_PROVIDER).await;
    gate.open();
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(notes(&w).count(Address::Api), 0, "the withdrawal came first");
    assert_eq!(entries(&w, "call.effect_intended").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_happened_is_said_to_be_unknown_and_never_sent_again() {
    for (fault, happened) in [
        (Fault::DropAfterEffect, true),
        (Fault::DropBeforeEffect, false),
        (Fault::CutOff, true),
        (Fault::Malformed, true),
        (Fault::WrongContentType, true),
        (Fault::Html, false),
        (Fault::Status(500), false),
        (Fault::Status(503), false),
        (Fault::Redirect { status: 307, location: "https://id.example.test/x".into() }, false),
    ] {
        let w = world().build().await.unwrap();
        let ada = w.visitor("ada");
        let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
        notes(&w).fault(Address::Api, fault.clone());
        let acting = w.bailee.acting(&ada, &NOTES);
        let error = acting.call(&connection, &WriteNote("n")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ambiguous, "{fault:?}: {error}");
        assert_eq!(error.remedy(), Remedy::None, "nobody is told to try again: {fault:?}");
        assert!(std::error::Error::source(&error).is_some(), "{fault:?}");
        assert_eq!(notes(&w).count(Address::Api), 1, "{fault:?}");
        assert_eq!(notes(&w).notes().len(), usize::from(happened), "{fault:?}");
        let done = entries(&w, "call.effect_done").await;
        assert_eq!(done.len(), 1, "{fault:?}");
        assert_eq!(done[0].field("outcome"), Some(&Field::Word("unknown".into())), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_refused_is_said_to_have_failed() {
    for (fault, kind) in [
        (Fault::EchoSecrets, ErrorKind::InvalidInput),
        (Fault::Status(400), ErrorKind::InvalidInput),
        (Fault::Status(403), ErrorKind::ProviderRefused),
        (Fault::Status(404), ErrorKind::InvalidInput),
        (Fault::RateLimited { retry_after: Some("7".into()) }, ErrorKind::RateLimited),
    ] {
        let w = world().build().await.unwrap();
        let ada = w.visitor("ada");
        let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
        notes(&w).fault(Address::Api, fault.clone());
        let acting = w.bailee.acting(&ada, &NOTES);
        let error = acting.call(&connection, &WriteNote("n")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{fault:?}: {error}");
        assert_eq!(notes(&w).count(Address::Api), 1, "{fault:?}");
        let done = entries(&w, "call.effect_done").await;
        assert_eq!(done[0].field("outcome"), Some(&Field::Word("failed".into())), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outcome_of_an_effect_whose_caller_went_away_becomes_unknown() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let gate = Gate::new();
    notes(&w).fault(Address::Api, Fault::Held(gate.clone()));
    let (acting, which) = (w.bailee.acting(&ada, &NOTES), connection.clone());
    let call = tokio::spawn(async move { acting.call(&which, &WriteNote("n")).await });
    gate.until_arrived(1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    gate.open();
    w.settle().await;
    assert_eq!(entries(&w, "call.effect_done").await.len(), 0, "it may still be on its way");
    w.advance(Duration::from_secs(601));
    w.settle().await;
    let done = entries(&w, "call.effect_done").await;
    assert_eq!(done.len(), 1);
    assert_eq!(done[0].field("outcome"), Some(&Field::Word("unknown".into())));
    assert_eq!(notes(&w).count(Address::Api), 1, "nobody sent it again");
}

/// Two requests, the first of which must not be repeated.
struct WriteThenLook(OperationFacts);

struct TwoRequests(Vec<Request>);

impl Step<()> for TwoRequests {
    fn next(
        &mut self,
        input: bailee::providers::Input,
    ) -> Result<bailee::providers::Next<()>, bailee::providers::Failure> {
        use bailee::providers::{FailureKind, Input, Next};
        if let Input::Answer(answer) = input
            && !answer.status.is_success()
        {
            return Err(match answer.status.as_u16() {
                401 => FailureKind::AccessRejected,
                _ => FailureKind::InvalidInput,
            }
            .into());
        }
        Ok(if self.0.is_empty() { Next::Done(()) } else { Next::Send(self.0.remove(0)) })
    }
}

impl Operation for WriteThenLook {
    type Output = ();

    fn facts(&self) -> &OperationFacts {
        &self.0
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<()>> {
        use bailee::providers::{Json, Payload};
        let body = Json::of(&serde_json::json!({"text": "once"})).unwrap();
        let mut write = api_request(cx, "/notes", Effect::Effect).with_payload(Payload::Json(body));
        write.method = Method::POST;
        Box::new(TwoRequests(vec![write, api_request(cx, "/notes", Effect::Read)]))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_that_was_answered_is_not_sent_again_when_a_later_request_fails() {
    for status in [401, 404] {
        let w = world().build().await.unwrap();
        let ada = w.visitor("ada");
        let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
        let gate = Gate::new();
        gate.open();
        // The first request is answered well, the second is not.
        notes(&w).fault(Address::Api, Fault::Held(gate));
        notes(&w).fault(Address::Api, Fault::Status(status));
        let operation = WriteThenLook(WRITE_NOTE.clone());
        let error = w.bailee.acting(&ada, &NOTES).call(&connection, &operation).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}");
        assert_eq!(notes(&w).notes().len(), 1);
        assert_eq!(notes(&w).count(Address::Api), 2);
        let done = entries(&w, "call.effect_done").await;
        assert_eq!(done[0].field("outcome"), Some(&Field::Word("unknown".into())));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_cannot_do_more_than_it_declares() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let understated = WriteThenLook(OperationFacts { effect: Effect::Read, ..WRITE_NOTE.clone() });
    let error = w.bailee.acting(&ada, &NOTES).call(&connection, &understated).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(error.remedy(), Remedy::FixConfiguration);
    assert_eq!(notes(&w).count(Address::Api), 0, "nothing was sent");
    assert!(entries(&w, "call.effect_intended").await.is_empty());
}
