//! Names after `@`.

use super::{
    finding::{FindingKind, Hits},
    fold::{Folded, is_unspaced},
};

/// Mastodon's and TikTok's names are shorter; so are all others.
const MAX_NAME: usize = 64;

pub(super) fn scan(text: &Folded, hits: &mut Hits) {
    let mut place = 0;
    while place < text.len() {
        if text.at(place) != '@' {
            place += 1;
            continue;
        }
        let end = handle(text, place);
        if let Some(end) = end {
            hits.add(FindingKind::Handle, place, end);
        }
        place = end.unwrap_or(place + 1);
    }
}

fn handle(text: &Folded, at: usize) -> Option<usize> {
    let before = text.before(at);
    let follows_word = before.is_alphanumeric() && !is_unspaced(before);
    // `.@name`, as some begin a text; not `host.@name`.
    let glued = matches!(before, '.' | '-') && at > 1 && text.at(at - 2).is_alphanumeric();
    if follows_word || glued || matches!(before, '@' | '_') {
        return None;
    }
    let end = name(text, at + 1);
    let written = text.piece(at + 1, end);
    let letters = written.chars().filter(char::is_ascii_alphabetic).count();
    // `@7pm`, `@60fps`, `@2x`.
    let least = if text.at(at + 1).is_ascii_digit() { 4 } else { 1 };
    if written.len() < 3 || letters < least || is_inside_longer(text, end) {
        return None;
    }
    let lower = written.to_ascii_lowercase();
    // A package of a scope, a rule of a style sheet, a mark in a program.
    let scoped = text.at(end) == '/' && SCOPES.contains(&lower.as_str()) || text.at(end) == '(';
    if scoped || CODE.contains(&lower.as_str()) {
        return None;
    }
    // `@name@server.example` of a federated network.
    if text.at(end) == '@' {
        let server = name(text, end + 1);
        if text.piece(end + 1, server).contains('.') {
            return Some(server);
        }
    }
    Some(end)
}

/// The end of a name: letters, digits, `_`, and inside of it `.` and `-`.
fn name(text: &Folded, start: usize) -> usize {
    let is = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let end = text.run_within(start, MAX_NAME, is);
    (start..end)
        .rev()
        .find(|place| !matches!(text.at(*place), '.' | '-'))
        .map_or(start, |place| place + 1)
}

fn is_inside_longer(text: &Folded, end: usize) -> bool {
    let next = text.at(end);
    next.is_alphanumeric() && !is_unspaced(next)
}

const SCOPES: [&str; 14] = [
    "angular",
    "apollo",
    "aws-sdk",
    "babel",
    "emotion",
    "eslint",
    "jest",
    "mui",
    "nestjs",
    "react",
    "sveltejs",
    "testing-library",
    "types",
    "vue",
];

/// What stands after `@` in style sheets, comments and programs.
const CODE: [&str; 44] = [
    "abstractmethod",
    "apply",
    "author",
    "autowired",
    "bean",
    "charset",
    "classmethod",
    "component",
    "container",
    "context",
    "dataclass",
    "deprecated",
    "entity",
    "extend",
    "font-face",
    "generated",
    "import",
    "include",
    "inject",
    "injectable",
    "input",
    "keyframes",
    "layer",
    "media",
    "mixin",
    "nullable",
    "output",
    "override",
    "package",
    "param",
    "property",
    "pytest",
    "raise",
    "require",
    "return",
    "returns",
    "see",
    "since",
    "staticmethod",
    "supports",
    "tailwind",
    "test",
    "throws",
    "todo",
];
