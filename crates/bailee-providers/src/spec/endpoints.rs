//! Where a provider is reached: its hosts, its issuer, its endpoints.

use url::Url;

use super::{
    address,
    check::Check,
    file::{FileEndpoints, Text},
    variable::substitute,
};

/// The endpoints. Each is https, without userinfo, fragment and port, on one of the hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoints {
    /// The authorization endpoint (RFC 6749 §3.1). It may have a query of its own.
    pub authorization: Option<Url>,
    /// The token endpoint (RFC 6749 §3.2).
    pub token: Option<Url>,
    /// Where the token of a code is exchanged for one that lives longer, where a provider has two
    /// kinds.
    pub long_lived: Option<Url>,
    /// Where tokens are renewed, where that is not the token endpoint.
    pub refresh: Option<Url>,
    /// The revocation endpoint (RFC 7009).
    pub revocation: Option<Url>,
    /// The introspection endpoint (RFC 7662).
    pub introspection: Option<Url>,
    /// Where the account is asked for: userinfo (OpenID Connect Core §5.3) or the like. It may have
    /// a query that says how much is asked for.
    pub userinfo: Option<Url>,
    /// The key set (RFC 7517).
    pub jwks: Option<Url>,
}

impl Check<'_> {
    pub(super) fn issuer(&mut self, issuer: Option<&Text>) {
        // The text is what is compared, so it is kept as it stands; here it only has to be an
        // address (RFC 8414 §2).
        if let Some(issuer) = issuer {
            match address::parse(issuer.get_ref()) {
                Ok(url) if url.query().is_some() => {
                    self.fault(issuer.span(), "the issuer has a query");
                }
                Ok(_) => {}
                Err(why) => self.fault(issuer.span(), format_args!("the issuer {why}")),
            }
        }
    }

    pub(super) fn hosts(
        &mut self,
        hosts: &[Text],
        good: fn(&str) -> bool,
        what: &str,
    ) -> Vec<String> {
        for host in hosts {
            if !good(&substitute(host.get_ref(), &self.values)) {
                self.fault(host.span(), format_args!("`{}` is not {what}", host.get_ref()));
            }
        }
        hosts.iter().map(|host| substitute(host.get_ref(), &self.values)).collect()
    }

    pub(super) fn endpoints(
        &mut self,
        file: &FileEndpoints,
        hosts: &[String],
        open: bool,
    ) -> Endpoints {
        let mut one = |name: &str, text: &Option<Text>| {
            let text = text.as_ref()?;
            let url = self.address(name, text, hosts, open)?;
            // What a person is asked with, or asked for with a fixed query (fields, a limit).
            let queried = matches!(name, "authorization" | "userinfo");
            if !queried && url.query().is_some() {
                let why = address::AddressFault::Query;
                self.fault(text.span(), format_args!("`{name}` {why}"));
            }
            Some(url)
        };
        Endpoints {
            authorization: one("authorization", &file.authorization),
            token: one("token", &file.token),
            long_lived: one("long_lived", &file.long_lived),
            refresh: one("refresh", &file.refresh),
            revocation: one("revocation", &file.revocation),
            introspection: one("introspection", &file.introspection),
            userinfo: one("userinfo", &file.userinfo),
            jwks: one("jwks", &file.jwks),
        }
    }

    pub(super) fn address(
        &mut self,
        name: &str,
        text: &Text,
        hosts: &[String],
        open: bool,
    ) -> Option<Url> {
        let address = substitute(text.get_ref(), &self.values);
        if address.contains(['{', '}']) {
            self.fault(
                text.span(),
                format_args!("`{name}` names a variable that there is none of"),
            );
            return None;
        }
        match address::parse(&address) {
            Ok(url) => {
                let listed = url.host_str().is_some_and(|host| hosts.iter().any(|h| h == host));
                if !listed && !open {
                    let why = address::AddressFault::ForeignHost;
                    self.fault(text.span(), format_args!("`{name}` {why}"));
                }
                Some(url)
            }
            Err(why) => {
                self.fault(text.span(), format_args!("`{name}` {why}"));
                None
            }
        }
    }
}
