//! Callers that go away at every poll of everything that waits: no half state, nothing lost that
//! was acknowledged, no token that nobody knows, no work that nobody does.

use std::{cell::Cell, sync::Arc};

use bailee::{
    BeginOptions, BytesMedia, ConnectionRef, ConnectionState, ErrorKind, IdempotencyKey, Mount,
    PublicationState, RequestOutcome, SignalOutcome, TenantId, Visitor,
    core::{Clock, Id, RegistrationId, Timestamp},
    providers::{
        Operation, Provider,
        instagram::{Instagram, PublishingLimit},
        tiktok::{PrivacyLevel, PublishVideo},
    },
    store::{Kind, MemoryStore, Query, Store},
};
use bailee_testkit::{
    Browser, Declared, PURPOSE, Storage, World, WorldBuilder,
    emulator::{
        self, Account, Announcement, Decision, Endpoint, RefreshStyle, oidc::Revocation,
        tiktok::PostStatus,
    },
};
use bailee_tests::{
    NOTES, PUBLISH, Yielding,
    drill::{ISSUER, Tasks, call, hours, notes_world_where, seconds},
    leave_at_every_poll, on_sqlite,
};

const ACME: TenantId = TenantId::from_static("acme");
const OPERATOR: Id = Id::from_bytes([7; 16]);

/// A world, and the tasks that go on in it when a caller is gone.
struct Scene {
    w: World,
    tasks: Tasks,
    ada: Visitor,
    _folder: Option<tempfile::TempDir>,
}

/// The same on a store in memory and on a file.
async fn scenes(builder: impl Fn() -> WorldBuilder) -> Vec<Scene> {
    let mut scenes = Vec::new();
    for on_file in [false, true] {
        let tasks = Tasks::default();
        let runtime = tasks.clone();
        let builder = builder().change(move |builder| builder.runtime(runtime.clone()));
        let (w, folder) = if on_file {
            let (w, folder) = on_sqlite(builder).await.unwrap();
            (w, Some(folder))
        } else {
            let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
            let store: Arc<dyn Store> = Arc::new(Yielding::new(Arc::new(MemoryStore::new(clock))));
            (builder.storage(Storage::Given(store)).build().await.unwrap(), None)
        };
        let ada = w.visitor("ada");
        scenes.push(Scene { w, tasks, ada, _folder: folder });
    }
    scenes
}

/// Providers where a token that somebody forgot lives on.
fn unforgiving() -> WorldBuilder {
    let strict = RefreshStyle::Strict { kills_family: false };
    notes_world_where("class = \"strict\"", strict, |issuer| {
        issuer.revocation = Revocation::Rfc7009 { cascades: false };
    })
    .tiktok(move |tiktok| {
        tiktok.refresh_style = strict;
        tiktok.verified_urls.push("media.example".into());
    })
}

impl Scene {
    async fn connect(&self, provider: &str) -> ConnectionRef {
        let purpose = if provider == "tiktok" { PUBLISH } else { NOTES };
        self.w.connect(&self.ada, provider, &[purpose]).await.unwrap()
    }

    /// Lets time pass and the worker work.
    async fn pass(&self, times: usize, time: u64) {
        for _ in 0..times {
            self.w.advance(seconds(time));
            self.w.settle().await;
        }
    }

    async fn count(&self, tenant: &TenantId, kind: &'static str) -> usize {
        let query = Query::of_kind(Kind::from_static(kind));
        self.w.store().find(tenant, &query).await.unwrap().records.len()
    }

    /// Every connection works or waits for its end, and nothing has a part without it.
    async fn nothing_is_half(&self, what: &str) {
        let connections = self.count(&ACME, "connection").await;
        assert_eq!(self.count(&ACME, "credential").await, connections, "{what}");
        assert_eq!(self.count(&ACME, "reservation").await, connections, "{what}");
        assert_eq!(self.count(&TenantId::SYSTEM, "grant").await, 0, "{what}");
    }

    /// Ends what there is, and sees that the providers hold nothing after it.
    async fn end(&self, what: &str) {
        let connections = self.w.bailee.connections();
        for status in connections.of_visitor(&self.ada).await.unwrap() {
            let receipt = connections.disconnect(&self.ada, &status.connection).await.unwrap();
            assert!(receipt.confirmed, "{what}");
        }
        for site in [ISSUER, "tiktok"] {
            assert!(self.w.site(site).live_tokens().is_empty(), "{what}: {site} has live tokens");
        }
        self.nothing_is_half(what).await;
        assert_eq!(self.count(&ACME, "connection").await, 0, "{what}");
    }
}

