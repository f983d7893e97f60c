use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What becomes of a refresh token when it has been used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshStyle {
    /// Each refresh issues a new one; a replaced one works for this long, then is a reuse.
    Grace(Duration),
    /// No refresh tokens are issued.
    None,
    /// Each refresh issues a new one; the old ones stay valid.
    Overlapping,
    /// There are no refresh tokens: an access token is itself exchanged for a new one.
    SelfExtending {
        /// How old it must be.
        after: Duration,
        /// Whether the old one ends.
        ends_old: bool,
    },
    /// The refresh token never changes.
    Stable {
        /// Whether the answer repeats it.
        echoed: bool,
    },
    /// Each refresh issues a new one and the old one is dead at once.
    Strict {
        /// Whether presenting a dead one ends the whole grant (RFC 9700 §4.14.2).
        kills_family: bool,
    },
    /// Each refresh issues a new pair; the old one works until one of the new ones is used.
    UntilReplacementUsed,
}

/// A refresh token was presented after it had been replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReuseAlarm {
    /// Whose account.
    pub account: String,
    /// When, by the emulator's clock.
    pub at: i64,
    /// Which client.
    pub client: String,
    /// Whether the grant was ended.
    pub killed: bool,
}

/// A token that the provider would accept now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LiveToken {
    /// Whose account.
    pub account: String,
    /// Which client.
    pub client: String,
    /// When it ends by itself, in Unix seconds.
    pub expires_at: Option<i64>,
    /// Access or refresh.
    pub kind: TokenKind,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The token.
    pub value: String,
}

/// Access or refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// For the API.
    Access,
    /// For the token endpoint.
    Refresh,
}

/// Codes, grants and tokens of one provider.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    grants: Vec<Grant>,
    codes: BTreeMap<String, Code>,
    tokens: BTreeMap<String, Token>,
    alarms: Vec<ReuseAlarm>,
    replays: usize,
}

/// What a person allowed to a client. All tokens that come from it are its family.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) account: String,
    pub(crate) client: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) granted_at: i64,
    pub(crate) extras: Extras,
    /// The scope parameter that this grant came from, for providers that have several.
    pub(crate) kind: &'static str,
    generation: u64,
    used: BTreeSet<u64>,
    ended: bool,
}

/// A code and what it was given for.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) account: String,
    pub(crate) client: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) redirect_uri: String,
    /// The `code_challenge`, whose method is always S256.
    pub(crate) challenge: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) expires_at: i64,
    /// What it was exchanged for.
    pub(crate) grants: Vec<GrantId>,
    pub(crate) extras: Extras,
}

/// What an authorization carries beyond RFC 6749.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extras {
    /// All parameters of the authorization request.
    pub(crate) asked: BTreeMap<String, String>,
    /// The scopes of further scope parameters, by the parameter.
    pub(crate) more: BTreeMap<&'static str, Vec<String>>,
    /// Whether the challenge is the verifier itself (RFC 7636 §4.2, `plain`).
    pub(crate) plain: bool,
    /// Whether the authorization request named the redirect address.
    pub(crate) redirect_sent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GrantId(usize);

#[derive(Clone, Debug)]
struct Token {
    kind: TokenKind,
    grant: GrantId,
    generation: u64,
    scopes: Vec<String>,
    expires_at: Option<i64>,
    /// When it was issued, where that matters.
    issued_at: Option<i64>,
    ended: bool,
    replaced: Option<Replaced>,
}

/// How long a replaced refresh token lives on.
#[derive(Clone, Copy, Debug)]
enum Replaced {
    Dead { kills_family: bool },
    Until(i64),
    UntilUsed(u64),
}

/// Why a token or a code is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Ended,
    Expired,
    Foreign,
    Reused,
    Unknown,
}

/// A token that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) grant: GrantId,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_at: Option<i64>,
}

impl Ledger {
    pub(crate) fn keep_code(&mut self, value: String, code: Code) {
        self.codes.insert(value, code);
    }

