//! Entering a key, at a provider that has no flow: what the person is told, and the key's check.
//!
//! A key was made by somebody at the provider and lives on there whatever becomes of it here. So
//! nothing is held on the way, as the tokens of a flow are: before the provider has said that the
//! key is good nothing is stored, then all of it in one commit (`entered.rs`), and where that fails
//! there is nothing to revoke.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use bailee_core::{
    Act, Actor, ApiKey, ConnectionId, ConnectionRef, Error, ErrorKind, Locale, Owner, Plaintext,
    PurposeId, RegistrationId, Remedy, Result, ScopeName, SubjectId, TenantId, Visitor,
    audit::Entry,
};
use bailee_providers::{
    Account, AccountId, FailureKind, GrantFacts, SecretRef,
    spec::{CredentialKind, IdentitySource, KeyRefusal},
};
use bailee_registry::{Declaration, Disclosure};
use futures_channel::oneshot;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    connections::Connections,
    drive::{DEADLINE, Halt, Line, OpenSecret},
    engine::Engine,
    registration::Registered,
    secrets::not_at_hand,
    told::told,
};

/// What a key is entered for, beside its purposes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EnterOptions {
    /// The hash of the disclosure that was shown ([`Disclosure::hash`]). If it is no longer the
    /// text that would be shown now, the key is not taken: show it again.
    pub shown: [u8; 32],
    /// The connection is for the whole tenant, not for the person who enters the key.
    pub for_tenant: bool,
    /// The connection whose key is replaced, or that is made to work again. Its account must be
    /// the same, unless `other_account`; where the provider names no account, any key replaces it.
    pub reconnect: Option<ConnectionRef>,
    /// The person said that another account than before is meant.
    pub other_account: bool,
    /// A name for the key, for people who have several, where the provider shows none. It is
    /// sealed with the connection; no part of the key belongs in it.
    pub label: Option<String>,
    /// What the person gave for the variables of the provider's addresses.
    pub variables: BTreeMap<String, String>,
}

impl EnterOptions {
    /// A new connection of the person who enters the key, after this disclosure was shown.
    pub fn shown(disclosure: [u8; 32]) -> Self {
        Self {
            shown: disclosure,
            for_tenant: false,
            reconnect: None,
            other_account: false,
            label: None,
            variables: BTreeMap::new(),
        }
    }
}

/// A key that is in use now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entered {
    /// The connection. Keep its text form in a column of your own.
    pub connection: ConnectionRef,
    /// Whether it was connected before.
    pub reconnected: bool,
}

impl Connections {
    /// What a person is told before they enter a key: each capability in plain words, the data
    /// that it opens, what for, what the key itself could do, how to take it back.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for an unknown registration, one with a flow, or an undeclared
    /// purpose.
    pub async fn explain(
        &self,
        visitor: &Visitor,
        registration: &str,
        purposes: &[PurposeId],
    ) -> Result<Disclosure> {
        let registered = self.engine.entered_at(registration, visitor.tenant())?;
        let line = self.engine.line(&registered).await?;
        let (_, declared) = self.engine.declared_in(visitor.tenant()).await?;
        line.explain(&declared, purposes, visitor.locale())
    }

    /// Takes a key that the visitor entered, after [`Connections::explain`] was shown to them.
    ///
    /// The host calls this only for an authenticated request that changes state (a POST), and only
    /// after its own protection against forged requests. White space around the key is left out.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for what is no key or of a kind that the provider's spec
    /// refuses; [`ErrorKind::ConsentMissing`] where another text was shown than would be now;
    /// [`ErrorKind::Rejected`] where the provider does not take the key, or its account cannot be
    /// used; [`ErrorKind::AccountMismatch`] where it belongs to another account than the
    /// connection; [`ErrorKind::Denied`] where the host's [`bailee_core::Access`] says no;
    /// [`ErrorKind::ProviderUnavailable`] and [`ErrorKind::RateLimited`] where the provider gave no
    /// answer; and as [`Connections::begin`]. Nothing is stored then.
    pub async fn enter(
        &self,
        visitor: &Visitor,
        registration: &str,
        purposes: &[PurposeId],
        key: ApiKey,
        options: EnterOptions,
    ) -> Result<Entered> {
        let engine = &self.engine;
        let tenant = visitor.tenant();
        let registered = engine.entered_at(registration, tenant)?;
        // Before anything is written.
        engine.declared_for_consent(tenant).await?;
        let subject = engine.0.vault.ensure_subject(tenant, visitor.person()).await?;
        let owner = if options.for_tenant { Owner::Tenant } else { Owner::Subject(subject) };
        engine.may(visitor.person(), Some(subject), tenant, Act::Connect(owner)).await?;
        engine
            .enter(Asked {
                registered,
                tenant: tenant.clone(),
                owner,
                person: Some(subject),
                actor: Actor::Subject { subject },
                locale: visitor.locale().clone(),
                purposes: purposes.to_vec(),
                options,
                key,
            })
            .await
    }
}

