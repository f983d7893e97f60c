//! Each word, and what the other process says at its next call.

use bailee::{
    ErrorKind, Locale,
    core::Clock,
    registry::{
        AgeBand, AgeMethod, Choice, Decision, Denial, Grounds, GuardianCheck, Objection,
        RestrictionGround,
    },
};
use bailee_tests::NOTES;
use http::{HeaderMap, HeaderValue};

use super::*;

fn objection(integration: Option<ProviderId>) -> Objection {
    Objection { purpose: NOTES, integration, grounds: Some(Grounds::new("fake-grounds-canary")) }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_word_of_a_person_holds_at_the_next_call_of_every_process() {
    for place in places().await {
        let Place { name, w, other, ada, .. } = &place;
        let connection = w.connect(ada, "notes", &[NOTES]).await.unwrap();
        let (choices, operator) = (w.bailee.choices(), w.bailee.operator_choices(OPERATOR));
        let person = ada.person();
        let allowed = async |what: &str| {
            for process in [other, &w.bailee] {
                save(process, ada, &connection)
                    .await
                    .unwrap_or_else(|e| panic!("{name}, {what}: {e}"));
            }
        };
        let denied = async |word: &str| {
            let before = saved(w);
            for process in [other, &w.bailee] {
                let error = save(process, ada, &connection).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Denied, "{name}, {word}: {error}");
                assert_eq!(error.detail(), Some(word), "{name}");
            }
            assert_eq!(saved(w), before, "{name}, {word}: nothing left");
        };
        allowed("connected").await;

        for integration in [None, Some(NOTES_PROVIDER)] {
            choices.object(ada, objection(integration.clone())).await.unwrap();
            denied("objected").await;
            choices.end_objection(ada, &NOTES, integration.as_ref()).await.unwrap();
            allowed("the objection is over").await;
        }

        operator.object(&ACME, person, objection(None)).await.unwrap();
        denied("objected").await;
        let grounds = Grounds::new("fake-compelling-canary");
        operator.override_objection(&ACME, person, &NOTES, None, &grounds).await.unwrap();
        allowed("the objection was overridden").await;
        operator.object(&ACME, person, objection(None)).await.unwrap();
        operator.uphold(&ACME, person, &NOTES, None).await.unwrap();
        denied("objected").await;
        let again = operator.override_objection(&ACME, person, &NOTES, None, &grounds).await;
        assert_eq!(again.unwrap_err().kind(), ErrorKind::Denied);
        choices.end_objection(ada, &NOTES, None).await.unwrap();
        allowed("its person ended it").await;

        choices.restrict(ada, RestrictionGround::AccuracyContested).await.unwrap();
        denied("restricted").await;
        let late = w.clock.now().plus(std::time::Duration::from_secs(1));
        let refused = operator.end_restriction(&ACME, person, None, late).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput, "they are told before");
        denied("restricted").await;
        operator.end_restriction(&ACME, person, None, w.clock.now()).await.unwrap();
        allowed("they were told").await;
        operator.restrict(&ACME, person, RestrictionGround::Unlawful).await.unwrap();
        denied("restricted").await;
        choices.end_restriction(ada, Some(RestrictionGround::Unlawful)).await.unwrap();
        allowed("the restriction is over").await;

        let erase = operator.learn_age(&ACME, person, AgeBand::Minor, AgeMethod::Reported);
        assert_eq!(erase.await.unwrap(), None);
        denied("guardian_missing").await;
        let grace = w.visitor("grace");
        let (how, through) = (GuardianCheck::Account, Some(&NOTES_PROVIDER));
        let own = choices.agree_as_guardian(ada, person, through, &[NOTES], [7; 32], how).await;
        assert_eq!(own.unwrap_err().kind(), ErrorKind::Denied, "nobody is their own guardian");
        denied("guardian_missing").await;
        choices.agree_as_guardian(&grace, person, through, &[NOTES], [7; 32], how).await.unwrap();
        allowed("a guardian agreed").await;

        let child = choices.say_age(ada, 12, None).await.unwrap();
        assert_eq!(child.band, AgeBand::Child);
        let erase = child.erase.unwrap();
        assert_eq!(Some(erase.subject), connection.owner().subject());
        assert!(erase.integrations.contains(&NOTES_PROVIDER));
        denied("child").await;
        let older = choices.say_age(ada, 30, None).await.unwrap_err();
        assert_eq!(older.kind(), ErrorKind::Denied, "a child does not grow up by saying so");
        denied("child").await;
        let erase = operator.learn_age(&ACME, person, AgeBand::Adult, AgeMethod::Document).await;
        assert_eq!(erase.unwrap(), None);
        operator
            .agree_for_guardian(
                &ACME,
                person,
                through,
                &[NOTES],
                [7; 32],
                &Locale::default(),
                GuardianCheck::Signature,
            )
            .await
            .unwrap();
        allowed("an operator saw a document").await;

        w.assert_clean_audit(&["acme", "~"]).await;
        let log = w.audit("acme").await;
        let text = format!("{log:?}");
        assert!(!text.contains("canary"), "{name}: what people write stands in no log");
        let of_operator = log.iter().filter(|logged| logged.entry.field("operator").is_some());
        assert!(of_operator.count() >= 7, "{name}: operators are named");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn marketing_ends_with_one_word_of_the_person_or_of_their_browser() {
    let w = builder().build().await.unwrap();
    let other = w.another_process(declared()).await.unwrap();
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let choices = w.bailee.choices();
    let says = async |visitor: &Visitor, purpose: &PurposeId| {
        other.choices().decide(visitor, purpose).await.unwrap()
    };
    let objected = Decision::Denied(Denial::Objected);
    assert!(says(&ada, &TIPS).await.is_allowed());
    assert!(!says(&ada, &NEWS).await.is_allowed(), "nobody agreed yet");
    choices.agree(&ada, &[NEWS, TIPS, NEWS], [3; 32]).await.unwrap();
    assert!(says(&ada, &NEWS).await.is_allowed());
    let history = choices.history(&ada).await.unwrap();
    assert_eq!(history.len(), 1, "what rests on another basis needs no consent: {history:?}");

    choices.opt_out_of_marketing(&ada).await.unwrap();
    for purpose in [&NEWS, &TIPS] {
        assert_eq!(says(&ada, purpose).await, objected);
    }
    choices.opt_out_of_marketing(&ada).await.unwrap();
    assert_eq!(choices.history(&ada).await.unwrap().len(), 2, "once is enough");
    choices.end_marketing_opt_out(&ada).await.unwrap();
    assert!(says(&ada, &NEWS).await.is_allowed());

    let mut headers = HeaderMap::new();
    assert!(!choices.honour_signal(&grace, &headers).await.unwrap());
    let known = w.bailee.vault().subject(&ACME, grace.person()).await.unwrap();
    assert!(known.is_none(), "who says nothing is not taken in");
    headers.append("sec-gpc", HeaderValue::from_static("1"));
    for _ in 0..3 {
        assert!(choices.honour_signal(&grace, &headers).await.unwrap());
    }
    assert_eq!(choices.history(&grace).await.unwrap().len(), 1);
    assert_eq!(says(&grace, &TIPS).await, objected);
    choices.end_marketing_opt_out(&grace).await.unwrap();
    assert!(choices.honour_signal(&grace, &headers).await.unwrap());
    assert!(says(&grace, &TIPS).await.is_allowed(), "their own word goes before their browser's");

    let operator = w.bailee.operator_choices(OPERATOR);
    let hal = w.visitor("hal");
    operator.opt_out_of_marketing(&ACME, hal.person()).await.unwrap();
    assert_eq!(says(&hal, &TIPS).await, objected, "a letter is enough");
    let history = operator.history(&ACME, hal.person()).await.unwrap();
    assert_eq!(history[0].choice, Choice::MarketingObjectionMade);
    let unknown = operator.history(&ACME, w.visitor("eve").person()).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_wrote_is_read_by_an_operator_and_by_nobody_else() {
    let w = builder().build().await.unwrap();
    let ada = w.visitor("ada");
    w.bailee.choices().object(&ada, objection(None)).await.unwrap();
    let operator = w.bailee.operator_choices(OPERATOR);
    let record = operator.history(&ACME, ada.person()).await.unwrap().remove(0);
    let grounds = operator.grounds(&ACME, ada.person(), record.id).await.unwrap().unwrap();
    assert_eq!(grounds.expose(str::len), "fake-grounds-canary".len());
    w.bailee.choices().opt_out_of_marketing(&w.visitor("grace")).await.unwrap();
    let foreign = operator.grounds(&ACME, w.visitor("grace").person(), record.id).await;
    assert_eq!(foreign.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn saying_again_what_stands_or_ending_what_is_not_there_writes_nothing() {
    let w = builder().build().await.unwrap();
    let (ada, nobody) = (w.visitor("ada"), w.visitor("nobody"));
    w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let choices = w.bailee.choices();
    let ground = RestrictionGround::AccuracyContested;
    choices.restrict(&ada, ground).await.unwrap();
    assert_eq!(choices.say_age(&ada, 40, None).await.unwrap().band, AgeBand::Adult);
    let before = (w.audit("acme").await.len(), choices.history(&ada).await.unwrap().len());
    choices.restrict(&ada, ground).await.unwrap();
    assert_eq!(choices.say_age(&ada, 41, None).await.unwrap().band, AgeBand::Adult);
    for visitor in [&ada, &nobody] {
        choices.end_objection(visitor, &NOTES, None).await.unwrap();
        choices.end_restriction(visitor, Some(RestrictionGround::Unlawful)).await.unwrap();
        choices.end_marketing_opt_out(visitor).await.unwrap();
        let what = bailee::Withdrawal::Purpose(NEWS);
        let withdrawn = choices.withdraw(visitor, &what).await.unwrap();
        assert!(withdrawn.ended.is_empty() && withdrawn.ending.is_empty());
    }
    assert_eq!((w.audit("acme").await.len(), choices.history(&ada).await.unwrap().len()), before);
    assert!(choices.standing(&nobody).await.unwrap().restriction().is_none());
    assert!(choices.history(&nobody).await.unwrap().is_empty());
    let known = w.bailee.vault().subject(&ACME, nobody.person()).await.unwrap();
    assert!(known.is_none(), "who takes nothing back is not taken in for it");
    let nothing = bailee::Withdrawal::Uses { integration: None, purposes: Vec::new() };
    let error = choices.withdraw(&ada, &nothing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_who_speak_at_once_are_both_heard() {
    let w = builder().build().await.unwrap();
    let ada = w.visitor("ada");
    w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let other = w.another_process(declared()).await.unwrap();
    let (one, two) = (w.bailee.choices(), other.operator_choices(OPERATOR));
    for _ in 0..8 {
        let (person, restrict) = tokio::join!(
            one.opt_out_of_marketing(&ada),
            two.restrict(&ACME, ada.person(), RestrictionGround::Unlawful),
        );
        person.unwrap();
        restrict.unwrap();
        let standing = one.standing(&ada).await.unwrap();
        assert!(standing.objects_to_marketing() && standing.restriction().is_some());
        one.end_marketing_opt_out(&ada).await.unwrap();
        one.end_restriction(&ada, None).await.unwrap();
    }
}
