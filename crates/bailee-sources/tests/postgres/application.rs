//! The application: its tables, three people, and rows of each of them everywhere.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bailee_core::{ErrorKind, HostId, Id, Result, SubjectId, TenantId};
use bailee_postgres::testing::{Cluster, Database};
use bailee_rights::source::{DataSource, Whose, conformance::Fixture};
use bailee_sources::{Mapping, PostgresClient, PostgresClients, PostgresSource, PseudonymKey};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio_postgres::{Client, Config, NoTls};

pub(crate) const MAPPING: &str = include_str!("../app.toml");

pub(crate) const TABLES: [&str; 10] = [
    "accounts", "projects", "members", "posts", "files", "comments", "messages", "settings",
    "invoices", "audit",
];

/// The host's role: it owns nothing and is nobody special.
pub(crate) const ROLE: &str = "host_app";

/// Which driver a fixture's sources have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    Sqlx,
    TokioPostgres,
}

/// A database with the application's tables.
pub(crate) struct Application {
    pub(crate) database: Database<'static>,
    pub(crate) batch: u32,
    pub(crate) driver: Driver,
}

/// A connection for each call.
pub(crate) struct Connecting {
    config: Config,
    pub(crate) opened: AtomicUsize,
}

#[async_trait]
impl PostgresClients for Connecting {
    async fn client(&self) -> Result<Box<dyn PostgresClient>> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let connected = self.config.connect(NoTls).await;
        let (client, connection) = connected.map_err(|_| ErrorKind::HostFailed)?;
        tokio::spawn(connection);
        Ok(Box::new(Box::new(client)))
    }
}

pub(crate) fn clients(database: &Database<'_>, role: &str) -> Arc<Connecting> {
    Arc::new(Connecting { config: database.socket(role), opened: AtomicUsize::new(0) })
}

pub(crate) async fn open(database: &Database<'_>, mapping: &str) -> Result<PostgresSource> {
    let key = PseudonymKey::new(&[7; 32]);
    PostgresSource::open(clients(database, ROLE), Mapping::parse(mapping)?, key).await
}

pub(crate) async fn open_pool(database: &Database<'_>, mapping: &str) -> Result<PostgresSource> {
    let cluster = database.cluster();
    let options = PgConnectOptions::new_without_pgpass()
        .socket(cluster.folder())
        .port(cluster.port())
        .username(ROLE)
        .database(database.name());
    let pool = PgPoolOptions::new().max_connections(2).connect_lazy_with(options);
    PostgresSource::open_pool(pool, Mapping::parse(mapping)?, PseudonymKey::new(&[7; 32])).await
}

pub(crate) fn whose(tenant: &str, person: &str) -> Whose {
    let subject = SubjectId::from_id(Id::derive(&[tenant.as_bytes(), person.as_bytes()]));
    Whose::new(TenantId::new(tenant).unwrap(), HostId::text(person), subject)
        .known_as("email", HostId::text(email(tenant, person)))
}

fn email(tenant: &str, person: &str) -> String {
    format!("{person}@canary-{person}.{tenant}.test")
}

