//! A key of the person's own, to which a copy is encrypted: where the build can.

use bailee_core::Result;

use crate::package::{Order, Packages, StoredPackage};

/// Refuses what is no recipient.
#[cfg(feature = "age")]
pub(super) fn check(recipient: &str) -> Result<()> {
    crate::package::AgeRecipient::parse(recipient).map(drop)
}

/// Makes a package for the recipient out of a closed one.
#[cfg(feature = "age")]
pub(super) async fn encrypt(
    packages: &Packages,
    order: &Order,
    stored: &StoredPackage,
    recipient: &str,
) -> Result<StoredPackage> {
    let recipient = crate::package::AgeRecipient::parse(recipient)?;
    packages.encrypt(order, stored, &recipient).await
}

/// Refuses every recipient: what was asked for encrypted is not handed out in the clear.
#[cfg(not(feature = "age"))]
pub(super) fn check(_: &str) -> Result<()> {
    Err(unsupported())
}

/// A request of a build that could.
#[cfg(not(feature = "age"))]
pub(super) async fn encrypt(
    _: &Packages,
    _: &Order,
    _: &StoredPackage,
    _: &str,
) -> Result<StoredPackage> {
    Err(unsupported())
}

#[cfg(not(feature = "age"))]
fn unsupported() -> bailee_core::Error {
    bailee_core::Error::new(bailee_core::ErrorKind::Unsupported)
        .with_detail("this build encrypts to no key of a person's own: it lacks the feature `age`")
}
