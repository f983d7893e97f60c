//! Which PKCE is used.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{check::Check, file::FilePkce};
use crate::context::Platform;

/// Which PKCE is used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PkceFacts {
    /// By a server.
    pub web: Pkce,
    /// By a program on a person's machine.
    pub desktop: Pkce,
    /// Whether metadata lists `S256`; none where there is no metadata.
    pub advertised: Option<bool>,
}

impl PkceFacts {
    /// Which is used where.
    pub fn for_platform(&self, platform: Platform) -> Pkce {
        match platform {
            Platform::Desktop => self.desktop,
            Platform::Web => self.web,
        }
    }
}

/// How a verifier becomes a challenge (RFC 7636 §4.2). There is no `plain`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pkce {
    /// The provider refuses or ignores the parameter.
    None,
    /// SHA-256 in base64url, as the RFC has it.
    #[default]
    S256,
    /// SHA-256 in lower-case hexadecimal, still under the name `S256`.
    S256Hex,
}

impl Check<'_> {
    pub(super) fn pkce(&mut self, file: FilePkce) -> PkceFacts {
        if let Some(desktop) = file.desktop.as_ref().filter(|pkce| *pkce.get_ref() == Pkce::None) {
            let what = "a program on a person's machine cannot do without PKCE";
            self.fault(desktop.span(), what);
        }
        PkceFacts {
            web: file.web,
            desktop: file.desktop.map_or(Pkce::S256, Spanned::into_inner),
            advertised: None,
        }
    }
}
