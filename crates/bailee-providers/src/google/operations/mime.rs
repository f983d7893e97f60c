//! E-mail as RFC 5322 and RFC 2045 want it: what is given becomes text of a header or base64 of a
//! body, and can be nothing else.

use std::{borrow::Cow, fmt};

use bailee_core::{Error, ErrorKind, Result};
use base64::{Engine, prelude::BASE64_STANDARD};

use super::PROVIDER;
use crate::file_name::SafeFileName;

/// The largest message, in bytes as it is sent: a third of an attachment is its encoding. Larger
/// ones have an address of their own, which is not covered.
pub const MESSAGE_LIMIT: usize = 5 * 1024 * 1024;

/// How many bytes of a text one encoded word holds, so that a line stays within 76 characters
/// (RFC 2047 §2).
const WORD: usize = 39;

/// What stands between parts. No line of base64 and no header of a part begins like it (RFC 2045
/// §6.8).
const BOUNDARY: &str = "=_part_of_a_message";

/// Somebody to send mail to. `Debug` shows nothing of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Mailbox {
    address: String,
    name: Option<String>,
}

impl Mailbox {
    /// An address: `local@domain` in ASCII, without quotes, comments and address literals.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for any other; the error does not repeat it.
    pub fn new(address: impl Into<String>) -> Result<Self> {
        let address = address.into();
        if is_address(&address) {
            Ok(Self { address, name: None })
        } else {
            Err(invalid("not an e-mail address"))
        }
    }

    /// Gives them a name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a name of more than 200 characters or with a control
    /// character.
    pub fn named(mut self, name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        if !is_line(&name, 200) {
            return Err(invalid("not a name of a person"));
        }
        self.name = Some(name).filter(|name| !name.trim().is_empty());
        Ok(self)
    }

    fn written(&self) -> String {
        match &self.name {
            Some(name) => format!("{}\r\n <{}>", phrase(name), self.address),
            None => self.address.clone(),
        }
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox([redacted])")
    }
}

/// A message's own id (RFC 5322 §3.6.4): `<left@right>`. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct MessageId(String);

impl MessageId {
    /// Takes an id, with its angle brackets or without.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for what is not two runs of atoms around an `@`.
    pub fn new(id: &str) -> Result<Self> {
        let inner = id.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(id);
        match inner.split_once('@') {
            Some((left, right)) if inner.len() <= 250 && is_atoms(left) && is_atoms(right) => {
                Ok(Self(format!("<{inner}>")))
            }
            _ => Err(invalid("not the id of a message")),
        }
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageId([redacted])")
    }
}

/// A file that goes with a message. `Debug` shows its size.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    name: SafeFileName,
    content_type: Cow<'static, str>,
    pub(super) bytes: Vec<u8>,
}

impl Attachment {
    /// A file; its name is made safe.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for what is not `type/subtype`, and for parts that are messages
    /// themselves (`multipart/…`, `message/…`).
    pub fn new(
        name: &str,
        content_type: impl Into<Cow<'static, str>>,
        bytes: Vec<u8>,
    ) -> Result<Self> {
        let content_type = content_type.into();
        let parts = content_type.split_once('/');
        let composite = |kind: &str| {
            kind.eq_ignore_ascii_case("multipart") || kind.eq_ignore_ascii_case("message")
        };
        match parts {
            Some((kind, subtype)) if is_token(kind) && is_token(subtype) && !composite(kind) => {
                Ok(Self { name: SafeFileName::of(name), content_type, bytes })
            }
            _ => Err(invalid("not the type of an attachment")),
        }
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attachment({} bytes)", self.bytes.len())
    }
}

/// What a message is made of.
pub(super) struct Parts<'a> {
    pub(super) to: &'a [Mailbox],
    pub(super) cc: &'a [Mailbox],
    pub(super) bcc: &'a [Mailbox],
    pub(super) subject: &'a str,
    pub(super) text: &'a str,
    pub(super) attachments: &'a [Attachment],
    pub(super) id: Option<&'a MessageId>,
    pub(super) answers: Option<&'a MessageId>,
}

impl Parts<'_> {
    /// The message; none where it is too large or its subject is no line of text. Who sends it, and
    /// when, is the provider's to say.
    pub(super) fn written(&self) -> Option<Vec<u8>> {
        let payload: usize = self.attachments.iter().map(|file| file.bytes.len()).sum();
        if self.text.len().checked_add(payload)? > MESSAGE_LIMIT || !is_line(self.subject, 500) {
            return None;
        }
        let mut message = String::new();
        for (name, list) in [("To", self.to), ("Cc", self.cc), ("Bcc", self.bcc)] {
            if !list.is_empty() {
                let list: Vec<String> = list.iter().map(Mailbox::written).collect();
                header(&mut message, name, &list.join(",\r\n "));
            }
        }
        header(&mut message, "Subject", &unstructured(self.subject));
        for (name, id) in
            [("Message-ID", self.id), ("In-Reply-To", self.answers), ("References", self.answers)]
        {
            if let Some(MessageId(id)) = id {
                header(&mut message, name, id);
            }
        }
        header(&mut message, "MIME-Version", "1.0");
        if self.attachments.is_empty() {
            self.text_part(&mut message);
        } else {
            let mixed = format!("multipart/mixed;\r\n boundary=\"{BOUNDARY}\"");
            header(&mut message, "Content-Type", &mixed);
            message.push_str("\r\n");
            separate(&mut message, "");
            self.text_part(&mut message);
            for file in self.attachments {
                separate(&mut message, "");
                file.part(&mut message);
            }
            separate(&mut message, "--");
        }
        (message.len() <= MESSAGE_LIMIT).then(|| message.into_bytes())
    }

    fn text_part(&self, message: &mut String) {
        header(message, "Content-Type", "text/plain; charset=utf-8");
        // Lines of text end in CR and LF (RFC 2045 §6.8).
        let text = self.text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
        body(message, text.as_bytes());
    }
}

