//! Publishing: an idempotency key, a record with states, and nothing sent twice.
//!
//! The record is written before anything is sent; a request that must not be repeated is noted in
//! it before it leaves. Whatever finds such a note and no outcome says `Unknown` and asks the
//! person to look.

use std::{fmt, str::FromStr, sync::Arc};

use bailee_core::{
    ConnectionRef, Effect, Error, ErrorKind, Id, Owner, PurposeId, Result, SubjectId, TenantId,
    event::Happened,
};
use bailee_providers::Publish;
use bailee_store::{Claim, Facet, Key};
use bailee_vault::{Holder, View};
use futures_channel::oneshot;
use serde::{Deserialize, Serialize};

use crate::{
    advance::{Job, LEASE},
    body,
    call::Acting,
    engine::Engine,
    gate::{Authority, Use},
    kind,
    media::MediaSource,
};

/// Names one publication for good: the same key publishes once, however often it is tried.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Checks a key: 1 to 255 bytes of printable ASCII. It should be the host's own id of what is
    /// published.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`].
    pub fn new(key: impl Into<String>) -> Result<Self> {
        let key = key.into();
        if (1..=255).contains(&key.len()) && key.bytes().all(|b| (0x20..=0x7e).contains(&b)) {
            Ok(Self(key))
        } else {
            Err(Error::new(ErrorKind::InvalidInput).with_detail("not an idempotency key"))
        }
    }
}

impl FromStr for IdempotencyKey {
    type Err = Error;

    fn from_str(key: &str) -> Result<Self> {
        Self::new(key)
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey([redacted])")
    }
}

/// How far a publication is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PublicationState {
    /// It failed, and nothing is out.
    Failed,
    /// The provider has it and works on it.
    Processing,
    /// It is out.
    Published,
    /// It is written down, and nothing was sent.
    Queued,
    /// Nobody can tell whether it is out; the person has to look.
    Unknown,
}

impl PublicationState {
    pub(crate) fn facet(self) -> Facet {
        Facet(match self {
            Self::Queued => 1,
            Self::Processing => 2,
            Self::Published => 3,
            Self::Failed => 4,
            Self::Unknown => 5,
        })
    }

    /// Whether nothing more will happen to it.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Failed | Self::Published | Self::Unknown)
    }
}

/// A publication as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Publication {
    /// Its record, as events name it.
    pub id: Id,
    /// How far it is.
    pub state: PublicationState,
    /// The provider's id of the post, once there is one and the provider tells it.
    pub post: Option<String>,
    /// Why it failed or is unknown: a code of the provider's table or of ours.
    pub code: Option<String>,
}

/// `publication`, beside the part `progress`.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PublicationBody {
    pub(crate) connection: ConnectionRef,
    pub(crate) provider: bailee_core::ProviderId,
    pub(crate) purpose: PurposeId,
    pub(crate) operation: String,
    pub(crate) digest: [u8; 32],
    pub(crate) state: PublicationState,
    /// A request that must not be repeated may be on its way.
    pub(crate) sending: bool,
    pub(crate) progress: String,
    pub(crate) progress_schema: u16,
    pub(crate) has_secret: bool,
    pub(crate) post: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) begun_at: bailee_core::Timestamp,
}

impl PublicationBody {
    pub(crate) fn outcome(&self, id: Id) -> Publication {
        Publication { id, state: self.state, post: self.post.clone(), code: self.code.clone() }
    }
}

impl Acting {
    /// Publishes something that the provider fetches itself.
    ///
    /// Returns as soon as the provider works on it ([`PublicationState::Processing`]); the worker
    /// follows it to its end and tells the host by an event. Called again with the same key it
    /// publishes nothing new and says how far it is.
    ///
    /// # Errors
    ///
    /// What the gate says; [`ErrorKind::AlreadyExists`] for the key of something else;
    /// [`ErrorKind::InvalidInput`] for content that the provider does not take;
    /// [`ErrorKind::RateLimited`] and [`ErrorKind::ProviderUnavailable`] where nothing was sent:
    /// call again with the same key.
    pub async fn publish(
        &self,
        connection: &ConnectionRef,
        key: &IdempotencyKey,
        operation: impl Publish + 'static,
    ) -> Result<Publication> {
        self.publish_boxed(connection, key, Box::new(operation), None).await
    }

