//! Tokens that were exchanged and became no connection: they are revoked.

use bailee_core::{
    ConnectionRef, ConnectionState, CredentialName, ErrorKind, Id, Result, TenantId, audit::Entry,
};
use bailee_providers::{
    AccountFacts, CredentialFacts, GrantFacts, IssuedCredential, Revoked, Step, spec::RevokeEnds,
};
use bailee_store::{Due, Expect, Key, Lease};
use bailee_vault::{Holder, View};

use crate::{
    body::{self, AccountBody, GrantBody},
    drive::{DEADLINE, Halt, Line},
    engine::Engine,
    kind,
    secrets::{HeldSecrets, StoredSecrets},
    settle::PARTS,
};

impl Engine {
    /// Due: the process that exchanged the code did not come to its end.
    pub(crate) async fn orphan_due(&self, lease: &Lease) -> Result<()> {
        match self.revoke_orphan(lease.task.id).await {
            Ok(()) => self.finish(lease, Due::Never).await,
            Err(error) if lease.tries >= 10 => {
                // The provider never answered. The tokens are deleted here; what remains is said.
                tracing::error!(kind = ?error.kind(), "orphaned tokens are deleted unconfirmed");
                self.drop_grant(lease.task.id, "unconfirmed").await?;
                self.finish(lease, Due::Never).await
            }
            // The claim ends by itself, and the work comes again.
            Err(error) => Err(error),
        }
    }

    /// Revokes the tokens of a grant record and deletes it; if they found their connection after
    /// all, only the record goes.
    pub(crate) async fn revoke_orphan(&self, grant: Id) -> Result<()> {
        let key = Key::new(kind::GRANT, grant);
        let view = self
            .0
            .vault
            .read(&TenantId::SYSTEM, Holder::Tenant, std::slice::from_ref(&key))
            .await?;
        self.admit_instance(view.control()).await?;
        let Some(facts) = view.facts(0)? else { return Ok(()) };
        let body: GrantBody = body::decode(&facts)?;
        if self.has_settled(grant, &body).await? {
            return self.drop_grant(grant, "settled").await.map(|_| ());
        }
        let registered = self.registered(&body.registration)?.clone();
        let mut line = self.line(&registered).await?.given(&body.variables)?;
        let account = match &body.account {
            Some(account) => Some(account.clone()),
            None if line.spec.revoke.ends == RevokeEnds::Account => self.whose(&line, &view).await,
            None => None,
        };
        // Revoking here may end all that the account gave, and with it a connection that somebody
        // uses. What can be ended alone is ended then, and the rest is deleted and runs out by
        // itself; so it is with an account that cannot be told.
        let alone = line.spec.revoke.ends == RevokeEnds::Account
            && match &account {
                Some(account) => self.is_connected(&body, account).await?,
                None => true,
            };
        line.account = account.map(|account| AccountFacts::new(account.id));
        for ((name, has_refresh), parts) in body.credentials.iter().zip(PARTS) {
            let Some(step) = revocation(&line, name, *has_refresh, alone) else { continue };
            let client = self.client_secret(&registered).await?;
            let secrets = StoredSecrets::of_grant(&view, parts, client);
            match line.run(step, &secrets, DEADLINE).await {
                Ok(_) => {}
                // A definite no: the provider does not know these tokens.
                Err(Halt::Provider(failure)) if !failure.is_transient() => {}
                Err(halt) => return Err(line.error(halt)),
            }
        }
        if self.has_settled(grant, &body).await? {
            // A process that seemed dead connected them in the meantime.
            self.doubt(&body.connection).await;
        }
        let outcome = if alone { "left_to_expire" } else { "revoked" };
        self.drop_grant(grant, outcome).await.map(|_| ())
    }

    /// Tokens may have been revoked after they were connected: only the provider knows.
    pub(crate) async fn doubt(&self, connection: &ConnectionRef) {
        let asked = match self.find_connection(connection).await {
            Ok(Some(found)) => self.ask_whether_it_lives(&found).await.map(|_| ()),
            found => found.map(|_| ()),
        };
        if let Err(error) = asked {
            // Its first use finds out.
            tracing::warn!(kind = ?error.kind(), "whether a late connection lives is not known");
        }
    }

