//! One-time codes: eight digits, sent to an address that the host knew before.
//!
//! Of a code only a keyed hash is kept, bound to tenant, person and request. It counts once, for
//! fifteen minutes, and for five guesses; a newer one takes its place. All codes of a person lie in
//! one record: a guess writes it under the version that it read, so that guesses at the same time
//! count one by one, and whoever begins many requests has no more guesses than with one.

use bailee_core::{
    Error, ErrorKind, Id, Random, Remedy, Result, SecretText, SubjectId, TenantId, Timestamp,
    audit::Entry,
};
use bailee_store::{Key, Op};
use bailee_vault::{Draft, Holder, View};
use serde::{Deserialize, Serialize};

use super::{Identity, Proof, kind, service::HOUR};
use crate::{
    Additions,
    message::{Content, Letter},
    notice::body::{SCHEMA, decode},
    request::Right,
};

/// A code that somebody entered.
#[derive(Debug)]
pub struct Code(SecretText);

/// What a code showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// There is none that counts: its time is over, or none was asked for.
    Expired,
    /// It is the person.
    Proven(Proof),
    /// It was used already, or guessed at too often.
    Spent,
    /// It is another one.
    Wrong {
        /// How many guesses are left.
        left: u32,
    },
}

/// What a code showed, with what writes that down.
///
/// The outcome counts when this is committed and not before: who is told of it earlier has guessed for
/// nothing. A commit that conflicts means that somebody guessed at the same time: check again.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Checked {
    /// What it showed.
    pub outcome: Outcome,
    /// What writes it down. Nothing where there was nothing to guess at.
    pub additions: Additions,
}

/// `rights.codes`.
#[derive(Default, Serialize, Deserialize)]
struct CodesBody {
    /// When the last ones were made.
    issued: Vec<Timestamp>,
    /// The last one of each request.
    codes: Vec<CodeBody>,
}

#[derive(Serialize, Deserialize)]
struct CodeBody {
    request: Id,
    /// The keyed hash.
    hash: Id,
    /// Another one each time, so that a code that is drawn twice has two hashes.
    salt: Id,
    /// The letter that brings it.
    message: Id,
    until: Timestamp,
    wrong: u32,
    used: bool,
}

impl Identity {
    /// Gives what makes a code for a request and sends it to the person. An earlier one of the request
    /// counts no more, and its letter is not sent if it still waits.
    ///
    /// The code is in the letter and nowhere else.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::RateLimited`] after too many within an hour, with the time to wait;
    /// [`ErrorKind::NotFound`], [`ErrorKind::Shredded`], [`ErrorKind::RandomnessFailed`] and what the
    /// store and the vault say.
    pub async fn ask_code(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        request: Id,
        right: Right,
    ) -> Result<Additions> {
        let (vault, rules) = (self.vault(), self.rules());
        let now = vault.clock().now();
        let (view, mut body) = self.read_codes(tenant, subject).await?;
        body.issued.retain(|at| now.since(*at) < HOUR);
        if body.issued.len() >= rules.codes_an_hour as usize {
            let first = body.issued.first().copied().unwrap_or(now);
            let wait = HOUR.saturating_sub(now.since(first));
            return Err(Error::new(ErrorKind::RateLimited)
                .with_detail("too many codes within an hour")
                .with_remedy(Remedy::Wait(wait)));
        }
        let code = draw(&**vault.random())?;
        let (salt, message) = (Id::generate(&**vault.random())?, Id::generate(&**vault.random())?);
        let hash = self.hash(tenant, subject, request, salt, &code).await?;
        let former = body.codes.iter().find(|code| code.request == request);
        let former = former.map(|code| code.message);
        let until = now.plus(rules.code_life);
        body.issued.push(now);
        // What nobody can use any more is not kept.
        body.codes.retain(|code| code.request != request && code.until > now);
        body.codes.push(CodeBody { request, hash, salt, message, until, wrong: 0, used: false });
        let mut additions = match former {
            Some(former) => self.messages().replace(tenant, subject, former).await?,
            None => Additions::default(),
        };
        let minutes = u32::try_from(rules.code_life.as_secs() / 60).unwrap_or(u32::MAX);
        let mut letter = Letter::new(request, right, Content::IdentityCode { minutes });
        letter.secret = Some(code);
        let letter = self.messages().queue_as(tenant, subject, message, letter, Some(until));
        additions = additions.and(letter.await?);
        additions.ops.push(self.put_codes(tenant, subject, &body, &view).await?);
        additions.entries.push(
            Entry::new("rights.code_made", now)
                .about(subject)
                .with("request", request)
                .with("until", until),
        );
        Ok(additions)
    }

