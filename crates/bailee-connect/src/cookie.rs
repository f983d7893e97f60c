//! The state cookie: what ties the redirect to the browser that began the flow.
//!
//! Its value is the flow's random secret and nothing else. By default its name begins with
//! `__Secure-` and its path is the callback's; by one call of the builder it is a `__Host-` cookie
//! with the path `/`. A `__Host-` cookie with another path, which browsers drop without a word,
//! cannot be expressed.

use bailee_core::{BrowserSecret, Error, ErrorKind, Id, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header};
use zeroize::Zeroizing;

/// How state cookies are named and scoped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookiePolicy {
    app: String,
    host_only: bool,
}

/// Why a cookie header was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CookieRefusal {
    /// None of that name.
    Missing,
    /// One name came twice: a sibling host can plant a second one that arrives first.
    Twice,
    /// Not a value of ours.
    Malformed,
}

impl CookiePolicy {
    /// `__Secure-<app>-oc-<flow>`, scoped to the callback path. `app` keeps two applications on
    /// one host apart: 1 to 16 lower-case letters and digits.
    ///
    /// # Errors
    ///
    /// Refuses ([`ErrorKind::Configuration`]) another form of `app`.
    pub fn scoped_to_callback(app: &str) -> Result<Self> {
        let valid = (1..=16).contains(&app.len())
            && app.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !valid {
            return Err(Error::new(ErrorKind::Configuration).with_detail(
                "a cookie's application name is 1 to 16 lower-case letters or digits",
            ));
        }
        Ok(Self { app: app.to_owned(), host_only: false })
    }

    /// `__Host-<app>-oc-<flow>` with `Path=/`: no sibling host can plant it; it is sent with every
    /// request to this host until the flow ends.
    #[must_use]
    pub fn host_only(mut self) -> Self {
        self.host_only = true;
        self
    }

    /// The cookie's name in a flow.
    pub(crate) fn name(&self, flow: Id) -> String {
        let prefix = if self.host_only { "__Host-" } else { "__Secure-" };
        let flow = flow.to_string();
        format!("{prefix}{}-oc-{}", self.app, &flow[..16])
    }

