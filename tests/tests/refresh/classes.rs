//! What a spec says of refresh, and what that comes to.

use std::collections::BTreeMap;

use bailee::{
    ErrorKind,
    providers::{Spec, spec::RefreshClass},
};
use bailee_tests::{
    NOTES_SPEC,
    drill::{assert_never_goes_back, classes, presented, seconds},
};

use super::*;

#[test]
fn ref_01_each_class_is_stated_in_the_spec_and_unknown_is_strict() {
    let parse = |class: &str| {
        Spec::parse(&NOTES_SPEC.replace(STRICT_CLASS, class)).map(|spec| spec.refresh.class)
    };
    let expected = [
        ("strict", RefreshClass::Strict),
        ("grace", RefreshClass::Grace(seconds(600))),
        ("until_replacement_used", RefreshClass::UntilReplacementUsed),
        ("overlapping", RefreshClass::Overlapping),
        ("stable", RefreshClass::Stable),
        ("self_extending", RefreshClass::SelfExtending),
        ("static", RefreshClass::Static),
    ];
    let table: BTreeMap<_, _> =
        classes().into_iter().map(|(name, class, _)| (name, class)).collect();
    assert_eq!(table.len(), expected.len(), "every class is exercised");
    for (name, class) in expected {
        assert_eq!(parse(table[name]).unwrap(), class, "{name}");
    }

    let start = NOTES_SPEC.find("[refresh]").unwrap();
    let end = start + NOTES_SPEC[start..].find("[[scope]]").unwrap();
    let silent = [&NOTES_SPEC[..start], &NOTES_SPEC[end..]].concat();
    assert_eq!(Spec::parse(&silent).unwrap().refresh.class, RefreshClass::Strict);

    for wrong in
        ["class = \"rotating\"", "class = \"grace\"", "class = \"strict\"\nwindow_seconds = 5"]
    {
        assert_eq!(parse(wrong).unwrap_err().kind(), ErrorKind::Configuration, "{wrong}");
    }
    // Any class but the strictest is a claim about a provider, so it names its page.
    let unfounded = NOTES_SPEC
        .replace(STRICT_CLASS, "class = \"stable\"")
        .replace("page = \"https://id.example.test/docs/refresh\"\n", "");
    assert_eq!(Spec::parse(&unfounded).unwrap_err().kind(), ErrorKind::Configuration);
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_01_each_class_lives_through_many_lifetimes_and_presents_only_the_newest_token() {
    for (name, class, style) in classes() {
        if style == RefreshStyle::None {
            continue;
        }
        let (w, ada, notes) = at_notes(notes_world(class, style)).await;
        for _ in 0..5 {
            w.advance(hours(2));
            call(&w.bailee, &ada, &notes, "notes").await.unwrap();
        }
        let site = w.site(ISSUER);
        assert_eq!(site.count(Endpoint::Refresh), 5, "{name}");
        assert!(site.reuse_alarms().is_empty(), "{name}");
        assert_never_goes_back(site);
        let stays = matches!(style, RefreshStyle::Stable { .. });
        let mut tokens = presented(site);
        tokens.dedup();
        assert_eq!(tokens.len(), if stays { 1 } else { 5 }, "{name}");
    }
}
