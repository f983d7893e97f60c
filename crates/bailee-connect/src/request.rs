//! Requests about somebody's data that a provider brings.
//!
//! A record each, in the tenant of the connection, with the time by which it has to be answered and
//! the hash of what came as its evidence. It names no person: the subject by the pseudonym, and what
//! it is about by the provider's own ids. Until it is closed the host is reminded.

use std::{fmt, time::Duration};

use bailee_core::{
    Actor, ConnectionRef, Error, ErrorKind, Id, ProviderId, RegistrationId, Result, SubjectId,
    TenantId, Timestamp,
    audit::Entry,
    event::{Happened, RequestKind},
};
use bailee_store::{Due, Key, Lease, Op, Query};
use bailee_vault::{Draft, Holder};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::{
    answer::Answer, body, connections::Connections, drive::DEADLINE, engine::Engine, kind,
    poll::ClientAlone, registration::Registered,
};

/// The time for an answer where the provider gives none: thirty days are within the month of
/// Article 12(3) GDPR wherever it begins.
const WITHIN: Duration = Duration::from_secs(30 * 86_400);
/// How long before the end the host is reminded, and how often after that.
const REMIND: (Duration, Duration) = (Duration::from_secs(7 * 86_400), Duration::from_secs(86_400));
/// After how long a provider that could not be told of a closed request is told again, and for how
/// long after the request's time.
const TELL_AGAIN: Duration = Duration::from_secs(3600);
const GIVE_UP: Duration = Duration::from_secs(30 * 86_400);
/// How long a code answers.
const CODE: Duration = Duration::from_secs(400 * 86_400);

/// `request`.
#[derive(Clone, Serialize, Deserialize)]
struct RequestBody {
    kind: RequestKind,
    provider: ProviderId,
    registration: RegistrationId,
    connection: ConnectionRef,
    received_at: Timestamp,
    due_at: Timestamp,
    /// The delivery that it came with.
    inbox: Id,
    evidence: [u8; 32],
    #[serde(default)]
    details: Vec<(String, String)>,
    #[serde(default)]
    closed: Option<(Timestamp, RequestOutcome)>,
    /// What was done for it, where somebody else keeps that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answered_by: Option<Id>,
}

/// `request.code`: what belongs to a code.
#[derive(Clone, Serialize, Deserialize)]
struct CodeBody {
    registration: RegistrationId,
    provider: ProviderId,
    received_at: Timestamp,
    /// The requests; none as long as nobody looked.
    requests: Option<Vec<(TenantId, Id)>>,
}

/// What a request is opened with.
pub(crate) struct Asked<'a> {
    pub(crate) inbox: Id,
    pub(crate) kind: RequestKind,
    pub(crate) within: Option<Duration>,
    pub(crate) details: &'a [(String, String)],
    pub(crate) registration: &'a RegistrationId,
    pub(crate) received_at: Timestamp,
    pub(crate) evidence: [u8; 32],
}

/// A request that a provider brought.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderRequest {
    /// Its id.
    pub id: Id,
    /// The tenant whose it is to answer.
    pub tenant: TenantId,
    /// Whose data it is about, where that is the holder of the account.
    pub subject: Option<SubjectId>,
    /// What is asked for.
    pub kind: RequestKind,
    /// Who brought it.
    pub provider: ProviderId,
    /// The connection through which the data came. It may have ended.
    pub connection: ConnectionRef,
    /// When it came.
    pub received_at: Timestamp,
    /// When the answer is due.
    pub due_at: Timestamp,
    /// SHA-256 of what came, for evidence.
    pub evidence: [u8; 32],
    /// The provider's own ids of what it is about, by name.
    pub details: Vec<(String, String)>,
    /// When it was closed, and how.
    pub closed: Option<(Timestamp, RequestOutcome)>,
    /// The request of the person's own that did it, whose receipt is the evidence.
    pub answered_by: Option<Id>,
}

