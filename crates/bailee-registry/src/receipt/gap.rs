//! What a declaration does not say and a receipt needs.

use bailee_core::{Error, ErrorKind};

/// Why there is no receipt: what it must say is declared nowhere. Nothing is ever made up for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptGap {
    /// The controller has no postal address.
    #[error("the receipt needs the controller's postal address: write `address` in [controller]")]
    Address,
    /// The controller has no country, which is the jurisdiction.
    #[error("the receipt needs the controller's country: write `country` in [controller]")]
    Country,
    /// No data is declared for the purpose.
    #[error(
        "the receipt needs the data of the purpose: declare what is kept, read or passed on for it"
    )]
    Data,
    /// The controller's contact is no e-mail address.
    #[error("the receipt needs an e-mail address: write one as `contact` in [controller]")]
    Email,
    /// The controller has no telephone number.
    #[error("the receipt needs the controller's telephone number: write `phone` in [controller]")]
    Phone,
    /// No policy is published.
    #[error("the receipt needs the address of the policy: write `url` and `effective` in [policy]")]
    Policy,
}

impl ReceiptGap {
    fn detail(self) -> &'static str {
        match self {
            Self::Address => "the declaration has no `address` in [controller]",
            Self::Country => "the declaration has no `country` in [controller]",
            Self::Data => "the declaration has no data for the purpose of the consent",
            Self::Email => "the declaration has no e-mail address as `contact` in [controller]",
            Self::Phone => "the declaration has no `phone` in [controller]",
            Self::Policy => "the declaration has no [policy]",
        }
    }
}

impl From<ReceiptGap> for Error {
    fn from(gap: ReceiptGap) -> Self {
        Self::new(ErrorKind::Configuration).with_detail(gap.detail()).with_source(gap)
    }
}
