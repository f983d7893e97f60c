//! Which tables have a time, and what of a declaration nothing ends.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{DataCategory, Timestamp};
use bailee_registry::{DataItem, DataSet, Declaration, Period, Retention as Kept};
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
    pub periods: BTreeSet<Period>,
}

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
        let cut_offs = self.periods.iter().map(|period| cut_off(now, *period));
        cut_offs.min().unwrap_or(Timestamp::from_micros(i64::MIN))
    }
}

impl Rules {
    pub(super) fn of(declaration: &Declaration, sources: &Sources) -> Self {
        let mut rules = Self::default();
        for set in declaration.data_sets() {
            for item in &set.data {
                if !matches!(item.retention, Kept::For(_)) {
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
                if rules.add(&facts.name, table, set) {
                    ends.insert(set.id.as_str());
                }
            }
        }
        for set in declaration.data_sets() {
            let timed = set.data.iter().any(|item| matches!(item.retention, Kept::For(_)));
            if timed && !ends.contains(set.id.as_str()) {
                rules.gaps.insert(Gap::NothingEnds { data_set: set.id.clone() });
            }
        }
        rules
    }

    /// What holds in several declarations at once: a table has a time where it has one in each, and
    /// a row goes when all of them are over.
    pub(super) fn of_all(declarations: &[Declaration], sources: &Sources) -> Self {
        let mut all = declarations.iter().map(|declared| Self::of(declared, sources));
        let Some(mut rules) = all.next() else { return Self::default() };
        for other in all {
            rules.tables.retain_mut(|table| {
                let same = |of: &&TimedTable| of.source == table.source && of.table == table.table;
                let Some(same) = other.tables.iter().find(same) else { return false };
                table.periods.extend(&same.periods);
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
    fn add(&mut self, source: &str, table: &TableFacts, set: &DataSet) -> bool {
        let kept = kept_of(table, set);
        let timed: BTreeSet<Period> = kept.values().filter_map(|kept| period(*kept)).collect();
        if timed.is_empty() {
            return false;
        }
        let name = || (source.to_owned(), table.name.clone(), set.id.clone());
        let stays = kept.values().any(|kept| period(*kept).is_none());
        let longest = timed.iter().max_by_key(|period| days(**period)).copied();
        for (category, declared) in &kept {
            let Some(own) = period(*declared) else { continue };
            if stays || Some(own) != longest {
                let (source, table, data_set) = name();
                let (category, declared) = ((*category).clone(), *declared);
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
        self.tables.push(TimedTable { source, table: table_name, data_set, periods: timed });
        true
    }
}

/// How long each category in a table is kept: for the purpose that needs it longest.
fn kept_of<'s>(table: &TableFacts, set: &'s DataSet) -> BTreeMap<&'s DataCategory, Kept> {
    let fields: BTreeSet<_> = table.fields.iter().map(|field| &field.category).collect();
    let is_in = |item: &&DataItem| fields.contains(&item.category);
    let mut items: Vec<&DataItem> = set.data.iter().filter(is_in).collect();
    // A table that names none of the set's categories may hold any of them.
    if items.is_empty() {
        items = set.data.iter().collect();
    }
    let mut kept = BTreeMap::new();
    for item in items {
        let longest = kept.entry(&item.category).or_insert(item.retention);
        *longest = longer(*longest, item.retention);
    }
    kept
}

/// The longer of two. What has no time of its own is longer than any.
fn longer(one: Kept, other: Kept) -> Kept {
    match (period(one), period(other)) {
        (None, _) => one,
        (_, None) => other,
        (Some(first), Some(second)) => {
            if days(second) > days(first) {
                other
            } else {
                one
            }
        }
    }
}

fn period(kept: Kept) -> Option<Period> {
    match kept {
        Kept::For(period) => Some(period),
        _ => None,
    }
}

/// How long a period is at its longest, in days: to compare periods of different units.
fn days(period: Period) -> u64 {
    match period {
        Period::Days(days) => u64::from(days),
        // The longest months that follow each other have 31 and 31 and 30 days.
        Period::Months(months) => u64::from(months) * 31,
        Period::Years(years) => u64::from(years) * 366,
        _ => u64::MAX,
    }
}
