//! GitHub: the cases, and what is special about it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee::{
    Acting, BeginOptions, ConnectionRef, ConnectionState, ErrorKind, Result,
    core::ScopeName,
    providers::{
        Operation, OperationFacts, Paged, Provider,
        github::{Access, CreateIssue, GitHub, ListRepositories},
    },
};
use bailee_testkit::{
    Declared, PURPOSE, World, WorldBuilder,
    conformance::Contender,
    emulator::{self, Decision, Endpoint, LiveToken, Played, TokenKind},
};

use crate::{held::hold, stored::Stored};

struct Contending;

fn expiring() -> emulator::github::GitHub {
    let mut github = emulator::github::GitHub::new();
    github.oauth_apps_expire = true;
    github
}

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(GitHub::new())
    }

    fn played(&self) -> Played {
        expiring().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["read:user", "repo"].map(ScopeName::from_static).to_vec()
    }

    fn operation(&self) -> OperationFacts {
        ListRepositories::new(Access::All).facts().clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &ListRepositories::new(Access::All)).await.map(|_| ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn github_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

fn declared(scopes: &[&str]) -> Declared {
    Declared::of(GitHub::new().spec())
        .scopes(scopes.iter().copied())
        .operation(CreateIssue::new(Access::All, "o", "r", "t").facts())
        .operation(ListRepositories::new(Access::All).facts())
}

fn builder(played: emulator::github::GitHub, scopes: &[&str]) -> WorldBuilder {
    World::builder(declared(scopes).declaration()).play(played)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_s_issues_and_repositories_from_connect_to_disconnect() {
    let stored = Stored::play(&declared(&["repo", "read:user"]), expiring()).await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "github", &[PURPOSE]).await.unwrap();
    let connections = w.bailee.connections();
    let status = connections.status(&ada, &connection).await.unwrap();
    assert_eq!(status.display.as_deref(), Some("handle_ada"));
    assert_eq!(status.account_type.as_deref(), Some("User"));

    let acting = w.bailee.acting(&ada, &PURPOSE);
    let private = "words about a private matter 4c1d";
    let issue = CreateIssue::new(Access::All, "handle_ada", "secret", "A title").body(private);
    let issue = acting.call(&connection, &issue.label("bug")).await.unwrap();
    assert_eq!(issue.labels, ["bug"]);
    assert_eq!(w.site("github").written("issue")[0].value["body"], private);

    let mut list = ListRepositories::new(Access::All).per_page(2);
    let mut names = Vec::new();
    loop {
        let page = acting.call(&connection, &list).await.unwrap();
        names.extend(page.items.into_iter().map(|repository| repository.full_name));
        match page.next {
            Some(cursor) => list = list.after(cursor),
            None => break,
        }
    }
    assert_eq!(names, ["handle_ada/hello", "handle_ada/hello.world", "handle_ada/secret"]);

    // Eight hours later both tokens are new, and the old ones are dead.
    w.advance(Duration::from_secs(28_800));
    acting.call(&connection, &ListRepositories::new(Access::All)).await.unwrap();
    assert_eq!(w.site("github").count(Endpoint::Refresh), 1);
    assert!(w.site("github").reuse_alarms().is_empty());

    let receipt = connections.disconnect(&ada, &connection).await.unwrap();
    assert!(receipt.confirmed);
    assert!(receipt.also_ends.iter().any(|sentence| sentence.contains("Every other token")));
    assert!(receipt.steps.iter().any(|step| step.contains("Revoke access")));
    assert!(w.site("github").live_tokens().is_empty());
    w.settle().await;
    stored.assert_nothing_shows(&[private, "handle_ada", "A title"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_does_not_run_out_is_not_renewed_and_ends_with_the_connection() {
    let w = builder(emulator::github::GitHub::new(), &["repo"]).build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "github", &[PURPOSE]).await.unwrap();
    w.advance(Duration::from_secs(300 * 86_400));
    w.settle().await;
    let acting = w.bailee.acting(&ada, &PURPOSE);
    acting.call(&connection, &ListRepositories::new(Access::All)).await.unwrap();
    assert_eq!(w.site("github").count(Endpoint::Refresh), 0);
    let receipt = w.bailee.connections().disconnect(&ada, &connection).await.unwrap();
    assert!(receipt.confirmed);
    assert!(w.site("github").live_tokens().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wide_scope_stands_for_the_narrow_one_that_was_asked_for_too() {
    let w = builder(expiring(), &["repo", "public_repo"]).build().await.unwrap();
    let ada = w.visitor("ada");
    let completed = w
        .connect_as(&ada, "github", &[PURPOSE], BeginOptions::default(), Decision::Allow, "ada")
        .await
        .unwrap()
        .unwrap();
    assert!(completed.missing.is_empty() && completed.unasked.is_empty());
    // A renewal names the wide one alone as well.
    w.advance(Duration::from_secs(28_800));
    let acting = w.bailee.acting(&ada, &PURPOSE);
    acting.call(&completed.connection, &ListRepositories::new(Access::All)).await.unwrap();
    let status = w.bailee.connections().status(&ada, &completed.connection).await.unwrap();
    let mut scopes: Vec<&str> = status.scopes.iter().map(ScopeName::as_str).collect();
    scopes.sort_unstable();
    assert_eq!(scopes, ["public_repo", "repo"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn single_sign_on_refuses_the_call_and_costs_nobody_the_connection() {
    let mut played = expiring();
    played.single_sign_on = vec!["handle_grace".into()];
    let w = builder(played, &["repo"]).build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "github", &[PURPOSE]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PURPOSE);
    let issue = CreateIssue::new(Access::All, "handle_grace", "hello", "t");
    let refused = acting.call(&connection, &issue).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ProviderRefused);
    assert_eq!(refused.code().map(|code| code.as_str()), Some("sso_required"));
    let status = w.bailee.connections().status(&ada, &connection).await.unwrap();
    assert_eq!(status.state, ConnectionState::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_another_connection_lives_on_is_not_deleted() {
    let w = builder(expiring(), &["repo"]).build().await.unwrap();
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let mut connections = Vec::new();
    for visitor in [&ada, &grace] {
        // Both connect the same account.
        connections.push(w.connect(visitor, "github", &[PURPOSE]).await.unwrap());
    }
    let receipt = w.bailee.connections().disconnect(&ada, &connections[0]).await.unwrap();
    // The access token went alone; of the refresh token nobody can say so.
    assert_eq!(w.site("github").count(Endpoint::Revoke), 1);
    let living = w.site("github").live_tokens();
    let access = |token: &&LiveToken| token.kind == TokenKind::Access;
    assert_eq!(living.iter().filter(access).count(), 1, "hers is dead, the other one lives");
    assert!(receipt.remains.iter().any(|sentence| sentence.contains("still connected")));
    let acting = w.bailee.acting(&grace, &PURPOSE);
    acting.call(&connections[1], &ListRepositories::new(Access::All)).await.unwrap();
    let receipt = w.bailee.connections().disconnect(&grace, &connections[1]).await.unwrap();
    assert!(receipt.confirmed);
    assert!(w.site("github").live_tokens().is_empty(), "the last one ends them all");
}
