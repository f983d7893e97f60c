//! Values as JSON Lines and as CSV.

use base64::{Engine as _, display::Base64Display, engine::general_purpose::STANDARD};
use serde::de::IgnoredAny;
use std::io::Write as _;

use crate::{hex, source::Value};

/// A value that lies in a file of its own.
pub(super) struct Apart {
    pub(super) path: String,
    pub(super) digest: [u8; 32],
}

/// Adds a value as JSON on one line.
pub(super) fn json(out: &mut Vec<u8>, value: &Value, apart: Option<&Apart>) {
    match value {
        Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Bytes(bytes) => match apart {
            Some(Apart { path, digest }) => {
                out.extend_from_slice(b"{\"file\":");
                text(out, path);
                let digest = hex::text(digest);
                let length = bytes.len();
                let _ = write!(out, ",\"bytes\":{length},\"sha256\":\"{digest}\"}}");
            }
            None => {
                out.extend_from_slice(b"{\"base64\":\"");
                let _ = write!(out, "{}", Base64Display::new(bytes, &STANDARD));
                out.extend_from_slice(b"\"}");
            }
        },
        Value::Integer(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Json(document) => embed(out, document),
        Value::Masked => out.extend_from_slice(b"{\"masked\":true}"),
        Value::Null => out.extend_from_slice(b"null"),
        // JSON has no word for these.
        Value::Real(number) if !number.is_finite() => text(out, &number.to_string()),
        Value::Real(number) => {
            let _ = serde_json::to_writer(out, number);
        }
        Value::Text(value) => text(out, value),
    }
}

/// Adds a text as JSON.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    // Writing a text into memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

/// Adds a document as it is, but for what would end the line. Numbers keep all their digits and fields
/// their order. What is no JSON is a text.
fn embed(out: &mut Vec<u8>, document: &str) {
    if serde_json::from_str::<IgnoredAny>(document).is_err() {
        return text(out, document);
    }
    let (mut quoted, mut escaped) = (false, false);
    for byte in document.bytes() {
        let space = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        if quoted || !space {
            out.push(byte);
        }
        match byte {
            b'"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = quoted && byte == b'\\' && !escaped;
    }
}

/// Adds a value as a cell.
pub(super) fn csv(out: &mut Vec<u8>, value: &Value, apart: Option<&Apart>) {
    match value {
        Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Bytes(bytes) => match apart {
            Some(apart) => cell(out, &apart.path),
            None => cell(out, &STANDARD.encode(bytes)),
        },
        Value::Integer(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Json(document) => cell(out, document),
        Value::Masked => out.extend_from_slice(b"[masked]"),
        Value::Null => {}
        Value::Real(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Text(value) => cell(out, value),
    }
}

/// Adds a text as a cell (RFC 4180). One that a spreadsheet would take for a formula gets an apostrophe
/// in front: what somebody else wrote to this person shall not be run when they look at it.
pub(super) fn cell(out: &mut Vec<u8>, text: &str) {
    let formula = text.trim_start_matches([' ', '\u{a0}', '\u{feff}', '\0']).starts_with([
        '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ]);
    let quoted = formula
        || text.is_empty()
        || text.starts_with(' ')
        || text.ends_with(' ')
        || text.bytes().any(|byte| matches!(byte, b'"' | b',' | b';' | b'\t' | b'\r' | b'\n'));
    if !quoted {
        return out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
    if formula {
        out.push(b'\'');
    }
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_json(value: &Value) -> String {
        let mut out = Vec::new();
        json(&mut out, value, None);
        String::from_utf8(out).unwrap()
    }

    fn as_cell(text: &str) -> String {
        let mut out = Vec::new();
        cell(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_value_is_json_on_one_line() {
        for (value, expected) in [
            (Value::Bool(true), "true"),
            (Value::Bytes(vec![0, 255]), r#"{"base64":"AP8="}"#),
            (Value::Integer(i64::MIN), "-9223372036854775808"),
            (Value::Masked, r#"{"masked":true}"#),
            (Value::Null, "null"),
            (Value::Real(0.5), "0.5"),
            (Value::Real(f64::NAN), r#""NaN""#),
            (Value::Real(f64::NEG_INFINITY), r#""-inf""#),
            (Value::Text("a\n\"b\"\0\u{1f600}".into()), "\"a\\n\\\"b\\\"\\u0000\u{1f600}\""),
            (
                Value::Json("{ \"b\" : 1.10,\n \"a\": [1 , \" x\\\\\" ] }".into()),
                r#"{"b":1.10,"a":[1," x\\"]}"#,
            ),
            (Value::Json("{ no".into()), r#""{ no""#),
            (Value::Json(r#"{"a":"\" b \\"} "#.into()), r#"{"a":"\" b \\"}"#),
        ] {
            let line = as_json(&value);
            assert_eq!(line, expected);
            assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok(), "{line}");
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", " =1", "\u{ff1d}1", "\n=1", "\0=1"] {
            assert_eq!(as_cell(text), format!("\"'{text}\""));
        }
        assert_eq!(as_cell("=\"a\""), "\"'=\"\"a\"\"\"");
    }

    #[test]
    fn cells_are_quoted_where_they_have_to_be() {
        for (text, expected) in [
            ("a", "a"),
            ("", "\"\""),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\r\nb", "\"a\r\nb\""),
            ("a=b", "a=b"),
            ("\u{e9}", "\u{e9}"),
        ] {
            assert_eq!(as_cell(text), expected);
        }
    }

    /// Texts out of what gives readers trouble, each time the same.
    fn hostile() -> impl Iterator<Item = String> {
        const PIECES: [&str; 20] = [
            "\"",
            "\\",
            "\n",
            "\r\n",
            ",",
            ";",
            "=",
            "-",
            "'",
            "\t",
            " ",
            "\0",
            "{",
            "}",
            "[",
            ":",
            "a",
            "\u{1f600}",
            "\u{2028}",
            "\\\"",
        ];
        let mut state = 1_u64;
        (0..20_000).map(move |_| {
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 33) as usize
            };
            (0..next() % 9).map(|_| PIECES[next() % PIECES.len()]).collect()
        })
    }

    #[test]
    fn every_text_comes_back_out_of_its_line() {
        for text in hostile() {
            let line = as_json(&Value::Text(text.clone()));
            assert!(!line.contains(['\n', '\r']), "{line}");
            assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }
    }

    #[test]
    fn every_document_comes_back_out_of_its_line() {
        for text in hostile() {
            let document =
                serde_json::json!({ (text.clone()): [text, 1.5, null, {"a": [], "b": {}}] });
            let written = serde_json::to_string_pretty(&document).unwrap();
            let line = as_json(&Value::Json(written));
            assert!(!line.contains(['\n', '\r']), "{line}");
            assert_eq!(line, serde_json::to_string(&document).unwrap(), "nothing else is lost");
        }
    }

    /// What a reader by RFC 4180 finds in a cell; `None` where the cell ends before its text does.
    fn read(cell: &str) -> Option<String> {
        let Some(quoted) = cell.strip_prefix('"') else {
            return (!cell.contains(['"', ',', '\r', '\n'])).then(|| cell.to_owned());
        };
        let inner = quoted.strip_suffix('"')?.replace("\"\"", "\u{1}");
        (!inner.contains('"')).then(|| inner.replace('\u{1}', "\""))
    }

    #[test]
    fn every_text_comes_back_out_of_its_cell_and_none_is_a_formula() {
        for text in hostile() {
            let cell = as_cell(&text);
            let found = read(&cell).unwrap_or_else(|| panic!("{text:?} became {cell:?}"));
            let first = found.trim_start_matches([' ', '\0']).chars().next();
            assert!(!matches!(first, Some('=' | '-' | '\t' | '\r' | '\n')), "{cell:?}");
            assert_eq!(
                found.strip_prefix('\'').unwrap_or(&found),
                text.strip_prefix('\'').unwrap_or(&text)
            );
        }
    }
}
