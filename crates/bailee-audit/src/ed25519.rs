//! The one place that calls the cipher library: `public_key`, `sign`, `verify` (RFC 8032, Ed25519).
//!
//! `ring` wipes neither its key objects nor its stack. So no key object outlives a call, and what a
//! call left on the stack is overwritten when it ends, on panic too.

use std::hint::black_box;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

/// The size of a seed and of a public key.
pub(crate) const KEY: usize = 32;

/// The size of a signature.
pub(crate) const SIGNATURE: usize = 64;

/// The public key of a seed. `None` never comes of a seed of this size.
pub(crate) fn public_key(seed: &[u8; KEY]) -> Option<[u8; KEY]> {
    let _scrub = Scrub;
    public_key_inner(seed)
}

/// Signs a message. `None` never comes of a seed of this size.
pub(crate) fn sign(seed: &[u8; KEY], message: &[u8]) -> Option<[u8; SIGNATURE]> {
    let _scrub = Scrub;
    sign_inner(seed, message)
}

/// Whether a signature is the key's over the message.
pub(crate) fn verify(key: &[u8; KEY], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
}

#[inline(never)]
fn public_key_inner(seed: &[u8; KEY]) -> Option<[u8; KEY]> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
    pair.public_key().as_ref().try_into().ok()
}

#[inline(never)]
fn sign_inner(seed: &[u8; KEY], message: &[u8]) -> Option<[u8; SIGNATURE]> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
    pair.sign(message).as_ref().try_into().ok()
}

/// Overwrites the stack below when it goes.
struct Scrub;

impl Drop for Scrub {
    fn drop(&mut self) {
        scrub();
    }
}

#[inline(never)]
fn scrub() {
    let zeros = [0u8; 8192];
    black_box(&zeros);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let pair = |n| u8::from_str_radix(&hex[n..n + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(pair).collect()
    }

    /// RFC 8032 §7.1: seed, public key, message, signature.
    const VECTORS: [[&str; 4]; 3] = [
        [
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39\
             701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ],
        [
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f36\
             13d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ],
        [
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f7\
             60984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ],
    ];

    #[test]
    fn signatures_are_those_of_the_standard() {
        for [seed, key, message, signature] in VECTORS {
            let seed: [u8; KEY] = bytes(seed).try_into().unwrap();
            let key: [u8; KEY] = bytes(key).try_into().unwrap();
            let (message, signature) = (bytes(message), bytes(signature));
            assert_eq!(public_key(&seed), Some(key));
            assert_eq!(sign(&seed, &message).unwrap().as_slice(), signature);
            assert!(verify(&key, &message, &signature));
        }
    }

    #[test]
    fn every_changed_bit_of_a_signature_is_found() {
        let [_, key, message, signature] = VECTORS[2];
        let key: [u8; KEY] = bytes(key).try_into().unwrap();
        let (message, signature) = (bytes(message), bytes(signature));
        for bit in 0..signature.len() * 8 {
            let mut changed = signature.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(&key, &message, &changed), "{bit}");
        }
        assert!(!verify(&key, &message, &signature[..63]));
        assert!(!verify(&key, b"", &signature));
    }
}
