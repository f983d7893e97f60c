//! Callers that go away at every poll of a client library's request, of a page, of a piece.

use std::{sync::Arc, time::Duration};

use bailee::store::MemoryStore;
use bailee_testkit::Storage;
use bailee_tests::{Leaves, Yielding, drill::Tasks, leave_at_every_poll, polled};

use super::{
    downloads::{bytes, export},
    pages::{BY_CURSOR, texts},
    *,
};

/// A scene on a store whose answers are waited for, and its tasks.
async fn scene() -> (Scene, Tasks) {
    let tasks = Tasks::default();
    let runtime = tasks.clone();
    let scene = Scene::of(|builder| {
        let memory = MemoryStore::new(Arc::new(builder.clock().clone()));
        let builder = builder.storage(Storage::Given(Arc::new(Yielding::new(Arc::new(memory)))));
        builder.change(move |builder| builder.runtime(runtime.clone()))
    });
    (scene.await, tasks)
}

fn post(text: &str) -> http::Request<bytes::Bytes> {
    http::Request::post("/api/notes")
        .header("content-type", "application/json")
        .body(format!("{{\"text\":\"{text}\"}}").into())
        .unwrap()
}

#[tokio::test]
async fn a_client_library_that_leaves_its_request_leaves_an_effect_whose_end_is_written_down() {
    let (scene, tasks) = scene().await;
    let service = scene.acting().service(&scene.connection);
    let gone = leave_at_every_poll(
        "send",
        &tasks,
        async || scene.calls(),
        async |_| service.send(post("one")).await,
        async |calls, sent, what| {
            if let Some(sent) = sent {
                assert_eq!(sent.unwrap().status(), 201, "{what}");
            }
            assert!(scene.calls() - calls <= 1, "{what}: it is never sent again");
            assert_eq!(service.send(post("another")).await.unwrap().status(), 201, "{what}");
            // Whose end nobody saw is unknown, and says so.
            scene.w.advance(Duration::from_secs(900));
            scene.w.settle().await;
            let intended = scene.entries("call.effect_intended").await.len();
            assert_eq!(scene.entries("call.effect_done").await.len(), intended, "{what}");
        },
    )
    .await;
    assert!(gone >= 4);
    scene.w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test]
async fn no_page_is_lost_or_asked_for_twice_however_often_its_reader_leaves() {
    let (scene, _) = scene().await;
    let service = scene.acting().service(&scene.connection);
    for n in 0..5 {
        service.send(post(&format!("note {n}"))).await.unwrap();
    }
    let mut whole = 0;
    for polls in 0..24 {
        for leaves in [Leaves::AtOnce, Leaves::WhenWoken] {
            // Each page passes the gate anew.
            scene.w.advance(Duration::from_secs(2));
            let calls = scene.calls();
            let mut pages = scene.acting().pages(&scene.connection, BY_CURSOR);
            let mut all = Vec::new();
            loop {
                let tried = polled(polls, leaves, pages.next_page()).await;
                whole += usize::from(tried.is_some());
                let page = match tried {
                    Some(page) => page.unwrap(),
                    None => pages.next_page().await.unwrap(),
                };
                let Some(page) = page else { break };
                all.extend(page);
            }
            assert_eq!(all, texts(5), "{polls} polls, {leaves:?}");
            assert_eq!(scene.calls() - calls, 3, "{polls} polls, {leaves:?}");
        }
    }
    assert!(whole > 0);
}

#[tokio::test]
async fn no_piece_of_a_file_is_lost_however_often_its_reader_leaves() {
    const SIZE: u64 = 300_000;
    let (scene, _) = scene().await;
    let mut whole = 0;
    for polls in 0..12 {
        for leaves in [Leaves::AtOnce, Leaves::WhenWoken] {
            let mut file = scene.acting().download(&scene.connection, &export(SIZE)).await.unwrap();
            let mut all = Vec::new();
            loop {
                // The pass is too old for the next piece.
                scene.w.advance(Duration::from_secs(1));
                let tried = polled(polls, leaves, file.chunk()).await;
                whole += usize::from(tried.is_some());
                let piece = match tried {
                    Some(piece) => piece.unwrap(),
                    None => file.chunk().await.unwrap(),
                };
                let Some(piece) = piece else { break };
                all.extend_from_slice(&piece);
            }
            assert!(all == bytes(0..SIZE), "{polls} polls, {leaves:?}");
        }
    }
    assert!(whole > 0);
}

#[tokio::test]
async fn a_download_that_is_left_before_its_body_is_counted_and_harms_no_other() {
    const SIZE: u64 = 3000;
    let (scene, tasks) = scene().await;
    let download = async || scene.acting().download(&scene.connection, &export(SIZE)).await;
    let gone = leave_at_every_poll(
        "download",
        &tasks,
        async || (),
        async |()| download().await,
        async |(), opened, what| {
            if let Some(opened) = opened {
                assert_eq!(opened.unwrap().size(), Some(SIZE), "{what}");
            }
            let (mut file, mut all) = (download().await.unwrap(), Vec::new());
            while let Some(piece) = file.chunk().await.unwrap() {
                all.extend_from_slice(&piece);
            }
            assert!(all == bytes(0..SIZE), "{what}");
            assert!(scene.disclosed().await >= scene.calls(), "{what}: each is on record");
        },
    )
    .await;
    assert!(gone >= 4);
}