#[tokio::test]
async fn a_visitor_who_leaves_while_they_begin_begins_again() {
    for scene in scenes(unforgiving).await {
        let connections = scene.w.bailee.connections();
        let gone = leave_at_every_poll(
            "begin",
            &scene.tasks,
            async || (),
            async |()| connections.begin(&scene.ada, "notes", &[NOTES]).await,
            async |(), begun, what| {
                if let Some(begun) = begun {
                    begun.unwrap();
                }
                scene.connect("notes").await;
                scene.end(what).await;
            },
        )
        .await;
        assert!(gone >= 2);
    }
}

#[tokio::test]
async fn a_visitor_who_leaves_while_they_connect_has_a_whole_connection_or_none() {
    for scene in scenes(unforgiving).await {
        let connections = scene.w.bailee.connections();
        let gone = leave_at_every_poll(
            "complete",
            &scene.tasks,
            async || {
                let begun = connections.begin(&scene.ada, "notes", &[NOTES]).await.unwrap();
                let browser = Browser::new();
                browser.take(begun.answer());
                let back = scene.w.approve(&begun, Decision::Allow, "ada").await;
                (browser, back)
            },
            async |(browser, back)| connections.complete(&scene.ada, browser.callback(back)).await,
            async |_, completed, what| {
                scene.pass(2, 310).await;
                scene.nothing_is_half(what).await;
                let all = connections.of_visitor(&scene.ada).await.unwrap();
                if let Some(completed) = completed {
                    let completed = completed.unwrap_or_else(|refused| panic!("{refused:?}"));
                    assert_eq!(all.len(), 1, "{what}");
                    assert_eq!(all[0].connection, completed.connection, "{what}");
                }
                for one in &all {
                    assert_eq!(one.state, ConnectionState::Active, "{what}");
                    call(&scene.w.bailee, &scene.ada, &one.connection, "notes").await.unwrap();
                }
                scene.end(what).await;
            },
        )
        .await;
        assert!(gone >= 4);
    }
}

#[tokio::test]
async fn ref_04_a_caller_who_leaves_a_call_costs_no_token() {
    for scene in scenes(unforgiving).await {
        let notes = scene.connect("notes").await;
        let site = scene.w.site(ISSUER);
        let gone = leave_at_every_poll(
            "call",
            &scene.tasks,
            async || {
                scene.w.advance(hours(2));
                site.count(Endpoint::Refresh)
            },
            async |_| call(&scene.w.bailee, &scene.ada, &notes, "notes").await,
            async |before, called, what| {
                called.unwrap_or(Ok(())).unwrap();
                call(&scene.w.bailee, &scene.ada, &notes, "notes").await.unwrap();
                assert_eq!(site.count(Endpoint::Refresh) - before, 1, "{what}");
                scene.nothing_is_half(what).await;
            },
        )
        .await;
        assert!(gone >= 4);
        assert!(site.reuse_alarms().is_empty());
        scene.end("call").await;
    }
}

#[tokio::test]
async fn ref_04_a_caller_who_leaves_a_check_costs_no_token() {
    for scene in scenes(unforgiving).await {
        let notes = scene.connect("notes").await;
        let connections = scene.w.bailee.connections();
        let site = scene.w.site(ISSUER);
        let gone = leave_at_every_poll(
            "check",
            &scene.tasks,
            async || scene.w.advance(hours(2)),
            async |()| connections.check(&scene.ada, &notes).await,
            async |(), checked, what| {
                let checked = checked.unwrap_or(Ok(ConnectionState::Active));
                assert_eq!(checked.unwrap(), ConnectionState::Active, "{what}");
                let again = connections.check(&scene.ada, &notes).await.unwrap();
                assert_eq!(again, ConnectionState::Active, "{what}");
                call(&scene.w.bailee, &scene.ada, &notes, "notes").await.unwrap();
            },
        )
        .await;
        assert!(gone >= 4);
        assert!(site.reuse_alarms().is_empty());
        scene.end("check").await;
    }
}

