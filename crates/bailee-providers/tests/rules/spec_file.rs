use std::time::Duration;

use bailee_core::{ErrorKind, ScopeName};
use bailee_providers::{
    ErrorRow, FailureKind, Platform, Spec,
    spec::{LimitScope, Pkce, RefreshClass, ResetFormat, RevokeStyle},
};

const FILE: &str = include_str!("../../specs/example-oidc.toml");
const PLAIN: &str = include_str!("../fixtures/plain.toml");

fn fault(text: &str) -> String {
    let error = Spec::parse(text).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    error.detail().unwrap().to_owned()
}

#[test]
fn a_provider_is_a_file_of_less_than_sixty_lines() {
    assert!(FILE.lines().count() < 60);
    let spec = Spec::parse(FILE).unwrap();
    assert_eq!(spec.title, "Example Accounts");
    assert_eq!(spec.refresh.class, RefreshClass::Grace(Duration::from_secs(30)));
    assert_eq!(spec.refresh.idle_limit, Some(Duration::from_secs(30 * 24 * 3600)));
    assert_eq!(spec.pkce.for_platform(Platform::Web), Pkce::S256);
    assert_eq!(spec.revoke.style, RevokeStyle::Rfc7009);
    assert!(spec.scope(&ScopeName::from_static("notes.write")).is_some());
    assert!(spec.scope(&ScopeName::from_static("mail")).is_none());
}

