//! What letters say.

#![expect(clippy::unwrap_used, reason = "expected texts of tests")]
#![expect(clippy::disallowed_methods, reason = "a variable says that expected texts are rewritten")]

use std::path::Path;

use bailee_core::{ErrorKind, Id, Locale, SecretText};
use bailee_registry::{Catalogue, Declaration, RestrictionGround};
use bailee_rights::{
    clock::ExtensionReason,
    identity::{Doubt, Way},
    message::{Act, Cause, Content, Done, Letter, Messages, Refusal, Told},
    request::{Reason, Right},
    sentences,
};
use time::macros::date;

use crate::world::{ACME, PRIVACY, REQUEST, World, english};

fn done(what: &str, act: Act, count: u64) -> Done {
    Done { what: what.into(), act, count }
}

fn told(name: &str, untold: Option<Reason>) -> Told {
    Told { name: name.into(), untold }
}

fn invoices() -> Refusal {
    Refusal {
        what: Some("Orders".into()),
        value: None,
        reason: Reason::LegalDuty,
        kept: Some("invoices with their addresses".into()),
        until: Some(date!(2031 - 12 - 31)),
    }
}

/// One letter of each kind, under the name of its expected text.
fn letters() -> Vec<(&'static str, Letter)> {
    let letter = |right, content| Letter::new(REQUEST, right, content);
    let recipients = vec![
        told("Mail Relay GmbH", None),
        told("Former Partner Ltd", Some(Reason::RecipientImpossible)),
    ];
    let ready = Content::PackageReady { until: date!(2025 - 07 - 08) };
    let link = SecretText::copy_from(b"https://app.example/packages/fake-link");
    vec![
        (
            "acknowledged",
            letter(
                Right::Access,
                Content::Acknowledged {
                    received: date!(2025 - 06 - 01),
                    due: date!(2025 - 07 - 01),
                    cancel_until: None,
                },
            ),
        ),
        (
            "acknowledged_erasure",
            letter(
                Right::AccountDeletion,
                Content::Acknowledged {
                    received: date!(2025 - 06 - 01),
                    due: date!(2025 - 07 - 01),
                    cancel_until: Some(date!(2025 - 06 - 15)),
                },
            ),
        ),
        ("cancelled", letter(Right::Erasure, Content::Cancelled { cause: Cause::Person })),
        (
            "cancelled_unknown",
            letter(Right::Erasure, Content::Cancelled { cause: Cause::IdentityNotShown }),
        ),
        (
            "complaint",
            letter(
                Right::Complaint,
                Content::ComplaintAnswered {
                    answer: "You were right: the mail of 3 May should not have gone out.\n\nWe \
                             took your address off the list."
                        .into(),
                },
            ),
        ),
        (
            "completed",
            letter(
                Right::Erasure,
                Content::Completed {
                    done: vec![
                        done("Profile", Act::Erased, 1),
                        done("Posts", Act::Erased, 1204),
                        done("TikTok", Act::Disconnected, 1),
                        done("Comments", Act::Unlinked, 17),
                    ],
                    refused: vec![invoices()],
                    recipients: recipients.clone(),
                    receipt: Some(Id::from_bytes([9; 16])),
                    since_stays: false,
                },
            ),
        ),
        (
            "extended",
            letter(
                Right::Access,
                Content::Extended {
                    due: date!(2025 - 09 - 01),
                    reason: ExtensionReason::Complexity,
                },
            ),
        ),
        (
            "identity_asked",
            letter(
                Right::Access,
                Content::IdentityAsked {
                    doubt: Doubt::UnknownAddress,
                    ways: Way::ALL.to_vec(),
                    paused: true,
                    until: Some(date!(2025 - 07 - 31)),
                },
            ),
        ),
        ("package_ready", letter(Right::Access, ready.clone()).with_link(link).unwrap()),
        ("package_sign_in", letter(Right::Portability, ready)),
        ("recipients", letter(Right::Rectification, Content::Recipients { recipients })),
        (
            "refused",
            letter(
                Right::Objection,
                Content::Refused {
                    partly: false,
                    refused: vec![Refusal {
                        what: None,
                        value: None,
                        reason: Reason::CompellingGrounds,
                        kept: None,
                        until: None,
                    }],
                },
            ),
        ),
        (
            "refused_partly",
            letter(
                Right::Portability,
                Content::Refused {
                    partly: true,
                    refused: vec![
                        Refusal {
                            what: Some("Assessments".into()),
                            value: None,
                            reason: Reason::NotInScope,
                            kept: None,
                            until: None,
                        },
                        Refusal {
                            what: Some("Group chats".into()),
                            value: None,
                            reason: Reason::OthersRights,
                            kept: Some("what others wrote".into()),
                            until: None,
                        },
                    ],
                },
            ),
        ),
        (
            "restriction_ending",
            letter(
                Right::Restriction,
                Content::RestrictionEnding {
                    on: date!(2025 - 06 - 20),
                    ground: RestrictionGround::AccuracyContested,
                },
            ),
        ),
    ]
}

