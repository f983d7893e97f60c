//! Inputs made of others, the same ones for the same seed.
//!
//! Libraries for this (bolero, proptest) either build a fuzzer's C++ or make values of a grammar;
//! what is wanted here is bytes that are nearly those of a corpus, and that takes a page.

/// Makes inputs out of a corpus.
#[derive(Clone, Debug)]
pub struct Mutator(u64);

/// The longest input that is made.
const LONGEST: usize = 16 * 1024;

impl Mutator {
    /// A mutator that always makes the same of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// An input: one of the corpus with one to five changes.
    pub fn input(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = match corpus.is_empty() {
            true => Vec::new(),
            false => corpus[self.below(corpus.len())].clone(),
        };
        for _ in 0..=self.below(5) {
            self.change(&mut input, corpus);
            input.truncate(LONGEST);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let longest = (input.len() - at + 1).min(1 + 4 * self.below(32));
        let end = at + self.below(longest);
        match self.below(13) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.next() as u8,
            2 => {
                let byte = ODD[self.below(ODD.len())];
                input.insert(at, byte);
            }
            3 | 4 => {
                let word = WORDS[self.below(WORDS.len())];
                input.splice(at..at, word.bytes());
            }
            5 => {
                let word = WORDS[self.below(WORDS.len())];
                input.splice(at..end, word.bytes());
            }
            6 => drop(input.drain(at..end)),
            7 => input.truncate(at),
            8 => {
                let piece = input[at..end].to_vec();
                let times = 1 << self.below(10);
                let room = LONGEST.saturating_sub(input.len()) / piece.len().max(1);
                input.splice(end..end, piece.repeat(times.min(room)));
            }
            // A number becomes another one.
            9 => {
                let digits = |byte: &u8| byte.is_ascii_digit();
                if let Some(from) = input[at..].iter().position(digits).map(|found| at + found) {
                    let length = input[from..].iter().take_while(|byte| digits(byte)).count();
                    let number = NUMBERS[self.below(NUMBERS.len())];
                    input.splice(from..from + length, number.bytes());
                }
            }
            // A line is doubled, moved or lost.
            10 => {
                let mut lines: Vec<Vec<u8>> =
                    input.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                let one = self.below(lines.len());
                match self.below(3) {
                    0 => drop(lines.remove(one)),
                    1 => {
                        let line = lines[one].clone();
                        lines.insert(one, line);
                    }
                    _ => {
                        let other = self.below(lines.len());
                        lines.swap(one, other);
                    }
                }
                *input = lines.join(&b'\n');
            }
            // Two inputs become one.
            _ if !corpus.is_empty() => {
                let other = &corpus[self.below(corpus.len())];
                let from = self.below(other.len() + 1);
                let to = from + self.below(other.len() - from + 1);
                match self.below(2) {
                    0 => drop(input.splice(at..end, other[from..to].iter().copied())),
                    _ => {
                        input.truncate(at);
                        input.extend_from_slice(&other[from..]);
                    }
                }
            }
            _ => input.push(self.next() as u8),
        }
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// SplitMix64 (Steele, Lea, Flood, 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

const ODD: &[u8] = b"\0\t\n\r \"#%&'()*+,-./:;<=>?@[\\]^_`{|}~\x7f\x80\xbf\xc3\xed\xff09azAZ";

const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "1",
    "00",
    "255",
    "256",
    "65535",
    "65536",
    "4294967295",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1e308",
    "1e309",
    "-1e309",
    "1e-400",
    "0.1",
    "1.7976931348623157e308",
    "99999999999999999999999999999999",
    "253402300799",
    "253402300800",
    "-62167219201",
];

const WORDS: &[&str] = &[
    crate::CANARY,
    "\n%%\n",
    "200\ncontent-type: application/json\n\n",
    "429\nretry-after: 7\n\n",
    "500\n\n",
    "302\nlocation: https://evil.example.test/\n\n",
    "401\nwww-authenticate: Bearer error=\"invalid_token\"\n\n",
    "{}",
    "[]",
    "[{}]",
    "null",
    "true",
    "false",
    "\"\"",
    "{\"error\":\"invalid_grant\"}",
    "{\"ok\":false,\"error\":\"fake-canary\"}",
    "\"error\":{\"code\":\"fake-canary\",\"message\":\"fake-canary\"},",
    "[[[[[[[[[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":",
    ",",
    ":",
    "\"",
    "\\u0000",
    "\\ud800",
    "\\udc00",
    "\\ud83d\\ude00",
    "\\",
    "%00",
    "%0d%0a",
    "%2e%2e",
    "%2F",
    "%25",
    "%",
    "+",
    "&",
    "=",
    ";",
    "..",
    "../",
    "//",
    "/\\",
    "https://",
    "http://",
    "https://evil.example.test",
    "https://evil.example.test@",
    "@evil.example.test",
    ".evil.example.test",
    "evil.example.test",
    "127.0.0.1",
    "0x7f.1",
    "[::1]",
    "localhost",
    ":443",
    ":8443",
    "?",
    "#",
    "access_token=fake-canary",
    "code=fake-canary",
    "state=fake-canary",
    "error=access_denied",
    "rel=\"next\"",
    "filename*=UTF-8''",
    "Bearer",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "\u{ff0f}",
    "é",
    "😀",
    "\r\n",
    "\0",
    "\u{1}",
    "2026-11-21T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "0000-01-01T00:00:00Z",
    "Sun, 06 Nov 1994 08:49:37 GMT",
];
