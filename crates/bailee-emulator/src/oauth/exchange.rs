use super::issue::{Old, change_scopes, issue};
use super::{Dialect, Need, Pkce, Problem, authenticate};
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::Code;
use crate::message::{Answer, Parameters};
use crate::mint::{base64url, sha256};

/// A code for tokens (RFC 6749 §4.1.3).
pub(super) fn exchange<D: Dialect>(
    dialect: &mut D,
    desk: &mut Desk,
    call: &Call<'_>,
) -> Result<Answer, Problem> {
    if let Some(done) = dialect.own_token_request(desk, call) {
        return done;
    }
    let facts = dialect.facts();
    let (client, parameters) = authenticate(dialect, desk, call)?;
    dialect.check_token(call, &parameters)?;
    match (facts.grant_type, parameters.one("grant_type")) {
        (_, Some(grant)) if grant == facts.code_grant => {}
        (Need::Ignored, _) | (Need::Optional, None) => {}
        (_, None) => return Err(Problem::Missing("grant_type")),
        (_, Some(_)) => return dialect.other_grant(desk, call, &client, &parameters),
    }
    let value = parameters.one("code").ok_or(Problem::Missing("code"))?;
    let mut code = desk.ledger.present_code(value, &client.id, call.now).map_err(Problem::Code)?;
    match (facts.redirect_at_token, parameters.one("redirect_uri")) {
        (Need::Ignored, _) => {}
        (_, Some(uri)) if uri == code.redirect_uri => {}
        (Need::Optional, None) => {}
        // Who named none at the authorization need not name one here (RFC 6749 §4.1.3).
        (_, None) if !code.extras.redirect_sent => {}
        _ => return Err(Problem::Redirect),
    }
    if facts.pkce != Pkce::Ignored {
        check_verifier(&code, &parameters)?;
    }
    change_scopes(&mut code.scopes, call.fault);
    if facts.ends_old_grants {
        desk.ledger.end_all(&code.account, &client.id);
    }
    let first = desk.ledger.redeem(value, &code, call.now);
    let mut grants = Vec::new();
    if !code.scopes.is_empty() || code.extras.more.is_empty() {
        desk.ledger.set_kind(first, facts.scope_parameters.first().copied().unwrap_or_default());
        grants.push(first);
    }
    for (kind, scopes) in &code.extras.more {
        grants.push(desk.ledger.beside(first, kind, scopes.clone()));
    }
    desk.ledger.set_code_grants(value, &grants);
    issue(dialect, desk, call, &grants, &Old::None)
}

/// RFC 7636 §4.6. A verifier without a challenge is refused too (RFC 9700 §4.8.2).
fn check_verifier(code: &Code, parameters: &Parameters) -> Result<(), Problem> {
    match (&code.challenge, parameters.one("code_verifier")) {
        (None, None) => Ok(()),
        (Some(challenge), Some(verifier)) if code.extras.plain && challenge == verifier => Ok(()),
        (Some(challenge), Some(verifier))
            if !code.extras.plain && *challenge == base64url(&sha256(verifier.as_bytes())) =>
        {
            Ok(())
        }
        _ => Err(Problem::Verifier),
    }
}
