//! Each thing that can be said, and what the gate makes of it.

use std::time::Duration;

use bailee_core::{
    Actor, Clock, ErrorKind, Id, ProviderId, PurposeId, Remedy, SubjectId, audit::Field,
};
use bailee_registry::{
    AgeBand, AgeMethod, Choice, ConsentState, Decision, Denial, Exemption, Given,
    GlobalPrivacyControl, Grounds, GuardianCheck, How, Objection, Outcome, Purpose,
    RestrictionGround, Standing, Wanted, versions::AskedAnew,
};
use bailee_store::{Log, Query, Store, Window};

use crate::desk::{ABUSE, ACME, Desk, NOTES, PUBLISH, SAVE, TIKTOK, purpose};

const ASK: Decision = Decision::Needs(Remedy::AskConsent);
static HERE: ProviderId = TIKTOK;
const DAY: Duration = Duration::from_secs(86_400);

/// What a person writes about their objection. It stands in no log and no column.
const GROUNDS: &str = "my ex-husband works there: fake-grounds-canary";

fn marketing(basis: &str) -> Purpose {
    purpose(&format!("use = \"marketing\"\nbasis = \"{basis}\""))
}

async fn decided(desk: &Desk, purpose: &Purpose) -> Decision {
    desk.standing().await.decide(purpose, &TIKTOK, desk.clock.now())
}

#[tokio::test]
async fn a_refused_consent_is_kept_with_what_was_shown_and_ends_an_earlier_one() {
    let desk = Desk::new().await;
    desk.give(TIKTOK, &[PUBLISH]).await;
    let asked = desk.given(TIKTOK, &[PUBLISH]);
    let change = desk.ledger.refuse(&ACME, &desk.view().await, &asked).await.unwrap();
    desk.commit(change).await.unwrap();
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, ASK);
    let standing = desk.standing().await;
    assert_eq!(standing.consent(&PUBLISH, &TIKTOK).unwrap().state, ConsentState::Refused);
    let history = desk.ledger.history(&ACME, desk.ada).await.unwrap();
    let Choice::ConsentRefused { declaration, text, how, .. } = &history[1].choice else {
        panic!("{history:?}")
    };
    assert_eq!((*declaration, *text, *how), ([1; 32], [2; 32], How::Page));
    // Somebody else can refuse in their name as little as agree.
    let forged = Given { by: Actor::System, ..asked };
    let error = desk.ledger.refuse(&ACME, &desk.view().await, &forged).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    desk.give(TIKTOK, &[PUBLISH]).await;
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Allowed);
}

#[tokio::test]
async fn a_consent_until_a_time_is_over_by_the_clock_and_needs_no_writer() {
    let desk = Desk::new().await;
    let until = desk.clock.now().plus(DAY);
    let given = Given { until: Some(until), ..desk.given(TIKTOK, &[PUBLISH]) };
    let change = desk.ledger.give(&ACME, &desk.view().await, &given).await.unwrap();
    desk.commit(change).await.unwrap();
    let stored = desk.standing().await;
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Allowed);
    desk.clock.jump_to(until.minus(Duration::from_micros(1)));
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Allowed);
    // Nothing is due before its time.
    let early = desk.ledger.expire(&ACME, &desk.view().await, &Actor::System).await.unwrap();
    assert!(early.ops.is_empty());
    desk.clock.jump_to(until);
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, ASK);
    assert_eq!(desk.standing().await, stored);
    let consent = stored.consent(&PUBLISH, &TIKTOK).unwrap();
    assert_eq!(consent.state_at(until), ConsentState::Expired);
    // Written down, it stays over when a clock goes back.
    let change = desk.ledger.expire(&ACME, &desk.view().await, &Actor::System).await.unwrap();
    assert_eq!(change.entries.len(), 1);
    desk.commit(change).await.unwrap();
    desk.clock.jump_to(until.minus(DAY));
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, ASK);
    let over = Given { until: Some(desk.clock.now()), ..given };
    let error = desk.ledger.give(&ACME, &desk.view().await, &over).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn what_changed_is_asked_anew() {
    let desk = Desk::new().await;
    desk.give(TIKTOK, &[PUBLISH]).await;
    desk.give(NOTES, &[SAVE]).await;
    let declaration = bailee_registry::Declaration::parse(crate::desk::EXAMPLE).unwrap();
    let publish = declaration.purpose(&PUBLISH).unwrap();
    let now = desk.clock.now();
    let standing = desk.standing().await;
    let wanted = Wanted::new(publish, &HERE, now);
    assert_eq!(standing.decide_on(&wanted.asked_anew(&AskedAnew::since(now))), Decision::Allowed);
    let later = now.plus(Duration::from_micros(1));
    assert_eq!(standing.decide_on(&wanted.asked_anew(&AskedAnew::since(later))), ASK);
    // A consent that is new enough, to the text of a version that lacks the change.
    let lacking = AskedAnew::since(now).stale([1; 32]);
    assert_eq!(standing.decide_on(&wanted.asked_anew(&lacking)), ASK);
    let others = AskedAnew::since(now).stale([9; 32]);
    assert_eq!(standing.decide_on(&wanted.asked_anew(&others)), Decision::Allowed);
    let operator = desk.operator();
    let view = desk.view().await;
    let change =
        desk.ledger.ask_anew(&ACME, &view, &[PUBLISH, SAVE], Some(&TIKTOK), &operator).await;
    desk.commit(change.unwrap()).await.unwrap();
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, ASK);
    assert_eq!(desk.decide(&SAVE, &NOTES).await, Decision::Allowed);
}

