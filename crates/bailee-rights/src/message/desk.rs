//! The desk at which letters wait.

use std::{fmt, sync::Arc, time::Duration};

use bailee_core::{
    ErrorKind, Id, Locale, Result, SecretText, SubjectId, TenantId, Timestamp, audit::Entry,
};
use bailee_registry::{Catalogue, Declaration};
use bailee_store::{Due, Key, Kind, Lease, Op, Query, Record};
use bailee_vault::{Draft, Holder, Vault, View};
use serde::{Deserialize, Serialize};

use super::{Content, Letter, kind};
use crate::{
    Additions,
    notice::{
        Contacts, GivenUp, Message, Notify, Sent,
        body::{SCHEMA, decode},
        kind as facet,
        post::{self, Outbox as _, Post, Posting},
    },
    request::Right,
};

/// Writes letters about requests, and keeps the evidence that they went out. Cheap to clone.
#[derive(Clone)]
pub struct Messages(Arc<Inner>);

struct Inner {
    vault: Vault,
    post: Post,
    declaration: Arc<Declaration>,
    catalogues: Vec<Catalogue>,
}

/// Collects what [`Messages`] need.
#[must_use]
pub struct MessagesBuilder {
    vault: Vault,
    post: Post,
    declaration: Arc<Declaration>,
    catalogues: Vec<Catalogue>,
}

/// A letter and what became of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Posted {
    /// Its id.
    pub id: Id,
    /// What it says. A code and a link are not in it.
    pub letter: Letter,
    /// When it was written.
    pub queued_at: Timestamp,
    /// How often sending was tried without an end.
    pub tries: u32,
    /// That it was taken.
    pub sent: Option<Sent>,
    /// When it was given up, and why.
    pub given_up: Option<(Timestamp, GivenUp)>,
}

/// What became of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    GivenUp,
    Sent(Timestamp),
    Waiting,
}

/// `rights.message`. A code or a link is a part beside it, as long as it waits.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LetterBody {
    pub(super) request: Id,
    pub(super) right: Right,
    pub(super) content: Content,
    /// From when on it says something that does not count any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<Timestamp>,
    #[serde(default)]
    pub(super) with_secret: bool,
    #[serde(flatten)]
    pub(super) posting: Posting,
}

impl Messages {
    /// Begins a desk over a vault, with the host's seams. The declaration says who the controller is
    /// and where to complain.
    pub fn builder(
        vault: Vault,
        declaration: Arc<Declaration>,
        contacts: Arc<dyn Contacts>,
        notify: Arc<dyn Notify>,
    ) -> MessagesBuilder {
        let post = Post::new(contacts, notify);
        MessagesBuilder { vault, post, declaration, catalogues: Vec::new() }
    }

    /// The kinds of work that [`do_due`](Self::do_due) does.
    pub fn tasks() -> [Kind; 1] {
        [kind::SENDING]
    }

    /// Sends a letter that a worker claimed, and writes down what became of it, in one commit under the
    /// claim.
    ///
    /// # Errors
    ///
    /// What the store and the vault say; the work is due again when its claim ends. A fault of a host's
    /// seam is none: it is written down and the work comes again at its time.
    pub async fn do_due(&self, lease: &Lease) -> Result<()> {
        post::send_due(self, lease).await
    }

    /// Gives what writes a letter down and sends it, for the commit that changes the request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] or [`ErrorKind::TooLarge`] for a letter that cannot be;
    /// [`ErrorKind::NotFound`], [`ErrorKind::Shredded`] and what the store and the vault say.
    pub async fn queue(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        letter: Letter,
    ) -> Result<Additions> {
        let id = Id::generate(&**self.vault().random())?;
        self.queue_as(tenant, subject, id, letter, None).await
    }

    /// The letters about a request, in the order in which they were written, with the evidence.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`], [`ErrorKind::Shredded`] and what the store and the vault say.
    pub async fn of_request(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        request: Id,
    ) -> Result<Vec<Posted>> {
        let (vault, holder) = (self.vault(), Holder::Subject(subject));
        vault.read(tenant, holder, &[]).await?;
        let mut query = Query::of_kind(kind::MESSAGE).subject(subject).lookup(request).limit(1000);
        let mut letters = Vec::new();
        loop {
            let page = vault.store().find(tenant, &query).await?;
            for record in &page.records {
                let facts = vault.open(tenant, holder, record).await?.facts()?;
                letters.push(Posted::of(record.key.id, decode(&facts)?));
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => break,
            }
        }
        letters.sort_by_key(|letter| (letter.queued_at, letter.id));
        Ok(letters)
    }

