//! Tokens on their way into a connection: sealed first, so that an interrupted process leaves none
//! behind that nobody knows.

use std::time::Duration;

use bailee_core::{Plaintext, Result, TenantId, audit::Entry};
use bailee_providers::{Account, Grant, spec::RevokeEnds};
use bailee_store::{Due, Key};
use bailee_vault::{Draft, Holder};

use crate::{
    body::{self, AccountBody, GrantBody},
    kind,
    settle::{PARTS, Pending},
};

/// After so long, tokens that became no connection are revoked.
const ORPHAN_AFTER: Duration = Duration::from_secs(120);

impl Pending<'_> {
    /// Seals the tokens where an interrupted process finds them again.
    pub(crate) async fn hold(&self, grant: &Grant) -> Result<()> {
        let vault = &self.engine.0.vault;
        let view = vault.read(&TenantId::SYSTEM, Holder::Tenant, &[]).await?;
        let mut draft = Draft::new(Key::new(kind::GRANT, self.flow), Holder::Tenant)
            .facts(body::SCHEMA, body::encode(&self.grant_body(grant))?);
        for (n, credential) in grant.credentials.iter().enumerate().take(PARTS.len()) {
            let (access, refresh) = PARTS[n];
            draft = draft.part(access, credential.access.expose(Plaintext::copy_from));
            if let Some(token) = &credential.refresh {
                draft = draft.part(refresh, token.expose(Plaintext::copy_from));
            }
        }
        let put = vault.put(&TenantId::SYSTEM, draft, None).await?;
        let batch = vault
            .batch()?
            .op(put)
            .schedule(Key::new(kind::ORPHAN, self.flow), None, Due::After(ORPHAN_AFTER))
            .audit(
                Entry::new("grant.held", view.now())
                    .about(self.body.subject)
                    .with("flow", self.flow)
                    .with("registration", self.line.registered.id()),
            );
        vault.commit(&TenantId::SYSTEM, batch).await.map(|_| ())
    }

    pub(crate) fn grant_body(&self, grant: &Grant) -> GrantBody {
        GrantBody {
            registration: self.line.registered.id().clone(),
            connection: self.connection.clone(),
            account: self.account.clone().or(grant.account_id.as_ref().map(|id| AccountBody {
                id_kind: id.kind().to_owned(),
                id: id.value().to_owned(),
                issuer: None,
                display: None,
                account_type: None,
                also: Vec::new(),
            })),
            credentials: grant
                .credentials
                .iter()
                .map(|credential| (credential.name.clone(), credential.refresh.is_some()))
                .collect(),
            variables: self.body.variables.clone(),
        }
    }

    /// Notes whose the held tokens are, where only their revocation would tell otherwise: it ends all
    /// that the account gave, so whoever revokes has to know whether the account is in use.
    pub(crate) async fn name_held(&mut self, grant: &Grant, account: &Account) -> Result<()> {
        let unnamed = grant.account_id.is_none();
        self.account = Some(AccountBody::of(account));
        if !(unnamed && self.line.spec.revoke.ends == RevokeEnds::Account) {
            return Ok(());
        }
        let vault = &self.engine.0.vault;
        let key = Key::new(kind::GRANT, self.flow);
        let view =
            vault.read(&TenantId::SYSTEM, Holder::Tenant, std::slice::from_ref(&key)).await?;
        let mut draft = Draft::new(key, Holder::Tenant)
            .facts(body::SCHEMA, body::encode(&self.grant_body(grant))?);
        for (credential, (access, refresh)) in grant.credentials.iter().zip(PARTS) {
            draft = draft.keep(access);
            if credential.refresh.is_some() {
                draft = draft.keep(refresh);
            }
        }
        let put = vault.put(&TenantId::SYSTEM, draft, view.record(0)).await?;
        let entry = Entry::new("grant.held", view.now())
            .about(self.body.subject)
            .with("flow", self.flow)
            .with("registration", self.line.registered.id());
        vault.commit(&TenantId::SYSTEM, vault.batch()?.op(put).audit(entry)).await.map(|_| ())
    }

    /// The tokens have their connection: the grant record goes.
    pub(crate) async fn let_go(&self) {
        match self.engine.drop_grant(self.flow, "settled").await {
            Ok(true) => {}
            // This process was so slow that a worker took the tokens for orphans.
            Ok(false) => self.engine.doubt(&self.connection).await,
            // The worker finds it, sees that the connection has its tokens, and lets it go.
            Err(error) => {
                tracing::warn!(kind = ?error.kind(), "a settled grant is let go later");
            }
        }
    }
}
