//! Signals of TikTok: taken, on SQLite and in memory, alone and by sixteen, beside the bare
//! HMAC-SHA256 of the same bytes and a bare commit of one record, its work and its audit entry on
//! the same store; and acted on by the worker.
//!
//! `small` among the arguments sees that it runs and measures nothing.

#![expect(clippy::print_stdout, reason = "a measurement prints its figures")]

use std::{hint::black_box, sync::Arc};

use bailee::{
    SignalOutcome, SignalRequest, SqliteStore, TenantId,
    core::{BatchId, Clock, Id, SystemClock, SystemRandom, audit::Entry},
    store::{Batch, Due, Expect, Facet, Key, Kind, MemoryStore, Record, Sealed, Store, Version},
};
use bailee_benches::{Meter, Service, median, share, wanted};
use http::{HeaderMap, HeaderValue, Method};
use ring::hmac;

/// The secret of the measured registration.
const SECRET: &[u8] = b"fake-client-secret";
const TASKS: usize = 16;

/// How much is measured.
#[derive(Clone, Copy)]
struct Size {
    connections: usize,
    /// In each round, a multiple of the tasks.
    signals: usize,
    rounds: usize,
}

fn main() {
    let small = std::env::args().any(|argument| argument == "small");
    if !wanted() && !small {
        return;
    }
    let size = match small {
        true => Size { connections: 8, signals: TASKS * 2, rounds: 2 },
        false => Size { connections: 2_000, signals: 1_600, rounds: 7 },
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let folder = tempfile::tempdir().expect("a place for files");
        let store = SqliteStore::open(folder.path().join("vault").join("vault.db"));
        let store: Arc<dyn Store> = Arc::new(store.await.expect("a store on a file"));
        measure("SQLite, synchronous = FULL", store, size).await;
        let store = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
        measure("in memory", store, size).await;
    });
}

async fn measure(name: &str, store: Arc<dyn Store>, size: Size) {
    let mut service = Service::over(store.clone()).await.expect("a service");
    service.connect(size.connections).await;
    let service = Arc::new(service);
    settle(&service).await;
    let (mut tags, mut commits, mut takes, mut acts) = (Vec::new(), by(), by(), Vec::new());
    let mut at = size.connections;
    for _ in 0..size.rounds {
        let bodies: Vec<String> = (0..size.signals).map(|n| body(at + n)).collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
        let meter = Meter::start();
        for body in &bodies {
            black_box(hmac::sign(&key, body.as_bytes()));
        }
        tags.push(meter.stop().micros(size.signals));
        for (place, tasks) in [1, TASKS].into_iter().enumerate() {
            let meter = Meter::start();
            let bare = store.clone();
            share(size.signals, tasks, move |n| commit(bare.clone(), n)).await;
            commits[place].push(1e6 / meter.stop().micros(size.signals));

            // Signed outside of what is measured: that is the provider's part.
            let requests: Vec<_> = (0..size.signals).map(|n| request(&body(at + n))).collect();
            at += size.signals;
            let (taker, requests) = (service.clone(), Arc::new(parking(requests)));
            let meter = Meter::start();
            share(size.signals, tasks, move |n| take(taker.clone(), requests.clone(), n)).await;
            takes[place].push(1e6 / meter.stop().micros(size.signals));
            // Nobody connected these accounts: what it costs to find that out.
            let meter = Meter::start();
            settle(&service).await;
            acts.push(1e6 / meter.stop().micros(size.signals));
        }
    }
    let requests: Vec<_> = (0..size.connections).map(|n| request(&body(n))).collect();
    let (taker, requests) = (service.clone(), Arc::new(parking(requests)));
    share(size.connections, TASKS, move |n| take(taker.clone(), requests.clone(), n)).await;
    let meter = Meter::start();
    settle(&service).await;
    let ended = 1e6 / meter.stop().micros(size.connections);

    let (tag, acted) = (median(tags), median(acts));
    println!("{name}; HMAC-SHA256 of a delivery {tag:.2} us:");
    for (place, tasks) in [1, TASKS].into_iter().enumerate() {
        let (commit, take) = (median(commits[place].clone()), median(takes[place].clone()));
        println!(
            "  by {tasks:2}: {take:6.0} signals a second, {commit:6.0} bare commits: {:4.2} x; {:6.1} x an HMAC",
            commit / take,
            1e6 / take / tag
        );
    }
    println!(
        "  the worker acts on {acted:6.0} a second about nobody, and ends {ended:6.0} connections"
    );
}

fn by() -> [Vec<f64>; 2] {
    [const { Vec::new() }; 2]
}

/// Requests, each to be taken out once.
fn parking(requests: Vec<SignalRequest>) -> Vec<std::sync::Mutex<Option<SignalRequest>>> {
    requests.into_iter().map(|request| std::sync::Mutex::new(Some(request))).collect()
}

async fn take(
    service: Arc<Service>,
    requests: Arc<Vec<std::sync::Mutex<Option<SignalRequest>>>>,
    n: usize,
) {
    let request = requests[n].lock().expect("nobody panics with it").take();
    let request = request.expect("each is taken once");
    let taken = service.bailee.connections().take_signal(request).await;
    assert!(matches!(taken.outcome, SignalOutcome::Kept), "{taken:?}");
}

/// A record as long as an inbox record, the work and the entry that belong to it.
async fn commit(store: Arc<dyn Store>, n: usize) {
    let id = Id::derive(&[b"bare", &SystemClock.now().as_micros().to_be_bytes(), &n.to_be_bytes()]);
    let now = SystemClock.now();
    let record = Record {
        key: Key::new(Kind::from_static("bare"), id),
        subject: None,
        facet: Facet(0),
        expires: Some(now.plus(std::time::Duration::from_secs(86_400))),
        version: Version(1),
        body: Sealed::new(vec![7; 512]),
    };
    let entry = Entry::new("signal.received", now)
        .with("signal", id)
        .with("digest", [7_u8; 32])
        .with("count", 1_i64);
    let batch = Batch::builder(BatchId::generate(&SystemRandom).expect("random bytes"))
        .put(record, Expect::Absent)
        .schedule(
            Key::new(Kind::from_static("bare"), id),
            None,
            Due::After(std::time::Duration::from_secs(86_400)),
        )
        .audit(entry)
        .build()
        .expect("a batch");
    store.commit(&TenantId::SYSTEM, &batch).await.expect("a commit");
}

async fn settle(service: &Service) {
    service.bailee.worker().settle().await.expect("work is done");
}

/// About three hundred bytes, of the n-th account.
fn body(n: usize) -> String {
    let now = SystemClock.now().as_seconds();
    format!(
        r#"{{"client_key":"fake-client","event":"authorization.removed","create_time":{now},"user_openid":"open-{n}","content":"{{\"reason\":1}}","padding":"{:0<140}"}}"#,
        n
    )
}

fn request(body: &str) -> SignalRequest {
    let now = SystemClock.now().as_seconds();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    let tag = hmac::sign(&key, format!("{now}.{body}").as_bytes());
    let tag: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut headers = HeaderMap::new();
    let signature = HeaderValue::from_str(&format!("t={now},s={tag}")).expect("a header");
    headers.insert("tiktok-signature", signature);
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    SignalRequest::new("tiktok", Method::POST, "", &headers, body.as_bytes())
}
