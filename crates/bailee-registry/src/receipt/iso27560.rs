//! ISO/IEC TS 27560:2023, in the mapping of the Data Privacy Vocabulary's community group
//! (<https://w3id.org/dpv/guides/consent-27560>).

use std::collections::BTreeSet;

use bailee_audit::Json;
use bailee_core::{Actor, Result};

use super::{
    shown::{Shown, State},
    text,
};
use crate::{Role, SpecialCondition, dpv, hex};

/// The record, or the receipt: they say the same.
pub(super) fn record(shown: &Shown<'_>, profile: &str) -> Result<Json> {
    // What the person was told the data is has to be declared, as in the other form.
    shown.categories()?;
    let (policy, declaration) = (shown.policy()?, shown.texts.declaration());
    shown.address()?;
    let status = match shown.state {
        State::Expired => "dpv:ConsentExpired",
        State::Given => "dpv:ConsentGiven",
        State::Refused => "dpv:ConsentRefused",
        State::Withdrawn => "dpv:ConsentWithdrawn",
    };
    let notice = [
        text("@id", policy.url.as_str()),
        text("dct:identifier", hex::text(&shown.text)),
        text("dct:language", shown.locale.as_str()),
        text("dct:source", hex::text(&shown.declaration)),
    ];
    let explicit = shown.purpose.condition == Some(SpecialCondition::ExplicitConsent);
    let consent = if explicit { "dpv:ExplicitlyExpressedConsent" } else { "dpv:ExpressedConsent" };
    let subject = [text("dpv:hasIdentifier", shown.subject.to_string())];
    let mut members = vec![
        ("@context", dpv::context(Some(&policy.url))),
        text("@id", format!("urn:uuid:{}", shown.uuid())),
        ("dct:conformsTo", dpv::iri(profile)),
        text("dct:identifier", shown.uuid()),
        ("dpv:hasDataSubject", dpv::node(&["dpv:DataSubject"], subject)),
        ("dpv:hasNotice", dpv::node(&["dpv:ConsentNotice"], notice)),
        text("dct:language", shown.locale.as_str()),
        ("dpv:hasLegalBasis", dpv::iri(consent)),
        ("dpv:hasJurisdiction", dpv::country(shown.country()?)),
        ("dpv:hasProcess", Json::Array(vec![process(shown)?])),
        ("dpv:hasConsentStatus", dpv::iri(status)),
        text("dct:date", shown.record.at.to_string()),
        // Until it is withdrawn, or until then.
        (
            "dct:valid",
            match shown.until {
                Some(until) => Json::from(until.to_string()),
                None => dpv::iri("dpv:UntilEventDuration"),
            },
        ),
        ("dpv:isIndicatedBy", indicated(shown)),
    ];
    let authorities = declaration.authorities();
    if !authorities.is_empty() {
        members.push(("dpv:hasAuthority", shown.texts.authority_nodes()));
    }
    if !declaration.measures().is_empty() {
        members.push(("dpv:hasTechnicalOrganisationalMeasure", shown.texts.measures()));
    }
    Ok(dpv::node(&["dpv:ConsentRecord"], members))
}

/// The purpose as it is declared, with what belongs to a consent.
fn process(shown: &Shown<'_>) -> Result<Json> {
    let Json::Object(mut members) = shown.texts.process(shown.purpose, shown.subset()) else {
        // A process is an object.
        return Ok(Json::Null);
    };
    let policy = shown.policy()?;
    let mut places: BTreeSet<_> =
        shown.recipients().into_iter().map(|recipient| recipient.country).collect();
    places.insert(shown.country()?);
    let control = [("dpv:isExercisedAt", dpv::iri(policy.url.as_str()))];
    let service = [text("dpv:hasName", shown.service())];
    let (property, kind) = match shown.texts.declaration().role() {
        Role::Controller | Role::JointController => ("dpv:hasDataController", "dpv:DataController"),
        Role::Processor => ("dpv:hasDataProcessor", "dpv:DataProcessor"),
    };
    members.extend([
        (property.to_owned(), shown.texts.controller_node(kind)),
        ("dpv:hasLocation".to_owned(), Json::array(places.into_iter().map(dpv::country))),
        ("dpv:hasService".to_owned(), dpv::node(&["dpv:Service"], service)),
        ("dpv:hasConsentControl".to_owned(), dpv::node(&["dpv:WithdrawConsent"], control)),
    ]);
    Ok(Json::Object(members))
}

/// Who said it: the person, or their guardian; and how.
fn indicated(shown: &Shown<'_>) -> Json {
    let how = text("dct:description", shown.method());
    if shown.guardian.is_some() && shown.state == State::Given {
        return dpv::node(&["dpv:GuardianOfDataSubject"], [how]);
    }
    let how = match (shown.state, &shown.record.by) {
        (State::Given | State::Refused, _) => how,
        (_, Actor::Subject { .. }) => text("dct:description", "by the person themselves"),
        (_, Actor::Provider { .. }) => text("dct:description", "at the provider"),
        (_, by) => text("dct:description", by.word()),
    };
    let id = text("dpv:hasIdentifier", shown.subject.to_string());
    match shown.state {
        State::Expired => dpv::node(&["dpv:DataController"], [how]),
        _ => dpv::node(&["dpv:DataSubject"], [id, how]),
    }
}
