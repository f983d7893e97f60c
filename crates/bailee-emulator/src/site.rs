use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;

use crate::fault::{Fault, Planned, Plans};
use crate::ledger::{Ledger, LiveToken, ReuseAlarm};
use crate::log::{Log, Recorded};
use crate::message::{Answer, Fate, Incoming};
use crate::mint::Mint;
use crate::oidc::{Issuer, IssuerDesk};
use crate::registration::{Account, Client};
use crate::tiktok::{Post, TikTok, TikTokDesk};
use crate::{Clock, Endpoint, Misuse};

/// One emulated provider: a handle with which tests set it up and look inside. Clones are the
/// same provider.
#[derive(Clone)]
pub struct Site {
    name: String,
    clock: Clock,
    state: Arc<Mutex<State>>,
}

struct State {
    desk: Desk,
    log: Log,
    plans: Plans,
    role: Role,
}

/// What all providers have: clients, accounts, tokens, authorizations on their way.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) accounts: Vec<Account>,
    pub(crate) clients: BTreeMap<String, Client>,
    pub(crate) ledger: Ledger,
    pub(crate) mint: Mint,
    pub(crate) tickets: BTreeMap<String, Ticket>,
    issued: BTreeSet<String>,
}

/// An authorization that waits for the person's decision.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub(crate) client: String,
    pub(crate) redirect_uri: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) state: Option<String>,
    pub(crate) challenge: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) expires_at: i64,
}

/// Which provider a site plays.
#[derive(Debug)]
pub(crate) enum Role {
    Issuer(Box<IssuerDesk>),
    TikTok(Box<TikTokDesk>),
}

impl Desk {
    fn new(mint: Mint) -> Self {
        Self {
            accounts: Vec::new(),
            clients: BTreeMap::new(),
            ledger: Ledger::default(),
            mint,
            tickets: BTreeMap::new(),
            issued: BTreeSet::new(),
        }
    }

    /// Makes a secret and remembers that it was handed out.
    pub(crate) fn issue(&mut self, prefix: &str) -> String {
        let secret = self.mint.secret(prefix);
        self.issued.insert(secret.clone());
        secret
    }

    /// Remembers a secret that was made elsewhere.
    pub(crate) fn issued(&mut self, secret: &str) {
        self.issued.insert(secret.to_owned());
    }

    pub(crate) fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }

    /// Takes the ticket of a consent form; it is good for one decision.
    pub(crate) fn take_ticket(&mut self, ticket: &str, now: i64) -> Option<Ticket> {
        self.tickets.remove(ticket).filter(|ticket| now < ticket.expires_at)
    }
}

impl Role {
    fn plays(&self, host: &str) -> bool {
        self.hosts().iter().any(|own| own == host)
    }

    fn hosts(&self) -> Vec<String> {
        match self {
            Self::Issuer(issuer) => vec![issuer.host().to_owned()],
            Self::TikTok(tiktok) => tiktok.hosts(),
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match self {
            Self::Issuer(issuer) => issuer.classify(request),
            Self::TikTok(tiktok) => tiktok.classify(request),
        }
    }

    fn handle(
        &mut self,
        desk: &mut Desk,
        endpoint: Endpoint,
        request: &Incoming,
        fault: Option<&Fault>,
        now: i64,
    ) -> Answer {
        match self {
            Self::Issuer(issuer) => issuer.handle(desk, endpoint, request, fault, now),
            Self::TikTok(tiktok) => tiktok.handle(desk, endpoint, request, fault, now),
        }
    }

    fn error(&self, endpoint: Endpoint, status: u16, code: &str, text: &str) -> Answer {
        match self {
            Self::Issuer(_) => {
                Answer::json(status, &json!({"error": code, "error_description": text}))
            }
            Self::TikTok(_) => TikTokDesk::error(endpoint, status, code, text),
        }
    }
}

impl Site {
    pub(crate) fn new(name: String, clock: Clock, mint: Mint, role: Role) -> Self {
        let state =
            State { desk: Desk::new(mint), log: Log::default(), plans: Plans::default(), role };
        Self { name, clock, state: Arc::new(Mutex::new(state)) }
    }

    /// Adds a person's account. An account with the same id is replaced.
    pub fn add_account(&self, account: Account) {
        let mut state = self.lock();
        state.desk.accounts.retain(|known| known.id != account.id);
        state.desk.accounts.push(account);
    }

