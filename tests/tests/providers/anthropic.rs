//! Anthropic: the cases, and captions with an entered key.

use std::sync::Arc;

use async_trait::async_trait;
use bailee::{
    Acting, ConnectionRef, ConnectionState, Error, ErrorKind, Locale, Origin, Remedy, Result,
    core::ScopeName,
    providers::{
        Operation, OperationFacts, Provider,
        anthropic::{Anthropic, ContentKind, ListModels, NoCaption, Suggestion, WriteCaption},
    },
};
use bailee_testkit::{
    Declared, PURPOSE,
    conformance::Contender,
    emulator::{self, Endpoint, Fault, Played, anthropic::Outcome},
};

use crate::{held::hold, stored::Stored};

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(Anthropic::new())
    }

    fn played(&self) -> Played {
        emulator::anthropic::Anthropic::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["captions.generate", "models.read"].map(ScopeName::from_static).to_vec()
    }

    fn operation(&self) -> OperationFacts {
        ListModels::new().facts().clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        let page = acting.call(connection, &ListModels::new()).await?;
        if page.items.len() == 3 { Ok(()) } else { Err(Error::new(ErrorKind::InvalidInput)) }
    }

    /// The list of models is what a key is asked about with, too.
    fn probed(&self) -> Endpoint {
        Endpoint::Identity
    }

    fn key(&self, account: &str, number: usize) -> String {
        format!("sk-ant-api03-fake-canary-{number}-of-{account}")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anthropic_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

const KEY: &str = "sk-ant-api03-fake-canary-key";

fn caption() -> WriteCaption {
    WriteCaption::new(ContentKind::Video, Locale::default())
        .topic("baking")
        .approved_title("Bread of the quarter, by @ada (ada@person.example, 030 1234567)")
}

fn declared() -> Declared {
    Declared::of(Anthropic::new().spec())
        .operation(caption().facts())
        .operation(ListModels::new().facts())
}

/// A world in which Ada's key was entered.
async fn entered() -> (Stored, ConnectionRef) {
    let stored = Stored::play(&declared(), emulator::anthropic::Anthropic::new()).await;
    let w = &stored.world;
    let none: [&str; 0] = [];
    w.site("anthropic").add_key(KEY, "ada", none);
    let ada = w.visitor("ada");
    let label = |options: &mut bailee::EnterOptions| options.label = Some("Marketing".into());
    let entered = w.enter(&ada, "anthropic", &[PURPOSE], KEY, label).await;
    let connection = entered.expect("the key is good").connection;
    (stored, connection)
}

#[tokio::test]
async fn a_caption_is_made_of_facts_in_which_nobody_can_be_found() {
    let (stored, connection) = entered().await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let status = w.bailee.connections().status(&ada, &connection).await.unwrap();
    assert_eq!((status.origin, status.display.as_deref()), (Origin::Entered, Some("Marketing")));
    let acting = w.bailee.acting(&ada, &PURPOSE);
    let Suggestion::Caption(text) = acting.call(&connection, &caption()).await.unwrap() else {
        panic!("no caption")
    };
    assert!(text.text.starts_with("A ") && text.complete);
    let site = w.site("anthropic");
    assert!(site.written("forbidden").is_empty());
    let written = site.written("message");
    let asked = &written[0].value["asked"];
    let members: Vec<&str> = asked.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["max_tokens", "messages", "model", "system"]);
    assert_eq!(asked["messages"][0]["content"], caption().leaves().as_str());
    assert!(caption().leaves().contains("Bread of the quarter"));

    let receipt = w.bailee.connections().disconnect(&ada, &connection).await.unwrap();
    assert!(!receipt.confirmed);
    assert!(receipt.remains.iter().any(|text| text.contains("until somebody removes it there")));
    assert!(receipt.steps.iter().any(|step| step.contains("delete it")), "{receipt:?}");
    assert!(site.is_live(KEY), "only a person can end it");
    stored.assert_nothing_shows(&[KEY, "Bread of the quarter", "Marketing"]).await;
}

#[tokio::test]
async fn a_caption_whose_answer_was_lost_is_not_paid_for_twice() {
    let (stored, connection) = entered().await;
    let w = &stored.world;
    let acting = w.bailee.acting(&w.visitor("ada"), &PURPOSE);
    w.site("anthropic").fault(Endpoint::Api, Fault::DropAfterEffect);
    let error = acting.call(&connection, &caption()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    assert_eq!(w.site("anthropic").written("message").len(), 1);
    acting.call(&connection, &caption()).await.unwrap();
    assert_eq!(w.site("anthropic").written("message").len(), 2);
}

#[tokio::test]
async fn refusals_bills_and_retired_models_cost_the_key_nothing() {
    let (stored, connection) = entered().await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let acting = w.bailee.acting(&ada, &PURPOSE);
    let switch = |change: fn(&mut emulator::anthropic::Anthropic)| {
        assert!(w.site("anthropic").switches(change));
    };
    switch(|anthropic| anthropic.outcome = Outcome::Refusal);
    let none = acting.call(&connection, &caption()).await.unwrap();
    assert_eq!(none, Suggestion::None(NoCaption::Refused));
    switch(|anthropic| anthropic.outcome = Outcome::UnknownBlocks);
    assert!(matches!(acting.call(&connection, &caption()).await.unwrap(), Suggestion::Caption(_)));
    switch(|anthropic| anthropic.paid = false);
    let error = acting.call(&connection, &caption()).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::FixConfiguration);
    switch(|anthropic| anthropic.paid = true);
    let retired = caption().model("claude-opus-4");
    let error = acting.call(&connection, &retired).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::FixConfiguration);
    let status = w.bailee.connections().status(&ada, &connection).await.unwrap();
    assert_eq!(status.state, ConnectionState::Active);
    acting.call(&connection, &caption()).await.unwrap();
}

#[tokio::test]
async fn a_key_that_administers_an_organisation_is_not_even_tried() {
    let (stored, _) = entered().await;
    let w = &stored.world;
    let before = w.site("anthropic").requests().len();
    for refused in ["sk-ant-admin01-fake-canary", "sk-ant-oat01-fake-canary"] {
        let ada = w.visitor("ada");
        let error = w.enter(&ada, "anthropic", &[PURPOSE], refused, |_| {}).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
    assert_eq!(w.site("anthropic").requests().len(), before);
}
