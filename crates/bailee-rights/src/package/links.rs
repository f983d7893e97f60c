//! Links to packages: secret, for one person, and for a time.

use std::{fmt, time::Duration};

use bailee_core::{ErrorKind, Id, Result, SubjectId, TenantId, Timestamp, audit::Entry, sha256};
use bailee_store::{Expect, Key, Kind, Query};
use bailee_vault::{Draft, Holder, Vault};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::hex;

/// Makes, opens and revokes links to packages. Cheap to clone.
///
/// Whoever opens one has to be who it was made for, by the host's own session, and know the link: the
/// one does not do without the other. A link that is not there, that is another person's, that was
/// revoked or is over answers the same.
#[derive(Clone)]
pub struct Links {
    vault: Vault,
    life: Duration,
}

/// A link that was just made. The token is nowhere else: only its hash is kept.
#[derive(Debug)]
#[non_exhaustive]
pub struct Link {
    /// What stands in the address.
    pub token: LinkToken,
    /// What it is known by, to revoke it.
    pub id: Id,
    /// When it ends.
    pub expires: Timestamp,
}

/// What makes a link secret: 32 random bytes.
pub struct LinkToken(Zeroizing<[u8; 32]>);

/// What a link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetch {
    /// The request whose package it is.
    pub request: Id,
    /// What the link is known by.
    pub link: Id,
    /// When it ends.
    pub expires: Timestamp,
}

impl Links {
    /// Links that live for seven days.
    pub fn new(vault: Vault) -> Self {
        Self { vault, life: LIFE }
    }

    /// Says how long a link lives. A package has to be kept as long.
    #[must_use]
    pub fn living(mut self, life: Duration) -> Self {
        self.life = life;
        self
    }

    /// Makes a link for a person to the package of a request. Those that were made before stay.
    ///
    /// # Errors
    ///
    /// `NotFound` and `Shredded` where there is no such person any more; what the store and the vault
    /// say.
    pub async fn make(&self, tenant: &TenantId, subject: SubjectId, request: Id) -> Result<Link> {
        let vault = &self.vault;
        let token = LinkToken::generate(vault)?;
        let now = vault.clock().now();
        let (id, expires) = (token.id(), now.plus(self.life));
        let view = vault.read(tenant, Holder::Subject(subject), &[]).await?;
        let body = Body { hash: token.hash(), request, made: now };
        let draft = Draft::new(Key::new(LINK, id), Holder::Subject(subject))
            .expires(expires)
            .json(SCHEMA, &body)?;
        let put = vault.put_with_lookups(tenant, draft, None, vec![of_request(request)]).await?;
        let entry = Entry::new("rights.link_made", now)
            .about(subject)
            .with("request", request)
            .with("link", id)
            .with("until", expires);
        let batch = vault.batch()?.op(view.fence()?).op(put).audit(entry);
        vault.commit(tenant, batch).await?;
        Ok(Link { token, id, expires })
    }

    /// Opens a link for whoever came with it, and notes that they fetch the package.
    ///
    /// `visitor` is who the host's session says that it is, never anything out of the address. It is to
    /// be asked for once a download and for every range of it: each is noted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for a link that is none, is over, was revoked, or is somebody else's;
    /// [`ErrorKind::Conflict`] when the person's standing is written all the time; what the store and the vault say.
    pub async fn fetch(&self, tenant: &TenantId, visitor: SubjectId, token: &str) -> Result<Fetch> {
        let token = LinkToken::parse(token).ok_or(ErrorKind::NotFound)?;
        for _ in 0..MAX_TRIES {
            if let Some(fetch) = self.try_fetch(tenant, visitor, &token).await? {
                return Ok(fetch);
            }
        }
        Err(ErrorKind::Conflict.into())
    }

