//! File names from outside, made safe.

use std::{ffi::OsStr, fmt, path::Path};

use http::HeaderMap;

use crate::content_disposition;

/// A file name that can be given to a file system and shown to a person.
///
/// It is one name and no path; it has no control, invisible or text-turning character; it does not
/// begin with a dot, a dash or a tilde, nor end with a dot or a space; it is no name that Windows
/// keeps for a device, and has no character that Windows reserves; it has 1 to 255 bytes.
///
/// It says nothing of what is in the file: an ending is a claim of whoever named it. A name may be
/// personal data, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SafeFileName(String);

impl SafeFileName {
    /// The longest name, in bytes.
    pub const LONGEST: usize = 255;

    /// The name where nothing usable is left.
    pub const FALLBACK: &str = "download";

    /// Makes a text from outside into a safe name. Of a path the last part counts (RFC 6266 §4.3).
    pub fn of(text: &str) -> Self {
        let last = text.rsplit(['/', '\\']).find(|part| !part.trim().is_empty()).unwrap_or("");
        let mut name = String::with_capacity(last.len());
        for c in last.chars() {
            match c {
                c if c.is_whitespace() && !c.is_control() => name.push(' '),
                c if is_invisible(c) => {}
                c if is_reserved(c) => name.push('_'),
                c => name.push(c),
            }
        }
        let name = name.trim_start_matches(['.', '-', '~', ' ']).trim_end_matches(ENDS);
        let name = if name.is_empty() { Self::FALLBACK.to_owned() } else { name.to_owned() };
        // What was cut may be the name of a device only then.
        let name = shortened(name);
        Self(if is_device(&name) { shortened(format!("_{name}")) } else { name })
    }