    /// Whether no letter about a request waits any more: each was taken or given up. Whoever destroys
    /// a person's key last asks this first.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn settled(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        request: Id,
    ) -> Result<bool> {
        let waiting = Query::of_kind(kind::MESSAGE)
            .subject(subject)
            .lookup(request)
            .facet(facet::WAITING)
            .limit(1);
        Ok(self.vault().store().find(tenant, &waiting).await?.records.is_empty())
    }

    /// What became so far of a letter; one that is gone was given up.
    pub(crate) async fn fate(&self, tenant: &TenantId, subject: SubjectId, id: Id) -> Result<Fate> {
        let posting = match self.read(tenant, subject, id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Fate::GivenUp),
            found => found?.1.posting,
        };
        Ok(match (posting.sent, posting.given_up) {
            (Some(sent), _) => Fate::Sent(sent.at),
            (None, Some(_)) => Fate::GivenUp,
            (None, None) => Fate::Waiting,
        })
    }

    /// The text of a letter, in the language that a reader understands best: for showing it in the
    /// application. It has a mark where a code or a link would be.
    pub fn text(&self, letter: &Letter, reader: &Locale) -> Message {
        let Letter { request, right, content, secret, .. } = letter;
        self.write(*request, *right, content, secret.is_some(), reader)
    }

    /// As [`queue`](Self::queue), for a letter of this id, which says something until then.
    pub(crate) async fn queue_as(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        letter: Letter,
        until: Option<Timestamp>,
    ) -> Result<Additions> {
        letter.check()?;
        let (vault, kind) = (self.vault(), letter.kind());
        let now = vault.clock().now();
        let Letter { request, right, content, secret, patience } = letter;
        let posting = Posting::queued(now, patience);
        let with_secret = secret.is_some();
        let body = LetterBody { request, right, content, until, with_secret, posting };
        let key = Key::new(kind::MESSAGE, id);
        let mut draft = Draft::new(key, Holder::Subject(subject))
            .facet(body.posting.facet())
            .json(SCHEMA, &body)?;
        if let Some(secret) = secret {
            draft = draft.part(SECRET, secret.into_plaintext());
        }
        let put = vault.put_with_lookups(tenant, draft, None, vec![request]).await?;
        let work = Op::Schedule {
            task: Key::new(kind::SENDING, id),
            subject: Some(subject),
            due: Due::After(Duration::ZERO),
        };
        let entry = Entry::new("rights.message_queued", now)
            .about(subject)
            .with("message", id)
            .with("request", request)
            .with("kind", kind.as_str());
        Ok(Additions { ops: vec![put, work], entries: vec![entry] })
    }

    /// What ends a letter that waits, because a newer one takes its place. Nothing where it went out or
    /// is gone.
    pub(crate) async fn replace(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
    ) -> Result<Additions> {
        let (view, mut body) = match self.read(tenant, subject, id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Additions::default()),
            found => found?,
        };
        if !body.posting.is_waiting() {
            return Ok(Additions::default());
        }
        let now = self.vault().clock().now();
        body.posting.given_up = Some((now, GivenUp::Replaced));
        let put = self.put_letter(tenant, subject, id, &body, view.record(0)).await?;
        let entry = Entry::new("rights.message_given_up", now)
            .about(subject)
            .with("message", id)
            .with("reason", GivenUp::Replaced.as_str())
            .with("request", body.request)
            .with("kind", body.content.kind().as_str());
        Ok(Additions { ops: vec![put], entries: vec![entry] })
    }

    /// The write of a letter in the place of what was read. Its secret stays as long as it waits.
    pub(super) async fn put_letter(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        body: &LetterBody,
        replaces: Option<&Record>,
    ) -> Result<Op> {
        let mut draft = Draft::new(Key::new(kind::MESSAGE, id), Holder::Subject(subject))
            .facet(body.posting.facet())
            .json(SCHEMA, body)?;
        if body.with_secret && body.posting.is_waiting() {
            draft = draft.keep(SECRET);
        }
        self.vault().put(tenant, draft, replaces).await
    }

    /// The secret of a letter that waits.
    pub(super) fn secret_of(view: &View) -> Result<SecretText> {
        Ok(SecretText::new(view.part(0, SECRET)?))
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    pub(super) fn post(&self) -> &Post {
        &self.0.post
    }

    pub(super) fn declaration(&self) -> &Declaration {
        &self.0.declaration
    }

    pub(super) fn catalogue(&self, reader: &Locale) -> Catalogue {
        Catalogue::of(&self.0.catalogues, reader)
    }
}

impl MessagesBuilder {
    /// Adds the sentences of a language, or other English ones. Read it with
    /// [`sentences`](crate::sentences), so that letters are in it as well.
    pub fn catalogue(mut self, catalogue: Catalogue) -> Self {
        self.catalogues.push(catalogue);
        self
    }

    /// Says after how long a letter that could not be sent is given up. The default is fourteen days.
    pub fn gives_up_after(mut self, patience: Duration) -> Self {
        self.post.gives_up_after(patience);
        self
    }

    /// The desk.
    #[must_use]
    pub fn build(self) -> Messages {
        let Self { vault, post, declaration, catalogues } = self;
        Messages(Arc::new(Inner { vault, post, declaration, catalogues }))
    }
}

impl Posted {
    fn of(id: Id, body: LetterBody) -> Self {
        Self {
            id,
            letter: Letter::new(body.request, body.right, body.content),
            queued_at: body.posting.queued_at,
            tries: body.posting.tries,
            sent: body.posting.sent.map(Sent::of),
            given_up: body.posting.given_up,
        }
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").field("post", &self.0.post).finish_non_exhaustive()
    }
}

impl fmt::Debug for MessagesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessagesBuilder").field("post", &self.post).finish_non_exhaustive()
    }
}

/// The part with a code or a link.
const SECRET: &str = "secret";
