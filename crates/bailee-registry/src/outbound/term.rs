//! Names that the host knows and that must not leave.

use std::{collections::BTreeMap, fmt};

use bailee_core::{Error, ErrorKind, Result};

use super::{
    finding::{FindingKind, Hits},
    fold::{Folded, is_unspaced, plain},
};

/// Names of a person or an account, to be found without regard to case, accents, and what stands
/// between their words.
#[derive(Clone, Default)]
pub(super) struct Terms {
    /// By their first letters. Words are parted by one blank.
    by_first: BTreeMap<char, Vec<Vec<char>>>,
    count: usize,
}

impl Terms {
    pub(super) const MAX: usize = 64;
    pub(super) const MAX_CHARS: usize = 128;

    pub(super) fn add(&mut self, term: &str) -> Result<()> {
        let refuse = |kind, detail: &'static str| Err(Error::new(kind).with_detail(detail));
        if term.len() > 8 * Self::MAX_CHARS {
            return refuse(ErrorKind::TooLarge, "a name to be screened for");
        }
        let folded = Folded::of(term);
        let mut chars: Vec<char> = Vec::with_capacity(folded.len());
        for place in 0..folded.len() {
            let c = folded.at(place);
            if c.is_alphanumeric() || is_sign(c) {
                chars.push(plain(c));
            } else if !matches!(chars.last(), None | Some(' ')) {
                chars.push(' ');
            }
        }
        if chars.last() == Some(&' ') {
            chars.pop();
        }
        if chars.len() < 2 {
            return refuse(
                ErrorKind::InvalidInput,
                "a name to be screened for has one letter or none",
            );
        }
        if chars.len() > Self::MAX_CHARS || self.count == Self::MAX {
            return refuse(ErrorKind::TooLarge, "names to be screened for");
        }
        self.count += 1;
        // Longer names first, so that the whole of a name is found and not its first half.
        let list = self.by_first.entry(chars[0]).or_default();
        list.push(chars);
        list.sort_by_key(|term| std::cmp::Reverse(term.len()));
        Ok(())
    }

    pub(super) fn scan(&self, text: &Folded, hits: &mut Hits) {
        if self.count == 0 {
            return;
        }
        let mut place = 0;
        while place < text.len() {
            let c = text.at(place);
            let known = self.by_first.get(&plain(c));
            let found =
                known.and_then(|terms| terms.iter().find_map(|term| matches(text, place, term)));
            if let Some(end) = found {
                hits.add(FindingKind::KnownTerm, place, end);
            }
            place = found.unwrap_or(place + 1);
        }
    }
}

impl fmt::Debug for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} names", self.count)
    }
}

/// Vowel signs, which belong to their letters.
fn is_sign(c: char) -> bool {
    matches!(u32::from(c), 0x64B..=0x65F | 0x900..=0xDFF)
}

/// The end of a name that stands here, between the bounds of words where its script has such.
fn matches(text: &Folded, start: usize, term: &[char]) -> Option<usize> {
    let open = |c: char| c.is_alphabetic() && !is_unspaced(c) || is_sign(c);
    if open(term[0]) && open(text.before(start)) && !is_hump(text, start) {
        return None;
    }
    let mut place = start;
    for c in term {
        if *c == ' ' {
            // `AdaLovelace`, `ada_lovelace`, `Ada-Lovelace`, `Ada   Lovelace`.
            place = text
                .run_within(place, 3, |c| matches!(c, ' ' | '_' | '-' | '.' | '\'' | '\n' | '・'));
        } else if plain(text.at(place)) == *c {
            place += 1;
        } else {
            return None;
        }
    }
    let last = term[term.len() - 1];
    let shut = |place: usize| !open(text.at(place)) || is_hump(text, place);
    if !open(last) || shut(place) {
        return Some(place);
    }
    // The genitive of English and German, without its apostrophe.
    (plain(text.at(place)) == 's' && shut(place + 1)).then_some(place + 1)
}

/// `byAdaLovelace`: a capital after a small letter begins a word.
fn is_hump(text: &Folded, place: usize) -> bool {
    text.before(place).is_lowercase() && text.at(place).is_uppercase()
}
