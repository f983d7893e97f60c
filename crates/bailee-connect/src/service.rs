//! A provider's API for software that makes its own requests, limited to declared endpoints.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use bailee_core::{
    ConnectionRef, CredentialName, Error, ErrorKind, Owner, ProviderId, Remedy, Result,
};
use bailee_providers::{Answer, Context, JsonCall};
use bailee_registry::Endpoint;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, header};
use url::Url;

use crate::{
    call::Acting,
    needs::{Categories, Needs},
    wanted_address::{Asked, Parts},
};

/// A provider's API through one connection, for a client library that makes its own requests.
///
/// A request gives a method, a path, a query, headers and a body. It leaves only where the
/// declaration has an endpoint for its method and path, and then as any call does: through the
/// gate, with the token attached last, an effect written down before and after, counted as a
/// disclosure, and after a 401 once more with a renewed token. Everything else is refused before
/// anything leaves:
///
/// - another host than the provider's API, user information, dot segments, empty segments, and
///   slashes, dots or percent signs behind an encoding;
/// - headers that frame a message, name a host, carry a credential or a cookie, or ask for another
///   method or path than the request says; an `access_token` in the query;
/// - a body over the limit (10 MiB where none is set).
///
/// The answer comes whole, whatever its status, up to its own limit. Three things are errors
/// instead: a token that is not taken, a rate limit, and a fault of the provider's own after an
/// effect, which may have happened ([`ErrorKind::Ambiguous`]): nothing may repeat that blindly.
///
/// Content codings are not used; `accept-encoding` of the caller is left away. With the feature
/// `tower` it is a `tower_service::Service`. Clones share what they know.
#[derive(Clone)]
pub struct ApiService {
    inner: Arc<Inner>,
    request_limit: usize,
    answer_limit: usize,
}

struct Inner {
    acting: Acting,
    connection: ConnectionRef,
    known: OnceLock<Known>,
}

/// What does not change while a connection lives.
struct Known {
    provider: ProviderId,
    credential: CredentialName,
    api: Url,
    /// Headers that the provider's own template sets: its credential may be one of them.
    taken: Vec<HeaderName>,
}

/// The usual limit of a request's and of an answer's body.
const LIMIT: usize = 10 * 1024 * 1024;
/// The longest query, in bytes.
const LONGEST_QUERY: usize = 8 * 1024;
/// The most headers, and the longest of all together, in bytes.
const MOST_HEADERS: usize = 64;
const LONGEST_HEADERS: usize = 16 * 1024;

impl Acting {
    /// The provider's API through a connection, limited to what the declaration's endpoints allow.
    pub fn service(&self, connection: &ConnectionRef) -> ApiService {
        let (acting, connection) = (self.clone(), connection.clone());
        ApiService {
            inner: Arc::new(Inner { acting, connection, known: OnceLock::new() }),
            request_limit: LIMIT,
            answer_limit: LIMIT,
        }
    }
}

impl ApiService {
    /// The largest body of a request, in bytes.
    #[must_use]
    pub fn request_limit(mut self, bytes: usize) -> Self {
        self.request_limit = bytes;
        self
    }

    /// The largest body of an answer, in bytes.
    #[must_use]
    pub fn answer_limit(mut self, bytes: usize) -> Self {
        self.answer_limit = bytes;
        self
    }

