//! Sending mail (Gmail, `users.messages.send`).

use std::fmt;

use bailee_core::{Effect, Result, ScopeName};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::Method;

use super::{
    PROVIDER, USER,
    mime::{self, Attachment, Mailbox, MessageId, Parts},
};
use crate::{
    context::Context,
    google::{
        errors,
        wire::{SendBody, SentBody},
    },
    json_call::JsonCall,
    operation::{Operation, OperationFacts},
    step::Step,
};

static SEND_MAIL: OperationFacts = OperationFacts {
    name: "google.send_mail",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("https://www.googleapis.com/auth/gmail.send")],
    effect: Effect::Effect,
    method: Method::POST,
    path: "/gmail/v1/users/me/messages/send",
    sends: &["communications"],
    reads: &[],
    credential: USER,
};

/// So many people may be written to at once.
const MOST_RECIPIENTS: usize = 100;

/// Sends a message in the person's name. Sending twice sends two: a message whose answer was lost
/// is not sent again. An id of one's own ([`SendMail::id`]) tells a duplicate to whoever gets it.
///
/// `Debug` shows how many recipients and attachments there are.
#[derive(Clone, PartialEq, Eq)]
pub struct SendMail {
    to: Vec<Mailbox>,
    cc: Vec<Mailbox>,
    bcc: Vec<Mailbox>,
    subject: String,
    text: String,
    attachments: Vec<Attachment>,
    id: Option<MessageId>,
    answers: Option<(String, MessageId)>,
}

impl SendMail {
    /// A message with a subject and a text, to nobody yet.
    pub fn new(subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            to: Vec::new(),
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: subject.into(),
            text: text.into(),
            attachments: Vec::new(),
            id: None,
            answers: None,
        }
    }

    /// Sends it to somebody.
    #[must_use]
    pub fn to(mut self, mailbox: Mailbox) -> Self {
        self.to.push(mailbox);
        self
    }

    /// Sends a copy to somebody.
    #[must_use]
    pub fn cc(mut self, mailbox: Mailbox) -> Self {
        self.cc.push(mailbox);
        self
    }

    /// Sends a copy to somebody without telling the others.
    #[must_use]
    pub fn bcc(mut self, mailbox: Mailbox) -> Self {
        self.bcc.push(mailbox);
        self
    }

    /// Attaches a file.
    #[must_use]
    pub fn attach(mut self, file: Attachment) -> Self {
        self.attachments.push(file);
        self
    }

    /// Gives it an id.
    #[must_use]
    pub fn id(mut self, id: MessageId) -> Self {
        self.id = Some(id);
        self
    }

    /// Makes it an answer to a message of a thread, whose subject it has to repeat.
    #[must_use]
    pub fn answering(mut self, thread: impl Into<String>, message: MessageId) -> Self {
        self.answers = Some((thread.into(), message));
        self
    }

    /// Checks what was given.
    ///
    /// # Errors
    ///
    /// Fails with `InvalidInput` and says what is not acceptable.
    pub fn check(&self) -> Result<()> {
        self.written().map(|_| ())
    }

    fn written(&self) -> Result<Vec<u8>> {
        let recipients = self.to.len() + self.cc.len() + self.bcc.len();
        if !(1..=MOST_RECIPIENTS).contains(&recipients) {
            return Err(mime::invalid("a message goes to 1 to 100 people"));
        }
        if let Some((thread, _)) = &self.answers
            && !((1..=64).contains(&thread.len())
                && thread.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        {
            return Err(mime::invalid("not the id of a thread"));
        }
        let parts = Parts {
            to: &self.to,
            cc: &self.cc,
            bcc: &self.bcc,
            subject: &self.subject,
            text: &self.text,
            attachments: &self.attachments,
            id: self.id.as_ref(),
            answers: self.answers.as_ref().map(|(_, id)| id),
        };
        let too_much = "the message is too large, or its subject is no line of 500 characters";
        parts.written().ok_or_else(|| mime::invalid(too_much))
    }
}

impl Operation for SendMail {
    type Output = SentMail;

    fn facts(&self) -> &OperationFacts {
        &SEND_MAIL
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<SentMail>> {
        let call = JsonCall::new(cx, &SEND_MAIL).at("gmail").classify(errors::classify);
        let call = match self.written() {
            Ok(message) => call.body(&SendBody {
                raw: &BASE64_URL_SAFE_NO_PAD.encode(message),
                thread_id: self.answers.as_ref().map(|(thread, _)| thread.as_str()),
            }),
            Err(_) => call.demand(false),
        };
        call.read(|sent: SentBody| Ok(SentMail { id: sent.id, thread: sent.thread_id }))
    }
}

impl fmt::Debug for SendMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendMail")
            .field("recipients", &(self.to.len() + self.cc.len() + self.bcc.len()))
            .field("attachments", &self.attachments.len())
            .finish_non_exhaustive()
    }
}

/// A message that was sent. The scope for sending does not let anybody read it again.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentMail {
    /// Gmail's id of it.
    pub id: String,
    /// The thread that it is in.
    pub thread: String,
}

impl fmt::Debug for SentMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SentMail([redacted])")
    }
}
