//! Lists that come page by page.

use std::fmt;

use crate::operation::Operation;

/// One page of a list, and where the next one begins.
///
/// `Debug` shows how many items there are and whether more follow.
#[derive(Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it, in the provider's order. A page may be empty although more follow.
    pub items: Vec<T>,
    /// Where the next page begins; none after the last one.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// A page with the text that a provider gave for the next one. Many give an empty text where
    /// there is none.
    pub fn new(items: Vec<T>, next: Option<String>) -> Self {
        Self { items, next: next.filter(|text| !text.is_empty()).map(Cursor::new) }
    }

    /// The last page.
    pub fn last(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

impl<T> fmt::Debug for Page<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("items", &self.items.len())
            .field("next", &self.next.is_some())
            .finish()
    }
}

/// Where a list goes on: a text of the provider's that means something to its own operation alone.
///
/// It may hold personal data, so `Debug` shows nothing of it. A host may keep it, sealed, and go on
/// from there later.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Cursor(String);

impl Cursor {
    /// A cursor that a provider gave. What comes as an address goes through
    /// [`Cursor::of_address`] instead.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the operation that it belongs to.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cursor([redacted])")
    }
}

/// An operation that reads a list page by page.
///
/// Its effect *must* be [`Effect::Read`](bailee_core::Effect::Read): the driver asks for the same
/// page again after faults that pass.
///
/// ```
/// # use bailee_core::*;
/// # use bailee_providers::*;
/// # struct ListNotes { cursor: Option<Cursor> }
/// # static FACTS: OperationFacts = OperationFacts {
/// #     name: "notes.list", provider: ProviderId::from_static("notes"), scopes: &[],
/// #     effect: Effect::Read, method: http::Method::GET, path: "/notes", sends: &[],
/// #     reads: &["content"], credential: CredentialName::from_static("main"),
/// # };
/// # #[derive(serde::Deserialize)]
/// # struct Wire { notes: Vec<String>, next: Option<String> }
/// impl Operation for ListNotes {
///     type Output = Page<String>;
///
///     fn facts(&self) -> &OperationFacts {
///         &FACTS
///     }
///
///     fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Page<String>>> {
///         let mut call = JsonCall::new(cx, &FACTS);
///         if let Some(cursor) = &self.cursor {
///             call = call.query("page_token", cursor.as_str());
///         }
///         call.read(|wire: Wire| Ok(Page::new(wire.notes, wire.next)))
///     }
/// }
///
/// impl Paged for ListNotes {
///     type Item = String;
///
///     fn after(&self, cursor: Cursor) -> Self {
///         Self { cursor: Some(cursor) }
///     }
/// }
/// ```
pub trait Paged: Operation<Output = Page<<Self as Paged>::Item>> + Sized {
    /// What the list is made of.
    type Item: Send;

    /// The same operation for the page that begins at the cursor. Everything else that was asked
    /// for (a filter, a page's size) *must* stay.
    fn after(&self, cursor: Cursor) -> Self;
}
