//! What the records of this crate hold. None of it is a token: those lie in parts of their own.
//!
//! Every body stands behind a schema number. A release reads its own schema and earlier ones and
//! refuses to write over a later one.

use std::{collections::BTreeMap, time::Duration};

use bailee_core::{
    ConnectionRef, CredentialName, Error, ErrorKind, Id, Origin, Owner, ProviderId, PurposeId,
    ReconnectReason, RegistrationId, Result, ScopeName, SubjectId, Timestamp, WithdrawalReason,
};
use bailee_providers::AccountFacts;
use bailee_vault::{Draft, Facts};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The schema that this release writes.
pub(crate) const SCHEMA: u16 = 1;

/// The token type of a key that somebody entered.
pub(crate) const ENTERED: &str = "api_key";

/// A body as bytes.
pub(crate) fn encode<T: Serialize>(body: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(body)
        .map_err(|_| Error::new(ErrorKind::InvalidInput).with_detail("a body cannot be written"))
}

/// Reads a body of a schema that this release knows.
pub(crate) fn decode<T: DeserializeOwned>(facts: &Facts) -> Result<T> {
    if facts.schema() > SCHEMA {
        return Err(Error::new(ErrorKind::UnknownSchema));
    }
    facts.json()
}

/// `connection`.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ConnectionBody {
    pub(crate) provider: ProviderId,
    pub(crate) registration: RegistrationId,
    pub(crate) owner: Owner,
    pub(crate) installer: Option<SubjectId>,
    pub(crate) account: AccountBody,
    pub(crate) origin: Origin,
    pub(crate) purposes: Vec<PurposeId>,
    pub(crate) credentials: Vec<CredentialName>,
    pub(crate) reservation: Id,
    pub(crate) connected_at: Timestamp,
    /// Why it is being ended, where the provider ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ending: Option<WithdrawalReason>,
    /// When what is known of the account was got again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) got_at: Option<Timestamp>,
    /// The time of what the provider last said of a suspension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) heard_at: Option<Timestamp>,
    /// The scopes with which its person was sent to the provider the last time. Not known of keys and
    /// of what an older release connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) asked: Option<Vec<ScopeName>>,
}

/// The limited profile of the account.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AccountBody {
    pub(crate) id_kind: String,
    pub(crate) id: String,
    pub(crate) issuer: Option<String>,
    pub(crate) display: Option<String>,
    pub(crate) account_type: Option<String>,
    /// Other ids of the same account, each behind the word for its kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) also: Vec<(String, String)>,
}

impl AccountBody {
    /// The account under each of its ids, as signals of the provider may name it.
    pub(crate) fn under_each_id(&self) -> Vec<Self> {
        let others = self.also.iter().map(|(id_kind, id)| Self {
            id_kind: id_kind.clone(),
            id: id.clone(),
            ..self.clone()
        });
        std::iter::once(self.clone()).chain(others).collect()
    }

    pub(crate) fn of(account: &bailee_providers::Account) -> Self {
        Self {
            id_kind: account.id.kind().to_owned(),
            id: account.id.value().to_owned(),
            issuer: account.issuer.clone(),
            display: account.display.clone(),
            account_type: account.account_type.clone(),
            also: account
                .also
                .iter()
                .map(|id| (id.kind().to_owned(), id.value().to_owned()))
                .collect(),
        }
    }
}

