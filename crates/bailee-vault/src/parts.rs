//! A `body` column: one sealed body, or a list of parts.
//!
//! ```text
//! body  = sealed body                                   (begins with 0x01; the part is `body`)
//!       | 0x02 || u8 count || count x part
//! part  = lp(name) || lp(sealed body)                   lp(x) = u32 length || bytes, big-endian
//! ```
//!
//! Names are unique. In a record `facts` comes first; in a record of wrapped keys each name is a
//! sixteen-byte key id and the active key comes first. Byte 0 is no printable character, so a
//! plaintext that a migration left behind cannot pass for a body.

use crate::{envelope, error::Fault};

const LIST: u8 = 2;

/// The body of a record, taken apart and not opened.
#[derive(Debug)]
pub(crate) enum Body<'a> {
    /// One sealed body.
    One(&'a [u8]),
    /// Named parts.
    List(Vec<Part<'a>>),
}

/// A named part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) sealed: &'a [u8],
}

impl<'a> Body<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Fault> {
        match body {
            [envelope::VERSION, ..] => Ok(Self::One(body)),
            [LIST, count, rest @ ..] => parse_list(usize::from(*count), rest).map(Self::List),
            [] | [LIST] => Err(Fault::Malformed),
            _ => Err(Fault::UnknownVersion),
        }
    }

    /// The parts of what must be a list.
    pub(crate) fn list(body: &'a [u8]) -> Result<Vec<Part<'a>>, Fault> {
        match Self::parse(body)? {
            Self::One(_) => Err(Fault::Malformed),
            Self::List(parts) => Ok(parts),
        }
    }
}

/// Writes a list. Names are 1 to 255 bytes, there are at most 255 parts.
pub(crate) fn write<'p>(
    parts: impl ExactSizeIterator<Item = (&'p [u8], &'p [u8])> + Clone,
) -> Result<Vec<u8>, Fault> {
    let count = u8::try_from(parts.len()).map_err(|_| Fault::Malformed)?;
    let length = parts.clone().map(|(name, sealed)| name.len() + sealed.len() + 8).sum::<usize>();
    let mut out = Vec::with_capacity(length + 2);
    out.extend_from_slice(&[LIST, count]);
    for (name, sealed) in parts {
        for piece in [name, sealed] {
            let length = u32::try_from(piece.len()).map_err(|_| Fault::Malformed)?;
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(piece);
        }
    }
    Ok(out)
}

fn parse_list(count: usize, mut rest: &[u8]) -> Result<Vec<Part<'_>>, Fault> {
    let mut parts: Vec<Part<'_>> = Vec::with_capacity(count);
    for _ in 0..count {
        let name = take(&mut rest)?;
        let sealed = take(&mut rest)?;
        let known = parts.iter().any(|part| part.name == name);
        if known || !(1..=255).contains(&name.len()) {
            return Err(Fault::Malformed);
        }
        parts.push(Part { name, sealed });
    }
    if rest.is_empty() { Ok(parts) } else { Err(Fault::Malformed) }
}

fn take<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Fault> {
    let (length, after) = rest.split_first_chunk::<4>().ok_or(Fault::Malformed)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Fault::Malformed)?;
    let (piece, after) = after.split_at_checked(length).ok_or(Fault::Malformed)?;
    *rest = after;
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn write_all(parts: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
        write(parts.iter().map(|(name, sealed)| (name.as_slice(), sealed.as_slice()))).unwrap()
    }

    fn distinct_parts() -> impl Strategy<Value = Vec<(Vec<u8>, Vec<u8>)>> {
        let name = prop::collection::vec(any::<u8>(), 1..20);
        let sealed = prop::collection::vec(any::<u8>(), 0..40);
        prop::collection::btree_map(name, sealed, 0..8).prop_map(|map| map.into_iter().collect())
    }

    proptest! {
        #[test]
        fn lists_survive_their_bytes(parts in distinct_parts()) {
            let bytes = write_all(&parts);
            let read = Body::list(&bytes).unwrap();
            prop_assert_eq!(read.len(), parts.len());
            for (read, (name, sealed)) in read.iter().zip(&parts) {
                prop_assert_eq!(read.name, name.as_slice());
                prop_assert_eq!(read.sealed, sealed.as_slice());
            }
        }

        #[test]
        fn key_02_every_truncation_and_extension_of_a_list_is_refused(
            parts in distinct_parts(),
            more in prop::collection::vec(any::<u8>(), 1..9),
        ) {
            let bytes = write_all(&parts);
            for length in 0..bytes.len() {
                prop_assert!(Body::list(&bytes[..length]).is_err());
            }
            prop_assert!(Body::list(&[bytes, more].concat()).is_err());
        }

        #[test]
        fn key_02_a_list_has_one_form(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let bytes = [vec![LIST], bytes].concat();
            if let Ok(parts) = Body::list(&bytes) {
                let again = write(parts.iter().map(|part| (part.name, part.sealed))).unwrap();
                prop_assert_eq!(again, bytes);
            }
        }
    }

    #[test]
    fn key_02_a_name_that_comes_twice_is_refused() {
        let twice = [(b"access".to_vec(), vec![1]), (b"access".to_vec(), vec![2])];
        assert_eq!(Body::list(&write_all(&twice)).unwrap_err(), Fault::Malformed);
    }

    #[test]
    fn a_plaintext_is_no_body() {
        for text in ["{\"a\":1}", "fake-token", ""] {
            assert!(Body::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
