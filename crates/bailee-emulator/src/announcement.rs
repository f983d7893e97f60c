use std::fmt;

use ring::hmac;
use serde_json::Value;

use crate::Misuse;
use crate::mint::hex;
use crate::registration::{Account, Client};

/// A request that a provider makes of its own accord to an address of the client. Nothing sends it:
/// tests hand it to the client, once, again, late or changed.
///
/// `Debug` shows where it goes and not what it says.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Announcement {
    /// The method.
    pub method: String,
    /// The address.
    pub url: String,
    /// The headers in the case in which they are documented, without those of the connection.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Announcement {
    /// The value of a header, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut known = self.headers.iter();
        known.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

impl fmt::Debug for Announcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Announcement")
            .field("method", &self.method)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// What a provider is to tell a client.
pub(crate) struct News<'a> {
    /// The provider's own word for it.
    pub(crate) event: &'a str,
    /// Whom it is told.
    pub(crate) client: Client,
    pub(crate) now: i64,
    pub(super) account: Option<Account>,
    pub(crate) to: &'a str,
}

impl News<'_> {
    /// Whom it is about.
    pub(crate) fn account(&self) -> Result<&Account, Misuse> {
        self.account.as_ref().ok_or(Misuse::Announcement("the event is about an account"))
    }

    /// The client's secret; the newest one, while an older one is still good.
    pub(crate) fn secret(&self) -> Result<&str, Misuse> {
        let newest = self.client.secrets.last();
        newest.map(String::as_str).ok_or(Misuse::Announcement("the client has no secret"))
    }

    /// The secret that announcements to the client are signed with.
    pub(crate) fn signal_secret(&self) -> Result<&str, Misuse> {
        let secret = self.client.signal_secret.as_deref();
        secret.ok_or(Misuse::Announcement("the client has no secret for announcements"))
    }

    /// That the provider has no such event.
    pub(crate) fn unknown(&self) -> Misuse {
        Misuse::Event(self.event.to_owned())
    }

    /// A POST to the client.
    pub(crate) fn post(&self, content_type: &str, body: impl Into<Vec<u8>>) -> Announcement {
        Announcement {
            method: "POST".to_owned(),
            url: self.to.to_owned(),
            headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
            body: body.into(),
        }
    }
}

/// A JSON object with its members in this order, without spaces.
pub(crate) fn object<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> String {
    let members = members.into_iter().map(|(name, value)| format!("{}:{value}", Value::from(name)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

pub(crate) fn hmac_sha256(secret: &str, message: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::sign(&key, message).as_ref().to_vec()
}

/// HMAC-SHA256 in lower-case hexadecimal.
pub(crate) fn hmac_hex(secret: &str, message: &[u8]) -> String {
    hex(&hmac_sha256(secret, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_published_vectors() {
        // Slack's page on verifying requests.
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow\
            &channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner\
            &command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com\
            %2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
            &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        assert_eq!(
            hmac_hex(
                "8f742231b10e8888abcd99yyyzzz85a5",
                format!("v0:1531420618:{body}").as_bytes()
            ),
            "a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
        );
        // GitHub's page on validating deliveries.
        assert_eq!(
            hmac_hex("It's a Secret to Everybody", b"Hello, World!"),
            "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }

    #[test]
    fn members_stand_in_the_order_in_which_they_are_given() {
        let inner = object([("reason", Value::from(1))]);
        let text = object([("b", Value::from(inner)), ("a", Value::Null)]);
        assert_eq!(text, r#"{"b":"{\"reason\":1}","a":null}"#);
    }
}
