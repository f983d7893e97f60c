//! A closed package, and reading it from any place.

use std::{fmt, ops::Range};

use bailee_core::{Error, ErrorKind, Id, Result, Sha256, SubjectId, TenantId};
use serde::{Deserialize, Serialize};

use super::{
    ByteSink, ObjectName, Packages, Piece,
    piece::{Holding, PieceReader},
    wrap::Wrap,
};
use crate::hex;

/// What is known of a closed package: small enough for a record, and nothing personal in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredPackage {
    /// The request.
    pub request: Id,
    /// What it is.
    pub form: Form,
    /// Its parts, one after the other.
    pub parts: Vec<Part>,
    /// How many bytes it has.
    pub length: u64,
    /// How many files are in it.
    pub entries: u64,
    /// What names its bytes: a SHA-256 over the lengths and digests of its parts, and over what an
    /// encrypted file begins with.
    #[serde(with = "hex")]
    pub digest: [u8; 32],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) wrap: Option<Wrap>,
}

/// What a package is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Form {
    /// A ZIP file for a key of the person's own (age). Its parts are the ZIP file's.
    Age,
    /// A ZIP file.
    Zip,
}

/// A part of a package, under the key of whose data it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Part {
    /// The tenant.
    pub tenant: TenantId,
    /// Under whose key it is sealed.
    pub subject: SubjectId,
    /// Where it lies.
    pub piece: Piece,
}

impl Form {
    /// The type of its bytes for an answer of HTTP.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Age => "application/octet-stream",
            Self::Zip => "application/zip",
        }
    }

    /// How a file of it ends.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Age => "zip.age",
            Self::Zip => "zip",
        }
    }
}

impl StoredPackage {
    pub(super) fn of(request: Id, parts: Vec<Part>, entries: u64) -> Self {
        let mut hash = Sha256::default();
        hash.update(b"bailee package 1\n");
        for part in &parts {
            hash.update(&part.piece.length.to_be_bytes());
            hash.update(&part.piece.digest);
        }
        let length = parts.iter().map(|part| part.piece.length).sum();
        let (form, digest) = (Form::Zip, hash.finish());
        Self { request, form, parts, length, entries, digest, wrap: None }
    }

    /// The same as it is encrypted for somebody.
    #[cfg(feature = "age")]
    pub(super) fn wrapped(self, length: u64, wrap: Wrap) -> Self {
        let mut hash = Sha256::default();
        hash.update(b"bailee package for a key 1\n");
        hash.update(&self.digest);
        hash.update(&wrap.opening);
        Self { form: Form::Age, length, digest: hash.finish(), wrap: Some(wrap), ..self }
    }

    /// How many bytes its parts have.
    #[cfg(feature = "age")]
    pub(super) fn plain_length(&self) -> u64 {
        self.parts.iter().map(|part| part.piece.length).sum()
    }

    /// The objects of the spool that belong to it.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectName> {
        self.parts.iter().map(|part| &part.piece.object)
    }

    /// What an answer of HTTP carries as `ETag`: a strong one.
    pub fn etag(&self) -> String {
        format!("\"{}\"", hex::text(&self.digest))
    }
}

/// A package that can be read from any place, again and again.
///
/// What it gives was opened with the key of whose data it is and compared with its place: what somebody
/// changed, moved or cut off in the spool is an error and never bytes.
#[derive(Clone)]
pub struct Package {
    packages: Packages,
    stored: StoredPackage,
}

impl Package {
    pub(super) fn new(packages: Packages, stored: StoredPackage) -> Self {
        Self { packages, stored }
    }

    /// What is known of it.
    pub fn stored(&self) -> &StoredPackage {
        &self.stored
    }

    /// How many bytes it has.
    #[expect(clippy::len_without_is_empty, reason = "a package always has a directory")]
    pub fn len(&self) -> u64 {
        self.stored.length
    }

    /// Reads so many bytes from a place on. They are in memory at once; for more than a few MiB there is
    /// [`stream_to`](Self::stream_to).
    ///
    /// # Errors
    ///
    /// `InvalidInput` where it ends earlier; else as [`stream_to`](Self::stream_to).
    pub async fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let end = offset.checked_add(length as u64).ok_or(ErrorKind::InvalidInput)?;
        let mut bytes = Vec::with_capacity(length.min(1 << 20));
        self.stream_to(offset..end, &mut bytes).await?;
        Ok(bytes)
    }

    /// Gives a range of it to a sink, a frame of the spool at a time.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a range that does not lie within it, `Shredded` or `KeyMissing` when the
    /// person's key is gone, `NotFound` when an object is, `Unopenable` for one that is not what was
    /// sealed, `Unsupported` for an encrypted one where the feature `age` is off; what the spool, the
    /// vault and the sink say. What was given before an error is good.
    pub async fn stream_to(&self, range: Range<u64>, sink: &mut dyn ByteSink) -> Result<()> {
        if range.start > range.end || range.end > self.stored.length {
            return Err(Error::new(ErrorKind::InvalidInput)
                .with_detail("a range that does not lie within the package"));
        }
        match &self.stored.wrap {
            #[cfg(feature = "age")]
            Some(wrap) => {
                super::age::stream_to(self.packages.vault(), self, wrap, range, sink).await
            }
            #[cfg(not(feature = "age"))]
            Some(_) => Err(ErrorKind::Unsupported.into()),
            None => self.stream_plain(range, sink).await,
        }
    }

    /// Gives a range of the ZIP file to a sink.
    pub(super) async fn stream_plain(
        &self,
        range: Range<u64>,
        sink: &mut dyn ByteSink,
    ) -> Result<()> {
        let mut begins = 0;
        for part in &self.stored.parts {
            let ends = begins + part.piece.length;
            let (from, to) = (range.start.max(begins), range.end.min(ends));
            if from < to {
                let holding = Holding {
                    tenant: part.tenant.clone(),
                    subject: part.subject,
                    request: self.stored.request,
                };
                let within = from - begins..to - begins;
                let (vault, spool) = (self.packages.vault(), self.packages.spool());
                let mut reader = PieceReader::new(vault, spool, holding, &part.piece, within);
                while reader.next(sink).await? {}
            }
            begins = ends;
        }
        Ok(())
    }
}

impl fmt::Debug for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Package").field("stored", &self.stored).finish_non_exhaustive()
    }
}
