//! What can be published: a photo, a reel, a carousel of both.

use std::fmt;

use bailee_core::{Error, ErrorKind, ProviderId, Result, Sha256, Timestamp};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::SCHEMA;
use crate::{
    context::Context,
    failure::Failure,
    instagram::operations::{PUBLISH_CAROUSEL, PUBLISH_PHOTO, PUBLISH_REEL},
    operation::OperationFacts,
    publish::{MediaFacts, Progress, Publish, PublishNext},
    step::Input,
};

/// The longest caption, in characters.
pub const CAPTION_LIMIT: usize = 2200;

/// How many hashtags a caption may have.
pub const HASHTAG_LIMIT: usize = 30;

/// How many mentions a caption may have.
pub const MENTION_LIMIT: usize = 20;

/// The longest alternative text, in characters.
pub const ALT_TEXT_LIMIT: usize = 1000;

/// How many photos and videos a carousel has.
pub const CAROUSEL_ITEMS: std::ops::RangeInclusive<usize> = 2..=10;

/// The longest video, in milliseconds.
const LONGEST_VIDEO: u32 = 15 * 60 * 1000;

/// Publishes a photo: a JPEG of 8 MiB at most, of 4:5 to 1.91:1, that Instagram fetches. `Debug`
/// shows nothing of it.
#[derive(Clone)]
pub struct PublishPhoto(Plan);

impl PublishPhoto {
    /// The photo at a public https address.
    pub fn new(url: impl Into<String>) -> Self {
        Self(Plan::of(vec![Item::new(Kind::Photo, url)]))
    }

    /// Sets the caption, with its hashtags and mentions.
    #[must_use]
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.0.caption = Some(caption.into());
        self
    }

    /// Describes the photo for those who do not see it.
    #[must_use]
    pub fn alt_text(mut self, text: impl Into<String>) -> Self {
        self.0.items[0].alt_text = Some(text.into());
        self
    }
}

/// Publishes a reel: an MP4 or QuickTime video of 3 seconds to 15 minutes that Instagram fetches.
/// `Debug` shows nothing of it.
#[derive(Clone)]
pub struct PublishReel(Plan);

impl PublishReel {
    /// The video at a public https address.
    pub fn new(url: impl Into<String>) -> Self {
        Self(Plan::of(vec![Item::new(Kind::Reel, url)]))
    }

    /// Sets the caption, with its hashtags and mentions.
    #[must_use]
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.0.caption = Some(caption.into());
        self
    }

    /// Takes the cover from a public https address. It excludes [`cover_at`](Self::cover_at).
    #[must_use]
    pub fn cover(mut self, url: impl Into<String>) -> Self {
        self.0.items[0].cover_url = Some(url.into());
        self
    }

    /// Takes the cover from this time of the video.
    #[must_use]
    pub fn cover_at(mut self, milliseconds: u32) -> Self {
        self.0.items[0].thumb_offset = Some(milliseconds);
        self
    }

    /// Says whether it stands in the feed too; Instagram's own preset where nobody says.
    #[must_use]
    pub fn share_to_feed(mut self, share: bool) -> Self {
        self.0.items[0].share_to_feed = Some(share);
        self
    }
}

/// Publishes 2 to 10 photos and videos as one post. `Debug` shows nothing of them.
#[derive(Clone)]
pub struct PublishCarousel(Plan);

impl PublishCarousel {
    /// The photos and videos, in their order.
    pub fn new(items: impl IntoIterator<Item = CarouselItem>) -> Self {
        let items = items.into_iter().map(|item| item.0).collect();
        Self(Plan { carousel: true, ..Plan::of(items) })
    }

    /// Sets the caption, with its hashtags and mentions.
    #[must_use]
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.0.caption = Some(caption.into());
        self
    }
}

/// A photo or a video of a carousel. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct CarouselItem(Item);

impl CarouselItem {
    /// The photo at a public https address.
    pub fn photo(url: impl Into<String>) -> Self {
        Self(Item::new(Kind::Photo, url))
    }

    /// The video at a public https address.
    pub fn video(url: impl Into<String>) -> Self {
        Self(Item::new(Kind::Video, url))
    }

    /// Describes a photo for those who do not see it.
    #[must_use]
    pub fn alt_text(mut self, text: impl Into<String>) -> Self {
        self.0.alt_text = Some(text.into());
        self
    }
}

