//! The conversation with a mail server (RFC 5321).
//!
//! It is our own because three things have to be certain that a general client leaves open: that
//! nothing which came before TLS is read as an answer within it, that ring is the provider of TLS
//! whatever the process installed, and at which step a server refused.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use zeroize::Zeroizing;

use super::{
    builder::{Credentials, Security, Settings},
    reply::{Fault, Reply},
};

/// A stream in the clear or within TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection at which a message may be handed over.
pub(super) struct Wire(Line<Box<dyn Stream>>);

/// A stream with what was read of it and not looked at.
struct Line<S> {
    stream: S,
    read: Vec<u8>,
}

impl Wire {
    /// Connects, begins TLS and signs in, as far as the settings say.
    pub(super) async fn open(settings: &Settings) -> Result<Self, Fault> {
        let address = (settings.server.as_str(), settings.port);
        let stream = TcpStream::connect(address).await.map_err(|_| Fault::Lost)?;
        let tls = async |stream| {
            let connector = settings.connector.as_ref().ok_or(Fault::Tls)?;
            let connecting = connector.connect(settings.name.clone(), stream);
            connecting.await.map_err(|error| match error.kind() {
                // A certificate that is not trusted is invalid data; the rest is the network's.
                std::io::ErrorKind::InvalidData => Fault::Tls,
                _ => Fault::Lost,
            })
        };
        let mut line: Line<Box<dyn Stream>> = match settings.security {
            Security::Plaintext => {
                let mut line = Line::new(Box::new(stream) as Box<dyn Stream>);
                line.reply().await?.good(Fault::NotNow)?;
                line
            }
            Security::Implicit => {
                let mut line = Line::new(Box::new(tls(stream).await?) as Box<dyn Stream>);
                line.reply().await?.good(Fault::NotNow)?;
                line
            }
            Security::StartTls => {
                let mut line = Line::new(stream);
                line.reply().await?.good(Fault::NotNow)?;
                line.hello(settings).await?.offers("STARTTLS").ok_or(Fault::Tls)?;
                line.say("STARTTLS").await?.good(Fault::Tls)?;
                // Whatever came along in the clear was said by anybody (RFC 3207 §6).
                if !line.read.is_empty() {
                    return Err(Fault::Tls);
                }
                Line::new(Box::new(tls(line.stream).await?) as Box<dyn Stream>)
            }
        };
        let offered = line.hello(settings).await?;
        if let Some(credentials) = &settings.credentials {
            line.sign_in(&offered, credentials).await?;
        }
        Ok(Self(line))
    }

    /// Hands a message over. The answer is the server's word that it has it.
    pub(super) async fn send(&mut self, from: &str, to: &str, mail: &[u8]) -> Result<Reply, Fault> {
        let line = &mut self.0;
        line.say(&format!("MAIL FROM:<{from}>")).await?.good(Fault::NotNow)?;
        let answer = line.say(&format!("RCPT TO:<{to}>")).await?;
        let refusal = answer.refusal(true);
        answer.good(refusal)?;
        if line.say("DATA").await?.code() != 354 {
            return Err(Fault::NotNow);
        }
        line.write(&stuffed(mail)).await?;
        let answer = line.reply().await?;
        let refusal = answer.refusal(false);
        answer.good(refusal)
    }

    /// Says good-bye. What comes of it changes nothing.
    pub(super) async fn quit(&mut self) {
        let _ = timeout(GOOD_BYE, self.0.say("QUIT")).await;
    }
}

impl<S: Stream> Line<S> {
    fn new(stream: S) -> Self {
        Self { stream, read: Vec::new() }
    }

    async fn hello(&mut self, settings: &Settings) -> Result<Reply, Fault> {
        self.say(&format!("EHLO {}", settings.hello)).await?.good(Fault::NotNow)
    }

