//! The answer of the token endpoint (TOK-01 to TOK-05, TOK-10).

use bailee::{
    BeginOptions, ClientSecret, Completed, ConnectionStatus, Declaration, ErrorKind, Refusal,
    RefusalReason, Registration, Visitor,
    core::{Clock, ConnectionState, ScopeName},
    providers::{Environment, Generic, Spec},
};
use bailee_testkit::{
    World,
    emulator::{
        Client, Decision, Endpoint, Fault, oidc,
        oidc::{ExpiresIn, Issuer, ScopeShape},
    },
};
use bailee_tests::{
    NOTES, NOTES_SPEC, PUBLISH, Trip, declaration, mount, notes_issuer, rejected, world,
};
use url::form_urlencoded;

const SITES: [(&str, bailee::PurposeId, &str); 2] =
    [("notes", NOTES, "id.example.test"), ("tiktok", PUBLISH, "tiktok")];

async fn connect(w: &World, visitor: &Visitor, registration: &str) -> Result<Completed, Refusal> {
    let purpose = if registration == "tiktok" { PUBLISH } else { NOTES };
    Trip::begin(w, visitor, registration, &[purpose]).await.complete(w, visitor).await
}

async fn status(w: &World, visitor: &Visitor, completed: &Completed) -> ConnectionStatus {
    w.bailee.connections().status(visitor, &completed.connection).await.unwrap()
}

/// Sees that nothing is connected, that nothing is held, and that no error shows a secret.
async fn nothing_remains(w: &World, visitor: &Visitor, refusal: &Refusal) {
    assert!(w.bailee.connections().of_visitor(visitor).await.unwrap().is_empty());
    let text = format!("{refusal} {refusal:?} {} {:?}", refusal.error(), refusal.error());
    w.assert_no_canary("an error", text.as_bytes());
    assert_eq!(crate::deaths::held(w.store()).await, 0);
    w.assert_clean_audit(&["acme", "~"]).await;
}

/// A world with a second issuer that is configured side by side with the first.
async fn two_issuers() -> World {
    let text = include_str!("../../privacy.toml").to_owned()
        + r#"
[recipients.other]
name = "Other Notes Ltd"
country = "IE"
role = "controller"
purposes = ["notes.save"]
categories = ["content", "credentials"]

[integrations.other.scopes]
"openid" = ["notes.save"]

[[integrations.other.data]]
name = "account id"
category = "identity"
purpose = "notes.save"
retention = "until_disconnected"
"#;
    let spec = NOTES_SPEC
        .replace("id = \"notes\"", "id = \"other\"")
        .replace("id.example.test", "id.other.test");
    let mut issuer = Issuer::new("https://id.other.test");
    issuer.scopes = vec!["openid".into(), "profile".into(), "notes.write".into()];
    World::builder(Declaration::parse(&text).unwrap())
        .issuer(notes_issuer(), NOTES_SPEC)
        .issuer(issuer, spec)
        .build()
        .await
        .unwrap()
}

#[tokio::test]
async fn tok_01_a_code_goes_to_the_endpoint_of_its_own_flow_and_nowhere_else() {
    let w = two_issuers().await;
    let ada = w.visitor("ada");
    let (notes, other) = (w.site("id.example.test"), w.site("id.other.test"));
    connect(&w, &ada, "notes").await.unwrap();
    assert_eq!((notes.count(Endpoint::Exchange), other.count(Endpoint::Exchange)), (1, 0));
    connect(&w, &ada, "other").await.unwrap();
    assert_eq!((notes.count(Endpoint::Exchange), other.count(Endpoint::Exchange)), (1, 1));
    // A code of one issuer in the flow of the other: the issuer's name does not fit.
    let one = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let two = Trip::begin(&w, &ada, "other", &[NOTES]).await;
    let query = two.with("iss", &one.parameter("iss"));
    let outcome = w.bailee.connections().complete(&ada, two.asking(&query)).await;
    rejected(&w, outcome, RefusalReason::IssuerMismatch).await;
    // And where it is not named, the code is worth nothing at the other one, which gets no secret
    // of the first.
    let one = Trip::begin(&w, &ada, "other", &[NOTES]).await;
    let query = one.with("code", &Trip::begin(&w, &ada, "notes", &[NOTES]).await.parameter("code"));
    let outcome = w.bailee.connections().complete(&ada, one.asking(&query)).await;
    rejected(&w, outcome, RefusalReason::ExchangeFailed).await;
    assert_eq!((notes.count(Endpoint::Exchange), other.count(Endpoint::Exchange)), (1, 2));
    assert_eq!((notes.code_replays(), other.code_replays()), (0, 0));
}

