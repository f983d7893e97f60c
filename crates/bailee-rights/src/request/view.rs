//! What can be known of a request.

use std::collections::BTreeMap;

use bailee_core::{Actor, Id, RecipientId, Result, SubjectId, TenantId, Timestamp};
use bailee_registry::RestrictionGround;
use serde::{Deserialize, Serialize};

use super::{
    AfterReturn, Channel, Ended, Reason, Right, State, Uses,
    body::{
        IdentityBody, LiftingBody, MatterBody, OutcomeBody, PartBody, RecipientBody, RequestBody,
        Stage,
    },
    desk::Rights,
};
use crate::clock::{Reading, RequestClock};

/// A request, without anything that says who the person is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// Its id.
    pub id: Id,
    /// The tenant in which it was made.
    pub tenant: TenantId,
    /// Whose data it is about.
    pub subject: SubjectId,
    /// What is asked for.
    pub right: Right,
    /// Where it stands.
    pub state: State,
    /// By which way it came.
    pub channel: Channel,
    /// Who brought it.
    pub by: Actor,
    /// Its clock: the receipt, where it stood still, how far it was extended.
    pub clock: RequestClock,
    /// What the clock shows.
    pub reading: Reading,
    /// The version of the declaration that held when it came.
    pub version: [u8; 32],
    /// The law that it is answered under.
    pub regime: String,
    /// How it was established that the person asks.
    pub identity: Option<Identified>,
    /// Until when the person can take an erasure back.
    pub grace_until: Option<Timestamp>,
    /// On which ground data is restricted, for a restriction.
    pub ground: Option<RestrictionGround>,
    /// What is taken back, for a withdrawal.
    pub uses: Option<Uses>,
    /// What was refused, with the reason.
    pub refused: Vec<Refused>,
    /// What is done in each tenant.
    pub parts: Vec<Part>,
    /// Who received the data, and whether they know (Art. 19 GDPR).
    pub recipients: BTreeMap<RecipientId, RecipientState>,
    /// When it was closed, and how it ended.
    pub closed: Option<(Timestamp, Outcome)>,
    /// How far the end of what it restricted is.
    pub lifting: Option<Lifting>,
}

/// How far the end of a restriction is (Art. 18(3) GDPR).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lifting {
    /// Since when it is to end.
    pub since: Timestamp,
    /// When the person was told. As long as they were not, nothing ends unless they end it themselves.
    pub told: Option<Timestamp>,
    /// When it was over.
    pub over: Option<Timestamp>,
}

/// How it was established that the person asks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identified {
    /// When.
    pub at: Timestamp,
    /// How.
    pub how: IdentifiedBy,
    /// Which operator attested it.
    pub operator: Option<Id>,
    /// Which request of the provider shows it.
    pub ask: Option<Id>,
}

/// How it can be established that the person asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IdentifiedBy {
    /// An operator saw it.
    Attested,
    /// They had the code that was sent to their address.
    Code,
    /// Nobody asked, and nobody has to show anything.
    Declared,
    /// A provider proved that it speaks for the account.
    Provider,
    /// They were signed in, not long ago.
    Session,
}

impl IdentifiedBy {
    /// The word that receipts and the log use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attested => "attested",
            Self::Code => "code",
            Self::Declared => "declared",
            Self::Provider => "provider",
            Self::Session => "session",
        }
    }
}

/// That something of a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// Which set of data; `None` for the whole request.
    pub set: Option<String>,
    /// Which of the values that the person says are wrong, by its place in what was asked for.
    pub value: Option<usize>,
    /// Why.
    pub reason: Reason,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
}

/// What is done for a request in one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// The tenant.
    pub tenant: TenantId,
    /// Who the person is there.
    pub subject: SubjectId,
    /// How far it is.
    pub stage: PartStage,
    /// What became of the connections, for an erasure.
    pub connections: Option<Ended>,
    /// Each source, in the order in which they are asked.
    pub sources: Vec<SourceStanding>,
    /// How many records of these libraries were erased.
    pub own_records: u64,
    /// The sets that are held, with why and until when.
    pub held: BTreeMap<String, (Reason, Timestamp)>,
    /// Why it cannot go on by itself, as a word: what a person has to put right. It is tried again.
    pub fault: Option<String>,
    /// What goes of a person who came back before a hold was over, as an operator said.
    pub after_return: Option<AfterReturn>,
}

/// How far a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PartStage {
    /// It was not begun.
    Waiting,
    /// It is being done.
    Working,
    /// It is done, and a second look found nothing left. What destroys waits for the other tenants.
    Cleared,
    /// It is done but for what is held.
    Held,
    /// A hold is over, and the person came back meanwhile. It waits for an operator.
    Returned,
    /// The last of it is being destroyed.
    Ending,
    /// It is over.
    Done,
}

/// How far a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceStanding {
    /// The source.
    pub source: String,
    /// Whether it has done what it should.
    pub done: bool,
    /// Why it gave no good answer the last time, as a word. It is asked again.
    pub fault: Option<String>,
    /// How many rows it handed out.
    pub rows: u64,
    /// Its tables, with how many rows were done, are left, are kept by law.
    pub tables: BTreeMap<String, TableStanding>,
}

/// What was done with the rows of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableStanding {
    /// How many were erased, put right, marked or handed out.
    pub done: u64,
    /// How many are left that should not be.
    pub left: u64,
    /// How many a law keeps.
    pub kept: u64,
}

