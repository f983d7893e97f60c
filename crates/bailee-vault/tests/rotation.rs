//! Root keys and tenant keys turned, under load and against erasure.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use bailee_core::{ErrorKind, HostId, Id, SystemRandom, TenantId};
use bailee_store::{Key, Store};
use bailee_vault::{Holder, KeySource, RootId, RootKeys, Vault, kind};
use common::*;

fn keys(text: &str) -> RootKeys {
    RootKeys::base64(text).unwrap()
}

async fn access(vault: &Vault, holder: Holder) -> bailee_core::Result<String> {
    let view = vault.read(&ACME, holder, &[credential(1)]).await?;
    view.part(0, "access").map(|part| text(&part))
}

async fn walk(vault: &Vault, limit: u32) -> (u64, u64) {
    let (mut written, mut overtaken, mut after) = (0, 0, None);
    loop {
        let done = vault.rewrap_keys(&ACME, after.as_ref(), limit).await.unwrap();
        written += done.written;
        overtaken += done.overtaken;
        if done.next.is_none() {
            return (written, overtaken);
        }
        after = done.next;
    }
}

#[tokio::test]
async fn key_04_a_root_that_wraps_live_keys_must_be_configured_before_anything_is_written() {
    for room in Room::both() {
        let vault = room.vault().await;
        subject(&vault, &ACME).await;
        room.store.calls();
        room.key_store().calls();
        let wrong = root();
        let outcome = room.vault_under(keys(&wrong)).await;
        assert_eq!(kind_of(outcome), ErrorKind::Configuration);
        assert_eq!((room.store.calls().2, room.key_store().calls().2), (0, 0));
        // As the primary, with the right one decrypt-only, it is no wrong key.
        let both = keys(&wrong).with_decrypt_only(keys(&room.root));
        assert!(room.vault_under(both).await.is_ok());
    }
}

#[tokio::test]
async fn key_04_a_root_that_wraps_one_tenant_among_many_is_missed_at_once() {
    let room = Room::new();
    let old = room.root.clone();
    subject(&room.vault().await, &ACME).await;
    let new = root();
    // Turned for the system's tenant and for one made later, and not for the first.
    let vault = room.vault_under(keys(&new).with_decrypt_only(keys(&old))).await.unwrap();
    subject(&vault, &OTHER).await;
    assert_eq!(kind_of(room.vault_under(keys(&new)).await), ErrorKind::Configuration);
    assert_eq!(kind_of(room.vault_under(keys(&old)).await), ErrorKind::Configuration);
}

#[tokio::test]
async fn key_04_the_root_is_turned_without_a_pause() {
    for room in Room::both() {
        let (old, new) = (room.root.clone(), root());
        let (old_id, new_id) = (keys(&old).primary(), keys(&new).primary());
        // 1. The new root is decrypt-only on every instance, 2. and then the primary one.
        let step_one = || keys(&old).with_decrypt_only(keys(&new));
        let first = room.vault_under(step_one()).await.unwrap();
        let holder = Holder::Subject(subject(&first, &ACME).await);
        write_credential(&room, &first, &ACME, credential(1), holder, "a").await;
        for n in 0..5 {
            let tenant = TenantId::new(format!("tenant-{n}")).unwrap();
            first.ensure_owner(&tenant).await.unwrap();
        }
        let vault = room.vault_under(keys(&new).with_decrypt_only(keys(&old))).await.unwrap();
        assert_eq!(vault.root_uses().await.unwrap(), [(old_id, 7)]);
        assert_eq!(kind_of(vault.retire_root(old_id).await), ErrorKind::Denied);
        // 3. Rewrap, two tenants at a time, with a stop in between.
        let begun = vault.rewrap_tenant_keys(None, 2).await.unwrap();
        assert_eq!((begun.written, begun.overtaken), (3, 0));
        assert_eq!(kind_of(room.vault_under(keys(&new)).await), ErrorKind::Configuration);
        let mut after = begun.next;
        while let Some(place) = after {
            after = vault.rewrap_tenant_keys(Some(&place), 2).await.unwrap().next;
        }
        // 4. Nothing on the old one, 5. take it away.
        assert_eq!(vault.root_uses().await.unwrap(), [(new_id, 7)]);
        assert_eq!(kind_of(vault.retire_root(new_id).await), ErrorKind::Denied);
        for _ in 0..2 {
            vault.retire_root(old_id).await.unwrap();
        }
        let again = vault.rewrap_tenant_keys(None, 100).await.unwrap();
        assert_eq!((again.written, again.overtaken, again.next), (0, 0, None));
        let last = room.vault_under(keys(&new)).await.unwrap();
        assert_eq!(access(&last, holder).await.unwrap(), "fake-access-a");
        // A process of step 1 goes on, and makes keys after the rewrap.
        let made = first.ensure_subject(&ACME, &HostId::Int(9)).await.unwrap();
        assert_eq!(last.person(&ACME, made).await.unwrap(), HostId::Int(9));
    }
}

