//! Renewals of every refresh class, on both stores, by a caller and by the worker, killed at each
//! step and at any time.
//!
//! Each process renews in turn until it is killed, and the next one is the survivor: it opens the
//! same store, and the same journal where there is one, has to find everything that was
//! acknowledged, and then is the next to die. What must hold after each death:
//!
//! - a renewal that was acknowledged, or whose commit was, is there: nobody asks the provider again;
//! - at a provider that is not strict the connection works again without the person, and no token is
//!   shown that the provider would take for stolen;
//! - at a strict one it works, or says that the tokens were lost after their rotation and tells the
//!   host so, and only if the death fell between the provider's answer and the commit, or the
//!   journal's sync where there is a journal.

mod court;
mod life;
mod look;
mod renewer;
mod tally;
mod window;

use std::{net::SocketAddr, path::PathBuf};

use bailee::{
    BeginOptions, Declaration, PurposeId, Visitor,
    providers::{
        Operation, Provider,
        instagram::{Instagram, PublishingLimit},
    },
};
use bailee_testkit::{
    Declared, PURPOSE, World, WorldBuilder,
    emulator::{self, Account, Decision, RefreshStyle, Site},
};
use bailee_tests::{
    NOTES, declaration,
    drill::{ISSUER, hours, notes_world, seconds},
};

use super::*;

/// A refresh class, and how the provider behaves for which it stands.
#[derive(Debug)]
struct Class {
    name: &'static str,
    /// As the spec of the provider of notes has it; none is Instagram.
    spec: Option<&'static str>,
    style: RefreshStyle,
    /// Whether a token is shown once, so that an answer can be lost with whoever heard it.
    strict: bool,
}

const fn class(name: &'static str, spec: &'static str, style: RefreshStyle) -> Class {
    Class { name, spec: Some(spec), style, strict: false }
}

const fn strict(name: &'static str, kills_family: bool) -> Class {
    let style = RefreshStyle::Strict { kills_family };
    Class { strict: true, ..class(name, "class = \"strict\"", style) }
}

/// Every class that has renewals. A static credential has none.
static CLASSES: [Class; 8] = [
    strict("strict", false),
    strict("strict, a reuse ends all", true),
    class(
        "grace of ten minutes",
        "class = \"grace\"\nwindow_seconds = 600",
        RefreshStyle::Grace(seconds(600)),
    ),
    class(
        "until the new one is used",
        "class = \"until_replacement_used\"",
        RefreshStyle::UntilReplacementUsed,
    ),
    class("overlapping", "class = \"overlapping\"", RefreshStyle::Overlapping),
    class("stable", "class = \"stable\"", RefreshStyle::Stable { echoed: true }),
    class("stable, said once", "class = \"stable\"", RefreshStyle::Stable { echoed: false }),
    Class {
        name: "self-extending",
        spec: None,
        style: RefreshStyle::SelfExtending { after: hours(24), ends_old: false },
        strict: false,
    },
];

impl Class {
    fn provider(&self) -> &'static str {
        if self.spec.is_some() { "notes" } else { "instagram" }
    }

    fn declaration(&self) -> Declaration {
        if self.spec.is_some() {
            return declaration();
        }
        let spec = Instagram::new();
        let declared = Declared::of(Provider::spec(&spec));
        declared.operation(Operation::facts(&PublishingLimit)).declaration()
    }

    fn world(&self) -> WorldBuilder {
        match self.spec {
            Some(spec) => notes_world(spec, self.style),
            None => World::builder(self.declaration()).play(emulator::instagram::Instagram::new()),
        }
    }

    fn site<'w>(&self, w: &'w World) -> &'w Site {
        w.site(if self.spec.is_some() { ISSUER } else { "instagram" })
    }

    fn purpose(&self) -> PurposeId {
        if self.spec.is_some() { NOTES } else { PURPOSE }
    }

    /// Where renewals are asked for.
    fn token_path(&self) -> &'static str {
        if self.spec.is_some() { "/token" } else { "/refresh_access_token" }
    }

    /// After so long a credential is to be renewed.
    fn pause(&self) -> std::time::Duration {
        // Where the token itself is renewed it has to live still: a third of sixty days.
        if self.spec.is_some() { hours(2) } else { hours(21 * 24) }
    }

    async fn connect(&self, w: &World, who: &Visitor, account: &str) -> ConnectionRef {
        self.site(w).add_account(Account::new(account));
        let (purposes, options) = ([self.purpose()], BeginOptions::default());
        let provider = self.provider();
        let connected =
            w.connect_as(who, provider, &purposes, options, Decision::Allow, account).await;
        connected.unwrap().unwrap().connection
    }
}

/// Uses a connection with one call.
async fn used(
    class: &Class,
    bailee: &Bailee,
    who: &Visitor,
    connection: &ConnectionRef,
) -> Result<()> {
    if class.spec.is_some() {
        return bailee_tests::drill::call(bailee, who, connection, "notes").await;
    }
    bailee.acting(who, &PURPOSE).call(connection, &PublishingLimit).await.map(|_| ())
}

/// Where the records are.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Place {
    /// A file.
    Sqlite(PathBuf),
    /// How to reach a database.
    Postgres(String),
}

impl Place {
    async fn open(&self, clock: &ManualClock) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(file) => super::open(file, clock).await,
            Self::Postgres(address) => {
                let builder = bailee::PostgresStore::builder(address).unwrap();
                let clock: Arc<dyn Clock> = Arc::new(clock.clone());
                Arc::new(builder.connections(2).clock(clock).connect().await.unwrap())
            }
        }
    }
}

/// What a process is told before it lives.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Birth {
    /// Its place among the classes.
    class: usize,
    place: Place,
    journal: Option<PathBuf>,
    address: SocketAddr,
    root: String,
    /// The time, in microseconds.
    now: i64,
    /// Where it ends while it begins; none lets it begin.
    end: Option<(u32, Moment)>,
}

/// What it is told while it lives, a line each.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Order {
    /// To use a connection, whose access token may have to be renewed for that.
    Call { person: String, connection: String },
    /// To say what has become of a connection.
    Look { person: String, connection: String },
    /// To say its steps no more.
    Rest,
    /// To do what is due.
    Settle,
    /// It is later now.
    Time(i64),
    /// To say its steps from here on, and to end at one.
    Watch(Option<(u32, Moment)>),
}

/// What a process sees of a connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Seen {
    /// Why a call failed.
    failed: Option<String>,
    state: String,
    /// What its host was told of the connection.
    told: Vec<String>,
}

/// Names the file with what a process is told at its birth.
const BIRTH: &str = "BAILEE_RENEWER";
/// The name of the test as which it runs.
const TEST: &str = "renewals::ref_08_a_process_killed_at_any_point_of_a_renewal_loses_no_token";

#[test]
fn ref_08_a_process_killed_at_any_point_of_a_renewal_loses_no_token() {
    #[expect(clippy::disallowed_methods, reason = "the parent talks to its child this way")]
    if let Some(birth) = std::env::var_os(BIRTH) {
        let birth = std::fs::read(birth).unwrap();
        return renewer::renewer(&serde_json::from_slice(&birth).unwrap());
    }
    court::all(super::kills());
}

fn visitor(person: &str) -> Visitor {
    let tenant = TenantId::from_static("acme");
    Visitor::new(tenant, HostId::text(person), format!("session of {person}"))
}
