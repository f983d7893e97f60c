//! Commits, claims and reads of many tasks at once, over two handles on the same data.

use std::{
    collections::BTreeSet,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use bailee_core::{Result, TenantId};
use tokio::{sync::Barrier, task::JoinSet};

use super::{
    Harness,
    desk::{ACME, Desk, GLOBEX, MINUTE, NOTE, OTHER, REFRESH, id, is_conflict, key, next, subject},
};
use crate::{
    Batch, Claim, Committed, Due, Expect, Head, Key, Kind, Op, Query, Record, Sealed, Store,
    Version,
};

const SUBJECT: Kind = Kind::from_static("subject");
const CREDENTIAL: Kind = Kind::from_static("credential");
const ROUNDS: u64 = 32;

/// Of sixty-four deletes of one version exactly one happens.
pub async fn of_many_deletes_of_one_version_one_wins(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let record = desk.note(&key(NOTE, 1));
    let version = desk.put(&ACME, record.clone()).await;
    let batches = (0..64)
        .map(|_| desk.batch().delete(record.key.clone(), Expect::Version(version)))
        .map(|batch| (ACME, batch.build().unwrap()));
    let results = race(&desk, harness, batches.collect()).await;
    assert_eq!(winners(&results), 1);
    assert_eq!(desk.get(&ACME, &record.key).await, None);
    assert_eq!(desk.entries(&ACME).await, 2, "the losers left no entry");
}

/// Of many writers over one version exactly one wins, and what is read is what it wrote.
pub async fn of_many_writers_over_one_version_one_wins(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let record = desk.note(&key(NOTE, 1));
    desk.put(&ACME, record.clone()).await;
    let writes = (0..32_u8).map(|writer| {
        let (written, expect) = next(&record, &[writer]);
        (ACME, desk.batch().put(written, expect).build().unwrap())
    });
    let results = race(&desk, harness, writes.collect()).await;
    assert_eq!(winners(&results), 1);
    let winner = results.iter().position(Result::is_ok).unwrap();
    let written = desk.get(&ACME, &record.key).await.unwrap();
    assert_eq!(written.version, record.version.next());
    assert_eq!(written.body.as_bytes(), [winner as u8]);
}

/// Of many creators of one record exactly one wins.
pub async fn of_many_creators_of_one_record_one_wins(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let creations = (0..32_u8).map(|writer| {
        let record = Record { body: Sealed::new(vec![writer]), ..desk.note(&key(NOTE, 1)) };
        (ACME, desk.batch().put(record, Expect::Absent).build().unwrap())
    });
    let results = race(&desk, harness, creations.collect()).await;
    assert_eq!(winners(&results), 1);
    let winner = results.iter().position(Result::is_ok).unwrap();
    assert_eq!(desk.get(&ACME, &key(NOTE, 1)).await.unwrap().body.as_bytes(), [winner as u8]);
}

/// Of many that write over an expired record exactly one wins.
pub async fn of_many_writers_over_an_expired_record_one_wins(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let expires = Some(desk.now().plus(MINUTE));
    desk.put(&ACME, Record { expires, ..desk.note(&key(NOTE, 1)) }).await;
    desk.advance(MINUTE);
    let creations = (0..32_u8).map(|writer| {
        let record = Record { body: Sealed::new(vec![writer]), ..desk.note(&key(NOTE, 1)) };
        (ACME, desk.batch().put(record, Expect::Absent).build().unwrap())
    });
    let results = race(&desk, harness, creations.collect()).await;
    assert_eq!(winners(&results), 1);
}

/// One batch sent by many tasks at once happens once; the others learn that it did.
pub async fn one_batch_sent_many_times_at_once_happens_once(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let batch = desk.batch().put(desk.note(&key(NOTE, 1)), Expect::Absent).build().unwrap();
    let results = race(&desk, harness, vec![(ACME, batch); 32]).await;
    let applied = results.iter().filter(|result| matches!(result, Ok(Committed::Applied)));
    assert_eq!(applied.count(), 1);
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(desk.entries(&ACME).await, 1);
}

/// A commit that checks a subject and puts a credential races one that marks the subject erased:
/// whoever erases sees every credential that was let in, and none is let in afterwards.
pub async fn a_check_is_held_against_a_concurrent_erasure(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let other = harness.reopen(Arc::clone(&desk.store)).await;
    for round in 0..ROUNDS {
        let person = Record { subject: Some(subject(round)), ..desk.note(&key(SUBJECT, round)) };
        let version = desk.put(&ACME, person.clone()).await;
        let credential =
            Record { subject: Some(subject(round)), ..desk.note(&key(CREDENTIAL, round)) };
        let enter = desk
            .batch()
            .put(credential.clone(), Expect::Absent)
            .check(person.key.clone(), Expect::Version(version))
            .build()
            .unwrap();
        let (erased, expect) = next(&person, b"erased");
        let erase = desk.batch().put(erased, expect).build().unwrap();
        let barrier = Arc::new(Barrier::new(2));
        let entering = tokio::spawn({
            let (store, barrier) = (Arc::clone(&other), Arc::clone(&barrier));
            async move {
                barrier.wait().await;
                store.commit(&ACME, &enter).await
            }
        });
        barrier.wait().await;
        assert_eq!(desk.store.commit(&ACME, &erase).await.unwrap(), Committed::Applied);
        let query = Query::of_kind(CREDENTIAL).subject(subject(round));
        let seen = desk.found(&ACME, &query).await;
        match entering.await.unwrap() {
            Ok(_) => assert_eq!(seen, [credential.key], "let in behind an erasure"),
            Err(error) => {
                assert!(is_conflict::<()>(&Err(error)));
                assert_eq!(desk.get(&ACME, &credential.key).await, None);
            }
        }
    }
}

/// Two commits of which each checks what the other changes: never do both happen.
pub async fn of_two_commits_that_check_each_others_record_one_wins(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    for round in 0..ROUNDS {
        let (left, right) = (desk.note(&key(NOTE, round)), desk.note(&key(OTHER, round)));
        for record in [&left, &right] {
            desk.put(&ACME, record.clone()).await;
        }
        let crossing = [(&left, &right), (&right, &left)].map(|(checked, changed)| {
            let (written, expect) = next(changed, b"changed");
            let checks = Expect::Version(checked.version);
            let batch = desk.batch().check(checked.key.clone(), checks).put(written, expect);
            (ACME, batch.build().unwrap())
        });
        let results = race(&desk, harness, crossing.to_vec()).await;
        assert_eq!(winners(&results), 1);
    }
}

/// Two commits of which each checks that what the other creates is absent: never do both happen.
pub async fn a_check_for_absence_is_held_too(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    for round in 0..ROUNDS {
        let (left, right) = (desk.note(&key(NOTE, round)), desk.note(&key(OTHER, round)));
        let crossing = [(&left, &right), (&right, &left)].map(|(checked, created)| {
            let batch = desk
                .batch()
                .check(checked.key.clone(), Expect::Absent)
                .put(created.clone(), Expect::Absent);
            (ACME, batch.build().unwrap())
        });
        let results = race(&desk, harness, crossing.to_vec()).await;
        assert_eq!(winners(&results), 1);
    }
}

/// Commits that name the same records in opposite orders all happen or conflict; none is stuck and
/// none fails for another reason.
pub async fn commits_in_opposite_orders_do_not_block_each_other(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let keys: Vec<Key> = (0..8).map(|number| key(NOTE, number)).collect();
    for key in &keys {
        desk.put(&ACME, desk.note(key)).await;
    }
    for round in 0..8 {
        let records = desk.store.read(&ACME, &keys).await.unwrap().records;
        let writes = (0..8_u8).map(|writer| {
            let mut ops: Vec<_> = records
                .iter()
                .flatten()
                .map(|record| next(record, &[writer]))
                .map(|(record, expect)| Op::Put { record, expect, lookups: None })
                .collect();
            if writer % 2 == 0 {
                ops.reverse();
            }
            (ACME, desk.batch().ops(ops).build().unwrap())
        });
        let results = race(&desk, harness, writes.collect()).await;
        assert_eq!(winners(&results), 1, "round {round}");
    }
}

/// What one tenant does never makes another's commit fail.
pub async fn tenants_do_not_disturb_each_other(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let tenants: Vec<TenantId> =
        (0..16).map(|n| TenantId::new(format!("tenant-{n}")).unwrap()).collect();
    let commits = tenants.iter().map(|tenant| {
        let batch = desk.batch().put(desk.note(&key(NOTE, 1)), Expect::Absent).schedule(
            key(REFRESH, 1),
            None,
            Due::At(desk.now()),
        );
        (tenant.clone(), batch.build().unwrap())
    });
    let results = race(&desk, harness, commits.collect()).await;
    assert_eq!(winners(&results), tenants.len());
}

/// Work that many claim at once is held by one of each; together they get all of it.
pub async fn ref_02_no_work_is_held_twice(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let other = harness.reopen(Arc::clone(&desk.store)).await;
    for number in 0..100 {
        for tenant in [ACME, GLOBEX] {
            desk.schedule(&tenant, &key(REFRESH, number), Due::At(desk.now())).await;
        }
    }
    let barrier = Arc::new(Barrier::new(16));
    let mut claimers = JoinSet::new();
    for number in 0..16 {
        let store = Arc::clone(if number % 2 == 0 { &desk.store } else { &other });
        let barrier = Arc::clone(&barrier);
        claimers.spawn(async move {
            barrier.wait().await;
            let mut claimed = Vec::new();
            loop {
                let claim = Claim::Due { tasks: &[REFRESH], lease: MINUTE, limit: 7 };
                let leases = store.claim(claim).await.unwrap();
                if leases.is_empty() {
                    return claimed;
                }
                assert!(leases.len() <= 7);
                claimed.extend(leases);
            }
        });
    }
    let claimed = claimers.join_all().await.concat();
    // A store may pass over what another claim holds at that moment; it is still there then.
    let rest = desk.claim_due(&[REFRESH], 1000).await;
    let held: Vec<_> =
        claimed.into_iter().chain(rest).map(|lease| (lease.tenant, lease.task)).collect();
    assert_eq!(held.len(), 200);
    assert_eq!(held.into_iter().collect::<BTreeSet<_>>().len(), 200);
}

/// One piece of work that many claim at once is held by one.
pub async fn ref_02_one_piece_of_work_is_held_by_one(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let other = harness.reopen(Arc::clone(&desk.store)).await;
    let task = key(REFRESH, 1);
    desk.schedule(&ACME, &task, Due::After(MINUTE)).await;
    for _ in 0..8 {
        let barrier = Arc::new(Barrier::new(16));
        let mut claimers = JoinSet::new();
        for number in 0..16 {
            let store = Arc::clone(if number % 2 == 0 { &desk.store } else { &other });
            let (barrier, task) = (Arc::clone(&barrier), task.clone());
            claimers.spawn(async move {
                barrier.wait().await;
                let claim = Claim::One { tenant: &ACME, task: &task, lease: MINUTE };
                store.claim(claim).await.unwrap()
            });
        }
        let leases = claimers.join_all().await.concat();
        assert_eq!(leases.len(), 1);
        desk.advance(MINUTE);
    }
}

/// Of many that fold the same leaves exactly one does.
pub async fn aud_02_of_many_folds_of_the_same_leaves_one_wins(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    let other = harness.reopen(Arc::clone(&desk.store)).await;
    for number in 0..10 {
        desk.put(&ACME, desk.note(&key(NOTE, number))).await;
    }
    let (head, leaves) = desk.store.open(100).await.unwrap();
    let barrier = Arc::new(Barrier::new(8));
    let mut folds = JoinSet::new();
    for number in 0..8 {
        let store = Arc::clone(if number % 2 == 0 { &desk.store } else { &other });
        let (barrier, mut leaves) = (Arc::clone(&barrier), leaves.clone());
        leaves.rotate_left(number);
        folds.spawn(async move {
            barrier.wait().await;
            store.fold(head, &leaves).await
        });
    }
    let results = folds.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results.iter().all(|result| result.is_ok() || is_conflict(result)));
    assert_eq!(desk.store.open(100).await.unwrap(), (Head { size: 10 }, Vec::new()));
}

