//! Beginning a flow: the least scopes, what the person is told, the flow record, the redirect.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bailee_core::{
    Act, Actor, BrowserSecret, ConnectionRef, Error, ErrorKind, HostId, Id, Origin, Owner,
    Plaintext, PurposeId, Random, RegistrationId, Result, ScopeName, State, SubjectId, TenantId,
    Verifier, Visitor, audit::Entry, sha256,
};
use bailee_providers::{AuthorizeAsk, Platform, spec::Pkce};
use bailee_registry::Disclosure;
use bailee_store::{Expect, Key, Query, Record};
use bailee_vault::{Draft, Holder};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::{
    answer::Answer,
    body::{self, FlowBody},
    connections::Connections,
    drive::Line,
    engine::Engine,
    kind,
    registration::Registered,
    told::told,
};

/// How long a flow may take.
pub(crate) const FLOW_LIFETIME: Duration = Duration::from_secs(600);
/// So many flows may be open in one browser.
const MOST_PER_BROWSER: usize = 5;
/// So many flows may be open for one person.
const MOST_PER_SUBJECT: usize = 20;

/// What a flow is for, beside its purposes.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct BeginOptions {
    /// The connection is for the whole tenant, not for the person who makes it.
    pub for_tenant: bool,
    /// The connection that is made to work again. Its account must be the same, unless
    /// `other_account`.
    pub reconnect: Option<ConnectionRef>,
    /// The person said that another account than before is meant.
    pub other_account: bool,
    /// What the person gave for the variables of the provider's addresses: their shop, their
    /// sub-domain.
    pub variables: BTreeMap<String, String>,
    /// The name of the page to go to when all is done ([`crate::EngineBuilder::return_to`]).
    pub return_to: Option<String>,
}

/// A flow that has begun: what to show the person, and where to send the browser.
#[derive(Debug)]
pub struct Begun {
    disclosure: Disclosure,
    answer: Answer,
}

impl Begun {
    /// What the person is told before the redirect: each scope in plain words, the data that it
    /// opens, what for, how long it is kept, how to withdraw.
    pub fn disclosure(&self) -> &Disclosure {
        &self.disclosure
    }

    /// The redirect with its state cookie, to be sent once the person has seen the disclosure.
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// The same, to be sent.
    pub fn into_answer(self) -> Answer {
        self.answer
    }
}

/// A flow that is written and not yet on its way.
pub(crate) struct Prepared {
    pub(crate) flow: Id,
    pub(crate) browser: BrowserSecret,
    pub(crate) url: bailee_providers::AuthorizationUrl,
    pub(crate) disclosure: Disclosure,
    pub(crate) dropped: Vec<(Id, RegistrationId)>,
}

impl Connections {
    /// Begins a flow for a visitor who asked for it.
    ///
    /// The host calls this only for an authenticated request that changes state (a POST), and only
    /// after its own protection against forged requests.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for an unknown registration or an undeclared purpose,
    /// [`ErrorKind::Denied`] where the host's [`bailee_core::Access`] says no,
    /// [`ErrorKind::Quarantined`], [`ErrorKind::StoreUnavailable`].
    pub async fn begin(
        &self,
        visitor: &Visitor,
        registration: &str,
        purposes: &[PurposeId],
    ) -> Result<Begun> {
        self.begin_with(visitor, registration, purposes, BeginOptions::default()).await
    }

    /// Begins a flow with options.
    ///
    /// # Errors
    ///
    /// As [`Connections::begin`]; [`ErrorKind::InvalidInput`] for a return target that the host
    /// did not name.
    pub async fn begin_with(
        &self,
        visitor: &Visitor,
        registration: &str,
        purposes: &[PurposeId],
        options: BeginOptions,
    ) -> Result<Begun> {
        let engine = &self.engine;
        let registered = engine.registered(&RegistrationId::new(registration)?)?.clone();
        if registered.facts.platform == Platform::Desktop {
            return Err(Error::new(ErrorKind::Configuration)
                .with_detail("a desktop registration connects through a loopback listener"));
        }
        let redirect_uri = registered.redirect_uri.clone();
        let prepared = self
            .prepare(visitor, &registered, purposes, options, &redirect_uri, Origin::Flow)
            .await?;
        let location = HeaderValue::from_str(prepared.url.as_str()).map_err(|_| {
            Error::new(ErrorKind::Configuration).with_detail("not an authorization address")
        })?;
        let cookie = engine.0.cookies.set(
            prepared.flow,
            &registered.callback_path,
            &prepared.browser,
            registered.posts_back(),
        )?;
        let mut answer = Answer::see_other(location).with_cookie(cookie);
        for (flow, id) in &prepared.dropped {
            // Cookies of flows that this one pushed out go, so that they cannot pile up.
            if let Ok(dropped) = engine.registered(id) {
                answer = answer.with_cookie(engine.0.cookies.clear(
                    *flow,
                    &dropped.callback_path,
                    dropped.posts_back(),
                )?);
            }
        }
        Ok(Begun { disclosure: prepared.disclosure, answer })
    }

