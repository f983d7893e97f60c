//! A call of one request with JSON both ways: what most operations are.

use std::{borrow::Cow, fmt::Write, marker::PhantomData, sync::Arc};

use bailee_core::{Effect, Error, ErrorKind, Result};
use http::{HeaderMap, Method, header};
use serde::de::DeserializeOwned;
use url::Url;

use crate::{
    answer::Answer,
    at_once::AtOnce,
    context::Context,
    download::{FileFacts, Transfer},
    failure::{Failure, FailureKind},
    next_address,
    operation::OperationFacts,
    page::Cursor,
    request::{Endpoint, Json, Payload, Request, Value},
    rfc::{classify, malformed, misuse},
    spec::{Spec, SpecFacts},
    step::{Input, Next, Step},
};

/// The largest answer of an operation, in bytes.
const LIMIT: usize = 1024 * 1024;

/// A call of one request with JSON both ways.
///
/// It is put behind the spec's `api` address and authorized with the connection's credential. A
/// part of the path is percent-encoded as one segment, so that a value cannot change the path.
pub struct JsonCall {
    spec: Spec,
    request: std::result::Result<Request, Failure>,
    path: String,
    query: Vec<(Cow<'static, str>, Value)>,
    payload: Payload,
    classify: Classify,
}

/// What an answer of the API means; none where it is a success.
pub type Classify = fn(&SpecFacts, &Answer) -> Option<Failure>;

impl JsonCall {
    /// The call that an operation's facts state.
    pub fn new(cx: &Context<'_>, facts: &OperationFacts) -> Self {
        Self::of(cx, facts.method.clone(), facts.path, facts.effect)
    }

    /// A call of a method and a path, with `{name}` where a part is filled in.
    pub fn of(cx: &Context<'_>, method: Method, path: impl Into<String>, effect: Effect) -> Self {
        let request = match cx.api() {
            Some(url) => {
                let mut request = Request::new(method, url.clone(), Endpoint::Api, effect);
                request.limit = LIMIT;
                Ok(request.with_credential(cx.spec))
            }
            None => Err(FailureKind::Unsupported.into()),
        };
        Self {
            spec: cx.spec.clone(),
            request,
            path: path.into(),
            query: Vec::new(),
            payload: Payload::Empty,
            classify: classify::answer,
        }
    }

    /// Puts the path behind another of the spec's addresses ([`SpecFacts::apis`]). An account's own
    /// API does not replace it.
    #[must_use]
    pub fn at(mut self, name: &str) -> Self {
        let base = self.spec.apis.iter().find(|(known, _)| known == name);
        match (base, &mut self.request) {
            (Some((_, base)), Ok(request)) => request.target = base.clone().into(),
            (None, _) => self.request = Err(FailureKind::Unsupported.into()),
            (Some(_), Err(_)) => {}
        }
        self
    }

