//! What the database itself allows, asked past the store with the roles' own connections.

use std::time::Duration;

use bailee_core::{Clock, Id};
use bailee_store::{Due, Expect, Op, Record, Store};
use tokio_postgres::{Client, error::SqlState};

use crate::{ACME, GLOBEX, batch, fresh, key, login, note};

async fn enter(client: &Client, tenant: &str) {
    client.execute("SELECT set_config('bailee.tenant', $1, false)", &[&tenant]).await.unwrap();
}

async fn count(client: &Client, table: &str) -> i64 {
    let sql = ["SELECT count(*) FROM bailee.", table].concat();
    client.query_one(&sql, &[]).await.unwrap().get(0)
}

async fn is_denied(client: &Client, sql: &str) {
    let error = client.batch_execute(sql).await.expect_err(sql);
    assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{sql}: {error}");
}

const TENANT_TABLES: [&str; 4] = ["record", "lookup", "work", "audit"];

/// A database in which a tenant has a row in each table.
async fn with_rows() -> (bailee_postgres::testing::Database<'static>, bailee_core::ManualClock) {
    let (database, clock, store) = fresh().await;
    let put = Op::Put {
        record: note(key(1), &clock),
        expect: Expect::Absent,
        lookups: Some(vec![Id::from_bytes([9; 16])]),
    };
    let all = batch(&clock).op(put).schedule(key(1), None, Due::At(clock.now()));
    store.commit(&ACME, &all.build().unwrap()).await.unwrap();
    (database, clock)
}

#[tokio::test]
async fn sto_02_without_a_tenant_the_application_sees_nothing() {
    let (database, _) = with_rows().await;
    let superuser = database.superuser().await.unwrap();
    let app = login(&database, "bailee_app").await;
    for table in TENANT_TABLES {
        assert_eq!(count(&superuser, table).await, 1, "{table}");
        assert_eq!(count(&app, table).await, 0, "{table}");
    }
    // After a transaction the setting is an empty text and no longer NULL.
    app.batch_execute("BEGIN; SELECT set_config('bailee.tenant', 'acme', true)").await.unwrap();
    assert_eq!(count(&app, "record").await, 1);
    app.batch_execute("COMMIT").await.unwrap();
    let setting: String =
        app.query_one("SELECT current_setting('bailee.tenant')", &[]).await.unwrap().get(0);
    assert_eq!(setting, "");
    for table in TENANT_TABLES {
        assert_eq!(count(&app, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn sto_02_the_owner_sees_nothing_either() {
    let (database, _) = with_rows().await;
    let superuser = database.superuser().await.unwrap();
    superuser.batch_execute("SET ROLE bailee_owner").await.unwrap();
    for table in ["record", "lookup", "work"] {
        assert_eq!(count(&superuser, table).await, 0, "{table}");
    }
    superuser.batch_execute("DELETE FROM bailee.audit").await.unwrap();
    assert_eq!(count(&superuser, "audit").await, 1, "an entry without a number is not retired");
}

#[tokio::test]
async fn sto_02_one_tenant_cannot_see_change_or_write_anothers_rows() {
    let (database, _) = with_rows().await;
    let app = login(&database, "bailee_app").await;
    enter(&app, "globex").await;
    for table in TENANT_TABLES {
        assert_eq!(count(&app, table).await, 0, "{table}");
    }
    for sql in [
        "UPDATE bailee.record SET facet = 1",
        "DELETE FROM bailee.record WHERE tenant = 'acme'",
        "DELETE FROM bailee.lookup",
        "UPDATE bailee.work SET leased = 'infinity'",
    ] {
        assert_eq!(app.execute(sql, &[]).await.unwrap(), 0, "{sql}");
    }
    for sql in [
        "INSERT INTO bailee.record (tenant, kind, id, version, body)
         VALUES ('acme', 'note', gen_random_uuid(), 1, '')",
        "INSERT INTO bailee.work (tenant, task, id, due)
         VALUES ('acme', 'note', gen_random_uuid(), now())",
        "INSERT INTO bailee.audit (tenant, batch, n, at, event, hash)
         VALUES ('acme', gen_random_uuid(), 0, now(), 'x', decode(repeat('00', 32), 'hex'))",
    ] {
        is_denied(&app, sql).await;
    }
    enter(&app, "acme").await;
    is_denied(&app, "UPDATE bailee.record SET tenant = 'globex'").await;
}

#[tokio::test]
async fn sto_02_a_row_cannot_have_an_empty_tenant() {
    let (database, _) = with_rows().await;
    let superuser = database.superuser().await.unwrap();
    let error = superuser
        .batch_execute(
            "INSERT INTO bailee.record (tenant, kind, id, version, body)
             VALUES ('', 'note', gen_random_uuid(), 1, '')",
        )
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::CHECK_VIOLATION));
}

#[tokio::test]
async fn sto_02_the_control_row_is_written_in_the_systems_tenant_alone() {
    let (database, _) = with_rows().await;
    let app = login(&database, "bailee_app").await;
    for (tenant, rows) in [("acme", 0), ("", 0), ("~", 1)] {
        enter(&app, tenant).await;
        let written = app.execute("UPDATE bailee.control SET body = 'x'", &[]).await.unwrap();
        assert_eq!(written, rows, "{tenant:?}");
        assert_eq!(count(&app, "control").await, 1, "{tenant:?}");
    }
    is_denied(&app, "DELETE FROM bailee.control").await;
    is_denied(&app, "INSERT INTO bailee.control (one, version, body) VALUES (true, 0, '')").await;
}

#[tokio::test]
async fn sto_05_constraints_do_not_answer_about_another_tenant() {
    let (database, _) = with_rows().await;
    let app = login(&database, "bailee_app").await;
    enter(&app, "globex").await;
    let id = "01010101-0101-0101-0101-010101010101";
    // The key that acme has, plainly and with ON CONFLICT.
    for end in ["", " ON CONFLICT DO NOTHING"] {
        let insert = format!(
            "INSERT INTO bailee.record (tenant, kind, id, version, body)
             VALUES ('globex', 'note', '{id}', 1, ''){end}"
        );
        assert_eq!(app.execute(&insert, &[]).await.unwrap(), 1, "{end}");
        assert_eq!(app.execute("DELETE FROM bailee.record", &[]).await.unwrap(), 1);
    }
    // A reference to acme's record is one to nothing, as is a reference to no record at all.
    for id in [id, "77777777-7777-7777-7777-777777777777"] {
        let insert = format!(
            "INSERT INTO bailee.lookup (tenant, hash, kind, id)
             VALUES ('globex', gen_random_uuid(), 'note', '{id}')"
        );
        let error = app.execute(&insert, &[]).await.unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::FOREIGN_KEY_VIOLATION));
    }
}

