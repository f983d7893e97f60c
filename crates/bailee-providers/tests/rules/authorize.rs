use bailee_core::{ErrorKind, Locale, ScopeName, State, Verifier};
use bailee_providers::{AuthorizeAsk, Context, Generic, Platform, Provider, Spec, spec::Pkce};

use crate::support::{context, registration, spec};

const REDIRECT: &str = "https://app.example.test/connect/tiktok-eu";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CHALLENGE_HEX: &str = "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3";

fn build(
    spec: &Spec,
    cx: &Context<'_>,
    change: impl FnOnce(&mut AuthorizeAsk<'_>),
) -> bailee_core::Result<url::Url> {
    let scopes = ["openid", "notes"].map(ScopeName::from_static);
    let state = State::copy_from(b"fake-state");
    let verifier = Verifier::copy_from(VERIFIER.as_bytes());
    let mut ask = AuthorizeAsk::new(&scopes, REDIRECT, &state);
    ask.verifier = Some(&verifier);
    change(&mut ask);
    Generic::new(spec.clone()).authorize(cx, &ask).map(|url| url.into_url())
}

fn all(url: &url::Url, name: &str) -> Vec<String> {
    url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into()).collect()
}

#[test]
fn flow_03_the_challenge_is_that_of_rfc_7636() {
    let (spec, registration) = (spec(""), registration("example"));
    let url = build(&spec, &context(&spec, &registration), |_| {}).unwrap();
    assert_eq!(all(&url, "code_challenge"), [CHALLENGE]);
    assert_eq!(all(&url, "code_challenge_method"), ["S256"]);
    assert!(!url.as_str().contains(VERIFIER));
}

#[test]
fn flow_03_the_challenge_can_be_hexadecimal_and_is_called_s256_all_the_same() {
    let (spec, registration) = (spec("[pkce]\ndesktop = \"s256_hex\""), registration("example"));
    let desktop = registration.clone().platform(Platform::Desktop);
    let url = build(&spec, &context(&spec, &desktop), |_| {}).unwrap();
    assert_eq!(all(&url, "code_challenge"), [CHALLENGE_HEX]);
    assert_eq!(all(&url, "code_challenge_method"), ["S256"]);
    let chosen = registration.pkce(Pkce::S256Hex);
    let url = build(&spec, &context(&spec, &chosen), |_| {}).unwrap();
    assert_eq!(all(&url, "code_challenge"), [CHALLENGE_HEX]);
}

#[test]
fn flow_03_without_a_good_verifier_there_is_no_flow() {
    let (spec, registration) = (spec(""), registration("example"));
    let cx = context(&spec, &registration);
    let error = build(&spec, &cx, |ask| ask.verifier = None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    for bad in ["short".to_owned(), "a".repeat(42), "a".repeat(129), format!("{VERIFIER}+")] {
        let verifier = Verifier::copy_from(bad.as_bytes());
        let scopes = [];
        let state = State::copy_from(b"fake-state");
        let mut ask = AuthorizeAsk::new(&scopes, REDIRECT, &state);
        ask.verifier = Some(&verifier);
        assert!(Generic::new(spec.clone()).authorize(&cx, &ask).is_err(), "{bad}");
    }
}

#[test]
fn flow_03_pkce_is_left_out_only_where_it_is_declared_and_never_for_a_public_client() {
    let spec = spec("[pkce]\nweb = \"none\"");
    let confidential = registration("example");
    let url = build(&spec, &context(&spec, &confidential), |_| {}).unwrap();
    assert!(all(&url, "code_challenge").is_empty());
    let public = registration("example").public();
    let url = build(&spec, &context(&spec, &public), |_| {}).unwrap();
    assert_eq!(all(&url, "code_challenge"), [CHALLENGE]);
}

#[test]
fn flow_05_only_a_code_is_asked_for_and_nobody_can_change_that() {
    let (spec, registration) = (spec(""), registration("example"));
    let cx = context(&spec, &registration);
    let url = build(&spec, &cx, |_| {}).unwrap();
    assert_eq!(all(&url, "response_type"), ["code"]);
    for name in [
        "response_type",
        "response_mode",
        "redirect_uri",
        "state",
        "scope",
        "request_uri",
        "client_id",
        "code_challenge",
        "nonce",
    ] {
        let error = build(&spec, &cx, |ask| ask.extra = Box::leak(Box::new([(name, "token")])));
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput, "{name}");
    }
    for text in ["response_type = \"token\"", "state = \"x\""] {
        let text = format!("[authorization.parameters]\n{text}\n");
        let file = include_str!("../../specs/example-oidc.toml").to_owned() + &text;
        assert!(Spec::parse(&file).is_err(), "{text}");
    }
}

