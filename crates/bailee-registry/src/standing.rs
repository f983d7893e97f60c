//! A person's standing: their choices, folded, as every gated use reads them.

use std::{
    borrow::Borrow,
    collections::{BTreeMap, BTreeSet},
};

use bailee_core::{Error, ErrorKind, ProviderId, PurposeId, Result, Timestamp};
use bailee_vault::Facts;
use serde::{Deserialize, Serialize};

use crate::{Age, AgeBand, Purpose, Restriction, Use, hex};

/// What a person has chosen, folded from the ledger: consents, objections, restriction, age.
///
/// It lies in the person's `subject` record, because every gated use reads that record anyway, and
/// is written in the same commit as the ledger's entry. It is JSON behind a schema number. A newer
/// release may add fields; what would make an older one allow too much goes into fields that this
/// one knows (a state that it does not know is no consent, a restriction denies everything), or is
/// written so that this one cannot read the standing at all. So reading a newer standing is safe.
/// Writing over one is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Standing {
    /// The last word on each purpose, by integration.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) consents: BTreeMap<Through, BTreeMap<PurposeId, Consent>>,
    /// What the person objects to, by integration.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) objections: BTreeMap<Through, BTreeSet<Against>>,
    /// What became of objections. An overridden one stays among them, so that a release that knows
    /// of no outcomes denies, and that it holds again where the purpose turns to marketing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) outcomes: BTreeMap<Through, BTreeMap<PurposeId, Outcome>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) restriction: Option<Restriction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) age: Option<Age>,
    /// When Global Privacy Control was honoured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gpc: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) erased: Option<Timestamp>,
    /// Whether it was read from a newer schema than this release writes.
    #[serde(skip)]
    newer: bool,
}

/// Through what data is processed: an integration, or the host's own features, which stand under
/// a word that no provider can be called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(crate) struct Through(ProviderId);

/// What an objection is against: a purpose, or every purpose of a use, also those that are declared
/// later. A release that knows the one alone cannot read the other, and so denies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Against(String);

/// The last word on one purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Consent {
    /// What was last said. Whether it holds now is for [`Consent::stands`] to say.
    pub state: ConsentState,
    /// When the person said so.
    pub at: Timestamp,
    /// Until when it holds, where it was given until a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Under which version of the declaration it was given; none when it never was.
    #[serde(default, with = "hex::maybe", skip_serializing_if = "Option::is_none")]
    pub version: Option<[u8; 32]>,
    /// Whether it is a guardian's.
    #[serde(default, skip_serializing_if = "is_false")]
    pub guardian: bool,
    /// Whether it was given since processing was restricted.
    #[serde(default, skip_serializing_if = "is_false")]
    pub while_restricted: bool,
}

/// What a person last said of a purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConsentState {
    /// They agreed, and are too young to do so alone: it is no consent until a guardian agrees.
    AwaitsGuardian,
    /// It ran out, or has to be asked for anew.
    Expired,
    /// It was given and stands.
    Given,
    /// It was given until a time.
    GivenUntil,
    /// Somebody says that it was given, without proof: no consent until the person confirms it.
    Imported,
    /// They were asked and said no.
    Refused,
    /// It was withdrawn.
    Withdrawn,
    /// A state of a newer release: it counts as not given. Serde wants it last.
    #[serde(other)]
    Unknown,
}

/// What became of an objection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Compelling grounds override it (Art. 21(1) GDPR). Where the purpose is marketing it holds
    /// all the same (Art. 21(3)).
    Overridden,
    /// It holds for good.
    Upheld,
    /// An outcome of a newer release: the objection holds. Serde wants it last.
    #[serde(other)]
    Unknown,
}

impl Standing {
    /// The schema that this release writes.
    pub const SCHEMA: u16 = 2;

    /// The standing of somebody whose data was erased, for a record that can no longer be opened.
    pub fn of_erased(at: Timestamp) -> Self {
        Self { erased: Some(at), ..Self::default() }
    }

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

