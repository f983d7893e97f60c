//! The steps at which Supabase differs: token answers, whose account it is, how a grant ends.

use bailee_core::{Effect, IdToken};
use http::{Method, StatusCode};

use super::{errors, wire::OrganizationData};
use crate::{
    answer::Answer,
    context::Context,
    failure::{Failure, FailureKind},
    grant::{
        Account, AccountId, Alive, CredentialFacts, Grant, GrantFacts, Place, RevokePlan, Revoked,
        TokenKind,
    },
    judged::Judged,
    once::once,
    provider::{ExchangeAsk, Provider},
    request::{Endpoint, Json, Payload, Request, SecretRef},
    rfc::{self, malformed},
    spec::Spec,
    step::Step,
};

/// Supabase. It holds nothing but its facts.
#[derive(Clone, Debug)]
pub struct Supabase {
    spec: Spec,
}

impl Supabase {
    /// The adapter with the facts that it was built with.
    pub fn new() -> Self {
        let spec = Spec::parse(include_str!("spec.toml"))
            .expect("the embedded file is a constant, and a test parses it");
        Self { spec }
    }
}

impl Default for Supabase {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for Supabase {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn exchange(&self, cx: &Context<'_>, ask: &ExchangeAsk<'_>) -> Box<dyn Step<Grant>> {
        Judged::boxed(cx, rfc::token::TokenStep::exchange(cx, ask), errors::judge)
    }

    fn refresh(&self, cx: &Context<'_>, facts: &CredentialFacts) -> Box<dyn Step<Grant>> {
        Judged::boxed(cx, rfc::token::TokenStep::refresh(cx, facts), errors::judge)
    }

    fn identity(
        &self,
        cx: &Context<'_>,
        _grant: &GrantFacts,
        _nonce: Option<&str>,
        _id_token: Option<IdToken>,
    ) -> Box<dyn Step<Account>> {
        let request = cx.spec.endpoints.userinfo.clone().map(|url| {
            Request::new(Method::GET, url, Endpoint::Identity, Effect::Read).with_bearer()
        });
        once(cx, request, account)
    }

    fn revoke_plan(&self, cx: &Context<'_>, facts: &CredentialFacts) -> RevokePlan {
        // The client's secret goes with it.
        if cx.registration.public {
            return RevokePlan::Impossible;
        }
        rfc::revoke::plan(cx, facts)
    }

    /// Id and secret stand in the body here, and nowhere else in the request.
    fn revoke(&self, cx: &Context<'_>, facts: &CredentialFacts) -> Box<dyn Step<Revoked>> {
        let url = cx.spec.endpoints.revocation.clone().filter(|_| facts.has_refresh);
        let request = url.map(|url| {
            let body = vec![
                ("client_id".into(), Json::Text(cx.registration.client_id.clone())),
                ("client_secret".into(), Json::Secret(SecretRef::ClientSecret)),
                ("refresh_token".into(), Json::Secret(SecretRef::RefreshToken)),
            ];
            Request::new(Method::POST, url, Endpoint::Revoke, Effect::Idempotent)
                .with_payload(Payload::Json(Json::Object(body)))
        });
        once(cx, request, revoked)
    }

    fn liveness(&self, cx: &Context<'_>) -> Box<dyn Step<Alive>> {
        rfc::liveness::judged(cx, errors::classify)
    }

    fn classify(&self, cx: &Context<'_>, answer: &Answer) -> Option<Failure> {
        errors::classify(cx.spec, answer)
    }
}

/// The organisations, in the order of their slugs: the first one names the account.
fn account(spec: &Spec, answer: &Answer) -> Result<Account, Failure> {
    if let Some(failure) = errors::classify(spec, answer) {
        return Err(failure);
    }
    if !answer.is_json() {
        return Err(malformed());
    }
    // The parser's error repeats what it read, so it ends here (SEC-04).
    let mut all: Vec<OrganizationData> =
        serde_json::from_slice(&answer.body).map_err(|_| malformed())?;
    all.sort_by(|one, other| one.slug.cmp(&other.slug));
    let first = all.first().ok_or_else(malformed)?;
    let id = AccountId::new(spec.identity.id_kind.clone(), first.slug.clone());
    let places: Option<Vec<Place>> =
        all.iter().map(|one| Place::new(one.slug.clone(), &one.name)).collect();
    Ok(Account::new(id.ok_or_else(malformed)?)
        .with_display(Some(&first.name))
        .with_places(places.ok_or_else(malformed)?))
}

/// 404 says that there is no such token any more.
fn revoked(spec: &Spec, answer: &Answer) -> Result<Revoked, Failure> {
    match answer.status {
        status if status.is_success() => Ok(Revoked::leaving(Vec::new())),
        StatusCode::NOT_FOUND => Ok(Revoked::leaving(Vec::new())),
        StatusCode::UNAUTHORIZED => Err(FailureKind::ClientConfiguration.into()),
        _ => match errors::classify(spec, answer) {
            Some(failure) if failure.is_transient() => Err(failure),
            _ => Ok(Revoked::leaving(vec![TokenKind::Refresh, TokenKind::Access])),
        },
    }
}
