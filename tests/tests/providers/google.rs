//! Google: the cases, and a whole life with mail, events and files.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee::{
    Acting, BeginOptions, BytesMedia, ConnectionRef, IdempotencyKey, PublicationState, Remedy,
    Result,
    core::{ScopeName, Timestamp},
    providers::{
        Download, Operation, OperationFacts, Provider, Publish,
        google::{
            DownloadFile, ExportDocument, ExportFormat, Google, ListEvents, ListFiles, Mailbox,
            SendMail, UploadFile,
        },
    },
};
use bailee_testkit::{
    Declared, PURPOSE,
    conformance::Contender,
    emulator::{self, Account, Decision, Endpoint, Fault, Played, google::File},
};

use crate::{held::hold, stored::Stored};

const EVENTS: ScopeName =
    ScopeName::from_static("https://www.googleapis.com/auth/calendar.events.readonly");
const MAIL: ScopeName = ScopeName::from_static("https://www.googleapis.com/auth/gmail.send");
const STEP: usize = 256 * 1024;

fn events() -> ListEvents {
    let from = Timestamp::from_seconds(1_767_225_600);
    ListEvents::between(from, from.plus(Duration::from_secs(30 * 86_400)))
}

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(Google::new())
    }

    fn played(&self) -> Played {
        emulator::google::Google::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        vec![ScopeName::from_static("openid"), ScopeName::from_static("email"), EVENTS]
    }

    fn left_out(&self) -> Option<ScopeName> {
        Some(EVENTS)
    }

    fn operation(&self) -> OperationFacts {
        events().facts().clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &events()).await.map(|_| ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn google_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

fn mail() -> SendMail {
    let grace = Mailbox::new("grace@person.example").and_then(|grace| grace.named("Grace"));
    SendMail::new("Quarterly numbers", "They are good.").to(grace.expect("an address"))
}

fn upload(bytes: &[u8]) -> UploadFile {
    UploadFile::new("Zahlen für März.csv", bytes.len() as u64, "text/csv").part_size(STEP as u64)
}

fn declared() -> Declared {
    Declared::of(Google::new().spec())
        .scopes(["openid", "email"])
        .operation(mail().facts())
        .operation(events().facts())
        .operation(ListFiles::new().facts())
        .operation(DownloadFile::new("a").facts())
        .operation(ExportDocument::new("a", ExportFormat::Pdf).facts())
        .operation(upload(b"a").facts())
}

async fn world() -> Stored {
    let stored = Stored::play(&declared(), emulator::google::Google::new()).await;
    let event = |n: u32| {
        format!(
            r#"{{"id":"event-{n}","summary":"Checkup {n}","start":{{"date":"2026-01-{n:02}"}},"end":{{"date":"2026-01-{:02}"}}}}"#,
            n + 1
        )
    };
    let all: Vec<String> = (3..8).map(event).collect();
    let all: serde_json::Value =
        serde_json::from_str(&format!("[{}]", all.join(","))).expect("JSON");
    stored.world.site("google").add_account(Account::new("ada").fact("events", all));
    stored
}

#[tokio::test]
async fn mail_events_and_files_of_one_account() {
    let stored = world().await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "google", &[PURPOSE]).await.unwrap();
    let connections = w.bailee.connections();
    let status = connections.status(&ada, &connection).await.unwrap();
    assert_eq!(status.display.as_deref(), Some("ada@person.example"));

    let acting = w.bailee.acting(&ada, &PURPOSE);
    acting.call(&connection, &mail()).await.unwrap();
    let sent = w.site("google").written("message");
    let raw = sent[0].value["raw"].as_str().unwrap();
    assert!(raw.starts_with("To: Grace\r\n <grace@person.example>\r\nSubject: Quarterly numbers"));

    // A token that ran out is renewed on the way, and the refresh token stays.
    w.advance(Duration::from_secs(3600));
    let mut pages = acting.pages(&connection, events().page_size(2));
    let mut titles = Vec::new();
    while let Some(page) = pages.next_page().await.unwrap() {
        titles.extend(page.into_iter().filter_map(|event| event.title));
    }
    assert_eq!(titles.len(), 5);
    assert_eq!((titles[0].as_str(), titles[4].as_str()), ("Checkup 3", "Checkup 7"));
    assert_eq!(w.site("google").count(Endpoint::Refresh), 1);
    w.advance(Duration::from_secs(3600));
    acting.call(&connection, &events()).await.unwrap();
    assert_eq!(w.site("google").count(Endpoint::Refresh), 2);

    let bytes: Vec<u8> = (0..2 * STEP + 100).map(|n| (n % 251) as u8).collect();
    let key = IdempotencyKey::new("numbers-1").unwrap();
    let media = Arc::new(BytesMedia::new(bytes.clone()));
    let done =
        acting.publish_media(&connection, &key, upload(&bytes), media.clone()).await.unwrap();
    assert_eq!(done.state, PublicationState::Published);
    let id = done.post.unwrap();
    let again = acting.publish_media(&connection, &key, upload(&bytes), media).await.unwrap();
    assert_eq!(again.post.as_ref(), Some(&id));
    assert_eq!(w.site("google").written("file").len(), 1);

    let list = acting.call(&connection, &ListFiles::new()).await.unwrap();
    assert_eq!((list.items.len(), list.items[0].id.as_str()), (1, id.as_str()));
    let mut file = acting.download(&connection, &DownloadFile::new(&id)).await.unwrap();
    assert_eq!(file.name().as_str(), "Zahlen für März.csv");
    let mut read = Vec::new();
    while let Some(piece) = file.chunk().await.unwrap() {
        read.extend_from_slice(&piece);
    }
    assert_eq!(read, bytes);

    let receipt = connections.disconnect(&ada, &connection).await.unwrap();
    assert!(receipt.confirmed, "{receipt:?}");
    assert!(receipt.also_ends[0].contains("ends together"), "{receipt:?}");
    assert!(receipt.steps[0].contains("myaccount.google.com/connections"));
    assert!(w.site("google").live_tokens().is_empty());
    stored.assert_nothing_shows(&["grace@person", "Checkup", "Quarterly", "März"]).await;
}

