//! Runs programs and says what is wrong with what came of them.

use std::collections::BTreeMap;

use bailee_postgres::testing::Database;
use tokio_postgres::NoTls;

use crate::{
    generate::{Catalogue, Generator},
    program::{Outcome, Program, Role, Session},
    worlds::{GLOBEX, Same, TENANTS, make, marks, names},
};

/// The worlds, each with a session in it.
pub(crate) struct Wards {
    harm: String,
    worlds: BTreeMap<Same, World>,
    pub(crate) catalogue: Catalogue,
    pub(crate) count: Count,
}

struct World {
    database: Database<'static>,
    session: Session,
    at_first: BTreeMap<String, String>,
}

/// What the programs of a run did, so that a run in which nothing happened is none.
#[derive(Debug, Default)]
pub(crate) struct Count {
    pub(crate) programs: usize,
    pub(crate) of_the_worker: usize,
    pub(crate) answered: usize,
    pub(crate) with_rows: usize,
    pub(crate) changed: usize,
}

impl Wards {
    /// Worlds in which a wall is taken down by this SQL, or in which all stand.
    pub(crate) async fn without(harm: &str) -> Self {
        let everything = make(&Same::everything(), harm).await;
        let catalogue = Catalogue::read(&everything.superuser().await.unwrap()).await;
        let session = Session::open(&everything).await;
        let at_first = session.at_first().await;
        let worlds = BTreeMap::from([(
            Same::everything(),
            World { database: everything, session, at_first },
        )]);
        Self { harm: harm.to_owned(), worlds, catalogue, count: Count::default() }
    }

    /// Removes the worlds: many of them are a lot of disk.
    pub(crate) async fn remove(self) {
        for world in self.worlds.into_values() {
            let mut beside = world.database.socket("postgres");
            beside.dbname("postgres");
            let (client, connection) = beside.connect(NoTls).await.unwrap();
            tokio::spawn(connection);
            let drop = format!("DROP DATABASE {} WITH (FORCE)", world.database.name());
            client.batch_execute(&drop).await.unwrap();
        }
    }

    /// Makes a world, where there is none yet.
    async fn ensure(&mut self, same: &Same) {
        if !self.worlds.contains_key(same) {
            let database = make(same, &self.harm).await;
            let session = Session::open(&database).await;
            let at_first = session.at_first().await;
            self.worlds.insert(same.clone(), World { database, session, at_first });
        }
    }

    /// Draws so many programs and gives the first fault, if there is one.
    pub(crate) async fn first_fault(&mut self, seed: u64, programs: usize) -> Option<String> {
        let catalogue = std::mem::take(&mut self.catalogue);
        let mut generator = Generator::new(&catalogue, seed);
        let mut fault = None;
        for number in 0..programs {
            let program = generator.program();
            if !self.harm.is_empty() && program.text().contains("FROM STDIN") {
                // Where a wall is down the server might wait for rows.
                continue;
            }
            fault = self.fault_of(&program).await.map(|why| {
                format!(
                    "statement {number} of seed {seed}: {why}\n{program:#?}\n{}",
                    program.text()
                )
            });
            if fault.is_some() {
                break;
            }
        }
        self.catalogue = catalogue;
        fault
    }

    async fn fault_of(&mut self, program: &Program) -> Option<String> {
        let same = match program.role {
            _ if !program.exact => Same::everything(),
            // Openly the application in the other tenant: nothing of that is kept from it.
            Role::Worker if program.entered.contains(GLOBEX) && may_be_the_application(program) => {
                Same::everything()
            }
            Role::Application => Same::Rows(program.entered.clone()),
            Role::Worker => Same::Granted,
        };
        self.ensure(&same).await;
        let (here, there) = (&self.worlds[&Same::everything()], &self.worlds[&same]);
        let (outcome, other) = if same == Same::everything() {
            (here.session.run(program).await, None)
        } else {
            let (outcome, other) =
                tokio::join!(here.session.run(program), there.session.run(program));
            (outcome, Some(other))
        };
        self.count.programs += 1;
        self.count.of_the_worker += usize::from(program.role == Role::Worker);
        self.count.answered += usize::from(!outcome.failed);
        self.count.with_rows += usize::from(outcome.rows > 0);
        let own = outcome.left.as_ref().is_some_and(|left| *left != here.at_first);
        self.count.changed += usize::from(own);

        let fault =
            changed(program, &outcome, &here.at_first).or_else(|| marked(program, &outcome));
        let (Some(other), None) = (other, &fault) else { return fault };
        changed(program, &other, &there.at_first).or_else(|| {
            (!alike(&outcome, &other)).then(|| {
                format!(
                    "it tells of other rows: {:#?}\nin another world {:#?}",
                    outcome.answers, other.answers
                )
            })
        })
    }
}

