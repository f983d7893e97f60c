//! Kantara Initiative, Consent Receipt Specification 1.1.0 (2018-02-20).

use bailee_audit::Json;
use bailee_core::Result;

use super::{ReceiptGap, shown::Shown, text};
use crate::{AuditLog, Category, dpv, hex};

/// The receipt, and beside it what the form does not know.
pub(super) fn receipt(shown: &Shown<'_>, log: &AuditLog) -> Result<Json> {
    let categories = shown.categories()?;
    let special: Vec<&Category> =
        categories.iter().copied().filter(|category| category.is_special()).collect();
    let mut members = vec![
        text("version", "KI-CR-v1.1.0"),
        text("jurisdiction", shown.country()?.as_str()),
        ("consentTimestamp", shown.answered.as_seconds().into()),
        text("collectionMethod", shown.method()),
        text("consentReceiptID", shown.uuid()),
        text("language", shown.locale.language()),
        text("piiPrincipalId", shown.subject.to_string()),
        ("piiControllers", Json::Array(vec![controller(shown)?])),
        text("policyUrl", shown.policy()?.url.as_str()),
        (
            "services",
            Json::Array(vec![Json::object([
                text("service", shown.service()),
                ("purposes", Json::Array(vec![purpose(shown, &categories)])),
            ])]),
        ),
        ("sensitive", (!special.is_empty()).into()),
    ];
    if !special.is_empty() {
        let terms = special.iter().flat_map(|category| &category.terms);
        let special = terms.filter(|term| term.is_special()).map(|term| term.iri());
        members.push(("spiCat", Json::array(special)));
    }
    Ok(Json::object([
        ("consentReceipt", Json::object(members)),
        text("log", log.name().as_str()),
        text("state", shown.state.word()),
        ("stateTimestamp", shown.record.at.as_seconds().into()),
        text("declaration", hex::text(&shown.declaration)),
        text("text", hex::text(&shown.text)),
    ]))
}

fn controller(shown: &Shown<'_>) -> Result<Json, ReceiptGap> {
    let controller = shown.texts.declaration().controller();
    // Who is asked about privacy: the protection officer by name, or the controller itself.
    let officer = controller.protection_officer.as_ref().and_then(|one| one.name.as_deref());
    let email = Some(controller.contact.as_str()).filter(|contact| contact.contains('@'));
    let mut members = vec![
        text("piiController", controller.name.as_str()),
        text("contact", officer.unwrap_or(&controller.name)),
        (
            "address",
            Json::object([
                text("streetAddress", shown.address()?),
                text("addressCountry", shown.country()?.as_str()),
            ]),
        ),
        text("email", email.ok_or(ReceiptGap::Email)?),
        text("phone", controller.phone.as_deref().ok_or(ReceiptGap::Phone)?),
    ];
    members.extend(controller.website.as_deref().map(|url| text("piiControllerUrl", url)));
    Ok(Json::object(members))
}

fn purpose(shown: &Shown<'_>, categories: &[&Category]) -> Json {
    let recipients = shown.recipients();
    let names: Vec<&str> = recipients.iter().map(|one| one.name.as_str()).collect();
    let usage = dpv::purpose_iri(shown.purpose.usage);
    let kept = shown.texts.kept_for(shown.purpose, shown.subset());
    let termination =
        if kept.is_empty() { String::from("nothing is kept") } else { kept.join("; ") };
    let mut members = vec![
        text("purpose", shown.purpose.plain.as_str()),
        ("purposeCategory", Json::array([usage])),
        text("consentType", "EXPLICIT"),
        ("piiCategory", Json::array(categories.iter().map(|one| one.plain.as_str()))),
        // A consent is asked for each purpose by itself; none hangs on another.
        ("primaryPurpose", true.into()),
        text("termination", termination),
        ("thirdPartyDisclosure", (!names.is_empty()).into()),
    ];
    if !names.is_empty() {
        members.push(text("thirdPartyName", names.join(", ")));
    }
    Json::object(members)
}
