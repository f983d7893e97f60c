//! Bank accounts: IBAN (ISO 13616), by the length of its country and its check digits.

use super::{
    finding::{FindingKind, Hits},
    fold::Folded,
};

pub(super) fn scan(text: &Folded, hits: &mut Hits) {
    let mut place = 0;
    while place + 4 <= text.len() {
        let end = iban(text, place);
        if let Some(end) = end {
            hits.add(FindingKind::BankAccount, place, end);
        }
        place = end.unwrap_or(place + 1);
    }
}

/// The end of an IBAN that begins here.
fn iban(text: &Folded, start: usize) -> Option<usize> {
    let is_head = text.at(start).is_ascii_alphabetic()
        && text.at(start + 1).is_ascii_alphabetic()
        && text.at(start + 2).is_ascii_digit()
        && text.at(start + 3).is_ascii_digit();
    if !is_head || text.is_inside_word(start) {
        return None;
    }
    let country = text.piece(start, start + 2).to_ascii_uppercase();
    let (_, length) = LENGTHS.iter().find(|(known, _)| *known == country)?;
    let mut value = Vec::with_capacity(*length);
    let mut place = start;
    while value.len() < *length {
        let c = text.at(place);
        if c.is_ascii_alphanumeric() {
            value.push(c.to_digit(36)?);
        } else if !(matches!(c, ' ' | '-') && text.at(place + 1).is_ascii_alphanumeric()) {
            return None;
        }
        place += 1;
    }
    (!text.is_inside_word(place) && is_checked(&value)).then_some(place)
}

/// ISO 7064, MOD 97-10: the first four at the end, letters as two digits.
fn is_checked(value: &[u32]) -> bool {
    let turned = value[4..].iter().chain(&value[..4]);
    let rest = turned.fold(0, |rest, digit| match digit {
        0..=9 => (rest * 10 + digit) % 97,
        letter => (rest * 100 + letter) % 97,
    });
    rest == 1
}

/// SWIFT's register of IBAN formats.
const LENGTHS: [(&str, usize); 60] = [
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MT", 31),
    ("NL", 18),
    ("NO", 15),
    ("PL", 28),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("SA", 24),
    ("SE", 24),
    ("TR", 26),
    ("UA", 29),
];
