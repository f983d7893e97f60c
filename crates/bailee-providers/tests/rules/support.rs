//! Answers, and a driver that gives them.

use bailee_core::{ProviderId, RegistrationId, Timestamp};
use bailee_providers::{
    Answer, Context, Failure, Input, Next, Registration, Request, Spec, Step, Target,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use zeroize::Zeroizing;

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_748_779_200);

pub(crate) fn registration(provider: &'static str) -> Registration {
    Registration::new(
        RegistrationId::from_static("test"),
        ProviderId::from_static(provider),
        "fake-client",
    )
}

pub(crate) fn context<'a>(spec: &'a Spec, registration: &'a Registration) -> Context<'a> {
    Context::new(spec, registration, NOW)
}

pub(crate) fn answer(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> Answer {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    let status = StatusCode::from_u16(status).unwrap();
    Answer::new(status, map, Zeroizing::new(body.to_vec()), NOW)
}

pub(crate) fn json(status: u16, body: &str) -> Answer {
    answer(status, &[("content-type", "application/json")], body.as_bytes())
}

/// Drives a step with these answers and keeps the requests.
pub(crate) fn drive<T>(
    step: &mut dyn Step<T>,
    answers: Vec<Answer>,
) -> (Vec<Request>, Result<T, Failure>) {
    drive_with(step, answers, |_| true)
}

pub(crate) fn drive_with<T>(
    step: &mut dyn Step<T>,
    answers: Vec<Answer>,
    verify: impl Fn(&bailee_providers::Signed) -> bool,
) -> (Vec<Request>, Result<T, Failure>) {
    let mut answers = answers.into_iter();
    let mut requests = Vec::new();
    let mut input = Input::Start;
    loop {
        input = match step.next(input) {
            Err(failure) => return (requests, Err(failure)),
            Ok(Next::Done(value)) => return (requests, Ok(value)),
            Ok(Next::Send(request)) => {
                requests.push(request);
                Input::Answer(answers.next().expect("no answer is left"))
            }
            Ok(Next::Verify(signed)) => Input::Verified(verify(&signed)),
            Ok(_) => Input::Elapsed,
        };
    }
}

pub(crate) fn address(request: &Request) -> &str {
    match &request.target {
        Target::Url(url) => url.as_str(),
        _ => "(progress)",
    }
}

/// A spec with every kind of endpoint, as OpenID Connect has them, without discovery.
pub(crate) fn spec(more: &str) -> Spec {
    let text = format!(
        r#"
        id = "example"
        title = "Example"
        checked = "2026-11-21"
        pages = ["https://login.example.test/docs"]
        issuer = "https://login.example.test"
        hosts = ["login.example.test"]
        api = "https://login.example.test/api"
        [endpoints]
        authorization = "https://login.example.test/authorize"
        token = "https://login.example.test/token"
        revocation = "https://login.example.test/revoke"
        introspection = "https://login.example.test/introspect"
        jwks = "https://login.example.test/keys"
        [identity]
        source = "openid"
        [[scope]]
        name = "openid"
        plain = "see which account is yours"
        category = "identity"
        effect = "read"
        [[scope]]
        name = "notes"
        plain = "read your notes"
        category = "content"
        effect = "read"
        {more}
        "#
    );
    Spec::parse(&text).unwrap()
}
