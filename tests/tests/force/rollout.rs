//! Two declarations on one database, from the first new process to the end of the rollout.

use bailee::{ErrorKind, Remedy, Serving, providers::tiktok::CreatorInfo};
use bailee_tests::{PUBLISH, Trip};

use super::*;

/// Connects an account through a process.
async fn connect(w: &World, process: &Bailee, visitor: &Visitor) -> bailee::Result<ConnectionRef> {
    let begun = process.connections().begin(visitor, "notes", &[NOTES]).await?;
    let browser = bailee_testkit::Browser::new();
    browser.take(begun.answer());
    let allow = bailee_testkit::emulator::Decision::Allow;
    let back = w.approve(&begun, allow, "ada").await;
    let completed = process.connections().complete(visitor, browser.callback(&back)).await;
    Ok(completed.map_err(Error::from)?.connection)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_whose_declaration_is_not_in_force_serves_what_both_declare_and_takes_no_consent()
{
    for place in places().await {
        let Place { name, w, ada, .. } = &place;
        let notes = w.connect(ada, "notes", &[NOTES]).await.unwrap();
        let tiktok = w.connect(ada, "tiktok", &[PUBLISH]).await.unwrap();
        // It no longer declares what TikTok needs to publish, and adds an operation of its own.
        let text = include_str!("../../privacy.toml")
            .replace(
                "\"notes.write\" = [\"notes.save\"]\n\n[[",
                "\"notes.write\" = [\"notes.save\"]\n\"notes.purge\" = [\"notes.save\"]\n\n[[",
            )
            .replace("\"tiktok.creator_info\" = [\"publish.video\"]\n", "");
        let newer = place.process(Declaration::parse(&text).unwrap()).await;
        let status = desk(&newer).status().await.unwrap();
        assert_eq!(status.serving, Serving::Shared, "{name}");
        assert_eq!(status.live, [declaration().version()], "starting it changed nothing");

        save(&newer, ada, &notes).await.unwrap();
        save(&w.bailee, ada, &notes).await.unwrap();
        let error = newer.acting(ada, &PUBLISH).call(&tiktok, &CreatorInfo).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{name}: its own declaration does not have it");
        w.bailee.acting(ada, &PUBLISH).call(&tiktok, &CreatorInfo).await.unwrap();

        let refused = [
            newer.connections().begin(ada, "notes", &[NOTES]).await.map(drop),
            newer.choices().agree(ada, &[NOTES], [1; 32]).await,
        ];
        for outcome in refused {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{name}: {error}");
            assert_eq!(error.remedy(), Remedy::FixConfiguration);
            assert!(error.to_string().contains("not in force"), "{error}");
        }
        // Taking something back is never refused.
        newer.choices().opt_out_of_marketing(ada).await.unwrap();
        newer.connections().disconnect(ada, &tiktok).await.unwrap();

        let activated = activate(&newer).await.unwrap();
        assert_eq!(activated.former, Some(declaration().version()), "{name}");
        let status = desk(&newer).status().await.unwrap();
        assert_eq!(status.serving, Serving::Own);
        assert_eq!(desk(&w.bailee).status().await.unwrap().serving, Serving::Own, "{name}");
        w.assert_clean_audit(&["acme", "~"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_older_process_declares_is_served_by_it_alone_until_it_is_retired() {
    let w = builder().build().await.unwrap();
    let ada = w.visitor("ada");
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let narrower = changed("\"tiktok.creator_info\" = [\"publish.video\"]\n", "");
    let newer = w.another_process(narrower).await.unwrap();
    activate(&newer).await.unwrap();
    let creator = async |process: &Bailee| {
        process.acting(&ada, &PUBLISH).call(&tiktok, &CreatorInfo).await.map_err(|e| e.kind())
    };
    creator(&w.bailee).await.unwrap();
    assert_eq!(creator(&newer).await.unwrap_err(), ErrorKind::Denied);
    let newest = desk(&newer).retire(desk(&newer).status().await.unwrap().live[0]).await;
    assert_eq!(newest.unwrap_err().kind(), ErrorKind::InvalidInput);
    for _ in 0..2 {
        desk(&newer).retire(declaration().version()).await.unwrap();
    }
    assert_eq!(creator(&w.bailee).await.unwrap_err(), ErrorKind::Denied, "at its next call");
    assert_eq!(desk(&w.bailee).status().await.unwrap().serving, Serving::Shared);
    let error = w.bailee.connections().begin(&ada, "tiktok", &[PUBLISH]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(entries(&w, "declaration.retired").await.len(), 1);
    w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_consents_do_not_cover_what_is_new_and_new_ones_do() {
    for place in places().await {
        let Place { name, w, ada, .. } = &place;
        let (grace, hal) = (w.visitor("grace"), w.visitor("hal"));
        let notes = w.connect(ada, "notes", &[NOTES]).await.unwrap();
        let graces = w.connect(&grace, "notes", &[NOTES]).await.unwrap();
        let newer = place.process(next()).await;
        save(&newer, ada, &notes).await.unwrap();

        let activated = activate(&newer).await.unwrap();
        assert!(activated.asked > 0, "{name}");
        let sent = saved(w);
        let error = save(&newer, ada, &notes).await.unwrap_err();
        assert_eq!((error.kind(), error.remedy()), (ErrorKind::ConsentMissing, Remedy::AskConsent));
        assert_eq!(saved(w), sent, "{name}: nothing left");
        // The older process does what was agreed to, under the text that was agreed to.
        save(&w.bailee, ada, &notes).await.unwrap();

        // Given in the older process during the rollout: to the older text.
        w.advance(std::time::Duration::from_secs(5));
        let late = w.connect(&hal, "notes", &[NOTES]).await.unwrap();
        save(&w.bailee, &hal, &late).await.unwrap();
        let error = save(&newer, &hal, &late).await.unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::ConsentMissing,
            "{name}: it does not count for the new"
        );

        // Given in the newer one: it counts, in both.
        let again = connect(w, &newer, ada).await.unwrap();
        assert_eq!(again, notes);
        save(&newer, ada, &notes).await.unwrap();
        save(&w.bailee, ada, &notes).await.unwrap();
        // Nobody else's word changed.
        assert_eq!(
            save(&newer, &grace, &graces).await.unwrap_err().kind(),
            ErrorKind::ConsentMissing
        );

        desk(&newer).retire(declaration().version()).await.unwrap();
        for visitor in [&grace, &hal] {
            let connection = if visitor.person() == grace.person() { &graces } else { &late };
            for process in [&newer, &w.bailee] {
                let error = save(process, visitor, connection).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::ConsentMissing, "{name}: the rollout is over");
            }
        }
        save(&newer, ada, &notes).await.unwrap();
        w.assert_clean_audit(&["acme", "~"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_an_old_process_began_ends_in_a_new_one_while_its_text_is_live() {
    let w = builder().build().await.unwrap();
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let newer = w.another_process(next()).await.unwrap();
    // Before it is activated: it writes down what somebody agreed to in a process that may ask.
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let request = trip.browser.callback(trip.back.as_str());
    let completed = newer.connections().complete(&ada, request).await.unwrap();
    save(&newer, &ada, &completed.connection).await.unwrap();

    let trip = Trip::begin(&w, &grace, "notes", &[NOTES]).await;
    activate(&newer).await.unwrap();
    let request = trip.browser.callback(trip.back.as_str());
    let completed = newer.connections().complete(&grace, request).await.unwrap();
    let error = save(&newer, &grace, &completed.connection).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConsentMissing, "the text that was shown lacks the change");
    save(&w.bailee, &grace, &completed.connection).await.unwrap();

    let trip = Trip::begin(&w, &grace, "notes", &[NOTES]).await;
    desk(&newer).retire(declaration().version()).await.unwrap();
    let request = trip.browser.callback(trip.back.as_str());
    let refusal = newer.connections().complete(&grace, request).await.unwrap_err();
    assert_eq!(refusal.reason(), bailee::RefusalReason::DeclarationChanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_to_the_former_declaration_asks_nobody_and_the_next_one_asks_again() {
    let w = builder().build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let newer = w.another_process(next()).await.unwrap();
    activate(&newer).await.unwrap();
    w.advance(std::time::Duration::from_secs(60));
    let back = activate(&w.bailee).await.unwrap();
    assert_eq!(back.former, Some(next().version()));
    save(&w.bailee, &ada, &notes).await.unwrap();
    let error = save(&newer, &ada, &notes).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConsentMissing);
    desk(&w.bailee).retire(next().version()).await.unwrap();
    save(&w.bailee, &ada, &notes).await.unwrap();

    let last = w.another_process(third()).await.unwrap();
    activate(&last).await.unwrap();
    save(&w.bailee, &ada, &notes).await.unwrap();
    assert_eq!(save(&last, &ada, &notes).await.unwrap_err().kind(), ErrorKind::ConsentMissing);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_the_version_under_which_an_effect_was_decided() {
    let w = builder().build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let narrower = changed("\"tiktok.creator_info\" = [\"publish.video\"]\n", "");
    let newer = w.another_process(narrower.clone()).await.unwrap();
    activate(&newer).await.unwrap();
    save(&w.bailee, &ada, &notes).await.unwrap();
    w.advance(std::time::Duration::from_secs(1));
    save(&newer, &ada, &notes).await.unwrap();
    let log = w.audit("acme").await;
    let named: Vec<_> = log
        .iter()
        .filter(|logged| logged.entry.event() == "call.effect_intended")
        .map(|logged| logged.entry.field("version").cloned())
        .collect();
    assert_eq!(named, [Some(digest(&declaration())), Some(digest(&narrower))]);
}
