//! Bringing a publication forward under a claim: ask what is next, write it down, do it.

use std::time::Duration;

use bailee_core::{
    Effect, Error, ErrorKind, Id, Plaintext, ProviderCode, PurposeId, Remedy, Result, SecretText,
    audit::Entry,
};
use bailee_providers::{Endpoint, Failure, FailureKind, Input, Progress, Publish, PublishNext};
use bailee_store::{Claim, Due, Key, Lease};
use bailee_vault::{Draft, View};

use crate::{
    body,
    call::Acting,
    drive::{Halt, Line},
    engine::Engine,
    fill::Filling,
    gate::{Authority, Pass, PassSecrets, Use},
    kind,
    limiter::backoff,
    media::MediaSource,
    publish::{
        Publication, PublicationBody, PublicationState, ensure_holder, happened,
        publication_holder, publication_of,
    },
};

/// How long a claim holds: one request with the largest part of an upload.
pub(crate) const LEASE: Duration = Duration::from_secs(300);
/// The whole time for one part of an upload.
const PART_DEADLINE: Duration = Duration::from_secs(240);
/// So long something queued waits for its caller to come back.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);
/// So long a publication that may not be asked for is waited for.
const FOLLOWED_FOR: Duration = Duration::from_secs(2 * 86_400);
/// When the provider is asked again what became of a publication, after a fault that passes.
const SOON: Duration = Duration::from_secs(60);
/// How long an upload waits by itself before its next part.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// So often a request that may be repeated is tried in one go.
const TRIES: u32 = 5;
/// So many requests go out before something has to be written down; more is a fault.
const MOST_REQUESTS: u32 = 16;

/// A publication under a claim.
pub(crate) struct Job<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) line: &'a Line,
    pub(crate) id: Id,
    pub(crate) operation: &'a dyn Publish,
    pub(crate) media: Option<&'a dyn MediaSource>,
    pub(crate) authority: Authority<'a>,
}

/// What is written down about a publication.
#[derive(Default)]
struct Note<'a> {
    state: Option<PublicationState>,
    sending: bool,
    progress: Option<&'a Progress>,
    post: Option<String>,
    code: Option<String>,
}

/// What a step stands on after its claim.
enum Claimed {
    /// Somebody else goes on with it, or it is over.
    Elsewhere(Publication),
    /// What was written is what is there.
    Mine(Lease, PublicationBody),
    /// Somebody else brought it further meanwhile.
    Moved(Lease, PublicationBody),
}

/// Whether somebody sent what must not be repeated and did not write down what came of it.
///
/// It is sent under a claim that is made after the note, and never under an earlier one. So the
/// first claim after the note knows that nothing was sent, and every later one that something may
/// have been.
pub(crate) fn was_sent(lease: &Lease, body: &PublicationBody) -> bool {
    body.sending && lease.tries > 1
}

