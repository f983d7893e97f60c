//! Signed notes (C2SP signed-note): a text and the lines of those who signed it.

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{KeyId, Keyring, SigningKey, ed25519};

/// What is wrong with a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoteFault {
    /// A signature of a believed key is not its signature over this text.
    BadSignature,
    /// It has not the form of a note.
    Form,
    /// No believed key signed it.
    UnknownKey,
}

/// Which signatures a reader asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signers {
    /// Those of unknown keys are passed over, as the specification has it: others may have signed too.
    AnyKnown,
    /// Each line has to be of a believed key, so that no bit of the note is unchecked.
    AllKnown,
}

/// Signs a text, which ends with a line break, with one key or several.
pub(crate) fn sign(text: &str, keys: &[&SigningKey]) -> String {
    let mut note = format!("{text}\n");
    for key in keys {
        let public = key.verifying_key();
        let mut bytes = Vec::with_capacity(4 + ed25519::SIGNATURE);
        bytes.extend_from_slice(public.id().as_bytes());
        bytes.extend_from_slice(&key.sign(text.as_bytes()));
        note.push_str(&format!("{DASH}{} {}\n", public.name(), BASE64_STANDARD.encode(bytes)));
    }
    note
}

/// The text of a note that believed keys signed, and the first of these.
pub(crate) fn open<'n>(
    note: &'n str,
    keys: &Keyring,
    signers: Signers,
) -> Result<(&'n str, KeyId), NoteFault> {
    if note.len() > MAX_NOTE || note.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        return Err(NoteFault::Form);
    }
    // The last empty line parts the text from the signatures.
    let parted = note.rfind("\n\n").ok_or(NoteFault::Form)?;
    let (text, lines) = (&note[..=parted], &note[parted + 2..]);
    let lines = lines.strip_suffix('\n').ok_or(NoteFault::Form)?;
    let mut signer = None;
    for (n, line) in lines.split('\n').enumerate() {
        if n >= MAX_SIGNATURES {
            return Err(NoteFault::Form);
        }
        let line = line.strip_prefix(DASH).ok_or(NoteFault::Form)?;
        let (name, encoded) = line.split_once(' ').ok_or(NoteFault::Form)?;
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
            return Err(NoteFault::Form);
        }
        let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| NoteFault::Form)?;
        let (id, signature) = bytes.split_first_chunk().ok_or(NoteFault::Form)?;
        let id = KeyId::from_bytes(*id);
        let known = keys.find(name, id);
        if known.is_empty() {
            match signers {
                Signers::AnyKnown => continue,
                Signers::AllKnown => return Err(NoteFault::UnknownKey),
            }
        }
        if !known.iter().any(|key| key.verify(text.as_bytes(), signature)) {
            return Err(NoteFault::BadSignature);
        }
        signer.get_or_insert(id);
    }
    Ok((text, signer.ok_or(NoteFault::UnknownKey)?))
}

/// What a signature's line begins with: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// More than that is no checkpoint of anybody.
const MAX_NOTE: usize = 64 * 1024;

/// The specification asks for sixteen at least.
const MAX_SIGNATURES: usize = 16;

#[cfg(test)]
mod tests {
    use bailee_core::Plaintext;

    use super::*;
    use crate::{LogName, VerifyingKey};

    /// The example of Go's package `golang.org/x/mod/sumdb/note`, which signed notes come from.
    const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SEED: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                        then you don't know what your problem is.\n";
    const LINE: &str = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2p\
                        ZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn key(seed: u8) -> SigningKey {
        let name = LogName::new("app.example/log").unwrap();
        SigningKey::from_seed(name, &Plaintext::copy_from(&[seed; 32])).unwrap()
    }

    fn believed(key: &SigningKey) -> Keyring {
        key.verifying_key().clone().into()
    }

    #[test]
    fn a_note_is_signed_as_others_sign_it() {
        let seed = BASE64_STANDARD.decode(SEED).unwrap();
        let name = LogName::new("PeterNeumann").unwrap();
        let key = SigningKey::from_seed(name, &Plaintext::copy_from(&seed[1..])).unwrap();
        assert_eq!(key.verifying_key().to_string(), KEY);
        let note = sign(TEXT, &[&key]);
        assert_eq!(note, format!("{TEXT}\n{LINE}"));
        let keys = Keyring::from(KEY.parse::<VerifyingKey>().unwrap());
        assert_eq!(open(&note, &keys, Signers::AllKnown).unwrap().0, TEXT);
    }

    #[test]
    fn every_changed_bit_of_a_note_is_found() {
        let (key, text) = (key(1), "app.example/log\n5\nroot\n");
        let note = sign(text, &[&key]);
        for signers in [Signers::AllKnown, Signers::AnyKnown] {
            for bit in 0..note.len() * 8 {
                let mut changed = note.clone().into_bytes();
                changed[bit / 8] ^= 1 << (bit % 8);
                let Ok(changed) = String::from_utf8(changed) else { continue };
                assert!(open(&changed, &believed(&key), signers).is_err(), "{changed}");
            }
            for length in 0..note.len() {
                let cut = note.get(..length).map(|cut| open(cut, &believed(&key), signers));
                assert!(cut.is_none_or(|cut| cut.is_err()), "{length}");
            }
        }
    }

    #[test]
    fn two_keys_sign_while_one_is_turned_and_either_is_enough() {
        let (old, new, text) = (key(1), key(2), "a\n");
        let note = sign(text, &[&old, &new]);
        for key in [&old, &new] {
            let (read, signer) = open(&note, &believed(key), Signers::AnyKnown).unwrap();
            assert_eq!((read, signer), (text, key.verifying_key().id()));
            let strict = open(&note, &believed(key), Signers::AllKnown);
            assert_eq!(strict.unwrap_err(), NoteFault::UnknownKey);
        }
        let both = Keyring::new([old.verifying_key().clone(), new.verifying_key().clone()]);
        assert!(open(&note, &both, Signers::AllKnown).is_ok());
        let neither = open(&note, &believed(&key(3)), Signers::AnyKnown);
        assert_eq!(neither.unwrap_err(), NoteFault::UnknownKey);
        // A believed key whose signature is wrong spoils the note, whoever else signed it.
        let forged = sign("b\n", &[&old]).replace("b\n\n", "a\n\n");
        let line = note.lines().last().unwrap();
        let mixed = format!("{forged}{line}\n");
        assert_eq!(open(&mixed, &both, Signers::AnyKnown).unwrap_err(), NoteFault::BadSignature);
    }

    #[test]
    fn what_has_not_the_form_of_a_note_is_none() {
        let key = key(1);
        let note = sign("a\n", &[&key]);
        for broken in [
            String::new(),
            "\n\n".into(),
            note.replace("\n\n", "\n"),
            note.replace('\u{2014}', "-"),
            note.replace("a\n", "a\t\n"),
            note.replace("app", "a+p"),
            format!("{note}\n"),
            note.trim_end().to_owned(),
            format!("{note}{}", note.lines().last().unwrap().to_owned().repeat(2)),
            format!("a\n\n{}", format!("{}\n", note.lines().last().unwrap()).repeat(17)),
        ] {
            let fault = open(&broken, &believed(&key), Signers::AnyKnown).unwrap_err();
            assert_eq!(fault, NoteFault::Form, "{broken:?}");
        }
    }
}