    /// Looks at a code without using it up. A second use of a code ends what the first use gave
    /// (RFC 6749 §4.1.2).
    pub(crate) fn present_code(
        &mut self,
        value: &str,
        client: &str,
        now: i64,
    ) -> Result<Code, Refused> {
        let code = self.codes.get(value).cloned().ok_or(Refused::Unknown)?;
        if code.client != client {
            return Err(Refused::Foreign);
        }
        if !code.grants.is_empty() {
            self.replays += 1;
            for grant in code.grants {
                self.end(grant);
            }
            return Err(Refused::Reused);
        }
        if now >= code.expires_at {
            return Err(Refused::Expired);
        }
        Ok(code)
    }

    /// A code that was not exchanged yet, for providers that decide at the exchange what it is for.
    pub(crate) fn code_mut(&mut self, value: &str) -> Option<&mut Code> {
        self.codes.get_mut(value).filter(|code| code.grants.is_empty())
    }

    /// The scopes of what an account allowed to a client and has not ended, without repetitions.
    /// None where there is nothing of the kind.
    pub(crate) fn allowed(&self, account: &str, client: &str) -> Option<Vec<String>> {
        let of_both = |grant: &&Grant| grant.account == account && grant.client == client;
        let mut grants = self.grants.iter().filter(of_both).filter(|grant| !grant.ended).peekable();
        grants.peek()?;
        let scopes: BTreeSet<String> = grants.flat_map(|grant| grant.scopes.clone()).collect();
        Some(scopes.into_iter().collect())
    }