#[tokio::test]
async fn an_imported_consent_is_none_until_the_person_confirms_it() {
    let desk = Desk::new().await;
    let operator = desk.operator();
    let import = async |purposes: &[PurposeId], by: &Actor| {
        let view = desk.view().await;
        desk.ledger.import(&ACME, &view, purposes, Some(&TIKTOK), by).await
    };
    desk.commit(import(&[PUBLISH], &operator).await.unwrap()).await.unwrap();
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, ASK);
    let standing = desk.standing().await;
    assert_eq!(standing.consent(&PUBLISH, &TIKTOK).unwrap().state, ConsentState::Imported);
    assert_eq!(desk.ledger.history(&ACME, desk.ada).await.unwrap()[0].by, operator);
    desk.give(TIKTOK, &[PUBLISH]).await;
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Allowed);
    // It never takes the place of the person's own word, of whichever kind.
    assert!(import(&[PUBLISH], &operator).await.unwrap().ops.is_empty());
    desk.withdraw(&TIKTOK, &PUBLISH).await;
    assert!(import(&[PUBLISH], &operator).await.unwrap().ops.is_empty());
    for by in [desk.me(), Actor::Provider { provider: TIKTOK }] {
        assert_eq!(import(&[SAVE], &by).await.unwrap_err().kind(), ErrorKind::Denied);
    }
}

#[tokio::test]
async fn a_withdrawal_names_a_purpose_an_integration_or_everything() {
    let desk = Desk::new().await;
    let everything = async || {
        desk.give(TIKTOK, &[PUBLISH, SAVE]).await;
        desk.give(NOTES, &[PUBLISH, SAVE]).await;
    };
    let allowed = async || {
        let mut allowed = Vec::new();
        for (purpose, through) in
            [(&PUBLISH, &TIKTOK), (&SAVE, &TIKTOK), (&PUBLISH, &NOTES), (&SAVE, &NOTES)]
        {
            allowed.push(desk.decide(purpose, through).await.is_allowed());
        }
        allowed
    };
    everything().await;
    let view = desk.view().await;
    let me = desk.me();
    let change = desk.ledger.withdraw_everywhere(&ACME, &view, &PUBLISH, &me).await.unwrap();
    desk.commit(change).await.unwrap();
    assert_eq!(allowed().await, [false, true, false, true]);
    everything().await;
    let change = desk.ledger.withdraw_all(&ACME, &desk.view().await, &TIKTOK, &me).await.unwrap();
    desk.commit(change).await.unwrap();
    assert_eq!(allowed().await, [false, false, true, true]);
    let change = desk.ledger.withdraw_everything(&ACME, &desk.view().await, &me).await.unwrap();
    assert_eq!(change.entries.len(), 2, "what was withdrawn is not withdrawn again");
    desk.commit(change).await.unwrap();
    assert_eq!(allowed().await, [false, false, false, false]);
}

