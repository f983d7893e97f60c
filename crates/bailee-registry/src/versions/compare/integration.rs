//! Integrations: scopes, operations, endpoints, what is read.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{DataCategory, Effect, ProviderId, PurposeId};

use crate::{Endpoint, Integration, RecipientRole};

use super::{
    super::{Changed, EndpointChange, IntegrationChange, Place, Presence, Reason, Served, Way},
    Comparison, Pair, keeps, pairs_of, turns, turns_of_list,
};

impl Comparison<'_> {
    pub(super) fn integrations(
        &mut self,
        old: &BTreeMap<ProviderId, Integration>,
        new: &BTreeMap<ProviderId, Integration>,
    ) {
        for (provider, was, is) in pairs_of(old, new) {
            let changed = |what| Changed::Integration { provider: provider.clone(), what };
            match (was, is) {
                (Some(was), Some(is)) => self.integration(was, is),
                (Some(_), None) => {
                    let case = self.case(changed(IntegrationChange::Removed), Reason::Acts);
                    case.account(Reason::Acts, Way::InApplication, provider).done();
                }
                (None, Some(is)) => {
                    // Nobody has an account there; a consent from before it was last declared is no
                    // answer to what it is now.
                    let pairs: Vec<Pair> = pairs_through(provider, is.purposes())
                        .filter(|(_, purpose)| self.on_consent(purpose))
                        .collect();
                    let case = self.case(changed(IntegrationChange::Added), Reason::Connecting);
                    case.asks(Reason::Consent, pairs).done();
                }
                (None, None) => {}
            }
        }
    }

    fn integration(&mut self, old: &Integration, new: &Integration) {
        let Integration {
            provider,
            recipient,
            scopes,
            operations,
            endpoints,
            data,
            reads,
            never_scopes,
            never_categories,
        } = old;
        if *recipient != new.recipient {
            let what =
                IntegrationChange::Recipient { was: recipient.clone(), is: new.recipient.clone() };
            let changed = Changed::Integration { provider: provider.clone(), what };
            let role = self.new.recipients.get(&new.recipient).map(|recipient| recipient.role);
            let pairs: Vec<Pair> = pairs_through(provider, new.purposes()).collect();
            let case = self.case(changed, Reason::Recipient);
            if role == Some(RecipientRole::Processor) {
                case.tells(Reason::Recipient, Way::ByMessage, pairs).done();
            } else {
                let case = case.tells(Reason::Recipient, Way::ByMessage, []);
                case.asks(Reason::Consent, pairs).done();
            }
        }
        for (scope, served) in served(scopes, &new.scopes) {
            let gained: Vec<Pair> = pairs_through(provider, served.gained()).collect();
            let (provider, scope) = (provider.clone(), scope.clone());
            let case = self.case(Changed::Scope { provider, scope, served }, Reason::Narrower);
            let case = case.tells(Reason::Acts, Way::ByMessage, []);
            if gained.is_empty() { case.narrower() } else { case }
                .asks(Reason::Consent, gained)
                .done();
        }
        for (operation, served) in served(operations, &new.operations) {
            let (new_purposes, known) = split(served.gained(), |one| old.purposes().contains(one));
            let asks: Vec<Pair> = pairs_through(provider, new_purposes).collect();
            let tells: Vec<Pair> = pairs_through(provider, known).collect();
            let (provider, operation) = (provider.clone(), operation.clone());
            let changed = Changed::Operation { provider, operation, served };
            self.act(changed, asks, tells);
        }
        self.endpoints(old, new, endpoints);
        self.rows(&Place::Integration(provider.clone()), data, &new.data);
        for (category, now) in turns(reads, &new.reads) {
            let changed =
                Changed::Read { provider: provider.clone(), category: category.clone(), now };
            if now == Presence::Removed {
                self.note(changed, Reason::Narrower);
                continue;
            }
            // What is kept for a purpose was read for it before.
            let (unknown, known) =
                split(new.purposes().into_iter(), |purpose| keeps(data, category, purpose));
            let asks: Vec<Pair> = pairs_through(provider, unknown).collect();
            let tells: Vec<Pair> = pairs_through(provider, known).collect();
            self.act(changed, asks, tells);
        }
        for (scope, now) in turns(never_scopes, &new.never_scopes) {
            let (provider, scope) = (provider.clone(), scope.clone());
            self.promise_at(Changed::NeverScope { provider, scope, now }, now, &new.provider);
        }
        for (category, now) in turns(never_categories, &new.never_categories) {
            // What is excluded everywhere stands in each integration too, and is told once.
            let everywhere = match now {
                Presence::Added => {
                    let (old, new) = (&self.old.never, &self.new.never);
                    new.categories.contains(category) && !old.categories.contains(category)
                }
                Presence::Removed => {
                    let (old, new) = (&self.old.never, &self.new.never);
                    old.categories.contains(category) && !new.categories.contains(category)
                }
            };
            if !everywhere {
                let (provider, category) = (Some(provider.clone()), category.clone());
                let changed = Changed::NeverCategory { provider, category, now };
                self.promise_at(changed, now, &new.provider);
            }
        }
    }

    fn endpoints(&mut self, old: &Integration, new: &Integration, endpoints: &[Endpoint]) {
        let by_name = |endpoints: &[Endpoint]| -> BTreeMap<String, Endpoint> {
            endpoints.iter().map(|one| (one.name.clone(), one.clone())).collect()
        };
        let (was, is) = (by_name(endpoints), by_name(&new.endpoints));
        for (name, was, is) in pairs_of(&was, &is) {
            let changed = |what| Changed::Endpoint {
                provider: new.provider.clone(),
                endpoint: name.clone(),
                what,
            };
            match (was, is) {
                (Some(was), Some(is)) => self.endpoint(old, was, is),
                (Some(_), None) => self.note(changed(EndpointChange::Removed), Reason::Narrower),
                (None, Some(is)) => {
                    let what = changed(EndpointChange::Added);
                    self.serves(what, old, is, is.purposes.iter());
                }
                (None, None) => {}
            }
        }
    }

    fn endpoint(&mut self, integration: &Integration, old: &Endpoint, new: &Endpoint) {
        use EndpointChange as What;
        let Endpoint { name, method, path, scopes, effect, sends, reads, purposes, credential } =
            old;
        let provider = &integration.provider;
        let changed =
            |what| Changed::Endpoint { provider: provider.clone(), endpoint: name.clone(), what };
        let all: Vec<Pair> = pairs_through(provider, &new.purposes).collect();
        if *method != new.method {
            let what = What::Method { was: method.clone(), is: new.method.clone() };
            self.act(changed(what), Vec::new(), all.clone());
        }
        if *path != new.path {
            let what = What::Path { was: path.clone(), is: new.path.clone() };
            self.act(changed(what), Vec::new(), all.clone());
        }
        if *scopes != new.scopes {
            // Each is declared for the integration, with its purposes.
            let what = What::Scopes { was: scopes.clone(), is: new.scopes.clone() };
            self.note(changed(what), Reason::Technical);
        }
        if *effect != new.effect {
            let what = changed(What::Effect { was: *effect, is: new.effect });
            if new.effect > *effect {
                self.act(what, all, Vec::new());
            } else {
                self.note(what, Reason::Narrower);
            }
        }
        for (category, now) in turns_of_list(sends, &new.sends) {
            let what = changed(What::Sends { category: category.clone(), now });
            let known = |purpose: &PurposeId| self.sent(integration, category, purpose);
            let (unknown, known) = split(new.purposes.iter(), known);
            self.moves(what, now, provider, unknown, known);
        }
        for (category, now) in turns_of_list(reads, &new.reads) {
            let what = changed(What::Reads { category: category.clone(), now });
            let known = |purpose: &PurposeId| was_read(integration, category, purpose);
            let (unknown, known) = split(new.purposes.iter(), known);
            self.moves(what, now, provider, unknown, known);
        }
        if *purposes != new.purposes {
            let served = Served { was: purposes.clone(), is: new.purposes.clone() };
            let gained: Vec<PurposeId> = served.gained().cloned().collect();
            let what = changed(What::Served(served));
            self.serves(what, integration, new, gained.iter());
        }
        if *credential != new.credential {
            let what = What::Credential { was: credential.clone(), is: new.credential.clone() };
            self.note(changed(what), Reason::Technical);
        }
    }

    /// An endpoint that serves purposes for which it was not there before. One that only reads what
    /// was read before is covered by what people agreed to.
    fn serves<'p>(
        &mut self,
        changed: Changed,
        old: &Integration,
        endpoint: &Endpoint,
        gained: impl Iterator<Item = &'p PurposeId>,
    ) {
        let covered = |purpose: &PurposeId| {
            endpoint.effect == Effect::Read
                && old.purposes().contains(purpose)
                && endpoint.sends.iter().all(|category| self.sent(old, category, purpose))
                && endpoint.reads.iter().all(|category| was_read(old, category, purpose))
        };
        let (unknown, known) = split(gained, covered);
        let asks: Vec<Pair> = pairs_through(&old.provider, unknown).collect();
        let tells: Vec<Pair> = pairs_through(&old.provider, known).collect();
        self.act(changed, asks, tells);
    }

    /// A category that moves, or no longer does.
    fn moves(
        &mut self,
        changed: Changed,
        now: Presence,
        provider: &ProviderId,
        unknown: Vec<&PurposeId>,
        known: Vec<&PurposeId>,
    ) {
        match now {
            Presence::Removed => self.note(changed, Reason::Narrower),
            Presence::Added => {
                let asks = pairs_through(provider, unknown).collect();
                let tells = pairs_through(provider, known).collect();
                self.act(changed, asks, tells);
            }
        }
    }

    /// Something that is done at an account: beyond what was agreed to for some purposes, within it
    /// for others.
    fn act(&mut self, changed: Changed, asks: Vec<Pair>, tells: Vec<Pair>) {
        let nothing = asks.is_empty() && tells.is_empty();
        let way = if asks.is_empty() { Way::InApplication } else { Way::ByMessage };
        let case = self.case(changed, Reason::Acts).tells(Reason::Acts, way, tells);
        if nothing { case.narrower() } else { case }.asks(Reason::Consent, asks).done();
    }

    /// Whether data of a category went to the provider for a purpose.
    fn sent(&self, old: &Integration, category: &DataCategory, purpose: &PurposeId) -> bool {
        let recipient = self.old.recipients.get(&old.recipient);
        let received = recipient.is_some_and(|recipient| {
            recipient.purposes.contains(purpose) && recipient.categories.contains(category)
        });
        received && old.purposes().contains(purpose)
    }

    fn promise_at(&mut self, changed: Changed, now: Presence, provider: &ProviderId) {
        match now {
            Presence::Added => self.note(changed, Reason::Narrower),
            Presence::Removed => {
                let case = self.case(changed, Reason::Promise);
                case.account(Reason::Promise, Way::ByMessage, provider).done();
            }
        }
    }
}

