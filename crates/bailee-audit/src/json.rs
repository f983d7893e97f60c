//! JSON in one form only (RFC 8785), for what is signed and what is compared.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};

/// A JSON value that has exactly one text: no number with a fraction or an exponent, no name twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// A list.
    Array(Vec<Json>),
    /// True or false.
    Boolean(bool),
    /// A whole number. Beyond 2^53 - 1 on either side it has no text that every reader understands.
    Integer(i64),
    /// Nothing.
    Null,
    /// Names and values.
    Object(BTreeMap<String, Json>),
    /// A text.
    Text(String),
}

/// A whole number that not every reader of JSON can hold (RFC 7493 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a number has more than 53 bits")]
pub struct UnsafeInteger;

/// Bytes that are not the one form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not JSON in its canonical form")]
pub struct NotCanonical;

impl Json {
    /// An object of these names and values. Of a name that comes twice the last value counts.
    pub fn object<N: Into<String>>(members: impl IntoIterator<Item = (N, Json)>) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// A list of what can be a value.
    pub fn array<V: Into<Json>>(values: impl IntoIterator<Item = V>) -> Self {
        Self::Array(values.into_iter().map(Into::into).collect())
    }

    /// The value of a name, where this is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Self::Object(members) => members.get(name),
            _ => None,
        }
    }

    /// The text, where this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, where this is one.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The list, where this is one.
    pub fn as_array(&self) -> Option<&[Json]> {
        match self {
            Self::Array(values) => Some(values),
            _ => None,
        }
    }

    /// The one text of this value: RFC 8785, without white space, names in the order of their UTF-16.
    ///
    /// # Errors
    ///
    /// [`UnsafeInteger`].
    pub fn canonical(&self) -> Result<String, UnsafeInteger> {
        let mut out = String::new();
        self.write(&mut out, None)?;
        Ok(out)
    }

    /// The same with line breaks and two spaces a level, for people. It ends with a line break.
    ///
    /// # Errors
    ///
    /// [`UnsafeInteger`].
    pub fn indented(&self) -> Result<String, UnsafeInteger> {
        let mut out = String::new();
        self.write(&mut out, Some(0))?;
        out.push('\n');
        Ok(out)
    }

    /// Reads bytes that [`Json::canonical`] could have written, and none else.
    ///
    /// # Errors
    ///
    /// [`NotCanonical`] for everything else, and for more than a hundred levels.
    pub fn parse_canonical(bytes: &[u8]) -> Result<Self, NotCanonical> {
        let read: Self = serde_json::from_slice(bytes).map_err(|_| NotCanonical)?;
        match read.canonical() {
            Ok(text) if text.as_bytes() == bytes => Ok(read),
            _ => Err(NotCanonical),
        }
    }

    fn write(&self, out: &mut String, indent: Option<usize>) -> Result<(), UnsafeInteger> {
        match self {
            Self::Array(values) if values.is_empty() => out.push_str("[]"),
            Self::Array(values) => {
                out.push('[');
                for (n, value) in values.iter().enumerate() {
                    part(out, n, indent);
                    value.write(out, indent.map(|level| level + 1))?;
                }
                end(out, indent);
                out.push(']');
            }
            Self::Boolean(true) => out.push_str("true"),
            Self::Boolean(false) => out.push_str("false"),
            Self::Integer(number) if number.unsigned_abs() > MAX_INTEGER => {
                return Err(UnsafeInteger);
            }
            Self::Integer(number) => {
                let _ = write!(out, "{number}");
            }
            Self::Null => out.push_str("null"),
            Self::Object(members) if members.is_empty() => out.push_str("{}"),
            Self::Object(members) => {
                let mut sorted: Vec<_> = members.iter().collect();
                // The order of UTF-8, which the map has, is another one beyond U+FFFF.
                sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
                out.push('{');
                for (n, (name, value)) in sorted.into_iter().enumerate() {
                    part(out, n, indent);
                    quote(out, name);
                    out.push_str(if indent.is_some() { ": " } else { ":" });
                    value.write(out, indent.map(|level| level + 1))?;
                }
                end(out, indent);
                out.push('}');
            }
            Self::Text(text) => quote(out, text),
        }
        Ok(())
    }
}

/// What every reader holds exactly: 2^53 - 1.
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// What stands before the next value of a list or an object.
fn part(out: &mut String, n: usize, indent: Option<usize>) {
    if n > 0 {
        out.push(',');
    }
    if let Some(level) = indent {
        line(out, level + 1);
    }
}

fn end(out: &mut String, indent: Option<usize>) {
    if let Some(level) = indent {
        line(out, level);
    }
}

