use std::time::Duration;

use bailee_core::{CredentialName, ErrorKind, Remedy, ScopeName};
use bailee_providers::{
    Alive, Answer, Authorization, BasicEncoding, Context, CredentialFacts, ExchangeAsk, Failure,
    FailureKind, GrantFacts, Json, Operation, Paged, Payload, Provider, Request, RevokePlan, Value,
    airtable::{Airtable, CreateRecords, ListBases, ListRecords},
    spec::{LimitScope, Pkce, RefreshClass, RevokeStyle},
};
use serde::{Deserialize, Serialize};

use crate::support::{address, context, drive, json, registration};

const BASE: &str = "appFake00000001";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Task {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "Count", default)]
    count: Option<f64>,
}

fn airtable<T>(act: impl FnOnce(&Airtable, &Context<'_>) -> T) -> T {
    let (provider, registration) = (Airtable::new(), registration("airtable"));
    let cx = context(provider.spec(), &registration);
    act(&provider, &cx)
}

fn facts() -> CredentialFacts {
    CredentialFacts::new(CredentialName::from_static("user"), Vec::new()).with_refresh(None)
}

#[test]
fn the_facts_are_those_of_the_pages() {
    let provider = Airtable::new();
    let spec = provider.spec();
    let url = |url: &Option<url::Url>| url.as_ref().unwrap().as_str().to_owned();
    assert_eq!(url(&spec.endpoints.authorization), "https://airtable.com/oauth2/v1/authorize");
    assert_eq!(url(&spec.endpoints.token), "https://airtable.com/oauth2/v1/token");
    assert_eq!(url(&spec.endpoints.userinfo), "https://api.airtable.com/v0/meta/whoami");
    assert_eq!(spec.endpoints.revocation, None);
    assert_eq!(spec.pkce.web, Pkce::S256);
    assert_eq!(spec.refresh.class, RefreshClass::Strict);
    assert_eq!(spec.refresh.idle_limit, Some(Duration::from_secs(60 * 86_400)));
    assert_eq!(spec.revoke.style, RevokeStyle::None);
    assert_eq!(spec.rate_limit.scope, LimitScope::Account);
    airtable(|airtable, cx| {
        assert_eq!(airtable.revoke_plan(cx, &facts()), RevokePlan::Impossible);
    });
}

#[test]
fn a_registration_may_call_oauth_by_the_other_name() {
    let values = [("site".to_owned(), "www.airtable.com".to_owned())].into();
    let spec = Airtable::new().spec().with_variables(&values).unwrap();
    let token = spec.endpoints.token.as_ref().unwrap();
    assert_eq!(token.as_str(), "https://www.airtable.com/oauth2/v1/token");
    assert_eq!(spec.hosts, ["www.airtable.com", "api.airtable.com"]);
}

#[test]
fn tok_01_a_secret_goes_by_basic_and_a_client_without_one_names_itself() {
    let provider = Airtable::new();
    for (registration, basic) in
        [(registration("airtable"), true), (registration("airtable").public(), false)]
    {
        let cx = context(provider.spec(), &registration);
        let ask = ExchangeAsk { redirect_uri: "https://app.example.test/cb", pkce: true };
        let token = json(
            200,
            r#"{"token_type":"Bearer","expires_in":3600,"access_token":"oaafake",
            "refresh_token":"oarfake","refresh_expires_in":5184000,"scope":"data.records:read"}"#,
        );
        let (requests, grant) = drive(&mut *provider.exchange(&cx, &ask), vec![token]);
        let credential = grant.unwrap().credentials.remove(0);
        assert_eq!(credential.refresh_expires_in, Some(Duration::from_secs(60 * 86_400)));
        let Payload::Form(fields) = &requests[0].payload else { panic!("no form") };
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_ref()).collect();
        let mut expected = vec!["grant_type", "code", "redirect_uri", "code_verifier"];
        expected.extend((!basic).then_some("client_id"));
        assert_eq!(names, expected);
        let header = Authorization::ClientBasic(BasicEncoding::Rfc6749);
        assert_eq!(requests[0].authorization == header, basic);
    }
}