    /// The refresh tokens of an account for a client that would be accepted now, oldest first.
    pub(crate) fn refresh_tokens(&self, account: &str, client: &str, now: i64) -> Vec<String> {
        let mut found: Vec<(usize, u64, &String)> = self
            .tokens
            .iter()
            .filter(|(_, token)| token.kind == TokenKind::Refresh && self.lives(token, now))
            .filter(|(_, token)| {
                let grant = &self.grants[token.grant.0];
                grant.account == account && grant.client == client
            })
            .map(|(value, token)| (token.grant.0, token.generation, value))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(.., value)| value.clone()).collect()
    }

    /// Uses a code up and opens the grant that it stands for.
    pub(crate) fn redeem(&mut self, value: &str, code: &Code, now: i64) -> GrantId {
        let grant = self.open(Grant {
            account: code.account.clone(),
            client: code.client.clone(),
            scopes: code.scopes.clone(),
            nonce: code.nonce.clone(),
            granted_at: now,
            extras: code.extras.clone(),
            kind: "",
            generation: 0,
            used: BTreeSet::new(),
            ended: false,
        });
        if let Some(kept) = self.codes.get_mut(value) {
            kept.grants = vec![grant];
        }
        grant
    }

    /// Opens one more grant beside another: same account and client, scopes of its own.
    pub(crate) fn beside(
        &mut self,
        first: GrantId,
        kind: &'static str,
        scopes: Vec<String>,
    ) -> GrantId {
        let grant = self.grants[first.0].clone();
        self.open(Grant { kind, scopes, ..grant })
    }

    /// Notes all grants that a code was exchanged for.
    pub(crate) fn set_code_grants(&mut self, value: &str, grants: &[GrantId]) {
        if let Some(kept) = self.codes.get_mut(value) {
            kept.grants = grants.to_vec();
        }
    }

    /// Says which scope parameter a grant came from.
    pub(crate) fn set_kind(&mut self, id: GrantId, kind: &'static str) {
        self.grants[id.0].kind = kind;
    }

    /// Keeps a key that was issued outside OAuth: an access token of no client, without an end.
    pub(crate) fn keep_key(&mut self, key: String, account: &str, scopes: Vec<String>, now: i64) {
        let grant = self.open(Grant {
            account: account.to_owned(),
            client: String::new(),
            scopes: scopes.clone(),
            nonce: None,
            granted_at: now,
            extras: Extras::default(),
            kind: "",
            generation: 0,
            used: BTreeSet::new(),
            ended: false,
        });
        self.keep_token(key, TokenKind::Access, grant, scopes, None);
    }

    fn open(&mut self, grant: Grant) -> GrantId {
        self.grants.push(grant);
        GrantId(self.grants.len() - 1)
    }

    pub(crate) fn grant(&self, id: GrantId) -> &Grant {
        &self.grants[id.0]
    }

    pub(crate) fn set_scopes(&mut self, id: GrantId, scopes: Vec<String>) {
        self.grants[id.0].scopes = scopes;
    }

    /// Begins the next generation of tokens of a grant.
    pub(crate) fn next_generation(&mut self, id: GrantId) {
        self.grants[id.0].generation += 1;
    }

    pub(crate) fn keep_token(
        &mut self,
        value: String,
        kind: TokenKind,
        grant: GrantId,
        scopes: Vec<String>,
        expires_at: Option<i64>,
    ) {
        let generation = self.grants[grant.0].generation;
        let token = Token {
            kind,
            grant,
            generation,
            scopes,
            expires_at,
            issued_at: None,
            ended: false,
            replaced: None,
        };
        self.tokens.insert(value, token);
    }

    /// Notes when a token was issued.
    pub(crate) fn date(&mut self, value: &str, now: i64) {
        if let Some(token) = self.tokens.get_mut(value) {
            token.issued_at = Some(now);
        }
    }

    /// How old a token is, where that was noted.
    pub(crate) fn age(&self, value: &str, now: i64) -> Option<i64> {
        self.tokens.get(value).and_then(|token| token.issued_at).map(|at| now - at)
    }

    /// Lets all access tokens of an account expire now. Returns how many that were.
    pub(crate) fn expire_access(&mut self, account: &str, now: i64) -> usize {
        let mut expired = 0;
        for token in self.tokens.values_mut() {
            let own = self.grants[token.grant.0].account == account;
            let key = self.grants[token.grant.0].client.is_empty();
            let lasts = token.expires_at.is_none_or(|at| at > now);
            if own && !key && token.kind == TokenKind::Access && lasts {
                token.expires_at = Some(now);
                expired += 1;
            }
        }
        expired
    }

    /// Accepts an access token for a call.
    pub(crate) fn present_access(&mut self, value: &str, now: i64) -> Result<Accepted, Refused> {
        let token = self.tokens.get(value).ok_or(Refused::Unknown)?;
        if token.kind != TokenKind::Access {
            return Err(Refused::Unknown);
        }
        let accepted = self.accept(token, now)?;
        let generation = token.generation;
        self.grants[accepted.grant.0].used.insert(generation);
        Ok(accepted)
    }

    /// Accepts a refresh token for a refresh, or sounds the alarm.
    pub(crate) fn present_refresh(
        &mut self,
        value: &str,
        client: &str,
        now: i64,
    ) -> Result<Accepted, Refused> {
        let token = self.tokens.get(value).ok_or(Refused::Unknown)?.clone();
        if token.kind != TokenKind::Refresh {
            return Err(Refused::Unknown);
        }
        if self.grants[token.grant.0].client != client {
            return Err(Refused::Foreign);
        }
        let kills_family = match token.replaced {
            Some(Replaced::Dead { kills_family }) => Some(kills_family),
            Some(Replaced::Until(until)) if now > until => Some(true),
            Some(Replaced::UntilUsed(generation))
                if self.grants[token.grant.0].used.range(generation..).next().is_some() =>
            {
                Some(true)
            }
            _ => None,
        };
        if let Some(kills_family) = kills_family {
            let grant = &self.grants[token.grant.0];
            self.alarms.push(ReuseAlarm {
                account: grant.account.clone(),
                at: now,
                client: client.to_owned(),
                killed: kills_family,
            });
            if kills_family {
                self.end(token.grant);
            }
            return Err(Refused::Reused);
        }
        let accepted = self.accept(&token, now)?;
        self.grants[token.grant.0].used.insert(token.generation);
        if let Some(Replaced::UntilUsed(generation)) = token.replaced {
            // The replacement was lost on its way; another one takes its place.
            self.end_from(token.grant, generation);
        }
        Ok(accepted)
    }

    /// Marks a refresh token as replaced by those of the generation that begins next.
    pub(crate) fn replace(&mut self, value: &str, style: RefreshStyle, now: i64) {
        let Some(token) = self.tokens.get_mut(value) else { return };
        let next = self.grants[token.grant.0].generation + 1;
        token.replaced = match style {
            RefreshStyle::Grace(window) => {
                let window = i64::try_from(window.as_secs()).unwrap_or(i64::MAX);
                let until = now.saturating_add(window);
                match token.replaced {
                    Some(Replaced::Until(earlier)) => Some(Replaced::Until(earlier.min(until))),
                    _ => Some(Replaced::Until(until)),
                }
            }
            RefreshStyle::None
            | RefreshStyle::Overlapping
            | RefreshStyle::SelfExtending { .. }
            | RefreshStyle::Stable { .. } => None,
            RefreshStyle::Strict { kills_family } => Some(Replaced::Dead { kills_family }),
            RefreshStyle::UntilReplacementUsed => Some(Replaced::UntilUsed(next)),
        };
    }

    pub(crate) fn end_access_tokens(&mut self, grant: GrantId) {
        for token in self.tokens.values_mut() {
            if token.grant == grant && token.kind == TokenKind::Access {
                token.ended = true;
            }
        }
    }

    /// Lets the access tokens of a grant end at this time at the latest.
    pub(crate) fn shorten_access(&mut self, grant: GrantId, until: i64) {
        for token in self.tokens.values_mut() {
            if token.grant == grant && token.kind == TokenKind::Access {
                token.expires_at = Some(token.expires_at.map_or(until, |at| at.min(until)));
            }
        }
    }

    /// Ends one token only.
    pub(crate) fn end_token(&mut self, value: &str) {
        if let Some(token) = self.tokens.get_mut(value) {
            token.ended = true;
        }
    }

    /// Ends a grant and with it the whole family.
    pub(crate) fn end(&mut self, grant: GrantId) {
        self.grants[grant.0].ended = true;
    }

    /// Ends whatever an account allowed to a client. Returns how many grants that ended.
    pub(crate) fn end_all(&mut self, account: &str, client: &str) -> usize {
        let mut ended = 0;
        for grant in &mut self.grants {
            if grant.account == account && grant.client == client && !grant.ended {
                grant.ended = true;
                ended += 1;
            }
        }
        ended
    }

    /// Ends what an account allowed to a client in one of several scope parameters.
    pub(crate) fn end_kind(&mut self, account: &str, client: &str, kind: &str) {
        for grant in &mut self.grants {
            if grant.account == account && grant.client == client && grant.kind == kind {
                grant.ended = true;
            }
        }
    }

    /// Finds a token whatever its state, for revocation and introspection.
    pub(crate) fn find(&self, value: &str) -> Option<(TokenKind, GrantId)> {
        self.tokens.get(value).map(|token| (token.kind, token.grant))
    }

    pub(crate) fn is_live(&self, value: &str, now: i64) -> bool {
        self.tokens.get(value).is_some_and(|token| self.lives(token, now))
    }

    /// Whether a token was ended before its time, alone or with its grant.
    pub(crate) fn is_ended(&self, value: &str) -> bool {
        let ended = |token: &Token| token.ended || self.grants[token.grant.0].ended;
        self.tokens.get(value).is_some_and(ended)
    }

    /// What a live token stands for, without counting as its use.
    pub(crate) fn peek(&self, value: &str, now: i64) -> Option<Accepted> {
        let token = self.tokens.get(value)?;
        self.lives(token, now).then(|| Accepted {
            grant: token.grant,
            scopes: token.scopes.clone(),
            expires_at: token.expires_at,
        })
    }

    pub(crate) fn live(&self, now: i64) -> Vec<LiveToken> {
        let live = self.tokens.iter().filter(|(_, token)| self.lives(token, now));
        live.map(|(value, token)| {
            let grant = &self.grants[token.grant.0];
            LiveToken {
                account: grant.account.clone(),
                client: grant.client.clone(),
                expires_at: token.expires_at,
                kind: token.kind,
                scopes: token.scopes.clone(),
                value: value.clone(),
            }
        })
        .collect()
    }

    pub(crate) fn alarms(&self) -> &[ReuseAlarm] {
        &self.alarms
    }

    pub(crate) fn replays(&self) -> usize {
        self.replays
    }

    fn accept(&self, token: &Token, now: i64) -> Result<Accepted, Refused> {
        if token.ended || self.grants[token.grant.0].ended {
            return Err(Refused::Ended);
        }
        if token.expires_at.is_some_and(|at| now >= at) {
            return Err(Refused::Expired);
        }
        Ok(Accepted {
            grant: token.grant,
            scopes: token.scopes.clone(),
            expires_at: token.expires_at,
        })
    }

    fn lives(&self, token: &Token, now: i64) -> bool {
        let replaced = match token.replaced {
            None => false,
            Some(Replaced::Dead { .. }) => true,
            Some(Replaced::Until(until)) => now > until,
            Some(Replaced::UntilUsed(generation)) => {
                self.grants[token.grant.0].used.range(generation..).next().is_some()
            }
        };
        !replaced && self.accept(token, now).is_ok()
    }

    fn end_from(&mut self, grant: GrantId, generation: u64) {
        for token in self.tokens.values_mut() {
            if token.grant == grant && token.generation >= generation {
                token.ended = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_refresh_token() -> (Ledger, GrantId) {
        let mut ledger = Ledger::default();
        let code = Code {
            account: "ada".into(),
            client: "app".into(),
            scopes: vec!["a".into()],
            redirect_uri: "https://app.example/cb".into(),
            challenge: None,
            nonce: None,
            expires_at: 100,
            grants: Vec::new(),
            extras: Extras::default(),
        };
        ledger.keep_code("code".into(), code.clone());
        let grant = ledger.redeem("code", &code, 0);
        ledger.keep_token("r0".into(), TokenKind::Refresh, grant, vec!["a".into()], None);
        (ledger, grant)
    }

    fn rotate(ledger: &mut Ledger, grant: GrantId, style: RefreshStyle, from: &str, to: &str) {
        ledger.present_refresh(from, "app", 0).unwrap();
        ledger.replace(from, style, 0);
        ledger.next_generation(grant);
        ledger.keep_token(to.into(), TokenKind::Refresh, grant, vec!["a".into()], None);
        ledger.keep_token(format!("a-{to}"), TokenKind::Access, grant, vec!["a".into()], None);
    }

    #[test]
    fn a_strict_reuse_ends_the_family_and_is_reported() {
        let (mut ledger, grant) = with_refresh_token();
        rotate(&mut ledger, grant, RefreshStyle::Strict { kills_family: true }, "r0", "r1");
        assert!(ledger.is_live("r1", 0));
        assert_eq!(ledger.present_refresh("r0", "app", 5).unwrap_err(), Refused::Reused);
        assert!(!ledger.is_live("r1", 5));
        assert_eq!(ledger.alarms().len(), 1);
    }

    #[test]
    fn a_lost_replacement_can_be_had_again_until_it_was_used() {
        let (mut ledger, grant) = with_refresh_token();
        let style = RefreshStyle::UntilReplacementUsed;
        rotate(&mut ledger, grant, style, "r0", "r1");
        rotate(&mut ledger, grant, style, "r0", "r2");
        assert!(!ledger.is_live("r1", 0));
        ledger.present_access("a-r2", 0).unwrap();
        assert_eq!(ledger.present_refresh("r0", "app", 0).unwrap_err(), Refused::Reused);
        assert_eq!(ledger.alarms().len(), 1);
    }

    #[test]
    fn a_grace_window_closes_on_time() {
        let (mut ledger, grant) = with_refresh_token();
        rotate(&mut ledger, grant, RefreshStyle::Grace(Duration::from_secs(30)), "r0", "r1");
        assert!(ledger.present_refresh("r0", "app", 30).is_ok());
        assert_eq!(ledger.present_refresh("r0", "app", 31).unwrap_err(), Refused::Reused);
    }

    #[test]
    fn a_replayed_code_ends_the_tokens_of_its_first_use() {
        let (mut ledger, _) = with_refresh_token();
        assert_eq!(ledger.present_code("code", "app", 1).unwrap_err(), Refused::Reused);
        assert!(!ledger.is_live("r0", 1));
        assert_eq!(ledger.replays(), 1);
    }

    #[test]
    fn a_token_of_another_client_raises_no_alarm() {
        let (mut ledger, grant) = with_refresh_token();
        rotate(&mut ledger, grant, RefreshStyle::Strict { kills_family: true }, "r0", "r1");
        assert_eq!(ledger.present_refresh("r0", "other", 0).unwrap_err(), Refused::Foreign);
        assert!(ledger.is_live("r1", 0));
    }
}