    /// Writes a flow and makes its address.
    pub(crate) async fn prepare(
        &self,
        visitor: &Visitor,
        registered: &Arc<Registered>,
        purposes: &[PurposeId],
        options: BeginOptions,
        redirect_uri: &str,
        origin: Origin,
    ) -> Result<Prepared> {
        let engine = &self.engine;
        let tenant = visitor.tenant();
        if tenant.is_system() {
            return Err(Error::new(ErrorKind::Denied));
        }
        if !registered.serves(tenant) {
            // Another tenant's registration answers as if there were none.
            return Err(Error::new(ErrorKind::Configuration)
                .with_detail(format!("there is no registration {}", registered.id())));
        }
        if let Some(name) = &options.return_to
            && engine.0.returns.address(name).is_none()
        {
            return Err(Error::new(ErrorKind::InvalidInput)
                .with_detail("there is no return target of this name"));
        }
        registered.needs_flow()?;
        let provider = &registered.facts.provider;
        // What is not declared at all is refused without a question to the store.
        engine.0.declaration.least_scopes(provider, purposes)?;
        // Before anything is written and before the provider is asked for its metadata.
        let declaration = &*engine.declared_for_consent(tenant).await?;
        let scopes = declaration.least_scopes(provider, purposes)?;
        let subject = engine.0.vault.ensure_subject(tenant, visitor.person()).await?;
        let owner = if options.for_tenant { Owner::Tenant } else { Owner::Subject(subject) };
        engine.may(visitor.person(), Some(subject), tenant, Act::Connect(owner)).await?;
        if let Some(reconnect) = &options.reconnect
            && (reconnect.tenant() != tenant || reconnect.owner() != owner)
        {
            return Err(Error::new(ErrorKind::NotFound));
        }
        let line = engine.line(registered).await?.given(&options.variables)?;
        let disclosure = told(declaration, &line.spec, purposes, &engine.words(visitor.locale()))?
            .with_notes(&line.spec.eligibility.plain);
        let asking = Asking {
            visitor,
            tenant,
            subject,
            owner,
            purposes,
            scopes,
            disclosure,
            options,
            redirect_uri,
            origin,
        };
        write_flow(engine, &line, asking).await
    }
}

struct Asking<'a> {
    visitor: &'a Visitor,
    tenant: &'a TenantId,
    subject: SubjectId,
    owner: Owner,
    purposes: &'a [PurposeId],
    scopes: Vec<ScopeName>,
    disclosure: Disclosure,
    options: BeginOptions,
    redirect_uri: &'a str,
    origin: Origin,
}

async fn write_flow(engine: &Engine, line: &Line, asking: Asking<'_>) -> Result<Prepared> {
    let vault = &engine.0.vault;
    let random = &*engine.0.random;
    let registered = &line.registered;
    let cx = line.context();
    let state = State::new(token(random)?);
    let verifier =
        (cx.pkce() != Pkce::None).then(|| token(random).map(Verifier::new)).transpose()?;
    let nonce = if line.spec.issuer.is_some() {
        Some(token(random)?.expose(|bytes| String::from_utf8_lossy(bytes).into_owned()))
    } else {
        None
    };
    let mut secret = Zeroizing::new([0; 32]);
    random.fill(secret.as_mut_slice())?;
    let browser = BrowserSecret::copy_from(secret.as_slice());
    let mut ask = AuthorizeAsk::new(&asking.scopes, asking.redirect_uri, &state);
    ask.verifier = verifier.as_ref();
    ask.nonce = nonce.as_deref();
    ask.locale = Some(asking.visitor.locale());
    ask.ask_anew = match &asking.options.reconnect {
        Some(connection) => !engine.renews(connection).await?,
        None => true,
    };
    let url = registered.provider.authorize(&cx, &ask)?;

    let view = vault.read(&TenantId::SYSTEM, Holder::Tenant, &[]).await?;
    engine.admit_instance(view.control()).await?;
    let flow = flow_id(&state);
    let facts = FlowBody {
        tenant: asking.tenant.clone(),
        person: asking.visitor.person().clone(),
        subject: asking.subject,
        owner: asking.owner,
        session: *asking.visitor.session(),
        registration: registered.id().clone(),
        issuer: line.spec.issuer.clone(),
        names_issuer: line.spec.iss_in_callback,
        token_endpoint: line.token_endpoint()?.to_string(),
        redirect_uri: asking.redirect_uri.to_owned(),
        nonce,
        pkce: verifier.is_some(),
        purposes: asking.purposes.to_vec(),
        scope_hash: scope_hash(&asking.scopes),
        scopes: asking.scopes,
        disclosure_hash: asking.disclosure.hash(),
        declaration: engine.0.declaration.version(),
        locale: asking.disclosure.locale.clone(),
        return_to: asking.options.return_to.clone(),
        browser: browser.expose(sha256),
        origin: asking.origin,
        variables: asking.options.variables.clone(),
        reconnect: asking.options.reconnect.clone(),
        other_account: asking.options.other_account,
        posted: false,
        begun_at: view.now(),
    };
    let mut draft = Draft::new(Key::new(kind::FLOW, flow), Holder::Tenant)
        .about(Some(asking.subject))
        .expires(view.now().plus(FLOW_LIFETIME))
        .facts(body::SCHEMA, body::encode(&facts)?);
    if let Some(verifier) = verifier {
        draft = draft.part("pkce_verifier", verifier.into_plaintext());
    }
    let put = vault.put(&TenantId::SYSTEM, draft, None).await?;
    let begun = Entry::new("flow.begun", view.now())
        .about(asking.subject)
        .by(&Actor::Subject { subject: asking.subject })
        .with("flow", flow)
        .with("registration", registered.id())
        .with("provider", &registered.facts.provider)
        .with("scopes", facts.scopes.len() as i64)
        .with("digest", facts.disclosure_hash);
    // What this flow pushes out may end or be pushed out by another one at the same time.
    for _ in 0..MOST_PER_SUBJECT {
        let dropped = crowded_out(engine, asking.subject, asking.visitor).await?;
        let mut batch = vault.batch()?.op(put.clone()).audit(begun.clone());
        for (record, _) in &dropped {
            batch = batch.delete(record.key.clone(), Expect::Version(record.version)).audit(
                Entry::new("flow.abandoned", view.now())
                    .about(asking.subject)
                    .with("flow", record.key.id),
            );
        }
        match vault.commit(&TenantId::SYSTEM, batch).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => return Err(error),
            Ok(_) => {
                let dropped = dropped.into_iter().map(|(record, id)| (record.key.id, id)).collect();
                return Ok(Prepared { flow, browser, url, disclosure: asking.disclosure, dropped });
            }
        }
    }
    Err(Error::new(ErrorKind::Conflict))
}

