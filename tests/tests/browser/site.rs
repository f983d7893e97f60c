//! The servers that the browser meets, each under its own name: a host application that mounts the
//! flow, another application under the same domain, and the provider's pages.

use std::{
    convert::Infallible,
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use bailee::{BeginOptions, CallbackRequest};
use bailee_testkit::{
    World,
    emulator::{self, Decision},
};
use bailee_tests::{NOTES, PUBLISH};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

pub(crate) const APP: &str = "app.example.test";
/// Somebody else's application under the same domain.
pub(crate) const SIBLING: &str = "blog.example.test";
pub(crate) const PROVIDER: &str = "www.tiktok.com";
pub(crate) const CALLBACK: &str = "/connect/tiktok/callback";
/// A provider that posts its answers, from another site.
pub(crate) const ISSUER: &str = "id.elsewhere.test";
pub(crate) const POSTED: &str = "/connect/notes/callback";

/// What the browser sent, and what it was answered.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) host: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) sent: HeaderMap,
    pub(crate) body: String,
    pub(crate) status: StatusCode,
    pub(crate) answered: HeaderMap,
}

impl Seen {
    /// The values that came under the names that begin so, in their order.
    pub(crate) fn cookies(&self, prefix: &str) -> Vec<String> {
        let lines = self.sent.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        lines
            .flat_map(|line| line.split("; "))
            .filter_map(|pair| pair.split_once('='))
            .filter(|(name, _)| name.starts_with(prefix))
            .map(|(_, value)| value.to_owned())
            .collect()
    }
}

/// How things stand in one test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    /// `SameSite` of the host's session cookie.
    pub(crate) session: &'static str,
    /// Whether the sibling plants a cookie of the flow's name on the way.
    pub(crate) planted: bool,
    /// How the provider sends the browser back.
    pub(crate) back: Back,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Back {
    /// The page of a provider that was asked to post its answer, which submits itself.
    Form,
    /// A redirect after the click, with a fragment as some providers add it.
    Redirect,
    /// A form that posts to the callback.
    Post,
}

pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) world: Arc<World>,
    shared: Arc<Shared>,
    _serving: JoinSet<()>,
}

struct Shared {
    world: Arc<World>,
    course: Course,
    /// Where the provider goes after the click, or the page that it shows then.
    back: Mutex<String>,
    seen: watch::Sender<Vec<Seen>>,
}

impl Site {
    pub(crate) async fn start(world: World, course: Course) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let world = Arc::new(world);
        let shared = Arc::new(Shared {
            world: world.clone(),
            course,
            back: Mutex::default(),
            seen: watch::Sender::new(Vec::new()),
        });
        let mut serving = JoinSet::new();
        let (acceptor, sharing) = (acceptor(), shared.clone());
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let (acceptor, shared) = (acceptor.clone(), sharing.clone());
                connections.spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(|request| shared.serve(request));
                    // A browser closes connections as it likes.
                    let _ =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, world, shared, _serving: serving }
    }

    /// What was seen, once the browser has made this request so often.
    pub(crate) async fn until(&self, path: &str, times: usize) -> Vec<Seen> {
        let mut seen = self.shared.seen.subscribe();
        let arrived =
            seen.wait_for(|seen| seen.iter().filter(|seen| seen.path == path).count() >= times);
        match tokio::time::timeout(Duration::from_secs(60), arrived).await {
            Ok(seen) => seen.expect("the site lives").clone(),
            Err(_) => panic!("the browser did not come to {path}: {:#?}", self.so_far()),
        }
    }

    fn so_far(&self) -> Vec<(String, String, StatusCode)> {
        let seen = self.shared.seen.borrow();
        seen.iter().map(|seen| (seen.host.clone(), seen.path.clone(), seen.status)).collect()
    }
}

