//! Sending what waits, and writing down what became of it: the same for notices and for letters.

use std::{fmt, sync::Arc, time::Duration};

use bailee_core::{
    ErrorKind, HostId, Id, Locale, Random, Result, SubjectId, TenantId, Timestamp, audit::Entry,
};
use bailee_store::{Due, Facet, Key, Kind, Lease, Op};
use bailee_vault::{Holder, Vault, View};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    ContactWay, Contacts, Delivery, Evidence, GivenUp, Message, Notify, Reach,
    body::{decode, hex},
    desk::MAX_TRIES,
    kind,
    spread::is_gone,
};

/// How long the first wait is, at the most; each further one is up to four times as long.
const FIRST: Duration = Duration::from_secs(60);
/// How long a wait is, at the most.
const LONGEST: Duration = Duration::from_secs(12 * 3600);
/// After how long a message is given up.
const PATIENCE: Duration = Duration::from_secs(14 * 86_400);

/// The host's seams, and how long a message is tried.
#[derive(Clone)]
pub(crate) struct Post {
    contacts: Arc<dyn Contacts>,
    notify: Arc<dyn Notify>,
    patience: Duration,
}

/// What is known of a message that is to be sent, within the record that it belongs to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Posting {
    pub(crate) queued_at: Timestamp,
    #[serde(default)]
    pub(crate) tries: u32,
    /// After how many seconds it is given up, where that is not what the desk says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) patience: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sent: Option<SentBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) given_up: Option<(Timestamp, GivenUp)>,
}

/// That a message was taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SentBody {
    pub(crate) at: Timestamp,
    pub(crate) way: ContactWay,
    pub(crate) locale: Locale,
    #[serde(with = "hex")]
    pub(crate) text: [u8; 32],
    #[serde(with = "hex")]
    pub(crate) evidence: [u8; 32],
}

/// What came of trying.
pub(crate) enum Tried {
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

/// The names of what the log says of a message.
pub(crate) struct Events {
    /// It has nobody to be sent to, or needs no sending.
    pub(crate) ended: &'static str,
    /// It could not be sent and is tried again.
    pub(crate) delayed: &'static str,
    /// It was given up.
    pub(crate) given_up: &'static str,
    /// It was taken.
    pub(crate) sent: &'static str,
    /// The field that names it.
    pub(crate) field: &'static str,
}

/// A desk whose messages are sent as work: each is a record of its person and a piece of work of the
/// same id.
pub(crate) trait Outbox {
    /// What the record of a message holds.
    type Body: DeserializeOwned;

    /// What kind of record it is.
    const KIND: Kind;

    /// How the log speaks of its messages.
    const EVENTS: Events;

    fn vault(&self) -> &Vault;

    fn post(&self) -> &Post;

    /// A person's message.
    async fn read(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
    ) -> Result<(View, Self::Body)> {
        let key = Key::new(Self::KIND, id);
        let view = self.vault().read(tenant, Holder::Subject(subject), &[key]).await?;
        // One of somebody else does not open under this person's key; it is none of theirs.
        if view.record(0).is_none_or(|record| record.subject != Some(subject)) {
            return Err(ErrorKind::NotFound.into());
        }
        let facts = view.facts(0)?.ok_or(ErrorKind::NotFound)?;
        let body = decode(&facts)?;
        Ok((view, body))
    }

    /// Where to send it and in which language. `None`: the host could not say.
    async fn reach(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        body: &Self::Body,
        person: &HostId,
    ) -> Result<Option<Reach>>;

    /// Why it must not be sent, if so.
    fn forbidden(&self, view: &View, body: &Self::Body) -> Result<Option<GivenUp>>;

    /// What it says, in the reader's language.
    async fn message(&self, view: &View, body: &Self::Body, reader: &Locale) -> Result<Message>;

    /// What is known of its sending, where it is to be sent.
    fn posting<'b>(&self, body: &'b mut Self::Body) -> Option<&'b mut Posting>;

