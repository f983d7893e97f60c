//! The disclosure: its words, its language, its hash.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails the test")]

use std::{fs, path::Path};

use bailee_core::{
    DataCategory, Effect, ErrorKind, Locale, ProviderId, PurposeId, ScopeEntry, ScopeName,
};
use bailee_registry::{Catalogue, Declaration, Disclosure, LegalBasis, SharedBy, Terms, Texts};

const EXAMPLE: &str = include_str!("../examples/privacy.toml");
const TIKTOK: ProviderId = ProviderId::from_static("tiktok");
const NOTES: ProviderId = ProviderId::from_static("notes");
const PUBLISH: PurposeId = PurposeId::from_static("publish.video");
const ABUSE: PurposeId = PurposeId::from_static("abuse");
const SAVE: PurposeId = PurposeId::from_static("notes.save");

fn entry(name: &'static str, plain: &str, category: &str, effect: Effect) -> ScopeEntry {
    ScopeEntry {
        name: ScopeName::from_static(name),
        plain: plain.into(),
        category: DataCategory::new(category),
        effect,
        implied: false,
    }
}

fn tiktok_catalogue() -> Vec<ScopeEntry> {
    vec![
        entry(
            "user.info.basic",
            "see your account id, display name and picture",
            "profile",
            Effect::Read,
        ),
        entry("video.publish", "post videos directly to your profile", "content", Effect::Effect),
        entry("user.info.stats", "see your follower counts", "statistics", Effect::Read),
    ]
}

fn notes_catalogue() -> Vec<ScopeEntry> {
    vec![
        entry("openid", "see which account is yours", "identity", Effect::Read),
        entry("profile", "see your name and picture", "profile", Effect::Read),
        entry("notes.write", "write notes for you", "content", Effect::Effect),
    ]
}

fn tiktok(declaration: &Declaration, purposes: &[PurposeId], locale: &str) -> Disclosure {
    Disclosure::build(
        declaration,
        &TIKTOK,
        "TikTok",
        purposes,
        &tiktok_catalogue(),
        &[
            "In TikTok, open Profile and then the menu".into(),
            "Choose Settings and privacy, then Security & permissions".into(),
            "Choose this application, then Remove access.".into(),
        ],
        &[Terms {
            title: "Music Usage Confirmation".into(),
            url: "https://www.tiktok.com/legal/page/global/music-usage-confirmation/en".into(),
            when: Some("whenever you post".into()),
        }],
        &Catalogue::of(&[], &Locale::new(locale).unwrap()),
    )
    .unwrap()
}

