//! Shopify as its documentation describes it: a server for each shop, signed callbacks, tokens in a
//! header of their own, and an uninstallation as the only way out.
//!
//! From the pages (November 2026)
//! <https://shopify.dev/docs/apps/build/authentication-authorization>,
//! <https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance> and
//! <https://shopify.dev/docs/api/admin-graphql>. Facts of an account: `shop`, the name before
//! `.myshopify.com`; without it an account is that of any shop.

mod webhook;

use ring::hmac;
use serde_json::json;

use crate::announcement::{Announcement, News};
use crate::call::Call;
use crate::desk::{Desk, Ticket};
use crate::ledger::{Grant, RefreshStyle};
use crate::message::{Answer, Incoming};
use crate::mint::{hex, sha256};
use crate::oauth::{
    Carrier, ClientAuth, Dialect, Ends, Facts, Issued, Need, Pkce, Place, Problem, Revocation,
    Takes, caller, revoke,
};
use crate::play::Played;
use crate::registration::{Account, Client};
use crate::token_answer::TokenAnswer;
use crate::{Endpoint, Misuse};

/// The switches of the emulated Shopify; what [`Shopify::new`] says is what the documentation says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Shopify {
    /// The shop whose callbacks this is: `demo`.
    pub shop: String,
    /// Seconds for which an expiring access token is good: 3600.
    pub access_lifetime: i64,
    /// What is wrong with the signature of callbacks: nothing.
    pub flaw: Option<CallbackFlaw>,
    /// Whether errors of the OAuth addresses are pages, as they often are.
    pub error_pages: bool,
}

/// What can be wrong with a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallbackFlaw {
    /// It is signed for another shop than it names.
    OtherShop,
    /// It was made ten minutes ago.
    Stale,
    /// There is no signature.
    Unsigned,
    /// The signature is another secret's.
    WrongSecret,
}

impl Shopify {
    /// Shopify as documented.
    #[must_use]
    pub fn new() -> Self {
        Self { shop: "demo".into(), access_lifetime: 3600, flaw: None, error_pages: false }
    }
}

impl Default for Shopify {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Shopify> for Played {
    /// The site `shopify`.
    fn from(shopify: Shopify) -> Self {
        Self::oauth("shopify", shopify)
    }
}

impl Dialect for Shopify {
    fn hosts(&self) -> Vec<String> {
        vec!["*.myshopify.com".into()]
    }

