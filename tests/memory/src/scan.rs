//! A search through all of this process's memory that can be read.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
};

/// What is looked for, each byte changed by [`MASK`].
#[derive(Debug)]
pub(crate) struct Needle {
    pub(crate) name: String,
    pub(crate) masked: Vec<u8>,
}

/// How often something was found, by the buffer that it lies in.
#[derive(Debug, Default)]
pub(crate) struct Hits {
    /// Behind the head of an answer of HTTP/1.1: what hyper and rustls read into. Our own buffer
    /// for a body begins with the body.
    pub(crate) answer: usize,
    /// Behind the name of a member of JSON or before the next member, where the head of the answer
    /// was overwritten by whoever got the freed memory next.
    pub(crate) member: usize,
    /// In the head of a request of HTTP/1.1: what hyper writes out of. Our own buffer for the
    /// header begins with `Bearer` and ends with the token; where the beginning of the head was
    /// overwritten, the next header stands behind it all the same.
    pub(crate) request: usize,
    /// Anywhere else.
    pub(crate) other: usize,
}

impl Needle {
    /// Reads `name=hexadecimal`.
    pub(crate) fn parse(line: &str) -> Self {
        let (name, digits) = line.split_once('=').expect("a name and digits");
        let masked = (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal"))
            .collect();
        Self { name: name.to_owned(), masked }
    }

    fn is_at(&self, bytes: &[u8]) -> bool {
        bytes.len() >= self.masked.len()
            && self.masked.iter().zip(bytes).skip(LOST).all(|(masked, byte)| masked ^ MASK == *byte)
    }
}

/// Looks through every readable range of `/proc/self/maps` but its own buffer.
pub(crate) fn scan(needles: &[Needle]) -> Vec<Hits> {
    let mut found: Vec<_> = needles.iter().map(|_| Hits::default()).collect();
    let mut buffer = vec![0_u8; BEFORE + CHUNK + AFTER];
    let own = buffer.as_ptr().addr()..buffer.as_ptr().addr() + buffer.len();
    let memory = File::open("/proc/self/mem").expect("a process reads its own memory");
    // Read whole before the search, which would otherwise change what it searches.
    let maps = fs::read_to_string("/proc/self/maps").expect("a process knows its own memory");
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (Some(range), Some(rights)) = (fields.next(), fields.next()) else { continue };
        if !rights.starts_with('r') || line.ends_with("[vvar]") || line.ends_with("[vsyscall]") {
            continue;
        }
        let (begin, end) = range.split_once('-').expect("a range");
        let begin = usize::from_str_radix(begin, 16).expect("an address");
        let end = usize::from_str_radix(end, 16).expect("an address");
        let mut at = begin;
        while at < end {
            let from = at.saturating_sub(BEFORE).max(begin);
            let until = (at + CHUNK + AFTER).min(end);
            let window = &mut buffer[..until - from];
            if memory.read_exact_at(window, from as u64).is_err() {
                // Pages of a mapping behind its file's end cannot be read.
                at += CHUNK;
                continue;
            }
            let stop = (at + CHUNK).min(end);
            for place in (at..stop).filter(|place| !own.contains(place)) {
                let here = place - from;
                for (needle, hits) in needles.iter().zip(&mut found) {
                    if needle.is_at(&window[here..]) {
                        let before = &window[here.saturating_sub(BEFORE)..here];
                        let after = &window[here + needle.masked.len()..];
                        *hits.place(before, after) += 1;
                    }
                }
            }
            at = stop;
        }
    }
    // What was copied out of the memory does not stay in it for the next search.
    zeroize::Zeroize::zeroize(&mut buffer);
    found
}

impl Hits {
    /// Which buffer something lies in, by what stands before and behind it.
    fn place(&mut self, before: &[u8], after: &[u8]) -> &mut usize {
        let find = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).rposition(|w| w == text);
        if let Some(head) = find(before, b"\r\n\r\n")
            && find(&before[..head], b"\r\ncontent-length: ").is_some()
        {
            &mut self.answer
        } else if before.ends_with(b"_token\":\"") || after.starts_with(b"\",\"") {
            &mut self.member
        } else if after.starts_with(b"\r\naccept-encoding: ") {
            &mut self.request
        } else {
            &mut self.other
        }
    }
}

const MASK: u8 = 0x5a;
/// The allocator writes so much over the beginning of what is freed; the rest is found.
const LOST: usize = 16;
/// How much is looked at of what stands before a hit.
const BEFORE: usize = 512;
const CHUNK: usize = 1 << 20;
/// Longer than any needle.
const AFTER: usize = 1024;
