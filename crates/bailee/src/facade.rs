//! The facade: what a host calls.

use std::time::Duration;

use bailee_audit::LogName;
use bailee_connect::{
    Acting, BrakeStatus, Choices, Connections, Declarations, Engine, Freeze, InstanceConnections,
    OperatorChoices, Requests, Who, Worker,
};
use bailee_core::{Error, ErrorKind, Id, Locale, PurposeId, RegistrationId, Result};
use bailee_registry::{AuditLog, Declaration, Handovers, Texts};
use bailee_rights::{
    erased::{Erasures, Replayed},
    notice::Notices,
    request::Rights,
    retention::Retention,
};
use bailee_vault::Vault;

use crate::builder::Builder;

/// Everything of the libraries, joined and checked. Cheap to clone; one for the whole service.
#[derive(Clone, Debug)]
pub struct Bailee {
    pub(crate) engine: Engine,
    pub(crate) notices: Option<Notices>,
    pub(crate) erasures: Option<Erasures>,
    pub(crate) rights: Option<Rights>,
    pub(crate) retention: Option<Retention>,
}

impl Bailee {
    /// Begins with the declaration that the code will enforce.
    pub fn builder(declaration: Declaration) -> Builder {
        Builder::new(declaration)
    }

    /// Connecting, looking at and disconnecting accounts.
    ///
    /// A host routes GET of each callback path to [`Connections::complete`], and POST as well where
    /// the provider posts its answer; every method of `<mount>/<registration>/signal` and what lies
    /// behind it to [`Connections::take_signal`]; GET of `<mount>/request/<code>` to
    /// [`Connections::request_page`]. It sends the answers as they are.
    pub fn connections(&self) -> Connections {
        self.engine.connections()
    }

    /// Keys of the service itself, for an operator as the host names them.
    pub fn instance_connections(&self, operator: Id) -> InstanceConnections {
        self.engine.instance_connections(operator)
    }

    /// The requests about people's data that providers brought, for an operator as the host names
    /// them.
    pub fn requests(&self, operator: Id) -> Requests {
        self.engine.requests(operator)
    }

    /// What people say about the use of their own data: agreeing, refusing, taking back, objecting,
    /// restricting. Each is one call, and holds from the next use on.
    pub fn choices(&self) -> Choices {
        self.engine.choices()
    }

    /// The same as an operator brings it, and what only an operator decides.
    pub fn operator_choices(&self, operator: Id) -> OperatorChoices {
        self.engine.operator_choices(operator)
    }

    /// Fixes who acts and what for; calls and publications go from there.
    pub fn acting(&self, who: impl Into<Who>, purpose: &PurposeId) -> Acting {
        self.engine.acting(who, purpose)
    }

