//! The callback: shape, cookie, one atomic consume, all comparisons, and only then the tokens.

use std::fmt;

use bailee_core::{
    Act, BrowserSecret, ConnectionRef, Error, ErrorKind, Id, RegistrationId, Result, ScopeName,
    TenantId, Visitor, audit::Entry, sha256,
};
use bailee_providers::{Callback, Context, FailureKind, Outcome};
use bailee_store::{Expect, Key};
use bailee_vault::{Holder, View};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use ring::hmac;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    answer::Answer,
    begin::{flow_id, scope_hash},
    body::{self, FlowBody},
    connections::Connections,
    cookie::CookieRefusal,
    kind, posted,
    refusal::{RELOAD, Refusal, RefusalReason},
    registration::Registered,
    settle::{Settled, Settling},
};

/// The longest query or form that is read.
pub(crate) const LONGEST: usize = 8 * 1024;
/// Stands in the query of an address that was loaded again because no visitor arrived.
pub(crate) const AGAIN: &str = "bailee_again=1";

/// A request to a callback path, as the host received it. `Debug` shows the registration alone.
pub struct CallbackRequest {
    pub(crate) registration: String,
    pub(crate) method: Method,
    pub(crate) query: Zeroizing<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl CallbackRequest {
    /// A request: the registration's id out of the path, the method, the raw query (without `?`)
    /// and the headers.
    pub fn new(
        registration: impl Into<String>,
        method: Method,
        query: &str,
        headers: &HeaderMap,
    ) -> Self {
        // What is over the limit is refused; a byte more shows that it is.
        let end = query.len().min(LONGEST + 1);
        let end = (0..=end).rev().find(|end| query.is_char_boundary(*end)).unwrap_or(0);
        let mut kept = HeaderMap::new();
        for name in [&header::CONTENT_TYPE, &header::COOKIE, &SEC_PURPOSE] {
            for value in headers.get_all(name) {
                let mut value = value.clone();
                value.set_sensitive(true);
                kept.append(name.clone(), value);
            }
        }
        Self {
            registration: registration.into(),
            method,
            query: Zeroizing::new(query[..end].to_owned()),
            headers: kept,
            body: Zeroizing::default(),
        }
    }

    /// Adds the body of a POST: some providers answer with a form (OAuth 2.0 Form Post Response
    /// Mode). More than 8 KiB are refused, so nobody has to read more of it than a byte beyond.
    #[must_use]
    pub fn body(mut self, body: &[u8]) -> Self {
        self.body = Zeroizing::new(body[..body.len().min(LONGEST + 1)].to_vec());
        self
    }
}

impl fmt::Debug for CallbackRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

/// An account that is connected.
#[derive(Debug)]
pub struct Completed {
    /// The connection. Keep its text form in a column of your own.
    pub connection: ConnectionRef,
    /// Whether it was connected before.
    pub reconnected: bool,
    /// The scopes that were asked for and that the person did not grant: what needs them is not
    /// available.
    pub missing: Vec<ScopeName>,
    /// The scopes that the provider granted and nobody asked for. They are recorded and flagged;
    /// nothing that the declaration does not name uses them.
    pub unasked: Vec<ScopeName>,
    /// What to answer to the browser.
    pub answer: Answer,
}

impl Connections {
    /// Ends a flow.
    ///
    /// `visitor` is whoever is logged in *now*, as the host's session says, or `None`. Without a
    /// visitor nothing is connected: hosts whose session cookie is `SameSite=Strict` get a page
    /// first that loads the address again from their own site.
    ///
    /// Where the provider's spec says `response_mode = "form_post"`, the host routes POST to the
    /// same path, gives the body ([`CallbackRequest::body`]) and calls this as well. No session
    /// cookie arrives with that request, so what was posted is sealed for one minute and the
    /// answer sends the browser to the same path by GET, where everything is checked. The host's
    /// own protection against forged requests has to let that POST through: here the flow's state
    /// and its cookie are that protection.
    ///
    /// # Errors
    ///
    /// A [`Refusal`]: its reason, an error with a remedy, and the answer for the browser. Nothing
    /// is connected then, and tokens that were issued already are revoked. One that goes on
    /// ([`Refusal::goes_on`]) is only a step on the way.
    pub async fn complete(
        &self,
        visitor: impl Into<Option<&Visitor>>,
        request: CallbackRequest,
    ) -> Result<Completed, Refusal> {
        let visitor = visitor.into();
        let outcome = self.receive(visitor, &request).await;
        if let Err(refusal) = &outcome
            && !refusal.goes_on()
        {
            let registration = RegistrationId::new(request.registration.as_str())
                .ok()
                .filter(|id| self.engine.0.registrations.contains_key(id));
            self.note_refusal(refusal.reason(), registration.as_ref()).await;
        }
        outcome
    }

