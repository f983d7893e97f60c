//! How the scopes that were asked for, those that were granted and those that are declared differ.

use std::collections::BTreeSet;

use bailee_core::{ProviderId, PurposeId, ScopeName};

use crate::Declaration;

/// How what was asked for, what was granted and what is declared now differ, for one connection.
/// All lists are sorted.
///
/// None of it lets anything through: whatever was granted, a call needs scopes that are declared for
/// its purpose, and whatever is declared, it needs scopes that were granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScopeDrift {
    /// Asked for and not granted: the person took a tick away, or the provider gives less.
    pub declined: Vec<ScopeName>,
    /// Granted and never asked for.
    pub unasked: Vec<ScopeName>,
    /// Granted, and needed by none of the connection's purposes as they are declared now. The person
    /// can be asked to connect again, for less.
    pub surplus: Vec<ScopeName>,
    /// Needed by the connection's purposes as they are declared now, and neither asked for nor
    /// granted when it was connected: the declaration has grown. The person has to connect again
    /// before what needs them works.
    pub lacking: Vec<ScopeName>,
}

impl ScopeDrift {
    /// Whether all three agree.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl Declaration {
    /// How the scopes of a connection at a provider differ from what is declared for its purposes.
    /// `asked` is what its person was sent to the provider with, where that is known. Scopes that a
    /// provider grants to everybody are to be left out of `granted`.
    ///
    /// Of an integration that is not declared any more, every scope is surplus.
    pub fn scope_drift(
        &self,
        provider: &ProviderId,
        purposes: &[PurposeId],
        asked: Option<&[ScopeName]>,
        granted: &[ScopeName],
    ) -> ScopeDrift {
        let needed: BTreeSet<&ScopeName> = self
            .integration(provider)
            .into_iter()
            .flat_map(|integration| &integration.scopes)
            .filter(|(_, serves)| purposes.iter().any(|purpose| serves.contains(purpose)))
            .map(|(scope, _)| scope)
            .collect();
        let granted: BTreeSet<&ScopeName> = granted.iter().collect();
        let known: Option<BTreeSet<&ScopeName>> = asked.map(|asked| asked.iter().collect());
        let asked = known.as_ref().unwrap_or(&granted);
        let without = |these: &BTreeSet<&ScopeName>, those: &BTreeSet<&ScopeName>| {
            these.difference(those).map(|scope| (*scope).clone()).collect()
        };
        ScopeDrift {
            declined: without(asked, &granted),
            unasked: without(&granted, asked),
            surplus: without(&granted, &needed),
            lacking: without(&needed, &asked.union(&granted).copied().collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIKTOK: ProviderId = ProviderId::from_static("tiktok");
    const PUBLISH: PurposeId = PurposeId::from_static("publish.video");
    const BASIC: ScopeName = ScopeName::from_static("user.info.basic");
    const POST: ScopeName = ScopeName::from_static("video.publish");
    const STATS: ScopeName = ScopeName::from_static("user.info.stats");

    fn example() -> Declaration {
        Declaration::parse(include_str!("../examples/privacy.toml")).unwrap()
    }

    #[test]
    fn tok_05_what_was_declined_and_what_came_unasked_are_told_apart() {
        let drift = example().scope_drift(
            &TIKTOK,
            &[PUBLISH],
            Some(&[BASIC, POST]),
            &[BASIC, STATS, BASIC],
        );
        assert_eq!(drift.declined, [POST]);
        assert_eq!(drift.unasked, [STATS]);
        assert_eq!(drift.surplus, [STATS]);
        assert_eq!(drift.lacking, []);
        assert!(!drift.is_none());
    }

    #[test]
    fn a_declaration_that_grew_lacks_what_nobody_was_asked_for() {
        let drift = example().scope_drift(&TIKTOK, &[PUBLISH], Some(&[BASIC]), &[BASIC]);
        assert_eq!(drift, ScopeDrift { lacking: vec![POST], ..ScopeDrift::default() });
        // Where it is not known what was asked for, nothing is said of the person's choice.
        let unknown = example().scope_drift(&TIKTOK, &[PUBLISH], None, &[BASIC]);
        assert_eq!(unknown, drift);
        let same = example().scope_drift(&TIKTOK, &[PUBLISH], Some(&[POST, BASIC]), &[BASIC, POST]);
        assert!(same.is_none());
    }

    #[test]
    fn of_what_is_not_declared_any_more_everything_is_surplus() {
        let gone = ProviderId::from_static("gone");
        let drift = example().scope_drift(&gone, &[PUBLISH], Some(&[BASIC]), &[BASIC]);
        assert_eq!(drift, ScopeDrift { surplus: vec![BASIC], ..ScopeDrift::default() });
        let drift = example().scope_drift(&TIKTOK, &[], Some(&[BASIC]), &[BASIC]);
        assert_eq!(drift.surplus, [BASIC]);
    }
}
