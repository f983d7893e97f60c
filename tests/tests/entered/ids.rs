//! A key whose provider names its account by more than one id.

use std::result::Result;

use bailee::{
    core::IdToken,
    providers::{
        Account, AccountId, Context, Failure, Generic, GrantFacts, Input, Next, Provider, Spec,
        Step,
    },
};

use super::*;

/// A provider of keys that names an account by two ids.
#[derive(Debug)]
struct TwoIds(Generic);

impl Provider for TwoIds {
    fn spec(&self) -> &Spec {
        self.0.spec()
    }

    fn identity(
        &self,
        cx: &Context<'_>,
        grant: &GrantFacts,
        nonce: Option<&str>,
        id_token: Option<IdToken>,
    ) -> Box<dyn Step<Account>> {
        Box::new(Naming(self.0.identity(cx, grant, nonce, id_token)))
    }
}

/// Adds the second id to what a step finds out.
struct Naming(Box<dyn Step<Account>>);

impl Step<Account> for Naming {
    fn next(&mut self, input: Input) -> Result<Next<Account>, Failure> {
        Ok(match self.0.next(input)? {
            Next::Done(account) => {
                let number = AccountId::new("number", "4711").unwrap();
                Next::Done(account.also_known_as(vec![number]))
            }
            next => next,
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_a_key_can_be_found_by_either_of_its_ids_until_it_is_disconnected() {
    let keys = Keys::default();
    keys.make(FIRST, "fake-org-1");
    let there = keys.clone();
    let builder = World::builder(declaration()).change(move |builder| {
        builder
            .http(there.client())
            .provider(TwoIds(spec(&naming())))
            .registration(Registration::entered("keys").unwrap())
    });
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let (w, watched) = watched_over(builder, Arc::new(MemoryStore::new(clock))).await;
    let ada = w.visitor("ada");
    let connection = enter(&w, &ada, FIRST).await;
    assert_eq!(watched.of_kind("route").await.len(), 2);
    enter(&w, &ada, FIRST).await;
    assert_eq!(watched.of_kind("route").await.len(), 2);
    w.bailee.connections().disconnect(&ada, &connection).await.unwrap();
    assert_eq!(watched.of_kind("route").await.len(), 0);
}
