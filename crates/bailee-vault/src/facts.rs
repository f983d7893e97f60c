//! The plaintext of the part `facts` (or `body`, where a record has no other part).
//!
//! ```text
//! u16 schema || u8 count || count x (u8 length || part name || u64 seq) || bytes
//! ```
//!
//! The map says which writing of each other part belongs to these facts, in the order of the list,
//! so that nobody who can write to the database mixes the parts of two versions.

use std::fmt;

use bailee_core::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::error::Fault;

/// The facts of a record, opened; wiped on drop. `Debug` shows the schema alone.
pub struct Facts {
    schema: u16,
    plaintext: Zeroizing<Vec<u8>>,
    begin: usize,
}

/// Which seq each part has, in the order of the list.
pub(crate) type Seqs = Vec<u64>;

impl Facts {
    /// Which form the bytes have. Readers know their own schema and the previous ones.
    pub fn schema(&self) -> u16 {
        self.schema
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.plaintext[self.begin..]
    }

    /// Reads the bytes as JSON.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownSchema`] when they are not the JSON of a `T`. The error repeats nothing
    /// of them.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        // The parser's error prints what it could not read, so it ends here.
        serde_json::from_slice(self.bytes()).map_err(|_| {
            Error::new(ErrorKind::UnknownSchema).with_detail("the facts have another form")
        })
    }

    /// Takes an opened plaintext apart. `names` are the other parts of the list, in its order.
    pub(crate) fn parse<'n>(
        plaintext: Zeroizing<Vec<u8>>,
        names: impl ExactSizeIterator<Item = &'n [u8]>,
    ) -> Result<(Self, Seqs), Fault> {
        let (schema, rest) = plaintext.split_first_chunk::<2>().ok_or(Fault::Malformed)?;
        let schema = u16::from_be_bytes(*schema);
        let (&count, mut rest) = rest.split_first().ok_or(Fault::Malformed)?;
        if usize::from(count) != names.len() {
            return Err(Fault::Refused);
        }
        let mut seqs = Seqs::with_capacity(names.len());
        for expected in names {
            let (&length, after) = rest.split_first().ok_or(Fault::Malformed)?;
            let (name, after) =
                after.split_at_checked(usize::from(length)).ok_or(Fault::Malformed)?;
            let (seq, after) = after.split_first_chunk().ok_or(Fault::Malformed)?;
            if name != expected {
                return Err(Fault::Refused);
            }
            seqs.push(u64::from_be_bytes(*seq));
            rest = after;
        }
        let begin = plaintext.len() - rest.len();
        Ok((Self { schema, plaintext, begin }, seqs))
    }

    /// What stands before the bytes.
    pub(crate) fn prefix<'n>(
        schema: u16,
        parts: impl ExactSizeIterator<Item = (&'n str, u64)>,
    ) -> Result<Vec<u8>, Fault> {
        let mut out = Vec::with_capacity(3 + 32 * parts.len());
        out.extend_from_slice(&schema.to_be_bytes());
        out.push(u8::try_from(parts.len()).map_err(|_| Fault::Malformed)?);
        for (name, seq) in parts {
            out.push(u8::try_from(name.len()).map_err(|_| Fault::Malformed)?);
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(&seq.to_be_bytes());
        }
        Ok(out)
    }
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Facts(schema {}, [redacted])", self.schema)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plaintext(schema: u16, parts: &[(String, u64)], bytes: &[u8]) -> Zeroizing<Vec<u8>> {
        let parts = parts.iter().map(|(name, seq)| (name.as_str(), *seq));
        let prefix = Facts::prefix(schema, parts).unwrap();
        Zeroizing::new([prefix.as_slice(), bytes].concat())
    }

    fn names(parts: &[(String, u64)]) -> impl ExactSizeIterator<Item = &[u8]> {
        parts.iter().map(|(name, _)| name.as_bytes())
    }

    proptest! {
        #[test]
        fn facts_survive_their_plaintext(
            schema in any::<u16>(),
            parts in prop::collection::vec(("[a-z_]{1,30}", any::<u64>()), 0..5),
            bytes in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let (facts, seqs) =
                Facts::parse(plaintext(schema, &parts, &bytes), names(&parts)).unwrap();
            prop_assert_eq!(facts.schema(), schema);
            prop_assert_eq!(facts.bytes(), bytes.as_slice());
            prop_assert_eq!(seqs, parts.iter().map(|(_, seq)| *seq).collect::<Vec<_>>());
        }

        #[test]
        fn no_bytes_are_read_beyond_their_end(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let names = [b"access".as_slice(), b"refresh"];
            let _ = Facts::parse(Zeroizing::new(bytes), names.into_iter());
        }
    }

    #[test]
    fn key_02_facts_refuse_a_list_of_other_parts() {
        let map = [("access".to_owned(), 1), ("refresh".to_owned(), 2)];
        let others: [&[&[u8]]; 5] = [
            &[b"access"],
            &[b"refresh", b"access"],
            &[b"access", b"candidate"],
            &[b"access", b"refresh", b"more"],
            &[],
        ];
        for names in others {
            let names = names.iter().copied();
            assert!(Facts::parse(plaintext(1, &map, b"{}"), names).is_err());
        }
    }

    #[test]
    fn key_02_bytes_that_look_like_an_entry_of_the_map_are_none() {
        let entry = [&[9][..], b"candidate", &7_u64.to_be_bytes()].concat();
        let names = [b"candidate".as_slice()];
        assert!(Facts::parse(plaintext(1, &[], &entry), names.into_iter()).is_err());
    }

    #[test]
    fn sec_04_an_error_about_json_repeats_nothing() {
        let (facts, _) =
            Facts::parse(plaintext(1, &[], b"{\"n\":\"fake-canary\"}"), [].into_iter()).unwrap();
        #[derive(Debug, serde::Deserialize)]
        struct Wanted {
            #[serde(rename = "n")]
            _n: u32,
        }
        let error = facts.json::<Wanted>().unwrap_err();
        assert!(!format!("{error:?} {error}").contains("canary"));
        assert!(!format!("{facts:?}").contains("canary"));
    }
}