impl Shared {
    async fn serve(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let text = |name| {
            parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let mut seen = Seen {
            host: text(header::HOST).to_owned(),
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            sent: parts.headers.clone(),
            body: String::from_utf8_lossy(&body).into_owned(),
            status: StatusCode::OK,
            answered: HeaderMap::new(),
        };
        let answer = match seen.host.as_str() {
            APP => self.app(&seen).await,
            SIBLING => sibling(&seen),
            PROVIDER => self.provider(&seen).await,
            ISSUER => self.issuer(&seen).await,
            _ => nothing(),
        };
        seen.status = answer.status();
        seen.answered = answer.headers().clone();
        self.seen.send_modify(|all| all.push(seen));
        Ok(answer)
    }

    async fn app(&self, seen: &Seen) -> Response<Full<Bytes>> {
        // The host's own session: whoever has the cookie is Ada.
        let visitor = (seen.cookies("session") == ["ada"]).then(|| self.world.visitor("ada"));
        let connections = self.world.bailee.connections();
        match (&seen.method, seen.path.as_str()) {
            (&Method::GET, "/") => {
                let mut answer = page(
                    "<form method=post action=/start></form>\
                     <script>document.forms[0].submit()</script>",
                );
                for cookie in [
                    format!("session=ada; SameSite={}", self.course.session),
                    "lax=1; SameSite=Lax".into(),
                    "strict=1; SameSite=Strict".into(),
                ] {
                    set_cookie(&mut answer, &format!("{cookie}; Path=/; Secure; HttpOnly"));
                }
                answer
            }
            (&Method::POST, "/start") => {
                let visitor = visitor.expect("the session arrives from the same site");
                let mut options = BeginOptions::default();
                options.return_to = Some("settings".into());
                let (registration, purpose) = match self.course.back {
                    Back::Form => ("notes", NOTES),
                    Back::Post | Back::Redirect => ("tiktok", PUBLISH),
                };
                let begun =
                    connections.begin_with(&visitor, registration, &[purpose], options).await;
                let mut answer: Response<Full<Bytes>> =
                    begun.expect("a flow").into_answer().into_http();
                if self.course.planted {
                    by_the_sibling(&mut answer);
                }
                answer
            }
            (method, CALLBACK | POSTED) => {
                let registration = if seen.path == POSTED { "notes" } else { "tiktok" };
                let callback =
                    CallbackRequest::new(registration, method.clone(), &seen.query, &seen.sent)
                        .body(seen.body.as_bytes());
                match connections.complete(visitor.as_ref(), callback).await {
                    Ok(completed) => completed.answer.into_http(),
                    Err(refusal) => refusal.into_answer().into_http(),
                }
            }
            (&Method::GET, "/settings") => {
                page("<script>fetch('/report', {method: 'POST', body: location.href})</script>")
            }
            (&Method::POST, "/report") => page(""),
            _ => nothing(),
        }
    }

    async fn provider(&self, seen: &Seen) -> Response<Full<Bytes>> {
        match (&seen.method, seen.path.as_str()) {
            // The person's decision is made at the emulator; this page is what they click on.
            (&Method::GET, "/v2/auth/authorize/") => {
                let address = format!("https://{PROVIDER}{}?{}", seen.path, seen.query);
                let back = self.world.emulator.consent(&address, Decision::Allow, "ada").await;
                let back = back.expect("a redirect");
                let action = match self.course.back {
                    Back::Post => escape(&back),
                    Back::Form | Back::Redirect => "/decide".to_owned(),
                };
                *self.back.lock().expect("one at a time") = back;
                page(&format!(
                    "<form method=post action=\"{action}\"><button>Allow</button></form>\
                     <script>document.querySelector('button').click()</script>"
                ))
            }
            (&Method::POST, "/decide") => {
                let back = format!("{}#_=_", self.back.lock().expect("one at a time"));
                redirect(&back)
            }
            _ => nothing(),
        }
    }
}

impl Shared {
    async fn issuer(&self, seen: &Seen) -> Response<Full<Bytes>> {
        match (&seen.method, seen.path.as_str()) {
            (&Method::GET, "/authorize") => {
                let address = format!("https://{ISSUER}{}?{}", seen.path, seen.query);
                let back = self.world.emulator.consent_to(&address, Decision::Allow, "ada").await;
                let Ok(emulator::Back::Post(form)) = back else { return nothing() };
                *self.back.lock().expect("one at a time") = form.page;
                page(
                    "<form method=post action=/decide><button>Allow</button></form>\
                     <script>document.querySelector('button').click()</script>",
                )
            }
            (&Method::POST, "/decide") => html(self.back.lock().expect("one at a time").clone()),
            _ => nothing(),
        }
    }
}

/// Sends the browser to the sibling first, which is told the name of the flow's cookie.
fn by_the_sibling(answer: &mut Response<Full<Bytes>>) {
    let name = answer.headers()[header::SET_COOKIE].to_str().expect("a cookie");
    let (name, _) = name.split_once('=').expect("a name");
    let next = answer.headers()[header::LOCATION].to_str().expect("an address");
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("name", name)
        .append_pair("next", next)
        .finish();
    let way = format!("https://{SIBLING}/plant?{query}");
    answer.headers_mut().insert(header::LOCATION, way.parse().expect("a value"));
}

/// The sibling plants a cookie of the flow's name for the whole domain.
fn sibling(seen: &Seen) -> Response<Full<Bytes>> {
    let value = |wanted: &str| {
        let mut pairs = url::form_urlencoded::parse(seen.query.as_bytes());
        pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    let (Some(name), Some(next)) = (value("name"), value("next")) else { return nothing() };
    let mut answer = redirect(&next);
    let planted = format!("{name}=cGxhbnRlZA; Domain=example.test; Path={CALLBACK}; Secure");
    set_cookie(&mut answer, &planted);
    answer
}

fn page(body: &str) -> Response<Full<Bytes>> {
    let mut text = String::from("<!doctype html><meta charset=utf-8><title>A page</title>");
    // Writing to a string does not fail.
    let _ = write!(text, "<body>{body}");
    html(text)
}

fn html(text: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::from(text));
    let html = "text/html; charset=utf-8".parse().expect("a value");
    answer.headers_mut().insert(header::CONTENT_TYPE, html);
    answer
}

fn redirect(to: &str) -> Response<Full<Bytes>> {
    let mut answer = nothing();
    *answer.status_mut() = StatusCode::FOUND;
    answer.headers_mut().insert(header::LOCATION, to.parse().expect("a value"));
    answer
}

fn nothing() -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer
}

fn set_cookie(answer: &mut Response<Full<Bytes>>, cookie: &str) {
    answer.headers_mut().append(header::SET_COOKIE, cookie.parse().expect("a value"));
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;")
}

fn acceptor() -> TlsAcceptor {
    let names = [APP, SIBLING, PROVIDER, ISSUER].map(String::from).to_vec();
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a certificate and its key");
    TlsAcceptor::from(Arc::new(config))
}
