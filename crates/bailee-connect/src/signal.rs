//! What a provider sends of its own accord: proved over the raw bytes, kept in one commit, answered.
//!
//! Nothing is done about it here. The inbox record and its work are one commit, the provider gets
//! its answer at once, and a worker acts ([`crate::inbox`]). One record is both: what a crash does
//! not lose, and what a repetition runs into.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bailee_core::{Error, ErrorKind, Id, Monotonic, Result, TenantId, audit::Entry, sha256};
use bailee_providers::{
    Context,
    signal::{Delivery, EventTokenProof, KeySet, Opening, Reading, Reply, SignalRefusal},
};
use bailee_store::{Due, Key};
use bailee_vault::{Draft, Holder};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use zeroize::Zeroizing;

use crate::{
    answer::Answer,
    body,
    connections::Connections,
    drive::NoSecrets,
    engine::Engine,
    inbox::InboxBody,
    kind,
    registration::Registered,
    signature::{proves, sign},
};

/// The longest body that is read. A host need not read more than a byte beyond it.
const LONGEST: usize = 256 * 1024;
/// The longest query.
const LONGEST_QUERY: usize = 8 * 1024;
/// Keys are fetched anew for a token of an unknown key, but no oftener than this: whoever makes up
/// key ids must not make us ask the provider.
const KEYS_AT_MOST_EVERY: Duration = Duration::from_secs(60);

/// A request to a registration's signal address, as the host received it. `Debug` shows the method
/// alone.
pub struct SignalRequest {
    registration: String,
    topic: Option<String>,
    method: Method,
    query: Zeroizing<String>,
    headers: HeaderMap,
    body: Zeroizing<Vec<u8>>,
}