#[tokio::test]
async fn key_04_a_tenant_key_is_turned_step_by_step_and_the_old_one_retired() {
    for room in Room::both() {
        let vault = room.vault().await;
        let holder = Holder::Subject(subject(&vault, &ACME).await);
        write_credential(&room, &vault, &ACME, credential(1), holder, "a").await;
        for n in 0..10 {
            vault.ensure_subject(&ACME, &HostId::Int(n)).await.unwrap();
        }
        let old = room.key_store().all(&ACME, kind::TENANT_KEY).await[0].key.id;
        assert_eq!(kind_of(vault.retire_tenant_key(&ACME, old).await), ErrorKind::Denied);
        let new = vault.turn_tenant_key(&ACME).await.unwrap();
        assert_ne!(new, old);
        assert_eq!(vault.tenant_key_uses(&ACME, old).await.unwrap(), 13);
        assert_eq!(kind_of(vault.retire_tenant_key(&ACME, old).await), ErrorKind::Denied);
        // What is made from now on is under the new one.
        vault.ensure_subject(&ACME, &HostId::Int(99)).await.unwrap();
        assert_eq!(vault.tenant_key_uses(&ACME, new).await.unwrap(), 1);

        let begun = vault.rewrap_keys(&ACME, None, 4).await.unwrap();
        // The one that is under the new key already may be among the first four.
        assert!((3..=4).contains(&begun.written) && begun.overtaken == 0, "{begun:?}");
        assert_eq!(kind_of(vault.retire_tenant_key(&ACME, old).await), ErrorKind::Denied);
        // Another process begins anew and finishes.
        let other = room.vault().await;
        assert_eq!(walk(&other, 4).await, (13 - begun.written, 0));
        assert_eq!(walk(&other, 4).await, (0, 0));
        assert_eq!(other.tenant_key_uses(&ACME, old).await.unwrap(), 0);
        for _ in 0..2 {
            other.retire_tenant_key(&ACME, old).await.unwrap();
        }
        assert_eq!(kind_of(other.retire_tenant_key(&ACME, new).await), ErrorKind::Denied);
        for vault in [vault, other, room.vault().await] {
            assert_eq!(access(&vault, holder).await.unwrap(), "fake-access-a");
            assert_eq!(vault.person(&ACME, holder.subject().unwrap()).await.unwrap(), ada());
            assert!(vault.subject(&ACME, &ada()).await.unwrap().is_some());
        }
    }
}

#[tokio::test]
async fn key_04_two_turns_at_once_make_one_active_key() {
    let room = Room::new();
    let (one, other) = (room.vault().await, room.vault().await);
    subject(&one, &ACME).await;
    *room.store.meet.lock().unwrap() = Some(std::sync::Arc::new(tokio::sync::Barrier::new(2)));
    let turns = tokio::join!(one.turn_tenant_key(&ACME), other.turn_tenant_key(&ACME));
    *room.store.meet.lock().unwrap() = None;
    let outcomes = [turns.0, turns.1].map(|turn| turn.map_err(|error| error.kind()));
    assert_eq!(outcomes.iter().filter(|turn| turn.is_ok()).count(), 1);
    assert!(outcomes.contains(&Err(ErrorKind::Conflict)));
    let rows = room.store.all(&ACME, kind::TENANT_KEY).await;
    let active = rows.iter().filter(|row| row.facet == kind::TENANT_KEY_ACTIVE).count();
    assert_eq!((rows.len(), active), (2, 1));
}

