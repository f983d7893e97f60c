//! What is taken out of a text before it leaves: whatever looks like it could name or find a person.
//!
//! It errs on the side of taking out: a date in digits goes as a telephone number would. It does not
//! find names, so a title is one that its author approved for this.

/// A digit run with this many digits is a telephone number, a date, a place or an id.
const DIGITS: usize = 7;

/// The text without e-mail addresses, handles, addresses of pages, telephone numbers and
/// coordinates, without control characters, with single spaces, cut to so many characters. None
/// where nothing is left.
pub(super) fn minimise(text: &str, most: usize) -> Option<String> {
    let plain: String = text.chars().filter_map(plain).collect();
    let words: Vec<&str> = plain.split_whitespace().filter(|word| !names(word)).collect();
    let kept = without_numbers(&words.join(" "));
    let kept = kept.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = kept.chars().take(most).collect();
    let cut = cut.trim().to_owned();
    cut.chars().any(char::is_alphanumeric).then_some(cut)
}

/// Characters that do not show are left out or become spaces, and those that stand for others become
/// these.
fn plain(c: char) -> Option<char> {
    match c {
        '\u{ff20}' | '\u{fe6b}' => Some('@'),
        // Full-width digits and signs.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0),
        c if c.is_whitespace() || c.is_control() => Some(' '),
        '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => None,
        c => Some(c),
    }
}

/// Whether a word is an e-mail address, a handle or the address of a page: also one that stands in
/// brackets or ends a sentence.
fn names(word: &str) -> bool {
    let lower = word.to_lowercase();
    word.contains('@')
        || lower.contains("://")
        || lower.contains("www.")
        || lower.contains("mailto:")
        || is_path(&lower)
}

/// `example.com/ada` and `example.com?u=ada`: an address without its scheme.
fn is_path(word: &str) -> bool {
    let Some((host, _)) = word.split_once(['/', '?']) else { return false };
    let host = host.trim_start_matches(['(', '[', '<', '"', '\'']);
    let Some((name, last)) = host.rsplit_once('.') else { return false };
    !name.is_empty() && last.len() >= 2 && last.chars().all(|c| c.is_ascii_alphabetic())
}

/// Takes out runs of digits and the signs that stand between them, where there are many digits, a
/// pair of decimals, or degrees.
fn without_numbers(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let run = run_from(&chars[at..]);
        if run == 0 {
            kept.push(chars[at]);
            at += 1;
            continue;
        }
        let part = &chars[at..at + run];
        if tells(part) {
            kept.push(' ');
        } else {
            kept.extend(part);
        }
        at += run;
    }
    kept
}

/// How long the run is that begins here and ends with a digit or a degree: none where there is no
/// digit.
fn run_from(chars: &[char]) -> usize {
    let starts = chars.first().is_some_and(|c| c.is_numeric() || matches!(c, '+' | '(' | '-'));
    if !starts {
        return 0;
    }
    let mut length = 0;
    for (at, c) in chars.iter().enumerate() {
        if c.is_numeric() || is_degree(*c) {
            length = at + 1;
        } else if !is_between(*c) {
            break;
        }
    }
    length
}

fn is_between(c: char) -> bool {
    matches!(c, ' ' | '+' | '(' | ')' | '-' | '.' | ',' | '/' | ':' | ';' | '\u{2010}'..='\u{2015}')
        || matches!(c, 'N' | 'E' | 'S' | 'W' | 'n' | 'e' | 's' | 'w')
}

fn is_degree(c: char) -> bool {
    matches!(c, '\u{b0}' | '\u{2032}' | '\u{2033}' | '\'' | '"')
}

fn tells(run: &[char]) -> bool {
    let digits = run.iter().filter(|c| c.is_numeric()).count();
    let decimals = run
        .windows(3)
        .filter(|w| w[0].is_numeric() && matches!(w[1], '.' | ',') && w[2].is_numeric())
        .count();
    digits >= DIGITS || decimals >= 2 || (digits > 0 && run.contains(&'\u{b0}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_find_a_person_is_taken_out() {
        for (text, left) in [
            ("Write to ada@person.example today", "Write to today"),
            ("Write to <ada@person.example>, please", "Write to please"),
            ("With @ada.l and @grace_h", "With and"),
            ("With \u{ff20}ada", "With"),
            ("With a\u{200b}da @\u{200b}ada", "With ada"),
            ("Call +49 (30) 123-45 67 now", "Call now"),
            ("Call 030/1234567.", "Call ."),
            ("Call 0301234567", "Call"),
            ("Call \u{0660}\u{0661}\u{0662}\u{0663}\u{0664}\u{0665}\u{0666}", "Call"),
            ("Call ０３０１２３４５６", "Call"),
            ("At 52.5200, 13.4050 we met", "At we met"),
            ("At 52.5,13.4", "At"),
            ("At 52\u{b0}31'12\"N 13\u{b0}24'E", "At E"),
            ("See https://a.example/b?user=ada!", "See"),
            ("See www.a.example and a.example/ada or a.example?u=1", "See and or"),
            ("Line\u{7}one\r\ntwo\u{202e}", "Line one two"),
        ] {
            assert_eq!(minimise(text, 200).as_deref(), Some(left), "{text}");
        }
    }

    #[test]
    fn what_could_not_stays() {
        for text in [
            "Ten ways to bake bread in 2026",
            "Top 10 of 2025: 3.5 hours, 20 %",
            "C++ and/or Rust - a comparison (part 2)",
            "Grüße aus München",
            "日本の春",
            "Version 1.2 of node.js",
        ] {
            assert_eq!(minimise(text, 200).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_text_is_cut_by_characters_and_nothing_is_none() {
        assert_eq!(minimise("äöü äöü", 4).as_deref(), Some("äöü"));
        for nothing in
            ["", " \n", "@ada", "ada@person.example", "+49 30 1234567", "...", "\u{200b}"]
        {
            assert_eq!(minimise(nothing, 10), None, "{nothing}");
        }
    }
}
