//! Every provider of ours passes the list, and the list finds what is wrong with others.

use bailee_core::{ProviderId, RegistrationId};
use bailee_providers::{
    Context, Endpoint, ExchangeAsk, Failure, Generic, Grant, Input, Next, Provider, Registration,
    Request, Spec, Step,
    conformance::{Samples, check, findings},
    spec::ClientAuthentication,
};

const OIDC: &str = include_str!("../../specs/example-oidc.toml");
const KEYS: &str = include_str!("../fixtures/keys.toml");
const PLAIN: &str = include_str!("../fixtures/plain.toml");

fn registration(provider: &'static str) -> Registration {
    Registration::new(
        RegistrationId::from_static("test"),
        ProviderId::from_static(provider),
        "fake-client",
    )
}

#[test]
fn a_provider_from_toml_alone_conforms() {
    let provider = Generic::new(Spec::parse(OIDC).unwrap());
    check(&provider, &registration("example"));
    check(&provider, &registration("example").public());
    for authentication in [ClientAuthentication::Post, ClientAuthentication::PrivateKeyJwt] {
        check(&provider, &registration("example").authentication(authentication));
    }
}

#[test]
fn a_provider_without_openid_and_with_form_answers_conforms() {
    let provider = Generic::new(Spec::parse(PLAIN).unwrap());
    check(&provider, &registration("plain"));
}

#[test]
fn a_provider_of_entered_keys_conforms() {
    let entered = || {
        let provider = ProviderId::from_static("keys");
        Registration::entered(RegistrationId::from_static("test"), provider)
    };
    check(&Generic::new(Spec::parse(KEYS).unwrap()), &entered());
    // One that says whose key it is, and reads it as a bearer token.
    let whose = KEYS.replace("header = \"x-api-key\"\n", "").replace(
        "\"fingerprint\"",
        "\"endpoint\"\nid = \"/organisation\"\nid_kind = \"organisation\"",
    );
    check(&Generic::new(Spec::parse(&whose).unwrap()), &entered());
}

/// Asks whose key it is without the key.
#[derive(Debug)]
struct Keyless(Generic);

impl Provider for Keyless {
    fn spec(&self) -> &Spec {
        self.0.spec()
    }

    fn liveness(&self, cx: &Context<'_>) -> Box<dyn Step<bailee_providers::Alive>> {
        struct Ask(bailee_providers::Request);
        impl Step<bailee_providers::Alive> for Ask {
            fn next(&mut self, _: Input) -> Result<Next<bailee_providers::Alive>, Failure> {
                Ok(Next::Send(self.0.clone()))
            }
        }
        let url = cx.spec.endpoints.userinfo.clone().unwrap();
        let read = bailee_core::Effect::Read;
        Box::new(Ask(Request::new(http::Method::GET, url, Endpoint::Identity, read).with_bearer()))
    }
}

#[test]
fn the_list_finds_a_key_in_the_wrong_place() {
    let provider = Keyless(Generic::new(Spec::parse(KEYS).unwrap()));
    let found = findings(&provider, &registration("keys").public(), &Samples::of(provider.spec()));
    assert!(found.iter().any(|what| what == "liveness: the key is not where the spec has it"));
}

#[cfg(feature = "tiktok")]
#[test]
fn tiktok_conforms_on_the_web_and_on_the_desktop() {
    let provider = bailee_providers::tiktok::TikTok::new();
    check(&provider, &registration("tiktok"));
    check(&provider, &registration("tiktok").platform(bailee_providers::Platform::Desktop));
}

#[cfg(feature = "instagram")]
#[test]
fn instagram_conforms_with_either_form_of_its_answers() {
    let provider = bailee_providers::instagram::Instagram::new();
    check(&provider, &registration("instagram"));
    let mut samples = Samples::of(provider.spec());
    samples.exchange = r#"{"data":[{"access_token":"fake-access-token","user_id":"fake-account-1",
        "permissions":["instagram_business_basic"]}]}"#
        .into();
    samples.identity = r#"{"data":[{"id":"26","user_id":"fake-account-1","username":"Somebody",
        "account_type":"Media_Creator"}]}"#
        .into();
    bailee_providers::conformance::check_with(&provider, &registration("instagram"), &samples);
}

