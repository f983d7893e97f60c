//! Tokens that come after their connection has gone, where a provider's addresses have variables:
//! whoever revokes them later has to know what stands in those addresses.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

use std::time::Duration;

use bailee::{Registration, core::Clock};
use bailee_testkit::{
    Declared, PURPOSE, World,
    conformance::Contender,
    emulator::{Decision, Endpoint, Fault, Gate},
};

/// Connects, ends the connection while a renewal is under way and the provider refuses to revoke,
/// and sees that in the end no token lives on.
pub(crate) async fn late(
    contender: &dyn Contender,
    register: impl Fn(Registration) -> Registration + Send + Sync + 'static,
) {
    let provider = contender.provider();
    let id = provider.spec().id.as_str().to_owned();
    let scopes: Vec<String> =
        contender.scopes().iter().map(|scope| scope.as_str().to_owned()).collect();
    let declared = Declared::of(provider.spec()).scopes(scopes).operation(&contender.operation());
    let w = World::builder(declared.declaration())
        .play_provider(contender.played(), provider, register)
        .build()
        .await
        .unwrap();
    let (site, ada) = (w.site(&id), w.visitor("ada"));
    let connection = w
        .connect_as(&ada, &id, &[PURPOSE], contender.options(), Decision::Allow, "ada")
        .await
        .unwrap()
        .unwrap()
        .connection;

    // The first use plans a renewal before the end. Until that end the disconnect has a token to
    // revoke with, and asks for no other.
    contender.probe(&w.bailee.acting(&ada, &PURPOSE), &connection).await.unwrap();
    let end = site.live_tokens().iter().filter_map(|token| token.expires_at).min().unwrap();
    w.advance(Duration::from_secs((end - w.clock.now().as_seconds()) as u64 - 60));
    let gate = Gate::new();
    site.fault(Endpoint::Refresh, Fault::Held(gate.clone()));
    let bailee = w.bailee.clone();
    let working = tokio::spawn(async move { bailee.worker().settle().await });
    gate.until_arrived(1).await;
    site.fault(Endpoint::Revoke, Fault::Status(503).times(3));
    assert!(!w.bailee.connections().disconnect(&ada, &connection).await.unwrap().confirmed);
    gate.open();
    working.await.unwrap().unwrap();
    assert!(!site.live_tokens().is_empty(), "the provider was down");

    for _ in 0..5 {
        w.advance(Duration::from_secs(300));
        w.settle().await;
    }
    assert!(site.live_tokens().is_empty(), "{} live on", site.live_tokens().len());
}
