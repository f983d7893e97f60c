//! The check that stands in front of every request.

use std::fmt;

use http::Method;
use url::Host;

use crate::{Request, name::is_host_name};

/// A host that passed [`check`]: a name of the request's list in lower-case ASCII.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CheckedHost(String);

/// Why a request may not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum HostRefusal {
    /// The address has a fragment.
    #[error("the address has a fragment")]
    Fragment,
    /// The request sets a header that is the client's own (`Host`, `Transfer-Encoding`, …).
    #[error("a header is the client's own")]
    Header,
    /// The host is an address, in whatever notation.
    #[error("the host is an address")]
    IpLiteral,
    /// The method is `CONNECT` or `TRACE`.
    #[error("the method is not allowed")]
    Method,
    /// The host is not a name in its one form: a trailing dot, an empty label, a single label.
    #[error("the host is not a name in its one form")]
    Name,
    /// The scheme is not https.
    #[error("the scheme is not https")]
    NotHttps,
    /// The host is not on the request's list.
    #[error("the host is not on the list")]
    NotListed,
    /// The name resolves to an address that is not globally routable. [`check`] cannot see this;
    /// whoever resolves the name says it.
    #[error("the name resolves to an address that is not globally routable")]
    NotRoutable,
    /// The address names a port other than 443.
    #[error("the port is not the default")]
    Port,
    /// The address carries a user name or a password.
    #[error("the address carries user information")]
    UserInfo,
}

/// Checks that a request may leave: https and the default port, no user information, no fragment,
/// a host that is a listed name and no address in any notation, a method and headers that are the
/// caller's to choose.
///
/// Every [`HttpSend`](crate::HttpSend) calls it before anything else, the resolver included:
/// literals bypass a resolver. `127.1`, `0x7f.1` and `2130706433` are addresses by the time a
/// [`url::Url`] holds them, and are refused as such.
///
/// # Errors
///
/// Says the first thing that is wrong.
pub fn check(request: &Request) -> Result<CheckedHost, HostRefusal> {
    let url = &request.url;
    if matches!(request.method, Method::CONNECT | Method::TRACE) {
        return Err(HostRefusal::Method);
    }
    if url.scheme() != "https" {
        return Err(HostRefusal::NotHttps);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(HostRefusal::UserInfo);
    }
    if url.fragment().is_some() {
        return Err(HostRefusal::Fragment);
    }
    if url.port().is_some() {
        return Err(HostRefusal::Port);
    }
    let name = match url.host() {
        Some(Host::Domain(name)) => name,
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => return Err(HostRefusal::IpLiteral),
        None => return Err(HostRefusal::Name),
    };
    if !is_host_name(name) {
        return Err(HostRefusal::Name);
    }
    if !request.hosts.admits(name) {
        return Err(HostRefusal::NotListed);
    }
    if request.headers.keys().any(|name| RESERVED.contains(&name.as_str())) {
        return Err(HostRefusal::Header);
    }
    Ok(CheckedHost(name.to_owned()))
}

