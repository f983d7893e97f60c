use bailee_core::{CredentialName, Effect, ProviderId, ScopeName};
use bailee_providers::{
    Answer, Context, Endpoint, Failure, FailureKind, Generic, JsonCall, Operation, OperationFacts,
    Provider, Spec, Step, Value,
};
use http::Method;
use serde::Deserialize;

use crate::support::{address, answer, context, drive, json, registration, spec};

static LIST_NOTES: OperationFacts = OperationFacts {
    name: "example.list_notes",
    provider: ProviderId::from_static("example"),
    scopes: &[ScopeName::from_static("notes")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/folders/{folder}/notes",
    sends: &[],
    reads: &["content"],
    credential: CredentialName::from_static("user"),
};

const MAIL: &[ScopeName] = &[ScopeName::from_static("mail")];

struct ListNotes {
    folder: String,
}

#[derive(Deserialize)]
struct Page {
    notes: Vec<String>,
}

impl Operation for ListNotes {
    type Output = Vec<String>;

    fn facts(&self) -> &OperationFacts {
        &LIST_NOTES
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Vec<String>>> {
        JsonCall::new(cx, &LIST_NOTES)
            .part("folder", &self.folder)
            .query("limit", "10")
            .read(|page: Page| Ok(page.notes))
    }
}

fn call(
    folder: &str,
    reply: Answer,
) -> (Vec<bailee_providers::Request>, Result<Vec<String>, Failure>) {
    let (spec, registration) = (spec(""), registration("example"));
    let operation = ListNotes { folder: folder.into() };
    drive(&mut *operation.start(&context(&spec, &registration)), vec![reply])
}

#[test]
fn an_operation_costs_a_host_ten_lines() {
    let (requests, notes) = call("inbox", json(200, r#"{"notes":["a","b"],"more":true}"#));
    assert_eq!(notes.unwrap(), ["a", "b"]);
    let request = &requests[0];
    assert_eq!(address(request), "https://login.example.test/api/folders/inbox/notes");
    assert_eq!(request.query, [("limit".into(), Value::text("10"))]);
    assert_eq!(request.endpoint, Endpoint::Api);
    assert_eq!(request.authorization, bailee_providers::Authorization::Bearer);
}

#[test]
fn out_04_a_part_of_a_path_stays_one_segment() {
    let reply = || json(200, r#"{"notes":[]}"#);
    for (folder, path) in [
        ("a/b", "/api/folders/a%2Fb/notes"),
        ("../../admin", "/api/folders/%2E%2E%2F%2E%2E%2Fadmin/notes"),
        ("a?b#c", "/api/folders/a%3Fb%23c/notes"),
        ("\\evil", "/api/folders/%5Cevil/notes"),
        ("é", "/api/folders/%C3%A9/notes"),
        ("{x}", "/api/folders/%7Bx%7D/notes"),
    ] {
        let (requests, _) = call(folder, reply());
        let address = address(&requests[0]);
        assert_eq!(address, format!("https://login.example.test{path}"), "{folder}");
    }
    for folder in ["", ".", "..", "..."] {
        let (requests, outcome) = call(folder, reply());
        assert!(requests.is_empty(), "{folder}");
        assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidInput, "{folder}");
    }
}

#[test]
fn an_answer_that_does_not_fit_is_malformed_and_not_repeated() {
    for body in ["", "[]", r#"{"notes":"fake-secret"}"#, r#"{"notes":["a"]"#] {
        let failure = call("a", json(200, body)).1.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Malformed, "{body}");
        assert!(!format!("{failure:?}").contains("fake"));
    }
    let page = answer(200, &[("content-type", "text/html")], br#"{"notes":[]}"#);
    assert!(call("a", page).1.is_err());
}

#[test]
fn answers_of_an_api_are_classified_by_rfc_6750_and_then_by_status() {
    let (spec, registration) = (spec(""), registration("example"));
    let provider = Generic::new(spec.clone());
    let cx = context(&spec, &registration);
    let classify = |status: u16, challenge: &str| {
        let answer = answer(status, &[("www-authenticate", challenge)], b"");
        provider.classify(&cx, &answer).map(|failure| failure.kind)
    };
    use FailureKind::*;
    for (status, challenge, kind) in [
        (200, "", None),
        (204, "", None),
        (401, "", Some(AccessRejected)),
        (401, r#"Bearer error="invalid_token""#, Some(AccessRejected)),
        (403, r#"Bearer error="insufficient_scope", scope="a""#, Some(ScopeMissing)),
        (401, r#"Bearer error="insufficient_user_authentication""#, Some(GrantOver)),
        (400, r#"Bearer error="invalid_request""#, Some(InvalidInput)),
        (403, "", Some(Blocked)),
        (403, r#"Bearer error="who knows""#, Some(Blocked)),
        (404, "", Some(InvalidInput)),
        (422, "", Some(InvalidInput)),
        (429, "", Some(RateLimited)),
        (408, "", Some(Unavailable)),
        (500, r#"Bearer error="invalid_token""#, Some(Unavailable)),
        (302, "", Some(Malformed)),
    ] {
        assert_eq!(classify(status, challenge), kind, "{status} {challenge}");
    }
}

#[test]
fn an_operation_whose_scope_is_not_in_the_catalogue_is_refused() {
    let spec = spec("");
    assert!(LIST_NOTES.check(&spec).is_ok());
    let refused = |facts: OperationFacts, expected: &str| {
        let error = facts.check(&spec).unwrap_err();
        assert!(error.detail().unwrap().contains(expected), "{error}");
    };
    let facts = || LIST_NOTES.clone();
    refused(OperationFacts { scopes: MAIL, ..facts() }, "the scope `mail` is not in the catalogue");
    refused(
        OperationFacts { provider: ProviderId::from_static("other"), ..facts() },
        "it is of another provider",
    );
    refused(OperationFacts { name: "list_notes", ..facts() }, "does not begin with the provider's");
    refused(OperationFacts { path: "notes", ..facts() }, "does not begin with a slash");
    refused(OperationFacts { reads: &[""], ..facts() }, "a category is empty");
    let without =
        include_str!("../fixtures/openid.toml").replace("id = \"openid\"", "id = \"example\"");
    let without = without.replace("name = \"openid\"", "name = \"notes\"");
    let error = LIST_NOTES.check(&Spec::parse(&without).unwrap()).unwrap_err();
    assert!(error.detail().unwrap().contains("no `api` address"));
}

#[test]
fn an_operation_can_lie_at_another_of_the_providers_addresses() {
    let spec = spec("[apis]\nmail = \"https://login.example.test/mail\"");
    let registration = registration("example");
    let cx = context(&spec, &registration);
    let call = |name: &str| JsonCall::new(&cx, &LIST_NOTES).part("folder", "f").at(name);
    let request = call("mail").into_request().unwrap();
    assert_eq!(address(&request), "https://login.example.test/mail/folders/f/notes");
    assert_eq!(call("unknown").into_request().unwrap_err().kind, FailureKind::Unsupported);
    let file = include_str!("../../specs/example-oidc.toml").to_owned();
    let elsewhere = file + "[apis]\nmail = \"https://evil.test\"\n";
    let error = Spec::parse(&elsewhere).unwrap_err();
    assert!(error.to_string().contains("on a host that is not listed"), "{error}");
}