    /// Compares a code that somebody entered with the one of the request.
    ///
    /// # Errors
    ///
    /// As [`Identity::ask_code`].
    pub async fn check_code(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        request: Id,
        entered: &Code,
    ) -> Result<Checked> {
        let now = self.vault().clock().now();
        let (view, mut body) = self.read_codes(tenant, subject).await?;
        let nothing = |outcome| Checked { outcome, additions: Additions::default() };
        let Some(code) = body.codes.iter_mut().find(|code| code.request == request) else {
            return Ok(nothing(Outcome::Expired));
        };
        if code.used || code.wrong >= GUESSES {
            return Ok(nothing(Outcome::Spent));
        }
        if now >= code.until {
            return Ok(nothing(Outcome::Expired));
        }
        let hash = self.hash(tenant, subject, request, code.salt, &entered.0).await?;
        let outcome = if same(&hash, &code.hash) {
            code.used = true;
            Outcome::Proven(Proof::Code { at: now })
        } else {
            code.wrong += 1;
            Outcome::Wrong { left: GUESSES - code.wrong }
        };
        let word = match outcome {
            Outcome::Proven(_) => "proven",
            _ => "wrong",
        };
        let entry = Entry::new("rights.code_checked", now)
            .about(subject)
            .with("request", request)
            .with("outcome", word);
        let put = self.put_codes(tenant, subject, &body, &view).await?;
        Ok(Checked { outcome, additions: Additions { ops: vec![put], entries: vec![entry] } })
    }

    /// What deletes the code of a request that is decided. That codes were made stays for their hour.
    pub(super) async fn forget_code(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        request: Id,
    ) -> Result<Additions> {
        let (view, mut body) = self.read_codes(tenant, subject).await?;
        let now = self.vault().clock().now();
        if !body.codes.iter().any(|code| code.request == request) {
            return Ok(Additions::default());
        }
        body.codes.retain(|code| code.request != request && code.until > now);
        let put = self.put_codes(tenant, subject, &body, &view).await?;
        Ok(Additions { ops: vec![put], entries: Vec::new() })
    }

    async fn read_codes(&self, tenant: &TenantId, subject: SubjectId) -> Result<(View, CodesBody)> {
        let key = Key::new(kind::CODES, subject.id());
        let view = self.vault().read(tenant, Holder::Subject(subject), &[key]).await?;
        let body = match view.facts(0)? {
            Some(facts) => decode(&facts)?,
            None => CodesBody::default(),
        };
        Ok((view, body))
    }

    /// The write of a person's codes, which is over when the last of them and their hour are.
    async fn put_codes(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        body: &CodesBody,
        replaces: &View,
    ) -> Result<Op> {
        let key = Key::new(kind::CODES, subject.id());
        let ends = body.codes.iter().map(|code| code.until);
        let hours = body.issued.iter().map(|at| at.plus(HOUR));
        let draft = Draft::new(key, Holder::Subject(subject))
            .expires(ends.chain(hours).max())
            .json(SCHEMA, body)?;
        self.vault().put(tenant, draft, replaces.record(0)).await
    }

    async fn hash(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        request: Id,
        salt: Id,
        code: &SecretText,
    ) -> Result<Id> {
        let digits = code.expose(|digits| <[u8; DIGITS]>::try_from(digits));
        let digits = digits.map_err(|_| Error::new(ErrorKind::InvalidInput))?;
        let person = subject.id();
        let parts: [&[u8]; 4] = [person.as_bytes(), request.as_bytes(), salt.as_bytes(), &digits];
        self.vault().index(tenant, "rights.code", &parts).await
    }
}

