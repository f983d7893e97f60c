//! The example declarations, and changed ones.

use bailee_registry::{
    Declaration,
    versions::{Diff, Difference},
};

pub(crate) const PUBLISHER: &str = include_str!("../../examples/publisher.toml");
pub(crate) const EXPORTER: &str = include_str!("../../examples/exporter.toml");
pub(crate) const ASSISTANT: &str = include_str!("../../examples/assistant.toml");
/// A little of everything that can be declared.
pub(crate) const WHOLE: &str = include_str!("whole.toml");
pub(crate) const PRIVACY: &str = include_str!("../../examples/privacy.toml");

pub(crate) fn parse(text: &str) -> Declaration {
    Declaration::parse(text).unwrap_or_else(|error| {
        panic!(
            "{error}: {}",
            std::error::Error::source(&error).map_or("".into(), |e| e.to_string())
        )
    })
}

/// A text with one part replaced, which has to be there.
pub(crate) fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

/// What a change of the publisher's declaration brings.
pub(crate) fn diff(from: &str, to: &str) -> Diff {
    let new = replaced(PUBLISHER, from, to);
    Diff::between(&parse(PUBLISHER), &parse(&new))
}

/// The one difference that a change brings.
pub(crate) fn difference(from: &str, to: &str) -> Difference {
    let diff = diff(from, to);
    match diff.differences() {
        [only] => only.clone(),
        others => panic!("{from} to {to}: {others:#?}"),
    }
}

/// The consents that a difference asks for anew, as text.
pub(crate) fn asked(diff: &Diff) -> Vec<String> {
    let pairs = diff.asks_anew();
    pairs
        .map(|(through, purpose)| match through {
            Some(provider) => format!("{purpose} through {provider}"),
            None => purpose.to_string(),
        })
        .collect()
}