#[tokio::test]
async fn dis_02_a_visitor_who_leaves_while_they_disconnect_is_connected_or_gone() {
    for scene in scenes(unforgiving).await {
        for provider in ["notes", "tiktok"] {
            let connections = scene.w.bailee.connections();
            let gone = leave_at_every_poll(
                "disconnect",
                &scene.tasks,
                async || {
                    let connection = scene.connect(provider).await;
                    // The one that revokes with a living access token alone has to renew first.
                    scene.w.advance(hours(3));
                    connection
                },
                async |connection| connections.disconnect(&scene.ada, connection).await,
                async |connection, receipt, what| {
                    // Twice: a commit that nobody waits for may land after the first.
                    scene.pass(2, 60).await;
                    scene.nothing_is_half(what).await;
                    match connections.status(&scene.ada, &connection).await {
                        Ok(status) => {
                            assert!(receipt.is_none(), "{what}");
                            assert_eq!(status.state, ConnectionState::Active, "{what}");
                            call(&scene.w.bailee, &scene.ada, &connection, provider).await.unwrap();
                        }
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::NotFound, "{what}");
                            if let Some(receipt) = receipt {
                                assert!(receipt.unwrap().confirmed, "{what}");
                            }
                        }
                    }
                    scene.end(what).await;
                },
            )
            .await;
            assert!(gone >= 4);
        }
    }
}

/// Leaves a publication at every poll; it comes out once all the same.
async fn publications(scene: &Scene, of_a_file: bool) {
    let tiktok = scene.connect("tiktok").await;
    let acting = scene.w.bailee.acting(&scene.ada, &PUBLISH);
    let out = || {
        let posts = scene.w.site("tiktok").posts();
        posts.iter().filter(|post| post.status == PostStatus::PublishComplete).count()
    };
    let keys = Cell::new(0);
    let publish = async |key: &IdempotencyKey| {
        if of_a_file {
            let video = PublishVideo::from_file(1000, "video/mp4").privacy(PrivacyLevel::SelfOnly);
            let media = Arc::new(BytesMedia::new(vec![7; 1000]));
            return acting.publish_media(&tiktok, key, video, media).await;
        }
        let video = PublishVideo::from_url("https://media.example/video.mp4")
            .title("A caption")
            .privacy(PrivacyLevel::SelfOnly);
        acting.publish(&tiktok, key, video).await
    };
    let gone = leave_at_every_poll(
        "publish",
        &scene.tasks,
        async || {
            keys.set(keys.get() + 1);
            (IdempotencyKey::new(format!("post-{}", keys.get())).unwrap(), out())
        },
        async |(key, _)| publish(key).await,
        async |(key, before), published, what| {
            let found = acting.publication(&tiktok, &key).await;
            if let Some(published) = published {
                published.unwrap();
                found.as_ref().unwrap();
            }
            if let Err(error) = &found {
                assert_eq!(error.kind(), ErrorKind::NotFound, "{what}");
            }
            publish(&key).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
            scene.pass(3, 60).await;
            let end = acting.publication(&tiktok, &key).await.unwrap();
            assert_eq!(end.state, PublicationState::Published, "{what}");
            assert_eq!(out() - before, 1, "{what}");
        },
    )
    .await;
    assert!(gone >= 4);
    scene.end("publish").await;
}

#[tokio::test]
async fn a_publication_whose_caller_leaves_comes_out_once() {
    for scene in scenes(unforgiving).await {
        publications(&scene, false).await;
    }
}

#[tokio::test]
async fn an_upload_whose_caller_leaves_goes_on_with_the_next_and_comes_out_once() {
    for scene in scenes(unforgiving).await {
        publications(&scene, true).await;
    }
}

#[tokio::test]
async fn a_reader_who_leaves_changes_nothing() {
    for scene in scenes(unforgiving).await {
        let notes = scene.connect("notes").await;
        scene.w.settle().await;
        let connections = scene.w.bailee.connections();
        let before = scene.w.audit("acme").await.len();
        let until = scene.w.clock.now().plus(hours(1));
        let acting = scene.w.bailee.acting(&scene.ada, &NOTES);
        let key = IdempotencyKey::new("post-1").unwrap();
        let gone = leave_at_every_poll(
            "reading",
            &scene.tasks,
            async || (),
            async |()| {
                connections.status(&scene.ada, &notes).await.unwrap();
                assert_eq!(connections.of_visitor(&scene.ada).await.unwrap().len(), 1);
                let history = connections.history(&scene.ada, Timestamp::from_seconds(0), until);
                assert!(!history.await.unwrap().is_empty());
                let none = acting.publication(&notes, &key).await.unwrap_err();
                assert_eq!(none.kind(), ErrorKind::NotFound);
            },
            async |(), _, what| {
                assert_eq!(scene.w.audit("acme").await.len(), before, "{what}");
                scene.nothing_is_half(what).await;
            },
        )
        .await;
        assert!(gone >= 2);
        scene.end("reading").await;
    }
}

