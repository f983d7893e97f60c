//! An answer.

use std::fmt;

use http::{HeaderMap, StatusCode};
use zeroize::Zeroizing;

/// An answer: any status but a redirect.
///
/// `Debug` shows the status alone: headers and bodies come from outside and may hold secrets.
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers, each value marked sensitive.
    pub headers: HeaderMap,
    /// The body in one buffer that is wiped on drop.
    pub body: Zeroizing<Vec<u8>>,
}

impl Response {
    /// An answer; its header values become sensitive.
    pub fn new(status: StatusCode, mut headers: HeaderMap, body: Zeroizing<Vec<u8>>) -> Self {
        headers.values_mut().for_each(|value| value.set_sensitive(true));
        Self { status, headers, body }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Whether an answer is one that this crate gives an error for: 3xx, without "not modified", and
/// for a request that [resumes](crate::Request::resumes) without a 308 that leads nowhere.
#[cfg(any(feature = "reqwest", feature = "testing"))]
pub(crate) fn is_redirect(status: StatusCode, headers: &HeaderMap, resumes: bool) -> bool {
    let incomplete = resumes
        && status == StatusCode::PERMANENT_REDIRECT
        && !headers.contains_key(http::header::LOCATION);
    status.is_redirection() && status != StatusCode::NOT_MODIFIED && !incomplete
}
