//! A package for a key of the person's own: the format `age-encryption.org/v1` (feature `age`).
//!
//! Nothing is written a second time for it. The file's opening and its key are made by the crate `age`;
//! the key is sealed under the person's key in the vault, and the ZIP file is encrypted chunk by chunk
//! on its way out. A chunk's nonce is its number, so a file can be read from any place, and is the same
//! each time: what is read does not change, or the spool's frames would not open.

use std::{
    collections::HashSet,
    fmt,
    ops::Range,
    sync::{Mutex, PoisonError},
};

use age_core::{
    format::{FileKey, Stanza},
    primitives::hkdf,
    secrecy::ExposeSecret,
};
use async_trait::async_trait;
use bailee_core::{Error, ErrorKind, Plaintext, Result};
use bailee_vault::{Field, Vault};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::{ByteSink, Form, Order, Package, Packages, StoredPackage, piece::Holding, wrap::Wrap};

/// A key that somebody else holds the other half of: `age1…`.
#[derive(Clone)]
pub struct AgeRecipient(age::x25519::Recipient);

impl AgeRecipient {
    /// Reads a recipient, as the tools write it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for everything that is none: a secret key (`AGE-SECRET-KEY-1…`), one
    /// with a mistake in it, one of another kind.
    pub fn parse(text: &str) -> Result<Self> {
        // What the crate says of it may hold what was given, and that may be a secret.
        text.trim().parse().map(Self).map_err(|_| {
            Error::new(ErrorKind::InvalidInput).with_detail("this is no age recipient")
        })
    }
}

impl fmt::Debug for AgeRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A public key, and of one person.
        f.write_str("AgeRecipient([redacted])")
    }
}

impl Packages {
    /// Makes a package for a key of the person's own out of a closed one, whose objects stay its own.
    ///
    /// It takes no longer for a large package: it is encrypted whenever it is read. The caller commits
    /// what this gives in the place of the closed one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a package that is encrypted already, or is another request's, and
    /// for a recipient to whom nothing can be encrypted; what the vault says. Nothing has to be undone.
    pub async fn encrypt(
        &self,
        order: &Order,
        stored: &StoredPackage,
        recipient: &AgeRecipient,
    ) -> Result<StoredPackage> {
        if stored.form != Form::Zip || stored.request != order.request {
            return Err(ErrorKind::InvalidInput.into());
        }
        let (opening, key) = opening(recipient)?;
        let holding = order.holding();
        let fields = holding.fields(self.vault()).await?;
        let sealed = fields.seal(&[place(&holding)], &[Plaintext::copy_from(&*key)])?;
        let key = sealed.into_iter().next().ok_or(ErrorKind::Unopenable)?;
        let length = opening.len() as u64 + encrypted_length(stored.length);
        let wrap = Wrap { tenant: order.tenant.clone(), subject: order.subject, opening, key };
        Ok(StoredPackage::wrapped(stored.clone(), length, wrap))
    }
}

/// Gives a range of the encrypted file to a sink.
pub(super) async fn stream_to(
    vault: &Vault,
    package: &Package,
    wrap: &Wrap,
    range: Range<u64>,
    sink: &mut dyn ByteSink,
) -> Result<()> {
    let opens = wrap.opening.len() as u64;
    if range.start < opens {
        let end = range.end.min(opens);
        // Both lie within the opening.
        let bytes = wrap.opening.get(range.start as usize..end as usize);
        sink.take(bytes.ok_or(ErrorKind::InvalidInput)?).await?;
    }
    let wanted = range.start.saturating_sub(opens)..range.end.saturating_sub(opens);
    if wanted.is_empty() {
        return Ok(());
    }
    let whole = package.stored().plain_length();
    let first = wanted.start / SEALED;
    let ends = ((wanted.end - 1) / SEALED + 1).saturating_mul(CHUNK);
    let mut chunks = Chunks {
        key: open_key(vault, package, wrap).await?,
        chunk: empty(),
        number: first,
        whole,
        wanted,
        sink,
    };
    package.stream_plain(first * CHUNK..ends.min(whole), &mut chunks).await
}

