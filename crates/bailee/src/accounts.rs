//! Where requests and connections meet: neither half knows the other.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    sync::Arc,
    sync::OnceLock,
    time::Duration,
};

use async_trait::async_trait;
use bailee_connect::{Duties, OnBehalf, Runtime, Withdrawal};
use bailee_core::{
    Actor, ConnectionId, ConnectionState, DataCategory, Error, ErrorKind, Result, SubjectId,
    TenantId, Timestamp,
};
use bailee_registry::{DataOrigin, Objection};
use bailee_rights::{
    message::Messages,
    request::{Accounts, Rights, Timer, Uses, Word},
    source::{
        Correction, Count, DataSource, FieldFacts, Kept, Remaining, RowSink, SourceFacts,
        SourceRow, Step, Strategy, TableFacts, Value, Whose,
    },
};
use bailee_store::{Kind, Lease};

/// The connections of the engine, for requests.
pub(crate) struct Connected {
    on_behalf: OnBehalf,
    records: ConnectionRecords,
}

impl Connected {
    pub(crate) fn new(on_behalf: OnBehalf) -> Self {
        let records = ConnectionRecords::new(on_behalf.clone());
        Self { on_behalf, records }
    }
}

#[async_trait]
impl Accounts for Connected {
    async fn admit(&self) -> Result<()> {
        self.on_behalf.admit().await
    }

    async fn say(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        by: &Actor,
        word: &Word,
    ) -> Result<()> {
        let on_behalf = &self.on_behalf;
        match word {
            Word::Objected { purpose, integration, grounds } => {
                let objection = Objection {
                    purpose: purpose.clone(),
                    integration: integration.clone(),
                    grounds: grounds
                        .as_ref()
                        .map(|grounds| grounds.expose(bailee_registry::Grounds::new)),
                };
                on_behalf.object(tenant, subject, by, &objection).await
            }
            Word::ObjectionUpheld { purpose, integration } => {
                on_behalf.uphold(tenant, subject, by, purpose, integration.as_ref()).await
            }
            Word::ObjectionOverridden { purpose, integration, grounds } => {
                let integration = integration.as_ref();
                on_behalf
                    .override_objection(tenant, subject, by, purpose, integration, grounds)
                    .await
            }
            Word::ObjectionTakenBack { purpose, integration } => {
                on_behalf.end_objection(tenant, subject, by, purpose, integration.as_ref()).await
            }
            Word::OptedOut => on_behalf.opt_out_of_marketing(tenant, subject, by).await,
            Word::Restricted(ground) => on_behalf.restrict(tenant, subject, by, *ground).await,
            Word::RestrictionEnded { ground, told } => {
                on_behalf.end_restriction(tenant, subject, by, *ground, *told).await
            }
            Word::Withdrawn(uses) => {
                let what = match uses {
                    Uses::Everything => Withdrawal::Everything,
                    Uses::Integration(integration) => Withdrawal::Integration(integration.clone()),
                    Uses::Purpose(purpose) => Withdrawal::Purpose(purpose.clone()),
                    _ => return Err(ErrorKind::Unsupported.into()),
                };
                on_behalf.withdraw(tenant, subject, by, &what).await.map(drop)
            }
            _ => Err(ErrorKind::Unsupported.into()),
        }
    }

    async fn connections(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
    ) -> Result<Vec<ConnectionId>> {
        self.on_behalf.connections_of(tenant, subject).await
    }

    async fn end(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        connections: &BTreeSet<ConnectionId>,
        by: &Actor,
    ) -> Result<()> {
        self.on_behalf.end(tenant, subject, connections, by).await
    }

    async fn how_ended(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        connections: &BTreeSet<ConnectionId>,
        since: Timestamp,
    ) -> Result<BTreeMap<ConnectionId, bool>> {
        self.on_behalf.how_ended(tenant, subject, connections, since).await
    }

    fn records(&self) -> &dyn DataSource {
        &self.records
    }

    fn evidence(&self) -> Vec<Kind> {
        // What a provider asked for, by its own ids: it names nobody.
        vec![Kind::from_static("request")]
    }
}

/// What is kept of a person's connections, for a copy of their data. No token is in it.
struct ConnectionRecords {
    on_behalf: OnBehalf,
    facts: SourceFacts,
}

