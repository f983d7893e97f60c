//! A process that is cut off from the database hands out nothing.

use bailee_postgres::testing::Cluster;
use bailee_tests::drill::ISSUER;

use super::{
    crowd::{Crowd, database},
    link::Link,
    *,
};

const ALL: [usize; 3] = [0, 1, 2];

#[test]
fn dis_04_a_process_that_is_cut_off_from_its_store_asks_no_provider_anything() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (mut crowd, link, place) = runtime.block_on(async {
        let (place, name) = database().await;
        let link = Link::to(Cluster::shared().unwrap().port()).await;
        let over = format!(
            "host=127.0.0.1 port={} user=bailee_app password=in-tests dbname={name}",
            link.port
        );
        (Crowd::new(async |_| place).await, link, Place::Postgres(over))
    });
    crowd.begin(1, Some(place));
    let mut since = 0;
    for _ in 0..2 {
        crowd.until(&ALL, |seen| seen.through > since);
        link.cut();
        let cut = now();
        // Each caller failed, so that none of its earlier calls is on its way.
        let fails = |seen: &Seen, from| seen.failed.last().is_some_and(|(at, ..)| *at > from);
        crowd.until(&ALL, |seen| fails(seen, cut + SECOND));
        let asked = crowd.asked();
        // Tokens run out meanwhile, and the worker looks for work.
        let all = crowd.until(&ALL, |seen| fails(seen, cut + 5 * SECOND));
        assert_eq!(crowd.asked(), asked, "no call and no renewal reaches a provider");
        for seen in all.iter().flatten() {
            assert!(seen.through <= cut + SECOND, "{seen:?}");
            for (_, kind, waits) in seen.failed.iter().filter(|(at, ..)| *at > cut) {
                assert_eq!((kind.as_str(), *waits), ("StoreUnavailable", true));
            }
        }
        since = now();
        link.mend();
        crowd.until(&ALL, |seen| seen.through > since);
    }
    assert!(crowd.w.site(ISSUER).reuse_alarms().is_empty());
}
