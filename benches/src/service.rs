//! A service with many live connections, and a network that answers at once.

use std::sync::Arc;

use async_trait::async_trait;
use bailee::{
    Access, Act, Bailee, CallbackRequest, ClientSecret, ConnectionRef, Declaration, HostError,
    HostId, PurposeId, Registration, Result, RootKeys, SubjectId, TenantId, Tokio, Visitor,
    core::{Clock, CredentialName, Effect, ProviderId, ScopeName, SystemClock},
    providers::{Context, Failure, Input, Next, Operation, OperationFacts, Step},
    store::Store,
};
use bailee_http::{Body, Request, Response, Scripted, SendError};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use url::Url;
use zeroize::Zeroizing;

/// The one purpose.
pub const PUBLISH: PurposeId = PurposeId::from_static("publish.video");

/// A service and the connections that it holds, each of another person.
#[derive(Debug)]
pub struct Service {
    /// The libraries.
    pub bailee: Bailee,
    /// The people and their connections.
    pub connections: Vec<(Visitor, ConnectionRef)>,
}

impl Service {
    /// A service over a store, without connections.
    ///
    /// # Errors
    ///
    /// As [`bailee::Builder::build`].
    ///
    /// # Panics
    ///
    /// When the declaration is wrong.
    pub async fn over(store: Arc<dyn Store>) -> Result<Self> {
        Self::at(store, SystemClock).await
    }

    /// A service over a store with this clock, without connections.
    ///
    /// # Errors
    ///
    /// As [`bailee::Builder::build`].
    ///
    /// # Panics
    ///
    /// When the declaration is wrong.
    pub async fn at(store: Arc<dyn Store>, clock: impl Clock) -> Result<Self> {
        let declaration = Declaration::parse(include_str!("../privacy.toml"))?;
        let secret = ClientSecret::copy_from(b"fake-client-secret");
        let bailee = Bailee::builder(declaration)
            .shared_store(store)
            // 32 bytes that count up, in base64: a key for measurements alone.
            .keys(RootKeys::base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")?)
            .http(Scripted::new(answer))
            .clock(clock)
            .runtime(Tokio)
            .access(Everybody)
            .instance("bench")
            .mount("https://app.example/connect")
            .registration(Registration::new("tiktok", "fake-client", secret)?)
            .requires(&[PUBLISH])
            .build()
            .await?;
        Ok(Self { bailee, connections: Vec::new() })
    }

    /// Connects accounts through the whole flow, a hundred people to a tenant.
    ///
    /// # Panics
    ///
    /// When one is refused.
    pub async fn connect(&mut self, accounts: usize) {
        let bailee = &self.bailee;
        self.connections = stream::iter(0..accounts)
            .map(|n| async move {
                let tenant = TenantId::new(format!("tenant-{}", n / 100)).expect("a tenant");
                let person = format!("person-{n}");
                let visitor = Visitor::new(tenant, HostId::text(&person), &person);
                let connection = connect(bailee, &visitor, n).await;
                (visitor, connection)
            })
            .buffer_unordered(64)
            .collect()
            .await;
    }

    /// The n-th of an endless order that looks random and comes by all of them.
    #[must_use]
    pub fn at_random(&self, n: usize) -> &(Visitor, ConnectionRef) {
        // A step that has no factor in common with a power of ten.
        &self.connections[n.wrapping_mul(7_919).wrapping_add(n / 10_007) % self.connections.len()]
    }
}

async fn connect(bailee: &Bailee, visitor: &Visitor, n: usize) -> ConnectionRef {
    let connections = bailee.connections();
    let begun = connections.begin(visitor, "tiktok", &[PUBLISH]).await.expect("a flow begins");
    let headers = begun.answer().headers();
    let location = headers[header::LOCATION].to_str().expect("an address");
    let location = Url::parse(location).expect("an address");
    let (_, state) = location.query_pairs().find(|(name, _)| name == "state").expect("a state");
    let cookie = headers[header::SET_COOKIE].to_str().expect("a cookie");
    let (cookie, _) = cookie.split_once(';').expect("a cookie with attributes");
    let mut sent = HeaderMap::new();
    sent.insert(header::COOKIE, HeaderValue::from_str(cookie).expect("a cookie"));
    let query = format!("code=fake-code-{n}&scopes=user.info.basic,video.publish&state={state}");
    let callback = CallbackRequest::new("tiktok", Method::GET, &query, &sent);
    connections.complete(visitor, callback).await.expect("a flow completes").connection
}

/// What the network would have answered. Tokens are as long as real ones.
fn answer(request: &Request) -> std::result::Result<Response, SendError> {
    let body = match request.url.path() {
        "/v2/oauth/token/" => {
            let Body::Bytes(form) = &request.body else { return Ok(json("{}".into())) };
            let form = String::from_utf8_lossy(form);
            let n = form
                .split('&')
                .find_map(|pair| {
                    // A renewal shows the token of the same number, and gets the like again.
                    let token = pair.strip_prefix("refresh_token=rft.");
                    let token = token.map(|digits| digits.trim_start_matches('0'));
                    pair.strip_prefix("code=fake-code-").or(token)
                })
                .unwrap_or_default();
            format!(
                r#"{{"access_token":"act.{n:0>68}","expires_in":86400,"open_id":"open-{n}",
                "refresh_expires_in":31536000,"refresh_token":"rft.{n:0>68}",
                "scope":"user.info.basic,video.publish","token_type":"Bearer"}}"#
            )
        }
        "/v2/user/info/" => {
            let token = request.headers[header::AUTHORIZATION].to_str().unwrap_or_default();
            let n = token.trim_start_matches("Bearer act.").trim_start_matches('0');
            let n = if n.is_empty() { "0" } else { n };
            format!(
                r#"{{"data":{{"user":{{"open_id":"open-{n}","display_name":"Person"}}}},
                "error":{{"code":"ok"}}}}"#
            )
        }
        _ => r#"{"data":{"creator_username":"ada","creator_nickname":"Ada",
            "privacy_level_options":["SELF_ONLY"],"max_video_post_duration_sec":600},
            "error":{"code":"ok"}}"#
            .into(),
    };
    Ok(json(body))
}

