//! Ids of persons and accounts at providers: by their shape, or by the name before them.

use super::{
    assignment::{self, Assignment},
    finding::{FindingKind, Hits},
    fold::Folded,
};

/// Finds ids; UUIDs only where the host says that they are ids of persons.
pub(super) fn scan(text: &Folded, uuids: bool, hits: &mut Hits) {
    let mut place = 0;
    while place < text.len() {
        if !is_word(text.at(place)) {
            place += 1;
            continue;
        }
        let end = text.run(place, is_word);
        let found = if text.is_inside_word(place) { None } else { id(text, place, end, uuids) };
        if let Some(end) = found {
            hits.add(FindingKind::AccountId, place, end);
        }
        place = found.map_or(end, |found| found.max(end));
    }
    assignment::each(text, |text, assignment| {
        if is_named(text, assignment) {
            hits.add(FindingKind::AccountId, assignment.value_start, assignment.value_end);
        }
    });
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The end of an id that begins with this word.
fn id(text: &Folded, start: usize, end: usize, uuids: bool) -> Option<usize> {
    let length = end - start;
    if length > 64 || text.is_inside_word(end) {
        return None;
    }
    let word = text.piece(start, end);
    let bytes = word.as_bytes();
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    // Atlassian: a number and a UUID, or 24 characters that begin with 5, 6 or 7.
    let numbered = (5..=8).contains(&digits) && digits == length;
    if text.at(end) == ':'
        && (numbered || word == "qm")
        && let Some(end) = uuid(text, end + 1)
    {
        return Some(end);
    }
    let hex = bytes.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'g').contains(byte));
    if length == 24 && hex && matches!(bytes[0], b'5' | b'6' | b'7') && digits < 24 && digits > 6 {
        return Some(end);
    }
    // Slack: users and workspaces.
    let capital = bytes.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    let slack = (9..=12).contains(&length) && capital && matches!(bytes[0], b'U' | b'W' | b'T');
    let mentioned = text.before(start) == '@' && start > 1 && text.at(start - 2) == '<';
    if slack && bytes[1].is_ascii_digit() && digits >= 3 && digits < length - 1
        || slack && mentioned
    {
        return Some(end);
    }
    // Discord: a mention.
    if mentioned && (17..=20).contains(&length) && digits == length {
        return Some(end);
    }
    // Google: 21 digits. Instagram: 17.
    let number = digits == length;
    if number && (length == 21 && bytes[0] == b'1' || length == 17 && word.starts_with("17841")) {
        return Some(end);
    }
    // Ids that say what they are.
    if let Some((prefix, least)) = PREFIXES.iter().find(|(prefix, _)| word.starts_with(prefix)) {
        let rest = &bytes[prefix.len()..];
        if rest.len() >= *least && rest.iter().any(u8::is_ascii_digit) {
            return Some(end);
        }
    }
    // Airtable: `usr` and 14 characters. YouTube: a channel, `UC` and 22.
    let mixed = bytes.iter().any(u8::is_ascii_uppercase) && digits > 0;
    if word.starts_with("usr") && length == 17 && mixed {
        return Some(end);
    }
    if word.starts_with("UC") && mixed && bytes.iter().any(u8::is_ascii_lowercase) {
        let channel = text.run_within(start, 25, |c| is_word(c) || c == '-');
        if channel - start == 24 {
            return Some(channel);
        }
    }
    if word == "urn" {
        return urn(text, start);
    }
    if uuids { uuid(text, start) } else { None }
}

/// LinkedIn's names of persons and members.
fn urn(text: &Folded, start: usize) -> Option<usize> {
    let person = ["urn:li:person:", "urn:li:member:"].iter().find(|urn| text.has(start, urn))?;
    let from = start + person.len();
    let end = text.run_within(from, 64, |c| is_word(c) || c == '-');
    (end >= from + 3).then_some(end)
}

/// The end of a UUID (RFC 9562 §4).
fn uuid(text: &Folded, start: usize) -> Option<usize> {
    let mut place = start;
    for (n, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if n > 0 {
            if text.at(place) != '-' {
                return None;
            }
            place += 1;
        }
        let end = text.run_within(place, length, |c| c.is_ascii_hexdigit());
        if end - place != length {
            return None;
        }
        place = end;
    }
    (!text.is_inside_word(place)).then_some(place)
}

/// `user_id: …` and its like.
fn is_named(text: &Folded, assignment: &Assignment) -> bool {
    let (start, end) = (assignment.value_start, assignment.value_end);
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':' | '.' | '|');
    NAMES.iter().any(|name| assignment.name.ends_with(name))
        && (3..=80).contains(&(end - start))
        && (start..end).all(|place| fits(text.at(place)))
        && (start..end).filter(|place| text.at(*place).is_ascii_digit()).count() >= 3
}

const PREFIXES: [(&str, usize); 6] =
    [("acct_", 12), ("cus_", 10), ("gid_", 12), ("mem_", 12), ("user_", 12), ("usr_", 10)];

const NAMES: [&str; 34] = [
    "accountid",
    "account id",
    "account no",
    "account number",
    "benutzerid",
    "benutzer id",
    "clienteid",
    "cloudid",
    "customerid",
    "customer id",
    "customer no",
    "customer number",
    "employeeid",
    "employee id",
    "kontonummer",
    "kundennummer",
    "kunden nr",
    "kundennr",
    "matrikelnummer",
    "memberid",
    "member id",
    "member no",
    "mitgliedsnummer",
    "openid",
    "open id",
    "passport no",
    "patientid",
    "personid",
    "profileid",
    "profile id",
    "uid",
    "unionid",
    "userid",
    "user id",
];
