use super::{Dialect, Place, Problem, authenticate, parameters};
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::{GrantId, Refused, TokenKind};

/// How a provider's revocation is: where the token comes, which it takes, what ends.
#[derive(Clone, Debug)]
pub(crate) struct Revocation {
    pub(crate) place: Place,
    /// Whether the client authenticates; otherwise the token proves itself.
    pub(crate) authenticates: bool,
    pub(crate) takes: Takes,
    /// Whether an expired token still does.
    pub(crate) takes_expired: bool,
    /// Whether an unknown token counts as revoked (RFC 7009 §2.2).
    pub(crate) unknown_is_revoked: bool,
    pub(crate) access_ends: Ends,
    pub(crate) refresh_ends: Ends,
}

/// The tokens that can be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    Access,
    Either,
    Refresh,
}

/// What a revocation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// Everything between the account and the client.
    Everything,
    /// The grant that the token came from, with all its tokens.
    Grant,
    /// The token.
    Token,
}

impl Revocation {
    pub(crate) fn rfc7009() -> Self {
        Self {
            place: Place::Parameter("token"),
            authenticates: true,
            takes: Takes::Either,
            takes_expired: true,
            unknown_is_revoked: true,
            access_ends: Ends::Token,
            refresh_ends: Ends::Grant,
        }
    }
}

/// Revokes a token. The grant that it came from is for providers that need to know, `None` when
/// there was nothing to revoke.
pub(crate) fn revoke<D: Dialect>(
    dialect: &D,
    desk: &mut Desk,
    call: &Call<'_>,
    how: &Revocation,
) -> Result<Option<GrantId>, Problem> {
    let client = match how.authenticates {
        true => Some(authenticate(dialect, desk, call)?.0),
        false => None,
    };
    let token = match how.place {
        Place::Parameter(name) => {
            let parameters = parameters(dialect, call)?;
            parameters.one(name).ok_or(Problem::Missing(name))?.to_owned()
        }
        place => place.find(call.request).ok_or(Problem::TokenMissing)?,
    };
    let found = desk.ledger.find(&token).filter(|(_, grant)| {
        let owner = &desk.ledger.grant(*grant).client;
        client.as_ref().is_none_or(|client| *owner == client.id)
    });
    let Some((kind, grant)) = found else {
        return if how.unknown_is_revoked {
            Ok(None)
        } else {
            Err(Problem::Token(Refused::Unknown))
        };
    };
    let (taken, ends) = match kind {
        TokenKind::Access => (how.takes != Takes::Refresh, how.access_ends),
        TokenKind::Refresh => (how.takes != Takes::Access, how.refresh_ends),
    };
    if !taken {
        return Err(Problem::Value("token"));
    }
    if !how.takes_expired && !desk.ledger.is_live(&token, call.now) {
        return Err(Problem::Token(Refused::Expired));
    }
    end(desk, &token, grant, ends);
    Ok(Some(grant))
}

fn end(desk: &mut Desk, token: &str, grant: GrantId, ends: Ends) {
    match ends {
        Ends::Everything => {
            let owner = desk.ledger.grant(grant).clone();
            desk.ledger.end_all(&owner.account, &owner.client);
        }
        Ends::Grant => desk.ledger.end(grant),
        Ends::Token => desk.ledger.end_token(token),
    }
}
