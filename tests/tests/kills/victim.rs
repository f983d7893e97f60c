//! The process that is killed.

use bailee::{
    CallbackRequest, ClientSecret, Registration, RootKeys,
    core::Timestamp,
    http::{HttpSend, Reqwest, Tls},
    providers::{Environment, Generic, Spec},
};
use bailee_testkit::{Events, Memberships};
use bailee_tests::{
    Wrapped, declaration,
    drill::{call, seconds},
};
use http::{HeaderMap, HeaderValue, Method, header};

use super::*;

pub(crate) fn victim(orders: Orders) {
    // One thread: when it stands still, everything does.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let clock = ManualClock::at(Timestamp::from_micros(orders.now));
        let steps = Steps::ending(orders.end);
        let store = open(&orders.file, &clock).await;
        let tls = Tls::roots(orders.root.as_bytes()).unwrap();
        let http: Arc<dyn HttpSend> =
            Arc::new(Reqwest::danger_fixed_address(tls, orders.address).unwrap());
        let secret = || ClientSecret::copy_from(b"fake-client-secret-canary");
        let client = |provider: &str| {
            Registration::new(provider, "fake-client-1", secret())
                .unwrap()
                .environment(Environment::Emulator)
        };
        let spec = Spec::parse(&recoverable_spec()).unwrap();
        let bailee = Bailee::builder(declaration())
            .store(Wrapped::over(store, steps.clone()))
            .keys(RootKeys::base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap())
            .http(Wrapped::over(http, steps))
            .runtime(bailee::Tokio)
            .access(Memberships::default())
            .events(Events::default())
            .instance("test")
            .mount("https://app.example.test/connect")
            .clock(clock.clone())
            .registration(client("tiktok"))
            .provider(Generic::new(spec))
            .registration(client("notes"))
            .build()
            .await
            .unwrap();
        let connection = orders.connection.as_ref().map(|text| text.parse().unwrap());
        act(&orders, &bailee, &clock, connection).await;
        say("done");
    });
}

/// What a victim does while it lives. It says what was acknowledged to it.
async fn act(
    orders: &Orders,
    bailee: &Bailee,
    clock: &ManualClock,
    connection: Option<ConnectionRef>,
) {
    let ada = ada();
    let provider = orders.scenario.provider();
    match orders.scenario {
        Scenario::Connect | Scenario::Reconnect => {
            let (registration, query, cookie) = orders.callback.clone().unwrap();
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_str(&cookie).unwrap());
            let request = CallbackRequest::new(registration, Method::GET, &query, &headers);
            let completed = bailee.connections().complete(&ada, request).await.unwrap();
            say(&format!("ack {}", completed.connection));
        }
        Scenario::RenewStrict | Scenario::RenewRecoverable => {
            call(bailee, &ada, &connection.unwrap(), provider).await.unwrap();
            say("ack called");
        }
        Scenario::RenewByWorker | Scenario::DisconnectByWorker => {
            bailee.worker().settle().await.unwrap();
            say("ack settled");
        }
        Scenario::PublishUrl | Scenario::PublishFile => {
            let connection = connection.unwrap();
            let publication = publish(orders.scenario, bailee, &connection).await.unwrap();
            say(&format!("ack {:?}", publication.state));
            clock.advance(seconds(30));
            bailee.worker().settle().await.unwrap();
            let acting = bailee.acting(&ada, &PUBLISH);
            let publication = acting.publication(&connection, &key()).await.unwrap();
            say(&format!("ack {:?}", publication.state));
        }
        Scenario::Disconnect | Scenario::DisconnectExpired => {
            let connection = connection.unwrap();
            let receipt = bailee.connections().disconnect(&ada, &connection).await.unwrap();
            say(&format!("ack confirmed {}", receipt.confirmed));
        }
    }
}
