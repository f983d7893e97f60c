//! Addresses of people's pages at providers.

use super::{
    finding::{FindingKind, Hits},
    fold::Folded,
};

/// Where in a provider's addresses a person is named.
enum Page {
    /// The only part of the path, or the first of several, unless it is one of these words.
    First(&'static [&'static str]),
    /// The only part of the path, unless it is one of these words.
    Only(&'static [&'static str]),
    /// After one of these beginnings of the path.
    Under(&'static [&'static str]),
}

pub(super) fn scan(text: &Folded, hits: &mut Hits) {
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let mut place = 0;
    while place < text.len() {
        if !is_host(text.at(place)) {
            place += 1;
            continue;
        }
        let end = text.run(place, is_host);
        let found =
            if end - place <= 40 && text.at(end) == '/' { page(text, place, end) } else { None };
        if let Some(last) = found {
            hits.add(FindingKind::ProfileUrl, beginning(text, place), last);
        }
        place = found.unwrap_or(end).max(end);
    }
}

/// Where the address begins, with its scheme if it has one.
fn beginning(text: &Folded, host: usize) -> usize {
    for scheme in ["https://", "http://"] {
        if host >= scheme.len() && text.has(host - scheme.len(), scheme) {
            return host - scheme.len();
        }
    }
    host
}

/// The end of a page's address.
fn page(text: &Folded, start: usize, end: usize) -> Option<usize> {
    let host = text.lower(start, end);
    let host = ["www.", "m.", "mobile.", "de.", "uk.", "fr.", "es."]
        .iter()
        .find_map(|prefix| host.strip_prefix(prefix))
        .unwrap_or(&host);
    let (_, page) = PAGES.iter().find(|(known, _)| *known == host)?;
    let path = end + 1;
    let from = match page {
        Page::First(_) | Page::Only(_) => path,
        Page::Under(beginnings) => {
            path + beginnings.iter().find(|beginning| text.has(path, beginning))?.len()
        }
    };
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '%' | '+' | '=');
    let mut last = text.run_within(from, 100, is_name);
    while last > from && text.at(last - 1) == '.' {
        last -= 1;
    }
    if last < from + 2 {
        return None;
    }
    if let Page::First(words) | Page::Only(words) = page {
        let name = text.lower(from, last);
        if words.contains(&name.as_str()) || COMMON.contains(&name.as_str()) {
            return None;
        }
    }
    let more = text.at(last) == '/' && is_name(text.at(last + 1));
    if matches!(page, Page::Only(_)) && more {
        return None;
    }
    Some(last + usize::from(text.at(last) == '/' && !more))
}

/// Pages that every provider has of its own.
const COMMON: [&str; 20] = [
    "about",
    "accounts",
    "api",
    "blog",
    "business",
    "careers",
    "contact",
    "developer",
    "developers",
    "docs",
    "download",
    "explore",
    "features",
    "help",
    "home",
    "jobs",
    "legal",
    "login",
    "privacy",
    "terms",
];

const PAGES: &[(&str, Page)] = &[
    ("bsky.app", Page::Under(&["profile/"])),
    ("dribbble.com", Page::Only(&["shots"])),
    (
        "facebook.com",
        Page::First(&[
            "events",
            "groups",
            "hashtag",
            "marketplace",
            "pages",
            "photo",
            "reel",
            "share",
            "sharer",
            "watch",
        ]),
    ),
    ("fb.com", Page::First(&[])),
    ("github.com", Page::Only(&["marketplace", "orgs", "pricing", "search", "topics", "trending"])),
    ("gitlab.com", Page::Only(&["explore", "gitlab-org"])),
    ("instagram.com", Page::First(&["p", "reel", "reels", "stories", "tv"])),
    ("keybase.io", Page::Only(&[])),
    ("ko-fi.com", Page::Only(&[])),
    ("linkedin.com", Page::Under(&["in/", "pub/"])),
    ("linktr.ee", Page::Only(&[])),
    ("medium.com", Page::Under(&["@"])),
    ("patreon.com", Page::Only(&["posts"])),
    ("paypal.me", Page::First(&[])),
    ("pinterest.com", Page::Only(&["pin", "today"])),
    ("reddit.com", Page::Under(&["user/", "u/"])),
    ("snapchat.com", Page::Under(&["add/"])),
    ("soundcloud.com", Page::Only(&["discover", "stream"])),
    ("t.me", Page::First(&["s", "joinchat", "share"])),
    ("threads.net", Page::Under(&["@"])),
    ("tiktok.com", Page::Under(&["@"])),
    ("twitch.tv", Page::Only(&["directory", "videos"])),
    ("twitter.com", Page::First(&["hashtag", "i", "intent", "search", "share"])),
    ("venmo.com", Page::First(&["u"])),
    ("vk.com", Page::Only(&["feed", "wall"])),
    ("wa.me", Page::First(&[])),
    ("x.com", Page::First(&["hashtag", "i", "intent", "search", "share"])),
    ("youtube.com", Page::Under(&["@", "channel/", "c/", "user/"])),
];
