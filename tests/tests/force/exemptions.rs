//! Restricted data, and what the law allows with it (Art. 18(2) GDPR).

use bailee::{
    ErrorKind,
    registry::{Exemption, RestrictionGround},
};

use super::*;

async fn call(
    w: &World,
    visitor: &Visitor,
    connection: &ConnectionRef,
    exemption: Option<Exemption>,
) -> Result<(), Error> {
    let acting = w.bailee.acting(visitor, &NOTES);
    let acting = match exemption {
        Some(exemption) => acting.despite_restriction(exemption),
        None => acting,
    };
    acting.call(connection, &SaveNote("n")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn restricted_data_is_used_for_what_the_law_allows_and_the_log_says_why() {
    let w = builder().build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let choices = w.bailee.choices();
    let exempted = async || {
        let all = w.audit("acme").await.into_iter().map(|logged| logged.entry);
        all.filter(|entry| entry.event() == "restriction.exempted").collect::<Vec<_>>()
    };
    // Where nothing is restricted there is nothing to say.
    call(&w, &ada, &notes, Some(Exemption::LegalClaims)).await.unwrap();
    assert!(exempted().await.is_empty());

    choices.restrict(&ada, RestrictionGround::AccuracyContested).await.unwrap();
    let sent = saved(&w);
    for exemption in [None, Some(Exemption::Consent)] {
        let error = call(&w, &ada, &notes, exemption).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{exemption:?}");
        assert_eq!(error.detail(), Some("restricted"));
    }
    assert_eq!((saved(&w), exempted().await.len()), (sent, 0));
    for exemption in [Exemption::LegalClaims, Exemption::OthersRights, Exemption::PublicInterest] {
        w.advance(std::time::Duration::from_secs(1));
        call(&w, &ada, &notes, Some(exemption)).await.unwrap();
        let log = exempted().await;
        let last = log.last().unwrap();
        assert_eq!(last.field("reason"), Some(&Field::Word(exemption.as_str().into())));
        assert_eq!(last.field("purpose"), Some(&Field::Word("notes.save".into())));
    }
    assert_eq!(exempted().await.len(), 3);

    // Their own word while it is restricted.
    w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    call(&w, &ada, &notes, Some(Exemption::Consent)).await.unwrap();
    assert_eq!(call(&w, &ada, &notes, None).await.unwrap_err().detail(), Some("restricted"));

    // It lifts the restriction and nothing else.
    let objection =
        bailee::registry::Objection { purpose: NOTES, integration: None, grounds: None };
    choices.object(&ada, objection).await.unwrap();
    let error = call(&w, &ada, &notes, Some(Exemption::LegalClaims)).await.unwrap_err();
    assert_eq!(error.detail(), Some("objected"));
    w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exemption_is_written_down_before_anything_is_sent() {
    let w = builder().build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.bailee.choices().restrict(&ada, RestrictionGround::Unlawful).await.unwrap();
    let sent = saved(&w);
    let stopping = bailee_tests::Stopping::before(w.store().clone());
    let process = w.another_process_over(declaration(), Arc::new(stopping.clone())).await.unwrap();
    stopping.arm(0, bailee_tests::Halt::Full);
    let acting = process.acting(&ada, &NOTES).despite_restriction(Exemption::LegalClaims);
    acting.call(&notes, &SaveNote("n")).await.unwrap_err();
    assert_eq!(saved(&w), sent, "without its entry nothing leaves");
}
