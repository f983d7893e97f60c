//! A sealed body, byte by byte. Integers are big-endian.
//!
//! ```text
//! offset  size  field
//!      0     1  format version 0x01
//!      1     1  suite 0x01: HKDF-SHA256, AES-256-GCM, 32-byte commitment
//!      2    16  id of the key used (for a wrapped key: the tenant key or the root)
//!     18    16  salt, fresh for every seal
//!     34     8  seq: the record version that the commit produces; 0 for wrapped keys
//!     42    32  commitment
//!     74     n  ciphertext, as long as the plaintext, 0 <= n <= 65536
//!   74+n    16  GCM tag
//!
//! okm        = HKDF-Expand-SHA256(PRK = key, info = label || header[0..42] || SHA-256(context), L = 64)
//! commitment = okm[32..64];   header = header[0..42] || commitment
//! body       = header || AES-256-GCM(okm[0..32], nonce = 12 zero bytes, aad = header || context, plaintext)
//! ```
//!
//! The key is 32 uniform bytes, so there is no extract step (RFC 5869 §3.3). The nonce is fixed
//! because a message key seals once: every seal draws a salt and derives a key of its own. GCM
//! does not commit to its key; the commitment does, and is compared before anything is decrypted.
//!
//! Not protected: the length of the plaintext, the key's id, the seq; and a whole old body put back
//! into its own place (see [`crate::manual`]).

use bailee_core::{Error, ErrorKind, Id, Random, Result};
use bailee_store::MAX_PART;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    cipher,
    context::Context,
    error::Fault,
    key::{KeyMaterial, NamedKey},
};

/// The size of a header.
pub(crate) const HEADER: usize = 74;

/// How much longer a body is than its plaintext.
pub(crate) const OVERHEAD: usize = HEADER + cipher::TAG;

/// The size of a wrapped key.
pub(crate) const WRAPPED: usize = OVERHEAD + cipher::KEY;

/// The version of the format.
pub(crate) const VERSION: u8 = 1;

const SUITE: u8 = 1;
const DERIVED_FROM: usize = 42;
const ZERO_NONCE: [u8; cipher::NONCE] = [0; cipher::NONCE];

/// A sealed body, taken apart and not opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope<'a> {
    header: &'a [u8; HEADER],
    ciphertext: &'a [u8],
    tag: &'a [u8; cipher::TAG],
}

impl<'a> Envelope<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Fault> {
        let (header, rest) = body.split_first_chunk::<HEADER>().ok_or(Fault::Malformed)?;
        if header[0] != VERSION {
            return Err(Fault::UnknownVersion);
        }
        if header[1] != SUITE {
            return Err(Fault::UnknownSuite);
        }
        let (ciphertext, tag) = rest.split_last_chunk().ok_or(Fault::Malformed)?;
        if ciphertext.len() > MAX_PART {
            return Err(Fault::Malformed);
        }
        Ok(Self { header, ciphertext, tag })
    }

    /// The id of the key that sealed it.
    pub(crate) fn key_id(&self) -> Id {
        let mut id = [0; 16];
        id.copy_from_slice(&self.header[2..18]);
        Id::from_bytes(id)
    }

    /// The seq that it claims; true once it is opened.
    pub(crate) fn seq(&self) -> u64 {
        let mut seq = [0; 8];
        seq.copy_from_slice(&self.header[34..42]);
        u64::from_be_bytes(seq)
    }

    /// Opens it into a wiped buffer of exactly its size.
    pub(crate) fn open(
        &self,
        key: &KeyMaterial,
        mut context: Context,
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let okm = derive(key, &context, &self.header[..DERIVED_FROM])?;
        let (message_key, commitment) = halves(&okm);
        if !bool::from(commitment.ct_eq(&self.header[DERIVED_FROM..])) {
            return Err(Fault::Refused);
        }
        let mut plaintext = Zeroizing::new(Vec::with_capacity(self.ciphertext.len()));
        plaintext.extend_from_slice(self.ciphertext);
        let aad = context.behind(self.header);
        cipher::open(message_key, &ZERO_NONCE, aad, &mut plaintext, self.tag)?;
        Ok(plaintext)
    }
}

/// Seals the pieces, one after the other, as one body.
pub(crate) fn seal(
    key: &NamedKey,
    mut context: Context,
    seq: u64,
    plaintext: &[&[u8]],
    random: &dyn Random,
) -> Result<Vec<u8>> {
    let length = plaintext.iter().map(|piece| piece.len()).sum::<usize>();
    if length > MAX_PART {
        return Err(Error::new(ErrorKind::TooLarge).with_detail("a part has more than 64 KiB"));
    }
    let mut header = [0; HEADER];
    header[0] = VERSION;
    header[1] = SUITE;
    header[2..18].copy_from_slice(key.id.as_bytes());
    random.fill(&mut header[18..34])?;
    header[34..42].copy_from_slice(&seq.to_be_bytes());
    let okm = derive(&key.material, &context, &header[..DERIVED_FROM])?;
    let (message_key, commitment) = halves(&okm);
    header[DERIVED_FROM..].copy_from_slice(commitment);

    let mut body = Zeroizing::new(Vec::with_capacity(length + OVERHEAD));
    body.extend_from_slice(&header);
    for piece in plaintext {
        body.extend_from_slice(piece);
    }
    let tag = cipher::seal(message_key, &ZERO_NONCE, context.behind(&header), &mut body[HEADER..])?;
    body.extend_from_slice(&tag);
    Ok(std::mem::take(&mut *body))
}

/// Wraps a key under another one.
pub(crate) fn wrap(
    under: &NamedKey,
    context: Context,
    key: &KeyMaterial,
    random: &dyn Random,
) -> Result<Vec<u8>> {
    key.expose(|bytes| seal(under, context, 0, &[bytes], random))
}

/// Unwraps a key.
pub(crate) fn unwrap(
    under: &KeyMaterial,
    context: Context,
    wrapped: &[u8],
) -> Result<KeyMaterial, Fault> {
    let envelope = Envelope::parse(wrapped)?;
    if wrapped.len() != WRAPPED || envelope.seq() != 0 {
        return Err(Fault::Malformed);
    }
    KeyMaterial::from_opened(&envelope.open(under, context)?)
}

fn derive(
    key: &KeyMaterial,
    context: &Context,
    header: &[u8],
) -> Result<Zeroizing<[u8; 2 * cipher::KEY]>, Fault> {
    let digest = cipher::sha256(context.bytes());
    let mut okm = Zeroizing::new([0; 2 * cipher::KEY]);
    key.expose(|key| cipher::expand(key, &[context.label(), header, &digest], &mut *okm))?;
    Ok(okm)
}

fn halves(okm: &[u8; 2 * cipher::KEY]) -> (&[u8; cipher::KEY], &[u8]) {
    okm.split_first_chunk().expect("sixty-four bytes begin with thirty-two")
}

#[cfg(test)]
mod tests;
