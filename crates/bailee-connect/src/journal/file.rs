//! The file of the journal: frames that are only ever added, and recognised by their digests.
//!
//! ```text
//! file   = header || frame*
//! header = "bailee journal" || 0x00 || version (1) || SHA-256(instance)[0..16]        32 bytes
//! frame  = mark (4) || u32 length of payload || type || id (16) || payload || digest (16)
//! type   = 1 an answer, with its payload || 2 done, with none
//! digest = SHA-256(all of the frame before it)[0..16]
//! ```
//!
//! Numbers are big-endian. Bytes that are no frame are skipped: what a write left that did not come
//! to its end, or what a disk lost. An answer counts as long as no later frame says that it is done.
//!
//! Not protected: whoever can write the file can take frames away or put old ones back. A frame put
//! back is of a generation that the credential has left, and is dropped.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use bailee_core::{Error, ErrorKind, Id, InstanceId, sha256};

const MAGIC: [u8; 15] = *b"bailee journal\0";
const VERSION: u8 = 1;
/// The length of the header.
pub(crate) const HEADER: usize = 32;
/// Where each frame begins: no text and no UTF-8.
const MARK: [u8; 4] = [0xb1, 0xfa, 0x0d, 0xe1];
/// The length of a frame before its payload.
const HEAD: usize = 25;
/// The length of its digest.
const DIGEST: usize = 16;
/// The longest payload: a body of a store with names around it.
const LONGEST: usize = 300 * 1024;

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Answer = 1,
    Done = 2,
}

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("another process has the journal")]
    InUse,
    #[error("the file is not a journal, or of a newer release")]
    NotAJournal,
    #[error("the path is not that of a file")]
    NotAFile,
    #[error("the journal belongs to another instance")]
    OtherInstance,
    #[error("the folder can be written by others")]
    FolderOpen,
    #[error("the journal is full")]
    Full,
    #[error("the file cannot be used: {0}")]
    File(io::ErrorKind),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        // The kind alone: the text of an error may hold a path.
        Self::File(error.kind())
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let kind = match fault {
            Fault::Full => ErrorKind::StoreUnavailable,
            _ => ErrorKind::Configuration,
        };
        Self::new(kind).with_detail("the journal of renewals cannot be used").with_source(fault)
    }
}

/// An answer that stands in the file and is not done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) id: Id,
    pub(crate) payload: Vec<u8>,
}

/// The file, locked for this process.
#[derive(Debug)]
pub(super) struct JournalFile {
    path: PathBuf,
    header: [u8; HEADER],
    file: File,
    /// How far the frames go.
    length: u64,
    limit: u64,
    /// Another file, because the journal itself is replaced when it is written anew.
    _lock: File,
}

impl JournalFile {
    /// Opens the file, makes it where it is missing, and gives the answers that are not done.
    pub(super) fn open(
        path: &Path,
        instance: &InstanceId,
        limit: u64,
    ) -> Result<(Self, Vec<Standing>), Fault> {
        let name = path.file_name().ok_or(Fault::NotAFile)?;
        let folder = folder_of(path);
        platform::make_folder(folder)?;
        // From here on no link in the path counts.
        let folder = folder.canonicalize()?;
        platform::check_folder(&folder)?;
        let path = folder.join(name);
        let lock = platform::open(&with_suffix(&path, ".lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Fault::InUse),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Err(Fault::NotAFile);
        }
        let mut file = platform::open(&path)?;
        platform::narrow(&file)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let header = header_of(instance);
        let read = if let Some(read) = read_file(&bytes, &header)? {
            read
        } else {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(&header)?;
            file.sync_all()?;
            sync_folder(&folder)?;
            Frames::default()
        };
        if read.skipped > 0 {
            tracing::warn!(count = read.skipped, "the journal has bytes that are no frame");
        }
        let length = (HEADER + read.end) as u64;
        file.set_len(length)?;
        let journal = Self { path, header, file, length, limit, _lock: lock };
        Ok((journal, read.standing))
    }

    /// Adds a frame. An answer is on the disk when this returns.
    pub(super) fn append(&mut self, mark: Mark, id: Id, payload: &[u8]) -> Result<(), Fault> {
        let frame = frame(mark, id, payload)?;
        let length = self.length + frame.len() as u64;
        if mark == Mark::Answer && length > self.limit {
            return Err(Fault::Full);
        }
        let written = self.write(&frame, mark == Mark::Answer);
        if written.is_err() {
            // What stands there in part is no frame; the next one is written over it.
            let _ = self.file.set_len(self.length);
        } else {
            self.length = length;
        }
        written.map_err(Fault::from)
    }

    fn write(&mut self, frame: &[u8], keep: bool) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(frame)?;
        if keep { self.file.sync_data() } else { Ok(()) }
    }

    /// Takes all frames away: nothing stands any more.
    pub(super) fn clear(&mut self) -> Result<(), Fault> {
        self.file.set_len(HEADER as u64)?;
        self.length = HEADER as u64;
        Ok(())
    }

