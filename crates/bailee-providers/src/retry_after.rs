//! How long a provider asks us to wait.

use std::time::Duration;

use bailee_core::Timestamp;
use time::{
    OffsetDateTime, PrimitiveDateTime, format_description::BorrowedFormatItem,
    format_description::well_known::Rfc3339, macros::format_description,
};

use crate::{
    answer::Answer,
    spec::{RateLimitFacts, ResetFormat},
};

/// The longest wait that a provider can impose (OUT-08).
pub(crate) const LONGEST: Duration = Duration::from_secs(3600);

/// The forms of an HTTP-date (RFC 9110 §5.6.7): the current one, and asctime's. The one with a year
/// of two digits is not read; a 429 with it waits as long as one without.
const DATES: [&[BorrowedFormatItem<'static>]; 2] = [
    format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    ),
    format_description!(
        "[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year]"
    ),
];

/// ISO 8601 without seconds.
const TO_THE_MINUTE: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]Z");

/// What `Retry-After` says (RFC 9110 §10.2.3): seconds, an HTTP-date, or the RFC 3339 that a few
/// send; at most an hour. None where it is missing or says nothing that can be read.
pub fn retry_after(answer: &Answer) -> Option<Duration> {
    let text = answer.header("retry-after")?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // A number too large for the type is a long wait as well.
        return Some(text.parse().map_or(LONGEST, Duration::from_secs).min(LONGEST));
    }
    let date = DATES
        .iter()
        .find_map(|form| PrimitiveDateTime::parse(text, form).ok())
        .map(PrimitiveDateTime::assume_utc)
        .or_else(|| OffsetDateTime::parse(text, &Rfc3339).ok())?;
    Some(until(date.unix_timestamp(), answer.now))
}

/// The wait that an answer asks for: `Retry-After`, else the spec's header, else the spec's wait.
pub(crate) fn wait(facts: &RateLimitFacts, answer: &Answer) -> Option<Duration> {
    retry_after(answer).or_else(|| reset(facts, answer)).or(facts.wait)
}

/// The wait that an answer imposes by saying that it was the last one for now: nothing remains, and
/// the spec's header says until when. None where something remains or it cannot be read.
pub fn used_up(facts: &RateLimitFacts, answer: &Answer) -> Option<Duration> {
    let remaining = answer.header(facts.remaining_header.as_deref()?)?.trim();
    let remaining: f64 = remaining.parse().ok()?;
    if remaining >= 1.0 || remaining.is_nan() {
        return None;
    }
    reset(facts, answer).filter(|wait| !wait.is_zero())
}

/// When the spec's header says that the limit is lifted, from now on.
fn reset(facts: &RateLimitFacts, answer: &Answer) -> Option<Duration> {
    let text = answer.header(facts.reset_header.as_deref()?)?.trim();
    let now = answer.now;
    let number = || text.parse().ok().filter(|number: &f64| number.is_finite());
    let format = match facts.reset_format {
        Some(format) => format,
        // Nothing but its size tells a clock time from seconds.
        None => match number() {
            Some(number) if number > 1e12 => ResetFormat::EpochMilliseconds,
            Some(number) if number > 1e9 => ResetFormat::EpochSeconds,
            Some(_) => ResetFormat::DeltaSeconds,
            None => ResetFormat::Rfc3339,
        },
    };
    // A part of a second that is left out would end the wait before the limit.
    match format {
        ResetFormat::DeltaSeconds => {
            Some(Duration::from_secs(number()?.max(0.0).ceil() as u64).min(LONGEST))
        }
        ResetFormat::EpochMilliseconds => Some(until((number()? / 1000.0).ceil() as i64, now)),
        ResetFormat::EpochSeconds => Some(until(number()?.ceil() as i64, now)),
        ResetFormat::Rfc3339 => {
            if let Ok(date) = OffsetDateTime::parse(text, &Rfc3339) {
                let part = i64::from(date.nanosecond() > 0);
                return Some(until(date.unix_timestamp() + part, now));
            }
            // Some leave the seconds out: then it is lifted at some time in that minute.
            let minute = PrimitiveDateTime::parse(text, TO_THE_MINUTE).ok()?;
            Some(until(minute.assume_utc().unix_timestamp() + 60, now))
        }
    }
}

