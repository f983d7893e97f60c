//! The application: its tables, three people, and rows of each of them everywhere.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bailee_core::{HostId, Id, SubjectId, TenantId};
use bailee_rights::source::{DataSource, Whose, conformance::Fixture};
use bailee_sources::{Job, Mapping, PseudonymKey, SqliteSource};
use rusqlite::{Connection, params, types::Value};
use tempfile::TempDir;

pub(crate) const MAPPING: &str = include_str!("../app.toml");

/// A folder with a database.
pub(crate) struct Application {
    folder: TempDir,
    batch: u32,
}

/// A row as it lies in a table.
pub(crate) type Stored = (&'static str, Vec<Value>);

pub(crate) const TABLES: [&str; 10] = [
    "accounts", "projects", "members", "posts", "files", "comments", "messages", "settings",
    "invoices", "audit",
];

pub(crate) fn whose(tenant: &str, person: &str) -> Whose {
    let subject = SubjectId::from_id(Id::derive(&[tenant.as_bytes(), person.as_bytes()]));
    Whose::new(TenantId::new(tenant).unwrap(), HostId::text(person), subject)
        .known_as("email", HostId::text(email(tenant, person)))
}

fn email(tenant: &str, person: &str) -> String {
    format!("{person}@canary-{person}.{tenant}.test")
}

/// Runs a job on a thread of its own.
pub(crate) fn threads() -> Arc<dyn bailee_sources::Blocking> {
    Arc::new(|job: Job| {
        std::thread::spawn(job);
    })
}

pub(crate) async fn open(path: &Path, mapping: &str) -> bailee_core::Result<SqliteSource> {
    let key = PseudonymKey::new(&[7; 32]);
    SqliteSource::open(path, Mapping::parse(mapping)?, key, threads()).await
}

impl Application {
    pub(crate) fn new(batch: u32) -> Self {
        let application = Self { folder: tempfile::tempdir().unwrap(), batch };
        application.connect().execute_batch(include_str!("app.sql")).unwrap();
        application
    }

    /// An account with what is there once, and a project.
    pub(crate) fn settle(&self, tenant: &str, person: &str) {
        let connection = self.connect();
        let id = person;
        let canary = format!("canary-{person}");
        let profile = format!(r#"{{"address":{{"city":"{canary}"}},"likes":["{canary}"]}}"#);
        let document = format!(
            r#"{{"contact":{{"phone":"{canary}","hours":"9-5"}},"note":"{canary}","theme":"dark"}}"#
        );
        let run = |sql: &str, values: &[&str]| {
            connection.execute(sql, rusqlite::params_from_iter(values)).unwrap();
        };
        let email = email(tenant, person);
        run(
            "INSERT INTO accounts VALUES (?1, ?2, ?3, ?4, ?5, NULL)",
            &[id, tenant, &email, &canary, &profile],
        );
        run(
            "INSERT INTO projects (tenant_id, name, creator_id) VALUES (?1, 'a plan', ?2)",
            &[tenant, id],
        );
        run("INSERT INTO members SELECT max(id), ?1, ?2, ?3 FROM projects", &[tenant, id, &canary]);
        run(
            "INSERT INTO settings (tenant_id, account_id, document) VALUES (?1, ?2, ?3)",
            &[tenant, id, &document],
        );
    }

    /// So many rows of a person, some of them shared with another one.
    pub(crate) fn write(&self, tenant: &str, person: &str, other: &str, count: u32) {
        let mut connection = self.connect();
        let transaction = connection.transaction().unwrap();
        let (me, them) = (person, other);
        let canary = format!("canary-{person}");
        for n in 0..count {
            let deleted = (n % 3 == 0).then_some(n);
            // Old and young ones in turn, up to the very second.
            let age = Application::AGE.as_seconds();
            let at = if n % 2 == 0 { age - 1 - i64::from(n) } else { age - 1 + i64::from(n) };
            let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
                transaction.execute(sql, values).unwrap();
            };
            run(
                "INSERT INTO posts (tenant_id, author_id, title, body, deleted_at, created_at) \
                 VALUES (?1, ?2, ?3, ?3, ?4, ?5)",
                params![tenant, me, canary, deleted, at],
            );
            run(
                "INSERT INTO files SELECT randomblob(16), max(id), ?1, CAST(?1 AS BLOB) FROM posts",
                params![canary],
            );
            run(
                "INSERT INTO comments (tenant_id, author_id, about_id, body, at) \
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![tenant, me, them, canary, at * 1000],
            );
            run(
                "INSERT INTO messages (tenant_id, sender_id, recipient_id, body, sent_at) \
                 VALUES (?1, ?2, ?3, 'a word between two', datetime(?4, 'unixepoch'))",
                params![tenant, me, them, at],
            );
            run(
                "INSERT INTO invoices (tenant_id, account_id, address) VALUES (?1, ?2, 'a street')",
                params![tenant, me],
            );
            run(
                "INSERT INTO audit (tenant_id, actor_email, action) VALUES (?1, ?2, 'signed in')",
                params![tenant, email(tenant, person)],
            );
        }
        transaction.commit().unwrap();
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("app.db")
    }

    pub(crate) fn connect(&self) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        connection.pragma_update(None, "foreign_keys", true).unwrap();
        // What a test puts in need not outlive the machine.
        connection.pragma_update(None, "synchronous", "OFF").unwrap();
        connection
    }

    pub(crate) fn mapping(&self) -> String {
        MAPPING.replace("batch = 7", &format!("batch = {}", self.batch))
    }

    /// Every row of every table.
    pub(crate) fn stored(&self) -> Vec<Stored> {
        let connection = self.connect();
        let mut all = Vec::new();
        for table in TABLES {
            let mut statement =
                connection.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).unwrap();
            let columns = statement.column_count();
            let row = |row: &rusqlite::Row<'_>| (0..columns).map(|at| row.get(at)).collect();
            let rows = statement.query_map([], row).unwrap();
            all.extend(rows.map(|row| (table, row.unwrap())));
        }
        all
    }
}

/// An application with Ada, Ben and, in another tenant, somebody with the same id as Ada.
pub(crate) fn full(batch: u32, count: u32) -> Application {
    let application = Application::new(batch);
    for (tenant, person) in [("acme", "ada"), ("acme", "ben"), ("other", "ada")] {
        application.settle(tenant, person);
    }
    application.write("acme", "ada", "ben", count);
    application.write("acme", "ben", "ada", count);
    application.write("other", "ada", "eve", count);
    application
}

#[async_trait]
impl Fixture for Application {
    async fn source(&self) -> Arc<dyn DataSource> {
        Arc::new(open(&self.path(), &self.mapping()).await.unwrap())
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
