//! An address that a caller wants, taken apart and compared with the declared endpoints.

use bailee_registry::{Endpoint, Segment};
use http::{Method, Uri};
use percent_encoding::percent_decode_str;
use url::Url;

/// What stands in the parts of an endpoint's path, by their names.
pub(crate) type Parts = Vec<(String, String)>;

/// The segments of a path behind the provider's `api` address, each decoded once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked(Vec<String>);

impl Asked {
    /// Takes an address apart: a path and a query, or a whole address at the API's own host. None
    /// for everything that is not a plain one.
    pub(crate) fn of(uri: &Uri, api: &Url) -> Option<Self> {
        let at_home = match (uri.scheme_str(), uri.authority()) {
            (None, None) => true,
            // The authority is compared as a text: no user information, no port, no other spelling.
            (Some("https"), Some(authority)) => {
                let host = api.host_str()?;
                let own =
                    api.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
                authority.as_str().eq_ignore_ascii_case(&own)
            }
            _ => false,
        };
        if !at_home {
            return None;
        }
        let prefix = api.path().trim_end_matches('/');
        let rest = uri.path().strip_prefix(prefix)?.strip_prefix('/')?;
        rest.split('/').map(decoded).collect::<Option<_>>().map(Self)
    }

    /// The segments.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn into_segments(self) -> Vec<String> {
        self.0
    }

    /// The endpoint that this is, and what stands in its parts. Of several that fit, the one with
    /// a literal where the others first have a part.
    pub(crate) fn find<'a>(
        &self,
        endpoints: &'a [Endpoint],
        method: &Method,
    ) -> Option<(&'a Endpoint, Parts)> {
        let fitting = endpoints
            .iter()
            .filter(|endpoint| endpoint.method == method.as_str())
            .filter_map(|endpoint| Some((endpoint, self.parts(endpoint)?)));
        // A literal is less than a part.
        let order = |endpoint: &Endpoint| -> Vec<bool> {
            endpoint.segments().map(|segment| matches!(segment, Segment::Part(_))).collect()
        };
        fitting.min_by_key(|(endpoint, _)| order(endpoint))
    }

    fn parts(&self, endpoint: &Endpoint) -> Option<Parts> {
        let mut parts = Parts::new();
        let mut given = self.0.iter();
        for segment in endpoint.segments() {
            let given = given.next()?;
            match segment {
                Segment::Literal(text) if text == given => {}
                Segment::Literal(_) => return None,
                Segment::Part(name) => parts.push((name.to_owned(), given.clone())),
            }
        }
        given.next().is_none().then_some(parts)
    }
}

