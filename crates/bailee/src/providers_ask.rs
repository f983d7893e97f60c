//! What providers ask for in a person's name, for the desk of requests.

use async_trait::async_trait;
use bailee_connect::{OnBehalf, RequestOutcome};
use bailee_core::{ErrorKind, Id, Result, TenantId, event::RequestKind};
use bailee_rights::request::{Outcome, ProviderAsk, ProviderAsks};

/// The requests that the engine took from providers and verified.
pub(crate) struct ProvidersAsk(pub(crate) OnBehalf);

#[async_trait]
impl ProviderAsks for ProvidersAsk {
    async fn erasure(&self, tenant: &TenantId, ask: Id) -> Result<Option<ProviderAsk>> {
        let found = self.0.provider_request(tenant, ask).await?;
        let open = found.filter(|found| found.closed.is_none());
        Ok(open.filter(|found| found.kind == RequestKind::Erasure).and_then(|found| {
            let (provider, received) = (found.provider, found.received_at);
            found.subject.map(|subject| ProviderAsk { provider, subject, received })
        }))
    }

    async fn answer(
        &self,
        tenant: &TenantId,
        ask: Id,
        by: Option<Id>,
        outcome: Outcome,
    ) -> Result<()> {
        let outcome = match outcome {
            Outcome::Partial => RequestOutcome::KeptByLaw,
            _ => RequestOutcome::Done,
        };
        match self.0.close_provider_request(tenant, ask, outcome, by).await {
            // An operator closed it meanwhile.
            Err(error) if error.kind() == ErrorKind::Rejected => Ok(()),
            closed => closed,
        }
    }
}
