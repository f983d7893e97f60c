//! Whose data a source is asked for.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{HostId, SubjectId, TenantId};

/// A person in a tenant, as the host's own tables know them.
///
/// It holds personal data: `Debug` shows the form of each id and nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whose {
    tenant: TenantId,
    person: HostId,
    subject: SubjectId,
    identifiers: BTreeMap<String, Vec<HostId>>,
    spared: BTreeSet<String>,
}

impl Whose {
    /// A person by the host's id of them, with the pseudonym that the vault knows them by.
    pub fn new(tenant: TenantId, person: HostId, subject: SubjectId) -> Self {
        Self { tenant, person, subject, identifiers: BTreeMap::new(), spared: BTreeSet::new() }
    }

    /// Adds something else that the person is known by (`"email"`). Tables that do not hold the
    /// host's id are searched by it.
    #[must_use]
    pub fn known_as(mut self, identifier: impl Into<String>, value: HostId) -> Self {
        self.identifiers.entry(identifier.into()).or_default().push(value);
        self
    }

    /// Says that the person has no such identifier, which is another answer than not having been
    /// asked for it.
    #[must_use]
    pub fn without(mut self, identifier: impl Into<String>) -> Self {
        self.identifiers.entry(identifier.into()).or_default();
        self
    }

    /// Says that an erasure leaves a set of data as it is, because it is held.
    ///
    /// *Must* be heeded by [`DataSource::erase`](super::DataSource::erase), also for rows of other sets
    /// without which those could not stay; [`DataSource::remaining`](super::DataSource::remaining)
    /// counts what is left for it as kept.
    #[must_use]
    pub fn sparing(mut self, set: impl Into<String>) -> Self {
        self.spared.insert(set.into());
        self
    }

    /// Whether an erasure leaves this set of data as it is.
    pub fn spares(&self, set: &str) -> bool {
        self.spared.contains(set)
    }

    /// Whether an erasure leaves any set of data as it is.
    pub fn spares_some(&self) -> bool {
        !self.spared.is_empty()
    }

    /// The tenant.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The host's id of the person.
    pub fn person(&self) -> &HostId {
        &self.person
    }

    /// The pseudonym that the vault knows the person by.
    pub fn subject(&self) -> SubjectId {
        self.subject
    }

    /// The values of an identifier; `None` where nobody said whether there are any.
    pub fn identifier(&self, name: &str) -> Option<&[HostId]> {
        self.identifiers.get(name).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use bailee_core::Id;

    use super::*;

    #[test]
    fn nothing_of_a_person_is_printed() {
        let whose = Whose::new(
            TenantId::new("acme").unwrap(),
            HostId::text("canary-person"),
            SubjectId::from_id(Id::from_bytes([7; 16])),
        )
        .known_as("email", HostId::text("canary@example.test"));
        let printed = format!("{whose:?}");
        assert!(!printed.contains("canary"), "{printed}");
        assert!(printed.contains("email"), "{printed}");
    }

    #[test]
    fn no_identifier_and_none_that_was_named_are_two_answers() {
        let subject = SubjectId::from_id(Id::from_bytes([7; 16]));
        let whose = Whose::new(TenantId::new("acme").unwrap(), HostId::Int(1), subject);
        assert_eq!(whose.identifier("email"), None);
        assert_eq!(whose.without("email").identifier("email"), Some([].as_slice()));
    }
}
