//! Callers of the vault that go away: no key without its row, none in memory whose row is gone, one
//! subject for a person, one active key for a tenant.

use std::cell::Cell;

use bailee::{
    Error, ErrorKind, Result, TenantId,
    core::{ConnectionId, Id, SystemRandom},
    store::{Key, Op},
    vault::{Draft, Field, Holder, KeySource, Vault, kind},
};
use bailee_tests::polled;

use super::room::{
    ROOT, Room, ada, credential, draft, in_a_room_of_a_server_too, in_each_room, keep, opens, root,
    subject, write,
};

const ACME: TenantId = TenantId::from_static("acme");

/// A tenant that nobody has been before.
fn new_tenant(count: &Cell<u32>) -> TenantId {
    count.set(count.get() + 1);
    TenantId::new(format!("tenant-{}", count.get())).unwrap()
}

fn new_id() -> Id {
    Id::generate(&SystemRandom).unwrap()
}

/// The tenant's keys seal and open, here and in another process.
async fn serves(room: &Room, tenant: &TenantId, what: &str) {
    let holder = Holder::Subject(subject(&room.vault, tenant).await);
    let key = credential(new_id());
    keep(&room.vault, tenant, holder, &key).await.unwrap();
    let other = room.another(root(ROOT)).await.unwrap();
    for vault in [&room.vault, &other] {
        assert!(opens(vault, tenant, holder, &key).await.unwrap(), "{what}");
    }
    let active = room.rows(tenant, kind::TENANT_KEY).await;
    let active = active.iter().filter(|row| row.facet == kind::TENANT_KEY_ACTIVE);
    assert_eq!(active.count(), 1, "{what}");
}

