//! The list that every adapter passes, for tests of adapters: its facts are whole, and each step
//! takes each kind of answer as it should.
//!
//! The steps are driven with canned answers; no request leaves. What goes over the wire is tested
//! elsewhere, against an emulator.

mod canned;
mod facts;
mod keys;
mod steps;

use bailee_core::Timestamp;

pub use canned::Samples;

use crate::{
    context::{Context, Registration},
    grant::AccountFacts,
    provider::Provider,
    rfc::discovery::discovery,
    spec::Spec,
};

/// Goes through the list with answers that are made from the spec.
///
/// # Panics
///
/// Panics with everything that was found.
pub fn check(provider: &dyn Provider, registration: &Registration) {
    check_with(provider, registration, &Samples::of(provider.spec()));
}

/// Goes through the list with an adapter's own answers, where its provider's look different from
/// what a spec can state.
///
/// # Panics
///
/// Panics with everything that was found.
pub fn check_with(provider: &dyn Provider, registration: &Registration, samples: &Samples) {
    let found = findings(provider, registration, samples);
    assert!(
        found.is_empty(),
        "the adapter for {} does not conform:\n- {}",
        provider.spec().id,
        found.join("\n- ")
    );
}

/// Goes through the list and says what was found.
pub fn findings(
    provider: &dyn Provider,
    registration: &Registration,
    samples: &Samples,
) -> Vec<String> {
    let mut found = Findings::default();
    let now = Timestamp::from_seconds(1_748_779_200);
    let spec = match resolved(provider.spec(), now) {
        Ok(spec) => spec,
        Err(what) => {
            found.add(what);
            return found.0;
        }
    };
    let account = AccountFacts::new(canned::ACCOUNT);
    let cx = Context::new(&spec, registration, now).with_account(Some(&account));
    facts::check(&spec, &mut found);
    steps::check(provider, &cx, samples, &mut found);
    found.0
}

/// The spec, with canned metadata where it needs some.
fn resolved(spec: &Spec, now: Timestamp) -> Result<Spec, String> {
    let given = spec
        .variables
        .iter()
        .filter(|variable| variable.default.is_none())
        .map(|variable| (variable.name.clone(), "fake".to_owned()))
        .collect();
    let spec = &spec
        .with_variables(&given)
        .map_err(|error| format!("the variables do not fit the addresses: {error}"))?;
    if !spec.discover {
        return Ok(spec.clone());
    }
    let issuer = spec.issuer.as_deref().unwrap_or_default();
    let answer = canned::json(200, &canned::metadata(issuer), now);
    let metadata = canned::drive(&mut *discovery(spec), vec![answer], true)
        .map_err(|failure| format!("discovery fails with {:?}", failure.kind))?;
    spec.resolve(&metadata).map_err(|error| format!("metadata does not fit the spec: {error}"))
}

/// What was found so far.
#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn add(&mut self, what: impl Into<String>) {
        self.0.push(what.into());
    }

    fn demand(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.add(what());
        }
    }
}
