/// The class of an endpoint: what a request wants, whatever its address at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// An operation of the provider's API, other than identity and upload.
    Api,
    /// The authorization page (RFC 6749 §3.1).
    Authorize,
    /// The form of the authorization page, sent by the person's browser.
    Consent,
    /// Provider metadata (OpenID Connect Discovery §4, RFC 8414 §3).
    Discovery,
    /// A code exchanged for tokens (RFC 6749 §4.1.3).
    Exchange,
    /// Who the account is: user info.
    Identity,
    /// Token introspection (RFC 7662).
    Introspect,
    /// The provider's public keys (RFC 7517).
    Jwks,
    /// A refresh (RFC 6749 §6).
    Refresh,
    /// A revocation (RFC 7009, or the provider's own).
    Revoke,
    /// Whatever has no address here.
    Unknown,
    /// Bytes sent to an upload address.
    Upload,
}
