//! An anchor in a file.
//!
//! ```text
//! bailee erasures 1
//! <place> <entry, hexadecimal> <first 16 bytes of the SHA-256 of all before it in the line>
//! ```
//!
//! A line that a crash cut off has no end of line; the next writer cuts it away. Any other line that is
//! not as it was written is damage.

use std::{
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use bailee_core::{HostError, Id, sha256};

use super::{Anchored, ErasureAnchor};

/// An anchor in a file that its owner alone can read, for processes of one machine. It belongs on a
/// disk that is not put back together with the database.
///
/// It writes and syncs where it is called: a few milliseconds, once for each erasure. A lock in a file
/// beside it (`.lock`) keeps several processes from writing at once.
#[derive(Debug)]
pub struct FileAnchor {
    path: PathBuf,
    /// Up to which place was read, and where the line behind it begins.
    read: Mutex<(u64, u64)>,
}

impl FileAnchor {
    /// Opens the file of an anchor, which it makes where there is none.
    ///
    /// # Errors
    ///
    /// The file cannot be made, or is something else.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, HostError> {
        let anchor = Self { path: path.into(), read: Mutex::new((0, 0)) };
        let _lock = anchor.lock()?;
        let mut file = private(&anchor.path)?;
        if file.metadata()?.len() == 0 {
            file.write_all(HEADER)?;
            file.sync_all()?;
            sync_folder(&anchor.path)?;
        } else {
            let mut head = vec![0; HEADER.len()];
            file.read_exact(&mut head)?;
            if head != HEADER {
                return Err("the file is no anchor of erasures".into());
            }
        }
        Ok(anchor)
    }

    /// Holds off other writers until what it gives is dropped.
    fn lock(&self) -> Result<File, HostError> {
        let mut name = self.path.clone().into_os_string();
        name.push(".lock");
        let file = private(Path::new(&name))?;
        file.lock()?;
        Ok(file)
    }

    fn add(&self, entry: &[u8]) -> Result<(), HostError> {
        let _lock = self.lock()?;
        let mut file = OpenOptions::new().read(true).write(true).open(&self.path)?;
        let (end, last) = end_of(&mut file)?;
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        let place = last.checked_add(1).ok_or("the anchor is full")?;
        file.write_all(line(place, entry).as_bytes())?;
        file.sync_all()?;
        Ok(())
    }

    fn after(&self, after: u64, limit: u32) -> Result<Vec<Anchored>, HostError> {
        let known = *self.read.lock().unwrap_or_else(PoisonError::into_inner);
        // Where the file was written anew, what lies there is no line: a line carries its own digest.
        if known.0 == after
            && known.1 > 0
            && let Ok((found, end)) = self.read_from(known.1, after, limit)
        {
            self.remember(&found, end);
            return Ok(found);
        }
        let (found, end) = self.read_from(HEADER.len() as u64, after, limit)?;
        self.remember(&found, end);
        Ok(found)
    }

    fn remember(&self, found: &[Anchored], end: u64) {
        if let Some(last) = found.last() {
            *self.read.lock().unwrap_or_else(PoisonError::into_inner) = (last.place, end);
        }
    }

    /// Reads lines from a byte on; says where the last one ends.
    fn read_from(
        &self,
        begin: u64,
        after: u64,
        limit: u32,
    ) -> Result<(Vec<Anchored>, u64), HostError> {
        let mut file = File::open(&self.path)?;
        if file.metadata()?.len() < begin {
            return Err(damaged());
        }
        file.seek(SeekFrom::Start(begin))?;
        let mut reader = BufReader::new(file);
        let (mut found, mut end, mut before) = (Vec::new(), begin, 0);
        let mut text = Vec::new();
        while found.len() < limit as usize {
            text.clear();
            let length = reader.by_ref().take(LONGEST).read_until(b'\n', &mut text)?;
            if text.pop() != Some(b'\n') {
                // The end, or a line that a crash cut off.
                if length as u64 == LONGEST {
                    return Err(damaged());
                }
                break;
            }
            let anchored = parse(&text).ok_or_else(damaged)?;
            if anchored.place <= before {
                return Err(damaged());
            }
            before = anchored.place;
            end += length as u64;
            if anchored.place > after {
                found.push(anchored);
            }
        }
        Ok((found, end))
    }

    /// Writes the file anew without some entries. The last one stays, so that its place is given to
    /// no other.
    fn drop_entries(&self, places: &[u64]) -> Result<(), HostError> {
        let _lock = self.lock()?;
        let (found, _) = self.read_from(HEADER.len() as u64, 0, u32::MAX)?;
        let last = found.last().map(|last| last.place);
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        let new = Path::new(&name);
        if new.exists() {
            fs::remove_file(new)?;
        }
        let mut file = io::BufWriter::new(private(new)?);
        file.write_all(HEADER)?;
        for anchored in &found {
            if Some(anchored.place) == last || !places.contains(&anchored.place) {
                file.write_all(line(anchored.place, &anchored.entry).as_bytes())?;
            }
        }
        file.flush()?;
        file.get_ref().sync_all()?;
        fs::rename(new, &self.path)?;
        sync_folder(&self.path)
    }
}