fn until(seconds: i64, now: Timestamp) -> Duration {
    Timestamp::from_seconds(seconds).since(now).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::*;

    fn answer(name: &'static str, value: &str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        Answer::new(
            StatusCode::TOO_MANY_REQUESTS,
            headers,
            Vec::new().into(),
            Timestamp::from_seconds(784_111_777 - 30),
        )
    }

    #[test]
    fn out_08_retry_after_is_read_in_every_form_and_clamped_to_an_hour() {
        for (text, seconds) in [
            ("0", Some(0)),
            ("120", Some(120)),
            ("3601", Some(3600)),
            ("99999999999999999999999999", Some(3600)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("Sun Nov  6 08:49:37 1994", Some(30)),
            ("1994-11-06T08:49:37Z", Some(30)),
            ("Tue, 06 Nov 1984 08:49:37 GMT", Some(0)),
            ("Fri, 06 Nov 2093 08:49:37 GMT", Some(3600)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            let read = retry_after(&answer("Retry-After", text));
            assert_eq!(read, seconds.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn a_reset_header_is_read_by_its_size() {
        let mut facts = RateLimitFacts {
            reset_header: Some("x-ratelimit-reset".into()),
            ..RateLimitFacts::default()
        };
        for (text, seconds) in [
            ("45", 45),
            ("1994-11-06T08:49:37Z", 30),
            ("1784111777000", 3600),
            ("784111777", 3600),
            ("1784111777", 3600),
            ("-4", 0),
        ] {
            let read = wait(&facts, &answer("X-RateLimit-Reset", text));
            assert_eq!(read, Some(Duration::from_secs(seconds)), "{text}");
        }
        facts.wait = Some(Duration::from_secs(60));
        let read = wait(&facts, &answer("X-RateLimit-Reset", "NaN"));
        assert_eq!(read, Some(Duration::from_secs(60)));
    }

    #[test]
    fn out_08_a_reset_header_is_read_in_the_form_that_the_spec_states() {
        use ResetFormat::{DeltaSeconds, EpochMilliseconds, EpochSeconds, Rfc3339};
        let now = 784_111_777_i64 - 30;
        for (format, text, seconds) in [
            (DeltaSeconds, "45".to_owned(), Some(45)),
            (DeltaSeconds, "0.2".to_owned(), Some(1)),
            (DeltaSeconds, (now + 30).to_string(), Some(3600)),
            (EpochSeconds, (now + 30).to_string(), Some(30)),
            (EpochSeconds, "45".to_owned(), Some(0)),
            (EpochMilliseconds, (now * 1000 + 1).to_string(), Some(1)),
            (EpochMilliseconds, "nan".to_owned(), None),
            (Rfc3339, "1994-11-06T08:49:37.5Z".to_owned(), Some(31)),
            (Rfc3339, "1994-11-06T10:49:37+02:00".to_owned(), Some(30)),
            (Rfc3339, "1994-11-06T08:49Z".to_owned(), Some(53)),
            (Rfc3339, "1994-11-06T08:48Z".to_owned(), Some(0)),
            (Rfc3339, "1994-11-06T08Z".to_owned(), None),
            (Rfc3339, "45".to_owned(), None),
        ] {
            let facts = RateLimitFacts {
                reset_header: Some("x-reset".into()),
                reset_format: Some(format),
                ..RateLimitFacts::default()
            };
            let read = wait(&facts, &answer("X-Reset", &text));
            assert_eq!(read, seconds.map(Duration::from_secs), "{format:?} {text}");
        }
    }

    #[test]
    fn out_08_an_answer_that_was_the_last_for_now_says_until_when() {
        let facts = RateLimitFacts {
            remaining_header: Some("x-remaining".into()),
            reset_header: Some("x-reset".into()),
            ..RateLimitFacts::default()
        };
        for (remaining, reset, seconds) in [
            ("0", "30", Some(30)),
            ("-1", "30", Some(30)),
            ("0.5", "30", Some(30)),
            ("1", "30", None),
            ("0", "0", None),
            ("0", "soon", None),
            ("none", "30", None),
            ("NaN", "30", None),
        ] {
            let mut answer = answer("X-Remaining", remaining);
            answer.headers.insert("X-Reset", HeaderValue::from_str(reset).unwrap());
            let read = used_up(&facts, &answer);
            assert_eq!(read, seconds.map(Duration::from_secs), "{remaining} {reset}");
        }
        assert_eq!(used_up(&facts, &answer("X-Reset", "30")), None);
    }
}
