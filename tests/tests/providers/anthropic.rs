//! Anthropic: the cases, and captions with an entered key.

use std::sync::Arc;

use async_trait::async_trait;
use bailee::{
    Acting, ConnectionRef, ConnectionState, Error, ErrorKind, Locale, Origin, ProviderId,
    PurposeId, Remedy, Result,
    core::ScopeName,
    providers::{
        FieldOperation, Operation, OperationFacts, Provider,
        anthropic::{Anthropic, ListModels, NoCaption, Suggestion, WriteCaption},
    },
    registry::outbound::{
        FindingKind, OnFinding, Outcome as Screened, Ready, Screen, ScreeningPolicy,
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
    WriteCaption::new(Locale::default())
}

fn declared() -> Declared {
    Declared::of(Anthropic::new().spec())
        .operation(caption().facts())
        .operation(ListModels::new().facts())
        .fields(["title", "description", "type", "tags", "project_name"])
}

const ANTHROPIC: ProviderId = ProviderId::from_static("anthropic");

/// The facts of a post, after the screen.
#[expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]
fn ready(acting: &Acting) -> Ready {
    let mut outbound = acting.outbound(&ANTHROPIC).unwrap();
    outbound.text("title", "Bread of the quarter").unwrap().text("type", "video").unwrap();
    outbound.text("description", "by @ada of the mill, ada@person.example").unwrap();
    outbound.text("project_name", "Mill and flour").unwrap();
    outbound.list("tags", ["baking", "rye"]).unwrap();
    let screen = Screen::new().with_terms(["Ada Lovelace"]).unwrap();
    let policy = ScreeningPolicy::all(OnFinding::Redact);
    match acting.screen(outbound, &screen, &policy).unwrap() {
        Screened::Ready(ready) => ready,
        other => panic!("{other:?}"),
    }
}

/// Has a caption written.
async fn ask(
    acting: &Acting,
    connection: &ConnectionRef,
    what: &WriteCaption,
) -> Result<Suggestion> {
    acting.send(connection, what, &ready(acting)).await
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
    let Suggestion::Caption(text) = ask(&acting, &connection, &caption()).await.unwrap() else {
        panic!("no caption")
    };
    assert!(text.text.starts_with("A ") && text.complete);
    let site = w.site("anthropic");
    assert!(site.written("forbidden").is_empty());
    let written = site.written("message");
    let asked = &written[0].value["asked"];
    let members: Vec<&str> = asked.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["max_tokens", "messages", "model", "system"]);
    let said = asked["messages"][0]["content"].as_str().unwrap();
    let said: serde_json::Value = serde_json::from_str(said).unwrap();
    let expected = serde_json::json!({
        "description": "by [handle] of the mill, [e-mail]", "project_name": "Mill and flour",
        "tags": ["baking", "rye"], "title": "Bread of the quarter", "type": "video",
    });
    assert_eq!(said, expected);
    // The log has the fields' names and sizes, and how much was replaced; no text.
    let sent = w.audit("acme").await;
    let sent: Vec<_> =
        sent.iter().filter(|logged| logged.entry.event() == "outbound.field_sent").collect();
    assert_eq!(sent.len(), 5);

    let receipt = w.bailee.connections().disconnect(&ada, &connection).await.unwrap();
    assert!(!receipt.confirmed);
    assert!(receipt.remains.iter().any(|text| text.contains("until somebody removes it there")));
    assert!(receipt.steps.iter().any(|step| step.contains("delete it")), "{receipt:?}");
    assert!(site.is_live(KEY), "only a person can end it");
    stored
        .assert_nothing_shows(&[KEY, "Bread of the quarter", "Mill and flour", "Marketing"])
        .await;
}

#[tokio::test]
async fn d4_nothing_leaves_for_a_caption_that_is_not_declared_and_screened() {
    let (stored, connection) = entered().await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let acting = w.bailee.acting(&ada, &PURPOSE);
    // No other field goes in.
    let mut outbound = acting.outbound(&ANTHROPIC).unwrap();
    for name in ["author", "email", "user_id", "caption", "Title"] {
        assert_eq!(outbound.text(name, "x").unwrap_err().kind(), ErrorKind::Denied, "{name}");
    }
    // Nothing in which something was found is ready, unless somebody said what is done about it.
    let screen = Screen::new().with_terms(["Ada Lovelace"]).unwrap();
    for text in [
        "ada@person.example",
        "call 020 7946 0958",
        "by ada lovelace",
        "sk-ant-api03-fakefakefakefakefake",
    ] {
        let mut outbound = acting.outbound(&ANTHROPIC).unwrap();
        outbound.text("title", text).unwrap();
        let error = acting.screen(outbound, &screen, &ScreeningPolicy::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{text}");
    }
    // What a person has to look at waits for them.
    let mut outbound = acting.outbound(&ANTHROPIC).unwrap();
    outbound.text("title", "with Ada Lovelace").unwrap();
    let policy = ScreeningPolicy::new().on(FindingKind::KnownTerm, OnFinding::Review);
    let Screened::Review(review) = acting.screen(outbound, &screen, &policy).unwrap() else {
        panic!("nobody was asked")
    };
    assert_eq!(review.findings().len(), 1);
    acting.send(&connection, &caption(), &review.approve()).await.unwrap();
    assert_eq!(w.site("anthropic").written("forbidden").len(), 0);
    // What was made ready for another purpose does not leave for this one.
    let other = w.bailee.acting(&ada, &PurposeId::from_static("test.other"));
    assert_eq!(other.outbound(&ANTHROPIC).unwrap_err().kind(), ErrorKind::Denied);
    let ready = ready(&acting);
    let error = other.send(&connection, &caption(), &ready).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(w.site("anthropic").written("message").len(), 1);
}

#[tokio::test]
async fn d4_a_recipient_without_declared_fields_is_sent_no_text() {
    let bare = Declared::of(Anthropic::new().spec()).operation(caption().facts());
    let stored = Stored::play(&bare, emulator::anthropic::Anthropic::new()).await;
    let acting = stored.world.bailee.acting(&stored.world.visitor("ada"), &PURPOSE);
    assert_eq!(acting.outbound(&ANTHROPIC).unwrap_err().kind(), ErrorKind::Denied);
}

#[tokio::test]
async fn a_caption_whose_answer_was_lost_is_not_paid_for_twice() {
    let (stored, connection) = entered().await;
    let w = &stored.world;
    let acting = w.bailee.acting(&w.visitor("ada"), &PURPOSE);
    w.site("anthropic").fault(Endpoint::Api, Fault::DropAfterEffect);
    let error = ask(&acting, &connection, &caption()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    assert_eq!(w.site("anthropic").written("message").len(), 1);
    ask(&acting, &connection, &caption()).await.unwrap();
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
    let none = ask(&acting, &connection, &caption()).await.unwrap();
    assert_eq!(none, Suggestion::None(NoCaption::Refused));
    switch(|anthropic| anthropic.outcome = Outcome::UnknownBlocks);
    assert!(matches!(ask(&acting, &connection, &caption()).await.unwrap(), Suggestion::Caption(_)));
    switch(|anthropic| anthropic.paid = false);
    let error = ask(&acting, &connection, &caption()).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::FixConfiguration);
    switch(|anthropic| anthropic.paid = true);
    let retired = caption().model("claude-opus-4");
    let error = ask(&acting, &connection, &retired).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::FixConfiguration);
    let status = w.bailee.connections().status(&ada, &connection).await.unwrap();
    assert_eq!(status.state, ConnectionState::Active);
    ask(&acting, &connection, &caption()).await.unwrap();
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
