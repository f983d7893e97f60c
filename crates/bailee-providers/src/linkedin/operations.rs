//! The calls that a declaration may allow: read the profile, post, delete a post.

use std::fmt;

use bailee_core::{
    CredentialName, Effect, Error, ErrorKind, ProviderId, Result, ScopeName, Timestamp,
};
use http::{HeaderName, Method};
use time::{Date, Month};
use url::Url;

use super::{
    errors,
    wire::{ArticleBody, Content, Distribution, PostBody, UserInfo},
};
use crate::{
    context::Context,
    json_call::JsonCall,
    operation::{Operation, OperationFacts},
    rfc::malformed,
    step::Step,
};

/// The longest text of a post, in characters.
pub const COMMENTARY_LIMIT: usize = 3000;

const PROVIDER: ProviderId = ProviderId::from_static("linkedin");
const USER: CredentialName = CredentialName::from_static("user");
const WRITE: &[ScopeName] = &[ScopeName::from_static("w_member_social")];

const VERSION: HeaderName = HeaderName::from_static("linkedin-version");
const PROTOCOL: HeaderName = HeaderName::from_static("x-restli-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("x-restli-method");
const ID: HeaderName = HeaderName::from_static("x-restli-id");

pub(super) static READ_PROFILE: OperationFacts = OperationFacts {
    name: "linkedin.read_profile",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("openid"), ScopeName::from_static("profile")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/v2/userinfo",
    sends: &[],
    reads: &["profile"],
    credential: USER,
};

pub(super) static CREATE_POST: OperationFacts = OperationFacts {
    name: "linkedin.create_post",
    provider: PROVIDER,
    scopes: WRITE,
    effect: Effect::Effect,
    method: Method::POST,
    path: "/rest/posts",
    sends: &["content"],
    reads: &[],
    credential: USER,
};

pub(super) static DELETE_POST: OperationFacts = OperationFacts {
    name: "linkedin.delete_post",
    provider: PROVIDER,
    scopes: WRITE,
    effect: Effect::Idempotent,
    method: Method::DELETE,
    path: "/rest/posts/{urn}",
    sends: &[],
    reads: &[],
    credential: USER,
};

/// When LinkedIn drops a version of the API, as far as its table goes: in the middle of the month a
/// year after the version's. None for what is no version.
///
/// A host warns its operator some weeks before.
pub fn version_ends(version: &str) -> Option<Timestamp> {
    if version.len() != 6 || !version.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (year, month) = version.split_at(4);
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    let end = Date::from_calendar_date(year.parse::<i32>().ok()? + 1, month, 15).ok()?;
    Some(Timestamp::from_seconds(end.midnight().assume_utc().unix_timestamp()))
}

/// A call under `/rest`, with the headers that it needs.
fn rest(cx: &Context<'_>, facts: &OperationFacts) -> JsonCall {
    let of_spec = || cx.spec.variables.iter().find(|variable| variable.name == "version");
    let version = match cx.registration.variables.get("version") {
        Some(version) => Some(version.clone()),
        None => of_spec().and_then(|variable| variable.default.clone()),
    };
    JsonCall::new(cx, facts)
        .header(VERSION, version.unwrap_or_default())
        .header(PROTOCOL, "2.0.0")
        .classify(errors::classify)
}

/// Reads the member's name, picture and language.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadProfile;

impl Operation for ReadProfile {
    type Output = Profile;

    fn facts(&self) -> &OperationFacts {
        &READ_PROFILE
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Profile>> {
        JsonCall::new(cx, &READ_PROFILE).classify(errors::classify).read(|info: UserInfo| {
            Ok(Profile {
                id: info.sub,
                name: info.name,
                given_name: info.given_name,
                family_name: info.family_name,
                picture: info.picture,
                locale: info.locale.map(super::wire::LocaleWire::tag),
            })
        })
    }
}

/// A member's profile. It is personal data: `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// The id, which is another one for each application.
    pub id: String,
    /// The whole name.
    pub name: Option<String>,
    /// The given name.
    pub given_name: Option<String>,
    /// The family name.
    pub family_name: Option<String>,
    /// The picture; the address runs out.
    pub picture: Option<String>,
    /// The language: `en-US`.
    pub locale: Option<String>,
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Profile([redacted])")
    }
}

/// Who may see a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Visibility {
    /// The member's connections.
    Connections,
    /// Everybody who is logged in.
    LoggedIn,
    /// Everybody.
    Public,
}

impl Visibility {
    /// LinkedIn's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Connections => "CONNECTIONS",
            Self::LoggedIn => "LOGGED_IN",
            Self::Public => "PUBLIC",
        }
    }
}

/// A link that a post shows as a card. LinkedIn does not fetch the page: what the card says comes
/// from here. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Article {
    source: String,
    title: String,
    description: Option<String>,
}

impl Article {
    /// A page by its https address and its title.
    pub fn new(source: impl Into<String>, title: impl Into<String>) -> Self {
        Self { source: source.into(), title: title.into(), description: None }
    }

    /// Says what the page is about.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }
}

