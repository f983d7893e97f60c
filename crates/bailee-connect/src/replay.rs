//! Bringing to the store what the journal keeps: at the start, with the worker's housekeeping, and
//! before a token is shown whose successor lies there.
//!
//! Each step may be repeated. An answer that was stored before its entry was done is found to be of
//! a generation that the credential has left, and one whose tokens were revoked is revoked again.

use bailee_core::{ConnectionRef, ErrorKind, Id, Result, TenantId};
use bailee_store::{Claim, Due, Key, Lease};

use crate::{
    body,
    engine::Engine,
    journal::{Answer, AnswerBody, Entry, Known},
    keep::{Answered, Fate, in_the_journal},
    kind,
    refresh::{LEASE, LOOK_AGAIN, MEND},
};

/// How often somebody looks whether an answer has come to the store.
const LOOKS: u32 = 600;

impl Engine {
    /// Tries once to bring every answer of the journal to the store.
    pub(crate) async fn replay(&self) {
        let Some(journal) = &self.0.journal else { return };
        for id in journal.waiting() {
            let Some(entry) = journal.take(id) else { continue };
            if let Err(error) = self.replay_one(entry, None).await {
                tracing::warn!(kind = ?error.kind(), "an answer stays in the journal");
            }
        }
    }

    /// Brings the answers for a credential to the store before anything else happens to it, under
    /// the caller's claim if it has one. Says whether there were any.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::StoreUnavailable`] while one of them is not there: the token that the store has
    /// must not be shown then.
    pub(crate) async fn replay_for(
        &self,
        connection: &ConnectionRef,
        credential: Id,
        lease: Option<&Lease>,
    ) -> Result<bool> {
        let Some(journal) = &self.0.journal else { return Ok(false) };
        let mut replayed = false;
        for _ in 0..LOOKS {
            match journal.take_for(connection.tenant(), credential) {
                Known::Nothing => return Ok(replayed),
                Known::UnderWay => self.0.runtime.sleep(LOOK_AGAIN).await,
                Known::Waits(entry) => {
                    self.replay_one(entry, lease).await.map_err(|error| {
                        tracing::warn!(kind = ?error.kind(), "an answer stays in the journal");
                        in_the_journal(connection)
                    })?;
                    replayed = true;
                }
            }
        }
        Err(in_the_journal(connection))
    }

    async fn replay_one(&self, entry: Entry, lease: Option<&Lease>) -> Result<()> {
        let answer = entry.answer();
        let connection = answer.connection().clone();
        let tenant = connection.tenant();
        let snapshot = self.0.vault.store().read(&TenantId::SYSTEM, &[]).await?;
        self.admit_instance(&snapshot.control).await?;

        let holder = Answer::holder(&connection);
        match self.0.vault.read(tenant, holder, &[]).await {
            // The key is destroyed: nobody can open these tokens again.
            Err(error) if error.kind() == ErrorKind::Shredded => {
                tracing::warn!("an answer for an erased person is dropped from the journal");
                entry.done().await;
                return Ok(());
            }
            read => read.map(|_| ())?,
        }
        let opened = self.0.vault.open(tenant, holder, answer.record()).await?;
        let facts = opened.facts()?;
        let body: AnswerBody = body::decode(&facts)?;
        let registered = self.registered(&body.registration)?.clone();
        let line = self.line_without_asking(&registered).given(&body.variables)?;
        let answered = Answered {
            connection: &connection,
            shown: body.shown.clone(),
            line: &line,
            issued: body.issued(&opened)?,
            answered_at: body.answered_at,
            fence: lease.map_or(answer.fence(), |lease| lease.fence),
        };
        let fate = self.keep_late(answered, answer.credential(), lease.is_some()).await?;
        if fate != Fate::Unwanted(false) {
            entry.done().await;
        }
        Ok(())
    }

    /// As [`Engine::keep`], with tokens whose claim may be over: under that claim, under a new one,
    /// or, while somebody else has it, without.
    async fn keep_late(
        &self,
        mut answered: Answered<'_>,
        credential: Id,
        claimed: bool,
    ) -> Result<Fate> {
        let mut fate = self.put_away(&mut answered, true).await;
        let mut own = None;
        if !claimed && is_conflict(&fate) {
            let (tenant, task) =
                (answered.connection.tenant(), Key::new(kind::REFRESH, credential));
            let claim = Claim::One { tenant, task: &task, lease: LEASE };
            own = self.0.vault.store().claim(claim).await?.pop();
            if let Some(lease) = &own {
                answered.fence = lease.fence;
                fate = self.put_away(&mut answered, true).await;
            }
        }
        for _ in 0..4 {
            if !is_conflict(&fate) {
                break;
            }
            fate = self.put_away(&mut answered, false).await;
        }
        if let (Some(lease), Ok(Fate::TooLate | Fate::Unwanted(_))) = (&own, &fate) {
            self.finish(lease, Due::After(MEND)).await?;
        }
        fate
    }
}

fn is_conflict(fate: &Result<Fate>) -> bool {
    matches!(fate, Err(error) if error.kind() == ErrorKind::Conflict)
}