#[tokio::test]
async fn tok_01_an_endpoint_that_moved_since_the_flow_began_gets_no_code() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let trip = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    w.site("id.example.test").change_issuer(|issuer| {
        let moved = "\"https://id.example.test/revoke\"".to_owned();
        issuer.metadata.insert("token_endpoint".into(), Some(moved));
    });
    let second = w.another_process(declaration()).await.unwrap();
    let outcome = second.connections().complete(&ada, trip.request()).await;
    rejected(&w, outcome, RefusalReason::IssuerMismatch).await;
    let counts = w.site("id.example.test").counts();
    assert!(!counts.contains_key(&Endpoint::Exchange) && !counts.contains_key(&Endpoint::Revoke));
}

#[tokio::test]
async fn tok_01_the_exchange_repeats_the_redirect_and_authenticates_as_the_provider_asks() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    for (registration, _, site) in SITES {
        let trip = Trip::begin(
            &w,
            &ada,
            registration,
            &[SITES
                .iter()
                .find(|(name, ..)| *name == registration)
                .map(|(_, purpose, _)| purpose.clone())
                .unwrap()],
        )
        .await;
        let code = trip.parameter("code");
        trip.complete(&w, &ada).await.unwrap();
        let requests = w.site(site).requests();
        let sent = requests.iter().find(|sent| sent.endpoint == Endpoint::Exchange).unwrap();
        let form: Vec<_> = form_urlencoded::parse(&sent.body).into_owned().collect();
        let field = |name: &str| {
            let found: Vec<_> = form.iter().filter(|(known, _)| known == name).collect();
            assert!(found.len() <= 1, "{name} stands twice");
            found.first().map(|(_, value)| value.clone())
        };
        assert_eq!(field("code"), Some(code), "decoded once");
        assert_eq!(field("grant_type").as_deref(), Some("authorization_code"));
        let redirect = format!("{}/{registration}/callback", mount());
        assert_eq!(field("redirect_uri"), Some(redirect));
        let header = sent.headers.iter().any(|(name, _)| name == "authorization");
        // Basic where there is a choice; TikTok takes the body alone.
        assert_eq!(header, registration == "notes");
        assert_eq!(field("client_secret").is_some(), registration == "tiktok");
        assert!(sent.query.is_none(), "no secret in an address");
        let accept = sent.headers.iter().find(|(name, _)| name == "accept");
        assert_eq!(accept.map(|(_, value)| value.as_str()), Some("application/json"));
    }
}

#[tokio::test]
async fn tok_01_a_code_of_another_flow_is_worth_nothing() {
    let w = world().build().await.unwrap();
    let (ada, mallory) = (w.visitor("ada"), w.visitor("mallory"));
    let site = w.site("id.example.test");
    // Stolen before it was used: the verifier is another one.
    let victim = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    let attack = Trip::begin(&w, &mallory, "notes", &[NOTES]).await;
    let query = attack.with("code", &victim.parameter("code"));
    let outcome = w.bailee.connections().complete(&mallory, attack.asking(&query)).await;
    let refusal = rejected(&w, outcome, RefusalReason::ExchangeFailed).await;
    nothing_remains(&w, &mallory, &refusal).await;
    assert!(site.live_tokens().is_empty());

    // Used already: the provider ends what it gave, and the thief gets nothing.
    let victim = Trip::begin(&w, &ada, "notes", &[NOTES]).await;
    victim.complete(&w, &ada).await.unwrap();
    assert_eq!(site.code_replays(), 0);
    let attack = Trip::begin(&w, &mallory, "notes", &[NOTES]).await;
    let query = attack.with("code", &victim.parameter("code"));
    let outcome = w.bailee.connections().complete(&mallory, attack.asking(&query)).await;
    let refusal = rejected(&w, outcome, RefusalReason::ExchangeFailed).await;
    nothing_remains(&w, &mallory, &refusal).await;
    assert_eq!(site.code_replays(), 1);
}

