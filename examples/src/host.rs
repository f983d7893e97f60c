//! The host's own side: who may act, and a browser.

use std::time::Duration;

use async_trait::async_trait;
use bailee::{
    Access, Act, Answer, Begun, CallbackRequest, Event, EventSink, HostError, HostId, SubjectId,
    TenantId,
    core::{Clock, ManualClock, Monotonic, Timestamp},
};
use http::{HeaderMap, HeaderValue, Method, header};

/// A clock that moves a little with each look at it, so that what happens has an order, and by
/// hours when the story says so.
#[derive(Clone, Debug, Default)]
pub struct StoryClock(ManualClock);

impl StoryClock {
    /// Lets time pass.
    pub fn advance(&self, duration: Duration) {
        self.0.advance(duration);
    }
}

impl Clock for StoryClock {
    fn now(&self) -> Timestamp {
        self.0.advance(Duration::from_millis(1));
        self.0.now()
    }

    fn monotonic(&self) -> Monotonic {
        self.0.monotonic()
    }
}

/// In this service people use their own accounts, and nobody else's.
#[derive(Clone, Copy, Debug)]
pub struct OwnAccounts;

#[async_trait]
impl Access for OwnAccounts {
    async fn may(
        &self,
        _: &HostId,
        subject: Option<SubjectId>,
        _: &TenantId,
        act: Act,
    ) -> Result<bool, HostError> {
        let (Act::Connect(owner) | Act::Disconnect(owner) | Act::Use(owner)) = act else {
            return Ok(false);
        };
        Ok(owner.subject().is_some() && owner.subject() == subject)
    }

    async fn tenants(&self, _: &HostId) -> Result<Vec<TenantId>, HostError> {
        Ok(vec![TenantId::from_static("acme")])
    }
}

/// The host hears of what happened.
#[derive(Clone, Copy, Debug)]
pub struct Printed;

#[async_trait]
impl EventSink for Printed {
    async fn deliver(&self, event: &Event) -> Result<(), HostError> {
        crate::told::line("the host is told", &format!("{}: {:?}", event.provider, event.what));
        Ok(())
    }
}

/// Where the host sends the browser.
///
/// # Panics
///
/// Never: what begins a flow redirects.
#[must_use]
pub fn location(begun: &Begun) -> &str {
    begun
        .answer()
        .headers()
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok())
        .expect("what begins a flow redirects")
}

/// The request with which the browser comes back to the callback, its cookie with it.
///
/// # Panics
///
/// On an address that is no callback.
#[must_use]
pub fn comes_back(to: &str, with_cookies_of: &Answer) -> CallbackRequest {
    let (address, query) = to.split_once('?').expect("a provider answers in the query");
    let registration = address.rsplit('/').nth(1).expect("the registration is in the path");
    let mut headers = HeaderMap::new();
    for cookie in with_cookies_of.headers().get_all(header::SET_COOKIE) {
        let pair = cookie.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
        if let Ok(pair) = HeaderValue::from_str(pair) {
            headers.append(header::COOKIE, pair);
        }
    }
    CallbackRequest::new(registration, Method::GET, query, &headers)
}
