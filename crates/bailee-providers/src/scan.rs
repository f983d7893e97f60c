//! A strict JSON reader for answers with secrets in them.
//!
//! It works in place on the buffer that the driver wipes. Nothing is copied but the strings that
//! are asked for, and each of those is decoded into a wiped buffer of exactly its size. Errors have
//! no content. What RFC 8259 does not allow is refused, and so is what some parsers read in
//! another way than others: text after the document, lone surrogates, raw control characters.

use zeroize::Zeroizing;

/// Bytes that are not the document that they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotJson;

/// How deep a document may nest.
const DEPTH: usize = 32;

/// How many members an object that is looked into may have.
const MEMBERS: usize = 512;

/// A value within a document that was checked.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    Array(&'a [u8]),
    Bool(bool),
    Null,
    Number(&'a str),
    Object(&'a [u8]),
    /// What stands between the quotes, escapes and all.
    String(&'a [u8]),
}

/// The members of an object, in their order, with names decoded.
pub(crate) struct Object<'a>(Vec<(Zeroizing<Vec<u8>>, Value<'a>)>);

impl<'a> Object<'a> {
    /// Reads a document that is an object.
    pub(crate) fn parse(document: &'a [u8]) -> Result<Self, NotJson> {
        match Value::parse(document)? {
            Value::Object(bytes) => Self::members(bytes),
            _ => Err(NotJson),
        }
    }

    fn members(bytes: &'a [u8]) -> Result<Self, NotJson> {
        let mut scanner = Scanner { bytes, at: 0 };
        let mut members = Vec::new();
        scanner.object(0, &mut |name, value| {
            if members.len() == MEMBERS {
                return Err(NotJson);
            }
            members.push((decode(name)?, value));
            Ok(())
        })?;
        Ok(Self(members))
    }

    /// The members, names and all.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn into_members(self) -> Vec<(Zeroizing<Vec<u8>>, Value<'a>)> {
        self.0
    }

    /// The member of a name. One that stands there twice is refused, however its name is escaped
    /// (TOK-10).
    pub(crate) fn get(&self, name: &str) -> Result<Option<Value<'a>>, NotJson> {
        let mut found = self.0.iter().filter(|(known, _)| known.as_slice() == name.as_bytes());
        let first = found.next().map(|(_, value)| *value);
        if found.next().is_some() { Err(NotJson) } else { Ok(first) }
    }

    /// Whether it has no members.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The string under a name, decoded; none where there is no such member or it is `null`.
    pub(crate) fn string(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, NotJson> {
        match self.get(name)? {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.string().map(Some).ok_or(NotJson),
        }
    }

    /// The object under a name.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Self>, NotJson> {
        match self.get(name)? {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.object().map(Some).ok_or(NotJson),
        }
    }

    /// The value at a pointer of at least one step (RFC 6901, without escapes).
    pub(crate) fn pointer(&self, pointer: &str) -> Result<Option<Value<'a>>, NotJson> {
        let steps = pointer.strip_prefix('/').ok_or(NotJson)?;
        match steps.split_once('/') {
            None => self.get(steps),
            Some((first, _)) => match self.get(first)? {
                Some(value) => value.pointer(&pointer[first.len() + 1..]),
                None => Ok(None),
            },
        }
    }
}

impl<'a> Value<'a> {
    /// Reads a document of any kind.
    pub(crate) fn parse(document: &'a [u8]) -> Result<Self, NotJson> {
        std::str::from_utf8(document).map_err(|_| NotJson)?;
        let mut scanner = Scanner { bytes: document, at: 0 };
        scanner.space();
        let value = scanner.value(0)?;
        scanner.space();
        if scanner.at == document.len() { Ok(value) } else { Err(NotJson) }
    }

