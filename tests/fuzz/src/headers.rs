//! Headers of answers: names of files, waits, next pages.

use bailee_core::Effect;
use bailee_providers::{
    Answer, Cursor, Endpoint, JsonCall, SafeFileName, Target, Value, next_link,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use zeroize::Zeroizing;

use crate::{
    answers::{NOW, headers, line},
    conversation::harmless,
    provider::{ADAPTERS, GENERIC},
    quiet,
};

/// A value of `Content-Disposition`.
pub(crate) fn content_disposition(data: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let headers = HeaderMap::from_iter([(header::CONTENT_DISPOSITION, value)]);
    if let Some(name) = SafeFileName::of_headers(&headers) {
        safe(&name);
    }
}

/// A name as an answer's body may state it.
pub(crate) fn file_name(data: &[u8]) {
    safe(&SafeFileName::of(&String::from_utf8_lossy(data)));
}

fn safe(name: &SafeFileName) {
    quiet("file name", name);
    let text = name.as_str();
    assert!((1..=SafeFileName::LONGEST).contains(&text.len()), "{text:?}");
    assert!(!text.contains(['/', '\\', ':', '<', '>', '"', '|', '?', '*']), "{text:?}");
    assert!(!text.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)));
    assert!(!text.starts_with(['.', '-', '~', ' ']) && !text.ends_with(['.', ' ']), "{text:?}");
    let stem = text.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    assert!(!["AUX", "CON", "NUL", "PRN", "COM1", "LPT1"].contains(&stem.as_str()), "{text:?}");
    assert_eq!(SafeFileName::of(text).as_str(), text, "a second time changes nothing");
}

/// A line for `Retry-After`, one for what remains, one for the reset; then other headers. With a
/// status of 429 and as every provider reads them.
pub(crate) fn limits(data: &[u8]) {
    let (wait, rest) = line(data);
    let (remaining, rest) = line(rest);
    let (reset, rest) = line(rest);
    let (others, _) = headers(rest);
    for ready in ADAPTERS.values().chain(GENERIC.iter()) {
        let facts = &ready.spec.rate_limit;
        let mut headers = others.clone();
        let named =
            |name: &Option<String>| HeaderName::from_bytes(name.as_deref()?.as_bytes()).ok();
        for (name, value) in [
            (Some(header::RETRY_AFTER), wait),
            (named(&facts.remaining_header), remaining),
            (named(&facts.reset_header), reset),
        ] {
            if let (Some(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
                headers.insert(name, value);
            }
        }
        for status in [200, 401, 403, 429, 503] {
            let status = StatusCode::from_u16(status).expect("a status");
            let body = Zeroizing::new(Vec::new());
            ready.meaning(&Answer::new(status, headers.clone(), body, NOW));
        }
    }
}

/// A value of `Link`, then an address as a body may state it.
pub(crate) fn next_page(data: &[u8]) {
    let (link, address) = line(data);
    if let Ok(value) = HeaderValue::from_bytes(link)
        && let Some(next) = next_link(&HeaderMap::from_iter([(header::LINK, value)]))
    {
        assert!(!next.contains('>') && link.len() > next.len());
        followed(&next);
    }
    if let Ok(address) = std::str::from_utf8(address) {
        followed(address);
    }
}

fn followed(address: &str) {
    let ready = &GENERIC[0];
    let api = ready.spec.api.as_ref().expect("it has an API");
    let cursor = match Cursor::of_address(&ready.spec, &["/notes", "/notes/{id}/parts"], address) {
        Ok(cursor) => cursor,
        Err(failure) => return harmless("next page", &failure),
    };
    quiet("cursor", &cursor);
    // Another look at where it leads.
    let url = api.join(address).expect("what was taken is an address");
    assert!(url.host_str() == api.host_str() && url.scheme() == "https", "{url}");
    assert!(url.path().starts_with("/v1/"), "{url}");
    let call = JsonCall::of(&ready.context(), Method::GET, "/notes", Effect::Read);
    let request = call.continued(&cursor).into_request().expect("a call without parts");
    assert_eq!(request.endpoint, Endpoint::Api);
    let Target::Url(target) = &request.target else { panic!("a page elsewhere") };
    assert_eq!(target.as_str(), "https://api.plain.example.test/v1/notes");
    let given: Vec<_> = url.query_pairs().collect();
    for (name, value) in &request.query {
        assert!(!name.eq_ignore_ascii_case("access_token"), "a token in a query");
        let Value::Text(text) = value else { panic!("a secret in a query") };
        assert!(given.iter().any(|(known, value)| known == name && value == text));
    }
    assert!(!request.query.is_empty() && request.query.len() <= given.len());
    // A host may keep the cursor and go on later: it means the same then.
    let again = Cursor::new(cursor.as_str());
    let call = JsonCall::of(&ready.context(), Method::GET, "/notes", Effect::Read);
    let later = call.continued(&again).into_request().expect("a call without parts");
    assert!(later.query == request.query);
}