/// Whether data of a category was read at the provider for a purpose, or kept of it.
fn was_read(old: &Integration, category: &DataCategory, purpose: &PurposeId) -> bool {
    let by_endpoint = old
        .endpoints
        .iter()
        .any(|one| one.purposes.contains(purpose) && one.reads.contains(category));
    by_endpoint
        || keeps(&old.data, category, purpose)
        || (old.reads.contains(category) && old.purposes().contains(purpose))
}

fn pairs_through<'p>(
    provider: &ProviderId,
    purposes: impl IntoIterator<Item = &'p PurposeId>,
) -> impl Iterator<Item = Pair> {
    purposes.into_iter().map(move |purpose| (Some(provider.clone()), purpose.clone()))
}

/// Those of which something is not so, and those of which it is.
fn split<'p>(
    purposes: impl Iterator<Item = &'p PurposeId>,
    is: impl Fn(&PurposeId) -> bool,
) -> (Vec<&'p PurposeId>, Vec<&'p PurposeId>) {
    purposes.partition(|purpose| !is(purpose))
}

/// What serves other purposes than before.
fn served<'a, K: Ord>(
    old: &'a BTreeMap<K, BTreeSet<PurposeId>>,
    new: &'a BTreeMap<K, BTreeSet<PurposeId>>,
) -> impl Iterator<Item = (&'a K, Served)> {
    pairs_of(old, new).filter(|(_, was, is)| was != is).map(|(key, was, is)| {
        let (was, is) = (was.cloned().unwrap_or_default(), is.cloned().unwrap_or_default());
        (key, Served { was, is })
    })
}
