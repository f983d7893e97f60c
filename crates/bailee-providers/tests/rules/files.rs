//! The facts of the providers that a file describes wholly, held to what their pages say.

use std::{collections::BTreeMap, time::Duration};

use bailee_providers::{
    ExchangeAsk, FailureKind, Input, Next, Payload, Provider, Target, Value, compiled_in,
    spec::{RefreshClass, RevokeEnds, RevokePresentation, RevokeStyle},
};

use crate::support::{context, json as answer, registration};

fn adapter(id: &str) -> std::sync::Arc<dyn Provider> {
    compiled_in().into_iter().find(|adapter| adapter.spec().id.as_str() == id).unwrap()
}

/// What the pages say of one provider.
struct Said {
    id: &'static str,
    authorization: &'static str,
    token: &'static str,
    revocation: &'static str,
    class: RefreshClass,
    style: RevokeStyle,
    present: RevokePresentation,
    ends: RevokeEnds,
    separator: char,
}

#[test]
fn the_files_say_what_the_pages_say() {
    use RevokeEnds::{Account, Grant};
    use RevokePresentation::{Bearer, Form, Json};
    let said = [
        Said {
            id: "discord",
            authorization: "https://discord.com/oauth2/authorize",
            token: "https://discord.com/api/oauth2/token",
            revocation: "https://discord.com/api/oauth2/token/revoke",
            class: RefreshClass::Strict,
            // Any token ends everything of its authorization.
            style: RevokeStyle::RefreshToken,
            present: Form,
            ends: Grant,
            separator: ' ',
        },
        Said {
            id: "dropbox",
            authorization: "https://www.dropbox.com/oauth2/authorize",
            token: "https://api.dropboxapi.com/oauth2/token",
            revocation: "https://api.dropboxapi.com/2/auth/token/revoke",
            class: RefreshClass::Stable,
            style: RevokeStyle::AccessToken,
            present: Bearer,
            ends: Grant,
            separator: ' ',
        },
        Said {
            id: "figma",
            authorization: "https://www.figma.com/oauth",
            token: "https://api.figma.com/v1/oauth/token",
            revocation: "https://api.figma.com/v1/oauth/revoke",
            class: RefreshClass::Stable,
            style: RevokeStyle::Rfc7009,
            present: Form,
            // One living token for a person and application.
            ends: Account,
            separator: ' ',
        },
        Said {
            id: "gitlab",
            authorization: "https://gitlab.com/oauth/authorize",
            token: "https://gitlab.com/oauth/token",
            revocation: "https://gitlab.com/oauth/revoke",
            class: RefreshClass::Strict,
            style: RevokeStyle::Rfc7009,
            present: Form,
            ends: Grant,
            separator: ' ',
        },
        Said {
            id: "linear",
            authorization: "https://linear.app/oauth/authorize",
            token: "https://api.linear.app/oauth/token",
            revocation: "https://api.linear.app/oauth/revoke",
            class: RefreshClass::Strict,
            style: RevokeStyle::Rfc7009,
            present: Form,
            ends: Grant,
            separator: ',',
        },
        Said {
            id: "notion",
            authorization: "https://api.notion.com/v1/oauth/authorize",
            token: "https://api.notion.com/v1/oauth/token",
            revocation: "https://api.notion.com/v1/oauth/revoke",
            class: RefreshClass::Strict,
            style: RevokeStyle::AccessToken,
            present: Json,
            ends: Grant,
            separator: ' ',
        },
        Said {
            id: "salesforce",
            authorization: "https://login.salesforce.com/services/oauth2/authorize",
            token: "https://login.salesforce.com/services/oauth2/token",
            revocation: "https://login.salesforce.com/services/oauth2/revoke",
            class: RefreshClass::Strict,
            style: RevokeStyle::Rfc7009,
            present: Form,
            ends: Grant,
            separator: ' ',
        },
        Said {
            id: "shopify",
            // One for each shop.
            authorization: "https://placeholder.myshopify.com/admin/oauth/authorize",
            token: "https://placeholder.myshopify.com/admin/oauth/access_token",
            revocation: "https://placeholder.myshopify.com/admin/api_permissions/current.json",
            class: RefreshClass::UntilReplacementUsed,
            style: RevokeStyle::AccessToken,
            present: Form,
            ends: Account,
            separator: ',',
        },
        Said {
            id: "stripe",
            authorization: "https://connect.stripe.com/oauth/authorize",
            token: "https://connect.stripe.com/oauth/token",
            revocation: "https://connect.stripe.com/oauth/deauthorize",
            class: RefreshClass::Stable,
            style: RevokeStyle::Rfc7009,
            present: Form,
            ends: Account,
            separator: ' ',
        },
    ];
    for said in said {
        let adapter = adapter(said.id);
        let spec = adapter.spec();
        let text = |url: &Option<url::Url>| url.as_ref().map(|url| url.to_string());
        assert_eq!(text(&spec.endpoints.authorization).as_deref(), Some(said.authorization));
        assert_eq!(text(&spec.endpoints.token).as_deref(), Some(said.token));
        assert_eq!(text(&spec.endpoints.revocation).as_deref(), Some(said.revocation));
        assert_eq!(spec.refresh.class, said.class, "{}", said.id);
        assert_eq!(spec.revoke.style, said.style, "{}", said.id);
        assert_eq!(spec.revoke.present, said.present, "{}", said.id);
        assert_eq!(spec.revoke.ends, said.ends, "{}", said.id);
        assert_eq!(spec.scopes.separator, said.separator, "{}", said.id);
    }
}

