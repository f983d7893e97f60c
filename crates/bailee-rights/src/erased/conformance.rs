//! What every anchor must do, as questions to one.
//!
//! [`check`] runs all of them; it panics where an anchor does not keep its contract.

#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]

use super::ErasureAnchor;

/// Asks everything of an anchor that is empty. `reopen` gives the same anchor as another process finds
/// it.
///
/// # Panics
///
/// Where the contract is not kept.
pub async fn check<A: ErasureAnchor>(anchor: A, reopen: impl Fn() -> A) {
    assert!(anchor.entries(0, 10).await.unwrap().is_empty(), "an empty anchor has no entries");
    let entry = |n: u32| n.to_be_bytes().repeat(40);
    for n in 0..25 {
        anchor.append(&entry(n)).await.unwrap();
    }
    let other = reopen();
    let all = all(&other, 7).await;
    let found: Vec<_> = all.iter().map(|(_, entry)| entry.clone()).collect();
    assert_eq!(found, (0..25).map(entry).collect::<Vec<_>>(), "what was added is there, in order");
    assert!(all.is_sorted_by(|a, b| a.0 < b.0) && all[0].0 > 0, "places grow from above zero");

    let tenth = all[9].0;
    let behind = other.entries(tenth, 1).await.unwrap();
    assert_eq!(behind[0].entry, entry(10), "entries after a place begin behind it");

    other.append(&entry(3)).await.unwrap();
    let twice = self::all(&anchor, 100).await;
    assert_eq!(twice.len(), 26, "an entry may be there twice");
    assert_eq!(twice[25].1, entry(3));

    // What is let go of may be gone; nothing else is, and no place is given again.
    anchor.forget(&[all[0].0, twice[25].0]).await.unwrap();
    let kept = self::all(&reopen(), 4).await;
    assert!(all[1..].iter().all(|one| kept.contains(one)), "nothing else is let go of");
    anchor.append(&entry(99)).await.unwrap();
    let last = self::all(&reopen(), 100).await.pop().unwrap();
    assert_eq!(last.1, entry(99));
    assert!(last.0 > twice[25].0, "a place is given once");
}

async fn all<A: ErasureAnchor>(anchor: &A, limit: u32) -> Vec<(u64, Vec<u8>)> {
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let page = anchor.entries(after, limit).await.unwrap();
        assert!(page.len() <= limit as usize, "no more than was asked for");
        let Some(last) = page.last() else { return found };
        after = last.place;
        found.extend(page.into_iter().map(|anchored| (anchored.place, anchored.entry)));
    }
}
