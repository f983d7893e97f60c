//! Lists of scopes, as they are joined and split.

use bailee_core::ScopeName;

/// How many scopes an answer may name.
const LONGEST: usize = 512;

/// Joins scopes for a request (RFC 6749 §3.3).
pub(crate) fn join(scopes: &[ScopeName], separator: char) -> String {
    let mut joined = String::new();
    for (n, scope) in scopes.iter().enumerate() {
        if n > 0 {
            joined.push(separator);
        }
        joined.push_str(scope.as_str());
    }
    joined
}

/// Splits a list at any of the separators; white space around a scope is not part of it. None where something in it cannot
/// be a scope.
pub(crate) fn split(list: &[u8], separators: &[char]) -> Option<Vec<ScopeName>> {
    let list = std::str::from_utf8(list).ok()?;
    collect(list.split(separators))
}

/// Makes scopes of texts, each of them once.
pub(crate) fn collect<'a>(texts: impl Iterator<Item = &'a str>) -> Option<Vec<ScopeName>> {
    let mut scopes: Vec<ScopeName> = Vec::new();
    for text in texts.map(str::trim).filter(|text| !text.is_empty()) {
        let scope = ScopeName::new(text).ok()?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
        if scopes.len() > LONGEST {
            return None;
        }
    }
    Some(scopes)
}
