//! The check that stands in front of every request.

use std::fmt;

use http::{HeaderName, Method, header};
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
    if request.headers.keys().any(|name| RESERVED.contains(name)) {
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
const RESERVED: [HeaderName; 13] = [
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHORIZATION,
    header::REFERER,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];
