use crate::ledger::RefreshStyle;

/// How a provider's OAuth is: everything that a table can say. [`Facts::rfc6749`] is the start.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// The provider's name on the authorization page.
    pub(crate) title: &'static str,

    // The authorization request.
    /// `client_id` or what it is called here.
    pub(crate) client_id: &'static str,
    pub(crate) response_type: Need,
    /// When it is optional and left out, the first registered address counts.
    pub(crate) redirect_uri: Need,
    pub(crate) state: Need,
    /// Further parameters that must be there, with the only value that they may have.
    pub(crate) demanded: &'static [(&'static str, Option<&'static str>)],
    pub(crate) pkce: Pkce,
    /// Methods of PKCE; `plain` compares, all others are SHA-256.
    pub(crate) pkce_methods: &'static [&'static str],
    /// Whether problems end on a page, instead of going back to the client.
    pub(crate) shows_problems: bool,

    // Scopes.
    /// The parameters with scopes. Each further one yields credentials of its own.
    pub(crate) scope_parameters: &'static [&'static str],
    /// The characters that may separate scopes.
    pub(crate) separators: &'static str,
    /// All scopes that there are; empty takes any.
    pub(crate) known_scopes: &'static [&'static str],
    /// When optional and left out, those of the client's registration are granted; when ignored,
    /// always.
    pub(crate) scopes: Need,
    /// Whether the person may leave scopes out.
    pub(crate) granular: bool,

    // Codes.
    pub(crate) code_prefix: &'static str,
    pub(crate) code_lifetime: i64,
    /// What follows the address that a person is sent back to: `#_`.
    pub(crate) callback_tail: &'static str,
    /// Whether a new grant ends the earlier ones of the same person and client.
    pub(crate) ends_old_grants: bool,

    // The token request.
    pub(crate) carriers: Vec<Carrier>,
    pub(crate) client_auth: Vec<ClientAuth>,
    /// Whether the secret alone says which client it is.
    pub(crate) secret_is_enough: bool,
    pub(crate) code_grant: &'static str,
    pub(crate) grant_type: Need,
    /// The redirect address at the token address. Optional: compared when it is sent.
    pub(crate) redirect_at_token: Need,
    /// The parameter with the refresh token.
    pub(crate) refresh_parameter: &'static str,
    /// Whether the client authenticates at a refresh.
    pub(crate) refresh_authenticates: bool,
    /// The scopes that a refresh asks for: when optional, they narrow the access token's.
    pub(crate) refresh_scope: Need,

    // Tokens.
    pub(crate) access_prefix: &'static str,
    /// Access tokens are at least this long.
    pub(crate) access_length: usize,
    pub(crate) access_lifetime: Option<i64>,
    pub(crate) refresh_prefix: &'static str,
    pub(crate) refresh_lifetime: Option<i64>,
    /// Whether the refresh token's time starts anew at each refresh.
    pub(crate) refresh_lifetime_restarts: bool,
    pub(crate) refresh_style: RefreshStyle,
    /// Whether a refresh ends the earlier access tokens.
    pub(crate) ends_old_access: bool,
    /// For how many seconds the earlier access tokens are still good after a refresh, where that is
    /// not until their own end.
    pub(crate) old_access_lives: Option<i64>,

    // The token answer, where it is flat.
    pub(crate) token_status: u16,
    pub(crate) token_type: Option<&'static str>,
    /// Whether `expires_in` is there.
    pub(crate) says_expiry: bool,
    /// The member that says how long the refresh token is good.
    pub(crate) refresh_expiry: Option<&'static str>,
    /// The member with the scopes.
    pub(crate) scope_member: &'static str,
    pub(crate) scope_answer: ScopeAnswer,
}

impl Facts {
    /// A provider that keeps to RFC 6749 and RFC 9700.
    pub(crate) fn rfc6749(title: &'static str) -> Self {
        Self {
            title,
            client_id: "client_id",
            response_type: Need::Required,
            redirect_uri: Need::Required,
            state: Need::Optional,
            demanded: &[],
            pkce: Pkce::Optional,
            pkce_methods: &["S256"],
            shows_problems: false,
            scope_parameters: &["scope"],
            separators: " ",
            known_scopes: &[],
            scopes: Need::Required,
            granular: false,
            code_prefix: "",
            code_lifetime: 600,
            callback_tail: "",
            ends_old_grants: false,
            carriers: vec![Carrier::Form],
            client_auth: vec![ClientAuth::Basic, ClientAuth::Body],
            secret_is_enough: false,
            code_grant: "authorization_code",
            grant_type: Need::Required,
            redirect_at_token: Need::Required,
            refresh_parameter: "refresh_token",
            refresh_authenticates: true,
            refresh_scope: Need::Optional,
            access_prefix: "at-",
            access_length: 0,
            access_lifetime: Some(3600),
            refresh_prefix: "rt-",
            refresh_lifetime: None,
            refresh_lifetime_restarts: true,
            refresh_style: RefreshStyle::Strict { kills_family: true },
            ends_old_access: false,
            old_access_lives: None,
            token_status: 200,
            token_type: Some("Bearer"),
            says_expiry: true,
            refresh_expiry: None,
            scope_member: "scope",
            scope_answer: ScopeAnswer::Joined(" "),
        }
    }

    pub(super) fn split(&self, scopes: &str) -> Vec<String> {
        let parts = scopes.split(|character| self.separators.contains(character));
        parts.filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
    }
}

/// What carries the parameters of a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Carrier {
    /// A body `application/x-www-form-urlencoded` (RFC 6749 §4.1.3).
    Form,
    /// A JSON object.
    Json,
    /// The query of the address.
    Query,
}

/// A way in which a client authenticates (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// HTTP Basic, id and secret form-encoded first.
    Basic,
    /// HTTP Basic without the encoding, as many servers read it.
    BasicRaw,
    /// Id and secret among the parameters.
    Body,
    /// The id alone, for clients without a secret.
    None,
}

/// Whether something is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// It has no effect.
    Ignored,
    /// It may be left out, and counts when it is there.
    Optional,
    /// It must be there.
    Required,
}

/// What the parameters of PKCE do (RFC 7636).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pkce {
    /// They have no effect.
    Ignored,
    /// Checked when sent; clients without a secret must send them.
    Optional,
    /// Refused.
    Refused,
    /// Demanded.
    Required,
}

/// How granted scopes are written in token answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopeAnswer {
    Absent,
    Array,
    /// One string with this between.
    Joined(&'static str),
}