#[tokio::test]
async fn tok_01_the_secret_of_a_registration_goes_to_its_own_provider_alone() {
    let w = world()
        .change(|builder| {
            let secret = ClientSecret::copy_from(b"fake-client-secret-two");
            let spec = Spec::parse(
                &NOTES_SPEC
                    .replace("id = \"notes\"", "id = \"unused\"")
                    .replace("id.example.test", "id.unused.test"),
            )
            .unwrap();
            let second = Registration::new("notes", "fake-client-2", secret).unwrap();
            builder
                .provider(Generic::new(spec))
                .registration(second.id("notes-two").unwrap().environment(Environment::Emulator))
        })
        .build()
        .await
        .unwrap();
    let client = Client::new("fake-client-2")
        .secret("fake-client-secret-two")
        .redirect(format!("{}/notes-two/callback", mount()));
    w.site("id.example.test").add_client(client).unwrap();
    let ada = w.visitor("ada");
    connect(&w, &ada, "notes-two").await.unwrap();
    assert!(w.site("id.example.test").secrets_seen().contains("fake-client-secret-two"));
    assert!(!w.site("id.example.test").secrets_seen().contains("fake-client-secret-canary"));
    connect(&w, &ada, "tiktok").await.unwrap();
    assert!(w.site("tiktok").secrets_seen().contains("fake-client-secret-canary"));
    assert!(!w.site("tiktok").secrets_seen().contains("fake-client-secret-two"));
}

#[tokio::test]
async fn tok_02_an_answer_that_is_no_grant_connects_nothing_and_shows_nothing() {
    for (registration, _, site) in SITES {
        for fault in [
            Fault::OkWithError("invalid_grant".into()),
            Fault::OkWithError("hostile<script>".into()),
            Fault::Html,
            Fault::WrongContentType,
            Fault::Oversize,
            Fault::Malformed,
            Fault::CutOff,
            Fault::EchoSecrets,
            Fault::Status(400),
            Fault::Status(401),
            Fault::Status(403),
            Fault::Status(500),
            Fault::RateLimited { retry_after: Some("30".into()) },
            Fault::Redirect { status: 307, location: "https://id.example.test/x".into() },
            Fault::Redirect { status: 302, location: "https://www.tiktok.com/x".into() },
            Fault::DropBeforeEffect,
            Fault::DropAfterEffect,
        ] {
            let what = format!("{registration} {fault:?}");
            let w = world().build().await.unwrap();
            let ada = w.visitor("ada");
            w.site(site).fault(Endpoint::Exchange, fault);
            let outcome = connect(&w, &ada, registration).await;
            let refusal = rejected(&w, outcome, RefusalReason::ExchangeFailed).await;
            nothing_remains(&w, &ada, &refusal).await;
            let shown = format!("{:?} {}", refusal.error(), refusal.error());
            assert!(!shown.contains("hostile") && !shown.contains("script"), "{what}");
            // A code is good once: what may have had its effect is not tried again.
            assert_eq!(w.site(site).count(Endpoint::Exchange), 1, "{what}");
            assert_eq!(w.site(site).count(Endpoint::Unknown), 0, "{what}");
            // The person tries again and it works.
            w.advance(std::time::Duration::from_secs(120));
            connect(&w, &ada, registration).await.unwrap();
        }
    }
}