    /// The write that replaces the record.
    async fn put(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        body: &Self::Body,
        replaces: &View,
    ) -> Result<Op>;

    /// What the log says of it beside its id.
    fn describe(&self, entry: Entry, body: &Self::Body) -> Entry;
}

/// Due: send a message.
pub(crate) async fn send_due<O: Outbox>(outbox: &O, lease: &Lease) -> Result<()> {
    let (vault, id) = (outbox.vault(), lease.task.id);
    let ended = |subject: Option<SubjectId>| {
        Entry::new(O::EVENTS.ended, vault.clock().now()).about(subject).with(O::EVENTS.field, id)
    };
    let Some(subject) = lease.subject else {
        return finish(vault, lease, Due::Never, ended(None)).await;
    };
    let (view, mut body) = match outbox.read(&lease.tenant, subject, id).await {
        Err(error) if is_gone(error.kind()) => {
            return finish(vault, lease, Due::Never, ended(Some(subject))).await;
        }
        found => found?,
    };
    if outbox.posting(&mut body).is_none_or(|posting| !posting.is_waiting()) {
        return finish(vault, lease, Due::Never, ended(Some(subject))).await;
    }
    let tried = match try_to_send(outbox, lease, subject, &view, &body).await {
        // Erased in the midst of it.
        Err(error) if is_gone(error.kind()) => {
            return finish(vault, lease, Due::Never, ended(Some(subject))).await;
        }
        tried => tried?,
    };
    write_down(outbox, lease, subject, &tried).await
}

/// Ends a claim with nothing else than an entry. A claim that is over is somebody else's.
pub(crate) async fn finish(vault: &Vault, lease: &Lease, due: Due, entry: Entry) -> Result<()> {
    let batch = vault.batch()?.finish(lease.task.clone(), lease.fence, due).audit(entry);
    match vault.commit(&lease.tenant, batch).await {
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
        done => done.map(|_| ()),
    }
}

async fn try_to_send<O: Outbox>(
    outbox: &O,
    lease: &Lease,
    subject: SubjectId,
    view: &View,
    body: &O::Body,
) -> Result<Tried> {
    if let Some(reason) = outbox.forbidden(view, body)? {
        return Ok(Tried::Never(reason));
    }
    let tenant = &lease.tenant;
    let person = outbox.vault().person(tenant, subject).await?;
    let Some(reach) = outbox.reach(tenant, subject, body, &person).await? else {
        return Ok(Tried::Later(GivenUp::ContactsFailed));
    };
    if reach.addresses.is_empty() {
        return Ok(Tried::Later(GivenUp::NoAddress));
    }
    let message = outbox.message(view, body, &reach.locale).await?;
    for address in &reach.addresses {
        let sent = outbox.post().notify.send(tenant, address, &message, lease.task.id).await;
        match sent.unwrap_or(Delivery::Unavailable) {
            Delivery::Accepted(evidence) => {
                let (way, locale, text) = (address.way(), message.locale().clone(), message.hash());
                return Ok(Tried::Sent { way, locale, text, evidence });
            }
            Delivery::Refused => {}
            // It may have gone out all the same: another address could make it two.
            Delivery::Unavailable => return Ok(Tried::Later(GivenUp::Unavailable)),
        }
    }
    Ok(Tried::Never(GivenUp::Refused))
}

