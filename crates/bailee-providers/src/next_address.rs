//! Next pages that come as addresses: `@odata.nextLink`, `Link` (RFC 8288).

use http::{HeaderMap, header};
use url::{Url, form_urlencoded};

use crate::{failure::Failure, page::Cursor, rfc::malformed, spec::SpecFacts};

/// The longest query of such an address, in bytes.
const LONGEST: usize = 8 * 1024;

/// Parameters that some providers repeat in the address of the next page. The token is attached by
/// the driver, anew and in its header.
const SECRETS: [&str; 5] =
    ["access_token", "appsecret_proof", "client_secret", "id_token", "refresh_token"];

impl Cursor {
    /// The cursor in an address that a provider gave for the next page.
    ///
    /// The address *must* lie at the host of the spec's `api` address and under one of the paths,
    /// each a template behind that address as in
    /// [`OperationFacts::path`](crate::OperationFacts::path). A provider that answers with another
    /// spelling of its paths gets that spelling in the list. Of the address no more than the query
    /// is kept, without tokens in it, so that nothing that a provider says moves a request to
    /// another host or path. The next request takes it by
    /// [`JsonCall::continued`](crate::JsonCall::continued).
    ///
    /// # Errors
    ///
    /// [`FailureKind::Malformed`](crate::FailureKind::Malformed) for an address elsewhere, one with
    /// user information, another port, a fragment, no query, or one of more than 8 KiB.
    pub fn of_address(
        spec: &SpecFacts,
        paths: &[&str],
        address: &str,
    ) -> std::result::Result<Self, Failure> {
        Self::of_address_at(spec.api.as_ref().ok_or_else(malformed)?, paths, address)
    }

    /// The same where the account has a host of its own: `api` is what
    /// [`Context::api`](crate::Context::api) says.
    ///
    /// # Errors
    ///
    /// As [`Cursor::of_address`].
    pub fn of_address_at(
        api: &Url,
        paths: &[&str],
        address: &str,
    ) -> std::result::Result<Self, Failure> {
        if address.len() > 2 * LONGEST || address.chars().any(char::is_control) {
            return Err(malformed());
        }
        // An address may be relative (RFC 8288 §3.1); it resolves against where the call went.
        let url = api.join(address).map_err(|_| malformed())?;
        let at_home = url.scheme() == "https"
            && url.host_str() == api.host_str()
            && url.port() == api.port()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none();
        let prefix = api.path().trim_end_matches('/');
        let rest = url.path().strip_prefix(prefix).filter(|rest| rest.starts_with('/'));
        let fits = rest.is_some_and(|rest| paths.iter().any(|path| is_filled(path, rest)));
        if !at_home || !fits {
            return Err(malformed());
        }
        let query = url.query().filter(|query| (1..=LONGEST).contains(&query.len()));
        let pairs = form_urlencoded::parse(query.ok_or_else(malformed)?.as_bytes());
        let mut kept = form_urlencoded::Serializer::new(String::new());
        kept.extend_pairs(
            pairs.filter(|(name, _)| {
                !SECRETS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
            }),
        );
        let kept = kept.finish();
        if kept.is_empty() { Err(malformed()) } else { Ok(Self::new(kept)) }
    }
}

/// The address of the next page in a `Link` header (RFC 8288 §3, relation `next`), as it stands
/// there: for [`Cursor::of_address`].
pub fn next_link(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(header::LINK).iter();
    values.filter_map(|value| value.to_str().ok()).find_map(next_of)
}

fn next_of(value: &str) -> Option<String> {
    let mut rest = value;
    while let Some(start) = rest.find('<') {
        let (target, after) = rest[start + 1..].split_once('>')?;
        let (parameters, following) = split_link(after);
        let is_next = parameters.iter().any(|(name, text)| {
            name.eq_ignore_ascii_case("rel")
                && text.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(target.to_owned());
        }
        rest = following;
    }
    None
}

/// The parameters of one link and what stands behind the comma that ends it.
fn split_link(text: &str) -> (Vec<(&str, &str)>, &str) {
    let mut parameters = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' | ',' if !quoted => {
                parameters.extend(parameter(&text[start..at]));
                start = at + 1;
                if c == ',' {
                    return (parameters, &text[start..]);
                }
            }
            _ => {}
        }
    }
    parameters.extend(parameter(&text[start..]));
    (parameters, "")
}

