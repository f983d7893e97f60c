use super::{Dialect, Facts, Problem, ScopeAnswer};
use crate::call::Call;
use crate::desk::Desk;
use crate::fault::Fault;
use crate::ledger::{Extras, GrantId, RefreshStyle, Refused, TokenKind};
use crate::message::Answer;
use crate::registration::{Account, Client};
use crate::token_answer::TokenAnswer;

/// What a token answer is made of.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) account: Account,
    pub(crate) client: Client,
    /// One, or one for each scope parameter that was used.
    pub(crate) credentials: Vec<Credential>,
    /// What the authorization carried beyond RFC 6749.
    pub(crate) extras: Extras,
    /// Whether a code was exchanged; otherwise it is a refresh.
    pub(crate) first: bool,
    pub(crate) nonce: Option<String>,
    pub(crate) now: i64,
}

/// An access token and what belongs to it.
#[derive(Clone, Debug)]
pub(crate) struct Credential {
    pub(crate) access: String,
    pub(crate) expires_in: Option<i64>,
    /// The scope parameter that it came from.
    pub(crate) kind: &'static str,
    pub(crate) refresh: Option<String>,
    pub(crate) refresh_expires_in: Option<i64>,
    pub(crate) scopes: Vec<String>,
}

impl Issued {
    /// The answer of RFC 6749 §5.1 with the first credential, as the facts shape it.
    pub(crate) fn flat(&self, facts: &Facts) -> TokenAnswer {
        let mut answer = TokenAnswer::default();
        if let Some(credential) = self.credentials.first() {
            credential.write(facts, &mut answer);
        }
        answer
    }
}

impl Credential {
    /// Adds the members of RFC 6749 §5.1, as the facts shape them.
    pub(crate) fn write(&self, facts: &Facts, answer: &mut TokenAnswer) {
        answer.add("access_token", self.access.as_str());
        if let Some(token_type) = facts.token_type {
            answer.add("token_type", token_type);
        }
        if let Some(expires_in) = self.expires_in.filter(|_| facts.says_expiry) {
            answer.add("expires_in", expires_in);
        }
        if let Some(refresh) = &self.refresh {
            answer.add("refresh_token", refresh.as_str());
            if let (Some(name), Some(left)) = (facts.refresh_expiry, self.refresh_expires_in) {
                answer.add(name, left);
            }
        }
        match facts.scope_answer {
            ScopeAnswer::Absent => {}
            ScopeAnswer::Array => answer.add(facts.scope_member, self.scopes.clone()),
            ScopeAnswer::Joined(between) => {
                answer.add(facts.scope_member, self.scopes.join(between));
            }
        }
    }
}

/// What tokens are issued for.
#[derive(Debug)]
pub(crate) enum Old {
    /// A code.
    None,
    /// An earlier token.
    Refreshed { value: String, expires_at: Option<i64>, narrowed: Option<Vec<String>> },
}

/// Issues tokens for grants of one account and client, and writes the answer.
pub(crate) fn issue<D: Dialect>(
    dialect: &D,
    desk: &mut Desk,
    call: &Call<'_>,
    grants: &[GrantId],
    old: &Old,
) -> Result<Answer, Problem> {
    let facts = dialect.facts();
    // An account that is gone has nothing to give.
    let gone = Problem::Refresh(Refused::Ended);
    let Some(owner) = grants.first().map(|grant| desk.ledger.grant(*grant).clone()) else {
        return Err(gone);
    };
    let account = desk.account(&owner.account).cloned();
    let (Some(account), Some(client)) = (account, desk.clients.get(&owner.client).cloned()) else {
        return Err(gone);
    };
    let credentials =
        grants.iter().map(|grant| credential(dialect, desk, call, *grant, old)).collect();
    let issued = Issued {
        account,
        client,
        credentials,
        extras: owner.extras,
        first: matches!(old, Old::None),
        nonce: owner.nonce,
        now: call.now,
    };
    let answer = dialect.token_answer(desk, &issued);
    Ok(answer.render_as(dialect.encoding(call), facts.token_status, call.fault))
}

fn credential<D: Dialect>(
    dialect: &D,
    desk: &mut Desk,
    call: &Call<'_>,
    grant: GrantId,
    old: &Old,
) -> Credential {
    let (facts, now) = (dialect.facts(), call.now);
    let style = facts.refresh_style;
    let withheld = matches!(call.fault, Some(Fault::NoRefreshToken))
        || !dialect.gives_refresh(desk.ledger.grant(grant));
    if let Old::Refreshed { value, .. } = old
        && !withheld
    {
        if let RefreshStyle::SelfExtending { ends_old: true, .. } = style {
            desk.ledger.end_token(value);
        }
        desk.ledger.replace(value, style, now);
    }
    if facts.ends_old_access {
        desk.ledger.end_access_tokens(grant);
    }
    if let Some(lives) = facts.old_access_lives {
        desk.ledger.shorten_access(grant, now.saturating_add(lives));
    }
    desk.ledger.next_generation(grant);
    let owner = desk.ledger.grant(grant).clone();
    let scopes = match old {
        Old::Refreshed { narrowed: Some(narrowed), .. } => narrowed.clone(),
        _ => owner.scopes.clone(),
    };
    let access = dialect.mint(desk, TokenKind::Access, &owner);
    desk.issued(&access);
    let first = matches!(old, Old::None);
    let lifetime = dialect.lifetime(TokenKind::Access, &owner, first);
    let until = lifetime.map(|lifetime| now.saturating_add(lifetime));
    desk.ledger.keep_token(access.clone(), TokenKind::Access, grant, scopes.clone(), until);
    desk.ledger.date(&access, now);
    let refresh_until = match old {
        Old::Refreshed { expires_at, .. } if !facts.refresh_lifetime_restarts => *expires_at,
        _ => dialect
            .lifetime(TokenKind::Refresh, &owner, first)
            .map(|lifetime| now.saturating_add(lifetime)),
    };
    let refresh = match (style, old) {
        _ if withheld => None,
        (RefreshStyle::None | RefreshStyle::SelfExtending { .. }, _) => None,
        (RefreshStyle::Stable { echoed }, Old::Refreshed { value, .. }) => {
            echoed.then(|| value.clone())
        }
        _ => {
            let refresh = dialect.mint(desk, TokenKind::Refresh, &owner);
            desk.issued(&refresh);
            let all = owner.scopes.clone();
            desk.ledger.keep_token(refresh.clone(), TokenKind::Refresh, grant, all, refresh_until);
            Some(refresh)
        }
    };
    Credential {
        access,
        expires_in: lifetime,
        kind: owner.kind,
        refresh,
        refresh_expires_in: refresh_until.map(|until| until - now),
        scopes,
    }
}

/// The faults that change what is granted.
pub(super) fn change_scopes(scopes: &mut Vec<String>, fault: Option<&Fault>) {
    match fault {
        Some(Fault::ScopeGrow(scope)) => scopes.push(scope.clone()),
        Some(Fault::ScopeLost(scope)) => scopes.retain(|granted| granted != scope),
        Some(Fault::ScopeShrink) => {
            scopes.pop();
        }
        _ => {}
    }
}