impl Job<'_> {
    /// Goes on until it is over or has to wait.
    pub(crate) async fn advance(
        &self,
        mut lease: Lease,
        mut body: PublicationBody,
    ) -> Result<Publication> {
        let engine = self.engine;
        if was_sent(&lease, &body) {
            match self.recover(lease, &body, "interrupted").await? {
                Claimed::Mine(next, found) | Claimed::Moved(next, found) => {
                    (lease, body) = (next, found);
                }
                Claimed::Elsewhere(publication) => return Ok(publication),
            }
        }
        let purpose = body.purpose.clone();
        let connection = body.connection.clone();
        let wanted = Use {
            authority: self.authority,
            purpose: &purpose,
            connection: &connection,
            needs: self.operation.facts().into(),
            despite: None,
        };
        let pass = match engine.pass(wanted).await {
            Ok(pass) => pass,
            Err(error) => return self.refused(&lease, &body, error).await,
        };
        let secrets = PassSecrets::new(self.line, wanted, pass);
        let mut progress = self.progress(&body).await?;
        let mut input = Input::Start;
        let mut refreshed = false;
        let (mut tries, mut waits, mut requests) = (0, 0, 0);
        loop {
            match self.operation.next(&self.line.context(), &progress, input) {
                Ok(PublishNext::Send(_)) if requests >= MOST_REQUESTS => {
                    let error = self.line.name(Error::new(ErrorKind::ProviderUnavailable));
                    return self.pause(&lease, &body, &progress, error, None).await;
                }
                Ok(PublishNext::Send(request)) => {
                    requests += 1;
                    let once = request.effect == Effect::Effect;
                    if once {
                        let note = Note { sending: true, ..Note::default() };
                        match self.step(lease, &body, note, "publication.sent").await? {
                            Claimed::Mine(next, noted) => (lease, body) = (next, noted),
                            Claimed::Moved(next, found) => {
                                (lease, body) = (next, found);
                                progress = self.progress(&body).await?;
                                input = Input::Start;
                                continue;
                            }
                            Claimed::Elsewhere(publication) => return Ok(publication),
                        }
                    }
                    let filling = Filling {
                        secrets: &secrets,
                        media: self.media,
                        upload: progress.secret.as_ref(),
                    };
                    match self.line.send(&request, filling, PART_DEADLINE).await {
                        Ok(answer) => input = Input::Answer(answer),
                        Err(Halt::Ambiguous(_)) if once => {
                            match self.recover(lease, &body, "answer_lost").await? {
                                Claimed::Mine(next, found) | Claimed::Moved(next, found) => {
                                    (lease, body) = (next, found);
                                }
                                Claimed::Elsewhere(publication) => return Ok(publication),
                            }
                            progress = self.progress(&body).await?;
                            input = Input::Start;
                        }
                        Err(Halt::Local(error)) => return self.refused(&lease, &body, error).await,
                        Err(halt) => {
                            tries += 1;
                            if tries >= TRIES {
                                let error = self.line.error(halt);
                                return self.pause(&lease, &body, &progress, error, None).await;
                            }
                            let wait = backoff(
                                &*engine.0.random,
                                tries,
                                Duration::from_millis(50),
                                Duration::from_secs(5),
                            )?;
                            engine.0.runtime.sleep(wait).await;
                            input = Input::Start;
                        }
                    }
                }
                Ok(PublishNext::Save(saved)) => {
                    let note = Note {
                        state: Some(PublicationState::Processing),
                        progress: Some(&saved),
                        ..Note::default()
                    };
                    match self.step(lease, &body, note, "publication.processing").await? {
                        Claimed::Mine(next, noted) => {
                            (lease, body) = (next, noted);
                            progress = saved;
                        }
                        Claimed::Moved(next, found) => {
                            (lease, body) = (next, found);
                            progress = self.progress(&body).await?;
                        }
                        Claimed::Elsewhere(publication) => return Ok(publication),
                    }
                    (tries, waits, requests) = (0, 0, 0);
                    input = Input::Start;
                }
                // The bytes are at hand here and nowhere else.
                Ok(PublishNext::Wait(wait))
                    if self.uploads(&progress) && waits < TRIES && wait <= LONGEST_WAIT =>
                {
                    waits += 1;
                    engine.0.runtime.sleep(wait).await;
                    input = Input::Elapsed;
                }
                Ok(PublishNext::Wait(wait)) => {
                    self.rest(&lease, &body, Due::After(wait)).await?;
                    if self.uploads(&progress) {
                        // Only the caller can go on: with the same key, as after any error.
                        return Err(self.line.name(Error::new(ErrorKind::ProviderUnavailable)));
                    }
                    return Ok(body.outcome(self.id));
                }
                Ok(PublishNext::Published { post }) => {
                    return self.end(&lease, &body, PublicationState::Published, "", post).await;
                }
                Ok(PublishNext::Failed(failure)) => {
                    let code = code_of(&failure);
                    return self.end(&lease, &body, PublicationState::Failed, &code, None).await;
                }
                Ok(PublishNext::Unknown(failure)) => {
                    let code = code_of(&failure);
                    return self.end(&lease, &body, PublicationState::Unknown, &code, None).await;
                }
                Err(failure) if failure.kind == FailureKind::AccessRejected && !refreshed => {
                    refreshed = true;
                    let seen = secrets.pass();
                    let credential = &seen.credential;
                    let renewed = async {
                        engine
                            .refresh(&connection, &credential.name, credential.generation)
                            .await?;
                        secrets.renew().await
                    };
                    // A provider that does not take the token has not done anything.
                    if let Err(error) = renewed.await {
                        return self.refused(&lease, &body, error).await;
                    }
                    input = Input::Start;
                }
                Err(failure) if failure.is_transient() => {
                    if failure.kind == FailureKind::RateLimited {
                        let (scope, wait) = (failure.scope, failure.retry_after);
                        let account = Some(connection.connection());
                        self.line.limit(Endpoint::Api, account, scope, wait).await;
                    }
                    let wait = failure.retry_after;
                    let error = self.line.error(Halt::Provider(failure));
                    return self.pause(&lease, &body, &progress, error, wait).await;
                }
                Err(failure) => {
                    if failure.kind == FailureKind::GrantOver {
                        let generation = secrets.pass().credential.generation;
                        engine.note_grant_over(&connection, generation).await?;
                    }
                    let code = code_of(&failure);
                    // What the provider has may be out whatever it says to a later question.
                    let state = if body.progress.is_empty() {
                        PublicationState::Failed
                    } else {
                        PublicationState::Unknown
                    };
                    self.end(&lease, &body, state, &code, None).await?;
                    return Err(self.line.error(Halt::Provider(failure)));
                }
                Ok(_) => return Err(Error::new(ErrorKind::Unsupported)),
            }
        }
    }

    async fn progress(&self, body: &PublicationBody) -> Result<Progress> {
        if body.progress.is_empty() {
            return Ok(Progress::default());
        }
        if body.progress_schema > self.operation.progress_schema() {
            return Err(Error::new(ErrorKind::UnknownSchema));
        }
        let view = self.read(body).await?;
        let secret = publication_of(&view)?.and_then(|(_, secret)| secret);
        Ok(Progress::new(body.progress.clone().into_bytes(), secret))
    }

    /// The gate said no, or something of ours failed: what was not sent stays where it is.
    async fn refused(
        &self,
        lease: &Lease,
        body: &PublicationBody,
        error: Error,
    ) -> Result<Publication> {
        let age = self.engine.0.clock.now().since(body.begun_at);
        if !body.progress.is_empty() && age > FOLLOWED_FOR {
            // The provider has it, and for two days nobody was allowed to ask what became of it.
            return self.end(lease, body, PublicationState::Unknown, "not_followed", None).await;
        }
        // What the provider has is asked for again soon where that is all it takes.
        let wait = match error.remedy() {
            Remedy::Wait(wait) if !body.progress.is_empty() => wait.max(SOON).min(ABANDONED_AFTER),
            _ => ABANDONED_AFTER,
        };
        let note = Note::default();
        self.write(lease, body, note, "publication.processing", Due::After(wait)).await?;
        Err(error)
    }

    /// Whether bytes are still to be uploaded, by whoever has them.
    fn uploads(&self, progress: &Progress) -> bool {
        self.media.is_some() && progress.secret.is_some()
    }

    /// It goes on later: by the worker where the provider has it already, by the caller otherwise.
    async fn pause(
        &self,
        lease: &Lease,
        body: &PublicationBody,
        progress: &Progress,
        error: Error,
        wait: Option<Duration>,
    ) -> Result<Publication> {
        if body.progress.is_empty() {
            let due = Due::After(ABANDONED_AFTER);
            self.write(lease, body, Note::default(), "publication.processing", due).await?;
            return Err(error);
        }
        let due = Due::After(wait.unwrap_or(SOON));
        let body = self.write(lease, body, Note::default(), "publication.processing", due).await?;
        if self.uploads(progress) {
            return Err(error);
        }
        Ok(body.outcome(self.id))
    }

    async fn rest(&self, lease: &Lease, body: &PublicationBody, due: Due) -> Result<()> {
        self.write(lease, body, Note::default(), "publication.processing", due).await.map(|_| ())
    }

    /// Writes it down and goes on under a new claim, so that no claim has to be renewed.
    ///
    /// Somebody else may claim in between, and even be through with it: what is read under the new
    /// claim is what counts.
    async fn step(
        &self,
        lease: Lease,
        body: &PublicationBody,
        note: Note<'_>,
        event: &'static str,
    ) -> Result<Claimed> {
        let body = self.write(&lease, body, note, event, Due::After(LEASE)).await?;
        let claim = Claim::One { tenant: &lease.tenant, task: &lease.task, lease: LEASE };
        let Some(lease) = self.engine.0.vault.store().claim(claim).await?.pop() else {
            return Ok(Claimed::Elsewhere(body.outcome(self.id)));
        };
        let view = self.read(&body).await?;
        let (found, _) = publication_of(&view)?.ok_or_else(|| Error::new(ErrorKind::NotFound))?;
        if found.state.is_final() {
            self.engine.finish(&lease, Due::Never).await?;
            return Ok(Claimed::Elsewhere(found.outcome(self.id)));
        }
        if was_sent(&lease, &found) {
            return Box::pin(self.recover(lease, &found, "interrupted")).await;
        }
        let same = found.sending == body.sending && found.progress == body.progress;
        Ok(if same { Claimed::Mine(lease, body) } else { Claimed::Moved(lease, found) })
    }

    /// What must not be repeated may have left, and what came of it is not known: goes on with
    /// asking the provider, where that is possible. The note goes with the progress that asks.
    async fn recover(
        &self,
        lease: Lease,
        body: &PublicationBody,
        code: &'static str,
    ) -> Result<Claimed> {
        let progress = self.progress(body).await?;
        let Some(saved) = self.operation.recover(&progress, self.engine.0.clock.now()) else {
            let state = PublicationState::Unknown;
            return self.end(&lease, body, state, code, None).await.map(Claimed::Elsewhere);
        };
        let note = Note {
            state: Some(PublicationState::Processing),
            progress: Some(&saved),
            ..Note::default()
        };
        self.step(lease, body, note, "publication.processing").await
    }

    async fn end(
        &self,
        lease: &Lease,
        body: &PublicationBody,
        state: PublicationState,
        code: &str,
        post: Option<String>,
    ) -> Result<Publication> {
        let code = (!code.is_empty()).then(|| code.to_owned());
        let note = Note { state: Some(state), post, code, ..Note::default() };
        let event = match state {
            PublicationState::Published => "publication.published",
            PublicationState::Failed => "publication.failed",
            _ => "publication.unknown",
        };
        let body = self.write(lease, body, note, event, Due::Never).await?;
        Ok(body.outcome(self.id))
    }

    async fn read(&self, body: &PublicationBody) -> Result<View> {
        let connection = &body.connection;
        self.engine
            .read_publication(connection.tenant(), connection.owner().subject(), self.id)
            .await
    }

    async fn write(
        &self,
        lease: &Lease,
        body: &PublicationBody,
        note: Note<'_>,
        event: &'static str,
        due: Due,
    ) -> Result<PublicationBody> {
        // Another commit of the person may come between (a consent, say): then it is written on
        // top of that, for as long as the claim stands. A store that fails for a moment must not
        // lose what the provider answered.
        for attempt in 0..4 {
            let written = async {
                let view = self.read(body).await?;
                self.engine.write_publication(lease, self.id, &view, body, &note, event, due).await
            };
            match written.await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) if error.kind() == ErrorKind::StoreUnavailable => {
                    let (base, cap) = (Duration::from_millis(50), Duration::from_secs(2));
                    let wait = backoff(&*self.engine.0.random, attempt, base, cap)?;
                    self.engine.0.runtime.sleep(wait).await;
                }
                done => return done,
            }
        }
        let view = self.read(body).await?;
        self.engine.write_publication(lease, self.id, &view, body, &note, event, due).await
    }
}

