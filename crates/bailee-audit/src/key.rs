//! The keys of a log: one signs, several are believed while it is turned.

use std::{fmt, str::FromStr};

use bailee_core::{Error, ErrorKind, Plaintext, Random, Result, Sha256};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use crate::ed25519;

/// What a log is called: the origin of its checkpoints and the name of its keys.
///
/// 1 to 200 characters of printable ASCII without space and `+`. To be told from every other log in
/// the world it is best an address without its scheme, under a domain of the service
/// ("app.example/log"); nothing has to be there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogName(String);

/// The key that signs for a log (Ed25519, RFC 8032).
///
/// No `Clone`, no `Serialize`; `Debug` shows its public half; the seed is wiped on drop.
pub struct SigningKey {
    seed: Box<Zeroizing<[u8; ed25519::KEY]>>,
    public: VerifyingKey,
}

/// The public half of a log's key. Whoever checks gets it from the service once and keeps it.
///
/// As text it is a verifier key of C2SP's signed notes: `name+id+key`, the id in eight hexadecimal
/// digits, the key in base64 after the byte 1 that stands for Ed25519.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct VerifyingKey {
    name: LogName,
    key: [u8; ed25519::KEY],
}

/// Which key signed: the first four bytes of the SHA-256 over the log's name, a line break, the byte
/// 1 and the public key. It helps to find the key and proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 4]);

/// The keys that are believed. Usually one, and two while it is turned.
#[derive(Clone, Debug, Default)]
pub struct Keyring(Vec<VerifyingKey>);

/// A text that is no verifier key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a verifier key of a log")]
pub struct NotAKey;

impl LogName {
    /// Checks a name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`].
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let valid = (1..=200).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'+');
        if valid {
            Ok(Self(name))
        } else {
            Err(Error::new(ErrorKind::InvalidInput)
                .with_detail("a log's name is printable ASCII without space and plus"))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SigningKey {
    /// Draws a key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::RandomnessFailed`].
    pub fn generate(name: LogName, random: &dyn Random) -> Result<Self> {
        let mut seed = Box::new(Zeroizing::new([0; ed25519::KEY]));
        random.fill(&mut seed[..])?;
        Self::of(name, seed)
    }

    /// Takes up a key from its seed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] unless the seed has 32 bytes.
    pub fn from_seed(name: LogName, seed: &Plaintext) -> Result<Self> {
        let mut copy = Box::new(Zeroizing::new([0; ed25519::KEY]));
        seed.expose(|seed| match seed.len() {
            ed25519::KEY => {
                copy.copy_from_slice(seed);
                Ok(())
            }
            _ => Err(invalid()),
        })?;
        Self::of(name, copy)
    }

    fn of(name: LogName, seed: Box<Zeroizing<[u8; ed25519::KEY]>>) -> Result<Self> {
        let key = ed25519::public_key(&seed).ok_or_else(invalid)?;
        Ok(Self { seed, public: VerifyingKey { name, key } })
    }

    /// The seed, to be sealed.
    pub fn seed(&self) -> Plaintext {
        Plaintext::copy_from(&self.seed[..])
    }

    /// The public half, to be published.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.public
    }

    /// Signs a message.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; ed25519::SIGNATURE] {
        ed25519::sign(&self.seed, message).expect("this seed gave the public key")
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.public).finish()
    }
}

impl VerifyingKey {
    /// The log's name.
    pub fn name(&self) -> &LogName {
        &self.name
    }

    /// Its id.
    pub fn id(&self) -> KeyId {
        let mut hash = Sha256::default();
        hash.update(self.name.0.as_bytes());
        hash.update(&[b'\n', ED25519_TYPE]);
        hash.update(&self.key);
        let [a, b, c, d, ..] = hash.finish();
        KeyId([a, b, c, d])
    }

    /// The public key of RFC 8032.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.key
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        ed25519::verify(&self.key, message, signature)
    }
}

