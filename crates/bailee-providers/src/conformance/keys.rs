//! Whether an adapter for entered keys asks for no flow and sends the key to its place.

use bailee_core::{ScopeName, State};

use super::{
    Findings,
    canned::ACCOUNT,
    steps::{REDIRECT, facts},
};
use crate::{
    context::Context,
    grant::{AccountId, GrantFacts, RevokePlan},
    provider::{AuthorizeAsk, ExchangeAsk, Provider},
    request::{Authorization, Payload, Request, SecretRef, Target, Value},
    spec::KeyFacts,
    step::{Input, Next, Step},
};

pub(super) fn check(
    provider: &dyn Provider,
    cx: &Context<'_>,
    key: &KeyFacts,
    found: &mut Findings,
) {
    no_flow(provider, cx, found);
    for refused in &key.refused {
        let sample = format!("{refused}-fake-canary-key");
        found.demand(key.check(sample.as_bytes()).is_err(), || {
            format!("keys that begin with `{refused}` are not refused")
        });
    }
    let mut grant = GrantFacts::new(Vec::new());
    grant.account_id = AccountId::new(cx.spec.identity.id_kind.clone(), ACCOUNT);
    sends_the_key("identity", &mut *provider.identity(cx, &grant, None, None), cx, found);
    sends_the_key("liveness", &mut *provider.liveness(cx), cx, found);
    found.demand(provider.revoke_plan(cx, &facts(cx)) == RevokePlan::Impossible, || {
        "revoke: an entered key cannot be revoked from here".into()
    });
}

fn no_flow(provider: &dyn Provider, cx: &Context<'_>, found: &mut Findings) {
    let state = State::copy_from(b"fake-state");
    let scopes: Vec<ScopeName> = Vec::new();
    let ask = AuthorizeAsk::new(&scopes, REDIRECT, &state);
    found.demand(provider.authorize(cx, &ask).is_err(), || {
        "authorize: an entered key has no flow".into()
    });
    let ask = ExchangeAsk { redirect_uri: REDIRECT, pkce: false };
    for (name, mut step) in
        [("exchange", provider.exchange(cx, &ask)), ("refresh", provider.refresh(cx, &facts(cx)))]
    {
        found.demand(step.next(Input::Start).is_err(), || {
            format!("{name}: an entered key is not asked for anywhere")
        });
    }
}

/// The first request carries the key where the spec says, once, and goes to one of the hosts.
fn sends_the_key<T: std::fmt::Debug>(
    name: &str,
    step: &mut dyn Step<T>,
    cx: &Context<'_>,
    found: &mut Findings,
) {
    let request = match step.next(Input::Start) {
        Ok(Next::Send(request)) => request,
        other => {
            found.add(format!("{name}: it does not begin with a request: {other:?}"));
            return;
        }
    };
    let listed = match &request.target {
        Target::Url(url) => url
            .host_str()
            .is_some_and(|host| cx.spec.hosts_for(request.endpoint).iter().any(|h| h == host)),
        Target::Issued(_) | Target::Progress => false,
    };
    found.demand(listed, || format!("{name}: it goes to no host of the spec"));
    let expected = Request::new(
        request.method.clone(),
        request.target.clone(),
        request.endpoint,
        request.effect,
    )
    .with_credential(cx.spec);
    let secrets = |request: &Request| -> Vec<_> {
        let is_secret = |value: &Value| !matches!(value, Value::Text(_));
        request.headers.iter().filter(|(_, value)| is_secret(value)).cloned().collect()
    };
    found.demand(
        request.authorization == expected.authorization && secrets(&request) == secrets(&expected),
        || format!("{name}: the key is not where the spec has it"),
    );
    let elsewhere = matches!(request.authorization, Authorization::ClientBasic(_))
        || request.query.iter().any(|(_, value)| !matches!(value, Value::Text(_)))
        || match &request.payload {
            Payload::Form(fields) => {
                fields.iter().any(|(_, value)| !matches!(value, Value::Text(_)))
            }
            Payload::Json(json) => json.refers_to(SecretRef::AccessToken),
            Payload::Bytes { .. } | Payload::Empty | Payload::Media { .. } => false,
        };
    found.demand(!elsewhere, || format!("{name}: the key stands in another place too"));
}