impl Engine {
    /// Writes a publication down before anything is sent.
    #[expect(clippy::too_many_arguments, reason = "one commit, all of whose parts it names")]
    pub(crate) async fn queue(
        &self,
        acting: &Acting,
        connection: &bailee_core::ConnectionRef,
        id: Id,
        digest: [u8; 32],
        operation: &dyn Publish,
        view: &View,
        pass: &Pass,
    ) -> Result<PublicationBody> {
        ensure_holder(self, connection).await?;
        let facts = operation.facts();
        let purpose: PurposeId = acting.purpose.clone();
        let body = PublicationBody {
            connection: connection.clone(),
            provider: facts.provider.clone(),
            purpose,
            operation: facts.name.to_owned(),
            digest,
            state: PublicationState::Queued,
            sending: false,
            progress: String::new(),
            progress_schema: operation.progress_schema(),
            has_secret: false,
            post: None,
            code: None,
            begun_at: view.now(),
        };
        let subject = connection.owner().subject();
        let draft = Draft::new(Key::new(kind::PUBLICATION, id), publication_holder(subject))
            .facet(body.state.facet())
            .facts(body::SCHEMA, body::encode(&body)?);
        let put = self.0.vault.put(connection.tenant(), draft, None).await?;
        let batch = self
            .0
            .vault
            .batch()?
            .op(view.fence()?)
            .op(put)
            .schedule(Key::new(kind::PUBLISH, id), subject, Due::After(ABANDONED_AFTER))
            .audit(
                acting
                    .entry("publication.queued", connection, facts, pass, id)
                    .with("publication", id),
            );
        self.0.vault.commit(connection.tenant(), batch).await?;
        Ok(body)
    }

