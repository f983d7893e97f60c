//! Root keys at hand: from a file, a variable or the host.

use std::{fmt, fs::File, io::Read, path::Path};

use async_trait::async_trait;
use bailee_core::{Error, ErrorKind, Id, Random, Result, SecretText};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::{
    KeyContext, KeySource, RootId, cipher,
    envelope::{self, Envelope},
    key::{KeyMaterial, NamedKey},
};

/// Why a root key was not taken. What was given is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Refused {
    #[error("all bytes of the root key are equal")]
    AllEqual,
    #[error("both the variable and the one that names a file are set")]
    Both,
    #[error("the root key is not the base64 of exactly 32 bytes")]
    Form,
    #[error("the variable of the root key is not set, or not text")]
    NotSet,
    #[error("the root key is a text and not random bytes")]
    Passphrase,
    #[error("the file of the root key could not be read")]
    Unreadable,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Error::new(ErrorKind::Configuration).with_source(refused)
    }
}

/// Root keys that this process holds: one primary, any number that only unwrap.
///
/// A key is the base64 (RFC 4648 §4, with padding) of exactly 32 random bytes;
/// [`RootKeys::generate`] makes one. Other lengths, equal bytes and texts are refused. The id of a
/// root is derived from the key, so that a wrong one is noticed.
pub struct RootKeys {
    primary: NamedKey,
    decrypt_only: Vec<NamedKey>,
}

impl RootKeys {
    /// Reads the primary root key from a file. White space at the end is ignored.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] when the file cannot be read or holds no root key.
    pub fn file(path: impl AsRef<Path>) -> Result<Self> {
        // One more byte than a key with its line end can have, read into a buffer that never
        // grows.
        let mut buffer = Zeroizing::new([0; MAX_TEXT + 1]);
        let mut file = File::open(path).map_err(|_| Refused::Unreadable)?;
        let mut length = 0;
        while length < buffer.len() {
            match file.read(&mut buffer[length..]).map_err(|_| Refused::Unreadable)? {
                0 => break,
                read => length += read,
            }
        }
        Self::parse(&buffer[..length])
    }

    /// Reads the primary root key from the environment: from this variable, or from the file that
    /// the variable of this name with `_FILE` behind it names. Setting both is an error.
    ///
    /// A file is the better place: a variable stays in the process's memory, and in what the
    /// system shows of the process, for as long as it lives.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] when neither or both are set, or what they give is no root key.
    #[expect(clippy::disallowed_methods, reason = "the one named constructor that reads it")]
    pub fn environment(variable: &str) -> Result<Self> {
        let value = std::env::var_os(variable);
        let file = std::env::var_os(format!("{variable}_FILE"));
        match (value, file) {
            (Some(_), Some(_)) => Err(Refused::Both.into()),
            (None, None) => Err(Refused::NotSet.into()),
            (None, Some(path)) => Self::file(path),
            (Some(value), None) => {
                let value = value.into_string().map_err(|_| Refused::NotSet)?;
                Self::base64(&Zeroizing::new(value))
            }
        }
    }

    /// Takes the primary root key from a text. The caller answers for the text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] when it is no root key.
    pub fn base64(text: &str) -> Result<Self> {
        Self::parse(text.as_bytes())
    }

    /// Draws a root key and gives its text, to be put where [`RootKeys::file`] finds it.
    ///
    /// # Errors
    ///
    /// Fails when the source of randomness fails.
    pub fn generate(random: &dyn Random) -> Result<SecretText> {
        loop {
            let key = KeyMaterial::generate(random)?;
            let mut text = Zeroizing::new([0; TEXT]);
            let drawn = key.expose(|key| {
                let written = STANDARD.encode_slice(key, &mut *text);
                check(key).is_ok() && written == Ok(TEXT)
            });
            if drawn {
                return Ok(SecretText::copy_from(&*text));
            }
        }
    }

    /// Adds the keys of another one, which from here on only unwrap.
    #[must_use]
    pub fn with_decrypt_only(mut self, others: Self) -> Self {
        self.decrypt_only.push(others.primary);
        self.decrypt_only.extend(others.decrypt_only);
        self
    }

    fn parse(text: &[u8]) -> Result<Self> {
        let text = text.trim_ascii_end();
        // Decoders want room for whole groups of three bytes.
        let mut bytes = Zeroizing::new([0; TEXT / 4 * 3]);
        if text.len() != TEXT || STANDARD.decode_slice(text, &mut *bytes) != Ok(cipher::KEY) {
            return Err(Refused::Form.into());
        }
        let (bytes, _) = bytes.split_first_chunk().ok_or(Refused::Form)?;
        check(bytes)?;
        let material = KeyMaterial::copy_from(bytes);
        let mut id = [0; 16];
        material.expose(|key| cipher::expand(key, &[b"bailee1/kid"], &mut id))?;
        Ok(Self {
            primary: NamedKey { id: Id::from_bytes(id), material },
            decrypt_only: Vec::new(),
        })
    }

