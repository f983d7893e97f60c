//! What stands in a field in the stead of something that named a person.

use std::fmt;

use bailee_rights::source::Whose;
use ring::hmac;

/// The key of the pseudonyms that an erasure leaves.
///
/// A pseudonym is a keyed hash of tenant and person: the rows of one person have the same one and can
/// be counted together, and nobody without the key finds out whose they were. As long as the key
/// exists they are personal data (Art. 4(5) GDPR). An erasure that was interrupted has to go on with
/// the key that it began with.
pub struct PseudonymKey(hmac::Key);

impl PseudonymKey {
    /// A key of 32 random bytes that are used for nothing else.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The pseudonym of a person: `erased-` and 32 hexadecimal digits.
    pub(crate) fn pseudonym(&self, whose: &Whose) -> String {
        let tenant = whose.tenant().as_str().as_bytes();
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"bailee pseudonym 1\n");
        context.update(&(tenant.len() as u64).to_be_bytes());
        context.update(tenant);
        context.update(&whose.person().to_bytes());
        let tag = context.sign();
        let mut text = String::from("erased-");
        for byte in tag.as_ref().iter().take(16) {
            text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        }
        text
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use bailee_core::{HostId, Id, SubjectId, TenantId};

    use super::*;

    fn whose(tenant: &str, person: HostId) -> Whose {
        let subject = SubjectId::from_id(Id::from_bytes([1; 16]));
        Whose::new(TenantId::new(tenant).unwrap(), person, subject)
    }

    #[test]
    fn a_pseudonym_is_one_persons_and_says_nothing() {
        let key = PseudonymKey::new(&[7; 32]);
        let ada = key.pseudonym(&whose("acme", HostId::text("ada")));
        assert_eq!(ada, key.pseudonym(&whose("acme", HostId::text("ada"))));
        assert!(ada.starts_with("erased-") && ada.len() == 39 && !ada.contains("ada"));
        for other in [
            whose("acme", HostId::text("ben")),
            whose("other", HostId::text("ada")),
            // What moves from one part into the other is another message.
            whose("acm", HostId::text("etada")),
        ] {
            assert_ne!(ada, key.pseudonym(&other));
        }
        assert_ne!(ada, PseudonymKey::new(&[8; 32]).pseudonym(&whose("acme", HostId::text("ada"))));
        assert_eq!(format!("{key:?}"), "PseudonymKey([redacted])");
    }
}
