-- Records, work and the log of audit entries. Keys begin with the tenant, so that no unique or
-- foreign key answers about another one.

CREATE DOMAIN bailee.tenant AS text COLLATE "C" CHECK (octet_length(VALUE) BETWEEN 1 AND 64);
CREATE DOMAIN bailee.kind AS text COLLATE "C" CHECK (octet_length(VALUE) BETWEEN 1 AND 64);

-- Which migrations ran. `needs` is the oldest program, by its newest migration, that still works
-- on this schema.
CREATE TABLE bailee.migration (
  number int PRIMARY KEY,
  needs int NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Whatever the libraries keep. Everything but the body is in the clear and names nobody.
CREATE TABLE bailee.record (
  tenant bailee.tenant NOT NULL,
  kind bailee.kind NOT NULL,
  id uuid NOT NULL,
  subject uuid,                       -- a pseudonym; changes never
  facet smallint NOT NULL DEFAULT 0,  -- clear, a closed list per kind; changes with the body
  expires timestamptz,                -- clear; changes with the body
  version bigint NOT NULL,            -- which writing of the body this is
  body bytea NOT NULL CHECK (octet_length(body) <= 262144),  -- sealed
  PRIMARY KEY (tenant, kind, id)
) WITH (fillfactor = 85, toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE bailee.record ALTER body SET STORAGE EXTERNAL;  -- sealed bytes do not compress
CREATE INDEX record_subject ON bailee.record (tenant, subject, kind, id)
  WHERE subject IS NOT NULL;
CREATE INDEX record_expires ON bailee.record (expires) WHERE expires IS NOT NULL;

-- Keyed hashes under which records are found. A table and no array: array overlap is not
-- leakproof, and behind row security its index would not be used.
CREATE TABLE bailee.lookup (
  tenant bailee.tenant NOT NULL,
  hash uuid NOT NULL,
  kind bailee.kind NOT NULL,
  id uuid NOT NULL,
  PRIMARY KEY (tenant, hash, kind, id),
  FOREIGN KEY (tenant, kind, id) REFERENCES bailee.record ON DELETE CASCADE
);
CREATE INDEX lookup_record ON bailee.lookup (tenant, kind, id);

-- What is due: no body, no secret. A claim moves due, leased, fence, tries and since.
CREATE TABLE bailee.work (
  tenant bailee.tenant NOT NULL,
  task bailee.kind NOT NULL,
  id uuid NOT NULL,
  subject uuid,
  due timestamptz NOT NULL,
  leased timestamptz NOT NULL DEFAULT '-infinity',  -- until when somebody holds it
  -- The real time in microseconds, and never a test's: work planned anew must not match the
  -- holder of an old claim.
  fence bigint NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
  tries int NOT NULL DEFAULT 0,
  since timestamptz,  -- the first claim that nobody finished
  PRIMARY KEY (tenant, task, id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
-- The one hot index without the tenant: one lane per task, over all tenants.
CREATE INDEX work_due ON bailee.work (task, due);
CREATE INDEX work_subject ON bailee.work (tenant, subject) WHERE subject IS NOT NULL;

-- The log. (tenant, batch, n) makes a commit idempotent; `leaf` is the number in the tree.
CREATE TABLE bailee.audit (
  tenant bailee.tenant NOT NULL,
  batch uuid NOT NULL,
  n smallint NOT NULL,
  at timestamptz NOT NULL,
  event bailee.kind NOT NULL,
  subject uuid,
  payload bytea,  -- typed fields in the clear, without personal data; a sealed part behind them
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  leaf bigint,
  PRIMARY KEY (tenant, batch, n)
);
CREATE INDEX audit_open ON bailee.audit (at) WHERE leaf IS NULL;
CREATE UNIQUE INDEX audit_leaf ON bailee.audit (leaf) WHERE leaf IS NOT NULL;
CREATE INDEX audit_time ON bailee.audit (tenant, at, batch, n);
CREATE INDEX audit_subject ON bailee.audit (tenant, subject, at, batch, n) WHERE subject IS NOT NULL;

-- How many entries are numbered. A row of its own: it is the lock of the numbering, and it stays
-- when old entries are deleted.
CREATE TABLE bailee.head (
  one bool PRIMARY KEY DEFAULT true CHECK (one),
  size bigint NOT NULL CHECK (size >= 0)
);
INSERT INTO bailee.head (size) VALUES (0);

-- The one row of the whole store. The first start writes it, expecting version 0.
CREATE TABLE bailee.control (
  one bool PRIMARY KEY DEFAULT true CHECK (one),
  version bigint NOT NULL,
  body bytea NOT NULL CHECK (octet_length(body) <= 262144)  -- sealed
);
INSERT INTO bailee.control (version, body) VALUES (0, '');

-- In the bodies of the functions types are named with their schema: types that a session made for
-- itself would come before those of the server.

-- A read in one round trip and of one moment: row 0 is the control row with the store's clock,
-- row n the nth key's record, if there is a live one. The lateral query with OFFSET 0 pins the
-- plan to one index look-up per key.
CREATE FUNCTION bailee.fetch(whose text, kinds text[], ids uuid[], clock timestamptz)
RETURNS TABLE (
  n bigint, subject uuid, facet smallint, moment timestamptz, version bigint, body bytea
)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER AS $fetch$
#variable_conflict use_column
BEGIN
  -- The planner takes an array that it does not know for a longer one, and would plan each call anew.
  PERFORM pg_catalog.set_config('bailee.tenant', whose, true),
          pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true);
  RETURN QUERY
    WITH present AS MATERIALIZED (SELECT coalesce(clock, pg_catalog.clock_timestamp()) AS now)
    SELECT 0::bigint, NULL::pg_catalog.uuid, NULL::smallint, present.now, c.version, c.body
    FROM present CROSS JOIN bailee.control c
    UNION ALL
    SELECT k.n, r.subject, r.facet, r.expires, r.version, r.body
    FROM present
    CROSS JOIN unnest(kinds, ids) WITH ORDINALITY k(kind, id, n)
    CROSS JOIN LATERAL (
      SELECT r.subject, r.facet, r.expires, r.version, r.body FROM bailee.record r
      WHERE r.tenant = whose AND r.kind = k.kind AND r.id = k.id OFFSET 0
    ) r
    WHERE r.expires IS NULL OR r.expires > present.now;
END
$fetch$;

-- A question in one round trip: by hash and kind, by subject, or by kind; in the order of the
-- keys, after (after_kind, after_id). Each way has its own statement and its own index.
CREATE FUNCTION bailee.find(
  whose text, by_kind text, by_subject uuid, by_hash uuid, by_facet smallint,
  after_kind text, after_id uuid, most bigint, clock timestamptz
)
RETURNS TABLE (
  kind text, id uuid, subject uuid, facet smallint, expires timestamptz, version bigint,
  body bytea
)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER AS $find$
#variable_conflict use_column
DECLARE
  present pg_catalog.timestamptz := coalesce(clock, pg_catalog.clock_timestamp());
BEGIN
  PERFORM pg_catalog.set_config('bailee.tenant', whose, true);
  IF by_hash IS NOT NULL THEN
    RETURN QUERY
      SELECT l.kind::pg_catalog.text, l.id, r.subject, r.facet, r.expires, r.version, r.body
      FROM bailee.lookup l
      CROSS JOIN LATERAL (
        SELECT r.subject, r.facet, r.expires, r.version, r.body FROM bailee.record r
        WHERE r.tenant = whose AND r.kind = l.kind AND r.id = l.id OFFSET 0
      ) r
      WHERE l.tenant = whose AND l.hash = by_hash AND l.kind = by_kind
        AND (l.kind, l.id) > (after_kind, after_id)
        AND (r.expires IS NULL OR r.expires > present)
        AND (by_subject IS NULL OR r.subject = by_subject)
        AND (by_facet IS NULL OR r.facet = by_facet)
      ORDER BY l.kind, l.id LIMIT most;
  ELSIF by_subject IS NOT NULL THEN
    RETURN QUERY
      SELECT r.kind::pg_catalog.text, r.id, r.subject, r.facet, r.expires, r.version, r.body
      FROM bailee.record r
      WHERE r.tenant = whose AND r.subject = by_subject
        AND (r.kind, r.id) > (after_kind, after_id)
        AND (by_kind IS NULL OR r.kind = by_kind)
        AND (r.expires IS NULL OR r.expires > present)
        AND (by_facet IS NULL OR r.facet = by_facet)
      ORDER BY r.kind, r.id LIMIT most;
  ELSE
    RETURN QUERY
      SELECT r.kind::pg_catalog.text, r.id, r.subject, r.facet, r.expires, r.version, r.body
      FROM bailee.record r
      WHERE r.tenant = whose AND r.kind = by_kind
        AND (r.kind, r.id) > (after_kind, after_id)
        AND (r.expires IS NULL OR r.expires > present)
        AND (by_facet IS NULL OR r.facet = by_facet)
      ORDER BY r.kind, r.id LIMIT most;
  END IF;
END
$find$;

-- Row security, on every table and against the owner too.
ALTER TABLE bailee.migration ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE bailee.record ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE bailee.lookup ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE bailee.work ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE bailee.audit ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE bailee.head ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE bailee.control ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- After a transaction the setting is an empty string and not NULL, hence nullif.
CREATE POLICY mine ON bailee.record FOR ALL TO bailee_app
  USING (tenant = nullif(current_setting('bailee.tenant', true), ''))
  WITH CHECK (tenant = nullif(current_setting('bailee.tenant', true), ''));
CREATE POLICY mine ON bailee.lookup FOR ALL TO bailee_app
  USING (tenant = nullif(current_setting('bailee.tenant', true), ''))
  WITH CHECK (tenant = nullif(current_setting('bailee.tenant', true), ''));
CREATE POLICY mine ON bailee.work FOR ALL TO bailee_app
  USING (tenant = nullif(current_setting('bailee.tenant', true), ''))
  WITH CHECK (tenant = nullif(current_setting('bailee.tenant', true), ''));
-- Append only: no policy lets the application change or delete an entry.
CREATE POLICY mine ON bailee.audit FOR SELECT TO bailee_app
  USING (tenant = nullif(current_setting('bailee.tenant', true), ''));
CREATE POLICY append ON bailee.audit FOR INSERT TO bailee_app
  WITH CHECK (tenant = nullif(current_setting('bailee.tenant', true), ''));
CREATE POLICY seen ON bailee.control FOR SELECT TO bailee_app USING (true);
CREATE POLICY system ON bailee.control FOR UPDATE TO bailee_app
  USING (nullif(current_setting('bailee.tenant', true), '') = '~')
  WITH CHECK (nullif(current_setting('bailee.tenant', true), '') = '~');
CREATE POLICY seen ON bailee.migration FOR SELECT TO bailee_app USING (true);

CREATE POLICY seen ON bailee.work FOR SELECT TO bailee_worker USING (true);
CREATE POLICY claim ON bailee.work FOR UPDATE TO bailee_worker
  USING (true) WITH CHECK (true);
CREATE POLICY count ON bailee.record FOR SELECT TO bailee_worker USING (true);
CREATE POLICY expired ON bailee.record FOR DELETE TO bailee_worker USING (expires <= now());
CREATE POLICY fold ON bailee.audit FOR SELECT TO bailee_worker USING (true);
CREATE POLICY number ON bailee.audit FOR UPDATE TO bailee_worker
  USING (leaf IS NULL) WITH CHECK (leaf IS NOT NULL);
CREATE POLICY seen ON bailee.head FOR SELECT TO bailee_worker USING (true);
CREATE POLICY advance ON bailee.head FOR UPDATE TO bailee_worker USING (true) WITH CHECK (true);

-- The owner keeps the list of migrations and retires numbered entries of the log.
CREATE POLICY kept ON bailee.migration FOR ALL TO bailee_owner USING (true) WITH CHECK (true);
CREATE POLICY kept ON bailee.audit FOR SELECT TO bailee_owner USING (true);
CREATE POLICY retire ON bailee.audit FOR DELETE TO bailee_owner USING (leaf IS NOT NULL);

GRANT USAGE ON SCHEMA bailee TO bailee_app, bailee_worker;
GRANT SELECT ON bailee.migration TO bailee_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON bailee.record, bailee.lookup, bailee.work TO bailee_app;
GRANT SELECT, UPDATE (version, body) ON bailee.control TO bailee_app;
GRANT SELECT, INSERT (tenant, batch, n, at, event, subject, payload, hash) ON bailee.audit
  TO bailee_app;  -- never the leaf
GRANT SELECT, UPDATE (due, leased, fence, tries, since) ON bailee.work TO bailee_worker;
GRANT SELECT (tenant, kind, id, facet, expires), DELETE ON bailee.record TO bailee_worker;
GRANT SELECT (tenant, batch, n, at, hash, leaf), UPDATE (leaf) ON bailee.audit TO bailee_worker;
GRANT SELECT, UPDATE (size) ON bailee.head TO bailee_worker;

REVOKE ALL ON FUNCTION bailee.fetch(text, text[], uuid[], timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION
  bailee.find(text, text, uuid, uuid, smallint, text, uuid, bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bailee.fetch(text, text[], uuid[], timestamptz) TO bailee_app;
GRANT EXECUTE ON FUNCTION
  bailee.find(text, text, uuid, uuid, smallint, text, uuid, bigint, timestamptz) TO bailee_app;

INSERT INTO bailee.migration (number, needs) VALUES (1, 1);
