use bailee_core::{CredentialName, Effect, ScopeName, Timestamp};
use bailee_providers::{
    Answer, Authorization, CredentialFacts, FailureKind, Generic, Payload, Provider, Request,
    RevokePlan, SecretRef, TokenKind, Value,
};

use crate::support::{NOW, answer, context, drive, json, registration, spec};

fn facts(refresh: bool) -> CredentialFacts {
    let facts = CredentialFacts::new(CredentialName::from_static("user"), Vec::new());
    if refresh { facts.with_refresh(None) } else { facts }
}

fn revoke(
    more: &str,
    refresh: bool,
    answers: Vec<Answer>,
) -> (Vec<Request>, Result<bailee_providers::Revoked, bailee_providers::Failure>) {
    let (spec, registration) = (spec(more), registration("example"));
    let cx = context(&spec, &registration);
    drive(&mut *Generic::new(spec.clone()).revoke(&cx, &facts(refresh)), answers)
}

fn tokens(requests: &[Request]) -> Vec<Value> {
    let token = |request: &Request| match &request.payload {
        Payload::Form(fields) => {
            fields.iter().find(|(name, _)| name == "token").map(|(_, value)| value.clone())
        }
        _ => None,
    };
    requests.iter().filter_map(token).collect()
}

const ACCESS: Value = Value::Secret(SecretRef::AccessToken);
const REFRESH: Value = Value::Secret(SecretRef::RefreshToken);

#[test]
fn the_refresh_token_is_revoked_first_and_then_the_access_token() {
    let (requests, outcome) = revoke("", true, vec![json(200, ""), json(200, "")]);
    assert_eq!(tokens(&requests), [REFRESH, ACCESS]);
    assert!(outcome.unwrap().confirmed);
    assert!(requests.iter().all(|request| request.effect == Effect::Idempotent));
    assert!(
        requests.iter().all(|r| matches!(r.authorization, Authorization::ClientBasic(_))),
        "the client authenticates as at the token endpoint"
    );
    let (requests, _) = revoke("", false, vec![json(200, "")]);
    assert_eq!(tokens(&requests), [ACCESS]);
}

#[test]
fn a_body_of_any_kind_is_ignored_but_an_error_in_it() {
    for body in ["", "{}", "<html>", "{\"x\":1}", "[", "{\"error\":\"\"}"] {
        let (_, outcome) = revoke("", false, vec![json(200, body)]);
        assert!(outcome.unwrap().confirmed, "{body}");
    }
    let (_, outcome) = revoke("", false, vec![json(200, "{\"error\":\"invalid_grant\"}")]);
    assert!(!outcome.unwrap().confirmed);
}

