//! Draws statements.

use std::collections::BTreeSet;

use tokio_postgres::Client;

use crate::{
    dice::Dice,
    program::{Program, Role, Step},
    worlds::{ACME, GLOBEX, SYSTEM, TENANTS, batch_id, id, kind, lookup_hash, record_id},
};

/// What the database has, by its own catalogue.
#[derive(Default)]
pub(crate) struct Catalogue {
    pub(crate) tables: Vec<Table>,
    /// What of them the worker may read.
    of_worker: Vec<Table>,
    /// Every function of the server that takes one or two values of the columns' types and says
    /// the same each time: its name, and its types.
    pub(crate) functions: Vec<(String, Vec<Of>)>,
}

pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<(String, Of)>,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Bool,
    Bytes,
    Big,
    Int,
    Small,
    Text,
    Time,
    Uuid,
}

impl Of {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "bool" => Self::Bool,
            "bytea" => Self::Bytes,
            "int8" => Self::Big,
            "int4" => Self::Int,
            "int2" => Self::Small,
            "text" => Self::Text,
            "timestamptz" => Self::Time,
            "uuid" => Self::Uuid,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Bytes => "bytea",
            Self::Big => "int8",
            Self::Int => "int4",
            Self::Small => "int2",
            Self::Text => "text",
            Self::Time => "timestamptz",
            Self::Uuid => "uuid",
        }
    }
}

impl Catalogue {
    pub(crate) async fn read(superuser: &Client) -> Self {
        let columns = "SELECT table_name::text, column_name::text, udt_name::text,
              has_column_privilege('bailee_worker', 'bailee.' || table_name, column_name, 'SELECT')
            FROM information_schema.columns WHERE table_schema = 'bailee'
            ORDER BY table_name, ordinal_position";
        let (mut tables, mut of_worker): (Vec<Table>, Vec<Table>) = Default::default();
        for row in superuser.query(columns, &[]).await.unwrap() {
            let (name, of): (String, &str) = (row.get(0), row.get(2));
            let of = Of::named(of).unwrap_or_else(|| panic!("{name} has a column of type {of}"));
            let all = [(&mut tables, true), (&mut of_worker, row.get(3))];
            for (tables, _) in all.into_iter().filter(|(_, may)| *may) {
                if tables.last().is_none_or(|table| table.name != name) {
                    tables.push(Table { name: name.clone(), columns: Vec::new() });
                }
                tables.last_mut().unwrap().columns.push((row.get(1), of));
            }
        }
        let functions = "SELECT DISTINCT quote_ident(p.proname),
              ARRAY(SELECT t.typname::text FROM unnest(p.proargtypes) WITH ORDINALITY AS a(of, nth)
                    JOIN pg_type t ON t.oid = a.of ORDER BY a.nth)
            FROM pg_proc p JOIN pg_type r ON r.oid = p.prorettype
            WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f'
              AND p.provolatile = 'i' AND NOT p.proretset AND p.pronargs IN (1, 2)
              AND r.typtype <> 'p' AND p.proname <> 'factorial'
            ORDER BY 1, 2";
        let functions = superuser.query(functions, &[]).await.unwrap();
        let functions = functions.iter().filter_map(|row| {
            let types: Vec<&str> = row.get(1);
            let types: Option<Vec<Of>> = types.into_iter().map(Of::named).collect();
            Some((row.get(0), types?))
        });
        Self { tables, of_worker, functions: functions.collect() }
    }
}

/// Draws one program after another.
pub(crate) struct Generator<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) dice: Dice,
    /// Whom the program that is being drawn enters, so far.
    pub(crate) entered: BTreeSet<&'static str>,
    pub(crate) exact: bool,
    /// Whether it keeps to what the worker may read.
    pub(crate) narrow: bool,
}

impl<'a> Generator<'a> {
    pub(crate) fn new(catalogue: &'a Catalogue, seed: u64) -> Self {
        Self {
            catalogue,
            dice: Dice::new(seed),
            entered: BTreeSet::new(),
            exact: true,
            narrow: false,
        }
    }

    pub(crate) fn program(&mut self) -> Program {
        self.entered = BTreeSet::new();
        self.exact = true;
        let role = if self.dice.once_in(3) { Role::Worker } else { Role::Application };
        self.narrow = role == Role::Worker && !self.dice.once_in(4);
        let own = match self.dice.below(8) {
            0..=4 => Some(ACME),
            5 if role == Role::Application => Some(SYSTEM),
            _ => None,
        };
        let mut before = self.history();
        let after_history = before.len();
        let begin = ["BEGIN", "BEGIN", "BEGIN ISOLATION LEVEL SERIALIZABLE"];
        before.push(self.dice.pick(&begin).to_owned());
        before.extend(self.context(own));
        if role == Role::Worker {
            let enter = ["SET LOCAL ROLE bailee_worker", "SET ROLE bailee_worker"];
            before.push(self.dice.pick(&enter).to_owned());
        }
        if self.dice.once_in(4) {
            before.push(self.setting());
        }
        self.entered.extend(own);
        let steps = self.steps(role);
        if steps.iter().any(|step| {
            let (Step::Ask(sql) | Step::Out(sql)) = step;
            ["pg_temp.leak", "pg_temp.fail", "pg_temp.==="].iter().any(|own| sql.contains(own))
        }) {
            before.insert(after_history, LEAK.to_owned());
        }
        let entered = std::mem::take(&mut self.entered);
        Program { role, entered, before, steps, exact: self.exact }
    }

