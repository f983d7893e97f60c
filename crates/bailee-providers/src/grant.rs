//! What a provider granted, and to whom.

use std::{borrow::Cow, fmt, time::Duration};

use bailee_core::{AccessToken, CredentialName, IdToken, RefreshToken, ScopeName, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::spec::ScopeFacts;

/// The outcome of an exchange or a refresh: fresh tokens, to be sealed at once. `Debug` shows its
/// credentials and not whose they are.
#[non_exhaustive]
pub struct Grant {
    /// The token sets. The first one is the spec's main credential.
    pub credentials: Vec<IssuedCredential>,
    /// The account's id, where the token answer states it.
    pub account_id: Option<AccountId>,
    /// A name to show, where the token answer states it.
    pub display: Option<String>,
    /// The address of the account's own API, where the token answer states it.
    pub api: Option<Url>,
    /// The ID token, for [`Provider::identity`](crate::Provider::identity) alone. Nothing in it is
    /// to be used before that.
    pub id_token: Option<IdToken>,
}

impl Grant {
    /// A grant of these token sets, of which the token answer says nothing else.
    pub fn new(credentials: Vec<IssuedCredential>) -> Self {
        Self { credentials, account_id: None, display: None, api: None, id_token: None }
    }

    /// Adds the scopes that were asked for and that a granted one contains, where a provider then
    /// names the wide one alone. None is added that nobody asked for.
    pub fn complete_scopes(&mut self, scopes: &ScopeFacts, asked: &[ScopeName]) {
        for credential in &mut self.credentials {
            credential.complete_scopes(scopes, asked);
        }
    }

    /// How the scopes of all credentials together compare with those asked for (TOK-05).
    pub fn compare_scopes(&self, asked: &[ScopeName]) -> ScopeComparison {
        // A credential that does not say what it may has what was asked for (RFC 6749 §5.1).
        let silent = self.credentials.iter().any(|credential| credential.scopes.is_none());
        let granted: Vec<&ScopeName> = self
            .credentials
            .iter()
            .filter_map(|credential| credential.scopes.as_ref())
            .flatten()
            .collect();
        let missing = asked.iter().filter(|scope| !silent && !granted.contains(scope));
        let mut unasked: Vec<ScopeName> = Vec::new();
        for scope in granted.iter().filter(|scope| !asked.contains(scope)) {
            if !unasked.contains(scope) {
                unasked.push((*scope).clone());
            }
        }
        ScopeComparison { missing: missing.cloned().collect(), unasked }
    }

    /// What the identity step needs to know of this grant. It holds no token.
    pub fn facts(&self, asked: &[ScopeName]) -> GrantFacts {
        let main = self.credentials.first();
        GrantFacts {
            scopes: main
                .and_then(|credential| credential.scopes.clone())
                .unwrap_or_else(|| asked.to_vec()),
            account_id: self.account_id.clone(),
            display: self.display.clone(),
            api: self.api.clone(),
            access_half_digest: main.map(|credential| {
                let digest = credential.access.expose(bailee_core::sha256);
                let mut half = [0; 16];
                half.copy_from_slice(&digest[..16]);
                half
            }),
        }
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}

/// One token set as it was issued. `Debug` counts the scopes and does not print them: until they
/// are compared they are whatever the answer said.
#[non_exhaustive]
pub struct IssuedCredential {
    /// Its name within the connection.
    pub name: CredentialName,
    /// The access token.
    pub access: AccessToken,
    /// The refresh token. A refresh that gives none leaves the old one in place (REF-09).
    pub refresh: Option<RefreshToken>,
    /// How the access token is presented.
    pub token_type: TokenType,
    /// How long the access token lives, from 0 to ten years; none where nobody says (TOK-04). A
    /// 401 is the truth, whatever stands here.
    pub expires_in: Option<Duration>,
    /// How long the refresh token lives, likewise.
    pub refresh_expires_in: Option<Duration>,
    /// The scopes granted. None: the answer does not say, so they are those asked for
    /// (RFC 6749 §5.1).
    pub scopes: Option<Vec<ScopeName>>,
}

impl IssuedCredential {
    /// A token set of which nothing but the access token is known.
    pub fn new(name: CredentialName, access: AccessToken) -> Self {
        Self {
            name,
            access,
            refresh: None,
            token_type: TokenType::Bearer,
            expires_in: None,
            refresh_expires_in: None,
            scopes: None,
        }
    }

    /// Adds the scopes that were asked for and that a granted one contains.
    pub fn complete_scopes(&mut self, scopes: &ScopeFacts, asked: &[ScopeName]) {
        let Some(granted) = &mut self.scopes else { return };
        let missing = asked.iter().filter(|scope| !granted.contains(scope));
        let covered: Vec<ScopeName> =
            missing.filter(|scope| scopes.cover(granted, scope)).cloned().collect();
        granted.extend(covered);
    }

    /// How the scopes granted compare with those asked for (TOK-05).
    pub fn compare_scopes(&self, asked: &[ScopeName]) -> ScopeComparison {
        let Some(granted) = &self.scopes else { return ScopeComparison::default() };
        ScopeComparison {
            missing: asked.iter().filter(|scope| !granted.contains(scope)).cloned().collect(),
            unasked: granted.iter().filter(|scope| !asked.contains(scope)).cloned().collect(),
        }
    }
}

impl fmt::Debug for IssuedCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedCredential")
            .field("name", &self.name)
            .field("access", &self.access)
            .field("refresh", &self.refresh)
            .field("expires_in", &self.expires_in)
            .field("refresh_expires_in", &self.refresh_expires_in)
            .field("scopes", &self.scopes.as_ref().map(Vec::len))
            .finish_non_exhaustive()
    }
}