impl fmt::Debug for ProviderRequest {
    /// Without the ids that it is about.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderRequest")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("provider", &self.provider)
            .field("due_at", &self.due_at)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RequestOutcome {
    /// It was done.
    Done,
    /// Something is kept because a law says so; the rest was done.
    KeptByLaw,
    /// There was nothing.
    NothingHeld,
}

impl RequestOutcome {
    fn code(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::KeptByLaw => "kept_by_law",
            Self::NothingHeld => "nothing_held",
        }
    }
}

/// The requests that providers brought, for an operator whom the host authenticated as one.
#[derive(Clone, Debug)]
pub struct Requests {
    engine: Engine,
    operator: Id,
}

impl Engine {
    /// The requests that providers brought, for an operator as the host names them.
    pub fn requests(&self, operator: Id) -> Requests {
        Requests { engine: self.clone(), operator }
    }
}

impl Requests {
    /// All of a tenant, open and closed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::StoreUnavailable`] and what the vault says.
    pub async fn of(&self, tenant: &TenantId) -> Result<Vec<ProviderRequest>> {
        let vault = &self.engine.0.vault;
        let mut query = Query::of_kind(kind::REQUEST);
        let mut all = Vec::new();
        loop {
            let page = vault.store().find(tenant, &query).await?;
            for record in &page.records {
                let opened = vault.open(tenant, Holder::Tenant, record).await?;
                let body: RequestBody = body::decode(&opened.facts()?)?;
                all.push(body.shown(record.key.id, tenant, record.subject));
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => return Ok(all),
            }
        }
    }

    /// Closes one: what it asked for is done as far as it can be. The host is no longer reminded,
    /// and whoever has its code reads so.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for one that is not there, [`ErrorKind::Rejected`] for one that is
    /// closed already, [`ErrorKind::StoreUnavailable`].
    pub async fn close(&self, tenant: &TenantId, id: Id, outcome: RequestOutcome) -> Result<()> {
        let by = Actor::Operator { operator: self.operator };
        self.engine.close_request(tenant, id, outcome, &by, None).await
    }
}

impl RequestBody {
    fn shown(self, id: Id, tenant: &TenantId, subject: Option<SubjectId>) -> ProviderRequest {
        ProviderRequest {
            id,
            tenant: tenant.clone(),
            subject,
            kind: self.kind,
            provider: self.provider,
            connection: self.connection,
            received_at: self.received_at,
            due_at: self.due_at,
            evidence: self.evidence,
            details: self.details,
            closed: self.closed,
            answered_by: self.answered_by,
        }
    }
}

