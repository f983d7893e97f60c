//! The text of a message, and that of a notice from the difference and the sentences of a language.

use std::{fmt, sync::Arc};

use bailee_core::{Id, Locale, SecretText, Timestamp};
use bailee_registry::{Block, Catalogue, Document, Line, Span, versions::Diff};
use time::{Date, OffsetDateTime};

use super::About;
use crate::sentences;

/// What a person reads. That of a change names nobody and is the same for everybody who reads the
/// language; a letter about a request is its person's own.
///
/// A code or a link in it is neither in the hash nor in `Debug`.
#[derive(Clone)]
pub struct Message {
    about: About,
    document: Document,
    secret: Option<Arc<SecretText>>,
    hash: [u8; 32],
}

impl Message {
    /// A message with this text.
    pub fn new(about: About, document: Document) -> Self {
        let hash = document.hash();
        Self { about, document, secret: None, hash }
    }

    /// Puts a code or a link where the text has its [`PLACE`].
    pub(crate) fn with_secret(mut self, secret: SecretText) -> Self {
        self.secret = Some(Arc::new(secret));
        self
    }

    /// What it tells of.
    pub fn about(&self) -> About {
        self.about
    }

    /// The language that it is written in.
    pub fn locale(&self) -> &Locale {
        &self.document.locale
    }

    /// The title: the subject of a mail. It holds no secret.
    pub fn title(&self) -> &str {
        &self.document.title
    }

    /// The hash of the text, which the evidence names. In the place of a code or a link it has a mark.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// The whole text, to be sent or shown: with the code or the link where there is one. It is kept
    /// nowhere and logged nowhere.
    pub fn document(&self) -> Document {
        let mut document = self.document.clone();
        if let Some(secret) = &self.secret {
            secret.expose(|bytes| {
                let text = std::str::from_utf8(bytes).unwrap_or_default();
                let lines = document.blocks.iter_mut().filter_map(|block| match block {
                    Block::Paragraph(line) => Some(line),
                    _ => None,
                });
                for span in lines.flat_map(|line| &mut line.0) {
                    if *span == Span::Text(PLACE.to_owned()) {
                        *span = match text.starts_with("https://") {
                            true => Span::Link { text: text.to_owned(), to: text.to_owned() },
                            false => Span::Text(text.to_owned()),
                        };
                    }
                }
            });
        }
        document
    }

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
        contact_and_complaint(&mut document, declaration, catalogue);
        if let Some(policy) = declaration.policy() {
            document.paragraph(Line::text(say("policy", &[])).contact(&policy.url));
        }
        let version: String =
            declaration.version()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        document.say(say("version", &[("version", &version), named[0]]));
        Self::new(About::Change { announcement }, document)
    }
}

/// Who answers questions, and where to complain: in every message (R8).
pub(crate) fn contact_and_complaint(
    document: &mut Document,
    declaration: &bailee_registry::Declaration,
    catalogue: &Catalogue,
) {
    let say = |key: &str, places: &[(&str, &str)]| {
        catalogue.sentence(sentences(), &format!("notice.{key}"), places)
    };
    let contact = &declaration.controller().contact;
    document.paragraph(Line::text(say("contact", &[])).contact(contact));
    match declaration.authorities().first() {
        Some(authority) => {
            let text = say("complaint_named", &[("authority", &authority.name)]);
            document.paragraph(Line::text(text).contact(&authority.contact));
        }
        None => document.say(say("complaint", &[])),
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("about", &self.about).finish_non_exhaustive()
    }
}

/// What stands in the text where a secret belongs.
pub(crate) const PLACE: &str = "········";
