//! Processes that are killed at each step, with SIGKILL: whatever was acknowledged is there, nothing
//! is half, nothing happens twice. Renewals of every class have kills of their own
//! ([`renewals`]); everything else is done on a file of SQLite.
//!
//! The test runs itself as the victim. The emulated providers and the survivor live in the parent;
//! the victim reaches them over TLS and shares the file. It says each step before it takes it, and
//! at the chosen one it stands still until the kill comes: before the step, in the middle of it, or
//! after it took effect and before the victim could act on that.
//!
//! `BAILEE_KILLS` says how many kills of renewals there are; of the rest there is a tenth of that. The
//! steps are taken in turn.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod parent;
mod renewals;
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
    /// After it, while it goes on.
    Beyond,
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
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(parent(kills() / 10));
}

/// How many kills there are.
fn kills() -> usize {
    #[expect(clippy::disallowed_methods, reason = "a test may be told how long to run")]
    std::env::var("BAILEE_KILLS").ok().map_or(2000, |text| text.parse().unwrap())
}

/// How a victim came to its end.
#[derive(Debug, Default)]
struct Trail {
    /// The names of its steps.
    steps: Vec<String>,
    /// Those that took effect.
    took: Vec<usize>,
    /// What was acknowledged to it.
    acks: Vec<String>,
    done: bool,
}

/// How far a step came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    /// It took effect.
    Done,
    /// It was not taken.
    NotDone,
    /// It was begun, and nobody knows.
    Open,
}

impl Trail {
    /// Whether a victim speaks of its steps.
    fn hears(&mut self, said: &str) -> bool {
        match said.split_once(' ') {
            Some(("step", rest)) => {
                self.steps.push(rest.split_once(' ').unwrap().1.to_owned());
            }
            Some(("took", number)) => self.took.push(number.parse().unwrap()),
            _ => return false,
        }
        true
    }

    /// How far the first step of this name came that follows another one, in a victim that was to
    /// end so.
    fn came_after(&self, end: Option<(u32, Moment)>, earlier: &str, name: &str) -> Came {
        let from = self.steps.iter().position(|step| step.contains(earlier));
        let mut later = self.steps.iter().enumerate().skip(from.unwrap_or(self.steps.len()));
        let Some((place, _)) = later.find(|(_, step)| step.contains(name)) else {
            return Came::NotDone;
        };
        match end {
            Some((at, Moment::Before)) if at as usize == place => Came::NotDone,
            _ if self.took.contains(&place) => Came::Done,
            // The kill came in the middle of it, or while another task's step ended everything.
            _ => Came::Open,
        }
    }
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
