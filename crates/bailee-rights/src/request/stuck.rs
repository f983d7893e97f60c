//! A part that cannot go on by itself: what is wrong does not pass with time, so people are told.

use std::time::Duration;

use bailee_core::{ErrorKind, Id, Result, TenantId};
use bailee_store::{Due, Key};

use super::{
    body::{PartBody, RequestBody},
    desk::Rights,
    kind,
};

impl PartBody {
    /// Notes why a step failed, where time alone mends nothing. Whether it is such an error.
    pub(super) fn is_stuck_by(&mut self, error: ErrorKind) -> bool {
        let word = match error {
            ErrorKind::Configuration => "configuration",
            ErrorKind::Denied => "denied",
            ErrorKind::InvalidInput => "invalid_input",
            ErrorKind::NotFound => "not_found",
            ErrorKind::Rejected => "rejected",
            ErrorKind::TooLarge => "too_large",
            ErrorKind::UnknownSchema => "unknown_schema",
            ErrorKind::Unsupported => "unsupported",
            _ => return false,
        };
        self.fault = Some(word.into());
        true
    }
}

impl Rights {
    /// Has a request's clock looked at, so that the overseer hears of a part that cannot go on.
    pub(super) async fn tell_stuck(&self, home: &TenantId, id: Id) -> Result<()> {
        let (_, body) = self.read_request(home, id).await?;
        let subject = body.places.first().map(|(_, subject)| *subject);
        let now = Due::After(Duration::ZERO);
        let batch = self
            .vault()
            .batch()?
            .schedule(Key::new(kind::CLOCK_DUE, id), subject, now)
            .audit(self.about(&body, self.entry("rights.stuck", id)));
        self.vault().commit(home, batch).await.map(|_| ())
    }

    /// Whether a part of a request cannot go on by itself.
    pub(super) async fn is_stuck(&self, id: Id, body: &RequestBody) -> Result<bool> {
        for (tenant, _) in &body.places {
            match self.read_part(tenant, id).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                found => {
                    if found?.1.fault.is_some() {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }
}
