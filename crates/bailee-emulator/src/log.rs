use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::Endpoint;
use crate::message::Incoming;

/// A request as the provider saw it. It holds secrets as they came: for tests only.
#[derive(Clone)]
#[non_exhaustive]
pub struct Recorded {
    /// When, by the emulator's clock.
    pub at: i64,
    /// The body; empty when it was longer than 64 KiB.
    pub body: Vec<u8>,
    /// The length of the body.
    pub body_length: usize,
    /// What it wanted.
    pub endpoint: Endpoint,
    /// Names in lower case, with values.
    pub headers: Vec<(String, String)>,
    /// The host that it was sent to.
    pub host: String,
    /// The method.
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// The query as it was sent.
    pub query: Option<String>,
    /// The status of the answer; `None` when none was sent.
    pub status: Option<u16>,
}

impl fmt::Debug for Recorded {
    /// Says what was asked where, and nothing that may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded")
            .field("at", &self.at)
            .field("endpoint", &self.endpoint)
            .field("method", &self.method)
            .field("host", &self.host)
            .field("path", &self.path)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// What came in at one site.
#[derive(Debug, Default)]
pub(crate) struct Log {
    requests: Vec<Recorded>,
    counts: BTreeMap<Endpoint, u64>,
    seen: BTreeSet<String>,
}

impl Log {
    /// Notes a request and returns its place, for the status that it will get.
    pub(crate) fn note(&mut self, at: i64, endpoint: Endpoint, request: &Incoming) -> usize {
        *self.counts.entry(endpoint).or_default() += 1;
        self.note_secrets(request);
        let short = request.body.len() <= LONGEST_KEPT;
        self.requests.push(Recorded {
            at,
            body: if short { request.body.clone() } else { Vec::new() },
            body_length: request.body.len(),
            endpoint,
            headers: request.headers.clone(),
            host: request.host.clone(),
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            status: None,
        });
        self.requests.len() - 1
    }

    pub(crate) fn answered(&mut self, place: usize, status: u16) {
        if let Some(request) = self.requests.get_mut(place) {
            request.status = Some(status);
        }
    }

    pub(crate) fn requests(&self) -> &[Recorded] {
        &self.requests
    }

    pub(crate) fn count(&self, endpoint: Endpoint) -> u64 {
        self.counts.get(&endpoint).copied().unwrap_or_default()
    }

    pub(crate) fn counts(&self) -> &BTreeMap<Endpoint, u64> {
        &self.counts
    }

    pub(crate) fn seen(&self) -> &BTreeSet<String> {
        &self.seen
    }

    fn note_secrets(&mut self, request: &Incoming) {
        for parameters in [request.query(), request.form()] {
            for (key, value) in parameters.pairs() {
                if SECRET.contains(&key.as_str()) && !value.is_empty() {
                    self.seen.insert(value.clone());
                }
            }
        }
        if let Some(Value::Object(members)) = request.json() {
            for (key, value) in &members {
                if let Some(value) = value.as_str().filter(|value| !value.is_empty())
                    && SECRET.contains(&key.as_str())
                {
                    self.seen.insert(value.to_owned());
                }
            }
        }
        for (key, value) in &request.headers {
            if SECRET_HEADERS.iter().any(|secret| key.eq_ignore_ascii_case(secret)) {
                self.seen.insert(value.clone());
            }
            if !key.eq_ignore_ascii_case("authorization") {
                continue;
            }
            let Some((scheme, credentials)) = value.split_once(' ') else {
                self.seen.insert(value.clone());
                continue;
            };
            self.seen.insert(credentials.to_owned());
            if scheme.eq_ignore_ascii_case("basic")
                && let Ok(decoded) = STANDARD.decode(credentials)
                && let Ok(text) = String::from_utf8(decoded)
                && let Some((_, secret)) = text.split_once(':')
                && !secret.is_empty()
            {
                self.seen.insert(secret.to_owned());
            }
        }
    }
}

const LONGEST_KEPT: usize = 64 * 1024;

/// Headers whose values a client must keep to itself, beside `Authorization`.
const SECRET_HEADERS: &[&str] = &["x-api-key", "x-shopify-access-token"];

/// Parameters whose values a client must keep to itself.
const SECRET: &[&str] = &[
    "access_token",
    "client_assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "nonce",
    "refresh_token",
    "state",
    "token",
    "upload_token",
];
