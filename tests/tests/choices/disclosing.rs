//! What the host itself sends to declared recipients.

use bailee::{
    ErrorKind,
    core::{DataCategory, RecipientId},
    registry::Disclosures,
};

use super::*;

const MAIL: RecipientId = RecipientId::from_static("mail");

/// The declaration of these tests with a company that sends mail.
fn with_mail() -> Declaration {
    let more = r#"
[recipients.mail]
name = "Example Mail"
service = "e-mail delivery"
country = "IE"
role = "processor"
purposes = ["news", "tips"]
categories = ["profile"]
contract = "Data processing agreement of 1 March 2026"
"#;
    Declaration::parse(&format!("{}{more}", declared().source())).unwrap()
}

#[tokio::test]
async fn d7_what_the_host_sends_goes_to_declared_recipients_alone_and_is_noted() {
    let w = World::builder(with_mail()).issuer(notes_issuer(), NOTES_SPEC).build().await.unwrap();
    let ada = w.visitor("ada");
    let (profile, content) = (DataCategory::new("profile"), DataCategory::new("content"));
    let choices = w.bailee.choices();
    drop(choices.say_age(&ada, 30, None).await.unwrap());
    let send = async |purpose: &PurposeId, to: &RecipientId, what: &[DataCategory]| {
        w.bailee.acting(&ada, purpose).disclose(to, what).await.map_err(|error| error.kind())
    };
    let profile = std::slice::from_ref(&profile);
    // What rests on legitimate interests may go until the person objects.
    send(&TIPS, &MAIL, profile).await.unwrap();
    send(&TIPS, &MAIL, profile).await.unwrap();
    assert_eq!(send(&NEWS, &MAIL, profile).await, Err(ErrorKind::ConsentMissing));
    choices.agree(&ada, &[NEWS], [1; 32]).await.unwrap();
    send(&NEWS, &MAIL, profile).await.unwrap();
    // Neither another category, nor another purpose, nor somebody who is not declared.
    assert_eq!(send(&NEWS, &MAIL, &[content]).await, Err(ErrorKind::Denied));
    assert_eq!(send(&NEWS, &MAIL, &[]).await, Err(ErrorKind::InvalidInput));
    assert_eq!(send(&ABUSE, &MAIL, profile).await, Err(ErrorKind::Denied));
    let stranger = RecipientId::from_static("stranger");
    assert_eq!(send(&TIPS, &stranger, profile).await, Err(ErrorKind::Denied));
    choices.opt_out_of_marketing(&ada).await.unwrap();
    assert_eq!(send(&TIPS, &MAIL, profile).await, Err(ErrorKind::Denied));
    assert_eq!(send(&NEWS, &MAIL, profile).await, Err(ErrorKind::Denied));

    w.settle().await;
    let vault = w.bailee.vault();
    let subject = vault.ensure_subject(&ACME, ada.person()).await.unwrap();
    let all = Disclosures::new(vault.clone()).of_subject(&ACME, subject).await.unwrap();
    let all: Vec<_> = all.iter().map(|one| (one.purpose.as_str(), one.count)).collect();
    assert_eq!(all, [("news", 1), ("tips", 2)]);
}
