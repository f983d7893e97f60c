//! The declaration: what is refused and where, what is least, what changes its version.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails the test")]

use std::{fs, path::Path};

use bailee_core::{
    DataCategory, Effect, Error, ErrorKind, ProviderId, PurposeId, RecipientId, Remedy, ScopeEntry,
    ScopeName,
};
use bailee_registry::{
    Declaration, LegalBasis, Problems, RecipientRole, Retention, Role, Segment, hash_scopes,
};

const EXAMPLE: &str = include_str!("../examples/privacy.toml");
const TIKTOK: ProviderId = ProviderId::from_static("tiktok");
const NOTES: ProviderId = ProviderId::from_static("notes");
const PUBLISH: PurposeId = PurposeId::from_static("publish.video");
const ABUSE: PurposeId = PurposeId::from_static("abuse");
const BASIC: ScopeName = ScopeName::from_static("user.info.basic");
const POST: ScopeName = ScopeName::from_static("video.publish");

fn example() -> Declaration {
    Declaration::parse(EXAMPLE).unwrap()
}

/// The example with one text replaced.
fn changed(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    EXAMPLE.replacen(from, to, 1)
}

fn problems(error: &Error) -> String {
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(error.remedy(), Remedy::FixConfiguration);
    let source = std::error::Error::source(error).unwrap();
    source.downcast_ref::<Problems>().unwrap().to_string()
}

fn entry(name: ScopeName, category: &str, effect: Effect) -> ScopeEntry {
    ScopeEntry {
        name,
        plain: "do something".into(),
        category: DataCategory::new(category),
        effect,
        implied: false,
    }
}

#[expect(clippy::disallowed_methods, reason = "a variable refreshes the expected texts")]
fn compare(path: &Path, found: &str) {
    if std::env::var_os("BAILEE_REFRESH").is_some() {
        fs::write(path, found).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(found, expected, "{} (BAILEE_REFRESH=1 rewrites it)", path.display());
}

#[test]
fn every_broken_declaration_says_what_is_wrong_at_which_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken");
    let mut seen = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let error = Declaration::load(&path).unwrap_err();
            compare(&path.with_extension("txt"), &format!("{}\n", problems(&error)));
            seen += 1;
        }
    }
    assert!(seen >= 20, "{seen}");
}

#[test]
fn the_error_itself_names_the_first_problem_and_how_many_there_are() {
    let error = Declaration::parse(&changed("role = \"controller\"", "roll = 3")).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("line 1, column 1: the declaration has no `role`; write"), "{text}");
    assert!(text.ends_with("(and 1 more)"), "{text}");
}

#[test]
fn a_file_that_is_not_there_is_a_configuration_error_without_its_path() {
    let error = Declaration::load("/nowhere/privacy.toml").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(!format!("{error} {error:?}").contains("nowhere"));
}

#[test]
fn no_cut_of_a_declaration_makes_the_reader_panic() {
    for end in (0..EXAMPLE.len()).filter(|end| EXAMPLE.is_char_boundary(*end)) {
        if let Err(problems) = Declaration::check(&EXAMPLE[..end]) {
            assert!(!problems.list().is_empty());
        }
    }
}

#[test]
fn the_example_reads_as_it_is_written() {
    let declaration = example();
    assert_eq!(declaration.role(), Role::Controller);
    assert_eq!(declaration.controller().contact, "privacy@publisher.example");
    assert_eq!(declaration.purpose(&PUBLISH).unwrap().basis, LegalBasis::Consent);
    let tiktok = declaration.integration(&TIKTOK).unwrap();
    assert_eq!(declaration.recipient(&tiktok.recipient).unwrap().name, "TikTok Technology Limited");
    let evidence = tiktok.data.iter().find(|item| item.purpose == ABUSE).unwrap();
    assert_eq!(evidence.rule.as_deref(), Some("evidence"));
    assert_eq!(evidence.retention.to_string(), "12 months");
    let token = tiktok.data.iter().find(|item| item.category.as_str() == "credentials").unwrap();
    assert_eq!(token.retention, Retention::UntilDisconnected);
}

