//! Whether each step takes each kind of answer as it should.

use bailee_core::{CredentialName, IdToken, ScopeName, State, Timestamp, Verifier};
use http::Method;

use super::{
    Findings, Samples,
    canned::{self, ACCESS, ACCOUNT, CANARY, NONCE, REFRESH},
    keys,
};
use crate::{
    answer::Answer,
    context::Context,
    failure::{Failure, FailureKind},
    grant::{AccountId, Alive, CredentialFacts, Grant, GrantFacts, RevokePlan},
    provider::{AuthorizeAsk, ExchangeAsk, Provider},
    request::{Authorization, Endpoint, Payload, Request, SecretRef, Target, Value},
    spec::{CredentialKind, IdentitySource, Pkce, RefreshClass, ResponseMode, RevokeStyle},
    step::{Input, Next, Step},
};

pub(super) const REDIRECT: &str = "https://app.example.test/connect/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

pub(super) fn check(
    provider: &dyn Provider,
    cx: &Context<'_>,
    samples: &Samples,
    found: &mut Findings,
) {
    match &cx.spec.credential {
        CredentialKind::ApiKey(key) => keys::check(provider, cx, key, found),
        CredentialKind::OAuth | CredentialKind::OAuthIn(_) => {
            authorize(provider, cx, found);
            callback(provider, cx, found);
            token(provider, cx, samples, found);
        }
    }
    identity(provider, cx, samples, found);
    revoke(provider, cx, found);
    liveness(provider, cx, samples, found);
    classify(provider, cx, samples, found);
}

pub(super) fn facts(cx: &Context<'_>) -> CredentialFacts {
    let name: CredentialName = cx.spec.token.credential.clone();
    let facts = CredentialFacts::new(name, Vec::new());
    if matches!(cx.spec.credential, CredentialKind::ApiKey(_)) || extends_itself(cx) {
        facts
    } else {
        facts.with_refresh(None)
    }
}

/// Whether the access token itself is exchanged for its successor, so that there is no other one.
fn extends_itself(cx: &Context<'_>) -> bool {
    cx.spec.refresh.class == RefreshClass::SelfExtending
}

fn authorize(provider: &dyn Provider, cx: &Context<'_>, found: &mut Findings) {
    let scopes: Vec<ScopeName> =
        cx.spec.scopes.catalogue.iter().map(|entry| entry.name.clone()).take(2).collect();
    let state = State::copy_from(b"fake-state");
    let verifier = Verifier::copy_from(VERIFIER.as_bytes());
    let mut ask = AuthorizeAsk::new(&scopes, REDIRECT, &state);
    ask.verifier = Some(&verifier);
    match provider.authorize(cx, &ask) {
        Err(error) => found.add(format!("authorize fails: {error}")),
        Ok(url) => {
            found.demand(!format!("{url:?}").contains("fake-state"), || {
                "the address of the flow prints its state".into()
            });
            found.demand(!url.as_str().contains(VERIFIER), || "the verifier is sent".into());
            let url = url.into_url();
            let all = |name: &str| -> Vec<String> {
                url.query_pairs().filter(|(k, _)| k == name).map(|(_, v)| v.into_owned()).collect()
            };
            let expected = [
                ("response_type", "code".to_owned()),
                ("state", "fake-state".to_owned()),
                ("redirect_uri", REDIRECT.to_owned()),
                (&cx.spec.client.id_parameter, cx.registration.client_id.clone()),
            ];
            for (name, value) in expected {
                found.demand(all(name) == [value], || format!("`{name}` is not sent as it should"));
            }
            let mode = cx.spec.authorization.response_mode;
            let modes = all("response_mode");
            found.demand(
                modes == [mode.as_str()] || (modes.is_empty() && mode == ResponseMode::Query),
                || "`response_mode` does not follow the spec".into(),
            );
            let challenged = cx.pkce() != Pkce::None;
            found.demand(all("code_challenge").len() == usize::from(challenged), || {
                "the code challenge does not follow the spec".into()
            });
            found.demand(
                cx.spec.endpoints.authorization.as_ref().is_some_and(|endpoint| {
                    endpoint.host_str() == url.host_str() && endpoint.path() == url.path()
                }),
                || "the flow does not begin at the authorization endpoint".into(),
            );
        }
    }
    let foreign = [ScopeName::from_static("fake.scope.of.nobody")];
    let mut ask = AuthorizeAsk::new(&foreign, REDIRECT, &state);
    ask.verifier = Some(&verifier);
    found.demand(provider.authorize(cx, &ask).is_err(), || {
        "a scope that is not in the catalogue is asked for".into()
    });
}