/// `credential`, beside the parts `access` and `refresh`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CredentialBody {
    pub(crate) provider: ProviderId,
    pub(crate) registration: RegistrationId,
    pub(crate) name: CredentialName,
    pub(crate) token_type: String,
    pub(crate) scopes: Vec<ScopeName>,
    pub(crate) issued_at: Timestamp,
    /// When the access token ends, if the provider said so.
    pub(crate) expires_at: Option<Timestamp>,
    /// When the refresh token ends, if the provider said so.
    pub(crate) refresh_until: Option<Timestamp>,
    pub(crate) has_refresh: bool,
    /// Counts the token sets of this credential.
    pub(crate) generation: u64,
    /// Whether a renewal may have replaced the tokens in an answer that nobody could read.
    #[serde(default)]
    pub(crate) in_doubt: bool,
    /// The grant that it came from: a grant record of this id has found its connection.
    pub(crate) grant: Option<Id>,
    /// Tokens that came after later ones were stored, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) candidate: Option<CandidateBody>,
    /// What the person gave for the variables of the provider's addresses.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) variables: BTreeMap<String, String>,
    /// What operations are told of the account.
    #[serde(default)]
    pub(crate) account: Option<AccountFacts>,
}

/// Which token was shown for a renewal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Shown {
    /// The generation of the credential.
    pub(crate) seen: u64,
    /// The grant that the credential came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) grant: Option<Id>,
    /// Whether it was the candidate's, after the credential's own was refused.
    #[serde(default)]
    pub(crate) candidate: bool,
}

/// Tokens of a holder that lost its claim and came when others were stored already. The provider
/// may take these or those; they lie in the parts [`CANDIDATE`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CandidateBody {
    /// What they came for.
    #[serde(flatten)]
    pub(crate) shown: Shown,
    pub(crate) has_refresh: bool,
    pub(crate) expires_at: Option<Timestamp>,
}

/// The names of the parts that hold a credential's tokens.
pub(crate) const TOKENS: (&str, &str) = ("access", "refresh");
/// The names of the parts that hold the tokens of its candidate.
pub(crate) const CANDIDATE: (&str, &str) = ("candidate_access", "candidate");

impl CredentialBody {
    /// Whether the candidate's refresh token may be shown where the stored one is refused: both came
    /// of the same token.
    pub(crate) fn may_show_candidate(&self) -> bool {
        self.candidate.as_ref().is_some_and(|candidate| {
            candidate.has_refresh
                && candidate.shown.seen + 1 == self.generation
                && candidate.shown.grant == self.grant
        })
    }

    /// What a provider's step is told of the candidate, if there is one.
    pub(crate) fn candidate_facts(&self) -> Option<bailee_providers::CredentialFacts> {
        let candidate = self.candidate.as_ref()?;
        let tokens = Self {
            has_refresh: candidate.has_refresh,
            refresh_until: None,
            expires_at: candidate.expires_at,
            ..self.clone()
        };
        Some(tokens.facts())
    }

    /// Leaves the candidate's parts of a record as they are.
    pub(crate) fn keep_candidate(&self, mut draft: Draft) -> Draft {
        if let Some(candidate) = &self.candidate {
            draft = draft.keep(CANDIDATE.0);
            if candidate.has_refresh {
                draft = draft.keep(CANDIDATE.1);
            }
        }
        draft
    }

    /// Whether it is a key that somebody entered.
    pub(crate) fn is_entered(&self) -> bool {
        self.token_type == ENTERED
    }

    /// Why it no longer works, where the provider does not take it and nothing can renew it.
    pub(crate) fn why_over(&self) -> ReconnectReason {
        // A key has no end of its own: somebody ended it.
        if self.is_entered() { ReconnectReason::Revoked } else { ReconnectReason::Expired }
    }

    /// What a provider's step is told of it.
    pub(crate) fn facts(&self) -> bailee_providers::CredentialFacts {
        let mut facts =
            bailee_providers::CredentialFacts::new(self.name.clone(), self.scopes.clone());
        if self.has_refresh {
            facts = facts.with_refresh(self.refresh_until);
        }
        match self.expires_at {
            Some(at) => facts.expiring(at),
            None => facts,
        }
    }

    /// How long before the end of the access token it is renewed ahead of time.
    pub(crate) fn margin(&self) -> Duration {
        let lifetime = self.expires_at.map_or(Duration::ZERO, |end| end.since(self.issued_at));
        // A token shorter than ten minutes would always be inside five.
        Duration::from_secs(300).max(lifetime / 10).min(lifetime / 2)
    }

