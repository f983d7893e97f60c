//! Numbers of payment cards: ISO/IEC 7812, with the check digit of Luhn.

use super::{
    finding::{FindingKind, Hits},
    fold::Folded,
};

const MAX_DIGITS: usize = 19;

pub(super) fn scan(text: &Folded, hits: &mut Hits) {
    let mut place = 0;
    while place < text.len() {
        if !text.at(place).is_ascii_digit() {
            place += 1;
            continue;
        }
        let found = if begins(text, place) { card(text, place) } else { None };
        if let Some(end) = found {
            hits.add(FindingKind::Card, place, end);
        }
        place = found.unwrap_or_else(|| text.run(place, |c| c.is_ascii_digit()));
    }
}

fn begins(text: &Folded, place: usize) -> bool {
    let before = text.before(place);
    let glued =
        matches!(before, '.' | ',' | '-' | '/') && text.before(place - 1).is_ascii_alphanumeric();
    !text.is_inside_word(place) && !glued
}

/// The end of a card's number that begins here.
fn card(text: &Folded, start: usize) -> Option<usize> {
    let mut digits = [0_u8; MAX_DIGITS];
    let (mut count, mut place) = (0, start);
    let mut groups: Vec<usize> = Vec::with_capacity(5);
    let mut between = None;
    let mut found = None;
    loop {
        let end = text.run_within(place, MAX_DIGITS + 1 - count, |c| c.is_ascii_digit());
        if end == place || count + (end - place) > MAX_DIGITS {
            break;
        }
        for at in place..end {
            digits[count] = text.at(at).to_digit(10).and_then(|d| u8::try_from(d).ok())?;
            count += 1;
        }
        groups.push(end - place);
        let next = text.at(end);
        let goes_on = text.at(end + 1).is_ascii_digit();
        let closed = !(text.is_inside_word(end) || matches!(next, '-' | '.' | ',') && goes_on);
        if closed && is_grouped(&groups) && is_card(&digits[..count]) {
            found = Some(end);
        }
        if !(matches!(next, ' ' | '-') && goes_on && *between.get_or_insert(next) == next) {
            break;
        }
        place = end + 1;
    }
    found
}

/// In one piece, in fours, or as American Express and Diners print theirs.
fn is_grouped(groups: &[usize]) -> bool {
    match groups {
        [_] | [4, 6, 4 | 5] => true,
        [fours @ .., last] => fours.iter().all(|group| *group == 4) && *last <= 4,
        [] => false,
    }
}

fn is_card(digits: &[u8]) -> bool {
    let first = |count: usize| digits[..count].iter().fold(0_u32, |n, d| n * 10 + u32::from(*d));
    if digits.len() < 14 || digits.iter().all(|digit| *digit == digits[0]) {
        return false;
    }
    let known = match digits.len() {
        14 => matches!(first(2), 36 | 38) || (300..=305).contains(&first(3)),
        15 => matches!(first(2), 34 | 37),
        16 => {
            digits[0] == 4
                || (51..=55).contains(&first(2))
                || (2221..=2720).contains(&first(4))
                || matches!(first(2), 35 | 62 | 65)
                || first(4) == 6011
                || (644..=649).contains(&first(3))
        }
        19 => digits[0] == 4 || matches!(first(2), 62 | 65),
        _ => first(2) == 62,
    };
    known && luhn(digits)
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(n, digit)| {
            let value = u32::from(*digit) << (n % 2);
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}
