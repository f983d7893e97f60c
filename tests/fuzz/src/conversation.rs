//! Conversations with a provider that may answer anything.

use std::{fmt::Debug, time::Duration};

use bailee_core::{Effect, Error, SecretText};
use bailee_providers::{
    Context, Download, Endpoint, Failure, FieldOperation, Fields, Input, Next, Operation, Page,
    Paged, Payload, Progress, Publish, PublishNext, Request, Step, Target, Transfer, Value,
};
use url::Url;

use crate::{answers::Answers, quiet, quiet_error};

/// No conversation takes more requests: whoever asks until an answer changes would ask for ever.
const LONGEST: usize = 300;

/// Speaks with one provider.
pub(crate) struct Conversation<'a> {
    pub(crate) cx: Context<'a>,
    pub(crate) answers: &'a mut Answers,
    /// What the provider's signatures are said to be.
    pub(crate) verified: bool,
}

impl Conversation<'_> {
    /// Drives a step to its end.
    pub(crate) fn step<T>(&mut self, what: &str, mut step: Box<dyn Step<T>>) -> Option<T> {
        self.answers.again();
        let mut input = Input::Start;
        for _ in 0..LONGEST {
            input = match step.next(input) {
                Ok(Next::Done(value)) => return Some(value),
                Ok(Next::Send(request)) => {
                    self.request(what, &request, None);
                    Input::Answer(self.answers.next())
                }
                Ok(Next::Verify(signed)) => {
                    // Whatever key a provider publishes, checking with it ends in yes or no.
                    bailee_connect::fuzzing::verify(&signed);
                    quiet(what, &signed);
                    Input::Verified(self.verified)
                }
                Ok(Next::Wait(wait)) => {
                    self.answers.wait(wait);
                    Input::Elapsed
                }
                Ok(_) => panic!("{what}: a new kind of wish"),
                Err(failure) => {
                    harmless(what, &failure);
                    return None;
                }
            };
        }
        panic!("{what}: the conversation does not end");
    }

    /// An operation whose outcome shows nothing of what is in it.
    pub(crate) fn operation<O: Operation>(&mut self, operation: &O) -> Option<O::Output>
    where
        O::Output: Debug,
    {
        let outcome = self.bare(operation);
        if let Some(outcome) = &outcome {
            quiet(operation.facts().name, outcome);
        }
        outcome
    }

    /// An operation that sends fields of text.
    pub(crate) fn fields<O: FieldOperation>(&mut self, operation: &O, fields: &Fields)
    where
        O::Output: Debug,
    {
        let name = operation.facts().name;
        let step = operation.start(&self.cx, fields);
        if let Some(outcome) = self.step(name, step) {
            quiet(name, &outcome);
        }
    }

    /// An operation whose outcome is shown as it is: ids, or words that are not about a person.
    pub(crate) fn bare<O: Operation>(&mut self, operation: &O) -> Option<O::Output> {
        let step = operation.start(&self.cx);
        self.step(operation.facts().name, step)
    }

    /// A list, and its next page where there is one.
    pub(crate) fn paged<O: Paged>(&mut self, operation: &O) {
        let name = operation.facts().name;
        let Some(Page { next, .. }) = self.pages(operation) else { return };
        let Some(cursor) = next else { return };
        assert!(!cursor.as_str().is_empty(), "{name}: an empty cursor");
        self.pages(&operation.after(cursor));
    }

    fn pages<O: Paged>(&mut self, operation: &O) -> Option<Page<O::Item>> {
        let page = self.bare(operation)?;
        quiet(operation.facts().name, &page);
        Some(page)
    }

    /// A download: its request, and what an answer to that means.
    pub(crate) fn download(&mut self, download: &dyn Download) {
        let name = download.facts().name;
        let Some(Transfer { request, file, .. }) = self.step(name, download.start(&self.cx)) else {
            return;
        };
        self.request(name, &request, None);
        quiet(name, &file);
        if let Some(failure) = download.classify(self.cx.spec, &self.answers.next()) {
            harmless(name, &failure);
        }
    }

    /// A publication from its beginning, and what is done where an answer was lost.
    pub(crate) fn publish(&mut self, publication: &dyn Publish) {
        self.answers.again();
        let open = self.follow(publication, Progress::default(), true);
        for progress in open {
            self.answers.again();
            self.follow(publication, progress, false);
        }
    }

    /// Drives a publication, and gives what it would be recovered with at each request that must
    /// not be repeated.
    pub(crate) fn follow(
        &mut self,
        publication: &dyn Publish,
        mut progress: Progress,
        fresh: bool,
    ) -> Vec<Progress> {
        let name = publication.facts().name;
        let mut open = Vec::new();
        let mut input = Input::Start;
        for _ in 0..LONGEST {
            self.cx.now = self.answers.now();
            input = match publication.next(&self.cx, &progress, input) {
                Ok(PublishNext::Send(request)) => {
                    self.request(name, &request, progress.secret.as_ref());
                    self.media(name, publication, &request);
                    if request.effect == Effect::Effect {
                        assert!(fresh, "{name}: what may have happened is sent once more");
                        open.extend(publication.recover(&progress, self.cx.now));
                    }
                    Input::Answer(self.answers.next())
                }
                Ok(PublishNext::Save(saved)) => {
                    quiet(name, &saved);
                    progress = saved;
                    Input::Start
                }
                Ok(PublishNext::Wait(wait)) => {
                    assert!(wait <= Duration::from_secs(24 * 3600), "{name}: a wait of {wait:?}");
                    self.answers.wait(wait);
                    Input::Elapsed
                }
                Ok(PublishNext::Published { .. }) => break,
                Ok(PublishNext::Failed(failure) | PublishNext::Unknown(failure)) => {
                    harmless(name, &failure);
                    break;
                }
                Ok(_) => panic!("{name}: a new kind of wish"),
                Err(failure) => {
                    harmless(name, &failure);
                    if !failure.is_transient() {
                        break;
                    }
                    self.answers.wait(failure.retry_after.unwrap_or(Duration::from_secs(1)));
                    Input::Start
                }
            };
        }
        open
    }

    /// Holds a request to the spec's hosts, whatever was answered before it.
    fn request(&self, what: &str, request: &Request, secret: Option<&SecretText>) {
        let spec = self.cx.spec;
        quiet(what, request);
        for (_, value) in request.query.iter().chain(match &request.payload {
            Payload::Form(fields) => fields.as_slice(),
            _ => &[],
        }) {
            quiet(what, value);
        }
        match &request.target {
            Target::Progress => {
                let secret = secret.expect("an upload goes to an address that was kept");
                let good = secret.expose(|address| {
                    std::str::from_utf8(address)
                        .is_ok_and(|address| spec.check_upload_address(address).is_ok())
                });
                assert!(good, "{what}: an upload to an address that was not checked");
            }
            Target::Url(url) => {
                let own = self.cx.account.and_then(|account| account.api.as_ref());
                let listed = url.host_str().is_some_and(|host| {
                    let fits = |pattern: &String| match pattern.strip_prefix("*.") {
                        Some(suffix) => {
                            host.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'))
                        }
                        None => pattern == host,
                    };
                    let listed = match request.endpoint {
                        Endpoint::Upload => spec.upload_hosts.iter().any(fits),
                        endpoint => spec.hosts_for(endpoint).iter().any(fits),
                    };
                    listed || own.and_then(Url::host_str) == Some(host)
                });
                let plain = url.scheme() == "https"
                    && url.username().is_empty()
                    && url.password().is_none()
                    && url.port().is_none()
                    && url.fragment().is_none();
                assert!(listed && plain, "{what}: a request to {:?}", url.host_str());
                let steps = url.path_segments().into_iter().flatten();
                assert!(!steps.into_iter().any(|step| matches!(step, "." | "..")));
            }
            other => panic!("{what}: a new kind of target: {other:?}"),
        }
        for (name, value) in &request.headers {
            if let Value::Text(text) = value {
                let good = http::HeaderValue::from_str(text).is_ok();
                assert!(good, "{what}: the header {name} cannot be sent");
            }
        }
    }

    fn media(&self, what: &str, publication: &dyn Publish, request: &Request) {
        if let Payload::Media { range, .. } = &request.payload {
            let size = publication.media().map_or(0, |media| media.size);
            let within = range.start < range.end && range.end <= size;
            assert!(within, "{what}: {range:?} of {size} bytes");
        }
    }
}

/// Holds a failure to say nothing of the answer and to ask for no endless wait.
pub(crate) fn harmless(what: &str, failure: &Failure) {
    quiet(what, failure);
    let wait = failure.retry_after.unwrap_or_default();
    assert!(wait <= Duration::from_secs(3600), "{what}: a wait of {wait:?}");
    quiet_error(what, &Error::from(failure.clone()));
}