/// What C2SP's signed notes call an Ed25519 key.
const ED25519_TYPE: u8 = 1;

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = [ED25519_TYPE; 1 + ed25519::KEY];
        key[1..].copy_from_slice(&self.key);
        write!(f, "{}+{}+{}", self.name.0, self.id(), BASE64_STANDARD.encode(key))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for VerifyingKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let mut pieces = text.splitn(3, '+');
        let (name, id, key) = (pieces.next(), pieces.next(), pieces.next());
        let name = name.and_then(|name| LogName::new(name).ok()).ok_or(NotAKey)?;
        let id = id.and_then(KeyId::parse).ok_or(NotAKey)?;
        let bytes = BASE64_STANDARD.decode(key.ok_or(NotAKey)?).map_err(|_| NotAKey)?;
        let [ED25519_TYPE, key @ ..] = bytes.as_slice() else { return Err(NotAKey) };
        let found = Self { name, key: key.try_into().map_err(|_| NotAKey)? };
        if found.id() == id { Ok(found) } else { Err(NotAKey) }
    }
}

impl KeyId {
    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }

    pub(crate) fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// Reads eight lower-case hexadecimal digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let lower = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 8 || !text.bytes().all(lower) {
            return None;
        }
        u32::from_str_radix(text, 16).ok().map(|id| Self(id.to_be_bytes()))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Keyring {
    /// Believes these keys.
    pub fn new(keys: impl IntoIterator<Item = VerifyingKey>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// The keys.
    pub fn keys(&self) -> &[VerifyingKey] {
        &self.0
    }

    /// The keys of this name and id. There may be two: the id is short.
    pub(crate) fn find(&self, name: &str, id: KeyId) -> Vec<&VerifyingKey> {
        self.0.iter().filter(|key| key.name.as_str() == name && key.id() == id).collect()
    }
}

impl From<VerifyingKey> for Keyring {
    fn from(key: VerifyingKey) -> Self {
        Self(vec![key])
    }
}

macro_rules! shown {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }
    )*};
}

shown!(KeyId, LogName);

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn invalid() -> Error {
    Error::new(ErrorKind::InvalidInput).with_detail("the seed of a signing key has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, seed: u8) -> SigningKey {
        let name = LogName::new(name).unwrap();
        SigningKey::from_seed(name, &Plaintext::copy_from(&[seed; 32])).unwrap()
    }

    #[test]
    fn a_verifier_key_survives_its_text_and_no_changed_one_is_read() {
        let text = key("app.example/log", 7).verifying_key().to_string();
        let read: VerifyingKey = text.parse().unwrap();
        assert_eq!(&read, key("app.example/log", 7).verifying_key());
        for bit in 0..text.len() * 8 {
            let mut changed = text.clone().into_bytes();
            changed[bit / 8] ^= 1 << (bit % 8);
            let Ok(changed) = String::from_utf8(changed) else { continue };
            assert_eq!(changed.parse::<VerifyingKey>(), Err(NotAKey), "{changed}");
        }
    }

    #[test]
    fn names_are_those_that_a_note_can_hold() {
        for name in ["a", "app.example/log", "~"] {
            assert_eq!(LogName::new(name).unwrap().as_str(), name);
        }
        let long = "a".repeat(201);
        for name in ["", "a b", "a+b", "a\nb", "é", "a\u{a0}b", long.as_str()] {
            assert_eq!(LogName::new(name).unwrap_err().kind(), ErrorKind::InvalidInput, "{name}");
        }
    }

    #[test]
    fn sec_01_a_signing_key_shows_its_public_half_alone() {
        let key = key("app.example/log", 0x42);
        assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.verifying_key()));
        key.seed().expose(|seed| assert_eq!(seed, [0x42; 32]));
    }

    #[test]
    fn a_seed_of_another_length_is_none() {
        for length in [0, 31, 33] {
            let name = LogName::new("a").unwrap();
            let seed = Plaintext::copy_from(&vec![1; length]);
            let error = SigningKey::from_seed(name, &seed).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
    }
}
