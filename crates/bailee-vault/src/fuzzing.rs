//! A door to private parsers, for this project's own fuzz targets.

use bailee_core::Result;
use zeroize::Zeroizing;

use crate::{
    Facts,
    envelope::Envelope,
    parts::{self, Body},
};

/// The parts of a body by their names; one sealed body has none and an empty name.
///
/// # Errors
///
/// Refuses what is no body.
pub fn body(body: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    Ok(match Body::parse(body)? {
        Body::One(sealed) => vec![(Vec::new(), sealed.to_vec())],
        Body::List(parts) => {
            parts.iter().map(|part| (part.name.to_vec(), part.sealed.to_vec())).collect()
        }
    })
}

/// A list as it is written.
///
/// # Errors
///
/// Refuses too many parts.
pub fn write_body(parts: &[(Vec<u8>, Vec<u8>)]) -> Result<Vec<u8>> {
    let pieces = parts.iter().map(|(name, sealed)| (name.as_slice(), sealed.as_slice()));
    Ok(parts::write(pieces)?)
}

/// The key's id and the seq that a sealed body names.
///
/// # Errors
///
/// Refuses what is no sealed body.
pub fn envelope(sealed: &[u8]) -> Result<([u8; 16], u64)> {
    let envelope = Envelope::parse(sealed)?;
    Ok((*envelope.key_id().as_bytes(), envelope.seq()))
}

/// Opened facts, and the seqs of the other parts.
///
/// # Errors
///
/// Refuses what are no facts of these parts.
pub fn facts(plaintext: &[u8], names: &[&[u8]]) -> Result<(Facts, Vec<u64>)> {
    Ok(Facts::parse(Zeroizing::new(plaintext.to_vec()), names.iter().copied())?)
}

/// What stands before the bytes of facts.
///
/// # Errors
///
/// Refuses too many parts and names that are too long.
pub fn facts_prefix(schema: u16, parts: &[(&str, u64)]) -> Result<Vec<u8>> {
    Ok(Facts::prefix(schema, parts.iter().copied())?)
}
