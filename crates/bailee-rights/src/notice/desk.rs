//! The desk at which people are told.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bailee_core::{ErrorKind, Id, Locale, Result, SubjectId, TenantId, audit::Entry};
use bailee_registry::Catalogue;
use bailee_store::{Due, Key, Kind, Lease, Query};
use bailee_vault::{Draft, Holder, Vault, View};

use super::{
    Contacts, Message, Notice, Notify,
    announcement::Change,
    body::{NoticeBody, SCHEMA, ShownBody, decode},
    kind,
    post::{self, Outbox as _, Post},
};

/// Tells people of changes, and keeps the evidence. Cheap to clone.
#[derive(Clone)]
pub struct Notices(Arc<Inner>);

struct Inner {
    vault: Vault,
    post: Post,
    catalogues: Vec<Catalogue>,
    known: Mutex<HashMap<Id, Arc<Change>>>,
}

/// Collects what [`Notices`] need.
#[must_use]
pub struct NoticesBuilder {
    vault: Vault,
    post: Post,
    catalogues: Vec<Catalogue>,
}

impl Notices {
    /// Begins a desk over a vault, with the host's seams.
    pub fn builder(
        vault: Vault,
        contacts: Arc<dyn Contacts>,
        notify: Arc<dyn Notify>,
    ) -> NoticesBuilder {
        NoticesBuilder { vault, post: Post::new(contacts, notify), catalogues: Vec::new() }
    }

    /// The kinds of work that [`do_due`](Self::do_due) does.
    pub fn tasks() -> [Kind; 2] {
        [kind::SPREADING, kind::SENDING]
    }

    /// Does a piece of work that a worker claimed: takes a change to a page of tenants, tells a page of
    /// people, or sends a message.
    ///
    /// Each is one commit under the claim, so that a process that dies leaves the whole step or none of
    /// it, and the next one goes on.
    ///
    /// # Errors
    ///
    /// What the store and the vault say; the work is due again when its claim ends. A fault of a host's
    /// seam is none: it is written down and the work comes again at its time.
    pub async fn do_due(&self, lease: &Lease) -> Result<()> {
        if lease.task.kind == kind::SENDING {
            post::send_due(self, lease).await
        } else if lease.tenant.is_system() {
            self.carry_due(lease).await
        } else {
            self.spread_due(lease).await
        }
    }

    /// What a person was told and is told, in the order of its ids, with the evidence.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`], [`ErrorKind::Shredded`] and what the store and the vault say.
    pub async fn of_subject(&self, tenant: &TenantId, subject: SubjectId) -> Result<Vec<Notice>> {
        let holder = Holder::Subject(subject);
        let vault = self.vault();
        vault.read(tenant, holder, &[]).await?;
        let mut query = Query::of_kind(kind::NOTICE).subject(subject).limit(1000);
        let mut notices = Vec::new();
        loop {
            let page = vault.store().find(tenant, &query).await?;
            for record in &page.records {
                let facts = vault.open(tenant, holder, record).await?.facts()?;
                notices.push(Notice::of(record.key.id, decode(&facts)?));
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => return Ok(notices),
            }
        }
    }

    /// What a person has not been shown in the application: the host shows it and says so with
    /// [`shown`](Self::shown).
    ///
    /// # Errors
    ///
    /// As [`of_subject`](Self::of_subject).
    pub async fn unseen(&self, tenant: &TenantId, subject: SubjectId) -> Result<Vec<Notice>> {
        let mut notices = self.of_subject(tenant, subject).await?;
        notices.retain(|notice| notice.shown.is_none());
        Ok(notices)
    }

    /// The text of a change, in the language that a reader understands best.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for a change that was not announced; what the store and the vault say.
    pub async fn message(&self, announcement: Id, reader: &Locale) -> Result<Message> {
        let change = self.change(announcement).await?;
        let catalogue = Catalogue::of(&self.0.catalogues, reader);
        let Change { id, diff, effective, announced_at } = &*change;
        Ok(Message::of_change(*id, diff, *effective, *announced_at, &catalogue))
    }

    /// Records that a person was shown a notice in the application. The first time counts.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for a notice that this person has not; [`ErrorKind::Shredded`];
    /// [`ErrorKind::Conflict`] when the record is written all the time; what the store and the vault
    /// say.
    pub async fn shown(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        notice: Id,
        message: &Message,
    ) -> Result<()> {
        let vault = self.vault();
        for _ in 0..MAX_TRIES {
            let (view, mut body) = self.read(tenant, subject, notice).await?;
            if message.about().announcement() != Some(body.announcement) {
                return Err(ErrorKind::NotFound.into());
            }
            if body.shown.is_some() {
                return Ok(());
            }
            let at = vault.clock().now();
            let locale = message.locale().clone();
            body.shown = Some(ShownBody { at, locale, text: message.hash() });
            let batch = vault
                .batch()?
                .op(view.fence()?)
                .op(self.put_notice(tenant, subject, notice, &body, Some(&view)).await?)
                .audit(
                    Entry::new("notice.shown", at)
                        .about(subject)
                        .with("notice", notice)
                        .with("version", body.version)
                        .with("digest", message.hash()),
                );
            match vault.commit(tenant, batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| ()),
            }
        }
        Err(ErrorKind::Conflict.into())
    }

    /// The write of a person's notice.
    pub(super) async fn put_notice(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        notice: Id,
        body: &NoticeBody,
        replaces: Option<&View>,
    ) -> Result<bailee_store::Op> {
        let facet = if body.by_message { body.posting.facet() } else { kind::SHOWN_ONLY };
        let draft = Draft::new(Key::new(kind::NOTICE, notice), Holder::Subject(subject))
            .facet(facet)
            .json(SCHEMA, body)?;
        match replaces {
            Some(view) => self.vault().put(tenant, draft, view.record(0)).await,
            None => {
                let lookups = vec![body.announcement];
                self.vault().put_with_lookups(tenant, draft, None, lookups).await
            }
        }
    }

    /// Ends a claim with nothing else than an entry. A claim that is over is somebody else's.
    pub(super) async fn finish(&self, lease: &Lease, due: Due, entry: Entry) -> Result<()> {
        post::finish(self.vault(), lease, due, entry).await
    }

    pub(super) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    pub(super) fn post(&self) -> &Post {
        &self.0.post
    }

    pub(super) fn known(&self) -> MutexGuard<'_, HashMap<Id, Arc<Change>>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NoticesBuilder {
    /// Adds the sentences of a language, or other English ones. Read it with
    /// [`sentences`](crate::sentences), so that messages are in it as well.
    pub fn catalogue(mut self, catalogue: Catalogue) -> Self {
        self.catalogues.push(catalogue);
        self
    }

    /// Says after how long a message that could not be sent is given up. The default is fourteen days.
    pub fn gives_up_after(mut self, patience: Duration) -> Self {
        self.post.gives_up_after(patience);
        self
    }

    /// The desk.
    #[must_use]
    pub fn build(self) -> Notices {
        Notices(Arc::new(Inner {
            vault: self.vault,
            post: self.post,
            catalogues: self.catalogues,
            known: Mutex::default(),
        }))
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").field("post", &self.0.post).finish_non_exhaustive()
    }
}

impl fmt::Debug for NoticesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NoticesBuilder").field("post", &self.post).finish_non_exhaustive()
    }
}

/// How often a write is tried again after somebody else wrote the same record.
pub(crate) const MAX_TRIES: u32 = 8;
