//! The claims of an ID token (OpenID Connect Core §3.1.3.7).

use std::time::Duration;

use bailee_core::Timestamp;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::malformed;
use crate::{
    failure::Failure,
    scan::{Object, Value},
    step::SignatureScheme,
};

/// How far the clocks of provider and client may be apart.
const LEEWAY: Duration = Duration::from_secs(120);

/// What the claims have to agree with.
pub(crate) struct Expected<'a> {
    /// What `iss` may be, with the token's own claims in it.
    pub(crate) issuers: &'a [String],
    pub(crate) client_id: &'a str,
    pub(crate) nonce: Option<&'a str>,
    pub(crate) access_half_digest: Option<&'a [u8; 16]>,
    pub(crate) scheme: SignatureScheme,
    pub(crate) now: Timestamp,
}

/// Checks the claims of a token whose signature is good, and gives its subject.
pub(crate) fn check(payload: &[u8], expected: &Expected<'_>) -> Result<String, Failure> {
    let claims = Object::parse(payload).map_err(|_| malformed())?;
    let claim = |name: &str| claims.get(name).map_err(|_| malformed());
    let text = |name: &str| Ok::<_, Failure>(claim(name)?.and_then(|value| value.text()));
    let demand = |holds: bool| if holds { Ok(()) } else { Err(malformed()) };

    let issuer = text("iss")?.ok_or_else(malformed)?;
    demand(expected.issuers.iter().any(|known| is_filled(known, &issuer, &claims)))?;

    let audiences: Vec<String> = match claim("aud")? {
        Some(value @ Value::Array(_)) => {
            let elements = value.elements().unwrap_or_default();
            elements.iter().map(Value::text).collect::<Option<_>>().ok_or_else(malformed)?
        }
        Some(value) => vec![value.text().ok_or_else(malformed)?],
        None => return Err(malformed()),
    };
    demand(audiences.iter().any(|audience| audience == expected.client_id))?;
    // §3.1.3.7 4 and 5: with several audiences, and wherever it stands, `azp` is us.
    match claim("azp")? {
        None | Some(Value::Null) => demand(audiences.len() == 1)?,
        Some(azp) => demand(azp.text().as_deref() == Some(expected.client_id))?,
    }

    let time = |name: &str| match claim(name)? {
        Some(Value::Number(number)) => number
            .parse::<f64>()
            .ok()
            .map(|seconds| Timestamp::from_seconds(seconds as i64))
            .map(Some)
            .ok_or_else(malformed),
        None => Ok(None),
        Some(_) => Err(malformed()),
    };
    let expires = time("exp")?.ok_or_else(malformed)?;
    demand(expected.now < expires.plus(LEEWAY))?;
    let issued = time("iat")?.ok_or_else(malformed)?;
    demand(issued <= expected.now.plus(LEEWAY))?;
    if let Some(not_before) = time("nbf")? {
        demand(not_before <= expected.now.plus(LEEWAY))?;
    }

    if let Some(nonce) = expected.nonce {
        demand(text("nonce")?.as_deref() == Some(nonce))?;
    }

    // §3.1.3.6: with the hash of the algorithm. For Ed25519 the specifications name none, and
    // servers differ; the code flow does without the claim.
    if let Some(hash) = claim("at_hash")?
        && expected.scheme != SignatureScheme::EdDsa
    {
        let half = expected.access_half_digest.ok_or_else(malformed)?;
        demand(hash.text().as_deref() == Some(BASE64_URL_SAFE_NO_PAD.encode(half).as_str()))?;
    }

    text("sub")?.filter(|sub| !sub.is_empty()).ok_or_else(malformed)
}

/// Whether a text is a template with the token's own claims in it, each a label of a host name or a
/// segment of a path: so that no claim can be more of an address than its place.
fn is_filled(template: &str, issuer: &str, claims: &Object<'_>) -> bool {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else { return false };
        let claim = claims.get(name).ok().flatten().and_then(|value| value.text());
        let Some(claim) = claim.filter(|claim| is_segment(claim)) else { return false };
        filled.push_str(before);
        filled.push_str(&claim);
        rest = behind;
    }
    filled.push_str(rest);
    filled == issuer
}

fn is_segment(claim: &str) -> bool {
    (1..=64).contains(&claim.len())
        && claim.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
