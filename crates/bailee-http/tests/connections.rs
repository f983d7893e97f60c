//! Which requests share a connection, and what happens to one that was closed while it lay idle.

use bailee_http::{
    HttpSend, Reqwest, Tls,
    conformance::{Identity, Reply, Server, answer, get, post},
};

fn client(server: &Server) -> Reqwest {
    let tls = Tls::roots(server.root()).expect("the server's root is good");
    Reqwest::danger_fixed_address(tls, server.address()).expect("the server's address is good")
}

#[tokio::test]
async fn requests_that_may_not_be_repeated_get_connections_of_their_own() {
    let replies = std::iter::repeat_with(|| Reply::Answer(answer(200, &[], ""))).take(4);
    let server = Server::start(Identity::Good, replies).await;
    let client = client(&server);
    client.send(get("/")).await.unwrap();
    for _ in 0..3 {
        client.send(post("/", b"secret")).await.unwrap();
    }
    assert_eq!(server.seen().connections, 4);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_replaced_without_the_caller_noticing() {
    for _ in 0..20 {
        let replies =
            [Reply::AnswerAndClose, Reply::Answer].map(|reply| reply(answer(200, &[], "")));
        let server = Server::start(Identity::Good, replies).await;
        let client = client(&server);
        client.send(get("/first")).await.unwrap();
        server.wait_for(|seen| seen.ended == 1).await;
        client.send(get("/second")).await.unwrap();
        let seen = server.seen();
        assert_eq!((seen.connections, seen.requests.len()), (2, 2));
    }
}