#[tokio::test]
async fn an_objection_holds_until_it_is_weighed_and_its_grounds_are_sealed() {
    let desk = Desk::new().await;
    let object = async |by: &Actor| {
        let objection = Objection {
            purpose: ABUSE,
            integration: Some(TIKTOK),
            grounds: Some(Grounds::new(GROUNDS)),
        };
        assert!(!format!("{objection:?}").contains("canary"));
        let view = desk.view().await;
        let change = desk.ledger.object(&ACME, &view, objection, by).await.unwrap();
        desk.commit(change).await.unwrap();
    };
    let declaration = bailee_registry::Declaration::parse(crate::desk::EXAMPLE).unwrap();
    let abuse = declaration.purpose(&ABUSE).unwrap();
    let overrule = async |grounds: &str, by: &Actor| {
        let view = desk.view().await;
        let grounds = Grounds::new(grounds);
        desk.ledger.override_objection(&ACME, &view, abuse, Some(&TIKTOK), grounds, by).await
    };
    let operator = desk.operator();
    let none = overrule("fraud", &operator).await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NotFound, "there is nothing to weigh yet");
    object(&desk.me()).await;
    assert_eq!(desk.decide(&ABUSE, &TIKTOK).await, Decision::Denied(Denial::Objected));
    let standing = desk.standing().await;
    assert_eq!(standing.objections().collect::<Vec<_>>(), [(ABUSE, Some(&TIKTOK), None)]);

    for (grounds, by, kind) in [
        ("fraud", desk.me(), ErrorKind::Denied),
        ("fraud", Actor::System, ErrorKind::Denied),
        (" \n", operator.clone(), ErrorKind::InvalidInput),
    ] {
        assert_eq!(overrule(grounds, &by).await.unwrap_err().kind(), kind);
    }
    desk.commit(overrule("fake-grounds-canary: fraud", &operator).await.unwrap()).await.unwrap();
    assert_eq!(desk.decide(&ABUSE, &TIKTOK).await, Decision::Allowed);
    let outcome = Some(Outcome::Overridden);
    assert_eq!(
        desk.standing().await.objections().collect::<Vec<_>>(),
        [(ABUSE, Some(&TIKTOK), outcome)]
    );

    // Who objects again is heard again, and what was upheld is not overridden.
    object(&desk.me()).await;
    assert_eq!(desk.decide(&ABUSE, &TIKTOK).await, Decision::Denied(Denial::Objected));
    let view = desk.view().await;
    let forged = desk.ledger.uphold(&ACME, &view, &ABUSE, Some(&TIKTOK), &desk.me()).await;
    assert_eq!(forged.unwrap_err().kind(), ErrorKind::Denied);
    let change = desk.ledger.uphold(&ACME, &view, &ABUSE, Some(&TIKTOK), &operator).await.unwrap();
    desk.commit(change).await.unwrap();
    object(&desk.me()).await;
    assert_eq!(overrule("fraud", &operator).await.unwrap_err().kind(), ErrorKind::Denied);
    assert_eq!(desk.decide(&ABUSE, &TIKTOK).await, Decision::Denied(Denial::Objected));

    // The grounds are found with their records, and nowhere else.
    let history = desk.ledger.history(&ACME, desk.ada).await.unwrap();
    let grounds = async |n: usize| {
        let sealed = desk.ledger.grounds(&ACME, desk.ada, history[n].id).await.unwrap();
        sealed.map(|text| text.expose(str::to_owned))
    };
    assert_eq!(grounds(0).await.as_deref(), Some(GROUNDS));
    assert_eq!(grounds(1).await.as_deref(), Some("fake-grounds-canary: fraud"));
    assert_eq!(grounds(3).await, None, "an outcome without a text has none");
    let unknown = desk.ledger.grounds(&ACME, desk.ada, Id::from_bytes([3; 16])).await;
    assert_eq!(unknown.unwrap_err().kind(), ErrorKind::NotFound);
    for logged in desk.store.entries(&ACME, Window::default()).await.unwrap() {
        assert!(!format!("{logged:?}").contains("canary"));
    }
    let query = Query::of_kind(bailee_registry::kind::CONSENT).subject(desk.ada);
    for record in desk.store.find(&ACME, &query).await.unwrap().records {
        assert!(!String::from_utf8_lossy(record.body.as_bytes()).contains("canary"));
    }
}