    /// Sends a request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] for what no endpoint of the declaration allows and for what a caller
    /// may not set; [`ErrorKind::TooLarge`] for a body over its limit;
    /// [`ErrorKind::InvalidInput`] for headers that are not text; and as [`Acting::call`].
    pub async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
        let Inner { acting, connection, .. } = &*self.inner;
        let named = |error: Error| error.with_connection(connection.connection());
        let known = self.known().await.map_err(named)?;
        let (head, body) = request.into_parts();
        let allowed = self.allow(known, &head, &body);
        let (endpoint, parts, query, headers) = allowed.map_err(named)?;
        let needs = Needs {
            name: &endpoint.name,
            provider: &known.provider,
            scopes: &endpoint.scopes,
            effect: endpoint.effect,
            sends: Categories::Declared(&endpoint.sends),
            reads: Categories::Declared(&endpoint.reads),
            credential: endpoint.credential.as_ref().unwrap_or(&known.credential),
            endpoint: true,
        };
        let content_type = headers.iter().find(|(name, _)| *name == header::CONTENT_TYPE);
        let content_type =
            content_type.map_or("application/octet-stream", |(_, value)| value).to_owned();
        let body: Arc<[u8]> = body.as_ref().into();
        let start = |cx: &Context<'_>| {
            let mut call = JsonCall::of(cx, head.method.clone(), &*endpoint.path, endpoint.effect)
                .limit(self.answer_limit);
            for (name, value) in &parts {
                call = call.part(name, value);
            }
            for (name, value) in &query {
                call = call.query(name.clone(), value);
            }
            for (name, value) in &headers {
                if name != header::CONTENT_TYPE {
                    call = call.header(name.clone(), value);
                }
            }
            if !body.is_empty() {
                call = call.bytes(body.clone(), content_type.clone());
            }
            call.answer()
        };
        let answer = acting.perform(connection, needs, &start, outcome_of, Vec::new()).await?;
        let mut response = http::Response::new(Bytes::from_owner(answer.body));
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        for name in KEPT_BACK {
            response.headers_mut().remove(name);
        }
        Ok(response)
    }

    /// What is known of the connection. Whoever may not use it learns nothing of it.
    async fn known(&self) -> Result<&Known> {
        let Inner { acting, connection, known } = &*self.inner;
        if let Some(known) = known.get() {
            return Ok(known);
        }
        let (engine, who) = (&acting.engine, &acting.who);
        let unknown = || Error::new(ErrorKind::NotFound);
        if connection.owner() != Owner::Instance && who.tenant() != connection.tenant() {
            return Err(unknown());
        }
        let found = engine.find_connection(connection).await?.ok_or_else(unknown)?;
        engine.entitled(who, connection).await?;
        let credential = found.credential(0)?.ok_or_else(unknown)?;
        let line = engine.line_to(&credential).await?;
        let cx = line.context();
        let template = JsonCall::of(&cx, Method::GET, "/", bailee_core::Effect::Read);
        let template = template.into_request().map_err(Error::from)?;
        let api = cx.api().cloned().ok_or_else(|| Error::new(ErrorKind::Unsupported))?;
        let taken = template.headers.into_iter().map(|(name, _)| name);
        let (provider, credential) = (credential.provider, credential.name);
        let taken = taken.filter(|name| *name != header::ACCEPT).collect();
        Ok(known.get_or_init(|| Known { provider, credential, api, taken }))
    }

    #[expect(clippy::type_complexity, reason = "what a request is, taken apart once")]
    fn allow<'a>(
        &'a self,
        known: &Known,
        head: &http::request::Parts,
        body: &Bytes,
    ) -> Result<(&'a Endpoint, Parts, Vec<(String, String)>, Vec<(HeaderName, String)>)> {
        let declaration = self.inner.acting.engine.declaration();
        let integration = declaration.integration(&known.provider);
        let endpoints = integration.map_or([].as_slice(), |known| &known.endpoints);
        let asked = Asked::of(&head.uri, &known.api)
            .ok_or_else(|| denied("the address is not a plain one at the provider's API"))?;
        let (endpoint, parts) = asked
            .find(endpoints, &head.method)
            .ok_or_else(|| denied("no endpoint is declared for this method and path"))?;
        let query = query(head.uri.query().unwrap_or_default())?;
        if body.len() > self.request_limit {
            return Err(Error::new(ErrorKind::TooLarge)
                .with_detail("the body of the request is over the limit"));
        }
        let headers = headers(&head.headers, &known.taken, body.len())?;
        Ok((endpoint, parts, query, headers))
    }
}

#[cfg(feature = "tower")]
impl<B: Into<Bytes>> tower_service::Service<http::Request<B>> for ApiService {
    type Response = http::Response<Bytes>;
    type Error = Error;
    type Future = futures_util::future::BoxFuture<'static, Result<http::Response<Bytes>>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let (service, request) = (self.clone(), request.map(Into::into));
        Box::pin(async move { service.send(request).await })
    }
}

impl fmt::Debug for ApiService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiService")
            .field("connection", &self.inner.connection)
            .finish_non_exhaustive()
    }
}

/// Whether an effect is done. A fault of the provider's own does not come this far.
fn outcome_of(answer: &Answer) -> &'static str {
    if answer.status.is_success() { "done" } else { "failed" }
}

