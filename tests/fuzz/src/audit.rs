//! Audit entries as a store keeps them.

use bailee_core::{BatchId, Id, SubjectId, TenantId, Timestamp, audit::Entry};

use crate::{quiet, quiet_error};

const TENANT: TenantId = TenantId::from_static("acme");

/// Eight bytes of time, the length of the event's name and the name, then the payload.
pub(crate) fn payload(data: &[u8]) {
    let Some((at, rest)) = data.split_first_chunk::<8>() else { return };
    let Some((&length, rest)) = rest.split_first() else { return };
    let Some((event, payload)) = rest.split_at_checked(usize::from(length & 0x7f)) else { return };
    let subject = (length & 0x80 != 0).then(|| SubjectId::from_id(Id::from_bytes([7; 16])));
    let at = Timestamp::from_micros(i64::from_be_bytes(*at));
    let event = String::from_utf8_lossy(event).into_owned();
    let entry = match Entry::from_columns(at, event, subject, payload) {
        Ok(entry) => entry,
        Err(error) => return quiet("audit payload", &error),
    };
    assert_eq!(entry.payload(), payload, "what is read and written again is the same");
    if let Err(error) = bailee_audit::check(&entry) {
        quiet_error("audit check", &error);
    }

    let batch = BatchId::from_id(Id::from_bytes([3; 16])).id();
    let hash = entry.hash(&TENANT, batch, 0);
    let line = bailee_audit::to_line(&entry);
    assert!(line.bytes().all(|b| (0x20..0x7f).contains(&b)), "a line for people is one line");
    let json = bailee_audit::to_json_line(&TENANT, batch, 0, &entry, &hash);
    assert!(json.bytes().all(|b| (0x20..0x7f).contains(&b)), "a line of JSON is one line");
    let read: serde_json::Value = serde_json::from_str(&json).expect("a line of JSON is JSON");
    assert_eq!(read["event"].as_str(), Some(entry.event()));
    assert!(json.len() + line.len() < 1000 + 64 * data.len());
}
