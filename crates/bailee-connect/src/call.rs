//! The call: gate, credential opened for the length of a request, answer.

use std::{borrow::Cow, sync::Arc};

use bailee_core::{
    Actor, ConnectionRef, Effect, Error, ErrorKind, Id, PurposeId, Result,
    audit::{Entry, Field},
};
use bailee_providers::{Context, Failure, FailureKind, Operation, Step};
use bailee_registry::Exemption;
use bailee_store::{BatchBuilder, Due, Key};

use crate::{
    drive::{DEADLINE, Halt, Line, Mark},
    engine::Engine,
    gate::{Authority, Pass, PassSecrets, Use, Who},
    kind,
    needs::Needs,
};

/// After so long an effect whose outcome nobody recorded is noted as unknown.
const EFFECT_AFTER: std::time::Duration = std::time::Duration::from_secs(600);

/// Somebody who acts for a declared purpose.
#[derive(Clone, Debug)]
pub struct Acting {
    pub(crate) engine: Engine,
    pub(crate) who: Who,
    pub(crate) purpose: PurposeId,
    pub(crate) despite: Option<Exemption>,
}

impl Engine {
    /// Fixes who acts and what for.
    pub fn acting(&self, who: impl Into<Who>, purpose: &PurposeId) -> Acting {
        Acting { engine: self.clone(), who: who.into(), purpose: purpose.clone(), despite: None }
    }

    pub(crate) async fn line_of(&self, pass: &Pass) -> Result<Line> {
        self.line_to(&pass.credential).await
    }
}

impl Acting {
    /// Says why the data of somebody who restricted its processing may be used all the same
    /// (Art. 18(2) GDPR). It lifts the restriction for what is done with this and nothing else: an
    /// objection, a missing consent and a child's protection stand. Whether the person agreed since
    /// then is looked up; for every other reason the caller answers, and the log names it before
    /// anything is sent.
    ///
    /// It is for calls, pages and downloads. A publication is refused as without it.
    #[must_use]
    pub fn despite_restriction(mut self, exemption: Exemption) -> Self {
        self.despite = Some(exemption);
        self
    }

    /// Calls an operation of the provider with a connection.
    ///
    /// A read is tried again after faults that pass; an effect is committed as an intent before it
    /// is sent and its outcome after, and is never repeated blindly. Where nobody can tell whether
    /// an effect happened (its answer was lost, could not be read, or was a fault of the
    /// provider's own) the error says so and the outcome is noted as unknown.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`], [`ErrorKind::ConsentMissing`], [`ErrorKind::NeedsReconnect`],
    /// [`ErrorKind::Frozen`], [`ErrorKind::NotFound`] at the gate; what the provider answered, as
    /// a kind with a remedy; [`ErrorKind::Ambiguous`] for an effect that may have happened.
    pub async fn call<O: Operation>(
        &self,
        connection: &ConnectionRef,
        operation: &O,
    ) -> Result<O::Output> {
        let start = |cx: &Context<'_>| operation.start(cx);
        self.perform(connection, operation.facts().into(), &start, |_| "done", Vec::new()).await
    }

