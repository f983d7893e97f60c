//! Who answers for the service, what it promises, and what stands around it.

use crate::{AgeLimits, Controller, Never, Party, Policy, ProtectionOfficer, Role};

use super::{
    super::{Changed, ControllerChange, Listed, Presence, Reason, Way},
    Comparison, pairs_of, turns,
};

impl Comparison<'_> {
    pub(super) fn role(&mut self, was: Role, is: Role) {
        if was != is {
            self.tell_everybody(Changed::Role { was, is }, Reason::Identity, Way::ByMessage);
        }
    }

    pub(super) fn controller(&mut self, old: &Controller, new: &Controller) {
        use ControllerChange as What;
        let Controller {
            name,
            contact,
            phone,
            address,
            country,
            website,
            representative,
            protection_officer,
        } = old;
        if *name != new.name {
            let what = What::Name { was: name.clone(), is: new.name.clone() };
            self.tell_everybody(Changed::Controller(what), Reason::Identity, Way::ByMessage);
        }
        if *contact != new.contact {
            let what = What::Contact { was: contact.clone(), is: new.contact.clone() };
            self.tell_everybody(Changed::Controller(what), Reason::Contact, Way::ByMessage);
        }
        if *phone != new.phone {
            let what = What::Phone { was: phone.clone(), is: new.phone.clone() };
            self.note(Changed::Controller(what), Reason::Contact);
        }
        if *address != new.address {
            let what = What::Address { was: address.clone(), is: new.address.clone() };
            self.tell_everybody(Changed::Controller(what), Reason::Contact, Way::InApplication);
        }
        if *country != new.country {
            let what = What::Country { was: *country, is: new.country };
            self.tell_everybody(Changed::Controller(what), Reason::Identity, Way::ByMessage);
        }
        if *website != new.website {
            let what = What::Website { was: website.clone(), is: new.website.clone() };
            self.note(Changed::Controller(what), Reason::Technical);
        }
        if *representative != new.representative {
            let (was, is) = (representative.clone(), new.representative.clone());
            let what = Changed::Controller(What::Representative { was, is });
            self.tell_everybody(what, Reason::Identity, Way::InApplication);
        }
        if *protection_officer != new.protection_officer {
            let contact = |officer: &Option<ProtectionOfficer>| {
                officer.as_ref().map(|ProtectionOfficer { name: _, contact }| contact.clone())
            };
            let only_name = contact(protection_officer) == contact(&new.protection_officer);
            let (was, is) = (protection_officer.clone(), new.protection_officer.clone());
            let what = Changed::Controller(What::ProtectionOfficer { was, is });
            if only_name {
                self.note(what, Reason::Technical);
            } else {
                self.tell_everybody(what, Reason::Contact, Way::InApplication);
            }
        }
    }

    pub(super) fn joint_controllers(&mut self, old: &[Party], new: &[Party]) {
        for listed in listed(old, new, |party| &party.name) {
            let changed = Changed::JointControllers(listed.clone());
            let why = Reason::JointControllers;
            match listed {
                Listed::Added(_) => {
                    // Whoever relies on a consent is named when it is asked for.
                    let pairs = self.everywhere_of(self.new.purposes.keys());
                    let case = self.case(changed, why).asks(Reason::Consent, pairs);
                    case.everybody(why, Way::ByMessage).done();
                }
                Listed::Details(_) | Listed::Removed(_) => {
                    self.tell_everybody(changed, why, Way::InApplication);
                }
                Listed::Order => self.note(changed, Reason::Technical),
            }
        }
    }

    pub(super) fn authorities(&mut self, old: &[Party], new: &[Party]) {
        for listed in listed(old, new, |party| &party.name) {
            self.note(Changed::Authorities(listed), Reason::Technical);
        }
    }

    pub(super) fn measures(&mut self, old: &[String], new: &[String]) {
        for listed in listed(old, new, |measure| measure) {
            let weaker = matches!(listed, Listed::Details(_) | Listed::Removed(_));
            let changed = Changed::Measures(listed);
            if weaker {
                self.tell_everybody(changed, Reason::Promise, Way::InApplication);
            } else {
                self.note(changed, Reason::Technical);
            }
        }
    }

    pub(super) fn policy(&mut self, old: Option<&Policy>, new: Option<&Policy>) {
        let apart = |policy: Option<&Policy>| match policy {
            Some(Policy { url, effective }) => (Some(url.clone()), Some(*effective)),
            None => (None, None),
        };
        let ((url, date), (new_url, new_date)) = (apart(old), apart(new));
        if date != new_date {
            self.note(Changed::PolicyDate { was: date, is: new_date }, Reason::Technical);
        }
        if url != new_url {
            self.note(Changed::PolicyUrl { was: url, is: new_url }, Reason::Technical);
        }
    }

    pub(super) fn age(&mut self, old: Option<&AgeLimits>, new: Option<&AgeLimits>) {
        let apart = |limits: Option<&AgeLimits>| match limits {
            // Whether an unknown age is let through is no field of its own in a declaration.
            Some(AgeLimits { minimum, consent, countries, unknown_is_young: _ }) => {
                (Some(*minimum), Some(*consent), countries.clone())
            }
            None => Default::default(),
        };
        let (old, new) = (apart(old), apart(new));
        let mut tell = |changed| self.tell_everybody(changed, Reason::Ages, Way::InApplication);
        if old.0 != new.0 {
            tell(Changed::AgeMinimum { was: old.0, is: new.0 });
        }
        if old.1 != new.1 {
            tell(Changed::AgeOfConsent { country: None, was: old.1, is: new.1 });
        }
        for (country, was, is) in pairs_of(&old.2, &new.2).filter(|(_, was, is)| was != is) {
            let (was, is) = (was.copied(), is.copied());
            tell(Changed::AgeOfConsent { country: Some(*country), was, is });
        }
    }

    pub(super) fn never(&mut self, old: &Never, new: &Never) {
        let Never { uses, categories } = old;
        for (usage, now) in turns(uses, &new.uses) {
            self.promise(Changed::NeverUse { usage: *usage, now }, now);
        }
        for (category, now) in turns(categories, &new.categories) {
            let category = category.clone();
            self.promise(Changed::NeverCategory { provider: None, category, now }, now);
        }
    }

    /// What is excluded now is a promise more; what no longer is was one.
    fn promise(&mut self, changed: Changed, now: Presence) {
        match now {
            Presence::Added => self.note(changed, Reason::Narrower),
            Presence::Removed => self.tell_everybody(changed, Reason::Promise, Way::ByMessage),
        }
    }
}

