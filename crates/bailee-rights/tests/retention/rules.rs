//! What a declaration says of the tables, and what of it nothing ends.

use std::sync::Arc;

use bailee_core::DataCategory;
use bailee_registry::{
    DataOrigin, Declaration, Period, Retention as Kept,
    versions::{Narrowed, Overlay},
};
use bailee_rights::{
    retention::{Gap, Retention},
    source::{DataSource, FieldFacts, MemorySource, SourceFacts, Sources},
};

use crate::world::{ACME, PRIVACY, World, facts, table};

#[tokio::test]
async fn r11_a_plan_shows_every_table_its_cut_off_and_what_has_no_time_and_changes_nothing() {
    let w = World::new().await;
    for (name, table, days) in [
        ("ada", "visits", 31),
        ("ada", "visits", 29),
        ("bob", "visits", 400),
        ("cleo", "drafts", 200),
        ("cleo", "drafts", 100),
        ("ada", "accounts", 4000),
        ("ada", "bills", 4000),
    ] {
        w.row(&ACME, name, table, days);
    }
    w.hold(&ACME, "bob", &["logs"], 30).await;
    let process = w.process().await;
    let before = w.left();
    let plan = process.retention.plan(&ACME).await.unwrap();
    let tables: Vec<_> = plan
        .tables
        .iter()
        .map(|table| (table.table.as_str(), *table.rows.as_ref().unwrap(), table.left_out))
        .collect();
    // Whoever has a hold on one set of a source is left out of all its tables.
    assert_eq!(tables, [("drafts", 1, 1), ("visits", 1, 1)]);
    assert_eq!(plan.tables[1].before, w.now().minus(crate::world::DAY * 30));
    assert_eq!(plan.untimed.len(), 1);
    assert_eq!(plan.untimed[0].until, Kept::UntilAccountDeleted);
    let bills =
        |gap: &Gap| matches!(gap, Gap::KeptByLaw { article, .. } if article.contains("886"));
    assert!(plan.gaps.iter().any(bills), "{:?}", plan.gaps);
    let nothing = Gap::NothingEnds { data_set: "bills".into() };
    assert!(plan.gaps.contains(&nothing), "{:?}", plan.gaps);
    assert_eq!(plan.gaps.len(), 2);
    assert_eq!(w.left(), before);
    assert!(process.retention.state(&ACME).await.unwrap().is_none());
}

fn retention(w: &crate::world::Process, facts: SourceFacts, declared: &Declaration) -> Retention {
    let source = Arc::new(MemorySource::new(facts, 2)) as Arc<dyn DataSource>;
    let sources = Sources::new(declared, vec![source]).unwrap();
    let declared = Arc::new(declared.clone());
    Retention::builder(w.vault.clone(), declared, sources, w.holds.clone()).build()
}

#[tokio::test]
async fn r11_a_set_with_a_time_and_no_table_that_knows_its_age_is_told_of() {
    let w = World::new().await;
    let process = w.process().await;
    let mut all = facts();
    for table in &mut all.tables {
        table.aged = false;
    }
    let retention = retention(&process, all, &w.declaration);
    let gaps = retention.gaps(&ACME).await.unwrap();
    for set in ["bills", "drafts", "logs"] {
        assert!(gaps.contains(&Gap::NothingEnds { data_set: set.into() }), "{set}: {gaps:?}");
    }
    let visits =
        Gap::AgeUnknown { source: "app".into(), table: "visits".into(), data_set: "logs".into() };
    assert!(gaps.contains(&visits), "{gaps:?}");
    assert!(retention.plan(&ACME).await.unwrap().tables.is_empty());
}

/// The set of logs holds usage for 30 days and, beside it, content.
fn beside(retention: &str) -> Declaration {
    let row = format!(
        "[[data_sets.logs.data]]\nname = \"texts\"\ncategory = \"content\"\n\
         purpose = \"service\"\nretention = \"{retention}\"\n"
    );
    Declaration::parse(&format!("{PRIVACY}\n{row}")).unwrap()
}

