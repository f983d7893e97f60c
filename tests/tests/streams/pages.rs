//! Lists, page by page.

use std::time::Duration;

use bailee::{
    CursorRepeats, ErrorKind, Freeze, Remedy,
    providers::{Cursor, Page, Paged, next_link},
};
use bailee_testkit::emulator::Fault;
use futures_util::{StreamExt, TryStreamExt};
use http::HeaderMap;

use super::*;

/// How the list tells where it goes on.
#[derive(Clone, Copy, Debug)]
enum Told {
    Cursor,
    Header,
    Link,
}

#[derive(Clone, Debug)]
pub(crate) struct ListNotes {
    told: Told,
    cursor: Option<Cursor>,
}

#[derive(serde::Deserialize)]
struct Wire {
    notes: Vec<Note>,
    next: Option<String>,
    #[serde(rename = "nextLink")]
    link: Option<String>,
}

#[derive(serde::Deserialize)]
struct Note {
    text: String,
}

static LIST: OperationFacts = OperationFacts {
    name: "notes.list",
    provider: PROVIDER,
    scopes: READ,
    effect: Effect::Read,
    method: Method::GET,
    path: "/notes",
    sends: &[],
    reads: &["content"],
    credential: USER,
};

impl Operation for ListNotes {
    type Output = Page<String>;

    fn facts(&self) -> &OperationFacts {
        &LIST
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Page<String>>> {
        let mut call = JsonCall::new(cx, &LIST).query("limit", "2");
        if let Some(cursor) = &self.cursor {
            call = match self.told {
                Told::Cursor => call.query("cursor", cursor.as_str()),
                Told::Header | Told::Link => call.continued(cursor),
            };
        }
        let (told, spec) = (self.told, cx.spec.clone());
        call.read_with_headers(move |wire: Wire, headers: &HeaderMap| {
            let items = wire.notes.into_iter().map(|note| note.text).collect();
            let address = match told {
                Told::Cursor => return Ok(Page::new(items, wire.next)),
                Told::Header => next_link(headers),
                Told::Link => wire.link,
            };
            let next = address.map(|address| Cursor::of_address(&spec, &["/notes"], &address));
            Ok(Page { items, next: next.transpose()? })
        })
    }
}

impl Paged for ListNotes {
    type Item = String;

