//! Callers of the HTTP client that go away: nothing of their exchange is met by the next.

use bailee::http::{Hosts, HttpSend, Request, Reqwest, Tls};
use bailee_tests::{
    Leaves,
    drill::{ISSUER, Tasks},
    leave_at_every_poll, polled, world,
};
use http::Method;

/// Two answers that nobody can take for each other.
const PATHS: [&str; 2] = ["/.well-known/openid-configuration", "/jwks"];

fn get(path: &str) -> Request {
    let url = format!("https://{ISSUER}{path}").parse().unwrap();
    Request::new(Method::GET, url, Hosts::new([ISSUER]).unwrap())
}

#[tokio::test]
async fn out_09_an_exchange_that_is_left_is_met_by_nobody() {
    let w = world().build().await.unwrap();
    let tls = Tls::roots(w.emulator.root_pem().as_bytes()).unwrap();
    let client = Reqwest::danger_fixed_address(tls, w.emulator.address()).unwrap();
    let mut whole = Vec::new();
    for path in PATHS {
        whole.push(client.send(get(path)).await.unwrap().body.to_vec());
    }
    assert_ne!(whole[0], whole[1]);
    let right = async |what: &str| {
        for (path, whole) in PATHS.iter().zip(&whole) {
            let answer = client.send(get(path)).await.unwrap();
            assert!(answer.body.as_slice() == whole, "{what}: {path}");
        }
    };
    let gone = leave_at_every_poll(
        "send",
        &Tasks::default(),
        async || (),
        async |()| client.send(get(PATHS[0])).await,
        async |(), sent, what| {
            if let Some(sent) = sent {
                assert!(sent.unwrap().body.to_vec() == whole[0], "{what}");
            }
            right(what).await;
        },
    )
    .await;
    assert!(gone >= 3);
    let gone = leave_at_every_poll(
        "open and collect",
        &Tasks::default(),
        async || (),
        async |()| client.open(get(PATHS[1])).await.unwrap().collect(100_000).await,
        async |(), _, what| right(what).await,
    )
    .await;
    assert!(gone >= 3);
    for polls in 0..6 {
        let mut opened = client.open(get(PATHS[1])).await.unwrap();
        let mut all = Vec::new();
        loop {
            let chunk = match polled(polls, Leaves::AtOnce, opened.body.chunk()).await {
                Some(chunk) => chunk,
                None => opened.body.chunk().await,
            };
            let Some(chunk) = chunk.unwrap() else { break };
            all.extend_from_slice(&chunk);
        }
        assert!(all == whole[1], "{polls} polls: no piece is lost");
    }
}
