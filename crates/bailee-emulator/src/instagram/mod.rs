//! Instagram as its documentation describes it: Business Login, the two kinds of token, and
//! publishing through containers.
//!
//! From the pages (November 2026)
//! <https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/business-login>,
//! <https://developers.facebook.com/docs/instagram-platform/content-publishing>,
//! <https://developers.facebook.com/docs/instagram-platform/reference/ig-container>,
//! <https://developers.facebook.com/docs/instagram-platform/reference/ig-user>,
//! <https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/error-codes> and
//! <https://developers.facebook.com/docs/graph-api/guides/error-handling>. What the pages leave open
//! is a switch of [`Instagram`]. Facts of an account: `account_type` (`BUSINESS`, `MEDIA_CREATOR`,
//! `PERSONAL`). Not played: bodies in multipart, resumable uploads, what concerns comments, messages
//! and insights.

mod callbacks;
mod container;
mod media;
mod tokens;
mod user;

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};

use self::container::Container;
use crate::announcement::{Announcement, News};
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::{Grant, RefreshStyle, Refused, TokenKind};
use crate::message::{Answer, Incoming};
use crate::oauth::{Carrier, ClientAuth, Dialect, Facts, Issued, Pkce, Place, Problem, caller};
use crate::play::Played;
use crate::token_answer::TokenAnswer;
use crate::{Endpoint, Misuse};

/// The switches of the emulated Instagram; what [`Instagram::new`] says is what the documentation
/// says, and where that is silent what was seen or is likely.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Instagram {
    /// Subcodes with which the next containers break after they were made. `status` names them.
    pub broken_containers: VecDeque<u32>,
    /// Which id the callbacks name, which is not said.
    pub callback_user: UserId,
    /// Whether that id is a number; both forms were seen.
    pub callback_user_is_number: bool,
    /// Seconds for which a code is good: an hour.
    pub code_lifetime: i64,
    /// Whether another authorization of the same person ends the earlier one, which is not said.
    pub ends_old_grants: bool,
    /// Whether a token that was renewed ends at once, which is not said.
    pub ends_renewed: bool,
    /// Whether a short-lived token ends when it was exchanged, which is not said.
    pub ends_short: bool,
    /// Seconds for which a long-lived token is good: about sixty days.
    pub long_lifetime: i64,
    /// How many answers to `media_publish` are still lost after the work was done.
    pub lost_publishes: u32,
    /// Whether `account_type` is there when it is asked for.
    pub names_types: bool,
    /// Whether both parts of a `signed_request` are padded, as Meta's own library made them.
    pub pads_callbacks: bool,
    /// How `permissions` is written; both forms were seen.
    pub permissions: Permissions,
    /// How often a container is asked after before it is ready.
    pub polls: u32,
    /// How many posts an account may publish in a day: 100, or what `config` says.
    pub quota: usize,
    /// Subcodes with which the next containers are refused.
    pub refused_containers: VecDeque<u32>,
    /// Subcodes with which the next calls of `media_publish` are refused.
    pub refused_publishes: VecDeque<u32>,
    /// Whether `permissions` stands in answers with a long-lived token.
    pub renewal_names_permissions: bool,
    /// Whether a container that was published can be published again, as another post.
    pub republishes: bool,
    /// Seconds for which a short-lived token is good: an hour.
    pub short_lifetime: i64,
    /// Whether callbacks are signed with the secret of Meta's application instead of that of
    /// Instagram's, which is not said. It is the client's
    /// [`signal_secret`](crate::Client::signal_secret).
    pub signs_with_meta: bool,
    /// The status of errors about tokens, which is not said.
    pub token_status: u16,
    /// The number of the error about a token that is too young, which is not said.
    pub too_young: u32,
    /// Which id the answer to a code names, which is not said.
    pub token_user: UserId,
    /// Whether that id is a number.
    pub token_user_is_number: bool,
    /// Hosts that media cannot be fetched from.
    pub unreachable: Vec<String>,
    /// Whether `/me` answers with an array `data`, as the guide prints it.
    pub wrapped_me: bool,
    /// Whether the answer to a code is an array `data`, as documented; it was seen without.
    pub wrapped_tokens: bool,
    /// Whether types of accounts are written as the login guide prints them: `Media_Creator`.
    pub written_types: bool,
    containers: Vec<Container>,
    /// Whether the tokens that are being issued are long-lived ones.
    long: bool,
}

/// How `permissions` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Permissions {
    /// An array of texts.
    Array,
    /// One text with commas between.
    Text,
}

/// Which of an account's two ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserId {
    /// The one within the application.
    AppScoped,
    /// The professional account's.
    Professional,
}

