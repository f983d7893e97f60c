//! Which refresh token stays: an answer need not bring a new one.

use bailee_tests::{drill::presented, world};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn ref_09_an_answer_without_a_refresh_token_keeps_the_old_one() {
    let (w, ada, tiktok) = at_tiktok(world()).await;
    let site = w.site("tiktok");
    let mut expected = Vec::new();
    for round in 0..6 {
        w.advance(hours(3));
        let withheld = round % 2 == 0;
        if withheld {
            site.fault(Endpoint::Refresh, Fault::NoRefreshToken);
        }
        call(&w.bailee, &ada, &tiktok, "tiktok").await.unwrap();
        expected.push(withheld);
    }
    let tokens = presented(site);
    for (n, withheld) in expected.iter().enumerate().take(5) {
        assert_eq!(tokens[n] == tokens[n + 1], *withheld, "after refresh {n}");
    }
    assert!(site.reuse_alarms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_09_a_new_refresh_token_leaves_no_trace_of_the_old_one() {
    // The old one is gone with the commit: disconnecting presents the new one alone.
    let (w, ada, notes) =
        due(notes_world("class = \"overlapping\"", RefreshStyle::Overlapping)).await;
    call(&w.bailee, &ada, &notes, "notes").await.unwrap();
    let site = w.site(ISSUER);
    let old = presented(site).pop().unwrap();
    w.bailee.connections().disconnect(&ada, &notes).await.unwrap();
    for request in site.requests() {
        if request.endpoint == Endpoint::Revoke {
            assert!(!String::from_utf8_lossy(&request.body).contains(&old));
        }
    }
}