    /// Fills `{name}` of the path in.
    #[must_use]
    pub fn part(mut self, name: &str, value: &str) -> Self {
        let mut encoded = String::with_capacity(value.len());
        for byte in value.bytes() {
            // Dots are encoded too: `..` is a segment that parsers resolve.
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') {
                encoded.push(char::from(byte));
            } else {
                // Writing to a string does not fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
        // A segment of dots alone is a step in the path even when it is encoded.
        let harmless = !value.is_empty() && !value.bytes().all(|b| b == b'.');
        if !harmless {
            self.request = Err(FailureKind::InvalidInput.into());
        }
        self.path = self.path.replace(&format!("{{{name}}}"), &encoded);
        self
    }

    /// Adds a parameter to the query.
    #[must_use]
    pub fn query(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), Value::Text(value.into())));
        self
    }

    /// Replaces the query by that of the next page's address ([`Cursor::of_address`]): such an
    /// address repeats everything that was asked for.
    #[must_use]
    pub fn continued(mut self, cursor: &Cursor) -> Self {
        self.query = next_address::pairs(cursor)
            .map(|(name, value)| (name.into(), Value::Text(value)))
            .collect();
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: &impl serde::Serialize) -> Self {
        match Json::of(body) {
            Ok(json) => self.payload = Payload::Json(json),
            Err(_) => self.request = Err(FailureKind::InvalidInput.into()),
        }
        self
    }

    /// Refuses the call before anything leaves where what was given does not hold.
    #[must_use]
    pub fn demand(mut self, holds: bool) -> Self {
        if !holds {
            self.request = Err(FailureKind::InvalidInput.into());
        }
        self
    }

    /// Sets a body that is not JSON.
    #[must_use]
    pub fn bytes(
        mut self,
        bytes: impl Into<Arc<[u8]>>,
        content_type: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.payload = Payload::Bytes { bytes: bytes.into(), content_type: content_type.into() };
        self
    }

    /// Sets how large the answer may be, in bytes. 1 MiB where it is not set.
    #[must_use]
    pub fn limit(mut self, bytes: usize) -> Self {
        self.request = self.request.map(|request| Request { limit: bytes, ..request });
        self
    }

    /// Sets a header that the provider asks for.
    #[must_use]
    pub fn header(mut self, name: http::HeaderName, value: impl Into<String>) -> Self {
        self.request = self.request.map(|request| request.with_header(name, Value::text(value)));
        self
    }

    /// Sets what says whether an answer is a success, where the provider differs from the RFCs.
    #[must_use]
    pub fn classify(mut self, classify: Classify) -> Self {
        self.classify = classify;
        self
    }

    /// Makes a step of it that reads the answer into a type and a value out of that.
    pub fn read<W, T>(
        self,
        read: impl FnOnce(W) -> std::result::Result<T, Failure> + Send + 'static,
    ) -> Box<dyn Step<T>>
    where
        W: DeserializeOwned + 'static,
        T: Send + 'static,
    {
        self.read_with_headers(|wire, _| read(wire))
    }

    /// The same where the answer's headers say something too, such as the next page
    /// ([`next_link`](crate::next_link)).
    pub fn read_with_headers<W, T>(
        self,
        read: impl FnOnce(W, &HeaderMap) -> std::result::Result<T, Failure> + Send + 'static,
    ) -> Box<dyn Step<T>>
    where
        W: DeserializeOwned + 'static,
        T: Send + 'static,
    {
        let (spec, classify) = (self.spec.clone(), self.classify);
        Box::new(JsonStep {
            spec,
            classify,
            request: Some(self.into_request()),
            read: Some(read),
            types: PhantomData,
        })
    }

    /// Makes a step of it whose success says all there is: its body is not read.
    pub fn done(self) -> Box<dyn Step<()>> {
        self.read_headers(|_| Ok(()))
    }

    /// Makes a step of it for an answer whose body says nothing: what there is to know stands in
    /// the headers, or is that it was a success.
    pub fn read_headers<T>(
        self,
        read: impl FnOnce(&HeaderMap) -> std::result::Result<T, Failure> + Send + 'static,
    ) -> Box<dyn Step<T>>
    where
        T: Send + 'static,
    {
        let (spec, classify) = (self.spec.clone(), self.classify);
        let request = Some(self.into_request());
        Box::new(HeaderStep { spec, classify, request, read: Some(read) })
    }

    /// Makes a step of it that gives the answer as it is, for callers who read it themselves.
    ///
    /// An answer of any status is one, except those that are about the token or a rate limit, and
    /// a fault of the provider's own after a request that must not be repeated: those are failures
    /// as everywhere.
    pub fn answer(self) -> Box<dyn Step<Answer>> {
        let (spec, classify) = (self.spec.clone(), self.classify);
        let effect = self.request.as_ref().map_or(Effect::Read, |request| request.effect);
        Box::new(AnswerStep { spec, classify, effect, request: Some(self.into_request()) })
    }

    /// Makes a step of it that ends in the request for a file, with what is known of the file.
    pub fn download(self, file: FileFacts) -> Box<dyn Step<Transfer>> {
        let request = self.into_request().map(any_type);
        Box::new(AtOnce::new(request.map(|request| Transfer::new(request, file))))
    }

    /// The same where the provider gives a part of the file too (`Range`, RFC 9110 §14).
    pub fn download_in_parts(self, file: FileFacts) -> Box<dyn Step<Transfer>> {
        let request = self.into_request().map(any_type);
        Box::new(AtOnce::new(request.map(|request| Transfer::new(request, file).with_ranges())))
    }

    /// The request alone, for steps that send several.
    ///
    /// # Errors
    ///
    /// [`FailureKind::InvalidInput`] where a part of the path or the body was not acceptable or a
    /// part is missing; [`FailureKind::Unsupported`] where the spec has no `api` address.
    pub fn into_request(self) -> std::result::Result<Request, Failure> {
        let mut request = self.request?;
        if self.path.contains(['{', '}']) {
            return Err(FailureKind::InvalidInput.into());
        }
        if let crate::request::Target::Url(url) = &mut request.target {
            *url = behind(url, &self.path).ok_or(FailureKind::InvalidInput)?;
        }
        request.query = self.query;
        request.payload = self.payload;
        Ok(request)
    }
}

impl std::fmt::Debug for JsonCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JsonCall").field("request", &self.request).finish_non_exhaustive()
    }
}

