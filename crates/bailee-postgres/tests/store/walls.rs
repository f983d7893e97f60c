//! Each wall taken down by itself: the store is refused, and the SQL in the refusal mends it.

use bailee_postgres::testing::Database;

use crate::{accepted, database, refused};

/// Breaks a wall, sees the refusal, and mends the wall by what the refusal says.
async fn breaks_and_mends(database: &Database<'_>, harm: &str) {
    let superuser = database.superuser().await.unwrap();
    superuser.batch_execute(harm).await.unwrap();
    let why = refused(database).await;
    assert_eq!(why.matches(": ").count(), 1, "one fault and one remedy: {why}");
    let (_, mend) = why.split_once(": ").unwrap();
    superuser.batch_execute(mend).await.unwrap_or_else(|error| panic!("{mend}: {error}"));
    accepted(database).await;
}

/// Adds something that must not be there, sees the refusal, and takes it away again.
async fn breaks_until(database: &Database<'_>, harm: &str, end: &str) {
    let superuser = database.superuser().await.unwrap();
    superuser.batch_execute(harm).await.unwrap_or_else(|error| panic!("{harm}: {error}"));
    let why = refused(database).await;
    assert!(why.contains(": "), "{harm}: {why}");
    superuser.batch_execute(end).await.unwrap();
    accepted(database).await;
}

