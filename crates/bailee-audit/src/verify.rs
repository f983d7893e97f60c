//! Entries against their hashes, without the store.

use bailee_core::{Id, TenantId, audit::Entry};

/// An entry that is not what its hash says: it, its place or its hash was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit entry does not have this hash")]
pub struct HashMismatch;

/// Checks that an entry, at its place, has the hash under which it stands in the log.
///
/// That says that these belong together. It does not say that the hash is the one that was
/// committed: for that it has to be compared with a copy that whoever could write to the store
/// could not change.
///
/// # Errors
///
/// [`HashMismatch`] when they do not belong together.
pub fn verify(
    tenant: &TenantId,
    batch: Id,
    n: u16,
    entry: &Entry,
    hash: &[u8; 32],
) -> Result<(), HashMismatch> {
    if entry.hash(tenant, batch, n) == *hash { Ok(()) } else { Err(HashMismatch) }
}

#[cfg(test)]
mod tests {
    use bailee_core::{SubjectId, Timestamp};

    use super::*;

    #[test]
    fn aud_02_an_entry_is_verified_at_its_place_and_nowhere_else() {
        let subject = SubjectId::from_id(Id::from_bytes([3; 16]));
        let at = Timestamp::from_seconds(5);
        let entry = Entry::new("subject.created", at).about(subject).with_sealed(vec![1, 2]);
        let (tenant, batch) = (TenantId::from_static("acme"), Id::from_bytes([4; 16]));
        let hash = entry.hash(&tenant, batch, 7);
        assert_eq!(verify(&tenant, batch, 7, &entry, &hash), Ok(()));

        let other = TenantId::from_static("acme2");
        assert_eq!(verify(&other, batch, 7, &entry, &hash), Err(HashMismatch));
        assert_eq!(verify(&tenant, Id::ZERO, 7, &entry, &hash), Err(HashMismatch));
        assert_eq!(verify(&tenant, batch, 8, &entry, &hash), Err(HashMismatch));
        for bit in 0..256 {
            let mut hash = hash;
            hash[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(verify(&tenant, batch, 7, &entry, &hash), Err(HashMismatch));
        }
    }

    #[test]
    fn aud_02_every_changed_bit_of_a_payload_is_found() {
        let tenant = TenantId::from_static("acme");
        let at = Timestamp::from_seconds(5);
        let entry = Entry::new("records.swept", at).with("count", 3_i64).with_sealed(vec![9; 8]);
        let hash = entry.hash(&tenant, Id::ZERO, 0);
        let payload = entry.payload();
        for bit in 0..payload.len() * 8 {
            let mut changed = payload.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            if let Ok(read) = Entry::from_columns(at, entry.event().to_owned(), None, &changed) {
                assert_eq!(verify(&tenant, Id::ZERO, 0, &read, &hash), Err(HashMismatch), "{bit}");
            }
        }
    }
}
