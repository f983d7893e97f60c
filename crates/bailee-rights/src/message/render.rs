//! The text of a letter, from its facts and the sentences of a language.

use bailee_core::{Id, Locale};
use bailee_registry::{Catalogue, Controller, Document, Line, RestrictionGround};

use super::{Content, Done, Messages, Refusal, Told};
use crate::{
    clock::ExtensionReason,
    notice::{About, Message, PLACE, contact_and_complaint},
    request::{Reason, Right},
    sentences,
};

impl Messages {
    /// The message of a letter.
    pub(super) fn write(
        &self,
        request: Id,
        right: Right,
        content: &Content,
        with_secret: bool,
        reader: &Locale,
    ) -> Message {
        let catalogue = self.catalogue(reader);
        let controller = self.declaration().controller();
        let writer = Writer { catalogue: &catalogue, controller, right, with_secret };
        let mut document = Document::new(writer.title(content), catalogue.locale().clone());
        writer.body(&mut document, content);
        document.heading(writer.say("foot_heading", &[]));
        contact_and_complaint(&mut document, self.declaration(), &catalogue);
        if denies(content) {
            document.say(writer.say("court", &[]));
        }
        document.say(writer.say("reference", &[("request", &request.to_string())]));
        Message::new(About::Request { request, kind: content.kind() }, document)
    }
}

/// Whether a court is to be named: where something is not done, or not in time (Art. 12(4) GDPR).
fn denies(content: &Content) -> bool {
    match content {
        Content::Completed { refused, .. } => !refused.is_empty(),
        Content::ComplaintAnswered { .. } | Content::Extended { .. } | Content::Refused { .. } => {
            true
        }
        _ => false,
    }
}

struct Writer<'a> {
    catalogue: &'a Catalogue,
    controller: &'a Controller,
    right: Right,
    with_secret: bool,
}

