//! What stands in a receipt, field by field.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use bailee_audit::Json;
use bailee_core::PurposeId;
use bailee_registry::{Declaration, GuardianCheck, ReceiptForm};

use super::desk::{Desk, FORMS, source};

const PUBLISH: PurposeId = PurposeId::from_static("publish.content");

fn version() -> [u8; 32] {
    Declaration::parse(&source()).unwrap().version()
}

#[expect(clippy::disallowed_methods, reason = "a variable of the tests alone")]
fn assert_golden(name: &str, found: &Json) {
    let found = found.indented().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/receipts").join(name);
    if std::env::var_os("BAILEE_REFRESH").is_some() {
        fs::write(&path, &found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    assert_eq!(found, expected, "{} (BAILEE_REFRESH=1 rewrites it)", path.display());
}

fn members(json: &Json) -> BTreeSet<&str> {
    match json {
        Json::Object(members) => members.keys().map(String::as_str).collect(),
        other => panic!("{other:?} is no object"),
    }
}

fn text<'j>(json: &'j Json, name: &str) -> &'j str {
    json.get(name).and_then(Json::as_str).unwrap_or_else(|| panic!("no text `{name}` in {json:?}"))
}

fn first<'j>(json: &'j Json, name: &str) -> &'j Json {
    &json.get(name).and_then(Json::as_array).unwrap()[0]
}

fn is_uuid_4(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'))
        && parts[2].starts_with('4')
        && parts[3].starts_with(['8', '9', 'a', 'b'])
}

#[tokio::test]
async fn a_kantara_receipt_has_every_field_that_its_form_asks_for() {
    let desk = Desk::new().await;
    let record = desk.give(&desk.given(&PUBLISH, version())).await;
    let content = desk.content(record, ReceiptForm::Kantara).await;
    assert_eq!(text(&content, "state"), "given");
    let receipt = content.get("consentReceipt").unwrap();
    // The specification's own members and no other.
    assert_eq!(
        members(receipt),
        BTreeSet::from([
            "collectionMethod",
            "consentReceiptID",
            "consentTimestamp",
            "jurisdiction",
            "language",
            "piiControllers",
            "piiPrincipalId",
            "policyUrl",
            "sensitive",
            "services",
            "version",
        ])
    );
    assert_eq!(text(receipt, "version"), "KI-CR-v1.1.0");
    assert_eq!(text(receipt, "jurisdiction"), "IE");
    assert_eq!(receipt.get("consentTimestamp"), Some(&Json::Integer(1_748_779_200)));
    assert_eq!(text(receipt, "collectionMethod"), "on a page of the service");
    assert!(is_uuid_4(text(receipt, "consentReceiptID")));
    assert_eq!(text(receipt, "language"), "en");
    assert_eq!(text(receipt, "piiPrincipalId"), desk.ada.to_string());
    assert_eq!(text(receipt, "policyUrl"), "https://publisher.example/privacy");
    assert_eq!(receipt.get("sensitive"), Some(&Json::Boolean(false)));

    let controller = first(receipt, "piiControllers");
    assert_eq!(text(controller, "piiController"), "Example Publisher Ltd");
    assert_eq!(text(controller, "contact"), "Example Publisher Ltd");
    assert_eq!(text(controller, "email"), "privacy@publisher.example");
    assert_eq!(text(controller, "phone"), "+353 1 234 5678");
    assert_eq!(text(controller, "piiControllerUrl"), "https://publisher.example");
    let address = controller.get("address").unwrap();
    assert_eq!(text(address, "streetAddress"), "1 Example Street, Dublin 2, Ireland");
    assert_eq!(text(address, "addressCountry"), "IE");

    let service = first(receipt, "services");
    assert!(!text(service, "service").is_empty());
    let purpose = first(service, "purposes");
    let declaration = Declaration::parse(&source()).unwrap();
    assert_eq!(text(purpose, "purpose"), declaration.purpose(&PUBLISH).unwrap().plain);
    assert_eq!(
        first(purpose, "purposeCategory").as_str(),
        Some("https://w3id.org/dpv#RequestedServiceProvision")
    );
    assert_eq!(text(purpose, "consentType"), "EXPLICIT");
    assert!(!purpose.get("piiCategory").and_then(Json::as_array).unwrap().is_empty());
    assert_eq!(purpose.get("primaryPurpose"), Some(&Json::Boolean(true)));
    assert!(!text(purpose, "termination").is_empty());
    assert_eq!(purpose.get("thirdPartyDisclosure"), Some(&Json::Boolean(true)));
    assert!(text(purpose, "thirdPartyName").contains("TikTok"));
    assert_golden("given.kantara.json", &content);
}

