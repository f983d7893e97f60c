//! A text as the scanners see it: look-alikes of ASCII are ASCII, what cannot be seen is gone.

/// The characters of a text that can be seen, with the place of each in the text.
///
/// Eight bytes for each character. This is not Unicode's NFKC: it folds what people and programs
/// write numbers, addresses and names with (full-width and styled letters, digits of other scripts,
/// spaces, hyphens) and drops what hides between (zero-width characters, marks of direction,
/// combining marks of Latin). Letters of other alphabets that look like Latin stay what they are.
pub(super) struct Folded {
    chars: Vec<char>,
    starts: Vec<u32>,
    bytes: usize,
    /// How often a scanner looked at a character: what a test counts in place of time.
    #[cfg(test)]
    pub(super) steps: std::cell::Cell<u64>,
}

impl Folded {
    /// Folds a text of less than 4 GiB.
    pub(super) fn of(text: &str) -> Self {
        let mut chars = Vec::with_capacity(text.len());
        let mut starts = Vec::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            if let Some(c) = folded(c) {
                chars.push(c);
                starts.push(u32::try_from(at).unwrap_or(u32::MAX));
            }
        }
        Self {
            chars,
            starts,
            bytes: text.len(),
            #[cfg(test)]
            steps: std::cell::Cell::new(0),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.chars.len()
    }

    /// The character at a place, and NUL beyond the end.
    pub(super) fn at(&self, place: usize) -> char {
        #[cfg(test)]
        self.steps.set(self.steps.get() + 1);
        self.chars.get(place).copied().unwrap_or('\0')
    }

    /// The character before a place, and NUL before the first.
    pub(super) fn before(&self, place: usize) -> char {
        place.checked_sub(1).map_or('\0', |place| self.at(place))
    }

    /// The place in bytes of the text. What was dropped after a character belongs to it.
    pub(super) fn byte(&self, place: usize) -> usize {
        self.starts.get(place).map_or(self.bytes, |start| *start as usize)
    }

    /// Whether a word goes on from the character before a place to the one at it.
    ///
    /// Scripts without spaces between words end a word wherever they meet another script.
    pub(super) fn is_inside_word(&self, place: usize) -> bool {
        let (a, b) = (self.before(place), self.at(place));
        let joins = |c: char| c.is_alphanumeric() || c == '_';
        joins(a) && joins(b) && is_unspaced(a) == is_unspaced(b)
    }

    /// The end of the run of characters from a place on.
    pub(super) fn run(&self, from: usize, is: impl Fn(char) -> bool) -> usize {
        let mut end = from;
        while end < self.len() && is(self.at(end)) {
            end += 1;
        }
        end
    }

    /// As `run`, and no longer than `most`.
    pub(super) fn run_within(&self, from: usize, most: usize, is: impl Fn(char) -> bool) -> usize {
        let last = self.len().min(from.saturating_add(most));
        let mut end = from;
        while end < last && is(self.at(end)) {
            end += 1;
        }
        end
    }

    /// Whether an ASCII text in small letters stands here, whatever its case.
    pub(super) fn has(&self, place: usize, lower: &str) -> bool {
        lower.chars().enumerate().all(|(n, c)| self.at(place + n).to_ascii_lowercase() == c)
    }

    /// A piece in small letters.
    pub(super) fn lower(&self, start: usize, end: usize) -> String {
        (start..end).flat_map(|place| self.at(place).to_lowercase()).collect()
    }

    /// The piece itself.
    pub(super) fn piece(&self, start: usize, end: usize) -> String {
        (start..end).map(|place| self.at(place)).collect()
    }
}

/// Scripts that put no spaces between words.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x1100..=0x11FF | 0x2E80..=0x2FDF
        | 0x3005..=0x30FF | 0x3130..=0x318F | 0x31F0..=0x31FF | 0x3400..=0x9FFF | 0xAC00..=0xD7AF
        | 0xF900..=0xFAFF | 0xFF66..=0xFF9F | 0x20000..=0x3FFFF)
}

/// The letter without its marks, in small: for names, which people write with and without them.
pub(super) fn plain(c: char) -> char {
    let c = c.to_lowercase().next().unwrap_or(c);
    if !matches!(u32::from(c), 0xC0..=0x17F | 0x390..=0x3CE | 0x401..=0x451) {
        return c;
    }
    PLAIN.iter().find(|(marked, _)| marked.contains(c)).map_or(c, |(_, plain)| *plain)
}