#[tokio::test]
async fn only_the_person_or_an_operator_ends_what_protects_the_person() {
    let desk = Desk::new().await;
    desk.record(Choice::ObjectionMade { purpose: ABUSE, integration: None }).await;
    desk.record(Choice::MarketingObjectionMade).await;
    desk.record(Choice::RestrictionBegun { ground: RestrictionGround::Unlawful }).await;
    let bob = SubjectId::from_id(Id::from_bytes([7; 16]));
    let ended = Choice::RestrictionEnded { ground: None, told: Some(desk.clock.now()) };
    for choice in [
        Choice::ObjectionEnded { purpose: ABUSE, integration: None },
        Choice::MarketingObjectionEnded,
        ended.clone(),
    ] {
        for by in [
            Actor::System,
            Actor::Provider { provider: TIKTOK },
            Actor::Member { subject: bob },
            Actor::Subject { subject: bob },
            Actor::Agent { subject: desk.ada, run: bob.id() },
            Actor::Schedule { subject: desk.ada, schedule: bob.id() },
        ] {
            let view = desk.view().await;
            let error = desk.ledger.record(&ACME, &view, choice.clone(), &by).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Denied, "{choice:?} by {by:?}");
        }
    }
    // An operator lifts a restriction after the person was told, not before.
    let operator = desk.operator();
    for told in [None, Some(desk.clock.now().plus(DAY))] {
        let untold = Choice::RestrictionEnded { ground: None, told };
        let view = desk.view().await;
        let error = desk.ledger.record(&ACME, &view, untold, &operator).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    let change = desk.ledger.record(&ACME, &desk.view().await, ended, &operator).await.unwrap();
    desk.commit(change).await.unwrap();
    assert!(desk.standing().await.restriction().is_none());
}

#[tokio::test]
async fn an_objection_to_marketing_covers_what_is_declared_later_and_is_never_overridden() {
    let desk = Desk::new().await;
    let newsletter = marketing("consent");
    let given = desk.given(TIKTOK, std::slice::from_ref(&newsletter.id));
    let change = desk.ledger.give(&ACME, &desk.view().await, &given).await.unwrap();
    desk.commit(change).await.unwrap();
    assert_eq!(decided(&desk, &newsletter).await, Decision::Allowed);
    desk.record(Choice::MarketingObjectionMade).await;
    assert!(desk.standing().await.objects_to_marketing());
    for basis in ["consent", "contract"] {
        let decision = decided(&desk, &marketing(basis)).await;
        assert_eq!(decision, Decision::Denied(Denial::Objected), "{basis}");
    }
    assert_eq!(desk.decide(&ABUSE, &TIKTOK).await, Decision::Allowed);
    desk.record(Choice::MarketingObjectionEnded).await;
    assert_eq!(decided(&desk, &newsletter).await, Decision::Allowed);

    // An objection to one marketing purpose cannot be overridden …
    let me = desk.me();
    let operator = desk.operator();
    let id = newsletter.id.clone();
    desk.record(Choice::ObjectionMade { purpose: id.clone(), integration: None }).await;
    let overrule = async |purpose: &Purpose| {
        let view = desk.view().await;
        let grounds = Grounds::new("we need it");
        desk.ledger.override_objection(&ACME, &view, purpose, None, grounds, &operator).await
    };
    assert_eq!(overrule(&newsletter).await.unwrap_err().kind(), ErrorKind::Denied);
    // … and one that was overridden holds again where the purpose turns to marketing.
    let analytics = purpose("use = \"analytics\"\nbasis = \"contract\"");
    assert_eq!(analytics.id, id);
    desk.commit(overrule(&analytics).await.unwrap()).await.unwrap();
    assert_eq!(decided(&desk, &analytics).await, Decision::Allowed);
    let turned = marketing("contract");
    assert_eq!(decided(&desk, &turned).await, Decision::Denied(Denial::Objected));
    let taken_back = Choice::ObjectionEnded { purpose: id, integration: None };
    let change = desk.ledger.record(&ACME, &desk.view().await, taken_back, &me).await.unwrap();
    desk.commit(change).await.unwrap();
    assert_eq!(decided(&desk, &turned).await, Decision::Allowed);
}

