//! A simulation, in words.

use crate::{Catalogue, Document, Line};

use super::{
    super::{Diff, Simulation},
    Writer,
};

impl Simulation {
    /// How many people a diff would concern, in plain words.
    pub fn words(&self, diff: &Diff, catalogue: &Catalogue) -> Document {
        let Self { people, told, by_message, asked, consents, erased, unreadable } = self;
        let say = |key: &str| catalogue.say(&format!("simulation.{key}"));
        let row =
            |key: &str, count: &u64| vec![Line::text(say(key)), Line::text(count.to_string())];
        let mut document = Document::new(say("title"), catalogue.locale().clone());
        let mut rows = vec![
            row("all", people),
            row("told", told),
            row("by_message", by_message),
            row("asked", asked),
        ];
        for (key, count) in [("unreadable", unreadable), ("erased", erased)] {
            if *count > 0 {
                rows.push(row(key, count));
            }
        }
        document.table(vec![say("what"), say("people")], rows);
        document.heading(say("consents_heading"));
        if consents.is_empty() {
            document.say(say("none"));
        }
        let writer = Writer { diff, catalogue };
        let rows = consents.iter().map(|((through, purpose), count)| {
            vec![
                Line::text(writer.purpose(purpose)),
                Line::text(writer.through(through.as_ref())),
                Line::text(count.to_string()),
            ]
        });
        let columns = ["purpose", "through", "consents"].map(say);
        document.table(columns.into(), rows.collect());
        document
    }
}
