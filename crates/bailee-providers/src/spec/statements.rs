//! What an adapter states in a line each.

use serde::Deserialize;

/// What an adapter states in a line each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Statements {
    /// Whether refresh tokens rotate.
    pub rotation: String,
    /// What happens to the old access token at a refresh.
    pub old_access_token: String,
    /// How long a grant may lie unused.
    pub idle_limit: String,
    /// How long a grant lives at most.
    pub absolute_limit: String,
    /// How many requests are allowed.
    pub rate_limit: String,
    /// Whether the callback carries `iss`.
    pub iss: String,
    /// Whether PKCE is enforced.
    pub pkce: String,
    /// How the callback comes back.
    pub redirect: String,
    /// Whether tokens are bound to their sender.
    pub sender_constraint: String,
}

impl Statements {
    /// The statements with their names.
    pub fn rows(&self) -> [(&'static str, &str); 9] {
        [
            ("rotation", &self.rotation),
            ("old_access_token", &self.old_access_token),
            ("idle_limit", &self.idle_limit),
            ("absolute_limit", &self.absolute_limit),
            ("rate_limit", &self.rate_limit),
            ("iss", &self.iss),
            ("pkce", &self.pkce),
            ("redirect", &self.redirect),
            ("sender_constraint", &self.sender_constraint),
        ]
    }
}
