//! Entries as lines: JSON for programs, words for people.

use std::fmt::{self, Write};

use bailee_core::{
    Id, TenantId,
    audit::{Entry, Field},
};

use crate::Catalogue;

/// An entry at its place as one line of JSON, without the line's end.
///
/// Members: `at` (RFC 3339), `tenant`, `batch`, `n`, `event`, `subject` (or null), `fields`,
/// `sealed` (whether there is a sealed part), `payload` (fields and sealed part as the store keeps
/// them, in hexadecimal) and `hash`. With these the hash can be computed again from the line alone.
pub fn to_json_line(
    tenant: &TenantId,
    batch: Id,
    n: u16,
    entry: &Entry,
    hash: &[u8; 32],
) -> String {
    let subject = entry.subject().map(|subject| subject.to_string());
    let fields: Vec<_> = entry
        .fields()
        .map(|(name, value)| match value {
            Field::Number(number) => format!("{}:{number}", Json(name)),
            value => format!("{}:{}", Json(name), Json(&value.to_string())),
        })
        .collect();
    format!(
        "{{\"at\":{},\"tenant\":{},\"batch\":\"{batch}\",\"n\":{n},\"event\":{},\"subject\":{},\
         \"fields\":{{{}}},\"sealed\":{},\"payload\":\"{}\",\"hash\":\"{}\"}}",
        Json(&entry.at().to_string()),
        Json(tenant.as_str()),
        Json(entry.event()),
        subject.as_deref().map_or_else(|| "null".to_owned(), |subject| Json(subject).to_string()),
        fields.join(","),
        entry.sealed().is_some(),
        Hex(&entry.payload()),
        Hex(hash),
    )
}

/// An entry as one line for a person: when, what, about whom, by whom, and the rest.
///
/// Ids and digests are cut to their first eight digits. Whatever is not printable ASCII, which only
/// an entry that was changed in the store can hold, becomes `?`.
pub fn to_line(entry: &Entry) -> String {
    let clause = Catalogue::CURRENT.event(entry.event()).map(|shape| shape.clause);
    let mut line = format!("{}  {}", entry.at(), clause.unwrap_or_else(|| entry.event()));
    if let Some(subject) = entry.subject() {
        line.push_str(", about ");
        line.push_str(&short(&subject.to_string()));
    }
    if let Some(actor) = entry.field("actor") {
        line.push_str(", by ");
        line.push_str(&actor.to_string());
    }
    let details: Vec<_> = entry
        .fields()
        .filter(|(name, _)| *name != "actor")
        .map(|(name, value)| match value {
            Field::Digest(_) | Field::Id(_) => format!("{name} {}", short(&value.to_string())),
            value => format!("{name} {value}"),
        })
        .chain(entry.sealed().map(|_| "with sealed details".to_owned()))
        .collect();
    if !details.is_empty() {
        line.push_str(" (");
        line.push_str(&details.join(", "));
        line.push(')');
    }
    line.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect()
}

/// An entry as a sentence for the person whom it is about: what happened, by whom in a word, and the
/// names and numbers that belong to it. No ids and no digests, and not who of an operator's people
/// acted.
pub fn to_sentence(entry: &Entry) -> String {
    let clause = Catalogue::CURRENT.event(entry.event()).map(|shape| shape.clause);
    let mut sentence = clause.unwrap_or_else(|| entry.event()).to_owned();
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    match entry.field("actor").map(|actor| actor.to_string()).as_deref() {
        Some("agent") => sentence.push_str(", by a program that acts for people"),
        Some("member") => sentence.push_str(", by another member"),
        Some("operator") => sentence.push_str(", by somebody who runs the service"),
        Some("provider") => sentence.push_str(", by the provider"),
        Some("schedule") => sentence.push_str(", as it was planned"),
        Some("subject") => sentence.push_str(", by you"),
        Some("system") => sentence.push_str(", by the service itself"),
        _ => {}
    }
    let details: Vec<_> = entry
        .fields()
        .filter(|(name, _)| *name != "actor")
        .filter_map(|(name, value)| match value {
            Field::Digest(_) | Field::Id(_) => None,
            value => Some(format!("{}: {value}", name.replace('_', " "))),
        })
        .collect();
    if !details.is_empty() {
        sentence.push_str(&format!(" ({})", details.join(", ")));
    }
    sentence.push('.');
    sentence.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect()
}

