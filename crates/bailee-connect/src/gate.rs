//! The gate: what must be so before a token is used.
//!
//! One read answers it: the subject's record with the person's choices, their key, the credential
//! and the control row, and who the person is where nobody asked within the last minute. A pass is
//! good for one second; then it is read again.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee_core::{
    Act, Actor, ConnectionRef, ConnectionState, Error, ErrorKind, HostId, Id, Monotonic, Owner,
    Plaintext, PurposeId, ReconnectReason, Remedy, Result, SubjectId, TenantId, Visitor,
};
use bailee_providers::SecretRef;
use bailee_registry::{AgeLimits, Decision, Declaration, Exemption, Standing, Wanted};
use bailee_store::{Key, Record};
use bailee_vault::{Holder, View};

use crate::{
    body::{self, CredentialBody},
    drive::{Line, OpenSecret},
    engine::Engine,
    in_force::InForce,
    kind,
    limiter::Whose,
    needs::Needs,
    overlay,
    secrets::not_at_hand,
    settle::holder_of,
};

/// How long a pass is good for.
const PASS: Duration = Duration::from_secs(1);

/// Who wants to use a connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Who {
    /// Software in a run that a person started.
    Agent {
        /// The person, where and as whom the host authenticated them.
        visitor: Visitor,
        /// The run, as the host names it.
        run: Id,
    },
    /// A plan that a person set up.
    Schedule {
        /// The tenant.
        tenant: TenantId,
        /// The person who set it up.
        person: HostId,
        /// The plan, as the host names it.
        schedule: Id,
    },
    /// A person, now.
    Visitor(Visitor),
}

impl Who {
    pub(crate) fn tenant(&self) -> &TenantId {
        match self {
            Self::Agent { visitor, .. } | Self::Visitor(visitor) => visitor.tenant(),
            Self::Schedule { tenant, .. } => tenant,
        }
    }

    pub(crate) fn person(&self) -> &HostId {
        match self {
            Self::Agent { visitor, .. } | Self::Visitor(visitor) => visitor.person(),
            Self::Schedule { person, .. } => person,
        }
    }
}

impl From<&Visitor> for Who {
    fn from(visitor: &Visitor) -> Self {
        Self::Visitor(visitor.clone())
    }
}

/// On whose authority a pass is asked for.
#[derive(Clone, Copy)]
pub(crate) enum Authority<'a> {
    /// Somebody who acts now: the host is asked whether they may.
    Acting(&'a Who),
    /// Going on with what somebody began: consent, standing and freezes hold, the host is not
    /// asked again.
    Continuing,
}

/// What the gate wants to know of a use.
#[derive(Clone, Copy)]
pub(crate) struct Use<'a> {
    pub(crate) authority: Authority<'a>,
    pub(crate) purpose: &'a PurposeId,
    pub(crate) connection: &'a ConnectionRef,
    pub(crate) needs: Needs<'a>,
    /// Why it may be done although the person's data is restricted, where somebody says so.
    pub(crate) despite: Option<Exemption>,
}

/// That a use is allowed, and what it needs.
pub(crate) struct Pass {
    pub(crate) view: View,
    pub(crate) credential: CredentialBody,
    pub(crate) actor: Actor,
    pub(crate) at: Monotonic,
    /// Why it is let through although the person's data is restricted.
    pub(crate) exempt: Option<Exemption>,
}

/// What is declared for a use, and what is in force.
struct Declared {
    force: Arc<InForce>,
    declaration: Arc<Declaration>,
}

impl Engine {
    /// Whether a use is allowed now, with a token that is good; an access token that ran out is
    /// renewed on the way.
    pub(crate) async fn pass(&self, wanted: Use<'_>) -> Result<Pass> {
        // A renewed token may be over again only if its lifetime is next to nothing.
        for _ in 0..3 {
            let pass = self.pass_at_the_gate(wanted).await?;
            if !pass.credential.is_over(self.0.clock.now()) {
                return Ok(pass);
            }
            if !pass.credential.has_refresh {
                let reason = ReconnectReason::Expired;
                self.need_reconnect(wanted.connection, pass.credential.generation, reason).await?;
                return Err(needs_reconnect(wanted.connection, reason));
            }
            self.refresh(wanted.connection, &pass.credential.name, pass.credential.generation)
                .await?;
        }
        Err(Error::new(ErrorKind::ProviderRefused)
            .with_detail("the provider gives tokens that are over at once")
            .with_connection(wanted.connection.connection()))
    }

