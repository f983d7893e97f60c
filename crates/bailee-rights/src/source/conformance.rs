//! What every source promises, as functions for the tests of any source.
//!
//! A host gives a [`Fixture`] that fills its source with three people and calls [`all`], or each
//! function from a test of its own. They panic where a promise is broken.

#![expect(clippy::unwrap_used, reason = "a broken promise fails the test that asked for it")]

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use bailee_core::{ErrorKind, HostId, Result, Timestamp};

use super::{
    Correction, DataSource, Gathered, Remaining, RowSink, SourceRow, Strategy, TableFacts, Value,
    Whose,
};

/// How often a step is asked for before an erasure counts as endless.
const MOST_STEPS: usize = 10_000;

/// A source full of data, made anew for each test.
///
/// Ada's rows are in every table of the facts. Every text of hers that an erasure takes away holds
/// [`Fixture::CANARY`]. Ben is in Ada's tenant and shares rows with her where the tables allow it.
/// Her namesake has her host id in another tenant. Neither has the canary in a row of theirs alone.
/// In a table that knows how old its rows are, each of the three has a row that is older than
/// [`Fixture::AGE`] and one that is not.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// What stands in Ada's texts.
    const CANARY: &str = "canary-ada";

    /// What divides old rows from young ones.
    const AGE: Timestamp = Timestamp::from_seconds(1_700_000_000);

    /// The source. Each call gives a new one over the same data, as after a restart.
    async fn source(&self) -> Arc<dyn DataSource>;

    /// The person whose rights are exercised.
    fn ada(&self) -> Whose;

    /// Another person of the same tenant.
    fn ben(&self) -> Whose;

    /// Somebody in another tenant, with Ada's host id.
    fn namesake(&self) -> Whose;
}

/// Asks for every promise, each on a fixture of its own.
pub async fn all<F: Fixture, M: AsyncFn() -> F>(make: M) {
    facts_name_every_table_once(&make().await).await;
    a_count_has_a_line_for_each_table_and_changes_nothing(&make().await).await;
    what_is_collected_is_what_is_counted(&make().await).await;
    tables_come_one_after_the_other(&make().await).await;
    another_persons_fields_come_masked(&make().await).await;
    an_erasure_ends_and_leaves_what_a_law_keeps(&make().await).await;
    an_erasure_goes_on_where_it_was_interrupted(&make().await).await;
    an_erasure_touches_nobody_else(&make().await).await;
    a_second_look_sees_what_is_left(&make().await).await;
    what_is_held_stays_and_the_rest_goes(&make).await;
    a_correction_changes_one_value_of_the_persons_own(&make().await).await;
    a_restriction_marks_each_row_once(&make().await).await;
    what_is_older_goes_of_whomever_it_is(&make().await).await;
    rows_of_the_excepted_stay_however_old(&make().await).await;
    a_table_without_ages_refuses_to_erase_by_them(&make().await).await;
}

/// Tables and fields are named once.
pub async fn facts_name_every_table_once(fixture: &impl Fixture) {
    let source = fixture.source().await;
    let facts = source.facts();
    assert!(!facts.tables.is_empty(), "a source has a table");
    let names: BTreeSet<_> = facts.tables.iter().map(|table| &table.name).collect();
    assert_eq!(names.len(), facts.tables.len(), "a table's name stands twice");
    for table in &facts.tables {
        let fields: BTreeSet<_> = table.fields.iter().map(|field| &field.name).collect();
        assert_eq!(fields.len(), table.fields.len(), "a field of {} stands twice", table.name);
    }
}

/// The dry run answers for each table and leaves everything as it is.
pub async fn a_count_has_a_line_for_each_table_and_changes_nothing(fixture: &impl Fixture) {
    let source = fixture.source().await;
    let before = collect(&*source, &fixture.ada()).await;
    let count = source.count(&fixture.ada()).await.unwrap();
    let counted: Vec<_> = count.tables.iter().map(|table| table.table.as_str()).collect();
    let named: Vec<_> = source.facts().tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(counted, named, "a line for each table, in the order of the facts");
    assert!(count.tables.iter().all(|table| table.rows > 0), "Ada is in every table");
    assert_eq!(collect(&*source, &fixture.ada()).await, before);
    assert_eq!(source.count(&fixture.ada()).await.unwrap(), count);
}

/// Each row comes once, with a key that stays, and as many as were counted.
pub async fn what_is_collected_is_what_is_counted(fixture: &impl Fixture) {
    let source = fixture.source().await;
    for whose in [fixture.ada(), fixture.ben(), fixture.namesake()] {
        let gathered = collect(&*source, &whose).await;
        for table in source.count(&whose).await.unwrap().tables {
            let rows = gathered.table(&table.table);
            assert_eq!(rows.len() as u64, table.rows, "{}", table.table);
            let keys: BTreeSet<_> = rows.iter().map(|row| &row.key).collect();
            assert_eq!(keys.len(), rows.len(), "a key of {} came twice", table.table);
            let fields = source.facts().table(&table.table).unwrap().fields.len();
            assert!(rows.iter().all(|row| row.values.len() == fields), "{}", table.table);
        }
        assert_eq!(collect(&*source, &whose).await, gathered, "the same twice");
    }
}

