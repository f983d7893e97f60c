//! Tokens at hand for one request: as they are stored, as they were just issued.

use async_trait::async_trait;
use bailee_core::{Error, ErrorKind, Plaintext, Result};
use bailee_providers::{IssuedCredential, SecretRef};
use bailee_vault::View;

use crate::{
    body::{CANDIDATE, TOKENS},
    drive::OpenSecret,
};

/// The tokens in a record that was read, opened when a request needs them.
pub(crate) struct StoredSecrets<'a> {
    view: &'a View,
    /// The place of the record among those that were read.
    at: usize,
    /// The parts that hold them: the access token's, the refresh token's.
    parts: (&'static str, &'static str),
    client: Option<Plaintext>,
}

impl<'a> StoredSecrets<'a> {
    /// The tokens of a connection's credential by its place; the connection itself was read first.
    pub(crate) fn of_credential(view: &'a View, place: usize, client: Option<Plaintext>) -> Self {
        Self { view, at: place + 1, parts: TOKENS, client }
    }

    /// Those of its candidate.
    pub(crate) fn of_candidate(view: &'a View, place: usize, client: Option<Plaintext>) -> Self {
        Self { view, at: place + 1, parts: CANDIDATE, client }
    }

    /// The tokens of a grant record.
    pub(crate) fn of_grant(
        view: &'a View,
        parts: (&'static str, &'static str),
        client: Option<Plaintext>,
    ) -> Self {
        Self { view, at: 0, parts, client }
    }
}

#[async_trait]
impl OpenSecret for StoredSecrets<'_> {
    fn open(&self, which: SecretRef) -> Result<Plaintext> {
        match which {
            SecretRef::AccessToken => self.view.part(self.at, self.parts.0),
            SecretRef::RefreshToken => self.view.part(self.at, self.parts.1),
            SecretRef::ClientSecret => copy(self.client.as_ref()),
            _ => Err(not_at_hand()),
        }
    }
}

/// The tokens of a grant that is not stored as a connection yet, or no longer.
pub(crate) struct HeldSecrets {
    pub(crate) access: Plaintext,
    pub(crate) refresh: Option<Plaintext>,
    pub(crate) client: Option<Plaintext>,
}

impl HeldSecrets {
    pub(crate) fn of(issued: &IssuedCredential, client: Option<Plaintext>) -> Self {
        Self {
            access: issued.access.expose(Plaintext::copy_from),
            refresh: issued.refresh.as_ref().map(|token| token.expose(Plaintext::copy_from)),
            client,
        }
    }
}

#[async_trait]
impl OpenSecret for HeldSecrets {
    fn open(&self, which: SecretRef) -> Result<Plaintext> {
        match which {
            SecretRef::AccessToken => copy(Some(&self.access)),
            SecretRef::RefreshToken => copy(self.refresh.as_ref()),
            SecretRef::ClientSecret => copy(self.client.as_ref()),
            _ => Err(not_at_hand()),
        }
    }
}

pub(crate) fn copy(secret: Option<&Plaintext>) -> Result<Plaintext> {
    secret.map(|secret| secret.expose(Plaintext::copy_from)).ok_or_else(not_at_hand)
}

pub(crate) fn not_at_hand() -> Error {
    Error::new(ErrorKind::InvalidInput).with_detail("the request needs a secret that is not there")
}
