//! The screen: all scanners over one text.

use bailee_core::{Error, ErrorKind, Result};

use super::{
    account, bank_account, card, credential, email,
    finding::{Finding, Hit, Hits},
    fold::Folded,
    handle, ip, phone, profile,
    term::Terms,
};

/// Finds what looks like personal data or a secret in free text.
///
/// It works by patterns with hard bounds: its time grows with the length of the text and no faster,
/// its memory is about eight bytes for each character, and it looks at no network and no list of
/// names but the one that it was given. It finds what has a form; a name that nobody told it, a
/// street or an illness has none.
#[derive(Clone, Debug, Default)]
pub struct Screen {
    terms: Terms,
    uuids: bool,
}

impl Screen {
    /// The longest text that is screened, in bytes.
    pub const MAX_TEXT: usize = 1 << 20;
    /// How many names it takes.
    pub const MAX_TERMS: usize = Terms::MAX;

    /// A screen that knows no names.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds names that must not leave: of the person, of the account, of its page.
    ///
    /// They are found whatever their case and accents, between the bounds of words, also written
    /// together (`#AdaLovelace`) or with `_`, `-` and `.` between them. Names in scripts without
    /// spaces are found anywhere. A name that is also a word (`May`) is found as that word too.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a name of one letter or none; [`ErrorKind::TooLarge`] for
    /// more than [`Screen::MAX_TERMS`] of them or one of more than 128 letters.
    pub fn with_terms<T: AsRef<str>>(mut self, terms: impl IntoIterator<Item = T>) -> Result<Self> {
        for term in terms {
            self.terms.add(term.as_ref())?;
        }
        Ok(self)
    }

    /// Takes every UUID for an account's id, as some providers' are.
    #[must_use]
    pub fn with_uuids(mut self) -> Self {
        self.uuids = true;
        self
    }

    /// Everything that is found in a text, in its order.
    ///
    /// Where a text is two things at once (a link to a telephone number), the weightier kind is
    /// told; known names are told beside whatever they are part of.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] beyond [`Screen::MAX_TEXT`].
    pub fn find(&self, text: &str) -> Result<Vec<Finding>> {
        if text.len() > Self::MAX_TEXT {
            return Err(Error::new(ErrorKind::TooLarge).with_detail("a text to be screened"));
        }
        let folded = Folded::of(text);
        let found = self.hits(&folded).into_iter().map(|hit| Finding {
            kind: hit.kind,
            range: folded.byte(hit.start)..folded.byte(hit.end),
        });
        Ok(found.collect())
    }

    fn hits(&self, text: &Folded) -> Vec<Hit> {
        let mut hits = Hits::default();
        account::scan(text, self.uuids, &mut hits);
        bank_account::scan(text, &mut hits);
        card::scan(text, &mut hits);
        credential::scan(text, &mut hits);
        email::scan(text, &mut hits);
        handle::scan(text, &mut hits);
        ip::scan(text, &mut hits);
        phone::scan(text, &mut hits);
        profile::scan(text, &mut hits);
        let mut kept = weightier(hits.0);
        let mut names = Hits::default();
        self.terms.scan(text, &mut names);
        kept.append(&mut names.0);
        kept.sort_by_key(|hit| (hit.start, hit.end, hit.kind));
        kept
    }
}

/// Leaves of findings that overlap the weightier one, and of two of a kind the longer.
fn weightier(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_by_key(|hit| (hit.start, std::cmp::Reverse(hit.end)));
    let mut kept: Vec<Hit> = Vec::with_capacity(hits.len());
    for hit in hits {
        let mut hit = Some(hit);
        while let (Some(new), Some(last)) = (hit, kept.last()) {
            if new.start >= last.end {
                break;
            }
            let weight = |hit: &Hit| (hit.kind.rank(), std::cmp::Reverse(hit.end - hit.start));
            if weight(&new) < weight(last) {
                kept.pop();
            } else {
                hit = None;
            }
        }
        kept.extend(hit);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{super::finding::FindingKind, *};

    /// How often characters are looked at, for each character.
    fn steps(text: &str) -> u64 {
        let terms = ["aaaaaaaaab", "ab ab ab ac", "@@@", "1 2 3 4"];
        let screen =
            Screen::new().with_uuids().with_terms(terms.iter().filter(|t| t.contains('a')));
        let folded = Folded::of(text);
        let _ = screen.unwrap().hits(&folded);
        folded.steps.get() / (folded.len() as u64).max(1)
    }

    #[test]
    fn no_text_costs_more_for_each_character_when_it_is_longer() {
        let pieces = [
            "@",
            "a.",
            "a.a.a.a@",
            "1",
            "1 ",
            "12-",
            "+1",
            "(1",
            "((((",
            "+49 30 1",
            "a:",
            "::",
            "1.1.1.1.",
            "eyJ",
            "eyJa.",
            "-----begin ",
            "-----BEGIN PRIVATE KEY-----",
            "://",
            "://a:b",
            "DE89",
            "DE89 3704 0044 0532 0130 0",
            "4111 ",
            "4111-",
            "password ",
            "password: ",
            "password=",
            "a=",
            "a at ",
            "a (at) ",
            "a@b.",
            "a@b-",
            "\"@",
            "x.com/",
            "x.com/a",
            "aaaaaaaaa",
            "ab ab ab ",
            "U",
            "U0",
            "<@",
            "urn:li:person:",
            "5b10",
            "0a1B",
            "ghp_",
            "sk-",
            "1//0",
            "is is ",
            "12345678:",
            "ü",
            "田",
            "田1",
            "ab\u{300}",
            "\u{200b}",
            "%40",
            "&#64;",
            "a@[",
            "Bearer ",
            "basic a",
            "00 ",
            "06 06 ",
            "555-",
            "tel 1 ",
            "12:30 ",
            "1/1/",
            "a dot ",
        ];
        for piece in pieces {
            let text = |bytes: usize| piece.repeat(bytes / piece.len());
            let (short, long) = (steps(&text(4_000)), steps(&text(32_000)));
            assert!(long <= short + short / 4 + 2, "{piece:?}: {short}, then {long}");
            assert!(long < 1500, "{piece:?}: {long} looks at each character");
        }
    }

    #[test]
    fn of_two_in_one_place_the_weightier_is_told() {
        let kinds = |text: &str| -> Vec<FindingKind> {
            Screen::new().find(text).unwrap().into_iter().map(|found| found.kind).collect()
        };
        assert_eq!(kinds("https://wa.me/442079460123"), [FindingKind::ProfileUrl]);
        assert_eq!(kinds("http://a:secret9@host.example"), [FindingKind::Credential]);
        assert_eq!(kinds("4111 1111 1111 1111"), [FindingKind::Card]);
    }
}
