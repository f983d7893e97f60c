//! A sentence for each thing that can differ.

use bailee_core::{DataCategory, Effect, ProviderId, RecipientId, ScopeName};
use time::Date;

use crate::{
    Country, DataOrigin, DataSet, Declaration, Necessity, Purpose, RecipientRole, Retention, Role,
};

use super::{
    super::{
        CategoryChange, Changed, ControllerChange, DataChange, DataSetChange, EndpointChange,
        IntegrationChange, Listed, Place, Presence, PurposeChange, RecipientChange, RuleChange,
        Served,
    },
    Writer,
};

impl Writer<'_> {
    /// What differs, as one sentence or two.
    pub(super) fn sentence(&self, changed: &Changed) -> String {
        match changed {
            Changed::AgeMinimum { was, is } => {
                self.turned("age_minimum", &[], &self.number(*was), &self.number(*is))
            }
            Changed::AgeOfConsent { country, was, is } => {
                let (was, is) = (self.number(*was), self.number(*is));
                match country {
                    None => self.turned("age_consent", &[], &was, &is),
                    Some(country) => {
                        let country = self.catalogue.country(*country);
                        self.turned("age_consent_in", &[("country", &country)], &was, &is)
                    }
                }
            }
            Changed::Authorities(listed) => self.listed("authority", listed),
            Changed::Category { category, what } => self.category_change(category, what),
            Changed::Controller(what) => self.controller(what),
            Changed::Data { place, name, purpose, what } => {
                let purpose = self.purpose(purpose);
                self.data(place, &[("name", name), ("purpose", &purpose)], what)
            }
            Changed::DataSet { set, what } => self.data_set(set, what),
            Changed::Endpoint { provider, endpoint, what } => {
                self.endpoint(provider, endpoint, what)
            }
            Changed::Integration { provider, what } => self.integration(provider, what),
            Changed::JointControllers(listed) => self.listed("joint", listed),
            Changed::Measures(listed) => self.listed("measure", listed),
            Changed::NeverCategory { provider, category, now } => {
                let category = self.category(category);
                match provider {
                    None => self.now("never_category", *now, &[("category", &category)]),
                    Some(provider) => {
                        let provider = self.provider(provider);
                        let places = [("category", &*category), ("provider", &*provider)];
                        self.now("never_category_at", *now, &places)
                    }
                }
            }
            Changed::NeverScope { provider, scope, now } => {
                let provider = self.provider(provider);
                self.now("never_scope", *now, &[("provider", &provider), ("scope", scope.as_str())])
            }
            Changed::NeverUse { usage, now } => {
                let usage = self.catalogue.say(&format!("use.{}", usage.word()));
                self.now("never_use", *now, &[("use", &usage)])
            }
            Changed::Operation { provider, operation, served } => {
                self.served("operation", provider, ("operation", operation), served)
            }
            Changed::PolicyDate { was, is } => {
                self.turned("policy_date", &[], &self.day(*was), &self.day(*is))
            }
            Changed::PolicyUrl { was, is } => {
                self.turned("policy_url", &[], &self.maybe(was.as_ref()), &self.maybe(is.as_ref()))
            }
            Changed::Purpose { purpose, what } => {
                let declarations = [self.diff.after(), self.diff.before()];
                let known = declarations.into_iter().find_map(|one| one.purpose(purpose));
                known.map_or_else(String::new, |purpose| self.purpose_change(purpose, what))
            }
            Changed::Read { provider, category, now } => {
                let (provider, category) = (self.provider(provider), self.category(category));
                self.now("read", *now, &[("provider", &provider), ("category", &category)])
            }
            Changed::Recipient { recipient, what } => self.recipient(recipient, what),
            Changed::RetentionRule { rule, what } => self.rule(rule, what),
            Changed::Role { was, is } => {
                let word = |role: &Role| match role {
                    Role::Controller => self.say("role_controller"),
                    Role::JointController => self.say("role_joint_controller"),
                    Role::Processor => self.say("role_processor"),
                };
                let controller = self.diff.after().controller().name.as_str();
                self.turned("role", &[("controller", controller)], &word(was), &word(is))
            }
            Changed::Scope { provider, scope, served } => {
                self.served("scope", provider, ("scope", scope.as_str()), served)
            }
        }
    }

    fn controller(&self, what: &ControllerChange) -> String {
        use ControllerChange as What;
        let controller = self.diff.after().controller().name.as_str();
        let (key, was, is) = match what {
            What::Address { was, is } => {
                ("controller_address", self.maybe(was.as_ref()), self.maybe(is.as_ref()))
            }
            What::Contact { was, is } => ("controller_contact", was.clone(), is.clone()),
            What::Country { was, is } => {
                ("controller_country", self.country(*was), self.country(*is))
            }
            What::Name { was, is } => ("controller_name", was.clone(), is.clone()),
            What::Phone { was, is } => {
                ("controller_phone", self.maybe(was.as_ref()), self.maybe(is.as_ref()))
            }
            What::ProtectionOfficer { was, is } => {
                let contact = |officer: &Option<crate::ProtectionOfficer>| {
                    self.maybe(officer.as_ref().map(|officer| &officer.contact))
                };
                ("controller_officer", contact(was), contact(is))
            }
            What::Representative { was, is } => {
                let name = |party: &Option<crate::Party>| {
                    self.maybe(party.as_ref().map(|party| &party.name))
                };
                ("controller_representative", name(was), name(is))
            }
            What::Website { was, is } => {
                ("controller_website", self.maybe(was.as_ref()), self.maybe(is.as_ref()))
            }
        };
        self.turned(key, &[("controller", controller)], &was, &is)
    }

    fn purpose_change(&self, purpose: &Purpose, what: &PurposeChange) -> String {
        use PurposeChange as What;
        let title = [("title", purpose.title.as_str())];
        match what {
            What::Added => {
                let basis = self.catalogue.basis(&purpose.basis);
                let places = [title[0], ("plain", &*purpose.plain), ("basis", &*basis)];
                self.fill("purpose_added", &places)
            }
            What::Automated { is: None, .. } => self.fill("purpose_automated_removed", &title),
            What::Automated { is: Some(is), .. } => {
                self.fill("purpose_automated", &[title[0], ("is", is.as_str())])
            }
            What::Basis { was, is } => {
                let (was, is) = (self.catalogue.basis(was), self.catalogue.basis(is));
                self.turned("purpose_basis", &title, &was, &is)
            }
            What::Condition { is: None, .. } => self.fill("purpose_condition_removed", &title),
            What::Condition { was, is } => {
                let article = |one: Option<crate::SpecialCondition>| {
                    one.map_or_else(|| self.say("none"), |one| one.article().to_owned())
                };
                self.turned("purpose_condition", &title, &article(*was), &article(*is))
            }
            What::Necessity { is, .. } => match is {
                None => self.fill("purpose_unsaid", &title),
                Some(Necessity::Optional) => self.fill("purpose_optional", &title),
                Some(Necessity::Required { consequence }) => {
                    let places = [title[0], ("consequence", consequence.as_str())];
                    self.fill("purpose_required", &places)
                }
            },
            What::Plain { was, is } => self.turned("purpose_plain", &title, was, is),
            What::Removed => self.fill("purpose_removed", &title),
            What::Title { was, is } => self.turned("purpose_title", &[], was, is),
            What::Use { was, is } => {
                let word = |usage: crate::Use| self.catalogue.say(&format!("use.{}", usage.word()));
                self.turned("purpose_use", &title, &word(*was), &word(*is))
            }
        }
    }

    fn category_change(&self, category: &DataCategory, what: &CategoryChange) -> String {
        use CategoryChange as What;
        let plain = self.category(category);
        let plain = [("plain", plain.as_str())];
        match what {
            What::Added => self.fill("category_added", &plain),
            What::Plain { was, is } => self.turned("category_plain", &[], was, is),
            What::Removed => self.fill("category_removed", &plain),
            What::Terms { was, is } => {
                let names = |terms: &[crate::DataTerm]| {
                    let names: Vec<&str> = terms.iter().map(|term| term.name()).collect();
                    if names.is_empty() { self.say("none") } else { names.join(", ") }
                };
                self.turned("category_terms", &plain, &names(was), &names(is))
            }
        }
    }

    fn rule(&self, rule: &str, what: &RuleChange) -> String {
        use RuleChange as What;
        let rule = [("rule", rule)];
        match what {
            What::Added => self.fill("retention_rule_added", &rule),
            What::Keep { was, is, .. } => {
                let (was, is) = (self.kept(*was, ""), self.kept(*is, ""));
                self.turned("retention_rule_keep", &rule, &was, &is)
            }
            What::Reason { was, is } => self.turned("retention_rule_reason", &rule, was, is),
            What::Removed => self.fill("retention_rule_removed", &rule),
        }
    }

    fn recipient(&self, recipient: &RecipientId, what: &RecipientChange) -> String {
        use RecipientChange as What;
        let declarations = [self.diff.after(), self.diff.before()];
        let known = declarations.into_iter().find_map(|one| one.recipient(recipient));
        let Some(known) = known else { return String::new() };
        let name = [("name", known.name.as_str())];
        let (key, was, is) = match what {
            What::Added => {
                let country = self.catalogue.country(known.country);
                let categories: Vec<String> =
                    known.categories.iter().map(|one| self.category(one)).collect();
                let (categories, purposes) =
                    (categories.join("; "), self.purposes(&known.purposes));
                let places = [
                    name[0],
                    ("country", country.as_str()),
                    ("categories", categories.as_str()),
                    ("purposes", purposes.as_str()),
                ];
                return self.fill("recipient_added", &places);
            }
            What::Category { category, now } => {
                let category = self.category(category);
                return self.now("recipient_category", *now, &[name[0], ("category", &category)]);
            }
            What::Field { field, now } => {
                return self.now("recipient_field", *now, &[name[0], ("field", field)]);
            }
            What::Purpose { purpose, now } => {
                let purpose = self.purpose(purpose);
                return self.now("recipient_purpose", *now, &[name[0], ("purpose", &purpose)]);
            }
            What::Removed => return self.fill("recipient_removed", &name),
            What::Contract { was, is } => {
                ("recipient_contract", self.maybe(was.as_ref()), self.maybe(is.as_ref()))
            }
            What::Country { was, is } => {
                ("recipient_country", self.country(Some(*was)), self.country(Some(*is)))
            }
            What::Name { was, is } => ("recipient_name", was.clone(), is.clone()),
            What::NoticeDays { was, is } => {
                let days = |days: Option<u16>| {
                    days.map_or_else(|| self.say("none"), |days| days.to_string())
                };
                ("recipient_notice", days(*was), days(*is))
            }
            What::Reference { was, is } => {
                ("recipient_reference", self.maybe(was.as_ref()), self.maybe(is.as_ref()))
            }
            What::Review { was, is } => ("recipient_review", self.day(*was), self.day(*is)),
            What::Role { was, is } => {
                let word = |role: RecipientRole| {
                    self.catalogue.say(match role {
                        RecipientRole::Authority => "recipients.authority",
                        RecipientRole::Controller => "recipients.controller",
                        RecipientRole::Processor => "recipients.processor",
                    })
                };
                ("recipient_role", word(*was), word(*is))
            }
            What::Safeguard { was, is } => {
                let words = |one: Option<crate::Safeguard>| {
                    one.map_or_else(|| self.say("none"), |one| self.catalogue.safeguard(one))
                };
                ("recipient_safeguard", words(*was), words(*is))
            }
            What::Service { was, is } => {
                ("recipient_service", self.maybe(was.as_ref()), self.maybe(is.as_ref()))
            }
            What::Since { was, is } => ("recipient_since", self.day(*was), self.day(*is)),
            What::Supplementary { was, is } => {
                ("recipient_supplementary", self.maybe(was.as_ref()), self.maybe(is.as_ref()))
            }
        };
        self.turned(key, &name, &was, &is)
    }

    fn integration(&self, provider: &ProviderId, what: &IntegrationChange) -> String {
        let title = self.provider(provider);
        let places = [("provider", title.as_str())];
        match what {
            IntegrationChange::Added => {
                let integration = self.diff.after().integration(provider);
                let purposes = integration.map(|one| one.purposes()).unwrap_or_default();
                let purposes = self.purposes(purposes);
                self.fill("integration_added", &[places[0], ("purposes", &purposes)])
            }
            IntegrationChange::Recipient { was, is } => {
                let name = |declaration: &Declaration, id: &RecipientId| {
                    let known = declaration.recipient(id);
                    known.map_or_else(|| id.to_string(), |recipient| recipient.name.clone())
                };
                let (was, is) = (name(self.diff.before(), was), name(self.diff.after(), is));
                self.turned("integration_recipient", &places, &was, &is)
            }
            IntegrationChange::Removed => self.fill("integration_removed", &places),
        }
    }

    fn endpoint(&self, provider: &ProviderId, endpoint: &str, what: &EndpointChange) -> String {
        use EndpointChange as What;
        let title = self.provider(provider);
        let places = [("provider", title.as_str()), ("endpoint", endpoint)];
        match what {
            What::Added | What::Removed => {
                let known = self.diff.after().integration(provider);
                let known = known.into_iter().flat_map(|one| &one.endpoints);
                let known = known.filter(|one| one.name == endpoint);
                let is = known.flat_map(|one| one.purposes.iter().cloned()).collect();
                let served = Served { was: Default::default(), is };
                self.served("operation", provider, ("operation", endpoint), &served)
            }
            What::Credential { .. } => self.fill("endpoint_credential", &places),
            What::Effect { is: Effect::Read, .. } => self.fill("endpoint_effect_read", &places),
            What::Effect { .. } => self.fill("endpoint_effect_writes", &places),
            What::Method { was, is } | What::Path { was, is } => {
                self.turned("endpoint_request", &places, was, is)
            }
            What::Reads { category, now } => {
                let category = self.category(category);
                let places = [places[0], places[1], ("category", &*category)];
                self.now("endpoint_reads", *now, &places)
            }
            What::Scopes { was, is } => {
                let names = |scopes: &[ScopeName]| {
                    let names: Vec<&str> = scopes.iter().map(ScopeName::as_str).collect();
                    if names.is_empty() { self.say("none") } else { names.join(", ") }
                };
                self.turned("endpoint_scopes", &places, &names(was), &names(is))
            }
            What::Sends { category, now } => {
                let category = self.category(category);
                let places = [places[0], places[1], ("category", &*category)];
                self.now("endpoint_sends", *now, &places)
            }
            What::Served(served) => {
                self.served("operation", provider, ("operation", endpoint), served)
            }
        }
    }

    fn data(&self, place: &Place, row: &[(&str, &str); 2], what: &DataChange) -> String {
        use DataChange as What;
        let (title, provider) = match place {
            Place::DataSet(set) => (self.set(set), String::new()),
            Place::Integration(provider) => (self.provider(provider), self.provider(provider)),
        };
        let places = [("place", title.as_str()), row[0], row[1]];
        match what {
            What::Added { category, kept } => {
                let (category, kept) = (self.category(category), self.kept(*kept, &provider));
                let more = [("category", category.as_str()), ("kept", kept.as_str())];
                self.fill("data_added", &[places.as_slice(), &more].concat())
            }
            What::Category { was, is } => {
                self.turned("data_category", &places, &self.category(was), &self.category(is))
            }
            What::Kept { was, is, .. } => {
                let (was, is) = (self.kept(*was, &provider), self.kept(*is, &provider));
                self.turned("data_kept", &places, &was, &is)
            }
            What::Removed => self.fill("data_removed", &places),
            What::Rule { was, is } => {
                let (was, is) = (self.maybe(was.as_ref()), self.maybe(is.as_ref()));
                self.turned("data_rule", &places, &was, &is)
            }
        }
    }

    fn data_set(&self, set: &str, what: &DataSetChange) -> String {
        use DataSetChange as What;
        let title = self.set(set);
        let places = [("title", title.as_str())];
        match what {
            What::Added => self.fill("data_set_added", &places),
            What::Origin { was, is } => {
                let words = |origin: &DataOrigin| match origin {
                    DataOrigin::Derived => self.catalogue.say("data.derived"),
                    DataOrigin::Inferred => self.catalogue.say("data.inferred"),
                    DataOrigin::Observed => self.catalogue.say("data.observed"),
                    DataOrigin::Obtained { from } => {
                        self.catalogue.fill("data.obtained", &[("from", from)])
                    }
                    DataOrigin::Provided => self.catalogue.say("data.provided"),
                };
                self.turned("data_set_origin", &places, &words(was), &words(is))
            }
            What::Removed => self.fill("data_set_removed", &places),
            What::Title { was, is } => self.turned("data_set_title", &[], was, is),
        }
    }

    fn served(
        &self,
        key: &str,
        provider: &ProviderId,
        what: (&str, &str),
        served: &Served,
    ) -> String {
        let provider = self.provider(provider);
        let (was, is) = (self.purposes(&served.was), self.purposes(&served.is));
        let places = [("provider", provider.as_str()), what, ("purposes", &is), ("was", &was)];
        let turn = match (served.was.is_empty(), served.is.is_empty()) {
            (_, true) => "removed",
            (true, false) => "added",
            (false, false) => "moved",
        };
        self.fill(&format!("{key}_{turn}"), &places)
    }

    fn listed(&self, key: &str, listed: &Listed) -> String {
        let controller = self.diff.after().controller().name.as_str();
        let (turn, name) = match listed {
            Listed::Added(name) => ("added", name.as_str()),
            Listed::Details(name) => ("details", name.as_str()),
            Listed::Order => ("order", ""),
            Listed::Removed(name) => ("removed", name.as_str()),
        };
        self.fill(&format!("{key}_{turn}"), &[("name", name), ("controller", controller)])
    }

    fn now(&self, key: &str, now: Presence, places: &[(&str, &str)]) -> String {
        let turn = match now {
            Presence::Added => "added",
            Presence::Removed => "removed",
        };
        self.fill(&format!("{key}_{turn}"), places)
    }

    fn turned(&self, key: &str, places: &[(&str, &str)], was: &str, is: &str) -> String {
        self.fill(key, &[places, &[("was", was), ("is", is)]].concat())
    }

    fn category(&self, category: &DataCategory) -> String {
        let declarations = [self.diff.after(), self.diff.before()];
        let plain = declarations.into_iter().find_map(|one| one.category(category));
        plain.unwrap_or(category.as_str()).to_owned()
    }

    fn set(&self, set: &str) -> String {
        let declarations = [self.diff.after(), self.diff.before()];
        let known: Option<&DataSet> = declarations.into_iter().find_map(|one| one.data_set(set));
        known.map_or_else(|| set.to_owned(), |set| set.title.clone())
    }

    fn kept(&self, retention: Retention, provider: &str) -> String {
        self.catalogue.retention(retention, provider)
    }

    fn country(&self, country: Option<Country>) -> String {
        country.map_or_else(|| self.say("none"), |country| self.catalogue.country(country))
    }

    fn day(&self, day: Option<Date>) -> String {
        day.map_or_else(|| self.say("none"), |day| self.catalogue.date(day))
    }

    fn number(&self, number: Option<u8>) -> String {
        number.map_or_else(|| self.say("none"), |number| number.to_string())
    }

    fn maybe(&self, text: Option<&String>) -> String {
        text.cloned().unwrap_or_else(|| self.say("none"))
    }
}
