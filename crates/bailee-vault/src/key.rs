//! Key material: thirty-two bytes in a wiped box.

use std::fmt;

use bailee_core::{Id, Random, Result};
use zeroize::Zeroizing;

use crate::{cipher, error::Fault};

/// Thirty-two bytes of a key, on the heap, wiped on drop.
///
/// No `Clone`, no `Serialize`; `Debug` prints a fixed word.
pub struct KeyMaterial(Box<Zeroizing<[u8; cipher::KEY]>>);

impl KeyMaterial {
    /// Draws a key.
    ///
    /// # Errors
    ///
    /// Fails when the source of randomness fails.
    pub fn generate(random: &dyn Random) -> Result<Self> {
        let mut bytes = Self::zero();
        random.fill(&mut **bytes.0)?;
        Ok(bytes)
    }

    /// Copies a key into a wiped box. The caller answers for the original.
    pub fn copy_from(bytes: &[u8; 32]) -> Self {
        let mut key = Self::zero();
        key.0.copy_from_slice(bytes);
        key
    }

    /// Shows the key to a closure. Each call is a place to review.
    pub fn expose<T>(&self, look: impl FnOnce(&[u8; 32]) -> T) -> T {
        look(&self.0)
    }

    pub(crate) fn from_opened(bytes: &[u8]) -> Result<Self, Fault> {
        let mut key = Self::zero();
        if bytes.len() != key.0.len() {
            return Err(Fault::Malformed);
        }
        key.0.copy_from_slice(bytes);
        Ok(key)
    }

    fn zero() -> Self {
        Self(Box::new(Zeroizing::new([0; cipher::KEY])))
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyMaterial([redacted])")
    }
}

/// A key with its id.
pub(crate) struct NamedKey {
    pub(crate) id: Id,
    pub(crate) material: KeyMaterial,
}

impl NamedKey {
    pub(crate) fn generate(random: &dyn Random) -> Result<Self> {
        Ok(Self { id: Id::generate(random)?, material: KeyMaterial::generate(random)? })
    }
}

impl fmt::Debug for NamedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}