impl SignalRequest {
    /// A request: the registration's id out of the path (`<mount>/<registration>/signal`), the
    /// method, the raw query (without `?`), the headers and the raw body, before anything has
    /// parsed it. More than 256 KiB are refused.
    pub fn new(
        registration: impl Into<String>,
        method: Method,
        query: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Self {
        let end = query.len().min(LONGEST_QUERY + 1);
        let end = (0..=end).rev().find(|end| query.is_char_boundary(*end)).unwrap_or(0);
        let mut headers = headers.clone();
        for (_, value) in headers.iter_mut() {
            value.set_sensitive(true);
        }
        Self {
            registration: registration.into(),
            topic: None,
            method,
            query: Zeroizing::new(query[..end].to_owned()),
            headers,
            body: Zeroizing::new(body[..body.len().min(LONGEST + 1)].to_vec()),
        }
    }

    /// Says what stood behind the signal address (`<mount>/<registration>/signal/<topic>`), where a
    /// provider is given several addresses.
    #[must_use]
    pub fn topic(mut self, topic: impl Into<String>) -> Self {
        self.topic = Some(topic.into());
        self
    }
}

impl fmt::Debug for SignalRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

/// What became of a request to a signal address.
#[derive(Debug)]
#[non_exhaustive]
pub struct TakenSignal {
    /// What came of it.
    pub outcome: SignalOutcome,
    /// What to answer to the provider, as it is.
    pub answer: Answer,
}

/// What came of a request to a signal address.
#[derive(Debug)]
#[non_exhaustive]
pub enum SignalOutcome {
    /// It asked something that says nothing of anybody.
    Answered,
    /// Nothing could be kept: the provider is told to come again.
    Failed(Error),
    /// It is the provider's, and says nothing that matters here.
    Ignored,
    /// It is kept, and a worker acts on it.
    Kept,
    /// It is refused, for the reason of this word. Nothing was written but an audit entry.
    Refused(&'static str),
    /// It came before.
    Repeated,
}

impl Connections {
    /// Takes what a provider sends of its own accord: that somebody removed the application there,
    /// that an account is gone, that data is to be deleted.
    ///
    /// A host routes every method of `<mount>/<registration>/signal` and
    /// `<mount>/<registration>/signal/<topic>` here, with the raw body, and sends the answer as it
    /// is. There is no session and no protection against forged requests to pass: the provider's
    /// signature is the proof.
    ///
    /// The answer is sent before anything is done about the signal, within the time of one commit;
    /// [`crate::Worker`] does what follows.
    pub async fn take_signal(&self, request: SignalRequest) -> TakenSignal {
        let engine = &self.engine;
        let registered = bailee_core::RegistrationId::new(request.registration.as_str())
            .ok()
            .and_then(|id| engine.0.registrations.get(&id).cloned());
        let Some(registered) = registered else {
            // Whoever guesses at paths writes nothing.
            return refused(StatusCode::NOT_FOUND, SignalRefusal::Unknown.code(), None);
        };
        match engine.take(&registered, &request).await {
            Ok(taken) => taken,
            Err(Stop::Refused(status, word)) => {
                engine.note_refused_signal(&registered, word).await;
                let push = registered.provider.spec().signals.push.as_ref();
                let body = push.and_then(|push| push.refusal_body(word));
                refused(status, word, body)
            }
            Err(Stop::Failed(error)) => {
                tracing::error!(kind = ?error.kind(), "a signal could not be kept");
                // The provider comes again: 4xx would be taken for the last word.
                let answer = Answer::bare(StatusCode::SERVICE_UNAVAILABLE)
                    .with_header(header::RETRY_AFTER, HeaderValue::from_static("60"));
                TakenSignal { outcome: SignalOutcome::Failed(error), answer }
            }
        }
    }
}

/// Why nothing was kept.
enum Stop {
    Failed(Error),
    Refused(StatusCode, &'static str),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Engine {
    async fn take(
        &self,
        registered: &Arc<Registered>,
        request: &SignalRequest,
    ) -> Result<TakenSignal, Stop> {
        let too_long = request.body.len() > LONGEST || request.query.len() > LONGEST_QUERY;
        if too_long {
            return Err(Stop::Refused(StatusCode::PAYLOAD_TOO_LARGE, "too_long"));
        }
        let spec = registered.known_spec();
        let cx = Context::new(&spec, &registered.facts, self.0.clock.now());
        let topic = request.topic.as_deref();
        let mut address = self.0.mount.signal_address(registered.id(), topic);
        if !request.query.is_empty() {
            address.push('?');
            address.push_str(&request.query);
        }
        let delivery = Delivery::new(&request.method, &address, &request.headers, &request.body)
            .with_topic(topic);
        let refused =
            spec.signals.push.as_ref().map_or(StatusCode::UNAUTHORIZED, |push| push.refused);
        let refuse = |refusal: SignalRefusal| {
            let status = match refusal {
                SignalRefusal::Malformed => StatusCode::BAD_REQUEST,
                SignalRefusal::Method => StatusCode::METHOD_NOT_ALLOWED,
                SignalRefusal::Unknown => StatusCode::NOT_FOUND,
                _ => refused,
            };
            Stop::Refused(status, refusal.code())
        };
        let forged = || Stop::Refused(refused, "forged");
        // Before the proof whatever is wrong is a wrong proof, with the status that the provider
        // expects for one.
        let unproved = |refusal: SignalRefusal| match refuse(refusal) {
            Stop::Refused(StatusCode::BAD_REQUEST, word) => Stop::Refused(refused, word),
            stop => stop,
        };
        match registered.provider.open_signal(&cx, &delivery).map_err(unproved)? {
            Opening::Answer(reply) => {
                let answer = self.answer_to(registered, reply, None).await?;
                return Ok(TakenSignal { outcome: SignalOutcome::Answered, answer });
            }
            Opening::Check(proof) => {
                let secrets = self.signing_secrets(registered, proof.secret).await?;
                if secrets.is_empty() {
                    // The provider may come again when the host has given one.
                    return Err(Stop::Refused(StatusCode::SERVICE_UNAVAILABLE, "no_secret"));
                }
                if !proves(&proof, &secrets) {
                    return Err(forged());
                }
            }
            Opening::CheckToken(proof) => {
                if !self.is_signed_by_provider(registered, &proof).await? {
                    return Err(forged());
                }
            }
            _ => return Err(Error::new(ErrorKind::Unsupported).into()),
        }
        let reading = registered.provider.read_signal(&cx, &delivery).map_err(|refusal| {
            // It is the provider's own: its form changed, or it is for another client.
            tracing::error!(code = refusal.code(), "a signal of the provider cannot be read");
            refuse(refusal)
        })?;
        self.keep_signal(registered, &delivery, reading).await
    }

    /// Whether one of the provider's keys made the token: those at hand, else those that it shows
    /// now.
    async fn is_signed_by_provider(
        &self,
        registered: &Arc<Registered>,
        proof: &EventTokenProof,
    ) -> Result<bool> {
        let now = self.0.clock.monotonic();
        let known = registered.signal_keys(now);
        if let Some((keys, age)) = &known
            && *age < keys.fresh_for
            && let Some(signed) = proof.signed(keys)
        {
            return Ok(crate::signature::verify(&signed));
        }
        if known.as_ref().is_some_and(|(_, age)| *age < KEYS_AT_MOST_EVERY) {
            return Ok(false);
        }
        let keys = match self.fetch_signal_keys(registered).await {
            Ok(keys) => keys,
            // Those that were good an hour ago are better than to lose what is said now.
            Err(error) => match known {
                Some((keys, _)) if error.kind() == ErrorKind::ProviderUnavailable => keys,
                _ => return Err(error),
            },
        };
        Ok(proof.signed(&keys).is_some_and(|signed| crate::signature::verify(&signed)))
    }

    async fn fetch_signal_keys(&self, registered: &Arc<Registered>) -> Result<Arc<KeySet>> {
        let line = self.line(registered).await?;
        let step = registered.provider.signal_keys(&line.context());
        let keys = line
            .run(step, &NoSecrets, Duration::from_secs(2))
            .await
            .map_err(|halt| line.error(halt))?;
        let keys = Arc::new(keys);
        registered.set_signal_keys(keys.clone(), self.0.clock.monotonic());
        Ok(keys)
    }

    /// Keeps what a delivery says, once.
    async fn keep_signal(
        &self,
        registered: &Registered,
        delivery: &Delivery<'_>,
        reading: Reading,
    ) -> Result<TakenSignal, Stop> {
        let digest = sha256(delivery.body);
        let named = reading.id.as_deref().map_or(digest.as_slice(), str::as_bytes);
        let topic = delivery.topic.unwrap_or_default();
        let registration = registered.id().as_str();
        let id = Id::derive(&[b"inbox", registration.as_bytes(), topic.as_bytes(), named]);
        let nothing = reading.signals.is_empty();
        let confirmed = matches!(reading.reply, Reply::Confirmation { .. });
        if nothing && !confirmed {
            let answer = self.answer_to(registered, reading.reply, None).await?;
            return Ok(TakenSignal { outcome: SignalOutcome::Ignored, answer });
        }
        let code = if confirmed { Some(self.code_of(id).await?) } else { None };
        let outcome = self.inbox(registered, id, digest, code.as_deref(), &reading).await?;
        let answer = self.answer_to(registered, reading.reply, code.as_deref()).await?;
        Ok(TakenSignal { outcome, answer })
    }

    async fn inbox(
        &self,
        registered: &Registered,
        id: Id,
        digest: [u8; 32],
        code: Option<&str>,
        reading: &Reading,
    ) -> Result<SignalOutcome> {
        let vault = &self.0.vault;
        let key = Key::new(kind::INBOX, id);
        let now = self.0.clock.now();
        let push = registered.provider.spec().signals.push.as_ref();
        let repeats = push.map(|push| push.repeats).unwrap_or_default();
        let body = InboxBody::new(registered.id().clone(), digest, code, &reading.signals, now);
        // What is not done by then is not done at all, so there is room for a long outage.
        let expires = now.plus(repeats.max(Duration::from_secs(300)) + KEPT);
        let draft = Draft::new(key.clone(), Holder::Tenant)
            .expires(expires)
            .facts(body::SCHEMA, body::encode(&body)?);
        let put = vault.put(&TenantId::SYSTEM, draft, None).await?;
        let mut batch = vault
            .batch()?
            .op(put)
            .schedule(Key::new(kind::SIGNAL, id), None, Due::After(Duration::ZERO))
            .audit(
                Entry::new("signal.received", now)
                    .with("signal", id)
                    .with("registration", registered.id())
                    .with("digest", digest)
                    .with("count", reading.signals.len() as i64),
            );
        if let Some(code) = code {
            batch = batch.op(self.put_code(code, registered, now).await?);
        }
        match vault.commit(&TenantId::SYSTEM, batch).await {
            Ok(_) => Ok(SignalOutcome::Kept),
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(SignalOutcome::Repeated),
            Err(error) => Err(error),
        }
    }

    async fn answer_to(
        &self,
        registered: &Registered,
        reply: Reply,
        code: Option<&str>,
    ) -> Result<Answer> {
        let json = |text: String| Answer::typed(StatusCode::OK, "application/json", text);
        Ok(match reply {
            Reply::Status(status) => Answer::bare(status),
            Reply::Json(text) => json(text),
            Reply::Text(text) => Answer::typed(StatusCode::OK, "text/plain; charset=utf-8", text),
            Reply::Signed { secret, message, encoding, before, after } => {
                let secrets = self.signing_secrets(registered, secret).await?;
                let secret = secrets.first().ok_or_else(|| {
                    Error::new(ErrorKind::Configuration)
                        .with_detail("the registration has no signing secret")
                })?;
                json(format!("{before}{}{after}", encoding.encode(&sign(secret, &message))))
            }
            Reply::Confirmation { url, code: member } => {
                let code = code.unwrap_or_default();
                let address = self.0.mount.request_address(code);
                json(serde_json::json!({ url: address, member: code }).to_string())
            }
            _ => return Err(Error::new(ErrorKind::Unsupported)),
        })
    }

    /// Notes refusals: the first at once, those that follow within a minute together. Anybody can
    /// send something here, and must not be able to fill the log.
    async fn note_refused_signal(&self, registered: &Registered, reason: &'static str) {
        let Some(count) = registered.refused.count(self.0.clock.monotonic()) else { return };
        let entry = Entry::new("signal.refused", self.0.clock.now())
            .with("registration", registered.id())
            .with("reason", reason)
            .with("count", count);
        let written = match self.0.vault.batch() {
            Ok(batch) => {
                self.0.vault.commit(&TenantId::SYSTEM, batch.audit(entry)).await.map(|_| ())
            }
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            tracing::error!(kind = ?error.kind(), "a refused signal could not be audited");
        }
    }
}

/// Counts refused signals between the audit entries that tell of them.
#[derive(Debug, Default)]
pub(crate) struct RefusedSignals(Mutex<(Option<Monotonic>, i64)>);

impl RefusedSignals {
    /// Counts one. Says how many an entry is to tell of, where one is due.
    fn count(&self, now: Monotonic) -> Option<i64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.1 += 1;
        if told.0.is_some_and(|at| now.since(at) < TELL_EVERY) {
            return None;
        }
        let count = std::mem::take(&mut told.1);
        told.0 = Some(now);
        Some(count)
    }
}

/// How often refused signals are told of.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// For how long a signal may wait for its worker, beyond the time in which it may be repeated.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

fn refused(status: StatusCode, word: &'static str, body: Option<&'static str>) -> TakenSignal {
    let mut answer = match body {
        Some(body) => Answer::typed(status, "application/json", body)
            .with_header(header::CONTENT_LANGUAGE, HeaderValue::from_static("en")),
        None => Answer::bare(status),
    };
    if status == StatusCode::METHOD_NOT_ALLOWED {
        answer = answer.with_header(header::ALLOW, HeaderValue::from_static("POST"));
    }
    TakenSignal { outcome: SignalOutcome::Refused(word), answer }
}
