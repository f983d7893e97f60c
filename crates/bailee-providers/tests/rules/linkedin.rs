use std::time::Duration;

use bailee_core::{CredentialName, ErrorKind, Remedy, ScopeName, State, Timestamp, Verifier};
use bailee_providers::{
    AccountFacts, Alive, Answer, AuthorizeAsk, Context, CredentialFacts, ExchangeAsk, Failure,
    FailureKind, GrantFacts, Json, Operation, Outcome, Payload, Provider, Request, Revoked,
    TokenKind,
    linkedin::{Article, CreatePost, DeletePost, LinkedIn, ReadProfile, Visibility, version_ends},
    spec::{LimitScope, Pkce, RefreshClass, RevokeStyle},
};

use crate::support::{NOW, address, answer, context, drive, json, registration};

const INFO: &str = r#"{"sub":"fake-782bbtaQ","name":"Ada Lovelace","given_name":"Ada",
    "family_name":"Lovelace","picture":"https://media.example.test/p.jpg","locale":"en-US",
    "email":"ada@person.example","email_verified":true}"#;

fn linkedin<T>(act: impl FnOnce(&LinkedIn, &Context<'_>) -> T) -> T {
    let (provider, registration) = (LinkedIn::new(), registration("linkedin"));
    let cx = context(provider.spec(), &registration);
    act(&provider, &cx)
}

#[test]
fn the_facts_are_those_of_the_pages() {
    let provider = LinkedIn::new();
    let spec = provider.spec();
    let url = |url: &Option<url::Url>| url.as_ref().unwrap().as_str().to_owned();
    let oauth = "https://www.linkedin.com/oauth/v2";
    assert_eq!(url(&spec.endpoints.authorization), format!("{oauth}/authorization"));
    assert_eq!(url(&spec.endpoints.token), format!("{oauth}/accessToken"));
    assert_eq!(url(&spec.endpoints.revocation), format!("{oauth}/revoke"));
    assert_eq!(url(&spec.endpoints.introspection), format!("{oauth}/introspectToken"));
    assert_eq!(url(&spec.endpoints.userinfo), "https://api.linkedin.com/v2/userinfo");
    assert_eq!(spec.pkce.web, Pkce::None);
    assert_eq!(spec.refresh.class, RefreshClass::Stable);
    assert_eq!(spec.refresh.absolute_limit, Some(Duration::from_secs(365 * 86_400)));
    assert_eq!(spec.revoke.style, RevokeStyle::Rfc7009);
    assert_eq!(spec.rate_limit.scope, LimitScope::Account);
}

#[test]
fn the_flow_has_no_challenge_and_turning_back_has_names_of_its_own() {
    linkedin(|linkedin, cx| {
        let scopes = ["openid", "profile", "w_member_social"].map(ScopeName::from_static);
        let state = State::copy_from(b"fake-state");
        let verifier = Verifier::copy_from(b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let mut ask = AuthorizeAsk::new(&scopes, "https://app.example.test/cb", &state);
        ask.verifier = Some(&verifier);
        let url = linkedin.authorize(cx, &ask).unwrap().into_url();
        assert!(!url.query_pairs().any(|(name, _)| name.starts_with("code_challenge")), "{url}");
        let scope = url.query_pairs().find(|(name, _)| name == "scope").unwrap().1.into_owned();
        assert_eq!(scope, "openid profile w_member_social");
        use FailureKind::{ClientConfiguration, PersonRefused};
        for (code, kind) in [
            ("user_cancelled_login", PersonRefused),
            ("user_cancelled_authorize", PersonRefused),
            ("access_denied", PersonRefused),
            ("unauthorized_scope_error", ClientConfiguration),
        ] {
            let query = format!("error={code}&error_description=fake&state=s");
            let Outcome::Refused { failure, .. } = linkedin.callback(cx, &query).unwrap().outcome
            else {
                panic!("no refusal: {code}")
            };
            assert_eq!(failure.kind, kind, "{code}");
        }
    });
}

fn exchange(body: &str) -> (Vec<Request>, Result<bailee_providers::Grant, Failure>) {
    linkedin(|linkedin, cx| {
        let ask = ExchangeAsk { redirect_uri: "https://app.example.test/cb", pkce: false };
        drive(&mut *linkedin.exchange(cx, &ask), vec![json(200, body)])
    })
}

#[test]
fn tok_05_scopes_come_with_spaces_or_commas_and_a_type_or_none() {
    for list in [
        "openid profile w_member_social",
        "openid,profile,w_member_social",
        "openid, profile  w_member_social",
    ] {
        let body = format!(r#"{{"access_token":"fake","expires_in":5184000,"scope":"{list}"}}"#);
        let (requests, grant) = exchange(&body);
        let grant = grant.unwrap();
        let scopes = ["openid", "profile", "w_member_social"].map(ScopeName::from_static);
        assert_eq!(grant.credentials[0].scopes.as_deref(), Some(&scopes[..]), "{list}");
        assert!(grant.credentials[0].refresh.is_none());
        assert_eq!(grant.credentials[0].expires_in, Some(Duration::from_secs(60 * 86_400)));
        let Payload::Form(fields) = &requests[0].payload else { panic!("no form") };
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(names, ["grant_type", "code", "redirect_uri", "client_id", "client_secret"]);
    }
}

#[test]
fn a_refresh_token_of_a_year_says_how_much_of_it_is_left() {
    let body = r#"{"access_token":"fake","expires_in":5184000,"refresh_token":"fake-r",
        "refresh_token_expires_in":439200,"scope":"openid"}"#;
    let credential = exchange(body).1.unwrap().credentials.remove(0);
    assert_eq!(credential.refresh_expires_in, Some(Duration::from_secs(439_200)));
}

#[test]
fn ref_10_a_dead_refresh_token_has_two_codes() {
    use FailureKind::{ClientConfiguration, GrantOver, Unavailable};
    for (status, code, kind) in [
        (400, "invalid_grant", GrantOver),
        (400, "invalid_request", GrantOver),
        (401, "invalid_request", ClientConfiguration),
        (401, "invalid_client", ClientConfiguration),
        (401, "unauthorized_client", ClientConfiguration),
        (500, "invalid_request", Unavailable),
    ] {
        let failure = linkedin(|linkedin, cx| {
            let facts = CredentialFacts::new(CredentialName::from_static("user"), Vec::new());
            let refused = json(status, &format!(r#"{{"error":"{code}"}}"#));
            drive(&mut *linkedin.refresh(cx, &facts.with_refresh(None)), vec![refused]).1
        });
        assert_eq!(failure.unwrap_err().kind, kind, "{status} {code}");
    }
}

fn identify(
    scopes: &[&'static str],
    body: &str,
) -> (String, Result<bailee_providers::Account, Failure>) {
    linkedin(|linkedin, cx| {
        let grant = GrantFacts::new(scopes.iter().map(|s| ScopeName::from_static(s)).collect());
        let step = &mut *linkedin.identity(cx, &grant, None, None);
        let (requests, account) = drive(step, vec![json(200, body)]);
        (address(&requests[0]).to_owned(), account)
    })
}

#[test]
fn tok_06_userinfo_and_the_older_profile_name_one_account() {
    let (asked, account) = identify(&["openid", "profile"], INFO);
    assert_eq!(asked, "https://api.linkedin.com/v2/userinfo");
    let account = account.unwrap();
    assert_eq!((account.id.kind(), account.id.value()), ("person", "fake-782bbtaQ"));
    assert_eq!(account.display.as_deref(), Some("Ada Lovelace"));
    let me = r#"{"id":"fake-782bbtaQ","localizedFirstName":"Ada","localizedLastName":"Lovelace",
        "vanityName":"ada","localizedHeadline":"fake"}"#;
    let (asked, older) = identify(&["r_basicprofile", "w_member_social"], me);
    assert_eq!(asked, "https://api.linkedin.com/v2/me");
    let older = older.unwrap();
    assert_eq!((older.id, older.display), (account.id, account.display));
    assert_eq!(identify(&["r_liteprofile"], r#"{"id":"a"}"#).1.unwrap().display, None);
    assert_eq!(
        identify(&["openid", "r_basicprofile"], INFO).0,
        "https://api.linkedin.com/v2/userinfo"
    );
    for hostile in ["{}", r#"{"id":""}"#, r#"{"id":{}}"#, "[]"] {
        let refused = identify(&["r_basicprofile"], hostile).1.unwrap_err();
        assert_eq!(refused.kind, FailureKind::Malformed, "{hostile}");
    }
}

fn revoke(refresh: bool, answers: Vec<Answer>) -> (usize, Result<Revoked, Failure>) {
    linkedin(|linkedin, cx| {
        let facts = CredentialFacts::new(CredentialName::from_static("user"), Vec::new());
        let facts = if refresh { facts.with_refresh(None) } else { facts };
        let (requests, revoked) = drive(&mut *linkedin.revoke(cx, &facts), answers);
        (requests.len(), revoked)
    })
}

#[test]
fn a_revocation_is_looked_at_before_it_is_believed() {
    let done = || json(200, "");
    let active = || json(200, r#"{"active":true,"status":"active","scope":"openid,profile"}"#);
    let dead = || json(200, r#"{"active":false,"status":"revoked"}"#);
    assert!(revoke(false, vec![done(), dead()]).1.unwrap().confirmed);
    let (asked, lives) = revoke(false, vec![done(), active()]);
    assert_eq!((asked, lives.unwrap().remaining), (2, vec![TokenKind::Access]));
    // Where nobody can tell, the revocation's word counts.
    assert!(revoke(false, vec![done(), json(503, "")]).1.unwrap().confirmed);
    assert!(revoke(true, vec![done(), done(), dead()]).1.unwrap().confirmed);
    // There may be no such address.
    let missing = || answer(404, &[("content-type", "text/html")], b"<html>");
    let (asked, refused) = revoke(false, vec![missing()]);
    assert_eq!((asked, refused.unwrap().remaining), (1, vec![TokenKind::Access]));
    let busy = revoke(false, vec![json(503, "")]).1.unwrap_err();
    assert_eq!(busy.kind, FailureKind::Unavailable);
}

#[test]
fn liveness_asks_about_the_token_and_not_about_the_member() {
    linkedin(|linkedin, cx| {
        let dead = json(200, r#"{"active":false,"status":"revoked"}"#);
        let (requests, alive) = drive(&mut *linkedin.liveness(cx), vec![dead]);
        assert!(address(&requests[0]).ends_with("/introspectToken"));
        assert_eq!(alive.unwrap_err().kind, FailureKind::GrantOver);
        let old = json(200, r#"{"active":false,"status":"expired"}"#);
        assert_eq!(drive(&mut *linkedin.liveness(cx), vec![old]).1, Ok(Alive::No));
        let body = r#"{"active":true,"scope":"openid,profile","status":"active"}"#;
        let mut step = linkedin.introspect(cx).unwrap();
        let found = drive(&mut *step, vec![json(200, body)]).1.unwrap();
        assert_eq!(found.scopes.unwrap(), ["openid", "profile"].map(ScopeName::from_static));
    });
}

#[test]
fn errors_are_told_by_word_number_and_status() {
    use FailureKind::{
        AccessRejected, Blocked, ClientConfiguration, GrantOver, InvalidInput, Unavailable,
    };
    for (status, body, kind) in [
        (401, r#"{"code":"REVOKED_ACCESS_TOKEN","serviceErrorCode":65601}"#, GrantOver),
        (401, r#"{"message":"fake","serviceErrorCode":65601,"status":401}"#, GrantOver),
        (401, r#"{"serviceErrorCode":65602,"code":"EXPIRED_ACCESS_TOKEN"}"#, AccessRejected),
        (401, r#"{"serviceErrorCode":65600}"#, AccessRejected),
        (401, "{}", AccessRejected),
        (403, r#"{"serviceErrorCode":100,"code":"ACCESS_DENIED"}"#, ClientConfiguration),
        (403, r#"{"message":"fake"}"#, Blocked),
        (426, r#"{"code":"NONEXISTENT_VERSION"}"#, ClientConfiguration),
        (426, "", ClientConfiguration),
        (400, r#"{"code":"VERSION_MISSING"}"#, ClientConfiguration),
        (404, r#"{"code":"NOT_FOUND"}"#, InvalidInput),
        (422, r#"{"message":"Content is a duplicate of urn:li:share:1"}"#, InvalidInput),
        (504, r#"{"serviceErrorCode":65601}"#, Unavailable),
    ] {
        let failure = linkedin(|linkedin, cx| linkedin.classify(cx, &json(status, body))).unwrap();
        assert_eq!(failure.kind, kind, "{status} {body}");
        assert!(!format!("{failure:?}").contains("fake"), "{failure:?}");
    }
    let duplicate = json(409, r#"{"message":"Content is a DUPLICATE of urn:li:share:1"}"#);
    let failure = linkedin(|linkedin, cx| linkedin.classify(cx, &duplicate)).unwrap();
    assert_eq!(failure.code.unwrap().as_str(), "DUPLICATE_POST");
}

#[test]
fn out_08_a_limit_lasts_until_midnight_and_is_the_member_s_unless_it_says_otherwise() {
    let at = |seconds: i64, headers: &[(&'static str, &str)], body: &str| {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/json"));
        let mut limited = answer(429, &headers, body.as_bytes());
        limited.now = Timestamp::from_seconds(seconds);
        let failure = linkedin(|linkedin, cx| linkedin.classify(cx, &limited)).unwrap();
        (failure.remedy(), failure.scope)
    };
    let wait = |seconds| Remedy::Wait(Duration::from_secs(seconds));
    // NOW is noon.
    let midnight = NOW.as_seconds() + 43_200;
    assert_eq!(at(midnight - 90, &[], "{}"), (wait(90), None));
    assert_eq!(at(midnight, &[], "{}"), (wait(3600), None));
    assert_eq!(at(midnight - 90, &[("retry-after", "7")], "{}"), (wait(7), None));
    let member = r#"{"message":"Resource level throttle MEMBER DAY limit for calls to this resource is reached."}"#;
    assert_eq!(at(midnight - 1, &[], member), (wait(1), None));
    let whole = member.replace("MEMBER DAY", "APPLICATION DAY");
    assert_eq!(at(midnight - 1, &[], &whole), (wait(1), Some(LimitScope::Registration)));
}

fn start<T>(
    operation: &impl Operation<Output = T>,
    answers: Vec<Answer>,
) -> (Vec<Request>, Result<T, Failure>) {
    let account = AccountFacts::new("fake-782bbtaQ");
    linkedin(|_, cx| {
        let cx = cx.with_account(Some(&account));
        drive(&mut *operation.start(&cx), answers)
    })
}

fn header(request: &Request, name: &str) -> Option<String> {
    let (_, value) = request.headers.iter().find(|(known, _)| known.as_str() == name)?;
    match value {
        bailee_providers::Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

#[test]
fn a_post_is_little_text_of_the_member_and_its_id_stands_in_a_header() {
    let post = CreatePost::new(
        "New in v2.0 (beta): see #Rust_book, C#, me@home *now*",
        Visibility::Public,
    )
    .article(Article::new("https://example.test/a", "Title").description("About"))
    .without_reposts();
    let created = answer(201, &[("x-restli-id", "urn:li:share:7012345678901234567")], b"");
    let (requests, urn) = start(&post, vec![created]);
    assert_eq!(urn.unwrap(), "urn:li:share:7012345678901234567");
    assert_eq!(address(&requests[0]), "https://api.linkedin.com/rest/posts");
    assert_eq!(header(&requests[0], "linkedin-version").as_deref(), Some("202607"));
    assert_eq!(header(&requests[0], "x-restli-protocol-version").as_deref(), Some("2.0.0"));
    let body = serde_json::json!({
        "author": "urn:li:person:fake-782bbtaQ",
        "commentary": r"New in v2.0 \(beta\): see {hashtag|\#|Rust}\_book, C\#, me\@home \*now\*",
        "visibility": "PUBLIC",
        "distribution": {
            "feedDistribution": "MAIN_FEED",
            "targetEntities": [],
            "thirdPartyDistributionChannels": [],
        },
        "content": {
            "article": {
                "source": "https://example.test/a", "title": "Title", "description": "About",
            },
        },
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": true,
    });
    assert_eq!(requests[0].payload, Payload::Json(Json::of(&body).unwrap()));
    assert!(!format!("{post:?}").contains("beta"));
    for hostile in
        ["", "urn:li:share:", "urn:li:share:1/../2", "urn:li:person:1", "7012345678901234567"]
    {
        let created = answer(201, &[("x-restli-id", hostile)], b"");
        let refused = start(&post, vec![created]).1.unwrap_err();
        assert_eq!(refused.kind, FailureKind::Malformed, "{hostile}");
    }
    assert_eq!(
        start(&post, vec![answer(201, &[], b"")]).1.unwrap_err().kind,
        FailureKind::Malformed
    );
}

#[test]
fn the_version_is_the_registration_s_and_ends_a_year_after_its_month() {
    let provider = LinkedIn::new();
    let registration = registration("linkedin").variable("version", "202611");
    let cx = context(provider.spec(), &registration);
    let delete = DeletePost::new("urn:li:ugcPost:1");
    let (requests, done) = drive(&mut *delete.start(&cx), vec![answer(204, &[], b"")]);
    done.unwrap();
    assert_eq!(header(&requests[0], "linkedin-version").as_deref(), Some("202611"));
    assert_eq!(header(&requests[0], "x-restli-method").as_deref(), Some("DELETE"));
    assert_eq!(address(&requests[0]), "https://api.linkedin.com/rest/posts/urn%3Ali%3AugcPost%3A1");
    assert_eq!(registration.variables.len(), 1);
    // The table has 15 January 2027 for the first of them.
    assert_eq!(version_ends("202601"), Some(Timestamp::from_seconds(1_799_971_200)));
    for wrong in ["", "2026", "202613", "202600", "20260a", "2026011"] {
        assert_eq!(version_ends(wrong), None, "{wrong}");
    }
}

#[test]
fn what_cannot_be_posted_is_refused_before_anything_leaves() {
    let new = |text: &str| CreatePost::new(text, Visibility::Connections);
    for wrong in [
        new(""),
        new(&"x".repeat(3001)),
        new("x").article(Article::new("http://example.test", "Title")),
        new("x").article(Article::new("https://user@example.test", "Title")),
        new("x").article(Article::new("https://example.test", " ")),
    ] {
        assert_eq!(wrong.check().unwrap_err().kind(), ErrorKind::InvalidInput);
        let (requests, outcome) = start(&wrong, Vec::new());
        assert!(requests.is_empty());
        assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidInput);
    }
    new(&"ü".repeat(3000)).check().unwrap();
    // Nobody's post.
    let (requests, outcome) = linkedin(|_, cx| drive(&mut *new("x").start(cx), Vec::new()));
    assert!(requests.is_empty() && outcome.is_err());
    for wrong in ["", "..", "urn:li:person:1", "urn:li:share:x"] {
        let (requests, outcome) = start(&DeletePost::new(wrong), Vec::new());
        assert!(requests.is_empty());
        assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidInput, "{wrong}");
    }
}

#[test]
fn a_profile_s_language_comes_in_two_forms() {
    for locale in [r#""en-US""#, r#""en_US""#, r#"{"language":"en","country":"US"}"#] {
        let body = INFO.replace(r#""en-US""#, locale);
        let (requests, profile) = start(&ReadProfile, vec![json(200, &body)]);
        assert_eq!(header(&requests[0], "linkedin-version"), None);
        let profile = profile.unwrap();
        assert_eq!(profile.locale.as_deref(), Some("en-US"), "{locale}");
        assert!(!format!("{profile:?}").contains("Ada"));
    }
}

#[test]
fn operations_fit_the_spec() {
    let provider = LinkedIn::new();
    let post = CreatePost::new("x", Visibility::LoggedIn);
    for facts in [ReadProfile.facts(), post.facts(), DeletePost::new("x").facts()] {
        facts.check(provider.spec()).unwrap();
    }
}

#[cfg(feature = "conformance")]
#[test]
fn linkedin_conforms() {
    bailee_providers::conformance::check(&LinkedIn::new(), &registration("linkedin"));
}
