//! What a decision costs.

use std::{hint::black_box, time::Instant};

use bailee_core::{Clock, ManualClock, ProviderId, PurposeId, Timestamp};
use bailee_registry::{Decision, Standing, Wanted, versions::AskedAnew};

use crate::desk::{TIKTOK, purpose};

/// How long a decision may take: a microsecond in a release build. Without optimisation, and on a
/// machine that does other things, only something much worse is a fault.
const LIMIT: f64 = if cfg!(debug_assertions) { 200_000.0 } else { 20_000.0 };

#[test]
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn a_decision_among_a_thousand_purposes_takes_no_time() {
    let ids: Vec<String> = (0..1000).map(|n| format!("purpose.number-{n}")).collect();
    let version = "01".repeat(32);
    let given: Vec<String> = ids
        .iter()
        .map(|id| format!(r#""{id}":{{"state":"given","at":1,"version":"{version}"}}"#))
        .collect();
    let objected: Vec<String> = (0..1000).map(|n| format!(r#""other.number-{n}""#)).collect();
    // Everything that a decision looks into is full.
    let json = format!(
        r#"{{"consents":{{"*":{{{given}}},"notes":{{{given}}},"tiktok":{{{given}}}}},
        "objections":{{"*":[{objected}],"tiktok":[{objected}]}},"age":{{"band":"adult","at":1}}}}"#,
        given = given.join(","),
        objected = objected.join(","),
    );
    let standing = Standing::from_json(Standing::SCHEMA, json.as_bytes()).unwrap();
    let base = purpose("use = \"service\"\nbasis = \"consent\"");
    let purposes: Vec<_> = ids
        .iter()
        .map(|id| {
            let mut purpose = base.clone();
            purpose.id = PurposeId::new(id.as_str()).unwrap();
            purpose
        })
        .collect();
    let integration = ProviderId::new(TIKTOK.as_str()).unwrap();
    let now = ManualClock::default().now();
    // More versions that say too little than are ever live at once.
    let asked =
        (2..10).fold(AskedAnew::since(Timestamp::from_micros(1)), |asked, n| asked.stale([n; 32]));
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let began = Instant::now();
        for _ in 0..10 {
            for purpose in &purposes {
                let wanted = Wanted::new(black_box(purpose), black_box(&integration), now);
                let decision = standing.decide_on(&wanted.asked_anew(&asked));
                assert_eq!(black_box(decision), Decision::Allowed);
            }
        }
        let each = began.elapsed().as_nanos() as f64 / (10.0 * purposes.len() as f64);
        best = best.min(each);
    }
    println!("{best:.0} ns for a decision among {} purposes", purposes.len());
    assert!(best < LIMIT, "{best} ns");
}
