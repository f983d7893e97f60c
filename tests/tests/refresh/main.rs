//! Renewal: one at a time, in a task that outlives its callers, committed under its fence, and
//! with an answer to everything that a provider, a store or a clock can do in between.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod brake;
mod candidate;
mod classes;
mod clocks;
mod drained;
mod errors;
mod journal;
mod lifetimes;
mod lost;
mod overtaken;
mod rejected;
mod together;
mod tokens;

use std::time::Duration;

use bailee::{Bailee, ConnectionRef, Visitor};
use bailee_testkit::{
    World, WorldBuilder,
    emulator::{Endpoint, Fault, Gate, RefreshStyle},
};
use bailee_tests::{
    NOTES, PUBLISH,
    drill::{ISSUER, call, hours, notes_world},
};
use tokio::task::JoinHandle;

const STRICT_CLASS: &str = "class = \"strict\"";
const STRICT: RefreshStyle = RefreshStyle::Strict { kills_family: true };
const LENIENT: RefreshStyle = RefreshStyle::Strict { kills_family: false };
const GRACE: &str = "class = \"grace\"\nwindow_seconds = 600";
const GRACE_STYLE: RefreshStyle = RefreshStyle::Grace(Duration::from_secs(600));

/// A world whose provider of notes is as strict as most.
fn strict() -> WorldBuilder {
    notes_world(STRICT_CLASS, STRICT)
}

/// A world in which Ada has connected her notes.
async fn at_notes(builder: WorldBuilder) -> (World, Visitor, ConnectionRef) {
    let w = builder.build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    (w, ada, notes)
}

/// The same, and her access token has run out.
async fn due(builder: WorldBuilder) -> (World, Visitor, ConnectionRef) {
    let (w, ada, notes) = at_notes(builder).await;
    w.advance(hours(2));
    (w, ada, notes)
}

/// A world in which Ada has connected TikTok.
async fn at_tiktok(builder: WorldBuilder) -> (World, Visitor, ConnectionRef) {
    let w = builder.build().await.unwrap();
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    (w, ada, tiktok)
}

/// A call of Ada's, in a task of its own.
fn spawn_call(
    bailee: &Bailee,
    ada: &Visitor,
    notes: &ConnectionRef,
) -> JoinHandle<bailee::Result<()>> {
    let (bailee, ada, notes) = (bailee.clone(), ada.clone(), notes.clone());
    tokio::spawn(async move { call(&bailee, &ada, &notes, "notes").await })
}

/// A call whose renewal is at the provider until the gate opens.
async fn held(
    w: &World,
    bailee: &Bailee,
    notes: &ConnectionRef,
) -> (Gate, JoinHandle<bailee::Result<()>>) {
    let gate = Gate::new();
    w.site(ISSUER).fault(Endpoint::Refresh, Fault::Held(gate.clone()));
    let waiting = spawn_call(bailee, &w.visitor("ada"), notes);
    gate.until_arrived(1).await;
    (gate, waiting)
}
