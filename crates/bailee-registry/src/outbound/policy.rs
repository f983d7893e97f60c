//! What is done with what was found.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{Error, ErrorKind, Result};

use super::{
    finding::{Finding, FindingKind},
    screen::Screen,
};

/// What is done with a text in which something was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnFinding {
    /// Nothing. For kinds that the recipient is declared to receive.
    Allow,
    /// What was found is replaced by a word for its kind, such as `[e-mail]`.
    Redact,
    /// Nothing leaves. The default.
    #[default]
    Refuse,
    /// A person decides.
    Review,
}

/// What is done for each kind. A kind that is not named is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScreeningPolicy {
    chosen: BTreeMap<FindingKind, OnFinding>,
}

/// A text after screening. `Debug` shows no text.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Screened {
    /// It may leave as it is. What was found in it is allowed.
    Clean {
        /// What was found and allowed.
        allowed: Vec<Finding>,
    },
    /// It may leave in this form.
    Redacted {
        /// The new text.
        text: String,
        /// What was found in the new text and allowed.
        allowed: Vec<Finding>,
        /// What was replaced, by kind and how often.
        replaced: BTreeMap<FindingKind, usize>,
    },
    /// It must not leave.
    Refused {
        /// The kinds for which it is refused.
        kinds: BTreeSet<FindingKind>,
    },
    /// It waits for a person.
    Review {
        /// What it would be: kinds that are redacted are so already.
        text: String,
        /// What the person has to look at, in the new text.
        findings: Vec<Finding>,
        /// What was found in the new text and allowed.
        allowed: Vec<Finding>,
        /// What was replaced, by kind and how often.
        replaced: BTreeMap<FindingKind, usize>,
    },
}

impl ScreeningPolicy {
    /// Refuses everything that is found.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does the same with every kind.
    pub fn all(what: OnFinding) -> Self {
        Self { chosen: FindingKind::ALL.into_iter().map(|kind| (kind, what)).collect() }
    }

    /// Chooses for a kind.
    #[must_use]
    pub fn on(mut self, kind: FindingKind, what: OnFinding) -> Self {
        self.chosen.insert(kind, what);
        self
    }

    /// What is done with a kind.
    pub fn of(&self, kind: FindingKind) -> OnFinding {
        self.chosen.get(&kind).copied().unwrap_or_default()
    }
}

impl Screen {
    /// Screens a text and does what the policy says.
    ///
    /// Refusing goes before reviewing, and both look at the text after redaction too, so nothing
    /// that a replacement brought to light is missed. A redacted text that is screened again under
    /// the same policy is clean.
    ///
    /// # Errors
    ///
    /// As [`Screen::find`].
    pub fn apply(&self, text: &str, policy: &ScreeningPolicy) -> Result<Screened> {
        let mut current: Option<String> = None;
        let mut replaced: BTreeMap<FindingKind, usize> = BTreeMap::new();
        for _ in 0..MAX_ROUNDS {
            let now = current.as_deref().unwrap_or(text);
            let found = self.find_again(now, current.is_some())?;
            let with = |what| found.iter().filter(move |finding| policy.of(finding.kind) == what);
            let kinds: BTreeSet<_> = with(OnFinding::Refuse).map(|finding| finding.kind).collect();
            if !kinds.is_empty() {
                return Ok(Screened::Refused { kinds });
            }
            let redact: Vec<&Finding> = with(OnFinding::Redact).collect();
            if !redact.is_empty() {
                current = Some(without(now, &redact, &mut replaced));
                continue;
            }
            let findings: Vec<Finding> = with(OnFinding::Review).cloned().collect();
            let allowed: Vec<Finding> = with(OnFinding::Allow).cloned().collect();
            if !findings.is_empty() {
                let text = current.unwrap_or_else(|| text.to_owned());
                return Ok(Screened::Review { text, findings, allowed, replaced });
            }
            return Ok(match current {
                Some(text) => Screened::Redacted { text, allowed, replaced },
                None => Screened::Clean { allowed },
            });
        }
        // Each round brought something new to light: such a text was made for it.
        Ok(Screened::Refused { kinds: replaced.into_keys().collect() })
    }

    /// A text may have grown by its marks beyond what is taken from outside.
    fn find_again(&self, text: &str, grown: bool) -> Result<Vec<Finding>> {
        self.find(text).map_err(|error| {
            if grown {
                Error::new(ErrorKind::TooLarge).with_detail("a redacted text")
            } else {
                error
            }
        })
    }
}

/// The text with a mark in place of each finding; of those that overlap, the first one's.
fn without(
    text: &str,
    findings: &[&Finding],
    replaced: &mut BTreeMap<FindingKind, usize>,
) -> String {
    let mut new = String::with_capacity(text.len());
    let mut end = 0;
    for finding in findings {
        *replaced.entry(finding.kind).or_default() += 1;
        if finding.range.start >= end {
            new.push_str(&text[end..finding.range.start]);
            new.push_str(finding.kind.replacement());
        }
        end = end.max(finding.range.end);
    }
    new.push_str(&text[end..]);
    new
}

impl std::fmt::Debug for Screened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Clean { allowed } => f.debug_struct("Clean").field("allowed", allowed).finish(),
            Self::Redacted { text: _, allowed, replaced } => f
                .debug_struct("Redacted")
                .field("allowed", allowed)
                .field("replaced", replaced)
                .finish_non_exhaustive(),
            Self::Refused { kinds } => f.debug_struct("Refused").field("kinds", kinds).finish(),
            Self::Review { text: _, findings, allowed, replaced } => f
                .debug_struct("Review")
                .field("allowed", allowed)
                .field("findings", findings)
                .field("replaced", replaced)
                .finish_non_exhaustive(),
        }
    }
}

/// How often a text is screened again after a redaction.
const MAX_ROUNDS: usize = 8;