fn folded(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(match c {
            '\t' => ' ',
            '\r' => '\n',
            c => c,
        });
    }
    let code = u32::from(c);
    if is_unseen(code) {
        return None;
    }
    if let Some(zero) = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code)) {
        return digit(code - zero);
    }
    match code {
        0x2028 | 0x2029 | 0x85 => Some('\n'),
        0x2010..=0x2015 | 0x2043 | 0x2212 | 0xFE58 | 0xFE63 => Some('-'),
        0x2024 | 0xFE52 | 0xFF61 => Some('.'),
        0x2018 | 0x2019 | 0x201B | 0x2032 => Some('\''),
        0x201C..=0x201F | 0x2033 => Some('"'),
        0x2044 | 0x2215 => Some('/'),
        0xA789 | 0x2236 | 0xFE55 => Some(':'),
        0xFE59 => Some('('),
        0xFE5A => Some(')'),
        0xFE62 => Some('+'),
        0xFE6B => Some('@'),
        // Full-width forms of `!` to `~`.
        0xFF01..=0xFF5E => char::from_u32(code - 0xFF01 + 0x21),
        // Styled letters, in alphabets of 52.
        0x1D400..=0x1D6A3 => letter((code - 0x1D400) % 52),
        // Styled digits, in tens.
        0x1D7CE..=0x1D7FF => digit((code - 0x1D7CE) % 10),
        // Letters in circles and squares.
        0x24B6..=0x24E9 => letter(code - 0x24B6),
        0x1F110..=0x1F129 => letter(code - 0x1F110),
        0x1F130..=0x1F149 => letter(code - 0x1F130),
        0x1F150..=0x1F169 => letter(code - 0x1F150),
        0x1F170..=0x1F189 => letter(code - 0x1F170),
        _ if c.is_whitespace() => Some(' '),
        _ => Some(c),
    }
}

/// What takes no room: soft hyphens, fillers, zero-width characters, marks of direction, selectors
/// of variants, tags, the keycap, and the combining marks of Latin.
fn is_unseen(code: u32) -> bool {
    matches!(code,
        0xAD | 0x300..=0x36F | 0x61C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F
        | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0x20D0..=0x20FF | 0x3164
        | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF9..=0xFFFB | 0x1D173..=0x1D17A
        | 0xE0000..=0xE0FFF)
}

fn digit(value: u32) -> Option<char> {
    char::from_digit(value, 10)
}

fn letter(n: u32) -> Option<char> {
    char::from_u32(if n < 26 { 0x41 + n } else { 0x61 + n - 26 })
}

/// The zeros of scripts whose digits people write numbers with.
const ZEROS: [u32; 16] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
    0x0E50, 0x0ED0, 0x0F20, 0x1040,
];

const PLAIN: [(&str, char); 28] = [
    ("àáâãäåāăą", 'a'),
    ("çćĉċč", 'c'),
    ("ďđð", 'd'),
    ("èéêëēĕėęě", 'e'),
    ("ĝğġģ", 'g'),
    ("ĥħ", 'h'),
    ("ìíîïĩīĭįı", 'i'),
    ("ĵ", 'j'),
    ("ķ", 'k'),
    ("ĺļľŀł", 'l'),
    ("ñńņňŉ", 'n'),
    ("òóôõöøōŏő", 'o'),
    ("ŕŗř", 'r'),
    ("śŝşšß", 's'),
    ("ţťŧ", 't'),
    ("ùúûüũūŭůűų", 'u'),
    ("ŵ", 'w'),
    ("ýÿŷ", 'y'),
    ("źżž", 'z'),
    ("ά", 'α'),
    ("έ", 'ε'),
    ("ή", 'η'),
    ("ίϊΐ", 'ι'),
    ("ό", 'ο'),
    ("ύϋΰ", 'υ'),
    ("ώ", 'ω'),
    ("ς", 'σ'),
    ("ё", 'е'),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> String {
        let folded = Folded::of(text);
        folded.piece(0, folded.len())
    }

    #[test]
    fn look_alikes_are_ascii_and_what_is_unseen_is_gone() {
        assert_eq!(seen("ａｄａ＠ｅｘａｍｐｌｅ．ｏｒｇ"), "ada@example.org");
        assert_eq!(seen("a\u{200b}d\u{ad}a\u{202e}\u{feff}"), "ada");
        assert_eq!(seen("٠١٢٣ ۴۵ ६७ ５\u{fe0f}\u{20e3} 𝟗"), "0123 45 67 5 9");
        assert_eq!(seen("𝐀𝒛 Ⓐⓩ 🄰"), "Az Az A");
        assert_eq!(seen("1\u{a0}2\u{2011}3\u{2009}4"), "1 2-3 4");
        assert_eq!(seen("e\u{301}"), "e");
    }

    #[test]
    fn places_are_those_of_the_text() {
        let text = "é\u{200b}＠x";
        let folded = Folded::of(text);
        assert_eq!((folded.byte(0), folded.byte(1), folded.byte(2)), (0, 5, 8));
        assert_eq!(folded.byte(3), text.len());
    }

    #[test]
    fn names_lose_their_marks() {
        let plain: String = "JÜRGEN Groß Παππά Ёлка".chars().map(plain).collect();
        assert_eq!(plain, "jurgen gros παππα елка");
    }
}
