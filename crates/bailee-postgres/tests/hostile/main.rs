//! Statements of a hostile user, drawn by thousands, on a real cluster: whoever is in one tenant
//! learns nothing of another one and changes nothing of it, and the worker's role reads no more
//! than its columns.
//!
//! `BAILEE_HOSTILE` says how many statements; `BAILEE_HOSTILE_SEED` draws others.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod asking;
mod changing;
mod dice;
mod generate;
mod outliving;
mod program;
mod sealed;
mod wards;
mod worlds;

use bailee_postgres::testing::Cluster;

use wards::Wards;

#[expect(clippy::disallowed_methods, reason = "a test is told how long to run by its environment")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|number| number.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sto_08_no_statement_learns_or_changes_what_its_role_and_tenant_may_not() {
    let programs = number("BAILEE_HOSTILE").unwrap_or(5000);
    let seed = number("BAILEE_HOSTILE_SEED").unwrap_or(1);
    let mut wards = Wards::without("").await;
    let programs = usize::try_from(programs).unwrap();
    if let Some(fault) = wards.first_fault(seed, programs).await {
        panic!("{fault}");
    }
    let count = &wards.count;
    // Most of what is drawn is no nonsense that the server refuses anyway.
    assert!(count.answered * 2 > count.programs, "{count:?}");
    assert!(count.with_rows * 4 > count.programs, "{count:?}");
    assert!(count.changed * 50 > count.programs, "{count:?}");
    assert!(count.of_the_worker * 4 > count.programs, "{count:?}");
}

/// Each wall that is between the roles and the rows, by the catalogue.
const WALLS: &str = "
SELECT format('ALTER TABLE bailee.%I DISABLE ROW LEVEL SECURITY', table_name)
FROM information_schema.columns WHERE table_schema = 'bailee' AND column_name = 'tenant'
UNION ALL
SELECT format('ALTER POLICY %I ON bailee.%I USING (true)', policyname, tablename)
FROM pg_policies WHERE schemaname = 'bailee' AND qual ~ 'current_setting' AND cmd <> 'UPDATE'
UNION ALL
SELECT format('ALTER POLICY %I ON bailee.%I WITH CHECK (true)', policyname, tablename)
FROM pg_policies WHERE schemaname = 'bailee' AND with_check ~ 'current_setting'
  AND cmd <> 'UPDATE'
UNION ALL
-- Each half of it holds where the other one fell.
SELECT format('ALTER POLICY %I ON bailee.%I USING (true) WITH CHECK (true)', policyname, tablename)
FROM pg_policies WHERE schemaname = 'bailee' AND qual ~ 'current_setting' AND cmd = 'UPDATE'
UNION ALL
SELECT format('GRANT SELECT (%I) ON %s TO bailee_worker', a.attname, c.oid::regclass)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'bailee'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
  AND has_any_column_privilege('bailee_worker', c.oid, 'SELECT')
  AND NOT has_column_privilege('bailee_worker', c.oid, a.attnum, 'SELECT')
ORDER BY 1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sto_02_the_statements_find_each_wall_that_is_taken_down() {
    let database = Cluster::shared().unwrap().database().await.unwrap();
    let superuser = database.superuser().await.unwrap();
    let walls = superuser.query(WALLS, &[]).await.unwrap();
    assert_eq!(walls.len(), 4 + 4 + 4 + 1 + 6);
    for wall in walls {
        let harm: &str = wall.get(0);
        let mut wards = Wards::without(harm).await;
        let fault = wards.first_fault(1, 4000).await;
        wards.remove().await;
        assert!(fault.is_some(), "no statement noticed {harm}");
    }
}

#[tokio::test]
async fn sto_08_statistics_show_no_value_to_either_role() {
    let database = worlds::make(&worlds::Same::everything(), "ANALYZE").await;
    let superuser = database.superuser().await.unwrap();
    let values = "SELECT count(*) FROM pg_stats WHERE schemaname = 'bailee'
                  AND coalesce(most_common_vals::text, histogram_bounds::text) IS NOT NULL";
    assert!(superuser.query_one(values, &[]).await.unwrap().get::<_, i64>(0) > 10);
    for role in ["bailee_app", "bailee_worker"] {
        superuser.batch_execute(&format!("RESET ROLE; SET ROLE {role}")).await.unwrap();
        for view in ["pg_stats", "pg_stats_ext", "pg_stats_ext_exprs"] {
            let rows = format!("SELECT FROM {view} WHERE schemaname = 'bailee'");
            assert!(superuser.query(&rows, &[]).await.unwrap().is_empty(), "{role}: {view}");
        }
        let direct = superuser.query("SELECT stavalues1::text FROM pg_statistic", &[]).await;
        assert!(direct.is_err(), "{role}");
    }
}