    /// What every call is: the gate, the intent of an effect, the step, and the outcome. Of an
    /// answer the closure says whether an effect is done. What is noted of it is in the log before
    /// anything leaves.
    pub(crate) async fn perform<T>(
        &self,
        connection: &ConnectionRef,
        needs: Needs<'_>,
        start: &(dyn Fn(&Context<'_>) -> Box<dyn Step<T>> + Send + Sync),
        outcome_of: fn(&T) -> &'static str,
        noted: Vec<Entry>,
    ) -> Result<T> {
        let wanted = self.use_of(connection, needs);
        let pass = self.engine.pass(wanted).await?;
        self.note_exemption(connection, needs, &pass).await?;
        let line = self.engine.line_of(&pass).await?;
        self.engine.plan_renewal(connection, &pass);
        let effect = match needs.effect {
            Effect::Effect => Some(self.intend(connection, needs, &pass, noted).await?),
            Effect::Read | Effect::Idempotent => {
                self.note(connection, &pass, noted).await?;
                None
            }
        };
        let secrets = PassSecrets::new(&line, wanted, pass);
        let open = Mark::of(needs.effect);
        // Before anything leaves: whoever goes away while it is under way has disclosed it too.
        let actor = secrets.pass().actor.clone();
        self.engine.note_disclosure(&self.who, connection, &actor, &self.purpose, needs);
        let outcome = self.attempt(connection, start, &line, &secrets, &open).await;
        if let Some(effect) = effect {
            let word = match &outcome {
                Ok(answer) => outcome_of(answer),
                Err(_) if open.get() => "unknown",
                Err(_) => "failed",
            };
            self.record_outcome(connection, needs, &secrets.pass(), effect, word).await?;
        }
        outcome.map_err(|halt| {
            let error = match line.error(halt) {
                error if effect.is_some() && open.get() => {
                    line.name(Error::new(ErrorKind::Ambiguous).with_source(error))
                }
                error => error,
            };
            error.with_connection(connection.connection())
        })
    }

    pub(crate) fn use_of<'a>(
        &'a self,
        connection: &'a ConnectionRef,
        needs: impl Into<Needs<'a>>,
    ) -> Use<'a> {
        Use {
            authority: Authority::Acting(&self.who),
            purpose: &self.purpose,
            connection,
            needs: needs.into(),
            despite: self.despite,
        }
    }

