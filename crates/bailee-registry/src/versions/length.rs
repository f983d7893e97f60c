//! Which of two retentions is longer.

use crate::{Period, Retention};

/// How one retention stands to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Length {
    /// It may be longer and never shorter.
    Longer,
    /// It is longer for some people and shorter for others, as a time is beside the end of a
    /// connection.
    Other,
    /// It is as long, in other words: `"12 months"` and `"1 year"`.
    Same,
    /// It may be shorter and never longer.
    Shorter,
}

impl Length {
    /// How `to` stands to `from`.
    pub(crate) fn of(from: Retention, to: Retention) -> Self {
        let never_longer = is_within(to, from);
        let never_shorter = is_within(from, to);
        match (never_longer, never_shorter) {
            (true, true) => Self::Same,
            (true, false) => Self::Shorter,
            (false, true) => Self::Longer,
            (false, false) => Self::Other,
        }
    }

    /// Whether something may be kept longer than before.
    pub(crate) fn may_exceed(self) -> bool {
        matches!(self, Self::Longer | Self::Other)
    }
}

/// Whether what is kept for `inner` is never kept longer than for `outer`.
fn is_within(inner: Retention, outer: Retention) -> bool {
    match (inner, outer) {
        (Retention::For(inner), Retention::For(outer)) => match (months(inner), months(outer)) {
            (Some(inner), Some(outer)) => inner <= outer,
            _ => days(inner).1 <= days(outer).0,
        },
        (Retention::UntilDisconnected, Retention::UntilAccountDeleted) => true,
        _ => inner == outer,
    }
}

/// The calendar's months of a period that is counted in them.
fn months(period: Period) -> Option<u64> {
    match period {
        Period::Days(_) => None,
        Period::Months(count) => Some(u64::from(count)),
        Period::Years(count) => Some(12 * u64::from(count)),
    }
}

/// The fewest and the most days that a period can have.
fn days(period: Period) -> (u64, u64) {
    match (period, months(period)) {
        (Period::Days(count), _) => (u64::from(count), u64::from(count)),
        (_, months) => {
            let months = months.unwrap_or_default();
            let (years, rest) = (months / 12, months % 12);
            (years * 365 + rest * 28, years * 366 + rest * 31)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_compared_by_what_can_happen() {
        let of = |from: &str, to: &str| {
            Length::of(Retention::parse(from).unwrap(), Retention::parse(to).unwrap())
        };
        for (from, to, length) in [
            ("12 months", "1 year", Length::Same),
            ("30 days", "30 days", Length::Same),
            ("30 days", "31 days", Length::Longer),
            ("1 month", "31 days", Length::Longer),
            ("1 month", "28 days", Length::Shorter),
            ("1 month", "30 days", Length::Other),
            ("1 year", "365 days", Length::Shorter),
            ("1 year", "366 days", Length::Longer),
            ("6 months", "1 year", Length::Longer),
            ("until_disconnected", "until_account_deleted", Length::Longer),
            ("until_account_deleted", "until_disconnected", Length::Shorter),
            ("until_disconnected", "30 days", Length::Other),
            ("10 years", "until_account_deleted", Length::Other),
        ] {
            assert_eq!(of(from, to), length, "{from} to {to}");
        }
    }
}
