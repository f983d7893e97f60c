//! Downloads: a file's body, handed on as it comes and as long as the gate allows it.

use std::{fmt, time::Duration};

use bailee_core::{ConnectionRef, Effect, Error, ErrorKind, Monotonic, Result};
use bailee_http::{Category, Chunks, Opened, SendError, Sent};
use bailee_providers::{
    ANSWER_LIMIT, Answer, Download, FailureKind, FileFacts, Request, SafeFileName, Transfer, Value,
};
use http::{HeaderMap, StatusCode, header};
use zeroize::Zeroizing;

use crate::{
    call::Acting,
    drive::{DEADLINE, Halt, Line, Mark, OpenSecret},
    fill::Filling,
    gate::PassSecrets,
};

/// What a caller sets for a download. The defaults: a file of at most 1 GiB, an hour for the
/// whole, half a minute of silence, from the beginning.
#[derive(Clone, Debug)]
pub struct DownloadOptions {
    limit: u64,
    deadline: Duration,
    idle: Duration,
    resume: Option<ResumePoint>,
}

impl Default for DownloadOptions {
    fn default() -> Self {
        Self {
            limit: 1024 * 1024 * 1024,
            deadline: Duration::from_secs(3600),
            idle: Duration::from_secs(30),
            resume: None,
        }
    }
}

impl DownloadOptions {
    /// The largest file that is taken, in bytes.
    #[must_use]
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// How long the whole may take, the caller's own pauses included.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long the provider may be silent.
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Goes on where an earlier download stopped.
    #[must_use]
    pub fn resume(mut self, point: ResumePoint) -> Self {
        self.resume = Some(point);
        self
    }
}

/// How far a download came, and which file it was of. `Debug` shows the offset.
#[derive(Clone, PartialEq, Eq)]
pub struct ResumePoint {
    offset: u64,
    size: Option<u64>,
    /// The file's strong validator (RFC 9110 §8.8.3), quotes and all.
    tag: Option<String>,
}

impl ResumePoint {
    /// A point that a host kept: how many bytes it has. Without more to go by, that the rest is of
    /// the same file is the host's to know; [`IncomingFile::resume_point`] knows more.
    pub fn at(offset: u64) -> Self {
        Self { offset, size: None, tag: None }
    }

    /// How many bytes are there already.
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

impl fmt::Debug for ResumePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumePoint").field("offset", &self.offset).finish_non_exhaustive()
    }
}

/// A file whose body is on its way: name, media type, size, and the bytes as they come.
///
/// Memory does not grow with the file. Each piece is handed out under a pass of the gate that is
/// at most a second old: once somebody freezes, disconnects or withdraws, the next piece is an
/// error, and the connection to the provider ends. Dropping it ends that too.
///
/// `Debug` shows how far it is: a file's name may be personal data.
pub struct IncomingFile {
    acting: Acting,
    connection: ConnectionRef,
    facts: bailee_providers::OperationFacts,
    line: Line,
    seen_at: Monotonic,
    /// Gone at the end and after an error.
    body: Option<Box<dyn Chunks>>,
    /// A piece that came and waits for the gate.
    held: Option<Zeroizing<Vec<u8>>>,
    name: SafeFileName,
    content_type: Option<String>,
    size: Option<u64>,
    limit: u64,
    received: u64,
    whole: bool,
    ranges: bool,
    tag: Option<String>,
}

impl Acting {
    /// Downloads a file with the usual limits: [`DownloadOptions::default`].
    ///
    /// # Errors
    ///
    /// As [`Acting::download_with`].
    pub async fn download<D: Download>(
        &self,
        connection: &ConnectionRef,
        operation: &D,
    ) -> Result<IncomingFile> {
        self.download_with(connection, operation, DownloadOptions::default()).await
    }

