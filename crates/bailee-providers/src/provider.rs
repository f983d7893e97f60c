//! The trait behind which a provider's steps lie.

use std::fmt;

use bailee_core::{IdToken, Locale, Result, ScopeName, State, Verifier};
use url::Url;

use crate::{
    answer::Answer,
    callback::{Callback, CallbackRefusal},
    context::Context,
    failure::Failure,
    grant::{
        Account, Alive, CredentialFacts, Grant, GrantFacts, Introspection, RevokePlan, Revoked,
    },
    proof::CallbackProof,
    publish::Publish,
    rfc,
    signal::{
        self, Delivery, KeySet, Opening, Polled, Reading, SignalRefusal, WatchFacts, Watched,
    },
    spec::Spec,
    step::Step,
};

/// A provider: its facts, and a step for each thing that can be done with a grant.
///
/// Every method has a default that follows the RFC named at it and reads the facts of the spec, so
/// an adapter shows only where it differs. A provider holds no client, no clock, no store and no
/// token. Its steps are driven by whoever does the I/O.
pub trait Provider: Send + Sync + fmt::Debug + 'static {
    /// The provider's facts, before its metadata is put in ([`Spec::resolve`]).
    fn spec(&self) -> &Spec;

    /// The address to send the person to (RFC 6749 §4.1.1, RFC 7636 §4.3).
    ///
    /// *Must* ask for `response_type=code` and nothing else (FLOW-05).
    ///
    /// # Errors
    ///
    /// Fails with `Configuration` where the spec has no authorization endpoint, where the flow
    /// needs a verifier and has none, or where a public client's server does not list `S256`; with
    /// `InvalidInput` where a scope is not in the catalogue or an extra parameter has a name that
    /// is managed here.
    fn authorize(&self, cx: &Context<'_>, ask: &AuthorizeAsk<'_>) -> Result<AuthorizationUrl> {
        rfc::authorize_url::build(cx, ask)
    }

    /// Reads the query of a callback (RFC 6749 §4.1.2): shape only. The caller consumes the flow
    /// and makes all comparisons ([`Callback::check_issuer`] among them) before it uses the code.
    ///
    /// *Must* decode the code exactly once.
    ///
    /// # Errors
    ///
    /// Refuses a query of a wrong shape (CALL-02). A refusal by the person or the provider is no
    /// error: it is an outcome of the callback.
    fn callback(&self, cx: &Context<'_>, query: &str) -> Result<Callback, CallbackRefusal> {
        Callback::parse(cx.spec, query)
    }

    /// What proves that a callback is the provider's, where the provider signs them with the
    /// client's secret. It is checked before the flow is consumed.
    ///
    /// # Errors
    ///
    /// Refuses a callback that lacks what its proof is made of, or that was made too long ago.
    fn callback_proof(
        &self,
        cx: &Context<'_>,
        query: &str,
    ) -> Result<Option<CallbackProof>, CallbackRefusal> {
        let _ = (cx, query);
        Ok(None)
    }

    /// Exchanges the code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5).
    fn exchange(&self, cx: &Context<'_>, ask: &ExchangeAsk<'_>) -> Box<dyn Step<Grant>> {
        Box::new(rfc::token::TokenStep::exchange(cx, ask))
    }

    /// Finds out whose account it is. The credential is the one just issued.
    ///
    /// *Must* ask for no more of the profile than the id and a name to show. With OpenID Connect:
    /// the ID token by the list of Core §3.1.3.7, then userinfo, whose `sub` must be the same
    /// (§5.3.2). `nonce` is the flow's; an ID token in a flow that had one must repeat it.
    fn identity(
        &self,
        cx: &Context<'_>,
        grant: &GrantFacts,
        nonce: Option<&str>,
        id_token: Option<IdToken>,
    ) -> Box<dyn Step<Account>> {
        Box::new(rfc::identity::IdentityStep::new(cx, grant, nonce, id_token))
    }

    /// Whether this account can be used at all. Default: its type stands in the spec's list, where
    /// there is one.
    ///
    /// # Errors
    ///
    /// Fails with [`FailureKind::Blocked`](crate::FailureKind::Blocked) where it cannot.
    fn eligibility(&self, cx: &Context<'_>, account: &Account) -> Result<(), Failure> {
        cx.spec.eligibility.admits(account)
    }

    /// Renews the tokens (RFC 6749 §6). An answer without a refresh token leaves the old one in
    /// place.
    fn refresh(&self, cx: &Context<'_>, facts: &CredentialFacts) -> Box<dyn Step<Grant>> {
        Box::new(rfc::token::TokenStep::refresh(cx, facts))
    }

    /// What a disconnect does first: some providers revoke only with a living access token.
    fn revoke_plan(&self, cx: &Context<'_>, facts: &CredentialFacts) -> RevokePlan {
        rfc::revoke::plan(cx, facts)
    }

    /// Ends the grant at the provider (RFC 7009): the refresh token first, then the access token,
    /// or as the spec's style says.
    ///
    /// A definite refusal is an outcome that is not confirmed; a failure is one to try again after
    /// or to mend the configuration for.
    fn revoke(&self, cx: &Context<'_>, facts: &CredentialFacts) -> Box<dyn Step<Revoked>> {
        Box::new(rfc::revoke::RevokeStep::new(cx, facts))
    }

    /// Ends the tokens of one credential and leaves the account's other grants alone, where
    /// [`revoke`](Self::revoke) would end them and the provider can do with less. It is asked for
    /// while another connection holds the same account.
    fn revoke_alone(
        &self,
        cx: &Context<'_>,
        facts: &CredentialFacts,
    ) -> Option<Box<dyn Step<Revoked>>> {
        let _ = (cx, facts);
        None
    }

    /// Asks whether the access token is good (RFC 7662), where the provider has an endpoint for it.
    fn introspect(&self, cx: &Context<'_>) -> Option<Box<dyn Step<Introspection>>> {
        rfc::introspect::IntrospectStep::new(cx)
            .map(|step| Box::new(step) as Box<dyn Step<Introspection>>)
    }

    /// Asks whether the grant still lives, with the cheapest request that can tell. Default:
    /// introspection, else the identity endpoint.
    fn liveness(&self, cx: &Context<'_>) -> Box<dyn Step<Alive>> {
        rfc::liveness::step(cx)
    }

    /// Asks about a connection by the schedule. Default: [`liveness`](Self::liveness) alone.
    fn watch(&self, cx: &Context<'_>, facts: &WatchFacts) -> Box<dyn Step<Watched>> {
        let _ = facts;
        signal::liveness(self, cx)
    }

    /// Says what to do with something that came to the registration's signal address. Nothing of it
    /// is trusted: this reads no more than the proof needs. Default: as the spec's `[signals.push]`
    /// says.
    ///
    /// # Errors
    ///
    /// Refuses what lacks what its proof is made of, or was made too long ago.
    fn open_signal(
        &self,
        cx: &Context<'_>,
        delivery: &Delivery<'_>,
    ) -> Result<Opening, SignalRefusal> {
        signal::open(cx, delivery)
    }

    /// Fetches the keys that prove deliveries, where the provider signs them with keys of its own
    /// (RFC 8417).
    fn signal_keys(&self, cx: &Context<'_>) -> Box<dyn Step<KeySet>> {
        signal::keys(cx)
    }

    /// Reads a delivery that is proved to be the provider's. Default: as the spec's
    /// `[[signals.event]]` say.
    ///
    /// # Errors
    ///
    /// Refuses what is for somebody else, and what cannot be read.
    fn read_signal(
        &self,
        cx: &Context<'_>,
        delivery: &Delivery<'_>,
    ) -> Result<Reading, SignalRefusal> {
        signal::read(cx, delivery)
    }

    /// Fetches the next signals from a provider that keeps them for whoever asks. It acts for the
    /// client and has none of a connection's tokens. `progress` is how far they were read.
    fn poll(&self, cx: &Context<'_>, progress: Option<&str>) -> Option<Box<dyn Step<Polled>>> {
        let _ = (cx, progress);
        None
    }

    /// Tells the provider that a request which it brought is closed, where it wants to know. The
    /// details are those that its signal gave. It acts for the client and has none of a
    /// connection's tokens.
    fn request_closed(
        &self,
        cx: &Context<'_>,
        details: &[(String, String)],
    ) -> Option<Box<dyn Step<()>>> {
        let _ = (cx, details);
        None
    }

    /// What an answer of the API means; none where it is a success (RFC 6750 §3.1, then the
    /// status). Operations use it themselves; a caller that passes answers through asks it too.
    fn classify(&self, cx: &Context<'_>, answer: &Answer) -> Option<Failure> {
        rfc::classify::answer(cx.spec, answer)
    }

    /// A publication that can only be followed to its end, for one that a former process began
    /// with the operation of this name. It is given the stored progress.
    fn follow(&self, operation: &str) -> Option<Box<dyn Publish>> {
        let _ = operation;
        None
    }
}

