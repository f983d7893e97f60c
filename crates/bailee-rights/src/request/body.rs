//! What the records of requests hold, as JSON behind a schema number.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{
    Actor, ConnectionId, Error, ErrorKind, HostId, Id, Locale, ProviderId, PurposeId, RecipientId,
    Result, SubjectId, TenantId, Timestamp,
};
use bailee_registry::RestrictionGround;
use bailee_vault::Facts;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::statement::StatementBody;
use super::{AfterReturn, Channel, Ended, Export, IdentifiedBy, Reason, Right, State, Uses};
use crate::{
    clock::RequestClock,
    package::{PartlyClosed, Segment},
};

/// The schema that this release writes.
pub(super) const SCHEMA: u16 = 1;

/// `rights.request`: nothing in it says who the person is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RequestBody {
    pub(super) right: Right,
    pub(super) matter: MatterBody,
    pub(super) channel: Channel,
    pub(super) by: Actor,
    pub(super) clock: RequestClock,
    /// The version of the declaration that held when it came.
    #[serde(with = "crate::hex")]
    pub(super) version: [u8; 32],
    /// The law of the clock.
    pub(super) regime: String,
    /// In which tenants the person has data, with who they are there.
    pub(super) places: Vec<(TenantId, SubjectId)>,
    pub(super) state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) identity: Option<IdentityBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) grace_until: Option<Timestamp>,
    /// Whether the gate goes by the person's word already.
    #[serde(default)]
    pub(super) said: bool,
    /// Whether an operator let it go on, and who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) decided: Option<(Timestamp, Actor)>,
    /// What was refused: everything (no set), or a set of data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) refused: Vec<RefusedBody>,
    /// Who was told (Art. 19 GDPR).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) recipients: BTreeMap<RecipientId, RecipientBody>,
    /// What an operator said of somebody who came back, by the place; until its part knows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) weighed: BTreeMap<u32, AfterReturn>,
    /// How often it was looked in vain at what it waits for.
    #[serde(default)]
    pub(super) looks: u32,
    /// How far the end of its package is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) packing: Option<PartlyClosed>,
    /// The reservation that keeps a second one away.
    pub(super) open: Id,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) closed: Option<(Timestamp, OutcomeBody)>,
    /// Who closed it, where it was not its own work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) closed_by: Option<Actor>,
    /// That a restriction ends, once the person was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lifting: Option<LiftingBody>,
}

/// How far the end of a restriction is (Art. 18(3) GDPR).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LiftingBody {
    /// On which ground it rested.
    pub(super) ground: RestrictionGround,
    /// Whose word it is. Who ends it themselves is told nothing.
    pub(super) by: Actor,
    pub(super) since: Timestamp,
    /// The letter that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) letter: Option<Id>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) told: Option<Timestamp>,
    /// From when on it may end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) due: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) over: Option<Timestamp>,
    /// How often it was looked, or a source was asked, in vain.
    #[serde(default)]
    pub(super) looks: u32,
}

/// What is asked, without what names a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "matter", rename_all = "snake_case")]
pub(super) enum MatterBody {
    /// Nothing more has to be said.
    Plain,
    Restriction {
        ground: RestrictionGround,
    },
    Objection {
        purpose: PurposeId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        integration: Option<ProviderId>,
    },
    Withdrawal {
        uses: Uses,
    },
    Copy {
        csv: bool,
    },
    Amendments {
        count: u32,
    },
    Statements {
        count: u32,
    },
}

/// How it was established that the person asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IdentityBody {
    pub(super) at: Timestamp,
    pub(super) how: IdentifiedBy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) operator: Option<Id>,
    /// The request of the provider that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ask: Option<Id>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RefusedBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) set: Option<String>,
    /// Which of the values that the person says are wrong, by its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<u32>,
    pub(super) reason: Reason,
    pub(super) at: Timestamp,
    pub(super) by: Actor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RecipientBody {
    /// Nobody told them yet.
    Untold,
    /// They were told.
    Told(Timestamp),
    /// They cannot be told, or only with disproportionate effort.
    Impossible(Timestamp),
    /// The connection through which they had it was ended at them.
    Ended(Timestamp),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OutcomeBody {
    Cancelled,
    Done,
    Partial,
    Refused,
}

/// `rights.part`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PartBody {
    pub(super) right: Right,
    /// The tenant of the request.
    pub(super) home: TenantId,
    pub(super) by: Actor,
    pub(super) matter: MatterBody,
    pub(super) stage: Stage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<Ended>,
    /// The connections that are about to end, and since when: written down before, so that whoever
    /// dies over it has not taken the count along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ending: Option<(Timestamp, BTreeSet<ConnectionId>)>,
    pub(super) sources: Vec<SourceBody>,
    /// How many records of these libraries were erased.
    #[serde(default)]
    pub(super) own: u64,
    /// The sets that a hold keeps, with the hold.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) held: BTreeMap<String, (Id, Reason, Timestamp)>,
    /// When everything was gone but what is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) clear_at: Option<Timestamp>,
    /// The sets that were held, and whose hold is over since.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) released: BTreeSet<String>,
    /// What goes of a person who came back before a hold was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<AfterReturn>,
    /// Whether it was said at the gate that nothing is used any more.
    #[serde(default)]
    pub(super) said: bool,
    /// What was collected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) segments: Vec<Segment>,
    /// Which of the values that the person says are wrong were put right here, by their places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) put_right: Vec<u32>,
    /// Why it cannot go on by itself, whatever its sources say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fault: Option<String>,
    /// How often a step failed since one did not.
    #[serde(default)]
    pub(super) failed: u32,
}

