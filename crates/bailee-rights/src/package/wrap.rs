//! What makes a file for a person's own key of a package.

use bailee_core::{SubjectId, TenantId};
use serde::{Deserialize, Serialize};

/// What the encrypted file begins with, and the key of the rest. The key is sealed under the key of the
/// person whose package it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wrap {
    pub(super) tenant: TenantId,
    pub(super) subject: SubjectId,
    #[serde(with = "written")]
    pub(super) opening: Vec<u8>,
    #[serde(with = "written")]
    pub(super) key: Vec<u8>,
}

/// Bytes as base64.
mod written {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(|_| D::Error::custom("this is no base64"))
    }
}
