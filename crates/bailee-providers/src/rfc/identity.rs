//! Whose account it is: the ID token, the userinfo endpoint, or the token answer.

use bailee_core::{Effect, IdToken, Timestamp};
use http::Method;
use url::Url;
use zeroize::Zeroizing;

use super::{classify, id_token, jose, key_set, malformed, misuse, oauth_error};
use crate::{
    answer::Answer,
    context::{Context, Registration},
    failure::{Failure, FailureKind},
    grant::{Account, AccountId, GrantFacts},
    request::{Endpoint, Payload, Request},
    scan::Object,
    spec::{IdentitySource, Spec},
    step::{Input, Next, Signed, Step},
};

/// Finds out whose account it is, as the spec's source says.
pub(crate) struct IdentityStep {
    spec: Spec,
    registration: Registration,
    grant: GrantFacts,
    nonce: Option<String>,
    id_token: Option<IdToken>,
    state: State,
}

enum State {
    Begin,
    /// The key set was asked for.
    Keys(jose::Compact),
    /// The signature is being checked.
    Signature(jose::Compact, Timestamp),
    /// Userinfo was asked for. The account is what was known before, with the subject that the ID
    /// token named.
    Userinfo(Option<(Account, String)>),
    Over,
}

impl IdentityStep {
    pub(crate) fn new(
        cx: &Context<'_>,
        grant: &GrantFacts,
        nonce: Option<&str>,
        id_token: Option<IdToken>,
    ) -> Self {
        Self {
            spec: cx.spec.clone(),
            registration: cx.registration.clone(),
            grant: grant.clone(),
            nonce: nonce.map(ToOwned::to_owned),
            id_token,
            state: State::Begin,
        }
    }

    fn begin(&mut self) -> Result<Next<Account>, Failure> {
        match self.spec.identity.source {
            IdentitySource::TokenAnswer => self
                .grant
                .account_id
                .clone()
                .map(|id| Next::Done(self.stated(id)))
                .ok_or_else(malformed),
            IdentitySource::Endpoint => self.ask_userinfo(None),
            IdentitySource::Fingerprint => {
                let id = self.grant.account_id.clone().ok_or_else(misuse)?;
                let subject = id.value().to_owned();
                self.ask_userinfo(Some((Account::new(id), subject)))
            }
            IdentitySource::Openid => {
                // OpenID Connect Core §3.1.3.3: where `openid` was granted, there is one.
                let token = self.id_token.take().ok_or_else(malformed)?;
                let compact = token.expose(jose::split)?;
                let url = self.spec.endpoints.jwks.clone();
                let url = url.ok_or(FailureKind::Unsupported)?;
                self.state = State::Keys(compact);
                Ok(Next::Send(Request::new(Method::GET, url, Endpoint::Jwks, Effect::Read)))
            }
        }
    }

    /// An account, with what the token answer stated of it.
    fn stated(&self, id: AccountId) -> Account {
        Account::new(id)
            .with_display(self.grant.display.as_deref())
            .with_api(self.grant.api.clone())
    }

    fn keys(&mut self, compact: jose::Compact, answer: &Answer) -> Result<Next<Account>, Failure> {
        if let Some(failure) = oauth_error::judge(&self.spec, answer) {
            return Err(failure);
        }
        let key = key_set::select(&answer.body, compact.scheme, compact.key_id.as_deref())
            .ok_or_else(malformed)?;
        let signed = Signed {
            scheme: compact.scheme,
            key,
            message: Zeroizing::new(compact.message.to_vec()),
            signature: compact.signature.clone(),
        };
        self.state = State::Signature(compact, answer.now);
        Ok(Next::Verify(signed))
    }

    fn verified(
        &mut self,
        compact: &jose::Compact,
        now: Timestamp,
    ) -> Result<Next<Account>, Failure> {
        let issuer = self.spec.issuer.as_ref().ok_or(FailureKind::Unsupported)?;
        let stated = self.spec.identity.issuers.as_slice();
        let subject = id_token::check(
            &compact.payload,
            &id_token::Expected {
                issuers: if stated.is_empty() { std::slice::from_ref(issuer) } else { stated },
                client_id: &self.registration.client_id,
                nonce: self.nonce.as_deref(),
                access_half_digest: self.grant.access_half_digest.as_ref(),
                scheme: compact.scheme,
                now,
            },
        )?;
        let claims = Object::parse(&compact.payload).map_err(|_| malformed())?;
        let id = self.id_in(&claims, &self.spec.identity.id)?;
        let id = AccountId::new(self.spec.identity.id_kind.clone(), id).ok_or_else(malformed)?;
        let account = self.describe(self.stated(id), &claims).with_issuer(Some(issuer.clone()));
        self.ask_userinfo(Some((account, subject)))
    }