impl Instagram {
    /// Instagram as documented.
    #[must_use]
    pub fn new() -> Self {
        Self {
            broken_containers: VecDeque::new(),
            callback_user: UserId::AppScoped,
            callback_user_is_number: false,
            code_lifetime: 3600,
            ends_old_grants: false,
            ends_renewed: false,
            ends_short: false,
            long_lifetime: 5_183_944,
            lost_publishes: 0,
            names_types: true,
            pads_callbacks: false,
            permissions: Permissions::Text,
            polls: 1,
            quota: 100,
            refused_containers: VecDeque::new(),
            refused_publishes: VecDeque::new(),
            renewal_names_permissions: false,
            republishes: true,
            short_lifetime: 3600,
            signs_with_meta: false,
            token_status: 400,
            too_young: 190,
            token_user: UserId::Professional,
            token_user_is_number: false,
            unreachable: Vec::new(),
            wrapped_me: false,
            wrapped_tokens: true,
            written_types: false,
            containers: Vec::new(),
            long: false,
        }
    }
}

impl Default for Instagram {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Instagram> for Played {
    /// The site `instagram`.
    fn from(instagram: Instagram) -> Self {
        Self::oauth("instagram", instagram)
    }
}

impl Dialect for Instagram {
    fn hosts(&self) -> Vec<String> {
        [WEB_HOST, TOKEN_HOST, GRAPH_HOST].map(str::to_owned).to_vec()
    }

    fn facts(&self) -> Facts {
        Facts {
            shows_problems: true,
            pkce: Pkce::Ignored,
            separators: ", ",
            known_scopes: SCOPES,
            granular: true,
            code_lifetime: self.code_lifetime,
            callback_tail: "#_",
            ends_old_grants: self.ends_old_grants,
            carriers: vec![if self.long { Carrier::Query } else { Carrier::Form }],
            client_auth: vec![ClientAuth::Body],
            refresh_parameter: "access_token",
            refresh_authenticates: false,
            refresh_style: RefreshStyle::SelfExtending {
                after: Duration::from_secs(86_400),
                ends_old: self.ends_renewed,
            },
            access_lifetime: Some(self.long_lifetime),
            ..Facts::rfc6749("Instagram")
        }
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        match (request.host.as_str(), request.path.as_str()) {
            (WEB_HOST, "/oauth/authorize") => Endpoint::Authorize,
            (TOKEN_HOST, "/oauth/access_token") | (GRAPH_HOST, "/access_token") => {
                Endpoint::Exchange
            }
            (GRAPH_HOST, "/refresh_access_token") => Endpoint::Refresh,
            (GRAPH_HOST, _) if versionless(request) == ["me"] => Endpoint::Identity,
            (GRAPH_HOST, _) => Endpoint::Api,
            _ => Endpoint::Unknown,
        }
    }

    /// The two addresses of one class take different methods; they look themselves.
    fn methods(&self, endpoint: Endpoint) -> &'static [&'static str] {
        match endpoint {
            Endpoint::Authorize => &["GET"],
            Endpoint::Consent => &["POST"],
            _ => &[],
        }
    }

    fn own_token_request(
        &mut self,
        desk: &mut Desk,
        call: &Call<'_>,
    ) -> Option<Result<Answer, Problem>> {
        tokens::begin(self, desk, call)
    }

    fn lifetime(&self, _: TokenKind, _: &Grant, first: bool) -> Option<i64> {
        Some(if first { self.short_lifetime } else { self.long_lifetime })
    }

    fn mint(&self, desk: &mut Desk, _: TokenKind, _: &Grant) -> String {
        desk.issue_long(if self.long { tokens::LONG } else { tokens::SHORT }, 180)
    }

    fn token_answer(&self, _: &mut Desk, issued: &Issued) -> TokenAnswer {
        tokens::answer(self, issued)
    }

    fn api(&mut self, desk: &mut Desk, call: &Call<'_>) -> Result<Answer, Problem> {
        let caller = caller(desk, call, &[Place::Bearer, Place::Query("access_token")])?;
        let request = call.request;
        let answer = match (request.method.as_str(), versionless(request).as_slice()) {
            ("GET", ["me"]) => user::profile(self, request, &caller),
            ("POST", [who, "media"]) if user::is(&caller, who) => {
                container::create(self, desk, call, &caller)
            }
            ("POST", [who, "media_publish"]) if user::is(&caller, who) => {
                media::publish(self, desk, call, &caller)
            }
            ("GET", [who, "content_publishing_limit"]) if user::is(&caller, who) => {
                media::limit(self, desk, call, &caller)
            }
            ("GET", [id]) => container::status(self, call, &caller, id)
                .or_else(|| media::read(desk, request, &caller, id))
                .unwrap_or(Err(Problem::NotFound)),
            _ => Err(Problem::NotFound),
        }?;
        Ok(answer.with("x-app-usage", CALM))
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        if call.request.host != GRAPH_HOST {
            let flat =
                json!({"error_type": "OAuthException", "code": status, "error_message": text});
            return Answer::json(status, &flat);
        }
        let (code, subcode) = code.split_once('/').unwrap_or((code, ""));
        graph(status, code.parse().unwrap_or(1), subcode.parse().ok(), text)
    }

