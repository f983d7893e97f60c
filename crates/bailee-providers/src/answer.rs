//! An answer, as a step is given it.

use std::fmt;

use bailee_core::Timestamp;
use http::{HeaderMap, StatusCode};
use zeroize::Zeroizing;

/// An answer of a provider. `Debug` shows its status alone.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, after decompression and within the request's limit.
    pub body: Zeroizing<Vec<u8>>,
    /// When it was received.
    pub now: Timestamp,
}

impl Answer {
    /// An answer that was received now.
    pub fn new(
        status: StatusCode,
        headers: HeaderMap,
        body: Zeroizing<Vec<u8>>,
        now: Timestamp,
    ) -> Self {
        Self { status, headers, body, now }
    }

    /// A header as text, whatever the case of its name. The first one counts; one that is not
    /// visible ASCII does not.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the body says that it is JSON: `application/json` or a type ending in `+json`, with
    /// any parameters.
    pub fn is_json(&self) -> bool {
        self.has_media_type(|essence| {
            essence.eq_ignore_ascii_case("application/json")
                || (essence.len() > 5
                    && essence.is_char_boundary(essence.len() - 5)
                    && essence[essence.len() - 5..].eq_ignore_ascii_case("+json"))
        })
    }

    pub(crate) fn is_form(&self) -> bool {
        self.has_media_type(|essence| {
            essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
    }

    fn has_media_type(&self, wanted: impl FnOnce(&str) -> bool) -> bool {
        self.header("content-type")
            .and_then(|value| value.split(';').next())
            .is_some_and(|essence| wanted(essence.trim()))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status.as_u16()).finish_non_exhaustive()
    }
}
