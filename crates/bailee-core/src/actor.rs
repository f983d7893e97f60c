//! Who acts, and the host's word on what they may do.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    Id, InvalidName, Locale, Owner, ProviderId, SubjectId, TenantId, error::HostError, sha256,
};

/// The host's own id of a person. It is personal data: `Debug` shows only its form.
///
/// Inside, a person is a [`SubjectId`]; this id lies sealed in the `subject` record and is found
/// through a keyed hash.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HostId {
    /// A number.
    Int(i64),
    /// A text, compared byte by byte.
    Text(String),
    /// The sixteen bytes of a UUID.
    Uuid([u8; 16]),
}

impl HostId {
    /// A text id.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The id as bytes with its form in front, so that `1` and `"1"` differ.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Int(number) => [b"i".as_slice(), &number.to_be_bytes()].concat(),
            Self::Text(text) => [b"t".as_slice(), text.as_bytes()].concat(),
            Self::Uuid(bytes) => [b"u".as_slice(), bytes].concat(),
        }
    }

    /// Reads back what [`HostId::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// Refuses bytes that it does not write. They are not kept.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidName> {
        let invalid = InvalidName::new("host id");
        let (form, rest) = bytes.split_first().ok_or(invalid)?;
        match form {
            b'i' => rest.try_into().map(i64::from_be_bytes).map(Self::Int).map_err(|_| invalid),
            b't' => String::from_utf8(rest.to_vec()).map(Self::Text).map_err(|_| invalid),
            b'u' => rest.try_into().map(Self::Uuid).map_err(|_| invalid),
            _ => Err(invalid),
        }
    }
}

impl fmt::Debug for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Int(_) => "HostId::Int([redacted])",
            Self::Text(_) => "HostId::Text([redacted])",
            Self::Uuid(_) => "HostId::Uuid([redacted])",
        })
    }
}

/// The actor of a web request, as the host authenticated it.
#[derive(Clone, Debug)]
pub struct Visitor {
    tenant: TenantId,
    person: HostId,
    session: [u8; 32],
    locale: Locale,
}

impl Visitor {
    /// A person in a tenant, with whatever names the host's session (its id, its token): only a
    /// hash of that is kept, to see that one session began and finished a flow.
    pub fn new(tenant: TenantId, person: HostId, session: impl AsRef<[u8]>) -> Self {
        Self { tenant, person, session: sha256(session.as_ref()), locale: Locale::default() }
    }

    /// Says which language the person reads.
    #[must_use]
    pub fn with_locale(mut self, locale: Locale) -> Self {
        self.locale = locale;
        self
    }

    /// The tenant that the person is in.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The host's id of the person.
    pub fn person(&self) -> &HostId {
        &self.person
    }

    /// The hash of what names the host's session.
    pub fn session(&self) -> &[u8; 32] {
        &self.session
    }

    /// The language that the person reads.
    pub fn locale(&self) -> &Locale {
        &self.locale
    }
}

/// Who acts, as audit entries name it: pseudonyms and ids alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "actor", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Actor {
    /// Software in a run, for a subject.
    Agent {
        /// On whose behalf.
        subject: SubjectId,
        /// The run, as the host names it.
        run: Id,
    },
    /// Another person of the tenant, allowed by the host.
    Member {
        /// That person.
        subject: SubjectId,
    },
    /// A person who runs the service.
    Operator {
        /// The operator, as the host names it.
        operator: Id,
    },
    /// A provider that told us something.
    Provider {
        /// Which.
        provider: ProviderId,
    },
    /// A plan that a subject set up.
    Schedule {
        /// Who set it up.
        subject: SubjectId,
        /// The plan, as the host names it.
        schedule: Id,
    },
    /// The data subject.
    Subject {
        /// Who.
        subject: SubjectId,
    },
    /// The libraries themselves.
    System,
}

impl Actor {
    /// The subject who acts or on whose behalf it is done.
    pub fn subject(&self) -> Option<SubjectId> {
        match self {
            Self::Agent { subject, .. }
            | Self::Member { subject }
            | Self::Schedule { subject, .. }
            | Self::Subject { subject } => Some(*subject),
            Self::Operator { .. } | Self::Provider { .. } | Self::System => None,
        }
    }

    /// The word that audit entries use.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Agent { .. } => "agent",
            Self::Member { .. } => "member",
            Self::Operator { .. } => "operator",
            Self::Provider { .. } => "provider",
            Self::Schedule { .. } => "schedule",
            Self::Subject { .. } => "subject",
            Self::System => "system",
        }
    }
}

/// What somebody wants to do, as [`Access`] is asked about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Act {
    /// Connect an account for the owner.
    Connect(Owner),
    /// End a connection of the owner. Never asked for one of the instance: an operator ends it.
    Disconnect(Owner),
    /// Use a connection of the owner. Asked for a person's own connections too.
    Use(Owner),
}

/// The host's word on who may act where. A host plugs it in.
#[async_trait]
pub trait Access: Send + Sync + 'static {
    /// Whether this person may do this in this tenant, now.
    ///
    /// *Must* answer from the host's current memberships: it is asked at the start and at the end
    /// of a flow and at every use. `subject` is the person's own pseudonym, if they have one, so
    /// that an answer can tell their own connections from those of others. *Must not* answer yes
    /// where it does not know.
    ///
    /// # Errors
    ///
    /// An error refuses the act; it is kept as the source of ours.
    async fn may(
        &self,
        person: &HostId,
        subject: Option<SubjectId>,
        tenant: &TenantId,
        act: Act,
    ) -> Result<bool, HostError>;

    /// The tenants in which this person has data.
    ///
    /// # Errors
    ///
    /// An error ends the operation that asked.
    async fn tenants(&self, person: &HostId) -> Result<Vec<TenantId>, HostError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_ids_of_other_forms_differ() {
        assert_ne!(HostId::Int(1).to_bytes(), HostId::text("1").to_bytes());
    }

    #[test]
    fn host_ids_survive_their_bytes() {
        for id in [HostId::Int(-7), HostId::text("ada"), HostId::text(""), HostId::Uuid([9; 16])] {
            assert_eq!(HostId::from_bytes(&id.to_bytes()).unwrap(), id);
        }
        for bytes in [&b""[..], b"i1", b"u123", b"x", b"t\xff"] {
            assert!(HostId::from_bytes(bytes).is_err());
        }
    }

    #[test]
    fn host_ids_are_not_printed() {
        let visitor =
            Visitor::new(TenantId::from_static("acme"), HostId::text("ada@example.test"), "sid");
        assert!(!format!("{visitor:?}").contains("ada"));
    }
}
