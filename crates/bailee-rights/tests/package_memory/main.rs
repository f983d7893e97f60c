//! A package needs as much memory for a million rows as for a thousand.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

use std::{fs, sync::Arc};

use async_trait::async_trait;
use bailee_core::{DataCategory, ErrorKind, HostId, Id, Result, SystemRandom, TenantId, Timestamp};
use bailee_registry::{Catalogue, DataOrigin, Declaration, Texts};
use bailee_rights::{
    Blocking, Job,
    package::{ByteSink, Closing, DirectorySpool, Order, Packages, stream},
    request::Right,
    source::{
        Correction, Count, DataSource, FieldFacts, Remaining, RowSink, SourceFacts, SourceRow,
        Step, Strategy, TableFacts, Value, Whose,
    },
};
use bailee_store::{Fence, MemoryStore};
use bailee_vault::{RootKeys, Vault};

const ACME: TenantId = TenantId::from_static("acme");

const DECLARATION: &str = include_str!("../declared/content.toml");

/// A source of so many rows, made as they are asked for, in batches of five hundred.
struct Rows(SourceFacts, u64);

impl Rows {
    fn new(rows: u64) -> Self {
        let field =
            |name: &str| FieldFacts::new(name, DataCategory::new("content"), DataOrigin::Provided);
        let table = TableFacts::new("posts", "content", Strategy::Delete)
            .with_field(field("id"))
            .with_field(field("title"))
            .with_field(field("body"))
            .with_field(field("at"));
        Self(SourceFacts::new("main", vec![table]), rows)
    }
}

#[async_trait]
impl DataSource for Rows {
    fn facts(&self) -> &SourceFacts {
        &self.0
    }

    async fn count(&self, _: &Whose) -> Result<Count> {
        Err(ErrorKind::Unsupported.into())
    }

    async fn collect(&self, _: &Whose, sink: &mut dyn RowSink) -> Result<()> {
        let mut from = 0;
        while from < self.1 {
            let to = (from + 500).min(self.1);
            let row = |n: u64| {
                let noise = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                SourceRow {
                    key: n.to_string(),
                    values: vec![
                        Value::Integer(n.cast_signed()),
                        Value::Text(format!("the title of number {n}")),
                        Value::Text(format!(
                            "some words, {noise:016x}, and \"more\" of the same {n}"
                        )),
                        Value::Integer(1_748_779_200 + n.cast_signed()),
                    ],
                }
            };
            sink.take(&self.0.tables[0], (from..to).map(row).collect()).await?;
            from = to;
        }
        Ok(())
    }

    async fn erase(&self, _: &Whose) -> Result<Step> {
        Err(ErrorKind::Unsupported.into())
    }

    async fn correct(&self, _: &Whose, _: &Correction) -> Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    async fn restrict(&self, _: &Whose, _: bool) -> Result<Step> {
        Err(ErrorKind::Unsupported.into())
    }

    async fn remaining(&self, _: &Whose) -> Result<Remaining> {
        Err(ErrorKind::Unsupported.into())
    }
}

/// Counts what goes by.
struct Counts(u64);

#[async_trait]
impl ByteSink for Counts {
    async fn take(&mut self, bytes: &[u8]) -> Result<()> {
        self.0 += bytes.len() as u64;
        Ok(())
    }
}

/// Everything happens on this thread, so that all of its memory is counted.
fn at_once() -> Arc<dyn Blocking> {
    Arc::new(|job: Job| job())
}

/// Makes a package of so many rows in a directory and reads it again; its rows, its length.
async fn make(rows: u64, csv: bool) -> (u64, u64) {
    let store = Arc::new(MemoryStore::new(Arc::new(bailee_core::SystemClock)));
    let root = RootKeys::generate(&SystemRandom).unwrap();
    let root = root.expose(|text| String::from_utf8(text.to_vec()).unwrap());
    let keys = RootKeys::base64(&root).unwrap();
    let vault = Vault::builder(store, keys).open().await.unwrap();
    let person = HostId::Int(1);
    let subject = vault.ensure_subject(&ACME, &person).await.unwrap();
    let whose = Whose::new(ACME, person, subject);
    let place = tempfile::tempdir().unwrap();
    let spool = DirectorySpool::open(place.path().join("spool"), at_once()).await.unwrap();
    let packages = Packages::new(vault, Arc::new(spool));
    let declaration = Declaration::parse(DECLARATION).unwrap();
    let catalogue = Catalogue::english();
    let information = Texts::new(declaration.clone(), catalogue.clone()).information();
    let at = Timestamp::from_seconds(1_748_779_200);
    let mut order = Order::new(ACME, subject, Id::from_bytes([1; 16]), Right::Access, at);
    order.csv = csv;
    let closing = Closing::new(&declaration, &catalogue, &information, "eu", at);
    let source = Rows::new(rows);

    let fence = Fence(1);
    let segment =
        packages.collect_source(&order, &declaration, &source, &whose, fence).await.unwrap();
    let found = segment.rows;
    let stored = packages.close(&order, &closing, &[segment], fence).await.unwrap();
    let mut counts = Counts(0);
    let package = packages.open(&stored);
    package.stream_to(0..package.len(), &mut counts).await.unwrap();
    assert_eq!(counts.0, stored.length);
    let files = fs::read_dir(place.path().join("spool")).unwrap().count();
    assert_eq!(files, stored.parts.len() + 1, "the strands, the end, the index");

    let mut streamed = Counts(0);
    let sources: [(&dyn DataSource, &Whose); 1] = [(&source, &whose)];
    stream(&order, &closing, &sources, &mut streamed).await.unwrap();
    assert_eq!(streamed.0, stored.length);
    (found, stored.length)
}

/// The most memory that was held at once, beside what was there before.
fn most(rows: u64, csv: bool) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut made = (0, 0);
    let counted = allocation_counter::measure(|| made = runtime.block_on(make(rows, csv)));
    assert_eq!(made.0, rows);
    assert!(made.1 > rows * 10, "{}", made.1);
    counted.bytes_max
}

/// 300,001 rows, or as many as `BAILEE_PACKAGE_ROWS` says; three millions take some minutes.
#[test]
#[expect(clippy::disallowed_methods, reason = "how large it is made is for whoever runs it to say")]
fn the_memory_of_a_package_does_not_grow_with_its_rows() {
    let rows = std::env::var("BAILEE_PACKAGE_ROWS").map_or(300_001, |rows| rows.parse().unwrap());
    let few = most(10_001, true);
    let many = most(rows, true);
    assert!(many < 32 * 1024 * 1024, "{many}");
    assert!(many < few + 64 * 1024, "{few} for few, {many} for many");
}
