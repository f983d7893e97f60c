//! The clock of a request: when it came, where it stood still, how far it was extended.

use std::collections::BTreeSet;

use bailee_core::{Error, ErrorKind, Result, Timestamp};
use serde::{Deserialize, Serialize};
use time::Date;

use super::{Deadline, Establishment, Matter, PauseRule, zone};

/// Why a request waits for the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PauseReason {
    /// To say which data or processing is meant (recital 63 GDPR).
    Clarification,
    /// To pay a reasonable fee (Art. 12(5) GDPR).
    Fee,
    /// To say who they are, there being reasonable doubts (Art. 12(6) GDPR).
    Identity,
}

/// A wait for the person. There is none without its reason and the time of the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pause {
    /// Why.
    pub reason: PauseReason,
    /// When the question was sent.
    pub asked: Timestamp,
    /// When the answer came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<Timestamp>,
}

/// Why a request takes longer (Art. 12(3) GDPR).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ExtensionReason {
    /// It is complex.
    Complexity,
    /// The person made many.
    Number,
}

/// An extension that the person was told of in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Extension {
    /// Why.
    pub reason: ExtensionReason,
    /// When the person was told, with the reason.
    pub notified: Timestamp,
}

/// The clock of one request. It holds facts; what they come to is [`read`](Self::read) from them
/// under a law, so that a corrected calendar corrects every deadline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestClock {
    matter: Matter,
    received: Timestamp,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pauses: Vec<Pause>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extension: Option<Extension>,
}

/// What a clock shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reading {
    /// It stands still until the person answers.
    Paused {
        /// Since when.
        since: Timestamp,
        /// Where it stood.
        last: Deadline,
    },
    /// It runs.
    Running(Deadline),
}

impl Reading {
    /// The deadline that runs, or that ran before the pause.
    pub fn deadline(&self) -> &Deadline {
        match self {
            Self::Paused { last, .. } => last,
            Self::Running(deadline) => deadline,
        }
    }

    /// The deadline, while it runs.
    pub fn running(&self) -> Option<&Deadline> {
        match self {
            Self::Paused { .. } => None,
            Self::Running(deadline) => Some(deadline),
        }
    }
}

impl RequestClock {
    /// The clock of a request for which a controller has received all that it needs to begin. It
    /// starts with the receipt, on whatever day and through whatever channel (R10: the application or
    /// a letter that an operator enters, with the day that it came).
    pub fn start(matter: Matter, received: Timestamp) -> Self {
        Self { matter, received, pauses: Vec::new(), extension: None }
    }

    /// What it is for.
    pub fn matter(&self) -> Matter {
        self.matter
    }

    /// When the request was received.
    pub fn received(&self) -> Timestamp {
        self.received
    }

    /// The waits for the person, in order.
    pub fn pauses(&self) -> &[Pause] {
        &self.pauses
    }

    /// The extension, if the person was told of one.
    pub fn extension(&self) -> Option<Extension> {
        self.extension
    }

    /// Notes that the person was asked something. Whether that stops anything is the law's to say: in
    /// California it does not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] while another question is open; [`ErrorKind::InvalidInput`] for a time
    /// before the receipt or before the last answer.
    pub fn pause(&mut self, reason: PauseReason, asked: Timestamp) -> Result<()> {
        let earliest = match self.pauses.last() {
            None => self.received,
            Some(Pause { answered: Some(answered), .. }) => *answered,
            Some(_) => {
                return Err(Error::new(ErrorKind::Conflict)
                    .with_detail("the person has not answered the last question"));
            }
        };
        if asked < earliest {
            return Err(invalid(
                "a question is not sent before the request or the last answer came",
            ));
        }
        self.pauses.push(Pause { reason, asked, answered: None });
        Ok(())
    }

