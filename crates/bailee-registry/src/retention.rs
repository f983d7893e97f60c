//! How long something is kept.

use std::fmt;

use serde::{Serialize, Serializer};

/// How long something is kept, as a declaration says it.
///
/// In TOML: `"until_disconnected"`, `"until_account_deleted"`, `"30 days"`, `"6 months"`,
/// `"10 years"`, or the name of a rule under `[retention]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Retention {
    /// For a time from when it was obtained.
    For(Period),
    /// Until the person's account with the service is deleted.
    UntilAccountDeleted,
    /// Until the connection that it came through ends.
    UntilDisconnected,
}

/// A length of time in the calendar's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Period {
    /// So many days.
    Days(u32),
    /// So many months.
    Months(u32),
    /// So many years.
    Years(u32),
}

impl Retention {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "until_account_deleted" => return Some(Self::UntilAccountDeleted),
            "until_disconnected" => return Some(Self::UntilDisconnected),
            _ => {}
        }
        let (count, unit) = text.split_once(' ')?;
        if count.starts_with('+') {
            return None;
        }
        let count: u32 = count.parse().ok().filter(|count| (1..=36_500).contains(count))?;
        Some(Self::For(match unit {
            "day" | "days" => Period::Days(count),
            "month" | "months" => Period::Months(count),
            "year" | "years" => Period::Years(count),
            _ => return None,
        }))
    }
}

impl fmt::Display for Retention {
    /// The form that TOML has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match self {
            Self::UntilAccountDeleted => return f.write_str("until_account_deleted"),
            Self::UntilDisconnected => return f.write_str("until_disconnected"),
            Self::For(Period::Days(count)) => (count, "day"),
            Self::For(Period::Months(count)) => (count, "month"),
            Self::For(Period::Years(count)) => (count, "year"),
        };
        write!(f, "{count} {unit}{}", if *count == 1 { "" } else { "s" })
    }
}

impl Serialize for Retention {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A named retention rule: a time and the reason why it is that long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RetentionRule {
    /// How long.
    pub keep: Retention,
    /// Why so long: the law or the criterion (Art. 13(2)(a) GDPR).
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_survives_its_text() {
        for text in ["until_disconnected", "until_account_deleted", "1 day", "30 days", "6 months"]
        {
            assert_eq!(Retention::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "30", "0 days", "-1 days", "+3 days", "30 hours", "forever", "36501 days"]
        {
            assert_eq!(Retention::parse(text), None, "{text}");
        }
    }
}
