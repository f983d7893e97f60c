//! The calls that a declaration may allow: read the profile, post, delete a post.

use std::fmt;

use bailee_core::{CredentialName, Effect, Error, ErrorKind, ProviderId, Result, ScopeName};
use http::Method;

use super::{
    errors,
    wire::{DeletedData, Envelope, PostBody, PostData, ProfileData, ReplyBody},
};
use crate::{
    context::Context,
    json_call::JsonCall,
    operation::{Operation, OperationFacts},
    rfc::malformed,
    step::Step,
};

/// The longest text of a post, as X weighs it ([`CreatePost::weight`]).
pub const LENGTH_LIMIT: usize = 280;
/// The longest text of an account that pays for long posts, likewise.
pub const LONG_LENGTH_LIMIT: usize = 25_000;
/// What a link weighs, however long it is.
const LINK: usize = 23;

const PROVIDER: ProviderId = ProviderId::from_static("x");
const USER: CredentialName = CredentialName::from_static("user");
const READ: &[ScopeName] =
    &[ScopeName::from_static("tweet.read"), ScopeName::from_static("users.read")];
const WRITE: &[ScopeName] = &[
    ScopeName::from_static("tweet.read"),
    ScopeName::from_static("tweet.write"),
    ScopeName::from_static("users.read"),
];

pub(super) static READ_PROFILE: OperationFacts = OperationFacts {
    name: "x.read_profile",
    provider: PROVIDER,
    scopes: READ,
    effect: Effect::Read,
    method: Method::GET,
    path: "/2/users/me",
    sends: &[],
    reads: &["profile"],
    credential: USER,
};

pub(super) static CREATE_POST: OperationFacts = OperationFacts {
    name: "x.create_post",
    provider: PROVIDER,
    scopes: WRITE,
    effect: Effect::Effect,
    method: Method::POST,
    path: "/2/tweets",
    sends: &["content"],
    reads: &["content"],
    credential: USER,
};

pub(super) static DELETE_POST: OperationFacts = OperationFacts {
    name: "x.delete_post",
    provider: PROVIDER,
    scopes: WRITE,
    effect: Effect::Idempotent,
    method: Method::DELETE,
    path: "/2/tweets/{id}",
    sends: &[],
    reads: &[],
    credential: USER,
};

/// Reads what a composer shows of the account: its names, whether it is protected and how it is
/// verified.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadProfile;

impl Operation for ReadProfile {
    type Output = Profile;

    fn facts(&self) -> &OperationFacts {
        &READ_PROFILE
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Profile>> {
        JsonCall::new(cx, &READ_PROFILE)
            .query("user.fields", "protected,verified_type")
            .classify(errors::classify)
            .read(|envelope: Envelope<ProfileData>| {
                let data = envelope.data;
                Ok(Profile {
                    id: post_id(data.id).ok_or_else(malformed)?,
                    name: data.name,
                    username: data.username,
                    protected: data.protected.unwrap_or(false),
                    // Whoever is not verified is so with a word of its own.
                    verified_type: data.verified_type.filter(|word| word != "none"),
                })
            })
    }
}

/// A person's profile. It is personal data: `Debug` shows the settings alone.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// The id, which stays.
    pub id: String,
    /// The name to show.
    pub name: Option<String>,
    /// The handle, without the `@`. It can change.
    pub username: Option<String>,
    /// Whether followers alone see the posts.
    pub protected: bool,
    /// X's word for how the account is verified.
    pub verified_type: Option<String>,
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile").field("protected", &self.protected).finish_non_exhaustive()
    }
}

/// Who may reply to a post. Everyone, where nothing is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplySettings {
    /// People whom the author follows.
    Following,
    /// People whom the post mentions.
    MentionedUsers,
    /// People who subscribe to the author.
    Subscribers,
    /// Verified accounts.
    Verified,
}

impl ReplySettings {
    /// X's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Following => "following",
            Self::MentionedUsers => "mentionedUsers",
            Self::Subscribers => "subscribers",
            Self::Verified => "verified",
        }
    }
}

/// Posts a text for the person. `Debug` does not show it.
///
/// X refuses a text that the person posted a short time ago; the failure has the code
/// `duplicate-content`, and nothing was posted by it.
#[derive(Clone)]
pub struct CreatePost {
    text: String,
    reply_to: Option<String>,
    replies: Option<ReplySettings>,
    long: bool,
    ai: bool,
    paid: bool,
}