fn notes(declaration: &Declaration) -> Disclosure {
    let words = Catalogue::english();
    let catalogue = notes_catalogue();
    Disclosure::build(declaration, &NOTES, "Example Notes", &[SAVE], &catalogue, &[], &[], &words)
        .unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a variable refreshes the expected texts")]
fn compare(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/texts").join(name);
    if std::env::var_os("BAILEE_REFRESH").is_some() {
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{} (BAILEE_REFRESH=1 rewrites it)", path.display());
}

#[test]
fn the_text_says_in_plain_words_what_is_asked_and_how_to_take_it_back() {
    let declaration = Declaration::parse(EXAMPLE).unwrap();
    compare("tiktok.txt", &tiktok(&declaration, &[PUBLISH, ABUSE], "en").to_text());
    compare("notes.txt", &notes(&declaration).to_text());
    compare("notes-key.txt", &notes(&declaration).for_entered_key().to_text());
    let shared = tiktok(&declaration, &[PUBLISH], "en").for_shared_use(SharedBy::Tenant);
    compare("tiktok-shared.txt", &shared.to_text());
    let service = notes(&declaration).for_entered_key().for_shared_use(SharedBy::Instance);
    compare("notes-service.txt", &service.to_text());
}

#[test]
fn a_provider_without_revocation_is_not_said_to_revoke() {
    let declaration = Declaration::parse(EXAMPLE).unwrap();
    let told = tiktok(&declaration, &[PUBLISH], "en");
    let asked = "TikTok is asked to revoke";
    assert!(told.to_text().contains(asked));
    let noted = told.clone().with_notes(&["An account of a business is needed".to_owned()]);
    assert!(
        noted
            .to_text()
            .contains("Good to know about TikTok\n- An account of a business is needed.\n")
    );
    let unrevocable = told.clone().without_revocation();
    assert!(!unrevocable.to_text().contains(asked));
    assert!(unrevocable.to_text().contains("TikTok has no way for us to revoke them"));
    // Each of them is another text, and so another consent.
    assert!(told.hash() != noted.hash() && told.hash() != unrevocable.hash());
}

#[test]
fn flow_08_only_what_the_purposes_need_is_disclosed() {
    let declaration = Declaration::parse(EXAMPLE).unwrap();
    let disclosure = tiktok(&declaration, &[ABUSE], "en");
    assert!(disclosure.scopes.is_empty());
    assert_eq!(disclosure.data.len(), 1);
    assert!(!disclosure.to_text().contains("video.publish"));
    let disclosure = tiktok(&declaration, &[PUBLISH, PUBLISH], "en");
    assert_eq!(disclosure.purposes.len(), 1);
    let asked: Vec<_> = disclosure.scopes.iter().map(|scope| &scope.name).collect();
    let least = declaration.least_scopes(&TIKTOK, &[PUBLISH]).unwrap();
    assert_eq!(asked, least.iter().collect::<Vec<_>>());
    assert!(disclosure.scopes.iter().all(|scope| scope.purposes == [PUBLISH]));
}

#[test]
fn a_language_without_a_text_falls_back_to_english_and_says_so() {
    let declaration = Declaration::parse(EXAMPLE).unwrap();
    let disclosure = tiktok(&declaration, &[PUBLISH], "fr-CA");
    assert_eq!(disclosure.locale, Locale::default());
    assert_eq!(disclosure, tiktok(&declaration, &[PUBLISH], "en-GB"));
}

#[test]
fn flow_08_the_hash_is_that_of_the_text_and_everything_shown_is_in_the_text() {
    let declaration = Declaration::parse(EXAMPLE).unwrap();
    let shown = tiktok(&declaration, &[PUBLISH, ABUSE], "en");
    assert_eq!(shown.hash(), bailee_core::sha256(shown.to_text().as_bytes()));
    type Change = fn(&mut Disclosure);
    let changes: [(&str, Change); 28] = [
        ("declaration", |d| d.declaration[31] ^= 1),
        ("controller", |d| d.controller.push('x')),
        ("address", |d| d.address = None),
        ("contact", |d| d.contact.push('x')),
        ("provider_title", |d| d.provider_title.push('x')),
        ("purposes", |d| drop(d.purposes.pop())),
        ("purpose title", |d| d.purposes[0].title.push('x')),
        ("purpose plain", |d| d.purposes[0].plain.insert(0, 'x')),
        ("purpose basis", |d| d.purposes[0].basis.push('x')),
        ("purpose article", |d| d.purposes[0].article = "Art. 6(1)(b) GDPR"),
        ("scopes", |d| drop(d.scopes.pop())),
        ("scope name", |d| d.scopes[0].name = ScopeName::from_static("user.info.profile")),
        ("scope plain", |d| d.scopes[0].plain.push('x')),
        ("scope category", |d| d.scopes[0].category_plain.push('x')),
        ("scope effect", |d| d.scopes[0].effect = Effect::Effect),
        ("scope purposes", |d| d.scopes[0].purposes = vec![ABUSE]),
        ("data", |d| drop(d.data.pop())),
        ("data name", |d| d.data[0].name.push('x')),
        ("retention", |d| d.data[0].retention_plain.push('x')),
        ("read and not kept", |d| d.read_only[0].push('x')),
        ("recipient", |d| d.recipient.country.push('x')),
        ("never", |d| drop(d.never_categories.pop())),
        ("withdrawal", |d| d.withdrawal[0].push('x')),
        ("terms", |d| d.terms[0].url.push('x')),
        ("when terms apply", |d| d.terms[0].when = None),
        ("entered key", |d| d.entered_key = true),
        ("shared by the tenant", |d| d.shared = Some(SharedBy::Tenant)),
        ("shared by the instance", |d| d.shared = Some(SharedBy::Instance)),
    ];
    for (what, change) in changes {
        let mut other = shown.clone();
        change(&mut other);
        assert_ne!(other.hash(), shown.hash(), "{what}");
    }
}

#[test]
fn a_scope_without_plain_words_is_not_disclosed_but_refused() {
    let declaration = Declaration::parse(EXAMPLE).unwrap();
    let words = Catalogue::english();
    let build = |catalogue: &[ScopeEntry]| {
        Disclosure::build(&declaration, &TIKTOK, "TikTok", &[PUBLISH], catalogue, &[], &[], &words)
    };
    let error = build(&tiktok_catalogue()[..1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("`video.publish`"), "{error}");
    let mut catalogue = tiktok_catalogue();
    catalogue[1].category = DataCategory::new("weather");
    assert!(build(&catalogue).unwrap_err().to_string().contains("`weather`"));
}

#[test]
fn a_purpose_that_is_not_declared_here_is_refused() {
    let declaration = Declaration::parse(EXAMPLE).unwrap();
    let error = Disclosure::build(
        &declaration,
        &TIKTOK,
        "TikTok",
        &[SAVE],
        &tiktok_catalogue(),
        &[],
        &[],
        &Catalogue::english(),
    )
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("`notes.save`"), "{error}");
}

#[test]
fn a_disclosure_is_in_the_sentences_that_the_host_gives() {
    let german = "[disclosure]\ntitle = \"{provider} verbinden\"\n[country]\nUS = \"USA\"\n\
                  [kept]\nuntil_disconnected = \"bis du {provider} trennst\"\n";
    let german = Catalogue::parse(Locale::new("de").unwrap(), german).unwrap();
    let declaration = Declaration::parse(EXAMPLE).unwrap();
    let build = |words: &Catalogue| {
        let catalogue = tiktok_catalogue();
        Disclosure::build(&declaration, &TIKTOK, "TikTok", &[PUBLISH], &catalogue, &[], &[], words)
            .unwrap()
    };
    let (told, english) = (build(&german), build(&Catalogue::english()));
    assert_eq!(told.title(), "TikTok verbinden");
    assert_eq!(told.locale.as_str(), "de");
    assert!(told.to_text().contains("bis du TikTok trennst"));
    // What is not translated is said in English.
    assert!(told.to_text().contains("What this application never does"));
    assert_ne!(told.hash(), english.hash());
}

#[test]
fn what_more_purposes_would_ask_for_is_said_beforehand() {
    let declaration = Declaration::parse(EXAMPLE).unwrap();
    let catalogue = tiktok_catalogue();
    let (basic, post) = (catalogue[0].name.clone(), catalogue[1].name.clone());
    let more = |granted: &[ScopeName]| {
        declaration.additions(&TIKTOK, granted, &[PUBLISH, PUBLISH], &catalogue).unwrap()
    };
    let all = more(&[]);
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|addition| addition.opens_category));
    assert_eq!(all[1].scope.purposes, [PUBLISH]);
    let rest = more(std::slice::from_ref(&basic));
    assert_eq!(rest.len(), 1);
    assert_eq!(
        (&rest[0].scope.name, rest[0].scope.plain.as_str()),
        (&post, catalogue[1].plain.as_str())
    );
    assert!(more(&[basic, post]).is_empty());
    // One that opens what is open already.
    let mut same = catalogue.clone();
    same[1].category = same[0].category.clone();
    let granted = [same[0].name.clone()];
    let more = declaration.additions(&TIKTOK, &granted, &[PUBLISH], &same).unwrap();
    assert!(!more[0].opens_category);
    let error = declaration.additions(&TIKTOK, &[], &[SAVE], &catalogue).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
}