#[test]
fn errors_mean_what_their_codes_say_whatever_the_status() {
    for (id, status, body, kind) in [
        // A limit that comes as a bad request, and errors beside a success.
        (
            "linear",
            400,
            r#"{"errors":[{"extensions":{"code":"RATELIMITED"}}]}"#,
            FailureKind::RateLimited,
        ),
        (
            "linear",
            200,
            r#"{"errors":[{"extensions":{"type":"forbidden"}}]}"#,
            FailureKind::Blocked,
        ),
        (
            "linear",
            200,
            r#"{"errors":[{"extensions":{"code":"of tomorrow"}}]}"#,
            FailureKind::Blocked,
        ),
        (
            "salesforce",
            403,
            r#"[{"errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#,
            FailureKind::RateLimited,
        ),
        ("salesforce", 403, r#"[{"errorCode":"INSUFFICIENT_ACCESS"}]"#, FailureKind::Blocked),
        ("salesforce", 401, r#"[{"errorCode":"INVALID_SESSION_ID"}]"#, FailureKind::AccessRejected),
        ("figma", 403, r#"{"status":403,"err":"Token expired"}"#, FailureKind::AccessRejected),
        ("figma", 403, r#"{"status":403,"err":"no"}"#, FailureKind::Blocked),
        ("notion", 403, r#"{"code":"restricted_resource"}"#, FailureKind::ScopeMissing),
        ("notion", 404, r#"{"code":"object_not_found"}"#, FailureKind::InvalidInput),
        ("discord", 401, r#"{"code":50025,"message":"no"}"#, FailureKind::AccessRejected),
        ("discord", 403, r#"{"code":50013,"message":"no"}"#, FailureKind::Blocked),
        ("dropbox", 409, r#"{"error":{".tag":"path"}}"#, FailureKind::InvalidInput),
        ("dropbox", 401, r#"{"error":{".tag":"missing_scope"}}"#, FailureKind::ScopeMissing),
        ("gitlab", 403, r#"{"error":"insufficient_scope"}"#, FailureKind::ScopeMissing),
    ] {
        let adapter = adapter(id);
        let registration = registration("test");
        let cx = context(adapter.spec(), &registration);
        let failure = adapter.classify(&cx, &answer(status, body));
        assert_eq!(failure.map(|failure| failure.kind), Some(kind), "{id}: {status} {body}");
    }
}

#[test]
fn out_04_an_organisations_own_host_is_one_of_the_providers() {
    let adapter = adapter("salesforce");
    let registration = registration("test");
    let cx = context(adapter.spec(), &registration);
    let ask = ExchangeAsk { redirect_uri: "https://app.example.test/cb", pkce: false };
    for (address, taken) in [
        ("https://fake-org.my.salesforce.com", true),
        ("https://fake-org.my.salesforce.com.evil.example", false),
        ("https://evil.example/.my.salesforce.com", false),
        ("http://fake-org.my.salesforce.com", false),
        ("https://user@fake-org.my.salesforce.com", false),
        ("https://fake-org.my.salesforce.com:8443", false),
        ("https://fake-org.my.salesforce.com?x=1", false),
        ("https://127.0.0.1", false),
        ("", false),
    ] {
        let mut step = adapter.exchange(&cx, &ask);
        assert!(matches!(step.next(Input::Start), Ok(Next::Send(_))));
        let body = format!(
            r#"{{"access_token":"fake-token","token_type":"Bearer","instance_url":"{address}"}}"#
        );
        match step.next(Input::Answer(answer(200, &body))) {
            Ok(Next::Done(grant)) => {
                assert!(taken, "{address}");
                assert_eq!(grant.api.unwrap().host_str(), Some("fake-org.my.salesforce.com"));
            }
            Ok(_) => panic!("{address}: it is not done"),
            Err(failure) => {
                assert!(!taken, "{address}: {failure:?}");
                assert_eq!(failure.kind, FailureKind::Malformed);
            }
        }
    }
}

#[test]
fn a_variable_makes_a_host_of_the_provider_or_nothing() {
    let adapter = adapter("gitlab");
    let given = |host: &str| BTreeMap::from([("host".to_owned(), host.to_owned())]);
    let own = adapter.spec().with_variables(&given("git.example.test")).unwrap();
    assert_eq!(own.hosts, ["git.example.test"]);
    assert_eq!(
        own.endpoints.token.as_ref().unwrap().as_str(),
        "https://git.example.test/oauth/token"
    );
    for hostile in ["", "a/b", "evil.example#", "a b", "UPPER.example", "127.0.0.1", "a..b", "-a.b"]
    {
        assert!(adapter.spec().with_variables(&given(hostile)).is_err(), "{hostile:?}");
    }
}

#[test]
fn a_renewal_carries_what_each_provider_asks_for() {
    let names = |id: &str| {
        let adapter = adapter(id);
        let mut registration = registration("test");
        registration.redirect_uri = Some("https://app.example.test/cb".into());
        let cx = context(adapter.spec(), &registration);
        let name = adapter.spec().token.credential.clone();
        let facts = bailee_providers::CredentialFacts::new(name, Vec::new()).with_refresh(None);
        let Ok(Next::Send(request)) = adapter.refresh(&cx, &facts).next(Input::Start) else {
            panic!("{id}: nothing is sent");
        };
        let Target::Url(url) = &request.target else { panic!("{id}: no address") };
        let fields = match &request.payload {
            Payload::Form(fields) => fields
                .iter()
                .filter(|(_, value)| *value != Value::text("fake-client"))
                .map(|(name, _)| name.to_string())
                .collect(),
            Payload::Json(_) => vec!["json".to_owned()],
            _ => Vec::new(),
        };
        (url.path().to_owned(), fields)
    };
    // An address of its own, and nothing beside the token.
    assert_eq!(names("figma"), ("/v1/oauth/refresh".into(), vec!["refresh_token".into()]));
    let (_, fields) = names("gitlab");
    assert!(fields.contains(&"redirect_uri".to_owned()), "{fields:?}");
    assert_eq!(names("notion").1, ["json"]);
}

#[test]
fn a_limit_without_a_wait_has_the_providers_own() {
    let adapter = adapter("salesforce");
    let registration = registration("test");
    let cx = context(adapter.spec(), &registration);
    let refused = answer(403, r#"[{"errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#);
    let failure = adapter.classify(&cx, &refused).unwrap();
    assert_eq!(failure.retry_after, Some(Duration::from_secs(3600)));
}

#[test]
fn call_06_a_shops_callback_is_proved_as_its_page_says() {
    // Made by hand: secret `shpss_secret`, parameters sorted and joined.
    let adapter = adapter("shopify");
    let registration = registration("test");
    let now = bailee_core::Timestamp::from_seconds(1_700_000_000);
    let cx = bailee_providers::Context::new(adapter.spec(), &registration, now);
    let tag = "c3b823b830a1fec1567b0df8889cd775b974842eb64bb997154454a6cde82744";
    let query = format!(
        "timestamp=1700000000&code=c1&hmac={tag}&host=aG9zdA&shop=demo.myshopify.com&state=s1"
    );
    let proof = adapter.callback_proof(&cx, &query).unwrap().unwrap();
    let message = "code=c1&host=aG9zdA&shop=demo.myshopify.com&state=s1&timestamp=1700000000";
    assert_eq!(proof.message.as_slice(), message.as_bytes());
    assert_eq!(proof.variables, [("shop", "demo".to_owned())]);
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"shpss_secret");
    ring::hmac::verify(&key, &proof.message, &proof.tag).unwrap();
    for hostile in [
        query.replace("timestamp=1700000000", "timestamp=1699999909"),
        query.replace("timestamp=1700000000", "timestamp=1700000091"),
        query.replace("demo.myshopify.com", "demo.evil.example"),
        query.replace(tag, "c3b8"),
        query.replace(tag, &tag.to_uppercase()),
        format!("{query}&hmac={tag}"),
        format!("{query}&shop=other.myshopify.com"),
        query.replace("hmac=", "mac="),
    ] {
        assert!(adapter.callback_proof(&cx, &hostile).is_err(), "{hostile}");
    }
}