    /// The value at a pointer of at least one step, through objects and arrays.
    pub(crate) fn pointer(&self, pointer: &str) -> Result<Option<Self>, NotJson> {
        match self {
            Self::Object(bytes) => Object::members(bytes)?.pointer(pointer),
            Self::Array(_) => {
                let steps = pointer.strip_prefix('/').ok_or(NotJson)?;
                let first = steps.split('/').next().unwrap_or_default();
                let element = first
                    .parse::<usize>()
                    .ok()
                    .and_then(|place| self.elements()?.into_iter().nth(place));
                match (element, &pointer[first.len() + 1..]) {
                    (Some(element), "") => Ok(Some(element)),
                    (Some(element), rest) => element.pointer(rest),
                    (None, _) => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    /// A string, decoded into a wiped buffer of exactly its size.
    pub(crate) fn string(&self) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::String(raw) => decode(raw).ok(),
            _ => None,
        }
    }

    /// A string, or a whole number as its digits: ids come in both forms.
    pub(crate) fn id_text(&self) -> Option<String> {
        match self {
            Self::Number(number) if number.bytes().all(|b| b.is_ascii_digit()) => {
                Some((*number).to_owned())
            }
            other => other.text(),
        }
    }

    /// A string that is no secret.
    pub(crate) fn text(&self) -> Option<String> {
        let bytes = self.string()?;
        std::str::from_utf8(&bytes).ok().map(ToOwned::to_owned)
    }

    /// The members of an object.
    pub(crate) fn object(&self) -> Option<Object<'a>> {
        let Self::Object(bytes) = self else { return None };
        Object::members(bytes).ok()
    }

    /// The elements of an array.
    pub(crate) fn elements(&self) -> Option<Vec<Value<'a>>> {
        let Self::Array(bytes) = self else { return None };
        let mut scanner = Scanner { bytes, at: 0 };
        let mut elements = Vec::new();
        scanner
            .array(0, &mut |value| {
                elements.push(value);
                if elements.len() > MEMBERS { Err(NotJson) } else { Ok(()) }
            })
            .ok()?;
        Some(elements)
    }
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> Result<(), NotJson> {
        if self.peek() == Some(wanted) {
            self.at += 1;
            Ok(())
        } else {
            Err(NotJson)
        }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, NotJson> {
        if depth > DEPTH {
            return Err(NotJson);
        }
        let start = self.at;
        match self.peek().ok_or(NotJson)? {
            b'{' => {
                self.object(depth, &mut |_, _| Ok(()))?;
                Ok(Value::Object(&self.bytes[start..self.at]))
            }
            b'[' => {
                self.array(depth, &mut |_| Ok(()))?;
                Ok(Value::Array(&self.bytes[start..self.at]))
            }
            b'"' => self.string().map(Value::String),
            b't' => self.word(b"true").map(|()| Value::Bool(true)),
            b'f' => self.word(b"false").map(|()| Value::Bool(false)),
            b'n' => self.word(b"null").map(|()| Value::Null),
            _ => self.number(),
        }
    }

    fn object(
        &mut self,
        depth: usize,
        each: &mut dyn FnMut(&'a [u8], Value<'a>) -> Result<(), NotJson>,
    ) -> Result<(), NotJson> {
        self.take(b'{')?;
        self.space();
        if self.take(b'}').is_ok() {
            return Ok(());
        }
        loop {
            self.space();
            let name = self.string()?;
            self.space();
            self.take(b':')?;
            self.space();
            let value = self.value(depth + 1)?;
            each(name, value)?;
            self.space();
            if self.take(b'}').is_ok() {
                return Ok(());
            }
            self.take(b',')?;
        }
    }

    fn array(
        &mut self,
        depth: usize,
        each: &mut dyn FnMut(Value<'a>) -> Result<(), NotJson>,
    ) -> Result<(), NotJson> {
        self.take(b'[')?;
        self.space();
        if self.take(b']').is_ok() {
            return Ok(());
        }
        loop {
            self.space();
            let value = self.value(depth + 1)?;
            each(value)?;
            self.space();
            if self.take(b']').is_ok() {
                return Ok(());
            }
            self.take(b',')?;
        }
    }

    /// What stands between the quotes. Escapes are checked when it is decoded as well; here they
    /// only must not hide the end.
    fn string(&mut self) -> Result<&'a [u8], NotJson> {
        self.take(b'"')?;
        let start = self.at;
        loop {
            match self.peek().ok_or(NotJson)? {
                b'"' => break,
                b'\\' => self.at += 2,
                0..0x20 => return Err(NotJson),
                _ => self.at += 1,
            }
        }
        let raw = self.bytes.get(start..self.at).ok_or(NotJson)?;
        self.at += 1;
        each_char(raw, &mut |_| {})?;
        Ok(raw)
    }

    fn word(&mut self, word: &[u8]) -> Result<(), NotJson> {
        if self.bytes[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(())
        } else {
            Err(NotJson)
        }
    }

    /// RFC 8259 §6.
    fn number(&mut self) -> Result<Value<'a>, NotJson> {
        let start = self.at;
        let _ = self.take(b'-');
        if self.take(b'0').is_err() {
            self.digits()?;
        }
        if self.take(b'.').is_ok() {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        std::str::from_utf8(&self.bytes[start..self.at]).map(Value::Number).map_err(|_| NotJson)
    }

    fn digits(&mut self) -> Result<(), NotJson> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(NotJson) } else { Ok(()) }
    }
}

