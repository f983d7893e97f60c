//! Whether the facts are whole.

use super::Findings;
use crate::{
    Endpoint, ErrorRow, FailureKind,
    spec::{CredentialKind, IdentitySource, Pkce, RevokeStyle, SpecFacts},
};

/// Words for ids that change or that are given to another person later (TOK-06).
const MUTABLE: [&str; 6] = ["email", "handle", "login", "name", "phone", "username"];

pub(super) fn check(spec: &SpecFacts, found: &mut Findings) {
    found.demand(!spec.pages.is_empty(), || "no page is named that the facts come from".into());
    let entered = matches!(spec.credential, CredentialKind::ApiKey(_));
    let class_is_known = spec.refresh.page.is_some() && spec.refresh.checked.is_some();
    found.demand(entered || class_is_known, || {
        "the refresh class is stated without its page and the date of the check".into()
    });
    found.demand(!spec.withdrawal.steps.is_empty(), || {
        "the person is not told how to withdraw at the provider".into()
    });
    for (name, statement) in spec.statements.rows() {
        let of_a_flow = !matches!(name, "absolute_limit" | "rate_limit");
        found.demand((entered && of_a_flow) || !statement.trim().is_empty(), || {
            format!("`statements.{name}` is missing")
        });
    }
    hosts(spec, found);
    scopes(spec, found);
    let revocable = spec.endpoints.revocation.is_some();
    found.demand((spec.revoke.style != RevokeStyle::None) == revocable, || {
        "revoke style and endpoint do not fit each other".into()
    });
    let kind = spec.identity.id_kind.to_ascii_lowercase();
    found.demand(!kind.is_empty() && !MUTABLE.contains(&kind.as_str()), || {
        format!("`{kind}` is no kind of id that stays")
    });
    found.demand(spec.identity.source != IdentitySource::Openid || spec.issuer.is_some(), || {
        "ID tokens cannot be checked without an issuer".into()
    });
    found.demand(spec.pkce.desktop != Pkce::None, || "a desktop flow has no PKCE".into());
    for (code, kind) in [
        ("invalid_grant", FailureKind::GrantOver),
        ("invalid_client", FailureKind::ClientConfiguration),
    ] {
        let row = ErrorRow::find(&spec.errors, code.as_bytes());
        found.demand(row.is_some_and(|row| row.kind == kind), || {
            format!("the table of codes does not take `{code}` for {kind:?}")
        });
    }
    for row in &spec.errors {
        let word = !row.code.trim().is_empty()
            && row.code.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        found.demand(word, || "the table has a code that is no word".into());
    }
}

fn hosts(spec: &SpecFacts, found: &mut Findings) {
    let endpoints = &spec.endpoints;
    let pairs = [
        ("token", &endpoints.token, Endpoint::Token),
        ("long_lived", &endpoints.long_lived, Endpoint::Token),
        ("refresh", &endpoints.refresh, Endpoint::Token),
        ("revocation", &endpoints.revocation, Endpoint::Revoke),
        ("introspection", &endpoints.introspection, Endpoint::Introspect),
        ("userinfo", &endpoints.userinfo, Endpoint::Identity),
        ("jwks", &endpoints.jwks, Endpoint::Jwks),
        ("api", &spec.api, Endpoint::Api),
    ];
    for (name, url, endpoint) in pairs {
        let Some(url) = url else { continue };
        let listed = url
            .host_str()
            .is_some_and(|host| spec.hosts_for(endpoint).iter().any(|known| known == host));
        found.demand(listed && url.scheme() == "https", || {
            format!("`{name}` is not https on one of the hosts")
        });
    }
    if matches!(spec.credential, CredentialKind::ApiKey(_)) {
        return;
    }
    let browser = endpoints.authorization.as_ref();
    found.demand(
        browser
            .and_then(|url| url.host_str())
            .is_some_and(|host| spec.hosts.iter().any(|known| known == host)),
        || "`authorization` is not on one of the hosts".into(),
    );
    found.demand(endpoints.authorization.is_some() && endpoints.token.is_some(), || {
        "the authorization or the token endpoint is missing".into()
    });
}

fn scopes(spec: &SpecFacts, found: &mut Findings) {
    found.demand(!spec.scopes.catalogue.is_empty(), || "the catalogue of scopes is empty".into());
    for scope in &spec.scopes.catalogue {
        let plain = scope.plain.trim();
        // The code itself explains nothing, and no single word explains anything.
        let told = plain.contains(' ') && plain != scope.name.as_str();
        found.demand(told && !scope.category.as_str().trim().is_empty(), || {
            format!("the scope `{}` has no plain words or no category", scope.name)
        });
    }
}
