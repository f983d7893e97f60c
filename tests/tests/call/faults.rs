//! Faults of the provider: what is tried again, how often, and what its limits do.

use std::time::Duration;

use bailee::{ErrorKind, Remedy, providers::tiktok::CreatorInfo};
use bailee_testkit::emulator::{Fault, Gate};
use bailee_tests::{NOTES, PUBLISH, world};

use super::*;

async fn with_tiktok() -> (World, bailee::Visitor, ConnectionRef) {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    (w, ada, connection)
}

#[tokio::test(flavor = "multi_thread")]
async fn out_08_reads_are_tried_again_after_faults_that_pass() {
    for fault in [
        Fault::Status(503),
        Fault::Status(500),
        Fault::CutOff,
        Fault::DropBeforeEffect,
        Fault::DropAfterEffect,
    ] {
        let (w, ada, connection) = with_tiktok().await;
        w.site("tiktok").fault(Address::Api, fault.clone().times(2));
        w.bailee.acting(&ada, &PUBLISH).call(&connection, &CreatorInfo).await.unwrap();
        assert_eq!(w.site("tiktok").count(Address::Api), 3, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn out_08_reads_end_after_three_tries_and_failures_in_a_row_open_the_breaker() {
    let (w, ada, connection) = with_tiktok().await;
    let tiktok = w.site("tiktok");
    let acting = w.bailee.acting(&ada, &PUBLISH);
    tiktok.fault(Address::Api, Fault::Status(503).always());
    let error = acting.call(&connection, &CreatorInfo).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderUnavailable);
    assert!(matches!(error.remedy(), Remedy::Wait(_)));
    assert_eq!(tiktok.count(Address::Api), 3);

    // Two more make five; then nothing leaves.
    let error = acting.call(&connection, &CreatorInfo).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderUnavailable);
    assert_eq!(tiktok.count(Address::Api), 5);
    let error = acting.call(&connection, &CreatorInfo).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderUnavailable);
    let Remedy::Wait(wait) = error.remedy() else { panic!("{error:?}") };
    assert!(wait <= Duration::from_secs(30) && !wait.is_zero());
    assert_eq!(tiktok.count(Address::Api), 5);

    // Another registration's breaker is its own.
    let notes_ = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.bailee.acting(&ada, &NOTES).call(&notes_, &WriteNote("x")).await.unwrap();
    tiktok.clear_faults();
    w.advance(Duration::from_secs(30));
    acting.call(&connection, &CreatorInfo).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_refused_or_said_wrong_is_not_tried_again() {
    for (fault, kind) in [
        // `invalid_request` is none of the codes of TikTok's API; it is the RFC's.
        (Fault::EchoSecrets, ErrorKind::Configuration),
        (Fault::Status(404), ErrorKind::InvalidInput),
        (Fault::Html, ErrorKind::ProviderRefused),
        (Fault::Malformed, ErrorKind::ProviderRefused),
        (Fault::WrongContentType, ErrorKind::ProviderRefused),
        (
            Fault::Redirect { status: 302, location: "https://open.tiktokapis.com/x".into() },
            ErrorKind::ProviderRefused,
        ),
        (Fault::OkWithError("spam_risk".into()), ErrorKind::ProviderRefused),
    ] {
        let (w, ada, connection) = with_tiktok().await;
        w.site("tiktok").fault(Address::Api, fault.clone().always());
        let error = w.bailee.acting(&ada, &PUBLISH).call(&connection, &CreatorInfo).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), kind, "{fault:?}: {error}");
        assert_eq!(error.provider(), Some(&TIKTOK), "{fault:?}");
        assert_eq!(error.connection(), Some(connection.connection()), "{fault:?}");
        let tried = w.site("tiktok").count(Address::Api);
        let redirected = matches!(fault, Fault::Redirect { .. });
        assert!(tried == 1 || (redirected && tried <= 3), "{fault:?}: {tried}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_12_a_rejected_token_is_renewed_once_and_the_call_repeated() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let acting = w.bailee.acting(&ada, &NOTES);
    // A provider that does not take the token has done nothing, so an effect goes again too.
    notes(&w).fault(Address::Api, Fault::Status(401));
    acting.call(&connection, &WriteNote("n")).await.unwrap();
    assert_eq!(notes(&w).count(Address::Refresh), 1);
    assert_eq!(notes(&w).count(Address::Api), 2);
    assert_eq!(notes(&w).notes().len(), 1);
    let used: Vec<_> = notes(&w)
        .requests()
        .into_iter()
        .filter(|request| request.endpoint == Address::Api)
        .filter_map(|request| request.headers.into_iter().find(|(name, _)| name == "authorization"))
        .collect();
    assert_ne!(used[0], used[1], "the second time with the new token");

    notes(&w).fault(Address::Api, Fault::Status(401).always());
    let error = acting.call(&connection, &WriteNote("n")).await.unwrap_err();
    assert_eq!((error.kind(), error.remedy()), (ErrorKind::NeedsReconnect, Remedy::Reconnect));
    assert_eq!(notes(&w).count(Address::Refresh), 2, "once and not again");
    assert_eq!(notes(&w).count(Address::Api), 4);
}

/// Two reads of the same thing.
struct LookTwice(OperationFacts);

struct Looks(Vec<Request>);

impl Step<()> for Looks {
    fn next(
        &mut self,
        input: bailee::providers::Input,
    ) -> Result<bailee::providers::Next<()>, bailee::providers::Failure> {
        use bailee::providers::{FailureKind, Input, Next};
        if let Input::Answer(answer) = input
            && answer.status.as_u16() == 401
        {
            return Err(FailureKind::AccessRejected.into());
        }
        Ok(if self.0.is_empty() { Next::Done(()) } else { Next::Send(self.0.remove(0)) })
    }
}

impl Operation for LookTwice {
    type Output = ();

    fn facts(&self) -> &OperationFacts {
        &self.0
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<()>> {
        let look = || api_request(cx, "/notes", Effect::Read);
        Box::new(Looks(vec![look(), look()]))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_12_a_token_that_another_process_renewed_is_read_again_and_not_renewed_again() {
    let w = world().build().await.unwrap();
    notes(&w).change_issuer(|issuer| issuer.ends_old_access = true);
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let other = w.another_process(bailee_tests::declaration()).await.unwrap();
    let gate = Gate::new();
    notes(&w).fault(Address::Api, Fault::Held(gate.clone()));
    let operation = LookTwice(OperationFacts { effect: Effect::Read, ..WRITE_NOTE.clone() });
    let (acting, which) = (w.bailee.acting(&ada, &NOTES), connection.clone());
    let call = tokio::spawn(async move { acting.call(&which, &operation).await });
    gate.until_arrived(1).await;
    // Meanwhile the other process finds the token rejected and renews it, which ends the old one.
    notes(&w).fault(Address::Api, Fault::Status(401));
    other.acting(&ada, &NOTES).call(&connection, &WriteNote("n")).await.unwrap();
    assert_eq!(notes(&w).count(Address::Refresh), 1);
    gate.open();
    call.await.unwrap().unwrap();
    assert_eq!(notes(&w).count(Address::Refresh), 1, "what is there already is used");
    assert!(notes(&w).reuse_alarms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn out_08_retry_after_holds_for_all_connections_of_a_registration() {
    let w = world().build().await.unwrap();
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let mine = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let options = bailee::BeginOptions::default();
    let allow = bailee_testkit::emulator::Decision::Allow;
    let hers = w.connect_as(&grace, "tiktok", &[PUBLISH], options, allow, "grace").await;
    let hers = hers.unwrap().unwrap().connection;
    let notes_ = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let tiktok = w.site("tiktok");
    let ask = async |who: &bailee::Visitor, which: &ConnectionRef| {
        w.bailee.acting(who, &PUBLISH).call(which, &CreatorInfo).await
    };
    for (header, wait) in [
        (Some(w.emulator.clock().http_date(Duration::from_secs(300))), 300),
        (Some("120".to_owned()), 120),
        (Some("86400".to_owned()), 3600),
        (Some("99999999999999999999999".to_owned()), 3600),
        // TikTok sends none: its windows are a minute long.
        (None, 60),
        (Some("soon".to_owned()), 60),
    ] {
        tiktok.fault(Address::Api, Fault::RateLimited { retry_after: header.clone() });
        let sent = tiktok.count(Address::Api);
        let error = ask(&ada, &mine).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited, "{header:?}");
        assert_eq!(error.remedy(), Remedy::Wait(Duration::from_secs(wait)), "{header:?}");
        w.advance(Duration::from_secs(wait - 1));
        for (who, which) in [(&ada, &mine), (&grace, &hers)] {
            let error = ask(who, which).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::RateLimited, "{header:?}");
            assert_eq!(error.remedy(), Remedy::Wait(Duration::from_secs(1)), "{header:?}");
        }
        assert_eq!(tiktok.count(Address::Api), sent + 1, "nothing more left: {header:?}");
        w.bailee.acting(&ada, &NOTES).call(&notes_, &WriteNote("x")).await.unwrap();
        w.advance(Duration::from_secs(1));
        ask(&grace, &hers).await.unwrap();
    }
}
