//! The `WWW-Authenticate` header (RFC 9110 §11.6.1, RFC 6750 §3).

use crate::answer::Answer;

/// The `error` of the first `Bearer` challenge that has one. Several challenges may stand in one
/// header and in several; a code has no escapes, so a quoted string with one in it is none.
pub(crate) fn bearer_error(answer: &Answer) -> Option<&str> {
    answer
        .headers
        .get_all(http::header::WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(find)
}

fn find(header: &str) -> Option<&str> {
    let mut rest = header;
    let mut bearer = false;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return None;
        }
        let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let tail = after.trim_start_matches([' ', '\t']);
        match tail.strip_prefix('=') {
            // A parameter of the challenge at hand.
            Some(value) => {
                let (value, after) = parameter(value.trim_start_matches([' ', '\t']))?;
                if bearer && word.eq_ignore_ascii_case("error") {
                    return Some(value);
                }
                rest = after;
            }
            // The scheme of the next challenge.
            None => {
                bearer = word.eq_ignore_ascii_case("bearer");
                rest = tail;
            }
        }
        if end == 0 && !after.starts_with('=') {
            return None;
        }
    }
}

/// A token or a quoted string, and what follows it.
fn parameter(text: &str) -> Option<(&str, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        return Some(text.split_at(text.find([' ', '\t', ',']).unwrap_or(text.len())));
    };
    let mut escaped = false;
    for (at, byte) in quoted.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some((&quoted[..at], &quoted[at + 1..])),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_bearer_challenge_is_found() {
        for (header, error) in [
            (r#"Bearer error="invalid_token""#, Some("invalid_token")),
            (
                r#"bearer realm="a, b=\"c\"", error="invalid_token", error_description="x""#,
                Some("invalid_token"),
            ),
            ("Bearer error=insufficient_scope, scope=\"a b\"", Some("insufficient_scope")),
            (r#"Basic realm="x", Bearer error = "invalid_token""#, Some("invalid_token")),
            (r#"Basic error="invalid_token""#, None),
            (r#"Basic error="x", Bearer"#, None),
            (r#"Bearer realm="error=invalid_token""#, None),
            (r#"Bearer error_description="error=\"a\"""#, None),
            (r#"Bearer error="unterminated"#, None),
            (r#"DPoP error="use_dpop_nonce", Bearer realm="r""#, None),
            ("Negotiate abc==, Bearer error=\"invalid_token\"", Some("invalid_token")),
            ("Bearer", None),
            ("", None),
            (",,,", None),
            ("=", None),
            ("\"", None),
        ] {
            assert_eq!(find(header), error, "{header}");
        }
    }
}
