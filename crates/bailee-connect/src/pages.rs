//! Lists that come page by page, each of them through the gate.

use std::{
    collections::{HashSet, VecDeque},
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bailee_core::{ConnectionRef, Effect, Error, ErrorKind, Result, Sha256};
use bailee_providers::{Cursor, Page, Paged};
use futures_util::{Stream, future::BoxFuture};

use crate::call::Acting;

/// A list at a provider, read page by page as it is asked for.
///
/// Each page is a call of its own: it passes the gate, is counted as a disclosure and meets the
/// registration's limiter. Nothing is asked for ahead, and dropping this stops it.
///
/// It is a stream of the list's items; as a stream it ends after an error. Whoever reads with
/// [`Pages::next_page`] may call again after an error whose remedy is to wait: the same page is
/// asked for again.
///
/// `Debug` shows how many pages came.
pub struct Pages<O: Paged> {
    turn: Turn<O>,
    /// Items of the last page that the stream has not given yet.
    items: VecDeque<O::Item>,
    limit: Option<usize>,
    came: usize,
    cut: bool,
    /// Whether the stream came to an error.
    broken: bool,
}

enum Turn<O: Paged> {
    /// A page was asked for.
    Asking(BoxFuture<'static, Asked<O>>),
    /// The last page that came leads nowhere.
    Failed(Error),
    /// There is no more.
    Over,
    /// The next page can be asked for.
    Ready(Box<Reader<O>>),
}

type Asked<O> = (Box<Reader<O>>, Result<Page<<O as Paged>::Item>>);

struct Reader<O> {
    acting: Acting,
    connection: ConnectionRef,
    operation: O,
    /// Hashes of the cursors that came.
    seen: HashSet<[u8; 32]>,
    /// The cursor of the page that is asked for next.
    next: Option<Cursor>,
}

/// Where a provider's list leads back to a page that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the provider's list leads back to a page that was read")]
pub struct CursorRepeats;

impl Acting {
    /// Reads a list page by page. Nothing is asked for before the first page is.
    pub fn pages<O: Paged>(&self, connection: &ConnectionRef, operation: O) -> Pages<O> {
        let reader = Reader {
            acting: self.clone(),
            connection: connection.clone(),
            operation,
            seen: HashSet::new(),
            next: None,
        };
        Pages {
            turn: Turn::Ready(Box::new(reader)),
            items: VecDeque::new(),
            limit: None,
            came: 0,
            cut: false,
            broken: false,
        }
    }
}

impl<O: Paged> Pages<O> {
    /// Ends the list after so many pages; [`Pages::is_cut`] says whether more would have followed.
    #[must_use]
    pub fn limit(mut self, pages: usize) -> Self {
        self.limit = Some(pages);
        self
    }

    /// Whether the list ended at the limit although the provider has more.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Where the page begins that would be asked for next; none at the beginning, at the end and
    /// while a page is asked for. With `operation.after(cursor)` another process goes on from there.
    pub fn cursor(&self) -> Option<&Cursor> {
        match &self.turn {
            Turn::Ready(reader) => reader.next.as_ref(),
            Turn::Asking(_) | Turn::Failed(_) | Turn::Over => None,
        }
    }
}

impl<O: Paged + 'static> Pages<O> {
    /// The next page's items; none after the last page. A page may be empty although more follow.
    ///
    /// Dropping the future loses nothing: the next call goes on with the page that was asked for.
    /// Items that the stream has not given yet come first.
    ///
    /// # Errors
    ///
    /// As [`Acting::call`]; [`ErrorKind::Configuration`] for an operation that does more than
    /// read; [`ErrorKind::ProviderRefused`] with [`CursorRepeats`] as its source where the list
    /// leads back to a page that was read, and the list is over then.
    pub async fn next_page(&mut self) -> Result<Option<Vec<O::Item>>> {
        if !self.items.is_empty() {
            return Ok(Some(self.items.drain(..).collect()));
        }
        poll_fn(|cx| self.poll_page(cx)).await
    }

    fn poll_page(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Vec<O::Item>>>> {
        loop {
            match std::mem::replace(&mut self.turn, Turn::Over) {
                Turn::Failed(error) => return Poll::Ready(Err(error)),
                Turn::Over => return Poll::Ready(Ok(None)),
                Turn::Ready(reader) if self.limit.is_some_and(|limit| self.came >= limit) => {
                    self.cut = true;
                    self.turn = Turn::Ready(reader);
                    return Poll::Ready(Ok(None));
                }
                Turn::Ready(reader) => self.turn = Turn::Asking(Box::pin(reader.ask())),
                Turn::Asking(mut asked) => {
                    let Poll::Ready((reader, page)) = asked.as_mut().poll(cx) else {
                        self.turn = Turn::Asking(asked);
                        return Poll::Pending;
                    };
                    return Poll::Ready(self.took(reader, page).map(Some));
                }
            }
        }
    }

    fn took(
        &mut self,
        mut reader: Box<Reader<O>>,
        page: Result<Page<O::Item>>,
    ) -> Result<Vec<O::Item>> {
        let Page { items, next } = match page {
            Ok(page) => page,
            Err(error) => {
                self.turn = Turn::Ready(reader);
                return Err(error);
            }
        };
        self.came += 1;
        if let Some(cursor) = next {
            if !reader.seen.insert(hash(&cursor)) {
                let error = Error::new(ErrorKind::ProviderRefused)
                    .with_source(CursorRepeats)
                    .with_provider(reader.operation.facts().provider.clone())
                    .with_connection(reader.connection.connection());
                self.turn = Turn::Failed(error);
                return Ok(items);
            }
            reader.next = Some(cursor);
            self.turn = Turn::Ready(reader);
        }
        Ok(items)
    }
}

impl<O: Paged + 'static> Reader<O> {
    async fn ask(mut self: Box<Self>) -> Asked<O> {
        if self.operation.facts().effect != Effect::Read {
            let error = Error::new(ErrorKind::Configuration)
                .with_detail("an operation that is read in pages must do no more than read");
            return (self, Err(error));
        }
        if let Some(cursor) = self.next.clone() {
            self.operation = self.operation.after(cursor);
        }
        let page = self.acting.call(&self.connection, &self.operation).await;
        (self, page)
    }
}

// Nothing in it is pinned in place: what is polled lies in a box.
impl<O: Paged> Unpin for Pages<O> {}

impl<O: Paged + 'static> Stream for Pages<O> {
    type Item = Result<O::Item>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let pages = self.get_mut();
        loop {
            if let Some(item) = pages.items.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            if pages.broken {
                return Poll::Ready(None);
            }
            match ready!(pages.poll_page(cx)) {
                Ok(Some(items)) => pages.items = items.into(),
                Ok(None) => return Poll::Ready(None),
                Err(error) => {
                    pages.broken = true;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

impl<O: Paged> fmt::Debug for Pages<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("came", &self.came).finish_non_exhaustive()
    }
}

fn hash(cursor: &Cursor) -> [u8; 32] {
    let mut hash = Sha256::default();
    hash.update(cursor.as_str().as_bytes());
    hash.finish()
}
