use super::issue::{Old, change_scopes, issue};
use super::{Dialect, Need, Problem, authenticate, parameters};
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::{GrantId, RefreshStyle, Refused};
use crate::message::{Answer, Parameters};

/// A refresh (RFC 6749 §6), or an access token exchanged for a newer one.
pub(super) fn refresh<D: Dialect>(
    dialect: &mut D,
    desk: &mut Desk,
    call: &Call<'_>,
) -> Result<Answer, Problem> {
    if let Some(done) = dialect.own_token_request(desk, call) {
        return done;
    }
    let facts = dialect.facts();
    let (client, parameters) = if facts.refresh_authenticates {
        let (client, parameters) = authenticate(dialect, desk, call)?;
        (Some(client.id), parameters)
    } else {
        (None, parameters(dialect, call)?)
    };
    dialect.check_token(call, &parameters)?;
    let presented =
        parameters.one(facts.refresh_parameter).ok_or(Problem::Missing(facts.refresh_parameter))?;
    let owner = desk.ledger.find(presented).map(|(_, grant)| grant);
    let owner = owner.ok_or(Problem::Refresh(Refused::Unknown))?;
    let client = client.unwrap_or_else(|| desk.ledger.grant(owner).client.clone());
    let narrowed = narrowed(dialect, desk, owner, &parameters)?;
    let accepted = if let RefreshStyle::SelfExtending { after, .. } = facts.refresh_style {
        if desk.ledger.grant(owner).client != client {
            return Err(Problem::Refresh(Refused::Foreign));
        }
        let accepted = desk.ledger.present_access(presented, call.now).map_err(Problem::Refresh)?;
        let needed = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
        if desk.ledger.age(presented, call.now).is_some_and(|age| age < needed) {
            return Err(Problem::TooYoung);
        }
        accepted
    } else {
        desk.ledger.present_refresh(presented, &client, call.now).map_err(Problem::Refresh)?
    };
    let grant = accepted.grant;
    let mut scopes = desk.ledger.grant(grant).scopes.clone();
    change_scopes(&mut scopes, call.fault);
    desk.ledger.set_scopes(grant, scopes);
    let old =
        Old::Refreshed { value: presented.to_owned(), expires_at: accepted.expires_at, narrowed };
    issue(dialect, desk, call, &[grant], &old)
}

/// The scopes that a refresh asks for; it cannot widen what was granted.
fn narrowed<D: Dialect>(
    dialect: &D,
    desk: &Desk,
    grant: GrantId,
    parameters: &Parameters,
) -> Result<Option<Vec<String>>, Problem> {
    let facts = dialect.facts();
    let wanted = parameters.one("scope").filter(|_| facts.refresh_scope != Need::Ignored);
    let Some(wanted) = wanted else { return Ok(None) };
    let wanted = facts.split(wanted);
    let granted = &desk.ledger.grant(grant).scopes;
    match wanted.iter().find(|scope| !granted.contains(scope)) {
        Some(scope) => Err(Problem::Scope(scope.clone())),
        None => Ok(Some(wanted)),
    }
}