fn callback(provider: &dyn Provider, cx: &Context<'_>, found: &mut Findings) {
    let good = provider.callback(cx, "code=fake%2Acode&state=fake-state");
    found.demand(good.is_ok(), || "a callback with a code is refused".into());
    for query in ["code=a&code=b&state=s", "code=a&error=b&state=s", "state=s", "code=a"] {
        found.demand(provider.callback(cx, query).is_err(), || {
            format!("the callback `{query}` is not refused")
        });
    }
    let hostile =
        provider.callback(cx, &format!("error={CANARY}&error_description={CANARY}%0d%0a&state=s"));
    quiet("callback", &hostile, found);
}

/// Nothing that an answer echoes may come out as text.
fn quiet(what: &str, outcome: &impl std::fmt::Debug, found: &mut Findings) {
    found.demand(!format!("{outcome:?}").contains(CANARY), || {
        format!("{what}: what the answer says is printed")
    });
}

fn expect<T: std::fmt::Debug>(
    what: &str,
    outcome: Result<T, Failure>,
    kind: FailureKind,
    found: &mut Findings,
) {
    quiet(what, &outcome, found);
    match outcome {
        Ok(_) => found.add(format!("{what}: it is taken for a success")),
        Err(failure) => {
            found.demand(failure.kind == kind, || {
                format!("{what}: it is {:?} and should be {kind:?}", failure.kind)
            });
            let error = bailee_core::Error::from(failure);
            found.demand(!format!("{error}{error:?}").contains(CANARY), || {
                format!("{what}: the error repeats the answer")
            });
        }
    }
}