impl ConnectionRecords {
    fn new(on_behalf: OnBehalf) -> Self {
        let kept = Kept::new(
            "Art. 6(1)(b) GDPR",
            "without it the account could not be used",
            "the account is disconnected",
        );
        let field =
            |name: &str| FieldFacts::new(name, DataCategory::new("account"), DataOrigin::Observed);
        let fields =
            ["provider", "account", "name", "type", "state", "purposes", "scopes", "since"];
        let table = TableFacts::new("connections", "connections", Strategy::Keep(kept));
        let table = fields.into_iter().fold(table, |table, name| table.with_field(field(name)));
        Self { on_behalf, facts: SourceFacts::new("connections", vec![table]) }
    }
}

#[async_trait]
impl DataSource for ConnectionRecords {
    fn facts(&self) -> &SourceFacts {
        &self.facts
    }

    async fn count(&self, _: &Whose) -> Result<Count> {
        Err(ErrorKind::Unsupported.into())
    }

    async fn collect(&self, whose: &Whose, sink: &mut dyn RowSink) -> Result<()> {
        let held = self.on_behalf.connections(whose.tenant(), whose.subject()).await?;
        let text = |text: Option<String>| text.map_or(Value::Null, Value::Text);
        let list = |texts: Vec<String>| Value::Text(texts.join(" "));
        let rows: Vec<SourceRow> = held
            .into_iter()
            .map(|held| {
                let status = held.status;
                let purposes = status.purposes.iter().map(ToString::to_string).collect();
                let scopes = status.scopes.iter().map(ToString::to_string).collect();
                SourceRow {
                    key: status.connection.connection().to_string(),
                    values: vec![
                        Value::Text(status.provider.to_string()),
                        list(held.account),
                        text(status.display),
                        text(status.account_type),
                        Value::Text(word_of(status.state).to_owned()),
                        list(purposes),
                        list(scopes),
                        Value::Text(status.connected_at.to_string()),
                    ],
                }
            })
            .collect();
        match rows.is_empty() {
            true => Ok(()),
            false => sink.take(&self.facts.tables[0], rows).await,
        }
    }

    async fn erase(&self, _: &Whose) -> Result<Step> {
        Err(ErrorKind::Unsupported.into())
    }

    async fn correct(&self, _: &Whose, _: &Correction) -> Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    async fn restrict(&self, _: &Whose, _: bool) -> Result<Step> {
        Err(ErrorKind::Unsupported.into())
    }

    async fn remaining(&self, _: &Whose) -> Result<Remaining> {
        Err(ErrorKind::Unsupported.into())
    }
}

fn word_of(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::Active => "active",
        ConnectionState::Degraded => "degraded",
        ConnectionState::Disconnecting => "disconnecting",
        ConnectionState::Frozen => "frozen",
        ConnectionState::NeedsReconnect(_) => "needs_reconnect",
        _ => "unknown",
    }
}

/// The work of requests, for the worker: the engine is built before the desk that does it. Letters go
/// out by duties of their own, so that a source that takes minutes keeps none of them back.
pub(crate) enum RightsDuties {
    /// What writes to people.
    Letters(Arc<OnceLock<Rights>>),
    /// What works at requests.
    Steps {
        /// Who does it.
        desk: Arc<OnceLock<Rights>>,
        /// Whether what providers ask for begins by itself.
        providers_erase: bool,
    },
}

#[async_trait]
impl Duties for RightsDuties {
    fn tasks(&self) -> Vec<Kind> {
        match self {
            Self::Letters(_) => Messages::tasks().into(),
            Self::Steps { .. } => {
                let mut tasks = Rights::tasks();
                tasks.retain(|task| !Messages::tasks().contains(task));
                tasks
            }
        }
    }

    fn claim(&self) -> Duration {
        match self {
            Self::Letters(_) => LETTER,
            Self::Steps { .. } => Rights::CLAIM,
        }
    }

    fn for_requests(&self) -> Option<Kind> {
        matches!(self, Self::Steps { providers_erase: true, .. }).then_some(Rights::PROVIDER_WORK)
    }

    fn for_children(&self) -> Option<Kind> {
        Some(Rights::CHILD_WORK)
    }

    async fn do_due(&self, lease: &Lease) -> Result<()> {
        let (Self::Letters(desk) | Self::Steps { desk, .. }) = self;
        match desk.get() {
            Some(rights) => rights.do_due(lease).await,
            // A worker exists only once everything is built.
            None => Err(Error::new(ErrorKind::Configuration)),
        }
    }
}

/// How long the sending of a letter may hold its claim: three times what a mail server is given.
const LETTER: Duration = Duration::from_secs(180);

/// The host's runtime, as a timer.
pub(crate) struct RuntimeTimer(pub(crate) Arc<dyn Runtime>);

impl Timer for RuntimeTimer {
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.0.sleep(time)
    }
}
