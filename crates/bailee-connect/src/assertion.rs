//! Signed client assertions (RFC 7521 §4.2, RFC 7523 §2.2): made for one request, good for a minute,
//! for one audience.
//!
//! The private key lies in the vault where a secret would, with its id in front of it. It is opened
//! for the length of a signature and handed to nothing else: a template can ask for an assertion,
//! never for the key. The buffers of ours are wiped; `ring` parses the key into one of its own,
//! which lives for the length of the signature and is not.

use async_trait::async_trait;
use bailee_core::{ClientKey, ClientSecret, Error, ErrorKind, Id, Plaintext, Result};
use bailee_providers::{
    SecretRef, Spec,
    spec::{AssertionAudience, ClientAuthentication},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use serde_json::json;
use zeroize::Zeroizing;

use crate::{
    drive::{Line, OpenSecret},
    secrets::not_at_hand,
};

/// How long an assertion is good for, in seconds.
const LIFETIME: i64 = 60;

/// A key that can sign, of one of the three kinds that are taken.
pub(crate) enum Signer {
    /// Ed25519 (RFC 8037).
    EdDsa(Ed25519KeyPair),
    /// ECDSA with P-256 and SHA-256.
    Es256(EcdsaKeyPair),
    /// RSA with PKCS #1 v1.5 and SHA-256, of 2048 to 4096 bits.
    Rs256(Box<RsaKeyPair>),
}

impl Signer {
    /// Reads a key that is to be kept, and signs with it once: of an RSA key whose numbers do not
    /// belong together only a signature tells.
    pub(crate) fn tried(pkcs8: &[u8]) -> Result<Self> {
        let signer = Self::parse(pkcs8)?;
        match signer.sign(b"") {
            Err(error) if error.kind() == ErrorKind::Configuration => Err(not_a_key()),
            tried => tried.map(|_| signer),
        }
    }

    /// Reads a key. Its kind is what the key itself says.
    pub(crate) fn parse(pkcs8: &[u8]) -> Result<Self> {
        let es256 = || {
            let random = SystemRandom::new();
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &random).ok()
        };
        let eddsa = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).ok();
        let rs256 = || RsaKeyPair::from_pkcs8(pkcs8).ok();
        es256()
            .map(Self::Es256)
            .or_else(|| eddsa().map(Self::EdDsa))
            .or_else(|| rs256().map(|key| Self::Rs256(Box::new(key))))
            .ok_or_else(not_a_key)
    }

    /// The public key, which tells two keys apart.
    pub(crate) fn public(&self) -> Vec<u8> {
        match self {
            Self::EdDsa(key) => key.public_key().as_ref().to_vec(),
            Self::Es256(key) => key.public_key().as_ref().to_vec(),
            Self::Rs256(key) => key.public_key().as_ref().to_vec(),
        }
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::EdDsa(_) => "EdDSA",
            Self::Es256(_) => "ES256",
            Self::Rs256(_) => "RS256",
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let failed = |_| Error::new(ErrorKind::RandomnessFailed);
        // `ring` takes the nonces of signatures from the operating system alone.
        let random = SystemRandom::new();
        match self {
            Self::EdDsa(key) => Ok(key.sign(message).as_ref().to_vec()),
            Self::Es256(key) => {
                key.sign(&random, message).map(|signed| signed.as_ref().to_vec()).map_err(failed)
            }
            Self::Rs256(key) => {
                let mut signed = vec![0; key.public().modulus_len()];
                // This kind of signature draws nothing: the key is to blame.
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signed).map_err(|_| {
                    Error::new(ErrorKind::Configuration)
                        .with_detail("the registration's key does not sign")
                })?;
                Ok(signed)
            }
        }
    }
}

fn not_a_key() -> Error {
    Error::new(ErrorKind::InvalidInput)
        .with_detail("not a private key for ES256, RS256 or EdDSA as PKCS#8")
}

/// The key with its id in front, as it is sealed.
pub(crate) fn sealed_form(key_id: &str, key: &ClientKey) -> ClientSecret {
    key.expose(|key| {
        let mut joined = Zeroizing::new(Vec::with_capacity(key_id.len() + 1 + key.len()));
        joined.extend_from_slice(key_id.as_bytes());
        joined.push(b'\n');
        joined.extend_from_slice(key);
        ClientSecret::new(Plaintext::new(joined))
    })
}