impl CreatePost {
    /// A post of this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            reply_to: None,
            replies: None,
            long: false,
            ai: false,
            paid: false,
        }
    }

    /// Makes it a reply to a post. Self-serve applications may reply only where the person was
    /// mentioned.
    #[must_use]
    pub fn reply_to(mut self, post: impl Into<String>) -> Self {
        self.reply_to = Some(post.into());
        self
    }

    /// Sets who may reply.
    #[must_use]
    pub fn replies(mut self, who: ReplySettings) -> Self {
        self.replies = Some(who);
        self
    }

    /// Lets the text be as long as X lets accounts write that pay for it.
    #[must_use]
    pub fn long(mut self) -> Self {
        self.long = true;
        self
    }

    /// Says that it was made with AI.
    #[must_use]
    pub fn made_with_ai(mut self) -> Self {
        self.ai = true;
        self
    }

    /// Says that somebody paid for it.
    #[must_use]
    pub fn paid_partnership(mut self) -> Self {
        self.paid = true;
        self
    }

    /// What the text weighs at least: most letters of alphabets count one, others and emoji two, a
    /// link 23. X has the last word: it finds links without a scheme too, for one.
    pub fn weight(&self) -> usize {
        self.text.split_inclusive(char::is_whitespace).map(weight_of_word).sum()
    }

    /// Checks what was given.
    ///
    /// # Errors
    ///
    /// Fails with `InvalidInput` and says what is not acceptable.
    pub fn check(&self) -> Result<()> {
        if self.text.trim().is_empty() {
            return invalid("the post has no text");
        }
        let limit = if self.long { LONG_LENGTH_LIMIT } else { LENGTH_LIMIT };
        if self.weight() > limit {
            return invalid("the text is longer than X takes");
        }
        if self.reply_to.as_deref().is_some_and(|id| !is_id(id)) {
            return invalid("what it replies to is no id of a post");
        }
        Ok(())
    }
}

impl Operation for CreatePost {
    type Output = Post;

    fn facts(&self) -> &OperationFacts {
        &CREATE_POST
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Post>> {
        JsonCall::new(cx, &CREATE_POST)
            .classify(errors::classify)
            .body(&PostBody {
                text: &self.text,
                reply: self.reply_to.as_deref().map(|id| ReplyBody { in_reply_to_tweet_id: id }),
                reply_settings: self.replies.map(ReplySettings::word),
                made_with_ai: self.ai,
                paid_partnership: self.paid,
            })
            .demand(self.check().is_ok())
            .read(|envelope: Envelope<PostData>| {
                let PostData { id, text } = envelope.data;
                Ok(Post { id: post_id(id).ok_or_else(malformed)?, text })
            })
    }
}

impl fmt::Debug for CreatePost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatePost").field("replies", &self.replies).finish_non_exhaustive()
    }
}

/// A post. `Debug` does not show what it says.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Post {
    /// Its id. It is at `https://x.com/i/status/` and this.
    pub id: String,
    /// The text as X keeps it, links shortened.
    pub text: Option<String>,
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Deletes a post of the person's. The outcome says whether it is gone.
#[derive(Clone, Debug)]
pub struct DeletePost {
    post: String,
}

impl DeletePost {
    /// The post of this id.
    pub fn new(post: impl Into<String>) -> Self {
        Self { post: post.into() }
    }
}

impl Operation for DeletePost {
    type Output = bool;

    fn facts(&self) -> &OperationFacts {
        &DELETE_POST
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<bool>> {
        JsonCall::new(cx, &DELETE_POST)
            .part("id", &self.post)
            .demand(is_id(&self.post))
            .classify(errors::classify)
            .read(|envelope: Envelope<DeletedData>| Ok(envelope.data.deleted))
    }
}

fn invalid(what: &'static str) -> Result<()> {
    Err(Error::new(ErrorKind::InvalidInput).with_provider(PROVIDER).with_detail(what))
}

/// Ids are numbers of 64 bits, as text.
fn is_id(text: &str) -> bool {
    (1..=19).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn post_id(text: String) -> Option<String> {
    is_id(&text).then_some(text)
}

/// What a word weighs with the space behind it.
fn weight_of_word(word: &str) -> usize {
    let bare = word.trim_end();
    if bare.starts_with("https://") || bare.starts_with("http://") {
        return LINK + word[bare.len()..].chars().count();
    }
    let mut weight = 0;
    let mut joined = false;
    for c in word.chars() {
        // Parts of an emoji that was counted: what a joiner joins, its skin, its variant.
        let part = matches!(c, '\u{200d}' | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}');
        if !part && !joined {
            weight += match c {
                '\u{0}'..='\u{10ff}'
                | '\u{2000}'..='\u{200d}'
                | '\u{2010}'..='\u{201f}'
                | '\u{2032}'..='\u{2037}' => 1,
                // Two of these are one flag.
                '\u{1f1e6}'..='\u{1f1ff}' => 1,
                _ => 2,
            };
        }
        joined = c == '\u{200d}';
    }
    weight
}
