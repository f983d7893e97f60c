//! Requests where nobody connects accounts: the ledger alone.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use bailee_core::{Actor, ConnectionId, ErrorKind, Result, SubjectId, TenantId, Timestamp};
use bailee_registry::{Change, Choice, Declaration, Grounds, Ledger, Objection, Standing};
use bailee_store::Kind;
use bailee_vault::{Holder, Vault, View};

use super::{Accounts, Uses, Word};
use crate::source::{DataSource, NoRows};

/// What requests need where nobody connects accounts: people's words go to the ledger, and there is
/// nothing to end. A database of another instance is not told from this one's.
#[derive(Clone, Debug)]
pub struct WithoutConnections {
    vault: Vault,
    declaration: Declaration,
    ledger: Ledger,
    none: NoRows,
}

impl WithoutConnections {
    /// Over the vault of the desk, for what is declared.
    pub fn new(vault: Vault, declaration: Declaration) -> Self {
        let ledger = Ledger::new(vault.clone());
        Self { vault, declaration, ledger, none: NoRows::new("connections") }
    }

    /// What a word changes; nothing where it stands already.
    async fn change(
        &self,
        tenant: &TenantId,
        view: &View,
        by: &Actor,
        word: &Word,
    ) -> Result<Option<Change>> {
        let ledger = &self.ledger;
        let standing = Standing::read(&view.standing()?)?;
        let grounds = standing.restriction().map(|restriction| &restriction.grounds);
        Ok(Some(match word {
            Word::Objected { purpose, integration, grounds } => {
                let objection = Objection {
                    purpose: purpose.clone(),
                    integration: integration.clone(),
                    grounds: grounds.as_ref().map(|grounds| grounds.expose(Grounds::new)),
                };
                ledger.object(tenant, view, objection, by).await?
            }
            Word::ObjectionUpheld { purpose, integration } => {
                ledger.uphold(tenant, view, purpose, integration.as_ref(), by).await?
            }
            Word::ObjectionOverridden { purpose, integration, grounds } => {
                let purpose = self.declaration.purpose(purpose).ok_or(ErrorKind::Denied)?;
                let grounds = grounds.expose(Grounds::new);
                let integration = integration.as_ref();
                ledger.override_objection(tenant, view, purpose, integration, grounds, by).await?
            }
            Word::ObjectionTakenBack { purpose, integration } => {
                let (purpose, integration) = (purpose.clone(), integration.clone());
                let made = standing
                    .objections()
                    .any(|(of, through, _)| of == purpose && through == integration.as_ref());
                if !made {
                    return Ok(None);
                }
                let choice = Choice::ObjectionEnded { purpose, integration };
                ledger.record(tenant, view, choice, by).await?
            }
            Word::OptedOut if standing.objects_to_marketing() => return Ok(None),
            Word::OptedOut => {
                ledger.record(tenant, view, Choice::MarketingObjectionMade, by).await?
            }
            Word::Restricted(ground) if grounds.is_some_and(|all| all.contains(ground)) => {
                return Ok(None);
            }
            Word::Restricted(ground) => {
                let choice = Choice::RestrictionBegun { ground: *ground };
                ledger.record(tenant, view, choice, by).await?
            }
            Word::RestrictionEnded { ground, .. }
                if !grounds.is_some_and(|all| all.contains(ground)) =>
            {
                return Ok(None);
            }
            Word::RestrictionEnded { ground, told } => {
                let (ground, told) = (Some(*ground), *told);
                ledger.record(tenant, view, Choice::RestrictionEnded { ground, told }, by).await?
            }
            Word::Withdrawn(Uses::Everything) => {
                ledger.withdraw_everything(tenant, view, by).await?
            }
            Word::Withdrawn(Uses::Integration(integration)) => {
                ledger.withdraw_all(tenant, view, integration, by).await?
            }
            Word::Withdrawn(Uses::Purpose(purpose)) => {
                ledger.withdraw_everywhere(tenant, view, purpose, by).await?
            }
        }))
    }
}

#[async_trait]
impl Accounts for WithoutConnections {
    async fn admit(&self) -> Result<()> {
        Ok(())
    }

    async fn say(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        by: &Actor,
        word: &Word,
    ) -> Result<()> {
        for _ in 0..8 {
            let view = self.vault.read(tenant, Holder::Subject(subject), &[]).await?;
            let change = self.change(tenant, &view, by, word).await?;
            let Some(change) = change.filter(|change| !change.ops.is_empty()) else {
                return Ok(());
            };
            match self.vault.commit(tenant, change.add_to(self.vault.batch()?)).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| ()),
            }
        }
        Err(ErrorKind::Conflict.into())
    }

    async fn connections(&self, _: &TenantId, _: SubjectId) -> Result<Vec<ConnectionId>> {
        Ok(Vec::new())
    }

    async fn end(
        &self,
        _: &TenantId,
        _: SubjectId,
        _: &BTreeSet<ConnectionId>,
        _: &Actor,
    ) -> Result<()> {
        Ok(())
    }

    async fn how_ended(
        &self,
        _: &TenantId,
        _: SubjectId,
        _: &BTreeSet<ConnectionId>,
        _: Timestamp,
    ) -> Result<BTreeMap<ConnectionId, bool>> {
        Ok(BTreeMap::new())
    }

    fn records(&self) -> &dyn DataSource {
        &self.none
    }

    fn evidence(&self) -> Vec<Kind> {
        Vec::new()
    }
}
