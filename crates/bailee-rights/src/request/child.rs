//! A child who is found to be too young for the service: their data goes by itself (Art. 17(1)(f)
//! GDPR), because whoever declares a minimum age has said that nobody younger uses it.

use bailee_core::{Actor, ErrorKind, Id, Locale, Result, SubjectId, TenantId, Timestamp};
use bailee_registry::Standing;
use bailee_store::{Due, Lease};
use bailee_vault::Holder;

use super::{
    Ask, Channel, IdentifiedBy,
    ask::Incoming,
    body::{IdentityBody, RequestBody},
    desk::Rights,
    kind,
};

impl Rights {
    /// The work that begins the erasure of a child's data, under the child's pseudonym.
    pub const CHILD_WORK: bailee_store::Kind = kind::CHILD_DUE;

    /// Due: begin the erasure of a child's data, in the tenant in which they are one.
    pub(super) async fn child_due(&self, lease: &Lease) -> Result<()> {
        let tenant = &lease.tenant;
        let subject = SubjectId::from_id(lease.task.id);
        let entry = |id: Id| self.entry("rights.looked", id).about(subject);
        let Some(since) = self.child_since(tenant, subject).await? else {
            return self.finish(lease, Due::Never, entry(lease.task.id)).await;
        };
        // Once for each time that it was found out.
        let (named, at) = (tenant.as_str().as_bytes(), since.as_seconds().to_be_bytes());
        let id = Id::derive(&[b"rights.child", named, subject.id().as_bytes(), &at]);
        match self.read_request(tenant, id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            found => {
                found?;
                return self.finish(lease, Due::Never, entry(id)).await;
            }
        }
        let now = self.now();
        let identity =
            IdentityBody { at: now, how: IdentifiedBy::Declared, operator: None, ask: None };
        let person = self.vault().person(tenant, subject).await?;
        let incoming = Incoming {
            id: Some(id),
            tenant,
            person: &person,
            ask: Ask::Erasure,
            locale: Locale::default(),
            channel: Channel::Declared,
            received: since.min(now),
            by: Some(Actor::System),
        };
        let taken = self.take(incoming, Some(identity.clone())).await?;
        if !taken.new {
            // They want it themselves, and nobody has to show any more who they are.
            self.prove(tenant, taken.id, &identity, &Actor::System).await?;
        }
        self.finish(lease, Due::Never, entry(taken.id)).await
    }

    /// Since when it is known that a person is too young in a tenant, if they are.
    pub(super) async fn child_since(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
    ) -> Result<Option<Timestamp>> {
        match self.vault().read(tenant, Holder::Subject(subject), &[]).await {
            Err(error) if matches!(error.kind(), ErrorKind::Shredded | ErrorKind::NotFound) => {
                Ok(None)
            }
            view => Ok(Standing::read(&view?.standing()?)?.child_found()),
        }
    }

    /// Whether a request that nobody made is about somebody who is too young still.
    pub(super) async fn is_child(&self, body: &RequestBody) -> Result<bool> {
        let Some((tenant, subject)) = body.places.first() else { return Ok(false) };
        Ok(self.child_since(tenant, *subject).await?.is_some())
    }
}
