//! What is left of a declaration: under a tenant's own limits, or beside another declaration.

mod cut;
mod shared;

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{DataCategory, ProviderId, PurposeId, RecipientId, Result, ScopeName};

use crate::{AgeLimits, DataItem, Declaration, Integration, Purpose, Recipient, Retention};

use super::{Length, Overlay, Place};

/// A declaration of which only a part is left.
///
/// It answers what the gate asks of a declaration, and never says yes where the declaration says no.
/// It keeps the declaration's version: what people are shown and agree to is a part of that one.
#[derive(Clone, Debug)]
pub struct Narrowed {
    left: Declaration,
    /// Where one time cannot be compared with another: those that hold beside a row's own.
    limits: Limits,
}

/// What is kept no longer than for these times either, by row.
type Limits = BTreeMap<(Place, String, PurposeId), BTreeSet<Retention>>;

impl Declaration {
    /// What is left of it under a tenant's own limits.
    ///
    /// What the overlay names and the declaration does not have is passed over: it forbids nothing
    /// that would be allowed.
    pub fn under(&self, overlay: &Overlay) -> Narrowed {
        Narrowed::from(self.clone()).under(overlay)
    }

    /// All of it, kept no longer than a tenant's own limits say. What they forbid beside that is still
    /// here: for whoever ends what was kept long enough, also of what nobody may use any more.
    pub fn kept_under(&self, overlay: &Overlay) -> Narrowed {
        let times = Overlay { retention: overlay.retention.clone(), ..Overlay::default() };
        self.under(&times)
    }

    /// What both declarations allow: for a process whose declaration is not the one in force.
    ///
    /// A purpose is left where both have it on the same basis, for the same use and under the same
    /// condition; a recipient where both have it in the same country and role and under the same
    /// safeguard; everything else where both name it.
    pub fn shared_with(&self, other: &Self) -> Narrowed {
        let mut limits = Limits::new();
        let content = shared::content(self.content(), other.content(), &mut limits);
        Narrowed { left: self.cut_down_to(content), limits }
    }
}

impl Narrowed {
    /// What is left of it under a tenant's own limits as well.
    #[must_use]
    pub fn under(&self, overlay: &Overlay) -> Self {
        let mut limits = self.limits.clone();
        let content = cut::content(self.left.content(), overlay, &mut limits);
        Self { left: self.left.cut_down_to(content), limits }
    }

    /// What is left, as a declaration: for texts, disclosures and everything that takes one.
    pub fn left(&self) -> &Declaration {
        &self.left
    }

    /// As [`Declaration::admits`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn admits(
        &self,
        provider: &ProviderId,
        purpose: &PurposeId,
        operation: &str,
        needed: &[ScopeName],
    ) -> Result<()> {
        self.left.admits(provider, purpose, operation, needed)
    }

    /// As [`Declaration::admits_endpoint`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn admits_endpoint(
        &self,
        provider: &ProviderId,
        purpose: &PurposeId,
        endpoint: &str,
        needed: &[ScopeName],
    ) -> Result<()> {
        self.left.admits_endpoint(provider, purpose, endpoint, needed)
    }

    /// As [`Declaration::admits_data`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn admits_data(
        &self,
        provider: &ProviderId,
        sends: impl IntoIterator<Item: Into<DataCategory>>,
        reads: impl IntoIterator<Item: Into<DataCategory>>,
    ) -> Result<()> {
        self.left.admits_data(provider, sends, reads)
    }

    /// As [`Declaration::least_scopes`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn least_scopes(
        &self,
        provider: &ProviderId,
        purposes: &[PurposeId],
    ) -> Result<Vec<ScopeName>> {
        self.left.least_scopes(provider, purposes)
    }

    /// A purpose, if it is left. It rests on consent where the tenant asks for one.
    pub fn purpose(&self, id: &PurposeId) -> Option<&Purpose> {
        self.left.purpose(id)
    }

    /// An integration, if it is left, with what is left of it.
    pub fn integration(&self, provider: &ProviderId) -> Option<&Integration> {
        self.left.integration(provider)
    }

    /// A recipient, if it is left, with what it may still receive.
    pub fn recipient(&self, id: &RecipientId) -> Option<&Recipient> {
        self.left.recipient(id)
    }

    /// From which age people use the service and consent alone, where that is declared.
    pub fn age(&self) -> Option<&AgeLimits> {
        self.left.age()
    }

    /// How long a row that is left is kept: until the first of these is over.
    pub fn kept<'a>(
        &'a self,
        place: &Place,
        row: &'a DataItem,
    ) -> impl Iterator<Item = Retention> + use<'a> {
        let key = (place.clone(), row.name.clone(), row.purpose.clone());
        let also = self.limits.get(&key).into_iter().flatten().copied();
        std::iter::once(row.retention).chain(also)
    }
}

impl From<Declaration> for Narrowed {
    /// Leaves all of it.
    fn from(declaration: Declaration) -> Self {
        Self { left: declaration, limits: Limits::new() }
    }
}

/// Keeps a row no longer than for this time either.
fn limit(limits: &mut Limits, place: &Place, row: &mut DataItem, most: Retention) {
    match Length::of(row.retention, most) {
        Length::Shorter => row.retention = most,
        Length::Longer | Length::Same => {}
        Length::Other => {
            let key = (place.clone(), row.name.clone(), row.purpose.clone());
            limits.entry(key).or_default().insert(most);
        }
    }
}
