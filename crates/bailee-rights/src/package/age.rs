//! A package for a key of the person's own: the format `age-encryption.org/v1` with an X25519 recipient.
//!
//! Only writing, and only this one kind of recipient: a hundred lines over the ciphers that the vault has
//! already, in the place of a tree of sixty crates.
//!
//! ```text
//! age-encryption.org/v1
//! -> X25519 share                 the public half of a key that is used once
//! HKDF(shared secret)[file key]   ChaCha20-Poly1305
//! --- mac                         HMAC-SHA256 under HKDF(file key)
//! nonce                           16 bytes
//! chunk*                          64 KiB each, ChaCha20-Poly1305 under HKDF(file key, nonce)
//! ```

use std::fmt;

use async_trait::async_trait;
use bailee_core::{Error, ErrorKind, Random, Result};
use bailee_store::Fence;
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral},
    hkdf::{HKDF_SHA256, Salt},
    hmac,
    rand::SystemRandom,
};
use zeroize::Zeroizing;

use super::{
    ByteSink, Form, ObjectName, Order, Packages, Part, StoredPackage, close::part_of_end,
    piece::PieceWriter,
};

/// A key that somebody else holds the other half of: `age1…`.
#[derive(Clone, PartialEq, Eq)]
pub struct AgeRecipient([u8; 32]);

impl AgeRecipient {
    /// Reads a recipient (Bech32, BIP 173), lower-case as the tools write it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for everything that is none: a secret key (`AGE-SECRET-KEY-1…`), one
    /// with a mistake in it, one of another kind, and keys with which nothing would be secret.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || Error::new(ErrorKind::InvalidInput).with_detail("this is no age recipient");
        let key = bech32(text.trim(), "age").ok_or_else(wrong)?;
        let recipient = Self(key.try_into().map_err(|_| wrong())?);
        // A point of low order makes the shared secret zero, which is found out by asking.
        recipient.share().map_err(|_| wrong())?;
        Ok(recipient)
    }

    /// A new share, and the key that wraps a file key for this recipient.
    fn share(&self) -> Result<([u8; 32], Zeroizing<[u8; 32]>)> {
        // ring takes the randomness of ephemeral keys from the operating system alone.
        let secret = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new())
            .map_err(|_| ErrorKind::RandomnessFailed)?;
        let public = secret.compute_public_key().map_err(|_| refused())?;
        let mut share = [0; 32];
        share.copy_from_slice(public.as_ref());
        let theirs = UnparsedPublicKey::new(&X25519, self.0);
        let salt = [share, self.0].concat();
        let info = b"age-encryption.org/v1/X25519";
        let key = agree_ephemeral(secret, &theirs, |shared| derive(shared, &salt, info));
        Ok((share, key.map_err(|_| refused())??))
    }
}

impl fmt::Debug for AgeRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A public key, and of one person.
        f.write_str("AgeRecipient([redacted])")
    }
}

impl Packages {
    /// Makes a package for a key of the person's own out of a closed one.
    ///
    /// It lies in the spool as one object, under the person's key in the vault as well. The caller
    /// commits what this gives, under the fence, and deletes the closed package after that
    /// ([`Packages::delete`]).
    ///
    /// # Errors
    ///
    /// As [`Package::stream_to`](super::Package::stream_to). Nothing has to be undone.
    pub async fn encrypt(
        &self,
        order: &Order,
        stored: &StoredPackage,
        recipient: &AgeRecipient,
        fence: Fence,
    ) -> Result<StoredPackage> {
        if stored.form != Form::Zip || stored.request != order.request {
            return Err(ErrorKind::InvalidInput.into());
        }
        let object = ObjectName::of(order.request, &part_of_end(), fence, "age");
        let (vault, spool) = (self.vault(), self.spool());
        let mut piece = PieceWriter::begin(vault, spool, order.holding(), object).await?;
        let mut writer = AgeWriter::begin(recipient, &**vault.random(), &mut piece).await?;
        self.open(stored).stream_to(0..stored.length, &mut writer).await?;
        writer.finish().await?;
        let piece = piece.finish().await?;
        let part = Part { tenant: order.tenant.clone(), subject: order.subject, piece };
        Ok(StoredPackage::of(order.request, Form::Age, vec![part], stored.entries))
    }
}

/// Encrypts what it takes.
struct AgeWriter<'a> {
    sink: &'a mut dyn ByteSink,
    key: LessSafeKey,
    chunk: Zeroizing<Vec<u8>>,
    chunks: u64,
}

impl<'a> AgeWriter<'a> {
    async fn begin(
        recipient: &AgeRecipient,
        random: &dyn Random,
        sink: &'a mut dyn ByteSink,
    ) -> Result<Self> {
        let mut file_key = Zeroizing::new([0; 16]);
        random.fill(&mut *file_key)?;
        let mut nonce = [0; 16];
        random.fill(&mut nonce)?;

        let (share, wrapping) = recipient.share()?;
        let mut wrapped = Zeroizing::new(Vec::with_capacity(32));
        wrapped.extend_from_slice(&*file_key);
        seal(&cipher(&wrapping)?, [0; 12], &mut wrapped)?;
        let mut header = format!(
            "age-encryption.org/v1\n-> X25519 {}\n{}\n---",
            STANDARD_NO_PAD.encode(share),
            STANDARD_NO_PAD.encode(&*wrapped),
        );
        let mac = hmac::Key::new(hmac::HMAC_SHA256, &*derive(&*file_key, &[], b"header")?);
        let mac = hmac::sign(&mac, header.as_bytes());
        header.push(' ');
        header.push_str(&STANDARD_NO_PAD.encode(mac));
        header.push('\n');
        sink.take(header.as_bytes()).await?;
        sink.take(&nonce).await?;
        let key = {
            let key = derive(&*file_key, &nonce, b"payload")?;
            cipher(&key)?
        };
        Ok(Self { sink, key, chunk: empty(), chunks: 0 })
    }

