//! Tokens that came too late: their connection is gone, and they must not live on.

use std::time::Duration;

use bailee_core::{ConnectionRef, Id, Plaintext, Result, TenantId, audit::Entry};
use bailee_providers::IssuedCredential;
use bailee_store::{Due, Key};
use bailee_vault::{Draft, Holder};

use crate::{
    body::{self, GrantBody},
    drive::Line,
    engine::Engine,
    kind,
    settle::PARTS,
};

/// After so long a worker revokes unwanted tokens whose process died.
const UNWANTED_AFTER: Duration = Duration::from_secs(30);

impl Engine {
    /// The provider gave tokens for a connection that is no longer there: they must not live on.
    /// They are held first, so that a worker goes on where this process or the provider fails. Says
    /// whether that is so, or they are ended already.
    pub(crate) async fn revoke_unwanted(
        &self,
        connection: &ConnectionRef,
        line: &Line,
        issued: &IssuedCredential,
    ) -> bool {
        let held = match Id::generate(&*self.0.random) {
            Ok(grant) => self.hold_unwanted(connection, line, grant, issued).await.map(|()| grant),
            Err(error) => Err(error),
        };
        match held {
            Ok(grant) => {
                if let Err(error) = self.revoke_orphan(grant).await {
                    tracing::warn!(kind = ?error.kind(), "unwanted tokens wait for their revocation");
                }
                true
            }
            Err(error) => {
                tracing::error!(kind = ?error.kind(), "unwanted tokens could not be held");
                let body = unwanted(connection, line, issued);
                self.revoke_unheld(line, &body, std::slice::from_ref(issued)).await
            }
        }
    }

    /// Seals them where a worker finds them should this process die before they are revoked.
    pub(crate) async fn hold_unwanted(
        &self,
        connection: &ConnectionRef,
        line: &Line,
        grant: Id,
        issued: &IssuedCredential,
    ) -> Result<()> {
        let (access, refresh) = PARTS[0];
        let mut draft = Draft::new(Key::new(kind::GRANT, grant), Holder::Tenant)
            .facts(body::SCHEMA, body::encode(&unwanted(connection, line, issued))?)
            .part(access, issued.access.expose(Plaintext::copy_from));
        if let Some(token) = &issued.refresh {
            draft = draft.part(refresh, token.expose(Plaintext::copy_from));
        }
        let vault = &self.0.vault;
        let put = vault.put(&TenantId::SYSTEM, draft, None).await?;
        let entry = Entry::new("grant.held", self.0.clock.now())
            .about(connection.owner().subject())
            .with("flow", grant)
            .with("registration", line.registered.id());
        let batch = vault
            .batch()?
            .op(put)
            .schedule(Key::new(kind::ORPHAN, grant), None, Due::After(UNWANTED_AFTER))
            .audit(entry);
        vault.commit(&TenantId::SYSTEM, batch).await.map(|_| ())
    }
}

/// Tokens without a connection, as they are held until they are revoked.
fn unwanted(connection: &ConnectionRef, line: &Line, issued: &IssuedCredential) -> GrantBody {
    GrantBody {
        registration: line.registered.id().clone(),
        connection: connection.clone(),
        credentials: vec![(issued.name.clone(), issued.refresh.is_some())],
        account: None,
        variables: line.variables.clone(),
    }
}
