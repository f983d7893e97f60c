//! A database that is older than its anchor is not served before its erasures were done again.

use std::sync::atomic::Ordering;

use bailee_rights::erased::{Checked, Erasures};

use crate::world::{ACME, DAY, Eraser, GLOBEX, REQUEST, World, person};

#[tokio::test]
async fn r3_what_is_under_way_keeps_the_database_from_being_served() {
    let w = World::new();
    let path = w.folder.path().join("vault.db");
    let backup = w.folder.path().join("backup.db");
    let people = ["ada", "bob", "cleo"];
    {
        let process = crate::files::on_file(&w, &path).await;
        assert_eq!(process.erasures.check().await.unwrap(), Checked::Whole);
        for tenant in [&ACME, &GLOBEX] {
            for name in people {
                process.vault.ensure_subject(tenant, &person(name)).await.unwrap();
            }
        }
        crate::files::close(process).await;
    }
    crate::world::copy(&path, &backup);
    let mut erased = Vec::new();
    {
        let process = crate::files::on_file(&w, &path).await;
        process.erasures.check().await.unwrap();
        erased.push((ACME, process.erase(&ACME, "ada").await));
        erased.push((GLOBEX, process.erase(&GLOBEX, "ada").await));
        // Somebody whom the backup does not know.
        process.vault.ensure_subject(&ACME, &person("dora")).await.unwrap();
        process.erase(&ACME, "dora").await;
        process.settle().await;
        crate::files::close(process).await;
    }
    crate::world::copy(&backup, &path);

    let process = crate::files::on_file(&w, &path).await;
    assert!(process.erasures.is_behind());
    assert_eq!(process.erasures.check().await.unwrap(), Checked::Behind(3));
    let eraser = Eraser::of(&process);
    // One that says it did and did not is not believed.
    eraser.lies.store(true, Ordering::SeqCst);
    let replayed = process.erasures.replay(&eraser).await.unwrap();
    assert_eq!((replayed.done, replayed.erased, replayed.left), (1, 0, 2));
    assert!(process.erasures.is_behind());
    eraser.lies.store(false, Ordering::SeqCst);
    eraser.turns.store(3, Ordering::SeqCst);
    for left in [2, 1] {
        assert_eq!(process.erasures.replay(&eraser).await.unwrap().left, left);
        assert!(process.erasures.is_behind());
    }
    // Another process, which died in between or not, goes on.
    let other = w.process(process.store.clone()).await;
    assert_eq!(other.erasures.check().await.unwrap(), Checked::Behind(1));
    let replayed = other.erasures.replay(&eraser).await.unwrap();
    assert_eq!((replayed.done, replayed.erased, replayed.left), (1, 1, 0));
    assert!(!other.erasures.is_behind());
    assert_eq!(process.erasures.check().await.unwrap(), Checked::Whole);
    for (tenant, subject) in &erased {
        assert!(!process.lives(tenant, *subject).await);
    }
    for (tenant, names) in [(&ACME, ["bob", "cleo"]), (&GLOBEX, ["bob", "cleo"])] {
        for name in names {
            let subject = process.vault.subject(tenant, &person(name)).await.unwrap().unwrap();
            assert!(process.lives(tenant, subject).await);
        }
    }
    let asked = eraser.asked.lock().unwrap().clone();
    assert!(asked.iter().all(|(tenant, subject, request)| {
        *request == REQUEST && erased.contains(&(tenant.clone(), *subject))
    }));
    for tenant in [&ACME, &GLOBEX] {
        let ada = process.erasures.known(tenant, &[person("ada")]).await.unwrap()[0];
        assert!(ada.is_some_and(|ada| ada.request == REQUEST));
    }
    let dora = process.erasures.was_erased(&ACME, &[person("dora")]).await.unwrap();
    assert_eq!(dora, [person("dora")], "also whom nobody had to erase again is known");
}

#[tokio::test]
async fn a_tenant_whose_keys_were_destroyed_lacks_nothing() {
    let w = World::new();
    let process = w.process(w.memory()).await;
    process.vault.ensure_subject(&ACME, &person("ada")).await.unwrap();
    process.erase(&ACME, "ada").await;
    process.settle().await;
    process.vault.destroy_tenant(&ACME).await.unwrap();
    let other = w.process(process.store.clone()).await;
    assert_eq!(other.erasures.check().await.unwrap(), Checked::Whole);
}

#[tokio::test]
async fn an_erasure_that_was_noted_again_stands_for_the_older_entry() {
    let w = World::new();
    let process = w.process(w.memory()).await;
    for _ in 0..2 {
        process.vault.ensure_subject(&ACME, &person("ada")).await.unwrap();
        process.erase(&ACME, "ada").await;
        process.settle().await;
        w.clock.advance(DAY);
    }
    assert_eq!(process.erasures.check().await.unwrap(), Checked::Whole);
    let none = Erasures::builder(process.vault.clone(), DAY).build();
    let replayed = none.replay(&Eraser::of(&process)).await.unwrap();
    assert_eq!((replayed.done, replayed.left), (0, 0));
}
