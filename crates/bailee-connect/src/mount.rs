//! Where the host mounts us: the one address that every redirect URI derives from.

use bailee_core::{Error, ErrorKind, RegistrationId, Result};
use url::Url;

/// The public address under which the host serves the connect routes
/// (`https://app.example/connect`).
///
/// It is configured, never built from a request's `Host` or `X-Forwarded-*` headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount(Url);

impl Mount {
    /// Checks an address.
    ///
    /// # Errors
    ///
    /// Refuses ([`ErrorKind::Configuration`]) what is not https, has a user, a query, a fragment or
    /// a semicolon, or is not written in its canonical form.
    pub fn new(address: &str) -> Result<Self> {
        let url = Url::parse(address).map_err(|_| wrong("the mount is not an address"))?;
        if url.scheme() != "https" {
            return Err(wrong("the mount must be https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("the mount must not name a user"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("the mount must have no query and no fragment"));
        }
        if url.domain().is_none() {
            return Err(wrong("the mount must name a host, not an IP address"));
        }
        let canonical = url.as_str();
        if canonical != address && canonical.strip_suffix('/') != Some(address) {
            return Err(wrong("the mount must be written in its canonical form"));
        }
        if url.path().ends_with('/') && url.path() != "/" {
            return Err(wrong("the mount must not end in a slash"));
        }
        // A cookie's path ends there (RFC 6265 §4.1.1).
        if url.path().contains(';') {
            return Err(wrong("the mount must not have a semicolon in its path"));
        }
        Ok(Self(url))
    }

    /// The redirect URI of a registration (RFC 6749 §3.1.2): each has a path of its own.
    pub fn redirect_uri(&self, registration: &RegistrationId) -> String {
        format!("{}{}", self.origin(), self.callback_path(registration))
    }

    /// The path of that redirect URI, to which the state cookie is scoped.
    pub fn callback_path(&self, registration: &RegistrationId) -> String {
        format!("{}/{registration}/callback", self.0.path().trim_end_matches('/'))
    }

    /// The address to register at a provider for its signals. A provider that is given several has
    /// a `topic` for each.
    pub fn signal_address(&self, registration: &RegistrationId, topic: Option<&str>) -> String {
        let base = self.0.path().trim_end_matches('/');
        let topic = topic.map_or(String::new(), |topic| format!("/{topic}"));
        format!("{}{base}/{registration}/signal{topic}", self.origin())
    }

    /// The public page on which somebody reads, with the code that they were given, what became of a
    /// request that a provider brought.
    pub fn request_address(&self, code: &str) -> String {
        format!("{}{}/request/{code}", self.origin(), self.0.path().trim_end_matches('/'))
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

fn wrong(detail: &'static str) -> Error {
    Error::new(ErrorKind::Configuration).with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flow_06_non_canonical_mounts_are_refused() {
        for address in [
            "http://app.example/connect",
            "https://app.example/connect/",
            "https://app.example:443/connect",
            "https://APP.example/connect",
            "https://app.example/a/../connect",
            "https://app.example/connect?x=1",
            "https://app.example/connect#x",
            "https://user@app.example/connect",
            "https://127.0.0.1/connect",
            "https://app.example/conn%65ct/..",
            "//app.example/connect",
            "app.example/connect",
            "https://app.example/a b",
            "https://app.example/a;b",
        ] {
            assert!(Mount::new(address).is_err(), "{address}");
        }
    }

    #[test]
    fn flow_07_each_registration_has_its_own_path() {
        let mount = Mount::new("https://app.example/connect").unwrap();
        let (a, b) = (RegistrationId::from_static("a"), RegistrationId::from_static("b"));
        assert_eq!(mount.redirect_uri(&a), "https://app.example/connect/a/callback");
        assert_ne!(mount.callback_path(&a), mount.callback_path(&b));
        let root = Mount::new("https://app.example").unwrap();
        assert_eq!(root.redirect_uri(&a), "https://app.example/a/callback");
    }
}