impl Engine {
    /// Opens a request for a connection's tenant, once. Says its id and whether it is new.
    pub(crate) async fn open_request(
        &self,
        connection: &ConnectionRef,
        asked: &Asked<'_>,
    ) -> Result<(Id, bool)> {
        let vault = &self.0.vault;
        let tenant = connection.tenant();
        // What one delivery asks of several people's data is as many requests. The same text that
        // comes again is the same request, however the delivery was numbered; but where that one is
        // closed, it is another.
        let details = body::encode(&asked.details)?;
        let named = |what: &[u8]| {
            let (of, kind) = (connection.connection().id(), asked.kind.code().as_bytes());
            Id::derive(&[b"request", what, of.as_bytes(), kind, &details])
        };
        let ids = [named(&asked.evidence), named(asked.inbox.as_bytes())];
        vault.ensure_owner(tenant).await?;
        let keys = ids.map(|id| Key::new(kind::REQUEST, id));
        let view = vault.read(tenant, Holder::Tenant, &keys).await?;
        if view.record(1).is_some() {
            return Ok((ids[1], false));
        }
        let first = view.facts(0)?.map(|facts| body::decode::<RequestBody>(&facts)).transpose()?;
        let id = match first {
            None => ids[0],
            Some(first) if first.closed.is_none() || first.inbox == asked.inbox => {
                return Ok((ids[0], false));
            }
            Some(_) => ids[1],
        };
        let key = Key::new(kind::REQUEST, id);
        let provider = self.registered(asked.registration)?.facts.provider.clone();
        let due_at = asked.received_at.plus(asked.within.unwrap_or(WITHIN));
        let body = RequestBody {
            kind: asked.kind,
            provider: provider.clone(),
            registration: asked.registration.clone(),
            connection: connection.clone(),
            received_at: asked.received_at,
            due_at,
            inbox: asked.inbox,
            evidence: asked.evidence,
            details: asked.details.to_vec(),
            closed: None,
            answered_by: None,
        };
        let subject = match asked.kind {
            RequestKind::Erasure => connection.owner().subject(),
            _ => None,
        };
        let draft = Draft::new(key, Holder::Tenant)
            .about(subject)
            .facts(body::SCHEMA, body::encode(&body)?);
        let put = vault.put(tenant, draft, None).await?;
        let remind = due_at.minus(REMIND.0).max(asked.received_at);
        let mut batch = vault
            .batch()?
            .op(view.fence()?)
            .op(put)
            .schedule(Key::new(kind::REQUEST_DUE, id), subject, Due::At(remind))
            .ops(self.handed_on(id, subject))
            .audit(
                Entry::new("request.opened", self.0.clock.now())
                    .about(subject)
                    .by(&Actor::Provider { provider: provider.clone() })
                    .with("request", id)
                    .with("kind", asked.kind.code())
                    .with("provider", &provider)
                    .with("digest", asked.evidence)
                    .with("until", due_at),
            );
        let happened = Happened::RequestOpened { request: id, kind: asked.kind, due: due_at };
        batch = batch.ops(self.emit(connection, &provider, happened).await?);
        match vault.commit(tenant, batch).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let view =
                    vault.read(tenant, Holder::Tenant, &[Key::new(kind::REQUEST, id)]).await?;
                if view.record(0).is_some() { Ok((id, false)) } else { Err(error) }
            }
            done => done.map(|_| (id, true)),
        }
    }

    /// A request that a provider brought.
    pub(crate) async fn provider_request(
        &self,
        tenant: &TenantId,
        id: Id,
    ) -> Result<Option<ProviderRequest>> {
        let key = Key::new(kind::REQUEST, id);
        let view = self.0.vault.read(tenant, Holder::Tenant, &[key]).await?;
        let (Some(facts), Some(record)) = (view.facts(0)?, view.record(0)) else {
            return Ok(None);
        };
        let body: RequestBody = body::decode(&facts)?;
        Ok(Some(body.shown(id, tenant, record.subject)))
    }

    /// Closes a request, once.
    pub(crate) async fn close_request(
        &self,
        tenant: &TenantId,
        id: Id,
        outcome: RequestOutcome,
        by: &Actor,
        answered_by: Option<Id>,
    ) -> Result<()> {
        let vault = &self.0.vault;
        let key = Key::new(kind::REQUEST, id);
        for _ in 0..5 {
            let view = vault.read(tenant, Holder::Tenant, std::slice::from_ref(&key)).await?;
            self.admit_instance(view.control()).await?;
            let (Some(facts), Some(record)) = (view.facts(0)?, view.record(0)) else {
                return Err(ErrorKind::NotFound.into());
            };
            let mut body: RequestBody = body::decode(&facts)?;
            if body.closed.is_some() {
                return Err(Error::new(ErrorKind::Rejected).with_detail("the request is closed"));
            }
            body.closed = Some((view.now(), outcome));
            body.answered_by = answered_by;
            let told = self.wants_to_know(&body);
            let due = if told { Due::After(Duration::ZERO) } else { Due::Never };
            let draft = Draft::new(key.clone(), Holder::Tenant)
                .about(record.subject)
                .facts(body::SCHEMA, body::encode(&body)?);
            let put = vault.put(tenant, draft, Some(record)).await?;
            let batch = vault
                .batch()?
                .op(put)
                .schedule(Key::new(kind::REQUEST_DUE, id), record.subject, due)
                .audit(
                    Entry::new("request.closed", view.now())
                        .about(record.subject)
                        .by(by)
                        .with("request", id)
                        .with("kind", body.kind.code())
                        .with("outcome", outcome.code())
                        .with_some("of", answered_by),
                );
            match vault.commit(tenant, batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| ()),
            }
        }
        Err(ErrorKind::Conflict.into())
    }

    /// Due: a request that is not closed.
    pub(crate) async fn request_due(&self, lease: &Lease) -> Result<()> {
        let vault = &self.0.vault;
        let key = Key::new(kind::REQUEST, lease.task.id);
        let view = vault.read(&lease.tenant, Holder::Tenant, std::slice::from_ref(&key)).await?;
        let body = view.facts(0)?.map(|facts| body::decode::<RequestBody>(&facts)).transpose()?;
        let Some(body) = body else { return self.finish(lease, Due::Never).await };
        if body.closed.is_some() {
            return self.tell_closed(lease, &body).await;
        }
        let happened =
            Happened::RequestDue { request: lease.task.id, kind: body.kind, due: body.due_at };
        let batch = vault
            .batch()?
            .ops(self.emit(&body.connection, &body.provider, happened).await?)
            .finish(lease.task.clone(), lease.fence, Due::After(REMIND.1))
            .audit(
                Entry::new("request.due", self.0.clock.now())
                    .about(lease.subject)
                    .with("request", lease.task.id)
                    .with("kind", body.kind.code())
                    .with("until", body.due_at),
            );
        vault.commit(&lease.tenant, batch).await.map(|_| ())
    }

    /// The work of others that a request about a person's data begins.
    fn handed_on(&self, id: Id, subject: Option<SubjectId>) -> Option<Op> {
        let subject = Some(subject?);
        let mut duties = self.0.duties.iter();
        let kind = duties.find_map(|duties| duties.given.for_requests())?;
        let due = Due::After(Duration::ZERO);
        Some(Op::Schedule { task: Key::new(kind, id), subject, due })
    }

    /// Whether the provider wants to be told that a request is closed.
    fn wants_to_know(&self, body: &RequestBody) -> bool {
        let Ok(registered) = self.registered(&body.registration) else { return false };
        let line = self.line_without_asking(registered);
        registered.provider.request_closed(&line.context(), &body.details).is_some()
    }

    /// Tells the provider that a request is closed.
    async fn tell_closed(&self, lease: &Lease, body: &RequestBody) -> Result<()> {
        if !self.wants_to_know(body) {
            return self.finish(lease, Due::Never).await;
        }
        let registered = self.registered(&body.registration)?.clone();
        let line = self.line(&registered).await?;
        let step = registered.provider.request_closed(&line.context(), &body.details);
        let Some(step) = step else { return self.finish(lease, Due::Never).await };
        let client = self.client_secret(&registered).await?;
        let told = line.run(step, &ClientAlone(client), DEADLINE).await;
        let due = match &told {
            Ok(()) => Due::Never,
            Err(_) if body.due_at.plus(GIVE_UP) < self.0.clock.now() => Due::Never,
            Err(_) => Due::After(TELL_AGAIN),
        };
        let outcome = if told.is_ok() { "told" } else { "not_told" };
        if let Err(halt) = told {
            let error = line.error(halt);
            tracing::warn!(kind = ?error.kind(), "a provider is told of a closed request later");
        }
        let entry = Entry::new("request.told", self.0.clock.now())
            .about(lease.subject)
            .with("request", lease.task.id)
            .with("provider", &body.provider)
            .with("outcome", outcome);
        let batch = self.0.vault.batch()?.finish(lease.task.clone(), lease.fence, due).audit(entry);
        match self.0.vault.commit(&lease.tenant, batch).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            done => done.map(|_| ()),
        }
    }

    /// The code under which somebody asks what became of a delivery: the same for each repetition,
    /// and nothing that can be guessed.
    pub(crate) async fn code_of(&self, inbox: Id) -> Result<String> {
        let id = self.0.vault.index(&TenantId::SYSTEM, "request.code", &[inbox.as_bytes()]).await?;
        Ok(id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The write that makes a code known.
    pub(crate) async fn put_code(
        &self,
        code: &str,
        registered: &Registered,
        now: Timestamp,
    ) -> Result<Op> {
        let body = CodeBody {
            registration: registered.id().clone(),
            provider: registered.facts.provider.clone(),
            received_at: now,
            requests: None,
        };
        let draft = Draft::new(code_key(code), Holder::Tenant)
            .expires(now.plus(CODE))
            .facts(body::SCHEMA, body::encode(&body)?);
        self.0.vault.put(&TenantId::SYSTEM, draft, None).await
    }

    /// The write that says which requests belong to a code.
    pub(crate) async fn note_requests(
        &self,
        code: &str,
        requests: &[(TenantId, Id)],
    ) -> Result<Option<Op>> {
        let vault = &self.0.vault;
        let key = code_key(code);
        let view =
            vault.read(&TenantId::SYSTEM, Holder::Tenant, std::slice::from_ref(&key)).await?;
        let (Some(facts), Some(record)) = (view.facts(0)?, view.record(0)) else {
            return Ok(None);
        };
        let mut body: CodeBody = body::decode(&facts)?;
        body.requests = Some(requests.to_vec());
        let draft = Draft::new(key, Holder::Tenant)
            .expires(record.expires)
            .facts(body::SCHEMA, body::encode(&body)?);
        vault.put(&TenantId::SYSTEM, draft, Some(record)).await.map(Some)
    }
}

fn code_key(code: &str) -> Key {
    Key::new(kind::REQUEST_CODE, Id::derive(&[b"request.code", code.as_bytes()]))
}

impl Connections {
    /// The public page on which somebody reads what became of the deletion that they asked a
    /// provider for, by the code that the provider gave them.
    ///
    /// A host routes GET of `<mount>/request/<code>` here. It needs no session: the code is the
    /// proof, and the page names no person. A code that is not known is answered with 404.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::StoreUnavailable`], [`ErrorKind::Quarantined`] and what the vault says.
    pub async fn request_page(&self, code: &str) -> Result<Answer> {
        let engine = &self.engine;
        let vault = &engine.0.vault;
        let unknown = || Ok(Answer::page(StatusCode::NOT_FOUND, UNKNOWN));
        let formed =
            code.len() == 32 && code.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !formed {
            return unknown();
        }
        let keys = [code_key(code)];
        let view = vault.read(&TenantId::SYSTEM, Holder::Tenant, &keys).await?;
        engine.admit_instance(view.control()).await?;
        let Some(facts) = view.facts(0)? else { return unknown() };
        let body: CodeBody = body::decode(&facts)?;
        let mut states = Vec::new();
        let mut ended = true;
        for (tenant, id) in body.requests.iter().flatten() {
            let keys = [Key::new(kind::REQUEST, *id)];
            let view = vault.read(tenant, Holder::Tenant, &keys).await?;
            let Some(facts) = view.facts(0)? else { continue };
            let state: RequestBody = body::decode(&facts)?;
            ended &= match engine.find_connection(&state.connection).await {
                Err(error) if error.kind() == ErrorKind::Shredded => true,
                found => found?.is_none(),
            };
            states.push(state);
        }
        let title = match engine.registered(&body.registration) {
            Ok(registered) => registered.provider.spec().title.clone(),
            Err(_) => body.provider.as_str().to_owned(),
        };
        Ok(Answer::page(StatusCode::OK, page(&title, &body, &states, ended)))
    }
}

/// The page. It names the provider, dates and what is done, and nobody.
fn page(provider: &str, body: &CodeBody, states: &[RequestBody], ended: bool) -> String {
    let open = states.iter().filter(|state| state.closed.is_none()).count();
    let last = states.iter().filter_map(|state| state.closed).max_by_key(|(at, _)| *at);
    let by_law =
        states.iter().any(|state| matches!(state.closed, Some((_, RequestOutcome::KeptByLaw))));
    let due = states.iter().map(|state| state.due_at).max();
    let mut text = Vec::new();
    let heading = match (&body.requests, open, last) {
        (None, ..) => {
            text.push("We have received it and are looking for what it is about.".to_owned());
            "Received"
        }
        (Some(_), 0, None) => {
            text.push("We hold no data that came from this account.".to_owned());
            "Done"
        }
        (Some(_), 0, Some((at, _))) => {
            text.push(format!("It was finished on {}.", day(at)));
            if by_law {
                text.push(
                    "Some records are kept, for as long as a law obliges us to keep them. They are \
                     used for nothing else."
                        .to_owned(),
                );
            } else {
                text.push("The data that came from this account was deleted.".to_owned());
            }
            "Done"
        }
        (Some(_), ..) => {
            if ended {
                text.push(
                    "Access to the account has ended, and its access keys were deleted.".to_owned(),
                );
            }
            if let Some(due) = due {
                text.push(format!(
                    "What else came from it is being deleted, until {} at the latest.",
                    day(due)
                ));
            }
            "In progress"
        }
    };
    let paragraphs: String = text.iter().map(|text| format!("<p>{text}</p>\n")).collect();
    let provider = escaped(provider);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>Your request</title>\n\
         <h1>{heading}</h1>\n<p>On {} {provider} told us that you ask for the deletion of the data \
         that came from your account there.</p>\n{paragraphs}",
        day(body.received_at)
    )
}