fn compare(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages/texts").join(name);
    if std::env::var_os("BAILEE_REFRESH").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{} (BAILEE_REFRESH=1 rewrites it)", path.display());
}

#[tokio::test]
async fn every_kind_of_letter_reads_as_its_expected_text() {
    let world = World::new().await;
    for (name, letter) in letters() {
        world.queue(letter).await;
        world.settle().await;
        let sent = world.mailbox.newest();
        compare(&format!("{name}.md"), &sent.document().to_markdown());
        // The page for a look: written where somebody asks for it.
        if let Some(folder) = std::env::var_os("BAILEE_PAGES") {
            let page = Path::new(&folder).join(format!("{name}.html"));
            std::fs::write(page, sent.document().to_html()).unwrap();
        }
    }
    let code = world.identity().ask_code(&ACME, world.ada, REQUEST, Right::Erasure).await;
    world.commit(code.unwrap()).await.unwrap();
    world.settle().await;
    let sent = world.mailbox.newest();
    let code = world.codes().remove(0);
    compare("identity_code.md", &sent.document().to_markdown().replace(&code, "12345678"));
    if let Some(folder) = std::env::var_os("BAILEE_PAGES") {
        let page = Path::new(&folder).join("identity_code.html");
        std::fs::write(page, sent.document().to_html()).unwrap();
    }
}

#[tokio::test]
async fn r8_every_letter_says_who_answers_and_where_to_complain_and_fills_every_place() {
    let messages = World::new().await.messages();
    for (name, letter) in letters() {
        let text = messages.text(&letter, &english());
        let page = text.document().to_markdown();
        assert!(text.title().starts_with("Example Publisher Ltd: "), "{name}: {}", text.title());
        for part in ["privacy@publisher.example", "complain to a supervisory authority"] {
            assert!(page.contains(part), "{name} lacks {part}: {page}");
        }
        assert!(page.contains(&REQUEST.to_string()), "{name}");
        assert!(!page.contains('{') && !page.contains("  "), "{name}: {page}");
    }
}

#[tokio::test]
async fn r12_4_whatever_is_not_done_has_its_reason_its_article_and_the_way_to_a_court() {
    let messages = World::new().await.messages();
    for reason in Reason::ALL {
        let refused = vec![Refusal { reason, ..invoices() }];
        for content in [
            Content::Refused { partly: false, refused: refused.clone() },
            Content::Completed {
                done: Vec::new(),
                refused: refused.clone(),
                recipients: Vec::new(),
                receipt: None,
                since_stays: false,
            },
        ] {
            let letter = Letter::new(REQUEST, Right::Erasure, content);
            let text = messages.text(&letter, &english()).document().to_markdown();
            assert!(text.contains(reason.article()), "{reason:?}: {text}");
            assert!(text.contains("invoices with their addresses"), "{text}");
            assert!(text.contains("31 December 2031") && text.contains("court"), "{text}");
            assert!(!text.contains(": (Art.") && !text.contains(":  "), "{reason:?}: {text}");
        }
    }
}