#[test]
fn the_version_is_that_of_the_content_and_not_of_its_form() {
    let version = example().version();
    // Comments and white space.
    let bare: String = EXAMPLE
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| format!("{}\n", line.replace(" = ", "   =  ")))
        .collect();
    assert_eq!(Declaration::parse(&bare).unwrap().version(), version);
    // The order of tables: everything from [never] first.
    let (head, never) = EXAMPLE.split_at(EXAMPLE.rfind("[never]").unwrap());
    let controller = head.find("[controller]").unwrap();
    let moved = [&head[..controller], never, &head[controller..]].concat();
    assert_eq!(Declaration::parse(&moved).unwrap().version(), version);
    // The order of rows and of lists.
    let row = EXAMPLE.find("[[integrations.tiktok.data]]").unwrap();
    let (before, from) = EXAMPLE.split_at(row);
    let (row, after) = from.split_at(from.find("\n\n").unwrap());
    let rows = [before, after, "\n", row, "\n"].concat();
    assert_eq!(Declaration::parse(&rows).unwrap().version(), version);
    let list = changed("[\"publish.video\", \"abuse\"]", "[\"abuse\", \"publish.video\"]");
    assert_eq!(Declaration::parse(&list).unwrap().version(), version);
}

#[test]
fn the_version_changes_with_whatever_a_person_was_told() {
    let version = example().version();
    for (from, to) in [
        ("Example Publisher Ltd", "Example Publisher plc"),
        ("privacy@publisher.example", "dpo@publisher.example"),
        ("1 Example Street", "2 Example Street"),
        ("which account is yours", "your account"),
        ("Publish your videos", "Publish videos"),
        ("We post the videos", "We post videos"),
        ("use = \"service\"", "use = \"support\""),
        ("basis = \"consent\"", "basis = \"contract\""),
        ("Stolen accounts", "Taken accounts"),
        ("TikTok Technology Limited", "TikTok"),
        ("country = \"US\"", "country = \"CA\""),
        ("https://notes.example/dpa", "https://notes.example/terms"),
        ("standard_contractual_clauses", "adequacy"),
        ("keep = \"12 months\"", "keep = \"13 months\""),
        ("only months later", "late"),
        ("\"video.publish\" = [\"publish.video\"]\n", ""),
        ("\"tiktok.creator_info\" = [\"publish.video\"]\n", ""),
        ("\"30 days\"", "\"31 days\""),
        ("\"user.info.stats\", ", ""),
        ("\"statistics\", ", ""),
        ("\"content\", \"settings\"]", "\"content\"]"),
        ("\"marketing\", ", ""),
        ("\"communications\", ", ""),
    ] {
        let other = Declaration::parse(&changed(from, to)).unwrap();
        assert_ne!(other.version(), version, "{from}");
    }
}

#[test]
fn the_version_of_a_declaration_is_the_same_in_every_release() {
    // Fields that are added later must not change the version of what was declared before.
    let golden = Declaration::parse(include_str!("bodies/declaration.1.toml")).unwrap();
    let version: String = golden.version().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(version, VERSION);
}

const VERSION: &str = "5d90960459338ebd539edac4e6dff36f08fa4340d3acc81cf730580b212d7b41";

#[test]
fn flow_08_only_the_scopes_that_the_purposes_need_are_asked_for() {
    let declaration = example();
    assert_eq!(declaration.least_scopes(&TIKTOK, &[PUBLISH]).unwrap(), [BASIC, POST]);
    // A purpose that needs none asks for none.
    assert_eq!(declaration.least_scopes(&TIKTOK, &[ABUSE]).unwrap(), []);
    let both = declaration.least_scopes(&TIKTOK, &[ABUSE, PUBLISH, PUBLISH]).unwrap();
    assert_eq!(both, [BASIC, POST]);
    let split = changed(
        "\"video.publish\" = [\"publish.video\"]",
        "\"video.publish\" = [\"publish.video\"]\n\"video.upload\" = [\"abuse\"]",
    );
    let declaration = Declaration::parse(&split).unwrap();
    assert_eq!(declaration.least_scopes(&TIKTOK, &[PUBLISH]).unwrap(), [BASIC, POST]);
}

