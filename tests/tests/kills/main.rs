//! Processes that are killed at each step, with SIGKILL, on a file of SQLite: whatever was
//! acknowledged is there, nothing is half, nothing happens twice.
//!
//! The test runs itself as the victim. The emulated providers and the survivor live in the parent;
//! the victim reaches them over TLS and shares the file. It says each step before it takes it, and
//! at the chosen one it stands still until the kill comes: before the step, in the middle of it, or
//! after it took effect and before the victim could act on that.
//!
//! `BAILEE_KILLS` says how many kills there are; the steps are taken in turn.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod parent;
mod scene;
mod steps;
mod victim;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use bailee::{
    Bailee, BytesMedia, ConnectionRef, HostId, IdempotencyKey, Result, SqliteStore, TenantId,
    Visitor,
    core::{Clock, ManualClock},
    providers::tiktok::{PrivacyLevel, PublishVideo},
    store::Store,
};
use bailee_tests::{NOTES_SPEC, PUBLISH};
use serde::{Deserialize, Serialize};

use self::{
    parent::parent,
    scene::Scene,
    steps::{Steps, say},
    victim::victim,
};

/// What a victim is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Orders {
    scenario: Scenario,
    /// The step at which it stands still, and how; none lets it live.
    end: Option<(u32, Moment)>,
    address: std::net::SocketAddr,
    root: String,
    file: PathBuf,
    /// The time, in microseconds.
    now: i64,
    connection: Option<String>,
    /// The registration, query and cookie of a callback.
    callback: Option<(String, String, String)>,
}

/// What a victim is doing when it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Scenario {
    Connect,
    Reconnect,
    RenewStrict,
    RenewRecoverable,
    RenewByWorker,
    PublishUrl,
    PublishFile,
    Disconnect,
    DisconnectExpired,
    DisconnectByWorker,
}

/// Where in a step it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Moment {
    Before,
    During,
    After,
}

impl Scenario {
    const ALL: [Self; 10] = [
        Self::Connect,
        Self::Reconnect,
        Self::RenewStrict,
        Self::RenewRecoverable,
        Self::RenewByWorker,
        Self::PublishUrl,
        Self::PublishFile,
        Self::Disconnect,
        Self::DisconnectExpired,
        Self::DisconnectByWorker,
    ];

    fn provider(self) -> &'static str {
        match self {
            Self::RenewRecoverable | Self::DisconnectByWorker => "notes",
            _ => "tiktok",
        }
    }
}

/// Names the orders of a victim.
const ORDERS: &str = "BAILEE_VICTIM";
/// The name of the one test.
const TEST: &str = "a_process_killed_at_any_step_loses_nothing_and_leaves_nothing_half";
/// What each line of a victim begins with.
const MARK: &str = "bailee-victim ";

#[test]
fn a_process_killed_at_any_step_loses_nothing_and_leaves_nothing_half() {
    #[expect(clippy::disallowed_methods, reason = "the parent talks to its child this way")]
    if let Some(orders) = std::env::var_os(ORDERS) {
        let orders = std::fs::read(orders).unwrap();
        return victim(serde_json::from_slice(&orders).unwrap());
    }
    #[expect(clippy::disallowed_methods, reason = "a test may be told how long to run")]
    let kills = std::env::var("BAILEE_KILLS").ok().map_or(200, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(parent(kills));
}

/// How a victim came to its end.
#[derive(Debug)]
struct Trail {
    /// The names of its steps.
    steps: Vec<String>,
    /// Those that took effect.
    took: Vec<usize>,
    /// What was acknowledged to it.
    acks: Vec<String>,
    done: bool,
}

fn ada() -> Visitor {
    let tenant = TenantId::from_static("acme");
    Visitor::new(tenant, HostId::text("ada"), "session of ada")
}

fn key() -> IdempotencyKey {
    IdempotencyKey::new("post-1").unwrap()
}

const RECOVERABLE: &str = "class = \"until_replacement_used\"";

fn recoverable_spec() -> String {
    NOTES_SPEC.replace("class = \"strict\"", RECOVERABLE)
}

async fn open(file: &Path, clock: &ManualClock) -> Arc<dyn Store> {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    Arc::new(SqliteStore::builder(file).clock(clock).open().await.unwrap())
}

async fn publish(
    scenario: Scenario,
    bailee: &Bailee,
    connection: &ConnectionRef,
) -> Result<bailee::Publication> {
    let acting = bailee.acting(&ada(), &PUBLISH);
    if scenario == Scenario::PublishUrl {
        let video = PublishVideo::from_url("https://media.example/video.mp4")
            .title("A caption")
            .privacy(PrivacyLevel::SelfOnly);
        return acting.publish(connection, &key(), video).await;
    }
    // Two chunks, the smallest that TikTok takes.
    let bytes = vec![7; 10 * 1024 * 1024];
    let video = PublishVideo::from_file(bytes.len() as u64, "video/mp4")
        .chunk_size(5 * 1024 * 1024)
        .privacy(PrivacyLevel::SelfOnly);
    acting.publish_media(connection, &key(), video, Arc::new(BytesMedia::new(bytes))).await
}