/// The open flows that a further one pushes out, oldest first.
async fn crowded_out(
    engine: &Engine,
    subject: SubjectId,
    visitor: &Visitor,
) -> Result<Vec<(Record, RegistrationId)>> {
    let system = TenantId::SYSTEM;
    let query = Query::of_kind(kind::FLOW).subject(subject).limit(1000);
    let page = engine.0.vault.store().find(&system, &query).await?;
    let mut open = Vec::new();
    for record in page.records {
        let opened = engine.0.vault.open(&system, Holder::Tenant, &record).await?;
        let body: FlowBody = body::decode(&opened.facts()?)?;
        open.push((body.begun_at, body.session, body.registration, record));
    }
    open.sort_by_key(|(begun, ..)| *begun);
    let mut here = open.iter().filter(|(_, session, ..)| session == visitor.session()).count();
    let mut all = open.len();
    let mut dropped = Vec::new();
    for (_, session, registration, record) in open {
        let same_browser = session == *visitor.session();
        if (same_browser && here >= MOST_PER_BROWSER) || all >= MOST_PER_SUBJECT {
            here -= usize::from(same_browser);
            all -= 1;
            dropped.push((record, registration));
        }
    }
    Ok(dropped)
}

/// The id of the record that a state names.
pub(crate) fn flow_id(state: &State) -> Id {
    Id::from_digest(&state.expose(sha256))
}

/// What the scopes of a flow are known by at its end.
pub(crate) fn scope_hash(scopes: &[ScopeName]) -> [u8; 32] {
    let mut names: Vec<&str> = scopes.iter().map(ScopeName::as_str).collect();
    names.sort_unstable();
    sha256(names.join(" ").as_bytes())
}

/// 32 random bytes as 43 characters of base64url.
fn token(random: &dyn Random) -> Result<Plaintext> {
    let mut bytes = Zeroizing::new([0; 32]);
    random.fill(bytes.as_mut_slice())?;
    let mut text = Zeroizing::new(vec![0; 43]);
    URL_SAFE_NO_PAD
        .encode_slice(bytes.as_slice(), &mut text)
        .map_err(|_| Error::new(ErrorKind::RandomnessFailed))?;
    Ok(Plaintext::new(text))
}

impl Engine {
    /// Asks the host whether a person may do something.
    pub(crate) async fn may(
        &self,
        person: &HostId,
        subject: Option<SubjectId>,
        tenant: &TenantId,
        act: Act,
    ) -> Result<()> {
        match self.0.access.may(person, subject, tenant, act).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::new(ErrorKind::Denied)
                .with_detail("the host does not allow this person to do this")),
            Err(error) => Err(Error::new(ErrorKind::HostFailed).with_source(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use bailee_core::SystemRandom;

    use super::*;

    #[test]
    fn flow_02_state_is_32_random_bytes_and_never_repeats() {
        let mut seen = HashSet::new();
        for _ in 0..100_000 {
            let state = State::new(token(&SystemRandom).unwrap());
            state.expose(|text| {
                assert_eq!(URL_SAFE_NO_PAD.decode(text).unwrap().len(), 32);
                assert!(seen.insert(text.to_vec()));
            });
        }
    }

    #[test]
    fn flow_08_scope_hash_depends_on_the_set_alone() {
        let scope = ScopeName::from_static;
        assert_eq!(scope_hash(&[scope("a"), scope("b")]), scope_hash(&[scope("b"), scope("a")]));
        assert_ne!(scope_hash(&[scope("a"), scope("b")]), scope_hash(&[scope("a")]));
    }
}
