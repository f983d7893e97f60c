//! Callers that go away at every poll while they enter a key, agree to one or take that back.

use bailee_tests::{drill::Tasks, leave_at_every_poll};

use super::*;

/// The same as [`world`], with tasks that can be waited for.
async fn scene() -> (World, Arc<Watched>, Tasks) {
    let keys = Keys::default();
    keys.make(FIRST, "fake-org-1");
    keys.make(SECOND, "fake-org-1");
    let tasks = Tasks::default();
    let runtime = tasks.clone();
    let builder = world_of(&keys, SPEC).change(move |builder| builder.runtime(runtime.clone()));
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let store: Arc<dyn Store> = Arc::new(Yielding::new(Arc::new(MemoryStore::new(clock))));
    let (w, watched) = watched_over(builder, store).await;
    (w, watched, tasks)
}

#[tokio::test]
async fn a_person_who_leaves_while_they_enter_a_key_has_a_whole_connection_or_none() {
    let (w, watched, tasks) = scene().await;
    let ada = w.visitor("ada");
    let connections = w.bailee.connections();
    let whole: BTreeSet<_> = ["connection", "consent", "credential", "reservation", "route"].into();
    let gone = leave_at_every_poll(
        "enter",
        &tasks,
        async || (),
        async |()| {
            let told = connections.explain(&ada, "keys", &[CAPTIONS]).await?;
            let options = EnterOptions::shown(told.hash());
            connections.enter(&ada, "keys", &[CAPTIONS], key(FIRST), options).await
        },
        async |(), entered, what| {
            let all = connections.of_visitor(&ada).await.unwrap();
            if let Some(entered) = entered {
                assert_eq!(all[0].connection, entered.unwrap().connection, "{what}");
            }
            for one in &all {
                assert!(kinds(&watched).await.is_superset(&whole), "{what}");
                caption(&w, &ada, &one.connection).await.unwrap();
            }
            if all.is_empty() {
                let left = kinds(&watched).await;
                assert!(!left.contains("credential") && !left.contains("reservation"), "{what}");
            }
            // Once more, as somebody does who saw no answer.
            let again = enter(&w, &ada, FIRST).await;
            caption(&w, &ada, &again).await.unwrap();
            assert_eq!(connections.of_visitor(&ada).await.unwrap().len(), 1, "{what}");
            connections.disconnect(&ada, &again).await.unwrap();
            let left = kinds(&watched).await;
            assert!(left.iter().all(|kind| *kind == "consent"), "{what}: {left:?}");
        },
    )
    .await;
    assert!(gone >= 4);
    assert_no_key(&w, &watched).await;
}

#[tokio::test]
async fn a_person_who_leaves_while_they_agree_or_take_it_back_did_so_or_did_not() {
    let (w, _, tasks) = scene().await;
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let entered = enter_with(&w, &ada, FIRST, |options| options.for_tenant = true).await;
    let connection = entered.unwrap().connection;
    let connections = w.bailee.connections();
    let gone = leave_at_every_poll(
        "agree",
        &tasks,
        async || (),
        async |()| {
            let told = connections.explain_use(&grace, &connection, &[CAPTIONS]).await?;
            connections.agree(&grace, &connection, &[CAPTIONS], told.hash()).await
        },
        async |(), agreed, what| {
            let used = caption(&w, &grace, &connection).await;
            if let Some(agreed) = agreed {
                agreed.unwrap();
                assert!(used.is_ok(), "{what}");
            }
            if let Err(error) = used {
                assert_eq!(error.kind(), ErrorKind::ConsentMissing, "{what}");
            }
            agree(&w, &grace, &connection).await;
            caption(&w, &grace, &connection).await.unwrap();
            connections.withdraw_use(&grace, &KEYS, &[CAPTIONS]).await.unwrap();
        },
    )
    .await;
    assert!(gone >= 4);
    let gone = leave_at_every_poll(
        "withdraw_use",
        &tasks,
        async || agree(&w, &grace, &connection).await,
        async |()| connections.withdraw_use(&grace, &KEYS, &[CAPTIONS]).await,
        async |(), withdrawn, what| {
            let used = caption(&w, &grace, &connection).await;
            if let Some(withdrawn) = withdrawn {
                withdrawn.unwrap();
                assert!(used.is_err(), "{what}");
            }
            connections.withdraw_use(&grace, &KEYS, &[CAPTIONS]).await.unwrap();
            let refused = caption(&w, &grace, &connection).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConsentMissing, "{what}");
            // Nobody else's word went with it.
            caption(&w, &ada, &connection).await.unwrap();
        },
    )
    .await;
    assert!(gone >= 4);
    w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test]
async fn an_operator_who_leaves_an_entry_or_its_end_has_a_whole_connection_or_none() {
    let (w, watched, tasks) = scene().await;
    let operator = w.bailee.instance_connections(OPERATOR);
    let enter = async || {
        let told = operator.explain("keys", &[CAPTIONS]).await?;
        let options = EnterOptions::shown(told.hash());
        operator.enter("keys", &[CAPTIONS], key(FIRST), options).await
    };
    let end = async |connection: &ConnectionRef| operator.disconnect(connection).await;
    let gone = leave_at_every_poll(
        "enter",
        &tasks,
        async || (),
        async |()| {
            let entered = enter().await?;
            assert_eq!(operator.all().await?.len(), 1);
            operator.check(&entered.connection).await
        },
        async |(), checked, what| {
            let all = operator.all().await.unwrap();
            if let Some(checked) = checked {
                assert_eq!(checked.unwrap(), ConnectionState::Active, "{what}");
                assert_eq!(all.len(), 1, "{what}");
            }
            for one in &all {
                let state = operator.check(&one.connection).await.unwrap();
                assert_eq!(state, ConnectionState::Active, "{what}");
            }
            // Once more, as somebody does who saw no answer.
            let again = enter().await.unwrap().connection;
            assert_eq!(operator.all().await.unwrap().len(), 1, "{what}");
            end(&again).await.unwrap();
        },
    )
    .await;
    assert!(gone >= 4);
    let gone = leave_at_every_poll(
        "disconnect",
        &tasks,
        async || enter().await.unwrap().connection,
        async |connection| end(connection).await,
        async |connection, ended, what| {
            w.advance(Duration::from_secs(60));
            w.settle().await;
            w.settle().await;
            let left = operator.all().await.unwrap();
            if let Some(ended) = ended {
                ended.unwrap();
                assert!(left.is_empty(), "{what}");
            }
            if !left.is_empty() {
                let state = operator.check(&connection).await.unwrap();
                assert_eq!(state, ConnectionState::Active, "{what}");
                end(&connection).await.unwrap();
            }
            let kept = kinds(&watched).await;
            assert!(
                !kept.contains("credential") && !kept.contains("connection"),
                "{what}: {kept:?}"
            );
        },
    )
    .await;
    assert!(gone >= 4);
    assert_no_key(&w, &watched).await;
}
