//! Where a person goes after the flow: a name out of the host's list.

use std::collections::BTreeMap;

use bailee_core::{Error, ErrorKind, Result};
use url::Url;

use crate::mount::Mount;

/// The pages of the host that a flow may end at, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReturnTargets(BTreeMap<String, String>);

impl ReturnTargets {
    /// Adds a page by its path on the mount's origin.
    pub(crate) fn add(&mut self, mount: &Mount, name: &str, path: &str) -> Result<()> {
        self.0.insert(name.to_owned(), resolve(mount, path)?);
        Ok(())
    }

    /// The address behind a name, ending in `#` so that a provider's fragment is not carried over.
    pub(crate) fn address(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// Joins a path to the mount's origin and refuses whatever would leave it. The refusals come
/// before any parser sees the text: parsers turn `/\host`, `/<TAB>/host` and `///host` into
/// another host.
fn resolve(mount: &Mount, path: &str) -> Result<String> {
    let refused = || {
        Error::new(ErrorKind::Configuration)
            .with_detail("a return target is a path on the host's own origin")
    };
    let suspicious = path.contains('\\')
        || path.chars().any(char::is_control)
        || !path.starts_with('/')
        || path.starts_with("//")
        || path.contains('#');
    if suspicious {
        return Err(refused());
    }
    let url: Url = mount.url().join(path).map_err(|_| refused())?;
    if url.origin() != mount.url().origin() || !url.username().is_empty() {
        return Err(refused());
    }
    Ok(format!("{url}#"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_12_no_return_target_leaves_the_origin() {
        let mount = Mount::new("https://app.example/connect").unwrap();
        assert_eq!(
            resolve(&mount, "/settings?tab=1").unwrap(),
            "https://app.example/settings?tab=1#"
        );
        let seeds = [
            "evil.example",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r/evil.example",
            "https://evil.example",
            "https:///evil.example",
            "https:/evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "/\u{ff0f}evil.example",
            "/\u{2215}evil.example",
            "///evil.example",
            "/%2f%2fevil.example",
            "/..//evil.example",
            "/.//evil.example",
            "/%5cevil.example",
            "@evil.example",
            "/@evil.example",
            "",
            " ",
            "/ /evil.example",
            "/;@evil.example",
            "/:443//evil.example",
            "//app.example@evil.example",
            "/\u{0}/evil.example",
            "/#@evil.example",
            "?next=//evil.example",
            "/\u{a0}/evil.example",
        ];
        let frames =
            ["", "/", "//", "\\", " ", "\t", "https:", "/a/", "/..", "/./", "%09", "%2e%2e/"];
        let mut tried = 0;
        for seed in seeds {
            for before in frames {
                for after in ["", "/", "\\", "#"] {
                    let path = format!("{before}{seed}{after}");
                    tried += 1;
                    if let Ok(address) = resolve(&mount, &path) {
                        let url = Url::parse(&address).unwrap();
                        assert_eq!(url.origin(), mount.url().origin(), "{path:?}");
                        assert!(address.ends_with('#'), "{path:?}");
                    }
                }
            }
        }
        assert!(tried >= 1000, "{tried}");
    }
}
