//! What starting a process does to the declaration in force: nothing, but the first time.

use bailee::{ErrorKind, Serving};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_puts_its_declaration_in_force_and_keeps_the_text() {
    for place in places().await {
        let Place { name, w, .. } = &place;
        let status = desk(&w.bailee).status().await.unwrap();
        assert_eq!(status.live, [declaration().version()], "{name}");
        assert_eq!((status.own, status.serving), (declaration().version(), Serving::Own));
        assert!(status.asked.is_empty());
        let newer = place.process(next()).await;
        let diff = desk(&newer).diff().await.unwrap();
        assert_eq!(diff.before().source(), declaration().source(), "{name}");
        assert!(!diff.is_empty());
        assert!(desk(&w.bailee).diff().await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_of_any_length_is_kept_and_read_again() {
    let long = format!("{}\n# {}\n", include_str!("../../privacy.toml"), "é🦀 ".repeat(30_000));
    let long = Declaration::parse(&long).unwrap();
    let w = World::builder(long.clone()).issuer(notes_issuer(), NOTES_SPEC).build().await.unwrap();
    let newer = w.another_process(next()).await.unwrap();
    assert_eq!(desk(&newer).diff().await.unwrap().before().source(), long.source());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_may_say_that_starting_is_the_act_and_an_old_process_does_not_bring_its_own_back() {
    let w = builder().build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let start = async |declaration: Declaration| {
        let builder = w.process(declaration, w.store().clone()).unwrap();
        builder.activates_at_start().build().await.unwrap()
    };
    let newer = start(next()).await;
    let status = desk(&newer).status().await.unwrap();
    assert_eq!(status.live, [next().version(), declaration().version()]);
    assert_eq!(save(&newer, &ada, &notes).await.unwrap_err().kind(), ErrorKind::ConsentMissing);
    let activated = entries(&w, "declaration.activated").await;
    assert_eq!(activated.len(), 1);
    assert_eq!(activated[0].field("actor"), Some(&Field::Word("system".into())));

    // It starts again while it is live, and when it no longer is.
    let old = start(declaration()).await;
    assert_eq!(desk(&old).status().await.unwrap().live, status.live);
    desk(&newer).retire(declaration().version()).await.unwrap();
    let old = start(declaration()).await;
    let status = desk(&old).status().await.unwrap();
    assert_eq!((status.live, status.serving), (vec![next().version()], Serving::Shared));
    assert_eq!(entries(&w, "declaration.activated").await.len(), 1);
    // Somebody who means it does.
    activate(&old).await.unwrap();
    assert_eq!(desk(&old).status().await.unwrap().serving, Serving::Own);
    w.assert_clean_audit(&["acme", "~"]).await;
}

/// Puts a control row in the place of the one that there is, as another release would have.
async fn overwrite_control(w: &World, schema: u16, declaration: [u8; 32]) {
    let vault = w.bailee.vault();
    let control = w.store().read(&TenantId::SYSTEM, &[]).await.unwrap().control;
    let bytes: Vec<String> = declaration.iter().map(ToString::to_string).collect();
    let body = format!(
        "{{\"instance\":\"test\",\"epoch\":3,\"frozen\":[],\"declaration\":[{}]}}",
        bytes.join(",")
    );
    let op = vault.seal_control(schema, body.as_bytes(), &control).await.unwrap();
    let entry = bailee::core::audit::Entry::new("control.changed", w.clock.now());
    let batch = vault.batch().unwrap().op(op).audit(entry);
    vault.commit(&TenantId::SYSTEM, batch).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_from_before_activations_is_read_and_the_text_of_its_declaration_kept() {
    let w = builder().build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    overwrite_control(&w, 1, declaration().version()).await;
    save(&w.bailee, &ada, &notes).await.unwrap();
    let same = w.another_process(declaration()).await.unwrap();
    assert_eq!(desk(&same).status().await.unwrap().serving, Serving::Own);
    w.bailee.freeze(bailee::Freeze::All).await.unwrap();
    w.bailee.thaw(&bailee::Freeze::All).await.unwrap();
    save(&same, &ada, &notes).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_can_say_what_is_in_force_nothing_is_served_and_everything_is_asked_anew() {
    let w = builder().build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let unknown = [7; 32];
    overwrite_control(&w, 1, unknown).await;
    let sent = saved(&w);
    for outcome in [
        save(&w.bailee, &ada, &notes).await,
        w.bailee.connections().begin(&ada, "notes", &[NOTES]).await.map(drop),
        desk(&w.bailee).diff().await.map(drop),
    ] {
        let kind = outcome.unwrap_err().kind();
        assert!([ErrorKind::Configuration, ErrorKind::NotFound].contains(&kind), "{kind:?}");
    }
    assert_eq!(saved(&w), sent);
    assert_eq!(desk(&w.bailee).status().await.unwrap().serving, Serving::Nothing);
    // What people have is still theirs to end.
    w.bailee.choices().opt_out_of_marketing(&ada).await.unwrap();

    // A consent of the very moment would be one after it.
    w.advance(std::time::Duration::from_secs(1));
    let activated = desk(&w.bailee).activate(Activation::replacing(unknown)).await.unwrap();
    assert!(activated.asked >= 2);
    let error = save(&w.bailee, &ada, &notes).await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::ConsentMissing,
        "whatever they were told, it is asked anew"
    );
    w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    save(&w.bailee, &ada, &notes).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_a_newer_release_is_neither_read_nor_written_over() {
    let w = builder().build().await.unwrap();
    let ada = w.visitor("ada");
    let notes = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    overwrite_control(&w, 3, declaration().version()).await;
    let before = w.store().read(&TenantId::SYSTEM, &[]).await.unwrap().control.version;
    for outcome in [
        save(&w.bailee, &ada, &notes).await,
        w.bailee.freeze(bailee::Freeze::All).await,
        desk(&w.bailee).retire([1; 32]).await,
        w.another_process(declaration()).await.map(drop),
    ] {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::UnknownSchema);
    }
    let after = w.store().read(&TenantId::SYSTEM, &[]).await.unwrap().control.version;
    assert_eq!(before, after);
}