#[test]
fn parameters_are_sent_once_each_and_the_redirect_uri_byte_for_byte() {
    let spec = spec(
        "[authorization]\nlocale_parameter = \"ui_locales\"\nparameters = { prompt = \"consent\" }",
    );
    let registration = registration("example");
    let locale: &Locale = Box::leak(Box::new(Locale::new("de-AT").unwrap()));
    let url = build(&spec, &context(&spec, &registration), |ask| {
        ask.nonce = Some("fake-nonce");
        ask.locale = Some(locale);
        ask.extra = &[("login_hint", "a b&c=d")];
    })
    .unwrap();
    for (name, value) in [
        ("client_id", "fake-client"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid notes"),
        ("state", "fake-state"),
        ("nonce", "fake-nonce"),
        ("ui_locales", "de-AT"),
        ("prompt", "consent"),
        ("login_hint", "a b&c=d"),
    ] {
        assert_eq!(all(&url, name), [value], "{name}");
    }
}

#[test]
fn cook_05_a_form_is_asked_for_only_where_the_spec_says_so() {
    let registration = registration("example");
    let modes = |more: &str| {
        let spec = spec(more);
        all(&build(&spec, &context(&spec, &registration), |_| {}).unwrap(), "response_mode")
    };
    assert_eq!(modes("[authorization]\nresponse_mode = \"form_post\""), ["form_post"]);
    assert!(modes("[authorization]\nresponse_mode = \"query\"").is_empty());
    assert!(modes("").is_empty());
    let file = include_str!("../../specs/example-oidc.toml");
    for mode in ["fragment", "jwt", "web_message", "FORM_POST", ""] {
        let text = format!("{file}\n[authorization]\nresponse_mode = \"{mode}\"\n");
        assert!(Spec::parse(&text).is_err(), "{mode}");
    }
}

#[test]
fn the_endpoint_keeps_its_own_query_and_the_client_its_own_name() {
    let text = include_str!("../fixtures/plain.toml")
        .replace("[client]\n", "[client]\nid_parameter = \"client_key\"\n");
    let spec = Spec::parse(&text).unwrap();
    let registration = registration("plain");
    let scopes = [ScopeName::from_static("notes")];
    let state = State::copy_from(b"fake-state");
    let verifier = Verifier::copy_from(VERIFIER.as_bytes());
    let mut ask = AuthorizeAsk::new(&scopes, REDIRECT, &state);
    ask.verifier = Some(&verifier);
    let url = Generic::new(spec.clone()).authorize(&context(&spec, &registration), &ask);
    let url = url.unwrap().into_url();
    assert_eq!(all(&url, "tenant"), ["1"]);
    assert_eq!(all(&url, "client_key"), ["fake-client"]);
    assert!(all(&url, "client_id").is_empty());
    assert_eq!(all(&url, "scope"), ["notes"]);
}

#[test]
fn a_scope_outside_the_catalogue_is_refused_by_name() {
    let (spec, registration) = (spec(""), registration("example"));
    let scopes = [ScopeName::from_static("mail")];
    let state = State::copy_from(b"fake-state");
    let ask = AuthorizeAsk::new(&scopes, REDIRECT, &state);
    let error = Generic::new(spec.clone()).authorize(&context(&spec, &registration), &ask);
    assert!(error.unwrap_err().to_string().contains("`mail` is not in the catalogue"));
}

#[test]
fn the_address_of_a_flow_is_not_printed() {
    let (spec, registration) = (spec(""), registration("example"));
    let state = State::copy_from(b"fake-state");
    let verifier = Verifier::copy_from(VERIFIER.as_bytes());
    let mut ask = AuthorizeAsk::new(&[], REDIRECT, &state);
    ask.verifier = Some(&verifier);
    let url = Generic::new(spec.clone()).authorize(&context(&spec, &registration), &ask).unwrap();
    assert_eq!(format!("{url:?}"), "AuthorizationUrl([redacted])");
    assert!(url.as_str().contains("fake-state"));
}

#[test]
fn a_person_is_asked_anew_only_where_a_refresh_token_has_to_come_of_it() {
    let spec = spec("[authorization]\nask_anew = { prompt = \"consent\" }");
    let registration = registration("example");
    let cx = context(&spec, &registration);
    let url = build(&spec, &cx, |_| {}).unwrap();
    assert_eq!(all(&url, "prompt"), [""; 0]);
    let url = build(&spec, &cx, |ask| ask.extra = &[("prompt", "select_account")]).unwrap();
    assert_eq!(all(&url, "prompt"), ["select_account"]);
    let url = build(&spec, &cx, |ask| ask.ask_anew = true).unwrap();
    assert_eq!(all(&url, "prompt"), ["consent"]);
    let twice = build(&spec, &cx, |ask| {
        ask.ask_anew = true;
        ask.extra = &[("prompt", "select_account")];
    });
    assert_eq!(twice.unwrap_err().kind(), ErrorKind::InvalidInput);
    let both = include_str!("../../specs/example-oidc.toml").to_owned()
        + "[authorization]\nparameters = { prompt = \"login\" }\nask_anew = { prompt = \"consent\" }\n";
    assert!(Spec::parse(&both).unwrap_err().to_string().contains("is sent always"));
}
