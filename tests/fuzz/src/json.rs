//! The strict JSON reader.

use serde_json::Value;

/// What it takes, `serde_json` takes too and reads alike; what it refuses beyond that is deep, wide
/// or nothing.
pub(crate) fn json(data: &[u8]) {
    let ours = bailee_providers::fuzzing::json(data);
    let theirs = serde_json::from_slice::<Value>(data);
    match (ours, theirs) {
        (Some(ours), Ok(theirs)) => assert_eq!(ours, theirs),
        (Some(_), Err(error)) => {
            // A number that no float can hold is a number all the same.
            assert!(error.to_string().starts_with("number out of range"), "{error}");
        }
        (None, Ok(theirs)) => {
            let commas = data.iter().filter(|byte| **byte == b',').count();
            assert!(depth(&theirs) > 32 || commas >= 512, "a document is refused");
        }
        (None, Err(_)) => {}
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
