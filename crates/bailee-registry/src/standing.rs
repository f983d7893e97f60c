//! A person's standing: their choices, folded, as every gated use reads them.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{Error, ErrorKind, ProviderId, PurposeId, Remedy, Result, Timestamp};
use bailee_vault::Facts;
use serde::{Deserialize, Serialize};

use crate::{Choice, ConsentRecord, Decision, Denial, LegalBasis, Purpose, hex};

/// What a person has chosen, folded from the ledger: consents, objections, restriction, age.
///
/// It lies in the person's `subject` record, because every gated use reads that record anyway, and
/// is written in the same commit as the ledger's entry. It is JSON behind a schema number. A newer
/// release may add fields; what would make an older one allow too much goes into fields that this
/// one knows, so reading a newer standing is safe. Writing over one is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Standing {
    /// The last word on each purpose, by integration. The host's own processing, which goes
    /// through no integration, stands under `own`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) consents: BTreeMap<Through, BTreeMap<PurposeId, Consent>>,
    /// Purposes that the person objects to, by integration.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) objections: BTreeMap<Through, BTreeSet<PurposeId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) restriction: Option<Restriction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) age: Option<Age>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) erased: Option<Timestamp>,
    /// Whether it was read from a newer schema than this release writes.
    #[serde(skip)]
    newer: bool,
}

/// Through what data is processed: an integration, or the host's own features.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(crate) struct Through(Option<ProviderId>);

/// The last word on one purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Consent {
    /// Whether it stands.
    pub state: ConsentState,
    /// When the person said so.
    pub at: Timestamp,
    /// Under which version of the declaration it was given; none when it never was.
    #[serde(default, with = "hex::maybe", skip_serializing_if = "Option::is_none")]
    pub version: Option<[u8; 32]>,
}

/// Whether a consent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConsentState {
    /// It was given and stands.
    Given,
    /// It was withdrawn.
    Withdrawn,
    /// A state of a newer release: it counts as not given. Serde wants it last.
    #[serde(other)]
    Unknown,
}

/// Processing is restricted to keeping (Art. 18 GDPR).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Restriction {
    /// Since when.
    pub since: Timestamp,
}

/// What is known of a person's age. No date of birth is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Age {
    /// The band.
    pub band: AgeBand,
    /// When it was learnt.
    pub at: Timestamp,
}

/// A band of ages (Art. 8 GDPR).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AgeBand {
    /// Old enough to consent alone.
    Adult,
    /// Under the age of digital consent of their country.
    Child,
    /// Old enough only with a guardian's consent.
    Minor,
    /// Nobody knows, or a band of a newer release.
    #[serde(other)]
    Unknown,
}

impl Standing {
    /// The schema that this release writes.
    pub const SCHEMA: u16 = 1;

    /// Reads the facts of a `subject` record.
    ///
    /// # Errors
    ///
    /// As [`Standing::from_json`].
    pub fn read(facts: &Facts) -> Result<Self> {
        Self::from_json(facts.schema(), facts.bytes())
    }

    /// Reads the JSON of a `subject` record's facts, with the schema that stands beside it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownSchema`] for a newer body that this release cannot read at all;
    /// [`ErrorKind::Unopenable`] for an older one that is none.
    pub fn from_json(schema: u16, json: &[u8]) -> Result<Self> {
        match serde_json::from_slice::<Self>(json) {
            Ok(standing) => Ok(Self { newer: schema > Self::SCHEMA, ..standing }),
            // The parser's error may repeat what it read.
            Err(_) if schema > Self::SCHEMA => Err(ErrorKind::UnknownSchema.into()),
            Err(_) => {
                Err(Error::new(ErrorKind::Unopenable).with_detail("the standing is not readable"))
            }
        }
    }