#[test]
fn the_list_names_facts_that_are_missing() {
    let bare = r#"
        id = "bare"
        title = "Bare"
        checked = "2026-11-21"
        pages = []
        hosts = ["bare.example.test"]
        [endpoints]
        authorization = "https://bare.example.test/authorize"
        token = "https://bare.example.test/token"
        userinfo = "https://bare.example.test/me"
        [identity]
        source = "endpoint"
        id = "/id"
        id_kind = "email"
    "#;
    let spec = Spec::parse(bare).unwrap();
    let found = findings(&Generic::new(spec.clone()), &registration("bare"), &Samples::of(&spec));
    for missing in [
        "no page is named",
        "the refresh class is stated without its page",
        "how to withdraw",
        "the catalogue of scopes is empty",
        "`email` is no kind of id that stays",
        "`statements.rotation` is missing",
    ] {
        assert!(found.iter().any(|what| what.contains(missing)), "{missing}: {found:?}");
    }
}

/// An adapter that gets the exchange wrong: it repeats what it read, believes every answer, and
/// puts the code into the address.
#[derive(Debug)]
struct Careless(Spec);

impl Provider for Careless {
    fn spec(&self) -> &Spec {
        &self.0
    }

    fn exchange(&self, cx: &Context<'_>, _ask: &ExchangeAsk<'_>) -> Box<dyn Step<Grant>> {
        struct Once(Request);
        impl Step<Grant> for Once {
            fn next(&mut self, input: Input) -> Result<Next<Grant>, Failure> {
                match input {
                    Input::Start => Ok(Next::Send(self.0.clone())),
                    Input::Answer(answer) => {
                        let body = String::from_utf8_lossy(&answer.body).into_owned();
                        let code = bailee_core::ProviderCode::known(body);
                        Err(Failure::new(bailee_providers::FailureKind::GrantOver).with_code(code))
                    }
                    _ => unreachable!(),
                }
            }
        }
        let url = cx.spec.endpoints.token.clone().unwrap();
        let request =
            Request::new(http::Method::GET, url, Endpoint::Token, bailee_core::Effect::Read);
        let code = bailee_providers::Value::Secret(bailee_providers::SecretRef::Code);
        Box::new(Once(request.with_query("code", code)))
    }
}

#[test]
fn the_list_finds_an_adapter_that_echoes_and_believes() {
    let spec = Spec::parse(PLAIN).unwrap();
    let found = findings(&Careless(spec.clone()), &registration("plain"), &Samples::of(&spec));
    for wrong in [
        "exchange: it is no POST to the token endpoint",
        "exchange: a secret is in the query",
        "exchange: Code is not sent",
        "exchange: an echo with 200: what the answer says is printed",
        "exchange: 429: it is GrantOver and should be RateLimited",
    ] {
        assert!(found.iter().any(|what| what.contains(wrong)), "{wrong}: {found:#?}");
    }
}

#[cfg(feature = "every-provider")]
#[test]
fn every_provider_that_its_facts_describe_passes_the_list() {
    let files = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let mut passed = 0;
    for adapter in bailee_providers::compiled_in() {
        let id = adapter.spec().id.clone();
        // The two beside them differ in a step each, which the list takes as it is.
        let near = ["shopify", "stripe"].contains(&id.as_str());
        if !(near || files.join(format!("{id}.toml")).is_file()) {
            continue;
        }
        let registration =
            Registration::new(RegistrationId::from_static("test"), id.clone(), "fake-client");
        let faults = findings(&*adapter, &registration, &Samples::of(adapter.spec()));
        assert!(faults.is_empty(), "{id}: {faults:#?}");
        passed += 1;
    }
    assert!(passed > 0);
}
