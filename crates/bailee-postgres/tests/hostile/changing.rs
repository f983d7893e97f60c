//! Statements that write, and that are no statements about rows at all.

use crate::{
    generate::{Generator, Of, Table},
    program::{Role, Step},
    worlds::{TENANTS, kind, record_id},
};

impl<'a> Generator<'a> {
    /// What a program does and is looked at for.
    pub(crate) fn steps(&mut self, role: Role) -> Vec<Step> {
        match self.dice.below(36) {
            0..=12 => vec![Step::Ask(self.question())],
            13..=15 => vec![Step::Ask(self.change())],
            16 | 17 => vec![Step::Ask(self.update())],
            18 => vec![Step::Ask(self.delete())],
            19 => vec![Step::Ask(self.merge())],
            20 => self.copy(),
            21 => self.explain(),
            22 => vec![Step::Ask(self.block())],
            23 => self.cursor(),
            24 => self.of_others(),
            25 => self.role_change(role),
            26 => self.shadow(),
            27 => vec![Step::Ask(self.definition())],
            28 => {
                let change = self.change();
                vec![
                    Step::Ask("SAVEPOINT s".into()),
                    Step::Ask(change),
                    Step::Ask("ROLLBACK TO s".into()),
                    Step::Ask(self.question()),
                ]
            }
            29 | 30 => vec![Step::Ask(self.intrusion())],
            31 | 32 => vec![Step::Ask(self.change_within())],
            33 => self.prepared(),
            34 => self.at_a_cursor(),
            _ => {
                let change = self.change();
                vec![Step::Ask(change), Step::Ask(self.question())]
            }
        }
    }

    fn change(&mut self) -> String {
        match self.dice.below(4) {
            0 | 1 if !self.narrow => self.insert(),
            2 => self.update(),
            _ => self.delete(),
        }
    }

    /// A row with a value for each column, of the own tenant or of this one.
    fn row(&mut self, table: &Table, whose: Option<&str>) -> String {
        // Of a record that somebody has, half of the time: whether it is there must not show.
        let (of, n) = (self.dice.pick(&TENANTS), self.dice.below(4) as u32);
        let there = self.dice.once_in(2);
        let values: Vec<String> = table
            .columns
            .iter()
            .map(|(name, kind_of)| match name.as_str() {
                "tenant" => whose.map_or("current_setting('bailee.tenant')".to_owned(), |whose| {
                    format!("'{whose}'")
                }),
                "id" if there => format!("'{}'", record_id(whose.unwrap_or(of), 0, n)),
                "kind" if there => format!("'{}'", kind(whose.unwrap_or(of), 0, n)),
                "subject" | "expires" | "since" if self.dice.once_in(2) => "NULL".to_owned(),
                "leaf" if !self.dice.once_in(4) => "NULL".to_owned(),
                "hash" if table.name == "audit" => "decode(repeat('ab', 32), 'hex')".to_owned(),
                "event" | "kind" | "task" => "'note'".to_owned(),
                _ => self.value(*kind_of),
            })
            .collect();
        format!("({})", values.join(", "))
    }

    /// A foreign row, plainly: a new one, or an own one that is given away.
    fn intrusion(&mut self) -> String {
        let tables = ["record", "lookup", "work", "audit", "control"];
        let name = self.dice.pick(&tables);
        if name == "control" {
            return "UPDATE bailee.control SET version = version + 1, body = 'x'".to_owned();
        }
        let table = self.catalogue.tables.iter().find(|table| table.name == name).unwrap();
        let whose = self.dice.pick(&TENANTS);
        if self.dice.once_in(3) {
            return format!("UPDATE bailee.{name} SET tenant = '{whose}'");
        }
        let table = self.writable(table);
        let (columns, row) = (names(&table), self.row(&table, Some(whose)));
        format!("INSERT INTO bailee.{name} ({columns}) VALUES {row}")
    }

    /// With the columns that an insertion names: most often those that the application may write.
    fn writable(&mut self, table: &Table) -> Table {
        let leaf = self.dice.once_in(10);
        let columns = table.columns.iter().filter(|(name, _)| leaf || name != "leaf");
        Table { name: table.name.clone(), columns: columns.cloned().collect() }
    }