#[tokio::test]
async fn a_receipt_of_sensitive_data_says_which() {
    let desk = Desk::new().await;
    // What the purpose is about becomes a special category, with the condition that this needs.
    let health = source()
        .replace("dpv = [\"Profile\", \"Username\"]", "dpv = [\"Profile\", \"Health\"]")
        .replace("\nuse = ", "\ncondition = \"explicit_consent\"\nuse = ");
    assert_ne!(health, source());
    let declared = Declaration::parse(&health);
    let declared =
        declared.unwrap_or_else(|error| panic!("{}", std::error::Error::source(&error).unwrap()));
    let record = desk.give(&desk.given(&PUBLISH, declared.version())).await;
    let texts = super::desk::texts(&health);
    let read = async |form| {
        let bytes = desk.receipt(record, &texts, form).await.unwrap().to_bytes().unwrap();
        bailee_audit::verify_receipt(&bytes, &desk.keys().await).unwrap().statement.content
    };
    let kantara = read(ReceiptForm::Kantara).await;
    let receipt = kantara.get("consentReceipt").unwrap();
    assert_eq!(receipt.get("sensitive"), Some(&Json::Boolean(true)));
    assert_eq!(first(receipt, "spiCat").as_str(), Some("https://w3id.org/dpv/pd#Health"));
    let dpv = read(ReceiptForm::Receipt27560).await.canonical().unwrap();
    for term in ["dpv:SpecialCategoryPersonalData", "dpv:ExplicitlyExpressedConsent", "g:A9-2-a"] {
        assert!(dpv.contains(term), "{term}");
    }
}

