//! TikTok: the cases. What is special about it is tested beside the life cycle that was built with
//! it.

use std::sync::Arc;

use async_trait::async_trait;
use bailee::{
    Acting, ConnectionRef, Result,
    core::ScopeName,
    providers::{
        Operation, OperationFacts, Provider,
        tiktok::{CreatorInfo, TikTok},
    },
};
use bailee_testkit::{
    conformance::Contender,
    emulator::{self, Played},
};

use crate::held::{canary, hold};

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(TikTok::new())
    }

    fn played(&self) -> Played {
        emulator::tiktok::TikTok::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["user.info.basic", "video.publish"].map(ScopeName::from_static).to_vec()
    }

    fn operation(&self) -> OperationFacts {
        CreatorInfo.facts().clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &CreatorInfo).await.map(|_| ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tiktok_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_05_no_secret_of_tiktok_is_stored_in_the_clear() {
    canary(&Contending).await;
}
