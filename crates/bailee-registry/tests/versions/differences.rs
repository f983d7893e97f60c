//! What each kind of difference means: who is told, how, and who is asked again.

use bailee_core::{ProviderId, PurposeId, RecipientId};
use bailee_registry::versions::{
    Audience, Changed, Diff, IntegrationChange, Length, Presence, Reason, RecipientChange,
    Significance, Way,
};
use time::macros::date;

use crate::desk::{PUBLISHER, asked, diff, difference, parse, replaced};

const INSTAGRAM: ProviderId = ProviderId::from_static("instagram");
const TIKTOK: ProviderId = ProviderId::from_static("tiktok");
const PUBLISH: PurposeId = PurposeId::from_static("publish.content");
const SUGGEST: PurposeId = PurposeId::from_static("captions.suggest");
const ABUSE: PurposeId = PurposeId::from_static("abuse");
const MEASURE: PurposeId = PurposeId::from_static("measure");

fn agreed(through: ProviderId) -> Audience {
    Audience::Agreed(Some(through), PUBLISH)
}

#[test]
fn two_readings_of_one_text_do_not_differ() {
    let again = format!("# Another comment.\n\n{PUBLISHER}");
    let diff = Diff::between(&parse(PUBLISHER), &parse(&again));
    assert!(diff.is_empty());
    assert_eq!(diff.significance(), None);
    assert_eq!(parse(PUBLISHER).source(), PUBLISHER);
}

#[test]
fn a_new_scope_asks_for_what_it_serves_and_for_nothing_else() {
    let scope = "\"video.publish\" = [\"publish.content\"]";
    let diff = diff(scope, &format!("{scope}\n\"video.upload\" = [\"publish.content\"]"));
    let [only] = diff.differences() else { panic!("{:#?}", diff.differences()) };
    assert_eq!(only.significance, Significance::AskAnew);
    assert_eq!((only.reason, only.way), (Reason::Consent, Way::ByMessage));
    assert_eq!(only.told, [agreed(TIKTOK)].into());
    assert_eq!(asked(&diff), ["publish.content through tiktok"]);
    let Changed::Scope { provider, served, .. } = &only.changed else { panic!("{only:?}") };
    assert_eq!(*provider, TIKTOK);
    assert_eq!((served.gained().count(), served.lost().count()), (1, 0));
}

#[test]
fn a_scope_that_serves_less_is_noted_and_one_that_moves_asks_where_it_went() {
    let scope = "\"video.publish\" = [\"publish.content\"]";
    let gone = difference(&format!("{scope}\n"), "");
    assert_eq!((gone.significance, gone.reason), (Significance::Editorial, Reason::Narrower));
    assert!(gone.told.is_empty() && gone.asked.is_empty());
    // To a purpose that rests on no consent: whoever has an account there is told.
    let moved = difference(scope, "\"video.publish\" = [\"abuse\"]");
    assert_eq!((moved.significance, moved.way), (Significance::Informing, Way::ByMessage));
    assert_eq!(moved.told, [Audience::Account(TIKTOK)].into());
}

#[test]
fn what_is_kept_of_a_known_category_is_told_and_of_another_is_asked() {
    let row = "[[integrations.tiktok.data]]\nname = \"open id\"";
    let add = |name: &str, category: &str, kept: &str| {
        let row = format!(
            "[[integrations.tiktok.data]]\nname = \"{name}\"\ncategory = \"{category}\"\n\
             purpose = \"publish.content\"\nretention = \"{kept}\"\n\n{row}"
        );
        difference("[[integrations.tiktok.data]]\nname = \"open id\"", &row)
    };
    let known = add("picture", "profile", "until_disconnected");
    assert_eq!(known.significance, Significance::Informing);
    assert_eq!((known.reason, known.way), (Reason::Source, Way::InApplication));
    assert_eq!(known.told, [agreed(TIKTOK)].into());
    let longer = add("picture", "profile", "until_account_deleted");
    assert_eq!(longer.significance, Significance::AskAnew, "another row does not make it shorter");
    let other = add("e-mail address", "contact", "until_disconnected");
    assert_eq!(other.significance, Significance::AskAnew);
    assert_eq!(other.asked, [(Some(TIKTOK), PUBLISH)].into());
}

