-- Ids are 16 bytes. Times are microseconds since 1970, by the store's clock unless said otherwise.
-- Everything here is in the clear but `body` and what `payload` seals.

-- A rowid table: with bodies in the tree of the key, reads took four times as long. The body stands
-- last, so that questions about the other columns do not touch its pages.
CREATE TABLE bailee_record (
    tenant  TEXT    NOT NULL,  -- fixed
    kind    TEXT    NOT NULL,  -- fixed
    id      BLOB    NOT NULL,  -- fixed
    subject BLOB,              -- pseudonym; changes with a write
    facet   INTEGER NOT NULL,  -- a number out of a closed list; changes with a write
    expires INTEGER,           -- from then on it is absent; changes with a write
    version INTEGER NOT NULL,  -- changes with every write
    body    BLOB    NOT NULL,  -- sealed; changes with every write
    UNIQUE (tenant, kind, id)
) STRICT;
CREATE INDEX bailee_record_subject ON bailee_record (tenant, subject, kind, id)
    WHERE subject IS NOT NULL;
CREATE INDEX bailee_record_expires ON bailee_record (expires) WHERE expires IS NOT NULL;

-- Keyed hashes under which records are found. Written and deleted with their record.
CREATE TABLE bailee_lookup (
    tenant TEXT NOT NULL,
    kind   TEXT NOT NULL,
    hash   BLOB NOT NULL,
    id     BLOB NOT NULL,
    PRIMARY KEY (tenant, kind, hash, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX bailee_lookup_record ON bailee_lookup (tenant, kind, id);

-- What is due later: no body, no secret.
CREATE TABLE bailee_work (
    tenant  TEXT    NOT NULL,  -- fixed
    task    TEXT    NOT NULL,  -- fixed
    id      BLOB    NOT NULL,  -- fixed
    subject BLOB,              -- pseudonym
    due     INTEGER NOT NULL,  -- while a lease runs, not before its end
    leased  INTEGER,           -- until when somebody holds it
    fence   INTEGER NOT NULL,  -- only rises
    tries   INTEGER NOT NULL,  -- claims since it was last finished
    since   INTEGER,           -- the first of them
    UNIQUE (tenant, task, id)
) STRICT;
-- The one hot index that does not begin with the tenant: workers look for what is due anywhere.
CREATE INDEX bailee_work_due ON bailee_work (task, due);

-- Append only. (tenant, batch, n) is what makes a commit idempotent.
CREATE TABLE bailee_audit (
    tenant  TEXT    NOT NULL,
    batch   BLOB    NOT NULL,
    n       INTEGER NOT NULL,
    at      INTEGER NOT NULL,  -- by the clock of whoever wrote the entry
    event   TEXT    NOT NULL,
    subject BLOB,              -- pseudonym
    payload BLOB    NOT NULL,  -- typed fields; personal data in them is sealed
    hash    BLOB    NOT NULL,
    leaf    INTEGER,           -- the one column that is written later, once
    UNIQUE (tenant, batch, n)
) STRICT;
CREATE INDEX bailee_audit_open ON bailee_audit (at) WHERE leaf IS NULL;
CREATE UNIQUE INDEX bailee_audit_leaf ON bailee_audit (leaf) WHERE leaf IS NOT NULL;
CREATE INDEX bailee_audit_time ON bailee_audit (tenant, at, batch, n);
CREATE INDEX bailee_audit_subject ON bailee_audit (tenant, subject, at, batch, n)
    WHERE subject IS NOT NULL;

CREATE TRIGGER bailee_audit_fixed
    BEFORE UPDATE OF tenant, batch, n, at, event, subject, payload, hash ON bailee_audit
    BEGIN SELECT RAISE(ABORT, 'an audit entry never changes'); END;
CREATE TRIGGER bailee_audit_numbered
    BEFORE UPDATE OF leaf ON bailee_audit WHEN OLD.leaf IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'the number of an audit entry never changes'); END;
CREATE TRIGGER bailee_audit_kept
    BEFORE DELETE ON bailee_audit
    BEGIN SELECT RAISE(ABORT, 'audit entries are not deleted'); END;

-- Exactly one row.
CREATE TABLE bailee_control (
    one     INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL,  -- 0 until the first start writes it
    body    BLOB    NOT NULL   -- sealed
) STRICT;
INSERT INTO bailee_control (one, version, body) VALUES (1, 0, x'');