/// Decodes what stands between quotes: once to learn the size, once to fill a buffer of it.
fn decode(raw: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotJson> {
    let mut size = 0;
    each_char(raw, &mut |bytes| size += bytes.len())?;
    let mut decoded = Zeroizing::new(Vec::with_capacity(size));
    each_char(raw, &mut |bytes| decoded.extend_from_slice(bytes))?;
    Ok(decoded)
}

fn each_char(raw: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<(), NotJson> {
    let mut at = 0;
    while at < raw.len() {
        if raw[at] != b'\\' {
            let run = raw[at..].iter().position(|b| *b == b'\\').unwrap_or(raw.len() - at);
            each(&raw[at..at + run]);
            at += run;
            continue;
        }
        let simple = match raw.get(at + 1).ok_or(NotJson)? {
            b'"' => b'"',
            b'\\' => b'\\',
            b'/' => b'/',
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                at += each_escape(&raw[at..], each)?;
                continue;
            }
            _ => return Err(NotJson),
        };
        each(&[simple]);
        at += 2;
    }
    Ok(())
}

/// Reads `\uXXXX`, or two of them that are a pair, and says how long it was.
fn each_escape(raw: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<usize, NotJson> {
    let first = unit(raw)?;
    let (code, length) = match first {
        0xd800..=0xdbff => {
            let second = unit(&raw[6..])?;
            if !(0xdc00..=0xdfff).contains(&second) {
                return Err(NotJson);
            }
            (0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), 12)
        }
        code => (code, 6),
    };
    let mut buffer = Zeroizing::new([0; 4]);
    let char = char::from_u32(code).ok_or(NotJson)?;
    each(char.encode_utf8(&mut *buffer).as_bytes());
    Ok(length)
}

fn unit(raw: &[u8]) -> Result<u32, NotJson> {
    if raw.get(..2) != Some(b"\\u") {
        return Err(NotJson);
    }
    raw.get(2..6).ok_or(NotJson)?.iter().try_fold(0, |code, digit| {
        char::from(*digit).to_digit(16).map(|digit| code * 16 + digit).ok_or(NotJson)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(document: &str) -> Option<Vec<u8>> {
        Object::parse(document.as_bytes()).ok()?.string("a").ok()?.map(|bytes| bytes.to_vec())
    }

    #[test]
    fn strings_are_decoded_into_buffers_of_their_size() {
        let document = r#" {"a":"x\u0041\n\"\/\\\ud83d\ude00é", "b":[1,{"a":2}]} "#;
        let decoded = Object::parse(document.as_bytes()).unwrap().string("a").unwrap().unwrap();
        assert_eq!(decoded.as_slice(), "xA\n\"/\\😀é".as_bytes());
        assert_eq!(decoded.capacity(), decoded.len());
    }

    #[test]
    fn tok_10_a_name_that_stands_twice_is_refused_however_it_is_escaped() {
        for document in [r#"{"a":"1","a":"2"}"#, r#"{"a":"1","\u0061":"2"}"#] {
            let object = Object::parse(document.as_bytes()).unwrap();
            assert!(object.get("a").is_err(), "{document}");
        }
        assert_eq!(string(r#"{"b":{"a":"1"},"a":"2"}"#), Some(b"2".to_vec()));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for document in [
            "",
            " ",
            "{",
            "}",
            "[]",
            "null",
            "{}x",
            "{} {}",
            "{'a':1}",
            "{a:1}",
            "{\"a\":1,}",
            "{\"a\"}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":.5}",
            "{\"a\":+1}",
            "{\"a\":1e}",
            "{\"a\":-}",
            "{\"a\":NaN}",
            "{\"a\":tru}",
            "{\"a\":\"",
            "{\"a\":\"\\",
            "{\"a\":\"\\\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12\"}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\\udc00\"}",
            "{\"a\":\"\\ud800\\u0041\"}",
            "{\"a\":\"\n\"}",
            "\u{feff}{}",
            "{\"a\":[1,]}",
            "{\"a\":[1 2]}",
            "{\"a\" 1}",
        ] {
            assert!(Object::parse(document.as_bytes()).is_err(), "{document:?}");
        }
        assert!(Object::parse(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn what_serde_json_reads_is_read_alike() {
        for document in [
            "{}",
            "{\"a\":-0.5e+3}",
            "{\"a\":0}",
            "{\"a\":[]}",
            "{\"a\":[[{}]],\"b\":null}",
            "{\"a\":\"\\u0000\"}",
        ] {
            assert!(serde_json::from_str::<serde_json::Value>(document).is_ok(), "{document}");
            assert!(Object::parse(document.as_bytes()).is_ok(), "{document}");
        }
    }

    /// Every change of one byte, and every cut: what is taken is what `serde_json` takes.
    #[test]
    fn no_change_of_a_document_is_read_where_another_parser_refuses_it() {
        let document =
            br#"{"a":"x\u00e9\n\ud83d\ude00", "b":[1,-0.5e3,true,null,{}],"c":{"d":""}} "#;
        let agree = |bytes: &[u8]| {
            let other = serde_json::from_slice::<serde_json::Value>(bytes);
            let taken = Object::parse(bytes).is_ok();
            assert_eq!(taken, other.is_ok_and(|value| value.is_object()), "{bytes:?}");
        };
        for at in 0..document.len() {
            agree(&document[..at]);
            for byte in 0..=u8::MAX {
                let mut changed = document.to_vec();
                changed[at] = byte;
                agree(&changed);
            }
        }
    }

    #[test]
    fn depth_is_limited() {
        let deep = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        assert!(Object::parse(deep(DEPTH).as_bytes()).is_ok());
        assert!(Object::parse(deep(DEPTH + 1).as_bytes()).is_err());
        assert!(Object::parse(deep(100_000).as_bytes()).is_err());
    }

    #[test]
    fn pointers_go_through_objects() {
        let object = Object::parse(br#"{"data":{"user":{"id":17,"name":"n"}}}"#).unwrap();
        let at = |pointer| object.pointer(pointer).unwrap();
        assert_eq!(at("/data/user/id").and_then(|id| id.id_text()).as_deref(), Some("17"));
        assert_eq!(at("/data/user/name").and_then(|id| id.id_text()).as_deref(), Some("n"));
        assert!(at("/data/nobody/id").is_none());
        assert!(object.pointer("data").is_err());
    }
}
