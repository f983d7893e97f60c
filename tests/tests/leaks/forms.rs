//! A secret in every form in which it could be written down.

use std::collections::BTreeSet;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64 without padding.
fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for n in 0..=chunk.len() {
            let six = (group >> (18 - 6 * n)) & 63;
            text.push(char::from(alphabet[six as usize]));
        }
    }
    text
}

/// The text itself, in hexadecimal, in both alphabets of base64 wherever it stands in what was
/// encoded, percent-encoded, and as the debug output of bytes.
pub(crate) fn forms(secret: &str) -> BTreeSet<Vec<u8>> {
    let bytes = secret.as_bytes();
    let mut all = BTreeSet::from([bytes.to_vec()]);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    all.insert(hex.to_uppercase().into_bytes());
    all.insert(hex.into_bytes());
    for alphabet in [STANDARD, URL_SAFE] {
        for shift in 0..3 {
            // What stands before it shifts it; the characters that its neighbours change are left
            // out at both ends.
            let shifted = [&[0; 2][..shift], bytes].concat();
            let text = base64(&shifted, alphabet);
            let (from, whole) = ((shift * 8).div_ceil(6), shifted.len() * 8 / 6);
            all.insert(text.as_bytes()[from..whole].to_vec());
        }
    }
    let encoded = url::form_urlencoded::byte_serialize(bytes).collect::<String>();
    all.insert(encoded.into_bytes());
    let listed: Vec<String> = bytes.iter().map(ToString::to_string).collect();
    all.insert(listed.join(", ").into_bytes());
    all
}

/// Everything that is looked for, made once.
pub(crate) struct Needles(Vec<(usize, Vec<u8>)>);

impl Needles {
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut needles = Vec::new();
        for (n, secret) in secrets.into_iter().enumerate() {
            assert!(secret.len() >= 8, "secret number {n} is too short to be looked for");
            needles.extend(forms(secret).into_iter().map(|form| (n, form)));
        }
        assert!(!needles.is_empty());
        Self(needles)
    }

    /// Which of the secrets stand in a text, by their numbers.
    pub(crate) fn found_in(&self, text: &[u8]) -> BTreeSet<usize> {
        // The first eight bytes of each needle are found through a table.
        let mut starts: std::collections::HashMap<&[u8], Vec<usize>> = Default::default();
        for (place, (_, needle)) in self.0.iter().enumerate() {
            starts.entry(&needle[..8]).or_default().push(place);
        }
        let mut found = BTreeSet::new();
        for (at, window) in text.windows(8).enumerate() {
            for place in starts.get(window).into_iter().flatten() {
                let (n, needle) = &self.0[*place];
                if text[at..].starts_with(needle) {
                    found.insert(*n);
                }
            }
        }
        found
    }

    /// Sees that none of them stands in a text. The message names numbers alone.
    pub(crate) fn none_in(&self, what: &str, text: &[u8]) {
        let found = self.found_in(text);
        assert!(found.is_empty(), "secrets number {found:?} stand in {what}");
    }
}

#[test]
fn every_form_of_a_planted_secret_is_found() {
    let secret = "fake-canary-token/1+2";
    let needles = Needles::new([secret]);
    for planted in [
        format!("Bearer {secret}\n"),
        format!("{:?}", secret.as_bytes()),
        secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
        secret.bytes().map(|byte| format!("{byte:02X}")).collect(),
        base64(secret.as_bytes(), STANDARD),
        base64(format!("id:{secret}").as_bytes(), STANDARD),
        base64(format!("x{secret}y").as_bytes(), URL_SAFE),
        base64(format!("ab{secret}cd").as_bytes(), URL_SAFE),
        format!(
            "?token={}",
            url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>()
        ),
    ] {
        assert_eq!(needles.found_in(planted.as_bytes()).len(), 1, "{planted}");
    }
    assert!(needles.found_in(b"fake-canary-toke").is_empty());
    assert_eq!(base64(b"fake", STANDARD), "ZmFrZQ");
}
