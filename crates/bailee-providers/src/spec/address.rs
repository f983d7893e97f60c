//! Hosts and addresses, as specs and metadata may state them.

use bailee_core::{Error, ErrorKind, Result};
use url::{Host, Url};

/// Why a host or an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressFault {
    #[error("is not an address")]
    NotAnAddress,
    #[error("is not https")]
    NotHttps,
    #[error("has userinfo, a port or a fragment")]
    Decorated,
    #[error("has a query")]
    Query,
    #[error("has no host name of at least two labels in lower-case ASCII")]
    Host,
    #[error("is on a host that is not listed")]
    ForeignHost,
}

/// An https address without decoration on a named host. Its text must be what the parser makes of
/// it, so that a name cannot mean another one.
pub(crate) fn parse(text: &str) -> Result<Url, AddressFault> {
    let url = Url::parse(text).map_err(|_| AddressFault::NotAnAddress)?;
    if url.scheme() != "https" {
        return Err(AddressFault::NotHttps);
    }
    let decorated = !url.username().is_empty()
        || url.password().is_some()
        || url.port().is_some()
        || url.fragment().is_some();
    if decorated {
        return Err(AddressFault::Decorated);
    }
    let host = match url.host() {
        Some(Host::Domain(host)) if is_host_name(host) => host,
        _ => return Err(AddressFault::Host),
    };
    // `https://EXAMPLE.test`, `https:///example.test` and full-width letters parse to a name that
    // was not written.
    let authority = text.strip_prefix("https://").and_then(|rest| rest.split(['/', '?']).next());
    if authority != Some(host) {
        return Err(AddressFault::Host);
    }
    Ok(url)
}

/// Whether a text is a host name in the one form that is compared: lower-case ASCII labels, at
/// least two of them, no trailing dot, not an address in disguise.
pub(crate) fn is_host_name(text: &str) -> bool {
    let labels: Vec<&str> = text.split('.').collect();
    labels.len() >= 2
        && text.len() <= 253
        && labels.iter().all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        })
        // A last label that begins with a digit is how address literals begin.
        && labels.last().is_some_and(|label| !label.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether a text is a host name, or `*.` before a name of at least two labels.
pub(crate) fn is_host_pattern(text: &str) -> bool {
    is_host_name(text.strip_prefix("*.").unwrap_or(text))
}

/// Whether a name fits a pattern, on label boundaries.
pub(crate) fn host_fits(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(suffix) => host
            .strip_suffix(suffix)
            .and_then(|rest| rest.strip_suffix('.'))
            .is_some_and(|rest| !rest.is_empty()),
        None => pattern == host,
    }
}

/// Checks a list of pinned hosts.
pub(crate) fn check_hosts(hosts: &[String]) -> Result<()> {
    if hosts.iter().all(|host| is_host_name(host)) {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Configuration).with_detail("a pinned host is not a host name"))
    }
}

/// Checks a list of hosts and patterns.
pub(crate) fn check_patterns(hosts: &[String]) -> Result<()> {
    if hosts.iter().all(|host| is_host_pattern(host)) {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Configuration)
            .with_detail("a host is neither a host name nor a pattern of one"))
    }
}

/// Checks an upload address that a provider gave: https, undecorated, on one of the hosts. It may
/// have a path and a query, which are what makes it a secret, so only what stands before them is
/// given to the parser, which copies.
pub(crate) fn check_upload_address(text: &str, patterns: &[String]) -> Result<(), AddressFault> {
    let rest = text.strip_prefix("https://").ok_or(AddressFault::NotHttps)?;
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, secret) = rest.split_at(end);
    let url = parse(&format!("https://{authority}"))?;
    // Parsers drop some of these and turn others into slashes.
    if !secret.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'#' | b'\\')) {
        return Err(AddressFault::Decorated);
    }
    match url.host_str() {
        Some(host) if patterns.iter().any(|pattern| host_fits(pattern, host)) => Ok(()),
        _ => Err(AddressFault::ForeignHost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_04_hosts_match_on_label_boundaries() {
        assert!(host_fits("*.example.test", "a.example.test"));
        assert!(host_fits("*.example.test", "a.b.example.test"));
        for host in ["example.test", "evilexample.test", ".example.test", "example.test.evil.test"]
        {
            assert!(!host_fits("*.example.test", host), "{host}");
        }
    }

    #[test]
    fn out_05_addresses_in_disguise_are_refused() {
        for text in [
            "http://a.example.test/",
            "https://user@a.example.test/",
            "https://a.example.test:8443/",
            "https://a.example.test/#f",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://a.example.test./",
            "https://A.example.test/",
            "https:///a.example.test/",
            "https:\\\\a.example.test/",
            "https://\u{ff41}.example.test/",
            "https://b\u{fc}cher.example.test/",
            "https://localhost/",
            "https://a_b.example.test/",
            "//a.example.test/",
            "",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("https://a.example.test").is_ok());
        assert!(parse("https://a.example.test?x=1").is_ok());
    }
}
