//! The frame of a ZIP file (APPNOTE 6.3.10), written forward only.
//!
//! Libraries for it keep what they wrote in memory and cannot go on after a crash; here each entry is
//! remembered outside, and whoever has the entries of all strands can write the directory at the end.
//! An entry of unknown size has its sizes behind it (bit 3), in eight bytes each where four are too few.

use bailee_core::{Error, ErrorKind, Result, Sha256, Timestamp};
use flate2::{Compress, Compression, FlushCompress, Status};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::ByteSink;

/// What the directory says of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its name in the file.
    #[serde(rename = "p")]
    pub(super) path: String,
    /// Which strand it lies in.
    #[serde(rename = "s")]
    pub(super) strand: u8,
    /// Where in its strand it begins.
    #[serde(rename = "o")]
    pub(super) offset: u64,
    #[serde(rename = "c")]
    pub(super) crc: u32,
    /// How long it is in the file.
    #[serde(rename = "k")]
    pub(super) packed: u64,
    /// How long it is.
    #[serde(rename = "l")]
    pub(super) plain: u64,
    /// Whether it is deflated, and its sizes are behind it.
    #[serde(rename = "d")]
    pub(super) deflated: bool,
    /// The time that stands beside it, as the format writes it.
    #[serde(rename = "t")]
    pub(super) time: u32,
}

/// An entry that ended, with the SHA-256 of what is in it.
pub(super) struct Ended {
    pub(super) entry: Entry,
    pub(super) digest: [u8; 32],
}

/// A row of entries, one after the other, from an offset that is not known yet.
pub(super) struct Strand {
    number: u8,
    time: u32,
    /// How many bytes were made of it, those that wait included.
    position: u64,
    waiting: Vec<u8>,
    plain: Vec<u8>,
    deflate: Compress,
    open: Option<Open>,
}

struct Open {
    path: String,
    offset: u64,
    data: u64,
    crc: crc32fast::Hasher,
    hash: Sha256,
    plain: u64,
}

impl Strand {
    pub(super) fn new(number: u8, at: Timestamp) -> Self {
        Self {
            number,
            time: dos_time(at),
            position: 0,
            waiting: Vec::with_capacity(2 * PIECE),
            plain: Vec::with_capacity(2 * PIECE),
            deflate: Compress::new(Compression::new(LEVEL), false),
            open: None,
        }
    }

    /// How many bytes it has.
    pub(super) fn length(&self) -> u64 {
        self.position
    }

    /// Begins an entry. The one before has ended.
    pub(super) fn begin(&mut self, path: String) {
        let offset = self.position;
        self.local_header(&path, STREAMED, DEFLATED, 0, 0);
        let (crc, hash) = (crc32fast::Hasher::new(), Sha256::default());
        self.deflate.reset();
        self.open = Some(Open { path, offset, data: self.position, crc, hash, plain: 0 });
    }

    /// The buffer to which the next bytes of the entry are added.
    pub(super) fn plain(&mut self) -> &mut Vec<u8> {
        &mut self.plain
    }

    /// Gives on what is enough to give on.
    pub(super) async fn advance(&mut self, sink: &mut dyn ByteSink) -> Result<()> {
        if self.plain.len() >= PIECE {
            self.squeeze(false)?;
        }
        if self.waiting.len() >= PIECE { self.flush(sink).await } else { Ok(()) }
    }

    /// Ends the entry.
    pub(super) async fn end(&mut self, sink: &mut dyn ByteSink) -> Result<Ended> {
        self.squeeze(true)?;
        let open = self.open.take().ok_or_else(no_entry)?;
        let packed = self.position - open.data;
        let (crc, plain) = (open.crc.finalize(), open.plain);
        let mut behind = Vec::with_capacity(24);
        behind.extend(0x0807_4b50_u32.to_le_bytes());
        behind.extend(crc.to_le_bytes());
        if is_large(packed) || is_large(plain) {
            behind.extend(packed.to_le_bytes());
            behind.extend(plain.to_le_bytes());
        } else {
            behind.extend(short(packed).to_le_bytes());
            behind.extend(short(plain).to_le_bytes());
        }
        self.push(&behind);
        self.advance(sink).await?;
        let entry = Entry {
            path: open.path,
            strand: self.number,
            offset: open.offset,
            crc,
            packed,
            plain,
            deflated: true,
            time: self.time,
        };
        Ok(Ended { entry, digest: open.hash.finish() })
    }