#[tokio::test]
async fn a_receipt_of_27560_has_every_field_that_the_standard_asks_for() {
    let desk = Desk::new().await;
    let until = desk.clock_in(Duration::from_secs(365 * 86_400));
    let given = bailee_registry::Given { until: Some(until), ..desk.given(&PUBLISH, version()) };
    let record = desk.give(&given).await;
    for (form, name) in [
        (ReceiptForm::Receipt27560, "receipt-eu-gdpr"),
        (ReceiptForm::Record27560, "record-eu-gdpr"),
    ] {
        let content = desk.content(record, form).await;
        let profile = format!("https://w3id.org/dpv/schema/dpv-27560#{name}");
        assert_eq!(text(content.get("dct:conformsTo").unwrap(), "@id"), profile);
        assert_eq!(text(&content, "@type"), "dpv:ConsentRecord");
        assert!(is_uuid_4(text(&content, "dct:identifier")));
        let subject = content.get("dpv:hasDataSubject").unwrap();
        assert_eq!(text(subject, "dpv:hasIdentifier"), desk.ada.to_string());
        let notice = content.get("dpv:hasNotice").unwrap();
        assert_eq!(text(notice, "@id"), "https://publisher.example/privacy");
        assert_eq!(text(notice, "dct:identifier"), "02".repeat(32));
        assert_eq!(text(&content, "dct:language"), "en-IE");
        assert_eq!(text(content.get("dpv:hasJurisdiction").unwrap(), "@id"), "loc:IE");
        assert_eq!(text(content.get("dpv:hasConsentStatus").unwrap(), "@id"), "dpv:ConsentGiven");
        assert_eq!(text(&content, "dct:date"), "2025-06-01T12:00:00Z");
        assert_eq!(text(&content, "dct:valid"), "2026-06-01T12:00:00Z");
        assert_eq!(text(content.get("dpv:hasLegalBasis").unwrap(), "@id"), "dpv:ExpressedConsent");
        let by = content.get("dpv:isIndicatedBy").unwrap();
        assert_eq!(text(by, "@type"), "dpv:DataSubject");
        let process = first(&content, "dpv:hasProcess");
        for member in [
            "dpv:hasConsentControl",
            "dpv:hasDataController",
            "dpv:hasLegalBasis",
            "dpv:hasLocation",
            "dpv:hasPersonalData",
            "dpv:hasProcessing",
            "dpv:hasPurpose",
            "dpv:hasRecipient",
            "dpv:hasRight",
            "dpv:hasService",
        ] {
            assert!(process.get(member).is_some(), "{member}");
        }
        let data = first(process, "dpv:hasPersonalData");
        assert!(data.get("dpv:hasStorageCondition").is_some());
        let controller = process.get("dpv:hasDataController").unwrap();
        for member in ["dpv:hasName", "dpv:hasAddress", "dpv:hasContact"] {
            assert!(!text(controller, member).is_empty());
        }
        assert_golden(&format!("given.{name}.jsonld"), &content);
    }
}

#[tokio::test]
async fn what_became_of_a_consent_has_a_receipt_of_its_own() {
    let desk = Desk::new().await;
    let refused = desk.refuse(&desk.given(&PUBLISH, version())).await;
    let given = desk.give(&desk.given(&PUBLISH, version())).await;
    let withdrawn = desk.withdraw(&PUBLISH).await;
    let until = desk.clock_in(Duration::from_secs(30));
    let short = bailee_registry::Given { until: Some(until), ..desk.given(&PUBLISH, version()) };
    desk.give(&short).await;
    let expired = desk.expire().await;
    for (record, state, status) in [
        (refused, "refused", "dpv:ConsentRefused"),
        (given, "given", "dpv:ConsentGiven"),
        (withdrawn, "withdrawn", "dpv:ConsentWithdrawn"),
        (expired, "expired", "dpv:ConsentExpired"),
    ] {
        let kantara = desk.content(record, ReceiptForm::Kantara).await;
        assert_eq!(text(&kantara, "state"), state);
        let dpv = desk.content(record, ReceiptForm::Receipt27560).await;
        assert_eq!(text(dpv.get("dpv:hasConsentStatus").unwrap(), "@id"), status);
        assert_golden(&format!("{state}.jsonld"), &dpv);
    }
    // A withdrawal is of the consent before it, with the time of that as the consent's.
    let kantara = desk.content(withdrawn, ReceiptForm::Kantara).await;
    let number = |json: &Json, name| json.get(name).and_then(Json::as_integer).unwrap();
    let consent = number(kantara.get("consentReceipt").unwrap(), "consentTimestamp");
    assert_eq!(number(&kantara, "stateTimestamp") - consent, 60);
}

#[tokio::test]
async fn a_guardian_is_said_to_be_one_and_nobody_is_named() {
    let desk = Desk::new().await;
    let given = bailee_registry::Given {
        guardian: Some(GuardianCheck::Document),
        by: bailee_core::Actor::System,
        ..desk.given(&PUBLISH, version())
    };
    let record = desk.give(&given).await;
    for form in FORMS {
        let verified = desk.verified(record, form).await;
        let text = verified.statement.content.canonical().unwrap();
        assert!(!text.contains("canary"), "{text}");
        assert_eq!(text.contains("dpv:GuardianOfDataSubject"), form != ReceiptForm::Kantara);
    }
}