    async fn receive(
        &self,
        visitor: Option<&Visitor>,
        request: &CallbackRequest,
    ) -> Result<Completed, Refusal> {
        let engine = &self.engine;
        let refuse = |reason| Err(Refusal::new(reason));

        // Shape.
        let registered = RegistrationId::new(request.registration.as_str())
            .ok()
            .and_then(|id| engine.registered(&id).ok())
            .cloned();
        let posts = registered.as_ref().is_some_and(|registered| registered.posts_back());
        let posted = posts && request.method == Method::POST;
        if request.method != Method::GET && !posted {
            return Err(Refusal::allowing(if posts { "GET, POST" } else { "GET" }));
        }
        let looks_ahead = request.headers.get_all(&SEC_PURPOSE).iter().any(|value| {
            value.as_bytes().windows(8).any(|bytes| bytes.eq_ignore_ascii_case(b"prefetch"))
        });
        if looks_ahead {
            return refuse(RefusalReason::Prefetch);
        }
        if request.query.len() > LONGEST {
            return refuse(RefusalReason::Shape);
        }
        let Some(registered) = registered else {
            return refuse(RefusalReason::RegistrationMismatch);
        };
        if posted {
            let answer = self.keep_posted(&registered, request).await?;
            return Err(Refusal::going_on(RefusalReason::ComesBack, answer));
        }
        let came = if posts {
            Came::Kept(posted::marked(&request.query)?)
        } else {
            Came::Here(self.parse(&registered, &request.query)?)
        };

        // Cookie.
        let flow = came.flow();
        let clear = engine
            .0
            .cookies
            .clear(flow, &registered.callback_path, posts)
            .map_err(|error| Refusal::because(RefusalReason::Unavailable, error))?;
        let browser = self.browser(flow, request, &clear)?;
        let Some(visitor) = visitor else {
            return Err(self.without_visitor(request, clear));
        };

        // Proof. What was posted was proven before it was kept.
        let named = match &came {
            Came::Here(_) => self.prove(&registered, &request.query).await,
            Came::Kept(_) => Ok(Vec::new()),
        }
        .map_err(|refusal| refusal.clearing(clear.clone()))?;

        // Consume.
        let view = self.consume(flow, posts).await.map_err(|refusal| match refusal.reason() {
            // The form may still be on its way, and needs the cookie then.
            RefusalReason::NotPosted => refusal,
            _ => refusal.clearing(clear.clone()),
        })?;
        let (callback, named) = match came {
            Came::Here(callback) => Ok((callback, named)),
            Came::Kept(_) => self.posted(&registered, &view).await,
        }
        .map_err(|refusal| refusal.clearing(clear.clone()))?;

        // Compare, exchange, commit: all of it ends with the cookie gone.
        let body = self
            .compare(&view, visitor, &registered, &callback, &named, browser.expose(sha256))
            .await
            .map_err(|refusal| refusal.clearing(clear.clone()))?;
        let Outcome::Code { code, .. } = callback.outcome else {
            return Err(Refusal::new(RefusalReason::ProviderError).clearing(clear));
        };
        let return_to = body.return_to.clone();
        let settled = self
            .settle(Settling { flow, registered, body, view, code })
            .await
            .map_err(|refusal| refusal.clearing(clear.clone()))?;
        Ok(self.completed(settled, return_to.as_deref(), clear))
    }

    /// Checks the signature of a callback, where the provider signs them. Gives the variables that
    /// it names.
    pub(crate) async fn prove(
        &self,
        registered: &Registered,
        query: &str,
    ) -> Result<Named, Refusal> {
        // What we appended ourselves was not signed.
        let own = format!("&{AGAIN}");
        let query = query.strip_suffix(own.as_str()).unwrap_or(query);
        let forged = || Refusal::new(RefusalReason::Forged);
        let spec = registered.known_spec();
        let cx = Context::new(&spec, &registered.facts, self.engine.0.clock.now());
        let proof = registered.provider.callback_proof(&cx, query).map_err(|_| forged())?;
        let Some(proof) = proof else { return Ok(Vec::new()) };
        let unavailable = |error| Refusal::because(RefusalReason::Unavailable, error);
        let secret = self.engine.client_secret(registered).await.map_err(unavailable)?;
        let good = secret.is_some_and(|secret| {
            secret.expose(|secret| {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::verify(&key, &proof.message, &proof.tag).is_ok()
            })
        });
        if good { Ok(proof.variables) } else { Err(forged()) }
    }

