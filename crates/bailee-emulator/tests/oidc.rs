//! Issuers: discovery, code flow, refresh, revocation, introspection, user info, API.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod support;

use std::time::Duration;

use bailee_emulator::oidc::{
    ClientAuth, ExpiresIn, IssParameter, Issuer, MetadataAt, Pkce, ResponseMode, Revocation,
    ScopeShape,
};
use bailee_emulator::{
    Back, Client, ConsentError, Decision, Emulator, FormPost, Misuse, RefreshStyle, Site,
    StartError,
};
use serde_json::{Value, json};
use support::*;

const HOST: &str = "https://id.example.test";

struct World {
    emulator: Emulator,
    http: reqwest::Client,
}

impl World {
    async fn new(issuer: Issuer) -> Self {
        let emulator = Emulator::builder().issuer(issuer).start().await.unwrap();
        let site = emulator.site("id.example.test").unwrap();
        furnish(site);
        site.add_client(Client::new("public-1").redirect(REDIRECT)).unwrap();
        let http = http(&emulator);
        Self { emulator, http }
    }

    fn site(&self) -> &Site {
        self.emulator.site("id.example.test").unwrap()
    }

    fn change(&self, change: impl FnOnce(&mut Issuer)) {
        assert!(self.site().change_issuer(change));
    }

    async fn tokens(&self) -> Value {
        let back = allow(&self.emulator, &authorize(&[])).await;
        let (status, tokens) = self.exchange(&parameter(&back, "code").unwrap(), VERIFIER).await;
        assert!(status < 300, "{tokens}");
        tokens
    }

