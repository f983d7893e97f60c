//! The desk of an operator for the declaration in force: what is live, what a new one changes,
//! putting it in force, ending a rollout, and a tenant's own limits.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bailee_core::{
    Actor, Error, ErrorKind, Id, ProviderId, PurposeId, Remedy, Result, TenantId, Timestamp,
    audit::Entry, sha256,
};
use bailee_registry::{
    Declaration, LegalBasis,
    versions::{AskedAnew, Diff, Simulation},
};
use bailee_store::Expect;
use bailee_vault::{Draft, Holder};
use time::{Date, OffsetDateTime, Time, UtcOffset};

use crate::{
    body,
    engine::Engine,
    in_force::Serving,
    overlay::{self, OverlayBody},
};

/// The declarations of this service, for an operator whom the host authenticated as one. There is
/// no question to [`bailee_core::Access`] here: hand this to nobody else.
///
/// A declaration is in force when somebody said so, and not because a process was started with it.
/// The first one on an empty database is. A process that is started with another serves what both
/// its own and the newest one declare and takes no consent, until its own is activated; then both
/// are live, each process by its own, until the former is retired.
#[derive(Clone, Debug)]
pub struct Declarations {
    engine: Engine,
    operator: Id,
}

/// What is live, and what this process makes of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeclarationStatus {
    /// The version of this process's own declaration.
    pub own: [u8; 32],
    /// The live versions, the newest first: one, or two during a rollout.
    pub live: Vec<[u8; 32]>,
    /// What this process serves.
    pub serving: Serving,
    /// What this process asks people anew.
    pub asked: Vec<AskedUse>,
}

/// A use that people are asked about anew.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AskedUse {
    /// Through which integration; none is the host's own processing.
    pub integration: Option<ProviderId>,
    /// For which purpose.
    pub purpose: PurposeId,
    /// Which consents suffice.
    pub asked: AskedAnew,
}

/// How a declaration is put in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Activation {
    replaces: [u8; 32],
    published: Option<Date>,
    deliberate: bool,
}

/// What an activation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Activated {
    /// The version in force.
    pub version: [u8; 32],
    /// The one before, which is live until it is retired; none where it was in force already.
    pub former: Option<[u8; 32]>,
    /// About how many uses people are asked anew.
    pub asked: usize,
}

impl Activation {
    /// Puts what was compared in force: the new declaration in the place of the old one.
    pub fn of(diff: &Diff) -> Self {
        Self::replacing(diff.before().version())
    }

    /// Puts this process's declaration in the place of a version that is the newest now.
    pub fn replacing(version: [u8; 32]) -> Self {
        Self { replaces: version, published: None, deliberate: false }
    }

    /// Says on which day people were told. Notice periods count from it; without it, from today.
    pub fn published(mut self, day: Date) -> Self {
        self.published = Some(day);
        self
    }

    /// Says that it is meant, although its policy's date has not come or a notice period is not
    /// over. The log has it.
    pub fn deliberate(mut self) -> Self {
        self.deliberate = true;
        self
    }
}

impl Engine {
    /// The declarations, for an operator as the host names them.
    pub fn declarations(&self, operator: Id) -> Declarations {
        Declarations { engine: self.clone(), operator }
    }
}

impl Declarations {
    /// What is live, and what this process makes of it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Quarantined`], [`ErrorKind::StoreUnavailable`] and what the vault says.
    pub async fn status(&self) -> Result<DeclarationStatus> {
        let (force, _) = self.engine.in_force().await?;
        Ok(DeclarationStatus {
            own: self.engine.0.declaration.version(),
            live: force.body.live().collect(),
            serving: force.serving(),
            asked: force.all_asked(),
        })
    }

    /// What differs between the newest declaration in force and this process's own.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where the text of the newest is not kept, or is not one to this
    /// release; as [`Declarations::status`].
    pub async fn diff(&self) -> Result<Diff> {
        Ok(Diff::between(&*self.newest().await?, &self.engine.0.declaration))
    }

    /// How many people of these tenants would be told and asked anew. It reads every person's
    /// standing and writes nothing.
    ///
    /// # Errors
    ///
    /// As [`Declarations::diff`].
    pub async fn simulate(&self, tenants: &[TenantId]) -> Result<Simulation> {
        let diff = self.diff().await?;
        self.engine.0.ledger.simulate(tenants, &diff).await
    }