#[tokio::test]
async fn key_04_after_a_turn_no_process_wraps_under_the_old_key() {
    for room in Room::both() {
        // This one has the old key cached as the active one.
        let stale = room.vault().await;
        subject(&stale, &ACME).await;
        let old = room.key_store().all(&ACME, kind::TENANT_KEY).await[0].key.id;
        let turner = room.vault().await;
        turner.turn_tenant_key(&ACME).await.unwrap();
        while walk(&turner, 500).await != (0, 0) {}
        turner.retire_tenant_key(&ACME, old).await.unwrap();
        let made = stale.ensure_subject(&ACME, &HostId::Int(5)).await.unwrap();
        let fresh = room.vault().await;
        assert_eq!(fresh.person(&ACME, made).await.unwrap(), HostId::Int(5));
    }
}

#[tokio::test]
async fn key_04_a_rewrap_brings_no_erased_key_back() {
    let room = Room::new();
    let vault = room.vault().await;
    let subject = subject(&vault, &ACME).await;
    vault.ensure_subject(&ACME, &HostId::Int(1)).await.unwrap();
    vault.turn_tenant_key(&ACME).await.unwrap();
    // Between the rewrap's read and its commit the key is destroyed.
    let place = Key::new(kind::SUBJECT_KEY, subject.id());
    let (store, gone) = (room.store.clone(), place.clone());
    *room.store.before_commit.lock().unwrap() = Some(Box::new(move || {
        futures_executor(store.remove(&ACME, gone));
    }));
    let done = vault.rewrap_keys(&ACME, None, 500).await.unwrap();
    assert_eq!(done.overtaken, 1);
    assert_eq!(done.written, 3);
    assert!(room.store.record(&ACME, place).await.is_none());
    assert_eq!(walk(&vault, 500).await, (0, 0));
}

#[tokio::test]
async fn key_04_a_rewrap_that_a_second_turn_overtakes_writes_nothing_under_the_older_key() {
    let room = Room::new();
    let vault = room.vault().await;
    subject(&vault, &ACME).await;
    let first = room.store.all(&ACME, kind::TENANT_KEY).await[0].key.id;
    let second = vault.turn_tenant_key(&ACME).await.unwrap();
    // Between the rewrap's read and its commit the second key is made an old one too.
    let mut row = room.store.record(&ACME, Key::new(kind::TENANT_KEY, second)).await.unwrap();
    row.version = row.version.next();
    row.facet = kind::TENANT_KEY_OLD;
    let store = room.store.clone();
    *room.store.before_commit.lock().unwrap() = Some(Box::new(move || {
        futures_executor(store.tamper(&ACME, row));
    }));
    let done = vault.rewrap_keys(&ACME, None, 500).await.unwrap();
    assert_eq!((done.written, done.overtaken), (0, 3));
    assert_eq!(vault.tenant_key_uses(&ACME, first).await.unwrap(), 3);
    assert_eq!(vault.tenant_key_uses(&ACME, second).await.unwrap(), 0);
}

/// Runs a future that never waits.
fn futures_executor<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the store waited"),
    }
}

/// Turns the tenant key, rewraps everything and retires the old one.
async fn turn(room: &Room, vault: &Vault) {
    let old = room.key_store().all(&ACME, kind::TENANT_KEY).await[0].key.id;
    vault.turn_tenant_key(&ACME).await.unwrap();
    while walk(vault, 50).await != (0, 0) {}
    vault.retire_tenant_key(&ACME, old).await.unwrap();
}

/// Does something that asks for rows of keys, and something else between an answer and its use:
/// the first answer after as many as may pass.
async fn meanwhile<T>(
    room: &Room,
    pass: usize,
    reading: impl Future<Output = T>,
    other: impl Future<Output = ()>,
) -> T {
    let meet = std::sync::Arc::new(tokio::sync::Barrier::new(2));
    *room.key_store().after_read.lock().unwrap() = Some((pass, meet.clone()));
    let other = async {
        meet.wait().await;
        other.await;
        meet.wait().await;
    };
    tokio::join!(reading, other).0
}