/// A read sees all of a commit or none of it, the control row included.
pub async fn a_read_is_of_one_moment(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    // More keys than any store reads in one small statement.
    let keys: Vec<Key> = (0..40).map(|number| key(NOTE, number)).collect();
    let write = |round: u32, records: &[Option<Record>]| {
        let puts = keys.iter().zip(records).map(|(key, record)| match record {
            None => {
                let record =
                    Record { body: Sealed::new(round.to_be_bytes().to_vec()), ..desk.note(key) };
                Op::Put { record, expect: Expect::Absent, lookups: None }
            }
            Some(record) => {
                let (record, expect) = next(record, &round.to_be_bytes());
                Op::Put { record, expect, lookups: None }
            }
        });
        let body = Sealed::new(round.to_be_bytes().to_vec());
        desk.batch().ops(puts).op(Op::Control { body, expect: Version(round.into()) })
    };
    desk.applied(&TenantId::SYSTEM, write(0, &vec![None; 40])).await;
    let barrier = Arc::new(Barrier::new(4));
    let mut readers = JoinSet::new();
    for number in 0..3_usize {
        let (store, barrier, keys) = (Arc::clone(&desk.store), Arc::clone(&barrier), keys.clone());
        readers.spawn(async move {
            barrier.wait().await;
            let keys = &keys[..[4, 8, 40][number]];
            for _ in 0..200 {
                let seen = store.read(&TenantId::SYSTEM, keys).await.unwrap();
                for record in seen.records {
                    assert_eq!(record.unwrap().body, seen.control.body);
                }
            }
        });
    }
    barrier.wait().await;
    for round in 1..30 {
        let seen = desk.store.read(&TenantId::SYSTEM, &keys).await.unwrap();
        desk.applied(&TenantId::SYSTEM, write(round, &seen.records)).await;
    }
    readers.join_all().await;
}

