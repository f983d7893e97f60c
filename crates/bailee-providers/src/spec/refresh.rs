//! How refresh behaves.

use std::time::Duration;

use toml::Spanned;

use super::{
    check::{Check, is_date, seconds},
    file::{FileClass, FileRefresh},
};

/// How refresh behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefreshFacts {
    /// The class (REF-01).
    pub class: RefreshClass,
    /// The page that says so.
    pub page: Option<String>,
    /// When it was checked.
    pub checked: Option<String>,
    /// How long a refresh token may lie unused before it dies; keep-alive goes by it.
    pub idle_limit: Option<Duration>,
    /// How long a grant lives at most.
    pub absolute_limit: Option<Duration>,
    /// Whether a renewal names the redirect URI.
    pub redirect_uri: bool,
    /// Whether a renewal carries nothing but the refresh token and the client's authentication.
    pub bare: bool,
    /// How old a token has to be before it can be renewed.
    pub not_before: Option<Duration>,
}

/// What a refresh does to the refresh token that was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefreshClass {
    /// It is replaced, and the old one is good for this long.
    Grace(Duration),
    /// It is replaced, and old and new are good beside each other.
    Overlapping,
    /// It stays, and its life begins anew with each use.
    SelfExtending,
    /// It stays as it is.
    Stable,
    /// There is none: the access token does not run out.
    Static,
    /// It is replaced, and the old one dies at once. Also where nothing is known.
    #[default]
    Strict,
    /// It is replaced, and the old one is good until the new one is used.
    UntilReplacementUsed,
}

impl Check<'_> {
    pub(super) fn refresh(&mut self, file: Option<Spanned<FileRefresh>>) -> RefreshFacts {
        let Some(file) = file else {
            return RefreshFacts {
                class: RefreshClass::Strict,
                page: None,
                checked: None,
                idle_limit: None,
                absolute_limit: None,
                redirect_uri: false,
                bare: false,
                not_before: None,
            };
        };
        let span = file.span();
        let file = file.into_inner();
        // What is laxer than `strict` is a promise of the provider, and needs its page.
        if file.class != FileClass::Strict && (file.page.is_none() || file.checked.is_none()) {
            self.fault(
                span.clone(),
                "a refresh class needs its `page` and the date it was `checked`",
            );
        }
        if file.checked.as_deref().is_some_and(|date| !is_date(date)) {
            self.fault(span.clone(), "`refresh.checked` is no date (2026-11-21 or 2026-11)");
        }
        if (file.class == FileClass::Grace) != file.window_seconds.is_some() {
            self.fault(span, "`window_seconds` belongs to the class `grace`, and only to it");
        }
        RefreshFacts {
            class: match file.class {
                FileClass::Grace => RefreshClass::Grace(seconds(file.window_seconds.unwrap_or(0))),
                FileClass::Overlapping => RefreshClass::Overlapping,
                FileClass::SelfExtending => RefreshClass::SelfExtending,
                FileClass::Stable => RefreshClass::Stable,
                FileClass::Static => RefreshClass::Static,
                FileClass::Strict => RefreshClass::Strict,
                FileClass::UntilReplacementUsed => RefreshClass::UntilReplacementUsed,
            },
            page: file.page,
            checked: file.checked,
            idle_limit: file.idle_seconds.map(seconds),
            absolute_limit: file.absolute_seconds.map(seconds),
            redirect_uri: file.redirect_uri,
            bare: file.bare,
            not_before: file.not_before_seconds.map(seconds),
        }
    }
}