/// A key that somebody who may do so asks to enter.
pub(crate) struct Asked {
    pub(crate) registered: Arc<Registered>,
    pub(crate) tenant: TenantId,
    pub(crate) owner: Owner,
    /// Who agrees; an operator agrees for nobody.
    pub(crate) person: Option<SubjectId>,
    pub(crate) actor: Actor,
    pub(crate) locale: Locale,
    pub(crate) purposes: Vec<PurposeId>,
    pub(crate) options: EnterOptions,
    pub(crate) key: ApiKey,
}

/// A key that the provider takes, on its way into a connection.
pub(crate) struct Entering {
    pub(crate) engine: Engine,
    pub(crate) line: Line,
    pub(crate) asked: Asked,
    pub(crate) scopes: Vec<ScopeName>,
    pub(crate) disclosure: Disclosure,
    /// The keyed hash of the key, where the spec has it for the account's id.
    pub(crate) fingerprint: Option<AccountId>,
    pub(crate) connection: ConnectionRef,
}

impl Engine {
    /// A registration whose keys are entered, for a tenant that may use it.
    pub(crate) fn entered_at(
        &self,
        registration: &str,
        tenant: &TenantId,
    ) -> Result<Arc<Registered>> {
        let registered = self.registered(&RegistrationId::new(registration)?)?.clone();
        if !registered.serves(tenant) {
            // Another tenant's registration answers as if there were none.
            return Err(Error::new(ErrorKind::Configuration)
                .with_detail(format!("there is no registration {}", registered.id())));
        }
        if !registered.takes_keys() {
            return Err(Error::new(ErrorKind::Configuration)
                .with_detail("this provider has a flow: its credentials are not entered"));
        }
        Ok(registered)
    }

    /// Checks a key and connects with it, in a task that goes on when the caller is dropped.
    pub(crate) async fn enter(&self, asked: Asked) -> Result<Entered> {
        let engine = self.clone();
        let (tell, told) = oneshot::channel();
        self.spawn(async move {
            drop(tell.send(engine.enter_now(asked).await));
        });
        told.await.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Ambiguous).with_detail("the task of the entry was dropped"))
        })
    }

    async fn enter_now(&self, asked: Asked) -> Result<Entered> {
        let tenant = asked.tenant.clone();
        let refused = Entry::new("entered_key.refused", self.0.clock.now())
            .about(asked.person)
            .by(&asked.actor)
            .with("registration", asked.registered.id())
            .with("provider", &asked.registered.facts.provider);
        match self.check_and_commit(asked).await {
            Ok(entered) => Ok(entered),
            Err(Unentered::Failed(error)) => Err(error),
            Err(Unentered::Refused(reason, error)) => {
                let batch = self.0.vault.batch()?.audit(refused.with("reason", reason));
                if let Err(error) = self.0.vault.commit(&tenant, batch).await {
                    // The refusal stands; only its trace is missing.
                    tracing::error!(kind = ?error.kind(), "a refused key could not be audited");
                }
                Err(error)
            }
        }
    }

    async fn check_and_commit(&self, mut asked: Asked) -> Result<Entered, Unentered> {
        let line = self.line(&asked.registered).await?.given(&asked.options.variables)?;
        let provider = asked.registered.facts.provider.clone();
        let CredentialKind::ApiKey(facts) = &line.spec.credential else {
            return Err(Error::new(ErrorKind::Configuration).into());
        };
        asked.key = trimmed(&asked.key);
        asked.key.expose(|key| facts.check(key)).map_err(|why| {
            let (reason, detail) = match why {
                KeyRefusal::Kind => ("kind", "a key of this kind may do too much to be kept"),
                _ => ("form", "this is not a key"),
            };
            let error = Error::new(ErrorKind::InvalidInput).with_detail(detail);
            Unentered::Refused(reason, line.name(error))
        })?;
        let (force, declared) = self.declared_in(&asked.tenant).await?;
        if asked.person.is_some() {
            force.admits_consent()?;
        }
        let disclosure = line.explain(&declared, &asked.purposes, &asked.locale)?;
        if !bool::from(disclosure.hash().ct_eq(&asked.options.shown)) {
            let error = Error::new(ErrorKind::ConsentMissing)
                .with_detail("the text that was shown is not the one that is shown now");
            return Err(Unentered::Refused("disclosure", line.name(error)));
        }
        let scopes = declared.least_scopes(&provider, &asked.purposes)?;
        let id = ConnectionId::generate(&*self.0.random)?;
        let connection = ConnectionRef::new(asked.tenant.clone(), asked.owner, id);
        let wanted = asked.options.reconnect.as_ref();
        if wanted.is_some_and(|wanted| {
            wanted.tenant() != connection.tenant() || wanted.owner() != asked.owner
        }) {
            return Err(Error::new(ErrorKind::NotFound).into());
        }
        // What an operator stopped is not used to ask either.
        let snapshot = self.0.vault.store().read(&TenantId::SYSTEM, &[]).await?;
        let stopped = wanted.unwrap_or(&connection);
        self.admit_control(&snapshot.control, stopped, Some(&provider)).await?;
        let fingerprint = match line.spec.identity.source {
            IdentitySource::Fingerprint => Some(self.fingerprint(&line, &asked).await?),
            _ => None,
        };
        let mut entering = Entering {
            engine: self.clone(),
            line,
            asked,
            scopes,
            disclosure,
            fingerprint,
            connection,
        };
        let account = entering.ask().await?;
        entering.settle(&account).await
    }

    /// The account's id where the provider names none: a keyed hash, which nobody can make without
    /// the tenant's index key. Neither the key nor its plain hash is kept anywhere.
    async fn fingerprint(&self, line: &Line, asked: &Asked) -> Result<AccountId> {
        // The key is exposed for the length of an asynchronous call: a wiped copy of it.
        let key = asked.key.expose(|key| Zeroizing::new(key.to_vec()));
        let parts = [asked.registered.id().as_str().as_bytes(), key.as_slice()];
        let id = self.0.vault.index(&asked.tenant, "key", &parts).await?;
        AccountId::new(line.spec.identity.id_kind.clone(), id.to_string())
            .ok_or_else(|| Error::new(ErrorKind::InvalidInput))
    }
}