    fn facts(&self) -> Facts {
        Facts {
            response_type: Need::Ignored,
            pkce: Pkce::Ignored,
            separators: ",",
            known_scopes: SCOPES,
            carriers: vec![Carrier::Form, Carrier::Json],
            client_auth: vec![ClientAuth::Body],
            grant_type: Need::Optional,
            redirect_at_token: Need::Optional,
            access_prefix: "shpat_",
            access_lifetime: Some(self.access_lifetime),
            refresh_prefix: "shprt_",
            refresh_lifetime: Some(90 * 86_400),
            refresh_style: RefreshStyle::UntilReplacementUsed,
            token_type: None,
            refresh_expiry: Some("refresh_token_expires_in"),
            scope_answer: crate::oauth::ScopeAnswer::Joined(","),
            ..Facts::rfc6749("Shopify")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match request.path.as_str() {
            "/admin/oauth/authorize" => Endpoint::Authorize,
            "/admin/oauth/access_token" => Endpoint::of_token(request, "refresh_token"),
            "/admin/api_permissions/current.json" => Endpoint::Revoke,
            path if path.ends_with("/graphql.json") => {
                let query = query(request).unwrap_or_default();
                if query.contains("shop") { Endpoint::Identity } else { Endpoint::Api }
            }
            path if path.starts_with("/admin/api/") => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    fn callback(
        &self,
        pairs: &mut Vec<(String, String)>,
        _: &Ticket,
        client: &Client,
        account: &Account,
        now: i64,
    ) {
        let shop = if self.flaw == Some(CallbackFlaw::OtherShop) {
            "another-shop.myshopify.com".to_owned()
        } else {
            format!("{}.myshopify.com", self.shop_of(account))
        };
        let made = if self.flaw == Some(CallbackFlaw::Stale) { now - 600 } else { now };
        pairs.push(("host".into(), "ZmFrZQ".into()));
        pairs.push(("shop".into(), shop));
        pairs.push(("timestamp".into(), made.to_string()));
        let secret = match self.flaw {
            Some(CallbackFlaw::Unsigned) => return,
            Some(CallbackFlaw::WrongSecret) => "another-fake-secret",
            _ => client.secrets.first().map_or("", String::as_str),
        };
        let mut sorted = pairs.clone();
        sorted.sort();
        let message: Vec<String> =
            sorted.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, message.join("&").as_bytes());
        pairs.push(("hmac".into(), hex(tag.as_ref())));
    }

    fn gives_refresh(&self, grant: &Grant) -> bool {
        let _ = grant;
        true
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let caller = caller(desk, call, &[Place::Header("x-shopify-access-token")])?;
        // A token is good in its own shop.
        let own = format!("{}.myshopify.com", self.shop_of(&caller.account));
        if call.request.host != own {
            return Err(Problem::Token(crate::ledger::Refused::Foreign));
        }
        let graphql = call.request.path.ends_with("/graphql.json") && call.request.is("POST");
        let query = query(call.request).filter(|_| graphql).ok_or(Problem::NotFound)?;
        let data = if query.contains("shop") {
            json!({"shop": {
                "id": format!("gid://shopify/Shop/{}", number(&caller.account)),
                "name": caller.account.display_name,
                "myshopifyDomain": own,
            }})
        } else if query.contains("products") {
            if !caller.may("write_products") {
                caller.needs("read_products")?;
            }
            json!({"products": {"nodes": [{"id": "gid://shopify/Product/1", "title": "Fake"}]}})
        } else {
            return Err(Problem::Value("query"));
        };
        let cost = json!({"cost": {"throttleStatus": {
            "maximumAvailable": 2000.0, "currentlyAvailable": 1990, "restoreRate": 100.0,
        }}});
        Ok(Answer::json(200, &json!({"data": data, "extensions": cost})))
    }

    fn token_answer(&self, _: &mut Desk, issued: &Issued) -> TokenAnswer {
        issued.flat(&self.facts())
    }

    fn methods(&self, endpoint: Endpoint) -> &'static [&'static str] {
        match endpoint {
            Endpoint::Authorize => &["GET"],
            Endpoint::Consent | Endpoint::Exchange | Endpoint::Refresh => &["POST"],
            Endpoint::Revoke => &["DELETE"],
            _ => &[],
        }
    }

    fn revoke(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let how = Revocation {
            place: Place::Header("x-shopify-access-token"),
            authenticates: false,
            takes: Takes::Access,
            takes_expired: false,
            unknown_is_revoked: false,
            access_ends: Ends::Everything,
            ..Revocation::rfc7009()
        };
        revoke(self, desk, call, &how)?;
        Ok(Answer::json(200, &json!({})))
    }

    fn announce(&mut self, desk: &mut Desk, news: &News<'_>) -> Result<Announcement, Misuse> {
        webhook::announce(self, desk, news)
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        if matches!(call.endpoint, Endpoint::Exchange | Endpoint::Refresh) {
            if self.error_pages {
                return Answer::html(status, format!("<h1>Oauth error {code}: {text}</h1>"));
            }
            return Answer::json(status, &json!({"error": code, "error_description": text}));
        }
        let extensions = json!({"code": code});
        Answer::json(status, &json!({"errors": [{"message": text, "extensions": extensions}]}))
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        let (status, code, text) = problem.rfc6749();
        if matches!(call.endpoint, Endpoint::Exchange | Endpoint::Refresh) {
            return self.error(call, status, code, &text);
        }
        match problem {
            Problem::Token(_) | Problem::TokenMissing => {
                let text = "[API] Invalid API key or access token (unrecognized login)";
                Answer::json(401, &json!({"errors": text}))
            }
            Problem::Uncovered(_) => self.error(call, 200, "ACCESS_DENIED", &text),
            Problem::TooMany(seconds) => self.rate_limited(call, Some(&seconds.to_string())),
            Problem::NotFound => Answer::json(404, &json!({"errors": "Not Found"})),
            _ => self.error(call, 200, "undefinedField", &text),
        }
    }

    /// GraphQL says so with status 200.
    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let oauth = matches!(call.endpoint, Endpoint::Exchange | Endpoint::Refresh);
        let status = if oauth || retry_after.is_some() { 429 } else { 200 };
        let answer = self.error(call, status, "THROTTLED", "Throttled");
        match retry_after {
            Some(value) => answer.with("retry-after", value),
            None => answer,
        }
    }
}

impl Shopify {
    fn shop_of(&self, account: &Account) -> String {
        let fact = account.facts.get("shop").and_then(|fact| fact.as_str());
        fact.unwrap_or(&self.shop).to_owned()
    }
}

/// The number of a shop.
fn number(account: &Account) -> u32 {
    let digest = sha256(format!("shopify:{}", account.id).as_bytes());
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

fn query(request: &Incoming) -> Option<String> {
    Some(request.json()?.get("query")?.as_str()?.to_owned())
}

const SCOPES: &[&str] = &[
    "read_content",
    "read_customers",
    "read_orders",
    "read_products",
    "write_content",
    "write_products",
];
