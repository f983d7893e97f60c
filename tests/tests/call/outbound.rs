//! Where a token can go, and that none comes out.

use std::{fs, path::Path};

use bailee::{
    ErrorKind, Remedy,
    providers::{Failure, Input, Next, tiktok::CreatorInfo},
};
use bailee_tests::{NOTES, PUBLISH, world};

use super::*;

/// Asks for whatever address a test gives it, with the token.
struct Wander(OperationFacts, &'static str, Endpoint);

struct One(Option<Request>);

impl Step<()> for One {
    fn next(&mut self, _: Input) -> Result<Next<()>, Failure> {
        Ok(self.0.take().map_or(Next::Done(()), Next::Send))
    }
}

impl Operation for Wander {
    type Output = ();

    fn facts(&self) -> &OperationFacts {
        &self.0
    }

    fn start(&self, _: &Context<'_>) -> Box<dyn Step<()>> {
        let url = self.1.parse::<url::Url>().unwrap();
        Box::new(One(Some(Request::new(Method::GET, url, self.2, Effect::Read).with_bearer())))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn out_03_a_token_leaves_for_a_listed_host_of_its_own_provider_alone() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let sent = requests(&w);
    for address in [
        "https://evil.example/api/notes",
        "https://open.tiktokapis.com/v2/user/info/",
        "https://upload.example.test/video",
        "https://id.example.test.evil.example/",
        "https://evilid.example.test/",
        "https://id.example.test@evil.example/",
        "https://user:pass@id.example.test/api/notes",
        "https://id.example.test:8443/api/notes",
        "https://id.example.test./api/notes",
        "http://id.example.test/api/notes",
        "https://127.0.0.1/api/notes",
        "https://2130706433/api/notes",
        "https://[::1]/api/notes",
        "https://localhost/api/notes",
    ] {
        for endpoint in [Endpoint::Api, Endpoint::Token, Endpoint::Discovery, Endpoint::Upload] {
            let facts = OperationFacts { effect: Effect::Read, ..WRITE_NOTE.clone() };
            let operation = Wander(facts, address, endpoint);
            let error = w.bailee.acting(&ada, &NOTES).call(&connection, &operation).await;
            let error = error.unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::Denied | ErrorKind::Configuration),
                "{address} {endpoint:?}: {error:?}"
            );
            assert_eq!(error.remedy(), Remedy::FixConfiguration, "{address}");
            let source = std::error::Error::source(&error).map(ToString::to_string);
            let said = format!("{error} {error:?} {source:?}");
            assert!(!said.contains("evil"), "the address is not repeated: {said}");
        }
    }
    // TikTok's upload hosts take no token: not even its own.
    let facts = bailee::providers::Operation::facts(&CreatorInfo).clone();
    let operation = Wander(facts, "https://open-upload.tiktokapis.com/video/", Endpoint::Upload);
    let error = w.bailee.acting(&ada, &PUBLISH).call(&tiktok, &operation).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
    assert_eq!(requests(&w), sent, "nothing left");
}

#[tokio::test(flavor = "multi_thread")]
async fn out_07_no_other_connection_stands_in_for_one_that_is_not_there() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let kept = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let options = bailee::BeginOptions::default();
    let allow = bailee_testkit::emulator::Decision::Allow;
    let second = w.connect_as(&ada, "notes", &[NOTES], options, allow, "grace").await;
    let second = second.unwrap().unwrap().connection;
    assert_ne!(kept, second);
    w.bailee.connections().disconnect(&ada, &second).await.unwrap();
    // The same person, purpose and provider, and a connection that works: and yet.
    let sent = requests(&w);
    let acting = w.bailee.acting(&ada, &NOTES);
    let error = acting.call(&second, &WriteNote("x")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(requests(&w), sent);
    acting.call(&kept, &WriteNote("x")).await.unwrap();
    assert_eq!(notes(&w).notes(), [("ada".to_owned(), "x".to_owned())]);
}

/// Every public function of the crates that hosts call, as its text up to the body.
fn public_functions(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
            for start in ["pub fn ", "pub async fn ", "pub const fn "] {
                for (at, _) in code.match_indices(start) {
                    let rest = &code[at..];
                    let end = rest.find(['{', ';']).unwrap_or(rest.len());
                    found.push(rest[..end].split_whitespace().collect::<Vec<_>>().join(" "));
                }
            }
        }
    }
    found
}

#[test]
fn sec_10_no_function_of_the_connection_api_gives_a_token_away() {
    const SECRET: [&str; 9] = [
        "AccessToken",
        "RefreshToken",
        "ApiKey",
        "ClientSecret",
        "AuthorizationCode",
        "Verifier",
        "SecretText",
        "Plaintext",
        "IdToken",
    ];
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut seen = 0;
    for name in ["bailee", "bailee-connect", "bailee-registry", "bailee-audit", "bailee-store"] {
        for function in public_functions(&crates.join(name).join("src")) {
            seen += 1;
            let given = function.split_once("->").map_or("", |(_, given)| given);
            // What a function is handed counts only where a closure is shown a secret.
            let shown = function.contains("FnOnce(&") || function.contains("Fn(&");
            // The seed of the log's own key, which the vault seals. It opens no account.
            if name == "bailee-audit" && function.contains("fn seed(&self)") {
                continue;
            }
            for secret in SECRET {
                assert!(!given.contains(secret), "{name}: {function}");
                assert!(!(shown && function.contains(secret)), "{name}: {function}");
            }
        }
    }
    assert!(seen > 150, "the sources were read: {seen}");
    // The check sees what it is to see.
    let vault = public_functions(&crates.join("bailee-vault/src"));
    assert!(vault.iter().any(|function| function.contains("Plaintext")));
}