    /// The gate itself: one read, and every question.
    async fn pass_at_the_gate(&self, wanted: Use<'_>) -> Result<Pass> {
        let Use { authority, purpose, connection, needs, .. } = wanted;
        let unknown = || Error::new(ErrorKind::NotFound).with_connection(connection.connection());
        let provider = needs.provider;
        // What this process does not declare itself is refused without a question to the store.
        admits(&self.0.declaration, purpose, needs)?;

        // A foreign reference is read in the visitor's own tenant, so that it costs and answers
        // what an unknown one does.
        let reference = match authority {
            Authority::Acting(who) if connection.owner() != Owner::Instance => ConnectionRef::new(
                who.tenant().clone(),
                connection.owner(),
                connection.connection(),
            ),
            _ => connection.clone(),
        };
        let at = self.0.clock.monotonic();
        let key = Key::new(kind::CREDENTIAL, reference.credential(needs.credential));
        let holder = holder_of(&reference);
        let entry = self.entry_to_read(authority, &reference).await;
        let looked_up = entry.is_some();
        let asked: Vec<Key> = [key, overlay::key()].into_iter().chain(entry).collect();
        let view = match self.0.vault.read_joined(reference.tenant(), holder, &asked).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(unknown()),
            Err(error)
                if error.kind() == ErrorKind::KeyMissing
                    && reference.owner().subject().is_none() =>
            {
                return Err(unknown());
            }
            view => view?,
        };
        let force = self.admit_control(view.control(), &reference, Some(provider)).await?;
        // A reference that names another owner than the record's is none of this connection.
        let owned = |record: &&Record| record.subject == reference.owner().subject();
        let Some(record) = view.record(0).filter(owned) else { return Err(unknown()) };
        let Some(facts) = view.facts(0)? else { return Err(unknown()) };
        let credential: CredentialBody = body::decode(&facts)?;
        if &credential.provider != provider {
            return Err(Error::new(ErrorKind::InvalidInput)
                .with_detail("the operation is another provider's")
                .with_connection(connection.connection()));
        }
        let actor = match authority {
            Authority::Continuing => Actor::System,
            Authority::Acting(who) => {
                let known = match view.record(2) {
                    Some(entry) => {
                        let subject = self.0.vault.subject_in(who.tenant(), entry).await?;
                        self.remember(who.tenant(), who.person(), subject, at);
                        Some(subject)
                    }
                    // The entry was looked for, and there is none.
                    None if looked_up => None,
                    None => self.subject_of(who.tenant(), who.person()).await?,
                };
                self.entitled_as(who, known, &reference).await?
            }
        };
        let exempt = match (reference.owner(), actor.subject()) {
            // Whoever uses what nobody owns has to have agreed themselves.
            (Owner::Tenant | Owner::Instance, Some(subject)) => {
                let tenant = match authority {
                    Authority::Acting(who) => who.tenant(),
                    Authority::Continuing => reference.tenant(),
                };
                let (holder, also) = (Holder::Subject(subject), [overlay::key()]);
                let own = self.0.vault.read(tenant, holder, &also).await?;
                let declared = self.declared_for_use(tenant, force, own.record(0), wanted).await?;
                self.standing_allows(&own, &declared, &credential, wanted)?
            }
            // Going on with what somebody began under their own consent.
            (Owner::Tenant | Owner::Instance, None) => {
                let tenant = reference.tenant();
                self.declared_for_use(tenant, force, view.record(1), wanted).await?;
                None
            }
            (Owner::Subject(_), _) => {
                let tenant = reference.tenant();
                let declared = self.declared_for_use(tenant, force, view.record(1), wanted).await?;
                self.standing_allows(&view, &declared, &credential, wanted)?
            }
        };
        match ConnectionState::from_facet(record.facet.0) {
            Some(ConnectionState::Active | ConnectionState::Degraded) => {}
            Some(ConnectionState::Frozen) => {
                return Err(Error::new(ErrorKind::Frozen).with_connection(connection.connection()));
            }
            Some(ConnectionState::NeedsReconnect(reason)) => {
                return Err(needs_reconnect(connection, reason));
            }
            Some(ConnectionState::Disconnecting) => return Err(unknown()),
            _ => return Err(Error::new(ErrorKind::UnknownSchema)),
        }
        if let Some(missing) = needs.scopes.iter().find(|scope| !credential.scopes.contains(scope))
        {
            return Err(Error::new(ErrorKind::NeedsReconnect)
                .with_remedy(Remedy::AskConsent)
                .with_detail(format!("the person has not granted {missing}"))
                .with_connection(connection.connection()));
        }
        Ok(Pass { view, credential, actor, at, exempt })
    }

    /// Where the gate's one read finds out who somebody is that was not seen for a minute.
    async fn entry_to_read(
        &self,
        authority: Authority<'_>,
        reference: &ConnectionRef,
    ) -> Option<Key> {
        let Authority::Acting(who) = authority else { return None };
        let (tenant, person) = (who.tenant(), who.person());
        if tenant != reference.tenant() || self.remembered(tenant, person).is_some() {
            return None;
        }
        // Where that fails the read itself says what is wrong, or the question who it is does.
        self.0.vault.directory_key(tenant, person).await.unwrap_or_default()
    }

    /// Whether the person may use this connection: the host's word, asked at each use.
    pub(crate) async fn entitled(&self, who: &Who, connection: &ConnectionRef) -> Result<Actor> {
        let known = self.subject_of(who.tenant(), who.person()).await?;
        self.entitled_as(who, known, connection).await
    }

    async fn entitled_as(
        &self,
        who: &Who,
        known: Option<SubjectId>,
        connection: &ConnectionRef,
    ) -> Result<Actor> {
        let tenant = who.tenant();
        let owner = connection.owner();
        self.may(who.person(), known, tenant, Act::Use(owner))
            .await
            .map_err(|error| error.with_connection(connection.connection()))?;
        // Whoever the host lets in is named by a pseudonym from their first use on.
        let subject = match known {
            Some(subject) => subject,
            None => self.0.vault.ensure_subject(tenant, who.person()).await?,
        };
        Ok(match who {
            Who::Agent { run, .. } => Actor::Agent { subject, run: *run },
            Who::Schedule { schedule, .. } => Actor::Schedule { subject, schedule: *schedule },
            Who::Visitor(_) if owner.subject() == Some(subject) => Actor::Subject { subject },
            Who::Visitor(_) => Actor::Member { subject },
        })
    }

    /// What is declared for a use in a tenant, where that admits it: the tenant's own limits and the
    /// declaration in force narrow what this process declares.
    async fn declared_for_use(
        &self,
        tenant: &TenantId,
        force: Arc<InForce>,
        overlay: Option<&Record>,
        wanted: Use<'_>,
    ) -> Result<Declared> {
        let declaration = self.declared_under(tenant, &force, overlay).await?;
        if !Arc::ptr_eq(&declaration, &self.0.declaration) {
            admits(&declaration, wanted.purpose, wanted.needs)?;
        }
        Ok(Declared { force, declaration })
    }

    /// What the person whose data it is has said, and which exemption it takes to go on.
    fn standing_allows(
        &self,
        view: &View,
        declared: &Declared,
        credential: &CredentialBody,
        wanted: Use<'_>,
    ) -> Result<Option<Exemption>> {
        let Use { purpose, connection, despite, .. } = wanted;
        let Declared { force, declaration } = declared;
        let purpose = declaration.purpose(purpose).ok_or_else(|| {
            Error::new(ErrorKind::Configuration)
                .with_detail(format!("the purpose {purpose} is not declared"))
        })?;
        let standing = Standing::read(&view.standing()?)?;
        let provider = &credential.provider;
        let mut asked = Wanted::new(purpose, provider, self.0.clock.now());
        // A service for minors too has no consent of anybody whose age it does not know.
        if declaration.age().is_some_and(AgeLimits::has_minors) {
            asked = asked.of_all_ages();
        }
        if let Some(anew) = force.asked(provider, &purpose.id) {
            asked = asked.asked_anew(anew);
        }
        let exempt = despite.filter(|_| standing.restriction().is_some());
        if let Some(exemption) = exempt {
            asked = asked.despite_restriction(exemption);
        }
        match standing.decide_on(&asked) {
            Decision::Allowed => Ok(exempt),
            Decision::Needs(remedy) => Err(Error::new(ErrorKind::ConsentMissing)
                .with_remedy(remedy)
                .with_connection(connection.connection())),
            Decision::Denied(reason) => Err(Error::new(ErrorKind::Denied)
                .with_detail(reason.as_str())
                .with_connection(connection.connection())),
            _ => Err(Error::new(ErrorKind::Denied).with_connection(connection.connection())),
        }
    }

    fn pass_is_good(&self, pass: &Pass) -> bool {
        self.is_still_good(pass.at)
    }

    /// Whether a pass of that moment is still good.
    pub(crate) fn is_still_good(&self, at: Monotonic) -> bool {
        self.0.clock.monotonic().since(at) < PASS
    }

    /// Asks the gate again for a use that needs no token any more: a body that is on its way.
    pub(crate) async fn look_again(&self, wanted: Use<'_>) -> Result<Monotonic> {
        self.pass_at_the_gate(wanted).await.map(|pass| pass.at)
    }
}