/// The pairs of a query. Nothing in it may be a token or ask for another method.
pub(crate) fn query(query: &str) -> Result<Vec<(String, String)>> {
    if query.len() > LONGEST_QUERY {
        return Err(Error::new(ErrorKind::TooLarge).with_detail("the query is over the limit"));
    }
    let pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let is_token = |name: &str| name.eq_ignore_ascii_case("access_token");
    let is_method = |name: &str, value: &str| {
        matches!(name.to_ascii_lowercase().as_str(), "_method" | "x-http-method-override")
            || name.eq_ignore_ascii_case("method")
                && ["delete", "get", "head", "patch", "post", "put"]
                    .iter()
                    .any(|method| value.eq_ignore_ascii_case(method))
    };
    if pairs.iter().any(|(name, value)| is_token(name) || is_method(name, value)) {
        return Err(denied("a parameter of the query is not the caller's to set"));
    }
    Ok(pairs)
}

/// The headers as they are sent; several of one name become one list (RFC 9110 §5.3).
pub(crate) fn headers(
    given: &HeaderMap,
    taken: &[HeaderName],
    length: usize,
) -> Result<Vec<(HeaderName, String)>> {
    let mut headers: Vec<(HeaderName, String)> = Vec::new();
    let size: usize = given.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if given.len() > MOST_HEADERS || size > LONGEST_HEADERS {
        return Err(Error::new(ErrorKind::TooLarge).with_detail("the headers are over the limit"));
    }
    for (name, value) in given {
        let value = value.to_str().map_err(|_| {
            Error::new(ErrorKind::InvalidInput).with_detail("a header is not visible text")
        })?;
        match name.as_str() {
            // The client's own; a length that is right says nothing new.
            "accept-encoding" => continue,
            "content-length" if value.parse() == Ok(length) => continue,
            name if NOT_THE_CALLERS.contains(&name) => return Err(not_the_callers()),
            name if name.starts_with("proxy-") || name.starts_with("x-forwarded") => {
                return Err(not_the_callers());
            }
            _ if taken.contains(name) => return Err(not_the_callers()),
            _ => {}
        }
        match headers.iter_mut().find(|(known, _)| known == name) {
            Some((_, list)) => {
                list.push_str(", ");
                list.push_str(value);
            }
            None => headers.push((name.clone(), value.to_owned())),
        }
    }
    Ok(headers)
}

fn denied(detail: &'static str) -> Error {
    Error::new(ErrorKind::Denied).with_remedy(Remedy::FixConfiguration).with_detail(detail)
}

fn not_the_callers() -> Error {
    denied("a header of the request is not the caller's to set")
}

/// Headers that frame a message, belong to one connection (RFC 9110 §7.6.1), name a host, carry a
/// credential or a cookie, or ask a server for another method or path than the request says.
const NOT_THE_CALLERS: [&str; 21] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
];

/// Headers of an answer that are about its connection or keep a state of their own.
const KEPT_BACK: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn given(headers: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        map
    }

    #[test]
    fn out_03_headers_that_are_not_the_callers_are_refused() {
        let names = NOT_THE_CALLERS.into_iter().chain([
            "Proxy-Authorization",
            "X-Forwarded-Host",
            "X-Api-Key",
            "AUTHORIZATION",
        ]);
        let taken = [HeaderName::from_static("x-api-key")];
        for name in names {
            let error = headers(&given(&[(name, "x")]), &taken, 0).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Denied, "{name}");
        }
        let plain = given(&[
            ("accept", "a/b"),
            ("accept-encoding", "gzip"),
            ("content-length", "3"),
            ("prefer", "a"),
            ("prefer", "b"),
        ]);
        let sent = headers(&plain, &taken, 3).unwrap();
        assert_eq!(
            sent,
            [
                (header::ACCEPT, "a/b".to_owned()),
                (HeaderName::from_static("prefer"), "a, b".to_owned()),
            ]
        );
        assert!(headers(&given(&[("content-length", "4")]), &taken, 3).is_err());
        assert!(headers(&given(&[("a", &"x".repeat(20_000))]), &taken, 0).is_err());
    }

    #[test]
    fn out_03_a_query_holds_no_token_and_no_other_method() {
        assert_eq!(query("a=b%20c&method=bank").unwrap().len(), 2);
        for hostile in
            ["access_token=fake", "a=b&Access_Token=fake", "_method=DELETE", "method=delete"]
        {
            assert_eq!(query(hostile).unwrap_err().kind(), ErrorKind::Denied, "{hostile}");
        }
        assert_eq!(query(&"x".repeat(10_000)).unwrap_err().kind(), ErrorKind::TooLarge);
    }
}