    fn after(&self, cursor: Cursor) -> Self {
        Self { cursor: Some(cursor), ..self.clone() }
    }
}

pub(crate) const BY_CURSOR: ListNotes = ListNotes { told: Told::Cursor, cursor: None };

pub(crate) fn texts(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("note {n}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_read_to_its_end_however_its_next_page_is_told() {
    let scene = Scene::with_notes(5).await;
    for told in [Told::Cursor, Told::Header, Told::Link] {
        let before = scene.calls();
        let pages = scene.acting().pages(&scene.connection, ListNotes { told, cursor: None });
        let all: Vec<String> = pages.try_collect().await.unwrap();
        assert_eq!(all, texts(5), "{told:?}");
        assert_eq!(scene.calls() - before, 3, "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_for_ahead_and_each_page_is_a_disclosure() {
    let scene = Scene::with_notes(5).await;
    let (calls, disclosed) = (scene.calls(), scene.disclosed().await);
    let mut pages = scene.acting().pages(&scene.connection, BY_CURSOR);
    assert_eq!(scene.calls(), calls, "nothing before the first page");
    assert_eq!(pages.next_page().await.unwrap().unwrap(), texts(2));
    assert_eq!(scene.calls(), calls + 1);
    assert_eq!(pages.cursor().map(Cursor::as_str), Some("2"));
    assert!(!format!("{pages:?} {:?}", pages.cursor()).contains('2'));
    assert_eq!(pages.next().await.unwrap().unwrap(), "note 2", "as a stream it goes on");
    drop(pages);
    assert_eq!(scene.calls(), calls + 2, "dropped, it asks no more");
    assert_eq!(scene.disclosed().await, disclosed + 2);

    // Another process goes on where this one was.
    let operation = BY_CURSOR.after(Cursor::new("4"));
    let mut pages = scene.acting().pages(&scene.connection, operation);
    assert_eq!(pages.next_page().await.unwrap().unwrap(), ["note 4"]);
    assert!(pages.next_page().await.unwrap().is_none());
    assert!(pages.next_page().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_pages_ends_the_list_and_says_so() {
    let scene = Scene::with_notes(5).await;
    let mut pages = scene.acting().pages(&scene.connection, BY_CURSOR).limit(2);
    assert_eq!(pages.next_page().await.unwrap().unwrap().len(), 2);
    assert_eq!(pages.next_page().await.unwrap().unwrap().len(), 2);
    assert!(!pages.is_cut());
    assert!(pages.next_page().await.unwrap().is_none());
    assert!(pages.is_cut());
    assert_eq!(pages.cursor().map(Cursor::as_str), Some("4"));
    let mut whole = scene.acting().pages(&scene.connection, BY_CURSOR).limit(3);
    while whole.next_page().await.unwrap().is_some() {}
    assert!(!whole.is_cut());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_repeats_is_an_error_and_no_endless_loop() {
    let scene = Scene::with_notes(2).await;
    let before = scene.calls();
    let looping = BY_CURSOR.after(Cursor::new("again"));
    let mut pages = scene.acting().pages(&scene.connection, looping);
    assert_eq!(pages.next_page().await.unwrap().unwrap(), texts(2));
    assert_eq!(pages.next_page().await.unwrap().unwrap(), texts(2));
    let error = pages.next_page().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderRefused);
    let source = std::error::Error::source(&error).unwrap();
    assert!(source.is::<CursorRepeats>());
    assert!(pages.next_page().await.unwrap().is_none(), "it is over");
    assert_eq!(scene.calls() - before, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_passes_the_gate() {
    let scene = Scene::with_notes(5).await;
    let mut pages = scene.acting().pages(&scene.connection, BY_CURSOR);
    pages.next_page().await.unwrap().unwrap();
    let calls = scene.calls();
    scene.w.bailee.freeze(Freeze::Connection(scene.connection.clone())).await.unwrap();
    assert_eq!(pages.next_page().await.unwrap_err().kind(), ErrorKind::Frozen);
    assert_eq!(scene.calls(), calls);
    scene.w.bailee.thaw(&Freeze::Connection(scene.connection.clone())).await.unwrap();
    assert_eq!(pages.next_page().await.unwrap().unwrap(), ["note 2", "note 3"]);
    scene.w.bailee.connections().disconnect(&scene.ada, &scene.connection).await.unwrap();
    let mut rest = std::pin::pin!(pages);
    assert_eq!(rest.next().await.unwrap().unwrap_err().kind(), ErrorKind::NotFound);
    assert!(rest.next().await.is_none(), "as a stream it ends after an error");
}

#[tokio::test(flavor = "multi_thread")]
async fn out_08_a_rate_limit_stops_the_list_until_it_is_over_and_loses_nothing() {
    let scene = Scene::with_notes(5).await;
    let mut pages = scene.acting().pages(&scene.connection, BY_CURSOR);
    pages.next_page().await.unwrap().unwrap();
    let limited = Fault::RateLimited { retry_after: Some("120".into()) };
    scene.site().fault(Address::Api, limited);
    let error = pages.next_page().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.remedy(), Remedy::Wait(Duration::from_secs(120)));
    let calls = scene.calls();
    assert_eq!(pages.next_page().await.unwrap_err().kind(), ErrorKind::RateLimited);
    assert_eq!(scene.calls(), calls, "nothing leaves while the limit holds");
    scene.w.advance(Duration::from_secs(121));
    assert_eq!(pages.next_page().await.unwrap().unwrap(), ["note 2", "note 3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_asked_for_is_not_lost_with_the_future_that_asked() {
    let scene = Scene::with_notes(3).await;
    let gate = bailee_testkit::emulator::Gate::new();
    scene.site().fault(Address::Api, Fault::Held(gate.clone()));
    let mut pages = scene.acting().pages(&scene.connection, BY_CURSOR);
    let calls = scene.calls();
    tokio::select! {
        page = pages.next_page() => panic!("answered: {page:?}"),
        () = gate.until_arrived(1) => {}
    }
    gate.open();
    assert_eq!(pages.next_page().await.unwrap().unwrap(), texts(2));
    assert_eq!(scene.calls(), calls + 1, "it was asked for once");
}
