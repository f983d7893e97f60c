//! A tenant's own limits: what they take away, and what is refused as wider.

use bailee_core::{DataCategory, ErrorKind, ProviderId, PurposeId, RecipientId, ScopeName};
use bailee_registry::{
    LegalBasis, Period, Problems, Retention,
    versions::{Overlay, Place},
};

use proptest::prelude::*;

use crate::desk::{PUBLISHER, parse, replaced};

const INSTAGRAM: ProviderId = ProviderId::from_static("instagram");
const TIKTOK: ProviderId = ProviderId::from_static("tiktok");
const PUBLISH: PurposeId = PurposeId::from_static("publish.content");
const SUGGEST: PurposeId = PurposeId::from_static("captions.suggest");
const MEASURE: PurposeId = PurposeId::from_static("measure");
const POST: ScopeName = ScopeName::from_static("video.publish");
const BASIC: ScopeName = ScopeName::from_static("user.info.basic");

fn overlay(text: &str) -> Overlay {
    let overlay = Overlay::parse(text, &parse(PUBLISHER)).unwrap();
    assert_eq!(overlay.source(), text);
    assert_eq!(Overlay::read(text).unwrap(), overlay);
    overlay
}

#[test]
fn what_is_forbidden_is_no_longer_there() {
    let declaration = parse(PUBLISHER);
    let left = declaration.under(&overlay(
        "[forbid]\npurposes = [\"captions.suggest\"]\nintegrations = [\"instagram\"]\n\
         recipients = [\"plausible\"]\ncategories = [\"settings\"]\n\
         [forbid.scopes]\ntiktok = [\"video.publish\"]\n\
         [forbid.operations]\ntiktok = [\"tiktok.publish_status\"]\n",
    ));
    assert_eq!(left.left().version(), declaration.version());
    assert!(left.purpose(&SUGGEST).is_none());
    assert!(left.integration(&INSTAGRAM).is_none());
    assert!(left.recipient(&RecipientId::new("plausible").unwrap()).is_none());
    assert!(
        left.recipient(&RecipientId::new("anthropic").unwrap()).is_none(),
        "it served no other"
    );
    assert!(left.admits(&INSTAGRAM, &PUBLISH, "instagram.publish_photo", &[]).is_err());
    let admits =
        |operation, scopes: &[ScopeName]| left.admits(&TIKTOK, &PUBLISH, operation, scopes);
    assert!(admits("tiktok.creator_info", &[BASIC]).is_ok());
    assert!(admits("tiktok.publish_video", &[POST]).is_err());
    assert!(admits("tiktok.publish_status", &[BASIC]).is_err());
    assert_eq!(left.least_scopes(&TIKTOK, &[PUBLISH]).unwrap(), [BASIC]);
    let none: [DataCategory; 0] = [];
    let reads = |category| left.admits_data(&TIKTOK, none.clone(), [DataCategory::new(category)]);
    assert!(reads("content").is_ok());
    assert!(reads("settings").is_err());
    let supabase = left.recipient(&RecipientId::new("supabase").unwrap()).unwrap();
    assert!(!supabase.categories.contains(&DataCategory::new("settings")));
}

#[test]
fn a_forbidden_provider_takes_its_integration_with_it() {
    let left = parse(PUBLISHER).under(&overlay("[forbid]\nrecipients = [\"tiktok\"]\n"));
    assert!(left.integration(&TIKTOK).is_none() && left.integration(&INSTAGRAM).is_some());
}

#[test]
fn a_consent_can_be_asked_for_where_none_is_declared() {
    let left = parse(PUBLISHER).under(&overlay("[consent]\npurposes = [\"measure\"]\n"));
    assert_eq!(left.purpose(&MEASURE).unwrap().basis, LegalBasis::Consent);
}

#[test]
fn rows_are_kept_until_the_first_time_is_over() {
    let left = parse(PUBLISHER)
        .under(&overlay("[retention]\nrequests = \"7 days\"\nidentity = \"90 days\"\n"));
    let week = Retention::For(Period::Days(7));
    let quarter = Retention::For(Period::Days(90));
    let logs = Place::DataSet("logs".to_owned());
    let row = &left.left().data_set("logs").unwrap().data[0];
    assert_eq!(left.kept(&logs, row).collect::<Vec<_>>(), [week]);
    let tiktok = Place::Integration(TIKTOK);
    let rows = &left.integration(&TIKTOK).unwrap().data;
    let kept = |name: &str| {
        let row = rows.iter().find(|row| row.name == name).unwrap();
        left.kept(&tiktok, row).collect::<Vec<_>>()
    };
    assert_eq!(kept("open id"), [Retention::UntilDisconnected, quarter]);
    assert_eq!(kept("times of use"), [quarter]);
    assert_eq!(kept("display name"), [Retention::UntilDisconnected]);
}