/// Tables come in the order of the facts, each once, in batches that are not empty.
pub async fn tables_come_one_after_the_other(fixture: &impl Fixture) {
    struct Noted(Vec<String>);
    #[async_trait]
    impl RowSink for Noted {
        async fn take(&mut self, table: &TableFacts, rows: Vec<SourceRow>) -> Result<()> {
            assert!(!rows.is_empty(), "an empty batch of {}", table.name);
            if self.0.last() != Some(&table.name) {
                self.0.push(table.name.clone());
            }
            Ok(())
        }
    }
    let source = fixture.source().await;
    let mut noted = Noted(Vec::new());
    source.collect(&fixture.ada(), &mut noted).await.unwrap();
    let named: Vec<_> = source.facts().tables.iter().map(|table| table.name.clone()).collect();
    assert_eq!(noted.0, named, "Ada is in every table");
}

/// What is another person's in a row is not handed over (Art. 15(4) GDPR).
pub async fn another_persons_fields_come_masked(fixture: &impl Fixture) {
    let source = fixture.source().await;
    for whose in [fixture.ada(), fixture.ben()] {
        let gathered = collect(&*source, &whose).await;
        for table in &source.facts().tables {
            for row in gathered.table(&table.name) {
                for (field, value) in table.fields.iter().zip(&row.values) {
                    let shown = !matches!(value, Value::Masked | Value::Null);
                    assert!(!(field.masked && shown), "{}.{}", table.name, field.name);
                }
            }
        }
    }
}

/// Steps come to an end, nothing is left then but kept rows, and asking again changes nothing.
pub async fn an_erasure_ends_and_leaves_what_a_law_keeps(fixture: &impl Fixture) {
    let source = fixture.source().await;
    let ada = fixture.ada();
    let kept = kept(&*source, &ada).await;
    erase(&*source, &ada).await;
    assert_gone::<_>(fixture, &source.remaining(&ada).await.unwrap(), &*source, kept).await;
    let again = source.erase(&ada).await.unwrap();
    assert_eq!((again.rows(), again.more), (0, false), "there is nothing left to do");
}

/// A source that is made anew between steps, as after a crash, goes on.
pub async fn an_erasure_goes_on_where_it_was_interrupted(fixture: &impl Fixture) {
    let ada = fixture.ada();
    let kept = kept(&*fixture.source().await, &ada).await;
    for steps in 1.. {
        assert!(steps < MOST_STEPS, "an erasure ends");
        if !fixture.source().await.erase(&ada).await.unwrap().more {
            break;
        }
    }
    let source = fixture.source().await;
    assert_gone(fixture, &source.remaining(&ada).await.unwrap(), &*source, kept).await;
}

/// What others see of their data is the same before and after.
pub async fn an_erasure_touches_nobody_else(fixture: &impl Fixture) {
    let source = fixture.source().await;
    let others = [fixture.ben(), fixture.namesake()];
    let mut before = Vec::new();
    for other in &others {
        before.push(collect(&*source, other).await);
    }
    erase(&*source, &fixture.ada()).await;
    for (other, before) in others.iter().zip(before) {
        // A masked field may be empty now: it was Ada's.
        assert_eq!(without_masks(&*source, collect(&*source, other).await), {
            without_masks(&*source, before)
        });
    }
}

/// Before an erasure, everything that it would take is left.
pub async fn a_second_look_sees_what_is_left(fixture: &impl Fixture) {
    let source = fixture.source().await;
    let found = source.remaining(&fixture.ada()).await.unwrap();
    let named: BTreeSet<_> = source.facts().tables.iter().map(|table| &table.name).collect();
    let looked: BTreeSet<_> = found.tables.iter().map(|table| &table.table).collect();
    assert_eq!(looked, named, "a line for each table");
    for line in &found.tables {
        let keeps =
            matches!(source.facts().table(&line.table).unwrap().strategy, Strategy::Keep(_));
        assert_eq!(line.left > 0, !keeps, "{}", line.table);
        assert_eq!(line.kept > 0, keeps, "{}", line.table);
        assert_eq!(line.why.is_some(), keeps, "{}", line.table);
    }
}