/// A file is of any type, unless the operation asks for one.
fn any_type(request: Request) -> Request {
    let json = Value::text("application/json");
    let asked = request.headers.iter().find(|(name, _)| *name == header::ACCEPT);
    if asked.is_none_or(|(_, value)| *value == json) {
        request.with_header(header::ACCEPT, Value::text("*/*"))
    } else {
        request
    }
}

/// Puts a path behind a base address. The host stays, whatever the path says.
fn behind(base: &Url, path: &str) -> Option<Url> {
    let mut url = base.clone();
    let prefix = base.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{prefix}/{}", path.trim_start_matches('/')));
    (url.host_str() == base.host_str()).then_some(url)
}

/// Checks an operation's facts against a spec.
pub(crate) fn check_facts(facts: &OperationFacts, spec: &SpecFacts) -> Result<()> {
    let wrong = |what: String| {
        Err(Error::new(ErrorKind::Configuration)
            .with_provider(spec.id.clone())
            .with_detail(format!("operation `{}`: {what}", facts.name)))
    };
    if facts.provider != spec.id {
        return wrong("it is of another provider".into());
    }
    let own = facts.name.strip_prefix(spec.id.as_str()).and_then(|rest| rest.strip_prefix('.'));
    if own.is_none_or(str::is_empty) {
        return wrong("its name does not begin with the provider's".into());
    }
    if let Some(scope) = facts.scopes.iter().find(|scope| spec.scope(scope).is_none()) {
        return wrong(format!("the scope `{scope}` is not in the catalogue"));
    }
    if !facts.path.starts_with('/') {
        return wrong("its path does not begin with a slash".into());
    }
    if spec.api.is_none() {
        return wrong("the spec has no `api` address".into());
    }
    if facts.sends.iter().chain(facts.reads).any(|category| category.trim().is_empty()) {
        return wrong("a category is empty".into());
    }
    Ok(())
}

struct AnswerStep {
    spec: Spec,
    classify: Classify,
    effect: Effect,
    request: Option<std::result::Result<Request, Failure>>,
}

impl Step<Answer> for AnswerStep {
    fn next(&mut self, input: Input) -> std::result::Result<Next<Answer>, Failure> {
        match (input, self.request.take()) {
            (Input::Start, Some(request)) => request.map(Next::Send),
            (Input::Answer(answer), None) => match (self.classify)(&self.spec, &answer) {
                Some(failure)
                    if matches!(
                        failure.kind,
                        FailureKind::AccessRejected
                            | FailureKind::GrantOver
                            | FailureKind::RateLimited
                    ) =>
                {
                    Err(failure)
                }
                // It may have come after the effect.
                _ if self.effect == Effect::Effect && answer.status.is_server_error() => {
                    Err(FailureKind::Unavailable.into())
                }
                _ => Ok(Next::Done(answer)),
            },
            _ => Err(misuse()),
        }
    }
}

struct HeaderStep<F> {
    spec: Spec,
    classify: Classify,
    request: Option<std::result::Result<Request, Failure>>,
    read: Option<F>,
}

impl<T, F> Step<T> for HeaderStep<F>
where
    F: FnOnce(&HeaderMap) -> std::result::Result<T, Failure> + Send,
{
    fn next(&mut self, input: Input) -> std::result::Result<Next<T>, Failure> {
        match (input, self.request.take()) {
            (Input::Start, Some(request)) => request.map(Next::Send),
            (Input::Answer(answer), None) => match (self.classify)(&self.spec, &answer) {
                Some(failure) => Err(failure),
                None => {
                    let read = self.read.take().ok_or_else(misuse)?;
                    read(&answer.headers).map(Next::Done)
                }
            },
            _ => Err(misuse()),
        }
    }
}

struct JsonStep<W, T, F> {
    spec: Spec,
    classify: Classify,
    request: Option<std::result::Result<Request, Failure>>,
    read: Option<F>,
    types: PhantomData<fn(W) -> T>,
}

impl<W, T, F> Step<T> for JsonStep<W, T, F>
where
    W: DeserializeOwned,
    F: FnOnce(W, &HeaderMap) -> std::result::Result<T, Failure> + Send,
{
    fn next(&mut self, input: Input) -> std::result::Result<Next<T>, Failure> {
        match (input, self.request.take()) {
            (Input::Start, Some(request)) => request.map(Next::Send),
            (Input::Answer(answer), None) => {
                if let Some(failure) = (self.classify)(&self.spec, &answer) {
                    return Err(failure);
                }
                let read = self.read.take().ok_or_else(misuse)?;
                if !answer.is_json() {
                    return Err(malformed());
                }
                // The parser's error repeats what it read, so it ends here (SEC-04).
                let wire = serde_json::from_slice(&answer.body).map_err(|_| malformed())?;
                read(wire, &answer.headers).map(Next::Done)
            }
            _ => Err(misuse()),
        }
    }
}
