//! What people's browsers send when they fetch a package, and whom they want it encrypted to.

use bailee_rights::{
    fuzzing,
    package::{AgeRecipient, RangeAnswer},
};

use crate::{answers::line, quiet, quiet_error};

const ETAG: &str = "\"0f\"";

/// A length, and the headers `If-Range` and `Range`, line by line.
pub(crate) fn range(data: &[u8]) {
    let (length, rest) = line(data);
    let (named, range) = line(rest);
    let (Ok(length), Ok(named), Ok(range)) =
        (str::from_utf8(length), str::from_utf8(named), str::from_utf8(range))
    else {
        return;
    };
    let length = length.parse().unwrap_or(1000_u64);
    let if_range = (!named.is_empty()).then_some(named);
    let answer = RangeAnswer::of(Some(range), if_range, length, ETAG);
    let (from, to) = (answer.bytes.start, answer.bytes.end);
    assert!(from <= to && to <= length, "{answer:?} of {length}");
    match (answer.status, &answer.content_range) {
        (200, None) => assert_eq!((from, to), (0, length)),
        (206, Some(told)) => {
            assert_eq!(*told, format!("bytes {from}-{}/{length}", to - 1));
            assert!(from < to && asks_for(range, length, from, to), "{range:?}: {answer:?}");
        }
        (416, Some(told)) => {
            assert_eq!((told, to), (&format!("bytes */{length}"), 0));
            assert!(numbers(range).is_some(), "{range:?} asks for nothing at all");
        }
        other => panic!("{other:?}"),
    }
    if answer.status != 200 {
        assert!(if_range.is_none_or(|named| named.trim() == ETAG), "{named:?}");
        assert_eq!(RangeAnswer::of(Some(range), Some("\"ff\""), length, ETAG).status, 200);
    }
    assert_eq!(RangeAnswer::of(None, if_range, length, ETAG).status, 200);
}

/// The digits before and behind the one dash, as RFC 9110 has them.
fn numbers(range: &str) -> Option<(&str, &str)> {
    let (_, set) = range.split_once('=')?;
    let (first, last) = set.trim().split_once('-')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(first) && digits(last) && first.len() + last.len() > 0).then_some((first, last))
}

/// Whether this is the part of so many bytes that a range asks for, reckoned with long numbers.
fn asks_for(range: &str, length: u64, from: u64, to: u64) -> bool {
    let Some((first, last)) = numbers(range) else { return false };
    let length = u128::from(length);
    // Nothing is as long as that.
    let number = |digits: &str| digits.parse::<u128>().unwrap_or(u128::MAX / 2);
    let (wanted_from, wanted_to) = match (first, last) {
        ("", suffix) => (length.saturating_sub(number(suffix)), length),
        (first, "") => (number(first), length),
        (first, last) => (number(first), (number(last) + 1).min(length)),
    };
    (u128::from(from), u128::from(to)) == (wanted_from, wanted_to)
}

/// The end of a link.
pub(crate) fn link_token(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Some(token) = fuzzing::link_token(text) {
        quiet("link token", &token);
        assert!(!format!("{token:?}").contains(&text[..8]), "a token is printed");
        // One token has one text, so that none can be told apart from itself.
        token.expose(|again| assert_eq!(again, text));
    }
}

/// A key of a person's own.
pub(crate) fn recipient(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    match AgeRecipient::parse(text) {
        Ok(recipient) => {
            assert!(text.trim().to_ascii_lowercase().starts_with("age1"), "{text:?}");
            assert!(!format!("{recipient:?}").contains("age1"), "a person's key is printed");
        }
        Err(error) => {
            quiet_error("recipient", &error);
            let said = format!("{error} {error:?}").to_ascii_lowercase();
            assert!(!said.contains("age-secret-key"), "{said}");
        }
    }
}
