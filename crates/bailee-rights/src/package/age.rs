//! A package for a key of the person's own: the format `age-encryption.org/v1`, by the crate `age`
//! (feature `age`).

use std::{
    fmt,
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use age::stream::StreamWriter;
use async_trait::async_trait;
use bailee_core::{Error, ErrorKind, Result};
use bailee_store::Fence;

use super::{
    ByteSink, Form, ObjectName, Order, Packages, Part, StoredPackage, close::part_of_end,
    piece::PieceWriter,
};

/// A key that somebody else holds the other half of: `age1…`.
#[derive(Clone)]
pub struct AgeRecipient(age::x25519::Recipient);

impl AgeRecipient {
    /// Reads a recipient, as the tools write it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for everything that is none: a secret key (`AGE-SECRET-KEY-1…`), one
    /// with a mistake in it, one of another kind.
    pub fn parse(text: &str) -> Result<Self> {
        // What the crate says of it may hold what was given, and that may be a secret.
        text.trim().parse().map(Self).map_err(|_| {
            Error::new(ErrorKind::InvalidInput).with_detail("this is no age recipient")
        })
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
    /// As [`Package::stream_to`](super::Package::stream_to), and [`ErrorKind::InvalidInput`] for a
    /// recipient to whom nothing can be encrypted. Nothing has to be undone.
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
        let mut writer = AgeWriter::begin(recipient, &mut piece)?;
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
    encrypted: Encrypted,
    stream: StreamWriter<Encrypted>,
}

/// What was encrypted and not handed on yet: a chunk or two.
#[derive(Clone, Default)]
struct Encrypted(Arc<Mutex<Vec<u8>>>);

impl Encrypted {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Encrypted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> AgeWriter<'a> {
    fn begin(recipient: &AgeRecipient, sink: &'a mut dyn ByteSink) -> Result<Self> {
        let refused = || Error::new(ErrorKind::InvalidInput);
        let recipient: &dyn age::Recipient = &recipient.0;
        let encryptor = age::Encryptor::with_recipients([recipient].into_iter());
        let encryptor = encryptor.map_err(|_| refused())?;
        let encrypted = Encrypted::default();
        let stream = encryptor.wrap_output(encrypted.clone()).map_err(|_| refused())?;
        Ok(Self { sink, encrypted, stream })
    }

    async fn hand_on(&mut self) -> Result<()> {
        let bytes = std::mem::take(&mut *self.encrypted.bytes());
        if bytes.is_empty() { Ok(()) } else { self.sink.take(&bytes).await }
    }

    async fn finish(self) -> Result<()> {
        let Self { sink, encrypted, stream } = self;
        // Nothing can fail in memory.
        stream.finish().map_err(|_| ErrorKind::Unopenable)?;
        let bytes = std::mem::take(&mut *encrypted.bytes());
        sink.take(&bytes).await
    }
}

#[async_trait]
impl ByteSink for AgeWriter<'_> {
    async fn take(&mut self, bytes: &[u8]) -> Result<()> {
        for bytes in bytes.chunks(CHUNK) {
            self.stream.write_all(bytes).map_err(|_| ErrorKind::Unopenable)?;
            self.hand_on().await?;
        }
        Ok(())
    }
}

/// How much is encrypted before it is handed on.
const CHUNK: usize = 64 * 1024;
