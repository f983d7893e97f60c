//! Many at once: real processes that want the same token in the same moment, a disconnect that
//! meets a renewal at every step.
//!
//! `BAILEE_ROUNDS` says how often the processes of each store meet and `BAILEE_CALLERS` how many
//! callers each of them has, `BAILEE_RACES` how often a disconnect and a renewal meet.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]
#![expect(clippy::print_stdout, reason = "how long callers waited is for whoever reads the run")]

mod child;
mod meeting;
mod parent;
mod races;
mod window;

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

/// How many processes there are.
const PROCESSES: usize = 8;
/// Names the file with the orders of a child.
const ORDERS: &str = "BAILEE_ONE_OF_MANY";
/// What each line of a child begins with.
const MARK: &str = "bailee-child ";

/// What a child is told before it starts. Everything later comes over its standard input.
#[derive(Debug, Serialize, Deserialize)]
struct Orders {
    address: SocketAddr,
    root: String,
    store: Place,
    /// The time, in microseconds.
    now: i64,
    connection: String,
    /// How many callers it has.
    callers: usize,
}

/// The one store of all processes.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Place {
    /// A file.
    Sqlite(PathBuf),
    /// How to reach a database.
    Postgres(String),
}

/// What came of one round in one process.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Round {
    /// How long each caller waited until its request left with a token, in microseconds.
    waits: Vec<u64>,
    /// The tokens that left with those requests.
    shown: BTreeSet<String>,
    /// How often a caller was told that the store is not there, and asked again.
    put_off: usize,
    /// What the others were told.
    errors: Vec<String>,
}

/// How often to do something.
fn times(variable: &str, default: usize) -> usize {
    #[expect(clippy::disallowed_methods, reason = "a test may be told how long to run")]
    let told = std::env::var(variable).ok();
    told.map_or(default, |text| text.parse().unwrap())
}
