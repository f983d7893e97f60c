//! The process that renews until it is killed.

use std::io::BufRead;

use bailee::{
    ClientSecret, Registration, RootKeys,
    core::Timestamp,
    http::{HttpSend, Reqwest, Tls},
    providers::{Environment, Generic, Spec},
};
use bailee_testkit::{Events, Memberships};
use bailee_tests::{Wrapped, drill::Tasks};

use super::*;

/// An engine, and what a test holds of it.
struct Renewer {
    class: &'static Class,
    bailee: Bailee,
    clock: ManualClock,
    steps: Steps,
    tasks: Tasks,
    events: Events,
}

/// Does what its parent says until it says no more.
pub(super) fn renewer(birth: &Birth) {
    // One thread: when it stands still, everything does that is not a store's or a journal's own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let renewer = runtime.block_on(Renewer::born(birth));
    say("here");
    for line in std::io::stdin().lock().lines() {
        let order = serde_json::from_str(&line.unwrap()).unwrap();
        let answer = runtime.block_on(async {
            let answer = renewer.obeys(order).await;
            renewer.tasks.idle().await;
            answer
        });
        say(&format!("done {answer}"));
    }
}

impl Renewer {
    async fn born(birth: &Birth) -> Self {
        let class = &CLASSES[birth.class];
        let clock = ManualClock::at(Timestamp::from_micros(birth.now));
        let (tasks, events) = (Tasks::default(), Events::default());
        let steps = match birth.end {
            Some(end) => Steps::ending(Some(end)),
            None => Steps::quiet(),
        };
        let tls = Tls::roots(birth.root.as_bytes()).unwrap();
        let http: Arc<dyn HttpSend> =
            Arc::new(Reqwest::danger_fixed_address(tls, birth.address).unwrap());
        let client = |provider: &str| {
            let secret = ClientSecret::copy_from(b"fake-client-secret-canary");
            let client = Registration::new(provider, "fake-client-1", secret).unwrap();
            client.environment(Environment::Emulator)
        };
        let mut builder = Bailee::builder(class.declaration())
            .store(Wrapped::over(birth.place.open(&clock).await, steps.clone()))
            .keys(RootKeys::base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap())
            .http(Wrapped::over(http, steps.clone()))
            .runtime(tasks.clone())
            .access(Memberships::default())
            .events(events.clone())
            .instance("test")
            .mount("https://app.example.test/connect")
            .clock(clock.clone());
        if let Some(journal) = &birth.journal {
            builder = builder.journal(journal);
        }
        builder = match class.spec {
            Some(spec) => {
                let spec = Spec::parse(&NOTES_SPEC.replace("class = \"strict\"", spec)).unwrap();
                builder
                    .registration(client("tiktok"))
                    .provider(Generic::new(spec))
                    .registration(client("notes"))
            }
            None => builder.provider(Instagram::new()).registration(client("instagram")),
        };
        let bailee = builder.build().await.unwrap();
        Self { class, bailee, clock, steps, tasks, events }
    }

    async fn obeys(&self, order: Order) -> String {
        match order {
            Order::Call { person, connection } => {
                let connection = connection.parse().unwrap();
                match used(self.class, &self.bailee, &visitor(&person), &connection).await {
                    Ok(()) => "called".to_owned(),
                    Err(error) => format!("failed {error:?}"),
                }
            }
            Order::Look { person, connection } => {
                let seen = self.looks(&visitor(&person), &connection.parse().unwrap()).await;
                serde_json::to_string(&seen).unwrap()
            }
            Order::Rest => {
                self.steps.rest();
                "rests".to_owned()
            }
            Order::Settle => match self.bailee.worker().settle().await {
                Ok(_) => "settled".to_owned(),
                Err(error) => format!("failed {error:?}"),
            },
            Order::Time(micros) => {
                let now = Timestamp::from_micros(micros);
                // Both of its clocks move, as time does.
                self.clock.advance(now.since(self.clock.now()));
                "is later".to_owned()
            }
            Order::Watch(end) => {
                self.steps.watch(end);
                "is watched".to_owned()
            }
        }
    }

    async fn looks(&self, who: &Visitor, connection: &ConnectionRef) -> Seen {
        let failed = used(self.class, &self.bailee, who, connection).await.err();
        let status = self.bailee.connections().status(who, connection).await;
        self.tasks.idle().await;
        let told = self.events.all().into_iter().filter(|event| event.connection == *connection);
        Seen {
            failed: failed.map(|error| format!("{error:?}")),
            state: match status {
                Ok(status) => format!("{:?}", status.state),
                Err(error) => format!("{:?}", error.kind()),
            },
            told: told.map(|event| format!("{:?}", event.what)).collect(),
        }
    }
}