impl fmt::Debug for Article {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Article([redacted])")
    }
}

/// Posts a text as the member. `Debug` does not show it.
///
/// The outcome is the post's URN, which is all that there is of it: with this scope it cannot be
/// read again. It is at `https://www.linkedin.com/feed/update/` and the URN. A text that was the
/// member's last one is refused, with the code `DUPLICATE_POST`; nothing was posted by it.
#[derive(Clone)]
pub struct CreatePost {
    text: String,
    visibility: Visibility,
    article: Option<Article>,
    reposts: bool,
}

impl CreatePost {
    /// A post of plain text for these people. `#word` in it becomes a hashtag; nothing else in it
    /// has a meaning.
    pub fn new(text: impl Into<String>, visibility: Visibility) -> Self {
        Self { text: text.into(), visibility, article: None, reposts: true }
    }

    /// Adds a link as a card.
    #[must_use]
    pub fn article(mut self, article: Article) -> Self {
        self.article = Some(article);
        self
    }

    /// Lets nobody repost it.
    #[must_use]
    pub fn without_reposts(mut self) -> Self {
        self.reposts = false;
        self
    }

    /// Checks what was given.
    ///
    /// # Errors
    ///
    /// Fails with `InvalidInput` and says what is not acceptable.
    pub fn check(&self) -> Result<()> {
        if self.text.trim().is_empty() && self.article.is_none() {
            return invalid("the post has neither text nor article");
        }
        if self.text.chars().count() > COMMENTARY_LIMIT {
            return invalid("the text is longer than 3000 characters");
        }
        if let Some(article) = &self.article {
            let https = Url::parse(&article.source)
                .is_ok_and(|url| url.scheme() == "https" && url.username().is_empty());
            if !https || article.title.trim().is_empty() {
                return invalid("the article has no https address or no title");
            }
        }
        Ok(())
    }
}

impl Operation for CreatePost {
    type Output = String;

    fn facts(&self) -> &OperationFacts {
        &CREATE_POST
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<String>> {
        let author = cx.account.map(|account| format!("urn:li:person:{}", account.id));
        rest(cx, &CREATE_POST)
            .body(&PostBody {
                author: author.as_deref().unwrap_or_default(),
                commentary: &little_text(&self.text),
                visibility: self.visibility.word(),
                distribution: Distribution {
                    feed_distribution: "MAIN_FEED",
                    target_entities: [],
                    third_party_distribution_channels: [],
                },
                content: self.article.as_ref().map(|article| Content {
                    article: ArticleBody {
                        source: &article.source,
                        title: &article.title,
                        description: article.description.as_deref(),
                    },
                }),
                lifecycle_state: "PUBLISHED",
                is_reshare_disabled_by_author: !self.reposts,
            })
            .demand(author.is_some() && self.check().is_ok())
            .read_headers(|headers| {
                let urn = headers.get(ID).and_then(|urn| urn.to_str().ok());
                let urn = urn.filter(|urn| is_post(urn));
                urn.map(ToOwned::to_owned).ok_or_else(malformed)
            })
    }
}

impl fmt::Debug for CreatePost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatePost").field("visibility", &self.visibility).finish_non_exhaustive()
    }
}

/// Deletes a post of the member's. One that is gone already is as good.
#[derive(Clone, Debug)]
pub struct DeletePost {
    urn: String,
}

impl DeletePost {
    /// The post of this URN, as [`CreatePost`] gave it.
    pub fn new(urn: impl Into<String>) -> Self {
        Self { urn: urn.into() }
    }
}

impl Operation for DeletePost {
    type Output = ();

    fn facts(&self) -> &OperationFacts {
        &DELETE_POST
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<()>> {
        rest(cx, &DELETE_POST)
            .part("urn", &self.urn)
            .demand(is_post(&self.urn))
            .header(METHOD, "DELETE")
            .done()
    }
}

fn invalid(what: &'static str) -> Result<()> {
    Err(Error::new(ErrorKind::InvalidInput).with_provider(PROVIDER).with_detail(what))
}

/// `urn:li:share:1` or `urn:li:ugcPost:1`.
fn is_post(urn: &str) -> bool {
    let number = urn.strip_prefix("urn:li:share:").or_else(|| urn.strip_prefix("urn:li:ugcPost:"));
    number.is_some_and(|number| {
        (1..=32).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
    })
}

/// Plain text as little text: each character that has a meaning is escaped, and a word behind `#`
/// becomes a hashtag.
fn little_text(text: &str) -> String {
    let mut little = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_word = false;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        let tag = rest.find(|c: char| !c.is_alphanumeric()).map_or(rest, |end| &rest[..end]);
        if c == '#' && !in_word && !tag.is_empty() {
            little.push_str(r"{hashtag|\#|");
            little.push_str(tag);
            little.push('}');
            rest = &rest[tag.len()..];
            in_word = true;
            continue;
        }
        if r"\|{}@[]()<>#*_~".contains(c) {
            little.push('\\');
        }
        little.push(c);
        in_word = c.is_alphanumeric();
    }
    little
}
