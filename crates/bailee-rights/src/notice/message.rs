//! The text of a notice, from the difference and the sentences of a language.

use bailee_core::{Id, Timestamp};
use bailee_registry::{Catalogue, Document, Line, versions::Diff};
use time::{Date, OffsetDateTime};

use crate::sentences;

/// What a person reads of a change. It names nobody and is the same for everybody who reads the
/// language.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// Of which change it tells.
    pub announcement: Id,
    /// The text. Its title is the subject of a mail.
    pub document: Document,
    /// The hash of the text, which the evidence names.
    pub hash: [u8; 32],
}

impl Message {
    /// The message of a change that holds from a day.
    pub(super) fn of_change(
        announcement: Id,
        diff: &Diff,
        effective: Date,
        announced_at: Timestamp,
        catalogue: &Catalogue,
    ) -> Self {
        let say = |key: &str, places: &[(&str, &str)]| {
            catalogue.sentence(sentences(), &format!("notice.{key}"), places)
        };
        let declaration = diff.after();
        let controller = declaration.controller();
        let date = catalogue.date(effective);
        // By the day of the announcement and not by today, so that everybody gets the same text.
        let past = OffsetDateTime::from_unix_timestamp(announced_at.as_seconds())
            .is_ok_and(|announced| effective < announced.date());
        let named = [("controller", controller.name.as_str()), ("date", date.as_str())];
        let title = if past { say("title_past", &named[..1]) } else { say("title", &named) };
        let mut document = Document::new(title, catalogue.locale().clone());
        document.say(say("intro", &named[..1]));
        document.say(say(if past { "past" } else { "from" }, &named[1..]));
        document.heading(say("what_heading", &[]));
        document.list(diff.told_sentences(catalogue).into_iter().map(Line::text).collect());
        let asked = diff.asks_anew().next().is_some();
        document.say(say(if asked { "asked" } else { "not_asked" }, &[]));
        document.heading(say("choices_heading", &[]));
        document.say(say("choices", &[]));
        document.paragraph(Line::text(say("contact", &[])).contact(&controller.contact));
        match declaration.authorities().first() {
            Some(authority) => {
                let text = say("complaint_named", &[("authority", &authority.name)]);
                document.paragraph(Line::text(text).contact(&authority.contact));
            }
            None => document.say(say("complaint", &[])),
        }
        if let Some(policy) = declaration.policy() {
            document.paragraph(Line::text(say("policy", &[])).contact(&policy.url));
        }
        let version: String =
            declaration.version()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        document.say(say("version", &[("version", &version), named[0]]));
        let hash = document.hash();
        Self { announcement, document, hash }
    }
}
