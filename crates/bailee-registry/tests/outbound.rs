//! What leaves: declared fields alone, screened, with a record without values.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by it as the tests do")]

use bailee_core::{ErrorKind, PurposeId, RecipientId, Timestamp};
use bailee_registry::{
    Declaration,
    outbound::{
        AllowedFields, FindingKind, OnFinding, Outbound, OutboundRecord, Outcome, Screen, Screened,
        ScreeningPolicy,
    },
};

const RECIPIENT: RecipientId = RecipientId::from_static("anthropic");
const PURPOSE: PurposeId = PurposeId::from_static("captions");
const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);
const ADDRESS: &str = "canary@example.org";

fn caption() -> Outbound {
    Outbound::new(RECIPIENT, PURPOSE, AllowedFields::caption())
}

fn screen() -> Screen {
    Screen::new().with_terms(["Ada Lovelace"]).unwrap()
}

fn ready(outbound: Outbound, policy: &ScreeningPolicy) -> (serde_json::Value, OutboundRecord) {
    match outbound.screen(&screen(), policy, NOW).unwrap() {
        Outcome::Ready(ready) => (serde_json::to_value(&ready.payload).unwrap(), ready.record),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_caption_carries_exactly_the_five_declared_fields() {
    let allowed = AllowedFields::caption();
    let names: Vec<_> = allowed.names().map(|name| name.as_str().to_owned()).collect();
    assert_eq!(names, ["description", "project_name", "tags", "title", "type"]);

    let mut outbound = caption();
    outbound.text("title", "Sunrise").unwrap().text("type", "photo").unwrap();
    outbound.text("description", "Over the harbour").unwrap();
    outbound.text("project_name", "Mornings").unwrap();
    outbound.list("tags", ["sea", "sun"]).unwrap();
    for name in ["author", "email", "Title", "title ", "", "owner.name", "token"] {
        let error = outbound.text(name, ADDRESS).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{name}");
        assert!(!format!("{error} {error:?}").contains(ADDRESS));
    }
    let (sent, record) = ready(outbound, &ScreeningPolicy::new());
    let expected = serde_json::json!({
        "description": "Over the harbour", "project_name": "Mornings", "tags": ["sea", "sun"],
        "title": "Sunrise", "type": "photo",
    });
    assert_eq!(sent, expected);
    assert_eq!(record.fields.len(), 5);
    assert_eq!((record.fields["tags"].items, record.fields["tags"].bytes), (2, 6));
}

#[test]
fn a_field_that_was_not_given_is_absent() {
    let mut outbound = caption();
    outbound.text("title", "Sunrise").unwrap();
    let (sent, record) = ready(outbound, &ScreeningPolicy::new());
    assert_eq!(sent, serde_json::json!({ "title": "Sunrise" }));
    assert_eq!(record.fields.len(), 1);
    assert_eq!(ready(caption(), &ScreeningPolicy::new()).0, serde_json::json!({}));
}

#[test]
fn a_field_is_given_once_and_no_larger_than_its_limit() {
    let mut outbound = caption();
    outbound.text("type", "x".repeat(64)).unwrap();
    assert_eq!(outbound.text("type", "y").unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(outbound.text("title", "x".repeat(1025)).unwrap_err().kind(), ErrorKind::TooLarge);
    let empty = vec![String::new(); Outbound::MAX_ITEMS + 1];
    assert_eq!(outbound.list("tags", empty).unwrap_err().kind(), ErrorKind::TooLarge);
    let long = ["x".repeat(1500), "y".repeat(1500)];
    assert_eq!(outbound.list("tags", long).unwrap_err().kind(), ErrorKind::TooLarge);
    // A refused value left nothing behind.
    outbound.text("title", "Sunrise").unwrap();
    outbound.list("tags", ["sea"]).unwrap();
    assert_eq!(ready(outbound, &ScreeningPolicy::new()).1.fields.len(), 3);
}

#[test]
fn by_default_nothing_leaves_in_which_something_was_found() {
    let texts = [
        (ADDRESS, "e-mail address"),
        ("call +44 20 7946 0123", "telephone number"),
        ("by Ada Lovelace", "known name"),
        ("password: fakePass99", "credential"),
        ("@some_body was here", "handle"),
    ];
    for (text, kind) in texts {
        for name in ["title", "description", "project_name"] {
            let mut outbound = caption();
            outbound.text(name, text).unwrap();
            outbound.text("type", "photo").unwrap();
            let error = outbound.screen(&screen(), &ScreeningPolicy::new(), NOW).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Denied);
            assert_eq!(error.detail(), Some(&*format!("the field `{name}` holds {kind}")));
            assert!(!format!("{error:?}").contains(text), "{error:?}");
        }
        let mut outbound = caption();
        outbound.list("tags", ["sea", text]).unwrap();
        assert!(outbound.screen(&screen(), &ScreeningPolicy::new(), NOW).is_err(), "{text}");
    }
}

#[test]
fn what_is_redacted_leaves_with_a_mark_in_its_place() {
    let policy = ScreeningPolicy::all(OnFinding::Redact).on(FindingKind::Handle, OnFinding::Allow);
    let mut outbound = caption();
    let text = format!("Ada Lovelace ({ADDRESS}), 020 7946 0958, thanks @some_body");
    outbound.text("description", text).unwrap();
    let (sent, record) = ready(outbound, &policy);
    assert_eq!(sent["description"], "[name] ([e-mail]), [phone], thanks @some_body");
    let kept = &record.fields["description"];
    assert_eq!(kept.redacted.len(), 3);
    assert_eq!(kept.allowed[&FindingKind::Handle], 1);
    assert_eq!(kept.bytes, sent["description"].as_str().unwrap().len());
    assert!(!record.reviewed);
}

#[test]
fn what_is_to_be_reviewed_waits_for_a_person() {
    let policy = ScreeningPolicy::new()
        .on(FindingKind::KnownTerm, OnFinding::Review)
        .on(FindingKind::Email, OnFinding::Redact);
    let mut outbound = caption();
    outbound.text("title", format!("Ada Lovelace, {ADDRESS}")).unwrap();
    outbound.list("tags", ["sea", "ada lovelace"]).unwrap();
    let outcome = outbound.screen(&screen(), &policy, NOW).unwrap();
    let Outcome::Review(review) = outcome else { panic!("{outcome:?}") };
    let places: Vec<_> = review
        .findings()
        .iter()
        .map(|f| (f.field.as_str(), f.item, f.finding.range.clone()))
        .collect();
    assert_eq!(places, [("tags", 1, 0..12), ("title", 0, 0..12)]);
    assert_eq!(review.payload().texts("title").unwrap(), ["Ada Lovelace, [e-mail]"]);
    let ready = review.approve();
    assert!(ready.record.reviewed);
    assert_eq!(ready.record.fields["title"].reviewed[&FindingKind::KnownTerm], 1);

    // What is refused is not put before a person.
    let mut outbound = caption();
    outbound.text("title", "Ada Lovelace, +44 20 7946 0123").unwrap();
    let error = outbound.screen(&screen(), &policy, NOW).unwrap_err();
    assert_eq!(error.detail(), Some("the field `title` holds telephone number"));
}

#[test]
fn a_name_in_several_tags_is_refused() {
    for policy in [ScreeningPolicy::new(), ScreeningPolicy::all(OnFinding::Redact)] {
        let mut outbound = caption();
        outbound.list("tags", ["sea", "ada", "lovelace"]).unwrap();
        let error = outbound.screen(&screen(), &policy, NOW).unwrap_err();
        assert_eq!(error.detail(), Some("the field `tags` holds known name"));
    }
    let mut outbound = caption();
    outbound.list("tags", ["ada", "sea", "lovelace"]).unwrap();
    assert!(outbound.screen(&screen(), &ScreeningPolicy::new(), NOW).is_ok());
}

#[test]
fn debug_and_the_record_hold_no_value() {
    let policy = ScreeningPolicy::all(OnFinding::Review);
    let mut outbound = caption();
    outbound.text("title", format!("canary {ADDRESS}")).unwrap();
    assert!(!format!("{outbound:?}").contains("canary"));
    let outcome = outbound.screen(&screen(), &policy, NOW).unwrap();
    assert!(!format!("{outcome:?}").contains("canary"));
    let Outcome::Review(review) = outcome else { panic!("{outcome:?}") };
    assert!(!format!("{review:?} {:?}", review.payload()).contains("canary"));
    let ready = review.approve();
    let record = serde_json::to_string(&ready.record).unwrap();
    assert!(!record.contains("canary") && !format!("{ready:?}").contains("canary"));
    let again: OutboundRecord = serde_json::from_str(&record).unwrap();
    assert_eq!(again, ready.record);
    for what in [OnFinding::Redact, OnFinding::Review, OnFinding::Allow, OnFinding::Refuse] {
        let screened = screen().apply("canary a@example.org", &ScreeningPolicy::all(what)).unwrap();
        assert!(!format!("{screened:?}").contains("canary"), "{screened:?}");
    }
    assert!(!format!("{:?}", screen()).contains("Ada"));
}

#[test]
fn the_record_knows_the_same_value_again_and_tells_others_apart() {
    let digest = |name: &str, list: &[&str]| {
        let mut outbound = caption();
        outbound.list(name, list.iter().copied()).unwrap();
        ready(outbound, &ScreeningPolicy::new()).1.fields[name].digest
    };
    assert_eq!(digest("tags", &["a", "b"]), digest("tags", &["a", "b"]));
    assert_ne!(digest("tags", &["a", "b"]), digest("tags", &["ab"]));
    assert_ne!(digest("tags", &["a", "b"]), digest("tags", &["a", "b", ""]));
    assert_ne!(digest("tags", &["a"]), digest("title", &["a"]));
}

#[test]
fn a_list_of_fields_is_made_of_names() {
    assert!(AllowedFields::new(["title", "alt_text", "x2"]).is_ok());
    for wrong in ["Title", "", "x-2", "a b", "über", "a.b"] {
        let error = AllowedFields::new(["title", wrong]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{wrong}");
    }
    assert!(AllowedFields::new(Vec::<&str>::new()).is_err());
    assert!(AllowedFields::new((0..65).map(|n| format!("f{n}"))).is_err());
    let one = AllowedFields::new(["title"]).unwrap();
    assert!(one.clone().with_limit("title", 10).is_ok());
    assert!(one.clone().with_limit("text", 10).is_err());
    assert!(one.with_limit("title", AllowedFields::MAX_BYTES + 1).is_err());
}

#[test]
fn names_to_be_screened_for_have_bounds() {
    assert!(Screen::new().with_terms(["A"]).is_err());
    assert!(Screen::new().with_terms([" - "]).is_err());
    assert!(Screen::new().with_terms(["x".repeat(129)]).is_err());
    let many: Vec<_> = (0..=Screen::MAX_TERMS).map(|n| format!("name {n}")).collect();
    assert!(Screen::new().with_terms(&many[1..]).is_ok());
    assert!(Screen::new().with_terms(&many).is_err());
    let long = "x".repeat(Screen::MAX_TEXT + 1);
    assert_eq!(Screen::new().find(&long).unwrap_err().kind(), ErrorKind::TooLarge);
}

#[test]
fn a_name_that_is_a_mark_is_refused_rather_than_replaced_for_ever() {
    let screen = Screen::new().with_terms(["name"]).unwrap();
    let screened = screen.apply("my name", &ScreeningPolicy::all(OnFinding::Redact)).unwrap();
    assert!(matches!(screened, Screened::Refused { .. }), "{screened:?}");
}

#[test]
fn uuids_are_ids_where_the_host_says_so() {
    let text = "0fa4e000-1111-4222-8333-fa4e00000001";
    assert!(Screen::new().find(text).unwrap().is_empty());
    let found = Screen::new().with_uuids().find(text).unwrap();
    assert_eq!(found[0].kind, FindingKind::AccountId);
    assert_eq!(found[0].range, 0..36);
}

#[test]
fn a_declared_recipient_gets_its_declared_fields_for_its_declared_purposes() {
    let text = include_str!("../examples/privacy.toml");
    let declaration = Declaration::parse(text).unwrap();
    let mut recipient = declaration.recipients().next().unwrap().clone();
    let purpose = recipient.purposes.first().unwrap().clone();
    recipient.fields.clear();
    let error = Outbound::to(&recipient, purpose.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "no fields are declared");
    recipient.fields.insert("title".into());
    let mut outbound = Outbound::to(&recipient, purpose).unwrap();
    outbound.text("title", "Sunrise").unwrap();
    assert_eq!(outbound.text("tags", "sea").unwrap_err().kind(), ErrorKind::Denied);
    let other = PurposeId::from_static("no.such.purpose");
    assert_eq!(Outbound::to(&recipient, other).unwrap_err().kind(), ErrorKind::Denied);
}
