//! Databases that are the same but for what a statement must not be able to tell.
//!
//! In the world that all statements run in, three tenants have rows of their own. Each other world
//! keeps some tenants' rows as they are and gives the rest other rows: other ids, kinds, times,
//! bodies, and more of them. A statement that answers the same in both has told nothing of the
//! rest, neither by a row nor by a count, an error or a notice.

use std::{collections::BTreeSet, fmt::Write};

use bailee_postgres::testing::{Cluster, Database};

pub(crate) const ACME: &str = "acme";
pub(crate) const GLOBEX: &str = "globex";
pub(crate) const SYSTEM: &str = "~";
pub(crate) const TENANTS: [&str; 3] = [ACME, GLOBEX, SYSTEM];

/// What is the same as in the world that all statements run in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Same {
    /// All rows of these tenants; the other tenants' are others.
    Rows(BTreeSet<&'static str>),
    /// The columns that the worker may read, and all rows of `acme`.
    Granted,
}

impl Same {
    pub(crate) fn everything() -> Self {
        Self::Rows(TENANTS.into())
    }

    /// Which of two lists of rows a tenant has, and which of two fillings of what the worker may
    /// not read.
    fn variant(&self, tenant: &str) -> (u32, u32) {
        match self {
            Self::Rows(tenants) => {
                let other = u32::from(!tenants.contains(tenant));
                (other, other)
            }
            Self::Granted => (0, u32::from(tenant != ACME)),
        }
    }
}

/// A world, once for the statements to run in.
pub(crate) async fn make(same: &Same, harm: &str) -> Database<'static> {
    let database = Cluster::shared().unwrap().database().await.unwrap();
    let superuser = database.superuser().await.unwrap();
    superuser.batch_execute(&rows(same)).await.unwrap();
    superuser.batch_execute(PROBE).await.unwrap();
    superuser.batch_execute(harm).await.unwrap_or_else(|error| panic!("{harm}: {error}"));
    // Without statistics, so that all worlds have the same plans: of a plan alone it depends which
    // of the own rows a function is asked about.
    database
}

/// An id with three numbers in it.
pub(crate) fn id(a: u32, b: u32, c: u32) -> String {
    format!("{a:08x}-{b:04x}-4000-8000-{c:012x}")
}

fn number_of(tenant: &str) -> u32 {
    match tenant {
        ACME => 1,
        GLOBEX => 2,
        _ => 3,
    }
}

/// The word for a tenant in its marks.
fn word(tenant: &str) -> &str {
    if tenant == SYSTEM { "system" } else { tenant }
}

/// The id of a tenant's nth record. The first two are the same in every tenant, so that a key may
/// be there or not be there in another one.
pub(crate) fn record_id(tenant: &str, data: u32, n: u32) -> String {
    if data == 0 && n < 2 { id(0, 0, n) } else { id(number_of(tenant), data, n) }
}

pub(crate) fn lookup_hash(tenant: &str, hidden: u32, n: u32) -> String {
    id(number_of(tenant), 4 + hidden, n)
}

fn subject(tenant: &str, hidden: u32, n: u32) -> String {
    if n % 3 == hidden {
        "NULL".to_owned()
    } else {
        format!("'{}'", id(number_of(tenant), 8 + hidden, n / 2))
    }
}

pub(crate) fn batch_id(tenant: &str, data: u32, n: u32) -> String {
    id(number_of(tenant), 16 + data, n)
}

pub(crate) fn kind(tenant: &str, data: u32, n: u32) -> String {
    match n {
        0 | 1 => "note".to_owned(),
        2 => "page".to_owned(),
        _ => format!("kind-{}-{data}", word(tenant)),
    }
}

/// Texts that only a tenant's own rows have in them, in the clear or as hexadecimal digits.
pub(crate) fn marks(tenant: &str) -> Vec<String> {
    let word = word(tenant);
    ["body", "payload", "event"]
        .iter()
        .map(|what| format!("{what}-{word}"))
        .flat_map(|mark| [hexadecimal(&mark), mark])
        .collect()
}

/// Further texts that a statement may name by itself.
pub(crate) fn names(tenant: &str) -> Vec<String> {
    let prefix = format!("{:08x}-", number_of(tenant));
    let mut names = vec![format!("kind-{}-", word(tenant)), prefix];
    // The system's tenant is a sign that stands in many texts.
    names.extend((tenant != SYSTEM).then(|| tenant.to_owned()));
    names
}