/// Whether a declaration admits what a use needs.
fn admits(declaration: &Declaration, purpose: &PurposeId, needs: Needs<'_>) -> Result<()> {
    let provider = needs.provider;
    if needs.endpoint {
        declaration.admits_endpoint(provider, purpose, needs.name, needs.scopes)?;
    } else {
        declaration.admits(provider, purpose, needs.name, needs.scopes)?;
    }
    declaration.admits_data(provider, needs.sends.all(), needs.reads.all())
}

/// The secrets of a use: opened from the pass, which is asked for anew when it is a second old.
pub(crate) struct PassSecrets<'a> {
    line: &'a Line,
    wanted: Use<'a>,
    pass: std::sync::Mutex<Arc<Pass>>,
}

impl<'a> PassSecrets<'a> {
    pub(crate) fn new(line: &'a Line, wanted: Use<'a>, pass: Pass) -> Self {
        Self { line, wanted, pass: std::sync::Mutex::new(Arc::new(pass)) }
    }

    pub(crate) fn pass(&self) -> Arc<Pass> {
        self.pass.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Reads again, whatever the age.
    pub(crate) async fn renew(&self) -> Result<Arc<Pass>> {
        let fresh = Arc::new(self.line.engine.pass(self.wanted).await?);
        *self.pass.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = fresh.clone();
        Ok(fresh)
    }
}

#[async_trait]
impl OpenSecret for PassSecrets<'_> {
    async fn prepare(&self) -> Result<()> {
        if !self.line.engine.pass_is_good(&self.pass()) {
            self.renew().await?;
        }
        Ok(())
    }

    fn account(&self) -> Whose {
        Some(self.wanted.connection.connection())
    }

    fn open(&self, which: SecretRef) -> Result<Plaintext> {
        match which {
            SecretRef::AccessToken => self.pass().view.part(0, "access"),
            _ => Err(not_at_hand()),
        }
    }
}

pub(crate) fn needs_reconnect(connection: &ConnectionRef, reason: ReconnectReason) -> Error {
    Error::new(ErrorKind::NeedsReconnect)
        .with_detail(match reason {
            ReconnectReason::Expired => "the access ran out",
            ReconnectReason::LostAfterRotation => "an answer was lost; nobody's fault",
            ReconnectReason::Revoked => "the provider ended the grant",
            ReconnectReason::ScopeMissing => "the person granted less",
            _ => "it no longer works",
        })
        .with_connection(connection.connection())
}
