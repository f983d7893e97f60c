//! What the records of notices hold, as JSON behind a schema number.

use bailee_core::{Error, ErrorKind, Id, Locale, Result, Timestamp};
use bailee_registry::versions::Way;
use bailee_vault::Facts;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use time::Date;

use super::post::Posting;

/// The schema that this release writes.
pub(crate) const SCHEMA: u16 = 1;

/// `announcement`. The texts of both declarations are parts beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct AnnouncementBody {
    pub(super) operator: Id,
    #[serde(with = "hex")]
    pub(super) was: [u8; 32],
    #[serde(with = "hex")]
    pub(super) is: [u8; 32],
    pub(super) announced_at: Timestamp,
    #[serde(with = "day")]
    pub(super) effective: Date,
    /// After which entry of the tenants it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<Id>,
    pub(super) tenants: u64,
    pub(super) done: bool,
}

/// `announcement.spread`: how far it came among a tenant's people.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct SpreadBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<Id>,
    /// How many people are told.
    pub(super) told: u64,
    /// How many are not concerned.
    pub(super) others: u64,
    /// Of how many the standing could not be read: nobody knows whether they are to be told.
    pub(super) unreadable: u64,
    pub(super) done: bool,
}

/// `notice`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NoticeBody {
    pub(super) announcement: Id,
    #[serde(with = "hex")]
    pub(super) version: [u8; 32],
    pub(super) by_message: bool,
    #[serde(flatten)]
    pub(super) posting: Posting,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shown: Option<ShownBody>,
}

/// That it was shown in the application.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ShownBody {
    pub(super) at: Timestamp,
    pub(super) locale: Locale,
    #[serde(with = "hex")]
    pub(super) text: [u8; 32],
}

impl NoticeBody {
    pub(super) fn way(&self) -> Way {
        if self.by_message { Way::ByMessage } else { Way::InApplication }
    }
}

/// Reads facts that this release or one before it wrote.
pub(crate) fn decode<T: DeserializeOwned>(facts: &Facts) -> Result<T> {
    if facts.schema() > SCHEMA {
        return Err(Error::new(ErrorKind::UnknownSchema));
    }
    facts.json()
}

/// 64 hexadecimal digits.
pub(crate) mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(digest: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        let mut digest = [0; 32];
        if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(D::Error::custom("not a digest"));
        }
        for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
            let pair = text.get(at..at + 2).ok_or_else(|| D::Error::custom("not a digest"))?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| D::Error::custom("not a digest"))?;
        }
        Ok(digest)
    }
}

/// A day as `2026-05-01`.
pub(crate) mod day {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use time::{Date, macros::format_description};

    pub(crate) fn serialize<S: Serializer>(day: &Date, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(day)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
        let text = String::deserialize(from)?;
        let form = format_description!("[year]-[month]-[day]");
        Date::parse(&text, form).map_err(|_| D::Error::custom("not a day"))
    }
}
