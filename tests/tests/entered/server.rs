//! A small provider of keys, and an operation at it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bailee::{
    core::{CredentialName, Effect, ProviderId, ScopeName},
    http::{Category, Request, Response, Scripted, SendError, Sent},
    providers::{Context, JsonCall, Operation, OperationFacts, Step},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::json;

/// The provider: which keys are good and whose they are, and what it was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    good: BTreeMap<String, String>,
    seen: Vec<(Method, String, Option<String>)>,
    fault: Option<u16>,
    cut: bool,
}

impl Keys {
    /// Somebody made a key there, for an organisation.
    pub(crate) fn make(&self, key: &str, organisation: &str) {
        self.lock().good.insert(key.to_owned(), organisation.to_owned());
    }

    /// Somebody removed a key there.
    pub(crate) fn remove(&self, key: &str) {
        self.lock().good.remove(key);
    }

    /// It answers everything with this status from now on.
    pub(crate) fn fault(&self, status: impl Into<Option<u16>>) {
        self.lock().fault = status.into();
    }

    /// Its answers no longer arrive.
    pub(crate) fn cut(&self, cut: bool) {
        self.lock().cut = cut;
    }

    /// Method, path and key of each request, in their order.
    pub(crate) fn seen(&self) -> Vec<(Method, String, Option<String>)> {
        self.lock().seen.clone()
    }

    /// The way to it.
    pub(crate) fn client(&self) -> Scripted {
        let keys = self.clone();
        Scripted::new(move |request| keys.answer(request))
    }

    fn answer(&self, request: &Request) -> Result<Response, SendError> {
        let mut state = self.lock();
        let text = |name| {
            let value = request.headers.get(name).map(HeaderValue::as_bytes);
            value.map(|value| String::from_utf8_lossy(value).into_owned())
        };
        let key = text("x-api-key");
        let bearer = text("authorization");
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned));
        let key = key.or(bearer);
        let path = request.url.path().to_owned();
        state.seen.push((request.method.clone(), path.clone(), key.clone()));
        if state.cut {
            return Err(SendError::new(Category::Timeout, Sent::Maybe));
        }
        let organisation = key.as_ref().and_then(|key| state.good.get(key));
        let (status, body) = match (state.fault, organisation, path.as_str()) {
            (Some(status), ..) => (status, json!({"error": {"type": "fault", "key": key}})),
            // It repeats the key, as no provider should.
            (_, None, _) => (401, json!({"error": {"type": "authentication_error", "key": key}})),
            (_, Some(organisation), "/v1/models") => {
                (200, json!({"data": [], "organisation": organisation}))
            }
            (_, Some(_), "/v1/captions") => (200, json!({"text": "A good day"})),
            _ => (404, json!({"error": {"type": "not_found_error"}})),
        };
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
        let status = StatusCode::from_u16(status).expect("a status of this file");
        Ok(Response::new(status, headers, body.to_string().into_bytes().into()))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks for a caption.
#[derive(Debug)]
pub(crate) struct Caption;

static CAPTION: OperationFacts = OperationFacts {
    name: "captions.generate",
    provider: ProviderId::from_static("keys"),
    scopes: &[ScopeName::from_static("captions.generate")],
    effect: Effect::Effect,
    method: Method::POST,
    path: "/captions",
    sends: &["content"],
    reads: &[],
    credential: CredentialName::from_static("key"),
};

impl Operation for Caption {
    type Output = String;

    fn facts(&self) -> &OperationFacts {
        &CAPTION
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<String>> {
        #[derive(serde::Deserialize)]
        struct Text {
            text: String,
        }
        JsonCall::new(cx, &CAPTION)
            .body(&json!({"topic": "weather"}))
            .read(|answer: Text| Ok(answer.text))
    }
}