#[tokio::test]
async fn tok_02_known_codes_are_told_and_have_a_remedy() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    for (code, kind) in [
        ("invalid_client", ErrorKind::Configuration),
        ("unauthorized_client", ErrorKind::Configuration),
        ("invalid_grant", ErrorKind::NeedsReconnect),
    ] {
        let fault = Fault::OkWithError(code.into());
        w.site("id.example.test").fault(Endpoint::Exchange, fault);
        let outcome = connect(&w, &ada, "notes").await;
        let refusal = rejected(&w, outcome, RefusalReason::ExchangeFailed).await;
        assert_eq!(refusal.error().kind(), kind, "{code}");
        assert_eq!(refusal.error().code().map(|code| code.as_str()), Some(code));
    }
}

#[tokio::test]
async fn tok_04_token_types_are_compared_without_case_and_unknown_ones_refused() {
    for (registration, _, site) in SITES {
        let w = world().build().await.unwrap();
        let ada = w.visitor("ada");
        for good in ["bearer", "BEARER", "bEaReR"] {
            w.site(site).fault(Endpoint::Exchange, Fault::TokenType(good.into()));
            connect(&w, &ada, registration).await.unwrap();
        }
        let w = world().build().await.unwrap();
        let ada = w.visitor("ada");
        for bad in ["", "mac", "DPoP", "N_A", "bearer ", "Bearer,mac", "\u{ff42}earer"] {
            w.site(site).fault(Endpoint::Exchange, Fault::TokenType(bad.into()));
            let outcome = connect(&w, &ada, registration).await;
            let refusal = rejected(&w, outcome, RefusalReason::ExchangeFailed).await;
            nothing_remains(&w, &ada, &refusal).await;
        }
    }
}

#[tokio::test]
async fn tok_04_a_lifetime_may_be_missing_a_text_negative_or_huge() {
    let ten_years = 315_360_000;
    for (raw, seconds) in [
        ("3600", Some(3600)),
        ("\"3600\"", Some(3600)),
        ("3600.9", Some(3600)),
        ("0", Some(0)),
        ("-1", Some(0)),
        ("\"-86400\"", Some(0)),
        ("-1e300", Some(0)),
        ("1e300", Some(ten_years)),
        ("99999999999999999999999999", Some(ten_years)),
        ("\"9e99\"", Some(ten_years)),
        ("null", None),
        ("\"soon\"", None),
        ("\"NaN\"", None),
        ("[3600]", None),
        ("{}", None),
        ("true", None),
    ] {
        let w = world().build().await.unwrap();
        let ada = w.visitor("ada");
        w.site("id.example.test").fault(Endpoint::Exchange, Fault::ExpiresIn(raw.into()));
        let completed = connect(&w, &ada, "notes").await.unwrap();
        let status = status(&w, &ada, &completed).await;
        assert_eq!(status.state, ConnectionState::Active, "{raw}");
        let expires = status.expires_at.map(|at| at.since(w.clock.now()).as_secs());
        assert_eq!(expires, seconds, "{raw}");
    }
}

#[tokio::test]
async fn tok_04_a_lifetime_in_any_spelling_of_the_provider_is_understood() {
    for (spelling, seconds) in
        [(ExpiresIn::Absent, None), (ExpiresIn::Number, Some(3600)), (ExpiresIn::Text, Some(3600))]
    {
        let w = world().build().await.unwrap();
        let ada = w.visitor("ada");
        w.site("id.example.test").change_issuer(|issuer| issuer.expires_in = spelling);
        let completed = connect(&w, &ada, "notes").await.unwrap();
        let expires = status(&w, &ada, &completed).await.expires_at;
        assert_eq!(expires.map(|at| at.since(w.clock.now()).as_secs()), seconds);
    }
}