    /// Downloads a file: asks, and gives what there is to read once the provider begins to answer.
    ///
    /// # Errors
    ///
    /// As [`Acting::call`] for all that is asked before the body comes, and
    /// [`ErrorKind::TooLarge`] where the size that the provider declares is over the limit;
    /// [`ErrorKind::ProviderRefused`] where it declares another size than the operation knows;
    /// [`ErrorKind::Unsupported`] for a resume that the operation does not allow, and
    /// [`ErrorKind::Conflict`] for one whose file is another by now: begin anew.
    pub async fn download_with<D: Download>(
        &self,
        connection: &ConnectionRef,
        operation: &D,
        options: DownloadOptions,
    ) -> Result<IncomingFile> {
        let facts = operation.facts();
        if facts.effect != Effect::Read {
            return Err(Error::new(ErrorKind::Configuration)
                .with_detail("an operation that downloads must do no more than read"));
        }
        let wanted = self.use_of(connection, facts);
        let pass = self.engine.pass(wanted).await?;
        self.note_exemption(connection, facts, &pass).await?;
        let line = self.engine.line_of(&pass).await?;
        self.engine.plan_renewal(connection, &pass);
        let secrets = PassSecrets::new(&line, wanted, pass);
        let actor = secrets.pass().actor.clone();
        self.engine.note_disclosure(&self.who, connection, &actor, &self.purpose, facts);
        let opened = self.open_file(connection, operation, &line, &secrets, &options).await;
        let named = |error: Error| line.name(error).with_connection(connection.connection());
        let (opened, transfer) = opened.map_err(|halt| named(line.error(halt)))?;
        let part = Part::of(&opened, &transfer, &options).map_err(named)?;
        let seen_at = secrets.pass().at;
        drop(secrets);
        let FileFacts { name, content_type, .. } = transfer.file;
        let name = match name {
            Some(name) => SafeFileName::of(&name),
            None => SafeFileName::of_headers(&opened.headers).unwrap_or_default(),
        };
        let declared = media_type(&opened.headers);
        Ok(IncomingFile {
            acting: self.clone(),
            connection: connection.clone(),
            facts: facts.clone(),
            seen_at,
            name,
            content_type: declared.or(content_type.map(std::borrow::Cow::into_owned)),
            size: part.size,
            limit: options.limit,
            received: part.offset,
            whole: false,
            ranges: transfer.ranges,
            tag: strong_tag(&opened.headers),
            body: Some(opened.body),
            held: None,
            line,
        })
    }

    async fn open_file<D: Download>(
        &self,
        connection: &ConnectionRef,
        operation: &D,
        line: &Line,
        secrets: &PassSecrets<'_>,
        options: &DownloadOptions,
    ) -> Result<(Opened, Transfer), Halt> {
        let mut refreshed = false;
        loop {
            let before = secrets.pass();
            let failure = match self.open_once(operation, line, secrets, options).await {
                Err(Halt::Provider(failure)) => failure,
                done => return done,
            };
            self.after_refusal(connection, secrets, &before, failure, &mut refreshed).await?;
        }
    }

    async fn open_once<D: Download>(
        &self,
        operation: &D,
        line: &Line,
        secrets: &PassSecrets<'_>,
        options: &DownloadOptions,
    ) -> Result<(Opened, Transfer), Halt> {
        let step = operation.start(&line.context());
        let mark = Mark::of(Effect::Read);
        let mut transfer = line.run_noting(step, secrets, DEADLINE, &mark).await?;
        if transfer.request.effect != Effect::Read {
            return Err(Halt::Local(
                Error::new(ErrorKind::Configuration)
                    .with_detail("the operation does more than it declares"),
            ));
        }
        if let Some(point) = &options.resume {
            transfer.request = in_part(transfer.request, point, transfer.ranges)?;
        }
        // What is no file is read whole, to see what it means.
        let limit = usize::try_from(options.limit).unwrap_or(usize::MAX).max(ANSWER_LIMIT);
        transfer.request.limit = limit;
        let (request, filling) = (&transfer.request, Filling::secrets(secrets));
        let opened = line.open(request, filling, options.deadline, options.idle).await?;
        if matches!(opened.status, StatusCode::OK | StatusCode::PARTIAL_CONTENT) {
            return Ok((opened, transfer));
        }
        let (status, headers) = (opened.status, opened.headers.clone());
        // Without its body it still has a status.
        let body = opened.collect(ANSWER_LIMIT).await.map(|response| response.body);
        let now = line.engine.0.clock.now();
        let answer = Answer::new(status, headers, body.unwrap_or_default(), now);
        let failure = operation.classify(&line.spec, &answer);
        let failure = failure.unwrap_or_else(|| FailureKind::Malformed.into());
        let account = OpenSecret::account(secrets);
        Err(line.refused(transfer.request.endpoint, account, failure).await)
    }
}