#[test]
fn longer_retention_asks_and_shorter_does_not() {
    let row = "name = \"open id\"\ncategory = \"identity\"\npurpose = \"publish.content\"\n\
               retention = ";
    let from = format!("{row}\"until_disconnected\"");
    let longer = difference(&from, &format!("{row}\"until_account_deleted\""));
    assert_eq!((longer.significance, longer.reason), (Significance::AskAnew, Reason::Consent));
    // Whoever disconnects tomorrow has it kept longer.
    let other = difference(&from, &format!("{row}\"30 days\""));
    assert_eq!(other.significance, Significance::AskAnew);

    // The rule of a purpose that rests on legitimate interests, in rows of two integrations.
    let diff = diff("keep = \"12 months\"", "keep = \"6 months\"");
    let lengths = diff.differences().iter().map(|one| (one.significance, one.reason));
    let told = (Significance::Informing, Reason::Retention);
    let lengths: Vec<_> = lengths.collect();
    assert_eq!(lengths, [(Significance::Editorial, Reason::Technical), told, told]);
    assert!(asked(&diff).is_empty());
    let same = crate::desk::diff("keep = \"12 months\"", "keep = \"1 year\"");
    assert_eq!(same.significance(), Some(Significance::Editorial));
    let words = format!("{:?}", same.differences());
    assert!(words.contains(&format!("{:?}", Length::Same)), "{words}");
}

#[test]
fn a_new_controller_is_named_before_anybody_agrees_and_a_like_processor_is_told_of() {
    let recipient = |role: &str, country: &str, categories: &str| {
        let text = format!(
            "[recipients.writer]\nname = \"Writer GmbH\"\ncountry = \"{country}\"\n\
             role = \"{role}\"\npurposes = [\"captions.suggest\"]\ncategories = [{categories}]\n\
             contract = \"Terms\"\nnotice_days = 14\nsafeguard = \"adequacy\"\n\n\
             [recipients.plausible]"
        );
        difference("[recipients.plausible]", &text)
    };
    let controller = recipient("controller", "US", "\"content\"");
    assert_eq!(controller.significance, Significance::AskAnew);
    assert_eq!(controller.asked, [(None, SUGGEST)].into());
    let like = recipient("processor", "US", "\"content\"");
    assert_eq!((like.significance, like.reason), (Significance::Informing, Reason::Processor));
    assert_eq!(like.told, [Audience::Agreed(None, SUGGEST)].into());
    assert_eq!(like.way, Way::ByMessage);
    let elsewhere = recipient("processor", "IE", "\"content\"");
    assert_eq!(elsewhere.significance, Significance::AskAnew, "no processor was in the EEA");
    let more = recipient("processor", "US", "\"content\", \"contact\"");
    assert_eq!(more.significance, Significance::AskAnew, "nobody received that for it");
}

#[test]
fn a_recipient_that_moves_out_of_the_eea_asks_and_one_that_moves_within_tells() {
    let from = "to\"\ncountry = \"IE\"\nrole = \"controller\"\npurposes = [\"publish.content\", \
                \"abuse\"]\ncategories = [\"content\", \"credentials\"]\n\n# The companies";
    let to = |country: &str| diff(from, &from.replace("\"IE\"", country));
    let out = to("\"SG\"\nsafeguard = \"adequacy\"");
    let [country, safeguard] = out.differences() else { panic!("{:#?}", out.differences()) };
    assert_eq!((country.significance, country.reason), (Significance::AskAnew, Reason::Transfer));
    assert_eq!(country.told, [Audience::Account(TIKTOK), agreed(TIKTOK)].into());
    assert_eq!((safeguard.significance, safeguard.way), (Significance::Informing, Way::ByMessage));
    let within = to("\"FR\"");
    assert_eq!(within.significance(), Some(Significance::Informing));
}

#[test]
fn a_processor_s_notice_is_kept_from_the_day_of_publication() {
    let added = diff(
        "[recipients.plausible]",
        "[recipients.second]\nname = \"Second\"\ncountry = \"US\"\nrole = \"processor\"\n\
         purposes = [\"hosting\"]\ncategories = [\"content\"]\ncontract = \"Terms\"\n\
         notice_days = 14\nsafeguard = \"adequacy\"\n\n[recipients.plausible]",
    );
    assert_eq!(added.notice_days(), 14);
    assert_eq!(added.effective(date!(2026 - 03 - 20)), date!(2026 - 04 - 03));
    // The day that the policy names, where that is later, and the day itself, where it is not.
    assert_eq!(added.effective(date!(2025 - 06 - 01)), date!(2026 - 01 - 01));
    let words = diff("title = \"Write to you\"", "title = \"Write\"");
    assert_eq!(words.effective(date!(2026 - 03 - 20)), date!(2026 - 03 - 20));
    // A notice is not made shorter by the change that it is about.
    let moved = diff(
        "country = \"US\"\nrole = \"processor\"\npurposes = [\"captions.suggest\"]\n\
         categories = [\"content\"]\ncontract = \"Data processing addendum\"\n\
         safeguard = \"standard_contractual_clauses\"\n\
         reference = \"https://www.anthropic.com/legal/data-processing-addendum\"\n\
         since = 2025-01-01\nnotice_days = 30",
        "country = \"CA\"\nrole = \"processor\"\npurposes = [\"captions.suggest\"]\n\
         categories = [\"content\"]\ncontract = \"Data processing addendum\"\n\
         safeguard = \"standard_contractual_clauses\"\n\
         reference = \"https://www.anthropic.com/legal/data-processing-addendum\"\n\
         since = 2025-01-01\nnotice_days = 1",
    );
    assert_eq!(moved.notice_days(), 30);
}