#[test]
fn an_unsupported_token_type_leads_to_the_other_token() {
    let unsupported = json(400, r#"{"error":"unsupported_token_type"}"#);
    let (requests, outcome) = revoke("", true, vec![unsupported, json(200, "")]);
    assert_eq!(tokens(&requests), [REFRESH, ACCESS]);
    let outcome = outcome.unwrap();
    assert!(!outcome.confirmed);
    assert_eq!(outcome.remaining, [TokenKind::Refresh]);
}

#[test]
fn what_passes_or_can_be_mended_is_given_on() {
    let (_, outcome) = revoke("", true, vec![answer(503, &[("retry-after", "7")], b"")]);
    let failure = outcome.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert_eq!(failure.retry_after, Some(std::time::Duration::from_secs(7)));
    let (_, outcome) = revoke("", true, vec![json(401, r#"{"error":"invalid_client"}"#)]);
    assert_eq!(outcome.unwrap_err().kind, FailureKind::ClientConfiguration);
    let (_, outcome) = revoke("", false, vec![json(404, "")]);
    assert!(!outcome.unwrap().confirmed);
}

#[test]
fn styles_decide_which_token_is_presented() {
    let style = |word: &str| format!("[revoke]\nstyle = \"{word}\"");
    let (requests, outcome) = revoke(&style("access_token"), true, vec![json(200, "")]);
    assert_eq!(tokens(&requests), [ACCESS]);
    assert!(outcome.unwrap().confirmed);
    let (requests, _) = revoke(&style("refresh_token"), true, vec![json(200, "")]);
    assert_eq!(tokens(&requests), [REFRESH]);
    let (requests, outcome) = revoke(&style("none"), true, Vec::new());
    assert!(requests.is_empty());
    let outcome = outcome.unwrap();
    assert!(!outcome.confirmed);
    assert_eq!(outcome.remaining, [TokenKind::Refresh, TokenKind::Access]);
}

#[test]
fn an_access_token_that_ran_out_is_refreshed_before_it_is_revoked() {
    let plan = |word: &str, facts: &CredentialFacts| {
        let spec = spec(&format!("[revoke]\nstyle = \"{word}\""));
        let registration = registration("example");
        Generic::new(spec.clone()).revoke_plan(&context(&spec, &registration), facts)
    };
    let over = facts(true).expiring(NOW);
    let alive = facts(true).expiring(Timestamp::from_seconds(NOW.as_seconds() + 1));
    assert_eq!(plan("access_token", &over), RevokePlan::RefreshFirst);
    assert_eq!(plan("access_token", &alive), RevokePlan::Ready);
    assert_eq!(plan("access_token", &facts(false).expiring(NOW)), RevokePlan::Ready);
    assert_eq!(plan("rfc7009", &over), RevokePlan::Ready);
    assert_eq!(plan("refresh_token", &facts(false)), RevokePlan::Impossible);
    assert_eq!(plan("none", &over), RevokePlan::Impossible);
}

#[test]
fn introspection_is_read_by_rfc_7662() {
    let introspect = |answer: Answer| {
        let (spec, registration) = (spec("[scopes]\nseparator = \",\""), registration("example"));
        let cx = context(&spec, &registration);
        let mut step = Generic::new(spec.clone()).introspect(&cx).unwrap();
        drive(&mut *step, vec![answer]).1
    };
    let body =
        r#"{"active":true,"scope":"openid notes","exp":1748779260,"username":"fake","sub":"x"}"#;
    let read = introspect(json(200, body)).unwrap();
    assert!(read.active);
    assert_eq!(read.scopes.unwrap(), ["openid", "notes"].map(ScopeName::from_static));
    assert_eq!(read.expires_at, Some(Timestamp::from_seconds(1_748_779_260)));
    let read = introspect(json(200, r#"{"active":false,"scope":"fake \u0007"}"#)).unwrap();
    assert!(!read.active && read.scopes.is_none());
    for bad in ["{}", r#"{"active":"true"}"#, r#"{"active":true,"active":false}"#, "", "[]"] {
        assert_eq!(introspect(json(200, bad)).unwrap_err().kind, FailureKind::Malformed, "{bad}");
    }
    let error = introspect(json(401, "")).unwrap_err();
    assert_eq!(error.kind, FailureKind::ClientConfiguration);
}

#[test]
fn a_token_that_the_provider_says_is_dead_already_is_dead() {
    let gone = || json(400, r#"{"error":"invalid_token"}"#);
    let (_, outcome) = revoke("", true, vec![gone(), gone()]);
    assert_eq!(outcome.unwrap().remaining, [TokenKind::Refresh, TokenKind::Access]);
    let dead = "[revoke]\nstyle = \"rfc7009\"\nhinted = false\ndead = [\"invalid_token\"]";
    let (requests, outcome) = revoke(dead, true, vec![json(200, "{}"), gone()]);
    assert!(outcome.unwrap().confirmed);
    assert_eq!(tokens(&requests), [REFRESH, ACCESS]);
    for request in &requests {
        let Payload::Form(fields) = &request.payload else { panic!("no form") };
        assert!(fields.iter().all(|(name, _)| name != "token_type_hint"));
    }
    let other = json(400, r#"{"error":"invalid_grant"}"#);
    assert!(!revoke(dead, false, vec![other]).1.unwrap().confirmed);
}
