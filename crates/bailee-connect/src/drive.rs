//! Driving a provider's step: the one place where its requests are filled with secrets, sent, and
//! their answers handed back.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bailee_core::{Clock, Effect, Error, ErrorKind, Plaintext, Result};
use bailee_http::{Category, Opened, SendError, Sent};
use bailee_providers::{
    AccountFacts, Answer, Context, Endpoint, Failure, FailureKind, Input, Next, Request, SecretRef,
    Spec, Step,
    spec::{ClientAuthentication, LimitScope, VariableSource},
    used_up,
};
use url::Url;

use crate::{
    body::CredentialBody,
    engine::Engine,
    fill::{Filling, fill},
    limiter::{Whose, backoff},
    registration::Registered,
    signature,
};

/// Opens a secret for the length of one request.
#[async_trait]
pub(crate) trait OpenSecret: Send + Sync {
    /// Makes sure, before each request, that what will be opened may still be used.
    async fn prepare(&self) -> Result<()> {
        Ok(())
    }

    /// Whose account the requests are for, where a connection is used.
    fn account(&self) -> Whose {
        None
    }

    /// The secret that a request's template names.
    fn open(&self, which: SecretRef) -> Result<Plaintext>;
}

/// Why a step did not come to its end.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The request may have reached the provider; its answer did not reach us.
    Ambiguous(Error),
    /// Something of ours failed.
    Local(Error),
    /// The provider said no.
    Provider(Failure),
    /// The request certainly did not reach the provider.
    Unsent(Error),
}

impl Halt {
    /// Whether the request that it ended certainly had no effect.
    fn did_nothing(&self) -> bool {
        match self {
            Self::Ambiguous(_) => false,
            Self::Local(_) | Self::Unsent(_) => true,
            // A fault of the provider's own may have come after the effect, and so may an answer
            // that cannot be read.
            Self::Provider(failure) => !matches!(
                failure.kind,
                FailureKind::Ambiguous | FailureKind::Malformed | FailureKind::Unavailable
            ),
        }
    }
}

/// Whether an effect is left open: its request may have left, and nothing said that it did
/// nothing.
#[derive(Debug, Default)]
pub(crate) struct Mark {
    open: AtomicBool,
    /// What the operation declares to do, where one is called.
    declared: Option<Effect>,
}

impl Mark {
    /// A mark for an operation, whose requests may do no more than it declares.
    pub(crate) fn of(declared: Effect) -> Self {
        Self { open: AtomicBool::new(false), declared: Some(declared) }
    }

    pub(crate) fn get(&self) -> bool {
        self.open.load(Ordering::SeqCst)
    }

    fn set(&self, open: bool) {
        self.open.store(open, Ordering::SeqCst);
    }

    fn admit(&self, effect: Effect) -> Result<(), Halt> {
        if self.declared.is_some_and(|declared| effect > declared) {
            return Err(Halt::Local(
                Error::new(ErrorKind::Configuration)
                    .with_detail("the operation does more than it declares"),
            ));
        }
        Ok(())
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Local(error)
    }
}

/// One provider through one registration, with its spec as discovery completed it.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) engine: Engine,
    pub(crate) registered: Arc<Registered>,
    pub(crate) spec: Arc<Spec>,
    /// What is known of the account that is connected.
    pub(crate) account: Option<AccountFacts>,
    /// What the person gave for the variables of its addresses.
    pub(crate) variables: BTreeMap<String, String>,
}

/// How long a step may wait in between without becoming work.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// So many requests make one step; more is a fault.
const MOST_REQUESTS: usize = 32;
/// So often a request that may be repeated is sent.
const TRIES: u32 = 3;
/// The whole time for one request of a step.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