fn json(body: String) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response::new(StatusCode::OK, headers, Zeroizing::new(body.into_bytes()))
}

/// The host's word costs nothing here.
#[derive(Debug)]
struct Everybody;

#[async_trait]
impl Access for Everybody {
    async fn may(
        &self,
        _: &HostId,
        _: Option<SubjectId>,
        _: &TenantId,
        _: Act,
    ) -> std::result::Result<bool, HostError> {
        Ok(true)
    }

    async fn tenants(&self, _: &HostId) -> std::result::Result<Vec<TenantId>, HostError> {
        Ok(Vec::new())
    }
}

/// A read that passes the gate as `tiktok.creator_info` does and then sends nothing: what the gate
/// costs by itself.
#[derive(Clone, Copy, Debug)]
pub struct Look;

impl Operation for Look {
    type Output = ();

    fn facts(&self) -> &OperationFacts {
        &LOOK
    }

    fn start(&self, _: &Context<'_>) -> Box<dyn Step<()>> {
        Box::new(Nothing)
    }
}

struct Nothing;

impl Step<()> for Nothing {
    fn next(&mut self, _: Input) -> std::result::Result<Next<()>, Failure> {
        Ok(Next::Done(()))
    }
}

static LOOK: OperationFacts = OperationFacts {
    name: "tiktok.creator_info",
    provider: ProviderId::from_static("tiktok"),
    scopes: &[ScopeName::from_static("video.publish")],
    effect: Effect::Read,
    method: Method::POST,
    path: "/v2/post/publish/creator_info/query/",
    sends: &[],
    reads: &["profile", "settings"],
    credential: CredentialName::from_static("user"),
};
