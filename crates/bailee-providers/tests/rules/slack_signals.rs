use bailee_core::{Timestamp, WithdrawalReason};
use bailee_providers::{
    Context, GrantFacts, Provider,
    signal::{Reading, Reply, What},
    slack::{BOT, Slack, USER},
};

use crate::delivery::{Sent, hmac_hex, refuses_what_is_not_signed, told};
use crate::support::{NOW, drive, json, registration};

const SECRET: &str = "test-signing-secret";
const TIME: &str = "x-slack-request-timestamp";
const SIGNATURE: &str = "x-slack-signature";
const REVOKED: &str = r#"{"token":"fake-old-token","team_id":"T1","api_app_id":"A1","event":{"type":"tokens_revoked","tokens":{"oauth":["U1","U2"],"bot":["UB"]},"event_ts":"1700000000.000100"},"type":"event_callback","event_id":"Ev1","event_time":1700000000}"#;
const UNINSTALLED: &str = r#"{"team_id":"T1","enterprise_id":"E1","api_app_id":"A1","event":{"type":"app_uninstalled"},"type":"event_callback","event_id":"Ev2","event_time":1700000000,"authorizations":[{"enterprise_id":"E1","team_id":"T1","is_bot":true,"is_enterprise_install":false}]}"#;

fn signed(body: &str) -> Sent {
    let signature = format!("v0={}", hmac_hex(SECRET, &format!("v0:1700000000:{body}")));
    Sent::new(&[(SIGNATURE, &signature), (TIME, "1700000000")], body)
}

fn read(body: &str) -> Result<Reading, &'static str> {
    signed(body).taken_by(&Slack::new(), SECRET)
}

fn ended(credential: bailee_core::CredentialName) -> What {
    let mut what = What::withdrawn(WithdrawalReason::TokensRevoked);
    if let What::Withdrawn { credential: about, .. } = &mut what {
        *about = Some(credential);
    }
    what
}

#[test]
fn hook_01_requests_are_proved_as_the_published_vector_says() {
    // A command, which is a form and so nothing that is read here.
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow\
        &channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner\
        &command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands\
        %2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
        &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let tag = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    let sent = Sent::new(&[("X-Slack-Signature", tag), (TIME, "1531420618")], body);
    let sent = Sent { now: 1_531_420_618, ..sent };
    let secret = "8f742231b10e8888abcd99yyyzzz85a5";
    assert_eq!(sent.taken_by(&Slack::new(), secret).unwrap_err(), "malformed");
    assert_eq!(sent.taken_by(&Slack::new(), SECRET).unwrap_err(), "forged");

    let body = r#"{"type":"event_callback","team_id":"T0TEST","event":{"type":"tokens_revoked","tokens":{"oauth":["U0TEST"],"bot":[]}}}"#;
    let tag = "v0=2f8fc97cb7dfd6a047885812547f0f866974ea28e82987b4f3e92c982be0b19d";
    let sent = Sent::new(&[("X-Slack-Signature", tag), (TIME, "1700000000")], body);
    let reading = sent.taken_by(&Slack::new(), SECRET).unwrap();
    assert_eq!(told(&reading), [("team_user_id=T0TEST:U0TEST".to_owned(), ended(USER))]);
    refuses_what_is_not_signed(&Slack::new(), SECRET, &sent, SIGNATURE);
    refuses_what_is_not_signed(&Slack::new(), SECRET, &signed(REVOKED), SIGNATURE);
}

#[test]
fn hook_02_a_request_is_five_minutes_away_at_most() {
    let at = |now| Sent { now, ..signed(REVOKED) }.taken_by(&Slack::new(), SECRET);
    assert!(at(1_700_000_300).is_ok() && at(1_699_999_700).is_ok());
    assert_eq!(at(1_700_000_301).unwrap_err(), "stale");
    assert_eq!(at(1_699_999_699).unwrap_err(), "stale");
    let timeless = signed(REVOKED).without(TIME);
    assert_eq!(timeless.taken_by(&Slack::new(), SECRET).unwrap_err(), "unsigned");
    let moved = timeless.with(TIME, "1700000001");
    assert_eq!(moved.taken_by(&Slack::new(), SECRET).unwrap_err(), "forged");
}

