//! A freeze that is said in one process holds in all, and a thaw brings them back.

use bailee::{ProviderId, TenantId};

use super::{
    child::child,
    crowd::{Crowd, database},
    *,
};

/// How many processes use the connections.
const PROCESSES: usize = 3;
/// What has a name in `Crowd::connections`: the notes of ada, those of hal, the videos of ada.
const ALL: [usize; 3] = [0, 1, 2];

#[test]
fn dis_04_a_freeze_said_in_one_process_holds_in_all_on_one_file() {
    #[expect(clippy::disallowed_methods, reason = "the parent talks to its child this way")]
    if let Some(orders) = std::env::var_os(ORDERS) {
        let orders = std::fs::read(orders).unwrap();
        return child(&serde_json::from_slice(&orders).unwrap());
    }
    freezes(Crowd::new(async |folder| Place::Sqlite(folder.join("vault").join("vault.db"))));
}

#[test]
fn dis_04_a_freeze_said_in_one_process_holds_in_all_on_one_database() {
    freezes(Crowd::new(async |_| database().await.0));
}

fn freezes(crowd: impl Future<Output = Crowd>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut crowd = runtime.block_on(crowd);
    crowd.begin(PROCESSES, None);
    let mut since = 0;
    for (what, stopped) in [
        (Freeze::Connection(crowd.connections[0].clone()), &[0][..]),
        (Freeze::Tenant(TenantId::from_static("acme")), &[0, 2]),
        (Freeze::Provider(ProviderId::from_static("notes")), &[0, 1]),
        (Freeze::All, &ALL),
    ] {
        // Everybody works, in every process.
        crowd.until(&ALL, |seen| seen.through > since);
        crowd.until_renewed();

        let said = crowd.tell(0, &Word::Freeze(what.clone()));
        // Each caller was refused, so that none of its earlier calls is on its way.
        crowd.until(stopped, |seen| seen.frozen > said);
        let asked = crowd.asked();
        let others: Vec<_> = ALL.into_iter().filter(|used| !stopped.contains(used)).collect();
        crowd.until(&others, |seen| seen.through > said + SECOND);
        // Tokens run out meanwhile, and workers look for work.
        let all = crowd.until(stopped, |seen| seen.frozen > said + 5 * SECOND);
        for seen in all.iter().flat_map(|of| stopped.iter().map(|used| &of[*used])) {
            assert!(seen.through <= said + SECOND, "{what:?}: {seen:?}");
        }
        if what == Freeze::All {
            assert_eq!(crowd.asked(), asked, "no call and no renewal reaches a provider");
        }

        since = crowd.tell(PROCESSES - 1, &Word::Thaw(what));
        let all = crowd.until(&ALL, |seen| seen.through > since);
        for seen in all.iter().flatten() {
            // A provider may have a limit of its own.
            let failed: Vec<_> =
                seen.failed.iter().filter(|(_, kind, _)| kind != "RateLimited").collect();
            assert!(failed.is_empty(), "{failed:?}");
        }
    }
    crowd.until_renewed();
    assert!(crowd.w.site(bailee_tests::drill::ISSUER).reuse_alarms().is_empty());
}