#[tokio::test]
async fn an_upload_goes_on_where_it_stopped_and_makes_one_file() {
    let stored = world().await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "google", &[PURPOSE]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PURPOSE);
    let bytes: Vec<u8> = (0..4 * STEP + 7).map(|n| (n % 253) as u8).collect();
    let media = Arc::new(BytesMedia::new(bytes.clone()));
    let key = IdempotencyKey::new("numbers-2").unwrap();
    let site = w.site("google");
    // Parts arrive half, answers are lost, and then Drive is away.
    assert!(site.switches(|google: &mut emulator::google::Google| {
        google.session_keeps = Some(100_000);
    }));
    site.fault(Endpoint::Upload, Fault::DropAfterEffect.times(3));
    site.fault(Endpoint::Upload, Fault::Status(503).times(60));
    let error =
        acting.publish_media(&connection, &key, upload(&bytes), media.clone()).await.unwrap_err();
    assert!(matches!(error.remedy(), Remedy::Wait(_)), "{error:?}");
    site.clear_faults();
    assert!(site.switches(|google: &mut emulator::google::Google| google.session_keeps = None));
    w.advance(Duration::from_secs(3600));
    let done = acting.publish_media(&connection, &key, upload(&bytes), media).await.unwrap();
    assert_eq!(done.state, PublicationState::Published);
    assert_eq!(site.written("file").len(), 1);
    let mut kept = Vec::new();
    assert!(site.switches(|google: &mut emulator::google::Google| {
        kept.clone_from(&google.files()[0].bytes);
    }));
    assert_eq!(kept, bytes);
    // No token ever went to the session.
    let uploads = site.requests();
    let mut uploads = uploads.iter().filter(|request| request.endpoint == Endpoint::Upload);
    assert!(uploads.all(|request| request.headers.iter().all(|(name, _)| name != "authorization")));
}

#[tokio::test]
async fn names_that_want_out_of_their_folder_do_not_and_documents_are_exported() {
    let stored = world().await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "google", &[PURPOSE]).await.unwrap();
    let client = w.site("google").live_tokens()[0].client.clone();
    assert!(w.site("google").switches(|google: &mut emulator::google::Google| {
        let hostile = "..\\..\\C:\\con\u{202e}fdp.exe";
        let kind = "application/vnd.google-apps.document";
        google.add_file(File::new("ada", &client, "f1", hostile, "text/plain", "0123456789"));
        google.add_file(File::new("ada", &client, "d1", "Letter", kind, "%PDF-1.7"));
    }));
    let acting = w.bailee.acting(&ada, &PURPOSE);
    let mut file = acting.download(&connection, &DownloadFile::new("f1")).await.unwrap();
    let name = file.name().as_str().to_owned();
    assert!(!name.contains(['/', '\\', ':', '\u{202e}']) && !name.starts_with('.'), "{name}");
    assert_eq!(&*file.chunk().await.unwrap().unwrap(), b"0123456789");
    assert!(acting.download(&connection, &DownloadFile::new("d1")).await.is_err());
    let export = ExportDocument::new("d1", ExportFormat::Pdf);
    let mut letter = acting.download(&connection, &export).await.unwrap();
    assert_eq!(&*letter.chunk().await.unwrap().unwrap(), b"%PDF-1.7");
}

