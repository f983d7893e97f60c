//! The steps at which Shopify differs: the signed callback, and the way out of a shop.

use bailee_core::Effect;
use http::Method;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::{
    answer::Answer,
    callback::CallbackRefusal,
    context::Context,
    failure::{Failure, FailureKind},
    grant::{CredentialFacts, Revoked, TokenKind},
    once::once,
    proof::CallbackProof,
    provider::Provider,
    request::{Endpoint, Request},
    rfc::{classify, oauth_error},
    spec::Spec,
    step::Step,
};

/// How far a callback's time may be from ours, in seconds.
const WINDOW: i64 = 90;

/// Shopify. It holds nothing but its facts.
#[derive(Clone, Debug)]
pub struct Shopify {
    spec: Spec,
}

impl Shopify {
    /// The adapter with the facts that it was built with.
    pub fn new() -> Self {
        let spec = Spec::parse(include_str!("spec.toml"))
            .expect("the embedded file is a constant, and a test parses it");
        Self { spec }
    }
}

impl Default for Shopify {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for Shopify {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The parameters but `hmac`, sorted by name and joined as `name=value` with `&`; the tag in
    /// lower-case hexadecimal.
    fn callback_proof(
        &self,
        cx: &Context<'_>,
        query: &str,
    ) -> Result<Option<CallbackProof>, CallbackRefusal> {
        let mut pairs: Vec<(Zeroizing<String>, Zeroizing<String>)> =
            form_urlencoded::parse(query.as_bytes())
                .map(|(name, value)| {
                    (Zeroizing::new(name.into_owned()), Zeroizing::new(value.into_owned()))
                })
                .collect();
        pairs.sort_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
        let one = |wanted: &str| {
            let mut found = pairs.iter().filter(|(name, _)| name.as_str() == wanted);
            match (found.next(), found.next()) {
                (Some((_, value)), None) => Ok(value.as_str()),
                _ => Err(CallbackRefusal::Malformed),
            }
        };
        let tag = hexadecimal(one("hmac")?).ok_or(CallbackRefusal::Malformed)?;
        let made: i64 = one("timestamp")?.parse().map_err(|_| CallbackRefusal::Malformed)?;
        if made.abs_diff(cx.now.as_seconds()) > WINDOW.unsigned_abs() {
            return Err(CallbackRefusal::Malformed);
        }
        let shop = one("shop")?
            .strip_suffix(".myshopify.com")
            .ok_or(CallbackRefusal::Malformed)?
            .to_ascii_lowercase();
        let signed = || pairs.iter().filter(|(name, _)| name.as_str() != "hmac");
        let size = signed().map(|(name, value)| name.len() + value.len() + 2).sum();
        let mut message = Zeroizing::new(Vec::with_capacity(size));
        for (name, value) in signed() {
            if !message.is_empty() {
                message.push(b'&');
            }
            message.extend_from_slice(name.as_bytes());
            message.push(b'=');
            message.extend_from_slice(value.as_bytes());
        }
        Ok(Some(CallbackProof::new(message, tag).naming("shop", shop)))
    }

    /// Takes the application out of the shop, and with it every token.
    fn revoke(&self, cx: &Context<'_>, facts: &CredentialFacts) -> Box<dyn Step<Revoked>> {
        let request = cx.spec.endpoints.revocation.clone().map(|url| {
            Request::new(Method::DELETE, url, Endpoint::Revoke, Effect::Idempotent)
                .with_credential(cx.spec)
        });
        let living = facts.tokens();
        once(cx, request, move |spec, answer| revoked(spec, answer, living))
    }
}

fn revoked(spec: &Spec, answer: &Answer, living: Vec<TokenKind>) -> Result<Revoked, Failure> {
    let stated = oauth_error::judge(spec, answer);
    if let Some(failure) = stated.filter(|failure| {
        failure.kind == FailureKind::ClientConfiguration && failure.code.is_some()
    }) {
        return Err(failure);
    }
    match classify::answer(spec, answer) {
        None => Ok(Revoked::leaving(Vec::new())),
        // A token that is not taken belongs to a shop that the application has left.
        Some(failure) if failure.kind == FailureKind::AccessRejected => {
            Ok(Revoked::leaving(Vec::new()))
        }
        Some(failure) if failure.is_transient() => Err(failure),
        Some(_) => Ok(Revoked::leaving(living)),
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let bytes = text.as_bytes();
    if bytes.len() != 64 {
        return None;
    }
    bytes.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}
