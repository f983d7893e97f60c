//! A purpose with all that is declared for it: what DPV calls a process.

use bailee_audit::Json;
use bailee_core::ProviderId;

use super::{country, iri, node, terms};
use crate::{DataItem, DataOrigin, Integration, LegalBasis, Necessity, Purpose, Recipient, Texts};

/// What of a purpose is said.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subset<'a> {
    /// Everything.
    All,
    /// What goes through an integration, or through none, with those who receive it.
    Through(Option<&'a ProviderId>),
}

impl Subset<'_> {
    fn has(self, integration: Option<&ProviderId>) -> bool {
        match self {
            Self::All => true,
            Self::Through(through) => through == integration,
        }
    }
}

impl Texts {
    /// A purpose as a process.
    pub(crate) fn process(&self, purpose: &Purpose, subset: Subset<'_>) -> Json {
        let mut members = vec![
            ("@id", Json::from(format!("#process/{}", purpose.id))),
            ("dpv:hasPurpose", self.purpose_node(purpose)),
            ("dpv:hasLegalBasis", basis(purpose)),
            ("dpv:hasRight", Json::array(terms::rights(purpose).into_iter().map(iri))),
        ];
        let data = self.data_of(purpose, subset);
        let recipients: Vec<Json> =
            self.recipients_of(purpose, subset).map(|one| self.recipient_node(one)).collect();
        let mut processing = vec!["dpv:Use"];
        if !data.is_empty() {
            processing.extend(["dpv:Collect", "dpv:Store"]);
        }
        if !recipients.is_empty() {
            processing.push("dpv:DiscloseByTransmission");
        }
        members.push(("dpv:hasProcessing", Json::array(processing.into_iter().map(iri))));
        if !data.is_empty() {
            members.push(("dpv:hasPersonalData", Json::Array(data)));
        }
        if !recipients.is_empty() {
            members.push(("dpv:hasRecipient", Json::Array(recipients)));
        }
        match &purpose.necessity {
            None => {}
            Some(Necessity::Optional) => members.push(("dpv:hasNecessity", iri("dpv:Optional"))),
            Some(Necessity::Required { consequence }) => {
                let why = [("dct:description", Json::from(consequence.as_str()))];
                members.push(("dpv:hasNecessity", node(&["dpv:Required"], why)));
            }
        }
        node(&["dpv:Process"], members)
    }

    pub(crate) fn purpose_node(&self, purpose: &Purpose) -> Json {
        node(
            &["dpv:Purpose", terms::purpose(purpose.usage)],
            [
                ("@id", Json::from(format!("#purpose/{}", purpose.id))),
                ("dct:title", purpose.title.as_str().into()),
                ("dct:description", purpose.plain.as_str().into()),
            ],
        )
    }