#[test]
fn another_field_for_a_text_service_asks_for_that_purpose_alone() {
    let diff = diff("\"project_name\"]", "\"project_name\", \"author\"]");
    assert_eq!(asked(&diff), ["captions.suggest"]);
    let fewer = difference(", \"project_name\"]", "]");
    assert_eq!((fewer.significance, fewer.reason), (Significance::Editorial, Reason::Narrower));
}

#[test]
fn a_purpose_that_is_used_for_something_else_asks_where_it_rests_on_consent() {
    let publish = "use = \"service\"\nbasis = \"consent\"\nnecessity = \"optional\"\n\n\
                   [purposes.\"captions.suggest\"]";
    let wider = diff(publish, &publish.replace("\"service\"", "\"improvement\""));
    let everywhere =
        ["publish.content", "publish.content through instagram", "publish.content through tiktok"];
    assert_eq!(asked(&wider), everywhere);
    let told = difference("use = \"analytics\"", "use = \"improvement\"");
    assert_eq!((told.significance, told.reason), (Significance::Informing, Reason::OtherPurpose));
    assert_eq!(told.told, [Audience::Everybody].into());
}

#[test]
fn a_basis_that_turns_to_consent_asks_and_one_that_turns_away_tells_by_message() {
    let interests = "basis = \"legitimate_interests\"\nassessment = \"We want to know which pages \
                     are used. What is counted names nobody, so nobody's interests are touched.\"";
    let consent = diff(interests, "basis = \"consent\"");
    assert_eq!(asked(&consent), [MEASURE.as_str()]);
    let everybody = [Audience::Everybody].into();
    assert_eq!(consent.differences()[0].told, everybody, "it was done for everybody until now");
    let away = diff(
        "text service, which answers with a caption.\"\nuse = \"service\"\nbasis = \"consent\"",
        "text service, which answers with a caption.\"\nuse = \"service\"\nbasis = \"contract\"",
    );
    assert!(asked(&away).is_empty());
    let [only] = away.differences() else { panic!("{:#?}", away.differences()) };
    assert_eq!((only.reason, only.way), (Reason::Basis, Way::ByMessage));
    assert_eq!(only.told, [Audience::Everybody].into());
}

#[test]
fn words_are_told_and_titles_are_not() {
    let plain = difference("We post the photos, carousels", "We post photos, carousels");
    assert_eq!((plain.significance, plain.reason), (Significance::Informing, Reason::Words));
    assert_eq!(plain.way, Way::InApplication);
    let title = difference("title = \"Write to you\"", "title = \"Write\"");
    assert_eq!(title.significance, Significance::Editorial);
}

#[test]
fn a_promise_that_is_taken_back_is_told_once() {
    let diff = diff(
        "uses = [\"marketing\", \"sell_data\", \"train_public_models\"]\ncategories = \
         [\"communications\", \"followers\", \"statistics\"]",
        "uses = [\"sell_data\", \"train_public_models\"]\ncategories = [\"communications\", \
         \"followers\"]",
    );
    let told: Vec<_> = diff.differences().iter().map(|one| (one.reason, one.way)).collect();
    assert_eq!(told, [(Reason::Promise, Way::ByMessage); 2], "{:#?}", diff.differences());
    // What an integration alone excludes.
    let scope = difference("\"user.info.stats\", ", "");
    assert_eq!(scope.told, [Audience::Account(TIKTOK)].into());
    assert!(matches!(scope.changed, Changed::NeverScope { now: Presence::Removed, .. }));
}

#[test]
fn an_operation_for_a_purpose_that_was_served_tells_and_for_another_asks() {
    let operation = "\"tiktok.publish_status\" = [\"publish.content\"]";
    let more = format!("{operation}\n\"tiktok.delete_video\" = [\"publish.content\"]");
    let known = difference(operation, &more);
    assert_eq!((known.significance, known.reason), (Significance::Informing, Reason::Acts));
    let recipient = "purposes = [\"publish.content\", \"abuse\"]\ncategories = [\"content\", \
                     \"credentials\"]\n\n# The companies";
    let wider = replaced(
        PUBLISHER,
        recipient,
        &recipient.replace("\"abuse\"]", "\"abuse\", \"captions.suggest\"]"),
    );
    let wide = replaced(&wider, operation, "\"tiktok.publish_status\" = [\"captions.suggest\"]");
    let diff = Diff::between(&parse(&wider), &parse(&wide));
    assert_eq!(asked(&diff), ["captions.suggest through tiktok"]);
}