impl Code {
    /// Reads what somebody entered: eight digits. Spaces and hyphens between them do not count.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for anything else: that is no guess, and none is counted.
    pub fn parse(entered: &str) -> Result<Self> {
        let wrong = || Error::new(ErrorKind::InvalidInput).with_detail("a code has eight digits");
        let mut digits = [0_u8; DIGITS];
        let mut count = 0;
        for c in entered.trim().chars() {
            match c {
                ' ' | '-' | '\u{a0}' => {}
                '0'..='9' if count < DIGITS => {
                    digits[count] = c as u8;
                    count += 1;
                }
                _ => return Err(wrong()),
            }
        }
        if count == DIGITS { Ok(Self(SecretText::copy_from(&digits))) } else { Err(wrong()) }
    }
}

/// Eight digits of which each is as likely as any other.
fn draw(random: &dyn Random) -> Result<SecretText> {
    for _ in 0..DRAWS {
        let mut bytes = [0; 4];
        random.fill(&mut bytes)?;
        let drawn = u32::from_be_bytes(bytes);
        // Beyond the last whole multiple the small codes would be likelier.
        if drawn < u32::MAX - u32::MAX % CODES {
            let mut left = drawn % CODES;
            let mut digits = [b'0'; DIGITS];
            for digit in digits.iter_mut().rev() {
                *digit += u8::try_from(left % 10).unwrap_or_default();
                left /= 10;
            }
            return Ok(SecretText::copy_from(&digits));
        }
    }
    Err(ErrorKind::RandomnessFailed.into())
}

/// Compares two keyed hashes in constant time.
fn same(one: &Id, other: &Id) -> bool {
    SecretText::copy_from(one.as_bytes()).equals(&SecretText::copy_from(other.as_bytes()))
}

/// How many digits a code has.
const DIGITS: usize = 8;
/// How many codes there are.
const CODES: u32 = 100_000_000;
/// How often one is drawn again. The chance that all are too large is below one in 2^350.
const DRAWS: u32 = 64;
/// How many guesses a code takes.
const GUESSES: u32 = 5;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Gives these numbers, one after the other.
    #[derive(Debug)]
    struct Numbers(Mutex<Vec<u32>>);

    impl Random for Numbers {
        fn fill(&self, buffer: &mut [u8]) -> Result<()> {
            let number = self.0.lock().unwrap().remove(0);
            buffer.copy_from_slice(&number.to_be_bytes());
            Ok(())
        }
    }

    fn drawn(numbers: &[u32]) -> String {
        let random = Numbers(Mutex::new(numbers.to_vec()));
        let code = draw(&random).unwrap();
        assert!(random.0.lock().unwrap().is_empty());
        code.expose(|digits| String::from_utf8(digits.to_vec()).unwrap())
    }

    #[test]
    fn codes_have_eight_digits_and_none_is_likelier() {
        assert_eq!(drawn(&[0]), "00000000");
        assert_eq!(drawn(&[7]), "00000007");
        assert_eq!(drawn(&[4_199_999_999]), "99999999");
        // The first number that would make a small code likelier, and the last.
        assert_eq!(drawn(&[4_200_000_000, u32::MAX, 123_456_789]), "23456789");
    }

    #[test]
    fn a_code_is_read_as_people_write_it() {
        for entered in ["12345678", " 1234 5678\n", "1234-5678", "1234\u{a0}5678"] {
            let code = Code::parse(entered).unwrap();
            code.0.expose(|digits| assert_eq!(digits, b"12345678"));
        }
        for entered in ["", "1234567", "123456789", "1234567a", "١٢٣٤٥٦٧٨", "12345678\0"] {
            assert_eq!(Code::parse(entered).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        let shown = format!("{:?}", Code::parse("12345678").unwrap());
        assert!(!shown.contains("1234"), "{shown}");
    }
}