impl Line {
    pub(crate) fn context(&self) -> Context<'_> {
        Context::new(&self.spec, &self.registered.facts, self.engine.0.clock.now())
            .with_account(self.account.as_ref())
    }

    /// The same line for the account of a credential.
    pub(crate) fn to(self, credential: &CredentialBody) -> Result<Self> {
        let mut line = self.given(&credential.variables)?;
        line.account.clone_from(&credential.account);
        Ok(line)
    }

    /// The same line with what a person gave for the variables of its addresses.
    pub(crate) fn given(mut self, values: &BTreeMap<String, String>) -> Result<Self> {
        if !self.spec.variables.is_empty() {
            self.spec = Arc::new(filled(&self.spec, &self.registered, values)?);
        }
        self.variables.clone_from(values);
        Ok(self)
    }

    /// Runs a step to its end.
    pub(crate) async fn run<T>(
        &self,
        step: Box<dyn Step<T>>,
        secrets: &dyn OpenSecret,
        deadline: Duration,
    ) -> Result<T, Halt> {
        self.run_noting(step, secrets, deadline, &Mark::default()).await
    }

    /// The same, noting whether something that must not be repeated was left open.
    pub(crate) async fn run_noting<T>(
        &self,
        mut step: Box<dyn Step<T>>,
        secrets: &dyn OpenSecret,
        deadline: Duration,
        open: &Mark,
    ) -> Result<T, Halt> {
        let mut last = Endpoint::Api;
        let account = secrets.account();
        let mut next = self.halt(last, account, step.next(Input::Start)).await?;
        for _ in 0..MOST_REQUESTS {
            next = match next {
                Next::Done(value) => return Ok(value),
                Next::Send(request) => {
                    open.admit(request.effect)?;
                    last = request.endpoint;
                    let before = open.get();
                    open.set(before || request.effect == Effect::Effect);
                    let sent = self.send(&request, Filling::secrets(secrets), deadline).await;
                    let answered = match sent {
                        Ok(answer) => {
                            self.halt(last, account, step.next(Input::Answer(answer))).await
                        }
                        Err(halt) => Err(halt),
                    };
                    if let Err(halt) = &answered
                        && halt.did_nothing()
                    {
                        open.set(before);
                    }
                    answered?
                }
                Next::Verify(signed) => {
                    let valid = signature::verify(&signed);
                    self.halt(last, account, step.next(Input::Verified(valid))).await?
                }
                Next::Wait(wait) if wait <= LONGEST_WAIT => {
                    self.engine.0.runtime.sleep(wait).await;
                    self.halt(last, account, step.next(Input::Elapsed)).await?
                }
                Next::Wait(_) => return Err(Halt::Provider(FailureKind::Unavailable.into())),
                _ => return Err(Halt::Local(Error::new(ErrorKind::Unsupported))),
            };
        }
        Err(Halt::Provider(FailureKind::Malformed.into()))
    }

    /// Sends one request; one that may be repeated is tried again after faults that pass.
    pub(crate) async fn send(
        &self,
        request: &Request,
        filling: Filling<'_>,
        deadline: Duration,
    ) -> Result<Answer, Halt> {
        let repeatable = request.effect == Effect::Read;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let again = repeatable && attempt < TRIES;
            match self.send_once(request, filling, deadline).await {
                Ok(answer) if answer.status.is_server_error() && again => {}
                Err(Halt::Ambiguous(_) | Halt::Unsent(_)) if again => {}
                done => return done,
            }
            self.pause(attempt).await?;
        }
    }

    /// The same for an answer whose body is read piece by piece. Once its head is here, nothing is
    /// tried again.
    pub(crate) async fn open(
        &self,
        request: &Request,
        filling: Filling<'_>,
        deadline: Duration,
        idle: Duration,
    ) -> Result<Opened, Halt> {
        let repeatable = request.effect == Effect::Read;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let again = repeatable && attempt < TRIES;
            let filled = self.admitted(request, filling, deadline).await?.with_idle(idle);
            let opened = self.engine.0.http.open(filled).await;
            match self.noted(request.endpoint, opened, |opened| opened.status) {
                Ok(opened) if opened.status.is_server_error() && again => {}
                Ok(opened) => {
                    let (status, headers) = (opened.status, opened.headers.clone());
                    let now = self.engine.0.clock.now();
                    let head = Answer::new(status, headers, Default::default(), now);
                    self.heed(request.endpoint, filling.secrets.account(), &head).await;
                    return Ok(opened);
                }
                Err(Halt::Ambiguous(_) | Halt::Unsent(_)) if again => {}
                Err(halt) => return Err(halt),
            }
            self.pause(attempt).await?;
        }
    }

    async fn pause(&self, attempt: u32) -> Result<()> {
        let (base, cap) = (Duration::from_millis(50), Duration::from_secs(2));
        let wait = backoff(&*self.engine.0.random, attempt, base, cap)?;
        self.engine.0.runtime.sleep(wait).await;
        Ok(())
    }

    async fn send_once(
        &self,
        request: &Request,
        filling: Filling<'_>,
        deadline: Duration,
    ) -> Result<Answer, Halt> {
        let filled = self.admitted(request, filling, deadline).await?;
        let sent = self.engine.0.http.send(filled).await;
        let response = self.noted(request.endpoint, sent, |response| response.status)?;
        let now = self.engine.0.clock.now();
        let answer = Answer::new(response.status, response.headers, response.body, now);
        self.heed(request.endpoint, filling.secrets.account(), &answer).await;
        Ok(answer)
    }

    /// A request that the limiter lets through, filled.
    async fn admitted(
        &self,
        request: &Request,
        filling: Filling<'_>,
        deadline: Duration,
    ) -> Result<bailee_http::Request, Halt> {
        self.take_turn(request.endpoint, filling.secrets.account())
            .await
            .map_err(|error| self.name(error))
            .map_err(Halt::Unsent)?;
        filling.secrets.prepare().await?;
        Ok(fill(self, request, filling, deadline).await?)
    }

    /// Tells the limiter what became of a request.
    fn noted<T>(
        &self,
        endpoint: Endpoint,
        answered: Result<T, SendError>,
        status: fn(&T) -> http::StatusCode,
    ) -> Result<T, Halt> {
        let clock: &dyn Clock = &*self.engine.0.clock;
        match answered {
            Ok(answer) => {
                if status(&answer).is_server_error() {
                    self.registered.limiter_of(endpoint).failed(clock);
                } else {
                    self.registered.limiter_of(endpoint).succeeded();
                }
                Ok(answer)
            }
            Err(error) => {
                let sent = error.sent();
                let refused = matches!(error.category(), Category::Refused(_));
                let error = self.name(Error::from(error));
                if refused {
                    return Err(Halt::Local(error));
                }
                self.registered.limiter_of(endpoint).failed(clock);
                Err(match sent {
                    Sent::No => Halt::Unsent(error),
                    Sent::Maybe => Halt::Ambiguous(error),
                })
            }
        }
    }

    /// Holds requests back where an answer says that the limit is used up.
    async fn heed(&self, endpoint: Endpoint, account: Whose, answer: &Answer) {
        if endpoint == Endpoint::Api
            && let Some(wait) = used_up(&self.spec.rate_limit, answer)
        {
            self.limit(endpoint, account, None, Some(wait)).await;
        }
    }

    /// Waits until a request may leave, or says how long that would be.
    async fn take_turn(&self, endpoint: Endpoint, account: Whose) -> Result<()> {
        let clock: &dyn Clock = &*self.engine.0.clock;
        self.engine.learn_limits(&self.registered).await;
        let limiter = self.registered.limiter_of(endpoint);
        limiter.admit(clock, account)?;
        let facts = &self.spec.rate_limit;
        if endpoint == Endpoint::Api
            && let Some(ceiling) = facts.ceiling
        {
            let wait = limiter.turn(clock, ceiling, of_scope(facts.scope, endpoint, account))?;
            if !wait.is_zero() {
                self.engine.0.runtime.sleep(wait).await;
                limiter.still_admits(clock, account)?;
            }
        }
        Ok(())
    }

    /// Holds requests back as the provider says, here and in the other processes.
    pub(crate) async fn limit(
        &self,
        endpoint: Endpoint,
        account: Whose,
        scope: Option<LimitScope>,
        wait: Option<Duration>,
    ) {
        let scope = scope.unwrap_or(self.spec.rate_limit.scope);
        let whose = of_scope(scope, endpoint, account);
        let limiter = self.registered.limiter_of(endpoint);
        let until = limiter.limited(&*self.engine.0.clock, wait, whose);
        self.engine.tell_limit(&self.registered, limiter, whose, until).await;
    }

    /// A provider's no; the limiter is told of a limit.
    pub(crate) async fn refused(
        &self,
        endpoint: Endpoint,
        account: Whose,
        failure: Failure,
    ) -> Halt {
        if failure.kind == FailureKind::RateLimited {
            self.limit(endpoint, account, failure.scope, failure.retry_after).await;
        }
        Halt::Provider(failure)
    }

    async fn halt<T>(
        &self,
        last: Endpoint,
        account: Whose,
        next: Result<Next<T>, Failure>,
    ) -> Result<Next<T>, Halt> {
        match next {
            Ok(next) => Ok(next),
            Err(failure) => Err(self.refused(last, account, failure).await),
        }
    }

    /// Where tokens come from.
    pub(crate) fn token_endpoint(&self) -> Result<&Url> {
        self.spec.endpoints.token.as_ref().ok_or_else(|| {
            self.name(
                Error::new(ErrorKind::Configuration).with_detail("there is no token endpoint"),
            )
        })
    }

    /// Says which provider an error is about.
    pub(crate) fn name(&self, error: Error) -> Error {
        error.with_provider(self.registered.facts.provider.clone())
    }

    /// A halt as the error that a caller sees.
    pub(crate) fn error(&self, halt: Halt) -> Error {
        match halt {
            Halt::Ambiguous(error) | Halt::Local(error) | Halt::Unsent(error) => error,
            Halt::Provider(failure) => self.name(Error::from(failure)),
        }
    }
}

