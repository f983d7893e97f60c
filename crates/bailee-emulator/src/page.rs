use std::fmt::Write as _;

use crate::message::Answer;
use crate::registration::{Account, Client};

/// The authorization page: who asks, for what, and with which account.
pub(crate) fn consent(
    provider: &str,
    action: &str,
    ticket: &str,
    client: &Client,
    accounts: &[Account],
    scopes: &[String],
    granular: bool,
) -> Answer {
    let mut people = String::new();
    for (at, account) in accounts.iter().enumerate() {
        let checked = if at == 0 { " checked" } else { "" };
        let _ = writeln!(
            people,
            "<label><input type=\"radio\" name=\"account\" value=\"{}\"{checked}> {}</label><br>",
            escape(&account.id),
            escape(&account.display_name),
        );
    }
    let mut wanted = String::new();
    for scope in scopes {
        let scope = escape(scope);
        if !granular {
            let _ = writeln!(wanted, "{scope}<br>");
            continue;
        }
        let _ = writeln!(
            wanted,
            "<label><input type=\"checkbox\" name=\"scope\" value=\"{scope}\" checked> {scope}\
             </label><br>",
        );
    }
    let name = escape(&client.name);
    let provider = escape(provider);
    let body = format!(
        "<h1>{name} would like to use your {provider} account</h1>\n\
         <form method=\"post\" action=\"{action}\">\n\
         <input type=\"hidden\" name=\"ticket\" value=\"{ticket}\">\n\
         <fieldset><legend>Account</legend>\n{people}</fieldset>\n\
         <fieldset><legend>{name} may</legend>\n{wanted}</fieldset>\n\
         <button name=\"decision\" value=\"allow\">Allow</button>\n\
         <button name=\"decision\" value=\"deny\">Deny</button>\n</form>\n",
        action = escape(action),
        ticket = escape(ticket),
    );
    Answer::html(200, document(&format!("{provider}: allow {name}?"), &body))
}

/// A page whose form goes to the client by itself (OAuth 2.0 Form Post Response Mode §2).
pub(crate) fn form_post(action: &str, pairs: &[(&str, &str)]) -> Answer {
    let mut body = format!("<form method=\"post\" action=\"{}\">\n", escape(action));
    for (name, value) in pairs {
        let (name, value) = (escape(name), escape(value));
        let _ = writeln!(body, "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
    }
    // A script of the page's own: `onload` or a link would need more of the policy.
    body.push_str("</form>\n<script>document.forms[0].submit()</script>\n");
    Answer::html(200, document("One moment", &body))
        .with("content-security-policy", "default-src 'none'; script-src 'unsafe-inline'")
}

/// The names and values of all hidden inputs of a page.
pub(crate) fn hidden_inputs(html: &str) -> Vec<(String, String)> {
    let inputs = html.split("<input type=\"hidden\" name=\"").skip(1);
    let pairs = inputs.filter_map(|rest| {
        let (name, rest) = rest.split_once("\" value=\"")?;
        Some((unescape(name), unescape(rest.split('"').next()?)))
    });
    pairs.collect()
}

/// A page that says what is wrong and goes nowhere: an authorization server must not send a
/// browser to an address that it cannot trust (RFC 6749 §4.1.2.1).
pub(crate) fn refusal(status: u16, message: &str) -> Answer {
    let message = escape(message);
    Answer::html(status, document("Something went wrong", &format!("<p>{message}</p>\n")))
}

/// The values of all inputs of a page that have this name.
pub(crate) fn input_values(html: &str, name: &str) -> Vec<String> {
    let start = format!("name=\"{name}\" value=\"");
    let rest = html.split(start.as_str()).skip(1);
    rest.filter_map(|rest| rest.split('"').next()).map(unescape).collect()
}

/// Where the form of a page is sent.
pub(crate) fn action(html: &str) -> Option<String> {
    let (_, rest) = html.split_once("action=\"")?;
    rest.split('"').next().map(unescape)
}

/// The text of a refusal.
pub(crate) fn message(html: &str) -> String {
    let text = html.split_once("<p>").and_then(|(_, rest)| rest.split_once("</p>"));
    unescape(text.map_or("", |(text, _)| text))
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <body>\n{body}</body>\n</html>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_shows_hostile_names_as_text_and_gives_values_back_whole() {
        let mut client = Client::new("c");
        client.name = "<script>\"&".into();
        let scopes = ["a\"b<".to_owned()];
        let page = consent("P", "/consent", "t", &client, &[Account::new("ada")], &scopes, true);
        let html = String::from_utf8(page.body).unwrap();
        assert!(!html.contains("<script>"));
        assert_eq!(input_values(&html, "scope"), scopes);
        assert_eq!(input_values(&html, "ticket"), ["t"]);
    }
}
