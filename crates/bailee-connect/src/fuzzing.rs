//! A door to private parsers, for this project's own fuzz targets.

use bailee_core::{Id, InstanceId, Result};
use bailee_providers::Signed;
use http::{HeaderMap, HeaderName, Uri};
use url::Url;

use crate::{
    CookiePolicy, Mount, assertion, download,
    journal::{
        Answer,
        file::{self, Mark},
    },
    posted,
    return_to::ReturnTargets,
    service, signature,
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

/// What stands in a journal's file: answers by their names, in their order.
#[derive(Debug, PartialEq, Eq)]
pub struct JournalRead {
    /// The answers that are not done, in the order in which they were written.
    pub standing: Vec<(Id, Vec<u8>)>,
    /// How long the file is up to the end of its last frame.
    pub end: usize,
    /// How many bytes before that end belong to no frame, and how many behind it.
    pub skipped: usize,
}

/// Reads the file of an instance's journal. There is nothing in one that was just begun.
///
/// # Errors
///
/// Refuses what is no such file.
pub fn journal(bytes: &[u8], instance: &InstanceId) -> Result<Option<JournalRead>> {
    let read = file::read_file(bytes, &file::header_of(instance))?;
    Ok(read.map(|read| JournalRead {
        standing: read.standing.into_iter().map(|one| (one.id, one.payload)).collect(),
        end: file::HEADER + read.end,
        skipped: read.skipped,
    }))
}

/// The header of such a file.
pub fn journal_header(instance: &InstanceId) -> Vec<u8> {
    file::header_of(instance).to_vec()
}

/// A frame with an answer, or one that says that an answer is done.
///
/// # Errors
///
/// Refuses an answer that is too long.
pub fn journal_frame(id: Id, answer: Option<&[u8]>) -> Result<Vec<u8>> {
    let mark = if answer.is_some() { Mark::Answer } else { Mark::Done };
    Ok(file::frame(mark, id, answer.unwrap_or_default())?)
}

/// An answer as the journal holds it, read and written again, and its sealed body.
///
/// # Errors
///
/// Refuses what is no answer.
pub fn journal_answer(id: Id, payload: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    let answer = Answer::parse(id, payload)?;
    Ok((answer.write()?, answer.record().body.as_bytes().to_vec()))
}
