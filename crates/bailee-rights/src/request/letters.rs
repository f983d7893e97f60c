//! The letters of a request: what each of its steps tells the person.

use std::{collections::BTreeMap, time::Duration};

use bailee_core::{ErrorKind, Id, Result, SubjectId, TenantId, Timestamp};
use bailee_store::BatchBuilder;
use bailee_vault::Holder;
use time::Date;

use super::{
    Channel, Reason, Right,
    body::{PartBody, RecipientBody, RefusedBody, RequestBody},
    desk::Rights,
};
use crate::{
    Additions,
    message::{Act, Content, Done, Letter, Refusal, Told},
    source::{Kept, Strategy},
};

/// For how long the last letter of an erasure keeps the person's key.
const LAST_LETTER: Duration = Duration::from_secs(3 * 86_400);

impl Rights {
    /// What writes and sends a letter, where the host gave a way to send one.
    pub(super) async fn letter(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        right: Right,
        content: Content,
    ) -> Result<Additions> {
        let Some(messages) = &self.0.messages else { return Ok(Additions::default()) };
        let last = right.erases() && matches!(content, Content::Completed { .. });
        let mut letter = Letter::new(id, right, content);
        if last {
            letter = letter.gives_up_after(LAST_LETTER);
        }
        messages.queue(tenant, subject, letter).await
    }

    /// Adds a letter to a commit in the request's own tenant, with the fence of its person. Nobody is
    /// told who was erased meanwhile.
    pub(super) async fn with_letter(
        &self,
        batch: BatchBuilder,
        tenant: &TenantId,
        id: Id,
        body: &RequestBody,
        content: Content,
    ) -> Result<BatchBuilder> {
        let subject = body.places.first().map(|(_, subject)| *subject);
        let (Some(subject), Some(_)) = (subject, &self.0.messages) else { return Ok(batch) };
        if body.channel == Channel::Declared {
            return Ok(batch);
        }
        let view = match self.vault().read(tenant, Holder::Subject(subject), &[]).await {
            Err(error) if error.kind() == ErrorKind::Shredded => return Ok(batch),
            view => view?,
        };
        let letter = self.letter(tenant, subject, id, body.right, content).await?;
        Ok(letter.add_to(batch.op(view.fence()?)))
    }

    /// What a request is acknowledged with.
    pub(super) fn acknowledged(&self, body: &RequestBody) -> Result<Content> {
        Ok(Content::Acknowledged {
            received: self.day(body.clock.received())?,
            due: body.clock.read(&self.0.at)?.deadline().strict_day,
            cancel_until: body.grace_until.map(|until| self.day(until)).transpose()?,
        })
    }

    /// What the person is told of what was done.
    pub(super) fn completed(&self, id: Id, body: &RequestBody, parts: &[PartBody]) -> Content {
        let receipt = Some(id);
        Content::Completed {
            done: self.done(body.right, parts),
            refused: self.kept(body, parts),
            recipients: self.told(body),
            receipt,
            since_stays: parts.iter().any(PartBody::keeps_what_came),
        }
    }

    /// What was done with each set of data, over all tenants.
    fn done(&self, right: Right, parts: &[PartBody]) -> Vec<Done> {
        let mut done: BTreeMap<(String, Act), u64> = BTreeMap::new();
        let mut add = |what: &str, act, count| {
            if count > 0 {
                let sum = done.entry((what.to_owned(), act)).or_default();
                *sum = sum.saturating_add(count);
            }
        };
        for part in parts {
            for body in &part.sources {
                let Some(source) = self.0.sources.source(&body.name) else { continue };
                for (name, table) in &body.tables {
                    let Some(facts) = source.facts().table(name) else { continue };
                    let act = match (right, &facts.strategy) {
                        (Right::Rectification, _) => Act::Corrected,
                        (Right::Restriction, _) => Act::Restricted,
                        (Right::Access | Right::Portability, _) => Act::Provided,
                        (_, Strategy::Pseudonymise { .. } | Strategy::Unlink) => Act::Unlinked,
                        _ => Act::Erased,
                    };
                    add(self.title(&facts.data_set), act, table.done);
                }
            }
        }
        let set = |((what, act), count)| Done { what, act, count };
        done.into_iter().map(set).collect()
    }

    /// What was not done, and why: what a law or a hold keeps, and what an operator refused.
    pub(super) fn kept(&self, body: &RequestBody, parts: &[PartBody]) -> Vec<Refusal> {
        let mut refusals: Vec<Refusal> =
            body.refused.iter().map(|refused| self.refusal(refused)).collect();
        let mut known = Vec::new();
        for part in parts {
            for (set, (_, reason, until)) in &part.held {
                if !known.contains(set) {
                    known.push(set.clone());
                    refusals.push(Refusal {
                        what: Some(self.title(set).to_owned()),
                        value: None,
                        reason: *reason,
                        kept: None,
                        until: self.day(*until).ok(),
                    });
                }
            }
            for source_body in &part.sources {
                let Some(source) = self.0.sources.source(&source_body.name) else { continue };
                for (name, table) in &source_body.tables {
                    let Some(facts) = source.facts().table(name) else { continue };
                    let Strategy::Keep(kept) = &facts.strategy else { continue };
                    if table.kept == 0 || known.contains(&facts.data_set) {
                        continue;
                    }
                    known.push(facts.data_set.clone());
                    refusals.push(Refusal {
                        what: Some(self.title(&facts.data_set).to_owned()),
                        value: None,
                        reason: reason_of(kept),
                        kept: Some(kept.reason.clone()),
                        until: None,
                    });
                }
            }
        }
        refusals
    }

    pub(super) fn refusal(&self, refused: &RefusedBody) -> Refusal {
        Refusal {
            what: refused.set.as_ref().map(|set| self.title(set).to_owned()),
            value: refused.value.map(|place| place.saturating_add(1)),
            reason: refused.reason,
            kept: None,
            until: None,
        }
    }

    fn told(&self, body: &RequestBody) -> Vec<Told> {
        body.recipients
            .iter()
            .map(|(recipient, state)| Told {
                name: self
                    .0
                    .declaration
                    .recipient(recipient)
                    .map_or_else(|| recipient.as_str().to_owned(), |known| known.name.clone()),
                untold: match state {
                    RecipientBody::Impossible(_) => Some(Reason::RecipientImpossible),
                    _ => None,
                },
            })
            .collect()
    }

    fn title<'a>(&'a self, set: &'a str) -> &'a str {
        self.0.declaration.data_set(set).map_or(set, |set| &set.title)
    }

    /// The day of an instant where the controller is.
    pub(super) fn day(&self, at: Timestamp) -> Result<Date> {
        self.0.at.day(at)
    }
}

/// The reason that a source's own words stand for: the point of Art. 17(3) GDPR that they name, and
/// where they name none, the duty that most often keeps something.
fn reason_of(kept: &Kept) -> Reason {
    let point = kept.article.split_once("17(3)(").and_then(|(_, rest)| rest.chars().next());
    match point {
        Some('a') => Reason::Expression,
        Some('c') => Reason::PublicHealth,
        Some('d') => Reason::Archiving,
        Some('e') => Reason::LegalClaims,
        _ => Reason::LegalDuty,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_says_by_its_article_why_it_keeps_something() {
        let kept = |article: &str| reason_of(&Kept::new(article, "law", "2030"));
        assert_eq!(kept("Art. 17(3)(e) GDPR"), Reason::LegalClaims);
        assert_eq!(kept("Art. 17(3)(b) GDPR with § 147 AO"), Reason::LegalDuty);
        assert_eq!(kept("§ 147 AO"), Reason::LegalDuty);
    }
}
