//! The process that kills, with the emulated providers in it.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use bailee_testkit::{
    Browser, Storage, World,
    emulator::{Decision, RefreshStyle},
};
use bailee_tests::{
    NOTES, declaration,
    drill::{hours, notes_world, seconds},
};
use http::header;
use tokio::{sync::Semaphore, task::JoinSet};

use super::*;

pub(crate) async fn parent(kills: usize) {
    let lanes = Arc::new(Semaphore::new(4));
    // How many steps each scenario has, seen by letting it live.
    let mut lives = JoinSet::new();
    for scenario in Scenario::ALL {
        let lanes = lanes.clone();
        lives.spawn(async move {
            let _lane = lanes.acquire().await.unwrap();
            (scenario, run(scenario, None, 0).await)
        });
    }
    let mut steps = BTreeMap::new();
    for (scenario, trail) in lives.join_all().await {
        assert!(trail.done, "{scenario:?} comes to its end when nobody kills it: {trail:?}");
        assert!(trail.steps.len() >= 3, "{scenario:?} has steps: {:?}", trail.steps);
        steps.insert(scenario, u32::try_from(trail.steps.len()).unwrap());
    }

    let mut points = Vec::new();
    for (scenario, steps) in &steps {
        for step in 0..*steps {
            for moment in [Moment::Before, Moment::During, Moment::After] {
                points.push((*scenario, step, moment));
            }
        }
    }
    // In turn, but far apart, so that a few kills already see all of it.
    let total = points.len();
    let stride = (total / 3..).find(|stride| greatest_common_divisor(*stride, total) == 1).unwrap();
    let mut deaths = JoinSet::new();
    for n in 0..kills {
        let (scenario, step, moment) = points[n * stride % total];
        let lanes = lanes.clone();
        deaths.spawn(async move {
            let _lane = lanes.acquire().await.unwrap();
            let trail = run(scenario, Some((step, moment)), n).await;
            let taken = u32::try_from(trail.steps.len()).unwrap();
            // What still runs in the background when a victim has done its work ends with it.
            let place = usize::try_from(step).unwrap();
            let left = moment == Moment::After && !trail.took.contains(&place);
            let lived = trail.done && step < taken && !left;
            assert!(!lived, "{scenario:?} at {step}, {moment:?}: it lives");
        });
    }
    while let Some(death) = deaths.join_next().await {
        death.unwrap();
    }
}

pub(crate) fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// One victim: what it finds, how it dies, what the survivor makes of it.
async fn run(scenario: Scenario, end: Option<(u32, Moment)>, n: usize) -> Trail {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vault").join("vault.db");
    let builder = notes_world(RECOVERABLE, RefreshStyle::UntilReplacementUsed).tiktok(|tiktok| {
        tiktok.verified_urls.push("media.example".into());
        // Where a family dies of a second showing, what was lost could not be seen to live on.
        tiktok.refresh_style = RefreshStyle::Strict { kills_family: false };
    });
    let clock = builder.clock().clone();
    let store = open(&file, &clock).await;
    let w = builder.storage(Storage::Given(store)).build().await.unwrap();
    let (connection, callback) = prepare(scenario, &w).await;

    let orders = Orders {
        scenario,
        end,
        address: w.emulator.address(),
        root: w.emulator.root_pem().to_owned(),
        file: file.clone(),
        now: w.clock.now().as_micros(),
        connection: connection.as_ref().map(ToString::to_string),
        callback,
    };
    let letter = folder.path().join("orders.json");
    std::fs::write(&letter, serde_json::to_vec(&orders).unwrap()).unwrap();
    let trail = tokio::task::spawn_blocking(move || live_and_die(&letter)).await.unwrap();

    // The survivor opens the file anew, after every claim of the dead is over.
    w.advance(seconds(310));
    let store = open(&file, &w.clock).await;
    let survivor = w.process(declaration(), store.clone()).unwrap().build().await.unwrap();
    let scene = Scene {
        scenario,
        end,
        connection,
        w: &w,
        survivor: &survivor,
        store: &store,
        trail: &trail,
        recalls: n.is_multiple_of(2),
    };
    scene.check().await;
    trail
}

type Callback = (String, String, String);

async fn prepare(scenario: Scenario, w: &World) -> (Option<ConnectionRef>, Option<Callback>) {
    let ada = ada();
    let provider = scenario.provider();
    let purpose = if provider == "tiktok" { PUBLISH } else { NOTES };
    let purposes = std::slice::from_ref(&purpose);
    let mut connection = None;
    if scenario != Scenario::Connect {
        connection = Some(w.connect(&ada, provider, purposes).await.unwrap());
        w.settle().await;
    }
    let mut callback = None;
    match scenario {
        Scenario::Connect | Scenario::Reconnect => {
            let begun = w.bailee.connections().begin(&ada, provider, purposes).await.unwrap();
            let browser = Browser::new();
            browser.take(begun.answer());
            let back = w.approve(&begun, Decision::Allow, "ada").await;
            let back = url::Url::parse(&back).unwrap();
            let headers = browser.headers(back.path());
            let cookie = headers[header::COOKIE].to_str().unwrap().to_owned();
            callback =
                Some((provider.to_owned(), back.query().unwrap_or_default().to_owned(), cookie));
        }
        Scenario::RenewStrict | Scenario::RenewRecoverable | Scenario::DisconnectExpired => {
            w.advance(hours(3));
        }
        // Nobody used it, so it is kept alive.
        Scenario::RenewByWorker => w.advance(hours(24 * 61)),
        Scenario::PublishUrl | Scenario::PublishFile | Scenario::Disconnect => {}
        Scenario::DisconnectByWorker => {
            // Somebody died before, right after the connection became unusable.
            let store = bailee_tests::Stopping::before(w.store().clone());
            let shared: Arc<dyn Store> = Arc::new(store.clone());
            let first = w.process(declaration(), shared).unwrap().build().await.unwrap();
            store.arm(0, bailee_tests::Halt::DiesAfter);
            let (ada, ended) = (ada.clone(), connection.clone().unwrap());
            let dead =
                tokio::spawn(async move { first.connections().disconnect(&ada, &ended).await });
            store.until_reached().await;
            dead.abort();
            w.advance(seconds(60));
        }
    }
    (connection, callback)
}

/// Runs a victim and kills it when it says that it stands still.
fn live_and_die(orders: &Path) -> Trail {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture", "--test-threads=1"])
        .env(ORDERS, orders)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut trail = Trail::default();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some(said) = line.strip_prefix(MARK) else { continue };
        if trail.hears(said) {
            continue;
        }
        match said.split_once(' ') {
            Some(("ack", rest)) => trail.acks.push(rest.to_owned()),
            _ if said == "dying" => child.kill().unwrap(),
            _ => trail.done = true,
        }
    }
    let ended = child.wait_with_output().unwrap();
    let killed = std::os::unix::process::ExitStatusExt::signal(&ended.status) == Some(9);
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert!(killed || ended.status.success(), "the victim failed by itself: {stderr}");
    trail
}
