use std::time::Duration;

use bailee_core::{CredentialName, Remedy, ScopeName, State, Timestamp, Verifier};
use bailee_providers::{
    AccountId, Alive, AuthorizeAsk, CredentialFacts, ExchangeAsk, Failure, FailureKind, GrantFacts,
    Operation, Outcome, Payload, Platform, Provider, Publish, RevokePlan, SecretRef, Value,
    spec::{Pkce, RefreshClass},
    tiktok::{CreatorInfo, PostStatus, PrivacyLevel, PublishStatus, PublishVideo, TikTok},
};

use crate::support::{NOW, address, answer, context, drive, json, registration};

const TOKEN: &str = include_str!("../fixtures/tiktok-token.json");
const USER: &str = include_str!("../fixtures/tiktok-user.json");
const CREATOR: &str = include_str!("../fixtures/tiktok-creator.json");
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn authorize(registration: &bailee_providers::Registration) -> url::Url {
    let provider = TikTok::new();
    let cx = context(provider.spec(), registration);
    let scopes = ["user.info.basic", "video.publish"].map(ScopeName::from_static);
    let state = State::copy_from(b"fake-state");
    let verifier = Verifier::copy_from(VERIFIER.as_bytes());
    let mut ask = AuthorizeAsk::new(&scopes, "https://app.example.test/cb", &state);
    ask.verifier = Some(&verifier);
    provider.authorize(&cx, &ask).unwrap().into_url()
}

fn parameter(url: &url::Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into())
}

#[test]
fn the_flow_begins_with_a_client_key_and_scopes_between_commas() {
    let url = authorize(&registration("tiktok"));
    assert!(url.as_str().starts_with("https://www.tiktok.com/v2/auth/authorize/?"), "{url}");
    assert_eq!(parameter(&url, "client_key").as_deref(), Some("fake-client"));
    assert_eq!(parameter(&url, "client_id"), None);
    assert_eq!(parameter(&url, "scope").as_deref(), Some("user.info.basic,video.publish"));
    assert_eq!(parameter(&url, "code_challenge"), None);
}

#[test]
fn flow_03_the_desktop_sends_its_challenge_in_hexadecimal() {
    let url = authorize(&registration("tiktok").platform(Platform::Desktop));
    let hex = "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3";
    assert_eq!(parameter(&url, "code_challenge").as_deref(), Some(hex));
    assert_eq!(parameter(&url, "code_challenge_method").as_deref(), Some("S256"));
    let url = authorize(&registration("tiktok").pkce(Pkce::S256));
    let base64 = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    assert_eq!(parameter(&url, "code_challenge").as_deref(), Some(base64));
}

#[test]
fn the_code_is_decoded_once_and_the_callback_names_what_was_granted() {
    let provider = TikTok::new();
    let registration = registration("tiktok");
    let cx = context(provider.spec(), &registration);
    let query = "code=fake%2Acode%21&scopes=user.info.basic%2Cvideo.publish&state=s";
    let Outcome::Code { code, scopes } = provider.callback(&cx, query).unwrap().outcome else {
        panic!("no code")
    };
    assert!(code.expose(|code| code == b"fake*code!"));
    assert_eq!(scopes.unwrap(), ["user.info.basic", "video.publish"].map(ScopeName::from_static));
}

fn exchange(
    body: &str,
) -> (Vec<bailee_providers::Request>, Result<bailee_providers::Grant, Failure>) {
    let provider = TikTok::new();
    let registration = registration("tiktok");
    let cx = context(provider.spec(), &registration);
    let ask = ExchangeAsk { redirect_uri: "https://app.example.test/cb", pkce: false };
    drive(&mut *provider.exchange(&cx, &ask), vec![json(200, body)])
}

#[test]
fn tok_06_a_token_answer_is_flat_and_names_the_account() {
    let (requests, grant) = exchange(TOKEN);
    let Payload::Form(fields) = &requests[0].payload else { panic!("no form") };
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_ref()).collect();
    assert_eq!(names, ["grant_type", "code", "redirect_uri", "client_key", "client_secret"]);
    assert_eq!(address(&requests[0]), "https://open.tiktokapis.com/v2/oauth/token/");
    let grant = grant.unwrap();
    let credential = &grant.credentials[0];
    assert_eq!(grant.account_id.as_ref().unwrap().value(), "fake-open-id-1");
    assert_eq!(grant.account_id.as_ref().unwrap().kind(), "open_id");
    assert_eq!(credential.expires_in, Some(Duration::from_secs(7200)));
    assert_eq!(credential.refresh_expires_in, Some(Duration::from_secs(15_552_000)));
    let scopes = credential.scopes.as_ref().unwrap();
    assert_eq!(*scopes, ["user.info.basic", "video.publish"].map(ScopeName::from_static));
}

