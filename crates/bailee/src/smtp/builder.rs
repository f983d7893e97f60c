//! What a host says of its mail server.

use std::{fmt, sync::Arc, time::Duration};

use bailee_core::{Clock, Error, ErrorKind, Plaintext, Result, SecretText, SystemClock};
use lettre::message::Mailbox;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::{Smtp, TIMEOUT, tls};

/// Collects what [`Smtp`] needs.
#[must_use]
pub struct SmtpBuilder {
    settings: Settings,
    roots: Option<Vec<u8>>,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    Implicit,
    Plaintext,
    StartTls,
}

/// What is known of the server.
pub(super) struct Settings {
    pub(super) server: String,
    pub(super) name: ServerName<'static>,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) connector: Option<TlsConnector>,
    pub(super) credentials: Option<Credentials>,
    pub(super) hello: String,
    pub(super) from: Mailbox,
    pub(super) reply_to: Option<Mailbox>,
    bounces: Option<Mailbox>,
    pub(super) timeout: Duration,
    pub(super) clock: Arc<dyn Clock>,
}

/// Who submits.
pub(super) struct Credentials {
    pub(super) user: SecretText,
    pub(super) password: SecretText,
}

impl SmtpBuilder {
    pub(super) fn new(server: &str, from: &str, security: Security, port: u16) -> Result<Self> {
        let name = ServerName::try_from(server.to_owned())
            .map_err(|_| wrong("this is not the name of a mail server"))?;
        let from = sender(from)?;
        let hello = from.email.domain().to_owned();
        let settings = Settings {
            server: server.to_owned(),
            name,
            port,
            security,
            connector: None,
            credentials: None,
            hello,
            from,
            reply_to: None,
            bounces: None,
            timeout: TIMEOUT,
            clock: Arc::new(SystemClock),
        };
        Ok(Self { settings, roots: None })
    }

    /// Another port than the usual one.
    pub fn port(mut self, port: u16) -> Self {
        self.settings.port = port;
        self
    }

    /// Who submits (RFC 4954). They are shown over TLS alone.
    pub fn credentials(mut self, user: &str, password: SecretText) -> Self {
        let user = SecretText::new(Plaintext::copy_from(user.as_bytes()));
        self.settings.credentials = Some(Credentials { user, password });
        self
    }

    /// Trusts the certificates of a PEM text and no others, in the place of Mozilla's roots.
    pub fn roots(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.roots = Some(pem.as_ref().to_vec());
        self
    }

    /// Where answers go, where that is not the sender.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for what is no address.
    pub fn reply_to(mut self, address: &str) -> Result<Self> {
        self.settings.reply_to = Some(sender(address)?);
        Ok(self)
    }

    /// Where the server reports what could not be delivered, where that is not the sender. Such
    /// reports name people: whoever reads that mailbox holds their addresses.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for what is no address.
    pub fn bounces_to(mut self, address: &str) -> Result<Self> {
        self.settings.bounces = Some(sender(address)?);
        Ok(self)
    }

    /// How long one message takes at the most. The default is a minute; a claim of work has to
    /// outlast it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// Whose time stands in the messages. The default is the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.settings.clock = clock;
        self
    }

    /// The carrier.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for roots that are none, and for credentials without TLS.
    pub fn build(mut self) -> Result<Smtp> {
        match self.settings.security {
            Security::Plaintext if self.settings.credentials.is_some() => {
                return Err(wrong("credentials are shown over TLS alone"));
            }
            Security::Plaintext => {}
            Security::Implicit | Security::StartTls => {
                self.settings.connector = Some(tls::connector(self.roots.as_deref())?);
            }
        }
        Ok(Smtp(self.settings))
    }
}

impl Settings {
    /// To whom the server reports.
    pub(super) fn bounces(&self) -> &str {
        self.bounces.as_ref().unwrap_or(&self.from).email.as_ref()
    }
}

/// Reads a sender: `address` or `Name <address>`, ASCII where it is an address.
fn sender(text: &str) -> Result<Mailbox> {
    let refused = || wrong("this is not the address of a sender");
    if text.chars().any(char::is_control) {
        return Err(refused());
    }
    let mailbox: Mailbox = text.parse().map_err(|_| refused())?;
    let address: &str = mailbox.email.as_ref();
    let plain = address.bytes().all(|byte| byte.is_ascii_graphic());
    if plain && mailbox.email.domain().contains('.') { Ok(mailbox) } else { Err(refused()) }
}

pub(super) fn wrong(what: &'static str) -> Error {
    Error::new(ErrorKind::Configuration).with_detail(what)
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp")
            .field("server", &self.server)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SmtpBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.settings, f)
    }
}