    /// One attempt, and those that may follow it.
    async fn attempt<T>(
        &self,
        connection: &ConnectionRef,
        start: &(dyn Fn(&Context<'_>) -> Box<dyn Step<T>> + Send + Sync),
        line: &Line,
        secrets: &PassSecrets<'_>,
        open: &Mark,
    ) -> Result<T, Halt> {
        let mut refreshed = false;
        loop {
            let before = secrets.pass();
            let step = start(&line.context());
            match line.run_noting(step, secrets, DEADLINE, open).await {
                // From its beginning again would send the effect of an earlier request again.
                Err(Halt::Provider(failure)) if !open.get() => {
                    self.after_refusal(connection, secrets, &before, failure, &mut refreshed)
                        .await?;
                }
                Err(Halt::Provider(failure)) if failure.kind == FailureKind::GrantOver => {
                    self.engine.note_grant_over(connection, before.credential.generation).await?;
                    return Err(Halt::Provider(failure));
                }
                done => return done,
            }
        }
    }

    /// What follows a provider's no. Where it returns, it is to be tried once more: after a 401 it
    /// read again, and made one forced refresh. A provider that does not take the token has not
    /// done anything, so that is so even for an effect.
    pub(crate) async fn after_refusal(
        &self,
        connection: &ConnectionRef,
        secrets: &PassSecrets<'_>,
        before: &Arc<Pass>,
        failure: Failure,
        refreshed: &mut bool,
    ) -> Result<(), Halt> {
        match failure.kind {
            FailureKind::AccessRejected if !*refreshed => {
                *refreshed = self.after_rejection(connection, secrets, before).await?;
                Ok(())
            }
            FailureKind::GrantOver => {
                self.engine.note_grant_over(connection, before.credential.generation).await?;
                Err(Halt::Provider(failure))
            }
            _ => Err(Halt::Provider(failure)),
        }
    }

    /// Says whether a forced refresh was made; otherwise another task had renewed it already.
    pub(crate) async fn after_rejection(
        &self,
        connection: &ConnectionRef,
        secrets: &PassSecrets<'_>,
        before: &Arc<Pass>,
    ) -> Result<bool> {
        let seen = before.credential.generation;
        if secrets.renew().await?.credential.generation > seen {
            return Ok(false);
        }
        self.engine.refresh(connection, &before.credential.name, seen).await?;
        secrets.renew().await?;
        Ok(true)
    }

    async fn intend(
        &self,
        connection: &ConnectionRef,
        needs: Needs<'_>,
        pass: &Pass,
        noted: Vec<Entry>,
    ) -> Result<Id> {
        let engine = &self.engine;
        let effect = Id::generate(&*engine.0.random)?;
        let batch = engine
            .0
            .vault
            .batch()?
            .op(pass.view.fence()?)
            .schedule(
                Key::new(kind::EFFECT, effect),
                connection.owner().subject(),
                Due::After(EFFECT_AFTER),
            )
            .audit(self.entry("call.effect_intended", connection, needs, pass, effect));
        let of_it = noted.into_iter().map(|entry| entry.by(&pass.actor).with("effect", effect));
        let batch = of_it.fold(batch, BatchBuilder::audit);
        engine.0.vault.commit(connection.tenant(), batch).await?;
        Ok(effect)
    }

    /// What is noted of a call that has no intent.
    async fn note(&self, connection: &ConnectionRef, pass: &Pass, noted: Vec<Entry>) -> Result<()> {
        if noted.is_empty() {
            return Ok(());
        }
        let vault = &self.engine.0.vault;
        let batch = vault.batch()?.op(pass.view.fence()?);
        let batch =
            noted.into_iter().map(|entry| entry.by(&pass.actor)).fold(batch, BatchBuilder::audit);
        vault.commit(connection.tenant(), batch).await.map(|_| ())
    }

    async fn record_outcome(
        &self,
        connection: &ConnectionRef,
        needs: Needs<'_>,
        pass: &Pass,
        effect: Id,
        outcome: &'static str,
    ) -> Result<()> {
        let engine = &self.engine;
        let entry = self
            .entry("call.effect_done", connection, needs, pass, effect)
            .with("outcome", outcome);
        let batch = engine
            .0
            .vault
            .batch()?
            .schedule(Key::new(kind::EFFECT, effect), connection.owner().subject(), Due::Never)
            .audit(entry);
        engine.0.vault.commit(connection.tenant(), batch).await.map(|_| ())
    }

    /// Writes down that data is used although its person restricted that, before it is.
    pub(crate) async fn note_exemption<'a>(
        &self,
        connection: &ConnectionRef,
        needs: impl Into<Needs<'a>>,
        pass: &Pass,
    ) -> Result<()> {
        let Some(exemption) = pass.exempt else { return Ok(()) };
        let engine = &self.engine;
        let needs = needs.into();
        let entry = Entry::new("restriction.exempted", engine.0.clock.now())
            .about(connection.owner().subject().or(pass.actor.subject()))
            .by(&pass.actor)
            .with("connection", connection.connection())
            .with("purpose", &self.purpose)
            .with("operation", Field::Word(Cow::Owned(needs.name.to_owned())))
            .with("reason", exemption.as_str());
        let batch = engine.0.vault.batch()?.audit(entry);
        engine.0.vault.commit(self.who.tenant(), batch).await.map(|_| ())
    }

    pub(crate) fn entry<'a>(
        &self,
        event: &'static str,
        connection: &ConnectionRef,
        needs: impl Into<Needs<'a>>,
        pass: &Pass,
        id: Id,
    ) -> Entry {
        Entry::new(event, self.engine.0.clock.now())
            .about(connection.owner().subject())
            .by(&pass.actor)
            .with("connection", connection.connection())
            .with("purpose", &self.purpose)
            .with("operation", Field::Word(Cow::Owned(needs.into().name.to_owned())))
            .with("effect", id)
            .with("version", self.engine.0.declaration.version())
    }
}

impl Engine {
    /// Notes that a recipient was given data for a purpose; folded, and written within a minute.
    pub(crate) fn note_disclosure<'a>(
        &self,
        who: &Who,
        connection: &ConnectionRef,
        actor: &Actor,
        purpose: &PurposeId,
        needs: impl Into<Needs<'a>>,
    ) {
        let needs = needs.into();
        let Some(integration) = self.0.declaration.integration(needs.provider) else { return };
        let categories = needs.sends.all().chain(needs.reads.all());
        self.0.disclosures.note(
            who.tenant(),
            // What nobody owns is used with the data of whoever uses it.
            connection.owner().subject().or(actor.subject()),
            &integration.recipient,
            purpose,
            categories,
            self.0.clock.now(),
        );
    }
}