/// How far a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// It does what it does.
    Working,
    /// It has done it, and a second look found nothing.
    Cleared,
    /// It has done it but for what is held.
    Held,
    /// A hold is over, and the person came back: it waits for an operator.
    Returned,
    /// The request let it destroy what is left.
    Ending,
    /// It is over.
    Done,
}

/// How far a source is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SourceBody {
    pub(super) name: String,
    pub(super) done: bool,
    /// Whether it was asked how much there is.
    #[serde(default)]
    pub(super) found: bool,
    /// Why it gave no answer the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fault: Option<String>,
    /// How many rows it handed out.
    #[serde(default)]
    pub(super) rows: u64,
    /// Rows of each table.
    #[serde(default)]
    pub(super) tables: BTreeMap<String, TableBody>,
}

/// What was done with the rows of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TableBody {
    /// How many had something that should go when it began.
    #[serde(default)]
    pub(super) found: u64,
    /// How many were erased, corrected, marked or handed out.
    pub(super) done: u64,
    /// How many are left that should not be, as the last look says.
    #[serde(default)]
    pub(super) left: u64,
    /// How many a law keeps.
    #[serde(default)]
    pub(super) kept: u64,
}

/// `rights.asked`: sealed under the person's key.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct AskedBody {
    /// The language that the person reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) locale: Option<Locale>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) words: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) amendments: Vec<AmendmentBody>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) statements: Vec<StatementBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) export: Option<Export>,
    /// On which grounds an objection is overridden, until the ledger has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) overridden_on: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct AmendmentBody {
    pub(super) source: String,
    pub(super) table: String,
    pub(super) key: String,
    pub(super) field: String,
    pub(super) value: ValueBody,
    /// `None` until an operator decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) accepted: Option<bool>,
}

/// A value of a row.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ValueBody {
    Bool(bool),
    Bytes(Vec<u8>),
    Integer(i64),
    Json(String),
    Null,
    Real(f64),
    Text(String),
}

/// `rights.known`: what the person is known by, as the host said when it began.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct KnownBody {
    pub(super) identifiers: BTreeMap<String, Vec<HostId>>,
}

/// Reads facts that this release or one before it wrote.
pub(super) fn decode<T: DeserializeOwned>(facts: &Facts) -> Result<T> {
    if facts.schema() > SCHEMA {
        return Err(Error::new(ErrorKind::UnknownSchema));
    }
    facts.json()
}

impl PartBody {
    /// A part that nothing was done for yet.
    pub(super) fn new(
        right: Right,
        home: TenantId,
        by: Actor,
        matter: MatterBody,
        sources: Vec<SourceBody>,
    ) -> Self {
        Self {
            right,
            home,
            by,
            matter,
            stage: Stage::Working,
            ended: None,
            ending: None,
            sources,
            own: 0,
            held: BTreeMap::new(),
            clear_at: None,
            released: BTreeSet::new(),
            after: None,
            said: false,
            segments: Vec::new(),
            put_right: Vec::new(),
            fault: None,
            failed: 0,
        }
    }

    /// Forgets what was put right so far: every value is brought to its source again.
    pub(super) fn put_right_again(&mut self) {
        for source in &mut self.sources {
            source.fault = None;
            source.tables.values_mut().for_each(|table| table.done = 0);
            source.done = true;
        }
        self.put_right.clear();
    }

    /// Has its sources gone through again from the first look on.
    pub(super) fn begin_again(&mut self) {
        self.stage = Stage::Working;
        for source in &mut self.sources {
            source.done = false;
            source.found = false;
        }
    }
}

impl Stage {
    /// Whether it is done but for what is held, or was.
    pub(super) fn is_held(self) -> bool {
        matches!(self, Self::Held | Self::Returned)
    }
}
