//! That an operator looked at something which shows who a person is.

use std::fmt;

use bailee_core::{
    Actor, Error, ErrorKind, Id, Plaintext, Result, SecretText, SubjectId, TenantId, Timestamp,
    audit::Entry,
};
use bailee_store::{Expect, Key, Op};
use bailee_vault::{Draft, Holder};
use serde::{Deserialize, Serialize};

use super::{Identity, Proof, kind};
use crate::{
    Additions,
    notice::body::{SCHEMA, decode},
};

/// What an operator saw.
#[derive(Debug)]
#[non_exhaustive]
pub struct Attestation {
    /// Who looked, as the host names operators.
    pub operator: Id,
    /// At what.
    pub seen: Seen,
    /// What they note of it. It is sealed under the person's key and deleted with the decision.
    pub note: Option<SecretText>,
}

/// What shows who somebody is: a closed list. There is no copy of a document in it: it would be more
/// than is necessary (Art. 5(1)(c) and 12(6) GDPR).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Seen {
    /// They answered questions about the account that only they can.
    AccountDetails,
    /// An identity document was shown and not kept.
    Document,
    /// They were there in person.
    InPerson,
    /// They wrote or called from an address or a number that was known before.
    KnownAddress,
    /// Somebody who acts for them showed that they may.
    Mandate,
}

/// `rights.attestation`. The note is a part beside it.
#[derive(Serialize, Deserialize)]
struct AttestationBody {
    operator: Id,
    seen: Seen,
    at: Timestamp,
}

impl Identity {
    /// Gives what records that an operator saw something that shows who the person is, with the proof
    /// for the request.
    ///
    /// The note is kept until the request is decided ([`forget`](Self::forget)), and never longer than
    /// `until`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] for a note of more than four kibibytes; [`ErrorKind::InvalidInput`] for
    /// an end that has passed; as [`Identity::ask_code`].
    pub async fn attest(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        request: Id,
        attestation: Attestation,
        until: Timestamp,
    ) -> Result<(Proof, Additions)> {
        let vault = self.vault();
        let now = vault.clock().now();
        if until <= now {
            return Err(Error::new(ErrorKind::InvalidInput)
                .with_detail("what an operator saw is kept until a time that is to come"));
        }
        let Attestation { operator, seen, note } = attestation;
        let size = note.as_ref().map_or(0, |note| note.expose(<[u8]>::len));
        if size > MAX_NOTE {
            return Err(Error::new(ErrorKind::TooLarge).with_detail("a note is too long"));
        }
        let key = Key::new(kind::ATTESTATION, request);
        let holder = Holder::Subject(subject);
        let view = vault.read(tenant, holder, std::slice::from_ref(&key)).await?;
        let body = AttestationBody { operator, seen, at: now };
        let mut draft = Draft::new(key, holder).expires(until).json(SCHEMA, &body)?;
        if let Some(note) = note {
            draft = draft.part(NOTE, note.into_plaintext());
        }
        let put = vault.put(tenant, draft, view.record(0)).await?;
        let entry = Entry::new("rights.identity_attested", now)
            .about(subject)
            .by(&Actor::Operator { operator })
            .with("request", request)
            .with("method", seen.as_str());
        let proof = Proof::Attested { operator, seen, at: now };
        Ok((proof, Additions { ops: vec![put], entries: vec![entry] }))
    }

    /// What an operator noted of a request, for operators, as long as it is not decided.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is none, or not any more; as [`Identity::ask_code`].
    pub async fn attestation(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        request: Id,
    ) -> Result<Attestation> {
        let key = Key::new(kind::ATTESTATION, request);
        let view = self.vault().read(tenant, Holder::Subject(subject), &[key]).await?;
        if view.record(0).is_none_or(|record| record.subject != Some(subject)) {
            return Err(ErrorKind::NotFound.into());
        }
        let body: AttestationBody = decode(&view.facts(0)?.ok_or(ErrorKind::NotFound)?)?;
        let note = match view.part(0, NOTE) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            note => Some(SecretText::new(note?)),
        };
        Ok(Attestation { operator: body.operator, seen: body.seen, note })
    }

    /// What deletes everything that was collected to know who made a request, once it is decided:
    /// evidence is kept no longer than it is needed (Art. 5(1)(e) GDPR).
    ///
    /// # Errors
    ///
    /// As [`Identity::ask_code`].
    pub async fn forget(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        request: Id,
    ) -> Result<Additions> {
        let mut additions = self.forget_code(tenant, subject, request).await?;
        let key = Key::new(kind::ATTESTATION, request);
        let found = self.vault().store().read(tenant, std::slice::from_ref(&key)).await?;
        if let Some(record) = found.records.into_iter().flatten().next() {
            additions.ops.push(Op::Delete { key, expect: Expect::Version(record.version) });
        }
        Ok(additions)
    }
}

impl Attestation {
    /// Without a note.
    pub fn new(operator: Id, seen: Seen) -> Self {
        Self { operator, seen, note: None }
    }

    /// With a note.
    #[must_use]
    pub fn with_note(mut self, note: &str) -> Self {
        self.note = Some(SecretText::new(Plaintext::copy_from(note.as_bytes())));
        self
    }
}

impl Seen {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::AccountDetails, Self::Document, Self::InPerson, Self::KnownAddress, Self::Mandate];

    /// The word that records and the log use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccountDetails => "account_details",
            Self::Document => "document",
            Self::InPerson => "in_person",
            Self::KnownAddress => "known_address",
            Self::Mandate => "mandate",
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The part with what an operator noted.
const NOTE: &str = "note";
/// The longest note, in bytes.
const MAX_NOTE: usize = 4096;
