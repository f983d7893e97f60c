//! What a law says about deadlines, as data.

use std::{collections::BTreeMap, sync::LazyLock};

use bailee_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::{PauseReason, Period, written};

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Matter {
    /// To answer a request: access, rectification, erasure, portability, restriction, objection.
    Answer,
    /// To tell the authority about a breach of personal data.
    BreachToAuthority,
    /// To tell the people whom a breach concerns.
    BreachToPeople,
    /// To acknowledge a complaint.
    Complaint,
    /// To confirm that a request arrived.
    Confirm,
    /// To stop selling, sharing or more use than needed.
    OptOut,
    /// To tell somebody that data about them came from elsewhere.
    OtherSource,
    /// To refuse a request, with reasons and where to complain.
    Refuse,
}

/// What a wait for the person does to a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PauseRule {
    /// The days from the question on do not count; the day of the answer counts again.
    AnswerDayCounts,
    /// Neither the day of the question nor that of the answer counts, nor a day between.
    BothDaysOut,
    /// The period begins on the day of the answer.
    Restart,
    /// Nothing: the period runs on.
    Runs,
}

/// One deadline of a law.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Term {
    /// Where it stands (`Art. 12(3)`).
    pub article: String,
    /// How long it is.
    pub period: Period,
    /// How long it is by the reading that can never be late, where there are two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<Period>,
    /// How long it is after an extension, from the same beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended: Option<Period>,
    /// The same by the reading that can never be late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended_strict: Option<Period>,
    /// Whether a last day that is no working day gives way to the next one that is.
    #[serde(default)]
    pub rolls: bool,
    /// Whether, of a period in hours, the hour of the event is not counted (Art. 3(1) of Regulation
    /// 1182/71).
    #[serde(default)]
    pub hour_of_event_out: bool,
    /// How long before its end somebody is warned, longest first. In days or hours.
    #[serde(default)]
    pub warnings: Vec<Period>,
}

/// A law: its deadlines and what a wait for the person does to them.
///
/// What has no number in the law ("without undue delay") is no term here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Regime {
    /// Its short name (`eu`).
    pub name: String,
    /// The laws and guidance that it follows.
    pub source: String,
    /// What was not confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unconfirmed: Option<String>,
    /// What a pause does, by its reason. A reason that is not there lets the period run.
    #[serde(default)]
    pauses: BTreeMap<PauseReason, PauseRule>,
    /// The terms.
    terms: BTreeMap<Matter, Term>,
}

static EU: LazyLock<Regime> = LazyLock::new(|| built_in(include_str!("../../regimes/eu.toml")));
static UK: LazyLock<Regime> = LazyLock::new(|| built_in(include_str!("../../regimes/uk.toml")));
static CCPA: LazyLock<Regime> = LazyLock::new(|| built_in(include_str!("../../regimes/ccpa.toml")));
static LGPD: LazyLock<Regime> = LazyLock::new(|| built_in(include_str!("../../regimes/lgpd.toml")));

impl Regime {
    /// The General Data Protection Regulation, Regulation (EU) 2016/679.
    pub fn eu() -> Self {
        EU.clone()
    }

    /// The law of the United Kingdom since the Data (Use and Access) Act 2025.
    pub fn uk() -> Self {
        UK.clone()
    }

    /// The California Consumer Privacy Act with its regulations.
    pub fn ccpa() -> Self {
        CCPA.clone()
    }

    /// The Brazilian Lei Geral de Proteção de Dados.
    pub fn lgpd() -> Self {
        LGPD.clone()
    }

    /// Reads a regime of the form of those that come with the crate: another law, or a law as it
    /// stands after a change.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] with the line of what is wrong, and for a term that no arithmetic
    /// has: an extension that is shorter than the term, a strict reading that is longer, a warning in
    /// months.
    pub fn parse(text: &str) -> Result<Self> {
        let regime: Self = written::read(text, "regime")?;
        for term in regime.terms.values() {
            term.check()?;
        }
        Ok(regime)
    }

    /// The term of a matter; `None` where the law names no number.
    pub fn term(&self, matter: Matter) -> Option<&Term> {
        self.terms.get(&matter)
    }

    /// What a pause for this reason does.
    pub fn pause(&self, reason: PauseReason) -> PauseRule {
        self.pauses.get(&reason).copied().unwrap_or(PauseRule::Runs)
    }
}

