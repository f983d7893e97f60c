//! What every adapter makes of the answers to its cheapest question. A grant that is over has to be
//! told from a token that ran out, and both from a provider that cannot say.

use std::collections::BTreeSet;

use bailee_core::{ProviderId, RegistrationId};
use bailee_providers::{
    Alive, Answer, Context, Endpoint, Failure, FailureKind, Payload, Provider, Registration,
    Request, SecretRef, Value, compiled_in,
};

use crate::support::{NOW, answer, drive, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// It lives.
    Alive,
    /// The token is not good; a renewal says whether the grant is over.
    Renew,
    /// The grant is over.
    Over,
    /// Nothing.
    Unknown,
}
use Says::{Alive as Lives, Over, Renew, Unknown};

/// An answer's status and body, and what it says.
type Row = (u16, &'static str, Says);

const INTROSPECTED: &[Row] = &[
    (200, r#"{"active":true,"scope":"a"}"#, Lives),
    (200, r#"{"active":false}"#, Renew),
    (401, r#"{"error":"invalid_client"}"#, Unknown),
    (400, r#"{"error":"invalid_request"}"#, Unknown),
    (200, r#"{}"#, Unknown),
];

/// What each says, by its documentation.
const TABLE: &[(&str, &[Row])] = &[
    (
        "airtable",
        &[
            (200, r#"{"id":"usr1"}"#, Lives),
            (401, r#"{"error":{"type":"AUTHENTICATION_REQUIRED"}}"#, Renew),
            (401, r#"{"error":"UNAUTHORIZED"}"#, Renew),
            (403, r#"{"error":{"type":"INVALID_PERMISSIONS"}}"#, Unknown),
            (429, r#"{"errors":[{"error":"RATE_LIMIT_REACHED"}]}"#, Unknown),
        ],
    ),
    (
        "anthropic",
        &[
            (200, r#"{"data":[]}"#, Lives),
            (401, r#"{"type":"error","error":{"type":"authentication_error"}}"#, Renew),
            (403, r#"{"type":"error","error":{"type":"permission_error"}}"#, Unknown),
            (529, r#"{"type":"error","error":{"type":"overloaded_error"}}"#, Unknown),
        ],
    ),
    (
        "asana",
        &[
            (200, r#"{"data":{"gid":"1"}}"#, Lives),
            (401, r#"{"errors":[{"message":"Not Authorized"}]}"#, Renew),
            // Granular scopes that do not cover the profile.
            (403, r#"{"errors":[{"message":"Forbidden"}]}"#, Lives),
            (424, r#"{"errors":[{"message":"x"}]}"#, Unknown),
        ],
    ),
    (
        "clickup",
        &[
            (200, r#"{"user":{"id":1}}"#, Lives),
            (401, r#"{"err":"Token invalid","ECODE":"OAUTH_025"}"#, Over),
            (401, r#"{"err":"Token not found","ECODE":"OAUTH_019"}"#, Over),
            (401, r#"{"err":"Team not authorized","ECODE":"OAUTH_027"}"#, Lives),
            (401, r#"{"err":"x","ECODE":"OAUTH_999"}"#, Renew),
            (429, r#"{"err":"Rate limit reached","ECODE":"APP_002"}"#, Unknown),
        ],
    ),
    (
        "discord",
        &[
            (200, r#"{"id":"1"}"#, Lives),
            (401, r#"{"message":"401: Unauthorized","code":0}"#, Renew),
            (401, r#"{"message":"x","code":50025}"#, Renew),
            (403, r#"{"message":"Missing Access","code":50001}"#, Unknown),
        ],
    ),
    (
        "dropbox",
        &[
            (200, r#"{"account_id":"dbid:1"}"#, Lives),
            (401, r#"{"error":{".tag":"expired_access_token"}}"#, Renew),
            (401, r#"{"error":{".tag":"invalid_access_token"}}"#, Renew),
            (401, r#"{"error":{".tag":"missing_scope"}}"#, Lives),
            (401, r#"{"error":{".tag":"user_suspended"}}"#, Unknown),
            (403, r#"{"error":{".tag":"x"}}"#, Unknown),
        ],
    ),
    (
        "figma",
        &[
            (200, r#"{"id":"1"}"#, Lives),
            (403, r#"{"status":403,"err":"Invalid token"}"#, Renew),
            (403, r#"{"status":403,"err":"Token expired"}"#, Renew),
            (403, r#"{"status":403,"err":"x"}"#, Unknown),
        ],
    ),
    (
        "github",
        &[
            (200, r#"{"id":1,"token":"fake","scopes":["repo"],"user":{"id":1}}"#, Lives),
            (404, r#"{"message":"Not Found"}"#, Renew),
            // It is the client that is not accepted here.
            (401, r#"{"message":"Bad credentials"}"#, Unknown),
            (422, r#"{"message":"Validation Failed"}"#, Unknown),
            (403, r#"{"message":"x"}"#, Unknown),
        ],
    ),
    ("gitlab", INTROSPECTED),
    (
        "google",
        &[
            (200, r#"{"sub":"1"}"#, Lives),
            (
                401,
                r#"{"error":"invalid_request","error_description":"Invalid Credentials"}"#,
                Renew,
            ),
            (401, r#"{"error":{"code":401,"status":"UNAUTHENTICATED"}}"#, Renew),
            (
                403,
                r#"{"error":{"code":403,"status":"PERMISSION_DENIED",
                    "details":[{"reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}"#,
                Lives,
            ),
            (403, r#"{"error":{"errors":[{"reason":"rateLimitExceeded"}]}}"#, Unknown),
        ],
    ),
    (
        "hubspot",
        &[
            (200, r#"{"active":true,"token":"fake","hub_id":1,"user_id":2}"#, Lives),
            (200, r#"{"active":false}"#, Renew),
            (400, r#"{"error":"invalid_client","status":"BAD_CLIENT_SECRET"}"#, Unknown),
            (423, r#"{"message":"locked"}"#, Unknown),
            (477, r#"{"message":"moving"}"#, Unknown),
        ],
    ),
    (
        "instagram",
        &[
            (200, r#"{"id":"1"}"#, Lives),
            (
                400,
                r#"{"error":{"message":"x","type":"OAuthException","code":190,"error_subcode":458}}"#,
                Over,
            ),
            (
                400,
                r#"{"error":{"message":"x","type":"OAuthException","code":190,"error_subcode":463}}"#,
                Renew,
            ),
            (400, r#"{"error":{"message":"x","type":"OAuthException","code":4}}"#, Unknown),
            (400, r#"{"error":{"message":"x","code":2,"is_transient":true}}"#, Unknown),
        ],
    ),
    (
        "jira",
        &[
            (
                200,
                r#"[{"id":"a","name":"A","url":"https://a","scopes":["read:jira-work"]}]"#,
                Lives,
            ),
            // The person removed the application from the only site.
            (200, "[]", Over),
            (401, r#"{"code":401,"message":"Unauthorized"}"#, Renew),
            (403, r#"{"message":"x"}"#, Unknown),
        ],
    ),
    (
        "linear",
        &[
            (200, r#"{"data":{"viewer":{"id":"1"}}}"#, Lives),
            (401, r#"{"errors":[{"extensions":{"code":"AUTHENTICATION_ERROR"}}]}"#, Renew),
            (400, r#"{"errors":[{"extensions":{"type":"authentication error"}}]}"#, Renew),
            (400, r#"{"errors":[{"extensions":{"code":"RATELIMITED"}}]}"#, Unknown),
            (200, r#"{"errors":[{"extensions":{"code":"FORBIDDEN"}}]}"#, Unknown),
        ],
    ),
    (
        "linkedin",
        &[
            (200, r#"{"active":true,"status":"active","scope":"openid,profile"}"#, Lives),
            (200, r#"{"active":false,"status":"revoked"}"#, Over),
            (200, r#"{"active":false,"status":"expired"}"#, Renew),
            (200, r#"{"active":false}"#, Renew),
            (401, r#"{"error":"invalid_client"}"#, Unknown),
        ],
    ),
    (
        "microsoft",
        &[
            (200, r#"{"sub":"1"}"#, Lives),
            (401, r#"{"error":{"code":"InvalidAuthenticationToken"}}"#, Renew),
            (403, r#"{"error":{"code":"Authorization_RequestDenied"}}"#, Unknown),
        ],
    ),
    (
        "notion",
        &[
            (200, r#"{"object":"user","type":"bot"}"#, Lives),
            (401, r#"{"object":"error","status":401,"code":"unauthorized"}"#, Renew),
            (403, r#"{"object":"error","status":403,"code":"restricted_resource"}"#, Lives),
            (409, r#"{"object":"error","status":409,"code":"conflict_error"}"#, Unknown),
            (529, r#"{"object":"error","status":529,"code":"service_overload"}"#, Unknown),
        ],
    ),
    ("salesforce", INTROSPECTED),
    (
        "shopify",
        &[
            (200, r#"{"data":{"shop":{"id":"1"}}}"#, Lives),
            (401, r#"{"errors":"[API] Invalid API key or access token"}"#, Renew),
            (402, r#"{"errors":"Unavailable Shop"}"#, Unknown),
            (423, r#"{"errors":"Locked"}"#, Unknown),
            (200, r#"{"errors":[{"extensions":{"code":"THROTTLED"}}]}"#, Unknown),
        ],
    ),
    (
        "slack",
        &[
            (200, r#"{"ok":true,"user_id":"U1","team_id":"T1"}"#, Lives),
            (200, r#"{"ok":false,"error":"token_revoked"}"#, Over),
            (200, r#"{"ok":false,"error":"account_inactive"}"#, Over),
            (200, r#"{"ok":false,"error":"token_expired"}"#, Renew),
            (200, r#"{"ok":false,"error":"invalid_auth"}"#, Renew),
            (200, r#"{"ok":false,"error":"ratelimited"}"#, Unknown),
            (200, r#"{"ok":false,"error":"internal_error"}"#, Unknown),
            (200, r#"{"ok":false,"error":"something_new"}"#, Unknown),
        ],
    ),
    (
        "stripe",
        &[
            (200, r#"{"id":"acct_1"}"#, Lives),
            (401, r#"{"error":{"type":"invalid_request_error"}}"#, Renew),
            (403, r#"{"error":{"code":"account_invalid","type":"invalid_request_error"}}"#, Over),
            (429, r#"{"error":{"code":"rate_limit"}}"#, Unknown),
        ],
    ),
    (
        "supabase",
        &[
            (200, r#"[{"id":"1","slug":"a","name":"A"}]"#, Lives),
            (401, r#"{"message":"Unauthorized"}"#, Renew),
            (403, r#"{"message":"Forbidden"}"#, Unknown),
            (402, r#"{"message":"plan"}"#, Unknown),
        ],
    ),
    (
        "tiktok",
        &[
            (200, r#"{"data":{"user":{"open_id":"1"}},"error":{"code":"ok"}}"#, Lives),
            (401, r#"{"error":{"code":"access_token_invalid"}}"#, Renew),
            (401, r#"{"error":{"code":"scope_not_authorized"}}"#, Lives),
            (429, r#"{"error":{"code":"rate_limit_exceeded"}}"#, Unknown),
            (403, r#"{"error":{"code":"reached_active_user_cap"}}"#, Unknown),
        ],
    ),
    (
        "x",
        &[
            (200, r#"{"data":{"id":"1"}}"#, Lives),
            (401, r#"{"title":"Unauthorized","type":"about:blank","status":401}"#, Renew),
            (
                403,
                r#"{"type":"https://api.x.com/2/problems/client-forbidden","status":403}"#,
                Unknown,
            ),
            (402, r#"{"title":"CreditsDepleted"}"#, Unknown),
            (429, r#"{"type":"https://api.x.com/2/problems/usage-capped"}"#, Unknown),
        ],
    ),
    (
        "zoom",
        &[
            (200, r#"{"id":"1"}"#, Lives),
            (401, r#"{"code":124,"message":"Invalid access token."}"#, Renew),
            // The token is good, and its scopes do not reach the profile.
            (400, r#"{"code":4711,"message":"does not contain scopes:[user:read]"}"#, Lives),
            (404, r#"{"code":1001,"message":"User does not exist"}"#, Unknown),
        ],
    ),
    (
        "example-oidc",
        &[
            (200, r#"{"sub":"1"}"#, Lives),
            (401, r#"{"error":"invalid_token"}"#, Renew),
            (403, r#"{"error":"x"}"#, Unknown),
        ],
    ),
];

fn ask(provider: &dyn Provider, answers: Vec<Answer>) -> (Vec<Request>, Result<Alive, Failure>) {
    let id = ProviderId::new(provider.spec().id.as_str()).unwrap();
    let registration = Registration::new(RegistrationId::from_static("test"), id, "fake-client");
    let cx = Context::new(provider.spec(), &registration, NOW);
    drive(&mut *provider.liveness(&cx), answers)
}

fn says(provider: &dyn Provider, given: Answer) -> (Says, Option<FailureKind>) {
    let (requests, outcome) = ask(provider, vec![given]);
    assert_eq!(requests.len(), 1, "one question is enough");
    match outcome {
        Ok(Alive::Yes) => (Lives, None),
        Ok(Alive::No) => (Renew, None),
        Err(failure) if failure.kind == FailureKind::GrantOver => (Over, None),
        Err(failure) => (Unknown, Some(failure.kind)),
    }
}

fn adapters() -> Vec<std::sync::Arc<dyn Provider>> {
    let all = compiled_in();
    assert!(all.len() > 20);
    all
}

fn is_discovered(provider: &dyn Provider) -> bool {
    provider.spec().needs_discovery()
}

#[test]
fn every_adapter_tells_a_withdrawn_grant_from_one_that_cannot_be_asked_about() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for provider in adapters().iter().filter(|provider| !is_discovered(&***provider)) {
        let id = provider.spec().id.as_str().to_owned();
        let Some((_, rows)) = TABLE.iter().find(|(known, _)| *known == id) else {
            wrong.push(format!("{id} stands in no row"));
            continue;
        };
        for (status, body, expected) in *rows {
            let (said, kind) = says(&**provider, json(*status, body));
            if said != *expected {
                wrong.push(format!(
                    "{id}: {status} {body} is {said:?} ({kind:?}), not {expected:?}"
                ));
            }
        }
        assert!(rows.iter().any(|(_, _, says)| *says == Lives), "{id}");
        assert!(rows.iter().any(|(_, _, says)| matches!(says, Renew | Over)), "{id}");
        seen.insert(id);
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(seen.len() > 20);
}

#[test]
fn a_provider_that_is_down_or_busy_says_nothing_of_the_grant() {
    let page = |status| answer(status, &[("content-type", "text/html")], b"<html>sorry</html>");
    for provider in adapters().iter().filter(|provider| !is_discovered(&***provider)) {
        let id = provider.spec().id.as_str();
        for status in [408, 425, 500, 502, 503, 504] {
            let told = says(&**provider, json(status, "{}"));
            assert_eq!(told, (Unknown, Some(FailureKind::Unavailable)), "{id} {status}");
            assert_eq!(says(&**provider, page(status)).0, Unknown, "{id} {status}");
        }
        let told = says(&**provider, json(429, "{}"));
        assert_eq!(told, (Unknown, Some(FailureKind::RateLimited)), "{id}");
        assert_eq!(says(&**provider, page(429)).0, Unknown, "{id}");
        assert_eq!(says(&**provider, page(200)).0, Unknown, "{id}: a gateway's page");
        assert_eq!(
            says(&**provider, page(403)).0.min_known(),
            Unknown,
            "{id}: a gateway's refusal"
        );
    }
}

impl Says {
    /// Asana's 403 is the only one that is about scopes alone.
    fn min_known(self) -> Self {
        if self == Lives { Unknown } else { self }
    }
}

#[test]
fn the_question_reads_and_asks_about_no_more_than_the_token() {
    for provider in adapters().iter().filter(|provider| !is_discovered(&***provider)) {
        let id = provider.spec().id.as_str();
        let (requests, _) = ask(&**provider, vec![json(500, "{}")]);
        let request = &requests[0];
        assert_eq!(request.effect, bailee_core::Effect::Read, "{id}");
        let fits = matches!(request.endpoint, Endpoint::Identity | Endpoint::Introspect);
        assert!(fits, "{id}: {:?}", request.endpoint);
        // Where a client proves who it is, it asks about the token; else the token asks.
        let asks_about = match &request.payload {
            Payload::Form(fields) => {
                fields.iter().any(|(_, value)| *value == Value::Secret(SecretRef::AccessToken))
            }
            Payload::Json(json) => json.refers_to(SecretRef::AccessToken),
            _ => false,
        };
        assert_eq!(request.endpoint == Endpoint::Introspect, asks_about, "{id}");
    }
}

#[test]
fn how_often_a_connection_is_asked_about_differs_where_there_is_a_reason() {
    let days = |provider: &dyn Provider| provider.spec().signals.watch.as_secs() / 86_400;
    for provider in adapters() {
        let (id, signals) = (provider.spec().id.as_str(), &provider.spec().signals);
        let expected = match id {
            "linkedin" => 1,
            "shopify" | "x" => 30,
            "tiktok" => 60,
            _ => 7,
        };
        assert_eq!(days(&*provider), expected, "{id}");
        // Atlassian wants to be told of accounts, whatever a renewal proves.
        assert_eq!(signals.watch_always, id == "jira", "{id}");
    }
}
