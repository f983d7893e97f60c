//! The keys that sign for the log: one sealed record, turned without a gap.

use bailee_audit::{Keyring, LogName, SigningKey, VerifyingKey};
use bailee_core::{Error, ErrorKind, Id, Result, Timestamp, audit::Entry, sha256};
use bailee_store::Key;
use bailee_vault::{Draft, Vault, View};
use serde::{Deserialize, Serialize};

use super::{AuditLog, HOLDER, LogFault, TENANT};
use crate::kind;

/// A key of the log, as everybody may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogKey {
    /// Its public half, to be published.
    pub key: VerifyingKey,
    /// Since when it signs.
    pub since: Timestamp,
    /// When it was destroyed. What it signed before is still good.
    pub destroyed: Option<Timestamp>,
}

/// `log.key`. The seeds are sealed parts beside it.
#[derive(Serialize, Deserialize)]
pub(super) struct KeysBody {
    name: String,
    /// The oldest first; the last one signs.
    keys: Vec<KeyBody>,
}

#[derive(Serialize, Deserialize)]
struct KeyBody {
    key: String,
    since: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    destroyed: Option<Timestamp>,
}

const SCHEMA: u16 = 1;

/// The part with the seed of the key that signs.
const SIGNING: &str = "signing";

/// The part with the seed of the one before, while both sign.
const PREVIOUS: &str = "previous";

pub(super) fn key() -> Key {
    Key::new(kind::LOG_KEY, Id::ZERO)
}

/// The keys in a view whose second record they are.
pub(super) fn read(view: &View) -> Result<KeysBody> {
    let facts = view.facts(1)?.ok_or(ErrorKind::KeyMissing)?;
    if facts.schema() > SCHEMA {
        return Err(ErrorKind::UnknownSchema.into());
    }
    facts.json()
}

/// The keys that sign now, in a view whose second record they are: one, or two while they are turned.
pub(super) fn signers(name: &LogName, view: &View) -> Result<Vec<SigningKey>> {
    let body = read(view)?;
    let mut signers = vec![SigningKey::from_seed(name.clone(), &view.part(1, SIGNING)?)?];
    if body.is_turning() {
        signers.push(SigningKey::from_seed(name.clone(), &view.part(1, PREVIOUS)?)?);
    }
    let known = body.keys()?;
    let published = |key: &SigningKey| known.iter().any(|one| one.key == *key.verifying_key());
    if signers.iter().all(published) { Ok(signers) } else { Err(LogFault::Tree.into()) }
}

impl KeysBody {
    fn is_turning(&self) -> bool {
        self.keys.iter().filter(|key| key.destroyed.is_none()).count() > 1
    }

    fn keys(&self) -> Result<Vec<LogKey>> {
        let keys = self.keys.iter().map(|one| {
            let key = one.key.parse().map_err(|_| LogFault::Tree)?;
            Ok(LogKey { key, since: one.since, destroyed: one.destroyed })
        });
        keys.collect()
    }

    /// All keys that ever signed: what a destroyed one signed is still good.
    pub(super) fn keyring(&self) -> Result<Keyring> {
        Ok(Keyring::new(self.keys()?.into_iter().map(|one| one.key)))
    }
}

impl AuditLog {
    /// Opens the log of a deployment. The first time draws its signing key and seals it.
    ///
    /// The name stands in every checkpoint and receipt and never changes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] when the log has another name; as [`Vault::read`], [`Vault::put`]
    /// and [`Vault::commit`]; [`ErrorKind::RandomnessFailed`].
    pub async fn open(vault: Vault, name: LogName) -> Result<Self> {
        let log = Self { vault, name, seen: std::sync::Arc::default() };
        match log.open_once().await {
            // Another process was first: its key is the key.
            Err(error) if error.kind() == ErrorKind::Conflict => log.open_once().await,
            other => other,
        }?;
        Ok(log)
    }