    /// The JSON to seal, at [`Standing::SCHEMA`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownSchema`] when it was read from a newer schema: writing would lose what
    /// this release does not know.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        if self.newer {
            return Err(Error::new(ErrorKind::UnknownSchema).with_detail(
                "the standing was written by a newer release and is not overwritten",
            ));
        }
        serde_json::to_vec(self).map_err(|_| {
            Error::new(ErrorKind::InvalidInput).with_detail("the standing cannot be written")
        })
    }

    /// Decides whether data may be processed for a purpose through an integration; `None` is the
    /// host's own processing.
    ///
    /// Erasure comes first, then restriction, then objection, then consent where that is the
    /// basis. Scopes, freezes and who acts are for others to look at.
    pub fn decide<'p>(
        &self,
        purpose: &Purpose,
        integration: impl Into<Option<&'p ProviderId>>,
    ) -> Decision {
        let integration = integration.into();
        if self.erased.is_some() {
            return Decision::Denied(Denial::Erased);
        }
        if self.restriction.is_some() {
            return Decision::Denied(Denial::Restricted);
        }
        if self.objects_to(&purpose.id, integration) {
            return Decision::Denied(Denial::Objected);
        }
        if purpose.basis != LegalBasis::Consent {
            return Decision::Allowed;
        }
        match self.consent(&purpose.id, integration) {
            Some(Consent { state: ConsentState::Given, .. }) => Decision::Allowed,
            _ => Decision::Needs(Remedy::AskConsent),
        }
    }

    /// The last word on a purpose through an integration.
    pub fn consent<'p>(
        &self,
        purpose: &PurposeId,
        integration: impl Into<Option<&'p ProviderId>>,
    ) -> Option<&Consent> {
        self.consents.get(&Through(integration.into().cloned()))?.get(purpose)
    }

    /// Every purpose that the person had a word on, with the integration that it goes through.
    pub fn consents(&self) -> impl Iterator<Item = (&PurposeId, Option<&ProviderId>, &Consent)> {
        self.consents.iter().flat_map(|(through, consents)| {
            let integration = through.0.as_ref();
            consents.iter().map(move |(purpose, consent)| (purpose, integration, consent))
        })
    }

    /// Whether the person objects to a purpose. An objection to the host's own processing covers
    /// every integration.
    pub fn objects_to<'p>(
        &self,
        purpose: &PurposeId,
        integration: impl Into<Option<&'p ProviderId>>,
    ) -> bool {
        let integration = integration.into();
        let objects = |through: Option<&ProviderId>| {
            let objections = self.objections.get(&Through(through.cloned()));
            objections.is_some_and(|purposes| purposes.contains(purpose))
        };
        objects(None) || (integration.is_some() && objects(integration))
    }

    /// The restriction, where there is one.
    pub fn restriction(&self) -> Option<&Restriction> {
        self.restriction.as_ref()
    }

    /// What is known of the person's age.
    pub fn age(&self) -> Option<&Age> {
        self.age.as_ref()
    }

    /// When the person's data was erased.
    pub fn erased(&self) -> Option<Timestamp> {
        self.erased
    }

    /// Folds a ledger into the standing that it makes. The records may come in any order.
    pub fn fold<'r>(records: impl IntoIterator<Item = &'r ConsentRecord>) -> Self {
        let mut records: Vec<_> = records.into_iter().collect();
        records.sort_by_key(|record| (record.seq, record.n));
        let mut standing = Self::default();
        for record in records {
            standing.apply(record);
        }
        standing
    }

    /// Adds the next record of the ledger.
    pub(crate) fn apply(&mut self, record: &ConsentRecord) {
        let at = record.at;
        match &record.choice {
            Choice::ConsentGiven { purpose, integration, declaration, .. } => {
                let consents = self.consents.entry(Through(integration.clone())).or_default();
                let version = Some(*declaration);
                consents
                    .insert(purpose.clone(), Consent { state: ConsentState::Given, at, version });
            }
            Choice::ConsentWithdrawn { purpose, integration } => {
                let consents = self.consents.entry(Through(integration.clone())).or_default();
                let version = consents.get(purpose).and_then(|consent| consent.version);
                let state = ConsentState::Withdrawn;
                consents.insert(purpose.clone(), Consent { state, at, version });
            }
            Choice::ObjectionEnded { purpose, integration } => {
                let through = Through(integration.clone());
                if let Some(purposes) = self.objections.get_mut(&through) {
                    purposes.remove(purpose);
                    if purposes.is_empty() {
                        self.objections.remove(&through);
                    }
                }
            }
            Choice::ObjectionMade { purpose, integration } => {
                let through = Through(integration.clone());
                self.objections.entry(through).or_default().insert(purpose.clone());
            }
            Choice::RestrictionBegun => {
                self.restriction.get_or_insert(Restriction { since: at });
            }
            Choice::RestrictionEnded => self.restriction = None,
        }
    }

    /// The standing of somebody whose data was erased, for a record that can no longer be opened.
    pub fn of_erased(at: Timestamp) -> Self {
        Self { erased: Some(at), ..Self::default() }
    }
}

impl From<String> for Through {
    /// A name that is no provider's reads as one that matches none: it opens nothing.
    fn from(text: String) -> Self {
        match text.as_str() {
            OWN => Self(None),
            _ => Self(Some(ProviderId::new(text).unwrap_or(ProviderId::from_static("")))),
        }
    }
}

impl From<Through> for String {
    fn from(through: Through) -> Self {
        through.0.map_or_else(|| OWN.to_owned(), |provider| provider.as_str().to_owned())
    }
}

/// No provider can be called so.
const OWN: &str = "*";