/// A commit whose caller went away happens as a whole or not at all, and may be sent again.
pub async fn ref_04_a_commit_whose_caller_went_away_is_whole(harness: &dyn Harness) {
    let desk = Desk::new(harness).await;
    for number in 0..ROUNDS {
        let batch = desk
            .batch()
            .op(Op::Put {
                record: desk.note(&key(NOTE, number)),
                expect: Expect::Absent,
                lookups: Some(vec![id(number)]),
            })
            .put(desk.note(&key(OTHER, number)), Expect::Absent)
            .build()
            .unwrap();
        {
            let tenant = ACME;
            let mut commit = pin!(desk.store.commit(&tenant, &batch));
            // Polled once, and dropped wherever it is then.
            poll_fn(|context| {
                let _ = commit.as_mut().poll(context);
                Poll::Ready(())
            })
            .await;
        }
        desk.store.commit(&ACME, &batch).await.unwrap();
        assert!(desk.get(&ACME, &key(NOTE, number)).await.is_some());
        assert!(desk.get(&ACME, &key(OTHER, number)).await.is_some());
        let under = Query::of_kind(NOTE).lookup(id(number));
        assert_eq!(desk.found(&ACME, &under).await.len(), 1);
        assert_eq!(desk.entries(&ACME).await as u64, number + 1);
    }
}

/// Commits all the batches at once, over two handles in turn, and gives the answers in their order.
async fn race(
    desk: &Desk,
    harness: &dyn Harness,
    batches: Vec<(TenantId, Batch)>,
) -> Vec<Result<Committed>> {
    let other = harness.reopen(Arc::clone(&desk.store)).await;
    let barrier = Arc::new(Barrier::new(batches.len()));
    let mut tasks = Vec::new();
    for (number, (tenant, batch)) in batches.into_iter().enumerate() {
        let store: Arc<dyn Store> = Arc::clone(if number % 2 == 0 { &desk.store } else { &other });
        let barrier = Arc::clone(&barrier);
        tasks.push(tokio::spawn(async move {
            barrier.wait().await;
            store.commit(&tenant, &batch).await
        }));
    }
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

/// How many commits happened; the others must be conflicts.
fn winners(results: &[Result<Committed>]) -> usize {
    for result in results {
        assert!(matches!(result, Ok(Committed::Applied)) || is_conflict(result), "{result:?}");
    }
    results.iter().filter(|result| result.is_ok()).count()
}
