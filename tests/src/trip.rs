//! A person's way through a flow, one step at a time, and what tests look at on the way.

use std::time::Duration;

use bailee::{
    Answer, BeginOptions, Begun, CallbackRequest, Completed, PurposeId, Refusal, RefusalReason,
    Visitor, core::Clock,
};
use bailee_testkit::{
    Browser, World,
    emulator::{Back, Decision},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use url::Url;

/// The address under which every world is mounted.
#[must_use]
pub fn mount() -> &'static str {
    "https://app.example.test/connect"
}

/// A flow up to the moment at which the provider sends the browser back.
#[derive(Debug)]
pub struct Trip {
    /// What the flow began with.
    pub begun: Begun,
    /// The browser that has its cookie.
    pub browser: Browser,
    /// Where the provider sends it. What is posted stands in the query here, to be looked at and
    /// changed in the same ways.
    pub back: Url,
    /// Whether it is posted.
    pub posts: bool,
}

impl Trip {
    /// Begins a flow and allows everything as the account `ada`.
    ///
    /// # Panics
    ///
    /// When it cannot be begun.
    pub async fn begin(
        world: &World,
        visitor: &Visitor,
        registration: &str,
        purposes: &[PurposeId],
    ) -> Self {
        Self::choose(
            world,
            visitor,
            registration,
            purposes,
            BeginOptions::default(),
            Decision::Allow,
            "ada",
        )
        .await
    }

    /// The same with every choice.
    ///
    /// # Panics
    ///
    /// When it cannot be begun.
    pub async fn choose(
        world: &World,
        visitor: &Visitor,
        registration: &str,
        purposes: &[PurposeId],
        options: BeginOptions,
        decision: Decision,
        account: &str,
    ) -> Self {
        let connections = world.bailee.connections();
        let begun = connections
            .begin_with(visitor, registration, purposes, options)
            .await
            .expect("the flow begins");
        let browser = Browser::new();
        browser.take(begun.answer());
        let (address, posts) = match world.decide(&begun, decision, account).await {
            Back::Redirect(address) => (address, false),
            Back::Post(form) => (format!("{}?{}", form.action, form.body), true),
            _ => panic!("a browser comes back by a redirect or with a form"),
        };
        let back = Url::parse(&address).expect("a provider sends the browser to an address");
        Self { begun, browser, back, posts }
    }

    /// The query that the provider gave.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn query(&self) -> &str {
        self.back.query().expect("a callback has a query")
    }

    /// A parameter of it, decoded.
    ///
    /// # Panics
    ///
    /// When it is not there.
    #[must_use]
    pub fn parameter(&self, name: &str) -> String {
        let mut pairs = self.back.query_pairs();
        let found = pairs.find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned()).expect("the callback has this parameter")
    }

    /// The query with one parameter set to another value, which is encoded.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> String {
        let mut url = self.back.clone();
        let kept: Vec<_> =
            self.back.query_pairs().into_owned().filter(|(known, _)| known != name).collect();
        url.query_pairs_mut().clear().extend_pairs(kept).append_pair(name, value);
        url.query().unwrap_or_default().to_owned()
    }

    /// The query without a parameter.
    #[must_use]
    pub fn without(&self, name: &str) -> String {
        let mut url = self.back.clone();
        let kept: Vec<_> =
            self.back.query_pairs().into_owned().filter(|(known, _)| known != name).collect();
        url.query_pairs_mut().clear().extend_pairs(kept);
        url.query().unwrap_or_default().to_owned()
    }

    /// The cookie headers of the browser at the callback.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        self.browser.headers(self.back.path())
    }

    /// The name of the flow's cookie and its value.
    ///
    /// # Panics
    ///
    /// When the flow planted none.
    #[must_use]
    pub fn cookie(&self) -> (String, String) {
        let planted = cookies(self.begun.answer());
        let pair = planted[0].split(';').next().and_then(|pair| pair.split_once('='));
        pair.map(|(name, value)| (name.to_owned(), value.to_owned())).expect("a cookie has a name")
    }

    /// The request that an honest browser makes.
    #[must_use]
    pub fn request(&self) -> CallbackRequest {
        self.browser.callback(self.back.as_str())
    }

    /// The same with another query.
    #[must_use]
    pub fn asking(&self, query: &str) -> CallbackRequest {
        self.at(query, &self.headers())
    }

    /// A request with this query and these headers to the callback of the flow.
    #[must_use]
    pub fn at(&self, query: &str, headers: &HeaderMap) -> CallbackRequest {
        CallbackRequest::new(self.registration(), Method::GET, query, headers)
    }

    /// The POST that the provider's page makes, with this body.
    #[must_use]
    pub fn posting(&self, body: &str) -> CallbackRequest {
        self.posting_with(body, self.browser.crossing_headers(self.back.path()))
    }

    /// The same with headers of one's own beside the type of the body.
    #[must_use]
    pub fn posting_with(&self, body: &str, mut headers: HeaderMap) -> CallbackRequest {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(header::CONTENT_TYPE, form);
        let request = CallbackRequest::new(self.registration(), Method::POST, "", &headers);
        request.body(body.as_bytes())
    }

    /// Posts as an honest browser does, and gives the GET that comes of it.
    ///
    /// # Panics
    ///
    /// When what is posted is refused.
    pub async fn post(&self, world: &World) -> CallbackRequest {
        let outcome = world.bailee.connections().complete(None, self.posting(self.query())).await;
        let refusal = outcome.expect_err("a form alone connects nothing");
        assert_eq!(refusal.reason(), RefusalReason::ComesBack, "{refusal:?}");
        self.browser.follow(refusal.answer())
    }

    /// The registration in the path of the callback.
    ///
    /// # Panics
    ///
    /// On what is not the path of a callback.
    #[must_use]
    pub fn registration(&self) -> &str {
        self.back
            .path_segments()
            .and_then(|segments| segments.rev().nth(1))
            .expect("a callback path ends in the registration and `callback`")
    }

    /// Ends the flow as an honest browser does.
    ///
    /// # Errors
    ///
    /// As [`bailee::Connections::complete`].
    pub async fn complete(&self, world: &World, visitor: &Visitor) -> Result<Completed, Refusal> {
        let request = if self.posts { self.post(world).await } else { self.request() };
        world.bailee.connections().complete(visitor, request).await
    }
}

