//! An entry of the anchor, as bytes.
//!
//! ```text
//! 0x01 || u8 length || tenant || subject (16) || person (16) || request (16)
//!      || i64 at || i64 until || code (16)
//! ```
//!
//! Numbers are big-endian, times microseconds since 1970. `person` is the keyed hash under which the
//! database knows the erasure. `code` is a keyed hash of all before it under the index key of the
//! system's tenant.

use bailee_core::{Error, ErrorKind, Id, Result, SubjectId, TenantId, Timestamp};
use bailee_vault::Vault;

use super::body::ErasedBody;

/// That somebody was erased, as the anchor knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AnchorEntry {
    pub(super) tenant: TenantId,
    pub(super) person: Id,
    pub(super) body: ErasedBody,
}

impl AnchorEntry {
    pub(super) async fn to_bytes(&self, vault: &Vault) -> Result<Vec<u8>> {
        let tenant = self.tenant.as_str().as_bytes();
        // A tenant's name has at most 64 bytes.
        let length = u8::try_from(tenant.len()).map_err(|_| ErrorKind::TooLarge)?;
        let mut bytes = vec![VERSION, length];
        bytes.extend_from_slice(tenant);
        for id in [self.body.subject.id(), self.person, self.body.request] {
            bytes.extend_from_slice(id.as_bytes());
        }
        for time in [self.body.at, self.body.until] {
            bytes.extend_from_slice(&time.as_micros().to_be_bytes());
        }
        let code = code(vault, &bytes).await?;
        bytes.extend_from_slice(code.as_bytes());
        Ok(bytes)
    }

    /// Reads an entry and sees that this vault wrote it.
    pub(super) async fn from_bytes(vault: &Vault, bytes: &[u8]) -> Result<Self> {
        let entry = Self::parse(bytes).ok_or_else(foreign)?;
        let (told, of) = bytes.split_last_chunk::<16>().ok_or_else(foreign)?;
        if code(vault, told).await? != Id::from_bytes(*of) {
            return Err(foreign());
        }
        Ok(entry)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (&[VERSION, length], rest) = bytes.split_first_chunk::<2>()? else { return None };
        let (tenant, rest) = rest.split_at_checked(usize::from(length))?;
        let tenant = TenantId::new(std::str::from_utf8(tenant).ok()?).ok()?;
        let (subject, rest) = rest.split_first_chunk::<16>()?;
        let (person, rest) = rest.split_first_chunk::<16>()?;
        let (request, rest) = rest.split_first_chunk::<16>()?;
        let (at, rest) = rest.split_first_chunk::<8>()?;
        let (until, rest) = rest.split_first_chunk::<8>()?;
        if rest.len() != 16 {
            return None;
        }
        let time = |bytes: &[u8; 8]| Timestamp::from_micros(i64::from_be_bytes(*bytes));
        Some(Self {
            tenant,
            person: Id::from_bytes(*person),
            body: ErasedBody {
                subject: SubjectId::from_id(Id::from_bytes(*subject)),
                request: Id::from_bytes(*request),
                at: time(at),
                until: time(until),
            },
        })
    }
}

async fn code(vault: &Vault, bytes: &[u8]) -> Result<Id> {
    vault.index(&TenantId::SYSTEM, "erased_anchor", &[bytes]).await
}

/// An entry that this vault did not write: the anchor is another database's, or somebody changed it.
fn foreign() -> Error {
    Error::new(ErrorKind::Unopenable)
        .with_detail("the anchor holds an entry that this database's keys did not write")
}

const VERSION: u8 = 1;
