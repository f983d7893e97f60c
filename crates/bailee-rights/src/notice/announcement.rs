//! A change that people are told of.

use std::{fmt, sync::Arc};

use bailee_core::{Error, ErrorKind, Id, Plaintext, Result, TenantId, Timestamp, audit::Entry};
use bailee_registry::{
    Declaration,
    versions::{Diff, Way},
};
use bailee_store::{Due, Key, Query};
use bailee_vault::{Draft, Holder, View};
use time::Date;

use super::{
    Notices,
    body::{AnnouncementBody, NoticeBody, SCHEMA, SpreadBody, decode},
    kind,
    post::Posting,
};

/// A change that people are told of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Announcement {
    /// Its id. The same change has the same one.
    pub id: Id,
    /// The version of the declaration before.
    pub was: [u8; 32],
    /// The version that people are told of.
    pub is: [u8; 32],
    /// Who announced it, as the host names operators.
    pub operator: Id,
    /// When.
    pub announced_at: Timestamp,
    /// From which day it holds.
    pub effective: Date,
    /// To how many tenants it was taken.
    pub tenants: u64,
    /// Whether it was taken to all.
    pub done: bool,
}

/// How far a change was told in a tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Whether everybody was looked at.
    pub done: bool,
    /// How many have a notice.
    pub told: u64,
    /// How many the change does not concern.
    pub others: u64,
    /// Of how many nobody can say whether it concerns them: their standing could not be read.
    pub unreadable: u64,
    /// How many notices are shown in the application alone.
    pub in_application: u64,
    /// How many messages wait to be sent.
    pub waiting: u64,
    /// How many messages were taken by whoever carries them.
    pub sent: u64,
    /// How many messages were given up.
    pub given_up: u64,
}