#[test]
fn an_integration_that_comes_asks_nobody_who_has_not_agreed_before_it_did() {
    let start = PUBLISHER.find("[integrations.tiktok]").unwrap();
    let end = PUBLISHER.find("[data_sets.account]").unwrap();
    let without = format!("{}{}", &PUBLISHER[..start], &PUBLISHER[end..]);
    let came = Diff::between(&parse(&without), &parse(PUBLISHER));
    let [only] = came.differences() else { panic!("{:#?}", came.differences()) };
    assert!(matches!(only.changed, Changed::Integration { what: IntegrationChange::Added, .. }));
    assert_eq!(only.told, [agreed(TIKTOK)].into());
    let went = Diff::between(&parse(PUBLISHER), &parse(&without));
    let [only] = went.differences() else { panic!("{:#?}", went.differences()) };
    assert_eq!(only.told, [Audience::Account(TIKTOK)].into());
    assert!(asked(&went).is_empty());
}

#[test]
fn what_everybody_relies_on_is_told_to_everybody() {
    for (from, to, reason, way) in [
        (
            "name = \"Example Publisher Ltd\"",
            "name = \"Other Ltd\"",
            Reason::Identity,
            Way::ByMessage,
        ),
        ("contact = \"privacy@", "contact = \"data@", Reason::Contact, Way::ByMessage),
        ("contact = \"dpo@", "contact = \"officer@", Reason::Contact, Way::InApplication),
        ("minimum = 13", "minimum = 14", Reason::Ages, Way::InApplication),
        ("FR = 15", "FR = 16", Reason::Ages, Way::InApplication),
        ("origin = \"observed\"", "origin = \"derived\"", Reason::Source, Way::InApplication),
    ] {
        let one = difference(from, to);
        assert_eq!(one.significance, Significance::Informing, "{from}");
        assert_eq!((one.reason, one.way), (reason, way), "{from}");
        assert_eq!(one.told, [Audience::Everybody].into(), "{from}");
        assert!(one.reason.article().is_some());
    }
}

#[test]
fn what_concerns_nobody_is_noted() {
    for (from, to) in [
        ("effective = 2026-01-01", "effective = 2026-02-01"),
        ("url = \"https://publisher.example/privacy\"", "url = \"https://publisher.example/p\""),
        ("Data Protection Commission", "An Coimisiún"),
        ("dpv = [\"Preference\"]", "dpv = [\"PrivacyPreference\"]"),
        ("contract = \"Data processing agreement\"", "contract = \"Agreement of 2026\""),
        ("title = \"Request logs\"", "title = \"Logs of requests\""),
    ] {
        let new = parse(&replaced(PUBLISHER, from, to));
        let diff = Diff::between(&parse(PUBLISHER), &new);
        assert_eq!(diff.significance(), Some(Significance::Editorial), "{from}");
        assert!(diff.differences().iter().all(|one| one.told.is_empty() && one.asked.is_empty()));
    }
}

#[test]
fn a_recipient_that_serves_another_purpose_is_new_for_that_one() {
    let from = "purposes = [\"captions.suggest\"]\ncategories";
    let one = difference(from, "purposes = [\"captions.suggest\", \"measure\"]\ncategories");
    let Changed::Recipient { recipient, what } = &one.changed else { panic!("{one:?}") };
    assert_eq!(*recipient, RecipientId::new("anthropic").unwrap());
    assert_eq!(*what, RecipientChange::Purpose { purpose: MEASURE, now: Presence::Added });
    assert_eq!(one.told, [Audience::Everybody].into());
}

#[test]
fn a_provider_that_receives_more_asks_those_who_connected_it() {
    let from = "purposes = [\"publish.content\", \"abuse\"]\ncategories = [\"content\", \
                \"credentials\"]\n\n[recipients.tiktok]";
    let one = difference(from, &from.replace("\"credentials\"]", "\"credentials\", \"profile\"]"));
    assert_eq!(one.asked, [(Some(INSTAGRAM), PUBLISH)].into());
    let told = [agreed(INSTAGRAM), Audience::Account(INSTAGRAM)];
    assert_eq!(one.told, told.into(), "{ABUSE} rests on no consent");
}