/// The answers that no token endpoint should give, and what each of them means.
fn bad_answers(now: Timestamp, happy: &str) -> Vec<(&'static str, Answer, FailureKind)> {
    use FailureKind::{ClientConfiguration, GrantOver, Malformed, RateLimited, Unavailable};

    let json = |status, body: &str| canned::json(status, body, now);
    let echo = format!(r#"{{"error":"{CANARY}","error_description":"{CANARY}"}}"#);
    let torn = format!(r#"{{"access_token":"{CANARY}","token_type":"Bearer"#);
    let odd = format!(r#"{{"access_token":["{CANARY}"],"token_type":"Bearer"}}"#);
    let unsafe_token =
        format!(r#"{{"access_token":"{CANARY}\r\nx: y","token_type":"Bearer","expires_in":1}}"#);
    let twice =
        format!(r#"{{"access_token":"{CANARY}","access_token":"{ACCESS}","token_type":"Bearer"}}"#);
    let foreign_type = format!(r#"{{"access_token":"{CANARY}","token_type":"mac"}}"#);
    vec![
        ("invalid_grant", json(400, r#"{"error":"invalid_grant"}"#), GrantOver),
        ("invalid_client", json(401, r#"{"error":"invalid_client"}"#), ClientConfiguration),
        ("200 with an error", json(200, r#"{"error":"invalid_grant"}"#), GrantOver),
        ("429", json(429, "{}"), RateLimited),
        ("500 that says invalid_grant", json(500, r#"{"error":"invalid_grant"}"#), Unavailable),
        ("503", canned::answer(503, "text/html", "<html>", now), Unavailable),
        ("a redirect", json(302, happy), Malformed),
        ("a page of HTML", canned::answer(200, "text/html", happy, now), Malformed),
        ("no content type", canned::answer(200, "", happy, now), Malformed),
        ("an empty body", json(200, ""), Malformed),
        ("a body that is cut off", json(200, &torn), Malformed),
        ("an array", json(200, "[]"), Malformed),
        ("no token", json(200, r#"{"token_type":"Bearer"}"#), Malformed),
        ("a token that is no string", json(200, &odd), Malformed),
        ("a token that breaks a header", json(200, &unsafe_token), Malformed),
        ("a member twice", json(200, &twice), Malformed),
        ("a foreign token type", json(200, &foreign_type), Malformed),
        ("an echo with 400", json(400, &echo), Malformed),
        ("an echo with 200", json(200, &echo), Malformed),
    ]
}

fn token(provider: &dyn Provider, cx: &Context<'_>, samples: &Samples, found: &mut Findings) {
    let pkce = cx.pkce() != Pkce::None;
    let ask = ExchangeAsk { redirect_uri: REDIRECT, pkce };
    type Make<'a> = Box<dyn Fn() -> Box<dyn Step<Grant>> + 'a>;
    let renewed_with =
        if extends_itself(cx) { SecretRef::AccessToken } else { SecretRef::RefreshToken };
    let good_exchange = || canned::exchange(cx.spec, samples, cx.now);
    let good_refresh = || vec![canned::token(cx.spec, &samples.refresh, cx.now)];
    type Good<'a> = &'a dyn Fn() -> Vec<Answer>;
    let steps: [(&str, Make<'_>, Good<'_>, SecretRef); 2] = [
        ("exchange", Box::new(|| provider.exchange(cx, &ask)), &good_exchange, SecretRef::Code),
        ("refresh", Box::new(|| provider.refresh(cx, &facts(cx))), &good_refresh, renewed_with),
    ];
    for (name, make, good, secret) in steps {
        match make().next(Input::Start) {
            Ok(Next::Send(request)) => {
                token_request(name, &request, secret, cx, found);
                if secret == SecretRef::Code {
                    found.demand(holds(&request, SecretRef::Verifier) == pkce, || {
                        format!("{name}: the verifier does not follow the challenge")
                    });
                }
            }
            other => found.add(format!("{name}: it does not begin with a request: {other:?}")),
        }
        match canned::drive(&mut *make(), good(), true) {
            Err(failure) => found.add(format!("{name}: the good answer is {:?}", failure.kind)),
            Ok(grant) => {
                let whole = grant.credentials.first().is_some_and(|credential| {
                    let refresh = credential.refresh.as_ref();
                    credential.access.expose(|token| token == ACCESS.as_bytes())
                        && match refresh {
                            Some(token) => token.expose(|token| token == REFRESH.as_bytes()),
                            None => extends_itself(cx),
                        }
                });
                found.demand(whole, || format!("{name}: the tokens are not those of the answer"));
                let printed = format!("{grant:?}");
                found.demand(!printed.contains(ACCESS) && !printed.contains(REFRESH), || {
                    format!("{name}: the grant prints a token")
                });
            }
        }
        // Each of its requests may be answered badly.
        for position in 0..good().len() {
            for (what, answer, kind) in bad_answers(cx.now, &samples.refresh) {
                let mut answers: Vec<Answer> = good().into_iter().take(position).collect();
                answers.push(answer);
                let outcome = canned::drive(&mut *make(), answers, true);
                expect(&format!("{name}: {what}"), outcome, kind, found);
            }
        }
    }
}

fn token_request(
    name: &str,
    request: &Request,
    secret: SecretRef,
    cx: &Context<'_>,
    found: &mut Findings,
) {
    let endpoints = &cx.spec.endpoints;
    let endpoint = match secret {
        SecretRef::Code => endpoints.token.as_ref(),
        _ => endpoints.refresh.as_ref().or(endpoints.token.as_ref()),
    };
    let at_endpoint = match &request.target {
        Target::Url(url) => Some(url) == endpoint,
        Target::Issued(_) | Target::Progress => false,
    };
    // A token that proves itself, and stands in the query for want of another place.
    let by_itself = secret == SecretRef::AccessToken;
    let in_query = cx.spec.client.secrets_in_query && by_itself;
    let method = if in_query { Method::GET } else { Method::POST };
    found.demand(
        at_endpoint && request.method == method && request.endpoint == Endpoint::Token,
        || format!("{name}: it is no {method} to the token endpoint"),
    );
    let queried = request.query.iter().any(|(_, value)| *value == Value::Secret(secret));
    found.demand(if in_query { queried } else { holds(request, secret) }, || {
        format!("{name}: {secret:?} is not sent")
    });
    let ways = [
        matches!(request.authorization, Authorization::ClientBasic(_)),
        holds(request, SecretRef::ClientSecret),
        holds(request, SecretRef::ClientAssertion),
    ];
    let authenticated = ways.into_iter().filter(|way| *way).count();
    found.demand(by_itself || authenticated == usize::from(!cx.registration.public), || {
        format!("{name}: the client is not authenticated in exactly one way")
    });
    let shown = request.query.iter().any(|(_, value)| !matches!(value, Value::Text(_)));
    found.demand(!shown || in_query, || format!("{name}: a secret is in the query"));
}

/// Whether a secret stands in the body.
fn holds(request: &Request, secret: SecretRef) -> bool {
    match &request.payload {
        Payload::Form(fields) => fields.iter().any(|(_, value)| *value == Value::Secret(secret)),
        Payload::Json(json) => json.refers_to(secret),
        Payload::Bytes { .. } | Payload::Empty | Payload::Media { .. } => false,
    }
}

fn identity(provider: &dyn Provider, cx: &Context<'_>, samples: &Samples, found: &mut Findings) {
    let source = cx.spec.identity.source;
    let openid = source == IdentitySource::Openid;
    let mut grant = GrantFacts::new(Vec::new());
    let ask = ExchangeAsk { redirect_uri: REDIRECT, pkce: false };
    let issued = canned::drive(
        &mut *provider.exchange(cx, &ask),
        canned::exchange(cx.spec, samples, cx.now),
        true,
    );
    if let Ok(issued) = issued {
        grant = issued.facts(&[]);
    }
    let by_fingerprint = source == IdentitySource::Fingerprint;
    if by_fingerprint {
        grant.account_id = AccountId::new(cx.spec.identity.id_kind.clone(), ACCOUNT);
    }
    let (keys, token) = canned::id_token(cx.spec, &cx.registration.client_id, cx.now);
    let run = |last: Option<Answer>, verified: bool| {
        let mut answers = Vec::new();
        if openid {
            answers.push(canned::json(200, &keys, cx.now));
        }
        answers.extend(last);
        answers.extend(samples.identity_then.iter().map(|body| canned::json(200, body, cx.now)));
        let id_token = openid.then(|| IdToken::copy_from(token.as_bytes()));
        let mut step = provider.identity(cx, &grant, openid.then_some(NONCE), id_token);
        canned::drive(&mut *step, answers, verified)
    };
    match run(Some(canned::json(200, &samples.identity, cx.now)), true) {
        Err(failure) => found.add(format!("identity: the good answer is {:?}", failure.kind)),
        Ok(account) => {
            // An id of several parts has one account in each of them.
            let whole = account.id.value().split(':').all(|part| part == ACCOUNT);
            found.demand(whole, || "identity: the id is not that of the answer".into());
            found.demand(account.id.kind() == cx.spec.identity.id_kind, || {
                "identity: the kind of id is not the spec's".into()
            });
            found.demand(!format!("{account:?}").contains(ACCOUNT), || {
                "identity: the account prints its id".into()
            });
            found.demand(provider.eligibility(cx, &account).is_ok(), || {
                "identity: the account of the sample cannot be used".into()
            });
        }
    }
    if openid {
        let refused = run(Some(canned::json(200, &samples.identity, cx.now)), false);
        expect("identity: a bad signature", refused, FailureKind::Malformed, found);
    }
    if source == IdentitySource::TokenAnswer || cx.spec.endpoints.userinfo.is_none() {
        return;
    }
    let other = samples.identity.replace(ACCOUNT, "fake-account-2");
    if !by_fingerprint && (openid || grant.account_id.is_some()) {
        let outcome = run(Some(canned::json(200, &other, cx.now)), true);
        expect("identity: another account", outcome, FailureKind::Malformed, found);
    }
    for (what, answer, kind) in api_answers(cx.now) {
        // Where the document is an array, an empty one says something of its own.
        if what == "an array" && samples.identity.trim_start().starts_with('[') {
            continue;
        }
        expect(&format!("identity: {what}"), run(Some(answer), true), kind, found);
    }
}

/// The answers of an API that are no success.
fn api_answers(now: Timestamp) -> Vec<(&'static str, Answer, FailureKind)> {
    use FailureKind::{AccessRejected, Malformed, RateLimited, Unavailable};

    let json = |status, body: &str| canned::json(status, body, now);
    let torn = format!(r#"{{"data":"{CANARY}"#);
    vec![
        ("401", json(401, "{}"), AccessRejected),
        ("429", json(429, "{}"), RateLimited),
        ("500", json(500, "{}"), Unavailable),
        ("502 with HTML", canned::answer(502, "text/html", "<html>", now), Unavailable),
        ("a page of HTML", canned::answer(200, "text/html", "<html>", now), Malformed),
        ("an empty body", json(200, ""), Malformed),
        ("a body that is cut off", json(200, &torn), Malformed),
        ("an array", json(200, "[]"), Malformed),
        (
            "an echo",
            json(200, &format!(r#"{{"error":{{"code":"{CANARY}","message":"{CANARY}"}}}}"#)),
            Malformed,
        ),
    ]
}

fn revoke(provider: &dyn Provider, cx: &Context<'_>, found: &mut Findings) {
    let facts = facts(cx);
    let style = cx.spec.revoke.style;
    let run = |status: u16, body: &str| {
        // One for each token, and for an adapter that looks whether they are dead.
        let answers = (0..3).map(|_| canned::json(status, body, cx.now)).collect();
        canned::drive(&mut *provider.revoke(cx, &facts), answers, true)
    };
    if style == RevokeStyle::None {
        found.demand(provider.revoke_plan(cx, &facts) == RevokePlan::Impossible, || {
            "revoke: without an endpoint the plan is not `Impossible`".into()
        });
        let outcome = canned::drive(&mut *provider.revoke(cx, &facts), Vec::new(), true);
        found.demand(outcome.is_ok_and(|revoked| !revoked.confirmed), || {
            "revoke: without an endpoint something is confirmed".into()
        });
        return;
    }
    for body in ["", "{}"] {
        found.demand(run(200, body).is_ok_and(|revoked| revoked.confirmed), || {
            "revoke: a success is not confirmed".into()
        });
    }
    found.demand(
        run(400, r#"{"error":"unsupported_token_type"}"#).is_ok_and(|revoked| !revoked.confirmed),
        || "revoke: a refusal is confirmed".into(),
    );
    let invalid = run(401, r#"{"error":"invalid_client"}"#);
    expect("revoke: invalid_client", invalid, FailureKind::ClientConfiguration, found);
    expect("revoke: 429", run(429, "{}"), FailureKind::RateLimited, found);
    expect("revoke: 503", run(503, CANARY), FailureKind::Unavailable, found);
    quiet("revoke: an echo", &run(400, &format!(r#"{{"error":"{CANARY}"}}"#)), found);
    if style == RevokeStyle::AccessToken {
        let expired = facts.clone().expiring(cx.now);
        found.demand(provider.revoke_plan(cx, &expired) == RevokePlan::RefreshFirst, || {
            "revoke: an access token that ran out is not refreshed first".into()
        });
    }
}

fn liveness(provider: &dyn Provider, cx: &Context<'_>, samples: &Samples, found: &mut Findings) {
    let stated = cx.spec.endpoints.introspection.is_some();
    if !stated && cx.spec.endpoints.userinfo.is_none() {
        return;
    }
    let asked = provider.liveness(cx).next(Input::Start);
    let introspected =
        matches!(asked, Ok(Next::Send(request)) if request.endpoint == Endpoint::Introspect);
    let run = |status: u16, body: &str| {
        let answer = canned::json(status, body, cx.now);
        canned::drive(&mut *provider.liveness(cx), vec![answer], true)
    };
    let (alive, dead) = if introspected {
        let dead = run(200, r#"{"active":false}"#);
        // A check of the provider's own does not know a token that is dead.
        let dead = if stated { dead } else { run(404, "{}") };
        (run(200, r#"{"active":true}"#), dead)
    } else {
        (run(200, &samples.identity), run(401, "{}"))
    };
    found.demand(alive == Ok(Alive::Yes), || "liveness: a live grant is not seen as such".into());
    found.demand(dead == Ok(Alive::No), || "liveness: a dead grant is not seen as such".into());
    expect("liveness: 503", run(503, ""), FailureKind::Unavailable, found);
}

fn classify(provider: &dyn Provider, cx: &Context<'_>, samples: &Samples, found: &mut Findings) {
    let success = canned::json(200, &samples.identity, cx.now);
    found
        .demand(provider.classify(cx, &success).is_none(), || "classify: a success is none".into());
    for (status, kind) in [
        (401, FailureKind::AccessRejected),
        (403, FailureKind::Blocked),
        (429, FailureKind::RateLimited),
        (500, FailureKind::Unavailable),
    ] {
        let answer = canned::json(status, &format!(r#"{{"error":"{CANARY}"}}"#), cx.now);
        let failure = provider.classify(cx, &answer);
        quiet("classify", &failure, found);
        found.demand(failure.is_some_and(|failure| failure.kind == kind), || {
            format!("classify: {status} is not {kind:?}")
        });
    }
}
