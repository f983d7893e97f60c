//! A spool in a directory of the host's.

use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bailee_core::{Error, ErrorKind, Result};
use futures_channel::oneshot;

use super::{ObjectName, Spool, SpoolWriter};
use crate::Blocking;

/// A spool whose objects are files of a directory that nobody else may enter.
///
/// Each is written under another name, brought to the disk and renamed, so that a reader finds all of
/// it or nothing. It begins no thread: what waits for the disk is a job for the host's [`Blocking`].
/// Several processes may share a directory on one machine. It asks a file system that renames
/// atomically.
#[derive(Clone)]
pub struct DirectorySpool {
    root: Arc<Path>,
    blocking: Arc<dyn Blocking>,
}

impl DirectorySpool {
    /// Opens a directory, or makes it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] where it cannot be made, is no directory, or may be entered by
    /// anybody beside its owner.
    pub async fn open(root: impl Into<PathBuf>, blocking: Arc<dyn Blocking>) -> Result<Self> {
        let root: Arc<Path> = root.into().into();
        let spool = Self { root: Arc::clone(&root), blocking };
        let opened = spool.run(move || {
            if !root.exists() {
                directory_of_our_own().create(&root)?;
            }
            is_our_own(&root)
        });
        match opened.await? {
            Ok(true) => Ok(spool),
            Ok(false) => Err(Error::new(ErrorKind::Configuration)
                .with_detail("the directory of the spool is open to others")),
            Err(error) => Err(Error::new(ErrorKind::Configuration)
                .with_detail("the directory of the spool cannot be opened")
                .with_source(error.kind().to_string())),
        }
    }

    /// Has a job done and waits for its answer.
    async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        run(&*self.blocking, job).await
    }
}

async fn run<T: Send + 'static>(
    blocking: &dyn Blocking,
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let (giver, taker) = oneshot::channel();
    blocking.run(Box::new(move || {
        // Nobody waits any more where this fails.
        let _ = giver.send(job());
    }));
    taker.await.map_err(|_| {
        Error::new(ErrorKind::HostFailed).with_detail("a job of the spool was dropped")
    })
}

#[async_trait]
impl Spool for DirectorySpool {
    async fn write(&self, name: &ObjectName) -> Result<Box<dyn SpoolWriter>> {
        let (path, part) = paths(&self.root, name);
        let root = Arc::clone(&self.root);
        let opened = self.run(move || file_of_our_own().open(&part).map(|file| (file, part)));
        let (file, part) = opened.await?.map_err(failed)?;
        let blocking = Arc::clone(&self.blocking);
        Ok(Box::new(Writer {
            root,
            path,
            part: Unfinished(Some(part)),
            file: Some(file),
            blocking,
        }))
    }

    async fn read(&self, name: &ObjectName, offset: u64, length: usize) -> Result<Vec<u8>> {
        let (path, _) = paths(&self.root, name);
        let read = move || {
            let mut file = File::open(path)?;
            // An end that lies behind the file's is told of before anything is made room for.
            if offset.checked_add(length as u64).is_none_or(|end| end > 1 << 62) {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if offset + length as u64 > file.metadata()?.len() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = vec![0; length];
            file.read_exact(&mut bytes)?;
            Ok(bytes)
        };
        self.run(read).await?.map_err(failed)
    }

    async fn length(&self, name: &ObjectName) -> Result<Option<u64>> {
        let (path, _) = paths(&self.root, name);
        match self.run(move || fs::metadata(path)).await? {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    async fn delete(&self, name: &ObjectName) -> Result<()> {
        let (path, part) = paths(&self.root, name);
        let delete = move || {
            for path in [part, path] {
                match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            Ok(())
        };
        self.run(delete).await?.map_err(failed)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectName>> {
        let (root, prefix) = (Arc::clone(&self.root), prefix.to_owned());
        let list = move || {
            let mut names = Vec::new();
            for entry in fs::read_dir(&root)? {
                let name = entry?.file_name();
                let Some(name) = name.to_str() else { continue };
                let name = name.strip_suffix(PART).unwrap_or(name);
                // What is no name of ours is not ours to delete.
                if let (true, Ok(name)) = (name.starts_with(&prefix), ObjectName::new(name)) {
                    names.push(name);
                }
            }
            names.sort();
            names.dedup();
            Ok(names)
        };
        self.run(list).await?.map_err(failed)
    }
}

impl fmt::Debug for DirectorySpool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectorySpool").finish_non_exhaustive()
    }
}

struct Writer {
    root: Arc<Path>,
    path: PathBuf,
    part: Unfinished,
    file: Option<File>,
    blocking: Arc<dyn Blocking>,
}

/// A file that goes with whoever was writing it.
struct Unfinished(Option<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // One call that does not wait for data; what it leaves is listed and swept.
            let _ = fs::remove_file(path);
        }
    }
}

#[async_trait]
impl SpoolWriter for Writer {
    async fn put(&mut self, bytes: Vec<u8>) -> Result<()> {
        let mut file = self.file.take().ok_or(ErrorKind::HostFailed)?;
        let written = run(&*self.blocking, move || file.write_all(&bytes).map(|()| file)).await?;
        self.file = Some(written.map_err(failed)?);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<()> {
        let file = self.file.take().ok_or(ErrorKind::HostFailed)?;
        let (root, path) = (Arc::clone(&self.root), self.path.clone());
        let part = self.part.0.take().ok_or(ErrorKind::HostFailed)?;
        let finish = move || {
            file.sync_all()?;
            drop(file);
            fs::rename(&part, &path)?;
            sync_directory(&root)
        };
        run(&*self.blocking, finish).await?.map_err(failed)
    }
}

/// The file of an object, and the one that it is written as.
fn paths(root: &Path, name: &ObjectName) -> (PathBuf, PathBuf) {
    (root.join(name.as_str()), root.join(format!("{name}{PART}")))
}

/// A name that no object has.
const PART: &str = "~";

fn failed(error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::UnexpectedEof => ErrorKind::InvalidInput,
        _ => ErrorKind::HostFailed,
    };
    // The error itself may name a path.
    Error::new(kind).with_source(error.kind().to_string())
}

#[cfg(unix)]
fn directory_of_our_own() -> DirBuilder {
    use std::os::unix::fs::DirBuilderExt;

    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder
}

#[cfg(not(unix))]
fn directory_of_our_own() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    builder
}

#[cfg(unix)]
fn is_our_own(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;

    let metadata = fs::metadata(path)?;
    if !metadata.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    Ok(metadata.permissions().mode() & 0o077 == 0)
}

#[cfg(not(unix))]
fn is_our_own(path: &Path) -> io::Result<bool> {
    if fs::metadata(path)?.is_dir() { Ok(true) } else { Err(io::ErrorKind::NotADirectory.into()) }
}

#[cfg(unix)]
fn file_of_our_own() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;

    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
}

#[cfg(not(unix))]
fn file_of_our_own() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    options
}

/// A rename is on the disk when its directory is.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