#[tokio::test]
async fn global_privacy_control_is_honoured_once_and_never_asked_again() {
    let desk = Desk::new().await;
    let honour = async |headers: &[(&str, &str)]| {
        let signal = GlobalPrivacyControl::read(headers.iter().copied())?;
        let view = desk.view().await;
        let change = desk.ledger.honour(&ACME, &view, signal, &Actor::System).await.unwrap();
        let written = !change.ops.is_empty();
        if written {
            desk.commit(change).await.unwrap();
        }
        Some(written)
    };
    assert_eq!(honour(&[("sec-gpc", "0")]).await, None);
    let at = desk.clock.now();
    assert_eq!(honour(&[("sec-gpc", "1")]).await, Some(true));
    desk.clock.advance(DAY);
    assert_eq!(honour(&[("sec-gpc", "1")]).await, Some(false));
    assert_eq!(desk.standing().await.gpc_honoured(), Some(at));
    assert_eq!(desk.decide(&ABUSE, &TIKTOK).await, Decision::Allowed);
    let newsletter = marketing("contract");
    assert_eq!(decided(&desk, &newsletter).await, Decision::Denied(Denial::Objected));
    let logged = desk.store.entries(&ACME, Window::default()).await.unwrap();
    assert_eq!(logged.iter().filter(|entry| entry.entry.event() == "gpc.honoured").count(), 1);
    // The person's own later word goes before what every request carries.
    desk.record(Choice::MarketingObjectionEnded).await;
    assert_eq!(honour(&[("sec-gpc", "1")]).await, Some(false));
    assert_eq!(decided(&desk, &newsletter).await, Decision::Allowed);
}

#[tokio::test]
async fn a_restriction_allows_what_article_18_allows_and_lasts_for_its_last_ground() {
    let desk = Desk::new().await;
    desk.give(TIKTOK, &[PUBLISH]).await;
    for ground in [RestrictionGround::AccuracyContested, RestrictionGround::NeededForClaims] {
        desk.record(Choice::RestrictionBegun { ground }).await;
    }
    let declaration = bailee_registry::Declaration::parse(crate::desk::EXAMPLE).unwrap();
    let publish = declaration.purpose(&PUBLISH).unwrap();
    let despite = async |exemption| {
        let wanted = Wanted::new(publish, &HERE, desk.clock.now());
        desk.standing().await.decide_on(&wanted.despite_restriction(exemption))
    };
    let restricted = Decision::Denied(Denial::Restricted);
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, restricted);
    assert_eq!(desk.standing().await.may_keep(), Decision::Allowed);
    for exemption in [Exemption::LegalClaims, Exemption::OthersRights, Exemption::PublicInterest] {
        assert_eq!(despite(exemption).await, Decision::Allowed);
    }
    // What was agreed to before is no consent to this; what is agreed to now is, where it is asked
    // for by that name.
    assert_eq!(despite(Exemption::Consent).await, restricted);
    desk.give(TIKTOK, &[PUBLISH]).await;
    assert_eq!(despite(Exemption::Consent).await, Decision::Allowed);
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, restricted);
    desk.withdraw(&TIKTOK, &PUBLISH).await;
    assert_eq!(despite(Exemption::Consent).await, restricted);
    desk.give(TIKTOK, &[PUBLISH]).await;
    // A new ground is a new restriction: it is asked for again.
    desk.record(Choice::RestrictionBegun { ground: RestrictionGround::Unlawful }).await;
    assert_eq!(despite(Exemption::Consent).await, restricted);

    for ground in [
        RestrictionGround::AccuracyContested,
        RestrictionGround::NeededForClaims,
        RestrictionGround::Unlawful,
    ] {
        assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, restricted);
        desk.record(Choice::RestrictionEnded { ground: Some(ground), told: None }).await;
    }
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Allowed);
}