    /// Writes the file anew with what still stands.
    pub(super) fn rewrite<'a>(
        &mut self,
        standing: impl Iterator<Item = (Id, &'a [u8])>,
    ) -> Result<(), Fault> {
        let beside = with_suffix(&self.path, ".new");
        let mut file = platform::open(&beside)?;
        file.set_len(0)?;
        let mut bytes = self.header.to_vec();
        for (id, payload) in standing {
            bytes.extend_from_slice(&frame(Mark::Answer, id, payload)?);
        }
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        sync_folder(folder_of(&self.path))?;
        self.file = file;
        self.length = bytes.len() as u64;
        Ok(())
    }

    /// How many bytes it has.
    pub(super) fn length(&self) -> u64 {
        self.length
    }
}

pub(crate) fn header_of(instance: &InstanceId) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..MAGIC.len()].copy_from_slice(&MAGIC);
    header[MAGIC.len()] = VERSION;
    header[MAGIC.len() + 1..].copy_from_slice(&sha256(instance.as_str().as_bytes())[..DIGEST]);
    header
}

pub(crate) fn frame(mark: Mark, id: Id, payload: &[u8]) -> Result<Vec<u8>, Fault> {
    let length = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= LONGEST);
    let length = length.ok_or(Fault::Full)?;
    let mut frame = Vec::with_capacity(HEAD + payload.len() + DIGEST);
    frame.extend_from_slice(&MARK);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.push(mark as u8);
    frame.extend_from_slice(id.as_bytes());
    frame.extend_from_slice(payload);
    let digest = sha256(&frame);
    frame.extend_from_slice(&digest[..DIGEST]);
    Ok(frame)
}

/// What was found in a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Frames {
    pub(crate) standing: Vec<Standing>,
    /// Where the last frame ends, behind the header.
    pub(crate) end: usize,
    /// How many bytes belong to no frame.
    pub(crate) skipped: usize,
}

/// What a file holds. There is nothing where it is new, or the process that made it died while it
/// did.
pub(crate) fn read_file(bytes: &[u8], header: &[u8; HEADER]) -> Result<Option<Frames>, Fault> {
    if bytes.len() < HEADER && header.starts_with(bytes) {
        return Ok(None);
    }
    let Some((found, frames)) = bytes.split_first_chunk::<HEADER>() else {
        return Err(Fault::NotAJournal);
    };
    if !found.starts_with(&MAGIC) || found[MAGIC.len()] != VERSION {
        return Err(Fault::NotAJournal);
    }
    if found != header {
        return Err(Fault::OtherInstance);
    }
    Ok(Some(read_frames(frames)))
}

fn read_frames(bytes: &[u8]) -> Frames {
    let mut found = Frames { standing: Vec::new(), end: 0, skipped: 0 };
    let mut at = 0;
    while at < bytes.len() {
        let Some((mark, id, payload, length)) = parse(&bytes[at..]) else {
            at += 1;
            found.skipped += 1;
            continue;
        };
        found.standing.retain(|standing| standing.id != id);
        if mark == Mark::Answer {
            found.standing.push(Standing { id, payload: payload.to_vec() });
        }
        at += length;
        found.end = at;
    }
    found
}

/// The frame at the beginning of these bytes, and its length.
fn parse(bytes: &[u8]) -> Option<(Mark, Id, &[u8], usize)> {
    let head = bytes.get(..HEAD)?;
    let rest = head.strip_prefix(&MARK)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (mark, id) = rest.split_first()?;
    let mark = match mark {
        1 => Mark::Answer,
        2 => Mark::Done,
        _ => return None,
    };
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    if length > LONGEST {
        return None;
    }
    let digest = bytes.get(HEAD + length..HEAD + length + DIGEST)?;
    if sha256(&bytes[..HEAD + length])[..DIGEST] != *digest {
        return None;
    }
    let id = Id::from_bytes(id.try_into().ok()?);
    Some((mark, id, &bytes[HEAD..HEAD + length], HEAD + length + DIGEST))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(suffix);
    name.into()
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
mod platform {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};

    use super::*;

    pub(super) fn make_folder(folder: &Path) -> Result<(), Fault> {
        Ok(fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?)
    }

    pub(super) fn check_folder(folder: &Path) -> Result<(), Fault> {
        let mode = fs::metadata(folder)?.permissions().mode();
        if mode & 0o022 == 0 { Ok(()) } else { Err(Fault::FolderOpen) }
    }

    pub(super) fn open(path: &Path) -> Result<File, Fault> {
        let mut options = fs::OpenOptions::new();
        Ok(options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?)
    }

    pub(super) fn narrow(file: &File) -> Result<(), Fault> {
        if file.metadata()?.permissions().mode() & 0o177 != 0 {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
        }
        Ok(())
    }
}

#[cfg(not(unix))]
mod platform {
    use super::*;

    pub(super) fn make_folder(folder: &Path) -> Result<(), Fault> {
        Ok(fs::create_dir_all(folder)?)
    }

    pub(super) fn check_folder(_: &Path) -> Result<(), Fault> {
        Ok(())
    }

    pub(super) fn open(path: &Path) -> Result<File, Fault> {
        let mut options = fs::OpenOptions::new();
        Ok(options.read(true).write(true).create(true).truncate(false).open(path)?)
    }

    pub(super) fn narrow(_: &File) -> Result<(), Fault> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