/// The difference between the scopes asked for and those granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScopeComparison {
    /// Asked for and not granted: what needs them is not available.
    pub missing: Vec<ScopeName>,
    /// Granted and not asked for: refuse or flag, by policy.
    pub unasked: Vec<ScopeName>,
}

/// How an access token is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenType {
    /// As it is (RFC 6750).
    Bearer,
}

/// What the identity step is told of a grant. `Debug` counts the scopes and shows nothing else: it
/// is the provider's text about a person.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrantFacts {
    /// The scopes granted.
    pub scopes: Vec<ScopeName>,
    /// The account's id, where the token answer stated it.
    pub account_id: Option<AccountId>,
    /// A name to show, where the token answer stated it. It is the provider's text, not tamed yet.
    pub display: Option<String>,
    /// The address of the account's own API, where the token answer stated it.
    pub api: Option<Url>,
    /// The left half of the access token's SHA-256, for `at_hash` (OpenID Connect Core §3.1.3.6).
    pub access_half_digest: Option<[u8; 16]>,
}

impl GrantFacts {
    /// A grant of which only the scopes are known.
    pub fn new(scopes: Vec<ScopeName>) -> Self {
        Self { scopes, account_id: None, display: None, api: None, access_half_digest: None }
    }

    /// Whether a scope was granted.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted.as_str() == scope)
    }
}

impl fmt::Debug for GrantFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrantFacts").field("scopes", &self.scopes.len()).finish_non_exhaustive()
    }
}

/// What is known of a stored credential. It holds no token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CredentialFacts {
    /// Its name within the connection.
    pub name: CredentialName,
    /// The scopes granted.
    pub scopes: Vec<ScopeName>,
    /// When the access token runs out, where that is known.
    pub expires_at: Option<Timestamp>,
    /// Whether there is a refresh token.
    pub has_refresh: bool,
    /// When the refresh token runs out, where that is known.
    pub refresh_expires_at: Option<Timestamp>,
}

impl CredentialFacts {
    /// A credential without a refresh token and without a known end.
    pub fn new(name: CredentialName, scopes: Vec<ScopeName>) -> Self {
        Self { name, scopes, expires_at: None, has_refresh: false, refresh_expires_at: None }
    }

    /// The tokens that there are, in the order in which they are revoked.
    pub(crate) fn tokens(&self) -> Vec<TokenKind> {
        let refresh = self.has_refresh.then_some(TokenKind::Refresh);
        refresh.into_iter().chain([TokenKind::Access]).collect()
    }

    /// Says that there is a refresh token.
    #[must_use]
    pub fn with_refresh(mut self, expires_at: Option<Timestamp>) -> Self {
        self.has_refresh = true;
        self.refresh_expires_at = expires_at;
        self
    }

    /// Says when the access token runs out.
    #[must_use]
    pub fn expiring(mut self, at: Timestamp) -> Self {
        self.expires_at = Some(at);
        self
    }
}

/// The immutable id of an account at a provider (TOK-06): a word for the kind of id, and the id.
/// Never a user name, never an e-mail address. It is personal data: `Debug` shows its kind alone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AccountId {
    kind: Cow<'static, str>,
    value: String,
}

impl AccountId {
    /// Names an account: an id of 1 to 255 bytes of visible ASCII. None for anything else.
    pub fn new(kind: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Option<Self> {
        let value = value.into();
        let valid = (1..=255).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_graphic());
        valid.then(|| Self { kind: kind.into(), value })
    }

    /// The word for the kind of id (`sub`, `open_id`).
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The id.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl Serialize for AccountId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.kind, &self.value).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (kind, value) = <(String, String)>::deserialize(deserializer)?;
        Self::new(kind, value).ok_or_else(|| serde::de::Error::custom("not an account's id"))
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountId({}, [redacted])", self.kind)
    }
}

/// The account that was connected. It is personal data: `Debug` shows the id's kind alone.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// The account's immutable id.
    pub id: AccountId,
    /// A name to show to the person, 200 characters at most and without control characters. It may
    /// change, and is no key.
    pub display: Option<String>,
    /// The provider's word for the type of account, where it has types.
    pub account_type: Option<String>,
    /// The issuer that the id belongs to, where the provider is one of several (OpenID Connect).
    pub issuer: Option<String>,
    /// The address of the account's own API, where it has one: https, on one of the spec's account
    /// hosts.
    pub api: Option<Url>,
    /// The places within the account that operations may name (sites, workspaces).
    pub places: Vec<Place>,
    /// Other ids that stay, by which the provider may name the same account in what it sends of its
    /// own accord. They are routed like the first one, and compared with nothing.
    pub also: Vec<AccountId>,
}

