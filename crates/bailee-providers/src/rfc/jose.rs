//! Compact JWS (RFC 7515 §3.1) with the algorithms that are accepted.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::malformed;
use crate::{failure::Failure, scan::Object, step::SignatureScheme};

/// A token in three parts, of which only the header was read.
pub(crate) struct Compact {
    pub(crate) scheme: SignatureScheme,
    pub(crate) key_id: Option<String>,
    /// What the token says that it is (`typ`, RFC 7515 §4.1.9).
    pub(crate) kind: Option<String>,
    /// What is signed: header, dot, payload, as they stand in the token.
    pub(crate) message: Zeroizing<Vec<u8>>,
    pub(crate) payload: Zeroizing<Vec<u8>>,
    pub(crate) signature: Vec<u8>,
}

/// The scheme of an `alg` (RFC 7518 §3.1, RFC 8037 §3.1), if it is accepted. `none` and `HS256` are
/// not: with them a key that everybody knows would sign.
pub(crate) fn scheme(algorithm: &str) -> Option<SignatureScheme> {
    Some(match algorithm {
        "ES256" => SignatureScheme::Es256,
        "EdDSA" | "Ed25519" => SignatureScheme::EdDsa,
        "PS256" => SignatureScheme::Ps256,
        "RS256" => SignatureScheme::Rs256,
        _ => return None,
    })
}

/// Takes a token apart. The payload is decoded and not read.
pub(crate) fn split(token: &[u8]) -> Result<Compact, Failure> {
    let mut parts = token.split(|b| *b == b'.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed());
    };
    let message = Zeroizing::new(token[..header.len() + 1 + payload.len()].to_vec());
    let header = decode(header)?;
    let header = Object::parse(&header).map_err(|_| malformed())?;
    let text = |name: &str| match header.get(name) {
        Ok(value) => Ok(value.and_then(|value| value.text())),
        Err(_) => Err(malformed()),
    };
    let scheme = text("alg")?.as_deref().and_then(scheme).ok_or_else(malformed)?;
    // RFC 7515 §4.1.11: what must be understood is not.
    if header.get("crit").map_err(|_| malformed())?.is_some() {
        return Err(malformed());
    }
    Ok(Compact {
        scheme,
        key_id: text("kid")?,
        kind: text("typ")?,
        message,
        payload: decode(payload)?,
        signature: decode(signature)?.to_vec(),
    })
}

/// Decodes base64url without padding into a wiped buffer.
pub(crate) fn decode(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut decoded = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
    let length =
        BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut decoded).map_err(|_| malformed())?;
    decoded.truncate(length);
    Ok(decoded)
}