    async fn open_once(&self) -> Result<()> {
        let view = self.vault.read(&TENANT, HOLDER, &[super::state::key(), key()]).await?;
        if view.record(1).is_some() {
            if read(&view)?.name == self.name.as_str() {
                return Ok(());
            }
            return Err(Error::new(ErrorKind::Configuration)
                .with_detail("the audit log of this database has another name"));
        }
        let drawn = SigningKey::generate(self.name.clone(), &**self.vault.random())?;
        let now = self.vault.clock().now();
        let body = KeysBody {
            name: self.name.as_str().to_owned(),
            keys: vec![KeyBody {
                key: drawn.verifying_key().to_string(),
                since: now,
                destroyed: None,
            }],
        };
        let draft = Draft::new(key(), HOLDER).json(SCHEMA, &body)?.part(SIGNING, drawn.seed());
        let op = self.vault.put(&TENANT, draft, None).await?;
        let batch =
            self.vault.batch()?.op(op).audit(entry("key.created", now, drawn.verifying_key()));
        self.vault.commit(&TENANT, batch).await.map(|_| ())
    }

    /// The log's keys, the oldest first. Publish them where receipts are checked.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::KeyMissing`] and as [`Vault::read`].
    pub async fn keys(&self) -> Result<Vec<LogKey>> {
        let view = self.vault.read(&TENANT, HOLDER, &[super::state::key(), key()]).await?;
        read(&view)?.keys()
    }

    /// Begins to turn the signing key: a new one is drawn, and until [`AuditLog::end_turn`] both sign
    /// each checkpoint, so that whoever has only the old one is not cut off. Receipts are signed with the
    /// new one alone.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] while a turn has not ended; [`ErrorKind::Conflict`] when another
    /// process came between; else as [`AuditLog::open`].
    pub async fn turn_key(&self) -> Result<VerifyingKey> {
        let view = self.vault.read(&TENANT, HOLDER, &[super::state::key(), key()]).await?;
        let mut body = read(&view)?;
        if body.is_turning() {
            return Err(Error::new(ErrorKind::AlreadyExists)
                .with_detail("the log's key is being turned already"));
        }
        let drawn = SigningKey::generate(self.name.clone(), &**self.vault.random())?;
        let (now, public) = (self.vault.clock().now(), drawn.verifying_key().clone());
        body.keys.push(KeyBody { key: public.to_string(), since: now, destroyed: None });
        let draft = Draft::new(key(), HOLDER)
            .json(SCHEMA, &body)?
            .part(SIGNING, drawn.seed())
            .part(PREVIOUS, view.part(1, SIGNING)?);
        let op = self.vault.put(&TENANT, draft, view.record(1)).await?;
        let batch = self.vault.batch()?.op(op).audit(entry("key.rotated", now, &public));
        self.vault.commit(&TENANT, batch).await?;
        Ok(public)
    }

    /// Ends the turn: the seed of the old key is destroyed in the live store. Its public half stays among
    /// [`AuditLog::keys`], because what it signed is still good.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when no turn has begun; else as [`AuditLog::turn_key`].
    pub async fn end_turn(&self) -> Result<()> {
        let view = self.vault.read(&TENANT, HOLDER, &[super::state::key(), key()]).await?;
        let mut body = read(&view)?;
        let old = match body.keys.as_mut_slice() {
            [.., old, _] if old.destroyed.is_none() => old,
            _ => {
                return Err(Error::new(ErrorKind::NotFound)
                    .with_detail("the log's key is not being turned"));
            }
        };
        let now = self.vault.clock().now();
        old.destroyed = Some(now);
        let public: VerifyingKey = old.key.parse().map_err(|_| LogFault::Tree)?;
        let draft = Draft::new(key(), HOLDER).json(SCHEMA, &body)?.keep(SIGNING);
        let op = self.vault.put(&TENANT, draft, view.record(1)).await?;
        let batch = self.vault.batch()?.op(op).audit(entry("key.destroyed", now, &public));
        self.vault.commit(&TENANT, batch).await.map(|_| ())
    }
}

fn entry(event: &'static str, at: Timestamp, key: &VerifyingKey) -> Entry {
    Entry::new(event, at).with("kind", "log").with("digest", sha256(key.as_bytes()))
}
