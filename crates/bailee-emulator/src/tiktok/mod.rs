//! TikTok as its documentation describes it: Login Kit v2 and the Content Posting API.
//!
//! From the pages (November 2026) `login-kit-web`, `login-kit-desktop`,
//! `oauth-user-access-token-management`, `oauth-error-handling`, `tiktok-api-v2-get-user-info`,
//! `tiktok-api-v2-error-handling`, `tiktok-api-v2-rate-limit`, `content-posting-api-reference-*`,
//! `content-posting-api-media-transfer-guide`, `webhooks-overview`, `webhooks-events` and
//! `webhooks-verification` of <https://developers.tiktok.com/doc/>.
//! What the pages leave open is a switch of [`TikTok`].

mod authorize;
mod post;
mod publish;
mod token;
mod upload;
mod user;
mod webhook;

use std::any::Any;

use serde_json::{Value, json};

pub use self::post::{Post, PostKind, PostStatus};

use self::post::Work;
use self::publish::Windows;
use crate::announcement::{Announcement, News};
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::{GrantId, RefreshStyle};
use crate::message::{Answer, Incoming};
use crate::mint::random;
use crate::play::{Play, Played};
use crate::registration::{Client, Platform, parse_with_any_port};
use crate::{Endpoint, Misuse};

/// The switches of the emulated TikTok; what [`TikTok::new`] says is what the documentation says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TikTok {
    /// Seconds for which an access token is good: 7200.
    pub access_lifetime: i64,
    /// Whether the clients passed the audit: others may post to private accounts only, for
    /// themselves only, and for five people a day.
    pub audited: bool,
    /// Seconds for which a code is good: 600.
    pub code_lifetime: i64,
    /// Whether the caps hold: 15 direct posts and 5 drafts per person and day.
    pub daily_caps: bool,
    /// Whether token answers have an empty `error` beside the tokens.
    pub empty_error_beside_success: bool,
    /// Whether a refresh ends the earlier access tokens, of which the documentation is silent.
    pub ends_old_access: bool,
    /// The `fail_reason` with which posts begun from now on fail.
    pub fail_posts_with: Option<String>,
    /// The status of errors at the token and revocation addresses: 400, or 200 as some
    /// deployments say.
    pub oauth_error_status: u16,
    /// How long posts are in processing.
    pub processing: Processing,
    /// Whether the limits per minute hold: 6 inits, 20 creator infos, 30 status fetches, 600 user
    /// infos.
    pub rate_limits: bool,
    /// Seconds for which a refresh token is good: 180 days.
    pub refresh_lifetime: i64,
    /// Whether the refresh token's time starts anew at each refresh.
    pub refresh_lifetime_restarts: bool,
    /// What becomes of a used refresh token: dead at once, and its reuse ends the family.
    pub refresh_style: RefreshStyle,
    /// The `reason` of an `authorization.removed`: 0 unknown, 1 the person disconnected, 2 deleted
    /// their account, 3 their age changed, 4 the account was banned, 5 the developer revoked.
    pub removal_reason: i64,
    /// Whether the revocation of an expired access token works.
    pub revoke_takes_expired: bool,
    /// The host of upload addresses; may be a regional one.
    pub upload_host: String,
    /// Domains and URL prefixes from which posts may be pulled.
    pub verified_urls: Vec<String>,
    /// What a web client's PKCE parameters do.
    pub web_pkce: WebPkce,
    /// Whether post ids stay away, as before moderation is through.
    pub withhold_post_ids: bool,
}

impl TikTok {
    /// TikTok as documented.
    #[must_use]
    pub fn new() -> Self {
        Self {
            access_lifetime: 7200,
            audited: true,
            code_lifetime: 600,
            daily_caps: true,
            empty_error_beside_success: false,
            ends_old_access: false,
            fail_posts_with: None,
            oauth_error_status: 400,
            processing: Processing::Polls(1),
            rate_limits: true,
            refresh_lifetime: 180 * DAY,
            refresh_lifetime_restarts: false,
            refresh_style: RefreshStyle::Strict { kills_family: true },
            removal_reason: 1,
            revoke_takes_expired: false,
            upload_host: UPLOAD_HOST.into(),
            verified_urls: Vec::new(),
            web_pkce: WebPkce::Ignored,
            withhold_post_ids: false,
        }
    }

    /// Lets posts be pulled from a domain (`media.example`) or a URL prefix
    /// (`https://media.example/videos/`).
    #[must_use]
    pub fn verified_url(mut self, domain_or_prefix: impl Into<String>) -> Self {
        self.verified_urls.push(domain_or_prefix.into());
        self
    }
}

