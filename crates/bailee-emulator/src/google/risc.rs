//! Cross-Account Protection (<https://developers.google.com/identity/protocols/risc>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA512, digest};
use serde_json::{Map, Value, json};

use super::{Google, WEB_HOST, user};
use crate::Misuse;
use crate::announcement::{Announcement, News};
use crate::desk::Desk;
use crate::message::Answer;
use crate::mint::{hex, random, sha256};
use crate::oidc::SigningAlgorithm;

/// The document that names issuer and keys.
pub(super) fn configuration() -> Answer {
    let document = json!({
        "issuer": format!("https://{WEB_HOST}/"),
        "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs",
        "delivery_methods_supported": [
            "https://schemas.openid.net/secevent/risc/delivery-method/push",
        ],
        "configuration_endpoint": "https://risc.googleapis.com/v1beta/stream",
        "status_endpoint": "https://risc.googleapis.com/v1beta/stream/status",
        "add_subject_endpoint": "https://risc.googleapis.com/v1beta/stream/subjects:add",
        "remove_subject_endpoint": "https://risc.googleapis.com/v1beta/stream/subjects:remove",
        "verification_endpoint": "https://risc.googleapis.com/v1beta/stream:verify",
    });
    Answer::json(200, &document).with("cache-control", "public, max-age=3600")
}

/// A Security Event Token of one event, by its name with its standard
/// (`oauth/event-type/tokens-revoked`) or without.
pub(super) fn announce(
    play: &Google,
    desk: &mut Desk,
    news: &News<'_>,
) -> Result<Announcement, Misuse> {
    let named = |name: &&&str| **name == news.event || name.ends_with(&format!("/{}", news.event));
    let name = *EVENTS.iter().find(named).ok_or_else(|| news.unknown())?;
    let mut payload = Map::new();
    match name {
        VERIFICATION => {
            payload.insert("state".into(), json!(random::<12>()));
        }
        TOKEN_REVOKED => {
            let account = news.account()?;
            let living = desk.ledger.refresh_tokens(&account.id, &news.client.id, news.now);
            let token = living.last().ok_or(Misuse::Announcement("there is no refresh token"))?;
            payload.insert("subject".into(), of_token(play, token));
            if let Some((_, grant)) = desk.ledger.find(token) {
                desk.ledger.end(grant);
            }
        }
        _ => {
            let account = news.account()?;
            let mut subject = json!({
                "subject_type": play.risc_subject,
                "iss": format!("https://{WEB_HOST}/"),
                "sub": user::subject(account),
            });
            if play.risc_subject == "id_token_claims" {
                subject["email"] = json!(account.email);
            }
            payload.insert("subject".into(), subject);
            if let Some(reason) = play.disabled_reason.filter(|_| name == ACCOUNT_DISABLED) {
                payload.insert("reason".into(), json!(reason));
            }
            if [TOKENS_REVOKED, ACCOUNT_PURGED].contains(&name) {
                desk.ledger.end_all(&account.id, &news.client.id);
            }
        }
    }
    let client = &news.client.id;
    let audience = if play.risc_audiences {
        json!(["another-client-of-the-project.apps.googleusercontent.com", client])
    } else {
        json!(client)
    };
    let mut events = Map::new();
    events.insert(format!("https://schemas.openid.net/secevent/{name}"), Value::Object(payload));
    let claims = json!({
        "iss": format!("https://{WEB_HOST}/"),
        "aud": audience,
        "iat": news.now,
        "jti": hex(&sha256(random::<16>().as_bytes())[..16]).to_uppercase(),
        "events": events,
    });
    let token = desk.keys.token(SigningAlgorithm::Rs256, play.risc_flaw, claims);
    Ok(news.post("application/secevent+jwt", token).with("Accept", "application/json"))
}

fn of_token(play: &Google, token: &str) -> Value {
    let value = match play.risc_token_identifier {
        "prefix" => token.chars().take(16).collect(),
        _ => STANDARD.encode(digest(&SHA512, digest(&SHA512, token.as_bytes()).as_ref())),
    };
    json!({
        "subject_type": "oauth_token",
        "token_type": "refresh_token",
        "token_identifier_alg": play.risc_token_identifier,
        "token": value,
    })
}

const ACCOUNT_DISABLED: &str = "risc/event-type/account-disabled";
const ACCOUNT_PURGED: &str = "risc/event-type/account-purged";
const TOKEN_REVOKED: &str = "oauth/event-type/token-revoked";
const TOKENS_REVOKED: &str = "oauth/event-type/tokens-revoked";
const VERIFICATION: &str = "risc/event-type/verification";

/// `account-purged` is not on Google's page; the standard has it.
const EVENTS: &[&str] = &[
    TOKEN_REVOKED,
    TOKENS_REVOKED,
    "risc/event-type/account-credential-change-required",
    ACCOUNT_DISABLED,
    "risc/event-type/account-enabled",
    ACCOUNT_PURGED,
    "risc/event-type/sessions-revoked",
    VERIFICATION,
];
