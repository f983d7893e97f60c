//! What is looked at before a store is handed out: every wall has to stand.
//!
//! Row security and grants are what keeps tenants apart when the code is wrong; a database that
//! lost one of them works as well as before. So each is compared with the list of what the
//! migrations made, and nothing more may be there either. All texts are of this crate: what a
//! catalogue says about foreign objects is asked for by the SQL that an error names.

mod constraints;
mod expected;
mod role;
mod schema;

use bailee_core::{Error, ErrorKind, Result};

use crate::{
    migration::NEWEST,
    pool::Session,
    statement::{Statement, get},
};

/// The faults of a database, each with the SQL that mends it.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, fault: &str, mend: &str) {
        let text = format!("{fault}: {mend}");
        if !self.0.contains(&text) {
            self.0.push(text);
        }
    }

    fn are_none(&self) -> bool {
        self.0.is_empty()
    }
}

/// Looks at everything.
pub(crate) async fn inspect(session: &mut Session) -> Result<()> {
    let mut faults = Faults::default();
    role::look(session, &mut faults).await?;
    if schema::is_there(session).await? {
        schema::look(session, &mut faults).await?;
        if faults.are_none() {
            migrations(session, &mut faults).await?;
        }
    } else {
        faults.add("the schema bailee is missing", MIGRATE);
    }
    if faults.are_none() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Configuration).with_detail(faults.0.join("; ")))
}

async fn migrations(session: &mut Session, faults: &mut Faults) -> Result<()> {
    let statement = Statement::new(
        "SELECT coalesce(max(number), 0), coalesce(max(needs), 0) FROM bailee.migration",
    );
    let answer = session.ask(&statement).await?;
    for row in &answer.rows {
        if get::<i32>(row, 0)? < NEWEST {
            faults.add("migrations have not run", MIGRATE);
        }
        if get::<i32>(row, 1)? > NEWEST {
            faults.add(
                "the database was migrated by a release that this one cannot follow",
                "run the newer release",
            );
        }
    }
    Ok(())
}

const MIGRATE: &str = "run the migrations as an administrator, or the script of them";