    fn problem(&self, call: &Call<'_>, problem: &Problem) -> Answer {
        let (_, _, text) = problem.rfc6749();
        if call.request.host != GRAPH_HOST {
            return self.error(call, 400, "", &text);
        }
        let (status, code, subcode) = match problem {
            Problem::Token(refused) | Problem::Refresh(refused) => {
                let subcode = match refused {
                    Refused::Expired => Some(463),
                    Refused::Ended => Some(458),
                    _ => None,
                };
                (self.token_status, 190, subcode)
            }
            Problem::TokenMissing => (self.token_status, 190, None),
            Problem::TooYoung => (400, self.too_young, None),
            Problem::Client | Problem::Secret => (400, 101, None),
            Problem::Uncovered(_) => (403, 10, None),
            Problem::TooMany(seconds) => {
                return self.rate_limited(call, Some(&seconds.to_string()));
            }
            Problem::NotFound => (400, 100, Some(33)),
            _ => (400, 100, None),
        };
        graph(status, code, subcode, &text)
    }

    /// Throttling is no 429: the error 4, with the usage at its end.
    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let full = r#"{"call_count":100,"total_cputime":25,"total_time":25}"#;
        let answer = self
            .error(call, 400, "4", "Application request limit reached")
            .with("x-app-usage", full);
        let Some(seconds) = retry_after.and_then(|text| text.parse::<u64>().ok()) else {
            return answer;
        };
        let usage = json!({"17841400000000000": [{
            "type": "instagram", "call_count": 100, "total_cputime": 25, "total_time": 25,
            "estimated_time_to_regain_access": seconds.div_ceil(60),
        }]});
        answer.with("x-business-use-case-usage", &usage.to_string())
    }

    fn announce(&mut self, desk: &mut Desk, news: &News<'_>) -> Result<Announcement, Misuse> {
        callbacks::announce(self, desk, news)
    }
}

/// An error of the Graph API.
fn graph(status: u16, code: u32, subcode: Option<u32>, text: &str) -> Answer {
    let mut error = json!({
        "message": text,
        "type": "OAuthException",
        "code": code,
        "fbtrace_id": "AbCdEf0123456789",
    });
    if let Some(subcode) = subcode {
        error["error_subcode"] = json!(subcode);
        error["is_transient"] = json!(false);
        error["error_user_title"] = json!("It did not work");
        error["error_user_msg"] = json!("It did not work.");
    }
    Answer::json(status, &json!({"error": error})).with("x-app-usage", CALM)
}

/// An error of publishing, as the table of error codes has it.
fn refused(subcode: u32) -> Problem {
    let code = match subcode {
        2_207_004 => 36_000,
        2_207_005 => 36_001,
        2_207_006 => 24,
        2_207_009 => 36_003,
        2_207_027 => 9007,
        2_207_042 => 9,
        2_207_051 => 4,
        2_207_001 | 2_207_003 | 2_207_020 | 2_207_032 | 2_207_053 => 2,
        _ => 100,
    };
    Problem::Said(graph(400, code, Some(subcode), "Publishing failed"))
}

/// The path between its slashes, without a version.
fn versionless(request: &Incoming) -> Vec<&str> {
    let mut segments = request.segments();
    let is_version = segments.first().is_some_and(|first| {
        first.strip_prefix('v').and_then(|rest| rest.split_once('.')).is_some_and(
            |(major, minor)| {
                let digits =
                    |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
                digits(major) && digits(minor)
            },
        )
    });
    if is_version {
        segments.remove(0);
    }
    segments
}

/// A member of a body, JSON or form.
fn member(request: &Incoming, name: &str) -> Option<Value> {
    match request.json() {
        Some(json) => json.get(name).filter(|value| !value.is_null()).cloned(),
        None => request.form().one(name).map(Value::from),
    }
}

const WEB_HOST: &str = "www.instagram.com";
const TOKEN_HOST: &str = "api.instagram.com";
const GRAPH_HOST: &str = "graph.instagram.com";

const RENEWAL: &str = "ig_refresh_token";
const CALM: &str = r#"{"call_count":3,"total_cputime":1,"total_time":2}"#;

const BASIC: &str = "instagram_business_basic";
const PUBLISH: &str = "instagram_business_content_publish";

const SCOPES: &[&str] = &[
    BASIC,
    PUBLISH,
    "instagram_business_manage_comments",
    "instagram_business_manage_insights",
    "instagram_business_manage_messages",
];
