//! Microsoft: the cases, and a whole life with mail, the calendar and a file.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee::{
    Acting, BeginOptions, ConnectionRef, ErrorKind, RefusalReason, Remedy, Result,
    core::{ScopeName, Timestamp},
    providers::{
        Operation, OperationFacts, Provider,
        microsoft::{ListEvents, Microsoft, SendMail, UploadFile},
    },
};
use bailee_testkit::{
    Declared, PURPOSE, World,
    conformance::Contender,
    emulator::{self, Account, Decision, Endpoint, Fault, Played},
};

use crate::{held::hold, stored::Stored};

const EVENTS: ScopeName = ScopeName::from_static("Calendars.Read");
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

fn events() -> ListEvents {
    let from = Timestamp::from_seconds(1_767_225_600);
    ListEvents::between(from, from.plus(Duration::from_secs(30 * 86_400)))
}

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(Microsoft::new())
    }

    fn played(&self) -> Played {
        emulator::microsoft::Microsoft::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        let sign_in = ["openid", "email", "offline_access"].map(ScopeName::from_static);
        sign_in.into_iter().chain([EVENTS]).collect()
    }

    fn left_out(&self) -> Option<ScopeName> {
        Some(EVENTS)
    }

    fn operation(&self) -> OperationFacts {
        events().facts().clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &events()).await.map(|_| ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn microsoft_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

fn mail() -> SendMail {
    SendMail::new("Quarterly numbers", "They are good.").to("grace@person.example")
}

fn file() -> UploadFile {
    UploadFile::new("Zahlen für März.csv", "text/csv", b"a;b;c".as_slice())
}

fn declared() -> Declared {
    Declared::of(Microsoft::new().spec())
        .scopes(["openid", "email", "offline_access"])
        .operation(mail().facts())
        .operation(events().facts())
        .operation(file().facts())
}

fn ada() -> Account {
    let event = |n: u32| {
        format!(
            r#"{{"id":"event-{n}","subject":"Checkup {n}","start":{{"dateTime":"2026-01-{n:02}T10:00:00.0000000","timeZone":"UTC"}},"end":{{"dateTime":"2026-01-{n:02}T11:00:00.0000000","timeZone":"UTC"}}}}"#
        )
    };
    let all: Vec<String> = (3..8).map(event).collect();
    let all: serde_json::Value =
        serde_json::from_str(&format!("[{}]", all.join(","))).expect("JSON");
    Account::new("ada").fact("events", all)
}

async fn world() -> Stored {
    let stored = Stored::play(&declared(), emulator::microsoft::Microsoft::new()).await;
    stored.world.site("microsoft").add_account(ada());
    stored
}

fn switch(w: &World, change: impl FnOnce(&mut emulator::microsoft::Microsoft)) {
    assert!(w.site("microsoft").switches(change));
}

#[tokio::test]
async fn mail_events_and_a_file_of_one_account() {
    let stored = world().await;
    let w = &stored.world;
    let visitor = w.visitor("ada");
    let connection = w.connect(&visitor, "microsoft", &[PURPOSE]).await.unwrap();
    let connections = w.bailee.connections();
    let status = connections.status(&visitor, &connection).await.unwrap();
    assert_eq!(status.display.as_deref(), Some("ada@person.example"));

    let acting = w.bailee.acting(&visitor, &PURPOSE);
    acting.call(&connection, &mail()).await.unwrap();
    assert_eq!(w.site("microsoft").written("message").len(), 1);
    w.advance(Duration::from_secs(3600));
    let mut pages = acting.pages(&connection, events().page_size(2));
    let mut titles = Vec::new();
    while let Some(page) = pages.next_page().await.unwrap() {
        titles.extend(page.into_iter().filter_map(|event| event.title));
    }
    assert_eq!(titles.len(), 5);
    assert_eq!(w.site("microsoft").count(Endpoint::Refresh), 1);
    acting.call(&connection, &file()).await.unwrap();
    let error = acting.call(&connection, &file()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "a file of this name is there already");

    let receipt = connections.disconnect(&visitor, &connection).await.unwrap();
    assert!(!receipt.confirmed);
    assert!(receipt.steps[0].contains("myapps.microsoft.com"), "{receipt:?}");
    stored.assert_nothing_shows(&["grace@person", "Checkup", "Quarterly", "März"]).await;
}

#[tokio::test]
async fn mail_whose_answer_was_lost_is_not_sent_again() {
    let stored = world().await;
    let w = &stored.world;
    let visitor = w.visitor("ada");
    let connection = w.connect(&visitor, "microsoft", &[PURPOSE]).await.unwrap();
    w.site("microsoft").fault(Endpoint::Api, Fault::DropAfterEffect);
    let acting = w.bailee.acting(&visitor, &PURPOSE);
    let error = acting.call(&connection, &mail()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    assert_eq!(w.site("microsoft").written("message").len(), 1);
}

#[tokio::test]
async fn an_issuer_that_is_not_the_account_s_directory_is_refused() {
    let stored = world().await;
    let w = &stored.world;
    let visitor = w.visitor("ada");
    switch(w, |microsoft| microsoft.issuing_directory = Some("another-directory".into()));
    let refused = w
        .connect_as(
            &visitor,
            "microsoft",
            &[PURPOSE],
            BeginOptions::default(),
            Decision::Allow,
            "ada",
        )
        .await
        .unwrap();
    assert!(refused.is_err());
    switch(w, |microsoft| {
        microsoft.issuing_directory = None;
        microsoft.full_scopes = true;
        microsoft.names_sign_in = true;
    });
    let connection = w.connect(&visitor, "microsoft", &[PURPOSE]).await.unwrap();
    w.bailee.acting(&visitor, &PURPOSE).call(&connection, &mail()).await.unwrap();
}

#[tokio::test]
async fn a_registration_for_organisations_takes_no_personal_account() {
    let w = World::builder(declared().declaration())
        .play_provider(
            emulator::microsoft::Microsoft::new(),
            Arc::new(Microsoft::new()),
            |registration| registration.variable("tenant", "organizations"),
        )
        .build()
        .await
        .unwrap();
    let flow = || {
        let visitor = w.visitor("ada");
        let options = BeginOptions::default();
        let w = &w;
        async move {
            w.connect_as(&visitor, "microsoft", &[PURPOSE], options, Decision::Allow, "ada")
                .await
                .unwrap()
        }
    };
    w.site("microsoft").add_account(Account::new("ada").fact("tid", PERSONAL));
    let refusal = flow().await.unwrap_err();
    assert_eq!(refusal.reason(), RefusalReason::Ineligible);
    w.site("microsoft").add_account(Account::new("ada"));
    flow().await.unwrap();
    let tokens = w.site("microsoft").requests();
    let mut tokens = tokens.iter().filter(|request| request.endpoint == Endpoint::Exchange);
    assert!(tokens.all(|request| request.path.starts_with("/organizations/")));
}

#[tokio::test]
async fn a_secret_that_ran_out_is_the_operator_s_and_a_second_factor_the_person_s() {
    let stored = world().await;
    let w = &stored.world;
    let visitor = w.visitor("ada");
    let connection = w.connect(&visitor, "microsoft", &[PURPOSE]).await.unwrap();
    let acting = w.bailee.acting(&visitor, &PURPOSE);
    w.advance(Duration::from_secs(3600));
    switch(w, |microsoft| microsoft.secret_expired = true);
    let error = acting.call(&connection, &events()).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::FixConfiguration, "{error:?}");
    switch(w, |microsoft| {
        microsoft.secret_expired = false;
        microsoft.multi_factor = true;
    });
    w.advance(Duration::from_secs(3600));
    let error = acting.call(&connection, &events()).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::Reconnect, "{error:?}");
}
