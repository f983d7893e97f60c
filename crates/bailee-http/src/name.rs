//! Host names in the one form that this crate accepts.

/// Whether a text is a host name: ASCII, lower case, two labels at least, no trailing dot, and a
/// last label that begins with a letter, so that no notation of an address passes.
pub(crate) fn is_host_name(text: &str) -> bool {
    text.len() <= 253
        && text.contains('.')
        && text.split('.').all(is_label)
        && text
            .rsplit('.')
            .next()
            .is_some_and(|last| last.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// Whether a text is one label of a host name (RFC 1123 §2.1), in lower case.
pub(crate) fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}