#[test]
fn every_word_that_a_letter_may_use_has_a_sentence() {
    let english = Catalogue::english();
    let said = |key: String| {
        assert!(!english.sentence(sentences(), &key, &[]).trim().is_empty(), "{key}");
    };
    for right in Right::ALL {
        said(format!("request_right.{}", right.as_str()));
    }
    for reason in Reason::ALL {
        said(format!("request_reason.{}", reason.as_str()));
    }
    for doubt in Doubt::ALL {
        said(format!("request_doubt.{}", doubt.as_str()));
    }
    for way in Way::ALL {
        said(format!("request.identity_how_{}", way.as_str()));
    }
    for cause in [Cause::IdentityNotShown, Cause::Person, Cause::Replaced] {
        said(format!("request.cancelled_{}", cause.as_str()));
    }
    for act in [
        Act::Corrected,
        Act::Disconnected,
        Act::Erased,
        Act::Provided,
        Act::Restricted,
        Act::Stopped,
        Act::Unlinked,
    ] {
        said(format!("request.done_{}", act.as_str()));
    }
    for ground in [
        RestrictionGround::AccuracyContested,
        RestrictionGround::NeededForClaims,
        RestrictionGround::ObjectionPending,
        RestrictionGround::Unknown,
        RestrictionGround::Unlawful,
    ] {
        said(format!("request_restriction.{}", ground.as_str()));
    }
}

#[tokio::test]
async fn a_letter_is_written_in_the_reader_s_language_and_in_the_host_s_words() {
    let world = World::new().await;
    let german = "[request]\ncancelled_title = \"{controller}: Ihr Antrag ist beendet\"\n\
                  [date]\nm1 = \"Januar\"\n";
    let german = Catalogue::parse_with(Locale::new("de").unwrap(), german, &[sentences()]).unwrap();
    let seams = (world.book.clone(), world.mailbox.clone());
    let declaration = Declaration::parse(PRIVACY).unwrap().into();
    let (book, mailbox) = (std::sync::Arc::new(seams.0), std::sync::Arc::new(seams.1));
    let messages = Messages::builder(world.vault.clone(), declaration, book, mailbox)
        .catalogue(german)
        .build();
    let cause = Cause::Person;
    let letter = Letter::new(REQUEST, Right::Access, Content::Cancelled { cause });
    let text = messages.text(&letter, &Locale::new("de-AT").unwrap());
    assert_eq!(text.title(), "Example Publisher Ltd: Ihr Antrag ist beendet");
    assert_eq!(text.locale().as_str(), "de");
    assert!(messages.text(&letter, &english()).title().ends_with("your request has ended"));
}

#[tokio::test]
async fn what_is_told_is_text_and_never_markup() {
    let messages = World::new().await.messages();
    let what = "<script>alert(1)</script> [x](javascript:y)".to_owned();
    let letter = Letter::new(
        REQUEST,
        Right::Erasure,
        Content::Completed {
            done: vec![Done { what: what.clone(), act: Act::Erased, count: 1 }],
            refused: vec![Refusal { what: Some(what.clone()), ..invoices() }],
            recipients: vec![told(&what, None)],
            receipt: None,
            since_stays: false,
        },
    );
    let document = messages.text(&letter, &english()).document();
    assert!(!document.to_html().contains("<script>"));
    assert!(!document.to_markdown().contains("[x]("));
}

#[tokio::test]
async fn an_answer_to_a_complaint_is_plain_text_of_a_length_that_fits() {
    let world = World::new().await;
    for (answer, kind) in [
        (String::new(), ErrorKind::InvalidInput),
        (" \n ".into(), ErrorKind::InvalidInput),
        ("a\u{7}b".into(), ErrorKind::InvalidInput),
        ("a".repeat(16 * 1024 + 1), ErrorKind::TooLarge),
    ] {
        let content = Content::ComplaintAnswered { answer };
        let letter = Letter::new(REQUEST, Right::Complaint, content);
        let refused = world.messages().queue(&ACME, world.ada, letter).await.unwrap_err();
        assert_eq!(refused.kind(), kind);
    }
    // A code is sent by whoever checks it, and by nobody else.
    let code = Letter::new(REQUEST, Right::Access, Content::IdentityCode { minutes: 15 });
    let refused = world.messages().queue(&ACME, world.ada, code).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
}
