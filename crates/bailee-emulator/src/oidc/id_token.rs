use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, SHA512, digest};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use serde_json::{Map, Value, json};

use super::IssuerDesk;
use super::authorize::WRONG_ISSUER;
use crate::ledger::Grant;
use crate::mint::{base64url, random};

/// How ID tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// Ed25519 (RFC 8037).
    EdDsa,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// RSA with PKCS #1 v1.5 and SHA-256, with one of two public test keys of 2048 bits.
    Rs256,
}

impl SigningAlgorithm {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

/// What is wrong with an ID token. Clients must refuse each (OpenID Connect Core §3.1.3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdTokenFlaw {
    /// `alg` is `none` and there is no signature.
    AlgNone,
    /// A bit of the signature is wrong.
    BadSignature,
    /// `exp` was an hour ago.
    Expired,
    /// `aud` is another client.
    ForeignAudience,
    /// `alg` is `HS256` and the key is the bytes of the public key, which everyone knows.
    Hs256,
    /// There is no `nonce`.
    MissingNonce,
    /// `kid` is not in the key set.
    UnknownKid,
    /// `iss` is another issuer.
    WrongIssuer,
    /// `nonce` is another one.
    WrongNonce,
}

impl IssuerDesk {
    /// An ID token (OpenID Connect Core §2); one that comes with a refresh has no nonce (§12.2).
    pub(super) fn id_token(
        &mut self,
        grant: &Grant,
        access: &str,
        first: bool,
        now: i64,
    ) -> String {
        let algorithm = self.switches.signing;
        let mut claims = json!({
            "iss": self.switches.issuer,
            "sub": grant.account,
            "aud": grant.client,
            "iat": now,
            "exp": now + HOUR,
            "auth_time": grant.granted_at,
            "at_hash": at_hash(algorithm, access),
        });
        if let Some(nonce) = grant.nonce.as_ref().filter(|_| first) {
            claims["nonce"] = json!(nonce);
        }
        self.keys.token(algorithm, self.switches.id_token_flaw, claims)
    }
}

/// The issuer's keys: of each algorithm the newest signs, and all are published.
#[derive(Debug, Default)]
pub(crate) struct KeySet(Vec<Key>);

struct Key {
    kid: String,
    algorithm: SigningAlgorithm,
    pair: Pair,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    /// No key could be made; what it signs is void.
    Missing,
    Rsa(Box<RsaKeyPair>),
}

impl KeySet {
    /// Signs the claims of an ID token, or spoils them.
    pub(crate) fn token(
        &mut self,
        algorithm: SigningAlgorithm,
        flaw: Option<IdTokenFlaw>,
        mut claims: Value,
    ) -> String {
        match flaw {
            Some(IdTokenFlaw::Expired) => {
                for time in ["iat", "exp"] {
                    claims[time] = json!(claims[time].as_i64().unwrap_or_default() - 2 * HOUR);
                }
            }
            Some(IdTokenFlaw::ForeignAudience) => claims["aud"] = json!("another-client"),
            Some(IdTokenFlaw::MissingNonce) => {
                if let Some(claims) = claims.as_object_mut() {
                    claims.remove("nonce");
                }
            }
            Some(IdTokenFlaw::WrongIssuer) => claims["iss"] = json!(WRONG_ISSUER),
            Some(IdTokenFlaw::WrongNonce) if claims.get("nonce").is_some() => {
                claims["nonce"] = json!("another-nonce");
            }
            _ => {}
        }
        let key = self.current(algorithm);
        let kid =
            if flaw == Some(IdTokenFlaw::UnknownKid) { "no-such-key" } else { key.kid.as_str() };
        let name = match flaw {
            Some(IdTokenFlaw::AlgNone) => "none",
            Some(IdTokenFlaw::Hs256) => "HS256",
            _ => algorithm.name(),
        };
        let header = json!({"alg": name, "kid": kid, "typ": "JWT"});
        let message = format!(
            "{}.{}",
            base64url(header.to_string().as_bytes()),
            base64url(claims.to_string().as_bytes()),
        );
        let signature = match flaw {
            Some(IdTokenFlaw::AlgNone) => Vec::new(),
            Some(IdTokenFlaw::BadSignature) => {
                let mut signature = key.sign(message.as_bytes());
                if let Some(byte) = signature.first_mut() {
                    *byte ^= 1;
                }
                signature
            }
            Some(IdTokenFlaw::Hs256) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, &key.public_bytes());
                hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
            }
            _ => key.sign(message.as_bytes()),
        };
        format!("{message}.{}", base64url(&signature))
    }

    pub(crate) fn rotate(&mut self, algorithm: SigningAlgorithm) {
        self.current(algorithm);
        self.add(algorithm);
    }

    /// The key set (RFC 7517 §5), with at least one key of the algorithm in use.
    pub(crate) fn jwks(&mut self, algorithm: SigningAlgorithm) -> Value {
        self.current(algorithm);
        json!({"keys": self.0.iter().map(Key::jwk).collect::<Vec<_>>()})
    }

    fn current(&mut self, algorithm: SigningAlgorithm) -> &Key {
        let at = self.0.iter().rposition(|key| key.algorithm == algorithm);
        let at = at.unwrap_or_else(|| self.add(algorithm));
        &self.0[at]
    }

    fn add(&mut self, algorithm: SigningAlgorithm) -> usize {
        let count = self.0.iter().filter(|key| key.algorithm == algorithm).count();
        self.0.push(Key { kid: random::<9>(), algorithm, pair: Pair::new(algorithm, count) });
        self.0.len() - 1
    }
}

