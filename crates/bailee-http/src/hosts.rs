//! Which hosts a request may reach.

use std::sync::Arc;

use bailee_core::{Error, ErrorKind, Result};
use url::Url;

use crate::{
    HostRefusal,
    name::{is_host_name, is_label},
};

/// The hosts that a request may reach: names, or patterns that leave the first label open.
///
/// A name matches itself. A pattern `*.shop.example` matches exactly one more label in front of
/// `.shop.example`: `ada.shop.example`, and neither `shop.example` nor `a.b.shop.example` nor
/// `evilshop.example`. Both are compared as ASCII in lower case; nothing is normalised, so a
/// spelling that would have to be is no match. Clones share one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts(Arc<[Pattern]>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Exact(String),
    /// The text behind the open label, its dot included.
    OneLabelBefore(String),
}

impl Hosts {
    /// Checks a list of names and patterns.
    ///
    /// # Errors
    ///
    /// Refuses ([`ErrorKind::Configuration`]) an empty list and an entry that is neither a host
    /// name of two labels or more in lower-case ASCII, nor `*.` before such a name.
    pub fn new<T: AsRef<str>>(hosts: impl IntoIterator<Item = T>) -> Result<Self> {
        let patterns = hosts
            .into_iter()
            .map(|host| Pattern::parse(host.as_ref()).ok_or_else(|| wrong("a host is not a name")))
            .collect::<Result<Arc<[_]>>>()?;
        if patterns.is_empty() {
            return Err(wrong("a list of hosts is empty"));
        }
        Ok(Self(patterns))
    }

    /// Whether this text is a host of the list, as it stands.
    pub fn admits(&self, host: &str) -> bool {
        is_host_name(host) && self.0.iter().any(|pattern| pattern.matches(host))
    }

    /// The origin `https://<host>/` of a host that came from outside: one that a token answer
    /// named or a person typed.
    ///
    /// # Errors
    ///
    /// Refuses a text that is not, as it stands, a host of the list.
    pub fn origin(&self, host: &str) -> std::result::Result<Url, HostRefusal> {
        if !is_host_name(host) {
            return Err(HostRefusal::Name);
        }
        if !self.admits(host) {
            return Err(HostRefusal::NotListed);
        }
        Url::parse(&format!("https://{host}/")).map_err(|_| HostRefusal::Name)
    }
}

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("*.") {
            Some(rest) => is_host_name(rest).then(|| Self::OneLabelBefore(format!(".{rest}"))),
            None => is_host_name(text).then(|| Self::Exact(text.to_owned())),
        }
    }

    fn matches(&self, host: &str) -> bool {
        match self {
            Self::Exact(name) => name == host,
            Self::OneLabelBefore(rest) => host.strip_suffix(rest.as_str()).is_some_and(is_label),
        }
    }
}

fn wrong(detail: &'static str) -> Error {
    Error::new(ErrorKind::Configuration).with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts that want to be taken for `ada.shop.example` or `api.provider.example`.
    const LOOKALIKES: &[&str] = &[
        "",
        ".",
        "..",
        "*",
        "*.shop.example",
        ".shop.example",
        "shop.example",
        "a.b.shop.example",
        "ada..shop.example",
        "..shop.example",
        "../shop.example",
        "ada.shop.example.",
        "ada.shop.example..",
        "ada.shop.example.evil.example",
        "ada.shop.example.evil",
        "evil.example/ada.shop.example",
        "evil.example/.shop.example",
        "evil.example#.shop.example",
        "evil.example?.shop.example",
        "evil.example\\.shop.example",
        "evil.example:443.shop.example",
        "ada.shop.example/",
        "ada.shop.example/..",
        "ada.shop.example:443",
        "ada.shop.example:8443",
        "ada.shop.example@evil.example",
        "evil@ada.shop.example",
        "adashop.example",
        "ada-shop.example",
        "ada.shopexample",
        "ada.shop_example",
        "-ada.shop.example",
        "ada-.shop.example",
        "a_da.shop.example",
        "ADA.shop.example",
        "ada.SHOP.example",
        "ada.shop.example\0",
        "ada.shop.example\n",
        " ada.shop.example",
        "ada.shop.example ",
        "ada.shop%2eexample",
        "ada%00.shop.example",
        "ad\u{430}.shop.example",
        "\u{ff41}da.shop.example",
        "ada\u{3002}shop.example",
        "ada\u{200b}.shop.example",
        "ada.sho\u{301}p.example",
        "api.provider.example.",
        "api.provider.example.evil",
        "xapi.provider.example",
        "x.api.provider.example",
        "api-provider.example",
        "API.provider.example",
        "127.0.0.1",
        "1.shop.1",
    ];

    fn hosts() -> Hosts {
        Hosts::new(["api.provider.example", "*.shop.example"]).unwrap()
    }

    #[test]
    fn out_04_names_match_themselves_and_patterns_one_label() {
        for host in ["api.provider.example", "ada.shop.example", "a.shop.example", "0.shop.example"]
        {
            assert!(hosts().admits(host), "{host}");
            assert_eq!(hosts().origin(host).unwrap().as_str(), format!("https://{host}/"));
        }
        let longest = format!("{}.shop.example", "a".repeat(63));
        assert!(hosts().admits(&longest));
        assert!(!hosts().admits(&format!("a{longest}")));
    }

    #[test]
    fn out_04_nothing_that_looks_like_a_listed_host_is_one() {
        for host in LOOKALIKES {
            assert!(!hosts().admits(host), "{host:?}");
            assert!(hosts().origin(host).is_err(), "{host:?}");
        }
    }

    #[test]
    fn out_04_a_list_takes_only_names_in_their_one_form() {
        for host in LOOKALIKES.iter().filter(|host| !host.starts_with('*') || host.len() == 1) {
            let is_name = is_host_name(host);
            assert_eq!(Hosts::new([host]).is_ok(), is_name, "{host:?}");
        }
        for host in ["*.com", "*shop.example", "a.*.shop.example", "*.*.shop.example", "localhost"]
        {
            let error = Hosts::new([host]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{host:?}");
            assert!(!error.to_string().contains(host), "{host:?}");
        }
        assert!(Hosts::new::<&str>([]).is_err());
    }
}
