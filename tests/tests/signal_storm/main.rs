//! A storm of what providers tell, taken by a process that is killed at random points with SIGKILL,
//! on a file of SQLite: what was answered with 2xx is applied, once, whoever dies; what is forged,
//! repeated, late or about others changes nothing.
//!
//! The test runs itself as the victim. The emulated providers live in the parent; the victim takes
//! the deliveries that come to its standard input, answers them on its standard output, and acts on
//! them with a worker over the file that both share. It says what the store is about to do, and the
//! parent kills it after a number of lines that is drawn. What was not answered comes again, as
//! providers do it. The parent keeps a small model beside it, and after each round everything that
//! can be seen has to be as the model says.
//!
//! `BAILEE_SIGNALS` says how many deliveries there are, `BAILEE_SIGNAL_KILLS` how many kills,
//! `BAILEE_SIGNAL_SEED` which course it takes.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod cast;
mod ends;
mod life;
mod model;
mod parent;
mod round;
mod sums;
mod victim;

use std::{net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

use self::{parent::parent, victim::victim};

/// What a victim is told before it lives.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Orders {
    address: SocketAddr,
    root: String,
    file: PathBuf,
    /// The time, in microseconds.
    now: i64,
}

/// What a victim is told while it lives, a line each.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Order {
    /// A delivery has come.
    Take { n: usize, sent: Sent },
    /// It is later by so many seconds; do what is due.
    Later { seconds: u64 },
}

/// A request of a provider, as it lies on the wire.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Sent {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// Names the orders of a victim.
const ORDERS: &str = "BAILEE_STORM_VICTIM";
/// The name of the one test.
const TEST: &str = "what_was_taken_is_applied_once_and_nothing_else_whenever_the_process_dies";
/// What each line of a victim begins with.
const MARK: &str = "bailee-storm ";

#[test]
fn what_was_taken_is_applied_once_and_nothing_else_whenever_the_process_dies() {
    #[expect(clippy::disallowed_methods, reason = "the parent talks to its child this way")]
    if let Some(orders) = std::env::var_os(ORDERS) {
        let orders = std::fs::read(orders).unwrap();
        return victim(serde_json::from_slice(&orders).unwrap());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(parent(
        wanted("BAILEE_SIGNALS", 600),
        wanted("BAILEE_SIGNAL_KILLS", 8),
        wanted("BAILEE_SIGNAL_SEED", 1),
    ));
}

fn wanted(name: &str, else_: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a test may be told how long to run")]
    std::env::var(name).ok().map_or(else_, |text| text.parse().unwrap())
}