#[test]
fn people_lose_their_tokens_and_of_the_bot_s_it_is_asked_which() {
    let reading = read(REVOKED).unwrap();
    let expected = [
        ("team_user_id=T1:U1".to_owned(), ended(USER)),
        ("team_user_id=T1:U2".to_owned(), ended(USER)),
        ("team_id=T1".to_owned(), ended(BOT)),
    ];
    assert_eq!(told(&reading), expected);
    let time = Some(Timestamp::from_seconds(1_700_000_000));
    let times: Vec<_> = reading.signals.iter().map(|signal| signal.at).collect();
    assert_eq!(times, [time, time, None]);
    assert_eq!(reading.id, read(REVOKED).unwrap().id);
    assert_ne!(reading.id, read(&REVOKED.replace("Ev1", "Ev3")).unwrap().id);
    for tokens in ["{}", r#"{"oauth":null,"bot":[]}"#] {
        let body = REVOKED.replace(r#"{"oauth":["U1","U2"],"bot":["UB"]}"#, tokens);
        assert_eq!(read(&body).unwrap().signals, [], "{tokens}");
    }
    let odd = REVOKED.replace(r#"["U1","U2"]"#, r#"[{"id":"U1"}]"#);
    assert_eq!(read(&odd).unwrap_err(), "malformed");
}

#[test]
fn an_application_that_was_removed_is_over_for_the_workspace() {
    let gone = What::withdrawn(WithdrawalReason::AccessRemoved);
    let reading = read(UNINSTALLED).unwrap();
    assert_eq!(told(&reading), [("team_id=T1".to_owned(), gone.clone())]);
    assert_eq!(reading.reply, Reply::Status(http::StatusCode::OK));

    let wide = UNINSTALLED.replace(r#"enterprise_install":false"#, r#"enterprise_install":true"#);
    assert_eq!(told(&read(&wide).unwrap()), [("team_id=E1".to_owned(), gone.clone())]);
    // What it does not say of the organisation is asked.
    let end = UNINSTALLED.find(r#","authorizations"#).unwrap();
    let silent = format!("{}}}", &UNINSTALLED[..end]);
    let expected =
        [("team_id=T1".to_owned(), gone.clone()), ("team_id=E1".to_owned(), What::Check)];
    assert_eq!(told(&read(&silent).unwrap()), expected);
    let alone = silent.replace(r#""team_id":"T1","#, "");
    assert_eq!(told(&read(&alone).unwrap()), [("team_id=E1".to_owned(), gone)]);
    let nowhere = alone.replace(r#""enterprise_id":"E1","#, "");
    assert_eq!(read(&nowhere).unwrap_err(), "malformed");
}

#[test]
fn other_events_say_nothing_and_are_accepted() {
    for body in [
        REVOKED.replace("tokens_revoked", "user_change"),
        r#"{"type":"app_rate_limited","team_id":"T1"}"#.to_owned(),
        "{}".to_owned(),
    ] {
        let reading = read(&body).unwrap();
        assert_eq!(reading.signals, [], "{body}");
        assert_eq!(reading.reply, Reply::Status(http::StatusCode::OK));
    }
}

#[test]
fn a_challenge_is_repeated_after_its_proof_and_only_where_it_is_one() {
    let asks = |challenge: &str| {
        format!(
            r#"{{"token":"fake-old-token","challenge":"{challenge}","type":"url_verification"}}"#
        )
    };
    let challenge = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"; // an example
    let sent = signed(&asks(challenge));
    assert_eq!(
        sent.taken_by(&Slack::new(), SECRET).unwrap().reply,
        Reply::Text(challenge.to_owned())
    );
    assert_eq!(sent.taken_by(&Slack::new(), "another").unwrap_err(), "forged");
    for bad in ["", "<b>", "a b", "a\\u0000", &"a".repeat(257)] {
        assert_eq!(read(&asks(bad)).unwrap_err(), "malformed", "{bad}");
    }
}

#[test]
fn a_connection_is_known_under_its_workspace_too() {
    let (slack, registration) = (Slack::new(), registration("slack"));
    let cx = Context::new(slack.spec(), &registration, NOW);
    let exchanged = |body: &str| {
        let ask = bailee_providers::ExchangeAsk { redirect_uri: "https://a.example", pkce: false };
        let (_, grant) = drive(&mut *slack.exchange(&cx, &ask), vec![json(200, body)]);
        let facts: GrantFacts = grant.unwrap().facts(&[]);
        drive(&mut *slack.identity(&cx, &facts, None, None), Vec::new()).1.unwrap()
    };
    let token = |team: &str, enterprise: &str| {
        format!(
            r#"{{"ok":true,"access_token":"fake-xoxb","token_type":"bot","scope":"chat:write",
            "team":{team},"enterprise":{enterprise},"authed_user":{{"id":"U1"}}}}"#
        )
    };
    for (team, enterprise, place, name) in [
        (r#"{"id":"T1","name":"Works"}"#, "null", "T1", "Works"),
        (r#"{"id":"T1","name":"Works"}"#, r#"{"id":"E1","name":"Org"}"#, "T1", "Works"),
        ("null", r#"{"id":"E1","name":"Org"}"#, "E1", "Org"),
    ] {
        let account = exchanged(&token(team, enterprise));
        assert_eq!(account.id.value(), format!("{place}:U1"));
        let also: Vec<_> = account.also.iter().map(|id| (id.kind(), id.value())).collect();
        assert_eq!(also, [("team_id", place)]);
        assert_eq!(account.display.as_deref(), Some(name));
    }
}
