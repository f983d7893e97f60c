//! Texts that leave, as people write them.

use bailee_registry::outbound::{FindingKind, OnFinding, Screen, Screened, ScreeningPolicy};

/// A text, screened: places lie in it, and what was redacted is not found again.
pub(crate) fn screening(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let text = &*text;
    // A name of which a mark is made cannot be redacted; this one is in none.
    let Ok(screen) = Screen::new().with_uuids().with_terms(["fake-canary", "田中浩二"]) else {
        panic!("two names are no more than a screen takes");
    };
    let Ok(found) = screen.find(text) else {
        assert!(text.len() > Screen::MAX_TEXT);
        return;
    };
    let mut end = 0;
    for finding in &found {
        assert!(text.get(finding.range.clone()).is_some_and(|piece| !piece.is_empty()));
        if finding.kind != FindingKind::KnownTerm {
            assert!(finding.range.start >= end, "two in one place");
            end = finding.range.end;
        }
    }
    crate::quiet("findings", &found);
    let redacted = screen.apply(text, &ScreeningPolicy::all(OnFinding::Redact));
    match redacted {
        Ok(Screened::Clean { allowed }) => assert!(allowed.is_empty() && found.is_empty()),
        Ok(Screened::Redacted { text: new, .. }) => {
            assert!(!found.is_empty() && new.len() <= 6 * text.len() + 16);
            assert!(screen.find(&new).is_ok_and(|found| found.is_empty()), "something is left");
        }
        // A text may outgrow the screen by its marks.
        Err(error) => crate::quiet_error("redaction", &error),
        // Each round brought something else to light.
        Ok(Screened::Refused { kinds }) => assert!(!kinds.is_empty() && found.len() > 1),
        Ok(other) => panic!("{other:?}"),
    }
    let refused = screen.apply(text, &ScreeningPolicy::new());
    assert!(
        refused
            .is_ok_and(|refused| matches!(refused, Screened::Refused { .. }) != found.is_empty())
    );
}