    /// Registers a client. A client with the same id is replaced.
    ///
    /// # Errors
    ///
    /// [`Misuse::Registration`] when the provider would not take such a registration.
    pub fn add_client(&self, client: Client) -> Result<(), Misuse> {
        client.check()?;
        let mut state = self.lock();
        if let Role::TikTok(_) = &state.role {
            crate::tiktok::check_registration(&client)?;
        }
        for secret in &client.secrets {
            state.desk.issued(secret);
        }
        state.desk.clients.insert(client.id.clone(), client);
        Ok(())
    }

    /// Changes the switches of an issuer. Returns whether this site is one.
    pub fn change_issuer(&self, change: impl FnOnce(&mut Issuer)) -> bool {
        match &mut self.lock().role {
            Role::Issuer(desk) => {
                desk.change(change);
                true
            }
            Role::TikTok(_) => false,
        }
    }

    /// Changes the switches of TikTok. Returns whether this site is it.
    pub fn change_tiktok(&self, change: impl FnOnce(&mut TikTok)) -> bool {
        match &mut self.lock().role {
            Role::Issuer(_) => false,
            Role::TikTok(desk) => {
                change(&mut desk.switches);
                true
            }
        }
    }

    /// Forgets all faults that have not happened yet.
    pub fn clear_faults(&self) {
        self.lock().plans.clear();
    }

    /// Plans a fault for the requests of one class.
    pub fn fault(&self, endpoint: Endpoint, fault: impl Into<Planned>) {
        self.lock().plans.add(Some(endpoint), fault.into());
    }

    /// Plans a fault for requests of any class.
    pub fn fault_everywhere(&self, fault: impl Into<Planned>) {
        self.lock().plans.add(None, fault.into());
    }

    /// Signs ID tokens with a new key from now on. Returns whether this site is an issuer.
    pub fn rotate_keys(&self) -> bool {
        match &mut self.lock().role {
            Role::Issuer(desk) => {
                desk.rotate_keys();
                true
            }
            Role::TikTok(_) => false,
        }
    }

    /// The person disconnects the client at the provider: all its tokens for the account end.
    /// Returns how many grants that ended.
    pub fn withdraw(&self, account: &str, client: &str) -> usize {
        self.lock().desk.ledger.end_all(account, client)
    }

    /// How often a code was presented again.
    #[must_use]
    pub fn code_replays(&self) -> usize {
        self.lock().desk.ledger.replays()
    }

    /// How many requests of a class came in, faults included.
    #[must_use]
    pub fn count(&self, endpoint: Endpoint) -> u64 {
        self.lock().log.count(endpoint)
    }

    /// How many requests came in, by class.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Endpoint, u64> {
        self.lock().log.counts().clone()
    }

