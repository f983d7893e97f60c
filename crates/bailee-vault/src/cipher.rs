//! The one place that calls the cipher library: `expand`, `sha256`, `seal`, `open`.
//!
//! `ring` wipes neither its key objects nor its stack. So none of its key objects outlives a call,
//! and what a call left on the stack is overwritten when it ends, on panic too: the inner function
//! and [`scrub`] are never inlined, so that both work below the same frame.

use std::hint::black_box;

use ring::{aead, digest, hkdf};

use crate::error::Fault;

/// The size of every key.
pub(crate) const KEY: usize = 32;

/// The size of a GCM tag.
pub(crate) const TAG: usize = 16;

/// The size of a GCM nonce.
pub(crate) const NONCE: usize = 12;

/// HKDF-Expand of RFC 5869 §2.3 with SHA-256. `info` is the pieces one after the other.
///
/// With up to 32 bytes of output this is HMAC-SHA256 over `info || 0x01`, cut to size.
pub(crate) fn expand(key: &[u8; KEY], info: &[&[u8]], out: &mut [u8]) -> Result<(), Fault> {
    let _scrub = Scrub;
    expand_inner(key, info, out)
}

/// SHA-256. Only for bytes that are no secret: it overwrites nothing.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// AES-256-GCM in place. Gives the tag.
pub(crate) fn seal(
    key: &[u8; KEY],
    nonce: &[u8; NONCE],
    aad: &[u8],
    in_out: &mut [u8],
) -> Result<[u8; TAG], Fault> {
    let _scrub = Scrub;
    seal_inner(key, nonce, aad, in_out)
}

/// AES-256-GCM in place. On an error the buffer holds nothing of the plaintext.
pub(crate) fn open(
    key: &[u8; KEY],
    nonce: &[u8; NONCE],
    aad: &[u8],
    in_out: &mut [u8],
    tag: &[u8; TAG],
) -> Result<(), Fault> {
    let _scrub = Scrub;
    open_inner(key, nonce, aad, in_out, tag)
}

#[inline(never)]
fn expand_inner(key: &[u8; KEY], info: &[&[u8]], out: &mut [u8]) -> Result<(), Fault> {
    hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, key)
        .expand(info, Length(out.len()))
        .and_then(|okm| okm.fill(out))
        .map_err(|_| Fault::Refused)
}

#[inline(never)]
fn seal_inner(
    key: &[u8; KEY],
    nonce: &[u8; NONCE],
    aad: &[u8],
    in_out: &mut [u8],
) -> Result<[u8; TAG], Fault> {
    let key = aead_key(key)?;
    let nonce = aead::Nonce::assume_unique_for_key(*nonce);
    let tag = key
        .seal_in_place_separate_tag(nonce, aead::Aad::from(aad), in_out)
        .map_err(|_| Fault::Refused)?;
    let mut out = [0; TAG];
    out.copy_from_slice(tag.as_ref());
    Ok(out)
}

#[inline(never)]
fn open_inner(
    key: &[u8; KEY],
    nonce: &[u8; NONCE],
    aad: &[u8],
    in_out: &mut [u8],
    tag: &[u8; TAG],
) -> Result<(), Fault> {
    let key = aead_key(key)?;
    let nonce = aead::Nonce::assume_unique_for_key(*nonce);
    key.open_in_place_separate_tag(nonce, aead::Aad::from(aad), aead::Tag::from(*tag), in_out, 0..)
        .map(|_| ())
        .map_err(|_| Fault::Refused)
}

fn aead_key(key: &[u8; KEY]) -> Result<aead::LessSafeKey, Fault> {
    aead::UnboundKey::new(&aead::AES_256_GCM, key)
        .map(aead::LessSafeKey::new)
        .map_err(|_| Fault::Refused)
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// Overwrites the stack below when it goes.
struct Scrub;

impl Drop for Scrub {
    fn drop(&mut self) {
        scrub();
    }
}

#[inline(never)]
fn scrub() {
    let zeros = [0u8; 8192];
    black_box(&zeros);
}

#[cfg(test)]
mod vectors;