#[test]
fn a_fault_is_told_with_its_line() {
    for (from, to, expected) in [
        ("title =", "titel =", "line 3: unknown field `titel`"),
        ("\"Example Accounts\"", "\" \"", "line 3: the title is empty"),
        (
            "checked = \"2026-11-21\"\npages",
            "checked = \"soon\"\npages",
            "line 4: `checked` is no date",
        ),
        (
            "\"api.example.test\"]",
            "\"API.example.test\"]",
            "line 8: `API.example.test` is not a host name",
        ),
        ("\"api.example.test\"]", "\"10.0.0.1\"]", "line 8: `10.0.0.1` is not a host name"),
        ("https://api.example.test/v1", "http://api.example.test/v1", "line 9: `api` is not https"),
        (
            "https://api.example.test/v1",
            "https://evil.test/v1",
            "line 9: `api` is on a host that is not listed",
        ),
        ("test/tenant1\"", "test/tenant1?x\"", "line 6: the issuer has a query"),
        (
            "source = \"openid\"",
            "source = \"token_answer\"",
            "line 11: identity by token answer needs `token.account_member`",
        ),
        ("source = \"openid\"", "source = \"magic\"", "line 12: unknown variant `magic`"),
        ("window_seconds = 30\n", "", "line 14: `window_seconds` belongs to the class `grace`"),
        ("name = \"profile\"", "name = \"openid\"", "line 27: the scope `openid` stands twice"),
        ("name = \"profile\"", "name = \"a b\"", "line 28:"),
        (
            "plain = \"see your name and picture\"",
            "plain = \"\"",
            "line 27: the scope `profile` lacks plain words",
        ),
        (
            "effect = \"read\"\n\n[[scope]]\nname = \"profile\"",
            "effect = \"maybe\"\n\n[[scope]]\nname = \"profile\"",
            "line 25: unknown variant `maybe`",
        ),
        ("[withdrawal]", "[withdrawal", "line 39:"),
    ] {
        assert!(FILE.contains(from), "{from}");
        let told = fault(&FILE.replacen(from, to, 1));
        assert!(told.contains(expected), "{expected}: {told}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let text = FILE
        .replace("\"Example Accounts\"", "\"\"")
        .replace("https://api.example.test/v1", "ftp://api.example.test")
        .replace("window_seconds = 30\n", "");
    let told = fault(&text);
    for line in ["line 3:", "line 9:", "line 14:"] {
        assert!(told.contains(line), "{line}: {told}");
    }
}

#[test]
fn what_contradicts_itself_is_refused() {
    for (from, to, expected) in [
        (
            "authorization = \"https://plain.example.test/authorize?tenant=1\"\n",
            "",
            "`endpoints.authorization` is missing",
        ),
        ("test/token\"", "test/token?x=1\"", "`token` has a query"),
        (
            "userinfo = \"https://api.plain.example.test/me\"\n",
            "",
            "identity by endpoint needs `endpoints.userinfo`",
        ),
        ("id = \"/data/id\"\n", "", "identity by endpoint needs `id` and `id_kind`"),
        ("id = \"/data/id\"", "id = \"data.id\"", "`data.id` is no pointer"),
        (
            "page = \"https://plain.example.test/docs/tokens\"\n",
            "",
            "a refresh class needs its `page`",
        ),
        (
            "[rate_limit]",
            "[revoke]\nstyle = \"rfc7009\"\n[rate_limit]",
            "a revoke style needs `endpoints.revocation`",
        ),
        ("[rate_limit]", "[pkce]\ndesktop = \"none\"\n[rate_limit]", "cannot do without PKCE"),
        (
            "[rate_limit]",
            "[scopes]\nseparator = \"+\"\n[rate_limit]",
            "separated by a space or a comma",
        ),
        (
            "[rate_limit]",
            "[scopes.covers]\nnotes = [\"fake\"]\n[rate_limit]",
            "`covers` names a scope that is not in the catalogue",
        ),
        (
            "[rate_limit]",
            "[[terms]]\ntitle = \"T\"\nurl = \"http://a.test\"\n[rate_limit]",
            "terms is not https",
        ),
        ("reset_header =", "remaining_header =", "`remaining_header` needs a `reset_header`"),
        ("reset_header =", "reset_format = \"rfc3339\" #", "needs a `reset_header`"),
        ("x-ratelimit-reset", "x ratelimit", "`x ratelimit` is not the name of a header"),
        ("[rate_limit]", "[rate_limit]\nrequests = 5", "`requests` in so many `seconds`"),
        ("[rate_limit]", "[rate_limit]\nrequests = 0\nseconds = 1", "lets nothing through"),
        ("[rate_limit]", "[rate_limit]\nscope = \"person\"", "unknown variant `person`"),
        (
            "id_kind = \"account\"",
            "id_kind = \"account\"\nsecret = \"x\"",
            "unknown field `secret`",
        ),
        ("pages =", "discover = true\npages =", "`discover` needs an `issuer`"),
        ("api =", "upload_hosts = [\"*.test\"]\napi =", "`*.test` is not a host name"),
        ("kind = \"rate_limited\"", "kind = \"whatever\"", "unknown variant `whatever`"),
    ] {
        assert!(PLAIN.contains(from), "{from}");
        let told = fault(&PLAIN.replacen(from, to, 1));
        assert!(told.contains(expected), "{expected}: {told}");
    }
}

#[test]
fn out_08_how_limits_are_told_and_counted_stands_in_the_spec() {
    let text = PLAIN
        .replacen(
            "reset_header = \"x-ratelimit-reset\"",
            "scope = \"account\"\nremaining_header = \"x-left\"\nreset_header = \"x-reset\"\n\
             reset_format = \"epoch_seconds\"\nrequests = 100\nseconds = 60",
            1,
        )
        .replacen("wait_seconds = 30", "wait_seconds = 30\nscope = \"registration\"", 1);
    let spec = Spec::parse(&text).unwrap();
    let facts = &spec.rate_limit;
    assert_eq!(facts.scope, LimitScope::Account);
    assert_eq!(facts.remaining_header.as_deref(), Some("x-left"));
    assert_eq!(facts.reset_header.as_deref(), Some("x-reset"));
    assert_eq!(facts.reset_format, Some(ResetFormat::EpochSeconds));
    let ceiling = facts.ceiling.unwrap();
    assert_eq!((ceiling.requests, ceiling.window), (100, Duration::from_secs(60)));
    let row = ErrorRow::find(&spec.errors, b"quota_exceeded").unwrap();
    assert_eq!(row.failure().scope, Some(LimitScope::Registration));
    // What says nothing is a limit of the registration.
    assert_eq!(Spec::parse(PLAIN).unwrap().rate_limit.scope, LimitScope::Registration);
}

#[test]
fn an_unknown_refresh_class_is_strict() {
    let from = PLAIN.find("[refresh]").unwrap();
    let to = PLAIN.find("[identity]").unwrap();
    let spec = Spec::parse(&format!("{}{}", &PLAIN[..from], &PLAIN[to..])).unwrap();
    assert_eq!(spec.refresh.class, RefreshClass::Strict);
}

#[test]
fn a_specs_own_codes_come_before_those_of_the_rfcs() {
    let text = format!("{PLAIN}\n[[error]]\ncode = \"invalid_request\"\nkind = \"grant_over\"\n");
    let spec = Spec::parse(&text).unwrap();
    let kind = |code: &str| ErrorRow::find(&spec.errors, code.as_bytes());
    assert_eq!(kind("invalid_request").unwrap().kind, FailureKind::GrantOver);
    assert_eq!(kind("invalid_client").unwrap().kind, FailureKind::ClientConfiguration);
    assert_eq!(kind("quota_exceeded").unwrap().wait, Some(Duration::from_secs(30)));
}

#[test]
fn upload_addresses_are_held_to_their_hosts() {
    let text = PLAIN.replace("api =", "upload_hosts = [\"*.up.example.test\"]\napi =");
    let spec = Spec::parse(&text).unwrap();
    assert!(spec.check_upload_address("https://eu.up.example.test/x?token=fake").is_ok());
    for bad in [
        "http://eu.up.example.test/x",
        "https://up.example.test/x",
        "https://evil-up.example.test/x",
        "https://eu.up.example.test.evil.test/x",
        "https://eu.up.example.test@evil.test/x",
        "https://eu.up.example.test:444/x",
        "https://evil.test/eu.up.example.test",
        "https://evil.test\\@eu.up.example.test/x",
        "https://eu.up.example.test\\@evil.test/x",
        "https://eu.up.example.test/x y",
        "https://eu.up.example.test/\r\nHost: evil.test",
        "https://eu.up.example.test/x#y",
        "https:///eu.up.example.test/x",
        " https://eu.up.example.test/x",
        "https://plain.example.test/x",
        "",
    ] {
        assert!(spec.check_upload_address(bad).is_err(), "{bad}");
    }
}