#[tokio::test]
async fn key_04_a_row_of_keys_that_was_read_before_a_whole_turn_is_read_again() {
    for room in Room::both() {
        let maker = room.vault().await;
        let holder = Holder::Subject(subject(&maker, &ACME).await);
        write_credential(&room, &maker, &ACME, credential(1), holder, "a").await;
        let record = room.store.record(&ACME, credential(1)).await.unwrap();

        let cold = room.vault().await;
        let read = meanwhile(&room, 0, access(&cold, holder), turn(&room, &maker)).await;
        assert_eq!(read.unwrap(), "fake-access-a");
        let cold = room.vault().await;
        let opened =
            meanwhile(&room, 0, cold.open(&ACME, holder, &record), turn(&room, &maker)).await;
        assert_eq!(text(&opened.unwrap().part("access").unwrap()), "fake-access-a");
        let cold = room.vault().await;
        let found = meanwhile(&room, 0, cold.subject(&ACME, &ada()), turn(&room, &maker)).await;
        assert_eq!(found.unwrap(), holder.subject());
    }
}

#[tokio::test]
async fn key_04_a_walk_whose_rows_another_one_wrote_first_counts_them_as_overtaken() {
    let room = Room::new();
    let (maker, other) = (room.vault().await, room.vault().await);
    subject(&maker, &ACME).await;
    let old = room.key_store().all(&ACME, kind::TENANT_KEY).await[0].key.id;
    maker.turn_tenant_key(&ACME).await.unwrap();
    // The other one has found the active key and all three kinds of rows.
    let done = meanwhile(&room, 3, other.rewrap_keys(&ACME, None, 50), async {
        while walk(&maker, 50).await != (0, 0) {}
        maker.retire_tenant_key(&ACME, old).await.unwrap();
    });
    let done = done.await.unwrap();
    assert_eq!((done.written, done.overtaken, done.next), (0, 3, None));
}

#[tokio::test]
async fn key_04_a_key_that_is_gone_for_good_is_told_and_not_looked_for_again_and_again() {
    for room in Room::both() {
        let maker = room.vault().await;
        let holder = Holder::Subject(subject(&maker, &ACME).await);
        write_credential(&room, &maker, &ACME, credential(1), holder, "a").await;
        let only = room.key_store().all(&ACME, kind::TENANT_KEY).await[0].key.clone();
        room.key_store().remove(&ACME, only).await;
        let cold = room.vault().await;
        room.key_store().calls();
        assert_eq!(kind_of(access(&cold, holder).await), ErrorKind::KeyMissing);
        assert!(room.key_store().calls().0 <= 4);
    }
}

