//! Who is told.

use bailee_core::{ErrorKind, Id, TenantId};
use bailee_registry::{Choice, RestrictionGround, versions::Way};
use bailee_store::{Batch, Expect, Key, Op, Store};
use bailee_vault::kind;

use crate::world::{EFFECTIVE, OPERATOR, TENANTS, World, change, change_for_all};

#[tokio::test]
async fn g5_everybody_whom_a_change_concerns_is_told_in_three_tenants_and_nobody_twice() {
    // More people than one step tells.
    let world = World::new(70).await;
    let process = world.process().await;
    let announced = process.notices.announce(OPERATOR, &change(), EFFECTIVE).await.unwrap();
    process.settle().await;
    assert_eq!(world.reached(), world.concerned());
    assert_eq!(world.mailbox.asked(), 3 * 35, "each once");
    for tenant in &TENANTS {
        let progress = process.notices.progress(tenant, announced.id).await.unwrap();
        assert!(progress.done);
        assert_eq!((progress.told, progress.others, progress.unreadable), (35, 35, 0));
        assert_eq!((progress.sent, progress.waiting, progress.given_up), (35, 0, 0));
    }
    let carried = process.notices.announcement(announced.id).await.unwrap().unwrap();
    assert!(carried.done && carried.tenants == 3, "{carried:?}");

    // Announced again, by whomever, it is the same, and nobody hears of it again.
    let again = world.process().await;
    let same = again.notices.announce(Id::from_bytes([9; 16]), &change(), EFFECTIVE).await;
    assert_eq!(same.unwrap(), carried);
    again.settle().await;
    assert_eq!(world.mailbox.asked(), 3 * 35);
}

#[tokio::test]
async fn g5_what_concerns_everybody_is_shown_in_the_application_and_sent_where_it_has_to_be() {
    let world = World::new(4).await;
    let process = world.process().await;
    let announced = process.notices.announce(OPERATOR, &change_for_all(), EFFECTIVE).await.unwrap();
    process.settle().await;
    assert_eq!(world.reached(), world.concerned());
    for (tenant, people) in &world.people {
        let progress = process.notices.progress(tenant, announced.id).await.unwrap();
        assert_eq!((progress.told, progress.in_application, progress.sent), (4, 2, 2));
        for (subject, saves) in people {
            let notices = process.notices.unseen(tenant, *subject).await.unwrap();
            let way = if *saves { Way::ByMessage } else { Way::InApplication };
            assert_eq!(notices.len(), 1);
            assert_eq!((notices[0].way, notices[0].sent.is_some()), (way, *saves));
        }
    }
}

#[tokio::test]
async fn a_restriction_does_not_end_the_duty_to_inform() {
    let world = World::new(1).await;
    let (tenant, subject) = (&TENANTS[0], world.people[&TENANTS[0]][0].0);
    let begun = Choice::RestrictionBegun { ground: RestrictionGround::AccuracyContested };
    world.record(tenant, subject, begun).await;
    let process = world.process().await;
    process.notices.announce(OPERATOR, &change(), EFFECTIVE).await.unwrap();
    process.settle().await;
    assert_eq!(world.reached(), world.concerned());
}

#[tokio::test]
async fn whoever_was_erased_before_is_nobody_to_tell() {
    let world = World::new(2).await;
    world.erase(&TENANTS[0], world.people[&TENANTS[0]][0].0).await;
    let process = world.process().await;
    let announced = process.notices.announce(OPERATOR, &change(), EFFECTIVE).await.unwrap();
    process.settle().await;
    assert_eq!(world.reached(), world.concerned()[1..]);
    let progress = process.notices.progress(&TENANTS[0], announced.id).await.unwrap();
    assert_eq!((progress.told, progress.others, progress.unreadable), (0, 1, 0));
}

#[tokio::test]
async fn whoever_is_erased_while_their_page_is_read_is_not_told_and_the_others_are() {
    let world = std::sync::Arc::new(World::new(6).await);
    let (tenant, subject) = (TENANTS[0].clone(), world.people[&TENANTS[0]][0].0);
    let process = world.process().await;
    let announced = process.notices.announce(OPERATOR, &change(), EFFECTIVE).await.unwrap();
    // To the tenants, first.
    process.step(1).await.unwrap();
    // The next commit is that of a page of people: it is read, and they go before it is written.
    let (erasing, place) = (std::sync::Arc::clone(&world), tenant.clone());
    let runtime = tokio::runtime::Handle::current();
    let erase = move || {
        std::thread::spawn(move || runtime.block_on(erasing.erase(&place, subject)))
            .join()
            .unwrap();
    };
    let lease = loop {
        // The claims come in any order of the tenants.
        let tasks = bailee_rights::notice::Notices::tasks();
        let claim = bailee_store::Claim::Due {
            tasks: &tasks,
            lease: std::time::Duration::from_secs(90),
            limit: 1,
        };
        let lease = process.store.claim(claim).await.unwrap().remove(0);
        if lease.tenant == tenant {
            break lease;
        }
        process.notices.do_due(&lease).await.unwrap();
    };
    process.store.before_commit(erase);
    process.notices.do_due(&lease).await.unwrap();
    process.settle().await;
    let address = format!("0-of-{tenant}-");
    let expected: Vec<String> = world
        .concerned()
        .into_iter()
        .filter(|concerned| !concerned.starts_with(&address))
        .collect();
    assert_eq!(world.reached(), expected);
    let progress = process.notices.progress(&tenant, announced.id).await.unwrap();
    assert_eq!((progress.told, progress.others, progress.unreadable), (2, 3, 0));
}

#[tokio::test]
async fn somebody_whose_record_does_not_open_is_counted_and_stops_nobody_behind() {
    let world = World::new(6).await;
    let (tenant, subject) = (&TENANTS[1], world.people[&TENANTS[1]][0].0);
    // The key is gone and the person lives: an alarm of its own, and not an erasure.
    let key = Key::new(kind::SUBJECT_KEY, subject.id());
    let entry =
        bailee_core::audit::Entry::new("key.destroyed", bailee_core::Clock::now(&world.clock));
    let id = bailee_core::BatchId::generate(&bailee_core::SystemRandom).unwrap();
    let delete = Op::Delete { key, expect: Expect::Present };
    let batch = Batch::builder(id).op(delete).audit(entry).build().unwrap();
    world.store.commit(tenant, &batch).await.unwrap();
    let process = world.process().await;
    let announced = process.notices.announce(OPERATOR, &change(), EFFECTIVE).await.unwrap();
    process.settle().await;
    let progress = process.notices.progress(tenant, announced.id).await.unwrap();
    assert!(progress.done);
    assert_eq!((progress.told, progress.others, progress.unreadable), (2, 3, 1));
    assert_eq!(world.reached().len(), 8);
}

#[tokio::test]
async fn nothing_is_announced_where_nothing_differs_and_nothing_is_known_of_what_was_not() {
    let world = World::new(1).await;
    let process = world.process().await;
    let same = change();
    let same = bailee_registry::versions::Diff::between(same.after(), same.after());
    let error = process.notices.announce(OPERATOR, &same, EFFECTIVE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let unknown = Id::from_bytes([1; 16]);
    assert_eq!(process.notices.announcement(unknown).await.unwrap(), None);
    let locale = bailee_core::Locale::default();
    let error = process.notices.message(unknown, &locale).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let progress = process.notices.progress(&TenantId::from_static("acme"), unknown).await;
    assert_eq!(progress.unwrap(), bailee_rights::notice::Progress::default());
}
