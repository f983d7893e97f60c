//! Since when a consent has to have been given, and to which text.

use bailee_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Consent, hex};

/// That people are asked anew: consents from before a time no longer suffice, nor do those that were
/// given later to a text that lacks what has changed.
///
/// While two versions of a declaration are live, a process that still shows the old text takes
/// consents after the change. Their time says nothing; the version that was shown does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AskedAnew {
    /// From when on consents suffice.
    pub since: Timestamp,
    /// The versions of the declaration whose text lacks the change.
    #[serde(default, with = "hex::list", skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<[u8; 32]>,
}

impl AskedAnew {
    /// Asks anew whoever agreed before a time.
    pub fn since(since: Timestamp) -> Self {
        Self { since, stale: Vec::new() }
    }

    /// Also asks those anew who agreed to the text of this version, whenever they did.
    #[must_use]
    pub fn stale(mut self, version: [u8; 32]) -> Self {
        if !self.stale.contains(&version) {
            self.stale.push(version);
        }
        self
    }

    /// Whether a consent is new enough: given since then, and to a text that has the change. Where
    /// versions are named and it is not known which one was shown, it is not.
    ///
    /// Whether it holds at all is for [`Consent::stands`] to say.
    pub fn is_met_by(&self, consent: &Consent) -> bool {
        let known = consent.version.is_some_and(|version| !self.stale.contains(&version));
        consent.at >= self.since && (known || self.stale.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ConsentState;

    #[test]
    fn a_consent_suffices_that_is_new_enough_and_to_a_text_with_the_change() {
        let time = |at: &str| serde_json::from_str::<Timestamp>(at).unwrap();
        let consent = |at, version| Consent {
            state: ConsentState::Given,
            at: time(at),
            until: None,
            version,
            guardian: false,
            while_restricted: false,
        };
        let by_time = AskedAnew::since(time("10"));
        assert!(!by_time.is_met_by(&consent("9", Some([2; 32]))));
        assert!(by_time.is_met_by(&consent("10", Some([1; 32]))));
        assert!(by_time.is_met_by(&consent("10", None)));
        let by_text = by_time.stale([1; 32]).stale([1; 32]);
        assert_eq!(by_text.stale.len(), 1);
        assert!(!by_text.is_met_by(&consent("11", Some([1; 32]))));
        assert!(!by_text.is_met_by(&consent("11", None)), "who knows what was shown");
        assert!(!by_text.is_met_by(&consent("9", Some([2; 32]))));
        assert!(by_text.is_met_by(&consent("11", Some([2; 32]))));
    }

    #[test]
    fn it_survives_its_json() {
        let asked = AskedAnew::since(serde_json::from_str("10").unwrap()).stale([0xab; 32]);
        let json = serde_json::to_string(&asked).unwrap();
        assert_eq!(json, format!(r#"{{"since":10,"stale":["{}"]}}"#, "ab".repeat(32)));
        assert_eq!(serde_json::from_str::<AskedAnew>(&json).unwrap(), asked);
        let broken = json.replace("ab", "a");
        assert!(serde_json::from_str::<AskedAnew>(&broken).is_err(), "none is passed over");
    }
}
