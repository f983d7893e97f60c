//! The parts that texts are put together from.

use std::collections::BTreeSet;

use bailee_core::DataCategory;

use crate::{
    DataItem, DataOrigin, Integration, LegalBasis, Necessity, ProhibitedUse, Purpose, Recipient,
    RecipientRole, Role, Use,
};

use super::{Document, Line, Texts};

impl Texts {
    pub(super) fn who(&self, document: &mut Document) {
        let controller = self.declaration.controller();
        document.heading(self.say("who.heading"));
        let role = match self.declaration.role() {
            Role::Controller => "who.controller",
            Role::JointController => "who.joint",
            Role::Processor => "who.processor",
        };
        document.say(self.fill(role, &[("controller", &controller.name)]));
        let mut lines = Vec::new();
        if let Some(address) = &controller.address {
            lines.push(Line::text(self.fill("who.address", &[("address", address)])));
        }
        if let Some(country) = controller.country {
            let country = self.catalogue.country(country);
            lines.push(Line::text(self.fill("who.country", &[("country", &country)])));
        }
        lines.push(Line::text(self.say("who.contact")).contact(&controller.contact));
        if let Some(website) = &controller.website {
            lines.push(Line::text(self.say("who.website")).contact(website));
        }
        if let Some(officer) = &controller.protection_officer {
            let line = Line::text(self.say("who.officer"));
            let line = match &officer.name {
                Some(name) => Line::text(format!("{}{name}, ", self.say("who.officer"))),
                None => line,
            };
            lines.push(line.contact(&officer.contact));
        }
        if let Some(party) = &controller.representative {
            lines.push(self.party("who.representative", party));
        }
        for party in self.declaration.joint_controllers() {
            lines.push(self.party("who.together", party));
        }
        document.list(lines);
    }

    fn party(&self, key: &str, party: &crate::Party) -> Line {
        let mut text = self.fill(key, &[("name", &party.name)]);
        if let Some(address) = &party.address {
            text.push_str(", ");
            text.push_str(address);
        }
        text.push_str(", ");
        Line::text(text).contact(&party.contact)
    }

    pub(super) fn why(&self, document: &mut Document) {
        document.heading(self.say("why.heading"));
        let columns = ["why.purpose", "why.what", "why.basis", "why.choice"];
        let rows = self.declaration.purposes().map(|purpose| {
            let choice = match &purpose.necessity {
                None => self.say("why.unsaid"),
                Some(Necessity::Optional) => self.say("why.optional"),
                Some(Necessity::Required { consequence }) => {
                    self.fill("why.required", &[("consequence", consequence)])
                }
            };
            vec![
                Line::text(&purpose.title),
                Line::text(&purpose.plain),
                self.basis(purpose),
                Line::text(choice),
            ]
        });
        document.table(self.columns(&columns), rows.collect());
    }

    pub(super) fn basis(&self, purpose: &Purpose) -> Line {
        let basis =
            format!("{} ({})", self.catalogue.basis(&purpose.basis), purpose.basis.article());
        let line = Line::text(basis);
        match purpose.condition {
            Some(condition) => {
                line.and(self.fill("why.condition", &[("article", condition.article())]))
            }
            None => line,
        }
    }

