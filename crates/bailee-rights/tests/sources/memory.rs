//! The source in memory passes the suite.

use std::sync::Arc;

use async_trait::async_trait;
use bailee_core::{DataCategory, HostId, Id, SubjectId, TenantId, Timestamp};
use bailee_registry::DataOrigin;
use bailee_rights::source::{
    DataSource, FieldFacts, Kept, MemorySource, SourceFacts, SourceRow, Strategy, TableFacts,
    Value, Whose,
    conformance::{self, Fixture},
};

pub(crate) struct Filled(Arc<MemorySource>);

pub(crate) fn whose(tenant: &str, person: &str) -> Whose {
    let subject = SubjectId::from_id(Id::derive(&[tenant.as_bytes(), person.as_bytes()]));
    Whose::new(TenantId::new(tenant).unwrap(), HostId::text(person), subject)
}

pub(crate) fn facts() -> SourceFacts {
    let field =
        |name: &str| FieldFacts::new(name, DataCategory::new("content"), DataOrigin::Provided);
    let table = |name: &str, strategy| {
        TableFacts::new(name, "content", strategy)
            .with_field(field("text"))
            .with_field(field("rest"))
    };
    let fields = || vec![String::from("text"), String::from("rest")];
    let kept = Kept::new("Art. 17(3)(b) GDPR", "tax law", "for ten years");
    SourceFacts::new(
        "memory",
        vec![
            table("posts", Strategy::Delete).restricting().knowing_age(),
            table("comments", Strategy::Null { fields: fields() })
                .knowing_age()
                .with_field(field("to").of_another()),
            table("log", Strategy::Pseudonymise { fields: fields() }).knowing_age(),
            table("messages", Strategy::Unlink).knowing_age(),
            table("invoices", Strategy::Keep(kept)),
        ],
    )
}

pub(crate) fn fill(source: &MemorySource, whose: &Whose, text: &str) {
    for table in facts().tables {
        for n in 0..5 {
            let mut values = vec![Value::Text(format!("{text} {n}")); table.fields.len()];
            values[1] = Value::Null;
            let key = format!("{}-{text}-{n}", whose.tenant());
            let row = SourceRow { key, values };
            // The first has no age; the last three are young, to the very moment.
            match n {
                0 => source.insert(whose, &table.name, row),
                _ => {
                    let since = Filled::AGE.as_seconds() - 2 + n;
                    source.insert_at(Timestamp::from_seconds(since), whose, &table.name, row);
                }
            }
        }
    }
}

#[async_trait]
impl Fixture for Filled {
    async fn source(&self) -> Arc<dyn DataSource> {
        Arc::clone(&self.0) as _
    }

    fn ada(&self) -> Whose {
        whose("acme", "ada")
    }

    fn ben(&self) -> Whose {
        whose("acme", "ben")
    }

    fn namesake(&self) -> Whose {
        whose("other", "ada")
    }
}

pub(crate) async fn filled() -> Filled {
    let source = MemorySource::new(facts(), 3);
    let filled = Filled(Arc::new(source));
    fill(&filled.0, &filled.ada(), Filled::CANARY);
    fill(&filled.0, &filled.ben(), "ben");
    fill(&filled.0, &filled.namesake(), "somebody");
    filled
}

#[tokio::test]
async fn the_source_in_memory_passes_the_suite() {
    conformance::all(filled).await;
}
