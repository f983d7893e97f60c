//! What stands in front of the network, and what comes from it.

use std::sync::LazyLock;

use bailee_http::{Hosts, HttpSend, Request, Response, Scripted, check};
use futures_util::FutureExt;
use http::Method;
use url::Url;
use zeroize::Zeroizing;

use crate::{
    answers::{headers, line},
    quiet, quiet_error,
};

static HOSTS: LazyLock<Hosts> = LazyLock::new(|| {
    Hosts::new(["api.example.test", "*.shop.example.test"]).expect("they are names")
});

/// An address that a request is to go to.
pub(crate) fn address(data: &[u8]) {
    let Ok(url) = Url::parse(&String::from_utf8_lossy(data)) else { return };
    let request = Request::new(Method::GET, url.clone(), HOSTS.clone());
    quiet_but_host(&request);
    match check(&request) {
        Ok(host) => {
            let host = host.as_str();
            let listed = host == "api.example.test"
                || host
                    .strip_suffix(".shop.example.test")
                    .is_some_and(|label| !label.is_empty() && !label.contains('.'));
            assert!(listed, "{host} is not on the list");
            let origin =
                url.as_str().strip_prefix("https://").and_then(|rest| rest.strip_prefix(host));
            assert!(origin.is_some_and(|rest| rest.starts_with(['/', '?'])), "{url}");
            assert!(url.fragment().is_none() && url.port().is_none());
        }
        Err(refusal) => quiet("refusal", &refusal),
    }
}

fn quiet_but_host(request: &Request) {
    let text = format!("{request:?}");
    let path = request.url.path();
    assert!(!path.contains(crate::CANARY) || !text.contains(path), "a path is printed: {text}");
}

/// A host that a token answer named or a person typed, and an entry of a list.
pub(crate) fn hosts(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match HOSTS.origin(text) {
        Ok(origin) => {
            assert!(HOSTS.admits(text));
            assert_eq!(origin.as_str(), format!("https://{text}/"));
        }
        Err(refusal) => quiet("refusal", &refusal),
    }
    match Hosts::new([text]) {
        Ok(hosts) => {
            let name = text.strip_prefix("*.").unwrap_or(text);
            assert!(name.len() <= 253 && name.contains('.') && !name.ends_with('.'));
            assert_eq!(hosts.admits(name), name == text);
            assert!(!hosts.admits(&format!("{name}.")) && !hosts.admits(&name[1..]));
            // Punycode that is none stands for no host, and no address has it.
            if let Ok(url) = Url::parse(&format!("https://{name}/")) {
                assert_eq!(url.host_str(), Some(name));
            }
        }
        Err(error) => quiet_error("hosts", &error),
    }
}

/// A line with the status and one with the limit, lines of headers, an empty one, the body.
pub(crate) fn answer(data: &[u8]) {
    let number = |line: &[u8]| std::str::from_utf8(line).ok()?.trim().parse::<u16>().ok();
    let (status, rest) = line(data);
    let (limit, rest) = line(rest);
    let (headers, body) = headers(rest);
    let Some(status) = number(status).and_then(|s| http::StatusCode::from_u16(s).ok()) else {
        return;
    };
    let limit = usize::from(number(limit).unwrap_or(64));
    let given = (status, headers, body.to_vec());
    let client = Scripted::new(move |_| {
        let (status, headers, body) = given.clone();
        Ok(Response::new(status, headers, Zeroizing::new(body)))
    });
    let url = Url::parse("https://api.example.test/").expect("an address");
    let request = Request::new(Method::GET, url, HOSTS.clone()).with_limit(limit);
    let answered = client.send(request).now_or_never().expect("nothing waits");
    match answered {
        Ok(response) => {
            quiet("response", &response);
            assert!(response.body.len() <= limit && *response.body == body);
            assert!(response.headers.values().all(|value| value.is_sensitive()));
            let redirect = response.status.is_redirection() && response.status != 304;
            assert!(!redirect, "a redirect is an answer");
        }
        Err(error) => {
            quiet("send error", &error);
            assert!(body.len() > limit || status.is_redirection());
        }
    }
}
