//! The steps at which TikTok differs: whose account it is, whether the grant lives, and what an
//! answer means. The rest is facts in `spec.toml` and the defaults.

use bailee_core::{Effect, IdToken};
use http::Method;

use super::{errors, publication::followed, signals};
use crate::{
    answer::Answer,
    at_once::AtOnce,
    context::Context,
    failure::Failure,
    grant::{Account, AccountId, Alive, GrantFacts},
    once::once,
    provider::Provider,
    publish::Publish,
    request::{Endpoint, Request, Value},
    rfc::{self, malformed},
    scan::Object,
    signal::{Delivery, Reading, SignalRefusal},
    spec::Spec,
    step::Step,
};

/// TikTok. It holds nothing but its facts.
#[derive(Clone, Debug)]
pub struct TikTok {
    spec: Spec,
}

impl TikTok {
    /// The adapter with the facts that it was built with.
    pub fn new() -> Self {
        let spec = Spec::parse(include_str!("spec.toml"))
            .expect("the embedded file is a constant, and a test parses it");
        Self { spec: spec.with_errors(errors::CODES) }
    }
}

impl Default for TikTok {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for TikTok {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The endpoint wants to be told the fields, and refuses one whose scope was not granted. Asked
    /// for are the id and the one name that the person knows the account by: the handle where it
    /// may be seen, else the display name. Where neither may be seen, the token answer named the id
    /// already and nothing is asked.
    fn identity(
        &self,
        cx: &Context<'_>,
        grant: &GrantFacts,
        _nonce: Option<&str>,
        _id_token: Option<IdToken>,
    ) -> Box<dyn Step<Account>> {
        let fields = match grant.account_id.clone() {
            _ if grant.has_scope("user.info.profile") => "open_id,username",
            Some(known) if !grant.has_scope("user.info.basic") => {
                return Box::new(AtOnce::new(Ok(Account::new(known))));
            }
            _ => "open_id,display_name",
        };
        let known = grant.account_id.clone();
        once(cx, user_info(cx, fields), move |spec, answer| account(spec, known, answer))
    }

    /// There is no introspection; the id alone is the least that can be asked for.
    fn liveness(&self, cx: &Context<'_>) -> Box<dyn Step<Alive>> {
        rfc::liveness::asked(cx, user_info(cx, "open_id"), errors::classify)
    }

    fn classify(&self, cx: &Context<'_>, answer: &Answer) -> Option<Failure> {
        errors::classify(cx.spec, answer)
    }

    /// The reason stands in a document within the document.
    fn read_signal(
        &self,
        cx: &Context<'_>,
        delivery: &Delivery<'_>,
    ) -> Result<Reading, SignalRefusal> {
        signals::read(cx, delivery)
    }

    fn follow(&self, operation: &str) -> Option<Box<dyn Publish>> {
        (operation == super::operations::PUBLISH_VIDEO.name)
            .then(|| Box::new(followed()) as Box<dyn Publish>)
    }
}

/// The question for the user's info.
fn user_info(cx: &Context<'_>, fields: &str) -> Option<Request> {
    cx.spec.endpoints.userinfo.clone().map(|url| {
        Request::new(Method::GET, url, Endpoint::Identity, Effect::Read)
            .with_query("fields", Value::text(fields))
            .with_bearer()
    })
}

/// `{ "data": { "user": { … } } }`. The id is the one that the token answer named.
fn account(spec: &Spec, known: Option<AccountId>, answer: &Answer) -> Result<Account, Failure> {
    if let Some(failure) = errors::classify(spec, answer) {
        return Err(failure);
    }
    let document = Object::parse(&answer.body).map_err(|_| malformed())?;
    let text = |pointer: &str| {
        let value = document.pointer(pointer).map_err(|_| malformed())?;
        Ok::<_, Failure>(value.and_then(|value| value.text()))
    };
    let id = text("/data/user/open_id")?
        .and_then(|id| AccountId::new(spec.identity.id_kind.clone(), id))
        .ok_or_else(malformed)?;
    if known.is_some_and(|known| known != id) {
        return Err(malformed());
    }
    let mut name = None;
    for pointer in &spec.identity.display {
        if name.is_none() {
            name = text(pointer)?;
        }
    }
    Ok(Account::new(id).with_display(name.as_deref()))
}
