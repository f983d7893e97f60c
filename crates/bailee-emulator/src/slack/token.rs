use serde_json::{Value, json};

use super::{BOT_USER, Slack, USER_SCOPE, home, user_id};
use crate::desk::Desk;
use crate::oauth::{Dialect as _, Issued};
use crate::token_answer::TokenAnswer;

/// The answer of `oauth.v2.access`: the bot's tokens at the top, the person's in `authed_user`; after
/// a refresh either of them at the top.
pub(super) fn answer(slack: &Slack, desk: &mut Desk, issued: &Issued) -> TokenAnswer {
    let (facts, home) = (slack.facts(), home(&issued.account));
    let mut answer = TokenAnswer::default();
    answer.add("ok", true);
    let mut person = TokenAnswer::default();
    person.add("id", user_id(&issued.account));
    for credential in &issued.credentials {
        if credential.kind != USER_SCOPE {
            credential.write(&facts, &mut answer);
            answer.add("token_type", "bot");
            answer.add("bot_user_id", BOT_USER);
        } else if issued.first || slack.nested_refresh {
            credential.write(&facts, &mut person);
            person.add("token_type", "user");
        } else {
            credential.write(&facts, &mut answer);
            answer.add("token_type", "user");
        }
    }
    answer.add("app_id", "A0EXAMPLE");
    answer.add("team", home.team);
    answer.add("enterprise", home.enterprise);
    answer.add("is_enterprise_install", home.org_wide);
    if issued.first || slack.nested_refresh {
        answer.add_object("authed_user", person);
    }
    if issued.first && slack.incoming_webhook {
        // Whoever has this address can post.
        let secret = desk.issue("https://hooks.slack.com/services/T0EXAMPLE/B0EXAMPLE/");
        let webhook: Value = json!({
            "channel": "#general",
            "channel_id": "C0GENERAL",
            "configuration_url": "https://example-workspace.slack.com/services/B0EXAMPLE",
            "url": secret,
        });
        answer.add("incoming_webhook", webhook);
    }
    answer
}