/// What differs between two lists. Entries of one name that differ are one entry whose details do.
fn listed<T: PartialEq>(old: &[T], new: &[T], name: impl Fn(&T) -> &String) -> Vec<Listed> {
    if old == new {
        return Vec::new();
    }
    // An entry may stand there twice.
    let mut went: Vec<&T> = old.iter().collect();
    let mut came: Vec<&T> = Vec::new();
    for entry in new {
        match went.iter().position(|known| *known == entry) {
            Some(n) => drop(went.remove(n)),
            None => came.push(entry),
        }
    }
    if went.is_empty() && came.is_empty() {
        return vec![Listed::Order];
    }
    let mut found = Vec::new();
    for entry in came {
        let same = went.iter().position(|known| name(known) == name(entry));
        found.push(match same {
            Some(n) => {
                went.remove(n);
                Listed::Details(name(entry).clone())
            }
            None => Listed::Added(name(entry).clone()),
        });
    }
    found.extend(went.into_iter().map(|entry| Listed::Removed(name(entry).clone())));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_differ_by_what_came_went_changed_or_moved() {
        let of = |old: &[(&str, u8)], new: &[(&str, u8)]| {
            let owned = |list: &[(&str, u8)]| -> Vec<(String, u8)> {
                list.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect()
            };
            listed(&owned(old), &owned(new), |entry| &entry.0)
        };
        let (a, b) = (String::from("a"), String::from("b"));
        assert_eq!(of(&[("a", 1)], &[("a", 1)]), []);
        assert_eq!(of(&[("a", 1), ("b", 1)], &[("b", 1), ("a", 1)]), [Listed::Order]);
        assert_eq!(of(&[("a", 1)], &[("a", 2)]), [Listed::Details(a.clone())]);
        assert_eq!(of(&[("a", 1)], &[("a", 1), ("a", 1)]), [Listed::Added(a.clone())]);
        let moved = of(&[("a", 1)], &[("b", 1)]);
        assert_eq!(moved, [Listed::Added(b), Listed::Removed(a)]);
    }
}
