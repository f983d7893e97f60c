//! The journal: what HubSpot keeps for an app that asks.

use std::time::Duration;

use bailee_core::{
    AccessToken, Effect, ProviderCode, Timestamp, WithdrawalReason, event::RequestKind,
};
use http::{Method, StatusCode, header};
use serde_json::Value as Document;
use url::Url;
use zeroize::Zeroizing;

use crate::{
    answer::Answer,
    context::Context,
    failure::{Failure, FailureKind},
    grant::AccountId,
    hubspot::{
        errors,
        oauth::{PORTAL, version},
    },
    request::{Endpoint, Issued, Request, Target, Value},
    rfc::{malformed, misuse, oauth_error},
    scan::Object,
    signal::{About, Polled, Signal, What},
    spec::{Spec, TimeUnit},
    step::{Input, Next, Step},
};

/// How often the journal is asked. It keeps three days.
const EVERY: Duration = Duration::from_secs(300);
/// When to go on where it was not read to its end.
const SOON: Duration = Duration::from_secs(1);
/// So many entries are read at once.
const MOST_FILES: usize = 10;
/// No further entry is read after so many signals.
const MOST_SIGNALS: usize = 1000;
/// The largest file that is read. Their size is not documented.
const FILE_LIMIT: usize = 16 * 1024 * 1024;

/// Reads entries one after the other, from where it was read to. There is a form for several at
/// once; that they come in order is not said of it.
pub(in crate::hubspot) struct Journal {
    spec: Spec,
    base: Url,
    token_request: Option<Request>,
    token: Option<Issued>,
    /// How far it was read.
    progress: Option<String>,
    signals: Vec<Signal>,
    files: usize,
    state: State,
}

enum State {
    Begin,
    Token,
    Earliest,
    Next,
    /// The entry behind the one that was read last is not there: is that the last one, or forgotten?
    Latest,
    /// The file of the entry at this offset.
    File(String),
    Over,
}

impl Journal {
    pub(in crate::hubspot) fn new(
        cx: &Context<'_>,
        scopes: &str,
        progress: Option<&str>,
    ) -> Option<Self> {
        let url = cx.spec.endpoints.token.clone()?;
        let mut request = Request::new(Method::POST, url, Endpoint::Token, Effect::Idempotent)
            .with_header(header::CACHE_CONTROL, Value::text("no-cache"));
        request.push_field("grant_type", Value::text("client_credentials"));
        request.push_field("scope", Value::text(scopes));
        cx.authenticate(&mut request);
        let version = version(cx, "journal_version");
        let path = format!("/webhooks-journal/journal/{version}/");
        let base = cx.spec.api.as_ref().and_then(|api| api.join(&path).ok())?;
        Some(Self {
            spec: cx.spec.clone(),
            base,
            token_request: Some(request),
            token: None,
            progress: progress.filter(|offset| is_offset(offset)).map(ToOwned::to_owned),
            signals: Vec::new(),
            files: 0,
            state: State::Begin,
        })
    }

    fn ask(&self, path: &str) -> Result<Next<Polled>, Failure> {
        let url = self.base.join(path).map_err(|_| malformed())?;
        let token = self.token.clone().ok_or_else(misuse)?;
        let request = Request::new(Method::GET, url, Endpoint::Api, Effect::Read)
            .with_header(header::AUTHORIZATION, Value::Issued(token));
        Ok(Next::Send(request))
    }

    fn ask_next(&mut self) -> Result<Next<Polled>, Failure> {
        match &self.progress {
            Some(offset) => {
                let path = format!("offset/{offset}/next");
                self.state = State::Next;
                self.ask(&path)
            }
            None => {
                self.state = State::Earliest;
                self.ask("earliest")
            }
        }
    }

