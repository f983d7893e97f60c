//! A message as a mail (RFC 5322), from our own text alone.

use std::time::{Duration, SystemTime};

use bailee_core::Id;
use bailee_rights::notice::Message;
use lettre::{
    Address,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue},
    },
};

use super::{builder::Settings, text};

/// An address that may stand in a command and in a header.
pub(super) struct Recipient(Address);

/// `Auto-Submitted: auto-generated` (RFC 3834 §5): nobody's absence note answers it.
#[derive(Clone)]
struct AutoSubmitted;

impl Recipient {
    /// Reads an address. `None` for what is none, and for one that is not ASCII.
    pub(super) fn parse(text: &str) -> Option<Self> {
        // Neither a blank nor an angle bracket is in an address without quotes, and with quotes
        // nobody has one: a command could be read in two ways.
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"<>()[]\\,;:\"".contains(&byte);
        if text.len() > MAX_ADDRESS || !text.bytes().all(plain) {
            return None;
        }
        let address: Address = text.parse().ok()?;
        address.domain().contains('.').then_some(Self(address))
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.as_ref()
    }
}

/// The bytes of the mail. The same key gives the same `Message-ID` and the same parts, so that a
/// mail that is sent again is known as the one that was sent before.
pub(super) fn write(
    settings: &Settings,
    to: &Recipient,
    message: &Message,
    key: Id,
) -> Option<Vec<u8>> {
    let document = message.document();
    let domain = settings.from.email.domain();
    let now = u64::try_from(settings.clock.now().as_seconds()).ok()?;
    let part = |kind, text: String| {
        SinglePart::builder()
            .header(kind)
            .header(ContentTransferEncoding::QuotedPrintable)
            .body(text)
    };
    let parts = MultiPart::alternative()
        .boundary(format!("part-{key}"))
        .singlepart(part(ContentType::TEXT_PLAIN, text::plain(&document)))
        .singlepart(part(ContentType::TEXT_HTML, document.to_html()));
    let mut mail = lettre::Message::builder()
        .from(settings.from.clone())
        .to(Mailbox::new(None, to.0.clone()))
        .subject(one_line(message.title()))
        .message_id(Some(format!("<{key}@{domain}>")))
        .date(SystemTime::UNIX_EPOCH + Duration::from_secs(now))
        .header(AutoSubmitted);
    if let Some(reply_to) = &settings.reply_to {
        mail = mail.reply_to(reply_to.clone());
    }
    let mail = mail.multipart(parts).ok()?.formatted();
    // All of it is encoded; a server needs to know no extension for it.
    mail.is_ascii().then_some(mail)
}

/// A text in which nothing ends the line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The longest address, in bytes (RFC 5321 §4.5.3.1.3).
const MAX_ADDRESS: usize = 254;