#[tokio::test]
async fn key_04_a_walk_goes_on_only_after_a_row_of_keys() {
    let room = Room::new();
    let vault = room.vault().await;
    subject(&vault, &ACME).await;
    let after = Key::new(kind::SUBJECT, Id::ZERO);
    let outcome = vault.rewrap_keys(&ACME, Some(&after), 10).await;
    assert_eq!(kind_of(outcome), ErrorKind::InvalidInput);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn key_04_readers_and_writers_go_on_while_the_tenant_key_turns() {
    for room in Room::both() {
        let maker = room.vault().await;
        let holder = Holder::Subject(subject(&maker, &ACME).await);
        write_credential(&room, &maker, &ACME, credential(1), holder, "a").await;
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let mut tasks = Vec::new();
        for n in 0..4_i64 {
            let (vault, stop) = (room.vault().await, stop.clone());
            tasks.push(tokio::spawn(async move {
                let mut people = 0;
                while !stop.load(std::sync::atomic::Ordering::SeqCst) || people == 0 {
                    assert_eq!(access(&vault, holder).await.unwrap(), "fake-access-a");
                    // Every second reader is cold each time.
                    if n % 2 == 0 {
                        vault.evict(&ACME, holder);
                    }
                    people += 1;
                    let person = HostId::Int(n * 100_000 + people);
                    vault.ensure_subject(&ACME, &person).await.unwrap();
                }
                people
            }));
        }
        for _ in 0..3 {
            let old = room.key_store().all(&ACME, kind::TENANT_KEY).await;
            maker.turn_tenant_key(&ACME).await.unwrap();
            loop {
                let left = walk(&maker, 50).await;
                if left == (0, 0) {
                    break;
                }
            }
            for row in old {
                maker.retire_tenant_key(&ACME, row.key.id).await.unwrap();
            }
        }
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        let mut people = 0;
        for task in tasks {
            people += task.await.unwrap();
        }
        let fresh = room.vault().await;
        let subjects = room.store.tally(Some(&ACME), &kind::SUBJECT).await.unwrap();
        assert_eq!(subjects[0].records as i64, people + 1);
        for row in room.store.all(&ACME, kind::SUBJECT).await {
            fresh.person(&ACME, row.subject.unwrap()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn tenants_with_keys_are_listed_in_pages() {
    let room = Room::new();
    let vault = room.vault().await;
    let mut names = Vec::new();
    for n in 0..5 {
        let tenant = TenantId::new(format!("tenant-{n}")).unwrap();
        vault.ensure_owner(&tenant).await.unwrap();
        names.push(tenant);
    }
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let (page, next) = vault.tenants(after.as_ref(), 2).await.unwrap();
        assert!(page.len() <= 2);
        listed.extend(page);
        if next.is_none() {
            break;
        }
        after = next;
    }
    listed.sort();
    assert_eq!(listed, names);
}

#[tokio::test]
async fn key_04_a_source_that_does_not_wrap_under_its_primary_is_refused() {
    #[derive(Debug)]
    struct Liar(RootKeys);
    #[async_trait::async_trait]
    impl KeySource for Liar {
        fn primary(&self) -> RootId {
            RootId::of_reference("another")
        }
        fn roots(&self) -> Vec<RootId> {
            vec![self.primary(), self.0.primary()]
        }
        async fn wrap(
            &self,
            random: &dyn bailee_core::Random,
            context: bailee_vault::KeyContext<'_>,
            key: &bailee_vault::KeyMaterial,
        ) -> bailee_core::Result<Vec<u8>> {
            self.0.wrap(random, context, key).await
        }
        async fn unwrap(
            &self,
            context: bailee_vault::KeyContext<'_>,
            wrapped: &[u8],
        ) -> bailee_core::Result<bailee_vault::KeyMaterial> {
            self.0.unwrap(context, wrapped).await
        }
    }
    let room = Room::new();
    let vault = Vault::builder(room.store.clone(), Liar(keys(&root()))).open().await.unwrap();
    assert_eq!(kind_of(vault.ensure_owner(&ACME).await), ErrorKind::Configuration);
    assert_eq!(room.store.calls().2, 0);
}

#[tokio::test]
async fn a_wrapped_tenant_key_opens_for_its_tenant_and_id_alone() {
    let source = keys(&root());
    let key = bailee_vault::KeyMaterial::generate(&SystemRandom).unwrap();
    let id = Id::from_bytes([1; 16]);
    let context = bailee_vault::KeyContext::new(&ACME, id);
    let wrapped = source.wrap(&SystemRandom, context, &key).await.unwrap();
    assert_eq!(wrapped.len(), 122);
    assert_eq!(RootId::of_wrapped(&wrapped).unwrap(), source.primary());
    let same = source.unwrap(context, &wrapped).await.unwrap();
    key.expose(|key| same.expose(|same| assert_eq!(key, same)));
    let other = bailee_vault::KeyContext::new(&OTHER, id);
    assert_eq!(kind_of(source.unwrap(other, &wrapped).await), ErrorKind::Unopenable);
    let other = bailee_vault::KeyContext::new(&ACME, Id::ZERO);
    assert_eq!(kind_of(source.unwrap(other, &wrapped).await), ErrorKind::Unopenable);
    let foreign = keys(&root());
    assert_eq!(kind_of(foreign.unwrap(context, &wrapped).await), ErrorKind::Configuration);
}
