//! Consents in numbers: a withdrawal beside a bare UPDATE of the same database, and the time and
//! peak memory of a simulation, on SQLite.
//!
//! Numbers among the arguments say how many consents: `-- 10000 1000000`. Ten consents are each of
//! another person, a thousand people to a tenant. They are given by the ledger and written through the
//! store's commit, fifty people to a batch. A simulation runs in a process of its own, so that its
//! peak is nobody else's.

#![expect(clippy::print_stdout, reason = "a measurement prints its figures")]

use std::{env, fs, path::Path, process::Command, sync::Arc, time::Duration};

use bailee::{
    HostId, ProviderId, PurposeId, RootKeys, SqliteStore, SubjectId, TenantId,
    core::{Actor, Locale},
    registry::{
        Declaration, Given, How, Ledger,
        versions::{Diff, Significance},
    },
    vault::{Holder, Vault},
};
use bailee_benches::{Meter, median, sizes, wanted};
use futures_util::{StreamExt, stream};
use rusqlite::{Connection, params};

const THROUGH: ProviderId = ProviderId::from_static("notes");
/// Consents of a person.
const EACH: usize = 10;
/// People of a tenant.
const TENANT: usize = 1_000;
/// People of a batch: eleven operations each, of which a batch takes a thousand.
const BATCH: usize = 50;
const ROUNDS: usize = 7;
const WITHDRAWALS: usize = 100;

fn main() {
    if !wanted() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let child = env::args().find_map(|said| said.strip_prefix(SIMULATE).map(str::to_owned));
    if let Some(path) = child {
        let consents = sizes(&[]).first().copied().expect("a number of consents");
        return runtime.block_on(simulate(Path::new(&path), consents));
    }
    for consents in sizes(&[10_000, 100_000, 1_000_000]) {
        let folder = tempfile::tempdir().expect("a place for files");
        let path = folder.path().join("vault").join("vault.db");
        runtime.block_on(measure(&path, consents));
        // The store of this process is closed now.
        let child = Command::new(env::current_exe().expect("this program"))
            .args(["--bench", &consents.to_string(), &format!("{SIMULATE}{}", path.display())])
            .output()
            .expect("a process");
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
        print!("{}", String::from_utf8_lossy(&child.stdout));
    }
}

/// Tells a process to simulate, and over which file.
const SIMULATE: &str = "--simulate=";

async fn vault(path: &Path) -> Vault {
    let store = SqliteStore::open(path).await.expect("a store on a file");
    let keys = RootKeys::base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("a key");
    Vault::builder(Arc::new(store), keys).open().await.expect("a vault")
}

async fn measure(path: &Path, consents: usize) {
    let vault = vault(path).await;
    let ledger = Ledger::new(vault.clone());
    let meter = Meter::start();
    let people = fill(&vault, &ledger, consents / EACH).await;
    let took = meter.stop().elapsed.as_secs_f64();
    println!("{consents} consents of {} people, written in {took:.0} s:", people.len());

    let bare = Connection::open(path).expect("the same file");
    bare.busy_timeout(Duration::from_secs(60)).expect("a time");
    bare.execute_batch(BARE).expect("as durable as the store has it");
    let mut update = bare.prepare(UPDATE).expect("a statement");
    let (mut withdrawals, mut updates) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let meter = Meter::start();
        for n in 0..WITHDRAWALS {
            let (tenant, person) = at_random(&people, round * WITHDRAWALS + n);
            withdraw(&vault, &ledger, tenant, *person, round).await;
        }
        withdrawals.push(meter.stop().micros(WITHDRAWALS));
        let meter = Meter::start();
        for n in 0..WITHDRAWALS {
            let id = (round * WITHDRAWALS + n) * 7_919 % 1_000;
            let changed = update.execute(params![id as i64]);
            assert_eq!(changed.expect("an update"), 1);
        }
        updates.push(meter.stop().micros(WITHDRAWALS));
    }
    let (withdrawal, update) = (median(withdrawals), median(updates));
    println!(
        "  a withdrawal {withdrawal:6.0} us, a bare UPDATE {update:6.0} us: {:4.2} x",
        withdrawal / update
    );
}

/// A row of a kilobyte in a table beside, written anew in a transaction of its own. It has to differ:
/// what is written as it was SQLite does not write.
const UPDATE: &str = "UPDATE bare SET body = randomblob(1024) WHERE id = ?1";

