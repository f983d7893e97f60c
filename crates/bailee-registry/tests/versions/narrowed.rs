//! Whatever is admitted by what is left of a declaration is admitted by the declaration.

use bailee_core::{Clock, DataCategory, ManualClock, ProviderId, PurposeId, ScopeName};
use bailee_registry::{
    Country, Declaration, Exemption, Standing, Wanted,
    versions::{Length, Narrowed, Overlay, Place},
};
use proptest::prelude::*;

use crate::{
    desk::{EXPORTER, PUBLISHER, WHOLE, parse, replaced},
    properties::{changed, mutation},
};

/// Some of the words that a declaration has, each drawn or not.
fn some(words: Vec<String>) -> impl Strategy<Value = Vec<String>> {
    let most = words.len().min(3);
    prop_oneof![2 => Just(Vec::new()), 1 => prop::sample::subsequence(words, 0..=most)]
}

fn list(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

/// An overlay of whatever a declaration names.
fn overlay(declaration: &Declaration) -> impl Strategy<Value = String> + use<> {
    let texts = |list: &mut dyn Iterator<Item = String>| list.collect::<Vec<_>>();
    let purposes = texts(&mut declaration.purposes().map(|one| one.id.to_string()));
    let providers = texts(&mut declaration.integrations().map(|one| one.provider.to_string()));
    let recipients = texts(&mut declaration.recipients().map(|one| one.id.to_string()));
    let categories = texts(&mut declaration.categories().map(|(one, _)| one.as_str().to_owned()));
    let at = declaration.integrations().next().unwrap();
    let provider = at.provider.clone();
    let scopes = texts(&mut at.scopes.keys().map(|one| one.as_str().to_owned()));
    let mut operations = at.operations.keys().cloned().collect::<Vec<_>>();
    operations.extend(at.endpoints.iter().map(|one| one.name.clone()));
    let kept = categories.clone();
    (
        (some(purposes.clone()), some(providers), some(recipients), some(categories)),
        (some(scopes), some(operations), some(purposes)),
        (prop::sample::select(kept), 1..4000_u32, prop::option::of(0..25_u8)),
    )
        .prop_map(move |(forbid, at, (category, days, age))| {
            let age = age.map_or_else(String::new, |age| format!("[age]\nminimum = {age}\n"));
            format!(
                "[forbid]\npurposes = {}\nintegrations = {}\nrecipients = {}\ncategories = {}\n\
                 [forbid.scopes]\n{provider} = {}\n[forbid.operations]\n{provider} = {}\n\
                 [consent]\npurposes = {}\n[retention]\n{category} = \"{days} days\"\n{age}",
                list(&forbid.0),
                list(&forbid.1),
                list(&forbid.2),
                list(&forbid.3),
                list(&at.0),
                list(&at.1),
                list(&at.2),
            )
        })
}

/// Whether everything that `left` admits is admitted by `whole`.
fn is_within(left: &Narrowed, whole: &Declaration) -> Result<usize, TestCaseError> {
    let mut admitted = 0;
    let declared = left.left();
    let purposes: Vec<PurposeId> = whole.purposes().map(|one| one.id.clone()).collect();
    for purpose in declared.purposes() {
        prop_assert!(purposes.contains(&purpose.id));
        admitted += 1;
    }
    for integration in declared.integrations() {
        let provider: &ProviderId = &integration.provider;
        let all = whole.integration(provider).unwrap();
        let scopes: Vec<Vec<ScopeName>> = std::iter::once(Vec::new())
            .chain(all.scopes.keys().map(|scope| vec![scope.clone()]))
            .collect();
        for purpose in &purposes {
            for needed in &scopes {
                for operation in all.operations.keys() {
                    if left.admits(provider, purpose, operation, needed).is_ok() {
                        prop_assert!(whole.admits(provider, purpose, operation, needed).is_ok());
                        admitted += 1;
                    }
                }
                for endpoint in &all.endpoints {
                    let name = &endpoint.name;
                    if left.admits_endpoint(provider, purpose, name, needed).is_ok() {
                        let admits = whole.admits_endpoint(provider, purpose, name, needed);
                        prop_assert!(admits.is_ok());
                        admitted += 1;
                    }
                }
            }
            if let Ok(least) = left.least_scopes(provider, std::slice::from_ref(purpose)) {
                let most = whole.least_scopes(provider, std::slice::from_ref(purpose)).unwrap();
                prop_assert!(least.iter().all(|scope| most.contains(scope)));
            }
        }
        let none: [DataCategory; 0] = [];
        for (category, _) in whole.categories() {
            let one = || [category.clone()];
            if left.admits_data(provider, one(), none.clone()).is_ok() {
                prop_assert!(whole.admits_data(provider, one(), none.clone()).is_ok());
                admitted += 1;
            }
            if left.admits_data(provider, none.clone(), one()).is_ok() {
                prop_assert!(whole.admits_data(provider, none.clone(), one()).is_ok());
                admitted += 1;
            }
        }
        let place = Place::Integration(provider.clone());
        for row in &integration.data {
            let known =
                all.data.iter().find(|one| one.name == row.name && one.purpose == row.purpose);
            let kept = known.unwrap().retention;
            let shorter = |time| matches!(length(kept, time), Length::Same | Length::Shorter);
            prop_assert!(left.kept(&place, row).any(shorter));
        }
    }
    for recipient in declared.recipients() {
        let known = whole.recipient(&recipient.id).unwrap();
        prop_assert!(recipient.purposes.is_subset(&known.purposes));
        prop_assert!(recipient.categories.is_subset(&known.categories));
        prop_assert!(recipient.fields.is_subset(&known.fields));
        prop_assert_eq!(recipient.country, known.country);
    }
    Ok(admitted)
}

/// How one time stands to another, as a difference says it.
fn length(from: bailee_registry::Retention, to: bailee_registry::Retention) -> Length {
    if from == to {
        return Length::Same;
    }
    let row = "retention = \"6 months\"";
    let with = |kept| parse(&replaced(WHOLE, row, &format!("retention = \"{kept}\"")));
    let diff = bailee_registry::versions::Diff::between(&with(from), &with(to));
    let [only] = diff.differences() else { panic!("{:?}", diff.differences()) };
    match &only.changed {
        bailee_registry::versions::Changed::Data {
            what: bailee_registry::versions::DataChange::Kept { length, .. },
            ..
        } => *length,
        other => panic!("{other:?}"),
    }
}

/// Whether nobody is older in the eyes of what is left, and no decision is milder.
fn is_no_milder(left: &Narrowed, whole: &Declaration) -> Result<(), TestCaseError> {
    if let Some(age) = whole.age() {
        let narrowed = left.age().unwrap();
        prop_assert!(narrowed.has_minors() || !age.has_minors());
        let mut countries: Vec<Option<Country>> = age.countries.keys().copied().map(Some).collect();
        countries.push(None);
        for country in countries {
            let country = country.as_ref();
            prop_assert!(narrowed.minimum >= age.minimum);
            prop_assert!(narrowed.consent_in(country) >= age.consent_in(country));
        }
    }
    let clock = ManualClock::default();
    let states = [
        r"{}",
        r#"{"consents":{"*":{"P":{"state":"given","at":1}}}}"#,
        r#"{"objections":{"*":["P"]}}"#,
        r#"{"restriction":{"since":1,"grounds":["unlawful"]},"consents":{"*":{"P":{"state":"given","at":1}}}}"#,
        r#"{"age":{"band":"minor","at":1},"consents":{"*":{"P":{"state":"given","at":1}}}}"#,
    ];
    for purpose in left.left().purposes() {
        for state in states {
            let json = state.replace('P', purpose.id.as_str());
            let standing = Standing::from_json(Standing::SCHEMA, json.as_bytes()).unwrap();
            for despite in [None, Some(Exemption::Consent), Some(Exemption::LegalClaims)] {
                let decides = |declaration: &Declaration| {
                    let purpose = declaration.purpose(&purpose.id).unwrap();
                    let mut wanted = Wanted::new(purpose, None, clock.now());
                    if let Some(exemption) = despite {
                        wanted = wanted.despite_restriction(exemption);
                    }
                    if declaration.age().is_some_and(|age| age.has_minors()) {
                        wanted = wanted.of_all_ages();
                    }
                    standing.decide_on(&wanted).is_allowed()
                };
                prop_assert!(!decides(left.left()) || decides(whole), "{} {}", purpose.id, json);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_is_admitted_under_an_overlay_is_admitted_without(
        (which, text) in (0..3_usize).prop_flat_map(|which| {
            let declaration = parse([WHOLE, PUBLISHER, EXPORTER][which]);
            (Just(which), overlay(&declaration))
        })
    ) {
        let whole = parse([WHOLE, PUBLISHER, EXPORTER][which]);
        let overlay = Overlay::read(&text).unwrap();
        let left = whole.under(&overlay);
        is_within(&left, &whole)?;
        is_no_milder(&left, &whole)?;
        let again = left.under(&overlay);
        is_within(&again, left.left())?;
    }

    #[test]
    fn whatever_two_declarations_share_both_admit(
        one in prop::collection::vec(mutation(), 0..8),
        two in prop::collection::vec(mutation(), 0..8),
    ) {
        let (own, other) = (changed(WHOLE, &one), changed(WHOLE, &two));
        let left = own.shared_with(&other);
        prop_assert_eq!(left.left().version(), own.version());
        is_within(&left, &own)?;
        is_within(&left, &other)?;
        is_no_milder(&left, &own)?;
        is_no_milder(&left, &other)?;
    }
}

#[test]
fn a_declaration_shares_all_of_itself_with_itself() {
    for text in [WHOLE, PUBLISHER, EXPORTER] {
        let declaration = parse(text);
        let left = declaration.shared_with(&declaration);
        let debug = |declaration: &Declaration| format!("{declaration:?}");
        assert_eq!(debug(left.left()), debug(&declaration));
        let all = is_within(&Narrowed::from(declaration.clone()), &declaration).unwrap();
        assert_eq!(is_within(&left, &declaration).unwrap(), all);
        assert!(all > 10, "{all}");
    }
}

#[test]
fn a_purpose_on_another_basis_or_of_another_use_is_not_shared() {
    let count = PurposeId::from_static("count");
    let own = parse(WHOLE);
    for (from, to) in [
        (
            "basis = \"legitimate_interests\"\nassessment = \"Nobody is harmed.\"",
            "basis = \"consent\"",
        ),
        ("use = \"analytics\"", "use = \"improvement\""),
    ] {
        let other = parse(&replaced(WHOLE, from, to));
        for left in [own.shared_with(&other), other.shared_with(&own)] {
            assert!(left.purpose(&count).is_none());
            assert!(left.purpose(&PurposeId::from_static("write")).is_some());
        }
    }
    // Who moved to another country receives nothing until one of the two is in force alone.
    let other = parse(&replaced(
        WHOLE,
        "country = \"US\"\nrole = \"controller\"",
        "country = \"CA\"\nrole = \"controller\"",
    ));
    assert!(own.shared_with(&other).integration(&ProviderId::from_static("notes")).is_none());
}