impl Term {
    /// The two readings of the period: the strict one and the law's.
    pub(super) fn readings(&self, extended: bool) -> Option<(Period, Period)> {
        let (legal, strict) = match extended {
            false => (self.period, self.strict),
            true => (self.extended?, self.extended_strict),
        };
        Some((strict.unwrap_or(legal), legal))
    }

    fn check(&self) -> Result<()> {
        let wrong =
            |what: &'static str| Err(Error::new(ErrorKind::Configuration).with_detail(what));
        let longer = |shorter: Period, longer: Period| match (shorter, longer) {
            (Period::Days(a), Period::Days(b))
            | (Period::Hours(a), Period::Hours(b))
            | (Period::Months(a), Period::Months(b))
            | (Period::Weeks(a), Period::Weeks(b))
            | (Period::WorkingDays(a), Period::WorkingDays(b)) => a <= b,
            _ => false,
        };
        if self.strict.is_some_and(|strict| !longer(strict, self.period)) {
            return wrong("the strict reading of a term is no longer than it and in its unit");
        }
        if self.extended.is_some_and(|extended| !longer(self.period, extended)) {
            return wrong(
                "an extended term is counted from its beginning, in its unit, and no shorter",
            );
        }
        match (self.extended_strict, self.extended) {
            (None, _) => {}
            (Some(strict), Some(extended)) if longer(strict, extended) => {}
            _ => {
                return wrong(
                    "the strict reading of an extension is no longer than it and in its unit",
                );
            }
        }
        let hours = |warning: &Period| matches!(warning, Period::Days(_) | Period::Hours(_));
        if !self.warnings.iter().all(hours) {
            return wrong("a warning is so many days or hours before the end");
        }
        Ok(())
    }
}

fn built_in(text: &str) -> Regime {
    Regime::parse(text).expect("the regimes of the crate are read by its tests")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_regimes_that_come_with_the_crate_are_read_and_name_their_law() {
        for regime in [Regime::eu(), Regime::uk(), Regime::ccpa(), Regime::lgpd()] {
            assert!(!regime.source.is_empty());
            assert!(regime.term(Matter::Answer).is_some(), "{}", regime.name);
            for term in regime.terms.values() {
                assert!(!term.article.is_empty() && !term.warnings.is_empty(), "{}", regime.name);
            }
        }
        assert_eq!(Regime::eu().term(Matter::BreachToPeople), None, "without undue delay");
        assert_eq!(Regime::ccpa().pause(PauseReason::Identity), PauseRule::Runs);
        assert_eq!(Regime::eu().pause(PauseReason::Fee), PauseRule::Runs);
        assert_eq!(Regime::uk().pause(PauseReason::Fee), PauseRule::Restart);
    }

    #[test]
    fn a_law_that_changes_is_a_file_that_changes() {
        let text = "name = \"eu-proposed\"\nsource = \"COM(2025) 837\"\n[terms.breach-to-authority]\narticle = \"Art. 33\"\nperiod = \"96 hours\"\n";
        let regime = Regime::parse(text).unwrap();
        let term = regime.term(Matter::BreachToAuthority).unwrap();
        assert_eq!(term.period, Period::Hours(96));
    }

    #[test]
    fn what_is_wrong_with_a_regime_is_said_with_its_line() {
        let head = "name = \"x\"\nsource = \"y\"\n[terms.answer]\narticle = \"1\"\n";
        for (rest, expected) in [
            ("period = \"30 dayz\"\n", "line 5"),
            ("period = \"1 month\"\ncolour = \"blue\"\n", "line 6"),
            ("period = \"1 month\"\nextended = \"90 days\"\n", "counted from its beginning"),
            ("period = \"2 months\"\nextended = \"1 month\"\n", "no shorter"),
            ("period = \"44 days\"\nstrict = \"45 days\"\n", "strict"),
            ("period = \"1 month\"\nextended_strict = \"1 month\"\n", "strict"),
            ("period = \"1 month\"\nwarnings = [\"1 month\"]\n", "warning"),
        ] {
            let error = Regime::parse(&format!("{head}{rest}")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.detail().unwrap().contains(expected), "{error} {rest}");
        }
    }
}
