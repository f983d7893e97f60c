//! Answers that no provider gave, and a driver that gives them.

use bailee_core::{Timestamp, sha256};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{
    answer::Answer,
    failure::{Failure, FailureKind},
    spec::{IdentitySource, RefreshClass, SpecFacts},
    step::{Input, Next, Step},
};

/// Values that stand in canned answers. They carry a mark, so that a search for real tokens passes
/// them over.
pub(super) const ACCESS: &str = "fake-access-token";
pub(super) const REFRESH: &str = "fake-refresh-token";
pub(super) const ACCOUNT: &str = "fake-account-1";
pub(super) const NONCE: &str = "fake-nonce";
/// What an answer echoes that must not come out anywhere.
pub(super) const CANARY: &str = "fake-canary-secret";

/// The answers that a provider gives when all is well.
#[derive(Clone, Debug)]
pub struct Samples {
    /// To an exchange: a body with `fake-access-token` and `fake-refresh-token` in it.
    pub exchange: String,
    /// To the further requests of an exchange that has several, in their order. The last one has
    /// the tokens.
    pub exchange_then: Vec<String>,
    /// To a refresh, with the same tokens in it.
    pub refresh: String,
    /// To the question whose account it is: a body with `fake-account-1` in it.
    pub identity: String,
    /// To what is asked after that, in its order: the places of the account.
    pub identity_then: Vec<String>,
}

impl Samples {
    /// Answers as the spec states them.
    pub fn of(spec: &SpecFacts) -> Self {
        let scopes: Vec<&str> =
            spec.scopes.catalogue.iter().map(|entry| entry.name.as_str()).collect();
        let mut token = json!({
            "access_token": ACCESS,
            "token_type": "Bearer",
            "expires_in": 3600,
        });
        if spec.refresh.class != RefreshClass::SelfExtending {
            token["refresh_token"] = json!(REFRESH);
        }
        token[&spec.scopes.answer_member] =
            json!(scopes.join(&spec.scopes.answer_separator.to_string()));
        for member in &spec.token.account_members {
            put(&mut token, member, ACCOUNT);
        }
        if let Some(member) = &spec.token.api_member {
            let host = spec.account_hosts.first().or(spec.hosts.first());
            let host = host.map(|host| host.replace('*', "fake")).unwrap_or_default();
            put(&mut token, member, &format!("https://{host}"));
        }
        let token = if spec.token.form_encoded { form(&token) } else { token.to_string() };
        let mut identity = json!({});
        for pointer in &spec.identity.display {
            put(&mut identity, pointer, "Somebody");
        }
        if let (Some(pointer), Some(word)) =
            (&spec.identity.account_type, spec.eligibility.account_types.first())
        {
            put(&mut identity, pointer, word);
        }
        if spec.identity.source == IdentitySource::Openid {
            put(&mut identity, "/sub", ACCOUNT);
        }
        for pointer in &spec.identity.id {
            put(&mut identity, pointer, ACCOUNT);
        }
        let more = usize::from(spec.endpoints.long_lived.is_some());
        Self {
            exchange: token.clone(),
            exchange_then: vec![token.clone(); more],
            refresh: token,
            identity: identity.to_string(),
            identity_then: Vec::new(),
        }
    }
}

fn put(document: &mut Value, pointer: &str, text: &str) {
    let mut place = document;
    for step in pointer.trim_start_matches('/').split('/') {
        place = &mut place[step];
    }
    *place = json!(text);
}

fn form(object: &Value) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in object.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        form.append_pair(name, &text);
    }
    form.finish()
}

/// Metadata of a server that can do what is needed, on the issuer's host.
pub(super) fn metadata(issuer: &str) -> String {
    let base = url::Url::parse(issuer).ok();
    let host = base.as_ref().and_then(url::Url::host_str).unwrap_or("missing.test");
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("https://{host}/authorize"),
        "token_endpoint": format!("https://{host}/token"),
        "revocation_endpoint": format!("https://{host}/revoke"),
        "userinfo_endpoint": format!("https://{host}/userinfo"),
        "jwks_uri": format!("https://{host}/keys"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    })
    .to_string()
}

/// A key set, and an ID token that says it was signed with its key. Nobody checks the signature
/// but the list, which says yes or no as it likes.
pub(super) fn id_token(spec: &SpecFacts, client_id: &str, now: Timestamp) -> (String, String) {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": "RS256", "kid": "fake-key"});
    let half = &sha256(ACCESS.as_bytes())[..16];
    let issuer = spec.identity.issuers.first().or(spec.issuer.as_ref());
    let mut issuer = issuer.cloned().unwrap_or_default();
    let mut claims = json!({
        "sub": ACCOUNT,
        "aud": client_id,
        "exp": now.as_seconds() + 300,
        "iat": now.as_seconds(),
        "nonce": NONCE,
        "at_hash": BASE64_URL_SAFE_NO_PAD.encode(half),
    });
    for pointer in &spec.identity.id {
        put(&mut claims, pointer, ACCOUNT);
        issuer = issuer.replace(&format!("{{{}}}", pointer.trim_start_matches('/')), ACCOUNT);
    }
    claims["iss"] = json!(issuer);
    let token = format!("{}.{}.ZmFrZQ", part(&header), part(&claims));
    let modulus = BASE64_URL_SAFE_NO_PAD.encode([0xff; 256]);
    let keys = json!({"keys": [{"kty": "RSA", "kid": "fake-key", "n": modulus, "e": "AQAB"}]});
    (keys.to_string(), token)
}

/// An answer with a JSON body.
pub(super) fn json(status: u16, body: &str, now: Timestamp) -> Answer {
    answer(status, "application/json; charset=utf-8", body, now)
}

/// An answer in the form of a token answer.
pub(super) fn token(spec: &SpecFacts, body: &str, now: Timestamp) -> Answer {
    let form = spec.token.form_encoded;
    answer(
        200,
        if form { "application/x-www-form-urlencoded" } else { "application/json" },
        body,
        now,
    )
}

/// The answers to an exchange that goes well.
pub(super) fn exchange(spec: &SpecFacts, samples: &Samples, now: Timestamp) -> Vec<Answer> {
    std::iter::once(&samples.exchange)
        .chain(&samples.exchange_then)
        .map(|body| token(spec, body, now))
        .collect()
}

/// An answer with a body of a type.
pub(super) fn answer(status: u16, content_type: &str, body: &str, now: Timestamp) -> Answer {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(content_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
    Answer::new(status, headers, Zeroizing::new(body.as_bytes().to_vec()), now)
}

/// Drives a step with these answers, in this order. A step that
/// asks for more than there are fails.
pub(super) fn drive<T>(
    step: &mut dyn Step<T>,
    answers: Vec<Answer>,
    verified: bool,
) -> Result<T, Failure> {
    let mut answers = answers.into_iter();
    let mut input = Input::Start;
    loop {
        input = match step.next(input)? {
            Next::Done(value) => return Ok(value),
            Next::Send(_) => {
                Input::Answer(answers.next().ok_or_else(|| Failure::new(FailureKind::Misuse))?)
            }
            Next::Verify(_) => Input::Verified(verified),
            Next::Wait(_) => Input::Elapsed,
        };
    }
}