impl Attachment {
    fn part(&self, message: &mut String) {
        header(message, "Content-Type", &self.content_type);
        let name = self.name.as_str();
        let plain: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
        let mut disposition = format!("attachment;\r\n filename=\"{plain}\"");
        if plain != name {
            // RFC 2231 §4; the plain name is for readers that do not know it.
            disposition.push_str(";\r\n filename*=UTF-8''");
            for byte in name.bytes() {
                if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
                    disposition.push(char::from(byte));
                } else {
                    disposition.push_str(&format!("%{byte:02X}"));
                }
            }
        }
        header(message, "Content-Disposition", &disposition);
        body(message, &self.bytes);
    }
}

fn header(message: &mut String, name: &str, value: &str) {
    message.push_str(name);
    message.push_str(": ");
    message.push_str(value);
    message.push_str("\r\n");
}

/// Base64 in lines of 76 characters (RFC 2045 §6.8).
fn body(message: &mut String, bytes: &[u8]) {
    header(message, "Content-Transfer-Encoding", "base64");
    message.push_str("\r\n");
    message.reserve(bytes.len() / 3 * 4 + bytes.len() / 28 + 8);
    for line in bytes.chunks(57) {
        BASE64_STANDARD.encode_string(line, message);
        message.push_str("\r\n");
    }
}

fn separate(message: &mut String, end: &str) {
    message.push_str("--");
    message.push_str(BOUNDARY);
    message.push_str(end);
    message.push_str("\r\n");
}

/// Text of a header: as it is where it is short and plain, else as encoded words (RFC 2047).
fn unstructured(text: &str) -> String {
    let plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && text.len() <= 60
        && text.trim() == text
        && !text.contains("=?");
    if plain { text.to_owned() } else { encoded(text) }
}

/// A name before an address: atoms, else encoded words.
fn phrase(name: &str) -> String {
    let plain = name.len() <= 60
        && name.trim() == name
        && name.bytes().all(|byte| byte == b' ' || is_atom_byte(byte))
        && !name.contains("=?");
    if plain { name.to_owned() } else { encoded(name) }
}

fn encoded(text: &str) -> String {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = rest.len().min(WORD);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (word, after) = rest.split_at(end);
        words.push(format!("=?UTF-8?B?{}?=", BASE64_STANDARD.encode(word)));
        rest = after;
    }
    words.join("\r\n ")
}

/// `local@domain` (RFC 5321 §4.1.2), without what nobody needs and attackers use.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 254
        && local.len() <= 64
        && is_atoms(local)
        && domain.contains('.')
        && domain.split('.').all(label)
}

/// Atoms with single dots between them (RFC 5322 §3.2.3).
fn is_atoms(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom_byte))
}

fn is_atom_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// RFC 2045 §5.1.
fn is_token(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte))
}

/// One line of so many characters: nothing in it ends a header or begins another.
fn is_line(text: &str, longest: usize) -> bool {
    text.chars().count() <= longest
        && !text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
}

