//! Shopify: the cases, and callbacks that are not as the shop signs them.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

use std::sync::Arc;

use async_trait::async_trait;
use bailee::{
    Acting, BeginOptions, ConnectionRef, Result,
    core::{CredentialName, Effect, ProviderId, ScopeName},
    providers::{Context, JsonCall, Operation, OperationFacts, Provider, Step},
};
use bailee_testkit::{
    conformance::Contender,
    emulator::{self, Played},
};
use http::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use url::Url;

use crate::{
    held::{adapter, canary, hold},
    late::late,
};

/// The products of a shop.
struct Products;

#[derive(serde::Deserialize)]
struct Answered {
    data: serde_json::Value,
}

static FACTS: OperationFacts = OperationFacts {
    name: "shopify.products",
    provider: ProviderId::from_static("shopify"),
    scopes: &[ScopeName::from_static("read_products")],
    effect: Effect::Read,
    method: Method::POST,
    path: "/graphql.json",
    sends: &[],
    reads: &["content"],
    credential: CredentialName::from_static("user"),
};

impl Operation for Products {
    type Output = serde_json::Value;

    fn facts(&self) -> &OperationFacts {
        &FACTS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<serde_json::Value>> {
        JsonCall::new(cx, &FACTS)
            .body(&serde_json::json!({"query": "{ products(first: 1) { nodes { id } } }"}))
            .read(|answer: Answered| Ok(answer.data))
    }
}

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        adapter("shopify")
    }

    fn played(&self) -> Played {
        emulator::shopify::Shopify::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["read_products", "write_content"].map(ScopeName::from_static).to_vec()
    }

    fn options(&self) -> BeginOptions {
        let mut options = BeginOptions::default();
        options.variables.insert("shop".into(), "demo".into());
        options
    }

    fn left_out(&self) -> Option<ScopeName> {
        Some(ScopeName::from_static("write_content"))
    }

    fn operation(&self) -> OperationFacts {
        FACTS.clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &Products).await.map(|_| ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shopify_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

#[tokio::test]
async fn call_06_a_callback_that_the_shop_did_not_sign_is_refused() {
    use bailee::RefusalReason;
    use bailee_testkit::{
        Declared, PURPOSE, World,
        emulator::{Decision, Endpoint, shopify::CallbackFlaw},
    };

    let spec = adapter("shopify").spec().clone();
    let declared = Declared::of(&spec).operation(&FACTS);
    for (flaw, reason) in [
        (CallbackFlaw::Unsigned, RefusalReason::Forged),
        (CallbackFlaw::WrongSecret, RefusalReason::Forged),
        (CallbackFlaw::Stale, RefusalReason::Forged),
        // Signed, and for another shop than the person named.
        (CallbackFlaw::OtherShop, RefusalReason::RegistrationMismatch),
    ] {
        let mut shop = emulator::shopify::Shopify::new();
        shop.flaw = Some(flaw);
        let world = World::builder(declared.declaration()).play(shop).build().await.unwrap();
        let visitor = world.visitor("ada");
        let outcome = world
            .connect_as(
                &visitor,
                "shopify",
                &[PURPOSE],
                Contending.options(),
                Decision::Allow,
                "ada",
            )
            .await
            .unwrap();
        assert_eq!(outcome.unwrap_err().reason(), reason, "{flaw:?}");
        assert_eq!(world.site("shopify").count(Endpoint::Exchange), 0, "{flaw:?}");
    }
}

#[tokio::test]
async fn out_04_a_shop_is_one_label_and_has_to_be_named() {
    use bailee::ErrorKind;
    use bailee_testkit::{Declared, PURPOSE, World};

    let spec = adapter("shopify").spec().clone();
    let declared = Declared::of(&spec).operation(&FACTS);
    let world = World::builder(declared.declaration())
        .play(emulator::shopify::Shopify::new())
        .build()
        .await
        .unwrap();
    let visitor = world.visitor("ada");
    for shop in [None, Some(""), Some("a.b"), Some("evil.example/"), Some("A"), Some("a@b")] {
        let mut options = BeginOptions::default();
        if let Some(shop) = shop {
            options.variables.insert("shop".into(), shop.into());
        }
        let begun =
            world.bailee.connections().begin_with(&visitor, "shopify", &[PURPOSE], options).await;
        assert_eq!(begun.unwrap_err().kind(), ErrorKind::InvalidInput, "{shop:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_05_no_secret_of_shopify_is_stored_in_the_clear() {
    canary(&Contending).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ref_06_late_tokens_of_a_shop_are_revoked_in_that_shop() {
    late(&Contending, |registration| registration).await;
}

#[tokio::test]
async fn call_06_a_terminal_takes_no_callback_that_the_shop_did_not_sign() {
    use bailee::{ClientSecret, RefusalReason, Registration, providers::Environment};
    use bailee_testkit::{
        Declared, PURPOSE, World,
        emulator::{
            Client, Decision, Endpoint,
            shopify::{CallbackFlaw, Shopify},
        },
    };
    const SECRET: &str = "fake-desktop-secret";
    let spec = adapter("shopify").spec().clone();
    let declared = Declared::of(&spec).operation(&FACTS);
    let cases: [(_, Option<(_, usize)>); 5] = [
        (None, None),
        // What is forged does not spend the flow, what names another shop does.
        (Some(CallbackFlaw::Unsigned), Some((RefusalReason::Forged, 0))),
        (Some(CallbackFlaw::WrongSecret), Some((RefusalReason::Forged, 0))),
        (Some(CallbackFlaw::Stale), Some((RefusalReason::Forged, 0))),
        (Some(CallbackFlaw::OtherShop), Some((RefusalReason::RegistrationMismatch, 1))),
    ];
    for (flaw, refused) in cases {
        let mut shop = Shopify::new();
        shop.flaw = flaw;
        let w = World::builder(declared.declaration())
            .play(shop)
            .change(|builder| {
                let secret = ClientSecret::copy_from(SECRET.as_bytes());
                let registration = Registration::new("shopify", "fake-desktop-client", secret)
                    .and_then(|registration| registration.id("shopify-desktop"))
                    .unwrap();
                builder.registration(registration.environment(Environment::Emulator).desktop())
            })
            .build()
            .await
            .unwrap();
        let client = Client::new("fake-desktop-client").desktop().secret(SECRET);
        w.site("shopify")
            .add_client(client.redirect("http://127.0.0.1:*/shopify-desktop/callback"))
            .unwrap();
        let ada = w.visitor("ada");
        let begun = w
            .bailee
            .connections()
            .begin_loopback_with(&ada, "shopify-desktop", &[PURPOSE], Contending.options())
            .await
            .unwrap();
        let back = w.emulator.consent(begun.url(), Decision::Allow, "ada").await.unwrap();
        let waiting = tokio::spawn(begun.finish());
        knock(&Url::parse(&back).unwrap()).await;
        let outcome = waiting.await.unwrap();

        let log = w.audit("~").await;
        let log = || log.iter().map(|logged| &logged.entry);
        let reasons: Vec<String> = log()
            .filter(|entry| entry.event() == "flow.rejected")
            .map(|entry| entry.field("reason").unwrap().to_string())
            .collect();
        let spent = log().filter(|entry| entry.event() == "flow.consumed").count();
        let exchanged = w.site("shopify").count(Endpoint::Exchange);
        match refused {
            None => {
                outcome.unwrap();
                assert_eq!((reasons.len(), spent, exchanged), (0, 1, 1));
            }
            Some((reason, spends)) => {
                outcome.unwrap_err();
                assert_eq!(reasons, [reason.code()], "{flaw:?}");
                assert_eq!((spent, exchanged), (spends, 0), "{flaw:?}");
            }
        }
    }
}

/// Loads an address as a browser would.
async fn knock(address: &Url) {
    let mut stream = TcpStream::connect(("127.0.0.1", address.port().unwrap())).await.unwrap();
    let target = format!("{}?{}", address.path(), address.query().unwrap());
    let request = format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.read_to_string(&mut String::new()).await.unwrap();
}