/// A set that is held stays as it is, whatever hangs together; the erasure ends all the same, and what
/// stayed is kept and not left. Once nothing is held, it goes.
pub async fn what_is_held_stays_and_the_rest_goes<F: Fixture, M: AsyncFn() -> F>(make: &M) {
    let sets: BTreeSet<String> = {
        let fixture = make().await;
        let source = fixture.source().await;
        source.facts().data_sets().into_iter().map(str::to_owned).collect()
    };
    for set in &sets {
        let fixture = make().await;
        let (source, ada) = (fixture.source().await, fixture.ada());
        let held = ada.clone().sparing(set.as_str());
        let before = collect(&*source, &ada).await;
        erase(&*source, &held).await;
        let after = collect(&*source, &ada).await;
        for table in source.facts().tables.iter().filter(|table| table.data_set == *set) {
            assert_eq!(after.table(&table.name), before.table(&table.name), "{set} {}", table.name);
        }
        let found = source.remaining(&held).await.unwrap();
        assert_eq!(found.left(), 0, "{set}: {found:?}");
        assert!(found.kept() > 0, "{set}");
        erase(&*source, &ada).await;
        assert_eq!(source.remaining(&ada).await.unwrap().left(), 0, "{set}");
    }
}

/// A correction reaches the person's own rows and nobody else's.
pub async fn a_correction_changes_one_value_of_the_persons_own(fixture: &impl Fixture) {
    let source = fixture.source().await;
    let (ada, stranger) = (fixture.ada(), fixture.namesake());
    let (mut corrected, mut asked) = (0, 0);
    for table in source.facts().tables.clone() {
        for (at, field) in table.fields.iter().enumerate() {
            let row = collect(&*source, &ada).await.table(&table.name)[0].clone();
            let Value::Text(_) = row.values[at] else { continue };
            let value = Value::Text("canary-ada corrected".into());
            let correction = Correction {
                table: table.name.clone(),
                key: row.key.clone(),
                field: field.name.clone(),
                value: value.clone(),
            };
            let theirs = collect(&*source, &stranger).await;
            let shared = theirs.table(&table.name).iter().any(|other| other.key == row.key);
            if !shared {
                assert!(source.correct(&stranger, &correction).await.is_err(), "{}", table.name);
            }
            asked += 1;
            let answer = source.correct(&ada, &correction).await;
            if answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::Unsupported) {
                asked -= 1;
            }
            if answer.is_ok() {
                corrected += 1;
                let rows = collect(&*source, &ada).await;
                let now = rows.table(&table.name).iter().find(|now| now.key == row.key).unwrap();
                assert_eq!(now.values[at], value, "{}.{}", table.name, field.name);
            }
            assert_eq!(collect(&*source, &stranger).await, theirs);
            break;
        }
    }
    assert!(corrected > 0 || asked == 0, "what is not unsupported can be corrected");
}

/// Marks come and go, and a mark that is there is not set again.
pub async fn a_restriction_marks_each_row_once(fixture: &impl Fixture) {
    let source = fixture.source().await;
    let ada = fixture.ada();
    let restricts = source.facts().tables.iter().any(|table| table.restricts);
    for restricted in [true, false] {
        let mut rows = 0;
        for steps in 1.. {
            assert!(steps < MOST_STEPS, "a restriction ends");
            let step = source.restrict(&ada, restricted).await.unwrap();
            rows += step.rows();
            if !step.more {
                break;
            }
        }
        assert_eq!(rows > 0, restricts, "where rows can be marked, they were");
        assert_eq!(source.restrict(&ada, restricted).await.unwrap().rows(), 0, "once");
    }
}

/// Old rows are counted and go, in steps; young ones and those of other tenants stay.
pub async fn what_is_older_goes_of_whomever_it_is<F: Fixture>(fixture: &F) {
    let source = fixture.source().await;
    let ada = fixture.ada();
    let theirs = collect(&*source, &fixture.namesake()).await;
    let always = Timestamp::from_micros(i64::MAX);
    for table in source.facts().tables.iter().filter(|table| table.aged) {
        let name = &table.name;
        let count =
            async |before| source.count_older(ada.tenant(), name, before, &[]).await.unwrap();
        let (old, all) = (count(F::AGE).await, count(always).await);
        assert!(0 < old && old < all, "{name} has old rows and young ones: {old} of {all}");
        assert_eq!(count(F::AGE).await, old, "a count changes nothing");
        erase_older::<F>(&*source, &ada, name, &[]).await;
        assert_eq!(count(F::AGE).await, 0, "nothing old is left in {name}");
        assert_eq!(count(always).await, all - old, "what is young stays in {name}");
    }
    assert_eq!(collect(&*source, &fixture.namesake()).await, theirs);
}