impl Pair {
    fn new(algorithm: SigningAlgorithm, count: usize) -> Self {
        let pair = match algorithm {
            SigningAlgorithm::EdDsa => Self::ed25519(),
            SigningAlgorithm::Es256 => Self::ecdsa(),
            SigningAlgorithm::Rs256 => Self::rsa(count),
        };
        pair.unwrap_or(Self::Missing)
    }

    fn ed25519() -> Option<Self> {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).ok()?;
        Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).ok().map(Self::Ed25519)
    }

    fn ecdsa() -> Option<Self> {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).ok()?;
        EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).ok().map(Self::Ecdsa)
    }

    fn rsa(count: usize) -> Option<Self> {
        let pem = RSA_KEYS[count % RSA_KEYS.len()];
        let text: String = pem
            .lines()
            .skip_while(|line| !line.starts_with("-----BEGIN"))
            .filter(|line| !line.starts_with("-----"))
            .collect();
        let der = STANDARD.decode(text).ok()?;
        RsaKeyPair::from_pkcs8(&der).ok().map(|pair| Self::Rsa(Box::new(pair)))
    }
}

impl Key {
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => pair
                .sign(&random, message)
                .map(|signed| signed.as_ref().to_vec())
                .unwrap_or_default(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Missing => Vec::new(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                match pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature) {
                    Ok(()) => signature,
                    Err(_) => Vec::new(),
                }
            }
        }
    }

    fn public_bytes(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Ecdsa(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Missing => Vec::new(),
            Pair::Rsa(pair) => pair.public().as_ref().to_vec(),
        }
    }

    /// The public key (RFC 7517, RFC 7518 §6, RFC 8037 §2).
    fn jwk(&self) -> Value {
        let mut jwk = Map::new();
        let mut add = |name: &str, value: &str| {
            jwk.insert(name.to_owned(), json!(value));
        };
        add("kid", &self.kid);
        add("alg", self.algorithm.name());
        add("use", "sig");
        match &self.pair {
            Pair::Ecdsa(pair) => {
                add("kty", "EC");
                add("crv", "P-256");
                // An uncompressed point: 4, then both coordinates.
                let point = pair.public_key().as_ref();
                add("x", &base64url(point.get(1..33).unwrap_or_default()));
                add("y", &base64url(point.get(33..).unwrap_or_default()));
            }
            Pair::Ed25519(pair) => {
                add("kty", "OKP");
                add("crv", "Ed25519");
                add("x", &base64url(pair.public_key().as_ref()));
            }
            Pair::Missing => {}
            Pair::Rsa(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                add("kty", "RSA");
                add("n", &base64url(&public.n));
                add("e", &base64url(&public.e));
            }
        }
        Value::Object(jwk)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The left half of the digest of the access token (OpenID Connect Core §3.1.3.6).
fn at_hash(algorithm: SigningAlgorithm, access: &str) -> String {
    let digest = match algorithm {
        SigningAlgorithm::EdDsa => digest(&SHA512, access.as_bytes()),
        SigningAlgorithm::Es256 | SigningAlgorithm::Rs256 => digest(&SHA256, access.as_bytes()),
    };
    let bytes = digest.as_ref();
    base64url(bytes.get(..bytes.len() / 2).unwrap_or_default())
}

const HOUR: i64 = 3600;
const RSA_KEYS: [&str; 2] = [
    include_str!("../../keys/test-only-rsa-1.pem"),
    include_str!("../../keys/test-only-rsa-2.pem"),
];
