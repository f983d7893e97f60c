//! The facade joins retention to the worker, the sources and the declarations in force.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee::{
    Declaration, ErrorKind, HostId, Result, RightsSetup, TenantId,
    core::{Clock, DataCategory, Id, Timestamp},
    registry::DataOrigin,
    rights::{
        clock::Establishment,
        retention::Gap,
        source::{
            Correction, Count, DataSource, FieldFacts, MemorySource, Remaining, RowSink,
            SourceFacts, SourceRow, Step, Strategy, TableFacts, Value, Whose,
        },
    },
};
use bailee_testkit::World;
use bailee_tests::{NOTES_SPEC, notes_issuer, world};

const ACME: TenantId = TenantId::from_static("acme");
const DAY: Duration = Duration::from_secs(86_400);

/// A source that the test keeps a hand on.
#[derive(Clone)]
struct Visits(Arc<MemorySource>);

#[async_trait]
impl DataSource for Visits {
    fn facts(&self) -> &SourceFacts {
        self.0.facts()
    }
    async fn count(&self, whose: &Whose) -> Result<Count> {
        self.0.count(whose).await
    }
    async fn collect(&self, whose: &Whose, sink: &mut dyn RowSink) -> Result<()> {
        self.0.collect(whose, sink).await
    }
    async fn erase(&self, whose: &Whose) -> Result<Step> {
        self.0.erase(whose).await
    }
    async fn correct(&self, whose: &Whose, correction: &Correction) -> Result<()> {
        self.0.correct(whose, correction).await
    }
    async fn restrict(&self, whose: &Whose, restricted: bool) -> Result<Step> {
        self.0.restrict(whose, restricted).await
    }
    async fn remaining(&self, whose: &Whose) -> Result<Remaining> {
        self.0.remaining(whose).await
    }
    async fn count_older(
        &self,
        tenant: &TenantId,
        table: &str,
        before: Timestamp,
        except: &[HostId],
    ) -> Result<u64> {
        self.0.count_older(tenant, table, before, except).await
    }
    async fn erase_older(
        &self,
        tenant: &TenantId,
        table: &str,
        before: Timestamp,
        except: &[HostId],
    ) -> Result<Step> {
        self.0.erase_older(tenant, table, before, except).await
    }
}

fn declared(days: u32) -> Declaration {
    let declared = include_str!("../privacy.toml").to_owned()
        + r#"
[data_sets.content]
title = "What you visit"
origin = "observed"

[[data_sets.content.data]]
name = "visits"
category = "content"
purpose = "notes.save"
retention = "30 days"
"#;
    Declaration::parse(&declared.replace("30 days\"\n", &format!("{days} days\"\n"))).unwrap()
}

async fn service(days: u32) -> (World, Visits) {
    let field = FieldFacts::new("text", DataCategory::new("content"), DataOrigin::Observed);
    let table = TableFacts::new("visits", "content", Strategy::Delete).with_field(field);
    let facts = SourceFacts::new("app", vec![table.knowing_age()]);
    let visits = Visits(Arc::new(MemorySource::new(facts, 3)));
    let source = visits.clone();
    let w = World::builder(declared(days))
        .issuer(notes_issuer(), NOTES_SPEC)
        .change(move |builder| {
            let ireland = Establishment::in_europe("IE").unwrap();
            builder.rights(RightsSetup::new(ireland).source(source.clone()))
        })
        .build()
        .await
        .unwrap();
    (w, visits)
}

/// Ten rows of a person, from a day to ten times ten days old.
async fn fill(w: &World, visits: &Visits) {
    let ada = w.visitor("ada");
    let subject = w.bailee.vault().ensure_subject(&ACME, ada.person()).await.unwrap();
    let whose = Whose::new(ACME, ada.person().clone(), subject);
    for tens in 1..=10_u32 {
        let since = w.clock.now().minus(DAY * (tens * 10 - 1));
        let values = vec![Value::Text("canary".into())];
        let row = SourceRow { key: tens.to_string(), values };
        visits.0.insert_at(since, &whose, "visits", row);
    }
}

#[tokio::test]
async fn r11_the_worker_ends_what_was_kept_long_enough_every_day() {
    let (w, visits) = service(30).await;
    fill(&w, &visits).await;
    let retention = w.bailee.retention().unwrap();
    assert_eq!(retention.gaps(&ACME).await.unwrap(), Vec::<Gap>::new());
    let plan = retention.plan(&ACME).await.unwrap();
    assert_eq!(*plan.tables[0].rows.as_ref().unwrap(), 7);
    w.settle().await;
    // Tenants that came after the first round are found in the next.
    w.advance(DAY);
    w.settle().await;
    w.advance(Duration::from_secs(60));
    w.settle().await;
    assert_eq!(visits.0.contents().len(), 3);
    let sweep = retention.sweeps(&ACME, None, 9).await.unwrap().remove(0);
    assert_eq!((sweep.found, sweep.left), (7, Some(0)));
    w.advance(DAY * 9);
    w.settle().await;
    assert_eq!(visits.0.contents().len(), 2);
    w.assert_clean_audit(&["acme", "~"]).await;
}

#[tokio::test]
async fn r11_a_process_with_a_shorter_time_that_nobody_put_in_force_erases_by_the_one_that_is() {
    let (w, visits) = service(90).await;
    fill(&w, &visits).await;
    let ireland = Establishment::in_europe("IE").unwrap();
    let process = w.process(declared(10), w.store().clone()).unwrap();
    let process = process.rights(RightsSetup::new(ireland).source(visits.clone()));
    let process = process.build().await.unwrap();
    let plan = process.retention().unwrap().plan(&ACME).await.unwrap();
    assert_eq!(plan.tables[0].before, w.clock.now().minus(DAY * 90));
    for _ in 0..3 {
        process.worker().settle().await.unwrap();
        w.advance(DAY);
    }
    assert_eq!(visits.0.contents().len(), 8, "two are older than ninety days by then");
}

#[tokio::test]
async fn r11_a_tenants_overlay_shortens_what_the_worker_keeps_in_that_tenant_alone() {
    let (w, visits) = service(30).await;
    fill(&w, &visits).await;
    let declarations = w.bailee.declarations(Id::from_bytes([8; 16]));
    let refused = declarations.set_overlay(&ACME, "[retention]\ncontent = \"90 days\"").await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Configuration);
    declarations.set_overlay(&ACME, "[retention]\ncontent = \"10 days\"").await.unwrap();
    let retention = w.bailee.retention().unwrap();
    let before = |plan: bailee::rights::retention::Plan| plan.tables[0].before;
    let now = w.clock.now();
    assert_eq!(before(retention.plan(&ACME).await.unwrap()), now.minus(DAY * 10));
    let other = TenantId::from_static("globex");
    assert_eq!(before(retention.plan(&other).await.unwrap()), now.minus(DAY * 30));
    for _ in 0..2 {
        w.settle().await;
        w.advance(DAY);
    }
    w.settle().await;
    w.advance(Duration::from_secs(60));
    w.settle().await;
    // Nine days old when it began, and eleven now: the newest is too old as well.
    let left = visits.0.contents().len();
    assert!(left <= 1, "{left}");
    // Without it the whole declaration holds again.
    declarations.remove_overlay(&ACME).await.unwrap();
    let now = w.clock.now();
    assert_eq!(before(retention.plan(&ACME).await.unwrap()), now.minus(DAY * 30));
}

#[tokio::test]
async fn without_sources_there_is_no_desk() {
    let w = world().build().await.unwrap();
    assert_eq!(w.bailee.retention().unwrap_err().kind(), ErrorKind::Configuration);
}