    /// The last word on a purpose through an integration; `None` is the host's own processing.
    pub fn consent<'p>(
        &self,
        purpose: &PurposeId,
        integration: impl Into<Option<&'p ProviderId>>,
    ) -> Option<&Consent> {
        self.consents.get(Through::text(integration.into()))?.get(purpose.as_str())
    }

    /// Every purpose that the person had a word on, with the integration that it goes through.
    pub fn consents(&self) -> impl Iterator<Item = (&PurposeId, Option<&ProviderId>, &Consent)> {
        self.consents.iter().flat_map(|(through, consents)| {
            consents.iter().map(move |(purpose, consent)| (purpose, through.integration(), consent))
        })
    }

    /// Whether an objection of the person stops a purpose: one against it, through this integration
    /// or at all, that was not overridden, or one against all marketing. An objection to the host's
    /// own processing covers every integration.
    pub fn objects_to<'p>(
        &self,
        purpose: &Purpose,
        integration: impl Into<Option<&'p ProviderId>>,
    ) -> bool {
        let integration = integration.into();
        let objects = |through: Option<&ProviderId>| {
            let through = Through::text(through);
            let Some(objections) = self.objections.get(through) else { return false };
            (purpose.usage == Use::Marketing && objections.contains(MARKETING))
                || (objections.contains(purpose.id.as_str())
                    && (purpose.usage == Use::Marketing || !self.overridden(through, &purpose.id)))
        };
        objects(None) || (integration.is_some() && objects(integration))
    }

    /// Whether the person objects to all marketing, by their own word or by their browser's.
    pub fn objects_to_marketing(&self) -> bool {
        self.objections.get(OWN).is_some_and(|objections| objections.contains(MARKETING))
    }

    /// The objections to single purposes, each with its integration and what became of it. One
    /// without an outcome has not been weighed, and holds until it is.
    pub fn objections(
        &self,
    ) -> impl Iterator<Item = (PurposeId, Option<&ProviderId>, Option<Outcome>)> {
        self.objections.iter().flat_map(move |(through, objections)| {
            objections.iter().filter_map(move |against| {
                let purpose = against.purpose()?;
                let outcome = self.outcomes.get(through).and_then(|known| known.get(&purpose));
                Some((purpose, through.integration(), outcome.copied()))
            })
        })
    }

    /// When Global Privacy Control was honoured. It is not asked again, nor recorded twice.
    pub fn gpc_honoured(&self) -> Option<Timestamp> {
        self.gpc
    }

    /// The restriction, where there is one.
    pub fn restriction(&self) -> Option<&Restriction> {
        self.restriction.as_ref()
    }

    /// What is known of the person's age.
    pub fn age(&self) -> Option<&Age> {
        self.age.as_ref()
    }

    /// Since when it is known that the person is too young for the service. Their data has to be
    /// deleted promptly; until that is done, nothing else is done with it.
    pub fn child_found(&self) -> Option<Timestamp> {
        self.age.as_ref().filter(|age| age.band == AgeBand::Child).map(|age| age.at)
    }

    /// When the person's data was erased.
    pub fn erased(&self) -> Option<Timestamp> {
        self.erased
    }

    fn overridden(&self, through: &str, purpose: &PurposeId) -> bool {
        let outcome = self.outcomes.get(through).and_then(|known| known.get(purpose.as_str()));
        outcome == Some(&Outcome::Overridden)
    }
}

impl Consent {
    /// Whether it holds at a time: given, not taken back, and not over.
    pub fn stands(&self, now: Timestamp) -> bool {
        match self.state {
            ConsentState::Given => true,
            ConsentState::GivenUntil => self.until.is_some_and(|until| now < until),
            _ => false,
        }
    }

    /// Its state at a time: what was given until a time that has come is expired.
    pub fn state_at(&self, now: Timestamp) -> ConsentState {
        match self.state {
            ConsentState::GivenUntil if !self.stands(now) => ConsentState::Expired,
            state => state,
        }
    }

    /// Whether there is something to take back: an agreement, or what may become one.
    pub(crate) fn can_be_withdrawn(&self) -> bool {
        !matches!(
            self.state,
            ConsentState::Expired | ConsentState::Refused | ConsentState::Withdrawn
        )
    }
}

impl Through {
    pub(crate) fn new(integration: Option<&ProviderId>) -> Self {
        Self::from(Self::text(integration).to_owned())
    }

    /// The key of an integration, without making one. No provider is called as the host's own
    /// processing is.
    fn text(integration: Option<&ProviderId>) -> &str {
        match integration.map(ProviderId::as_str) {
            None => OWN,
            Some(OWN) => "",
            Some(provider) => provider,
        }
    }

    fn integration(&self) -> Option<&ProviderId> {
        (self.0.as_str() != OWN).then_some(&self.0)
    }
}

impl Borrow<str> for Through {
    fn borrow(&self) -> &str {
        self.0.as_str()
    }
}

impl From<String> for Through {
    /// A name that is no provider's reads as one that matches none: it opens nothing.
    fn from(text: String) -> Self {
        match text.as_str() {
            OWN => Self(ProviderId::from_static(OWN)),
            _ => Self(ProviderId::new(text).unwrap_or(ProviderId::from_static(""))),
        }
    }
}

impl From<Through> for String {
    fn from(through: Through) -> Self {
        through.0.as_str().to_owned()
    }
}

impl Against {
    pub(crate) fn marketing() -> Self {
        Self(MARKETING.to_owned())
    }

    fn purpose(&self) -> Option<PurposeId> {
        PurposeId::new(self.0.as_str()).ok()
    }
}

impl Borrow<str> for Against {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&PurposeId> for Against {
    fn from(purpose: &PurposeId) -> Self {
        Self(purpose.as_str().to_owned())
    }
}

impl TryFrom<String> for Against {
    type Error = bailee_core::InvalidName;

    /// What is neither a purpose nor a use that is known makes the standing unreadable: an
    /// objection that is not understood must not be passed over.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text != MARKETING {
            PurposeId::new(text.as_str())?;
        }
        Ok(Self(text))
    }
}

impl From<Against> for String {
    fn from(against: Against) -> Self {
        against.0
    }
}

/// The host's own processing. No provider can be called so.
const OWN: &str = "*";

/// An objection to all marketing. No purpose can be called so.
const MARKETING: &str = "use:marketing";

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(flag: &bool) -> bool {
    !flag
}