    fn ask_userinfo(&mut self, known: Option<(Account, String)>) -> Result<Next<Account>, Failure> {
        match (self.spec.endpoints.userinfo.clone(), known) {
            (Some(url), known) => {
                self.state = State::Userinfo(known);
                Ok(Next::Send(question(&self.spec, url)))
            }
            (None, Some((account, _))) => Ok(Next::Done(account)),
            (None, None) => Err(FailureKind::Unsupported.into()),
        }
    }

    /// The id that stands at these places of a document.
    fn id_in(&self, document: &Object<'_>, pointers: &[String]) -> Result<String, Failure> {
        let mut parts = Vec::with_capacity(pointers.len());
        for pointer in pointers {
            let value = document.pointer(pointer).map_err(|_| malformed())?;
            parts.push(value.and_then(|value| value.id_text()).ok_or_else(malformed)?);
        }
        Ok(parts.join(":"))
    }

    fn userinfo(
        &mut self,
        known: Option<(Account, String)>,
        answer: &Answer,
    ) -> Result<Account, Failure> {
        if let Some(failure) = classify::answer(&self.spec, answer) {
            return Err(failure);
        }
        // A signed userinfo (`application/jwt`) is not read.
        if !answer.is_json() {
            return Err(malformed());
        }
        let document = Object::parse(&answer.body).map_err(|_| malformed())?;
        if let Some(failure) = oauth_error::in_body(&self.spec, &document) {
            return Err(failure);
        }
        if self.spec.identity.source == IdentitySource::Fingerprint {
            return known.map(|(account, _)| self.describe(account, &document)).ok_or_else(misuse);
        }
        let subject = ["/sub".to_owned()];
        let pointers = if known.is_some() { &subject } else { self.spec.identity.id.as_slice() };
        let id = self.id_in(&document, pointers)?;
        let account = match known {
            // §5.3.2: another subject than the ID token's is not used.
            Some((known, subject)) if subject == id => known,
            Some(_) => return Err(malformed()),
            None => {
                let id = AccountId::new(self.spec.identity.id_kind.clone(), id);
                self.stated(id.ok_or_else(malformed)?)
            }
        };
        // Where the token answer stated an account as well, it is the same one.
        if self.grant.account_id.as_ref().is_some_and(|stated| *stated != account.id) {
            return Err(malformed());
        }
        Ok(self.describe(account, &document))
    }

    /// Takes the name to show and the type of account, and nothing else of the profile.
    fn describe(&self, mut account: Account, document: &Object<'_>) -> Account {
        let text = |pointer: &String| {
            document.pointer(pointer).ok().flatten().and_then(|value| value.text())
        };
        if let Some(name) = self.spec.identity.display.iter().find_map(text) {
            account = account.with_display(Some(&name));
        }
        if let Some(word) = self.spec.identity.account_type.as_ref().and_then(text) {
            account = account.with_account_type(Some(&word));
        }
        for (kind, pointer) in &self.spec.identity.also {
            let value = document.pointer(pointer).ok().flatten().and_then(|value| value.id_text());
            let id = value.and_then(|value| AccountId::new(kind.clone(), value));
            let mut ids = account.also.clone();
            ids.extend(id.filter(|id| !account.also.contains(id)));
            account = account.also_known_as(ids);
        }
        account
    }
}

/// The request for the account, as the spec states it.
pub(crate) fn question(spec: &Spec, url: Url) -> Request {
    let method = if spec.identity.post { Method::POST } else { Method::GET };
    let request = Request::new(method, url, Endpoint::Identity, Effect::Read).with_credential(spec);
    match &spec.identity.body {
        Some(body) => request.with_payload(Payload::Json(body.clone())),
        None => request,
    }
}

impl Step<Account> for IdentityStep {
    fn next(&mut self, input: Input) -> Result<Next<Account>, Failure> {
        match (std::mem::replace(&mut self.state, State::Over), input) {
            (State::Begin, Input::Start) => self.begin(),
            (State::Keys(compact), Input::Answer(answer)) => self.keys(compact, &answer),
            (State::Signature(compact, now), Input::Verified(true)) => self.verified(&compact, now),
            (State::Signature(..), Input::Verified(false)) => Err(malformed()),
            (State::Userinfo(known), Input::Answer(answer)) => {
                self.userinfo(known, &answer).map(Next::Done)
            }
            _ => Err(misuse()),
        }
    }
}
