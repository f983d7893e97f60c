//! Where the top of the key tree comes from.

use std::fmt;

use async_trait::async_trait;
use bailee_core::{Id, Random, Result, TenantId};

use crate::{
    context::Context,
    envelope::{self, Envelope},
    error::Fault,
    key::KeyMaterial,
};

/// The id of a root key: sixteen bytes derived from the key itself, or from the name that its
/// service gives it, so that a wrong key is noticed before it wraps anything.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RootId(Id);

impl RootId {
    /// Names a root by its sixteen bytes.
    pub const fn from_id(id: Id) -> Self {
        Self(id)
    }

    /// The id of a root that a key service keeps under this reference.
    pub fn of_reference(reference: &str) -> Self {
        Self(Id::derive(&[b"bailee1/kms", reference.as_bytes()]))
    }

    /// The root that a wrapped key names, read without unwrapping.
    ///
    /// A key wrapped by a key service is `0x01, suite, u16 length, root reference, u16 length,
    /// ciphertext` with suite `0x11` (AWS KMS), `0x12` (Google Cloud KMS) or `0x13` (Vault
    /// transit); every other one is a sealed body.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::Unopenable`] and [`bailee_core::ErrorKind::UnknownSchema`] for
    /// bytes that are neither.
    pub fn of_wrapped(wrapped: &[u8]) -> Result<Self> {
        if let [envelope::VERSION, 0x11..=0x13, rest @ ..] = wrapped {
            return Ok(Self::of_reference(service_reference(rest)?));
        }
        Ok(Self(Envelope::parse(wrapped)?.key_id()))
    }

    /// The bare id.
    pub const fn id(self) -> Id {
        self.0
    }
}

impl fmt::Display for RootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for RootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootId({})", self.0)
    }
}

/// What a wrapped tenant key is bound to.
#[derive(Clone, Copy, Debug)]
pub struct KeyContext<'a> {
    tenant: &'a TenantId,
    key: Id,
}

impl<'a> KeyContext<'a> {
    /// The key of a tenant.
    pub const fn new(tenant: &'a TenantId, key: Id) -> Self {
        Self { tenant, key }
    }

    /// The tenant.
    pub fn tenant(&self) -> &'a TenantId {
        self.tenant
    }

    /// The id of the key that is wrapped.
    pub fn key(&self) -> Id {
        self.key
    }

    /// The context as bytes, for services that take additional authenticated data:
    /// `0x01 || lp("tenant-key") || lp(tenant) || lp(key id)`, `lp(x)` = `u32 length || x`.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.context().bytes().to_vec()
    }

    pub(crate) fn context(&self) -> Context {
        Context::tenant_key(self.tenant, self.key)
    }
}

/// What wraps tenant keys: root keys at hand ([`crate::RootKeys`]) or a key service. A host plugs
/// it in.
///
/// It is asked once for each tenant, process and quarter of an hour, never for a record or a
/// subject. It has one primary root, which wraps, and any number that only unwrap.
#[async_trait]
pub trait KeySource: fmt::Debug + Send + Sync + 'static {
    /// The root that wraps.
    fn primary(&self) -> RootId;

    /// Every root that can unwrap, the primary among them. *Must not* change while the process
    /// runs.
    fn roots(&self) -> Vec<RootId>;

    /// Wraps a key under the primary root.
    ///
    /// *Must* bind the context: what it gives unwraps in the same context alone. *Must* give bytes
    /// of which [`RootId::of_wrapped`] is the primary root. `random` is where a salt comes from.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::RandomnessFailed`] where randomness fails; for a service
    /// [`bailee_core::ErrorKind::Configuration`] when it refuses and
    /// [`bailee_core::ErrorKind::StoreUnavailable`] when it cannot be reached.
    async fn wrap(
        &self,
        random: &dyn Random,
        context: KeyContext<'_>,
        key: &KeyMaterial,
    ) -> Result<Vec<u8>>;

    /// Unwraps a key under the root that it names; never tries another one.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::Configuration`] when that root is not among [`Self::roots`];
    /// [`bailee_core::ErrorKind::Unopenable`] when the bytes or the context are not what was
    /// wrapped; for a service as [`Self::wrap`].
    async fn unwrap(&self, context: KeyContext<'_>, wrapped: &[u8]) -> Result<KeyMaterial>;
}

#[async_trait]
impl<K: KeySource + ?Sized> KeySource for Box<K> {
    fn primary(&self) -> RootId {
        (**self).primary()
    }

    fn roots(&self) -> Vec<RootId> {
        (**self).roots()
    }

    async fn wrap(
        &self,
        random: &dyn Random,
        context: KeyContext<'_>,
        key: &KeyMaterial,
    ) -> Result<Vec<u8>> {
        (**self).wrap(random, context, key).await
    }

    async fn unwrap(&self, context: KeyContext<'_>, wrapped: &[u8]) -> Result<KeyMaterial> {
        (**self).unwrap(context, wrapped).await
    }
}

fn service_reference(rest: &[u8]) -> Result<&str, Fault> {
    let (reference, rest) = take(rest)?;
    let (_, rest) = take(rest)?;
    if !rest.is_empty() {
        return Err(Fault::Malformed);
    }
    std::str::from_utf8(reference).map_err(|_| Fault::Malformed)
}

fn take(bytes: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let (length, rest) = bytes.split_first_chunk::<2>().ok_or(Fault::Malformed)?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(Fault::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_a_service_names_its_root() {
        let wrapped = [&[1, 0x12, 0, 4][..], b"name", &[0, 2], b"xy"].concat();
        assert_eq!(RootId::of_wrapped(&wrapped).unwrap(), RootId::of_reference("name"));
        for length in 0..wrapped.len() {
            assert!(RootId::of_wrapped(&wrapped[..length]).is_err(), "{length}");
        }
        assert!(RootId::of_wrapped(&[wrapped, vec![0]].concat()).is_err());
    }
}