    /// What another caller left in the session. None of it may reach this one.
    fn history(&mut self) -> Vec<String> {
        let foreign = "set_config('bailee.tenant', 'globex', true)";
        let all = "SELECT tenant, kind, id, body FROM bailee.record";
        let one: Vec<String> = match self.dice.below(18) {
            0 => vec![format!("BEGIN; SELECT {foreign}; SELECT * FROM bailee.record; COMMIT")],
            1 => vec![format!("BEGIN; SELECT {foreign}; SELECT * FROM bailee.work; ROLLBACK")],
            2 => vec!["SET bailee.tenant = 'globex'; RESET bailee.tenant".into()],
            3 => vec!["SET bailee.tenant = 'globex'; RESET ALL".into()],
            4 => vec!["SET bailee.tenant = 'globex'; SET bailee.tenant TO DEFAULT".into()],
            5 => vec![format!(
                "BEGIN; SELECT bailee.fetch('globex', '{{note}}', '{{{}}}', NULL); COMMIT",
                id(0, 0, 0)
            )],
            6 => vec![
                "BEGIN; SET LOCAL bailee.tenant = 'globex'".into(),
                format!("PREPARE other AS {all}; EXECUTE other; EXECUTE other; EXECUTE other"),
                "EXECUTE other; EXECUTE other; EXECUTE other; EXECUTE other; COMMIT".into(),
            ],
            7 => vec![
                "SET plan_cache_mode = force_generic_plan; BEGIN".into(),
                "SET LOCAL bailee.tenant = 'globex'".into(),
                format!("PREPARE other AS {all} WHERE tenant = 'globex'; EXECUTE other; COMMIT"),
            ],
            8 => vec![
                "CREATE FUNCTION pg_temp.other() RETURNS SETOF text LANGUAGE plpgsql AS
                   $$ BEGIN PERFORM set_config('bailee.tenant', 'globex', true);
                   RETURN QUERY SELECT r::text FROM bailee.record r; END $$"
                    .into(),
                "SELECT pg_temp.other()".into(),
            ],
            9 => vec![
                "BEGIN; SET LOCAL ROLE bailee_worker; SELECT * FROM bailee.work".into(),
                "SELECT tenant FROM bailee.record; COMMIT".into(),
            ],
            10 => vec!["SET SESSION bailee.tenant = 'globex'; DISCARD ALL".into()],
            11 => vec![format!("BEGIN; SAVEPOINT s; SELECT {foreign}; ROLLBACK TO s; COMMIT")],
            // Planned with one role's walls, asked for behind the other's.
            12 => vec![
                "BEGIN; SET LOCAL ROLE bailee_worker".into(),
                "PREPARE other AS SELECT tenant, kind, id FROM bailee.record; EXECUTE other; COMMIT"
                    .into(),
            ],
            13 => vec![
                "SET plan_cache_mode = force_generic_plan; BEGIN; SET LOCAL ROLE bailee_worker"
                    .into(),
                "PREPARE other AS SELECT tenant, batch, hash FROM bailee.audit".into(),
                "EXECUTE other; EXECUTE other; COMMIT".into(),
            ],
            14 => vec![
                "CREATE TYPE pg_temp.uuid AS (a text); CREATE TYPE pg_temp.text AS (a int)".into(),
                "CREATE TYPE pg_temp.timestamptz AS (a int)".into(),
            ],
            _ => vec![],
        };
        one
    }

    /// The setting of the transaction.
    fn context(&mut self, own: Option<&str>) -> Vec<String> {
        let set = |tenant: &str| format!("SELECT set_config('bailee.tenant', '{tenant}', true)");
        let Some(own) = own else {
            if self.dice.once_in(4) {
                // Whose the transaction before this one was.
                let end = ["COMMIT AND CHAIN", "ROLLBACK AND CHAIN", "COMMIT; BEGIN"];
                let count = "SELECT count(*) FROM bailee.record".to_owned();
                return vec![set(GLOBEX), count, self.dice.pick(&end).to_owned()];
            }
            let nobody = ["", "nobody", " acme", "ACME", "acme ", "glob", "%", "~~", "NULL"];
            return if self.dice.once_in(2) { vec![] } else { vec![set(self.dice.pick(&nobody))] };
        };
        match self.dice.below(6) {
            0 => vec![set(GLOBEX), "SELECT count(*) FROM bailee.record".into(), set(own)],
            1 => vec![set(own), "SAVEPOINT t".into(), set(GLOBEX), "ROLLBACK TO t".into()],
            2 => vec![format!("SET LOCAL bailee.tenant = '{own}'")],
            3 => vec![
                set(GLOBEX),
                "DECLARE early CURSOR FOR SELECT tenant, kind, id FROM bailee.record".into(),
                set(own),
            ],
            _ => vec![set(own)],
        }
    }