#[test]
fn what_the_host_asks_for_itself_is_told_when_it_is_asked() {
    let declaration = Declaration::parse(include_str!("../examples/publisher.toml")).unwrap();
    let texts = Texts::new(declaration.clone(), Catalogue::english());
    let consent = declaration.purposes().find(|purpose| purpose.basis == LegalBasis::Consent);
    for purpose in declaration.purposes() {
        let told = texts.just_in_time(&[purpose.id.clone(), purpose.id.clone()]).unwrap();
        let text = told.to_markdown();
        assert!(text.contains(&purpose.plain) && text.contains(purpose.basis.article()), "{text}");
        assert_eq!(text.matches(&purpose.plain).count(), 1);
        for set in declaration.data_sets() {
            for item in set.data.iter().filter(|item| item.purpose == purpose.id) {
                assert!(text.contains(&item.name), "{} in {text}", item.name);
            }
        }
        let asks = purpose.basis == LegalBasis::Consent;
        assert_eq!(text.contains("take your agreement back"), asks);
        assert_eq!(told.title == "Do you agree?", asks);
    }
    assert!(consent.is_some());
    assert_eq!(texts.just_in_time(&[]).unwrap_err().kind(), ErrorKind::InvalidInput);
    let unknown = PurposeId::from_static("nothing");
    assert_eq!(texts.just_in_time(&[unknown]).unwrap_err().kind(), ErrorKind::Configuration);
}