    fn insert(&mut self) -> String {
        let table = match self.dice.below(4) {
            0 => self.any_table(),
            // Entries are inserted and never changed.
            1 => self.catalogue.tables.iter().find(|table| table.name == "audit").unwrap(),
            _ => self.changeable(),
        };
        let writable = self.writable(table);
        let rows = match self.dice.below(5) {
            0 => {
                let condition = self.condition(table, 1);
                let what: Vec<String> = writable
                    .columns
                    .iter()
                    .map(|(name, _)| match name.as_str() {
                        "tenant" if self.dice.once_in(2) => {
                            "current_setting('bailee.tenant')".to_owned()
                        }
                        name => format!("a.{name}"),
                    })
                    .collect();
                format!("SELECT {} FROM bailee.{} a WHERE {condition}", what.join(", "), table.name)
            }
            1 => format!("VALUES {}, {}", self.row(&writable, None), self.row(&writable, None)),
            _ => format!("VALUES {}", self.row(&writable, None)),
        };
        let conflict = match self.dice.below(6) {
            0 | 1 => " ON CONFLICT DO NOTHING".to_owned(),
            2 => {
                let (column, of) = self.column(&writable).clone();
                let condition =
                    self.condition(&writable, 1).replace("a.", &format!("{}.", table.name));
                format!(
                    " ON CONFLICT ON CONSTRAINT {}_pkey DO UPDATE SET {column} = {} WHERE {condition}",
                    table.name,
                    self.value(of)
                )
            }
            3 => {
                let (column, _) = self.column(&writable).clone();
                let key = match table.name.as_str() {
                    "record" => "(tenant, kind, id)",
                    "lookup" => "(tenant, hash, kind, id)",
                    "work" => "(tenant, task, id)",
                    "audit" => "(tenant, batch, n)",
                    _ => "(one)",
                };
                format!(" ON CONFLICT {key} DO UPDATE SET {column} = excluded.{column}")
            }
            _ => String::new(),
        };
        let returning = self.returning(&table.name);
        format!(
            "INSERT INTO bailee.{} ({}) {rows}{conflict}{returning}",
            table.name,
            names(&writable)
        )
    }

    fn returning(&mut self, table: &str) -> String {
        match self.dice.below(6) {
            0 => " RETURNING *".to_owned(),
            1 => format!(" RETURNING {table}::text, (SELECT count(*) FROM bailee.record)"),
            2 => " RETURNING tenant".to_owned(),
            _ => String::new(),
        }
    }

