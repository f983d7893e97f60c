//! Specs of providers, and the addresses that they let in.

use std::{collections::BTreeMap, sync::Arc};

use bailee_providers::{
    Endpoint, Generic, Spec,
    spec::{Variable, VariableSource},
};
use url::Url;

use crate::{
    conversation::harmless,
    provider::{ADAPTERS, GENERIC, Ready},
    quiet_error,
};

/// The TOML of a spec. It is the host's own text, so faults may quote it, in moderation.
pub(crate) fn spec(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let spec = match Spec::parse(text) {
        Ok(spec) => spec,
        Err(error) => {
            let length = error.to_string().len();
            assert!(length < 4096 + 64 * data.len(), "an error of {length} bytes");
            return;
        }
    };
    addresses(&spec);
    let values: BTreeMap<String, String> =
        spec.variables.iter().map(|variable| (variable.name.clone(), "fake".into())).collect();
    let Ok(filled) = spec.with_variables(&values) else { return };
    addresses(&filled);
    if filled.endpoints.authorization.is_some() && !filled.needs_discovery() {
        let ready = Ready::new(Arc::new(Generic::new(filled.clone())), filled);
        crate::provider::authorize(&ready);
    }
}

/// Every address of a spec is https, plain and on a listed host.
fn addresses(spec: &Spec) {
    for host in &spec.hosts {
        assert!(is_name(host), "{host:?} is no host name");
    }
    for pattern in spec.upload_hosts.iter().chain(&spec.account_hosts) {
        assert!(is_name(pattern.strip_prefix("*.").unwrap_or(pattern)), "{pattern:?}");
    }
    let endpoints = &spec.endpoints;
    let urls = [
        &endpoints.authorization,
        &endpoints.token,
        &endpoints.refresh,
        &endpoints.long_lived,
        &endpoints.revocation,
        &endpoints.introspection,
        &endpoints.userinfo,
        &endpoints.jwks,
        &spec.api,
    ];
    for url in urls.into_iter().flatten().chain(spec.apis.iter().map(|(_, url)| url)) {
        let host = url.host_str().unwrap_or_default();
        let listed = spec.hosts.iter().any(|known| known == host);
        assert!(listed || (spec.discover && spec.hosts.is_empty()), "{url} is on no listed host");
        assert!(plain(url) && is_name(host), "{url}");
    }
    for endpoint in [Endpoint::Api, Endpoint::Token, Endpoint::Discovery, Endpoint::Upload] {
        assert!(spec.hosts_for(endpoint).iter().all(|host| is_name(host.trim_start_matches("*."))));
    }
}

/// A value that a person or a host gives for a variable of an address.
pub(crate) fn variable(data: &[u8]) {
    let Ok(value) = std::str::from_utf8(data) else { return };
    for Ready { provider, .. } in ADAPTERS.values() {
        let spec = provider.spec();
        if spec.variables.is_empty() {
            continue;
        }
        let values =
            spec.variables.iter().map(|variable| (variable.name.clone(), value.to_owned()));
        match spec.with_variables(&values.collect()) {
            Ok(filled) => {
                addresses(&filled);
                assert!(!value.contains(['/', '@', ':', '?', '#', '%', '\\', '{']), "{value:?}");
                // What a person gives stays within the provider's domain.
                let person = |variable: &Variable| variable.source == VariableSource::Person;
                if spec.variables.iter().any(person) {
                    for (filled, given) in filled.hosts.iter().zip(&spec.hosts) {
                        let domain = |host: &str| {
                            host.rsplit('.').take(2).map(String::from).collect::<Vec<_>>()
                        };
                        assert_eq!(domain(filled), domain(given));
                    }
                }
            }
            Err(error) => quiet_error("variable", &error),
        }
    }
}

/// An address to upload to, as a provider gives it.
pub(crate) fn upload_address(data: &[u8]) {
    let Ok(address) = std::str::from_utf8(data) else { return };
    for Ready { spec, .. } in ADAPTERS.values().chain(GENERIC.iter()) {
        match spec.check_upload_address(address) {
            Ok(()) => {
                let url = Url::parse(address).expect("what was taken is an address");
                assert!(plain(&url) && listed(&spec.upload_hosts, &url), "{url}");
            }
            Err(failure) => harmless("upload address", &failure),
        }
    }
}

/// The address of an account's own API, as a token answer gives it.
pub(crate) fn account_api(data: &[u8]) {
    let Ok(url) = Url::parse(&String::from_utf8_lossy(data)) else { return };
    for Ready { spec, .. } in ADAPTERS.values().chain(GENERIC.iter()) {
        match spec.check_account_api(&url) {
            Ok(()) => {
                assert!(plain(&url) && url.query().is_none(), "{url}");
                assert!(listed(&spec.account_hosts, &url) || listed(&spec.hosts, &url), "{url}");
            }
            Err(failure) => harmless("account API", &failure),
        }
    }
}

fn plain(url: &Url) -> bool {
    url.scheme() == "https"
        && url.username().is_empty()
        && url.password().is_none()
        && url.port().is_none()
        && url.fragment().is_none()
}

fn listed(patterns: &[String], url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    patterns.iter().any(|pattern| match pattern.strip_prefix('*') {
        Some(suffix) => host.ends_with(suffix) && host.len() > suffix.len(),
        None => host == pattern,
    })
}

fn is_name(host: &str) -> bool {
    Url::parse(&format!("https://{host}/")).is_ok_and(|url| url.domain() == Some(host))
        && host.contains('.')
        && !host.ends_with('.')
}
