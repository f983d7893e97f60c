//! Rectification and restriction in the host's sources.

use bailee_core::{Error, ErrorKind, Id, Result, SubjectId, TenantId};

use super::{
    body::{PartBody, SourceBody},
    desk::Rights,
    part::fault,
    within::{STEP, within},
};
use crate::source::Correction;

impl Rights {
    /// Puts right what an operator accepted.
    pub(super) async fn correct(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        part: &mut PartBody,
    ) -> Result<bool> {
        // What is asked lies in the tenant of the request; a row is of one tenant.
        let begun = self.vault().clock().monotonic();
        let asked = self.asked(&part.home, id).await?;
        let whose = self.whose(tenant, subject, id).await?;
        let inner = &*self.0;
        part.put_right_again();
        for (place, amendment) in (0_u32..).zip(asked.amendments) {
            if amendment.accepted != Some(true) {
                continue;
            }
            if part.sources.iter().all(|body| body.name != amendment.source) {
                part.sources.push(SourceBody::new(&amendment.source));
            }
            let body = part.sources.iter_mut().find(|body| body.name == amendment.source);
            let body = body.ok_or_else(|| Error::new(ErrorKind::HostFailed))?;
            // One that does not answer is not waited for again and again.
            if body.fault.is_some() && self.is_late(begun) {
                continue;
            }
            let Some(source) = inner.sources.source(&amendment.source) else {
                body.fault = Some("unknown_source".into());
                body.done = false;
                continue;
            };
            let table = amendment.table.clone();
            let correction = Correction {
                table: amendment.table,
                key: amendment.key,
                field: amendment.field,
                value: amendment.value.value(),
            };
            match within(&*inner.timer, STEP, source.correct(&whose, &correction)).await {
                Ok(()) => {
                    let table = body.tables.entry(table).or_default();
                    table.done = table.done.saturating_add(1);
                    part.put_right.push(place);
                }
                // The row lies in another tenant of the person, whose part finds it.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    body.fault = Some(fault(&error));
                    body.done = false;
                }
            }
        }
        Ok(part.sources.iter().all(|source| source.done))
    }

    /// Marks the person's rows.
    pub(super) async fn restrict(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        part: &mut PartBody,
    ) -> Result<bool> {
        let begun = self.vault().clock().monotonic();
        let whose = self.whose(tenant, subject, id).await?;
        let inner = &*self.0;
        for body in &mut part.sources {
            let Some(source) = inner.sources.source(&body.name) else {
                body.fault = Some("unknown_source".into());
                continue;
            };
            body.fault = None;
            // A source none of whose tables can be marked is kept from use by the gate alone.
            if !source.facts().tables.iter().any(|table| table.restricts) {
                body.done = true;
            }
            while !body.done {
                match within(&*inner.timer, STEP, source.restrict(&whose, true)).await {
                    Ok(step) => {
                        for touched in &step.touched {
                            let table = body.tables.entry(touched.table.clone()).or_default();
                            table.done = table.done.saturating_add(touched.rows);
                        }
                        body.done = !step.more;
                    }
                    Err(error) => {
                        body.fault = Some(fault(&error));
                        break;
                    }
                }
                if !body.done && self.is_late(begun) {
                    return Ok(false);
                }
            }
        }
        Ok(part.sources.iter().all(|source| source.done))
    }
}
