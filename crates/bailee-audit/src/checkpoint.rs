//! Signed checkpoints: how large the tree was, with which head, at what time.

use std::fmt;

use bailee_core::Timestamp;
use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{
    KeyId, Keyring, LogName, SigningKey,
    note::{self, NoteFault, Signers},
};

/// The head of a log's tree at one of its sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkpoint {
    /// Which log.
    pub origin: LogName,
    /// How many entries are in the tree.
    pub size: u64,
    /// The head of the tree (RFC 9162 §2.1.1).
    pub root: [u8; 32],
    /// When it was signed, to the second, by the clock of whoever signed.
    pub at: Timestamp,
}

/// A checkpoint with its signatures, as text.
///
/// ```text
/// app.example/log                                    the origin
/// 20852163                                           the size
/// BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=       the head in base64
/// time 1748779200                                    seconds since the epoch
///
/// — app.example/log Az3grlgtzPICa5OS8npVmf1M…        key id and signature in base64
/// ```
///
/// That is C2SP's `tlog-checkpoint` in a C2SP `signed-note`, so other people's tools read it. The time
/// is an extension line of it. Each line of signatures is one key's over all that stands above the empty
/// line, with its last line break.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedCheckpoint(String);

/// What is wrong with a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointFault {
    /// A signature of a believed key is not its signature over this text.
    #[error("a signature of the checkpoint does not verify")]
    BadSignature,
    /// It has not the form of a checkpoint.
    #[error("not a signed checkpoint")]
    Form,
    /// It is of another log.
    #[error("the checkpoint is of another log")]
    OtherLog,
    /// No believed key signed it.
    #[error("no key that is believed signed the checkpoint")]
    UnknownKey,
}

impl Checkpoint {
    /// Says what the head of a tree is.
    pub fn new(origin: LogName, size: u64, root: [u8; 32], at: Timestamp) -> Self {
        Self { origin, size, root, at: Timestamp::from_seconds(at.as_seconds()) }
    }

    /// Signs it with one key, or with two while it is turned.
    ///
    /// Whoever signs answers for it that no two checkpoints of a log contradict each other: each later
    /// tree begins with every earlier one.
    pub fn sign(&self, keys: &[&SigningKey]) -> SignedCheckpoint {
        SignedCheckpoint(note::sign(&self.text(), keys))
    }

    fn text(&self) -> String {
        format!(
            "{}\n{}\n{}\n{TIME}{}\n",
            self.origin,
            self.size,
            BASE64_STANDARD.encode(self.root),
            self.at.as_seconds()
        )
    }

    /// Reads the text of a note. What this does not write is none of ours.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let origin = LogName::new(lines.next()?).ok()?;
        let size = lines.next()?.parse().ok()?;
        let root = BASE64_STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
        let at = lines.next()?.strip_prefix(TIME)?.parse().ok()?;
        let read = Self { origin, size, root, at: Timestamp::from_seconds(at) };
        (read.text() == text).then_some(read)
    }
}

/// What the line of the time begins with.
const TIME: &str = "time ";

impl SignedCheckpoint {
    /// Takes up a text that is kept or came from somewhere. [`SignedCheckpoint::verify`] says whether
    /// it is one.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it says, once a believed key has signed it. Signatures of other keys are passed over, as
    /// signed notes have it: witnesses may have signed too.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn verify(&self, origin: &LogName, keys: &Keyring) -> Result<Checkpoint, CheckpointFault> {
        self.open(origin, keys, Signers::AnyKnown).map(|(checkpoint, _)| checkpoint)
    }

    pub(crate) fn open(
        &self,
        origin: &LogName,
        keys: &Keyring,
        signers: Signers,
    ) -> Result<(Checkpoint, KeyId), CheckpointFault> {
        let (text, signer) = note::open(&self.0, keys, signers)?;
        let checkpoint = Checkpoint::parse(text).ok_or(CheckpointFault::Form)?;
        if checkpoint.origin == *origin {
            Ok((checkpoint, signer))
        } else {
            Err(CheckpointFault::OtherLog)
        }
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SignedCheckpoint").field(&self.0).finish()
    }
}

impl From<NoteFault> for CheckpointFault {
    fn from(fault: NoteFault) -> Self {
        match fault {
            NoteFault::BadSignature => Self::BadSignature,
            NoteFault::Form => Self::Form,
            NoteFault::UnknownKey => Self::UnknownKey,
        }
    }
}

#[cfg(test)]
mod tests {
    use bailee_core::Plaintext;

    use super::*;

    fn name() -> LogName {
        LogName::new("app.example/log").unwrap()
    }

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(name(), &Plaintext::copy_from(&[seed; 32])).unwrap()
    }

    fn keys(seed: u8) -> Keyring {
        key(seed).verifying_key().clone().into()
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint::new(name(), 20_852_163, [7; 32], Timestamp::from_micros(1_748_779_200_999_999))
    }

    #[test]
    fn a_checkpoint_is_a_text_of_four_lines_and_its_signatures() {
        let signed = checkpoint().sign(&[&key(1)]);
        let lines: Vec<_> = signed.as_str().lines().collect();
        let root = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
        assert_eq!(lines[..5], ["app.example/log", "20852163", root, "time 1748779200", ""]);
        assert!(lines[5].starts_with("\u{2014} app.example/log "), "{}", lines[5]);
        assert_eq!(lines.len(), 6);
        assert_eq!(signed.verify(&name(), &keys(1)), Ok(checkpoint()));
    }

    #[test]
    fn aud_02_every_changed_bit_of_a_checkpoint_is_found() {
        let signed = checkpoint().sign(&[&key(1)]);
        for bit in 0..signed.as_str().len() * 8 {
            let mut changed = signed.as_str().to_owned().into_bytes();
            changed[bit / 8] ^= 1 << (bit % 8);
            let Ok(changed) = String::from_utf8(changed) else { continue };
            let changed = SignedCheckpoint::from_text(changed);
            assert!(changed.verify(&name(), &keys(1)).is_err(), "{changed}");
        }
    }

    #[test]
    fn a_checkpoint_of_another_log_or_key_is_refused() {
        let signed = checkpoint().sign(&[&key(1)]);
        let other = LogName::new("app.example/other").unwrap();
        assert_eq!(signed.verify(&other, &keys(1)), Err(CheckpointFault::OtherLog));
        assert_eq!(signed.verify(&name(), &keys(2)), Err(CheckpointFault::UnknownKey));
        assert_eq!(signed.verify(&name(), &Keyring::default()), Err(CheckpointFault::UnknownKey));
    }

    #[test]
    fn a_signed_text_that_is_no_checkpoint_of_ours_is_refused() {
        let root = BASE64_STANDARD.encode([7; 32]);
        for text in [
            "app.example/log\n".to_owned(),
            format!("app.example/log\n05\n{root}\ntime 5\n"),
            format!("app.example/log\n5\n{root}\n"),
            format!("app.example/log\n5\n{root}\ntime +5\n"),
            format!("app.example/log\n5\n{root}\ntime 5\nmore\n"),
            format!("app.example/log\n5\n{}\ntime 5\n", BASE64_STANDARD.encode([7; 31])),
            format!("app example\n5\n{root}\ntime 5\n"),
        ] {
            let signed = SignedCheckpoint(note::sign(&text, &[&key(1)]));
            let fault = signed.verify(&name(), &keys(1)).unwrap_err();
            assert_eq!(fault, CheckpointFault::Form, "{text}");
        }
    }
}
