//! The steps at which Instagram differs: the way from a code to a long-lived token, its renewal,
//! whose account it is, and what an answer means.

use bailee_core::{AuthorizationCode, Effect, IdToken, ScopeName};
use http::{Method, header};
use url::Url;

use super::{errors, publication::followed, signals};
use crate::{
    answer::Answer,
    callback::{Callback, CallbackRefusal, Outcome},
    context::Context,
    failure::{Failure, FailureKind},
    grant::{Account, AccountId, Alive, CredentialFacts, Grant, GrantFacts},
    once::once,
    provider::{ExchangeAsk, Provider},
    publish::Publish,
    request::{Endpoint, Issued, Request, SecretRef, Value},
    rfc::{self, malformed, misuse, token::TokenStep, token_answer},
    scan::Object,
    signal::{Delivery, Opening, Reading, SignalRefusal},
    spec::{Spec, SpecFacts},
    step::{Input, Next, Step},
};

/// The word for the other kind of id that an account has; its first one is the spec's.
pub(super) const APP_SCOPED: &str = "app_scoped_id";

/// What Instagram puts behind the query of a callback.
const TAIL: &str = "#_";

/// Instagram. It holds nothing but its facts.
#[derive(Clone, Debug)]
pub struct Instagram {
    spec: Spec,
}

impl Instagram {
    /// The adapter with the facts that it was built with.
    pub fn new() -> Self {
        let spec = Spec::parse(include_str!("spec.toml"))
            .expect("the embedded file is a constant, and a test parses it");
        Self { spec: spec.with_errors(errors::CODES) }
    }
}

impl Default for Instagram {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for Instagram {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    /// A browser keeps what stands behind `#` to itself, but an address that was forwarded or
    /// pasted has it: behind the query, or behind the code where that comes last.
    fn callback(&self, cx: &Context<'_>, query: &str) -> Result<Callback, CallbackRefusal> {
        let query = query.strip_suffix(TAIL).unwrap_or(query);
        let mut callback = Callback::parse(cx.spec, query)?;
        if let Outcome::Code { code, .. } = &mut callback.outcome {
            let bare = code.expose(|code| {
                code.strip_suffix(TAIL.as_bytes()).map(AuthorizationCode::copy_from)
            });
            if let Some(bare) = bare {
                if bare.expose(<[u8]>::is_empty) {
                    return Err(CallbackRefusal::Neither);
                }
                *code = bare;
            }
        }
        Ok(callback)
    }

    /// Two requests: the code gives a token of an hour, and that one a token of sixty days. Only
    /// the second one is ever stored.
    fn exchange(&self, cx: &Context<'_>, ask: &ExchangeAsk<'_>) -> Box<dyn Step<Grant>> {
        Box::new(Exchange {
            spec: cx.spec.clone(),
            state: State::Begin(TokenStep::exchange(cx, ask)),
        })
    }

    /// The token is exchanged for its successor. There is no refresh token, and the client does not
    /// prove who it is.
    fn refresh(&self, cx: &Context<'_>, _facts: &CredentialFacts) -> Box<dyn Step<Grant>> {
        let request = cx.spec.endpoints.refresh.clone().map(|url| {
            token_request(url, "ig_refresh_token")
                .with_query("access_token", Value::Secret(SecretRef::AccessToken))
        });
        once(cx, request, long_lived)
    }

    fn identity(
        &self,
        cx: &Context<'_>,
        grant: &GrantFacts,
        _nonce: Option<&str>,
        _id_token: Option<IdToken>,
    ) -> Box<dyn Step<Account>> {
        let known = grant.account_id.clone();
        let request = me(cx, "id,user_id,username,account_type");
        once(cx, request, move |spec, answer| account(spec, known, answer))
    }

    /// There is no introspection for these tokens; the id alone is the least that can be asked for.
    fn liveness(&self, cx: &Context<'_>) -> Box<dyn Step<Alive>> {
        rfc::liveness::asked(cx, me(cx, "id"), errors::classify)
    }

    fn classify(&self, cx: &Context<'_>, answer: &Answer) -> Option<Failure> {
        errors::classify(cx.spec, answer)
    }

    fn open_signal(
        &self,
        cx: &Context<'_>,
        delivery: &Delivery<'_>,
    ) -> Result<Opening, SignalRefusal> {
        signals::open(cx, delivery)
    }

    fn read_signal(
        &self,
        cx: &Context<'_>,
        delivery: &Delivery<'_>,
    ) -> Result<Reading, SignalRefusal> {
        signals::read(cx, delivery)
    }

