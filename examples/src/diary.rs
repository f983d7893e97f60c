//! A provider of the host's own: facts in `diary.toml`, one step that differs, two operations.
//!
//! It is put through the same list and the same cases as the adapters of the libraries; see
//! `tests/diary.rs`.

use bailee::{
    ProviderId,
    core::{CredentialName, Effect, ScopeName},
    providers::{
        Alive, Context, Cursor, Endpoint, FailureKind, JsonCall, Operation, OperationFacts, Page,
        Paged, Provider, Request, Spec, Step, Value, classify, once,
    },
};
use http::Method;
use serde::Deserialize;

/// The provider.
#[derive(Clone, Debug)]
pub struct Diary {
    spec: Spec,
}

impl Diary {
    /// The provider with the facts of its file.
    ///
    /// # Errors
    ///
    /// Says every fault of the file with its line.
    pub fn new() -> bailee::Result<Self> {
        Ok(Self { spec: Spec::parse(include_str!("../diary.toml"))? })
    }
}

impl Provider for Diary {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Where it differs: introspection is kept for the provider's own services, so that whether a
    /// grant lives is asked with the smallest read that there is.
    fn liveness(&self, cx: &Context<'_>) -> Box<dyn Step<Alive>> {
        let request = cx.api().cloned().map(|mut url| {
            url.set_path("/api/notes");
            Request::new(Method::GET, url, Endpoint::Api, Effect::Read)
                .with_query("limit", Value::text("1"))
                .with_bearer()
        });
        once(cx, request, |spec, answer| match classify(spec, answer) {
            None => Ok(Alive::Yes),
            Some(failure) if failure.kind == FailureKind::AccessRejected => Ok(Alive::No),
            Some(failure) => Err(failure),
        })
    }
}

/// The entries of a diary, page by page.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    after: Option<Cursor>,
}

/// One entry. It is personal data: `Debug` shows its id alone.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// Its id.
    pub id: u64,
    /// What stands in it.
    pub text: String,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("id", &self.id).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Listed {
    notes: Vec<Entry>,
    next: Option<String>,
}

impl Operation for Entries {
    type Output = Page<Entry>;

    fn facts(&self) -> &OperationFacts {
        static FACTS: OperationFacts = OperationFacts {
            name: "diary.entries",
            provider: ProviderId::from_static("diary"),
            scopes: &[ScopeName::from_static("notes.read")],
            effect: Effect::Read,
            method: Method::GET,
            path: "/notes",
            sends: &[],
            reads: &["content"],
            credential: CredentialName::from_static("user"),
        };
        &FACTS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Page<Entry>>> {
        let call = JsonCall::new(cx, self.facts()).query("limit", "10");
        let call = match &self.after {
            Some(cursor) => call.query("cursor", cursor.as_str()),
            None => call,
        };
        call.read(|listed: Listed| Ok(Page::new(listed.notes, listed.next)))
    }
}

impl Paged for Entries {
    type Item = Entry;

    fn after(&self, cursor: Cursor) -> Self {
        Self { after: Some(cursor) }
    }
}
