//! What the migrations made, as the catalogue must show it.

/// A policy. Expressions are compared without casts, brackets and spaces, which the releases of
/// PostgreSQL write differently.
pub(super) struct Policy {
    pub(super) table: &'static str,
    pub(super) name: &'static str,
    pub(super) command: Command,
    pub(super) role: &'static str,
    pub(super) using: Option<&'static str>,
    pub(super) check: Option<&'static str>,
}

/// What a policy is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    All,
    Delete,
    Insert,
    Select,
    Update,
}

impl Command {
    /// As the catalogue writes it.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::All => "*",
            Self::Delete => "d",
            Self::Insert => "a",
            Self::Select => "r",
            Self::Update => "w",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::Delete => "DELETE",
            Self::Insert => "INSERT",
            Self::Select => "SELECT",
            Self::Update => "UPDATE",
        }
    }
}

/// A grant on a table, or on one of its columns.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) role: &'static str,
    pub(super) privilege: &'static str,
    pub(super) table: &'static str,
    pub(super) columns: &'static [&'static str],
}

pub(super) const APP: &str = "bailee_app";
pub(super) const OWNER: &str = "bailee_owner";
pub(super) const WORKER: &str = "bailee_worker";

pub(super) const TABLES: &[&str] =
    &["audit", "control", "head", "lookup", "migration", "record", "work"];

/// A primary key, or a reference to `record`. Without them a batch could be applied twice.
pub(super) struct Constraint {
    pub(super) table: &'static str,
    pub(super) is_primary: bool,
    pub(super) columns: &'static [&'static str],
}

pub(super) const CONSTRAINTS: &[Constraint] = &[
    primary("audit", &["tenant", "batch", "n"]),
    primary("control", &["one"]),
    primary("head", &["one"]),
    primary("lookup", &["tenant", "hash", "kind", "id"]),
    primary("migration", &["number"]),
    primary("record", &["tenant", "kind", "id"]),
    primary("work", &["tenant", "task", "id"]),
    Constraint { table: "lookup", is_primary: false, columns: &["tenant", "kind", "id"] },
];

/// A condition on a table's rows, or on the values of a domain.
pub(super) struct Check {
    pub(super) on: &'static str,
    pub(super) is_domain: bool,
    pub(super) condition: &'static str,
}

const NAME: &str = "octet_length(VALUE) >= 1 AND octet_length(VALUE) <= 64";
const BODY: &str = "octet_length(body) <= 262144";

pub(super) const CHECKS: &[Check] = &[
    Check { on: "tenant", is_domain: true, condition: NAME },
    Check { on: "kind", is_domain: true, condition: NAME },
    Check { on: "audit", is_domain: false, condition: "octet_length(hash) = 32" },
    Check { on: "control", is_domain: false, condition: "one" },
    Check { on: "control", is_domain: false, condition: BODY },
    Check { on: "head", is_domain: false, condition: "one" },
    Check { on: "head", is_domain: false, condition: "size >= 0" },
    Check { on: "record", is_domain: false, condition: BODY },
];

/// The columns that are never empty.
pub(super) const REQUIRED: &[(&str, &[&str])] = &[
    ("audit", &["tenant", "batch", "n", "at", "event", "hash"]),
    ("control", &["one", "version", "body"]),
    ("head", &["one", "size"]),
    ("lookup", &["tenant", "hash", "kind", "id"]),
    ("migration", &["number", "needs", "at"]),
    ("record", &["tenant", "kind", "id", "facet", "version", "body"]),
    ("work", &["tenant", "task", "id", "due", "leased", "fence", "tries"]),
];

/// Signatures of the functions.
pub(super) const FUNCTIONS: &[&str] = &[
    "bailee.fetch(text, text[], uuid[], timestamp with time zone)",
    "bailee.find(text, text, uuid, uuid, smallint, text, uuid, bigint, timestamp with time zone)",
];

const MINE: Option<&str> = Some("tenant = nullif(current_setting('bailee.tenant', true), '')");
const SYSTEM: Option<&str> = Some("nullif(current_setting('bailee.tenant', true), '') = '~'");
const TRUE: Option<&str> = Some("true");