/// What a flow asks for.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizeAsk<'a> {
    /// The scopes, each of them in the spec's catalogue.
    pub scopes: &'a [ScopeName],
    /// The redirect URI, byte for byte as it is registered.
    pub redirect_uri: &'a str,
    /// The flow's state.
    pub state: &'a State,
    /// The flow's verifier. It is used where [`Context::pkce`] says so, and not sent.
    pub verifier: Option<&'a Verifier>,
    /// The flow's nonce (OpenID Connect Core §3.1.2.1).
    pub nonce: Option<&'a str>,
    /// The language that the person reads.
    pub locale: Option<&'a Locale>,
    /// Other parameters (`prompt`, `login_hint`).
    pub extra: &'a [(&'a str, &'a str)],
    /// Whether a refresh token has to come of it: one that is stored is none, or is dead. Some
    /// providers give it only where they ask the person anew.
    pub ask_anew: bool,
}

impl<'a> AuthorizeAsk<'a> {
    /// A flow without verifier, nonce, locale and other parameters.
    pub fn new(scopes: &'a [ScopeName], redirect_uri: &'a str, state: &'a State) -> Self {
        Self {
            scopes,
            redirect_uri,
            state,
            verifier: None,
            nonce: None,
            locale: None,
            extra: &[],
            ask_anew: false,
        }
    }
}

/// What an exchange needs beside the code, which the caller fills in.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeAsk<'a> {
    /// The redirect URI, byte for byte as the flow sent it.
    pub redirect_uri: &'a str,
    /// Whether the flow sent a code challenge, so that its verifier is due.
    pub pkce: bool,
}

/// The address to send a person to. It holds the flow's state, so `Debug` does not show it, and it
/// belongs in a `Location` header and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationUrl(Url);

impl AuthorizationUrl {
    /// Takes over an address.
    pub fn new(url: Url) -> Self {
        Self(url)
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The address.
    pub fn into_url(self) -> Url {
        self.0
    }
}

impl fmt::Debug for AuthorizationUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizationUrl([redacted])")
    }
}

/// A provider that follows the RFCs: its facts are all that it has.
#[derive(Clone, Debug)]
pub struct Generic {
    spec: Spec,
}

impl Generic {
    /// A provider of these facts.
    pub fn new(spec: Spec) -> Self {
        Self { spec }
    }
}

impl Provider for Generic {
    fn spec(&self) -> &Spec {
        &self.spec
    }
}