    /// Opens a link; `None` where it, or the person's standing, was written in that moment.
    async fn try_fetch(
        &self,
        tenant: &TenantId,
        visitor: SubjectId,
        token: &LinkToken,
    ) -> Result<Option<Fetch>> {
        let vault = &self.vault;
        let (id, holder) = (token.id(), Holder::Subject(visitor));
        let key = Key::new(LINK, id);
        let view = vault.read(tenant, holder, std::slice::from_ref(&key)).await?;
        // Another person's does not open under this key; it is none of theirs.
        let record = view.record(0).filter(|record| record.subject == Some(visitor));
        let record = record.ok_or(ErrorKind::NotFound)?;
        let (version, expires) = (record.version, record.expires);
        let facts = view.facts(0)?.ok_or(ErrorKind::NotFound)?;
        if facts.schema() > SCHEMA {
            return Err(ErrorKind::UnknownSchema.into());
        }
        let body: Body = facts.json()?;
        let now = vault.clock().now();
        let expires = expires.filter(|expires| now < *expires).ok_or(ErrorKind::NotFound)?;
        if !token.is(&body.hash) {
            return Err(ErrorKind::NotFound.into());
        }
        let entry = Entry::new("rights.package_fetched", now)
            .about(visitor)
            .with("request", body.request)
            .with("link", id);
        // Revoked meanwhile, it opens no more.
        let batch =
            vault.batch()?.op(view.fence()?).check(key, Expect::Version(version)).audit(entry);
        match vault.commit(tenant, batch).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(None),
            done => done.map(|_| Some(Fetch { request: body.request, link: id, expires })),
        }
    }

    /// Ends every link to the package of a request, and says how many there were: when the package is
    /// deleted, or when the person asks for it.
    ///
    /// # Errors
    ///
    /// What the store and the vault say; it can be called again.
    pub async fn revoke(&self, tenant: &TenantId, subject: SubjectId, request: Id) -> Result<u64> {
        let vault = &self.vault;
        let mut query = Query::of_kind(LINK).lookup(of_request(request)).limit(100);
        let mut revoked = 0;
        loop {
            let page = vault.store().find(tenant, &query).await?;
            let theirs = |record: &&bailee_store::Record| record.subject == Some(subject);
            for record in page.records.iter().filter(theirs) {
                let entry = Entry::new("rights.link_revoked", vault.clock().now())
                    .about(subject)
                    .with("request", request)
                    .with("link", record.key.id);
                let expect = Expect::Version(record.version);
                let batch = vault.batch()?.delete(record.key.clone(), expect).audit(entry);
                match vault.commit(tenant, batch).await {
                    // It ended meanwhile.
                    Err(error) if error.kind() == ErrorKind::Conflict => {}
                    done => {
                        done?;
                        revoked += 1;
                    }
                }
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => return Ok(revoked),
            }
        }
    }
}

impl LinkToken {
    fn generate(vault: &Vault) -> Result<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        vault.random().fill(&mut *bytes)?;
        Ok(Self(bytes))
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        // As long as one is: nothing longer is looked at.
        let read = (text.len() == 43).then(|| URL_SAFE_NO_PAD.decode_slice(text, &mut *bytes));
        matches!(read, Some(Ok(32))).then_some(Self(bytes))
    }

    /// Shows the token, as it stands in an address: 43 signs of base64url.
    pub fn expose<T>(&self, look: impl FnOnce(&str) -> T) -> T {
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(*self.0));
        look(&text)
    }

    fn hash(&self) -> [u8; 32] {
        let mut message = Zeroizing::new([0; 64]);
        message[..PREFIX.len()].copy_from_slice(PREFIX);
        message[32..].copy_from_slice(&*self.0);
        sha256(&*message)
    }

    /// Where its record lies: it says nothing of the token to whoever reads a database.
    fn id(&self) -> Id {
        Id::from_digest(&sha256(&self.hash()))
    }

    /// Compares with a hash, in a time that does not depend on either.
    fn is(&self, hash: &[u8; 32]) -> bool {
        self.hash().ct_eq(hash).into()
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkToken([redacted])")
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links").field("life", &self.life).finish_non_exhaustive()
    }
}

/// What is kept of a link.
#[derive(Debug, Serialize, Deserialize)]
struct Body {
    #[serde(with = "hex")]
    hash: [u8; 32],
    request: Id,
    made: Timestamp,
}

fn of_request(request: Id) -> Id {
    Id::derive(&[b"rights.link", request.as_bytes()])
}

const PREFIX: &[u8] = b"bailee link 1\n";

const SCHEMA: u16 = 1;

/// How often it is looked again after somebody else wrote.
const MAX_TRIES: u32 = 8;

/// How long a link lives.
const LIFE: Duration = Duration::from_secs(7 * 86_400);

/// A link to a package, under the person's own key.
const LINK: Kind = Kind::from_static("rights.link");
