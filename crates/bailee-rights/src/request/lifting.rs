//! The end of a restriction: the marks come off the rows, and then the gate opens.

use bailee_core::{Actor, Error, ErrorKind, Id, Result, SubjectId, TenantId, Timestamp};
use bailee_registry::{RestrictionGround, Standing};
use bailee_vault::Holder;

use super::{
    Right, Word,
    body::MatterBody,
    desk::Rights,
    operator::OperatorRights,
    state::State,
    within::{STEP, within},
};

/// So many steps a source may take to take its marks away before it is asked again later.
const STEPS: usize = 10_000;

impl OperatorRights {
    /// Ends the restriction that a request brought about. `told` is when the person was told of it,
    /// which comes before (Art. 18(3) GDPR).
    ///
    /// Rows that were marked are freed first, in every tenant and source, and only then the gate opens;
    /// as long as the data is restricted on another ground both stay. After an error it is called
    /// again: what was done is not done twice.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rejected`] for a request that restricted nothing; [`ErrorKind::InvalidInput`] for a
    /// time that is to come; [`ErrorKind::HostFailed`] where a source does not do it in its time, and
    /// what sources, the store and the vault say.
    pub async fn end_restriction(&self, tenant: &TenantId, id: Id, told: Timestamp) -> Result<()> {
        let rights = self.rights();
        let (_, body) = rights.read_request(tenant, id).await?;
        let MatterBody::Restriction { ground } = body.matter else {
            return Err(rejected("this request restricted nothing"));
        };
        if body.right != Right::Restriction || body.state != State::Closed {
            return Err(rejected("this request restricts nothing yet"));
        }
        if told > rights.now() {
            return Err(Error::new(ErrorKind::InvalidInput)
                .with_detail("the person is told before a restriction ends"));
        }
        for (tenant, subject) in &body.places {
            rights.lift(tenant, *subject, id, ground, told, &self.actor()).await?;
        }
        let entry = rights.about(&body, rights.entry("rights.restriction_ended", id));
        let batch = rights.vault().batch()?.audit(entry.by(&self.actor()));
        rights.vault().commit(tenant, batch).await.map(|_| ())
    }
}

impl Rights {
    async fn lift(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        ground: RestrictionGround,
        told: Timestamp,
        by: &Actor,
    ) -> Result<()> {
        let view = match self.vault().read(tenant, Holder::Subject(subject), &[]).await {
            // Nobody is left whose data could be used.
            Err(error) if error.kind() == ErrorKind::Shredded => return Ok(()),
            view => view?,
        };
        let standing = Standing::read(&view.standing()?)?;
        let Some(restriction) = standing.restriction() else { return Ok(()) };
        if restriction.grounds.iter().all(|other| *other == ground) {
            let whose = self.whose(tenant, subject, id).await?;
            let marking = self
                .0
                .sources
                .iter()
                .filter(|source| source.facts().tables.iter().any(|table| table.restricts));
            for source in marking {
                let mut steps = 0;
                while within(&*self.0.timer, STEP, source.restrict(&whose, false)).await?.more {
                    steps += 1;
                    if steps == STEPS {
                        return Err(Error::new(ErrorKind::HostFailed)
                            .with_detail("a source takes its marks away without an end"));
                    }
                }
            }
        }
        let word = Word::RestrictionEnded { ground, told };
        self.0.accounts.say(tenant, subject, by, &word).await?;
        self.forget_known(tenant, subject, id).await
    }
}

fn rejected(what: &'static str) -> Error {
    Error::new(ErrorKind::Rejected).with_detail(what)
}
