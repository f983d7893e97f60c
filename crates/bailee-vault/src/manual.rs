//! Threats and answers, reasons for the defaults, how-tos.
//!
//! # Who gets what
//!
//! | somebody has | and gets |
//! | --- | --- |
//! | a dump, a replica or a backup of the database | tenants, kinds, ids, facets, lengths, times, key ids; no body, as long as the root key is kept elsewhere |
//! | write access to the database | rows deleted, and a whole old row put back ([below](#a-whole-old-row)); nothing forged, swapped or spliced between tenants, kinds, ids or parts |
//! | the root key alone | nothing |
//! | the root key and the database | everything that was not erased. Rewrapping afterwards does not help: new tenant and subject keys, records sealed again, tokens revoked at the providers |
//! | one message key | one version of one part of one record |
//! | a subject's key; a tenant key | that subject; that tenant |
//! | two keys of its own choice | no body that opens to two plaintexts: every body commits to its key |
//! | repeated randomness of the operating system (a cloned machine) | harm only where key, place, version *and* salt repeat, and then for those two bodies |
//! | code that runs in the process | whatever the process may open |
//!
//! Not protected: lengths and numbers of rows; which tenant, kind and pseudonym a row belongs to;
//! the columns in the clear (`facet`, `subject`, `expires`) from somebody who may write to the
//! database; copies that a reader made.
//!
//! # The bytes
//!
//! A sealed body is `0x01 || 0x01 || key id (16) || salt (16) || seq (8) || commitment (32) ||
//! ciphertext || tag (16)`, 90 bytes more than its plaintext. The message key and the commitment are
//! the two halves of HKDF-Expand-SHA256 (RFC 5869 §2.3) from the holder's key over a label, the
//! first 42 bytes of the header and the SHA-256 of the context; the context is tenant, kind, id and
//! part, each behind its length. A body with several parts is `0x02 || count || (name, body)…`; the
//! facts, which come first, name the seq of every other part. Known answers made by another
//! implementation are in the crate's `tests/vectors`.
//!
//! *Why a key for each seal, and not one key with random nonces?* NIST SP 800-38D §8.3 ends that
//! after 2^32 seals. Here neither key nor nonce can repeat before two salts, of 128 bits, do under
//! one key, place and version.
//!
//! *Why a commitment?* GCM does not commit to its key: a ciphertext that opens under two keys takes
//! one inversion in a field. The commitment is compared, in constant time, before anything is
//! decrypted; a key is chosen by its id alone and no second one is tried.
//!
//! *Why is the row's version not in the context?* A write may leave a part as it is. Each part
//! carries the version that wrote it, and the facts say which that is.
//!
//! # A whole old row
//!
//! Binding stops mixing. It cannot stop somebody with write access from putting a complete old row
//! back into its place. This crate does not notice that. What does: the audit log, where each
//! change has its entry, with checkpoints outside the database.
//!
//! # The tree of keys
//!
//! ```text
//! root key          a file, a variable or a key service         wraps tenant keys
//!  └ tenant key     one for each tenant and epoch, wrapped      wraps the keys below
//!     ├ subject key     one for each person                     derives message keys
//!     ├ connection key  one for each connection of nobody       derives message keys
//!     ├ the tenant's own                                        derives message keys
//!     └ index key       one for life                            keyed hashes
//! ```
//!
//! Keys are rows of their own and never lie in the record that they open, or every backup of a
//! record would carry its key. With [`crate::VaultBuilder::keys_in`] they lie in another store.
//!
//! A [`crate::KeySource`] for a key service is asked once for each tenant, process and quarter of
//! an hour. Wrapping one deployment key in the service and tenant keys under that one, so that the
//! service is asked once for each process, is not built yet; the trait has room for it.
//!
//! # Reasons for the defaults
//!
//! * **60 seconds** for an unwrapped key of a subject, **15 minutes** for one of a tenant: this is
//!   how long *another* process can still open what was erased or destroyed here. A [`crate::View`]
//!   and [`crate::Fields`] end with their key. Reads of a subject's records notice an erasure at
//!   once, because the `subject` record comes along with each; [`crate::Vault::open`] and
//!   [`crate::Vault::fields`], with a cached key, within that minute.
//! * **2^20 uses** and **10,000 entries**, least recently used out first, subjects and tenants
//!   apart. [`crate::CacheLimits`] can be narrowed and not widened.
//! * **A file before a variable.** A variable stays in the process's memory and in what the system
//!   shows of the process for as long as it lives, even after it is removed.
//! * **An old key longer than its age while a key service is down** is not offered.
//!
//! # Memory
//!
//! Keys and opened plaintexts that this crate owns are wiped when they are dropped, on success,
//! error, panic and cancellation; they lie in buffers of exactly their size, so that growth leaves
//! no copy. `ring` wipes nothing, so none of its key objects outlives a call, and 8 KiB of the
//! stack below are overwritten after each. Not covered: registers, swap, core dumps, the buffers of
//! HTTP, TLS and database libraries, and whatever a caller copies out of `expose`. Run without swap
//! and core dumps; an allocator of the application that wipes what it frees covers other
//! libraries' buffers on the heap.
//!
//! # How to: erase a person
//!
//! 1. Revoke tokens at the providers first, while they can still be read.
//! 2. In one commit: the ledger's entry; the `subject` record replaced by a tombstone
//!    ([`crate::kind::SUBJECT_ERASED`], sealed under [`crate::Holder::Tenant`], nothing of the
//!    person in it); the `directory` record and the person's other records deleted; the operations
//!    of [`crate::Vault::destroy_key`].
//! 3. With keys in a store of their own: first the commit with the tombstone, then
//!    [`crate::Vault::destroy_key`], then the rest. Each step can be repeated.
//!
//! From the tombstone on, a read answers [`bailee_core::ErrorKind::Shredded`]. A missing key of a
//! living subject is [`bailee_core::ErrorKind::KeyMissing`]: an alarm (was a store of keys restored
//! from a backup that is older than the data?), never taken for an erasure.
//!
//! ## Erasing a person, backups included
//!
//! Destroying a key erases a copy only when no copy of the *wrapped* key can be unwrapped any more.
//!
//! | set-up | copies in backups become unreadable |
//! | --- | --- |
//! | keys in the same database, nothing turned | when those backups expire |
//! | keys in a store of their own, its backups kept R days | after R days, however long data backups are kept |
//! | the tenant key turned and retired after the erasure, and every root that wrapped it destroyed | when the last of these is done |
//! | a whole tenant destroyed ([`crate::Vault::destroy_tenant`]) | as above, for its tenant keys |
//!
//! An old backup of the keys with a live old tenant key opens an erased person again: turn *and*
//! retire. After restoring a backup of the keys, replay the erasures since before serving. A
//! database's own leftovers (dead rows, write-ahead logs, replicas) are its to clean.
//!
//! # How to: turn the root key
//!
//! 1. Add the new key decrypt-only on every instance ([`crate::RootKeys::with_decrypt_only`]).
//! 2. Make it the primary everywhere, the old one decrypt-only.
//! 3. Walk [`crate::Vault::rewrap_tenant_keys`] to its end.
//! 4. See in [`crate::Vault::root_uses`] that nothing is on the old one.
//! 5. [`crate::Vault::retire_root`], then take the old key away.
//!
//! A vault refuses to open without a root that still wraps a live tenant key, before it writes
//! anything.
//!
//! # How to: turn a tenant key
//!
//! [`crate::Vault::turn_tenant_key`]; walk [`crate::Vault::rewrap_keys`] until a whole walk writes
//! nothing and is overtaken nowhere; [`crate::Vault::retire_tenant_key`], which refuses while a row
//! names the old key. A rewrap writes only where the bytes that it read still stand, so it never
//! brings a destroyed key back. Turning a *subject's* key, with its records sealed again, is not
//! built yet; rows of keys and readers are ready for several keys of one subject.
//!
//! # How to: change a schema
//!
//! Facts carry a schema number. Read your own and the previous ones. A record that a newer release
//! wrote is read as far as it goes and never written over
//! ([`bailee_core::ErrorKind::UnknownSchema`]), so that two releases run side by side.
