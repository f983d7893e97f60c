//! A connection: one account at a provider, and the name that finds it again.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{ConnectionId, CredentialName, Id, SubjectId, TenantId, name::InvalidName};

/// For whom a connection is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The installation itself (an API key of the service).
    Instance,
    /// A person.
    Subject(SubjectId),
    /// The whole tenant (a bot in a workspace).
    Tenant,
}

impl Owner {
    /// The person, where a person owns it.
    pub fn subject(self) -> Option<SubjectId> {
        match self {
            Self::Subject(subject) => Some(subject),
            Self::Instance | Self::Tenant => None,
        }
    }
}

/// The name of a connection: with it every record behind a call is known in advance.
///
/// Hosts keep its text form in a column of their own. It is not a secret and gives no right: each
/// use is checked anew.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionRef {
    tenant: TenantId,
    owner: Owner,
    connection: ConnectionId,
}

impl ConnectionRef {
    /// Names a connection. One that the instance owns lies in the system's tenant.
    pub fn new(tenant: TenantId, owner: Owner, connection: ConnectionId) -> Self {
        let tenant = if owner == Owner::Instance { TenantId::SYSTEM } else { tenant };
        Self { tenant, owner, connection }
    }

    /// The tenant.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// For whom it is held.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// The connection's id.
    pub fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// The id of one of its credentials' records.
    pub fn credential(&self, name: &CredentialName) -> Id {
        Id::derive(&[b"credential", self.connection.id().as_bytes(), name.as_str().as_bytes()])
    }
}

impl fmt::Display for ConnectionRef {
    /// `bc1_<owner>_<connection>_<tenant>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bc1_")?;
        match self.owner {
            Owner::Instance => f.write_str("instance")?,
            Owner::Subject(subject) => write!(f, "{subject}")?,
            Owner::Tenant => f.write_str("tenant")?,
        }
        write!(f, "_{}_{}", self.connection, self.tenant)
    }
}

impl FromStr for ConnectionRef {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = InvalidName::new("connection reference");
        let rest = text.strip_prefix("bc1_").ok_or(invalid)?;
        let (owner, rest) = rest.split_once('_').ok_or(invalid)?;
        let (connection, tenant) = rest.split_once('_').ok_or(invalid)?;
        let owner = match owner {
            "instance" => Owner::Instance,
            "tenant" => Owner::Tenant,
            subject => Owner::Subject(subject.parse().map_err(|_| invalid)?),
        };
        let tenant = TenantId::new(tenant).map_err(|_| invalid)?;
        if (owner == Owner::Instance) != tenant.is_system() {
            return Err(invalid);
        }
        Ok(Self { tenant, owner, connection: connection.parse().map_err(|_| invalid)? })
    }
}

impl Serialize for ConnectionRef {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ConnectionRef {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Where a connection stands. The state is copied into the facet of its credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConnectionState {
    /// It works.
    Active,
    /// It works, though something did not (a refresh is being retried).
    Degraded,
    /// It is being ended: unusable, its tokens are being revoked.
    Disconnecting,
    /// Nothing is sent: the provider suspended the account.
    Frozen,
    /// It works again after the person went through the flow.
    NeedsReconnect(ReconnectReason),
}

/// Why a person has to connect again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReconnectReason {
    /// The access token ran out and there is nothing to renew it with.
    Expired,
    /// The provider took the old refresh token and its answer was lost. Nobody's fault.
    LostAfterRotation,
    /// The provider says that the grant is over (`invalid_grant`): withdrawn, replaced or too old.
    Revoked,
    /// The person granted less than the purpose needs.
    ScopeMissing,
}

/// Why a connection ended at the provider, as the provider said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WithdrawalReason {
    /// The account is gone.
    AccountClosed,
    /// The person, or somebody who manages the account, took the application's access away.
    AccessRemoved,
    /// The provider no longer lets the account use the application (a ban, an age).
    Barred,
    /// Its tokens were revoked, and nothing more is said.
    TokensRevoked,
}

impl WithdrawalReason {
    /// The word for it, as audit entries use it.
    pub fn code(self) -> &'static str {
        match self {
            Self::AccountClosed => "account_closed",
            Self::AccessRemoved => "access_removed",
            Self::Barred => "barred",
            Self::TokensRevoked => "tokens_revoked",
        }
    }
}

impl ConnectionState {
    /// The number that stands in the clear `facet` column.
    pub fn facet(self) -> i16 {
        match self {
            Self::Active => 1,
            Self::Degraded => 2,
            Self::Disconnecting => 3,
            Self::Frozen => 4,
            Self::NeedsReconnect(ReconnectReason::Expired) => 10,
            Self::NeedsReconnect(ReconnectReason::LostAfterRotation) => 11,
            Self::NeedsReconnect(ReconnectReason::Revoked) => 12,
            Self::NeedsReconnect(ReconnectReason::ScopeMissing) => 13,
        }
    }

    /// The state behind a number of the `facet` column.
    pub fn from_facet(facet: i16) -> Option<Self> {
        Some(match facet {
            1 => Self::Active,
            2 => Self::Degraded,
            3 => Self::Disconnecting,
            4 => Self::Frozen,
            10 => Self::NeedsReconnect(ReconnectReason::Expired),
            11 => Self::NeedsReconnect(ReconnectReason::LostAfterRotation),
            12 => Self::NeedsReconnect(ReconnectReason::Revoked),
            13 => Self::NeedsReconnect(ReconnectReason::ScopeMissing),
            _ => return None,
        })
    }
}

/// How a connection came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Origin {
    /// A key that somebody entered, where the provider offers no OAuth.
    Entered,
    /// The flow in a browser.
    Flow,
    /// Tokens of an earlier system.
    Imported,
    /// The flow of a terminal (RFC 8252 §7.3).
    Loopback,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(owner: Owner) -> ConnectionRef {
        ConnectionRef::new(
            TenantId::from_static("acme_eu"),
            owner,
            ConnectionId::from_id(Id::from_bytes([7; 16])),
        )
    }

    #[test]
    fn references_survive_their_text() {
        let subject = SubjectId::from_id(Id::from_bytes([9; 16]));
        for owner in [Owner::Instance, Owner::Tenant, Owner::Subject(subject)] {
            let reference = reference(owner);
            assert_eq!(reference.to_string().parse::<ConnectionRef>().unwrap(), reference);
        }
    }

    #[test]
    fn a_reference_cannot_name_the_system_tenant_for_a_person() {
        let text = reference(Owner::Tenant).to_string().replace("acme_eu", "~");
        assert!(text.parse::<ConnectionRef>().is_err());
        let text = reference(Owner::Instance).to_string().replace('~', "acme");
        assert!(text.parse::<ConnectionRef>().is_err());
    }

    #[test]
    fn states_survive_their_facet() {
        for facet in i16::MIN..=i16::MAX {
            if let Some(state) = ConnectionState::from_facet(facet) {
                assert_eq!(state.facet(), facet);
            }
        }
    }
}