#[test]
fn tok_02_an_error_with_200_is_one_and_an_empty_error_beside_a_token_is_none() {
    let error = r#"{"error":"invalid_grant","error_description":"fake","log_id":"x"}"#;
    assert_eq!(exchange(error).1.unwrap_err().kind, FailureKind::GrantOver);
    let beside = TOKEN.replacen('{', r#"{"error":"","error_description":"","#, 1);
    assert!(exchange(&beside).1.is_ok());
    // Without the account nobody knows whose tokens they are.
    let nameless = TOKEN.replace("open_id", "closed_id");
    assert_eq!(exchange(&nameless).1.unwrap_err().kind, FailureKind::Malformed);
}

#[test]
fn ref_01_refresh_tokens_rotate_strictly() {
    let spec = TikTok::new();
    let refresh = &spec.spec().refresh;
    assert_eq!(refresh.class, RefreshClass::Strict);
    assert!(refresh.page.as_deref().unwrap().contains("oauth-refresh-a-user-access-token"));
}

fn identify(
    scopes: &[&'static str],
    known: Option<&str>,
    body: &str,
) -> (String, Result<bailee_providers::Account, Failure>) {
    let provider = TikTok::new();
    let registration = registration("tiktok");
    let cx = context(provider.spec(), &registration);
    let mut grant = GrantFacts::new(scopes.iter().map(|s| ScopeName::from_static(s)).collect());
    grant.account_id = known.and_then(|id| AccountId::new("open_id", id));
    let mut step = provider.identity(&cx, &grant, None, None);
    let (requests, account) = drive(&mut *step, vec![json(200, body)]);
    let (name, value) = &requests[0].query[0];
    assert_eq!(name, "fields");
    let Value::Text(fields) = value else { panic!("no text") };
    (fields.clone(), account)
}

#[test]
fn identity_asks_for_fields_whose_scope_was_granted_and_for_no_more() {
    let (fields, account) = identify(&["user.info.basic"], Some("fake-open-id-1"), USER);
    assert_eq!(fields, "open_id,display_name");
    let account = account.unwrap();
    assert_eq!(account.id.value(), "fake-open-id-1");
    assert_eq!(account.display.as_deref(), Some("Ada"));
    let both = USER.replace("\"display_name\"", "\"username\":\"ada.handle\",\"display_name\"");
    let (fields, account) = identify(&["user.info.basic", "user.info.profile"], None, &both);
    assert_eq!(fields, "open_id,username");
    assert_eq!(account.unwrap().display.as_deref(), Some("ada.handle"));
}

#[test]
fn identity_asks_nothing_where_nothing_may_be_seen() {
    let provider = TikTok::new();
    let registration = registration("tiktok");
    let cx = context(provider.spec(), &registration);
    let mut grant = GrantFacts::new(vec![ScopeName::from_static("video.publish")]);
    grant.account_id = AccountId::new("open_id", "fake-open-id-1");
    let (requests, account) = drive(&mut *provider.identity(&cx, &grant, None, None), Vec::new());
    assert!(requests.is_empty());
    let account = account.unwrap();
    assert_eq!(account.id.value(), "fake-open-id-1");
    assert_eq!(account.display, None);
}

#[test]
fn identity_of_another_account_than_the_tokens_is_refused() {
    let (_, account) = identify(&["user.info.basic"], Some("fake-open-id-2"), USER);
    assert_eq!(account.unwrap_err().kind, FailureKind::Malformed);
}

#[test]
fn codes_in_the_envelope_are_what_the_table_says() {
    let provider = TikTok::new();
    let registration = registration("tiktok");
    let cx = context(provider.spec(), &registration);
    let classify = |status: u16, body: &str| provider.classify(&cx, &json(status, body));
    use FailureKind::*;
    for (status, code, kind) in [
        (200, "ok", None),
        (200, "access_token_invalid", Some(AccessRejected)),
        (401, "access_token_invalid", Some(AccessRejected)),
        (401, "scope_not_authorized", Some(ScopeMissing)),
        (400, "scope_permission_missed", Some(ClientConfiguration)),
        (403, "url_ownership_unverified", Some(ClientConfiguration)),
        (403, "unaudited_client_can_only_post_to_private_accounts", Some(ClientConfiguration)),
        (403, "reached_active_user_cap", Some(ClientConfiguration)),
        (400, "invalid_params", Some(InvalidInput)),
        (403, "privacy_level_option_mismatch", Some(InvalidInput)),
        (401, "token_not_authorized_for_specified_publish_id", Some(InvalidInput)),
        (429, "rate_limit_exceeded", Some(RateLimited)),
        (500, "internal_error", Some(Unavailable)),
        (403, "spam_risk_too_many_posts", Some(RateLimited)),
        (403, "spam_risk_user_banned_from_posting", Some(Blocked)),
        (403, "spam_risk", Some(Blocked)),
        (400, "fake_code", Some(InvalidInput)),
        (403, "fake_code", Some(Blocked)),
        (200, "fake_code", Some(Malformed)),
        (400, "ok", Some(InvalidInput)),
    ] {
        let body =
            format!(r#"{{"data":{{}},"error":{{"code":"{code}","message":"fake","log_id":"x"}}}}"#);
        let failure = classify(status, &body);
        assert_eq!(failure.as_ref().map(|failure| failure.kind), kind, "{status} {code}");
        assert!(!format!("{failure:?}").contains("fake"), "{status} {code}");
    }
    assert_eq!(classify(200, "<html>").unwrap().kind, Malformed);
    assert_eq!(classify(200, "{}").unwrap().kind, Malformed);
    assert_eq!(classify(429, "").unwrap().remedy(), Remedy::Wait(Duration::from_secs(60)));
}

#[test]
fn revocation_takes_a_living_access_token_alone() {
    let provider = TikTok::new();
    let registration = registration("tiktok");
    let cx = context(provider.spec(), &registration);
    let facts = CredentialFacts::new(CredentialName::from_static("user"), Vec::new())
        .with_refresh(None)
        .expiring(Timestamp::from_seconds(NOW.as_seconds() + 60));
    assert_eq!(provider.revoke_plan(&cx, &facts), RevokePlan::Ready);
    assert_eq!(provider.revoke_plan(&cx, &facts.clone().expiring(NOW)), RevokePlan::RefreshFirst);
    for body in ["", "{}"] {
        let (requests, revoked) =
            drive(&mut *provider.revoke(&cx, &facts), vec![answer(200, &[], body.as_bytes())]);
        assert!(revoked.unwrap().confirmed);
        assert_eq!(requests.len(), 1);
        let Payload::Form(fields) = &requests[0].payload else { panic!("no form") };
        assert_eq!(fields[0], ("token".into(), Value::Secret(SecretRef::AccessToken)));
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(names, ["token", "client_key", "client_secret"]);
    }
    let refused = json(200, r#"{"error":"invalid_grant","error_description":"fake"}"#);
    let (_, revoked) = drive(&mut *provider.revoke(&cx, &facts), vec![refused]);
    assert!(!revoked.unwrap().confirmed);
}

#[test]
fn liveness_asks_for_the_id_alone() {
    let provider = TikTok::new();
    let registration = registration("tiktok");
    let cx = context(provider.spec(), &registration);
    let (requests, alive) = drive(&mut *provider.liveness(&cx), vec![json(200, USER)]);
    assert_eq!(alive, Ok(Alive::Yes));
    assert_eq!(requests[0].query, [("fields".into(), Value::text("open_id"))]);
    let dead = r#"{"error":{"code":"access_token_invalid","message":"","log_id":""}}"#;
    let (_, alive) = drive(&mut *provider.liveness(&cx), vec![json(401, dead)]);
    assert_eq!(alive, Ok(Alive::No));
}

#[test]
fn creator_info_says_what_may_be_posted() {
    let provider = TikTok::new();
    let registration = registration("tiktok");
    let cx = context(provider.spec(), &registration);
    let (requests, creator) = drive(&mut *CreatorInfo.start(&cx), vec![json(200, CREATOR)]);
    let path = "https://open.tiktokapis.com/v2/post/publish/creator_info/query/";
    assert_eq!(address(&requests[0]), path);
    let creator = creator.unwrap();
    let levels = [PrivacyLevel::PublicToEveryone, PrivacyLevel::SelfOnly];
    assert_eq!(creator.privacy_levels, levels);
    assert_eq!(creator.longest_video, Some(Duration::from_secs(300)));
    assert!(creator.comments_disabled && !creator.duets_disabled);
    assert!(!format!("{creator:?}").contains("ada"));
}

#[test]
fn publish_status_tells_each_word_apart() {
    let provider = TikTok::new();
    let registration = registration("tiktok");
    let cx = context(provider.spec(), &registration);
    let status = |data: &str| {
        let body = format!(r#"{{"data":{data},"error":{{"code":"ok"}}}}"#);
        let operation = PublishStatus::new("fake-publish-1");
        drive(&mut *operation.start(&cx), vec![json(200, &body)]).1
    };
    let published = |post: Option<&str>| PostStatus::Published { post: post.map(Into::into) };
    for (data, expected) in [
        (r#"{"status":"PROCESSING_UPLOAD"}"#, PostStatus::Processing),
        (r#"{"status":"PROCESSING_DOWNLOAD"}"#, PostStatus::Processing),
        (r#"{"status":"SOMETHING_NEW"}"#, PostStatus::Processing),
        (r#"{"status":"SEND_TO_USER_INBOX"}"#, PostStatus::InInbox),
        (r#"{"status":"PUBLISH_COMPLETE"}"#, published(None)),
        (
            r#"{"status":"PUBLISH_COMPLETE","publicaly_available_post_id":[7300000000000000001]}"#,
            published(Some("7300000000000000001")),
        ),
        (
            r#"{"status":"PUBLISH_COMPLETE","publicaly_available_post_id":["7300000000000000001"]}"#,
            published(Some("7300000000000000001")),
        ),
        (r#"{"status":"PUBLISH_COMPLETE","publicaly_available_post_id":["<b>"]}"#, published(None)),
    ] {
        assert_eq!(status(data).unwrap(), expected, "{data}");
    }
    use FailureKind::*;
    for (reason, kind) in [
        ("file_format_check_failed", InvalidInput),
        ("internal", Unavailable),
        ("video_pull_failed", Unavailable),
        ("auth_removed", GrantOver),
        ("publish_cancelled", PersonRefused),
        ("spam_risk_too_many_posts", RateLimited),
        ("spam_risk_text", Blocked),
        ("fake_reason", Blocked),
    ] {
        let data = format!(r#"{{"status":"FAILED","fail_reason":"{reason}"}}"#);
        let PostStatus::Failed(failure) = status(&data).unwrap() else { panic!("{reason}") };
        assert_eq!(failure.kind, kind, "{reason}");
        assert!(!format!("{failure:?}").contains("fake"));
    }
}

#[test]
fn every_operation_fits_the_spec() {
    let provider = TikTok::new();
    let video = PublishVideo::from_url("https://media.example.test/v.mp4");
    for facts in
        [CreatorInfo.facts(), Operation::facts(&PublishStatus::new("x")), Publish::facts(&video)]
    {
        facts.check(provider.spec()).unwrap();
    }
    assert!(provider.follow("tiktok.publish_video").is_some());
    assert!(provider.follow("tiktok.creator_info").is_none());
}

#[test]
fn out_03_no_request_of_ours_goes_to_the_host_of_the_consent_page() {
    let provider = TikTok::new();
    let spec = provider.spec();
    assert!(spec.hosts.iter().any(|host| host == "www.tiktok.com"));
    assert_eq!(spec.hosts_for(bailee_providers::Endpoint::Token), ["open.tiktokapis.com"]);
    assert_eq!(spec.hosts_for(bailee_providers::Endpoint::Upload), ["*.tiktokapis.com"]);
}

#[test]
fn c8_the_terms_that_apply_are_those_of_the_post() {
    let provider = TikTok::new();
    let registration = registration("tiktok");
    let cx = context(provider.spec(), &registration);
    let video = PublishVideo::from_url("https://media.example.test/v.mp4");
    let titles = |video: &PublishVideo| -> Vec<String> {
        video.terms(&cx).iter().map(|terms| terms.title.clone()).collect()
    };
    assert_eq!(titles(&video), ["TikTok's Music Usage Confirmation"]);
    assert_eq!(
        titles(&video.branded_content()),
        ["TikTok's Music Usage Confirmation", "TikTok's Branded Content Policy"]
    );
}
