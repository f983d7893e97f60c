//! What a mail server answers (RFC 5321 §4.2), and what it means for a message.

use bailee_core::{Error, ErrorKind};

/// An answer.
#[derive(PartialEq, Eq)]
pub(super) struct Reply {
    code: u16,
    bytes: Vec<u8>,
}

/// Why a message was not taken. It holds nothing of what the server said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The server offers no way of signing in that is known here, or refused the credentials.
    Credentials,
    /// No connection, no answer, an answer that is none: nobody knows.
    Lost,
    /// It refused for another reason than the recipient: now, or until an operator mends it.
    NotNow,
    /// It takes nothing for this recipient.
    Recipient,
    /// It offers no TLS, or its certificate is not trusted.
    Tls,
}

impl Reply {
    /// Reads an answer that ends the buffer, or `None` where it is not whole yet.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Fault> {
        let mut end = 0;
        let mut known = None;
        while let Some(length) = bytes[end..].windows(2).position(|pair| pair == b"\r\n") {
            let line = &bytes[end..end + length];
            end += length + 2;
            let (digits, rest) = line.split_at_checked(3).ok_or(Fault::Lost)?;
            if !digits.iter().all(u8::is_ascii_digit) || !(b'2'..=b'5').contains(&digits[0]) {
                return Err(Fault::Lost);
            }
            let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
            if *known.get_or_insert(code) != code {
                return Err(Fault::Lost);
            }
            match rest.first() {
                Some(b'-') => {}
                Some(b' ') | None => {
                    return Ok(Some((Self { code, bytes: bytes[..end].to_vec() }, end)));
                }
                Some(_) => return Err(Fault::Lost),
            }
        }
        if bytes.len() > MAX_REPLY { Err(Fault::Lost) } else { Ok(None) }
    }

    pub(super) fn code(&self) -> u16 {
        self.code
    }

    /// The whole answer, for its digest.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The texts of its lines.
    pub(super) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.split(|byte| *byte == b'\n').filter_map(|line| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            line.get(4..)
        })
    }

    /// Whether it offers an extension, and with which words.
    pub(super) fn offers(&self, extension: &str) -> Option<String> {
        let lines = self.lines().filter_map(|line| std::str::from_utf8(line).ok());
        let mut words = lines.map(|line| line.split_once([' ', '=']).unwrap_or((line, "")));
        let found = words.find(|(name, _)| name.eq_ignore_ascii_case(extension));
        found.map(|(_, words)| words.to_ascii_uppercase())
    }

    /// The answer, where it is one of success.
    pub(super) fn good(self, fault: Fault) -> Result<Self, Fault> {
        if (200..300).contains(&self.code) { Ok(self) } else { Err(fault) }
    }

    /// What a refusal of the recipient, or of the mail for them, means.
    ///
    /// Final is what is said of the address or the mailbox: with an enhanced code (RFC 3463) its
    /// subjects 1 and 2, and without one what was said of the recipient alone. Everything else may be
    /// a fault of ours that an operator mends, and the message waits for that.
    pub(super) fn refusal(&self, of_recipient: bool) -> Fault {
        if self.code < 500 {
            return Fault::NotNow;
        }
        let subject = self.lines().next().and_then(|line| {
            let word = line.split(|byte| *byte == b' ').next()?;
            let mut numbers = word.split(|byte| *byte == b'.');
            let class = numbers.next()?;
            let (subject, detail) = (numbers.next()?, numbers.next()?);
            let whole = class == b"5" && !detail.is_empty() && numbers.next().is_none();
            whole.then_some(subject)
        });
        match subject {
            Some(b"1" | b"2") => Fault::Recipient,
            Some(_) => Fault::NotNow,
            // 530, 535: we did not sign in.
            None if of_recipient && !matches!(self.code, 530..=539) => Fault::Recipient,
            None => Fault::NotNow,
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let (kind, detail) = match fault {
            Fault::Credentials => {
                (ErrorKind::Configuration, "the mail server refused the credentials")
            }
            Fault::Tls => {
                (ErrorKind::Configuration, "the mail server offers no TLS that is trusted")
            }
            Fault::Lost => (ErrorKind::ProviderUnavailable, "the mail server does not answer"),
            Fault::NotNow | Fault::Recipient => {
                (ErrorKind::ProviderUnavailable, "the mail server refused")
            }
        };
        Error::new(kind).with_detail(detail)
    }
}

/// The longest answer, in bytes. A line has 512 (RFC 5321 §4.5.3.1.5), and greetings some twenty.
const MAX_REPLY: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str) -> Reply {
        let (reply, length) = Reply::parse(text.as_bytes()).unwrap().unwrap();
        assert_eq!(length, text.len());
        reply
    }

    #[test]
    fn an_answer_is_whole_with_its_last_line_and_nothing_behind_it_belongs_to_it() {
        let text = b"250-a.example\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n250 injected\r\n";
        let (read, length) = Reply::parse(text).unwrap().unwrap();
        assert_eq!((read.code(), length), (250, text.len() - 14));
        assert_eq!(read.offers("starttls").as_deref(), Some(""));
        assert_eq!(read.offers("AUTH").as_deref(), Some("PLAIN LOGIN"));
        assert_eq!(read.offers("SIZE"), None);
        for end in 0..length - 1 {
            assert!(Reply::parse(&text[..end]).unwrap().is_none(), "{end}");
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let long = format!("250-{}", "a".repeat(MAX_REPLY));
        for text in [
            "25\r\n",
            "abc hello\r\n",
            "150 x\r\n",
            "650 x\r\n",
            "250-a\r\n251 b\r\n",
            "250!\r\n",
            &long,
        ] {
            assert!(Reply::parse(text.as_bytes()).is_err(), "{text:.20}");
        }
        assert_eq!(reply("250\r\n").code(), 250);
    }

    #[test]
    fn final_is_only_what_is_said_of_the_recipient() {
        for (text, of_recipient, fault) in [
            ("550 5.1.1 No such user\r\n", true, Fault::Recipient),
            ("550 no such user here\r\n", true, Fault::Recipient),
            ("552 5.2.2 mailbox full\r\n", false, Fault::Recipient),
            ("550 5.7.1 relaying denied\r\n", true, Fault::NotNow),
            ("530 5.7.0 authenticate\r\n", true, Fault::NotNow),
            ("530 authenticate\r\n", true, Fault::NotNow),
            ("554 spam\r\n", false, Fault::NotNow),
            ("450 4.2.1 later\r\n", true, Fault::NotNow),
            ("451 5.1.1 contradicts itself\r\n", true, Fault::NotNow),
        ] {
            assert_eq!(reply(text).refusal(of_recipient), fault, "{text}");
        }
    }
}
