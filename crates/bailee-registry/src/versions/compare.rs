//! Finds every difference between two declarations and judges each.
//!
//! Every struct is taken apart without `..`: a field that is added later does not compile before
//! somebody has said what a difference in it means.

mod data;
mod integration;
mod organisation;
mod purpose;
mod recipient;

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{DataCategory, ProviderId, PurposeId};

use crate::{DataItem, LegalBasis, declaration::Content};

use super::{Audience, Changed, Difference, Presence, Reason, Significance, Way};

/// A purpose through an integration, or for the host's own processing.
type Pair = (Option<ProviderId>, PurposeId);

/// Every difference, in the order of what is declared.
pub(super) fn differences(old: &Content, new: &Content) -> Vec<Difference> {
    let mut comparison = Comparison { old, new, found: Vec::new() };
    comparison.content();
    comparison.found
}

/// Two declarations, and what was found so far.
struct Comparison<'a> {
    old: &'a Content,
    new: &'a Content,
    found: Vec<Difference>,
}

/// A difference that is being judged.
#[must_use]
struct Case<'c, 'a> {
    comparison: &'c mut Comparison<'a>,
    changed: Changed,
    asked: BTreeSet<Pair>,
    ask: Reason,
    told: BTreeSet<Audience>,
    tell: Reason,
    way: Way,
}

impl<'a> Comparison<'a> {
    fn content(&mut self) {
        let Content {
            controller,
            role,
            categories,
            purposes,
            recipients,
            retention,
            integrations,
            never,
            joint_controllers,
            data_sets,
            age,
            authorities,
            measures,
            policy,
        } = self.old;
        let new = self.new;
        self.role(*role, new.role);
        self.controller(controller, &new.controller);
        self.joint_controllers(joint_controllers, &new.joint_controllers);
        self.authorities(authorities, &new.authorities);
        self.policy(policy.as_ref(), new.policy.as_ref());
        self.measures(measures, &new.measures);
        self.age(age.as_ref(), new.age.as_ref());
        self.never(never, &new.never);
        self.purposes(purposes, &new.purposes);
        self.categories(categories, &new.categories);
        self.retention_rules(retention, &new.retention);
        self.recipients(recipients, &new.recipients);
        self.integrations(integrations, &new.integrations);
        self.data_sets(data_sets, &new.data_sets);
    }

    /// Begins to judge a difference. Without more it is noted, because less is done than before or
    /// because it concerns nobody.
    fn case<'c>(&'c mut self, changed: Changed, otherwise: Reason) -> Case<'c, 'a> {
        Case {
            comparison: self,
            changed,
            asked: BTreeSet::new(),
            ask: otherwise,
            told: BTreeSet::new(),
            tell: otherwise,
            way: Way::InApplication,
        }
    }

    /// A difference that nobody has to be told of.
    fn note(&mut self, changed: Changed, reason: Reason) {
        self.case(changed, reason).done();
    }

    /// A difference that everybody is told of.
    fn tell_everybody(&mut self, changed: Changed, reason: Reason, way: Way) {
        self.case(changed, reason).everybody(reason, way).done();
    }

    /// Whether a purpose rests on consent now.
    fn on_consent(&self, purpose: &PurposeId) -> bool {
        let purpose = self.new.purposes.get(purpose);
        purpose.is_some_and(|purpose| purpose.basis == LegalBasis::Consent)
    }

    /// Everything through which a purpose is or was served. The host's own processing is among it
    /// for a consent, which may be asked for without more being declared of it.
    fn everywhere(&self, purpose: &PurposeId) -> BTreeSet<Pair> {
        let integrations = self.old.integrations.values().chain(self.new.integrations.values());
        let serving = integrations.filter(|integration| integration.purposes().contains(purpose));
        let mut pairs: BTreeSet<Pair> =
            serving.map(|one| (Some(one.provider.clone()), purpose.clone())).collect();
        let sets = self.old.data_sets.values().chain(self.new.data_sets.values());
        let own = sets.flat_map(|set| &set.data).any(|item| item.purpose == *purpose);
        if own || pairs.is_empty() || self.on_consent(purpose) {
            pairs.insert((None, purpose.clone()));
        }
        pairs
    }

    /// The same of several purposes.
    fn everywhere_of<'p>(
        &self,
        purposes: impl IntoIterator<Item = &'p PurposeId>,
    ) -> BTreeSet<Pair> {
        purposes.into_iter().flat_map(|purpose| self.everywhere(purpose)).collect()
    }
}

