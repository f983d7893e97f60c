//! Sending messages by mail (feature `smtp`).
//!
//! [`Smtp`] hands each message to the mail server that a host has (RFC 6409), over TLS, and answers
//! [`Accepted`](Delivery::Accepted) only when that server has taken it. What it cannot know it calls
//! [`Unavailable`](Delivery::Unavailable): the message comes again under the same `Message-ID`, by
//! which servers and mailboxes know it.
//!
//! Nothing of a person is kept, logged, or put into an error. The future needs a tokio runtime.
//!
//! ```
//! use bailee::{core::SecretText, smtp::Smtp};
//!
//! # fn main() -> bailee::Result<()> {
//! # let password = "fake-password";
//! let mail = Smtp::starttls("mail.example", "Example Privacy <privacy@example.example>")?
//!     .credentials("privacy", SecretText::copy_from(password.as_bytes()))
//!     .bounces_to("bounces@example.example")?
//!     .build()?;
//! // At the start: mail.check().await?; then Builder::notify(mail) beside Builder::contacts.
//! # let _ = mail;
//! # Ok(()) }
//! ```
//!
//! What a server took may still come back as a report to the sender. Nothing here reads those.

mod builder;
mod mail;
mod reply;
mod text;
mod tls;
mod wire;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bailee_core::{Error, ErrorKind, HostError, Id, Result, TenantId};
use bailee_rights::notice::{Address, ContactWay, Delivery, Evidence, Message, Notify};

pub use builder::SmtpBuilder;

use builder::Settings;
use mail::Recipient;
use reply::Fault;
use wire::Wire;

/// A carrier that hands messages to a mail server.
///
/// Mail goes to ASCII addresses alone: one that needs SMTPUTF8 (RFC 6531) is refused, as is every
/// other way than mail.
pub struct Smtp(Settings);

impl Smtp {
    /// Submission with STARTTLS, at port 587 (RFC 6409). A server that offers no TLS gets nothing.
    /// `from` is the sender: an address, or `Name <address>`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for a name of a server or a sender that is none.
    pub fn starttls(server: &str, from: &str) -> Result<SmtpBuilder> {
        SmtpBuilder::new(server, from, builder::Security::StartTls, 587)
    }

    /// Submission over TLS from the first byte, at port 465 (RFC 8314 §3.3).
    ///
    /// # Errors
    ///
    /// As [`Smtp::starttls`].
    pub fn implicit_tls(server: &str, from: &str) -> Result<SmtpBuilder> {
        SmtpBuilder::new(server, from, builder::Security::Implicit, 465)
    }

    /// Without TLS, to a mail server of this very machine, and without credentials.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for an address that is not of the loopback, and as
    /// [`Smtp::starttls`].
    pub fn danger_plaintext_on_loopback(
        server: std::net::SocketAddr,
        from: &str,
    ) -> Result<SmtpBuilder> {
        if !server.ip().is_loopback() {
            return Err(Error::new(ErrorKind::Configuration)
                .with_detail("mail leaves this machine over TLS alone"));
        }
        let host = server.ip().to_string();
        SmtpBuilder::new(&host, from, builder::Security::Plaintext, server.port())
    }

    /// Connects, shows the credentials and leaves again: for the start of a service, which learns
    /// here what is wrong instead of from messages that wait.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] when the server offers no TLS, its certificate is not trusted, or
    /// it refuses the credentials; [`ErrorKind::ProviderUnavailable`] when it cannot be reached or
    /// answers what it should not.
    pub async fn check(&self) -> Result<()> {
        let done = tokio::time::timeout(self.0.timeout, async {
            let mut wire = Wire::open(&self.0).await?;
            wire.quit().await;
            Ok(())
        });
        done.await.unwrap_or(Err(Fault::Lost)).map_err(Error::from)
    }

    async fn hand_over(&self, to: &Recipient, mail: &[u8]) -> Result<(Evidence, Wire), Fault> {
        let mut wire = Wire::open(&self.0).await?;
        let answer = wire.send(self.0.bounces(), to.as_str(), mail).await?;
        Ok((Evidence::of(answer.bytes()), wire))
    }
}

#[async_trait]
impl Notify for Smtp {
    async fn send(
        &self,
        _: &TenantId,
        to: &Address,
        message: &Message,
        key: Id,
    ) -> Result<Delivery, HostError> {
        if to.way() != ContactWay::Email {
            return Ok(Delivery::Refused);
        }
        let Some(recipient) = to.expose(Recipient::parse) else {
            return Ok(Delivery::Refused);
        };
        // A text that cannot be a mail is nobody's refusal.
        let Some(mail) = mail::write(&self.0, &recipient, message, key) else {
            return Ok(Delivery::Unavailable);
        };
        let sent = tokio::time::timeout(self.0.timeout, self.hand_over(&recipient, &mail)).await;
        Ok(match sent.unwrap_or(Err(Fault::Lost)) {
            Ok((evidence, mut wire)) => {
                // Outside of the time: what was taken stays taken, however slow the good-bye is.
                wire.quit().await;
                Delivery::Accepted(evidence)
            }
            Err(Fault::Recipient) => Delivery::Refused,
            Err(_) => Delivery::Unavailable,
        })
    }
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// How long one message takes at the most, from the connection to the server's word. Whatever comes
/// later counts as not known.
const TIMEOUT: Duration = Duration::from_secs(60);
