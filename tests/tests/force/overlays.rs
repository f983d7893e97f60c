//! A tenant's own limits: what they forbid is forbidden at the next use, in every process, and for
//! that tenant alone.

use bailee::{ErrorKind, Remedy, providers::tiktok::CreatorInfo};
use bailee_tests::{PUBLISH, Trip, watched_over};

use super::*;

const NO_WRITING: &str = "[forbid.scopes]\nnotes = [\"notes.write\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_an_overlay_forbids_is_forbidden_at_the_next_call_of_every_process() {
    for place in places().await {
        let Place { name, w, ada, .. } = &place;
        let far = w.visitor_in("globex", "hal");
        let notes = w.connect(ada, "notes", &[NOTES]).await.unwrap();
        let tiktok = w.connect(ada, "tiktok", &[PUBLISH]).await.unwrap();
        let elsewhere = w.connect(&far, "notes", &[NOTES]).await.unwrap();
        let other = place.process(declaration()).await;
        save(&other, ada, &notes).await.unwrap();
        for text in [
            NO_WRITING,
            "[forbid]\npurposes = [\"notes.save\"]\n",
            "[forbid]\nintegrations = [\"notes\"]\n",
            "[forbid]\nrecipients = [\"notes\"]\n",
            "[forbid]\ncategories = [\"content\"]\n",
            "[forbid.operations]\nnotes = [\"notes.write\"]\n",
        ] {
            desk(&w.bailee).set_overlay(&ACME, text).await.unwrap();
            let sent = saved(w);
            for process in [&other, &w.bailee] {
                let error = save(process, ada, &notes).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Denied, "{name}, {text}: {error}");
            }
            assert_eq!(saved(w), sent, "{name}, {text}: nothing left");
            save(&other, &far, &elsewhere).await.unwrap();
            if !text.contains("content") {
                other.acting(ada, &PUBLISH).call(&tiktok, &CreatorInfo).await.unwrap();
            }
            assert_eq!(desk(&other).overlay(&ACME).await.unwrap().as_deref(), Some(text));
        }
        desk(&other).remove_overlay(&ACME).await.unwrap();
        desk(&other).remove_overlay(&ACME).await.unwrap();
        assert_eq!(desk(&w.bailee).overlay(&ACME).await.unwrap(), None);
        for process in [&other, &w.bailee] {
            save(process, ada, &notes).await.unwrap();
        }
        let log = w.audited("acme").await;
        assert_eq!(log.iter().filter(|event| *event == "overlay.set").count(), 6, "{name}");
        assert_eq!(log.iter().filter(|event| *event == "overlay.removed").count(), 1, "{name}");
        w.assert_clean_audit(&["acme", "globex", "~"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_asks_for_no_more_than_the_overlay_leaves_and_tells_no_more() {
    let w = builder().build().await.unwrap();
    let ada = w.visitor("ada");
    let connections = w.bailee.connections();
    let whole = connections.begin(&ada, "notes", &[NOTES]).await.unwrap();
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    desk(&w.bailee).set_overlay(&ACME, NO_WRITING).await.unwrap();
    let narrow = connections.begin(&ada, "notes", &[NOTES]).await.unwrap();
    let asked = |begun: &bailee::Begun| {
        let location = begun.answer().headers().get("location").unwrap();
        location.to_str().unwrap().to_owned()
    };
    assert!(asked(&whole).contains("notes.write"));
    assert!(!asked(&narrow).contains("notes.write"));
    assert!(whole.disclosure().to_text().contains("write notes for you"));
    assert!(!narrow.disclosure().to_text().contains("write notes for you"));
    // What was asked for before the tenant forbade it is not exchanged.
    let request = trip.browser.callback(trip.back.as_str());
    let refusal = connections.complete(&ada, request).await.unwrap_err();
    assert_eq!(refusal.reason(), bailee::RefusalReason::DeclarationChanged);

    desk(&w.bailee).set_overlay(&ACME, "[forbid]\npurposes = [\"notes.save\"]\n").await.unwrap();
    let error = connections.begin(&ada, "notes", &[NOTES]).await.unwrap_err();
    assert_eq!((error.kind(), error.remedy()), (ErrorKind::Denied, Remedy::FixConfiguration));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overlay_asks_for_a_consent_where_the_declaration_needs_none() {
    const ABUSE: PurposeId = PurposeId::from_static("abuse");
    let w = builder().build().await.unwrap();
    let (ada, far) = (w.visitor("ada"), w.visitor_in("globex", "hal"));
    let choices = w.bailee.choices();
    assert!(choices.decide(&ada, &ABUSE).await.unwrap().is_allowed());
    desk(&w.bailee).set_overlay(&ACME, "[consent]\npurposes = [\"abuse\"]\n").await.unwrap();
    assert!(!choices.decide(&ada, &ABUSE).await.unwrap().is_allowed());
    assert!(choices.decide(&far, &ABUSE).await.unwrap().is_allowed());
    choices.agree(&ada, &[ABUSE], [1; 32]).await.unwrap();
    assert!(choices.decide(&ada, &ABUSE).await.unwrap().is_allowed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_takes_adults_alone_takes_whoever_is_younger_for_a_child() {
    let w = builder().build().await.unwrap();
    let (ada, far) = (w.visitor("ada"), w.visitor_in("globex", "hal"));
    let choices = w.bailee.choices();
    let refused = choices.say_age(&ada, 17, None).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Configuration, "nobody asks for ages");
    desk(&w.bailee).set_overlay(&ACME, "[age]\nminimum = 18\n").await.unwrap();
    let learnt = choices.say_age(&ada, 17, None).await.unwrap();
    assert_eq!(learnt.band, bailee::registry::AgeBand::Child);
    assert!(learnt.erase.is_some());
    assert_eq!(choices.say_age(&far, 17, None).await.unwrap_err().kind(), ErrorKind::Configuration);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_would_widen_or_that_is_none_is_refused_with_its_line_and_nothing_changes() {
    let w = builder().build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    for (text, word) in [
        ("[allow]\npurposes = [\"notes.save\"]\n", "allow"),
        ("[forbid]\npurposes = [\"nothing.of.it\"]\n", "nothing.of.it"),
        ("not toml", "line 1"),
    ] {
        let error = desk(&w.bailee).set_overlay(&ACME, text).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{text}");
        assert!(format!("{error} {error:?}").contains(word), "{text}: {error} {error:?}");
    }
    let long = format!("# {}\n", "x".repeat(25_000));
    let error = desk(&w.bailee).set_overlay(&ACME, &long).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    let system = TenantId::SYSTEM;
    let error = desk(&w.bailee).set_overlay(&system, NO_WRITING).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(desk(&w.bailee).overlay(&ACME).await.unwrap(), None);
    save(&w.bailee, &ada, &notes).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gate_reads_once_with_an_overlay_and_during_a_rollout_too() {
    let of = builder();
    let clock: Arc<dyn Clock> = Arc::new(of.clock().clone());
    let (w, store) = watched_over(of, Arc::new(MemoryStore::new(clock))).await;
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let newer =
        w.another_process_over(changed("Publish your videos", "Post your videos"), store.clone());
    let newer = newer.await.unwrap();
    desk(&w.bailee).set_overlay(&ACME, "[forbid]\npurposes = [\"publish.video\"]\n").await.unwrap();
    for process in [&w.bailee, &newer] {
        for warm in [false, true, true] {
            let before = store.asked();
            let creator = bailee_tests::drill::SaveNote("n");
            process.acting(&ada, &NOTES).call(&notes, &creator).await.unwrap();
            let after = store.asked();
            if warm {
                assert_eq!((after.reads - before.reads, after.finds - before.finds), (1, 0));
            }
        }
    }
}
