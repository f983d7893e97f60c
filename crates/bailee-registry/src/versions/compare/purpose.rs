//! Purposes.

use std::{collections::BTreeMap, mem};

use bailee_core::PurposeId;

use crate::{LegalBasis, Purpose};

use super::{
    super::{Changed, PurposeChange, Reason, Way},
    Comparison, pairs_of,
};

impl Comparison<'_> {
    pub(super) fn purposes(
        &mut self,
        old: &BTreeMap<PurposeId, Purpose>,
        new: &BTreeMap<PurposeId, Purpose>,
    ) {
        for (id, was, is) in pairs_of(old, new) {
            let changed = |what| Changed::Purpose { purpose: id.clone(), what };
            match (was, is) {
                (Some(was), Some(is)) => self.purpose(was, is),
                (Some(_), None) => self.note(changed(PurposeChange::Removed), Reason::Narrower),
                _ => {
                    // What was agreed to before it was last declared is no answer to it either.
                    let pairs = self.everywhere(id);
                    let case = self.case(changed(PurposeChange::Added), Reason::OtherPurpose);
                    let case = case.tells(Reason::OtherPurpose, Way::ByMessage, []);
                    case.asks(Reason::Consent, pairs).done();
                }
            }
        }
    }

    fn purpose(&mut self, old: &Purpose, new: &Purpose) {
        use PurposeChange as What;
        let Purpose { id, title, plain, basis, usage, condition, necessity, automated } = old;
        let changed = |what| Changed::Purpose { purpose: id.clone(), what };
        if *title != new.title {
            let what = What::Title { was: title.clone(), is: new.title.clone() };
            self.note(changed(what), Reason::Technical);
        }
        if *plain != new.plain {
            let what = What::Plain { was: plain.clone(), is: new.plain.clone() };
            self.tell_of(changed(what), id, Reason::Words, Way::InApplication);
        }
        if *basis != new.basis {
            let what = changed(What::Basis { was: basis.clone(), is: new.basis.clone() });
            let same = mem::discriminant(basis) == mem::discriminant(&new.basis);
            match new.basis {
                LegalBasis::Consent => {
                    // Until now it was done without anybody's word, and now it stops for all of them
                    // who do not give it.
                    let pairs = self.everywhere(id);
                    let case = self.case(what, Reason::Basis);
                    let case = case.concerns(Reason::Basis, Way::ByMessage, &pairs);
                    case.asks(Reason::Consent, pairs).done();
                }
                LegalBasis::LegitimateInterests { .. } if same => {
                    self.tell_of(what, id, Reason::Interests, Way::InApplication);
                }
                _ if same => self.tell_of(what, id, Reason::Basis, Way::InApplication),
                // Where it was consent, whoever said no is concerned most.
                _ => self.tell_of(what, id, Reason::Basis, Way::ByMessage),
            }
        }
        if *usage != new.usage {
            let what = What::Use { was: *usage, is: new.usage };
            self.ask_for(changed(what), id, Reason::Consent, Reason::OtherPurpose);
        }
        if *condition != new.condition {
            let what = changed(What::Condition { was: *condition, is: new.condition });
            match new.condition {
                None => self.note(what, Reason::Narrower),
                Some(_) => self.ask_for(what, id, Reason::Special, Reason::Special),
            }
        }
        if *necessity != new.necessity {
            let what = What::Necessity { was: necessity.clone(), is: new.necessity.clone() };
            self.tell_of(changed(what), id, Reason::Necessity, Way::InApplication);
        }
        if *automated != new.automated {
            let what = What::Automated { was: automated.clone(), is: new.automated.clone() };
            match (automated, &new.automated) {
                (_, None) => self.note(changed(what), Reason::Narrower),
                (None, _) => {
                    self.ask_for(changed(what), id, Reason::Automated, Reason::Automated);
                }
                _ => self.tell_of(changed(what), id, Reason::Automated, Way::InApplication),
            }
        }
    }

    /// Tells whoever a purpose concerns.
    fn tell_of(&mut self, changed: Changed, purpose: &PurposeId, reason: Reason, way: Way) {
        let pairs = self.everywhere(purpose);
        self.case(changed, reason).tells(reason, way, pairs).done();
    }

    /// Asks for a purpose anew where it rests on consent, and tells by message where it does not.
    fn ask_for(&mut self, changed: Changed, purpose: &PurposeId, ask: Reason, tell: Reason) {
        let pairs = self.everywhere(purpose);
        let case = self.case(changed, tell).tells(tell, Way::ByMessage, []);
        case.asks(ask, pairs).done();
    }
}