#[tokio::test]
async fn r11_a_row_goes_when_all_that_is_in_it_may_go_and_what_stays_longer_is_told_of() {
    let w = World::new().await;
    let process = w.process().await;
    let mut both = facts();
    let content = FieldFacts::new("said", DataCategory::new("content"), DataOrigin::Observed);
    both.tables[3] = table("visits", "logs", "usage").knowing_age().with_field(content);
    let visits = async |declared: &Declaration| {
        let retention = retention(&process, both.clone(), declared);
        let plan = retention.plan(&ACME).await.unwrap();
        let before = plan.tables.iter().find(|table| table.table == "visits");
        let longer: Vec<_> = plan
            .gaps
            .iter()
            .filter_map(|gap| match gap {
                Gap::KeptLonger { table, category, .. } if table == "visits" => {
                    Some(category.as_str().to_owned())
                }
                _ => None,
            })
            .collect();
        (before.map(|table| table.before), longer)
    };
    let days = |days| Some(w.now().minus(crate::world::DAY * days));
    assert_eq!(visits(&beside("90 days")).await, (days(90), vec!["usage".to_owned()]));
    assert_eq!(visits(&beside("10 days")).await, (days(30), vec!["content".to_owned()]));
    assert_eq!(visits(&beside("until_account_deleted")).await, (None, vec!["usage".to_owned()]));
}

#[tokio::test]
async fn r11_during_a_rollout_what_is_kept_longer_in_either_declaration_stays() {
    struct Two(Vec<Narrowed>);
    #[async_trait::async_trait]
    impl bailee_rights::retention::Declared for Two {
        async fn in_tenant(&self, _: &bailee_core::TenantId) -> bailee_core::Result<Vec<Narrowed>> {
            Ok(self.0.clone())
        }
    }
    let w = World::new().await;
    let process = w.process().await;
    let other = Declaration::parse(&PRIVACY.replace("\"30 days\"", "\"90 days\"")).unwrap();
    let ends = PRIVACY.replace("\"6 months\"", "\"until_account_deleted\"");
    let ends = Declaration::parse(&ends).unwrap();
    let source = Arc::clone(&w.source) as Arc<dyn DataSource>;
    let sources = Sources::new(&w.declaration, vec![source]).unwrap();
    let declared = Arc::new(Two([w.declaration.clone(), other, ends].map(Narrowed::from).into()));
    let retention =
        Retention::builder(process.vault.clone(), declared, sources, process.holds.clone()).build();
    let plan = retention.plan(&ACME).await.unwrap();
    let tables: Vec<_> = plan.tables.iter().map(|t| (t.table.as_str(), t.before)).collect();
    assert_eq!(tables, [("visits", w.now().minus(crate::world::DAY * 90))]);
}

#[tokio::test]
async fn r11_a_tenants_shorter_time_is_kept_and_a_longer_one_is_none() {
    struct Under(Declaration, Overlay);
    #[async_trait::async_trait]
    impl bailee_rights::retention::Declared for Under {
        async fn in_tenant(&self, _: &bailee_core::TenantId) -> bailee_core::Result<Vec<Narrowed>> {
            Ok(vec![self.0.kept_under(&self.1)])
        }
    }
    let w = World::new().await;
    let process = w.process().await;
    let visits = async |declared: Declaration, overlay: &str| {
        let sources = Arc::new(MemorySource::new(facts(), 2)) as Arc<dyn DataSource>;
        let sources = Sources::new(&declared, vec![sources]).unwrap();
        let under = Arc::new(Under(declared, Overlay::read(overlay).unwrap()));
        let (vault, holds) = (process.vault.clone(), process.holds.clone());
        let plan = Retention::builder(vault, under, sources, holds).build().plan(&ACME).await;
        let tables = plan.unwrap().tables;
        tables.iter().find(|table| table.table == "visits").map(|table| table.before)
    };
    let ago = |days| Some(w.now().minus(crate::world::DAY * days));
    let declared = || w.declaration.clone();
    assert_eq!(visits(declared(), "").await, ago(30));
    assert_eq!(visits(declared(), "[retention]\nusage = \"7 days\"").await, ago(7));
    // One that was laid down beside another declaration, which kept it longer.
    assert_eq!(visits(declared(), "[retention]\nusage = \"90 days\"").await, ago(30));
    // Of what is declared to be kept as long as something else lasts a tenant can have an end.
    let lasts = PRIVACY.replace("\"30 days\"", "\"until_account_deleted\"");
    let lasts = || Declaration::parse(&lasts).unwrap();
    assert_eq!(visits(lasts(), "").await, None);
    assert_eq!(visits(lasts(), "[retention]\nusage = \"7 days\"").await, ago(7));
    // Months and days cannot be compared: the first that is over counts, in any month.
    let month = "[retention]\nusage = \"1 month\"";
    let first = visits(declared(), month).await;
    let by_month = bailee_rights::retention::cut_off(w.now(), Period::Months(1));
    assert_eq!(first, ago(30).max(Some(by_month)));
    // What a tenant forbids still ends in its time.
    let forbidden = "[forbid]\ncategories = [\"usage\"]\n[retention]\nusage = \"7 days\"";
    assert_eq!(visits(declared(), forbidden).await, ago(7));
}
