//! What is too old goes, day after day, in every tenant.

use bailee_core::HostId;

use crate::world::{ACME, DAY, GLOBEX, NAMES, World};

/// Rows of everybody, younger and older than their time.
fn fill(w: &World) {
    for tenant in [&ACME, &GLOBEX] {
        for name in NAMES {
            for days in [1, 29, 31, 32, 400] {
                w.row(tenant, name, "visits", days);
            }
            for days in [100, 200, 300] {
                w.row(tenant, name, "drafts", days);
            }
            for table in ["accounts", "bills"] {
                w.row(tenant, name, table, 5000);
            }
        }
    }
}

fn old(row: &str) -> bool {
    let mut parts = row.split('/').skip(2);
    let (table, days) = (parts.next().unwrap(), parts.next().unwrap());
    let days: u32 = days.parse().unwrap();
    match table {
        "visits" => days > 30,
        "drafts" => days > 184,
        _ => false,
    }
}

#[tokio::test]
async fn r11_what_is_too_old_goes_in_every_tenant_and_nothing_else_does() {
    let w = World::new().await;
    fill(&w);
    let process = w.process().await;
    process.retention.begin().await.unwrap();
    process.retention.begin().await.unwrap();
    let expected: Vec<_> = w.left().into_iter().filter(|row| !old(row)).collect();
    process.settle().await;
    assert_eq!(w.left(), expected);
    for tenant in [&ACME, &GLOBEX] {
        let state = process.retention.state(tenant).await.unwrap().unwrap();
        assert_eq!((state.rows, state.failing.len()), (20, 0));
        assert_eq!((state.ended, state.whole), (Some(w.now()), Some(w.now())));
        let sweeps = process.retention.sweeps(tenant, None, 10).await.unwrap();
        let mut told: Vec<_> = sweeps
            .iter()
            .map(|sweep| (sweep.table.as_str(), sweep.found, sweep.left, sweep.changed.clone()))
            .collect();
        told.sort();
        let changed = |table: &str, rows| [(table.to_owned(), rows)].into();
        assert_eq!(
            told,
            [
                ("drafts", 8, Some(0), changed("drafts", 8)),
                ("visits", 12, Some(0), changed("visits", 12)),
            ]
        );
        assert!(sweeps.iter().all(|sweep| !sweep.failed && !sweep.interrupted));
    }

    // The next day what became too old goes, and nothing is looked at before.
    w.clock.advance(DAY / 2);
    process.settle().await;
    assert_eq!(w.left(), expected);
    w.clock.advance(DAY / 2 + DAY);
    process.settle().await;
    let gone = expected.iter().filter(|row| !row.contains("/visits/29")).cloned();
    assert_eq!(w.left(), gone.collect::<Vec<_>>());
}

#[tokio::test]
async fn r11_people_with_a_hold_and_people_whose_data_may_only_be_kept_are_left_out() {
    let w = World::new().await;
    fill(&w);
    w.hold(&ACME, "ada", &["logs"], 20).await;
    w.restrict(&ACME, "bob").await;
    let process = w.process().await;
    process.retention.begin().await.unwrap();
    let kept =
        |row: &&String| !old(row) || row.starts_with("acme/ada/") || row.starts_with("acme/bob/");
    let expected: Vec<_> = w.left().iter().filter(kept).cloned().collect();
    process.settle().await;
    assert_eq!(w.left(), expected);
    let sweeps = process.retention.sweeps(&ACME, None, 10).await.unwrap();
    assert!(sweeps.iter().all(|sweep| sweep.left_out == 2 && sweep.left == Some(0)));

    // The hold ends, and what it kept goes the next day.
    w.clock.advance(DAY * 21);
    process.settle().await;
    let left = w.left();
    assert!(left.iter().all(|row| !row.starts_with("acme/ada/") || !old(row)), "{left:?}");
    assert!(left.iter().any(|row| row.starts_with("acme/bob/visits/400")));
}

#[tokio::test]
async fn a_tenant_that_comes_later_is_looked_at_too_and_one_that_ended_stops_nothing() {
    let w = World::new().await;
    let process = w.process().await;
    process.retention.begin().await.unwrap();
    process.settle().await;
    let later = bailee_core::TenantId::from_static("later");
    let subject = process.vault.ensure_subject(&later, &HostId::text("eve")).await.unwrap();
    process.vault.destroy_tenant(&GLOBEX).await.unwrap();
    let mut w = w;
    w.people.push((later.clone(), "eve", subject));
    w.row(&later, "eve", "visits", 31);
    w.row(&ACME, "ada", "visits", 31);
    w.clock.advance(DAY);
    process.settle().await;
    assert!(w.left().is_empty());
    assert!(process.retention.state(&GLOBEX).await.unwrap().is_none());
    w.clock.advance(DAY * 2);
    process.settle().await;
    assert_eq!(process.step().await.unwrap(), 0, "nothing comes again and again");
}

#[tokio::test]
async fn r11_the_log_tells_of_every_sweep_in_numbers_and_the_evidence_outlives_its_time_by_nothing()
{
    let w = World::new().await;
    fill(&w);
    let process = w.process().await;
    process.retention.begin().await.unwrap();
    process.settle().await;
    let entries = w.entries(&ACME).await;
    let of = |event: &str| entries.iter().filter(|logged| logged.entry.event() == event).count();
    // Eight drafts and twelve visits by two at a time, and a look that finds nothing more.
    assert_eq!((of("rights.sweep_begun"), of("rights.swept")), (2, 5 + 7));
    assert_eq!((of("rights.retention_looked"), of("rights.sweep_failed")), (1, 0));
    for logged in &entries {
        assert!(bailee_audit::check(&logged.entry).is_ok(), "{:?}", logged.entry);
        let text = format!("{:?}", logged.entry);
        // Not "ada", which is written in the digits of an id now and then.
        assert!(!NAMES[1..].iter().any(|name| text.contains(name)), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }
    assert_eq!(process.retention.sweeps(&ACME, None, 1).await.unwrap().len(), 1);
    let first = process.retention.sweeps(&ACME, None, 1).await.unwrap()[0].id;
    assert_eq!(process.retention.sweeps(&ACME, Some(first), 9).await.unwrap().len(), 1);
    w.clock.advance(DAY * 3 * 366);
    assert!(process.retention.sweeps(&ACME, None, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn r11_a_process_whose_clock_is_ahead_erases_nothing_before_its_time() {
    let w = World::new().await;
    w.row(&ACME, "ada", "visits", 1);
    let mut other = World::new().await;
    other.clock = bailee_core::ManualClock::at(w.now().plus(DAY * 365));
    let process = other.over(&w).await;
    process.retention.begin().await.unwrap();
    process.settle().await;
    assert_eq!(w.left().len(), 1);
    assert!(process.retention.state(&ACME).await.unwrap().unwrap().ended.is_some());
}