impl Account {
    /// An account of which only the id is known.
    pub fn new(id: AccountId) -> Self {
        Self {
            id,
            display: None,
            account_type: None,
            issuer: None,
            api: None,
            places: Vec::new(),
            also: Vec::new(),
        }
    }

    /// Sets the name to show. Control characters are dropped, and what is longer is cut.
    #[must_use]
    pub fn with_display(mut self, name: Option<&str>) -> Self {
        self.display = name.map(tame).filter(|name| !name.is_empty());
        self
    }

    /// Sets the type of account, tamed likewise.
    #[must_use]
    pub fn with_account_type(mut self, account_type: Option<&str>) -> Self {
        self.account_type = account_type.map(tame).filter(|word| !word.is_empty());
        self
    }

    /// Sets the address of the account's own API.
    #[must_use]
    pub fn with_api(mut self, api: Option<Url>) -> Self {
        self.api = api;
        self
    }

    /// Sets the other ids, four at most.
    #[must_use]
    pub fn also_known_as(mut self, ids: Vec<AccountId>) -> Self {
        self.also = ids;
        self.also.retain(|id| *id != self.id);
        self.also.truncate(4);
        self
    }

    /// Sets the places, 200 at most.
    #[must_use]
    pub fn with_places(mut self, places: Vec<Place>) -> Self {
        self.places = places;
        self.places.truncate(200);
        self
    }

    /// What operations are told of the account.
    pub fn facts(&self) -> AccountFacts {
        AccountFacts {
            id: self.id.value.clone(),
            api: self.api.clone(),
            places: self.places.clone(),
        }
    }

    /// Sets the issuer.
    #[must_use]
    pub fn with_issuer(mut self, issuer: Option<String>) -> Self {
        self.issuer = issuer;
        self
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What operations are told of the account that they are called with. It is stored beside the
/// credential. It is personal data: `Debug` shows how many places there are.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccountFacts {
    /// The account's id.
    pub id: String,
    /// The address of its own API, where it has one.
    #[serde(default)]
    pub api: Option<Url>,
    /// The places within it.
    #[serde(default)]
    pub places: Vec<Place>,
}

impl AccountFacts {
    /// An account of which only the id is known.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), api: None, places: Vec::new() }
    }

    /// A place by its id.
    pub fn place(&self, id: &str) -> Option<&Place> {
        self.places.iter().find(|place| place.id == id)
    }
}

impl fmt::Debug for AccountFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountFacts").field("places", &self.places.len()).finish_non_exhaustive()
    }
}

/// A place within an account: a site, a workspace. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Place {
    /// Its id, as requests name it.
    pub id: String,
    /// A name to show, tamed like an account's.
    pub name: String,
}

impl Place {
    /// A place with an id of 1 to 255 bytes of visible ASCII. None for anything else.
    pub fn new(id: impl Into<String>, name: &str) -> Option<Self> {
        let id = id.into();
        let valid = (1..=255).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
        valid.then(|| Self { id, name: tame(name) })
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place([redacted])")
    }
}

/// Drops control characters and those that turn the direction of text, and cuts what is left.
fn tame(text: &str) -> String {
    text.chars()
        .filter(|c| {
            !c.is_control()
                && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        })
        .take(200)
        .collect()
}

/// The outcome of a revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revoked {
    /// Whether the provider confirmed that every token of the credential is dead.
    pub confirmed: bool,
    /// The tokens of which it did not, and that may live until they run out.
    pub remaining: Vec<TokenKind>,
}

impl Revoked {
    /// The outcome where these tokens were not confirmed to be dead.
    pub fn leaving(remaining: Vec<TokenKind>) -> Self {
        Self { confirmed: remaining.is_empty(), remaining }
    }
}

/// What a disconnect does first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevokePlan {
    /// The provider has no way to revoke; the person can withdraw there themselves.
    Impossible,
    /// Revoke with the tokens at hand.
    Ready,
    /// The provider revokes with a living access token and ours ran out: refresh, then revoke with
    /// the new tokens. If the refresh says that the grant is over, it is revoked already.
    RefreshFirst,
}

/// Which token (RFC 7009 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// The access token.
    Access,
    /// The refresh token.
    Refresh,
}

/// What introspection says (RFC 7662 §2.2). `Debug` counts the scopes, which are whatever the answer
/// said.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Introspection {
    /// Whether the token is good.
    pub active: bool,
    /// The scopes of the token, where it says so.
    pub scopes: Option<Vec<ScopeName>>,
    /// When it runs out, where it says so.
    pub expires_at: Option<Timestamp>,
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection")
            .field("active", &self.active)
            .field("scopes", &self.scopes.as_ref().map(Vec::len))
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

/// Whether a grant still lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alive {
    /// This access token is not good. A refresh says whether the grant is over.
    No,
    /// It is.
    Yes,
}
