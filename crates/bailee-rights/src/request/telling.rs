//! Telling those who received the data that it was erased, put right or restricted.

use std::{collections::BTreeMap, sync::Arc};

use bailee_core::{Error, ErrorKind, Id, RecipientId, Result, Timestamp};
use bailee_registry::Disclosures;
use futures_util::future::join_all;

use super::{
    Right, Told,
    body::{PartBody, RecipientBody, RequestBody},
    desk::Rights,
    within::{STEP, within},
};

impl Rights {
    /// Tells those who received the data (Art. 19 GDPR), and says how many are left to be told.
    pub(super) async fn tell_recipients(
        &self,
        id: Id,
        body: &mut RequestBody,
        parts: &[PartBody],
    ) -> Result<usize> {
        let changes =
            body.right.erases() || matches!(body.right, Right::Rectification | Right::Restriction);
        if !changes {
            return Ok(0);
        }
        let disclosures = Disclosures::new(self.vault().clone());
        let mut tellings = Vec::new();
        for ((tenant, subject), part) in body.places.clone().iter().zip(parts) {
            if part.keeps_what_came() {
                // Those who had what was held were told when the rest was erased; those who received
                // something since may keep it.
                continue;
            }
            let disclosed = match disclosures.of_subject(tenant, *subject).await {
                // Erased by another request, which told them.
                Err(error) if error.kind() == ErrorKind::Shredded => continue,
                disclosed => disclosed?,
            };
            let whose = Arc::new(self.whose(tenant, *subject, id).await?);
            let mut recipients: BTreeMap<RecipientId, Timestamp> = BTreeMap::new();
            for record in disclosed {
                let last = recipients.entry(record.recipient).or_insert(record.last);
                *last = record.last.max(*last);
            }
            for (recipient, last) in recipients {
                let again = |at: Timestamp| {
                    // What they received of somebody who came back they were not told of.
                    part.after.is_some() && last > at
                };
                match body.recipients.get(&recipient).copied() {
                    Some(RecipientBody::Told(at) | RecipientBody::Ended(at)) if !again(at) => {
                        continue;
                    }
                    Some(RecipientBody::Impossible(_)) => continue,
                    _ => {}
                }
                let (whose, right) = (Arc::clone(&whose), body.right);
                let now = self.now();
                // Whoever had it through a connection that was ended at them has been told by that.
                let ended = part.ended.is_some_and(|ended| {
                    ended.confirmed > 0 && ended.unconfirmed == 0 && ended.left == 0
                });
                let through_connection = self.is_provider(&recipient) && ended;
                tellings.push(async move {
                    let told = match (&self.0.recipients, through_connection && right.erases()) {
                        (_, true) => RecipientBody::Ended(now),
                        (None, _) => RecipientBody::Untold,
                        (Some(recipients), _) => {
                            let telling = async {
                                recipients.tell(&whose, &recipient, right, id).await.map_err(
                                    |error| Error::new(ErrorKind::HostFailed).with_source(error),
                                )
                            };
                            match within(&*self.0.timer, STEP, telling).await {
                                Ok(Told::Told) => RecipientBody::Told(now),
                                Ok(Told::Impossible) => RecipientBody::Impossible(now),
                                Ok(Told::ByHand) | Err(_) => RecipientBody::Untold,
                            }
                        }
                    };
                    (recipient, told)
                });
            }
        }
        // All at one time: many that do not answer would outlast the claim.
        let mut told: BTreeMap<RecipientId, RecipientBody> = BTreeMap::new();
        for (recipient, answer) in join_all(tellings).await {
            // Whoever had it of several tenants knows when they know of all of them.
            let of_all = told.entry(recipient).or_insert(answer);
            if answer.weight() > of_all.weight() {
                *of_all = answer;
            }
        }
        let untold = told.values().filter(|told| **told == RecipientBody::Untold).count();
        body.recipients.append(&mut told);
        Ok(untold)
    }
}

impl RecipientBody {
    /// Which of two answers holds for both.
    fn weight(self) -> u8 {
        match self {
            Self::Ended(_) => 0,
            Self::Told(_) => 1,
            Self::Impossible(_) => 2,
            Self::Untold => 3,
        }
    }
}