#[tokio::test]
async fn what_a_person_unticks_is_told_and_refused_and_can_be_asked_for_again() {
    let stored = world().await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let some = Decision::AllowOnly(vec!["openid".into(), "email".into(), EVENTS.to_string()]);
    let options = BeginOptions::default();
    let completed = w.connect_as(&ada, "google", &[PURPOSE], options, some, "ada").await.unwrap();
    let completed = completed.unwrap();
    assert!(completed.missing.contains(&MAIL) && !completed.missing.contains(&EVENTS));
    let acting = w.bailee.acting(&ada, &PURPOSE);
    let connection = completed.connection;
    acting.call(&connection, &events()).await.unwrap();
    let error = acting.call(&connection, &mail()).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::AskConsent);
    assert!(w.site("google").written("message").is_empty());

    // More is asked for while the connection works: no second refresh token, and the first stays.
    let mut options = BeginOptions::default();
    options.reconnect = Some(connection.clone());
    let begun = w.bailee.connections();
    let begun = begun.begin_with(&ada, "google", &[PURPOSE], options.clone()).await.unwrap();
    let location = begun.answer().headers()[http::header::LOCATION].to_str().unwrap().to_owned();
    assert!(!location.contains("prompt="), "{location}");
    let all = Decision::Allow;
    let completed = w.connect_as(&ada, "google", &[PURPOSE], options, all, "ada").await.unwrap();
    assert!(completed.unwrap().missing.is_empty());
    acting.call(&connection, &mail()).await.unwrap();
    w.advance(Duration::from_secs(3600));
    acting.call(&connection, &events()).await.unwrap();
    assert_eq!(w.site("google").count(Endpoint::Refresh), 1);
}

#[tokio::test]
async fn a_refresh_token_that_others_pushed_out_is_replaced_by_asking_anew() {
    let stored = world().await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "google", &[PURPOSE]).await.unwrap();
    let refresh = w.site("google").live_tokens();
    let refresh = refresh.iter().find(|token| token.kind == emulator::TokenKind::Refresh).unwrap();
    w.site("google").end_token(&refresh.value);
    w.advance(Duration::from_secs(3600));
    let acting = w.bailee.acting(&ada, &PURPOSE);
    let error = acting.call(&connection, &events()).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::Reconnect);
    let mut options = BeginOptions::default();
    options.reconnect = Some(connection.clone());
    let connections = w.bailee.connections();
    let begun = connections.begin_with(&ada, "google", &[PURPOSE], options.clone()).await.unwrap();
    let location = begun.answer().headers()[http::header::LOCATION].to_str().unwrap().to_owned();
    assert!(location.contains("prompt=consent"), "{location}");
    let all = Decision::Allow;
    let completed = w.connect_as(&ada, "google", &[PURPOSE], options, all, "ada").await.unwrap();
    assert_eq!(completed.unwrap().connection, connection);
    w.advance(Duration::from_secs(3600));
    acting.call(&connection, &events()).await.unwrap();
}

#[tokio::test]
async fn both_spellings_of_the_issuer_are_google_s_and_no_third_one_is() {
    let stored = world().await;
    let w = &stored.world;
    let ada = w.visitor("ada");
    let switch = |change: fn(&mut emulator::google::Google)| {
        assert!(w.site("google").switches(change));
    };
    switch(|google| google.short_issuer = true);
    w.connect(&ada, "google", &[PURPOSE]).await.unwrap();
    switch(|google| google.id_token_flaw = Some(emulator::oidc::IdTokenFlaw::WrongIssuer));
    let options = BeginOptions::default();
    let all = Decision::Allow;
    let refused = w.connect_as(&ada, "google", &[PURPOSE], options, all, "ada").await.unwrap();
    assert!(refused.is_err());
}
