//! What a process of many shows the provider: each request that only looks is answered in the
//! process, and the token that it brought is kept.

use std::{
    cell::OnceCell,
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bailee::{
    Result,
    core::{CredentialName, Effect, ProviderId, ScopeName},
    http::{Chunks, HttpSend, Opened, Request, SendError},
    providers::{Context, JsonCall, Operation, OperationFacts, Step},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use zeroize::Zeroizing;

tokio::task_local! {
    /// When the request of this task left.
    static SENT: OnceCell<Instant>;
}

/// How long it took until a call's request left with a token.
pub(crate) async fn until_sent(call: impl Future<Output = Result<()>>) -> Result<Duration> {
    #[expect(clippy::disallowed_methods, reason = "how long a caller waits is measured")]
    let began = Instant::now();
    let sent = async {
        call.await.map(|()| SENT.with(|sent| *sent.get().expect("it was sent if it was answered")))
    };
    Ok(SENT.scope(OnceCell::new(), sent).await?.duration_since(began))
}

/// The way out of a process.
#[derive(Clone)]
pub(crate) struct Window {
    http: Arc<dyn HttpSend>,
    shown: Arc<Mutex<BTreeSet<String>>>,
}

impl Window {
    pub(crate) fn before(http: Arc<dyn HttpSend>) -> Self {
        Self { http, shown: Arc::default() }
    }

    /// The tokens that requests brought since this was asked the last time.
    pub(crate) fn shown(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.shown.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Window")
    }
}

#[async_trait]
impl HttpSend for Window {
    async fn open(&self, request: Request) -> Result<Opened, SendError> {
        if request.method != Method::GET || !request.url.path().ends_with(SEE.path) {
            return self.http.open(request).await;
        }
        #[expect(clippy::disallowed_methods, reason = "how long a caller waits is measured")]
        let now = Instant::now();
        SENT.with(|sent| sent.set(now)).expect("a look is sent once");
        let token = request.headers[header::AUTHORIZATION].to_str().unwrap().to_owned();
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).insert(token);
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
        Ok(Opened::new(StatusCode::OK, headers, Some(2), Box::new(Answer(Some(b"{}")))))
    }
}

struct Answer(Option<&'static [u8]>);

#[async_trait]
impl Chunks for Answer {
    async fn chunk(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, SendError> {
        Ok(self.0.take().map(|body| Zeroizing::new(body.to_vec())))
    }
}

/// Looks at the notes. It is declared as their writing is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct See;

static SEE: OperationFacts = OperationFacts {
    name: "notes.write",
    provider: ProviderId::from_static("notes"),
    scopes: &[ScopeName::from_static("notes.write")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/notes",
    sends: &["content"],
    reads: &[],
    credential: CredentialName::from_static("user"),
};

impl Operation for See {
    type Output = ();

    fn facts(&self) -> &OperationFacts {
        &SEE
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<()>> {
        #[derive(serde::Deserialize)]
        struct Seen {}
        JsonCall::new(cx, &SEE).read(|_: Seen| Ok(()))
    }
}
