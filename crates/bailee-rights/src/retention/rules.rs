//! Which tables have a time, and what of a declaration nothing ends.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{DataCategory, Timestamp};
use bailee_registry::{
    DataItem, DataSet, Period, Retention as Kept,
    versions::{Narrowed, Place},
};
use serde::Serialize;

use super::cut_off;
use crate::source::{Sources, Strategy, TableFacts};

/// A table whose rows go when they are too old.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimedTable {
    /// The source.
    pub source: String,
    /// The table within it.
    pub table: String,
    /// The set of the declaration that it belongs to.
    pub data_set: String,
    /// The times that are declared for what is in it. A row goes when the last of them is over.
    pub times: BTreeSet<Times>,
}

/// Times that hold beside each other: the first that is over counts.
pub type Times = BTreeSet<Period>;

/// What is declared without a time of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Untimed {
    /// The set.
    pub data_set: String,
    /// The row of the declaration, as people read it.
    pub name: String,
    /// Until when it is kept.
    pub until: Kept,
}

/// What is declared to end and does not, or not in time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "gap", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Gap {
    /// A table's rows have a declared time, and its source cannot tell how old they are.
    AgeUnknown {
        /// The source.
        source: String,
        /// The table.
        table: String,
        /// The set.
        data_set: String,
    },
    /// A law keeps the rows of a table, so that they do not go by their age.
    KeptByLaw {
        /// The source.
        source: String,
        /// The table.
        table: String,
        /// The set.
        data_set: String,
        /// The law.
        article: String,
    },
    /// A category of data has a time that is shorter than that of something else in the same row.
    KeptLonger {
        /// The source.
        source: String,
        /// The table.
        table: String,
        /// The set.
        data_set: String,
        /// The category that stays longer than declared.
        category: DataCategory,
        /// How long it is declared to be kept.
        declared: Kept,
    },
    /// A set has a time, and no table of any source ends anything of it.
    NothingEnds {
        /// The set.
        data_set: String,
    },
}

/// What a declaration says of the tables of some sources.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    pub(super) tables: Vec<TimedTable>,
    pub(super) untimed: Vec<Untimed>,
    pub(super) gaps: BTreeSet<Gap>,
}

impl TimedTable {
    /// Before which moment a row is too old.
    pub fn cut_off(&self, now: Timestamp) -> Timestamp {
        let over = |times: &Times| times.iter().map(|period| cut_off(now, *period)).max();
        self.times.iter().filter_map(over).min().unwrap_or(Timestamp::from_micros(i64::MIN))
    }
}

impl Rules {
    pub(super) fn of(narrowed: &Narrowed, sources: &Sources) -> Self {
        let declaration = narrowed.left();
        let mut rules = Self::default();
        for set in declaration.data_sets() {
            for item in &set.data {
                if times(narrowed, set, item).is_empty() {
                    rules.untimed.push(Untimed {
                        data_set: set.id.clone(),
                        name: item.name.clone(),
                        until: item.retention,
                    });
                }
            }
        }
        let mut ends = BTreeSet::new();
        for source in sources.iter() {
            let facts = source.facts();
            for table in &facts.tables {
                let Some(set) = declaration.data_set(&table.data_set) else { continue };
                if rules.add(&facts.name, table, set, narrowed) {
                    ends.insert(set.id.as_str());
                }
            }
        }
        for set in declaration.data_sets() {
            let timed = set.data.iter().any(|item| !times(narrowed, set, item).is_empty());
            if timed && !ends.contains(set.id.as_str()) {
                rules.gaps.insert(Gap::NothingEnds { data_set: set.id.clone() });
            }
        }
        rules
    }