    /// Publishes something whose bytes the host has at hand. It returns when all of them are
    /// uploaded.
    ///
    /// # Errors
    ///
    /// As [`Acting::publish`]; after an error other than [`ErrorKind::AlreadyExists`] a call with
    /// the same key goes on with the upload, for as long as the provider lets it; [`ErrorKind::InvalidInput`] where the media is not of the size that
    /// the operation was made with.
    pub async fn publish_media(
        &self,
        connection: &ConnectionRef,
        key: &IdempotencyKey,
        operation: impl Publish + 'static,
        media: Arc<dyn MediaSource>,
    ) -> Result<Publication> {
        self.publish_boxed(connection, key, Box::new(operation), Some(media)).await
    }

    /// How far a publication is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for a key under which nothing was published with this connection,
    /// and for a foreign connection; [`ErrorKind::Denied`] where the host does not allow it.
    pub async fn publication(
        &self,
        connection: &ConnectionRef,
        key: &IdempotencyKey,
    ) -> Result<Publication> {
        let engine = &self.engine;
        let unknown = || Error::new(ErrorKind::NotFound).with_connection(connection.connection());
        let (tenant, person) = (self.who.tenant(), self.who.person());
        if tenant != connection.tenant() {
            return Err(unknown());
        }
        let subject = engine.subject_of(tenant, person).await?;
        let id = engine.publication_id(connection, key).await?;
        let view = engine
            .read_publication(tenant, connection.owner().subject(), id)
            .await
            .map_err(|error| if error.kind() == ErrorKind::NotFound { unknown() } else { error })?;
        let (body, _) = publication_of(&view)?.ok_or_else(unknown)?;
        engine
            .may(person, subject, tenant, bailee_core::Act::Use(connection.owner()))
            .await
            .map_err(|error| error.with_connection(connection.connection()))?;
        Ok(body.outcome(id))
    }

    async fn publish_boxed(
        &self,
        connection: &ConnectionRef,
        key: &IdempotencyKey,
        operation: Box<dyn Publish>,
        media: Option<Arc<dyn MediaSource>>,
    ) -> Result<Publication> {
        let size = operation.media().map(|media| media.size);
        if size != media.as_ref().map(|media| media.size()) {
            return Err(Error::new(ErrorKind::InvalidInput)
                .with_detail("the media is not what the operation was made for"));
        }
        if operation.facts().effect != Effect::Effect {
            return Err(Error::new(ErrorKind::InvalidInput).with_detail("not a publication"));
        }
        let (tell, told) = oneshot::channel();
        let (acting, connection, key) = (self.clone(), connection.clone(), key.clone());
        // A caller that goes away must not leave it half done.
        self.engine.spawn(async move {
            let outcome = acting.publish_whole(&connection, &key, &*operation, media).await;
            drop(tell.send(outcome));
        });
        told.await.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Ambiguous)
                .with_detail("the task of a publication was dropped"))
        })
    }

    async fn publish_whole(
        &self,
        connection: &ConnectionRef,
        key: &IdempotencyKey,
        operation: &dyn Publish,
        media: Option<Arc<dyn MediaSource>>,
    ) -> Result<Publication> {
        let engine = &self.engine;
        let facts = operation.facts();
        // A restriction leaves nothing to publish.
        let wanted = Use { despite: None, ..self.use_of(connection, facts) };
        let pass = engine.pass(wanted).await?;
        engine.plan_renewal(connection, &pass);
        let line = engine.line_of(&pass).await?;
        let id = engine.publication_id(connection, key).await?;
        let digest = operation.digest();
        let mut body = None;
        for _ in 0..5 {
            let view = engine
                .read_publication(connection.tenant(), connection.owner().subject(), id)
                .await?;
            if let Some((stored, _)) = publication_of(&view)? {
                body = Some(stored);
                break;
            }
            match engine.queue(self, connection, id, digest, operation, &view, &pass).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => {
                    body = Some(done?);
                    break;
                }
            }
        }
        let body = body.ok_or_else(|| Error::new(ErrorKind::Conflict))?;
        if body.digest != digest || body.operation != facts.name {
            return Err(Error::new(ErrorKind::AlreadyExists)
                .with_detail("this key published something else")
                .with_connection(connection.connection()));
        }
        if body.state.is_final() {
            return Ok(body.outcome(id));
        }
        let task = Key::new(kind::PUBLISH, id);
        let claim = Claim::One { tenant: connection.tenant(), task: &task, lease: LEASE };
        let Some(lease) = engine.0.vault.store().claim(claim).await?.pop() else {
            return Ok(body.outcome(id));
        };
        // What was read before the claim may be old: another call may have published meanwhile.
        let view =
            engine.read_publication(connection.tenant(), connection.owner().subject(), id).await?;
        let (body, _) = publication_of(&view)?.ok_or_else(|| Error::new(ErrorKind::NotFound))?;
        if body.state.is_final() {
            engine.finish(&lease, bailee_store::Due::Never).await?;
            return Ok(body.outcome(id));
        }
        let job = Job {
            engine,
            line: &line,
            id,
            operation,
            media: media.as_deref(),
            authority: Authority::Acting(&self.who),
        };
        let outcome = job.advance(lease, body).await;
        engine.note_disclosure(&self.who, connection, &pass.actor, &self.purpose, facts);
        outcome.map_err(|error| error.with_connection(connection.connection()))
    }
}