    /// Signs in by `PLAIN` or `LOGIN` (RFC 4954, RFC 4616).
    async fn sign_in(&mut self, offered: &Reply, who: &Credentials) -> Result<(), Fault> {
        let offered = offered.offers("AUTH").ok_or(Fault::Credentials)?;
        let offers = |name: &str| offered.split(' ').any(|mechanism| mechanism == name);
        let answer = if offers("PLAIN") {
            let plain = who.user.expose(|user| {
                who.password.expose(|password| {
                    let mut plain =
                        Zeroizing::new(Vec::with_capacity(user.len() + password.len() + 2));
                    plain.push(0);
                    plain.extend_from_slice(user);
                    plain.push(0);
                    plain.extend_from_slice(password);
                    encoded("AUTH PLAIN ", &plain)
                })
            });
            self.write(&plain).await?;
            self.reply().await?
        } else if offers("LOGIN") {
            let mut answer = self.say("AUTH LOGIN").await?;
            for part in [&who.user, &who.password] {
                if answer.code() != 334 {
                    return Err(Fault::Credentials);
                }
                self.write(&part.expose(|part| encoded("", part))).await?;
                answer = self.reply().await?;
            }
            answer
        } else {
            return Err(Fault::Credentials);
        };
        match answer.code() {
            235 => Ok(()),
            // 421, 454: not now.
            400..500 => Err(Fault::NotNow),
            _ => Err(Fault::Credentials),
        }
    }

    async fn say(&mut self, command: &str) -> Result<Reply, Fault> {
        // What we say is ours, and an address was checked; a line that is two is a fault here.
        if command.bytes().any(|byte| !(b' '..=b'~').contains(&byte)) {
            return Err(Fault::NotNow);
        }
        self.write(format!("{command}\r\n").as_bytes()).await?;
        self.reply().await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.stream.write_all(bytes).await.map_err(|_| Fault::Lost)?;
        self.stream.flush().await.map_err(|_| Fault::Lost)
    }

    async fn reply(&mut self) -> Result<Reply, Fault> {
        loop {
            if let Some((reply, length)) = Reply::parse(&self.read)? {
                self.read.drain(..length);
                return Ok(reply);
            }
            let mut some = [0; 1024];
            let count = self.stream.read(&mut some).await.map_err(|_| Fault::Lost)?;
            if count == 0 {
                return Err(Fault::Lost);
            }
            self.read.extend_from_slice(&some[..count]);
        }
    }
}

/// A line with a secret in base64, in a buffer that is wiped and never grows.
fn encoded(command: &str, secret: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = command.len() + secret.len().div_ceil(3) * 4;
    let mut line = Zeroizing::new(vec![0; length + 2]);
    line[..command.len()].copy_from_slice(command.as_bytes());
    // The buffer has just the length of the text.
    let written = STANDARD.encode_slice(secret, &mut line[command.len()..length]);
    let end = command.len() + written.unwrap_or_default();
    line[end..end + 2].copy_from_slice(b"\r\n");
    line.truncate(end + 2);
    line
}

/// The mail with a dot before each line that begins with one, and the end behind it (RFC 5321 §4.5.2).
fn stuffed(mail: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(mail.len() + 64);
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

/// How long a good-bye may take.
const GOOD_BYE: std::time::Duration = std::time::Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_at_the_beginning_of_a_line_does_not_end_a_mail() {
        assert_eq!(stuffed(b"a\r\n.\r\n..b"), b"a\r\n..\r\n...b\r\n.\r\n");
        assert_eq!(stuffed(b"a\r\n"), b"a\r\n.\r\n");
    }

    #[test]
    fn secrets_are_written_whole() {
        for secret in ["", "a", "ab", "abc", "\0fake-user\0fake-password"] {
            let line = encoded("AUTH PLAIN ", secret.as_bytes());
            let expected = format!("AUTH PLAIN {}\r\n", STANDARD.encode(secret));
            assert_eq!(line.as_slice(), expected.as_bytes());
        }
    }
}
