//! What the journal keeps of an answer: a record that the vault sealed, and what is needed to find
//! the keys and the claim again.
//!
//! In the clear: tenant, owner, connection and credential as ids, the fence of the claim, the version
//! that the record was sealed for. The tokens and everything that the provider said of them are
//! sealed under the key of the connection's subject; where no subject owns it, under the tenant's
//! own, because the connection's key is destroyed with it and the tokens must still be revoked then.

use std::{collections::BTreeMap, time::Duration};

use bailee_core::{
    AccessToken, ConnectionRef, CredentialName, Error, ErrorKind, Id, Plaintext, RefreshToken,
    RegistrationId, Result, ScopeName, TenantId, Timestamp,
};
use bailee_providers::IssuedCredential;
use bailee_store::{Facet, Fence, Key, Record, Sealed, Version};
use bailee_vault::{Draft, Holder, Opened};
use serde::{Deserialize, Serialize};

use crate::{
    body::{self, Shown},
    kind,
};

/// An answer as it stands in the journal.
pub(crate) struct Answer {
    clear: Clear,
    record: Record,
}

/// What is not sealed.
#[derive(Serialize, Deserialize)]
struct Clear {
    connection: ConnectionRef,
    credential: Id,
    fence: i64,
    version: i64,
}

/// What is sealed, beside the parts `access` and `refresh`.
#[derive(Serialize, Deserialize)]
pub(crate) struct AnswerBody {
    pub(crate) registration: RegistrationId,
    pub(crate) name: CredentialName,
    #[serde(flatten)]
    pub(crate) shown: Shown,
    pub(crate) answered_at: Timestamp,
    expires_in: Option<Duration>,
    refresh_expires_in: Option<Duration>,
    scopes: Option<Vec<ScopeName>>,
    has_refresh: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) variables: BTreeMap<String, String>,
}

impl AnswerBody {
    pub(crate) fn new(
        registration: &RegistrationId,
        shown: Shown,
        answered_at: Timestamp,
        issued: &IssuedCredential,
        variables: &BTreeMap<String, String>,
    ) -> Self {
        Self {
            registration: registration.clone(),
            name: issued.name.clone(),
            shown,
            answered_at,
            expires_in: issued.expires_in,
            refresh_expires_in: issued.refresh_expires_in,
            scopes: issued.scopes.clone(),
            has_refresh: issued.refresh.is_some(),
            variables: variables.clone(),
        }
    }

    /// The draft of the record, with the tokens in it.
    pub(crate) fn draft(
        &self,
        id: Id,
        connection: &ConnectionRef,
        issued: &IssuedCredential,
    ) -> Result<Draft> {
        let draft = Draft::new(Key::new(kind::ANSWER, id), Answer::holder(connection))
            .facts(body::SCHEMA, body::encode(self)?)
            .part("access", issued.access.expose(Plaintext::copy_from));
        Ok(match &issued.refresh {
            Some(refresh) => draft.part("refresh", refresh.expose(Plaintext::copy_from)),
            None => draft,
        })
    }

    /// The token set, as it was issued.
    pub(crate) fn issued(&self, opened: &Opened<'_>) -> Result<IssuedCredential> {
        let access = AccessToken::new(opened.part("access")?);
        let mut issued = IssuedCredential::new(self.name.clone(), access);
        if self.has_refresh {
            issued.refresh = Some(RefreshToken::new(opened.part("refresh")?));
        }
        issued.expires_in = self.expires_in;
        issued.refresh_expires_in = self.refresh_expires_in;
        issued.scopes.clone_from(&self.scopes);
        Ok(issued)
    }
}

impl Answer {
    pub(crate) fn new(
        connection: &ConnectionRef,
        credential: Id,
        fence: Fence,
        record: Record,
    ) -> Self {
        let clear = Clear {
            connection: connection.clone(),
            credential,
            fence: fence.0,
            version: record.version.0,
        };
        Self { clear, record }
    }

    /// Whose key seals the answers of a connection.
    pub(crate) fn holder(connection: &ConnectionRef) -> Holder {
        match connection.owner().subject() {
            Some(subject) => Holder::Subject(subject),
            None => Holder::Tenant,
        }
    }

    pub(crate) fn id(&self) -> Id {
        self.record.key.id
    }

    pub(crate) fn connection(&self) -> &ConnectionRef {
        &self.clear.connection
    }

    pub(crate) fn credential(&self) -> Id {
        self.clear.credential
    }

    pub(crate) fn is_for(&self, tenant: &TenantId, credential: Id) -> bool {
        self.clear.connection.tenant() == tenant && self.clear.credential == credential
    }

    /// The fence of the claim under which the request was made.
    pub(crate) fn fence(&self) -> Fence {
        Fence(self.clear.fence)
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// As the journal writes it: the length of what is clear, that, and the sealed body.
    pub(crate) fn write(&self) -> Result<Vec<u8>> {
        let clear = body::encode(&self.clear)?;
        let sealed = self.record.body.as_bytes();
        let length = u32::try_from(clear.len()).map_err(|_| unreadable())?;
        let mut bytes = Vec::with_capacity(4 + clear.len() + sealed.len());
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&clear);
        bytes.extend_from_slice(sealed);
        Ok(bytes)
    }

    pub(crate) fn parse(id: Id, bytes: &[u8]) -> Result<Self> {
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(unreadable)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| unreadable())?;
        let (clear, sealed) = rest.split_at_checked(length).ok_or_else(unreadable)?;
        let clear: Clear = serde_json::from_slice(clear).map_err(|_| unreadable())?;
        let record = Record {
            key: Key::new(kind::ANSWER, id),
            subject: Self::holder(&clear.connection).subject(),
            facet: Facet::default(),
            expires: None,
            version: Version(clear.version),
            body: Sealed::new(sealed.to_vec()),
        };
        Ok(Self { clear, record })
    }
}

fn unreadable() -> Error {
    Error::new(ErrorKind::UnknownSchema).with_detail("an entry of the journal is not readable")
}