/// A stored change with what it comes to.
pub(super) struct Change {
    pub(super) id: Id,
    pub(super) diff: Diff,
    pub(super) effective: Date,
    pub(super) announced_at: Timestamp,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Notices {
    /// Announces a change that was activated: from now on everybody whom it concerns is told, as work.
    /// An operator's act, and the same change is announced once: again, it does nothing and answers the
    /// same.
    ///
    /// The people are those of every tenant that the vault knows. Who comes later is shown the new text
    /// when they come.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] where nothing differs; [`ErrorKind::TooLarge`] for a declaration of
    /// more than 64 KiB of text; what the store and the vault say.
    pub async fn announce(
        &self,
        operator: Id,
        diff: &Diff,
        effective: Date,
    ) -> Result<Announcement> {
        if diff.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput)
                .with_detail("the two declarations do not differ"));
        }
        let system = TenantId::SYSTEM;
        let (was, is) = (diff.before().version(), diff.after().version());
        let id = Id::derive(&[b"announcement", &was, &is]);
        let key = Key::new(kind::ANNOUNCEMENT, id);
        if let Some(known) = self.announcement(id).await? {
            return Ok(known);
        }
        let vault = self.vault();
        let body = AnnouncementBody {
            operator,
            was,
            is,
            announced_at: vault.clock().now(),
            effective,
            after: None,
            tenants: 0,
            done: false,
        };
        let text = |of: &Declaration| Plaintext::copy_from(of.source().as_bytes());
        let draft = Draft::new(key, Holder::Tenant)
            .json(SCHEMA, &body)?
            .part(WAS, text(diff.before()))
            .part(IS, text(diff.after()));
        let batch = vault
            .batch()?
            .op(vault.put(&system, draft, None).await?)
            .schedule(Key::new(kind::SPREADING, id), None, Due::After(std::time::Duration::ZERO))
            .audit(
                Entry::new("announcement.made", body.announced_at)
                    .by(&bailee_core::Actor::Operator { operator })
                    .with("announcement", id)
                    .with("version", is),
            );
        match vault.commit(&system, batch).await {
            // Somebody else announced it meanwhile.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                self.announcement(id).await?.ok_or(error)
            }
            done => done.map(|_| Announcement::of(id, &body)),
        }
    }

    /// A change that was announced.
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    pub async fn announcement(&self, id: Id) -> Result<Option<Announcement>> {
        let Some((_, body)) = self.read_announcement(id).await? else { return Ok(None) };
        Ok(Some(Announcement::of(id, &body)))
    }

    /// How far a change was told in a tenant. It reads the tenant's notices of it.
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    pub async fn progress(&self, tenant: &TenantId, announcement: Id) -> Result<Progress> {
        let vault = self.vault();
        let key = Key::new(kind::SPREAD, announcement);
        let view = vault.read(tenant, Holder::Tenant, &[key]).await?;
        let Some(facts) = view.facts(0)? else { return Ok(Progress::default()) };
        let spread: SpreadBody = decode(&facts)?;
        let mut progress = Progress {
            done: spread.done,
            told: spread.told,
            others: spread.others,
            unreadable: spread.unreadable,
            ..Progress::default()
        };
        let mut query = Query::of_kind(kind::NOTICE).lookup(announcement).limit(1000);
        loop {
            let page = vault.store().find(tenant, &query).await?;
            for record in &page.records {
                match record.facet {
                    kind::SHOWN_ONLY => progress.in_application += 1,
                    kind::WAITING => progress.waiting += 1,
                    kind::SENT => progress.sent += 1,
                    _ => progress.given_up += 1,
                }
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => return Ok(progress),
            }
        }
    }

    /// The record of a change and its facts.
    pub(super) async fn read_announcement(
        &self,
        id: Id,
    ) -> Result<Option<(View, AnnouncementBody)>> {
        let key = Key::new(kind::ANNOUNCEMENT, id);
        let view = self.vault().read(&TenantId::SYSTEM, Holder::Tenant, &[key]).await?;
        let body = view.facts(0)?.map(|facts| decode(&facts)).transpose()?;
        Ok(body.map(|body| (view, body)))
    }

    /// A change with its difference, which is found anew from the two texts: whatever this process
    /// itself enforces, it tells of what was announced.
    pub(super) async fn change(&self, id: Id) -> Result<Arc<Change>> {
        if let Some(known) = self.known().get(&id) {
            return Ok(Arc::clone(known));
        }
        let found = self.read_announcement(id).await?;
        let (view, body) = found.ok_or_else(|| {
            Error::new(ErrorKind::NotFound).with_detail("this change was not announced")
        })?;
        let declaration = |part, version: [u8; 32]| {
            let read = |bytes: &[u8]| match std::str::from_utf8(bytes) {
                Ok(text) => Declaration::parse(text),
                Err(_) => Err(Error::new(ErrorKind::Unopenable)),
            };
            let declaration = view.part(0, part)?.expose(read)?;
            if declaration.version() != version {
                // A release that reads the same text differently tells of nothing.
                return Err(Error::new(ErrorKind::UnknownSchema)
                    .with_detail("another release reads the announced declaration differently"));
            }
            Ok(declaration)
        };
        let (was, is) = (declaration(WAS, body.was)?, declaration(IS, body.is)?);
        let change = Arc::new(Change {
            id,
            diff: Diff::between(&was, &is),
            effective: body.effective,
            announced_at: body.announced_at,
        });
        let mut known = self.known();
        // A few changes at a time are told of; a long-lived process forgets the old ones.
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(id, Arc::clone(&change));
        Ok(change)
    }
}

impl Announcement {
    fn of(id: Id, body: &AnnouncementBody) -> Self {
        Self {
            id,
            was: body.was,
            is: body.is,
            operator: body.operator,
            announced_at: body.announced_at,
            effective: body.effective,
            tenants: body.tenants,
            done: body.done,
        }
    }
}

impl Change {
    /// The notice that a person gets of it.
    pub(super) fn notice(&self, way: Way, now: Timestamp) -> NoticeBody {
        NoticeBody {
            announcement: self.id,
            version: self.diff.after().version(),
            by_message: way == Way::ByMessage,
            posting: Posting::queued(now, None),
            shown: None,
        }
    }
}

/// The part with the text of the declaration before.
pub(super) const WAS: &str = "was";
/// The part with the text of the declaration that people are told of.
pub(super) const IS: &str = "is";

const MAX_KNOWN: usize = 16;