    /// What a former process left behind is over.
    pub(crate) async fn end_publication(
        &self,
        lease: &Lease,
        id: Id,
        body: &PublicationBody,
        code: &'static str,
    ) -> Result<()> {
        let (state, event) = if was_sent(lease, body) || !body.progress.is_empty() {
            (PublicationState::Unknown, "publication.unknown")
        } else {
            (PublicationState::Failed, "publication.failed")
        };
        let view = self.read_publication(&lease.tenant, lease.subject, id).await?;
        let note = Note { state: Some(state), code: Some(code.to_owned()), ..Note::default() };
        self.write_publication(lease, id, &view, body, &note, event, Due::Never).await.map(|_| ())
    }

    #[expect(clippy::too_many_arguments, reason = "one commit, all of whose parts it names")]
    async fn write_publication(
        &self,
        lease: &Lease,
        id: Id,
        view: &View,
        body: &PublicationBody,
        note: &Note<'_>,
        event: &'static str,
        due: Due,
    ) -> Result<PublicationBody> {
        let mut next = body.clone();
        next.sending = note.sending;
        next.state = note.state.unwrap_or(body.state);
        next.post = note.post.clone().or_else(|| body.post.clone());
        next.code.clone_from(&note.code);
        let subject = body.connection.owner().subject();
        let tenant = body.connection.tenant();
        let key = Key::new(kind::PUBLICATION, id);
        let mut secret: Option<&SecretText> = None;
        if let Some(progress) = note.progress {
            next.progress = String::from_utf8(progress.facts.clone()).map_err(|_| {
                Error::new(ErrorKind::InvalidInput).with_detail("a publication's facts are JSON")
            })?;
            next.has_secret = progress.secret.is_some();
            secret = progress.secret.as_ref();
        }
        let over = next.state.is_final();
        next.has_secret &= !over;
        let mut draft = Draft::new(key, publication_holder(subject))
            .facet(next.state.facet())
            .facts(body::SCHEMA, body::encode(&next)?);
        match secret {
            Some(secret) if !over => {
                draft = draft.part("progress", secret.expose(Plaintext::copy_from));
            }
            _ if next.has_secret => draft = draft.keep("progress"),
            _ => {}
        }
        let mut batch = self
            .0
            .vault
            .batch()?
            .op(view.fence()?)
            .op(self.0.vault.put(tenant, draft, view.record(0)).await?)
            .finish(lease.task.clone(), lease.fence, due);
        if let Some(happened) = happened(next.state, id) {
            for op in self.emit(&next.connection, &next.provider, happened).await? {
                batch = batch.op(op);
            }
        }
        let mut entry = Entry::new(event, self.0.clock.now())
            .about(subject)
            .with("publication", id)
            .with("connection", next.connection.connection())
            .with("purpose", &next.purpose);
        if let Some(code) = &next.code {
            entry = entry.with("reason", bailee_core::audit::Field::Word(code.clone().into()));
        }
        self.0.vault.commit(tenant, batch.audit(entry)).await?;
        Ok(next)
    }
}

fn code_of(failure: &Failure) -> String {
    failure.code.as_ref().map_or("refused", ProviderCode::as_str).to_owned()
}
