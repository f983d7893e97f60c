use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;

use crate::announcement::{Announcement, News};
use crate::call::Call;
use crate::desk::{Desk, Written};
use crate::fault::{Fault, Planned, Plans};
use crate::ledger::{LiveToken, ReuseAlarm};
use crate::log::{Log, Recorded};
use crate::message::{Answer, Fate, Incoming};
use crate::mint::Mint;
use crate::oidc::{Issuer, IssuerDesk};
use crate::play::Play;
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
    play: Box<dyn Play>,
}

impl Site {
    pub(crate) fn new(name: String, clock: Clock, mint: Mint, play: Box<dyn Play>) -> Self {
        let state =
            State { desk: Desk::new(mint), log: Log::default(), plans: Plans::default(), play };
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
        state.play.registers(&client)?;
        for secret in client.secrets.iter().chain(&client.signal_secret) {
            state.desk.issued(secret);
        }
        state.desk.clients.insert(client.id.clone(), client);
        Ok(())
    }

    /// Holds a key that was issued outside OAuth, in a console: calls with it act for the account,
    /// which must be one of this site's.
    pub fn add_key(
        &self,
        key: impl Into<String>,
        account: &str,
        scopes: impl IntoIterator<Item = impl Into<String>>,
    ) {
        let (key, mut state) = (key.into(), self.lock());
        let scopes = scopes.into_iter().map(Into::into).collect();
        state.desk.issued(&key);
        state.desk.ledger.keep_key(key, account, scopes, self.clock.now());
    }

