//! A hold, and what a reviewer says to place one.

use std::{collections::BTreeSet, time::Duration};

use bailee_core::{Error, ErrorKind, Id, Result, SubjectId, Timestamp};
use bailee_registry::Declaration;
use serde::{Deserialize, Serialize};

use super::body::HoldBody;
use crate::request::Reason;

/// What is kept of a person in spite of an erasure, why, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hold {
    /// Its id.
    pub id: Id,
    /// Whose data it keeps.
    pub subject: SubjectId,
    /// What it keeps.
    pub covers: Covers,
    /// Why. Its article is [`Reason::article`].
    pub reason: Reason,
    /// The sentence that the person reads.
    pub sentence: String,
    /// Where the matter is filed.
    pub reference: Option<String>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Who looked at it last, as the host names operators.
    pub reviewer: Id,
    /// When they did.
    pub reviewed_at: Timestamp,
    /// Until when it stands.
    pub until: Timestamp,
    /// Whether it ends soon, so that a reviewer should look at it again.
    pub due: bool,
    /// When and how it ended.
    pub ended: Option<(Timestamp, Ended)>,
    /// The requests that go on when it ends.
    pub waiting: BTreeSet<Id>,
}

/// What a hold keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Covers {
    /// Every set of the host's data.
    All,
    /// Only these sets of the declaration.
    Sets(BTreeSet<String>),
}

/// How a hold ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ended {
    /// A reviewer lifted it.
    Lifted,
    /// Its time was over.
    Over,
    /// In a way of a newer release. Serde wants it last.
    #[serde(other)]
    Unknown,
}

/// What a reviewer says to place a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Placing {
    pub(super) covers: Covers,
    pub(super) reason: Reason,
    pub(super) reviewer: Id,
    pub(super) until: Timestamp,
    pub(super) sentence: String,
    pub(super) reference: Option<String>,
}

impl Placing {
    /// What is to be kept, why, who says so, and until when. `sentence` is what the person reads: why
    /// this is kept, in one sentence of at most 500 characters that names nobody.
    pub fn new(
        covers: Covers,
        reason: Reason,
        reviewer: Id,
        until: Timestamp,
        sentence: impl Into<String>,
    ) -> Self {
        Self { covers, reason, reviewer, until, sentence: sentence.into(), reference: None }
    }

    /// Says where the matter is filed: a number of at most 64 letters, digits and `-./_ `.
    pub fn filed_as(mut self, reference: impl Into<String>) -> Self {
        self.reference = Some(reference.into());
        self
    }

    pub(super) fn check(&self, declaration: &Declaration, now: Timestamp) -> Result<()> {
        if !self.reason.holds_erasure() {
            return refuse("this reason keeps nothing from being erased");
        }
        if let Covers::Sets(sets) = &self.covers {
            if sets.is_empty() {
                return refuse("a hold that keeps nothing");
            }
            if sets.iter().any(|set| declaration.data_set(set).is_none()) {
                return refuse("a hold names a set of data that is not declared");
            }
        }
        check_until(self.until, now)?;
        let length = self.sentence.chars().count();
        if !(10..=500).contains(&length) || self.sentence.chars().any(char::is_control) {
            return refuse("the sentence has to be one line of 10 to 500 characters");
        }
        if self.sentence.contains('@') {
            return refuse("the sentence names an address");
        }
        if let Some(reference) = &self.reference {
            let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '/' | '_' | ' ');
            if reference.trim().is_empty()
                || reference.chars().count() > 64
                || !reference.chars().all(allowed)
            {
                return refuse("the reference is not a file number of at most 64 characters");
            }
        }
        Ok(())
    }
}

impl Hold {
    /// Whether it keeps a set of data at a time. One that is over keeps nothing, also before it was
    /// noted that it is.
    pub fn keeps(&self, set: &str, now: Timestamp) -> bool {
        self.stands(now)
            && match &self.covers {
                Covers::All => true,
                Covers::Sets(sets) => sets.contains(set),
            }
    }

    /// Whether it stands at a time.
    pub fn stands(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.until
    }

    pub(super) fn of(id: Id, body: HoldBody) -> Self {
        Self {
            id,
            subject: body.subject,
            covers: body.sets.map_or(Covers::All, Covers::Sets),
            reason: body.reason,
            sentence: body.sentence,
            reference: body.reference,
            placed_at: body.placed_at,
            reviewer: body.reviewer,
            reviewed_at: body.reviewed_at,
            until: body.until,
            due: body.warned && body.ended.is_none(),
            ended: body.ended,
            waiting: body.waiting,
        }
    }
}

impl Ended {
    /// How, as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lifted => "lifted",
            Self::Over => "over",
            Self::Unknown => "unknown",
        }
    }
}

/// Sees that a hold has an end that is neither past nor too far.
pub(super) fn check_until(until: Timestamp, now: Timestamp) -> Result<()> {
    if until <= now {
        return refuse("a hold has to end in the future");
    }
    if until.since(now) > LONGEST {
        return refuse("a hold ends within ten years; a reviewer may let it go on then");
    }
    Ok(())
}

pub(super) fn refuse<T>(detail: &'static str) -> Result<T> {
    Err(Error::new(ErrorKind::InvalidInput).with_detail(detail))
}

/// Ten years, with their leap days.
const LONGEST: Duration = Duration::from_secs(3_653 * 86_400);
