//! A door to private parsers, for this project's own fuzz targets.

use crate::package::LinkToken;

/// Reads the end of a link.
pub fn link_token(text: &str) -> Option<LinkToken> {
    LinkToken::parse(text)
}