fn parameter(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=')?;
    Some((name.trim(), value.trim().trim_matches('"')))
}

/// Whether a path is a template with its parts filled in: segment by segment, none empty.
fn is_filled(template: &str, path: &str) -> bool {
    let mut wanted = template.trim_start_matches('/').split('/');
    let mut given = path.trim_start_matches('/').split('/');
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) => {
                let part = wanted.contains('{') && wanted.contains('}');
                if given.is_empty() || !(part || wanted == given) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// The pairs of a query.
pub(crate) fn pairs(cursor: &Cursor) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(cursor.as_str().as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FailureKind, Spec};

    const PATHS: &[&str] = &["/me/notes", "/people/{id}/notes"];

    fn cursor(address: &str) -> Result<Cursor, Failure> {
        let spec = Spec::parse(include_str!("../specs/example-oidc.toml")).unwrap();
        Cursor::of_address(&spec, PATHS, address)
    }

    #[test]
    fn out_03_of_an_address_at_home_the_query_is_kept() {
        for (address, query) in [
            ("https://api.example.test/v1/me/notes?$skip=10&$top=5", "%24skip=10&%24top=5"),
            ("https://API.example.test:443/v1/people/7/notes?page=2", "page=2"),
            ("/v1/me/notes?a=b%26c", "a=b%26c"),
            ("https://api.example.test/v1/me/notes?after=x&access_token=fake", "after=x"),
        ] {
            assert_eq!(cursor(address).unwrap().as_str(), query, "{address}");
        }
    }

    #[test]
    fn out_03_an_address_elsewhere_is_no_next_page() {
        for address in [
            "https://evil.example/v1/me/notes?page=2",
            "https://api.example.test.evil.example/v1/me/notes?page=2",
            "https://api.example.test@evil.example/v1/me/notes?page=2",
            "https://user@api.example.test/v1/me/notes?page=2",
            "https://:pass@api.example.test/v1/me/notes?page=2",
            "https://api.example.test:8443/v1/me/notes?page=2",
            "http://api.example.test/v1/me/notes?page=2",
            "//evil.example/v1/me/notes?page=2",
            "\\\\evil.example/v1/me/notes?page=2",
            "javascript:alert(1)?page=2",
            "https://api.example.test/v1/me/notes?page=2#fragment",
            "https://api.example.test/v1/me/secrets?page=2",
            "https://api.example.test/v1/me/notes/?page=2",
            "https://api.example.test/v1/people//notes?page=2",
            "https://api.example.test/v1/people/7/../../admin/notes?page=2",
            "https://api.example.test/v1x/me/notes?page=2",
            "https://api.example.test/me/notes?page=2",
            "https://api.example.test/v1/me/notes",
            "https://api.example.test/v1/me/notes?",
            "https://api.example.test/v1/me/notes?access_token=fake",
            "/v1/me/notes?a=\nb",
            "",
            "?page=2",
        ] {
            assert_eq!(cursor(address).unwrap_err().kind, FailureKind::Malformed, "{address}");
        }
        let long = format!("/v1/me/notes?a={}", "x".repeat(LONGEST));
        assert_eq!(cursor(&long).unwrap_err().kind, FailureKind::Malformed);
    }

    #[test]
    fn the_next_page_is_found_among_links() {
        let next = |values: &[&str]| {
            let values = values.iter().map(|value| (header::LINK, value.parse().unwrap()));
            next_link(&values.collect())
        };
        for (values, expected) in [
            (
                &["<https://a.test/x?page=2>; rel=\"next\""] as &[&str],
                Some("https://a.test/x?page=2"),
            ),
            (
                &["<https://a.test/1>; rel=\"prev\", <https://a.test/3>; rel=\"next\""],
                Some("https://a.test/3"),
            ),
            (&["<a,b;c>;rel=next"], Some("a,b;c")),
            (&["<a>; title=\"x, <b>; rel=next\"; rel=last, <c>; REL=\"first Next\""], Some("c")),
            (&["<a>; rel=last", "<b>; rel=next"], Some("b")),
            (&["<a>; rel=nextish"], None),
            (&["<a>; title=\"rel=next\""], None),
            (&["<a"], None),
            (&["a; rel=next"], None),
            (&[""], None),
            (&[], None),
        ] {
            assert_eq!(next(values).as_deref(), expected, "{values:?}");
        }
    }
}