    /// What the provider sends to a client of its own accord: `event` is its own word for it
    /// (`authorization.removed`), `to` the client's registered address. An event that says that
    /// tokens ended ends them. `account` is empty for what is about nobody.
    ///
    /// # Errors
    ///
    /// [`Misuse::Event`] where the provider does not tell of such a thing;
    /// [`Misuse::Announcement`] where the account, the client or its secret is missing.
    pub fn announce(
        &self,
        event: &str,
        account: &str,
        client: &str,
        to: &str,
    ) -> Result<Announcement, Misuse> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let client = state.desk.clients.get(client).cloned();
        let client = client.ok_or(Misuse::Announcement("there is no such client"))?;
        let known = state.desk.account(account).cloned();
        if known.is_none() && !account.is_empty() {
            return Err(Misuse::Announcement("there is no such account"));
        }
        if !url::Url::parse(to).is_ok_and(|url| url.scheme() == "https") {
            return Err(Misuse::Announcement("providers send to https addresses"));
        }
        let news = News { event, client, now: self.clock.now(), account: known, to };
        state.play.announce(&mut state.desk, &news)
    }

    /// Changes the switches of an issuer. Returns whether this site is one.
    pub fn change_issuer(&self, change: impl FnOnce(&mut Issuer)) -> bool {
        self.switches(change)
    }

    /// Changes the switches of TikTok. Returns whether this site is it.
    pub fn change_tiktok(&self, change: impl FnOnce(&mut TikTok)) -> bool {
        self.switches(change)
    }

    /// Forgets all faults that have not happened yet.
    pub fn clear_faults(&self) {
        self.lock().plans.clear();
    }

    /// Ends one token or key, access or refresh, and nothing else.
    pub fn end_token(&self, token: &str) {
        self.lock().desk.ledger.end_token(token);
    }

    /// Lets all access tokens of an account expire now. Returns how many that were.
    pub fn expire_access(&self, account: &str) -> usize {
        self.lock().desk.ledger.expire_access(account, self.clock.now())
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
        self.desk(IssuerDesk::rotate_keys).is_some()
    }

    /// Changes the switches of the provider, if it is the one that has them:
    /// `site.switches(|zoom: &mut Zoom| zoom.code_lifetime = 1)`. Returns whether it is.
    pub fn switches<S: Any>(&self, change: impl FnOnce(&mut S)) -> bool {
        self.lock().play.switches().downcast_mut().map(change).is_some()
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

    /// The host names that this site answers for; one that begins with `*.` stands for all names
    /// below it.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        self.lock().play.hosts()
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

    /// The site's name: the provider's (`tiktok`, `zoom`), an issuer's host, or the one given with
    /// [`Builder::play_as`](crate::Builder::play_as).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Notes written with an issuer's protected API, as (account, text).
    #[must_use]
    pub fn notes(&self) -> Vec<(String, String)> {
        self.desk(|desk: &mut IssuerDesk| desk.notes().to_vec()).unwrap_or_default()
    }

    /// Faults that have not happened yet.
    #[must_use]
    pub fn pending_faults(&self) -> usize {
        self.lock().plans.pending()
    }

    /// Posts begun at TikTok, in their present state.
    #[must_use]
    pub fn posts(&self) -> Vec<Post> {
        let now = self.clock.now();
        self.desk(|desk: &mut TikTokDesk| desk.posts(now)).unwrap_or_default()
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

    /// What calls have made at the provider, oldest first: `meeting`, `message`, or whatever
    /// word the provider has for it.
    #[must_use]
    pub fn written(&self, kind: &str) -> Vec<Written> {
        let state = self.lock();
        state.desk.written.iter().filter(|written| written.kind == kind).cloned().collect()
    }

    pub(crate) fn plays(&self, host: &str) -> bool {
        self.lock().play.plays(host)
    }

    /// The most bytes that a request to this address may have.
    pub(crate) fn body_limit(&self, request: &Incoming) -> usize {
        match self.lock().play.classify(request) {
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
        let endpoint = state.play.classify(request);
        let place = state.log.note(now, endpoint, request);
        let fault = state.plans.take(endpoint);
        let answer = match &fault {
            Some(fault) if !fault.works() => {
                state.refuse(&Call { endpoint, request, fault: None, now }, fault)
            }
            fault => {
                let fault = fault.as_ref();
                let call = Call { endpoint, request, fault, now };
                let answer = state.play.handle(&mut state.desk, &call);
                match fault {
                    Some(fault) => misshape(answer, endpoint, fault),
                    None => answer,
                }
            }
        };
        (answer, fault, place)
    }

    /// Looks at a provider's desk, if it is the one that is played here.
    fn desk<D: Play, R>(&self, look: impl FnOnce(&mut D) -> R) -> Option<R> {
        let mut state = self.lock();
        let play: &mut dyn Any = &mut *state.play;
        play.downcast_mut().map(look)
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
    fn refuse(&self, call: &Call<'_>, fault: &Fault) -> Answer {
        match fault {
            Fault::EchoSecrets => {
                let request = call.request;
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
                self.play.error(call, 400, "invalid_request", &text)
            }
            Fault::Html => {
                Answer::html(200, "<!doctype html><title>Welcome</title><h1>Welcome</h1>".into())
            }
            Fault::OkWithError(code) => self.play.error(call, 200, code, "refused"),
            Fault::RateLimited { retry_after } => {
                self.play.rate_limited(call, retry_after.as_deref())
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
                if answer.header("content-type").is_some_and(|kind| kind.starts_with(FORM)) {
                    answer.body.extend(b"&padding=");
                }
                answer.body.extend(padding.into_bytes());
            }
        }
        Fault::Headers(headers) => {
            for (name, value) in headers {
                answer = answer.with(name, value);
            }
        }
        Fault::WrongContentType => answer = answer.with("content-type", "text/plain"),
        _ => {}
    }
    answer
}

const FORM: &str = "application/x-www-form-urlencoded";
/// What clients are expected to take at most from a token endpoint.
const LARGEST_ANSWER: usize = 256 * 1024;
/// What is taken of any request but uploads.
const LARGEST_BODY: usize = 1024 * 1024;
/// The largest chunk that TikTok takes is 128 MB.
const LARGEST_UPLOAD: usize = 129 * 1024 * 1024;