    fn follow(&self, operation: &str) -> Option<Box<dyn Publish>> {
        followed(operation).map(|followed| Box::new(followed) as Box<dyn Publish>)
    }
}

/// A request for a long-lived token. It mints one, and asking again does no more than that.
fn token_request(url: Url, grant_type: &str) -> Request {
    Request::new(Method::GET, url, Endpoint::Token, Effect::Idempotent)
        .with_header(header::CACHE_CONTROL, Value::text("no-cache"))
        .with_query("grant_type", Value::text(grant_type))
}

/// The question whose account it is.
fn me(cx: &Context<'_>, fields: &str) -> Option<Request> {
    cx.spec.endpoints.userinfo.clone().map(|url| {
        Request::new(Method::GET, url, Endpoint::Identity, Effect::Read)
            .with_query("fields", Value::text(fields))
            .with_bearer()
    })
}

/// From the code to a long-lived token.
struct Exchange {
    spec: Spec,
    state: State,
}

enum State {
    Begin(TokenStep),
    /// The code was presented.
    Code,
    /// The short-lived token was: what its answer said beside it.
    ShortLived(Stated),
    Over,
}

/// What the answer to the code says beside the token.
struct Stated {
    account_id: Option<AccountId>,
    scopes: Option<Vec<ScopeName>>,
}

impl Step<Grant> for Exchange {
    fn next(&mut self, input: Input) -> Result<Next<Grant>, Failure> {
        match (std::mem::replace(&mut self.state, State::Over), input) {
            (State::Begin(mut step), Input::Start) => {
                self.state = State::Code;
                step.next(Input::Start)
            }
            (State::Code, Input::Answer(answer)) => {
                let (request, stated) = short_lived(&self.spec, &answer)?;
                self.state = State::ShortLived(stated);
                Ok(Next::Send(request))
            }
            (State::ShortLived(stated), Input::Answer(answer)) => {
                let mut grant = long_lived(&self.spec, &answer)?;
                for credential in &mut grant.credentials {
                    credential.scopes = credential.scopes.take().or(stated.scopes.clone());
                }
                Ok(Next::Done(Grant { account_id: stated.account_id, ..grant }))
            }
            _ => Err(misuse()),
        }
    }
}

/// The answer to the code: an object, or one within the array `data`. It names the account and what
/// was granted, and its token is presented at once for one that lives longer.
fn short_lived(spec: &Spec, answer: &Answer) -> Result<(Request, Stated), Failure> {
    let document = token_document(spec, answer)?;
    let object = unwrap(document)?;
    let mut grant = token_answer::read_object(spec, &object)?;
    let account_id = match object.get("user_id").map_err(|_| malformed())? {
        None => None,
        Some(id) => {
            let id = id.id_text().ok_or_else(malformed)?;
            Some(AccountId::new(spec.identity.id_kind.clone(), id).ok_or_else(malformed)?)
        }
    };
    let issued = grant.credentials.pop().ok_or_else(malformed)?;
    let url = spec.endpoints.long_lived.clone().ok_or(FailureKind::Unsupported)?;
    let request = token_request(url, "ig_exchange_token")
        .with_query(spec.client.secret_parameter.clone(), Value::Secret(SecretRef::ClientSecret))
        .with_query("access_token", Value::Issued(Issued::new(issued.access)));
    Ok((request, Stated { account_id, scopes: issued.scopes }))
}

/// The answer that holds a long-lived token.
fn long_lived(spec: &Spec, answer: &Answer) -> Result<Grant, Failure> {
    let document = token_document(spec, answer)?;
    token_answer::read_object(spec, &unwrap(document)?)
}

fn token_document<'a>(spec: &SpecFacts, answer: &'a Answer) -> Result<Object<'a>, Failure> {
    if let Some(failure) = errors::classify_token(spec, answer) {
        return Err(failure);
    }
    if !answer.is_json() {
        return Err(malformed());
    }
    Object::parse(&answer.body).map_err(|_| malformed())
}

/// The object itself, or the only one in its array `data`: the pages show the one, the service
/// gives the other.
pub(super) fn unwrap(document: Object<'_>) -> Result<Object<'_>, Failure> {
    match document.get("data").map_err(|_| malformed())? {
        None => Ok(document),
        Some(data) => {
            let elements = data.elements().ok_or_else(malformed)?;
            let [only] = elements.as_slice() else { return Err(malformed()) };
            only.object().ok_or_else(malformed)
        }
    }
}

/// Whose account it is. The professional account's id is what paths and, perhaps, signals name; the
/// id within this application is kept beside it, for signals may name that one.
fn account(spec: &Spec, known: Option<AccountId>, answer: &Answer) -> Result<Account, Failure> {
    if let Some(failure) = errors::classify(spec, answer) {
        return Err(failure);
    }
    let object = unwrap(Object::parse(&answer.body).map_err(|_| malformed())?)?;
    let text = |name: &str| {
        let value = object.get(name).map_err(|_| malformed())?;
        Ok::<_, Failure>(value.and_then(|value| value.id_text()))
    };
    let id = text("user_id")?
        .and_then(|id| AccountId::new(spec.identity.id_kind.clone(), id))
        .ok_or_else(malformed)?;
    let other = match text("id")? {
        Some(other) => Some(AccountId::new(APP_SCOPED, other).ok_or_else(malformed)?),
        None => None,
    };
    // The answer to the code names either of the two.
    let mut ids = std::iter::once(&id).chain(&other);
    if known.is_some_and(|known| !ids.any(|id| id.value() == known.value())) {
        return Err(malformed());
    }
    let username = text("username")?;
    // The case of the word differs between the pages and the service.
    let account_type = text("account_type")?.map(|word| word.to_ascii_uppercase());
    Ok(Account::new(id)
        .also_known_as(other.into_iter().collect())
        .with_display(username.as_deref())
        .with_account_type(account_type.as_deref()))
}
