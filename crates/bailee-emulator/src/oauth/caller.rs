use super::Problem;
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::{GrantId, Refused};
use crate::message::Incoming;
use crate::registration::Account;

/// Where a call carries its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `Authorization: Bearer` (RFC 6750 §2.1).
    Bearer,
    /// A header of the provider's own; `authorization` is one without a scheme.
    Header(&'static str),
    /// A parameter of the form, the JSON body or the query, for revocations.
    Parameter(&'static str),
    /// A parameter of the query.
    Query(&'static str),
}

impl Place {
    pub(crate) fn find(self, request: &Incoming) -> Option<String> {
        let json = |name| Some(request.json()?.get(name)?.as_str()?.to_owned());
        let query = |name| request.query().one(name).map(str::to_owned);
        match self {
            Self::Bearer => request.bearer().map(str::to_owned),
            Self::Header(name) => request.header(name).map(str::to_owned),
            Self::Parameter(name) => {
                let form = request.form().one(name).map(str::to_owned);
                form.or_else(|| json(name)).or_else(|| query(name))
            }
            Self::Query(name) => query(name),
        }
    }
}

/// Whose token a call came with.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) account: Account,
    /// Empty for a key that was issued outside OAuth.
    pub(crate) client: String,
    pub(crate) expires_at: Option<i64>,
    pub(crate) grant: GrantId,
    /// The scope parameter that the token came from.
    pub(crate) kind: &'static str,
    pub(crate) scopes: Vec<String>,
    pub(crate) token: String,
}

impl Caller {
    pub(crate) fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }

    /// Demands a scope.
    pub(crate) fn needs(&self, scope: &str) -> Result<(), Problem> {
        if self.may(scope) { Ok(()) } else { Err(Problem::Uncovered(scope.to_owned())) }
    }
}

/// Who calls, if the token is good. The first place that has one counts.
pub(crate) fn caller(
    desk: &mut Desk,
    call: &Call<'_>,
    places: &[Place],
) -> Result<Caller, Problem> {
    let token = places.iter().find_map(|place| place.find(call.request));
    let token = token.ok_or(Problem::TokenMissing)?;
    let accepted = desk.ledger.present_access(&token, call.now).map_err(Problem::Token)?;
    let grant = desk.ledger.grant(accepted.grant).clone();
    let account = desk.account(&grant.account).ok_or(Problem::Token(Refused::Ended))?;
    Ok(Caller {
        account: account.clone(),
        client: grant.client,
        expires_at: accepted.expires_at,
        grant: accepted.grant,
        kind: grant.kind,
        scopes: accepted.scopes,
        token,
    })
}
