use serde_json::Value;
use url::form_urlencoded;

/// A request as it came in, with the whole body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Incoming {
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Incoming {
    /// The value of a header that came exactly once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let value = found.next()?.1.as_str();
        found.next().is_none().then_some(value)
    }

    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name))
    }

    /// The media type of the body, in lower case and without parameters.
    pub(crate) fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    pub(crate) fn is_form(&self) -> bool {
        self.media_type() == "application/x-www-form-urlencoded"
    }

    pub(crate) fn form(&self) -> Parameters {
        Parameters::parse(if self.is_form() { &self.body } else { b"" })
    }

    pub(crate) fn query(&self) -> Parameters {
        Parameters::parse(self.query.as_deref().unwrap_or_default().as_bytes())
    }

    /// The body as JSON, if it says that it is that and is.
    pub(crate) fn json(&self) -> Option<Value> {
        let media_type = self.media_type();
        let json = media_type == "application/json" || media_type.ends_with("+json");
        json.then(|| serde_json::from_slice(&self.body).ok()).flatten()
    }

    /// The path between its slashes, for `match`.
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.path.trim_matches('/').split('/').collect()
    }

    /// The token of an `Authorization: Bearer` header (RFC 6750 §2.1).
    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    }

    pub(crate) fn is(&self, method: &str) -> bool {
        self.method == method
    }
}

/// Decoded parameters of a query or a form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The value of a parameter; empty ones count as left out (RFC 6749 §3.1).
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(key, _)| key == name)?.1.as_str();
        (!value.is_empty()).then_some(value)
    }

    pub(crate) fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    /// Whether a parameter came more than once, which RFC 6749 §3.1 and §3.2 forbid.
    pub(crate) fn repeats(&self) -> bool {
        self.0.iter().enumerate().any(|(at, (key, _))| {
            key != "resource" && self.0.iter().take(at).any(|(earlier, _)| earlier == key)
        })
    }

    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

/// An answer before it is sent, and what becomes of the connection.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    CutOff,
    Dropped,
    Sent,
}

impl Answer {
    pub(crate) fn new(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), media_type.into())],
            body: body.into(),
            fate: Fate::Sent,
        }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), fate: Fate::Sent }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    pub(crate) fn html(status: u16, body: String) -> Self {
        Self::new(status, "text/html; charset=utf-8", body)
            .with("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
            .with("referrer-policy", "no-referrer")
            .no_store()
    }

    pub(crate) fn redirect(status: u16, location: &str) -> Self {
        Self::empty(status).with("location", location).no_store()
    }

    pub(crate) fn dropped() -> Self {
        Self { fate: Fate::Dropped, ..Self::empty(500) }
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(key, _)| key != name);
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Answers with tokens must not be kept (RFC 6749 §5.1).
    #[must_use]
    pub(crate) fn no_store(self) -> Self {
        self.with("cache-control", "no-store")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Adds parameters to the query of an address, whatever query it has.
pub(crate) fn with_query(address: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    let joint = if address.contains('?') { '&' } else { '?' };
    format!("{address}{joint}{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_parameters_are_noticed() {
        assert!(Parameters::parse(b"a=1&b=2&a=1").repeats());
        assert!(!Parameters::parse(b"a=1&b=2").repeats());
        assert!(!Parameters::parse(b"resource=1&resource=2").repeats());
    }

    #[test]
    fn a_redirect_keeps_the_query_of_its_address() {
        assert_eq!(with_query("https://a.test/?x=1", &[("b", "c d")]), "https://a.test/?x=1&b=c+d");
    }
}