/// Whether a recipient knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecipientState {
    /// The connection through which they had it was ended at them.
    Ended(Timestamp),
    /// They cannot be told, or only with disproportionate effort.
    Impossible(Timestamp),
    /// They were told.
    Told(Timestamp),
    /// Nobody told them yet, and the request waits for that.
    Untold,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The person took it back.
    Cancelled,
    /// It was done.
    Done,
    /// It was done but for what the parts and refusals name.
    Partial,
    /// It was refused.
    Refused,
}

impl Outcome {
    /// The word that receipts and the log use.
    pub fn as_str(self) -> &'static str {
        OutcomeBody::from(self).as_str()
    }
}

impl Rights {
    /// A request as it stands.
    pub(super) async fn view(&self, tenant: &TenantId, id: Id) -> Result<Request> {
        let (_, body) = self.read_request(tenant, id).await?;
        self.view_of(tenant, id, body).await
    }

    pub(super) async fn view_of(
        &self,
        tenant: &TenantId,
        id: Id,
        body: RequestBody,
    ) -> Result<Request> {
        let mut parts = Vec::with_capacity(body.places.len());
        for (tenant, subject) in &body.places {
            let part = match self.read_part(tenant, id).await {
                Err(error) if error.kind() == bailee_core::ErrorKind::NotFound => None,
                found => Some(found?.1),
            };
            parts.push(Part::of(tenant.clone(), *subject, part));
        }
        let reading = body.clock.read(&self.0.at)?;
        let subject = body.places.first().map(|(_, subject)| *subject);
        let subject = subject.ok_or(bailee_core::ErrorKind::Unopenable)?;
        let (mut ground, mut uses) = (None, None);
        match body.matter {
            MatterBody::Restriction { ground: named } => ground = Some(named),
            MatterBody::Withdrawal { uses: named } => uses = Some(named),
            _ => {}
        }
        Ok(Request {
            id,
            tenant: tenant.clone(),
            subject,
            right: body.right,
            state: body.state,
            channel: body.channel,
            by: body.by,
            clock: body.clock,
            reading,
            version: body.version,
            regime: body.regime,
            identity: body.identity.map(|IdentityBody { at, how, operator, ask }| Identified {
                at,
                how,
                operator,
                ask,
            }),
            grace_until: body.grace_until,
            ground,
            uses,
            refused: body
                .refused
                .into_iter()
                .map(|refused| Refused {
                    set: refused.set,
                    value: refused.value.map(|place| place as usize),
                    reason: refused.reason,
                    at: refused.at,
                    by: refused.by,
                })
                .collect(),
            parts,
            recipients: body
                .recipients
                .into_iter()
                .map(|(recipient, state)| (recipient, state.into()))
                .collect(),
            closed: body.closed.map(|(at, outcome)| (at, outcome.into())),
            lifting: body.lifting.map(|LiftingBody { since, told, over, .. }| Lifting {
                since,
                told,
                over,
            }),
        })
    }
}

impl Part {
    fn of(tenant: TenantId, subject: SubjectId, body: Option<PartBody>) -> Self {
        let Some(body) = body else {
            return Self {
                tenant,
                subject,
                stage: PartStage::Waiting,
                connections: None,
                sources: Vec::new(),
                own_records: 0,
                held: BTreeMap::new(),
                fault: None,
                after_return: None,
            };
        };
        let sources = body.sources.into_iter().map(|source| SourceStanding {
            source: source.name,
            done: source.done,
            fault: source.fault,
            rows: source.rows,
            tables: source
                .tables
                .into_iter()
                .map(|(name, table)| {
                    let (done, left, kept) = (table.done, table.left, table.kept);
                    (name, TableStanding { done, left, kept })
                })
                .collect(),
        });
        Self {
            tenant,
            subject,
            stage: body.stage.into(),
            connections: body.ended,
            sources: sources.collect(),
            own_records: body.own,
            held: body
                .held
                .into_iter()
                .map(|(set, (_, reason, until))| (set, (reason, until)))
                .collect(),
            fault: body.fault,
            after_return: body.after,
        }
    }
}

impl From<Stage> for PartStage {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Working => Self::Working,
            Stage::Cleared => Self::Cleared,
            Stage::Held => Self::Held,
            Stage::Returned => Self::Returned,
            Stage::Ending => Self::Ending,
            Stage::Done => Self::Done,
        }
    }
}

impl From<RecipientBody> for RecipientState {
    fn from(body: RecipientBody) -> Self {
        match body {
            RecipientBody::Untold => Self::Untold,
            RecipientBody::Told(at) => Self::Told(at),
            RecipientBody::Impossible(at) => Self::Impossible(at),
            RecipientBody::Ended(at) => Self::Ended(at),
        }
    }
}

impl From<OutcomeBody> for Outcome {
    fn from(body: OutcomeBody) -> Self {
        match body {
            OutcomeBody::Cancelled => Self::Cancelled,
            OutcomeBody::Done => Self::Done,
            OutcomeBody::Partial => Self::Partial,
            OutcomeBody::Refused => Self::Refused,
        }
    }
}

impl From<Outcome> for OutcomeBody {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Cancelled => Self::Cancelled,
            Outcome::Done => Self::Done,
            Outcome::Partial => Self::Partial,
            Outcome::Refused => Self::Refused,
        }
    }
}