    /// Whether the access token is over, or so close to it that a call would outlive it.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        let slack = Duration::from_secs(10);
        self.expires_at
            .is_some_and(|end| end.minus(slack.min(end.since(self.issued_at) / 10)) <= now)
    }
}

/// `flow`, beside the parts `pkce_verifier` and, once it came, `posted`.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct FlowBody {
    pub(crate) tenant: bailee_core::TenantId,
    pub(crate) person: bailee_core::HostId,
    pub(crate) subject: SubjectId,
    pub(crate) owner: Owner,
    pub(crate) session: [u8; 32],
    pub(crate) registration: RegistrationId,
    pub(crate) issuer: Option<String>,
    /// Whether the provider promised, when the flow began, to name its issuer in the callback.
    /// The process that ends the flow may never have read the metadata.
    #[serde(default)]
    pub(crate) names_issuer: bool,
    pub(crate) token_endpoint: String,
    pub(crate) redirect_uri: String,
    pub(crate) nonce: Option<String>,
    pub(crate) pkce: bool,
    pub(crate) purposes: Vec<PurposeId>,
    pub(crate) scopes: Vec<ScopeName>,
    pub(crate) scope_hash: [u8; 32],
    pub(crate) disclosure_hash: [u8; 32],
    pub(crate) declaration: [u8; 32],
    pub(crate) locale: bailee_core::Locale,
    pub(crate) return_to: Option<String>,
    pub(crate) browser: [u8; 32],
    pub(crate) origin: Origin,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) reconnect: Option<ConnectionRef>,
    pub(crate) other_account: bool,
    /// Whether the provider's form has come and waits in the part `posted`.
    #[serde(default)]
    pub(crate) posted: bool,
    pub(crate) begun_at: Timestamp,
}

/// `grant`, beside the parts `access` and `refresh`: tokens that are on their way into a
/// connection.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct GrantBody {
    pub(crate) registration: RegistrationId,
    pub(crate) connection: ConnectionRef,
    /// The credentials, and whether each has a refresh token.
    pub(crate) credentials: Vec<(CredentialName, bool)>,
    /// The account, where the token answer named it.
    pub(crate) account: Option<AccountBody>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) variables: BTreeMap<String, String>,
}

/// `reservation`: which connection holds an account for an owner.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ReservationBody {
    pub(crate) connection: ConnectionRef,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(lifetime: u64) -> CredentialBody {
        CredentialBody {
            provider: ProviderId::from_static("p"),
            registration: RegistrationId::from_static("p"),
            name: CredentialName::from_static("user"),
            token_type: "bearer".into(),
            scopes: Vec::new(),
            issued_at: Timestamp::from_seconds(1000),
            expires_at: Some(Timestamp::from_seconds(1000 + lifetime as i64)),
            refresh_until: None,
            has_refresh: true,
            generation: 1,
            in_doubt: false,
            grant: None,
            candidate: None,
            variables: BTreeMap::new(),
            account: None,
        }
    }

    #[test]
    fn ref_13_margin_is_five_minutes_or_a_tenth_and_never_more_than_half() {
        assert_eq!(credential(7200).margin(), Duration::from_secs(720));
        assert_eq!(credential(3600).margin(), Duration::from_secs(360));
        assert_eq!(credential(1200).margin(), Duration::from_secs(300));
        assert_eq!(credential(60).margin(), Duration::from_secs(30));
    }

    #[test]
    fn a_token_is_over_a_little_before_its_end() {
        let credential = credential(7200);
        assert!(!credential.is_over(Timestamp::from_seconds(8189)));
        assert!(credential.is_over(Timestamp::from_seconds(8190)));
        let endless = CredentialBody { expires_at: None, ..credential };
        assert!(!endless.is_over(Timestamp::from_seconds(i64::MAX / 1_000_000)));
    }
}
