//! Whoever runs SQL of their own chooses the tenant. Then the sealed bodies are the wall.

use std::sync::Arc;

use bailee_core::{HostId, Id, Plaintext, SystemRandom, TenantId, audit::Entry};
use bailee_postgres::{
    PostgresStore,
    testing::{Cluster, Database},
};
use bailee_store::{Key, Kind, Store};
use bailee_vault::{Draft, Holder, RootKeys, Vault};
use tokio_postgres::{Client, NoTls};

const CREDENTIAL: Kind = Kind::from_static("credential");
const CANARY: &str = "canary-of-globex-77c1";

async fn vault(database: &Database<'_>, root: &str) -> Vault {
    let store: Arc<dyn Store> =
        Arc::new(database.builder("bailee_app").connect().await.unwrap() as PostgresStore);
    Vault::builder(store, RootKeys::base64(root).unwrap()).open().await.unwrap()
}

fn credential() -> Key {
    Key::new(CREDENTIAL, Id::from_bytes([7; 16]))
}

/// Stores a credential of a person and gives its holder.
async fn store(vault: &Vault, tenant: &TenantId, secret: &str) -> Holder {
    let ada = vault.ensure_subject(tenant, &HostId::text("ada@example.test")).await.unwrap();
    let holder = Holder::Subject(ada);
    let draft = Draft::new(credential(), holder)
        .facts(1, secret.as_bytes())
        .part("access", Plaintext::copy_from(secret.as_bytes()));
    let view = vault.read(tenant, holder, &[]).await.unwrap();
    let batch = vault
        .batch()
        .unwrap()
        .op(view.fence().unwrap())
        .op(vault.put(tenant, draft, None).await.unwrap())
        .audit(Entry::new("credential.stored", vault.clock().now()).about(ada));
    vault.commit(tenant, batch).await.unwrap();
    holder
}

async fn login(database: &Database<'_>) -> Client {
    let (client, connection) = database.socket("bailee_app").connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sto_08_rows_of_a_tenant_that_is_entered_openly_have_nothing_in_them_that_opens() {
    let root = RootKeys::generate(&SystemRandom).unwrap();
    let root = root.expose(|text| String::from_utf8(text.to_vec()).unwrap());
    let database = Cluster::shared().unwrap().database().await.unwrap();
    let (acme, globex) = (TenantId::from_static("acme"), TenantId::from_static("globex"));
    let owner = vault(&database, &root).await;
    store(&owner, &globex, CANARY).await;
    let holder = store(&owner, &acme, "own").await;

    let app = login(&database).await;
    let forms = [
        CANARY.to_owned(),
        CANARY.bytes().map(|byte| format!("{byte:02x}")).collect(),
        "canary-of".bytes().map(|byte| format!("{byte:02x}")).collect(),
    ];
    let mut rows = 0;
    for enter in
        ["SET bailee.tenant = 'globex'", "SET bailee.tenant = '~'", "SET ROLE bailee_worker"]
    {
        app.batch_execute(enter).await.unwrap();
        for table in ["record", "lookup", "work", "audit", "control", "head"] {
            let all = format!("SELECT t::text FROM bailee.{table} t");
            for row in app.query(&all, &[]).await.unwrap_or_default() {
                let text: &str = row.get(0);
                assert!(!forms.iter().any(|form| text.contains(form)), "{enter}: {text}");
                rows += 1;
            }
        }
    }
    assert!(rows > 10, "{rows}");

    // Each body of the other tenant, in the place of the own credential, under its own version and
    // under the other's.
    app.batch_execute("RESET ROLE; SET bailee.tenant = 'globex'").await.unwrap();
    let foreign = app.query("SELECT version, body FROM bailee.record", &[]).await.unwrap();
    assert!(foreign.len() > 3);
    app.batch_execute("SET bailee.tenant = 'acme'").await.unwrap();
    let own = "SELECT version FROM bailee.record WHERE kind = 'credential'";
    let own: i64 = app.query_one(own, &[]).await.unwrap().get(0);
    for row in foreign {
        let (version, body): (i64, &[u8]) = (row.get(0), row.get(1));
        for version in [version, own] {
            let swap = "UPDATE bailee.record SET body = $1, version = $2 WHERE kind = 'credential'";
            assert_eq!(app.execute(swap, &[&body, &version]).await.unwrap(), 1);
            // A process that remembers nothing.
            let process = vault(&database, &root).await;
            let view = process.read(&acme, holder, &[credential()]).await.unwrap();
            assert!(view.facts(0).is_err());
            assert!(view.part(0, "access").is_err());
        }
    }
}