pub(super) fn invalid(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput).with_provider(PROVIDER).with_detail(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'a>(subject: &'a str, text: &'a str, files: &'a [Attachment]) -> Parts<'a> {
        Parts {
            to: &[],
            cc: &[],
            bcc: &[],
            subject,
            text,
            attachments: files,
            id: None,
            answers: None,
        }
    }

    fn text(parts: &Parts<'_>) -> String {
        String::from_utf8(parts.written().unwrap()).unwrap()
    }

    #[test]
    fn a_message_is_headers_and_base64() {
        let to = [Mailbox::new("grace@example.test").unwrap().named("Grace Hopper").unwrap()];
        let id = MessageId::new("1@app.example.test").unwrap();
        let answers = MessageId::new("<0@other.example>").unwrap();
        let parts = Parts {
            to: &to,
            id: Some(&id),
            answers: Some(&answers),
            ..parts("Hello", "one\ntwo", &[])
        };
        assert_eq!(
            text(&parts),
            "To: Grace Hopper\r\n <grace@example.test>\r\n\
             Subject: Hello\r\n\
             Message-ID: <1@app.example.test>\r\n\
             In-Reply-To: <0@other.example>\r\n\
             References: <0@other.example>\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: base64\r\n\
             \r\n\
             b25lDQp0d28=\r\n"
        );
    }

    #[test]
    fn a_message_with_files_has_parts() {
        let file = Attachment::new("C:\\x\\Gruß \"1\".pdf", "application/pdf", b"%PDF".to_vec());
        let files = [file.unwrap()];
        let written = text(&parts("s", "t", &files));
        let (_, content) = written.split_once("boundary=\"=_part_of_a_message\"\r\n").unwrap();
        assert_eq!(
            content,
            "\r\n\
             --=_part_of_a_message\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: base64\r\n\
             \r\n\
             dA==\r\n\
             --=_part_of_a_message\r\n\
             Content-Type: application/pdf\r\n\
             Content-Disposition: attachment;\r\n filename=\"Gru_ _1_.pdf\";\r\n \
             filename*=UTF-8''Gru%C3%9F%20_1_.pdf\r\n\
             Content-Transfer-Encoding: base64\r\n\
             \r\n\
             JVBERg==\r\n\
             --=_part_of_a_message--\r\n"
        );
    }

    #[test]
    fn what_would_begin_another_header_is_refused() {
        for address in [
            "",
            "a",
            "@b.test",
            "a@",
            "a@b",
            "a@b.test\r\nBcc: c@d.test",
            "a@b.test ",
            "a b@c.test",
            "a,b@c.test",
            "\"a\"@b.test",
            "a@[127.0.0.1]",
            "a@b..test",
            ".a@b.test",
            "a..b@c.test",
            "<a@b.test>",
            "a@b.test,c@d.test",
            "a@-b.test",
            "ä@b.test",
            "a@ä.test",
            "a@b@c.test",
        ] {
            let error = Mailbox::new(address).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{address}");
            assert!(address.len() < 4 || !error.to_string().contains(address), "{address}");
        }
        let mailbox = || Mailbox::new("a+b.c'd@sub.example.test").unwrap();
        for name in
            ["a\r\nBcc: c@d.test", "a\nb", "a\0", "a\u{85}b", "a\u{2028}b", &"x".repeat(201)]
        {
            assert!(mailbox().named(name).is_err(), "{name:?}");
            assert!(name.len() > 200 || parts(name, "", &[]).written().is_none(), "{name:?}");
        }
        for id in ["", "a", "<a@b", "a@b>", "<a@b>\r\nX: y", "a b@c", "<a@b@c>", "@", "a@"] {
            assert!(MessageId::new(id).is_err(), "{id:?}");
        }
        for kind in [
            "",
            "text",
            "text/",
            "/x",
            "text/plain; a=b",
            "text/a\r\nX: y",
            "text/a b",
            "multipart/mixed",
            "Message/rfc822",
        ] {
            assert!(Attachment::new("a", kind, Vec::new()).is_err(), "{kind:?}");
        }
    }

    #[test]
    fn words_that_are_no_atoms_are_encoded_and_no_line_is_long() {
        let to = [
            Mailbox::new("a@b.test").unwrap().named("Ada, <Countess>").unwrap(),
            Mailbox::new("b@b.test").unwrap().named("Żółć".repeat(20)).unwrap(),
            Mailbox::new("c@b.test").unwrap().named("  ").unwrap(),
        ];
        let subject = "=?UTF-8?B?ZmFrZQ==?= \u{1f600} and so on, ".repeat(9);
        let written = text(&Parts { to: &to, ..parts(&subject, &"x".repeat(500), &[]) });
        assert!(written.starts_with("To: =?UTF-8?B?QWRhLCA8Q291bnRlc3M+?=\r\n <a@b.test>,\r\n "));
        assert!(written.contains(",\r\n c@b.test\r\n"));
        assert!(written.is_ascii());
        for line in written.split("\r\n") {
            assert!(line.len() <= 76 && !line.contains(['\r', '\n']), "{line}");
        }
        let (_, rest) = written.split_once("Subject: ").unwrap();
        let (header, _) = rest.split_once("\r\nMIME").unwrap();
        let decoded: Vec<u8> = header
            .split("\r\n ")
            .map(|word| word.strip_prefix("=?UTF-8?B?").unwrap().strip_suffix("?=").unwrap())
            .flat_map(|word| BASE64_STANDARD.decode(word).unwrap())
            .collect();
        assert_eq!(decoded, subject.as_bytes());
    }

    #[test]
    fn a_message_has_a_limit() {
        let file = |size| [Attachment::new("a", "text/plain", vec![0; size]).unwrap()];
        assert!(parts("", "", &file(3_700_000)).written().is_some());
        assert!(parts("", "", &file(4_000_000)).written().is_none());
        assert!(parts("", "", &file(MESSAGE_LIMIT + 1)).written().is_none());
    }

    #[test]
    fn nothing_of_a_message_is_printed() {
        let mailbox = Mailbox::new("fake@b.test").unwrap().named("fake").unwrap();
        let id = MessageId::new("fake@b").unwrap();
        let file = Attachment::new("fake", "text/fake", b"fake".to_vec()).unwrap();
        let printed = format!("{mailbox:?} {id:?} {file:?}");
        assert!(!printed.contains("fake"), "{printed}");
    }
}
