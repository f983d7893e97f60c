//! What goes to recipients: free text in declared fields that were screened, and what the host sends
//! itself.

use bailee_core::{
    ConnectionRef, DataCategory, Error, ErrorKind, ProviderId, RecipientId, Result,
    audit::{Entry, Field},
};
use bailee_providers::{Context, FieldOperation, Fields};
use bailee_registry::{
    Declaration, Recipient,
    outbound::{AllowedFields, Outbound, Outcome, Ready, Screen, ScreeningPolicy, SentField},
};

use crate::call::Acting;

impl Acting {
    /// Begins what is to leave for a provider with a [`FieldOperation`]: nothing yet, and room for the
    /// fields that the provider's recipient is declared to receive for this purpose (`fields`).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] for a provider that is not declared, that is not declared for the purpose,
    /// or whose recipient has no `fields`.
    pub fn outbound(&self, provider: &ProviderId) -> Result<Outbound> {
        Outbound::to(recipient_of(&self.engine.0.declaration, provider)?, self.purpose.clone())
    }

    /// Screens what is to leave: for e-mail addresses, telephone numbers, account ids, credentials,
    /// and the names that the screen was given. What is then ready goes to [`Acting::send`]; what a
    /// person has to look at is approved by them first.
    ///
    /// # Errors
    ///
    /// As [`Outbound::screen`].
    pub fn screen(
        &self,
        outbound: Outbound,
        screen: &Screen,
        policy: &ScreeningPolicy,
    ) -> Result<Outcome> {
        outbound.screen(screen, policy, self.engine.0.clock.now())
    }

    /// Calls an operation that sends free text, with fields that were screened. It goes the way of
    /// [`Acting::call`]; the log notes the name and the size of each field, and how much of it was
    /// replaced.
    ///
    /// # Errors
    ///
    /// As [`Acting::call`]; [`ErrorKind::Denied`] for fields that were made ready for another
    /// recipient or purpose, or that the declaration no longer lets the recipient have. Nothing has
    /// left then.
    pub async fn send<O: FieldOperation>(
        &self,
        connection: &ConnectionRef,
        operation: &O,
        ready: &Ready,
    ) -> Result<O::Output> {
        let facts = operation.facts();
        // What is declared for the tenant now: an overlay or another version may allow less.
        let (_, declared) = self.engine.declared_in(self.who.tenant()).await?;
        let recipient = recipient_of(&declared, &facts.provider)?;
        let record = &ready.record;
        if record.recipient != recipient.id || record.purpose != self.purpose {
            return Err(denied("the fields were made ready for another recipient or purpose"));
        }
        let allowed = AllowedFields::of(recipient)?;
        let allowed: Vec<_> = allowed.names().collect();
        if !ready.payload.names().all(|name| allowed.contains(&name)) {
            return Err(denied("a field is not declared for the recipient any more"));
        }
        let fields = match serde_json::to_value(&ready.payload) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => Fields::new(),
        };
        let noted = record.fields.iter().map(|(name, sent)| {
            Entry::new("outbound.field_sent", self.engine.0.clock.now())
                .about(connection.owner().subject())
                .with("connection", connection.connection())
                .with("recipient", &recipient.id)
                .with("purpose", &self.purpose)
                .with("field", Field::Word(name.as_str().to_owned().into()))
                .with("bytes", number(sent.bytes))
                .with("replaced", number(replaced(sent)))
                .with("outcome", if record.reviewed { "reviewed" } else { "screened" })
        });
        let start = |cx: &Context<'_>| operation.start(cx, &fields);
        self.perform(connection, facts.into(), &start, |_| "done", noted.collect()).await
    }

    /// Asks whether data of these categories may go to a declared recipient for this purpose, and notes
    /// that it goes: for what the host sends itself (mail, storage, analytics). It asks before each time
    /// and sends right after. To providers data goes by calls, which ask by themselves.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] for a recipient, a purpose of it or a category of it that is not declared,
    /// and where the person's choices forbid it; [`ErrorKind::ConsentMissing`] where they have to agree
    /// first; [`ErrorKind::InvalidInput`] for no category; [`ErrorKind::Quarantined`], and what the
    /// vault says.
    pub async fn disclose(
        &self,
        recipient: &RecipientId,
        categories: &[DataCategory],
    ) -> Result<()> {
        if categories.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput).with_detail("no category was named"));
        }
        let (engine, tenant) = (&self.engine, self.who.tenant());
        let own = engine.decide_own(tenant, self.who.person(), &self.purpose).await?;
        let declared = own.declared.recipient(recipient);
        let declared = declared.ok_or_else(|| denied("the recipient is not declared"))?;
        if !declared.purposes.contains(&self.purpose) {
            return Err(denied("the recipient is not declared for this purpose"));
        }
        if !categories.iter().all(|category| declared.categories.contains(category)) {
            return Err(denied("the recipient is not declared to receive this category of data"));
        }
        own.decision.require()?;
        let now = engine.0.clock.now();
        engine.0.disclosures.note(
            tenant,
            own.subject,
            recipient,
            &self.purpose,
            categories.iter().cloned(),
            now,
        );
        Ok(())
    }
}

fn recipient_of<'d>(declared: &'d Declaration, provider: &ProviderId) -> Result<&'d Recipient> {
    declared
        .integration(provider)
        .and_then(|integration| declared.recipient(&integration.recipient))
        .ok_or_else(|| denied("the integration is not declared").with_provider(provider.clone()))
}

fn replaced(sent: &SentField) -> usize {
    sent.redacted.values().sum()
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn denied(detail: &'static str) -> Error {
    Error::new(ErrorKind::Denied).with_detail(detail)
}