async fn learn(desk: &Desk, band: AgeBand) -> Option<bailee_registry::PromptErasure> {
    let view = desk.view().await;
    let (method, me) = (AgeMethod::Declared, desk.me());
    let learnt = desk.ledger.learn_age(&ACME, &view, band, method, &me).await.unwrap();
    desk.commit(learnt.change).await.unwrap();
    learnt.erase
}

fn guardian(desk: &Desk, provider: ProviderId, purposes: &[PurposeId]) -> Given {
    let parent = SubjectId::from_id(Id::from_bytes([6; 16]));
    Given {
        by: Actor::Member { subject: parent },
        guardian: Some(GuardianCheck::Payment),
        ..desk.given(provider, purposes)
    }
}

#[tokio::test]
async fn a_minor_agrees_only_with_a_guardian() {
    let desk = Desk::new().await;
    desk.give(TIKTOK, &[PUBLISH]).await;
    assert_eq!(learn(&desk, AgeBand::Minor).await, None);
    let missing = Decision::Denied(Denial::GuardianMissing);
    // Neither what was agreed to before, nor what is agreed to alone.
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, missing);
    desk.give(TIKTOK, &[PUBLISH]).await;
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, missing);
    let standing = desk.standing().await;
    assert_eq!(standing.consent(&PUBLISH, &TIKTOK).unwrap().state, ConsentState::AwaitsGuardian);
    // Other bases do not rest on consent.
    assert_eq!(desk.decide(&ABUSE, &TIKTOK).await, Decision::Allowed);

    let good = guardian(&desk, TIKTOK, &[PUBLISH]);
    for (forged, kind) in [
        (Given { by: desk.me(), ..good.clone() }, ErrorKind::Denied),
        (Given { by: Actor::Member { subject: desk.ada }, ..good.clone() }, ErrorKind::Denied),
        (Given { by: Actor::Provider { provider: TIKTOK }, ..good.clone() }, ErrorKind::Denied),
        (Given { guardian: Some(GuardianCheck::Unknown), ..good.clone() }, ErrorKind::InvalidInput),
    ] {
        let error = desk.ledger.give(&ACME, &desk.view().await, &forged).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{forged:?}");
    }
    let change = desk.ledger.give(&ACME, &desk.view().await, &good).await.unwrap();
    assert_eq!(change.entries[0].field("method"), Some(&Field::from("payment")));
    desk.commit(change).await.unwrap();
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Allowed);
    // The child who connects again does not lose it; under another declaration it is asked anew.
    desk.give(TIKTOK, &[PUBLISH]).await;
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Allowed);
    let other = Given { declaration: [9; 32], ..desk.given(TIKTOK, &[PUBLISH]) };
    let change = desk.ledger.give(&ACME, &desk.view().await, &other).await.unwrap();
    desk.commit(change).await.unwrap();
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, missing);
    // Who turns out to be old enough is asked themselves.
    assert_eq!(learn(&desk, AgeBand::Adult).await, None);
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, ASK);
}

#[tokio::test]
async fn what_a_guardian_limited_is_not_made_longer_by_the_child() {
    let desk = Desk::new().await;
    learn(&desk, AgeBand::Minor).await;
    let until = desk.clock.now().plus(DAY);
    let given = Given { until: Some(until), ..guardian(&desk, TIKTOK, &[PUBLISH]) };
    let change = desk.ledger.give(&ACME, &desk.view().await, &given).await.unwrap();
    desk.commit(change).await.unwrap();
    desk.give(TIKTOK, &[PUBLISH]).await;
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Allowed);
    desk.clock.jump_to(until);
    let missing = Decision::Denied(Denial::GuardianMissing);
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, missing);
}