impl Engine {
    pub(crate) async fn publication_id(
        &self,
        connection: &ConnectionRef,
        key: &IdempotencyKey,
    ) -> Result<Id> {
        self.0
            .vault
            .index(
                connection.tenant(),
                "publication",
                &[connection.connection().id().as_bytes(), key.0.as_bytes()],
            )
            .await
    }

    pub(crate) async fn read_publication(
        &self,
        tenant: &TenantId,
        subject: Option<SubjectId>,
        id: Id,
    ) -> Result<View> {
        let key = Key::new(kind::PUBLICATION, id);
        self.0.vault.read(tenant, publication_holder(subject), std::slice::from_ref(&key)).await
    }

    /// Due: somebody began it and does not go on. What the provider has is followed to its end;
    /// what never left is over.
    pub(crate) async fn publication_due(&self, lease: &bailee_store::Lease) -> Result<()> {
        let id = lease.task.id;
        let view = self.read_publication(&lease.tenant, lease.subject, id).await?;
        let Some((body, _)) = publication_of(&view)? else {
            return self.finish(lease, bailee_store::Due::Never).await;
        };
        if body.state.is_final() {
            return self.finish(lease, bailee_store::Due::Never).await;
        }
        let Some(found) = self.find_connection(&body.connection).await? else {
            return self.end_publication(lease, id, &body, "disconnected").await;
        };
        let mut line = self.line(&self.registered(&found.body.registration)?.clone()).await?;
        if let Some(credential) = found.credential(0)? {
            line = line.to(&credential)?;
        }
        let follower = line.registered.provider.follow(&body.operation);
        // What was perhaps sent and may not be repeated is for the follower to find out.
        let Some(operation) = follower.filter(|_| !body.progress.is_empty()) else {
            return self.end_publication(lease, id, &body, "abandoned").await;
        };
        let job = Job {
            engine: self,
            line: &line,
            id,
            operation: &*operation,
            media: None,
            authority: Authority::Continuing,
        };
        job.advance(lease.clone(), body).await.map(|_| ())
    }
}

/// Whose key seals a publication: the person's, or the tenant's for a connection nobody owns.
pub(crate) fn publication_holder(subject: Option<SubjectId>) -> Holder {
    subject.map_or(Holder::Tenant, Holder::Subject)
}

pub(crate) fn publication_of(
    view: &View,
) -> Result<Option<(PublicationBody, Option<bailee_core::SecretText>)>> {
    let Some(facts) = view.facts(0)? else { return Ok(None) };
    let body: PublicationBody = body::decode(&facts)?;
    let secret = if body.has_secret {
        Some(bailee_core::SecretText::new(view.part(0, "progress")?))
    } else {
        None
    };
    Ok(Some((body, secret)))
}

/// What the host is told when a publication is over.
pub(crate) fn happened(state: PublicationState, publication: Id) -> Option<Happened> {
    match state {
        PublicationState::Published => Some(Happened::Published { publication }),
        PublicationState::Failed => Some(Happened::PublicationFailed { publication }),
        PublicationState::Unknown => Some(Happened::PublicationUnknown { publication }),
        PublicationState::Queued | PublicationState::Processing => None,
    }
}

/// A connection that nobody owns needs its tenant's own record to lock.
pub(crate) async fn ensure_holder(engine: &Engine, connection: &ConnectionRef) -> Result<()> {
    match connection.owner() {
        Owner::Subject(_) => Ok(()),
        Owner::Tenant | Owner::Instance => engine.0.vault.ensure_owner(connection.tenant()).await,
    }
}