#[tokio::test]
async fn a_person_has_one_subject_however_often_its_maker_leaves() {
    in_a_room_of_a_server_too(async |room| {
        let tenants = Cell::new(0);
        room.leave(
            "ensure_subject",
            async || new_tenant(&tenants),
            async |tenant| room.vault.ensure_subject(tenant, &ada()).await,
            async |tenant, made, what| {
                let again = subject(&room.vault, &tenant).await;
                if let Some(made) = made {
                    assert_eq!(made.unwrap(), again, "{what}");
                }
                let other = room.another(root(ROOT)).await.unwrap();
                assert_eq!(other.subject(&tenant, &ada()).await.unwrap(), Some(again), "{what}");
                assert_eq!(other.person(&tenant, again).await.unwrap(), ada(), "{what}");
                assert_eq!(room.said(&tenant, "subject.created").await, 1, "{what}");
                assert_eq!(room.said(&tenant, "tenant_key.created").await, 1, "{what}");
                serves(room, &tenant, what).await;
            },
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_tenant_has_one_owner_and_one_index_however_often_their_maker_leaves() {
    in_each_room(async |room| {
        let tenants = Cell::new(0);
        let hash = async |vault: &Vault, tenant: &TenantId| {
            vault.index(tenant, "test", &[b"fake-canary"]).await
        };
        room.leave(
            "ensure_owner and index",
            async || new_tenant(&tenants),
            async |tenant| {
                let index = hash(&room.vault, tenant).await?;
                room.vault.ensure_owner(tenant).await?;
                Ok::<_, Error>(index)
            },
            async |tenant, made, what| {
                room.vault.ensure_owner(&tenant).await.unwrap();
                let index = hash(&room.vault, &tenant).await.unwrap();
                if let Some(made) = made {
                    assert_eq!(made.unwrap(), index, "{what}");
                }
                let other = room.another(root(ROOT)).await.unwrap();
                assert_eq!(hash(&other, &tenant).await.unwrap(), index, "{what}");
                assert_eq!(room.said(&tenant, "owner.created").await, 1, "{what}");
                serves(room, &tenant, what).await;
            },
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn what_a_writer_leaves_is_whole_and_in_the_log_or_not_there() {
    in_a_room_of_a_server_too(async |room| {
        let holder = Holder::Subject(subject(&room.vault, &ACME).await);
        let lookups = vec![new_id()];
        let written = Cell::new(0);
        room.leave(
            "put and commit",
            async || credential(new_id()),
            async |key| {
                let draft = draft(key, holder);
                let put = room.vault.put_with_lookups(&ACME, draft, None, lookups.clone()).await?;
                write(&room.vault, &ACME, vec![put]).await
            },
            async |key, done, what| {
                let stands = room.record(&ACME, &key).await.is_some();
                if let Some(done) = done {
                    done.unwrap();
                    assert!(stands, "{what}");
                }
                let opened = opens(&room.vault, &ACME, holder, &key).await.unwrap();
                assert!(opened || !stands, "{what}");
                match keep(&room.vault, &ACME, holder, &key).await {
                    Ok(()) => {}
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{what}"),
                }
                written.set(written.get() + 1);
                assert!(opens(&room.vault, &ACME, holder, &key).await.unwrap(), "{what}");
                let said = room.said(&ACME, "work.finished").await;
                assert_eq!(said, written.get(), "{what}: each change is one entry");
            },
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn the_key_of_a_connection_is_there_with_what_it_seals() {
    in_each_room(async |room| {
        room.leave(
            "create_key",
            async || ConnectionId::from_id(new_id()),
            async |connection| connect(&room.vault, &ACME, *connection).await,
            async |connection, done, what| {
                let holder = Holder::Connection(connection);
                let key = credential(connection.id());
                let row = Key::new(kind::CONNECTION_KEY, connection.id());
                let stands = room.record(&ACME, &key).await.is_some();
                if let Some(done) = done {
                    done.unwrap();
                    assert!(stands, "{what}");
                }
                let has_key = room.key_row(&ACME, &row).await.is_some();
                assert!(has_key || !stands, "{what}: nothing is sealed under no key");
                if !stands {
                    // Whoever went away comes again, with the same name.
                    connect(&room.vault, &ACME, connection).await.unwrap();
                }
                let other = room.another(root(ROOT)).await.unwrap();
                for vault in [&room.vault, &other] {
                    assert!(opens(vault, &ACME, holder, &key).await.unwrap(), "{what}");
                }
            },
        )
        .await;
    })
    .await;
}

/// Writes a connection's credential with its key.
async fn connect(vault: &Vault, tenant: &TenantId, connection: ConnectionId) -> Result<()> {
    vault.ensure_owner(tenant).await?;
    let holder = Holder::Connection(connection);
    let mut ops = vault.create_key(tenant, holder).await?;
    ops.push(vault.put(tenant, draft(&credential(connection.id()), holder), None).await?);
    write(vault, tenant, ops).await
}

#[tokio::test]
async fn a_key_that_is_destroyed_opens_nothing_more_for_whoever_left_either() {
    in_each_room(async |room| {
        let destroy = async |connection: &ConnectionId| {
            room.vault.destroy_key(&ACME, Holder::Connection(*connection)).await
        };
        room.leave(
            "destroy_key",
            async || {
                let connection = ConnectionId::from_id(new_id());
                connect(&room.vault, &ACME, connection).await.unwrap();
                let record = room.record(&ACME, &credential(connection.id())).await.unwrap();
                (connection, record)
            },
            async |(connection, record)| {
                let ops = destroy(connection).await?;
                // Somebody reads it in between, so that the key is in memory again.
                let holder = Holder::Connection(*connection);
                let _ = room.vault.open(&ACME, holder, record).await;
                let delete =
                    Op::Delete { key: record.key.clone(), expect: bailee::store::Expect::Present };
                write(&room.vault, &ACME, ops.into_iter().chain([delete]).collect()).await
            },
            async |(connection, record), _, what| {
                let row = Key::new(kind::CONNECTION_KEY, connection.id());
                let gone = room.key_row(&ACME, &row).await.is_none();
                let holder = Holder::Connection(connection);
                let opened = room.vault.open(&ACME, holder, &record).await;
                let opened = opened.is_ok_and(|opened| opened.part("access").is_ok());
                assert!(!(gone && opened), "{what}: a destroyed key opens something");
                let ops = destroy(&connection).await.unwrap();
                if !ops.is_empty() {
                    write(&room.vault, &ACME, ops).await.unwrap();
                }
                assert!(room.key_row(&ACME, &row).await.is_none(), "{what}");
                let opened = room.vault.open(&ACME, holder, &record).await;
                assert!(!opened.is_ok_and(|opened| opened.part("access").is_ok()), "{what}");
            },
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_person_who_was_erased_is_so_for_whoever_left_too() {
    in_each_room(async |room| {
        let tenants = Cell::new(0);
        let erase = async |tenant: &TenantId, holder: Holder| {
            let Some(standing) = room.record(tenant, &holder.standing()).await else {
                return Ok(());
            };
            let tombstone = Draft::new(holder.standing(), Holder::Tenant)
                .about(standing.subject)
                .facet(kind::SUBJECT_ERASED)
                .facts(1, *b"{}");
            let put = room.vault.put(tenant, tombstone, Some(&standing)).await?;
            if room.keys.is_some() {
                write(&room.vault, tenant, vec![put]).await?;
                return room.vault.destroy_key(tenant, holder).await.map(|_| ());
            }
            let mut ops = room.vault.destroy_key(tenant, holder).await?;
            ops.push(put);
            write(&room.vault, tenant, ops).await
        };
        room.leave(
            "erasure",
            async || {
                let tenant = new_tenant(&tenants);
                let holder = Holder::Subject(subject(&room.vault, &tenant).await);
                let key = credential(new_id());
                keep(&room.vault, &tenant, holder, &key).await.unwrap();
                let record = room.record(&tenant, &key).await.unwrap();
                (tenant, holder, record)
            },
            async |(tenant, holder, _)| erase(tenant, *holder).await,
            async |(tenant, holder, record), done, what| {
                if let Some(done) = done {
                    done.unwrap();
                }
                let standing = room.record(&tenant, &holder.standing()).await.unwrap();
                let erased = standing.facet == kind::SUBJECT_ERASED;
                let opened = room.vault.open(&tenant, holder, &record).await;
                let opened = opened.is_ok_and(|opened| opened.part("access").is_ok());
                assert!(!(erased && opened), "{what}: what was erased opens");
                erase(&tenant, holder).await.unwrap();
                let read = room.vault.read(&tenant, holder, &[]).await;
                assert_eq!(read.unwrap_err().kind(), ErrorKind::Shredded, "{what}");
            },
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_tenant_that_was_destroyed_is_so_for_whoever_left_too() {
    in_each_room(async |room| {
        let tenants = Cell::new(0);
        room.leave(
            "destroy_tenant",
            async || {
                let tenant = new_tenant(&tenants);
                let holder = Holder::Subject(subject(&room.vault, &tenant).await);
                let key = credential(new_id());
                keep(&room.vault, &tenant, holder, &key).await.unwrap();
                (tenant, holder, key)
            },
            async |(tenant, ..)| room.vault.destroy_tenant(tenant).await,
            async |(tenant, holder, key), done, what| {
                if let Some(done) = done {
                    done.unwrap();
                }
                let destroyed = room.rows(&tenant, kind::TENANT_KEY).await.is_empty();
                let opened = opens(&room.vault, &tenant, holder, &key).await;
                assert_eq!(opened.is_ok(), !destroyed, "{what}: {opened:?}");
                room.vault.destroy_tenant(&tenant).await.unwrap();
                let opened = opens(&room.vault, &tenant, holder, &key).await;
                assert_eq!(opened.unwrap_err().kind(), ErrorKind::Shredded, "{what}");
                let events = room.said(&tenant, "tenant_keys.destroyed").await;
                assert!(events == 1 || events == 2, "{what}");
            },
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn key_04_a_turn_of_the_tenant_key_that_is_left_half_way_is_ended_by_the_next() {
    in_each_room(async |room| {
        let tenants = Cell::new(0);
        let turn = async |tenant: &TenantId| {
            room.vault.turn_tenant_key(tenant).await?;
            let mut after = None;
            loop {
                let done = room.vault.rewrap_keys(tenant, after.as_ref(), 2).await?;
                let Some(next) = done.next else { break };
                after = Some(next);
            }
            for row in room.rows(tenant, kind::TENANT_KEY).await {
                if row.facet == kind::TENANT_KEY_OLD
                    && room.vault.tenant_key_uses(tenant, row.key.id).await? == 0
                {
                    room.vault.retire_tenant_key(tenant, row.key.id).await?;
                }
            }
            Ok::<_, Error>(())
        };
        room.leave(
            "turn",
            async || {
                let tenant = new_tenant(&tenants);
                let holder = Holder::Subject(subject(&room.vault, &tenant).await);
                let key = credential(new_id());
                keep(&room.vault, &tenant, holder, &key).await.unwrap();
                (tenant, holder, key)
            },
            async |(tenant, ..)| turn(tenant).await,
            async |(tenant, holder, key), done, what| {
                if let Some(done) = done {
                    done.unwrap();
                }
                assert!(opens(&room.vault, &tenant, holder, &key).await.unwrap(), "{what}");
                // Whoever left can make keys at once.
                let connection = ConnectionId::from_id(new_id());
                connect(&room.vault, &tenant, connection).await.unwrap();
                turn(&tenant).await.unwrap();
                assert_eq!(room.rows(&tenant, kind::TENANT_KEY).await.len(), 1, "{what}");
                serves(room, &tenant, what).await;
            },
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn key_04_a_turn_of_the_root_that_is_left_half_way_is_ended_by_the_next() {
    const OTHER: &str = "HxAREhMUFRYXGBkaGxwdHh8AAQIDBAUGBwgJCgsMDQ4=";
    in_each_room(async |room| {
        let holder = Holder::Subject(subject(&room.vault, &ACME).await);
        let key = credential(new_id());
        keep(&room.vault, &ACME, holder, &key).await.unwrap();
        let turn = async |vault: &Vault| {
            let mut after = None;
            loop {
                let done = vault.rewrap_tenant_keys(after.as_ref(), 1).await?;
                let Some(next) = done.next else { break };
                after = Some(next);
            }
            vault.root_uses().await
        };
        let turns = Cell::new(0);
        room.leave(
            "root",
            async || {
                turns.set(turns.get() + 1);
                let [from, to] = if turns.get() % 2 == 1 { [ROOT, OTHER] } else { [OTHER, ROOT] };
                let keys = root(to).with_decrypt_only(root(from));
                (room.another(keys).await.unwrap(), root(from).primary(), root(to).primary())
            },
            async |(vault, old, _)| {
                turn(vault).await?;
                vault.retire_root(*old).await
            },
            async |(vault, old, new), done, what| {
                if let Some(done) = done {
                    done.unwrap();
                }
                assert!(opens(&vault, &ACME, holder, &key).await.unwrap(), "{what}");
                let uses = turn(&vault).await.unwrap();
                assert!(uses.iter().all(|(root, _)| *root == new), "{what}");
                vault.retire_root(old).await.unwrap();
                assert!(opens(&vault, &ACME, holder, &key).await.unwrap(), "{what}");
                assert_eq!(vault.tenants(None, 10).await.unwrap().0, [ACME], "{what}");
            },
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_reader_of_the_vault_who_leaves_leaves_no_lock() {
    in_each_room(async |room| {
        let person = subject(&room.vault, &ACME).await;
        let holder = Holder::Subject(person);
        let key = credential(new_id());
        keep(&room.vault, &ACME, holder, &key).await.unwrap();
        let record = room.record(&ACME, &key).await.unwrap();
        let field = Field { table: "users", row: b"42", column: "email", version: 1 };
        room.leave(
            "reading",
            // One whose cache is empty, so that it has to look for each key.
            async || room.another(root(ROOT)).await.unwrap(),
            async |vault| {
                vault.open(&ACME, holder, &record).await.unwrap().part("access").unwrap();
                assert!(opens(vault, &ACME, holder, &key).await.unwrap());
                let (tenant, keys) = (ACME, [key.clone()]);
                let three = [(); 3].map(|()| vault.read_joined(&tenant, holder, &keys));
                for view in futures_util::future::join_all(three).await {
                    view.unwrap().part(0, "access").unwrap();
                }
                assert_eq!(vault.subject(&ACME, &ada()).await.unwrap(), Some(person));
                let entry = vault.directory_key(&ACME, &ada()).await.unwrap().unwrap();
                let view = vault.read(&ACME, holder, &[entry]).await.unwrap();
                let entry = view.record(0).unwrap();
                assert_eq!(vault.subject_in(&ACME, entry).await.unwrap(), person);
                assert_eq!(vault.person(&ACME, person).await.unwrap(), ada());
                assert_eq!(vault.tenants(None, 10).await.unwrap().0, [ACME]);
                let fields = vault.fields(&ACME, person).await.unwrap();
                let text = bailee::core::Plaintext::copy_from(b"fake-canary");
                let sealed = fields.seal(&[field], &[text]).unwrap();
                fields.open(&[field], &sealed).unwrap();
            },
            async |vault, _, what| {
                let tenant = ACME;
                let two = tokio::join!(subject(&vault, &tenant), subject(&vault, &tenant));
                assert_eq!(two, (person, person), "{what}");
                assert!(opens(&vault, &ACME, holder, &key).await.unwrap(), "{what}");
            },
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_vault_that_is_left_while_it_opens_is_opened_by_the_next() {
    in_each_room(async |room| {
        for polls in 0..8 {
            let opened = polled(polls, bailee_tests::Leaves::AtOnce, room.another(root(ROOT)));
            if let Some(vault) = opened.await {
                vault.unwrap();
            }
            let vault = room.another(root(ROOT)).await.unwrap();
            subject(&vault, &ACME).await;
            serves(room, &ACME, "open").await;
        }
    })
    .await;
}