#[tokio::test]
async fn sto_05_the_application_cannot_write_the_number_of_a_leaf() {
    let (database, _) = with_rows().await;
    let app = login(&database, "bailee_app").await;
    enter(&app, "acme").await;
    is_denied(&app, "UPDATE bailee.audit SET leaf = 0").await;
    is_denied(
        &app,
        "INSERT INTO bailee.audit (tenant, batch, n, at, event, hash, leaf)
         VALUES ('acme', gen_random_uuid(), 0, now(), 'x', decode(repeat('00', 32), 'hex'), 0)",
    )
    .await;
}

#[tokio::test]
async fn aud_01_the_application_cannot_change_or_delete_an_entry() {
    let (database, _) = with_rows().await;
    let app = login(&database, "bailee_app").await;
    enter(&app, "acme").await;
    is_denied(&app, "DELETE FROM bailee.audit").await;
    is_denied(&app, "UPDATE bailee.audit SET event = 'other'").await;
    is_denied(&app, "TRUNCATE bailee.audit").await;
    is_denied(&app, "UPDATE bailee.head SET size = 7").await;
}

#[tokio::test]
async fn sto_07_the_worker_reads_no_body_and_writes_no_record() {
    let (database, _) = with_rows().await;
    let worker = login(&database, "bailee_app").await;
    worker.batch_execute("SET ROLE bailee_worker").await.unwrap();
    // It counts over all tenants.
    assert_eq!(count(&worker, "record").await, 1);
    for sql in [
        "SELECT body FROM bailee.record",
        "SELECT * FROM bailee.record",
        "SELECT subject FROM bailee.record",
        "SELECT record FROM bailee.record",
        "SELECT FROM bailee.record FOR UPDATE",
        "UPDATE bailee.record SET facet = 1",
        "INSERT INTO bailee.record (tenant, kind, id, version, body)
         VALUES ('acme', 'note', gen_random_uuid(), 1, '')",
        "SELECT FROM bailee.lookup",
        "SELECT FROM bailee.control",
        "SELECT payload FROM bailee.audit",
        "INSERT INTO bailee.work (tenant, task, id, due)
         VALUES ('acme', 'note', gen_random_uuid(), now())",
        "DELETE FROM bailee.work",
        "UPDATE bailee.work SET tenant = 'globex'",
        "DELETE FROM bailee.audit",
        "UPDATE bailee.audit SET hash = ''",
        "SELECT bailee.fetch('acme', '{note}', '{01010101-0101-0101-0101-010101010101}', null)",
    ] {
        is_denied(&worker, sql).await;
    }
}

#[tokio::test]
async fn sto_07_the_worker_deletes_what_is_expired_and_numbers_what_has_none() {
    let (database, clock) = with_rows().await;
    let store = database.store(std::sync::Arc::new(clock.clone())).await.unwrap();
    let expires = Some(clock.now().plus(Duration::from_secs(1)));
    let over = Record { expires, ..note(key(2), &clock) };
    let put = batch(&clock).put(over, Expect::Absent).build().unwrap();
    store.commit(&GLOBEX, &put).await.unwrap();

    let worker = login(&database, "bailee_app").await;
    worker.batch_execute("SET ROLE bailee_worker").await.unwrap();
    assert_eq!(worker.execute("DELETE FROM bailee.record", &[]).await.unwrap(), 1);
    assert_eq!(count(&worker, "record").await, 1, "the live one stays");

    let number = "UPDATE bailee.audit SET leaf = 5 WHERE tenant = 'acme'";
    assert_eq!(worker.execute(number, &[]).await.unwrap(), 1);
    let anew = "UPDATE bailee.audit SET leaf = 6 WHERE tenant = 'acme'";
    assert_eq!(worker.execute(anew, &[]).await.unwrap(), 0, "a number stays");
}