async fn column(database: &Database<'_>, sql: &str) -> Vec<String> {
    let superuser = database.superuser().await.unwrap();
    superuser.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn sto_02_a_table_without_row_security_in_force_is_refused() {
    let database = database().await;
    let tables = "SELECT relname::text FROM pg_class
                  WHERE relnamespace = 'bailee'::regnamespace AND relkind = 'r'";
    let tables = column(&database, tables).await;
    assert_eq!(tables.len(), 7);
    for table in tables {
        for without in ["DISABLE", "NO FORCE"] {
            let harm = format!("ALTER TABLE bailee.{table} {without} ROW LEVEL SECURITY");
            breaks_and_mends(&database, &harm).await;
        }
    }
}

#[tokio::test]
async fn sto_02_a_policy_that_is_missing_is_refused() {
    let database = database().await;
    let drops = "SELECT format('DROP POLICY %I ON bailee.%I', policyname, tablename)
                 FROM pg_policies WHERE schemaname = 'bailee'";
    let drops = column(&database, drops).await;
    assert_eq!(drops.len(), 19);
    for drop in drops {
        breaks_and_mends(&database, &drop).await;
    }
}

#[tokio::test]
async fn sto_02_a_policy_that_is_wider_is_refused() {
    let database = database().await;
    for harm in [
        "ALTER POLICY mine ON bailee.record USING (true)",
        "ALTER POLICY mine ON bailee.record WITH CHECK (true)",
        "ALTER POLICY mine ON bailee.lookup TO bailee_app, bailee_worker",
        "ALTER POLICY mine ON bailee.work TO PUBLIC",
        "ALTER POLICY append ON bailee.audit WITH CHECK (true)",
        "ALTER POLICY system ON bailee.control USING (true)",
        "ALTER POLICY expired ON bailee.record USING (true)",
        "ALTER POLICY number ON bailee.audit USING (true)",
        "DROP POLICY count ON bailee.record;
         CREATE POLICY count ON bailee.record TO bailee_worker USING (true)",
        "DROP POLICY mine ON bailee.record;
         CREATE POLICY mine ON bailee.record AS RESTRICTIVE FOR ALL TO bailee_app
           USING (tenant = nullif(current_setting('bailee.tenant', true), ''))
           WITH CHECK (tenant = nullif(current_setting('bailee.tenant', true), ''))",
    ] {
        breaks_and_mends(&database, harm).await;
    }
}

#[tokio::test]
async fn sto_02_a_policy_more_is_refused() {
    let database = database().await;
    breaks_until(
        &database,
        "CREATE POLICY other ON bailee.record FOR SELECT TO bailee_app USING (facet = 0)",
        "DROP POLICY other ON bailee.record",
    )
    .await;
}

#[tokio::test]
async fn sto_02_a_grant_that_is_missing_is_refused() {
    let database = database().await;
    for harm in [
        "REVOKE SELECT ON bailee.record FROM bailee_app",
        "REVOKE UPDATE ON bailee.work FROM bailee_app",
        "REVOKE INSERT (hash) ON bailee.audit FROM bailee_app",
        "REVOKE UPDATE (body) ON bailee.control FROM bailee_app",
        "REVOKE SELECT (facet) ON bailee.record FROM bailee_worker",
        "REVOKE DELETE ON bailee.record FROM bailee_worker",
        "REVOKE UPDATE (leaf) ON bailee.audit FROM bailee_worker",
        "REVOKE SELECT ON bailee.head FROM bailee_worker",
        "REVOKE USAGE ON SCHEMA bailee FROM bailee_worker",
        "REVOKE USAGE ON SCHEMA bailee FROM bailee_app",
    ] {
        breaks_and_mends(&database, harm).await;
    }
}

#[tokio::test]
async fn sto_02_a_grant_more_is_refused() {
    let database = database().await;
    for (give, whom) in [
        ("TRUNCATE ON bailee.record", "bailee_app"),
        ("DELETE ON bailee.audit", "bailee_app"),
        ("UPDATE ON bailee.audit", "bailee_app"),
        ("INSERT (leaf) ON bailee.audit", "bailee_app"),
        ("REFERENCES ON bailee.record", "bailee_app"),
        ("TRIGGER ON bailee.work", "bailee_app"),
        ("INSERT ON bailee.control", "bailee_app"),
        ("SELECT (body) ON bailee.record", "bailee_worker"),
        ("UPDATE (facet) ON bailee.record", "bailee_worker"),
        ("SELECT ON bailee.lookup", "bailee_worker"),
        ("SELECT (payload) ON bailee.audit", "bailee_worker"),
        ("SELECT ON bailee.record", "PUBLIC"),
    ] {
        let harm = format!("GRANT {give} TO {whom}");
        breaks_until(&database, &harm, &format!("REVOKE {give} FROM {whom}")).await;
    }
    breaks_until(
        &database,
        "GRANT SELECT ON bailee.record TO bailee_worker",
        // A revocation from the table takes those from the columns with it.
        "REVOKE SELECT ON bailee.record FROM bailee_worker;
         GRANT SELECT (tenant, kind, id, facet, expires) ON bailee.record TO bailee_worker",
    )
    .await;
}

#[tokio::test]
async fn sto_02_a_function_that_is_missing_or_may_not_be_called_is_refused() {
    let database = database().await;
    breaks_until(
        &database,
        "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA bailee FROM bailee_app",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA bailee TO bailee_app",
    )
    .await;
    breaks_until(
        &database,
        "ALTER FUNCTION bailee.fetch RENAME TO fetched",
        "ALTER FUNCTION bailee.fetched RENAME TO \"fetch\"",
    )
    .await;
}

#[tokio::test]
async fn sto_02_a_tenant_that_could_be_empty_is_refused() {
    let database = database().await;
    for (harm, end) in [
        (
            "ALTER DOMAIN bailee.tenant DROP CONSTRAINT tenant_check",
            "ALTER DOMAIN bailee.tenant ADD CHECK (octet_length(VALUE) BETWEEN 1 AND 64)",
        ),
        (
            "ALTER TABLE bailee.audit DROP CONSTRAINT audit_pkey;
             ALTER TABLE bailee.audit ALTER tenant DROP NOT NULL",
            "ALTER TABLE bailee.audit ADD PRIMARY KEY (tenant, batch, n)",
        ),
    ] {
        breaks_until(&database, harm, end).await;
    }
}

#[tokio::test]
async fn sto_05_a_key_that_is_missing_is_refused() {
    let database = database().await;
    for harm in [
        "ALTER TABLE bailee.audit DROP CONSTRAINT audit_pkey",
        "ALTER TABLE bailee.lookup DROP CONSTRAINT lookup_pkey",
        "ALTER TABLE bailee.work DROP CONSTRAINT work_pkey",
        "ALTER TABLE bailee.lookup DROP CONSTRAINT lookup_tenant_kind_id_fkey",
    ] {
        breaks_and_mends(&database, harm).await;
    }
    breaks_until(
        &database,
        "ALTER TABLE bailee.record DROP CONSTRAINT record_pkey CASCADE",
        "ALTER TABLE bailee.record ADD PRIMARY KEY (tenant, kind, id);
         ALTER TABLE bailee.lookup ADD FOREIGN KEY (tenant, kind, id)
           REFERENCES bailee.record ON DELETE CASCADE",
    )
    .await;
}

#[tokio::test]
async fn sto_05_a_unique_or_foreign_key_without_the_tenant_is_refused() {
    let database = database().await;
    for (harm, end) in [
        ("CREATE UNIQUE INDEX wide ON bailee.record (id, tenant)", "DROP INDEX bailee.wide"),
        ("CREATE UNIQUE INDEX wide ON bailee.audit (hash)", "DROP INDEX bailee.wide"),
        ("CREATE UNIQUE INDEX wide ON bailee.work ((id::text))", "DROP INDEX bailee.wide"),
        (
            "CREATE TABLE public.child (tenant text, kind text, id uuid,
               FOREIGN KEY (tenant, kind, id) REFERENCES bailee.record)",
            "DROP TABLE public.child",
        ),
        (
            "ALTER TABLE bailee.work ADD CONSTRAINT wide
               FOREIGN KEY (task, tenant, id) REFERENCES bailee.record (kind, tenant, id)",
            "ALTER TABLE bailee.work DROP CONSTRAINT wide",
        ),
    ] {
        breaks_until(&database, harm, end).await;
    }
}