    /// Notes that the person answered.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] where nothing was asked, or for a time before the question.
    pub fn resume(&mut self, answered: Timestamp) -> Result<()> {
        match self.pauses.last_mut() {
            Some(pause) if pause.answered.is_none() && pause.asked <= answered => {
                pause.answered = Some(answered);
                Ok(())
            }
            Some(pause) if pause.answered.is_none() => {
                Err(invalid("an answer does not come before its question"))
            }
            _ => Err(invalid("the person was asked nothing")),
        }
    }

    /// Notes that the person was told, with the reason, that it takes longer. Only inside the first
    /// period, and once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where the law knows no extension; [`ErrorKind::Expired`] after the
    /// first period; [`ErrorKind::AlreadyExists`] for a second one; [`ErrorKind::InvalidInput`] for a
    /// time before the receipt.
    pub fn extend(
        &mut self,
        reason: ExtensionReason,
        notified: Timestamp,
        at: &Establishment,
    ) -> Result<()> {
        if self.extension.is_some() {
            return Err(
                Error::new(ErrorKind::AlreadyExists).with_detail("a request is extended once")
            );
        }
        if notified < self.received {
            return Err(invalid("an extension is not notified before the request came"));
        }
        if at.term(self.matter)?.extended.is_none() {
            return Err(Error::new(ErrorKind::Unsupported)
                .with_detail("the law has no extension of this matter"));
        }
        if self.read_first(at)?.deadline().is_over(notified) {
            return Err(Error::new(ErrorKind::Expired)
                .with_detail("the person is told of an extension inside the first period")
                .with_remedy(bailee_core::Remedy::None));
        }
        self.extension = Some(Extension { reason, notified });
        Ok(())
    }

    /// What it shows under a law.
    ///
    /// # Errors
    ///
    /// As [`Establishment::deadline`].
    pub fn read(&self, at: &Establishment) -> Result<Reading> {
        self.read_as(at, self.extension.is_some())
    }

    /// What it shows without its extension: until then the person has to be told of one, or of a
    /// refusal with its reasons (Art. 12(3) and (4) GDPR).
    ///
    /// # Errors
    ///
    /// As [`Establishment::deadline`].
    pub fn read_first(&self, at: &Establishment) -> Result<Reading> {
        self.read_as(at, false)
    }

    /// When to warn, in order. Nothing while it stands still.
    ///
    /// # Errors
    ///
    /// As [`Establishment::deadline`].
    pub fn warnings(&self, at: &Establishment) -> Result<Vec<Timestamp>> {
        let reading = self.read(at)?;
        let term = at.term(self.matter)?;
        Ok(reading.running().map_or_else(Vec::new, |end| end.warnings(term, self.received)))
    }

    fn read_as(&self, at: &Establishment, extended: bool) -> Result<Reading> {
        let term = at.term(self.matter)?;
        let mut from = self.received;
        // A set, so that two waits that meet on a day take that day out once.
        let mut out = BTreeSet::new();
        let mut deadline = at.reckon(term, extended, from, &out)?;
        for pause in &self.pauses {
            let rule = at.regime().pause(pause.reason);
            // What is over is not revived by a question.
            if rule == PauseRule::Runs || deadline.is_over(pause.asked) {
                continue;
            }
            let Some(answered) = pause.answered else {
                return Ok(Reading::Paused { since: pause.asked, last: deadline });
            };
            let asked = zone::date_at(at.zone(), pause.asked)?;
            let until = zone::date_at(at.zone(), answered)?;
            match rule {
                PauseRule::AnswerDayCounts => out.extend(days(asked, until, false)),
                PauseRule::BothDaysOut => out.extend(days(asked, until, true)),
                PauseRule::Restart => from = answered,
                PauseRule::Runs => {}
            }
            deadline = at.reckon(term, extended, from, &out)?;
        }
        Ok(Reading::Running(deadline))
    }
}

/// The days from one to another, the last among them or not.
fn days(from: Date, until: Date, with_last: bool) -> impl Iterator<Item = Date> {
    std::iter::successors(Some(from), |day| day.next_day())
        .take_while(move |day| *day < until || (with_last && *day == until))
}

fn invalid(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput).with_detail(what)
}