    /// Writes an entry whole.
    pub(super) async fn whole(
        &mut self,
        sink: &mut dyn ByteSink,
        path: String,
        bytes: &[u8],
    ) -> Result<Entry> {
        let plain = bytes.len() as u64;
        if is_large(plain) {
            return Err(ErrorKind::TooLarge.into());
        }
        let offset = self.position;
        let crc = crc32fast::hash(bytes);
        self.local_header(&path, PLAIN, STORED, crc, short(plain));
        self.flush(sink).await?;
        for piece in bytes.chunks(4 * PIECE) {
            sink.take(piece).await?;
        }
        self.position += plain;
        Ok(Entry {
            path,
            strand: self.number,
            offset,
            crc,
            packed: plain,
            plain,
            deflated: false,
            time: self.time,
        })
    }

    /// Gives on all that waits.
    pub(super) async fn flush(&mut self, sink: &mut dyn ByteSink) -> Result<()> {
        if !self.waiting.is_empty() {
            sink.take(&self.waiting).await?;
            self.waiting.clear();
        }
        Ok(())
    }

    fn squeeze(&mut self, ends: bool) -> Result<()> {
        let open = self.open.as_mut().ok_or_else(no_entry)?;
        open.crc.update(&self.plain);
        open.hash.update(&self.plain);
        open.plain += self.plain.len() as u64;
        let flush = if ends { FlushCompress::Finish } else { FlushCompress::None };
        let mut taken = 0;
        loop {
            self.waiting.reserve(PIECE);
            let (took, made) = (self.deflate.total_in(), self.waiting.len());
            let status = self.deflate.compress_vec(&self.plain[taken..], &mut self.waiting, flush);
            taken += (self.deflate.total_in() - took) as usize;
            self.position += (self.waiting.len() - made) as u64;
            match status {
                Ok(Status::StreamEnd) => break,
                Ok(_) if !ends && taken == self.plain.len() => break,
                Ok(_) => {}
                Err(_) => return Err(no_entry()),
            }
        }
        self.plain.clear();
        Ok(())
    }

    fn local_header(&mut self, path: &str, flags: u16, method: u16, crc: u32, size: u32) {
        let mut header = Vec::with_capacity(30 + path.len());
        header.extend(0x0403_4b50_u32.to_le_bytes());
        header.extend(NEEDS.to_le_bytes());
        header.extend(flags.to_le_bytes());
        header.extend(method.to_le_bytes());
        header.extend(self.time.to_le_bytes());
        header.extend(crc.to_le_bytes());
        header.extend(size.to_le_bytes());
        header.extend(size.to_le_bytes());
        header.extend((path.len() as u16).to_le_bytes());
        header.extend(0_u16.to_le_bytes());
        header.extend(path.as_bytes());
        self.push(&header);
    }

    fn push(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        self.position += bytes.len() as u64;
    }
}

/// The directory at the end of the file. What was handed on and how far it is is all that another
/// process needs to go on with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Directory {
    begins: u64,
    length: u64,
    entries: u64,
    #[serde(skip)]
    waiting: Vec<u8>,
}

impl Directory {
    /// A directory that begins at this place of the file.
    pub(super) fn new(begins: u64) -> Self {
        Self { begins, length: 0, entries: 0, waiting: Vec::new() }
    }

    /// Adds an entry whose strand begins at this place of the file.
    pub(super) async fn add(
        &mut self,
        sink: &mut dyn ByteSink,
        entry: &Entry,
        strand: u64,
    ) -> Result<()> {
        let offset = strand + entry.offset;
        let mut extra = Vec::new();
        for size in [entry.plain, entry.packed, offset] {
            if is_large(size) {
                extra.extend(size.to_le_bytes());
            }
        }
        let long = !extra.is_empty();
        if long {
            let mut field = Vec::with_capacity(extra.len() + 4);
            field.extend(1_u16.to_le_bytes());
            field.extend((extra.len() as u16).to_le_bytes());
            field.append(&mut extra);
            extra = field;
        }
        let before = self.waiting.len();
        let out = &mut self.waiting;
        let (flags, method) = if entry.deflated { (STREAMED, DEFLATED) } else { (PLAIN, STORED) };
        out.extend(0x0201_4b50_u32.to_le_bytes());
        out.extend(MADE_BY.to_le_bytes());
        out.extend(if long { NEEDS_64 } else { NEEDS }.to_le_bytes());
        out.extend(flags.to_le_bytes());
        out.extend(method.to_le_bytes());
        out.extend(entry.time.to_le_bytes());
        out.extend(entry.crc.to_le_bytes());
        out.extend(short(entry.packed).to_le_bytes());
        out.extend(short(entry.plain).to_le_bytes());
        out.extend((entry.path.len() as u16).to_le_bytes());
        out.extend((extra.len() as u16).to_le_bytes());
        // No comment, the first disk, nothing known of what is inside.
        out.extend([0; 6]);
        out.extend(MODE.to_le_bytes());
        out.extend(short(offset).to_le_bytes());
        out.extend(entry.path.as_bytes());
        out.extend(extra);
        self.length += (self.waiting.len() - before) as u64;
        self.entries += 1;
        if self.waiting.len() >= PIECE { self.flush(sink).await } else { Ok(()) }
    }