/// A segment, decoded once. None for an empty one, for dots, and for what would be a slash, a dot
/// segment or another encoding to whoever decodes it again.
fn decoded(segment: &str) -> Option<String> {
    // What is no encoding keeps its percent sign, which is refused below.
    let decoded = percent_decode_str(segment).decode_utf8().ok()?.into_owned();
    let hostile = decoded.is_empty()
        || decoded.trim().bytes().all(|byte| byte == b'.')
        || decoded.contains(['/', '\\', '%', '?', '#'])
        // What some servers cut off before they look at dots.
        || decoded.starts_with("..;")
        || decoded.starts_with(".;")
        || decoded.chars().any(char::is_control);
    (!hostile).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use bailee_registry::Declaration;

    use super::*;

    fn asked(address: &str) -> Option<Vec<String>> {
        let api: Url = "https://api.example.test/v1".parse().unwrap();
        let uri: Uri = address.parse().ok()?;
        Asked::of(&uri, &api).map(|asked| asked.0)
    }

    #[test]
    fn out_03_plain_addresses_at_home_are_taken_apart() {
        for (address, segments) in [
            ("/v1/notes", &["notes"] as &[&str]),
            ("/v1/notes/7?x=../y", &["notes", "7"]),
            ("https://api.example.test/v1/notes/a%20b", &["notes", "a b"]),
            ("https://API.example.test/v1/notes/%C3%A9", &["notes", "é"]),
            ("/v1/notes/a.b..c", &["notes", "a.b..c"]),
        ] {
            assert_eq!(asked(address).unwrap(), segments, "{address}");
        }
    }

    #[test]
    fn out_03_other_hosts_and_tricks_with_paths_are_nothing() {
        for address in [
            "https://evil.example/v1/notes",
            "https://api.example.test.evil.example/v1/notes",
            "https://evil.example@api.example.test/v1/notes",
            "https://api.example.test@evil.example/v1/notes",
            "https://api.example.test:443/v1/notes",
            "https://api.example.test:8443/v1/notes",
            "https://api.example.test./v1/notes",
            "http://api.example.test/v1/notes",
            "api.example.test:443",
            "*",
            "//evil.example/v1/notes",
            "/",
            "/notes",
            "/v1",
            "/v1/",
            "/v1x/notes",
            "/v2/notes",
            "/v1//notes",
            "/v1/notes/",
            "/v1/notes//7",
            "/v1/./notes",
            "/v1/../admin",
            "/v1/notes/..",
            "/v1/notes/../../admin",
            "/v1/notes/%2e%2e/admin",
            "/v1/notes/.%2E/admin",
            "/v1/notes/%2e",
            "/v1/notes/...",
            "/v1/notes/%2F..%2Fadmin",
            "/v1/notes/a%2fb",
            "/v1/notes/a%5cb",
            "/v1/notes/a%252fb",
            "/v1/notes/%25%32%65",
            "/v1/notes/a%00",
            "/v1/notes/a%0d%0ab",
            "/v1/notes/a%3fb=c",
            "/v1/notes/a%23b",
            "/v1/notes/..;/admin",
            "/v1/notes/..;x",
            "/v1/notes/%2e%2e%3bx",
            "/v1/notes/%2e%2e%20",
            "/v1/notes/%",
            "/v1/notes/%4",
            "/v1/notes/%zz",
            "/v1/notes/%2%65",
            "/v1/notes/%ff",
        ] {
            assert_eq!(asked(address), None, "{address}");
        }
    }

    #[test]
    fn out_03_the_most_literal_endpoint_of_the_method_is_meant() {
        let text = include_str!("../../bailee-registry/examples/privacy.toml");
        let endpoint = |name: &str, method: &str, path: &str| {
            format!(
                "\n[[integrations.notes.endpoints]]\nname = \"notes.{name}\"\nmethod = \"{method}\"\n\
                 path = \"{path}\"\neffect = \"effect\"\npurposes = [\"notes.save\"]\n"
            )
        };
        let rows = [
            endpoint("any", "POST", "/{a}/{b}"),
            endpoint("one", "POST", "/notes/{id}"),
            endpoint("mine", "POST", "/notes/mine"),
            endpoint("other", "DELETE", "/notes/{id}"),
        ];
        let declaration = Declaration::parse(&format!("{text}{}", rows.concat())).unwrap();
        let notes = declaration.integrations().find(|known| known.provider.as_str() == "notes");
        let endpoints = &notes.unwrap().endpoints;
        let find = |method, segments: &[&str]| {
            let asked = Asked(segments.iter().map(|text| (*text).to_owned()).collect());
            asked.find(endpoints, &method).map(|(endpoint, parts)| (endpoint.name.as_str(), parts))
        };
        let part = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(find(Method::POST, &["notes", "mine"]), Some(("notes.mine", vec![])));
        assert_eq!(find(Method::POST, &["notes", "7"]), Some(("notes.one", vec![part("id", "7")])));
        assert_eq!(
            find(Method::POST, &["x", "7"]),
            Some(("notes.any", vec![part("a", "x"), part("b", "7")]))
        );
        assert_eq!(find(Method::POST, &["notes"]), None);
        assert_eq!(find(Method::GET, &["notes", "7"]), None);
        assert_eq!(find(Method::DELETE, &["notes", "7"]).unwrap().0, "notes.other");
    }
}