    /// Where people are told of a changed declaration, and where the evidence of it is. The worker does
    /// the telling.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] where the builder was given no
    /// [`contacts`](Builder::contacts) and no [`notify`](Builder::notify).
    pub fn notices(&self) -> Result<&Notices> {
        self.notices.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Configuration)
                .with_detail("the builder was given no contacts and no notify")
        })
    }

    /// Where people ask for what is theirs: access, rectification, erasure, portability, restriction,
    /// objection, and an end of marketing. The worker does what they ask for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] where the builder was given no [`rights`](Builder::rights).
    pub fn rights(&self) -> Result<&Rights> {
        self.rights.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Configuration).with_detail("the builder was given no rights")
        })
    }

    /// What ends what was kept long enough: the plan, its gaps, the evidence. The worker does it every
    /// day, where the sources know how old rows are.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] where the builder was given no [`rights`](Builder::rights).
    pub fn retention(&self) -> Result<&Retention> {
        self.retention.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Configuration).with_detail("the builder was given no rights")
        })
    }

    /// The ledger of erasures, with its anchor: who was erased, and whether this database knows all of
    /// them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] where the builder was given no
    /// [`erasures`](Builder::erasures).
    pub fn erasures(&self) -> Result<&Erasures> {
        self.erasures.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Configuration).with_detail("the builder was given no erasures")
        })
    }

    /// Does again the erasures that a database which was put back lacks: the one thing that works until
    /// they are done. It is called until nothing is left; from then on this process serves. Others are
    /// started again.
    ///
    /// A host that erases without these libraries' requests calls [`Erasures::replay`] with its own way
    /// to do so.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] where the builder was given no anchor or no
    /// [`rights`](Builder::rights); [`ErrorKind::Quarantined`] where the database belongs to another
    /// instance; as [`Erasures::replay`].
    pub async fn replay_erasures(&self) -> Result<Replayed> {
        let (erasures, rights) = (self.erasures()?, self.rights()?);
        if !self.engine.owns_database().await? {
            return Err(ErrorKind::Quarantined.into());
        }
        let replayed = erasures.replay(rights).await?;
        self.begin_retention().await?;
        Ok(replayed)
    }

    /// The worker that does what is due later. Run one in each process, or in one of them.
    pub fn worker(&self) -> Worker {
        self.engine.worker()
    }

    /// The vault underneath: a host's own columns are sealed there (`Vault::fields`).
    pub fn vault(&self) -> &Vault {
        self.engine.vault()
    }

    /// The audit log of the deployment, to be numbered, signed and verified by the host: opened once,
    /// and cloned from there. See [`AuditLog`] for what to call when.
    ///
    /// # Errors
    ///
    /// As [`AuditLog::open`].
    pub async fn audit_log(&self, name: LogName) -> Result<AuditLog> {
        AuditLog::open(self.engine.vault().clone(), name).await
    }

    /// Which declaration is in force, what another one changes, activating it, and tenants' own
    /// limits, for an operator as the host names them.
    pub fn declarations(&self, operator: Id) -> Declarations {
        self.engine.declarations(operator)
    }

    /// The declaration that this was built with. Whether it is the one in force,
    /// [`Bailee::declarations`] says.
    pub fn declaration(&self) -> &Declaration {
        self.engine.declaration()
    }

    /// The texts that people read, in the language that a reader understands best of those that were
    /// given (English is always one), rendered from the declaration that this enforces and from what
    /// the registrations' providers say of themselves: privacy policy, data policy, information,
    /// record.
    pub fn texts(&self, reader: &Locale) -> Texts {
        self.engine.texts(reader)
    }

    /// What was handed over to authorities that demanded it and to whoever takes the service over, with
    /// what the law lets people be told of it. Each act is an operator's.
    pub fn handovers(&self) -> Handovers {
        Handovers::new(self.engine.vault().clone())
    }

    /// Stops what is named, in every process that shares the store, from its next read on.
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    pub async fn freeze(&self, what: Freeze) -> Result<()> {
        self.engine.freeze(what).await
    }

    /// Lets it go again.
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    pub async fn thaw(&self, what: &Freeze) -> Result<()> {
        self.engine.thaw(what).await
    }

    /// Prepares the end of this process: its workers end, no renewal is begun any more, and this waits
    /// until everything that was begun has come to its end and what is held in memory is written.
    ///
    /// Call it on the signal to terminate, when the server takes no more requests, and give it the
    /// time that the process has. Whatever is cut off all the same is found by the other processes, as
    /// after a crash.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind) when what is held in memory could not be
    /// written. Everything else has come to its end then too.
    pub async fn drain(&self) -> Result<()> {
        self.engine.drain().await
    }

    /// Which registrations have their brake on: their provider refuses so many grants at once (more
    /// than twenty, and more than one in fifty, within ten minutes) that no person is told to reconnect.
    /// The connections stay as they are and ask again; each brake stands in the audit log of the
    /// system's tenant (`brake.engaged`) and in the error log.
    ///
    /// # Errors
    ///
    /// What the store and the vault say.
    pub async fn brakes(&self) -> Result<Vec<BrakeStatus>> {
        self.engine.brakes().await
    }

    /// Lets the brake of a registration go for so long: an operator's act, when it is true that the
    /// grants are over. It holds in every process at once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind) for an unknown registration, and what the store
    /// and the vault say.
    pub async fn release_brake(&self, registration: &RegistrationId, time: Duration) -> Result<()> {
        self.engine.release_brake(registration, time).await
    }

    /// Makes a database that belongs to another instance this one's: an operator's act after a
    /// restore or a move, when the original certainly no longer runs. Where there is an anchor of
    /// erasures, it is looked now whether the database lacks some.
    ///
    /// # Errors
    ///
    /// What the store and the vault say, and as [`Erasures::check`]: then the database is this one's and
    /// is not served.
    pub async fn danger_adopt_database(&self) -> Result<()> {
        self.engine.danger_adopt_database().await?;
        self.check_erasures().await
    }

    /// Sees that retention is planned, unless the database is not served.
    pub(crate) async fn begin_retention(&self) -> Result<()> {
        let behind = self.erasures.as_ref().is_some_and(Erasures::is_behind);
        if let Some(retention) = &self.retention
            && !behind
            && self.engine.owns_database().await?
        {
            retention.begin().await?;
        }
        Ok(())
    }

    /// Compares the database with the anchor of erasures, if it is this instance's.
    pub(crate) async fn check_erasures(&self) -> Result<()> {
        if let Some(erasures) = &self.erasures
            && self.engine.owns_database().await?
        {
            erasures.check().await?;
        }
        Ok(())
    }
}
