//! Statements that read.

use crate::{
    generate::{Generator, Of, Table},
    worlds::{ACME, GLOBEX, SYSTEM, id},
};

impl Generator<'_> {
    /// A question in one statement.
    pub(crate) fn question(&mut self) -> String {
        if self.dice.once_in(8) {
            // Any column plainly, whether the role may read it or not.
            let table = self.dice.one(&self.catalogue.tables);
            let (column, _) = self.column(table);
            return format!("SELECT a.{column} FROM bailee.{} a", table.name);
        }
        let mut sql = self.select(0);
        if self.dice.once_in(10) {
            let word = ["UNION ALL", "UNION", "EXCEPT", "INTERSECT"];
            let word = self.dice.pick(&word);
            sql = format!(
                "SELECT q::text FROM ({sql}) q {word} SELECT q::text FROM ({}) q",
                self.select(1)
            );
        }
        if self.dice.once_in(12) {
            sql = format!("WITH w AS MATERIALIZED ({sql}) SELECT * FROM w");
        }
        if self.dice.once_in(16) {
            sql = format!(
                "WITH RECURSIVE w(n, v) AS (SELECT 1, q::text FROM ({sql}) q UNION ALL \
                 SELECT n + 1, w.v FROM w WHERE n < 3 AND EXISTS \
                 (SELECT FROM bailee.record r WHERE r.tenant <> w.v)) SELECT * FROM w"
            );
        }
        if self.dice.once_in(12) {
            sql = format!("SELECT count(*) FROM ({sql}) q");
        }
        sql
    }

    fn select(&mut self, depth: u32) -> String {
        let table = self.any_table();
        let from = self.source(table, "a");
        match self.dice.below(8) {
            0 => {
                let other = self.any_table();
                let (source, on) = (self.source(other, "b"), self.join(table, other));
                let kind = ["JOIN", "LEFT JOIN", "FULL JOIN", "RIGHT JOIN"];
                let kind = self.dice.pick(&kind);
                // A full join needs a condition that can be merged or hashed.
                let kind = if on.contains(" = ") { kind } else { "LEFT JOIN" };
                let (what, (column, _)) = (self.single(table, depth), self.column(other));
                let condition = self.condition(table, depth);
                format!(
                    "SELECT {what}, b.{column} FROM {from} {kind} {source} ON {on} \
                     WHERE {condition}"
                )
            }
            1 => {
                let column = self.column(table);
                let condition = self.condition(table, depth);
                format!(
                    "SELECT a.{0}, count(*), rank() OVER (ORDER BY a.{0}) FROM {from} \
                     WHERE {condition} GROUP BY GROUPING SETS ((a.{0}), ())",
                    column.0
                )
            }
            2 => {
                let column = self.column(table);
                let condition = self.condition(table, depth);
                let ends = [
                    "FOR UPDATE",
                    "FOR SHARE",
                    "FOR KEY SHARE SKIP LOCKED",
                    "FOR NO KEY UPDATE NOWAIT",
                ];
                format!(
                    "SELECT a.{} FROM {from} WHERE {condition} {}",
                    column.0,
                    self.dice.pick(&ends)
                )
            }
            3 => {
                let condition = self.condition(table, depth);
                let sets = [
                    "jsonb_each_text(to_jsonb(a)) s",
                    "regexp_split_to_table(a::text, ',') s",
                    "generate_series(1, 2) s",
                    "unnest(ARRAY[a::text, to_json(a)::text]) s",
                    "LATERAL (SELECT count(*) FROM bailee.work) s",
                    "LATERAL (SELECT string_agg(r::text, '' ORDER BY r::text) FROM bailee.record r OFFSET 0) s",
                    "LATERAL (SELECT * FROM bailee.lookup l WHERE l.id::text < a::text) s",
                ];
                let set = self.dice.pick(&sets);
                format!("SELECT s::text FROM {from}, {set} WHERE {condition}")
            }
            4 if self.dice.once_in(2) => self.function_of_ours(),
            5 if self.dice.once_in(2) => self.catalogue_question(),
            _ => {
                let end = self.dice.below(6);
                let what =
                    if end == 0 { self.single(table, depth) } else { self.target(table, depth) };
                let condition = self.condition(table, depth);
                let all = table.columns.iter().map(|(name, _)| format!("a.{name}"));
                let end = match end {
                    0 => format!(
                        " ORDER BY {} LIMIT {}",
                        all.collect::<Vec<_>>().join(", "),
                        self.dice.below(4)
                    ),
                    _ => String::new(),
                };
                format!("SELECT {what} FROM {from} WHERE {condition}{end}")
            }
        }
    }

    fn source(&mut self, table: &Table, alias: &str) -> String {
        let name = &table.name;
        match self.dice.below(7) {
            0 => format!("ONLY bailee.{name} {alias}"),
            1 => format!("(SELECT * FROM bailee.{name} OFFSET 0) {alias}"),
            2 => format!("(TABLE bailee.{name}) {alias}"),
            _ => format!("bailee.{name} {alias}"),
        }
    }

    fn join(&mut self, one: &Table, other: &Table) -> String {
        let shared: Vec<&str> = one
            .columns
            .iter()
            .filter(|column| other.columns.contains(column))
            .map(|(name, _)| name.as_str())
            .collect();
        match shared.as_slice() {
            [] => "a::text <> b::text".to_owned(),
            _ if self.dice.once_in(6) => "true".to_owned(),
            _ => {
                let by = self.dice.pick(&shared);
                format!("a.{by} = b.{by}")
            }
        }
    }

    pub(crate) fn column<'t>(&mut self, table: &'t Table) -> &'t (String, Of) {
        self.dice.one(&table.columns)
    }

    /// Something of all rows together, or of each of them.
    fn target(&mut self, table: &Table, depth: u32) -> String {
        let (column, _) = self.column(table);
        match self.dice.below(13) {
            0 => "count(*)".to_owned(),
            4 => format!("pg_temp.leaks(a.{column})"),
            1 => format!("string_agg(a.{column}::text, ',' ORDER BY a.{column})"),
            2 => {
                format!("min(a.{column}::text), max(a.{column}::text), count(DISTINCT a.{column})")
            }
            3 => format!(
                "array_agg(a.{column} ORDER BY a.{column}) FILTER (WHERE a.{column} IS NOT NULL)"
            ),
            _ => self.single(table, depth),
        }
    }

    /// Something of each row.
    pub(crate) fn single(&mut self, table: &Table, depth: u32) -> String {
        let (name, of) = self.column(table);
        let column = format!("a.{name}");
        match self.dice.below(11) {
            8 => format!("{column}::text::pg_temp.leaky"),
            0 | 1 if !self.narrow => "a.*".to_owned(),
            2 if !self.narrow => "a::text".to_owned(),
            3 if !self.narrow => "to_jsonb(a)".to_owned(),
            4 => self.call(&column, *of),
            5 => format!("(SELECT count(*) FROM bailee.record r WHERE r.tenant <> {column}::text)"),
            6 => format!("pg_temp.leak({column})"),
            7 if depth < 2 => format!("EXISTS ({})", self.select(depth + 2)),
            _ => column,
        }
    }

    pub(crate) fn condition(&mut self, table: &Table, depth: u32) -> String {
        let (name, of) = self.column(table);
        let column = format!("a.{name}");
        let value = self.value(*of);
        match self.dice.below(21) {
            0..=2 => "true".to_owned(),
            19 => {
                let of = of.name();
                format!("{column}::{of} OPERATOR(pg_temp.===) ({value})::{of}")
            }
            3 | 4 => format!("{column} = {value}"),
            5 => {
                let operator = ["<", ">=", "<>", "IS DISTINCT FROM"];
                format!("{column} {} {value}", self.dice.pick(&operator))
            }
            6 => format!("{column} IN ({value}, {}, {})", self.value(*of), self.value(*of)),
            7 => format!("({column} = {value} OR 1 = 1)"),
            8 => format!("pg_temp.leak({column})"),
            9 => format!("pg_temp.fail({column}) OR {column} = {value}"),
            10 => format!("({column}::text)::int = 1"),
            11 => format!("1 / (length({column}::text) - length({value}::text)) > 0"),
            12 => format!("{column}::text ~ {}", self.value(Of::Text)),
            13 => format!("{} IS NOT NULL", self.call(&column, *of)),
            14 => format!("{column}::text LIKE '%' || {}::text || '%'", self.value(Of::Text)),
            15 if depth < 2 => {
                format!("{column}::text IN (SELECT q::text FROM ({}) q)", self.select(depth + 2))
            }
            16 => format!("{column} BETWEEN {value} AND {}", self.value(*of)),
            17 => format!(
                "NOT ({column} = {value}) AND current_setting('bailee.tenant', true) <> 'x'"
            ),
            18 => self.turning(),
            _ => format!("1 / (CASE WHEN {column} = {value} THEN 0 ELSE 1 END) > 0"),
        }
    }

    /// The setting, changed within the statement.
    fn turning(&mut self) -> String {
        let whose = match self.dice.below(3) {
            0 => {
                self.entered.insert(GLOBEX);
                GLOBEX
            }
            1 => {
                self.entered.insert(ACME);
                ACME
            }
            _ => "",
        };
        let set = format!("set_config('bailee.tenant', '{whose}', true)");
        match self.dice.below(3) {
            0 => format!("{set} IS NOT NULL"),
            1 => format!("(SELECT {set}) IS NOT NULL"),
            _ => format!("(SELECT count(*) FROM (SELECT {set} OFFSET 0) q) > 0"),
        }
    }

    /// One of the server's own functions, of a column.
    fn call(&mut self, column: &str, of: Of) -> String {
        for _ in 0..50 {
            let (name, types) = self.dice.one(&self.catalogue.functions);
            let Some(place) = types.iter().position(|t| *t == of) else { continue };
            let arguments: Vec<String> = types
                .iter()
                .enumerate()
                .map(|(at, of)| {
                    if at == place {
                        format!("{column}::{}", of.name())
                    } else {
                        format!("({})::{}", self.value(*of), of.name())
                    }
                })
                .collect();
            return format!("pg_catalog.{name}({})", arguments.join(", "));
        }
        column.to_owned()
    }

    /// `fetch` and `find`, of anybody. They enter the tenant whom they are told.
    fn function_of_ours(&mut self) -> String {
        let whose = self.dice.pick(&[ACME, GLOBEX, "", "nobody"]);
        self.entered.extend([ACME, GLOBEX, SYSTEM].into_iter().find(|tenant| *tenant == whose));
        let tables = self.any_table();
        let (column, _) = self.column(tables);
        match self.dice.below(4) {
            0 => format!(
                "SELECT * FROM bailee.fetch('{whose}', '{{note,page}}', '{{{},{}}}', '2026-01-01')",
                id(0, 0, 0),
                id(2, 0, 2)
            ),
            1 => format!(
                "SELECT q FROM bailee.find('{whose}', 'note', NULL, NULL, NULL, '', '{}', 9, '2026-01-01') q",
                id(0, 0, 0)
            ),
            2 => format!(
                "SELECT q, (SELECT count(*) FROM bailee.{} a) FROM bailee.find('{whose}', NULL, '{}', \
                 NULL, NULL, '', '{}', 9, '2026-01-01') q",
                tables.name,
                id(2, 8, 0),
                id(0, 0, 0)
            ),
            _ => format!(
                "SELECT f.*, a.{column} FROM bailee.{} a, LATERAL bailee.fetch('{whose}', ARRAY['note'], \
                 ARRAY['{}'::uuid], '2026-01-01') f",
                tables.name,
                id(0, 0, 1)
            ),
        }
    }

    /// What the server knows by itself.
    fn catalogue_question(&mut self) -> String {
        let exact = [
            "SELECT * FROM pg_stats WHERE schemaname = 'bailee'",
            "SELECT * FROM pg_stats_ext",
            "SELECT * FROM pg_stats_ext_exprs",
            "SELECT starelid, stavalues1 FROM pg_statistic",
            "SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats WHERE tablename = 'record'",
            "SELECT query_to_xml('SELECT * FROM bailee.record', true, false, '')",
            "SELECT table_to_xml('bailee.audit', true, false, '')",
            "SELECT schema_to_xml('bailee', true, false, '')",
            "SELECT query_to_xml('TABLE bailee.lookup', false, true, '')",
            "SELECT * FROM ts_stat('SELECT to_tsvector(''simple'', tenant || '' '' || kind) FROM bailee.record')",
            "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND query ~ 'body-'",
            "SELECT name, statement FROM pg_prepared_statements WHERE from_sql",
            "SELECT name, statement FROM pg_cursors",
            "SELECT setconfig FROM pg_db_role_setting",
            "SELECT rolpassword FROM pg_authid",
            "SELECT current_setting('bailee.tenant', true), current_user, session_user",
            "SELECT pg_read_file('PG_VERSION')",
            "SELECT lo_import('/etc/hostname')",
            "SELECT pg_catalog.row_security_active('bailee.record')",
            "SELECT * FROM pg_policies WHERE schemaname = 'bailee'",
            "SELECT mode FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
            "SELECT pg_try_advisory_xact_lock(x'6261696c65650001'::bigint)",
            "SELECT count(*) FROM pg_prepared_xacts",
            "SELECT * FROM pg_sequences",
            "SELECT nextval('bailee.record_id_seq')",
            "SELECT lastval()",
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'bailee'",
            "SELECT grantee, table_name, column_name, privilege_type FROM information_schema.column_privileges WHERE table_schema = 'bailee'",
            "SELECT count(*) FROM pg_largeobject",
            "SELECT lo_get(oid) FROM pg_largeobject_metadata",
            "SELECT pg_ls_dir('base')",
            "SELECT pg_read_binary_file('global/pg_control')",
            "SELECT pg_current_logfile()",
            "SELECT * FROM pg_hba_file_rules",
            "SELECT * FROM pg_shadow",
            "SELECT query FROM pg_stat_get_activity(NULL) JOIN pg_database d ON d.oid = datid WHERE d.datname = current_database() AND query ~ 'body-'",
            "SELECT name, setting FROM pg_settings WHERE name ~ 'bailee' AND setting = 'globex'",
            "SELECT query FROM pg_stat_statements",
            "SELECT * FROM pg_subscription",
            "SELECT slot_name FROM pg_replication_slots",
            "SELECT pg_create_logical_replication_slot('mine', 'test_decoding', true)",
            "SELECT * FROM pg_logical_slot_peek_changes('mine', NULL, NULL)",
            "SELECT table_to_xml_and_xmlschema('bailee.record', true, false, '')",
            "SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, quote_literal(tenant)::tsquery FROM bailee.record')",
            "SELECT get_raw_page('bailee.record', 0)",
            "SELECT * FROM dblink('', 'TABLE bailee.record') AS t (tenant text)",
            "SELECT pg_try_advisory_lock_shared(hashtext('globex')), pg_advisory_unlock_all()",
            "SELECT pg_notify('bailee', (SELECT string_agg(tenant, ',') FROM bailee.record))",
            "SELECT count(*) FROM pg_listening_channels()",
            "SELECT has_column_privilege('bailee_worker', 'bailee.record', 'body', 'SELECT')",
            "SELECT conname FROM pg_constraint WHERE connamespace = 'bailee'::regnamespace",
            "SELECT string_agg(x::text, '' ORDER BY x::text) FROM (SELECT xmltable.* FROM XMLTABLE('/table/row' PASSING table_to_xml('bailee.work', true, false, '') COLUMNS tenant text)) x",
        ];
        let loose = [
            "SELECT relname, reltuples, relpages FROM pg_class WHERE relnamespace = 'bailee'::regnamespace",
            "SELECT * FROM pg_stat_user_tables",
            "SELECT * FROM pg_statio_user_tables",
            "SELECT * FROM pg_stat_user_indexes",
            "SELECT pg_relation_size('bailee.record'), pg_total_relation_size('bailee.audit')",
            "SELECT a.ctid, a.xmin, a.xmax, a.tableoid FROM bailee.record a",
            "SELECT currtid2('bailee.record', '(0,1)'), currtid2('bailee.record', '(0,9)')",
            "SELECT ctid FROM bailee.audit WHERE ctid = '(0,7)'",
            "SELECT * FROM bailee.record TABLESAMPLE BERNOULLI (100)",
            "SELECT * FROM bailee.record TABLESAMPLE SYSTEM (50) REPEATABLE (7)",
            "SELECT tenant FROM bailee.work WHERE ctid IN ('(0,1)', '(0,5)', '(0,9)')",
            "SELECT pg_stat_get_live_tuples('bailee.record'::regclass)",
            "SELECT pg_stat_get_tuples_inserted('bailee.record'::regclass)",
            "SELECT * FROM pg_stat_activity WHERE pid = pg_backend_pid()",
            "SELECT * FROM pg_locks WHERE pid = pg_backend_pid()",
            "SELECT brin_summarize_new_values('bailee.record_pkey')",
            "SELECT pg_export_snapshot() IS NULL, pg_current_xact_id()",
            "SELECT * FROM pg_stat_xact_user_tables",
            "SELECT * FROM pg_stat_database WHERE datname = current_database()",
            "SELECT * FROM pg_locks WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        ];
        if self.dice.once_in(3) {
            self.exact = false;
            self.dice.pick(&loose).to_owned()
        } else {
            self.dice.pick(&exact).to_owned()
        }
    }
}
