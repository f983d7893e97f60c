//! What a host's start route lets through.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::{
    answer::Answer,
    connections::Connections,
    refusal::{Refusal, RefusalReason},
};

const SEC_FETCH_SITE: header::HeaderName = header::HeaderName::from_static("sec-fetch-site");

impl Connections {
    /// Looks at a request that would begin a flow, before [`Connections::begin`]: it has to be a
    /// POST that a page of the mount's own origin sent. Everything else could be made by a foreign
    /// page in a person's browser, and would connect an account that they did not ask for
    /// (RFC 9700 §4.7).
    ///
    /// `Origin` decides (RFC 6454 §7); where a browser leaves it out, `Sec-Fetch-Site` does. It
    /// stands beside the host's own protection against forged requests and authentication, not in
    /// their place.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] with the answer to send: 405 for another method, 403 for another origin or
    /// none. Nothing is written.
    pub fn admit_start(&self, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
        if method != Method::POST {
            let answer = Answer::page(StatusCode::METHOD_NOT_ALLOWED, NOT_BEGUN)
                .with_header(header::ALLOW, HeaderValue::from_static("POST"));
            return Err(Refusal::new(RefusalReason::MethodNotAllowed).with_answer(answer));
        }
        let own = self.engine.0.mount.origin();
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let same = match (origins.next(), origins.next()) {
            (Some(origin), None) => origin.as_bytes() == own.as_bytes(),
            (None, _) => headers
                .get_all(&SEC_FETCH_SITE)
                .iter()
                .eq([&HeaderValue::from_static("same-origin")]),
            (Some(_), Some(_)) => false,
        };
        if same {
            return Ok(());
        }
        let answer = Answer::page(StatusCode::FORBIDDEN, NOT_BEGUN);
        Err(Refusal::new(RefusalReason::ForeignOrigin).with_answer(answer))
    }
}

const NOT_BEGUN: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
<meta name=\"viewport\" content=\"width=device-width\">\n<title>Not begun</title>\n\
<h1>Nothing was begun</h1>\n\
<p>Connecting an account begins with a button in the application itself.</p>\n";
