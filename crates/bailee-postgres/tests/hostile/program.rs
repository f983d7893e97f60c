//! A statement with what comes before it in its session, and how it is run.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    sync::{Arc, Mutex},
};

use bailee_postgres::testing::Database;
use futures_util::{TryStreamExt, future::join_all};
use tokio_postgres::{AsyncMessage, Client, NoTls, SimpleQueryMessage};

/// What a hostile user of a role's connection does.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) role: Role,
    /// The tenants that it is in or enters openly, by the setting, at any step that is looked at.
    pub(crate) entered: BTreeSet<&'static str>,
    /// What came before in this session, and before the transaction: not looked at, because it may
    /// have been another caller's.
    pub(crate) before: Vec<String>,
    /// What is looked at, in one transaction that is rolled back.
    pub(crate) steps: Vec<Step>,
    /// Whether the answer may not depend on foreign rows at all. Plans and places of rows depend
    /// on how large a table is as a whole; they may do so, and may still name nothing.
    pub(crate) exact: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Application,
    Worker,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Ask(String),
    /// COPY .. TO STDOUT.
    Out(String),
}

impl Program {
    /// All of its text.
    pub(crate) fn text(&self) -> String {
        let steps = self.steps.iter().map(|step| match step {
            Step::Ask(sql) | Step::Out(sql) => sql.clone(),
        });
        self.before.iter().cloned().chain(steps).collect::<Vec<_>>().join(";\n")
    }
}

/// What came of a program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// What each step answered, errors and notices among it.
    pub(crate) answers: Vec<String>,
    /// What the probes saw before the end of the transaction, unless it was aborted.
    pub(crate) left: Option<BTreeMap<String, String>>,
    pub(crate) rows: usize,
    pub(crate) failed: bool,
}

/// A role's connection to a world.
pub(crate) struct Session {
    client: Client,
    notices: Arc<Mutex<BTreeSet<String>>>,
}

impl Session {
    pub(crate) async fn open(database: &Database<'_>) -> Self {
        let mut socket = database.socket("bailee_app");
        socket.options("-c statement_timeout=20s -c lock_timeout=2s -c jit=off");
        let (client, mut connection) = socket.connect(NoTls).await.unwrap();
        let notices = Arc::<Mutex<BTreeSet<String>>>::default();
        let heard = notices.clone();
        tokio::spawn(async move {
            while let Some(Ok(message)) =
                std::future::poll_fn(|context| connection.poll_message(context)).await
            {
                let text = match message {
                    AsyncMessage::Notice(notice) => format!("{notice:?}"),
                    AsyncMessage::Notification(told) => told.payload().to_owned(),
                    _ => continue,
                };
                heard.lock().unwrap().insert(plain(&text));
            }
        });
        // A session's first temporary object makes the schema of all of them.
        client.batch_execute("CREATE TEMP TABLE first (); DROP TABLE first").await.unwrap();
        Self { client, notices }
    }

    /// The probes of all tenants, and of what the worker may not change.
    async fn left(&self) -> Option<BTreeMap<String, String>> {
        let rows = self.client.simple_query("SELECT * FROM probe.left()").await.ok()?;
        let found = rows.iter().filter_map(|row| match row {
            SimpleQueryMessage::Row(row) => {
                Some((row.get(0)?.to_owned(), row.get(1).unwrap_or_default().to_owned()))
            }
            _ => None,
        });
        Some(found.collect())
    }

    pub(crate) async fn at_first(&self) -> BTreeMap<String, String> {
        self.left().await.unwrap()
    }

    pub(crate) async fn run(&self, program: &Program) -> Outcome {
        // Sent at once and answered in their order. What fails here may: it is not looked at.
        join_all(program.before.iter().map(|before| self.client.simple_query(before))).await;
        self.notices.lock().unwrap().clear();
        let (mut answers, mut rows, mut failed) = (Vec::new(), 0, false);
        for step in &program.steps {
            let answer = match step {
                Step::Ask(sql) => self.ask(sql, &mut rows).await,
                Step::Out(sql) => self.copy_out(sql).await,
            };
            let mut text = answer.unwrap_or_else(|error| {
                failed = true;
                error.as_db_error().map_or_else(|| error.to_string(), |error| format!("{error:?}"))
            });
            for notice in std::mem::take(&mut *self.notices.lock().unwrap()) {
                let _ = write!(text, "\n{notice}");
            }
            answers.push(plain(&text));
        }
        // What was made in the transaction goes with it; the rest takes longer to be rid of.
        let forget = if program.before.iter().any(|before| before.contains("pg_temp.")) {
            "DISCARD ALL"
        } else {
            "RESET SESSION AUTHORIZATION; RESET ALL; DEALLOCATE ALL; CLOSE ALL"
        };
        let (left, undone, forgotten) = tokio::join!(
            self.left(),
            self.client.batch_execute("ROLLBACK"),
            self.client.batch_execute(forget),
        );
        undone.and(forgotten).unwrap();
        Outcome { answers, left, rows, failed }
    }

    async fn ask(&self, sql: &str, rows: &mut usize) -> Result<String, tokio_postgres::Error> {
        let mut lines = Vec::new();
        for message in self.client.simple_query(sql).await? {
            lines.push(match message {
                SimpleQueryMessage::Row(row) => {
                    *rows += 1;
                    (0..row.len()).fold(String::from("row"), |mut line, column| {
                        let _ = write!(line, " {:?}", row.get(column));
                        line
                    })
                }
                SimpleQueryMessage::CommandComplete(count) => format!("{count} rows"),
                _ => continue,
            });
        }
        // Nobody asked for an order, within a value that is made of many rows neither.
        let mut lines: Vec<&str> = lines.iter().flat_map(|line| line.split("\\n")).collect();
        lines.sort_unstable();
        Ok(lines.join("\n"))
    }

    async fn copy_out(&self, sql: &str) -> Result<String, tokio_postgres::Error> {
        let stream = self.client.copy_out(sql).await?;
        let pieces: Vec<_> = stream.try_collect().await?;
        let mut lines: Vec<_> =
            pieces.iter().map(|piece| String::from_utf8_lossy(piece).into_owned()).collect();
        lines.sort();
        Ok(lines.concat())
    }
}

/// An answer without the numbers that a session counts for itself, and that of the database.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, counted)) = ["pg_temp_", "test_", "unnamed portal "]
        .iter()
        .filter_map(|c| Some((rest.find(c)?, *c)))
        .min()
    {
        let (head, tail) = rest.split_at(at + counted.len());
        plain.push_str(head);
        rest = tail.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    plain.push_str(rest);
    plain
}
