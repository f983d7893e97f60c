//! Callers of the ledger and of the disclosures that go away: each choice is a record, its entry and
//! the standing, or nothing; no use is lost.

use std::cell::Cell;

use bailee::{
    HostId, Locale, PurposeId, Result, SubjectId, TenantId,
    core::{Actor, Clock, ProviderId, RecipientId},
    registry::{Change, Choice, ConsentState, Disclosures, Given, How, Ledger, Standing},
    vault::{Holder, View},
};
use bailee_tests::{NOTES, PUBLISH};

use super::room::{ROOT, Room, in_each_room, root};

const ACME: TenantId = TenantId::from_static("acme");
const PROVIDER: ProviderId = ProviderId::from_static("notes");
const RECIPIENT: RecipientId = RecipientId::from_static("notes");
const ABUSE: PurposeId = PurposeId::from_static("abuse");

/// One person of a room, whose choices are recorded.
struct Desk<'r> {
    room: &'r Room,
    ledger: Ledger,
    person: SubjectId,
}

/// Ways in which a person's word is recorded.
const WORDS: [&str; 5] = ["give", "withdraw", "record", "withdraw_purposes", "withdraw_all"];

impl Desk<'_> {
    async fn view(&self) -> Result<View> {
        self.room.vault.read(&ACME, Holder::Subject(self.person), &[]).await
    }

    async fn change(&self, word: &str) -> Result<Change> {
        let view = self.view().await?;
        let by = Actor::Subject { subject: self.person };
        match word {
            "give" => {
                let given = Given {
                    purposes: vec![NOTES, PUBLISH],
                    integration: Some(PROVIDER),
                    declaration: [1; 32],
                    text: [2; 32],
                    locale: Locale::default(),
                    how: How::Page,
                    by,
                };
                self.ledger.give(&ACME, &view, &given).await
            }
            "withdraw" => self.ledger.withdraw(&ACME, &view, &NOTES, Some(&PROVIDER), &by).await,
            "withdraw_all" => self.ledger.withdraw_all(&ACME, &view, &PROVIDER, &by).await,
            "withdraw_purposes" => {
                let purposes = [PUBLISH];
                self.ledger.withdraw_purposes(&ACME, &view, &purposes, &PROVIDER, &by).await
            }
            _ => {
                let choice = Choice::ObjectionMade { purpose: ABUSE, integration: None };
                self.ledger.record(&ACME, &view, choice, &by).await
            }
        }
    }

    async fn say(&self, word: &str) -> Result<()> {
        let change = self.change(word).await?;
        if change.ops.is_empty() {
            return Ok(());
        }
        let batch = change.add_to(self.room.vault.batch()?);
        self.room.vault.commit(&ACME, batch).await.map(|_| ())
    }

    /// The records, the log and the standing say the same.
    async fn agrees(&self, what: &str) {
        let history = self.ledger.history(&ACME, self.person).await.unwrap();
        let mut entries = 0;
        for event in ["consent.given", "consent.withdrawn", "objection.made"] {
            entries += self.room.said(&ACME, event).await;
        }
        assert_eq!(history.len(), entries, "{what}: {history:?}");
        let standing = Standing::read(&self.view().await.unwrap().standing().unwrap()).unwrap();
        for purpose in [NOTES, PUBLISH] {
            let last = history.iter().rev().find_map(|record| match &record.choice {
                Choice::ConsentGiven { purpose: of, .. } if *of == purpose => Some(true),
                Choice::ConsentWithdrawn { purpose: of, .. } if *of == purpose => Some(false),
                _ => None,
            });
            let consent = standing.consent(&purpose, Some(&PROVIDER));
            let stands = consent.is_some_and(|consent| consent.state == ConsentState::Given);
            assert_eq!(stands, last.unwrap_or(false), "{what}");
        }
    }
}

#[tokio::test]
async fn a_word_whose_bearer_leaves_is_a_record_an_entry_and_the_standing_or_nothing() {
    in_each_room(async |room| {
        let person = room.vault.ensure_subject(&ACME, &HostId::text("ada")).await.unwrap();
        let desk = Desk { room, ledger: Ledger::new(room.vault.clone()), person };
        for word in WORDS {
            room.leave(
                word,
                async || desk.say("give").await.unwrap(),
                async |()| desk.say(word).await,
                async |(), said, what| {
                    if let Some(said) = said {
                        said.unwrap();
                    }
                    desk.agrees(what).await;
                    desk.say(word).await.unwrap();
                    desk.agrees(what).await;
                },
            )
            .await;
        }
        room.leave(
            "history",
            async || (),
            async |()| desk.ledger.history(&ACME, person).await.map(|history| history.len()),
            async |(), _, what| desk.agrees(what).await,
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn no_use_is_lost_by_a_flush_that_is_left() {
    in_each_room(async |room| {
        let people = Cell::new(0);
        let disclosures = Disclosures::new(room.vault.clone());
        let count = async |disclosures: &Disclosures, person| {
            let records = disclosures.of_subject(&ACME, person).await.unwrap();
            records.iter().map(|record| record.count).sum::<u64>()
        };
        let note = |person: SubjectId| {
            for purpose in [NOTES, PUBLISH, NOTES] {
                let at = room.clock.now();
                disclosures.note(&ACME, person, &RECIPIENT, &purpose, ["content"], at);
            }
        };
        room.leave(
            "flush",
            async || {
                people.set(people.get() + 1);
                let name = HostId::text(format!("person-{}", people.get()));
                let person = room.vault.ensure_subject(&ACME, &name).await.unwrap();
                note(person);
                person
            },
            async |_| disclosures.flush().await,
            async |person, written, what| {
                if let Some(written) = written {
                    assert_eq!(written.unwrap(), 2, "{what}");
                    assert_eq!(count(&disclosures, person).await, 3, "{what}");
                }
                assert!(count(&disclosures, person).await >= 3, "{what}");
                // Nobody is held back by the one that left.
                disclosures.flush().await.unwrap();
                assert_eq!(disclosures.unwritten(), 0, "{what}");
                let other = Disclosures::new(room.another(root(ROOT)).await.unwrap());
                let written = count(&other, person).await;
                assert!((3..=6).contains(&written), "{what}: {written}");
            },
        )
        .await;
        let person = room.vault.ensure_subject(&ACME, &HostId::text("ada")).await.unwrap();
        note(person);
        room.leave(
            "of_subject",
            async || (),
            async |()| count(&disclosures, person).await,
            async |(), _, what| assert_eq!(count(&disclosures, person).await, 3, "{what}"),
        )
        .await;
    })
    .await;
}