    /// Whose the held tokens are, where the provider says so for the asking.
    async fn whose(&self, line: &Line, view: &View) -> Option<AccountBody> {
        let client = self.client_secret(&line.registered).await.ok()?;
        let secrets = StoredSecrets::of_grant(view, PARTS[0], client);
        let facts = GrantFacts::new(Vec::new());
        let step = line.registered.provider.identity(&line.context(), &facts, None, None);
        let account = line.run(step, &secrets, DEADLINE).await.ok()?;
        Some(AccountBody::of(&account))
    }

    /// Revokes tokens that could not be held: nothing of them is stored, so it is now or never.
    /// Says whether all of them are ended, or left to run out on purpose.
    pub(crate) async fn revoke_unheld(
        &self,
        line: &Line,
        body: &GrantBody,
        issued: &[IssuedCredential],
    ) -> bool {
        let mut ended = true;
        let alone = line.spec.revoke.ends == RevokeEnds::Account
            && match &body.account {
                // A store that fails cannot say whether somebody uses the account.
                Some(account) => self.is_connected(body, account).await.unwrap_or(true),
                None => true,
            };
        let mut line = line.clone();
        if let Some(account) = &body.account {
            line.account = Some(AccountFacts::new(account.id.as_str()));
        }
        for issued in issued {
            let step = revocation(&line, &issued.name, issued.refresh.is_some(), alone);
            let Some(step) = step else {
                tracing::warn!("tokens that could not be held are left to expire");
                continue;
            };
            let revoked = match self.client_secret(&line.registered).await {
                Ok(client) => {
                    line.run(step, &HeldSecrets::of(issued, client), DEADLINE).await.map(|_| ())
                }
                Err(error) => Err(Halt::Local(error)),
            };
            if let Err(halt) = revoked {
                let error = line.error(halt);
                tracing::error!(kind = ?error.kind(), "tokens that could not be held live on");
                ended = false;
            }
        }
        ended
    }

    /// Whether the account of these tokens is connected already, for whomever.
    async fn is_connected(&self, body: &GrantBody, account: &AccountBody) -> Result<bool> {
        for connection in &self.routed(&body.registration, account).await? {
            // The connection of this very grant counts as well: it did not settle, so what is there
            // is an earlier one that was to be renewed. One that is being ended does not: its
            // tokens are revoked as well.
            let found = self.find_connection(connection).await?;
            if found.is_some_and(|found| found.state != ConnectionState::Disconnecting) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn has_settled(&self, grant: Id, body: &GrantBody) -> Result<bool> {
        let Some(found) = self.find_connection(&body.connection).await? else { return Ok(false) };
        for place in 0..found.body.credentials.len() {
            if found.credential(place)?.is_some_and(|credential| credential.grant == Some(grant)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Deletes a grant record; says whether it was there.
    pub(crate) async fn drop_grant(&self, grant: Id, outcome: &'static str) -> Result<bool> {
        let batch = self
            .0
            .vault
            .batch()?
            .delete(Key::new(kind::GRANT, grant), Expect::Present)
            .schedule(Key::new(kind::ORPHAN, grant), None, Due::Never)
            .audit(
                Entry::new("grant.dropped", self.0.clock.now())
                    .with("flow", grant)
                    .with("outcome", outcome),
            );
        match self.0.vault.commit(&TenantId::SYSTEM, batch).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
            done => done.map(|_| true),
        }
    }
}

/// The step that ends a credential's tokens: theirs alone, where others use the account and the
/// provider has one for that.
fn revocation(
    line: &Line,
    name: &CredentialName,
    has_refresh: bool,
    alone: bool,
) -> Option<Box<dyn Step<Revoked>>> {
    let mut facts = CredentialFacts::new(name.clone(), Vec::new());
    if has_refresh {
        facts = facts.with_refresh(None);
    }
    let (provider, cx) = (&line.registered.provider, line.context());
    if alone { provider.revoke_alone(&cx, &facts) } else { Some(provider.revoke(&cx, &facts)) }
}