    /// Reads what a provider gave, out of a query or out of a form: shape alone.
    pub(crate) fn parse(&self, registered: &Registered, text: &str) -> Result<Callback, Refusal> {
        let spec = registered.known_spec();
        let cx = Context::new(&spec, &registered.facts, self.engine.0.clock.now());
        let callback = registered.provider.callback(&cx, text);
        callback.map_err(|_| Refusal::new(RefusalReason::Shape))
    }

    /// The secret in the flow's cookie.
    pub(crate) fn browser(
        &self,
        flow: Id,
        request: &CallbackRequest,
        clear: &HeaderValue,
    ) -> Result<BrowserSecret, Refusal> {
        self.engine.0.cookies.read(flow, &request.headers).map_err(|refusal| {
            Refusal::new(match refusal {
                CookieRefusal::Missing => RefusalReason::CookieMissing,
                CookieRefusal::Twice => RefusalReason::CookieTwice,
                CookieRefusal::Malformed => RefusalReason::CookieMalformed,
            })
            .clearing(clear.clone())
        })
    }

    fn completed(
        &self,
        settled: Settled,
        return_to: Option<&str>,
        clear: HeaderValue,
    ) -> Completed {
        let target = return_to
            .and_then(|name| self.engine.0.returns.address(name))
            .and_then(|address| HeaderValue::from_str(address).ok())
            .unwrap_or_else(|| HeaderValue::from_static("/#"));
        Completed {
            connection: settled.connection,
            reconnected: settled.reconnected,
            missing: settled.missing,
            unasked: settled.unasked,
            answer: Answer::see_other(target).with_cookie(clear),
        }
    }

    /// No session arrived. The first time, a page that loads the address again from this site;
    /// the flow stays. The second time, a refusal.
    fn without_visitor(&self, request: &CallbackRequest, clear: HeaderValue) -> Refusal {
        let refusal = Refusal::new(RefusalReason::NoVisitor);
        if request.query.split('&').any(|pair| pair == AGAIN) {
            return refusal.clearing(clear);
        }
        // `refresh` loads the address again as this page's own navigation. The query holds what a
        // URL may hold in a header, or it did not pass the parser.
        let address = Zeroizing::new(format!("0; url=?{}&{AGAIN}", request.query.as_str()));
        match HeaderValue::from_str(&address) {
            Ok(mut value) => {
                value.set_sensitive(true);
                let page = Answer::page(StatusCode::OK, RELOAD).with_header(header::REFRESH, value);
                Refusal::going_on(RefusalReason::NoVisitor, page)
            }
            Err(_) => refusal.clearing(clear),
        }
    }

