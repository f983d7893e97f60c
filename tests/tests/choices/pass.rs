//! A use that is under way when the word is said, in another process.

use std::time::Duration;

use bailee::{
    ErrorKind, Withdrawal,
    core::Effect,
    providers::{
        Context, Endpoint as At, Failure, Input, Next, Operation, OperationFacts, Request, Step,
    },
    registry::RestrictionGround,
};
use bailee_testkit::emulator::{Fault, Gate};
use bailee_tests::NOTES;
use http::Method;

use super::*;

/// Two requests one after the other.
struct Long;

static LONG: OperationFacts = OperationFacts {
    name: "notes.write",
    provider: NOTES_PROVIDER,
    scopes: &[bailee::core::ScopeName::from_static("notes.write")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/notes",
    sends: &["content"],
    reads: &[],
    credential: bailee::core::CredentialName::from_static("user"),
};

struct Two(u8, Request);

impl Step<()> for Two {
    fn next(&mut self, _: Input) -> Result<Next<()>, Failure> {
        self.0 += 1;
        Ok(if self.0 > 2 { Next::Done(()) } else { Next::Send(self.1.clone()) })
    }
}

impl Operation for Long {
    type Output = ();

    fn facts(&self) -> &OperationFacts {
        &LONG
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<()>> {
        let api = cx.spec.api.as_ref().unwrap().as_str().trim_end_matches('/').to_owned();
        let url = format!("{api}/notes").parse::<url::Url>().unwrap();
        let request = Request::new(Method::GET, url, At::Api, Effect::Read).with_bearer();
        Box::new(Two(0, request))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dis_04_a_word_stops_what_is_under_way_in_another_process_within_a_second() {
    for place in places().await {
        for withdraws in [true, false] {
            for (meanwhile, goes_on) in [(1000, false), (999, true)] {
                let Place { name, w, other, ada, .. } = &place;
                let connection = w.connect(ada, "notes", &[NOTES]).await.unwrap();
                let before = saved(w);
                let gate = Gate::new();
                w.site("id.example.test").fault(Endpoint::Api, Fault::Held(gate.clone()));
                let acting = other.acting(ada, &NOTES);
                let which = connection.clone();
                let call = tokio::spawn(async move { acting.call(&which, &Long).await });
                gate.until_arrived(1).await;
                let choices = w.bailee.choices();
                if withdraws {
                    let what = Withdrawal::Purpose(NOTES);
                    let withdrawn = choices.withdraw(ada, &what).await.unwrap();
                    assert_eq!(withdrawn.ended.len(), 1, "{name}");
                } else {
                    choices.restrict(ada, RestrictionGround::Unlawful).await.unwrap();
                }
                w.advance(Duration::from_millis(meanwhile));
                gate.open();
                let outcome = call.await.unwrap();
                if goes_on {
                    assert_eq!(saved(w) - before, 2, "{name}, {withdraws}: the pass stands");
                } else {
                    let kind = outcome.unwrap_err().kind();
                    let (why, which) = (ErrorKind::NotFound, ErrorKind::Denied);
                    assert_eq!(kind, if withdraws { why } else { which }, "{name}");
                    assert_eq!(saved(w) - before, 1, "{name}: the second did not leave");
                }
                choices.end_restriction(ada, None).await.unwrap();
            }
        }
    }
}
