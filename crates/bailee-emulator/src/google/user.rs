use serde_json::{Value, json};

use super::{Google, WEB_HOST};
use crate::desk::Desk;
use crate::message::Answer;
use crate::mint::{base64url, sha256};
use crate::oauth::{Caller, Credential, Issued, Problem};
use crate::oidc::SigningAlgorithm;
use crate::registration::Account;

/// User info (OpenID Connect Core §5.3).
pub(super) fn info(caller: &Caller) -> Result<Answer, Problem> {
    caller.needs("openid")?;
    Ok(Answer::json(200, &claims(&caller.account, &caller.scopes)))
}

/// An ID token. One that comes with a refresh has no nonce.
pub(super) fn id_token(
    google: &Google,
    desk: &mut Desk,
    issued: &Issued,
    credential: &Credential,
) -> String {
    let mut claims = claims(&issued.account, &credential.scopes);
    let issuer = if google.short_issuer { "" } else { "https://" };
    claims["iss"] = json!(format!("{issuer}{WEB_HOST}"));
    claims["aud"] = json!(issued.client.id);
    claims["azp"] = json!(issued.client.id);
    claims["iat"] = json!(issued.now);
    claims["exp"] = json!(issued.now + 3600);
    claims["at_hash"] = json!(base64url(&sha256(credential.access.as_bytes())[..16]));
    if let Some(nonce) = issued.nonce.as_ref().filter(|_| issued.first) {
        claims["nonce"] = json!(nonce);
    }
    desk.keys.token(SigningAlgorithm::Rs256, google.id_token_flaw, claims)
}

fn claims(account: &Account, scopes: &[String]) -> Value {
    let has = |wanted: &str| scopes.iter().any(|scope| scope.ends_with(wanted));
    let mut claims = json!({"sub": subject(account)});
    if has("email") {
        claims["email"] = json!(account.email);
        claims["email_verified"] = json!(true);
    }
    if has("profile") {
        claims["name"] = json!(account.display_name);
        claims["given_name"] = json!(account.display_name);
        claims["picture"] = json!("https://lh3.googleusercontent.com/a/fake");
    }
    if let Some(domain) = account.facts.get("hd").filter(|_| has("email")) {
        claims["hd"] = domain.clone();
    }
    claims
}

/// The person's id: digits, the same for all clients.
pub(super) fn subject(account: &Account) -> String {
    let digest = sha256(format!("google user {}", account.id).as_bytes());
    let digits = digest.iter().take(20).map(|byte| char::from(b'0' + byte % 10));
    format!("1{}", digits.collect::<String>())
}
