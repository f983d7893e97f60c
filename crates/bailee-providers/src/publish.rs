//! Publications: what takes several requests, survives a restart, and must not happen twice.

use std::{borrow::Cow, fmt, time::Duration};

use bailee_core::{SecretText, Timestamp};

use crate::{
    context::Context,
    failure::{Failure, FailureKind},
    operation::OperationFacts,
    request::Request,
    step::Input,
};

/// Something to be published, as a conversation whose state lies outside it.
///
/// The driver keeps the [`Progress`] and hands it in with each call, so that another process can go
/// on where one stopped. It begins with [`Progress::default`] and [`Input::Start`].
pub trait Publish: Send + Sync {
    /// What the operation needs and does.
    fn facts(&self) -> &OperationFacts;

    /// A digest of what is published: under one idempotency key only one thing is published, and
    /// a second call with other content is refused.
    fn digest(&self) -> [u8; 32];

    /// The bytes that the driver has to have at hand, where there are any.
    fn media(&self) -> Option<MediaFacts>;

    /// The schema of [`Progress::facts`] that this release writes. It reads earlier ones.
    fn progress_schema(&self) -> u16;

    /// Says what comes next.
    ///
    /// A request whose [`effect`](Request::effect) is `Effect` *must not* be sent again when its
    /// answer was lost: the outcome of the publication is then what [`recover`](Self::recover)
    /// leads to, or unknown. One that is `Idempotent` or
    /// `Read` *may*: the driver calls again with `Start` and the progress that it saved last.
    ///
    /// # Errors
    ///
    /// A failure here means that nothing happened and the progress stands: once its remedy is done
    /// (a refresh, a wait), the driver calls again with `Start`. A publication that is over ends
    /// with [`PublishNext::Failed`] or [`PublishNext::Unknown`] instead.
    fn next(
        &self,
        cx: &Context<'_>,
        progress: &Progress,
        input: Input,
    ) -> Result<PublishNext, Failure>;

    /// What to go on with after a request that must not be repeated has perhaps left and its answer
    /// is lost: a progress from which the provider is asked what became of it. None where nobody
    /// can tell, which is the default; the outcome is then unknown.
    ///
    /// *Must not* give a progress from which that request is sent again.
    fn recover(&self, progress: &Progress, now: Timestamp) -> Option<Progress> {
        let _ = (progress, now);
        None
    }
}

/// What is wanted next.
#[derive(Debug)]
#[non_exhaustive]
pub enum PublishNext {
    /// It failed for good; nothing was published.
    Failed(Failure),
    /// It is out. The post's id is missing where the provider gives none.
    Published {
        /// The provider's id of the post.
        post: Option<String>,
    },
    /// Keep this durably, then call again with it and `Start`.
    Save(Progress),
    /// Send this.
    Send(Request),
    /// Nobody can tell whether it was published; the person has to look.
    Unknown(Failure),
    /// Wait this long, then call again with the same progress and `Elapsed`.
    Wait(Duration),
}

impl PublishNext {
    /// Nobody can tell what became of it. The code, if there is one, says why.
    pub fn unknown(failure: Failure) -> Self {
        Self::Unknown(Failure { kind: FailureKind::Ambiguous, ..failure })
    }
}

/// How far a publication is. `Debug` shows no more than whether there is a secret.
#[derive(Default)]
#[non_exhaustive]
pub struct Progress {
    /// Facts as JSON, without a secret. Empty at the beginning.
    pub facts: Vec<u8>,
    /// A secret that belongs to it: an upload address that is its own credential, or what is still
    /// to be told the provider and is nobody else's business.
    pub secret: Option<SecretText>,
}

impl Progress {
    /// A progress out of what was stored.
    pub fn new(facts: Vec<u8>, secret: Option<SecretText>) -> Self {
        Self { facts, secret }
    }

    /// Whether nothing was done yet.
    pub fn is_beginning(&self) -> bool {
        self.facts.is_empty()
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("secret", &self.secret.is_some()).finish_non_exhaustive()
    }
}

/// The media of a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MediaFacts {
    /// Its size in bytes.
    pub size: u64,
    /// Its media type.
    pub content_type: Cow<'static, str>,
}

impl MediaFacts {
    /// Media of a size and a type.
    pub fn new(size: u64, content_type: impl Into<Cow<'static, str>>) -> Self {
        Self { size, content_type: content_type.into() }
    }
}
