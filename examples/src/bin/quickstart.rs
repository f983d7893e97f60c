//! Everything once: two accounts connected, used, renewed, refused, disconnected; and what of it
//! lies in the database.

use std::{error::Error, sync::Arc, time::Duration};

use bailee::{
    Bailee, ClientSecret, ConnectionRef, Declaration, FileMedia, HostId, IdempotencyKey,
    PublicationState, PurposeId, Registration, RootKeys, SqliteStore, TenantId, Tokio, Visitor,
    core::{Clock, SystemRandom, sha256},
    http::{Reqwest, Tls},
    providers::{
        Environment, Generic, Spec,
        tiktok::{CreatorInfo, PrivacyLevel, PublishVideo},
    },
    store::Store,
};
use bailee_emulator::{
    Account, Client, Clock as EmulatorClock, Decision, Emulator, oidc::Issuer, tiktok::TikTok,
};
use bailee_examples::{
    host::{OwnAccounts, Printed, StoryClock, comes_back, location},
    notes::WriteNote,
    told::{Telling, chapter, line, quote, say, scan},
};

const PUBLISH: PurposeId = PurposeId::from_static("publish.video");
const NOTES: PurposeId = PurposeId::from_static("notes.save");
const CLIENT: &str = "fake-client-key";
const SECRET: &str = "fake-client-secret";
const MOUNT: &str = "https://app.example.test/connect";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let clock = StoryClock::default();

    chapter("Two providers, played on loopback over TLS");
    let emulator = providers(&clock).await?;
    line("at", &format!("{} as {}", emulator.address(), emulator.host_names().join(", ")));

    chapter("The host joins the libraries");
    let key = folder.path().join("root-key");
    RootKeys::generate(&SystemRandom)?.expose(|key_text| std::fs::write(&key, key_text))?;
    let database = folder.path().join("vault");
    let store: Arc<dyn Store> = Arc::new(
        SqliteStore::builder(database.join("vault.db"))
            .clock(Arc::new(clock.clone()))
            .open()
            .await?,
    );
    // The one line that a service does not have: the providers' names lead to the emulator.
    let tls = Tls::roots(emulator.root_pem().as_bytes())?;
    let http = Reqwest::danger_fixed_address(tls, emulator.address())?;
    let secret = || ClientSecret::copy_from(SECRET.as_bytes());
    let bailee = Bailee::builder(Declaration::parse(include_str!("../../privacy.toml"))?)
        .shared_store(store.clone())
        .keys(RootKeys::file(&key)?)
        .http(http)
        .runtime(Tokio)
        .access(OwnAccounts)
        .events(Printed)
        .instance("quickstart")
        .mount(MOUNT)
        .registration(
            Registration::new("tiktok", CLIENT, secret())?.environment(Environment::Emulator),
        )
        .provider(Generic::new(Spec::parse(include_str!("../../notes.toml"))?))
        .registration(
            Registration::new("notes", CLIENT, secret())?.environment(Environment::Emulator),
        )
        .requires(&[PUBLISH, NOTES])
        .clock(clock.clone())
        .build()
        .await?;
    let telling = Telling::default();
    line("root key", "a file of its own; it never lies in or beside the database");
    telling.tell(&emulator, &*store).await?;

    let ada = Visitor::new(TenantId::new("acme")?, HostId::text("ada@example.test"), "session 1");

    chapter("Ada connects her TikTok account");
    let tiktok = connect(&bailee, &emulator, &ada, "tiktok", &PUBLISH).await?;
    telling.tell(&emulator, &*store).await?;

    chapter("Ada connects a provider that one TOML file describes");
    let notes = connect(&bailee, &emulator, &ada, "notes", &NOTES).await?;
    let id = bailee.acting(&ada, &NOTES).call(&notes, &WriteNote("buy bread")).await?;
    line("written", &format!("note {id} at the provider"));
    telling.tell(&emulator, &*store).await?;

    chapter("Ada publishes a video that TikTok fetches from an address");
    let acting = bailee.acting(&ada, &PUBLISH);
    let creator = acting.call(&tiktok, &CreatorInfo).await?;
    line("may post to", &format!("{:?}", creator.privacy_levels));
    let video = PublishVideo::from_url("https://media.example.test/first.mp4")
        .title("First light")
        .privacy(PrivacyLevel::SelfOnly);
    let first = IdempotencyKey::new("post-1")?;
    let publication = acting.publish(&tiktok, &first, video.clone()).await?;
    line("now", &format!("{:?}", publication.state));
    let again = acting.publish(&tiktok, &first, video).await?;
    line("the same again", &format!("{:?}, and nothing was sent twice", again.state));
    follow(&bailee, &clock, &tiktok, &ada, &first).await?;
    telling.tell(&emulator, &*store).await?;

    chapter("Ada publishes a video from a file, in parts");
    let path = folder.path().join("second.mp4");
    let bytes: Vec<u8> = (0..12 * 1024 * 1024_u32).map(|n| n.to_le_bytes()[0]).collect();
    std::fs::write(&path, &bytes)?;
    let media = Arc::new(FileMedia::open(&path)?);
    let video = PublishVideo::from_file(bytes.len() as u64, "video/mp4")
        .chunk_size(6 * 1024 * 1024)
        .file_digest(sha256(&bytes))
        .title("Second light")
        .privacy(PrivacyLevel::SelfOnly);
    let second = IdempotencyKey::new("post-2")?;
    acting.publish_media(&tiktok, &second, video, media).await?;
    follow(&bailee, &clock, &tiktok, &ada, &second).await?;
    telling.tell(&emulator, &*store).await?;
    let posts = emulator.site("tiktok").ok_or("TikTok is played")?.posts();
    line("at TikTok", &format!("{} posts of hers, none twice", posts.len()));

    chapter("The access token runs out, and nobody notices");
    clock.advance(Duration::from_secs(3 * 3600));
    acting.call(&tiktok, &CreatorInfo).await?;
    line("three hours later", "the call found the token over, renewed it, and went through");
    telling.tell(&emulator, &*store).await?;

    chapter("What is refused");
    let grace =
        Visitor::new(TenantId::new("acme")?, HostId::text("grace@example.test"), "session 2");
    let refused = bailee.acting(&grace, &PUBLISH).call(&tiktok, &CreatorInfo).await;
    refusal("a colleague", refused.err());
    let marketing = PurposeId::new("marketing")?;
    let refused = bailee.acting(&ada, &marketing).call(&tiktok, &CreatorInfo).await;
    refusal("another purpose", refused.err());
    let undeclared = bailee.connections().begin(&ada, "tiktok", &[marketing]).await;
    refusal("asking for it", undeclared.err());

    chapter("Ada disconnects");
    for connection in [&tiktok, &notes] {
        let receipt = bailee.connections().disconnect(&ada, connection).await?;
        let word = if receipt.confirmed { "confirmed" } else { "unconfirmed" };
        line("receipt", &format!("{}: revocation {word}", receipt.provider));
        for step in &receipt.steps {
            line("", &format!("at the provider: {step}"));
        }
    }
    bailee.worker().settle().await?;
    telling.tell(&emulator, &*store).await?;
    let living: usize = emulator.sites().iter().map(|site| site.live_tokens().len()).sum();
    line("living tokens", &format!("{living} at the providers"));

    chapter("What a scan of the database's bytes finds");
    let mut secrets: Vec<String> = emulator.secrets_issued().into_iter().collect();
    secrets.extend(
        [SECRET, "ada@example.test", "grace@example.test", "Ada", "First light"].map(String::from),
    );
    let (files, bytes, hits) = scan(&database, &secrets)?;
    line(
        "searched",
        &format!("{} secrets and names in {files} files of {bytes} bytes", secrets.len()),
    );
    line("found", &format!("{hits}"));
    if hits > 0 || living > 0 {
        return Err("something was left behind".into());
    }
    say("\nThat is all: connect, act, renew, refuse, disconnect, and nothing in the clear.");
    Ok(())
}

