//! A door to private parsers, for this project's own fuzz targets.

use bailee_core::{Id, Result};
use bailee_providers::Signed;
use http::{HeaderMap, HeaderName, Uri};
use url::Url;

use crate::{
    CookiePolicy, Mount, assertion, download, posted, return_to::ReturnTargets, service, signature,
    wanted_address::Asked,
};

/// Whether a signature is good.
pub fn verify(signed: &Signed) -> bool {
    signature::verify(signed)
}

/// The name of a flow's cookie.
pub fn cookie_name(policy: &CookiePolicy, flow: Id) -> String {
    policy.name(flow)
}

/// The secret in a request's cookie headers.
pub fn cookie(policy: &CookiePolicy, flow: Id, headers: &HeaderMap) -> Option<Vec<u8>> {
    policy.read(flow, headers).ok().map(|secret| secret.expose(<[u8]>::to_vec))
}

/// The address of a page that a flow may end at.
///
/// # Errors
///
/// Refuses what is no path of the host's own.
pub fn return_target(mount: &Mount, path: &str) -> Result<String> {
    let mut targets = ReturnTargets::default();
    targets.add(mount, "page", path)?;
    Ok(targets.address("page").unwrap_or_default().to_owned())
}

/// The segments of an address behind an API's.
pub fn wanted_address(uri: &Uri, api: &Url) -> Option<Vec<String>> {
    Asked::of(uri, api).map(Asked::into_segments)
}

/// The flow whose form a query fetches.
pub fn posted(query: &str) -> Option<Id> {
    posted::marked(query).ok()
}

/// Whether a body says that it is a form.
pub fn is_form(headers: &HeaderMap) -> bool {
    posted::is_form(headers)
}

/// An assertion with a key in the form in which it is sealed.
///
/// # Errors
///
/// Refuses what is no such form.
pub fn assertion(sealed: &[u8]) -> Result<Vec<u8>> {
    assertion::signed_at_epoch(sealed).map(|text| text.expose(<[u8]>::to_vec))
}

/// The part of a file that an answer says it is.
pub fn content_range(headers: &HeaderMap) -> Option<(u64, u64, Option<u64>)> {
    download::content_range(headers)
}

/// The validator of a file.
pub fn strong_tag(headers: &HeaderMap) -> Option<String> {
    download::strong_tag(headers)
}

/// The type of a file.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    download::media_type(headers)
}

/// The query of a client library's own request.
///
/// # Errors
///
/// Refuses what is not the caller's to set.
pub fn service_query(query: &str) -> Result<Vec<(String, String)>> {
    service::query(query)
}

/// The headers of such a request, with a body of a length.
///
/// # Errors
///
/// Refuses what is not the caller's to set.
pub fn service_headers(given: &HeaderMap, length: usize) -> Result<Vec<(HeaderName, String)>> {
    service::headers(given, &[http::header::USER_AGENT], length)
}
