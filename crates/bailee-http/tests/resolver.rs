//! The client and the answers of a resolver.

use std::{net::IpAddr, time::Duration};

use async_trait::async_trait;
use bailee_http::{
    Category, CheckedHost, HostRefusal, HttpSend, Lookup, LookupFailed, Reqwest, Sent, Tls,
    conformance::{get, post},
};

#[derive(Debug)]
enum Stub {
    Answer(Vec<IpAddr>),
    Failure,
    Silence,
}

#[async_trait]
impl Lookup for Stub {
    async fn lookup(&self, _: &CheckedHost) -> Result<Vec<IpAddr>, LookupFailed> {
        match self {
            Self::Answer(addresses) => Ok(addresses.clone()),
            Self::Failure => Err(LookupFailed),
            Self::Silence => std::future::pending().await,
        }
    }
}

fn client(stub: Stub) -> Reqwest {
    Reqwest::with_lookup(Tls::mozilla_roots(), stub).expect("a client")
}

#[tokio::test]
async fn out_06_names_that_resolve_to_private_addresses_are_not_connected_to() {
    for addresses in [
        ["127.0.0.1"].as_slice(),
        &["169.254.169.254"],
        &["192.168.1.1", "1.1.1.1"],
        &["1.1.1.1", "::1"],
        &["::ffff:127.0.0.1"],
    ] {
        let stub = Stub::Answer(addresses.iter().map(|ip| ip.parse().unwrap()).collect());
        let error = client(stub).send(post("/", b"secret")).await.unwrap_err();
        // A connection that was tried would be `Connect`, `Tls` or an answer.
        assert_eq!(error.category(), Category::Refused(HostRefusal::NotRoutable), "{addresses:?}");
        assert_eq!(error.sent(), Sent::No);
        assert_eq!(error.host().unwrap().as_str(), "api.provider.example");
    }
}

#[tokio::test]
async fn names_without_addresses_are_certainly_unsent() {
    for stub in [Stub::Failure, Stub::Answer(Vec::new())] {
        let error = client(stub).send(get("/")).await.unwrap_err();
        assert_eq!((error.category(), error.sent()), (Category::Resolve, Sent::No));
    }
}

#[tokio::test]
async fn the_deadline_holds_for_a_resolver_that_never_answers() {
    let request = get("/").with_deadline(Duration::from_millis(100));
    let error = client(Stub::Silence).send(request).await.unwrap_err();
    assert_eq!(error.category(), Category::Timeout);
}