async fn providers(clock: &StoryClock) -> Result<Emulator, Box<dyn Error>> {
    let follow = clock.clone();
    let mut issuer = Issuer::new("https://id.example.test");
    issuer.scopes = ["openid", "profile", "notes.write"].map(String::from).to_vec();
    let emulator = Emulator::builder()
        .clock(EmulatorClock::following(move || follow.now().as_seconds()))
        .tiktok(TikTok::new().verified_url("https://media.example.test/"))
        .issuer(issuer)
        .start()
        .await?;
    for (site, name) in emulator.sites().iter().zip(["tiktok", "notes"]) {
        site.add_account(Account::new("ada"));
        let redirect = format!("{MOUNT}/{name}/callback");
        site.add_client(Client::new(CLIENT).secret(SECRET).redirect(redirect))?;
    }
    Ok(emulator)
}

/// The flow, as a host and a person with a browser go through it.
async fn connect(
    bailee: &Bailee,
    emulator: &Emulator,
    person: &Visitor,
    registration: &str,
    purpose: &PurposeId,
) -> Result<ConnectionRef, Box<dyn Error>> {
    let begun =
        bailee.connections().begin(person, registration, std::slice::from_ref(purpose)).await?;
    say("   Before the redirect she reads:");
    quote(&begun.disclosure().to_text());
    let back = emulator.consent(location(&begun), Decision::Allow, "ada").await?;
    let completed =
        bailee.connections().complete(person, comes_back(&back, begun.answer())).await?;
    line("connected", &format!("{}", completed.connection));
    Ok(completed.connection)
}

/// Lets time pass until the worker sees the end of a publication.
async fn follow(
    bailee: &Bailee,
    clock: &StoryClock,
    connection: &ConnectionRef,
    person: &Visitor,
    key: &IdempotencyKey,
) -> Result<(), Box<dyn Error>> {
    for _ in 0..20 {
        clock.advance(Duration::from_secs(60));
        bailee.worker().settle().await?;
        let publication = bailee.acting(person, &PUBLISH).publication(connection, key).await?;
        if publication.state == PublicationState::Published {
            line("a while later", "Published");
            return Ok(());
        }
        if publication.state.is_final() {
            return Err(format!("the publication ended as {:?}", publication.state).into());
        }
    }
    Err("the publication did not come to its end".into())
}

fn refusal(who: &str, error: Option<bailee::Error>) {
    match error {
        Some(error) => line(who, &format!("{error}; remedy: {:?}", error.remedy())),
        None => line(who, "was not refused"),
    }
}
