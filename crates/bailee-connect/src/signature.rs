//! Checking the signatures that providers' steps and deliveries hand back.

use bailee_core::Plaintext;
use bailee_providers::{
    PublicKey, SignatureScheme, Signed,
    signal::{ProofKind, SignalProof},
    spec::TextEncoding,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::{
    hmac,
    signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
        RsaPublicKeyComponents, UnparsedPublicKey,
    },
};
use zeroize::Zeroizing;

/// Whether the signature is the key's over the message, under exactly that scheme.
pub(crate) fn verify(signed: &Signed) -> bool {
    let (message, signature) = (signed.message.as_slice(), signed.signature.as_slice());
    match (signed.scheme, &signed.key) {
        (SignatureScheme::EdDsa, PublicKey::Ed25519 { x }) => {
            UnparsedPublicKey::new(&ED25519, x).verify(message, signature).is_ok()
        }
        (SignatureScheme::Es256, PublicKey::P256 { x, y }) => {
            let mut point = [4; 65];
            point[1..33].copy_from_slice(x);
            point[33..].copy_from_slice(y);
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(message, signature)
                .is_ok()
        }
        (SignatureScheme::Ps256, PublicKey::Rsa { n, e }) => RsaPublicKeyComponents { n, e }
            .verify(&RSA_PSS_2048_8192_SHA256, message, signature)
            .is_ok(),
        (SignatureScheme::Rs256, PublicKey::Rsa { n, e }) => RsaPublicKeyComponents { n, e }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            .is_ok(),
        _ => false,
    }
}

/// Whether one of the secrets made one of the signatures over a delivery. Each is compared in
/// constant time (HOOK-01).
pub(crate) fn proves(proof: &SignalProof, secrets: &[Plaintext]) -> bool {
    secrets.iter().any(|secret| secret.expose(|secret| proves_one(proof, secret)))
}

fn proves_one(proof: &SignalProof, secret: &[u8]) -> bool {
    let any = |check: &dyn Fn(&[u8]) -> bool| proof.tags.iter().any(|tag| check(tag));
    match proof.kind {
        ProofKind::Ed25519 => {
            let key = std::str::from_utf8(secret).ok().map(str::trim);
            let Some(key) = key.and_then(|text| TextEncoding::Hexadecimal.decode(text)) else {
                return false;
            };
            let key = UnparsedPublicKey::new(&ED25519, key);
            any(&|tag| key.verify(&proof.message, tag).is_ok())
        }
        ProofKind::HmacSha256 => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            any(&|tag| hmac::verify(&key, &proof.message, tag).is_ok())
        }
        ProofKind::StandardWebhooks => {
            let text = secret.strip_prefix(b"whsec_".as_slice()).unwrap_or(secret);
            let Ok(bytes) = BASE64_STANDARD.decode(text).map(Zeroizing::new) else { return false };
            let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
            any(&|tag| hmac::verify(&key, &proof.message, tag).is_ok())
        }
        _ => false,
    }
}

/// HMAC-SHA256 with a registration's secret, for a question that is answered with one.
pub(crate) fn sign(secret: &Plaintext, message: &[u8]) -> Vec<u8> {
    let key = secret.expose(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret));
    hmac::sign(&key, message).as_ref().to_vec()
}