    fn setting(&mut self) -> String {
        let settings = [
            "SET LOCAL enable_seqscan = off",
            "SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off",
            "SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off",
            "SET LOCAL enable_hashjoin = off; SET LOCAL enable_nestloop = off",
            "SET LOCAL enable_material = off; SET LOCAL enable_hashagg = off",
            "SET LOCAL row_security = off",
            "SET LOCAL search_path = bailee",
            "SET LOCAL search_path = pg_temp, bailee, pg_catalog",
            "SET LOCAL force_parallel_mode = on; SET LOCAL parallel_setup_cost = 0",
            "SET LOCAL from_collapse_limit = 1; SET LOCAL join_collapse_limit = 1",
            "SET LOCAL constraint_exclusion = on",
            "SET LOCAL lc_messages = 'C'",
            "SET LOCAL bytea_output = 'escape'",
            "SET LOCAL transaction_read_only = on",
        ];
        self.dice.pick(&settings).to_owned()
    }

    pub(crate) fn any_table(&mut self) -> &'a Table {
        // Those with tenants come more often.
        let often = ["record", "record", "lookup", "work", "audit"];
        let name = self.dice.pick(&often);
        let tables = if self.narrow { &self.catalogue.of_worker } else { &self.catalogue.tables };
        match tables.iter().find(|table| table.name == name) {
            Some(table) if !self.dice.once_in(8) => table,
            _ => self.dice.one(tables),
        }
    }

    /// A value of a type: often one that somebody's row has.
    pub(crate) fn value(&mut self, of: Of) -> String {
        let (data, n) = (u32::from(self.dice.once_in(4)), self.dice.below(5) as u32);
        let tenant = self.dice.pick(&TENANTS);
        match of {
            Of::Bool => self.dice.pick(&["true", "false"]).to_owned(),
            Of::Bytes => self
                .dice
                .pick(&["'x'::bytea", "decode(repeat('ab', 32), 'hex')", "''::bytea"])
                .to_owned(),
            Of::Big | Of::Int | Of::Small => {
                let numbers = ["0", "1", "2", "3", "100", "101", "103", "200", "210", "301", "-1"];
                let large = ["1000001", "2001002", "600", "1600000000000201", "9999999999"];
                if of == Of::Big && self.dice.once_in(3) {
                    self.dice.pick(&large).to_owned()
                } else {
                    self.dice.pick(&numbers).to_owned()
                }
            }
            Of::Text => match self.dice.below(4) {
                0 => format!("'{tenant}'"),
                1 => format!("'{}'", kind(tenant, data, n)),
                2 => self.dice.pick(&["'note'", "'page'", "''", "'nobody'", "'x'"]).to_owned(),
                _ => self.dice.pick(&["'acme'", "'globex'", "'~'"]).to_owned(),
            },
            Of::Time => self
                .dice
                .pick(&[
                    "'2001-01-01'::timestamptz",
                    "'2001-02-03'::timestamptz",
                    "'2002-03-02'::timestamptz",
                    "'2100-01-01'::timestamptz",
                    "'infinity'::timestamptz",
                ])
                .to_owned(),
            Of::Uuid => {
                let id = match self.dice.below(4) {
                    0 => lookup_hash(tenant, data, n),
                    1 => batch_id(tenant, data, n),
                    2 => id(0xffff, 0, n),
                    _ => record_id(tenant, data, n),
                };
                format!("'{id}'::uuid")
            }
        }
    }
}

/// Says aloud what it is asked about, and costs nothing: a planner that could would ask it first.
/// Also as an operator, as the condition of a type and as an aggregate.
const LEAK: &str = "
CREATE FUNCTION pg_temp.leak(v anyelement) RETURNS bool LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS
$$ BEGIN RAISE NOTICE 'it is %', v; RETURN true; END $$;
CREATE FUNCTION pg_temp.fail(v anyelement) RETURNS bool LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS
$$ BEGIN RAISE EXCEPTION 'it is %', v; END $$;
CREATE FUNCTION pg_temp.leak_both(v anyelement, w anyelement) RETURNS bool LANGUAGE plpgsql
IMMUTABLE COST 0.0001 AS $$ BEGIN RAISE NOTICE 'it is %', v; RETURN v = w; END $$;
CREATE OPERATOR pg_temp.=== (LEFTARG = anyelement, RIGHTARG = anyelement,
  FUNCTION = pg_temp.leak_both, COMMUTATOR = OPERATOR(pg_temp.===), RESTRICT = eqsel);
CREATE DOMAIN pg_temp.leaky AS pg_catalog.text CHECK (pg_temp.leak(VALUE));
CREATE FUNCTION pg_temp.leak_next(n bigint, v anyelement) RETURNS bigint LANGUAGE plpgsql
IMMUTABLE COST 0.0001 AS $$ BEGIN RAISE NOTICE 'it is %', v; RETURN n + 1; END $$;
CREATE AGGREGATE pg_temp.leaks (anyelement) (SFUNC = pg_temp.leak_next, STYPE = bigint, INITCOND = '0')";