macro_rules! publication {
    ($($name:ident: $facts:ident;)*) => { $(
        impl $name {
            /// Checks what was given.
            ///
            /// # Errors
            ///
            /// Fails with `InvalidInput` and says what is not acceptable.
            pub fn check(&self) -> Result<()> {
                self.0.check()
            }
        }

        impl Publish for $name {
            fn facts(&self) -> &OperationFacts {
                &$facts
            }

            /// It covers all that is published. Media count by their addresses.
            fn digest(&self) -> [u8; 32] {
                self.0.digest($facts.name)
            }

            fn media(&self) -> Option<MediaFacts> {
                None
            }

            fn progress_schema(&self) -> u16 {
                SCHEMA
            }

            fn next(
                &self,
                cx: &Context<'_>,
                progress: &Progress,
                input: Input,
            ) -> std::result::Result<PublishNext, Failure> {
                super::next(Some(&self.0), cx, progress, input)
            }

            fn recover(&self, progress: &Progress, now: Timestamp) -> Option<Progress> {
                super::recover(progress, now)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    )* };
}

publication! {
    PublishCarousel: PUBLISH_CAROUSEL;
    PublishPhoto: PUBLISH_PHOTO;
    PublishReel: PUBLISH_REEL;
}

impl fmt::Debug for CarouselItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CarouselItem({:?}, [redacted])", self.0.kind)
    }
}

/// What is published. It is kept with the publication, sealed, until Instagram has all of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) items: Vec<Item>,
    pub(super) caption: Option<String>,
    pub(super) carousel: bool,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) url: String,
    pub(super) alt_text: Option<String>,
    pub(super) cover_url: Option<String>,
    pub(super) thumb_offset: Option<u32>,
    pub(super) share_to_feed: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    Photo,
    Reel,
    Video,
}

impl Item {
    fn new(kind: Kind, url: impl Into<String>) -> Self {
        Self {
            kind,
            url: url.into(),
            alt_text: None,
            cover_url: None,
            thumb_offset: None,
            share_to_feed: None,
        }
    }
}

impl Plan {
    fn of(items: Vec<Item>) -> Self {
        Self { items, caption: None, carousel: false }
    }

    pub(super) fn check(&self) -> Result<()> {
        let invalid = |what: &'static str| {
            Err(Error::new(ErrorKind::InvalidInput)
                .with_provider(ProviderId::from_static("instagram"))
                .with_detail(what))
        };
        if self.carousel && !CAROUSEL_ITEMS.contains(&self.items.len()) {
            return invalid("a carousel has 2 to 10 photos and videos");
        }
        let caption = self.caption.as_deref().unwrap_or_default();
        if caption.chars().count() > CAPTION_LIMIT {
            return invalid("the caption is longer than 2200 characters");
        }
        if marks(caption, '#') > HASHTAG_LIMIT {
            return invalid("the caption has more than 30 hashtags");
        }
        if marks(caption, '@') > MENTION_LIMIT {
            return invalid("the caption mentions more than 20 accounts");
        }
        for item in &self.items {
            if !is_public(&item.url) || item.cover_url.as_deref().is_some_and(|u| !is_public(u)) {
                return invalid("the address of a photo or video is not a public one with https");
            }
            let alt_text = item.alt_text.as_deref().unwrap_or_default();
            if alt_text.chars().count() > ALT_TEXT_LIMIT {
                return invalid("an alternative text is longer than 1000 characters");
            }
            if item.alt_text.is_some() && item.kind != Kind::Photo {
                return invalid("only photos have an alternative text");
            }
            if item.cover_url.is_some() && item.thumb_offset.is_some() {
                return invalid("a reel has one cover");
            }
            if item.thumb_offset.is_some_and(|offset| offset > LONGEST_VIDEO) {
                return invalid("the time of the cover is behind the end of any reel");
            }
        }
        Ok(())
    }

    fn digest(&self, name: &str) -> [u8; 32] {
        let mut digest = Sha256::default();
        let mut part = |bytes: Option<&[u8]>| {
            digest.update(&[u8::from(bytes.is_some())]);
            let bytes = bytes.unwrap_or_default();
            digest.update(&(bytes.len() as u64).to_be_bytes());
            digest.update(bytes);
        };
        part(Some(name.as_bytes()));
        part(self.caption.as_deref().map(str::as_bytes));
        for item in &self.items {
            part(Some(&[item.kind as u8]));
            part(Some(item.url.as_bytes()));
            part(item.alt_text.as_deref().map(str::as_bytes));
            part(item.cover_url.as_deref().map(str::as_bytes));
            part(item.thumb_offset.map(u32::to_be_bytes).as_ref().map(<[u8; 4]>::as_slice));
            part(
                item.share_to_feed.map(|share| [u8::from(share)]).as_ref().map(<[u8; 1]>::as_slice),
            );
        }
        digest.finish()
    }
}

/// How many words begin with a mark. One that stands within a word, as in an e-mail address, is
/// none.
fn marks(text: &str, mark: char) -> usize {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut before = None;
    let mut count = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let begins = before.is_none_or(|before| !word(before));
        if c == mark && begins && chars.peek().is_some_and(|next| word(*next)) {
            count += 1;
        }
        before = Some(c);
    }
    count
}

/// Whether Instagram could fetch from an address: https, of a host with a name, without anything
/// that only a browser uses.
fn is_public(address: &str) -> bool {
    address.len() <= 2048
        && Url::parse(address).is_ok_and(|url| {
            url.scheme() == "https"
                && matches!(url.host(), Some(Host::Domain(name)) if name.contains('.'))
                && url.username().is_empty()
                && url.password().is_none()
                && url.fragment().is_none()
        })
}
