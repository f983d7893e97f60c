use std::io;

/// Why the emulator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A certificate or a TLS configuration could not be made.
    #[error("a certificate could not be made")]
    Certificate,
    /// The address could not be listened on.
    #[error("the address cannot be listened on")]
    Listen(#[from] io::Error),
    /// What was asked for cannot be played.
    #[error(transparent)]
    Misuse(#[from] Misuse),
}

/// The emulator was asked for something that the provider itself would refuse to configure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// What is to be announced lacks something: an account, a client, a secret.
    #[error("announcement refused: {0}")]
    Announcement(&'static str),
    /// The provider does not tell of such an event.
    #[error("there is no event {0}")]
    Event(String),
    /// A host name would be played twice.
    #[error("the host {0} is played twice")]
    HostTaken(String),
    /// An issuer is not an https address without query and fragment (RFC 8414 §2).
    #[error("the issuer {0} is not an https address without query and fragment")]
    Issuer(String),
    /// A client cannot be registered as described.
    #[error("registration refused: {0}")]
    Registration(&'static str),
}

/// Why no redirect came out of an authorization.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConsentError {
    /// The address is not one of an emulated site.
    #[error("no emulated site answers at this address")]
    Address,
    /// The provider showed an error page instead of going back to the client.
    #[error("the provider answered {status}: {message}")]
    Page {
        /// The page's status.
        status: u16,
        /// The page's text.
        message: String,
    },
    /// The provider goes back to the client with a form, and not with a redirect.
    #[error("the provider posts its answer to the client")]
    Posted,
}
