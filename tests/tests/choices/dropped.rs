//! Callers that go away at every poll while they say something: it is said whole or not at all.

use bailee::{
    Locale, Withdrawal,
    registry::{AgeBand, AgeMethod, Grounds, GuardianCheck, Objection, RestrictionGround},
};
use bailee_tests::{NOTES, Yielding, drill::Tasks, leave_at_every_poll};
use http::{HeaderMap, HeaderValue};

use super::*;

/// A world in memory whose answers are waited for, and the tasks that go on in it.
struct Scene {
    w: World,
    tasks: Tasks,
}

async fn scene() -> Scene {
    let tasks = Tasks::default();
    let runtime = tasks.clone();
    let builder = builder().change(move |builder| builder.runtime(runtime.clone()));
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let store = Storage::Given(Arc::new(Yielding::new(Arc::new(MemoryStore::new(clock)))));
    Scene { w: builder.storage(store).build().await.unwrap(), tasks }
}

impl Scene {
    /// Leaves an act at every poll; each record of the ledger has its entry, whatever was left.
    async fn leave<T>(&self, what: &str, act: impl AsyncFn(&Visitor) -> T) {
        let Self { w, tasks } = self;
        let people = std::sync::atomic::AtomicU64::new(0);
        let gone = leave_at_every_poll(
            what,
            tasks,
            async || {
                let n = people.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let visitor = w.visitor(&format!("{what} {n}"));
                // Something to take back and to end is there.
                w.connect(&visitor, "notes", &[NOTES]).await.unwrap();
                w.bailee.choices().object(&visitor, objection()).await.unwrap();
                visitor
            },
            async |visitor| act(visitor).await,
            async |visitor, _, what| {
                w.bailee.worker().settle().await.unwrap();
                let said = w.bailee.choices().history(&visitor).await.unwrap();
                let standing = w.bailee.choices().standing(&visitor).await.unwrap();
                let folded = bailee::registry::Standing::fold(&said);
                assert_eq!(standing, folded, "{what}: the standing is what was said");
                let connections = w.bailee.connections().of_visitor(&visitor).await.unwrap();
                let agreed = standing.consent(&NOTES, &NOTES_PROVIDER).unwrap().can_still_hold();
                if !agreed {
                    w.advance(std::time::Duration::from_secs(60));
                    w.bailee.worker().settle().await.unwrap();
                    let left = w.bailee.connections().of_visitor(&visitor).await.unwrap();
                    assert!(left.is_empty(), "{what}: nothing carries it");
                } else {
                    assert_eq!(connections.len(), 1, "{what}");
                }
            },
        )
        .await;
        assert!(gone >= 1, "{what} was left {gone} times");
    }
}

fn objection() -> Objection {
    Objection { purpose: NOTES, integration: None, grounds: Some(Grounds::new("fake")) }
}

/// Whether a consent is one still.
trait CanStillHold {
    fn can_still_hold(&self) -> bool;
}

impl CanStillHold for bailee::registry::Consent {
    fn can_still_hold(&self) -> bool {
        use bailee::registry::ConsentState::{Refused, Withdrawn};
        !matches!(self.state, Refused | Withdrawn)
    }
}

#[tokio::test]
async fn a_person_who_leaves_while_they_speak_said_it_whole_or_not_at_all() {
    let scene = scene().await;
    let w = &scene.w;
    let choices = w.bailee.choices();
    let grace = w.visitor("grace");
    let mut headers = HeaderMap::new();
    headers.append("sec-gpc", HeaderValue::from_static("1"));
    let through = Some(&NOTES_PROVIDER);
    scene.leave("agree", async |v| choices.agree(v, &[NEWS], [1; 32]).await).await;
    scene.leave("refuse", async |v| choices.refuse(v, through, &[NOTES], [1; 32]).await).await;
    scene.leave("withdraw", async |v| choices.withdraw(v, &Withdrawal::Everything).await).await;
    scene.leave("opt_out", async |v| choices.opt_out_of_marketing(v).await).await;
    scene.leave("opt_in", async |v| choices.end_marketing_opt_out(v).await).await;
    scene.leave("signal", async |v| choices.honour_signal(v, &headers).await).await;
    scene.leave("object", async |v| choices.object(v, objection()).await).await;
    scene.leave("unobject", async |v| choices.end_objection(v, &NOTES, None).await).await;
    scene.leave("restrict", async |v| choices.restrict(v, RestrictionGround::Unlawful).await).await;
    scene.leave("unrestrict", async |v| choices.end_restriction(v, None).await).await;
    scene.leave("age", async |v| choices.say_age(v, 40, None).await).await;
    scene
        .leave("guardian", async |v| {
            let check = GuardianCheck::Payment;
            choices.agree_as_guardian(&grace, v.person(), through, &[NOTES], [1; 32], check).await
        })
        .await;
    scene.leave("history", async |v| choices.history(v).await).await;
    scene.leave("standing", async |v| choices.standing(v).await).await;
    scene.leave("decide", async |v| choices.decide(v, &TIPS).await).await;
    w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test]
async fn an_operator_who_leaves_while_they_write_down_a_word_did_so_or_did_not() {
    let scene = scene().await;
    let w = &scene.w;
    let operator = w.bailee.operator_choices(OPERATOR);
    let grounds = Grounds::new("fake");
    let through = Some(&NOTES_PROVIDER);
    scene
        .leave("withdraw", async |v| {
            operator.withdraw(&ACME, v.person(), &Withdrawal::Everything).await
        })
        .await;
    scene.leave("opt_out", async |v| operator.opt_out_of_marketing(&ACME, v.person()).await).await;
    scene.leave("object", async |v| operator.object(&ACME, v.person(), objection()).await).await;
    scene.leave("uphold", async |v| operator.uphold(&ACME, v.person(), &NOTES, None).await).await;
    scene
        .leave("override", async |v| {
            operator.override_objection(&ACME, v.person(), &NOTES, None, &grounds).await
        })
        .await;
    scene
        .leave("grounds", async |v| {
            let history = operator.history(&ACME, v.person()).await.unwrap();
            let made = history.last().unwrap();
            operator.grounds(&ACME, v.person(), made.id).await
        })
        .await;
    scene
        .leave("restrict", async |v| {
            operator.restrict(&ACME, v.person(), RestrictionGround::Unlawful).await
        })
        .await;
    scene
        .leave("unrestrict", async |v| {
            operator.end_restriction(&ACME, v.person(), None, w.clock.now()).await
        })
        .await;
    scene
        .leave("age", async |v| {
            operator.learn_age(&ACME, v.person(), AgeBand::Minor, AgeMethod::Reported).await
        })
        .await;
    scene
        .leave("guardian", async |v| {
            let (locale, check) = (Locale::default(), GuardianCheck::Signature);
            let (person, text) = (v.person(), [1; 32]);
            operator
                .agree_for_guardian(&ACME, person, through, &[NOTES], text, &locale, check)
                .await
        })
        .await;
    w.assert_clean_audit(&["acme", "~"]).await;
}
