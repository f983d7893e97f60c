//! The way of a publication: what the provider fetches, and what is uploaded.

use bailee::Happened;
use bailee_testkit::emulator::{Account, Endpoint};
use bailee_tests::drill::{hours, told};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_video_that_the_provider_fetches_is_followed_until_it_is_out() {
    let (w, ada, tiktok) = connected(studio()).await;
    let queued = publish(&w.bailee, &ada, &tiktok).await.unwrap();
    assert_eq!(queued.state, PublicationState::Processing);
    w.settle().await;
    assert_eq!(told(&w, &tiktok), [Happened::Connected], "not yet");
    follow(&w, seconds(60)).await;
    let published = found(&w, &ada, &tiktok).await;
    assert_eq!((published.id, published.state), (queued.id, PublicationState::Published));
    let posts = site(&w).posts();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].title, "A caption");
    assert_eq!(published.post, posts[0].post_id.map(|id| id.to_string()));
    let publication = queued.id;
    assert_eq!(told(&w, &tiktok), [Happened::Connected, Happened::Published { publication }]);
    follow(&w, hours(48)).await;
    assert_eq!(told(&w, &tiktok).len(), 2, "told once");
    w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_is_uploaded_in_chunks_byte_for_byte() {
    let (w, ada, tiktok) = connected(studio()).await;
    for (n, size) in [1, 3 * MIB, 5 * MIB, 12 * MIB + 7, 21 * MIB].into_iter().enumerate() {
        let bytes = film(size);
        let acting = w.bailee.acting(&ada, &PUBLISH);
        let name = format!("film-{n}");
        let done =
            acting.publish_media(&tiktok, &key(&name), file(&bytes), media(&bytes)).await.unwrap();
        assert_eq!(done.state, PublicationState::Processing, "{size} bytes");
        follow(&w, seconds(60)).await;
        let done = acting.publication(&tiktok, &key(&name)).await.unwrap();
        assert_eq!(done.state, PublicationState::Published, "{size} bytes");
        let post = site(&w).posts().pop().unwrap();
        assert_eq!(post.received, size as u64);
        let digest = bailee::core::sha256(&bytes);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(post.sha256, hex, "{size} bytes");
    }
    assert_eq!(out(&w), 5);
    // The upload address is its own credential: no token goes there.
    for request in site(&w).requests() {
        if request.endpoint == Endpoint::Upload {
            assert!(request.headers.iter().all(|(name, _)| name != "authorization"));
        }
    }
    w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unaudited_client_posts_privately_to_a_private_account() {
    let (w, ada, tiktok) = connected(studio().tiktok(|tiktok| tiktok.audited = false)).await;
    site(&w).add_account(Account::new("ada").private());
    let acting = w.bailee.acting(&ada, &PUBLISH);
    let private = video("A caption").privacy(PrivacyLevel::SelfOnly);
    acting.publish(&tiktok, &key("post-1"), private).await.unwrap();
    follow(&w, seconds(60)).await;
    let published = found(&w, &ada, &tiktok).await;
    assert_eq!((published.state, published.post), (PublicationState::Published, None));
}