#[tokio::test]
async fn sto_06_a_view_over_the_tables_is_refused() {
    let database = database().await;
    for (harm, end) in [
        ("CREATE VIEW public.seen AS SELECT * FROM bailee.record", "DROP VIEW public.seen"),
        (
            "CREATE MATERIALIZED VIEW public.seen AS SELECT * FROM bailee.audit",
            "DROP MATERIALIZED VIEW public.seen",
        ),
        (
            "CREATE VIEW public.inner_one WITH (security_invoker) AS SELECT * FROM bailee.record;
             CREATE VIEW public.outer_one AS SELECT * FROM public.inner_one",
            "DROP VIEW public.outer_one, public.inner_one",
        ),
        (
            "CREATE VIEW public.seen WITH (security_invoker = false) AS
               SELECT * FROM bailee.work",
            "DROP VIEW public.seen",
        ),
    ] {
        breaks_until(&database, harm, end).await;
    }
}

#[tokio::test]
async fn a_view_that_asks_as_its_caller_is_accepted() {
    let database = database().await;
    let superuser = database.superuser().await.unwrap();
    superuser
        .batch_execute(
            "CREATE VIEW public.seen WITH (security_invoker) AS
             SELECT tenant, at, event FROM bailee.audit",
        )
        .await
        .unwrap();
    accepted(&database).await;
}

#[tokio::test]
async fn sto_06_a_definer_function_over_the_tables_is_refused() {
    let database = database().await;
    for (harm, end) in [
        (
            "CREATE FUNCTION public.leak() RETURNS bigint LANGUAGE sql SECURITY DEFINER
               AS 'SELECT count(*) FROM bailee.record'",
            "DROP FUNCTION public.leak",
        ),
        (
            "CREATE FUNCTION public.leak() RETURNS bigint LANGUAGE sql SECURITY DEFINER
               BEGIN ATOMIC SELECT count(*) FROM bailee.record; END",
            "DROP FUNCTION public.leak",
        ),
        (
            "CREATE FUNCTION bailee.leak() RETURNS int LANGUAGE sql SECURITY DEFINER
               AS 'SELECT 1'",
            "DROP FUNCTION bailee.leak",
        ),
        (
            "ALTER FUNCTION bailee.find SECURITY DEFINER",
            "ALTER FUNCTION bailee.find SECURITY INVOKER",
        ),
    ] {
        breaks_until(&database, harm, end).await;
    }
}

#[tokio::test]
async fn sto_06_a_trigger_a_rule_and_an_heir_are_refused() {
    let database = database().await;
    for (harm, end) in [
        (
            "CREATE FUNCTION public.copy() RETURNS trigger LANGUAGE plpgsql
               AS 'BEGIN RETURN new; END';
             CREATE TRIGGER copied BEFORE INSERT ON bailee.record
               FOR EACH ROW EXECUTE FUNCTION public.copy()",
            "DROP TRIGGER copied ON bailee.record",
        ),
        (
            "CREATE RULE copied AS ON INSERT TO bailee.audit DO ALSO NOTHING",
            "DROP RULE copied ON bailee.audit",
        ),
        ("CREATE TABLE public.heir () INHERITS (bailee.record)", "DROP TABLE public.heir"),
    ] {
        breaks_until(&database, harm, end).await;
    }
}

#[tokio::test]
async fn all_faults_are_named_at_once() {
    let database = database().await;
    let superuser = database.superuser().await.unwrap();
    superuser
        .batch_execute(
            "ALTER TABLE bailee.work DISABLE ROW LEVEL SECURITY;
             DROP POLICY mine ON bailee.lookup",
        )
        .await
        .unwrap();
    let why = refused(&database).await;
    assert!(why.contains("ALTER TABLE bailee.work ENABLE ROW LEVEL SECURITY; "), "{why}");
    assert!(why.contains("CREATE POLICY mine ON bailee.lookup FOR ALL TO bailee_app"), "{why}");
}

#[tokio::test]
async fn a_running_store_sees_a_wall_that_fell_when_it_is_asked() {
    let database = database().await;
    let store = accepted(&database).await;
    store.inspect().await.unwrap();
    let superuser = database.superuser().await.unwrap();
    superuser.batch_execute("ALTER TABLE bailee.record NO FORCE ROW LEVEL SECURITY").await.unwrap();
    let why = crate::why(store.inspect().await.unwrap_err());
    assert!(why.contains("ALTER TABLE bailee.record FORCE ROW LEVEL SECURITY"), "{why}");
}