    /// The host names that this site answers for.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        self.lock().role.hosts()
    }

    /// Whether the provider would accept this token now.
    #[must_use]
    pub fn is_live(&self, token: &str) -> bool {
        self.lock().desk.ledger.is_live(token, self.clock.now())
    }

    /// All tokens that the provider would accept now.
    #[must_use]
    pub fn live_tokens(&self) -> Vec<LiveToken> {
        self.lock().desk.ledger.live(self.clock.now())
    }

    /// The site's name: `tiktok`, or an issuer's host.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Notes written with an issuer's protected API, as (account, text).
    #[must_use]
    pub fn notes(&self) -> Vec<(String, String)> {
        match &self.lock().role {
            Role::Issuer(desk) => desk.notes().to_vec(),
            Role::TikTok(_) => Vec::new(),
        }
    }

    /// Faults that have not happened yet.
    #[must_use]
    pub fn pending_faults(&self) -> usize {
        self.lock().plans.pending()
    }

    /// Posts begun at TikTok, in their present state.
    #[must_use]
    pub fn posts(&self) -> Vec<Post> {
        match &self.lock().role {
            Role::Issuer(_) => Vec::new(),
            Role::TikTok(desk) => desk.posts(self.clock.now()),
        }
    }

    /// All requests so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.lock().log.requests().to_vec()
    }

    /// Refresh tokens presented after they had been replaced.
    #[must_use]
    pub fn reuse_alarms(&self) -> Vec<ReuseAlarm> {
        self.lock().desk.ledger.alarms().to_vec()
    }

    /// Codes, tokens and upload addresses that were handed out, and the secrets of the clients.
    #[must_use]
    pub fn secrets_issued(&self) -> BTreeSet<String> {
        self.lock().desk.issued.clone()
    }

    /// Values that clients sent and must keep to themselves: tokens, codes, secrets, verifiers,
    /// states.
    #[must_use]
    pub fn secrets_seen(&self) -> BTreeSet<String> {
        self.lock().log.seen().clone()
    }

    pub(crate) fn plays(&self, host: &str) -> bool {
        self.lock().role.plays(host)
    }

    /// The most bytes that a request to this address may have.
    pub(crate) fn body_limit(&self, request: &Incoming) -> usize {
        match self.lock().role.classify(request) {
            Endpoint::Upload => LARGEST_UPLOAD,
            _ => LARGEST_BODY,
        }
    }

    /// Answers a request. All work happens under one lock; waits come after it.
    pub(crate) async fn serve(&self, request: &Incoming) -> Answer {
        let (answer, fault, place) = self.work(request);
        match fault {
            Some(Fault::Held(gate)) => gate.pass().await,
            Some(Fault::Slow(delay)) => tokio::time::sleep(delay).await,
            _ => {}
        }
        if answer.fate != Fate::Dropped {
            self.lock().log.answered(place, answer.status);
        }
        answer
    }

    fn work(&self, request: &Incoming) -> (Answer, Option<Fault>, usize) {
        let now = self.clock.now();
        let mut guard = self.lock();
        let state = &mut *guard;
        let endpoint = state.role.classify(request);
        let place = state.log.note(now, endpoint, request);
        let fault = state.plans.take(endpoint);
        let answer = match &fault {
            Some(fault) if !fault.works() => state.refuse(endpoint, request, fault),
            fault => {
                let answer =
                    state.role.handle(&mut state.desk, endpoint, request, fault.as_ref(), now);
                match fault {
                    Some(fault) => misshape(answer, endpoint, fault),
                    None => answer,
                }
            }
        };
        (answer, fault, place)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Site {
    /// Says which site it is and none of its secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("name", &self.name).finish_non_exhaustive()
    }
}

impl State {
    /// The answer of a fault that does nothing else.
    fn refuse(&self, endpoint: Endpoint, request: &Incoming, fault: &Fault) -> Answer {
        match fault {
            Fault::EchoSecrets => {
                let headers: Vec<_> =
                    request.headers.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                let text = format!(
                    "cannot handle {} {}?{} with headers {} and body {}",
                    request.method,
                    request.path,
                    request.query.as_deref().unwrap_or_default(),
                    headers.join("; "),
                    String::from_utf8_lossy(&request.body),
                );
                self.role.error(endpoint, 400, "invalid_request", &text)
            }
            Fault::Html => {
                Answer::html(200, "<!doctype html><title>Welcome</title><h1>Welcome</h1>".into())
            }
            Fault::OkWithError(code) => self.role.error(endpoint, 200, code, "refused"),
            Fault::RateLimited { retry_after } => {
                let answer = self.role.error(endpoint, 429, "rate_limit_exceeded", "slow down");
                match retry_after {
                    Some(value) => answer.with("retry-after", value),
                    None => answer,
                }
            }
            Fault::Redirect { status, location } => Answer::redirect(*status, location),
            Fault::Status(status) => Answer::json(*status, &json!({})),
            _ => Answer::dropped(),
        }
    }
}

/// Spoils a good answer.
fn misshape(mut answer: Answer, endpoint: Endpoint, fault: &Fault) -> Answer {
    match fault {
        Fault::CutOff => answer.fate = Fate::CutOff,
        Fault::DropAfterEffect => answer.fate = Fate::Dropped,
        Fault::Malformed if !matches!(endpoint, Endpoint::Exchange | Endpoint::Refresh) => {
            answer.body.pop();
        }
        Fault::Oversize => {
            let padding = "x".repeat(LARGEST_ANSWER + 1);
            if answer.body.first() == Some(&b'{') {
                let comma = if answer.body.starts_with(b"{}") { "" } else { "," };
                let field = format!("\"padding\":\"{padding}\"{comma}");
                answer.body.splice(1..1, field.into_bytes());
            } else {
                answer.body.extend(padding.into_bytes());
            }
        }
        Fault::WrongContentType => answer = answer.with("content-type", "text/plain"),
        _ => {}
    }
    answer
}

/// What clients are expected to take at most from a token endpoint.
const LARGEST_ANSWER: usize = 256 * 1024;
/// What is taken of any request but uploads.
const LARGEST_BODY: usize = 1024 * 1024;
/// The largest chunk that TikTok takes is 128 MB.
const LARGEST_UPLOAD: usize = 129 * 1024 * 1024;