#[tokio::test]
async fn without_a_known_age_a_service_for_all_ages_has_no_consent() {
    let desk = Desk::new().await;
    desk.give(TIKTOK, &[PUBLISH]).await;
    let declaration = bailee_registry::Declaration::parse(crate::desk::EXAMPLE).unwrap();
    let publish = declaration.purpose(&PUBLISH).unwrap();
    let of_all_ages = async || {
        let wanted = Wanted::new(publish, &HERE, desk.clock.now()).of_all_ages();
        desk.standing().await.decide_on(&wanted)
    };
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Allowed);
    assert_eq!(of_all_ages().await, Decision::Denied(Denial::AgeUnknown));
    learn(&desk, AgeBand::Adult).await;
    assert_eq!(of_all_ages().await, Decision::Allowed);
    learn(&desk, AgeBand::Unknown).await;
    assert_eq!(desk.decide(&PUBLISH, &TIKTOK).await, Decision::Denied(Denial::AgeUnknown));
}

#[tokio::test]
async fn a_child_who_is_found_is_deleted_promptly_and_nothing_else_is_done() {
    let desk = Desk::new().await;
    desk.give(TIKTOK, &[PUBLISH]).await;
    let since = desk.clock.now();
    let erase = learn(&desk, AgeBand::Child).await.unwrap();
    assert_eq!((erase.tenant, erase.subject, erase.since), (ACME, desk.ada, since));
    assert_eq!(erase.integrations.into_iter().collect::<Vec<_>>(), [TIKTOK]);
    let standing = desk.standing().await;
    assert_eq!(standing.child_found(), Some(since), "it is known until it is done");
    let child = Decision::Denied(Denial::Child);
    for purpose in [&PUBLISH, &ABUSE] {
        assert_eq!(desk.decide(purpose, &TIKTOK).await, child);
    }
    assert_eq!(standing.may_keep(), child);
    // A release that knows of no ages sees a restriction, and no consent.
    assert!(standing.restriction().is_some());
    assert_eq!(standing.consent(&PUBLISH, &TIKTOK).unwrap().state, ConsentState::AwaitsGuardian);
    // No exemption, no word of a guardian, no end of a restriction changes it.
    let declaration = bailee_registry::Declaration::parse(crate::desk::EXAMPLE).unwrap();
    let wanted = Wanted::new(declaration.purpose(&ABUSE).unwrap(), &HERE, since);
    let claims = wanted.despite_restriction(Exemption::LegalClaims);
    assert_eq!(standing.decide_on(&claims), child);
    let view = desk.view().await;
    for given in [desk.given(TIKTOK, &[PUBLISH]), guardian(&desk, TIKTOK, &[PUBLISH])] {
        let error = desk.ledger.give(&ACME, &view, &given).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
    }
    desk.record(Choice::RestrictionEnded { ground: None, told: None }).await;
    assert_eq!(desk.decide(&ABUSE, &TIKTOK).await, child);
    let logged = desk.store.entries(&ACME, Window::default()).await.unwrap();
    assert!(logged.iter().any(|entry| entry.entry.event() == "child.found"));
    // It was a mistake.
    assert_eq!(learn(&desk, AgeBand::Adult).await, None);
    assert_eq!(desk.decide(&ABUSE, &TIKTOK).await, Decision::Allowed);
    assert!(desk.standing().await.restriction().is_none());
}

#[tokio::test]
async fn aud_03_no_entry_says_how_old_somebody_is() {
    let desk = Desk::new().await;
    for band in [AgeBand::Adult, AgeBand::Minor, AgeBand::Unknown] {
        learn(&desk, band).await;
    }
    let logged = desk.store.entries(&ACME, Window::default()).await.unwrap();
    let ages = logged.iter().filter(|logged| logged.entry.event() == "age.learnt");
    let said: Vec<_> = ages
        .map(|logged| logged.entry.fields().map(|(name, _)| name.to_owned()).collect::<Vec<_>>())
        .collect();
    assert_eq!(said.len(), 3);
    assert!(said.iter().all(|fields| *fields == ["actor", "method"]), "{said:?}");
    let history = desk.ledger.history(&ACME, desk.ada).await.unwrap();
    assert!(!format!("{history:?}").to_lowercase().contains("minor"));
    assert_eq!(Standing::fold(&history), desk.standing().await);
}
