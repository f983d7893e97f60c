//! `Content-Disposition` (RFC 6266): the name that an answer gives its body.

use http::{HeaderMap, header};

/// The name, as it stands there: hostile until it is made safe. `filename*` (RFC 8187) comes before
/// `filename`; of two that are alike the first counts.
pub(crate) fn file_name(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_DISPOSITION)?.as_bytes();
    let mut rest = Rest(value);
    rest.token();
    let (mut plain, mut extended) = (None, None);
    while let Some((name, value)) = rest.parameter() {
        if name.eq_ignore_ascii_case(b"filename*") {
            extended = extended.or_else(|| ext_value(&value));
        } else if name.eq_ignore_ascii_case(b"filename") && plain.is_none() {
            plain = Some(text(&value));
        }
    }
    extended.or(plain)
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn skip_space(&mut self) {
        self.0 = self.0.trim_ascii_start();
    }

    /// A token, or as much of one as stands here (RFC 9110 §5.6.2).
    fn token(&mut self) -> &'a [u8] {
        self.skip_space();
        let is_part = |byte: &u8| !matches!(byte, b';' | b'=' | b'"' | b' ' | b'\t');
        let end = self.0.iter().position(|byte| !is_part(byte)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        token
    }

    /// The next parameter: behind a semicolon, a name and a value.
    fn parameter(&mut self) -> Option<(&'a [u8], Vec<u8>)> {
        loop {
            let semicolon = self.0.iter().position(|byte| *byte == b';')?;
            self.0 = &self.0[semicolon + 1..];
            let name = self.token();
            self.skip_space();
            let Some(rest) = self.0.strip_prefix(b"=") else { continue };
            self.0 = rest;
            self.skip_space();
            if name.is_empty() {
                continue;
            }
            return Some((name, self.value()));
        }
    }

    fn value(&mut self) -> Vec<u8> {
        let Some(quoted) = self.0.strip_prefix(b"\"") else {
            // Many servers leave the quotes away where there are spaces.
            let end = self.0.iter().position(|byte| *byte == b';').unwrap_or(self.0.len());
            let (value, rest) = self.0.split_at(end);
            self.0 = rest;
            return value.trim_ascii_end().to_vec();
        };
        let mut value = Vec::new();
        let mut bytes = quoted.iter();
        while let Some(byte) = bytes.next() {
            match byte {
                b'"' => break,
                b'\\' => value.extend(bytes.next()),
                byte => value.push(*byte),
            }
        }
        self.0 = bytes.as_slice();
        value
    }
}

/// Bytes as text: UTF-8 as servers send it, else ISO-8859-1 as headers once were.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// A charset, a language and percent-encoded bytes (RFC 8187 §3.2). One that breaks the rules is
/// none.
fn ext_value(value: &[u8]) -> Option<String> {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    let (charset, _, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                let byte = digit(high)? * 16 + digit(low)?;
                bytes.push(u8::try_from(byte).ok()?);
                rest = tail;
            }
            (b'%', _) => return None,
            (byte, tail) if byte.is_ascii_graphic() => {
                bytes.push(*byte);
                rest = tail;
            }
            _ => return None,
        }
    }
    if charset.eq_ignore_ascii_case(b"utf-8") {
        String::from_utf8(bytes).ok()
    } else if charset.eq_ignore_ascii_case(b"iso-8859-1") {
        Some(bytes.into_iter().map(char::from).collect())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn name(value: &[u8]) -> Option<String> {
        let value = HeaderValue::from_bytes(value).unwrap();
        file_name(&HeaderMap::from_iter([(header::CONTENT_DISPOSITION, value)]))
    }

    #[test]
    fn names_are_read_as_rfc_6266_writes_them() {
        for (value, expected) in [
            // RFC 6266 §5.
            ("Attachment; filename=example.html", Some("example.html")),
            ("INLINE; FILENAME= \"an example.html\"", Some("an example.html")),
            ("attachment; filename*= UTF-8''%e2%82%ac%20rates", Some("€ rates")),
            (
                "attachment; filename=\"EURO rates\"; filename*=utf-8''%e2%82%ac%20rates",
                Some("€ rates"),
            ),
            // The other order, and the other charset of RFC 8187.
            ("attachment; filename*=UTF-8'de'%C3%A4.txt; filename=a.txt", Some("ä.txt")),
            ("attachment; filename*=iso-8859-1'en'%A3%20rates", Some("£ rates")),
            // Quotes and what is in them.
            ("attachment; filename=\"a\\\"b;c=d\"; x=y", Some("a\"b;c=d")),
            ("attachment; filename=\"a\\\\b\"", Some("a\\b")),
            ("attachment; x=\"; filename=no\"; filename=yes", Some("yes")),
            ("attachment; filename = spaced ; a=b", Some("spaced")),
            ("attachment; filename=two words.txt", Some("two words.txt")),
            // As it stands, for others to make safe.
            ("attachment; filename=\"../../etc/passwd\"", Some("../../etc/passwd")),
            ("attachment; filename*=UTF-8''..%2F..%2Fx", Some("../../x")),
            // The first of two counts.
            ("attachment; filename=one; filename=two", Some("one")),
            ("attachment; filename*=UTF-8''one; filename*=UTF-8''two", Some("one")),
            // None.
            ("attachment", None),
            ("attachment; x=y", None),
            ("", None),
            (";", None),
            ("attachment; filename", None),
            ("attachment; =x", None),
            ("attachment; filename=\"open", Some("open")),
        ] {
            assert_eq!(name(value.as_bytes()).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn an_extended_name_that_breaks_the_rules_leaves_the_plain_one() {
        for extended in [
            "%e2%82%ac",
            "UTF-8'%e2",
            "UTF-8''%e",
            "UTF-8''%zz",
            "UTF-8''%ff",
            "utf-16''%00a",
            "UTF-8''a b",
            "''a",
        ] {
            let value = format!("attachment; filename*={extended}; filename=plain.txt");
            assert_eq!(name(value.as_bytes()).as_deref(), Some("plain.txt"), "{extended}");
        }
    }

    #[test]
    fn bare_bytes_are_utf_8_or_else_latin_1() {
        assert_eq!(name("attachment; filename=\"é.txt\"".as_bytes()).as_deref(), Some("é.txt"));
        assert_eq!(name(b"attachment; filename=\"\xe9.txt\"").as_deref(), Some("é.txt"));
    }
}
