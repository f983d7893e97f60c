//! Credentials: tokens by what they begin with, `Authorization` headers, JWTs, private keys, what
//! stands after `password:` and its like, and what URLs carry.

use super::{
    assignment::{self, Assignment},
    finding::{FindingKind, Hits},
    fold::Folded,
};

pub(super) fn scan(text: &Folded, hits: &mut Hits) {
    words(text, hits);
    private_keys(text, hits);
    user_info(text, hits);
    assignment::each(text, |text, assignment| {
        if is_secret(text, assignment) {
            hits.add(FindingKind::Credential, assignment.value_start, assignment.value_end);
        }
    });
}

/// Tokens that are known by their shape, word by word.
fn words(text: &Folded, hits: &mut Hits) {
    let mut place = 0;
    while place < text.len() {
        if !is_token(text.at(place)) {
            place += 1;
            continue;
        }
        let end = text.run(place, is_token);
        let found = prefixed(text, place)
            .or_else(|| jwt(text, place))
            .or_else(|| bot(text, place, end))
            .or_else(|| is_drawn(text, place, end).then_some((place, end)))
            .or_else(|| scheme(text, place, end));
        if let Some((start, end)) = found {
            hits.add(FindingKind::Credential, start, end);
        }
        place = found.map_or(end, |(_, found)| found.max(end));
    }
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// What begins as a provider's tokens do.
fn prefixed(text: &Folded, start: usize) -> Option<(usize, usize)> {
    let first = text.at(start);
    let (prefix, least, _) = PREFIXES.iter().find(|(prefix, least, dots)| {
        if !prefix.starts_with(first)
            || !prefix.chars().enumerate().all(|(n, c)| text.at(start + n) == c)
        {
            return false;
        }
        let from = start + prefix.len();
        let is = |c: char| is_token(c) || *dots && matches!(c, '.' | '/' | '+' | '=' | '~' | '!');
        let end = text.run_within(from, *least, is);
        end - from >= *least && (from..end).any(|place| text.at(place).is_ascii_digit())
    })?;
    let from = start + prefix.len() + least;
    Some((start, text.run(from, |c| is_token(c) || matches!(c, '.' | '/' | '+' | '=' | '~'))))
}

/// Three parts in base64url, the first of which is a JSON object: RFC 7515 §3.
fn jwt(text: &Folded, start: usize) -> Option<(usize, usize)> {
    let begins = text.at(start) == 'e' && text.at(start + 1) == 'y' && text.at(start + 2) == 'J';
    if !begins {
        return None;
    }
    let mut end = text.run(start, is_token);
    if end - start < 10 || text.at(end) != '.' {
        return None;
    }
    let mut parts = 1;
    while parts < 5 && text.at(end) == '.' && is_token(text.at(end + 1)) {
        end = text.run(end + 1, is_token);
        parts += 1;
    }
    (parts >= 2).then_some((start, end))
}

/// Telegram's: the number of a bot and 35 characters.
fn bot(text: &Folded, start: usize, end: usize) -> Option<(usize, usize)> {
    let number = (8..=10).contains(&(end - start))
        && text.at(end) == ':'
        && (start..end).all(|place| text.at(place).is_ascii_digit());
    let last = if number { text.run_within(end + 1, 64, is_token) } else { end };
    (last >= end + 33).then_some((start, last))
}

/// A long word of all three classes of characters, mixed as no word of a language is.
fn is_drawn(text: &Folded, start: usize, end: usize) -> bool {
    if !(32..=512).contains(&(end - start)) {
        return false;
    }
    // Names of many words have signs between them.
    let mut place = start;
    let mut longest = 0;
    while place < end {
        let piece = text.run_within(place, end - place, |c| c.is_ascii_alphanumeric());
        longest = longest.max(piece - place);
        place = piece + 1;
    }
    if longest < 16 {
        return false;
    }
    let (mut upper, mut lower, mut digits, mut turns, mut last) = (0, 0, 0, 0, 0);
    for place in start..end {
        let class = match text.at(place) {
            c if c.is_ascii_uppercase() => 1,
            c if c.is_ascii_lowercase() => 2,
            c if c.is_ascii_digit() => 3,
            _ => continue,
        };
        match class {
            1 => upper += 1,
            2 => lower += 1,
            _ => digits += 1,
        }
        turns += usize::from(class != last);
        last = class;
    }
    upper >= 4 && lower >= 4 && digits >= 4 && turns * 4 >= end - start
}

/// `Bearer` (RFC 6750 §2.1) and `Basic` (RFC 7617 §2).
fn scheme(text: &Folded, start: usize, end: usize) -> Option<(usize, usize)> {
    let basic = end - start == 5 && text.has(start, "basic");
    let bearer = end - start == 6 && text.has(start, "bearer");
    if !(basic || bearer) || text.at(end) != ' ' {
        return None;
    }
    let from = end + 1;
    let to =
        text.run_within(from, 4096, |c| is_token(c) || matches!(c, '.' | '~' | '+' | '/' | '='));
    let value = Value::of(text, from, to);
    let header = text.has(start.saturating_sub(15), "authorization: ");
    let fits = if basic {
        value.length >= 8 && holds_colon(text, from, to)
    } else {
        value.length >= 16 && value.digits > 0 && value.letters > 0
    };
    (fits || header && value.length >= 6).then_some((from, to))
}

/// Whether base64 (RFC 4648 §4) is of plain text with a colon in it: a name and a password.
fn holds_colon(text: &Folded, start: usize, end: usize) -> bool {
    let (mut bits, mut held, mut colon) = (0_u32, 0, false);
    for place in start..end {
        let value = match text.at(place) {
            c @ 'A'..='Z' => u32::from(c) - u32::from('A'),
            c @ 'a'..='z' => u32::from(c) - u32::from('a') + 26,
            c @ '0'..='9' => u32::from(c) - u32::from('0') + 52,
            '+' | '-' => 62,
            '/' | '_' => 63,
            '=' => break,
            _ => return false,
        };
        bits = bits << 6 | value;
        held += 6;
        if held >= 8 {
            held -= 8;
            let byte = bits >> held & 0xFF;
            colon |= byte == u32::from(':');
            if byte < 0x20 || byte == 0x7F {
                return false;
            }
        }
        bits &= 0xFF;
    }
    colon
}

/// PEM (RFC 7468) of private keys, up to its end or, where that is missing, to the text's.
fn private_keys(text: &Folded, hits: &mut Hits) {
    let mut place = 0;
    while place < text.len() {
        if !(text.at(place) == '-' && text.has(place, "-----begin ")) {
            place += 1;
            continue;
        }
        let label = text.run_within(place + 11, 40, |c| c != '-' && c != '\n');
        let named = text.lower(place + 11, label);
        if !named.contains("private key") {
            place = label;
            continue;
        }
        let mut end = label;
        while end < text.len() && !(text.at(end) == '-' && text.has(end, "-----end ")) {
            end += 1;
        }
        let end = text.run_within(text.run_within(end + 9, 40, |c| c != '-'), 5, |c| c == '-');
        let end = end.min(text.len());
        hits.add(FindingKind::Credential, place, end);
        place = end;
    }
}

/// The user's part of a URL, where it has a password: RFC 3986 §3.2.1.
fn user_info(text: &Folded, hits: &mut Hits) {
    let mut place = 0;
    while place + 3 < text.len() {
        if !(text.at(place) == ':' && text.at(place + 1) == '/' && text.at(place + 2) == '/') {
            place += 1;
            continue;
        }
        let start = place + 3;
        let end = text.run_within(start, 512, |c| {
            !c.is_whitespace() && !matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '>' | '[' | ']')
        });
        let at = (start..end).rev().find(|place| text.at(*place) == '@');
        let colon = (start..end).find(|place| text.at(*place) == ':');
        if let (Some(at), Some(colon)) = (at, colon)
            && colon + 1 < at
        {
            hits.add(FindingKind::Credential, start, at + 1);
        }
        place = end.max(start);
    }
}

