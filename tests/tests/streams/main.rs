//! Lists page by page, files piece by piece, and a client library's own requests: each through the
//! gate, and none of them further than was declared.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod downloads;
mod dropped;
mod own_operation;
mod pages;
mod service;

use bailee::{
    Acting, ConnectionRef, Declaration, TenantId, Visitor,
    core::{
        CredentialName, Effect, ProviderId, ScopeName, SubjectId,
        audit::{Entry, Field},
    },
    providers::{Context, JsonCall, Operation, OperationFacts, Step},
    registry::Disclosures,
};
use bailee_testkit::{
    World, WorldBuilder,
    emulator::{Endpoint as Address, Site, oidc::Issuer},
};
use bailee_tests::NOTES;
use http::Method;

const ACME: TenantId = TenantId::from_static("acme");
const USER: CredentialName = CredentialName::from_static("user");
const PROVIDER: ProviderId = ProviderId::from_static("notes");
const READ: &[ScopeName] = &[ScopeName::from_static("notes.read")];

/// The declaration of the tests with what is read of notes, and with endpoints.
fn declared() -> String {
    let text = include_str!("../../privacy.toml");
    let written = "\"notes.write\" = [\"notes.save\"]\n";
    let scope = format!("{written}\"notes.read\" = [\"notes.save\"]\n");
    let operations = "[integrations.notes.operations]\n";
    let mine = "\"notes.list\" = [\"notes.save\"]\n\"notes.export\" = [\"notes.save\"]\n";
    let text = text.replacen(written, &scope, 1);
    let text = text.replacen(operations, &format!("{operations}{mine}"), 1);
    format!("{text}\n{}", include_str!("endpoints.toml"))
}

/// A world with one connection to the provider of notes.
struct Scene {
    w: World,
    ada: Visitor,
    connection: ConnectionRef,
}

impl Scene {
    async fn new() -> Self {
        Self::of(|builder| builder).await
    }

    /// The same with something of its world changed.
    async fn of(change: impl FnOnce(WorldBuilder) -> WorldBuilder) -> Self {
        let declaration = Declaration::parse(&declared()).unwrap();
        let mut issuer = Issuer::new("https://id.example.test");
        issuer.scopes =
            ["openid", "profile", "notes.read", "notes.write"].map(String::from).to_vec();
        let builder = World::builder(declaration).issuer(issuer, include_str!("notes.toml"));
        let w = change(builder).build().await.unwrap();
        let ada = w.visitor("ada");
        let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
        Self { w, ada, connection }
    }

    /// The same with so many notes in the account.
    async fn with_notes(count: usize) -> Self {
        let scene = Self::new().await;
        let service = scene.acting().service(&scene.connection);
        for n in 0..count {
            let request = http::Request::post("/api/notes")
                .header("content-type", "application/json")
                .body(format!("{{\"text\":\"note {n}\"}}").into())
                .unwrap();
            assert_eq!(service.send(request).await.unwrap().status(), 201);
        }
        scene
    }

    fn acting(&self) -> Acting {
        self.w.bailee.acting(&self.ada, &NOTES)
    }

    fn site(&self) -> &Site {
        self.w.site("id.example.test")
    }

    /// How many calls of its API the provider has seen.
    fn calls(&self) -> u64 {
        self.site().count(Address::Api)
    }

    fn subject(&self) -> SubjectId {
        self.connection.owner().subject().unwrap()
    }

    /// How many uses of the person's data are on record.
    async fn disclosed(&self) -> u64 {
        self.w.settle().await;
        let disclosures = Disclosures::new(self.w.bailee.vault().clone());
        let records = disclosures.of_subject(&ACME, self.subject()).await.unwrap();
        records.iter().map(|record| record.count).sum()
    }

    async fn entries(&self, event: &str) -> Vec<Entry> {
        let all = self.w.audit("acme").await.into_iter().map(|logged| logged.entry);
        all.filter(|entry| entry.event() == event).collect()
    }

    /// What became of the effects, sorted: those of one moment have no order in the log.
    async fn outcomes(&self) -> Vec<String> {
        let done = self.entries("call.effect_done").await;
        let mut words: Vec<String> = done
            .iter()
            .map(|entry| match entry.field("outcome") {
                Some(Field::Word(word)) => word.to_string(),
                other => panic!("not a word: {other:?}"),
            })
            .collect();
        words.sort();
        words
    }
}
