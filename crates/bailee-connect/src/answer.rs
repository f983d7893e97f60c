//! Answers to a browser or a provider, for the host to send as they are.

use std::{borrow::Cow, fmt};

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

/// A complete HTTP answer. `Debug` shows its status alone: the address of a redirect and a cookie
/// are secrets of the flow.
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Cow<'static, str>,
}

impl Answer {
    /// A redirect with 303, so that a POST is not repeated at the target (RFC 9700 §4.12).
    pub(crate) fn see_other(location: HeaderValue) -> Self {
        let mut answer = Self::bare(StatusCode::SEE_OTHER);
        answer.headers.insert(header::LOCATION, sensitive(location));
        answer
    }

    /// A page of ours.
    pub(crate) fn page(status: StatusCode, body: impl Into<Cow<'static, str>>) -> Self {
        Self::typed(status, "text/html; charset=utf-8", body)
    }

    /// A document for a program.
    pub(crate) fn typed(
        status: StatusCode,
        media_type: &'static str,
        body: impl Into<Cow<'static, str>>,
    ) -> Self {
        let mut answer = Self::bare(status);
        answer.body = body.into();
        answer.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        answer
    }

    /// An answer without a body.
    pub(crate) fn bare(status: StatusCode) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        Self { status, headers, body: Cow::Borrowed("") }
    }

    pub(crate) fn with_cookie(mut self, cookie: HeaderValue) -> Self {
        self.headers.append(header::SET_COOKIE, sensitive(cookie));
        self
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers, cookies and the target of a redirect among them: send them, do not log them.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The page, or nothing.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The answer in the type that web frameworks share.
    pub fn into_http<B: From<String>>(self) -> Response<B> {
        let mut response = Response::new(B::from(self.body.into_owned()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({})", self.status.as_u16())
    }
}

fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}
