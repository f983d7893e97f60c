//! Statements that complete data (Art. 16 GDPR, second sentence): beside the row where the host's
//! source has a place for them, and in every case kept here, sealed under the person's key.

use std::fmt;

use bailee_core::{Error, ErrorKind, Id, Result, SubjectId, TenantId, Timestamp};
use bailee_store::{Key, Query};
use bailee_vault::{Draft, Holder};
use serde::{Deserialize, Serialize};

use super::{
    OperatorRights,
    body::{PartBody, SCHEMA, SourceBody, decode},
    desk::Rights,
    kind,
    part::fault,
    within::{STEP, within},
};
use crate::source::Supplement;

/// What a person says beside data that is incomplete.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statement {
    /// In which source.
    pub source: String,
    /// In which table.
    pub table: String,
    /// Beside which row, by the key that a collection gave it.
    pub key: String,
    /// What they say.
    pub text: String,
}

/// A statement that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptStatement {
    /// Since when it is kept.
    pub at: Timestamp,
    /// It.
    pub statement: Statement,
    /// Whether the source has it beside the row. Where it has not, whoever uses the row reads it here.
    pub beside: bool,
}

/// A statement in a record that is sealed under the person's key.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct StatementBody {
    pub(super) source: String,
    pub(super) table: String,
    pub(super) key: String,
    pub(super) text: String,
}

/// `rights.statement`: what was accepted of one request in one tenant.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptBody {
    pub(super) at: Timestamp,
    pub(super) statements: Vec<(StatementBody, bool)>,
}

impl Statement {
    /// A statement beside a row.
    pub fn new(
        source: impl Into<String>,
        table: impl Into<String>,
        key: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        let (source, table, key, text) = (source.into(), table.into(), key.into(), text.into());
        Self { source, table, key, text }
    }

    pub(super) fn check(&self) -> Result<()> {
        let control = |c: char| c.is_control() && c != '\n';
        if self.text.trim().is_empty() || self.text.chars().any(control) {
            return Err(Error::new(ErrorKind::InvalidInput)
                .with_detail("a statement is plain text that says something"));
        }
        if self.text.len() > LONGEST {
            return Err(Error::new(ErrorKind::TooLarge).with_detail("a statement is too long"));
        }
        Ok(())
    }
}

impl OperatorRights {
    /// The statements of a person that are kept in a tenant: to be looked at by whoever decides
    /// something by the rows that they complete.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`], [`ErrorKind::Shredded`], and what the store and the vault say.
    pub async fn statements(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
    ) -> Result<Vec<KeptStatement>> {
        self.rights().statements(tenant, subject).await
    }
}

impl Rights {
    pub(super) async fn statements(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
    ) -> Result<Vec<KeptStatement>> {
        let (vault, holder) = (self.vault(), Holder::Subject(subject));
        vault.read(tenant, holder, &[]).await?;
        let mut query = Query::of_kind(kind::STATEMENT).subject(subject);
        let mut all = Vec::new();
        loop {
            let page = vault.store().find(tenant, &query).await?;
            for record in &page.records {
                let kept: KeptBody = decode(&vault.open(tenant, holder, record).await?.facts()?)?;
                all.extend(kept.statements.into_iter().map(|(body, beside)| {
                    let StatementBody { source, table, key, text } = body;
                    let statement = Statement { source, table, key, text };
                    KeptStatement { at: kept.at, statement, beside }
                }));
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => break,
            }
        }
        all.sort_by_key(|kept| kept.at);
        Ok(all)
    }

    /// Puts what the person says beside their rows, and keeps it. A source that does not answer is
    /// asked again; what it has no place for is kept here alone.
    pub(super) async fn supplement(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        part: &mut PartBody,
    ) -> Result<bool> {
        let asked = self.asked(&part.home, id).await?;
        let whose = self.whose(tenant, subject, id).await?;
        let inner = &*self.0;
        part.put_right_again();
        let mut kept = Vec::new();
        for (place, statement) in (0_u32..).zip(asked.statements) {
            if part.sources.iter().all(|body| body.name != statement.source) {
                part.sources.push(SourceBody { done: true, ..SourceBody::new(&statement.source) });
            }
            let body = part.sources.iter_mut().find(|body| body.name == statement.source);
            let body = body.ok_or_else(|| Error::new(ErrorKind::HostFailed))?;
            let Some(source) = inner.sources.source(&statement.source) else {
                body.fault = Some("unknown_source".into());
                body.done = false;
                continue;
            };
            let supplement = Supplement {
                table: statement.table.clone(),
                key: statement.key.clone(),
                text: statement.text.clone(),
            };
            let beside = within(&*inner.timer, STEP, source.supplement(&whose, &supplement)).await;
            match beside.as_ref().map_err(Error::kind) {
                // The row lies in another tenant of the person, whose part finds it.
                Err(ErrorKind::NotFound) => continue,
                // There is no place for it, nor a word on whose row it is: it is kept where it was said.
                Err(ErrorKind::Unsupported) if *tenant != part.home => continue,
                Ok(()) | Err(ErrorKind::Unsupported) => {
                    let table = body.tables.entry(statement.table.clone()).or_default();
                    table.done = table.done.saturating_add(1);
                    part.put_right.push(place);
                    kept.push((statement, beside.is_ok()));
                }
                Err(_) => {
                    body.fault = beside.err().as_ref().map(fault);
                    body.done = false;
                }
            }
        }
        if part.sources.iter().any(|source| !source.done) {
            return Ok(false);
        }
        if !kept.is_empty() {
            self.keep_statements(tenant, subject, id, kept).await?;
        }
        Ok(true)
    }

    async fn keep_statements(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        statements: Vec<(StatementBody, bool)>,
    ) -> Result<()> {
        let (vault, holder) = (self.vault(), Holder::Subject(subject));
        let key = Key::new(kind::STATEMENT, id);
        let view = vault.read(tenant, holder, std::slice::from_ref(&key)).await?;
        let count = i64::try_from(statements.len()).unwrap_or(i64::MAX);
        let kept = KeptBody { at: self.now(), statements };
        let draft = Draft::new(key, holder).json(SCHEMA, &kept)?;
        let entry = self.entry("rights.statements_kept", id).about(subject).with("count", count);
        let batch = vault
            .batch()?
            .op(view.fence()?)
            .op(vault.put(tenant, draft, view.record(0)).await?)
            .audit(entry);
        vault.commit(tenant, batch).await.map(|_| ())
    }
}

impl fmt::Debug for Statement {
    /// Without what they say.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statement").field("table", &self.table).finish_non_exhaustive()
    }
}

/// The longest statement, in bytes.
const LONGEST: usize = 4 * 1024;
