//! Sending a notice.

use bailee_core::{HostId, Id, Locale, Result, SubjectId, TenantId, audit::Entry};
use bailee_registry::Standing;
use bailee_store::{Kind, Op};
use bailee_vault::{Vault, View};

use super::{
    GivenUp, Message, Notices, Reach,
    body::NoticeBody,
    kind,
    post::{Events, Outbox, Post, Posting},
};

impl Outbox for Notices {
    type Body = NoticeBody;

    const KIND: Kind = kind::NOTICE;

    const EVENTS: Events = Events {
        ended: "notice.ended",
        delayed: "notice.delayed",
        given_up: "notice.given_up",
        sent: "notice.sent",
        field: "notice",
    };

    fn vault(&self) -> &Vault {
        Self::vault(self)
    }

    fn post(&self) -> &Post {
        Self::post(self)
    }

    async fn reach(
        &self,
        tenant: &TenantId,
        _: SubjectId,
        _: &NoticeBody,
        person: &HostId,
    ) -> Result<Option<Reach>> {
        Ok(Self::post(self).reach(tenant, person).await)
    }

    /// A restriction does not end the duty to inform; that the person is a child does, as their data
    /// has to go.
    fn forbidden(&self, view: &View, _: &NoticeBody) -> Result<Option<GivenUp>> {
        let child = Standing::read(&view.standing()?)?.child_found().is_some();
        Ok(child.then_some(GivenUp::NobodyToTell))
    }

    async fn message(&self, _: &View, body: &NoticeBody, reader: &Locale) -> Result<Message> {
        Self::message(self, body.announcement, reader).await
    }

    fn posting<'b>(&self, body: &'b mut NoticeBody) -> Option<&'b mut Posting> {
        body.by_message.then_some(&mut body.posting)
    }

    async fn put(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        body: &NoticeBody,
        replaces: &View,
    ) -> Result<Op> {
        self.put_notice(tenant, subject, id, body, Some(replaces)).await
    }

    fn describe(&self, entry: Entry, body: &NoticeBody) -> Entry {
        entry.with("version", body.version)
    }
}
