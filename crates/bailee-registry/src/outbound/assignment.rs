//! `name: value` and `name=value`, which credentials and account ids are found by.

use super::fold::Folded;

/// Longer names and values are none that a person or a program writes.
const MAX_NAME: usize = 40;
const MAX_VALUE: usize = 512;

/// A name with what is said to be its value.
pub(super) struct Assignment {
    /// In small letters without `_` and `-`, with the word before it where that may belong to it.
    pub(super) name: String,
    pub(super) value_start: usize,
    pub(super) value_end: usize,
    /// `name=value`, as programs write it.
    pub(super) tight: bool,
    /// The name stands in the query of a URL.
    pub(super) query: bool,
}

/// Calls for each assignment of a text.
pub(super) fn each(text: &Folded, mut found: impl FnMut(&Folded, &Assignment)) {
    let mut place = 0;
    while place < text.len() {
        if !is_name(text.at(place)) {
            place += 1;
            continue;
        }
        let end = text.run(place, is_name);
        if end - place <= MAX_NAME
            && let Some(assignment) = read(text, place, end)
        {
            found(text, &assignment);
        }
        place = end;
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-') || matches!(u32::from(c), 0x900..=0xDFF)
}

fn read(text: &Folded, start: usize, end: usize) -> Option<Assignment> {
    let (from, tight) = sign(text, end)?;
    let quote = text.at(from);
    let quoted = matches!(quote, '"' | '\'' | '`');
    let value_start = from + usize::from(quoted);
    let mut value_end = text.run_within(value_start, MAX_VALUE, |c| {
        if quoted { c != quote && c != '\n' } else { is_value(c) }
    });
    if !quoted {
        while value_end > value_start && matches!(text.at(value_end - 1), '.' | ',' | ':' | '?') {
            value_end -= 1;
        }
    }
    (value_end > value_start).then(|| Assignment {
        name: name(text, start, end),
        value_start,
        value_end,
        tight,
        query: matches!(text.before(start), '?' | '&'),
    })
}

fn is_value(c: char) -> bool {
    !c.is_whitespace()
        && !matches!(c, '"' | '\'' | '`' | '<' | '>' | ';' | '&' | '、' | '。' | '「' | '」')
}

/// Where the value begins after `=`, `:`, `=>`, `:=`, or a verb.
fn sign(text: &Folded, end: usize) -> Option<(usize, bool)> {
    let mut place = end;
    if matches!(text.at(place), '"' | '\'' | '`') {
        place += 1;
    }
    let spaced = text.at(place) == ' ';
    place = text.run_within(place, 2, |c| c == ' ');
    if matches!(text.at(place), '=' | ':') {
        let equals = text.at(place) == '=';
        place = text.run_within(place, 2, |c| matches!(c, '=' | ':' | '>'));
        let after = text.run_within(place, 2, |c| c == ' ');
        return Some((after, equals && !spaced && after == place));
    }
    if !spaced {
        return None;
    }
    // `member ID 4455667`.
    if text.at(place).is_ascii_digit() {
        return Some((place, false));
    }
    let verb = text.run_within(place, 8, char::is_alphabetic);
    let is = VERBS.contains(&text.lower(place, verb).as_str()) && text.at(verb) == ' ';
    is.then_some((verb + 1, false))
}

fn name(text: &Folded, start: usize, end: usize) -> String {
    let mut name = String::with_capacity(end - start);
    if text.before(start) == ' ' && start > 1 {
        let mut first = start - 1;
        while first > 0 && start - first <= 16 && is_name(text.at(first - 1)) {
            first -= 1;
        }
        name.push_str(&text.lower(first, start - 1));
        name.push(' ');
    }
    name.push_str(&text.lower(start, end));
    name.retain(|c| c != '_' && c != '-');
    name
}

const VERBS: [&str; 6] = ["is", "ist", "est", "es", "lautet", "είναι"];
