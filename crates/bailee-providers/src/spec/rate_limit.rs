//! How rate limits are told, and what they are counted for.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::{
    check::{Check, seconds},
    file::FileRateLimit,
};

/// How rate limits are told, and what they are counted for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimitFacts {
    /// What the provider counts requests to its API for.
    pub scope: LimitScope,
    /// The header that says how many requests are left. At none, nothing is sent until the reset.
    pub remaining_header: Option<String>,
    /// The header that says when the limit is lifted, for answers without `Retry-After`.
    pub reset_header: Option<String>,
    /// How that header tells the time; by the look of it where this is missing.
    pub reset_format: Option<ResetFormat>,
    /// How long to wait where neither is there.
    pub wait: Option<Duration>,
    /// How many requests to its API we send at most, where the provider documents a number.
    pub ceiling: Option<Ceiling>,
}

/// What a provider counts requests for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LimitScope {
    /// An account, so that one which is busy holds up no other.
    Account,
    /// The registration: all of its connections share what there is.
    #[default]
    Registration,
}

/// How a header tells when a limit is lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResetFormat {
    /// Seconds from now.
    DeltaSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
    /// Seconds since 1970.
    EpochSeconds,
    /// A date and time with its offset (RFC 3339, which most texts of ISO 8601 are), or one in UTC
    /// without seconds.
    Rfc3339,
}

/// So many requests in so long a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ceiling {
    /// How many, and how many at once.
    pub requests: u32,
    /// In how long a time.
    pub window: Duration,
}

impl Check<'_> {
    pub(super) fn rate_limit(&mut self, file: FileRateLimit) -> RateLimitFacts {
        for header in file.remaining_header.iter().chain(&file.reset_header) {
            if http::HeaderName::from_bytes(header.get_ref().as_bytes()).is_err() {
                self.fault(
                    header.span(),
                    format_args!("`{}` is not the name of a header", header.get_ref()),
                );
            }
        }
        if let Some(header) = &file.remaining_header
            && file.reset_header.is_none()
        {
            self.fault(header.span(), "`remaining_header` needs a `reset_header`");
        }
        if let Some(format) = &file.reset_format
            && file.reset_header.is_none()
        {
            self.fault(format.span(), "`reset_format` needs a `reset_header`");
        }
        let ceiling = match (&file.requests, &file.seconds) {
            (Some(requests), Some(window)) => {
                for number in [requests, window].into_iter().filter(|n| *n.get_ref() == 0) {
                    self.fault(number.span(), "a ceiling of nothing lets nothing through");
                }
                Some(Ceiling { requests: *requests.get_ref(), window: seconds(*window.get_ref()) })
            }
            (None, None) => None,
            (Some(number), None) | (None, Some(number)) => {
                self.fault(number.span(), "a ceiling is `requests` in so many `seconds`");
                None
            }
        };
        RateLimitFacts {
            scope: file.scope,
            remaining_header: file.remaining_header.map(Spanned::into_inner),
            reset_header: file.reset_header.map(Spanned::into_inner),
            reset_format: file.reset_format.map(Spanned::into_inner),
            wait: file.wait_seconds.map(seconds),
            ceiling,
        }
    }
}