fn hexadecimal(text: &str) -> String {
    text.bytes().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn rows(same: &Same) -> String {
    let mut sql = String::from(
        "UPDATE bailee.control SET version = 3, body = 'control-of-all';
         UPDATE bailee.head SET size = 600;",
    );
    for tenant in TENANTS {
        let (data, hidden) = same.variant(tenant);
        let number = number_of(tenant);
        for n in 0..4 + 2 * data {
            let (id, kind) = (record_id(tenant, data, n), kind(tenant, data, n));
            let subject = subject(tenant, hidden, n);
            let expires = match n {
                2 => "'2100-01-01'".to_owned(),
                3 => format!("'2001-01-0{}'", 1 + data),
                _ => "NULL".to_owned(),
            };
            let facet = 100 * number + 10 * data + n;
            let version = 1_000_000 * number + 1000 * hidden + n;
            let body = format!("body-{}-{hidden}-{n}", word(tenant));
            let _ = writeln!(
                sql,
                "INSERT INTO bailee.record VALUES ('{tenant}', '{kind}', '{id}', {subject}, \
                 {facet}, {expires}, {version}, '{body}');"
            );
            if n < 2 + hidden {
                let hash = lookup_hash(tenant, hidden, n);
                let _ = writeln!(
                    sql,
                    "INSERT INTO bailee.lookup VALUES ('{tenant}', '{hash}', '{kind}', '{id}');"
                );
            }
            let due = if n % 2 == 0 { "2001-02-03" } else { "2100-02-03" };
            let leased = if n == 1 { "2100-05-06" } else { "-infinity" };
            let fence = 1_600_000_000_000_000 + u64::from(facet);
            let of_work = self::subject(tenant, data, n);
            let _ = writeln!(
                sql,
                "INSERT INTO bailee.work VALUES ('{tenant}', '{kind}', '{id}', {of_work}, \
                 '{due}', '{leased}', {fence}, {n}, NULL);"
            );
            let batch = batch_id(tenant, data, n);
            let (event, payload) =
                (format!("event-{}-{hidden}", word(tenant)), body.replace("body", "payload"));
            let hash = format!("{:02x}", 16 * number + 4 * data + n).repeat(32);
            let leaf = if n < 2 { facet.to_string() } else { "NULL".to_owned() };
            let _ = writeln!(
                sql,
                "INSERT INTO bailee.audit VALUES ('{tenant}', '{batch}', 0, '2002-03-0{}', \
                 '{event}', {subject}, '{payload}', '\\x{hash}', {leaf});",
                n + 1
            );
        }
    }
    sql
}

/// What looks past row security at the rows as a statement left them, before they are as they were.
const PROBE: &str = "
ALTER TABLE bailee.record SET (autovacuum_enabled = off);
ALTER TABLE bailee.lookup SET (autovacuum_enabled = off);
ALTER TABLE bailee.work SET (autovacuum_enabled = off);
ALTER TABLE bailee.audit SET (autovacuum_enabled = off);
CREATE SCHEMA probe;
GRANT USAGE ON SCHEMA probe TO PUBLIC;

-- The rows of each tenant, and whatever the worker may not change.
CREATE FUNCTION probe.left() RETURNS TABLE (who text, digest text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET bytea_output = hex SET datestyle = iso AS $$ BEGIN
  RETURN QUERY SELECT l.whose, md5(string_agg(l.line, ' ' ORDER BY l.line COLLATE \"C\")) FROM (
    SELECT t.tenant::text AS whose, 'record' || t::text AS line FROM bailee.record t
    UNION ALL SELECT t.tenant, 'lookup' || t::text FROM bailee.lookup t
    UNION ALL SELECT t.tenant, 'work' || t::text FROM bailee.work t
    UNION ALL SELECT t.tenant, 'audit' || t::text FROM bailee.audit t
    -- What has no tenant is the system's.
    UNION ALL SELECT '~', 'control' || t::text FROM bailee.control t
    UNION ALL SELECT '~', 'head' || t::text FROM bailee.head t
    UNION ALL SELECT '~', 'migration' || t::text FROM bailee.migration t
    UNION ALL SELECT 'worker', 'record' || t::text FROM bailee.record t
      WHERE expires IS NULL OR expires > '2026-01-01'
    UNION ALL SELECT 'worker', 'lookup' || t::text FROM bailee.lookup t
      JOIN bailee.record r USING (tenant, kind, id)
      WHERE expires IS NULL OR expires > '2026-01-01'
    UNION ALL SELECT 'worker', 'work' || (tenant, task, id, subject)::text FROM bailee.work
    UNION ALL SELECT 'worker', 'audit' || (tenant, batch, n, at, event, subject, payload, hash)::text
      FROM bailee.audit
    UNION ALL SELECT 'worker', 'leaf' || (tenant, batch, n, leaf)::text FROM bailee.audit
      WHERE at < '2002-03-03'  -- those that have a number at first
    UNION ALL SELECT 'worker', 'control' || t::text FROM bailee.control t
    UNION ALL SELECT 'worker', 'migration' || t::text FROM bailee.migration t
  ) l GROUP BY l.whose;
END $$;";