impl Entering {
    /// Asks the provider about the key: whether it is good, and whose it is where that is said.
    async fn ask(&self) -> Result<Account, Unentered> {
        let provider = &self.line.registered.provider;
        let mut facts = GrantFacts::new(self.scopes.clone());
        facts.account_id = self.fingerprint.clone();
        let cx = self.line.context();
        let secrets = Typed(&self.asked.key);
        let asked = self.line.run(provider.identity(&cx, &facts, None, None), &secrets, DEADLINE);
        let account = asked.await.map_err(|halt| match halt {
            Halt::Provider(failure)
                if matches!(failure.kind, FailureKind::AccessRejected | FailureKind::GrantOver) =>
            {
                let error = Error::new(ErrorKind::Rejected)
                    .with_remedy(Remedy::None)
                    .with_detail("the provider does not take this key");
                Unentered::Refused("not_taken", self.line.name(error))
            }
            halt => Unentered::Failed(self.line.error(halt)),
        })?;
        provider.eligibility(&cx, &account).map_err(|failure| {
            let error = Error::new(ErrorKind::Rejected)
                .with_remedy(Remedy::None)
                .with_source(Error::from(failure))
                .with_detail("the account of this key cannot be used");
            Unentered::Refused("ineligible", self.line.name(error))
        })?;
        if let Some(api) = &account.api {
            self.line
                .spec
                .check_account_api(api)
                .map_err(|failure| self.line.name(Error::from(failure)))?;
        }
        Ok(match &self.asked.options.label {
            Some(label) if account.display.is_none() => account.with_display(Some(label)),
            _ => account,
        })
    }
}

impl Line {
    /// What a person is told before they enter a key.
    pub(crate) fn explain(
        &self,
        declared: &Declaration,
        purposes: &[PurposeId],
        locale: &Locale,
    ) -> Result<Disclosure> {
        let told = told(declared, &self.spec, purposes, &self.engine.words(locale))?;
        Ok(told.with_notes(&self.spec.eligibility.plain).for_entered_key())
    }
}

/// Why a key did not become a connection.
pub(crate) enum Unentered {
    Failed(Error),
    /// Somebody should see in the log that it was tried, and why it was refused.
    Refused(&'static str, Error),
}

impl From<Error> for Unentered {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The key that is being checked, as the only secret at hand.
struct Typed<'a>(&'a ApiKey);

#[async_trait]
impl OpenSecret for Typed<'_> {
    fn open(&self, which: SecretRef) -> Result<Plaintext> {
        match which {
            SecretRef::AccessToken => Ok(self.0.expose(Plaintext::copy_from)),
            _ => Err(not_at_hand()),
        }
    }
}

/// A key as it was meant: what is pasted brings a space or a line end along.
fn trimmed(key: &ApiKey) -> ApiKey {
    key.expose(|key| ApiKey::copy_from(key.trim_ascii()))
}
