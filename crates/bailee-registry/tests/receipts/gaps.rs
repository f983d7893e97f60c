//! What is not declared is never made up, and what is no consent has no receipt.

use bailee_core::{ErrorKind, Id, PurposeId, Remedy};
use bailee_registry::{Choice, Declaration, ReceiptForm, ReceiptGap};

use super::desk::{Desk, FORMS, source, texts};

const PUBLISH: PurposeId = PurposeId::from_static("publish.content");

#[tokio::test]
async fn each_missing_fact_is_named_with_what_to_declare() {
    let everywhere = [ReceiptForm::Kantara, ReceiptForm::Receipt27560, ReceiptForm::Record27560];
    let cases: [(&str, &str, ReceiptGap, &[ReceiptForm]); 5] = [
        ("phone = \"+353 1 234 5678\"\n", "", ReceiptGap::Phone, &[ReceiptForm::Kantara]),
        (
            "contact = \"privacy@publisher.example\"",
            "contact = \"https://publisher.example/contact\"",
            ReceiptGap::Email,
            &[ReceiptForm::Kantara],
        ),
        (
            "address = \"1 Example Street, Dublin 2, Ireland\"\n",
            "",
            ReceiptGap::Address,
            &everywhere,
        ),
        ("country = \"IE\"\nwebsite", "website", ReceiptGap::Country, &everywhere),
        (
            "[policy]\nurl = \"https://publisher.example/privacy\"\neffective = 2026-01-01\n",
            "",
            ReceiptGap::Policy,
            &everywhere,
        ),
    ];
    for (from, to, gap, forms) in cases {
        assert!(source().contains(from), "{from}");
        let declared = source().replacen(from, to, 1);
        let version = Declaration::parse(&declared).unwrap().version();
        let desk = Desk::new().await;
        let record = desk.give(&desk.given(&PUBLISH, version)).await;
        for form in FORMS {
            let receipt = desk.receipt(record, &texts(&declared), form).await;
            if !forms.contains(&form) {
                assert!(receipt.is_ok(), "{gap:?} {form:?}");
                continue;
            }
            let error = receipt.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert_eq!(error.remedy(), Remedy::FixConfiguration);
            let source = std::error::Error::source(&error).unwrap();
            assert_eq!(source.downcast_ref::<ReceiptGap>(), Some(&gap));
        }
    }
}

#[tokio::test]
async fn texts_of_another_declaration_make_no_receipt() {
    let desk = Desk::new().await;
    let version = Declaration::parse(&source()).unwrap().version();
    let record = desk.give(&desk.given(&PUBLISH, version)).await;
    let other = source().replace("Example Publisher Ltd", "Another Publisher Ltd");
    for form in FORMS {
        let error = desk.receipt(record, &texts(&other), form).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn what_is_no_consent_of_the_person_has_no_receipt() {
    let desk = Desk::new().await;
    let texts = texts(&source());
    let objected = desk.record(Choice::MarketingObjectionMade).await;
    let withdrawn = desk.withdraw(&PUBLISH).await;
    for (record, kind) in [
        (objected, ErrorKind::InvalidInput),
        // Nothing was given before it, so nothing was shown.
        (withdrawn, ErrorKind::InvalidInput),
        (Id::from_bytes([9; 16]), ErrorKind::NotFound),
    ] {
        let error = desk.receipt(record, &texts, ReceiptForm::Kantara).await.unwrap_err();
        assert_eq!(error.kind(), kind);
    }
}

#[test]
fn a_telephone_number_is_one_that_can_be_called() {
    for number in ["+353 1 234 5678", "+49-30-123456", "+12025550123"] {
        let declared = source().replace("+353 1 234 5678", number);
        let controller = Declaration::parse(&declared).unwrap();
        assert_eq!(controller.controller().phone.as_deref(), Some(number));
    }
    for number in ["01 234 5678", "+353 call us", "+1", "+1234567890123456", "phone"] {
        let declared = source().replace("+353 1 234 5678", number);
        assert!(Declaration::parse(&declared).is_err(), "{number}");
    }
}