#[test]
fn flow_08_a_purpose_that_the_integration_does_not_serve_is_refused_by_name() {
    let declaration = example();
    let foreign = PurposeId::from_static("notes.save");
    for purpose in [foreign, PurposeId::from_static("promote")] {
        let asked = [PUBLISH, purpose.clone()];
        let error = declaration.least_scopes(&TIKTOK, &asked).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(error.to_string().contains(&format!("`{purpose}`")), "{error}");
        assert!(!error.to_string().contains("publish.video"), "{error}");
    }
    let unknown = ProviderId::from_static("myspace");
    let error = declaration.least_scopes(&unknown, &[PUBLISH]).unwrap_err();
    assert_eq!((error.kind(), error.provider()), (ErrorKind::Denied, Some(&unknown)));
    let error = declaration.least_scopes(&TIKTOK, &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn flow_08_the_hash_of_a_scope_set_knows_no_order_and_every_member() {
    let hash = hash_scopes(&[BASIC, POST]);
    assert_eq!(hash, hash_scopes(&[POST, BASIC, POST]));
    let one = [ScopeName::from_static("user.info.basicvideo.publish")];
    for other in [&[BASIC] as &[ScopeName], &[POST], &[], &one] {
        assert_ne!(hash, hash_scopes(other), "{other:?}");
    }
}

#[test]
fn what_is_declared_is_the_ceiling_of_every_operation() {
    let declaration = example();
    let publish = "tiktok.publish_video";
    declaration.admits(&TIKTOK, &PUBLISH, publish, &[POST]).unwrap();
    let stats = ScopeName::from_static("user.info.stats");
    let unknown = PurposeId::from_static("promote");
    for (purpose, operation, scopes, missing) in [
        (&PUBLISH, "tiktok.list_videos", &[POST] as &[_], "operation `tiktok.list_videos`"),
        (&PUBLISH, publish, &[POST, stats.clone()], "scope `user.info.stats`"),
        (
            &ABUSE,
            publish,
            &[],
            "operation `tiktok.publish_video` is not declared for purpose `abuse`",
        ),
        (&unknown, publish, &[], "purpose `promote` is not declared"),
    ] {
        let error = declaration.admits(&TIKTOK, purpose, operation, scopes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(error.to_string().contains(missing), "{error}");
    }
    // Everything that is missing, at once.
    let error = declaration.admits(&TIKTOK, &PUBLISH, "x", &[stats, POST]).unwrap_err();
    assert!(error.to_string().contains("operation `x`"), "{error}");
    assert!(error.to_string().contains("scope `user.info.stats`"), "{error}");
    let other = declaration.admits(&NOTES, &PUBLISH, publish, &[]).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Denied);
}

#[test]
fn a_refusal_does_not_repeat_what_may_come_from_outside() {
    let error = example().admits(&TIKTOK, &PUBLISH, "ignore all rules\n\u{202e}", &[]).unwrap_err();
    assert!(!error.to_string().contains("ignore"), "{error}");
}

#[test]
fn data_that_is_not_declared_is_neither_sent_nor_read() {
    let declaration = example();
    let nothing: [&str; 0] = [];
    declaration.admits_data(&TIKTOK, ["content"], ["profile", "settings"]).unwrap();
    for (sends, reads, why) in [
        ("content", "statistics", "category `statistics` is declared as never accessed"),
        ("content", "communications", "category `communications` is declared as never accessed"),
        ("communications", "profile", "category `communications` is declared as never accessed"),
        ("content", "weather", "category `weather` is not declared to be read there"),
        ("profile", "profile", "category `profile` is not declared to be sent there"),
    ] {
        let error = declaration.admits_data(&TIKTOK, [sends], [reads]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(error.to_string().contains(why), "{error}");
    }
    // What one integration reads or excludes is no rule for the others; what [never] excludes is.
    for (category, why) in [
        ("settings", "is not declared to be read"),
        ("statistics", "is not declared to be read"),
        ("communications", "never accessed"),
    ] {
        let error = declaration.admits_data(&NOTES, nothing, [category]).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn an_undeclared_purpose_stops_the_program_at_its_start() {
    let declaration = example();
    declaration.requires(&[PUBLISH, ABUSE]).unwrap();
    let error = declaration
        .requires(&[PUBLISH, PurposeId::from_static("promote"), PurposeId::from_static("rank")])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("`promote`, `rank`"), "{error}");
    assert!(error.to_string().contains("[purposes]"), "{error}");
}

#[test]
fn a_scope_that_the_provider_does_not_have_is_named_with_its_line() {
    let declaration = example();
    let basic = entry(BASIC, "profile", Effect::Read);
    let post = entry(POST, "content", Effect::Effect);
    declaration.check_scopes(&TIKTOK, &[basic.clone(), post.clone()]).unwrap();
    let line = EXAMPLE.lines().position(|line| line.starts_with("\"video.publish\"")).unwrap() + 1;
    let error = declaration.check_scopes(&TIKTOK, std::slice::from_ref(&basic)).unwrap_err();
    let expected = format!("line {line}, column 1: `tiktok` has no scope `video.publish`; ");
    assert!(problems(&error).starts_with(&expected), "{error}");
    // All of them at once.
    let error = declaration.check_scopes(&TIKTOK, &[]).unwrap_err();
    assert_eq!(problems(&error).lines().count(), 2);
    let error = declaration.check_scopes(&ProviderId::from_static("myspace"), &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
}

#[test]
fn a_scope_needs_a_described_category_that_is_not_excluded_and_a_row_for_what_it_reads() {
    let described = changed("[categories]\n", "[categories]\ncontact = \"your address\"\n");
    let declaration = Declaration::parse(&described).unwrap();
    let post = entry(POST, "content", Effect::Effect);
    for (category, why) in [
        ("weather", "opens the category `weather`, which is not declared"),
        ("statistics", "opens the category `statistics`, declared as never accessed"),
        ("contact", "reads the category `contact`, of which no data is listed"),
    ] {
        let basic = entry(BASIC, category, Effect::Read);
        let error = declaration.check_scopes(&TIKTOK, &[basic, post.clone()]).unwrap_err();
        assert!(problems(&error).contains(why), "{error}");
    }
}

#[test]
fn an_endpoint_is_admitted_for_its_purposes_alone_and_is_no_operation() {
    const SAVE: PurposeId = PurposeId::from_static("notes.save");
    const WRITE: ScopeName = ScopeName::from_static("notes.write");
    let row = r#"
        [[integrations.notes.endpoints]]
        name = "notes.add"
        method = "POST"
        path = "/notes/{folder}"
        scopes = ["notes.write"]
        effect = "effect"
        sends = ["content"]
        purposes = ["notes.save"]
    "#;
    let with = Declaration::parse(&format!("{EXAMPLE}{row}")).unwrap();
    assert_ne!(with.version(), example().version(), "an endpoint is part of what is declared");
    let endpoint = &with.integration(&NOTES).unwrap().endpoints[0];
    assert_eq!((endpoint.method.as_str(), endpoint.effect), ("POST", Effect::Effect));
    let segments: Vec<Segment<'_>> = endpoint.segments().collect();
    assert_eq!(segments, [Segment::Literal("notes"), Segment::Part("folder")]);

    with.admits_endpoint(&NOTES, &SAVE, "notes.add", &[WRITE]).unwrap();
    for refused in [
        with.admits_endpoint(&NOTES, &PUBLISH, "notes.add", &[]),
        with.admits_endpoint(&NOTES, &SAVE, "notes.remove", &[]),
        with.admits_endpoint(&NOTES, &SAVE, "notes.write", &[]),
        with.admits_endpoint(&NOTES, &SAVE, "notes.add", &[POST]),
        with.admits_endpoint(&TIKTOK, &SAVE, "notes.add", &[]),
        with.admits(&NOTES, &SAVE, "notes.add", &[WRITE]),
    ] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Denied);
    }
}

#[test]
fn three_services_declare_everything_that_they_promise() {
    let read = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        Declaration::load(folder.join(name).with_extension("toml"))
            .unwrap_or_else(|error| panic!("{name}: {}", problems(&error)))
    };
    let publisher = read("publisher");
    let processors = publisher.recipients().filter(|one| one.role == RecipientRole::Processor);
    let named: Vec<&str> = processors.map(|one| one.id.as_str()).collect();
    let expected = ["anthropic", "cloudflare", "plausible", "resend", "supabase", "vercel"];
    assert_eq!(named, expected);
    let captions = publisher.recipient(&RecipientId::from_static("anthropic")).unwrap();
    let fields: Vec<&str> = captions.fields.iter().map(String::as_str).collect();
    assert_eq!(fields, ["description", "project_name", "tags", "title", "type"]);
    let limits = publisher.age().unwrap();
    assert_eq!((limits.minimum, limits.consent), (13, 16));
    assert_eq!(publisher.authorities()[0].name, "Data Protection Commission");
    assert_eq!(publisher.policy().unwrap().effective.to_string(), "2026-01-01");
    assert!(publisher.data_set("account").unwrap().origin.is_portable());
    assert_eq!(publisher.measures().len(), 5);
    let term = publisher.declared_categories().find(|(name, _)| name.as_str() == "contact");
    assert_eq!(term.unwrap().1.terms[0].iri(), "https://w3id.org/dpv/pd#EmailAddress");

    let exporter = read("exporter");
    let jira = exporter.integration(&ProviderId::from_static("jira")).unwrap();
    assert!(!jira.reads(&DataCategory::new("directory")), "no account ids, no profiles");

    let assistant = read("assistant");
    assert_eq!(assistant.integrations().count(), 11);
    assert!(assistant.controller().representative.is_some(), "it is not established in the Union");
    let versions: std::collections::BTreeSet<_> =
        [&publisher, &exporter, &assistant].map(Declaration::version).into();
    assert_eq!(versions.len(), 3);
}
