//! E-mail addresses: RFC 5322 without its comments, RFC 6531 for other alphabets, and the ways to
//! write `@` that people use against machines.

use super::{
    finding::{FindingKind, Hits},
    fold::{Folded, is_unspaced},
};

/// RFC 5321 §4.5.3.1.1.
const MAX_LOCAL: usize = 64;
/// RFC 1035 §2.3.4.
const MAX_LABEL: usize = 63;
const MAX_LABELS: usize = 12;

pub(super) fn scan(text: &Folded, hits: &mut Hits) {
    let mut place = 0;
    while place < text.len() {
        let end = sign(text, place).and_then(|sign| {
            let (start, end) = around(text, place, &sign)?;
            hits.add(FindingKind::Email, start, end);
            Some(end)
        });
        place = end.unwrap_or(place + 1).max(place + 1);
    }
}

/// Something that stands for `@`.
struct Sign {
    end: usize,
    /// How sure it is that an address is meant.
    form: Form,
}

#[derive(PartialEq, Eq)]
enum Form {
    /// `@` between two words.
    Plain,
    /// `@` with blanks around, or ` at `: an ending that everybody knows is asked for.
    Spaced,
    /// `(at)` and its like.
    Bracketed,
    /// A word: asks for a dot that is a word too.
    Word,
}

fn sign(text: &Folded, place: usize) -> Option<Sign> {
    match text.at(place) {
        '@' if text.before(place) == ' ' && text.at(place + 1) == ' ' => {
            Some(Sign { end: place + 2, form: Form::Spaced })
        }
        '@' => Some(Sign { end: place + 1, form: Form::Plain }),
        '%' if text.has(place, "%40") => Some(Sign { end: place + 3, form: Form::Plain }),
        '&' if text.has(place, "&#64;") => Some(Sign { end: place + 5, form: Form::Plain }),
        '(' | '[' | '{' | '<' => {
            let word = AT.iter().find(|word| is_bracketed(text, place, word))?;
            let mut end = place + word.chars().count() + 2;
            end += usize::from(text.at(end) == ' ');
            Some(Sign { end, form: Form::Bracketed })
        }
        ' ' if text.has(place, " at ") => Some(Sign { end: place + 4, form: Form::Word }),
        _ => None,
    }
}

const AT: [&str; 5] = ["at", "@", "ät", "arroba", "arobase"];

fn is_bracketed(text: &Folded, place: usize, word: &str) -> bool {
    let length = word.chars().count();
    let close = match text.at(place) {
        '(' => ')',
        '[' => ']',
        '{' => '}',
        _ => '>',
    };
    text.has(place + 1, word) && text.at(place + 1 + length) == close
}

/// The address around a sign.
fn around(text: &Folded, place: usize, sign: &Sign) -> Option<(usize, usize)> {
    let mut last = place;
    if text.before(last) == ' ' && matches!(sign.form, Form::Spaced | Form::Bracketed) {
        last -= 1;
    }
    let start = local(text, last)?;
    // `@name@server.example` is the handle of a federated network.
    if text.before(start) == '@' {
        return None;
    }
    let (end, labels) = domain(text, sign.end, &sign.form)?;
    let final_label = labels.1;
    let known = COMMON.contains(&final_label.as_str());
    // A line of `scp` or of `git clone`, and a picture for a finer screen.
    if text.has(start, "git@") && text.at(end) == ':' || FILES.contains(&final_label.as_str()) {
        return None;
    }
    match sign.form {
        Form::Plain | Form::Bracketed => Some((start, end)),
        Form::Spaced => known.then_some((start, end)),
        Form::Word => (known && labels.0).then_some((start, end)),
    }
}

/// The beginning of what may stand before the sign.
fn local(text: &Folded, last: usize) -> Option<usize> {
    if text.before(last) == '"' {
        let mut start = last - 1;
        while start > 0 && last - start <= MAX_LOCAL {
            start -= 1;
            match text.at(start) {
                '"' => return (last - start > 2).then_some(start),
                '\n' => return None,
                _ => {}
            }
        }
        return None;
    }
    let mut start = last;
    let mut unspaced = None;
    while start > 0 && last - start < MAX_LOCAL {
        let c = text.at(start - 1);
        if !(c.is_alphanumeric() || c == '.' || PUNCTUATION.contains(c)) {
            break;
        }
        // A sentence without spaces ends where the address begins.
        if c.is_alphanumeric() && *unspaced.get_or_insert(is_unspaced(c)) != is_unspaced(c) {
            break;
        }
        start -= 1;
    }
    while start < last && !text.at(start).is_alphanumeric() && text.at(start) != '_' {
        start += 1;
    }
    (start..last).any(|place| text.at(place).is_alphanumeric()).then_some(start)
}