    /// What holds in several declarations at once: a table has a time where it has one in each, and
    /// a row goes when all of them are over.
    pub(super) fn of_all(declarations: &[Narrowed], sources: &Sources) -> Self {
        let mut all = declarations.iter().map(|declared| Self::of(declared, sources));
        let Some(mut rules) = all.next() else { return Self::default() };
        for other in all {
            rules.tables.retain_mut(|table| {
                let same = |of: &&TimedTable| of.source == table.source && of.table == table.table;
                let Some(same) = other.tables.iter().find(same) else { return false };
                table.times.extend(same.times.iter().cloned());
                true
            });
            rules.gaps.extend(other.gaps);
            for untimed in other.untimed {
                if !rules.untimed.contains(&untimed) {
                    rules.untimed.push(untimed);
                }
            }
        }
        rules
    }

    /// Takes a table in; says whether something of it ends by its age.
    fn add(
        &mut self,
        source: &str,
        table: &TableFacts,
        set: &DataSet,
        narrowed: &Narrowed,
    ) -> bool {
        let kept = kept_of(table, set, narrowed);
        let timed: BTreeSet<&Times> = kept.values().filter(|times| !times.is_empty()).collect();
        let Some(longest) = timed.iter().max_by_key(|times| days(times)).copied().cloned() else {
            return false;
        };
        let timed: BTreeSet<Times> = timed.into_iter().cloned().collect();
        let name = || (source.to_owned(), table.name.clone(), set.id.clone());
        let stays = kept.values().any(Times::is_empty);
        for (category, own) in &kept {
            let first = own.iter().min_by_key(|period| length(**period));
            let Some(first) = first else { continue };
            if stays || *own != longest {
                let (source, table, data_set) = name();
                let (category, declared) = ((*category).clone(), Kept::For(*first));
                self.gaps.insert(Gap::KeptLonger { source, table, data_set, category, declared });
            }
        }
        if stays {
            return false;
        }
        let (source, table_name, data_set) = name();
        if let Strategy::Keep(law) = &table.strategy {
            let article = law.article.clone();
            self.gaps.insert(Gap::KeptByLaw { source, table: table_name, data_set, article });
            return false;
        }
        if !table.aged {
            self.gaps.insert(Gap::AgeUnknown { source, table: table_name, data_set });
            return false;
        }
        self.tables.push(TimedTable { source, table: table_name, data_set, times: timed });
        true
    }
}

/// How long each category in a table is kept: for the purpose that needs it longest. No times are
/// longer than any.
fn kept_of<'s>(
    table: &TableFacts,
    set: &'s DataSet,
    narrowed: &Narrowed,
) -> BTreeMap<&'s DataCategory, Times> {
    let fields: BTreeSet<_> = table.fields.iter().map(|field| &field.category).collect();
    let is_in = |item: &&DataItem| fields.contains(&item.category);
    let mut items: Vec<&DataItem> = set.data.iter().filter(is_in).collect();
    // A table that names none of the set's categories may hold any of them.
    if items.is_empty() {
        items = set.data.iter().collect();
    }
    let mut kept: BTreeMap<&DataCategory, Times> = BTreeMap::new();
    for item in items {
        let own = times(narrowed, set, item);
        match kept.get(&item.category) {
            Some(other) if days(&own) <= days(other) => {}
            _ => {
                kept.insert(&item.category, own);
            }
        }
    }
    kept
}

/// The times that a row of a declaration has, a tenant's own among them.
fn times(narrowed: &Narrowed, set: &DataSet, item: &DataItem) -> Times {
    let kept = narrowed.kept(&Place::DataSet(set.id.clone()), item);
    let period = |kept| match kept {
        Kept::For(period) => Some(period),
        _ => None,
    };
    kept.filter_map(period).collect()
}

/// How long the first of some times is, in days: to compare times of different units.
fn days(times: &Times) -> u64 {
    times.iter().map(|period| length(*period)).min().unwrap_or(u64::MAX)
}

/// How long a period is at its longest, in days.
fn length(period: Period) -> u64 {
    match period {
        Period::Days(days) => u64::from(days),
        // The longest months that follow each other have 31 and 31 and 30 days.
        Period::Months(months) => u64::from(months) * 31,
        Period::Years(years) => u64::from(years) * 366,
        _ => u64::MAX,
    }
}