    async fn exchange(&self, code: &str, verifier: &str) -> (u16, Value) {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", verifier),
        ];
        self.post("/token", &pairs).await
    }

    async fn refresh(&self, token: &str) -> (u16, Value) {
        self.post("/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// A form from the confidential client, which authenticates in the body.
    async fn post(&self, path: &str, pairs: &[(&str, &str)]) -> (u16, Value) {
        let mut all = vec![("client_id", ID), ("client_secret", SECRET)];
        all.extend(pairs);
        post(&self.http, &format!("{HOST}{path}"), &all).await
    }

    async fn get(&self, url: &str) -> (u16, Value) {
        let answer = self.http.get(url).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }
}

fn authorize(changes: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("client_id", ID),
        ("response_type", "code"),
        ("scope", "openid profile offline_access notes.read"),
        ("redirect_uri", REDIRECT),
        ("state", "s1"),
        ("nonce", "n1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (key, value) in changes {
        pairs.retain(|(known, _)| known != key);
        if !value.is_empty() {
            pairs.push((key, value));
        }
    }
    url(&format!("{HOST}/authorize"), &pairs)
}

#[tokio::test]
async fn metadata_stands_at_both_addresses_of_an_issuer_with_a_path() {
    let issuer = Issuer::new("https://id.example.test/tenant1");
    let emulator = Emulator::builder().issuer(issuer).start().await.unwrap();
    let http = http(&emulator);
    let site = emulator.site("id.example.test").unwrap();
    let appended = "/tenant1/.well-known/openid-configuration";
    let oauth = "/.well-known/oauth-authorization-server/tenant1";
    let inserted = "/.well-known/openid-configuration/tenant1";
    for (path, status) in [(appended, 200), (oauth, 200), (inserted, 404)] {
        let answer = http.get(format!("{HOST}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        if status == 200 {
            let body = json(&answer.text().await.unwrap());
            assert_eq!(body["issuer"], "https://id.example.test/tenant1");
            assert_eq!(body["token_endpoint"], "https://id.example.test/tenant1/token");
            assert_eq!(body["authorization_response_iss_parameter_supported"], true);
        }
    }
    site.change_issuer(|issuer| issuer.metadata_at = vec![MetadataAt::OidcInserted]);
    for (path, status) in [(appended, 404), (oauth, 404), (inserted, 200)] {
        let answer = http.get(format!("{HOST}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
}

#[tokio::test]
async fn metadata_says_what_the_switches_say() {
    let issuer = Issuer::new(HOST)
        .with_metadata("issuer", "\"https://id.example.test/\"")
        .with_metadata("token_endpoint", "\"http://127.0.0.1/token\"")
        .without_metadata("jwks_uri");
    let world = World::new(issuer).await;
    world.change(|issuer| {
        issuer.advertises_iss = false;
        issuer.pkce = Pkce::Ignored;
        issuer.revocation = Revocation::Absent;
    });
    let (_, body) = world.get(&format!("{HOST}/.well-known/openid-configuration")).await;
    assert_eq!(body["issuer"], "https://id.example.test/");
    assert_eq!(body["token_endpoint"], "http://127.0.0.1/token");
    for absent in [
        "jwks_uri",
        "authorization_response_iss_parameter_supported",
        "code_challenge_methods_supported",
        "revocation_endpoint",
    ] {
        assert!(body.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn an_issuer_that_is_no_https_address_is_not_played() {
    for issuer in [
        "http://id.example.test",
        "https://id.example.test?x=1",
        "https://id.example.test#x",
        "https://127.0.0.1",
        "https://id.example.test:8443",
        "nonsense",
    ] {
        let refused = Emulator::builder().issuer(Issuer::new(issuer)).start().await;
        assert!(matches!(refused, Err(StartError::Misuse(Misuse::Issuer(_)))), "{issuer}");
    }
    let twice = Emulator::builder().issuer(Issuer::new(HOST)).issuer(Issuer::new(HOST));
    let refused = twice.start().await;
    assert!(matches!(refused, Err(StartError::Misuse(Misuse::HostTaken(_)))));
}

#[tokio::test]
async fn a_code_flow_ends_with_tokens_that_work() {
    let world = World::new(Issuer::new(HOST)).await;
    let back = allow(&world.emulator, &authorize(&[])).await;
    assert_eq!(parameter(&back, "iss").as_deref(), Some(HOST));
    assert_eq!(parameter(&back, "state").as_deref(), Some("s1"));
    let (status, tokens) = world.exchange(&parameter(&back, "code").unwrap(), VERIFIER).await;
    assert_eq!(status, 200);
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(tokens["scope"], "openid profile offline_access notes.read");
    let user = world
        .http
        .get(format!("{HOST}/userinfo"))
        .bearer_auth(text(&tokens, "access_token"))
        .send()
        .await
        .unwrap();
    let user = json(&user.text().await.unwrap());
    assert_eq!((&user["sub"], &user["name"]), (&json!("ada"), &json!("Display ada")));
    assert!(user.get("email").is_none());
}

#[tokio::test]
async fn an_authorization_is_checked_before_anybody_is_asked() {
    let world = World::new(Issuer::new(HOST)).await;
    for changes in [
        &[("client_id", "other")][..],
        &[("redirect_uri", "https://app.example/cb/..;/")],
        &[("redirect_uri", "")],
    ] {
        let refused = world.emulator.consent(&authorize(changes), Decision::Allow, "ada").await;
        assert!(matches!(refused, Err(ConsentError::Page { status: 400, .. })), "{changes:?}");
    }
    for (change, error) in [
        (("response_type", "id_token"), "unsupported_response_type"),
        (("scope", "openid admin"), "invalid_scope"),
        (("scope", ""), "invalid_scope"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("code_challenge", HEX_CHALLENGE), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("prompt", "none"), "interaction_required"),
        (("request_uri", "urn:x"), "request_uri_not_supported"),
        (("response_mode", "fragment"), "invalid_request"),
    ] {
        let back = allow(&world.emulator, &authorize(&[change])).await;
        assert_eq!(parameter(&back, "error").as_deref(), Some(error), "{change:?}");
        assert_eq!(parameter(&back, "iss").as_deref(), Some(HOST));
    }
}

#[tokio::test]
async fn an_answer_is_posted_by_a_page_where_the_client_asks_for_that() {
    let world = World::new(Issuer::new(HOST)).await;
    let asked = |more: &[(&'static str, &'static str)]| {
        let mode = [("response_mode", "form_post"), ("state", "a\"&<b>")];
        authorize(&mode.iter().chain(more).copied().collect::<Vec<_>>())
    };
    let posted = async |url: String, decision| match world
        .emulator
        .consent_to(&url, decision, "ada")
        .await
    {
        Ok(Back::Post(form)) => form,
        other => panic!("a form, and not {other:?}"),
    };
    let value = |form: &FormPost, name: &str| parameter(&format!("{REDIRECT}?{}", form.body), name);
    let form = posted(asked(&[]), Decision::Allow).await;
    assert_eq!(form.action, REDIRECT);
    assert!(value(&form, "code").is_some_and(|code| !code.is_empty()));
    assert_eq!(value(&form, "state").as_deref(), Some("a\"&<b>"));
    assert_eq!(value(&form, "iss").as_deref(), Some(HOST));
    assert!(form.page.contains(".submit()") && !form.page.contains("<b>"));
    let denied = posted(asked(&[]), Decision::Deny).await;
    assert_eq!(value(&denied, "error").as_deref(), Some("access_denied"));
    let wrong = posted(asked(&[("scope", "openid admin")]), Decision::Allow).await;
    assert_eq!(value(&wrong, "error").as_deref(), Some("invalid_scope"));
    let refused = world.emulator.consent(&asked(&[]), Decision::Allow, "ada").await;
    assert_eq!(refused, Err(ConsentError::Posted));

    // An issuer may know one way alone, which is what it does unasked.
    world.site().change_issuer(|issuer| issuer.response_modes = vec![ResponseMode::Query]);
    let back = allow(&world.emulator, &asked(&[])).await;
    assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_request"));
    world.site().change_issuer(|issuer| issuer.response_modes = vec![ResponseMode::FormPost]);
    let form = posted(authorize(&[]), Decision::Allow).await;
    assert!(value(&form, "code").is_some());
}

#[tokio::test]
async fn a_code_goes_with_its_redirect_address_its_client_and_its_time() {
    let world = World::new(Issuer::new(HOST)).await;
    world.site().add_client(Client::new("app-2").secret(SECRET).redirect(REDIRECT)).unwrap();
    let back = allow(&world.emulator, &authorize(&[])).await;
    let code = parameter(&back, "code").unwrap();
    let with = |redirect: &'static str, client: &'static str| {
        let (http, code) = (world.http.clone(), code.clone());
        async move {
            let pairs = [
                ("client_id", client),
                ("client_secret", SECRET),
                ("grant_type", "authorization_code"),
                ("code", code.as_str()),
                ("redirect_uri", redirect),
                ("code_verifier", VERIFIER),
            ];
            post(&http, &format!("{HOST}/token"), &pairs).await
        }
    };
    for (redirect, client) in [("https://app.example/other", ID), ("", ID), (REDIRECT, "app-2")] {
        let (status, body) = with(redirect, client).await;
        assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
    }
    world.emulator.clock().advance(Duration::from_secs(60));
    assert_eq!(with(REDIRECT, ID).await.0, 400);
    assert_eq!(world.site().code_replays(), 0);
}

#[tokio::test]
async fn a_client_may_be_registered_for_some_scopes_only() {
    let world = World::new(Issuer::new(HOST)).await;
    let client = Client::new(ID).secret(SECRET).redirect(REDIRECT).scopes(["notes.read"]);
    world.site().add_client(client).unwrap();
    let back = allow(&world.emulator, &authorize(&[])).await;
    assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_scope"));
    let back = allow(&world.emulator, &authorize(&[("scope", "notes.read")])).await;
    assert!(parameter(&back, "code").is_some());
}

#[tokio::test]
async fn the_issuer_parameter_is_absent_right_or_wrong() {
    let world = World::new(Issuer::new(HOST)).await;
    for (switch, expected) in [
        (IssParameter::Absent, None),
        (IssParameter::Right, Some(HOST)),
        (IssParameter::Wrong, Some("https://another-issuer.invalid")),
    ] {
        world.change(|issuer| issuer.iss = switch);
        let back = allow(&world.emulator, &authorize(&[])).await;
        assert_eq!(parameter(&back, "iss").as_deref(), expected);
        let back = world.emulator.consent(&authorize(&[]), Decision::Deny, "ada").await.unwrap();
        assert_eq!(parameter(&back, "iss").as_deref(), expected);
    }
}

#[tokio::test]
async fn a_verifier_is_demanded_checked_or_ignored() {
    let world = World::new(Issuer::new(HOST)).await;
    let wrong = VERIFIER.replace('d', "e");
    for (switch, challenge, verifier, status) in [
        (Pkce::Required, CHALLENGE, VERIFIER, 200),
        (Pkce::Required, CHALLENGE, wrong.as_str(), 400),
        (Pkce::Required, CHALLENGE, "", 400),
        (Pkce::Optional, "", "", 200),
        (Pkce::Optional, CHALLENGE, wrong.as_str(), 400),
        (Pkce::Ignored, CHALLENGE, wrong.as_str(), 200),
    ] {
        world.change(|issuer| issuer.pkce = switch);
        let method = if challenge.is_empty() { "" } else { "S256" };
        let pkce = [("code_challenge", challenge), ("code_challenge_method", method)];
        let back = allow(&world.emulator, &authorize(&pkce)).await;
        let (got, body) = world.exchange(&parameter(&back, "code").unwrap(), verifier).await;
        assert_eq!(got, status, "{switch:?} {body}");
    }
}

#[tokio::test]
async fn a_client_authenticates_in_one_of_the_ways_that_are_allowed() {
    let world = World::new(Issuer::new(HOST)).await;
    let token = format!("{HOST}/token");
    let try_with = |basic: Option<(&'static str, &'static str)>,
                    body: Vec<(&'static str, &'static str)>| {
        let http = world.http.clone();
        let token = token.clone();
        async move {
            let mut pairs = vec![("grant_type", "refresh_token"), ("refresh_token", "none")];
            pairs.extend(body);
            let mut request =
                http.post(token).header("content-type", "application/x-www-form-urlencoded");
            if let Some((id, secret)) = basic {
                request = request.basic_auth(id, Some(secret));
            }
            let answer = request.body(form(&pairs)).send().await.unwrap();
            let challenged = answer.headers().contains_key("www-authenticate");
            let body = json(&answer.text().await.unwrap());
            (text(&body, "error").to_owned(), challenged)
        }
    };
    let encoded = "fake+secret%2B1";
    // A good client gets as far as the refresh token, which is not good.
    assert_eq!(try_with(Some((ID, encoded)), vec![]).await.0, "invalid_grant");
    assert_eq!(try_with(Some((ID, SECRET)), vec![]).await, ("invalid_client".into(), true));
    let post = vec![("client_id", ID), ("client_secret", SECRET)];
    assert_eq!(try_with(None, post.clone()).await.0, "invalid_grant");
    assert_eq!(try_with(Some((ID, encoded)), post.clone()).await.0, "invalid_request");
    assert_eq!(try_with(None, vec![("client_id", ID)]).await, ("invalid_client".into(), false));
    assert_eq!(try_with(None, vec![("client_id", "public-1")]).await.0, "invalid_grant");
    assert_eq!(try_with(None, vec![]).await.0, "invalid_client");
    let two = vec![("client_id", "public-1")];
    assert_eq!(try_with(Some((ID, encoded)), two).await.0, "invalid_request");
    world.change(|issuer| issuer.client_auth = vec![ClientAuth::BasicRaw]);
    assert_eq!(try_with(Some((ID, SECRET)), vec![]).await.0, "invalid_grant");
    assert_eq!(try_with(Some((ID, encoded)), vec![]).await.0, "invalid_client");
    assert_eq!(try_with(None, post).await.0, "invalid_client");
}

#[tokio::test]
async fn token_answers_take_the_shape_that_the_switches_say() {
    let world = World::new(Issuer::new(HOST)).await;
    world.change(|issuer| {
        issuer.expires_in = ExpiresIn::Text;
        issuer.scope_shape = ScopeShape::Array;
        issuer.token_status = 201;
    });
    let tokens = world.tokens().await;
    assert_eq!(tokens["expires_in"], "3600");
    assert_eq!(tokens["scope"], json!(["openid", "profile", "offline_access", "notes.read"]));
    world.change(|issuer| {
        issuer.expires_in = ExpiresIn::Absent;
        issuer.scope_shape = ScopeShape::Absent;
        issuer.refresh_style = RefreshStyle::None;
    });
    let tokens = world.tokens().await;
    for absent in ["expires_in", "scope", "refresh_token"] {
        assert!(tokens.get(absent).is_none(), "{absent}");
    }
    world.change(|issuer| issuer.scope_shape = ScopeShape::Comma);
    assert_eq!(world.tokens().await["scope"], "openid,profile,offline_access,notes.read");
}

#[tokio::test]
async fn refresh_styles_differ_in_what_the_old_token_still_does() {
    let world = World::new(Issuer::new(HOST)).await;
    let site = world.site();
    for (style, new, old_status, alarms) in [
        (RefreshStyle::Strict { kills_family: true }, true, 400, 1),
        (RefreshStyle::Strict { kills_family: false }, true, 400, 2),
        (RefreshStyle::Overlapping, true, 200, 2),
        (RefreshStyle::Grace(Duration::from_secs(60)), true, 200, 2),
        (RefreshStyle::UntilReplacementUsed, true, 200, 2),
        (RefreshStyle::Stable { echoed: false }, false, 200, 2),
        (RefreshStyle::Stable { echoed: true }, false, 200, 2),
    ] {
        world.change(|issuer| issuer.refresh_style = style);
        let first = world.tokens().await;
        let old = text(&first, "refresh_token");
        let (status, second) = world.refresh(old).await;
        assert_eq!(status, 200);
        let replaced = second["refresh_token"].as_str().is_some_and(|token| token != old);
        assert_eq!(replaced, new, "{style:?}");
        assert_eq!(world.refresh(old).await.0, old_status, "{style:?}");
        assert_eq!(site.reuse_alarms().len(), alarms, "{style:?}");
        let dead = style == RefreshStyle::Strict { kills_family: true };
        let access = text(&second, "access_token");
        let superseded = style == RefreshStyle::UntilReplacementUsed;
        assert_eq!(site.is_live(access), !dead && !superseded, "{style:?}");
    }
}

#[tokio::test]
async fn a_grace_window_ends_on_the_emulator_s_clock() {
    let world = World::new(Issuer::new(HOST)).await;
    world.change(|issuer| issuer.refresh_style = RefreshStyle::Grace(Duration::from_secs(60)));
    let first = world.tokens().await;
    let old = text(&first, "refresh_token");
    world.refresh(old).await;
    world.emulator.clock().advance(Duration::from_secs(61));
    assert_eq!(world.refresh(old).await.0, 400);
    assert_eq!(world.site().reuse_alarms().len(), 1);
}

#[tokio::test]
async fn a_refresh_may_end_the_old_access_token_and_may_narrow() {
    let world = World::new(Issuer::new(HOST)).await;
    world.change(|issuer| issuer.ends_old_access = true);
    let first = world.tokens().await;
    let pairs = [
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&first, "refresh_token")),
        ("scope", "notes.read"),
    ];
    let (status, second) = world.post("/token", &pairs).await;
    assert_eq!((status, &second["scope"]), (200, &json!("notes.read")));
    assert!(second.get("id_token").is_none());
    assert!(!world.site().is_live(text(&first, "access_token")));
    let wide = [
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&second, "refresh_token")),
        ("scope", "notes.read notes.write"),
    ];
    assert_eq!(world.post("/token", &wide).await.1["error"], "invalid_scope");
}

#[tokio::test]
async fn refresh_tokens_can_depend_on_offline_access() {
    let world = World::new(Issuer::new(HOST)).await;
    world.change(|issuer| issuer.refresh_needs_offline_access = true);
    assert!(world.tokens().await.get("refresh_token").is_some());
    let back = allow(&world.emulator, &authorize(&[("scope", "openid")])).await;
    let (_, tokens) = world.exchange(&parameter(&back, "code").unwrap(), VERIFIER).await;
    assert!(tokens.get("refresh_token").is_none());
}

#[tokio::test]
async fn revocation_follows_rfc_7009_or_its_switch() {
    let world = World::new(Issuer::new(HOST)).await;
    let site = world.site();
    let tokens = world.tokens().await;
    let (refresh, access) = (text(&tokens, "refresh_token"), text(&tokens, "access_token"));
    assert_eq!(world.post("/revoke", &[("token", "never-issued")]).await.0, 200);
    let foreign = [("client_id", "public-1"), ("token", refresh)];
    assert_eq!(post(&world.http, &format!("{HOST}/revoke"), &foreign).await.0, 400);
    assert!(site.is_live(refresh));
    assert_eq!(world.post("/revoke", &[("token", access)]).await.0, 200);
    assert!(!site.is_live(access) && site.is_live(refresh));
    assert_eq!(world.post("/revoke", &[("token", refresh)]).await.0, 200);
    assert!(site.live_tokens().is_empty());

    world.change(|issuer| issuer.revocation = Revocation::Rfc7009 { cascades: false });
    let tokens = world.tokens().await;
    world.post("/revoke", &[("token", text(&tokens, "refresh_token"))]).await;
    assert!(site.is_live(text(&tokens, "access_token")));

    world.change(|issuer| issuer.revocation = Revocation::RefreshOnly);
    let pairs = [("token", text(&tokens, "access_token"))];
    assert_eq!(world.post("/revoke", &pairs).await.1["error"], "unsupported_token_type");
    world.change(|issuer| issuer.revocation = Revocation::NotFound);
    assert_eq!(world.post("/revoke", &pairs).await.0, 404);
}

#[tokio::test]
async fn introspection_tells_the_owner_and_nobody_else() {
    let world = World::new(Issuer::new(HOST)).await;
    let tokens = world.tokens().await;
    let access = text(&tokens, "access_token");
    let (_, body) = world.post("/introspect", &[("token", access)]).await;
    assert_eq!((&body["active"], &body["sub"]), (&json!(true), &json!("ada")));
    let (_, body) = world.post("/introspect", &[("token", "never-issued")]).await;
    assert_eq!(body, json!({"active": false}));
    let introspect = format!("{HOST}/introspect");
    for other in [
        &[("client_id", ID), ("client_secret", "wrong"), ("token", access)][..],
        &[("client_id", "public-1"), ("token", access)],
    ] {
        let (status, body) = post(&world.http, &introspect, other).await;
        assert_eq!((status, &body["error"]), (401, &json!("invalid_client")));
    }
    world.site().add_client(Client::new("app-2").secret(SECRET)).unwrap();
    let other = [("client_id", "app-2"), ("client_secret", SECRET), ("token", access)];
    let (_, body) = post(&world.http, &introspect, &other).await;
    assert_eq!(body, json!({"active": false}));
    world.change(|issuer| issuer.introspection = false);
    assert_eq!(world.post("/introspect", &[("token", access)]).await.0, 404);
}

#[tokio::test]
async fn the_api_answers_as_rfc_6750_says() {
    let world = World::new(Issuer::new(HOST)).await;
    let notes = format!("{HOST}/api/notes");
    let tokens = world.tokens().await;
    let access = text(&tokens, "access_token");
    let bare = world.http.get(&notes).send().await.unwrap();
    assert_eq!(bare.status(), 401);
    assert_eq!(bare.headers()["www-authenticate"], "Bearer realm=\"notes\"");
    let write = world
        .http
        .post(&notes)
        .bearer_auth(access)
        .header("content-type", "application/json")
        .body("{\"text\":\"hello\"}")
        .send()
        .await
        .unwrap();
    assert_eq!(write.status(), 403);
    let challenge = write.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("insufficient_scope") && challenge.contains("notes.write"));

    let scope = [("scope", "notes.read notes.write")];
    let back = allow(&world.emulator, &authorize(&scope)).await;
    let (_, tokens) = world.exchange(&parameter(&back, "code").unwrap(), VERIFIER).await;
    let access = text(&tokens, "access_token");
    let write = world
        .http
        .post(&notes)
        .bearer_auth(access)
        .header("content-type", "application/json")
        .body("{\"text\":\"hello\"}")
        .send()
        .await
        .unwrap();
    assert_eq!(write.status(), 201);
    let read = world.http.get(&notes).bearer_auth(access).send().await.unwrap();
    assert_eq!(json(&read.text().await.unwrap())["notes"][0]["text"], "hello");
    assert_eq!(world.site().notes(), [("ada".to_owned(), "hello".to_owned())]);
    let back = world.emulator.consent(&authorize(&[]), Decision::Allow, "grace").await.unwrap();
    let (_, grace) = world.exchange(&parameter(&back, "code").unwrap(), VERIFIER).await;
    let read = world.http.get(&notes).bearer_auth(text(&grace, "access_token"));
    let read = read.send().await.unwrap();
    assert_eq!(json(&read.text().await.unwrap()), json!({"notes": []}));

    world.emulator.clock().advance(Duration::from_secs(3600));
    let late = world.http.get(&notes).bearer_auth(access).send().await.unwrap();
    assert_eq!(late.status(), 401);
    assert!(late.headers()["www-authenticate"].to_str().unwrap().contains("invalid_token"));
}

#[tokio::test]
async fn user_info_can_speak_of_somebody_else() {
    let world = World::new(Issuer::new(HOST)).await;
    world.change(|issuer| issuer.userinfo_wrong_sub = true);
    let tokens = world.tokens().await;
    let user = world.http.get(format!("{HOST}/userinfo"));
    let user = user.bearer_auth(text(&tokens, "access_token")).send().await.unwrap();
    assert_eq!(json(&user.text().await.unwrap())["sub"], "not-ada");
}

#[tokio::test]
async fn two_issuers_do_not_know_each_other_s_tokens() {
    let other = "https://other.example.test";
    let builder = Emulator::builder().issuer(Issuer::new(HOST)).issuer(Issuer::new(other));
    let emulator = builder.start().await.unwrap();
    for site in emulator.sites() {
        furnish(site);
    }
    let world = World { http: http(&emulator), emulator };
    let tokens = world.tokens().await;
    let answer = world.http.get(format!("{other}/userinfo"));
    let answer = answer.bearer_auth(text(&tokens, "access_token")).send().await.unwrap();
    assert_eq!(answer.status(), 401);
}