/// The end of a domain, whether a dot in it was a word, and its last label.
fn domain(text: &Folded, start: usize, form: &Form) -> Option<(usize, (bool, String))> {
    if text.at(start) == '[' {
        let end = text.run_within(start + 1, 60, |c| c.is_ascii_hexdigit() || "IPv6:.".contains(c));
        let long = end > start + 6 && text.at(end) == ']';
        return long.then(|| (end + 1, (false, String::new())));
    }
    let (mut from, mut end, mut words) = (start, start, false);
    let mut last = String::new();
    let (mut labels, mut named) = (0, 0);
    while labels < MAX_LABELS {
        let to = label(text, from);
        let to =
            (from..to).rev().find(|place| text.at(*place) != '-').map_or(from, |place| place + 1);
        if to == from || text.at(from) == '-' {
            break;
        }
        let ending = text.lower(from, to);
        // An address does not end in a number; `2x.png` and `1.2.3` do.
        labels += 1;
        let is_name = to - from >= 2 && ending.chars().all(|c| c.is_alphabetic() || is_mark(c));
        if is_name || ending.starts_with("xn--") {
            end = to;
            last = ending;
            named = labels;
        }
        let Some((next, word)) = dot(text, to, form) else { break };
        if word && label(text, next) == next {
            break;
        }
        words |= word;
        from = next;
    }
    (named >= 2).then_some((end, (words, last))).or_else(|| local_host(text, start, form))
}

/// `root@localhost`.
fn local_host(text: &Folded, start: usize, form: &Form) -> Option<(usize, (bool, String))> {
    let end = start + 9;
    (*form == Form::Plain && text.has(start, "localhost") && !text.is_inside_word(end))
        .then(|| (end, (false, "localhost".into())))
}

fn label(text: &Folded, from: usize) -> usize {
    let unspaced = is_unspaced(text.at(from));
    text.run_within(from, MAX_LABEL, |c| {
        c == '-' || is_mark(c) || c.is_alphanumeric() && (is_unspaced(c) == unspaced)
    })
}

/// Vowel signs and the like, which belong to their letters.
fn is_mark(c: char) -> bool {
    matches!(u32::from(c), 0x900..=0xDFF | 0x64B..=0x65F)
}

/// What stands for the dot: its end, and whether it was a word.
fn dot(text: &Folded, place: usize, form: &Form) -> Option<(usize, bool)> {
    match text.at(place) {
        '.' => Some((place + 1, false)),
        '(' | '[' | '{' => {
            let word = DOT.iter().find(|word| is_bracketed(text, place, word))?;
            Some((place + word.len() + 2, true))
        }
        ' ' if *form != Form::Plain && *form != Form::Spaced => {
            for word in DOT {
                let after = place + 1 + word.len();
                if text.has(place + 1, word) && text.at(after) == ' ' {
                    return Some((after + 1, true));
                }
                if is_bracketed(text, place + 1, word) {
                    let end = after + 2;
                    return Some((end + usize::from(text.at(end) == ' '), true));
                }
            }
            None
        }
        _ => None,
    }
}

/// Without French, whose word for it is also an English one: `at any point in`.
const DOT: [&str; 3] = ["dot", "punkt", "punto"];

/// What RFC 5322 §3.2.3 allows in an atom beside letters and digits, without what stands around
/// addresses more often than in them: `/`, `=`, `?`, `` ` ``, `{`, `|`, `}`.
const PUNCTUATION: &str = "!#$%&'*+-^_~";

/// Endings of names of files.
const FILES: [&str; 10] = ["bmp", "gif", "jpeg", "jpg", "pdf", "png", "svg", "tiff", "webp", "mp4"];

/// Endings that are asked for where only a word says that an address is meant.
const COMMON: &[&str] = &[
    "app", "at", "au", "be", "biz", "br", "ca", "ch", "co", "com", "de", "dev", "edu", "es", "eu",
    "example", "fr", "gmx", "gov", "gr", "ie", "in", "info", "invalid", "io", "it", "jp", "mx",
    "net", "nl", "org", "pl", "pt", "test", "uk", "us",
];