/// What a file for a recipient begins with, and the key of what follows.
fn opening(recipient: &AgeRecipient) -> Result<(Vec<u8>, Zeroizing<[u8; 32]>)> {
    let refused = || Error::new(ErrorKind::InvalidInput);
    let seen = Seeing { recipient: &recipient.0, key: Mutex::new(None) };
    let recipients: [&dyn age::Recipient; 1] = [&seen];
    let encryptor = age::Encryptor::with_recipients(recipients.into_iter());
    let mut opening = Vec::new();
    // What comes of it would encrypt from the beginning to the end and no other way; the header and the
    // nonce stand in the file already.
    let stream = encryptor.map_err(|_| refused())?.wrap_output(&mut opening);
    drop(stream.map_err(|_| refused())?);
    let file_key = seen.key.into_inner().unwrap_or_else(PoisonError::into_inner);
    let file_key = file_key.ok_or_else(refused)?;
    let nonce = opening.len().checked_sub(NONCE).ok_or_else(refused)?;
    let key = Zeroizing::new(hkdf(&opening[nonce..], b"payload", &*file_key));
    Ok((opening, key))
}

/// A recipient that keeps the key that it was given for the file.
struct Seeing<'a> {
    recipient: &'a age::x25519::Recipient,
    key: Mutex<Option<Zeroizing<[u8; 16]>>>,
}

impl age::Recipient for Seeing<'_> {
    fn wrap_file_key(
        &self,
        key: &FileKey,
    ) -> std::result::Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
        let kept = Zeroizing::new(*key.expose_secret());
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        self.recipient.wrap_file_key(key)
    }
}

/// Where the key of a file is sealed. No object has such a name.
fn place(holding: &Holding) -> Field<'_> {
    Field { table: "package", row: holding.request.as_bytes(), column: "age key", version: 1 }
}

async fn open_key(vault: &Vault, package: &Package, wrap: &Wrap) -> Result<LessSafeKey> {
    let holding = Holding {
        tenant: wrap.tenant.clone(),
        subject: wrap.subject,
        request: package.stored().request,
    };
    let fields = holding.fields(vault).await?;
    let opened = fields.open(&[place(&holding)], std::slice::from_ref(&wrap.key))?;
    let key = opened.into_iter().next().ok_or(ErrorKind::Unopenable)?;
    let key = key.expose(|bytes| UnboundKey::new(&CHACHA20_POLY1305, bytes));
    Ok(LessSafeKey::new(key.map_err(|_| ErrorKind::Unopenable)?))
}

/// Encrypts what it takes, from the beginning of a chunk on, and gives on what is wanted of it.
struct Chunks<'a> {
    key: LessSafeKey,
    chunk: Zeroizing<Vec<u8>>,
    number: u64,
    /// How long the plain file is.
    whole: u64,
    /// Which bytes behind the opening.
    wanted: Range<u64>,
    sink: &'a mut dyn ByteSink,
}

impl Chunks<'_> {
    async fn seal(&mut self) -> Result<()> {
        let begins = self.number * SEALED;
        let last = (self.number + 1).saturating_mul(CHUNK) >= self.whole;
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&self.number.to_be_bytes());
        nonce[11] = u8::from(last);
        let nonce = Nonce::assume_unique_for_key(nonce);
        // It is as long as a chunk with its tag.
        self.key
            .seal_in_place_append_tag(nonce, Aad::empty(), &mut *self.chunk)
            .map_err(|_| ErrorKind::Unopenable)?;
        let from = self.wanted.start.saturating_sub(begins) as usize;
        let to = (self.wanted.end - begins).min(self.chunk.len() as u64) as usize;
        self.sink.take(self.chunk.get(from..to).ok_or(ErrorKind::Unopenable)?).await?;
        self.chunk.clear();
        self.number += 1;
        Ok(())
    }
}

#[async_trait]
impl ByteSink for Chunks<'_> {
    async fn take(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let room = CHUNK as usize - self.chunk.len();
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.chunk.extend_from_slice(now);
            bytes = later;
            let taken = self.number * CHUNK + self.chunk.len() as u64;
            if self.chunk.len() as u64 == CHUNK || taken == self.whole {
                self.seal().await?;
            }
        }
        Ok(())
    }
}

/// How long a file is when it is encrypted, its opening apart. No package is empty.
fn encrypted_length(plain: u64) -> u64 {
    plain + plain.div_ceil(CHUNK) * (SEALED - CHUNK)
}

fn empty() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(SEALED as usize))
}

/// How much is encrypted at a time, as the format says.
const CHUNK: u64 = 64 * 1024;
/// How long that is with its tag.
const SEALED: u64 = CHUNK + 16;
/// How long the nonce between header and chunks is.
const NONCE: usize = 16;
