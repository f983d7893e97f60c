//! Which days are working days, by place.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use bailee_core::{Error, ErrorKind, Result};
use time::Date;

use super::{
    holiday::{Holiday, is_weekend, of_year},
    written, zone,
};

/// The working days of a place: all but Saturdays, Sundays and public holidays (Art. 2(2) of Regulation
/// 1182/71). The holidays are those of where the controller has to act (Art. 2(1)).
///
/// Those that come with the crate are files of rules, one for each place, with the laws that they
/// follow and what was not confirmed. They hold holidays of the whole place alone, none of a region or
/// a town, and a day about which there is doubt is left out: then a deadline ends a day early and
/// never a day late. For the same reason years before [`first_year`](Self::first_year) have weekends
/// only. A host adds what its region has, takes away what was abolished, or brings a whole file.
#[derive(Clone)]
pub struct Calendar {
    rules: Arc<Rules>,
    /// What a host said of single days: off or not.
    said: BTreeMap<Date, bool>,
}

pub(super) struct Rules {
    pub(super) area: String,
    pub(super) name: String,
    pub(super) since: i32,
    pub(super) source: String,
    pub(super) unconfirmed: Option<String>,
    pub(super) holidays: Vec<Holiday>,
    /// The days off of the years that were asked for.
    pub(super) years: RwLock<HashMap<i32, Arc<BTreeSet<Date>>>>,
}

impl Calendar {
    /// Saturdays and Sundays and nothing else.
    pub fn weekends_only() -> Self {
        Self::new(Rules {
            area: "-".into(),
            name: "Weekends only".into(),
            since: i32::MIN,
            source: "Regulation (EEC, Euratom) 1182/71, Art. 2(2)".into(),
            unconfirmed: None,
            holidays: Vec::new(),
            years: RwLock::default(),
        })
    }

    /// The calendar of a place that comes with the crate, by its code of ISO 3166 (`DE`, `GB-SCT`,
    /// `US-CA`); [`areas`](Self::areas) lists them. England and Wales are `GB-EAW`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] where there is none.
    pub fn of(area: &str) -> Result<Self> {
        let known = BUILT_IN.iter().find(|(code, _)| *code == area);
        let (_, text) = known.ok_or_else(|| {
            Error::new(ErrorKind::Configuration)
                .with_detail("there is no calendar of this place; `Calendar::parse` reads one")
        })?;
        Self::parse(text)
    }

    /// The places whose calendars come with the crate.
    pub fn areas() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(code, _)| *code)
    }

    /// Reads a calendar of the form of those that come with the crate. `area`, `name`, `since`,
    /// `source` and `days` have to be there; every day has a `name` and one rule: `date`, `easter`,
    /// `orthodox`, `weekday` with `on_or_after` or `on_or_before`, or `these`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] with the line of what is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        written::calendar(text).map(Self::new)
    }

    fn new(rules: Rules) -> Self {
        Self { rules: Arc::new(rules), said: BTreeMap::new() }
    }

    /// Makes single days days off: a holiday of the region, a day of mourning.
    #[must_use]
    pub fn with_days_off(mut self, days: impl IntoIterator<Item = Date>) -> Self {
        self.said.extend(days.into_iter().map(|day| (day, true)));
        self
    }

    /// Makes single holidays working days. A Saturday or a Sunday stays none.
    #[must_use]
    pub fn without_days_off(mut self, days: impl IntoIterator<Item = Date>) -> Self {
        self.said.extend(days.into_iter().map(|day| (day, false)));
        self
    }

    /// The code of the place.
    pub fn area(&self) -> &str {
        &self.rules.area
    }

    /// The name of the place, in English.
    pub fn name(&self) -> &str {
        &self.rules.name
    }

    /// The first year for which the rules stand. Earlier ones have weekends only.
    pub fn first_year(&self) -> i32 {
        self.rules.since
    }

    /// The laws and lists that the rules follow.
    pub fn source(&self) -> &str {
        &self.rules.source
    }

    /// What was not confirmed and what is left out on purpose.
    pub fn unconfirmed(&self) -> Option<&str> {
        self.rules.unconfirmed.as_deref()
    }

    /// Whether a day is neither on a weekend nor a day off.
    pub fn is_working(&self, day: Date) -> bool {
        !is_weekend(day) && !self.is_day_off(day)
    }

    /// The days off of a year by date, with the names of what is kept on them, those on weekends and
    /// the substitutes among them. Two holidays of one day are two.
    pub fn days_off(&self, year: i32) -> Vec<(Date, String)> {
        let mut days: Vec<(Date, String)> = of_year(&self.rules.holidays, year, self.rules.since)
            .into_iter()
            .filter(|(day, _)| self.said.get(day) != Some(&false))
            .map(|(day, name)| (day, name.to_owned()))
            .collect();
        for (day, _) in self.said.iter().filter(|(day, off)| **off && day.year() == year) {
            if !days.iter().any(|(known, _)| known == day) {
                days.push((*day, "as the host says".into()));
            }
        }
        days.sort();
        days
    }

    fn is_day_off(&self, day: Date) -> bool {
        match self.said.get(&day) {
            Some(said) => *said,
            None => self.rules.year(day.year()).contains(&day),
        }
    }

    /// The day itself if it is a working day, otherwise the next one.
    pub(super) fn working_on_or_after(&self, mut day: Date) -> Result<Date> {
        while !self.is_working(day) {
            day = day.next_day().ok_or_else(zone::out_of_range)?;
        }
        Ok(day)
    }
}

impl Rules {
    fn year(&self, year: i32) -> Arc<BTreeSet<Date>> {
        let known = self.years.read().unwrap_or_else(PoisonError::into_inner).get(&year).cloned();
        known.unwrap_or_else(|| {
            let days = of_year(&self.holidays, year, self.since).into_iter().map(|(day, _)| day);
            let days: Arc<BTreeSet<Date>> = Arc::new(days.collect());
            let mut years = self.years.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(years.entry(year).or_insert(days))
        })
    }
}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calendar")
            .field("area", &self.rules.area)
            .field("said", &self.said)
            .finish_non_exhaustive()
    }
}

macro_rules! built_in {
    ($($code:literal),+ $(,)?) => {
        &[$(($code, include_str!(concat!("../../calendars/", $code, ".toml")))),+]
    };
}

/// The files, by code.
const BUILT_IN: &[(&str, &str)] = built_in![
    "AT", "BE", "BG", "BR", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB-EAW", "GB-NIR",
    "GB-SCT", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL",
    "PT", "RO", "SE", "SI", "SK", "US-CA",
];