    /// The integrations that a purpose has data through.
    pub(crate) fn integrations_of<'t>(
        &'t self,
        subset: Subset<'t>,
    ) -> impl Iterator<Item = &'t Integration> {
        let all = self.declaration().integrations();
        all.filter(move |one| subset.has(Some(&one.provider)))
    }

    /// Those who receive data for a purpose: through an integration its provider, and whoever works for
    /// us or has to be told in any case.
    pub(crate) fn recipients_of<'t>(
        &'t self,
        purpose: &'t Purpose,
        subset: Subset<'t>,
    ) -> impl Iterator<Item = &'t Recipient> {
        let receives = |one: &&Recipient| one.purposes.contains(&purpose.id);
        self.declaration().recipients().filter(receives).filter(move |one| {
            let mut own = self
                .declaration()
                .integrations()
                .filter(|integration| integration.recipient == one.id)
                .peekable();
            own.peek().is_none() || own.any(|integration| subset.has(Some(&integration.provider)))
        })
    }

    /// The data that is kept for a purpose, with what is said of it.
    fn data_of(&self, purpose: &Purpose, subset: Subset<'_>) -> Vec<Json> {
        let mut data = Vec::new();
        for integration in self.integrations_of(subset) {
            let title = self.title_of(&integration.provider);
            let collected = DataOrigin::Obtained { from: title.clone() };
            for item in integration.data.iter().filter(|item| item.purpose == purpose.id) {
                data.push(self.item_node(item, &collected, &title));
            }
        }
        let sets = self.declaration().data_sets().filter(|_| subset.has(None));
        for set in sets {
            for item in set.data.iter().filter(|item| item.purpose == purpose.id) {
                data.push(self.item_node(item, &set.origin, ""));
            }
        }
        data
    }

    /// What is kept for a purpose and how long, in words.
    pub(crate) fn kept_for(&self, purpose: &Purpose, subset: Subset<'_>) -> Vec<String> {
        let mut kept = Vec::new();
        let mut say = |item: &DataItem, title: &str| {
            if item.purpose == purpose.id {
                kept.push(format!("{}: {}", item.name, self.kept(item, title)));
            }
        };
        for integration in self.integrations_of(subset) {
            let title = self.title_of(&integration.provider);
            integration.data.iter().for_each(|item| say(item, &title));
        }
        let sets = self.declaration().data_sets().filter(|_| subset.has(None));
        sets.flat_map(|set| &set.data).for_each(|item| say(item, ""));
        kept
    }

    fn item_node(&self, item: &DataItem, origin: &DataOrigin, provider: &str) -> Json {
        let category = self.declared_category(&item.category);
        let data_terms: Vec<String> = category
            .iter()
            .flat_map(|category| &category.terms)
            .map(|term| format!("pd:{}", term.name()))
            .collect();
        let mut kinds = vec!["dpv:PersonalData"];
        kinds.extend(data_terms.iter().map(String::as_str));
        kinds.push(terms::origin(origin));
        if category.is_some_and(crate::Category::is_special) {
            kinds.push("dpv:SpecialCategoryPersonalData");
        }
        let mut members = vec![
            ("dct:title", Json::from(item.name.as_str())),
            ("dpv:hasStorageCondition", self.storage(item, provider)),
        ];
        if let Some(category) = category {
            members.push(("dct:description", category.plain.as_str().into()));
        }
        if let DataOrigin::Obtained { from } = origin {
            let source = Json::object([("dpv:hasName", Json::from(from.as_str()))]);
            members.push(("dpv:hasDataSource", source));
        }
        node(&kinds, members)
    }

    fn storage(&self, item: &DataItem, provider: &str) -> Json {
        let words = ("dct:description", Json::from(self.kept(item, provider)));
        let duration = match terms::duration(item.retention) {
            Some(time) => {
                let value = node(&["xsd:duration"], [("@value", Json::Text(time))]);
                node(&["dpv:TemporalDuration"], [("rdf:value", value)])
            }
            None => iri("dpv:UntilEventDuration"),
        };
        node(&["dpv:StorageDuration"], [words, ("dpv:hasDuration", duration)])
    }

    pub(crate) fn recipient_node(&self, recipient: &Recipient) -> Json {
        let mut members = vec![
            ("@id", Json::from(format!("#recipient/{}", recipient.id))),
            ("dpv:hasName", recipient.name.as_str().into()),
            ("dpv:hasCountry", country(recipient.country)),
        ];
        if let Some(safeguard) = recipient.safeguard {
            let mut transfer = vec![("dpv:hasLegalBasis", iri(terms::safeguard(safeguard)))];
            transfer.extend(
                recipient.reference.as_deref().map(|text| ("dct:source", Json::from(text))),
            );
            transfer.extend(
                recipient
                    .supplementary
                    .as_deref()
                    .map(|text| ("dct:description", Json::from(text))),
            );
            members.push(("dpv:hasProcessing", node(&["dpv:CrossBorderTransfer"], transfer)));
        }
        members.extend(
            recipient.service.as_deref().map(|service| ("dct:description", Json::from(service))),
        );
        node(&["dpv:Recipient", terms::role(recipient.role)], members)
    }
}

fn basis(purpose: &Purpose) -> Json {
    let mut kinds = terms::basis(&purpose.basis).to_vec();
    kinds.extend(purpose.condition.map(terms::condition));
    let words = match &purpose.basis {
        LegalBasis::LegalObligation { law } | LegalBasis::PublicTask { law } => Some(law),
        LegalBasis::LegitimateInterests { assessment } => Some(assessment),
        LegalBasis::Consent | LegalBasis::Contract | LegalBasis::VitalInterests => None,
    };
    match words {
        Some(words) => node(&kinds, [("dct:description", words.as_str().into())]),
        None => Json::array(kinds.into_iter().map(iri)),
    }
}