    fn keys(&self) -> impl Iterator<Item = &NamedKey> {
        std::iter::once(&self.primary).chain(&self.decrypt_only)
    }
}

impl fmt::Debug for RootKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RootKeys")
            .field("primary", &self.primary)
            .field("decrypt_only", &self.decrypt_only)
            .finish()
    }
}

#[async_trait]
impl KeySource for RootKeys {
    fn primary(&self) -> RootId {
        RootId::from_id(self.primary.id)
    }

    fn roots(&self) -> Vec<RootId> {
        self.keys().map(|key| RootId::from_id(key.id)).collect()
    }

    async fn wrap(
        &self,
        random: &dyn Random,
        context: KeyContext<'_>,
        key: &KeyMaterial,
    ) -> Result<Vec<u8>> {
        envelope::wrap(&self.primary, context.context(), key, random)
    }

    async fn unwrap(&self, context: KeyContext<'_>, wrapped: &[u8]) -> Result<KeyMaterial> {
        let root = Envelope::parse(wrapped)?.key_id();
        let key = self.keys().find(|key| key.id == root).ok_or_else(|| {
            crate::error::configuration("a tenant key names a root key that is not configured")
        })?;
        Ok(envelope::unwrap(&key.material, context.context(), wrapped)?)
    }
}

/// The length of the base64 of 32 bytes.
const TEXT: usize = 44;

/// With room for white space at the end.
const MAX_TEXT: usize = TEXT + 20;

fn check(key: &[u8; cipher::KEY]) -> Result<(), Refused> {
    if key.iter().all(|byte| *byte == key[0]) {
        return Err(Refused::AllEqual);
    }
    // Thirty-two random bytes are all printable once in 10^13 keys.
    if key.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
        return Err(Refused::Passphrase);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use bailee_core::{Remedy, SystemRandom};

    use super::*;

    fn refusal(text: &str) -> Refused {
        let error = RootKeys::base64(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert_eq!(error.remedy(), Remedy::FixConfiguration);
        let told = format!("{error:?} {error}");
        assert!(text.len() < 8 || !told.contains(text), "the input is repeated");
        *error.source().unwrap().downcast_ref::<Refused>().unwrap()
    }

    #[test]
    fn key_04_other_lengths_equal_bytes_and_passphrases_are_no_root_keys() {
        for bytes in [&[][..], &[7, 9], &[7; 31], &[7; 33], &[1; 64]] {
            assert_eq!(refusal(&STANDARD.encode(bytes)), Refused::Form);
        }
        for text in ["correct horse battery staple", "", &"ab".repeat(32), &"a".repeat(44)] {
            assert_eq!(refusal(text), Refused::Form);
        }
        assert_eq!(refusal(&STANDARD.encode([0; 32])), Refused::AllEqual);
        assert_eq!(refusal(&STANDARD.encode([0xa7; 32])), Refused::AllEqual);
        let passphrase = STANDARD.encode(&b"fake correct horse battery staple"[..32]);
        assert_eq!(refusal(&passphrase), Refused::Passphrase);
        let hex = STANDARD.encode(b"00112233445566778899aabbccddeeff");
        assert_eq!(refusal(&hex), Refused::Passphrase);
    }

    #[test]
    fn generated_root_keys_are_taken_and_have_ids_of_their_own() {
        let text = RootKeys::generate(&SystemRandom).unwrap();
        let read = |text: &[u8]| RootKeys::parse(text).unwrap().primary();
        text.expose(|text| {
            assert_eq!(read(text), read(&[text, b"\r\n"].concat()));
            let other = RootKeys::generate(&SystemRandom).unwrap();
            assert_ne!(read(text), other.expose(read));
        });
    }

    #[test]
    fn a_file_is_read_and_a_long_or_missing_one_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root-key");
        let text = RootKeys::generate(&SystemRandom).unwrap();
        text.expose(|text| std::fs::write(&path, [text, b"\n"].concat()).unwrap());
        let expected = text.expose(|text| RootKeys::parse(text).unwrap().primary());
        assert_eq!(RootKeys::file(&path).unwrap().primary(), expected);
        text.expose(|text| std::fs::write(&path, text.repeat(2)).unwrap());
        assert_eq!(RootKeys::file(&path).unwrap_err().kind(), ErrorKind::Configuration);
        let missing = RootKeys::file(directory.path().join("none")).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::Configuration);
        assert!(!format!("{missing:?}").contains("none"));
    }

    #[test]
    fn a_variable_that_is_not_set_is_an_error() {
        let error = RootKeys::environment("BAILEE_TEST_ROOT_KEY_THAT_NOBODY_SETS").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
    }

    #[test]
    fn sec_01_debug_shows_ids_alone() {
        let text = RootKeys::generate(&SystemRandom).unwrap();
        let keys = text.expose(|text| RootKeys::parse(text).unwrap());
        let told = format!("{keys:?}");
        assert!(told.contains(&keys.primary().to_string()));
        text.expose(|text| assert!(!told.contains(std::str::from_utf8(text).unwrap())));
    }
}
