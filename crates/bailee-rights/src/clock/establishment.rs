//! Where a controller is: under which law, with which days off, by which clock.

use std::{collections::BTreeSet, sync::Arc};

use bailee_core::{Error, ErrorKind, Result, Timestamp};

use super::{Calendar, Deadline, Matter, Regime, SummerTime, Term, Zone};

/// A controller's establishment, as far as deadlines care: its law, its calendar, its zone.
///
/// ```
/// use bailee_core::Timestamp;
/// use bailee_rights::clock::{Calendar, Establishment, Matter, Regime, SummerTime};
///
/// # fn main() -> bailee_core::Result<()> {
/// let berlin =
///     Establishment::new(Regime::eu(), Calendar::of("DE")?, SummerTime::CENTRAL_EUROPE);
///
/// // Received on 1 April 2025, just after midnight in Berlin: it is still March in UTC.
/// let received = Timestamp::from_seconds(1_743_458_460);
/// let deadline = berlin.deadline(Matter::Answer, received)?;
/// // A month later is a holiday.
/// assert_eq!(deadline.raw.to_string(), "2025-05-01");
/// assert_eq!(deadline.strict_day.to_string(), "2025-05-02");
/// assert_eq!(deadline.strict.to_string(), "2025-05-02T22:00:00Z");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Establishment {
    regime: Regime,
    calendar: Calendar,
    zone: Arc<dyn Zone>,
}

impl Establishment {
    /// An establishment under a law, with the days off and the clock of its place.
    pub fn new(regime: Regime, calendar: Calendar, zone: impl Zone) -> Self {
        Self { regime, calendar, zone: Arc::new(zone) }
    }

    /// One in a country of the European Economic Area, by its code (`DE`), with its calendar and the
    /// clock of its capital.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for any other place.
    pub fn in_europe(country: &str) -> Result<Self> {
        let zone = match country {
            "IS" => return Ok(Self::new(Regime::eu(), Calendar::of("IS")?, time::UtcOffset::UTC)),
            "IE" | "PT" => SummerTime::WESTERN_EUROPE,
            "BG" | "CY" | "EE" | "FI" | "GR" | "LT" | "LV" | "RO" => SummerTime::EASTERN_EUROPE,
            "AT" | "BE" | "CZ" | "DE" | "DK" | "ES" | "FR" | "HR" | "HU" | "IT" | "LI" | "LU"
            | "MT" | "NL" | "NO" | "PL" | "SE" | "SI" | "SK" => SummerTime::CENTRAL_EUROPE,
            _ => {
                return Err(Error::new(ErrorKind::Configuration)
                    .with_detail("no country of the European Economic Area has this code"));
            }
        };
        Ok(Self::new(Regime::eu(), Calendar::of(country)?, zone))
    }

    /// Its law.
    pub fn regime(&self) -> &Regime {
        &self.regime
    }

    /// Its days off.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// When a matter that began at an instant has to be done: a request received, a breach known.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where the law names no number for it; [`ErrorKind::InvalidInput`]
    /// for an instant outside of the years that can be reckoned.
    pub fn deadline(&self, matter: Matter, from: Timestamp) -> Result<Deadline> {
        self.reckon(self.term(matter)?, false, from, &BTreeSet::new())
    }

    /// When to warn of a matter that began at an instant.
    ///
    /// # Errors
    ///
    /// As [`deadline`](Self::deadline).
    pub fn warnings(&self, matter: Matter, from: Timestamp) -> Result<Vec<Timestamp>> {
        Ok(self.deadline(matter, from)?.warnings(self.term(matter)?, from))
    }

    /// The day of an instant where the controller is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for an instant outside of the years that can be reckoned.
    pub fn day(&self, at: Timestamp) -> Result<time::Date> {
        super::zone::date_at(self.zone(), at)
    }

    pub(super) fn term(&self, matter: Matter) -> Result<&Term> {
        self.regime.term(matter).ok_or_else(|| {
            Error::new(ErrorKind::Unsupported)
                .with_detail("the law names no period for this matter")
        })
    }

    pub(super) fn reckon(
        &self,
        term: &Term,
        extended: bool,
        from: Timestamp,
        out: &BTreeSet<time::Date>,
    ) -> Result<Deadline> {
        let readings = term.readings(extended).ok_or_else(|| {
            Error::new(ErrorKind::Unsupported)
                .with_detail("the law has no extension of this matter")
        })?;
        Deadline::reckon(term, readings, from, out, &self.calendar, &*self.zone)
    }

    pub(super) fn zone(&self) -> &dyn Zone {
        &*self.zone
    }
}