impl IncomingFile {
    /// The file's name, made safe.
    pub fn name(&self) -> &SafeFileName {
        &self.name
    }

    /// The media type that the provider declares, without parameters and in lower case. It is a
    /// claim: what the bytes are, only the bytes say.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// The size of the whole file in bytes, where it is known.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// How many bytes of the file are there, those before a resume included.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Where another download may go on, as long as this one is not whole; none where the
    /// operation does not allow it.
    pub fn resume_point(&self) -> Option<ResumePoint> {
        (self.ranges && !self.whole).then(|| ResumePoint {
            offset: self.received,
            size: self.size,
            tag: self.tag.clone(),
        })
    }

    /// The next piece of the body, in a buffer that is wiped; none at the end of a whole file.
    ///
    /// Dropping the future loses no piece.
    ///
    /// # Errors
    ///
    /// What the gate says, once it no longer allows the use; [`ErrorKind::ProviderUnavailable`]
    /// for a body that ends early or takes too long, [`ErrorKind::TooLarge`] for one over the
    /// limit, [`ErrorKind::ProviderRefused`] for one longer than declared. After an error there is
    /// no more of it: every further call says [`ErrorKind::ProviderUnavailable`].
    pub async fn chunk(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>> {
        if self.whole {
            return Ok(None);
        }
        let piece = self.piece().await;
        if piece.is_err() {
            // The connection ends with it.
            self.body = None;
            self.held = None;
        }
        let connection = self.connection.connection();
        piece.map_err(|error| self.line.name(error).with_connection(connection))
    }

    async fn piece(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let cut_off = || Error::from(SendError::new(Category::CutOff, Sent::Maybe));
        let body = self.body.as_mut().ok_or_else(cut_off)?;
        if self.held.is_none() {
            self.held = body.chunk().await?;
        }
        let length = self.held.as_ref().map_or(0, |piece| piece.len() as u64);
        let received = self.received.saturating_add(length);
        if received > self.limit {
            return Err(Error::new(ErrorKind::TooLarge).with_detail("the file is over the limit"));
        }
        if self.size.is_some_and(|size| received > size) {
            return Err(other_size());
        }
        let engine = &self.acting.engine;
        if !engine.is_still_good(self.seen_at) {
            let wanted = self.acting.use_of(&self.connection, &self.facts);
            self.seen_at = engine.look_again(wanted).await?;
        }
        let Some(piece) = self.held.take() else {
            if self.size.is_some_and(|size| self.received < size) {
                return Err(cut_off());
            }
            self.whole = true;
            self.body = None;
            return Ok(None);
        };
        self.received = received;
        Ok(Some(piece))
    }
}

impl fmt::Debug for IncomingFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingFile")
            .field("received", &self.received)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// Which part of the file an answer is.
struct Part {
    offset: u64,
    size: Option<u64>,
}

impl Part {
    fn of(opened: &Opened, transfer: &Transfer, options: &DownloadOptions) -> Result<Self> {
        let (offset, declared) = match &options.resume {
            None if opened.status == StatusCode::OK => (0, opened.length),
            None => return Err(other_part()),
            // The whole file, because it is another one or because ranges are unknown there.
            Some(_) if opened.status == StatusCode::OK => return Err(changed()),
            Some(point) => {
                let (start, end, total) = content_range(&opened.headers).ok_or_else(other_part)?;
                if start != point.offset || opened.length.is_some_and(|n| n != end - start) {
                    return Err(other_part());
                }
                let differs = |known: Option<u64>| known.zip(total).is_some_and(|(a, b)| a != b);
                let tag = strong_tag(&opened.headers);
                let other_tag = point.tag.is_some() && tag.is_some() && point.tag != tag;
                if differs(point.size) || other_tag {
                    return Err(changed());
                }
                if total.is_some_and(|total| total != end) {
                    // Less than the rest that was asked for.
                    return Err(other_part());
                }
                (start, total.or(Some(end)))
            }
        };
        let known = transfer.file.size;
        if known.zip(declared).is_some_and(|(known, declared)| known != declared) {
            return Err(other_size());
        }
        let size = known.or(declared);
        if size.is_some_and(|size| size > options.limit) {
            return Err(Error::new(ErrorKind::TooLarge).with_detail("the file is over the limit"));
        }
        Ok(Self { offset, size })
    }
}

/// Asks for the rest of a file (RFC 9110 §14.2), if it is still the same (§13.1.5).
fn in_part(request: Request, point: &ResumePoint, ranges: bool) -> Result<Request> {
    if !ranges {
        return Err(Error::new(ErrorKind::Unsupported)
            .with_detail("the provider does not give a part of this file"));
    }
    let range = Value::text(format!("bytes={}-", point.offset));
    let request = request.with_header(header::RANGE, range);
    Ok(match &point.tag {
        Some(tag) => request.with_header(header::IF_RANGE, Value::text(tag)),
        None => request,
    })
}

/// First byte, the one behind the last, and the whole length where it is said (RFC 9110 §14.4).
pub(crate) fn content_range(headers: &HeaderMap) -> Option<(u64, u64, Option<u64>)> {
    let value = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let total = if total == "*" { None } else { Some(total.parse::<u64>().ok()?) };
    let end = last.checked_add(1)?;
    (first <= last && total.is_none_or(|total| end <= total)).then_some((first, end, total))
}

/// A validator that is strong (RFC 9110 §8.8.1): a weak one does not promise the same bytes.
pub(crate) fn strong_tag(headers: &HeaderMap) -> Option<String> {
    let tag = headers.get(header::ETAG)?.to_str().ok()?;
    let fits = tag.len() <= 1024 && tag.len() >= 2 && tag.starts_with('"') && tag.ends_with('"');
    fits.then(|| tag.to_owned())
}

pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next()?.trim();
    let (kind, subtype) = essence.split_once('/')?;
    let is_name = |name: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
        (1..=127).contains(&name.len()) && name.bytes().all(plain)
    };
    (is_name(kind) && is_name(subtype)).then(|| essence.to_ascii_lowercase())
}

