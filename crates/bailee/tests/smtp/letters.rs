//! A letter from the desk to a real mailbox and back.

use std::{sync::Arc, time::Duration};

use bailee::{
    Contacts, Declaration, HostError, HostId, Locale, RootKeys, TenantId,
    core::{ManualClock, SystemRandom},
    rights::{
        identity::{Code, Identity, Outcome},
        message::Messages,
        notice::{Address, ContactWay, Evidence, Reach},
        request::Right,
    },
    store::{Claim, MemoryStore, Store},
    vault::{Holder, Vault},
};

use crate::{ACME, KEY, header, server::Server};

const EXAMPLE: &str = include_str!("../../../bailee-registry/examples/privacy.toml");

/// Everybody is at one address.
struct OneAddress;

#[async_trait::async_trait]
impl Contacts for OneAddress {
    async fn reach(&self, _: &TenantId, _: &HostId) -> Result<Reach, HostError> {
        let addresses = vec![Address::new(ContactWay::Email, "ada@people.example")];
        Ok(Reach { locale: Locale::default(), addresses })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_goes_to_a_real_mailbox_and_shows_who_its_reader_is() {
    let server = Server::start("starttls");
    let clock = Arc::new(ManualClock::default());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone()));
    let root = RootKeys::generate(&SystemRandom).unwrap();
    let root = root.expose(|text| String::from_utf8(text.to_vec()).unwrap());
    let vault = Vault::builder(store.clone(), RootKeys::base64(&root).unwrap());
    let vault = vault.clock(clock.clone()).open().await.unwrap();
    let ada = vault.ensure_subject(&ACME, &HostId::text("ada")).await.unwrap();
    let declaration = Arc::new(Declaration::parse(EXAMPLE).unwrap());
    let smtp = Arc::new(server.builder().clock(clock).build().unwrap());
    let messages =
        Messages::builder(vault.clone(), declaration, Arc::new(OneAddress), smtp).build();
    let identity = Identity::builder(messages.clone()).build();
    let commit = async |additions: bailee::rights::Additions| {
        let view = vault.read(&ACME, Holder::Subject(ada), &[]).await.unwrap();
        let batch = additions.add_to(vault.batch().unwrap().op(view.fence().unwrap()));
        vault.commit(&ACME, batch).await.unwrap();
    };

    commit(identity.ask_code(&ACME, ada, KEY, Right::Erasure).await.unwrap()).await;
    let (tasks, lease) = (Messages::tasks(), Duration::from_secs(90));
    let due = store.claim(Claim::Due { tasks: &tasks, lease, limit: 8 }).await.unwrap();
    for lease in &due {
        messages.do_due(lease).await.unwrap();
    }

    let mail = server.taken(1).await.remove(0);
    assert_eq!(header(&mail, "Subject"), ["Example Publisher Ltd: your code"]);
    let content = mail["content"].as_str().unwrap();
    let code = |line: &&str| line.len() == 8 && line.bytes().all(|byte| byte.is_ascii_digit());
    let code = content.split("\r\n").find(code).unwrap();
    let letters = messages.of_request(&ACME, ada, KEY).await.unwrap();
    assert_eq!(header(&mail, "Message-ID"), [format!("<{}@sender.example>", letters[0].id)]);
    let word = Evidence::of("250 2.0.0 taken as canary-queue-id\r\n");
    assert_eq!(letters[0].sent.as_ref().unwrap().evidence, *word.digest());

    let entered = Code::parse(code).unwrap();
    let checked = identity.check_code(&ACME, ada, KEY, &entered).await.unwrap();
    assert!(matches!(checked.outcome, Outcome::Proven(_)), "{:?}", checked.outcome);
    commit(checked.additions).await;
}