    /// The safe form of the name in an answer's `Content-Disposition` (RFC 6266), where it has one.
    pub fn of_headers(headers: &HeaderMap) -> Option<Self> {
        content_disposition::file_name(headers).map(|name| Self::of(&name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for SafeFileName {
    fn default() -> Self {
        Self(Self::FALLBACK.to_owned())
    }
}

impl AsRef<str> for SafeFileName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl AsRef<OsStr> for SafeFileName {
    fn as_ref(&self) -> &OsStr {
        self.0.as_ref()
    }
}

impl AsRef<Path> for SafeFileName {
    fn as_ref(&self) -> &Path {
        self.0.as_ref()
    }
}

impl fmt::Debug for SafeFileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SafeFileName([redacted])")
    }
}

/// What must not stand at the end: Windows drops it, and another file is meant.
const ENDS: [char; 2] = ['.', ' '];

/// The longest ending that is kept when a name is shortened, in bytes and with its dot.
const LONGEST_ENDING: usize = 32;

/// Control characters, and those that a person does not see or that turn what they read.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// What Windows reserves (a colon names another stream of the file), and what some systems fold
/// into a slash or a backslash.
fn is_reserved(c: char) -> bool {
    matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*')
        || matches!(
            c,
            '\u{a5}'
                | '\u{20a9}'
                | '\u{2044}'
                | '\u{2215}'
                | '\u{2216}'
                | '\u{29f5}'
                | '\u{29f8}'
                | '\u{29f9}'
                | '\u{fe68}'
                | '\u{ff0f}'
                | '\u{ff3c}'
                | '\u{ff1a}'
        )
}

/// A name of a device on Windows, whatever ending it has.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or("").trim_end();
    let upper = stem.to_ascii_uppercase();
    if matches!(upper.as_str(), "AUX" | "CLOCK$" | "CON" | "CONIN$" | "CONOUT$" | "NUL" | "PRN") {
        return true;
    }
    let port = upper.strip_prefix("COM").or_else(|| upper.strip_prefix("LPT"));
    port.is_some_and(|rest| {
        let mut chars = rest.chars();
        matches!(chars.next(), Some('0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'))
            && chars.next().is_none()
    })
}

/// At most 255 bytes, whole characters, with the ending where that is a short one.
fn shortened(name: String) -> String {
    if name.len() <= SafeFileName::LONGEST {
        return name;
    }
    let ending = name.rfind('.').map_or("", |at| &name[at..]);
    let ending = if ending.len() <= LONGEST_ENDING { ending } else { "" };
    let mut end = SafeFileName::LONGEST - ending.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ending}", name[..end].trim_end_matches(ENDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn safe(text: &str) -> String {
        SafeFileName::of(text).0
    }

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in [
            "report.pdf",
            "Kündigung 2024 (final).docx",
            "写真.jpg",
            "a",
            "archive.tar.gz",
            "C++ & more, 100%.txt",
            "console.log",
            "com10.txt",
            "naïve café.md",
            "👩.png",
        ] {
            assert_eq!(safe(name), name);
        }
    }

    #[test]
    fn hostile_names_become_harmless() {
        for (hostile, harmless) in [
            ("", "download"),
            (".", "download"),
            ("..", "download"),
            ("...", "download"),
            ("/", "download"),
            ("//", "download"),
            ("-", "download"),
            ("   ", "download"),
            ("\u{0}", "download"),
            ("\u{202e}", "download"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\windows\\system32\\config", "config"),
            ("/etc/passwd", "passwd"),
            ("C:\\boot.ini", "boot.ini"),
            ("\\\\server\\share\\x.exe", "x.exe"),
            ("dir/", "dir"),
            ("a/../b", "b"),
            (".bashrc", "bashrc"),
            (".htaccess", "htaccess"),
            ("-rf", "rf"),
            ("--help", "help"),
            (".-.-x", "x"),
            ("~root", "root"),
            ("name.", "name"),
            ("name. . .", "name"),
            ("name ", "name"),
            (" name", "name"),
            ("a\r\nSet-Cookie: x", "aSet-Cookie_ x"),
            ("a\0.txt", "a.txt"),
            ("a\tb", "ab"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("a\u{200b}\u{feff}b", "ab"),
            ("a\u{2066}b\u{2069}", "ab"),
            ("a\u{e0041}b", "ab"),
            ("a\u{2028}b", "a b"),
            ("a\u{a0}b", "a b"),
            ("a:b", "a_b"),
            ("file.txt::$DATA", "file.txt__$DATA"),
            ("a<b>c\"d|e?f*g", "a_b_c_d_e_f_g"),
            ("a\u{2215}b\u{ff0f}c\u{ff3c}d", "a_b_c_d"),
            ("CON", "_CON"),
            ("con.txt", "_con.txt"),
            ("Nul.tar.gz", "_Nul.tar.gz"),
            ("aux .txt", "_aux .txt"),
            ("COM1", "_COM1"),
            ("lpt9.log", "_lpt9.log"),
            ("COM\u{b9}", "_COM\u{b9}"),
            ("conin$", "_conin$"),
            (".con", "_con"),
        ] {
            assert_eq!(safe(hostile), harmless, "{hostile:?}");
        }
    }

    #[test]
    fn long_names_keep_their_ending_and_whole_characters() {
        let long = format!("{}.pdf", "é".repeat(300));
        let name = safe(&long);
        assert!(name.ends_with("é.pdf") && (250..=255).contains(&name.len()));
        let name = safe(&"😀".repeat(100));
        assert_eq!(name.len(), 252);
        let name = safe(&format!("a.{}", "b".repeat(400)));
        assert_eq!(name.len(), 255);
        let name = safe(&format!("{} .{}", "a".repeat(254), "b".repeat(400)));
        assert_eq!(name, "a".repeat(254), "nothing ends with a space after it was cut");
        assert_eq!(safe(&"x".repeat(255)), "x".repeat(255));
        assert!(safe(&format!("con.{}", "x".repeat(300))).starts_with("_con."));
        assert_eq!(safe(&format!("con{}t", " ".repeat(300))), "_con");
    }

    #[test]
    fn whatever_comes_in_the_rules_hold_and_a_second_time_changes_nothing() {
        // Every character of the basic plane and a few beyond, in each place of a name.
        let chars = (0..0x1_0400).chain([0x1_f600, 0xe_0001, 0x10_ffff]).filter_map(char::from_u32);
        for c in chars {
            for text in [format!("{c}"), format!("{c}a.txt"), format!("a{c}b"), format!("a.txt{c}")]
            {
                let name = safe(&text);
                assert!((1..=255).contains(&name.len()), "{c:?}");
                assert!(!name.contains(['/', '\\', ':', '\0', '\n']), "{c:?}");
                assert!(!name.chars().any(is_invisible), "{c:?}");
                assert!(!name.starts_with(['.', '-', '~', ' ']), "{c:?}");
                assert!(!name.ends_with(['.', ' ']), "{c:?}");
                assert_eq!(safe(&name), name, "{c:?}");
            }
        }
    }

    #[test]
    fn a_name_is_not_printed() {
        assert!(!format!("{:?}", SafeFileName::of("fake-personal.pdf")).contains("fake"));
    }
}