/// What a value is made of.
struct Value {
    length: usize,
    letters: usize,
    digits: usize,
    signs: usize,
}

impl Value {
    fn of(text: &Folded, start: usize, end: usize) -> Self {
        let mut value = Self { length: end - start, letters: 0, digits: 0, signs: 0 };
        for place in start..end {
            match text.at(place) {
                c if c.is_numeric() => value.digits += 1,
                c if c.is_alphabetic() => value.letters += 1,
                _ => value.signs += 1,
            }
        }
        value
    }
}

fn is_secret(text: &Folded, assignment: &Assignment) -> bool {
    let (start, end) = (assignment.value_start, assignment.value_end);
    let name = assignment.name.as_str();
    let ends = |list: &[&str]| list.iter().any(|word| name.ends_with(word));
    let is_password = ends(PASSWORDS);
    let is_token = !is_password && ends(TOKENS);
    let in_query = assignment.query && QUERY.contains(&name);
    if !(is_password || is_token || in_query) || is_placeholder(text, start, end) {
        return false;
    }
    let value = Value::of(text, start, end);
    let both = value.digits > 0 && value.letters > 0;
    let odd = (start..end).any(|place| "!#%&*+?^~$@".contains(text.at(place)));
    if is_password {
        let called = (start..end).any(|place| matches!(text.at(place), '(' | '[' | '{' | '$'));
        return if assignment.tight {
            value.length >= 4 && !(called && value.digits == 0)
        } else {
            value.length >= 6 && (both || odd && value.letters > 0 && value.length >= 8)
        };
    }
    let least = if assignment.tight { 8 } else { 12 };
    value.length >= least && both && value.signs * 3 <= value.length
}