#[test]
fn ref_10_two_refreshes_at_a_time_say_nothing_about_the_grant() {
    use FailureKind::{ClientConfiguration, GrantOver, Unavailable};
    for (status, code, kind) in [
        (400, "invalid_grant", GrantOver),
        (401, "invalid_client", ClientConfiguration),
        (409, "invalid_grant", Unavailable),
        (503, "invalid_grant", Unavailable),
    ] {
        let refused = json(status, &format!(r#"{{"error":"{code}"}}"#));
        let failure =
            airtable(|airtable, cx| drive(&mut *airtable.refresh(cx, &facts()), vec![refused]).1);
        assert_eq!(failure.unwrap_err().kind, kind, "{status} {code}");
    }
}

#[test]
fn tok_06_a_person_has_an_id_and_no_name() {
    let identify = |body: &str| {
        airtable(|airtable, cx| {
            let step = &mut *airtable.identity(cx, &GrantFacts::new(Vec::new()), None, None);
            drive(step, vec![json(200, body)]).1
        })
    };
    let account =
        identify(r#"{"id":"usrFake1","email":"ada@person.example","scopes":[]}"#).unwrap();
    assert_eq!((account.id.kind(), account.id.value()), ("user_id", "usrFake1"));
    assert_eq!(account.display.as_deref(), Some("ada@person.example"));
    assert_eq!(identify(r#"{"id":"usrFake1"}"#).unwrap().display, None);
    airtable(|airtable, cx| {
        let dead = json(401, r#"{"error":{"type":"AUTHENTICATION_REQUIRED"}}"#);
        assert_eq!(drive(&mut *airtable.liveness(cx), vec![dead]).1, Ok(Alive::No));
    });
}

#[test]
fn errors_are_objects_or_texts() {
    use FailureKind::{AccessRejected, Blocked, InvalidInput, RateLimited, Unavailable};
    for (status, code, kind) in [
        (401, "AUTHENTICATION_REQUIRED", AccessRejected),
        (401, "FAKE_CODE", AccessRejected),
        (403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", Blocked),
        (403, "FAKE_CODE", Blocked),
        (404, "NOT_FOUND", InvalidInput),
        (422, "INVALID_VALUE_FOR_COLUMN", InvalidInput),
        (422, "FAKE_CODE", InvalidInput),
        (429, "RATE_LIMIT_REACHED", RateLimited),
        (429, "PUBLIC_API_BILLING_LIMIT_EXCEEDED", Blocked),
        (500, "PUBLIC_API_BILLING_LIMIT_EXCEEDED", Unavailable),
        (200, "NOT_FOUND", InvalidInput),
        (200, "FAKE_CODE", Blocked),
    ] {
        for body in [
            format!(r#"{{"error":{{"type":"{code}","message":"fake"}}}}"#),
            format!(r#"{{"error":"{code}"}}"#),
            format!(r#"{{"errors":[{{"error":"{code}","message":"fake"}}]}}"#),
        ] {
            let failure = airtable(|airtable, cx| airtable.classify(cx, &json(status, &body)));
            let failure = failure.unwrap();
            assert_eq!(failure.kind, kind, "{status} {body}");
            assert!(!format!("{failure:?}").to_lowercase().contains("fake"), "{failure:?}");
        }
    }
    let limited = airtable(|airtable, cx| airtable.classify(cx, &json(429, "")));
    assert_eq!(limited.unwrap().remedy(), Remedy::Wait(Duration::from_secs(30)));
    let found = airtable(|airtable, cx| airtable.classify(cx, &json(200, r#"{"records":[]}"#)));
    assert_eq!(found, None);
    let old = json(422, r#"{"error":{"type":"LIST_RECORDS_ITERATOR_NOT_AVAILABLE"}}"#);
    let failure = airtable(|airtable, cx| airtable.classify(cx, &old)).unwrap();
    assert_eq!(failure.code.unwrap().as_str(), "LIST_RECORDS_ITERATOR_NOT_AVAILABLE");
}

fn start<O: Operation>(
    operation: &O,
    answers: Vec<Answer>,
) -> (Vec<Request>, Result<O::Output, Failure>) {
    airtable(|_, cx| drive(&mut *operation.start(cx), answers))
}

#[test]
fn bases_come_page_by_page() {
    let page = r#"{"bases":[{"id":"appA","name":"Fake plan","permissionLevel":"create"}],
        "offset":"itr1"}"#;
    let (requests, first) = start(&ListBases::new(), vec![json(200, page)]);
    assert_eq!(address(&requests[0]), "https://api.airtable.com/v0/meta/bases");
    let first = first.unwrap();
    assert_eq!(first.items[0].permission_level.as_deref(), Some("create"));
    assert!(!format!("{first:?} {:?}", first.items[0]).contains("plan"));
    let second = ListBases::new().after(first.next.unwrap());
    let (requests, second) = start(&second, vec![json(200, r#"{"bases":[]}"#)]);
    assert_eq!(requests[0].query, [("offset".into(), Value::text("itr1"))]);
    assert_eq!(second.unwrap().next, None);
}

#[test]
fn records_are_read_into_the_host_s_type_and_what_was_asked_for_stays() {
    let list = ListRecords::<Task>::new(BASE, "My tasks/2026")
        .page_size(2)
        .view("All")
        .filter_by_formula("{Name}='a&b'")
        .field("Name")
        .field("Count")
        .sorted_by("Name")
        .sorted_down_by("Count");
    let page = r#"{"records":[
        {"id":"rec1","createdTime":"2026-01-01T00:00:00.000Z","fields":{"Name":"One","Count":2}},
        {"id":"rec2","fields":{"Name":"Two","Other":[1,{}]}}],"offset":"itr2/rec2"}"#;
    let (requests, first) = start(&list, vec![json(200, page)]);
    let path = format!("https://api.airtable.com/v0/{BASE}/My%20tasks%2F2026");
    assert_eq!(address(&requests[0]), path);
    let first = first.unwrap();
    assert_eq!(first.items[0].fields, Task { name: "One".into(), count: Some(2.0) });
    assert_eq!(first.items[1].fields.count, None);
    assert!(!format!("{:?} {list:?}", first.items).contains("One"));
    let (again, _) = start(&list.after(first.next.unwrap()), vec![json(200, r#"{"records":[]}"#)]);
    let mut query = requests[0].query.clone();
    let named: Vec<&str> = query.iter().map(|(name, _)| name.as_ref()).collect();
    let expected = [
        "fields[]",
        "fields[]",
        "sort[0][field]",
        "sort[1][field]",
        "sort[1][direction]",
        "view",
        "filterByFormula",
        "pageSize",
    ];
    assert_eq!(named, expected);
    query.push(("offset".into(), Value::text("itr2/rec2")));
    assert_eq!(again[0].query, query);
    // A row of another form than the host's is an answer that cannot be read.
    let odd = page.replace(r#""Name":"Two""#, r#""Name":2"#);
    assert_eq!(start(&list, vec![json(200, &odd)]).1.unwrap_err().kind, FailureKind::Malformed);
}

#[test]
fn ten_records_are_created_at_most_and_each_is_an_object() {
    let task = |name: &str| Task { name: name.into(), count: None };
    let create = CreateRecords::new(BASE, "tblFake1").typecast();
    let create = create.record(&task("One")).unwrap().record(&task("Two")).unwrap();
    let done = r#"{"records":[{"id":"rec1","fields":{}},{"id":"rec2","fields":{}}]}"#;
    let (requests, ids) = start(&create, vec![json(200, done)]);
    assert_eq!(ids.unwrap(), ["rec1", "rec2"]);
    let body = serde_json::json!({
        "records": [
            {"fields": {"Name": "One", "Count": null}},
            {"fields": {"Name": "Two", "Count": null}},
        ],
        "typecast": true,
    });
    assert_eq!(requests[0].payload, Payload::Json(Json::of(&body).unwrap()));
    assert!(!format!("{create:?}").contains("One"));
    // One that is missing in the answer is nobody's.
    let fewer = r#"{"records":[{"id":"rec1"}]}"#;
    let refused = start(&create, vec![json(200, fewer)]).1.unwrap_err();
    assert_eq!(refused.kind, FailureKind::Malformed);
    let mut full = CreateRecords::new(BASE, "tblFake1");
    for n in 0..10 {
        full = full.record(&task(&n.to_string())).unwrap();
    }
    assert_eq!(full.record(&task("more")).unwrap_err().kind(), ErrorKind::InvalidInput);
    let list = CreateRecords::new(BASE, "tblFake1").record(&[1, 2]);
    assert_eq!(list.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn what_cannot_be_asked_is_refused_before_anything_leaves() {
    let list = |base: &str, table: &str| ListRecords::<Task>::new(base, table);
    for wrong in [
        list("meta", "bases"),
        list("app", "x"),
        list("appA/../meta", "x"),
        list(BASE, ""),
        list(BASE, ".."),
        list(BASE, "x").page_size(0),
        list(BASE, "x").page_size(101),
    ] {
        let (requests, outcome) = start(&wrong, Vec::new());
        assert!(requests.is_empty());
        assert_eq!(outcome.unwrap_err().kind, FailureKind::InvalidInput);
    }
    let (requests, outcome) = start(&CreateRecords::new(BASE, "x"), Vec::new());
    assert!(requests.is_empty() && outcome.is_err());
}

#[test]
fn operations_fit_the_spec() {
    let provider = Airtable::new();
    for facts in [
        ListBases::new().facts(),
        ListRecords::<Task>::new(BASE, "x").facts(),
        CreateRecords::new(BASE, "x").facts(),
    ] {
        facts.check(provider.spec()).unwrap();
    }
    let records = ScopeName::from_static("data.records:read");
    assert!(provider.spec().scope(&records).is_some());
}

#[cfg(feature = "conformance")]
#[test]
fn airtable_conforms() {
    let secret = registration("airtable");
    bailee_providers::conformance::check(&Airtable::new(), &secret);
    bailee_providers::conformance::check(&Airtable::new(), &secret.public());
}
