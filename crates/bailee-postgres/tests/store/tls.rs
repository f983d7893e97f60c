//! Encrypted connections.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    sync::Arc,
};

use bailee_core::ErrorKind;
use bailee_postgres::{
    Builder,
    testing::{Cluster, Database},
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

fn trusting(certificate: &CertifiedKey<rcgen::KeyPair>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// By a name, on this machine.
fn named(database: &Database<'_>, name: &str) -> Builder {
    let mut config = tokio_postgres::Config::new();
    config
        .host(name)
        .hostaddr([127, 0, 0, 1].into())
        .port(database.cluster().port())
        .user("bailee_app")
        .password("in-tests")
        .dbname(database.name());
    Builder::new(config)
}

#[tokio::test]
async fn a_connection_is_encrypted_with_a_host_that_proves_its_name() {
    let certificate = generate_simple_self_signed(["db.example".to_owned()]).unwrap();
    let stranger = generate_simple_self_signed(["db.example".to_owned()]).unwrap();
    let cluster = Cluster::start(&[]).unwrap();
    let database = cluster.database().await.unwrap();

    // A server without TLS is not talked to.
    let plain = named(&database, "db.example").rustls(trusting(&certificate)).connect().await;
    assert_eq!(plain.unwrap_err().kind(), ErrorKind::StoreUnavailable);

    let owner = fs::metadata(cluster.folder()).unwrap();
    for (name, text) in [
        ("server.crt", certificate.cert.pem()),
        ("server.key", certificate.signing_key.serialize_pem()),
    ] {
        let path = cluster.folder().join("data").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    let superuser = database.superuser().await.unwrap();
    superuser.batch_execute("ALTER SYSTEM SET ssl = on").await.unwrap();
    superuser.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    // The postmaster reloads in its own time; new sessions see what it has.
    while !superuser
        .query_one("SELECT current_setting('ssl')::bool", &[])
        .await
        .unwrap()
        .get::<_, bool>(0)
    {}

    let store =
        named(&database, "db.example").rustls(trusting(&certificate)).connect().await.unwrap();
    let encrypted = "SELECT s.ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
                     WHERE a.datname = current_database() AND a.usename = 'bailee_app'";
    let rows = superuser.query(encrypted, &[]).await.unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|row| row.get(0)));
    drop(store);

    for (name, roots) in [("db.example", &stranger), ("other.example", &certificate)] {
        let error = named(&database, name).rustls(trusting(roots)).connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StoreUnavailable, "{name}");
    }
    // Without TLS the same address is refused before anything is sent.
    let error = named(&database, "db.example").connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}