/// A day, as `2026-11-21`.
fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const UNKNOWN: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
<meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"robots\" content=\"noindex\">\n\
<title>Not known</title>\n<h1>This code is not known</h1>\n\
<p>Look again at the code that you were given. Codes are kept for four hundred days.</p>\n";

#[cfg(test)]
mod tests {
    use bailee_core::{ConnectionId, Owner};

    use super::*;

    fn code(requests: Option<Vec<(TenantId, Id)>>) -> CodeBody {
        CodeBody {
            registration: RegistrationId::from_static("instagram"),
            provider: ProviderId::from_static("instagram"),
            received_at: Timestamp::from_seconds(1_790_000_000),
            requests,
        }
    }

    fn state(closed: Option<RequestOutcome>) -> RequestBody {
        RequestBody {
            kind: RequestKind::Erasure,
            provider: ProviderId::from_static("instagram"),
            registration: RegistrationId::from_static("instagram"),
            connection: ConnectionRef::new(
                TenantId::from_static("acme"),
                Owner::Tenant,
                ConnectionId::from_id(Id::ZERO),
            ),
            received_at: Timestamp::from_seconds(1_790_000_000),
            due_at: Timestamp::from_seconds(1_792_592_000),
            inbox: Id::ZERO,
            evidence: [7; 32],
            details: vec![("customer".into(), "4711".into())],
            closed: closed.map(|outcome| (Timestamp::from_seconds(1_790_086_400), outcome)),
            answered_by: None,
        }
    }

