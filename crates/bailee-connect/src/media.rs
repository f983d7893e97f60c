//! The bytes of an upload, read part by part while they are sent.

use std::fmt;

use async_trait::async_trait;
use bailee_core::HostError;

/// Where the bytes of an upload come from.
///
/// A host implements it for an object store or whatever else holds its media; [`BytesMedia`] and
/// `FileMedia` (feature `tokio`) are at hand.
#[async_trait]
pub trait MediaSource: fmt::Debug + Send + Sync {
    /// The whole length in bytes. *Must not* change while the upload lasts.
    fn size(&self) -> u64;

    /// The bytes from `offset` on, exactly `length` of them.
    ///
    /// The same part may be asked for again: a provider that did not take it gets it once more.
    ///
    /// # Errors
    ///
    /// Any error ends the upload; it is kept as the source of ours.
    async fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, HostError>;
}

/// Media that lies in memory.
#[derive(Clone)]
pub struct BytesMedia(std::sync::Arc<[u8]>);

impl BytesMedia {
    /// Takes over the bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into().into())
    }
}

impl fmt::Debug for BytesMedia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BytesMedia({} bytes)", self.0.len())
    }
}

#[async_trait]
impl MediaSource for BytesMedia {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    async fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, HostError> {
        let part = usize::try_from(offset)
            .ok()
            .zip(usize::try_from(length).ok())
            .and_then(|(offset, length)| self.0.get(offset..offset.checked_add(length)?));
        part.map(<[u8]>::to_vec).ok_or_else(|| "the part lies outside the media".into())
    }
}

/// Media that lies in a file. It is read on tokio's threads for blocking work, one part at a time.
#[cfg(feature = "tokio")]
pub struct FileMedia {
    path: std::path::PathBuf,
    size: u64,
}

#[cfg(feature = "tokio")]
impl FileMedia {
    /// Looks at a file.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::HostFailed`] where there is no such file.
    pub fn open(path: impl Into<std::path::PathBuf>) -> bailee_core::Result<Self> {
        let path = path.into();
        let metadata = std::fs::metadata(&path).map_err(|error| {
            bailee_core::Error::new(bailee_core::ErrorKind::HostFailed).with_source(error)
        })?;
        Ok(Self { path, size: metadata.len() })
    }
}

#[cfg(feature = "tokio")]
impl fmt::Debug for FileMedia {
    // A file's name may be personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileMedia({} bytes)", self.size)
    }
}

#[cfg(feature = "tokio")]
#[async_trait]
impl MediaSource for FileMedia {
    fn size(&self) -> u64 {
        self.size
    }

    async fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, HostError> {
        use std::io::{Read, Seek, SeekFrom};

        let path = self.path.clone();
        let read = move || -> std::io::Result<Vec<u8>> {
            let mut file = std::fs::File::open(path)?;
            file.seek(SeekFrom::Start(offset))?;
            let mut part = Vec::new();
            file.take(length).read_to_end(&mut part)?;
            Ok(part)
        };
        Ok(tokio::task::spawn_blocking(read).await??)
    }
}

#[cfg(all(test, feature = "tokio"))]
mod tests {
    use super::*;

    #[test]
    fn a_part_outside_the_media_is_an_error() {
        let media = BytesMedia::new(vec![1, 2, 3]);
        let read = |offset, length| {
            futures_util::FutureExt::now_or_never(media.read(offset, length)).unwrap()
        };
        assert_eq!(read(1, 2).unwrap(), [2, 3]);
        assert!(read(2, 2).is_err());
        assert!(read(u64::MAX, 2).is_err());
    }
}