impl Case<'_, '_> {
    /// Asks those of them anew that rest on consent, for this reason.
    fn asks(mut self, reason: Reason, pairs: impl IntoIterator<Item = Pair>) -> Self {
        self.ask = reason;
        let on_consent = |(_, purpose): &Pair| self.comparison.on_consent(purpose);
        let (asked, rest): (Vec<Pair>, Vec<Pair>) = pairs.into_iter().partition(on_consent);
        let told = asked.iter().cloned().map(|(through, of)| Audience::Agreed(through, of));
        self.told.extend(told);
        self.asked.extend(asked);
        self.told.extend(rest.into_iter().map(|(through, _)| through.into()));
        self
    }

    /// Tells whoever is concerned by them, for this reason.
    fn tells(mut self, reason: Reason, way: Way, pairs: impl IntoIterator<Item = Pair>) -> Self {
        (self.tell, self.way) = (reason, way);
        for (through, purpose) in pairs {
            self.told.insert(if self.comparison.on_consent(&purpose) {
                Audience::Agreed(through, purpose)
            } else {
                through.into()
            });
        }
        self
    }

    /// Tells whoever is concerned by them, for this reason, whether they agreed or not.
    fn concerns(mut self, reason: Reason, way: Way, pairs: &BTreeSet<Pair>) -> Self {
        (self.tell, self.way) = (reason, way);
        self.told.extend(pairs.iter().map(|(through, _)| through.clone().into()));
        self
    }

    /// Tells whoever has an account there, for this reason.
    fn account(mut self, reason: Reason, way: Way, provider: &ProviderId) -> Self {
        (self.tell, self.way) = (reason, way);
        self.told.insert(Audience::Account(provider.clone()));
        self
    }

    /// Tells everybody, for this reason.
    fn everybody(mut self, reason: Reason, way: Way) -> Self {
        (self.tell, self.way) = (reason, way);
        self.told.insert(Audience::Everybody);
        self
    }

    /// Says that less is done than before, unless something follows that asks or tells.
    fn narrower(mut self) -> Self {
        self.tell = Reason::Narrower;
        self
    }

    fn done(self) {
        let Self { comparison, changed, asked, ask, mut told, tell, way } = self;
        if told.contains(&Audience::Everybody) {
            told = [Audience::Everybody].into();
        }
        let (significance, reason, way) = match (asked.is_empty(), told.is_empty()) {
            (false, _) => (Significance::AskAnew, ask, Way::ByMessage),
            (true, false) => (Significance::Informing, tell, way),
            (true, true) => (Significance::Editorial, tell, Way::InApplication),
        };
        comparison.found.push(Difference { changed, significance, reason, told, way, asked });
    }
}

impl From<Option<ProviderId>> for Audience {
    /// Who is concerned where no consent says so: whoever has an account there, or everybody.
    fn from(through: Option<ProviderId>) -> Self {
        through.map_or(Self::Everybody, Self::Account)
    }
}

/// What stands under a key before and now, for every key of the two.
fn pairs_of<'a, K: Ord, V>(
    old: &'a BTreeMap<K, V>,
    new: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (&'a K, Option<&'a V>, Option<&'a V>)> {
    let keys: BTreeSet<&K> = old.keys().chain(new.keys()).collect();
    keys.into_iter().map(|key| (key, old.get(key), new.get(key)))
}

/// What came to a set and what went from it.
fn turns<'a, T: Ord>(
    old: &'a BTreeSet<T>,
    new: &'a BTreeSet<T>,
) -> impl Iterator<Item = (&'a T, Presence)> {
    let added = new.difference(old).map(|one| (one, Presence::Added));
    added.chain(old.difference(new).map(|one| (one, Presence::Removed)))
}

/// The same of a list that is sorted and has nothing twice.
fn turns_of_list<'a, T: Ord>(old: &'a [T], new: &'a [T]) -> Vec<(&'a T, Presence)> {
    let added = new.iter().filter(|one| !old.contains(one)).map(|one| (one, Presence::Added));
    let removed = old.iter().filter(|one| !new.contains(one)).map(|one| (one, Presence::Removed));
    added.chain(removed).collect()
}

/// Whether rows keep data of a category for a purpose.
fn keeps(rows: &[DataItem], category: &DataCategory, purpose: &PurposeId) -> bool {
    rows.iter().any(|row| row.category == *category && row.purpose == *purpose)
}