    /// Gives on all that waits.
    pub(super) async fn flush(&mut self, sink: &mut dyn ByteSink) -> Result<()> {
        if !self.waiting.is_empty() {
            sink.take(&self.waiting).await?;
            self.waiting.clear();
        }
        Ok(())
    }

    /// Ends the file; how many bytes the directory has with its end, and how many entries.
    pub(super) async fn end(mut self, sink: &mut dyn ByteSink) -> Result<(u64, u64)> {
        let ends = self.begins + self.length;
        let before = self.waiting.len();
        let out = &mut self.waiting;
        let many = self.entries >= u64::from(u16::MAX);
        if many || is_large(self.begins) || is_large(self.length) {
            out.extend(0x0606_4b50_u32.to_le_bytes());
            out.extend(44_u64.to_le_bytes());
            out.extend(MADE_BY.to_le_bytes());
            out.extend(NEEDS_64.to_le_bytes());
            out.extend([0; 8]);
            out.extend(self.entries.to_le_bytes());
            out.extend(self.entries.to_le_bytes());
            out.extend(self.length.to_le_bytes());
            out.extend(self.begins.to_le_bytes());
            out.extend(0x0706_4b50_u32.to_le_bytes());
            out.extend(0_u32.to_le_bytes());
            out.extend(ends.to_le_bytes());
            out.extend(1_u32.to_le_bytes());
        }
        let entries = u16::try_from(self.entries).unwrap_or(u16::MAX);
        out.extend(0x0605_4b50_u32.to_le_bytes());
        out.extend([0; 4]);
        out.extend(entries.to_le_bytes());
        out.extend(entries.to_le_bytes());
        out.extend(short(self.length).to_le_bytes());
        out.extend(short(self.begins).to_le_bytes());
        out.extend(0_u16.to_le_bytes());
        self.length += (self.waiting.len() - before) as u64;
        sink.take(&self.waiting).await?;
        Ok((self.length, self.entries))
    }
}

/// Whether four bytes are too few for it: all ones say that eight follow.
fn is_large(size: u64) -> bool {
    size >= u64::from(u32::MAX)
}

fn short(size: u64) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

fn no_entry() -> Error {
    Error::new(ErrorKind::HostFailed).with_detail("an entry of a package could not be written")
}

/// Time and date as MS-DOS had them: two seconds are the least, 1980 is the first year.
fn dos_time(at: Timestamp) -> u32 {
    const FIRST: u32 = 1 << 21 | 1 << 16;
    let Ok(at) = OffsetDateTime::from_unix_timestamp(at.as_seconds()) else { return FIRST };
    let Some(year) = u32::try_from(at.year() - 1980).ok().filter(|year| *year < 128) else {
        return FIRST;
    };
    let date = year << 9 | u32::from(u8::from(at.month())) << 5 | u32::from(at.day());
    let (hour, minute, second) = at.to_hms();
    date << 16 | u32::from(hour) << 11 | u32::from(minute) << 5 | (u32::from(second) / 2)
}

/// How much is gathered before it is given on.
const PIECE: usize = 60 * 1024;

/// Rows of the same fields are alike; more effort makes them little smaller.
const LEVEL: u32 = 1;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// Names are UTF-8.
const PLAIN: u16 = 1 << 11;
/// And the sizes are behind the data.
const STREAMED: u16 = PLAIN | 1 << 3;
const NEEDS: u16 = 20;
const NEEDS_64: u16 = 45;
/// By 4.5 of the format on a system with modes of files.
const MADE_BY: u16 = 3 << 8 | 45;
/// A file that its owner may write and everybody may read.
const MODE: u32 = 0o100_644 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_format() {
        // 2025-06-01T12:00:00Z.
        let time = dos_time(Timestamp::from_seconds(1_748_779_200));
        assert_eq!(time >> 16, (45 << 9) | (6 << 5) | 1);
        assert_eq!(time & 0xffff, 12 << 11);
        assert_eq!(dos_time(Timestamp::from_seconds(0)), 0x0021_0000);
        assert_eq!(dos_time(Timestamp::from_micros(i64::MAX)), 0x0021_0000);
    }
}
