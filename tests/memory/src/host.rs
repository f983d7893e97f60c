//! The host: it does what a test tells it, line by line.

#![expect(clippy::print_stdout, reason = "it answers the test through a pipe")]

use std::{fs, io, sync::Arc, thread, time::Duration};

use async_trait::async_trait;
use bailee::{
    Access, Act, Bailee, CallbackRequest, ClientSecret, Declaration, HostError, HostId, PurposeId,
    Registration, RootKeys, SubjectId, TenantId, Tokio, Visitor,
    core::ManualClock,
    http::{Reqwest, Tls},
    providers::{Environment, tiktok::CreatorInfo},
    store::MemoryStore,
};
use http::{HeaderMap, HeaderValue, Method, header};
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

use crate::scan::{Hits, Needle, scan};

const MANY: usize = 200;

const PUBLISH: PurposeId = PurposeId::from_static("publish.video");

/// Runs the whole course. Lines in: address, path of the root certificate, path of the root key,
/// path of the client's secret, path of a control; the query of the callback; `later`; what to look
/// for, one a line, then `scan`.
///
/// # Panics
///
/// When anything goes another way than the test wants: the test sees that no answer comes.
pub fn run() {
    let input = || {
        let mut line = String::new();
        io::stdin().read_line(&mut line).expect("a line");
        line.truncate(line.trim_end().len());
        line
    };
    let address = input().parse().expect("an address");
    let root = fs::read(input()).expect("a certificate");
    let key_file = input();
    let secret_file = input();
    // It stays in the clear: a search that does not find this finds nothing.
    let control = fs::read(input()).expect("a control");

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let clock = ManualClock::default();
    let (bailee, visitor) = runtime.block_on(async {
        let http = Reqwest::danger_fixed_address(Tls::roots(&root).expect("a root"), address);
        let secret = Zeroizing::new(fs::read(&secret_file).expect("a secret"));
        let secret = ClientSecret::copy_from(&secret);
        let registration = Registration::new("tiktok", "fake-client-1", secret);
        let declaration = Declaration::parse(include_str!("../../privacy.toml"));
        let bailee = Bailee::builder(declaration.expect("a declaration"))
            .store(MemoryStore::new(Arc::new(clock.clone())))
            .keys(RootKeys::file(&key_file).expect("a root key"))
            .http(http.expect("a client"))
            .runtime(Tokio)
            .access(Everybody)
            .instance("memory")
            .mount("https://app.example.test/connect")
            .clock(clock.clone())
            .registration(registration.expect("facts").environment(Environment::Emulator))
            .build()
            .await
            .expect("a service");
        let visitor = Visitor::new(TenantId::from_static("acme"), HostId::text("ada"), "session");
        (bailee, visitor)
    });

    let connection = runtime.block_on(async {
        let connections = bailee.connections();
        let begun = connections.begin(&visitor, "tiktok", &[PUBLISH]).await.expect("a flow");
        let headers = begun.answer().headers();
        let location = headers[header::LOCATION].to_str().expect("an address");
        println!("{location}");
        let cookie = headers[header::SET_COOKIE].to_str().expect("a cookie");
        let (cookie, _) = cookie.split_once(';').expect("attributes");
        let mut sent = HeaderMap::new();
        sent.insert(header::COOKIE, HeaderValue::from_str(cookie).expect("a cookie"));
        let query = Zeroizing::new(input());
        let callback = CallbackRequest::new("tiktok", Method::GET, &query, &sent);
        connections.complete(&visitor, callback).await.expect("a connection").connection
    });
    let call = async || {
        let acting = bailee.acting(&visitor, &PUBLISH);
        acting.call(&connection, &CreatorInfo).await.expect("an answer");
    };
    runtime.block_on(async {
        call().await;
        call().await;
    });
    println!("called");
    assert_eq!(input(), "later");
    // The access token is over: the next call renews it.
    clock.advance(Duration::from_secs(25 * 3600));
    runtime.block_on(async {
        call().await;
        bailee.worker().settle().await.expect("work is done");
        // Many at once: what they free and do not wipe is more than the next allocations reuse.
        futures_util::future::join_all((0..MANY).map(|_| call())).await;
    });
    println!("renewed");

    let mut needles = Vec::new();
    loop {
        match input().as_str() {
            "scan" => break,
            line => needles.push(Needle::parse(line)),
        }
    }
    settle(&runtime);
    report("alive", &needles);
    drop((bailee, visitor, connection));
    runtime.shutdown_timeout(Duration::from_secs(10));
    report("over", &needles);
    drop(control);
}

/// Waits until the other threads have ended what they are at: nothing is queued, and each of them
/// waits for something to come in from outside. Nothing is on its way: every answer has been read.
fn settle(runtime: &Runtime) {
    let metrics = runtime.metrics();
    let counts =
        || (0..metrics.num_workers()).map(|worker| metrics.worker_park_unpark_count(worker));
    loop {
        let before: Vec<u64> = counts().collect();
        // Odd counts are those of threads that wait.
        let idle = metrics.global_queue_depth() == 0 && before.iter().all(|count| count % 2 == 1);
        if idle && counts().eq(before) {
            return;
        }
        thread::yield_now();
    }
}

fn report(when: &str, needles: &[Needle]) {
    for (needle, hits) in needles.iter().zip(scan(needles)) {
        let Hits { answer, member, request, other } = hits;
        println!("{when} {} {} {request} {other}", needle.name, answer + member);
    }
    println!("{when} done");
}

/// The host's word costs nothing here.
#[derive(Debug)]
struct Everybody;

#[async_trait]
impl Access for Everybody {
    async fn may(
        &self,
        _: &HostId,
        _: Option<SubjectId>,
        _: &TenantId,
        _: Act,
    ) -> Result<bool, HostError> {
        Ok(true)
    }

    async fn tenants(&self, _: &HostId) -> Result<Vec<TenantId>, HostError> {
        Ok(Vec::new())
    }
}