/// An empty database, and the host's role.
pub(crate) async fn database(cluster: &'static Cluster) -> Database<'static> {
    let database = cluster.empty_database().await.unwrap();
    let superuser = database.superuser().await.unwrap();
    // Roles are the cluster's: another test may have made it, or be making it now.
    let _ = superuser.batch_execute("CREATE ROLE host_app LOGIN").await;
    database
}

impl Application {
    pub(crate) async fn new(driver: Driver, batch: u32) -> Self {
        let database = database(Cluster::shared().unwrap()).await;
        let application = Self { database, batch, driver };
        application.run(include_str!("app.sql")).await;
        application
    }

    pub(crate) async fn superuser(&self) -> Client {
        self.database.superuser().await.unwrap()
    }

    pub(crate) async fn run(&self, sql: &str) {
        self.superuser().await.batch_execute(sql).await.unwrap();
    }

    /// An account with what is there once, and a project; then so many rows, some of them shared
    /// with another person.
    pub(crate) async fn fill(&self, tenant: &str, person: &str, other: &str, count: u32) {
        let (email, age) = (email(tenant, person), Self::AGE.as_seconds());
        // Names of tests stand in the text: nobody else's are here.
        self.run(&format!(
            r#"
            INSERT INTO accounts VALUES ('{person}', '{tenant}', '{email}', 'canary-{person}',
                '{{"address":{{"city":"canary-{person}"}},"likes":["canary-{person}"]}}', NULL);
            INSERT INTO projects (tenant_id, name, creator_id)
                VALUES ('{tenant}', 'a plan', '{person}');
            INSERT INTO members SELECT max(id), '{tenant}', '{person}', 'canary-{person}'
                FROM projects;
            INSERT INTO settings (tenant_id, account_id, document) VALUES ('{tenant}', '{person}',
                '{{"contact":{{"phone":"canary-{person}","hours":"9-5"}},"note":"canary-{person}","theme":"dark"}}');
            CREATE TEMP TABLE n AS SELECT n, {age}::bigint - 1 + n * (CASE n % 2 WHEN 0 THEN -1 ELSE 1 END)
                AS at FROM generate_series(0, {count} - 1) AS n;
            WITH posted AS (
                INSERT INTO posts (tenant_id, author_id, title, body, deleted_at, created_at)
                SELECT '{tenant}', '{person}', 'canary-{person}', 'canary-{person}',
                    CASE WHEN n % 3 = 0 THEN to_timestamp(n) END, at FROM n RETURNING id
            )
            INSERT INTO files (post_id, name, content)
                SELECT id, 'canary-{person}', 'canary-{person}'::bytea FROM posted;
            INSERT INTO comments (tenant_id, author_id, about_id, body, at)
                SELECT '{tenant}', '{person}', '{other}', 'canary-{person}', at * 1000 FROM n;
            INSERT INTO messages (tenant_id, sender_id, recipient_id, body, sent_at)
                SELECT '{tenant}', '{person}', '{other}', 'a word between two',
                    to_char(to_timestamp(at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') FROM n;
            INSERT INTO invoices (tenant_id, account_id, address)
                SELECT '{tenant}', '{person}', 'a street' FROM n;
            INSERT INTO audit (tenant_id, actor_email, action)
                SELECT '{tenant}', '{email}', 'signed in' FROM n;
            "#
        ))
        .await;
    }

    pub(crate) fn mapping(&self) -> String {
        MAPPING.replace("batch = 7", &format!("batch = {}", self.batch))
    }

    pub(crate) async fn open(&self) -> Result<PostgresSource> {
        match self.driver {
            Driver::Sqlx => open_pool(&self.database, &self.mapping()).await,
            Driver::TokioPostgres => open(&self.database, &self.mapping()).await,
        }
    }

    /// Every row of every table, as text.
    pub(crate) async fn stored(&self) -> Vec<(&'static str, String)> {
        let stored = self.stored_where_there().await;
        assert!(TABLES.iter().all(|table| stored.iter().any(|(found, _)| found == table)));
        stored
    }

    /// The same where a table may be missing.
    pub(crate) async fn stored_where_there(&self) -> Vec<(&'static str, String)> {
        let superuser = self.superuser().await;
        let mut all = Vec::new();
        for table in TABLES {
            let sql = format!("SELECT to_jsonb(t)::text FROM {table} AS t ORDER BY 1");
            let rows = superuser.query(&sql, &[]).await.unwrap_or_default();
            all.extend(rows.iter().map(|row| (table, row.get(0))));
        }
        all
    }
}

/// An application with Ada, Ben and, in another tenant, somebody with the same id as Ada.
pub(crate) async fn full(driver: Driver, batch: u32, count: u32) -> Application {
    let application = Application::new(driver, batch).await;
    application.fill("acme", "ada", "ben", count).await;
    application.fill("acme", "ben", "ada", count).await;
    application.fill("other", "ada", "eve", count).await;
    application
}

#[async_trait]
impl Fixture for Application {
    async fn source(&self) -> Arc<dyn DataSource> {
        Arc::new(self.open().await.unwrap())
    }

    fn ada(&self) -> Whose {
        whose("acme", "ada")
    }

    fn ben(&self) -> Whose {
        whose("acme", "ben")
    }

    fn namesake(&self) -> Whose {
        whose("other", "ada")
    }
}
