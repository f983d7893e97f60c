//! What is left after a death, and what has to be so.

use std::time::Duration;

use bailee::{
    ConnectionState, ErrorKind, PublicationState, ReconnectReason,
    store::{Kind, Query},
};
use bailee_testkit::{
    World,
    emulator::{Endpoint, Site, tiktok::PostStatus},
};
use bailee_tests::drill::{assert_never_goes_back, call, hours, seconds};

use super::*;

/// What is left after a death, and who looks at it.
pub(crate) struct Scene<'a> {
    pub(crate) scenario: Scenario,
    pub(crate) end: Option<(u32, Moment)>,
    pub(crate) connection: Option<ConnectionRef>,
    pub(crate) w: &'a World,
    pub(crate) survivor: &'a Bailee,
    pub(crate) store: &'a Arc<dyn Store>,
    pub(crate) trail: &'a Trail,
    /// Whether the caller comes back before the worker does.
    pub(crate) recalls: bool,
}

impl Scene<'_> {
    fn what(&self) -> String {
        let (end, trail) = (self.end, self.trail);
        format!("{:?} killed at {end:?}: {:?} {:?}", self.scenario, trail.steps, trail.acks)
    }

    fn site(&self) -> &Site {
        let provider = self.scenario.provider();
        self.w.site(if provider == "tiktok" { "tiktok" } else { bailee_tests::drill::ISSUER })
    }

    /// How far the first step of this name came.
    fn came(&self, name: &str) -> Came {
        self.came_after("", name)
    }

    /// How far the first step of this name came that follows another one.
    fn came_after(&self, earlier: &str, name: &str) -> Came {
        self.trail.came_after(self.end, earlier, name)
    }

    /// Lets time pass and the worker work.
    async fn pass(&self, time: Duration) {
        self.w.advance(time);
        self.survivor.worker().settle().await.unwrap();
    }

    pub(crate) async fn check(&self) {
        match self.scenario {
            Scenario::Connect | Scenario::Reconnect => self.connected().await,
            Scenario::RenewStrict | Scenario::RenewRecoverable | Scenario::RenewByWorker => {
                self.renewed().await;
            }
            Scenario::PublishUrl | Scenario::PublishFile => self.published().await,
            Scenario::Disconnect | Scenario::DisconnectExpired | Scenario::DisconnectByWorker => {
                self.disconnected().await;
            }
        }
        // Every connection has its parts, and nothing has a part without it.
        let tenant = TenantId::from_static("acme");
        let connections = self.count(&tenant, "connection").await;
        assert_eq!(self.count(&tenant, "credential").await, connections, "{}", self.what());
        assert_eq!(self.count(&tenant, "reservation").await, connections, "{}", self.what());
        assert_eq!(self.count(&TenantId::SYSTEM, "grant").await, 0, "{}", self.what());
        assert!(self.count(&TenantId::SYSTEM, "route").await >= connections, "{}", self.what());
        self.w.assert_clean_audit(&["acme", "~"]).await;
    }

    async fn count(&self, tenant: &TenantId, kind: &'static str) -> usize {
        let query = Query::of_kind(Kind::from_static(kind));
        self.store.find(tenant, &query).await.unwrap().records.len()
    }

    async fn connected(&self) {
        for _ in 0..3 {
            self.pass(seconds(300)).await;
        }
        let what = self.what();
        let ada = ada();
        let all = self.survivor.connections().of_visitor(&ada).await.unwrap();
        if self.scenario == Scenario::Reconnect {
            assert_eq!(all.len(), 1, "{what}");
        }
        if let Some(acked) = self.trail.acks.first() {
            assert_eq!(all.len(), 1, "{what}");
            assert_eq!(*acked, all[0].connection.to_string(), "{what}");
        }
        if let [one] = &all[..] {
            assert_eq!(one.state, ConnectionState::Active, "{what}");
            call(self.survivor, &ada, &one.connection, "tiktok").await.unwrap();
            return;
        }
        assert!(all.is_empty(), "{what}");
        // Between the provider's answer and the commit that holds it, nobody else can know the
        // tokens. A client must not present a code twice (RFC 6749 §4.1.2), so they run out.
        let exchanged = self.came("/oauth/token/");
        let held = self.came("grant.held");
        let unknown_to_all = exchanged != Came::NotDone && held != Came::Done;
        if !unknown_to_all {
            assert!(self.site().live_tokens().is_empty(), "{what}");
        }
    }

    async fn renewed(&self) {
        let what = self.what();
        let (ada, connection) = (ada(), self.connection.clone().unwrap());
        let provider = self.scenario.provider();
        if self.recalls {
            let _ = call(self.survivor, &ada, &connection, provider).await;
        }
        for _ in 0..3 {
            self.pass(seconds(300)).await;
        }
        let outcome = call(self.survivor, &ada, &connection, provider).await;
        let status = self.survivor.connections().status(&ada, &connection).await.unwrap();
        // A strict provider gave its answer to the dead alone.
        let asked = self.came("/oauth/token/");
        let kept = self.came("credential.refreshed");
        let may_be_lost = provider == "tiktok" && asked != Came::NotDone && kept != Came::Done;
        let must_be_lost = provider == "tiktok" && asked == Came::Done && kept == Came::NotDone;
        match status.state {
            ConnectionState::Active => {
                outcome.unwrap_or_else(|error| panic!("{what}: {error:?}"));
                assert!(!must_be_lost, "{what}");
            }
            ConnectionState::NeedsReconnect(reason) => {
                assert!(may_be_lost, "{what}: {outcome:?}");
                assert_eq!(reason, ReconnectReason::LostAfterRotation, "{what}");
                assert!(self.trail.acks.is_empty(), "{what}");
            }
            state => panic!("{what}: {state:?}"),
        }
        if provider == "notes" {
            assert!(self.site().reuse_alarms().is_empty(), "{what}");
        }
        assert_never_goes_back(self.site());
    }

    async fn published(&self) {
        let what = self.what();
        let (ada, connection) = (ada(), self.connection.clone().unwrap());
        if self.recalls {
            publish(self.scenario, self.survivor, &connection)
                .await
                .unwrap_or_else(|error| panic!("{what}: {error:?}"));
        }
        for _ in 0..6 {
            self.pass(hours(1)).await;
        }
        let posts = self.site().posts();
        let out = posts.iter().filter(|post| post.status == PostStatus::PublishComplete).count();
        assert!(posts.len() <= 1, "{what}: a second publication");
        let acting = self.survivor.acting(&ada, &PUBLISH);
        let record = acting.publication(&connection, &key()).await;
        match record.map(|publication| publication.state) {
            Ok(PublicationState::Published) => assert_eq!(out, 1, "{what}"),
            Ok(PublicationState::Failed) => assert_eq!(out, 0, "{what}"),
            Ok(PublicationState::Unknown) => {
                // Only where the beginning was about to be sent, so far as anybody can tell, and its
                // answer died with the victim.
                let sending = self.came_after("publication.sent", "claim");
                assert_ne!(sending, Came::NotDone, "{what}: nothing was sent");
                assert_ne!(self.came("publication.processing"), Came::Done, "{what}");
            }
            Ok(state) => panic!("{what}: {state:?} is no end"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NotFound, "{what}");
                assert_ne!(self.came("publication.queued"), Came::Done, "{what}");
                assert!(!self.recalls && posts.is_empty(), "{what}");
            }
        }
        // What was acknowledged has the provider, and it is out.
        if !self.trail.acks.is_empty() {
            assert_eq!(out, 1, "{what}");
            let again = publish(self.scenario, self.survivor, &connection).await.unwrap();
            assert_eq!(again.state, PublicationState::Published, "{what}");
        }
        let begun = self.site().requests().into_iter();
        let begun = begun.filter(|request| request.path.contains("/video/init")).count();
        assert!(begun <= 1, "{what}: {begun} beginnings");
    }

    async fn disconnected(&self) {
        let what = self.what();
        let (ada, connection) = (ada(), self.connection.clone().unwrap());
        for _ in 0..3 {
            self.pass(seconds(60)).await;
        }
        let status = self.survivor.connections().status(&ada, &connection).await;
        let begun = match self.scenario {
            Scenario::DisconnectByWorker => Came::Done,
            _ => self.came("connection.disconnecting"),
        };
        let gone = match &status {
            Ok(status) => {
                assert_eq!(status.state, ConnectionState::Active, "{what}: neither there nor gone");
                false
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NotFound, "{what}");
                true
            }
        };
        match begun {
            Came::Done => assert!(gone, "{what}"),
            Came::NotDone => assert!(!gone, "{what}"),
            Came::Open => {}
        }
        if !gone {
            assert!(self.trail.acks.is_empty(), "{what}");
            call(self.survivor, &ada, &connection, self.scenario.provider()).await.unwrap();
            return;
        }
        // A token that was renewed for its revocation alone is known to nobody until it is held.
        let renewed = self.came("/oauth/token/");
        let held = self.came("grant.held");
        let unknown_to_all = renewed != Came::NotDone && held != Came::Done;
        if !unknown_to_all {
            assert!(self.site().live_tokens().is_empty(), "{what}");
        }
        let before = self.site().count(Endpoint::Api);
        let error = call(self.survivor, &ada, &connection, self.scenario.provider()).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound, "{what}");
        assert_eq!(self.site().count(Endpoint::Api), before, "{what}");
    }
}
