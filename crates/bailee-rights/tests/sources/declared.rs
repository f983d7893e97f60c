//! Sources are held against the declaration.

use std::sync::Arc;

use bailee_core::{DataCategory, ErrorKind};
use bailee_registry::{DataOrigin, Declaration};
use bailee_rights::source::{
    FieldFacts, Kept, MemorySource, SourceFacts, Sources, Strategy, TableFacts,
};

use crate::memory::facts;

pub(crate) fn declaration() -> Declaration {
    Declaration::parse(include_str!("../declared/content.toml")).unwrap()
}

fn refused(sources: Vec<SourceFacts>) -> String {
    let sources = sources.into_iter().map(|facts| Arc::new(MemorySource::new(facts, 1)) as _);
    let error = Sources::new(&declaration(), sources.collect()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    error.to_string()
}

fn one(table: TableFacts) -> SourceFacts {
    SourceFacts::new("one", vec![table])
}

#[test]
fn a_declared_set_without_a_source_is_refused() {
    assert!(refused(Vec::new()).contains("no source answers for the data set `content`"));
}

#[test]
fn two_sources_of_one_name_are_refused() {
    assert!(refused(vec![facts(), facts()]).contains("two sources are called `memory`"));
}

#[test]
fn what_is_not_declared_is_refused() {
    let table = TableFacts::new("posts", "letters", Strategy::Delete);
    assert!(refused(vec![one(table)]).contains("the data set `letters` is not declared"));
    let field = FieldFacts::new("ip", DataCategory::new("device"), DataOrigin::Observed);
    let table = TableFacts::new("posts", "content", Strategy::Delete).with_field(field);
    assert!(refused(vec![one(table)]).contains("the category `device` is not declared"));
}

#[test]
fn what_is_kept_has_an_article_and_a_reason() {
    let table = TableFacts::new("bills", "content", Strategy::Keep(Kept::new("", "law", "2030")));
    assert!(refused(vec![one(table)]).contains("without an article"));
    let kept = Strategy::Keep(Kept::new("Art. 17(3)(b) GDPR", "law", "2030"));
    let table = TableFacts::new("bills", "content", kept).knowing_age();
    assert!(refused(vec![one(table)]).contains("is not erased by its age"));
    let table = TableFacts::new("bills", "content", Strategy::Null { fields: Vec::new() });
    assert!(refused(vec![one(table)]).contains("would change no field"));
}

#[test]
fn sources_that_fit_are_found_by_name() {
    let source = Arc::new(MemorySource::new(facts(), 1)) as _;
    let sources = Sources::new(&declaration(), vec![source]).unwrap();
    assert!(sources.source("memory").is_some() && sources.source("other").is_none());
    assert_eq!(format!("{sources:?}"), "[\"memory\"]");
}
