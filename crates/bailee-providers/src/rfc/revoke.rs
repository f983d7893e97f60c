//! Revocation (RFC 7009), and the styles beside it.

use bailee_core::Effect;
use http::Method;

use super::{codes::UNSUPPORTED_TOKEN_TYPE, misuse, oauth_error};
use crate::{
    answer::Answer,
    context::Context,
    failure::{Failure, FailureKind},
    grant::{CredentialFacts, RevokePlan, Revoked, TokenKind},
    request::{Endpoint, Json, Payload, Request, SecretRef, Value},
    scan::{Object, Value as Member},
    spec::{RevokePresentation, RevokeStyle, Spec},
    step::{Input, Next, Step},
};

/// What a disconnect does first.
pub(crate) fn plan(cx: &Context<'_>, facts: &CredentialFacts) -> RevokePlan {
    let expired = facts.expires_at.is_some_and(|at| at <= cx.now);
    match cx.spec.revoke.style {
        RevokeStyle::None => RevokePlan::Impossible,
        RevokeStyle::RefreshToken if !facts.has_refresh => RevokePlan::Impossible,
        RevokeStyle::AccessToken if expired && facts.has_refresh => RevokePlan::RefreshFirst,
        RevokeStyle::AccessToken | RevokeStyle::RefreshToken | RevokeStyle::Rfc7009 => {
            RevokePlan::Ready
        }
    }
}

/// Presents the tokens of a credential, one after the other.
pub(crate) struct RevokeStep {
    spec: Spec,
    /// What is still to be presented, the next one last.
    pending: Vec<(TokenKind, Request)>,
    presented: Option<TokenKind>,
    remaining: Vec<TokenKind>,
}

impl RevokeStep {
    pub(crate) fn new(cx: &Context<'_>, facts: &CredentialFacts) -> Self {
        let tokens = facts.tokens();
        let style = cx.spec.revoke.style;
        let endpoint = cx.spec.endpoints.revocation.as_ref();
        let pending = match endpoint {
            Some(url) => tokens
                .iter()
                .rev()
                .filter(|token| match style {
                    RevokeStyle::AccessToken => **token == TokenKind::Access,
                    RevokeStyle::None => false,
                    RevokeStyle::RefreshToken => **token == TokenKind::Refresh,
                    RevokeStyle::Rfc7009 => true,
                })
                .map(|token| {
                    let mut request = Request::new(
                        Method::POST,
                        url.clone(),
                        Endpoint::Revoke,
                        Effect::Idempotent,
                    );
                    let (secret, hint) = match token {
                        TokenKind::Access => (SecretRef::AccessToken, "access_token"),
                        TokenKind::Refresh => (SecretRef::RefreshToken, "refresh_token"),
                    };
                    let facts = &cx.spec.revoke;
                    match facts.present {
                        RevokePresentation::Bearer => {
                            let bearer = Value::Joined("Bearer ".into(), secret);
                            request = request.with_header(http::header::AUTHORIZATION, bearer);
                        }
                        RevokePresentation::Json => {
                            request.payload = Payload::Json(Json::Object(Vec::new()));
                        }
                        RevokePresentation::Form => {}
                    }
                    if facts.present != RevokePresentation::Bearer {
                        request.push_field(facts.token_parameter.clone(), Value::Secret(secret));
                        if style == RevokeStyle::Rfc7009 && facts.hinted {
                            request.push_field("token_type_hint", Value::text(hint));
                        }
                    }
                    if facts.authenticated {
                        cx.authenticate(&mut request);
                    }
                    (*token, request)
                })
                .collect(),
            None => Vec::new(),
        };
        // With one style one token ends the whole grant; where nothing is presented, all remain.
        let remaining = if pending.is_empty() { tokens } else { Vec::new() };
        Self { spec: cx.spec.clone(), pending, presented: None, remaining }
    }

    fn present(&mut self) -> Next<Revoked> {
        match self.pending.pop() {
            Some((token, request)) => {
                self.presented = Some(token);
                Next::Send(request)
            }
            None => {
                self.presented = None;
                let mut remaining = std::mem::take(&mut self.remaining);
                remaining.sort_by_key(|token| *token == TokenKind::Access);
                Next::Done(Revoked::leaving(remaining))
            }
        }
    }
}

impl Step<Revoked> for RevokeStep {
    fn next(&mut self, input: Input) -> Result<Next<Revoked>, Failure> {
        match (input, self.presented) {
            (Input::Start, None) => Ok(self.present()),
            (Input::Answer(answer), Some(token)) => {
                if !ended(&self.spec, &answer)? {
                    self.remaining.push(token);
                }
                Ok(self.present())
            }
            _ => Err(misuse()),
        }
    }
}

/// Whether an answer says that the token is dead. RFC 7009 §2.2: 200, also for a token that was
/// never alive; the body says nothing. Providers that state in a 200 an error, or that nothing was
/// revoked, are believed.
fn ended(spec: &Spec, answer: &Answer) -> Result<bool, Failure> {
    match oauth_error::judge(spec, answer) {
        None => {
            let object = answer.is_json().then(|| Object::parse(&answer.body).ok()).flatten();
            let Some(object) = object else { return Ok(true) };
            if let Some(failure) = oauth_error::in_body(spec, &object) {
                return refused(spec, &failure);
            }
            Ok(!matches!(object.get("revoked"), Ok(Some(Member::Bool(false)))))
        }
        Some(failure) => refused(spec, &failure),
    }
}

/// Failures that pass or that configuration mends are given on; a definite refusal means that this
/// token may live on, and the next one is presented all the same. Some providers refuse with a code
/// of their own what is dead already.
fn refused(spec: &Spec, failure: &Failure) -> Result<bool, Failure> {
    let code = failure.code.as_ref().map(bailee_core::ProviderCode::as_str);
    match failure.kind {
        _ if code.is_some_and(|code| spec.revoke.dead.iter().any(|dead| dead == code)) => Ok(true),
        _ if code == Some(UNSUPPORTED_TOKEN_TYPE) => Ok(false),
        FailureKind::ClientConfiguration | FailureKind::RateLimited | FailureKind::Unavailable => {
            Err(failure.clone())
        }
        _ => Ok(false),
    }
}
