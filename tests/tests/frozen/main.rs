//! What an operator stops stands in every process, and a process that is cut off from its store
//! stands too: real processes that call over and over in real time, over a database or a file that
//! they share.
//!
//! Only a database can be cut off; a file is on the machine of each process that has it.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod child;
mod crowd;
mod cut;
mod freezes;
mod link;

use std::path::PathBuf;

use bailee::{
    Freeze,
    core::{Clock, SystemClock},
};
use bailee_tests::Kin;
use serde::{Deserialize, Serialize};

/// Names the file with the orders of a child.
const ORDERS: &str = "BAILEE_ONE_OF_A_CROWD";
/// What each line of a child begins with.
const MARK: &str = "bailee-child ";
/// What is promised: how long a freeze may take to hold everywhere, and for how long a process
/// without its store may go on. In microseconds.
const SECOND: i64 = 1_000_000;

/// What a child is told before it starts.
#[derive(Debug, Serialize, Deserialize)]
struct Orders {
    kin: Kin,
    store: Place,
    /// Where each process has its journal: an answer that meets a cut is not lost.
    journals: PathBuf,
    uses: Vec<Use>,
}

/// The one store of all processes.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Place {
    /// A file.
    Sqlite(PathBuf),
    /// How to reach a database.
    Postgres(String),
}

/// A connection that somebody uses over and over.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Use {
    tenant: String,
    person: String,
    provider: String,
    connection: String,
}

/// What a child is told later, a line each.
#[derive(Debug, Serialize, Deserialize)]
enum Word {
    Freeze(Freeze),
    Report,
    Thaw(Freeze),
}

/// What it says, a line each.
#[derive(Debug, Serialize, Deserialize)]
enum Said {
    /// It is done since this time.
    Done(i64),
    /// It has begun.
    Here,
    /// What became of each use.
    Seen(Vec<Seen>),
}

/// What became of the calls of one use. Times are in microseconds, and those at which calls began.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Seen {
    /// The last call that came through.
    through: i64,
    /// The last call that was refused because an operator stopped it.
    frozen: i64,
    /// Calls that failed otherwise: when, the kind, and whether the advice is to wait.
    failed: Vec<(i64, String, bool)>,
}

/// The time, in microseconds.
fn now() -> i64 {
    SystemClock.now().as_micros()
}