/// Who an assertion is for: the issuer, or where there is none and the spec says so, the token
/// endpoint. One value, never a list.
pub(crate) fn audience(spec: &Spec) -> Result<&str> {
    let endpoint = || spec.endpoints.token.as_ref().map(url::Url::as_str);
    let audience = match (spec.issuer.as_deref(), spec.client.assertion_audience) {
        (Some(issuer), _) => Some(issuer),
        (None, AssertionAudience::TokenEndpoint) => endpoint(),
        (None, _) => None,
    };
    audience.ok_or_else(|| {
        Error::new(ErrorKind::Configuration)
            .with_detail("signed assertions need the provider's issuer")
    })
}

/// The secrets of a request, with a fresh assertion for each place that asks for one.
pub(crate) struct Asserting<'a> {
    line: &'a Line,
    secrets: &'a dyn OpenSecret,
}

impl<'a> Asserting<'a> {
    pub(crate) fn new(line: &'a Line, secrets: &'a dyn OpenSecret) -> Self {
        Self { line, secrets }
    }

    fn assertion(&self) -> Result<Plaintext> {
        let engine = &self.line.engine;
        let now = engine.0.clock.now().as_seconds();
        let id = Id::generate(&*engine.0.random)?.to_string();
        let claims = Claims {
            client: &self.line.registered.facts.client_id,
            audience: audience(&self.line.spec)?,
            id: &id,
            now,
        };
        self.secrets.open(SecretRef::ClientSecret)?.expose(|sealed| sign(sealed, &claims))
    }
}

#[async_trait]
impl OpenSecret for Asserting<'_> {
    fn open(&self, which: SecretRef) -> Result<Plaintext> {
        let signed = self.line.registered.is_signed();
        match which {
            SecretRef::ClientAssertion if signed => self.assertion(),
            SecretRef::ClientAssertion => Err(not_at_hand()),
            // Where assertions are signed, the key lies in the secret's place: it never leaves.
            SecretRef::ClientSecret if signed => Err(not_at_hand()),
            other => self.secrets.open(other),
        }
    }
}

struct Claims<'a> {
    client: &'a str,
    audience: &'a str,
    id: &'a str,
    now: i64,
}

/// Signs the claims with a key in its sealed form.
fn sign(sealed: &[u8], claims: &Claims<'_>) -> Result<Plaintext> {
    let broken = || {
        Error::new(ErrorKind::Configuration)
            .with_detail("the registration's key in the vault is not one")
    };
    let end = sealed.iter().position(|byte| *byte == b'\n').ok_or_else(broken)?;
    let key_id = std::str::from_utf8(&sealed[..end]).map_err(|_| broken())?;
    let signer = Signer::parse(&sealed[end + 1..]).map_err(|_| broken())?;
    let header = json!({"alg": signer.algorithm(), "kid": key_id, "typ": "JWT"}).to_string();
    let body = json!({
        "iss": claims.client,
        "sub": claims.client,
        "aud": claims.audience,
        "jti": claims.id,
        "iat": claims.now,
        "exp": claims.now + LIFETIME,
    })
    .to_string();
    let encoded = |bytes: usize| bytes.div_ceil(3) * 4;
    // 512 bytes are a signature of 4096 bits, the longest.
    let size = encoded(header.len()) + encoded(body.len()) + encoded(512) + 2;
    let mut text = Zeroizing::new(String::with_capacity(size));
    URL_SAFE_NO_PAD.encode_string(&header, &mut text);
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(&body, &mut text);
    let signature = signer.sign(text.as_bytes())?;
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(&signature, &mut text);
    Ok(Plaintext::copy_from(text.as_bytes()))
}

/// An assertion of nobody, made at the epoch.
#[cfg(feature = "fuzzing")]
pub(crate) fn signed_at_epoch(sealed: &[u8]) -> Result<Plaintext> {
    sign(sealed, &Claims { client: "fake-client", audience: "https://a.test", id: "1", now: 0 })
}

/// Whether a registration signs, by its facts.
pub(crate) fn signs(facts: &bailee_providers::Registration) -> bool {
    facts.authentication == Some(ClientAuthentication::PrivateKeyJwt)
}