fn changed() -> Error {
    Error::new(ErrorKind::Conflict).with_detail("the file is another one than before")
}

fn other_part() -> Error {
    Error::new(ErrorKind::ProviderRefused)
        .with_detail("the provider gave another part of the file than was asked for")
}

fn other_size() -> Error {
    Error::new(ErrorKind::ProviderRefused)
        .with_detail("the file has another size than the provider said")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_part_of_a_file_is_read_as_rfc_9110_writes_it() {
        for (value, expected) in [
            ("bytes 5-9/10", Some((5, 10, Some(10)))),
            ("bytes 0-0/1", Some((0, 1, Some(1)))),
            ("bytes 5-9/*", Some((5, 10, None))),
            ("bytes */10", None),
            ("bytes 9-5/10", None),
            ("bytes 5-10/10", None),
            ("bytes -5-9/10", None),
            ("bytes 5-18446744073709551615/*", None),
            ("lines 5-9/10", None),
            ("5-9/10", None),
        ] {
            assert_eq!(content_range(&headers(header::CONTENT_RANGE, value)), expected, "{value}");
        }
    }

    #[test]
    fn media_types_and_tags_are_taken_only_in_their_form() {
        let kind = |value| media_type(&headers(header::CONTENT_TYPE, value));
        assert_eq!(kind("Image/SVG+xml; charset=utf-8").as_deref(), Some("image/svg+xml"));
        for value in ["", "text", "text/", "/html", "text/html<script>", "text/a b"] {
            assert_eq!(kind(value), None, "{value}");
        }
        let tag = |value| strong_tag(&headers(header::ETAG, value));
        assert_eq!(tag("\"a\"").as_deref(), Some("\"a\""));
        for value in ["W/\"a\"", "a", "\"", ""] {
            assert_eq!(tag(value), None, "{value}");
        }
    }
}