fn scopes(names: &[&'static str]) -> Vec<ScopeName> {
    names.iter().map(|name| ScopeName::from_static(name)).collect()
}

#[tokio::test]
async fn tok_05_fewer_scopes_are_recorded_and_told() {
    let w = world().build().await.unwrap();
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    // The person unticks one; the provider keeps one back.
    let only = Decision::AllowOnly(vec!["user.info.basic".into()]);
    let trip =
        Trip::choose(&w, &ada, "tiktok", &[PUBLISH], BeginOptions::default(), only, "ada").await;
    let completed = trip.complete(&w, &ada).await.unwrap();
    assert_eq!(completed.missing, scopes(&["video.publish"]));
    assert!(completed.unasked.is_empty());
    assert_eq!(status(&w, &ada, &completed).await.scopes, scopes(&["user.info.basic"]));

    w.site("id.example.test").fault(Endpoint::Exchange, Fault::ScopeShrink);
    let completed = connect(&w, &grace, "notes").await.unwrap();
    assert_eq!(completed.missing.len(), 1);
    let granted = status(&w, &grace, &completed).await.scopes;
    assert_eq!(granted.len(), 2);
    assert!(!granted.contains(&completed.missing[0]));
    // With all of them, nothing is missing.
    let completed = connect(&w, &grace, "notes").await.unwrap();
    assert!(completed.missing.is_empty() && completed.unasked.is_empty());
}

#[tokio::test]
async fn tok_05_scopes_that_nobody_asked_for_are_recorded_and_flagged() {
    for (registration, _, site) in SITES {
        let w = world().build().await.unwrap();
        let ada = w.visitor("ada");
        w.site(site).fault(Endpoint::Exchange, Fault::ScopeGrow("video.list".into()));
        let completed = connect(&w, &ada, registration).await.unwrap();
        assert!(completed.missing.is_empty());
        assert_eq!(completed.unasked, scopes(&["video.list"]));
        let granted = status(&w, &ada, &completed).await.scopes;
        assert!(granted.contains(&ScopeName::from_static("video.list")));
        let log = w.audit("acme").await.into_iter().map(|logged| logged.entry);
        let mut connected = log.filter(|entry| entry.event() == "connection.connected");
        let flag = connected.next().unwrap().field("unasked").map(ToString::to_string);
        assert_eq!(flag.as_deref(), Some("1"));
        w.assert_clean_audit(&["acme", "~"]).await;
    }
}

#[tokio::test]
async fn tok_05_scopes_are_read_in_every_shape_that_providers_write() {
    for shape in [ScopeShape::Space, ScopeShape::Array, ScopeShape::Absent] {
        let w = world().build().await.unwrap();
        let ada = w.visitor("ada");
        w.site("id.example.test").change_issuer(|issuer| issuer.scope_shape = shape);
        let completed = connect(&w, &ada, "notes").await.unwrap();
        assert!(completed.missing.is_empty(), "{shape:?}");
        let mut granted = status(&w, &ada, &completed).await.scopes;
        granted.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        assert_eq!(granted, scopes(&["notes.write", "openid", "profile"]), "{shape:?}");
    }
}

#[tokio::test]
async fn tok_10_an_answer_with_a_name_twice_is_refused() {
    for (registration, _, site) in SITES {
        let w = world().build().await.unwrap();
        let ada = w.visitor("ada");
        w.site(site).fault(Endpoint::Exchange, Fault::DuplicateKeys);
        let outcome = connect(&w, &ada, registration).await;
        let refusal = rejected(&w, outcome, RefusalReason::ExchangeFailed).await;
        assert_eq!(refusal.error().kind(), ErrorKind::ProviderRefused);
        nothing_remains(&w, &ada, &refusal).await;
        connect(&w, &ada, registration).await.unwrap();
    }
}

#[tokio::test]
async fn tok_02_any_good_status_is_read_and_no_other() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    w.site("id.example.test").change_issuer(|issuer: &mut oidc::Issuer| issuer.token_status = 201);
    connect(&w, &ada, "notes").await.unwrap();
    w.site("id.example.test").change_issuer(|issuer| issuer.token_status = 400);
    let outcome = connect(&w, &w.visitor("grace"), "notes").await;
    let refusal = rejected(&w, outcome, RefusalReason::ExchangeFailed).await;
    assert!(w.bailee.connections().of_visitor(&w.visitor("grace")).await.unwrap().is_empty());
    assert_eq!(refusal.error().kind(), ErrorKind::ProviderRefused);
}