    fn token(&mut self, answer: &Answer) -> Result<Next<Polled>, Failure> {
        let judged = errors::judge(&self.spec, answer);
        if let Some(failure) = judged.or_else(|| oauth_error::judge(&self.spec, answer)) {
            return Err(ours(failure));
        }
        let document = Object::parse(&answer.body).map_err(|_| malformed())?;
        let token = document.string("access_token").map_err(|_| malformed())?;
        let token = token.filter(|token| !token.is_empty()).ok_or_else(malformed)?;
        let mut bearer = Zeroizing::new(Vec::with_capacity(BEARER.len() + token.len()));
        bearer.extend_from_slice(BEARER);
        bearer.extend_from_slice(&token);
        self.token = Some(Issued::new(AccessToken::copy_from(&bearer)));
        self.ask_next()
    }

    /// An entry: where its file lies, and its offset. None where there is none.
    fn entry(&self, answer: &Answer) -> Result<Option<(Option<Issued>, String)>, Failure> {
        if matches!(answer.status, StatusCode::NO_CONTENT | StatusCode::NOT_FOUND) {
            return Ok(None);
        }
        if let Some(failure) = errors::classify(&self.spec, answer) {
            return Err(ours(failure));
        }
        if answer.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let document = Object::parse(&answer.body).map_err(|_| malformed())?;
        let offset = document.get("currentOffset").map_err(|_| malformed())?;
        let Some(offset) = offset.and_then(|offset| offset.text()) else { return Ok(None) };
        if !is_offset(&offset) {
            return Err(malformed());
        }
        let url = document.string("url").map_err(|_| malformed())?;
        Ok(Some((url.map(|url| Issued::new(AccessToken::copy_from(&url))), offset)))
    }

    fn fetch(&mut self, answer: &Answer) -> Result<Next<Polled>, Failure> {
        let Some((Some(url), offset)) = self.entry(answer)? else { return Ok(self.done(EVERY)) };
        if self.progress.as_ref() == Some(&offset) {
            return Ok(self.done(EVERY));
        }
        // Whoever drives the step checks it again. A host that is not listed is for the operator to
        // look at, so it has a code of its own.
        let listed = url.expose(|url| {
            let text = std::str::from_utf8(url).ok();
            text.is_some_and(|text| self.spec.check_journal_address(text).is_ok())
        });
        if !listed {
            return Err(malformed().with_code(ProviderCode::known("journal_host")));
        }
        self.state = State::File(offset);
        let mut request =
            Request::new(Method::GET, Target::Issued(url), Endpoint::Api, Effect::Read);
        request.limit = FILE_LIMIT;
        Ok(Next::Send(request))
    }

    fn file(&mut self, offset: String, answer: &Answer) -> Result<Next<Polled>, Failure> {
        if !answer.status.is_success() {
            // Its address is good for a while only; the next question brings a fresh one.
            return Err(FailureKind::Unavailable.into());
        }
        self.signals.extend(said(&answer.body)?);
        self.progress = Some(offset);
        self.files += 1;
        if self.files >= MOST_FILES || self.signals.len() >= MOST_SIGNALS {
            return Ok(self.done(SOON));
        }
        self.ask_next()
    }

    fn latest(&mut self, answer: &Answer) -> Result<Next<Polled>, Failure> {
        match self.entry(answer)? {
            // What was read last is older than what the journal keeps.
            Some((_, offset)) if self.progress.as_ref() != Some(&offset) => {
                self.progress = None;
                self.ask_next()
            }
            _ => Ok(self.done(EVERY)),
        }
    }

    fn done(&mut self, again: Duration) -> Next<Polled> {
        self.state = State::Over;
        let signals = std::mem::take(&mut self.signals);
        Next::Done(Polled::new(signals, self.progress.clone(), again))
    }
}