/// A provider that brings people's requests.
fn with_requests() -> WorldBuilder {
    let declared =
        Declared::of(Instagram::new().spec()).operation(Operation::facts(&PublishingLimit));
    World::builder(declared.declaration()).play(emulator::instagram::Instagram::new())
}

/// Connects one more account there, so that no request is about an earlier one.
async fn connect_another(scene: &Scene, accounts: &Cell<u32>) -> (ConnectionRef, String) {
    accounts.set(accounts.get() + 1);
    let account = format!("ada-{}", accounts.get());
    scene.w.site("instagram").add_account(Account::new(&account));
    let (options, allow) = (BeginOptions::default(), Decision::Allow);
    let purposes = [PURPOSE];
    let connected =
        scene.w.connect_as(&scene.ada, "instagram", &purposes, options, allow, &account);
    let connected = connected.await.unwrap().unwrap();
    scene.pass(1, 60).await;
    (connected.connection, account)
}

/// Somebody asks the provider to have their data deleted.
fn deletion(w: &World, account: &str) -> Announcement {
    let mount = Mount::new("https://app.example.test/connect").unwrap();
    let registration = RegistrationId::from_static("instagram");
    let address = mount.signal_address(&registration, Some("data-deletion"));
    let site = w.site("instagram");
    site.announce("data_deletion", account, "fake-client-1", &address).unwrap()
}

/// The code that the provider gives to whoever asked it for a deletion.
fn code(answer: &bailee::Answer) -> String {
    let body: serde_json::Value = serde_json::from_str(answer.body()).unwrap();
    body["confirmation_code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_signal_whose_handler_leaves_is_taken_once_when_it_comes_again() {
    for scene in scenes(with_requests).await {
        let w = &scene.w;
        let connections = w.bailee.connections();
        let requests = w.bailee.requests(OPERATOR);
        let accounts = Cell::new(0);
        let gone = leave_at_every_poll(
            "take_signal",
            &scene.tasks,
            async || {
                let (connection, account) = connect_another(&scene, &accounts).await;
                (connection, deletion(w, &account))
            },
            async |(_, sent)| w.deliver(sent).await,
            async |(connection, sent), taken, what| {
                if let Some(taken) = taken {
                    assert!(!matches!(taken.outcome, SignalOutcome::Failed(_)), "{what}");
                    let page = connections.request_page(&code(&taken.answer)).await.unwrap();
                    assert_eq!(page.status(), 200, "{what}");
                } else {
                    // Nobody heard an answer, so the provider comes again.
                    let again = w.deliver(&sent).await;
                    assert_eq!(again.answer.status(), 200, "{what}");
                }
                scene.pass(2, 60).await;
                let all = requests.of(&ACME).await.unwrap();
                let own = all.iter().filter(|one| one.connection == connection).count();
                assert_eq!(own, 1, "{what}");
                let left = connections.of_visitor(&scene.ada).await.unwrap();
                assert!(left.is_empty(), "{what}: {left:?}");
                scene.nothing_is_half(what).await;
            },
        )
        .await;
        assert!(gone >= 2);
    }
}

#[tokio::test]
async fn an_operator_who_leaves_while_they_close_a_request_closes_it_again() {
    for scene in scenes(with_requests).await {
        let w = &scene.w;
        let connections = w.bailee.connections();
        let requests = w.bailee.requests(OPERATOR);
        let accounts = Cell::new(0);
        let gone = leave_at_every_poll(
            "close",
            &scene.tasks,
            async || {
                let (connection, account) = connect_another(&scene, &accounts).await;
                let taken = w.deliver(&deletion(w, &account)).await;
                scene.pass(1, 60).await;
                let all = requests.of(&ACME).await.unwrap();
                let own = all.iter().find(|one| one.connection == connection).unwrap();
                assert_eq!(own.closed, None);
                (own.id, code(&taken.answer))
            },
            async |(id, code)| {
                requests.close(&ACME, *id, RequestOutcome::Done).await.unwrap();
                connections.request_page(code).await.unwrap()
            },
            async |(id, code), closed, what| {
                match requests.close(&ACME, id, RequestOutcome::Done).await {
                    Ok(()) => assert!(closed.is_none(), "{what}"),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Rejected, "{what}"),
                }
                let page = connections.request_page(&code).await.unwrap();
                if let Some(closed) = closed {
                    assert_eq!(closed.body(), page.body(), "{what}");
                }
                let all = requests.of(&ACME).await.unwrap();
                let own = all.iter().find(|one| one.id == id).unwrap();
                assert!(own.closed.is_some(), "{what}");
            },
        )
        .await;
        assert!(gone >= 2);
    }
}