    /// Reads a flow and deletes exactly what was read: of many that try, one wins. Where its
    /// answer is posted, a flow that still waits for it stays.
    pub(crate) async fn consume(&self, flow: Id, posted: bool) -> Result<View, Refusal> {
        let engine = &self.engine;
        let unavailable = |error| Refusal::because(RefusalReason::Unavailable, error);
        let key = Key::new(kind::FLOW, flow);
        let view = engine
            .0
            .vault
            .read(&TenantId::SYSTEM, Holder::Tenant, std::slice::from_ref(&key))
            .await
            .map_err(unavailable)?;
        engine.admit_instance(view.control()).await.map_err(unavailable)?;
        let Some(record) = view.record(0) else {
            return Err(Refusal::new(RefusalReason::FlowUnknown));
        };
        if posted && !flow_of(&view)?.posted {
            return Err(Refusal::new(RefusalReason::NotPosted));
        }
        let entry =
            Entry::new("flow.consumed", view.now()).about(record.subject).with("flow", flow);
        let batch = engine
            .0
            .vault
            .batch()
            .map_err(unavailable)?
            .delete(key, Expect::Version(record.version))
            .audit(entry);
        match engine.0.vault.commit(&TenantId::SYSTEM, batch).await {
            Ok(_) => Ok(view),
            Err(error) if error.kind() == ErrorKind::Conflict => {
                Err(Refusal::new(RefusalReason::FlowUnknown))
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn compare(
        &self,
        view: &View,
        visitor: &Visitor,
        registered: &Registered,
        callback: &Callback,
        named: &Named,
        browser: [u8; 32],
    ) -> Result<FlowBody, Refusal> {
        let engine = &self.engine;
        let refuse = |reason| Err(Refusal::new(reason));
        let flow = flow_of(view)?;
        let same = |a: &[u8; 32], b: &[u8; 32]| bool::from(a.ct_eq(b));
        if visitor.tenant() != &flow.tenant
            || visitor.person() != &flow.person
            || !same(visitor.session(), &flow.session)
        {
            return refuse(RefusalReason::VisitorMismatch);
        }
        if !same(&browser, &flow.browser) {
            return refuse(RefusalReason::BrowserMismatch);
        }
        if registered.id() != &flow.registration || registered.redirect_uri != flow.redirect_uri {
            return refuse(RefusalReason::RegistrationMismatch);
        }
        self.compare_provider(registered, &flow, callback, named).await?;
        let act = Act::Connect(flow.owner);
        engine
            .may(visitor.person(), Some(flow.subject), &flow.tenant, act)
            .await
            .map_err(|error| Refusal::because(RefusalReason::NotAllowed, error))?;
        Ok(flow)
    }

    /// The comparisons that a terminal's flow makes as well.
    pub(crate) async fn compare_provider(
        &self,
        registered: &Registered,
        flow: &FlowBody,
        callback: &Callback,
        named: &Named,
    ) -> Result<(), Refusal> {
        let engine = &self.engine;
        if named.iter().any(|(name, value)| flow.variables.get(*name) != Some(value)) {
            return Err(Refusal::new(RefusalReason::RegistrationMismatch));
        }
        let spec = registered.known_spec();
        let missing = flow.names_issuer && callback.iss.is_none();
        if missing || callback.check_issuer(&spec, flow.issuer.as_deref()).is_err() {
            return Err(Refusal::new(RefusalReason::IssuerMismatch));
        }
        let unavailable = |error| Refusal::because(RefusalReason::Unavailable, error);
        let (force, declared) = engine.declared_in(&flow.tenant).await.map_err(unavailable)?;
        // What was shown has to be what holds. Who began it may be a process of another version.
        if !force.body.is_live(flow.declaration) {
            return Err(Refusal::new(RefusalReason::DeclarationChanged));
        }
        let scopes = declared
            .least_scopes(&registered.facts.provider, &flow.purposes)
            .map_err(|error| Refusal::because(RefusalReason::DeclarationChanged, error))?;
        if scope_hash(&scopes) != flow.scope_hash || scope_hash(&flow.scopes) != flow.scope_hash {
            return Err(Refusal::new(RefusalReason::DeclarationChanged));
        }
        match &callback.outcome {
            Outcome::Code { .. } => Ok(()),
            Outcome::Refused { failure, .. } => {
                let reason = if failure.kind == FailureKind::PersonRefused {
                    RefusalReason::PersonRefused
                } else {
                    RefusalReason::ProviderError
                };
                let error =
                    Error::from(failure.clone()).with_provider(registered.facts.provider.clone());
                Err(Refusal::because(reason, error))
            }
            _ => Err(Refusal::new(RefusalReason::ProviderError)),
        }
    }

    pub(crate) async fn note_refusal(
        &self,
        reason: RefusalReason,
        registration: Option<&RegistrationId>,
    ) {
        let engine = &self.engine;
        let entry = Entry::new("flow.rejected", engine.0.clock.now())
            .with("reason", reason.code())
            .with_some("registration", registration);
        let written = match engine.0.vault.batch() {
            Ok(batch) => {
                engine.0.vault.commit(&TenantId::SYSTEM, batch.audit(entry)).await.map(|_| ())
            }
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            // The refusal stands; only its trace is missing, and the operator should know.
            tracing::error!(kind = ?error.kind(), "a refused callback could not be audited");
        }
    }
}

/// The variables that a signed callback names, and what it says of them.
pub(crate) type Named = Vec<(&'static str, String)>;

/// Where the provider's answer is.
enum Came {
    /// In this request.
    Here(Callback),
    /// In the record of this flow.
    Kept(Id),
}

impl Came {
    fn flow(&self) -> Id {
        match self {
            Self::Here(callback) => flow_id(&callback.state),
            Self::Kept(flow) => *flow,
        }
    }
}

/// The body of the flow that was read.
pub(crate) fn flow_of(view: &View) -> Result<FlowBody, Refusal> {
    view.facts(0)
        .and_then(|facts| facts.ok_or_else(|| Error::new(ErrorKind::NotFound)))
        .and_then(|facts| body::decode(&facts))
        .map_err(|error| Refusal::because(RefusalReason::Unavailable, error))
}

const SEC_PURPOSE: header::HeaderName = header::HeaderName::from_static("sec-purpose");