fn line(out: &mut String, level: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", level));
}

/// RFC 8785 §3.2.2.2: the short escapes, and others only below U+0020.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without fractions")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Boolean(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Integer(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Json, E> {
        i64::try_from(number).map(Json::Integer).map_err(|_| E::custom("a number is too large"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = from.next_element()? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Json, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = from.next_entry()? {
            if members.insert(name, value).is_some() {
                return Err(de::Error::custom("a name comes twice"));
            }
        }
        Ok(Json::Object(members))
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for Json {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<V: Into<Json>> From<Vec<V>> for Json {
    fn from(values: Vec<V>) -> Self {
        Self::array(values)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_in_the_order_of_the_standard() {
        // RFC 8785 §3.2.3, without its numbers.
        let given = "{\"\u{20ac}\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\u{fb33}\":\
                     \"Hebrew Letter Dalet With Dagesh\",\"1\":\"One\",\"\u{1f600}\":\
                     \"Emoji: Grinning Face\",\"\u{80}\":\"Control\",\"\u{f6}\":\
                     \"Latin Small Letter O With Diaeresis\"}";
        let read: Json = serde_json::from_str(given).unwrap();
        let expected = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"\u{f6}\":\
                        \"Latin Small Letter O With Diaeresis\",\"\u{20ac}\":\"Euro Sign\",\
                        \"\u{1f600}\":\"Emoji: Grinning Face\",\"\u{fb33}\":\
                        \"Hebrew Letter Dalet With Dagesh\"}";
        assert_eq!(read.canonical().unwrap(), expected);
    }

    #[test]
    fn texts_are_escaped_as_the_standard_says() {
        // RFC 8785 §3.2.2.
        let read: Json =
            serde_json::from_str(r#""\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/""#).unwrap();
        assert_eq!(read.canonical().unwrap(), "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"");
        let read: Json = serde_json::from_str(r#"[null, true, false, -1, 0]"#).unwrap();
        assert_eq!(read.canonical().unwrap(), "[null,true,false,-1,0]");
    }

    #[test]
    fn only_the_one_form_is_read() {
        let good = "{\"a\":[1,{\"b\":null}],\"c\":\"\u{e9}\"}";
        let read = Json::parse_canonical(good.as_bytes()).unwrap();
        assert_eq!(read.canonical().unwrap(), good);
        for other in [
            "",
            "{\"a\": 1}",
            "{\"b\":1,\"a\":2}",
            "{\"a\":1,\"a\":1}",
            "{\"a\":1,\"a\":2}",
            "1.0",
            "1e2",
            "-0",
            "01",
            "9007199254740992",
            "\"\\u00e9\"",
            "\"\\/\"",
            "[1]\n",
            "[1] ",
            "\u{feff}[1]",
        ] {
            assert_eq!(Json::parse_canonical(other.as_bytes()), Err(NotCanonical), "{other}");
        }
        assert!(Json::parse_canonical(&[b'"', 0xff, b'"']).is_err());
        let deep = "[".repeat(100_000);
        assert!(Json::parse_canonical(deep.as_bytes()).is_err());
    }

    #[test]
    fn a_number_of_more_than_53_bits_has_no_text() {
        let largest = (1_i64 << 53) - 1;
        assert_eq!(Json::from(largest).canonical().unwrap(), "9007199254740991");
        assert_eq!(Json::from(-largest).canonical().unwrap(), "-9007199254740991");
        for number in [largest + 1, -largest - 1, i64::MAX, i64::MIN] {
            assert_eq!(Json::array([number]).canonical(), Err(UnsafeInteger));
        }
    }

    #[test]
    fn what_people_read_is_the_same_with_lines() {
        let json = Json::object([
            ("b", Json::array([1, 2])),
            ("a", Json::object([("x", Json::Null)])),
            ("c", Json::Array(Vec::new())),
        ]);
        assert_eq!(
            json.indented().unwrap(),
            "{\n  \"a\": {\n    \"x\": null\n  },\n  \"b\": [\n    1,\n    2\n  ],\n  \"c\": []\n}\n"
        );
    }

    fn values() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            (-(1_i64 << 53) + 1..1 << 53).prop_map(Json::from),
            any::<String>().prop_map(Json::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
                prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(Json::Object),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_survives_its_text(value in values()) {
            let text = value.canonical().unwrap();
            prop_assert_eq!(Json::parse_canonical(text.as_bytes()).unwrap(), value.clone());
            let again: Json = serde_json::from_str(&value.indented().unwrap()).unwrap();
            prop_assert_eq!(again, value);
        }
    }
}
