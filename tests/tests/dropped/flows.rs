//! Visitors who go away while they connect, in a browser or at a terminal, and while they disconnect.

use std::cell::Cell;

use bailee::{ConnectionState, ErrorKind, Loopback};
use bailee_testkit::{Browser, emulator::Decision};
use bailee_tests::{
    NOTES, PUBLISH,
    drill::{call, hours},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use url::Url;

use super::scene::{on_a_server_too, on_each_store, unforgiving};

#[tokio::test]
async fn a_visitor_who_leaves_while_they_begin_begins_again() {
    on_each_store(unforgiving, async |scene| {
        let connections = scene.w.bailee.connections();
        scene
            .leave(
                "begin",
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
    })
    .await;
}

#[tokio::test]
async fn a_visitor_who_leaves_while_they_connect_has_a_whole_connection_or_none() {
    on_a_server_too(unforgiving, async |scene| {
        let connections = scene.w.bailee.connections();
        scene
            .leave(
                "complete",
                async || {
                    let begun = connections.begin(&scene.ada, "notes", &[NOTES]).await.unwrap();
                    let browser = Browser::new();
                    browser.take(begun.answer());
                    let back = scene.w.approve(&begun, Decision::Allow, "ada").await;
                    (browser, back)
                },
                async |(browser, back)| {
                    connections.complete(&scene.ada, browser.callback(back)).await
                },
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
    })
    .await;
}

#[tokio::test]
async fn dis_02_a_visitor_who_leaves_while_they_disconnect_is_connected_or_gone() {
    on_each_store(unforgiving, async |scene| {
        for provider in ["notes", "tiktok"] {
            let connections = scene.w.bailee.connections();
            scene
                .leave(
                    "disconnect",
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
                                call(&scene.w.bailee, &scene.ada, &connection, provider)
                                    .await
                                    .unwrap();
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
        }
    })
    .await;
}

/// A flow of a terminal whose person allowed everything, and their browser on the way back.
struct Terminal {
    wait: Cell<Option<Loopback>>,
    browser: JoinHandle<()>,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.browser.abort();
    }
}

#[tokio::test]
async fn flow_06_a_terminal_that_is_left_while_it_connects_has_a_whole_connection_or_none() {
    on_each_store(
        || unforgiving().with_desktop(),
        async |scene| {
            let connections = scene.w.bailee.connections();
            let begin = async || {
                connections.begin_loopback(&scene.ada, "tiktok-desktop", &[PUBLISH]).await.unwrap()
            };
            let whole_or_none = async |what: &str| {
                scene.pass(2, 310).await;
                scene.nothing_is_half(what).await;
                for one in connections.of_visitor(&scene.ada).await.unwrap() {
                    assert_eq!(one.state, ConnectionState::Active, "{what}");
                    call(&scene.w.bailee, &scene.ada, &one.connection, "tiktok").await.unwrap();
                }
                scene.end(what).await;
            };
            scene
                .leave(
                    "begin_loopback",
                    async || (),
                    async |()| begin().await,
                    async |(), _, what| {
                        drop(begin().await);
                        whole_or_none(what).await;
                    },
                )
                .await;
            scene
                .leave(
                    "finish",
                    async || {
                        let begun = begin().await;
                        let back =
                            scene.w.emulator.consent(begun.url(), Decision::Allow, "ada").await;
                        let browser = tokio::spawn(come_back(Url::parse(&back.unwrap()).unwrap()));
                        Terminal { wait: Cell::new(Some(begun)), browser }
                    },
                    async |terminal| terminal.wait.take().unwrap().finish().await,
                    async |terminal, finished, what| {
                        drop(terminal);
                        if let Some(finished) = finished {
                            let connection = finished.unwrap().connection;
                            let found = connections.status(&scene.ada, &connection).await.unwrap();
                            assert_eq!(found.state, ConnectionState::Active, "{what}");
                        }
                        whole_or_none(what).await;
                    },
                )
                .await;
        },
    )
    .await;
}

/// Does what a browser does at the address of a listener, which may be gone.
async fn come_back(address: Url) {
    let port = address.port().unwrap();
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let target = format!("{}?{}", address.path(), address.query().unwrap());
    let request = format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    if stream.write_all(request.as_bytes()).await.is_ok() {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
}
