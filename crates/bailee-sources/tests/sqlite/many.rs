//! Many rows.

use std::time::Duration;

use async_trait::async_trait;
use bailee_core::{ErrorKind, Result};
use bailee_rights::source::{RowSink, SourceRow, TableFacts, conformance::Fixture};

use crate::application::{Application, whose};

/// Counts and keeps nothing, or has had enough after some rows.
struct Counting {
    rows: usize,
    enough: usize,
}

#[async_trait]
impl RowSink for Counting {
    async fn take(&mut self, _: &TableFacts, rows: Vec<SourceRow>) -> Result<()> {
        assert!((1..=2000).contains(&rows.len()), "a batch has bounds");
        self.rows += rows.len();
        if self.rows >= self.enough { Err(ErrorKind::TooLarge.into()) } else { Ok(()) }
    }
}

fn many(rows: u32) -> Application {
    let application = Application::new(5000);
    application.settle("acme", "ada");
    let insert = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1) \
                  INSERT INTO posts (tenant_id, author_id, title, body) \
                  SELECT 'acme', 'ada', 'canary-ada', 'canary-ada ' || n FROM n";
    application.connect().execute(insert, [rows]).unwrap();
    application
}

#[tokio::test]
async fn r1_seventy_thousand_rows_come_in_batches_and_go_in_steps() {
    let application = many(70_001);
    let (source, ada) = (application.source().await, whose("acme", "ada"));
    let mut sink = Counting { rows: 0, enough: usize::MAX };
    source.collect(&ada, &mut sink).await.unwrap();
    // The account, its project, membership and settings too.
    assert_eq!(sink.rows, 70_005);
    let mut steps = 0;
    loop {
        let step = source.erase(&ada).await.unwrap();
        steps += 1;
        assert!(step.rows() <= 5000, "a step has bounds");
        if !step.more {
            break;
        }
    }
    assert_eq!(steps, 15);
    assert_eq!(source.remaining(&ada).await.unwrap().left(), 0);
}

#[tokio::test]
async fn a_sink_that_has_had_enough_ends_the_collection_and_frees_the_database() {
    let application = many(5000);
    let (source, ada) = (application.source().await, whose("acme", "ada"));
    let mut sink = Counting { rows: 0, enough: 600 };
    let error = source.collect(&ada, &mut sink).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(sink.rows < 2100, "nothing came after the refusal");
    // Nobody holds a lock: a writer of the host's gets its turn.
    let connection = application.connect();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection.execute_batch("DELETE FROM posts").unwrap();
}
