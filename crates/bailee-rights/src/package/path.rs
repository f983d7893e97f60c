//! Names in a package, made of names of the host.

use std::collections::BTreeSet;

use bailee_core::{TenantId, sha256};

use crate::hex;

/// A name as a part of a path that every system takes and that leads nowhere else: letters, digits, `-`,
/// `_` and single dots of ASCII. A name that is none already gets a piece of its hash, so that two names
/// stay two.
pub(super) fn part(name: &str) -> String {
    if is_good(name) {
        return name.to_owned();
    }
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let shown: String = name.chars().take(40).map(|c| if good(c) { c } else { '_' }).collect();
    let hash = hash(name);
    let begins = shown.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins { format!("{shown}-{hash}") } else { format!("x{shown}-{hash}") }
}

/// The folder of a source.
pub(super) fn folder(tenant: &TenantId, source: &str) -> String {
    format!("data/{}/{}", part(tenant.as_str()), part(source))
}

/// As [`part`], and another one than those that were given, however they are written.
pub(super) fn part_beside(name: &str, given: &mut BTreeSet<String>) -> String {
    let mut chosen = part(name);
    if !given.insert(chosen.to_ascii_lowercase()) {
        let hash = hash(name);
        chosen = format!("{chosen}-{hash}");
        given.insert(chosen.to_ascii_lowercase());
    }
    chosen
}

fn is_good(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=80).contains(&name.len())
        && name.bytes().all(good)
        && name.as_bytes()[0].is_ascii_alphanumeric()
        && !name.ends_with('.')
        && !name.contains("..")
        && !is_reserved(name)
}

/// A piece of a name's hash.
fn hash(name: &str) -> String {
    let mut digits = hex::text(&sha256(name.as_bytes()));
    digits.truncate(8);
    digits
}

/// What Windows takes for a device, whatever ends it.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    let numbered = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    matches!(stem.as_str(), "aux" | "con" | "nul" | "prn")
        || numbered.is_some_and(|number| number.len() == 1)
}

/// How a file that holds these bytes ends. The first bytes say what it is; nothing else is looked at.
pub(super) fn ending(bytes: &[u8]) -> &'static str {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => "jpg",
        [0x89, b'P', b'N', b'G', ..] => "png",
        [b'G', b'I', b'F', b'8', ..] => "gif",
        [b'%', b'P', b'D', b'F', b'-', ..] => "pdf",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "webp",
        _ => "bin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_package() {
        let hostile = [
            "",
            ".",
            "..",
            "../../etc/passwd",
            "/etc",
            "C:\\x",
            "a/b",
            "a\\b",
            "a\0b",
            "con",
            "NUL.txt",
            "com1",
            ".hidden",
            "a..b",
            "a.",
            "-rf",
            "a\nb",
            "\u{202e}x",
            "\u{1f600}",
        ];
        let mut seen = BTreeSet::new();
        for name in hostile {
            let part = part(name);
            assert!(is_good(&part), "{name:?} became {part:?}");
            assert_ne!(part, name);
            assert!(seen.insert(part), "{name:?}");
        }
        assert_eq!(part("posts_2.archive"), "posts_2.archive");
        assert_eq!(part(&"a".repeat(300)).len(), 49);
    }

    #[test]
    fn names_that_differ_in_case_alone_are_two_files() {
        let mut given = BTreeSet::new();
        let (one, two) = (part_beside("Posts", &mut given), part_beside("posts", &mut given));
        assert_eq!(one, "Posts");
        assert_ne!(one.to_ascii_lowercase(), two.to_ascii_lowercase());
    }
}