fn short(hex: &str) -> String {
    hex.chars().take(8).collect()
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A text as a JSON string (RFC 8259 §7), in ASCII.
struct Json<'a>(&'a str);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for unit in self.0.encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte @ (b'"' | b'\\')) => write!(f, "\\{}", char::from(byte))?,
                Ok(byte @ 0x20..=0x7e) => f.write_char(char::from(byte))?,
                _ => write!(f, "\\u{unit:04x}")?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use bailee_core::{Actor, ProviderId, SubjectId, Timestamp};
    use serde_json::{Value, json};

    use super::*;

    fn entry() -> Entry {
        Entry::new("connection.connected", Timestamp::from_micros(1_748_779_200_000_001))
            .about(SubjectId::from_id(Id::from_bytes([0xab; 16])))
            .by(&Actor::Operator { operator: Id::from_bytes([0xcd; 16]) })
            .with("connection", Id::from_bytes([0xef; 16]))
            .with("provider", &ProviderId::from_static("tiktok"))
            .with("scopes", 2_i64)
            .with("until", Timestamp::from_seconds(0))
            .with("digest", [0x11; 32])
    }

    #[test]
    fn a_sentence_is_for_the_person_and_names_nobody_else() {
        let said = to_sentence(&entry());
        assert_eq!(
            said,
            "An account was connected, by somebody who runs the service (provider: tiktok, \
             scopes: 2, until: 1970-01-01T00:00:00Z)."
        );
        let unknown = Entry::new("later.release", Timestamp::from_seconds(0));
        assert_eq!(to_sentence(&unknown), "Later.release.");
    }

    fn json(entry: &Entry) -> Value {
        let (tenant, batch) = (TenantId::from_static("acme"), Id::from_bytes([1; 16]));
        let line = to_json_line(&tenant, batch, 3, entry, &entry.hash(&tenant, batch, 3));
        assert!(!line.contains('\n') && line.is_ascii());
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn a_json_line_holds_the_whole_entry() {
        let tenant = TenantId::from_static("acme");
        let hash = entry().hash(&tenant, Id::from_bytes([1; 16]), 3);
        assert_eq!(
            json(&entry()),
            json!({
                "at": "2025-06-01T12:00:00.000001Z",
                "tenant": "acme",
                "batch": "01".repeat(16),
                "n": 3,
                "event": "connection.connected",
                "subject": "ab".repeat(16),
                "fields": {
                    "actor": "operator",
                    "operator": "cd".repeat(16),
                    "connection": "ef".repeat(16),
                    "provider": "tiktok",
                    "scopes": 2,
                    "until": "1970-01-01T00:00:00Z",
                    "digest": "11".repeat(32),
                },
                "sealed": false,
                "payload": Hex(&entry().payload()).to_string(),
                "hash": Hex(&hash).to_string(),
            })
        );
    }

    #[test]
    fn aud_02_an_entry_is_verified_from_its_json_line_alone() {
        let line = json(&entry().with_sealed(vec![1, 2, 3]));
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        let bytes: Vec<u8> = text("payload")
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        let subject: SubjectId = text("subject").parse().unwrap();
        let read = Entry::from_columns(entry().at(), text("event"), Some(subject), &bytes).unwrap();
        let tenant = TenantId::new(text("tenant")).unwrap();
        let hash = read.hash(&tenant, text("batch").parse().unwrap(), 3);
        assert_eq!(Hex(&hash).to_string(), text("hash"));
        assert_eq!(line["sealed"], true);
    }

    #[test]
    fn a_line_tells_a_person_what_happened_with_short_ids() {
        assert_eq!(
            to_line(&entry().with_sealed(vec![1])),
            "2025-06-01T12:00:00.000001Z  an account was connected, about abababab, by operator \
             (operator cdcdcdcd, connection efefefef, provider tiktok, scopes 2, \
             until 1970-01-01T00:00:00Z, digest 11111111, with sealed details)"
        );
        let bare = Entry::new("work.finished", Timestamp::from_seconds(0));
        assert_eq!(to_line(&bare), "1970-01-01T00:00:00Z  a piece of work was finished");
    }

    #[test]
    fn what_a_changed_store_holds_cannot_break_out_of_a_line() {
        let hostile = "a\n\u{1b}[31m\"},\\ \u{202e}\u{1f600}é";
        let payload = Entry::new("x", Timestamp::from_seconds(0)).with("reason", hostile).payload();
        let at = Timestamp::from_seconds(0);
        let read = Entry::from_columns(at, hostile.to_owned(), None, &payload).unwrap();
        assert_eq!(json(&read)["event"], hostile);
        assert_eq!(json(&read)["fields"]["reason"], hostile);
        assert!(to_line(&read).chars().all(|c| c == ' ' || c.is_ascii_graphic()));
    }
}