impl Step<Polled> for Journal {
    fn next(&mut self, input: Input) -> Result<Next<Polled>, Failure> {
        let next = match (std::mem::replace(&mut self.state, State::Over), input) {
            (State::Begin, Input::Start) => {
                self.state = State::Token;
                Ok(Next::Send(self.token_request.take().ok_or_else(misuse)?))
            }
            (State::Token, Input::Answer(answer)) => self.token(&answer),
            (State::Earliest, Input::Answer(answer)) => self.fetch(&answer),
            (State::Next, Input::Answer(answer)) if answer.status == StatusCode::NOT_FOUND => {
                self.state = State::Latest;
                self.ask("latest")
            }
            (State::Next, Input::Answer(answer)) => self.fetch(&answer),
            (State::Latest, Input::Answer(answer)) => self.latest(&answer),
            (State::File(offset), Input::Answer(answer)) => self.file(offset, &answer),
            _ => return Err(misuse()),
        };
        match next {
            // What was read is not lost for what could not be.
            Err(failure) if self.files > 0 => Ok(self.done(match failure.retry_after {
                Some(wait) => wait.max(SOON),
                None => SOON,
            })),
            next => next,
        }
    }
}

/// What is refused to the app is nobody's grant.
fn ours(failure: Failure) -> Failure {
    match failure.kind {
        FailureKind::AccessRejected
        | FailureKind::Blocked
        | FailureKind::GrantOver
        | FailureKind::InvalidInput
        | FailureKind::ScopeMissing => {
            Failure { kind: FailureKind::ClientConfiguration, ..failure }
        }
        _ => failure,
    }
}

/// What a file says: `{ "journalEvents": […] }`, or the events without anything around them. What
/// they are is written in the words of the subscription or in those of the webhooks.
fn said(file: &[u8]) -> Result<Vec<Signal>, Failure> {
    let document: Document = serde_json::from_slice(file).map_err(|_| malformed())?;
    let listed = ["journalEvents", "events", "results"]
        .into_iter()
        .find_map(|name| document.get(name).and_then(Document::as_array));
    let events = match (listed, &document) {
        (Some(events), _) => events.as_slice(),
        (None, Document::Array(events)) => events.as_slice(),
        (None, Document::Object(_)) => std::slice::from_ref(&document),
        _ => return Err(malformed()),
    };
    let mut signals = Vec::new();
    for event in events {
        if let Some(signal) = signal(event)
            && !signals.contains(&signal)
        {
            signals.push(signal);
        }
    }
    Ok(signals)
}

fn signal(event: &Document) -> Option<Signal> {
    let text = |name: &str| match event.get(name) {
        Some(Document::String(text)) => text.clone(),
        Some(Document::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let word = |name: &str| text(name).to_ascii_uppercase();
    let kinds = [word("subscriptionType"), word("type")];
    let is = |kind: &str| kinds.iter().any(|known| known == kind);
    let action = word("action");
    let what = if text("eventTypeId") == UNINSTALL || action == "APP_UNINSTALL" {
        What::withdrawn(WithdrawalReason::AccessRemoved)
    } else if action == "GDPR_DELETE" || is("GDPR_PRIVACY_DELETION") {
        let id = text("objectId");
        let detail = match text("objectTypeId").as_str() {
            "0-1" | "" => ("contact".to_owned(), id),
            kind => (format!("object {kind}"), id),
        };
        // An id is a number: an e-mail address in its place is nobody's to keep.
        let known =
            (1..=20).contains(&detail.1.len()) && detail.1.bytes().all(|b| b.is_ascii_digit());
        let details = if known && detail.0.len() <= 32 { vec![detail] } else { Vec::new() };
        What::Request { kind: RequestKind::OthersErasure, within: None, details }
    } else {
        return None;
    };
    let id = AccountId::new(PORTAL, text("portalId"))?;
    let at = when(&text("occurredAt"));
    Some(Signal::new(About::Account { id, issuer: None }, what).at(at))
}

/// Milliseconds in one place, a date in another.
fn when(text: &str) -> Option<Timestamp> {
    TimeUnit::Milliseconds.read(text).or_else(|| TimeUnit::Rfc3339.read(text))
}

/// A UUID, or whatever else of letters, digits and hyphens.
fn is_offset(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

const BEARER: &[u8] = b"Bearer ";
/// The type of the event that the app was uninstalled.
const UNINSTALL: &str = "4-1916193";
