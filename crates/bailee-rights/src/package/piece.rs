//! Bytes that lie in the spool, sealed frame by frame.
//!
//! An object is a row of frames. Each holds 61,440 bytes of plaintext, the last one what is left, and is
//! sealed as a host field under the key of the person whose data it is:
//!
//! ```text
//! object   = frame*
//! frame    = envelope(plaintext)           90 bytes longer than its plaintext
//! table    = "package"
//! row      = the request's id, 16 bytes
//! column   = the object's name
//! version  = the frame's number, from 1
//! ```
//!
//! So a frame opens in its place alone, and none opens when the person's key is gone. How long the whole
//! is does not stand in it: that is in the record of the piece, and an object that ends early is refused.
//! Lengths and the number of objects are not hidden.

use std::ops::Range;

use async_trait::async_trait;
use bailee_core::{Error, ErrorKind, Id, Plaintext, Result, Sha256, SubjectId, TenantId};
use bailee_vault::{Field, Fields, Vault};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{ByteSink, ObjectName, Spool, SpoolWriter};
use crate::hex;

/// An object of the spool with what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Piece {
    /// The object.
    pub object: ObjectName,
    /// How many bytes it holds when it is opened.
    pub length: u64,
    /// Their SHA-256.
    #[serde(with = "hex")]
    pub digest: [u8; 32],
}

/// Whose key seals, and for which request.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    pub(super) tenant: TenantId,
    pub(super) subject: SubjectId,
    pub(super) request: Id,
}

impl Holding {
    pub(super) async fn fields(&self, vault: &Vault) -> Result<Fields> {
        vault.fields(&self.tenant, self.subject).await
    }

    fn field<'a>(&'a self, object: &'a ObjectName, frame: u64) -> Field<'a> {
        Field {
            table: "package",
            row: self.request.as_bytes(),
            column: object.as_str(),
            version: frame + 1,
        }
    }
}

/// Seals what it takes into an object.
pub(super) struct PieceWriter {
    vault: Vault,
    holding: Holding,
    object: ObjectName,
    writer: Box<dyn SpoolWriter>,
    fields: Fields,
    frame: Zeroizing<Vec<u8>>,
    frames: u64,
    length: u64,
    hash: Sha256,
}

impl PieceWriter {
    pub(super) async fn begin(
        vault: &Vault,
        spool: &dyn Spool,
        holding: Holding,
        object: ObjectName,
    ) -> Result<Self> {
        let fields = holding.fields(vault).await?;
        let writer = spool.write(&object).await?;
        Ok(Self {
            vault: vault.clone(),
            holding,
            object,
            writer,
            fields,
            frame: empty(),
            frames: 0,
            length: 0,
            hash: Sha256::default(),
        })
    }

    pub(super) async fn finish(mut self) -> Result<Piece> {
        if !self.frame.is_empty() {
            self.seal().await?;
        }
        self.writer.finish().await?;
        Ok(Piece { object: self.object, length: self.length, digest: self.hash.finish() })
    }

    /// How many bytes it took.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Gives up the object, which was then never there.
    pub(super) fn drop_unfinished(self) -> ObjectName {
        self.object
    }

    async fn seal(&mut self) -> Result<()> {
        let frame = [Plaintext::new(std::mem::replace(&mut self.frame, empty()))];
        let field = [self.holding.field(&self.object, self.frames)];
        let sealed = match self.fields.seal(&field, &frame) {
            // The keys that it holds serve for a minute.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                self.fields = self.holding.fields(&self.vault).await?;
                self.fields.seal(&field, &frame)?
            }
            sealed => sealed?,
        };
        for sealed in sealed {
            self.writer.put(sealed).await?;
        }
        self.frames += 1;
        Ok(())
    }
}

#[async_trait]
impl ByteSink for PieceWriter {
    async fn take(&mut self, mut bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(FRAME - self.frame.len()));
            self.frame.extend_from_slice(now);
            bytes = later;
            if self.frame.len() == FRAME {
                self.seal().await?;
            }
        }
        Ok(())
    }
}

/// Opens a range of a piece, frame by frame.
pub(super) struct PieceReader<'a> {
    vault: &'a Vault,
    spool: &'a dyn Spool,
    holding: Holding,
    piece: &'a Piece,
    left: Range<u64>,
}

impl<'a> PieceReader<'a> {
    /// A reader of a range, which lies within the piece.
    pub(super) fn new(
        vault: &'a Vault,
        spool: &'a dyn Spool,
        holding: Holding,
        piece: &'a Piece,
        range: Range<u64>,
    ) -> Self {
        Self { vault, spool, holding, piece, left: range }
    }

    /// Hands the next bytes to a sink; whether there were any.
    pub(super) async fn next(&mut self, sink: &mut dyn ByteSink) -> Result<bool> {
        if self.left.is_empty() {
            return Ok(false);
        }
        let frame = self.left.start / FRAME as u64;
        let begins = frame * FRAME as u64;
        let length = (self.piece.length - begins).min(FRAME as u64);
        let place = frame * (FRAME + SEAL) as u64;
        let read = self.spool.read(&self.piece.object, place, length as usize + SEAL).await;
        let sealed = read.map_err(|error| match error.kind() {
            ErrorKind::InvalidInput => Error::new(ErrorKind::Unopenable),
            _ => error,
        })?;
        let field = [self.holding.field(&self.piece.object, frame)];
        let opened = self.holding.fields(self.vault).await?.open(&field, &[sealed])?;
        let plaintext = opened.into_iter().next().ok_or(ErrorKind::Unopenable)?;
        // A frame of the right place and another length was sealed by somebody who had the key; the
        // record says what was.
        let bytes = plaintext.expose(|bytes| {
            let from = (self.left.start - begins) as usize;
            let to = (self.left.end - begins).min(length) as usize;
            let right = bytes.len() as u64 == length;
            bytes.get(from..to).filter(|_| right).map(|bytes| Zeroizing::new(bytes.to_vec()))
        });
        let bytes = bytes.ok_or(ErrorKind::Unopenable)?;
        self.left.start += bytes.len() as u64;
        sink.take(&bytes).await?;
        Ok(true)
    }
}

fn empty() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(FRAME))
}

/// How many bytes a frame holds. A host field may hold 64 KiB.
pub(super) const FRAME: usize = 60 * 1024;

/// By how much a sealed field is longer than its plaintext.
pub(super) const SEAL: usize = 90;