    /// The header that plants it. Ten minutes, as long as the flow.
    pub(crate) fn set(
        &self,
        flow: Id,
        callback_path: &str,
        secret: &BrowserSecret,
        cross_site_post: bool,
    ) -> Result<HeaderValue> {
        let value = secret.expose(|bytes| Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes)));
        self.header(flow, callback_path, &value, "600", cross_site_post)
    }

    /// The header that removes it.
    pub(crate) fn clear(
        &self,
        flow: Id,
        callback_path: &str,
        cross_site_post: bool,
    ) -> Result<HeaderValue> {
        self.header(flow, callback_path, "", "0", cross_site_post)
    }

    fn header(
        &self,
        flow: Id,
        callback_path: &str,
        value: &str,
        max_age: &str,
        cross_site_post: bool,
    ) -> Result<HeaderValue> {
        let path = if self.host_only { "/" } else { callback_path };
        // `None` only for a provider that answers with a cross-site POST, which carries no other.
        let same_site = if cross_site_post { "None" } else { "Lax" };
        let name = self.name(flow);
        let cookie = Zeroizing::new(format!(
            "{name}={value}; Path={path}; Max-Age={max_age}; Secure; HttpOnly; SameSite={same_site}"
        ));
        HeaderValue::from_str(&cookie).map_err(|_| {
            Error::new(ErrorKind::Configuration)
                .with_detail("the callback path is not a cookie path")
        })
    }

    /// The secret in a request's cookie headers.
    pub(crate) fn read(
        &self,
        flow: Id,
        headers: &HeaderMap,
    ) -> Result<BrowserSecret, CookieRefusal> {
        let name = self.name(flow);
        let mut found = None;
        for line in headers.get_all(header::COOKIE) {
            for pair in line.as_bytes().split(|byte| *byte == b';') {
                let pair = pair.trim_ascii();
                let Some(at) = pair.iter().position(|byte| *byte == b'=') else { continue };
                if pair[..at].trim_ascii() != name.as_bytes() {
                    continue;
                }
                if found.is_some() {
                    return Err(CookieRefusal::Twice);
                }
                found = Some(&pair[at + 1..]);
            }
        }
        let value = found.ok_or(CookieRefusal::Missing)?;
        let mut secret = Zeroizing::new([0_u8; 32]);
        match URL_SAFE_NO_PAD.decode_slice(value, secret.as_mut_slice()) {
            Ok(32) => Ok(BrowserSecret::copy_from(secret.as_slice())),
            _ => Err(CookieRefusal::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOW: Id = Id::from_bytes([0xab; 16]);

    fn policy() -> CookiePolicy {
        CookiePolicy::scoped_to_callback("app").unwrap()
    }

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_str(line).unwrap());
        }
        headers
    }

    #[test]
    fn cook_01_attributes_are_complete_and_there_is_no_domain() {
        let secret = BrowserSecret::copy_from(&[7; 32]);
        for policy in [policy(), policy().host_only()] {
            for header in [
                policy.set(FLOW, "/connect/a/callback", &secret, false).unwrap(),
                policy.clear(FLOW, "/connect/a/callback", false).unwrap(),
            ] {
                let text = header.to_str().unwrap();
                for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Max-Age="] {
                    assert!(text.contains(part), "{part} in {text}");
                }
                assert!(!text.to_ascii_lowercase().contains("domain"));
            }
        }
    }

    #[test]
    fn cook_02_default_is_scoped_to_the_callback_and_host_only_has_the_root_path() {
        let secret = BrowserSecret::copy_from(&[7; 32]);
        let scoped = policy().set(FLOW, "/connect/a/callback", &secret, false).unwrap();
        assert!(scoped.to_str().unwrap().starts_with("__Secure-app-oc-abababababababab="));
        assert!(scoped.to_str().unwrap().contains("; Path=/connect/a/callback;"));
        let host = policy().host_only().set(FLOW, "/connect/a/callback", &secret, false).unwrap();
        assert!(host.to_str().unwrap().starts_with("__Host-app-oc-abababababababab="));
        assert!(host.to_str().unwrap().contains("; Path=/;"));
    }

    #[test]
    fn cook_03_a_name_that_comes_twice_is_refused() {
        let name = policy().name(FLOW);
        let value = URL_SAFE_NO_PAD.encode([7; 32]);
        let one = format!("{name}={value}");
        let read = |lines: &[&str]| policy().read(FLOW, &headers(lines)).map(|_| ());
        assert_eq!(read(&[&one]), Ok(()));
        assert_eq!(read(&[&format!("a=b; {one}; c=d")]), Ok(()));
        assert_eq!(read(&[&format!("{one}; {one}")]), Err(CookieRefusal::Twice));
        assert_eq!(read(&[&one, &one]), Err(CookieRefusal::Twice));
        assert_eq!(read(&[&format!("{name}=; {one}")]), Err(CookieRefusal::Twice));
        assert_eq!(read(&["a=b"]), Err(CookieRefusal::Missing));
        assert_eq!(read(&[]), Err(CookieRefusal::Missing));
        assert_eq!(read(&[&format!("{name}=AAAA")]), Err(CookieRefusal::Malformed));
    }

    #[test]
    fn cook_05_only_a_cross_site_post_gets_same_site_none() {
        let secret = BrowserSecret::copy_from(&[7; 32]);
        let header = policy().set(FLOW, "/x", &secret, true).unwrap();
        assert!(header.to_str().unwrap().contains("; SameSite=None"));
    }

    #[test]
    fn application_names_that_could_change_the_header_are_refused() {
        for app in ["", "A", "a-b", "a;b", "a=b", "a b", &"a".repeat(17)] {
            assert!(CookiePolicy::scoped_to_callback(app).is_err(), "{app}");
        }
    }
}
