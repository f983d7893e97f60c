//! Jira: the cases, the sites of a connection, an export without people in it, and the window of a
//! refresh.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee::{
    Acting, ConnectionRef, ConnectionState, ErrorKind, ReconnectReason, Remedy, Result,
    core::ScopeName,
    providers::{
        Download, Operation, OperationFacts, Provider,
        jira::{
            CountIssues, DownloadAttachment, GetIssue, Issue, Jira, ListAttachments, ListFields,
            ListSites, SearchIssues,
        },
    },
};
use bailee_testkit::{
    Declared, PURPOSE,
    conformance::Contender,
    emulator::{self, Account, Endpoint, Fault, Played},
};
use serde_json::{Value, json};

use crate::{held::hold, stored::Stored};

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(Jira::new())
    }

    fn played(&self) -> Played {
        emulator::jira::Jira::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        let scopes = ["offline_access", "read:jira-user", "read:jira-work"];
        scopes.map(ScopeName::from_static).to_vec()
    }

    fn operation(&self) -> OperationFacts {
        SearchIssues::new("project = DEMO").facts().clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &SearchIssues::new("project = DEMO")).await.map(|_| ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jira_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

const ONE: &str = "11111111-2222-3333-4444-555555555555";
const TWO: &str = "99999999-2222-3333-4444-555555555555";
const PERSONAL: &[&str] = &["site-of-ada", "first-site", ONE, "DEMO-1", "Grace", "557058:"];

/// A world in which Ada's account is connected, with these sites and scopes.
async fn connected(sites: Option<Value>, scopes: &[&str]) -> (Stored, ConnectionRef) {
    let declared = Declared::of(Jira::new().spec())
        .scopes(["offline_access"].iter().chain(scopes).copied())
        .operation(SearchIssues::new("x = 1").facts())
        .operation(CountIssues::new("x = 1").facts())
        .operation(ListFields::new().facts())
        .operation(GetIssue::new("A-1").facts())
        .operation(ListAttachments::new("A-1").facts())
        .operation(ListSites.facts())
        .operation(DownloadAttachment::new("1").facts());
    let stored = Stored::play(&declared, emulator::jira::Jira::new()).await;
    if let Some(sites) = sites {
        let ada = Account::new("ada").fact("sites", sites);
        stored.world.site("jira").add_account(ada);
    }
    let visitor = stored.world.visitor("ada");
    let connection = stored.world.connect(&visitor, "jira", &[PURPOSE]).await;
    (stored, connection.unwrap())
}

/// Sees that nobody of the emulator's colleagues stands in what an export would keep.
fn nobody(issues: &[Issue]) {
    for issue in issues {
        let text = json!({"fields": issue.fields, "changelog": issue.changelog}).to_string();
        let found = ["canary", "grace", "accountid", "557058"]
            .into_iter()
            .find(|trace| text.to_lowercase().contains(trace));
        assert_eq!(found, None, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_reads_everything_and_keeps_nobody() {
    let (stored, connection) = connected(None, &[]).await;
    let world = &stored.world;
    let ada = world.visitor("ada");
    let status = world.bailee.connections().status(&ada, &connection).await.unwrap();
    assert_eq!(status.display.as_deref(), Some("site-of-ada"));
    let acting = world.bailee.acting(&ada, &PURPOSE);
    let search =
        SearchIssues::new("project = DEMO order by key").fields(["*all"]).limit(2).with_changelog();
    let mut pages = acting.pages(&connection, search);
    let mut issues = Vec::new();
    while let Some(page) = pages.next_page().await.unwrap() {
        issues.extend(page);
    }
    assert_eq!(issues.len(), 5);
    nobody(&issues);
    let first = &issues[0];
    assert_eq!(first.fields["summary"], "Issue number 1");
    assert_eq!(first.fields["customfield_10003"]["value"], "a choice");
    let changed = &first.changelog.as_ref().unwrap()["histories"][0]["items"];
    assert_eq!(
        (&changed[0]["toString"], &changed[1]["field"]),
        (&json!("Done"), &json!("assignee"))
    );
    let mention = &first.fields["description"]["content"][0]["content"][1];
    assert_eq!(mention["text"], "@someone");

    let one = acting.call(&connection, &GetIssue::new("DEMO-2").with_changelog()).await.unwrap();
    nobody(std::slice::from_ref(&one));
    let count = acting.call(&connection, &CountIssues::new("project = DEMO")).await.unwrap();
    assert_eq!(count, 5);
    let fields = acting.call(&connection, &ListFields::new()).await.unwrap();
    assert!(fields.iter().any(|field| field.custom && field.id == "customfield_10001"));
    let sites = acting.call(&connection, &ListSites).await.unwrap();
    assert_eq!(sites[0].name, "site-of-ada");

    let attachments = acting.call(&connection, &ListAttachments::new("DEMO-1")).await.unwrap();
    let wanted = DownloadAttachment::of(&attachments[0]);
    let mut file = acting.download(&connection, &wanted).await.unwrap();
    assert_eq!((file.name().as_str(), file.size()), ("report-1.pdf", Some(100_000)));
    let mut received = 0;
    while let Some(chunk) = file.chunk().await.unwrap() {
        received += chunk.len();
    }
    assert_eq!(received, 100_000);
    let hosts: Vec<String> = world.emulator.requests().into_iter().map(|r| r.host).collect();
    assert!(hosts.iter().all(|host| host == "auth.atlassian.com" || host == "api.atlassian.com"));
    stored.assert_nothing_shows(PERSONAL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_sites_has_to_be_named_and_no_other_is_asked() {
    let sites = json!([{"id": TWO, "name": "second-site"}, {"id": ONE, "name": "first-site"}]);
    let (stored, connection) = connected(Some(sites), &[]).await;
    let world = &stored.world;
    let ada = world.visitor("ada");
    let acting = world.bailee.acting(&ada, &PURPOSE);
    let search = SearchIssues::new("project = DEMO");
    for at in [ONE, TWO] {
        let page = acting.call(&connection, &search.clone().at(at)).await.unwrap();
        assert_eq!(page.items.len(), 5);
    }
    let before = world.emulator.requests().len();
    let elsewhere = "55555555-2222-3333-4444-555555555555";
    for search in [search.clone(), search.clone().at(elsewhere), search.at("../../me")] {
        let refused = acting.call(&connection, &search).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(world.emulator.requests().len(), before, "nothing left");
    stored.assert_nothing_shows(PERSONAL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_a_refresh_is_had_again_within_the_window() {
    let (stored, connection) = connected(None, &[]).await;
    let world = &stored.world;
    let site = world.site("jira");
    let ada = world.visitor("ada");
    let acting = world.bailee.acting(&ada, &PURPOSE);
    site.fault(Endpoint::Refresh, Fault::DropAfterEffect.once());
    world.advance(Duration::from_secs(3601));
    acting.call(&connection, &SearchIssues::new("project = DEMO")).await.unwrap();
    assert_eq!(site.count(Endpoint::Refresh), 2, "the same token was shown again at once");
    assert!(site.reuse_alarms().is_empty());
    // Somebody who still held the former token would find it dead now; nobody does.
    world.advance(Duration::from_secs(601));
    acting.call(&connection, &SearchIssues::new("project = DEMO")).await.unwrap();
    assert_eq!(site.count(Endpoint::Refresh), 2);
    stored.assert_nothing_shows(PERSONAL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_is_gone_and_a_scope_that_is_missing_ask_for_the_person() {
    let (stored, connection) = connected(None, &[]).await;
    let world = &stored.world;
    let ada = world.visitor("ada");
    let connections = world.bailee.connections();
    assert_eq!(connections.check(&ada, &connection).await.unwrap(), ConnectionState::Active);
    world.site("jira").add_account(Account::new("ada").fact("sites", json!([])));
    let state = connections.check(&ada, &connection).await.unwrap();
    assert_eq!(state, ConnectionState::NeedsReconnect(ReconnectReason::Revoked));
    let acting = world.bailee.acting(&ada, &PURPOSE);
    let refused = acting.call(&connection, &ListFields::new()).await.unwrap_err();
    assert_eq!(refused.remedy(), Remedy::Reconnect);
    stored.assert_nothing_shows(PERSONAL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnect_says_that_nothing_was_revoked_and_what_the_person_can_do() {
    let (stored, connection) = connected(None, &[]).await;
    let world = &stored.world;
    let ada = world.visitor("ada");
    let receipt = world.bailee.connections().disconnect(&ada, &connection).await.unwrap();
    assert!(!receipt.confirmed);
    assert!(receipt.steps[0].contains("https://id.atlassian.com/manage-profile/apps"));
    assert_eq!(world.site("jira").count(Endpoint::Revoke), 0);
    assert!(world.bailee.connections().of_visitor(&ada).await.unwrap().is_empty());
    stored.assert_nothing_shows(PERSONAL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_read_me_the_account_is_shown_and_kept_sealed() {
    let (stored, connection) = connected(None, &["read:me"]).await;
    let world = &stored.world;
    let ada = world.visitor("ada");
    let status = world.bailee.connections().status(&ada, &connection).await.unwrap();
    assert_eq!(status.display.as_deref(), Some("Display ada"));
    let again = world.connect(&ada, "jira", &[PURPOSE]).await.unwrap();
    assert_eq!(again, connection);
    stored.assert_nothing_shows(&["Display ada", "557058:", "site-of-ada"]).await;
}
