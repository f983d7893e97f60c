//! Callers of the ledger and of the disclosures that go away: each choice is a record, its entry and
//! the standing, or nothing; no use is lost.

use std::{cell::Cell, time::Duration};

use bailee::{
    HostId, Locale, PurposeId, Result, SubjectId, TenantId,
    core::{Actor, Clock, Id, ProviderId, RecipientId},
    registry::{
        AgeBand, AgeMethod, Change, Choice, ConsentRecord, Disclosures, Given,
        GlobalPrivacyControl, Grounds, How, Ledger, Objection, Standing,
    },
    vault::{Holder, View},
};
use bailee_tests::{NOTES, PUBLISH, declaration};

use super::room::{ROOT, Room, in_each_room, root};

const ACME: TenantId = TenantId::from_static("acme");
const PROVIDER: ProviderId = ProviderId::from_static("notes");
const RECIPIENT: RecipientId = RecipientId::from_static("notes");
const ABUSE: PurposeId = PurposeId::from_static("abuse");
const DAY: Duration = Duration::from_secs(86_400);

/// One person of a room, whose choices are recorded.
struct Desk<'r> {
    room: &'r Room,
    ledger: Ledger,
    person: SubjectId,
}

/// Ways in which a person's word is recorded, or what is found out or decided about it. What weighs
/// an objection comes after the objection.
const WORDS: [&str; 16] = [
    "give",
    "withdraw",
    "record",
    "withdraw_purposes",
    "withdraw_all",
    "refuse",
    "import",
    "withdraw_everywhere",
    "withdraw_everything",
    "expire",
    "ask_anew",
    "honour",
    "learn_age",
    "object",
    "override_objection",
    "uphold",
];

/// What the log says of them.
const EVENTS: [&str; 10] = [
    "age.learnt",
    "consent.expired",
    "consent.given",
    "consent.imported",
    "consent.refused",
    "consent.withdrawn",
    "gpc.honoured",
    "objection.made",
    "objection.overridden",
    "objection.upheld",
];

impl Desk<'_> {
    async fn view(&self) -> Result<View> {
        self.room.vault.read(&ACME, Holder::Subject(self.person), &[]).await
    }

    async fn change(&self, word: &str) -> Result<Change> {
        let view = self.view().await?;
        let by = Actor::Subject { subject: self.person };
        let operator = Actor::Operator { operator: Id::from_bytes([8; 16]) };
        let given = Given {
            purposes: vec![NOTES, PUBLISH],
            integration: Some(PROVIDER),
            declaration: [1; 32],
            text: [2; 32],
            locale: Locale::default(),
            how: How::Page,
            by: by.clone(),
            until: Some(self.room.clock.now().plus(DAY)),
            guardian: None,
        };
        let (ledger, view) = (&self.ledger, &view);
        match word {
            "give" => ledger.give(&ACME, view, &given).await,
            "refuse" => ledger.refuse(&ACME, view, &given).await,
            "import" => ledger.import(&ACME, view, &[ABUSE], Some(&PROVIDER), &operator).await,
            "withdraw" => ledger.withdraw(&ACME, view, &NOTES, Some(&PROVIDER), &by).await,
            "withdraw_all" => ledger.withdraw_all(&ACME, view, &PROVIDER, &by).await,
            "withdraw_purposes" => {
                ledger.withdraw_purposes(&ACME, view, &[PUBLISH], &PROVIDER, &by).await
            }
            "withdraw_everywhere" => ledger.withdraw_everywhere(&ACME, view, &NOTES, &by).await,
            "withdraw_everything" => ledger.withdraw_everything(&ACME, view, &by).await,
            "expire" => ledger.expire(&ACME, view, &Actor::System).await,
            "ask_anew" => {
                ledger.ask_anew(&ACME, view, &[PUBLISH], Some(&PROVIDER), &operator).await
            }
            "honour" => {
                let signal = GlobalPrivacyControl::read([("sec-gpc", "1")]).unwrap();
                ledger.honour(&ACME, view, signal, &Actor::System).await
            }
            "learn_age" => {
                let (band, method) = (AgeBand::Adult, AgeMethod::Declared);
                ledger.learn_age(&ACME, view, band, method, &by).await.map(|learnt| learnt.change)
            }
            "object" => {
                let grounds = Some(Grounds::new("my own reasons"));
                let objection = Objection { purpose: ABUSE, integration: None, grounds };
                ledger.object(&ACME, view, objection, &by).await
            }
            "override_objection" => {
                let declaration = declaration();
                let abuse = declaration.purpose(&ABUSE).unwrap();
                let grounds = Grounds::new("fraud");
                ledger.override_objection(&ACME, view, abuse, None, grounds, &operator).await
            }
            "uphold" => ledger.uphold(&ACME, view, &ABUSE, None, &operator).await,
            _ => {
                let choice = Choice::ObjectionMade { purpose: ABUSE, integration: None };
                ledger.record(&ACME, view, choice, &by).await
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
        let entries = self.room.said_of(&ACME, self.person, &EVENTS).await;
        assert_eq!(history.len(), entries, "{what}: {history:?}");
        let standing = Standing::read(&self.view().await.unwrap().standing().unwrap()).unwrap();
        assert_eq!(Standing::fold(&history), standing, "{what}");
        let now = self.room.clock.now();
        for purpose in [NOTES, PUBLISH] {
            let last = history.iter().rev().find_map(|record| match &record.choice {
                Choice::ConsentGiven { purpose: of, until, .. } if *of == purpose => {
                    Some(until.is_none_or(|until| now < until))
                }
                Choice::ConsentExpired { purpose: of, .. }
                | Choice::ConsentRefused { purpose: of, .. }
                | Choice::ConsentWithdrawn { purpose: of, .. }
                    if *of == purpose =>
                {
                    Some(false)
                }
                _ => None,
            });
            let consent = standing.consent(&purpose, Some(&PROVIDER));
            let stands = consent.is_some_and(|consent| consent.stands(now));
            assert_eq!(stands, last.unwrap_or(false), "{what}");
        }
    }
}

#[tokio::test]
async fn a_word_whose_bearer_leaves_is_a_record_an_entry_and_the_standing_or_nothing() {
    in_each_room(async |room| {
        let mut desks = Vec::new();
        for word in WORDS {
            // A person for each, so that their ledgers stay short.
            let person = room.vault.ensure_subject(&ACME, &HostId::text(word)).await.unwrap();
            let desk = Desk { room, ledger: Ledger::new(room.vault.clone()), person };
            room.leave(
                word,
                async || {
                    desk.say("give").await.unwrap();
                    match word {
                        "expire" => room.clock.advance(DAY),
                        "override_objection" | "uphold" => desk.say("object").await.unwrap(),
                        _ => {}
                    }
                },
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
            desks.push(desk);
        }
        let overridden = WORDS.iter().position(|word| *word == "override_objection").unwrap();
        let desk = &desks[overridden];
        let person = desk.person;
        let history = desk.ledger.history(&ACME, person).await.unwrap();
        let objected =
            |record: &&ConsentRecord| matches!(record.choice, Choice::ObjectionOverridden { .. });
        let weighed = history.iter().find(objected).unwrap().id;
        room.leave(
            "grounds",
            async || (),
            async |()| desk.ledger.grounds(&ACME, person, weighed).await,
            async |(), grounds, what| {
                if let Some(grounds) = grounds {
                    grounds.unwrap().unwrap().expose(|text| assert_eq!(text, "fraud"));
                }
                desk.agrees(what).await;
            },
        )
        .await;
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