    /// Puts this process's declaration in force, in every process from its next read on. The newest
    /// until now stays live beside it, for the processes that still have it, until it is retired;
    /// a version that was live beside that one is live no more.
    ///
    /// What people agreed to before no longer suffices where the declaration does more with it
    /// now: they are asked anew for that, and for nothing else. What is agreed to in a process of
    /// the former version meanwhile is an agreement to the former text and counts for that alone.
    ///
    /// Where it is in force already nothing is done.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] where another declaration than the one that it was to replace is in
    /// force: compare again; [`ErrorKind::Denied`] with [`Remedy::Wait`] where its day or the end of
    /// a notice period has not come; as [`Declarations::status`].
    pub async fn activate(&self, activation: Activation) -> Result<Activated> {
        let by = Actor::Operator { operator: self.operator };
        self.engine.activate(activation, &by).await
    }

    /// Ends a rollout: the version is live no more, and a process that still has it serves what
    /// both it and the newest declare. Where it is not live nothing is done.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for the newest version, which only another one replaces; as
    /// [`Declarations::status`].
    pub async fn retire(&self, version: [u8; 32]) -> Result<()> {
        let engine = &self.engine;
        for _ in 0..ATTEMPTS {
            let (force, control) = engine.in_force().await?;
            let mut body = force.body.clone();
            if body.declaration == version {
                return Err(Error::new(ErrorKind::InvalidInput)
                    .with_detail("the newest declaration is replaced and not retired"));
            }
            if body.previous != Some(version) {
                return Ok(());
            }
            body.retire_previous();
            body.epoch += 1;
            let entry = Entry::new("declaration.retired", engine.0.clock.now())
                .by(&Actor::Operator { operator: self.operator })
                .with("version", version);
            match engine.put_control(&control, &body, entry, Vec::new()).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done,
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    /// Lays down a tenant's overlay, in the place of the one that there is: what is declared for it
    /// from the next use on is what the text leaves of the declaration. It can only narrow.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] with every problem at its line; [`ErrorKind::TooLarge`] for
    /// more than 24 KiB; [`ErrorKind::Denied`] for the system's tenant; [`ErrorKind::NotFound`] where
    /// this process cannot read the declaration in force; as [`Declarations::status`].
    pub async fn set_overlay(&self, tenant: &TenantId, text: &str) -> Result<()> {
        overlay::check(text, &*self.newest().await?)?;
        let digest = sha256(text.as_bytes());
        let body = OverlayBody { text: text.to_owned() };
        self.write_overlay(tenant, Some(&body), digest).await
    }

    /// The text of a tenant's overlay.
    ///
    /// # Errors
    ///
    /// As [`Declarations::status`].
    pub async fn overlay(&self, tenant: &TenantId) -> Result<Option<String>> {
        let key = overlay::key();
        let vault = &self.engine.0.vault;
        let read = vault.store().read(tenant, std::slice::from_ref(&key)).await?;
        self.engine.admit_instance(&read.control).await?;
        let Some(Some(record)) = read.records.first() else { return Ok(None) };
        let facts = vault.open(tenant, Holder::Tenant, record).await?.facts()?;
        Ok(Some(body::decode::<OverlayBody>(&facts)?.text))
    }

    /// Takes a tenant's overlay away: the whole declaration holds for it again. Where there is none
    /// nothing is done.
    ///
    /// # Errors
    ///
    /// As [`Declarations::status`].
    pub async fn remove_overlay(&self, tenant: &TenantId) -> Result<()> {
        self.write_overlay(tenant, None, [0; 32]).await
    }

    /// The newest declaration in force.
    async fn newest(&self) -> Result<Arc<Declaration>> {
        let (force, _) = self.engine.in_force().await?;
        let newest = self.engine.stored_declaration(force.body.declaration).await?;
        newest.ok_or_else(|| {
            Error::new(ErrorKind::NotFound)
                .with_detail("the text of the declaration in force cannot be read here")
        })
    }

    async fn write_overlay(
        &self,
        tenant: &TenantId,
        body: Option<&OverlayBody>,
        digest: [u8; 32],
    ) -> Result<()> {
        if tenant.is_system() {
            return Err(
                Error::new(ErrorKind::Denied).with_detail("the system's tenant has no overlay")
            );
        }
        let engine = &self.engine;
        let vault = &engine.0.vault;
        let (key, by) = (overlay::key(), Actor::Operator { operator: self.operator });
        engine.in_force().await?;
        vault.ensure_owner(tenant).await?;
        for _ in 0..ATTEMPTS {
            let view = vault.read(tenant, Holder::Tenant, std::slice::from_ref(&key)).await?;
            let batch = vault.batch()?.op(view.fence()?);
            let now = engine.0.clock.now();
            let batch = match (body, view.record(0)) {
                (Some(new), old) => {
                    let draft = Draft::new(key.clone(), Holder::Tenant)
                        .facts(body::SCHEMA, body::encode(new)?);
                    let entry = Entry::new("overlay.set", now).by(&by).with("digest", digest);
                    batch.op(vault.put(tenant, draft, old).await?).audit(entry)
                }
                (None, Some(old)) => batch
                    .delete(key.clone(), Expect::Version(old.version))
                    .audit(Entry::new("overlay.removed", now).by(&by)),
                (None, None) => return Ok(()),
            };
            match vault.commit(tenant, batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| ()),
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }
}

impl Engine {
    pub(crate) async fn activate(&self, activation: Activation, by: &Actor) -> Result<Activated> {
        let own = &self.0.declaration;
        let version = own.version();
        for _ in 0..ATTEMPTS {
            let (force, control) = self.in_force().await?;
            let mut body = force.body.clone();
            let former = body.declaration;
            if former == version {
                return Ok(Activated { version, former: None, asked: 0 });
            }
            if former != activation.replaces {
                return Err(Error::new(ErrorKind::Conflict)
                    .with_detail("another declaration was activated meanwhile: compare again"));
            }
            let now = self.0.clock.now();
            let mut early = false;
            let (count, uses) = match self.stored_declaration(former).await? {
                Some(old) => {
                    let diff = Diff::between(&old, own);
                    early = self.is_early(&diff, &activation, now)?;
                    let uses = diff.asks_anew();
                    let uses = uses.map(|(through, purpose)| (through.cloned(), purpose.clone()));
                    (diff.differences().len(), uses.collect())
                }
                // Nobody can say what people were told, so everything is asked anew.
                None => (0, on_consent(own)),
            };
            let asked = uses.len();
            body.activate(version, uses, now);
            body.epoch += 1;
            let entry = Entry::new("declaration.activated", now)
                .by(by)
                .with("version", version)
                .with("former", former)
                .with("count", i64::try_from(count).unwrap_or(i64::MAX))
                .with("asked", i64::try_from(asked).unwrap_or(i64::MAX))
                .with_some("reason", early.then_some("deliberate"));
            let kept = self.keep_declaration(own).await?;
            match self.put_control(&control, &body, entry, kept).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(Activated { version, former: Some(former), asked }),
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    /// Whether a declaration is put in force before its time; refused unless that is meant.
    fn is_early(&self, diff: &Diff, activation: &Activation, now: Timestamp) -> Result<bool> {
        let today = day_of(now);
        let from = diff.effective(activation.published.unwrap_or(today));
        if today >= from {
            return Ok(false);
        }
        if activation.deliberate {
            return Ok(true);
        }
        let begins = OffsetDateTime::new_in_offset(from, Time::MIDNIGHT, UtcOffset::UTC);
        let wait = Timestamp::from_seconds(begins.unix_timestamp()).since(now);
        Err(Error::new(ErrorKind::Denied)
            .with_remedy(Remedy::Wait(wait.max(Duration::from_secs(1))))
            .with_detail(format!("the new declaration holds from {from} on")))
    }
}

/// How often a change of the control row is tried when others write it too.
pub(crate) const ATTEMPTS: usize = 8;

/// The day of a moment, in UTC.
fn day_of(now: Timestamp) -> Date {
    OffsetDateTime::from_unix_timestamp(now.as_seconds()).map_or(Date::MAX, OffsetDateTime::date)
}

/// Every use of a declaration that rests on consent.
fn on_consent(declared: &Declaration) -> BTreeSet<(Option<ProviderId>, PurposeId)> {
    let rests = |purpose: &PurposeId| {
        declared.purpose(purpose).is_some_and(|known| known.basis == LegalBasis::Consent)
    };
    let own = declared.purposes().map(|purpose| (None, purpose.id.clone()));
    let through = declared.integrations().flat_map(|integration| {
        let provider = integration.provider.clone();
        let purposes = integration.purposes().into_iter().cloned().collect::<Vec<_>>();
        purposes.into_iter().map(move |purpose| (Some(provider.clone()), purpose))
    });
    own.chain(through).filter(|(_, purpose)| rests(purpose)).collect()
}
