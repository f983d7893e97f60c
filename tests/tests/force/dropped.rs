//! Operators who go away at every poll: what they began is done whole or not at all.

use bailee_tests::{Yielding, drill::Tasks, leave_at_every_poll};

use super::*;

async fn scene() -> (World, Tasks) {
    let tasks = Tasks::default();
    let runtime = tasks.clone();
    let builder = builder().change(move |builder| builder.runtime(runtime.clone()));
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let store = Storage::Given(Arc::new(Yielding::new(Arc::new(MemoryStore::new(clock)))));
    (builder.storage(store).build().await.unwrap(), tasks)
}

#[tokio::test]
async fn an_operator_who_leaves_while_they_activate_or_retire_did_so_or_did_not() {
    let (w, tasks) = scene().await;
    let newer = w.another_process(next()).await.unwrap();
    let (old, new) = (declaration().version(), next().version());
    let back = async || {
        let live = desk(&w.bailee).status().await.unwrap().live;
        if live[0] != old {
            activate(&w.bailee).await.unwrap();
        }
        desk(&w.bailee).retire(new).await.unwrap();
    };
    let gone = leave_at_every_poll(
        "activate",
        &tasks,
        back,
        async |()| activate(&newer).await,
        async |(), outcome, what| {
            let status = desk(&newer).status().await.unwrap();
            if let Some(outcome) = outcome {
                outcome.unwrap();
                assert_eq!(status.live, [new, old], "{what}");
            }
            let whole = status.live == [new, old];
            assert!(whole || status.live == [old], "{what}: {:?}", status.live);
            let asked = status.asked.iter().any(|asked| asked.purpose == NOTES);
            assert!(asked || !whole, "{what}");
            activate(&newer).await.unwrap();
        },
    )
    .await;
    assert!(gone >= 4);
    let gone = leave_at_every_poll(
        "retire",
        &tasks,
        async || {
            back().await;
            activate(&newer).await.unwrap();
        },
        async |()| desk(&newer).retire(old).await,
        async |(), outcome, what| {
            let live = desk(&newer).status().await.unwrap().live;
            if let Some(outcome) = outcome {
                outcome.unwrap();
                assert_eq!(live, [new], "{what}");
            }
            desk(&newer).retire(old).await.unwrap();
            assert_eq!(desk(&newer).status().await.unwrap().live, [new], "{what}");
        },
    )
    .await;
    assert!(gone >= 3);
    w.assert_clean_audit(&["~"]).await;
}

#[tokio::test]
async fn an_operator_who_leaves_while_they_write_an_overlay_or_look_did_so_or_did_not() {
    let (w, tasks) = scene().await;
    let desk = desk(&w.bailee);
    let (one, two) =
        ("[forbid]\npurposes = [\"abuse\"]\n", "[forbid]\ncategories = [\"content\"]\n");
    let gone = leave_at_every_poll(
        "set_overlay",
        &tasks,
        async || desk.set_overlay(&ACME, one).await.unwrap(),
        async |()| desk.set_overlay(&ACME, two).await,
        async |(), outcome, what| {
            let text = desk.overlay(&ACME).await.unwrap().unwrap();
            assert!(text == one || text == two, "{what}");
            if let Some(outcome) = outcome {
                outcome.unwrap();
                assert_eq!(text, two, "{what}");
            }
        },
    )
    .await;
    assert!(gone >= 3);
    let gone = leave_at_every_poll(
        "remove_overlay",
        &tasks,
        async || desk.set_overlay(&ACME, one).await.unwrap(),
        async |()| desk.remove_overlay(&ACME).await,
        async |(), outcome, what| {
            let text = desk.overlay(&ACME).await.unwrap();
            if let Some(outcome) = outcome {
                outcome.unwrap();
                assert_eq!(text, None, "{what}");
            }
        },
    )
    .await;
    assert!(gone >= 3);
    let before = w.audited("~").await.len();
    let looks = leave_at_every_poll(
        "status, diff and overlay",
        &tasks,
        async || (),
        async |()| {
            desk.status().await?;
            desk.overlay(&ACME).await?;
            desk.simulate(std::slice::from_ref(&ACME)).await?;
            desk.diff().await
        },
        async |(), outcome, what| {
            if let Some(outcome) = outcome {
                assert!(outcome.unwrap().is_empty(), "{what}");
            }
            assert_eq!(w.audited("~").await.len(), before, "{what}: whoever looks writes nothing");
        },
    )
    .await;
    assert!(looks >= 1);
}