impl CheckedHost {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Names a host that a resolver was asked for, after the request passed the check.
    #[cfg(feature = "reqwest")]
    pub(crate) fn of_checked_request(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl fmt::Display for CheckedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CheckedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Headers that frame a message, choose another host behind the checked one, ask for a coding that
/// the limit could not see through, or speak to a proxy (RFC 9110 §7.2, §7.6, §10.1.1, §12.5.3).
const RESERVED: [&str; 13] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use url::Url;

    use super::*;
    use crate::Hosts;

    fn hosts() -> Hosts {
        Hosts::new(["api.provider.example", "*.shop.example"]).unwrap()
    }

    fn get(url: Url) -> Request {
        Request::new(Method::GET, url, hosts())
    }

    /// A text that is no URL at all cannot be asked for, so that is a refusal too.
    fn refusal(url: &str) -> Option<HostRefusal> {
        Url::parse(url).ok().and_then(|url| check(&get(url)).err())
    }

    fn passes(url: &str) -> Option<String> {
        Url::parse(url).ok().and_then(|url| check(&get(url)).ok()).map(|host| host.to_string())
    }

    #[test]
    fn out_01_only_https_passes() {
        for scheme in ["http", "ws", "wss", "ftp", "foo"] {
            let url = format!("{scheme}://api.provider.example/");
            assert_eq!(refusal(&url), Some(HostRefusal::NotHttps), "{scheme}");
        }
        assert_eq!(refusal("file:///etc/passwd"), Some(HostRefusal::NotHttps));
        assert_eq!(refusal("data:,api.provider.example"), Some(HostRefusal::NotHttps));
    }

    #[test]
    fn out_03_a_foreign_host_is_not_reached() {
        for url in
            ["https://other.example/", "https://provider.example/", "https://169-254.example/"]
        {
            assert_eq!(refusal(url), Some(HostRefusal::NotListed), "{url}");
        }
    }

    #[test]
    fn out_04_listed_hosts_pass_in_whatever_spelling_the_parser_folds() {
        for url in [
            "https://api.provider.example",
            "https://api.provider.example:443/a?b=https://other.example/",
            "https://API.Provider.EXAMPLE/",
            "HTTPS:\\\\api.provider.example\\a",
            "https://api.provider.example/../../a",
            "https://api.provider.example/@other.example",
            "https://api.provider.example?@other.example",
        ] {
            assert_eq!(passes(url).as_deref(), Some("api.provider.example"), "{url}");
        }
        assert_eq!(passes("https://ada.shop.example/").as_deref(), Some("ada.shop.example"));
    }

    #[test]
    fn out_04_nothing_that_looks_like_a_listed_host_passes() {
        for url in [
            // Suffix and prefix.
            "https://evilapi.provider.example/",
            "https://api.provider.example.evil.example/",
            "https://evilshop.example/",
            "https://shop.example/",
            "https://a.b.shop.example/",
            "https://.shop.example/",
            "https://*.shop.example/",
            // Slashes and what parsers take for one.
            "https://evil.example/.shop.example",
            "https://evil.example\\.shop.example/",
            "https:///evil.example/api.provider.example",
            "https:evil.example/api.provider.example",
            "https://evil.example?.shop.example",
            "https://evil.example#.shop.example",
            "https://evil.example%2f.shop.example/",
            "https://evil.example%5c.shop.example/",
            "https://evil.example%00.shop.example/",
            // User information and ports.
            "https://api.provider.example@evil.example/",
            "https://api.provider.example:443@evil.example/",
            "https://user@api.provider.example/",
            "https://:pass@api.provider.example/",
            "https://user:pass@api.provider.example/",
            "https://api.provider.example:80/",
            "https://api.provider.example:8443/",
            "https://api.provider.example:0/",
            // Other scripts and invisible characters.
            "https://\u{430}pi.provider.example/",
            "https://api.pr\u{3bf}vider.example/",
            "https://ad\u{e1}.shop.example.evil/",
            "https://api\u{200b}.provider-x.example/",
            "https://api.provider.example\u{2024}evil/",
            // Trailing dots and empty labels.
            "https://api.provider.example./",
            "https://api.provider.example../",
            "https://api..provider.example/",
            "https://ada..shop.example/",
            "https://../",
            "https://./",
            "https://ada.shop.example\u{3002}/",
            // Fragments.
            "https://api.provider.example/#",
            "https://api.provider.example/#a",
        ] {
            assert_eq!(passes(url), None, "{url}");
        }
    }

    #[test]
    fn out_05_addresses_are_refused_in_every_notation() {
        for host in [
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "127.0.1",
            "0x7f.1",
            "0x7F.0x0.0x0.0x1",
            "0x7f000001",
            "0177.0.0.1",
            "017700000001",
            "2130706433",
            "0",
            "0x",
            "169.254.169.254",
            "2852039166",
            "8.8.8.8",
            "%31%32%37.0.0.1",
            "127%2e0%2e0%2e1",
            "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
            "\u{2460}\u{2461}\u{2466}.0.0.1",
            "127\u{3002}0\u{3002}0\u{3002}1",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[2606:4700::1]",
            "[0:0:0:0:0:0:0:1]",
        ] {
            let url = format!("https://{host}/");
            assert_eq!(refusal(&url), Some(HostRefusal::IpLiteral), "{host}");
        }
        for host in
            ["256.1", "1.2.3.4.5", "0x7g.1", "[::1%25eth0]", "[::1", "[127.0.0.1]", "1.2.3.09"]
        {
            assert_eq!(passes(&format!("https://{host}/")), None, "{host}");
        }
        for host in ["localhost", "LOCALHOST", "localhost.", "metadata", "a", "_"] {
            assert_eq!(refusal(&format!("https://{host}/")), Some(HostRefusal::Name), "{host}");
        }
        for host in
            ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "[::1]", "localhost", "1.example.1"]
        {
            assert!(Hosts::new([host]).is_err(), "an address cannot be listed: {host}");
        }
    }

    #[test]
    fn out_01_headers_and_methods_that_change_what_was_checked_are_refused() {
        let url = || Url::parse("https://api.provider.example/").unwrap();
        for name in RESERVED {
            let request = get(url())
                .with_header(HeaderName::from_static(name), HeaderValue::from_static("x"));
            assert_eq!(check(&request), Err(HostRefusal::Header), "{name}");
        }
        for method in [Method::CONNECT, Method::TRACE] {
            assert_eq!(check(&Request { method, ..get(url()) }), Err(HostRefusal::Method));
        }
        let custom = Method::from_bytes(b"PROPFIND").unwrap();
        for method in [Method::GET, Method::POST, Method::PATCH, custom] {
            assert!(check(&Request { method, ..get(url()) }).is_ok());
        }
    }
}
