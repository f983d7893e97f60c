//! A process of a test's own program: an engine that reaches the emulated providers of its parent.

use std::{net::SocketAddr, sync::Arc};

use bailee::{
    Builder, ClientSecret, Registration, Result, RootKeys,
    core::{Clock, ManualClock, Timestamp},
    http::{Reqwest, Tls},
    providers::{Environment, Generic, Spec},
    store::Store,
};
use bailee_testkit::{Events, Memberships, World};
use serde::{Deserialize, Serialize};

use crate::{NOTES_SPEC, declaration};

/// What a process of its own needs to be one of its parent's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kin {
    address: SocketAddr,
    root: String,
    /// In microseconds.
    now: i64,
}

impl Kin {
    /// What a world's further process is told.
    #[must_use]
    pub fn of(w: &World) -> Self {
        let root = w.emulator.root_pem().to_owned();
        Self { address: w.emulator.address(), root, now: w.clock.now().as_micros() }
    }

    /// A clock that shows the world's time.
    #[must_use]
    pub fn clock(&self) -> ManualClock {
        ManualClock::at(Timestamp::from_micros(self.now))
    }

    /// An engine with the declaration, the keys and the registrations of the world.
    ///
    /// # Errors
    ///
    /// What the parts say that are put together.
    ///
    /// # Panics
    ///
    /// When the spec of the tests is wrong.
    pub fn builder(&self, store: Arc<dyn Store>, clock: &ManualClock) -> Result<Builder> {
        let tls = Tls::roots(self.root.as_bytes())?;
        let http = Reqwest::danger_fixed_address(tls, self.address)?;
        let client = |provider: &str| {
            let secret = ClientSecret::copy_from(b"fake-client-secret-canary");
            let client = Registration::new(provider, "fake-client-1", secret)?;
            Ok::<_, bailee::Error>(client.environment(Environment::Emulator))
        };
        Ok(bailee::Bailee::builder(declaration())
            .shared_store(store)
            .keys(RootKeys::base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")?)
            .http(http)
            .runtime(bailee::Tokio)
            .access(Memberships::default())
            .events(Events::default())
            .instance("test")
            .mount("https://app.example.test/connect")
            .clock(clock.clone())
            .registration(client("tiktok")?)
            .provider(Generic::new(Spec::parse(NOTES_SPEC).expect("the spec of the tests")))
            .registration(client("notes")?))
    }
}
