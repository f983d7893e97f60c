use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use crate::Misuse;
use crate::oidc::SigningAlgorithm;

/// An OAuth client as registered at a provider.
///
/// ```
/// use bailee_emulator::Client;
///
/// let client = Client::new("app-1")
///     .secret("not-a-real-secret")
///     .redirect("https://app.example/callback")
///     .scopes(["openid", "notes.read"]);
/// assert_eq!(client.id, "app-1");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Client {
    /// `client_id`, or TikTok's `client_key`.
    pub id: String,
    /// The name that the authorization page shows.
    pub name: String,
    /// Where the client runs; decides which redirect addresses may be registered and compared.
    pub platform: Platform,
    /// Redirect addresses; a request must name one of them exactly.
    pub redirect_uris: Vec<String>,
    /// Scopes for which the client was approved; empty means all that the provider has.
    pub scopes: Vec<String>,
    /// Keys with which the client signs its assertions; one that has any is not public.
    pub keys: Vec<AssertionKey>,
    /// Valid secrets, several while one is being replaced; none makes the client public.
    pub secrets: Vec<String>,
    /// The secret with which the provider signs what it sends of its own accord, where that is not
    /// done with the client's.
    pub signal_secret: Option<String>,
}

impl Client {
    /// A public web client without redirect addresses.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        Self {
            name: format!("App {id}"),
            id,
            platform: Platform::Web,
            redirect_uris: Vec::new(),
            scopes: Vec::new(),
            keys: Vec::new(),
            secrets: Vec::new(),
            signal_secret: None,
        }
    }

    /// Adds a key with which the client signs its assertions.
    #[must_use]
    pub fn key(mut self, key: AssertionKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Adds a secret.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secrets.push(secret.into());
        self
    }

    /// Sets the secret with which the provider signs what it sends of its own accord.
    #[must_use]
    pub fn signal_secret(mut self, secret: impl Into<String>) -> Self {
        self.signal_secret = Some(secret.into());
        self
    }

    /// Adds a redirect address.
    #[must_use]
    pub fn redirect(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uris.push(uri.into());
        self
    }

    /// Approves the client for these scopes only.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Makes it a desktop client.
    #[must_use]
    pub fn desktop(mut self) -> Self {
        self.platform = Platform::Desktop;
        self
    }

    /// Whether a requested redirect address is one of the registered ones: the same string
    /// (RFC 9700 §2.1), or for desktop clients the same but for the port of a loopback address
    /// (RFC 8252 §7.3) when the registered one has the port `*`.
    pub(crate) fn redirects_to(&self, wanted: &str) -> bool {
        self.redirect_uris.iter().any(|registered| {
            registered == wanted || {
                self.platform == Platform::Desktop && matches_any_port(registered, wanted)
            }
        })
    }

    pub(crate) fn knows_secret(&self, presented: Option<&str>) -> bool {
        match presented {
            Some(secret) => self.secrets.iter().any(|known| known == secret),
            None => self.secrets.is_empty() && self.keys.is_empty(),
        }
    }

    pub(crate) fn may_ask(&self, scope: &str) -> bool {
        self.scopes.is_empty() || self.scopes.iter().any(|approved| approved == scope)
    }

    /// What every provider demands of a registration (RFC 6749 §3.1.2).
    pub(crate) fn check(&self) -> Result<(), Misuse> {
        if self.id.is_empty() {
            return Err(Misuse::Registration("the client has no id"));
        }
        for uri in &self.redirect_uris {
            let parsed = parse_with_any_port(uri)
                .ok_or(Misuse::Registration("a redirect address is not an absolute address"))?;
            if parsed.fragment().is_some() {
                return Err(Misuse::Registration("a redirect address has a fragment"));
            }
        }
        Ok(())
    }
}

/// A public key with which a client's assertions are checked (RFC 7523).
#[derive(Clone, Debug)]
pub struct AssertionKey {
    /// What the header of an assertion calls it.
    pub kid: String,
    /// How it signs.
    pub algorithm: SigningAlgorithm,
    /// The key: 32 bytes of Ed25519, an uncompressed point of P-256, or an RSA key in DER.
    pub public: Vec<u8>,
}

/// Where a client runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Platform {
    /// On a person's machine, with a loopback redirect.
    Desktop,
    /// On a server.
    Web,
}

/// A person's account at a provider.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Account {
    /// The provider's own stable id; what clients see is derived from it or equal to it.
    pub id: String,
    /// A name to show, not unique.
    pub display_name: String,
    /// E-mail address, where the provider hands it out.
    pub email: String,
    /// What only one provider knows of an account, by the name that its module gives.
    pub facts: BTreeMap<String, Value>,
    /// A private account: only approved followers see its posts.
    pub private: bool,
    /// The privacy levels that this person may choose for posts at TikTok.
    pub privacy_levels: Vec<String>,
    /// The unique, changeable handle.
    pub username: String,
}

impl Account {
    /// An account whose other facts follow from its id.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        Self {
            display_name: format!("Display {id}"),
            email: format!("{id}@person.example"),
            facts: BTreeMap::new(),
            private: false,
            privacy_levels: ["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"]
                .map(String::from)
                .to_vec(),
            username: format!("handle_{id}"),
            id,
        }
    }

    /// Adds a fact that only one provider knows.
    #[must_use]
    pub fn fact(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.facts.insert(name.into(), value.into());
        self
    }

    /// Makes the account private, with the privacy levels that TikTok offers to such.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.private = true;
        self.privacy_levels = ["FOLLOWER_OF_CREATOR", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"]
            .map(String::from)
            .to_vec();
        self
    }
}

/// Parses an address whose port may be `*`.
pub(crate) fn parse_with_any_port(uri: &str) -> Option<Url> {
    let url = Url::parse(&uri.replacen(":*", ":1", 1)).ok()?;
    url.has_host().then_some(url)
}

fn matches_any_port(registered: &str, wanted: &str) -> bool {
    let Some((before, after)) = registered.split_once(":*") else { return false };
    let Some(rest) = wanted.strip_prefix(before).and_then(|rest| rest.strip_prefix(':')) else {
        return false;
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (port, tail) = rest.split_at(digits);
    port.parse::<u16>().is_ok_and(|port| port > 0) && tail == after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_redirect_matches_character_by_character() {
        let client = Client::new("c").redirect("https://app.example/cb");
        assert!(client.redirects_to("https://app.example/cb"));
        for other in [
            "https://app.example/cb/",
            "https://app.example/cb?x=1",
            "https://app.example/cb#",
            "https://app.example:443/cb",
            "https://user@app.example/cb",
            "https://app.example/%63b",
            "https://app.example/x/%2e%2e/cb",
            "HTTPS://app.example/cb",
        ] {
            assert!(!client.redirects_to(other), "{other}");
        }
    }

    #[test]
    fn a_desktop_redirect_with_a_wildcard_takes_any_port_and_nothing_else() {
        let client = Client::new("c").desktop().redirect("http://127.0.0.1:*/cb");
        assert!(client.redirects_to("http://127.0.0.1:49152/cb"));
        for other in [
            "http://127.0.0.1/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:70000/cb",
            "http://127.0.0.1:1@evil.example/cb",
            "http://127.0.0.1:1/cb2",
        ] {
            assert!(!client.redirects_to(other), "{other}");
        }
        assert!(
            !Client::new("c")
                .redirect("http://127.0.0.1:*/cb")
                .redirects_to("http://127.0.0.1:1/cb")
        );
    }
}
