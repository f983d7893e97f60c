//! What is kept and how long: rows, sets, rules, categories.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{DataCategory, PurposeId};

use crate::{Category, DataItem, DataSet, RetentionRule};

use super::{
    super::{
        CategoryChange, Changed, DataChange, DataSetChange, Length, Place, Reason, RuleChange, Way,
    },
    Comparison, Pair, pairs_of,
};

impl Comparison<'_> {
    pub(super) fn categories(
        &mut self,
        old: &BTreeMap<DataCategory, Category>,
        new: &BTreeMap<DataCategory, Category>,
    ) {
        use CategoryChange as What;
        for (name, was, is) in pairs_of(old, new) {
            let changed = |what| Changed::Category { category: name.clone(), what };
            let (Some(was), Some(is)) = (was, is) else {
                let what = if is.is_some() { What::Added } else { What::Removed };
                self.note(changed(what), Reason::Technical);
                continue;
            };
            let Category { plain, terms } = was;
            if *plain != is.plain {
                let what = What::Plain { was: plain.clone(), is: is.plain.clone() };
                self.tell_everybody(changed(what), Reason::Words, Way::InApplication);
            }
            if *terms != is.terms {
                let what = What::Terms { was: terms.clone(), is: is.terms.clone() };
                let more = is.terms.iter().any(|term| term.is_special() && !terms.contains(term));
                let pairs = if more { self.pairs_with(name) } else { BTreeSet::new() };
                let case = self.case(changed(what), Reason::Technical);
                let case = match more {
                    true => case.tells(Reason::Special, Way::ByMessage, []),
                    false => case,
                };
                case.asks(Reason::Special, pairs).done();
            }
        }
    }

    /// Every purpose for which data of a category is kept, read or passed on now.
    fn pairs_with(&self, category: &DataCategory) -> BTreeSet<Pair> {
        let mut pairs = BTreeSet::new();
        for integration in self.new.integrations.values() {
            let through = Some(integration.provider.clone());
            let rows = integration.data.iter().filter(|row| row.category == *category);
            pairs.extend(rows.map(|row| (through.clone(), row.purpose.clone())));
            for endpoint in &integration.endpoints {
                if endpoint.sends.contains(category) || endpoint.reads.contains(category) {
                    let purposes = endpoint.purposes.iter();
                    pairs.extend(purposes.map(|purpose| (through.clone(), purpose.clone())));
                }
            }
            if integration.reads.contains(category) {
                let purposes = integration.purposes().into_iter();
                pairs.extend(purposes.map(|purpose| (through.clone(), purpose.clone())));
            }
        }
        let rows = self.new.data_sets.values().flat_map(|set| &set.data);
        let mut own: BTreeSet<&PurposeId> =
            rows.filter(|row| row.category == *category).map(|row| &row.purpose).collect();
        let recipients = self.new.recipients.values();
        own.extend(
            recipients
                .filter(|recipient| recipient.categories.contains(category))
                .flat_map(|recipient| &recipient.purposes),
        );
        pairs.extend(self.everywhere_of(own));
        pairs
    }

    pub(super) fn retention_rules(
        &mut self,
        old: &BTreeMap<String, RetentionRule>,
        new: &BTreeMap<String, RetentionRule>,
    ) {
        use RuleChange as What;
        for (name, was, is) in pairs_of(old, new) {
            let changed = |what| Changed::RetentionRule { rule: name.clone(), what };
            let (Some(was), Some(is)) = (was, is) else {
                let what = if is.is_some() { What::Added } else { What::Removed };
                self.note(changed(what), Reason::Technical);
                continue;
            };
            let RetentionRule { keep, reason } = was;
            if *keep != is.keep {
                let length = Length::of(*keep, is.keep);
                let what = What::Keep { was: *keep, is: is.keep, length };
                // The rows that name it are told of, each to those whom it concerns.
                self.note(changed(what), Reason::Technical);
            }
            if *reason != is.reason {
                let what = What::Reason { was: reason.clone(), is: is.reason.clone() };
                self.tell_everybody(changed(what), Reason::Retention, Way::InApplication);
            }
        }
    }

    pub(super) fn data_sets(
        &mut self,
        old: &BTreeMap<String, DataSet>,
        new: &BTreeMap<String, DataSet>,
    ) {
        use DataSetChange as What;
        for (name, was, is) in pairs_of(old, new) {
            let changed = |what| Changed::DataSet { set: name.clone(), what };
            let Some(is) = is else {
                self.note(changed(What::Removed), Reason::Narrower);
                continue;
            };
            if let Some(DataSet { id: _, title, origin, data: _ }) = was {
                if *title != is.title {
                    let what = What::Title { was: title.clone(), is: is.title.clone() };
                    self.note(changed(what), Reason::Technical);
                }
                if *origin != is.origin {
                    let what = What::Origin { was: origin.clone(), is: is.origin.clone() };
                    let pairs = self.everywhere_of(is.data.iter().map(|row| &row.purpose));
                    let case = self.case(changed(what), Reason::Source);
                    case.tells(Reason::Source, Way::InApplication, pairs).done();
                }
            } else {
                self.note(changed(What::Added), Reason::Technical);
            }
            let rows = was.map(|was| was.data.as_slice()).unwrap_or_default();
            self.rows(&Place::DataSet(name.clone()), rows, &is.data);
        }
    }

    /// The rows of an integration or of a set of the host's own. A row is known by its name and its
    /// purpose.
    pub(super) fn rows(&mut self, place: &Place, old: &[DataItem], new: &[DataItem]) {
        use DataChange as What;
        let (by_key, new_by_key) = (keyed(old), keyed(new));
        for ((name, purpose), was, is) in pairs_of(&by_key, &new_by_key) {
            let changed = |what| Changed::Data {
                place: place.clone(),
                name: (*name).clone(),
                purpose: (*purpose).clone(),
                what,
            };
            let Some(is) = is else {
                self.note(changed(What::Removed), Reason::Narrower);
                continue;
            };
            let pairs = match place {
                Place::DataSet(_) => self.everywhere(purpose),
                Place::Integration(provider) => {
                    [(Some(provider.clone()), (*purpose).clone())].into()
                }
            };
            let covered = is_covered(old, is);
            let Some(was) = was else {
                let (category, kept) = (is.category.clone(), is.retention);
                let what = changed(What::Added { category, kept });
                self.row(what, covered, Reason::Source, pairs);
                continue;
            };
            let DataItem { name: _, category, purpose: _, retention, rule } = *was;
            if *category != is.category {
                let what = What::Category { was: category.clone(), is: is.category.clone() };
                self.row(changed(what), covered, Reason::Source, pairs.clone());
            }
            if *retention != is.retention {
                let length = Length::of(*retention, is.retention);
                let what = What::Kept { was: *retention, is: is.retention, length };
                match length {
                    Length::Same => self.note(changed(what), Reason::Technical),
                    _ => self.row(changed(what), !length.may_exceed(), Reason::Retention, pairs),
                }
            }
            if *rule != is.rule {
                let what = What::Rule { was: rule.clone(), is: is.rule.clone() };
                self.note(changed(what), Reason::Technical);
            }
        }
    }

    /// A row that covers more than was agreed to, or no more than that.
    fn row(&mut self, changed: Changed, covered: bool, reason: Reason, pairs: BTreeSet<Pair>) {
        let case = self.case(changed, reason);
        if covered {
            case.tells(reason, Way::InApplication, pairs).done();
        } else {
            case.tells(reason, Way::ByMessage, []).asks(Reason::Consent, pairs).done();
        }
    }
}

fn keyed(rows: &[DataItem]) -> BTreeMap<(&String, &PurposeId), &DataItem> {
    rows.iter().map(|row| ((&row.name, &row.purpose), row)).collect()
}

/// Whether something of a row's category was kept for its purpose, and for as long.
fn is_covered(old: &[DataItem], row: &DataItem) -> bool {
    old.iter().any(|known| {
        known.category == row.category
            && known.purpose == row.purpose
            && !Length::of(known.retention, row.retention).may_exceed()
    })
}
