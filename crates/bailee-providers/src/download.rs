//! Downloads: files of a provider's, read piece by piece.

use std::{borrow::Cow, fmt};

use crate::{
    answer::Answer, context::Context, failure::Failure, operation::OperationFacts,
    request::Request, rfc::classify, spec::SpecFacts, step::Step,
};

/// A file at a provider.
///
/// The driver runs the step, sends the request that it ends in, and hands the body on as it comes:
/// the file is never whole in memory. Most need no more than
/// [`JsonCall::download`](crate::JsonCall::download):
///
/// ```
/// # use bailee_core::*;
/// # use bailee_providers::*;
/// # struct Export { id: String }
/// # static FACTS: OperationFacts = OperationFacts {
/// #     name: "notes.export", provider: ProviderId::from_static("notes"), scopes: &[],
/// #     effect: Effect::Read, method: http::Method::GET, path: "/notes/{id}/export", sends: &[],
/// #     reads: &["content"], credential: CredentialName::from_static("main"),
/// # };
/// impl Download for Export {
///     fn facts(&self) -> &OperationFacts {
///         &FACTS
///     }
///
///     fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Transfer>> {
///         JsonCall::new(cx, &FACTS).part("id", &self.id).download(FileFacts::default())
///     }
/// }
/// ```
pub trait Download: Send + Sync {
    /// What the operation needs and does. The gate decides by this. Its effect *must* be
    /// [`Effect::Read`](bailee_core::Effect::Read).
    fn facts(&self) -> &OperationFacts;

    /// Begins the conversation that ends in the request for the file. It may ask the provider
    /// first: for the file's name, or for where it lies.
    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Transfer>>;

    /// What an answer means that is no success (its status is not 200 or 206), with the beginning
    /// of its body. By the RFCs where an adapter does not say otherwise; where it says none, the
    /// answer is taken for malformed.
    fn classify(&self, spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
        classify::answer(spec, answer)
    }
}

/// The request for a file, and what is known of the file before it is sent.
#[derive(Debug)]
#[non_exhaustive]
pub struct Transfer {
    /// The request. Its limit is the caller's to set.
    pub request: Request,
    /// What is known of the file. The answer says the rest.
    pub file: FileFacts,
    /// Whether the provider gives a part of the file (`Range`, RFC 9110 §14).
    pub ranges: bool,
}

impl Transfer {
    /// A transfer of a whole file.
    pub fn new(request: Request, file: FileFacts) -> Self {
        Self { request, file, ranges: false }
    }

    /// Says that the provider gives a part of the file too, so that a download can be resumed.
    #[must_use]
    pub fn with_ranges(mut self) -> Self {
        self.ranges = true;
        self
    }
}

/// What is known of a file. `Debug` shows its size: a name may be personal data.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileFacts {
    /// Its name as the provider says it, made safe later ([`SafeFileName`](crate::SafeFileName)).
    pub name: Option<String>,
    /// Its media type.
    pub content_type: Option<Cow<'static, str>>,
    /// Its size in bytes. A file of another size is an error, so *must not* be a guess.
    pub size: Option<u64>,
}

impl FileFacts {
    /// A file of a name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// Says its media type.
    #[must_use]
    pub fn of_type(mut self, content_type: impl Into<Cow<'static, str>>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// Says its size.
    #[must_use]
    pub fn of_size(mut self, size: u64) -> Self {
        self.size = Some(size);
        self
    }
}

impl fmt::Debug for FileFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileFacts").field("size", &self.size).finish_non_exhaustive()
    }
}
