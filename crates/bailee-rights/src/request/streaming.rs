//! A copy straight into an answer, where nothing of it is kept.

use bailee_core::{Actor, Error, ErrorKind, Id, Result, Timestamp, Visitor};

use super::{Ask, Right, desk::Rights, own::OwnRecords};
use crate::{
    package::{ByteSink, Closing, Order, Streamed, stream},
    source::{DataSource, Whose},
};

impl Rights {
    /// Gives a person whom the host authenticated, and who was signed in at `authenticated`, a copy of
    /// their own data directly: a download in the application, by [`Ask::Access`] or
    /// [`Ask::Portability`]. It is the file that a request makes, over every tenant that
    /// [`Access::tenants`](bailee_core::Access::tenants) names, and needs no spool.
    ///
    /// It is no request: no clock starts, no letter is written, and nothing of it can be fetched again.
    /// What is kept are two entries of the log, when it began and when it was whole. It takes as long as
    /// the sources and the sink do; whoever drops it ends it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for anything else that is asked, [`ErrorKind::Unsupported`] for a key
    /// of the person's own, [`ErrorKind::Denied`] where the sign-in is too old to show who they are,
    /// [`ErrorKind::NotFound`] for somebody of whom nothing is known; what the host, the sources, the
    /// sink, the store and the vault say. What was given before an error is no ZIP file: an answer of
    /// HTTP has to break off.
    pub async fn stream(
        &self,
        visitor: &Visitor,
        authenticated: Timestamp,
        ask: Ask,
        sink: &mut dyn ByteSink,
    ) -> Result<Streamed> {
        let (right, export) = match &ask {
            Ask::Access(export) => (Right::Access, export),
            Ask::Portability(export) => (Right::Portability, export),
            _ => return Err(ErrorKind::InvalidInput.into()),
        };
        if export.recipient.is_some() {
            return Err(Error::new(ErrorKind::Unsupported)
                .with_detail("what is streamed is not encrypted to a key of a person's own"));
        }
        let now = self.now();
        if authenticated > now || now.since(authenticated) > self.0.session {
            return Err(Error::new(ErrorKind::Denied)
                .with_detail("an older sign-in does not show who the person is"));
        }
        self.0.accounts.admit().await?;
        let (tenant, person) = (visitor.tenant(), visitor.person());
        if tenant.is_system() {
            return Err(ErrorKind::Denied.into());
        }
        let vault = self.vault();
        let mut people = Vec::new();
        for tenant in self.tenants_of(tenant, person).await? {
            if let Some(subject) = vault.subject(&tenant, person).await? {
                people.push(self.whose_now(&tenant, person, subject).await?);
            }
        }
        let home = people.iter().find(|whose| whose.tenant() == tenant);
        let subject = home.ok_or(ErrorKind::NotFound)?.subject();

        let id = Id::generate(&**vault.random())?;
        let order = Order::new(tenant.clone(), subject, id, right, now);
        let order = if export.csv { order } else { order.without_csv() };
        let (catalogue, information) = self.information(visitor.locale());
        let regime = &self.0.at.regime().name;
        let closing = Closing::new(&self.0.declaration, &catalogue, &information, regime, now);
        let own = OwnRecords::new(self);
        let mut sources: Vec<(&dyn DataSource, &Whose)> = Vec::new();
        for whose in &people {
            sources.extend(self.0.sources.iter().map(|source| (&**source as _, whose)));
            if right == Right::Access {
                sources.push((&own, whose));
                let accounts = self.0.accounts.records();
                if !accounts.facts().tables.is_empty() {
                    sources.push((accounts, whose));
                }
            }
        }
        let entry = |event| {
            self.entry(event, id)
                .about(subject)
                .by(&Actor::Subject { subject })
                .with("right", right.as_str())
        };
        let begun = vault.batch()?.audit(entry("rights.stream_begun"));
        vault.commit(tenant, begun).await?;
        let streamed = stream(&order, &closing, &sources, sink).await?;
        let rows = i64::try_from(streamed.rows).unwrap_or(i64::MAX);
        let ended = vault.batch()?.audit(entry("rights.streamed").with("rows", rows));
        vault.commit(tenant, ended).await?;
        Ok(streamed)
    }
}