/// A person who is excepted keeps what is old too.
pub async fn rows_of_the_excepted_stay_however_old<F: Fixture>(fixture: &F) {
    let source = fixture.source().await;
    let ada = fixture.ada();
    let before = collect(&*source, &ada).await;
    let except = [ada.person().clone()];
    for table in source.facts().tables.iter().filter(|table| table.aged) {
        let name = &table.name;
        let count =
            async |except: &[HostId]| source.count_older(ada.tenant(), name, F::AGE, except).await;
        // A table that cannot tell her rows from others' must not answer.
        if let Err(error) = count(&except).await {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}");
            let erased = source.erase_older(ada.tenant(), name, F::AGE, &except).await;
            assert_eq!(erased.unwrap_err().kind(), ErrorKind::Unsupported, "{name}");
            continue;
        }
        let hers = count(&[]).await.unwrap() - count(&except).await.unwrap();
        assert!(hers > 0, "Ada has old rows in {name}");
        erase_older::<F>(&*source, &ada, name, &except).await;
        assert_eq!(count(&except).await.unwrap(), 0, "nothing of others is left in {name}");
        assert_eq!(count(&[]).await.unwrap(), hers, "hers are left in {name}");
    }
    let after = collect(&*source, &ada).await;
    assert_eq!(without_masks(&*source, after), without_masks(&*source, before));
}

/// Nothing is erased by an age that nobody knows.
pub async fn a_table_without_ages_refuses_to_erase_by_them<F: Fixture>(fixture: &F) {
    let source = fixture.source().await;
    let ada = fixture.ada();
    let before = collect(&*source, &ada).await;
    let ageless = source.facts().tables.iter().filter(|table| !table.aged);
    for name in ageless.map(|table| table.name.as_str()).chain(["no-such-table"]) {
        let counted = source.count_older(ada.tenant(), name, F::AGE, &[]).await;
        assert_eq!(counted.unwrap_err().kind(), ErrorKind::Unsupported, "{name}");
        let erased = source.erase_older(ada.tenant(), name, F::AGE, &[]).await;
        assert_eq!(erased.unwrap_err().kind(), ErrorKind::Unsupported, "{name}");
    }
    assert_eq!(collect(&*source, &ada).await, before);
}

async fn erase_older<F: Fixture>(
    source: &dyn DataSource,
    whose: &Whose,
    table: &str,
    except: &[HostId],
) {
    for _ in 0..MOST_STEPS {
        let step = source.erase_older(whose.tenant(), table, F::AGE, except).await.unwrap();
        if !step.more {
            return;
        }
    }
    panic!("erasing what is old ends");
}

/// The person's rows by their keys: within a table they come in any order.
async fn collect(source: &dyn DataSource, whose: &Whose) -> Gathered {
    let mut gathered = Gathered::default();
    source.collect(whose, &mut gathered).await.unwrap();
    let mut sorted = Gathered::default();
    for (name, rows) in gathered.tables() {
        let mut rows = rows.to_vec();
        rows.sort_by(|one, other| one.key.cmp(&other.key));
        sorted.take(source.facts().table(name).unwrap(), rows).await.unwrap();
    }
    sorted
}

async fn erase(source: &dyn DataSource, whose: &Whose) {
    for _ in 0..MOST_STEPS {
        if !source.erase(whose).await.unwrap().more {
            return;
        }
    }
    panic!("an erasure ends");
}

/// How many rows a law keeps, before anything was erased.
async fn kept(source: &dyn DataSource, whose: &Whose) -> u64 {
    source.remaining(whose).await.unwrap().kept()
}

async fn assert_gone<F: Fixture>(
    fixture: &F,
    found: &Remaining,
    source: &dyn DataSource,
    kept: u64,
) {
    assert_eq!(found.left(), 0, "nothing is left: {found:?}");
    assert_eq!(found.kept(), kept, "what a law keeps is there");
    let gathered = collect(source, &fixture.ada()).await;
    for (name, rows) in gathered.tables() {
        let table = source.facts().table(name).unwrap();
        let gone = match &table.strategy {
            Strategy::Keep(_) => continue,
            Strategy::Null { fields } | Strategy::Pseudonymise { fields } => fields,
            _ => panic!("{name} has rows after an erasure"),
        };
        for (field, value) in rows.iter().flat_map(|row| table.fields.iter().zip(&row.values)) {
            let canary = matches!(value, Value::Text(text) if text.contains(F::CANARY));
            assert!(!canary || !gone.contains(&field.name), "{name}.{}", field.name);
        }
    }
}

fn without_masks(source: &dyn DataSource, gathered: Gathered) -> Vec<(String, Vec<Value>)> {
    let mut all = Vec::new();
    for (name, rows) in gathered.tables() {
        let fields = &source.facts().table(name).unwrap().fields;
        for row in rows {
            let values = fields.iter().zip(&row.values).filter(|(field, _)| !field.masked);
            let place = format!("{name} {}", row.key);
            all.push((place, values.map(|(_, value)| value.clone()).collect()));
        }
    }
    all
}
