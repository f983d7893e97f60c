//! What holds for every text: places are in it, redaction is complete, output has a bound.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by it as the tests do")]

use bailee_registry::outbound::{FindingKind, OnFinding, Screen, Screened, ScreeningPolicy};
use proptest::prelude::*;

/// Pieces of what scanners look for, and of what stands between.
const PIECES: &[&str] = &[
    "@",
    "@@",
    ".",
    "-",
    " ",
    "  ",
    "/",
    "(",
    ")",
    "[",
    "]",
    ":",
    "::",
    "=",
    "+",
    "_",
    "#",
    "\"",
    "\n",
    "ada",
    "Ada Lovelace",
    "lovelace",
    "example.org",
    "a@b.example",
    "(at)",
    " at ",
    " dot ",
    "[dot]",
    "%40",
    "+44",
    "020",
    "7946",
    "0958",
    "00",
    "0",
    "555-0132",
    "(415)",
    "12",
    "2026",
    "4111 1111 1111 1111",
    "4111",
    "DE89 3704 0044 0532 0130 00",
    "192.0.2.1",
    "2001:db8::1:2",
    "password",
    "password: ",
    "password=",
    "token",
    "is ",
    "fake1234",
    "Bearer ",
    "Basic ",
    "fake0123456789fake",
    "http://",
    "https://x.com/",
    "instagram.com/",
    "user id ",
    "U012345AB",
    "112345678901234567890",
    "tel ",
    "€",
    "[e-mail]",
    "[name]",
    "[phone]",
    "[credential]",
    "\u{200b}",
    "\u{202e}",
    "\u{300}",
    "１",
    "＠",
    "٣",
    "田",
    "田中浩二",
    "ü",
    "😀",
    "3\u{fe0f}\u{20e3}",
    "-----BEGIN PRIVATE KEY-----",
    "-----END ",
];

fn text() -> impl Strategy<Value = String> {
    let built = prop::collection::vec(prop::sample::select(PIECES), 0..24)
        .prop_map(|pieces| pieces.concat());
    prop_oneof![4 => built, 1 => any::<String>()]
}

fn screen() -> Screen {
    Screen::new().with_uuids().with_terms(["Ada Lovelace", "田中浩二", "lovelace"]).unwrap()
}

fn policy() -> impl Strategy<Value = ScreeningPolicy> {
    let what = prop::sample::select(vec![OnFinding::Allow, OnFinding::Redact, OnFinding::Redact]);
    prop::collection::vec(what, FindingKind::ALL.len()).prop_map(|chosen| {
        let all = FindingKind::ALL.into_iter().zip(chosen);
        all.fold(ScreeningPolicy::new(), |policy, (kind, what)| policy.on(kind, what))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn findings_are_in_the_text_between_its_characters_and_in_order(text in text()) {
        let found = screen().find(&text).unwrap();
        for finding in &found {
            prop_assert!(finding.range.start < finding.range.end);
            prop_assert!(text.get(finding.range.clone()).is_some());
        }
        prop_assert!(found.is_sorted_by_key(|finding| finding.range.start));
        // Apart from known names, no two stand in one place.
        let rest: Vec<_> = found.iter().filter(|f| f.kind != FindingKind::KnownTerm).collect();
        prop_assert!(rest.windows(2).all(|two| two[0].range.end <= two[1].range.start));
        prop_assert_eq!(found, screen().find(&text).unwrap());
    }

    #[test]
    fn in_a_redacted_text_nothing_of_what_was_redacted_is_found(text in text(), policy in policy()) {
        match screen().apply(&text, &policy).unwrap() {
            Screened::Clean { .. } => {
                let found = screen().find(&text).unwrap();
                prop_assert!(found.iter().all(|f| policy.of(f.kind) == OnFinding::Allow));
            }
            Screened::Redacted { text: new, .. } => {
                let found = screen().find(&new).unwrap();
                prop_assert!(found.iter().all(|f| policy.of(f.kind) == OnFinding::Allow));
                prop_assert!(new.len() <= 6 * text.len() + 16, "{} of {}", new.len(), text.len());
                let again = screen().apply(&new, &policy).unwrap();
                prop_assert!(matches!(again, Screened::Clean { .. }), "{:?}", again);
            }
            // Each round brought something else to light: rare, and nothing leaves.
            Screened::Refused { .. } => prop_assert!(screen().find(&text).unwrap().len() > 1),
            other => prop_assert!(false, "{:?}: {:?}", other, text),
        }
    }

    #[test]
    fn what_is_unseen_changes_nothing(text in text(), at in any::<prop::sample::Index>()) {
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let at = places[at.index(places.len())];
        let hidden = format!("{}\u{200b}{}", &text[..at], &text[at..]);
        let kinds = |text: &str| -> Vec<FindingKind> {
            screen().find(text).unwrap().into_iter().map(|found| found.kind).collect()
        };
        prop_assert_eq!(kinds(&text), kinds(&hidden));
    }
}

#[test]
fn no_mark_is_a_finding() {
    for kind in FindingKind::ALL {
        for around in ["", " ", "x", "1", "@", "+", "password: ", "password=", "user id: ", "tel "]
        {
            let text = format!("{around}{}{around}", kind.replacement());
            assert_eq!(Screen::new().find(&text).unwrap(), [], "{text}");
        }
    }
}

#[test]
fn a_megabyte_of_what_scanners_look_for_is_screened() {
    for piece in ["@", "a.a.a.a@"] {
        let text = piece.repeat(Screen::MAX_TEXT / piece.len());
        let found = Screen::new().find(&text).unwrap();
        assert!(found.len() <= text.len() / 2, "{piece}");
    }
}

#[test]
fn a_mark_says_nothing_of_what_follows_it() {
    let policy = ScreeningPolicy::all(OnFinding::Redact);
    let screened = Screen::new().apply("0606 35000, 0635000, 0635000", &policy).unwrap();
    let Screened::Redacted { text, .. } = screened else { panic!("{screened:?}") };
    assert_eq!(text, "[phone], 0635000, 0635000");
}