    pub(super) fn columns(&self, keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| self.say(key)).collect()
    }

    /// The host's own sets of data.
    pub(super) fn own_data(&self, document: &mut Document) {
        if self.declaration.data_sets().next().is_none() {
            return;
        }
        document.heading(self.say("data.heading"));
        for set in self.declaration.data_sets() {
            document.subheading(&set.title);
            document.say(match &set.origin {
                DataOrigin::Derived => self.say("data.derived"),
                DataOrigin::Inferred => self.say("data.inferred"),
                DataOrigin::Observed => self.say("data.observed"),
                DataOrigin::Obtained { from } => self.fill("data.obtained", &[("from", from)]),
                DataOrigin::Provided => self.say("data.provided"),
            });
            self.rows(document, &set.data, "");
        }
    }

    /// The table of data, purpose and retention.
    fn rows(&self, document: &mut Document, data: &[DataItem], provider: &str) {
        let columns = ["data.data", "data.category", "data.purpose", "data.kept"];
        let rows = data.iter().map(|item| {
            vec![
                Line::text(&item.name),
                Line::text(self.category(&item.category)),
                Line::text(self.title_of_purpose(item)),
                Line::text(self.kept(item, provider)),
            ]
        });
        document.table(self.columns(&columns), rows.collect());
    }

    fn title_of_purpose(&self, item: &DataItem) -> String {
        let purpose = self.declaration.purpose(&item.purpose);
        purpose.map_or_else(|| item.purpose.to_string(), |purpose| purpose.title.clone())
    }

    /// How long something is kept, with the reason where a rule gives one.
    pub(crate) fn kept(&self, item: &DataItem, provider: &str) -> String {
        let kept = self.catalogue.retention(item.retention, provider);
        let rule = item.rule.as_deref();
        let rule = rule.and_then(|name| {
            self.declaration.retention().find(|(known, _)| *known == name).map(|(_, rule)| rule)
        });
        match rule {
            Some(rule) => self.fill("data.reason", &[("kept", &kept), ("reason", &rule.reason)]),
            None => kept,
        }
    }

    pub(super) fn category(&self, category: &DataCategory) -> String {
        self.declaration.category(category).unwrap_or(category.as_str()).to_owned()
    }

    pub(super) fn categories<'a>(
        &self,
        categories: impl IntoIterator<Item = &'a DataCategory>,
    ) -> String {
        let words: Vec<String> = categories.into_iter().map(|one| self.category(one)).collect();
        words.join("; ")
    }

    /// The accounts that can be connected.
    pub(super) fn connected(&self, document: &mut Document) {
        if self.declaration.integrations().next().is_none() {
            return;
        }
        document.heading(self.say("connected.heading"));
        document.say(self.say("connected.intro"));
        for integration in self.declaration.integrations() {
            self.integration(document, integration);
        }
    }

    fn integration(&self, document: &mut Document, integration: &Integration) {
        let title = self.title_of(&integration.provider);
        let provider = [("provider", title.as_str())];
        document.subheading(&title);
        document.say(self.fill("connected.provided", &provider));
        self.rows(document, &integration.data, &title);

        let facts = self.providers.get(&integration.provider);
        let may = integration.scopes.keys().map(|scope| {
            let known = facts.and_then(|facts| facts.scopes.iter().find(|one| one.name == *scope));
            match known {
                Some(known) => {
                    let places = [("plain", known.plain.as_str()), ("scope", scope.as_str())];
                    Line::text(self.fill("connected.may", &places))
                }
                None => Line::text(scope.as_str()),
            }
        });
        let may: Vec<Line> = may.collect();
        if !may.is_empty() {
            document.say(self.fill("connected.may_heading", &provider));
            document.list(may);
        }
        if !integration.reads.is_empty() {
            let reads = self.categories(&integration.reads);
            document.say(self.fill("connected.reads", &[("categories", &reads)]));
        }
        if !integration.never_categories.is_empty() {
            let never = self.categories(&integration.never_categories);
            document.say(self.fill("connected.never_categories", &[("categories", &never)]));
        }
        if !integration.never_scopes.is_empty() {
            let never: Vec<&str> =
                integration.never_scopes.iter().map(|one| one.as_str()).collect();
            document.say(self.fill("connected.never_scopes", &[("scopes", &never.join(", "))]));
        }
        document.say(self.say("connected.leave_heading"));
        let leave = match facts.and_then(|facts| facts.revokes) {
            Some(true) => "connected.leave_revoked",
            Some(false) => "connected.leave_alone",
            None => "connected.leave_here",
        };
        document.say(self.fill(leave, &provider));
        let Some(facts) = facts else { return };
        if !facts.steps.is_empty() {
            document.say(self.fill("connected.leave_there", &provider));
            document.steps(facts.steps.iter().map(Line::text).collect());
        }
        if !facts.terms.is_empty() {
            document.say(self.fill("connected.terms_heading", &provider));
            let terms = facts.terms.iter().map(|terms| match &terms.when {
                Some(when) => Line::text(format!("{}, {when}: ", terms.title)).contact(&terms.url),
                None => Line::text(format!("{}: ", terms.title)).contact(&terms.url),
            });
            document.list(terms.collect());
        }
    }

    pub(super) fn recipients(&self, document: &mut Document) {
        if self.declaration.recipients().next().is_none() {
            return;
        }
        document.heading(self.say("recipients.heading"));
        document.say(self.say("recipients.intro"));
        let columns =
            ["recipients.name", "recipients.service", "recipients.data", "recipients.place"];
        let rows = self.declaration.recipients().map(|recipient| self.recipient(recipient));
        document.table(self.columns(&columns), rows.collect());
        // It is said of all who work for us, so each of them has to have one.
        let processors =
            self.declaration.recipients().filter(|one| one.role == RecipientRole::Processor);
        let notices: Option<Vec<u16>> = processors.map(|one| one.notice_days).collect();
        if let Some(days) = notices.unwrap_or_default().into_iter().min() {
            document.say(self.fill("recipients.notice", &[("days", &days.to_string())]));
        }
    }

    fn recipient(&self, recipient: &Recipient) -> Vec<Line> {
        let role = match recipient.role {
            RecipientRole::Authority => "recipients.authority",
            RecipientRole::Controller => "recipients.controller",
            RecipientRole::Processor => "recipients.processor",
        };
        let purposes = recipient.purposes.iter().filter_map(|id| self.declaration.purpose(id));
        let titles: Vec<&str> = purposes.map(|purpose| purpose.title.as_str()).collect();
        let mut service = match &recipient.service {
            Some(service) => Line::text(format!("{service}; {}", self.say(role))),
            None => Line::text(format!("{}; {}", titles.join(", "), self.say(role))),
        };
        if let Some(contract) = &recipient.contract {
            let contract = self.fill("recipients.contract", &[("contract", contract)]);
            service = Line(service.0).and(format!("— {contract}"));
        }
        let mut data = Line::text(self.categories(&recipient.categories));
        if !recipient.fields.is_empty() {
            let fields: Vec<&str> = recipient.fields.iter().map(String::as_str).collect();
            let fields = self.fill("recipients.fields", &[("fields", &fields.join(", "))]);
            data = data.and(format!("— {fields}"));
        }
        let country = Line::text(self.catalogue.country(recipient.country));
        vec![Line::text(&recipient.name), service, data, country]
    }

    pub(super) fn transfers(&self, document: &mut Document) {
        document.heading(self.say("transfers.heading"));
        let outside: Vec<&Recipient> =
            self.declaration.recipients().filter(|one| !one.country.is_in_eea()).collect();
        if outside.is_empty() {
            document.say(self.say("transfers.none"));
            return;
        }
        document.say(self.say("transfers.intro"));
        let columns = ["transfers.name", "transfers.country", "transfers.safeguard"];
        let rows = outside.into_iter().map(|recipient| {
            vec![
                Line::text(&recipient.name),
                Line::text(self.catalogue.country(recipient.country)),
                self.safeguard(recipient),
            ]
        });
        document.table(self.columns(&columns), rows.collect());
    }

    pub(super) fn safeguard(&self, recipient: &Recipient) -> Line {
        let Some(safeguard) = recipient.safeguard else { return Line::default() };
        let safeguard_words = self.catalogue.safeguard(safeguard);
        let places = [("safeguard", safeguard_words.as_str()), ("article", safeguard.article())];
        let mut line = Line::text(self.fill("transfers.article", &places));
        if let Some(reference) = &recipient.reference {
            line = line.and("").link(&self.say("transfers.copy"), reference);
        }
        match &recipient.supplementary {
            Some(measures) => {
                line.and(self.fill("transfers.supplementary", &[("measures", measures)]))
            }
            None => line,
        }
    }

    pub(super) fn security(&self, document: &mut Document) {
        if self.declaration.measures().is_empty() {
            return;
        }
        document.heading(self.say("security.heading"));
        document.list(self.declaration.measures().iter().map(Line::text).collect());
    }

    /// The rights that the declared legal bases give.
    pub(super) fn rights(&self, document: &mut Document) {
        let rests_on = |wanted: fn(&LegalBasis) -> bool| {
            self.declaration.purposes().any(|purpose| wanted(&purpose.basis))
        };
        let consent = rests_on(|basis| matches!(basis, LegalBasis::Consent));
        let contract = rests_on(|basis| matches!(basis, LegalBasis::Contract));
        let weighed = rests_on(|basis| {
            matches!(basis, LegalBasis::LegitimateInterests { .. } | LegalBasis::PublicTask { .. })
        });
        let marketing = self.declaration.purposes().any(|one| one.usage == Use::Marketing);
        let machines = self.declaration.purposes().any(|one| one.automated.is_some());
        let rights = [
            ("rights.access", true),
            ("rights.rectification", true),
            ("rights.erasure", true),
            ("rights.restriction", true),
            ("rights.portability", consent || contract),
            ("rights.objection", weighed),
            ("rights.marketing", marketing),
            ("rights.withdrawal", consent),
            ("rights.automated", machines),
        ];
        document.heading(self.say("rights.heading"));
        document.say(self.say("rights.intro"));
        let given = rights.iter().filter(|(_, given)| *given);
        document.list(given.map(|(key, _)| Line::text(self.say(key))).collect());
        let controller = self.declaration.controller();
        document.paragraph(Line::text(self.say("rights.how")).contact(&controller.contact));
        document.subheading(self.say("rights.complaint_heading"));
        document.say(self.say("rights.complaint"));
        let authorities = self.declaration.authorities().iter().map(|authority| {
            let country = authority.country.map(|country| self.catalogue.country(country));
            let places =
                [("name", authority.name.as_str()), ("country", country.as_deref().unwrap_or(""))];
            Line::text(self.fill("rights.authority", &places)).contact(&authority.contact)
        });
        document.list(authorities.collect());
    }

    pub(super) fn automated(&self, document: &mut Document) {
        document.heading(self.say("why.automated_heading"));
        let decisions = self.declaration.purposes().filter_map(|purpose| {
            let logic = purpose.automated.as_deref()?;
            let places = [("title", purpose.title.as_str()), ("logic", logic)];
            Some(Line::text(self.fill("why.automated", &places)))
        });
        let decisions: Vec<Line> = decisions.collect();
        if decisions.is_empty() {
            document.say(self.say("why.automated_none"));
        }
        document.list(decisions);
    }

    pub(super) fn children(&self, document: &mut Document) {
        let Some(limits) = self.declaration.age() else { return };
        document.heading(self.say("children.heading"));
        document.say(self.fill("children.minimum", &[("age", &limits.minimum.to_string())]));
        let countries = limits.countries.iter().map(|(country, age)| {
            let (country, age) = (self.catalogue.country(*country), age.to_string());
            self.fill("children.country", &[("country", &country), ("age", &age)])
        });
        let countries: Vec<String> = countries.collect();
        let (age, countries) = (limits.consent.to_string(), countries.join(", "));
        let key = if countries.is_empty() { "children.consent_alone" } else { "children.consent" };
        document.say(self.fill(key, &[("age", &age), ("countries", &countries)]));
    }

    pub(super) fn never(&self, document: &mut Document) {
        document.heading(self.say("never.heading"));
        let never = self.declaration.never();
        let mut lines: Vec<Line> = ProhibitedUse::ALL
            .iter()
            .map(|prohibited| match prohibited {
                ProhibitedUse::SellData => Line::text(self.say("never.sell")),
                ProhibitedUse::TrainPublicModels => Line::text(self.say("never.train")),
            })
            .collect();
        let uses: BTreeSet<&str> = never.uses.iter().map(|one| one.word()).collect();
        for word in uses {
            let usage = self.say(&format!("use.{word}"));
            lines.push(Line::text(self.fill("never.use", &[("use", &usage)])));
        }
        if !never.categories.is_empty() {
            let categories = self.categories(&never.categories);
            lines.push(Line::text(self.fill("never.categories", &[("categories", &categories)])));
        }
        document.list(lines);
    }
}
