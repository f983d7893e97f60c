//! What these libraries keep of a person themselves, as a source that is read: their word on how data
//! may be used, what went to whom, what was handed over, what they were told, what they asked for, and
//! what the log says of them.

use async_trait::async_trait;
use bailee_core::{DataCategory, ErrorKind, Result, audit::Field};
use bailee_registry::{DataOrigin, Disclosures, Handovers, Ledger, Reader};
use bailee_store::{LoggedEntry, Query, Window};
use bailee_vault::Holder;
use serde::Serialize;

use super::{
    body::{RequestBody, decode},
    desk::Rights,
    kind,
};
use crate::source::{
    Correction, Count, DataSource, FieldFacts, Kept, Remaining, RowSink, SourceFacts, SourceRow,
    Step, Strategy, TableFacts, Value, Whose,
};

/// The records of the registry and of requests.
pub(super) struct OwnRecords<'a> {
    rights: &'a Rights,
    facts: SourceFacts,
}

impl<'a> OwnRecords<'a> {
    /// Its name in packages.
    pub(super) const NAME: &'static str = "records";

    pub(super) fn new(rights: &'a Rights) -> Self {
        let kept = || {
            Strategy::Keep(Kept::new(
                "Art. 5(2) GDPR",
                "it shows what was agreed and done",
                "the person is erased",
            ))
        };
        let field =
            |name: &str| FieldFacts::new(name, DataCategory::new("records"), DataOrigin::Observed);
        let table = |name: &str| {
            TableFacts::new(name, Self::NAME, kept())
                .with_field(field("at"))
                .with_field(field("record"))
        };
        let tables = ["choices", "disclosures", "handovers", "letters", "requests", "statements"];
        let log = TableFacts::new("log", Self::NAME, kept())
            .with_field(field("at"))
            .with_field(field("what"))
            .with_field(field("record"));
        let tables = tables.map(table).into_iter().chain([log]).collect();
        Self { rights, facts: SourceFacts::new(Self::NAME, tables) }
    }

    /// What the log says of the person, some entries at a time: it is read to the moment at which this
    /// began, and no more than a page of it is in memory.
    async fn hand_over_log(&self, whose: &Whose, sink: &mut dyn RowSink) -> Result<()> {
        let (store, subject) = (self.rights.vault().store(), whose.subject());
        let until = self.rights.now();
        let mut window = Window { until, subject: Some(subject), ..Window::default() };
        loop {
            let entries = store.entries(whose.tenant(), window).await?;
            let Some(last) = entries.last() else { return Ok(()) };
            window.after = Some((last.entry.at(), last.batch, last.n));
            let rows: Vec<SourceRow> = entries.iter().map(entry_row).collect();
            sink.take(&self.facts.tables[LOG], rows).await?;
        }
    }

    async fn hand_over(
        &self,
        table: usize,
        rows: Vec<(String, Value, String)>,
        sink: &mut dyn RowSink,
    ) -> Result<()> {
        let rows: Vec<SourceRow> = rows
            .into_iter()
            .map(|(key, at, json)| SourceRow { key, values: vec![at, Value::Json(json)] })
            .collect();
        match rows.is_empty() {
            true => Ok(()),
            false => sink.take(&self.facts.tables[table], rows).await,
        }
    }
}

/// An entry as a row: when, what in a sentence, and its words for programs. Who else acted is theirs
/// and is left out (Art. 15(4) GDPR; CJEU C-579/21, Pankki S).
fn entry_row(logged: &LoggedEntry) -> SourceRow {
    let entry = &logged.entry;
    let own = entry.subject().map(|subject| Field::Id(subject.id()));
    let shown = |(name, value): &(&str, &Field)| match *name {
        "for" | "member" => own.as_ref() == Some(*value),
        name => name != "operator",
    };
    let fields: serde_json::Map<_, _> = entry
        .fields()
        .filter(shown)
        .map(|(name, value)| (name.to_owned(), value.to_string().into()))
        .collect();
    let record = serde_json::json!({ "event": entry.event(), "fields": fields });
    let at = Value::Text(entry.at().to_string());
    let what = Value::Text(bailee_audit::to_sentence(entry));
    SourceRow {
        key: format!("{}-{}", logged.batch, logged.n),
        values: vec![at, what, Value::Json(record.to_string())],
    }
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|_| ErrorKind::Unopenable.into())
}

