//! The Events API (<https://docs.slack.dev/apis/events-api/>).

use serde_json::{Map, Value, json};

use super::{BOT_USER, Slack, USER_SCOPE, fact, is_org_wide, place, user_id};
use crate::Misuse;
use crate::announcement::{Announcement, News, hmac_hex, object};
use crate::desk::Desk;
use crate::mint::{hex, random, sha256};
use crate::registration::Account;

/// Whose tokens a `tokens_revoked` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revoked {
    /// The bot's and the person's.
    Both,
    /// The bot's alone.
    Bot,
    /// The person's alone.
    Person,
}

/// `url_verification`, when an address is set; `tokens_revoked`; `app_uninstalled`, when the
/// application is removed from the workspace. All are signed with the signing secret.
pub(super) fn announce(
    play: &Slack,
    desk: &mut Desk,
    news: &News<'_>,
) -> Result<Announcement, Misuse> {
    let secret = news.signal_secret()?;
    let token = hex(&sha256(news.client.id.as_bytes())[..12]);
    let body = match news.event {
        "url_verification" => object([
            ("token", json!(token)),
            ("challenge", json!(hex(&sha256(random::<16>().as_bytes())))),
            ("type", json!("url_verification")),
        ]),
        "tokens_revoked" => {
            let account = news.account()?;
            let (mut people, mut bots) = (Vec::new(), Vec::new());
            if play.revoked != Revoked::Bot {
                desk.ledger.end_kind(&account.id, &news.client.id, USER_SCOPE);
                people.push(user_id(account));
            }
            if play.revoked != Revoked::Person {
                let others = if play.one_bot { beside(desk, account) } else { Vec::new() };
                for known in others.iter().chain([&account.id]) {
                    desk.ledger.end_kind(known, &news.client.id, "scope");
                }
                bots.push(BOT_USER);
            }
            let event = json!({"type": "tokens_revoked", "tokens": {"oauth": people, "bot": bots}});
            callback(play, news, account, &token, event)
        }
        "app_uninstalled" => {
            let account = news.account()?;
            for known in beside(desk, account).iter().chain([&account.id]) {
                desk.ledger.end_all(known, &news.client.id);
            }
            callback(play, news, account, &token, json!({"type": "app_uninstalled"}))
        }
        _ => return Err(news.unknown()),
    };
    let signed = hmac_hex(secret, format!("v0:{}:{body}", news.now).as_bytes());
    Ok(news
        .post("application/json", body)
        .with("X-Slack-Request-Timestamp", news.now.to_string())
        .with("X-Slack-Signature", format!("v0={signed}")))
}

/// The wrapper that all events share. The verification token at its front is of old.
fn callback(play: &Slack, news: &News<'_>, account: &Account, token: &str, event: Value) -> String {
    let team = json!(fact(account, "team_id").unwrap_or("T0EXAMPLE"));
    let org_wide = is_org_wide(account);
    let organisation = fact(account, "enterprise_id").or(org_wide.then_some("E0EXAMPLE"));
    let mut members = vec![("token", json!(token)), ("team_id", team.clone())];
    members.extend(organisation.map(|id| ("enterprise_id", json!(id))));
    members.extend([
        ("api_app_id", json!("A0EXAMPLE")),
        ("event", event),
        ("type", json!("event_callback")),
        ("event_id", json!(format!("Ev{}", random::<9>()))),
        ("event_time", json!(news.now)),
    ]);
    if play.names_authorizations {
        let mut authorization = Map::new();
        authorization.insert("enterprise_id".into(), json!(organisation));
        authorization.insert("team_id".into(), if org_wide { Value::Null } else { team });
        authorization.insert("user_id".into(), json!(user_id(account)));
        authorization.insert("is_bot".into(), json!(false));
        authorization.insert("is_enterprise_install".into(), json!(org_wide));
        members.push(("authorizations", json!([authorization])));
    }
    object(members)
}

/// The others for whom the application is installed in the same place.
fn beside(desk: &Desk, account: &Account) -> Vec<String> {
    let others = desk.accounts.iter().filter(|other| other.id != account.id);
    let there = others.filter(|other| place(other) == place(account));
    there.map(|other| other.id.clone()).collect()
}