impl Writer<'_> {
    fn title(&self, content: &Content) -> String {
        let key = match content {
            Content::Refused { partly: true, .. } => "refused_partly",
            content => content.kind().as_str(),
        };
        self.say(&format!("{key}_title"), &[])
    }

    fn body(&self, document: &mut Document, content: &Content) {
        match content {
            Content::Acknowledged { received, due, cancel_until } => {
                self.asked(document);
                let (received, due) = (self.catalogue.date(*received), self.catalogue.date(*due));
                let places = [("received", received.as_str()), ("due", due.as_str())];
                document.say(self.say("acknowledged", &places));
                document.say(self.say("acknowledged_next", &[]));
                match cancel_until {
                    Some(until) => document.say(self.dated("acknowledged_cancel_until", *until)),
                    None => document.say(self.say("acknowledged_cancel", &[])),
                }
            }
            Content::Cancelled { cause } => {
                self.asked(document);
                document.say(self.say(&format!("cancelled_{}", cause.as_str()), &[]));
                document.say(self.say("cancelled_again", &[]));
            }
            Content::ComplaintAnswered { answer } => {
                self.asked(document);
                document.say(self.say("complaint_answered", &[]));
                document.heading(self.say("complaint_heading", &[]));
                for paragraph in answer.lines().map(str::trim).filter(|line| !line.is_empty()) {
                    document.say(paragraph);
                }
            }
            Content::Completed { done, refused, recipients, receipt, since_stays } => {
                self.asked(document);
                let key = if refused.is_empty() { "completed" } else { "completed_partly" };
                document.say(self.say(key, &[]));
                self.done(document, done);
                self.refused(document, refused);
                self.told(document, recipients);
                if *since_stays {
                    document.say(self.say("completed_since", &[]));
                }
                if let Some(receipt) = receipt {
                    let receipt = receipt.to_string();
                    document.say(self.say("receipt", &[("receipt", &receipt)]));
                }
            }
            Content::Extended { due, reason } => {
                self.asked(document);
                document.say(self.dated("extended", *due));
                document.say(self.reason(match reason {
                    ExtensionReason::Complexity => Reason::DelayComplexity,
                    ExtensionReason::Number => Reason::DelayVolume,
                }));
            }
            Content::IdentityAsked { doubt, ways, paused, until } => {
                document.say(self.say("identity_asked", &[("right", &self.right())]));
                let doubt = self.sentence("request_doubt", doubt.as_str());
                document.say(self.say("identity_why", &[("doubt", &doubt)]));
                document.heading(self.say("identity_how_heading", &[]));
                let ways = ways.iter().map(|way| {
                    Line::text(self.say(&format!("identity_how_{}", way.as_str()), &[]))
                });
                document.list(ways.collect());
                document.say(self.say("identity_least", &[]));
                if *paused {
                    document.say(self.say("identity_paused", &[]));
                }
                if let Some(until) = until {
                    document.say(self.dated("identity_until", *until));
                }
                document.say(self.say("identity_other", &[]));
            }
            Content::IdentityCode { minutes } => {
                document.say(self.say("identity_code", &[("right", &self.right())]));
                // A paragraph of its own, so that it is found at a glance and copied whole.
                document.say(PLACE);
                let minutes = minutes.to_string();
                document.say(self.say("identity_code_until", &[("minutes", &minutes)]));
                document.say(self.say("identity_code_warning", &[]));
            }
            Content::PackageReady { until } => {
                self.asked(document);
                if self.with_secret {
                    document.say(self.say("package_link", &[]));
                    document.say(PLACE);
                } else {
                    document.say(self.say("package_sign_in", &[]));
                }
                document.say(self.dated("package_until", *until));
                document.say(self.say("package_warning", &[]));
            }
            Content::Recipients { recipients } => {
                self.asked(document);
                document.say(self.say("recipients", &[]));
                self.told(document, recipients);
            }
            Content::Refused { partly, refused } => {
                self.asked(document);
                document.say(self.say(if *partly { "refused_partly" } else { "refused" }, &[]));
                self.refused(document, refused);
            }
            Content::RestrictionEnding { on, ground } => {
                document.say(self.dated("restriction_ending", *on));
                let ground = match ground {
                    RestrictionGround::Child => RestrictionGround::Unknown,
                    ground => *ground,
                };
                document.say(self.sentence("request_restriction", ground.as_str()));
                document.say(self.say("restriction_objection", &[]));
            }
        }
    }

    fn asked(&self, document: &mut Document) {
        document.say(self.say("asked", &[("right", &self.right())]));
    }

    fn done(&self, document: &mut Document, done: &[Done]) {
        if done.is_empty() {
            return;
        }
        document.heading(self.say("done_heading", &[]));
        let lines = done.iter().map(|done| {
            let count = done.count.to_string();
            let places = [("what", done.what.as_str()), ("count", count.as_str())];
            Line::text(self.say(&format!("done_{}", done.act.as_str()), &places))
        });
        document.list(lines.collect());
    }

    fn refused(&self, document: &mut Document, refused: &[Refusal]) {
        if refused.is_empty() {
            return;
        }
        document.heading(self.say("refused_heading", &[]));
        let lines = refused.iter().map(|refusal| {
            let reason = self.reason(refusal.reason);
            let number = refusal.value.map(|value| value.to_string());
            let mut text = match (&refusal.what, &number) {
                (Some(what), Some(number)) => self.say(
                    "refused_value",
                    &[("what", what), ("number", number), ("reason", &reason)],
                ),
                (Some(what), None) => {
                    self.say("refused_what", &[("what", what), ("reason", &reason)])
                }
                (None, Some(number)) => {
                    self.say("refused_number", &[("number", number), ("reason", &reason)])
                }
                (None, None) => reason,
            };
            let until = refusal.until.map(|until| self.catalogue.date(until));
            let kept = refusal.kept.as_deref();
            let kept = match (kept, &until) {
                (Some(kept), Some(until)) => {
                    Some(self.say("kept_until", &[("kept", kept), ("date", until)]))
                }
                (Some(kept), None) => Some(self.say("kept", &[("kept", kept)])),
                (None, Some(until)) => Some(self.say("until", &[("date", until)])),
                (None, None) => None,
            };
            if let Some(kept) = kept {
                text.push(' ');
                text.push_str(&kept);
            }
            Line::text(text)
        });
        document.list(lines.collect());
    }

    fn told(&self, document: &mut Document, recipients: &[Told]) {
        if recipients.is_empty() {
            return;
        }
        document.heading(self.say("recipients_heading", &[]));
        let lines = recipients.iter().map(|told| match told.untold {
            Some(reason) => {
                let reason = self.reason(reason);
                Line::text(self.say("untold", &[("name", &told.name), ("reason", &reason)]))
            }
            None => Line::text(self.say("told", &[("name", &told.name)])),
        });
        document.list(lines.collect());
    }

    /// A reason's sentence with the provision that allows it.
    fn reason(&self, reason: Reason) -> String {
        let sentence = self.sentence("request_reason", reason.as_str());
        self.say("reason", &[("reason", &sentence), ("article", reason.article())])
    }

    /// What was asked for, in words, with the provision that grants it.
    fn right(&self) -> String {
        let right = self.sentence("request_right", self.right.as_str());
        // That one may complain to an authority is another article than that of the controller's own
        // answer, which needs none.
        if self.right == Right::Complaint {
            return right;
        }
        self.say("right", &[("right", &right), ("article", self.right.article())])
    }

    fn dated(&self, key: &str, date: time::Date) -> String {
        self.say(key, &[("date", &self.catalogue.date(date))])
    }

    fn say(&self, key: &str, places: &[(&str, &str)]) -> String {
        let mut all = vec![("controller", self.controller.name.as_str())];
        all.extend_from_slice(places);
        self.catalogue.sentence(sentences(), &format!("request.{key}"), &all)
    }

    fn sentence(&self, section: &str, word: &str) -> String {
        self.catalogue.sentence(sentences(), &format!("{section}.{word}"), &[])
    }
}
