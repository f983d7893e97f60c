//! Key sets (RFC 7517 §5, RFC 7518 §6, RFC 8037 §2), as far as they can check an ID token.

use serde::Deserialize;

use super::jose;
use crate::step::{PublicKey, SignatureScheme};

/// The shortest RSA modulus that is accepted, in bytes (RFC 7518 §3.3).
const SHORTEST_MODULUS: usize = 256;

/// The longest: a longer one costs more than it is worth.
const LONGEST_MODULUS: usize = 1024;

#[derive(Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Key {
    kty: String,
    #[serde(rename = "use")]
    use_: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The key for a signature: of the type that the scheme needs, for signatures, under the `kid` of
/// the token. A token without one needs a set with a single key that fits (OpenID Connect Core
/// §10.1). Keys of kinds that are not known are passed over (RFC 7517 §5).
pub(crate) fn select(
    document: &[u8],
    scheme: SignatureScheme,
    key_id: Option<&str>,
) -> Option<PublicKey> {
    let set: Set = serde_json::from_slice(document).ok()?;
    let mut fitting = set
        .keys
        .into_iter()
        .filter_map(|key| serde_json::from_value::<Key>(key).ok())
        .filter(|key| key_id.is_none() || key.kid.as_deref() == key_id)
        .filter_map(|key| public_key(&key, scheme));
    let first = fitting.next()?;
    // Two keys that fit are one too many: nobody tries which.
    if fitting.next().is_some() { None } else { Some(first) }
}

fn public_key(key: &Key, scheme: SignatureScheme) -> Option<PublicKey> {
    let for_signatures = key.use_.as_deref().is_none_or(|word| word == "sig")
        && key.key_ops.as_ref().is_none_or(|words| words.iter().any(|word| word == "verify"))
        && key.alg.as_deref().is_none_or(|name| jose::scheme(name) == Some(scheme));
    if !for_signatures {
        return None;
    }
    let bytes = |field: &Option<String>| {
        jose::decode(field.as_ref()?.as_bytes()).ok().map(|bytes| bytes.to_vec())
    };
    let coordinate = |field: &Option<String>| <[u8; 32]>::try_from(bytes(field)?).ok();
    match (scheme, key.kty.as_str(), key.crv.as_deref()) {
        (SignatureScheme::EdDsa, "OKP", Some("Ed25519")) => {
            Some(PublicKey::Ed25519 { x: coordinate(&key.x)? })
        }
        (SignatureScheme::Es256, "EC", Some("P-256")) => {
            Some(PublicKey::P256 { x: coordinate(&key.x)?, y: coordinate(&key.y)? })
        }
        (SignatureScheme::Ps256 | SignatureScheme::Rs256, "RSA", _) => {
            let strip = |bytes: Vec<u8>| {
                let zeros = bytes.iter().take_while(|b| **b == 0).count();
                bytes[zeros..].to_vec()
            };
            let (n, e) = (strip(bytes(&key.n)?), strip(bytes(&key.e)?));
            let good = (SHORTEST_MODULUS..=LONGEST_MODULUS).contains(&n.len())
                && (1..=8).contains(&e.len())
                && e != [1];
            good.then_some(PublicKey::Rsa { n, e })
        }
        _ => None,
    }
}