#[async_trait]
impl ErasureAnchor for FileAnchor {
    async fn append(&self, entry: &[u8]) -> Result<(), HostError> {
        self.add(entry)
    }

    async fn entries(&self, after: u64, limit: u32) -> Result<Vec<Anchored>, HostError> {
        self.after(after, limit)
    }

    async fn forget(&self, places: &[u64]) -> Result<(), HostError> {
        self.drop_entries(places)
    }
}

/// Opens a file that its owner alone can read, and makes it where there is none.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Sees that the name of a file outlives a crash as well as what is in it.
fn sync_folder(path: &Path) -> Result<(), HostError> {
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Where the last whole line ends, and its place.
fn end_of(file: &mut File) -> Result<(u64, u64), HostError> {
    let length = file.metadata()?.len();
    // Two lines at their longest: the last whole one is among them, whatever was cut off behind it.
    let begin = length.saturating_sub(2 * LONGEST).max(HEADER.len() as u64);
    file.seek(SeekFrom::Start(begin))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let Some(end) = tail.iter().rposition(|byte| *byte == b'\n') else {
        if begin == HEADER.len() as u64 {
            return Ok((begin, 0));
        }
        return Err(damaged());
    };
    let start = tail[..end].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let last = parse(&tail[start..end]).ok_or_else(damaged)?;
    Ok((begin + end as u64 + 1, last.place))
}

fn line(place: u64, entry: &[u8]) -> String {
    let mut text = format!("{place} ");
    for byte in entry {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    let digest = Id::from_digest(&sha256(text.as_bytes()));
    let _ = writeln!(text, " {digest}");
    text
}

fn parse(line: &[u8]) -> Option<Anchored> {
    let (told, digest) = std::str::from_utf8(line).ok()?.rsplit_once(' ')?;
    if digest.parse::<Id>().ok()? != Id::from_digest(&sha256(told.as_bytes())) {
        return None;
    }
    let (place, hex) = told.split_once(' ')?;
    let place = place.parse().ok()?;
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    Some(Anchored { place, entry: pairs.iter().map(byte).collect::<Option<_>>()? })
}

fn damaged() -> HostError {
    "the anchor of erasures is damaged".into()
}

const HEADER: &[u8] = b"bailee erasures 1\n";

/// The longest line, in bytes.
const LONGEST: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(anchor: &FileAnchor) -> Vec<Vec<u8>> {
        anchor.after(0, 100).unwrap().into_iter().map(|anchored| anchored.entry).collect()
    }

    #[test]
    fn a_line_that_a_crash_cut_off_is_cut_away_and_its_place_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("erasures");
        let anchor = FileAnchor::open(&path).unwrap();
        anchor.add(b"first").unwrap();
        anchor.add(b"second").unwrap();
        let whole = fs::read(&path).unwrap();
        let first = whole.len() - line(2, b"second").len();
        for cut in first..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(entries(&anchor), [b"first".to_vec()], "{cut}");
            anchor.add(b"again").unwrap();
            assert_eq!(entries(&anchor), [b"first".to_vec(), b"again".to_vec()], "{cut}");
            assert_eq!(anchor.after(1, 100).unwrap()[0].place, 2);
        }
    }

    #[test]
    fn a_line_that_was_changed_is_damage_and_never_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("erasures");
        let anchor = FileAnchor::open(&path).unwrap();
        for entry in [b"first", b"other", b"third"] {
            anchor.add(entry).unwrap();
        }
        let whole = fs::read(&path).unwrap();
        for at in HEADER.len()..whole.len() - 1 {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, changed).unwrap();
            let anchor = FileAnchor::open(&path).unwrap();
            assert!(anchor.after(0, 100).is_err(), "{at}");
        }
        fs::write(&path, b"something else entirely").unwrap();
        assert!(FileAnchor::open(&path).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_but_its_owner_reads_it_also_after_it_was_written_anew() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("erasures");
        let anchor = FileAnchor::open(&path).unwrap();
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        anchor.add(b"first").unwrap();
        anchor.drop_entries(&[]).unwrap();
        assert_eq!(mode(), 0o600);
    }
}
