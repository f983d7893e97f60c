//! A source that is unreachable, silent, idle, forgetful or growing never makes a request complete.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bailee_core::ErrorKind;
use bailee_rights::source::{DataSource, Manner, MemorySource, Sources};

use crate::{
    declared::declaration,
    memory::{facts, fill, whose},
};

fn source() -> Arc<MemorySource> {
    let source = MemorySource::new(facts(), 4);
    fill(&source, &whose("acme", "ada"), "canary-ada");
    Arc::new(source)
}

fn sources(source: &Arc<MemorySource>) -> Sources {
    Sources::new(&declaration(), vec![Arc::clone(source) as _]).unwrap()
}

async fn erase(source: &MemorySource) {
    while source.erase(&whose("acme", "ada")).await.unwrap().more {}
}

#[tokio::test]
async fn r3_a_second_look_is_clear_when_nothing_is_left_but_what_a_law_keeps() {
    let source = source();
    let sources = sources(&source);
    let ada = whose("acme", "ada");
    assert!(!sources.second_look(&ada).await.is_clear());
    erase(&source).await;
    let look = sources.second_look(&ada).await;
    assert!(look.is_clear(), "{look:?}");
    assert_eq!(look.open().count(), 0);
    let found = look.sources()[0].found.as_ref().unwrap();
    assert_eq!((found.left(), found.kept()), (0, 5));
}

#[tokio::test]
async fn r3_an_idle_source_that_says_done_is_found_out() {
    let source = source();
    source.behave(Manner::Idle);
    erase(&source).await;
    let look = sources(&source).second_look(&whose("acme", "ada")).await;
    assert!(!look.is_clear());
    assert_eq!(look.open().next().unwrap().source, "memory");
}

#[tokio::test]
async fn r3_a_source_that_leaves_a_table_out_did_not_answer() {
    let source = source();
    erase(&source).await;
    source.behave(Manner::Forgetful);
    let look = sources(&source).second_look(&whose("acme", "ada")).await;
    assert!(!look.is_clear());
    let error = look.sources()[0].found.as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostFailed);
}

#[tokio::test]
async fn r3_an_unreachable_source_leaves_the_request_open_though_nothing_is_left() {
    let source = source();
    erase(&source).await;
    source.behave(Manner::Unreachable);
    assert!(!sources(&source).second_look(&whose("acme", "ada")).await.is_clear());
    source.behave(Manner::Honest);
    assert!(sources(&source).second_look(&whose("acme", "ada")).await.is_clear());
}

#[test]
fn r3_a_silent_source_is_never_taken_for_an_answer() {
    let source = source();
    source.behave(Manner::Silent);
    let sources = sources(&source);
    let ada = whose("acme", "ada");
    let mut look = pin!(sources.second_look(&ada));
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..100 {
        assert!(matches!(look.as_mut().poll(&mut context), Poll::Pending));
    }
}

#[tokio::test]
async fn r3_rows_that_are_added_meanwhile_are_erased_or_seen() {
    let source = source();
    source.behave(Manner::Growing(9));
    erase(&source).await;
    let ada = whose("acme", "ada");
    assert!(sources(&source).second_look(&ada).await.is_clear());
    // One that comes after the last step is seen.
    fill(&source, &ada, "canary-late");
    assert!(!sources(&source).second_look(&ada).await.is_clear());
}

#[tokio::test]
async fn nothing_of_a_row_is_printed() {
    let source = source();
    let ada = whose("acme", "ada");
    let mut gathered = bailee_rights::source::Gathered::default();
    source.collect(&ada, &mut gathered).await.unwrap();
    let printed = format!("{:?}", gathered.table("posts")[0].values);
    assert!(printed.contains("Text") && !printed.contains("canary"), "{printed}");
}
