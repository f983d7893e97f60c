//! Sending a notice, and writing down what became of it.

use std::time::Duration;

use bailee_core::{ErrorKind, Id, Locale, Random, Result, SubjectId, Timestamp, audit::Entry};
use bailee_registry::Standing;
use bailee_store::{Due, Lease};
use bailee_vault::View;

use super::{
    ContactWay, Delivery, Evidence, GivenUp, Notices,
    body::{NoticeBody, SentBody},
    desk::MAX_TRIES,
    spread::is_gone,
};

/// How long the first wait is, at the most; each further one is up to four times as long.
const FIRST: Duration = Duration::from_secs(60);
/// How long a wait is, at the most.
const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// What came of trying.
enum Tried {
    Sent {
        way: ContactWay,
        locale: Locale,
        text: [u8; 32],
        evidence: Evidence,
    },
    /// It may go later.
    Later(GivenUp),
    /// It never will.
    Never(GivenUp),
}

impl Notices {
    /// Due: send a message.
    pub(super) async fn send_due(&self, lease: &Lease) -> Result<()> {
        let vault = self.vault();
        let entry =
            || Entry::new("notice.ended", vault.clock().now()).with("notice", lease.task.id);
        let Some(subject) = lease.subject else {
            return self.finish(lease, Due::Never, entry()).await;
        };
        let (view, body) = match self.read_notice(&lease.tenant, subject, lease.task.id).await {
            Err(error) if is_gone(error.kind()) => {
                return self.finish(lease, Due::Never, entry().about(subject)).await;
            }
            found => found?,
        };
        if body.sent.is_some() || body.given_up.is_some() || !body.by_message {
            return self.finish(lease, Due::Never, entry().about(subject)).await;
        }
        let tried = match self.try_to_send(lease, subject, &view, &body).await {
            // Erased in the midst of it.
            Err(error) if is_gone(error.kind()) => {
                return self.finish(lease, Due::Never, entry().about(subject)).await;
            }
            tried => tried?,
        };
        self.write_down(lease, subject, &tried).await
    }

    async fn try_to_send(
        &self,
        lease: &Lease,
        subject: SubjectId,
        view: &View,
        body: &NoticeBody,
    ) -> Result<Tried> {
        // A restriction does not end the duty to inform; that the person is a child does, as their
        // data has to go.
        if Standing::read(&view.standing()?)?.child_found().is_some() {
            return Ok(Tried::Never(GivenUp::NobodyToTell));
        }
        let tenant = &lease.tenant;
        let person = self.vault().person(tenant, subject).await?;
        // What a host's error says is not looked at: it may hold what nobody should read.
        let Ok(reach) = self.contacts().reach(tenant, &person).await else {
            return Ok(Tried::Later(GivenUp::ContactsFailed));
        };
        if reach.addresses.is_empty() {
            return Ok(Tried::Later(GivenUp::NoAddress));
        }
        let message = self.message(body.announcement, &reach.locale).await?;
        let mut later = false;
        for address in &reach.addresses {
            let sent = self.notify().send(tenant, address, &message, lease.task.id).await;
            match sent.unwrap_or(Delivery::Unavailable) {
                Delivery::Accepted(evidence) => {
                    return Ok(Tried::Sent {
                        way: address.way(),
                        locale: message.document.locale,
                        text: message.hash,
                        evidence,
                    });
                }
                Delivery::Refused => {}
                // It may have gone out all the same: another address could make it two.
                Delivery::Unavailable => {
                    later = true;
                    break;
                }
            }
        }
        Ok(match later {
            true => Tried::Later(GivenUp::Unavailable),
            false => Tried::Never(GivenUp::Refused),
        })
    }

    /// Writes down what became of it. The evidence of a message that went out is not lost to a choice
    /// that its person made meanwhile.
    async fn write_down(&self, lease: &Lease, subject: SubjectId, tried: &Tried) -> Result<()> {
        let (vault, tenant, notice) = (self.vault(), &lease.tenant, lease.task.id);
        for _ in 0..MAX_TRIES {
            let at = vault.clock().now();
            let found = self.read_notice(tenant, subject, notice).await;
            let (view, mut body) = match found {
                // The person was erased after the message went out. The log alone says so.
                Err(error) if is_gone(error.kind()) => {
                    let entry =
                        Entry::new("notice.ended", at).about(subject).with("notice", notice);
                    let entry = match tried {
                        Tried::Sent { text, .. } => entry.with("digest", *text),
                        _ => entry,
                    };
                    return self.finish(lease, Due::Never, entry).await;
                }
                found => found?,
            };
            let (entry, due) = self.noted(&mut body, notice, subject, tried, at)?;
            let batch = vault
                .batch()?
                .op(view.fence()?)
                .op(self.put_notice(tenant, subject, notice, &body, Some(&view)).await?)
                .finish(lease.task.clone(), lease.fence, due)
                .audit(entry);
            match vault.commit(tenant, batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| ()),
            }
        }
        Err(ErrorKind::Conflict.into())
    }

    /// Notes in a notice what became of it. Says what the log says and when it is due again.
    fn noted(
        &self,
        body: &mut NoticeBody,
        notice: Id,
        subject: SubjectId,
        tried: &Tried,
        at: Timestamp,
    ) -> Result<(Entry, Due)> {
        let entry = |event| {
            Entry::new(event, at)
                .about(subject)
                .with("notice", notice)
                .with("version", body.version)
        };
        let give_up = |reason: GivenUp| entry("notice.given_up").with("reason", reason.as_str());
        let noted = match tried {
            Tried::Sent { way, locale, text, evidence } => {
                let entry = entry("notice.sent").with("digest", *text).with("method", way.as_str());
                let (way, locale, text) = (*way, locale.clone(), *text);
                body.sent = Some(SentBody { at, way, locale, text, evidence: *evidence.digest() });
                (entry, Due::Never)
            }
            Tried::Later(reason) if at.since(body.queued_at) < self.patience() => {
                let entry = entry("notice.delayed").with("reason", reason.as_str());
                let wait = wait(&**self.vault().random(), body.tries)?;
                body.tries = body.tries.saturating_add(1);
                // The last try is at the end of the time and not long after it.
                let left = self.patience().saturating_sub(at.since(body.queued_at));
                (entry, Due::After(wait.min(left)))
            }
            Tried::Later(reason) | Tried::Never(reason) => {
                let entry = give_up(*reason);
                body.given_up = Some((at, *reason));
                (entry, Due::Never)
            }
        };
        Ok(noted)
    }
}

/// A wait that grows with the tries, drawn from its second half so that not everybody comes back at
/// once.
fn wait(random: &dyn Random, tries: u32) -> Result<Duration> {
    let factor = 4_u32.checked_pow(tries.min(10)).unwrap_or(u32::MAX);
    let longest = FIRST.saturating_mul(factor).min(LONGEST);
    let mut bytes = [0; 4];
    random.fill(&mut bytes)?;
    let share = f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX);
    Ok(longest / 2 + (longest / 2).mul_f64(share))
}

#[cfg(test)]
mod tests {
    use bailee_core::SystemRandom;

    use super::*;

    #[test]
    fn waits_grow_to_half_a_day_and_no_further() {
        let mut longest = FIRST;
        for tries in 0..40 {
            let wait = wait(&SystemRandom, tries).unwrap();
            assert!(wait >= longest / 2 && wait <= longest, "{tries}: {wait:?}");
            longest = (longest * 4).min(LONGEST);
        }
    }
}