const BARE: &str = "PRAGMA synchronous = FULL;
    CREATE TABLE bare (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
    WITH RECURSIVE n(id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM n WHERE id < 999)
    INSERT INTO bare SELECT id, randomblob(1024) FROM n;";

/// The n-th of an endless order that looks random and comes by everybody.
fn at_random(people: &[(TenantId, SubjectId)], n: usize) -> &(TenantId, SubjectId) {
    // A step that has no factor in common with a power of ten.
    &people[n.wrapping_mul(7_919) % people.len()]
}

/// What a page does that takes a withdrawal: read, append, commit.
async fn withdraw(
    vault: &Vault,
    ledger: &Ledger,
    tenant: &TenantId,
    person: SubjectId,
    purpose: usize,
) {
    let by = Actor::Subject { subject: person };
    let view = vault.read(tenant, Holder::Subject(person), &[]).await.expect("a view");
    let change = ledger.withdraw(tenant, &view, &purposes()[purpose], Some(&THROUGH), &by).await;
    let batch = change.expect("a withdrawal").add_to(vault.batch().expect("a batch"));
    vault.commit(tenant, batch).await.expect("a commit");
}

/// People who agreed to everything, each with their tenant.
async fn fill(vault: &Vault, ledger: &Ledger, people: usize) -> Vec<(TenantId, SubjectId)> {
    let declaration = declaration("");
    let version = declaration.version();
    let batches = stream::iter((0..people).step_by(BATCH)).map(|from| async move {
        let tenant = tenant(from / TENANT);
        let mut batch = vault.batch().expect("a batch");
        let mut written = Vec::with_capacity(BATCH);
        for n in from..people.min(from + BATCH) {
            let person = HostId::text(format!("person-{n}"));
            let person = vault.ensure_subject(&tenant, &person).await.expect("a person");
            let view = vault.read(&tenant, Holder::Subject(person), &[]).await.expect("a view");
            let given = Given {
                purposes: purposes(),
                integration: Some(THROUGH),
                declaration: version,
                text: [2; 32],
                locale: Locale::default(),
                how: How::Page,
                by: Actor::Subject { subject: person },
                until: None,
                guardian: None,
            };
            let change = ledger.give(&tenant, &view, &given).await.expect("consents");
            batch = change.add_to(batch);
            written.push((tenant.clone(), person));
        }
        vault.commit(&tenant, batch).await.expect("a commit");
        written
    });
    // Several wait for one sync of the disk.
    let written: Vec<_> = batches.buffered(32).collect().await;
    written.into_iter().flatten().collect()
}

/// What the child does: one simulation over everybody.
async fn simulate(path: &Path, consents: usize) {
    let ledger = Ledger::new(vault(path).await);
    let wider = r#"
[integrations.notes.scopes]
"notes.write" = ["purpose-0", "purpose-1", "purpose-2"]
"#;
    let diff = Diff::between(&declaration(""), &declaration(wider));
    assert_eq!(diff.significance(), Some(Significance::AskAnew));
    let people = consents / EACH;
    let tenants: Vec<TenantId> = (0..people.div_ceil(TENANT)).map(tenant).collect();
    let before = peak();
    let meter = Meter::start();
    let simulation = ledger.simulate(&tenants, &diff).await.expect("a simulation");
    let took = meter.stop();
    assert_eq!(simulation.people, people as u64);
    assert!(simulation.asked > 0 && simulation.unreadable == 0);
    println!(
        "  a simulation {:6.2} s, {:5.1} us a person; peak {} KiB, {before} KiB before it",
        took.elapsed.as_secs_f64(),
        took.micros(people),
        peak(),
    );
}

fn tenant(n: usize) -> TenantId {
    TenantId::new(format!("tenant-{n}")).expect("a tenant")
}

fn purposes() -> Vec<PurposeId> {
    let name = |n| PurposeId::new(format!("purpose-{n}")).expect("a purpose");
    (0..EACH).map(name).collect()
}

/// Ten purposes that rest on consent, through one integration.
fn declaration(more: &str) -> Declaration {
    let purposes = purposes();
    let names: Vec<String> = purposes.iter().map(|purpose| format!("\"{purpose}\"")).collect();
    let all = names.join(", ");
    let mut text = format!(
        "role = \"controller\"\n[controller]\nname = \"Bench\"\ncontact = \"a@bench.example\"\n\
         [categories]\ncontent = \"what you write\"\n\
         [recipients.notes]\nname = \"Notes\"\ncountry = \"IE\"\nrole = \"controller\"\n\
         purposes = [{all}]\ncategories = [\"content\"]\n\
         [integrations.notes.operations]\n\"notes.save\" = [{all}]\n\
         [[integrations.notes.data]]\nname = \"note\"\ncategory = \"content\"\n\
         purpose = \"purpose-0\"\nretention = \"until_disconnected\"\n{more}"
    );
    for purpose in &purposes {
        text.push_str(&format!(
            "[purposes.\"{purpose}\"]\ntitle = \"Purpose\"\nplain = \"It is done.\"\n\
             use = \"service\"\nbasis = \"consent\"\n"
        ));
    }
    Declaration::parse(&text).expect("a declaration")
}

/// `VmHWM` of proc_pid_status(5), in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    number.expect("a number of KiB")
}
