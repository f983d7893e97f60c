//! What a package is made for.

use bailee_core::{Id, SubjectId, TenantId, Timestamp};

use crate::request::Right;

use super::piece::Holding;

/// For which request a package is made, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Order {
    /// The tenant in which the request was made.
    pub tenant: TenantId,
    /// Who made it. What is in the package beside the data is sealed under their key.
    pub subject: SubjectId,
    /// The request.
    pub request: Id,
    /// What was asked for. [`Right::Portability`] leaves out what is not portable; everything else has
    /// all of it.
    pub right: Right,
    /// The time that stands beside every file.
    pub at: Timestamp,
    /// Whether each table is there as CSV too, for spreadsheets.
    pub csv: bool,
    /// From how many bytes on a value of bytes is a file of its own.
    pub apart_from: usize,
}

impl Order {
    /// A package for a request, with CSV, in which bytes are files of their own from 16 KiB on.
    pub fn new(
        tenant: TenantId,
        subject: SubjectId,
        request: Id,
        right: Right,
        at: Timestamp,
    ) -> Self {
        Self { tenant, subject, request, right, at, csv: true, apart_from: 16 * 1024 }
    }

    /// Leaves out what is for spreadsheets.
    #[must_use]
    pub fn without_csv(mut self) -> Self {
        self.csv = false;
        self
    }

    /// Whether only what is portable is in it (Art. 20(1) GDPR).
    pub(super) fn is_portable(&self) -> bool {
        self.right == Right::Portability
    }

    pub(super) fn holding(&self) -> Holding {
        Holding { tenant: self.tenant.clone(), subject: self.subject, request: self.request }
    }
}
