//! Sending a letter.

use bailee_core::{HostId, Id, Locale, Result, SubjectId, TenantId, audit::Entry};
use bailee_store::{Kind, Op};
use bailee_vault::{Vault, View};

use super::{Messages, desk::LetterBody, kind};
use crate::notice::{
    GivenUp, Message, Reach,
    post::{Events, Outbox, Post, Posting},
};

impl Outbox for Messages {
    type Body = LetterBody;

    const KIND: Kind = kind::MESSAGE;

    const EVENTS: Events = Events {
        ended: "rights.message_ended",
        delayed: "rights.message_delayed",
        given_up: "rights.message_given_up",
        sent: "rights.message_sent",
        field: "message",
    };

    fn vault(&self) -> &Vault {
        Self::vault(self)
    }

    fn post(&self) -> &Post {
        Self::post(self)
    }

    /// Where the host's own row of the person is erased already, the address that was kept for this
    /// request.
    async fn reach(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        body: &LetterBody,
        person: &HostId,
    ) -> Result<Option<Reach>> {
        let asked = Self::post(self).reach(tenant, person).await;
        match asked {
            Some(reach) if !reach.addresses.is_empty() => Ok(Some(reach)),
            asked => Ok(self.kept_reach(tenant, subject, body.request).await?.or(asked)),
        }
    }

    /// Whoever asked for something is answered, restricted or a child. A code whose time is over would
    /// only be tried in vain.
    fn forbidden(&self, _: &View, body: &LetterBody) -> Result<Option<GivenUp>> {
        let now = Self::vault(self).clock().now();
        Ok(body.until.is_some_and(|until| now >= until).then_some(GivenUp::Expired))
    }

    async fn message(&self, view: &View, body: &LetterBody, reader: &Locale) -> Result<Message> {
        let LetterBody { request, right, content, with_secret, .. } = body;
        let message = self.write(*request, *right, content, *with_secret, reader);
        match body.with_secret {
            true => Ok(message.with_secret(Self::secret_of(view)?)),
            false => Ok(message),
        }
    }

    fn posting<'b>(&self, body: &'b mut LetterBody) -> Option<&'b mut Posting> {
        Some(&mut body.posting)
    }

    async fn put(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        body: &LetterBody,
        replaces: &View,
    ) -> Result<Op> {
        self.put_letter(tenant, subject, id, body, replaces.record(0)).await
    }

    fn describe(&self, entry: Entry, body: &LetterBody) -> Entry {
        entry.with("request", body.request).with("kind", body.content.kind().as_str())
    }
}
