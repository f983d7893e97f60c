//! Where the database lies: a file of mode 0600 in a folder that nobody else writes to.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::fault::{Fault, Result};

/// Makes folder and file where they are missing, narrows the file's mode, and gives the path
/// without links.
///
/// SQLite gives its `-wal` and `-shm` files the mode of the database.
pub(crate) fn prepare(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().ok_or(Fault::NotAFile)?;
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    platform::make_folder(folder)?;
    platform::make_file(path)?;
    // Where the name is a link, the folder that counts is that of the file itself.
    let real = match path.canonicalize() {
        Ok(real) => real,
        Err(_) => folder.canonicalize()?.join(name),
    };
    if !real.is_file() {
        return Err(Fault::NotAFile);
    }
    if let Some(folder) = real.parent() {
        platform::check_folder(folder)?;
    }
    platform::narrow(&real)?;
    for suffix in ["-wal", "-shm"] {
        let mut companion = real.clone().into_os_string();
        companion.push(suffix);
        match platform::narrow(Path::new(&companion)) {
            Err(Fault::File(io::ErrorKind::NotFound)) | Ok(()) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(real)
}

fn missing(error: io::Result<()>) -> Result<()> {
    match error {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(unix)]
mod platform {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};

    use super::*;

    pub(super) fn make_folder(folder: &Path) -> Result<()> {
        missing(fs::DirBuilder::new().recursive(true).mode(0o700).create(folder))
    }

    pub(super) fn make_file(path: &Path) -> Result<()> {
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        missing(file.map(drop))
    }

    pub(super) fn check_folder(folder: &Path) -> Result<()> {
        let mode = fs::metadata(folder)?.permissions().mode();
        if mode & 0o022 == 0 { Ok(()) } else { Err(Fault::FolderOpen) }
    }

    pub(super) fn narrow(path: &Path) -> Result<()> {
        if fs::metadata(path)?.permissions().mode() & 0o177 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        }
        Ok(())
    }
}

#[cfg(not(unix))]
mod platform {
    use super::*;

    pub(super) fn make_folder(folder: &Path) -> Result<()> {
        missing(fs::DirBuilder::new().recursive(true).create(folder))
    }

    pub(super) fn make_file(path: &Path) -> Result<()> {
        let file = fs::OpenOptions::new().write(true).create_new(true).open(path);
        missing(file.map(drop))
    }

    pub(super) fn check_folder(_: &Path) -> Result<()> {
        Ok(())
    }

    pub(super) fn narrow(path: &Path) -> Result<()> {
        fs::metadata(path)?;
        Ok(())
    }
}
