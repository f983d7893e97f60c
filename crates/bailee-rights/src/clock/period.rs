//! Lengths of time as laws write them.

use std::{fmt, str::FromStr};

use bailee_core::{Error, ErrorKind};
use serde::{Deserialize, Serialize};

/// A length of time as a law writes it: `1 month`, `45 days`, `10 working days`, `72 hours`.
///
/// A month is never thirty days: it ends on the day of the same number, however long the months
/// between are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Period {
    /// Days of the calendar.
    Days(u16),
    /// Hours. They run through nights, weekends and holidays.
    Hours(u16),
    /// Months. A year is twelve.
    Months(u16),
    /// Weeks.
    Weeks(u16),
    /// Days that are neither Saturday nor Sunday nor a public holiday.
    WorkingDays(u16),
}

impl FromStr for Period {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = || {
            Error::new(ErrorKind::InvalidInput).with_detail(
                "not a period; write `1 month`, `45 days`, `10 working days`, `72 hours`",
            )
        };
        let (number, unit) = text.split_once(' ').ok_or_else(refused)?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refused());
        }
        let number: u16 = number.parse().map_err(|_| refused())?;
        Ok(match unit {
            "day" | "days" => Self::Days(number),
            "hour" | "hours" => Self::Hours(number),
            "month" | "months" => Self::Months(number),
            "week" | "weeks" => Self::Weeks(number),
            "working day" | "working days" => Self::WorkingDays(number),
            "year" | "years" => Self::Months(number.checked_mul(12).ok_or_else(refused)?),
            _ => return Err(refused()),
        })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = match self {
            Self::Days(number) => (number, "day"),
            Self::Hours(number) => (number, "hour"),
            Self::Months(number) => (number, "month"),
            Self::Weeks(number) => (number, "week"),
            Self::WorkingDays(number) => (number, "working day"),
        };
        write!(f, "{number} {unit}{}", if *number == 1 { "" } else { "s" })
    }
}

impl TryFrom<String> for Period {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_survives_its_text() {
        for text in ["1 month", "3 months", "45 days", "1 working day", "72 hours", "2 weeks"] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
        assert_eq!("2 years".parse::<Period>().unwrap(), Period::Months(24));
    }

    #[test]
    fn what_is_no_period_is_refused() {
        for text in [
            "",
            "month",
            "+1 month",
            "-1 days",
            "1.5 days",
            "1 fortnight",
            "70000 days",
            "9999 years",
        ] {
            assert!(text.parse::<Period>().is_err(), "{text:?}");
        }
    }
}