/// What stands where a value would: a word of a program, stars, a hole in a template, our own mark.
fn is_placeholder(text: &Folded, start: usize, end: usize) -> bool {
    let first = text.at(start);
    if matches!(first, '[' | '{' | '<' | '$' | '%' | '*' | '•' | '…') {
        // `%` and `$` may begin a password too, but not with a brace after it.
        let hole = matches!(text.at(start + 1), '{' | '(' | '%');
        if !matches!(first, '$' | '%') || hole {
            return true;
        }
    }
    let value = text.lower(start, end.min(start + 32));
    let bare = value.trim_end_matches([')', ',', ';', '.']);
    // `8-20 characters`, `12-stellig`.
    let counted = value.split_once('-').is_some_and(|(count, word)| {
        count.len() <= 2
            && count.bytes().all(|b| b.is_ascii_digit())
            && word.chars().all(char::is_alphabetic)
    });
    counted
        || PLACEHOLDERS.contains(&bare)
        || bare.chars().all(|c| matches!(c, 'x' | '*' | '.' | '-' | '_' | '•'))
        || bare.starts_with("your")
        || bare.starts_with("http")
}

const PASSWORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passwort",
    "kennwort",
    "passcode",
    "pw",
    "pwd",
    "de passe",
    "motdepasse",
    "contraseña",
    "contrasena",
    "κωδικός",
    "κωδικος",
    "πρόσβασης",
    "パスワード",
    "暗証番号",
    "المرور",
    "السر",
    "पासवर्ड",
    "пароль",
    "senha",
    "parola",
    "wachtwoord",
    "hasło",
    "密码",
    "비밀번호",
];

const TOKENS: &[&str] = &[
    "secret",
    "token",
    "apikey",
    "api key",
    "accesskey",
    "access key",
    "secretkey",
    "secret key",
    "privatekey",
    "authkey",
    "signingkey",
    "encryptionkey",
    "sessionid",
    "clientkey",
    "schlüssel",
    "credential",
    "credentials",
];

const QUERY: &[&str] = &[
    "auth",
    "code",
    "jwt",
    "key",
    "sid",
    "sig",
    "signature",
    "xamzsignature",
    "state",
    "hash",
    "pass",
];

const PLACEHOLDERS: &[&str] = &[
    "true",
    "false",
    "null",
    "none",
    "nil",
    "undefined",
    "required",
    "optional",
    "string",
    "text",
    "hidden",
    "changeme",
    "redacted",
    "example",
    "password",
    "secret",
    "forgotten",
    "vergessen",
    "password1234",
    "lost",
    "reset",
];

/// What tokens begin with, how much must follow, and whether that may hold dots and slashes.
const PREFIXES: &[(&str, usize, bool)] = &[
    ("1//0", 24, false),
    ("AGE-SECRET-KEY-1", 20, false),
    ("AIza", 30, false),
    ("AKIA", 12, false),
    ("ASIA", 12, false),
    ("ATATT3", 20, false),
    ("ATCTT3", 20, false),
    ("EAAC", 20, false),
    ("EAAG", 20, false),
    ("EAAB", 20, false),
    ("IGQV", 20, false),
    ("IGAA", 20, false),
    ("SG.", 20, true),
    ("act.", 16, true),
    ("rft.", 16, true),
    ("dop_v1_", 20, false),
    ("figd_", 16, false),
    ("gho_", 16, false),
    ("ghp_", 16, false),
    ("ghr_", 16, false),
    ("ghs_", 16, false),
    ("ghu_", 16, false),
    ("github_pat_", 20, false),
    ("glpat-", 16, false),
    ("hf_", 20, false),
    ("lin_api_", 16, false),
    ("npm_", 20, false),
    ("ntn_", 20, false),
    ("pat-eu1-", 16, false),
    ("pat-na1-", 16, false),
    ("pypi-", 20, false),
    ("rk_live_", 16, false),
    ("rk_test_", 16, false),
    ("sbp_", 20, false),
    ("secret_", 24, false),
    ("shpat_", 16, false),
    ("shpss_", 16, false),
    ("sk-", 20, false),
    ("sk_live_", 16, false),
    ("sk_test_", 16, false),
    ("sq0atp-", 16, false),
    ("sq0csp-", 16, false),
    ("whsec_", 16, false),
    ("xapp-", 16, false),
    ("xoxa-", 12, false),
    ("xoxb-", 12, false),
    ("xoxp-", 12, false),
    ("xoxr-", 12, false),
    ("xoxs-", 12, false),
    ("ya29.", 12, true),
];
