//! Whether somebody was erased, for imports and for tables of the host that were put back.

use std::sync::Arc;

use bailee_core::DataCategory;
use bailee_registry::{DataOrigin, Declaration};
use bailee_rights::source::{
    DataSource, FieldFacts, MemorySource, SourceFacts, SourceRow, Sources, Strategy, TableFacts,
    Value, Whose,
};

use crate::world::{ACME, GLOBEX, World, person};

#[tokio::test]
async fn r3_people_who_were_erased_are_known_again_by_the_hosts_id_in_their_tenant_alone() {
    let w = World::new();
    let process = w.process(w.memory()).await;
    let everybody: Vec<_> = (0..900).map(|n| person(&n.to_string())).collect();
    for n in [0, 7, 399, 400, 401, 899] {
        for tenant in [&ACME, &GLOBEX] {
            process.vault.ensure_subject(tenant, &everybody[n]).await.unwrap();
        }
        process.erase(&ACME, &n.to_string()).await;
    }
    let erased = process.erasures.was_erased(&ACME, &everybody).await.unwrap();
    let expected: Vec<_> = [0, 7, 399, 400, 401, 899].map(|n| everybody[n].clone()).into();
    assert_eq!(erased, expected);
    assert!(process.erasures.was_erased(&GLOBEX, &everybody).await.unwrap().is_empty());
    // Asking gives nobody keys.
    let nowhere = bailee_core::TenantId::from_static("nowhere");
    let known = process.erasures.known(&nowhere, &everybody).await.unwrap();
    assert_eq!(known, vec![None; 900]);
    assert!(process.vault.directory_key(&nowhere, &everybody[0]).await.unwrap().is_none());
}

#[tokio::test]
async fn somebody_who_came_back_is_not_taken_for_who_was_erased() {
    let w = World::new();
    let process = w.process(w.memory()).await;
    process.vault.ensure_subject(&ACME, &person("ada")).await.unwrap();
    let first = process.erase(&ACME, "ada").await;
    let again = process.vault.ensure_subject(&ACME, &person("ada")).await.unwrap();
    assert_ne!(first, again);
    let people = [person("ada")];
    assert!(process.erasures.was_erased(&ACME, &people).await.unwrap().is_empty());
    let known = process.erasures.known(&ACME, &people).await.unwrap()[0].unwrap();
    assert!(known.lives_again);
    assert_eq!(known.subject, first);
    // Erased twice, the second time stands for both.
    w.clock.advance(crate::world::DAY);
    process.erase(&ACME, "ada").await;
    let twice = process.erasures.known(&ACME, &people).await.unwrap()[0].unwrap();
    assert_eq!((twice.subject, twice.lives_again), (again, false));
    assert!(twice.at > known.at && twice.until > known.until);
}

#[tokio::test]
async fn r3_rows_of_erased_people_that_a_hosts_own_backup_brought_back_are_erased() {
    let w = World::new();
    let process = w.process(w.memory()).await;
    let mut subjects = Vec::new();
    for name in ["ada", "bob"] {
        subjects.push(process.vault.ensure_subject(&ACME, &person(name)).await.unwrap());
    }
    process.erase(&ACME, "ada").await;

    let field = FieldFacts::new("text", DataCategory::new("content"), DataOrigin::Provided);
    let table = TableFacts::new("posts", "content", Strategy::Delete).with_field(field);
    let source = Arc::new(MemorySource::new(SourceFacts::new("app", vec![table]), 3));
    let declaration = Declaration::parse(PRIVACY).unwrap();
    let sources = Sources::new(&declaration, vec![source.clone() as Arc<dyn DataSource>]).unwrap();
    // The host put its tables back: everybody's rows are there again, under the ids of then.
    for (name, subject) in ["ada", "bob"].into_iter().zip(subjects) {
        let whose = Whose::new(ACME, person(name), subject);
        for n in 0..10 {
            let values = vec![Value::Text(format!("canary of {name}"))];
            source.insert(&whose, "posts", SourceRow { key: format!("{name}-{n}"), values });
        }
    }
    let people = [person("bob"), person("ada"), person("nobody")];
    let mut rows = 0;
    loop {
        let step = process.erasures.erase_restored(&sources, &ACME, &people).await.unwrap();
        rows += step.rows();
        if !step.more {
            break;
        }
    }
    assert_eq!(rows, 10);
    let left = source.contents();
    assert_eq!(left.len(), 10);
    assert!(left.iter().all(|row| row.key.starts_with("bob")));
}

const PRIVACY: &str = include_str!("../declared/content.toml");
