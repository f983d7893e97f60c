//! Numbers for entries: what makes their order and finds what is gone.

use std::time::Duration;

use bailee_core::{Error, ErrorKind, Result};

use super::AuditLog;

/// What a numbering did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Numbered {
    /// How many entries got a number.
    pub count: u64,
    /// How many have one now.
    pub size: u64,
    /// How long the oldest of them had waited: so long an entry could be taken away unseen. It is by
    /// the clocks of whoever wrote the entry and of this process.
    pub waited: Duration,
    /// Whether there may be more: the limit was reached.
    pub more: bool,
}

impl AuditLog {
    /// Numbers the entries that have no number yet, of every tenant, oldest first, at most `limit` and
    /// at most ten thousand. Their bodies are not read.
    ///
    /// Several processes may number at once: what one numbers the others leave alone, and no number is
    /// given twice. One that ends half-way has numbered nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::StoreUnavailable`]; [`ErrorKind::Conflict`] when others were faster again and again.
    pub async fn number(&self, limit: u32) -> Result<Numbered> {
        let limit = limit.clamp(1, MAX_AT_ONCE);
        for _ in 0..MAX_TRIES {
            let (head, leaves) = self.vault.store().open(limit).await?;
            let Some(oldest) = leaves.iter().map(|leaf| leaf.at).min() else {
                let (count, waited) = (0, Duration::ZERO);
                return Ok(Numbered { count, size: head.size, waited, more: false });
            };
            match self.vault.store().fold(head, &leaves).await {
                Ok(head) => {
                    return Ok(Numbered {
                        count: leaves.len() as u64,
                        size: head.size,
                        waited: self.vault.clock().now().since(oldest),
                        more: leaves.len() as u64 == u64::from(limit),
                    });
                }
                // Another process numbered them.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::Conflict).with_detail("other processes number the log"))
    }
}

const MAX_AT_ONCE: u32 = 10_000;

const MAX_TRIES: u32 = 8;
