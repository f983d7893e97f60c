//! Checking the signatures that providers' steps hand back.

use bailee_providers::{PublicKey, SignatureScheme, Signed};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};

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
