//! What a person is told before they leave, and that it is what they agreed to (FLOW-08).

use bailee::{
    Declaration, Locale, ProviderId, PurposeId, RefusalReason, TenantId, Visitor,
    registry::{Choice, ConsentRecord, How, Ledger},
};
use bailee_testkit::{World, emulator::Endpoint};
use bailee_tests::{
    NOTES, NOTES_SPEC, PUBLISH, Trip, declaration, location, notes_issuer, rejected, world,
};

use crate::begin::once;

pub(crate) async fn history(w: &World, visitor: &Visitor) -> Vec<ConsentRecord> {
    let vault = w.bailee.vault();
    let subject = vault.subject(visitor.tenant(), visitor.person()).await.unwrap().unwrap();
    Ledger::new(vault.clone()).history(visitor.tenant(), subject).await.unwrap()
}

/// Purpose, provider, declaration, text, language and way of a consent.
type Said = (PurposeId, Option<ProviderId>, [u8; 32], [u8; 32], String, How);

pub(crate) fn given(record: &ConsentRecord) -> Said {
    match record.choice.clone() {
        Choice::ConsentGiven { purpose, integration, declaration, text, locale, how, .. } => {
            (purpose, integration, declaration, text, locale.as_str().to_owned(), how)
        }
        other => panic!("not a consent: {other:?}"),
    }
}

#[tokio::test]
async fn flow_08_the_least_scopes_are_asked_for_and_shown_in_plain_words() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "tiktok", &[PUBLISH]).await;
    let asked = once(&location(trip.begun.answer()), "scope").unwrap();
    assert_eq!(asked, "user.info.basic,video.publish");
    let disclosure = trip.begun.disclosure();
    let shown: Vec<_> = disclosure.scopes.iter().map(|scope| scope.name.as_str()).collect();
    assert_eq!(shown.join(","), asked);
    let text = disclosure.to_text();
    for words in [
        // The scopes and the categories that they open.
        "see your TikTok id, display name and avatar",
        "post to your profile, and see which settings you have for posting",
        "your name and picture as the account shows them",
        "the videos, captions and notes that you make here",
        // What is kept, read and never touched.
        "the keys that the provider gives us for your account",
        "the choices that your account has for posting",
        "user.info.stats",
        "what you watch and look for",
        // Why, by whom, to whom, and how it ends.
        "We post the videos that you choose to your own account",
        "Example Publisher Ltd",
        "TikTok Technology Limited",
        "Choose this application, then Remove access",
        "privacy@publisher.example",
        "https://www.tiktok.com/legal/page/global/music-usage-confirmation/en",
    ] {
        assert!(text.contains(words), "{words} in:\n{text}");
    }
    assert!(!text.contains("We write the captions"), "nothing of another purpose");
    assert_eq!(w.site("tiktok").count(Endpoint::Exchange), 0, "all of it before the exchange");
}

#[tokio::test]
async fn flow_08_the_consent_record_proves_what_was_shown() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "tiktok", &[PUBLISH]).await;
    let shown = trip.begun.disclosure().hash();
    assert!(history(&w, &ada).await.is_empty(), "a flow that began is no consent");
    trip.complete(&w, &ada).await.unwrap();
    let records = history(&w, &ada).await;
    assert_eq!(records.len(), 1);
    let tiktok = ProviderId::from_static("tiktok");
    let version = declaration().version();
    let said = (PUBLISH, Some(tiktok), version, shown, "en".to_owned(), How::Page);
    assert_eq!(given(&records[0]), said);
    // The log of the flow names the same text.
    let log = w.audit("~").await;
    let begun = log.iter().find(|logged| logged.entry.event() == "flow.begun").unwrap();
    let digest = begun.entry.field("digest").unwrap().to_string();
    let hex: String = shown.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, hex);
}

#[tokio::test]
async fn flow_08_a_refused_flow_leaves_no_consent() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let outcome = w
        .bailee
        .connections()
        .complete(&ada, trip.asking(&trip.with("code", "code-of-nobody")))
        .await;
    rejected(&w, outcome, RefusalReason::ExchangeFailed).await;
    assert!(history(&w, &ada).await.is_empty());
}

/// The declaration as another release has it, which asks for other scopes.
fn changed(from: &str, to: &str) -> Declaration {
    let text = include_str!("../../privacy.toml");
    assert!(text.contains(from));
    Declaration::parse(&text.replace(from, to)).unwrap()
}

#[tokio::test]
async fn flow_08_what_was_shown_under_another_set_of_scopes_is_not_exchanged() {
    for (from, to) in [
        // Less than was shown, and more.
        ("\"profile\" = [\"notes.save\"]\n", ""),
        (
            "\"video.publish\" = [\"publish.video\"]",
            "\"video.publish\" = [\"publish.video\"]\n\"user.info.profile\" = [\"publish.video\"]",
        ),
    ] {
        let w = world().build().await.unwrap();
        let ada = w.visitor("ada");
        let (registration, purpose) = match to {
            "" => ("notes", NOTES),
            _ => ("tiktok", PUBLISH),
        };
        let trip = Trip::begin(&w, &ada, registration, &[purpose]).await;
        // Both are live: what was shown is still what holds in the process that showed it.
        let other = w.process(changed(from, to), w.store().clone()).unwrap();
        let other = other.activates_at_start().build().await.unwrap();
        let outcome = other.connections().complete(&ada, trip.request()).await;
        rejected(&w, outcome, RefusalReason::DeclarationChanged).await;
        for site in w.emulator.sites() {
            assert_eq!(site.count(Endpoint::Exchange), 0);
        }
    }
}

#[tokio::test]
async fn flow_08_a_purpose_that_is_no_longer_declared_is_not_exchanged() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let text = include_str!("../../privacy.toml").replace("notes.save", "notes.keep");
    let other = w.another_process(Declaration::parse(&text).unwrap()).await.unwrap();
    let outcome = other.connections().complete(&ada, trip.request()).await;
    rejected(&w, outcome, RefusalReason::DeclarationChanged).await;
    assert_eq!(w.site("id.example.test").count(Endpoint::Exchange), 0);
}

#[tokio::test]
async fn flow_08_the_visitors_language_goes_to_the_provider_and_that_of_the_text_into_the_record() {
    let spec = format!("{NOTES_SPEC}\n[authorization]\nlocale_parameter = \"ui_locales\"\n");
    let w = World::builder(declaration()).issuer(notes_issuer(), spec).build().await.unwrap();
    let ada = w.visitor("ada").with_locale(Locale::new("de-AT").unwrap());
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let url = location(trip.begun.answer());
    assert_eq!(once(&url, "ui_locales").as_deref(), Some("de-AT"));
    // There is no text in German: the record names the language that was really shown.
    assert_eq!(trip.begun.disclosure().locale.as_str(), "en");
    let shown = trip.begun.disclosure().hash();
    trip.complete(&w, &ada).await.unwrap();
    let (.., text, locale, _) = given(&history(&w, &ada).await[0]);
    assert_eq!((text, locale.as_str()), (shown, "en"));
    assert_eq!(ada.tenant(), &TenantId::from_static("acme"));
}
