//! The look at a request's clock, which is work of its own.

use bailee_core::{Error, ErrorKind, Result};
use bailee_store::{Due, Lease};

use super::{
    body::RequestBody,
    desk::{Rights, Warning},
    drive::{DAY, LOOK_AGAIN},
    state::State,
    within::{STEP, within},
};

impl Rights {
    /// Due: look at a request's clock, and warn.
    pub(super) async fn clock_due(&self, lease: &Lease) -> Result<()> {
        let (tenant, id) = (&lease.tenant, lease.task.id);
        let body = match self.read_request(tenant, id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return self.finish(lease, Due::Never, self.entry("rights.dropped", id)).await;
            }
            found => found?.1,
        };
        if body.state == State::Closed {
            let entry = self.about(&body, self.entry("rights.looked", id));
            return self.finish(lease, Due::Never, entry).await;
        }
        if body.state == State::Held {
            // They were told what is kept and until when. Nobody is late before that is over.
            let entry = self.about(&body, self.entry("rights.looked", id));
            return self.finish(lease, Due::After(DAY), entry).await;
        }
        let stuck = self.is_stuck(id, &body).await?;
        let waits = body.state == State::Returned;
        let reading = body.clock.read(&self.0.at)?;
        // Nobody goes on with it before an operator says what goes, whatever the clock shows.
        let running = reading.running().or((waits || stuck).then(|| reading.deadline()));
        let Some(deadline) = running.copied() else {
            let entry = self.about(&body, self.entry("rights.looked", id));
            return self.finish(lease, Due::After(DAY), entry).await;
        };
        let now = self.now();
        let begun = body.clock.warnings(&self.0.at)?.first().is_some_and(|first| *first <= now);
        let over = deadline.is_over(now);
        if (begun || over || waits || stuck)
            && let Some(overseer) = &self.0.overseer
        {
            let warning = Warning {
                tenant: tenant.clone(),
                request: id,
                right: body.right,
                state: body.state,
                deadline,
                over,
                stuck,
            };
            let warned = async {
                overseer
                    .warn(&warning)
                    .await
                    .map_err(|error| Error::new(ErrorKind::HostFailed).with_source(error))
            };
            if within(&*self.0.timer, STEP, warned).await.is_err() {
                let entry = self.about(&body, self.entry("rights.looked", id));
                return self.finish(lease, Due::After(LOOK_AGAIN), entry).await;
            }
        }
        let event = match (waits, over) {
            (true, _) => "rights.return_waits",
            (_, true) => "rights.overdue",
            (_, false) if !begun && stuck => "rights.stuck",
            (_, false) => "rights.due",
        };
        let entry = self
            .about(&body, self.entry(event, id))
            .with("until", deadline.strict)
            .with("state", body.state.as_str());
        let next = if over || waits || stuck { Due::After(DAY) } else { self.next_warning(&body)? };
        self.finish(lease, next, entry).await
    }

    /// When a request's clock is looked at next.
    pub(super) fn next_warning(&self, body: &RequestBody) -> Result<Due> {
        let now = self.now();
        let reading = body.clock.read(&self.0.at)?;
        let Some(deadline) = reading.running() else { return Ok(Due::After(DAY)) };
        let warnings = body.clock.warnings(&self.0.at)?;
        let next = warnings.into_iter().chain([deadline.strict]).find(|at| *at > now);
        Ok(next.map_or(Due::After(DAY), Due::At))
    }
}