/// A callback with a cookie of one's own.
///
/// # Panics
///
/// When the cookie cannot stand in a header.
#[must_use]
pub fn callback(registration: &str, query: &str, cookie: &str) -> CallbackRequest {
    let mut headers = HeaderMap::new();
    let cookie = HeaderValue::from_str(cookie).expect("a cookie fits a header");
    headers.insert(header::COOKIE, cookie);
    CallbackRequest::new(registration, Method::GET, query, &headers)
}

/// The cookies that an answer sets, whole.
#[must_use]
pub fn cookies(answer: &Answer) -> Vec<String> {
    let lines = answer.headers().get_all(header::SET_COOKIE).iter();
    lines.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned()).collect()
}

/// Where an answer sends the browser.
///
/// # Panics
///
/// When it does not.
#[must_use]
pub fn location(answer: &Answer) -> Url {
    let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    Url::parse(location.expect("a redirect has a location")).expect("it is an address")
}

/// Sees that a callback was refused for this reason, with the answer that all refusals have, and
/// that the log says so.
///
/// # Panics
///
/// When it was not.
pub async fn rejected(
    world: &World,
    outcome: Result<Completed, Refusal>,
    reason: RefusalReason,
) -> Refusal {
    let refusal = outcome.expect_err("the callback is refused");
    assert_eq!(refusal.reason(), reason, "{refusal:?}");
    let answer = refusal.answer();
    let status = match reason {
        RefusalReason::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        _ => StatusCode::BAD_REQUEST,
    };
    assert_eq!(answer.status(), status, "{reason:?}");
    settled(answer);
    let now = world.clock.now();
    let log = world.audit("~").await.into_iter().map(|logged| logged.entry);
    let said: Vec<_> = log
        .filter(|entry| entry.event() == "flow.rejected" && entry.at() == now)
        .filter_map(|entry| entry.field("reason").map(ToString::to_string))
        .collect();
    assert_eq!(said, [reason.code()], "the log says why");
    // What is refused next has a time of its own.
    world.advance(Duration::from_millis(1));
    refusal
}

/// Sees that an answer has the headers that every answer of a callback has.
///
/// # Panics
///
/// When it has not.
pub fn settled(answer: &Answer) {
    for (name, wanted) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        let found: Vec<_> = answer.headers().get_all(&name).iter().collect();
        assert_eq!(found, [wanted], "{name}");
    }
    assert!(!answer.body().contains("http"), "a page of ours links nowhere");
}