    /// Ends the file: its last chunk says that it is the last.
    async fn finish(mut self) -> Result<()> {
        self.seal(true).await
    }

    async fn seal(&mut self, last: bool) -> Result<()> {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&self.chunks.to_be_bytes());
        nonce[11] = u8::from(last);
        seal(&self.key, nonce, &mut self.chunk)?;
        self.sink.take(&self.chunk).await?;
        self.chunk.clear();
        self.chunks += 1;
        Ok(())
    }
}

#[async_trait]
impl ByteSink for AgeWriter<'_> {
    async fn take(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            // A full chunk waits until it is known not to be the last.
            if self.chunk.len() == CHUNK {
                self.seal(false).await?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }
}

fn derive(secret: &[u8], salt: &[u8], info: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    let prk = Salt::new(HKDF_SHA256, salt).extract(secret);
    let filled = prk.expand(&[info], HKDF_SHA256).and_then(|okm| okm.fill(&mut *key));
    filled.map_err(|_| refused())?;
    Ok(key)
}

fn cipher(key: &[u8; 32]) -> Result<LessSafeKey> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|_| refused())?;
    Ok(LessSafeKey::new(key))
}

/// Seals in place and adds the tag.
fn seal(key: &LessSafeKey, nonce: [u8; 12], bytes: &mut Vec<u8>) -> Result<()> {
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), bytes).map_err(|_| refused())?;
    bytes.extend_from_slice(tag.as_ref());
    Ok(())
}

fn empty() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(CHUNK + 16))
}

fn refused() -> Error {
    Error::new(ErrorKind::InvalidInput).with_detail("nothing can be encrypted for this recipient")
}

/// The bytes of a Bech32 text with this beginning, if every sign and the checksum are right.
fn bech32(text: &str, beginning: &str) -> Option<Vec<u8>> {
    let data = text.strip_prefix(beginning)?.strip_prefix('1')?;
    let digits: Option<Vec<u8>> = data
        .bytes()
        .map(|byte| SIGNS.iter().position(|sign| *sign == byte).map(|at| at as u8))
        .collect();
    let digits = digits?;
    let head = beginning.bytes().map(|byte| byte >> 5).chain([0]);
    let head = head.chain(beginning.bytes().map(|byte| byte & 31));
    if checksum(head.chain(digits.iter().copied())) != 1 {
        return None;
    }
    let (mut bytes, mut bits, mut held) = (Vec::with_capacity(32), 0_u32, 0_u32);
    for digit in digits.get(..digits.len().checked_sub(6)?)? {
        held = held << 5 | u32::from(*digit);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    // What fills the last sign is short and zero.
    (bits < 5 && held == 0).then_some(bytes)
}

fn checksum(digits: impl Iterator<Item = u8>) -> u32 {
    const TERMS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    digits.fold(1, |sum, digit| {
        let top = sum >> 25;
        let next = (sum & 0x01ff_ffff) << 5 ^ u32::from(digit);
        let of = TERMS.iter().enumerate().filter(|(n, _)| top >> n & 1 == 1);
        of.fold(next, |next, (_, term)| next ^ term)
    })
}

const SIGNS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// How much is sealed at once: the format says it.
const CHUNK: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_is_read_with_its_checksum() {
        let good = "age1lvyvwawkr0mcnnnncaghunadrqkmuf9e6507x9y920xxpp866cnql7dp2z";
        assert!(AgeRecipient::parse(good).is_ok());
        assert!(AgeRecipient::parse(&format!(" {good}\n")).is_ok());
        for (at, _) in good.char_indices() {
            let mut wrong = good.as_bytes().to_vec();
            wrong[at] = if wrong[at] == b'q' { b'p' } else { b'q' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert!(AgeRecipient::parse(&wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "age1", "age", "AGE-SECRET-KEY-1QQQQ", &good[..40], &good.to_uppercase()]
        {
            assert!(AgeRecipient::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_with_which_nothing_is_secret_is_refused() {
        let mut digits = vec![0_u8; 52];
        let head = [3, 3, 3, 0, 1, 7, 5];
        let sum = checksum(head.into_iter().chain(digits.iter().copied()).chain([0; 6])) ^ 1;
        digits.extend((0..6).map(|n| (sum >> (5 * (5 - n)) & 31) as u8));
        let zero: String =
            digits.iter().map(|digit| char::from(SIGNS[usize::from(*digit)])).collect();
        assert_eq!(bech32(&format!("age1{zero}"), "age"), Some(vec![0; 32]));
        assert!(AgeRecipient::parse(&format!("age1{zero}")).is_err());
    }
}
