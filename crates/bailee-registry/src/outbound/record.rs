//! What is kept of a payload that left: names, sizes, digests, kinds. No values.

use std::collections::BTreeMap;

use bailee_core::{PurposeId, RecipientId, Sha256, Timestamp};
use serde::{Deserialize, Serialize};

use super::{fields::FieldName, finding::FindingKind, payload::Value};

/// What left for a recipient: to be kept as the record of a disclosure.
///
/// It holds no value. A digest of a short text can be guessed by whoever has an idea of the text,
/// so the record is personal data where the text was: keep it sealed under the person's key, as
/// the vault does with every record of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OutboundRecord {
    /// Who received it.
    pub recipient: RecipientId,
    /// For which purpose.
    pub purpose: PurposeId,
    /// When it was made ready.
    pub at: Timestamp,
    /// Whether a person looked at it and let it go.
    pub reviewed: bool,
    /// Each field that left.
    pub fields: BTreeMap<FieldName, SentField>,
}

/// What is kept of a field that left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SentField {
    /// How many texts it had: 1, or those of a list.
    pub items: usize,
    /// How long they were together as they left, in bytes.
    pub bytes: usize,
    /// SHA-256 over the field's name and its texts, each with its length before it.
    #[serde(with = "crate::hex")]
    pub digest: [u8; 32],
    /// What was found and left because the policy allows it, by kind and how often.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub allowed: BTreeMap<FindingKind, usize>,
    /// What was replaced before it left.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub redacted: BTreeMap<FindingKind, usize>,
    /// What a person had to look at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reviewed: BTreeMap<FindingKind, usize>,
}

impl OutboundRecord {
    /// The schema under which it is stored.
    pub const SCHEMA: u32 = 1;

    pub(super) fn new(recipient: RecipientId, purpose: PurposeId, at: Timestamp) -> Self {
        Self { recipient, purpose, at, reviewed: false, fields: BTreeMap::new() }
    }
}

impl SentField {
    pub(super) fn allow(&mut self, kind: FindingKind) {
        *self.allowed.entry(kind).or_default() += 1;
    }

    pub(super) fn review(&mut self, kind: FindingKind) {
        *self.reviewed.entry(kind).or_default() += 1;
    }

    pub(super) fn redact(&mut self, replaced: &BTreeMap<FindingKind, usize>) {
        for (kind, count) in replaced {
            *self.redacted.entry(*kind).or_default() += count;
        }
    }

    /// Measures the value as it leaves.
    pub(super) fn measure(&mut self, name: &FieldName, value: &Value) {
        let texts = match value {
            Value::List(list) => list.as_slice(),
            Value::Text(text) => std::slice::from_ref(text),
        };
        let mut digest = Sha256::default();
        for text in std::iter::once(name.as_str()).chain(texts.iter().map(String::as_str)) {
            digest.update(&(text.len() as u64).to_be_bytes());
            digest.update(text.as_bytes());
        }
        self.items = texts.len();
        self.bytes = texts.iter().map(String::len).sum();
        self.digest = digest.finish();
    }
}