#[async_trait]
impl DataSource for OwnRecords<'_> {
    fn facts(&self) -> &SourceFacts {
        &self.facts
    }

    async fn count(&self, _: &Whose) -> Result<Count> {
        Err(ErrorKind::Unsupported.into())
    }

    async fn collect(&self, whose: &Whose, sink: &mut dyn RowSink) -> Result<()> {
        let vault = self.rights.vault();
        let (tenant, subject) = (whose.tenant(), whose.subject());
        let at = |at: bailee_core::Timestamp| Value::Text(at.to_string());

        let choices = Ledger::new(vault.clone()).history(tenant, subject).await?;
        let rows = choices
            .iter()
            .map(|choice| Ok((choice.id.to_string(), at(choice.at), json(&choice.choice)?)));
        self.hand_over(0, rows.collect::<Result<_>>()?, sink).await?;

        let disclosed = Disclosures::new(vault.clone()).of_subject(tenant, subject).await?;
        let rows = disclosed
            .iter()
            .enumerate()
            .map(|(n, record)| Ok((n.to_string(), at(record.last), json(record)?)));
        self.hand_over(1, rows.collect::<Result<_>>()?, sink).await?;

        let handovers = Handovers::new(vault.clone());
        let handovers = handovers.of_subject(tenant, subject, Reader::Person).await?;
        let rows = handovers.iter().map(|record| {
            Ok((record.id.to_string(), at(record.at), json(&(&record.to, &record.categories))?))
        });
        self.hand_over(2, rows.collect::<Result<_>>()?, sink).await?;

        let mut query = Query::of_kind(kind::REQUEST).subject(subject).limit(100);
        let mut requests = Vec::new();
        loop {
            let page = vault.store().find(tenant, &query).await?;
            for record in &page.records {
                let facts = vault.open(tenant, Holder::Tenant, record).await?.facts()?;
                let body: RequestBody = decode(&facts)?;
                requests.push((record.key.id, body));
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => break,
            }
        }
        if let Some(messages) = &self.rights.0.messages {
            for (id, _) in &requests {
                let letters = messages.of_request(tenant, subject, *id).await?;
                let rows = letters.iter().map(|letter| {
                    let content = json(&letter.letter.content)?;
                    Ok((letter.id.to_string(), at(letter.queued_at), content))
                });
                self.hand_over(3, rows.collect::<Result<_>>()?, sink).await?;
            }
        }
        let rows = requests.iter().map(|(id, body)| {
            let shown = serde_json::json!({
                "right": body.right,
                "channel": body.channel,
                "state": body.state,
                "regime": body.regime,
                "closed": body.closed.as_ref().map(|(at, outcome)| (at, outcome.as_str())),
            });
            Ok((id.to_string(), at(body.clock.received()), shown.to_string()))
        });
        self.hand_over(4, rows.collect::<Result<_>>()?, sink).await?;

        let statements = self.rights.statements(tenant, subject).await?;
        let rows = statements.iter().enumerate().map(|(n, kept)| {
            let said = &kept.statement;
            let shown = serde_json::json!({
                "source": said.source,
                "table": said.table,
                "row": said.key,
                "text": said.text,
            });
            (n.to_string(), at(kept.at), shown.to_string())
        });
        self.hand_over(5, rows.collect(), sink).await?;
        self.hand_over_log(whose, sink).await
    }

    async fn erase(&self, _: &Whose) -> Result<Step> {
        Err(ErrorKind::Unsupported.into())
    }

    async fn correct(&self, _: &Whose, _: &Correction) -> Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    async fn restrict(&self, _: &Whose, _: bool) -> Result<Step> {
        Err(ErrorKind::Unsupported.into())
    }

    async fn remaining(&self, _: &Whose) -> Result<Remaining> {
        Err(ErrorKind::Unsupported.into())
    }
}

/// The place of the log among the tables.
const LOG: usize = 6;