pub(super) const POLICIES: &[Policy] = &[
    policy("audit", "append", Command::Insert, APP, None, MINE),
    policy("audit", "fold", Command::Select, WORKER, TRUE, None),
    policy("audit", "kept", Command::Select, OWNER, TRUE, None),
    policy("audit", "mine", Command::Select, APP, MINE, None),
    policy(
        "audit",
        "number",
        Command::Update,
        WORKER,
        Some("leaf IS NULL"),
        Some("leaf IS NOT NULL"),
    ),
    policy("audit", "retire", Command::Delete, OWNER, Some("leaf IS NOT NULL"), None),
    policy("control", "seen", Command::Select, APP, TRUE, None),
    policy("control", "system", Command::Update, APP, SYSTEM, SYSTEM),
    policy("head", "advance", Command::Update, WORKER, TRUE, TRUE),
    policy("head", "seen", Command::Select, WORKER, TRUE, None),
    policy("lookup", "mine", Command::All, APP, MINE, MINE),
    policy("migration", "kept", Command::All, OWNER, TRUE, TRUE),
    policy("migration", "seen", Command::Select, APP, TRUE, None),
    policy("record", "count", Command::Select, WORKER, TRUE, None),
    policy("record", "expired", Command::Delete, WORKER, Some("expires <= now()"), None),
    policy("record", "mine", Command::All, APP, MINE, MINE),
    policy("work", "claim", Command::Update, WORKER, TRUE, TRUE),
    policy("work", "mine", Command::All, APP, MINE, MINE),
    policy("work", "seen", Command::Select, WORKER, TRUE, None),
];

pub(super) const GRANTS: &[Grant] = &[
    grant(APP, "SELECT", "audit", &[]),
    grant(
        APP,
        "INSERT",
        "audit",
        &["tenant", "batch", "n", "at", "event", "subject", "payload", "hash"],
    ),
    grant(APP, "SELECT", "control", &[]),
    grant(APP, "UPDATE", "control", &["version", "body"]),
    grant(APP, "SELECT", "lookup", &[]),
    grant(APP, "INSERT", "lookup", &[]),
    grant(APP, "UPDATE", "lookup", &[]),
    grant(APP, "DELETE", "lookup", &[]),
    grant(APP, "SELECT", "migration", &[]),
    grant(APP, "SELECT", "record", &[]),
    grant(APP, "INSERT", "record", &[]),
    grant(APP, "UPDATE", "record", &[]),
    grant(APP, "DELETE", "record", &[]),
    grant(APP, "SELECT", "work", &[]),
    grant(APP, "INSERT", "work", &[]),
    grant(APP, "UPDATE", "work", &[]),
    grant(APP, "DELETE", "work", &[]),
    grant(WORKER, "SELECT", "audit", &["tenant", "batch", "n", "at", "hash", "leaf"]),
    grant(WORKER, "UPDATE", "audit", &["leaf"]),
    grant(WORKER, "SELECT", "head", &[]),
    grant(WORKER, "UPDATE", "head", &["size"]),
    grant(WORKER, "SELECT", "record", &["tenant", "kind", "id", "facet", "expires"]),
    grant(WORKER, "DELETE", "record", &[]),
    grant(WORKER, "SELECT", "work", &[]),
    grant(WORKER, "UPDATE", "work", &["due", "leased", "fence", "tries", "since"]),
];

const fn primary(table: &'static str, columns: &'static [&'static str]) -> Constraint {
    Constraint { table, is_primary: true, columns }
}

const fn policy(
    table: &'static str,
    name: &'static str,
    command: Command,
    role: &'static str,
    using: Option<&'static str>,
    check: Option<&'static str>,
) -> Policy {
    Policy { table, name, command, role, using, check }
}

const fn grant(
    role: &'static str,
    privilege: &'static str,
    table: &'static str,
    columns: &'static [&'static str],
) -> Grant {
    Grant { role, privilege, table, columns }
}

impl Constraint {
    /// The statement that makes it anew.
    pub(super) fn mend(&self) -> String {
        let columns = self.columns.join(", ");
        let table = self.table;
        if self.is_primary {
            format!("ALTER TABLE bailee.{table} ADD PRIMARY KEY ({columns})")
        } else {
            format!(
                "ALTER TABLE bailee.{table} ADD FOREIGN KEY ({columns}) \
                 REFERENCES bailee.record ON DELETE CASCADE"
            )
        }
    }
}

impl Check {
    /// The statement that makes it anew.
    pub(super) fn mend(&self) -> String {
        let what = if self.is_domain { "DOMAIN" } else { "TABLE" };
        format!("ALTER {what} bailee.{} ADD CHECK ({})", self.on, self.condition)
    }
}

impl Policy {
    /// The statements that make it anew.
    pub(super) fn mend(&self) -> String {
        let Self { table, name, command, role, .. } = self;
        let mut text = format!(
            "DROP POLICY IF EXISTS {name} ON bailee.{table}; \
             CREATE POLICY {name} ON bailee.{table} FOR {} TO {role}",
            command.word()
        );
        for (word, expression) in [("USING", self.using), ("WITH CHECK", self.check)] {
            if let Some(expression) = expression {
                text.push_str(&format!(" {word} ({expression})"));
            }
        }
        text
    }
}

impl Grant {
    /// The statement that gives it.
    pub(super) fn mend(&self) -> String {
        let Self { role, privilege, table, columns } = self;
        if columns.is_empty() {
            format!("GRANT {privilege} ON bailee.{table} TO {role}")
        } else {
            format!("GRANT {privilege} ({}) ON bailee.{table} TO {role}", columns.join(", "))
        }
    }
}
