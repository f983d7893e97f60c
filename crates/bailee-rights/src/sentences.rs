//! The sentences of this crate's messages.

use std::sync::LazyLock;

use bailee_registry::Sentences;

static ENGLISH: LazyLock<Sentences> = LazyLock::new(|| {
    let sentences = Sentences::parse(include_str!("../texts/en.toml"));
    sentences.expect("the table of the crate is read by its tests")
});

/// The English sentences of the messages that this crate writes, for
/// [`Catalogue::parse_with`](bailee_registry::Catalogue::parse_with): a translation has them in the
/// same file as those of policies.
pub fn sentences() -> &'static Sentences {
    &ENGLISH
}