/// Writes down what became of it. The evidence of a message that went out is not lost to a choice
/// that its person made meanwhile.
async fn write_down<O: Outbox>(
    outbox: &O,
    lease: &Lease,
    subject: SubjectId,
    tried: &Tried,
) -> Result<()> {
    let (vault, tenant, id) = (outbox.vault(), &lease.tenant, lease.task.id);
    for _ in 0..MAX_TRIES {
        let at = vault.clock().now();
        let entry = |event| Entry::new(event, at).about(subject).with(O::EVENTS.field, id);
        let (view, mut body) = match outbox.read(tenant, subject, id).await {
            // The person was erased after the message went out. The log alone says so.
            Err(error) if is_gone(error.kind()) => {
                let digest = match tried {
                    Tried::Sent { text, .. } => Some(*text),
                    _ => None,
                };
                let entry = entry(O::EVENTS.ended).with_some("digest", digest);
                return finish(vault, lease, Due::Never, entry).await;
            }
            found => found?,
        };
        // Somebody else ended it meanwhile. What went out is noted all the same.
        let went_out = matches!(tried, Tried::Sent { .. });
        let open = outbox.posting(&mut body).filter(|one| one.is_waiting() || went_out);
        let Some(posting) = open else {
            return finish(vault, lease, Due::Never, entry(O::EVENTS.ended)).await;
        };
        let due = posting.note(tried, at, outbox.post().patience, &**vault.random())?;
        let given_up = posting.given_up.map(|(_, reason)| reason);
        let entry = match (tried, given_up) {
            (Tried::Sent { way, text, .. }, _) => {
                entry(O::EVENTS.sent).with("digest", *text).with("method", way.as_str())
            }
            (_, Some(reason)) => entry(O::EVENTS.given_up).with("reason", reason.as_str()),
            (Tried::Later(reason) | Tried::Never(reason), None) => {
                entry(O::EVENTS.delayed).with("reason", reason.as_str())
            }
        };
        let batch = vault
            .batch()?
            .op(view.fence()?)
            .op(outbox.put(tenant, subject, id, &body, &view).await?)
            .finish(lease.task.clone(), lease.fence, due)
            .audit(outbox.describe(entry, &body));
        match vault.commit(tenant, batch).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            done => return done.map(|_| ()),
        }
    }
    Err(ErrorKind::Conflict.into())
}

impl Post {
    pub(crate) fn new(contacts: Arc<dyn Contacts>, notify: Arc<dyn Notify>) -> Self {
        Self { contacts, notify, patience: PATIENCE }
    }

    pub(crate) fn gives_up_after(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Where a person is, as the host says. What an error of it says is not looked at: it may hold
    /// what nobody should read.
    pub(crate) async fn reach(&self, tenant: &TenantId, person: &HostId) -> Option<Reach> {
        self.contacts.reach(tenant, person).await.ok()
    }
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl Posting {
    /// A message that waits from now on.
    pub(crate) fn queued(now: Timestamp, patience: Option<Duration>) -> Self {
        let patience = patience.map(|patience| patience.as_secs());
        Self { queued_at: now, tries: 0, patience, sent: None, given_up: None }
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.sent.is_none() && self.given_up.is_none()
    }

    /// The clear number of its record.
    pub(crate) fn facet(&self) -> Facet {
        match self {
            Self { sent: Some(_), .. } => kind::SENT,
            Self { given_up: Some(_), .. } => kind::GIVEN_UP,
            Self { .. } => kind::WAITING,
        }
    }

    /// Notes what became of it. Says when it is due again.
    fn note(
        &mut self,
        tried: &Tried,
        at: Timestamp,
        patience: Duration,
        random: &dyn Random,
    ) -> Result<Due> {
        let patience = self.patience.map_or(patience, Duration::from_secs);
        match tried {
            Tried::Sent { way, locale, text, evidence } => {
                let (way, locale, text) = (*way, locale.clone(), *text);
                let evidence = *evidence.digest();
                self.given_up = None;
                self.sent = Some(SentBody { at, way, locale, text, evidence });
                Ok(Due::Never)
            }
            Tried::Later(_) if at.since(self.queued_at) < patience => {
                let wait = wait(random, self.tries)?;
                self.tries = self.tries.saturating_add(1);
                // The last try is at the end of the time and not long after it.
                let left = patience.saturating_sub(at.since(self.queued_at));
                Ok(Due::After(wait.min(left)))
            }
            Tried::Later(reason) | Tried::Never(reason) => {
                self.given_up = Some((at, *reason));
                Ok(Due::Never)
            }
        }
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