    /// A table that the role may change more often than not.
    pub(crate) fn changeable(&mut self) -> &'a Table {
        let wanted: &[&str] = if self.narrow {
            &["work", "work", "audit", "head", "record"]
        } else {
            &["record", "record", "lookup", "work"]
        };
        let name = self.dice.pick(wanted);
        if self.dice.once_in(6) {
            return self.any_table();
        }
        let mut tables = self.catalogue.tables.iter();
        tables.find(|table| table.name == name).unwrap()
    }

    fn update(&mut self) -> String {
        let table = self.changeable();
        let (mut column, of) = self.column(table).clone();
        if self.narrow {
            let may = ["tries", "leaf", "size"];
            let claimed = table.columns.iter().find(|(name, _)| may.contains(&name.as_str()));
            column = claimed.map_or(column, |(name, _)| name.clone());
        }
        let new = match self.dice.below(4) {
            _ if self.narrow => self.value(Of::Int),
            0 => format!(
                "(SELECT max(b.{column}::text)::{} FROM bailee.{} b)",
                of.name(),
                table.name
            ),
            1 => format!("a.{column}"),
            _ => self.value(of),
        };
        let condition = self.condition(table, 1);
        let from = if self.dice.once_in(4) {
            let other = self.any_table();
            format!(" FROM bailee.{} b", other.name)
        } else {
            String::new()
        };
        let end = if self.dice.once_in(3) && !self.narrow { " RETURNING a.*" } else { "" };
        format!("UPDATE bailee.{} a SET {column} = {new}{from} WHERE {condition}{end}", table.name)
    }

    fn delete(&mut self) -> String {
        let table = self.changeable();
        let condition = self.condition(table, 1);
        let using = if self.dice.once_in(4) {
            let other = self.any_table();
            format!(" USING bailee.{} b", other.name)
        } else {
            String::new()
        };
        let end = if self.dice.once_in(3) && !self.narrow { " RETURNING a.*" } else { "" };
        format!("DELETE FROM bailee.{} a{using} WHERE {condition}{end}", table.name)
    }

    /// A change within a question, whose rows are asked about.
    fn change_within(&mut self) -> String {
        if self.narrow {
            // It may not see what it changes.
            return self.update();
        }
        let table = self.changeable();
        let (column, of) = self.column(table).clone();
        let (condition, name) = (self.condition(table, 1), &table.name);
        let change = match self.dice.below(3) {
            0 => format!("DELETE FROM bailee.{name} a WHERE {condition}"),
            1 => format!(
                "UPDATE bailee.{name} a SET {column} = {} WHERE {condition}",
                self.value(of)
            ),
            _ => {
                let writable = self.writable(table);
                let (columns, row) = (names(&writable), self.row(&writable, None));
                format!("INSERT INTO bailee.{name} AS a ({columns}) VALUES {row}")
            }
        };
        let what = self.dice.pick(&["a.*", "a::text", "a.tenant"]);
        let ask = [
            "SELECT * FROM d",
            "SELECT count(*), (SELECT count(*) FROM bailee.record) FROM d",
            "SELECT d::text, r.tenant FROM d LEFT JOIN bailee.record r ON r::text <> d::text",
            "DELETE FROM bailee.work w USING d WHERE w.tenant <> d::text RETURNING w.tenant",
        ];
        format!("WITH d AS ({change} RETURNING {what}) {}", self.dice.pick(&ask))
    }

    fn merge(&mut self) -> String {
        let (table, other) = (self.changeable(), self.any_table());
        let shared = other.columns.iter().find(|column| table.columns.contains(column));
        let on = shared.map_or("true".to_owned(), |(name, _)| format!("a.{name} = b.{name}"));
        let (column, of) = self.column(table).clone();
        let writable = self.writable(table);
        let then = match self.dice.below(4) {
            0 => "WHEN MATCHED THEN DELETE".to_owned(),
            1 => format!(
                "WHEN NOT MATCHED THEN INSERT ({}) VALUES {}",
                names(&writable),
                self.row(&writable, None)
            ),
            2 => format!(
                "WHEN MATCHED AND a.{column}::text <> '' THEN UPDATE SET {column} = {}",
                self.value(of)
            ),
            _ => "WHEN MATCHED THEN DO NOTHING".to_owned(),
        };
        format!("MERGE INTO bailee.{} a USING bailee.{} b ON {on} {then}", table.name, other.name)
    }

    fn copy(&mut self) -> Vec<Step> {
        let table = self.any_table();
        match self.dice.below(6) {
            0 | 1 => vec![Step::Out(format!("COPY bailee.{} TO STDOUT", table.name))],
            2 => vec![Step::Out(format!("COPY ({}) TO STDOUT WITH (FORMAT csv)", self.question()))],
            3 => {
                let to = ["'/tmp/out'", "PROGRAM 'cat'"];
                vec![Step::Ask(format!("COPY bailee.{} TO {}", table.name, self.dice.pick(&to)))]
            }
            // Row security is not for COPY FROM: an insertion is what it is told to be instead.
            4 => vec![Step::Ask(format!("COPY bailee.{} FROM STDIN", table.name))],
            _ => {
                let (name, _) = self.column(table);
                vec![Step::Out(format!("COPY bailee.{} ({name}) TO STDOUT", table.name))]
            }
        }
    }

    /// Plans tell how many rows were passed over, and never what was in them.
    fn explain(&mut self) -> Vec<Step> {
        self.exact = false;
        let how =
            ["", "(ANALYZE, TIMING OFF)", "(VERBOSE)", "(ANALYZE, VERBOSE, BUFFERS, FORMAT json)"];
        let how = self.dice.pick(&how);
        let what = match self.dice.below(4) {
            0 => self.change(),
            _ => self.question(),
        };
        vec![Step::Ask(format!("EXPLAIN {how} {what}"))]
    }

    /// A program of the server's own language, which says what it finds.
    fn block(&mut self) -> String {
        let table = self.any_table();
        let condition = self.condition(table, 1);
        let (column, _) = self.column(table);
        let change = self.change();
        let name = &table.name;
        let body = match self.dice.below(6) {
            0 => format!(
                "FOR r IN SELECT a.{column} AS v FROM bailee.{name} a WHERE {condition} LOOP \
                 RAISE NOTICE '%', r.v; END LOOP;"
            ),
            1 => format!(
                "EXECUTE $q${change}$q$; GET DIAGNOSTICS n = ROW_COUNT; RAISE NOTICE '% rows', n;"
            ),
            2 => format!(
                "BEGIN {change}; EXCEPTION WHEN OTHERS THEN \
                 GET STACKED DIAGNOSTICS a = MESSAGE_TEXT, b = PG_EXCEPTION_DETAIL, c = CONSTRAINT_NAME; \
                 RAISE NOTICE '% % % %', SQLSTATE, a, b, c; END;"
            ),
            3 => format!(
                "SELECT count(*) INTO n FROM bailee.{name} a WHERE {condition}; RAISE EXCEPTION '%', n \
                 USING ERRCODE = 'ZZ001';"
            ),
            4 => format!(
                "BEGIN INSERT INTO bailee.lookup SELECT current_setting('bailee.tenant'), id, kind, id \
                 FROM unnest(ARRAY[{}, {}]) id, (SELECT {} AS kind) k; RAISE NOTICE 'taken'; \
                 EXCEPTION WHEN foreign_key_violation THEN RAISE NOTICE 'there is none: %', SQLERRM; END;",
                self.value(Of::Uuid),
                self.value(Of::Uuid),
                self.value(Of::Text)
            ),
            _ => "PERFORM pg_advisory_xact_lock(hashtext('globex')); RAISE NOTICE '%', \
                  (SELECT count(*) FROM bailee.work);"
                .to_owned(),
        };
        format!("DO $do$ DECLARE r record; n bigint; a text; b text; c text; BEGIN {body} END $do$")
    }

    fn role_change(&mut self, role: Role) -> Vec<Step> {
        let mut ways = vec![
            "SET ROLE bailee_owner",
            "SET LOCAL ROLE postgres",
            "SET SESSION AUTHORIZATION postgres",
            "SET SESSION AUTHORIZATION bailee_owner",
            "SET LOCAL row_security = off",
            "SET LOCAL session_replication_role = replica",
            "SET ROLE pg_read_all_data",
            "SET ROLE pg_database_owner",
            "ALTER ROLE bailee_app BYPASSRLS",
            "GRANT pg_read_all_data TO bailee_app",
            "GRANT bailee_owner TO bailee_app",
            "ALTER ROLE bailee_app INHERIT",
            "CREATE ROLE mine SUPERUSER",
            "RESET SESSION AUTHORIZATION",
            "SET SESSION AUTHORIZATION bailee_app",
            "SELECT set_config('role', 'bailee_owner', true)",
            "SELECT set_config('session_authorization', 'postgres', false)",
        ];
        if role == Role::Worker {
            ways.extend(["SET LOCAL ROLE bailee_app", "RESET ROLE", "SET ROLE NONE"]);
        }
        let way = self.dice.pick(&ways);
        let mut steps = vec![Step::Ask(["SAVEPOINT r; ", way].concat())];
        steps.push(Step::Ask("ROLLBACK TO r".into()));
        if self.dice.once_in(2) {
            // Without the way back, where the way was open.
            steps = vec![Step::Ask(way.to_owned())];
        }
        steps.push(Step::Ask(self.question()));
        steps
    }

    /// Objects of the session's own before those that are meant.
    fn shadow(&mut self) -> Vec<Step> {
        let shadows = [
            "CREATE TEMP TABLE record (tenant text, kind text, id uuid, body bytea)",
            "CREATE TEMP VIEW record AS SELECT * FROM bailee.record",
            "CREATE TEMP VIEW seen WITH (security_barrier = false) AS SELECT * FROM bailee.record WHERE pg_temp.leak(body)",
            "CREATE FUNCTION pg_temp.current_setting(text, bool) RETURNS text LANGUAGE sql AS $$ SELECT 'globex' $$",
            "CREATE FUNCTION pg_temp.unnest(text[], uuid[]) RETURNS TABLE (a text, b uuid) LANGUAGE sql AS $$ SELECT 'note', id FROM bailee.record $$",
            "CREATE DOMAIN pg_temp.tenant AS text",
            "CREATE TYPE pg_temp.uuid AS (a text)",
            "CREATE TYPE pg_temp.text AS (a int); CREATE TYPE pg_temp.timestamptz AS (a int)",
            "CREATE DOMAIN pg_temp.uuid AS pg_catalog.uuid CHECK (pg_temp.leak(VALUE))",
            "CREATE TEMP TABLE t AS SELECT tenant FROM bailee.record; CREATE RULE r AS ON INSERT TO t DO ALSO SELECT * FROM bailee.record",
            "CREATE TEMP TABLE t (a text); CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger('a', 'pg_catalog.simple', 'a')",
            "SET CONSTRAINTS ALL DEFERRED",
            "CREATE FUNCTION pg_temp.same(text, text) RETURNS bool LANGUAGE sql AS 'SELECT true'; CREATE OPERATOR pg_temp.= (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.same)",
            "CREATE FUNCTION pg_temp.own() RETURNS SETOF bailee.record LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM bailee.record'",
            "CREATE TEMP TABLE child (LIKE bailee.record INCLUDING ALL)",
            "CREATE TEMP TABLE child () INHERITS (bailee.record)",
            "CREATE TEMP TABLE r (tenant text, kind text, id uuid, FOREIGN KEY (tenant, kind, id) REFERENCES bailee.record)",
            "CREATE TEMP TABLE all_of_it AS SELECT * FROM bailee.record",
            "CREATE TEMP TABLE t AS TABLE bailee.work; CREATE STATISTICS s (mcv) ON tenant, task FROM t; ANALYZE t",
        ];
        let after = [
            "TABLE record",
            "SELECT * FROM seen",
            "SELECT * FROM pg_temp.own()",
            "SELECT * FROM all_of_it",
            "SELECT * FROM child",
            "SELECT * FROM pg_stats WHERE schemaname <> 'pg_catalog'",
            "SELECT * FROM bailee.fetch(current_setting('bailee.tenant', true), '{note}', '{00000000-0000-4000-8000-000000000000}', '2026-01-01')",
            "SELECT count(*) FROM bailee.record",
            "SELECT * FROM bailee.find(current_setting('bailee.tenant', true), 'note', NULL, NULL, NULL, '', '00000000-0000-4000-8000-000000000000', 9, '2026-01-01')",
            "INSERT INTO t VALUES ('globex')",
            "INSERT INTO r SELECT 'globex', 'note', '00000000-0000-4000-8000-000000000000'",
        ];
        let path = [
            "SELECT 1",
            "SET LOCAL search_path = pg_temp, pg_catalog",
            "SET LOCAL search_path = pg_temp, public, bailee",
        ];
        vec![
            Step::Ask(self.dice.pick(&shadows).to_owned()),
            Step::Ask(self.dice.pick(&path).to_owned()),
            Step::Ask("SAVEPOINT s".into()),
            Step::Ask(self.dice.pick(&after).to_owned()),
        ]
    }

    /// Walls, and what would stand in their place.
    fn definition(&mut self) -> String {
        let table = self.any_table();
        let (name, (column, _)) = (&table.name, self.column(table));
        let condition = self.condition(table, 1).replace("a.", "");
        match self.dice.below(26) {
            0 => format!("TRUNCATE bailee.{name} CASCADE"),
            1 => {
                let modes = ["ACCESS SHARE", "ROW EXCLUSIVE", "SHARE", "ACCESS EXCLUSIVE"];
                format!("LOCK TABLE bailee.{name} IN {} MODE NOWAIT", self.dice.pick(&modes))
            }
            2 => format!("ALTER TABLE bailee.{name} DISABLE ROW LEVEL SECURITY"),
            3 => format!("ALTER TABLE bailee.{name} NO FORCE ROW LEVEL SECURITY"),
            4 => format!("DROP POLICY mine ON bailee.{name}"),
            5 => format!("CREATE POLICY other ON bailee.{name} USING (true)"),
            6 => format!("ALTER POLICY mine ON bailee.{name} USING (true)"),
            7 => format!("GRANT ALL ON bailee.{name} TO PUBLIC"),
            8 => format!("GRANT SELECT ({column}) ON bailee.{name} TO bailee_worker"),
            9 => format!("CREATE INDEX wide ON bailee.{name} ((1 / length({column}::text)))"),
            10 => format!("CREATE VIEW public.seen AS SELECT * FROM bailee.{name}"),
            11 => format!("CREATE RULE r AS ON SELECT TO bailee.{name} DO INSTEAD SELECT 1"),
            12 => format!(
                "CREATE TRIGGER t BEFORE UPDATE ON bailee.{name} FOR EACH ROW \
                 EXECUTE FUNCTION suppress_redundant_updates_trigger()"
            ),
            13 => format!("ALTER TABLE bailee.{name} OWNER TO bailee_app"),
            14 => format!("ALTER TABLE bailee.{name} ALTER {column} TYPE text"),
            15 => format!("ANALYZE VERBOSE bailee.{name} ({column})"),
            16 => format!("CREATE STATISTICS public.s ON tenant, {column} FROM bailee.{name}"),
            17 => format!("ALTER TABLE bailee.{name} ADD CHECK ({condition})"),
            18 => "ALTER DOMAIN bailee.tenant DROP CONSTRAINT tenant_check".to_owned(),
            19 => "CREATE FUNCTION pg_temp.f(text) RETURNS bool LANGUAGE sql LEAKPROOF AS 'SELECT true'"
                .to_owned(),
            21 => {
                let extension = ["dblink", "pageinspect", "postgres_fdw", "amcheck", "file_fdw"];
                format!("CREATE EXTENSION {}", self.dice.pick(&extension))
            }
            22 => {
                let function = "bailee.fetch(text, text[], uuid[], timestamptz)";
                let change = ["SECURITY DEFINER", "OWNER TO bailee_app", "RESET ALL", "LEAKPROOF"];
                format!("ALTER FUNCTION {function} {}", self.dice.pick(&change))
            }
            23 => "CREATE OR REPLACE FUNCTION bailee.fetch(whose text, kinds text[], ids uuid[], \
                   clock timestamptz) RETURNS SETOF bailee.record LANGUAGE sql SECURITY DEFINER \
                   AS 'TABLE bailee.record'"
                .to_owned(),
            24 => {
                let mighty = [
                    "CREATE PUBLICATION mine FOR ALL TABLES",
                    "CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION pg_notify()",
                    "CREATE SCHEMA mine",
                    "CREATE LANGUAGE plpython3u",
                    "CREATE SERVER mine FOREIGN DATA WRAPPER postgres_fdw",
                    "ALTER SYSTEM SET log_statement = 'all'",
                    "ALTER SCHEMA bailee OWNER TO bailee_app",
                    "ALTER DEFAULT PRIVILEGES FOR ROLE bailee_owner GRANT ALL ON TABLES TO PUBLIC",
                    "REASSIGN OWNED BY bailee_owner TO bailee_app",
                    "DROP OWNED BY bailee_owner",
                    "DROP SCHEMA bailee CASCADE",
                    "REINDEX INDEX bailee.record_pkey",
                    "COMMENT ON TABLE bailee.record IS 'mine'",
                    "LOAD 'auto_explain'",
                    "SET LOCAL log_statement = 'all'",
                    "SET LOCAL debug_print_parse = on",
                ];
                self.dice.pick(&mighty).to_owned()
            }
            20 => format!("SELECT tenant, {column} INTO TEMP copy FROM bailee.{name} a; TABLE copy"),
            _ => format!("CLUSTER bailee.{name} USING {name}_pkey"),
        }
    }
}

fn names(table: &Table) -> String {
    let names: Vec<&str> = table.columns.iter().map(|(name, _)| name.as_str()).collect();
    names.join(", ")
}