impl Default for TikTok {
    fn default() -> Self {
        Self::new()
    }
}

/// How long a post is in processing once its bytes are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Processing {
    /// The first so many status fetches still say so.
    Polls(u32),
    /// So many seconds of the emulator's clock.
    Seconds(i64),
}

/// What the PKCE parameters of a web client do. Desktop clients must send lower-case hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebPkce {
    /// Checked when sent, as base64url (RFC 7636).
    Base64Url,
    /// Checked when sent, as lower-case hex.
    Hex,
    /// Taken and not checked.
    Ignored,
    /// Refused with `invalid_request`.
    Refused,
}

/// TikTok at work.
#[derive(Debug)]
pub(crate) struct TikTokDesk {
    switches: TikTok,
    works: Vec<Work>,
    windows: Windows,
}

/// Whose token a call came with.
#[derive(Clone, Debug)]
struct Caller {
    account: String,
    client: String,
    grant: GrantId,
    scopes: Vec<String>,
}

impl Caller {
    fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }
}

impl TikTokDesk {
    fn new(switches: TikTok) -> Self {
        Self { switches, works: Vec::new(), windows: Windows::default() }
    }

    pub(crate) fn posts(&self, now: i64) -> Vec<Post> {
        self.works.iter().map(|work| work.post(&self.switches, now)).collect()
    }

    /// Who calls, if the token is good.
    fn caller(desk: &mut Desk, request: &Incoming, now: i64) -> Result<Caller, Answer> {
        let invalid = || {
            let text = "The access token is invalid or not found in the request.";
            api_error(401, "access_token_invalid", text)
        };
        let token = request.bearer().ok_or_else(invalid)?;
        let accepted = desk.ledger.present_access(token, now).map_err(|_| invalid())?;
        let grant = desk.ledger.grant(accepted.grant);
        Ok(Caller {
            account: grant.account.clone(),
            client: grant.client.clone(),
            grant: accepted.grant,
            scopes: accepted.scopes,
        })
    }
}

impl Play for TikTokDesk {
    fn hosts(&self) -> Vec<String> {
        let mut hosts = vec![WEB_HOST.to_owned(), API_HOST.to_owned(), UPLOAD_HOST.to_owned()];
        if !hosts.contains(&self.switches.upload_host) {
            hosts.push(self.switches.upload_host.clone());
        }
        hosts
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        // Whether an address without its last slash is the same one is not documented.
        let path = request.path.strip_suffix('/').unwrap_or(&request.path);
        match (request.host.as_str(), path) {
            (WEB_HOST, "/v2/auth/authorize") => Endpoint::Authorize,
            (WEB_HOST, "/v2/auth/authorize/decision") => Endpoint::Consent,
            (API_HOST, "/v2/oauth/token") => match request.form().one("grant_type") {
                Some("refresh_token") => Endpoint::Refresh,
                _ => Endpoint::Exchange,
            },
            (API_HOST, "/v2/oauth/revoke") => Endpoint::Revoke,
            (API_HOST, "/v2/user/info") => Endpoint::Identity,
            (API_HOST, path) if path.starts_with("/v2/post/publish/") => Endpoint::Api,
            (WEB_HOST | API_HOST, _) => Endpoint::Unknown,
            (_, "/video") => Endpoint::Upload,
            _ => Endpoint::Unknown,
        }
    }

    fn handle(&mut self, desk: &mut Desk, call: &Call<'_>) -> Answer {
        let Call { endpoint, request, fault, now } = *call;
        let method = match endpoint {
            Endpoint::Authorize | Endpoint::Identity => "GET",
            Endpoint::Upload => "PUT",
            _ => "POST",
        };
        if endpoint != Endpoint::Unknown && !request.is(method) {
            return Answer::empty(405).with("allow", method);
        }
        match endpoint {
            Endpoint::Api => self.publish(desk, request, now),
            Endpoint::Authorize => self.authorize(desk, request, now),
            Endpoint::Consent => self.decide(desk, request, now),
            Endpoint::Exchange => self.exchange(desk, request, fault, now),
            Endpoint::Identity => self.user_info(desk, request, now),
            Endpoint::Refresh => self.refresh(desk, request, fault, now),
            Endpoint::Revoke => self.revoke(desk, request, now),
            Endpoint::Upload => self.upload(request, now),
            _ => api_error(404, "not_found", "there is nothing at this address"),
        }
    }

