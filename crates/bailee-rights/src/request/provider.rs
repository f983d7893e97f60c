//! What a provider asks for its account's holder: it begins the right request here, once, and the
//! provider's own is answered when that is closed.

use async_trait::async_trait;
use bailee_core::{
    Actor, Error, ErrorKind, Id, Locale, ProviderId, Result, SubjectId, TenantId, Timestamp,
};
use bailee_store::{Due, Key, Lease, Op};

use super::{
    Ask, Channel, IdentifiedBy, OperatorRights, Outcome, Taken,
    ask::Incoming,
    body::{IdentityBody, OutcomeBody, RequestBody},
    desk::Rights,
    drive::DAY,
    kind,
};

/// The requests that providers brought and signed, as whoever verified their signatures keeps them.
#[async_trait]
pub trait ProviderAsks: Send + Sync + 'static {
    /// A request that a provider brought for the holder of an account, that they want their data
    /// erased; `None` for one that is not there, asks for something else, names nobody known here, or
    /// was answered.
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    async fn erasure(&self, tenant: &TenantId, ask: Id) -> Result<Option<ProviderAsk>>;

    /// Answers it: the request with this id did it. One that was answered stays as it is. Where the
    /// person was erased by another request there is no id.
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    async fn answer(
        &self,
        tenant: &TenantId,
        ask: Id,
        by: Option<Id>,
        outcome: Outcome,
    ) -> Result<()>;
}

/// That a provider asks for the erasure of its account's holder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "whoever verified it says all of it")]
pub struct ProviderAsk {
    /// Which provider.
    pub provider: ProviderId,
    /// Whose data it is about.
    pub subject: SubjectId,
    /// When it came.
    pub received: Timestamp,
}

impl OperatorRights {
    /// Enters what a provider asked for, named by the request that it brought and signed: that is the
    /// evidence that it speaks for the person, and nothing more is asked of them. What was entered
    /// before is that request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for a request of a provider that is not there, is answered, or is about
    /// nobody known here; as [`Rights::ask`].
    pub async fn enter_from_provider(&self, tenant: &TenantId, ask: Id) -> Result<Taken> {
        let rights = self.rights();
        let Some(asked) = rights.asked_by_provider(tenant, ask).await? else {
            return Err(Error::new(ErrorKind::NotFound)
                .with_detail("no provider brought such a request that is open"));
        };
        let taken = rights.take_from_provider(tenant, ask, &asked).await?;
        let subject = Some(asked.subject);
        let entry = rights.entry("rights.provider_asked", taken.id).about(subject);
        let batch = rights
            .vault()
            .batch()?
            .schedule(Key::new(kind::PROVIDER_DUE, ask), subject, Due::After(DAY))
            .audit(entry.by(&self.actor()).with("provider", &asked.provider));
        rights.vault().commit(tenant, batch).await?;
        Ok(taken)
    }
}

impl Rights {
    /// The work that begins what a provider asked for, under the id of its request.
    pub const PROVIDER_WORK: bailee_store::Kind = kind::PROVIDER_DUE;

    /// Due: begin what a provider asked for, or answer it.
    pub(super) async fn provider_due(&self, lease: &Lease) -> Result<()> {
        let (tenant, ask) = (&lease.tenant, lease.task.id);
        let looked = |id: Id| self.entry("rights.looked", id).about(lease.subject);
        let Some(asked) = self.asked_by_provider(tenant, ask).await? else {
            return self.finish(lease, Due::Never, looked(ask)).await;
        };
        let taken = match self.take_from_provider(tenant, ask, &asked).await {
            // Nobody is left whose data it could be.
            Err(error) if error.kind() == ErrorKind::Shredded => {
                self.answer_provider(tenant, ask, None, Outcome::Done).await?;
                return self.finish(lease, Due::Never, looked(ask)).await;
            }
            taken => taken?,
        };
        let (_, body) = self.read_request(tenant, taken.id).await?;
        let due = match body.closed {
            // It wakes this when it is closed; somebody else's request does not.
            None => Due::After(DAY),
            Some((_, OutcomeBody::Done | OutcomeBody::Partial)) => {
                let outcome = body.closed.map_or(Outcome::Done, |(_, outcome)| outcome.into());
                self.answer_provider(tenant, ask, Some(taken.id), outcome).await?;
                Due::Never
            }
            // The person took it back, or it was refused: what the provider hears an operator says.
            Some(_) => Due::Never,
        };
        let entry = match taken.new {
            true => self
                .entry("rights.provider_asked", taken.id)
                .about(lease.subject)
                .with("provider", &asked.provider),
            false => looked(taken.id),
        };
        self.finish(lease, due, entry).await
    }

    /// What wakes the request of a provider that a request which is being closed came of.
    pub(super) fn wake_provider(body: &RequestBody) -> Option<Op> {
        let ask = body.identity.as_ref()?.ask?;
        let subject = body.places.first().map(|(_, subject)| *subject);
        let due = Due::After(std::time::Duration::ZERO);
        Some(Op::Schedule { task: Key::new(kind::PROVIDER_DUE, ask), subject, due })
    }

    /// The request that a provider's request is here, begun where it was not.
    async fn take_from_provider(
        &self,
        tenant: &TenantId,
        ask: Id,
        asked: &ProviderAsk,
    ) -> Result<Taken> {
        // One for each of the provider's: whoever comes second finds it under the same id.
        let named = tenant.as_str().as_bytes();
        let id = Id::derive(&[b"rights.provider", named, ask.as_bytes()]);
        match self.read_request(tenant, id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            found => return found.map(|_| Taken { id, new: false }),
        }
        let person = self.vault().person(tenant, asked.subject).await?;
        let identity = IdentityBody {
            at: self.now(),
            how: IdentifiedBy::Provider,
            operator: None,
            ask: Some(ask),
        };
        let by = Actor::Provider { provider: asked.provider.clone() };
        let incoming = Incoming {
            id: Some(id),
            tenant,
            person: &person,
            ask: Ask::Erasure,
            locale: Locale::default(),
            channel: Channel::Provider(asked.provider.clone()),
            received: asked.received,
            by: Some(by.clone()),
        };
        let taken = self.take(incoming, Some(identity.clone())).await?;
        if !taken.new {
            // They asked for it themselves, and the provider shows that it is they.
            self.prove(tenant, taken.id, &identity, &by).await?;
        }
        Ok(taken)
    }

    async fn asked_by_provider(&self, tenant: &TenantId, ask: Id) -> Result<Option<ProviderAsk>> {
        match &self.0.provider_asks {
            Some(asks) => asks.erasure(tenant, ask).await,
            None => Ok(None),
        }
    }

    async fn answer_provider(
        &self,
        tenant: &TenantId,
        ask: Id,
        by: Option<Id>,
        outcome: Outcome,
    ) -> Result<()> {
        match &self.0.provider_asks {
            Some(asks) => asks.answer(tenant, ask, by, outcome).await,
            None => Ok(()),
        }
    }
}

/// The provider that brought something: an entry that names one as its actor says which.
pub(super) fn provider_of(by: &Actor) -> Option<&ProviderId> {
    match by {
        Actor::Provider { provider } => Some(provider),
        _ => None,
    }
}
