//! The process that is killed.

use std::{io::BufRead, sync::Arc, time::Duration};

use bailee::{
    Result, RootKeys, SignalOutcome, SignalRequest, SqliteStore,
    core::{Clock, ManualClock, Timestamp},
    http::{Reqwest, Tls},
    store::Store,
};
use bailee_testkit::{Events, Memberships};
use bailee_tests::{Around, Step, Wrapped};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::sync::{Mutex, Notify, Semaphore, mpsc};

use crate::{
    MARK, Order, Orders, Sent,
    cast::{MOUNT, declaration, register},
};

/// How many deliveries it takes at once.
const AT_ONCE: usize = 8;

pub(crate) fn victim(orders: Orders) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (tell, mut told) = mpsc::unbounded_channel::<Order>();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let order = serde_json::from_str(&line.unwrap()).unwrap();
            if tell.send(order).is_err() {
                return;
            }
        }
    });
    runtime.block_on(async {
        let clock = ManualClock::at(Timestamp::from_micros(orders.now));
        let for_store: Arc<dyn Clock> = Arc::new(clock.clone());
        let store = SqliteStore::builder(&orders.file).clock(for_store).open().await.unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let tls = Tls::roots(orders.root.as_bytes()).unwrap();
        let builder = bailee::Bailee::builder(declaration())
            .store(Wrapped::over(store, Saying))
            .keys(RootKeys::base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap())
            .http(Reqwest::danger_fixed_address(tls, orders.address).unwrap())
            .runtime(bailee::Tokio)
            .access(Memberships::default())
            .events(Events::default())
            .instance("test")
            .mount(MOUNT)
            .clock(clock.clone());
        let bailee = register(builder).build().await.unwrap();

        // The worker works while deliveries come in, whenever there is something new.
        let (news, turn) = (Arc::new(Notify::new()), Arc::new(Mutex::new(())));
        let working = (bailee.clone(), news.clone(), turn.clone());
        tokio::spawn(async move {
            let (bailee, news, turn) = working;
            loop {
                news.notified().await;
                let _turn = turn.lock().await;
                bailee.worker().settle().await.unwrap();
            }
        });
        let places = Arc::new(Semaphore::new(AT_ONCE));
        while let Some(order) = told.recv().await {
            match order {
                Order::Take { n, sent } => {
                    let place = places.clone().acquire_owned().await.unwrap();
                    let (bailee, news) = (bailee.clone(), news.clone());
                    tokio::spawn(async move {
                        let taken = bailee.connections().take_signal(request(&sent)).await;
                        let word = match &taken.outcome {
                            SignalOutcome::Answered => "answered".to_owned(),
                            SignalOutcome::Failed(error) => format!("failed:{:?}", error.kind()),
                            SignalOutcome::Ignored => "ignored".to_owned(),
                            SignalOutcome::Kept => "kept".to_owned(),
                            SignalOutcome::Refused(why) => format!("refused:{why}"),
                            SignalOutcome::Repeated => "repeated".to_owned(),
                            _ => "unknown".to_owned(),
                        };
                        say(&format!("ack {n} {} {word}", taken.answer.status().as_u16()));
                        news.notify_one();
                        drop(place);
                    });
                }
                Order::Later { seconds } => {
                    let all = u32::try_from(AT_ONCE).unwrap();
                    drop(places.acquire_many(all).await.unwrap());
                    // Time passes for whoever waits for the claim of a dead process, too.
                    clock.advance(Duration::from_secs(seconds));
                    let _turn = turn.lock().await;
                    let done = bailee.worker().settle().await.unwrap();
                    say(&format!("settled {done}"));
                }
            }
        }
    });
}

/// Says something to the parent. A line is whole or not there.
fn say(what: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    // Nobody listens any more: the parent is gone.
    if out.write_all(format!("\n{MARK}{what}\n").as_bytes()).and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

fn request(sent: &Sent) -> SignalRequest {
    let rest = sent.url.strip_prefix(MOUNT).unwrap();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut parts = path.trim_start_matches('/').splitn(3, '/');
    let registration = parts.next().unwrap();
    assert_eq!(parts.next(), Some("signal"));
    let mut headers = HeaderMap::new();
    for (name, value) in &sent.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    let method = Method::from_bytes(sent.method.as_bytes()).unwrap();
    let request = SignalRequest::new(registration, method, query, &headers, &sent.body);
    match parts.next() {
        Some(topic) => request.topic(topic),
        None => request,
    }
}

/// Says what it is about to do, so that the parent can choose its moment.
struct Saying;

impl Around for Saying {
    async fn around<T: Send>(
        &self,
        step: Step<'_>,
        taken: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        if let Step::Commit(..) = step {
            say("commits");
        }
        taken.await
    }
}