    #[test]
    fn the_page_says_what_is_done_and_names_nobody() {
        let listed = || code(Some(vec![(TenantId::from_static("acme"), Id::ZERO)]));
        let pages = [
            (page("Instagram", &code(None), &[], true), "Received", "looking for"),
            (page("Instagram", &code(Some(Vec::new())), &[], true), "Done", "hold no data"),
            (page("Instagram", &listed(), &[state(None)], true), "In progress", "2026-10-21"),
            (
                page("Instagram", &listed(), &[state(Some(RequestOutcome::Done))], true),
                "Done",
                "was deleted",
            ),
            (
                page("Instagram", &listed(), &[state(Some(RequestOutcome::KeptByLaw))], true),
                "Done",
                "a law obliges",
            ),
            (
                page(
                    "Instagram",
                    &listed(),
                    &[state(Some(RequestOutcome::Done)), state(None)],
                    true,
                ),
                "In progress",
                "2026-10-21",
            ),
        ];
        for (text, heading, says) in &pages {
            assert!(text.contains(&format!("<h1>{heading}</h1>")), "{text}");
            assert!(text.contains(says) && text.contains("2026-09-21"), "{text}");
            for nobody in ["acme", "4711", "customer", "0707"] {
                assert!(!text.contains(nobody), "{text}");
            }
        }
        let still_there = page("Instagram", &listed(), &[state(None)], false);
        assert!(!still_there.contains("has ended"), "it says only what is so");
        let odd = page("A & <b>", &code(None), &[], true);
        assert!(odd.contains("A &amp; &lt;b&gt;") && !odd.contains("<b>"));
    }
}