/// Whose limit it is. Tokens are asked for by the registration, whosever they are.
fn of_scope(scope: LimitScope, endpoint: Endpoint, account: Whose) -> Whose {
    match (scope, endpoint) {
        (LimitScope::Account, Endpoint::Api | Endpoint::Upload) => account,
        _ => None,
    }
}

impl Engine {
    /// A line to a provider, its spec as far as it is known.
    pub(crate) fn line_without_asking(&self, registered: &Arc<Registered>) -> Line {
        Line {
            engine: self.clone(),
            registered: registered.clone(),
            spec: registered.known_spec(),
            account: None,
            variables: BTreeMap::new(),
        }
    }

    /// A line to a provider, its spec completed by discovery where it asks for that.
    pub(crate) async fn line(&self, registered: &Arc<Registered>) -> Result<Line> {
        let line = |spec| Line {
            engine: self.clone(),
            registered: registered.clone(),
            spec,
            account: None,
            variables: BTreeMap::new(),
        };
        let configured = &filled(registered.provider.spec(), registered, &BTreeMap::new())?;
        if !configured.needs_discovery() {
            return Ok(line(Arc::new(configured.clone())));
        }
        let now = self.0.clock.now();
        if let Some(spec) = registered.resolved(now) {
            return Ok(line(spec));
        }
        let asking = line(Arc::new(configured.clone()));
        let metadata = asking
            .run(bailee_providers::discovery(configured), &NoSecrets, Duration::from_secs(5))
            .await
            .map_err(|halt| asking.error(halt));
        match metadata {
            Ok(metadata) => {
                let spec = Arc::new(configured.resolve(&metadata)?);
                // What is left to a client with a secret is not what the server takes.
                let must = spec.client.authentication == Some(ClientAuthentication::PrivateKeyJwt);
                if must && !registered.is_signed() && !registered.facts.public {
                    return Err(asking.name(
                        Error::new(ErrorKind::Configuration).with_detail(
                            "the server takes signed client assertions alone, and the registration has a secret",
                        ),
                    ));
                }
                registered.set_resolved(spec.clone(), now);
                Ok(line(spec))
            }
            // The last good copy serves while the provider does not answer.
            Err(error) if error.kind() == ErrorKind::ProviderUnavailable => {
                registered.stale().map(line).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }
}

/// The spec with the values of its variables: the person's where they are theirs to give, else the
/// registration's.
fn filled(spec: &Spec, registered: &Registered, given: &BTreeMap<String, String>) -> Result<Spec> {
    if spec.variables.is_empty() {
        return Ok(spec.clone());
    }
    let mut values = registered.facts.variables.clone();
    for variable in &spec.variables {
        match given.get(&variable.name) {
            Some(value) if variable.source == VariableSource::Person => {
                values.insert(variable.name.clone(), value.clone());
            }
            Some(_) => {
                return Err(Error::new(ErrorKind::InvalidInput)
                    .with_detail(format!("`{}` is for the registration to say", variable.name)));
            }
            None => {}
        }
    }
    spec.with_variables(&values)
}

impl Engine {
    /// A line to the provider of a credential, for its account.
    pub(crate) async fn line_to(&self, credential: &CredentialBody) -> Result<Line> {
        self.line(&self.registered(&credential.registration)?.clone()).await?.to(credential)
    }
}

/// For requests that carry none.
pub(crate) struct NoSecrets;

#[async_trait]
impl OpenSecret for NoSecrets {
    fn open(&self, _: SecretRef) -> Result<Plaintext> {
        Err(Error::new(ErrorKind::Denied).with_detail("this request must not carry a secret"))
    }
}
