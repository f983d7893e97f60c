//! Statements that write, and that are no statements about rows at all.

use crate::{
    generate::{Generator, Of, Table},
    program::{Role, Step},
    worlds::{ACME, GLOBEX, TENANTS, kind, record_id},
};

impl<'a> Generator<'a> {
    /// What a program does and is looked at for.
    pub(crate) fn steps(&mut self, role: Role) -> Vec<Step> {
        match self.dice.below(26) {
            0..=6 => vec![Step::Ask(self.question())],
            7..=9 => vec![Step::Ask(self.change())],
            10 | 11 => vec![Step::Ask(self.update())],
            12 => vec![Step::Ask(self.delete())],
            13 => vec![Step::Ask(self.merge())],
            14 => self.copy(),
            15 => self.explain(),
            16 => vec![Step::Ask(self.block())],
            17 => self.cursor(),
            18 => self.of_others(),
            19 => self.role_change(role),
            20 => self.shadow(),
            21 => vec![Step::Ask(self.definition())],
            22 => {
                let change = self.change();
                vec![
                    Step::Ask("SAVEPOINT s".into()),
                    Step::Ask(change),
                    Step::Ask("ROLLBACK TO s".into()),
                    Step::Ask(self.question()),
                ]
            }
            23 | 24 => vec![Step::Ask(self.intrusion())],
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
    fn changeable(&mut self) -> &'a Table {
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

    /// A cursor that is opened in one tenant and read in another, or that outlives the setting.
    fn cursor(&mut self) -> Vec<Step> {
        let question = self.question();
        let turn = match self.dice.below(4) {
            0 => {
                self.entered.insert(GLOBEX);
                "SELECT set_config('bailee.tenant', 'globex', true)"
            }
            1 => "SELECT set_config('bailee.tenant', '', true)",
            2 => {
                self.entered.insert(ACME);
                "SET LOCAL bailee.tenant = 'acme'"
            }
            _ => "SELECT 1",
        };
        let kind = ["CURSOR", "SCROLL CURSOR", "CURSOR WITH HOLD"];
        let kind = self.dice.pick(&kind);
        let mut steps = vec![Step::Ask(format!("DECLARE c {kind} FOR {question}"))];
        if self.dice.once_in(2) {
            steps.push(Step::Ask("FETCH ALL FROM c".into()));
        }
        steps.push(Step::Ask(turn.to_owned()));
        let end = [
            "FETCH ALL FROM c",
            "MOVE ALL FROM c",
            "SELECT cursor_to_xml('c', 999, true, false, '')",
        ];
        steps.push(Step::Ask(self.dice.pick(&end).to_owned()));
        steps
    }

    /// What another caller may have left in the session, asked for in this one.
    fn of_others(&mut self) -> Vec<Step> {
        let what = [
            "EXECUTE other",
            "FETCH ALL FROM early",
            "SELECT pg_temp.other()",
            "TABLE bailee.record",
            "SELECT count(*) FROM bailee.audit",
            "SELECT current_setting('bailee.tenant', true) IN ('globex', 'Globex')",
        ];
        let what = self.dice.pick(&what);
        if what == "SELECT pg_temp.other()" {
            // It enters the tenant by itself.
            self.entered.insert(GLOBEX);
        }
        vec![Step::Ask(what.to_owned())]
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
        match self.dice.below(22) {
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
            20 => format!("SELECT tenant, {column} INTO TEMP copy FROM bailee.{name} a; TABLE copy"),
            _ => format!("CLUSTER bailee.{name} USING {name}_pkey"),
        }
    }
}

fn names(table: &Table) -> String {
    let names: Vec<&str> = table.columns.iter().map(|(name, _)| name.as_str()).collect();
    names.join(", ")
}
