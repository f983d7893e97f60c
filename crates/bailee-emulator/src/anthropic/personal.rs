use serde_json::Value;

/// What looks like personal data in a value, if something does. What a service sends for captions
/// should hold none.
pub(super) fn found(value: &Value) -> Option<&'static str> {
    match value {
        Value::String(text) => in_text(text),
        Value::Array(values) => values.iter().find_map(found),
        Value::Object(members) => members.values().find_map(found),
        _ => None,
    }
}

fn in_text(text: &str) -> Option<&'static str> {
    let chars: Vec<char> = text.chars().collect();
    let at = |place: usize| chars.get(place).copied().unwrap_or(' ');
    for (place, c) in chars.iter().enumerate() {
        if *c == '@' && at(place + 1).is_alphanumeric() {
            let before = place.checked_sub(1).map_or(' ', at);
            return Some(if before.is_alphanumeric() { "an e-mail address" } else { "a handle" });
        }
        if *c == '?' && at(place + 1).is_alphanumeric() && before_query(&chars[..place]) {
            return Some("an address with a query");
        }
    }
    let mut digits = 0;
    let mut decimals = 0;
    for (place, c) in chars.iter().enumerate() {
        if c.is_numeric() {
            digits += 1;
            let fraction = at(place + 1) == '.' && at(place + 2).is_numeric();
            decimals += usize::from(fraction);
        } else if !" +()-./,".contains(*c) {
            (digits, decimals) = (0, 0);
        }
        if decimals >= 2 {
            return Some("a pair of coordinates");
        }
        if digits >= 7 {
            return Some("a telephone number");
        }
    }
    None
}

fn before_query(text: &[char]) -> bool {
    let word: String = text.iter().rev().take_while(|c| !c.is_whitespace()).collect();
    word.contains("//:") || word.contains('/') && word.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_data_is_seen_and_plain_words_are_not() {
        for (text, what) in [
            ("to ada@person.example", Some("an e-mail address")),
            ("by @ada", Some("a handle")),
            ("at https://a.example/b?u=1", Some("an address with a query")),
            ("call +49 (30) 123 45", Some("a telephone number")),
            ("at 52.5, 13.4", Some("a pair of coordinates")),
            ("Ten ways @ home in 2026, and why?", None),
            ("up to 15 words", None),
        ] {
            assert_eq!(in_text(text), what, "{text}");
        }
    }
}
