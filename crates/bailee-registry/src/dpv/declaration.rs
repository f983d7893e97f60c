//! The whole declaration as one JSON-LD document.

use bailee_audit::Json;

use super::{Subset, context, country, iri, node, terms};
use crate::{Controller, Party, Role, Texts, hex};

impl Texts {
    /// The declaration in the W3C Data Privacy Vocabulary (DPV 2.3): controller, purposes with their
    /// legal bases, personal data with how long it is kept, recipients with countries and safeguards,
    /// rights, measures, notices, and what is never done.
    ///
    /// The same declaration, catalogue and facts give the same document. Names beginning with `#` stand
    /// against the address of the declared policy, or of the document itself where none is declared.
    pub fn json_ld(&self) -> Json {
        let declaration = self.declaration();
        let policy = declaration.policy();
        let mut members = vec![
            ("@context", context(policy.map(|policy| policy.url.as_str()))),
            ("@id", Json::from("#declaration")),
            ("dct:identifier", hex::text(&declaration.version()).into()),
            ("dct:language", self.locale().as_str().into()),
        ];
        let (property, kind) = match declaration.role() {
            Role::Controller | Role::JointController => {
                ("dpv:hasDataController", "dpv:DataController")
            }
            Role::Processor => ("dpv:hasDataProcessor", "dpv:DataProcessor"),
        };
        members.push((property, self.controller_node(kind)));
        let joint = declaration.joint_controllers();
        if !joint.is_empty() {
            let joint = joint.iter().map(|one| party("dpv:DataController", one));
            members.push(("dpv:hasJointDataControllers", Json::Array(joint.collect())));
        }
        if let Some(policy) = policy {
            let notice = [
                ("@id", Json::from(policy.url.as_str())),
                ("dct:date", policy.effective.to_string().into()),
            ];
            members.push(("dpv:hasNotice", node(&["dpv:PrivacyNotice"], notice)));
        }
        let processes = declaration.purposes().map(|one| self.process(one, Subset::All));
        members.push(("dpv:hasProcess", Json::Array(processes.collect())));
        if !declaration.measures().is_empty() {
            members.push(("dpv:hasTechnicalOrganisationalMeasure", self.measures()));
        }
        if !declaration.authorities().is_empty() {
            members.push(("dpv:hasAuthority", self.authority_nodes()));
        }
        members.push(("dpv:hasRule", self.prohibitions()));
        node(&["dpv:DataProcessingRecord"], members)
    }

    pub(crate) fn controller_node(&self, kind: &'static str) -> Json {
        let Controller { name, contact, address, country: at, website, .. } =
            self.declaration().controller();
        let mut members = vec![
            ("@id", Json::from("#controller")),
            ("dpv:hasName", name.as_str().into()),
            ("dpv:hasContact", contact.as_str().into()),
        ];
        members.extend(address.as_deref().map(|address| ("dpv:hasAddress", address.into())));
        members.extend(at.map(|at| ("dpv:hasCountry", country(at))));
        members.extend(website.as_deref().map(|website| ("dct:source", website.into())));
        let controller = self.declaration().controller();
        if let Some(officer) = &controller.protection_officer {
            let mut words = vec![("dpv:hasContact", Json::from(officer.contact.as_str()))];
            words.extend(officer.name.as_deref().map(|name| ("dpv:hasName", name.into())));
            members.push((
                "dpv:hasDataProtectionOfficer",
                node(&["dpv:DataProtectionOfficer"], words),
            ));
        }
        if let Some(one) = &controller.representative {
            members.push(("dpv:hasRepresentative", party("dpv:Representative", one)));
        }
        node(&[kind], members)
    }

    pub(crate) fn measures(&self) -> Json {
        let measures = self.declaration().measures().iter().map(|measure| {
            let words = [("dct:description", Json::from(measure.as_str()))];
            node(&["dpv:TechnicalOrganisationalMeasure"], words)
        });
        Json::Array(measures.collect())
    }

    pub(crate) fn authority_nodes(&self) -> Json {
        let authorities = self.declaration().authorities().iter();
        Json::Array(authorities.map(|one| party("dpv:DataProtectionAuthority", one)).collect())
    }

    /// What is never done: selling data always, and what the declaration excludes.
    fn prohibitions(&self) -> Json {
        let never = self.declaration().never();
        let mut rules = vec![node(
            &["dpv:Prohibition"],
            [("dpv:hasPurpose", iri("dpv:SellDataToThirdParties"))],
        )];
        rules.extend(never.uses.iter().map(|usage| {
            node(&["dpv:Prohibition"], [("dpv:hasPurpose", iri(terms::purpose(*usage)))])
        }));
        rules.extend(never.categories.iter().map(|name| {
            let category = self.declared_category(name);
            let kinds = category.iter().flat_map(|category| &category.terms);
            let kinds: Vec<String> = kinds.map(|term| format!("pd:{}", term.name())).collect();
            let mut all = vec!["dpv:PersonalData"];
            all.extend(kinds.iter().map(String::as_str));
            let words = category.map_or(name.as_str(), |category| category.plain.as_str());
            let data = node(&all, [("dct:description", words.into())]);
            node(&["dpv:Prohibition"], [("dpv:hasPersonalData", data)])
        }));
        Json::Array(rules)
    }
}

fn party(kind: &'static str, party: &Party) -> Json {
    let mut members = vec![
        ("dpv:hasName", Json::from(party.name.as_str())),
        ("dpv:hasContact", party.contact.as_str().into()),
    ];
    members.extend(party.address.as_deref().map(|address| ("dpv:hasAddress", address.into())));
    members.extend(party.country.map(|at| ("dpv:hasCountry", country(at))));
    node(&[kind], members)
}
