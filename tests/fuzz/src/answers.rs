//! Answers of a provider, written down.
//!
//! An input is a list of answers (between lines of `%%`): a line with the status, lines of headers,
//! an empty line, the body. A part without a status is the body of a `200` in JSON.

use std::time::Duration;

use bailee_core::Timestamp;
use bailee_providers::Answer;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use zeroize::Zeroizing;

/// When the first answer comes.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_748_779_200);

/// Answers that come one after the other; the last one comes again and again.
#[derive(Debug)]
pub(crate) struct Answers {
    written: Vec<Written>,
    next: usize,
    now: Timestamp,
}

#[derive(Debug)]
struct Written {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answers {
    pub(crate) fn read(data: &[u8]) -> Self {
        let written = crate::sections(data).into_iter().map(Written::read).collect();
        Self { written, next: 0, now: NOW }
    }

    /// Begins anew.
    pub(crate) fn again(&mut self) -> &mut Self {
        (self.next, self.now) = (0, NOW);
        self
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn wait(&mut self, wait: Duration) {
        self.now = self.now.plus(wait);
    }

    pub(crate) fn next(&mut self) -> Answer {
        let at = self.next.min(self.written.len() - 1);
        self.next += 1;
        let Written { status, headers, body } = &self.written[at];
        Answer::new(*status, headers.clone(), Zeroizing::new(body.clone()), self.now)
    }
}

impl Written {
    fn read(text: &[u8]) -> Self {
        let (first, rest) = line(text);
        let status = std::str::from_utf8(first)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .and_then(|status| StatusCode::from_u16(status).ok());
        let Some(status) = status else {
            let json = HeaderValue::from_static("application/json");
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
            return Self { status: StatusCode::OK, headers, body: text.to_vec() };
        };
        let (headers, body) = headers(rest);
        Self { status, headers, body: body.to_vec() }
    }
}

/// Lines of headers up to an empty line, and what follows it.
pub(crate) fn headers(text: &[u8]) -> (HeaderMap, &[u8]) {
    let mut headers = HeaderMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (header, behind) = line(rest);
        rest = behind;
        if header.is_empty() {
            break;
        }
        let at = header.iter().position(|byte| *byte == b':');
        let Some((name, value)) = at.map(|at| header.split_at(at)) else { continue };
        let name = HeaderName::from_bytes(name.trim_ascii());
        let value = HeaderValue::from_bytes(value[1..].trim_ascii());
        // A map holds no more than 2^15, and no client of ours reads as many.
        if let (Ok(name), Ok(value)) = (name, value)
            && headers.len() < 200
        {
            headers.append(name, value);
        }
    }
    (headers, rest)
}

/// The first line and what follows it.
pub(crate) fn line(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[]),
    }
}
