//! A target for each parser of bytes from outside: what providers, browsers, hosts' files and the
//! database give.
//!
//! A target takes any bytes and fails by a panic. Beyond "does not panic" it holds the parser to
//! what it documents: what is read and written again is the same; what is accepted satisfies its
//! constraints; nothing of the input stands in an error or in `Debug` (`quiet`); no answer moves
//! a request to another host; a conversation ends.
//!
//! `tests/corpus.rs` runs the corpus and inputs that are mutated from it with a seed; `libfuzzer/`
//! runs the same targets guided by coverage.

mod answers;
mod audit;
mod callback;
mod conversation;
mod door;
mod headers;
mod http_check;
mod identity;
mod journal;
mod json;
mod mutate;
mod names;
mod operations;
mod outbound;
mod provider;
mod registry;
mod rights;
mod signal;
mod spec;
mod vault;

use std::{error::Error as _, fmt::Debug};

pub use mutate::Mutator;
pub use vault::sealed;

/// What stands in for personal data and secrets in a corpus. It must not come out as text.
pub const CANARY: &str = "fake-canary";

/// A parser of bytes from outside, or several that read the same bytes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Target {
    /// Its name, and that of its folder in `corpus/`.
    pub name: &'static str,
    /// Runs it.
    pub run: fn(&[u8]),
    /// How many inputs of a cheap target one input of it is worth.
    pub cost: usize,
}

/// All targets, by their names.
pub const TARGETS: &[Target] = &[
    target("account_api", spec::account_api, 2),
    target("adapter", provider::adapter, 20),
    target("audit_payload", audit::payload, 1),
    target("callback", callback::callback, 4),
    target("claims", identity::claims, 2),
    target("content_disposition", headers::content_disposition, 1),
    target("cookie", door::cookie, 1),
    target("declaration", registry::declaration, 8),
    target("delivery", signal::delivery, 2),
    target("discovery", provider::discovery, 2),
    target("file_head", door::file_head, 1),
    target("file_name", headers::file_name, 1),
    target("form_post", door::form_post, 1),
    target("generic", provider::generic, 4),
    target("host_check", http_check::address, 1),
    target("host_field", vault::host_field, 2),
    target("hosts", http_check::hosts, 1),
    target("http_answer", http_check::answer, 1),
    target("id_token", identity::id_token, 2),
    target("journal_answer", journal::answer, 1),
    target("journal_entries", journal::entries, 2),
    target("journal_file", journal::file, 4),
    target("json", json::json, 1),
    target("limits", headers::limits, 2),
    target("link_token", rights::link_token, 1),
    target("mount", door::mount, 1),
    target("names", names::names, 1),
    target("next_page", headers::next_page, 2),
    target("progress", provider::progress, 4),
    target("range", rights::range, 1),
    target("recipient", rights::recipient, 1),
    target("record_body", vault::body, 1),
    target("record_facts", vault::facts, 1),
    target("return_target", door::return_target, 1),
    target("root_key", vault::root_key, 1),
    target("screening", outbound::screening, 4),
    target("sealed_record", vault::record, 2),
    target("service_request", door::service_request, 1),
    target("signing_key", door::signing_key, 4),
    target("spec", spec::spec, 8),
    target("standing", registry::standing, 1),
    target("upload_address", spec::upload_address, 2),
    target("variable", spec::variable, 2),
    target("wanted_address", door::wanted_address, 1),
    target("wrapped_key", vault::wrapped_key, 2),
];

const fn target(name: &'static str, run: fn(&[u8]), cost: usize) -> Target {
    Target { name, run, cost }
}

/// The target of a name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Holds `Debug` to say nothing of what came from outside.
fn quiet(what: &str, value: &impl Debug) {
    let text = format!("{value:?}");
    assert!(!text.contains(CANARY), "{what}: what came from outside is printed: {text}");
}

/// Holds an error, with all of its causes, to say nothing of what came from outside, and to be
/// short.
fn quiet_error(what: &str, error: &bailee_core::Error) {
    let mut text = format!("{error}\n{error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!("\n{error}\n{error:?}"));
        cause = error.source();
    }
    assert!(!text.contains(CANARY), "{what}: the error repeats what came from outside: {text}");
    assert!(text.len() < 2000, "{what}: an error of {} bytes", text.len());
}

/// The parts of an input, between lines of two percent signs.
fn sections(data: &[u8]) -> Vec<&[u8]> {
    let mark = b"\n%%\n";
    let mut found = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(mark.len()).position(|window| window == mark) {
        found.push(&rest[..at]);
        rest = &rest[at + mark.len()..];
    }
    found.push(rest);
    found
}