#[test]
fn a_higher_minimum_makes_no_age_known() {
    let declaration = parse(PUBLISHER);
    let left = declaration.under(&overlay("[age]\nminimum = 18\n"));
    let age = left.age().unwrap();
    assert_eq!((age.minimum, age.consent_in(None)), (18, 18));
    assert!(age.has_minors(), "somebody of an unknown age is still asked how old they are");
    let grown = parse(&replaced(PUBLISHER, "minimum = 13", "minimum = 16"));
    let overlay = Overlay::parse("[age]\nminimum = 18\n", &grown).unwrap();
    assert!(!grown.under(&overlay).age().unwrap().has_minors());
}

#[test]
fn what_would_be_wider_or_is_not_declared_is_refused_at_its_line() {
    let text = "[forbid]\npurposes = [\"captions\"]\ncategories = [\"content\", \"dreams\"]\n\
                allow = [\"everything\"]\n\n[forbid.scopes]\ntiktok = [\"video.list\"]\nother = []\n\n\
                [retention]\nrequests = \"31 days\"\nprofile = \"10 years\"\nusage = \"1 day\"\n\
                identity = \"forever\"\n\n[age]\nminimum = 12\n\n[consent]\npurposes = [\"nothing\"]\n";
    let error = Overlay::parse(text, &parse(PUBLISHER)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let first = "the overlay, line 2, column 13: `captions` is no declared purpose";
    assert!(error.to_string().contains(first), "{error}");
    let source = std::error::Error::source(&error).unwrap();
    let problems = source.downcast_ref::<Problems>().unwrap();
    let lines: Vec<usize> = problems.list().iter().map(|one| one.position.line).collect();
    assert_eq!(lines, [2, 3, 4, 7, 8, 11, 13, 14, 17, 20], "{problems}");
    let text = problems.to_string();
    assert!(
        text.contains(
            "line 11, column 12: the category `requests` would be kept for `31 days`, and is \
             declared to be kept for `30 days`; write a shorter time: an overlay only narrows"
        ),
        "{text}"
    );
    assert!(text.contains("line 17, column 11: the minimum age 12 is lower than 13"), "{text}");
    assert!(text.contains("line 4, column 1: [forbid] has an unknown key `allow`"), "{text}");
}

#[test]
fn a_duty_is_not_asked_for() {
    let duty = parse(&replaced(
        PUBLISHER,
        "basis = \"legitimate_interests\"\nassessment = \"Stolen accounts harm their owners and us; \
         what is looked at is when and how often, never what.\"",
        "basis = \"legal_obligation\"\nlaw = \"A law\"",
    ));
    let error = Overlay::parse("[consent]\npurposes = [\"abuse\"]\n", &duty).unwrap_err();
    assert!(error.to_string().contains("line 2"), "{error}");
}

#[test]
fn limits_that_were_stored_are_read_under_another_declaration() {
    let text = "[forbid]\npurposes = [\"long.gone\", \"captions.suggest\"]\n\
                [retention]\nusage = \"10 years\"\n";
    assert!(Overlay::parse(text, &parse(PUBLISHER)).is_err());
    let overlay = Overlay::read(text).unwrap();
    assert!(parse(PUBLISHER).under(&overlay).purpose(&SUGGEST).is_none());
    // A key of a newer release may forbid something.
    assert!(Overlay::read("[forbid]\nweekdays = [\"sunday\"]\n").is_err());
    assert!(Overlay::read("not an overlay").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// An overlay comes from somebody who is not the host.
    #[test]
    fn whatever_is_read_as_limits_is_an_overlay_or_an_error(
        text in prop_oneof![
            any::<String>(),
            prop::collection::vec(prop::sample::select(vec![
                "[forbid]\n", "[forbid.scopes]\n", "[retention]\n", "[age]\n", "[consent]\n",
                "purposes = ", "tiktok = ", "content = ", "minimum = ", "[\"publish.content\"]\n",
                "\"7 days\"\n", "18\n", "99999999999999999999\n", "[[1]]\n", "{ a = 1 }\n", "\"\u{202e}\"\n",
            ]), 0..12).prop_map(|parts| parts.concat()),
        ]
    ) {
        let declaration = parse(PUBLISHER);
        match (Overlay::read(&text), Overlay::parse(&text, &declaration)) {
            (Ok(read), Ok(checked)) => prop_assert_eq!(read, checked),
            (Err(_), Ok(_)) => prop_assert!(false, "what is checked can be read again"),
            (_, Err(error)) => prop_assert_eq!(error.kind(), ErrorKind::Configuration),
        }
    }
}