    /// An error in the shape of its endpoint.
    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        match call.endpoint {
            Endpoint::Exchange | Endpoint::Refresh | Endpoint::Revoke => {
                oauth_error(status, code, text)
            }
            _ => api_error(status, code, text),
        }
    }

    fn switches(&mut self) -> &mut dyn Any {
        &mut self.switches
    }

    fn registers(&self, client: &Client) -> Result<(), Misuse> {
        check_registration(client)
    }

    fn announce(&mut self, desk: &mut Desk, news: &News<'_>) -> Result<Announcement, Misuse> {
        self.webhook(desk, news)
    }
}

impl From<TikTok> for Played {
    /// The site `tiktok`.
    fn from(tiktok: TikTok) -> Self {
        Self::new("tiktok", move || Ok(TikTokDesk::new(tiktok.clone())))
    }
}

/// What TikTok demands of a registration beyond the RFCs (`login-kit-web`, `login-kit-desktop`).
fn check_registration(client: &Client) -> Result<(), Misuse> {
    if client.secrets.is_empty() {
        return Err(Misuse::Registration("TikTok's clients have a secret"));
    }
    if client.redirect_uris.len() > 10 {
        return Err(Misuse::Registration("TikTok takes ten redirect addresses at most"));
    }
    if client.scopes.iter().any(|scope| !SCOPES.contains(&scope.as_str())) {
        return Err(Misuse::Registration("TikTok has no such scope"));
    }
    for uri in &client.redirect_uris {
        if uri.len() >= 512 {
            return Err(Misuse::Registration("a redirect address has 512 characters or more"));
        }
        if uri.contains('?') {
            return Err(Misuse::Registration("a redirect address has a query"));
        }
        let url = parse_with_any_port(uri)
            .ok_or(Misuse::Registration("a redirect address is not an absolute address"))?;
        let authority = uri.split_once("://").map_or("", |(_, rest)| rest);
        let authority = authority.split('/').next().unwrap_or_default();
        let allowed = match client.platform {
            Platform::Desktop => {
                matches!(url.scheme(), "http" | "https")
                    && matches!(url.host_str(), Some("localhost" | "127.0.0.1"))
                    && authority.contains(':')
            }
            Platform::Web => url.scheme() == "https" && !authority.contains('*'),
        };
        if !allowed {
            return Err(Misuse::Registration("TikTok does not take this redirect address"));
        }
    }
    Ok(())
}

fn oauth_error(status: u16, code: &str, text: &str) -> Answer {
    let body = json!({"error": code, "error_description": text, "log_id": random::<12>()});
    Answer::json(status, &body).no_store()
}

fn api_error(status: u16, code: &str, text: &str) -> Answer {
    enveloped(status, &json!({}), code, text)
}

fn api_success(data: &Value) -> Answer {
    enveloped(200, data, "ok", "")
}

fn enveloped(status: u16, data: &Value, code: &str, text: &str) -> Answer {
    let error = json!({"code": code, "message": text, "log_id": random::<12>()});
    let mut answer = Answer::json(status, &json!({"data": data, "error": error}));
    answer = answer.with("content-type", "application/json; charset=utf-8");
    answer
}

const WEB_HOST: &str = "www.tiktok.com";
const API_HOST: &str = "open.tiktokapis.com";
const UPLOAD_HOST: &str = "open-upload.tiktokapis.com";
const DAY: i64 = 86_400;

/// The scopes that can be asked for here (`scopes-overview`).
const SCOPES: &[&str] = &[
    "portability.activity.ongoing",
    "portability.activity.single",
    "portability.all.ongoing",
    "portability.all.single",
    "portability.directmessages.ongoing",
    "portability.directmessages.single",
    "portability.postsandprofile.ongoing",
    "portability.postsandprofile.single",
    "user.info.basic",
    "user.info.profile",
    "user.info.stats",
    "video.list",
    "video.publish",
    "video.upload",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_addresses_follow_the_rules_of_their_platform() {
        let web = |uri: &str| check_registration(&Client::new("c").secret("s").redirect(uri));
        let desktop =
            |uri: &str| check_registration(&Client::new("c").secret("s").desktop().redirect(uri));
        assert!(web("https://app.example/cb").is_ok());
        for uri in
            ["http://app.example/cb", "https://app.example/cb?x=1", "https://app.example:*/cb"]
        {
            assert!(web(uri).is_err(), "{uri}");
        }
        assert!(web(&format!("https://app.example/{}", "x".repeat(512))).is_err());
        for uri in ["http://127.0.0.1:*/cb", "http://localhost:8080/cb", "https://localhost:1/"] {
            assert!(desktop(uri).is_ok(), "{uri}");
        }
        for uri in ["http://127.0.0.1/cb", "http://app.example:80/cb", "http://[::1]:80/cb"] {
            assert!(desktop(uri).is_err(), "{uri}");
        }
    }
}
