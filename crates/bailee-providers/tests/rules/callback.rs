use bailee_core::ScopeName;
use bailee_providers::{
    Callback, CallbackRefusal, FailureKind, Generic, HostileText, Outcome, Provider, QUERY_LIMIT,
    Spec,
};

use crate::support::{context, registration, spec};

const ISSUER: &str = "https://login.example.test";

fn read(spec: &Spec, query: &str) -> Result<Callback, CallbackRefusal> {
    let registration = registration("example");
    Generic::new(spec.clone()).callback(&context(spec, &registration), query)
}

#[test]
fn call_02_each_parameter_stands_at_most_once_and_code_and_error_exclude_each_other() {
    let spec = spec("");
    for (query, refusal) in [
        ("code=a&code=b&state=s", CallbackRefusal::Duplicate),
        ("code=a&c%6Fde=a&state=s", CallbackRefusal::Duplicate),
        ("code=a&state=s&state=s", CallbackRefusal::Duplicate),
        ("code=a&state=s&iss=i&iss=i", CallbackRefusal::Duplicate),
        ("error=a&error=a&state=s", CallbackRefusal::Duplicate),
        ("error=a&error_description=a&error_description=b&state=s", CallbackRefusal::Duplicate),
        ("error=a&error_uri=a&error_uri=b&state=s", CallbackRefusal::Duplicate),
        ("code=a&error=access_denied&state=s", CallbackRefusal::Both),
        ("state=s", CallbackRefusal::Neither),
        ("code=&state=s", CallbackRefusal::Neither),
        ("code=a", CallbackRefusal::NoState),
        ("code=a&state=", CallbackRefusal::NoState),
        ("", CallbackRefusal::NoState),
        ("code=a&state=s&iss=%ff", CallbackRefusal::Malformed),
    ] {
        assert_eq!(read(&spec, query).unwrap_err(), refusal, "{query}");
    }
    let long = format!("code=a&state=s&x={}", "y".repeat(QUERY_LIMIT));
    assert_eq!(read(&spec, &long).unwrap_err(), CallbackRefusal::TooLong);
    // What is not known is not looked at.
    assert!(read(&spec, "code=a&state=s&x=1&x=2&&session_state=y&scope=z").is_ok());
}

#[test]
fn a_code_is_decoded_exactly_once() {
    let spec = spec("");
    for (query, expected) in [
        ("code=fake%2A%21&state=s", "fake*!"),
        ("code=fake%252A&state=s", "fake%2A"),
        ("code=fake+a&state=s", "fake a"),
        ("code=fake%2Ba&state=s", "fake+a"),
        ("code=fake%zz&state=s", "fake%zz"),
    ] {
        let Outcome::Code { code, .. } = read(&spec, query).unwrap().outcome else {
            panic!("{query} is no code")
        };
        assert!(code.expose(|code| code == expected.as_bytes()), "{query}");
    }
}

#[test]
fn call_07_the_issuer_is_compared_byte_for_byte_in_successes_and_errors() {
    let spec = spec("");
    for outcome in ["code=a", "error=access_denied"] {
        let check = |iss: &str| {
            let query = format!("{outcome}&state=s&iss={iss}");
            read(&spec, &query).unwrap().check_issuer(&spec, Some(ISSUER))
        };
        assert_eq!(check("https%3A%2F%2Flogin.example.test"), Ok(()));
        assert_eq!(check("https://login.example.test"), Ok(()));
        for other in [
            "https://login.example.test/",
            "https://LOGIN.example.test",
            "HTTPS://login.example.test",
            "https://login.example.test:443",
            "https://login%2eexample.test%20",
            "https%253A%252F%252Flogin.example.test",
            "https://evil.example.test",
            "",
        ] {
            assert_eq!(check(other), Err(CallbackRefusal::IssuerMismatch), "{other}");
        }
    }
}

#[test]
fn call_07_an_issuer_that_is_promised_has_to_be_there() {
    let file = include_str!("../../specs/example-oidc.toml");
    let silent = Spec::parse(file).unwrap();
    let promised = Spec::parse(&format!("iss_in_callback = true\n{file}")).unwrap();
    for query in ["code=a&state=s", "error=access_denied&state=s"] {
        let callback = read(&silent, query).unwrap();
        assert_eq!(callback.check_issuer(&silent, Some(ISSUER)), Ok(()));
        let missing = callback.check_issuer(&promised, Some(ISSUER));
        assert_eq!(missing, Err(CallbackRefusal::IssuerMissing));
    }
    // One that nobody expects is compared all the same, with nothing.
    let named = read(&silent, "code=a&state=s&iss=https://login.example.test").unwrap();
    assert_eq!(named.check_issuer(&silent, None), Err(CallbackRefusal::IssuerMismatch));
}

#[test]
fn call_08_what_a_provider_writes_is_tamed_and_not_printed() {
    let hostile = "<script>\r\n\"quoted\" \\back \u{202e}bidi \u{0}nul \u{7f}";
    let tamed = HostileText::tame(hostile.as_bytes());
    assert_eq!(tamed.as_str(), "<script>quoted back bidi nul ");
    assert_eq!(HostileText::tame(&vec![b'x'; 1 << 20]).as_str().len(), 256);
    assert_eq!(format!("{tamed:?}"), "HostileText([redacted])");

    let spec = spec("");
    let query = "error=fake-code&error_description=fake%0d%0atext&error_uri=https://fake&state=s";
    let callback = read(&spec, query).unwrap();
    assert!(!format!("{callback:?}").contains("fake"), "{callback:?}");
    let Outcome::Refused { failure, description } = callback.outcome else { panic!("no refusal") };
    assert_eq!(failure.kind, FailureKind::Malformed);
    assert_eq!(failure.code, None);
    assert_eq!(description.unwrap().as_str(), "faketext");
}

#[test]
fn a_refusal_of_the_person_is_told_from_the_others() {
    let spec = spec("");
    for (code, kind) in [
        ("access_denied", FailureKind::PersonRefused),
        ("login_required", FailureKind::GrantOver),
        ("invalid_scope", FailureKind::ClientConfiguration),
        ("temporarily_unavailable", FailureKind::Unavailable),
    ] {
        let callback = read(&spec, &format!("error={code}&state=s")).unwrap();
        let Outcome::Refused { failure, .. } = callback.outcome else { panic!("no refusal") };
        assert_eq!(failure.kind, kind, "{code}");
        assert_eq!(failure.code.unwrap().as_str(), code);
    }
}

#[test]
fn scopes_of_a_callback_are_read_where_the_spec_names_them() {
    let spec = spec("[scopes]\nseparator = \",\"\ncallback_parameter = \"scopes\"");
    let callback = read(&spec, "code=a&state=s&scopes=openid%2Cnotes").unwrap();
    let Outcome::Code { scopes, .. } = callback.outcome else { panic!("no code") };
    assert_eq!(scopes.unwrap(), ["openid", "notes"].map(ScopeName::from_static));
    let twice = read(&spec, "code=a&state=s&scopes=a&scopes=b").unwrap_err();
    assert_eq!(twice, CallbackRefusal::Duplicate);
}

#[test]
fn debug_shows_nothing_of_what_came() {
    let spec = spec("[scopes]\ncallback_parameter = \"granted\"");
    for query in [
        "code=fake-1&state=fake-2&iss=fake-3&granted=fake-4",
        "error=fake-1&state=fake-2&iss=fake-3&error_description=fake-4",
    ] {
        let printed = format!("{:?}", read(&spec, query).unwrap());
        assert!(!printed.contains("fake"), "{printed}");
    }
}