/// Whether two worlds gave the same answers. The plan decides which of the own rows a function is
/// asked about, and on which it fails first; that alone may differ.
fn alike(one: &Outcome, other: &Outcome) -> bool {
    one.answers.len() == other.answers.len()
        && one.answers.iter().zip(&other.answers).all(|(one, other)| {
            let is_of_a_value = of_a_value(one).is_some() && of_a_value(other).is_some();
            is_of_a_value || without_calls(one).eq(without_calls(other))
        })
}

fn without_calls(answer: &str) -> impl Iterator<Item = &str> {
    answer.lines().filter(|line| !line.contains(CALL))
}

/// What the notices of the function have in them that says what it is asked about.
const CALL: &str = "function pg_temp_.leak";

/// The state of a failure over a value, a row that is changed twice, a key of the own tenant or a
/// grant, if the answer is one: of several such failures the plan decides which comes first. That
/// one comes at all has to be the same.
fn of_a_value(answer: &str) -> Option<&str> {
    let state = answer.split_once("code: SqlState(E")?.1.get(..5)?;
    let is_of_a_grant = state == "42501" && answer.contains("permission denied for table");
    let is_of_order = state.starts_with("22") || ["21000", "23505", "P0001"].contains(&state);
    (is_of_order || is_of_a_grant).then_some(state)
}

/// A change of rows that the program may not change.
fn changed(
    program: &Program,
    outcome: &Outcome,
    at_first: &BTreeMap<String, String>,
) -> Option<String> {
    let left = outcome.left.as_ref()?;
    let mut kept: Vec<&str> = TENANTS
        .into_iter()
        .filter(|tenant| program.role == Role::Application && !program.entered.contains(tenant))
        .collect();
    if program.role == Role::Worker && !may_be_the_application(program) {
        kept.push("worker");
    }
    let touched: Vec<&str> = kept.into_iter().filter(|who| left[*who] != at_first[*who]).collect();
    (!touched.is_empty()).then(|| format!("it changed rows: {touched:?}"))
}

/// The worker's role is one that the application took. It may leave it, and is then in its tenant.
fn may_be_the_application(program: &Program) -> bool {
    let text = program.text();
    ["ROLE bailee_app", "RESET", "ROLE NONE", "AUTHORIZATION bailee_app", "DEFINER"]
        .iter()
        .any(|way| text.contains(way))
}

/// A mark in an answer that is not the program's to see.
fn marked(program: &Program, outcome: &Outcome) -> Option<String> {
    let text = program.text();
    let mut forbidden: Vec<String> = Vec::new();
    for tenant in TENANTS {
        let worker = program.role == Role::Worker;
        if !program.entered.contains(tenant) || worker && !may_be_the_application(program) {
            forbidden.extend(marks(tenant));
        }
        // The worker sees keys and times of all tenants, which is what it is for.
        let named = !program.exact
            || outcome.answers.iter().any(|one| of_a_value(one).is_some() || one.contains(CALL));
        if !program.entered.contains(tenant) && !worker && named {
            forbidden.extend(names(tenant));
        }
    }
    if program.role == Role::Worker && !may_be_the_application(program) {
        forbidden.push("control-of-all".to_owned());
    }
    forbidden.retain(|mark| !text.contains(mark));
    let found: Vec<&String> = forbidden
        .iter()
        .filter(|mark| outcome.answers.iter().any(|answer| answer.contains(*mark)))
        .collect();
    (!found.is_empty()).then(|| format!("it shows {found:?}: {:#?}", outcome.answers))
}
