//! How ids and times travel: in PostgreSQL's binary form, without another crate's types.

use std::error::Error as StdError;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use bailee_core::{Id, Timestamp};

/// An id as a `uuid`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Uuid(pub(crate) Id);

/// A time as a `timestamptz`. Our ends, and what lies before PostgreSQL's beginning, become
/// infinities.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time(pub(crate) Timestamp);

type Fault = Box<dyn StdError + Sync + Send>;

impl ToSql for Uuid {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(wanted: &Type) -> bool {
        *wanted == Type::UUID
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Uuid {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Fault> {
        Ok(Self(Id::from_bytes(raw.try_into()?)))
    }

    fn accepts(given: &Type) -> bool {
        *given == Type::UUID
    }
}

impl ToSql for Time {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        out.extend_from_slice(&to_wire(self.0).to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(wanted: &Type) -> bool {
        *wanted == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Time {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Fault> {
        Ok(Self(from_wire(i64::from_be_bytes(raw.try_into()?))))
    }

    fn accepts(given: &Type) -> bool {
        *given == Type::TIMESTAMPTZ
    }
}

fn to_wire(time: Timestamp) -> i64 {
    match time.as_micros() {
        i64::MAX => i64::MAX,
        micros => match micros.checked_sub(EPOCH) {
            Some(micros) if micros >= BEGINNING => micros,
            _ => i64::MIN,
        },
    }
}

fn from_wire(micros: i64) -> Timestamp {
    match micros {
        i64::MAX | i64::MIN => Timestamp::from_micros(micros),
        _ => Timestamp::from_micros(micros.saturating_add(EPOCH)),
    }
}

/// 2000-01-01, where PostgreSQL counts from, in microseconds since 1970.
const EPOCH: i64 = 946_684_800_000_000;

/// The first microsecond of PostgreSQL's times (4714 BC). The last one (AD 294276) lies beyond ours.
const BEGINNING: i64 = -211_813_488_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_wire_and_the_ends_become_infinite() {
        for micros in [0, EPOCH, -1, 1_748_779_200_000_001, i64::MAX - 1, i64::MAX, i64::MIN] {
            let time = Timestamp::from_micros(micros);
            assert_eq!(from_wire(to_wire(time)), time, "{micros}");
        }
        assert_eq!(to_wire(Timestamp::from_micros(EPOCH)), 0);
        assert_eq!(to_wire(Timestamp::from_micros(-212_000_000_000_000_000 + EPOCH)), i64::MIN);
    }
}
