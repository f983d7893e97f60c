//! What a request of HTTP for a range of a package gets (RFC 9110, section 14).

use std::ops::Range;

/// What an answer says and carries. Whoever answers adds `Accept-Ranges: bytes`, `ETag`,
/// `Content-Length` and the form's type, and forbids to cache it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RangeAnswer {
    /// 200, 206 or 416.
    pub status: u16,
    /// Which bytes are carried; none with 416.
    pub bytes: Range<u64>,
    /// What stands in `Content-Range`, where there has to be one.
    pub content_range: Option<String>,
}

impl RangeAnswer {
    /// The answer to a `GET` with these headers for something of this length, with this strong `ETag`.
    ///
    /// A range that is none, another unit, several ranges and an `If-Range` that names something else
    /// get the whole: a range is a wish (section 14.2). A time in `If-Range` names nothing here.
    pub fn of(range: Option<&str>, if_range: Option<&str>, length: u64, etag: &str) -> Self {
        let whole = Self { status: 200, bytes: 0..length, content_range: None };
        if if_range.is_some_and(|named| named.trim() != etag) {
            return whole;
        }
        match range.and_then(|range| Asked::parse(range, length)) {
            None => whole,
            Some(Asked::Nothing) => {
                Self { status: 416, bytes: 0..0, content_range: Some(format!("bytes */{length}")) }
            }
            Some(Asked::Bytes(bytes)) => Self {
                status: 206,
                content_range: Some(format!("bytes {}-{}/{length}", bytes.start, bytes.end - 1)),
                bytes,
            },
        }
    }
}

/// What a range asks for.
enum Asked {
    Bytes(Range<u64>),
    /// Nothing that is there.
    Nothing,
}

impl Asked {
    /// Reads `bytes=first-last`, `bytes=first-` or `bytes=-suffix`; `None` for everything else.
    fn parse(range: &str, length: u64) -> Option<Self> {
        let (unit, set) = range.split_once('=')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (first, last) = set.trim().split_once('-')?;
        let bytes = match (first, last) {
            ("", suffix) => {
                let suffix = number(suffix)?;
                length.saturating_sub(suffix)..length
            }
            (first, "") => number(first)?..length,
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                if last < first {
                    return None;
                }
                first..last.saturating_add(1).min(length)
            }
        };
        Some(if bytes.start < bytes.end { Self::Bytes(bytes) } else { Self::Nothing })
    }
}

/// Digits alone; what is too large for a number lies behind every end.
fn number(digits: &str) -> Option<u64> {
    let good = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    good.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str) -> (u16, Range<u64>) {
        let answer = RangeAnswer::of(Some(range), None, 1000, "\"e\"");
        (answer.status, answer.bytes)
    }

    #[test]
    fn the_ranges_of_the_rfc() {
        for (range, status, bytes) in [
            ("bytes=0-499", 206, 0..500),
            ("bytes=500-999", 206, 500..1000),
            ("bytes=-500", 206, 500..1000),
            ("bytes=950-", 206, 950..1000),
            ("Bytes = 0-0", 206, 0..1),
            ("bytes=999-5000", 206, 999..1000),
            ("bytes=-5000", 206, 0..1000),
            ("bytes=0-18446744073709551615", 206, 0..1000),
            ("bytes=0-99999999999999999999999", 206, 0..1000),
            ("bytes=1000-", 416, 0..0),
            ("bytes=1000-2000", 416, 0..0),
            ("bytes=-0", 416, 0..0),
            ("bytes=5-4", 200, 0..1000),
            ("bytes=", 200, 0..1000),
            ("bytes=-", 200, 0..1000),
            ("bytes=a-b", 200, 0..1000),
            ("bytes=+1-2", 200, 0..1000),
            ("bytes=0-1,3-4", 200, 0..1000),
            ("rows=0-1", 200, 0..1000),
            ("0-1", 200, 0..1000),
        ] {
            assert_eq!(asked(range), (status, bytes), "{range}");
        }
    }

    #[test]
    fn a_range_of_something_else_gets_the_whole() {
        let with = |named| RangeAnswer::of(Some("bytes=5-"), Some(named), 10, "\"e\"");
        assert_eq!(with("\"e\"").status, 206);
        assert_eq!(with("\"e\"").content_range.as_deref(), Some("bytes 5-9/10"));
        for named in ["\"f\"", "W/\"e\"", "Sat, 29 Oct 1994 19:43:31 GMT"] {
            assert_eq!(with(named).status, 200, "{named}");
        }
        let nothing = RangeAnswer::of(Some("bytes=10-"), None, 10, "\"e\"");
        assert_eq!(nothing.content_range.as_deref(), Some("bytes */10"));
    }
}
