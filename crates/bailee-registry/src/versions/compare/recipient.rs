//! Recipients.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{DataCategory, PurposeId, RecipientId};

use crate::{Country, Recipient, RecipientRole, declaration::Content};

use super::{
    super::{Changed, Presence, Reason, RecipientChange, Way},
    Comparison, Pair, keeps, pairs_of, turns,
};

impl Comparison<'_> {
    pub(super) fn recipients(
        &mut self,
        old: &BTreeMap<RecipientId, Recipient>,
        new: &BTreeMap<RecipientId, Recipient>,
    ) {
        for (id, was, is) in pairs_of(old, new) {
            let changed = |what| Changed::Recipient { recipient: id.clone(), what };
            match (was, is) {
                (Some(was), Some(is)) => self.recipient(was, is),
                (Some(_), None) => self.note(changed(RecipientChange::Removed), Reason::Narrower),
                (None, Some(is)) => {
                    self.reaches_for(changed(RecipientChange::Added), is, &is.purposes);
                }
                (None, None) => {}
            }
        }
    }

    fn recipient(&mut self, old: &Recipient, new: &Recipient) {
        use RecipientChange as What;
        let Recipient {
            id,
            name,
            country,
            role,
            purposes,
            categories,
            safeguard,
            reference,
            service,
            contract,
            since,
            notice_days,
            supplementary,
            review,
            fields,
        } = old;
        let changed = |what| Changed::Recipient { recipient: id.clone(), what };
        let all: BTreeSet<Pair> =
            new.purposes.iter().flat_map(|purpose| self.reach(new, purpose)).collect();
        if *name != new.name {
            let what = What::Name { was: name.clone(), is: new.name.clone() };
            self.tell_those(changed(what), Reason::Recipient, Way::ByMessage, &all);
        }
        if *country != new.country {
            let what = changed(What::Country { was: *country, is: new.country });
            match (country.is_in_eea(), new.country.is_in_eea()) {
                (true, false) => self.ask_those(what, Reason::Transfer, Reason::Transfer, &all),
                (false, false) => {
                    self.tell_those(what, Reason::Transfer, Way::ByMessage, &all);
                }
                (_, true) => self.tell_those(what, Reason::Transfer, Way::InApplication, &all),
            }
        }
        if *role != new.role {
            let what = changed(What::Role { was: *role, is: new.role });
            if new.role == RecipientRole::Controller {
                self.ask_those(what, Reason::Consent, Reason::Recipient, &all);
            } else {
                self.tell_those(what, Reason::Recipient, Way::InApplication, &all);
            }
        }
        for (purpose, now) in turns(purposes, &new.purposes) {
            let what = changed(What::Purpose { purpose: purpose.clone(), now });
            match now {
                Presence::Added => self.reaches_for(what, new, [purpose]),
                Presence::Removed => self.note(what, Reason::Narrower),
            }
        }
        for (category, now) in turns(categories, &new.categories) {
            let what = changed(What::Category { category: category.clone(), now });
            match now {
                Presence::Added => self.receives(what, new, category),
                Presence::Removed => self.note(what, Reason::Narrower),
            }
        }
        if *safeguard != new.safeguard {
            let what = What::Safeguard { was: *safeguard, is: new.safeguard };
            self.tell_those(changed(what), Reason::Transfer, Way::ByMessage, &all);
        }
        if *reference != new.reference {
            let what = What::Reference { was: reference.clone(), is: new.reference.clone() };
            self.note(changed(what), Reason::Technical);
        }
        if *service != new.service {
            let what = What::Service { was: service.clone(), is: new.service.clone() };
            self.tell_those(changed(what), Reason::Recipient, Way::InApplication, &all);
        }
        if *contract != new.contract {
            let what = What::Contract { was: contract.clone(), is: new.contract.clone() };
            self.note(changed(what), Reason::Technical);
        }
        if *since != new.since {
            let what = What::Since { was: *since, is: new.since };
            self.note(changed(what), Reason::Technical);
        }
        if *notice_days != new.notice_days {
            let what = changed(What::NoticeDays { was: *notice_days, is: new.notice_days });
            if *notice_days > new.notice_days {
                self.tell_those(what, Reason::Processor, Way::InApplication, &all);
            } else {
                self.note(what, Reason::Narrower);
            }
        }
        if *supplementary != new.supplementary {
            let (was, is) = (supplementary.clone(), new.supplementary.clone());
            let what = changed(What::Supplementary { was, is });
            if supplementary.is_some() {
                self.tell_those(what, Reason::Transfer, Way::InApplication, &all);
            } else {
                self.note(what, Reason::Narrower);
            }
        }
        if *review != new.review {
            let what = What::Review { was: *review, is: new.review };
            self.note(changed(what), Reason::Technical);
        }
        for (field, now) in turns(fields, &new.fields) {
            let what = changed(What::Field { field: field.clone(), now });
            match now {
                Presence::Added => self.ask_those(what, Reason::Consent, Reason::Recipient, &all),
                Presence::Removed => self.note(what, Reason::Narrower),
            }
        }
    }

    /// A recipient that receives data for purposes for which it did not before.
    ///
    /// Who decides for itself what it does with the data has to be named when somebody agrees. One
    /// that works for the service does not, unless there was nobody of its kind, on its side of the
    /// EEA's border, or it receives data that nobody received for the purpose.
    fn reaches_for<'p>(
        &mut self,
        changed: Changed,
        recipient: &Recipient,
        purposes: impl IntoIterator<Item = &'p PurposeId>,
    ) {
        let (mut asks, mut tells) = (BTreeSet::new(), BTreeSet::new());
        for purpose in purposes {
            let known = recipient.role != RecipientRole::Controller
                && self.knew_its_like(recipient.role, recipient.country, purpose)
                && recipient.categories.iter().all(|one| is_known_for(self.old, one, purpose));
            let pairs = self.reach(recipient, purpose);
            if known { &mut tells } else { &mut asks }.extend(pairs);
        }
        let reason = match recipient.role {
            RecipientRole::Processor => Reason::Processor,
            RecipientRole::Authority | RecipientRole::Controller => Reason::Recipient,
        };
        let case = self.case(changed, Reason::Connecting);
        case.tells(reason, Way::ByMessage, tells).asks(Reason::Consent, asks).done();
    }

    /// A recipient that receives another category.
    fn receives(&mut self, changed: Changed, recipient: &Recipient, category: &DataCategory) {
        let (mut asks, mut tells) = (BTreeSet::new(), BTreeSet::new());
        for purpose in &recipient.purposes {
            let known = recipient.role != RecipientRole::Controller
                && is_known_for(self.old, category, purpose);
            let pairs = self.reach(recipient, purpose);
            if known { &mut tells } else { &mut asks }.extend(pairs);
        }
        let case = self.case(changed, Reason::Connecting);
        let case = case.tells(Reason::Recipient, Way::InApplication, tells);
        case.asks(Reason::Consent, asks).done();
    }

    /// Through what a recipient is reached for a purpose: the integrations whose provider it is,
    /// where such a one serves the purpose, and otherwise everything that does. Of an integration
    /// that is new nobody is concerned yet.
    fn reach(&self, recipient: &Recipient, purpose: &PurposeId) -> BTreeSet<Pair> {
        let own: Vec<_> = self
            .new
            .integrations
            .values()
            .filter(|one| one.recipient == recipient.id && one.purposes().contains(purpose))
            .collect();
        if own.is_empty() {
            return self.everywhere(purpose);
        }
        own.into_iter()
            .filter(|one| self.old.integrations.contains_key(&one.provider))
            .map(|one| (Some(one.provider.clone()), purpose.clone()))
            .collect()
    }

    /// Whether data went to somebody of a role, on this side of the EEA's border, for a purpose.
    fn knew_its_like(&self, role: RecipientRole, country: Country, purpose: &PurposeId) -> bool {
        self.old.recipients.values().any(|known| {
            known.role == role
                && known.country.is_in_eea() == country.is_in_eea()
                && known.purposes.contains(purpose)
        })
    }

    fn tell_those(&mut self, changed: Changed, reason: Reason, way: Way, pairs: &BTreeSet<Pair>) {
        self.case(changed, reason).tells(reason, way, pairs.clone()).done();
    }

    fn ask_those(&mut self, changed: Changed, ask: Reason, tell: Reason, pairs: &BTreeSet<Pair>) {
        let case = self.case(changed, tell).tells(tell, Way::ByMessage, []);
        case.asks(ask, pairs.clone()).done();
    }
}

/// Whether data of a category was kept, passed on or read for a purpose.
fn is_known_for(content: &Content, category: &DataCategory, purpose: &PurposeId) -> bool {
    let received = content.recipients.values().any(|recipient| {
        recipient.purposes.contains(purpose) && recipient.categories.contains(category)
    });
    let own = content.data_sets.values().any(|set| keeps(&set.data, category, purpose));
    received
        || own
        || content.integrations.values().any(|integration| {
            let reads = integration.reads.contains(category);
            keeps(&integration.data, category, purpose)
                || (reads && integration.purposes().contains(purpose))
                || integration.endpoints.iter().any(|endpoint| {
                    endpoint.purposes.contains(purpose)
                        && (endpoint.sends.contains(category) || endpoint.reads.contains(category))
                })
        })
}
